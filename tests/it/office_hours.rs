//! Office hours by hand: working time between two local instants, day by day over lists that stand
//! here, and ranks of sorted values. Never asks the service, nor its calendar.

use jiff::civil::{Date, DateTime, Weekday, date};
use jiff::tz::{Offset, TimeZone};

/// China's time: eight hours ahead, all year.
const CHINA: Offset = jiff::tz::offset(8);

/// Weekdays without work in the months of which tests tell: New Year and Spring Festival.
const OFF: [Date; 13] = [
    date(2022, 1, 3),
    date(2022, 1, 31),
    date(2022, 2, 1),
    date(2022, 2, 2),
    date(2022, 2, 3),
    date(2022, 2, 4),
    date(2025, 1, 1),
    date(2025, 1, 28),
    date(2025, 1, 29),
    date(2025, 1, 30),
    date(2025, 1, 31),
    date(2025, 2, 3),
    date(2025, 2, 4),
];

/// Days of a weekend that are worked in exchange.
const WORKED: [Date; 4] =
    [date(2022, 1, 29), date(2022, 1, 30), date(2025, 1, 26), date(2025, 2, 8)];

/// From nine to twelve and from two to half past five, in minutes of the day.
const HOURS: [(i64, i64); 2] = [(9 * 60, 12 * 60), (14 * 60, 17 * 60 + 30)];

const MINUTE_MS: i64 = 60_000;

/// The working time of a working day.
const DAY_MS: i64 = (3 * 60 + 3 * 60 + 30) * MINUTE_MS;

/// A local instant, such as `2025-01-06 09:00`.
pub(crate) fn local(text: &str) -> DateTime {
    text.replace(' ', "T").parse().unwrap()
}

/// The local time of an instant.
pub(crate) fn local_of(at: jiff::Timestamp) -> DateTime {
    at.to_zoned(TimeZone::fixed(CHINA)).datetime()
}

/// The instant of a local time, in milliseconds.
pub(crate) fn milliseconds(at: DateTime) -> i64 {
    CHINA.to_timestamp(at).unwrap().as_millisecond()
}

fn is_worked(day: Date) -> bool {
    let rests = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
    WORKED.contains(&day) || !rests && !OFF.contains(&day)
}

/// The end of the working day that comes so many working days after the one of an instant.
pub(crate) fn close_after(from: DateTime, working_days: usize) -> DateTime {
    let mut days = from.date().series(jiff::Span::new().days(1)).skip(1);
    let day = days.by_ref().filter(|day| is_worked(*day)).nth(working_days - 1);
    day.unwrap().at(17, 30, 0, 0)
}

/// Working time between two local instants, in milliseconds.
pub(crate) fn worked(from: DateTime, to: DateTime) -> i64 {
    let days = from.date().series(jiff::Span::new().days(1)).take_while(|day| *day <= to.date());
    let of_day = |day: Date| {
        let since = |at: DateTime| milliseconds(at) - milliseconds(day.at(0, 0, 0, 0));
        let within = HOURS.map(|(opens, closes)| {
            let from = since(from).max(opens * MINUTE_MS);
            (since(to).min(closes * MINUTE_MS) - from).max(0)
        });
        within.into_iter().sum::<i64>()
    };
    days.filter(|day| is_worked(*day)).map(of_day).sum()
}

/// Working time in days, in hundredths.
pub(crate) fn hundredths_of_days(ms: i64) -> i64 {
    (ms * 100 + DAY_MS / 2) / DAY_MS
}

/// The value below which lie so many of a hundred, by the nearest rank.
pub(crate) fn ranked(values: &[i64], of_hundred: usize) -> Option<i64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * of_hundred).div_ceil(100);
    rank.checked_sub(1).map(|at| sorted[at])
}

/// A number with so many decimal places as people write it: without those that say nothing.
pub(crate) fn decimal(number: i64, places: u32) -> String {
    let unit = 10_i64.pow(places);
    let (whole, rest) = (number / unit, number % unit);
    let rest = format!("{rest:0width$}", width = places as usize);
    let rest = rest.trim_end_matches('0');
    if rest.is_empty() { whole.to_string() } else { format!("{whole}.{rest}") }
}

#[test]
fn a_week_with_a_festival_has_the_hours_that_a_clerk_counts() {
    // Friday afternoon, the worked weekend, and Monday morning after a week of rest.
    let (from, to) = (local("2022-01-28 15:00"), local("2022-02-07 10:30"));
    assert_eq!(worked(from, to), (150 + 390 + 390 + 90) * MINUTE_MS);
    assert_eq!(close_after(from, 3), local("2022-02-07 17:30"));
    assert_eq!(worked(local("2022-02-01 09:00"), local("2022-02-05 17:30")), 0);
    assert_eq!(worked(local("2025-02-07 11:59"), local("2025-02-08 09:01")), 212 * MINUTE_MS);
    assert_eq!(
        (decimal(503, 2), decimal(500, 2), decimal(6, 2)),
        ("5.03".into(), "5".into(), "0.06".into())
    );
    assert_eq!(
        (ranked(&[3, 1, 2], 50), ranked(&[3, 1, 2], 90), ranked(&[], 50)),
        (Some(2), Some(3), None)
    );
}
