//! `sanbang organization absences` and `duty`: the roster, read and changed.

use clap::{Args, Subcommand};

use crate::api::pb;
use crate::cli::client::Client;
use crate::cli::exit::Failure;
use crate::cli::print::Output;

use super::{PAGE_SIZE, show};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Absences {
    List(ListAbsences),
    Put(PutAbsence),
    End(EndAbsence),
}

/// The absences, by member and first day
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang organization absences list --actor coordinator_1
  $ sanbang organization absences list --from 2025-01-06 --to 2025-01-10 --actor coordinator_1")]
pub(in crate::cli) struct ListAbsences {
    /// Of this member; nobody named: of all
    #[arg(default_value = "", hide_default_value = true)]
    member: String,
    #[command(flatten)]
    days: Days,
}

/// Days that are looked at.
#[derive(Debug, Args)]
pub(in crate::cli) struct Days {
    /// On or after this day
    #[arg(long, default_value = "", hide_default_value = true, value_name = "DAY")]
    from: String,
    /// On or before this day
    #[arg(long, default_value = "", hide_default_value = true, value_name = "DAY")]
    to: String,
}

/// Put an absence down; one of the same member with the same first day is replaced
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang organization absences put commerce_officer_1 2025-02-10 2025-02-14 \\
        --substitute commerce_leader --reason 'Annual leave' --actor commerce_officer_1")]
pub(in crate::cli) struct PutAbsence {
    /// Who is away
    member: String,
    /// The first day
    from: String,
    /// The last day
    to: String,
    /// Who receives what the member would
    #[arg(long, default_value = "", hide_default_value = true, value_name = "MEMBER")]
    substitute: String,
    /// Why
    #[arg(long, default_value = "", hide_default_value = true)]
    reason: String,
}

/// Cut an absence short; one that has not begun by then is taken back
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang organization absences end commerce_officer_1 2025-02-13 --actor commerce_leader")]
pub(in crate::cli) struct EndAbsence {
    /// Who is back
    member: String,
    /// The first day on which the member is back
    back_on: String,
    /// The first day of the absence, where there are several
    #[arg(long, default_value = "", hide_default_value = true, value_name = "DAY")]
    from: String,
}

impl Absences {
    pub(super) async fn run(self, client: &Client, output: &Output) -> Result<(), Failure> {
        let mut organization = client.organization();
        match self {
            Self::List(list) => list_absences(client, list, output).await,
            Self::Put(PutAbsence { member, from, to, substitute, reason }) => {
                let absence = pb::Absence { member, from, to, substitute, reason };
                let absence = Some(absence);
                let request = pb::OrganizationServicePutAbsenceRequest { absence };
                let put = organization.put_absence(request).await?.into_inner();
                output.message(&put, |_| {
                    let absence = put.absence.clone().unwrap_or_default();
                    let told = show::absence(&absence);
                    if put.changed { told } else { format!("{told}; it stood so already") }
                })
            }
            Self::End(EndAbsence { member, back_on, from }) => {
                let request = pb::OrganizationServiceEndAbsenceRequest { member, from, back_on };
                let ended = organization.end_absence(request).await?.into_inner();
                output.message(&ended, |_| show::member(&ended.member.clone().unwrap_or_default()))
            }
        }
    }
}

async fn list_absences(
    client: &Client,
    list: ListAbsences,
    output: &Output,
) -> Result<(), Failure> {
    let mut organization = client.organization();
    let mut all = pb::OrganizationServiceListAbsencesResponse::default();
    loop {
        let request = pb::OrganizationServiceListAbsencesRequest {
            page_size: PAGE_SIZE,
            page_token: all.next_page_token.clone(),
            member: list.member.clone(),
            from: list.days.from.clone(),
            to: list.days.to.clone(),
        };
        let page = organization.list_absences(request).await?.into_inner();
        all.absences.extend(page.absences);
        all.next_page_token = page.next_page_token;
        if all.next_page_token.is_empty() {
            break;
        }
    }
    output.message(&all, |output| show::absences(&all.absences, output))
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Duty {
    List(ListDuty),
    Put(PutDuty),
}

/// Who is on duty when
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang organization duty list --actor coordinator_1")]
pub(in crate::cli) struct ListDuty {
    #[command(flatten)]
    days: Days,
}

/// Say who is on duty on some days, in place of whoever was
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang organization duty put 2025-01-28 2025-02-04 coordinator_2 materials_officer_1 \\
        --note 'Spring Festival' --actor coordinator_1
  $ sanbang organization duty put 2025-02-04 2025-02-04 --actor coordinator_1")]
pub(in crate::cli) struct PutDuty {
    /// The first day
    from: String,
    /// The last day
    to: String,
    /// Who, in the order in which they are told; nobody: the days are free
    members: Vec<String>,
    /// For the record
    #[arg(long, default_value = "", hide_default_value = true)]
    note: String,
}

impl Duty {
    pub(super) async fn run(self, client: &Client, output: &Output) -> Result<(), Failure> {
        let mut organization = client.organization();
        match self {
            Self::List(list) => list_duty(client, list, output).await,
            Self::Put(PutDuty { from, to, members, note }) => {
                let duty = pb::Duty { from, to, members, note };
                let told = show::duty(&duty);
                let request = pb::OrganizationServicePutDutyRequest { duty: Some(duty) };
                let put = organization.put_duty(request).await?.into_inner();
                output.message(&put, |_| {
                    if put.changed { told } else { format!("{told}; it stood so already") }
                })
            }
        }
    }
}

async fn list_duty(client: &Client, list: ListDuty, output: &Output) -> Result<(), Failure> {
    let mut organization = client.organization();
    let mut all = pb::OrganizationServiceListDutyResponse::default();
    loop {
        let request = pb::OrganizationServiceListDutyRequest {
            page_size: PAGE_SIZE,
            page_token: all.next_page_token.clone(),
            from: list.days.from.clone(),
            to: list.days.to.clone(),
        };
        let page = organization.list_duty(request).await?.into_inner();
        all.duties.extend(page.duties);
        all.next_page_token = page.next_page_token;
        if all.next_page_token.is_empty() {
            break;
        }
    }
    output.message(&all, |output| show::duties(&all.duties, output))
}
