//! Repeats after the rules were edited: the answer to a request is what it was the first time,
//! whatever was published in between.
#![expect(clippy::unwrap_used, reason = "a test ends where something does not work")]

use sanbang::api::pb;

use super::api_fixture::*;

fn with_key(workflow: &str, key: &str) -> String {
    workflow.replace("fields:\n  applicant", &format!("key: [{key}]\nfields:\n  applicant"))
}

fn begin(request_id: &str) -> pb::InstanceServiceCreateRequest {
    let values = [("applicant", text("Ann Ltd")), ("tier", text("gold")), ("area", text("12.5"))];
    pb::InstanceServiceCreateRequest {
        workflow: "permit".to_owned(),
        request_id: request_id.to_owned(),
        fields: Some(fields(&values)),
        with_similar: true,
        ..Default::default()
    }
}

async fn publish(server: &Server, content: String) {
    let files = vec![pb::SourceFile { path: "workflows/permit.yaml".to_owned(), content }];
    let publish = pb::WorkflowServicePublishRequest { files };
    server.workflows().publish(by("chief", publish)).await.unwrap();
}

/// The instance and the revision of what was begun.
async fn begun(server: &Server, request_id: &str) -> (String, u64) {
    let answer = server.instances().create(by("anna", begin(request_id))).await.unwrap();
    let accepted = answer.into_inner().accepted.unwrap();
    (accepted.instance, accepted.revision)
}

async fn count(server: &Server) -> usize {
    let list = pb::InstanceServiceListRequest::default();
    server.instances().list(by("anna", list)).await.unwrap().into_inner().instances.len()
}

#[tokio::test]
async fn a_repeat_is_known_whatever_was_published_since() {
    let required = WORKFLOW.replace(
        "tier: { type: choice, of: [gold, silver], indexed: true }",
        "tier: { type: choice, of: [gold, silver], required: true, indexed: true }",
    );
    let (one, two) = (with_key(&required, "applicant"), with_key(&required, "applicant, tier"));
    let retyped =
        one.replace("area: { type: decimal, unit: m2, at_least: 0 }", "area: { type: boolean }");
    assert_ne!(retyped, one);
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    let without = begun(&server, "r-0").await;
    publish(&server, one.clone()).await;
    assert_eq!(begun(&server, "r-0").await, without, "the workflow has a key now");
    let first = begun(&server, "r-1").await;
    assert_ne!(first, without);
    for (content, why) in [
        (two, "another key"),
        (retyped, "a field is of another type"),
        (required, "no key any more"),
        (one.replace("  area: ", "  surface: ").replace("[area]", "[surface]"), "a field is gone"),
    ] {
        publish(&server, content).await;
        assert_eq!(begun(&server, "r-1").await, first, "{why}");
        assert_eq!(begun(&server, "r-0").await, without, "{why}");
    }
    // By what is active now the key has no value any more: `gold` is no word of its field.
    let by_tier =
        with_key(&WORKFLOW.replace("[gold, silver], ", "[gold, silver], required: true, "), "tier");
    publish(&server, by_tier.clone()).await;
    let keyed = begun(&server, "r-3").await;
    publish(&server, by_tier.replace("[gold, silver]", "[silver]")).await;
    assert_eq!(begun(&server, "r-3").await, keyed, "a word of the key is gone");
    let retire = pb::WorkflowServiceActivateRequest { workflow: "permit".to_owned(), version: 0 };
    server.workflows().activate(by("chief", retire)).await.unwrap();
    assert_eq!(begun(&server, "r-1").await, first, "the workflow is retired");
    assert_eq!(count(&server).await, 3, "three requests, three instances");

    let mut reused = begin("r-1");
    reused.with_similar = false;
    let refused = server.instances().create(by("anna", reused)).await;
    assert_eq!(refusal(refused), "InvalidArgument REQUEST_ID_REUSED");
    let late = server.instances().create(by("anna", begin("r-2"))).await;
    assert_eq!(refusal(late), "NotFound WORKFLOW_NOT_ACTIVE");
    server.stop().await;
}
