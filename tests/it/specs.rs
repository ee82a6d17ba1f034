//! Specs: every scenario file passes, and together they use every way through the shipped workflow.
//!
//! A failing one prints its file, line and what happened; `sanbang test FILE` repeats it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sanbang::calendar::Calendar;
use sanbang::definition::compiled::Workflow;
use sanbang::definition::render;
use sanbang::definition::sources::Sources;
use sanbang::model::organization::Organization;
use sanbang::spec::{self, Coverage, Report, Setting};

use super::store_sample::{PAYLOADS, Seeded};

/// A compiled configuration.
pub(crate) struct House {
    pub(crate) workflows: Vec<Arc<Workflow>>,
    pub(crate) calendars: Vec<Calendar>,
    pub(crate) organization: Organization,
}

impl House {
    /// Reads and compiles a directory; findings fail the test.
    pub(crate) fn read(folder: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let (sources, unread) = Sources::read_dir(&root).expect("the folder can be read");
        assert!(unread.is_empty(), "{folder}: {} files cannot be read", unread.len());
        Self::compiled(&sources)
    }

    /// Compiles files; findings fail the test.
    pub(crate) fn compiled(sources: &Sources) -> Self {
        let compiled = sanbang::definition::compile(sources);
        let told = render::lines(&compiled.diagnostics);
        assert!(!compiled.has_errors(), "there are findings:\n{told}");
        let workflows = compiled.workflows.into_iter();
        Self {
            workflows: workflows.map(|compiled| Arc::new(compiled.workflow)).collect(),
            calendars: compiled.calendars,
            organization: compiled.organization,
        }
    }

    pub(crate) fn setting(&self) -> Setting<'_> {
        Setting {
            workflows: &self.workflows,
            calendars: &self.calendars,
            organization: &self.organization,
        }
    }
}

fn spec_files(folder: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = std::fs::read_dir(&root).expect("the folder of specs can be read");
    let paths = entries.map(|entry| entry.expect("an entry can be read").path());
    let mut files: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|end| end == "yaml")).collect();
    files.sort();
    files
}

fn run_all(house: &House, folder: &str) -> Vec<Report> {
    let mut reports = Vec::new();
    let mut wrong = String::new();
    for file in spec_files(folder) {
        let source: Arc<str> = std::fs::read_to_string(&file).expect("a spec can be read").into();
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned());
        let path: Arc<str> = format!("{folder}/{}", name.unwrap_or_default()).into();
        match spec::run(house.setting(), &path, &source) {
            Ok(report) => {
                for failure in &report.failures {
                    writeln!(wrong, "{path}:{}: {}", failure.line, failure.message)
                        .expect("a text can be written");
                }
                if !report.passed() && std::env::var_os("SANBANG_SPEC_LOG").is_some() {
                    wrong.push_str(&report.log(house.calendars.first()));
                    wrong.push('\n');
                }
                reports.push(report);
            }
            Err(findings) => {
                let findings: Vec<String> = vec![render::lines(&findings)];
                writeln!(wrong, "{}", findings.join("\n")).expect("a text can be written");
            }
        }
    }
    assert!(wrong.is_empty(), "specs that do not hold:\n{wrong}");
    reports
}

#[test]
fn the_engine_does_what_its_specs_say() {
    let house = House::read("tests/specs/config");
    let reports = run_all(&house, "tests/specs");
    assert!(reports.len() >= 9, "only {} specs were found", reports.len());
}

#[test]
fn the_shipped_workflows_do_what_their_specs_say() {
    let house = House::read(".");
    let reports = run_all(&house, "workflows/specs");
    assert!(reports.len() >= 90, "only {} specs were found", reports.len());

    let mut used: BTreeMap<String, Coverage> = BTreeMap::new();
    for report in reports {
        used.entry(report.workflow).or_default().ways.extend(report.coverage.ways);
    }
    let mut ways = 0;
    for workflow in &house.workflows {
        let all = Coverage::of_workflow(workflow);
        let used = used.remove(workflow.id.as_str()).unwrap_or_default();
        let unused: Vec<&String> = all.ways.difference(&used.ways).collect();
        assert!(unused.is_empty(), "ways of {} that no spec uses: {unused:#?}", workflow.id);
        ways += all.ways.len();
    }
    assert!(ways >= 120, "only {ways} ways were found");
}

/// An entry of the catalogue of measures may leave out each of its conditions, as its comment says.
#[test]
fn what_a_measure_does_not_ask_for_is_not_looked_at() {
    let (rules, spec) = ("rules/policies.rhai", "workflows/specs/declaration_paid.yaml");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source: Arc<str> = std::fs::read_to_string(root.join(spec)).expect("it is there").into();
    let whole = Sources::read_dir(root).expect("the folder can be read").0;
    for condition in ["            above_scale: true,\n", "            growth_percent: 10,\n"] {
        let mut sources = whole.clone();
        let edited = sources.files[rules].replacen(condition, "", 1);
        assert_ne!(edited, *sources.files[rules], "the condition stands there");
        sources.files.insert(rules.to_owned(), edited.into());
        let house = House::compiled(&sources);
        let report = spec::run(house.setting(), &spec.into(), &source).expect("it is a spec");
        let told: Vec<_> = report.failures.iter().map(|failure| &failure.message).collect();
        assert!(report.passed(), "without {condition}{told:#?}");
    }
}

#[test]
fn a_spec_that_does_not_hold_is_told_with_its_line() {
    let house = House::read("tests/specs/config");
    let source: Arc<str> =
        "spec: { en: Wrong }\nworkflow: house\nstart: 2025-03-03 10:00\nsteps:\n  \
         - create: { fields: { name: First } }\n    by: portal\n    then: { stage: build }\n"
            .into();
    let report =
        spec::run(house.setting(), &"wrong.yaml".into(), &source).expect("the file is a spec");
    let told: Vec<String> = report
        .failures
        .iter()
        .map(|failure| format!("{}: {}", failure.line, failure.message))
        .collect();
    assert_eq!(told, ["5: stage: expected `build`, but it is `plan`"]);
}

/// What goes wrong in a spec of the house, whose steps follow the creation of an instance.
fn told_of(steps: &str) -> Vec<String> {
    let house = House::read("tests/specs/config");
    let source = format!(
        "spec: {{ en: Wrong }}\nworkflow: house\nstart: 2025-03-03 10:00\nsteps:\n  \
         - create: {{ steward: bo, fields: {{ name: First }} }}\n    by: portal\n{steps}"
    );
    let report = spec::run(house.setting(), &"wrong.yaml".into(), &source.into());
    let report = report.expect("the file is a spec");
    report.failures.into_iter().map(|failure| failure.message).collect()
}

#[test]
fn a_step_that_would_not_do_what_it_says_is_refused() {
    let cases = [
        (
            "comment: Done, claim: draft",
            "the step says `claim` and `comment`: write a step for each",
        ),
        ("wait: {}, complete: draft", "the step says `wait` and `complete`: write a step for each"),
        ("wait: { days: 2 }", "`wait` takes no `days`"),
        ("resume: slowly", "`resume` takes nothing: write `resume: {}`"),
        (
            "complete: { task: draft, outcom: go }",
            "`complete` takes no `outcom`: did you mean `outcome`?",
        ),
        ("complete: { task: draft, comment: 5 }", "`complete`, `comment`: `5` is not a text"),
        ("complete: { task: draft, form: go }", "`complete`, `form`: `\"go\"` is not a map"),
        (
            "check: { task: draft, item: x, checked: 'no' }",
            "`check`, `checked`: `\"no\"` is not true or false",
        ),
        ("set_backups: [bo, 5]", "`5` is not a text"),
        ("complete_all: { except: [draff] }", "there is no task `draff`: did you mean `draft`?"),
    ];
    for (step, expected) in cases {
        assert_eq!(told_of(&format!("  - {{ {step} }}\n")), [expected], "{step}");
    }
}

#[test]
fn an_expectation_of_what_cannot_be_is_refused() {
    let cases = [
        ("tasks: { draff: none }", "there is no task `draff`: did you mean `draft`?"),
        (
            "tasks: { 'opinion[fier]': none }",
            "task `opinion` is not for `fier`: did you mean `fire`?",
        ),
        ("clocks: { task/draff: none }", "there is no task `draff`: did you mean `draft`?"),
        (
            "clocks: { steward_kontact: none }",
            "there is no clock `steward_kontact`: did you mean \
          `steward_contact`?",
        ),
        ("clocks: { plan/stag: none }", "there is no clock `stag`: did you mean `stage`?"),
        ("fields: { cots: null }", "there is no field `cots`: did you mean `cost`?"),
        (
            "no_events: [task.complete]",
            "there is no event `task.complete`: did you mean \
          `task.completed`?",
        ),
        (
            "no_events: [task.opened: { tsk: draft }]",
            "event `task.opened` has no `tsk`: did you \
          mean `task`?",
        ),
        (
            "events: [stage.entered: { stage: plan, too: none }]",
            "event `stage.entered` has no `too`: \
          there are `stage`, `attempt`",
        ),
        (
            "no_events: [task.opened: { task: draff }]",
            "there is no task `draff`: did you mean \
          `draft`?",
        ),
        ("no_events: [5]", "`5` is no event: write a kind, or one kind and what holds"),
        ("links: [{ relation: blocks, too: x }]", "a relation has no `too`: did you mean `to`?"),
    ];
    for (expectation, expected) in cases {
        let told = told_of(&format!("  - {{ wait: {{}}, then: {{ {expectation} }} }}\n"));
        assert_eq!(told.first().map(String::as_str), Some(expected), "{expectation}");
    }
    let missing = "  - { advance: {}, refused: { code: NOT_READY, missing: field:kind } }\n";
    let told = told_of(missing);
    assert!(told[0].starts_with("missing: expected `field:kind`"), "{told:?}");
    let mistyped = "  - { advance: {}, refused: { code: NOT_READY, missingg: [] } }\n";
    assert_eq!(told_of(mistyped), ["`refused` takes no `missingg`: did you mean `missing`?"]);
}

/// What an expectation may name of an event is what events tell.
#[test]
fn the_attributes_of_all_kinds_of_events_are_known() {
    for seed in 0..50 {
        for make in PAYLOADS {
            let payload = make(&mut Seeded::new(seed));
            let kind = payload.kind();
            for (name, _) in spec::view::attributes(&payload, None) {
                assert!(spec::view::names(kind).contains(&name), "{kind} tells `{name}`");
            }
        }
    }
}
