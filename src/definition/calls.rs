//! Calls across files: whether what a task begins exists, and takes what it is given.

use crate::model::value::Value;

use super::authored;
use super::code::Code;
use super::compiled::{CallSpec, CallValue, Field, FieldKind, TaskSpec, Workflow};
use super::diagnostic::{Diagnostic, Findings};
use super::load::Located;
use super::span::KeyPath;

/// Reports the calls of a workflow that could never begin anything. `known` are the names of all
/// workflows, `others` those without an error.
pub(super) fn wrong_calls<'a>(
    workflow: &Workflow,
    file: &Located<authored::Workflow>,
    known: &[String],
    others: impl Fn(&str) -> Option<&'a Workflow>,
    findings: &mut Findings,
) {
    for (stage_at, stage) in workflow.stages.iter().enumerate() {
        let tasks = KeyPath::root().key("stages").index(stage_at).key("tasks");
        for (task_at, task) in stage.tasks.iter().enumerate() {
            let Some(call) = &task.call else { continue };
            let path = tasks.index(task_at);
            let name = call.workflow.as_str();
            if !known.iter().any(|known| known == name) {
                let place = file.at.value(&path.key("workflow"));
                let message = format!("unknown workflow `{name}`");
                let diagnostic = Diagnostic::new(Code::WrongCall, place, message);
                let known = known.iter().map(String::as_str);
                let diagnostic = diagnostic.label("nothing could begin");
                findings.push(diagnostic.did_you_mean(name, known));
            } else if let Some(called) = others(name) {
                let wrong = Wrong { workflow, task, file, path, called };
                wrong.report(call, findings);
            }
        }
    }
}

struct Wrong<'a> {
    workflow: &'a Workflow,
    task: &'a TaskSpec,
    file: &'a Located<authored::Workflow>,
    path: KeyPath,
    called: &'a Workflow,
}

impl Wrong<'_> {
    fn report(&self, call: &CallSpec, findings: &mut Findings) {
        let fields = self.path.key("fields");
        for (name, value) in &call.fields {
            let place = fields.key(name.as_str());
            let Some(field) = self.called.field(name.as_str()) else {
                let message = format!("`{}` has no field `{name}`", self.called.id);
                let span = self.file.at.key(&place);
                let known = self.called.fields.iter().map(|field| field.id.as_str());
                let diagnostic = Diagnostic::new(Code::WrongCall, span, message);
                findings.push(diagnostic.did_you_mean(name.as_str(), known));
                continue;
            };
            if !self.fits(value, field) {
                let message = format!("`{name}` of `{}` cannot hold this", self.called.id);
                let span = self.file.at.value(&place);
                let diagnostic = Diagnostic::new(Code::WrongCall, span, message);
                findings.push(diagnostic.label(format!("it must be {}", wanted(&field.kind))));
            }
        }
        let given = |field: &Field| call.fields.iter().any(|(name, _)| *name == field.id);
        let missing = self.called.fields.iter().filter(|field| field.required && !given(field));
        for field in missing {
            let message = format!("`{}` cannot begin without `{}`", self.called.id, field.id);
            let span = self.file.at.value(&self.path.key("workflow"));
            let diagnostic = Diagnostic::new(Code::WrongCall, span, message);
            let hint =
                format!("give it under `fields`, as `{{ from: … }}` or as a value: {}", field.id);
            findings.push(diagnostic.label("this workflow requires it").hint(hint));
        }
    }

    fn fits(&self, value: &CallValue, field: &Field) -> bool {
        match value {
            CallValue::Field(from) => {
                self.workflow.field(from.as_str()).is_none_or(|from| takes(&field.kind, &from.kind))
            }
            CallValue::Literal(value) => holds(&field.kind, value),
            CallValue::Each => match &field.kind {
                FieldKind::Text => true,
                FieldKind::Choice(words) => {
                    self.task.for_each.iter().all(|word| words.contains(word))
                }
                FieldKind::Integer | FieldKind::Decimal | FieldKind::Boolean | FieldKind::Date => {
                    false
                }
            },
        }
    }
}

/// Whether a field takes every value of another.
fn takes(kind: &FieldKind, from: &FieldKind) -> bool {
    match (kind, from) {
        (FieldKind::Text, _) | (FieldKind::Decimal, FieldKind::Integer) => true,
        (FieldKind::Choice(words), FieldKind::Choice(from)) => {
            from.iter().all(|word| words.contains(word))
        }
        (kind, from) => kind == from,
    }
}

/// Whether a field takes a value as it is written.
fn holds(kind: &FieldKind, value: &Value) -> bool {
    match (kind, value) {
        (FieldKind::Text, _)
        | (FieldKind::Integer | FieldKind::Decimal, Value::Integer(_))
        | (FieldKind::Decimal, Value::Decimal(_))
        | (FieldKind::Boolean, Value::Boolean(_))
        | (FieldKind::Date, Value::Date(_)) => true,
        (FieldKind::Choice(words), value) => {
            let value = value.to_string();
            words.iter().any(|word| **word == *value)
        }
        _ => false,
    }
}

fn wanted(kind: &FieldKind) -> String {
    match kind {
        FieldKind::Text => "a text".to_owned(),
        FieldKind::Integer => "a whole number".to_owned(),
        FieldKind::Decimal => "a number".to_owned(),
        FieldKind::Boolean => "`true` or `false`".to_owned(),
        FieldKind::Date => "a day such as 2025-01-06".to_owned(),
        FieldKind::Choice(words) => {
            let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            format!("one of {}", words.join(", "))
        }
    }
}
