//! What people might want of an instance next: random commands, of every kind, apt more often than
//! not. Knows nothing of what becomes of them.

use std::collections::BTreeMap;

use sanbang::definition::compiled::{Field, FieldKind, TaskSpec, Workflow};
use sanbang::model::actor::Actor;
use sanbang::model::clock::{Clock, ClockNumber, Limit};
use sanbang::model::command::{self as m, Action, Command, Verdict};
use sanbang::model::id::{InstanceId, MemberId, ReasonCode, ServiceId, StageId};
use sanbang::model::instance::Instance;
use sanbang::model::link::{Direction, Link, Relation};
use sanbang::model::task::{Task, TaskNumber};
use sanbang::model::time::{Amount, Timestamp, Unit};
use sanbang::model::value::{Changes, Decimal, Value, Values};

use crate::random::Random;

/// Everybody in the house, and somebody whom nobody knows.
const PEOPLE: [&str; 11] = [
    "anna",
    "bo",
    "chen",
    "dora",
    "emil",
    "fay",
    "gus",
    "hal",
    "head_of_all",
    "director_of_all",
    "nobody_at_all",
];
/// Those who may do much.
const LEADERS: [&str; 4] = ["anna", "dora", "head_of_all", "director_of_all"];
const DAYS: [&str; 5] = ["2025-02-20", "2025-03-07", "2025-03-20", "2025-04-03", "2025-05-30"];

/// What a wish may refer to.
pub(crate) struct Scene<'a> {
    pub(crate) instance: &'a Instance,
    pub(crate) workflow: &'a Workflow,
    pub(crate) others: &'a [InstanceId],
    pub(crate) now: Timestamp,
}

/// What somebody wants next.
pub(crate) fn any(random: &mut Random, scene: &Scene<'_>) -> Command {
    let (actor, action) = match random.below(10) {
        0..=5 => about_task(random, scene),
        6 | 7 => about_time(random, scene),
        _ => about_whole(random, scene),
    };
    let force = one_in(random, 6).then(|| "it has to be".to_owned());
    let request = one_in(random, 8)
        .then(|| m::Request { key: random.below(12), digest: u64::from(one_in(random, 8)) });
    let stale = one_in(random, 20);
    let expected_revision = stale.then(|| scene.instance.revision.saturating_sub(random.below(2)));
    Command { actor, request, expected_revision, force, action }
}

fn one_in(random: &mut Random, of: u64) -> bool {
    random.below(of) == 0
}

/// Anybody.
pub(crate) fn member(random: &mut Random) -> MemberId {
    let name: &&str = random.pick(&PEOPLE);
    MemberId::trusted(name)
}

/// The one who may, mostly; anybody at times, or a program.
fn by(random: &mut Random, apt: Option<&MemberId>) -> Actor {
    let portal = || ServiceId::trusted("portal");
    match (random.below(12), apt) {
        (0, _) => Actor::Service { service: portal(), on_behalf_of: None },
        (1, _) => Actor::Member(member(random)),
        (2, Some(apt)) => Actor::Service { service: portal(), on_behalf_of: Some(apt.clone()) },
        (_, Some(apt)) => Actor::Member(apt.clone()),
        (_, None) => Actor::Member(member(random)),
    }
}

fn by_leader(random: &mut Random, instance: &Instance) -> Actor {
    let leader: &&str = random.pick(&LEADERS);
    let leader = MemberId::trusted(leader);
    let steward = instance.steward.as_ref().filter(|_| one_in(random, 2));
    by(random, Some(steward.unwrap_or(&leader)))
}

fn text(random: &mut Random) -> String {
    match random.below(30) {
        0 => String::new(),
        1 => "long ".repeat(2000),
        _ => "because".to_owned(),
    }
}

fn about_task(random: &mut Random, scene: &Scene<'_>) -> (Actor, Action) {
    let open: Vec<&Task> = scene.instance.open_tasks().collect();
    let all: Vec<&Task> = scene.instance.tasks().collect();
    let from = if one_in(random, 10) { all } else { open };
    if from.is_empty() {
        let task = TaskNumber(1);
        return (by(random, None), Action::Claim(m::Claim { task }));
    }
    let found = *random.pick(&from);
    let task = found.reference.number;
    let holder = found.holder.as_ref().map(|holder| &holder.member);
    let work = by(random, holder);
    let reason = text(random);
    let spec = scene.workflow.task(&found.reference);
    match random.below(20) {
        0..=3 => (work, Action::Complete(complete(random, found, spec))),
        4 => (by(random, None), Action::Claim(m::Claim { task })),
        5 => {
            let delegator = found.holder.as_ref().and_then(|it| it.delegated_by.as_ref());
            (by(random, delegator.or(holder)), Action::Release(m::Release { task, reason }))
        }
        6 | 7 => (work, Action::Delegate(m::Delegate { task, to: member(random), reason })),
        8 | 16 | 17 => (work, Action::Object(m::Object { task, reason })),
        9 | 18 => {
            let (verdict, comment) = (verdict(random), reason);
            let to = one_in(random, 3).then(|| member(random));
            let decide = m::DecideObjection { task, verdict, to, comment };
            (by_leader(random, scene.instance), Action::DecideObjection(decide))
        }
        10 | 19 => (work, Action::RequestSupplement(m::RequestSupplement { task, what: reason })),
        11 => (work, Action::Supply(m::Supply { task, what: reason })),
        12 => {
            let items = spec.map_or(&[][..], |spec| &spec.checklist);
            let item = items.first().map_or("nothing".into(), |item| item.id.clone());
            (work, Action::Check(m::Check { task, item, checked: !one_in(random, 4) }))
        }
        13 => {
            let redo = m::Redo { task, reason };
            (by_leader(random, scene.instance), Action::Redo(redo))
        }
        14 => (work, Action::Comment(m::Comment { task: Some(task), text: reason })),
        _ => {
            let task = Some(task).filter(|_| !one_in(random, 4));
            let to = one_in(random, 2).then(|| member(random));
            let delegation = one_in(random, 3);
            let reassign = m::Reassign { task, delegation, to, reason };
            (by_leader(random, scene.instance), Action::Reassign(reassign))
        }
    }
}

fn complete(random: &mut Random, task: &Task, spec: Option<&TaskSpec>) -> m::Complete {
    let outcomes = spec.map_or(&[][..], |spec| &spec.outcomes);
    let outcome = (!outcomes.is_empty()).then(|| random.pick(outcomes).clone());
    let mut form = Values::new();
    for field in spec.map_or(&[][..], |spec| &spec.form) {
        form.insert(field.id.clone(), any_value(random, field));
    }
    let (task, changes, comment) = (task.reference.number, BTreeMap::new(), text(random));
    m::Complete { task, outcome, form, changes, comment }
}

fn verdict(random: &mut Random) -> Verdict {
    if one_in(random, 2) { Verdict::Grant } else { Verdict::Refuse }
}

fn about_time(random: &mut Random, scene: &Scene<'_>) -> (Actor, Action) {
    let clocks: Vec<&Clock> = scene.instance.clocks().collect();
    let clock = if clocks.is_empty() { None } else { Some(*random.pick(&clocks)) };
    let number = clock.map_or(ClockNumber(1), |clock| clock.number);
    let open: Vec<&Task> = scene.instance.open_tasks().collect();
    let task = if open.is_empty() { None } else { Some(*random.pick(&open)) };
    let task = task.filter(|_| one_in(random, 2));
    let of = task.map_or(m::Limited::Clock(number), |task| m::Limited::Task(task.reference.number));
    let holder = task.and_then(|task| task.holder.as_ref()).map(|holder| &holder.member);
    let leader = by_leader(random, scene.instance);
    match random.below(12) {
        0..=3 => {
            let by_how_much = if one_in(random, 3) {
                Limit::Date(random.pick(&DAYS).parse().unwrap())
            } else {
                let unit = *random.pick(&[Unit::WorkingDays, Unit::CalendarDays, Unit::Hours]);
                let count = u32::try_from(1 + random.below(4)).unwrap();
                Limit::Amount(Amount { count, unit })
            };
            let reason = text(random);
            let actor = by(random, holder.or(scene.instance.steward.as_ref()));
            let asked = m::RequestExtension { of, by: by_how_much, reason };
            (actor, Action::RequestExtension(asked))
        }
        4..=6 => {
            let (verdict, comment) = (verdict(random), text(random));
            (leader, Action::DecideExtension(m::DecideExtension { of, verdict, comment }))
        }
        7 | 8 => {
            let told = clock.and_then(|clock| clock.fired.last());
            let told = told.and_then(|fired| fired.notified.first());
            let recovery_plan = one_in(random, 2).then(|| "two more people".to_owned());
            let (comment, promised) = (text(random), None);
            let clock = number;
            let acknowledge = m::Acknowledge { clock, comment, recovery_plan, promised };
            (by(random, told), Action::Acknowledge(acknowledge))
        }
        9 => {
            let (reason, expected_resume, proposed_by) = (text(random), None, None);
            (leader, Action::Suspend(m::Suspend { reason, expected_resume, proposed_by }))
        }
        _ => (leader, Action::Resume),
    }
}

fn about_whole(random: &mut Random, scene: &Scene<'_>) -> (Actor, Action) {
    let (instance, workflow) = (scene.instance, scene.workflow);
    let leader = by_leader(random, instance);
    let action = match random.below(15) {
        0..=2 => {
            let open: Vec<StageId> = instance.open_stages().map(|it| it.stage.clone()).collect();
            let stage = (!open.is_empty()).then(|| random.pick(&open).clone());
            Action::Advance(m::Advance { stage, target: None, comment: String::new() })
        }
        3 => {
            let target = random.pick(&workflow.stages).id.clone();
            Action::Return(m::Return { target, reason: text(random), proposed_by: None })
        }
        4 => {
            let stage = random.pick(&workflow.stages).id.clone();
            Action::OpenStage(m::OpenStage { stage, comment: String::new() })
        }
        5 | 6 => Action::UpdateFields(m::UpdateFields { changes: changes(random, workflow) }),
        7 | 8 => Action::LogActivity(log(random, scene)),
        9 => {
            let count = usize::try_from(random.below(4)).unwrap();
            let backups = (0..count).map(|_| member(random)).collect();
            Action::SetBackups(m::SetBackups { backups, reason: text(random) })
        }
        10 | 11 => {
            let relation = *random.pick(&Relation::ALL);
            let to = random.pick(scene.others).clone();
            let tasks = workflow.stages.iter().flat_map(|stage| &stage.tasks);
            let tasks: Vec<_> = tasks.map(|task| task.id.clone()).collect();
            let blocked = relation == Relation::Blocks && one_in(random, 2);
            let task = blocked.then(|| random.pick(&tasks).clone());
            Action::Link(m::Link { relation, to, task })
        }
        12 => unlink(random, scene),
        13 => {
            let (reason, steward) = (text(random), one_in(random, 3).then(|| member(random)));
            Action::Revive(m::Revive { reason, changes: Changes::new(), steward })
        }
        _ if one_in(random, 3) => {
            let rule = workflow.may_terminate.first().map(|rule| rule.code.clone());
            let reason_code = rule.unwrap_or_else(|| ReasonCode::trusted("duplicate"));
            let duplicate_of = one_in(random, 2).then(|| random.pick(scene.others).clone());
            let (comment, proposed_by) = (String::new(), None);
            Action::Terminate(m::Terminate { reason_code, comment, proposed_by, duplicate_of })
        }
        _ => Action::Comment(m::Comment { task: None, text: text(random) }),
    };
    (leader, action)
}

fn unlink(random: &mut Random, scene: &Scene<'_>) -> Action {
    let links = scene.instance.relations.links.iter();
    let own: Vec<&Link> = links.filter(|link| link.direction == Direction::Outward).collect();
    let reason = text(random);
    if own.is_empty() {
        let (relation, to) = (Relation::Blocks, random.pick(scene.others).clone());
        return Action::Unlink(m::Unlink { relation, to, task: None, reason });
    }
    let Link { relation, other, task, .. } = (*random.pick(&own)).clone();
    Action::Unlink(m::Unlink { relation, to: other, task, reason })
}

fn changes(random: &mut Random, workflow: &Workflow) -> Changes {
    let field = random.pick(&workflow.fields);
    let value = (!one_in(random, 4)).then(|| any_value(random, field));
    BTreeMap::from([(field.id.clone(), value)])
}

/// Values for all that has to be filled, and some of the rest.
pub(crate) fn filled(random: &mut Random, fields: &[Field]) -> Values {
    let mut values = Values::new();
    for field in fields {
        if field.required || one_in(random, 2) {
            values.insert(field.id.clone(), any_value(random, field));
        }
    }
    values
}

fn any_value(random: &mut Random, field: &Field) -> Value {
    match &field.kind {
        FieldKind::Text => Value::Text((*random.pick(&["Works", "Mill", ""])).into()),
        FieldKind::Integer => Value::Integer(i64::try_from(random.below(3)).unwrap() * 50),
        FieldKind::Decimal => Value::Decimal(Decimal::from(*random.pick(&[0, 1000, 99_999, -1]))),
        FieldKind::Boolean => Value::Boolean(one_in(random, 2)),
        FieldKind::Date => Value::Date(random.pick(&DAYS).parse().unwrap()),
        FieldKind::Choice(words) => Value::Text(random.pick(words).clone()),
    }
}

fn log(random: &mut Random, scene: &Scene<'_>) -> m::LogActivity {
    let Some(kind) = scene.workflow.activities.first() else {
        let activity = sanbang::model::id::ActivityId::trusted("contact");
        let (fields, starts) = (Values::new(), Vec::new());
        return m::LogActivity { activity, occurred_at: None, fields, starts };
    };
    let ago = i64::try_from(random.below(5 * 24)).unwrap() * 3_600_000;
    let occurred_at = one_in(random, 2).then(|| scene.now.plus_ms(-ago));
    let fields = filled(random, &kind.fields);
    let mut starts = Vec::new();
    for workflow in &kind.may_start {
        if one_in(random, 2) {
            let text = |text: &str| Value::Text(text.into());
            let pairs: &[(&str, &str)] = match workflow.as_str() {
                "licence" => &[("holder", "Works"), ("subject", "noise")],
                _ => &[("owner", "Works")],
            };
            let fields = pairs
                .iter()
                .map(|(id, value)| (sanbang::model::id::FieldId::trusted(id), text(value)));
            let id = one_in(random, 3).then(|| random.pick(scene.others).clone());
            let (fields, workflow) = (fields.collect(), workflow.clone());
            starts.push(m::Begin { workflow, fields, steward: None, id });
        }
    }
    m::LogActivity { activity: kind.id.clone(), occurred_at, fields, starts }
}
