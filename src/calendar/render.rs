//! The day walk in words, English or Chinese.
//!
//! Long stretches of plain days become one line. Knows nothing of calendars: only of the walk.

use std::fmt::Write as _;

use jiff::civil::{Date, DateTime, Weekday};

use crate::model::clock::Limit;
use crate::model::organization::Title;
use crate::model::time::{Amount, Unit};

use super::explain::{Counted, DayStep, DayVerdict, DayWalk};

/// A plain stretch of at least so many days is told as one.
const STRETCH_DAYS_MIN: usize = 8;

/// A language of the explanation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// English.
    English,
    /// Chinese.
    Chinese,
}

impl Language {
    /// The text in this language.
    pub fn pick<'a>(self, english: &'a str, chinese: &'a str) -> &'a str {
        match self {
            Self::English => english,
            Self::Chinese => chinese,
        }
    }
}

impl DayWalk {
    /// The walk as lines of text: the limit, its days, the due time.
    pub fn text(&self, language: Language) -> String {
        let mut text = String::new();
        let begun = local(self.started, language);
        let limit = limit_in_words(self.limit, language);
        let _ = match language {
            Language::English => writeln!(text, "{limit} from {begun}"),
            Language::Chinese => writeln!(text, "自 {begun} 起 {limit}"),
        };
        let mut rest = self.steps.as_slice();
        while !rest.is_empty() {
            let (stretch, after) = rest.split_at(stretch_len(rest));
            let _ = writeln!(text, "  {}", self.line(stretch, language));
            rest = after;
        }
        text
    }

    fn line(&self, stretch: &[DayStep], language: Language) -> String {
        let [first, .., last] = stretch else {
            let step = &stretch[0];
            return match step.verdict {
                DayVerdict::Due => self.due_line(language),
                DayVerdict::Excluded { .. } => verdict(step, language),
                _ => joined(&day(step.date, language), &verdict(step, language), language),
            };
        };
        let range = format!("{} – {}", day(first.date, language), day(last.date, language));
        let words = match first.verdict {
            DayVerdict::Counted => counted_stretch(first, last, stretch, language),
            _ => verdict(first, language),
        };
        joined(&range, &words, language)
    }

    fn due_line(&self, language: Language) -> String {
        // 00:00 is told as the end of the day that ends there: that is what was counted to.
        let midnight = self.due_local.time() == jiff::civil::Time::midnight();
        let due_day = self.steps.last().map(|step| step.date);
        let due = match due_day {
            Some(date) if midnight => format!("{} 24:00", day(date, language)),
            _ => local(self.due_local, language),
        };
        let beyond = match (self.due.provisional, language) {
            (false, _) => "",
            (true, Language::English) => " (provisional: beyond the published calendar)",
            (true, Language::Chinese) => "（暂定：超出已公布的日历）",
        };
        format!("{}{due}{beyond}", language.pick("due ", "到期："))
    }
}

/// How many steps at the beginning are told as one line; at least one.
fn stretch_len(steps: &[DayStep]) -> usize {
    let Some(first) = steps.first() else { return 0 };
    let same = |step: &&DayStep| step.verdict == first.verdict;
    match first.verdict {
        DayVerdict::Rest | DayVerdict::Holiday(_) | DayVerdict::MovedOn => {
            steps.iter().take_while(same).count()
        }
        DayVerdict::Counted => {
            let plain =
                |step: &&DayStep| matches!(step.verdict, DayVerdict::Counted | DayVerdict::Rest);
            let stretch = &steps[..steps.iter().take_while(plain).count()];
            let last = stretch.iter().rposition(|step| step.verdict == DayVerdict::Counted);
            let length = last.map_or(1, |last| last + 1);
            if length < STRETCH_DAYS_MIN { 1 } else { length }
        }
        DayVerdict::Start
        | DayVerdict::MadeUp
        | DayVerdict::Excluded { .. }
        | DayVerdict::Rolled
        | DayVerdict::Extended(_)
        | DayVerdict::Due => 1,
    }
}

fn joined(days: &str, words: &str, language: Language) -> String {
    format!("{days}{}{words}", language.pick(": ", "："))
}

fn verdict(step: &DayStep, language: Language) -> String {
    let counted = counted(step.counted, language);
    match &step.verdict {
        DayVerdict::Start => language.pick("start day, not counted", "起算日，不计").to_owned(),
        DayVerdict::Counted => counted,
        DayVerdict::MadeUp => {
            let made_up = language.pick(", a rest day that is worked", "，调休上班");
            format!("{counted}{made_up}")
        }
        DayVerdict::Rest => language.pick("weekly rest day", "休息日").to_owned(),
        DayVerdict::Holiday(None) => language.pick("day off", "法定节假日").to_owned(),
        DayVerdict::Holiday(Some(Title { en, zh })) => language.pick(en, zh).to_owned(),
        DayVerdict::Excluded { from, to } => {
            excluded(&local(*from, language), &local(*to, language), step.counted, language)
        }
        DayVerdict::MovedOn => {
            language.pick("moved on by the time paused", "因暂停计时顺延").to_owned()
        }
        DayVerdict::Rolled => {
            language.pick("no working day: on to the next", "非工作日，顺延至下一工作日").to_owned()
        }
        DayVerdict::Extended(limit) => {
            let words = limit_in_words(*limit, language);
            match (limit, language) {
                (Limit::Amount(_), Language::English) => format!("extended by {words}"),
                (Limit::Date(_), Language::English) => format!("extended {words}"),
                (Limit::Amount(_), Language::Chinese) => format!("延期 {words}"),
                (Limit::Date(_), Language::Chinese) => format!("延期{words}"),
            }
        }
        DayVerdict::Due => language.pick("due", "到期").to_owned(),
    }
}

fn excluded(from: &str, to: &str, together: Counted, language: Language) -> String {
    let mut words = match language {
        Language::English => format!("paused {from} to {to}"),
        Language::Chinese => format!("暂停计时：{from} 至 {to}"),
    };
    let total = match (together, language) {
        (Counted::Nothing | Counted::WorkingDays(_), _) => return words,
        (Counted::CalendarDays(1), Language::English) => "1 calendar day".to_owned(),
        (Counted::CalendarDays(days), Language::English) => format!("{days} calendar days"),
        (Counted::CalendarDays(days), Language::Chinese) => format!("{days} 个自然日"),
        (Counted::WorkingMs(total), _) => working_time(total, language),
    };
    words += language.pick("; in all ", "；累计 ");
    words + total.as_str()
}

fn counted_stretch(
    first: &DayStep,
    last: &DayStep,
    stretch: &[DayStep],
    language: Language,
) -> String {
    let mut words = match (first.counted, last.counted, language) {
        (Counted::WorkingDays(from), Counted::WorkingDays(to), Language::English) => {
            format!("working days {from} to {to}")
        }
        (Counted::WorkingDays(from), Counted::WorkingDays(to), Language::Chinese) => {
            format!("第 {from} 至 {to} 个工作日")
        }
        (Counted::CalendarDays(from), Counted::CalendarDays(to), Language::English) => {
            format!("days {from} to {to}")
        }
        (Counted::CalendarDays(from), Counted::CalendarDays(to), Language::Chinese) => {
            format!("第 {from} 至 {to} 天")
        }
        (_, until, _) => counted(until, language),
    };
    if stretch.iter().any(|step| step.verdict == DayVerdict::Rest) {
        words += language.pick("; rest days between do not count", "（其间休息日不计）");
    }
    words
}

fn counted(counted: Counted, language: Language) -> String {
    match (counted, language) {
        (Counted::Nothing, _) => String::new(),
        (Counted::WorkingDays(count), Language::English) => format!("working day {count}"),
        (Counted::WorkingDays(count), Language::Chinese) => format!("第 {count} 个工作日"),
        (Counted::CalendarDays(count), Language::English) => format!("day {count}"),
        (Counted::CalendarDays(count), Language::Chinese) => format!("第 {count} 天"),
        (Counted::WorkingMs(total), Language::English) => {
            format!("{} so far", working_time(total, language))
        }
        (Counted::WorkingMs(total), Language::Chinese) => {
            format!("累计 {}", working_time(total, language))
        }
    }
}

fn working_time(milliseconds: i64, language: Language) -> String {
    let seconds = milliseconds.div_euclid(1000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let mut words = match language {
        Language::English if minutes == 0 => format!("{hours} h"),
        Language::English => format!("{hours} h {minutes} min"),
        Language::Chinese if minutes == 0 => format!("{hours} 小时"),
        Language::Chinese => format!("{hours} 小时 {minutes} 分"),
    };
    if seconds > 0 {
        let _ = write!(words, " {seconds}{}", language.pick(" s", " 秒"));
    }
    words + language.pick(" of working time", "工作时间")
}

fn limit_in_words(limit: Limit, language: Language) -> String {
    match (limit, language) {
        (Limit::Amount(amount), _) => amount_in_words(amount, language),
        (Limit::Date(date), Language::English) => format!("until {date}"),
        (Limit::Date(date), Language::Chinese) => format!("至 {date}"),
    }
}

/// A length of time in words, such as `5 working days`.
pub fn amount_in_words(amount: Amount, language: Language) -> String {
    let Amount { count, unit } = amount;
    let (english, chinese) = match unit {
        Unit::WorkingDays => ("working days", "个工作日"),
        Unit::WorkingHours => ("working hours", "个工作小时"),
        Unit::WorkingMinutes => ("working minutes", "个工作分钟"),
        Unit::CalendarDays => ("calendar days", "个自然日"),
        Unit::Months => ("months", "个月"),
        Unit::Hours => ("hours", "小时"),
        Unit::Minutes => ("minutes", "分钟"),
    };
    match language {
        Language::English if count == 1 => format!("1 {}", english.trim_end_matches('s')),
        Language::English => format!("{count} {english}"),
        Language::Chinese => format!("{count} {chinese}"),
    }
}

fn day(date: Date, language: Language) -> String {
    let (english, chinese) = match date.weekday() {
        Weekday::Monday => ("Mon", "周一"),
        Weekday::Tuesday => ("Tue", "周二"),
        Weekday::Wednesday => ("Wed", "周三"),
        Weekday::Thursday => ("Thu", "周四"),
        Weekday::Friday => ("Fri", "周五"),
        Weekday::Saturday => ("Sat", "周六"),
        Weekday::Sunday => ("Sun", "周日"),
    };
    match language {
        Language::English => format!("{english} {date}"),
        Language::Chinese => format!("{date} {chinese}"),
    }
}

fn local(at: DateTime, language: Language) -> String {
    let time = at.time();
    let (hour, minute, second) = (time.hour(), time.minute(), time.second());
    let mut words = format!("{} {hour:02}:{minute:02}", day(at.date(), language));
    if second > 0 {
        let _ = write!(words, ":{second:02}");
    }
    words
}
