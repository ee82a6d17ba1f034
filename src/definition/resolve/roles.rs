//! Looking up who is meant: a role, or a group as a role.

use crate::definition::authored::shapes::Scalar;
use crate::definition::code::Code;
use crate::definition::span::KeyPath;
use crate::model::id::RoleId;
use crate::model::organization::Organization;

use super::desk::Desk;

/// The organization as far as it is known: not at all for a published version, to which changes of
/// the organization never apply.
#[derive(Clone, Copy)]
pub(super) struct Roles<'a> {
    pub organization: Option<&'a Organization>,
}

impl<'a> Roles<'a> {
    /// A role or group that exists.
    pub(super) fn role(self, desk: &mut Desk<'_>, path: &KeyPath, role: &Scalar) -> Option<RoleId> {
        let id = desk.own_text(path, role.as_str(), RoleId::parse)?;
        if !self.exists(role.as_str()) {
            let known = self.known();
            desk.unknown(Code::UnknownRole, path, "role or group", role.as_str(), known);
        }
        Some(id)
    }

    /// A role or group that may be missing.
    pub(super) fn optional(
        self,
        desk: &mut Desk<'_>,
        path: &KeyPath,
        role: Option<&Scalar>,
    ) -> Option<RoleId> {
        self.role(desk, path, role?)
    }

    pub(super) fn exists(self, role: &str) -> bool {
        let Some(organization) = self.organization else { return true };
        organization.role(role).is_some() || organization.group(role).is_some()
    }

    pub(super) fn known(self) -> impl Iterator<Item = &'a str> {
        let roles = self.organization.map_or(&[][..], |each| &each.roles[..]);
        let groups = self.organization.map_or(&[][..], |each| &each.groups[..]);
        let roles = roles.iter().map(|role| role.id.as_str());
        roles.chain(groups.iter().map(|group| group.id.as_str()))
    }
}
