//! From a step to what it does: its one verb, its actor, its command.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::definition::compiled::{Field, FieldKind};
use crate::engine::Rejection;
use crate::model::clock::Limit;
use crate::model::command as m;
use crate::model::command::{Action, Verdict};
use crate::model::id::{ActivityId, FieldId, InstanceId, MemberId, Outcome, ReasonCode, StageId};
use crate::model::task::{Task, TaskKind};
use crate::model::value::{Changes, Decimal, Value, Values};

use super::authored::{CompleteAll, Create, Step};
use super::run::{command, date, instant, workflow_id};
use super::verbs::Args;
use super::world::World;

/// Rounds of completing tasks that open one another.
const COMPLETE_ALL_ROUNDS_MAX: usize = 200;

type Judged = Result<Result<(), Rejection>, String>;

/// Does what the step says. The outer error is a mistake in the spec itself.
pub(super) fn perform(world: &mut World<'_>, step: &Step) -> Judged {
    super::verbs::only_verb(step)?;
    if let Some(wait) = &step.wait {
        return Args::of("wait", wait).map(|_| Ok(()));
    }
    if let Some(all) = &step.complete_all {
        return complete_all(world, step, all);
    }
    if let Some(create) = &step.create {
        return begin(world, step, create);
    }
    if let Some(other) = &step.other {
        let command = super::others::tells(world, &Args::of("other", other)?)?;
        return Ok(world.submit(&command));
    }
    let (action, task) = match about_stages(world, step)? {
        Some(action) => (action, None),
        None => about_tasks(world, step)?.ok_or("the step says nothing to do")?,
    };
    let actor = match (&step.by, &task) {
        (Some(by), _) => world.actor(by)?,
        (None, Some(task)) => world.worker(task)?,
        (None, None) => world.steward()?,
    };
    Ok(world.submit(&command(actor, step, action)))
}

fn begin(world: &mut World<'_>, step: &Step, create: &Create) -> Judged {
    let by = step.by.as_deref().ok_or("say `by`: who creates it")?;
    let fields = values(&world.workflow.fields, &create.fields)?;
    let keyed = crate::engine::keyed_id(world.workflow, &fields);
    let action = Action::Create(m::Create {
        id: keyed.unwrap_or(InstanceId::trusted("project")),
        workflow: workflow_id(world),
        fields,
        steward: create.steward.as_deref().map(MemberId::trusted),
        origin: create.spawned_from.as_deref().map(super::others::origin),
    });
    let actor = world.actor(by)?;
    Ok(world.submit(&command(actor, step, action)))
}

fn about_stages(world: &World<'_>, step: &Step) -> Result<Option<Action>, String> {
    let stage = |name: &str| StageId::trusted(name);
    let action = if let Some(advance) = &step.advance {
        let args = Args::of("advance", advance)?;
        Action::Advance(m::Advance {
            stage: args.text("stage").map(stage),
            target: args.text("target").map(stage),
            comment: args.words("comment"),
        })
    } else if let Some(back) = &step.return_to {
        let args = Args::of("return", back)?;
        Action::Return(m::Return {
            target: stage(args.needed("to")?),
            reason: args.words("reason"),
            proposed_by: args.text("proposed_by").map(MemberId::trusted),
        })
    } else if let Some(suspend) = &step.suspend {
        let args = Args::of("suspend", suspend)?;
        Action::Suspend(m::Suspend {
            reason: args.words("reason"),
            expected_resume: args.text("expected_resume").map(date).transpose()?,
            proposed_by: args.text("proposed_by").map(MemberId::trusted),
        })
    } else if let Some(resume) = &step.resume {
        Args::of("resume", resume)?;
        Action::Resume
    } else if let Some(terminate) = &step.terminate {
        let args = Args::of("terminate", terminate)?;
        Action::Terminate(m::Terminate {
            reason_code: ReasonCode::trusted(args.needed("reason")?),
            comment: args.words("comment"),
            proposed_by: args.text("proposed_by").map(MemberId::trusted),
            duplicate_of: args.text("duplicate_of").map(InstanceId::trusted),
        })
    } else if let Some(open) = &step.open {
        Action::OpenStage(m::OpenStage { stage: stage(open), comment: String::new() })
    } else if let Some(update) = &step.update {
        let changes = changes(&world.workflow.fields, update)?;
        Action::UpdateFields(m::UpdateFields { changes })
    } else if let Some(log) = &step.log {
        Action::LogActivity(activity(world, &Args::of("log", log)?)?)
    } else if let Some(link) = &step.link {
        Action::Link(super::others::link(&Args::of("link", link)?)?)
    } else if let Some(unlink) = &step.unlink {
        Action::Unlink(super::others::unlink(&Args::of("unlink", unlink)?)?)
    } else if let Some(revive) = &step.revive {
        let args = Args::of("revive", revive)?;
        Action::Revive(m::Revive {
            reason: args.words("reason"),
            changes: changes(&world.workflow.fields, &args.map("fields"))?,
            steward: args.text("steward").map(MemberId::trusted),
        })
    } else if let Some(set) = &step.set_backups {
        Action::SetBackups(backups(set)?)
    } else if let Some(acknowledge) = &step.acknowledge {
        Action::Acknowledge(acknowledgement(world, &Args::of("acknowledge", acknowledge)?)?)
    } else {
        return Ok(None);
    };
    Ok(Some(action))
}

fn activity(world: &World<'_>, args: &Args<'_>) -> Result<m::LogActivity, String> {
    let name = args.needed("activity")?;
    let kind = world.workflow.activity(name);
    let fields = kind.map_or(&[][..], |kind| &kind.fields);
    Ok(m::LogActivity {
        activity: ActivityId::trusted(name),
        occurred_at: args.text("occurred_at").map(|at| instant(at, world.calendar)).transpose()?,
        fields: values(fields, &args.map("fields"))?,
        starts: super::others::starts(world, args)?,
    })
}

fn backups(set: &Json) -> Result<m::SetBackups, String> {
    let listed = serde_json::json!({ "to": set });
    let args = Args::of("set_backups", if set.is_array() { &listed } else { set })?;
    let names = args.texts("to")?.ok_or("`set_backups` needs a list of members")?;
    let backups = names.into_iter().map(MemberId::trusted).collect();
    Ok(m::SetBackups { backups, reason: args.words("reason") })
}

fn acknowledgement(world: &World<'_>, args: &Args<'_>) -> Result<m::Acknowledge, String> {
    let name = args.needed("clock")?;
    let clock = super::expect::clock(world, name).ok_or(format!("no clock `{name}` runs"))?;
    Ok(m::Acknowledge {
        clock: clock.number,
        comment: args.words("comment"),
        recovery_plan: args.text("recovery_plan").map(str::to_owned),
        promised: args.text("promised").map(date).transpose()?,
    })
}

/// Commands about a task, with the task by whose holder they are given unless the step says `by`.
fn about_tasks(world: &World<'_>, step: &Step) -> Result<Option<(Action, Option<Task>)>, String> {
    let verbs = [
        ("complete", &step.complete),
        ("check", &step.check),
        ("claim", &step.claim),
        ("release", &step.release),
        ("delegate", &step.delegate),
        ("object", &step.object),
        ("uphold_objection", &step.uphold_objection),
        ("refuse_objection", &step.refuse_objection),
        ("request_supplement", &step.request_supplement),
        ("supply", &step.supply),
        ("request_extension", &step.request_extension),
        ("grant_extension", &step.grant_extension),
        ("refuse_extension", &step.refuse_extension),
        ("redo", &step.redo),
        ("reassign", &step.reassign),
        ("comment", &step.comment),
    ];
    let found = verbs.into_iter().find_map(|(verb, value)| value.as_ref().map(|it| (verb, it)));
    let Some((verb, value)) = found else { return Ok(None) };
    let args = Args::of(verb, value)?;
    let task = match args.text("task") {
        Some(name) => Some(named_task(world, name, args.text("each"), verb == "redo")?),
        None => None,
    };
    let action = task_action(world, verb, &args, task.as_ref())?;
    let by_worker = matches!(
        verb,
        "complete"
            | "check"
            | "claim"
            | "release"
            | "delegate"
            | "object"
            | "request_supplement"
            | "supply"
            | "request_extension"
            | "comment"
    );
    Ok(Some((action, task.filter(|_| by_worker))))
}

fn task_action(
    world: &World<'_>,
    verb: &str,
    args: &Args<'_>,
    task: Option<&Task>,
) -> Result<Action, String> {
    let number = task.map(|task| task.reference.number);
    if let "request_extension" | "grant_extension" | "refuse_extension" = verb {
        return extension(world, verb, args, task);
    }
    let needed = number.ok_or_else(|| format!("`{verb}` needs a task"));
    let to = || args.needed("to").map(MemberId::trusted);
    let decide = |task, verdict| {
        let to = args.text("to").map(MemberId::trusted);
        let comment = args.words("comment");
        Action::DecideObjection(m::DecideObjection { task, verdict, to, comment })
    };
    Ok(match verb {
        "complete" => Action::Complete(completion(world, args, task)?),
        "check" => Action::Check(m::Check {
            task: needed?,
            item: args.needed("item")?.into(),
            checked: args.flag("checked").unwrap_or(true),
        }),
        "claim" => Action::Claim(m::Claim { task: needed? }),
        "release" => Action::Release(m::Release { task: needed?, reason: args.words("reason") }),
        "delegate" => {
            Action::Delegate(m::Delegate { task: needed?, to: to()?, reason: args.words("reason") })
        }
        "object" => Action::Object(m::Object { task: needed?, reason: args.words("reason") }),
        "uphold_objection" => decide(needed?, Verdict::Grant),
        "refuse_objection" => decide(needed?, Verdict::Refuse),
        "request_supplement" => Action::RequestSupplement(m::RequestSupplement {
            task: needed?,
            what: args.words("what"),
        }),
        "supply" => Action::Supply(m::Supply { task: needed?, what: args.words("what") }),
        "redo" => Action::Redo(m::Redo { task: needed?, reason: args.words("reason") }),
        "reassign" => Action::Reassign(m::Reassign {
            task: number,
            delegation: false,
            to: args.text("to").map(MemberId::trusted),
            reason: args.words("reason"),
        }),
        _ => Action::Comment(m::Comment { task: number, text: args.words("text") }),
    })
}

/// More time for a task, or for whatever a clock measures.
fn extension(
    world: &World<'_>,
    verb: &str,
    args: &Args<'_>,
    task: Option<&Task>,
) -> Result<Action, String> {
    let of = match (task, args.text("clock")) {
        (Some(task), _) => m::Limited::Task(task.reference.number),
        (None, Some(name)) => {
            let clock = super::expect::clock(world, name);
            m::Limited::Clock(clock.ok_or(format!("no clock `{name}` runs"))?.number)
        }
        (None, None) => return Err(format!("`{verb}` needs a task or a clock")),
    };
    let verdict = match verb {
        "request_extension" => {
            return Ok(Action::RequestExtension(m::RequestExtension {
                of,
                by: limit(args.needed("by")?)?,
                reason: args.words("reason"),
            }));
        }
        "grant_extension" => Verdict::Grant,
        _ => Verdict::Refuse,
    };
    let comment = args.words("comment");
    Ok(Action::DecideExtension(m::DecideExtension { of, verdict, comment }))
}

fn completion(
    world: &World<'_>,
    args: &Args<'_>,
    task: Option<&Task>,
) -> Result<m::Complete, String> {
    let task = task.ok_or("`complete` needs a task")?;
    let spec = world.workflow.task(&task.reference);
    let form = spec.map_or(&[][..], |spec| &spec.form);
    Ok(m::Complete {
        task: task.reference.number,
        outcome: args.text("outcome").map(Outcome::trusted),
        form: values(form, &args.map("form"))?,
        changes: changes(&world.workflow.fields, &args.map("fields"))?,
        comment: args.words("comment"),
    })
}

/// The latest task of a name; an open one, or for a redo a done one.
pub(super) fn named_task(
    world: &World<'_>,
    name: &str,
    each: Option<&str>,
    done: bool,
) -> Result<Task, String> {
    let (name, each) = super::expect::split_each(name, each);
    let tasks = world.instance.iter().flat_map(|instance| instance.tasks().rev());
    let mut matching = tasks.filter(|task| {
        task.reference.id.as_str() == name
            && each.is_none_or(|each| task.reference.each.as_deref() == Some(each))
    });
    let found = if done {
        matching.find(|task| !task.is_open())
    } else {
        let all: Vec<&Task> = matching.collect();
        all.iter().rev().find(|task| task.is_open()).or(all.first()).copied()
    };
    found.cloned().ok_or_else(|| format!("there is no task `{name}` in an open stage"))
}

fn complete_all(world: &mut World<'_>, step: &Step, all: &CompleteAll) -> Judged {
    for name in all.except.iter().chain(all.outcomes.keys()).chain(all.forms.keys()) {
        super::known::task(world.workflow, name)?;
    }
    if !all.fields.is_empty() {
        let changes = changes(&world.workflow.fields, &all.fields)?;
        let action = Action::UpdateFields(m::UpdateFields { changes });
        let actor = world.steward()?;
        if let Err(rejection) = world.submit(&command(actor, step, action)) {
            return Ok(Err(rejection));
        }
    }
    for _ in 0..COMPLETE_ALL_ROUNDS_MAX {
        let Some(task) = next_open(world, all) else { return Ok(Ok(())) };
        if let Err(rejection) = complete_one(world, step, all, &task)? {
            return Ok(Err(rejection));
        }
    }
    Err("the tasks do not come to an end".to_owned())
}

fn next_open(world: &World<'_>, all: &CompleteAll) -> Option<Task> {
    let excepted = |task: &Task| all.except.iter().any(|name| name == task.reference.id.as_str());
    let mut tasks = world.instance.as_ref()?.open_tasks();
    tasks.find(|task| task.kind == TaskKind::Human && !excepted(task)).cloned()
}

fn complete_one(world: &mut World<'_>, step: &Step, all: &CompleteAll, task: &Task) -> Judged {
    let name = task.reference.id.as_str();
    let spec = world.workflow.task(&task.reference);
    let spec = spec.ok_or_else(|| format!("the workflow has no task `{name}`"))?;
    let actor = world.worker(task)?;
    for item in &spec.checklist {
        let (task, item) = (task.reference.number, item.id.clone());
        let action = Action::Check(m::Check { task, item, checked: true });
        if let Err(rejection) = world.submit(&command(actor.clone(), step, action)) {
            return Ok(Err(rejection));
        }
    }
    let outcome = match all.outcomes.get(name) {
        Some(outcome) => Some(Outcome::trusted(outcome)),
        None => spec.outcomes.first().cloned(),
    };
    let form = all.forms.get(name).cloned().unwrap_or_default();
    let action = Action::Complete(m::Complete {
        task: task.reference.number,
        outcome,
        form: values(&spec.form, &form)?,
        changes: Changes::new(),
        comment: String::new(),
    });
    Ok(world.submit(&command(actor, step, action)))
}

fn limit(text: &str) -> Result<Limit, String> {
    match text.parse() {
        Ok(amount) => Ok(Limit::Amount(amount)),
        Err(wrong) => date(text).map(Limit::Date).map_err(|_| format!("`{text}`: {wrong}")),
    }
}

/// Values as the fields declare them; a value of an unknown field passes as a text, for the engine
/// to refuse.
pub(super) fn values(fields: &[Field], written: &BTreeMap<String, Json>) -> Result<Values, String> {
    let each = written
        .iter()
        .map(|(name, value)| Ok((FieldId::trusted(name), typed(fields, name, value)?)));
    each.collect()
}

fn changes(fields: &[Field], written: &BTreeMap<String, Json>) -> Result<Changes, String> {
    let each = written.iter().map(|(name, value)| {
        let value = match value {
            Json::Null => None,
            value => Some(typed(fields, name, value)?),
        };
        Ok((FieldId::trusted(name), value))
    });
    each.collect()
}

pub(super) fn typed(fields: &[Field], name: &str, value: &Json) -> Result<Value, String> {
    let kind = fields.iter().find(|field| field.id.as_str() == name).map(|field| &field.kind);
    let wrong = || format!("`{name}`: `{value}` does not fit");
    Ok(match (kind, value) {
        (Some(FieldKind::Date), Json::String(text)) => Value::Date(date(text)?),
        (Some(FieldKind::Decimal), Json::Number(number)) => {
            Value::Decimal(number.to_string().parse::<Decimal>().map_err(|_| wrong())?)
        }
        (Some(FieldKind::Decimal), Json::String(text)) => {
            Value::Decimal(text.parse::<Decimal>().map_err(|_| wrong())?)
        }
        (_, Json::Number(number)) => Value::Integer(number.as_i64().ok_or_else(wrong)?),
        (_, Json::Bool(yes)) => Value::Boolean(*yes),
        (_, Json::String(text)) => Value::Text(text.as_str().into()),
        (_, Json::Null | Json::Array(_) | Json::Object(_)) => return Err(wrong()),
    })
}
