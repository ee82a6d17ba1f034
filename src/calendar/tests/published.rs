//! Published facts: the working-time vectors, the notices' days, working days by month and year.

use jiff::ToSpan;
use serde_json::Value;

use super::support::{amount, at, cn, date};

#[test]
fn published_vectors_hold() {
    let file = include_str!("../../../tests/data/working-time-vectors.json");
    let file: Value = serde_json::from_str(file).unwrap();
    let calendar = cn();
    let vectors = file["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 60);
    for vector in vectors {
        let start = at(vector["start"].as_str().unwrap());
        let due = calendar.due(start, amount(vector["within"].as_str().unwrap()));
        assert_eq!(due.at, at(vector["due"].as_str().unwrap()), "{vector}");
        assert!(!due.provisional, "{vector}");
        let minutes = vector["working_minutes"].as_i64().unwrap();
        assert_eq!(calendar.working_ms(start, due.at), minutes * 60_000, "{vector}");
    }
}

/// Start day, working days, due day; from the notices of the State Council General Office.
const NOTICES: [(&str, &str, &str); 19] = [
    ("2022-01-28", "3wd", "2022-02-07"),
    ("2022-01-30", "1wd", "2022-02-07"),
    ("2022-09-30", "5wd", "2022-10-12"),
    ("2023-01-20", "5wd", "2023-02-01"),
    ("2023-04-21", "3wd", "2023-04-25"),
    ("2023-09-28", "10wd", "2023-10-18"),
    ("2023-12-29", "1wd", "2024-01-02"),
    ("2024-02-02", "5wd", "2024-02-08"),
    ("2024-02-09", "1wd", "2024-02-18"),
    ("2024-04-30", "7wd", "2024-05-13"),
    ("2024-09-13", "5wd", "2024-09-23"),
    ("2025-01-24", "5wd", "2025-02-07"),
    ("2025-09-26", "10wd", "2025-10-16"),
    ("2026-01-02", "1wd", "2026-01-04"),
    ("2026-02-13", "5wd", "2026-02-27"),
    ("2026-02-14", "1wd", "2026-02-24"),
    ("2026-04-30", "3wd", "2026-05-08"),
    ("2026-09-18", "20wd", "2026-10-22"),
    ("2026-11-20", "20wd", "2026-12-18"),
];

#[test]
fn notices_hold_at_any_time_of_the_start_day() {
    let calendar = cn();
    for (start, within, due) in NOTICES {
        for time in ["00:00", "09:00", "12:30", "17:30", "23:59"] {
            let start = at(&format!("{start} {time}"));
            let found = calendar.due(start, amount(within));
            assert_eq!(found.at, at(&format!("{due} 17:30")), "{start} + {within}");
            let counted = i64::from(amount(within).count);
            assert_eq!(calendar.working_days_between(start, found.at), counted);
        }
    }
}

#[test]
fn working_days_by_month_and_year() {
    let by_month: [(i16, [i64; 12], i64); 5] = [
        (2022, [21, 16, 23, 21, 20, 21, 21, 23, 21, 18, 22, 22], 249),
        (2023, [18, 20, 23, 20, 21, 21, 21, 23, 20, 19, 22, 21], 249),
        (2024, [22, 18, 21, 22, 21, 19, 23, 22, 21, 19, 21, 22], 251),
        (2025, [19, 19, 21, 22, 19, 20, 23, 21, 23, 18, 20, 23], 248),
        (2026, [21, 16, 22, 21, 19, 21, 23, 21, 22, 18, 21, 23], 248),
    ];
    let calendar = cn();
    for (year, months, whole) in by_month {
        for (month, expected) in (1..).zip(months) {
            let first = jiff::civil::date(year, month, 1);
            let days = first.series(1.day()).take_while(|day| day.month() == month);
            let worked = days.filter(|day| calendar.is_working_day(*day)).count();
            assert_eq!(i64::try_from(worked).unwrap(), expected, "{year}-{month}");
        }
        let from = at(&format!("{}-12-31 23:59", year - 1));
        let to = at(&format!("{year}-12-31 24:00"));
        assert_eq!(calendar.working_days_between(from, to), whole, "{year}");
        assert_eq!(calendar.working_days_between(to, from), -whole, "{year}");
    }
    assert_eq!(calendar.horizon(), Some(date("2026-12-31")));
}
