//! `WorkflowService`: decode, one call, encode.

use tonic::{Request, Response, Status};

use crate::definition::compiled::Workflow;
use crate::definition::diagnostic::Severity;
use crate::runtime::{Catalog, PublishedVersion, SourceFile};

use super::edge::{Edge, named};
use super::pb::workflow_service_server::WorkflowService;
use super::questions::aside;
use super::violations::Violations;
use super::{pb, status, to_proto};

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl WorkflowService for Edge {
    async fn validate(
        &self,
        request: Request<pb::WorkflowServiceValidateRequest>,
    ) -> Answer<pb::WorkflowServiceValidateResponse> {
        self.reader(request.metadata())?;
        let validation = self.handle.validate(files(request.into_inner().files)?).await;
        let validation = validation.map_err(|error| status::publish(&error))?;
        let publishable = validation.diagnostics.iter().all(|it| it.severity != Severity::Error);
        let drawn = move || to_proto::diagnostic::all(&validation.diagnostics, &validation.sources);
        let diagnostics = aside(drawn).await?;
        Ok(Response::new(pb::WorkflowServiceValidateResponse { diagnostics, publishable }))
    }

    async fn publish(
        &self,
        request: Request<pb::WorkflowServicePublishRequest>,
    ) -> Answer<pb::WorkflowServicePublishResponse> {
        let actor = self.commander(request.metadata())?;
        let publication = self.handle.publish(actor, files(request.into_inner().files)?).await;
        let publication = publication.map_err(|error| status::publish(&error))?;
        Ok(Response::new(pb::WorkflowServicePublishResponse {
            workflows: publication.workflows.iter().map(published).collect(),
            retired: to_proto::texts(&publication.retired),
            calendars: to_proto::texts(&publication.calendars),
            organization_changed: publication.organization_changed,
            warnings: publication.warnings.iter().map(to_proto::diagnostic::line).collect(),
        }))
    }

    async fn list(
        &self,
        request: Request<pb::WorkflowServiceListRequest>,
    ) -> Answer<pb::WorkflowServiceListResponse> {
        let catalog = self.catalog(request.metadata())?;
        let pb::WorkflowServiceListRequest { page_size, page_token } = request.into_inner();
        let (size, after) = page(page_size, page_token)?;
        let mut rest = catalog.workflows().filter(|(id, _)| id.as_str() > after.as_str());
        let shown: Vec<_> = rest.by_ref().take(size).collect();
        let last = shown.last().filter(|_| rest.next().is_some());
        Ok(Response::new(pb::WorkflowServiceListResponse {
            next_page_token: last.map(|(id, _)| id.to_string()).unwrap_or_default(),
            workflows: shown
                .iter()
                .map(|(id, each)| to_proto::workflow::summary(id, each))
                .collect(),
        }))
    }

    async fn get(
        &self,
        request: Request<pb::WorkflowServiceGetRequest>,
    ) -> Answer<pb::WorkflowServiceGetResponse> {
        let catalog = self.catalog(request.metadata())?;
        let pb::WorkflowServiceGetRequest { workflow, version: number } = request.into_inner();
        let workflow = Some(to_proto::workflow::workflow(version(&catalog, &workflow, number)?));
        Ok(Response::new(pb::WorkflowServiceGetResponse { workflow }))
    }

    async fn activate(
        &self,
        request: Request<pb::WorkflowServiceActivateRequest>,
    ) -> Answer<pb::WorkflowServiceActivateResponse> {
        let actor = self.commander(request.metadata())?;
        let pb::WorkflowServiceActivateRequest { workflow, version } = request.into_inner();
        let id = named("workflow", &workflow)?;
        let version = (version != 0).then_some(version);
        let activation = self.handle.activate(actor, id, version).await;
        let activation = activation.map_err(|error| status::activation(&error, &workflow))?;
        let catalog = self.handle.catalog();
        let versions = catalog.versions(activation.workflow.as_str());
        let summary = versions.map(|each| to_proto::workflow::summary(&activation.workflow, each));
        Ok(Response::new(pb::WorkflowServiceActivateResponse { workflow: summary }))
    }
}

/// A version of a workflow; 0: the active one.
pub(super) fn version<'a>(
    catalog: &'a Catalog,
    workflow: &str,
    version: u32,
) -> Result<&'a Workflow, Status> {
    let published = match version {
        0 => catalog.active(workflow),
        version => catalog.version(workflow, version),
    };
    let found = published.map(|published| &*published.workflow);
    found.ok_or_else(|| status::workflow_not_found(workflow))
}

/// The rows of a page of a short list, and the name after which it begins.
pub(super) fn page(size: i32, token: String) -> Result<(usize, String), Status> {
    let mut found = Violations::default();
    let page = found.page(size, token);
    let page = found.finish(page).map_err(|told| status::invalid(&told))?;
    Ok((page.size, page.token.unwrap_or_default()))
}

fn files(wire: Vec<pb::SourceFile>) -> Result<Vec<SourceFile>, Status> {
    let mut found = Violations::default();
    if wire.is_empty() {
        found.add("files", "at least one is needed");
    }
    for (index, file) in wire.iter().enumerate() {
        if file.content.len() > crate::model::limits::SOURCE_BYTES_MAX {
            found.add(format!("files[{index}].content"), "it is longer than 1 MiB");
        }
    }
    let files = wire.into_iter().map(|file| SourceFile { path: file.path, text: file.content });
    found.finish(files.collect()).map_err(|told| status::invalid(&told))
}

fn published(version: &PublishedVersion) -> pb::PublishedWorkflow {
    pb::PublishedWorkflow {
        id: version.workflow.to_string(),
        version: version.version,
        before: version.before,
        is_new: version.is_new,
    }
}
