//! Facts: what conditions and functions may read of an instance.

use crate::definition::compiled::Stage;
use crate::model::task::Task;
use crate::script::facts::Facts;

use super::scene::Scene;

impl Scene<'_> {
    /// The facts as they are now, seen from a stage and, where there is one, a task of it.
    pub(super) fn facts<'s>(
        &'s self,
        stage: Option<&'s Stage>,
        task: Option<&'s Task>,
    ) -> Facts<'s> {
        Facts {
            instance: &self.instance,
            stage: stage.map(|stage| &stage.id),
            task,
            tasks: &self.workflow().task_groups,
        }
    }
}
