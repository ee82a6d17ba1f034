//! What holds of every instance at every moment, whatever was done to it.

use std::collections::BTreeSet;

use sanbang::definition::compiled::{ClockRule, Workflow};
use sanbang::model::clock::{Alarm, Clock, ClockKind, ClockOwner, ClockRef, PauseReason};
use sanbang::model::event::{Payload, Record};
use sanbang::model::id::StepId;
use sanbang::model::instance::{Instance, StagePlace, Status};
use sanbang::model::task::{CancelReason, Task, TaskKind};

/// Everything that is wrong with an instance, in sentences; empty: nothing is.
pub(crate) fn faults_of(instance: &Instance, workflow: &Workflow) -> Vec<String> {
    let mut faults = Vec::new();
    for clock in instance.clocks() {
        faults.extend(owner_is_there(instance, clock));
        faults.extend(alarms_are_as_they_should(instance, clock));
    }
    faults.extend(clocks_are_distinct(instance));
    for task in instance.open_tasks() {
        faults.extend(task_is_sound(instance, workflow, task));
        faults.extend(silence_has_spoken(instance, workflow, task));
    }
    for link in &instance.relations.links {
        if link.other == instance.id {
            faults.push(format!("it stands in a relation to itself: {link:?}"));
        }
    }
    faults.extend(what_is_over_has_nothing(instance));
    faults.extend(header_is_right(instance, workflow));
    faults
}

fn owner_is_there(instance: &Instance, clock: &Clock) -> Option<String> {
    let there = match &clock.owner {
        ClockOwner::Instance => instance.status.is_live(),
        // Between two suspensions it stands still, so that it is known how much was used.
        ClockOwner::Suspension => {
            let suspended = instance.status == Status::Suspended;
            instance.status.is_live() && suspended != clock.is_paused()
        }
        ClockOwner::Stage(stage) => instance
            .stage(stage.as_str())
            .is_some_and(|state| matches!(state.place, StagePlace::Open(_))),
        ClockOwner::Task(task) => instance.task(task.number).is_some_and(Task::is_open),
    };
    (!there).then(|| format!("clock {} runs for what is over: {clock:?}", clock.number.0))
}

fn alarms_are_as_they_should(instance: &Instance, clock: &Clock) -> Vec<String> {
    let mut faults = Vec::new();
    let mut fault = |what: &str| faults.push(format!("{what}: {clock:?}"));
    let schedule = &clock.plan.schedule;
    let has = |alarm: &Alarm| schedule.iter().any(|scheduled| scheduled.alarm == *alarm);
    let distinct: Vec<&Alarm> = schedule.iter().map(|scheduled| &scheduled.alarm).collect();
    let twice = (1..distinct.len()).any(|at| distinct[..at].contains(&distinct[at]));
    if twice {
        fault("an alarm is there twice");
    }
    let reasons: Vec<PauseReason> = clock.paused.iter().map(|pause| pause.because).collect();
    if (1..reasons.len()).any(|at| reasons[..at].contains(&reasons[at])) {
        fault("a clock stands still twice for one reason");
    }
    if reasons.contains(&PauseReason::Suspended) && instance.status != Status::Suspended {
        fault("a clock stands still for a suspension that is over");
    }
    if clock.is_paused() {
        if !schedule.is_empty() {
            fault("a clock that stands still has alarms");
        }
        return faults;
    }
    let limited = matches!(clock.kind, ClockKind::Within | ClockKind::By | ClockKind::Every);
    if limited && has(&Alarm::Due) == clock.breached_at.is_some() {
        fault("a limit is due exactly until it was broken");
    }
    if limited && has(&Alarm::AtRisk) == clock.at_risk_at.is_some() {
        fault("a limit is going to be at risk exactly until it was");
    }
    if clock.kind == ClockKind::Wait && !has(&Alarm::Due) {
        fault("a wait never ends");
    }
    if clock.kind == ClockKind::Check && !has(&Alarm::Check) {
        fault("a check never runs again");
    }
    let highest = clock.fired.last().map(|fired| &fired.step);
    for scheduled in schedule {
        match &scheduled.alarm {
            Alarm::Step(step) if clock.fired.iter().any(|fired| fired.step == *step) => {
                fault("a step that fired will fire again");
            }
            Alarm::Unacknowledged(step) if Some(step) != highest => {
                fault("a lower step waits for an acknowledgement");
            }
            Alarm::Repeat(step) if clock.fired.iter().all(|fired| fired.step != *step) => {
                fault("a step that never fired repeats");
            }
            Alarm::Repeat(step) if is_answered(clock, step) => {
                fault("a step that is answered, or that is below one that is, repeats");
            }
            _ => {}
        }
    }
    faults
}

fn is_answered(clock: &Clock, step: &StepId) -> bool {
    let mut from_there = clock.fired.iter().skip_while(|fired| fired.step != *step);
    from_there.any(|fired| fired.acknowledged.is_some())
}

fn clocks_are_distinct(instance: &Instance) -> Vec<String> {
    let clocks: Vec<&Clock> = instance.clocks().collect();
    let mut faults = Vec::new();
    for (at, clock) in clocks.iter().enumerate() {
        let same = |other: &&&Clock| other.id == clock.id && other.owner == clock.owner;
        if clocks[..at].iter().any(|other| same(&other)) {
            faults.push(format!("two clocks measure the same: {clock:?}"));
        }
        if clock.number.0 >= instance.next_clock {
            faults.push(format!("the number of a clock may come again: {clock:?}"));
        }
    }
    faults
}

fn task_is_sound(instance: &Instance, workflow: &Workflow, task: &Task) -> Vec<String> {
    let mut faults = Vec::new();
    let mut must = |holds: bool, what: &str| {
        if !holds {
            faults.push(format!("{what}: {task:?}"));
        }
    };
    let own =
        |clock: &&Clock| matches!(&clock.owner, ClockOwner::Task(it) if *it == task.reference);
    let clock = |id: &str| instance.clocks().filter(own).find(|clock| clock.id.as_str() == id);
    let Some(spec) = workflow.task(&task.reference) else {
        return vec![format!("nobody knows this task: {task:?}")];
    };
    let limited = |rule: &ClockRule| matches!(rule, ClockRule::Within(_) | ClockRule::Wait(_));
    if spec.clock.as_ref().is_some_and(|spec| limited(&spec.kind)) {
        must(clock("task").is_some(), "a task lost its limit");
    }
    must(
        task.objection.is_some() == clock("objection").is_some(),
        "an objection has a clock, and nothing else has",
    );
    let awaited = task.supplement.as_ref();
    must(awaited.is_some() == clock("supplement").is_some(), "what is awaited has a clock");
    let awaited = awaited.filter(|supplement| supplement.lapsed_at.is_none());
    let waits = clock("task").is_some_and(|clock| {
        clock.paused.iter().any(|pause| pause.because == PauseReason::Supplement)
    });
    let stands = clock("task").is_some_and(|clock| clock.kind == ClockKind::Within);
    must(waits == (awaited.is_some() && stands), "a task's clock stands while it waits");
    if let Some(holder) = &task.holder {
        must(task.kind == TaskKind::Human, "nobody holds what no person does");
        must(holder.instead_of.as_ref() != Some(&holder.member), "nobody stands in for themselves");
        must(
            holder.delegated_by.as_ref() != Some(&holder.member),
            "nobody delegates to themselves",
        );
    } else {
        must(task.objection.is_none(), "nobody objects to what nobody holds");
    }
    faults
}

/// Only a blocker, or that it stands still, keeps a task open that nobody saying anything ends.
fn silence_has_spoken(instance: &Instance, workflow: &Workflow, task: &Task) -> Option<String> {
    workflow.task(&task.reference)?.silence.as_ref()?;
    let measures =
        |owner: &ClockOwner| matches!(owner, ClockOwner::Task(it) if *it == task.reference);
    let limit = |clock: &&Clock| clock.id.as_str() == "task" && measures(&clock.owner);
    let clock = instance.clocks().find(limit)?;
    let ran_out = clock.breached_at.is_some() && !clock.is_paused();
    let mut blockers = instance.relations.open_blockers();
    let blocked = blockers.any(|link| link.task.as_ref() == Some(&task.reference.id));
    let waits = blocked || instance.status == Status::Suspended;
    (ran_out && !waits).then(|| format!("nobody has said anything in time, and yet: {task:?}"))
}

fn what_is_over_has_nothing(instance: &Instance) -> Option<String> {
    if instance.status.is_live() {
        return None;
    }
    let nothing = instance.clocks.is_empty()
        && instance.open_tasks().next().is_none()
        && instance.open_stages().next().is_none()
        && instance.path_stage.is_none()
        && instance.suspension.is_none();
    (!nothing).then(|| "something of an instance that is over goes on".to_owned())
}

/// The header has the one entry by which the timers find what is due next.
fn header_is_right(instance: &Instance, workflow: &Workflow) -> Option<String> {
    let header = instance.header(&workflow.indexed_fields());
    let alarms = instance.clocks().flat_map(|clock| &clock.plan.schedule);
    let tries = instance.relations.effects.iter().filter_map(|effect| effect.next_try);
    let earliest = alarms.map(|scheduled| scheduled.at).chain(tries).min();
    (header.next_due != earliest)
        .then(|| format!("the timers wait for {:?}, not for {earliest:?}", header.next_due))
}

/// What is told after that of which it is told was over; and what comes out of its turn.
pub(crate) fn faults_of_history(records: &[Record]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut stopped = BTreeSet::new();
    let mut over = BTreeSet::new();
    let mut version = 0;
    for record in records {
        let stamp = record.stamp.as_ref().expect("records of instances have one");
        if stamp.version != version + 1 {
            faults.push(format!("version {} follows {version}", stamp.version));
        }
        version = stamp.version;
        if record.events.is_empty() {
            faults.push(format!("record {version} tells nothing"));
        }
        for event in &record.events {
            if event.due_at.is_some_and(|due| due >= event.time) {
                faults.push(format!("it happened before it was due: {event:?}"));
            }
            let tells = |clock: &ClockRef| {
                let of_task = |it: &ClockRef| match &it.owner {
                    ClockOwner::Task(task) => over.contains(&task.number),
                    _ => false,
                };
                stopped.contains(&clock.number) || of_task(clock)
            };
            match &event.payload {
                Payload::EscalationRaised { clock, .. }
                | Payload::EscalationRepeated { clock, .. }
                | Payload::EscalationPassedOver { clock, .. }
                | Payload::EscalationExhausted { clock, .. }
                | Payload::EscalationAcknowledged { clock, .. }
                | Payload::ClockBreached { clock, .. }
                | Payload::ClockAtRisk { clock, .. }
                | Payload::ClockChecked { clock, .. }
                | Payload::ClockResumed { clock, .. }
                    if tells(clock) =>
                {
                    faults.push(format!("it is over, and yet: {event:?}"));
                }
                Payload::ClockExtended { due_before, plan, .. } if plan.due <= *due_before => {
                    faults.push(format!("more time is none: {event:?}"));
                }
                Payload::ClockStopped { clock, .. } => {
                    stopped.insert(clock.number);
                }
                Payload::TaskCompleted { task, .. } | Payload::TaskCancelled { task, .. } => {
                    // What is done again takes back what was done after it.
                    let because = CancelReason::Redone;
                    let taken_back = matches!(&event.payload,
                        Payload::TaskCancelled { because: it, .. } if *it == because);
                    if !over.insert(task.number) && !taken_back {
                        faults.push(format!("a task ends twice: {event:?}"));
                    }
                }
                _ => {}
            }
        }
    }
    faults
}
