//! A hand-over by the runtime alone: what becomes of an instance that nobody can look at.

use sanbang::definition::sources::Sources;
use sanbang::model::actor::Actor;
use sanbang::model::hand_over::HandOverItemState;
use sanbang::model::id::MemberId;
use sanbang::runtime::{Clock, Configuration, HandOverOrder, Runtime};
use sanbang::store::{Batch, DocumentWrite};

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
