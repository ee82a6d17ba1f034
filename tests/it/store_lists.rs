//! What every store answers from its index, and its documents: one suite, run against each.

use sanbang::model::escalation::Light;
use sanbang::model::id::{FieldId, GroupId, MemberId, RoleId, StageId, WorkflowId};
use sanbang::model::instance::Status;
use sanbang::model::task::{CancelReason, TaskEnd};
use sanbang::model::time::Timestamp;
use sanbang::model::value::{Decimal, Value};
use sanbang::store::{Batch, Order, Place, Query, Store};

use super::store_fixture::{
    Opened, advance_without_body, all, at, commit, contract, document, due_at, id, project, task,
    write_next,
};

contract! {
    due_is_strict_and_in_order
    ended_instances_are_never_due
    queries_filter
    queries_compare_decimals_as_numbers
    queries_order_and_page
    a_page_begins_where_the_one_before_ended
    long_searches_find_what_lies_at_the_end
    work_lists_follow_the_tasks
    documents_are_set_listed_and_removed
    large_documents_come_back
}

fn due_is_strict_and_in_order(store: &Opened) {
    for (name, minutes) in [("p-3", 10), ("p-1", 30), ("p-4", 10), ("p-2", 20)] {
        write_next(&**store, &mut due_at(name, at(minutes)), 1);
    }
    write_next(&**store, &mut project("p-0"), 1);
    let due = |now: Timestamp, limit| {
        let due = store.due(now, limit).expect("readable");
        due.iter().map(|due| due.instance.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(store.next_due().expect("readable"), Some(at(10)));
    assert!(due(at(10), 9).is_empty(), "what falls due at this instant is not due before it");
    assert_eq!(due(at(10).plus_ms(1), 9), ["p-3", "p-4"]);
    assert_eq!(due(Timestamp(i64::MAX), 9), ["p-3", "p-4", "p-2", "p-1"]);
    assert_eq!(due(Timestamp(i64::MAX), 3), ["p-3", "p-4", "p-2"]);

    // What is due next moves with the instance.
    let mut moved = store.load(&id("p-3")).expect("readable").expect("written").body.expect("K=1");
    moved.clocks = due_at("p-3", at(25)).clocks;
    write_next(&**store, &mut moved, 1);
    assert_eq!(due(Timestamp(i64::MAX), 9), ["p-4", "p-2", "p-3", "p-1"]);
    moved.clocks.clear();
    write_next(&**store, &mut moved, 1);
    assert_eq!(due(Timestamp(i64::MAX), 9), ["p-4", "p-2", "p-1"]);
    let first = &store.due(at(11), 1).expect("readable")[0];
    assert_eq!((first.next_due, &first.instance), (at(10), &id("p-4")));
}

fn ended_instances_are_never_due(store: &Opened) {
    let mut ended = due_at("p-1", at(10));
    write_next(&**store, &mut ended, 1);
    ended.status = Status::Terminated;
    write_next(&**store, &mut ended, 1);
    assert_eq!(store.next_due().expect("readable"), None);
    assert!(store.due(Timestamp(i64::MAX), 9).expect("readable").is_empty());

    let mut suspended = due_at("p-2", at(10));
    suspended.status = Status::Suspended;
    write_next(&**store, &mut suspended, 1);
    assert_eq!(store.next_due().expect("readable"), Some(at(10)));
}

fn names(store: &dyn Store, query: &Query) -> Vec<String> {
    let found = store.query(query).expect("readable");
    found.iter().map(|header| header.id.as_str().to_owned()).collect()
}

fn queries_filter(store: &Opened) {
    let store = &**store;
    let member = |name: &str| Some(MemberId::trusted(name));
    let mut one = project("p-1");
    one.steward = member("li");
    one.group = Some(GroupId::trusted("medical"));
    let mut two = project("p-2");
    two.workflow = WorkflowId::trusted("demand");
    two.steward = member("wang");
    let mut three = project("p-3");
    three.status = Status::Completed;
    three.stages.clear();
    std::sync::Arc::make_mut(&mut three.fields)
        .insert(FieldId::trusted("industry"), Value::Text("chips".into()));
    for project in [&mut one, &mut two, &mut three] {
        write_next(store, project, 1);
    }
    let query = |change: fn(&mut Query)| {
        let mut query = all(Order::Id);
        change(&mut query);
        names(store, &query)
    };
    assert_eq!(query(|_| ()), ["p-1", "p-2", "p-3"]);
    assert_eq!(query(|it| it.workflows = vec![WorkflowId::trusted("demand")]), ["p-2"]);
    assert_eq!(query(|it| it.statuses = vec![Status::Completed, Status::Suspended]), ["p-3"]);
    assert_eq!(query(|it| it.stages = vec![StageId::trusted("signing")]), ["p-1", "p-2"]);
    assert_eq!(query(|it| it.stewards = vec![MemberId::trusted("wang")]), ["p-2"]);
    let both = vec![MemberId::trusted("wang"), MemberId::trusted("li")];
    assert_eq!(names(store, &Query { stewards: both, ..all(Order::Id) }), ["p-1", "p-2"]);
    assert_eq!(query(|it| it.groups = vec![GroupId::trusted("medical")]), ["p-1"]);
    let lights = |light| Query { lights: vec![light], ..all(Order::Id) };
    assert_eq!(names(store, &lights(Light::None)).len(), 3);
    assert!(names(store, &lights(Light::Red)).is_empty());

    let field = |value: &str| (FieldId::trusted("industry"), Value::Text(value.into()));
    let fields = |fields| names(store, &Query { fields, ..all(Order::Id) });
    assert_eq!(fields(vec![field("chips")]), ["p-3"]);
    assert_eq!(fields(vec![field("medical")]), ["p-1", "p-2"]);
    assert_eq!(fields(vec![field("medical"), field("chips")]), ["p-1", "p-2", "p-3"]);
    let other = (FieldId::trusted("area"), Value::Integer(1));
    assert!(fields(vec![field("chips"), other]).is_empty(), "each field that is named counts");
    assert!(
        query(|it| {
            it.workflows = vec![WorkflowId::trusted("demand")];
            it.stewards = vec![MemberId::trusted("li")];
        })
        .is_empty(),
        "all filters hold together"
    );
}

fn queries_compare_decimals_as_numbers(store: &Opened) {
    let store = &**store;
    let field = |digits: &str| {
        let number = Decimal::from_str_exact(digits).expect("a decimal number");
        (FieldId::trusted("industry"), Value::Decimal(number))
    };
    for (name, digits) in [("p-1", "1.5"), ("p-2", "1.50"), ("p-3", "2"), ("p-4", "-1.5")] {
        let mut project = project(name);
        std::sync::Arc::make_mut(&mut project.fields).extend([field(digits)]);
        write_next(store, &mut project, 1);
    }
    let equal =
        |digits: &str| names(store, &Query { fields: vec![field(digits)], ..all(Order::Id) });
    for digits in ["1.5", "1.50", "1.500"] {
        assert_eq!(equal(digits), ["p-1", "p-2"], "{digits}");
    }
    assert_eq!(equal("2.0"), ["p-3"]);
    assert!(equal("15").is_empty());
}

fn queries_order_and_page(store: &Opened) {
    let store = &**store;
    let created = [("p-1", 5), ("p-2", 9), ("p-3", 5), ("p-4", 1), ("p-5", 7)];
    for (name, minutes) in created {
        let mut project = due_at(name, at(100 - minutes));
        project.created_at = at(minutes);
        if name == "p-5" {
            project.clocks.clear();
        }
        write_next(store, &mut project, 1);
    }
    assert_eq!(names(store, &all(Order::Id)), ["p-1", "p-2", "p-3", "p-4", "p-5"]);
    let latest_first = ["p-2", "p-5", "p-1", "p-3", "p-4"];
    assert_eq!(names(store, &all(Order::CreatedDescending)), latest_first);
    let due_first = ["p-2", "p-1", "p-3", "p-4", "p-5"];
    assert_eq!(names(store, &all(Order::NextDue)), due_first);

    for order in [Order::Id, Order::CreatedDescending, Order::NextDue] {
        let mut seen = Vec::new();
        loop {
            let after = seen.last().map(|header| order.place_of(header));
            let page = store.query(&Query { after, limit: 2, ..all(order) }).expect("readable");
            if page.is_empty() {
                break;
            }
            seen.extend(page);
        }
        assert_eq!(seen, store.query(&all(order)).expect("readable"));
    }
    let unknown = Query { after: Some(id("p-35").into()), ..all(Order::Id) };
    assert_eq!(names(store, &unknown), ["p-4", "p-5"]);
    let place = Place { rank: at(95).0, instance: id("p-35") };
    let between = Query { after: Some(place), ..all(Order::NextDue) };
    assert_eq!(names(store, &between), ["p-4", "p-5"]);
    assert!(names(store, &Query { limit: 0, ..all(Order::Id) }).is_empty());
}

/// The last one of a page falls due later by the time the next page is asked for.
fn a_page_begins_where_the_one_before_ended(store: &Opened) {
    let store = &**store;
    let mut projects: Vec<_> =
        (1..=5).map(|number| due_at(&format!("p-{number}"), at(number))).collect();
    for project in &mut projects {
        write_next(store, project, 1);
    }
    let page = |after| {
        let page = store.query(&Query { after, limit: 2, ..all(Order::NextDue) });
        page.expect("readable")
    };
    let first = page(None);
    let last = first.last().expect("there are several");
    assert_eq!(last.id, id("p-2"));
    projects[1].clocks = due_at("p-2", at(90)).clocks;
    write_next(store, &mut projects[1], 1);
    let second: Vec<_> = page(Some(Order::NextDue.place_of(last)));
    let second: Vec<&str> = second.iter().map(|header| header.id.as_str()).collect();
    assert_eq!(second, ["p-3", "p-4"]);
}

/// So many that a search has several turns, between which others write.
fn long_searches_find_what_lies_at_the_end(store: &Opened) {
    const INSTANCES: i64 = 5000;
    let store = &**store;
    let rare = [INSTANCES - 1, 4500, 4400, 7];
    let value = |text: &str| (FieldId::trusted("industry"), Value::Text(text.into()));
    for batch in (0..INSTANCES).collect::<Vec<_>>().chunks(1000) {
        let write = |number: &i64| {
            let mut project = due_at(&format!("p-{number:04}"), at(*number));
            project.created_at = at(-*number);
            if rare.contains(number) {
                std::sync::Arc::make_mut(&mut project.fields).extend([value("rare")]);
            }
            advance_without_body(store, &mut project, 1)
        };
        commit(store, batch.iter().map(write).collect()).expect("nobody else writes");
    }
    for order in [Order::Id, Order::CreatedDescending, Order::NextDue] {
        let rare = Query { fields: vec![value("rare")], ..all(order) };
        assert_eq!(names(store, &rare), ["p-0007", "p-4400", "p-4500", "p-4999"], "{order:?}");
        let first = store.query(&Query { limit: 1, ..rare.clone() }).expect("readable");
        let after = first.last().map(|header| order.place_of(header));
        let page = Query { after, limit: 2, ..rare };
        assert_eq!(names(store, &page), ["p-4400", "p-4500"], "{order:?}");
        let both = vec![value("rare"), value("medical")];
        let every = Query { fields: both, limit: usize::MAX, ..all(order) };
        let every = names(store, &every);
        assert!(every.is_sorted() && every.len() == 5000, "{order:?}: {}", every.len());
    }
}

fn work_lists_follow_the_tasks(store: &Opened) {
    let store = &**store;
    let mut one = project("p-1");
    one.tasks = vec![task(1, "steward", Some("li")), task(2, "legal", None)];
    let mut two = project("p-2");
    two.tasks = vec![task(1, "legal", Some("wang"))];
    write_next(store, &mut one, 1);
    write_next(store, &mut two, 1);
    let held = |member: &str| {
        let holders = vec![MemberId::trusted(member)];
        names(store, &Query { holders, ..all(Order::Id) })
    };
    let offered = |role: &str| {
        let offered_to = vec![RoleId::trusted(role)];
        names(store, &Query { offered_to, ..all(Order::CreatedDescending) })
    };
    assert_eq!((held("li"), held("wang"), held("sun")), (s(&["p-1"]), s(&["p-2"]), s(&[])));
    assert_eq!((offered("legal"), offered("steward")), (s(&["p-1"]), s(&[])));

    one.tasks = vec![task(2, "legal", Some("wang"))];
    write_next(store, &mut one, 1);
    std::sync::Arc::make_mut(&mut two.tasks[0]).end =
        Some(TaskEnd::Cancelled { because: CancelReason::StageLeft, at: at(3) });
    write_next(store, &mut two, 1);
    assert_eq!((held("li"), held("wang"), offered("legal")), (s(&[]), s(&["p-1"]), s(&[])));
}

fn s(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn documents_are_set_listed_and_removed(store: &Opened) {
    let set = |documents| store.commit(Batch { documents, ..Batch::default() }).expect("written");
    set(vec![
        document("workflow/b/10", Some(b"ten")),
        document("workflow/b/1", Some(b"one")),
        document("workflow/b", Some(b"")),
        document("workflows", Some(b"other")),
        document("日历", Some("假日".as_bytes())),
    ]);
    let listed = |prefix: &str| {
        let documents = store.documents(prefix).expect("readable");
        documents.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
    };
    assert_eq!(listed("workflow/b/"), s(&["workflow/b/1", "workflow/b/10"]));
    assert_eq!(listed("workflow").len(), 4);
    assert_eq!(listed("").len(), 5);
    assert_eq!(listed("workflow/b"), s(&["workflow/b", "workflow/b/1", "workflow/b/10"]));
    assert!(listed("x").is_empty());
    assert_eq!(store.document("workflow/b").expect("readable"), Some(Vec::new()));
    assert_eq!(store.document("日历").expect("readable"), Some("假日".as_bytes().to_vec()));
    assert_eq!(store.document("workflow").expect("readable"), None);

    set(vec![document("workflow/b/1", None), document("workflow/b", Some(b"new"))]);
    assert_eq!(store.document("workflow/b/1").expect("readable"), None);
    assert_eq!(store.document("workflow/b").expect("readable"), Some(b"new".to_vec()));
    set(vec![document("never", None), document("workflow/b", None)]);
    set(vec![document("twice", Some(b"1")), document("twice", Some(b"2"))]);
    assert_eq!(store.document("twice").expect("readable"), Some(b"2".to_vec()));
    set(vec![document("twice", Some(b"3")), document("twice", None)]);
    assert_eq!(store.document("twice").expect("readable"), None);
    assert_eq!(listed("w"), s(&["workflow/b/10", "workflows"]));
}

fn large_documents_come_back(store: &Opened) {
    let set = |content: Option<&[u8]>| {
        let documents = vec![document("source", content), document("source2", Some(b"next"))];
        store.commit(Batch { documents, ..Batch::default() }).expect("written");
    };
    for size in [4093, 4094, 4095, 4096, 4097, 8192, 200 * 1024, 5000, 3] {
        let content: Vec<u8> = (0..=250).cycle().take(size).collect();
        set(Some(&content));
        assert_eq!(store.document("source").expect("readable"), Some(content.clone()), "{size}");
        let listed = store.documents("source").expect("readable");
        assert_eq!(listed[0], ("source".to_owned(), content));
        assert_eq!(listed[1], ("source2".to_owned(), b"next".to_vec()));
        assert_eq!(listed.len(), 2);
    }
    // Twice in one batch, the first one longer.
    let documents = vec![document("source", Some(&[7; 9000])), document("source", Some(&[8; 5]))];
    store.commit(Batch { documents, ..Batch::default() }).expect("written");
    assert_eq!(store.document("source").expect("readable"), Some(vec![8; 5]));
    set(Some(&[1; 9000]));
    set(None);
    assert_eq!(store.document("source").expect("readable"), None);
    assert_eq!(store.documents("").expect("readable").len(), 1);
}
