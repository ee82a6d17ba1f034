//! `sanbang demo`: the main job in one command, against a real server on simulated time.
//!
//! Tells a story and verifies what it tells: every check that does not hold makes the demo fail.
//! Everything goes over gRPC on loopback, as any other client would do it.

mod answers;
mod crew;
mod edits;
mod ending;
mod lights;
mod narrator;
mod opening;
mod power;
mod projects;
mod server;
mod story;
mod watcher;

use clap::Args;

use super::exit::Failure;
use super::print::Output;
use crew::Crew;
use narrator::Narrator;
use projects::Project;
use server::Server;
use watcher::Watcher;

/// The main job in one command: projects go through their stages, limits run out, files are edited,
/// the power fails
#[derive(Debug, Args)]
#[command(after_help = "Starts a server of its own on a free port, in a fresh directory and with a
simulated clock, and takes about a minute. Exit status 1: something that it shows is not so.

Examples:
  $ sanbang demo
  $ sanbang demo --story")]
pub(super) struct Demo {
    /// Keep the directory with the data, the edited files and the server's log
    #[arg(long)]
    keep: bool,
    /// Tell the first two months of the team instead: 14 people, 20 enterprises, 46 visits, and
    /// what came of them
    #[arg(long)]
    story: bool,
}

/// When the demo begins: so that a Spring Festival lies inside.
const BEGINNING: &str = "simulated@2025-01-06T09:00:00+08:00";

/// Everything that the chapters share.
struct Stage {
    narrator: Narrator,
    server: Server,
    watcher: Watcher,
    crew: Crew,
    projects: Vec<Project>,
}

impl Demo {
    pub(super) async fn run(self, output: &Output) -> Result<(), Failure> {
        let directory = tempfile::Builder::new()
            .prefix("sanbang-demo-")
            .tempdir()
            .map_err(|error| Failure::NotTried(error.into()))?;
        let china = jiff::tz::TimeZone::fixed(answers::OFFSET);
        let narrator = Narrator::new(&Output { zone: china, ..output.clone() });
        let told = if self.story {
            narrator.title("Sanbang 三帮: the first two months of the team")?;
            story::tell(narrator.clone(), directory.path()).await
        } else {
            narrator.title("Sanbang 三帮: investment projects through their twelve stages")?;
            tell(narrator.clone(), directory.path()).await
        };
        if self.keep {
            let kept = directory.keep();
            narrator.say(&format!("The data, the files and the log are in {}", kept.display()))?;
        }
        match told {
            Ok(()) if narrator.failed() == 0 => Ok(()),
            Ok(()) => Err(Failure::No),
            Err(Failure::NotTried(error)) => {
                narrator.check(false, &format!("the demo came to its end: {error:#}"))?;
                Err(Failure::No)
            }
            Err(failure) => Err(failure),
        }
    }
}

async fn tell(narrator: Narrator, directory: &std::path::Path) -> Result<(), Failure> {
    edits::lay_out_files(directory)?;
    let server = Server::start(directory, BEGINNING).await?;
    narrator.say(&format!(
        "A server runs at {}: its store is a fresh directory, its clock is simulated and stands \
         at Monday, 6 January 2025, 09:00 in China. A subscriber prints its events as they come.",
        server.address()
    ))?;
    let watcher = Watcher::start(server.client(), narrator.clone(), String::new()).await?;
    let crew = Crew::new(server.client());
    let projects = projects::all();
    let mut stage = Stage { narrator, server, watcher, crew, projects };

    opening::projects_arrive(&mut stage).await?;
    lights::nobody_does_it(&mut stage).await?;
    lights::a_deadline_over_the_festival(&mut stage).await?;
    opening::one_returns_one_ends(&mut stage).await?;
    edits::a_workflow_is_edited(&mut stage).await?;
    edits::an_edit_is_broken(&mut stage).await?;
    power::the_server_is_killed(&mut stage).await?;
    ending::all_come_to_their_end(&mut stage).await?;
    ending::portfolio(&mut stage).await?;

    stage.server.stop();
    let (held, failed) = (stage.narrator.held(), stage.narrator.failed());
    stage.narrator.say(&format!("{held} checks hold, {failed} do not."))
}
