//! Create: an instance begins, finds its steward and enters its first stage.

use crate::definition::compiled::Workflow;
use crate::engine::decision::{Context, Decision};
use crate::engine::effects;
use crate::engine::rejection::Rejection;
use crate::engine::scene::Scene;
use crate::engine::values;
use crate::model::command::{Command, Create};
use crate::model::event::{Event, Payload};
use crate::model::id::MemberId;
use crate::model::link::Relation;
use crate::model::task::{Assignment, AssignmentReason};

pub(in crate::engine) fn create(
    context: &Context<'_>,
    create: &Create,
    command: &Command,
) -> Decision {
    match begin(context, create, command) {
        Ok(mut scene) => {
            let record = scene.finish_command(command.request);
            Decision::accepted(None, record, scene.instance)
        }
        Err(rejection) => Decision::refused(None, rejection),
    }
}

fn begin<'a>(
    context: &Context<'a>,
    create: &Create,
    command: &Command,
) -> Result<Scene<'a>, Rejection> {
    if let Some(expected) = command.expected_revision.filter(|expected| *expected != 0) {
        return Err(Rejection::StaleRevision { expected, actual: 0 });
    }
    let workflow = context.workflow;
    let mut problems = values::check_values(&workflow.fields, &create.fields);
    problems.extend(values::missing_required(&workflow.fields, &create.fields));
    if !problems.is_empty() {
        return Err(Rejection::InvalidValues(problems));
    }
    must_have_id_of_key(workflow, create)?;
    let payload = Payload::InstanceCreated {
        id: create.id.clone(),
        workflow: workflow.id.clone(),
        workflow_version: workflow.version,
        calendar_digest: context.calendar.digest(),
        fields: create.fields.clone(),
    };
    let event = Event { time: context.now, due_at: None, payload };
    let Some(mut scene) = Scene::created(context, event, &command.actor) else {
        return Err(Rejection::InstanceNotFound);
    };
    if let Some(origin) = &create.origin {
        let link = super::hear::link_to(origin, scene.at());
        scene.add_link(link);
    }
    assign_steward(&mut scene, create.steward.as_ref())?;
    scene.start_instance_clocks();
    let way = scene.way_to(None, None)?;
    scene.go(&way);
    scene.react()?;
    scene.must_be_within_limits(None)?;
    Ok(scene)
}

/// An instance of a workflow with a key has the id of its key, so that there is one per value. One
/// that continues another has its own: the other one still stands for the key.
fn must_have_id_of_key(workflow: &Workflow, create: &Create) -> Result<(), Rejection> {
    let origin = create.origin.as_ref();
    let continues = origin.is_some_and(|origin| origin.relation == Relation::Continues);
    let keyed = effects::keyed_id(workflow, &create.fields).filter(|_| !continues);
    if keyed.is_none_or(|id| id == create.id) {
        return Ok(());
    }
    let problem = "it is derived from the key of the workflow: leave it empty".to_owned();
    Err(Rejection::InvalidValues(vec![values::problem("instance", problem)]))
}

fn assign_steward(scene: &mut Scene<'_>, named: Option<&MemberId>) -> Result<(), Rejection> {
    let assignment = match named {
        Some(member) => Some(name(scene, member)?),
        None => scene.steward_by_rule(),
    };
    if let Some(assignment) = assignment {
        let group = scene.group_of(&assignment.member);
        let (before, reason) = (None, String::new());
        scene.emit(Payload::StewardAssigned { assignment, group, before, reason });
    }
    Ok(())
}

fn name(scene: &Scene<'_>, member: &MemberId) -> Result<Assignment, Rejection> {
    super::possible_steward(scene, member)?;
    let because = AssignmentReason::Named;
    Ok(Assignment { member: member.clone(), because, instead_of: None })
}
