//! Approvals handled for an enterprise, from the list of items to the rating, and what is counted
//! of the ratings.
#![expect(clippy::unwrap_used, reason = "a test ends where something does not work")]

use sanbang::api::pb;
use sanbang::definition::sources::Sources;

use super::api_fixture::{Server, boolean, by, fields, number, text};

/// An agency for a leased factory, from the list of items to the rating that the enterprise gives.
async fn finish_agency(server: &Server, instance: &str, rating: &str) {
    let given = [
        ("project_name", text("Pressure sensors")),
        ("enterprise", text("River Bend")),
        ("site_mode", text("leased_factory")),
        ("mandate", text("W-13")),
        ("items_total", number(2.0)),
        ("needs_environment", boolean(false)),
        ("needs_energy", boolean(false)),
        ("needs_safety", boolean(false)),
        ("trips_saved", number(4.0)),
        ("rating", text(rating)),
    ];
    let request = pb::InstanceServiceCreateRequest {
        instance: instance.to_owned(),
        workflow: "approval_agency".to_owned(),
        fields: Some(fields(&given)),
        steward: "sensors_officer_1".to_owned(),
        ..Default::default()
    };
    server.instances().create(by("coordinator_1", request)).await.unwrap();
    loop {
        let seen = server.seen_by("coordinator_1", instance).await;
        if seen.status() == pb::InstanceStatus::Completed {
            return;
        }
        let open = seen.tasks.into_iter().filter(|task| task.end.is_none());
        let open: Vec<String> = open.map(|task| task.reference.unwrap().id).collect();
        for task in &open {
            let outcome = if task == "conclude" { "all_obtained" } else { "" };
            let form = (task == "name_agents").then(|| ("names", text("Two")));
            server.complete("coordinator_1", (instance, task), outcome, form.as_slice()).await;
        }
        if open.is_empty() {
            let instance = instance.to_owned();
            let request = pb::InstanceServiceAdvanceRequest { instance, ..Default::default() };
            server.instances().advance(by("sensors_officer_1", request)).await.unwrap();
        }
    }
}

#[tokio::test]
async fn satisfaction_with_approvals_counts_those_that_were_closed_and_rated() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_with(directory.path(), Sources::embedded()).await;
    for rating in ["satisfied", "basically_satisfied", "unsatisfied", "unrated"] {
        finish_agency(&server, &format!("agency-{rating}"), rating).await;
    }
    let request = pb::LedgerServiceIndicatorsRequest {
        indicators: vec!["agency_satisfaction".to_owned(), "agency_items".to_owned()],
        ..Default::default()
    };
    let asked = server.ledgers().indicators(by("coordinator_1", request)).await.unwrap();
    let mut reports = asked.into_inner().indicators;
    let items: Vec<_> = reports.remove(1).figures.into_iter().map(|it| it.value).collect();
    assert_eq!(items, ["8"], "two of each");
    let report = reports.remove(0);
    let told = report.figures.iter().map(|it| {
        let reached = it.target.as_ref().and_then(|target| target.reached);
        format!("{:?} {}/{} of {}, {reached:?}", it.basis(), it.numerator, it.denominator, it.n)
    });
    assert_eq!(told.collect::<Vec<_>>(), ["Cohort 2/3 of 3, Some(false)"]);
    server.stop().await;
}
