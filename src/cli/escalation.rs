//! `sanbang escalation`: what is near its limit or beyond it, and who takes notice.

use clap::{Args, Subcommand};

use crate::api::pb;

use super::Global;
use super::arguments::{Repeat, parse_count};
use super::describe;
use super::exit::Failure;
use super::instance;
use super::print::Output;

#[derive(Debug, Subcommand)]
pub(super) enum Escalation {
    List(List),
    Acknowledge(Acknowledge),
    Policies(Policies),
}

/// Limits of which a step has fired
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang escalation list --actor coordinator_1
  $ sanbang escalation list --filter 'light = \"red\"' --actor coordinator_1")]
pub(super) struct List {
    /// Such as `light = \"red\" AND group = \"new_energy_materials\"`
    #[arg(long, default_value = "", hide_default_value = true)]
    filter: String,
    /// At most so many
    #[arg(long, default_value_t = 1000, value_parser = parse_count)]
    limit: usize,
}

/// Take notice: its repeats stop, and the next level knows that somebody is at it
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang escalation acknowledge p-012 --clock 4 --comment 'On it' --actor materials_leader")]
pub(super) struct Acknowledge {
    /// The instance
    instance: String,
    /// The number of the clock, as `escalation list` tells it
    #[arg(long, value_name = "NUMBER")]
    clock: u32,
    /// For the record
    #[arg(long, default_value = "", hide_default_value = true)]
    comment: String,
    /// How the delay will be made good
    #[arg(long, default_value = "", hide_default_value = true)]
    recovery_plan: String,
    /// The day that is promised
    #[arg(long, default_value = "", hide_default_value = true, value_name = "DAY")]
    promised: String,
    #[command(flatten)]
    repeat: Repeat,
}

/// The ladders of a workflow
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang escalation policies investment_project --actor coordinator_1")]
pub(super) struct Policies {
    /// The workflow
    workflow: String,
    /// Its version; default: the active one
    #[arg(long, default_value_t = 0, hide_default_value = true, value_name = "NUMBER")]
    version: u32,
}

impl Escalation {
    pub(super) async fn run(self, global: &Global, output: &Output) -> Result<(), Failure> {
        let mut escalations = global.connect().await?.escalations();
        match self {
            Self::Acknowledge(acknowledge) => {
                let request = pb::EscalationServiceAcknowledgeRequest {
                    instance: acknowledge.instance,
                    request_id: acknowledge.repeat.request_id,
                    expected_revision: acknowledge.repeat.expected_revision,
                    clock: acknowledge.clock,
                    comment: acknowledge.comment,
                    recovery_plan: acknowledge.recovery_plan,
                    promised: acknowledge.promised,
                };
                let response = escalations.acknowledge(request).await?.into_inner();
                instance::accepted(response.accepted, output)
            }
            Self::Policies(policies) => {
                let request = pb::EscalationServiceListPoliciesRequest {
                    workflow: policies.workflow,
                    version: policies.version,
                };
                let response = escalations.list_policies(request).await?.into_inner();
                output.message(&response, |output| policies_text(&response.policies, output))
            }
            Self::List(list) => {
                let mut all = pb::EscalationServiceListResponse::default();
                loop {
                    let request = pb::EscalationServiceListRequest {
                        page_size: 500,
                        page_token: all.next_page_token.clone(),
                        filter: list.filter.clone(),
                    };
                    let page = escalations.list(request).await?.into_inner();
                    all.escalations.extend(page.escalations);
                    all.next_page_token = page.next_page_token;
                    if all.next_page_token.is_empty() || all.escalations.len() >= list.limit {
                        break;
                    }
                }
                all.escalations.truncate(list.limit);
                output.message(&all, |output| list_text(&all.escalations, output))
            }
        }
    }
}

fn list_text(escalations: &[pb::Escalation], output: &Output) -> String {
    let row = |it: &pb::Escalation| {
        let clock = it.clock.clone().unwrap_or_default();
        let highest = clock.fired.last().cloned().unwrap_or_default();
        let number = clock.reference.as_ref().map(|it| it.number).unwrap_or_default();
        let acknowledged = highest.acknowledged.map_or_else(|| "-".to_owned(), |ack| ack.by);
        vec![
            it.instance.clone(),
            number.to_string(),
            describe::clock(clock.reference.as_ref()),
            describe::light(pb::Light::try_from(clock.light).unwrap_or_default()).to_owned(),
            highest.level,
            output.instant(clock.plan.and_then(|plan| plan.due)),
            highest.notified.join(", "),
            acknowledged,
        ]
    };
    let rows: Vec<Vec<String>> = escalations.iter().map(row).collect();
    let header = ["INSTANCE", "CLOCK", "WHAT", "LIGHT", "LEVEL", "DUE", "TOLD", "ACKNOWLEDGED BY"];
    output.table(&header, &rows)
}

fn policies_text(policies: &[pb::Policy], output: &Output) -> String {
    let mut rows = Vec::new();
    for policy in policies {
        for step in &policy.steps {
            rows.push(vec![
                policy.id.clone(),
                step.at.clone(),
                step.level.clone(),
                describe::light(step.light()).to_owned(),
                step.notify.join(", "),
                step.ack_within.clone(),
                step.repeat_every.clone(),
            ]);
        }
    }
    let header = ["LADDER", "AT", "LEVEL", "LIGHT", "TELLS", "ANSWER WITHIN", "AGAIN EVERY"];
    output.table(&header, &rows)
}
