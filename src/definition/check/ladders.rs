//! Ladders: steps that would come before lower ones, for a start at the opening of business, those
//! that begin when the limit has run out already, and warnings that are read when it has.
//!
//! Looks at the ladder together with each limit for which it is used, in a week without holidays;
//! what an objection may take and how long a supplement is awaited are limits as well. Never judges
//! whether a ladder is strict enough.

use std::collections::BTreeSet;

use crate::calendar::{Calendar, CalendarSpec};
use crate::definition::code::Code;
use crate::definition::compiled::{ClockRule, ClockSpec, Delivery, LimitChoice, Policy};
use crate::definition::compiled::{Step, StepInstant};
use crate::definition::diagnostic::{Diagnostic, Findings};
use crate::definition::span::{KeyPath, Segment};
use crate::model::time::{Amount, Date, Offset, Timestamp};

use super::Checked;

/// Days within which every calendar has a working day.
const DAYS_LOOKED_AT: i8 = 28;

/// Reports each step once, with the first limit for which it is out of order.
pub(super) fn check(checked: &Checked<'_>, findings: &mut Findings) {
    let Some(office) = checked.calendar.map(plain) else { return };
    let Some((start, evening)) = first_day(&office) else { return };
    let mut told: BTreeSet<(String, usize)> = BTreeSet::new();
    let mut unread: BTreeSet<(String, usize)> = BTreeSet::new();
    let mut late: BTreeSet<&str> = BTreeSet::new();
    for (path, clock) in clocks(checked) {
        let policy = clock.policy.as_ref().and_then(|id| checked.workflow.policy(id.as_str()));
        let Some(policy) = policy else { continue };
        let first = policy.steps.first();
        if first.is_some_and(|step| is_late(&step.at)) && late.insert(policy.id.as_str()) {
            report_late(checked, policy, &path, findings);
        }
        let calendar = if clock.always_on { office.always_on() } else { office.clone() };
        for (place, limit) in limits(&path, &clock.kind) {
            for from in [start, evening] {
                let limit = Running::of(&calendar, limit.take, from);
                for step in read_too_late(&limit, &office, policy) {
                    if unread.insert((policy.id.to_string(), step)) {
                        report_unread(checked, policy, step, (&place, limit.take), findings);
                    }
                }
            }
            let Some(step) = out_of_order(&calendar, policy, start, limit.take) else { continue };
            if told.insert((policy.id.to_string(), step)) {
                report(checked, policy, step, (&place, limit.take), findings);
            }
        }
    }
}

/// Where the file says when a step fires.
fn instant_of(policy: &Policy, step: usize) -> KeyPath {
    KeyPath::root().key("policies").key(policy.id.as_str()).index(step).key("at")
}

fn report(
    checked: &Checked<'_>,
    policy: &Policy,
    step: usize,
    (place, take): (&KeyPath, Amount),
    findings: &mut Findings,
) {
    let Some((_, at)) = checked.policies else { return };
    let (higher, lower) = (&policy.steps[step], &policy.steps[step - 1]);
    let message = format!(
        "step `{}` of `{}` would fire before `{}` when the limit is {take}",
        higher.id, policy.id, lower.id
    );
    let diagnostic =
        Diagnostic::new(Code::StepOutOfOrder, at.value(&instant_of(policy, step)), message)
            .label("this comes first")
            .also(at.value(&instant_of(policy, step - 1)), "and this would never fire")
            .also(checked.at.value(place), "the limit")
            .hint("move one of them, or use `later_of`");
    findings.push(diagnostic);
}

fn report_late(checked: &Checked<'_>, policy: &Policy, used: &KeyPath, findings: &mut Findings) {
    let Some((_, at)) = checked.policies else { return };
    let message = format!("`{}` begins when the limit has run out already", policy.id);
    let diagnostic = Diagnostic::new(Code::LateLadder, at.value(&instant_of(policy, 0)), message)
        .label("until then no light burns and nobody is told")
        .also(checked.at.value(used), "the limit")
        .hint("put a step at `due` or before it");
    findings.push(diagnostic);
}

fn report_unread(
    checked: &Checked<'_>,
    policy: &Policy,
    step: usize,
    (place, take): (&KeyPath, Amount),
    findings: &mut Findings,
) {
    let Some((_, at)) = checked.policies else { return };
    let id = &policy.steps[step].id;
    let message =
        format!("step `{id}` of `{}` can be read too late when the limit is {take}", policy.id);
    let diagnostic =
        Diagnostic::new(Code::ReadTooLate, at.value(&instant_of(policy, step)), message)
            .label("the digest after this can come when the limit is over")
            .also(checked.at.value(place), "the limit")
            .hint("say `delivery: at_once`, or let it fire the evening before");
    findings.push(diagnostic);
}

/// Whether an instant always comes after the due time.
fn is_late(at: &StepInstant) -> bool {
    match at {
        StepInstant::Share(percent) => *percent > 100,
        StepInstant::Due | StepInstant::Value(_) => false,
        StepInstant::Offset(offset) => matches!(offset, Offset::After(_)),
        StepInstant::LaterOf(all) => all.iter().any(is_late),
        StepInstant::EarlierOf(all) => all.iter().all(is_late),
    }
}

/// The first step that would fire before the one below it.
fn out_of_order(
    calendar: &Calendar,
    policy: &Policy,
    start: Timestamp,
    take: Amount,
) -> Option<usize> {
    let limit = Running::of(calendar, take, start);
    let instants: Vec<Timestamp> = policy.steps.iter().map(|step| limit.told(step)).collect();
    (1..instants.len()).find(|step| instants[*step] < instants[*step - 1])
}

/// The steps that warn before the due time, with a digest that is read when it is over.
fn read_too_late(limit: &Running<'_>, office: &Calendar, policy: &Policy) -> Vec<usize> {
    let is_late = |step: &Step| {
        let told = limit.told(step);
        step.delivery == Delivery::Digest
            && told < limit.due
            && office.next_opening(told) >= limit.due
    };
    (0..policy.steps.len()).filter(|step| is_late(&policy.steps[*step])).collect()
}

/// A limit that runs.
struct Running<'a> {
    calendar: &'a Calendar,
    take: Amount,
    start: Timestamp,
    due: Timestamp,
}

impl<'a> Running<'a> {
    fn of(calendar: &'a Calendar, take: Amount, start: Timestamp) -> Self {
        Self { calendar, take, start, due: calendar.due(start, take).at }
    }

    /// When a step tells.
    fn told(&self, step: &Step) -> Timestamp {
        self.calendar.telling(self.instant(&step.at)).max(self.start)
    }

    fn instant(&self, at: &StepInstant) -> Timestamp {
        match at {
            StepInstant::Share(percent) => {
                self.calendar.share(self.take.unit, self.start, self.due, *percent).at
            }
            StepInstant::Due | StepInstant::Value(_) => self.due,
            StepInstant::Offset(offset) => self.calendar.offset(self.due, *offset).at,
            StepInstant::LaterOf(all) => {
                all.iter().map(|each| self.instant(each)).max().unwrap_or(self.due)
            }
            StepInstant::EarlierOf(all) => {
                all.iter().map(|each| self.instant(each)).min().unwrap_or(self.due)
            }
        }
    }
}

/// The same office hours and weeks without any holiday.
fn plain(calendar: &Calendar) -> Calendar {
    let spec = calendar.spec().clone();
    let spec =
        CalendarSpec { statutory: Vec::new(), years: std::collections::BTreeMap::new(), ..spec };
    Calendar::new(spec).unwrap_or_else(|_| calendar.clone())
}

/// The opening and the closing of a week's first working day.
fn first_day(calendar: &Calendar) -> Option<(Timestamp, Timestamp)> {
    // A month that begins with a Monday.
    (2..DAYS_LOOKED_AT).find_map(|day| {
        let day = Date::new(2025, 6, day).ok()?;
        Some((calendar.opening_of(day)?, calendar.closing_of(day)?))
    })
}

/// Every clock with its place.
fn clocks<'a>(checked: &Checked<'a>) -> Vec<(KeyPath, &'a ClockSpec)> {
    let root = KeyPath::root();
    let workflow = checked.workflow;
    let mut clocks: Vec<(KeyPath, &ClockSpec)> = Vec::new();
    let named = |top: &KeyPath, clock: &ClockSpec| top.key("clocks").key(clock.id.as_str());
    clocks.extend(workflow.clocks.iter().map(|clock| (named(&root, clock), clock)));
    if let Some(suspension) = &workflow.suspension {
        clocks.push((root.key("suspension"), &suspension.clock));
    }
    for (index, stage) in workflow.stages.iter().enumerate() {
        let path = root.key("stages").index(index);
        for clock in &stage.clocks {
            let own = clock.id.as_str() == "stage";
            let place = if own { path.key("sla") } else { named(&path, clock) };
            clocks.push((place, clock));
        }
        for (at, task) in stage.tasks.iter().enumerate() {
            let path = path.key("tasks").index(at);
            clocks.extend(task.clock.iter().map(|clock| (path.key("sla"), clock)));
            let levels = [path, root.key("stages").index(index), root.clone()];
            let objection = task.objections.iter().map(|it| ("objections", &it.clock));
            let supplement = task.supplements.iter().map(|it| ("supplements", &it.clock));
            for (key, clock) in objection.chain(supplement) {
                let mut said = levels.iter().map(|level| level.key(key));
                clocks.extend(said.find(|path| checked.at.has(path)).map(|path| (path, clock)));
            }
        }
    }
    clocks
}

/// The lengths that a limit can have, with their places.
fn limits<'a>(path: &KeyPath, rule: &'a ClockRule) -> Vec<(KeyPath, &'a LimitChoice)> {
    let last = path.segments().last();
    let decides = last.is_some_and(|key| *key == Segment::Key("objections".to_owned()));
    let (key, limits) = match rule {
        ClockRule::Within(limits) if decides => ("decide_within", limits),
        ClockRule::Within(limits) => ("within", limits),
        ClockRule::Every { limits, .. } => ("every", limits),
        ClockRule::By(_)
        | ClockRule::Wait(_)
        | ClockRule::Check { .. }
        | ClockRule::Raise { .. } => return Vec::new(),
    };
    let place = |(at, limit)| {
        let path = path.key(key);
        (if limits.len() == 1 { path } else { path.index(at) }, limit)
    };
    limits.iter().enumerate().map(place).collect()
}
