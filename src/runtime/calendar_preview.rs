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
use super::publish::{PublishError, SourceFile, is_error};
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
        let validation = self.validate(vec![file]).await?;
        if validation.diagnostics.iter().any(is_error) {
            return Err(PublishError::Rejected(validation.diagnostics));
        }
        let compiled = compile(&validation.sources).calendars;
        let Some(new) = compiled.into_iter().find(|known| known.id().as_str() == calendar) else {
            return Ok(None);
        };
        let catalog = self.catalog();
        let live = catalog.calendar(calendar).map(|live| live.calendar.digest());
        let mut preview = CalendarPreview {
            changes: live != Some(new.digest()),
            digest: new.digest(),
            warnings: validation.diagnostics,
            instances: 0,
            running: 0,
            moving: 0,
            moves: Vec::new(),
        };
        if look_at_clocks && live.is_some() {
            let now = self.now();
            let looking = self.read(move |store| {
                look_at_all(store, &catalog, (&new, now), &mut preview)?;
                Ok(preview)
            });
            preview = looking.await.map_err(|error| match error {
                ReadError::Internal => PublishError::Internal,
                _ => PublishError::Unavailable,
            })?;
        }
        Ok(Some(preview))
    }
}

/// Looks at every live instance that counts by a calendar of this name, past the workers: what they
/// hold ready is for those who command.
fn look_at_all(
    store: &dyn Store,
    catalog: &Catalog,
    (new, now): (&Calendar, Timestamp),
    preview: &mut CalendarPreview,
) -> Result<(), Error> {
    let (always_on, loads) = (new.always_on(), Loads::default());
    let mut query = Query { order: Order::Id, limit: PAGE, ..live() };
    loop {
        let headers = store.query(&query)?;
        for header in &headers {
            let version = catalog.version(header.workflow.as_str(), header.workflow_version);
            let version = version.filter(|it| it.workflow.calendar == *new.id());
            let Some(version) = version else { continue };
            let Some(instance) = load(store, &header.id)? else { continue };
            let context = Context {
                workflow: &version.workflow,
                workflows: catalog,
                organization: catalog.organization(),
                calendar: new,
                always_on: &always_on,
                loads: &loads,
                now,
            };
            preview.count(&header.id, engine::preview_calendar(&context, &instance));
        }
        if headers.len() < PAGE {
            return Ok(());
        }
        query.after = headers.last().map(|header| header.id.clone().into());
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
