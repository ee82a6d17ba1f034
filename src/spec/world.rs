//! The world of one spec: an instance, the time, and everyone who acts.

use std::sync::Arc;

use crate::calendar::Calendar;
use crate::definition::compiled::Workflow;
use crate::engine::{self, Context, Decision, Outcome, Rejection};
use crate::model::command::Command;
use crate::model::event::{Payload, Record};
use crate::model::instance::Instance;
use crate::model::organization::{Load, Loads, Organization};
use crate::model::time::Timestamp;

/// The world of one spec. A copy is a world of its own.
#[derive(Clone)]
pub(super) struct World<'a> {
    pub(super) workflow: &'a Workflow,
    workflows: &'a [Arc<Workflow>],
    pub(super) organization: Organization,
    pub(super) calendar: &'a Calendar,
    always_on: Calendar,
    given: Loads,
    loads: Loads,
    /// The time of the step.
    pub(super) now: Timestamp,
    /// The instance, once it is created.
    pub(super) instance: Option<Arc<Instance>>,
    /// Everything that happened.
    pub(super) records: Vec<Record>,
}

impl<'a> World<'a> {
    pub(super) fn new(
        (workflow, workflows): (&'a Workflow, &'a [Arc<Workflow>]),
        organization: Organization,
        calendar: &'a Calendar,
        given: Loads,
        now: Timestamp,
    ) -> Self {
        Self {
            workflow,
            workflows,
            organization,
            calendar,
            always_on: calendar.always_on(),
            loads: given.clone(),
            given,
            now,
            instance: None,
            records: Vec::new(),
        }
    }

    /// What a decision at this time may look at.
    pub(super) fn context(&self) -> Context<'_> {
        Context {
            workflow: self.workflow,
            workflows: &self.workflows,
            organization: &self.organization,
            calendar: self.calendar,
            always_on: &self.always_on,
            loads: &self.loads,
            now: self.now,
        }
    }

    /// Decides a command now, and takes over what happens.
    pub(super) fn submit(&mut self, command: &Command) -> Result<(), Rejection> {
        let decision = engine::decide(&self.context(), self.instance.as_ref(), command);
        let taken = self.take(decision);
        self.let_others_act();
        taken
    }

    /// The workflow of which another instance would be.
    pub(super) fn active(&self, workflow: &str) -> Option<&'a Workflow> {
        self.workflows.iter().map(Arc::as_ref).find(|known| known.id.as_str() == workflow)
    }

    /// Others do at once what they are asked; one thing may lead to the next.
    fn let_others_act(&mut self) {
        while let Some(instance) = &self.instance {
            let confirmations = super::others::confirmations(instance);
            if confirmations.is_empty() {
                return;
            }
            for confirmation in confirmations {
                let before = self.instance.as_ref();
                let decision = engine::decide(&self.context(), before, &confirmation);
                // A confirmation is never refused.
                let _refused = self.take(decision);
            }
        }
    }

    fn take(&mut self, decision: Decision) -> Result<(), Rejection> {
        let records: Vec<Record> = decision.records().cloned().collect();
        for record in records {
            engine::apply_record(&mut self.instance, &record);
            self.count(&record);
            self.records.push(record);
        }
        match decision.outcome {
            Outcome::Refused(rejection) => Err(rejection),
            Outcome::Accepted(_) | Outcome::Repeated { .. } | Outcome::Nothing => Ok(()),
        }
    }

    /// Loads follow what happened, as they do in a server.
    fn count(&mut self, record: &Record) {
        for event in &record.events {
            let assigned = match &event.payload {
                Payload::TaskAssigned { assignment, .. }
                | Payload::TaskClaimed { assignment, .. }
                | Payload::TaskReassigned { assignment, .. } => &assignment.member,
                _ => continue,
            };
            self.loads.members.entry(assigned.clone()).or_default().assigned_at = Some(event.time);
        }
        for (member, load) in &mut self.loads.members {
            *load = Load { open_tasks: self.given.of(member).open_tasks, stewarded: 0, ..*load };
        }
        let Some(instance) = &self.instance else { return };
        for task in instance.open_tasks() {
            if let Some(holder) = &task.holder {
                self.loads.members.entry(holder.member.clone()).or_default().open_tasks += 1;
            }
        }
        if let Some(steward) = &instance.steward {
            self.loads.members.entry(steward.clone()).or_default().stewarded += 1;
        }
    }

    /// Lets time pass: everything that falls due before then happens in its turn.
    pub(super) fn pass_until(&mut self, then: Timestamp) {
        while let Some(due) = self.next_due().filter(|due| *due < then) {
            self.now = self.now.max(due.plus_ms(1));
            let before = self.records.len();
            self.settle();
            if self.records.len() == before {
                break;
            }
        }
        self.now = self.now.max(then);
    }

    fn next_due(&self) -> Option<Timestamp> {
        self.instance.as_deref().and_then(Instance::next_due)
    }

    fn settle(&mut self) {
        // The empty command is never refused for an instance that exists.
        let _refused = self.submit(&Command::settle());
    }
}
