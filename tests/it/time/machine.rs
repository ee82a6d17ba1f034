//! A machine whose clock can be set, on which a server runs: a small library under the real program
//! shifts the time that it sees. Knows nothing of what the server does with it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use super::super::crash::load_files;
use super::super::program::{Place, Server};

/// A machine: its disk and its clock.
pub(crate) struct Machine {
    directory: tempfile::TempDir,
}

impl Machine {
    /// A machine whose clock is at this instant, such as `2026-03-02T09:00:00Z`.
    pub(crate) fn at(instant: &str) -> Self {
        let machine = Self { directory: tempfile::tempdir().unwrap() };
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/time/shift_clock.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"]);
        let compiled = compiler.arg(machine.library()).arg(source).output().expect("there is a cc");
        assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
        machine.set(milliseconds(instant));
        machine
    }

    /// Sets the clock, in milliseconds since 1970; it runs on from there.
    pub(crate) fn set(&self, to: i64) {
        let shift = to - real();
        // A reader sees the file before or after, never half written.
        let next = self.path("shift.next");
        std::fs::write(&next, shift.to_string()).unwrap();
        std::fs::rename(next, self.path("shift")).unwrap();
    }

    /// Starts a server by the machine's clock.
    pub(crate) fn start(&self, arguments: &[&str]) -> Server {
        let (data, config) = (self.path("data"), load_files());
        let place = Place { data: &data, config: Some(&config), clock: "real" };
        Server::start_by(place, |command| {
            command.args(arguments).env("LD_PRELOAD", self.library());
            command.env("SHIFT_CLOCK_FILE", self.path("shift"));
        })
    }

    fn library(&self) -> PathBuf {
        self.path("libshift.so")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

/// An instant in milliseconds since 1970.
pub(crate) fn milliseconds(instant: &str) -> i64 {
    instant.parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

fn real() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}
