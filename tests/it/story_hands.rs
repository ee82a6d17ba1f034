//! How long the leads of the founding story were in each stage, and in whose hands: made of the
//! events of its store alone, by hours that `office_hours` counts, and compared with the
//! indicators. Never asks the service how time is counted.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::DateTime;
use serde_json::Value as Json;
use serde_yaml::Value;

use super::office_hours::{decimal, hundredths_of_days, local, local_of, ranked, worked};
use super::program::{Server, told};

/// The workflow of the leads.
const WORKFLOW: &str = "investment_project";

/// The first and the last day that are asked for.
const PERIOD: [&str; 2] = ["2021-12-31", "2022-02-28"];

/// Where the clock stands at the end: everybody has done for the last time what is to be done.
const END: &str = "2022-02-28 16:00";

/// Once this is done the rest of its stage does not count: the feedback has a limit of its own.
const LAST_THAT_COUNTS: &str = "assessment_opinion";

/// Half of what separates two figures in hundredths of an hour, and a little for what a share that
/// does not divide leaves over.
const HOURS_OFF: f64 = 0.0051;

/// A stay in a stage.
struct Stay {
    stage: String,
    entered: DateTime,
    /// From when on time is excluded.
    counted_to: Option<DateTime>,
    left: Option<DateTime>,
}

/// What happened to one lead.
#[derive(Default)]
struct Lead {
    stays: Vec<Stay>,
    /// Instants at which it may have gone to other hands, with those who have it from there on: by
    /// person, and by role.
    turns: Vec<(DateTime, [BTreeSet<String>; 2])>,
    /// Open tasks with their roles and their holders.
    open: BTreeMap<u64, (String, Option<String>)>,
    steward: Option<String>,
}

impl Lead {
    fn hear(&mut self, at: DateTime, kind: &str, said: &Json) {
        let word = |of: &Json| of.as_str().unwrap_or_else(|| panic!("{kind}: {said}")).to_owned();
        let number = || said["task"]["number"].as_u64().unwrap();
        match kind {
            "stage.entered" | "stage.opened" => {
                let stage = word(&said["stage"]);
                self.stays.push(Stay { stage, entered: at, counted_to: None, left: None });
            }
            "stage.left" | "stage.closed" => {
                self.stay(&word(&said["stage"])).left = Some(at);
            }
            "steward.assigned" => self.steward = Some(word(&said["assignment"]["member"])),
            "task.opened" => {
                let task = &said["task"];
                assert_eq!(task["kind"], "TASK_KIND_HUMAN", "leads wait for people only");
                let number = task["reference"]["number"].as_u64().unwrap();
                self.open.insert(number, (word(&task["role"]), None));
            }
            "task.assigned" | "task.claimed" | "task.reassigned" => {
                let holder = word(&said["assignment"]["member"]);
                self.open.get_mut(&number()).unwrap().1 = Some(holder);
            }
            "task.completed" | "task.cancelled" => {
                self.open.remove(&number()).unwrap();
                if said["task"]["id"] == LAST_THAT_COUNTS {
                    self.stay(&word(&said["task"]["stage"])).counted_to = Some(at);
                }
            }
            other => assert!(
                !other.starts_with("instance.") || other == "instance.created",
                "no lead stands still or ends: {other}"
            ),
        }
        // Of what happens at one instant the last word counts.
        self.turns.retain(|(before, _)| *before != at);
        self.turns.push((at, self.hands()));
    }

    /// The open stay in a stage.
    fn stay(&mut self, stage: &str) -> &mut Stay {
        let mut stays = self.stays.iter_mut();
        stays.find(|stay| stay.stage == stage && stay.left.is_none()).unwrap()
    }

    /// Whoever holds an open task has the lead in hand, and where none is open its steward.
    fn hands(&self) -> [BTreeSet<String>; 2] {
        let (mut people, mut roles) = (BTreeSet::new(), BTreeSet::new());
        for (role, holder) in self.open.values() {
            people.insert(holder.clone().unwrap_or_else(|| "nobody yet".to_owned()));
            roles.insert(role.clone());
        }
        if self.open.is_empty() {
            people.extend(self.steward.clone());
            roles.insert("steward".to_owned());
        }
        [people, roles]
    }
}

/// Compares both with what the server makes of the story.
pub(crate) fn judge(server: &Server) {
    let leads = leads(server);
    assert!(leads.len() >= 10, "there are leads: {}", leads.len());
    judge_stays(server, &leads);
    judge_hands(server, &leads);
}

fn leads(server: &Server) -> BTreeMap<String, Lead> {
    let filter = format!("workflow = \"{WORKFLOW}\"");
    let mut command = server.verb();
    command.args(["events", "--filter", &filter, "--limit", "1000000", "--format", "json"]);
    let output = command.args(["--actor", "coordinator_1"]).output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
    let mut leads: BTreeMap<String, Lead> = BTreeMap::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let event: Json = serde_json::from_str(line).unwrap();
        let word = |name: &str| event[name].as_str();
        let (kind, instance) = (word("kind").unwrap(), word("instance").unwrap());
        let at = word("due_time").or(word("time")).unwrap().parse().unwrap();
        // What is said stands under the name of its kind: `task_opened` of `task.opened`.
        let said = &event[kind.replace('.', "_")];
        leads.entry(instance.to_owned()).or_default().hear(local_of(at), kind, said);
    }
    leads
}

/// Stays that ended, by stage; and of all that began, the open ones as well.
fn judge_stays(server: &Server, leads: &BTreeMap<String, Lead>) {
    let titles = titles_of_stages();
    let mut ended: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    let mut whole: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for stay in leads.values().flat_map(|lead| &lead.stays) {
        let title = titles[&stay.stage].as_str();
        let to = stay.counted_to.or(stay.left).unwrap_or(local(END));
        let days = hundredths_of_days(worked(stay.entered, to));
        whole.entry(title).or_default().push(days);
        if stay.left.is_some() {
            ended.entry(title).or_default().push(days);
        }
    }
    let excluded = leads.values().flat_map(|lead| &lead.stays).filter(|it| it.counted_to < it.left);
    assert!(excluded.count() > 0, "some time is excluded");
    assert!(ended.len() >= 2 && whole.len() > ended.len(), "{whole:?}");
    // Nobody left the last one yet: it has no figure.
    let left = whole.keys().flat_map(|stage| {
        let days = ended.get(stage).map_or(&[][..], Vec::as_slice);
        lines(stage, days, ["p50", "p90", "max"])
    });
    let told = figures(server, "stage_dwell");
    let told: BTreeSet<String> = told.iter().map(|it| line(it, &it["keys"][0])).collect();
    assert_eq!(told, left.collect());

    let path = whole.iter().filter(|(stage, _)| **stage != titles["task_force"]);
    let names = ["dwell_p50", "dwell_p90", "dwell_max"];
    let reached = path.flat_map(|(stage, days)| lines(stage, days, names));
    let mut told = figures(server, "project_funnel");
    told.retain(|it| it["measure"].as_str().unwrap().starts_with("dwell"));
    let told: BTreeSet<String> = told.iter().map(|it| line(it, &it["name"])).collect();
    assert_eq!(told, reached.collect());
}

/// What is to be told of how long a stage took.
fn lines(stage: &str, days: &[i64], names: [&str; 3]) -> Vec<String> {
    let ranks = [50, 90, 100].map(|of_hundred| ranked(days, of_hundred));
    let days = ranks.map(|days| days.map(|days| decimal(days, 2)).unwrap_or_default());
    names.into_iter().zip(days).map(|(name, days)| format!("{stage} {name} {days}")).collect()
}

/// What is told of it.
fn line(figure: &Json, stage: &Json) -> String {
    let word = |of: &Json| of.as_str().unwrap_or_default().to_owned();
    format!("{} {} {}", word(stage), word(&figure["measure"]), word(&figure["value"]))
}

/// Each working minute of a lead belongs to those who have it in hand, in equal parts.
fn judge_hands(server: &Server, leads: &BTreeMap<String, Lead>) {
    let mut hours: [BTreeMap<&str, f64>; 2] = Default::default();
    let mut all = 0.0;
    for lead in leads.values() {
        let ends = lead.turns.iter().skip(1).map(|turn| turn.0).chain([local(END)]);
        for ((from, hands), to) in lead.turns.iter().zip(ends) {
            let length = f64::from(i32::try_from(worked(*from, to) / 1000).unwrap()) / 3600.0;
            all += length;
            for (hours, hands) in hours.iter_mut().zip(hands) {
                let count = f64::from(u32::try_from(hands.len()).unwrap());
                for hand in hands {
                    *hours.entry(hand).or_default() += length / count;
                }
            }
        }
    }
    let titles = titles_of_people();
    for (indicator, hours) in ["ball_by_holder", "ball_by_role"].into_iter().zip(hours) {
        let had = hours.iter().filter(|(_, hours)| **hours > 0.0);
        let mut wanted: BTreeMap<&str, f64> =
            had.map(|(hand, hours)| (titles[*hand].as_str(), *hours)).collect();
        assert!(wanted.len() >= 3, "{indicator}: {wanted:?}");
        for figure in figures(server, indicator) {
            let number = |name: &str| figure[name].as_str().unwrap().parse::<f64>().unwrap();
            let name = figure["name"].as_str().unwrap();
            let hours = wanted.remove(name).unwrap_or_else(|| panic!("{indicator}: {figure}"));
            let near = |told: &str, wanted: f64| (number(told) - wanted).abs() < HOURS_OFF;
            assert!(near("numerator", hours), "{indicator}: {hours} hours are not {figure}");
            assert!(near("denominator", all), "{indicator}: {all} hours are not {figure}");
            assert!((number("value") - hours / all).abs() < 0.0001, "{indicator}: {figure}");
        }
        assert!(wanted.is_empty(), "{indicator} does not tell of {wanted:?}");
    }
}

fn figures(server: &Server, indicator: &str) -> Vec<Json> {
    let mut command = server.verb();
    command.args(["ledger", "indicators", indicator, "--from", PERIOD[0], "--to", PERIOD[1]]);
    command.args(["--format", "json", "--actor", "coordinator_1"]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
    let answer: Json = serde_json::from_slice(&output.stdout).unwrap();
    answer["indicators"][0]["figures"].as_array().unwrap().clone()
}

fn file(path: &str) -> Value {
    serde_yaml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn english(of: &Value) -> String {
    of["title"]["en"].as_str().unwrap().to_owned()
}

fn titles_of_stages() -> BTreeMap<String, String> {
    let workflow = file("workflows/investment_project.yaml");
    let stages = workflow["stages"].as_sequence().unwrap().iter();
    stages.map(|stage| (stage["id"].as_str().unwrap().to_owned(), english(stage))).collect()
}

/// What people call roles, groups and members.
fn titles_of_people() -> BTreeMap<String, String> {
    let organization = file("rules/organization.yaml");
    let lists = ["roles", "groups", "members"].map(|list| organization[list].clone());
    let entries = lists.iter().flat_map(|list| list.as_mapping().unwrap());
    entries.map(|(id, entry)| (id.as_str().unwrap().to_owned(), english(entry))).collect()
}
