//! The killer: ends a server without warning, at a moment that chance chooses. Knows nothing of
//! what the server does.

use std::time::Duration;

use super::super::program::{Place, Server};
use super::super::random::Random;
use super::workload::Load;

/// A server that is killed while it opens has at most so long; then it listens and is killed.
const OPENING_MS_MAX: u64 = 150;
/// So many answers are waited for at most before the moment of the kill is near.
const ANSWERS_MAX: u64 = 80;
/// And then it comes within so long, in microseconds: in the middle of whatever goes on.
const MOMENT_US_MAX: u64 = 12_000;

/// Kills a server at some moment of its opening.
pub(crate) fn kill_while_opening(place: Place<'_>, random: &mut Random) {
    let (mut server, announced) = Server::start_unawaited(place);
    // It may have opened before that: then it is killed while it listens.
    let _ = announced.recv_timeout(Duration::from_millis(random.below(OPENING_MS_MAX)));
    server.kill();
}

/// Kills a server under a load: after some answers, and then at any moment.
pub(crate) async fn kill_under_load(server: &mut Server, load: Load, random: &mut Random) {
    load.wait_for_answers(random.below(ANSWERS_MAX)).await;
    tokio::time::sleep(Duration::from_micros(random.below(MOMENT_US_MAX))).await;
    server.kill();
    load.end().await;
}
