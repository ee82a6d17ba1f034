//! The verdict on timers: what was scheduled has happened once when its time is over, and never
//! before. Pure, over the events of one instance.

use std::collections::BTreeMap;

use sanbang::api::pb;
use sanbang::api::pb::event::Payload;

use super::wire::at;

/// A clock as its events tell of it.
#[derive(Default)]
struct Watched {
    due: i64,
    /// Steps of its ladder, with their instants.
    steps: Vec<(String, i64)>,
    stopped: Option<i64>,
    breached: usize,
    /// How often each step told or was passed over.
    fired: BTreeMap<String, usize>,
}

/// Everything that is wrong with the timers of an instance, once the clock has `reached` an instant
/// and everything due until then is said to have happened.
pub(crate) fn judge(
    instance: &str,
    events: &[pb::Event],
    reached: i64,
    problems: &mut Vec<String>,
) {
    let mut clocks: BTreeMap<u32, Watched> = BTreeMap::new();
    for event in events {
        if event.due_time.is_some() && at(event.time.as_ref()) <= at(event.due_time.as_ref()) {
            problems.push(format!("`{instance}`: event {} came before it was due", event.seq));
        }
        take(&mut clocks, event);
    }
    for (number, clock) in &clocks {
        for (what, count, due) in clock.expected() {
            let over = clock.stopped.unwrap_or(reached);
            // What ends at the very instant at which it is due is in time.
            let least = usize::from(due < over);
            if count < least || count > 1 {
                problems.push(format!(
                    "`{instance}`: {what} of clock {number}, due at {due}, happened {count} times, \
                     stopped {:?}, clock reached {reached}",
                    clock.stopped
                ));
            }
        }
    }
}

impl Watched {
    /// What is scheduled: its name, how often it happened, and when it was due.
    fn expected(&self) -> impl Iterator<Item = (&str, usize, i64)> {
        let limit = ("the limit", self.breached, self.due);
        let steps = self
            .steps
            .iter()
            .map(|(step, at)| (step.as_str(), self.fired.get(step).copied().unwrap_or(0), *at));
        std::iter::once(limit).chain(steps)
    }
}

fn take(clocks: &mut BTreeMap<u32, Watched>, event: &pb::Event) {
    match event.payload.as_ref() {
        Some(Payload::ClockStarted(it)) => {
            let Some(clock) = &it.clock else { return };
            let watched = watched(clocks, clock.reference.as_ref());
            let Some(plan) = &clock.plan else { return };
            watched.due = at(plan.due.as_ref());
            let steps = plan.schedule.iter().filter(|each| each.alarm() == pb::AlarmKind::Step);
            watched.steps = steps.map(|each| (each.step.clone(), at(each.at.as_ref()))).collect();
        }
        Some(Payload::ClockStopped(it)) => {
            watched(clocks, it.clock.as_ref()).stopped = Some(at(event.time.as_ref()));
        }
        Some(Payload::ClockBreached(it)) => watched(clocks, it.clock.as_ref()).breached += 1,
        Some(Payload::EscalationRaised(it)) => {
            let step = it.fired.as_ref().map(|fired| fired.step.clone()).unwrap_or_default();
            *watched(clocks, it.clock.as_ref()).fired.entry(step).or_default() += 1;
        }
        Some(Payload::EscalationPassedOver(it)) => {
            let step = it.fired.as_ref().map(|fired| fired.step.clone()).unwrap_or_default();
            *watched(clocks, it.clock.as_ref()).fired.entry(step).or_default() += 1;
        }
        _ => {}
    }
}

fn watched<'a>(
    clocks: &'a mut BTreeMap<u32, Watched>,
    clock: Option<&pb::ClockRef>,
) -> &'a mut Watched {
    clocks.entry(clock.map_or(0, |clock| clock.number)).or_default()
}
