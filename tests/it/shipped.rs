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

/// The shipped files with another text at a path.
fn with(path: &str, text: String) -> Sources {
    let mut sources = Sources::embedded();
    sources.files.insert(path.to_owned(), text.into());
    sources
}

/// A zone is the whole that a configuration is for: whoever is asked for anything, the way up leads
/// through its director to the city, and a role of nobody's is told of.
#[test]
fn everybody_in_the_zone_answers_to_its_director() {
    let organization = compile(&Sources::embedded()).organization;
    let above = |name: &str| {
        let role = organization.roles.iter().find(|role| role.id.as_str() == name);
        let group = organization.groups.iter().find(|group| group.id.as_str() == name);
        let above =
            role.map_or_else(|| group.and_then(|it| it.above.as_ref()), |it| it.above.as_ref());
        above.map(|role| role.as_str().to_owned())
    };
    let roles = organization.roles.iter().map(|role| role.id.as_str());
    let groups = organization.groups.iter().map(|group| group.id.as_str());
    let mut asked = 0;
    for name in roles.chain(groups).filter(|name| *name != "city_office") {
        let way: Vec<String> =
            std::iter::successors(Some(name.to_owned()), |last| above(last)).collect();
        let top: Vec<&str> = way.iter().rev().take(2).map(String::as_str).collect();
        assert_eq!(top, ["city_office", "zone_director"], "the way up from {name}: {way:?}");
        asked += 1;
    }
    assert!(asked > 30, "only {asked} roles and groups");
}

/// Another zone writes one file: its people. Not a word of the workflows changes with them.
#[test]
fn another_zone_puts_its_own_people_into_one_file() {
    const PEOPLE: &str = "rules/organization.yaml";
    let ours = compile(&Sources::embedded());
    let text = &Sources::embedded().files[PEOPLE];
    let mut theirs = text.to_string();
    for member in &ours.organization.members {
        let (id, other) = (format!("\n  {}:", member.id), format!("\n  hefei_{}:", member.id));
        assert!(theirs.contains(&id), "{} stands in the file", member.id);
        theirs = theirs.replace(&id, &other);
    }
    let sources = with(PEOPLE, theirs);
    let theirs = compile(&sources);
    let found = render::human(&theirs.diagnostics, &sources, Style::Plain);
    assert!(theirs.diagnostics.is_empty(), "{found}");
    assert!(theirs.organization.members.iter().all(|it| it.id.as_str().starts_with("hefei_")));
    assert_ne!(theirs.organization_digest, ours.organization_digest);
    let digests = |all: &sanbang::definition::Compilation| -> Vec<String> {
        all.workflows.iter().map(|it| it.workflow.digest.clone()).collect()
    };
    assert_eq!(digests(&theirs), digests(&ours));
}

/// More time is given by one rule everywhere: asked for a working day before due, at most half the
/// first time, the director from the third time on. Only the deputy director prolongs a suspension.
#[test]
fn every_companion_gives_more_time_by_the_same_rule() {
    let compilation = compile(&Sources::embedded());
    let companions = compilation.workflows.iter().map(|it| &it.workflow);
    for workflow in companions.filter(|it| it.id.as_str() != "investment_project") {
        let suspension = workflow.suspension.as_ref().expect("it can be suspended");
        let prolong: Vec<&str> =
            suspension.extensions.approvers.iter().map(|it| it.role.as_str()).collect();
        assert_eq!(prolong, ["zone_deputy_director"], "{}", workflow.id);
        for task in workflow.stages.iter().flat_map(|stage| &stage.tasks) {
            let place = format!("{} of {}", task.id, workflow.id);
            let before = task.extensions.ask_before.map(|amount| amount.to_string());
            assert_eq!(before.as_deref(), Some("1wd"), "{place}");
            let [first, second, last] = task.extensions.approvers.as_slice() else {
                panic!("{place}: three approvers")
            };
            assert_eq!((first.at_most, second.at_most, last.at_most), (Some(50), None, None));
            assert_eq!(last.role.as_str(), "zone_director", "{place}");
        }
    }
}

/// An enterprise need not know departments and procedures: of every step of a declaration and of an
/// agency both languages say what it is, what is to be done and who does it; what is handed in, and
/// what is filled in, as well.
#[test]
fn every_step_for_an_enterprise_is_guided_in_both_languages() {
    let is_chinese = |letter: char| ('\u{4e00}'..='\u{9fff}').contains(&letter);
    let compilation = compile(&Sources::embedded());
    let organization = &compilation.organization;
    let titled = |name: &str| {
        let role = organization.roles.iter().find(|it| it.id.as_str() == name).map(|it| &it.title);
        let group = || organization.groups.iter().find(|it| it.id.as_str() == name);
        role.or_else(|| group().map(|it| &it.title)).cloned().expect("a role or a group")
    };
    let mut guided = 0;
    for name in ["policy_declaration", "approval_agency"] {
        let found = compilation.workflows.iter().find(|it| it.workflow.id.as_str() == name);
        for stage in &found.expect("it is shipped").workflow.stages {
            for task in &stage.tasks {
                let mut texts = vec![task.title.clone(), task.guide.clone()];
                texts.extend(task.roles.iter().map(|role| titled(role.as_str())));
                texts.extend(task.checklist.iter().map(|item| item.title.clone()));
                texts.extend(task.form.iter().map(|field| field.title.clone()));
                for text in texts {
                    let place = format!("{} of {name}: {text:?}", task.id);
                    assert!(text.zh.chars().any(is_chinese), "{place}");
                    assert!(!text.en.trim().is_empty(), "{place}");
                    assert!(!text.en.chars().any(is_chinese), "{place}");
                }
                assert!(
                    task.guide.en.split_whitespace().count() >= 5,
                    "{}: {:?}",
                    task.id,
                    task.guide
                );
                guided += 1;
            }
        }
    }
    assert!(guided >= 25, "only {guided} steps");
}
