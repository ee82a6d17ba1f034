//! The facts of the story, as `facts.yaml` beside this file tells them. Knows no workflow.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use serde::Deserialize;
use serde::de::{Deserializer, Error};

use crate::cli::demo::answers::OFFSET;
use crate::cli::exit::Failure;
use crate::definition::read_data;

/// What happened, in the order of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Facts {
    /// When the team was set up.
    #[serde(deserialize_with = "local")]
    pub(super) begins: Timestamp,
    /// When the story ends.
    #[serde(deserialize_with = "local")]
    pub(super) ends: Timestamp,
    pub(super) enterprises: Vec<Enterprise>,
    pub(super) visits: Vec<Visit>,
    pub(super) demands: Vec<Demand>,
    pub(super) leads: Vec<Lead>,
    pub(super) recruitment_events: Vec<RecruitmentEvent>,
    pub(super) declarations: Vec<Declaration>,
    pub(super) duties: Vec<Duty>,
    pub(super) leaves: Vec<Leave>,
    #[serde(rename = "match")]
    pub(super) matching: Match,
}

/// A firm of the zone.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Enterprise {
    pub(super) key: String,
    pub(super) name: String,
    pub(super) credit_code: String,
    pub(super) industry: String,
    pub(super) tier: String,
    pub(super) above_scale: bool,
}

/// A visit to a firm.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Visit {
    pub(super) key: String,
    #[serde(deserialize_with = "local")]
    pub(super) at: Timestamp,
    pub(super) enterprise: String,
    pub(super) theme: String,
    /// Who went: each counts as one person-visit.
    pub(super) by: Vec<String>,
}

/// Something that a firm asked for on a visit.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Demand {
    pub(super) key: String,
    pub(super) visit: String,
    pub(super) category: String,
    pub(super) solved: Solved,
    /// The unit that solved it, unless it was solved on the spot.
    pub(super) unit: Option<String>,
    /// How many days the unit took.
    pub(super) days: Option<u32>,
    pub(super) rating: String,
    pub(super) text: String,
    /// Whether it cannot wait: safety, or production stands still.
    #[serde(default)]
    pub(super) urgent: bool,
}

/// How a demand was solved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Solved {
    OnSite,
    ByDepartment,
}

/// An investor of whom the team heard on a visit.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lead {
    pub(super) key: String,
    pub(super) visit: String,
    pub(super) investor: String,
    pub(super) industry: String,
    /// In units of 10,000 CNY.
    pub(super) total_investment: u32,
    pub(super) source: String,
}

/// A job fair.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RecruitmentEvent {
    pub(super) key: String,
    #[serde(deserialize_with = "day")]
    pub(super) on: Date,
    pub(super) title: String,
    pub(super) mode: String,
    pub(super) firms: u32,
    pub(super) posts: u32,
    pub(super) attendees: u32,
    pub(super) intentions: u32,
    pub(super) hires_30: u32,
    pub(super) hires_90: u32,
}

/// A firm that declares the measure of the Spring Festival. In units of 10,000 CNY.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Declaration {
    pub(super) key: String,
    pub(super) enterprise: String,
    pub(super) taxable_sales_2021: u32,
    pub(super) revenue_q1_2021: u32,
    pub(super) revenue_q1_2022: u32,
}

/// Who is on duty on some days without work.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Duty {
    #[serde(deserialize_with = "day")]
    pub(super) from: Date,
    #[serde(deserialize_with = "day")]
    pub(super) to: Date,
    pub(super) members: Vec<String>,
}

/// Who is on leave, and who stands in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Leave {
    pub(super) member: String,
    #[serde(deserialize_with = "day")]
    pub(super) from: Date,
    #[serde(deserialize_with = "day")]
    pub(super) to: Date,
    pub(super) substitute: String,
    pub(super) reason: String,
}

/// Two firms that are brought together.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Match {
    pub(super) visit: String,
    pub(super) enterprise: String,
    pub(super) counterpart: String,
    pub(super) district: String,
    pub(super) need: String,
    #[serde(deserialize_with = "day")]
    pub(super) met_on: Date,
    /// Of the contract, in units of 10,000 CNY.
    pub(super) amount: u32,
}

impl Facts {
    /// The facts that come with the program.
    pub(super) fn read() -> Result<Self, Failure> {
        read_data(include_str!("facts.yaml"))
            .map_err(|error| Failure::not_tried(format!("the story's facts: {error}")))
    }

    /// A firm by its key.
    pub(super) fn enterprise(&self, key: &str) -> Result<&Enterprise, Failure> {
        let found = self.enterprises.iter().find(|it| it.key == key);
        found.ok_or_else(|| Failure::not_tried(format!("the story has no enterprise `{key}`")))
    }
}

/// A local date and time, `2022-01-04 09:30`.
fn local<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(from)?;
    let local: DateTime = text.parse().map_err(D::Error::custom)?;
    OFFSET.to_timestamp(local).map_err(D::Error::custom)
}

fn day<'de, D: Deserializer<'de>>(from: D) -> Result<Date, D::Error> {
    String::deserialize(from)?.parse().map_err(D::Error::custom)
}
