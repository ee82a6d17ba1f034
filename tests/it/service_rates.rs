//! What the shipped indicators count of service and of promises: emergencies as well, and nothing
//! that is not due yet.
#![expect(clippy::unwrap_used, reason = "a test ends where something does not work")]

use sanbang::api::pb;
use sanbang::definition::sources::Sources;

use super::api_fixture::{START, Server, boolean, by, fields, number, text};

async fn create(
    server: &Server,
    instance: &str,
    workflow: &str,
    given: &[(&str, prost_types::Value)],
) {
    let request = pb::InstanceServiceCreateRequest {
        instance: instance.to_owned(),
        workflow: workflow.to_owned(),
        fields: Some(fields(given)),
        steward: "sensors_officer_1".to_owned(),
        ..Default::default()
    };
    server.instances().create(by("coordinator_1", request)).await.unwrap();
}

/// The figures by cohort of an indicator.
async fn shares(server: &Server, indicator: &str) -> Vec<String> {
    let request = pb::LedgerServiceIndicatorsRequest {
        indicators: vec![indicator.to_owned()],
        ..Default::default()
    };
    let asked = server.ledgers().indicators(by("coordinator_1", request)).await.unwrap();
    let report = asked.into_inner().indicators.remove(0);
    let by_cohort = report.figures.iter().filter(|it| it.basis() == pb::FigureBasis::Cohort);
    by_cohort.map(|it| format!("{}/{}", it.numerator, it.denominator)).collect()
}

#[tokio::test]
async fn an_emergency_that_nobody_answered_counts_in_the_response_rate() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_with(directory.path(), Sources::embedded()).await;
    for urgency in ["normal", "urgent"] {
        let given = [
            ("enterprise", text("River Bend")),
            ("industry", text("smart_sensors")),
            ("source", text("hotline")),
            ("content", text("The gate does not open")),
            ("category", text("safety")),
            ("urgency", text(urgency)),
        ];
        create(&server, urgency, "enterprise_demand", &given).await;
    }
    server.complete("coordinator_1", ("normal", "respond"), "", &[]).await;
    server.advance_clock_to("team_head", START.0 + 5 * 3_600_000).await;
    assert_eq!(shares(&server, "demand_response_rate").await, ["1/2"]);
    server.stop().await;
}

#[tokio::test]
async fn hires_and_the_time_to_a_payment_are_counted_from_what_is_filled_in() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_with(directory.path(), Sources::embedded()).await;
    for (event, hires) in [("spring", 30.0), ("autumn", 12.0)] {
        let given = [
            ("name", text(event)),
            ("mode", text("online")),
            ("event_on", text("2025-01-20")),
            ("hires_30", number(hires)),
        ];
        create(&server, event, "recruitment_event", &given).await;
    }
    for (enterprise, paid_on) in [("early", "2025-01-10"), ("late", "2025-01-17")] {
        let given = [
            ("enterprise", text(enterprise)),
            ("industry", text("smart_sensors")),
            ("measure", text("other")),
            ("paid_on", text(paid_on)),
        ];
        create(&server, enterprise, "policy_declaration", &given).await;
    }
    let names = ["hires", "declaration_time"];
    let request = pb::LedgerServiceIndicatorsRequest {
        indicators: names.map(str::to_owned).to_vec(),
        ..Default::default()
    };
    let asked = server.ledgers().indicators(by("coordinator_1", request)).await.unwrap();
    let told = asked.into_inner().indicators.into_iter().map(|report| {
        let figures = report.figures.iter().map(|it| it.value.clone());
        format!("{}: {}", report.id, figures.collect::<Vec<_>>().join(" "))
    });
    assert_eq!(told.collect::<Vec<_>>(), ["hires: 42", "declaration_time: 4 9 9"]);
    server.stop().await;
}

/// A demand that is closed in the follow-up, or is not solved.
async fn follow_up(server: &Server, instance: &str, outcome: &str) {
    let given = [
        ("enterprise", text("River Bend")),
        ("industry", text("smart_sensors")),
        ("source", text("hotline")),
        ("content", text("Where is the form")),
        ("category", text("policy")),
        ("complexity", text("consult")),
        ("resolved_on_site", boolean(true)),
        ("solution", text("Here it is")),
        ("evidence", text("Note of the call")),
    ];
    create(server, instance, "enterprise_demand", &given).await;
    let form = [("remark", text("As it is"))];
    server.complete("coordinator_1", (instance, "call_back"), outcome, &form).await;
}

#[tokio::test]
async fn the_resolution_rate_is_what_enterprises_say() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_with(directory.path(), Sources::embedded()).await;
    for (instance, outcome) in
        [("one", "solved"), ("two", "explained_accepted"), ("three", "unsolved")]
    {
        follow_up(&server, instance, outcome).await;
    }
    assert_eq!(shares(&server, "demand_resolution_rate").await, ["1/3"]);
    // What was noted down wrongly is asked again, and counts once.
    let tasks = server.seen_by("coordinator_1", "three").await.tasks;
    let mut references = tasks.into_iter().filter_map(|task| task.reference);
    let request = pb::TaskServiceRedoRequest {
        instance: "three".to_owned(),
        task: references.find(|it| it.id == "call_back").unwrap().number,
        reason: "It was the other firm".to_owned(),
        ..Default::default()
    };
    server.tasks().redo(by("sensors_officer_1", request)).await.unwrap();
    assert_eq!(shares(&server, "demand_resolution_rate").await, ["1/2"]);
    let form = [("remark", text("As it is"))];
    server.complete("coordinator_1", ("three", "call_back"), "solved", &form).await;
    assert_eq!(shares(&server, "demand_resolution_rate").await, ["2/3"]);
    server.stop().await;
}

#[tokio::test]
async fn a_start_counts_as_due_once_it_is_signed_and_its_day_has_come() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_with(directory.path(), Sources::embedded()).await;
    let projects = [
        ("started", Some("2024-06-03"), "2024-12-02", Some("2024-12-02")),
        ("late", Some("2024-06-03"), "2024-12-03", None),
        ("later", Some("2024-06-03"), "2025-12-01", None),
        ("unsigned", None, "2024-12-04", None),
    ];
    for (instance, signed_on, planned_start, started_on) in projects {
        let mut given = vec![
            ("project_name", text(instance)),
            ("investor", text(instance)),
            ("industry", text("smart_sensors")),
            ("total_investment", number(100.0)),
            ("planned_start", text(planned_start)),
        ];
        given.extend(signed_on.map(|day| ("signed_on", text(day))));
        given.extend(started_on.map(|day| ("started_on", text(day))));
        create(&server, instance, "investment_project", &given).await;
    }
    assert_eq!(shares(&server, "start_rate").await, ["1/2"]);
    server.stop().await;
}
