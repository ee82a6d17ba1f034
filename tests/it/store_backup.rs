//! Backups of every store, restored into sled: the same records, documents, bodies and headers,
//! under another name.

use std::collections::BTreeMap;
use std::io::Write as _;

use sanbang::model::actor::Actor;
use sanbang::model::event::Record;
use sanbang::model::id::{FieldId, InstanceId};
use sanbang::model::instance::Instance;
use sanbang::model::limits::PARTITIONS;
use sanbang::model::time::Timestamp;
use sanbang::model::value::Value;
use sanbang::store::backup::{self, Backup, Head, Unfinished};
use sanbang::store::sled::{Filling, SledStore};
use sanbang::store::{Batch, CONTROL, Partition, Point, Query, Seq, Store, Write};

use super::store_fixture::{
    Opened, advance, advance_without_body, at, commit, contract, document, project, said, texts,
    write_next,
};

contract! {
    a_point_is_one_instant
    a_backup_is_restored_as_it_was
}

fn a_point_is_one_instant(store: &Opened) {
    let mut p = project("p-1");
    write_next(&**store, &mut p, 3);
    let documents = vec![document("workflow/leave/1", Some(b"one")), document("gone", None)];
    let batch = Batch { documents, clock: Some(at(9)), ..Batch::default() };
    store.commit(batch).expect("writable");
    let point = store.point().expect("readable");
    let mut last_seqs = vec![Seq(0); usize::from(PARTITIONS)];
    last_seqs[usize::from(store.partition_of(&p.id).0)] = Seq(3);
    let documents = vec![("workflow/leave/1".to_owned(), b"one".to_vec())];
    assert_eq!(point, Point { last_seqs, clock: Some(at(9)), documents });
}

/// Fills a store with everything that is stored in a way of its own.
fn fill(store: &dyn Store) -> BTreeMap<InstanceId, Instance> {
    let mut projects = BTreeMap::new();
    for at in 0..30 {
        let mut p = project(&format!("p-{at}"));
        if at % 7 == 0 {
            let long = Value::Text("x".repeat(9_000 + at).into());
            std::sync::Arc::make_mut(&mut p.fields).insert(FieldId::trusted("summary"), long);
        }
        for version in 0..=at % 5 {
            let write = match (at % 3, version) {
                // Never a body; a body and records after it; a body every time.
                (0, _) => advance_without_body(store, &mut p, 1 + version),
                (1, 2..) => advance_without_body(store, &mut p, 2),
                _ => advance(store, &mut p, 1),
            };
            commit(store, vec![write]).expect("writable");
        }
        projects.insert(p.id.clone(), p);
    }
    let events = vec![said(at(3), "of the service"), said(at(3), "twice")];
    let record = Record { stamp: None, time: at(3), actor: Actor::System, request: None, events };
    let record = std::sync::Arc::new(record);
    let control = Write { partition: CONTROL, record, header: None, body: None };
    let documents =
        vec![document("large", Some(&[7; 70_000])), document("source/a.yaml", Some(b"a: 1\n"))];
    let batch = Batch { writes: vec![control], documents, clock: Some(at(60)) };
    store.commit(batch).expect("writable");
    projects
}

fn a_backup_is_restored_as_it_was(store: &Opened) {
    let projects = fill(&**store);
    let directory = tempfile::tempdir().expect("a directory for the test");
    let path = directory.path().join("day.sanbang");
    let head = Head {
        store: store.identity().clone(),
        begun_at: Timestamp(1_736_130_000_000),
        program: "0.1.0".to_owned(),
    };
    let mut file = Unfinished::begin(&path).expect("nothing is there");
    let written = backup::write(&**store, &head, &mut file, &mut |_| {}).expect("readable");
    assert!(!path.exists(), "it has its name when it is whole");
    let kept = file.finish(&mut |_| {}).expect("whole");
    assert_eq!((kept.head(), kept.contents()), (&head, written));
    assert!(Unfinished::begin(&path).is_err(), "what is there is not overwritten");

    let data = directory.path().join("restored");
    let backup = Backup::open(&path, &mut |_| {}).expect("whole");
    let mut filling = Filling::begin(&data, backup.head()).expect("nothing is there");
    assert!(SledStore::open_existing(&data).is_err(), "half a store is none");
    for entry in backup.entries().expect("readable") {
        filling.add(entry.expect("readable")).expect("consistent");
    }
    let mut rebuilt = 0;
    let rebuild = &mut |stored: sanbang::store::Stored| {
        rebuilt += 1;
        let begun = stored.body.as_ref().map(|body| (body.id.clone(), body.version));
        let id = match (begun, stored.tail.first()) {
            (Some((id, _)), _) => id,
            (None, Some(first)) => first.stamp.as_ref().expect("stamped").instance.clone(),
            (None, None) => panic!("an instance of nothing"),
        };
        let whole = projects[&id].clone();
        let begun = stored.body.as_ref().map_or(0, |body| body.version);
        assert_eq!(begun + stored.tail.len() as u64, whole.version, "{id}: body and tail");
        let header = whole.header(&[FieldId::trusted("industry")]);
        Ok((whole, header))
    };
    filling.instances(rebuild, &mut |_| {}).expect("consistent");
    assert_eq!(rebuilt, projects.len());
    let restored = filling.finish().expect("writable");
    restored.store().verify().expect("it holds together");
    restored.keep().expect("writable");

    let again = SledStore::open_existing(&data).expect("a store");
    assert_ne!(again.identity().incarnation, store.identity().incarnation);
    assert_same(&**store, &again);
    for (id, project) in &projects {
        let stored = again.load(id).expect("readable").expect("restored");
        assert_eq!(stored.body.as_ref(), Some(project), "its body is whole: no tail is needed");
        assert!(stored.tail.is_empty());
    }
    // It goes on where the other stood.
    let mut p = projects.into_values().next().expect("there are some");
    let partition = again.partition_of(&p.id);
    let last = again.last_seqs().expect("readable")[usize::from(partition.0)];
    assert_eq!(write_next(&again, &mut p, 1), Seq(last.0 + 1));
}

fn assert_same(left: &dyn Store, right: &dyn Store) {
    assert_eq!(left.point().expect("readable"), right.point().expect("readable"));
    let everything = Query { limit: 1000, ..Query::default() };
    let headers = |store: &dyn Store| store.query(&everything).expect("readable");
    assert_eq!(headers(left), headers(right));
    for header in headers(left) {
        let history = |store: &dyn Store| store.history(&header.id, None, 1000).expect("readable");
        assert_eq!(texts(&history(left)), texts(&history(right)));
    }
    for partition in (0..PARTITIONS).map(Partition) {
        let events =
            |store: &dyn Store| store.events_after(partition, Seq(0), 1000).expect("readable");
        assert_eq!(texts(&events(left)), texts(&events(right)));
    }
}

#[test]
fn what_is_given_up_leaves_no_file() {
    let directory = tempfile::tempdir().expect("a directory for the test");
    let path = directory.path().join("day.sanbang");
    let mut file = Unfinished::begin(&path).expect("nothing is there");
    let other = Unfinished::begin(&path).expect_err("another one is being written");
    assert!(other.to_string().contains("another process is writing"), "{other}");
    file.write_all(b"half").expect("writable");
    drop(file);
    let left = std::fs::read_dir(directory.path()).expect("readable").count();
    assert_eq!(left, 0);
}
