//! `sanbang digest`: what somebody, or a group, is to read on a day.

use clap::Args;

use crate::api::pb;

use super::Global;
use super::describe;
use super::exit::Failure;
use super::print::Output;

/// What is to be read on a day: lights that wait for the morning, and those told at once
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang digest --actor materials_officer_1
  $ sanbang digest --group new_energy_materials --day 2025-02-06 --actor coordinator_1")]
pub(super) struct Digest {
    /// By this member; default: whoever acts
    #[arg(long, default_value = "", hide_default_value = true)]
    member: String,
    /// By the members of this group
    #[arg(long, default_value = "", hide_default_value = true, conflicts_with = "member")]
    group: String,
    /// On this day; default: today
    #[arg(long, default_value = "", hide_default_value = true)]
    day: String,
}

impl Digest {
    pub(super) async fn run(self, global: &Global, output: &Output) -> Result<(), Failure> {
        let mut escalations = global.connect().await?.escalations();
        let mut all = pb::EscalationServiceDigestResponse::default();
        loop {
            let request = pb::EscalationServiceDigestRequest {
                member: self.member.clone(),
                group: self.group.clone(),
                day: self.day.clone(),
                page_size: 500,
                page_token: all.next_page_token.clone(),
            };
            let page = escalations.digest(request).await?.into_inner();
            all.entries.extend(page.entries);
            all.next_page_token = page.next_page_token;
            if all.next_page_token.is_empty() {
                break;
            }
        }
        output.message(&all, |output| text(&all.entries, output))
    }
}

fn text(entries: &[pb::DigestEntry], output: &Output) -> String {
    let row = |it: &pb::DigestEntry| {
        let fired = it.fired.clone().unwrap_or_default();
        let at_once = if fired.digest_at.is_none() { "at once" } else { "digest" };
        vec![
            it.instance.clone(),
            describe::clock(it.clock.as_ref()),
            describe::light(fired.light()).to_owned(),
            fired.level.clone(),
            output.instant(it.due),
            at_once.to_owned(),
            fired.notified.join(", "),
        ]
    };
    let rows: Vec<Vec<String>> = entries.iter().map(row).collect();
    output.table(&["INSTANCE", "WHAT", "LIGHT", "LEVEL", "DUE", "READ", "TOLD"], &rows)
}
