//! What is wrong with a request, all of it at once.
//!
//! Every taker answers with something even where it finds fault, so that a decoder reads straight
//! through; what it built is thrown away by `Violations::finish` if anything was found. Knows no
//! workflow and no instance.

use std::fmt::Display;

use crate::model::clock::Limit;
use crate::model::id::{InstanceId, InvalidName};
use crate::model::limits;
use crate::model::task::TaskNumber;
use crate::model::time::{Amount, Date, Timestamp};

pub use crate::runtime::Violation;

use super::pb;

impl Violation {
    /// A page is asked for after something that the list does not hold.
    pub(super) fn foreign_token() -> Self {
        let problem = "it is not a token of this list";
        Self { field: "page_token".to_owned(), problem: problem.to_owned() }
    }
}

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Violations(Vec<Violation>);

impl Violations {
    /// What was built, if nothing was found.
    pub(super) fn finish<T>(self, built: T) -> Result<T, Vec<Violation>> {
        if self.0.is_empty() { Ok(built) } else { Err(self.0) }
    }

    /// Whether nothing was found.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Notes that a field is wrong.
    pub(super) fn add(&mut self, field: impl Into<String>, problem: impl Into<String>) {
        self.0.push(Violation { field: field.into(), problem: problem.into() });
    }

    /// A name that must be there.
    pub(super) fn name<N: Named>(&mut self, field: &str, text: &str) -> N {
        match N::parse(text) {
            Ok(name) => name,
            Err(invalid) => {
                self.add(field, invalid.problem);
                N::placeholder()
            }
        }
    }

    /// A name, or none where the text is empty.
    pub(super) fn optional_name<N: Named>(&mut self, field: &str, text: &str) -> Option<N> {
        if text.is_empty() { None } else { Some(self.name(field, text)) }
    }

    /// A free text that may be empty.
    pub(super) fn text(&mut self, field: &str, text: String) -> String {
        if text.len() > limits::TEXT_BYTES_MAX {
            self.add(field, "it is longer than 8 KiB");
        }
        text
    }

    /// A free text that must say something.
    pub(super) fn needed_text(&mut self, field: &str, text: String) -> String {
        if text.trim().is_empty() {
            self.add(field, "it is needed");
        }
        self.text(field, text)
    }

    /// A free text, or none where it is empty.
    pub(super) fn optional_text(&mut self, field: &str, text: String) -> Option<String> {
        let text = self.text(field, text);
        (!text.trim().is_empty()).then_some(text)
    }

    /// A task's number.
    pub(super) fn task(&mut self, field: &str, number: u32) -> TaskNumber {
        if number == 0 {
            self.add(field, "it is needed: tasks are numbered from 1");
        }
        TaskNumber(number)
    }

    /// A day, or none where the text is empty.
    pub(super) fn optional_date(&mut self, field: &str, text: &str) -> Option<Date> {
        if text.is_empty() {
            return None;
        }
        let date = date(text);
        if date.is_none() {
            self.add(field, "a day is written like 2025-01-28");
        }
        date
    }

    /// An instant, or none where it is absent.
    pub(super) fn optional_instant(
        &mut self,
        field: &str,
        instant: Option<prost_types::Timestamp>,
    ) -> Option<Timestamp> {
        match instant_of(instant?) {
            Ok(instant) => Some(instant),
            Err(problem) => {
                self.add(field, problem);
                None
            }
        }
    }

    /// How long something is to be.
    pub(super) fn limit(&mut self, field: &str, limit: Option<pb::Limit>) -> Limit {
        use pb::limit::Length;
        let (path, problem) = match limit.and_then(|limit| limit.length) {
            None => (field.to_owned(), "it is needed: an amount of time or a day".to_owned()),
            Some(Length::Amount(text)) => match text.parse() {
                Ok(Amount { count: 0, .. }) => {
                    (format!("{field}.amount"), "it must be more than nothing".to_owned())
                }
                Ok(amount) => return Limit::Amount(amount),
                Err(invalid) => (format!("{field}.amount"), amount_problem(&text, &invalid)),
            },
            Some(Length::Date(text)) => match date(&text) {
                Some(date) => return Limit::Date(date),
                None => (format!("{field}.date"), "a day is written like 2025-01-28".to_owned()),
            },
        };
        self.add(path, problem);
        Limit::Date(Date::ZERO)
    }
}

/// Names that a request can carry. The placeholder stands where a text is no name; it never leaves
/// the decoder, because its violation is told instead.
pub(super) trait Named: Sized {
    /// Takes a text that follows the rules of this kind of name.
    fn parse(text: &str) -> Result<Self, InvalidName>;
    /// Stands where there is none.
    fn placeholder() -> Self;
}

macro_rules! named {
    ($($name:ident)*) => {$(
        impl Named for crate::model::id::$name {
            fn parse(text: &str) -> Result<Self, InvalidName> {
                crate::model::id::$name::parse(text)
            }

            fn placeholder() -> Self {
                Self::trusted("")
            }
        }
    )*};
}

named! {
    InstanceId WorkflowId StageId TaskId FieldId ActivityId MemberId GroupId RoleId CalendarId
    LevelId PolicyId ReasonCode Outcome
}

/// A page of a list: how many rows, and after what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    /// How many rows.
    pub(super) size: usize,
    /// The token of the page before.
    pub(super) token: Option<String>,
}

impl Violations {
    /// The page that is asked for. A size above the largest is taken as the largest.
    pub(super) fn page(&mut self, size: i32, token: String) -> Page {
        let size = match usize::try_from(size) {
            Ok(0) => limits::PAGE_SIZE_DEFAULT,
            Ok(size) => size.min(limits::PAGE_SIZE_MAX),
            Err(_) => {
                self.add("page_size", "it is negative");
                limits::PAGE_SIZE_DEFAULT
            }
        };
        Page { size, token: (!token.is_empty()).then_some(token) }
    }

    /// The token of a page is none that its list gives.
    pub(super) fn foreign_token(&mut self) {
        self.0.push(Violation::foreign_token());
    }

    /// The instance after which a page begins.
    pub(super) fn page_after(&mut self, page: &Page) -> Option<InstanceId> {
        let token = page.token.as_deref()?;
        let after = InstanceId::parse(token).ok();
        if after.is_none() {
            self.foreign_token();
        }
        after
    }
}

fn date(text: &str) -> Option<Date> {
    // Ten characters only: jiff would also read a day out of a longer timestamp.
    if text.len() == 10 { text.parse().ok() } else { None }
}

fn instant_of(instant: prost_types::Timestamp) -> Result<Timestamp, &'static str> {
    const NANOS_PER_MS: i32 = 1_000_000;
    if !(0..1_000_000_000).contains(&instant.nanos) {
        return Err("it is no instant: nanoseconds run from 0 to 999999999");
    }
    if instant.nanos % NANOS_PER_MS != 0 {
        return Err("it is finer than a millisecond");
    }
    let fraction = i64::from(instant.nanos / NANOS_PER_MS);
    let milliseconds = instant.seconds.checked_mul(1000).and_then(|ms| ms.checked_add(fraction));
    let known = |ms: &i64| jiff::Timestamp::from_millisecond(*ms).is_ok();
    milliseconds.filter(known).map(Timestamp).ok_or("it lies beyond the year 9999")
}

fn amount_problem(text: &str, invalid: &dyn Display) -> String {
    format!("`{text}`: {invalid}; write 5wd, 16wh, 90wm, 30cd, 3mo, 48h or 30m")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::StageId;

    #[test]
    fn everything_wrong_is_told_at_once() {
        let mut found = Violations::default();
        let _: StageId = found.name("target", "no name");
        found.needed_text("reason", "  ".to_owned());
        found.task("task", 0);
        found.optional_date("promised", "2025-1-28");
        found.limit("by", None);
        found.limit("by", Some(pb::Limit { length: Some(pb::limit::Length::Amount("5d".into())) }));
        found.optional_instant("start", Some(prost_types::Timestamp { seconds: 0, nanos: 1 }));
        found.page(-1, String::new());
        let told: Vec<String> = found
            .finish(())
            .unwrap_err()
            .into_iter()
            .map(|violation| format!("{}: {}", violation.field, violation.problem))
            .collect();
        insta::assert_snapshot!(told.join("\n"), @r"
        target: it may hold only letters, digits and `_`
        reason: it is needed
        task: it is needed: tasks are numbered from 1
        promised: a day is written like 2025-01-28
        by: it is needed: an amount of time or a day
        by.amount: `5d`: `d` does not say which days; write 5wd, 16wh, 90wm, 30cd, 3mo, 48h or 30m
        start: it is finer than a millisecond
        page_size: it is negative
        ");
    }

    #[test]
    fn what_is_right_is_taken() {
        let mut found = Violations::default();
        let limit = pb::Limit { length: Some(pb::limit::Length::Amount("5wd".into())) };
        assert_eq!(found.limit("by", Some(limit)), Limit::Amount("5wd".parse().unwrap()));
        let instant = prost_types::Timestamp { seconds: -1, nanos: 999_000_000 };
        assert_eq!(found.optional_instant("start", Some(instant)), Some(Timestamp(-1)));
        assert_eq!(found.page(5000, String::new()).size, limits::PAGE_SIZE_MAX);
        assert!(found.is_empty());
    }
}
