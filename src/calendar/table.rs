//! The day table: every day from 1970 to 2200 with the working time and working days before it.
//!
//! Every question is a binary search in it. Knows nothing of units, limits or clocks; a day is an
//! index into the table here, and instants beyond the table saturate at its edges.

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time, date};
use jiff::tz::TimeZone;

use crate::model::time::Timestamp;

use super::{CalendarSpec, rules};

/// A year before 1970 and one after 2200, so that no zone's edge is ever near.
const FIRST_DAY: Date = date(1969, 1, 1);
const LAST_DAY: Date = date(2201, 12, 31);

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// The windows of a day that is not worked.
const CLOSED: u16 = 0;

/// Windows in milliseconds since the day's beginning, in order.
type Shape = Vec<(i64, i64)>;

struct Day {
    starts_ms: i64,
    worked_before_ms: i64,
    working_days_before: i64,
    shape: u16,
}

/// All days, and one entry more that carries the sums of all.
pub(super) struct Table {
    days: Vec<Day>,
    /// Windows that occur: one entry per season, and one per odd day (a change of the clocks).
    shapes: Vec<Shape>,
}

/// The index of a day; days beyond the table are its first or last.
pub(super) fn day_of(date: Date) -> usize {
    let inside = date.clamp(FIRST_DAY, LAST_DAY);
    let hours = inside.duration_since(FIRST_DAY).as_hours();
    usize::try_from(hours / 24).unwrap_or_default()
}

/// The day of an index.
pub(super) fn date_at(day: usize) -> Date {
    let days = i64::try_from(day).unwrap_or(i64::from(u32::MAX));
    FIRST_DAY.saturating_add(SignedDuration::from_hours(days.saturating_mul(24))).min(LAST_DAY)
}

impl Table {
    /// Walks all days once.
    pub(super) fn build(spec: &CalendarSpec, zone: &TimeZone) -> Self {
        Builder::new(spec, zone).build()
    }

    fn last(&self) -> usize {
        // The builder always adds the closing entry, and days before it.
        self.days.len().saturating_sub(2)
    }

    /// The day that holds an instant.
    pub(super) fn day_at(&self, at: Timestamp) -> usize {
        let after = self.days.partition_point(|day| day.starts_ms <= at.0);
        after.saturating_sub(1).min(self.last())
    }

    /// 00:00 of a day.
    pub(super) fn start_of(&self, day: usize) -> Timestamp {
        Timestamp(self.days[day.min(self.last())].starts_ms)
    }

    /// 24:00 of a day.
    pub(super) fn end_of(&self, day: usize) -> Timestamp {
        Timestamp(self.days[day.min(self.last()) + 1].starts_ms)
    }

    /// Whether a day is worked.
    pub(super) fn is_working(&self, day: usize) -> bool {
        self.days[day.min(self.last())].shape != CLOSED
    }

    /// Working days up to and including a day.
    pub(super) fn working_days_through(&self, day: usize) -> i64 {
        self.days[day.min(self.last()) + 1].working_days_before
    }

    /// The first opening of a working day.
    pub(super) fn opening(&self, day: usize) -> Option<Timestamp> {
        self.windows(day).next().map(|(opens, _)| opens)
    }

    /// The last closing of a working day.
    pub(super) fn closing(&self, day: usize) -> Option<Timestamp> {
        self.windows(day).last().map(|(_, closes)| closes)
    }

    /// The windows of a day as instants, in order.
    pub(super) fn windows(&self, day: usize) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        let day = &self.days[day.min(self.last())];
        let start = Timestamp(day.starts_ms);
        let shape = &self.shapes[usize::from(day.shape)];
        shape.iter().map(move |(opens, closes)| (start.plus_ms(*opens), start.plus_ms(*closes)))
    }

    /// The n-th working day after a day; with 0 the day itself if it is worked.
    pub(super) fn working_day_after(&self, day: usize, count: u32) -> usize {
        if count == 0 && self.is_working(day) {
            return day;
        }
        let rank = self.working_days_through(day) + i64::from(count.max(1));
        self.working_day_of_rank(rank)
    }

    /// The n-th working day before a day; with 0 the day itself.
    pub(super) fn working_day_before(&self, day: usize, count: u32) -> usize {
        if count == 0 {
            return day;
        }
        let before = self.days[day.min(self.last())].working_days_before;
        self.working_day_of_rank(before + 1 - i64::from(count))
    }

    fn working_day_of_rank(&self, rank: i64) -> usize {
        let after = self.days.partition_point(|day| day.working_days_before < rank);
        after.saturating_sub(1).min(self.last())
    }

    /// All working time of the table before an instant.
    pub(super) fn worked_until(&self, at: Timestamp) -> i64 {
        let day = self.day_at(at);
        let today: i64 =
            self.windows(day).map(|(opens, closes)| at.clamp(opens, closes).ms_since(opens)).sum();
        self.days[day].worked_before_ms + today
    }

    /// The earliest instant before which so much of the table's working time lies; at least 1.
    pub(super) fn earliest_with(&self, worked_ms: i64) -> Timestamp {
        let after = self.days.partition_point(|day| day.worked_before_ms < worked_ms);
        if after == self.days.len() {
            return self.end_of(self.last());
        }
        let day = after.saturating_sub(1);
        let mut rest = worked_ms - self.days[day].worked_before_ms;
        for (opens, closes) in self.windows(day) {
            let length = closes.ms_since(opens);
            if rest <= length {
                return opens.plus_ms(rest);
            }
            rest -= length;
        }
        self.end_of(day)
    }

    /// The latest instant before which no more of the table's working time lies.
    pub(super) fn latest_with(&self, worked_ms: i64) -> Timestamp {
        let after = self.days.partition_point(|day| day.worked_before_ms <= worked_ms);
        if after == 0 {
            return self.start_of(0);
        }
        let day = (after - 1).min(self.last());
        let mut rest = worked_ms - self.days[day].worked_before_ms;
        for (opens, closes) in self.windows(day) {
            let length = closes.ms_since(opens);
            if rest < length {
                return opens.plus_ms(rest);
            }
            rest -= length;
        }
        self.end_of(day)
    }
}

/// Walks the days with the zone's offset at hand, asking the zone itself only about days near a
/// change of the clocks: most zones have none for most of the table.
struct Builder<'a> {
    spec: &'a CalendarSpec,
    zone: &'a TimeZone,
    offset_ms: i64,
    /// Up to this instant `offset_ms` holds.
    steady_until_ms: i64,
    shapes: Vec<Shape>,
    /// The shape of each season's days where no clock changes.
    steady_shapes: Vec<u16>,
    days: Vec<Day>,
    worked_before_ms: i64,
    working_days_before: i64,
}

impl<'a> Builder<'a> {
    fn new(spec: &'a CalendarSpec, zone: &'a TimeZone) -> Self {
        let mut builder = Self {
            spec,
            zone,
            offset_ms: 0,
            steady_until_ms: i64::MIN,
            shapes: vec![Shape::new()],
            steady_shapes: Vec::new(),
            days: Vec::with_capacity(day_of(LAST_DAY) + 2),
            worked_before_ms: 0,
            working_days_before: 0,
        };
        builder.settle_offset(builder.instant(midnight_of(FIRST_DAY)));
        for windows in rules::seasons(spec) {
            let edge = |minute: u16| i64::from(minute) * MINUTE_MS;
            let shape = windows.iter().map(|each| (edge(each.start), edge(each.end))).collect();
            let index = builder.shape_index(shape);
            builder.steady_shapes.push(index);
        }
        builder
    }

    fn build(mut self) -> Table {
        let mut nominal_ms = utc_ms(midnight_of(FIRST_DAY));
        for year in FIRST_DAY.year()..=LAST_DAY.year() {
            for season in rules::seasons_by_day(self.spec, year) {
                self.add_day(nominal_ms, season);
                nominal_ms += DAY_MS;
            }
        }
        // One entry more: the sums of all, and the end of the last day.
        self.add_day(nominal_ms, None);
        Table { days: self.days, shapes: self.shapes }
    }

    /// Adds the day whose 00:00 would be `nominal_ms` in UTC.
    fn add_day(&mut self, nominal_ms: i64, season: Option<usize>) {
        let mut starts_ms = nominal_ms - self.offset_ms;
        let steady = starts_ms.saturating_add(2 * DAY_MS) < self.steady_until_ms;
        if !steady {
            starts_ms = self.instant(midnight_of(date_at(self.days.len())));
            if starts_ms >= self.steady_until_ms {
                self.settle_offset(starts_ms);
            }
        }
        let shape = match season {
            None => CLOSED,
            Some(season) if steady => self.steady_shapes[season],
            Some(season) => self.odd_shape(starts_ms, season),
        };
        let (worked_before_ms, working_days_before) =
            (self.worked_before_ms, self.working_days_before);
        self.days.push(Day { starts_ms, worked_before_ms, working_days_before, shape });
        for (opens, closes) in &self.shapes[usize::from(shape)] {
            self.worked_before_ms += closes - opens;
        }
        self.working_days_before += i64::from(shape != CLOSED);
    }

    /// The windows of a day near a change of the clocks.
    fn odd_shape(&mut self, starts_ms: i64, season: usize) -> u16 {
        let midnight = midnight_of(date_at(self.days.len()));
        let edge = |minute: u16| {
            let since = SignedDuration::from_mins(i64::from(minute));
            self.instant(midnight.saturating_add(since)) - starts_ms
        };
        let mut shape = Shape::new();
        let mut closed_ms = 0;
        for window in rules::seasons(self.spec)[season] {
            // A clock put forward may push a window's edges past the next one's.
            let opens = edge(window.start).max(closed_ms);
            closed_ms = edge(window.end).max(opens);
            shape.push((opens, closed_ms));
        }
        self.shape_index(shape)
    }

    fn shape_index(&mut self, shape: Shape) -> u16 {
        let known = self.shapes.iter().position(|each| *each == shape);
        let index = known.unwrap_or_else(|| {
            self.shapes.push(shape);
            self.shapes.len() - 1
        });
        u16::try_from(index).unwrap_or(u16::MAX)
    }

    fn settle_offset(&mut self, from_ms: i64) {
        let Ok(from) = jiff::Timestamp::from_millisecond(from_ms) else { return };
        self.offset_ms = i64::from(self.zone.to_offset(from).seconds()) * 1000;
        let change = self.zone.following(from).next();
        self.steady_until_ms = change.map_or(i64::MAX, |each| each.timestamp().as_millisecond());
    }

    fn instant(&self, civil: DateTime) -> i64 {
        // It fails only near the years ±9999, and the table ends long before.
        self.zone
            .to_timestamp(civil)
            .map_or_else(|_| utc_ms(civil), jiff::Timestamp::as_millisecond)
    }
}

fn midnight_of(date: Date) -> DateTime {
    date.to_datetime(Time::midnight())
}

/// The instant that a civil time would be in UTC.
fn utc_ms(civil: DateTime) -> i64 {
    civil.duration_since(midnight_of(date(1970, 1, 1))).as_secs() * 1000
}
