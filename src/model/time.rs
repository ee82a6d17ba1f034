//! Instants and amounts of time, in the units that administrators write.
//!
//! Knows no clock and no calendar: what `5wd` means is the business of [`crate::calendar`].

use std::fmt;
use std::str::FromStr;

/// A day without time or zone.
pub type Date = jiff::civil::Date;

/// An instant: whole milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The instant so many milliseconds later (earlier if negative).
    #[must_use]
    pub fn plus_ms(self, milliseconds: i64) -> Self {
        Self(self.0.saturating_add(milliseconds))
    }

    /// Milliseconds from `earlier` to this instant.
    pub fn ms_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(instant) => write!(out, "{instant}"),
            Err(_) => write!(out, "{} ms", self.0),
        }
    }
}

/// A unit of time as administrators write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// `wd`: close of business of the n-th working day after the start day.
    WorkingDays,
    /// `wh`: working hours, exact.
    WorkingHours,
    /// `wm`: working minutes, exact.
    WorkingMinutes,
    /// `cd`: 24:00 of the n-th calendar day after the start day, moved to a working day.
    CalendarDays,
    /// `mo`: the same day n months later, then as `cd`.
    Months,
    /// `h`: wall-clock hours.
    Hours,
    /// `m`: wall-clock minutes.
    Minutes,
}

impl Unit {
    /// Every unit with its suffix, in the order in which they are explained.
    pub const ALL: [(Unit, &'static str); 7] = [
        (Unit::WorkingDays, "wd"),
        (Unit::WorkingHours, "wh"),
        (Unit::WorkingMinutes, "wm"),
        (Unit::CalendarDays, "cd"),
        (Unit::Months, "mo"),
        (Unit::Hours, "h"),
        (Unit::Minutes, "m"),
    ];

    /// The suffix that is written after the number.
    pub fn suffix(self) -> &'static str {
        match self {
            Unit::WorkingDays => "wd",
            Unit::WorkingHours => "wh",
            Unit::WorkingMinutes => "wm",
            Unit::CalendarDays => "cd",
            Unit::Months => "mo",
            Unit::Hours => "h",
            Unit::Minutes => "m",
        }
    }
}

/// A positive length of time in one unit, such as `5wd`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Amount {
    /// How many; at most [`Amount::COUNT_MAX`].
    pub count: u32,
    /// Of what.
    pub unit: Unit,
}

impl Amount {
    /// The largest count that is accepted: generous for any real limit, safe for any arithmetic.
    pub const COUNT_MAX: u32 = 1_000_000;
}

impl fmt::Display for Amount {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}{}", self.count, self.unit.suffix())
    }
}

/// Why a text is not an amount of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvalidAmount {
    /// It does not start with digits.
    NoNumber,
    /// The number is larger than [`Amount::COUNT_MAX`].
    TooLarge,
    /// A number without a unit.
    NoUnit,
    /// A bare `d`: working or calendar days?
    BareDays,
    /// A suffix that is no unit.
    UnknownUnit(String),
}

impl fmt::Display for InvalidAmount {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoNumber => write!(out, "an amount of time starts with a number"),
            Self::TooLarge => write!(out, "at most {} is accepted", Amount::COUNT_MAX),
            Self::NoUnit => write!(out, "the unit is missing"),
            Self::BareDays => write!(out, "`d` does not say which days"),
            Self::UnknownUnit(unit) => write!(out, "`{unit}` is not a unit of time"),
        }
    }
}

impl std::error::Error for InvalidAmount {}

impl FromStr for Amount {
    type Err = InvalidAmount;

    fn from_str(text: &str) -> Result<Self, InvalidAmount> {
        let digits_end = text.find(|each: char| !each.is_ascii_digit()).unwrap_or(text.len());
        let (digits, suffix) = text.split_at(digits_end);
        if digits.is_empty() {
            return Err(InvalidAmount::NoNumber);
        }
        let count: u32 = digits.parse().map_err(|_| InvalidAmount::TooLarge)?;
        if count > Self::COUNT_MAX {
            return Err(InvalidAmount::TooLarge);
        }
        match suffix {
            "" => Err(InvalidAmount::NoUnit),
            "d" => Err(InvalidAmount::BareDays),
            other => Unit::ALL
                .iter()
                .find(|(_, known)| *known == other)
                .map(|(unit, _)| Amount { count, unit: *unit })
                .ok_or_else(|| InvalidAmount::UnknownUnit(other.to_owned())),
        }
    }
}

/// A point relative to a due time: `-1wd`, `due`, `+16wh`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Offset {
    /// So long before the due time.
    Before(Amount),
    /// So long after the due time.
    After(Amount),
}

impl fmt::Display for Offset {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Before(amount) => write!(out, "-{amount}"),
            Self::After(amount) => write!(out, "+{amount}"),
        }
    }
}
