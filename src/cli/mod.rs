//! The command line: one file per verb, and the one place where modules are wired together.
//!
//! Decides nothing about workflows: a verb asks a server, or the library, and prints the answer.

use std::process::ExitCode;

use clap::{Args, CommandFactory as _, Parser, Subcommand};
use jiff::tz::TimeZone;

mod arguments;
mod client;
mod describe;
mod digest;
mod exit;
mod fields;
mod json;
mod language;
mod print;
mod progress;
mod walk;

mod backup;
mod check;
mod compact;
mod demo;
mod restore;
mod serve;
mod test;
mod verify;

mod calendar;
mod clock;
mod escalation;
mod events;
mod explain;
mod info;
mod instance;
mod ledger;
mod organization;
mod task;
mod task_requests;
mod task_views;
mod workflow;

pub use exit::ExitStatus;

use client::Client;
use exit::Failure;
use language::Language;
use print::{Format, Output};

/// Workflows for long-running projects: stages, tasks, working-time limits and escalation, as
/// configuration, over gRPC.
#[derive(Debug, Parser)]
#[command(name = "sanbang", version, arg_required_else_help = true)]
#[command(after_help = "Examples:
  $ sanbang check
  $ sanbang serve --data data
  $ sanbang instance list --actor coordinator_1

Exit status: 0 done, 1 the answer is no, 2 it could not be tried, 3 a server had to stop because
its store failed, 101 a defect, 130 interrupted.")]
struct CommandLine {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    verb: Verb,
}

/// What every verb understands.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct Global {
    /// The server to talk to
    #[arg(long, global = true, env = "SANBANG_SERVER", default_value = "http://127.0.0.1:7420")]
    server: String,
    /// Who acts: a member, or a declared service
    #[arg(
        long,
        global = true,
        env = "SANBANG_ACTOR",
        default_value = "",
        hide_default_value = true
    )]
    actor: String,
    /// The member for whom a service acts
    #[arg(
        long,
        global = true,
        default_value = "",
        hide_default_value = true,
        value_name = "MEMBER"
    )]
    on_behalf_of: String,
    /// How data is written
    #[arg(long, global = true, value_enum, default_value = "human")]
    format: Format,
    /// In which language people are told
    #[arg(long, global = true, env = "SANBANG_LANGUAGE", value_enum, default_value = "en")]
    language: Language,
    /// The time zone in which instants are shown, such as `Asia/Shanghai` [default: the system's]
    #[arg(long, global = true, env = "SANBANG_ZONE", value_name = "ZONE")]
    zone: Option<String>,
    /// No colours (also where `NO_COLOR` is set)
    #[arg(long, global = true)]
    no_color: bool,
    /// Set by the user's environment, whatever its value
    #[arg(long, global = true, env = "NO_COLOR", hide = true, default_value = "", hide_env = true)]
    no_color_by_environment: String,
}

impl Global {
    fn output(&self) -> Result<Output, Failure> {
        let zone = match &self.zone {
            None => TimeZone::system(),
            Some(name) => TimeZone::get(name)
                .map_err(|_| Failure::not_tried(format!("`{name}` is no time zone")))?,
        };
        let no_colour = self.no_color || !self.no_color_by_environment.is_empty();
        Ok(Output::new(self.format, zone, self.language, no_colour))
    }

    async fn connect(&self) -> Result<Client, Failure> {
        Client::connect(&self.server).await?.acting(&self.actor, &self.on_behalf_of)
    }
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run a server
    Serve(serve::Serve),
    /// Every mistake in workflows and rules, with file, line, column and a hint
    Check(check::Check),
    /// Run the specs of workflows: given, at, when, then
    Test(test::Test),
    /// The main job in one command, against a real server on simulated time
    Demo(demo::Demo),
    /// Projects, demands, declarations: begin, move, look
    #[command(subcommand)]
    Instance(instance::Instance),
    /// Work: what is to be done by whom, and doing it
    #[command(subcommand)]
    Task(task::Task),
    /// What is near its limit or beyond it, and who takes notice
    #[command(subcommand)]
    Escalation(escalation::Escalation),
    /// What is to be read on a day
    Digest(digest::Digest),
    /// Who is there, who is away, who is on duty, who carries how much, who hands over what
    #[command(subcommand)]
    Organization(organization::Organization),
    /// What happened, and what happens
    Events(events::Events),
    /// How each due time of an instance came about, day by day
    Explain(explain::Explain),
    /// Working calendars
    #[command(subcommand)]
    Calendar(calendar::Calendar),
    /// What is and what was, as tables, files and figures
    #[command(subcommand)]
    Ledger(ledger::Ledger),
    /// Workflows as they run
    #[command(subcommand)]
    Workflow(workflow::Workflow),
    /// A copy of everything, as one file
    Backup(backup::Backup),
    /// A store from a backup
    Restore(restore::Restore),
    /// Give back the room that a store no longer needs
    Compact(compact::Compact),
    /// Whether a store, or a backup, holds together
    Verify(verify::Verify),
    /// The clock of a server with simulated time
    #[command(subcommand)]
    Clock(clock::Clock),
    /// What runs at the server, and on what
    Info(info::Info),
}

/// Runs the program with the arguments of the process.
pub fn run() -> ExitCode {
    let line = match CommandLine::try_parse() {
        Ok(line) => line,
        Err(error) => {
            // Help and version are data; a misuse goes to standard error: clap knows which.
            let _ = error.print();
            let status = if error.use_stderr() { ExitStatus::NotTried } else { ExitStatus::Done };
            return status.into();
        }
    };
    let language = line.global.language;
    let status = match execute(line) {
        Ok(()) => ExitStatus::Done,
        Err(failure) => {
            print::tell(&failure, language);
            failure.status()
        }
    };
    status.into()
}

/// The whole command line, for those who read it: help, completions, the test of the examples.
pub fn command() -> clap::Command {
    CommandLine::command()
}

fn execute(line: CommandLine) -> Result<(), Failure> {
    let output = line.global.output()?;
    let global = line.global;
    match line.verb {
        Verb::Serve(verb) => verb.run(),
        Verb::Check(verb) => verb.run(&output),
        Verb::Test(verb) => verb.run(&output),
        Verb::Demo(verb) => on_runtime(verb.run(&output)),
        Verb::Instance(verb) => on_runtime(verb.run(&global, &output)),
        Verb::Task(verb) => on_runtime(verb.run(&global, &output)),
        Verb::Escalation(verb) => on_runtime(verb.run(&global, &output)),
        Verb::Digest(verb) => on_runtime(verb.run(&global, &output)),
        Verb::Organization(verb) => on_runtime(verb.run(&global, &output)),
        Verb::Events(verb) => on_runtime(verb.run(&global, &output)),
        Verb::Explain(verb) => on_runtime(verb.run(&global, &output)),
        Verb::Calendar(verb) => on_runtime(verb.run(&global, &output)),
        Verb::Ledger(verb) => on_runtime(verb.run(&global, &output)),
        Verb::Workflow(verb) => on_runtime(verb.run(&global, &output)),
        Verb::Backup(verb) => verb.run(&global, &output),
        Verb::Restore(verb) => verb.run(&output),
        Verb::Compact(verb) => verb.run(&output),
        Verb::Verify(verb) => verb.run(&output),
        Verb::Clock(verb) => on_runtime(verb.run(&global, &output)),
        Verb::Info(verb) => on_runtime(verb.run(&global, &output)),
    }
}

fn on_runtime(verb: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::NotTried(error.into()))?;
    runtime.block_on(async {
        tokio::select! {
            // A verb that has something to say when it is interrupted comes first.
            biased;
            ended = verb => ended,
            _ = tokio::signal::ctrl_c() => Err(Failure::Interrupted),
        }
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_sound() {
        super::command().debug_assert();
    }
}
