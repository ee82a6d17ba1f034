//! Leaving a stage: what is still missing, all of it, and where it leads.

use crate::definition::compiled::{Stage, StageIndex};
use crate::model::id::FieldId;
use crate::script::facts::latest;

use super::rejection::{Missing, Rejection};
use super::scene::Scene;
use super::tasks::{self, Progress};
use super::values;

/// Where a stage's rules lead.
pub(super) enum Exit {
    /// To this stage, or past the end of the path.
    To(Option<StageIndex>),
    /// No rule holds; the conditions as written.
    Closed(Vec<std::sync::Arc<str>>),
}

impl<'a> Scene<'a> {
    /// Everything that is missing to leave a stage.
    pub(super) fn missing_to_leave(&mut self, stage: &'a Stage) -> Result<Vec<Missing>, Rejection> {
        let mut missing = self.missing_tasks(stage)?;
        let fields = &self.instance.fields;
        let says = |field: &FieldId| fields.get(field).is_some_and(values::says);
        let empty = stage.requires.iter().filter(|field| !says(field));
        missing.extend(empty.cloned().map(Missing::Field));
        if stage.beside.is_none()
            && let Exit::Closed(conditions) = self.exit_of(stage)?
        {
            missing.push(Missing::Next(conditions));
        }
        Ok(missing)
    }

    fn missing_tasks(&mut self, stage: &'a Stage) -> Result<Vec<Missing>, Rejection> {
        // A failing `when` must not let a stage be left: here it is a guard.
        for when in stage.tasks.iter().filter_map(|spec| spec.when.as_ref()) {
            self.guard(when, stage, None)?;
        }
        let mut missing = Vec::new();
        let progress = self.progress(stage);
        let needed = stage.tasks.iter().zip(progress).filter(|(spec, _)| !spec.optional);
        for (spec, progress) in needed {
            match progress {
                Progress::Done | Progress::NotWanted => continue,
                Progress::Open | Progress::NotYet => {}
            }
            for word in tasks::words_of(spec) {
                let task = latest(&self.instance, &stage.id, &spec.id, word);
                if task.is_some_and(tasks::is_done) {
                    continue;
                }
                let open = task.filter(|task| task.is_open());
                let holder = open.and_then(|task| task.holder.as_ref());
                missing.push(Missing::Task {
                    task: spec.id.as_str().into(),
                    each: word.cloned(),
                    number: open.map(|task| task.reference.number.0),
                    holder: holder.map(|holder| holder.member.clone()),
                });
            }
        }
        Ok(missing)
    }

    /// Where a path stage leads: the first rule that holds, or the following stage without rules.
    pub(super) fn exit_of(&mut self, stage: &'a Stage) -> Result<Exit, Rejection> {
        if stage.next.is_empty() {
            return Ok(Exit::To(None));
        }
        for rule in &stage.next {
            let holds = match &rule.when {
                Some(when) => self.guard(when, stage, None)?,
                None => true,
            };
            if holds {
                return Ok(Exit::To(Some(rule.to)));
            }
        }
        let conditions = stage.next.iter().filter_map(|rule| rule.when.as_ref());
        Ok(Exit::Closed(conditions.map(|when| when.source().clone()).collect()))
    }
}
