//! The catalog: every published workflow, the calendars and the people, as they are now.
//!
//! A snapshot never changes; a new one takes its place in one step. Readers and workers hold the
//! one that they began with.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::calendar::Calendar;
use crate::definition::compiled::Workflow;
use crate::definition::ledger::Ledgers;
use crate::definition::sources::Sources;
use crate::engine::{ActiveWorkflows, Context};
use crate::model::id::{CalendarId, FieldId, WorkflowId};
use crate::model::instance::Header;
use crate::model::organization::{Loads, Organization};
use crate::model::roster::Roster;
use crate::model::time::{Date, Timestamp};

use super::documents::SourceDocument;
use super::past::Past;
use super::publish::Publisher;

/// A snapshot of what administrators wrote.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    pub(super) workflows: BTreeMap<WorkflowId, Versions>,
    pub(super) calendars: BTreeMap<CalendarId, LiveCalendar>,
    /// As the files say, with the roster.
    pub(super) organization: Arc<Organization>,
    /// As the files say.
    pub(super) published: Arc<Organization>,
    pub(super) roster: Arc<Roster>,
    pub(super) organization_digest: String,
    pub(super) ledgers: Arc<Ledgers>,
    /// The files that are live, by path.
    pub(super) sources: BTreeMap<String, SourceDocument>,
    pub(super) past: Past,
}

/// The versions of one workflow.
#[derive(Debug, Clone, Default)]
pub struct Versions {
    /// The one that new instances take; none: it is retired.
    pub active: Option<u32>,
    /// The digest of the edit that was taken last.
    pub(super) taken: Option<String>,
    /// All of them, by number.
    pub versions: BTreeMap<u32, Arc<Published>>,
}

/// A published version of a workflow: it compiles for ever.
#[derive(Debug)]
pub struct Published {
    /// The workflow.
    pub workflow: Arc<Workflow>,
    /// When it was published.
    pub published_at: Timestamp,
    /// The files that it keeps, as they were then.
    pub pinned: Sources,
    /// Its indexed fields.
    pub(super) indexed: Vec<FieldId>,
}

impl Versions {
    /// The newest version of each key that instances of this workflow had, by number.
    pub fn keys(&self) -> Vec<&Published> {
        let mut keys: Vec<&Published> = Vec::new();
        for version in self.versions.values() {
            keys.retain(|known| known.workflow.key != version.workflow.key);
            keys.push(version);
        }
        keys
    }
}

impl Published {
    pub(super) fn new(workflow: Workflow, published_at: Timestamp, pinned: Sources) -> Self {
        let indexed = workflow.indexed_fields();
        Self { workflow: Arc::new(workflow), published_at, pinned, indexed }
    }
}

/// A calendar as it counts now.
#[derive(Debug, Clone)]
pub struct LiveCalendar {
    /// By its office hours.
    pub calendar: Calendar,
    /// Every hour of every day.
    pub always_on: Calendar,
    /// The path of its file.
    pub(super) path: String,
}

impl LiveCalendar {
    /// Those that came of a configuration.
    pub(super) fn all_of(
        calendars: Vec<Calendar>,
        paths: &BTreeMap<CalendarId, String>,
    ) -> Vec<Self> {
        let live = |calendar: Calendar| Self {
            always_on: calendar.always_on(),
            path: paths.get(calendar.id()).cloned().unwrap_or_default(),
            calendar,
        };
        calendars.into_iter().map(live).collect()
    }
}

impl Catalog {
    /// Every workflow, retired ones included, by name.
    pub fn workflows(&self) -> impl Iterator<Item = (&WorkflowId, &Versions)> {
        self.workflows.iter()
    }

    /// The versions of a workflow.
    pub fn versions(&self, workflow: &str) -> Option<&Versions> {
        self.workflows.get(workflow)
    }

    /// The version that new instances take.
    pub fn active(&self, workflow: &str) -> Option<&Published> {
        let versions = self.workflows.get(workflow)?;
        versions.versions.get(&versions.active?).map(Arc::as_ref)
    }

    /// One version.
    pub fn version(&self, workflow: &str, version: u32) -> Option<&Published> {
        self.workflows.get(workflow)?.versions.get(&version).map(Arc::as_ref)
    }

    /// Every calendar, by name.
    pub fn calendars(&self) -> impl Iterator<Item = (&CalendarId, &LiveCalendar)> {
        self.calendars.iter()
    }

    /// The calendar of this name.
    pub fn calendar(&self, id: &str) -> Option<&LiveCalendar> {
        self.calendars.get(id)
    }

    /// The day of an instant, by the calendar of the first of these workflows.
    pub fn day_of(&self, workflows: &[WorkflowId], at: Timestamp) -> Option<Date> {
        let mut known = workflows.iter().filter_map(|id| self.active(id.as_str()));
        let calendar = known.find_map(|it| self.calendar(it.workflow.calendar.as_str()))?;
        Some(calendar.calendar.date_of(at))
    }

    /// The people.
    pub fn organization(&self) -> &Arc<Organization> {
        &self.organization
    }

    /// The ledgers and indicators.
    pub fn ledgers(&self) -> &Arc<Ledgers> {
        &self.ledgers
    }

    /// The day, where no instance says by which calendar: that of the most workflows.
    pub fn today(&self, now: Timestamp) -> Date {
        let mut named: BTreeMap<&CalendarId, usize> = BTreeMap::new();
        for versions in self.workflows.values() {
            let active = versions.active.and_then(|active| versions.versions.get(&active));
            if let Some(published) = active {
                *named.entry(&published.workflow.calendar).or_default() += 1;
            }
        }
        let most = named.iter().max_by_key(|(_, count)| **count);
        let calendar = most.and_then(|(id, _)| self.calendars.get(id.as_str()));
        match calendar.or_else(|| self.calendars.values().next()) {
            Some(live) => live.calendar.date_of(now),
            None => jiff::Timestamp::from_millisecond(now.0)
                .map_or(Date::ZERO, |instant| instant.to_zoned(jiff::tz::TimeZone::UTC).date()),
        }
    }

    /// Everything that a decision about an instance of this version may look at; none: its calendar
    /// is unknown.
    pub fn context<'a>(
        &'a self,
        published: &'a Published,
        loads: &'a Loads,
        now: Timestamp,
    ) -> Option<Context<'a>> {
        let live = self.calendars.get(published.workflow.calendar.as_str())?;
        Some(Context {
            workflow: &published.workflow,
            workflows: self,
            organization: &self.organization,
            calendar: &live.calendar,
            always_on: &live.always_on,
            loads,
            now,
        })
    }

    /// Whether an instance's instants were computed with another calendar than the live one.
    pub(super) fn is_outdated(&self, header: &Header) -> bool {
        let published = self.version(header.workflow.as_str(), header.workflow_version);
        let calendar = published.and_then(|it| self.calendars.get(it.workflow.calendar.as_str()));
        calendar.is_some_and(|live| live.calendar.digest() != header.calendar_digest)
    }
}

impl ActiveWorkflows for Catalog {
    fn active(&self, workflow: &str) -> Option<&Workflow> {
        Self::active(self, workflow).map(|published| &*published.workflow)
    }
}

/// The place of the newest snapshot.
pub(super) struct CatalogCell {
    pub(super) newest: Arc<ArcSwap<Catalog>>,
    pub(super) publisher: Publisher,
}

impl CatalogCell {
    pub(super) fn new(catalog: Catalog) -> Self {
        Self { newest: Arc::new(ArcSwap::from_pointee(catalog)), publisher: Publisher::default() }
    }

    pub(super) fn snapshot(&self) -> Arc<Catalog> {
        self.newest.load_full()
    }
}
