//! How verbs end: interrupted, with their output closed, with a file half written.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::commands::run;
use super::program::{Place, Server, sanbang, told};
use super::verbs_load::CLOCK;

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
