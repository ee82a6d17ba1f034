//! What publishing a calendar would do to the instances that run by it: looked at one after the
//! other, while the service goes on. Changes nothing.

use std::sync::Arc;

use crate::calendar::Calendar;
use crate::definition::compile;
use crate::definition::diagnostic::Diagnostic;
use crate::engine::{self, CalendarEffect, ClockMove, Context};
use crate::model::id::InstanceId;
use crate::model::instance::Instance;
use crate::model::limits;
use crate::model::organization::Loads;
use crate::model::time::Timestamp;
use crate::store::{Error, Order, Query, Store, Stored};

use super::answer::ReadError;
use super::catalog::Catalog;
use super::handle::Handle;
use super::publish::{PublishError, SourceFile, Validation, is_error};
use super::workload::live;

/// Instances asked for at once.
const PAGE: usize = 500;

/// What a calendar would do.
#[derive(Debug, Clone, PartialEq)]
pub struct CalendarPreview {
    /// Whether it is another one than the live one.
    pub changes: bool,
    /// Its content digest.
    pub digest: u64,
    /// Findings that are no errors.
    pub warnings: Vec<Diagnostic>,
    /// Live instances that count by it.
    pub instances: usize,
    /// Their clocks that run.
    pub running: usize,
    /// How many of these move.
    pub moving: usize,
    /// How, the first [`limits::CALENDAR_MOVES_TOLD_MAX`].
    pub moves: Vec<(InstanceId, ClockMove)>,
}

impl Handle {
    /// What taking this file would change; none: it holds no calendar of this name. Where it is
    /// asked for, all clocks that run by it are looked at as well.
    pub async fn preview_calendar(
        &self,
        calendar: &str,
        file: SourceFile,
        look_at_clocks: bool,
    ) -> Result<Option<CalendarPreview>, PublishError> {
        let name = calendar.to_owned();
        let made = self.publishing(move |shared| {
            let Validation { diagnostics, sources } = shared.catalog.validate(vec![file])?;
            if diagnostics.iter().any(is_error) {
                return Err(PublishError::Rejected(diagnostics));
            }
            let mut compiled = compile(&sources).calendars.into_iter();
            Ok((compiled.find(|known| known.id().as_str() == name), diagnostics))
        });
        let (Some(new), warnings) = made.await? else { return Ok(None) };
        let catalog = self.catalog();
        let digest = catalog.calendar(calendar).map(|known| known.calendar.digest());
        let preview = CalendarPreview {
            changes: digest != Some(new.digest()),
            digest: new.digest(),
            warnings,
            instances: 0,
            running: 0,
            moving: 0,
            moves: Vec::new(),
        };
        if !look_at_clocks || digest.is_none() {
            return Ok(Some(preview));
        }
        let query = Query { order: Order::Id, limit: PAGE, ..live() };
        let (always_on, now) = (new.always_on(), self.now());
        let mut look = Look { catalog, new, always_on, now, query, preview, ended: false };
        // Between two pages others have the thread, and nobody goes on once the caller has left.
        while !look.ended {
            let page = self.read(move |store| {
                look.next_page(store)?;
                Ok(look)
            });
            look = page.await.map_err(|error| match error {
                ReadError::Internal => PublishError::Internal,
                _ => PublishError::Unavailable,
            })?;
        }
        Ok(Some(look.preview))
    }
}

/// A look at every live instance that counts by a calendar of this name, past the workers: what
/// they hold ready is for those who command.
struct Look {
    catalog: Arc<Catalog>,
    new: Calendar,
    always_on: Calendar,
    now: Timestamp,
    query: Query,
    preview: CalendarPreview,
    ended: bool,
}

impl Look {
    fn next_page(&mut self, store: &dyn Store) -> Result<(), Error> {
        let (catalog, loads) = (&self.catalog, Loads::default());
        let headers = store.query(&self.query)?;
        for header in &headers {
            let version = catalog.version(header.workflow.as_str(), header.workflow_version);
            let version = version.filter(|it| it.workflow.calendar == *self.new.id());
            let Some(version) = version else { continue };
            let Some(instance) = load(store, &header.id)? else { continue };
            let context = Context {
                workflow: &version.workflow,
                workflows: catalog.as_ref(),
                organization: catalog.organization(),
                calendar: &self.new,
                always_on: &self.always_on,
                loads: &loads,
                now: self.now,
            };
            self.preview.count(&header.id, engine::preview_calendar(&context, &instance));
        }
        self.ended = headers.len() < PAGE;
        self.query.after = headers.last().map(|last| self.query.order.place_of(last));
        Ok(())
    }
}

fn load(store: &dyn Store, id: &InstanceId) -> Result<Option<Arc<Instance>>, Error> {
    let Some(Stored { body, tail }) = store.load(id)? else { return Ok(None) };
    Ok(engine::replay_onto(body.map(Arc::new), &tail))
}

impl CalendarPreview {
    fn count(&mut self, id: &InstanceId, effect: CalendarEffect) {
        self.instances += 1;
        self.running += effect.running;
        self.moving += effect.moves.len();
        let room = limits::CALENDAR_MOVES_TOLD_MAX - self.moves.len();
        let told = effect.moves.into_iter().take(room);
        self.moves.extend(told.map(|moved| (id.clone(), moved)));
    }
}
