//! What the catalog keeps in the store, as documents.
//!
//! `workflow/<id>/<version>` a published version with the files that it keeps, `active/<id>` the
//! version that new instances take, `taken/<id>` the digest of the edit that was taken last,
//! `source/<path>` a file as it is live: calendars and the organization are compiled from these.
//! `past/calendar/<digest>` the file of a calendar that is or was live,
//! `past/organization/<instant>` that of the organization which became live then: neither is ever
//! removed.
//! Knows no more of workflows than their names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::definition::sources::Sources;
use crate::model::id::WorkflowId;
use crate::model::time::Timestamp;
use crate::store::{DocumentWrite, Error, Store};

/// Digits of a version in a key, so that keys sort as numbers do.
const VERSION_DIGITS: usize = 10;

const PAST_CALENDAR: &str = "past/calendar/";
const PAST_ORGANIZATION: &str = "past/organization/";

/// A file as it is live.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SourceDocument {
    /// Its text.
    pub(super) text: String,
    /// The digest of the text that was last read from the configuration; none: it never was there
    /// and came through the API. A file that the API changed stays changed until it is edited.
    pub(super) taken: Option<String>,
}

/// A published version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct WorkflowDocument {
    pub(super) digest: String,
    pub(super) published_at_ms: i64,
    pub(super) files: BTreeMap<String, String>,
}

/// Everything of a catalog that is in the store.
#[derive(Debug, Default)]
pub(super) struct StoredCatalog {
    pub(super) versions: Vec<(WorkflowId, u32, WorkflowDocument)>,
    pub(super) active: BTreeMap<WorkflowId, u32>,
    pub(super) taken: BTreeMap<WorkflowId, String>,
    pub(super) sources: BTreeMap<String, SourceDocument>,
    /// Since when each organization that is kept was live.
    pub(super) organizations: BTreeSet<Timestamp>,
}

pub(super) fn read(store: &dyn Store) -> Result<StoredCatalog, Error> {
    let mut catalog = StoredCatalog::default();
    for (key, content) in store.documents("workflow/")? {
        let rest = key.strip_prefix("workflow/").and_then(|rest| rest.split_once('/'));
        let parsed = rest.and_then(|(id, version)| Some((id, version.parse().ok()?)));
        let Some((id, version)) = parsed else { return Err(misnamed(&key)) };
        catalog.versions.push((WorkflowId::trusted(id), version, parse(&key, &content)?));
    }
    for (id, key, content) in documents(store, "active/")? {
        catalog.active.insert(WorkflowId::trusted(&id), parse(&key, &content)?);
    }
    for (id, key, content) in documents(store, "taken/")? {
        catalog.taken.insert(WorkflowId::trusted(&id), parse(&key, &content)?);
    }
    for (path, key, content) in documents(store, "source/")? {
        catalog.sources.insert(path, parse(&key, &content)?);
    }
    for (since, key, _) in documents(store, PAST_ORGANIZATION)? {
        let since = since.parse().map_err(|_| misnamed(&key))?;
        catalog.organizations.insert(Timestamp(since));
    }
    Ok(catalog)
}

pub(super) fn workflow(
    id: &WorkflowId,
    version: u32,
    document: &WorkflowDocument,
) -> DocumentWrite {
    set(format!("workflow/{id}/{version:0VERSION_DIGITS$}"), document)
}

pub(super) fn active(id: &WorkflowId, version: Option<u32>) -> DocumentWrite {
    set_or_remove(format!("active/{id}"), version.as_ref())
}

pub(super) fn taken(id: &WorkflowId, digest: Option<&String>) -> DocumentWrite {
    set_or_remove(format!("taken/{id}"), digest)
}

pub(super) fn source(path: &str, document: Option<&SourceDocument>) -> DocumentWrite {
    set_or_remove(format!("source/{path}"), document)
}

/// The file of a calendar with this digest.
pub(super) fn past_calendar(digest: u64, text: &str) -> DocumentWrite {
    set(past_calendar_key(digest), text)
}

/// The file of the organization that became live at an instant.
pub(super) fn past_organization(since: Timestamp, text: &str) -> DocumentWrite {
    set(past_organization_key(since), text)
}

/// The same, read; none: it was not kept.
pub(super) fn read_past_calendar(store: &dyn Store, digest: u64) -> Result<Option<String>, Error> {
    read_text(store, &past_calendar_key(digest))
}

/// The same, read; none: it was not kept.
pub(super) fn read_past_organization(
    store: &dyn Store,
    since: Timestamp,
) -> Result<Option<String>, Error> {
    read_text(store, &past_organization_key(since))
}

fn past_calendar_key(digest: u64) -> String {
    format!("{PAST_CALENDAR}{digest:016x}")
}

fn past_organization_key(since: Timestamp) -> String {
    format!("{PAST_ORGANIZATION}{}", since.0)
}

fn read_text(store: &dyn Store, key: &str) -> Result<Option<String>, Error> {
    store.document(key)?.map(|content| parse(key, &content)).transpose()
}

impl WorkflowDocument {
    pub(super) fn new(digest: &str, published_at: Timestamp, pinned: &Sources) -> Self {
        let files = pinned.files.iter().map(|(path, text)| (path.clone(), text.to_string()));
        let digest = digest.to_owned();
        Self { digest, published_at_ms: published_at.0, files: files.collect() }
    }

    pub(super) fn pinned(&self) -> Sources {
        let files = self.files.iter();
        let files = files.map(|(path, text)| (path.clone(), Arc::from(text.as_str())));
        Sources { files: files.collect() }
    }
}

fn documents(store: &dyn Store, prefix: &str) -> Result<Vec<(String, String, Vec<u8>)>, Error> {
    let found = store.documents(prefix)?;
    let named = found.into_iter().map(|(key, content)| {
        let rest = key.strip_prefix(prefix).unwrap_or_default().to_owned();
        (rest, key, content)
    });
    Ok(named.collect())
}

fn parse<T: DeserializeOwned>(key: &str, content: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(content)
        .map_err(|error| Error::Corrupt(format!("document `{key}` cannot be read: {error}")))
}

fn misnamed(key: &str) -> Error {
    Error::Corrupt(format!("document `{key}` has no such name as a document should have"))
}

fn set<T: Serialize + ?Sized>(key: String, content: &T) -> DocumentWrite {
    let content = serde_json::to_vec(content).expect("texts and numbers always become JSON");
    DocumentWrite { key, content: Some(content) }
}

fn set_or_remove<T: Serialize>(key: String, content: Option<&T>) -> DocumentWrite {
    match content {
        Some(content) => set(key, content),
        None => DocumentWrite { key, content: None },
    }
}
