//! The verdict: what was told, held against what is durable. Pure: a journal and a log go in, what
//! is wrong comes out. Knows neither servers nor kills.

use std::collections::BTreeMap;

use prost_types::Struct;
use prost_types::value::Kind;
use sanbang::api::pb;
use sanbang::api::pb::event::Payload;

use super::checker::Log;
use super::journal::{Entry, Told, What};
use super::timers;
use super::wire::at;

/// Everything that is wrong. `now` is the clock of the server that showed the log.
pub(crate) fn judge(entries: &[Entry], log: &Log, now: i64) -> Vec<String> {
    let mut problems = Vec::new();
    let moved = entries.iter().filter_map(|entry| match entry.told {
        Told::Clock(at) => Some(at),
        _ => None,
    });
    let reached = moved.max().unwrap_or(i64::MIN);
    if now < reached {
        problems.push(format!("the clock was at {reached} and is at {now}"));
    }
    let mut stories: BTreeMap<&str, Story> = BTreeMap::new();
    for (instance, events) in log.instances.iter().filter(|(instance, _)| !instance.is_empty()) {
        stories.insert(instance, Story::read(instance, events, &mut problems));
        timers::judge(instance, events, reached, &mut problems);
    }
    let mut asked: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| !entry.sent.instance.is_empty()) {
        asked.entry(&entry.sent.instance).or_default().push(entry);
    }
    let nothing = Story::default();
    for (instance, entries) in &asked {
        let story = stories.get(instance).unwrap_or(&nothing);
        for entry in entries {
            problems.extend(story.contradicts(entry).map(|why| format!("{why}: {entry:?}")));
        }
        real_time(entries, &mut problems);
        let known = |id: &str| entries.iter().any(|entry| entry.sent.id == id);
        let strangers = story.effects.keys().filter(|id| !known(id));
        problems.extend(strangers.map(|id| format!("nobody sent `{id}` to `{instance}`")));
    }
    let unasked = stories.keys().filter(|instance| !asked.contains_key(*instance));
    problems.extend(unasked.map(|instance| format!("nobody asked for `{instance}`")));
    problems
}

/// What is durable of one instance.
#[derive(Default)]
struct Story {
    /// The kinds of the events of each revision: those of its command, then of later settlings.
    revisions: BTreeMap<u64, Vec<String>>,
    /// Request ids found in the events, with the revisions that they made.
    effects: BTreeMap<String, Vec<u64>>,
    /// The topic from a revision on.
    topics: BTreeMap<u64, String>,
    is_task_done: bool,
    is_completed: bool,
    /// Numbers of the clocks whose limit ran out.
    breached: Vec<u32>,
}

impl Story {
    /// Reads the events in order, and says where they are in none.
    fn read(instance: &str, events: &[pb::Event], problems: &mut Vec<String>) -> Self {
        let mut story = Self::default();
        let (mut revision, mut time) = (0, i64::MIN);
        for event in events {
            let happened = at(event.time.as_ref());
            if event.revision != revision && event.revision != revision + 1 {
                let next = event.revision;
                problems.push(format!("`{instance}` went from revision {revision} to {next}"));
            }
            if happened < time {
                let seq = event.seq;
                problems.push(format!("the time of `{instance}` goes back with event {seq}"));
            }
            (revision, time) = (event.revision, happened);
            story.take(event);
        }
        if events.first().is_none_or(|first| first.kind != "instance.created") {
            problems.push(format!("`{instance}` does not begin with its creation"));
        }
        story
    }

    fn take(&mut self, event: &pb::Event) {
        self.revisions.entry(event.revision).or_default().push(event.kind.clone());
        match event.payload.as_ref() {
            Some(Payload::InstanceCreated(it)) => {
                self.set_topic(event.revision, it.fields.as_ref());
            }
            Some(Payload::FieldsUpdated(it)) => self.set_topic(event.revision, it.changes.as_ref()),
            Some(Payload::TaskCompleted(_) | Payload::TaskCancelled(_)) => self.is_task_done = true,
            Some(Payload::InstanceCompleted(_)) => self.is_completed = true,
            Some(Payload::ClockBreached(it)) => {
                self.breached.extend(it.clock.as_ref().map(|clock| clock.number));
            }
            _ => {}
        }
        if let Some(id) = request_of(event) {
            self.effects.entry(id).or_default().push(event.revision);
        }
    }

    fn set_topic(&mut self, revision: u64, fields: Option<&Struct>) {
        if let Some(topic) = topic(fields) {
            self.topics.insert(revision, topic);
        }
    }

    fn last_revision(&self) -> u64 {
        self.revisions.keys().next_back().copied().unwrap_or(0)
    }

    /// Why what was told cannot be, if it cannot.
    fn contradicts(&self, entry: &Entry) -> Option<String> {
        let effects = self.effects.get(&entry.sent.id).map(Vec::as_slice).unwrap_or_default();
        if effects.len() > 1 {
            return Some(format!("done {} times", effects.len()));
        }
        match &entry.told {
            Told::Nothing | Told::Clock(_) => None,
            Told::Accepted { revision, kinds } => self.lacks(effects, *revision, kinds),
            Told::Refused { reason, actual } => self.refutes(entry, effects, reason, *actual),
            Told::Shown(shown) => shown.as_ref().and_then(|shown| self.never_was(shown)),
        }
    }

    fn lacks(&self, effects: &[u64], revision: u64, kinds: &[String]) -> Option<String> {
        if effects != [revision] {
            return Some(format!("accepted, and found at {effects:?}"));
        }
        let found = self.revisions.get(&revision).map(Vec::as_slice).unwrap_or_default();
        (!found.starts_with(kinds)).then(|| format!("its kinds are {found:?}"))
    }

    /// A refusal tells of a state: that must be durable too.
    fn refutes(
        &self,
        entry: &Entry,
        effects: &[u64],
        reason: &str,
        actual: Option<u64>,
    ) -> Option<String> {
        if !effects.is_empty() {
            return Some(format!("refused, and done at {effects:?}"));
        }
        let explained = match reason {
            "INSTANCE_EXISTS" => self.last_revision() > 0,
            "STALE_REVISION" => actual.is_some_and(|actual| actual <= self.last_revision()),
            "TASK_CLOSED" | "TASK_NOT_FOUND" => self.is_task_done,
            "INSTANCE_CLOSED" => self.is_completed,
            // Nothing is told of what is there; whether it may be told at all is a matter of order.
            "INSTANCE_NOT_FOUND" => entry.sent.what != What::Create,
            "NOT_READY" => entry.sent.what == What::Advance,
            "OVERLOADED" | "CONTENDED" => true,
            _ => false,
        };
        (!explained).then(|| format!("nothing durable explains {reason}"))
    }

    fn never_was(&self, shown: &pb::Instance) -> Option<String> {
        let revision = shown.revision;
        if revision == 0 || revision > self.last_revision() {
            return Some(format!("revision {revision} is not durable"));
        }
        let then = self.topics.range(..=revision).next_back().map(|(_, topic)| topic.clone());
        if topic(shown.fields.as_ref()) != then {
            return Some(format!("the topic of revision {revision} is {then:?}"));
        }
        let completed = pb::InstanceStatus::Completed;
        if shown.status() == completed && !self.is_completed {
            return Some("it is not completed".to_owned());
        }
        let ran_out = shown.clocks.iter().filter(|clock| clock.breached_at.is_some());
        let mut numbers = ran_out.filter_map(|clock| Some(clock.reference.as_ref()?.number));
        let unknown = numbers.find(|number| !self.breached.contains(number))?;
        Some(format!("clock {unknown} did not run out"))
    }
}

/// What began after something was answered is not before it: who was told of a revision is never
/// told of an earlier one, and a later command makes a later one.
fn real_time(entries: &[&Entry], problems: &mut Vec<String>) {
    let mut by_end: Vec<(u64, u64)> = entries
        .iter()
        .filter_map(|entry| Some((entry.ended, told_revision(&entry.told)?)))
        .collect();
    by_end.sort_unstable();
    let mut by_begin: Vec<&&Entry> = entries.iter().collect();
    by_begin.sort_unstable_by_key(|entry| entry.began);
    let (mut ended, mut floor) = (by_end.into_iter().peekable(), 0);
    for entry in by_begin {
        while let Some((_, revision)) = ended.next_if(|(ended, _)| *ended < entry.began) {
            floor = floor.max(revision);
        }
        let in_order = match &entry.told {
            Told::Accepted { revision, .. } => *revision > floor,
            Told::Refused { reason, .. } if reason == "INSTANCE_NOT_FOUND" => floor == 0,
            Told::Refused { actual, .. } => actual.is_none_or(|actual| actual >= floor),
            Told::Shown(shown) => shown.as_ref().map_or(0, |shown| shown.revision) >= floor,
            Told::Nothing | Told::Clock(_) => true,
        };
        if !in_order {
            problems.push(format!("revision {floor} had been told before: {entry:?}"));
        }
    }
}

fn told_revision(told: &Told) -> Option<u64> {
    match told {
        Told::Accepted { revision, .. } => Some(*revision),
        Told::Refused { actual, .. } => *actual,
        Told::Shown(shown) => shown.as_ref().map(|shown| shown.revision),
        Told::Nothing | Told::Clock(_) => None,
    }
}

/// The request id that a client has written into what it sent.
fn request_of(event: &pb::Event) -> Option<String> {
    match event.payload.as_ref()? {
        Payload::InstanceCreated(it) => topic(it.fields.as_ref()),
        Payload::FieldsUpdated(it) => topic(it.changes.as_ref()),
        Payload::CommentAdded(it) => Some(it.text.clone()),
        Payload::TaskCompleted(it) => Some(it.comment.clone()),
        Payload::StageLeft(it) => Some(it.comment.clone()),
        _ => None,
    }
}

fn topic(fields: Option<&Struct>) -> Option<String> {
    match fields?.fields.get("topic")?.kind {
        Some(Kind::StringValue(ref text)) => Some(text.clone()),
        _ => None,
    }
}
