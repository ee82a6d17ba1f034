//! The files beside the workflows, each from its text to what it means.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::calendar::Calendar;
use crate::definition::authored;
use crate::definition::diagnostic::Findings;
use crate::definition::load::{Located, load};
use crate::definition::sources::{SourceKind, Sources};
use crate::definition::span::KeyPath;
use crate::model::id::ReasonCode;
use crate::model::organization::{Organization, Title};
use crate::script::Functions;

use super::calendar::calendar;
use super::desk::Desk;
use super::organization::organization;
use super::policies::escalation;
use super::roles::Roles;
use super::scene::{Rules, ScriptFile, diagnostic};
use super::special::special_tasks;

/// The organization of a configuration; `None`: there is no such file, or it cannot be read.
pub(in crate::definition) fn organization_of(
    path: &Arc<str>,
    source: &Arc<str>,
    findings: &mut Findings,
) -> Option<Organization> {
    let file: Located<authored::Organization> = load(path, source, findings)?;
    let mut desk = Desk::new(&file.at);
    let value = organization(&mut desk, &file.value);
    findings.append(desk.findings);
    Some(value)
}

/// A calendar, if it is one, and its file, if it could be read.
pub(in crate::definition) fn calendar_of(
    path: &Arc<str>,
    source: &Arc<str>,
    findings: &mut Findings,
) -> (Option<Calendar>, Option<Located<authored::Calendar>>) {
    let before = findings.len();
    let Some(file) = load::<authored::Calendar>(path, source, findings) else {
        return (None, None);
    };
    let shaped = findings.len() == before;
    let mut desk = Desk::new(&file.at);
    let built = calendar(&mut desk, &file.value).filter(|_| shaped);
    findings.append(desk.findings);
    (built, Some(file))
}

/// Everything that workflows share and a published version keeps, with the ladders as written.
pub(in crate::definition) fn rules_of(
    sources: &Sources,
    organization: Option<&Organization>,
    findings: &mut Findings,
) -> (Rules, Option<Located<authored::Escalation>>) {
    let before = findings.len();
    let (functions, scripts) = functions(sources, findings);
    let ladders = sources
        .of_kind(SourceKind::Escalation)
        .find_map(|(path, source)| load::<authored::Escalation>(&path, source, findings));
    let reasons = sources
        .of_kind(SourceKind::Reasons)
        .find_map(|(path, source)| load::<authored::Reasons>(&path, source, findings));
    let mut rules = Rules {
        levels: Vec::new(),
        policies: Vec::new(),
        special: Vec::new(),
        reasons: BTreeMap::new(),
        words: Arc::default(),
        functions: Arc::new(functions),
        scripts,
        whole: true,
    };
    if let Some(file) = &ladders {
        let mut desk = Desk::new(&file.at);
        let roles = Roles { organization };
        (rules.levels, rules.policies) = escalation(&mut desk, roles, &file.value);
        rules.special = special_tasks(&mut desk, roles, &file.value, &rules.policies);
        findings.append(desk.findings);
    }
    if let Some(file) = &reasons {
        let mut desk = Desk::new(&file.at);
        rules.reasons = self::reasons(&mut desk, &file.value);
        let words = file.value.words.iter();
        let words = words.map(|(word, title)| (word.into(), Desk::title(Some(title), word)));
        rules.words = Arc::new(words.collect());
        findings.append(desk.findings);
    }
    rules.whole = !findings.has_errors_since(before);
    (rules, ladders)
}

fn functions(sources: &Sources, findings: &mut Findings) -> (Functions, Vec<ScriptFile>) {
    let files: Vec<(Arc<str>, Arc<str>)> = sources
        .of_kind(SourceKind::Functions)
        .map(|(path, source)| (path, source.clone()))
        .collect();
    let (functions, found) = Functions::compile(&files);
    let scripts: Vec<ScriptFile> =
        files.into_iter().map(|(path, source)| ScriptFile { path, source }).collect();
    for finding in found {
        let script = scripts.iter().find(|script| finding.file.as_ref() == Some(&script.path));
        let Some(script) = script.or(scripts.first()) else { continue };
        let position = (finding.line, finding.column, finding.length);
        let span = super::scene::script_span(&script.path, &script.source, position);
        findings.push(diagnostic(finding, span));
    }
    (functions, scripts)
}

fn reasons(desk: &mut Desk<'_>, authored: &authored::Reasons) -> BTreeMap<ReasonCode, Title> {
    let top = KeyPath::root().key("reasons");
    let mut reasons = BTreeMap::new();
    for (name, title) in authored.reasons.iter() {
        if let Some(code) = desk.name(&top.key(name), name, ReasonCode::parse) {
            reasons.insert(code, Desk::title(Some(title), name));
        }
    }
    reasons
}
