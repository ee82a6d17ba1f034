//! Headers as they are stored: with the numbers of words in place of names.

use prost::Message as _;

use super::convert::{Storable, small};
use super::wire::Wire;
use super::{Corrupt, FORMAT, NO_WORDS, decode, without_words};
use crate::model::escalation::Light;
use crate::model::id::{InstanceId, MemberId};
use crate::model::instance::{Header, OpenTask, Status};
use crate::model::organization::Share;
use crate::model::time::Timestamp;
use crate::model::value::Value;
use crate::store::index::Entry;
use crate::store::words::{Draft, Words};
use crate::store::{Seq, Whereabouts, numbers, pb};

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
        steward: header.steward.to_message(words),
        group: header.group.to_message(words),
        stages: header.stages.to_message(words),
        light: header.light.to_message(words),
        indexed: header.indexed.to_message(words),
        tasks: header.tasks.to_message(words),
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

/// Whether an instance asks other things of people after a change than before it.
pub(in crate::store) fn asks_otherwise(
    before: &pb::StoredHeader,
    after: &pb::StoredHeader,
) -> bool {
    let asked = |header: &pb::StoredHeader| (header.status, header.steward);
    let held = |task: &pb::OpenTask| (task.holder, task.since);
    let holders = before.tasks.iter().map(held);
    asked(before) != asked(after) || !holders.eq(after.tasks.iter().map(held))
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

/// What a stored header holds in the field whose name has this number; none: nothing. Everything
/// else is passed over: lists look through many headers.
pub(in crate::store) fn stored_field(header: &[u8], field: u32) -> Result<Option<Value>, Corrupt> {
    let mut found = None;
    let mut parts = Wire::Bytes(header).fields()?;
    for (number, content) in parts.by_ref() {
        if number == numbers::StoredHeader::indexed {
            found = found.or(value_of(field, content)?);
        }
    }
    parts.finish()?;
    found.map(|value| Storable::<pb::Value>::read(value, &NO_WORDS)).transpose()
}

/// The value of an indexed field, unread, where it is this one.
fn value_of(field: u32, indexed: Wire<'_>) -> Result<Option<Wire<'_>>, Corrupt> {
    let (mut name, mut value) = (0, None);
    let mut parts = indexed.fields()?;
    for (number, content) in parts.by_ref() {
        match number {
            numbers::FieldValue::field => name = small(content.number()?)?,
            numbers::FieldValue::value => value = Some(content),
            _ => {}
        }
    }
    parts.finish()?;
    Ok(value.filter(|_| name == field))
}

message! { OpenTask as OpenTask { number, id, role, holder, delegated_by, since, due } }

/// A header from its stored form.
pub(super) fn read_header(
    id: InstanceId,
    content: Wire<'_>,
    words: &Words,
) -> Result<(Header, Whereabouts), Corrupt> {
    read_fields!(
        content,
        words,
        StoredHeader {
            version,
            last_seq,
            body_seq,
            revision,
            workflow,
            workflow_version,
            calendar_digest,
            created_at,
            updated_at,
            status,
            next_due,
            steward,
            group,
            stages,
            light,
            indexed,
            tasks,
            backups,
        }
    );
    let (last_record, body) = (Seq(last_seq), Some(Seq(body_seq)).filter(|body| body.0 != 0));
    let header = Header {
        id,
        workflow,
        workflow_version,
        calendar_digest,
        revision,
        version,
        created_at,
        updated_at,
        status,
        next_due,
        steward,
        group,
        backups,
        stages,
        light,
        indexed,
        tasks,
    };
    Ok((header, Whereabouts { last_record, body }))
}
