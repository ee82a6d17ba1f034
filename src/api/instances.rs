//! `InstanceService`: decode, one call, encode.

use std::pin::Pin;

use tokio_stream::Stream;
use tonic::{Request, Response, Status, Streaming};

use crate::engine::AlarmPreview;
use crate::model::id::InstanceId;
use crate::runtime::Numbered;

use super::drive::Driving;
use super::edge::{Edge, named};
use super::pb::instance_service_server::InstanceService;
use super::{events, from_proto, pb, status, to_proto};

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl InstanceService for Edge {
    async fn create(
        &self,
        request: Request<pb::InstanceServiceCreateRequest>,
    ) -> Answer<pb::InstanceServiceCreateResponse> {
        let wanted = request.get_ref();
        let like = wanted.with_similar.then(|| (wanted.workflow.clone(), wanted.fields.clone()));
        let accepted = self.command(request).await?;
        let similar = match (like, &accepted) {
            (Some((workflow, fields)), Some(accepted)) => {
                // It was accepted: that is the answer, also where nothing can be compared.
                let similar = self.similar(&workflow, fields, &accepted.instance).await;
                similar.unwrap_or_default()
            }
            _ => Vec::new(),
        };
        Ok(Response::new(pb::InstanceServiceCreateResponse { accepted, similar }))
    }

    async fn find_similar(
        &self,
        request: Request<pb::InstanceServiceFindSimilarRequest>,
    ) -> Answer<pb::InstanceServiceFindSimilarResponse> {
        self.reader(request.metadata())?;
        let pb::InstanceServiceFindSimilarRequest { workflow, fields } = request.into_inner();
        let instances = self.similar(&workflow, fields, "").await?;
        Ok(Response::new(pb::InstanceServiceFindSimilarResponse { instances }))
    }

    async fn get(
        &self,
        request: Request<pb::InstanceServiceGetRequest>,
    ) -> Answer<pb::InstanceServiceGetResponse> {
        let view = self.view(request.metadata(), &request.get_ref().instance).await?;
        let instance = Some(to_proto::instance::instance(&view.instance));
        Ok(Response::new(pb::InstanceServiceGetResponse { instance }))
    }

    async fn list(
        &self,
        request: Request<pb::InstanceServiceListRequest>,
    ) -> Answer<pb::InstanceServiceListResponse> {
        let catalog = self.catalog(request.metadata())?;
        let (query, page) = from_proto::queries::instances(request.into_inner(), &catalog)
            .map_err(|told| status::invalid(&told))?;
        let order = query.order;
        let headers = self.handle.headers(query).await.map_err(|error| status::read(&error))?;
        let shown = &headers[..headers.len().min(page.size)];
        let last = shown.last().filter(|_| headers.len() > page.size);
        Ok(Response::new(pb::InstanceServiceListResponse {
            instances: shown.iter().map(to_proto::instance::summary).collect(),
            next_page_token: last
                .map(|header| from_proto::queries::token_of(order, header))
                .unwrap_or_default(),
        }))
    }

    type WatchStream =
        Pin<Box<dyn Stream<Item = Result<pb::InstanceServiceWatchResponse, Status>> + Send>>;

    async fn watch(
        &self,
        request: Request<pb::InstanceServiceWatchRequest>,
    ) -> Answer<Self::WatchStream> {
        self.reader(request.metadata())?;
        let instance = named("instance", &request.get_ref().instance)?;
        let stream = events::watch(self, instance).await?;
        Ok(Response::new(Box::pin(stream)))
    }

    type DriveStream = Driving;

    async fn drive(
        &self,
        request: Request<Streaming<pb::InstanceServiceDriveRequest>>,
    ) -> Answer<Self::DriveStream> {
        self.reader(request.metadata())?;
        let (metadata, _, commands) = request.into_parts();
        Ok(Response::new(Driving::new(self.clone(), metadata, commands)))
    }

    async fn advance(
        &self,
        request: Request<pb::InstanceServiceAdvanceRequest>,
    ) -> Answer<pb::InstanceServiceAdvanceResponse> {
        let accepted = self.command(request).await?;
        Ok(Response::new(pb::InstanceServiceAdvanceResponse { accepted }))
    }

    async fn r#return(
        &self,
        request: Request<pb::InstanceServiceReturnRequest>,
    ) -> Answer<pb::InstanceServiceReturnResponse> {
        let accepted = self.command(request).await?;
        Ok(Response::new(pb::InstanceServiceReturnResponse { accepted }))
    }

    async fn suspend(
        &self,
        request: Request<pb::InstanceServiceSuspendRequest>,
    ) -> Answer<pb::InstanceServiceSuspendResponse> {
        let accepted = self.command(request).await?;
        Ok(Response::new(pb::InstanceServiceSuspendResponse { accepted }))
    }

    async fn preview_resume(
        &self,
        request: Request<pb::InstanceServicePreviewResumeRequest>,
    ) -> Answer<pb::InstanceServicePreviewResumeResponse> {
        self.reader(request.metadata())?;
        let instance = named("instance", &request.get_ref().instance)?;
        let previews = self.handle.preview_resume(&instance).await;
        let previews = previews.map_err(|error| status::read(&error))?;
        let previews = previews.ok_or_else(|| status::instance_not_found(&instance))?;
        let clocks = previews.iter().map(preview).collect();
        Ok(Response::new(pb::InstanceServicePreviewResumeResponse { clocks }))
    }

    async fn resume(
        &self,
        request: Request<pb::InstanceServiceResumeRequest>,
    ) -> Answer<pb::InstanceServiceResumeResponse> {
        let accepted = self.command(request).await?;
        Ok(Response::new(pb::InstanceServiceResumeResponse { accepted }))
    }

    async fn terminate(
        &self,
        request: Request<pb::InstanceServiceTerminateRequest>,
    ) -> Answer<pb::InstanceServiceTerminateResponse> {
        let accepted = self.command(request).await?;
        Ok(Response::new(pb::InstanceServiceTerminateResponse { accepted }))
    }

    async fn open_stage(
        &self,
        request: Request<pb::InstanceServiceOpenStageRequest>,
    ) -> Answer<pb::InstanceServiceOpenStageResponse> {
        let accepted = self.command(request).await?;
        Ok(Response::new(pb::InstanceServiceOpenStageResponse { accepted }))
    }

    async fn update_fields(
        &self,
        request: Request<pb::InstanceServiceUpdateFieldsRequest>,
    ) -> Answer<pb::InstanceServiceUpdateFieldsResponse> {
        let accepted = self.command(request).await?;
        Ok(Response::new(pb::InstanceServiceUpdateFieldsResponse { accepted }))
    }

    async fn log_activity(
        &self,
        request: Request<pb::InstanceServiceLogActivityRequest>,
    ) -> Answer<pb::InstanceServiceLogActivityResponse> {
        let accepted = self.command(request).await?;
        Ok(Response::new(pb::InstanceServiceLogActivityResponse { accepted }))
    }

    async fn reassign(
        &self,
        request: Request<pb::InstanceServiceReassignRequest>,
    ) -> Answer<pb::InstanceServiceReassignResponse> {
        let accepted = self.command(request).await?;
        Ok(Response::new(pb::InstanceServiceReassignResponse { accepted }))
    }

    async fn link(
        &self,
        request: Request<pb::InstanceServiceLinkRequest>,
    ) -> Answer<pb::InstanceServiceLinkResponse> {
        let accepted = self.command(request).await?;
        Ok(Response::new(pb::InstanceServiceLinkResponse { accepted }))
    }

    async fn unlink(
        &self,
        request: Request<pb::InstanceServiceUnlinkRequest>,
    ) -> Answer<pb::InstanceServiceUnlinkResponse> {
        let accepted = self.command(request).await?;
        Ok(Response::new(pb::InstanceServiceUnlinkResponse { accepted }))
    }

    async fn revive(
        &self,
        request: Request<pb::InstanceServiceReviveRequest>,
    ) -> Answer<pb::InstanceServiceReviveResponse> {
        let accepted = self.command(request).await?;
        Ok(Response::new(pb::InstanceServiceReviveResponse { accepted }))
    }

    async fn set_backups(
        &self,
        request: Request<pb::InstanceServiceSetBackupsRequest>,
    ) -> Answer<pb::InstanceServiceSetBackupsResponse> {
        let accepted = self.command(request).await?;
        Ok(Response::new(pb::InstanceServiceSetBackupsResponse { accepted }))
    }

    async fn history(
        &self,
        request: Request<pb::InstanceServiceHistoryRequest>,
    ) -> Answer<pb::InstanceServiceHistoryResponse> {
        self.view(request.metadata(), &request.get_ref().instance).await?;
        let history = from_proto::queries::history(request.into_inner());
        let (instance, before, size) = history.map_err(|told| status::invalid(&told))?;
        let records = self.handle.history(&instance, before, size).await;
        let records = records.map_err(|error| status::read(&error))?;
        let oldest = records.last().and_then(version).filter(|version| *version > 1);
        Ok(Response::new(pb::InstanceServiceHistoryResponse {
            events: records.iter().flat_map(latest_first).collect(),
            next_page_token: oldest.map(|version| version.to_string()).unwrap_or_default(),
        }))
    }

    async fn explain_deadlines(
        &self,
        request: Request<pb::InstanceServiceExplainDeadlinesRequest>,
    ) -> Answer<pb::InstanceServiceExplainDeadlinesResponse> {
        self.reader(request.metadata())?;
        let instance = named("instance", &request.get_ref().instance)?;
        let deadlines = self.handle.explain_deadlines(&instance).await;
        let deadlines = deadlines.map_err(|error| status::read(&error))?;
        let deadlines = deadlines.ok_or_else(|| status::instance_not_found(&instance))?;
        let explained = deadlines.iter().map(|deadline| pb::DeadlineExplanation {
            clock: Some(to_proto::clock::clock(&deadline.clock)),
            walk: Some(to_proto::calendar::walk(deadline.clock.started_at, &deadline.walk)),
        });
        let deadlines = explained.collect();
        Ok(Response::new(pb::InstanceServiceExplainDeadlinesResponse { deadlines }))
    }
}

impl Edge {
    /// Instances like one of this workflow with these fields, but for the one of this name.
    async fn similar(
        &self,
        workflow: &str,
        fields: Option<prost_types::Struct>,
        but: &str,
    ) -> Result<Vec<pb::InstanceSummary>, Status> {
        let catalog = self.handle.catalog();
        let active = catalog.active(workflow);
        let Some(active) = active else { return Err(status::workflow_not_found(workflow)) };
        let fields = from_proto::instances::fields_of(&active.workflow, fields);
        let fields = fields.map_err(|told| status::invalid(&told))?;
        let but = InstanceId::parse(but).ok();
        let similar = self.handle.similar(&active.workflow, &fields, but).await;
        let similar = similar.map_err(|error| status::read(&error))?;
        Ok(similar.iter().map(to_proto::instance::summary).collect())
    }
}

fn preview(preview: &AlarmPreview) -> pb::ClockPreview {
    pb::ClockPreview {
        clock: Some(to_proto::clock::reference(&preview.clock)),
        due: Some(to_proto::instant(preview.due)),
        schedule: to_proto::clock::schedule(&preview.schedule),
    }
}

fn version(numbered: &Numbered) -> Option<u64> {
    numbered.record.stamp.as_ref().map(|stamp| stamp.version)
}

/// The events of a record, the last one first: as the records themselves are told.
fn latest_first(numbered: &Numbered) -> Vec<pb::Event> {
    let Numbered { partition, first_seq, record } = numbered;
    let events = (first_seq.0..).zip(&record.events);
    let mut told: Vec<pb::Event> = events
        .map(|(seq, event)| to_proto::event::event(partition.0, seq, record, event))
        .collect();
    told.reverse();
    told
}
