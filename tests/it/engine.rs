//! Properties of the engine, on seeded stories over a workflow that uses everything.
//!
//! A failing story prints its seed: `SANBANG_SEED=<seed> cargo test --test it engine` repeats it
//! alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use sanbang::calendar::Calendar;
use sanbang::definition::compiled::{Policy, Step};
use sanbang::engine::{self, Context, Outcome};
use sanbang::model::actor::Actor;
use sanbang::model::clock::{Clock, Limit};
use sanbang::model::command::{self as m, Action, Command, Verdict};
use sanbang::model::escalation::Firing;
use sanbang::model::event::{Payload, Record};
use sanbang::model::id::{
    ActivityId, FieldId, InstanceId, MemberId, ReasonCode, StageId, WorkflowId,
};
use sanbang::model::instance::{Instance, StageState};
use sanbang::model::organization::Loads;
use sanbang::model::roster::Absence;
use sanbang::model::task::{Task, TaskNumber};
use sanbang::model::time::{Amount, Timestamp, Unit};
use sanbang::model::value::{Decimal, Value, Values};

use crate::random::Random;
use crate::specs::House;
use crate::wishes;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// An instance and everything that happened to it.
pub(crate) struct World<'a> {
    house: &'a House,
    workflow: &'a str,
    pub(crate) calendar: Calendar,
    always_on: Calendar,
    loads: Loads,
    pub(crate) instance: Option<Arc<Instance>>,
    pub(crate) records: Vec<Record>,
}

impl<'a> World<'a> {
    fn new(house: &'a House) -> Self {
        Self::of(house, "house")
    }

    pub(crate) fn of(house: &'a House, workflow: &'a str) -> Self {
        let calendar = house.calendars[0].clone();
        let always_on = calendar.always_on();
        let loads = Loads::default();
        Self { house, workflow, calendar, always_on, loads, instance: None, records: Vec::new() }
    }

    pub(crate) fn context(&self, now: Timestamp) -> Context<'_> {
        let mut workflows = self.house.workflows.iter();
        let workflow = workflows.find(|workflow| workflow.id.as_str() == self.workflow);
        let workflow = workflow.expect("the house has the workflow");
        Context {
            workflow,
            workflows: &**workflow,
            organization: &self.house.organization,
            calendar: &self.calendar,
            always_on: &self.always_on,
            loads: &self.loads,
            now,
        }
    }

    /// Decides and takes over; the code of a refusal, if it was one.
    pub(crate) fn submit(&mut self, now: Timestamp, command: &Command) -> Option<&'static str> {
        let decision = engine::decide(&self.context(now), self.instance.as_ref(), command);
        let again = engine::decide(&self.context(now), self.instance.as_ref(), command);
        let records: Vec<Record> = decision.records().cloned().collect();
        let records_again: Vec<Record> = again.records().cloned().collect();
        assert_eq!(records, records_again, "the same arguments give the same decision");
        for record in &records {
            engine::apply_record(&mut self.instance, record);
        }
        assert_eq!(self.instance, decision.after, "what is applied is what was decided on");
        self.records.extend(records);
        match decision.outcome {
            Outcome::Refused(rejection) => Some(rejection.code()),
            Outcome::Accepted(_) | Outcome::Repeated { .. } | Outcome::Nothing => None,
        }
    }

    pub(crate) fn settle(&mut self, now: Timestamp) {
        assert_eq!(self.submit(now, &Command::settle()), None);
    }

    /// Settles everything in its turn, as a timer that is never late.
    fn settle_in_time(&mut self, now: Timestamp) {
        while let Some(due) = self.next_due().filter(|due| *due < now) {
            let before = self.records.len();
            self.settle(due.plus_ms(1));
            assert!(self.records.len() > before, "what is due at {due} happens");
        }
    }

    fn next_due(&self) -> Option<Timestamp> {
        self.instance.as_deref().and_then(Instance::next_due)
    }

    pub(crate) fn kinds(&self) -> Vec<&'static str> {
        let events = self.records.iter().flat_map(|record| &record.events);
        events.map(|event| event.payload.kind()).collect()
    }

    pub(crate) fn payloads(&self) -> impl Iterator<Item = &Payload> {
        let events = self.records.iter().flat_map(|record| &record.events);
        events.map(|event| &event.payload)
    }
}

pub(crate) fn at(text: &str) -> Timestamp {
    let instant: jiff::Timestamp = format!("{text}:00+08:00").parse().expect("a time");
    Timestamp(instant.as_millisecond())
}

pub(crate) fn command(actor: &str, action: Action) -> Command {
    let actor = Actor::Member(MemberId::trusted(actor));
    Command { actor, request: None, expected_revision: None, force: None, action }
}

fn create() -> Command {
    let text = |text: &str| Value::Text(text.into());
    let fields = BTreeMap::from([
        (FieldId::trusted("name"), text("First")),
        (FieldId::trusted("kind"), text("small")),
        (FieldId::trusted("size"), Value::Integer(1)),
    ]);
    create_in("house", fields)
}

/// The first instance of a workflow, with bo as its steward.
pub(crate) fn create_in(workflow: &str, fields: Values) -> Command {
    let action = Action::Create(m::Create {
        id: InstanceId::trusted("first"),
        workflow: WorkflowId::trusted(workflow),
        fields,
        steward: Some(MemberId::trusted("bo")),
        origin: None,
    });
    command("bo", action)
}

fn complete(task: &Task, outcome: Option<&str>) -> Command {
    let holder = task.holder.as_ref().map_or("bo", |holder| holder.member.as_str());
    let why = FieldId::trusted("why");
    let form = match outcome {
        Some("stop") => BTreeMap::from([(why, Value::Text("dear".into()))]),
        _ => BTreeMap::new(),
    };
    let action = Action::Complete(m::Complete {
        task: task.reference.number,
        outcome: outcome.map(sanbang::model::id::Outcome::trusted),
        form,
        changes: BTreeMap::new(),
        comment: String::new(),
    });
    command(holder, action)
}

pub(crate) fn absence(member: &str, from: &str, to: &str, substitute: Option<&str>) -> Absence {
    Absence {
        member: MemberId::trusted(member),
        from: from.parse().expect("a date"),
        to: to.parse().expect("a date"),
        substitute: substitute.map(MemberId::trusted),
        reason: String::new(),
    }
}

/// A small generator: the same seed tells the same story on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        let count = u64::try_from(all.len()).expect("a small list");
        if count == 0 {
            return None;
        }
        let at = usize::try_from(self.roll(count)).expect("a small list");
        all.get(at)
    }
}

fn any_command(dice: &mut Dice, instance: &Instance) -> Command {
    let open: Vec<Task> = instance.open_tasks().cloned().collect();
    let any: Vec<Task> = instance.tasks().cloned().collect();
    let task = dice.pick(&open).cloned();
    let number = task.as_ref().map_or(TaskNumber(1), |task| task.reference.number);
    let holder = task.as_ref().and_then(|task| task.holder.as_ref());
    let holder = holder.map_or("bo".to_owned(), |holder| holder.member.to_string());
    match dice.roll(22) {
        0..=5 => match &task {
            Some(task) => complete(task, any_outcome(dice, task)),
            None => command("bo", Action::Advance(m::Advance::default())),
        },
        6..=8 => command("bo", Action::Advance(any_advance(dice, instance))),
        9 | 10 => any_update(dice),
        11 => command("bo", Action::LogActivity(contact())),
        12 => command(
            "anna",
            Action::Suspend(m::Suspend {
                reason: "waiting".to_owned(),
                expected_resume: None,
                proposed_by: None,
            }),
        ),
        13 | 14 => command("anna", Action::Resume),
        15 => command(
            "anna",
            Action::Return(m::Return {
                target: StageId::trusted("plan"),
                reason: "again".to_owned(),
                proposed_by: None,
            }),
        ),
        16 => {
            let task = dice.pick(&any).map_or(TaskNumber(1), |task| task.reference.number);
            command("anna", Action::Redo(m::Redo { task, reason: "again".to_owned() }))
        }
        17 => command(
            &holder,
            Action::RequestExtension(m::RequestExtension {
                of: m::Limited::Task(number),
                by: Limit::Amount(Amount { count: 2, unit: Unit::WorkingDays }),
                reason: "more".to_owned(),
            }),
        ),
        18 => command(
            "head_of_all",
            Action::DecideExtension(m::DecideExtension {
                of: m::Limited::Task(number),
                verdict: Verdict::Grant,
                comment: String::new(),
            }),
        ),
        19 => {
            let item = if dice.roll(2) == 0 { "walls" } else { "roof" };
            let check = m::Check { task: number, item: item.into(), checked: true };
            command(&holder, Action::Check(check))
        }
        20 => any_acknowledgement(dice, instance),
        _ if dice.roll(8) == 0 => command(
            "anna",
            Action::Terminate(m::Terminate {
                reason_code: ReasonCode::trusted("duplicate"),
                comment: String::new(),
                proposed_by: None,
                duplicate_of: None,
            }),
        ),
        _ => command("bo", Action::Claim(m::Claim { task: number })),
    }
}

fn any_outcome(dice: &mut Dice, task: &Task) -> Option<&'static str> {
    match task.reference.id.as_str() {
        "opinion" => Some(if dice.roll(2) == 0 { "agree" } else { "object" }),
        "decide" => Some(if dice.roll(3) == 0 { "stop" } else { "go" }),
        _ => None,
    }
}

fn any_advance(dice: &mut Dice, instance: &Instance) -> m::Advance {
    let open: Vec<StageId> = instance.open_stages().map(|state| state.stage.clone()).collect();
    m::Advance { stage: dice.pick(&open).cloned(), target: None, comment: String::new() }
}

fn any_update(dice: &mut Dice) -> Command {
    let text = |text: &str| Some(Value::Text(text.into()));
    let date = |text: &str| Some(Value::Date(text.parse().expect("a date")));
    let (field, value) = match dice.roll(8) {
        0 => ("kind", text("large")),
        1 => ("kind", text("small")),
        2 => ("cost", Some(Value::Decimal(Decimal::from(2000)))),
        3 => ("noisy", Some(Value::Boolean(true))),
        4 => ("closes_on", date("2025-03-20")),
        5 => ("closes_on", date("2025-04-30")),
        6 => ("closes_on", None),
        _ => ("size", Some(Value::Integer(0))),
    };
    let changes = BTreeMap::from([(FieldId::trusted(field), value)]);
    command("bo", Action::UpdateFields(m::UpdateFields { changes }))
}

fn contact() -> m::LogActivity {
    let summary = (FieldId::trusted("summary"), Value::Text("by phone".into()));
    m::LogActivity {
        activity: ActivityId::trusted("contact"),
        occurred_at: None,
        fields: BTreeMap::from([summary]),
        starts: Vec::new(),
    }
}

fn any_acknowledgement(dice: &mut Dice, instance: &Instance) -> Command {
    let lit: Vec<&Clock> = instance.clocks().filter(|clock| !clock.fired.is_empty()).collect();
    let clock = dice.pick(&lit).map_or(sanbang::model::clock::ClockNumber(1), |clock| clock.number);
    command(
        "director_of_all",
        Action::Acknowledge(m::Acknowledge {
            clock,
            comment: "seen".to_owned(),
            recovery_plan: Some("two people".to_owned()),
            promised: None,
        }),
    )
}

/// What must not depend on when a timer ran: everything but who was told when.
#[derive(Debug, PartialEq)]
struct Essence {
    revision: u64,
    status: &'static str,
    path_stage: Option<StageId>,
    stages: Vec<StageState>,
    tasks: Vec<Task>,
    clocks: Vec<Clock>,
}

fn essence(instance: &Instance) -> Essence {
    let mut clocks: Vec<Clock> = instance.clocks().cloned().collect();
    for clock in &mut clocks {
        // Which clocks tell depends on when they told; what they measure does not.
        clock.fired.clear();
        clock.plan.schedule.clear();
    }
    Essence {
        revision: instance.revision,
        status: instance.status.as_str(),
        path_stage: instance.path_stage.clone(),
        stages: instance.stages().cloned().collect(),
        tasks: instance.tasks().cloned().collect(),
        clocks,
    }
}

fn seeds() -> Vec<u64> {
    match std::env::var("SANBANG_SEED") {
        Ok(seed) => vec![seed.parse().expect("SANBANG_SEED is a number")],
        Err(_) => (1..=300).collect(),
    }
}

/// Tells one story twice: timers run in time, and only when somebody wants something.
fn tell_story(
    (house, workflow): (&House, &str),
    (seed, create): (u64, &Command),
    mut wish: impl FnMut(&mut Dice, &Instance, Timestamp) -> Command,
) -> usize {
    let mut dice = Dice(seed);
    let mut prompt = World::of(house, workflow);
    let mut late = World::of(house, workflow);
    let mut now = at("2025-03-03T10:00");
    let refused = prompt.submit(now, create);
    assert_eq!(late.submit(now, create), refused);
    if refused.is_some() {
        return 0;
    }
    for step in 0..40 {
        now = now.plus_ms(match dice.roll(4) {
            0 => 0,
            1 => HOUR_MS,
            2 => 7 * HOUR_MS,
            _ => DAY_MS * i64::try_from(dice.roll(6)).expect("a few days"),
        });
        prompt.settle_in_time(now);
        let instance = prompt.instance.clone().expect("it was created");
        let command = wish(&mut dice, &instance, now);
        let in_time = prompt.submit(now, &command);
        let too_late = late.submit(now, &command);
        // Who may acknowledge depends on who was told; nothing else does.
        if !matches!(command.action, Action::Acknowledge(_)) {
            assert_eq!(in_time, too_late, "SANBANG_SEED={seed}, step {step}: {command:?}");
        } else if in_time != too_late {
            return step;
        }
        let (one, other) = (prompt.instance.as_ref(), late.instance.as_ref());
        let one = essence(one.expect("it was created"));
        let other = essence(other.expect("it was created"));
        assert_eq!(one, other, "SANBANG_SEED={seed}, step {step}: {command:?}");
        // A date in the past is due at once, and happens in its turn; otherwise nothing is due now.
        if late.next_due().is_none_or(|due| due >= now) {
            let before = late.records.len();
            late.settle(now);
            assert_eq!(late.records.len(), before, "SANBANG_SEED={seed}: settling twice is once");
        }
    }
    assert_eq!(engine::replay(&prompt.records), prompt.instance, "SANBANG_SEED={seed}");
    assert_eq!(engine::replay(&late.records), late.instance, "SANBANG_SEED={seed}");
    prompt.records.len()
}

fn house_with_absences() -> House {
    let mut house = House::read("tests/specs/config");
    for (member, from, to, substitute) in [
        ("bo", "2025-03-06", "2025-03-07", Some("chen")),
        ("chen", "2025-03-10", "2025-03-12", None),
        ("anna", "2025-03-17", "2025-03-18", Some("bo")),
    ] {
        house.organization.absences.push(absence(member, from, to, substitute));
    }
    house
}

#[test]
fn stories_do_not_depend_on_when_timers_ran() {
    let house = house_with_absences();
    let place = (&house, "house");
    let wish = |dice: &mut Dice, instance: &Instance, _| any_command(dice, instance);
    let tell = |seed| tell_story(place, (seed, &create()), wish);
    let records: usize = seeds().into_iter().map(tell).sum();
    assert!(records > 40, "the stories told something");
}

/// What many people can want together: `town.rs` shows that all of it comes to pass.
#[test]
fn stories_of_other_workflows_do_not_depend_on_when_timers_ran_either() {
    let house = house_with_absences();
    let others = [InstanceId::trusted("second"), InstanceId::trusted("third")];
    // What a step does beside telling may come of nobody having acknowledged the one before, and
    // that counts from when people were told.
    let acts = |step: &Step| step.open.is_some() || step.task.is_some() || step.reassign.is_some();
    let only_tells = |policy: &Policy| !policy.steps.iter().any(acts);
    let workflows = house.workflows.iter();
    let workflows: Vec<_> =
        workflows.filter(|workflow| workflow.policies.iter().all(only_tells)).collect();
    let names: Vec<&str> = workflows.iter().map(|workflow| workflow.id.as_str()).collect();
    assert_eq!(names, ["claims", "desk", "errand", "house", "licence", "mill", "works", "yard"]);
    for workflow in workflows {
        for seed in seeds().into_iter().take(60) {
            let mut random = Random::new(seed);
            let create = Action::Create(m::Create {
                id: InstanceId::trusted("first"),
                workflow: workflow.id.clone(),
                fields: wishes::filled(&mut random, &workflow.fields),
                steward: None,
                origin: None,
            });
            let place = (&house, workflow.id.as_str());
            let wish = |_: &mut Dice, instance: &Instance, now| {
                let scene = wishes::Scene { instance, workflow, others: &others, now };
                // A repeat is answered at once, and settles nothing.
                Command { request: None, ..wishes::any(&mut random, &scene) }
            };
            tell_story(place, (seed, &command("bo", create)), wish);
        }
    }
}

#[test]
fn a_completion_before_a_late_timer_leaves_the_breach_in_the_record() {
    let house = House::read("tests/specs/config");
    let mut world = World::new(&house);
    world.submit(at("2025-03-03T10:00"), &create());
    let draft = world.instance.as_ref().expect("created").tasks[0].clone();
    let refused = world.submit(at("2025-03-20T10:00"), &complete(&draft, None));
    assert_eq!(refused, None);
    let kinds = world.kinds();
    let breached = kinds.iter().position(|kind| *kind == "clock.breached");
    let completed = kinds.iter().position(|kind| *kind == "task.completed");
    assert!(breached.expect("a breach") < completed.expect("a completion"), "{kinds:?}");
    let due = world.payloads().find_map(|payload| match payload {
        Payload::ClockBreached { clock, due } if clock.id.as_str() == "task" => Some(*due),
        _ => None,
    });
    assert_eq!(due, Some(at("2025-03-07T17:30")));
}

#[test]
fn work_at_the_very_due_time_is_in_time() {
    let house = House::read("tests/specs/config");
    let mut world = World::new(&house);
    world.submit(at("2025-03-03T10:00"), &create());
    let draft = world.instance.as_ref().expect("created").tasks[0].clone();
    world.submit(at("2025-03-07T17:30"), &complete(&draft, None));
    assert!(!world.kinds().contains(&"clock.breached"), "{:?}", world.kinds());

    let mut world = World::new(&house);
    world.submit(at("2025-03-03T10:00"), &create());
    world.submit(at("2025-03-07T17:30").plus_ms(1), &complete(&draft, None));
    assert!(world.kinds().contains(&"clock.breached"), "{:?}", world.kinds());
}

#[test]
fn after_three_weeks_of_downtime_each_ladder_tells_once_at_its_highest_due_step() {
    let house = House::read("tests/specs/config");
    let mut world = World::new(&house);
    world.submit(at("2025-03-03T10:00"), &create());
    world.settle(at("2025-03-24T10:00"));
    let mut told: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    let mut passed: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for payload in world.payloads() {
        match payload {
            Payload::EscalationRaised { clock, fired, .. } => {
                told.entry(clock.number.0).or_default().push(fired.level.to_string());
            }
            Payload::EscalationPassedOver { clock, fired, .. } => {
                assert_eq!(fired.firing, Firing::PassedOver);
                passed.entry(clock.number.0).or_default().push(fired.level.to_string());
            }
            Payload::EscalationRepeated { .. } => panic!("nothing repeats at one settling"),
            _ => {}
        }
    }
    // The contact cadence, the stage and the draft, each with its own ladder.
    let told: Vec<Vec<String>> = told.into_values().collect();
    assert_eq!(told, [vec!["L1"], vec!["L3"], vec!["L3"]]);
    let passed: Vec<Vec<String>> = passed.into_values().collect();
    assert_eq!(passed, [vec!["L0", "L1", "L2"], vec!["L0", "L1", "L2"]]);
    let breaches = world.kinds().iter().filter(|kind| **kind == "clock.breached").count();
    assert_eq!(breaches, 3);
}

#[test]
fn a_repeated_request_happens_once_and_a_reused_id_is_refused() {
    let house = House::read("tests/specs/config");
    let mut world = World::new(&house);
    let now = at("2025-03-03T10:00");
    world.submit(now, &create());
    let request = Some(m::Request { key: 7, digest: 1 });
    let log = Command { request, ..command("bo", Action::LogActivity(contact())) };
    assert_eq!(world.submit(now, &log), None);
    let revision = world.instance.as_ref().expect("created").revision;
    let again = engine::decide(&world.context(now), world.instance.as_ref(), &log);
    assert!(matches!(again.outcome, Outcome::Repeated { revision: known } if known == revision));
    assert_eq!(again.records().count(), 0);
    let other = Command { request: Some(m::Request { key: 7, digest: 2 }), ..log };
    assert_eq!(world.submit(now, &other), Some("REQUEST_ID_REUSED"));
}
