//! Headers as they are stored: with the numbers of words in place of names.

use prost::Message as _;

use super::convert::Storable;
use super::{Corrupt, FORMAT, decode, without_words};
use crate::model::escalation::Light;
use crate::model::id::{FieldId, InstanceId, MemberId};
use crate::model::instance::{Header, OpenTask, Status};
use crate::model::organization::Share;
use crate::model::time::Timestamp;
use crate::model::value::Value;
use crate::store::index::Entry;
use crate::store::words::{Draft, Words};
use crate::store::{Seq, Whereabouts, pb};

/// The stored form of a header.
pub(super) fn header_to_message(
    header: &Header,
    rest: Whereabouts,
    words: &mut Draft<'_>,
) -> pb::StoredHeader {
    pb::StoredHeader {
        format: FORMAT,
        version: header.version,
        last_seq: rest.last_record.0,
        body_seq: rest.body.map_or(0, |body| body.0),
        revision: header.revision,
        workflow: header.workflow.to_message(words),
        workflow_version: header.workflow_version,
        calendar_digest: header.calendar_digest,
        created_at: header.created_at.to_message(words),
        updated_at: header.updated_at.to_message(words),
        status: header.status.to_message(words),
        next_due: header.next_due.to_message(words),
        steward: number_of(header.steward.as_ref(), words),
        group: number_of(header.group.as_ref(), words),
        stages: header.stages.to_message(words),
        light: header.light.to_message(words),
        indexed: header.indexed.iter().map(|field| indexed_to_message(field, words)).collect(),
        tasks: header.tasks.iter().map(|task| task_to_message(task, words)).collect(),
        backups: header.backups.to_message(words),
    }
}

impl Entry {
    /// What the index is to hold of an instance.
    pub(in crate::store) fn of(header: &Header, rest: Whereabouts, words: &mut Draft<'_>) -> Self {
        let message = header_to_message(header, rest, words);
        Self { id: header.id.clone(), bytes: message.encode_to_vec(), message }
    }

    /// The same, of what was stored. Its words are looked up when it is asked for.
    pub(in crate::store) fn read(id: InstanceId, bytes: Vec<u8>) -> Result<Self, Corrupt> {
        let message: pb::StoredHeader = decode(&bytes, "a header")?;
        Ok(Self { id, message, bytes })
    }
}

/// What a header asks of people.
impl Share {
    pub(in crate::store) fn of_stored(message: &pb::StoredHeader, words: &Words) -> Self {
        let member = |number: u32| words.word(number).map(MemberId::trusted);
        let held = message.tasks.iter();
        let live = matches!(message.status(), pb::Status::Active | pb::Status::Suspended);
        Self {
            holders: held
                .filter_map(|task| Some((member(task.holder)?, Timestamp(task.since))))
                .collect(),
            steward: member(message.steward).filter(|_| live),
        }
    }
}

/// The number under which a status is stored.
pub(in crate::store) fn stored_status(status: Status) -> u32 {
    u32::try_from(without_words(|words| status.to_message(words)))
        .expect("codes are small and positive")
}

/// The number under which a light is stored.
pub(in crate::store) fn stored_light(light: Light) -> u32 {
    u32::try_from(without_words(|words| light.to_message(words)))
        .expect("codes are small and positive")
}

/// The form in which a value is stored.
pub(in crate::store) fn stored_value(value: &Value) -> pb::Value {
    without_words(|words| value.to_message(words))
}

fn indexed_to_message(
    (field, value): &(FieldId, Value),
    words: &mut Draft<'_>,
) -> pb::IndexedField {
    pb::IndexedField { field: field.to_message(words), value: value.to_message(words) }
}

fn task_to_message(task: &OpenTask, words: &mut Draft<'_>) -> pb::OpenTask {
    pb::OpenTask {
        number: task.number.to_message(words),
        id: task.id.to_message(words),
        role: number_of(task.role.as_ref(), words),
        holder: number_of(task.holder.as_ref(), words),
        delegated_by: number_of(task.delegated_by.as_ref(), words),
        since: task.since.to_message(words),
        due: task.due.to_message(words),
    }
}

/// No name is word 0.
fn number_of(name: Option<&impl AsRef<str>>, words: &mut Draft<'_>) -> u32 {
    name.map_or(0, |name| words.number(name.as_ref()))
}

/// A header from its stored form.
pub(super) fn header_from_message(
    id: InstanceId,
    message: pb::StoredHeader,
    words: &Words,
) -> Result<(Header, Whereabouts), Corrupt> {
    let body = (message.body_seq != 0).then_some(Seq(message.body_seq));
    let rest = Whereabouts { last_record: Seq(message.last_seq), body };
    let indexed = message.indexed.into_iter().map(|it| indexed_from_message(it, words));
    let tasks = message.tasks.into_iter().map(|it| task_from_message(&it, words));
    let header = Header {
        id,
        workflow: Storable::from_message(message.workflow, words)?,
        workflow_version: message.workflow_version,
        calendar_digest: message.calendar_digest,
        revision: message.revision,
        version: message.version,
        created_at: Storable::from_message(message.created_at, words)?,
        updated_at: Storable::from_message(message.updated_at, words)?,
        status: Storable::from_message(message.status, words)?,
        next_due: Storable::from_message(message.next_due, words)?,
        steward: optional_name(message.steward, words)?,
        group: optional_name(message.group, words)?,
        stages: Storable::from_message(message.stages, words)?,
        light: Storable::from_message(message.light, words)?,
        indexed: indexed.collect::<Result<_, _>>()?,
        tasks: tasks.collect::<Result<_, _>>()?,
        backups: Storable::from_message(message.backups, words)?,
    };
    Ok((header, rest))
}

fn indexed_from_message(
    message: pb::IndexedField,
    words: &Words,
) -> Result<(FieldId, Value), Corrupt> {
    Ok((
        Storable::from_message(message.field, words)?,
        Storable::from_message(message.value, words)?,
    ))
}

fn task_from_message(message: &pb::OpenTask, words: &Words) -> Result<OpenTask, Corrupt> {
    Ok(OpenTask {
        number: Storable::from_message(message.number, words)?,
        id: Storable::from_message(message.id, words)?,
        role: optional_name(message.role, words)?,
        holder: optional_name(message.holder, words)?,
        delegated_by: optional_name(message.delegated_by, words)?,
        since: Storable::from_message(message.since, words)?,
        due: Storable::from_message(message.due, words)?,
    })
}

fn optional_name<N: Storable<u32>>(number: u32, words: &Words) -> Result<Option<N>, Corrupt> {
    if number == 0 { Ok(None) } else { N::from_message(number, words).map(Some) }
}
