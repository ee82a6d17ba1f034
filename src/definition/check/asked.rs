//! Every condition of a workflow with its place, and what can be said of it before it is asked.

use crate::definition::authored::rules::Step;
use crate::definition::authored::shapes::{Many, Scalar};
use crate::definition::authored::workflow::{Clock, Field, Limit, Next, Stage, Task};
use crate::definition::compiled::{StageIndex, Workflow};
use crate::definition::span::{KeyPath, Segment};
use crate::script::{Judgement, TaskWords, Vocabulary, judge};

use super::Checked;

/// A condition of the workflow.
pub(super) struct Asked {
    /// Where it stands.
    pub path: KeyPath,
    /// The place of the stage of the path in which it is asked; none: at any time.
    pub stage: Option<StageIndex>,
    /// It stands under `next`.
    pub leads_on: bool,
    /// What is said of it.
    pub judgement: Judgement,
}

/// Collects the conditions.
struct Collector<'a> {
    workflow: &'a Workflow,
    vocabulary: &'a Vocabulary,
    asked: Vec<Asked>,
}

/// Judges every condition.
pub(super) fn judged(checked: &Checked<'_>, vocabulary: &Vocabulary) -> Vec<Asked> {
    let authored = checked.authored;
    let mut collector = Collector { workflow: checked.workflow, vocabulary, asked: Vec::new() };
    let root = KeyPath::root();
    for (name, clock) in authored.clocks.iter() {
        collector.clock(&root.key("clocks").key(name), clock, None, None);
    }
    if let Some(within) = authored.suspension.as_ref().and_then(|rule| rule.within.as_ref()) {
        collector.limits(&root.key("suspension").key("within"), within, None, None);
    }
    collector.raises(&root, &authored.raise, None);
    for (index, stage) in authored.stages.iter().enumerate() {
        collector.stage(&root.key("stages").index(index), stage, StageIndex(index));
    }
    collector.asked
}

/// Whether a task cannot have opened when a stage of the path is asked something: its own stage
/// comes later, and nothing leads back from there.
pub(super) fn opens_later(workflow: &Workflow, task: &str, asked_in: StageIndex) -> bool {
    let owner = workflow.stages.iter().position(|stage| stage.task(task).is_some());
    let Some(owner) = owner else { return false };
    let begins = match &workflow.stages[owner].beside {
        Some(beside) => beside.opens_from,
        None => StageIndex(owner),
    };
    let leads_back = |(at, stage): (StageIndex, &crate::definition::compiled::Stage)| {
        at >= begins && stage.return_to.iter().any(|rule| rule.to <= asked_in)
    };
    begins > asked_in && !workflow.path().any(leads_back)
}

impl Collector<'_> {
    fn stage(&mut self, path: &KeyPath, stage: &Stage, index: StageIndex) {
        let on_path = (!stage.beside).then_some(index);
        for (key, source) in [
            ("when", &stage.when),
            ("enough_when", &stage.enough_when),
            ("skip_when", &stage.skip_when),
        ] {
            self.condition(&path.key(key), source.as_ref(), on_path, None);
        }
        for (at, next) in stage.next.iter() {
            if let Next::When(next) = next {
                let path = path.key("next").index(at).key("when");
                self.condition(&path, next.when.as_ref(), on_path, None);
            }
        }
        if let Some(clock) = &stage.sla {
            self.clock(&path.key("sla"), clock, on_path, None);
        }
        for (name, clock) in stage.clocks.iter() {
            self.clock(&path.key("clocks").key(name), clock, on_path, None);
        }
        self.raises(path, &stage.raise, on_path);
        for (at, task) in stage.tasks.iter().enumerate() {
            self.task(&path.key("tasks").index(at), task, on_path);
        }
    }

    fn raises(&mut self, owner: &KeyPath, raises: &[Step], stage: Option<StageIndex>) {
        for (at, raise) in raises.iter().enumerate() {
            let path = owner.key("raise").index(at).key("when");
            self.condition(&path, raise.when.as_ref(), stage, None);
        }
    }

    fn task(&mut self, path: &KeyPath, task: &Task, stage: Option<StageIndex>) {
        self.condition(&path.key("when"), task.when.as_ref(), stage, None);
        let words = task.id.as_ref().and_then(|id| self.vocabulary.task_named(id.as_str()));
        if let Some(clock) = &task.sla {
            self.clock(&path.key("sla"), clock, stage, words);
        }
        if let Some(within) = &task.within {
            self.limits(&path.key("within"), within, stage, words);
        }
        for (name, field) in task.form.iter() {
            self.field(&path.key("form").key(name), field, stage, words);
        }
    }

    fn field(
        &mut self,
        path: &KeyPath,
        field: &Field,
        stage: Option<StageIndex>,
        task: Option<&TaskWords>,
    ) {
        self.condition(&path.key("required_when"), field.required_when.as_ref(), stage, task);
    }

    fn clock(
        &mut self,
        path: &KeyPath,
        clock: &Clock,
        stage: Option<StageIndex>,
        task: Option<&TaskWords>,
    ) {
        for (key, limits) in [("within", &clock.within), ("every", &clock.every)] {
            if let Some(limits) = limits {
                self.limits(&path.key(key), limits, stage, task);
            }
        }
        let excluded = clock.excluded_while.as_ref();
        self.condition(&path.key("excluded_while"), excluded, stage, task);
    }

    fn limits(
        &mut self,
        path: &KeyPath,
        limits: &Many<Limit>,
        stage: Option<StageIndex>,
        task: Option<&TaskWords>,
    ) {
        for (at, limit) in limits.iter() {
            if let Limit::Choice(choice) = limit {
                self.condition(&path.index(at).key("when"), choice.when.as_ref(), stage, task);
            }
        }
    }

    fn condition(
        &mut self,
        path: &KeyPath,
        source: Option<&Scalar>,
        stage: Option<StageIndex>,
        task: Option<&TaskWords>,
    ) {
        let Some(source) = source else { return };
        let workflow = self.workflow;
        let unopened = |task: &str| stage.is_some_and(|stage| opens_later(workflow, task, stage));
        let with_task;
        let vocabulary = match task {
            Some(task) => {
                with_task = Vocabulary { task: Some(task.clone()), ..self.vocabulary.clone() };
                &with_task
            }
            None => self.vocabulary,
        };
        let judgement = judge(source.as_str(), vocabulary, &workflow.functions, &unopened);
        let is_next = |segment: &Segment| *segment == Segment::Key("next".to_owned());
        let leads_on = path.segments().iter().any(is_next);
        self.asked.push(Asked { path: path.clone(), stage, leads_on, judgement });
    }
}
