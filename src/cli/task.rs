//! `sanbang task`: what is to be done by whom, and doing it.

use clap::{Args, Subcommand};

use crate::api::pb;

use super::Global;
use super::arguments::{Field, Force, Repeat, parse_count, parse_field, to_struct};
use super::client::Client;
use super::exit::Failure;
use super::instance;
use super::print::Output;
use super::task_requests::{DecideExtension, DecideObjection, Delegate, Object};
use super::task_requests::{RequestExtension, RequestSupplement, Supply};
use super::task_views;

#[derive(Debug, Subcommand)]
pub(super) enum Task {
    List(List),
    Get(Named),
    Claim(Claim),
    Release(Release),
    Complete(Complete),
    Redo(Redo),
    Check(Check),
    Comment(Comment),
    Delegate(Delegate),
    Object(Object),
    DecideObjection(DecideObjection),
    RequestSupplement(RequestSupplement),
    Supply(Supply),
    RequestExtension(RequestExtension),
    DecideExtension(DecideExtension),
}

/// Tasks that are still to be done, of all instances
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang task list --mine --actor materials_officer_1
  $ sanbang task list --filter 'offered_to = \"coordination_group\"' --actor coordinator_1")]
pub(super) struct List {
    /// Those that the actor holds
    #[arg(long)]
    pub(super) mine: bool,
    /// Such as `holder = \"coordinator_1\" AND stage = \"pre_review\"`
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(super) filter: String,
    /// At most so many
    #[arg(long, default_value_t = 1000, value_parser = parse_count)]
    pub(super) limit: usize,
}

/// One task with its guide, its checklist, its form and its limit
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang task get p-001 1 --actor coordinator_1")]
pub(super) struct Named {
    /// The instance
    pub(super) instance: String,
    /// The task's number
    pub(super) task: u32,
}

/// Take a task that nobody holds
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang task claim p-008 2 --actor materials_leader")]
pub(super) struct Claim {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    repeat: Repeat,
}

/// Give a task back, to be claimed by another
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang task release p-001 2 --reason 'Away next week' --actor materials_leader")]
pub(super) struct Release {
    #[command(flatten)]
    named: Named,
    /// Why
    #[arg(long, default_value = "", hide_default_value = true)]
    reason: String,
    #[command(flatten)]
    repeat: Repeat,
}

/// Finish a task; what is missing is told all at once
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang task complete p-009 2 --actor materials_leader --comment 'Agreed in the group'")]
pub(super) struct Complete {
    #[command(flatten)]
    named: Named,
    /// What it ends with, where the task has outcomes
    #[arg(long, default_value = "", hide_default_value = true)]
    outcome: String,
    /// A value of the task's form: `name=text`, `name:=json`
    #[arg(long = "form", value_parser = parse_field, value_name = "NAME=VALUE")]
    form: Vec<Field>,
    /// A field of the instance that changes with it
    #[arg(long = "field", value_parser = parse_field, value_name = "NAME=VALUE")]
    fields: Vec<Field>,
    /// For the record
    #[arg(long, default_value = "", hide_default_value = true)]
    comment: String,
    #[command(flatten)]
    repeat: Repeat,
    #[command(flatten)]
    force: Force,
}

/// Do a done task again, while its stage is open
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang task redo p-010 2 --reason 'Another steward is needed' --actor materials_officer_1")]
pub(super) struct Redo {
    #[command(flatten)]
    named: Named,
    /// Why
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    repeat: Repeat,
    #[command(flatten)]
    force: Force,
}

/// Check an item of a checklist
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang task check p-001 1 investor_searched --actor materials_officer_1
  $ sanbang task check p-001 1 investor_searched --undo --actor materials_officer_1")]
pub(super) struct Check {
    #[command(flatten)]
    named: Named,
    /// The item
    item: String,
    /// Uncheck it
    #[arg(long)]
    undo: bool,
    #[command(flatten)]
    repeat: Repeat,
}

/// Say something about a task, or with 0 about the instance
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang task comment p-001 0 'The investor asked for a call on Friday' --actor coordinator_1")]
pub(super) struct Comment {
    #[command(flatten)]
    named: Named,
    /// What
    text: String,
    #[command(flatten)]
    repeat: Repeat,
}

impl Task {
    pub(super) async fn run(self, global: &Global, output: &Output) -> Result<(), Failure> {
        let client = global.connect().await?;
        let accepted = match self {
            Self::List(list) => return task_views::list(&client, list, global, output).await,
            Self::Get(named) => return task_views::get(&client, named, output).await,
            Self::Claim(claim) => run_claim(&client, claim).await?,
            Self::Release(release) => run_release(&client, release).await?,
            Self::Complete(complete) => run_complete(&client, complete).await?,
            Self::Redo(redo) => run_redo(&client, redo).await?,
            Self::Check(check) => run_check(&client, check).await?,
            Self::Comment(comment) => run_comment(&client, comment).await?,
            Self::Delegate(delegate) => delegate.run(&client).await?,
            Self::Object(object) => object.run(&client).await?,
            Self::DecideObjection(decide) => decide.run(&client).await?,
            Self::RequestSupplement(request) => request.run(&client).await?,
            Self::Supply(supply) => supply.run(&client).await?,
            Self::RequestExtension(request) => request.run(&client).await?,
            Self::DecideExtension(decide) => decide.run(&client).await?,
        };
        instance::accepted(accepted, output)
    }
}

/// What a command answers.
pub(super) type Outcome = Result<Option<pb::Accepted>, Failure>;

async fn run_claim(client: &Client, claim: Claim) -> Outcome {
    let request = pb::TaskServiceClaimRequest {
        instance: claim.named.instance,
        request_id: claim.repeat.request_id,
        expected_revision: claim.repeat.expected_revision,
        task: claim.named.task,
    };
    Ok(client.tasks().claim(request).await?.into_inner().accepted)
}

async fn run_release(client: &Client, release: Release) -> Outcome {
    let request = pb::TaskServiceReleaseRequest {
        instance: release.named.instance,
        request_id: release.repeat.request_id,
        expected_revision: release.repeat.expected_revision,
        task: release.named.task,
        reason: release.reason,
    };
    Ok(client.tasks().release(request).await?.into_inner().accepted)
}

async fn run_complete(client: &Client, complete: Complete) -> Outcome {
    let request = pb::TaskServiceCompleteRequest {
        instance: complete.named.instance,
        request_id: complete.repeat.request_id,
        expected_revision: complete.repeat.expected_revision,
        force_reason: complete.force.reason,
        task: complete.named.task,
        outcome: complete.outcome,
        form: to_struct(&complete.form),
        changes: to_struct(&complete.fields),
        comment: complete.comment,
    };
    Ok(client.tasks().complete(request).await?.into_inner().accepted)
}

async fn run_redo(client: &Client, redo: Redo) -> Outcome {
    let request = pb::TaskServiceRedoRequest {
        instance: redo.named.instance,
        request_id: redo.repeat.request_id,
        expected_revision: redo.repeat.expected_revision,
        force_reason: redo.force.reason,
        task: redo.named.task,
        reason: redo.reason,
    };
    Ok(client.tasks().redo(request).await?.into_inner().accepted)
}

async fn run_check(client: &Client, check: Check) -> Outcome {
    let request = pb::TaskServiceCheckRequest {
        instance: check.named.instance,
        request_id: check.repeat.request_id,
        expected_revision: check.repeat.expected_revision,
        task: check.named.task,
        item: check.item,
        checked: !check.undo,
    };
    Ok(client.tasks().check(request).await?.into_inner().accepted)
}

async fn run_comment(client: &Client, comment: Comment) -> Outcome {
    let request = pb::TaskServiceCommentRequest {
        instance: comment.named.instance,
        request_id: comment.repeat.request_id,
        expected_revision: comment.repeat.expected_revision,
        task: comment.named.task,
        text: comment.text,
    };
    Ok(client.tasks().comment(request).await?.into_inner().accepted)
}
