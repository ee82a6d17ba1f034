//! The verbs of steps: which one a step says, and which arguments each takes.
//!
//! Whoever writes a spec is told of every name that nothing reads: a mistyped one must not pass for
//! one that was left out.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::authored::Step;

/// What an argument must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Flag,
    Map,
    /// A single item may stand without brackets.
    List,
}

use Kind::{Flag, List, Map, Text};

/// What each verb takes. A text alone is its first argument.
const VERBS: &[(&str, &[(&str, Kind)])] = &[
    (
        "acknowledge",
        &[("clock", Text), ("comment", Text), ("recovery_plan", Text), ("promised", Text)],
    ),
    ("advance", &[("stage", Text), ("target", Text), ("comment", Text)]),
    ("check", &[("task", Text), ("each", Text), ("item", Text), ("checked", Flag)]),
    ("claim", &[("task", Text), ("each", Text)]),
    ("comment", &[("text", Text), ("task", Text), ("each", Text)]),
    (
        "complete",
        &[
            ("task", Text),
            ("each", Text),
            ("outcome", Text),
            ("form", Map),
            ("fields", Map),
            ("comment", Text),
        ],
    ),
    ("delegate", &[("task", Text), ("each", Text), ("to", Text), ("reason", Text)]),
    ("grant_extension", &[("task", Text), ("each", Text), ("clock", Text), ("comment", Text)]),
    ("link", &[("to", Text), ("relation", Text), ("task", Text)]),
    ("log", &[("activity", Text), ("occurred_at", Text), ("fields", Map), ("starts", List)]),
    ("object", &[("task", Text), ("each", Text), ("reason", Text)]),
    (
        "other",
        &[
            ("instance", Text),
            ("relation", Text),
            ("task", Text),
            ("called_by", Text),
            ("each", Text),
            ("ends_with", Text),
            ("given_up", Flag),
            ("unlinked", Flag),
            ("reason", Text),
        ],
    ),
    ("reassign", &[("task", Text), ("each", Text), ("to", Text), ("reason", Text)]),
    ("redo", &[("task", Text), ("each", Text), ("reason", Text)]),
    ("refuse_extension", &[("task", Text), ("each", Text), ("clock", Text), ("comment", Text)]),
    ("refuse_objection", &[("task", Text), ("each", Text), ("to", Text), ("comment", Text)]),
    ("refused", &[("code", Text), ("missing", List)]),
    ("release", &[("task", Text), ("each", Text), ("reason", Text)]),
    (
        "request_extension",
        &[("task", Text), ("each", Text), ("clock", Text), ("by", Text), ("reason", Text)],
    ),
    ("request_supplement", &[("task", Text), ("each", Text), ("what", Text)]),
    ("return", &[("to", Text), ("reason", Text), ("proposed_by", Text)]),
    ("revive", &[("reason", Text), ("fields", Map), ("steward", Text)]),
    ("set_backups", &[("to", List), ("reason", Text)]),
    ("starts", &[("workflow", Text), ("fields", Map), ("steward", Text), ("id", Text)]),
    ("supply", &[("task", Text), ("each", Text), ("what", Text)]),
    ("suspend", &[("reason", Text), ("expected_resume", Text), ("proposed_by", Text)]),
    (
        "terminate",
        &[("reason", Text), ("comment", Text), ("proposed_by", Text), ("duplicate_of", Text)],
    ),
    ("unlink", &[("to", Text), ("relation", Text), ("task", Text), ("reason", Text)]),
    ("uphold_objection", &[("task", Text), ("each", Text), ("to", Text), ("comment", Text)]),
];

/// The one verb of a step.
pub(super) fn only_verb(step: &Step) -> Result<&'static str, String> {
    let verbs = [
        ("wait", step.wait.is_some()),
        ("create", step.create.is_some()),
        ("advance", step.advance.is_some()),
        ("return", step.return_to.is_some()),
        ("redo", step.redo.is_some()),
        ("suspend", step.suspend.is_some()),
        ("resume", step.resume.is_some()),
        ("terminate", step.terminate.is_some()),
        ("open", step.open.is_some()),
        ("update", step.update.is_some()),
        ("log", step.log.is_some()),
        ("reassign", step.reassign.is_some()),
        ("set_backups", step.set_backups.is_some()),
        ("claim", step.claim.is_some()),
        ("release", step.release.is_some()),
        ("complete", step.complete.is_some()),
        ("complete_all", step.complete_all.is_some()),
        ("check", step.check.is_some()),
        ("comment", step.comment.is_some()),
        ("delegate", step.delegate.is_some()),
        ("object", step.object.is_some()),
        ("uphold_objection", step.uphold_objection.is_some()),
        ("refuse_objection", step.refuse_objection.is_some()),
        ("request_supplement", step.request_supplement.is_some()),
        ("supply", step.supply.is_some()),
        ("request_extension", step.request_extension.is_some()),
        ("grant_extension", step.grant_extension.is_some()),
        ("refuse_extension", step.refuse_extension.is_some()),
        ("acknowledge", step.acknowledge.is_some()),
        ("link", step.link.is_some()),
        ("unlink", step.unlink.is_some()),
        ("revive", step.revive.is_some()),
        ("other", step.other.is_some()),
    ];
    let mut said = verbs.iter().filter(|(_, is_said)| *is_said).map(|(verb, _)| *verb);
    match (said.next(), said.next()) {
        (None, _) => Err("the step says nothing to do".to_owned()),
        (Some(verb), None) => Ok(verb),
        (Some(first), Some(second)) => {
            Err(format!("the step says `{first}` and `{second}`: write a step for each"))
        }
    }
}

/// The hint that follows an unknown name.
pub(super) fn hint<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let hint = crate::script::hint(name, known);
    hint.map(|hint| format!(": {hint}")).unwrap_or_default()
}

/// The arguments of a verb: a map, or its most important one alone.
pub(super) struct Args<'a> {
    map: BTreeMap<&'a str, &'a Json>,
}

impl<'a> Args<'a> {
    /// Reads them; an unknown one, and one of another kind, is refused.
    pub(super) fn of(verb: &str, value: &'a Json) -> Result<Self, String> {
        let takes = VERBS.iter().find(|(known, _)| *known == verb);
        let takes = takes.map_or(&[][..], |(_, takes)| takes);
        let map: BTreeMap<&'a str, &'a Json> = match value {
            Json::Object(map) => map.iter().map(|(key, value)| (key.as_str(), value)).collect(),
            Json::Null => BTreeMap::new(),
            Json::String(_) => match takes.first() {
                Some((short, _)) => BTreeMap::from([(*short, value)]),
                None => return Err(format!("`{verb}` takes nothing: write `{verb}: {{}}`")),
            },
            other => return Err(format!("`{verb}`: `{other}` is neither a name nor a map")),
        };
        for (name, value) in &map {
            let Some((_, kind)) = takes.iter().find(|(known, _)| known == name) else {
                let hint = hint(name, takes.iter().map(|(known, _)| *known));
                return Err(format!("`{verb}` takes no `{name}`{hint}"));
            };
            let (fits, wanted) = match kind {
                Text => (value.is_string(), "a text"),
                Flag => (value.is_boolean(), "true or false"),
                Map => (value.is_object(), "a map"),
                List => (!value.is_null(), "a list"),
            };
            if !fits {
                return Err(format!("`{verb}`, `{name}`: `{value}` is not {wanted}"));
            }
        }
        Ok(Self { map })
    }

    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.map.get(name).and_then(|value| value.as_str())
    }

    pub(super) fn needed(&self, name: &str) -> Result<&'a str, String> {
        self.text(name).ok_or_else(|| format!("`{name}` is missing"))
    }

    pub(super) fn words(&self, name: &str) -> String {
        self.text(name).unwrap_or_default().to_owned()
    }

    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        self.map.get(name).and_then(|value| value.as_bool())
    }

    /// The items of a list, if it is there.
    pub(super) fn list(&self, name: &str) -> Option<Vec<&'a Json>> {
        self.map.get(name).map(|value| match value {
            Json::Array(items) => items.iter().collect(),
            single => vec![*single],
        })
    }

    /// The items of a list of texts, if it is there.
    pub(super) fn texts(&self, name: &str) -> Result<Option<Vec<&'a str>>, String> {
        let Some(items) = self.list(name) else { return Ok(None) };
        let text = |item: &'a Json| item.as_str().ok_or_else(|| format!("`{item}` is not a text"));
        items.into_iter().map(text).collect::<Result<_, _>>().map(Some)
    }

    pub(super) fn map(&self, name: &str) -> BTreeMap<String, Json> {
        let map = self.map.get(name).and_then(|value| value.as_object()).into_iter().flatten();
        map.map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}
