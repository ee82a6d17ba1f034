//! The catalog: edits of workflows and rules, taken as a whole or not at all.
#![expect(clippy::unwrap_used, reason = "a test ends where something does not work")]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use sanbang::engine::Rejection;
use sanbang::model::actor::Actor;
use sanbang::model::event::Payload;
use sanbang::model::id::{MemberId, WorkflowId};
use sanbang::runtime::{Clock, Configuration, Filter, PublishError, Runtime, SourceFile, Start};
use sanbang::runtime::{StartError, SubmitError};
use sanbang::store::Store;

use super::program::{Place, Server};
use super::runtime_fixture::*;

fn chief() -> Actor {
    Actor::Member(MemberId::trusted("chief"))
}

fn errand() -> WorkflowId {
    WorkflowId::trusted("errand")
}

fn file(path: &str, text: &str) -> SourceFile {
    SourceFile { path: path.to_owned(), text: text.to_owned() }
}

fn shorter() -> String {
    let shorter = WORKFLOW.replace("within: 48h", "within: 12h");
    assert_ne!(shorter, WORKFLOW);
    shorter
}

/// Writes a file as editors do: beside it, then renamed over it.
fn edit(directory: &Path, path: &str, text: &str) {
    let draft = directory.join(format!("{path}.draft"));
    fs::write(&draft, text).unwrap();
    fs::rename(&draft, directory.join(path)).unwrap();
}

fn configuration() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir_all(directory.path().join("workflows")).unwrap();
    fs::create_dir_all(directory.path().join("rules/calendars")).unwrap();
    for (path, text) in files() {
        fs::write(directory.path().join(path), text).unwrap();
    }
    directory
}

fn start_in(store: &Arc<dyn Store>, directory: &Path) -> Service {
    let configuration = Configuration::Directory(directory.to_owned());
    let clock = Clock::simulated(START);
    let (runtime, handle) =
        Runtime::start(options(), Arc::clone(store), clock, configuration).unwrap();
    Service { runtime, handle }
}

fn start_from(store: &Arc<dyn Store>, files: &[(&str, &str)]) -> Result<Service, StartError> {
    let mut sources = sources();
    for (path, text) in files {
        sources.files.insert((*path).to_owned(), (*text).into());
    }
    let configuration = Configuration::Files(sources);
    let clock = Clock::simulated(START);
    let started = Runtime::start(options(), Arc::clone(store), clock, configuration);
    started.map(|(runtime, handle)| Service { runtime, handle })
}

/// Hours from the creation to the limit of the first stage.
async fn limit_hours(service: &Service, name: &str) -> i64 {
    let instance = view(&service.handle, name).await;
    instance.clocks[0].plan.due.ms_since(instance.created_at) / HOUR_MS
}

#[tokio::test]
async fn an_edit_holds_for_new_instances_and_a_broken_one_for_none() {
    let directory = configuration();
    let store = memory();
    let service = start_in(&store, directory.path());
    let mut control = service.handle.subscribe(&Start::Now, Filter::default()).unwrap();
    service.handle.submit(id("old"), create("old", None)).await.unwrap();

    edit(directory.path(), "workflows/errand.yaml", &shorter());
    let activated = read_until(&mut control, "workflow.activated").await;
    let expected =
        Payload::WorkflowActivated { workflow: errand(), version: Some(2), before: Some(1) };
    assert_eq!(activated, expected);
    while service.handle.catalog().versions("errand").unwrap().active != Some(2) {
        tokio::task::yield_now().await;
    }
    service.handle.submit(id("new"), create("new", None)).await.unwrap();
    assert_eq!(limit_hours(&service, "old").await, 48);
    assert_eq!(limit_hours(&service, "new").await, 12);
    assert_eq!(view(&service.handle, "old").await.workflow_version, 1);

    let broken = shorter().replace("role: office", "role: offfice");
    edit(directory.path(), "workflows/errand.yaml", &broken);
    let rejected = read_until(&mut control, "workflow.rejected").await;
    let Payload::WorkflowRejected { paths, errors, findings } = rejected else { unreachable!() };
    assert_eq!(paths, ["workflows/errand.yaml"]);
    assert_eq!(errors as usize, findings.len());
    assert!(findings[0].contains("offfice"), "{findings:?}");
    assert!(findings[0].starts_with("workflows/errand.yaml:"), "{findings:?}");
    service.handle.submit(id("newer"), create("newer", None)).await.unwrap();
    assert_eq!(limit_hours(&service, "newer").await, 12);
    assert_eq!(service.handle.catalog().versions("errand").unwrap().versions.len(), 2);

    // Back to what the first version was: no third version is made.
    edit(directory.path(), "workflows/errand.yaml", WORKFLOW);
    let activated = read_until(&mut control, "workflow.activated").await;
    let expected =
        Payload::WorkflowActivated { workflow: errand(), version: Some(1), before: Some(2) };
    assert_eq!(activated, expected);

    fs::remove_file(directory.path().join("workflows/errand.yaml")).unwrap();
    let retired = read_until(&mut control, "workflow.activated").await;
    let expected =
        Payload::WorkflowActivated { workflow: errand(), version: None, before: Some(1) };
    assert_eq!(retired, expected);
    while service.handle.catalog().active("errand").is_some() {
        tokio::task::yield_now().await;
    }
    let refused = service.handle.submit(id("late"), create("late", None)).await;
    let expected = Rejection::WorkflowNotActive("errand".into());
    assert_eq!(refused, Err(SubmitError::Rejected(expected)));
    service.handle.submit(id("old"), comment("goes on", None)).await.unwrap();
    assert_eq!(service.handle.stats().edits_rejected, 1);
    service.stop();
}

#[tokio::test]
async fn a_folder_that_is_replaced_as_a_whole_is_still_watched() {
    let directory = configuration();
    let service = start_in(&memory(), directory.path());
    let mut control = service.handle.subscribe(&Start::Now, Filter::default()).unwrap();
    let (live, draft) = (directory.path().join("workflows"), directory.path().join("draft"));
    fs::create_dir(&draft).unwrap();
    fs::write(draft.join("errand.yaml"), shorter()).unwrap();
    fs::rename(&live, directory.path().join("before")).unwrap();
    fs::rename(&draft, &live).unwrap();
    // The folder may have been seen while it was away: then the workflow was retired in between.
    loop {
        let activated = read_until(&mut control, "workflow.activated").await;
        if matches!(activated, Payload::WorkflowActivated { version: Some(2), .. }) {
            break;
        }
    }
    edit(directory.path(), "workflows/errand.yaml", WORKFLOW);
    let activated = read_until(&mut control, "workflow.activated").await;
    assert!(matches!(activated, Payload::WorkflowActivated { version: Some(1), .. }));
    service.stop();
}

#[tokio::test]
async fn what_the_api_published_outlives_a_restart() {
    let store = memory();
    let service = start(&store);
    let files = vec![file("workflows/errand.yaml", &shorter())];
    let found = service.handle.validate(files.clone()).await.unwrap();
    assert_eq!(found.diagnostics, []);
    assert_eq!(service.handle.catalog().versions("errand").unwrap().active, Some(1));
    let published = service.handle.publish(chief(), files.clone()).await.unwrap();
    assert_eq!((published.workflows[0].version, published.workflows[0].is_new), (2, true));
    let again = service.handle.publish(chief(), files).await.unwrap();
    assert!(again.workflows.is_empty());
    service.stop();

    // The same files as before: nobody has edited them since.
    let service = start(&store);
    assert_eq!(service.handle.catalog().versions("errand").unwrap().active, Some(2));
    let activated = service.handle.activate(chief(), errand(), Some(1)).await.unwrap();
    assert_eq!((activated.version, activated.before), (Some(1), Some(2)));
    service.stop();

    let service = start(&store);
    assert_eq!(service.handle.catalog().versions("errand").unwrap().active, Some(1));
    let unknown = service.handle.activate(chief(), errand(), Some(9)).await;
    assert_eq!(unknown, Err(PublishError::UnknownVersion));
    let elsewhere = service.handle.publish(chief(), vec![file("etc/passwd", "")]).await;
    assert_eq!(elsewhere, Err(PublishError::UnknownPath("etc/passwd".to_owned())));
    let broken = vec![file("workflows/errand.yaml", "workflow: errand\n")];
    let rejected = service.handle.publish(chief(), broken).await;
    assert!(matches!(rejected, Err(PublishError::Rejected(found)) if !found.is_empty()));
    assert_eq!(service.handle.catalog().versions("errand").unwrap().versions.len(), 2);

    let events = all_events(&service.handle).await;
    let kinds = events.iter().filter(|event| event.record.stamp.is_none());
    let kinds: Vec<&str> = kinds.map(|event| event.event().payload.kind()).collect();
    let expected = [
        "calendar.published",
        "organization.changed",
        "workflow.published",
        "workflow.activated",
        "workflow.published",
        "workflow.activated",
        "workflow.activated",
        "workflow.rejected",
    ];
    assert_eq!(kinds, expected);
    service.stop();
}

#[tokio::test]
async fn a_new_calendar_reaches_every_live_instance_also_after_a_restart() {
    let off = CALENDAR.replace("2025-01-01]", "2025-01-01, 2025-01-07]");
    assert_ne!(off, CALENDAR);
    let store = memory();
    let service = start(&store);
    create_many(&service.handle, 50).await;
    let filter = Filter { kinds: vec!["calendar.adopted".to_owned()], ..Filter::default() };
    let mut adopted = service.handle.subscribe(&Start::Now, filter.clone()).unwrap();
    let files = vec![file("rules/calendars/plain.yaml", &off)];
    let published = service.handle.publish(chief(), files).await.unwrap();
    assert_eq!(published.calendars.len(), 1);
    assert!(published.workflows.is_empty(), "calendars are not pinned");
    let adoptions = read(&mut adopted, 50).await;
    assert_eq!(count_by_instance(&adoptions, "calendar.adopted").len(), 50);
    service.stop();

    // Edited while nobody served: found out at the start.
    let further = off.replace("2025-01-07]", "2025-01-07, 2025-01-08]");
    let service = start_from(&store, &[("rules/calendars/plain.yaml", &further)]).unwrap();
    let mut adopted = service.handle.subscribe(&Start::Beginning, filter).unwrap();
    let adoptions = read(&mut adopted, 100).await;
    let counts = count_by_instance(&adoptions, "calendar.adopted");
    assert!(counts.len() == 50 && counts.values().all(|count| *count == 2), "{counts:?}");
    service.stop();
}

#[tokio::test]
async fn a_first_start_with_errors_is_none_and_a_later_one_serves_what_was_live() {
    let broken = WORKFLOW.replace("role: office", "role: offfice");
    let store = memory();
    let refused = start_from(&store, &[("workflows/errand.yaml", &broken)]).err();
    let Some(StartError::Configuration { diagnostics, .. }) = refused else {
        panic!("{refused:?}");
    };
    assert!(!diagnostics.is_empty());

    start(&store).stop();
    let service = start_from(&store, &[("workflows/errand.yaml", &broken)]).unwrap();
    service.handle.submit(id("e-1"), create("e-1", None)).await.unwrap();
    assert_eq!(service.handle.stats().edits_rejected, 1);
    service.stop();
}

/// Whoever edits a file has no other answer than the log: what is doubtful in an edit that was
/// taken stands there as well.
#[test]
fn what_is_doubtful_in_an_edit_that_was_taken_is_logged() {
    let (configuration, directory) = (configuration(), tempfile::tempdir().unwrap());
    let (data, config) = (directory.path().join("data"), Some(configuration.path()));
    let server = Server::start(Place { data: &data, config, clock: "real" });
    let doubtful = "fn is_heavy(project) { project.weihgt > 3 }\n";
    edit(configuration.path(), "rules/doubtful.rhai", doubtful);
    let told = "rules/doubtful.rhai:1:32: no workflow has a field `weihgt`";
    let begun = Instant::now();
    while !server.log().contains(told) {
        assert!(begun.elapsed() < Duration::from_mins(1), "{}", server.log());
        sleep(Duration::from_millis(20));
    }
    assert_eq!(server.stop(), Some(0));
}
