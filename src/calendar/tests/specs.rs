//! Compiling a calendar: what is refused, what its digest depends on, clocks put forward and back.

use jiff::civil::Weekday;

use super::support::{at, cn, cn_spec, date, seasonal_spec};
use crate::calendar::rules::{self, DayKind};
use crate::calendar::{
    Calendar, CalendarSpec, DayEnd, DayRange, Holiday, MonthDay, Season, Statutory, Window, Year,
};
use crate::model::organization::Title;
use crate::model::time::{Amount, Timestamp, Unit};

fn refused(change: impl FnOnce(&mut CalendarSpec)) -> Vec<(String, String)> {
    let mut spec = cn_spec();
    change(&mut spec);
    let problems = Calendar::new(spec).unwrap_err();
    problems.into_iter().map(|problem| (problem.path, problem.what)).collect()
}

fn paths(change: impl FnOnce(&mut CalendarSpec)) -> Vec<String> {
    refused(change).into_iter().map(|(path, _)| path).collect()
}

#[test]
fn everything_wrong_is_told_at_once() {
    let found = paths(|spec| {
        spec.zone = "Asia/Bengbu".to_owned();
        spec.hours[0].windows = vec![
            Window { start: 540, end: 720 },
            Window { start: 700, end: 690 },
            Window { start: 800, end: 1500 },
        ];
        spec.rest_days = vec![Weekday::Sunday, Weekday::Sunday];
        spec.statutory.push(Statutory::EachYear(MonthDay { month: 2, day: 30 }));
        let year = spec.years.get_mut(&2024).unwrap();
        year.weekdays_off.push(date("2024-09-30"));
        year.weekdays_off.push(date("2024-09-30"));
        year.weekend_days_worked.push(date("2025-09-30"));
        year.weekend_days_worked.push(date("2024-11-01"));
    });
    let expected = [
        "zone",
        "hours[0].windows[1]",
        "hours[0].windows[2]",
        "rest_days[1]",
        "statutory[6]",
        "years.2024.off[20]",
        "years.2024.worked[8]",
        "years.2024.worked[9]",
    ];
    for path in expected {
        assert!(found.iter().any(|each| each == path), "{path} in {found:?}");
    }
}

#[test]
fn seasons_need_distinct_beginnings() {
    let season = |from| Season { from, windows: vec![Window { start: 540, end: 720 }] };
    let may = Some(MonthDay { month: 5, day: 1 });
    assert_eq!(paths(|spec| spec.hours.clear()), ["hours"]);
    assert_eq!(paths(|spec| spec.hours = vec![season(None), season(may)]), ["hours[0]"]);
    assert_eq!(paths(|spec| spec.hours = vec![season(may), season(may)]), ["hours[1].from"]);
    let never = Some(MonthDay { month: 13, day: 1 });
    assert_eq!(paths(|spec| spec.hours = vec![season(never)]), ["hours[0].from"]);
    assert_eq!(paths(|spec| spec.hours[0].windows.clear()), ["hours[0].windows"]);
}

#[test]
fn years_follow_one_another_and_holidays_are_off() {
    assert_eq!(paths(|spec| drop(spec.years.insert(2028, Year::default()))), ["years.2028"]);
    let holiday = |first: &str, last: &str| Holiday {
        id: "fair".to_owned(),
        title: Title::default(),
        days: vec![DayRange { first: date(first), last: date(last) }],
    };
    let add =
        |added: Holiday| refused(|spec| spec.years.get_mut(&2024).unwrap().holidays.push(added));
    let path = "years.2024.holidays.fair.days".to_owned();
    let worked = "2024-02-18 is a working day".to_owned();
    assert_eq!(add(holiday("2024-02-17", "2024-02-18")), [(path.clone(), worked)]);
    let turned = "2024-02-18 is after 2024-02-17".to_owned();
    assert_eq!(add(holiday("2024-02-18", "2024-02-17")), [(path, turned)]);
    let mut week = Weekday::Monday;
    let all = std::iter::from_fn(|| {
        week = week.next();
        Some(week)
    });
    let all: Vec<_> = all.take(7).collect();
    assert!(paths(|spec| spec.rest_days = all).contains(&"rest_days".to_owned()));
}

#[test]
fn digest_depends_on_content_only() {
    let digest = |change: &dyn Fn(&mut CalendarSpec)| {
        let mut spec = cn_spec();
        change(&mut spec);
        Calendar::new(spec).unwrap().digest()
    };
    let shipped = cn().digest();
    // Instances record it: a change here computes every running clock of every installation anew.
    assert_eq!(format!("{shipped:016x}"), "c3c1bcb8016ca54f");
    assert_eq!(digest(&|spec| spec.title.en = "China".to_owned()), shipped);
    assert_eq!(digest(&|spec| spec.rest_days.reverse()), shipped);
    assert_eq!(digest(&|spec| spec.statutory.reverse()), shipped);
    assert_eq!(digest(&|spec| spec.years.get_mut(&2024).unwrap().holidays.clear()), shipped);
    assert_ne!(digest(&|spec| spec.hours[0].windows[0].start = 510), shipped);
    assert_ne!(digest(&|spec| drop(spec.years.remove(&2026))), shipped);
    assert_ne!(digest(&|spec| spec.zone = "Asia/Urumqi".to_owned()), shipped);
    assert_ne!(cn().always_on().digest(), shipped);
    assert_ne!(Calendar::new(seasonal_spec()).unwrap().digest(), shipped);
}

#[test]
fn clocks_put_forward_and_back() {
    let spec = CalendarSpec { zone: "Europe/Berlin".to_owned(), ..cn_spec() };
    let berlin = Calendar::new(spec).unwrap();
    // Office hours stay where the wall clock is: winter UTC+1, summer UTC+2.
    let opens = |day: &str| berlin.opening_of(date(day)).unwrap();
    assert_eq!(opens("2024-03-29"), at("2024-03-29T08:00:00Z"));
    assert_eq!(opens("2024-04-01"), at("2024-04-01T07:00:00Z"));
    assert_eq!(opens("2024-10-28"), at("2024-10-28T08:00:00Z"));

    let hour_ms = 60 * 60 * 1000;
    let always = berlin.always_on();
    let length = |day: &str| {
        let start = always.opening_of(date(day)).unwrap();
        let end = always.closing_of(date(day)).unwrap();
        assert_eq!(always.working_ms(start, end), end.ms_since(start));
        end.ms_since(start) / hour_ms
    };
    assert_eq!(length("2024-03-31"), 23);
    assert_eq!(length("2024-10-27"), 25);
    assert_eq!(length("2150-03-29") + length("2150-07-01"), 47);
}

#[test]
fn china_had_summer_time() {
    let calendar = cn();
    let opens = calendar.opening_of(date("1988-07-01")).unwrap();
    assert_eq!(opens, at("1988-07-01T00:00:00Z"));
    assert_eq!(calendar.opening_of(date("1988-12-01")), Some(at("1988-12-01T01:00:00Z")));
}

#[test]
fn the_edges_of_time_saturate() {
    let calendar = cn();
    let million = |unit| Amount { count: Amount::COUNT_MAX, unit };
    let start = at("2199-12-30 10:00");
    let far = calendar.due(start, million(Unit::WorkingDays));
    assert!(far.provisional && far.at > at("2201-12-01 00:00"));
    assert_eq!(calendar.due(start, million(Unit::Months)).at, at("2201-12-31 24:00"));
    let back = calendar.add_working_ms(at("1970-01-02 10:00"), i64::MIN);
    assert!(back.at < at("1970-01-01 00:00"));
    assert_eq!(calendar.date_of(Timestamp(i64::MAX)), date("2201-12-31"));
    assert!(calendar.is_working_day(date("2200-12-31")));
}

#[test]
fn days_have_ends() {
    let calendar = cn();
    assert_eq!(calendar.opening_of(date("2024-10-01")), None);
    assert_eq!(calendar.closing_of(date("2024-10-12")), Some(at("2024-10-12 17:30")));
    let end = |end| calendar.due_on(date("2024-10-05"), end).at;
    assert_eq!(end(DayEnd::Midnight), at("2024-10-05 24:00"));
    assert_eq!(end(DayEnd::MidnightOfWorkingDay), at("2024-10-08 24:00"));
    assert_eq!(end(DayEnd::CloseOfBusiness), at("2024-10-08 17:30"));
    let midnight = at("2024-10-05 24:00");
    assert_eq!(calendar.date_of(midnight), date("2024-10-06"));
    assert_eq!(calendar.day_that_ends_at_or_holds(midnight), date("2024-10-05"));
    assert_eq!(calendar.day_that_ends_at_or_holds(midnight.plus_ms(1)), date("2024-10-06"));
}

#[test]
fn telling_keeps_to_office_hours() {
    let calendar = cn();
    let tell = |text: &str| calendar.telling(at(text));
    for inside in ["2024-09-02 09:00", "2024-09-02 12:00", "2024-09-02 17:30"] {
        assert_eq!(tell(inside), at(inside));
    }
    assert_eq!(tell("2024-09-02 12:01"), at("2024-09-02 14:00"));
    assert_eq!(tell("2024-09-02 00:00"), at("2024-09-02 09:00"));
    assert_eq!(tell("2024-09-30 17:31"), at("2024-10-08 09:00"));
    assert_eq!(calendar.always_on().telling(at("2024-10-01 03:00")), at("2024-10-01 03:00"));
}

#[test]
fn every_day_is_what_its_kind_says() {
    for spec in [cn_spec(), seasonal_spec()] {
        let calendar = Calendar::new(spec.clone()).unwrap();
        let mut day = date("2020-01-01");
        while day < date("2030-01-01") {
            let kind = rules::kind_of(&spec, day);
            let worked = matches!(kind, DayKind::Working | DayKind::MadeUp);
            assert_eq!(calendar.is_working_day(day), worked, "{day}");
            day = day.tomorrow().unwrap();
        }
    }
}
