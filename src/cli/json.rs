//! Messages of the API as JSON, by the standard mapping of protobuf and without a line per field:
//! the descriptors that reflection hands out say what each message holds.

use std::sync::LazyLock;

use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};
use serde_json::Value;

use crate::api::pb;

static DESCRIPTORS: LazyLock<DescriptorPool> = LazyLock::new(|| {
    DescriptorPool::decode(pb::DESCRIPTORS).expect("the build wrote the descriptors")
});

/// A message whose name is known.
pub(super) trait Named: prost::Message {
    /// Its name within the package.
    const NAME: &'static str;
}

macro_rules! named {
    ($($name:ident,)*) => {
        $(impl Named for pb::$name { const NAME: &'static str = stringify!($name); })*

        #[cfg(test)]
        const NAMES: &[&str] = &[$(stringify!($name),)*];
    };
}

named! {
    Accepted,
    AdminServiceAdvanceClockResponse,
    AdminServiceInfoResponse,
    CalendarServiceComputeResponse,
    CalendarServiceGetResponse,
    CalendarServiceListResponse,
    CalendarServicePublishResponse,
    EscalationServiceDigestResponse,
    EscalationServiceListPoliciesResponse,
    EscalationServiceListResponse,
    Event,
    EventServiceListResponse,
    EventServiceSubscribeResponse,
    HandOver,
    InstanceServiceExplainDeadlinesResponse,
    InstanceServiceFindSimilarResponse,
    InstanceServiceGetResponse,
    InstanceServiceHistoryResponse,
    InstanceServiceListResponse,
    InstanceServicePreviewResumeResponse,
    LedgerServiceIndicatorsResponse,
    LedgerServiceListLedgersResponse,
    LedgerServiceQueryResponse,
    OrganizationServiceEndAbsenceResponse,
    OrganizationServiceGetMemberResponse,
    OrganizationServiceListAbsencesResponse,
    OrganizationServiceListDutyResponse,
    OrganizationServiceListGroupsResponse,
    OrganizationServiceListHandOversResponse,
    OrganizationServiceListMembersResponse,
    OrganizationServiceListRolesResponse,
    OrganizationServiceListStewardsResponse,
    OrganizationServicePutAbsenceResponse,
    OrganizationServicePutDutyResponse,
    OrganizationServiceWorkloadResponse,
    TaskServiceGetResponse,
    TaskServiceListResponse,
    WorkflowServiceActivateResponse,
    WorkflowServiceGetResponse,
    WorkflowServiceListResponse,
    WorkflowServicePublishResponse,
    WorkflowServiceValidateResponse,
}

/// The message as JSON: field names as in the proto files, empty ones left out.
pub(super) fn to_json<M: Named>(message: &M) -> Value {
    let name = format!("sanbang.v1.{}", M::NAME);
    let descriptor = DESCRIPTORS.get_message_by_name(&name).expect("a test knows every name");
    let bytes = message.encode_to_vec();
    let message = DynamicMessage::decode(descriptor, bytes.as_slice())
        .expect("what prost encodes, the same descriptors decode");
    let options =
        SerializeOptions::new().use_proto_field_name(true).stringify_64_bit_integers(false);
    message
        .serialize_with_options(serde_json::value::Serializer, &options)
        .expect("a message of strings, numbers and times is JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_message_has_a_descriptor() {
        for name in NAMES {
            let found = DESCRIPTORS.get_message_by_name(&format!("sanbang.v1.{name}"));
            assert!(found.is_some(), "{name} is in no proto file");
        }
    }

    #[test]
    fn a_message_is_told_by_its_field_names() {
        let accepted = pb::Accepted {
            instance: "p-001".to_owned(),
            revision: 3,
            event_kinds: vec!["stage.left".to_owned()],
            started: Vec::new(),
        };
        let expected = r#"{"event_kinds":["stage.left"],"instance":"p-001","revision":3}"#;
        assert_eq!(to_json(&accepted).to_string(), expected);
    }
}
