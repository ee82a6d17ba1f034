//! `sanbang calendar`: working calendars, looked at and asked.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use prost_types::Timestamp;

use crate::api::pb;

use super::Global;
use super::arguments::{parse_instant, parse_limit};
use super::describe;
use super::exit::Failure;
use super::print::Output;
use super::walk;
use super::workflow;

#[derive(Debug, Subcommand)]
pub(super) enum Calendar {
    List(List),
    Get(Get),
    Compute(Compute),
    Publish(Publish),
}

/// Every calendar
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang calendar list --actor coordinator_1")]
pub(super) struct List {}

/// One calendar: office hours, rest days, what was published by year
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang calendar get cn --actor coordinator_1")]
pub(super) struct Get {
    /// The calendar
    calendar: String,
}

/// When a limit runs out, and the days that lead there
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang calendar compute cn 5wd --start 2025-01-24T09:00+08:00 --actor coordinator_1")]
pub(super) struct Compute {
    /// The calendar
    calendar: String,
    /// The limit: `5wd`, `16wh`, `30cd`, `3mo`, `48h`, or a day
    #[arg(value_parser = parse_limit)]
    limit: pb::Limit,
    /// When it begins; default: now
    #[arg(long, value_parser = parse_instant, value_name = "INSTANT")]
    start: Option<Timestamp>,
}

/// Have the server take a calendar: every running clock that counts by it is computed anew
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang calendar publish cn rules/calendars/cn.yaml --dry-run --actor coordinator_1")]
pub(super) struct Publish {
    /// The calendar
    calendar: String,
    /// Its file
    file: PathBuf,
    /// Take nothing; tell how many running clocks would move, and how
    #[arg(long)]
    dry_run: bool,
}

impl Calendar {
    pub(super) async fn run(self, global: &Global, output: &Output) -> Result<(), Failure> {
        let mut calendars = global.connect().await?.calendars();
        match self {
            Self::List(List {}) => {
                let request = pb::CalendarServiceListRequest { page_size: 1000, ..<_>::default() };
                let response = calendars.list(request).await?.into_inner();
                output.message(&response, |output| list_text(&response.calendars, output))
            }
            Self::Get(get) => {
                let request = pb::CalendarServiceGetRequest { calendar: get.calendar };
                let response = calendars.get(request).await?.into_inner();
                output.message(&response, |_| {
                    response.calendar.as_ref().map(calendar_text).unwrap_or_default()
                })
            }
            Self::Publish(publish) => {
                let request = pb::CalendarServicePublishRequest {
                    calendar: publish.calendar,
                    content: workflow::read(&publish.file)?,
                    dry_run: publish.dry_run,
                };
                let response = calendars.publish(request).await?.into_inner();
                output
                    .message(&response, |output| published_text(&response, publish.dry_run, output))
            }
            Self::Compute(compute) => {
                let request = pb::CalendarServiceComputeRequest {
                    calendar: compute.calendar,
                    start: compute.start,
                    limit: Some(compute.limit),
                };
                let response = calendars.compute(request).await?.into_inner();
                output.message(&response, |_| {
                    response.walk.as_ref().map(walk::lines).unwrap_or_default().join("\n")
                })
            }
        }
    }
}

fn published_text(
    response: &pb::CalendarServicePublishResponse,
    dry_run: bool,
    output: &Output,
) -> String {
    let mut lines: Vec<String> =
        response.warnings.iter().map(|warning| warning.rendered.clone()).collect();
    lines.push(match (response.changes, dry_run) {
        (false, _) => "it is the calendar that is live already".to_owned(),
        (true, true) => "nothing was taken: this is a dry run".to_owned(),
        (true, false) => "taken: running clocks are computed anew".to_owned(),
    });
    if !dry_run {
        return lines.join("\n");
    }
    let (moving, running) = (response.moving_clocks, response.running_clocks);
    let instances = response.instances;
    lines.push(format!("{moving} of {running} running clocks of {instances} instances would move"));
    let row = |it: &pb::ClockMove| {
        vec![
            it.instance.clone(),
            describe::clock(it.clock.as_ref()),
            output.instant(it.due_before),
            output.instant(it.due_after),
        ]
    };
    let rows: Vec<Vec<String>> = response.moves.iter().map(row).collect();
    if !rows.is_empty() {
        lines.push(output.table(&["INSTANCE", "WHAT", "DUE", "WOULD BE DUE"], &rows));
    }
    lines.join("\n")
}

fn list_text(calendars: &[pb::Calendar], output: &Output) -> String {
    let row = |it: &pb::Calendar| {
        let title = it.title.clone().unwrap_or_default();
        vec![it.id.clone(), title.en, title.zh, it.zone.clone(), it.horizon.clone()]
    };
    let rows: Vec<Vec<String>> = calendars.iter().map(row).collect();
    output.table(&["CALENDAR", "TITLE", "", "ZONE", "PUBLISHED UNTIL"], &rows)
}

fn calendar_text(it: &pb::Calendar) -> String {
    let title = it.title.clone().unwrap_or_default();
    let mut lines = vec![
        format!("{}  {} {}", it.id, title.en, title.zh),
        format!("  zone            {}", it.zone),
        format!("  published until {}", it.horizon),
    ];
    if it.always_on {
        lines.push("  every hour of every day counts".to_owned());
    }
    for season in &it.seasons {
        let from = if season.from.is_empty() { "all year" } else { season.from.as_str() };
        lines.push(format!("  office hours    {from}: {}", season.windows.join(", ")));
    }
    for year in &it.years {
        let (off, worked) = (year.days_off.len(), year.days_worked.len());
        lines.push(format!("  {}            {off} days off, {worked} days worked", year.year));
    }
    lines.join("\n")
}
