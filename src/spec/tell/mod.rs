//! A spec told as sentences, in English or Chinese, for people who know the work and not the files.
//!
//! Tells what is written, not what happened: `run` judges that. Words stand in `words`, titles come
//! from the workflow; what has no words is told by its name, and counted.

mod names;
mod phrase;
mod words;

use std::sync::Arc;

use crate::calendar::render::Language;
use crate::definition::compiled::Field;
use crate::definition::diagnostic::{Diagnostic, Findings};

use super::Setting;
use super::written::Written;
use names::Names;

/// A spec in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The whole story: a title, a numbered sentence for each step, below it what is expected.
    pub text: String,
    /// The verbs, events and expectations for which there are no words.
    pub without_words: Vec<String>,
}

/// Tells a spec. A file that is no spec, or one of an unknown workflow, gives findings instead.
pub fn tell(
    setting: Setting<'_>,
    path: &Arc<str>,
    source: &Arc<str>,
    language: Language,
) -> Result<Told, Vec<Diagnostic>> {
    let mut findings = Findings::default();
    let loaded = crate::definition::load::load::<Written>(path, source, &mut findings);
    let Some(file) = loaded.filter(|_| findings.is_empty()) else {
        return Err(findings.into_sorted());
    };
    let spec = file.value;
    let workflow = setting
        .workflows
        .iter()
        .find(|known| spec.text("workflow").is_some_and(|name| known.id.as_str() == name));
    let calendar = workflow.and_then(|workflow| {
        setting.calendars.iter().find(|calendar| *calendar.id() == workflow.calendar)
    });
    let (Some(workflow), Some(calendar)) = (workflow, calendar) else {
        let text = String::new();
        return Ok(Told { text, without_words: vec!["workflow".to_owned()] });
    };
    let organization = setting.organization;
    let workflows = setting.workflows;
    let names = Names { language, workflow, workflows, organization, calendar };
    let mut teller = Teller { names, without_words: Vec::new() };
    let text = teller.story(&spec);
    Ok(Told { text, without_words: teller.without_words })
}

/// Why something is refused, in few words; none: there are none for this code.
pub fn refusal(code: &str, language: Language) -> Option<&'static str> {
    words::find(words::REFUSALS, code, language)
}

struct Teller<'a> {
    names: Names<'a>,
    without_words: Vec<String>,
}

impl Teller<'_> {
    fn pick(&self, english: &'static str, chinese: &'static str) -> &'static str {
        self.names.language.pick(english, chinese)
    }

    fn story(&mut self, spec: &Written) -> String {
        let language = self.pick("en", "zh");
        let title = spec.get("spec").and_then(|title| title.text(language)).unwrap_or_default();
        let workflow = self.names.title(&self.names.workflow.title).to_owned();
        let start = self.names.instant(spec.text("start").unwrap_or_default());
        let mut lines =
            vec![title.to_owned(), format!("  {workflow}{} {start}", self.pick(", from", "，自"))];
        lines.extend(self.given(spec.get("given")));
        let steps = spec.get("steps").map_or(&[][..], Written::items);
        for (number, step) in (1..).zip(steps) {
            lines.push(format!("  {number}. {}", self.step(step)));
            for expected in self.expected(step.get("then")) {
                lines.push(format!("     → {}", capitalized(&expected)));
            }
        }
        lines.join("\n")
    }

    fn given(&mut self, given: Option<&Written>) -> Vec<String> {
        let absences = given.and_then(|given| given.get("absences"));
        let mut lines = Vec::new();
        for absence in absences.map_or(&[][..], Written::items) {
            let person = |name: &str| absence.text(name).map(|name| self.names.person(name));
            let day = |name: &str| absence.text(name).unwrap_or_default();
            let (from, to) = (day("from"), day("to"));
            let member = person("member").unwrap_or_default();
            let phrase = self.pick(
                "  Away from {from} to {to}: {member}[; {substitute} stands in].",
                "  {from}至{to}请假：{member}[，{substitute}替岗]。",
            );
            let substitute = person("substitute");
            lines.push(phrase::fill(phrase, &mut |name| match name {
                "from" => Some(from.to_owned()),
                "to" => Some(to.to_owned()),
                "member" => Some(member.clone()),
                _ => substitute.clone(),
            }));
        }
        let duties = given.and_then(|given| given.get("duties"));
        for duty in duties.map_or(&[][..], Written::items) {
            let day = |name: &str| duty.text(name).unwrap_or_default();
            let members = duty.get("members").map_or(&[][..], Written::items);
            let members = joined(self.names, members, |member| self.names.person(member));
            let phrase = self.pick("  On duty from {} to {}: ", "  {}至{}值班：");
            let phrase = phrase.replacen("{}", day("from"), 1).replacen("{}", day("to"), 1);
            lines.push(format!("{phrase}{members}"));
        }
        let loads = given.and_then(|given| given.get("loads"));
        for (member, tasks) in loads.map_or(&[][..], Written::entries) {
            let (member, tasks) = (self.names.person(member), tasks.as_text().unwrap_or("0"));
            let phrase = self.pick("  Open tasks elsewhere: ", "  另有在办事项：");
            lines.push(format!("{phrase}{member} {tasks}"));
        }
        lines
    }

    /// When, who, what, and whether it is refused.
    fn step(&mut self, step: &Written) -> String {
        const AROUND: &[&str] = &["at", "after", "by", "force", "refused", "then"];
        let mut text = String::new();
        if let Some(at) = step.text("at") {
            text = format!("{}{}", self.names.instant(at), self.pick(": ", "："));
        } else if let Some(after) = step.text("after") {
            let after = self.names.limit(after);
            text = self.pick("{} later: ", "{}后：").replacen("{}", &after, 1);
        }
        let verb = step.entries().iter().find(|(name, _)| !AROUND.contains(&name.as_str()));
        if let Some((verb, what)) = verb {
            text.push_str(&self.deed(step, verb, what));
        }
        if let Some(force) = step.text("force") {
            let phrase = self.pick(", overruling the rules: ", "，强制执行：");
            text.push_str(phrase);
            text.push_str(force);
        }
        if let Some(refused) = step.get("refused") {
            text.push_str(&self.refusal(step, refused));
        }
        text.push_str(self.pick(".", "。"));
        capitalized(&text)
    }

    fn deed(&mut self, step: &Written, verb: &str, what: &Written) -> String {
        let name = match verb {
            "reassign" if what.get("task").is_none() => "reassign_steward",
            verb => verb,
        };
        let Some(phrase) = words::find(words::VERBS, name, self.names.language) else {
            self.without_words.push(verb.to_owned());
            return format!("{verb} {}", plain(what));
        };
        let who = match step.text("by") {
            Some(name) => self.names.person(name),
            None if words::BY_HOLDER.contains(&verb) => {
                self.pick("the holder", "承办人").to_owned()
            }
            None => self.pick("the steward", "包保人").to_owned(),
        };
        let names = self.names;
        phrase::fill(phrase, &mut |name| match name {
            "who" => Some(who.clone()),
            name => argument(names, verb, what, name),
        })
    }

    fn refusal(&mut self, step: &Written, refused: &Written) -> String {
        let code = refused.as_text().or_else(|| refused.text("code")).unwrap_or_default();
        let words = words::find(words::REFUSALS, code, self.names.language);
        let words = words.map_or_else(|| code.to_owned(), str::to_owned);
        let mut text = format!("{}{words}", self.pick(" — refused: ", "——不予受理："));
        let missing = refused.get("missing").map_or(&[][..], Written::items);
        let told: Vec<String> = missing
            .iter()
            .filter_map(Written::as_text)
            .map(|missing| self.missing(step, missing))
            .collect();
        if !told.is_empty() {
            text.push_str(self.pick("; missing: ", "，缺"));
            text.push_str(&told.join(self.pick(", ", "、")));
        }
        text
    }

    fn missing(&self, step: &Written, missing: &str) -> String {
        let (kind, name) = missing.split_once(':').unwrap_or((missing, ""));
        let Some(phrase) = words::find(words::MISSING, kind, self.names.language) else {
            return missing.to_owned();
        };
        let names = self.names;
        let task = step.get("complete").map(|what| what.text("task").or(what.as_text()));
        let task = task.flatten().unwrap_or_default();
        phrase::fill(phrase, &mut |asked| {
            Some(match asked {
                "task" => names.task(name),
                "item" => names.item(task, name),
                "form" => {
                    let form = names.task_spec(task).map_or(&[][..], |spec| &spec.form);
                    field_title(names, form, name)
                }
                _ => field_title(names, &names.workflow.fields, name),
            })
        })
    }

    /// One sentence for each thing that is expected.
    fn expected(&mut self, then: Option<&Written>) -> Vec<String> {
        let mut told = Vec::new();
        for (name, value) in then.map_or(&[][..], Written::entries) {
            match name.as_str() {
                "tasks" => told.extend(
                    value.entries().iter().map(|(task, state)| self.expected_task(task, state)),
                ),
                "clocks" => told.extend(value.entries().iter().map(|(clock, state)| {
                    let clock = self.names.clock(clock);
                    self.attributes(&clock, state)
                })),
                "fields" => {
                    let fields = values(self.names, &self.names.workflow.fields, value);
                    told.push(fields);
                }
                "effects" => {
                    let effects = value.items().iter();
                    told.extend(effects.map(|effect| self.effect(effect)));
                }
                "links" => told.extend(value.items().iter().map(|link| self.link(link))),
                "events" => told.extend(value.items().iter().map(|event| self.event(event))),
                "no_events" => {
                    let not = self.pick("not: ", "不会：");
                    let events = value.items().iter();
                    told.extend(events.map(|event| format!("{not}{}", self.event(event))));
                }
                name => told.push(self.whole(name, value)),
            }
        }
        told
    }

    /// What is asked of another instance.
    fn effect(&mut self, effect: &Written) -> String {
        let kind = if effect.get("start").is_some() { "start" } else { "tell" };
        let names = self.names;
        let phrase = words::find(words::EFFECTS, kind, names.language).unwrap_or_default();
        phrase::fill(phrase, &mut |asked| other_attribute(names, effect, asked))
    }

    /// How it stands to another instance.
    fn link(&mut self, link: &Written) -> String {
        let way = if link.get("to").is_some() { "to" } else { "from" };
        let names = self.names;
        let phrase = words::find(words::LINKS, way, names.language).unwrap_or_default();
        phrase::fill(phrase, &mut |asked| other_attribute(names, link, asked))
    }

    fn whole(&mut self, name: &str, value: &Written) -> String {
        let Some(phrase) = words::find(words::WHOLE, name, self.names.language) else {
            self.without_words.push(name.to_owned());
            return format!("{name} {}", plain(value));
        };
        let names = self.names;
        let stages = |value: &Written| match value.items() {
            [] => names.pick("none", "无").to_owned(),
            items => joined(names, items, |stage| format!("“{}”", names.stage(stage))),
        };
        phrase::fill(phrase, &mut |asked| {
            let text = value.as_text().unwrap_or_default();
            Some(match asked {
                "open" | "skipped" => stages(value),
                "backups" => joined(names, value.items(), |member| names.person(member)),
                _ if text == "none" => names.state(text),
                "stage" => names.stage(text),
                "steward" | "group" => names.person(text),
                _ => names.state(text),
            })
        })
    }

    fn expected_task(&mut self, task: &str, state: &Written) -> String {
        let title = self.names.task(task);
        match state
            .as_text()
            .map(|state| words::find(words::TASK_STATES, state, self.names.language))
        {
            Some(Some(phrase)) => phrase::fill(phrase, &mut |_| Some(title.clone())),
            _ => self.attributes(&format!("“{title}”"), state),
        }
    }

    fn attributes(&mut self, what: &str, state: &Written) -> String {
        if let Some(text) = state.as_text() {
            return format!("{what}{}{}", self.pick(": ", "："), self.names.state(text));
        }
        let mut parts = Vec::new();
        for (name, value) in state.entries() {
            let text = value.as_text().unwrap_or_default();
            let told = self.attribute(name, text);
            let is_final = name == "object_until" && text == "none";
            let name = if is_final { "no_objection" } else { name.as_str() };
            if let Some(phrase) = words::find(words::ATTRIBUTES, name, self.names.language) {
                parts.push(phrase::fill(phrase, &mut |_| Some(told.clone())));
            } else {
                self.without_words.push(name.to_owned());
                parts.push(format!("{name} {told}"));
            }
        }
        format!("{what}{}{}", self.pick(" ", ""), parts.join(self.pick(" and ", "，")))
    }

    fn attribute(&self, name: &str, text: &str) -> String {
        let names = self.names;
        match name {
            _ if text == "none" => names.state(text),
            "due" | "due_originally" => names.instant(text),
            "holder" | "instead_of" | "role" => names.person(text),
            "outcome" => names.word(text),
            "limit" => names.limit(text),
            "state" | "light" | "paused" | "provisional" | "supplement" => names.state(text),
            _ => text.to_owned(),
        }
    }

    fn event(&mut self, event: &Written) -> String {
        let nothing = Written::Nothing;
        let (kind, attributes) = match event {
            Written::Map(entries) => match entries.first() {
                Some((kind, attributes)) => (kind.as_str(), attributes),
                None => return String::new(),
            },
            event => (event.as_text().unwrap_or_default(), &nothing),
        };
        let Some(phrase) = words::find(words::EVENTS, kind, self.names.language) else {
            self.without_words.push(kind.to_owned());
            return format!("{kind} {}", plain(attributes));
        };
        let names = self.names;
        phrase::fill(phrase, &mut |asked| event_attribute(names, attributes, asked))
    }
}

/// A sentence begins with a capital letter.
fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

/// What is said of another instance.
fn other_attribute(names: Names<'_>, said: &Written, asked: &str) -> Option<String> {
    let text = said.text(asked);
    Some(match asked {
        "start" | "workflow" => begun(names, text?),
        "fields" => {
            let workflow = said.text("start").or_else(|| said.text("workflow"));
            let workflow = workflow.and_then(|id| names.workflow_named(id));
            let fields = workflow.map_or(&[][..], |workflow| &workflow.fields);
            values(names, fields, said.get("fields")?)
        }
        "steward" => names.person(text?),
        "task" => names.task(text?),
        "relation" => names.relation(text?),
        "ends_with" => names.word(text?),
        _ => text?.to_owned(),
    })
}

fn begun(names: Names<'_>, workflow: &str) -> String {
    let found = names.workflow_named(workflow);
    found.map_or_else(|| workflow.to_owned(), |found| names.title(&found.title).to_owned())
}

fn event_attribute(names: Names<'_>, attributes: &Written, asked: &str) -> Option<String> {
    let text = |name: &str| attributes.text(name);
    Some(match asked {
        "owner" => match (text("task"), text("stage"), text("clock")) {
            (Some(task), _, _) => format!("“{}”", names.task(task)),
            (_, Some(stage), _) => format!("“{}”", names.stage(stage)),
            (_, _, Some(clock)) => names.clock(clock),
            (None, None, None) => return None,
        },
        "to_stage" => names.stage(text("to")?),
        "from_stage" => names.stage(text("from")?),
        "to" => {
            let people: Vec<String> = text("to")?.split(',').map(|id| names.person(id)).collect();
            people.join(names.pick(", ", "、"))
        }
        "member" => names.person(text("member")?),
        "task" => names.task(text("task")?),
        "stage" => names.stage(text("stage")?),
        "reason_code" => names.reason(text("reason_code")?),
        "because" => names.state(text("because")?),
        "each" => names.word(text("each")?),
        "limit" => names.limit(text("limit")?),
        "relation" => names.relation(text("relation")?),
        "ends_with" | "outcome" => names.word(text(asked)?),
        "from" => names.person(text("from")?),
        "due" | "acknowledge_by" => names.instant(text(asked)?),
        "read" => match text("digest_at")? {
            "none" => names.pick("at once", "即时提醒").to_owned(),
            at => names.pick("read at {}", "{}汇总阅知").replacen("{}", &names.instant(at), 1),
        },
        asked => text(asked)?.to_owned(),
    })
}

/// What a step says under a name.
fn argument(names: Names<'_>, verb: &str, what: &Written, asked: &str) -> Option<String> {
    let short = words::short_name(verb);
    let text = |name: &str| what.text(name).or_else(|| what.as_text().filter(|_| name == short));
    let task = text("task").unwrap_or_default();
    Some(match (asked, verb) {
        ("fields", "update") => values(names, &names.workflow.fields, what),
        ("fields", "log") => {
            let activity = names.workflow.activity(text("activity")?);
            values(names, activity.map_or(&[], |kind| &kind.fields), what.get("fields")?)
        }
        ("fields", _) => values(names, &names.workflow.fields, what.get("fields")?),
        ("form", _) => {
            let form = names.task_spec(task).map_or(&[][..], |spec| &spec.form);
            values(names, form, what.get("form")?)
        }
        ("forms", _) => {
            let forms = what.get("forms")?.entries().iter().map(|(task, form)| {
                let fields = names.task_spec(task).map_or(&[][..], |spec| &spec.form);
                format!("“{}” {}", names.task(task), values(names, fields, form))
            });
            forms.collect::<Vec<_>>().join(names.pick("; ", "；"))
        }
        ("outcomes", _) => {
            let outcomes = what.get("outcomes")?.entries().iter().map(|(task, outcome)| {
                let outcome = names.word(outcome.as_text().unwrap_or_default());
                let phrase = names.pick("“{}” as “{}”", "“{}”为“{}”");
                phrase.replacen("{}", &names.task(task), 1).replacen("{}", &outcome, 1)
            });
            outcomes.collect::<Vec<_>>().join(names.pick(", ", "、"))
        }
        ("except", _) => {
            joined(names, what.get("except")?.items(), |task| format!("“{}”", names.task(task)))
        }
        ("stage" | "target", _) | ("to", "return") => names.stage(text(asked)?),
        ("to" | "steward" | "proposed_by", _) => names.person(text(asked)?),
        ("backups", _) => {
            let listed = what.get("to").unwrap_or(what);
            joined(names, listed.items(), |member| names.person(member))
        }
        ("task", _) => names.task(task),
        ("relation", _) => names.relation(text(asked)?),
        ("other", _) => text("to")?.to_owned(),
        ("called_by", _) => names.task(text(asked)?),
        ("ends_with", _) => names.word(text(asked)?),
        ("starts", _) => {
            let written = what.get("starts")?;
            let single = std::slice::from_ref(written);
            let starts = if written.items().is_empty() { single } else { written.items() };
            let starts = starts.iter().map(|start| {
                let workflow = begun(names, start.text("workflow").unwrap_or_default());
                match other_attribute(names, start, "fields") {
                    Some(fields) => format!("“{workflow}” ({fields})"),
                    None => format!("“{workflow}”"),
                }
            });
            starts.collect::<Vec<_>>().join(names.pick("; ", "；"))
        }
        ("item", _) => names.item(task, text(asked)?),
        ("activity", _) => names.activity(text(asked)?),
        ("reason", "terminate") => names.reason(text(asked)?),
        ("outcome" | "each", _) => names.word(text(asked)?),
        ("clock", _) => names.clock(text(asked)?),
        ("by", _) => names.limit(text(asked)?),
        ("expected_resume" | "promised" | "occurred_at", _) => names.instant(text(asked)?),
        (asked, _) => text(asked)?.to_owned(),
    })
    .filter(|told| !told.is_empty())
}

/// Fields with what they are given.
fn values(names: Names<'_>, fields: &[Field], written: &Written) -> String {
    let told = written.entries().iter().map(|(id, value)| match value.as_text() {
        Some(text) => names.value(fields, id, text),
        None => names.value(fields, id, names.pick("(emptied)", "（清空）")),
    });
    told.collect::<Vec<_>>().join(names.pick("; ", "；"))
}

fn field_title(names: Names<'_>, fields: &[Field], id: &str) -> String {
    let field = fields.iter().find(|field| field.id.as_str() == id);
    field.map_or_else(
        || id.to_owned(),
        |field| match names.language {
            Language::English => field.title.en.clone(),
            Language::Chinese => field.title.zh.clone(),
        },
    )
}

fn joined(names: Names<'_>, items: &[Written], told: impl Fn(&str) -> String) -> String {
    let told: Vec<String> = items.iter().filter_map(Written::as_text).map(told).collect();
    told.join(names.pick(", ", "、"))
}

/// Something for which there are no words, as it is written.
fn plain(written: &Written) -> String {
    match written {
        Written::Nothing => String::new(),
        Written::Text(text) => text.clone(),
        Written::List(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        Written::Map(entries) => {
            let told = entries.iter().map(|(name, value)| format!("{name} {}", plain(value)));
            told.collect::<Vec<_>>().join(", ")
        }
    }
}
