//! Cases of the engine that no spec can tell: late settlings, published calendars, many requests.

use std::collections::BTreeMap;

use sanbang::calendar::Calendar;
use sanbang::definition::sources::Sources;
use sanbang::model::command::{self as m, Action, Command};
use sanbang::model::event::Payload;
use sanbang::model::id::{ActivityId, FieldId, InstanceId, MemberId, WorkflowId};
use sanbang::model::time::Timestamp;
use sanbang::model::value::Value;

use crate::engine::{World, absence, at, command};
use crate::specs::House;

fn create() -> Command {
    let action = Action::Create(m::Create {
        id: InstanceId::trusted("first"),
        workflow: WorkflowId::trusted("yard"),
        fields: BTreeMap::new(),
        steward: Some(MemberId::trusted("bo")),
        origin: None,
    });
    command("bo", action)
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
fn what_a_late_timer_opens_goes_to_whoever_was_there_when_it_was_due() {
    let mut house = House::read("tests/specs/config");
    let friday = absence("bo", "2025-03-07", "2025-03-07", Some("chen"));
    house.organization.absences.push(friday);
    let mut world = World::of(&house, "yard");
    world.submit(at("2025-03-03T10:00"), &create());
    // The permit's period ends with Thursday; nothing runs until Monday.
    world.settle(at("2025-03-10T10:00"));
    let holder = world.payloads().find_map(|payload| match payload {
        Payload::TaskAssigned { task, assignment, .. } if task.id.as_str() == "begin" => {
            Some(assignment.member.to_string())
        }
        _ => None,
    });
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
    let action = Action::Create(m::Create {
        id: InstanceId::trusted("first"),
        workflow: WorkflowId::trusted("heavy"),
        fields: (0..15).map(|number| (id(number), text(4096))).collect(),
        steward: Some(MemberId::trusted("bo")),
        origin: None,
    });
    assert_eq!(world.submit(start, &command("bo", action)), None);
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
