//! `sanbang info`: what runs at the server.

use clap::Args;

use crate::api::pb;

use super::Global;
use super::exit::Failure;
use super::print::Output;

/// What runs at the server, and on what
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang info --actor coordinator_1
  $ sanbang info --format json --actor coordinator_1")]
pub(super) struct Info {}

impl Info {
    pub(super) async fn run(self, global: &Global, output: &Output) -> Result<(), Failure> {
        let client = global.connect().await?;
        let response = client.admin().info(pb::AdminServiceInfoRequest {}).await?.into_inner();
        output.message(&response, |output| {
            let clock = if response.simulated_clock { "simulated" } else { "real" };
            let commands = if response.accepts_commands { "accepted" } else { "refused" };
            let mut lines = vec![
                format!("version      {}", response.version),
                format!(
                    "store        {}, {} partitions",
                    response.incarnation, response.partitions
                ),
                format!("clock        {clock}, {}", output.instant(response.now)),
                format!("commands     {commands}"),
                format!("next         {}", output.instant(response.next_due)),
                format!("since        {}", output.instant(response.started_at)),
                statistics(response.statistics.as_ref()),
            ];
            let warnings = response.warnings.iter();
            lines.extend(warnings.map(|warning| format!("warning      {warning}")));
            lines.join("\n")
        })
    }
}

/// What the service counts about itself, in a line.
fn statistics(counted: Option<&pb::Statistics>) -> String {
    let Some(it) = counted else { return String::new() };
    format!(
        "since then   {} commands accepted, {} refused, {} repeated; {} settlings; {} edits taken, \
         {} refused",
        it.accepted, it.refused, it.repeated, it.settled, it.edits_taken, it.edits_rejected
    )
}
