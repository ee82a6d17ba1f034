//! The people of the demo: they do what is to be done, each as the one who holds it, and move
//! projects on when nothing is missing. What they do is read from the workflow, not written here.

use std::collections::BTreeMap;

use jiff::Timestamp;
use prost_types::{Struct, Value};
use tonic_types::StatusExt as _;

use crate::api::pb;
use crate::definition::sources::Sources;
use crate::model::id::GroupId;
use crate::model::organization::{Organization, RoleScope};

use super::super::arguments::accepted;
use super::super::client::Client;
use super::super::exit::Failure;
use super::answers;
use super::opening::instant;
use super::projects::Project;

/// The workflow of the story.
pub(super) const WORKFLOW: &str = "investment_project";

/// Who does what nobody in particular does.
pub(super) const COORDINATOR: &str = "coordinator_1";

/// What the people know of one instance before the server does: what tasks end with, what is
/// filled in, what takes its time.
pub(super) trait Part {
    /// The instance.
    fn id(&self) -> &str;
    /// What a field is to hold once a stage asks for it; none: something plausible.
    fn field(&self, field: &str) -> Option<Value>;
    /// What a field of a task's form is to hold; none: something plausible.
    fn form(&self, task: &str, field: &str) -> Option<Value>;
    /// Fields of the instance that change as a task is done.
    fn changes(&self, task: &str) -> Option<Struct>;
    /// What a task is to end with; none: the first outcome of the file.
    fn take_outcome(&mut self, task: &str) -> Option<String>;
    /// Whether an activity of this kind is logged because it is time for one.
    fn logs(&self, activity: &str) -> bool;
    /// Whether a stage is left as soon as nothing is missing.
    fn leaves(&self, stage: &str) -> bool;
    /// Whether somebody gets round to a task now that was opened then.
    fn is_time_for(
        &self,
        task: &str,
        opened: Timestamp,
        now: Timestamp,
        instance: &pb::Instance,
    ) -> bool;
}

/// Everybody who works in the story.
pub(super) struct Crew {
    client: Client,
    organization: Organization,
    workflows: BTreeMap<(String, u32), pb::Workflow>,
    requests: u64,
}

impl Crew {
    pub(super) fn new(client: Client) -> Self {
        let compilation = crate::definition::compile(&Sources::embedded());
        let organization = compilation.organization;
        Self { client, organization, workflows: BTreeMap::new(), requests: 0 }
    }

    /// Works on with another connection: the server was started again.
    pub(super) fn reconnect(&mut self, client: Client) {
        self.client = client;
    }

    /// The connection as one of them.
    pub(super) fn acting(&self, member: &str) -> Result<Client, Failure> {
        self.client.acting(member, "")
    }

    /// A request id that was not used before.
    pub(super) fn request_id(&mut self) -> String {
        self.requests += 1;
        format!("demo-{}", self.requests)
    }

    /// Registers a project.
    pub(super) async fn create(&mut self, project: &Project) -> Result<pb::Accepted, Failure> {
        let request = pb::InstanceServiceCreateRequest {
            instance: project.id.to_owned(),
            request_id: self.request_id(),
            workflow: WORKFLOW.to_owned(),
            fields: Some(project.first_fields()),
            steward: String::new(),
            with_similar: false,
        };
        let mut instances = self.acting(COORDINATOR)?.instances();
        accepted(instances.create(request).await?.into_inner().accepted)
    }

    /// An instance as it stands.
    pub(super) async fn get(&self, instance: &str) -> Result<pb::Instance, Failure> {
        let request = pb::InstanceServiceGetRequest { instance: instance.to_owned() };
        let response = self.acting(COORDINATOR)?.instances().get(request).await?.into_inner();
        response.instance.ok_or_else(|| Failure::not_tried(format!("`{instance}` has no content")))
    }

    /// Everything that can be done for a project now, once around; whether anything was done.
    /// Whatever is to be done regularly and falls due before `next` is done too.
    pub(super) async fn work(
        &mut self,
        part: &mut impl Part,
        now: Timestamp,
        next: Timestamp,
    ) -> Result<bool, Failure> {
        let instance = self.get(part.id()).await?;
        if instance.status() != pb::InstanceStatus::Active {
            return Ok(false);
        }
        let workflow = self.workflow(&instance).await?;
        let mut did = self.keep_cadences(part, &instance, &workflow, now, next).await?;
        for task in &instance.tasks {
            if is_ready(task, &instance, now, part) {
                did |= self.do_task(part, &instance, &workflow, task, now).await?;
            }
        }
        did |= self.fill_fields(part, &instance, &workflow, now).await?;
        for stage in &instance.stages {
            if stage.place() == pb::StagePlace::Open && part.leaves(&stage.stage) {
                did |= self.advance(&instance, &workflow, &stage.stage).await?;
            }
        }
        Ok(did)
    }

    async fn workflow(&mut self, instance: &pb::Instance) -> Result<pb::Workflow, Failure> {
        let key = (instance.workflow.clone(), instance.workflow_version);
        if !self.workflows.contains_key(&key) {
            let (workflow, version) = key.clone();
            let request = pb::WorkflowServiceGetRequest { workflow, version };
            let response = self.acting(COORDINATOR)?.workflows().get(request).await?.into_inner();
            self.workflows.insert(key.clone(), response.workflow.unwrap_or_default());
        }
        Ok(self.workflows[&key].clone())
    }

    /// Logs what is to be logged regularly: contacts, notes, reports, meetings, visits.
    async fn keep_cadences(
        &mut self,
        part: &impl Part,
        instance: &pb::Instance,
        workflow: &pb::Workflow,
        now: Timestamp,
        next: Timestamp,
    ) -> Result<bool, Failure> {
        let mut did = false;
        for clock in &instance.clocks {
            let due = clock.plan.as_ref().and_then(|plan| plan.due);
            let is_soon = due.is_some_and(|due| due.seconds < next.as_second());
            if clock.kind() != pb::ClockKind::Every || !is_soon || !clock.paused.is_empty() {
                continue;
            }
            let Some(activity) = resets(workflow, clock, part) else { continue };
            let fields = workflow.activities.iter().find(|it| it.id == activity);
            let request = pb::InstanceServiceLogActivityRequest {
                instance: instance.id.clone(),
                request_id: self.request_id(),
                activity,
                fields: fields.and_then(|it| answers::form(&it.fields, now, |_| None)),
                ..pb::InstanceServiceLogActivityRequest::default()
            };
            let mut instances = self.acting(&instance.steward)?.instances();
            instances.log_activity(request).await?;
            did = true;
        }
        Ok(did)
    }

    /// Does a task: takes it where nobody holds it, checks its list, fills in its form.
    async fn do_task(
        &mut self,
        part: &mut impl Part,
        instance: &pb::Instance,
        workflow: &pb::Workflow,
        task: &pb::Task,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        let reference = task.reference.clone().unwrap_or_default();
        let stage = workflow.stages.iter().find(|stage| stage.id == reference.stage);
        let definition =
            stage.and_then(|stage| stage.tasks.iter().find(|it| it.id == reference.id));
        let Some(definition) = definition else { return Ok(false) };
        let holder = match &task.holder {
            Some(holder) => holder.member.clone(),
            None => match self.claim(instance, task, &reference).await? {
                Some(member) => member,
                None => return Ok(false),
            },
        };
        let mut tasks = self.acting(&holder)?.tasks();
        for item in definition.checklist.iter().filter(|item| !task.checked.contains(&item.id)) {
            let request = pb::TaskServiceCheckRequest {
                instance: instance.id.clone(),
                request_id: self.request_id(),
                task: reference.number,
                item: item.id.clone(),
                checked: true,
                ..pb::TaskServiceCheckRequest::default()
            };
            tasks.check(request).await?;
        }
        let outcome = match definition.outcomes.first() {
            Some(first) => part.take_outcome(&reference.id).unwrap_or_else(|| first.clone()),
            None => String::new(),
        };
        let request = pb::TaskServiceCompleteRequest {
            instance: instance.id.clone(),
            request_id: self.request_id(),
            task: reference.number,
            outcome,
            form: answers::form(&definition.form, now, |field| part.form(&reference.id, field)),
            changes: part.changes(&reference.id),
            ..pb::TaskServiceCompleteRequest::default()
        };
        match tasks.complete(request).await {
            Ok(_) => Ok(true),
            // An earlier one of this round has made it unnecessary.
            Err(status) if is_reason(&status, &["TASK_CLOSED", "TASK_NOT_FOUND"]) => Ok(false),
            Err(status) => Err(status.into()),
        }
    }

    /// The first candidate who may take a task; four eyes may keep the first from it.
    async fn claim(
        &mut self,
        instance: &pb::Instance,
        task: &pb::Task,
        reference: &pb::TaskRef,
    ) -> Result<Option<String>, Failure> {
        for member in self.members_in(&task.role, instance) {
            let request = pb::TaskServiceClaimRequest {
                instance: instance.id.clone(),
                request_id: self.request_id(),
                task: reference.number,
                ..pb::TaskServiceClaimRequest::default()
            };
            match self.acting(&member)?.tasks().claim(request).await {
                Ok(_) => return Ok(Some(member)),
                Err(status) if is_reason(&status, &["FOUR_EYES", "NOT_A_CANDIDATE"]) => {}
                Err(status) if is_reason(&status, &["TASK_CLOSED", "TASK_NOT_FOUND"]) => break,
                Err(status) => return Err(status.into()),
            }
        }
        Ok(None)
    }

    /// Fills what a stage asks for: of the path at once, beside it when the path has ended.
    async fn fill_fields(
        &mut self,
        part: &impl Part,
        instance: &pb::Instance,
        workflow: &pb::Workflow,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        let is_asked = |stage: &&pb::StageDefinition| {
            let open = instance
                .stages
                .iter()
                .any(|state| state.stage == stage.id && state.place() == pb::StagePlace::Open);
            open && (stage.beside.is_none() || instance.path_stage.is_empty())
        };
        let filled = instance.fields.clone().unwrap_or_default().fields;
        let mut changes = Struct::default();
        let asked = workflow.stages.iter().filter(is_asked).flat_map(|stage| &stage.requires);
        for name in asked.filter(|name| !filled.contains_key(*name)) {
            let Some(field) = workflow.fields.iter().find(|field| field.id == *name) else {
                continue;
            };
            let value = part.field(name).unwrap_or_else(|| answers::value(field, now));
            changes.fields.insert(name.clone(), value);
        }
        if changes.fields.is_empty() {
            return Ok(false);
        }
        let request = pb::InstanceServiceUpdateFieldsRequest {
            instance: instance.id.clone(),
            request_id: self.request_id(),
            changes: Some(changes),
            ..pb::InstanceServiceUpdateFieldsRequest::default()
        };
        self.acting(&instance.steward)?.instances().update_fields(request).await?;
        Ok(true)
    }

    /// Leaves a stage, if nothing is missing.
    async fn advance(
        &mut self,
        instance: &pb::Instance,
        workflow: &pb::Workflow,
        stage: &str,
    ) -> Result<bool, Failure> {
        let Some(definition) = workflow.stages.iter().find(|it| it.id == stage) else {
            return Ok(false);
        };
        let movers = self.members_in(&definition.role, instance);
        let Some(mover) = movers.first() else { return Ok(false) };
        let request = pb::InstanceServiceAdvanceRequest {
            instance: instance.id.clone(),
            request_id: self.request_id(),
            stage: stage.to_owned(),
            ..pb::InstanceServiceAdvanceRequest::default()
        };
        match self.acting(mover)?.instances().advance(request).await {
            Ok(_) => Ok(true),
            Err(status) if is_reason(&status, &["NOT_READY", "STAGE_NOT_OPEN"]) => Ok(false),
            Err(status) => Err(status.into()),
        }
    }

    /// Who is in a role, for this instance.
    pub(super) fn members_in(&self, role: &str, instance: &pb::Instance) -> Vec<String> {
        let scope = self.organization.role(role).map(|role| role.scope);
        if scope == Some(RoleScope::Steward) {
            return vec![instance.steward.clone()];
        }
        let in_group = |group: Option<&str>| group == Some(instance.group.as_str());
        let members = self.organization.members.iter().filter(|member| {
            let group = member.group.as_ref().map(GroupId::as_str);
            let holds = member.roles.iter().any(|held| held.as_str() == role);
            group == Some(role) || (holds && (scope != Some(RoleScope::Group) || in_group(group)))
        });
        members.map(|member| member.id.to_string()).collect()
    }
}

/// Whether a refusal has one of these reasons.
pub(super) fn is_reason(status: &tonic::Status, reasons: &[&str]) -> bool {
    let details = status.get_error_details();
    details.error_info().is_some_and(|info| reasons.contains(&info.reason.as_str()))
}

/// The first activity that resets a clock, as the workflow declares it, and that is logged so.
fn resets(workflow: &pb::Workflow, clock: &pb::Clock, part: &impl Part) -> Option<String> {
    let id = &clock.reference.as_ref()?.id;
    let of_stages = workflow.stages.iter().flat_map(|stage| &stage.clocks);
    let mut clocks = workflow.clocks.iter().chain(of_stages);
    let reset_by = &clocks.find(|it| it.id == *id)?.reset_by;
    reset_by.iter().find(|activity| part.logs(activity)).cloned()
}

fn is_ready(task: &pb::Task, instance: &pb::Instance, now: Timestamp, part: &impl Part) -> bool {
    let id = task.reference.as_ref().map(|it| it.id.as_str()).unwrap_or_default();
    let is_open = task.end.is_none() && task.kind() == pb::TaskKind::Human;
    is_open && part.is_time_for(id, instant(task.opened_at.unwrap_or_default()), now, instance)
}
