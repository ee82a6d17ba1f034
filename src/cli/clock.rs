//! `sanbang clock`: moving simulated time.

use clap::{Args, Subcommand};
use prost_types::Timestamp;

use crate::api::pb;

use super::Global;
use super::arguments::parse_instant;
use super::exit::Failure;
use super::print::Output;

#[derive(Debug, Subcommand)]
pub(super) enum Clock {
    Advance(Advance),
}

/// Move a simulated clock ahead; everything that falls due on the way happens, in order
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang clock advance 2025-01-08T09:00+08:00 --actor coordinator_1")]
pub(super) struct Advance {
    /// To when: `2025-01-07T09:00+08:00`
    #[arg(value_parser = parse_instant)]
    to: Timestamp,
}

impl Clock {
    pub(super) async fn run(self, global: &Global, output: &Output) -> Result<(), Failure> {
        let client = global.connect().await?;
        let Self::Advance(advance) = self;
        let request = pb::AdminServiceAdvanceClockRequest { to: Some(advance.to) };
        let response = client.admin().advance_clock(request).await?.into_inner();
        output.message(&response, |output| {
            format!("the clock is at {}", output.instant(response.now))
        })
    }
}
