//! A hand-over by the runtime alone: what becomes of an instance that nobody can look at, and of
//! more than one hand-over moves.

use sanbang::definition::sources::Sources;
use sanbang::model::actor::Actor;
use sanbang::model::hand_over::{Charge, HandOver, HandOverItem, HandOverItemState};
use sanbang::model::id::MemberId;
use sanbang::model::limits;
use sanbang::runtime::{Clock, Configuration, HandOverOrder, HandOverQuery, Runtime};
use sanbang::store::{Batch, DocumentWrite, record};

use super::runtime_fixture::{START, create, files, id, memory, options, start};

/// The same files, with a workflow of another name.
fn others() -> Sources {
    let renamed = |text: String| text.replace("workflow: errand", "workflow: other");
    let files = files().into_iter();
    Sources { files: files.map(|(path, text)| (path.to_owned(), renamed(text).into())).collect() }
}

/// The version by which it goes is not in the store: it is there, and cannot be looked at.
#[tokio::test]
async fn what_cannot_be_looked_at_is_left_and_not_taken_for_gone() {
    let store = memory();
    let service = start(&store);
    service.handle.submit(id("e-1"), create("e-1", None)).await.unwrap();
    service.stop();
    let lost: Vec<_> = ["workflow/errand/", "active/errand"]
        .into_iter()
        .flat_map(|prefix| store.documents(prefix).unwrap())
        .map(|(key, _)| DocumentWrite { key, content: None })
        .collect();
    assert_eq!(lost.len(), 2);
    store.commit(Batch { documents: lost, ..Batch::default() }).unwrap();

    let configuration = Configuration::Files(others());
    let started = Runtime::start(options(), store, Clock::simulated(START), configuration);
    let (runtime, handle) = started.unwrap();
    let order = HandOverOrder {
        request_id: "h-1".to_owned(),
        from: MemberId::trusted("anna"),
        to: Some(MemberId::trusted("bert")),
        reason: "called back".to_owned(),
    };
    let chief = Actor::Member(MemberId::trusted("chief"));
    let mut following = handle.hand_over(chief, order).await.unwrap();
    let ended = following.wait_for(|it| it.ended_at.is_some()).await.unwrap().clone();
    for item in &ended.items {
        let HandOverItemState::Left { code, .. } = &item.state else { panic!("{item:?}") };
        assert_eq!(code, "INTERNAL");
    }
    assert!(!ended.items.is_empty());
    runtime.shutdown();
}

/// One that was interrupted when it had come to within one thing of as many as it may move.
#[tokio::test]
async fn what_is_more_than_one_hand_over_moves_is_left_and_counted() {
    let store = memory();
    let service = start(&store);
    for name in ["e-1", "e-2", "e-3"] {
        service.handle.submit(id(name), create(name, None)).await.unwrap();
    }
    service.stop();
    let done = |number: usize| HandOverItem {
        charge: Charge::Stewardship,
        instance: Some(id(&format!("gone-{number}"))),
        task: None,
        name: String::new(),
        state: HandOverItemState::Gone,
    };
    let hand_over = HandOver {
        id: "h".to_owned(),
        from: MemberId::trusted("anna"),
        to: Some(MemberId::trusted("bert")),
        reason: "called back".to_owned(),
        actor: Actor::Member(MemberId::trusted("chief")),
        begun_at: START,
        ended_at: None,
        items: (1..limits::HAND_OVER_ITEMS_MAX).map(done).collect(),
    };
    let content = Some(record::encode_hand_over(&hand_over));
    let documents = vec![DocumentWrite { key: "hand-over/h".to_owned(), content }];
    store.commit(Batch { documents, ..Batch::default() }).unwrap();

    let service = start(&store);
    let ended = loop {
        let query = HandOverQuery { id: "h".to_owned(), limit: 1, ..HandOverQuery::default() };
        let mut page = service.handle.hand_overs(query).await.unwrap().unwrap();
        match page.hand_overs.pop() {
            Some(hand_over) if hand_over.ended_at.is_some() => break hand_over,
            _ => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
        }
    };
    let told: Vec<_> = ended.items.iter().skip(limits::HAND_OVER_ITEMS_MAX - 1).collect();
    let HandOverItemState::HandedTo(to) = &told[0].state else { panic!("{told:?}") };
    assert_eq!((to.as_str(), &told[0].instance), ("bert", &Some(id("e-1"))));
    let rows: Vec<_> = told[1..].iter().map(|row| (row.charge, row.name.as_str())).collect();
    assert_eq!(rows, [(Charge::Stewardship, "2 more"), (Charge::Task, "3 more")]);
    for row in &told[1..] {
        let HandOverItemState::Left { code, .. } = &row.state else { panic!("{row:?}") };
        assert_eq!(code, "LIMIT_REACHED");
    }
    service.stop();
}
