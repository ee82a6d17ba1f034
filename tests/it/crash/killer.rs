//! The killer: ends a server without warning, at a moment that chance chooses. Knows nothing of
//! what the server does.

use std::time::Duration;

use tonic::transport::Channel;

use super::super::program::{Place, Server};
use super::super::random::Random;
use super::journal::{Journal, Sent, What};
use super::wire::{clock, send};
use super::workload::{Load, begin_many};

/// A server that is killed while it opens has at most so long; then it listens and is killed.
const OPENING_MS_MAX: u64 = 150;
/// So many answers are waited for at most before the moment of the kill is near.
const ANSWERS_MAX: u64 = 80;
/// And then it comes within so long, in microseconds: in the middle of whatever goes on.
const MOMENT_US_MAX: u64 = 12_000;
/// Instances whose limits run out together.
const STORM: usize = 60;
/// All limits of an instance, its ladder too, run out within so long.
const STORM_MS: i64 = 80 * 60 * 60 * 1000;
/// So long a storm takes about, in microseconds.
const STORM_US_MAX: u64 = 60_000;

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

/// Kills a server while the limits of many instances run out at once.
pub(crate) async fn kill_in_storm(
    server: &mut Server,
    channel: &Channel,
    journal: &Journal,
    number: u64,
    random: &mut Random,
) {
    let names: Vec<String> = (0..STORM).map(|at| format!("s-{number}-{at}")).collect();
    begin_many(channel, journal, &names).await;
    let to = clock(channel).await.expect("the server runs") + STORM_MS;
    let (id, instance) = (String::new(), String::new());
    let sent = Sent { id, instance, what: What::MoveClock { to } };
    let at = journal.begin(sent.clone());
    let moment = Duration::from_micros(random.below(STORM_US_MAX));
    let killing = async {
        tokio::time::sleep(moment).await;
        server.kill();
    };
    let (told, ()) = tokio::join!(send(channel, &sent), killing);
    journal.end(at, told);
}
