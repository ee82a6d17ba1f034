//! Properties of the arithmetic, and a slow oracle that walks minute by minute.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::support::{at, cn, cn_spec, excluded, seasonal_spec};
use crate::calendar::{Calendar, CalendarSpec};
use crate::model::clock::{Extension, Limit};
use crate::model::time::{Amount, Offset, Timestamp, Unit};

const MINUTE_MS: i64 = 60_000;

static CALENDARS: LazyLock<[Calendar; 4]> = LazyLock::new(|| {
    let abroad = CalendarSpec { zone: "Europe/Berlin".to_owned(), ..cn_spec() };
    [
        cn(),
        Calendar::new(seasonal_spec()).unwrap(),
        Calendar::new(abroad).unwrap(),
        cn().always_on(),
    ]
});

fn any_calendar() -> impl Strategy<Value = &'static Calendar> {
    (0..CALENDARS.len()).prop_map(|index| &CALENDARS[index])
}

/// Instants of 2022 to 2027, to the millisecond; some at full minutes.
fn any_instant() -> impl Strategy<Value = Timestamp> {
    let span = at("2022-01-01 00:00").0..at("2027-12-31 24:00").0;
    (span, any::<bool>())
        .prop_map(|(ms, full)| Timestamp(if full { ms - ms % MINUTE_MS } else { ms }))
}

fn any_amount() -> impl Strategy<Value = Amount> {
    let unit = prop::sample::select(Unit::ALL.map(|(unit, _)| unit).to_vec());
    (unit, 0_u32..120).prop_map(|(unit, count)| Amount { count, unit })
}

fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn working_time_is_additive(
        calendar in any_calendar(), a in any_instant(), b in any_instant(), c in any_instant(),
    ) {
        let parts = calendar.working_ms(a, b) + calendar.working_ms(b, c);
        prop_assert_eq!(parts, calendar.working_ms(a, c));
        prop_assert_eq!(calendar.working_ms(a, b), -calendar.working_ms(b, a));
    }

    #[test]
    fn adding_and_subtracting_invert(
        calendar in any_calendar(), from in any_instant(), budget in 1_i64..400_000_000,
    ) {
        let later = calendar.add_working_ms(from, budget).at;
        prop_assert_eq!(calendar.working_ms(from, later), budget);
        prop_assert!(calendar.working_ms(from, later.plus_ms(-1)) < budget);
        let earlier = calendar.add_working_ms(from, -budget).at;
        prop_assert_eq!(calendar.working_ms(earlier, from), budget);
        prop_assert!(calendar.working_ms(earlier.plus_ms(1), from) < budget);
        // Back and forth ends where it began, or at the beginning of the gap it lay in.
        let back = calendar.add_working_ms(earlier, budget).at;
        prop_assert!(back <= from && calendar.working_ms(back, from) == 0);
    }

    #[test]
    fn due_times_are_monotone_and_never_before_the_start(
        calendar in any_calendar(), a in any_instant(), b in any_instant(), amount in any_amount(),
    ) {
        let (first, second) = (a.min(b), a.max(b));
        let due = calendar.due(first, amount).at;
        prop_assert!(due >= first);
        prop_assert!(due <= calendar.due(second, amount).at);
        let more = Amount { count: amount.count + 1, ..amount };
        prop_assert!(due <= calendar.due(first, more).at);
    }

    #[test]
    fn a_due_time_moves_on_as_if_it_had_been_counted_without_the_pause(
        calendar in any_calendar(), start in any_instant(), amount in any_amount(),
        begins_ms in 0_i64..2_000_000_000, lasts_ms in 0_i64..2_000_000_000,
    ) {
        let due = calendar.due(start, amount).at;
        let from = start.plus_ms(begins_ms);
        prop_assume!(from < due);
        let to = from.plus_ms(lasts_ms);
        let counted = calendar.clock_due(Limit::Amount(amount), start, &[excluded(from, to)], &[]);
        let moved = calendar.moved_on(due, amount.unit, from, to).at;
        match amount.unit {
            Unit::CalendarDays | Unit::Months => prop_assert!(moved >= counted.at),
            _ => prop_assert_eq!(moved, counted.at),
        }
    }

    #[test]
    fn offsets_of_working_days_invert(
        calendar in any_calendar(), start in any_instant(), count in 1_u32..40, back in 1_u32..40,
    ) {
        let due = calendar.due(start, Amount { count, unit: Unit::WorkingDays }).at;
        let amount = Amount { count: back, unit: Unit::WorkingDays };
        let before = calendar.offset(due, Offset::Before(amount)).at;
        prop_assert!(before < due);
        prop_assert_eq!(calendar.offset(before, Offset::After(amount)).at, due);
        let after = calendar.offset(due, Offset::After(amount)).at;
        prop_assert_eq!(calendar.offset(after, Offset::Before(amount)).at, due);
        // Always on, a due time is an instant that would begin the next day if it were a start.
        if !calendar.spec().always_on {
            prop_assert_eq!(calendar.working_days_between(due, after), i64::from(back));
        }
        let exact = Amount { count: back, unit: Unit::WorkingHours };
        let before = calendar.offset(due, Offset::Before(exact)).at;
        prop_assert_eq!(calendar.offset(before, Offset::After(exact)).at, due);
    }

    #[test]
    fn shares_climb_from_start_through_due(
        calendar in any_calendar(), start in any_instant(), amount in any_amount(),
        p in 0_u32..250, q in 0_u32..250,
    ) {
        let due = calendar.due(start, amount).at;
        let share = |percent| calendar.share(amount.unit, start, due, percent).at;
        prop_assert_eq!(share(100), due);
        prop_assert_eq!(share(0), start);
        prop_assert!(share(p.min(q)) <= share(p.max(q)));
        let told = calendar.telling(share(p));
        prop_assert!(told >= share(p));
        prop_assert_eq!(calendar.telling(told), told);
        prop_assert_eq!(calendar.working_ms(share(p), told), 0);
    }

    #[test]
    fn pauses_and_extensions_only_add(
        calendar in any_calendar(), start in any_instant(), amount in any_amount(),
        pauses in prop::collection::vec((0_i64..40_000, 0_i64..10_000), 0..4),
        more in prop::collection::vec(any_amount(), 0..3),
    ) {
        let limit = Limit::Amount(amount);
        let pause = |(after, minutes): &(i64, i64)| {
            let from = start.plus_ms(after * MINUTE_MS);
            excluded(from, from.plus_ms(minutes * MINUTE_MS))
        };
        let mut pauses: Vec<_> = pauses.iter().map(pause).collect();
        let extensions: Vec<_> = more
            .iter()
            .map(|amount| Extension { by: Limit::Amount(*amount), granted_at: start })
            .collect();
        let plain = calendar.due(start, amount);
        prop_assert_eq!(calendar.clock_due(limit, start, &[], &[]), plain);
        let paused = calendar.clock_due(limit, start, &pauses, &[]).at;
        prop_assert!(paused >= plain.at);
        let walk = calendar.explain(limit, start, &pauses, &extensions);
        prop_assert_eq!(walk.due, calendar.clock_due(limit, start, &pauses, &extensions));
        prop_assert!(walk.due.at >= paused);
        pauses.reverse();
        prop_assert_eq!(calendar.clock_due(limit, start, &pauses, &[]).at, paused);
    }

    #[test]
    fn nothing_panics_however_far(
        calendar in any_calendar(), start in any::<i64>(), end in any::<i64>(),
        amount in any_amount(), count in 0_u32..=Amount::COUNT_MAX, percent in any::<u32>(),
    ) {
        let (start, end) = (Timestamp(start), Timestamp(end));
        let amount = Amount { count, ..amount };
        let pauses = [excluded(start, end), excluded(end, start)];
        let extended = [Extension { by: Limit::Amount(amount), granted_at: end }];
        calendar.clock_due(Limit::Amount(amount), start, &pauses, &extended);
        calendar.share_excluding(amount.unit, start, end, percent, &pauses);
        calendar.offset(end, Offset::Before(amount));
        calendar.offset(end, Offset::After(amount));
        calendar.telling(start);
        calendar.working_days_between(start, end);
        calendar.working_ms(start, end);
    }
}

/// A small slow calendar of its own: it knows whether a minute is worked, and walks.
fn naive_working_minutes(calendar: &Calendar, from: Timestamp, minutes: i64) -> i64 {
    let zone = calendar.zone();
    let windows = &calendar.spec().hours[0].windows;
    let worked = |minute: &i64| {
        let at = from.0 + minute * MINUTE_MS;
        let local = zone.to_datetime(jiff::Timestamp::from_millisecond(at).unwrap());
        let of_day = i64::from(local.hour()) * 60 + i64::from(local.minute());
        let open = |start: u16, end: u16| i64::from(start) <= of_day && of_day < i64::from(end);
        let year = &calendar.spec().years[&local.date().year()];
        let rest = calendar.spec().rest_days.contains(&local.date().weekday());
        let day = if rest {
            year.weekend_days_worked.contains(&local.date())
        } else {
            !year.weekdays_off.contains(&local.date())
        };
        day && windows.iter().any(|window| open(window.start, window.end))
    };
    i64::try_from((0..minutes).filter(worked).count()).unwrap()
}

#[test]
fn the_slow_oracle_agrees() {
    for calendar in [&CALENDARS[0], &CALENDARS[2]] {
        for start in
            ["2022-01-27 15:13", "2024-03-29 11:59", "2024-09-13 17:29", "2026-02-12 03:00"]
        {
            let minutes = 15 * 24 * 60;
            let end = at(start).plus_ms(minutes * MINUTE_MS);
            let slow = naive_working_minutes(calendar, at(start), minutes);
            assert_eq!(calendar.working_ms(at(start), end), slow * MINUTE_MS, "{start}");
        }
    }
}
