//! Calendars and the day walk as messages.

use crate::api::pb;
use crate::calendar::explain::{Counted, DayStep, DayVerdict, DayWalk};
use crate::calendar::{Calendar, MonthDay, Season, Window};
use crate::model::time::Timestamp;
use crate::runtime::CalendarPreview;

use super::{day, digest, duration, instant, limit, texts, title};

/// What publishing a calendar does, or would do.
pub(in crate::api) fn preview(preview: &CalendarPreview) -> pb::CalendarServicePublishResponse {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let moves = preview.moves.iter().map(|(instance, moved)| pb::ClockMove {
        instance: instance.to_string(),
        clock: Some(super::clock::reference(&moved.clock)),
        due_before: Some(instant(moved.due_before)),
        due_after: Some(instant(moved.due_after)),
        provisional: moved.provisional,
    });
    pb::CalendarServicePublishResponse {
        changes: preview.changes,
        digest: super::digest(preview.digest),
        warnings: preview.warnings.iter().map(super::diagnostic::line).collect(),
        instances: count(preview.instances),
        running_clocks: count(preview.running),
        moving_clocks: count(preview.moving),
        moves: moves.collect(),
    }
}

/// A calendar as lists show it: without seasons and years.
pub(in crate::api) fn summary(calendar: &Calendar) -> pb::Calendar {
    let spec = calendar.spec();
    pb::Calendar {
        id: spec.id.to_string(),
        title: Some(title(&spec.title)),
        zone: spec.zone.clone(),
        always_on: spec.always_on,
        digest: digest(calendar.digest()),
        horizon: calendar.horizon().map(day).unwrap_or_default(),
        ..Default::default()
    }
}

/// A calendar as a whole.
pub(in crate::api) fn calendar(calendar: &Calendar) -> pb::Calendar {
    let spec = calendar.spec();
    let rest_days = spec.rest_days.iter().map(|day| day.to_monday_one_offset().unsigned_abs());
    let years = spec.years.iter().map(|(number, year)| pb::CalendarYear {
        year: i32::from(*number),
        days_off: texts(&year.weekdays_off),
        days_worked: texts(&year.weekend_days_worked),
    });
    pb::Calendar {
        seasons: spec.hours.iter().map(season).collect(),
        rest_days: rest_days.map(u32::from).collect(),
        years: years.collect(),
        ..summary(calendar)
    }
}

/// How a due time came about.
pub(in crate::api) fn walk(started_at: Timestamp, walk: &DayWalk) -> pb::DayWalk {
    pb::DayWalk {
        limit: Some(limit(walk.limit)),
        started: Some(instant(started_at)),
        started_local: walk.started.to_string(),
        steps: walk.steps.iter().map(step).collect(),
        due: Some(instant(walk.due.at)),
        due_local: walk.due_local.to_string(),
        provisional: walk.due.provisional,
        zone: walk.zone.clone(),
    }
}

fn step(step: &DayStep) -> pb::DayStep {
    use pb::day_step::Counted as Wire;
    let plain = pb::DayStep {
        date: day(step.date),
        counted: match step.counted {
            Counted::Nothing => None,
            Counted::WorkingDays(days) => Some(Wire::WorkingDays(days)),
            Counted::CalendarDays(days) => Some(Wire::CalendarDays(days)),
            Counted::WorkingMs(milliseconds) => Some(Wire::WorkingTime(duration(milliseconds))),
        },
        ..Default::default()
    };
    let with = |verdict: pb::DayVerdict| pb::DayStep { verdict: verdict.into(), ..plain.clone() };
    match &step.verdict {
        DayVerdict::Start => with(pb::DayVerdict::Start),
        DayVerdict::Counted => with(pb::DayVerdict::Counted),
        DayVerdict::MadeUp => with(pb::DayVerdict::MadeUp),
        DayVerdict::Rest => with(pb::DayVerdict::Rest),
        DayVerdict::Holiday(name) => {
            pb::DayStep { holiday: name.as_ref().map(title), ..with(pb::DayVerdict::Holiday) }
        }
        DayVerdict::Excluded { from, to } => pb::DayStep {
            excluded_from: from.to_string(),
            excluded_to: to.to_string(),
            ..with(pb::DayVerdict::Excluded)
        },
        DayVerdict::MovedOn => with(pb::DayVerdict::MovedOn),
        DayVerdict::Rolled => with(pb::DayVerdict::Rolled),
        DayVerdict::Extended(by) => {
            pb::DayStep { extension: Some(limit(*by)), ..with(pb::DayVerdict::Extended) }
        }
        DayVerdict::Due => with(pb::DayVerdict::Due),
    }
}

fn season(season: &Season) -> pb::CalendarSeason {
    let from = |day: MonthDay| format!("{:02}-{:02}", day.month, day.day);
    let window = |window: &Window| format!("{}-{}", time(window.start), time(window.end));
    pb::CalendarSeason {
        from: season.from.map(from).unwrap_or_default(),
        windows: season.windows.iter().map(window).collect(),
    }
}

fn time(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}
