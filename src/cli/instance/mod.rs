//! `sanbang instance`: projects, demands, declarations.

mod commands;
mod relate;
mod show;
mod views;

use clap::{Args, Subcommand};
use prost_types::Timestamp;

use crate::api::pb;

use super::Global;
use super::arguments::{Field, Force, Repeat, parse_count, parse_field, parse_instant};
use super::exit::Failure;
use super::print::Output;

#[derive(Debug, Subcommand)]
pub(super) enum Instance {
    Create(Create),
    Similar(relate::Similar),
    Get(Named),
    List(List),
    Advance(Advance),
    Return(Return),
    Suspend(Suspend),
    Resume(Resume),
    Terminate(Terminate),
    Open(Open),
    Update(Update),
    Log(Log),
    Reassign(Reassign),
    Link(relate::Link),
    Unlink(relate::Unlink),
    Revive(relate::Revive),
    Backups(Backups),
    History(History),
}

/// Begin an instance of a workflow
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang instance create p-001 --workflow investment_project --actor coordinator_1 \\
        --field project_name='Glass works' --field investor=Huaguang \\
        --field industry=new_energy_materials --field total_investment:=8000")]
pub(super) struct Create {
    /// Its id; without one it is derived from the actor and `--request-id`
    #[arg(default_value = "", hide_default_value = true)]
    instance: String,
    /// The workflow that it follows
    #[arg(long)]
    workflow: String,
    /// A field: `name=text`, or `name:=json` for a number, true or false
    #[arg(long = "field", value_parser = parse_field, value_name = "NAME=VALUE")]
    fields: Vec<Field>,
    /// Who is to be steward; otherwise the workflow's rule decides
    #[arg(long, default_value = "", hide_default_value = true, value_name = "MEMBER")]
    steward: String,
    /// By which a repeat is recognised: the same command under the same id has one effect
    #[arg(long, default_value = "", hide_default_value = true, value_name = "ID")]
    request_id: String,
}

/// One instance as a whole
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang instance get p-001 --actor coordinator_1")]
pub(super) struct Named {
    /// The instance
    instance: String,
}

/// Instances that fit a filter
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang instance list --actor coordinator_1
  $ sanbang instance list --filter 'light = \"yellow\" OR light = \"red\"' --order next_due \\
        --actor coordinator_1")]
pub(super) struct List {
    /// Such as `workflow = \"investment_project\" AND stage = \"pre_review\"`
    #[arg(long, default_value = "", hide_default_value = true)]
    filter: String,
    /// `id`, `created_at desc` or `next_due`
    #[arg(long, default_value = "id")]
    order: String,
    /// At most so many
    #[arg(long, default_value_t = 1000, value_parser = parse_count)]
    limit: usize,
}

/// Leave a stage; what is missing is told all at once
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang instance advance p-002 --actor materials_officer_1 --comment 'Everything is in'")]
pub(super) struct Advance {
    /// The instance
    instance: String,
    /// The stage that is left; default: the path stage
    #[arg(long, default_value = "", hide_default_value = true)]
    stage: String,
    /// The stage that is expected next: another one is refused
    #[arg(long, default_value = "", hide_default_value = true, value_name = "STAGE")]
    to: String,
    /// For the record
    #[arg(long, default_value = "", hide_default_value = true)]
    comment: String,
    #[command(flatten)]
    repeat: Repeat,
    #[command(flatten)]
    force: Force,
}

/// Go back to an earlier stage
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang instance return p-003 lead_tracking --actor materials_leader \\
        --reason 'Facts are missing' --proposed-by materials_officer_1")]
pub(super) struct Return {
    /// The instance
    instance: String,
    /// The stage to return to
    stage: String,
    /// Why
    #[arg(long)]
    reason: String,
    /// Who proposed it, where you approve it
    #[arg(long, default_value = "", hide_default_value = true, value_name = "MEMBER")]
    proposed_by: String,
    #[command(flatten)]
    repeat: Repeat,
    #[command(flatten)]
    force: Force,
}

/// Stand still: clocks stop, and the standing still has a limit of its own
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang instance suspend p-004 --actor materials_leader \\
        --reason 'The investor waits for its board' --until 2025-02-14")]
pub(super) struct Suspend {
    /// The instance
    instance: String,
    /// Why
    #[arg(long)]
    reason: String,
    /// The day on which it is expected to go on
    #[arg(long, default_value = "", hide_default_value = true, value_name = "DAY")]
    until: String,
    /// Who proposed it, where you approve it
    #[arg(long, default_value = "", hide_default_value = true, value_name = "MEMBER")]
    proposed_by: String,
    #[command(flatten)]
    repeat: Repeat,
    #[command(flatten)]
    force: Force,
}

/// Go on
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang instance resume p-005 --preview --actor materials_leader
  $ sanbang instance resume p-005 --actor materials_leader")]
pub(super) struct Resume {
    /// The instance
    instance: String,
    /// Only tell what it would make happen
    #[arg(long)]
    preview: bool,
    #[command(flatten)]
    repeat: Repeat,
    #[command(flatten)]
    force: Force,
}

/// Give up, for a reason that the workflow knows
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang instance terminate p-006 lost_to_other_region --actor materials_leader \\
        --comment 'Settled in the neighbouring city'")]
pub(super) struct Terminate {
    /// The instance
    instance: String,
    /// The code of the reason
    reason_code: String,
    /// The instance that is the same and was first
    #[arg(long, default_value = "", hide_default_value = true, value_name = "INSTANCE")]
    duplicate_of: String,
    /// For the record
    #[arg(long, default_value = "", hide_default_value = true)]
    comment: String,
    /// Who proposed it, where you approve it
    #[arg(long, default_value = "", hide_default_value = true, value_name = "MEMBER")]
    proposed_by: String,
    #[command(flatten)]
    repeat: Repeat,
    #[command(flatten)]
    force: Force,
}

/// Open a stage beside the path
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang instance open p-007 task_force --actor coordinator_1 --comment 'Asked for'")]
pub(super) struct Open {
    /// The instance
    instance: String,
    /// The stage
    stage: String,
    /// For the record
    #[arg(long, default_value = "", hide_default_value = true)]
    comment: String,
    #[command(flatten)]
    repeat: Repeat,
    #[command(flatten)]
    force: Force,
}

/// Set and empty fields
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang instance update p-001 --field lead_source=visit --field jobs:=40 \\
        --field referrer:=null --actor materials_officer_1")]
pub(super) struct Update {
    /// The instance
    instance: String,
    /// `name=text`, `name:=json`; `name:=null` empties
    #[arg(long = "field", value_parser = parse_field, value_name = "NAME=VALUE", required = true)]
    fields: Vec<Field>,
    #[command(flatten)]
    repeat: Repeat,
    #[command(flatten)]
    force: Force,
}

/// Log a visit, a contact, a progress note
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang instance log p-001 contact --field summary='Asked for the site plan' \\
        --actor materials_officer_1
  $ sanbang instance log v-001 visit --field enterprise=Carbon --field participants:=2 \\
        --field findings=listed --actor materials_officer_1 \\
        --start '{\"workflow\": \"enterprise_demand\", \"fields\": {\"enterprise\": \"Carbon\", \
  \"source\": \"visit\", \"content\": \"Ten fitters\"}}'")]
pub(super) struct Log {
    /// The instance
    instance: String,
    /// Its kind, as the workflow names it
    activity: String,
    /// When it occurred, `2025-01-06T09:00+08:00`; default: now
    #[arg(long, value_parser = parse_instant, value_name = "INSTANT")]
    at: Option<Timestamp>,
    /// `name=text`, `name:=json`
    #[arg(long = "field", value_parser = parse_field, value_name = "NAME=VALUE")]
    fields: Vec<Field>,
    /// What begins because of it: `{"workflow": …, "fields": {…}, "steward": …, "instance": …}`
    #[arg(long = "start", value_parser = relate::parse_begin, value_name = "JSON")]
    starts: Vec<pb::Begin>,
    #[command(flatten)]
    repeat: Repeat,
}

/// Give a task, or the stewardship, to another member
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang instance reassign p-001 materials_officer_2 --reason 'Hand-over' \\
        --actor materials_leader")]
pub(super) struct Reassign {
    /// The instance
    instance: String,
    /// Who gets it; `-`: whom the rules name, as if the one who has it were away
    to: String,
    /// The task's number; default: the stewardship of the instance
    #[arg(long, default_value_t = 0, hide_default_value = true, value_name = "NUMBER")]
    task: u32,
    /// Why
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    repeat: Repeat,
    #[command(flatten)]
    force: Force,
}

/// Say who stands in for the steward where no substitute does: backup A, then B
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang instance backups p-001 materials_officer_1 materials_leader --actor materials_officer_2
  $ sanbang instance backups p-001 --reason 'Nobody for the time being' \\
        --actor materials_officer_2")]
pub(super) struct Backups {
    /// The instance
    instance: String,
    /// Backup A, then B; nobody: there are none
    #[arg(value_name = "BACKUPS")]
    members: Vec<String>,
    /// Why
    #[arg(long, default_value = "", hide_default_value = true)]
    reason: String,
    #[command(flatten)]
    repeat: Repeat,
}

/// Everything that happened to an instance, latest first
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang instance history p-001 --limit 20 --actor coordinator_1")]
pub(super) struct History {
    /// The instance
    instance: String,
    /// At most so many commands and settlings
    #[arg(long, default_value_t = 50, value_parser = parse_count)]
    limit: usize,
}

impl Instance {
    pub(super) async fn run(self, global: &Global, output: &Output) -> Result<(), Failure> {
        let client = global.connect().await?;
        let accepted = match self {
            Self::Get(named) => return views::get(&client, &named.instance, output).await,
            Self::List(list) => return views::list(&client, list, output).await,
            Self::Similar(similar) => return relate::similar(&client, similar, output).await,
            Self::History(history) => return views::history(&client, history, output).await,
            Self::Resume(resume) if resume.preview => {
                return views::preview(&client, &resume.instance, output).await;
            }
            Self::Create(create) => commands::create(&client, create).await?,
            Self::Advance(advance) => commands::advance(&client, advance).await?,
            Self::Return(back) => commands::go_back(&client, back).await?,
            Self::Suspend(suspend) => commands::suspend(&client, suspend).await?,
            Self::Resume(resume) => commands::resume(&client, resume).await?,
            Self::Terminate(terminate) => commands::terminate(&client, terminate).await?,
            Self::Open(open) => commands::open(&client, open).await?,
            Self::Update(update) => commands::update(&client, update).await?,
            Self::Log(log) => commands::log(&client, log).await?,
            Self::Reassign(reassign) => commands::reassign(&client, reassign).await?,
            Self::Link(link) => relate::link(&client, link).await?,
            Self::Unlink(unlink) => relate::unlink(&client, unlink).await?,
            Self::Revive(revive) => relate::revive(&client, revive).await?,
            Self::Backups(backups) => commands::set_backups(&client, backups).await?,
        };
        show::accepted(accepted, output)
    }
}

pub(super) use show::{CLOCK_HEADER, accepted, clock_rows};
