//! What people ask for while they work on a task: that somebody else does it, something from
//! outside, more time. Each verb is one call.

use clap::{Args, ValueEnum};

use crate::api::pb;

use super::arguments::{Force, Repeat, parse_limit};
use super::client::Client;
use super::task::{Named, Outcome};

/// How something is decided.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Verdict {
    /// As asked
    Grant,
    /// Not at all
    Refuse,
}

impl From<Verdict> for i32 {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Grant => pb::Verdict::Grant.into(),
            Verdict::Refuse => pb::Verdict::Refuse.into(),
        }
    }
}

/// Let somebody else do a task; `release` gives it back
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang task delegate p-031 1 materials_officer_2 --reason 'At the ministry all day' \\
        --actor materials_officer_1")]
pub(super) struct Delegate {
    #[command(flatten)]
    named: Named,
    /// The member who is to do it
    to: String,
    /// Why
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    repeat: Repeat,
}

impl Delegate {
    pub(super) async fn run(self, client: &Client) -> Outcome {
        let request = pb::TaskServiceDelegateRequest {
            instance: self.named.instance,
            request_id: self.repeat.request_id,
            expected_revision: self.repeat.expected_revision,
            task: self.named.task,
            to: self.to,
            reason: self.reason,
        };
        Ok(client.tasks().delegate(request).await?.into_inner().accepted)
    }
}

/// Object to being given a task: soon, and once
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang task object p-032 1 --reason 'The investor is known to group two' \\
        --actor materials_officer_1")]
pub(super) struct Object {
    #[command(flatten)]
    named: Named,
    /// Why somebody else should do it
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    repeat: Repeat,
}

impl Object {
    pub(super) async fn run(self, client: &Client) -> Outcome {
        let request = pb::TaskServiceObjectRequest {
            instance: self.named.instance,
            request_id: self.repeat.request_id,
            expected_revision: self.repeat.expected_revision,
            task: self.named.task,
            reason: self.reason,
        };
        Ok(client.tasks().object(request).await?.into_inner().accepted)
    }
}

/// Grant or refuse an objection; either way that is final
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang task decide-objection p-033 1 refuse --comment 'The lead is yours' \\
        --actor materials_leader")]
pub(super) struct DecideObjection {
    #[command(flatten)]
    named: Named,
    /// How it is decided
    #[arg(value_enum)]
    verdict: Verdict,
    /// The member who is to do it instead; otherwise the rules choose
    #[arg(long, default_value = "", hide_default_value = true)]
    to: String,
    /// For the record
    #[arg(long, default_value = "", hide_default_value = true)]
    comment: String,
    #[command(flatten)]
    repeat: Repeat,
}

impl DecideObjection {
    pub(super) async fn run(self, client: &Client) -> Outcome {
        let request = pb::TaskServiceDecideObjectionRequest {
            instance: self.named.instance,
            request_id: self.repeat.request_id,
            expected_revision: self.repeat.expected_revision,
            task: self.named.task,
            verdict: self.verdict.into(),
            to: self.to,
            comment: self.comment,
        };
        Ok(client.tasks().decide_objection(request).await?.into_inner().accepted)
    }
}

/// Ask for something from outside; the task's clock stands still until it comes
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang task request-supplement p-034 1 'The accounts of last year' \\
        --actor materials_officer_1")]
pub(super) struct RequestSupplement {
    #[command(flatten)]
    named: Named,
    /// What is missing
    what: String,
    #[command(flatten)]
    repeat: Repeat,
}

impl RequestSupplement {
    pub(super) async fn run(self, client: &Client) -> Outcome {
        let request = pb::TaskServiceRequestSupplementRequest {
            instance: self.named.instance,
            request_id: self.repeat.request_id,
            expected_revision: self.repeat.expected_revision,
            task: self.named.task,
            what: self.what,
        };
        Ok(client.tasks().request_supplement(request).await?.into_inner().accepted)
    }
}

/// Bring what a task waits for
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang task supply p-035 1 'The audited accounts' --actor materials_officer_1")]
pub(super) struct Supply {
    #[command(flatten)]
    named: Named,
    /// What has come
    what: String,
    #[command(flatten)]
    repeat: Repeat,
}

impl Supply {
    pub(super) async fn run(self, client: &Client) -> Outcome {
        let request = pb::TaskServiceSupplyRequest {
            instance: self.named.instance,
            request_id: self.repeat.request_id,
            expected_revision: self.repeat.expected_revision,
            task: self.named.task,
            what: self.what,
        };
        Ok(client.tasks().supply(request).await?.into_inner().accepted)
    }
}

/// What is to have more time.
#[derive(Debug, Args)]
struct Limited {
    #[command(flatten)]
    named: Named,
    /// The number is that of a clock: of a stage, the instance or its suspension
    #[arg(long)]
    clock: bool,
}

impl Limited {
    /// The numbers of the task and of the clock, one of them 0.
    fn numbers(&self) -> (u32, u32) {
        if self.clock { (0, self.named.task) } else { (self.named.task, 0) }
    }
}

/// Ask for more time
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang task request-extension p-001 1 1wd --reason 'The pool is being moved' \\
        --actor materials_officer_1
  $ sanbang task request-extension p-001 2 2wd --clock --reason 'The investor is abroad' \\
        --actor materials_leader")]
pub(super) struct RequestExtension {
    #[command(flatten)]
    of: Limited,
    /// How much, `2wd`, or up to which day, `2025-02-14`
    #[arg(value_parser = parse_limit)]
    by: pb::Limit,
    /// Why
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    repeat: Repeat,
    #[command(flatten)]
    force: Force,
}

impl RequestExtension {
    pub(super) async fn run(self, client: &Client) -> Outcome {
        let (task, clock) = self.of.numbers();
        let request = pb::TaskServiceRequestExtensionRequest {
            instance: self.of.named.instance,
            request_id: self.repeat.request_id,
            expected_revision: self.repeat.expected_revision,
            force_reason: self.force.reason,
            task,
            clock,
            by: Some(self.by),
            reason: self.reason,
        };
        Ok(client.tasks().request_extension(request).await?.into_inner().accepted)
    }
}

/// Grant or refuse more time
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang task decide-extension p-011 1 grant --actor materials_leader")]
pub(super) struct DecideExtension {
    #[command(flatten)]
    of: Limited,
    /// How it is decided
    #[arg(value_enum)]
    verdict: Verdict,
    /// For the record
    #[arg(long, default_value = "", hide_default_value = true)]
    comment: String,
    #[command(flatten)]
    repeat: Repeat,
    #[command(flatten)]
    force: Force,
}

impl DecideExtension {
    pub(super) async fn run(self, client: &Client) -> Outcome {
        let (task, clock) = self.of.numbers();
        let request = pb::TaskServiceDecideExtensionRequest {
            instance: self.of.named.instance,
            request_id: self.repeat.request_id,
            expected_revision: self.repeat.expected_revision,
            force_reason: self.force.reason,
            task,
            clock,
            verdict: self.verdict.into(),
            comment: self.comment,
        };
        Ok(client.tasks().decide_extension(request).await?.into_inner().accepted)
    }
}
