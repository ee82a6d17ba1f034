//! What `EscalationService.Digest` asks for. Knows form, never what there is to read.

use crate::api::pb;
use crate::api::violations::{Violation, Violations};
use crate::model::actor::Actor;
use crate::model::escalation::{Fired, Firing, Light};
use crate::model::id::MemberId;
use crate::model::instance::Status;
use crate::model::time::Date;
use crate::runtime::{Catalog, Order, Place, Query};

/// What is to be read by whom.
pub(in crate::api) struct Digest {
    /// The instances that may hold any of it.
    pub(in crate::api) instances: Query,
    /// So many of them are looked at.
    pub(in crate::api) page_size: usize,
    /// The day; none: today.
    pub(in crate::api) day: Option<Date>,
    readers: Vec<MemberId>,
}

impl Digest {
    /// Whether a step told one of the readers.
    pub(in crate::api) fn holds(&self, fired: &Fired) -> bool {
        let told = fired.firing == Firing::Notified;
        told && fired.readers().iter().any(|member| self.readers.contains(member))
    }
}

/// A page of a digest.
pub(in crate::api) fn digest(
    request: pb::EscalationServiceDigestRequest,
    actor: &Actor,
    catalog: &Catalog,
) -> Result<Digest, Vec<Violation>> {
    let mut found = Violations::default();
    let readers = readers(&mut found, &request, actor, catalog);
    let day = found.optional_date("day", &request.day);
    let page = found.page(request.page_size, request.page_token);
    let instances = Query {
        statuses: vec![Status::Active, Status::Suspended],
        lights: vec![Light::Blue, Light::Yellow, Light::Red],
        order: Order::Id,
        after: found.page_after(&page).map(Place::from),
        limit: page.size + 1,
        ..Query::default()
    };
    found.finish(Digest { instances, page_size: page.size, day, readers })
}

fn readers(
    found: &mut Violations,
    request: &pb::EscalationServiceDigestRequest,
    actor: &Actor,
    catalog: &Catalog,
) -> Vec<MemberId> {
    let organization = catalog.organization();
    if !request.member.is_empty() {
        match organization.member(&request.member) {
            Some(member) => return vec![member.id.clone()],
            None => found.add("member", "there is no such member"),
        }
    } else if !request.group.is_empty() {
        match organization.group(&request.group) {
            Some(group) => {
                let members = organization.members_of(group.id.as_str());
                return members.map(|member| member.id.clone()).collect();
            }
            None => found.add("group", "there is no such group"),
        }
    } else {
        match actor.member() {
            Some(member) => return vec![member.clone()],
            None => found.add("member", "a service says for whom it asks"),
        }
    }
    Vec::new()
}
