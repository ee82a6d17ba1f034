//! How much each member has to do, by the headers of what is durable. Changes nothing.

use std::collections::HashMap;

use crate::model::clock::Limit;
use crate::model::escalation::Light;
use crate::model::id::{CalendarId, GroupId, MemberId};
use crate::model::instance::{Header, Status};
use crate::model::limits;
use crate::model::organization::{Load, Member, Organization};
use crate::model::time::{Amount, Date, Timestamp, Unit};
use crate::store::{Error, Query, Store};

use super::catalog::Catalog;

/// A task is due soon within so many working days of its calendar.
const SOON: Amount = Amount { count: 5, unit: Unit::WorkingDays };

/// What a member has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// The member.
    pub member: MemberId,
    /// The member's group.
    pub group: Option<GroupId>,
    /// Live instances of which the member is steward.
    pub stewarded: u32,
    /// Of these, those whose brightest light is red.
    pub red: u32,
    /// Those whose brightest light is yellow.
    pub yellow: u32,
    /// Live instances of which the member is a backup.
    pub backup_of: u32,
    /// Open tasks that the member holds.
    pub open_tasks: u32,
    /// Of these, those whose limit has run out.
    pub overdue_tasks: u32,
    /// Those whose limit runs out within five working days of their calendar.
    pub due_soon_tasks: u32,
    /// Whether the member carries as much as the file says at most.
    pub full: bool,
    /// Whether the member is away.
    pub away: bool,
    /// The last day of it; none: not away, or for good.
    pub away_until: Option<Date>,
}

/// Reads the workloads of these members.
pub(super) fn read(
    store: &dyn Store,
    catalog: &Catalog,
    members: &[MemberId],
    now: Timestamp,
) -> Result<Vec<Workload>, Error> {
    let loads = store.loads()?;
    let organization = catalog.organization();
    let known = members.iter().filter_map(|member| organization.member(member.as_str()));
    let mut reading = Reading { store, catalog, now, soon: HashMap::new() };
    known.map(|member| reading.of(organization, member, loads.of(&member.id))).collect()
}

/// Every header that a query asks for, page by page: nobody else waits for long.
pub(super) fn each_header(
    store: &dyn Store,
    query: &Query,
    mut take: impl FnMut(Header),
) -> Result<(), Error> {
    let mut query = Query { limit: limits::PAGE_SIZE_MAX, ..query.clone() };
    loop {
        let page = store.query(&query)?;
        let is_last = page.len() < query.limit;
        query.after = page.last().map(|header| query.order.place_of(header));
        page.into_iter().for_each(&mut take);
        if is_last {
            return Ok(());
        }
    }
}

/// A query for what can still happen.
pub(super) fn live() -> Query {
    Query { statuses: vec![Status::Active, Status::Suspended], ..Query::default() }
}

struct Reading<'a> {
    store: &'a dyn Store,
    catalog: &'a Catalog,
    now: Timestamp,
    /// Per calendar, the instant up to which a task is due soon.
    soon: HashMap<CalendarId, Timestamp>,
}

impl Reading<'_> {
    fn of(
        &mut self,
        organization: &Organization,
        member: &Member,
        load: Load,
    ) -> Result<Workload, Error> {
        let id = member.id.clone();
        let today = self.catalog.today(self.now);
        let away = organization.away_on(id.as_str(), today);
        let full = member.at_most.is_full_of_instances(load.stewarded)
            || member.at_most.is_full_of_tasks(load.open_tasks);
        let mut workload = Workload {
            member: id.clone(),
            group: member.group.clone(),
            stewarded: load.stewarded,
            red: 0,
            yellow: 0,
            backup_of: 0,
            open_tasks: load.open_tasks,
            overdue_tasks: 0,
            due_soon_tasks: 0,
            full,
            away: away.is_some(),
            away_until: away.and_then(|away| away.until),
        };
        let own = Query { stewards: vec![id.clone()], ..live() };
        each_header(self.store, &own, |header| match header.light {
            Light::Red => workload.red += 1,
            Light::Yellow => workload.yellow += 1,
            Light::Blue | Light::None => {}
        })?;
        let backed = Query { backups: vec![id.clone()], ..live() };
        each_header(self.store, &backed, |_| workload.backup_of += 1)?;
        let (store, now) = (self.store, self.now);
        each_header(store, &Query { holders: vec![id.clone()], ..live() }, |header| {
            let soon = self.soon(&header);
            let held = header.tasks.iter().filter(|task| task.holder.as_ref() == Some(&id));
            for due in held.filter_map(|task| task.due) {
                if due < now {
                    workload.overdue_tasks += 1;
                } else if due <= soon {
                    workload.due_soon_tasks += 1;
                }
            }
        })?;
        Ok(workload)
    }

    fn soon(&mut self, header: &Header) -> Timestamp {
        let version = self.catalog.version(header.workflow.as_str(), header.workflow_version);
        let calendar = version.map(|version| &version.workflow.calendar);
        let live = calendar.and_then(|calendar| self.catalog.calendar(calendar.as_str()));
        let Some(live) = live else { return self.now };
        let now = self.now;
        let id = live.calendar.id().clone();
        *self
            .soon
            .entry(id)
            .or_insert_with(|| live.calendar.clock_due(Limit::Amount(SOON), now, &[], &[]).at)
    }
}
