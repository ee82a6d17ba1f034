//! What stands under which key of sled, as another hand sees it: what is written, what a compaction
//! leaves, and that nothing can be taken away unnoticed.

use std::path::Path;

use sanbang::model::id::FieldId;
use sanbang::model::instance::Instance;
use sanbang::model::limits::PARTITIONS;
use sanbang::model::value::Value;
use sanbang::store::Store as _;
use sanbang::store::sled::{Options, SledStore};

use super::store_fixture::{advance, commit, id, open_again, picture, project, write_next};
use super::store_sled::{copy, open, options, place, raw, refusal};

/// What another hand takes out of the tree is missed.
#[test]
fn holes_are_noticed() {
    let (_above, original) = place();
    let store = open(&original);
    let mut project = project("p-1");
    std::sync::Arc::make_mut(&mut project.fields)
        .insert(FieldId::trusted("summary"), Value::Text("x".repeat(9_000).into()));
    for _ in 0..3 {
        write_next(&store, &mut project, 2);
    }
    let partition = store.partition_of(&project.id).0.to_be_bytes();
    drop(store);
    let record = |seq: u64| [b"r", &partition[..], &seq.to_be_bytes(), &[0, 0]].concat();
    let without = |key: &[u8]| {
        let (above, directory) = place();
        copy(&original, &directory);
        let raw = raw(&directory);
        assert!(raw.remove(key).expect("writable").is_some(), "{key:?}");
        raw.flush().expect("writable");
        drop(raw);
        (above, directory)
    };

    let (_above, directory) = without(&record(5));
    assert!(refusal(&directory).contains("should end with event 6 and ends with event 4"));
    let (_above, directory) = without(b"t");
    assert!(refusal(&directory).contains("should end with event 0 and ends with event 6"));
    let (_above, directory) = without(b"w\0\0\0\x02");
    assert!(refusal(&directory).contains("words, number 2 is missing"));

    // Bodies are not read on opening.
    let body = |chunk: u8| [b"i", &partition[..], &5_u64.to_be_bytes(), &[0, chunk]].concat();
    for key in [body(1), body(0)] {
        let (_above, directory) = without(&key);
        let store = open(&directory);
        let error = store.load(&project.id).expect_err("a hole").to_string();
        assert!(error.starts_with("the store cannot be trusted: the body with event 5"), "{error}");
        assert!(store.verify().is_err());
    }

    // What is not read on opening is told when it is read, and by a verification.
    let (_above, directory) = without(&record(1));
    let store = open(&directory);
    let told = store.history(&project.id, None, 9).expect_err("a hole").to_string();
    assert!(told.contains("the record of event 1 in partition"), "{told}");
    let told = store.verify().expect_err("a hole").to_string();
    assert!(told.contains("event 1 of partition"), "{told}");
}

/// Nothing may be missing of what is read on opening: with its last record an instance would lose
/// its header too, and be gone or as it once was. What is recent begins within a pack here.
#[test]
fn gaps_among_recent_records_are_noticed() {
    let (_above, original) = place();
    let recent = |directory: &Path| Options { recent_events: 5, ..options(directory) };
    let store = SledStore::open(&recent(&original)).expect("a fresh directory");
    let mut ours = project("p-1");
    let partition = store.partition_of(&ours.id);
    let names = (0..).map(|number| format!("beside-{number}"));
    let mut beside = names.filter(|name| store.partition_of(&id(name)) == partition);
    let mut theirs = project(&beside.next().expect("one of many"));
    let pair = vec![advance(&store, &mut ours, 2), advance(&store, &mut theirs, 2)];
    commit(&store, pair).expect("nobody else writes");
    write_next(&store, &mut ours, 2);
    write_next(&store, &mut theirs, 2);
    let before = picture(&store).expect("readable");
    drop(store);
    let refused = |seqs: &[u64]| {
        let (_above, directory) = place();
        copy(&original, &directory);
        let raw = raw(&directory);
        for seq in seqs {
            let partition = partition.0.to_be_bytes();
            let key = [b"r", &partition[..], &seq.to_be_bytes(), &[0, 0]].concat();
            assert!(raw.remove(key).expect("writable").is_some(), "{seq}");
        }
        raw.flush().expect("writable");
        drop(raw);
        refusal(&directory)
    };
    let missing = |what: &str| format!("is not served: event {what}");
    let of = partition.0;
    let told = refused(&[5]);
    let gap = missing(&format!("5 of partition {of} is missing, and all up to 6"));
    assert!(told.contains(&gap), "{told}");
    let told = refused(&[1]);
    assert!(told.contains(&missing(&format!("4 of partition {of} is missing."))), "{told}");
    let told = refused(&[1, 5]);
    let gap = missing(&format!("4 of partition {of} is missing, and all up to 6"));
    assert!(told.contains(&gap), "{told}");

    // Whole, it opens: with more that is recent, compacted, and with as much as before.
    for recent_events in [100, 5] {
        let options = Options { recent_events, ..options(&original) };
        let store = open_again(&options).expect("it holds together");
        assert_eq!(picture(&store).expect("readable"), before);
        drop(store);
        SledStore::compact(&original, &mut |_| {}).expect("it holds together");
    }
}

/// Damaged pages make sled panic here and there; a caller that is told of progress can do so too.
#[test]
fn a_panic_hides_no_finding_and_is_a_refusal() {
    let (_above, directory) = place();
    let store = open(&directory);
    let mut project = project("p-1");
    for _ in 0..4 {
        write_next(&store, &mut project, 2);
    }
    let partition = store.partition_of(&project.id).0.to_be_bytes();
    drop(store);
    let compact = |panic_at: &'static str| {
        let compacted = SledStore::compact(&directory, &mut |progress| {
            assert!(progress.of != panic_at, "a broken page");
        });
        compacted.expect_err("it cannot be read").to_string()
    };
    let told = compact("events");
    assert!(told.contains("is damaged: sled panicked while it read its files."), "{told}");
    for panic_at in ["values copied", "values compared"] {
        let told = compact(panic_at);
        assert!(told.contains("was not compacted, and is as it was"), "{told}");
        assert!(!directory.join("sanbang.compacting").exists());
    }

    let raw = raw(&directory);
    let key = [b"r", &partition[..], &1_u64.to_be_bytes(), &[0, 0]].concat();
    assert!(raw.remove(key).expect("writable").is_some());
    raw.flush().expect("writable");
    drop(raw);
    let mut partitions = 0;
    let checked = open(&directory).check(&mut |_| {
        partitions += 1;
        assert!(partitions < PARTITIONS, "a broken page");
    });
    let findings = checked.expect("it came to an end").findings;
    assert!(findings[0].starts_with("event 1 of partition "), "{findings:?}");
    assert_eq!(findings.last().expect("two"), "sled panicked while it read its files");
}

/// An instance that is busy has its header within its last record, one that rests a key of its own.
#[test]
fn headers_are_written_once_more_when_their_records_are_not_recent() {
    let (_above, directory) = place();
    let store = open(&directory);
    let mut resting = project("resting");
    let partition = store.partition_of(&resting.id);
    let names = (0..).map(|number| format!("busy-{number}"));
    let mut beside = names.filter(|name| store.partition_of(&id(name)) == partition);
    let mut busy = project(&beside.next().expect("one of many"));
    write_next(&store, &mut resting, 1);
    for _ in 0..20 {
        write_next(&store, &mut busy, 1);
    }
    let before = picture(&store).expect("readable");
    drop(store);
    let keys = |prefix: &[u8]| {
        let found = raw(&directory).scan_prefix(prefix).keys();
        found.map(|key| key.expect("readable").to_vec()).collect::<Vec<_>>()
    };
    assert_eq!(keys(b"h"), [b"hresting\0\0\0"]);
    assert_eq!(keys(b"i").len(), 21);
    assert_eq!(picture(&open(&directory)).expect("readable"), before);

    // Compaction leaves to each its last body.
    SledStore::compact(&directory, &mut |_| {}).expect("it holds together");
    assert_eq!((keys(b"h").len(), keys(b"i").len()), (1, 2));
    assert_eq!(picture(&open(&directory)).expect("readable"), before);

    raw(&directory).remove(b"hresting\0\0\0").expect("writable");
    let told = open(&directory).verify().expect_err("a hole").to_string();
    assert!(told.contains("instance resting has records and no header"), "{told}");
}

/// Bodies that later ones have replaced stay until a compaction, which leaves to each instance its
/// last one.
#[test]
fn compaction_gives_room_back() {
    let (_above, directory) = place();
    let store = open(&directory);
    let text = Value::Text("x".repeat(3_000).into());
    let mut projects: Vec<Instance> =
        (0..100).map(|number| project(&format!("p-{number}"))).collect();
    for project in &mut projects {
        let fields = std::sync::Arc::make_mut(&mut project.fields);
        fields.insert(FieldId::trusted("summary"), text.clone());
    }
    for _ in 0..30 {
        let writes = projects.iter_mut().map(|project| advance(&store, project, 1)).collect();
        commit(&store, writes).expect("nobody else writes");
    }
    let before = picture(&store).expect("readable");
    drop(store);
    let compacted = SledStore::compact(&directory, &mut |_| {}).expect("it holds together");
    let (larger, smaller) = (compacted.bytes_before, compacted.bytes_after);
    assert!(larger > 3 * smaller, "{larger} bytes became {smaller}");
    assert_eq!(compacted.copied.records, 3_000);
    assert_eq!(picture(&open(&directory)).expect("readable"), before);
}

#[test]
fn a_newer_store_is_refused() {
    let (_above, directory) = place();
    drop(open(&directory));
    let raw = raw(&directory);
    let mut marker = raw.get("s").expect("readable").expect("the marker").to_vec();
    marker[1] = 2;
    raw.insert("s", marker).expect("writable");
    drop(raw);
    assert!(refusal(&directory).starts_with("the store in DIR has format 2"));
}
