//! What an edit changes: computed from the catalog as it is and the files as compiled, written
//! later.
//!
//! Pure. The same digest changes nothing; another is published and activated, a known one only
//! activated; a workflow whose file is gone is retired.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::definition::{Compilation, CompiledWorkflow};
use crate::model::event::Payload;
use crate::model::id::{CalendarId, WorkflowId};
use crate::model::time::Timestamp;
use crate::store::DocumentWrite;

use super::catalog::{Catalog, LiveCalendar, Published};
use super::documents::{self, SourceDocument, WorkflowDocument};
use super::publish::{Publication, PublishedVersion};
use super::roster;

/// The live files, by path.
pub(super) type SourceDocuments = BTreeMap<String, SourceDocument>;

/// What an edit changes.
pub(super) struct Change {
    pub(super) catalog: Catalog,
    pub(super) documents: Vec<DocumentWrite>,
    pub(super) payloads: Vec<Payload>,
    pub(super) publication: Publication,
}

impl Change {
    /// What these files, compiled without an error, change.
    pub(super) fn plan(
        current: &Catalog,
        sources: SourceDocuments,
        compilation: Compilation,
        now: Timestamp,
    ) -> Self {
        let publication =
            Publication { warnings: compilation.diagnostics, ..Publication::default() };
        let mut change = Self {
            catalog: current.clone(),
            documents: changed_sources(&current.sources, &sources),
            payloads: Vec::new(),
            publication,
        };
        change.catalog.sources = sources;
        change.catalog.ledgers = Arc::new(compilation.ledgers);
        for live in LiveCalendar::all_of(compilation.calendars, &compilation.calendar_paths) {
            change.take_calendar(live);
        }
        if change.catalog.organization_digest != compilation.organization_digest {
            let digest = compilation.organization_digest;
            let before = Arc::clone(&change.catalog.published);
            let changes = roster::changed_members(&before, &compilation.organization);
            change.catalog.set_organization(compilation.organization);
            change.catalog.organization_digest.clone_from(&digest);
            change.publication.organization_changed = true;
            change.documents.extend(change.catalog.organization_since(now));
            change.payloads.push(Payload::OrganizationChanged { digest, changes });
        }
        let present: Vec<WorkflowId> =
            compilation.workflows.iter().map(|compiled| compiled.workflow.id.clone()).collect();
        for compiled in compilation.workflows {
            change.take_workflow(compiled, now);
        }
        change.retire_all_but(&present);
        change
    }

    /// Lets new instances take another version, or none.
    pub(super) fn activate(current: &Catalog, workflow: &WorkflowId, version: Option<u32>) -> Self {
        let mut change = Self {
            catalog: current.clone(),
            documents: Vec::new(),
            payloads: Vec::new(),
            publication: Publication::default(),
        };
        change.set_active(workflow, version);
        change
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.documents.is_empty() && self.payloads.is_empty()
    }

    fn take_calendar(&mut self, live: LiveCalendar) {
        let id: CalendarId = live.calendar.id().clone();
        let digest = live.calendar.digest();
        let kept = self.catalog.kept_calendar(&live);
        let before = self.catalog.calendars.insert(id.clone(), live);
        if before.is_none_or(|before| before.calendar.digest() != digest) {
            self.documents.extend(kept);
            self.publication.calendars.push(id.clone());
            self.payloads.push(Payload::CalendarPublished { calendar: id, digest });
        }
    }

    fn take_workflow(&mut self, compiled: CompiledWorkflow, now: Timestamp) {
        let CompiledWorkflow { mut workflow, pinned } = compiled;
        let (id, digest) = (workflow.id.clone(), workflow.digest.clone());
        let versions = self.catalog.workflows.entry(id.clone()).or_default();
        if versions.taken.as_ref() == Some(&digest) {
            return;
        }
        versions.taken = Some(digest.clone());
        self.documents.push(documents::taken(&id, Some(&digest)));
        let mut known = versions.versions.iter();
        let known = known.find(|(_, published)| published.workflow.digest == digest);
        let before = versions.active;
        let (version, is_new) = match known {
            Some((version, _)) => (*version, false),
            None => (versions.versions.keys().next_back().map_or(1, |last| last + 1), true),
        };
        if is_new {
            workflow.version = version;
            let document = WorkflowDocument::new(&digest, now, &pinned);
            self.documents.push(documents::workflow(&id, version, &document));
            let published = Published::new(workflow, now, pinned);
            versions.versions.insert(version, Arc::new(published));
            let workflow = id.clone();
            self.payloads.push(Payload::WorkflowPublished { workflow, version, digest });
        }
        let workflow = id.clone();
        self.publication.workflows.push(PublishedVersion { workflow, version, before, is_new });
        self.set_active(&id, Some(version));
    }

    fn retire_all_but(&mut self, present: &[WorkflowId]) {
        let gone: Vec<WorkflowId> = self
            .catalog
            .workflows
            .iter()
            .filter(|(id, versions)| versions.taken.is_some() && !present.contains(id))
            .map(|(id, _)| id.clone())
            .collect();
        for id in gone {
            self.documents.push(documents::taken(&id, None));
            if let Some(versions) = self.catalog.workflows.get_mut(&id) {
                versions.taken = None;
            }
            self.set_active(&id, None);
            self.publication.retired.push(id);
        }
    }

    fn set_active(&mut self, workflow: &WorkflowId, version: Option<u32>) {
        let Some(versions) = self.catalog.workflows.get_mut(workflow) else { return };
        let before = std::mem::replace(&mut versions.active, version);
        if before != version {
            self.documents.push(documents::active(workflow, version));
            let workflow = workflow.clone();
            self.payloads.push(Payload::WorkflowActivated { workflow, version, before });
        }
    }
}

fn changed_sources(before: &SourceDocuments, after: &SourceDocuments) -> Vec<DocumentWrite> {
    let set = after
        .iter()
        .filter(|(path, document)| before.get(*path) != Some(document))
        .map(|(path, document)| documents::source(path, Some(document)));
    let removed = before
        .keys()
        .filter(|path| !after.contains_key(*path))
        .map(|path| documents::source(path, None));
    set.chain(removed).collect()
}
