//! The built program as a child process, for the tests of what its users see: run to its end, or
//! as a server that is asked, killed and started again.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How a server announces where it listens.
const LISTENING: &str = "listening on http://";

/// How long a server may take to listen, on a machine that is busy with other tests.
const START_MAX: Duration = Duration::from_mins(2);

/// How often, and how many times, it is looked whether a server has ended by itself.
const END_POLL: Duration = Duration::from_millis(10);
const END_POLLS_MAX: usize = 6_000;

/// Variables that a program gets beside its own.
pub(crate) type Environment = [(&'static str, OsString)];

/// The program, with nothing of the tester's environment but the temporary directory.
pub(crate) fn sanbang() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sanbang"));
    command.env_clear().current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
    // So few that headers soon stand under keys of their own.
    command.env("SANBANG_RECENT_EVENTS", "4");
    if let Some(directory) = std::env::var_os("TMPDIR") {
        command.env("TMPDIR", directory);
    }
    command
}

/// What a run left behind, as one text: exit status, standard output, standard error.
pub(crate) fn told(output: &Output) -> String {
    format!(
        "status: {}\n--- stdout\n{}--- stderr\n{}",
        output.status.code().map_or_else(|| "killed".to_owned(), |code| code.to_string()),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    )
}

/// A running server.
pub(crate) struct Server {
    child: Child,
    address: String,
    log: PathBuf,
    /// Ends with the server's standard error.
    follower: Option<JoinHandle<()>>,
}

/// Where a server has its data and its files, and how its time runs.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    /// The directory of the store.
    pub(crate) data: &'a Path,
    /// The directory of the configuration; none: the files of this project.
    pub(crate) config: Option<&'a Path>,
    /// `real` or `simulated@…`.
    pub(crate) clock: &'a str,
}

impl Server {
    /// Starts a server on a free port and waits until it listens.
    pub(crate) fn start(place: Place<'_>) -> Self {
        Self::start_with(place, &[])
    }

    /// The same with an environment.
    pub(crate) fn start_with(place: Place<'_>, environment: &Environment) -> Self {
        Self::start_by(place, |command| {
            command.envs(variables(environment));
        })
    }

    /// The same with a command line that is completed by the caller.
    pub(crate) fn start_by(place: Place<'_>, complete: impl FnOnce(&mut Command)) -> Self {
        let (mut server, announced) = Self::spawn(place, complete);
        let announced = announced.recv_timeout(START_MAX);
        server.address = announced
            .unwrap_or_else(|error| panic!("it does not listen: {error}\n{}", server.log()));
        server
    }

    /// Starts a server that may refuse to: waits until it listens, or has ended.
    pub(crate) fn start_if_it_does(place: Place<'_>, environment: &Environment) -> Self {
        let (mut server, announced) = Self::start_unawaited_with(place, environment);
        server.address = match announced.recv_timeout(START_MAX) {
            Ok(address) => address,
            Err(RecvTimeoutError::Disconnected) => String::new(),
            Err(RecvTimeoutError::Timeout) => panic!("it does neither\n{}", server.log()),
        };
        server
    }

    /// Whether it has announced where it listens.
    pub(crate) fn listens(&self) -> bool {
        !self.address.is_empty()
    }

    /// Starts a server and waits for nothing: for those who kill it while it opens.
    pub(crate) fn start_unawaited(place: Place<'_>) -> (Self, Receiver<String>) {
        Self::start_unawaited_with(place, &[])
    }

    /// The same with an environment.
    pub(crate) fn start_unawaited_with(
        place: Place<'_>,
        environment: &Environment,
    ) -> (Self, Receiver<String>) {
        Self::spawn(place, |command| {
            command.envs(variables(environment));
        })
    }

    fn spawn(place: Place<'_>, complete: impl FnOnce(&mut Command)) -> (Self, Receiver<String>) {
        let mut command = sanbang();
        command.args(["serve", "--listen", "127.0.0.1:0", "--clock", place.clock]);
        command.arg("--data").arg(place.data).stdout(Stdio::null()).stderr(Stdio::piped());
        let config = place.config.unwrap_or(Path::new(env!("CARGO_MANIFEST_DIR")));
        complete(command.arg("--config").arg(config));
        let mut child = command.spawn().expect("the program is built");
        let log = place.data.with_extension("log");
        let (follower, announced) = follow_log(&mut child, &log);
        let follower = Some(follower);
        (Self { child, address: String::new(), log, follower }, announced)
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it has written on standard error so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// A client verb against it, in China's time.
    pub(crate) fn verb(&self) -> Command {
        let mut command = sanbang();
        command.env("SANBANG_SERVER", self.url()).env("SANBANG_ZONE", "Asia/Shanghai");
        command
    }

    /// Kills it without warning.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it is this test's own child");
        self.child.wait().expect("it is this test's own child");
    }

    /// Waits until it has ended by itself, and its log is whole; its exit status.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        for _ in 0..END_POLLS_MAX {
            if let Some(status) = self.child.try_wait().expect("it is this test's own child") {
                let follower = self.follower.take().expect("it is waited for once");
                follower.join().expect("it only copies");
                return status.code();
            }
            std::thread::sleep(END_POLL);
        }
        panic!("it does not end\n{}", self.log());
    }

    /// A line of what the kernel knows of it, such as `VmHWM`: its memory at most, in KiB.
    pub(crate) fn kernel_figure(&self, name: &str) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).expect("it runs");
        let line = status.lines().find(|line| line.starts_with(name)).expect("a known figure");
        line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a figure")
    }

    /// Asks it to stop; its exit status if it has ended within this time.
    pub(crate) fn stop_within(&mut self, most: Duration) -> Option<i32> {
        let id = Pid::from_child(&self.child);
        kill_process(id, Signal::TERM).expect("it is this test's own child");
        let until = Instant::now() + most;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().expect("it is this test's own child") {
                return status.code();
            }
            std::thread::sleep(END_POLL);
        }
        None
    }

    /// Asks it to stop, and waits until it has; its exit status.
    pub(crate) fn stop(mut self) -> Option<i32> {
        let id = Pid::from_child(&self.child);
        kill_process(id, Signal::TERM).expect("it is this test's own child");
        self.child.wait().expect("it is this test's own child").code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn variables(environment: &Environment) -> impl Iterator<Item = (&str, &OsString)> {
    environment.iter().map(|(name, value)| (*name, value))
}

/// Copies the server's standard error to a file, and tells the address once it is announced.
fn follow_log(child: &mut Child, log: &Path) -> (JoinHandle<()>, Receiver<String>) {
    let mut lines = BufReader::new(child.stderr.take().expect("piped"));
    let mut log = File::create(log).expect("a log beside the data");
    let (announce, announced) = sync_channel(1);
    let follower = std::thread::spawn(move || {
        let mut line = String::new();
        while lines.read_line(&mut line).is_ok_and(|bytes| bytes > 0) {
            // Whoever reads the log while it grows finds all that is in it already.
            let _ = log.write_all(line.as_bytes());
            if let Some((_, address)) = line.split_once(LISTENING) {
                let _ = announce.try_send(address.trim().to_owned());
            }
            line.clear();
        }
        let _ = std::io::copy(&mut lines, &mut log);
    });
    (follower, announced)
}
