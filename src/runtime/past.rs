//! What was live before: calendars by their digests, organizations by the instants since which
//! they were. The files are kept in the store and compiled when somebody asks for the past; so what
//! is told of an instant does not change when others are published later.
//!
//! Knows no ledgers: who asks says which instant, or which calendar, is meant.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use crate::calendar::Calendar;
use crate::definition::sources::{ORGANIZATION, Sources};
use crate::definition::{Compilation, compile};
use crate::model::id::CalendarId;
use crate::model::limits;
use crate::model::organization::Organization;
use crate::model::time::Timestamp;
use crate::store::{DocumentWrite, Error, Store};

use super::catalog::{Catalog, LiveCalendar};
use super::documents;

/// Since when the organization is kept that a store had when it began to keep any.
const EVER: Timestamp = Timestamp(0);

/// Where the past is found.
#[derive(Debug, Clone, Default)]
pub(super) struct Past {
    /// Since when each organization was live.
    organizations: BTreeSet<Timestamp>,
    /// The calendars that were asked for last, the latest one last.
    calendars: Arc<Mutex<Vec<Calendar>>>,
}

impl Past {
    /// Where the store keeps no organization, the live one counts as having been so since ever.
    pub(super) fn new(mut organizations: BTreeSet<Timestamp>) -> Self {
        if organizations.is_empty() {
            organizations.insert(EVER);
        }
        Self { organizations, calendars: Arc::default() }
    }

    /// The calendar with this digest; none: it was not kept.
    fn calendar(
        &self,
        store: &dyn Store,
        path: &str,
        digest: u64,
    ) -> Result<Option<Calendar>, Error> {
        let mut known = self.calendars.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = known.iter().position(|it| it.digest() == digest) {
            let found = known.remove(place);
            known.push(found.clone());
            return Ok(Some(found));
        }
        let Some(text) = documents::read_past_calendar(store, digest)? else { return Ok(None) };
        let mut compiled = compile_one(path, &text).calendars.into_iter();
        let found = compiled.find(|it| it.digest() == digest);
        if known.len() >= limits::PAST_CALENDARS_MAX {
            known.remove(0);
        }
        known.extend(found.clone());
        Ok(found)
    }
}

impl Catalog {
    /// The calendar of this name with a digest; the live one where that was not kept. None: there
    /// is none of this name.
    pub(super) fn calendar_at(
        &self,
        store: &dyn Store,
        id: &CalendarId,
        digest: u64,
    ) -> Result<Option<Calendar>, Error> {
        let Some(live) = self.calendar(id.as_str()) else { return Ok(None) };
        if live.calendar.digest() == digest {
            return Ok(Some(live.calendar.clone()));
        }
        let past = self.past.calendar(store, &live.path, digest)?;
        Ok(Some(past.unwrap_or_else(|| live.calendar.clone())))
    }

    /// The organization as its file was at an instant; before the first one that was kept, that
    /// one. A past one is without its roster.
    pub(super) fn organization_at(
        &self,
        store: &dyn Store,
        at: Timestamp,
    ) -> Result<Arc<Organization>, Error> {
        let all = &self.past.organizations;
        let since = all.range(..=at).next_back().or_else(|| all.first());
        if since == all.last() {
            return Ok(Arc::clone(self.organization()));
        }
        let text = since.map(|since| documents::read_past_organization(store, *since));
        Ok(match text.transpose()?.flatten() {
            Some(text) => Arc::new(compile_one(ORGANIZATION, &text).organization),
            None => Arc::clone(self.organization()),
        })
    }

    /// Notes since when the organization is live; its file is to be written with that.
    pub(super) fn organization_since(&mut self, since: Timestamp) -> Option<DocumentWrite> {
        self.past.organizations.insert(since);
        self.kept_organization(since)
    }

    /// The file of a calendar of these files, to be kept for ever.
    pub(super) fn kept_calendar(&self, live: &LiveCalendar) -> Option<DocumentWrite> {
        let source = self.sources.get(&live.path)?;
        Some(documents::past_calendar(live.calendar.digest(), &source.text))
    }

    fn kept_organization(&self, since: Timestamp) -> Option<DocumentWrite> {
        let source = self.sources.get(ORGANIZATION)?;
        Some(documents::past_organization(since, &source.text))
    }

    /// What is live and was never kept.
    pub(super) fn not_kept(&self, store: &dyn Store) -> Result<Vec<DocumentWrite>, Error> {
        let mut missing = Vec::new();
        for live in self.calendars.values() {
            if documents::read_past_calendar(store, live.calendar.digest())?.is_none() {
                missing.extend(self.kept_calendar(live));
            }
        }
        if self.past.organizations.contains(&EVER)
            && documents::read_past_organization(store, EVER)?.is_none()
        {
            missing.extend(self.kept_organization(EVER));
        }
        Ok(missing)
    }
}

/// What comes of one file; whatever is missing beside it is not looked at.
fn compile_one(path: &str, text: &str) -> Compilation {
    compile(&Sources { files: BTreeMap::from([(path.to_owned(), text.into())]) })
}
