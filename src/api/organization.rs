//! `OrganizationService`: decode, one call, encode. The pages of its lists count rows.

use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use crate::model::event::{Event, Payload};
use crate::model::id::{InstanceId, MemberId};
use crate::model::limits;
use crate::model::organization::Member;
use crate::model::roster::RosterAction;
use crate::runtime::{Following, Numbered, ReadError};

use super::edge::{Edge, named};
use super::pb::organization_service_server::OrganizationService;
use super::to_proto::organization as told;
use super::violations::Violation;
use super::{from_proto, pb, status, to_proto};

type Answer<T> = Result<Response<T>, Status>;

/// Records read at once while looking for stewards.
const HISTORY_PAGE: usize = 256;

#[tonic::async_trait]
impl OrganizationService for Edge {
    async fn list_members(
        &self,
        request: Request<pb::OrganizationServiceListMembersRequest>,
    ) -> Answer<pb::OrganizationServiceListMembersResponse> {
        let catalog = self.catalog(request.metadata())?;
        let query = from_proto::organization::members(request.into_inner())
            .map_err(|wrong| status::invalid(&wrong))?;
        let (organization, today) = (catalog.organization(), catalog.today(self.handle.now()));
        let wanted = |member: &&Member| {
            query.group.as_ref().is_none_or(|group| member.group.as_ref() == Some(group))
                && query.role.as_ref().is_none_or(|role| member.roles.contains(role))
        };
        let mut rest = organization.members.iter();
        if let Some(after) = query.page.token.as_deref() {
            let known = rest.by_ref().any(|member| member.id.as_str() == after);
            known.then_some(()).ok_or_else(|| status::invalid(&[Violation::foreign_token()]))?;
        }
        let mut rest = rest.filter(wanted).peekable();
        let members: Vec<_> = rest
            .by_ref()
            .take(query.page.size)
            .map(|member| told::member(organization, member, today))
            .collect();
        let last = members.last().filter(|_| rest.peek().is_some());
        let next_page_token = last.map(|member| member.id.clone()).unwrap_or_default();
        Ok(Response::new(pb::OrganizationServiceListMembersResponse { members, next_page_token }))
    }

    async fn get_member(
        &self,
        request: Request<pb::OrganizationServiceGetMemberRequest>,
    ) -> Answer<pb::OrganizationServiceGetMemberResponse> {
        self.reader(request.metadata())?;
        let member = Some(self.member(&named("member", &request.get_ref().member)?)?);
        Ok(Response::new(pb::OrganizationServiceGetMemberResponse { member }))
    }

    async fn list_groups(
        &self,
        request: Request<pb::OrganizationServiceListGroupsRequest>,
    ) -> Answer<pb::OrganizationServiceListGroupsResponse> {
        let catalog = self.catalog(request.metadata())?;
        let organization = catalog.organization();
        let groups = organization.groups.iter().map(|group| told::group(organization, group));
        let groups = groups.collect();
        Ok(Response::new(pb::OrganizationServiceListGroupsResponse { groups }))
    }

    async fn list_roles(
        &self,
        request: Request<pb::OrganizationServiceListRolesRequest>,
    ) -> Answer<pb::OrganizationServiceListRolesResponse> {
        let catalog = self.catalog(request.metadata())?;
        let (organization, today) = (catalog.organization(), catalog.today(self.handle.now()));
        let roles = organization.roles.iter().map(|role| told::role(organization, role, today));
        Ok(Response::new(pb::OrganizationServiceListRolesResponse { roles: roles.collect() }))
    }

    async fn put_absence(
        &self,
        request: Request<pb::OrganizationServicePutAbsenceRequest>,
    ) -> Answer<pb::OrganizationServicePutAbsenceResponse> {
        let actor = self.commander(request.metadata())?;
        let absence = from_proto::organization::put_absence(request.into_inner())
            .map_err(|wrong| status::invalid(&wrong))?;
        let action = RosterAction::PutAbsence(absence.clone());
        let changed = self.handle.change_roster(actor, action).await;
        let changed = changed.map_err(|error| status::roster(&error))?;
        let absence = Some(told::absence(&absence));
        Ok(Response::new(pb::OrganizationServicePutAbsenceResponse { absence, changed }))
    }

    async fn end_absence(
        &self,
        request: Request<pb::OrganizationServiceEndAbsenceRequest>,
    ) -> Answer<pb::OrganizationServiceEndAbsenceResponse> {
        let actor = self.commander(request.metadata())?;
        let member = request.get_ref().member.clone();
        let action = from_proto::organization::end_absence(&request.into_inner())
            .map_err(|wrong| status::invalid(&wrong))?;
        let changed = self.handle.change_roster(actor, action).await;
        changed.map_err(|error| status::roster(&error))?;
        let member = Some(self.member(&named("member", &member)?)?);
        Ok(Response::new(pb::OrganizationServiceEndAbsenceResponse { member }))
    }

    async fn list_absences(
        &self,
        request: Request<pb::OrganizationServiceListAbsencesRequest>,
    ) -> Answer<pb::OrganizationServiceListAbsencesResponse> {
        let catalog = self.catalog(request.metadata())?;
        let query = from_proto::organization::absences(request.into_inner())
            .map_err(|wrong| status::invalid(&wrong))?;
        let all = catalog.organization().absences.iter().filter(|absence| {
            query.member.as_ref().is_none_or(|member| absence.member == *member)
                && query.holds(absence.from, absence.to)
        });
        let (absences, next_page_token) = page(all, query.skipped, query.size);
        let absences = absences.into_iter().map(told::absence).collect();
        Ok(Response::new(pb::OrganizationServiceListAbsencesResponse { absences, next_page_token }))
    }

    async fn put_duty(
        &self,
        request: Request<pb::OrganizationServicePutDutyRequest>,
    ) -> Answer<pb::OrganizationServicePutDutyResponse> {
        let actor = self.commander(request.metadata())?;
        let duty = from_proto::organization::put_duty(request.into_inner())
            .map_err(|wrong| status::invalid(&wrong))?;
        let changed = self.handle.change_roster(actor, RosterAction::PutDuty(duty)).await;
        let changed = changed.map_err(|error| status::roster(&error))?;
        Ok(Response::new(pb::OrganizationServicePutDutyResponse { changed }))
    }

    async fn list_duty(
        &self,
        request: Request<pb::OrganizationServiceListDutyRequest>,
    ) -> Answer<pb::OrganizationServiceListDutyResponse> {
        let catalog = self.catalog(request.metadata())?;
        let query = from_proto::organization::duties(request.into_inner())
            .map_err(|wrong| status::invalid(&wrong))?;
        let all = catalog.organization().duties.iter();
        let all = all.filter(|duty| query.holds(duty.from, duty.to));
        let (duties, next_page_token) = page(all, query.skipped, query.size);
        let duties = duties.into_iter().map(told::duty).collect();
        Ok(Response::new(pb::OrganizationServiceListDutyResponse { duties, next_page_token }))
    }

    async fn workload(
        &self,
        request: Request<pb::OrganizationServiceWorkloadRequest>,
    ) -> Answer<pb::OrganizationServiceWorkloadResponse> {
        let catalog = self.catalog(request.metadata())?;
        let (members, group) = from_proto::organization::workload(request.get_ref())
            .map_err(|wrong| status::invalid(&wrong))?;
        let organization = catalog.organization();
        for member in &members {
            if organization.member(member.as_str()).is_none() {
                return Err(status::member_not_found(member));
            }
        }
        let all = organization.members.iter().filter(|member| {
            (members.is_empty() || members.contains(&member.id))
                && group.as_ref().is_none_or(|group| member.group.as_ref() == Some(group))
        });
        let wanted: Vec<MemberId> = all.map(|member| member.id.clone()).collect();
        let workloads = self.handle.workload(wanted).await;
        let workloads = workloads.map_err(|error| status::read(&error))?;
        let members = workloads.iter().map(told::workload).collect();
        Ok(Response::new(pb::OrganizationServiceWorkloadResponse { members }))
    }

    type HandOverStream = ReceiverStream<Result<pb::OrganizationServiceHandOverResponse, Status>>;

    async fn hand_over(
        &self,
        request: Request<pb::OrganizationServiceHandOverRequest>,
    ) -> Answer<Self::HandOverStream> {
        let actor = self.commander(request.metadata())?;
        let order = from_proto::organization::hand_over(request.into_inner())
            .map_err(|wrong| status::invalid(&wrong))?;
        let following = self.handle.hand_over(actor, order).await;
        let following = following.map_err(|error| status::roster(&error))?;
        let (queue, stream) = mpsc::channel(limits::STREAM_MESSAGES_MAX);
        tokio::spawn(tell_progress(following, queue, self.stopping.clone()));
        Ok(Response::new(ReceiverStream::new(stream)))
    }

    async fn list_hand_overs(
        &self,
        request: Request<pb::OrganizationServiceListHandOversRequest>,
    ) -> Answer<pb::OrganizationServiceListHandOversResponse> {
        self.reader(request.metadata())?;
        let with_checklist = request.get_ref().with_checklist;
        let query = from_proto::organization::hand_overs(request.into_inner())
            .map_err(|wrong| status::invalid(&wrong))?;
        let page = self.handle.hand_overs(query).await.map_err(|error| status::read(&error))?;
        let page = page.ok_or_else(|| status::invalid(&[Violation::foreign_token()]))?;
        let last = page.hand_overs.last().filter(|_| page.more);
        let next_page_token = last.map(|last| last.id.clone()).unwrap_or_default();
        let told = page.hand_overs.iter().map(|it| told::hand_over(it, with_checklist));
        Ok(Response::new(pb::OrganizationServiceListHandOversResponse {
            hand_overs: told.collect(),
            next_page_token,
        }))
    }

    async fn list_stewards(
        &self,
        request: Request<pb::OrganizationServiceListStewardsRequest>,
    ) -> Answer<pb::OrganizationServiceListStewardsResponse> {
        let metadata = request.metadata();
        let view = self.view(metadata, &request.get_ref().instance).await?;
        let stewards = self.stewards(&view.instance.id).await;
        let stewards = stewards.map_err(|error| status::read(&error))?;
        Ok(Response::new(pb::OrganizationServiceListStewardsResponse { stewards }))
    }
}

impl Edge {
    fn member(&self, id: &MemberId) -> Result<pb::Member, Status> {
        let catalog = self.handle.catalog();
        let (organization, today) = (catalog.organization(), catalog.today(self.handle.now()));
        let member = organization.member(id.as_str());
        let member = member.ok_or_else(|| status::member_not_found(id))?;
        Ok(told::member(organization, member, today))
    }

    /// Who was steward when, from the instance's records, latest first.
    async fn stewards(&self, id: &InstanceId) -> Result<Vec<pb::Stewardship>, ReadError> {
        let mut records = Vec::new();
        let mut page = self.handle.history(id, None, HISTORY_PAGE).await?;
        while let Some(oldest) = page.last().map(|oldest| oldest.first_seq) {
            let about = page.into_iter().filter(|it| it.record.events.iter().any(is_about_steward));
            records.extend(about);
            page = self.handle.earlier(id, oldest, HISTORY_PAGE).await?;
        }
        Ok(stewardships(&records))
    }
}

fn is_about_steward(event: &Event) -> bool {
    matches!(event.payload, Payload::StewardAssigned { .. } | Payload::BackupsSet { .. })
}

/// What one record changes is one row, however many events tell it.
fn stewardships(records: &[Numbered]) -> Vec<pb::Stewardship> {
    let mut all: Vec<pb::Stewardship> = Vec::new();
    for Numbered { record, .. } in records.iter().rev() {
        let mut next = all.last().cloned().unwrap_or_default();
        for event in record.events.iter().filter(|event| is_about_steward(event)) {
            next.since = Some(to_proto::instant(event.effective_at()));
            match &event.payload {
                Payload::StewardAssigned { assignment, reason, .. } => {
                    next.steward = assignment.member.to_string();
                    next.reason.clone_from(reason);
                }
                Payload::BackupsSet { backups, reason, .. } => {
                    next.backups = to_proto::texts(backups);
                    next.reason.clone_from(reason);
                }
                _ => {}
            }
        }
        if let Some(last) = all.last_mut() {
            last.until = next.since;
        }
        next.actor = Some(to_proto::actor(&record.actor));
        all.push(next);
    }
    all.reverse();
    all
}

/// A page of rows, and the token of the next one.
fn page<T>(rows: impl Iterator<Item = T>, skipped: usize, size: usize) -> (Vec<T>, String) {
    let mut rest = rows.skip(skipped).peekable();
    let shown: Vec<T> = rest.by_ref().take(size).collect();
    let token = rest.peek().map(|_| (skipped + shown.len()).to_string());
    (shown, token.unwrap_or_default())
}

/// Tells how far a hand-over is, until it has ended, the receiver leaves, or the server stops.
async fn tell_progress(
    mut following: Following,
    queue: mpsc::Sender<Result<pb::OrganizationServiceHandOverResponse, Status>>,
    mut stopping: watch::Receiver<bool>,
) {
    loop {
        let now = following.borrow_and_update().clone();
        let ended = now.ended_at.is_some();
        let hand_over = Some(told::hand_over(&now, ended));
        let message = pb::OrganizationServiceHandOverResponse { hand_over };
        if queue.send(Ok(message)).await.is_err() || ended {
            return;
        }
        let goes_on = tokio::select! {
            changed = following.changed() => {
                changed.is_ok() || following.borrow().ended_at.is_some()
            }
            () = stopped(&mut stopping) => false,
            () = queue.closed() => return,
        };
        if !goes_on {
            // It is gone on with at the next start. Who has left needs no answer.
            let _ = queue.send(Err(status::read(&ReadError::Draining))).await;
            return;
        }
    }
}

async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // An error: nothing is served any more.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}
