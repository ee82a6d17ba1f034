//! Findings: what is wrong with a script, for the one who wrote it. Positions count characters
//! inside the script; where it stands in a file is the compiler's business.

use std::sync::Arc;

/// Something that is wrong in an expression or a rule file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule file; none for an expression.
    pub file: Option<Arc<str>>,
    /// The line inside the script; the first is 1.
    pub line: usize,
    /// The column in characters; the first is 1.
    pub column: usize,
    /// How many characters are meant; at least 1.
    pub length: usize,
    /// What kind of mistake.
    pub kind: FindingKind,
    /// What is wrong: lower case, values in backticks, no full stop.
    pub message: String,
    /// How to make it right.
    pub hint: Option<String>,
}

/// The kinds of mistakes. The compiler gives each its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FindingKind {
    /// It cannot be read.
    Syntax,
    /// A name that is none of the facts.
    UnknownName,
    /// `project.x` of a field that is not declared, or another fact without such a property.
    UnknownField,
    /// `tasks.x` of a task that the workflow does not have, or a word outside its `for_each`.
    UnknownTask,
    /// An outcome with which the task cannot end.
    UnknownOutcome,
    /// A function or method that does not exist, or not with these arguments.
    UnknownFunction,
    /// Two things that cannot be compared or computed with one another.
    TypeMismatch,
    /// A word that is not in the choice list of the field.
    NotInChoice,
    /// Something that this kind of script may not do or name.
    Forbidden,
    /// The expression is not a question with yes or no for an answer.
    NotBoolean,
    /// A function asks for a parameter that nobody can give.
    UnknownParameter,
    /// Two functions of one name with as many parameters.
    DuplicateFunction,
    /// A function asks for a field or a task that no workflow has.
    Undeclared,
}

impl FindingKind {
    /// Every kind.
    pub const ALL: [Self; 13] = [
        Self::Syntax,
        Self::UnknownName,
        Self::UnknownField,
        Self::UnknownTask,
        Self::UnknownOutcome,
        Self::UnknownFunction,
        Self::TypeMismatch,
        Self::NotInChoice,
        Self::Forbidden,
        Self::NotBoolean,
        Self::UnknownParameter,
        Self::DuplicateFunction,
        Self::Undeclared,
    ];
}
