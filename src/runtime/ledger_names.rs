//! Whether the names in a ledger's filter stand for anything: a misspelled one would leave nothing,
//! as if there were nothing.
//!
//! Knows no rows: what an instance was once called only its records tell.

use std::fmt;

use crate::ledger::Filter;
use crate::model::id::{GroupId, MemberId, StageId, WorkflowId};
use crate::script::hint;
use crate::store::{self, Query, Store};

use super::catalog::Catalog;

/// A name that stands for nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownName {
    /// A group, say.
    what: &'static str,
    name: String,
    /// What may have been meant.
    hint: Option<String>,
}

impl fmt::Display for UnknownName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, name, hint } = self;
        write!(out, "there is no {what} `{name}`")?;
        hint.iter().try_for_each(|hint| write!(out, ": {hint}"))
    }
}

/// The first name that stands for nothing. Workflows and stages are those of every version that was
/// ever published. Groups and members come and go: one that is gone is known while an instance has
/// it, and of a past instant all are taken as they are.
pub(super) fn unknown(
    store: &dyn Store,
    catalog: &Catalog,
    filter: &Filter,
    of_the_past: bool,
) -> Result<Option<UnknownName>, store::Error> {
    let workflows: Vec<&str> = catalog.workflows().map(|(id, _)| id.as_str()).collect();
    let versions = catalog.workflows().flat_map(|(_, versions)| versions.versions.values());
    let stages = versions.flat_map(|published| &published.workflow.stages);
    let mut stages: Vec<&str> = stages.map(|stage| stage.id.as_str()).collect();
    stages.sort_unstable();
    stages.dedup();
    let asked = |what, names: Vec<&str>, known: &[&str]| {
        let name = names.into_iter().find(|name| !known.contains(name))?;
        let hint = hint(name, known.iter().copied());
        Some(UnknownName { what, name: name.to_owned(), hint })
    };
    let of_workflow = filter.workflows.iter().map(WorkflowId::as_str).collect();
    let of_stage = filter.stages.iter().map(StageId::as_str).collect();
    let found = asked("workflow", of_workflow, &workflows);
    let found = found.or_else(|| asked("stage", of_stage, &stages));
    if found.is_some() || of_the_past {
        return Ok(found);
    }
    let has_any = |query: Query| store.query(&Query { limit: 1, ..query }).map(|it| !it.is_empty());
    let organization = catalog.organization();
    let groups: Vec<&str> = organization.groups.iter().map(|group| group.id.as_str()).collect();
    for group in &filter.groups {
        let found = asked("group", vec![GroupId::as_str(group)], &groups);
        if found.is_some() && !has_any(Query { groups: vec![group.clone()], ..Query::default() })? {
            return Ok(found);
        }
    }
    let members: Vec<&str> = organization.members.iter().map(|member| member.id.as_str()).collect();
    for steward in &filter.stewards {
        let found = asked("member", vec![MemberId::as_str(steward)], &members);
        let stewards = vec![steward.clone()];
        if found.is_some() && !has_any(Query { stewards, ..Query::default() })? {
            return Ok(found);
        }
    }
    Ok(None)
}
