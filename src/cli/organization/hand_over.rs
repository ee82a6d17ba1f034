//! `sanbang organization hand-over` and `hand-overs`: a whole portfolio goes to another, and what
//! was left of it, and why.

use clap::Args;

use crate::api::pb;
use crate::cli::client::Client;
use crate::cli::exit::Failure;
use crate::cli::print::{Format, Output, note};

use super::show;

/// Hand over everything that a member carries: stewardships, open tasks, places as backup
///
/// It goes on whatever becomes of this command; the same request id finds it again.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang organization hand-over commerce_officer_1 --to commerce_leader \\
        --reason 'Called back' --request-id leave-7 --actor coordinator_1
  $ sanbang organization hand-over medical_officer_1 --reason 'Back to the home unit' \\
        --request-id leave-8 --actor coordinator_1")]
pub(in crate::cli) struct HandOver {
    /// Who hands over
    from: String,
    /// Who takes over [default: whom the rules name for each thing]
    #[arg(long, default_value = "", hide_default_value = true, value_name = "MEMBER")]
    to: String,
    /// Why
    #[arg(long)]
    reason: String,
    /// By which the same hand-over is found again
    #[arg(long, value_name = "ID")]
    request_id: String,
}

/// Hand-overs, latest first, or one with its checklist
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang organization hand-overs --actor coordinator_1
  $ sanbang organization hand-overs --member medical_officer_1 --checklist --actor coordinator_1")]
pub(in crate::cli) struct HandOvers {
    /// One of them
    #[arg(default_value = "", hide_default_value = true)]
    id: String,
    /// From or to this member
    #[arg(long, default_value = "", hide_default_value = true)]
    member: String,
    /// With what became of each thing
    #[arg(long)]
    checklist: bool,
}

impl HandOver {
    pub(super) async fn run(self, client: &Client, output: &Output) -> Result<(), Failure> {
        let request = pb::OrganizationServiceHandOverRequest {
            request_id: self.request_id,
            from: self.from,
            to: self.to,
            reason: self.reason,
        };
        let mut progress = client.organization().hand_over(request).await?.into_inner();
        let mut last = None;
        while let Some(response) = progress.message().await? {
            let Some(hand_over) = response.hand_over else { continue };
            if output.format == Format::Human && hand_over.ended_at.is_none() && hand_over.total > 0
            {
                let done = hand_over.total - hand_over.waiting;
                note(&format!("{done} of {}", hand_over.total));
            }
            last = Some(hand_over);
        }
        let hand_over = last.ok_or_else(|| Failure::not_tried("the server told nothing"))?;
        output.message(&hand_over, |output| show::hand_over(&hand_over, output))
    }
}

impl HandOvers {
    pub(super) async fn run(self, client: &Client, output: &Output) -> Result<(), Failure> {
        let with_checklist = self.checklist || !self.id.is_empty();
        let mut organization = client.organization();
        let mut listed = pb::OrganizationServiceListHandOversResponse::default();
        loop {
            let request = pb::OrganizationServiceListHandOversRequest {
                page_size: 0,
                page_token: listed.next_page_token,
                member: self.member.clone(),
                id: self.id.clone(),
                with_checklist,
            };
            let page = organization.list_hand_overs(request).await?.into_inner();
            listed.hand_overs.extend(page.hand_overs);
            listed.next_page_token = page.next_page_token;
            if listed.next_page_token.is_empty() {
                break;
            }
        }
        output.message(&listed, |output| {
            if !with_checklist {
                return show::hand_overs(&listed.hand_overs, output);
            }
            let told = listed.hand_overs.iter().map(|it| show::hand_over(it, output));
            told.collect::<Vec<_>>().join("\n\n")
        })
    }
}
