//! What every command request carries beside its wish: instance, request id, expected revision,
//! reason to force.
//!
//! The one way from a request to a command, whichever call or stream it came by. What is wished is
//! taken by the modules beside this one.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use prost::Message;
use sha2::{Digest, Sha256};

use crate::api::pb;
use crate::api::violations::{Violation, Violations};
use crate::definition::compiled::Workflow;
use crate::model::actor::Actor;
use crate::model::command::{Action, Command, Request};
use crate::model::id::InstanceId;
use crate::model::limits;
use crate::runtime::{Catalog, Published, Reader, Unread, View, Wished};

use super::{escalations, instances, tasks};

/// Bytes of a derived id.
const DERIVED_ID_BYTES: usize = 16;

/// What is known when a request is taken apart.
pub(in crate::api) struct Known<'a> {
    /// What administrators wrote.
    pub(in crate::api) catalog: &'a Catalog,
    /// The instance with its workflow; none: there is none, or nothing needs it.
    pub(in crate::api) view: Option<&'a View>,
}

/// A request that becomes a command.
pub(in crate::api) trait CommandRequest: Message + 'static {
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
    /// Whether it carries values, which are taken by what the instance's workflow declares.
    fn has_values(&self) -> bool;
    /// The instance that it is for.
    fn names(&self, found: &mut Violations, _: &Actor, _: &Catalog) -> InstanceId {
        found.name("instance", self.instance())
    }
    /// The instances that it would have been for, by what was published before.
    fn named_before(&self, _: &InstanceId, _: &Actor, _: &Catalog) -> Vec<InstanceId> {
        Vec::new()
    }
    /// What is wished.
    fn action(self, found: &mut Violations, instance: &InstanceId, known: &Known<'_>) -> Action;
}

impl CommandRequest for pb::InstanceServiceCreateRequest {
    const CALL: &'static str = "create";

    fn instance(&self) -> &str {
        &self.instance
    }

    fn request_id(&self) -> &str {
        &self.request_id
    }

    fn expected_revision(&self) -> Option<u64> {
        None
    }

    fn force_reason(&self) -> &'static str {
        ""
    }

    /// They are taken by the active version of its workflow.
    fn has_values(&self) -> bool {
        true
    }

    /// Without an id of the caller's one is derived from who asks and the request id, so that a
    /// repeat means the same instance.
    /// Where the workflow has a key the id is that of the key.
    fn names(&self, found: &mut Violations, actor: &Actor, catalog: &Catalog) -> InstanceId {
        let active = catalog.active(&self.workflow).map(|published| &*published.workflow);
        if self.instance.is_empty()
            && let Some(keyed) = active.and_then(|active| instances::keyed_id(self, active))
        {
            return keyed;
        }
        match (self.instance.as_str(), self.request_id.as_str()) {
            ("", "") => {
                found.add("instance", "give an id, or a request id from which one is derived");
                InstanceId::trusted("")
            }
            ("", request_id) => InstanceId::trusted(&derived_id(actor, request_id)),
            (given, _) => found.name("instance", given),
        }
    }

    /// A repeat is recognised where its first one is, also once the workflow is retired or has
    /// another key.
    fn named_before(&self, now: &InstanceId, actor: &Actor, catalog: &Catalog) -> Vec<InstanceId> {
        if !self.instance.is_empty() || self.request_id.is_empty() {
            return Vec::new();
        }
        let name_by = |workflow: &Workflow| {
            if workflow.key.is_empty() {
                Some(InstanceId::trusted(&derived_id(actor, &self.request_id)))
            } else {
                instances::keyed_id(self, workflow)
            }
        };
        let Some(versions) = catalog.versions(&self.workflow) else { return Vec::new() };
        let active = catalog.active(&self.workflow).map(|published| &*published.workflow);
        let named: BTreeSet<InstanceId> = if active.and_then(name_by).is_some() {
            let is_other = |it: &&Published| Some(&it.workflow.key) != active.map(|it| &it.key);
            let others = versions.keys().into_iter().filter(is_other);
            others.filter_map(|it| name_by(&it.workflow)).collect()
        } else {
            // By what is active it has no name any more: any version may have given it one.
            versions.versions.values().filter_map(|it| name_by(&it.workflow)).collect()
        };
        named.into_iter().filter(|id| id != now).collect()
    }

    fn action(self, found: &mut Violations, instance: &InstanceId, known: &Known<'_>) -> Action {
        let active = known.catalog.active(&self.workflow);
        let workflow = active.map(|published| &*published.workflow);
        instances::create(found, instance.clone(), self, workflow)
    }
}

/// Each request: its call, what its envelope may carry, who takes its wish, and the fields with
/// values, if there are any.
macro_rules! command_requests {
    ($(
        $call:literal $request:ident { $($given:ident)* } $take:path $(, if $($values:ident)+)?;
    )*) => {$(
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

            fn has_values(&self) -> bool {
                false $($(|| self.$values.as_ref().is_some_and(|given| !given.fields.is_empty()))+)?
            }

            command_requests!(@action $take $(, $($values)+)?);
        }
    )*};
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
    (@action $take:path) => {
        fn action(self, found: &mut Violations, _: &InstanceId, _: &Known<'_>) -> Action {
            $take(found, self)
        }
    };
    (@action $take:path, $($values:ident)+) => {
        fn action(self, found: &mut Violations, _: &InstanceId, known: &Known<'_>) -> Action {
            $take(found, self, known)
        }
    };
}

command_requests! {
    "advance" InstanceServiceAdvanceRequest { revision force } instances::advance;
    "return" InstanceServiceReturnRequest { revision force } instances::return_to;
    "suspend" InstanceServiceSuspendRequest { revision force } instances::suspend;
    "resume" InstanceServiceResumeRequest { revision force } instances::resume;
    "terminate" InstanceServiceTerminateRequest { revision force } instances::terminate;
    "open_stage" InstanceServiceOpenStageRequest { revision force } instances::open_stage;
    "update_fields" InstanceServiceUpdateFieldsRequest { revision force }
        instances::update_fields, if changes;
    "log_activity" InstanceServiceLogActivityRequest { revision }
        instances::log_activity, if fields;
    "link" InstanceServiceLinkRequest { revision } instances::link;
    "unlink" InstanceServiceUnlinkRequest { revision } instances::unlink;
    "revive" InstanceServiceReviveRequest { revision } instances::revive, if changes;
    "reassign" InstanceServiceReassignRequest { revision force } instances::reassign;
    "set_backups" InstanceServiceSetBackupsRequest { revision } instances::set_backups;
    "claim" TaskServiceClaimRequest { revision } tasks::claim;
    "release" TaskServiceReleaseRequest { revision } tasks::release;
    "complete" TaskServiceCompleteRequest { revision force } tasks::complete, if form changes;
    "redo" TaskServiceRedoRequest { revision force } tasks::redo;
    "check" TaskServiceCheckRequest { revision } tasks::check;
    "comment" TaskServiceCommentRequest { revision } tasks::comment;
    "delegate" TaskServiceDelegateRequest { revision } tasks::delegate;
    "object" TaskServiceObjectRequest { revision } tasks::object;
    "decide_objection" TaskServiceDecideObjectionRequest { revision } tasks::decide_objection;
    "request_supplement" TaskServiceRequestSupplementRequest { revision }
        tasks::request_supplement;
    "supply" TaskServiceSupplyRequest { revision } tasks::supply;
    "request_extension" TaskServiceRequestExtensionRequest { revision force }
        tasks::request_extension;
    "decide_extension" TaskServiceDecideExtensionRequest { revision force }
        tasks::decide_extension;
    "acknowledge" EscalationServiceAcknowledgeRequest { revision } escalations::acknowledge;
}

/// What is asked for, and of which instance.
pub(in crate::api) struct Asked {
    pub(in crate::api) instance: InstanceId,
    /// The revision at which it is to be, if one was given.
    pub(in crate::api) expected_revision: Option<u64>,
    pub(in crate::api) wished: Wished,
}

/// Takes a request apart, as far as that goes without its instance.
pub(in crate::api) fn asked<R: CommandRequest>(
    actor: Actor,
    request: R,
    catalog: &Catalog,
) -> Result<Asked, Vec<Violation>> {
    let mut found = Violations::default();
    let instance = request.names(&mut found, &actor, catalog);
    let recognised = recognised_by(&actor, &request);
    let expected_revision = request.expected_revision();
    if request.has_values() && found.is_empty() {
        let elsewhere = request.named_before(&instance, &actor, catalog);
        let named = instance.clone();
        let read: Reader = Box::new(move |catalog, view| {
            let envelope = Envelope::take(&mut found, actor, recognised, &request);
            let action = request.action(&mut found, &named, &Known { catalog, view });
            found.finish(envelope.around(action))
        });
        let unread = Unread { request: recognised, elsewhere, read: Some(read) };
        return Ok(Asked { instance, expected_revision, wished: Wished::Unread(unread) });
    }
    let envelope = Envelope::take(&mut found, actor, recognised, &request);
    let action = request.action(&mut found, &instance, &Known { catalog, view: None });
    let command = found.finish(envelope.around(action))?;
    Ok(Asked { instance, expected_revision, wished: command.into() })
}

struct Envelope {
    actor: Actor,
    request: Option<Request>,
    expected_revision: Option<u64>,
    force: Option<String>,
}

impl Envelope {
    fn take<R: CommandRequest>(
        found: &mut Violations,
        actor: Actor,
        recognised: Option<Request>,
        request: &R,
    ) -> Self {
        if request.request_id().len() > limits::REQUEST_ID_BYTES_MAX {
            found.add("request_id", "it is longer than 128 bytes");
        }
        let force = found.optional_text("force_reason", request.force_reason().to_owned());
        let expected_revision = request.expected_revision();
        Self { request: recognised, actor, expected_revision, force }
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
    use crate::model::id::MemberId;

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

    /// The command and its instance, where no workflow is published and there is no instance.
    fn taken<R: CommandRequest>(
        actor: &str,
        request: R,
    ) -> Result<(InstanceId, Command), Vec<Violation>> {
        let catalog = Catalog::default();
        let Asked { instance, wished, .. } = asked(member(actor), request, &catalog)?;
        let command = match wished {
            Wished::Command(command) => command,
            Wished::Unread(unread) => unread.read.unwrap()(&catalog, None)?,
            Wished::Malformed(violations) => return Err(violations),
        };
        Ok((instance, command))
    }

    fn request(actor: &str, request: pb::InstanceServiceAdvanceRequest) -> Option<Request> {
        taken(actor, request).unwrap().1.request
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
                workflow: "w".to_owned(),
                ..Default::default()
            };
            taken(actor, request)
        };
        let id = |actor, request_id| create(actor, request_id).unwrap().0;
        assert_eq!(id("an", "r-1"), id("an", "r-1"));
        assert_ne!(id("an", "r-1"), id("bo", "r-1"));
        assert_ne!(id("an", "r-1"), id("an", "r-2"));
        assert!(InstanceId::parse(id("an", "r-1").as_str()).is_ok());
        assert_eq!(create("an", "").unwrap_err()[0].field, "instance");
    }
}
