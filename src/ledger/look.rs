//! Looking at a row: what each source gives. Names stay names here, so that they can be compared;
//! what people call them is the business of `cell`.

use std::sync::Arc;

use crate::definition::ledger::source::{
    ActivitySource, EscalationPart, ExtensionPart, LimitPart, LinkPart, LoggedPart, LoggedSource,
    StayPart, TaskPart, TaskSource, WholePart,
};
use crate::definition::ledger::{Rows, Source};
use crate::model::clock::{Clock, ClockOwner, Limit};
use crate::model::id::{StageId, TaskId};
use crate::model::link::{Direction, Relation};
use crate::model::task::TaskEnd;
use crate::model::time::Timestamp;

use super::cell::Cell;
use super::dossier::{
    Decision, Dossier, EscalationStory, ExtensionStory, LimitStory, Logged, Stay, TaskStory,
};
use super::setting::{Setting, stay_limit, task_limit};
use super::sum::Sum;

/// A row.
#[derive(Debug, Clone, Copy)]
pub enum Row<'a> {
    /// The instance.
    Instance,
    /// A stay in a stage.
    Stay(&'a Stay),
    /// A task.
    Task(&'a TaskStory),
    /// An activity.
    Activity(&'a Logged),
    /// A limit.
    Limit(&'a LimitStory),
    /// A step that told people.
    Escalation(&'a EscalationStory),
    /// An extension.
    Extension(&'a ExtensionStory),
}

impl<'a> Row<'a> {
    /// The rows of a dossier.
    pub fn of(dossier: &'a Dossier, rows: &Rows) -> Vec<Self> {
        fn named<T: PartialEq>(names: &[T], name: &T) -> bool {
            names.is_empty() || names.contains(name)
        }
        match rows {
            Rows::Instances => vec![Self::Instance],
            Rows::Stays(names) => {
                let stays = dossier.stays.iter().filter(|stay| named(names, &stay.stage));
                stays.map(Self::Stay).collect()
            }
            Rows::Tasks(names) => {
                let tasks = dossier.tasks.iter();
                let tasks = tasks.filter(|story| named(names, &story.task.reference.id));
                tasks.map(Self::Task).collect()
            }
            Rows::Activities(names) => {
                let all = dossier.activities.iter();
                all.filter(|it| named(names, &it.activity)).map(Self::Activity).collect()
            }
            Rows::Limits => dossier.limits.iter().map(Self::Limit).collect(),
            Rows::Escalations => dossier.escalations.iter().map(Self::Escalation).collect(),
            Rows::Extensions => dossier.extensions.iter().map(Self::Extension).collect(),
        }
    }
}

/// A row with what it is looked at with.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// The dossier to which the row belongs.
    pub dossier: &'a Dossier,
    /// The row.
    pub row: Row<'a>,
    /// What it is looked at with.
    pub setting: &'a Setting<'a>,
}

impl<'a> Look<'a> {
    /// What a source gives. The number of a row is not known to the row.
    pub fn at(&self, source: &Source) -> Cell {
        match source {
            Source::Number => Cell::Empty,
            Source::Whole(part) => self.whole(*part),
            Source::Field(field) => {
                self.dossier.instance.fields.get(field).map_or(Cell::Empty, Cell::of_value)
            }
            Source::Current(part) => {
                self.current().map_or(Cell::Empty, |stay| self.stay(stay, *part))
            }
            Source::Stage(stage, part) => self.stage(stage, *part),
            Source::Task(task, each, source) => {
                let latest = self.latest(task, each.as_ref(), |_| true);
                latest.map_or(Cell::Empty, |story| self.task(story, source))
            }
            Source::Activity(kind, source) => {
                let of_kind = |logged: &&Logged| logged.activity == *kind;
                let all: Vec<&Logged> = self.dossier.activities.iter().filter(of_kind).collect();
                self.activities(&all, source)
            }
            Source::Link(relation, direction, part) => self.links(*relation, *direction, *part),
            _ => self.of_row(source),
        }
    }

    fn of_row(&self, source: &Source) -> Cell {
        match (source, self.row) {
            (Source::RowStay(part), Row::Stay(stay)) => self.stay(stay, *part),
            (Source::RowStayTask(task, each, source), Row::Stay(stay)) => {
                let within = |story: &TaskStory| {
                    let opened = story.task.opened_at;
                    story.task.reference.stage == stay.stage
                        && opened >= stay.span.from
                        && stay.span.to.is_none_or(|to| opened < to)
                };
                let latest = self.latest(task, each.as_ref(), within);
                latest.map_or(Cell::Empty, |story| self.task(story, source))
            }
            (Source::RowTask(source), Row::Task(story)) => self.task(story, source),
            (Source::RowActivity(source), Row::Activity(logged)) => self.logged(logged, source),
            (Source::RowLimit(part), Row::Limit(limit)) => self.limit(limit, *part),
            (Source::RowEscalation(part), Row::Escalation(story)) => self.escalation(story, *part),
            (Source::RowExtension(part), Row::Extension(story)) => self.extension(story, *part),
            // Sources of a row are those of its kind: that was checked when they were read.
            _ => Cell::Empty,
        }
    }

    fn links(&self, relation: Relation, direction: Direction, part: LinkPart) -> Cell {
        let links = self.dossier.instance.relations.links.iter();
        let links = links.filter(|it| it.relation == relation && it.direction == direction);
        match part {
            LinkPart::Count => Cell::count(links.count()),
            LinkPart::Open => Cell::count(links.filter(|link| link.end.is_none()).count()),
            LinkPart::Ids => {
                let ids: Vec<&str> = links.map(|link| link.other.as_str()).collect();
                Cell::text(&ids.join(" "))
            }
        }
    }

    fn latest(
        &self,
        task: &TaskId,
        each: Option<&Arc<str>>,
        fits: impl Fn(&TaskStory) -> bool,
    ) -> Option<&'a TaskStory> {
        let of_name = |story: &&TaskStory| {
            let reference = &story.task.reference;
            reference.id == *task && reference.each.as_ref() == each && fits(story)
        };
        self.dossier.tasks.iter().rev().find(of_name)
    }

    fn time(&self, at: Option<Timestamp>) -> Cell {
        at.and_then(|at| self.setting.local(at)).map_or(Cell::Empty, Cell::Time)
    }

    /// A due time: 00:00 is told as 24:00 of the day before, which is the day that it ends.
    fn due(&self, at: Option<Timestamp>) -> Cell {
        let Some(at) = at else { return Cell::Empty };
        let Some(local) = self.setting.local(at) else { return Cell::Empty };
        let day = self.setting.due_day(at);
        if day == local.date() {
            return Cell::Time(local);
        }
        Cell::Time(day.at(23, 59, 0, 0))
    }

    fn whole(&self, part: WholePart) -> Cell {
        let dossier = self.dossier;
        let instance = &dossier.instance;
        match part {
            WholePart::Id => Cell::text(instance.id.as_str()),
            WholePart::Workflow => Cell::text(instance.workflow.as_str()),
            WholePart::Status => Cell::text(instance.status.as_str()),
            WholePart::Steward => name(instance.steward.as_ref()),
            WholePart::Group => name(instance.group.as_ref()),
            WholePart::Created => self.time(Some(instance.created_at)),
            WholePart::Ended => self.time(dossier.ended_at),
            WholePart::Reason => name(dossier.reason.as_ref()),
            WholePart::Light => Cell::text(instance.light().as_str()),
            WholePart::Level => {
                let fired = instance.clocks().filter_map(|clock| clock.fired.last());
                let levels = &self.setting.workflow.levels;
                let rank = |id: &_| levels.iter().position(|level| level == id);
                let highest = fired.max_by_key(|fired| rank(&fired.level));
                name(highest.map(|fired| &fired.level))
            }
            WholePart::Outcome => name(instance.outcome.as_ref()),
            WholePart::Returns => {
                let returns: u32 = instance.stages().map(|state| state.returns).sum();
                Cell::Integer(i64::from(returns))
            }
            WholePart::Extensions => {
                let granted = dossier.extensions.iter();
                Cell::count(granted.filter(|it| it.decision == Decision::Granted).count())
            }
            WholePart::Suspended => {
                self.time(instance.suspension.as_ref().map(|suspension| suspension.since))
            }
        }
    }

    /// The stay that is meant by `current`.
    fn current(&self) -> Option<&'a Stay> {
        let open = |stay: &&Stay| stay.span.to.is_none();
        let path = self.dossier.instance.path_stage.as_ref();
        let in_path = |stay: &&Stay| path == Some(&stay.stage);
        let mut stays = self.dossier.stays.iter().filter(open);
        match path {
            Some(_) => stays.find(in_path),
            None => stays.next(),
        }
    }

    fn stage(&self, stage: &StageId, part: StayPart) -> Cell {
        let latest = self.dossier.stays.iter().rev().find(|stay| stay.stage == *stage);
        match (latest, part) {
            (Some(stay), _) => self.stay(stay, part),
            (None, StayPart::State) => {
                let known = self.dossier.instance.stage(stage.as_str());
                Cell::text(known.map_or("", |_| "skipped"))
            }
            (None, _) => Cell::Empty,
        }
    }

    fn stay(&self, stay: &Stay, part: StayPart) -> Cell {
        let limit = stay_limit(self.dossier, stay);
        match part {
            StayPart::Stage => name(Some(&stay.stage)),
            StayPart::State => Cell::text(match (stay.span.to, stay.left) {
                (None, _) => "open",
                (Some(_), true) => "left",
                (Some(_), false) => "ended",
            }),
            StayPart::Entered => self.time(Some(stay.span.from)),
            StayPart::Left => self.time(stay.span.to.filter(|_| stay.left)),
            StayPart::Due => self.due(due_of(limit)),
            StayPart::DueOriginally => self.due(due_originally(limit)),
            StayPart::DaysLeft => self.days_left(limit, stay.span.to.is_none()),
            StayPart::Dwell => Cell::Decimal(self.setting.dwell(self.dossier, stay)),
            StayPart::Days => Cell::Integer(self.setting.days(stay.span)),
            StayPart::Attempt => Cell::Integer(i64::from(stay.attempt)),
            StayPart::Returns => {
                let state = self.dossier.instance.stage(stay.stage.as_str());
                Cell::Integer(state.map_or(0, |state| i64::from(state.returns)))
            }
            StayPart::Light => light(limit),
            StayPart::OnTime => in_time(due_originally(limit), stay.span.to.filter(|_| stay.left)),
        }
    }

    fn task(&self, story: &TaskStory, source: &TaskSource) -> Cell {
        let part = match source {
            TaskSource::Form(field) => {
                return story.form.get(field).map_or(Cell::Empty, Cell::of_value);
            }
            TaskSource::Part(part) => *part,
        };
        let task = &story.task;
        let done = match &task.end {
            Some(TaskEnd::Done { at, by, outcome, .. }) => Some((*at, by, outcome)),
            Some(TaskEnd::Cancelled { .. }) | None => None,
        };
        let last = story.holders.last().map(|held| &held.member);
        match part {
            TaskPart::Task => name(Some(&task.reference.id)),
            TaskPart::Each => Cell::text(task.reference.each.as_deref().unwrap_or_default()),
            TaskPart::Stage => name(Some(&task.reference.stage)),
            TaskPart::Attempt => Cell::Integer(i64::from(task.attempt)),
            TaskPart::State => Cell::text(match &task.end {
                None => "open",
                Some(TaskEnd::Done { .. }) => "done",
                Some(TaskEnd::Cancelled { .. }) => "cancelled",
            }),
            TaskPart::Role => name(task.role.as_ref()),
            TaskPart::Holder => name(last),
            TaskPart::Owner => name(last.or(self.dossier.instance.steward.as_ref())),
            TaskPart::Holders => Cell::count(story.holders.len()),
            TaskPart::Opened => self.time(Some(task.opened_at)),
            TaskPart::Done => self.time(done.map(|(at, ..)| at)),
            TaskPart::By => name(done.and_then(|(_, by, _)| by.as_ref())),
            TaskPart::Outcome => name(done.and_then(|(.., outcome)| outcome.as_ref())),
            TaskPart::Comment => Cell::text(&story.comment),
            TaskPart::Dwell => Cell::Decimal(self.setting.task_dwell(self.dossier, story)),
            TaskPart::Due
            | TaskPart::DueOriginally
            | TaskPart::DaysLeft
            | TaskPart::DaysOver
            | TaskPart::Light
            | TaskPart::OnTime
            | TaskPart::InTime
            | TaskPart::Extensions => self.task_limit(story, part, done.map(|(at, ..)| at)),
        }
    }

    fn task_limit(&self, story: &TaskStory, part: TaskPart, done: Option<Timestamp>) -> Cell {
        let limit = task_limit(self.dossier, story);
        match part {
            TaskPart::Due => self.due(due_of(limit)),
            TaskPart::DueOriginally => self.due(due_originally(limit)),
            TaskPart::DaysLeft => self.days_left(limit, story.task.end.is_none()),
            TaskPart::DaysOver => self.days_over(limit, self.setting.end_of(story.span())),
            TaskPart::Light => light(limit),
            TaskPart::OnTime => in_time(due_originally(limit), done),
            TaskPart::InTime => {
                let done = done.map(|at| limit.map_or(at, |limit| come(limit, at)));
                in_time(due_of(limit), done)
            }
            // The parts that have nothing to do with the limit are told where the task is.
            _ => Cell::count(limit.map_or(0, |limit| limit.clock.extended.len())),
        }
    }

    fn activities(&self, all: &[&Logged], source: &ActivitySource) -> Cell {
        let latest = all.iter().max_by_key(|logged| logged.occurred_at);
        match source {
            ActivitySource::Count => Cell::count(all.len()),
            ActivitySource::First => self.time(all.iter().map(|logged| logged.occurred_at).min()),
            ActivitySource::Last => self.time(latest.map(|logged| logged.occurred_at)),
            ActivitySource::LastField(field) => {
                let value = latest.and_then(|logged| logged.fields.get(field));
                value.map_or(Cell::Empty, Cell::of_value)
            }
            ActivitySource::Sum(field) => {
                let values = all.iter().filter_map(|logged| logged.fields.get(field));
                let sum: Sum = values.filter_map(|value| Cell::of_value(value).number()).collect();
                sum.value().map_or(Cell::Empty, Cell::Decimal)
            }
        }
    }

    fn logged(&self, logged: &Logged, source: &LoggedSource) -> Cell {
        match source {
            LoggedSource::Field(field) => {
                logged.fields.get(field).map_or(Cell::Empty, Cell::of_value)
            }
            LoggedSource::Part(LoggedPart::Kind) => name(Some(&logged.activity)),
            LoggedSource::Part(LoggedPart::At) => self.time(Some(logged.occurred_at)),
            LoggedSource::Part(LoggedPart::Logged) => self.time(Some(logged.logged_at)),
            LoggedSource::Part(LoggedPart::By) => Cell::text(&logged.by),
        }
    }

    fn limit(&self, story: &LimitStory, part: LimitPart) -> Cell {
        let clock = &story.clock;
        let due = story.due();
        let end = story.stopped.map_or(self.setting.now, |(at, _)| at);
        let acknowledged = || {
            let of_clock = |it: &&EscalationStory| it.clock.number == clock.number;
            let mut stories = self.dossier.escalations.iter().rev().filter(of_clock);
            stories.find_map(|it| it.acknowledged.as_ref())
        };
        match part {
            LimitPart::What => what(&clock.owner, clock.id.as_str()),
            LimitPart::Stage => stage_of(&clock.owner),
            LimitPart::State => Cell::text(match (&story.stopped, clock.is_paused()) {
                (Some(_), _) => "ended",
                (None, true) => "paused",
                (None, false) => "running",
            }),
            LimitPart::Started => self.time(Some(clock.started_at)),
            LimitPart::Due => self.due(due),
            LimitPart::DueOriginally => self.due(due.and(Some(clock.due_originally))),
            LimitPart::DaysLeft => self.days_left(Some(story), story.stopped.is_none()),
            LimitPart::DaysOver => self.days_over(Some(story), end),
            LimitPart::Light => Cell::text(clock.light().as_str()),
            LimitPart::Level => name(clock.fired.last().map(|fired| &fired.level)),
            LimitPart::Raised => self.time(clock.fired.last().map(|fired| fired.at)),
            LimitPart::Owner => name(self.dossier.owner_of(story).as_ref()),
            LimitPart::Acknowledged => self.time(acknowledged().map(|it| it.at)),
            LimitPart::AcknowledgedBy => name(acknowledged().map(|it| &it.by)),
            LimitPart::Plan => {
                Cell::text(acknowledged().and_then(|it| it.plan.as_deref()).unwrap_or_default())
            }
            LimitPart::Promised => {
                acknowledged().and_then(|it| it.promised).map_or(Cell::Empty, Cell::Date)
            }
            LimitPart::Extensions => Cell::count(clock.extended.len()),
        }
    }

    fn escalation(&self, story: &EscalationStory, part: EscalationPart) -> Cell {
        let acknowledged = story.acknowledged.as_ref();
        match part {
            EscalationPart::What => what(&story.clock.owner, story.clock.id.as_str()),
            EscalationPart::Stage => stage_of(&story.clock.owner),
            EscalationPart::Level => name(Some(&story.level)),
            EscalationPart::Light => Cell::text(story.light.as_str()),
            EscalationPart::Policy => name(Some(&story.policy)),
            EscalationPart::Raised => self.time(Some(story.raised_at)),
            EscalationPart::Due => self.due(story.due),
            EscalationPart::State => Cell::text(match (story.cleared_at, acknowledged) {
                (Some(_), _) => "cleared",
                (None, Some(_)) => "acknowledged",
                (None, None) => "open",
            }),
            EscalationPart::Owner => name(story.owner.as_ref()),
            EscalationPart::Told => Cell::count(story.told.len()),
            EscalationPart::Repeats => Cell::Integer(i64::from(story.repeats)),
            EscalationPart::Acknowledged => self.time(acknowledged.map(|it| it.at)),
            EscalationPart::AcknowledgedBy => name(acknowledged.map(|it| &it.by)),
            EscalationPart::Latency => acknowledged.map_or(Cell::Empty, |it| {
                Cell::Decimal(self.setting.working_hours(story.raised_at, it.at))
            }),
            EscalationPart::Comment => Cell::text(acknowledged.map_or("", |it| &it.comment)),
            EscalationPart::Plan => {
                Cell::text(acknowledged.and_then(|it| it.plan.as_deref()).unwrap_or_default())
            }
            EscalationPart::Promised => {
                acknowledged.and_then(|it| it.promised).map_or(Cell::Empty, Cell::Date)
            }
            EscalationPart::Cleared => self.time(story.cleared_at),
        }
    }

    fn extension(&self, story: &ExtensionStory, part: ExtensionPart) -> Cell {
        let [first, before, after] = if let Some((first, before, after)) = story.dues {
            [Some(first), Some(before), after]
        } else {
            let fits = |clock: &Clock| match &story.clock {
                Some(named) => clock.number == named.number,
                None => clock.owner == story.owner,
            };
            let limit = self.dossier.limit_of(fits);
            [due_originally(limit), due_of(limit), None]
        };
        let clock = story.clock.as_ref().map_or("", |clock| clock.id.as_str());
        match part {
            ExtensionPart::What => what(&story.owner, clock),
            ExtensionPart::Stage => stage_of(&story.owner),
            ExtensionPart::Amount => Cell::text(&match story.by {
                Limit::Amount(amount) => amount.to_string(),
                Limit::Date(date) => date.to_string(),
            }),
            ExtensionPart::Asked => self.time(story.asked.as_ref().map(|(_, at)| *at)),
            ExtensionPart::AskedBy => name(story.asked.as_ref().map(|(by, _)| by)),
            ExtensionPart::Reason => Cell::text(&story.reason),
            ExtensionPart::Decision => Cell::text(match story.decision {
                Decision::Pending => "pending",
                Decision::Granted => "granted",
                Decision::Refused => "refused",
                Decision::Lapsed => "lapsed",
            }),
            ExtensionPart::Decided => self.time(story.decided.as_ref().map(|(at, _)| *at)),
            ExtensionPart::DecidedBy => {
                name(story.decided.as_ref().and_then(|(_, by)| by.as_ref()))
            }
            ExtensionPart::Comment => Cell::text(&story.comment),
            ExtensionPart::DueOriginally => self.due(first),
            ExtensionPart::DueBefore => self.due(before),
            ExtensionPart::DueAfter => self.due(after),
        }
    }

    fn days_left(&self, limit: Option<&LimitStory>, under_way: bool) -> Cell {
        let limit = limit.filter(|_| under_way && self.dossier.instance.status.is_live());
        let left = limit.and_then(|limit| {
            Some(self.setting.days_left(limit.due()?, come(limit, self.setting.now)))
        });
        left.map_or(Cell::Empty, Cell::Integer)
    }

    fn days_over(&self, limit: Option<&LimitStory>, at: Timestamp) -> Cell {
        let over = limit.and_then(|limit| self.setting.days_over(limit.due()?, come(limit, at)));
        over.map_or(Cell::Empty, Cell::Integer)
    }
}

fn name(id: Option<&impl AsRef<str>>) -> Cell {
    Cell::text(id.map_or("", AsRef::as_ref))
}

fn light(limit: Option<&LimitStory>) -> Cell {
    limit.map_or(Cell::Empty, |limit| Cell::text(limit.clock.light().as_str()))
}

/// How far a limit has come at an instant: one that stands still no further than to where it
/// stopped, since its due time moves only once it runs on.
fn come(limit: &LimitStory, at: Timestamp) -> Timestamp {
    limit.clock.stands_still_since().map_or(at, |since| since.min(at))
}

fn due_of(limit: Option<&LimitStory>) -> Option<Timestamp> {
    limit.map(|limit| limit.clock.plan.due)
}

fn due_originally(limit: Option<&LimitStory>) -> Option<Timestamp> {
    limit.map(|limit| limit.clock.due_originally)
}

/// Whether something was done before its limit ran out; empty while it is not done, and where there
/// is no limit.
fn in_time(due: Option<Timestamp>, done: Option<Timestamp>) -> Cell {
    due.zip(done).map_or(Cell::Empty, |(due, done)| Cell::Boolean(done <= due))
}

fn what(owner: &ClockOwner, clock: &str) -> Cell {
    match owner {
        ClockOwner::Task(task) => name(Some::<&TaskId>(&task.id)),
        ClockOwner::Stage(stage) if matches!(clock, "stage" | "") => name(Some(stage)),
        ClockOwner::Stage(_) | ClockOwner::Instance | ClockOwner::Suspension => Cell::text(clock),
    }
}

fn stage_of(owner: &ClockOwner) -> Cell {
    match owner {
        ClockOwner::Stage(stage) => name(Some(stage)),
        ClockOwner::Task(task) => name(Some(&task.stage)),
        ClockOwner::Instance | ClockOwner::Suspension => Cell::Empty,
    }
}
