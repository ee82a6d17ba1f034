//! What every store does, whatever it is made of: one suite, run against each.

use std::sync::Arc;

use sanbang::model::actor::Actor;
use sanbang::model::event::{Event, Payload, Record};
use sanbang::model::id::{FieldId, MemberId, WorkflowId};
use sanbang::model::instance::{Instance, Status};
use sanbang::model::limits::PARTITIONS;
use sanbang::model::time::Timestamp;
use sanbang::model::value::Value;
use sanbang::store::{Batch, CONTROL, Error, Order, Partition, Seq, Store, Write};

use super::store_fixture::{
    Opened, advance, advance_without_body, all, at, commit, contract, document, due_at, id,
    project, said, stamp, task, texts, write_next,
};

contract! {
    a_fresh_store_is_empty
    what_was_committed_is_loaded
    whoever_comes_second_is_told_and_writes_nothing
    all_conflicts_are_told_at_once
    a_batch_may_hold_several_records_of_an_instance
    numbers_are_dense_and_per_partition
    reading_begins_inside_a_record
    reading_goes_on_page_by_page
    history_is_the_chain_walked_backwards
    what_happens_to_the_service_has_numbers_too
    a_document_and_a_record_are_one_write
    large_records_and_bodies_come_back
    a_body_that_shrinks_leaves_nothing_behind
    body_and_tail_are_the_instance
    the_header_is_newer_than_the_body
    the_clock_never_goes_back
    a_contradictory_batch_is_refused
    an_empty_batch_is_nothing
}

fn a_fresh_store_is_empty(store: &Opened) {
    assert_eq!(store.identity().partitions, PARTITIONS);
    assert!(store.identity().simulated_clock);
    assert_eq!(store.identity().incarnation.len(), 32);
    assert!(store.load(&id("p-1")).expect("readable").is_none());
    assert_eq!(store.header(&id("p-1")).expect("readable"), None);
    assert_eq!(store.last_seqs().expect("readable"), vec![Seq(0); usize::from(PARTITIONS)]);
    assert!(store.events_after(CONTROL, Seq(0), 10).expect("readable").is_empty());
    assert!(store.events_after(Partition(900), Seq(0), 10).expect("readable").is_empty());
    assert!(store.history(&id("p-1"), None, 10).expect("readable").is_empty());
    assert!(store.due(Timestamp(i64::MAX), 10).expect("readable").is_empty());
    assert_eq!(store.next_due().expect("readable"), None);
    assert!(store.query(&all(Order::Id)).expect("readable").is_empty());
    assert_eq!(store.document("workflow/a").expect("readable"), None);
    assert!(store.documents("").expect("readable").is_empty());
    assert_eq!(store.clock().expect("readable"), None);
}

fn what_was_committed_is_loaded(store: &Opened) {
    let mut project = project("p-1");
    let first = write_next(&**store, &mut project, 2);
    assert_eq!(first, Seq(1));
    let stored = store.load(&project.id).expect("readable").expect("written");
    assert_eq!(stored.body.as_ref(), Some(&project));
    assert!(stored.tail.is_empty());

    std::sync::Arc::make_mut(&mut project.fields)
        .insert(FieldId::trusted("area"), Value::Integer(-5));
    let second = write_next(&**store, &mut project, 1);
    assert_eq!(second, Seq(3));
    let stored = store.load(&project.id).expect("readable").expect("written");
    assert_eq!(stored.body, Some(project.clone()));
    let header = store.header(&project.id).expect("readable").expect("written");
    assert_eq!(header, project.header(&[FieldId::trusted("industry")]));
}

fn whoever_comes_second_is_told_and_writes_nothing(store: &Opened) {
    let mut ours = project("p-1");
    write_next(&**store, &mut ours, 1);
    let mut theirs = ours.clone();
    write_next(&**store, &mut theirs, 1);

    let mut other = project("p-2");
    let batch = Batch {
        writes: vec![advance(&**store, &mut other, 1), advance(&**store, &mut ours, 1)],
        documents: vec![document("a", Some(b"b"))],
        clock: Some(at(99)),
    };
    let conflict = store.commit(batch).expect_err("they were first");
    assert!(matches!(&conflict, Error::Conflict(ids) if *ids == [id("p-1")]), "{conflict}");

    assert!(store.load(&id("p-2")).expect("readable").is_none());
    assert_eq!(store.document("a").expect("readable"), None);
    assert_eq!(store.clock().expect("readable"), None);
    let stored = store.load(&id("p-1")).expect("readable").expect("written");
    assert_eq!(stored.body, Some(theirs));
    let total: u64 = store.last_seqs().expect("readable").iter().map(|seq| seq.0).sum();
    assert_eq!(total, 2);
}

fn all_conflicts_are_told_at_once(store: &Opened) {
    let mut writes = Vec::new();
    for name in ["p-1", "p-2", "p-3"] {
        let mut project = project(name);
        if name != "p-2" {
            write_next(&**store, &mut project.clone(), 1);
        }
        // Two records each: the second of a conflicting instance must not hide anything.
        writes.push(advance(&**store, &mut project, 1));
        writes.push(advance(&**store, &mut project, 1));
    }
    let conflict = commit(&**store, writes).expect_err("two exist");
    let Error::Conflict(ids) = conflict else { panic!("{conflict}") };
    assert_eq!(ids, [id("p-1"), id("p-3")]);

    let mut gap = project("p-9");
    gap.version = 4;
    let write = advance(&**store, &mut gap, 1);
    let conflict = commit(&**store, vec![write]).expect_err("versions begin with 1");
    assert!(matches!(conflict, Error::Conflict(_)), "{conflict}");
}

fn a_batch_may_hold_several_records_of_an_instance(store: &Opened) {
    let (mut one, mut two) = (project("p-1"), project("p-2"));
    let writes = vec![
        advance(&**store, &mut one, 2),
        advance(&**store, &mut two, 1),
        advance(&**store, &mut one, 3),
        advance(&**store, &mut one, 1),
    ];
    let committed = commit(&**store, writes).expect("nobody else writes");
    assert_ne!(store.partition_of(&one.id), store.partition_of(&two.id));
    assert_eq!(committed.first_seqs, [Seq(1), Seq(1), Seq(3), Seq(6)]);
    assert_eq!(store.load(&one.id).expect("readable").expect("written").body, Some(one.clone()));
    let versions: Vec<u64> = store
        .history(&one.id, None, 10)
        .expect("readable")
        .iter()
        .map(|numbered| numbered.record.stamp.as_ref().expect("of an instance").version)
        .collect();
    assert_eq!(versions, [3, 2, 1]);
}

fn numbers_are_dense_and_per_partition(store: &Opened) {
    let mut expected = vec![0_u64; usize::from(PARTITIONS)];
    for number in 0..40 {
        let mut project = project(&format!("p-{number}"));
        for events in [1, 3, 2] {
            let partition = usize::from(store.partition_of(&project.id).0);
            let first = write_next(&**store, &mut project, events);
            assert_eq!(first, Seq(expected[partition] + 1));
            expected[partition] += events as u64;
        }
    }
    let last: Vec<u64> = store.last_seqs().expect("readable").iter().map(|seq| seq.0).collect();
    assert_eq!(last, expected);
    for (partition, last) in (0_u16..).zip(last) {
        let records =
            store.events_after(Partition(partition), Seq(0), usize::MAX).expect("readable");
        let mut next = 1;
        for numbered in records {
            assert_eq!(numbered.partition, Partition(partition));
            assert_eq!(numbered.first_seq, Seq(next));
            next += numbered.record.events.len() as u64;
        }
        assert_eq!(next, last + 1);
    }
}

fn reading_begins_inside_a_record(store: &Opened) {
    let mut project = project("p-1");
    for events in [2, 3, 1] {
        write_next(&**store, &mut project, events);
    }
    let partition = store.partition_of(&project.id);
    let first_after = |after| {
        let records = store.events_after(partition, Seq(after), 10).expect("readable");
        records.iter().map(|numbered| numbered.first_seq.0).collect::<Vec<_>>()
    };
    assert_eq!(first_after(0), [1, 3, 6]);
    assert_eq!(first_after(1), [1, 3, 6], "event 2 lies inside the first record");
    assert_eq!(first_after(2), [3, 6]);
    assert_eq!(first_after(3), [3, 6]);
    assert_eq!(first_after(4), [3, 6], "event 5 lies inside the second record");
    assert_eq!(first_after(5), [6]);
    assert!(first_after(6).is_empty());
    assert!(first_after(u64::MAX).is_empty());
}

fn reading_goes_on_page_by_page(store: &Opened) {
    let mut project = project("p-1");
    for _ in 0..25 {
        write_next(&**store, &mut project, 2);
    }
    let partition = store.partition_of(&project.id);
    let (mut after, mut seen) = (0, Vec::new());
    loop {
        let page = store.events_after(partition, Seq(after), 4).expect("readable");
        assert!(page.len() <= 4);
        let Some(last) = page.last() else { break };
        after = last.first_seq.0 + last.record.events.len() as u64 - 1;
        seen.extend(texts(&page));
    }
    let all = store.events_after(partition, Seq(0), usize::MAX).expect("readable");
    assert_eq!(seen, texts(&all));
    assert_eq!(seen.len(), 25);
    assert_eq!(seen[24], (49, vec!["p-1 v25 e0".to_owned(), "p-1 v25 e1".to_owned()]));
    assert!(store.events_after(partition, Seq(0), 0).expect("readable").is_empty());
}

fn history_is_the_chain_walked_backwards(store: &Opened) {
    let (mut one, mut two) = (project("p-1"), twin_of("p-1", &**store));
    for _ in 0..10 {
        write_next(&**store, &mut one, 1);
        write_next(&**store, &mut two, 2);
    }
    let versions = |before, limit| {
        let records = store.history(&one.id, before, limit).expect("readable");
        let version = |record: &Record| record.stamp.as_ref().expect("of an instance").version;
        assert!(records.iter().all(|numbered| {
            numbered.record.stamp.as_ref().is_some_and(|stamp| stamp.instance == one.id)
        }));
        records.iter().map(|numbered| version(&numbered.record)).collect::<Vec<_>>()
    };
    assert_eq!(versions(None, 3), [10, 9, 8]);
    assert_eq!(versions(Some(8), 3), [7, 6, 5]);
    assert_eq!(versions(Some(3), 10), [2, 1]);
    assert_eq!(versions(Some(1), 10), [0_u64; 0]);
    assert_eq!(versions(Some(99), 2), [10, 9]);
    assert_eq!(versions(None, 0), [0_u64; 0]);
    assert_eq!(versions(None, usize::MAX).len(), 10);
    let numbers: Vec<u64> = texts(&store.history(&one.id, None, 3).expect("readable"))
        .into_iter()
        .map(|(first, _)| first)
        .collect();
    assert_eq!(numbers, [28, 25, 22], "both share a partition and alternate");
    let earlier = |than: u64, limit| {
        let records = store.earlier(&one.id, Seq(than), limit).expect("readable");
        records.iter().map(|numbered| numbered.first_seq.0).collect::<Vec<_>>()
    };
    assert_eq!(earlier(28, 2), [25, 22]);
    assert_eq!(earlier(22, 1), [19]);
    assert_eq!(earlier(4, 9), [1]);
    assert_eq!(earlier(1, 9), [0_u64; 0]);
    let foreign = store.earlier(&one.id, Seq(29), 1).expect_err("it is the other's");
    assert!(matches!(foreign, Error::Corrupt(_)), "{foreign}");
}

/// Another project in the same partition.
fn twin_of(name: &str, store: &dyn Store) -> Instance {
    let partition = store.partition_of(&id(name));
    (0..10_000)
        .map(|number| project(&format!("twin-{number}")))
        .find(|twin| store.partition_of(&twin.id) == partition)
        .expect("one of many shares the partition")
}

fn what_happens_to_the_service_has_numbers_too(store: &Opened) {
    let published = |version| Write {
        partition: CONTROL,
        record: Arc::new(Record {
            stamp: None,
            time: at(0),
            actor: Actor::Member(MemberId::trusted("admin")),
            request: None,
            events: vec![Event {
                time: at(0),
                due_at: None,
                payload: Payload::WorkflowPublished {
                    workflow: WorkflowId::trusted("investment"),
                    version,
                    digest: "ab".to_owned(),
                },
            }],
        }),
        header: None,
        body: None,
    };
    let committed = commit(&**store, vec![published(1), published(2)]).expect("no instance");
    assert_eq!(committed.first_seqs, [Seq(1), Seq(2)]);
    let records = store.events_after(CONTROL, Seq(1), 10).expect("readable");
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].record, *published(2).record);
    assert!(store.query(&all(Order::Id)).expect("readable").is_empty());
}

fn a_document_and_a_record_are_one_write(store: &Opened) {
    let mut project = project("p-1");
    let batch = Batch {
        writes: vec![advance(&**store, &mut project, 1)],
        documents: vec![document("a", Some(b"1"))],
        clock: Some(at(1)),
    };
    let committed = store.commit(batch).expect("written");
    assert_eq!(committed.first_seqs, [Seq(1)]);
    assert_eq!(store.document("a").expect("readable"), Some(b"1".to_vec()));
    assert_eq!(store.clock().expect("readable"), Some(at(1)));
}

fn large_records_and_bodies_come_back(store: &Opened) {
    let store = &**store;
    let mut large = project("p-1");
    let text = "很长的说明".repeat(2_000);
    assert!(text.len() >= 30_000);
    std::sync::Arc::make_mut(&mut large.fields)
        .insert(FieldId::trusted("summary"), Value::Text(text.as_str().into()));
    large.tasks = (1..=300).map(|number| task(number, "legal", Some("wang"))).collect();
    let mut small = twin_of("p-1", store);
    let mut write = advance(store, &mut large, 1);
    Arc::make_mut(&mut write.record).events.push(said(at(1), &text));
    let record = write.record.clone();
    commit(store, vec![write, advance(store, &mut small, 2)]).expect("written");

    let partition = store.partition_of(&large.id);
    let records = store.events_after(partition, Seq(0), 10).expect("readable");
    assert_eq!(records.len(), 2);
    assert_eq!((records[0].first_seq, &records[0].record), (Seq(1), &*record));
    assert_eq!(records[1].first_seq, Seq(3));
    assert_eq!(store.events_after(partition, Seq(1), 1).expect("readable")[0].record, *record);
    assert_eq!(store.history(&large.id, None, 1).expect("readable")[0].record, *record);
    let stored = store.load(&large.id).expect("readable").expect("written");
    assert_eq!(stored.body, Some(large.clone()));
    assert_eq!(store.query(&all(Order::Id)).expect("readable")[0].tasks.len(), 300);
}

fn a_body_that_shrinks_leaves_nothing_behind(store: &Opened) {
    let mut project = project("p-1");
    for size in [30_000, 10, 9_000, 5_000, 0] {
        let text: String = "x".repeat(size);
        std::sync::Arc::make_mut(&mut project.fields)
            .insert(FieldId::trusted("summary"), Value::Text(text.into()));
        write_next(&**store, &mut project, 1);
        let stored = store.load(&project.id).expect("readable").expect("written");
        assert_eq!(stored.body.as_ref(), Some(&project), "{size}");
    }
}

/// A body every third record: load gives the last one and the records since.
fn body_and_tail_are_the_instance(store: &Opened) {
    let store = &**store;
    let mut projects = [project("p-1"), twin_of("p-1", store), project("p-3")];
    let mut bodies: [Option<Instance>; 3] = [None, None, None];
    for round in 1_u64..=10 {
        for (project, body) in projects.iter_mut().zip(&mut bodies) {
            let mut write = advance_without_body(store, project, 2);
            if round.is_multiple_of(3) {
                write.body = Some(Arc::new(project.clone()));
                *body = Some(project.clone());
            }
            commit(store, vec![write]).expect("nobody else writes");

            let stored = store.load(&project.id).expect("readable").expect("written");
            assert_eq!(&stored.body, body, "round {round}");
            let versions: Vec<u64> = stored
                .tail
                .iter()
                .map(|record| record.stamp.as_ref().expect("of an instance").version)
                .collect();
            let first = body.as_ref().map_or(0, |body| body.version) + 1;
            assert_eq!(versions, (first..=round).collect::<Vec<_>>());
            let history = store.history(&project.id, None, usize::MAX).expect("readable");
            let newest = history.iter().map(|numbered| &numbered.record);
            assert!(newest.zip(stored.tail.iter().rev()).all(|(left, right)| left == right));
        }
    }
}

fn the_header_is_newer_than_the_body(store: &Opened) {
    let store = &**store;
    let mut project = due_at("p-1", at(10));
    write_next(store, &mut project, 1);
    project.clocks = due_at("p-1", at(20)).clocks;
    project.steward = Some(MemberId::trusted("li"));
    // One batch: a body in its first record, then two headers without one.
    let checkpoint = advance(store, &mut project, 1);
    let writes = vec![
        checkpoint,
        advance_without_body(store, &mut project, 1),
        advance_without_body(store, &mut project, 3),
    ];
    commit(store, writes).expect("nobody else writes");
    let header = store.header(&project.id).expect("readable").expect("written");
    assert_eq!(header, project.header(&[FieldId::trusted("industry")]));
    assert_eq!((header.version, header.next_due), (4, Some(at(20))));
    let stored = store.load(&project.id).expect("readable").expect("written");
    assert_eq!(stored.body.map(|body| body.version), Some(2));
    assert_eq!(stored.tail.len(), 2);
    assert_eq!(stored.tail[1].stamp, Some(stamp(&project)));

    write_next(store, &mut project, 1);
    let stored = store.load(&project.id).expect("readable").expect("written");
    assert_eq!((stored.body, stored.tail.len()), (Some(project), 0));
}

fn the_clock_never_goes_back(store: &Opened) {
    let read = |reading| {
        store.commit(Batch { clock: Some(reading), ..Batch::default() }).expect("written");
        store.clock().expect("readable")
    };
    assert_eq!(read(at(5)), Some(at(5)));
    assert_eq!(read(at(3)), Some(at(5)));
    assert_eq!(read(at(9)), Some(at(9)));
    store.commit(Batch::default()).expect("written");
    assert_eq!(store.clock().expect("readable"), Some(at(9)));
}

/// A batch like these comes from a defect: the store refuses it and tells what contradicts what.
fn a_contradictory_batch_is_refused(store: &Opened) {
    let store = &**store;
    let fresh = || advance(store, &mut project("p-1"), 1);
    let refuse = |change: fn(&mut Write)| {
        let mut write = fresh();
        change(&mut write);
        let error = commit(store, vec![write]).expect_err("it contradicts itself");
        assert!(matches!(error, Error::Corrupt(_)));
        error.to_string()
    };
    let refusals = [
        refuse(|write| Arc::make_mut(&mut write.record).events.clear()),
        refuse(|write| write.header = None),
        refuse(|write| Arc::make_mut(&mut write.record).stamp = None),
        refuse(|write| write.partition = Partition((write.partition.0 + 1) % 64)),
        refuse(|write| write.header.as_mut().expect("it has one").version += 1),
        refuse(|write| {
            Arc::make_mut(write.body.as_mut().expect("it has one")).status = Status::Suspended;
        }),
        store
            .commit(Batch { documents: vec![document("a\0b", None)], ..Batch::default() })
            .expect_err("not a key")
            .to_string(),
    ];
    insta::allow_duplicates! {
        insta::assert_snapshot!(refusals.join("\n"), @r#"
        the store cannot be trusted: a batch contradicts itself: instance p-1, version 1: a record without events has no number
        the store cannot be trusted: a batch contradicts itself: instance p-1, version 1: its header is missing
        the store cannot be trusted: a batch contradicts itself: a record without an instance: it belongs to the control partition and has neither header nor body
        the store cannot be trusted: a batch contradicts itself: instance p-1, version 1: it is in the wrong partition
        the store cannot be trusted: a batch contradicts itself: instance p-1, version 1: its header is that of another version
        the store cannot be trusted: a batch contradicts itself: instance p-1, version 1: header and body disagree about `status`
        the store cannot be trusted: a document cannot have the key "a\0b"
        "#);
    }
    assert!(store.load(&id("p-1")).expect("readable").is_none());
    commit(store, vec![fresh()]).expect("a refused batch leaves the store as it was");
}

fn an_empty_batch_is_nothing(store: &Opened) {
    assert!(commit(&**store, Vec::new()).expect("nothing to do").first_seqs.is_empty());
    assert_eq!(store.clock().expect("readable"), None);
}
