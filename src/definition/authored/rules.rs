//! Escalation policies, reason codes, the organization and calendars as they are written.

use serde::Deserialize;

use super::shapes::{Many, Named, Scalar, Words, scalar_or_map};
use super::workflow::{ChecklistItem, Text};

/// `rules/escalation.yaml`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Escalation {
    /// The levels, lowest first.
    pub levels: Vec<Scalar>,
    /// The ladders.
    pub policies: Named<Vec<Step>>,
    /// The tasks that steps may open.
    pub tasks: Named<SpecialTask>,
}

/// A task that a step of a ladder opens.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SpecialTask {
    /// What people call it.
    pub title: Option<Text>,
    /// What to do and how.
    pub guide: Option<Text>,
    /// Who may do it.
    pub role: Option<Scalar>,
    /// Whether it waits to be claimed.
    pub offer: bool,
    /// What it can end with.
    pub outcomes: Words,
    /// What is checked before it is done.
    pub checklist: Vec<ChecklistItem>,
    /// Its limit.
    pub sla: Option<SpecialLimit>,
}

/// How long a special task may take.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SpecialLimit {
    /// So long.
    pub within: Option<Scalar>,
    /// Its ladder.
    pub escalation: Option<Scalar>,
}

/// One step of a ladder, or a `raise`, which is a step with a condition.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Step {
    /// Its name.
    pub id: Option<Scalar>,
    /// When it fires.
    pub at: Option<Instant>,
    /// In the ladder of a check: what it must measure.
    pub value: Option<Scalar>,
    /// In a `raise`: what must hold.
    pub when: Option<Scalar>,
    /// Its level.
    pub level: Option<Scalar>,
    /// The light that it sets.
    pub light: Option<Scalar>,
    /// Who is told.
    pub notify: Words,
    /// How long an acknowledgement is awaited.
    pub ack_within: Option<Scalar>,
    /// What an acknowledgement must hold.
    pub require: Words,
    /// How it tells again.
    pub repeat: Option<Repeat>,
    /// The role to which the task, or the stewardship, is given.
    pub reassign: Option<Scalar>,
    /// How pressing it makes what its clock measures.
    pub priority: Option<Scalar>,
    /// The stage beside the path that it opens.
    pub open: Option<Scalar>,
    /// The special task that it opens.
    pub task: Option<Scalar>,
    /// When those who are told are to read it.
    pub delivery: Option<Scalar>,
}

/// When a step fires.
#[derive(Debug, Clone, PartialEq)]
pub enum Instant {
    /// `due`, a share or an offset.
    Point(Scalar),
    /// The latest or the earliest of several.
    Chosen(ChosenInstant),
}

/// The latest or the earliest of several instants.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChosenInstant {
    /// The latest of these.
    pub later_of: Option<Vec<Instant>>,
    /// The earliest of these.
    pub earlier_of: Option<Vec<Instant>>,
}

scalar_or_map!(
    Instant,
    Point,
    Chosen(ChosenInstant),
    "an instant such as `70%`, `due` or `-1wd`, or `{ later_of: […] }`"
);

/// How a step tells again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Repeat {
    /// How long between two.
    pub every: Option<Scalar>,
    /// How often.
    pub times: Option<u32>,
}

/// `rules/reasons.yaml`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reasons {
    /// The codes with what people call them.
    pub reasons: Named<Text>,
    /// The words of choices, outcomes and units with what people call them.
    pub words: Named<Text>,
}

/// `rules/organization.yaml`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Organization {
    /// The roles.
    pub roles: Named<Role>,
    /// The groups.
    pub groups: Named<Group>,
    /// The members.
    pub members: Named<Member>,
    /// The services.
    pub services: Named<Service>,
}

/// A role.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Role {
    /// What people call it.
    pub title: Option<Text>,
    /// The role or group that takes over.
    pub above: Option<Scalar>,
    /// Within what it is held.
    pub scope: Option<Scalar>,
    /// Whether it may force what the rules refuse.
    pub may_force: bool,
}

/// A group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Group {
    /// What people call it.
    pub title: Option<Text>,
    /// What it is for.
    pub kind: Option<Scalar>,
    /// The role or group that takes over.
    pub above: Option<Scalar>,
}

/// A person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Member {
    /// What people call the person.
    pub title: Option<Text>,
    /// The group to which the person belongs.
    pub group: Option<Scalar>,
    /// The roles that the person holds.
    pub roles: Words,
    /// The unit from which the person comes.
    pub home_unit: Option<Text>,
    /// Since when and until when the person is lent.
    pub seconded: Option<Secondment>,
    /// How the person is reached.
    pub contact: Option<Scalar>,
    /// How much the person can carry.
    pub at_most: Option<AtMost>,
}

/// The days for which a person is lent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Secondment {
    /// The first day.
    pub from: Option<Scalar>,
    /// The last day.
    pub until: Option<Scalar>,
}

/// How much a person can carry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AtMost {
    /// Instances as steward.
    pub instances: Option<u32>,
    /// Open tasks.
    pub tasks: Option<u32>,
}

/// Another program.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Service {
    /// What people call it.
    pub title: Option<Text>,
    /// The role that it holds itself.
    pub role: Option<Scalar>,
}

/// `rules/calendars/*.yaml`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Calendar {
    /// Its name.
    pub calendar: Option<Scalar>,
    /// What people call it.
    pub title: Option<Text>,
    /// Its time zone.
    pub zone: Option<Scalar>,
    /// Whether every hour of every day counts.
    pub always_on: bool,
    /// Office hours.
    pub hours: Many<Hours>,
    /// The days of the week on which nobody works.
    pub rest_days: Words,
    /// Days off that are known for years that are not listed.
    pub statutory: Words,
    /// What was published, by year.
    pub years: Named<Year>,
}

/// A window of every day, or a season with its windows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hours {
    /// `09:00-12:00`.
    Window(Scalar),
    /// A season.
    Season(Season),
}

/// A season with its windows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Season {
    /// The day on which it begins.
    pub from: Option<Scalar>,
    /// Its windows.
    pub windows: Words,
}

scalar_or_map!(
    Hours,
    Window,
    Season(Season),
    "a window such as `09:00-12:00`, or `{ from: …, windows: […] }`"
);

/// What was published about a year.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Year {
    /// Weekdays that are off.
    pub off: Words,
    /// Weekend days that are worked.
    pub worked: Words,
    /// Names of stretches of days.
    pub holidays: Named<Holiday>,
}

/// A holiday.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Holiday {
    /// What people call it.
    pub title: Option<Text>,
    /// Its days.
    pub days: Option<Scalar>,
}
