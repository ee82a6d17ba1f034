//! What every command request carries beside its wish: instance, request id, expected revision,
//! reason to force.
//!
//! Knows nothing of what is wished.

use std::fmt::Write as _;

use prost::Message;
use sha2::{Digest, Sha256};

use crate::api::pb;
use crate::api::violations::{Violation, Violations};
use crate::model::actor::Actor;
use crate::model::command::{Action, Command, Request};
use crate::model::id::InstanceId;
use crate::model::limits;

/// Bytes of a derived id.
const DERIVED_ID_BYTES: usize = 16;

/// A request that becomes a command.
pub(in crate::api) trait CommandRequest: Message {
    /// The call, as it enters the digest of the content and the log.
    const CALL: &'static str;
    /// The instance, as given.
    fn instance(&self) -> &str;
    /// The request id, as given.
    fn request_id(&self) -> &str;
    /// The expected revision.
    fn expected_revision(&self) -> Option<u64>;
    /// Why a rule is to be overruled.
    fn force_reason(&self) -> &str;
}

macro_rules! command_requests {
    ($($call:literal $request:ident { $($given:ident)* };)*) => {$(
        impl CommandRequest for pb::$request {
            const CALL: &'static str = $call;

            fn instance(&self) -> &str {
                &self.instance
            }

            fn request_id(&self) -> &str {
                &self.request_id
            }

            command_requests!(@revision $($given)*);
            command_requests!(@force $($given)*);
        }
    )*};
    (@revision) => {
        fn expected_revision(&self) -> Option<u64> {
            None
        }
    };
    (@revision $($given:ident)+) => {
        fn expected_revision(&self) -> Option<u64> {
            self.expected_revision
        }
    };
    (@force $($revision:ident)?) => {
        fn force_reason(&self) -> &str {
            ""
        }
    };
    (@force revision force) => {
        fn force_reason(&self) -> &str {
            &self.force_reason
        }
    };
}

command_requests! {
    "create" InstanceServiceCreateRequest {};
    "advance" InstanceServiceAdvanceRequest { revision force };
    "return" InstanceServiceReturnRequest { revision force };
    "suspend" InstanceServiceSuspendRequest { revision force };
    "resume" InstanceServiceResumeRequest { revision force };
    "terminate" InstanceServiceTerminateRequest { revision force };
    "open_stage" InstanceServiceOpenStageRequest { revision force };
    "update_fields" InstanceServiceUpdateFieldsRequest { revision force };
    "log_activity" InstanceServiceLogActivityRequest { revision };
    "reassign" InstanceServiceReassignRequest { revision force };
    "claim" TaskServiceClaimRequest { revision };
    "release" TaskServiceReleaseRequest { revision };
    "complete" TaskServiceCompleteRequest { revision force };
    "redo" TaskServiceRedoRequest { revision force };
    "check" TaskServiceCheckRequest { revision };
    "comment" TaskServiceCommentRequest { revision };
    "request_extension" TaskServiceRequestExtensionRequest { revision };
    "decide_extension" TaskServiceDecideExtensionRequest { revision force };
    "acknowledge" EscalationServiceAcknowledgeRequest { revision };
}

/// A command and the instance that it is for.
#[derive(Debug, Clone)]
pub(in crate::api) struct Wish {
    /// The instance.
    pub(in crate::api) instance: InstanceId,
    /// The command.
    pub(in crate::api) command: Command,
}

/// Takes a request apart: the envelope here, the wish by `action`.
pub(in crate::api) fn wish<R: CommandRequest>(
    actor: Actor,
    request: R,
    action: impl FnOnce(&mut Violations, R) -> Action,
) -> Result<Wish, Vec<Violation>> {
    let mut found = Violations::default();
    let instance = found.name("instance", request.instance());
    let envelope = Envelope::take(&mut found, actor, &request);
    let action = action(&mut found, request);
    found.finish(Wish { instance, command: envelope.around(action) })
}

/// Takes a creation apart. Without an id of the caller's one is derived from who asks and the
/// request id, so that a repeat means the same instance.
pub(in crate::api) fn creation(
    actor: Actor,
    request: pb::InstanceServiceCreateRequest,
    action: impl FnOnce(&mut Violations, InstanceId, pb::InstanceServiceCreateRequest) -> Action,
) -> Result<Wish, Vec<Violation>> {
    let mut found = Violations::default();
    let instance = match (request.instance.as_str(), request.request_id.as_str()) {
        ("", "") => {
            found.add("instance", "give an id, or a request id from which one is derived");
            InstanceId::trusted("")
        }
        ("", request_id) => InstanceId::trusted(&derived_id(&actor, request_id)),
        (given, _) => found.name("instance", given),
    };
    let envelope = Envelope::take(&mut found, actor, &request);
    let action = action(&mut found, instance.clone(), request);
    found.finish(Wish { instance, command: envelope.around(action) })
}

struct Envelope {
    actor: Actor,
    request: Option<Request>,
    expected_revision: Option<u64>,
    force: Option<String>,
}

impl Envelope {
    fn take<R: CommandRequest>(found: &mut Violations, actor: Actor, request: &R) -> Self {
        if request.request_id().len() > limits::REQUEST_ID_BYTES_MAX {
            found.add("request_id", "it is longer than 128 bytes");
        }
        let force = found.optional_text("force_reason", request.force_reason().to_owned());
        let expected_revision = request.expected_revision();
        Self { request: recognised_by(&actor, request), actor, expected_revision, force }
    }

    fn around(self, action: Action) -> Command {
        let Self { actor, request, expected_revision, force } = self;
        Command { actor, request, expected_revision, force, action }
    }
}

/// By what a repeat is recognised: the same request id of the same actor, and the same content.
/// The form on the wire is the content: its maps are ordered, so equal messages are equal bytes.
fn recognised_by<R: CommandRequest>(actor: &Actor, request: &R) -> Option<Request> {
    if request.request_id().is_empty() {
        return None;
    }
    let content = Sha256::new().chain_update(R::CALL).chain_update(request.encode_to_vec());
    let key = first_number(&requested(actor, request.request_id()));
    Some(Request { key, digest: first_number(&content.finalize()) })
}

fn requested(actor: &Actor, request_id: &str) -> Vec<u8> {
    let asked = Sha256::new().chain_update(actor.to_string()).chain_update([0]);
    asked.chain_update(request_id).finalize().to_vec()
}

fn derived_id(actor: &Actor, request_id: &str) -> String {
    let mut id = String::with_capacity(2 * DERIVED_ID_BYTES);
    for byte in &requested(actor, request_id)[..DERIVED_ID_BYTES] {
        write!(id, "{byte:02x}").expect("a string takes everything");
    }
    id
}

fn first_number(digest: &[u8]) -> u64 {
    let first = digest.first_chunk().expect("a digest is longer than a number");
    u64::from_be_bytes(*first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::command::{Advance, Create};
    use crate::model::id::{MemberId, WorkflowId};
    use crate::model::value::Values;

    fn member(name: &str) -> Actor {
        Actor::Member(MemberId::trusted(name))
    }

    fn advance(request_id: &str, comment: &str) -> pb::InstanceServiceAdvanceRequest {
        pb::InstanceServiceAdvanceRequest {
            instance: "p-1".to_owned(),
            request_id: request_id.to_owned(),
            comment: comment.to_owned(),
            ..Default::default()
        }
    }

    fn request(actor: &str, request: pb::InstanceServiceAdvanceRequest) -> Option<Request> {
        let action = |_: &mut Violations, _| Action::Advance(Advance::default());
        wish(member(actor), request, action).unwrap().command.request
    }

    #[test]
    fn a_repeat_is_known_from_a_reuse_and_from_another_actor() {
        let first = request("an", advance("r-1", "go")).unwrap();
        assert_eq!(request("an", advance("r-1", "go")), Some(first));
        let reused = request("an", advance("r-1", "stay")).unwrap();
        assert_eq!((reused.key, reused.digest != first.digest), (first.key, true));
        let other = request("bo", advance("r-1", "go")).unwrap();
        assert_ne!(other.key, first.key);
        assert_eq!(request("an", advance("", "go")), None);
    }

    /// They are stored: another build must find them again.
    #[test]
    fn hashes_are_the_same_in_every_build() {
        let known = request("an", advance("r-1", "go")).unwrap();
        let known = format!("{:016x} {:016x}", known.key, known.digest);
        assert_eq!(known, "c6d135d2dd232c79 820d90fcda98038e");
    }

    #[test]
    fn an_id_is_derived_from_who_asks_and_the_request_id() {
        let create = |actor: &str, request_id: &str| {
            let request = pb::InstanceServiceCreateRequest {
                request_id: request_id.to_owned(),
                ..Default::default()
            };
            let action = |_: &mut Violations, id, _| {
                let (workflow, fields) = (WorkflowId::trusted("w"), Values::new());
                Action::Create(Create { id, workflow, fields, steward: None })
            };
            creation(member(actor), request, action)
        };
        let id = |actor, request_id| create(actor, request_id).unwrap().instance;
        assert_eq!(id("an", "r-1"), id("an", "r-1"));
        assert_ne!(id("an", "r-1"), id("bo", "r-1"));
        assert_ne!(id("an", "r-1"), id("an", "r-2"));
        assert!(InstanceId::parse(id("an", "r-1").as_str()).is_ok());
        assert_eq!(create("an", "").unwrap_err()[0].field, "instance");
    }
}
