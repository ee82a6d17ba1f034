//! Cases of the engine that no spec can tell: late settlings, published calendars, many requests.

use std::collections::BTreeMap;
use std::sync::Arc;

use sanbang::calendar::Calendar;
use sanbang::definition::sources::Sources;
use sanbang::engine;
use sanbang::model::clock::{Clock, ClockOwner};
use sanbang::model::command::{self as m, Action, Command};
use sanbang::model::escalation::Recipient;
use sanbang::model::event::Payload;
use sanbang::model::id::{ActivityId, FieldId, InstanceId, MemberId, WorkflowId};
use sanbang::model::instance::{StagePlace, Status};
use sanbang::model::link::{Effect, Note, Relation};
use sanbang::model::roster::Duty;
use sanbang::model::time::Timestamp;
use sanbang::model::value::{Value, Values};

use crate::engine::{World, absence, at, command, create_in};
use crate::specs::House;

fn create() -> Command {
    create_in("yard", Values::new())
}

fn contact() -> Command {
    let summary = (FieldId::trusted("summary"), Value::Text("by phone".into()));
    let log = m::LogActivity {
        activity: ActivityId::trusted("contact"),
        occurred_at: None,
        fields: BTreeMap::from([summary]),
        starts: Vec::new(),
    };
    command("bo", Action::LogActivity(log))
}

/// The house's calendar with one more day off.
fn with_day_off(calendar: &Calendar, day: &str) -> Calendar {
    let mut spec = calendar.spec().clone();
    let day: jiff::civil::Date = day.parse().expect("a date");
    let year = spec.years.get_mut(&day.year()).expect("the year is listed");
    year.weekdays_off.push(day);
    year.weekdays_off.sort();
    Calendar::new(spec).expect("a calendar")
}

#[test]
fn what_a_late_timer_tells_is_for_whoever_is_on_duty_by_then() {
    let mut house = House::read("tests/specs/config");
    let on_duty = |member: &str, day: &str| {
        let day = day.parse().expect("a date");
        Duty { from: day, to: day, members: vec![MemberId::trusted(member)], note: String::new() }
    };
    house.organization.duties = vec![on_duty("dora", "2025-03-04"), on_duty("bo", "2025-03-05")];
    let mut world = World::of(&house, "errand");
    let action = Action::Create(m::Create {
        id: InstanceId::trusted("first"),
        workflow: WorkflowId::trusted("errand"),
        fields: BTreeMap::new(),
        steward: None,
        origin: None,
    });
    world.submit(at("2025-03-03T10:00"), &command("bo", action));
    // It was due on Tuesday evening; nothing runs until Wednesday.
    world.settle(at("2025-03-05T00:10"));
    let events = world.records.iter().flat_map(|record| &record.events);
    let told: Vec<&str> = events
        .filter_map(|event| match &event.payload {
            Payload::EscalationRaised { recipients, .. } => Some(recipients),
            _ => None,
        })
        .flatten()
        .map(|recipient| recipient.member.as_str())
        .collect();
    assert_eq!(told, ["bo"]);
}

#[test]
fn what_a_late_timer_opens_goes_to_whoever_was_there_when_it_was_due() {
    let mut house = House::read("tests/specs/config");
    let friday = absence("bo", "2025-03-07", "2025-03-07", Some("chen"));
    house.organization.absences.push(friday);
    let mut world = World::of(&house, "yard");
    world.submit(at("2025-03-03T10:00"), &create());
    // The permit's period ends with Thursday; nothing runs until Monday.
    world.settle(at("2025-03-10T10:00"));
    let holder = world.payloads().find_map(holder_of_begin);
    assert_eq!(holder.as_deref(), Some("chen"));
}

#[test]
fn a_calendar_published_during_downtime_loses_no_wait_for_an_acknowledgement() {
    let house = House::read("tests/specs/config");
    let mut world = World::of(&house, "yard");
    world.submit(at("2025-03-03T10:00"), &create());
    // The task's limit runs out on Thursday; an acknowledgement is awaited until Monday evening.
    world.settle(at("2025-03-06T17:30").plus_ms(1));
    assert_eq!(raised(&world, "measure"), ["L1"]);
    world.calendar = with_day_off(&world.calendar, "2025-12-08");
    world.settle(at("2025-03-11T09:00"));
    assert_eq!(raised(&world, "measure"), ["L1", "L2"]);
}

#[test]
fn a_published_calendar_moves_only_what_has_not_fired() {
    let house = House::read("tests/specs/config");
    let mut world = World::of(&house, "yard");
    world.submit(at("2025-03-03T10:00"), &create());
    world.settle(at("2025-03-05T10:00"));
    assert_eq!(raised(&world, "measure"), ["L0"]);
    world.calendar = with_day_off(&world.calendar, "2025-03-06");
    world.settle(at("2025-03-07T10:00"));
    assert_eq!(raised(&world, "measure"), ["L0"]);
    assert!(!world.kinds().contains(&"clock.breached"), "{:?}", world.kinds());
    world.settle(at("2025-03-07T17:30").plus_ms(1));
    assert_eq!(raised(&world, "measure"), ["L0", "L1"]);
    let records = world.records.len();
    world.settle(at("2025-03-07T17:30").plus_ms(1));
    assert_eq!(world.records.len(), records, "a calendar is adopted once");
}

#[test]
fn accepted_requests_are_remembered_for_a_day_and_at_least_sixteen_and_at_most_512() {
    let house = House::read("tests/specs/config");
    let mut world = World::of(&house, "yard");
    let start = at("2025-03-03T10:00");
    world.submit(start, &create());
    let ask = |world: &mut World<'_>, now: Timestamp, key: u64| {
        let request = Some(m::Request { key, digest: 1 });
        world.submit(now, &Command { request, ..contact() });
        world.instance.as_ref().expect("created").requests.len()
    };
    for key in 0..20 {
        ask(&mut world, start, key);
    }
    let day = 24 * 60 * 60 * 1000;
    assert_eq!(ask(&mut world, start.plus_ms(day), 100), 21);
    assert_eq!(ask(&mut world, start.plus_ms(day + 1), 101), 16);
    for key in 1000..1600 {
        ask(&mut world, start.plus_ms(day + 2), key);
    }
    assert_eq!(ask(&mut world, start.plus_ms(day + 2), 2000), 512);
}

#[test]
fn time_never_goes_back_for_an_instance() {
    let house = House::read("tests/specs/config");
    let mut world = World::of(&house, "yard");
    let start = at("2025-03-03T10:00");
    world.submit(start, &create());
    world.submit(start.plus_ms(-5000), &contact());
    let last = world.records.last().expect("a record");
    assert_eq!(last.time, start);
}

#[test]
fn an_instance_grows_to_its_limit_and_can_still_be_made_lighter() {
    let house = heavy();
    let mut world = World::of(&house, "heavy");
    let start = at("2025-03-03T10:00");
    let text = |length: usize| Value::Text("x".repeat(length).into());
    let id = |number: usize| FieldId::trusted(&format!("text_{number}"));
    let fields = (0..15).map(|number| (id(number), text(4096))).collect();
    assert_eq!(world.submit(start, &create_in("heavy", fields)), None);
    let mut update = |number, value| {
        let changes = BTreeMap::from([(id(number), value)]);
        let action = Action::UpdateFields(m::UpdateFields { changes });
        world.submit(start, &command("bo", action))
    };
    assert_eq!(update(15, Some(text(4096))), Some("LIMIT_REACHED"));
    assert_eq!(update(3, None), None);
    assert_eq!(update(15, Some(text(4096))), None);
}

/// A workflow with many long texts.
fn heavy() -> House {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/specs/config");
    let (mut sources, _) = Sources::read_dir(&folder).expect("the folder can be read");
    let fields: Vec<String> =
        (0..16).map(|number| format!("  text_{number}: {{ type: text }}")).collect();
    let fields = fields.join("\n");
    let workflow = format!(
        "workflow: heavy\ntitle: {{ en: Heavy, zh: 大 }}\ncalendar: cn\nfields:\n{fields}\n\
         stages:\n  - {{ id: only, title: {{ en: Only, zh: 唯一 }} }}\n"
    );
    sources.files.insert("workflows/heavy.yaml".to_owned(), workflow.into());
    House::compiled(&sources)
}

/// The levels that told people about a task, in order.
fn raised(world: &World<'_>, task: &str) -> Vec<String> {
    let levels = world.payloads().filter_map(|payload| match payload {
        Payload::EscalationRaised { clock, fired, .. } => {
            let owner = format!("{:?}", clock.owner);
            owner.contains(&format!("\"{task}\"")).then(|| fired.level.to_string())
        }
        _ => None,
    });
    levels.collect()
}

/// The house after somebody has left its file.
fn house_without(member: &str) -> House {
    let mut house = House::read("tests/specs/config");
    house.organization.members.retain(|known| known.id.as_str() != member);
    house
}

#[test]
fn whom_the_file_no_longer_knows_nobody_relies_on() {
    let house = House::read("tests/specs/config");
    let without = house_without("bo");
    let mut before = World::of(&house, "yard");
    before.submit(at("2025-03-03T10:00"), &create());
    let mut world = World::of(&without, "yard");
    (world.instance, world.records) = (before.instance, before.records);
    let closes_on = Value::Date("2025-03-04".parse().expect("a date"));
    let changes = BTreeMap::from([(FieldId::trusted("closes_on"), Some(closes_on))]);
    let update = Action::UpdateFields(m::UpdateFields { changes });
    assert_eq!(world.submit(at("2025-03-03T10:00"), &command("anna", update)), None);
    world.settle(at("2025-03-10T10:00"));
    let mut told = world.payloads().filter_map(|payload| match payload {
        Payload::EscalationRaised { recipients, .. } => Some(recipients),
        _ => None,
    });
    let by_role = |recipient: &Recipient| recipient.member.as_str() != "bo";
    assert!(told.all(|recipients| !recipients.is_empty() && recipients.iter().all(by_role)));
    let opened: Vec<_> = world.payloads().filter_map(holder_of_begin).collect();
    assert_eq!(opened, ["chen"], "the steward has left, so a colleague is given what opens");
}

fn holder_of_begin(payload: &Payload) -> Option<String> {
    match payload {
        Payload::TaskAssigned { task, assignment, .. } if task.id.as_str() == "begin" => {
            Some(assignment.member.to_string())
        }
        _ => None,
    }
}

#[test]
fn a_task_is_given_back_only_to_somebody_who_is_still_there() {
    let house = House::read("tests/specs/config");
    for (file, gets) in [(house_without("emil"), Some("bo")), (house_without("bo"), None)] {
        let mut before = World::of(&house, "yard");
        let now = at("2025-03-03T10:00");
        before.submit(now, &create());
        let task = before.instance.as_ref().expect("created").tasks[0].reference.number;
        let (to, reason) = (MemberId::trusted("chen"), "away".to_owned());
        let delegate = m::Delegate { task, to, reason: reason.clone() };
        assert_eq!(before.submit(now, &command("bo", Action::Delegate(delegate))), None);
        let mut world = World::of(&file, "yard");
        (world.instance, world.records) = (before.instance, before.records);
        let release = Action::Release(m::Release { task, reason });
        assert_eq!(world.submit(now, &command("chen", release)), None);
        let task = &world.instance.as_ref().expect("created").tasks[0];
        let holder = task.holder.as_ref().map(|holder| holder.member.as_str());
        assert_eq!(holder, gets);
        assert_eq!(world.kinds().contains(&"task.offered"), gets.is_none());
    }
}

#[test]
fn what_a_successor_may_not_do_stands_behind_whom_the_rules_name() {
    let house = House::read("tests/specs/config");
    let mut world = World::of(&house, "desk");
    let (now, reason) = (at("2025-03-03T10:00"), "called back".to_owned());
    let kind = (FieldId::trusted("kind"), Value::Text("small".into()));
    assert_eq!(world.submit(now, &create_in("desk", Values::from([kind]))), None);
    let task = world.instance.as_ref().expect("created").tasks[0].reference.number;
    let to = MemberId::trusted("emil");
    let delegate = m::Delegate { task, to, reason: reason.clone() };
    assert_eq!(world.submit(now, &command("bo", Action::Delegate(delegate))), None);

    // Gus is a courier: he neither does it nor gets it back.
    let mut give = |delegation| {
        let (task, to, reason) = (Some(task), Some(MemberId::trusted("gus")), reason.clone());
        let reassign = Action::Reassign(m::Reassign { task, delegation, to, reason });
        world.submit(now, &command("anna", reassign))
    };
    assert_eq!(give(false), Some("NOT_A_CANDIDATE"));
    assert_eq!(give(true), None);
    let holder = world.instance.as_ref().expect("created").tasks[0].holder.clone();
    let holder = holder.expect("Emil stays at it");
    assert_eq!(holder.member.as_str(), "emil");
    assert_eq!(holder.delegated_by.as_ref().map(MemberId::as_str), Some("chen"));
}

/// A world with an effect that nobody carries out; when it was asked.
fn world_with_effect(house: &House) -> (World<'_>, Timestamp) {
    let mut world = World::of(house, "yard");
    let now = at("2025-03-03T10:00");
    world.submit(now, &create());
    let to = InstanceId::trusted("second");
    let link = Action::Link(m::Link { relation: Relation::Blocks, to, task: None });
    assert_eq!(world.submit(now, &command("bo", link)), None);
    (world, now)
}

fn effect_of(world: &World<'_>) -> Effect {
    world.instance.as_ref().expect("created").relations.effects[0].clone()
}

#[test]
fn an_effect_is_tried_again_ever_later_and_once_a_day_at_last() {
    let house = House::read("tests/specs/config");
    let (mut world, mut now) = world_with_effect(&house);
    let mut waits = Vec::new();
    for tries in 1..=40 {
        let effect = effect_of(&world);
        assert_eq!(effect.tries, tries);
        let next = effect.next_try.expect("it is tried again");
        waits.push(next.ms_since(now));
        // At the very instant it is not due yet.
        world.settle(next);
        assert_eq!(effect_of(&world), effect);
        now = next.plus_ms(1);
        world.settle(now);
    }
    assert_eq!(waits[..4], [2_000, 4_000, 8_000, 16_000]);
    assert!(waits.windows(2).all(|pair| pair[0] <= pair[1]), "{waits:?}");
    assert_eq!(waits[waits.len() - 1], 24 * 60 * 60 * 1000);
}

#[test]
fn a_refusal_is_told_once_for_each_reason_and_the_effect_is_tried_on() {
    let house = House::read("tests/specs/config");
    let (mut world, now) = world_with_effect(&house);
    let effect = effect_of(&world);
    let confirm = |code: Option<&str>| {
        let refused = code.map(|code| m::Refused {
            code: code.into(),
            reason: code.to_owned(),
            for_good: false,
        });
        engine::confirmation(m::Confirm { effect: effect.number, refused })
    };
    let count = |world: &World<'_>, kind| world.kinds().iter().filter(|it| **it == kind).count();
    for (code, told) in [("LIMIT_REACHED", 1), ("LIMIT_REACHED", 1), ("REACTION_LIMIT", 2)] {
        assert_eq!(world.submit(now, &confirm(Some(code))), None);
        assert_eq!(count(&world, "effect.refused"), told);
        assert_eq!(effect_of(&world).next_try, effect.next_try, "it is still tried again");
    }
    for _ in 0..2 {
        assert_eq!(world.submit(now, &confirm(None)), None);
        assert_eq!(count(&world, "effect.done"), 1, "done is done once");
    }
    assert_eq!(world.submit(now, &confirm(Some("LIMIT_REACHED"))), None);
    assert_eq!(count(&world, "effect.refused"), 2, "what is done is refused no more");
}

#[test]
fn a_relation_that_was_left_does_not_come_back_with_its_confirmation() {
    let house = House::read("tests/specs/config");
    let mut world = World::of(&house, "mill");
    let (now, text) = (at("2025-03-03T10:00"), |text: &str| Value::Text(text.into()));
    let owner = BTreeMap::from([(FieldId::trusted("owner"), text("Mill"))]);
    assert_eq!(world.submit(now, &create_in("mill", owner.clone())), None);
    let (workflow, fields) = (WorkflowId::trusted("mill"), owner);
    let visit = Action::LogActivity(m::LogActivity {
        activity: ActivityId::trusted("visit"),
        occurred_at: None,
        fields: BTreeMap::from([(FieldId::trusted("summary"), text("loud"))]),
        starts: vec![m::Begin { workflow, fields, steward: None, id: None }],
    });
    assert_eq!(world.submit(now, &command("bo", visit)), None);
    let effect = effect_of(&world);
    // The confirmation that it began is lost, and it leaves the relation before it is asked again.
    let (relation, task, reason) = (Relation::SpawnedFrom, None, "not so".to_owned());
    let left = m::Hear { from: effect.target, note: Note::Unlinked { relation, task, reason } };
    assert_eq!(world.submit(now, &command("bo", Action::Hear(left))), None);
    let confirm = engine::confirmation(m::Confirm { effect: effect.number, refused: None });
    assert_eq!(world.submit(now, &confirm), None);
    let relations = &world.instance.as_ref().expect("created").relations;
    assert_eq!((relations.links.len(), relations.effects.len()), (0, 0));
}

/// Of an instance of which only a blocker is left nothing can be done but wait: that it goes on
/// ends nothing, so nobody has to force it.
#[test]
fn what_only_a_blocker_keeps_from_its_end_may_go_on() {
    let house = House::read("tests/specs/config");
    let mut world = World::of(&house, "yard");
    let now = at("2025-03-03T10:00");
    assert_eq!(world.submit(now, &create()), None);
    let (relation, task) = (Relation::Blocks, None);
    let from = InstanceId::trusted("second");
    let hear = m::Hear { from, note: Note::Linked { relation, task } };
    assert_eq!(world.submit(now, &command("bo", Action::Hear(hear))), None);
    let suspend =
        m::Suspend { reason: "waits".to_owned(), expected_resume: None, proposed_by: None };
    assert_eq!(world.submit(now, &command("bo", Action::Suspend(suspend))), None);

    let resumed = |world: &mut World<'_>| {
        let refused = world.submit(now, &command("bo", Action::Resume));
        (refused, world.instance.as_ref().expect("created").status)
    };
    // As after a limit that ran out and let its last stage be left.
    let instance = Arc::make_mut(world.instance.as_mut().expect("created"));
    instance.path_stage = None;
    for stage in &mut instance.stages {
        Arc::make_mut(stage).place = StagePlace::Closed(now);
    }
    instance.tasks.clear();
    instance.clocks.retain(|clock| clock.owner == ClockOwner::Suspension);
    assert_eq!(resumed(&mut world), (None, Status::Active));
    assert!(world.kinds().contains(&"instance.resumed"));
}

#[test]
fn who_is_told_by_a_repeat_may_acknowledge_like_the_first_who_were_told() {
    let mut house = House::read("tests/specs/config");
    house.organization.absences.push(absence("anna", "2025-03-07", "2025-03-07", Some("chen")));
    let mut world = World::of(&house, "yard");
    world.submit(at("2025-03-03T10:00"), &create());
    for evening in ["2025-03-06T17:45", "2025-03-07T17:45"] {
        world.settle(at(evening));
    }
    let instance = world.instance.clone().expect("created");
    let stage = |clock: &&Clock| matches!(clock.owner, ClockOwner::Stage(_));
    let clock = instance.clocks().find(stage).expect("the stage has a limit");
    let told: Vec<&str> = clock.fired[0].notified.iter().map(MemberId::as_str).collect();
    assert_eq!((told, clock.fired[0].repeats), (vec!["anna", "chen"], 1));
    let acknowledge = Action::Acknowledge(m::Acknowledge {
        clock: clock.number,
        comment: "seen".to_owned(),
        recovery_plan: None,
        promised: None,
    });
    assert_eq!(world.submit(at("2025-03-10T08:00"), &command("chen", acknowledge)), None);
}

/// The stage's limit ran out, its fixed period passed and stopped it, its next step was due: all of
/// that while nothing ran.
#[test]
fn a_clock_whose_step_acts_late_stands_still_once_and_since_its_condition_holds() {
    let house = House::read("tests/specs/config");
    let mut world = World::of(&house, "relay");
    assert_eq!(world.submit(at("2025-03-03T10:00"), &create_in("relay", Values::new())), None);
    world.settle(at("2025-03-25T10:00"));
    let instance = world.instance.clone().expect("created");
    let stage = |clock: &&Clock| matches!(clock.owner, ClockOwner::Stage(_));
    let clock = instance.clocks().find(stage).expect("the stage has a limit");
    let since: Vec<Timestamp> = clock.paused.iter().map(|pause| pause.since).collect();
    assert_eq!(since, [at("2025-03-22T00:00")], "{:?}", clock.paused);
    let given = world.payloads().filter(|it| matches!(it, Payload::StewardAssigned { .. }));
    assert_eq!(given.count(), 2, "the step that was due before that has acted");
}

/// The fixed period was over before the task was completed; nothing ran meanwhile, so what follows
/// of either is decided at once.
#[test]
fn what_a_late_timer_gave_to_somebody_counts_for_the_command_that_comes_with_it() {
    let house = House::read("tests/specs/config");
    let mut world = World::of(&house, "relay");
    assert_eq!(world.submit(at("2025-03-03T10:00"), &create_in("relay", Values::new())), None);
    let instance = world.instance.clone().expect("created");
    let climb = instance.tasks().find(|task| task.reference.id.as_str() == "climb");
    let complete = Action::Complete(m::Complete {
        task: climb.expect("it is open").reference.number,
        outcome: None,
        form: Values::new(),
        changes: BTreeMap::new(),
        comment: String::new(),
    });
    assert_eq!(world.submit(at("2025-03-25T10:00"), &command("bo", complete)), None);
    let given = world.payloads().filter_map(|payload| match payload {
        Payload::TaskAssigned { task, assignment, .. } => {
            Some((task.id.as_str(), assignment.member.as_str()))
        }
        _ => None,
    });
    let given: Vec<_> = given.filter(|(task, _)| ["carry", "bring"].contains(task)).collect();
    assert_eq!(given, [("carry", "fay"), ("bring", "gus")]);
}

/// One that was suspended as soon as it had begun.
fn suspended(house: &House) -> World<'_> {
    let mut world = World::of(house, "yard");
    let now = at("2025-03-03T10:00");
    world.submit(now, &create());
    let suspend = m::Suspend { reason: "ill".into(), expected_resume: None, proposed_by: None };
    assert_eq!(world.submit(now, &command("anna", Action::Suspend(suspend))), None);
    world
}

#[test]
fn a_clock_that_stands_still_is_explained_by_the_calendar_that_is_live() {
    let house = House::read("tests/specs/config");
    let mut world = suspended(&house);
    world.calendar = with_day_off(&world.calendar, "2025-03-06");
    world.settle(at("2025-03-04T10:00"));
    let instance = world.instance.clone().expect("created");
    let deadlines = engine::explain_deadlines(&world.context(at("2025-03-04T10:00")), &instance);
    assert!(deadlines.iter().filter(|deadline| deadline.clock.is_paused()).count() > 1);
    for deadline in deadlines {
        assert_eq!(deadline.clock.plan.due, deadline.walk.due.at, "{:?}", deadline.clock);
    }
}

/// What was stored once: a clock that was stopped twice for one reason.
#[test]
fn a_clock_that_was_stopped_twice_for_one_reason_goes_on_with_its_alarms() {
    let house = House::read("tests/specs/config");
    let mut world = suspended(&house);
    let instance = Arc::make_mut(world.instance.as_mut().expect("created"));
    for clock in instance.clocks.iter_mut().filter(|clock| clock.is_paused()) {
        let again = clock.paused[0].clone();
        Arc::make_mut(clock).paused.push(again);
    }
    assert_eq!(world.submit(at("2025-03-04T10:00"), &command("anna", Action::Resume)), None);
    let instance = world.instance.as_ref().expect("created");
    let running: Vec<&Clock> = instance.clocks().filter(|clock| !clock.is_paused()).collect();
    assert!(running.len() > 1);
    for clock in running {
        assert!(!clock.plan.schedule.is_empty(), "{clock:?}");
    }
}
