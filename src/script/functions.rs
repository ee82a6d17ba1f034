//! Functions of the rules: `rules/*.rhai`, compiled once, called with read-only facts.

use std::sync::Arc;

use crate::calendar::Calendar;
use crate::model::id::MemberId;
use crate::model::organization::{Loads, Organization};
use crate::model::time::Timestamp;

use super::condition::Failure;
use super::facts::Facts;

/// The functions of one set of rule files.
#[derive(Debug)]
pub struct Functions {}

/// What an assignment function may see beside the facts.
#[derive(Clone, Copy)]
pub struct People<'a> {
    /// The organization as it stands.
    pub organization: &'a Organization,
    /// Who has how much to do.
    pub loads: &'a Loads,
    /// The instance's calendar, for `working_days_between`.
    pub calendar: &'a Calendar,
    /// The instant of the decision, for who is absent.
    pub now: Timestamp,
    /// The members between whom to choose.
    pub candidates: &'a [MemberId],
}

/// Whom a function chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// The person.
    pub member: MemberId,
    /// Why, in the function's words; empty where it gave none.
    pub because: Arc<str>,
}

impl Functions {
    /// Calls a function that names one member: it returns the member's name, a map
    /// `#{ member: "…", because: "…" }`, or `()` for nobody.
    pub fn choose(
        &self,
        _function: &str,
        _facts: &Facts,
        _people: People<'_>,
    ) -> Result<Option<Chosen>, Failure> {
        Ok(None)
    }

    /// Calls a function that names several members: it returns an array of names.
    pub fn candidates(
        &self,
        _function: &str,
        _facts: &Facts,
        _people: People<'_>,
    ) -> Result<Vec<MemberId>, Failure> {
        Ok(Vec::new())
    }
}
