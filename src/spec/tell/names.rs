//! What people call the things that a spec names: titles of the workflow, the organization and the
//! reason codes, and times in words.

use std::sync::Arc;

use jiff::civil::Weekday;

use crate::calendar::Calendar;
use crate::calendar::render::{Language, amount_in_words};
use crate::definition::compiled::{ClockRule, ClockSpec, Field, TaskSpec, Workflow};
use crate::model::organization::{Organization, Title};
use crate::model::time::Amount;

use super::words;

/// The things that a spec can name, and the language in which they are told.
#[derive(Clone, Copy)]
pub(super) struct Names<'a> {
    pub(super) language: Language,
    pub(super) workflow: &'a Workflow,
    /// All workflows: an instance may begin one of another.
    pub(super) workflows: &'a [Arc<Workflow>],
    pub(super) organization: &'a Organization,
    pub(super) calendar: &'a Calendar,
}

impl<'a> Names<'a> {
    pub(super) fn pick(&self, english: &'a str, chinese: &'a str) -> &'a str {
        self.language.pick(english, chinese)
    }

    pub(super) fn title(&self, title: &'a Title) -> &'a str {
        self.language.pick(&title.en, &title.zh)
    }

    /// A member, a role, a group; a service by its name.
    pub(super) fn person(&self, name: &str) -> String {
        let organization = self.organization;
        if let Some(member) = organization.member(name) {
            return self.title(&member.title).to_owned();
        }
        let role = organization.role(name).map(|role| &role.title);
        match role.or_else(|| organization.group(name).map(|group| &group.title)) {
            Some(title) if self.language == Language::English => {
                let title = self.title(title);
                let (first, rest) = title.split_at(title.len().min(1));
                format!("the {}{rest}", first.to_lowercase())
            }
            Some(title) => self.title(title).to_owned(),
            None => name.to_owned(),
        }
    }

    /// A workflow by its title.
    pub(super) fn workflow_named(&self, id: &str) -> Option<&'a Workflow> {
        self.workflows.iter().map(Arc::as_ref).find(|known| known.id.as_str() == id)
    }

    /// How one instance stands to another.
    pub(super) fn relation(&self, word: &str) -> String {
        let found = words::find(words::RELATIONS, word, self.language);
        found.map_or_else(|| word.to_owned(), str::to_owned)
    }

    pub(super) fn stage(&self, id: &str) -> String {
        let stage = self.workflow.stage(id);
        stage.map_or_else(|| id.to_owned(), |(_, stage)| self.title(&stage.title).to_owned())
    }

    /// The task as the workflow declares it.
    pub(super) fn task_spec(&self, id: &str) -> Option<&'a TaskSpec> {
        let (id, _) = super::super::expect::split_each(id, None);
        let own = self.workflow.stages.iter().find_map(|stage| stage.task(id));
        own.map(|(_, spec)| spec).or_else(|| self.workflow.special_task(id))
    }

    /// The title of a task; one of a `for_each` with its word.
    pub(super) fn task(&self, written: &str) -> String {
        let (id, each) = super::super::expect::split_each(written, None);
        let title = self.task_spec(id).map_or(id, |spec| self.title(&spec.title));
        match each {
            Some(each) => {
                let each = self.word(each);
                self.pick("{} ({})", "{}（{}）").replacen("{}", title, 1).replacen("{}", &each, 1)
            }
            None => title.to_owned(),
        }
    }

    pub(super) fn item(&self, task: &str, item: &str) -> String {
        let items = self.task_spec(task).into_iter().flat_map(|spec| &spec.checklist);
        let found = items.into_iter().find(|known| &*known.id == item);
        found.map_or_else(|| item.to_owned(), |found| self.title(&found.title).to_owned())
    }

    pub(super) fn activity(&self, id: &str) -> String {
        let found = self.workflow.activity(id);
        found.map_or_else(|| id.to_owned(), |found| self.title(&found.title).to_owned())
    }

    pub(super) fn reason(&self, code: &str) -> String {
        let found = self.workflow.reasons.iter().find(|(known, _)| known.as_str() == code);
        found.map_or_else(|| code.to_owned(), |(_, title)| self.title(title).to_owned())
    }

    /// A field's title and what it is given.
    pub(super) fn value(&self, fields: &[Field], id: &str, value: &str) -> String {
        let field = fields.iter().find(|field| field.id.as_str() == id);
        let title = field.map_or(id, |field| match self.language {
            Language::English => &field.title.en,
            Language::Chinese => &field.title.zh,
        });
        let words = match field.map(|field| &field.kind) {
            Some(crate::definition::compiled::FieldKind::Choice(_)) => self.word(value),
            Some(crate::definition::compiled::FieldKind::Boolean) => self.state(value),
            Some(crate::definition::compiled::FieldKind::Text) => format!("“{value}”"),
            _ => value.to_owned(),
        };
        let unit = field.and_then(|field| field.unit.as_deref()).map(|unit| self.word(unit));
        match unit {
            Some(unit) => format!("{title} {words} {unit}"),
            None => format!("{title} {words}"),
        }
    }

    /// A word of a choice, an outcome or a unit.
    pub(super) fn word(&self, word: &str) -> String {
        let found = self.workflow.words.get(word);
        found.map_or_else(|| word.replace('_', " "), |title| self.title(title).to_owned())
    }

    pub(super) fn state(&self, word: &str) -> String {
        let found = words::find(words::STATES, word, self.language);
        found.map_or_else(|| word.to_owned(), str::to_owned)
    }

    /// A length of time, a date, or the text as it stands.
    pub(super) fn limit(&self, text: &str) -> String {
        match text.parse::<Amount>() {
            Ok(amount) => amount_in_words(amount, self.language),
            Err(_) => text.to_owned(),
        }
    }

    /// A civil time or a day, with its weekday and whether it is worked where that is not plain.
    pub(super) fn instant(&self, text: &str) -> String {
        let day: Result<jiff::civil::Date, _> = text.get(..10).unwrap_or(text).parse();
        let Ok(day) = day else { return text.to_owned() };
        let weekday = match (self.language, day.weekday()) {
            (Language::English, day) => &format!("{day:?}")[..3],
            (Language::Chinese, Weekday::Monday) => "周一",
            (Language::Chinese, Weekday::Tuesday) => "周二",
            (Language::Chinese, Weekday::Wednesday) => "周三",
            (Language::Chinese, Weekday::Thursday) => "周四",
            (Language::Chinese, Weekday::Friday) => "周五",
            (Language::Chinese, Weekday::Saturday) => "周六",
            (Language::Chinese, Weekday::Sunday) => "周日",
        };
        let rests = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
        let remark = match (rests, self.calendar.is_working_day(day)) {
            (false, false) => self.pick(", a day off", "，休"),
            (true, true) => self.pick(", worked", "，上班"),
            (true, false) | (false, true) => "",
        };
        match self.language {
            Language::English => format!("{text} ({weekday}{remark})"),
            Language::Chinese => format!("{text}（{weekday}{remark}）"),
        }
    }

    /// A clock by what it measures, as a spec names it: `stage`, `task/x`, `stage/x` or its own.
    pub(super) fn clock(&self, name: &str) -> String {
        let limit_of =
            |what: &str| self.pick("the limit of “{}”", "“{}”时限").replacen("{}", what, 1);
        match name.split_once('/') {
            Some(("task", task)) => limit_of(&self.task(task)),
            Some(("stage", stage)) => limit_of(&self.stage(stage)),
            Some(("objection", task)) => {
                let title = self.task(task);
                self.pick("the time to object to “{}”", "“{}”异议期").replacen("{}", &title, 1)
            }
            Some(("supplement", task)) => {
                let title = self.task(task);
                self.pick("the wait for papers for “{}”", "“{}”补正期").replacen("{}", &title, 1)
            }
            Some((_, own)) => self.clock(own),
            None if name == "stage" => self.pick("the limit of the stage", "环节时限").to_owned(),
            None if name == "task" => self.pick("the limit of the task", "事项时限").to_owned(),
            None if name == "objection" => {
                self.pick("the time for a decision on the objection", "异议裁定期").to_owned()
            }
            None if name == "supplement" => self.pick("the wait for papers", "补正期").to_owned(),
            None if name == "suspension" => {
                self.pick("the limit of the suspension", "挂起期限").to_owned()
            }
            None => {
                let stages = self.workflow.stages.iter().flat_map(|stage| &stage.clocks);
                let mut all = self.workflow.clocks.iter().chain(stages);
                let found = all.find(|clock| clock.id.as_str() == name);
                found.map_or_else(|| name.to_owned(), |clock| self.measured(clock))
            }
        }
    }

    fn measured(&self, clock: &ClockSpec) -> String {
        match &clock.kind {
            ClockRule::By(field) => {
                let field = self.workflow.field(field.as_str());
                let title = field.map_or("", |field| self.title(&field.title));
                self.pick("the date “{}”", "“{}”").replacen("{}", title, 1)
            }
            ClockRule::Every { reset_by, .. } => {
                let names: Vec<String> =
                    reset_by.iter().map(|id| self.activity(id.as_str())).collect();
                let names = names.join(self.pick(" or ", "、"));
                self.pick("the interval of “{}”", "“{}”间隔").replacen("{}", &names, 1)
            }
            ClockRule::Within(_) | ClockRule::Wait(_) => {
                let words = self.word(clock.id.as_str());
                self.pick("the limit “{}”", "时限“{}”").replacen("{}", &words, 1)
            }
            ClockRule::Check { .. } => {
                let words = self.word(clock.id.as_str());
                self.pick("the check “{}”", "“{}”检查").replacen("{}", &words, 1)
            }
            ClockRule::Raise { .. } => {
                let words = self.word(clock.id.as_str());
                self.pick("what is raised as “{}”", "“{}”督办").replacen("{}", &words, 1)
            }
        }
    }
}
