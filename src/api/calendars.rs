//! `CalendarService`: decode, one call, encode.

use tonic::{Request, Response, Status};

use crate::calendar::Calendar;
use crate::model::id::CalendarId;
use crate::model::limits;
use crate::runtime::{Catalog, SourceFile};

use super::edge::Edge;
use super::pb::calendar_service_server::CalendarService;
use super::violations::Violations;
use super::{pb, status, to_proto, workflows};

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl CalendarService for Edge {
    async fn list(
        &self,
        request: Request<pb::CalendarServiceListRequest>,
    ) -> Answer<pb::CalendarServiceListResponse> {
        let catalog = self.catalog(request.metadata())?;
        let pb::CalendarServiceListRequest { page_size, page_token } = request.into_inner();
        let (size, after) = workflows::page(page_size, page_token)?;
        let mut rest = catalog.calendars().filter(|(id, _)| id.as_str() > after.as_str());
        let shown: Vec<_> = rest.by_ref().take(size).collect();
        let last = shown.last().filter(|_| rest.next().is_some());
        let summaries = shown.iter().map(|(_, live)| to_proto::calendar::summary(&live.calendar));
        Ok(Response::new(pb::CalendarServiceListResponse {
            next_page_token: last.map(|(id, _)| id.to_string()).unwrap_or_default(),
            calendars: summaries.collect(),
        }))
    }

    async fn get(
        &self,
        request: Request<pb::CalendarServiceGetRequest>,
    ) -> Answer<pb::CalendarServiceGetResponse> {
        let catalog = self.catalog(request.metadata())?;
        let calendar = calendar(&catalog, &request.get_ref().calendar)?;
        let calendar = Some(to_proto::calendar::calendar(calendar));
        Ok(Response::new(pb::CalendarServiceGetResponse { calendar }))
    }

    async fn compute(
        &self,
        request: Request<pb::CalendarServiceComputeRequest>,
    ) -> Answer<pb::CalendarServiceComputeResponse> {
        let catalog = self.catalog(request.metadata())?;
        let pb::CalendarServiceComputeRequest { calendar: name, start, limit } =
            request.into_inner();
        let mut found = Violations::default();
        let start = found.optional_instant("start", start).unwrap_or_else(|| self.handle.now());
        let limit = found.limit("limit", limit);
        found.finish(()).map_err(|told| status::invalid(&told))?;
        let walk = calendar(&catalog, &name)?.explain(limit, start, &[], &[]);
        Ok(Response::new(pb::CalendarServiceComputeResponse {
            due: Some(to_proto::instant(walk.due.at)),
            provisional: walk.due.provisional,
            walk: Some(to_proto::calendar::walk(start, &walk)),
        }))
    }

    async fn publish(
        &self,
        request: Request<pb::CalendarServicePublishRequest>,
    ) -> Answer<pb::CalendarServicePublishResponse> {
        let metadata = request.metadata();
        let is_look = request.get_ref().dry_run;
        let actor = if is_look { self.reader(metadata)? } else { self.commander(metadata)? };
        let pb::CalendarServicePublishRequest { calendar, content, dry_run } = request.into_inner();
        let mut found = Violations::default();
        let id: CalendarId = found.name("calendar", &calendar);
        if content.len() > limits::SOURCE_BYTES_MAX {
            found.add("content", "it is longer than 1 MiB");
        }
        found.finish(()).map_err(|told| status::invalid(&told))?;
        let file = SourceFile { path: format!("rules/calendars/{id}.yaml"), text: content };
        let _place = if dry_run { Some(self.questions.dry_run_place()?) } else { None };
        let preview = self.handle.preview_calendar(id.as_str(), file.clone(), dry_run).await;
        let preview = preview.map_err(|error| status::publish(&error))?;
        let Some(preview) = preview else {
            let problem = format!("it is no calendar that calls itself `{id}`");
            let reason = status::reason::INVALID_REQUEST;
            return Err(status::invalid_field(reason, "content", &problem));
        };
        if !dry_run {
            let published = self.handle.publish(actor, vec![file]).await;
            published.map_err(|error| status::publish(&error))?;
        }
        Ok(Response::new(to_proto::calendar::preview(&preview)))
    }
}

fn calendar<'a>(catalog: &'a Catalog, name: &str) -> Result<&'a Calendar, Status> {
    let live = catalog.calendar(name).map(|live| &live.calendar);
    live.ok_or_else(|| status::calendar_not_found(name))
}
