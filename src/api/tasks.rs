//! `TaskService`: decode, one call, encode.

use tonic::{Request, Response, Status};

use crate::definition::compiled::Workflow;
use crate::model::clock::{Clock, ClockOwner};
use crate::model::instance::{Header, Instance, OpenTask};
use crate::model::task::{TaskNumber, TaskRef};

use super::edge::Edge;
use super::pb::task_service_server::TaskService;
use super::{from_proto, pb, status, to_proto};
use crate::engine::Rejection;

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl TaskService for Edge {
    async fn list(
        &self,
        request: Request<pb::TaskServiceListRequest>,
    ) -> Answer<pb::TaskServiceListResponse> {
        self.reader(request.metadata())?;
        let query = from_proto::queries::tasks(request.into_inner())
            .map_err(|told| status::invalid(&told))?;
        let headers = self.handle.headers(query.instances.clone()).await;
        let headers = headers.map_err(|error| status::read(&error))?;
        let looked_at_all = headers.len() < query.instances.limit;
        let tasks =
            headers.iter().flat_map(|header| header.tasks.iter().map(move |task| (header, task)));
        let meant: Vec<_> = tasks.filter(|(header, task)| query.holds(&header.id, task)).collect();
        let shown = &meant[..meant.len().min(query.size)];
        let next = match (shown.last(), headers.last()) {
            (Some((header, task)), _) if meant.len() > query.size => {
                from_proto::queries::token_after(&header.id, task.number)
            }
            (_, Some(Header { id, .. })) if !looked_at_all => {
                from_proto::queries::token_after(id, TaskNumber(u32::MAX))
            }
            _ => String::new(),
        };
        let catalog = self.handle.catalog();
        let told = |(header, task): &(&Header, &OpenTask)| {
            let workflow = catalog.version(header.workflow.as_str(), header.workflow_version);
            let spec =
                workflow.and_then(|published| published.workflow.task_named(task.id.as_str()));
            to_proto::task::summary(header, task, spec)
        };
        Ok(Response::new(pb::TaskServiceListResponse {
            tasks: shown.iter().map(told).collect(),
            next_page_token: next,
        }))
    }

    async fn get(
        &self,
        request: Request<pb::TaskServiceGetRequest>,
    ) -> Answer<pb::TaskServiceGetResponse> {
        let number = request.get_ref().task;
        let view = self.view(request.metadata(), &request.get_ref().instance).await?;
        let instance = &*view.instance;
        let told = told(instance, &view.workflow, TaskNumber(number));
        let not_found = Rejection::TaskNotFound(number);
        let told = told.ok_or_else(|| status::rejected(&not_found, instance.id.as_str(), &[]))?;
        Ok(Response::new(told))
    }

    async fn claim(
        &self,
        request: Request<pb::TaskServiceClaimRequest>,
    ) -> Answer<pb::TaskServiceClaimResponse> {
        let accepted = self.command(request).await?;
        Ok(Response::new(pb::TaskServiceClaimResponse { accepted }))
    }

    async fn release(
        &self,
        request: Request<pb::TaskServiceReleaseRequest>,
    ) -> Answer<pb::TaskServiceReleaseResponse> {
        let accepted = self.command(request).await?;
        Ok(Response::new(pb::TaskServiceReleaseResponse { accepted }))
    }

    async fn delegate(
        &self,
        request: Request<pb::TaskServiceDelegateRequest>,
    ) -> Answer<pb::TaskServiceDelegateResponse> {
        let accepted = self.command(request).await?;
        Ok(Response::new(pb::TaskServiceDelegateResponse { accepted }))
    }

    async fn object(
        &self,
        request: Request<pb::TaskServiceObjectRequest>,
    ) -> Answer<pb::TaskServiceObjectResponse> {
        let accepted = self.command(request).await?;
        Ok(Response::new(pb::TaskServiceObjectResponse { accepted }))
    }

    async fn decide_objection(
        &self,
        request: Request<pb::TaskServiceDecideObjectionRequest>,
    ) -> Answer<pb::TaskServiceDecideObjectionResponse> {
        let accepted = self.command(request).await?;
        Ok(Response::new(pb::TaskServiceDecideObjectionResponse { accepted }))
    }

    async fn request_supplement(
        &self,
        request: Request<pb::TaskServiceRequestSupplementRequest>,
    ) -> Answer<pb::TaskServiceRequestSupplementResponse> {
        let accepted = self.command(request).await?;
        Ok(Response::new(pb::TaskServiceRequestSupplementResponse { accepted }))
    }

    async fn supply(
        &self,
        request: Request<pb::TaskServiceSupplyRequest>,
    ) -> Answer<pb::TaskServiceSupplyResponse> {
        let accepted = self.command(request).await?;
        Ok(Response::new(pb::TaskServiceSupplyResponse { accepted }))
    }

    async fn complete(
        &self,
        request: Request<pb::TaskServiceCompleteRequest>,
    ) -> Answer<pb::TaskServiceCompleteResponse> {
        let accepted = self.command(request).await?;
        Ok(Response::new(pb::TaskServiceCompleteResponse { accepted }))
    }

    async fn redo(
        &self,
        request: Request<pb::TaskServiceRedoRequest>,
    ) -> Answer<pb::TaskServiceRedoResponse> {
        let accepted = self.command(request).await?;
        Ok(Response::new(pb::TaskServiceRedoResponse { accepted }))
    }

    async fn check(
        &self,
        request: Request<pb::TaskServiceCheckRequest>,
    ) -> Answer<pb::TaskServiceCheckResponse> {
        let accepted = self.command(request).await?;
        Ok(Response::new(pb::TaskServiceCheckResponse { accepted }))
    }

    async fn comment(
        &self,
        request: Request<pb::TaskServiceCommentRequest>,
    ) -> Answer<pb::TaskServiceCommentResponse> {
        let accepted = self.command(request).await?;
        Ok(Response::new(pb::TaskServiceCommentResponse { accepted }))
    }

    async fn request_extension(
        &self,
        request: Request<pb::TaskServiceRequestExtensionRequest>,
    ) -> Answer<pb::TaskServiceRequestExtensionResponse> {
        let accepted = self.command(request).await?;
        Ok(Response::new(pb::TaskServiceRequestExtensionResponse { accepted }))
    }

    async fn decide_extension(
        &self,
        request: Request<pb::TaskServiceDecideExtensionRequest>,
    ) -> Answer<pb::TaskServiceDecideExtensionResponse> {
        let accepted = self.command(request).await?;
        Ok(Response::new(pb::TaskServiceDecideExtensionResponse { accepted }))
    }
}

/// A task with what its workflow says of it and its limit.
fn told(
    instance: &Instance,
    workflow: &Workflow,
    number: TaskNumber,
) -> Option<pb::TaskServiceGetResponse> {
    let task = instance.task(number)?;
    let (_, stage) = workflow.stage(task.reference.stage.as_str())?;
    let spec = from_proto::tasks::spec_of(instance, workflow, number)?;
    // Objections and supplements have clocks of their own.
    let measures =
        |clock: &&Clock| clock.id.as_str() == "task" && owns(&clock.owner, &task.reference);
    Some(pb::TaskServiceGetResponse {
        task: Some(to_proto::task::task(task)),
        definition: Some(to_proto::workflow::task_definition(spec, stage)),
        clock: instance.clocks().find(measures).map(to_proto::clock::clock),
    })
}

fn owns(owner: &ClockOwner, reference: &TaskRef) -> bool {
    match owner {
        ClockOwner::Task(task) => task.number == reference.number,
        ClockOwner::Instance | ClockOwner::Stage(_) | ClockOwner::Suspension => false,
    }
}
