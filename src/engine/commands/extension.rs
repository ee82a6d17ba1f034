//! Extensions: more time for what a clock measures, asked for early enough by who does the work,
//! and granted by the first, the second or a later approver.

use std::sync::Arc;

use crate::calendar::Calendar;
use crate::definition::compiled::{ExtensionApprover, ExtensionRules};
use crate::engine::ladder::Timing;
use crate::engine::people::STEWARD;
use crate::engine::rejection::Rejection;
use crate::engine::scene::Scene;
use crate::model::clock::{Clock, ClockKind, ClockOwner, Extension, Limit};
use crate::model::command::{DecideExtension, Limited, RequestExtension, Verdict};
use crate::model::event::Payload;
use crate::model::id::{MemberId, RoleId};
use crate::model::task::{ExtensionRequest, Task, TaskRef};
use crate::model::time::{Amount, Offset, Timestamp, Unit};

/// A clock that may be extended, and whose work it measures.
struct Extensible<'a> {
    clock: Clock,
    task: Option<Task>,
    rules: &'a ExtensionRules,
}

pub(in crate::engine) fn request_extension(
    scene: &mut Scene<'_>,
    asked: &RequestExtension,
    force: Option<&str>,
) -> Result<(), Rejection> {
    super::needed_text(&asked.reason, "reason")?;
    let extensible = extensible(scene, asked.of)?;
    let asked_by = must_do_the_work(scene, &extensible, force)?;
    if extensible.request().is_some() {
        return Err(Rejection::ExtensionState("one is already asked for"));
    }
    must_be_later(scene, &extensible.clock, asked.by)?;
    for refusal in broken_rules(scene, &extensible, asked.by) {
        overruled(scene, refusal, force)?;
    }
    let request = ExtensionRequest {
        by: asked.by,
        reason: asked.reason.clone(),
        asked_by,
        asked_at: scene.now,
    };
    let (task, clock) = (extensible.task_reference(), Some(extensible.clock.reference()));
    scene.emit(Payload::ExtensionRequested { task, clock, request });
    Ok(())
}

pub(in crate::engine) fn decide_extension(
    scene: &mut Scene<'_>,
    decide: &DecideExtension,
) -> Result<(), Rejection> {
    super::short_text(&decide.comment, "comment")?;
    let extensible = extensible(scene, decide.of)?;
    let Some(request) = extensible.request().cloned() else {
        return Err(Rejection::ExtensionState("none was asked for"));
    };
    must_approve(scene, &extensible, &request)?;
    let comment = decide.comment.clone();
    match decide.verdict {
        Verdict::Refuse => {
            let (task, clock) = (extensible.task_reference(), Some(extensible.clock.reference()));
            scene.emit(Payload::ExtensionRefused { task, clock, comment });
        }
        Verdict::Grant => {
            // The limit may have become another one since it was asked for.
            must_be_later(scene, &extensible.clock, request.by)?;
            grant(scene, &extensible.clock, request.by, comment);
        }
    }
    Ok(())
}

fn grant(scene: &mut Scene<'_>, clock: &Clock, by: Limit, comment: String) {
    let at = scene.now;
    let extension = Extension { by, granted_at: at };
    let mut extended = clock.clone();
    extended.extended.push(extension.clone());
    let spec = scene.clock_spec(clock);
    let timing = Timing::of(&extended, scene.calendar_of(spec), scene.policy_of(spec));
    let (epoch, mut plan) = timing.next_epoch(&extended, at);
    if clock.is_paused() {
        plan.schedule.clear();
    }
    let light = epoch.inherited.last().map(|fired| fired.light);
    scene.clear_if_darker(clock.number, light);
    scene.emit(Payload::ClockExtended {
        clock: clock.reference(),
        extension,
        due_before: clock.plan.due,
        epoch,
        plan,
        comment,
    });
}

/// The clock that is meant, and the rules of its level. Objections and supplements have a time of
/// their own that nobody extends, and a fixed period is as long as it is. Of a suspension that is
/// over there is only what it used, and no limit that could run out.
fn extensible<'a>(scene: &Scene<'a>, of: Limited) -> Result<Extensible<'a>, Rejection> {
    let clock = match of {
        Limited::Task(number) => {
            let task = scene.open_task(number)?;
            scene.task_clock(&task.reference)
        }
        Limited::Clock(number) => scene.clock(number).map(Arc::as_ref),
    };
    let clock = clock.cloned().ok_or(Rejection::NoClock)?;
    let runs_out = matches!(clock.kind, ClockKind::Within | ClockKind::By | ClockKind::Every);
    let (task, rules) = match &clock.owner {
        ClockOwner::Task(task) => {
            let is_limit = scene.task_clock(task).is_some_and(|own| own.number == clock.number);
            let spec = scene.spec_of(task).filter(|_| is_limit);
            (Some(scene.open_task(task.number)?), spec.map(|spec| &spec.extensions))
        }
        ClockOwner::Stage(stage) => (None, scene.stage_of(stage).map(|stage| &stage.extensions)),
        ClockOwner::Instance => (None, Some(&scene.workflow().extensions)),
        ClockOwner::Suspension => {
            let lasts = scene.instance.suspension.is_some();
            let rule = scene.workflow().suspension.as_ref().filter(|_| lasts);
            (None, rule.map(|rule| &rule.extensions))
        }
    };
    match rules {
        Some(rules) if runs_out => Ok(Extensible { clock, task, rules }),
        Some(_) | None => Err(Rejection::NoClock),
    }
}

impl Extensible<'_> {
    fn task_reference(&self) -> Option<TaskRef> {
        self.task.as_ref().map(|task| task.reference.clone())
    }

    fn request(&self) -> Option<&ExtensionRequest> {
        match &self.task {
            Some(task) => task.extension_request.as_ref(),
            None => self.clock.extension_request.as_ref(),
        }
    }

    fn approver(&self) -> Option<&ExtensionApprover> {
        self.rules.approver(self.clock.extended.len())
    }

    /// The role that does what the clock measures.
    fn role(&self, scene: &Scene<'_>) -> RoleId {
        let steward = || RoleId::trusted(STEWARD);
        match (&self.task, &self.clock.owner) {
            (Some(task), _) => task.role.clone().unwrap_or_else(steward),
            (None, ClockOwner::Stage(stage)) => {
                scene.stage_of(stage).map_or_else(steward, |stage| stage.role.clone())
            }
            (None, ClockOwner::Task(_) | ClockOwner::Instance | ClockOwner::Suspension) => {
                steward()
            }
        }
    }
}

/// Who works on the task, or moves the stage or the instance; a role that may force asks for
/// anybody, with a reason.
fn must_do_the_work(
    scene: &mut Scene<'_>,
    extensible: &Extensible<'_>,
    force: Option<&str>,
) -> Result<MemberId, Rejection> {
    let doing = "request an extension";
    let member = scene.acting_member()?;
    let may = match &extensible.task {
        Some(task) => scene.as_worker(task, doing).map(|_| ()),
        None => scene.must_hold(&extensible.role(scene), None, doing),
    };
    match may {
        Ok(()) => Ok(member),
        Err(refusal) => overruled(scene, refusal, force).map(|()| member),
    }
}

/// What the rules refuse goes through where a role of the actor may force it, with a reason.
fn overruled(
    scene: &mut Scene<'_>,
    refusal: Rejection,
    force: Option<&str>,
) -> Result<(), Rejection> {
    match force {
        Some(reason) => super::overrule(scene, vec![refusal.public_message()], reason),
        None => Err(refusal),
    }
}

/// An extension that would not move the due time is none.
fn must_be_later(scene: &Scene<'_>, clock: &Clock, by: Limit) -> Result<(), Rejection> {
    if due_with(scene, clock, by) > clock.plan.due {
        Ok(())
    } else {
        Err(Rejection::ExtensionState("it would not move the due time"))
    }
}

fn due_with(scene: &Scene<'_>, clock: &Clock, by: Limit) -> Timestamp {
    let mut extended = clock.clone();
    extended.extended.push(Extension { by, granted_at: scene.now });
    let spec = scene.clock_spec(clock);
    Timing::of(&extended, scene.calendar_of(spec), scene.policy_of(spec)).due().at
}

/// What speaks against it: it comes too late, it is more than the next approver may give.
fn broken_rules(scene: &Scene<'_>, extensible: &Extensible<'_>, by: Limit) -> Vec<Rejection> {
    let (clock, rules) = (&extensible.clock, extensible.rules);
    let calendar = scene.calendar_of(scene.clock_spec(clock));
    let mut broken = Vec::new();
    if let Some(before) = rules.ask_before {
        let until = calendar.offset(clock.plan.due, Offset::Before(before)).at;
        // A clock that stands still has come no further than to where it stopped.
        let reached = clock.stands_still_since().unwrap_or(scene.now);
        if reached > until {
            broken.push(Rejection::TooLateToAsk { before, until });
        }
    }
    if let Some(percent) = extensible.approver().and_then(|approver| approver.at_most) {
        let most = share(calendar, clock, percent);
        if due_with(scene, clock, by) > due_with(scene, clock, Limit::Amount(most)) {
            broken.push(Rejection::ExtensionTooLong { percent, most });
        }
    }
    broken
}

/// A share of the limit as it was at first, in its own unit, rounded down, at least one of it. The
/// limit up to a day has the calendar days until then.
fn share(calendar: &Calendar, clock: &Clock, percent: u32) -> Amount {
    let whole = match clock.limit {
        Limit::Amount(amount) => amount,
        Limit::Date(date) => {
            let first = calendar.date_of(clock.started_at);
            let days = first.until(date).map_or(0, |span| span.get_days());
            Amount { count: u32::try_from(days).unwrap_or(0), unit: Unit::CalendarDays }
        }
    };
    let count = u64::from(whole.count) * u64::from(percent) / 100;
    let count = u32::try_from(count).unwrap_or(Amount::COUNT_MAX).clamp(1, Amount::COUNT_MAX);
    Amount { count, unit: whole.unit }
}

/// The next approver of the rules, or the role above the one that does the work; never who asked.
fn must_approve(
    scene: &Scene<'_>,
    extensible: &Extensible<'_>,
    request: &ExtensionRequest,
) -> Result<(), Rejection> {
    let doing = "decide an extension";
    let task = extensible.task.as_ref();
    let named = extensible.approver().map(|approver| approver.role.clone());
    let approver: Option<RoleId> =
        named.or_else(|| scene.roles_above(extensible.role(scene).as_str()).into_iter().next());
    if scene.actor.member() == Some(&request.asked_by) {
        let allowed = approver.into_iter().collect();
        return Err(Rejection::NotPermitted { doing, allowed });
    }
    match approver {
        Some(approver) => scene.must_hold(&approver, task, doing),
        None => scene.must_command(doing),
    }
}
