//! The digest of a calendar: 64-bit FNV-1a over what its instants depend on, in one fixed order.
//!
//! Written by hand because instances record it: it must be the same in every build, for ever.
//! Knows nothing of titles and names.

use super::{CalendarSpec, Statutory, Year};
use crate::model::time::Date;

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// The digest of a calendar's content; the order of its lists does not matter.
pub(super) fn digest(spec: &CalendarSpec) -> u64 {
    let mut state = Digest(FNV_OFFSET);
    state.text("id", spec.id.as_str());
    state.text("zone", &spec.zone);
    if spec.always_on {
        state.text("always_on", "true");
        return state.0;
    }
    let mut seasons: Vec<_> = spec.hours.iter().collect();
    seasons.sort_by_key(|season| season.from);
    for season in seasons {
        let from = season.from.map(|day| format!("{:02}-{:02}", day.month, day.day));
        state.text("season", &from.unwrap_or_default());
        for window in &season.windows {
            state.text("window", &format!("{}-{}", window.start, window.end));
        }
    }
    let mut rest_days: Vec<i8> =
        spec.rest_days.iter().map(|day| day.to_monday_one_offset()).collect();
    rest_days.sort_unstable();
    rest_days.dedup();
    for day in rest_days {
        state.text("rest", &day.to_string());
    }
    let mut statutory = spec.statutory.clone();
    statutory.sort_unstable();
    statutory.dedup();
    for day in statutory {
        let text = match day {
            Statutory::EachYear(day) => format!("{:02}-{:02}", day.month, day.day),
            Statutory::On(date) => date.to_string(),
        };
        state.text("statutory", &text);
    }
    for (number, year) in &spec.years {
        state.year(*number, year);
    }
    state.0
}

struct Digest(u64);

impl Digest {
    fn year(&mut self, number: i16, year: &Year) {
        self.text("year", &number.to_string());
        self.dates("off", &year.weekdays_off);
        self.dates("worked", &year.weekend_days_worked);
    }

    fn dates(&mut self, label: &str, dates: &[Date]) {
        let mut sorted = dates.to_vec();
        sorted.sort_unstable();
        for date in sorted {
            self.text(label, &date.to_string());
        }
    }

    /// Label and text, each ended by a byte that no text holds.
    fn text(&mut self, label: &str, text: &str) {
        let bytes = label.bytes().chain([0]).chain(text.bytes()).chain([0]);
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(FNV_PRIME);
        }
    }
}
