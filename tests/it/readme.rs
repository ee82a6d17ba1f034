//! The README's commands, all of them: run here, or known to be run elsewhere.

use super::commands::{in_shell_blocks, run, words};
use super::program::{Place, Server};
use super::sources::{read, root};

/// Commands that are run elsewhere, each with the place.
const ELSEWHERE: &[(&str, &str)] = &[
    // The same program with the same argument; `.ci/run` runs this very line.
    ("cargo run --release -- demo", "tests/it/demo.rs"),
    // This test is part of it.
    ("cargo test", "tests/it/main.rs"),
    // The program that is tested is the one that this installs.
    ("cargo install --path .", "Cargo.toml"),
];

#[test]
fn every_command_of_the_readme_works() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let server = Server::start(Place { data: &data, config: None, clock: "real" });
    let mut actor = None;
    let mut ran = 0;
    for line in in_shell_blocks(&read("README.md")) {
        if let Some((_, place)) = ELSEWHERE.iter().find(|(known, _)| *known == line) {
            assert!(root().join(place).exists(), "{place} is gone: who runs `{line}` now?");
        } else if let Some(name) = line.strip_prefix("export SANBANG_ACTOR=") {
            actor = Some(name.to_owned());
        } else if words(&line)[1] == "serve" {
            // The server of this test was started like this, on another port.
            let parsed = sanbang::cli::command().try_get_matches_from(words(&line));
            assert!(parsed.is_ok(), "{line}");
        } else {
            let mut verb = server.verb();
            verb.envs(actor.iter().map(|actor| ("SANBANG_ACTOR", actor)));
            run(verb, &line);
            ran += 1;
        }
    }
    assert!(ran >= 9, "only {ran} commands were found: the search is broken");
}

#[test]
fn the_check_of_everything_runs_the_commands_of_the_readme() {
    let script = read(".ci/run");
    for command in ["cargo test", "cargo run", "-- demo"] {
        assert!(script.contains(command), ".ci/run does not run `{command}`");
    }
}

#[test]
fn the_readme_names_files_that_are_there() {
    let readme = read("README.md");
    let rows = readme.lines().filter(|line| line.starts_with("| `"));
    let mut names = 0;
    for name in rows.flat_map(|row| row.split('`').skip(1).step_by(2)) {
        if name.contains(['/', '.']) && !name.contains(' ') {
            assert!(root().join(name).exists(), "the README names `{name}`, which is not there");
            names += 1;
        }
    }
    assert!(names >= 8, "only {names} names were found: the search is broken");
}
