//! The connection of a verb to a server: where it is, and who acts.

use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};

use crate::api::pb::admin_service_client::AdminServiceClient;
use crate::api::pb::calendar_service_client::CalendarServiceClient;
use crate::api::pb::escalation_service_client::EscalationServiceClient;
use crate::api::pb::event_service_client::EventServiceClient;
use crate::api::pb::instance_service_client::InstanceServiceClient;
use crate::api::pb::ledger_service_client::LedgerServiceClient;
use crate::api::pb::organization_service_client::OrganizationServiceClient;
use crate::api::pb::task_service_client::TaskServiceClient;
use crate::api::pb::workflow_service_client::WorkflowServiceClient;

use super::exit::Failure;

/// Bytes of one answer that a client takes: a history page of long texts fits.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Who acts: put on every call.
#[derive(Debug, Clone, Default)]
pub(super) struct Identity {
    actor: Option<MetadataValue<Ascii>>,
    on_behalf_of: Option<MetadataValue<Ascii>>,
}

impl Interceptor for Identity {
    fn call(
        &mut self,
        mut request: tonic::Request<()>,
    ) -> Result<tonic::Request<()>, tonic::Status> {
        if let Some(actor) = &self.actor {
            request.metadata_mut().insert("sanbang-actor", actor.clone());
        }
        if let Some(member) = &self.on_behalf_of {
            request.metadata_mut().insert("sanbang-on-behalf-of", member.clone());
        }
        Ok(request)
    }
}

/// A channel on which somebody acts.
type Acting = InterceptedService<Channel, Identity>;

/// A server, and who acts there.
#[derive(Debug, Clone)]
pub(super) struct Client {
    channel: Channel,
    identity: Identity,
}

impl Client {
    /// Connects to the server at this address.
    pub(super) async fn connect(server: &str) -> Result<Self, Failure> {
        let endpoint = Endpoint::from_shared(server.to_owned()).map_err(|_| {
            Failure::not_tried(format!("`{server}` is no address: write `http://HOST:PORT`"))
        })?;
        let channel = endpoint.connect().await.map_err(|error| {
            let cause = anyhow::Error::new(error);
            Failure::NotTried(cause.context(format!(
                "no server answers at {server} (start one with `sanbang serve`, or name another \
                 with `--server`)"
            )))
        })?;
        Ok(Self { channel, identity: Identity::default() })
    }

    /// The same connection, for this actor; empty: nobody is named.
    pub(super) fn acting(&self, actor: &str, on_behalf_of: &str) -> Result<Self, Failure> {
        let value = |name: &str| -> Result<Option<MetadataValue<Ascii>>, Failure> {
            if name.is_empty() {
                return Ok(None);
            }
            let invalid = |_| Failure::not_tried(format!("`{name}` is no name of a member"));
            Ok(Some(name.parse().map_err(invalid)?))
        };
        let identity = Identity { actor: value(actor)?, on_behalf_of: value(on_behalf_of)? };
        Ok(Self { channel: self.channel.clone(), identity })
    }

    fn acting_channel(&self) -> Acting {
        InterceptedService::new(self.channel.clone(), self.identity.clone())
    }

    pub(super) fn instances(&self) -> InstanceServiceClient<Acting> {
        InstanceServiceClient::new(self.acting_channel())
            .max_decoding_message_size(ANSWER_BYTES_MAX)
    }

    pub(super) fn tasks(&self) -> TaskServiceClient<Acting> {
        TaskServiceClient::new(self.acting_channel()).max_decoding_message_size(ANSWER_BYTES_MAX)
    }

    pub(super) fn escalations(&self) -> EscalationServiceClient<Acting> {
        EscalationServiceClient::new(self.acting_channel())
            .max_decoding_message_size(ANSWER_BYTES_MAX)
    }

    pub(super) fn events(&self) -> EventServiceClient<Acting> {
        EventServiceClient::new(self.acting_channel()).max_decoding_message_size(ANSWER_BYTES_MAX)
    }

    pub(super) fn workflows(&self) -> WorkflowServiceClient<Acting> {
        WorkflowServiceClient::new(self.acting_channel())
            .max_decoding_message_size(ANSWER_BYTES_MAX)
    }

    pub(super) fn calendars(&self) -> CalendarServiceClient<Acting> {
        CalendarServiceClient::new(self.acting_channel())
    }

    pub(super) fn ledgers(&self) -> LedgerServiceClient<Acting> {
        LedgerServiceClient::new(self.acting_channel()).max_decoding_message_size(ANSWER_BYTES_MAX)
    }

    pub(super) fn organization(&self) -> OrganizationServiceClient<Acting> {
        OrganizationServiceClient::new(self.acting_channel())
            .max_decoding_message_size(ANSWER_BYTES_MAX)
    }

    pub(super) fn admin(&self) -> AdminServiceClient<Acting> {
        AdminServiceClient::new(self.acting_channel())
    }
}
