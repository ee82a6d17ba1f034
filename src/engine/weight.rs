//! Weight: about how many bytes an instance takes when it is stored. Cheap, and never too little by
//! much: names and texts are counted, numbers are taken as a round figure.

use crate::model::clock::Clock;
use crate::model::escalation::Fired;
use crate::model::instance::{Instance, StageState};
use crate::model::link::{Effect, Note, Wish};
use crate::model::task::Task;
use crate::model::value::Value;

/// What a task, a clock or a stage takes beside its names and texts.
const ENTRY_BYTES: usize = 48;
/// What a number, an instant or a small name takes.
const SMALL_BYTES: usize = 12;
/// What an accepted request takes.
const REQUEST_BYTES: usize = 32;

/// About how many bytes an instance takes.
pub(super) fn of(instance: &Instance) -> usize {
    let fields =
        instance.fields.iter().map(|(field, value)| field.as_str().len() + value_of(value));
    fields.sum::<usize>()
        + instance.tasks().map(task).sum::<usize>()
        + instance.clocks().map(clock).sum::<usize>()
        + instance.stages().map(stage).sum::<usize>()
        + instance.activities.len() * ENTRY_BYTES
        + instance.relations.links.len() * ENTRY_BYTES
        + instance.relations.effects.iter().map(effect).sum::<usize>()
        + instance.requests.len() * REQUEST_BYTES
}

fn value_of(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len(),
        Value::Integer(_) | Value::Decimal(_) | Value::Boolean(_) | Value::Date(_) => SMALL_BYTES,
    }
}

fn effect(effect: &Effect) -> usize {
    let fields: usize = match &effect.wish {
        Wish::Start(start) => {
            start.fields.values().map(|value| SMALL_BYTES + value_of(value)).sum()
        }
        Wish::Note(Note::Unlinked { reason, .. }) => SMALL_BYTES + reason.len(),
        Wish::Note(Note::Linked { .. } | Note::Ended { .. }) => SMALL_BYTES,
    };
    ENTRY_BYTES + fields
}

fn task(task: &Task) -> usize {
    let checked: usize = task.checked.iter().map(|item| item.len()).sum();
    let asked = task.extension_request.as_ref().map_or(0, |request| request.reason.len());
    let objected = task.objection.as_ref().map_or(0, |objection| objection.reason.len());
    let awaited = task.supplement.as_ref().map_or(0, |supplement| supplement.what.len());
    ENTRY_BYTES + task.reference.id.as_str().len() + checked + asked + objected + awaited
}

fn clock(clock: &Clock) -> usize {
    let told = |fired: &Fired| ENTRY_BYTES + fired.notified.len() + fired.repeated_to.len();
    let told: usize = clock.fired.iter().map(told).sum();
    let entries = clock.plan.schedule.len() + clock.excluded.len() + clock.extended.len();
    let asked = clock.extension_request.as_ref().map_or(0, |request| request.reason.len());
    ENTRY_BYTES + clock.id.as_str().len() + told + entries * SMALL_BYTES + asked
}

fn stage(state: &StageState) -> usize {
    let outcomes = state.outcomes.iter().map(|closed| SMALL_BYTES + closed.task.as_str().len());
    let tried = state.tried.iter().map(|tried| SMALL_BYTES + tried.task.as_str().len());
    ENTRY_BYTES + state.stage.as_str().len() + outcomes.chain(tried).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::InstanceId;
    use crate::model::link::{EffectNumber, Relation};

    /// What is told of a relation that is left carries its reason until the other has heard it.
    #[test]
    fn a_reason_that_waits_to_be_told_is_weighed() {
        let left = |reason: String| {
            let wish =
                Wish::Note(Note::Unlinked { relation: Relation::Blocks, task: None, reason });
            let (number, target) = (EffectNumber(1), InstanceId::trusted("b"));
            effect(&Effect { number, target, wish, tries: 1, next_try: None, refused: None })
        };
        assert_eq!(left("r".repeat(2000)) - left(String::new()), 2000);
    }
}
