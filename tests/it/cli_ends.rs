//! How verbs end: interrupted, with their output closed, with a file half written.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use sanbang::api::pb;
use sanbang::api::pb::organization_service_client::OrganizationServiceClient;

use super::commands::run;
use super::program::{Place, Server, sanbang, told};
use super::sources::root;
use super::store_sled::{copy, fill, open, place, raw};
use super::verbs_load::{CLOCK, acting, connect, done, on_store, send};

/// How often a stop is tried: what is left to chance goes wrong once in so many times.
const TRIES: usize = 8;

fn piped(mut verb: Command) -> Child {
    verb.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn interrupt(child: &Child) {
    kill_process(Pid::from_child(child), Signal::INT).unwrap();
}

#[test]
fn an_interrupted_follower_tells_where_it_stopped() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let server = Server::start(Place { data: &data, config: None, clock: CLOCK });
    for _ in 0..TRIES {
        let mut verb = server.verb();
        verb.args(["events", "--follow", "--from-beginning", "--actor", "coordinator_1"]);
        let mut child = piped(verb);
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        // It follows once it has told what there is.
        stdout.read_line(&mut String::new()).unwrap();
        interrupt(&child);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{}", told(&output));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains("go on with: --token "), "{stderr}");
    }
}

#[test]
fn a_verb_that_waits_for_a_silent_server_stops() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut verb = sanbang();
    let server = format!("http://{}", silent.local_addr().unwrap());
    verb.args(["instance", "list", "--actor", "coordinator_1", "--server", &server]);
    let child = piped(verb);
    let (mut asked, _) = silent.accept().unwrap();
    asked.read_exact(&mut [0; 1]).unwrap();
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", told(&output));
}

/// Runs a verb whose output nobody reads from the beginning.
fn status_unheard(mut verb: Command) -> Option<i32> {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    verb.stdout(writer).stderr(Stdio::null()).status().unwrap().code()
}

#[test]
fn a_verdict_is_told_by_the_exit_status_where_nobody_reads_on() {
    let directory = tempfile::tempdir().unwrap();
    let specs = directory.path().join("workflows/specs");
    copy(&root().join("tests/specs/config"), directory.path());
    fs::create_dir_all(&specs).unwrap();
    let spec = |stage: &str| {
        format!(
            "spec: {{ en: A }}\nworkflow: mill\nstart: 2025-03-03 10:00\nsteps:\n  - create: \
             {{ steward: bo, fields: {{ owner: A }} }}\n    by: portal\n    then: {{ stage: \
             {stage} }}\n"
        )
    };
    let with = |arguments: &[&str]| {
        let mut verb = sanbang();
        verb.args(arguments).current_dir(directory.path());
        verb
    };
    fs::write(specs.join("a.yaml"), spec("licences")).unwrap();
    assert_eq!(status_unheard(with(&["test"])), Some(0));
    assert_eq!(status_unheard(with(&["check"])), Some(0));
    fs::write(specs.join("b.yaml"), spec("closing")).unwrap();
    for format in ["human", "line", "json"] {
        assert_eq!(status_unheard(with(&["test", "--format", format])), Some(1), "{format}");
    }
    fs::write(specs.join("b.yaml"), "spec: 5\n").unwrap();
    assert_eq!(status_unheard(with(&["test"])), Some(1));
    fs::write(specs.join("b.yaml"), "spec: [\n").unwrap();
    assert_eq!(status_unheard(with(&["test", "--print"])), Some(1));
    fs::write(directory.path().join("workflows/wrong.yaml"), "workflow: wrong\n").unwrap();
    assert_eq!(status_unheard(with(&["test"])), Some(1));
    assert_eq!(status_unheard(with(&["check"])), Some(1));

    let data = directory.path().join("data");
    let server = Server::start(Place { data: &data, config: None, clock: CLOCK });
    let mut validate = server.verb();
    validate.args(["workflow", "validate", "workflows/wrong.yaml", "--actor", "coordinator_1"]);
    assert_eq!(
        status_unheard({
            validate.current_dir(directory.path());
            validate
        }),
        Some(1)
    );
}

#[test]
fn a_damaged_store_is_no_where_nobody_reads_on() {
    let (_above, data) = place();
    let store = open(&data);
    fill(&store);
    drop(store);
    let db = raw(&data);
    let (key, _) = db.scan_prefix(b"r").next().unwrap().unwrap();
    db.remove(key).unwrap();
    db.flush().unwrap();
    drop(db);
    assert_eq!(status_unheard(on_store("verify", &data)), Some(1));
}

/// A path in UTF-8, as an argument.
fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_spec_is_not_checked_and_findings_are_quoted_from_their_own_directory() {
    let directory = tempfile::tempdir().unwrap();
    let below = |name: &str| directory.path().join(name);
    for name in ["a", "b"] {
        fs::create_dir_all(below(name).join("workflows/specs")).unwrap();
        let workflow =
            format!("workflow: leave\nstages:\n  - id: asked\n    nxet: [] # of {name}\n");
        fs::write(below(name).join("workflows/leave.yaml"), workflow).unwrap();
        fs::write(below(name).join("workflows/specs/broken.yaml"), "spec: [\n").unwrap();
    }
    let spec = below("a").join("workflows/specs/broken.yaml");
    let output = sanbang().args(["check", text(&spec)]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    assert!(told(&output).contains("`sanbang test "), "{}", told(&output));

    let output = sanbang().args(["check", text(&below("a")), text(&below("b"))]).output().unwrap();
    let told = told(&output);
    assert!(told.contains("# of a") && told.contains("# of b"), "{told}");
    assert!(told.contains("2 files, "), "{told}");
}

/// More rows than one page holds.
const ROWS: usize = 1_010;

#[test]
fn lists_go_on_behind_their_first_page() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("config");
    for part in ["workflows", "rules"] {
        copy(&root().join(part), &config.join(part));
    }
    let file = config.join("rules/organization.yaml");
    let whole = fs::read_to_string(&file).unwrap();
    let member =
        |at| format!("  extra_{at}: {{ title: {{ en: E, zh: 员 }}, roles: [steward_of_none] }}\n");
    let members: String = (0..ROWS).map(member).collect();
    let whole = whole.replacen("\nmembers:\n", &format!("\nmembers:\n{members}"), 1);
    let role = "  steward_of_none: { title: { en: Nobody, zh: 无 } }\n";
    let whole = whole.replacen("roles:\n", &format!("roles:\n{role}"), 1);
    fs::write(&file, whole).unwrap();
    let data = directory.path().join("data");
    let server = Server::start(Place { data: &data, config: Some(&config), clock: CLOCK });
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(fill_lists(&server));

    let rows = |line: &str| {
        let mut verb = server.verb();
        verb.args(line.split(' ')).args(["--format", "line", "--actor", "coordinator_1"]);
        done(verb).lines().count()
    };
    assert!(rows("organization members") > ROWS);
    assert_eq!(rows("organization absences list"), ROWS);
    assert_eq!(rows("organization duty list"), ROWS);
    assert!(rows("instance history p-1 --limit 5000") > ROWS);
    let few = rows("instance history p-1 --limit 3");
    assert!((3..20).contains(&few), "{few} events of three commands");
}

async fn fill_lists(server: &Server) {
    let channel = connect(server).await;
    let mut organization = OrganizationServiceClient::new(channel.clone());
    send(&channel, "p-1", "first", true).await.unwrap();
    let mut day: jiff::civil::Date = "2025-01-06".parse().unwrap();
    for at in 0..ROWS {
        send(&channel, "p-1", &format!("contact-{at}"), false).await.unwrap();
        let (from, to) = (day.to_string(), day.to_string());
        let member = format!("extra_{at}");
        let absence = pb::Absence { member, from, to, ..pb::Absence::default() };
        let put = pb::OrganizationServicePutAbsenceRequest { absence: Some(absence) };
        organization.put_absence(acting("coordinator_1", put)).await.unwrap();
        let (from, to) = (day.to_string(), day.to_string());
        let members = vec![format!("coordinator_{}", 1 + at % 2)];
        let duty = pb::Duty { from, to, members, ..pb::Duty::default() };
        let put = pb::OrganizationServicePutDutyRequest { duty: Some(duty) };
        organization.put_duty(acting("coordinator_1", put)).await.unwrap();
        day = day.tomorrow().unwrap();
    }
}

#[test]
fn an_export_leaves_the_earlier_file_whole_until_it_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let below = |name: &str| directory.path().join(name);
    let (file, earlier) = (below("lights.csv"), below("earlier.csv"));
    fs::write(&file, "what was there").unwrap();
    // A second name of the same file shows what becomes of its content.
    fs::hard_link(&file, &earlier).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let link = below("link.csv");
    symlink(&file, &link).unwrap();
    let place = Place { data: &below("data"), config: None, clock: CLOCK };
    let server = Server::start(place);
    let export =
        format!("sanbang ledger export light_list --to {} --actor coordinator_1", link.display());
    run(server.verb(), &export);
    assert_eq!(fs::read_to_string(&earlier).unwrap(), "what was there");
    assert!(fs::read(&file).unwrap().starts_with("\u{feff}".as_bytes()));
    assert!(!below("lights.csv.unfinished").exists());
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    // Where it cannot take the place of what is there, nothing is left beside it.
    let taken = below("taken.csv");
    fs::create_dir_all(taken.join("by")).unwrap();
    let mut export = server.verb();
    export.args(["ledger", "export", "light_list", "--actor", "coordinator_1", "--to"]).arg(&taken);
    assert_eq!(export.output().unwrap().status.code(), Some(2));
    assert!(!below("taken.csv.unfinished").exists());
}

/// What would be read by nobody is refused before anything is done.
#[test]
fn options_without_a_meaning_are_refused() {
    let cases = [
        "instance create p-1 --workflow x --expected-revision 1",
        "events --from-beginning",
        "events --messages 1",
        "events --follow --limit 10",
        "events --follow --messages 0",
        "events --limit 0",
        "instance list --limit 0",
        "instance history p-1 --limit 0",
        "task list --limit 0",
        "escalation list --limit 0",
    ];
    for line in cases {
        let words = std::iter::once("sanbang").chain(line.split(' '));
        let parsed = sanbang::cli::command().try_get_matches_from(words);
        assert!(parsed.is_err(), "`sanbang {line}` is taken");
    }
    for line in ["events --limit 10", "events --follow --from-beginning --messages 1"] {
        let words = std::iter::once("sanbang").chain(line.split(' '));
        let parsed = sanbang::cli::command().try_get_matches_from(words);
        assert!(parsed.is_ok(), "`sanbang {line}` is refused");
    }
}

#[test]
fn the_events_of_a_spec_are_told_in_every_format() {
    let told = |format: &str| {
        let mut verb = sanbang();
        verb.args(["test", "workflows/specs/handover.yaml", "--events", "--format", format]);
        done(verb)
    };
    assert!(told("line").contains("\tevent\t"), "{}", told("line"));
    let json: serde_json::Value = serde_json::from_str(&told("json")).unwrap();
    let events = json[0]["events"].as_array().unwrap();
    assert!(events[0].as_str().unwrap().contains(" instance.created"), "{json:#}");
}
