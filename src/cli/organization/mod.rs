//! `sanbang organization`: who is there, who is away, who is on duty, who carries how much, who
//! hands over what.

use clap::{Args, Subcommand};

use crate::api::pb;

use super::Global;
use super::exit::Failure;
use super::print::Output;

mod hand_over;
mod roster;
mod show;

/// Rows asked for at once.
const PAGE_SIZE: i32 = 500;

#[derive(Debug, Subcommand)]
pub(super) enum Organization {
    Members(Members),
    Groups(Groups),
    Roles(Roles),
    /// Who is away when, and who stands in
    #[command(subcommand)]
    Absences(roster::Absences),
    /// Who is on duty when: the role `on_duty`
    #[command(subcommand)]
    Duty(roster::Duty),
    Workload(Workload),
    HandOver(hand_over::HandOver),
    HandOvers(hand_over::HandOvers),
    Stewards(Stewards),
}

/// The members, or one of them
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang organization members --group new_energy_materials --actor coordinator_1
  $ sanbang organization members materials_officer_1 --actor coordinator_1")]
pub(super) struct Members {
    /// One member, with everything that is known of the person
    #[arg(default_value = "", hide_default_value = true)]
    member: String,
    /// Of this group
    #[arg(long, default_value = "", hide_default_value = true)]
    group: String,
    /// In this role
    #[arg(long, default_value = "", hide_default_value = true)]
    role: String,
}

/// The groups with their members
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang organization groups --actor coordinator_1")]
pub(super) struct Groups {}

/// The roles with those who hold them today
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang organization roles --actor coordinator_1")]
pub(super) struct Roles {}

/// How much each member has to do
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang organization workload --actor coordinator_1
  $ sanbang organization workload materials_officer_1 materials_officer_2 --actor coordinator_1")]
pub(super) struct Workload {
    /// Of these members; nobody named: of all
    members: Vec<String>,
    /// Of this group
    #[arg(long, default_value = "", hide_default_value = true)]
    group: String,
}

/// Who was steward of an instance when, with which backups
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang organization stewards p-001 --actor coordinator_1")]
pub(super) struct Stewards {
    /// The instance
    instance: String,
}

impl Organization {
    pub(super) async fn run(self, global: &Global, output: &Output) -> Result<(), Failure> {
        let client = global.connect().await?;
        let mut organization = client.organization();
        match self {
            Self::Members(members) => members_of(&client, members, output).await,
            Self::Groups(_) => {
                let request = pb::OrganizationServiceListGroupsRequest {};
                let groups = organization.list_groups(request).await?.into_inner();
                output.message(&groups, |output| show::groups(&groups.groups, output))
            }
            Self::Roles(_) => {
                let request = pb::OrganizationServiceListRolesRequest {};
                let roles = organization.list_roles(request).await?.into_inner();
                output.message(&roles, |output| show::roles(&roles.roles, output))
            }
            Self::Absences(absences) => absences.run(&client, output).await,
            Self::Duty(duty) => duty.run(&client, output).await,
            Self::Workload(Workload { members, group }) => {
                let request = pb::OrganizationServiceWorkloadRequest { members, group };
                let workload = organization.workload(request).await?.into_inner();
                output.message(&workload, |output| show::workload(&workload.members, output))
            }
            Self::HandOver(hand_over) => hand_over.run(&client, output).await,
            Self::HandOvers(list) => list.run(&client, output).await,
            Self::Stewards(Stewards { instance }) => {
                let request = pb::OrganizationServiceListStewardsRequest { instance };
                let stewards = organization.list_stewards(request).await?.into_inner();
                output.message(&stewards, |output| show::stewards(&stewards.stewards, output))
            }
        }
    }
}

async fn members_of(
    client: &super::client::Client,
    members: Members,
    output: &Output,
) -> Result<(), Failure> {
    let mut organization = client.organization();
    if !members.member.is_empty() {
        let request = pb::OrganizationServiceGetMemberRequest { member: members.member };
        let member = organization.get_member(request).await?.into_inner();
        let shown = member.member.clone().unwrap_or_default();
        return output.message(&member, |_| show::member(&shown));
    }
    let mut all = pb::OrganizationServiceListMembersResponse::default();
    loop {
        let request = pb::OrganizationServiceListMembersRequest {
            page_size: PAGE_SIZE,
            page_token: all.next_page_token.clone(),
            group: members.group.clone(),
            role: members.role.clone(),
        };
        let page = organization.list_members(request).await?.into_inner();
        all.members.extend(page.members);
        all.next_page_token = page.next_page_token;
        if all.next_page_token.is_empty() {
            break;
        }
    }
    output.message(&all, |output| show::members(&all.members, output))
}
