//! The founding story, told by the built program and judged from outside: totals that are computed
//! here, from the facts alone, against what the ledgers of its store export.

use std::collections::BTreeSet;
use std::path::Path;

use serde_yaml::Value;

use super::program::{Place, Server, sanbang, told};

/// Where the facts stand.
const FACTS: &str = "src/cli/demo/story/facts.yaml";

/// A ledger as its file tells it: titles, then rows, then the row of totals.
struct Sheet(Vec<Vec<String>>);

impl Sheet {
    fn column(&self, title: &str) -> usize {
        let found = self.0[0].iter().position(|cell| cell.starts_with(title));
        found.unwrap_or_else(|| panic!("no column `{title}` in {:?}", self.0[0]))
    }

    fn rows(&self) -> &[Vec<String>] {
        &self.0[1..self.0.len() - 1]
    }

    /// The cells of a column, without the totals.
    fn cells(&self, title: &str) -> Vec<&str> {
        let column = self.column(title);
        self.rows().iter().map(|row| row[column].as_str()).collect()
    }

    /// The sum of a column, and what stands under it.
    fn sum(&self, title: &str) -> (u64, String) {
        let cells = self.cells(title);
        let given = cells.iter().filter(|cell| !cell.is_empty());
        let sum = given.map(|cell| cell.parse::<u64>().expect("a whole number")).sum();
        (sum, self.0.last().unwrap()[self.column(title)].clone())
    }
}

#[test]
fn the_ledgers_of_the_story_hold_what_its_facts_say() {
    let kept = tempfile::tempdir().unwrap();
    let mut command = sanbang();
    command.args(["demo", "--story", "--keep"]).env("TMPDIR", kept.path());
    let output = command.output().unwrap();
    let story = told(&output);
    assert!(output.status.success(), "{story}");
    assert!(story.contains("0 do not."), "{story}");
    assert!(story.contains("hear of d22 within the hour"), "{story}");
    assert!(
        story.contains("tasks of medical_officer_1 on leave went to medical_leader"),
        "{story}"
    );
    let entries: Vec<_> = std::fs::read_dir(kept.path()).unwrap().collect();
    let directory = entries[0].as_ref().unwrap().path();

    let clock = "simulated@2021-12-31T09:00:00+08:00";
    let data = directory.join("data");
    let server = Server::start(Place { data: &data, config: Some(&directory), clock });
    let facts: Value = serde_yaml::from_str(&std::fs::read_to_string(FACTS).unwrap()).unwrap();
    let export = |ledger: &str| export(&server, ledger, &directory);
    judge_roster(&facts);
    judge_visits(&facts, &export("visit_ledger"));
    judge_demands(&facts, &export("demand_ledger"));
    judge_leads(&facts, &export("lead_ledger"));
    judge_fairs(&facts, &export("recruitment_ledger"));
    judge_claims(&facts, &export("declaration_ledger"));
    judge_lines(&facts, &server);
    judge_figures(&facts, &server);
    judge_load(&facts, &server);
    super::story_hands::judge(&server);
    let firms = export("enterprise_ledger");
    assert_eq!(firms.rows().len(), list(&facts, "enterprises").len());
    assert!(firms.cells("Steward").iter().all(|steward| !steward.is_empty()));
}

/// The rest days of the festival are covered, each visit on one of them is made by those on duty,
/// and nobody is on a visit and on leave. That the server tells those on duty of the emergency, and
/// gives the work of whoever is on leave to the substitute, are checks of the story itself.
fn judge_roster(facts: &Value) {
    let of_day = |list_name: &'static str, day: &str| {
        let lists = list(facts, list_name).iter();
        lists.filter(|it| word(it, "from") <= day && day <= word(it, "to")).collect::<Vec<_>>()
    };
    let names = |it: &Value| -> Vec<String> {
        let members = it["members"].as_sequence().or(it["by"].as_sequence()).unwrap();
        members.iter().map(|member| member.as_str().unwrap().to_owned()).collect()
    };
    for day in ["01-31", "02-01", "02-02", "02-03", "02-04", "02-05", "02-06"] {
        let day = format!("2022-{day}");
        let duties = of_day("duties", &day);
        assert_eq!(duties.len(), 1, "{day} has one duty");
        let visits = list(facts, "visits").iter().filter(|it| word(it, "at").starts_with(&day));
        for visit in visits {
            assert_eq!(sorted(names(visit).iter().map(String::as_str)).len(), 2, "{visit:?}");
            assert!(names(visit).iter().all(|it| names(duties[0]).contains(it)), "{visit:?}");
        }
    }
    let leaves = list(facts, "leaves");
    assert!(!leaves.is_empty());
    for visit in list(facts, "visits") {
        let away = of_day("leaves", &word(visit, "at")[..10]);
        assert!(away.iter().all(|it| !names(visit).contains(&word(it, "member").to_owned())));
    }
}

fn judge_visits(facts: &Value, ledger: &Sheet) {
    let visits = list(facts, "visits");
    let people: usize = visits.iter().map(|visit| visit["by"].as_sequence().unwrap().len()).sum();
    assert!(people > 100, "the article tells of more than a hundred person-visits");
    assert_eq!(ledger.rows().len(), visits.len());
    let (sum, total) = ledger.sum("Participants");
    assert_eq!((sum, total), (people as u64, people.to_string()));
    let firms: BTreeSet<&str> = visits.iter().map(|visit| word(visit, "enterprise")).collect();
    let told: BTreeSet<&str> = ledger.cells("Enterprise").into_iter().collect();
    assert_eq!(told.len(), firms.len(), "so many firms were visited");
    let dates: Vec<String> =
        visits.iter().map(|visit| word(visit, "at")[..10].to_owned()).collect();
    assert_eq!(sorted(ledger.cells("Visited on")), sorted(dates.iter().map(String::as_str)));
}

fn judge_demands(facts: &Value, ledger: &Sheet) {
    let demands = list(facts, "demands");
    assert!((20..30).contains(&demands.len()), "some twenty demands");
    let texts = demands.iter().map(|demand| word(demand, "text"));
    assert_eq!(sorted(ledger.cells("What is asked for")), sorted(texts), "each once");
    let on_site = demands.iter().filter(|demand| word(demand, "solved") == "on_site").count();
    let told = ledger.cells("Solved on the spot");
    assert_eq!(told.iter().filter(|cell| **cell == "yes").count(), on_site);
    assert!(ledger.cells("Status").iter().all(|status| *status == "completed"), "all solved");
    let ratings = demands.iter().map(|demand| word(demand, "rating"));
    assert_eq!(sorted(ledger.cells("Rating")), sorted(ratings));
}

fn judge_leads(facts: &Value, ledger: &Sheet) {
    let leads = list(facts, "leads");
    assert!((10..20).contains(&leads.len()), "some ten leads");
    let investors = leads.iter().map(|lead| word(lead, "investor"));
    assert_eq!(sorted(ledger.cells("Investor")), sorted(investors), "each once");
    let brought = ledger.cells("Referred by");
    assert!(brought.iter().all(|firm| !firm.is_empty()), "who brought it is named: {brought:?}");
    let co_recruited = leads.iter().filter(|lead| word(lead, "source") == "co_recruitment").count();
    let sources = ledger.cells("Source of the lead");
    assert_eq!(sources.iter().filter(|it| **it == "co_recruitment").count(), co_recruited);
    assert!(ledger.cells("Line of work").iter().all(|line| *line == "investment"));
    let amount: u64 = leads.iter().map(|lead| lead["total_investment"].as_u64().unwrap()).sum();
    assert_eq!(ledger.sum("Total investment"), (amount, amount.to_string()));
}

fn judge_fairs(facts: &Value, ledger: &Sheet) {
    let fairs = list(facts, "recruitment_events");
    assert_eq!(fairs.len(), 5);
    assert_eq!(ledger.rows().len(), 5);
    for (title, field) in [("Posts offered", "posts"), ("People who came", "attendees")] {
        let sum: u64 = fairs.iter().map(|fair| fair[field].as_u64().unwrap()).sum();
        assert_eq!(ledger.sum(title), (sum, sum.to_string()));
    }
    let posts: u64 = fairs.iter().map(|fair| fair["posts"].as_u64().unwrap()).sum();
    assert!(posts > 2_500, "more than 2,500 posts");
}

/// The clause of 2022, written once more: a tenth more than the year before, by taxable sales.
fn paid(facts: &Value) -> Vec<u64> {
    let due = list(facts, "declarations").iter().map(|claim| {
        let number = |field: &str| claim[field].as_u64().unwrap();
        let grew = 10 * number("revenue_q1_2022") >= 11 * number("revenue_q1_2021");
        let tiers = [(100_000, 30), (50_000, 20), (10_000, 10), (0, 5)];
        let tier = tiers.iter().find(|(from, _)| number("taxable_sales_2021") >= *from);
        tier.map(|(_, amount)| *amount).filter(|_| grew).unwrap_or(0)
    });
    due.collect()
}

fn judge_claims(facts: &Value, ledger: &Sheet) {
    let due = paid(facts);
    assert_eq!(ledger.rows().len(), due.len());
    let sum: u64 = due.iter().sum();
    assert_eq!(ledger.sum("Amount paid"), (sum, sum.to_string()));
    let submitted = ledger.cells("Submitted on");
    let submitted: Vec<&&str> = submitted.iter().filter(|day| !day.is_empty()).collect();
    assert_eq!(submitted.len(), due.iter().filter(|amount| **amount > 0).count());
    assert!(submitted.iter().all(|day| **day <= "2022-02-15"), "before the window closes");
}

/// What was taken in hand is told apart by line of work and by kind of service, each thing once.
fn judge_lines(facts: &Value, server: &Server) {
    let count = |name: &str| list(facts, name).len();
    let (demands, leads) = (count("demands"), count("leads"));
    let (fairs, claims) = (count("recruitment_events"), count("declarations"));
    let lines = [
        ("industrial_economy", demands + claims),
        ("investment", leads),
        ("park_building", 1),
        ("talent", fairs),
    ];
    assert_eq!(counted(server, "work_by_line"), lines.map(|(line, n)| (line.to_owned(), n)));
    let services = [("agency", claims), ("assistance", demands + 2), ("recruitment", fairs)];
    assert_eq!(counted(server, "work_by_service"), services.map(|(it, n)| (it.to_owned(), n)));
}

/// The indicators of service tell what the article tells.
fn judge_figures(facts: &Value, server: &Server) {
    let visits = list(facts, "visits");
    let people: usize = visits.iter().map(|visit| visit["by"].as_sequence().unwrap().len()).sum();
    let firms: BTreeSet<&str> = visits.iter().map(|visit| word(visit, "enterprise")).collect();
    let fairs = list(facts, "recruitment_events");
    let posts: u64 = fairs.iter().map(|fair| fair["posts"].as_u64().unwrap()).sum();
    let demands = list(facts, "demands");
    let on_site = demands.iter().filter(|demand| word(demand, "solved") == "on_site").count();
    let paid = paid(facts).iter().sum::<u64>();
    let leads = list(facts, "leads").len();
    let all = demands.len();
    let expected = [
        ("visits", "period", visits.len().to_string()),
        ("person_visits", "period", people.to_string()),
        ("enterprises_visited", "period", firms.len().to_string()),
        ("recruitment_events", "period", fairs.len().to_string()),
        ("posts_offered", "period", posts.to_string()),
        ("declarations_paid", "period", paid.to_string()),
        ("matches_made", "cohort", "1 / 1".to_owned()),
        ("demands_solved_on_site", "cohort", format!("{on_site} / {all}")),
        ("demand_satisfaction", "cohort", format!("{all} / {all}")),
        ("pursuit_rate", "cohort", format!("{leads} / {leads}")),
    ];
    for (indicator, basis, told) in expected {
        assert_eq!(figure(server, indicator, basis), told, "{indicator}");
    }
}

/// How many leads there are, what they would invest, and how many each group carries.
fn judge_load(facts: &Value, server: &Server) {
    let leads = list(facts, "leads");
    let invested: u64 = leads.iter().map(|it| it["total_investment"].as_u64().unwrap()).sum();
    let funnel = indicator_text(server, "project_funnel");
    let figure = |measure: &str| {
        let begins = format!("Lead tracking {measure} cohort ");
        let mut lines =
            funnel.lines().map(|it| it.split_whitespace().collect::<Vec<_>>().join(" "));
        let line = lines.find(|line| line.starts_with(&begins)).unwrap_or_default();
        line.trim_start_matches(&begins).split(' ').next().map(ToOwned::to_owned)
    };
    assert_eq!(figure("count"), Some(leads.len().to_string()), "{funnel}");
    assert_eq!(figure("amount"), Some(invested.to_string()), "{funnel}");

    let load = indicator_text(server, "project_load");
    let groups = [
        ("smart_sensors", "Sensors officer"),
        ("new_energy_materials", "Materials officer"),
        ("medical_devices", "Medical officer"),
        ("commerce_logistics", "Commerce officer"),
    ];
    for (industry, officers) in groups {
        let of_group = load.lines().filter(|line| line.starts_with(officers));
        let carried = of_group.map(|line| {
            let mut cells = line.split_whitespace().skip_while(|cell| *cell != "now");
            cells.nth(1).and_then(|count| count.parse::<usize>().ok()).unwrap()
        });
        let led = leads.iter().filter(|lead| word(lead, "industry") == industry).count();
        assert_eq!(carried.sum::<usize>(), led, "{industry}: {load}");
    }
}

/// The only figure of an indicator on a basis: what is divided by what, or its value.
fn figure(server: &Server, indicator: &str, basis: &str) -> String {
    let text = indicator_text(server, indicator);
    let rows = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let mut rows = rows.filter(|cells| cells.get(1) == Some(&basis));
    let cells = rows.next().unwrap_or_else(|| panic!("{text}"));
    assert!(rows.next().is_none(), "{text}");
    if cells.contains(&"/") { cells[3..6].join(" ") } else { cells[2].to_owned() }
}

/// The figures of an indicator that counts over the whole story, by what it counts apart.
fn counted(server: &Server, indicator: &str) -> Vec<(String, usize)> {
    let text = indicator_text(server, indicator);
    let rows = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let rows = rows.filter(|cells| cells.get(1) == Some(&"count"));
    rows.map(|cells| (cells[0].to_owned(), cells[3].parse().unwrap())).collect()
}

/// What the command line tells of an indicator over the whole story.
fn indicator_text(server: &Server, indicator: &str) -> String {
    let mut command = server.verb();
    command.args(["ledger", "indicators", indicator, "--actor", "coordinator_1"]);
    command.args(["--from", "2021-12-31", "--to", "2022-02-28"]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn export(server: &Server, ledger: &str, directory: &Path) -> Sheet {
    let file = directory.join(format!("{ledger}.csv"));
    let mut command = sanbang();
    command.args(["ledger", "export", ledger, "--actor", "coordinator_1"]);
    command.args(["--server", &server.url(), "--to"]).arg(&file);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
    let text = std::fs::read_to_string(&file).unwrap();
    let text = text.strip_prefix('\u{feff}').expect("a byte order mark");
    Sheet(text.lines().map(cells).collect())
}

/// The cells of a line; a quoted one may hold commas and doubled quotes.
fn cells(line: &str) -> Vec<String> {
    let (mut cells, mut quoted) = (vec![String::new()], false);
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        let cell = cells.last_mut().unwrap();
        match character {
            '"' if quoted && characters.next_if_eq(&'"').is_some() => cell.push('"'),
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            other => cell.push(other),
        }
    }
    cells
}

fn list<'a>(facts: &'a Value, name: &str) -> &'a [Value] {
    facts[name].as_sequence().unwrap_or_else(|| panic!("{FACTS} has no list `{name}`"))
}

fn word<'a>(of: &'a Value, name: &str) -> &'a str {
    of[name].as_str().unwrap_or_else(|| panic!("no `{name}` in {of:?}"))
}

fn sorted<'a>(words: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut words: Vec<&str> = words.into_iter().collect();
    words.sort_unstable();
    words
}
