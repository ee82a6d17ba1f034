//! Wishes of `TaskService`. Knows form, never whether it makes sense now.

use crate::api::violations::Violations;
use crate::api::{pb, values};
use crate::definition::compiled::{TaskSpec, Workflow};
use crate::model::clock::ClockNumber;
use crate::model::command::{
    Action, Check, Claim, Comment, Complete, DecideExtension, DecideObjection, Delegate, Limited,
    Object, Redo, Release, RequestExtension, RequestSupplement, Supply, Verdict,
};
use crate::model::instance::Instance;
use crate::model::task::TaskNumber;

use super::envelope::Known;

/// Takes a task.
#[expect(clippy::needless_pass_by_value, reason = "all wishes are taken alike")]
pub(in crate::api) fn claim(
    found: &mut Violations,
    request: pb::TaskServiceClaimRequest,
) -> Action {
    Action::Claim(Claim { task: found.task("task", request.task) })
}

/// Gives a task back.
pub(in crate::api) fn release(
    found: &mut Violations,
    request: pb::TaskServiceReleaseRequest,
) -> Action {
    Action::Release(Release {
        task: found.task("task", request.task),
        reason: found.text("reason", request.reason),
    })
}

/// Lets somebody else do a task.
pub(in crate::api) fn delegate(
    found: &mut Violations,
    request: pb::TaskServiceDelegateRequest,
) -> Action {
    Action::Delegate(Delegate {
        task: found.task("task", request.task),
        to: found.name("to", &request.to),
        reason: found.needed_text("reason", request.reason),
    })
}

/// Objects to being given a task.
pub(in crate::api) fn object(
    found: &mut Violations,
    request: pb::TaskServiceObjectRequest,
) -> Action {
    Action::Object(Object {
        task: found.task("task", request.task),
        reason: found.needed_text("reason", request.reason),
    })
}

/// Grants or refuses an objection.
pub(in crate::api) fn decide_objection(
    found: &mut Violations,
    request: pb::TaskServiceDecideObjectionRequest,
) -> Action {
    Action::DecideObjection(DecideObjection {
        task: found.task("task", request.task),
        verdict: verdict(found, request.verdict()),
        to: found.optional_name("to", &request.to),
        comment: found.text("comment", request.comment),
    })
}

/// Asks for something from outside.
pub(in crate::api) fn request_supplement(
    found: &mut Violations,
    request: pb::TaskServiceRequestSupplementRequest,
) -> Action {
    Action::RequestSupplement(RequestSupplement {
        task: found.task("task", request.task),
        what: found.needed_text("what", request.what),
    })
}

/// Brings it.
pub(in crate::api) fn supply(
    found: &mut Violations,
    request: pb::TaskServiceSupplyRequest,
) -> Action {
    Action::Supply(Supply {
        task: found.task("task", request.task),
        what: found.needed_text("what", request.what),
    })
}

/// Finishes a task. Its values are taken by what the instance's workflow declares; an instance or a
/// task that is not there is the engine's to refuse.
pub(in crate::api) fn complete(
    found: &mut Violations,
    request: pb::TaskServiceCompleteRequest,
    known: &Known<'_>,
) -> Action {
    let task = found.task("task", request.task);
    let form = known
        .view
        .and_then(|view| spec_of(&view.instance, &view.workflow, task))
        .map(|spec| values::values(found, "form", request.form, &spec.form))
        .unwrap_or_default();
    let changes = known
        .view
        .map(|view| values::changes(found, "changes", request.changes, &view.workflow.fields))
        .unwrap_or_default();
    Action::Complete(Complete {
        task,
        outcome: found.optional_name("outcome", &request.outcome),
        form,
        changes,
        comment: found.text("comment", request.comment),
    })
}

/// Has a task done again.
pub(in crate::api) fn redo(found: &mut Violations, request: pb::TaskServiceRedoRequest) -> Action {
    Action::Redo(Redo {
        task: found.task("task", request.task),
        reason: found.needed_text("reason", request.reason),
    })
}

/// Checks or unchecks an item.
pub(in crate::api) fn check(
    found: &mut Violations,
    request: pb::TaskServiceCheckRequest,
) -> Action {
    Action::Check(Check {
        task: found.task("task", request.task),
        item: found.needed_text("item", request.item).into(),
        checked: request.checked,
    })
}

/// Says something.
pub(in crate::api) fn comment(
    found: &mut Violations,
    request: pb::TaskServiceCommentRequest,
) -> Action {
    Action::Comment(Comment {
        task: (request.task != 0).then_some(TaskNumber(request.task)),
        text: found.needed_text("text", request.text),
    })
}

/// Asks for more time.
pub(in crate::api) fn request_extension(
    found: &mut Violations,
    request: pb::TaskServiceRequestExtensionRequest,
) -> Action {
    Action::RequestExtension(RequestExtension {
        of: limited(found, request.task, request.clock),
        by: found.limit("by", request.by),
        reason: found.needed_text("reason", request.reason),
    })
}

/// Grants or refuses more time.
pub(in crate::api) fn decide_extension(
    found: &mut Violations,
    request: pb::TaskServiceDecideExtensionRequest,
) -> Action {
    Action::DecideExtension(DecideExtension {
        of: limited(found, request.task, request.clock),
        verdict: verdict(found, request.verdict()),
        comment: found.text("comment", request.comment),
    })
}

/// What is to have more time: a task or a clock, by its number.
fn limited(found: &mut Violations, task: u32, clock: u32) -> Limited {
    match (task, clock) {
        (0, clock) if clock != 0 => Limited::Clock(ClockNumber(clock)),
        (task, 0) => Limited::Task(found.task("task", task)),
        (task, _) => {
            found.add("clock", "name a task or a clock, not both");
            Limited::Task(TaskNumber(task))
        }
    }
}

fn verdict(found: &mut Violations, verdict: pb::Verdict) -> Verdict {
    match verdict {
        pb::Verdict::Grant => Verdict::Grant,
        pb::Verdict::Refuse => Verdict::Refuse,
        pb::Verdict::Unspecified => {
            found.add("verdict", "it is needed: grant or refuse");
            Verdict::Refuse
        }
    }
}

/// What a workflow says of a task of an instance.
pub(in crate::api) fn spec_of<'a>(
    instance: &Instance,
    workflow: &'a Workflow,
    task: TaskNumber,
) -> Option<&'a TaskSpec> {
    let reference = &instance.task(task)?.reference;
    workflow.task(reference)
}
