//! A client that was not written here: Python's grpcio, by reflection, without any of our generated
//! code, against a real server.

use std::process::Command;

use sanbang::definition::sources::Sources;

use super::api_fixture::Server;

const CLIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/python/lifecycle.py");

/// A Python that has these modules, or a word about why there is none.
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
pub(crate) fn python(modules: &str) -> Option<String> {
    let python = std::env::var("SANBANG_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let has = Command::new(&python).args(["-c", &format!("import {modules}")]).output();
    if has.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    let skips_are_failures = std::env::var("SANBANG_FORBID_SKIPS").is_ok_and(|it| it == "1");
    assert!(!skips_are_failures, "`{python}` has not {modules}");
    println!("skipped: `{python}` has not {modules}");
    None
}

#[tokio::test]
async fn a_foreign_client_drives_a_project_through_twelve_stages() {
    let Some(python) = python("grpc, grpc_reflection") else { return };
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_with(directory.path(), Sources::embedded()).await;
    let address = server.address.to_string();
    let run = move || Command::new(python).args([CLIENT, &address]).output();
    let output = tokio::task::spawn_blocking(run).await.unwrap().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    insta::assert_snapshot!(String::from_utf8_lossy(&output.stdout), @r"
    done: lead_tracking
    done: assessment
    done: negotiation
    done: pre_review
    done: signing
    done: project_approval
    done: land_supply
    done: construction
    done: policy_fulfilment
    done: commissioning
    done: task_force
    done: on_site_support
    INSTANCE_STATUS_COMPLETED: 12 stages
    every event once, over several connections
    by a stream: 101 accepted, 1 refused
    ");
    server.stop().await;
}
