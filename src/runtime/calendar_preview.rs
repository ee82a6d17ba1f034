//! What publishing a calendar would do to the instances that run by it: looked at one after the
//! other, while the service goes on. Changes nothing.

use crate::calendar::Calendar;
use crate::definition::compile;
use crate::definition::diagnostic::Diagnostic;
use crate::engine::{self, ClockMove, Context};
use crate::model::id::InstanceId;
use crate::model::instance::Status;
use crate::model::limits;
use crate::model::organization::Loads;
use crate::store::{Order, Query};

use super::answer::ReadError;
use super::handle::Handle;
use super::publish::{PublishError, SourceFile, is_error};

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
            self.look_at_all(&new, &mut preview).await.map_err(|error| match error {
                ReadError::Internal => PublishError::Internal,
                _ => PublishError::Unavailable,
            })?;
        }
        Ok(Some(preview))
    }

    async fn look_at_all(
        &self,
        new: &Calendar,
        preview: &mut CalendarPreview,
    ) -> Result<(), ReadError> {
        let (catalog, always_on, loads) = (self.catalog(), new.always_on(), Loads::default());
        let mut after = None;
        loop {
            let query = Query {
                statuses: vec![Status::Active, Status::Suspended],
                order: Order::Id,
                after: after.clone(),
                limit: PAGE,
                ..Query::default()
            };
            let headers = self.headers(query).await?;
            after = headers.last().map(|header| header.id.clone());
            let is_last = headers.len() < PAGE;
            for header in headers {
                let version = catalog.version(header.workflow.as_str(), header.workflow_version);
                if version.is_none_or(|it| it.workflow.calendar != *new.id()) {
                    continue;
                }
                let Some(view) = self.view(&header.id).await? else { continue };
                let context = Context {
                    workflow: &view.workflow,
                    workflows: &*catalog,
                    organization: catalog.organization(),
                    calendar: new,
                    always_on: &always_on,
                    loads: &loads,
                    now: self.now(),
                };
                let effect = engine::preview_calendar(&context, &view.instance);
                preview.instances += 1;
                preview.running += effect.running;
                preview.moving += effect.moves.len();
                let room = limits::CALENDAR_MOVES_TOLD_MAX - preview.moves.len();
                let told = effect.moves.into_iter().take(room);
                preview.moves.extend(told.map(|moved| (header.id.clone(), moved)));
            }
            if is_last {
                return Ok(());
            }
        }
    }
}
