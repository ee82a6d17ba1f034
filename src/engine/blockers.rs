//! Blockers: other instances that must end before this one, or a task of it, may.

use std::sync::Arc;

use crate::model::id::{InstanceId, TaskId};
use crate::model::instance::{Instance, Status};

use super::commands;
use super::rejection::Rejection;
use super::scene::Scene;

impl Scene<'_> {
    /// Who keeps the instance from ending; for a task: who keeps that task from being completed.
    pub(super) fn blockers_of(&self, task: Option<&TaskId>) -> Vec<InstanceId> {
        let open = self.instance.relations.open_blockers();
        open.filter(|link| link.task.as_ref() == task).map(|link| link.other.clone()).collect()
    }

    /// Refuses what is blocked, unless a role of the actor may overrule that.
    pub(super) fn must_not_be_blocked(
        &mut self,
        task: Option<&TaskId>,
        force: Option<&str>,
    ) -> Result<(), Rejection> {
        let by = self.blockers_of(task);
        if by.is_empty() {
            return Ok(());
        }
        let Some(reason) = force else {
            return Err(Rejection::Blocked { by });
        };
        let overruled = by.iter().map(|other| format!("blocked by {other}")).collect();
        commands::overrule(self, overruled, reason)
    }

    /// Refuses the command that would end an instance which is blocked; forced, it ends.
    pub(super) fn must_be_free_to_end(
        &mut self,
        before: &Arc<Instance>,
        force: Option<&str>,
    ) -> Result<(), Rejection> {
        let is_over = self.instance.status == Status::Active && self.nothing_is_left();
        if self.blockers_of(None).is_empty() || !is_over {
            return Ok(());
        }
        // It would end nothing that was not at its end before, if only standing still.
        let mut earlier = Scene::new(&self.context, Arc::clone(before), &self.actor);
        if before.status.is_live() && earlier.nothing_is_left() {
            return Ok(());
        }
        self.must_not_be_blocked(None, force)?;
        self.ends_though_blocked = true;
        self.react()
    }

    /// Whether nothing is left to do: only a blocker can keep such an instance from being complete.
    fn nothing_is_left(&mut self) -> bool {
        self.instance.path_stage.is_none()
            && self.instance.open_stages().next().is_none()
            && self.recurring_is_enough()
    }
}
