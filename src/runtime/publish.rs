//! Publishing: from files to a new catalog, or to findings and no change at all.
//!
//! One at a time. The same way for the start of the server, an edit in a watched directory and the
//! API.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use crate::definition::code::Code;
use crate::definition::compile;
use crate::definition::diagnostic::{Diagnostic, Severity};
use crate::definition::sources::{SourceKind, Sources};
use crate::engine::{Rejection, must_keep_rules};
use crate::model::actor::Actor;
use crate::model::event::{Event, Payload, Record};
use crate::model::id::{CalendarId, WorkflowId};
use crate::model::limits;
use crate::store::{self, CONTROL, DocumentWrite};

use super::catalog::CatalogCell;
use super::change::{Change, SourceDocuments};
use super::committer::{BeforeShown, Group, Job, Verdict};
use super::documents::SourceDocument;
use super::shared::Shared;
use super::stats::count;

/// Findings told in the event of a rejected edit.
const FINDINGS_TOLD_MAX: usize = 20;
/// How often a change is written again because somebody wrote instances of the same batch first.
const CONFLICTS_MAX: usize = 16;

/// A file of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path, such as `workflows/investment_project.yaml`.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// What was found in files that were only looked at.
#[derive(Debug, Clone)]
pub struct Validation {
    /// The findings, by file and place.
    pub diagnostics: Vec<Diagnostic>,
    /// The files as they would be live: what the findings point into.
    pub sources: Sources,
}

/// What became of an edit without errors.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Publication {
    /// The workflows that changed.
    pub workflows: Vec<PublishedVersion>,
    /// The workflows that take no new instances any more.
    pub retired: Vec<WorkflowId>,
    /// The calendars that changed.
    pub calendars: Vec<CalendarId>,
    /// Whether roles, groups, members or services changed.
    pub organization_changed: bool,
    /// Findings that are no errors.
    pub warnings: Vec<Diagnostic>,
}

/// A version that new instances take from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedVersion {
    /// The workflow.
    pub workflow: WorkflowId,
    /// The version.
    pub version: u32,
    /// The version before.
    pub before: Option<u32>,
    /// Whether the version was made by this edit; otherwise the edit went back to an earlier one.
    pub is_new: bool,
}

/// Another version that new instances take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activation {
    /// The workflow.
    pub workflow: WorkflowId,
    /// The version; none: the workflow is retired.
    pub version: Option<u32>,
    /// The version before.
    pub before: Option<u32>,
}

/// Why nothing was published.
#[derive(Debug, Clone, PartialEq)]
pub enum PublishError {
    /// The files have errors; here are all findings.
    Rejected(Vec<Diagnostic>),
    /// A path where no file of a configuration belongs.
    UnknownPath(String),
    /// The actor may not change what the service goes by.
    Refused(Rejection),
    /// There is no such version.
    UnknownVersion,
    /// The store cannot be written at the moment; nothing was changed.
    Unavailable,
    /// At start the clock was far past the store's last reading: nothing is changed until somebody
    /// starts the server with `--catch-up`.
    ClockJumped,
    /// The server is shutting down.
    Draining,
    /// A defect of the program; the log has the details.
    Internal,
}

impl fmt::Display for PublishError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(diagnostics) => {
                let errors = diagnostics.iter().filter(|each| is_error(each)).count();
                let more = diagnostics.iter().any(|each| each.code == Code::MoreFindings);
                let errors = match errors {
                    1 => "1 error".to_owned(),
                    many if more => format!("at least {many} errors"),
                    many => format!("{many} errors"),
                };
                write!(out, "{errors}: nothing was changed")
            }
            Self::UnknownPath(path) => {
                write!(out, "`{path}` is not where a file of a configuration belongs")
            }
            Self::Refused(rejection) => write!(out, "refused: {}", rejection.public_message()),
            Self::UnknownVersion => write!(out, "there is no such version"),
            Self::Unavailable => write!(out, "the store is unavailable"),
            Self::ClockJumped => write!(out, "the clock jumped: start with --catch-up"),
            Self::Draining => write!(out, "the server is shutting down"),
            Self::Internal => write!(out, "internal error"),
        }
    }
}

impl std::error::Error for PublishError {}

/// Lets one edit through at a time.
#[derive(Default)]
pub(super) struct Publisher {
    /// The digest of the edit that was rejected last: it is told once, not at every look.
    rejected: Mutex<Option<String>>,
}

impl CatalogCell {
    pub(super) fn validate(&self, files: Vec<SourceFile>) -> Result<Validation, PublishError> {
        let sources = texts(&laid_over(self.snapshot().sources.clone(), files)?);
        let diagnostics = compile(&sources).diagnostics;
        Ok(Validation { diagnostics, sources })
    }

    /// Takes files that came through the API.
    pub(super) fn publish(
        &self,
        shared: &Shared,
        actor: Actor,
        files: Vec<SourceFile>,
    ) -> Result<Publication, PublishError> {
        let mut rejected = self.publisher.lock();
        self.must_keep_rules(shared, &actor)?;
        *rejected = None;
        let sources = laid_over(self.snapshot().sources.clone(), files)?;
        self.take(shared, actor, sources, Vec::new(), &mut rejected)
    }

    /// Takes the files of the configuration as they are now. `findings` are those of reading them.
    pub(super) fn take_configuration(
        &self,
        shared: &Shared,
        configuration: &Sources,
        findings: Vec<Diagnostic>,
    ) -> Result<Publication, PublishError> {
        let mut rejected = self.publisher.lock();
        let sources = merged(&self.snapshot().sources, configuration);
        self.take(shared, Actor::System, sources, findings, &mut rejected)
    }

    /// Lets new instances take a version, or none.
    pub(super) fn activate(
        &self,
        shared: &Shared,
        actor: Actor,
        workflow: &WorkflowId,
        version: Option<u32>,
    ) -> Result<Activation, PublishError> {
        let _rejected = self.publisher.lock();
        self.must_keep_rules(shared, &actor)?;
        let current = self.snapshot();
        let versions = current.versions(workflow.as_str()).ok_or(PublishError::UnknownVersion)?;
        if version.is_some_and(|version| !versions.versions.contains_key(&version)) {
            return Err(PublishError::UnknownVersion);
        }
        let before = versions.active;
        self.put_in_place(shared, actor, Change::activate(&current, workflow, version))?;
        Ok(Activation { workflow: workflow.clone(), version, before })
    }

    fn must_keep_rules(&self, shared: &Shared, actor: &Actor) -> Result<(), PublishError> {
        let current = self.snapshot();
        let today = current.today(shared.clock.now());
        must_keep_rules(current.organization(), actor, today).map_err(PublishError::Refused)
    }

    fn take(
        &self,
        shared: &Shared,
        actor: Actor,
        sources: SourceDocuments,
        findings: Vec<Diagnostic>,
        rejected: &mut Option<String>,
    ) -> Result<Publication, PublishError> {
        let current = self.snapshot();
        if sources == current.sources && findings.is_empty() {
            *rejected = None;
            return Ok(Publication::default());
        }
        let compilation = compile(&texts(&sources));
        let mut all = findings;
        all.extend(compilation.diagnostics.iter().cloned());
        if all.iter().any(is_error) {
            let digest = texts(&sources).digest();
            if rejected.as_ref() != Some(&digest) {
                let payload = rejection(&changed_paths(&current.sources, &sources), &all);
                tell_rejection(shared, actor, payload);
                *rejected = Some(digest);
            }
            return Err(PublishError::Rejected(all));
        }
        *rejected = None;
        let change = Change::plan(&current, sources, compilation, shared.clock.now());
        if change.is_nothing() {
            return Ok(change.publication);
        }
        let publication = self.put_in_place(shared, actor, change)?;
        count(&shared.counters.edits_taken);
        // Whoever edits a file has no other answer than the log.
        let warnings: Vec<String> =
            publication.warnings.iter().take(FINDINGS_TOLD_MAX).map(one_line).collect();
        if !warnings.is_empty() {
            let told = warnings.join("\n");
            tracing::warn!(warnings = publication.warnings.len(), "an edit was taken:\n{told}");
        }
        for PublishedVersion { workflow, version, is_new, .. } in &publication.workflows {
            tracing::info!(%workflow, version, is_new, "workflow version activated");
        }
        for workflow in &publication.retired {
            tracing::info!(%workflow, "workflow retired");
        }
        for calendar in &publication.calendars {
            tracing::info!(%calendar, "calendar published");
        }
        Ok(publication)
    }

    /// Makes a change durable, then visible: the new catalog is in place before anybody can read of
    /// it in the feed and act on it.
    pub(super) fn put_in_place(
        &self,
        shared: &Shared,
        actor: Actor,
        change: Change,
    ) -> Result<Publication, PublishError> {
        let calendars_changed = !change.publication.calendars.is_empty();
        let (newest, catalog) = (Arc::clone(&self.newest), Arc::new(change.catalog));
        let swap: BeforeShown = Arc::new(move || newest.store(Arc::clone(&catalog)));
        write(shared, actor, &change.payloads, &change.documents, Some(&swap))?;
        if calendars_changed {
            shared.bell.calendars_changed();
        }
        Ok(change.publication)
    }
}

impl Publisher {
    pub(super) fn lock(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.rejected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn texts(sources: &SourceDocuments) -> Sources {
    let files = sources.iter();
    let files = files.map(|(path, document)| (path.clone(), document.text.as_str().into()));
    Sources { files: files.collect() }
}

pub(super) fn is_error(diagnostic: &Diagnostic) -> bool {
    diagnostic.severity == Severity::Error
}

/// The live files with those that came through the API.
fn laid_over(
    mut sources: SourceDocuments,
    files: Vec<SourceFile>,
) -> Result<SourceDocuments, PublishError> {
    for SourceFile { path, text } in files {
        if SourceKind::of(&path).is_none() {
            return Err(PublishError::UnknownPath(path));
        }
        let taken = sources.get(&path).and_then(|document| document.taken.clone());
        sources.insert(path, SourceDocument { text, taken });
    }
    Ok(sources)
}

/// The live files with those of the configuration: a file counts as edited when its digest is not
/// the one that was taken last. One that is gone is dropped, except for calendars, by which running
/// instances may still count.
fn merged(live: &SourceDocuments, configuration: &Sources) -> SourceDocuments {
    let mut sources: SourceDocuments = BTreeMap::new();
    for (path, document) in live {
        let is_calendar = SourceKind::of(path) == Some(SourceKind::Calendar);
        let stays = document.taken.is_none() || is_calendar;
        if stays || configuration.files.contains_key(path) {
            sources.insert(path.clone(), document.clone());
        }
    }
    for (path, text) in &configuration.files {
        let digest = digest_of(text);
        let known = sources.get(path).and_then(|document| document.taken.as_ref());
        if known != Some(&digest) {
            let document = SourceDocument { text: text.to_string(), taken: Some(digest) };
            sources.insert(path.clone(), document);
        }
    }
    sources
}

fn digest_of(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn changed_paths(before: &SourceDocuments, after: &SourceDocuments) -> Vec<String> {
    let text_of = |sources: &SourceDocuments, path: &String| {
        sources.get(path).map(|document| document.text.clone())
    };
    let all: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let changed = all.into_iter().filter(|path| text_of(before, path) != text_of(after, path));
    changed.cloned().collect()
}

fn rejection(paths: &[String], diagnostics: &[Diagnostic]) -> Payload {
    let errors: Vec<&Diagnostic> = diagnostics.iter().filter(|each| is_error(each)).collect();
    Payload::WorkflowRejected {
        paths: paths.to_vec(),
        errors: u32::try_from(errors.len()).unwrap_or(u32::MAX),
        findings: errors.iter().take(FINDINGS_TOLD_MAX).map(|each| one_line(each)).collect(),
    }
}

/// A finding for a log or an event: where, and what.
fn one_line(finding: &Diagnostic) -> String {
    let span = &finding.primary.span;
    format!("{}:{}:{}: {}", span.path, span.line, span.column, finding.message)
}

/// Logs, counts and emits a rejected edit, once.
fn tell_rejection(shared: &Shared, actor: Actor, payload: Payload) {
    count(&shared.counters.edits_rejected);
    if let Payload::WorkflowRejected { paths, errors, findings } = &payload {
        let findings = findings.join("\n");
        tracing::warn!(?paths, errors, "an edit was rejected, nothing was changed:\n{findings}");
    }
    if let Err(error) = write(shared, actor, &[payload], &[], None) {
        tracing::warn!(error = %error, "the rejection of an edit could not be recorded");
    }
}

/// Writes control events and documents, and waits until they are durable.
fn write(
    shared: &Shared,
    actor: Actor,
    payloads: &[Payload],
    documents: &[DocumentWrite],
    before_shown: Option<&BeforeShown>,
) -> Result<(), PublishError> {
    if shared.clock_jump.is_some() {
        return Err(PublishError::ClockJumped);
    }
    let time = shared.clock.now();
    let event = |payload: &Payload| Event { time, due_at: None, payload: payload.clone() };
    let events: Vec<Event> = payloads.iter().map(event).collect();
    let record = Record { stamp: None, time, actor, request: None, events };
    let record = Arc::new(record);
    let write = store::Write { partition: CONTROL, record, header: None, body: None };
    for _ in 0..CONFLICTS_MAX {
        let (done, verdict) = sync_channel(1);
        let writes = if payloads.is_empty() { Vec::new() } else { vec![write.clone()] };
        let group = Group {
            writes,
            documents: documents.to_vec(),
            before_shown: before_shown.cloned(),
            done,
        };
        shared.committer.send(Job::Group(group)).map_err(|_| PublishError::Draining)?;
        match verdict.recv() {
            Ok(Verdict::Durable { .. }) => return Ok(()),
            Ok(Verdict::Unavailable) => return Err(PublishError::Unavailable),
            // Another group's instances, in the same batch.
            Ok(Verdict::Conflict(_)) => {}
            Err(_) => return Err(PublishError::Draining),
        }
    }
    Err(PublishError::Unavailable)
}

const _: () = assert!(FINDINGS_TOLD_MAX <= limits::VIOLATIONS_TOLD_MAX);
