//! The files that come with the program: they compile, and nothing in them is worth a warning.

use sanbang::definition::render::{self, Style};
use sanbang::definition::sources::Sources;
use sanbang::definition::{compile, compile_published};

#[test]
fn shipped_files_compile_without_a_finding() {
    let sources = Sources::embedded();
    let compilation = compile(&sources);
    let found = render::human(&compilation.diagnostics, &sources, Style::Plain);
    assert!(compilation.diagnostics.is_empty(), "{found}");
    let names: Vec<&str> =
        compilation.workflows.iter().map(|each| each.workflow.id.as_str()).collect();
    let shipped = [
        "approval_agency",
        "coordination_request",
        "enterprise_demand",
        "enterprise_dossier",
        "handover",
        "investment_project",
        "matchmaking",
        "policy_declaration",
        "promotion_trip",
        "recruitment_event",
        "visit_campaign",
    ];
    assert_eq!(names, shipped);
    assert_eq!(compilation.organization_digest.len(), 64);
}

#[test]
fn the_shipped_directory_is_what_is_embedded() {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let (read, findings) = Sources::read_dir(directory).expect("the repository can be listed");
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!(read, Sources::embedded());
}

#[test]
fn a_pinned_version_compiles_from_its_own_files_alone() {
    let compilation = compile(&Sources::embedded());
    for each in &compilation.workflows {
        assert!(each.pinned.files.keys().all(|path| !path.contains("organization")));
        let published = compile_published(&each.pinned, 3).expect("it compiled before");
        assert_eq!(published.version, 3);
        assert_eq!(published.digest, each.workflow.digest);
        assert_eq!(published.digest, each.pinned.digest());
        assert_eq!(published.stages.len(), each.workflow.stages.len());
    }
}
