//! What records mean, asked without a running service: the instance that they make, to restore it
//! or to compare it with what is stored. Decides nothing and writes nothing.

use std::sync::Arc;

use crate::engine::replay_onto;
use crate::model::event::Record;
use crate::model::id::InstanceId;
use crate::model::instance::{Header, Instance};
use crate::model::limits;
use crate::store::memory::MemoryStore;
use crate::store::{Batch, DocumentWrite, Error, Progress, Query, Store, Stored};

use super::catalog::Catalog;
use super::start::{StartError, read_catalog};

/// Findings that are told; a store with more is not mended by hand.
const FINDINGS_MAX: usize = 100;

/// The workflows of a store, and with them the meaning of its records.
#[derive(Debug)]
pub struct Meaning {
    catalog: Catalog,
}

impl Meaning {
    /// By the workflows of this store.
    pub fn of_store(store: &dyn Store) -> Result<Self, StartError> {
        Ok(Self { catalog: read_catalog(store)? })
    }

    /// By the workflows that are among these documents of a store.
    pub fn of_documents(documents: &[(String, Vec<u8>)]) -> Result<Self, StartError> {
        let store = MemoryStore::new(true);
        let write = |(key, content): &(String, Vec<u8>)| DocumentWrite {
            key: key.clone(),
            content: Some(content.clone()),
        };
        let documents = documents.iter().map(write).collect();
        store.commit(Batch { documents, ..Batch::default() })?;
        Self::of_store(&store)
    }

    /// The instance that is stored like this, with its header.
    pub fn instance(&self, stored: Stored) -> Result<(Instance, Header), Error> {
        let Some(instance) = replayed(stored.body, &stored.tail) else {
            return Err(Error::Corrupt("an instance has neither body nor creation".to_owned()));
        };
        match self.header(&instance) {
            Some(header) => Ok((instance, header)),
            None => Err(Error::Corrupt(without_version(&instance))),
        }
    }

    /// Compares every instance with what its records make, from the first on. What is found is
    /// added in a sentence each, at most a hundred; none: body and header are what they must be.
    /// `instances` is how many there are.
    pub fn compare(
        &self,
        store: &dyn Store,
        instances: u64,
        findings: &mut Vec<String>,
        progress: &mut dyn FnMut(Progress),
    ) {
        let mut query = Query { limit: limits::PAGE_SIZE_MAX, ..Query::default() };
        let (most, mut done) = (findings.len() + FINDINGS_MAX, 0);
        loop {
            let page = match store.query(&query) {
                Ok(page) => page,
                Err(error) => {
                    let what = "not every instance can be compared with its records";
                    return findings.push(format!("{what}: {error}"));
                }
            };
            for header in &page {
                match self.compare_one(store, header) {
                    Ok(finding) => findings.extend(finding),
                    Err(error) => findings.push(format!("instance {}: {error}", header.id)),
                }
                if findings.len() >= most {
                    return;
                }
            }
            done += page.len() as u64;
            progress(Progress { of: "instances", done, total: Some(instances.max(done)) });
            match page.last() {
                Some(last) if page.len() >= query.limit => {
                    query.after = Some(query.order.place_of(last));
                }
                Some(_) | None => return,
            }
        }
    }

    fn compare_one(&self, store: &dyn Store, header: &Header) -> Result<Option<String>, Error> {
        let id = &header.id;
        let records = history(store, id)?;
        let Some(stored) = store.load(id)? else {
            return Ok(Some(format!("instance {id} has a header and nothing else")));
        };
        let body_version = stored.body.as_ref().map_or(0, |body| body.version);
        let in_body = |record: &Record| {
            record.stamp.as_ref().is_some_and(|stamp| stamp.version <= body_version)
        };
        let (before, since) = records.split_at(records.iter().take_while(|it| in_body(it)).count());
        let made = replayed(None, before);
        if let Some(body) = &stored.body
            && let Some(field) = made.as_ref().map_or(Some("id"), |made| difference(made, body))
        {
            return Ok(Some(format!(
                "the body of instance {id} is not what its records make: `{field}` differs"
            )));
        }
        let Some(made) = replayed(made, since) else {
            return Ok(Some(format!("instance {id} has no records")));
        };
        let Some(expected) = self.header(&made) else {
            return Ok(Some(without_version(&made)));
        };
        Ok((!is_what_is_kept(&expected, header))
            .then(|| format!("the header of instance {id} is not that of what its records make")))
    }

    fn header(&self, instance: &Instance) -> Option<Header> {
        let (workflow, version) = (instance.workflow.as_str(), instance.workflow_version);
        let published = self.catalog.version(workflow, version)?;
        Some(instance.header(&published.indexed))
    }
}

fn without_version(instance: &Instance) -> String {
    format!(
        "instance {} is pinned to version {} of `{}`, which is not among the documents",
        instance.id, instance.workflow_version, instance.workflow
    )
}

/// Every record of an instance, oldest first.
fn history(store: &dyn Store, instance: &InstanceId) -> Result<Vec<Record>, Error> {
    let mut records: Vec<Record> = store
        .history(instance, None, usize::MAX)?
        .into_iter()
        .map(|numbered| numbered.record)
        .collect();
    records.reverse();
    Ok(records)
}

fn replayed<'a>(
    from: Option<Instance>,
    records: impl IntoIterator<Item = &'a Record>,
) -> Option<Instance> {
    replay_onto(from.map(Arc::new), records).map(Arc::unwrap_or_clone)
}

/// Whether a stored header is the one that is expected. When the limits of tasks run out, and who
/// delegated them, was not kept at first: a header from then says nothing of it.
fn is_what_is_kept(expected: &Header, stored: &Header) -> bool {
    let mut expected = expected.clone();
    for (task, known) in expected.tasks.iter_mut().zip(&stored.tasks) {
        task.due = task.due.filter(|_| known.due.is_some());
        task.delegated_by = task.delegated_by.take().filter(|_| known.delegated_by.is_some());
    }
    expected == *stored
}

/// The first field in which two instances differ.
fn difference(left: &Instance, right: &Instance) -> Option<&'static str> {
    macro_rules! first_of {
        ($($field:ident),* $(,)?) => {{
            // A field that is forgotten here does not compile.
            let Instance { $($field: _),* } = left;
            $(if left.$field != right.$field {
                return Some(stringify!($field));
            })*
        }};
    }
    first_of!(
        id,
        workflow,
        workflow_version,
        calendar_digest,
        revision,
        version,
        created_at,
        updated_at,
        status,
        steward,
        group,
        backups,
        fields,
        path_stage,
        stages,
        tasks,
        clocks,
        activities,
        suspension,
        requests,
        next_task,
        next_clock,
        script_failed_in,
        relations,
        outcome,
    );
    None
}
