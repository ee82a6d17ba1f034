//! Stored messages: what is written is what is read, for everything the model can say.

use std::collections::BTreeSet;

use sanbang::model::event::{Event, Payload, Record};
use sanbang::model::id::InstanceId;
use sanbang::model::instance::{Header, Instance};
use sanbang::model::time::Timestamp;
use sanbang::store::record::{
    FORMAT, decode_header, decode_instance, decode_record, disagreement, encode_header,
    encode_instance, encode_record,
};
use sanbang::store::words::{Draft, Words};
use sanbang::store::{Seq, Whereabouts};

use super::store_sample::{PAYLOADS, Seeded};

/// What is encoded, and the words that it added.
fn with_words(encode: impl FnOnce(&mut Draft<'_>) -> Vec<u8>) -> (Vec<u8>, Words) {
    let mut words = Words::default();
    let mut draft = Draft::of(&words);
    let bytes = encode(&mut draft);
    let added = draft.added();
    words.add_all(added);
    (bytes, words)
}

#[test]
fn every_kind_of_event_can_be_made_up() {
    let made: BTreeSet<&str> =
        PAYLOADS.iter().map(|make| make(&mut Seeded::new(1)).kind()).collect();
    let kinds: BTreeSet<&str> = Payload::KINDS.iter().copied().collect();
    assert_eq!(made, kinds, "store_sample.rs makes up every payload exactly once");
}

#[test]
fn every_payload_comes_back() {
    for (number, make) in (0_u64..).zip(PAYLOADS) {
        for seed in 0..40 {
            let mut seeded = Seeded::new(seed * 1000 + number);
            let payload = make(&mut seeded);
            let record = Record {
                stamp: seeded.sample(),
                time: Timestamp(seed.cast_signed()),
                actor: seeded.sample(),
                request: seeded.sample(),
                events: vec![Event { time: Timestamp(seed.cast_signed()), due_at: None, payload }],
            };
            let (bytes, words) = with_words(|words| encode_record(&record, None, words));
            let read = decode_record(&bytes, &words).expect("it was just written");
            assert_eq!(read.record, record, "payload {number}, seed {seed}");
        }
    }
}

#[test]
fn records_come_back() {
    for seed in 0..500 {
        let mut seeded = Seeded::new(seed);
        let record: Record = seeded.sample();
        let previous = seeded.sample::<Option<u64>>().map(Seq);
        let (bytes, words) = with_words(|words| encode_record(&record, previous, words));
        let read = decode_record(&bytes, &words).expect("it was just written");
        assert_eq!((read.record, read.previous), (record, previous), "seed {seed}");
    }
}

#[test]
fn instances_come_back() {
    for seed in 0..500 {
        let instance: Instance = Seeded::new(seed).sample();
        let (bytes, words) = with_words(|words| encode_instance(&instance, words));
        assert_eq!(decode_instance(&bytes, &words), Ok(instance), "seed {seed}");
    }
}

#[test]
fn headers_come_back_with_the_words_that_they_added() {
    let mut words = Words::default();
    for seed in 0..500 {
        let mut seeded = Seeded::new(seed);
        let instance: Instance = seeded.sample();
        let header = sample_header(&instance, &mut seeded);
        assert_eq!(disagreement(&header, &instance), None);
        let rest = Whereabouts { last_record: Seq(seeded.sample()), body: Some(Seq(3)) };
        let mut draft = Draft::of(&words);
        let bytes = encode_header(&header, rest, &mut draft);
        let added = draft.added();
        words.add_all(added);
        let read = decode_header(header.id.clone(), &bytes, &words);
        assert_eq!(read, Ok((header.clone(), rest)), "seed {seed}");
        if header.stages.len() + header.tasks.len() > 0 {
            let told = decode_header(header.id, &bytes, &Words::default());
            assert!(told.expect_err("no word is known").to_string().ends_with("is no word"));
        }
    }
}

fn sample_header(instance: &Instance, seeded: &mut Seeded) -> Header {
    let indexed: Vec<_> = instance.fields.keys().cloned().collect();
    let mut header = instance.header(&indexed);
    header.light = seeded.sample();
    header
}

#[test]
fn a_newer_format_is_refused_with_what_to_do() {
    let record: Record = Seeded::new(7).sample();
    let (mut bytes, words) = with_words(|words| encode_record(&record, None, words));
    // The format is the first field: its tag, then its value.
    assert_eq!(bytes[..2], [0x08, u8::try_from(FORMAT).expect("a small number")]);
    bytes[1] = 2;
    let refusal = decode_record(&bytes, &words).expect_err("it is newer").to_string();
    insta::assert_snapshot!(refusal.replace("; ", ";\n"), @"
    a record has format 2, and this program reads up to 1: a newer sanbang wrote it;
    start that one again, or restore the backup made before the upgrade
    ");

    // Also where the rest no longer decodes.
    let garbled = [bytes[0], bytes[1], 0xff, 0xff, 0xff];
    assert_eq!(decode_record(&garbled, &words).expect_err("it is newer").to_string(), refusal);
}

#[test]
fn damage_is_told_with_its_place() {
    let record: Record = Seeded::new(7).sample();
    let (bytes, words) = with_words(|words| encode_record(&record, None, words));
    let refusals = [
        decode_record(&[], &words).expect_err("it is empty").to_string(),
        decode_record(&bytes[..bytes.len() - 3], &words).expect_err("it is cut").to_string(),
        // Time 5, an actor, and an event without a payload.
        decode_record(&[8, 1, 32, 5, 42, 0, 58, 0], &words).expect_err("no payload").to_string(),
        // `StageSkipped` of the stage that is word 1, with a reason that does not exist.
        decode_record(&[8, 1, 42, 0, 58, 7, 154, 1, 4, 8, 1, 16, 99], &words)
            .expect_err("no such reason")
            .to_string(),
    ];
    insta::assert_snapshot!(refusals.join("\n"), @"
    a record has no format number
    a record: Record: it breaks off
    a record: Event.payload is missing
    a record: StageSkipped.because: 99 is no SkipReason
    ");
}

/// No bytes make the reader panic.
#[test]
fn arbitrary_bytes_are_read_or_refused() {
    let mut refused = 0;
    for seed in 0..2000 {
        let mut seeded = Seeded::new(seed);
        let record: Record = seeded.sample();
        let (mut bytes, words) = with_words(|words| encode_record(&record, None, words));
        for _ in 0..=seeded.below(3) {
            let at = seeded.below(bytes.len());
            bytes[at] ^= 1 << seeded.below(8);
        }
        refused += usize::from(decode_record(&bytes, &words).is_err());
        refused += usize::from(decode_instance(&bytes, &words).is_err());
        let name = InstanceId::trusted("p-1");
        refused += usize::from(decode_header(name, &bytes, &Words::default()).is_err());

        let instance: Instance = seeded.sample();
        let (mut bytes, words) = with_words(|words| encode_instance(&instance, words));
        let at = seeded.below(bytes.len());
        bytes[at] ^= 1 << seeded.below(8);
        refused += usize::from(decode_instance(&bytes, &words).is_err());
        bytes.truncate(at);
        refused += usize::from(decode_instance(&bytes, &words).is_err());
    }
    assert!(refused > 2000, "most damage is noticed: {refused}");
}

/// A field that a later program adds is passed over by this one.
#[test]
fn fields_that_are_not_known_are_passed_over() {
    // Number 2000: as a number, as eight bytes, as bytes.
    let added: [&[u8]; 3] =
        [&[0x80, 0x7d, 5], &[0x81, 0x7d, 1, 2, 3, 4, 5, 6, 7, 8], &[0x82, 0x7d, 2, 8, 9]];
    for (seed, added) in (0..60).zip(added.into_iter().cycle()) {
        let mut seeded = Seeded::new(seed);
        let (record, instance): (Record, Instance) = (seeded.sample(), seeded.sample());
        let (bytes, words) = with_words(|words| encode_record(&record, None, words));
        let read = decode_record(&[&bytes, added].concat(), &words);
        assert_eq!(read.map(|it| it.record), Ok(record), "seed {seed}");
        let (bytes, words) = with_words(|words| encode_instance(&instance, words));
        assert_eq!(decode_instance(&[&bytes, added].concat(), &words), Ok(instance), "seed {seed}");
    }
}

/// The usual completion of a task stays small: its size is the price of every commit.
#[test]
fn records_are_compact() {
    let mut seeded = Seeded::new(3);
    let record = Record {
        stamp: Some(sanbang::model::event::Stamp {
            instance: sanbang::model::id::InstanceId::trusted("p-2025-0001"),
            workflow: sanbang::model::id::WorkflowId::trusted("investment_project"),
            workflow_version: 1,
            version: 40,
            revision: 38,
        }),
        time: Timestamp(1_736_130_000_000),
        actor: sanbang::model::actor::Actor::Member(sanbang::model::id::MemberId::trusted("li_na")),
        request: seeded.sample::<Option<_>>().or(Some(seeded.sample())),
        events: vec![Event {
            time: Timestamp(1_736_130_000_000),
            due_at: None,
            payload: Payload::TaskCancelled {
                task: sanbang::model::task::TaskRef {
                    number: sanbang::model::task::TaskNumber(12),
                    stage: sanbang::model::id::StageId::trusted("signing"),
                    id: sanbang::model::id::TaskId::trusted("sign_contract"),
                    each: None,
                },
                because: sanbang::model::task::CancelReason::JoinReached,
            },
        }],
    };
    let (bytes, _) = with_words(|words| encode_record(&record, Some(Seq(1_000_000)), words));
    let bytes = bytes.len();
    assert!(bytes <= 80, "{bytes} bytes");
}

/// A header is written with every record, and a million of them are held in memory.
#[test]
fn headers_are_compact() {
    use sanbang::model::id::{FieldId, GroupId, MemberId, RoleId, StageId, TaskId, WorkflowId};
    let mut header = Header {
        workflow: WorkflowId::trusted("investment_project"),
        workflow_version: 1,
        revision: 39,
        version: 43,
        next_due: Some(Timestamp(1_736_393_400_000)),
        steward: Some(MemberId::trusted("sensors_officer_1")),
        group: Some(GroupId::trusted("smart_sensors")),
        backups: Vec::new(),
        stages: vec![StageId::trusted("assessment")],
        ..sample_header(&Seeded::new(5).sample(), &mut Seeded::new(5))
    };
    let industry = sanbang::model::value::Value::Text("smart_sensors".into());
    header.indexed = vec![(FieldId::trusted("industry"), industry)];
    header.tasks = vec![sanbang::model::instance::OpenTask {
        number: sanbang::model::task::TaskNumber(7),
        id: TaskId::trusted("assessment_opinion"),
        role: Some(RoleId::trusted("group_leader")),
        holder: Some(MemberId::trusted("sensors_leader")),
        delegated_by: None,
        since: Timestamp(1_736_298_000_000),
        due: Some(Timestamp(1_736_384_400_000)),
    }];
    let rest = Whereabouts { last_record: Seq(1_000_000), body: Some(Seq(999_000)) };
    let words = Words::default();
    let bytes = encode_header(&header, rest, &mut Draft::of(&words)).len();
    assert!(bytes <= 120, "{bytes} bytes");
}
