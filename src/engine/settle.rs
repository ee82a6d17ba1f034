//! Settling: everything that fell due strictly before now happens, in the order in which it was
//! due.
//!
//! Settling never fails. When it runs late, the record is the same as if it had run in time, except
//! for the recorded time, steps that were passed over, and what counts from a telling.

use crate::definition::compiled::{Policy, Step};
use crate::model::clock::{Alarm, Clock, ClockEnd, ClockKind, ClockNumber, ClockOwner, Limit};
use crate::model::clock::{RecalculationReason, Scheduled};
use crate::model::escalation::{Fired, FiredBecause, Firing};
use crate::model::event::Payload;
use crate::model::id::{Outcome, StepId};
use crate::model::limits;
use crate::model::task::{Task, TaskRef};
use crate::model::time::Timestamp;

use super::ladder::{self, Timing};
use super::scene::Scene;

/// An alarm that is due, and whose it is.
struct DueAlarm {
    clock: ClockNumber,
    scheduled: Scheduled,
}

impl<'a> Scene<'a> {
    /// Makes everything happen that fell due strictly before now.
    pub(super) fn settle(&mut self) {
        if self.instance.status.is_live() {
            self.settle_clocks();
        }
        self.retry_effects();
    }

    fn settle_clocks(&mut self) {
        self.adopt_calendar();
        for _ in 0..limits::SETTLE_FIRINGS_MAX {
            let Some(due) = self.earliest_due(self.now) else { break };
            self.due_at = Some(due.scheduled.at);
            self.fire(&due);
            self.due_at = None;
        }
    }

    /// A new calendar: what has not fired gets the instants that hold now.
    pub(super) fn adopt_calendar(&mut self) {
        let digest = self.context.calendar.digest();
        if self.instance.calendar_digest == digest {
            return;
        }
        self.emit(Payload::CalendarAdopted { digest });
        let running: Vec<(ClockNumber, Limit)> = self
            .instance
            .clocks()
            .filter(|clock| !clock.is_paused())
            .map(|clock| (clock.number, clock.limit))
            .collect();
        for (number, limit) in running {
            self.recalculate(number, limit, RecalculationReason::Calendar);
        }
    }

    /// The earliest alarm due before an instant that is not told by a higher step of its clock.
    fn earliest_due(&self, before: Timestamp) -> Option<DueAlarm> {
        let clocks = self.instance.clocks();
        let alarms = clocks.filter_map(|clock| self.earliest_of(clock, before));
        alarms.min_by_key(|(key, _)| *key).map(|(_, due)| due)
    }

    #[expect(clippy::type_complexity, reason = "the key orders, and only here")]
    fn earliest_of(
        &self,
        clock: &Clock,
        before: Timestamp,
    ) -> Option<((Timestamp, ClockNumber, (u8, Option<usize>)), DueAlarm)> {
        let due = clock.plan.schedule.iter().filter(|scheduled| scheduled.at < before);
        // Of most clocks nothing is due: then it does not matter what is said of them.
        due.clone().next()?;
        let spec = self.clock_spec(clock);
        let timing = Timing::of(clock, self.calendar_of(spec), self.policy_of(spec));
        let highest = due
            .clone()
            .filter_map(|scheduled| match &scheduled.alarm {
                Alarm::Step(step) => timing.rank(step.as_str()),
                Alarm::AtRisk
                | Alarm::Due
                | Alarm::Check
                | Alarm::Repeat(_)
                | Alarm::Unacknowledged(_) => None,
            })
            .max();
        let told = due.filter(|scheduled| match &scheduled.alarm {
            Alarm::AtRisk | Alarm::Due | Alarm::Check => true,
            Alarm::Step(step) | Alarm::Repeat(step) | Alarm::Unacknowledged(step) => {
                timing.rank(step.as_str()) >= highest
            }
        });
        told.map(|scheduled| {
            let key = (scheduled.at, clock.number, timing.order(&scheduled.alarm));
            (key, DueAlarm { clock: clock.number, scheduled: scheduled.clone() })
        })
        .min_by_key(|(key, _)| *key)
    }

    fn fire(&mut self, due: &DueAlarm) {
        let before = self.acted;
        self.happen(due);
        if self.acted != before {
            // Whatever follows begins at that instant. Reactions that do not come to rest cannot be
            // refused here: what happened so far stands, and the next command goes on with them.
            let _unfinished = self.react();
        }
    }

    fn happen(&mut self, due: &DueAlarm) {
        let Some(clock) = self.clock(due.clock).cloned() else { return };
        match &due.scheduled.alarm {
            Alarm::AtRisk => {
                let due = clock.plan.due;
                self.emit(Payload::ClockAtRisk { clock: clock.reference(), due });
            }
            Alarm::Due => self.run_out(&clock),
            Alarm::Step(step) => self.raise(&clock, step, FiredBecause::Time),
            Alarm::Repeat(step) => self.repeat(&clock, step),
            Alarm::Unacknowledged(step) => self.unacknowledged(&clock, step),
            Alarm::Check => self.run_check(&clock),
        }
    }

    /// A limit has run out. A fixed period is over then, silence may say something, unless another
    /// instance blocks the task, and what was waited for is waited for no longer; of all but the
    /// first two it is recorded as a breach.
    fn run_out(&mut self, clock: &Clock) {
        let ClockOwner::Task(task) = &clock.owner else {
            return match clock.kind {
                ClockKind::Wait => {
                    self.stop_clocks(ClockEnd::Done, |known| known.number == clock.number);
                }
                ClockKind::Within
                | ClockKind::By
                | ClockKind::Every
                | ClockKind::Check
                | ClockKind::Raise => self.breach(clock),
            };
        };
        let silence = self.spec_of(task).and_then(|spec| spec.silence.clone());
        match (clock.kind, clock.id.as_str(), silence) {
            (ClockKind::Wait, ..) => self.end_by_itself(task, None),
            (_, "task", Some(outcome)) if self.blockers_of(Some(&task.id)).is_empty() => {
                self.end_by_itself(task, Some(outcome));
            }
            (_, "supplement", _) => {
                self.breach(clock);
                self.lapse(task);
                self.acted += 1;
            }
            _ => self.breach(clock),
        }
    }

    fn breach(&mut self, clock: &Clock) {
        let due = clock.plan.due;
        self.emit(Payload::ClockBreached { clock: clock.reference(), due });
    }

    fn end_by_itself(&mut self, task: &TaskRef, outcome: Option<Outcome>) {
        self.finish_by_nobody(task, outcome);
        self.acted += 1;
    }

    /// Tells the highest step of a clock that is due, before the clock stands still. What it brings
    /// about is judged where the clock is stopped: that is in a reaction, or before one. A reaction
    /// here would find the clock not standing still yet, and stop it a second time.
    pub(super) fn fire_due_steps(&mut self, number: ClockNumber) {
        let before = self.at();
        let outer = self.due_at;
        for _ in 0..limits::SETTLE_FIRINGS_MAX {
            let Some(clock) = self.clock(number) else { break };
            let Some((_, due)) = self.earliest_of(clock, before) else { break };
            self.due_at = Some(due.scheduled.at);
            self.happen(&due);
        }
        self.due_at = outer;
    }

    /// A step tells people. Every lower one that has not fired counts as passed over: it tells
    /// nobody, but what else it says is done.
    pub(super) fn raise(&mut self, clock: &Clock, step: &StepId, because: FiredBecause) {
        let Some((policy, step)) = self.step_of(clock, step) else { return };
        let mut steps = self.pass_over_lower(clock, policy, step);
        steps.push(step);
        let Some(clock) = self.clock(clock.number).cloned() else { return };
        let task = self.task_of(&clock.owner).cloned();
        let (recipients, nobody_in) = self.recipients(&step.notify, task.as_ref());
        let mut fired = ladder::fired_as(step, Firing::Notified, self.now);
        fired.notified = recipients.iter().map(|recipient| recipient.member.clone()).collect();
        fired.digest_at = self.digest_at(step.delivery);
        let spec = self.clock_spec(&clock);
        let timing = Timing::of(&clock, self.calendar_of(spec), Some(policy));
        let schedule = timing.schedule_after(&clock, &fired, self.now);
        let awaited = Alarm::Unacknowledged(step.id.clone());
        let awaited = schedule.iter().find(|scheduled| scheduled.alarm == awaited);
        let acknowledge_by = awaited.map(|scheduled| scheduled.at);
        self.emit(Payload::EscalationRaised {
            clock: clock.reference(),
            policy: policy.id.clone(),
            fired,
            because,
            recipients,
            nobody_in,
            due: clock.plan.due,
            acknowledge_by,
            schedule,
        });
        self.act(&clock, &steps);
    }

    fn pass_over_lower(
        &mut self,
        clock: &Clock,
        policy: &'a Policy,
        step: &'a Step,
    ) -> Vec<&'a Step> {
        let has_fired = |id: &StepId| clock.fired.iter().any(|fired| fired.step == *id);
        let lower = policy.steps.iter().take_while(|lower| lower.id != step.id);
        let lower: Vec<&'a Step> = lower.filter(|lower| !has_fired(&lower.id)).collect();
        for passed in &lower {
            self.pass_over(clock.number, policy, passed, self.now);
        }
        lower
    }

    /// A step tells once more, to whoever is in its roles now.
    fn repeat(&mut self, clock: &Clock, step: &StepId) {
        let fired = clock.fired.iter().find(|fired| fired.step == *step).cloned();
        let (Some((policy, spec)), Some(fired)) = (self.step_of(clock, step), fired) else {
            return;
        };
        let task = self.task_of(&clock.owner).cloned();
        let (recipients, _) = self.recipients(&spec.notify, task.as_ref());
        let repeat = fired.repeats + 1;
        let digest_at = self.digest_at(spec.delivery);
        let told = Fired { repeats: repeat, told_at: self.now, digest_at, ..fired };
        let clock_spec = self.clock_spec(clock);
        let timing = Timing::of(clock, self.calendar_of(clock_spec), Some(policy));
        let mut waits = Vec::new();
        timing.add_waits(&mut waits, &told);
        let mut schedule = without(clock, &Alarm::Repeat(step.clone()));
        schedule.extend(waits.into_iter().filter(|wait| matches!(wait.alarm, Alarm::Repeat(_))));
        schedule.sort_by_key(|scheduled| (scheduled.at, timing.order(&scheduled.alarm)));
        self.emit(Payload::EscalationRepeated {
            clock: clock.reference(),
            policy: policy.id.clone(),
            step: step.clone(),
            level: told.level,
            light: told.light,
            repeat,
            recipients,
            digest_at,
            schedule,
        });
    }

    /// Nobody acknowledged in time: the next higher step fires now. Above the top, that is said.
    fn unacknowledged(&mut self, clock: &Clock, step: &StepId) {
        let Some((policy, _)) = self.step_of(clock, step) else { return };
        let after = policy.steps.iter().skip_while(|known| known.id != *step).nth(1);
        match after {
            Some(higher) => self.raise(clock, &higher.id, FiredBecause::Unacknowledged),
            None => self.emit(Payload::EscalationExhausted {
                clock: clock.reference(),
                policy: policy.id.clone(),
                step: step.clone(),
                schedule: without(clock, &Alarm::Unacknowledged(step.clone())),
            }),
        }
    }

    /// The step of an alarm: a published version keeps its ladders, so it is always there.
    fn step_of(&self, clock: &Clock, step: &StepId) -> Option<(&'a Policy, &'a Step)> {
        let policy = self.policy_of(self.clock_spec(clock))?;
        let step = policy.steps.iter().find(|known| known.id == *step)?;
        Some((policy, step))
    }

    /// The task that a clock measures.
    pub(super) fn task_of(&self, owner: &ClockOwner) -> Option<&Task> {
        let ClockOwner::Task(TaskRef { number, .. }) = owner else { return None };
        self.instance.task(*number)
    }
}

/// A clock's schedule without one alarm.
pub(super) fn without(clock: &Clock, alarm: &Alarm) -> Vec<Scheduled> {
    let kept = clock.plan.schedule.iter().filter(|scheduled| scheduled.alarm != *alarm);
    kept.cloned().collect()
}
