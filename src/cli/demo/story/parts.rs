//! What the people of the story know of each thing that they carry: what its tasks end with, what
//! is filled in, what takes its time. The workflows say the rest.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{Span, Timestamp};
use prost_types::value::Kind;
use prost_types::{Struct, Value};

use crate::api::pb;
use crate::cli::demo::answers::{local_day, local_hour};
use crate::cli::demo::crew::Part;

use super::facts::{Declaration, Demand, Enterprise, Facts, Lead, Match, RecruitmentEvent, Visit};

/// Tasks that nobody does before the story ends.
const LEFT_OPEN: [&str; 2] = ["end_of_service", "dissolve_task_force"];

/// The stage in which the leads still are when it ends.
const LEFT_IN: &str = "negotiation";

/// The last day of the window of the Spring Festival measure.
const WINDOW_CLOSES: &str = "2022-02-15";

/// Something that the team carries.
#[derive(Debug, Default)]
pub(super) struct Carried {
    id: String,
    /// Whether its id is derived from its key when it begins.
    keyed: bool,
    workflow: &'static str,
    first: Vec<(&'static str, Value)>,
    later: BTreeMap<&'static str, Value>,
    outcomes: BTreeMap<&'static str, &'static str>,
    changes: BTreeMap<&'static str, Vec<(&'static str, Value)>>,
    not_before: BTreeMap<&'static str, Timestamp>,
    takes_days: BTreeMap<&'static str, i64>,
}

impl Carried {
    fn new(workflow: &'static str, id: String) -> Self {
        Self { id, workflow, ..Self::default() }
    }

    /// Its workflow.
    pub(super) fn workflow(&self) -> &'static str {
        self.workflow
    }

    /// The id under which it is to begin; empty: its workflow derives one.
    pub(super) fn first_id(&self) -> String {
        if self.keyed { String::new() } else { self.id.clone() }
    }

    /// It has begun under this id.
    pub(super) fn begun(self, id: String) -> Self {
        Self { id, ..self }
    }

    /// The fields with which it begins.
    pub(super) fn first_fields(&self) -> Struct {
        structure(&self.first)
    }

    fn first(mut self, field: &'static str, value: Value) -> Self {
        self.first.push((field, value));
        self
    }

    fn later(mut self, field: &'static str, value: Value) -> Self {
        self.later.insert(field, value);
        self
    }

    fn ends(mut self, task: &'static str, outcome: &'static str) -> Self {
        self.outcomes.insert(task, outcome);
        self
    }

    fn not_before(mut self, task: &'static str, day: Date) -> Self {
        self.not_before.insert(task, local_hour(day, 12));
        self
    }
}

impl Part for Carried {
    fn id(&self) -> &str {
        &self.id
    }

    fn field(&self, field: &str) -> Option<Value> {
        self.later.get(field).cloned()
    }

    fn form(&self, _task: &str, field: &str) -> Option<Value> {
        self.later.get(field).cloned()
    }

    fn changes(&self, task: &str) -> Option<Struct> {
        self.changes.get(task).map(|changes| structure(changes))
    }

    fn take_outcome(&mut self, task: &str) -> Option<String> {
        self.outcomes.get(task).map(|outcome| (*outcome).to_owned())
    }

    /// The facts tell of every visit.
    fn logs(&self, activity: &str) -> bool {
        activity != "visit"
    }

    fn leaves(&self, stage: &str) -> bool {
        stage != LEFT_IN
    }

    fn is_time_for(
        &self,
        task: &str,
        opened: Timestamp,
        now: Timestamp,
        _instance: &pb::Instance,
    ) -> bool {
        let days = self.takes_days.get(task).copied().unwrap_or(0);
        let is_late_enough = self.not_before.get(task).is_none_or(|from| now >= *from);
        let took_its_time = now.as_second() >= opened.as_second() + days * 24 * 60 * 60;
        !LEFT_OPEN.contains(&task) && is_late_enough && took_its_time
    }
}

/// The file of an enterprise.
pub(super) fn dossier(of: &Enterprise) -> Carried {
    let dossier = Carried::new("enterprise_dossier", of.key.clone());
    Carried { keyed: true, ..dossier }
        .first("enterprise", text(&of.name))
        .first("credit_code", text(&of.credit_code))
        .first("industry", text(&of.industry))
        .first("tier", text(&of.tier))
        .first("district", text("zone"))
        .later("above_scale", yes(of.above_scale))
}

/// A demand that was solved on the spot: it begins with its end.
pub(super) fn solved_demand(of: &Demand, by: &Enterprise) -> Carried {
    demand(of, by)
        .first("resolved_on_site", yes(true))
        .first("solution", text("当场协调解决"))
        .first("evidence", text("走访记录"))
        .first("rating", text(&of.rating))
}

/// A demand that a unit has to solve.
pub(super) fn assigned_demand(of: &Demand, by: &Enterprise) -> Carried {
    let mut carried = demand(of, by)
        .first("complexity", text("single"))
        .first("lead_unit", text(of.unit.as_deref().unwrap_or("economy")))
        .later("rating", text(&of.rating))
        .ends("classify", "report_up");
    carried.takes_days.insert("handle", i64::from(of.days.unwrap_or(1)));
    if of.urgent { carried.first("urgency", text("urgent")) } else { carried }
}

/// The instance of a demand.
pub(super) fn demand_id(of: &Demand) -> String {
    format!("demand-{}", of.key)
}

fn demand(of: &Demand, by: &Enterprise) -> Carried {
    Carried::new("enterprise_demand", demand_id(of))
        .first("enterprise", text(&by.name))
        .first("industry", text(&by.industry))
        .first("tier", text(&by.tier))
        .first("source", text("visit"))
        .first("service_type", text("assistance"))
        .first("line_of_work", text("industrial_economy"))
        .first("category", text(&of.category))
        .first("content", text(&of.text))
}

/// A lead: it is tracked and assessed within the story, and is being negotiated at its end.
pub(super) fn lead(of: &Lead, referrer: &Enterprise) -> Carried {
    Carried::new("investment_project", format!("lead-{}", of.key))
        .first("project_name", text(&format!("{}项目", of.investor)))
        .first("investor", text(&of.investor))
        .first("industry", text(&of.industry))
        .first("lead_source", text(&of.source))
        .first("line_of_work", text("investment"))
        .first("referrer", text(&referrer.name))
        .first("total_investment", text(&of.total_investment.to_string()))
        .later("tier", text("B"))
}

/// A job fair, planned twelve days ahead.
pub(super) fn recruitment(of: &RecruitmentEvent) -> Carried {
    let before = |days: i64| date(of.on.checked_sub(Span::new().days(days)).unwrap_or(of.on));
    Carried::new("recruitment_event", format!("fair-{}", of.key))
        .first("name", text(&of.title))
        .first("mode", text(&of.mode))
        .first("event_on", date(of.on))
        .first("service_type", text("recruitment"))
        .first("line_of_work", text("talent"))
        .later("firms", number(of.firms))
        .later("posts", number(of.posts))
        .later("posts_close_on", before(7))
        .later("publish_on", before(4))
        .later("attendees", number(of.attendees))
        .later("resumes", number(of.attendees / 2))
        .later("intentions", number(of.intentions))
        .later("no_shows", number(0))
        .later("hires_30", number(of.hires_30))
        .later("hires_90", number(of.hires_90))
        .not_before("hold_event", of.on)
}

/// A declaration of the Spring Festival measure.
pub(super) fn declaration(of: &Declaration, by: &Enterprise) -> Carried {
    let amount = entitlement(of);
    let (found, end) =
        if amount == 0 { ("not_eligible", "not_eligible") } else { ("matched", "paid") };
    Carried::new("policy_declaration", format!("claim-{}", of.key))
        .first("enterprise", text(&by.name))
        .first("industry", text(&by.industry))
        .first("tier", text(&by.tier))
        .first("service_type", text("agency"))
        .first("line_of_work", text("industrial_economy"))
        .first("source", text("publication"))
        .first("measure", text("spring_festival_2022"))
        .first("mode", text("application"))
        .first("window_closes_on", text(WINDOW_CLOSES))
        .first("above_scale", yes(by.above_scale))
        .first("quarter_revenue", text(&of.revenue_q1_2022.to_string()))
        .first("quarter_revenue_before", text(&of.revenue_q1_2021.to_string()))
        .first("taxable_sales", text(&of.taxable_sales_2021.to_string()))
        .later("amount_claimed", text(&amount.to_string()))
        .later("amount_paid", text(&amount.to_string()))
        .ends("match_policy", found)
        .ends("conclude", end)
}

/// What the measure gives, as the people read it, in units of 10,000 CNY.
pub(super) fn entitlement(of: &Declaration) -> u32 {
    if u64::from(of.revenue_q1_2022) * 10 < u64::from(of.revenue_q1_2021) * 11 {
        return 0;
    }
    match of.taxable_sales_2021 {
        100_000.. => 30,
        50_000.. => 20,
        10_000.. => 10,
        _ => 5,
    }
}

/// Two firms that are brought together.
pub(super) fn matching(of: &Match, by: &Enterprise) -> Carried {
    let mut carried = Carried::new("matchmaking", "match-1".to_owned())
        .first("enterprise", text(&by.name))
        .first("industry", text(&by.industry))
        .first("service_type", text("assistance"))
        .first("direction", text("looks_for_partner"))
        .first("need", text(&of.need))
        .later("meeting_on", date(of.met_on))
        .later("amount", text(&of.amount.to_string()))
        .ends("first_follow_up", "contract")
        .ends("conclude", "contract")
        .not_before("hold_meeting", of.met_on);
    let found =
        vec![("counterpart", text(&of.counterpart)), ("counterpart_district", text(&of.district))];
    carried.changes.insert("search_counterpart", found);
    carried
}

/// The visits as a campaign, whose summary counts what was found.
pub(super) fn campaign(facts: &Facts) -> Carried {
    let (first, last) = (local_day(facts.begins), local_day(facts.ends));
    let firms: std::collections::BTreeSet<&str> =
        facts.visits.iter().map(|visit| visit.enterprise.as_str()).collect();
    let people: usize = facts.visits.iter().map(|visit| visit.by.len()).sum();
    let on_site = facts.demands.iter().filter(|demand| demand.unit.is_none()).count();
    Carried::new("visit_campaign", "campaign-1".to_owned())
        .first("name", text("新春走访“送温暖、稳生产”"))
        .first("form", text("campaign"))
        .first("service_type", text("assistance"))
        .first("line_of_work", text("park_building"))
        .first("theme", text("job_stability"))
        .later("starts_on", date(first))
        .later("ends_on", date(last))
        .later("targets_planned", number(facts.enterprises.len()))
        .later("visits_made", number(facts.visits.len()))
        .later("enterprises_visited", number(firms.len()))
        .later("person_visits", number(people))
        .later("demands_found", number(facts.demands.len()))
        .later("solved_on_site", number(on_site))
        .later("leads_found", number(facts.leads.len()))
        .not_before("make_visits", local_day(last_visit(facts)))
}

fn last_visit(facts: &Facts) -> Timestamp {
    facts.visits.iter().map(|visit: &Visit| visit.at).max().unwrap_or(facts.ends)
}

fn structure(pairs: &[(&'static str, Value)]) -> Struct {
    let fields = pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    Struct { fields: fields.collect() }
}

pub(super) fn text(text: &str) -> Value {
    Value { kind: Some(Kind::StringValue(text.to_owned())) }
}

pub(super) fn number(number: impl TryInto<u32>) -> Value {
    let number = number.try_into().unwrap_or(u32::MAX);
    Value { kind: Some(Kind::NumberValue(f64::from(number))) }
}

fn yes(yes: bool) -> Value {
    Value { kind: Some(Kind::BoolValue(yes)) }
}

fn date(day: Date) -> Value {
    text(&day.to_string())
}
