//! How verbs end: interrupted, with their output closed, with a file half written.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::commands::run;
use super::program::{Place, Server, sanbang, told};
use super::sources::root;
use super::store_sled::{copy, fill, open, place, raw};
use super::verbs_load::{CLOCK, on_store};

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
    assert_eq!(status_unheard(on_store("verify", &data)), Some(0));
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
