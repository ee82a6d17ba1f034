//! Other instances in a spec: nobody runs them. What they are asked they do at once; what they
//! have to tell, the spec says.

use serde_json::Value as Json;

use crate::engine;
use crate::model::actor::Actor;
use crate::model::command::{Action, Begin, Command, Confirm, Hear, Link, Origin, Unlink};
use crate::model::event::Payload;
use crate::model::id::{InstanceId, MemberId, Outcome, TaskId, WorkflowId};
use crate::model::instance::{Instance, Status};
use crate::model::link::{Direction, Effect, EffectNumber, Ending, Note, Relation, Wish};

use super::command::{named_task, values};
use super::verbs::Args;
use super::world::World;

/// What may be said of a relation that is expected.
pub(super) const LINK_KEYS: [&str; 5] = ["relation", "to", "from", "task", "ends_with"];

/// Where a spec does not name the other instance.
const OTHER: &str = "other";

/// The instance because of which one begins.
pub(super) fn origin(instance: &str) -> Origin {
    let (instance, relation) = (InstanceId::trusted(instance), Relation::SpawnedFrom);
    Origin { instance, relation, task: None, task_number: None }
}

/// What begins because of an activity.
pub(super) fn starts(world: &World<'_>, args: &Args<'_>) -> Result<Vec<Begin>, String> {
    let begin = |item: &Json| {
        let args = Args::of("starts", item)?;
        let name = args.needed("workflow")?;
        let fields = world.active(name).map_or(&[][..], |workflow| &workflow.fields);
        Ok(Begin {
            workflow: WorkflowId::trusted(name),
            fields: values(fields, &args.map("fields"))?,
            steward: args.text("steward").map(MemberId::trusted),
            id: args.text("id").map(InstanceId::trusted),
        })
    };
    args.list("starts").unwrap_or_default().into_iter().map(begin).collect()
}

/// A relation to another instance.
pub(super) fn link(args: &Args<'_>) -> Result<Link, String> {
    Ok(Link {
        relation: relation(args)?,
        to: InstanceId::trusted(args.needed("to")?),
        task: args.text("task").map(TaskId::trusted),
    })
}

/// The end of a relation to another instance.
pub(super) fn unlink(args: &Args<'_>) -> Result<Unlink, String> {
    let Link { relation, to, task } = link(args)?;
    Ok(Unlink { relation, to, task, reason: args.words("reason") })
}

fn relation(args: &Args<'_>) -> Result<Relation, String> {
    let word = args.needed("relation")?;
    Relation::parse(word).ok_or_else(|| format!("`{word}` is no relation"))
}

/// What another instance tells.
pub(super) fn tells(world: &World<'_>, args: &Args<'_>) -> Result<Command, String> {
    let (from, note) = if let Some(task) = args.text("called_by") {
        called(world, args, task)?
    } else {
        let from = args.text("instance").unwrap_or(OTHER);
        (InstanceId::trusted(from), note(world, args)?)
    };
    let actor = Actor::Instance(from.clone());
    let action = Action::Hear(Hear { from, note });
    Ok(Command { actor, request: None, expected_revision: None, force: None, action })
}

fn note(world: &World<'_>, args: &Args<'_>) -> Result<Note, String> {
    let relation = relation(args)?;
    let task = args.text("task").map(TaskId::trusted);
    if args.flag("unlinked") == Some(true) {
        return Ok(Note::Unlinked { relation, task, reason: args.words("reason") });
    }
    Ok(match args.text("ends_with") {
        Some(outcome) => {
            let (task_number, end) = (None, ending(world, args, outcome));
            Note::Ended { relation, task, task_number, end }
        }
        None => Note::Linked { relation, task },
    })
}

/// An instance that was called has ended.
fn called(world: &World<'_>, args: &Args<'_>, name: &str) -> Result<(InstanceId, Note), String> {
    let task = named_task(world, name, args.text("each"), false)?.reference;
    let outcome = args.needed("ends_with")?;
    let links = world.instance.iter().flat_map(|instance| &instance.relations.links);
    let mut links = links.filter(|link| link.task_number == Some(task.number));
    let link = links.next().ok_or_else(|| format!("`{name}` has called nobody"))?;
    let note = Note::Ended {
        relation: Relation::SpawnedFrom,
        task: Some(task.id),
        task_number: Some(task.number),
        end: ending(world, args, outcome),
    };
    Ok((link.other.clone(), note))
}

/// `none` is the outcome of a workflow that has none.
fn ending(world: &World<'_>, args: &Args<'_>, outcome: &str) -> Ending {
    let given_up = args.flag("given_up") == Some(true);
    let status = if given_up { Status::Terminated } else { Status::Completed };
    let outcome = (outcome != "none").then(|| Outcome::trusted(outcome));
    Ending { status, outcome, at: world.now }
}

/// The confirmations of what is pending, in order: others do at once what they are asked.
pub(super) fn confirmations(instance: &Instance) -> Vec<Command> {
    let pending = instance.relations.effects.iter().filter(|effect| effect.tries > 0);
    let confirm = |effect: EffectNumber| engine::confirmation(Confirm { effect, refused: None });
    pending.map(|effect| confirm(effect.number)).collect()
}

/// Whether an event asks of another instance what a spec expects.
pub(super) fn is_asked(payload: &Payload, expected: &Json) -> bool {
    let (Payload::EffectAsked { effect }, Json::Object(expected)) = (payload, expected) else {
        return false;
    };
    expected.iter().all(|(key, value)| match (key.as_str(), &effect.wish, value) {
        ("fields", Wish::Start(start), Json::Object(fields)) => {
            fields.iter().all(|(name, value)| {
                let actual = start.fields.get(name.as_str());
                actual.map(ToString::to_string) == plain(value)
            })
        }
        (key, _, value) => told(effect, key) == plain(value),
    })
}

fn plain(value: &Json) -> Option<String> {
    match value {
        Json::Null => None,
        Json::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn told(effect: &Effect, key: &str) -> Option<String> {
    let task_of = |task: &Option<TaskId>| task.as_ref().map(ToString::to_string);
    match (key, &effect.wish) {
        ("start", Wish::Start(start)) => Some(start.workflow.to_string()),
        ("id", Wish::Start(_)) | ("tell", Wish::Note(_)) => Some(effect.target.to_string()),
        ("steward", Wish::Start(start)) => start.steward.as_ref().map(ToString::to_string),
        ("task", Wish::Start(start)) => task_of(&start.task),
        ("relation", Wish::Start(start)) => Some(start.relation.to_string()),
        (
            "task",
            Wish::Note(
                Note::Linked { task, .. } | Note::Unlinked { task, .. } | Note::Ended { task, .. },
            ),
        ) => task_of(task),
        (
            "relation",
            Wish::Note(
                Note::Linked { relation, .. }
                | Note::Unlinked { relation, .. }
                | Note::Ended { relation, .. },
            ),
        ) => Some(relation.to_string()),
        ("ends_with", Wish::Note(Note::Ended { end, .. })) => Some(outcome(end)),
        _ => Some(format!("(an effect has no `{key}`)")),
    }
}

fn outcome(end: &Ending) -> String {
    end.outcome.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string)
}

/// The relations of an instance as a spec writes them, in order.
pub(super) fn links_of(instance: &Instance) -> Vec<String> {
    let said = |link: &crate::model::link::Link| {
        let way = match link.direction {
            Direction::Outward => "to",
            Direction::Inward => "from",
        };
        let task = link.task.as_ref().map(|task| format!(", task: {task}"));
        let end = link.end.as_ref().map(|end| format!(", ends_with: {}", outcome(end)));
        let (task, end) = (task.unwrap_or_default(), end.unwrap_or_default());
        format!("relation: {}, {way}: {}{task}{end}", link.relation, link.other)
    };
    instance.relations.links.iter().map(said).collect()
}

/// A relation that a spec expects, written like the others.
pub(super) fn link_text(expected: &Json) -> String {
    let part = |key: &&str| Some(format!("{key}: {}", plain(expected.get(*key)?)?));
    LINK_KEYS.iter().filter_map(part).collect::<Vec<_>>().join(", ")
}
