//! Who acts: taken from the call's metadata, never from its message. For whom a service acts may
//! differ from command to command of a stream.
//!
//! Until there are credentials the server listens on loopback only and believes what it is told,
//! but only names that the organization declares.

use tonic::Status;
use tonic::metadata::MetadataMap;

use crate::engine::Rejection;
use crate::model::actor::Actor;
use crate::model::id::MemberId;
use crate::model::organization::Organization;

use super::status::{self, reason};

/// The metadata key that names a member or a declared service.
pub const ACTOR_KEY: &str = "sanbang-actor";
/// The metadata key that names the member for whom a service acts.
pub const ON_BEHALF_OF_KEY: &str = "sanbang-on-behalf-of";

/// Who looks. Every declared member and service may.
pub(super) fn reader(metadata: &MetadataMap, organization: &Organization) -> Result<Actor, Status> {
    acting(metadata, text(metadata, ON_BEHALF_OF_KEY)?, organization)
}

/// Who wants something done. A service acts on behalf of a member unless it has a role itself.
pub(super) fn commander(
    metadata: &MetadataMap,
    organization: &Organization,
) -> Result<Actor, Status> {
    may_command(reader(metadata, organization)?, organization)
}

/// Who wants one command of a stream done; `on_behalf_of` is the command's own, if it has one.
pub(super) fn commander_for(
    metadata: &MetadataMap,
    on_behalf_of: &str,
    organization: &Organization,
) -> Result<Actor, Status> {
    let on_behalf_of = match on_behalf_of {
        "" => text(metadata, ON_BEHALF_OF_KEY)?,
        own => Some(own),
    };
    may_command(acting(metadata, on_behalf_of, organization)?, organization)
}

fn acting(
    metadata: &MetadataMap,
    on_behalf_of: Option<&str>,
    organization: &Organization,
) -> Result<Actor, Status> {
    let Some(name) = text(metadata, ACTOR_KEY)? else {
        let message = format!("the metadata key `{ACTOR_KEY}` must name who acts");
        return Err(status::unauthenticated(reason::ACTOR_MISSING, &message));
    };
    if let Some(service) = organization.service(name) {
        let on_behalf_of = on_behalf_of.map(|name| member(name, organization)).transpose()?;
        return Ok(Actor::Service { service: service.id.clone(), on_behalf_of });
    }
    if on_behalf_of.is_some() && organization.member(name).is_some() {
        return Err(unknown("only a declared service acts on behalf of a member"));
    }
    Ok(Actor::Member(member(name, organization)?))
}

fn may_command(actor: Actor, organization: &Organization) -> Result<Actor, Status> {
    if let Actor::Service { service, on_behalf_of: None } = &actor {
        let declared = organization.service(service.as_str());
        if declared.is_none_or(|service| service.role.is_none()) {
            return Err(status::rejected(&Rejection::MemberNeeded, "", &[]));
        }
    }
    Ok(actor)
}

fn member(name: &str, organization: &Organization) -> Result<MemberId, Status> {
    let member = organization.member(name).map(|member| member.id.clone());
    member.ok_or_else(|| unknown("the organization knows no member or service of this name"))
}

fn unknown(message: &str) -> Status {
    status::unauthenticated(reason::ACTOR_UNKNOWN, message)
}

fn text<'a>(metadata: &'a MetadataMap, key: &str) -> Result<Option<&'a str>, Status> {
    let Some(value) = metadata.get(key) else { return Ok(None) };
    value.to_str().map(Some).map_err(|_| unknown("a name holds only letters, digits and `_`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::{RoleId, ServiceId};
    use crate::model::organization::{Member, Service};

    fn organization() -> Organization {
        let service = |name: &str, role: Option<&str>| Service {
            id: ServiceId::trusted(name),
            role: role.map(RoleId::trusted),
        };
        Organization {
            members: vec![Member::named("an")],
            services: vec![service("portal", None), service("registry", Some("clerk"))],
            ..Organization::default()
        }
    }

    fn told(actor: Option<&str>, on_behalf_of: Option<&str>) -> String {
        let mut metadata = MetadataMap::new();
        for (key, value) in [(ACTOR_KEY, actor), (ON_BEHALF_OF_KEY, on_behalf_of)] {
            if let Some(value) = value {
                metadata.insert(key, value.parse().unwrap());
            }
        }
        let name = |result: Result<Actor, Status>| match result {
            Ok(actor) => actor.to_string(),
            Err(status) => format!("{:?}", status.code()),
        };
        let organization = organization();
        format!(
            "reads as {}, commands as {}",
            name(reader(&metadata, &organization)),
            name(commander(&metadata, &organization))
        )
    }

    #[test]
    fn only_declared_names_act() {
        let unknown = "reads as Unauthenticated, commands as Unauthenticated";
        assert_eq!(told(None, None), unknown);
        assert_eq!(told(Some("nobody"), None), unknown);
        assert_eq!(told(Some("portal"), Some("nobody")), unknown);
        assert_eq!(told(Some("an"), Some("an")), unknown);
        assert_eq!(told(Some("an"), None), "reads as an, commands as an");
    }

    #[test]
    fn a_service_commands_for_a_member_or_by_its_own_role() {
        let without = told(Some("portal"), None);
        assert_eq!(without, "reads as portal, commands as PermissionDenied");
        let with = told(Some("portal"), Some("an"));
        assert_eq!(with, "reads as portal for an, commands as portal for an");
        assert_eq!(told(Some("registry"), None), "reads as registry, commands as registry");
    }
}
