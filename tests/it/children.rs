//! Children across kills: instances that begin because of another one, while the server is killed
//! without warning again and again. Each begins once, and each tells its end once.
//!
//! `SANBANG_CHILD_ROUNDS=100` runs the long form, `SANBANG_CHILD_SEED=…` draws again what a failure
//! has printed; processes run as they like.
#![expect(clippy::unwrap_used, reason = "a test ends where something does not work")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use sanbang::api::pb;
use sanbang::api::pb::admin_service_client::AdminServiceClient;
use sanbang::api::pb::instance_service_client::InstanceServiceClient;
use sanbang::api::pb::task_service_client::TaskServiceClient;
use tonic::Status;
use tonic::transport::Channel;

use super::api_fixture::{by, fields, text};
use super::crash::connect;
use super::program::{Place, Server};
use super::random::{Random, Seed, number_from_environment};

const ROUNDS: u64 = 3;
const CLOCK: &str = "simulated@2025-01-06T09:00:00+08:00";
/// The kill comes within so long of what is asked, in microseconds.
const MOMENT_US_MAX: u64 = 25_000;
/// A server that is killed while it opens has at most so long.
const OPENING_MS_MAX: u64 = 400;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_child_begins_once_whenever_the_server_is_killed() {
    let rounds = number_from_environment("SANBANG_CHILD_ROUNDS").unwrap_or(ROUNDS);
    let first = Seed::from_environment("SANBANG_CHILD_SEED", 1).seed;
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let config: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/specs/config");
    let mut tally = Tally::default();
    for number in 0..rounds {
        // One seed for a round: it is told where the round fails.
        let seed = Seed { variable: "SANBANG_CHILD_SEED", seed: first + number };
        let place = Place { data: &data, config: Some(&config), clock: CLOCK };
        let mut round = Round { place, name: format!("m-{number}"), random: seed.random() };
        round.run(&mut tally).await;
    }
    tally.tell(rounds);
    assert!(tally.kills >= rounds, "hardly a kill: {tally:?}");
}

/// What the rounds came to.
#[derive(Debug, Default)]
struct Tally {
    kills: u64,
    /// What was asked before a kill and had no answer.
    unanswered: u64,
    /// Effects that were pending when the server was there again.
    pending: u64,
}

impl Tally {
    #[expect(clippy::print_stdout, reason = "the figures of a long run")]
    fn tell(&self, rounds: u64) {
        println!(
            "{rounds} rounds, {} kills, {} commands unanswered, {} effects left pending by a kill",
            self.kills, self.unanswered, self.pending
        );
    }
}

struct Round<'a> {
    place: Place<'a>,
    name: String,
    random: Random,
}

/// A server with the ways to it.
struct Open {
    server: Server,
    channel: Channel,
}

impl Open {
    fn instances(&self) -> InstanceServiceClient<Channel> {
        InstanceServiceClient::new(self.channel.clone())
    }

    async fn get(&self, instance: &str) -> pb::Instance {
        let request = pb::InstanceServiceGetRequest { instance: instance.to_owned() };
        self.instances().get(by("bo", request)).await.unwrap().into_inner().instance.unwrap()
    }

    /// The kinds of everything that happened to an instance.
    async fn kinds(&self, instance: &str) -> Vec<String> {
        let instance = instance.to_owned();
        let request =
            pb::InstanceServiceHistoryRequest { instance, page_size: 1000, ..Default::default() };
        let history = self.instances().history(by("bo", request)).await.unwrap().into_inner();
        history.events.into_iter().map(|event| event.kind).collect()
    }

    async fn ids(&self, filter: String) -> Vec<String> {
        let request = pb::InstanceServiceListRequest { filter, ..Default::default() };
        let listed = self.instances().list(by("bo", request)).await.unwrap().into_inner();
        listed.instances.into_iter().map(|instance| instance.id).collect()
    }
}

/// Moves the clock by so many seconds: what was lost is asked again, and done, on the way.
async fn advance_clock(channel: Channel, seconds: i64) -> Result<(), Status> {
    let mut admin = AdminServiceClient::new(channel);
    let info = admin.info(by("bo", pb::AdminServiceInfoRequest::default())).await?;
    let mut to = info.into_inner().now.unwrap();
    to.seconds += seconds;
    let request = pb::AdminServiceAdvanceClockRequest { to: Some(to) };
    admin.advance_clock(by("director_of_all", request)).await.map(drop)
}

impl Round<'_> {
    async fn open(&mut self) -> Open {
        let server = Server::start(self.place);
        let channel = connect(&server).await;
        Open { server, channel }
    }

    /// Kills the server at some moment of what is going on, perhaps once more while it opens, and
    /// starts it again.
    async fn kill(&mut self, mut open: Open, tally: &mut Tally) -> Open {
        tokio::time::sleep(Duration::from_micros(self.random.below(MOMENT_US_MAX))).await;
        open.server.kill();
        tally.kills += 1;
        if self.random.below(4) == 0 {
            let (mut opening, announced) = Server::start_unawaited(self.place);
            let _ =
                announced.recv_timeout(Duration::from_millis(self.random.below(OPENING_MS_MAX)));
            opening.kill();
            tally.kills += 1;
        }
        self.open().await
    }

    async fn run(&mut self, tally: &mut Tally) {
        let mut open = self.open().await;
        self.begin(&open).await;
        for wish in [Wish::Call, Wish::Start] {
            open = self.ask(wish, open, tally).await;
            if self.random.below(3) == 0 {
                let settling = tokio::spawn(advance_clock(open.channel.clone(), 60));
                open = self.kill(open, tally).await;
                // It may have been done before the kill, or not.
                let _ = settling.await.unwrap();
            }
        }
        tally.pending += open.get(&self.name).await.effects.len() as u64;
        advance_clock(open.channel.clone(), 3600).await.unwrap();
        let children = self.check_children(&open).await;
        self.check_endings(open, &children, tally).await;
    }

    async fn begin(&self, open: &Open) {
        let request = pb::InstanceServiceCreateRequest {
            instance: self.name.clone(),
            request_id: "begin".to_owned(),
            workflow: "mill".to_owned(),
            fields: Some(fields(&[("owner", text(&self.name))])),
            steward: "bo".to_owned(),
            ..Default::default()
        };
        open.instances().create(by("bo", request)).await.unwrap();
    }

    /// Asks while the server is killed, and again once it is there: with the same request id that
    /// is asking once.
    async fn ask(&mut self, wish: Wish, open: Open, tally: &mut Tally) -> Open {
        let (channel, name) = (open.channel.clone(), self.name.clone());
        let asking = tokio::spawn(async move { wish.send(channel, &name).await });
        let open = self.kill(open, tally).await;
        let first = asking.await.unwrap();
        let again = wish.send(open.channel.clone(), &self.name).await.unwrap();
        if let Ok(first) = first {
            assert_eq!(first, again, "a repeat is answered like the first");
        } else {
            tally.unanswered += 1;
        }
        open
    }

    /// Exactly those children that were asked for, each linked once on both sides.
    async fn check_children(&self, open: &Open) -> Vec<String> {
        let parent = open.get(&self.name).await;
        assert!(parent.effects.is_empty(), "{:?}", parent.effects);
        let mut linked: Vec<String> = parent
            .links
            .iter()
            .filter(|link| link.relation() == pb::Relation::SpawnedFrom)
            .map(|link| link.other.clone())
            .collect();
        let name = &self.name;
        let licences =
            open.ids(format!("workflow = \"licence\" AND fields.holder = \"{name}\"")).await;
        let mills =
            open.ids(format!("workflow = \"mill\" AND fields.owner = \"child of {name}\"")).await;
        assert_eq!((licences.len(), mills.len()), (2, 1), "{licences:?} {mills:?}");
        let mut listed = [licences.clone(), mills].concat();
        linked.sort();
        listed.sort();
        assert_eq!(linked, listed, "the children that the parent knows are those that there are");
        for child in &listed {
            let links = open.get(child).await.links;
            assert_eq!(links.len(), 1, "{links:?}");
            assert_eq!((&links[0].other, links[0].direction()), (name, pb::Direction::Outward));
            let kinds = open.kinds(child).await;
            assert_eq!(count(&kinds, "instance.created"), 1);
            assert_eq!(count(&kinds, "link.added"), 1);
        }
        licences
    }

    /// The called ones end while the server is killed: their tasks are done once.
    async fn check_endings(&mut self, mut open: Open, children: &[String], tally: &mut Tally) {
        for child in children {
            let wish = Wish::End;
            open = self.ask_of(wish, child, open, tally).await;
        }
        advance_clock(open.channel.clone(), 3600).await.unwrap();
        let kinds = open.kinds(&self.name).await;
        // The survey and the two calls.
        assert_eq!(count(&kinds, "task.completed"), 3, "{kinds:?}");
        assert_eq!(count(&kinds, "link.ended"), 2, "{kinds:?}");
        let parent = open.get(&self.name).await;
        assert_eq!(parent.path_stage, "building");
        for child in children {
            assert!(open.get(child).await.effects.is_empty());
        }
        open.server.kill();
    }

    async fn ask_of(&mut self, wish: Wish, child: &str, open: Open, tally: &mut Tally) -> Open {
        let parent = std::mem::replace(&mut self.name, child.to_owned());
        let open = self.ask(wish, open, tally).await;
        self.name = parent;
        open
    }
}

/// What is asked while the server is killed.
#[derive(Debug, Clone, Copy)]
enum Wish {
    /// The survey is done: two licences are called for.
    Call,
    /// A visit starts another mill.
    Start,
    /// A licence is granted.
    End,
}

impl Wish {
    async fn send(self, channel: Channel, name: &str) -> Result<pb::Accepted, Status> {
        let (instance, request_id) = (name.to_owned(), format!("{self:?}"));
        let mut instances = InstanceServiceClient::new(channel.clone());
        let accepted = match self {
            Self::Start => {
                let begin = pb::Begin {
                    workflow: "mill".to_owned(),
                    fields: Some(fields(&[("owner", text(&format!("child of {name}")))])),
                    ..Default::default()
                };
                let request = pb::InstanceServiceLogActivityRequest {
                    instance,
                    request_id,
                    activity: "visit".to_owned(),
                    fields: Some(fields(&[("summary", text("Wants another one"))])),
                    starts: vec![begin],
                    ..Default::default()
                };
                instances.log_activity(by("bo", request)).await?.into_inner().accepted
            }
            Self::Call | Self::End => {
                let request = pb::InstanceServiceGetRequest { instance: instance.clone() };
                let seen = instances.get(by("bo", request)).await?.into_inner().instance.unwrap();
                // Both tasks are the steward's.
                let holder = seen.steward;
                let outcome = if let Self::End = self { "granted" } else { "" }.to_owned();
                let request = pb::TaskServiceCompleteRequest {
                    instance,
                    request_id,
                    task: 1,
                    outcome,
                    ..Default::default()
                };
                let mut tasks = TaskServiceClient::new(channel);
                tasks.complete(by(&holder, request)).await?.into_inner().accepted
            }
        };
        Ok(accepted.unwrap())
    }
}

fn count(kinds: &[String], kind: &str) -> usize {
    kinds.iter().filter(|known| *known == kind).count()
}
