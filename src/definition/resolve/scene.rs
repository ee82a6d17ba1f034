//! What a workflow's names can refer to, and how its expressions are compiled.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::definition::CompiledWorkflow;
use crate::definition::authored::shapes::Scalar;
use crate::definition::code::Code;
use crate::definition::compiled::{FunctionName, Policy, TaskSpec};
use crate::definition::diagnostic::{Diagnostic, Findings, Span};
use crate::definition::span::{KeyPath, SpanIndex};
use crate::model::id::{LevelId, ReasonCode};
use crate::model::organization::Title;
use crate::script::{
    Condition, Finding, FindingKind, Functions, Origin, TaskWords, Use, Vocabulary,
};

use super::desk::Desk;
use super::roles::Roles;

/// What all workflows share and a published version keeps: policies, reason codes, functions.
pub(in crate::definition) struct Rules {
    /// The levels of escalation, lowest first.
    pub levels: Vec<LevelId>,
    /// The ladders.
    pub policies: Vec<Policy>,
    /// The tasks that steps of ladders open.
    pub special: Vec<Arc<TaskSpec>>,
    /// The reason codes.
    pub reasons: BTreeMap<ReasonCode, Title>,
    /// What people call the words of choices, outcomes and units.
    pub words: Arc<BTreeMap<Arc<str>, Title>>,
    /// The functions.
    pub functions: Arc<Functions>,
    /// Where things stand in the files of functions.
    pub scripts: Vec<ScriptFile>,
    /// Whether nothing of it is wrong.
    pub whole: bool,
}

/// A file of functions.
pub(in crate::definition) struct ScriptFile {
    /// Its path.
    pub path: Arc<str>,
    /// Its text.
    pub source: Arc<str>,
}

impl Rules {
    /// Where a finding of a rule file stands.
    pub(super) fn place(&self, finding: &Finding) -> Option<Span> {
        let file = finding.file.as_ref()?;
        let script = self.scripts.iter().find(|script| script.path == *file)?;
        let position = (finding.line, finding.column, finding.length);
        Some(script_span(&script.path, &script.source, position))
    }

    /// What the functions ask for that none of all workflows has.
    pub(in crate::definition) fn undeclared(
        &self,
        workflows: &[CompiledWorkflow],
        findings: &mut Findings,
    ) {
        let workflows = || workflows.iter().map(|compiled| &compiled.workflow);
        let fields = workflows().flat_map(|workflow| &workflow.fields);
        let fields = fields.map(|field| field.id.as_str()).collect();
        let tasks = workflows().flat_map(|workflow| &workflow.stages);
        let tasks = tasks.flat_map(|stage| &stage.tasks).map(|task| task.id.as_str()).collect();
        for finding in self.functions.undeclared(&fields, &tasks) {
            if let Some(span) = self.place(&finding) {
                findings.push(diagnostic(finding, span));
            }
        }
    }
}

/// What the names of a workflow can refer to.
pub(super) struct Scene<'a> {
    pub rules: &'a Rules,
    pub roles: Roles<'a>,
    pub vocabulary: Vocabulary,
    /// Some field is declared wrongly, so that what expressions say of fields cannot be judged.
    pub fields_unsure: bool,
}

impl Scene<'_> {
    /// A condition of an instance.
    pub(super) fn condition(
        &self,
        desk: &mut Desk<'_>,
        path: &KeyPath,
        source: Option<&Scalar>,
    ) -> Option<Condition> {
        self.compile(desk, path, source?, &self.vocabulary)
    }

    /// A condition that may also name the task to which it belongs.
    pub(super) fn condition_of_task(
        &self,
        desk: &mut Desk<'_>,
        path: &KeyPath,
        source: Option<&Scalar>,
        task: &TaskWords,
    ) -> Option<Condition> {
        let vocabulary = Vocabulary { task: Some(task.clone()), ..self.vocabulary.clone() };
        self.compile(desk, path, source?, &vocabulary)
    }

    fn compile(
        &self,
        desk: &mut Desk<'_>,
        path: &KeyPath,
        source: &Scalar,
        vocabulary: &Vocabulary,
    ) -> Option<Condition> {
        match Condition::compile(source.as_str(), vocabulary, &self.rules.functions) {
            Ok(condition) => {
                let start = desk.at.inside(path, 1, 1, 0);
                let (line, column) = (start.line, start.column);
                Some(condition.at(Origin { file: start.path, line, column }))
            }
            Err(findings) => {
                desk.lost = true;
                for finding in findings {
                    let unsure = matches!(
                        finding.kind,
                        FindingKind::UnknownField
                            | FindingKind::TypeMismatch
                            | FindingKind::NotInChoice
                    );
                    if unsure && self.fields_unsure {
                        continue;
                    }
                    let span = place_in(desk.at, path, &finding);
                    desk.push(diagnostic(finding, span));
                }
                None
            }
        }
    }

    /// A function of the rules that takes what it would be given.
    pub(super) fn function(
        &self,
        desk: &mut Desk<'_>,
        path: &KeyPath,
        name: &Scalar,
        used_as: Use,
    ) -> Option<FunctionName> {
        let written = name.as_str();
        if !self.rules.functions.exists(written) {
            let known = self.rules.functions.names();
            desk.unknown(Code::UnknownFunction, path, "function", written, known);
            return None;
        }
        if let Some(finding) = self.rules.functions.check_use(written, used_as) {
            let named = desk.at.value(path);
            let span = self.rules.place(&finding).unwrap_or_else(|| named.clone());
            desk.lose(diagnostic(finding, span).also(named, "it is named here"));
        }
        Some(FunctionName(written.into()))
    }
}

/// The finding of a script as one of ours.
pub(super) fn diagnostic(finding: Finding, span: Span) -> Diagnostic {
    let diagnostic = Diagnostic::new(code(finding.kind), span, finding.message);
    match finding.hint {
        Some(hint) => diagnostic.hint(hint),
        None => diagnostic,
    }
}

fn code(kind: FindingKind) -> Code {
    match kind {
        FindingKind::Syntax => Code::ScriptSyntax,
        FindingKind::UnknownName => Code::ScriptUnknownName,
        FindingKind::UnknownField => Code::ScriptUnknownField,
        FindingKind::UnknownTask => Code::ScriptUnknownTask,
        FindingKind::UnknownOutcome => Code::ScriptUnknownOutcome,
        FindingKind::UnknownFunction => Code::ScriptUnknownFunction,
        FindingKind::TypeMismatch => Code::ScriptTypeMismatch,
        FindingKind::NotInChoice => Code::ScriptNotInChoice,
        FindingKind::Forbidden => Code::ScriptForbidden,
        FindingKind::NotBoolean => Code::ScriptNotBoolean,
        FindingKind::UnknownParameter => Code::ScriptUnknownParameter,
        FindingKind::DuplicateFunction => Code::ScriptDuplicateFunction,
        FindingKind::Undeclared => Code::ScriptUndeclared,
    }
}

pub(super) fn place_in(at: &SpanIndex, path: &KeyPath, finding: &Finding) -> Span {
    at.inside(path, finding.line, finding.column, finding.length)
}

/// A stretch of a rule file, given as its line, column and length.
pub(super) fn script_span(
    path: &Arc<str>,
    source: &str,
    (line, column, length): (usize, usize, usize),
) -> Span {
    let mut start = 0;
    for _ in 1..line {
        match source[start..].find('\n') {
            Some(newline) => start += newline + 1,
            None => break,
        }
    }
    let text = source[start..].split(['\n', '\r']).next().unwrap_or_default();
    let byte = |characters: usize| {
        start + text.char_indices().nth(characters).map_or(text.len(), |(at, _)| at)
    };
    let first = column.saturating_sub(1);
    let range = byte(first)..byte(first.saturating_add(length));
    Span { path: path.clone(), range, line, column }
}
