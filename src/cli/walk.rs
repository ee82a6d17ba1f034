//! The walk through the days that leads to a due time, as a person reads it.

use crate::api::pb::day_step::Counted;
use crate::api::pb::{DayStep, DayVerdict, DayWalk, Limit, limit};

/// The days, one line each; ordinary days one after the other share a line.
pub(super) fn lines(walk: &DayWalk) -> Vec<String> {
    let mut lines = vec![format!("{}  begins", walk.started_local.replace('T', " "))];
    let mut run: Vec<&DayStep> = Vec::new();
    for step in &walk.steps {
        if is_ordinary(step) {
            run.push(step);
        } else {
            lines.extend(run_line(&run));
            run.clear();
            lines.push(format!("{}  {}", step.date, what(step)));
        }
    }
    lines.extend(run_line(&run));
    let provisional =
        if walk.provisional { " (provisional: beyond the published years)" } else { "" };
    lines.push(format!("{}  due{provisional}", walk.due_local.replace('T', " ")));
    lines
}

/// A limit as it is written.
pub(super) fn limit_text(limit: Option<&Limit>) -> String {
    match limit.and_then(|limit| limit.length.as_ref()) {
        Some(limit::Length::Amount(text) | limit::Length::Date(text)) => text.clone(),
        None => "-".to_owned(),
    }
}

fn is_ordinary(step: &DayStep) -> bool {
    matches!(step.verdict(), DayVerdict::Counted | DayVerdict::Rest)
}

fn run_line(run: &[&DayStep]) -> Option<String> {
    let (first, last) = (run.first()?, run.last()?);
    let counted = run.iter().filter(|step| step.verdict() == DayVerdict::Counted).count();
    let rest = run.len() - counted;
    let so_far = run.iter().rev().find_map(|step| count(step));
    if run.len() == 1 {
        return Some(format!("{}  {}", first.date, what(first)));
    }
    let rest = if rest > 0 { format!(", {rest} at the weekend") } else { String::new() };
    let so_far = so_far.map(|so_far| format!("  ({so_far})")).unwrap_or_default();
    Some(format!("{} to {}  {counted} counted{rest}{so_far}", first.date, last.date))
}

fn what(step: &DayStep) -> String {
    let text = match step.verdict() {
        DayVerdict::Unspecified => "?".to_owned(),
        DayVerdict::Start => "the day of the start, never counted".to_owned(),
        DayVerdict::Counted => "counted".to_owned(),
        DayVerdict::MadeUp => "worked in exchange for a holiday: counted".to_owned(),
        DayVerdict::Rest => "weekend".to_owned(),
        DayVerdict::Holiday => match step.holiday.as_ref() {
            Some(title) => format!("holiday: {} {}", title.en, title.zh),
            None => "day off".to_owned(),
        },
        DayVerdict::Excluded => {
            format!("not counted from {} to {}", step.excluded_from, step.excluded_to)
        }
        DayVerdict::MovedOn => "moved on for the time that did not count".to_owned(),
        DayVerdict::Rolled => "not worked: moves on".to_owned(),
        DayVerdict::Extended => {
            format!("extended by {}", limit_text(step.extension.as_ref()))
        }
        DayVerdict::Due => "the day of the due time".to_owned(),
    };
    let count = count(step).map(|count| format!("  ({count})")).unwrap_or_default();
    format!("{text}{count}")
}

fn count(step: &DayStep) -> Option<String> {
    match step.counted.as_ref()? {
        Counted::WorkingDays(days) | Counted::CalendarDays(days) => Some(days.to_string()),
        Counted::WorkingTime(time) => {
            let minutes = time.seconds / 60;
            Some(format!("{} h {:02} min", minutes / 60, minutes % 60))
        }
    }
}
