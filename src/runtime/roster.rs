//! The roster as it lives: read from the store at the start, laid over what the files say, changed
//! one at a time, durable before anybody sees it. What may be changed by whom is the engine's to
//! decide.

use std::fmt;
use std::sync::Arc;

use crate::engine::{Rejection, RosterDecision, decide_roster};
use crate::model::actor::Actor;
use crate::model::event::Payload;
use crate::model::organization::Organization;
use crate::model::roster::{OrganizationChange, OrganizationChangeKind, Roster, RosterAction};
use crate::store::{DocumentWrite, Error, Store, record};

use super::catalog::{Catalog, CatalogCell};
use super::change::Change;
use super::publish::{Publication, PublishError};
use super::shared::Shared;

/// Where the roster is kept.
const KEY: &str = "roster";

/// Why the roster was not changed.
#[derive(Debug, Clone, PartialEq)]
pub enum RosterError {
    /// The rules refuse it.
    Rejected(Rejection),
    /// It could not be written.
    NotTaken(PublishError),
    /// The store cannot be read at the moment.
    Unreadable,
}

impl fmt::Display for RosterError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(rejection) => write!(out, "refused: {}", rejection.public_message()),
            Self::NotTaken(error) => write!(out, "{error}"),
            Self::Unreadable => write!(out, "the store cannot be read"),
        }
    }
}

impl std::error::Error for RosterError {}

impl From<Rejection> for RosterError {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<PublishError> for RosterError {
    fn from(error: PublishError) -> Self {
        Self::NotTaken(error)
    }
}

impl CatalogCell {
    /// Changes the roster; false: it stood so already.
    pub(super) fn change_roster(
        &self,
        shared: &Shared,
        actor: Actor,
        action: &RosterAction,
    ) -> Result<bool, RosterError> {
        let _turn = self.publisher.lock();
        self.change_roster_in_turn(shared, actor, action, Vec::new())
    }

    /// The same for one whose turn it is, with documents that are written with it.
    pub(super) fn change_roster_in_turn(
        &self,
        shared: &Shared,
        actor: Actor,
        action: &RosterAction,
        documents: Vec<DocumentWrite>,
    ) -> Result<bool, RosterError> {
        let current = self.snapshot();
        let today = current.today(shared.clock.now());
        let RosterDecision { roster, changes } =
            decide_roster(current.organization(), &actor, action, today)?;
        if changes.is_empty() && documents.is_empty() {
            return Ok(false);
        }
        let mut catalog = current.as_ref().clone();
        let mut documents = documents;
        if roster != *current.roster {
            documents.push(document(&roster));
            catalog.set_roster(roster);
        }
        self.tell_change(shared, actor, catalog, changes, documents)?;
        Ok(true)
    }

    /// Writes what changed of the organization, with documents, and puts the catalog in place.
    pub(super) fn tell_change(
        &self,
        shared: &Shared,
        actor: Actor,
        catalog: Catalog,
        changes: Vec<OrganizationChange>,
        documents: Vec<DocumentWrite>,
    ) -> Result<(), PublishError> {
        let digest = catalog.organization_digest.clone();
        let payloads = vec![Payload::OrganizationChanged { digest, changes }];
        let publication = Publication::default();
        self.put_in_place(shared, actor, Change { catalog, documents, payloads, publication })?;
        Ok(())
    }
}

impl Catalog {
    /// Takes what the files say.
    pub(super) fn set_organization(&mut self, published: Organization) {
        self.organization = Arc::new(published.with_roster(&self.roster));
        self.published = Arc::new(published);
    }

    /// Takes another roster.
    pub(super) fn set_roster(&mut self, roster: Roster) {
        self.organization = Arc::new(self.published.with_roster(&roster));
        self.roster = Arc::new(roster);
    }
}

/// The roster as the store has it.
pub(super) fn read(store: &dyn Store) -> Result<Roster, Error> {
    match store.document(KEY)? {
        Some(content) => record::decode_roster(&content)
            .map_err(|error| Error::Corrupt(format!("document `{KEY}`: {error}"))),
        None => Ok(Roster::default()),
    }
}

fn document(roster: &Roster) -> DocumentWrite {
    DocumentWrite { key: KEY.to_owned(), content: Some(record::encode_roster(roster)) }
}

/// What another file of the organization changes for its members. Of the first one there is nothing
/// to tell.
pub(super) fn changed_members(
    before: &Organization,
    after: &Organization,
) -> Vec<OrganizationChange> {
    let change = |what, member: &crate::model::organization::Member| OrganizationChange {
        what,
        member: Some(member.id.clone()),
        others: Vec::new(),
        from: member.seconded.map(|seconded| seconded.from),
        to: member.seconded.and_then(|seconded| seconded.until),
        words: String::new(),
    };
    let mut changes = Vec::new();
    if before.members.is_empty() {
        return changes;
    }
    for member in &after.members {
        match before.member(member.id.as_str()) {
            None => changes.push(change(OrganizationChangeKind::MemberJoined, member)),
            Some(known) if known != member => {
                changes.push(change(OrganizationChangeKind::MemberChanged, member));
            }
            Some(_) => {}
        }
    }
    let gone = before.members.iter().filter(|it| after.member(it.id.as_str()).is_none());
    changes.extend(gone.map(|member| change(OrganizationChangeKind::MemberLeft, member)));
    changes
}
