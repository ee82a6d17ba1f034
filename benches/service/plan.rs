//! What the client is to send: for every instance of a data set the completions that will be
//! accepted one after the other. Knows no process and no wire.

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::Path;

use anyhow::{Context as _, Result};
use sanbang::model::actor::Actor;
use sanbang::model::command::{Action, Command, Complete};
use sanbang::model::event::Payload;
use sanbang::model::id::MemberId;
use sanbang::model::task::Task;
use sanbang::model::value::Value;
use serde::{Deserialize, Serialize};

use crate::world::{Project, World, command, is_human};

/// The completions of a data set.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// How many instances there are.
    pub(crate) instances: u32,
    /// What instance number `n` takes: `templates[n % templates.len()]`.
    pub(crate) templates: Vec<Vec<Step>>,
    /// When the data set was made, in milliseconds.
    pub(crate) made_at_ms: i64,
}

/// One completion.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Step {
    /// The member who completes it.
    pub(crate) actor: String,
    /// The task's number.
    pub(crate) task: u32,
    /// What it ends with, or empty.
    pub(crate) outcome: String,
    /// Its form.
    pub(crate) form: Vec<(String, serde_json::Value)>,
    /// The kinds of the events that it makes happen.
    pub(crate) kinds: Vec<String>,
}

impl Plan {
    /// The name of an instance. Names sort as numbers do.
    pub(crate) fn instance(number: u32) -> String {
        format!("project-{number:08}")
    }

    /// Every completion: the first ones of all instances in the order of chance, then the second
    /// ones in the same order, and so on. So the instances are met uniformly, and the steps of one
    /// instance are as far apart as there are instances.
    pub(crate) fn order(&self, seed: u64) -> impl Iterator<Item = (u32, usize)> + use<> {
        let mut instances: Vec<u32> = (0..self.instances).collect();
        fastrand::Rng::with_seed(seed).shuffle(&mut instances);
        let lengths: Vec<usize> = self.templates.iter().map(Vec::len).collect();
        let longest = lengths.iter().copied().max().unwrap_or(0);
        (0..longest).flat_map(move |step| {
            let (instances, lengths) = (instances.clone(), lengths.clone());
            let takes = move |it: &u32| step < lengths[*it as usize % lengths.len()];
            instances.into_iter().filter(takes).map(move |instance| (instance, step))
        })
    }

    pub(crate) fn read(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
        Ok(serde_json::from_reader(BufReader::new(file))?)
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        Ok(serde_json::to_writer(BufWriter::new(File::create(path)?), self)?)
    }
}

/// A completion, and the project that takes it.
pub(crate) struct Completion {
    pub(crate) before: Project,
    pub(crate) command: Command,
    pub(crate) step: Step,
}

/// The longest stream of completions that a project takes from where it stands, each by a member
/// who is known beforehand: a task that goes to whoever has least to do when it opens is left
/// alone, and so is one whose list is not checked.
pub(crate) fn completions_of(world: &World, mut project: Project) -> Result<Vec<Completion>> {
    let first: Vec<u32> = project.instance.open_tasks().map(|it| it.reference.number.0).collect();
    let mut completions = Vec::new();
    loop {
        let known = |task: &Task| {
            let (worker, certain) = world.worker(&project, task)?;
            (certain || first.contains(&task.reference.number.0)).then_some(worker)
        };
        let next = project.instance.open_tasks().find_map(|task| {
            let ready = is_human(task) && world.is_checked(task);
            let worker = known(task).filter(|_| ready)?;
            Some((worker, world.completion(&project, task)?))
        });
        let Some((worker, complete)) = next else { return Ok(completions) };
        project.records.clear();
        let before = project.clone();
        let action = Action::Complete(complete.clone());
        world.command(&mut project, &worker, action.clone())?;
        let step = step(&worker, complete, &project);
        let command = command(Actor::Member(worker), action);
        completions.push(Completion { before, command, step });
    }
}

fn step(worker: &MemberId, complete: Complete, project: &Project) -> Step {
    let events = project.records.last().into_iter().flat_map(|record| &record.events);
    let kind = |payload: &Payload| payload.kind().to_owned();
    Step {
        actor: worker.to_string(),
        task: complete.task.0,
        outcome: complete.outcome.map(|it| it.to_string()).unwrap_or_default(),
        form: complete.form.iter().map(|(id, value)| (id.to_string(), json(value))).collect(),
        kinds: events.map(|event| kind(&event.payload)).collect(),
    }
}

fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Text(text) => text.as_ref().into(),
        Value::Integer(number) => (*number).into(),
        Value::Boolean(yes) => (*yes).into(),
        Value::Decimal(number) => number.to_string().into(),
        Value::Date(date) => date.to_string().into(),
    }
}
