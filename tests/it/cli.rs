//! The command line as its users see it: exit statuses, formats, and every example of every help
//! text, run against a real server.

use std::path::Path;

use super::commands::{behind_prompts, run, words};
use super::program::{Place, Server, sanbang, told};

/// When the simulated time of these tests begins.
const CLOCK: &str = "simulated@2025-01-06T09:00:00+08:00";

fn start(directory: &Path) -> Server {
    Server::start(Place { data: &directory.join("data"), config: None, clock: CLOCK })
}

/// Every example of the help texts, with the verb that shows it, in the order of the help.
fn examples() -> Vec<(String, String)> {
    fn collect(command: &clap::Command, path: &str, found: &mut Vec<(String, String)>) {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let examples = behind_prompts(&help);
        let verbs: Vec<_> = command.get_subcommands().collect();
        assert!(!examples.is_empty() || !verbs.is_empty(), "the help of `{path}` has no example");
        found.extend(examples.into_iter().map(|line| (path.to_owned(), line)));
        for verb in verbs.into_iter().filter(|verb| verb.get_name() != "help") {
            collect(verb, &format!("{path} {}", verb.get_name()), found);
        }
    }
    let mut found = Vec::new();
    collect(&sanbang::cli::command(), "sanbang", &mut found);
    found
}

/// The line that begins a project.
fn create(id: &str) -> String {
    format!(
        "sanbang instance create {id} --workflow investment_project --actor coordinator_1 \
         --steward materials_officer_1 --field project_name=Works --field investor=Huaguang \
         --field industry=new_energy_materials --field total_investment:=12000 \
         --field lead_source=visit --field investor_profile=Known --field project_outline=Glass"
    )
}

fn then(lines: &[&str]) -> Vec<String> {
    lines.iter().map(ToString::to_string).collect()
}

/// What must have happened before the examples of a verb can be shown.
fn preparation(verb: &str) -> Vec<String> {
    match verb {
        "sanbang instance advance" => [vec![create("p-002")], lead_is_tracked("p-002")].concat(),
        "sanbang instance return" => [
            vec![create("p-003")],
            lead_is_tracked("p-003"),
            then(&["sanbang instance advance p-003 --actor materials_officer_1"]),
        ]
        .concat(),
        "sanbang instance suspend" => vec![create("p-004")],
        "sanbang instance resume" => [
            vec![create("p-005")],
            then(&["sanbang instance suspend p-005 --reason Wait --actor materials_leader"]),
        ]
        .concat(),
        "sanbang instance terminate" => vec![create("p-006")],
        "sanbang instance open" => [
            vec![create("p-007").replace("total_investment:=12000", "total_investment:=3000")],
            lead_is_tracked("p-007"),
            then(&["sanbang instance advance p-007 --actor materials_officer_1"]),
            project_is_assessed("p-007"),
            then(&["sanbang instance advance p-007 --actor materials_officer_1"]),
        ]
        .concat(),
        "sanbang instance log" => then(&["sanbang instance create v-001 --workflow \
             visit_campaign --actor coordinator_1 --steward materials_officer_1 \
             --field name=Spring --field form=campaign --field theme=job_stability"]),
        "sanbang instance link" => vec![create("p-013"), create("p-014")],
        "sanbang instance revive" => [
            vec![create("p-015")],
            then(&["sanbang instance terminate p-015 lost_contact --actor materials_leader"]),
        ]
        .concat(),
        "sanbang escalation list" => [
            vec![create("p-012")],
            then(&["sanbang clock advance 2025-01-07T18:00+08:00 --actor coordinator_1"]),
        ]
        .concat(),
        _ => preparation_of_task(verb),
    }
}

/// The same for what is done with tasks.
fn preparation_of_task(verb: &str) -> Vec<String> {
    match verb {
        "sanbang task claim" => [
            vec![create("p-008")],
            then(&["sanbang task release p-008 2 --reason Away --actor materials_leader"]),
        ]
        .concat(),
        "sanbang task complete" => vec![create("p-009")],
        "sanbang task redo" => [
            vec![create("p-010")],
            then(&["sanbang task complete p-010 2 --actor materials_leader"]),
        ]
        .concat(),
        "sanbang task decide-extension" => [
            vec![create("p-011")],
            then(&["sanbang task request-extension p-011 1 1wd --reason More --actor \
                 materials_officer_1"]),
        ]
        .concat(),
        "sanbang task delegate" => vec![create("p-031")],
        "sanbang task object" => vec![create("p-032")],
        "sanbang task decide-objection" => [
            vec![create("p-033")],
            then(&["sanbang task object p-033 1 --reason Busy --actor materials_officer_1"]),
        ]
        .concat(),
        "sanbang task request-supplement" => vec![create("p-034")],
        "sanbang task supply" => [
            vec![create("p-035")],
            then(&["sanbang task request-supplement p-035 1 Accounts --actor \
                 materials_officer_1"]),
        ]
        .concat(),
        _ => Vec::new(),
    }
}

/// Everything that is to be done in the first stage.
fn lead_is_tracked(id: &str) -> Vec<String> {
    let check = |task: u32, item: &str| {
        format!("sanbang task check {id} {task} {item} --actor materials_officer_1")
    };
    vec![
        check(1, "investor_searched"),
        check(1, "city_asked"),
        format!("sanbang task complete {id} 1 --outcome new_lead --actor materials_officer_1"),
        format!("sanbang task complete {id} 2 --actor materials_leader"),
        format!("sanbang task complete {id} 3 --outcome confirmed --actor materials_officer_1"),
        check(4, "profile"),
        check(4, "scale"),
        check(4, "needs"),
        check(4, "forecast"),
        format!("sanbang task complete {id} 4 --actor materials_officer_1"),
    ]
}

/// Everything that is to be done in the second stage.
fn project_is_assessed(id: &str) -> Vec<String> {
    let items = ["industry_fit", "market", "technology", "environment", "benefit"];
    let by_steward = "--actor materials_officer_1";
    let mut lines: Vec<String> =
        items.iter().map(|item| format!("sanbang task check {id} 5 {item} {by_steward}")).collect();
    lines.push(format!("sanbang task complete {id} 5 {by_steward}"));
    lines.push(format!("sanbang task complete {id} 6 --outcome clear --actor {HOLDER}"));
    lines.push(format!("sanbang task complete {id} 7 --outcome pursue --actor materials_leader"));
    lines.push(format!("sanbang task complete {id} 8 {by_steward}"));
    lines.push(format!("sanbang instance update {id} --field tier=B {by_steward}"));
    lines
}

/// Stands for whoever holds the task.
const HOLDER: &str = "whoever-holds-it";

/// A line with the holder in place.
fn with_holder(server: &Server, line: &str) -> String {
    if !line.contains(HOLDER) {
        return line.to_owned();
    }
    let words = words(line);
    let mut get = server.verb();
    get.args(["task", "get", &words[3], &words[4], "--format", "json", "--actor", "coordinator_1"]);
    let told: serde_json::Value = serde_json::from_slice(&get.output().unwrap().stdout).unwrap();
    line.replace(HOLDER, told["task"]["holder"]["member"].as_str().unwrap())
}

#[test]
fn every_example_of_the_help_does_what_it_says() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path());
    run_every_example(&server);
    assert_eq!(server.stop(), Some(0), "a server that is asked to stop ends in order");
}

/// Runs every example of the help texts against a fresh server, whose simulated time begins on the
/// morning of 2025-01-06 in China.
pub(crate) fn run_every_example(server: &Server) {
    let mut prepared = String::new();
    let files = tempfile::tempdir().unwrap();
    for (verb, line) in examples() {
        // The server runs here, the demo and what has to do with files have tests of their own.
        let elsewhere = ["serve", "demo", "backup", "restore", "compact", "verify"];
        if elsewhere.contains(&words(&line)[1].as_str()) {
            let parsed = sanbang::cli::command().try_get_matches_from(words(&line));
            assert!(parsed.is_ok(), "{line}\n{}", parsed.unwrap_err());
            continue;
        }
        if prepared != verb {
            for line in preparation(&verb) {
                run(server.verb(), &with_holder(server, &line));
            }
            prepared.clone_from(&verb);
        }
        let mut command = server.verb();
        if verb.starts_with("sanbang ledger ") {
            command.current_dir(files.path());
        }
        run(command, &line);
    }
}

#[test]
fn the_exit_status_tells_no_from_not_tried() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path());
    let status = |line: &str| {
        let output = server.verb().args(&words(line)[1..]).output().unwrap();
        (output.status.code(), told(&output))
    };
    let no = Some(1);
    let not_tried = Some(2);
    let expectations = [
        ("sanbang instance get nobody --actor coordinator_1", no, "INSTANCE_NOT_FOUND"),
        ("sanbang instance list", no, "say who acts"),
        ("sanbang instance list --actor stranger", no, "error["),
        ("sanbang instance list --filter 'colour = \"red\"' --actor coordinator_1", no, "filter"),
        ("sanbang workflow get leave --actor coordinator_1", no, "error["),
        ("sanbang instance list --server http://127.0.0.1:1", not_tried, "sanbang serve"),
        ("sanbang instance list --server nowhere", not_tried, "error: "),
        ("sanbang instance log p-1 contact --at yesterday", not_tried, "2025-01-06T09:00+08:00"),
        ("sanbang calendar compute cn 5d", not_tried, "which days"),
        ("sanbang instance", not_tried, "Usage"),
        ("sanbang check no-such-directory", not_tried, "cannot be read"),
        ("sanbang check docs", not_tried, "holds no configuration"),
        ("sanbang serve --listen 0.0.0.0:0 --data no-such/data", not_tried, "error: "),
    ];
    for (line, expected, text) in expectations {
        let (found, told) = status(line);
        assert_eq!(found, expected, "$ {line}\n{told}");
        assert!(told.contains(text), "$ {line}\ndoes not tell `{text}`:\n{told}");
    }
}

#[test]
fn a_refusal_tells_everything_that_is_missing() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path());
    run(
        server.verb(),
        "sanbang instance create p-1 --workflow investment_project --actor coordinator_1 \
         --steward materials_officer_1 --field project_name=Works --field investor=Huaguang \
         --field industry=new_energy_materials",
    );
    let mut verb = server.verb();
    let output =
        verb.args(["instance", "advance", "p-1", "--actor", "materials_officer_1"]).output();
    let told = told(&output.unwrap());
    insta::assert_snapshot!(told);
}

#[test]
fn people_are_told_in_chinese_where_they_ask_for_it() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path());
    let say = |arguments: &str| {
        let mut verb = server.verb();
        let output = verb.args(arguments.split(' ')).args(["--language", "zh"]).output();
        told(&output.unwrap())
    };
    let create = "instance create p-1 --workflow investment_project --actor coordinator_1 \
                  --steward materials_officer_1 --field project_name=Works \
                  --field investor=Huaguang --field industry=new_energy_materials";
    let created = say(create);
    assert!(created.contains("p-1  版次 1: instance.created"), "{created}");
    let advanced = say("instance advance p-1 --actor materials_officer_1");
    assert!(advanced.contains("错误[NOT_READY]: 条件未齐备。stage"), "{advanced}");
    let listed = say("task list --actor coordinator_1");
    assert!(listed.contains("承办人") && !listed.contains("HOLDER"), "{listed}");
    let nobody = say("task list");
    assert!(nobody.contains("提示: 请注明操作人"), "{nobody}");
    // What programs read stays as it is.
    let json = say("task list --actor coordinator_1 --format json");
    assert!(json.contains("\"holder\"") && !json.contains("承办人"), "{json}");
}

#[test]
fn data_goes_to_standard_output_in_every_format() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path());
    let create = "sanbang instance create p-1 --workflow investment_project --actor coordinator_1 \
                  --steward materials_officer_1 --field project_name=Works \
                  --field investor=Huaguang --field industry=new_energy_materials";
    run(server.verb(), create);
    let stdout = |arguments: &[&str]| {
        let output = server.verb().args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", told(&output));
        assert!(output.stderr.is_empty(), "{}", told(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let human = stdout(&["task", "list", "--actor", "coordinator_1"]);
    insta::assert_snapshot!("tasks_for_people", human);
    let lines = stdout(&["task", "list", "--format", "line", "--actor", "coordinator_1"]);
    insta::assert_snapshot!("tasks_for_programs", lines);
    let json = stdout(&["task", "list", "--format", "json", "--actor", "coordinator_1"]);
    let parsed: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(parsed["tasks"].as_array().unwrap().len(), lines.lines().count());
    assert_eq!(parsed["tasks"][0]["instance"], "p-1");
}

/// What people wrote neither ends a line nor commands a terminal; instants say of which zone they
/// are.
#[test]
fn what_people_wrote_stays_in_its_line_and_instants_say_their_zone() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path());
    run(server.verb(), &create("p-1"));
    let stdout = |arguments: &[&str]| {
        let output = server.verb().args(arguments).args(["--actor", "coordinator_1"]).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{}", told(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let events = stdout(&["instance", "history", "p-1", "--format", "line"]).lines().count();
    stdout(&["task", "comment", "p-1", "0", "two\nlines\u{1b}[2J\tand a column"]);
    let lines = stdout(&["instance", "history", "p-1", "--format", "line"]);
    assert_eq!(lines.lines().count(), events + 1, "{lines}");
    assert!(lines.contains(r"two\nlines\u{1b}[2J\tand a column"), "{lines}");
    let human = stdout(&["instance", "history", "p-1"]);
    assert!(!human.contains('\u{1b}'), "{human}");

    let far = stdout(&["instance", "get", "p-1", "--zone", "America/Lima"]);
    assert!(far.contains("2025-01-13 04:30-05:00"), "{far}");
    let here = stdout(&["instance", "get", "p-1", "--zone", "Asia/Shanghai"]);
    assert!(here.contains("2025-01-13 17:30+08:00"), "{here}");
    let ledger = stdout(&["ledger", "show", "lead_ledger", "--language", "zh"]);
    let heading = ledger.lines().next().unwrap();
    assert!(heading.contains("，共 1 行"), "{heading}");
}

/// Wherever it is read: days are counted in the calendar's zone, and nothing beside them is not.
#[test]
fn a_deadline_is_explained_in_the_zone_of_its_calendar() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path());
    run(server.verb(), &create("p-1"));
    let mut verb = server.verb();
    verb.args(["explain", "p-1", "--actor", "coordinator_1", "--zone", "America/Lima"]);
    let text = String::from_utf8(verb.output().unwrap().stdout).unwrap();
    let first = text.split("\n\n").next().unwrap();
    insta::assert_snapshot!(first, @r"
    clock 1 (steward_contact): 5wd, due 2025-01-13 17:30, Asia/Shanghai
      2025-01-06 09:00:00  begins
      2025-01-06  the day of the start, never counted
      2025-01-07 to 2025-01-13  5 counted, 2 at the weekend  (5)
      2025-01-13  the day of the due time
      2025-01-13 17:30:00  due
      next: 2025-01-10 16:12  at risk
      next: 2025-01-13 17:30  the limit runs out
      next: 2025-01-13 17:30  step L0
      next: 2025-01-14 17:30  step L1
      next: 2025-01-17 17:30  step L2
    ");
}

#[test]
fn findings_are_told_with_status_one() {
    let directory = tempfile::tempdir().unwrap();
    let workflows = directory.path().join("workflows");
    std::fs::create_dir(&workflows).unwrap();
    let text = "workflow: leave\nstages:\n  - id: asked\n    nxet: []\n";
    std::fs::write(workflows.join("leave.yaml"), text).unwrap();
    let output = sanbang().arg("check").arg(directory.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    let told = told(&output);
    assert!(told.contains("workflows/leave.yaml:4:5"), "{told}");
    assert!(told.contains("did you mean `next`?"), "{told}");
    let file = workflows.join("leave.yaml");
    let output = sanbang().args(["check", "--format", "line"]).arg(&file).output().unwrap();
    let line = String::from_utf8(output.stdout).unwrap();
    assert!(line.starts_with("workflows/leave.yaml:"), "{line}");
    let mut serve = sanbang();
    serve.args(["serve", "--listen", "127.0.0.1:0", "--config"]).arg(directory.path());
    let output = serve.arg("--data").arg(directory.path().join("data")).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", super::program::told(&output));
}
