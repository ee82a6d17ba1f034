//! Coverage: every exit, return, reason code and final outcome of a workflow, and which of them
//! specs use. It never knows what a spec expects.

use std::collections::BTreeSet;

use crate::definition::compiled::Workflow;
use crate::model::event::{Payload, Record};
use crate::model::id::Outcome;
use crate::model::instance::Instance;

/// Ways out of stages, as texts that can be compared: `exit signing -> project_approval`,
/// `return pre_review -> negotiation`, `terminate pre_review review_rejected`,
/// `completed contract`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Coverage {
    /// The ways.
    pub ways: BTreeSet<String>,
}

impl Coverage {
    /// Every way that a workflow has.
    pub fn of_workflow(workflow: &Workflow) -> Self {
        let mut ways = BTreeSet::new();
        let name = |index: crate::definition::compiled::StageIndex| {
            workflow.stages.get(index.0).map_or("", |stage| stage.id.as_str())
        };
        let path: Vec<_> = workflow.path().collect();
        for (at, (index, stage)) in path.iter().enumerate() {
            if stage.next.is_empty() {
                let following = path.get(at + 1).map_or("end", |(next, _)| name(*next));
                ways.insert(exit(stage.id.as_str(), following));
            }
            for rule in &stage.next {
                ways.insert(exit(name(*index), name(rule.to)));
            }
            for rule in &stage.return_to {
                ways.insert(back(stage.id.as_str(), name(rule.to)));
            }
        }
        for stage in &workflow.stages {
            for rule in &stage.may_terminate {
                ways.insert(end(stage.id.as_str(), rule.code.as_str()));
            }
            if stage.beside.is_some() {
                ways.insert(exit(stage.id.as_str(), "closed"));
            }
        }
        for rule in &workflow.may_terminate {
            ways.insert(end("any", rule.code.as_str()));
        }
        let tasks = || workflow.stages.iter().flat_map(|stage| &stage.tasks);
        let last = workflow.outcome_of.as_ref().and_then(|id| tasks().find(|it| it.id == *id));
        match last.map(|task| &task.outcomes) {
            Some(outcomes) => ways.extend(outcomes.iter().map(|it| completed(Some(it.as_str())))),
            None => ways.extend([completed(None)]),
        }
        Self { ways }
    }

    /// Takes over the ways that a record went. `before` is the instance as it was before it.
    pub fn add(&mut self, workflow: &Workflow, before: Option<&Instance>, record: &Record) {
        let path_stage = before.and_then(|instance| instance.path_stage.clone());
        let returned = |payload: &Payload| matches!(payload, Payload::StageReturned { .. });
        let returns = record.events.iter().any(|event| returned(&event.payload));
        for event in &record.events {
            match &event.payload {
                Payload::StageLeft { stage, to, .. } if !returns => {
                    let to = to.as_ref().map_or("end", |to| to.as_str());
                    self.leave(workflow, stage.as_str(), to);
                }
                Payload::StageClosed { stage, .. } => {
                    self.ways.insert(exit(stage.as_str(), "closed"));
                }
                Payload::StageReturned { from, to, .. } => {
                    self.ways.insert(back(from.as_str(), to.as_str()));
                }
                Payload::InstanceCompleted { outcome } => {
                    self.ways.insert(completed(outcome.as_ref().map(Outcome::as_str)));
                }
                Payload::InstanceTerminated { reason_code, .. } => {
                    let code = reason_code.as_str();
                    self.ways.insert(end("any", code));
                    if let Some(stage) = &path_stage {
                        self.ways.insert(end(stage.as_str(), code));
                    }
                    let open = before.into_iter().flat_map(Instance::open_stages);
                    self.ways.extend(open.map(|state| end(state.stage.as_str(), code)));
                }
                _ => {}
            }
        }
    }

    /// An exit may lead to a stage that was passed over; then that exit was used all the same.
    fn leave(&mut self, workflow: &Workflow, stage: &str, to: &str) {
        self.ways.insert(exit(stage, to));
        let Some((from, _)) = workflow.stage(stage) else { return };
        let reached = workflow.stage(to).map(|(index, _)| index);
        let between = workflow.path().filter(|(index, _)| *index > from);
        for (index, passed) in between {
            if reached.is_some_and(|reached| index >= reached) {
                break;
            }
            self.ways.insert(exit(stage, passed.id.as_str()));
        }
    }
}

fn exit(from: &str, to: &str) -> String {
    format!("exit {from} -> {to}")
}

fn back(from: &str, to: &str) -> String {
    format!("return {from} -> {to}")
}

fn end(stage: &str, code: &str) -> String {
    format!("terminate {stage} {code}")
}

fn completed(outcome: Option<&str>) -> String {
    format!("completed {}", outcome.unwrap_or("without an outcome"))
}
