//! What connects a workflow with others: calls, the key of its instances, its outcome.

use crate::definition::authored;
use crate::definition::authored::shapes::Scalar;
use crate::definition::authored::workflow::{CallValue as AuthoredValue, Task};
use crate::definition::code::Code;
use crate::definition::compiled::{CallSpec, CallValue, Field, Stage};
use crate::definition::span::KeyPath;
use crate::model::id::{FieldId, TaskId, WorkflowId};
use crate::model::value::{Decimal, Value};

use super::desk::Desk;
use super::scene::Scene;

/// What stands for the word of `for_each` in a field.
const EACH: &str = "{each}";

/// What a task begins; none: it is no call.
pub(super) fn call(
    desk: &mut Desk<'_>,
    scene: &Scene<'_>,
    path: &KeyPath,
    task: &Task,
) -> Option<CallSpec> {
    if task.kind.as_ref().map(Scalar::as_str) != Some("call") {
        return None;
    }
    let Some(workflow) = &task.workflow else {
        desk.missing(path, "workflow", "name the workflow of which an instance begins");
        return None;
    };
    let workflow = desk.own_text(&path.key("workflow"), workflow.as_str(), WorkflowId::parse)?;
    let top = path.key("fields");
    let mut fields = Vec::new();
    for (name, value) in task.fields.iter() {
        let path = top.key(name);
        let Some(id) = desk.name(&path, name, FieldId::parse) else { continue };
        fields.extend(called_value(desk, scene, &path, task, value).map(|value| (id, value)));
    }
    Some(CallSpec { workflow, fields })
}

fn called_value(
    desk: &mut Desk<'_>,
    scene: &Scene<'_>,
    path: &KeyPath,
    task: &Task,
    value: &AuthoredValue,
) -> Option<CallValue> {
    match value {
        AuthoredValue::Literal(word) if word.as_str() == EACH => {
            if task.for_each.0.is_empty() {
                let message = format!("`{EACH}` stands for nothing");
                let diagnostic = desk.value(Code::InvalidValue, path, message);
                desk.lose(diagnostic.label("only a task with `for_each` has words to put here"));
            }
            Some(CallValue::Each)
        }
        AuthoredValue::Literal(word) => {
            let written = desk.at.scalar(path).unwrap_or(word.as_str());
            Some(CallValue::Literal(literal(written)))
        }
        AuthoredValue::From(rule) => {
            let Some(from) = &rule.from else {
                desk.missing(path, "from", "name a field of this workflow");
                return None;
            };
            let path = path.key("from");
            if scene.vocabulary.field(from.as_str()).is_none() && !scene.fields_unsure {
                let known = scene.vocabulary.fields.iter().map(|(name, _)| &**name);
                desk.unknown(Code::UnknownField, &path, "field", from.as_str(), known);
                return None;
            }
            desk.own_text(&path, from.as_str(), FieldId::parse).map(CallValue::Field)
        }
    }
}

/// A value as it looks. Where the called workflow declares a text, it is taken for a text after
/// all.
fn literal(written: &str) -> Value {
    let number = || written.parse::<i64>().ok().map(Value::Integer);
    let decimal = || written.parse::<Decimal>().ok().map(Value::Decimal);
    let date = || written.parse().ok().map(Value::Date);
    match written {
        "true" => Value::Boolean(true),
        "false" => Value::Boolean(false),
        _ => number().or_else(decimal).or_else(date).unwrap_or(Value::Text(written.into())),
    }
}

/// The fields of which there is one instance for each value.
pub(super) fn key(
    desk: &mut Desk<'_>,
    authored: &authored::Workflow,
    fields: &[Field],
) -> Vec<FieldId> {
    let top = KeyPath::root().key("key");
    let mut key = Vec::new();
    for (at, name) in authored.key.iter() {
        let path = top.index(at);
        let field = fields.iter().find(|field| field.id.as_str() == name.as_str());
        match field {
            None => {
                let known = fields.iter().map(|field| field.id.as_str());
                desk.unknown(Code::UnknownField, &path, "field", name.as_str(), known);
            }
            Some(field) if !field.required => {
                let message = format!("`{}` may be empty", name.as_str());
                let diagnostic = desk.value(Code::InvalidValue, &path, message);
                desk.lose(diagnostic.label("a key needs a value").hint("say `required: true`"));
            }
            Some(field) if key.contains(&field.id) => {
                let first = key.iter().position(|known| *known == field.id).unwrap_or_default();
                desk.taken(&path, &top.index(first), "field", name.as_str());
            }
            Some(field) => key.push(field.id.clone()),
        }
    }
    key
}

/// The task whose outcome is that of the instance.
pub(super) fn outcome_of(
    desk: &mut Desk<'_>,
    authored: &authored::Workflow,
    stages: &[Stage],
) -> Option<TaskId> {
    let name = authored.outcome_of.as_ref()?;
    let path = KeyPath::root().key("outcome_of");
    let tasks = || stages.iter().flat_map(|stage| &stage.tasks);
    let Some(task) = tasks().find(|task| task.id.as_str() == name.as_str()) else {
        if !desk.lost {
            let known = tasks().map(|task| task.id.as_str());
            desk.unknown(Code::UnknownTask, &path, "task", name.as_str(), known);
        }
        return None;
    };
    let has_one = task.for_each.is_empty() && (task.call.is_some() || !task.outcomes.is_empty());
    if !has_one {
        let message = format!("`{}` has no single outcome", name.as_str());
        let diagnostic = desk.value(Code::InvalidValue, &path, message);
        desk.lose(diagnostic.label("name a task with `outcomes` and without `for_each`"));
    }
    Some(task.id.clone())
}
