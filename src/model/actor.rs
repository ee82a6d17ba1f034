//! Who does something.

use std::fmt;

use super::id::{InstanceId, MemberId, ServiceId};

/// The one who issues a command.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A person.
    Member(MemberId),
    /// Another program, for itself or for a person.
    Service {
        /// The program.
        service: ServiceId,
        /// The person on whose behalf it acts.
        on_behalf_of: Option<MemberId>,
    },
    /// The engine itself: a limit ran out, a condition came to hold.
    System,
    /// The engine on behalf of another instance, which asked for it.
    Instance(InstanceId),
}

impl Actor {
    /// The person that acts, or for whom a service acts.
    pub fn member(&self) -> Option<&MemberId> {
        match self {
            Self::Member(member) => Some(member),
            Self::Service { on_behalf_of, .. } => on_behalf_of.as_ref(),
            Self::System | Self::Instance(_) => None,
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member(member) => write!(out, "{member}"),
            Self::Service { service, on_behalf_of: None } => write!(out, "{service}"),
            Self::Service { service, on_behalf_of: Some(member) } => {
                write!(out, "{service} for {member}")
            }
            Self::System => write!(out, "system"),
            Self::Instance(origin) => write!(out, "instance {origin}"),
        }
    }
}
