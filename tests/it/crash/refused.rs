//! The test of the checker: a true story passes, and every way of telling it falsely is refused.

use prost_types::Timestamp;
use sanbang::api::pb;
use sanbang::api::pb::event::Payload;

use super::super::api_fixture::{fields, text};
use super::checker::Log;
use super::journal::{Entry, Journal, Sent, Told, What};
use super::verdict;

/// When the limit of the story runs out.
const DUE: i64 = 50_000;
/// Where the clock is at the end of the story.
const NOW: i64 = 60_000;

fn instant(milliseconds: i64) -> Timestamp {
    Timestamp { seconds: milliseconds / 1000, nanos: 0 }
}

fn event(seq: u64, revision: u64, time: i64, kind: &str, payload: Payload) -> pb::Event {
    pb::Event {
        partition: 3,
        seq,
        instance: "e-1".to_owned(),
        revision,
        time: Some(instant(time)),
        kind: kind.to_owned(),
        payload: Some(payload),
        ..Default::default()
    }
}

fn comment(seq: u64, revision: u64, id: &str) -> pb::Event {
    let said = pb::CommentAdded { task: None, text: id.to_owned() };
    event(seq, revision, 20_000, "comment.added", Payload::CommentAdded(said))
}

fn breach(seq: u64) -> pb::Event {
    let clock = Some(pb::ClockRef { number: 1, ..Default::default() });
    let breached = Payload::ClockBreached(pb::ClockBreached { clock, due: Some(instant(DUE)) });
    let event = event(seq, 3, DUE + 1000, "clock.breached", breached);
    pb::Event { due_time: Some(instant(DUE)), ..event }
}

/// An errand begins, two comments are made, its limit runs out.
fn events() -> Vec<pb::Event> {
    let topic = Some(fields(&[("topic", text("r-0"))]));
    let created = pb::InstanceCreated { fields: topic, ..Default::default() };
    let clock = pb::Clock {
        reference: Some(pb::ClockRef { number: 1, ..Default::default() }),
        plan: Some(pb::Plan { due: Some(instant(DUE)), ..Default::default() }),
        ..Default::default()
    };
    let started = Payload::ClockStarted(pb::ClockStarted { clock: Some(clock) });
    vec![
        event(1, 1, 10_000, "instance.created", Payload::InstanceCreated(created)),
        event(2, 1, 10_000, "clock.started", started),
        comment(3, 2, "r-1"),
        comment(4, 3, "r-2"),
        breach(5),
    ]
}

fn entry(id: &str, what: What, began: u64, told: Told) -> Entry {
    let instance = if matches!(what, What::MoveClock { .. }) { "" } else { "e-1" };
    let sent = Sent { id: id.to_owned(), instance: instance.to_owned(), what };
    Entry { sent, began, ended: began + 1, told }
}

fn accepted(revision: u64, kinds: &[&str]) -> Told {
    Told::Accepted { revision, kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect() }
}

fn entries() -> Vec<Entry> {
    vec![
        entry("r-0", What::Create, 0, accepted(1, &["instance.created"])),
        entry("r-1", What::Comment, 2, accepted(2, &["comment.added"])),
        entry("r-2", What::Comment, 4, Told::Nothing),
        entry("r-3", What::SetTopic { expected: Some(1) }, 6, stale(3)),
        entry("", What::Look, 8, shown(3, "r-0")),
        entry("", What::MoveClock { to: NOW }, 10, Told::Clock(NOW)),
    ]
}

fn stale(actual: u64) -> Told {
    Told::Refused { reason: "STALE_REVISION".to_owned(), actual: Some(actual) }
}

fn shown(revision: u64, topic: &str) -> Told {
    let fields = Some(fields(&[("topic", text(topic))]));
    Told::Shown(Some(Box::new(pb::Instance { revision, fields, ..Default::default() })))
}

fn judge(entries: &[Entry], events: Vec<pb::Event>) -> Vec<String> {
    let mut log = Log::default();
    let mut problems: Vec<String> =
        events.into_iter().filter_map(|event| log.take(event).err()).collect();
    problems.extend(verdict::judge(entries, &log, NOW));
    problems
}

#[test]
fn a_true_story_passes() {
    assert_eq!(judge(&entries(), events()), [] as [String; 0]);
}

#[test]
fn every_false_event_is_refused() {
    type Change = fn(&mut Vec<pb::Event>);
    let changes: [(&str, Change); 9] = [
        ("comes after", |events| drop(events.remove(3))),
        ("accepted, and found at []", |events| events[2] = comment(3, 2, "r-9")),
        ("done 2 times", |events| events[3] = comment(4, 3, "r-1")),
        ("from revision 2 to 4", |events| events[3].revision = 4),
        ("goes back", |events| events[3].time = Some(instant(15_000))),
        ("happened 2 times", |events| events.push(breach(6))),
        ("happened 0 times", |events| drop(events.pop())),
        ("before it was due", |events| events[4].time = Some(instant(DUE))),
        ("its kinds are", |events| events[0].kind = "instance.opened".to_owned()),
    ];
    for (expected, change) in changes {
        let mut events = events();
        change(&mut events);
        let problems = judge(&entries(), events);
        let told = problems.iter().any(|problem| problem.contains(expected));
        assert!(told, "`{expected}` is not among {problems:#?}");
    }
}

#[test]
fn every_false_answer_is_refused() {
    let never = Told::Refused { reason: "TASK_CLOSED".to_owned(), actual: None };
    let gone = Told::Refused { reason: "INSTANCE_NOT_FOUND".to_owned(), actual: None };
    let told = [
        ("nothing durable explains STALE_REVISION", 3, stale(4)),
        ("nothing durable explains TASK_CLOSED", 3, never),
        ("revision 2 had been told before", 3, gone),
        ("refused, and done", 1, stale(1)),
        ("revision 4 is not durable", 4, shown(4, "r-0")),
        ("the topic of revision 3", 4, shown(3, "r-3")),
        ("had been told before", 4, shown(1, "r-0")),
        ("the clock was at", 5, Told::Clock(NOW + 1000)),
    ];
    for (expected, at, told) in told {
        let mut entries = entries();
        entries[at].told = told;
        let problems = judge(&entries, events());
        let told = problems.iter().any(|problem| problem.contains(expected));
        assert!(told, "`{expected}` is not among {problems:#?}");
    }
}

#[test]
fn a_stream_with_a_gap_and_two_answers_to_one_request_are_refused() {
    let journal = Journal::default();
    let sent = Sent { id: "r-1".to_owned(), instance: "e-1".to_owned(), what: What::Comment };
    let at = journal.begin(sent);
    journal.end(at, accepted(2, &[]));
    journal.end(at, accepted(2, &[]));
    journal.end(at, Told::Nothing);
    assert_eq!(journal.contradictions().len(), 0);
    journal.end(at, accepted(3, &[]));
    assert_eq!(journal.contradictions().len(), 1);
    let message = |events| pb::EventServiceSubscribeResponse { events, ..Default::default() };
    journal.stream(message(vec![comment(1, 1, "r-1"), comment(2, 2, "r-2")]));
    assert_eq!(journal.contradictions().len(), 1);
    journal.stream(message(vec![comment(4, 3, "r-3")]));
    assert_eq!(journal.contradictions().len(), 2);
}
