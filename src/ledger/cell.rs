//! Cells: what stands in a row under a column, how cells compare, and what people read.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use jiff::civil::DateTime;

use crate::definition::compiled::Workflow;
use crate::definition::ledger::Naming;
use crate::model::organization::{Organization, Title};
use crate::model::time::Date;
use crate::model::value::{Decimal, Value};

/// A language in which a ledger is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Chinese.
    Chinese,
}

impl Language {
    /// The text of this language.
    pub fn of(self, title: &Title) -> &str {
        match self {
            Self::English => &title.en,
            Self::Chinese => &title.zh,
        }
    }
}

/// Bytes of a text that count as one more cell.
const TEXT_BYTES: usize = 64;

/// What stands in a row under a column.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum Cell {
    /// Nothing.
    #[default]
    Empty,
    /// A text or a name.
    Text(Arc<str>),
    /// A whole number.
    Integer(i64),
    /// An exact decimal.
    Decimal(Decimal),
    /// Yes or no.
    Boolean(bool),
    /// A day.
    Date(Date),
    /// A time of a day, in the zone of the workflow's calendar.
    Time(DateTime),
}

impl Cell {
    /// A text; empty where it is.
    pub fn text(text: &str) -> Self {
        if text.is_empty() { Self::Empty } else { Self::Text(text.into()) }
    }

    /// A count.
    pub fn count(count: usize) -> Self {
        Self::Integer(i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// A value of a field.
    pub fn of_value(value: &Value) -> Self {
        match value {
            Value::Text(text) => Self::text(text),
            Value::Integer(number) => Self::Integer(*number),
            Value::Decimal(number) => Self::Decimal(number.normalize()),
            Value::Boolean(yes) => Self::Boolean(*yes),
            Value::Date(date) => Self::Date(*date),
        }
    }

    /// As how many cells it counts: a long text takes the room of several.
    pub fn weight(&self) -> usize {
        match self {
            Self::Text(text) => 1 + text.len() / TEXT_BYTES,
            _ => 1,
        }
    }

    /// Whether nothing stands there.
    pub fn is_empty(&self) -> bool {
        *self == Self::Empty
    }

    /// The number that stands there.
    pub fn number(&self) -> Option<Decimal> {
        match self {
            Self::Integer(number) => Some(Decimal::from(*number)),
            Self::Decimal(number) => Some(*number),
            _ => None,
        }
    }

    /// The day that stands there.
    pub fn day(&self) -> Option<Date> {
        match self {
            Self::Date(date) => Some(*date),
            Self::Time(time) => Some(time.date()),
            _ => None,
        }
    }

    /// How it compares with a value of its kind; none: they are of different kinds.
    pub fn compare(&self, value: &Value) -> Option<Ordering> {
        match (self, value) {
            (Self::Text(text), Value::Text(other)) => Some(text.cmp(other)),
            (Self::Boolean(yes), Value::Boolean(other)) => Some(yes.cmp(other)),
            (_, Value::Date(other)) => Some(self.day()?.cmp(other)),
            (_, Value::Decimal(other)) => Some(self.number()?.cmp(other)),
            (_, Value::Integer(other)) => Some(self.number()?.cmp(&Decimal::from(*other))),
            _ => None,
        }
    }

    /// The order of rows: by kind, and by value within a kind; what is empty comes last. A day
    /// comes before the times in it.
    pub fn rank(&self, other: &Self) -> Ordering {
        let kind = |cell: &Self| match cell {
            Self::Boolean(_) => 0,
            Self::Integer(_) | Self::Decimal(_) => 1,
            Self::Date(_) | Self::Time(_) => 2,
            Self::Text(_) => 3,
            Self::Empty => 4,
        };
        let within = || match (self, other) {
            (Self::Text(left), Self::Text(right)) => left.cmp(right),
            (Self::Boolean(left), Self::Boolean(right)) => left.cmp(right),
            _ => (self.number(), self.day(), self.time()).cmp(&(
                other.number(),
                other.day(),
                other.time(),
            )),
        };
        kind(self).cmp(&kind(other)).then_with(within)
    }

    fn time(&self) -> Option<DateTime> {
        match self {
            Self::Time(time) => Some(*time),
            _ => None,
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => Ok(()),
            Self::Text(text) => out.write_str(text),
            Self::Integer(number) => write!(out, "{number}"),
            Self::Decimal(number) => write!(out, "{number}"),
            Self::Boolean(yes) => write!(out, "{yes}"),
            Self::Date(date) => write!(out, "{date}"),
            Self::Time(time) => write!(out, "{}", time.strftime("%Y-%m-%d %H:%M")),
        }
    }
}

/// The words of the ledger itself.
const WORDS: [(&str, &str, &str); 22] = [
    ("none", "", ""),
    ("blue", "blue", "蓝"),
    ("yellow", "yellow", "黄"),
    ("red", "red", "红"),
    ("active", "active", "在办"),
    ("suspended", "suspended", "挂起"),
    ("completed", "completed", "办结"),
    ("terminated", "terminated", "终止"),
    ("open", "open", "办理中"),
    ("left", "left", "已完成"),
    ("skipped", "skipped", "已跳过"),
    ("done", "done", "已办结"),
    ("cancelled", "cancelled", "已取消"),
    ("running", "running", "计时中"),
    ("paused", "paused", "暂停计时"),
    ("ended", "ended", "已结束"),
    ("acknowledged", "acknowledged", "已签收"),
    ("cleared", "cleared", "已消灯"),
    ("pending", "pending", "待审批"),
    ("granted", "granted", "同意"),
    ("refused", "refused", "不同意"),
    ("lapsed", "lapsed before a decision", "未及审批已失效"),
];

/// What people call what names stand for.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// The people.
    pub organization: &'a Organization,
    /// The workflow of the row.
    pub workflow: &'a Workflow,
    /// The language.
    pub language: Language,
}

impl Names<'_> {
    /// A cell as people read it: yes and no and names in their words.
    pub fn shown(&self, naming: Option<Naming>, cell: Cell) -> Cell {
        match (naming, &cell) {
            (Some(naming), Cell::Text(name)) => Cell::text(&self.name(naming, name)),
            (_, Cell::Boolean(yes)) => Cell::text(match (self.language, yes) {
                (Language::English, true) => "yes",
                (Language::English, false) => "no",
                (Language::Chinese, true) => "是",
                (Language::Chinese, false) => "否",
            }),
            _ => cell,
        }
    }

    /// What people call a name; the name itself where it is not known any more.
    pub fn name(&self, naming: Naming, name: &str) -> String {
        let (organization, workflow) = (self.organization, self.workflow);
        let group = || organization.group(name).map(|group| &group.title);
        let stage = || workflow.stage(name).map(|(_, stage)| &stage.title);
        let task = || self.task(name);
        let title = match naming {
            Naming::Word => {
                let word = WORDS.iter().find(|(word, ..)| *word == name);
                return word.map_or(name, |(_, en, zh)| self.pick(en, zh)).to_owned();
            }
            // The words themselves are English.
            Naming::Choice => match self.language {
                Language::English => None,
                Language::Chinese => workflow.words.get(name),
            },
            Naming::Member => organization.member(name).map(|member| &member.title),
            Naming::Group => group(),
            Naming::Role => organization.role(name).map(|role| &role.title).or_else(group),
            Naming::Workflow => Some(&workflow.title).filter(|_| workflow.id.as_str() == name),
            Naming::Stage => stage(),
            Naming::Task => task(),
            Naming::Activity => workflow.activity(name).map(|activity| &activity.title),
            Naming::Limit => task().or_else(stage),
            Naming::Reason => {
                let mut reasons = workflow.reasons.iter();
                reasons.find(|(code, _)| code.as_str() == name).map(|(_, title)| title)
            }
        };
        match title {
            Some(title) => self.language.of(title).to_owned(),
            None if naming == Naming::Limit => name.replace('_', " "),
            None => name.to_owned(),
        }
    }

    fn task(&self, name: &str) -> Option<&Title> {
        self.workflow.task_named(name).map(|task| &task.title)
    }

    fn pick<'b>(&self, en: &'b str, zh: &'b str) -> &'b str {
        match self.language {
            Language::English => en,
            Language::Chinese => zh,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn rows_have_one_order_whatever_their_kinds() {
        let day = date(2025, 1, 6);
        let number = |text: &str| Cell::Decimal(text.parse().unwrap());
        let ordered = [
            vec![Cell::Boolean(false)],
            vec![Cell::Boolean(true)],
            vec![Cell::Integer(9), number("9.0")],
            vec![number("9.5")],
            vec![Cell::Integer(10)],
            vec![Cell::Date(day)],
            vec![Cell::Time(day.at(0, 0, 0, 0))],
            vec![Cell::Time(day.at(9, 30, 0, 0))],
            vec![Cell::Date(date(2025, 1, 7))],
            vec![Cell::text("10")],
            vec![Cell::text("9")],
            vec![Cell::Empty],
        ];
        let placed =
            || ordered.iter().enumerate().flat_map(|(at, all)| all.iter().map(move |it| (at, it)));
        for (left_at, left) in placed() {
            for (right_at, right) in placed() {
                assert_eq!(left.rank(right), left_at.cmp(&right_at), "{left:?} and {right:?}");
            }
        }
    }
}
