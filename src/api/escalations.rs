//! `EscalationService`: decode, one call, encode.

use tonic::{Request, Response, Status};

use super::edge::Edge;
use super::pb::escalation_service_server::EscalationService;
use super::{from_proto, pb, status, to_proto, workflows};

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl EscalationService for Edge {
    async fn list(
        &self,
        request: Request<pb::EscalationServiceListRequest>,
    ) -> Answer<pb::EscalationServiceListResponse> {
        self.reader(request.metadata())?;
        let (query, page) = from_proto::queries::escalations(request.into_inner())
            .map_err(|told| status::invalid(&told))?;
        let headers = self.handle.headers(query.instances.clone()).await;
        let headers = headers.map_err(|error| status::read(&error))?;
        let shown = &headers[..headers.len().min(page.size)];
        let mut escalations = Vec::new();
        for header in shown {
            let view = self.handle.view(&header.id).await.map_err(|error| status::read(&error))?;
            let Some(view) = view else { continue };
            let clocks = view.instance.clocks().filter(|clock| query.holds(clock));
            escalations.extend(
                clocks.map(|clock| to_proto::escalation::escalation(&view.instance, clock)),
            );
        }
        let last = shown.last().filter(|_| headers.len() > page.size);
        let next_page_token = last.map(|header| header.id.to_string()).unwrap_or_default();
        Ok(Response::new(pb::EscalationServiceListResponse { escalations, next_page_token }))
    }

    async fn digest(
        &self,
        request: Request<pb::EscalationServiceDigestRequest>,
    ) -> Answer<pb::EscalationServiceDigestResponse> {
        let actor = self.reader(request.metadata())?;
        let catalog = self.handle.catalog();
        let wanted = from_proto::digest::digest(request.into_inner(), &actor, &catalog)
            .map_err(|told| status::invalid(&told))?;
        let headers = self.handle.headers(wanted.instances.clone()).await;
        let headers = headers.map_err(|error| status::read(&error))?;
        let shown = &headers[..headers.len().min(wanted.page_size)];
        let mut entries = Vec::new();
        for header in shown {
            let view = self.handle.view(&header.id).await.map_err(|error| status::read(&error))?;
            let Some(view) = view else { continue };
            let Some(live) = catalog.calendar(view.workflow.calendar.as_str()) else { continue };
            let day = wanted.day.unwrap_or_else(|| live.calendar.date_of(self.handle.now()));
            for clock in view.instance.clocks() {
                let read = clock.fired.iter().filter(|fired| wanted.holds(fired));
                let read = read.filter(|fired| live.calendar.date_of(fired.read_at()) == day);
                let entry =
                    |fired| to_proto::escalation::digest_entry(&view.instance, clock, fired);
                entries.extend(read.map(entry));
            }
        }
        let last = shown.last().filter(|_| headers.len() > wanted.page_size);
        let next_page_token = last.map(|header| header.id.to_string()).unwrap_or_default();
        Ok(Response::new(pb::EscalationServiceDigestResponse { entries, next_page_token }))
    }

    async fn acknowledge(
        &self,
        request: Request<pb::EscalationServiceAcknowledgeRequest>,
    ) -> Answer<pb::EscalationServiceAcknowledgeResponse> {
        let accepted = self.command(request).await?;
        Ok(Response::new(pb::EscalationServiceAcknowledgeResponse { accepted }))
    }

    async fn list_policies(
        &self,
        request: Request<pb::EscalationServiceListPoliciesRequest>,
    ) -> Answer<pb::EscalationServiceListPoliciesResponse> {
        let catalog = self.catalog(request.metadata())?;
        let pb::EscalationServiceListPoliciesRequest { workflow, version } = request.into_inner();
        let workflow = workflows::version(&catalog, &workflow, version)?;
        Ok(Response::new(pb::EscalationServiceListPoliciesResponse {
            policies: workflow.policies.iter().map(to_proto::escalation::policy).collect(),
            levels: to_proto::texts(&workflow.levels),
        }))
    }
}
