//! Calls: tasks that begin another instance and are done when that has ended.

use crate::definition::compiled::{CallSpec, CallValue, Field, FieldKind, Workflow};
use crate::model::link::{Ending, Relation, Start};
use crate::model::task::{Task, TaskKind, TaskNumber};
use crate::model::value::{Decimal, Value, Values};

use super::scene::Scene;

impl Scene<'_> {
    /// Asks for the instance that a task calls.
    pub(super) fn call(&mut self, task: &Task, call: &CallSpec) {
        let called = self.context.workflows.active(call.workflow.as_str());
        let fields = self.called_fields(task, call, called);
        let start = Start {
            workflow: call.workflow.clone(),
            fields,
            steward: None,
            relation: Relation::SpawnedFrom,
            task: Some(task.reference.id.clone()),
            task_number: Some(task.reference.number),
        };
        self.ask_to_start(None, called, start);
    }

    /// The first fields of a called instance. One that is taken from an empty field stays empty.
    fn called_fields(&self, task: &Task, call: &CallSpec, called: Option<&Workflow>) -> Values {
        let mut fields = Values::new();
        for (name, value) in &call.fields {
            let value = match value {
                CallValue::Field(from) => self.instance.fields.get(from).cloned(),
                CallValue::Literal(value) => Some(value.clone()),
                CallValue::Each => task.reference.each.clone().map(Value::Text),
            };
            let field = called.and_then(|called| called.field(name.as_str()));
            if let Some(value) = value {
                fields.insert(name.clone(), fitted(value, field));
            }
        }
        fields
    }

    /// A called instance has ended: the task that waits for it is done. One that was cancelled or
    /// done again meanwhile waits for it no longer.
    pub(super) fn called_has_ended(&mut self, number: TaskNumber, end: &Ending) {
        let task = self.instance.task(number);
        let waits = task.filter(|task| task.is_open() && task.kind == TaskKind::Call);
        let Some(task) = waits.map(|task| task.reference.clone()) else { return };
        self.finish_by_nobody(&task, end.outcome.clone());
    }
}

/// A value in the type of the field for which it is meant, where it can be told in that type.
fn fitted(value: Value, field: Option<&Field>) -> Value {
    let Some(field) = field else { return value };
    match (&field.kind, &value) {
        (FieldKind::Decimal, Value::Integer(number)) => Value::Decimal(Decimal::from(*number)),
        (FieldKind::Text | FieldKind::Choice(_), Value::Text(_)) => value,
        (FieldKind::Text | FieldKind::Choice(_), other) => {
            Value::Text(other.to_string().as_str().into())
        }
        _ => value,
    }
}
