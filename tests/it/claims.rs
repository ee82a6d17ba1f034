//! What is counted of policy claims, against facts that are chosen here: claims paid soon and late,
//! refused, corrected, without anything due, rated well, badly and not at all. The expected figures
//! are made of the diary alone, with `office_hours`.

use jiff::civil::{Date, DateTime};
use prost_types::Value;
use sanbang::api::pb;
use sanbang::definition::sources::Sources;

use super::api_fixture::{START, Server, by, fields, number, text};
use super::office_hours::{
    close_after, decimal, hundredths_of_days, local, milliseconds, ranked, worked,
};
use Step::{Confirm, Leave, Match, Open, Pay, Redo, Resume, Review, Suspend};

/// Projects with their industry, which is their group, and its officer and leader.
const PROJECTS: [(&str, &str, &str, &str); 3] = [
    ("glass", "smart_sensors", "sensors_officer_1", "sensors_leader"),
    ("anode", "new_energy_materials", "materials_officer_1", "materials_leader"),
    ("stent", "medical_devices", "medical_officer_1", "medical_leader"),
];

/// Something that is done for a claim.
#[derive(Clone, Copy)]
enum Step {
    /// The claim is begun.
    Open,
    /// A clause is matched, or nothing is due.
    Match(&'static str),
    /// Both departments agree, or refuse.
    Review(&'static str),
    /// The money is sent.
    Pay,
    /// The enterprise is asked: what came of it, how much in tenths of 10,000 CNY, its rating.
    Confirm(&'static str, i64, Option<u8>),
    /// The confirmation was wrong and is to be given again.
    Redo,
    /// The whole project stands still, and goes on.
    Suspend,
    Resume,
    /// The claim is closed.
    Leave,
}

/// What happens, when, to the claim that is open in a project.
const DIARY: [(&str, &str, Step); 44] = [
    // Paid soon; the amount was misread first.
    ("2025-01-06 09:30", "glass", Open),
    ("2025-01-06 09:40", "glass", Match("matched")),
    ("2025-01-07 10:00", "glass", Review("agree")),
    ("2025-01-08 14:00", "anode", Open),
    // Refused, and rated badly.
    ("2025-01-08 14:20", "anode", Match("matched")),
    ("2025-01-10 10:00", "anode", Review("refuse")),
    ("2025-01-10 16:00", "anode", Confirm("refused", 0, Some(2))),
    ("2025-01-13 09:00", "anode", Leave),
    // Paid before the festival, and closed after it.
    ("2025-01-13 10:00", "stent", Open),
    ("2025-01-13 10:10", "stent", Match("matched")),
    ("2025-01-14 09:30", "stent", Review("agree")),
    ("2025-01-15 10:00", "glass", Pay),
    ("2025-01-15 11:00", "glass", Confirm("paid", 800, Some(5))),
    ("2025-01-15 11:10", "glass", Redo),
    ("2025-01-15 11:20", "glass", Confirm("paid", 600, Some(4))),
    ("2025-01-15 11:30", "glass", Leave),
    // Paid late, over the festival and its worked weekend, and not rated.
    ("2025-01-20 09:00", "glass", Open),
    ("2025-01-20 09:10", "glass", Match("matched")),
    ("2025-01-22 10:00", "stent", Pay),
    ("2025-01-23 15:00", "glass", Review("agree")),
    ("2025-01-24 16:00", "stent", Confirm("paid", 125, Some(3))),
    ("2025-02-06 09:00", "stent", Leave),
    // Stands still for some days.
    ("2025-02-06 10:00", "stent", Open),
    ("2025-02-06 10:30", "stent", Match("matched")),
    ("2025-02-07 11:00", "stent", Review("agree")),
    // Nothing is due.
    ("2025-02-10 09:00", "anode", Open),
    ("2025-02-10 09:30", "anode", Match("nothing_due")),
    ("2025-02-10 10:00", "anode", Leave),
    ("2025-02-17 10:00", "glass", Pay),
    ("2025-02-17 16:00", "glass", Confirm("paid", 300, None)),
    ("2025-02-18 09:00", "stent", Suspend),
    ("2025-02-18 09:30", "glass", Leave),
    ("2025-02-20 12:00", "stent", Resume),
    ("2025-02-21 10:00", "stent", Pay),
    ("2025-02-21 11:00", "stent", Confirm("paid", 90, Some(1))),
    ("2025-02-24 09:00", "stent", Leave),
    // Paid in an afternoon at most, once the notice is over.
    ("2025-02-24 14:00", "anode", Open),
    ("2025-02-24 14:05", "anode", Match("matched")),
    ("2025-02-24 14:10", "anode", Review("agree")),
    ("2025-03-04 09:00", "anode", Pay),
    ("2025-03-04 09:10", "anode", Confirm("paid", 45, Some(5))),
    ("2025-03-04 09:20", "anode", Leave),
    // Still open at the end.
    ("2025-03-05 09:00", "glass", Open),
    ("2025-03-05 09:10", "glass", Match("matched")),
];

/// Periods: all of the time, one month each, and one in which nothing happens.
const PERIODS: [(&str, &str); 5] = [
    ("", ""),
    ("2025-01-01", "2025-01-31"),
    ("2025-02-01", "2025-02-28"),
    ("2025-03-01", "2025-03-31"),
    ("2024-01-01", "2024-12-31"),
];

/// What the diary says of a claim.
#[derive(Clone, Default)]
struct Claim {
    group: &'static str,
    opened: DateTime,
    left: Option<DateTime>,
    /// What does not count: the public notice, and when the project stood still.
    excluded: Vec<(DateTime, DateTime)>,
    /// When, what, how much, and the rating.
    confirmed: Option<(DateTime, &'static str, i64, Option<u8>)>,
}

impl Claim {
    /// Working time from its beginning to its end, in hundredths of days.
    fn days(&self) -> Option<i64> {
        let excluded: i64 = self.excluded.iter().map(|(from, to)| worked(*from, *to)).sum();
        self.left.map(|left| hundredths_of_days(worked(self.opened, left) - excluded))
    }
}

/// The claims of which the first pages of the diary tell.
fn claims(pages: usize) -> Vec<Claim> {
    let mut claims: Vec<(&str, Claim)> = Vec::new();
    for (at, project, step) in &DIARY[..pages] {
        let at = local(at);
        if let Open = step {
            let group = PROJECTS.iter().find(|it| it.0 == *project).unwrap().1;
            claims.push((project, Claim { group, opened: at, ..Claim::default() }));
        }
        let (_, claim) = claims.iter_mut().rev().find(|(of, _)| of == project).unwrap();
        match step {
            Review("agree") => claim.excluded.push((at, close_after(at, 5))),
            Suspend => claim.excluded.push((at, at)),
            Resume => claim.excluded.last_mut().unwrap().1 = at,
            Confirm(what, tenths, rating) => claim.confirmed = Some((at, what, *tenths, *rating)),
            Redo => claim.confirmed = None,
            Leave => claim.left = Some(at),
            Open | Match(_) | Review(_) | Pay => {}
        }
    }
    claims.into_iter().map(|(_, claim)| claim).collect()
}

/// The figures that these claims make in a period, for one group or for all.
fn expected(claims: &[Claim], (from, to): (&str, &str), group: &str) -> Vec<String> {
    let day = |text: &str| text.parse::<Date>().ok();
    let (from, to) = (day(from).unwrap_or(Date::MIN), day(to).unwrap_or(Date::MAX));
    let holds = |at: DateTime| (from..=to).contains(&at.date());
    let of_group = || claims.iter().filter(|claim| group.is_empty() || claim.group == group);
    let confirmed = || of_group().filter_map(|it| it.confirmed).filter(|it| holds(it.0));

    let paid: Vec<i64> = confirmed().filter(|it| it.1 == "paid").map(|it| it.2).collect();
    let mut told = vec![format!(
        "claims_paid period sum {} of / n={}",
        decimal(paid.iter().sum(), 1),
        paid.len()
    )];

    let closed = of_group().filter(|claim| claim.left.is_some_and(holds));
    let fulfilled = closed.filter(|it| it.confirmed.is_some_and(|it| it.1 == "paid"));
    let days: Vec<i64> = fulfilled.filter_map(Claim::days).collect();
    for (measure, of_hundred) in [("p50", 50), ("p90", 90), ("max", 100)] {
        let value = ranked(&days, of_hundred).map(|days| decimal(days, 2)).unwrap_or_default();
        told.push(format!("claim_time period {measure} {value} of / n={}", days.len()));
    }

    let ratings: Vec<u8> = confirmed().filter_map(|it| it.3).collect();
    let (good, all) = (ratings.iter().filter(|it| **it >= 4).count(), ratings.len());
    let share = (good * 10_000 + all / 2).checked_div(all);
    let share = share.map(|share| decimal(i64::try_from(share).unwrap(), 4)).unwrap_or_default();
    told.push(format!("claim_satisfaction cohort ratio {share} of {good}/{all} n={all}"));
    told
}

/// The figures that the server tells.
async fn told(server: &Server, (from, to): (&str, &str), group: &str) -> Vec<String> {
    let names = ["claims_paid", "claim_time", "claim_satisfaction"];
    let filter = if group.is_empty() { String::new() } else { format!("group = \"{group}\"") };
    let request = pb::LedgerServiceIndicatorsRequest {
        indicators: names.map(str::to_owned).to_vec(),
        from: from.to_owned(),
        to: to.to_owned(),
        filter,
        ..Default::default()
    };
    let asked = server.ledgers().indicators(by("coordinator_1", request)).await.unwrap();
    let mut told = Vec::new();
    for report in asked.into_inner().indicators {
        for it in &report.figures {
            let basis = it.basis().as_str_name().trim_start_matches("FIGURE_BASIS_");
            let (basis, id) = (basis.to_lowercase(), &report.id);
            let (numerator, denominator) = (&it.numerator, &it.denominator);
            told.push(format!(
                "{id} {basis} {} {} of {numerator}/{denominator} n={}",
                it.measure, it.value, it.n
            ));
        }
    }
    told
}

/// Does a step of the diary. What is not the steward's own is done by who holds it.
async fn live(server: &Server, project: &str, step: Step) {
    let (instance, stage) = (project.to_owned(), "policy_fulfilment".to_owned());
    let (_, _, steward, leader) = *PROJECTS.iter().find(|it| it.0 == project).unwrap();
    let complete = async |task: &str, outcome: &str, form: &[(&str, Value)]| {
        server.complete(steward, (project, task), outcome, form).await;
    };
    match step {
        Open => {
            let request =
                pb::InstanceServiceOpenStageRequest { instance, stage, ..Default::default() };
            server.instances().open_stage(by(steward, request)).await.unwrap();
        }
        Match("nothing_due") => complete("match_clause", "nothing_due", &[]).await,
        Match(outcome) => complete("match_clause", outcome, &[("clause", text("4"))]).await,
        Review(outcome) => {
            for _department in ["economy", "finance"] {
                complete("claim_review", outcome, &[]).await;
            }
        }
        Pay => complete("payment", "", &[]).await,
        Confirm(outcome, tenths, rating) => {
            let amount = f64::from(i32::try_from(tenths).unwrap()) / 10.0;
            let mut form = vec![match outcome {
                "paid" => ("amount", number(amount)),
                _ => ("reason", text("The output was not reached")),
            }];
            form.extend(rating.map(|rating| ("rating", number(rating.into()))));
            complete("confirm_claim", outcome, &form).await;
        }
        Redo => {
            let tasks = server.seen_by(steward, project).await.tasks;
            let mut references = tasks.into_iter().rev().filter_map(|task| task.reference);
            let task = references.find(|it| it.id == "confirm_claim").unwrap().number;
            let reason = "The amount was misread".to_owned();
            let request =
                pb::TaskServiceRedoRequest { instance, task, reason, ..Default::default() };
            server.tasks().redo(by(steward, request)).await.unwrap();
        }
        Suspend => {
            let reason = "The enterprise moves".to_owned();
            let request =
                pb::InstanceServiceSuspendRequest { instance, reason, ..Default::default() };
            server.instances().suspend(by(leader, request)).await.unwrap();
        }
        Resume => {
            let request = pb::InstanceServiceResumeRequest { instance, ..Default::default() };
            server.instances().resume(by(leader, request)).await.unwrap();
        }
        Leave => {
            let request =
                pb::InstanceServiceAdvanceRequest { instance, stage, ..Default::default() };
            server.instances().advance(by(steward, request)).await.unwrap();
        }
    }
}

/// The shipped files; claims may be made from the first stage on, so that no signing is needed.
fn configuration() -> Sources {
    let mut sources = Sources::embedded();
    let path = "workflows/investment_project.yaml";
    let fulfilment = "    opens_from: signing\n    recurring: true\n";
    let earlier = fulfilment.replace("signing", "lead_tracking");
    let edited = sources.files[path].replacen(fulfilment, &earlier, 1);
    assert_ne!(edited, *sources.files[path], "claims are opened from the signing on");
    sources.files.insert(path.to_owned(), edited.into());
    sources
}

#[tokio::test]
async fn the_figures_of_claims_are_those_of_the_diary_whatever_is_asked() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_with(directory.path(), configuration()).await;
    for (project, industry, steward, _) in PROJECTS {
        let given = [
            ("project_name", text(project)),
            ("investor", text(project)),
            ("industry", text(industry)),
            ("claim_mode", text("no_application")),
        ];
        let request = pb::InstanceServiceCreateRequest {
            instance: project.to_owned(),
            workflow: "investment_project".to_owned(),
            fields: Some(fields(&given)),
            steward: steward.to_owned(),
            ..Default::default()
        };
        server.instances().create(by("coordinator_1", request)).await.unwrap();
    }
    // Nothing is claimed yet: there is nothing to divide by, and no time to tell.
    let nothing = told(&server, ("", ""), "").await;
    assert_eq!(nothing, expected(&[], ("", ""), ""));
    assert_eq!(nothing[4], "claim_satisfaction cohort ratio  of 0/0 n=0");
    for (page, (at, project, step)) in (1..).zip(DIARY) {
        let at = milliseconds(local(at));
        assert!(at > START.0);
        server.advance_clock_to("team_head", at).await;
        live(&server, project, step).await;
        let so_far = told(&server, ("", ""), "").await;
        assert_eq!(so_far, expected(&claims(page), ("", ""), ""), "after {:?}", DIARY[page - 1].0);
    }
    let all = claims(DIARY.len());
    let groups = PROJECTS.map(|(_, group, ..)| group);
    for period in PERIODS {
        for group in groups.into_iter().chain(["", "commerce_logistics"]) {
            let told = told(&server, period, group).await;
            assert_eq!(told, expected(&all, period, group), "{period:?} {group}");
        }
    }
    server.stop().await;
}
