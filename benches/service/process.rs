//! The processes of a run: the real server, the echo and the clients, each started as a child of
//! its own, and what the system tells of them. Knows nothing of what they say to each other.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

/// How a server announces where it listens, on standard error.
pub(crate) const LISTENING: &str = "listening on http://";
/// How long one may take to listen: a million instances on a busy machine.
const START_MAX: Duration = Duration::from_mins(10);
/// The system tells processor time in hundredths of a second.
const TICK_MICROSECONDS: u64 = 10_000;

/// A server, or the echo, that listens.
pub(crate) struct Server {
    child: Child,
    url: String,
}

/// What the system has counted for a process so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    /// Processor time, user and system.
    pub(crate) cpu_us: u64,
    /// Bytes that it caused to be sent to the disk, in whole pages.
    pub(crate) disk_bytes: u64,
    /// Bytes that it gave to `write` and its kin, sockets included.
    pub(crate) written_bytes: u64,
    /// Memory that it holds.
    pub(crate) resident_bytes: u64,
}

impl Server {
    /// The release binary with its defaults, on this store; its log goes beside the store.
    pub(crate) fn sanbang(store: &Path) -> Result<Self> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sanbang"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(store);
        // Without a configuration in its directory it takes the files that come with it.
        let here = store.parent().context("the store lies in a directory")?;
        Self::start(command.current_dir(here), &store.with_extension("log"))
    }

    /// The echo, which answers each completion with these bytes.
    pub(crate) fn echo(work: &Path, answer: &str) -> Result<Self> {
        let mut command = itself("echo")?;
        Self::start(command.arg(answer), &work.join("echo.log"))
    }

    fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let begun = Instant::now();
        let stderr = OpenOptions::new().create(true).write(true).truncate(true).open(log)?;
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr).spawn()?;
        loop {
            let text = fs::read_to_string(log)?;
            let announced = text.lines().find_map(|line| line.split_once(LISTENING));
            if let Some((_, address)) = announced.filter(|_| text.ends_with('\n')) {
                let url = format!("http://{}", address.trim());
                return Ok(Self { child, url });
            }
            if let Some(status) = child.try_wait()? {
                bail!("a server ended before it listened: {status}\n{text}");
            }
            if begun.elapsed() > START_MAX {
                let _ = child.kill();
                bail!("a server does not listen after {} s\n{text}", START_MAX.as_secs());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What the system has counted for it so far.
    pub(crate) fn usage(&self) -> Result<Usage> {
        Usage::of(&self.child.id().to_string())
    }

    /// Kills it without warning.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) fn stop(mut self) -> Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        let status = self.child.wait()?;
        if !status.success() {
            bail!("a server did not stop as it was asked to: {status}");
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that was stopped or killed is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Usage {
    /// Of a process by its number, or of `self`.
    pub(crate) fn of(process: &str) -> Result<Self> {
        let read = |name: &str| {
            let path = format!("/proc/{process}/{name}");
            fs::read_to_string(&path).with_context(|| format!("reading {path}"))
        };
        let stat = read("stat")?;
        // The second word is the program's name, in brackets, and may hold anything.
        let (_, rest) = stat.rsplit_once(')').context("a process has a name")?;
        let words: Vec<&str> = rest.split_whitespace().collect();
        let ticks = |at: usize| words.get(at).and_then(|it| it.parse::<u64>().ok()).unwrap_or(0);
        let (io, status) = (read("io")?, read("status")?);
        Ok(Self {
            cpu_us: (ticks(11) + ticks(12)) * TICK_MICROSECONDS,
            disk_bytes: number_after(&io, "write_bytes:"),
            written_bytes: number_after(&io, "wchar:"),
            resident_bytes: number_after(&status, "VmRSS:") * 1024,
        })
    }

    /// What was added since an earlier reading; memory as it is now.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            cpu_us: self.cpu_us - earlier.cpu_us,
            disk_bytes: self.disk_bytes - earlier.disk_bytes,
            written_bytes: self.written_bytes - earlier.written_bytes,
            resident_bytes: self.resident_bytes,
        }
    }
}

fn number_after(text: &str, name: &str) -> u64 {
    let found = text.lines().find_map(|line| line.strip_prefix(name));
    let number = found.and_then(|rest| rest.split_whitespace().next());
    number.and_then(|it| it.parse().ok()).unwrap_or(0)
}

/// A client: it does as its arguments say, tells its progress line by line on standard output, and
/// the last line is its report.
pub(crate) struct Client {
    child: Child,
    lines: BufReader<ChildStdout>,
    input: ChildStdin,
}

impl Client {
    pub(crate) fn start(arguments: &[&str]) -> Result<Self> {
        let mut command = itself("client")?;
        let command = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let lines = BufReader::new(child.stdout.take().context("piped")?);
        let input = child.stdin.take().context("piped")?;
        Ok(Self { child, lines, input })
    }

    /// Waits for its next line.
    pub(crate) fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.lines.read_line(&mut line)?;
        if line.is_empty() {
            bail!("a client ended early: {}", self.child.wait()?);
        }
        Ok(line.trim().to_owned())
    }

    /// Waits until it says this word.
    pub(crate) fn wait_for(&mut self, word: &str) -> Result<()> {
        let line = self.line()?;
        if line != word {
            bail!("a client said `{line}` where `{word}` was expected");
        }
        Ok(())
    }

    /// Tells it to go on.
    pub(crate) fn go_on(&mut self) -> Result<()> {
        writeln!(self.input)?;
        Ok(self.input.flush()?)
    }

    /// Reads its report and waits for its end.
    pub(crate) fn report<T: serde::de::DeserializeOwned>(mut self) -> Result<T> {
        let line = self.line()?;
        let status = self.child.wait()?;
        if !status.success() {
            bail!("a client failed: {status}");
        }
        serde_json::from_str(&line).with_context(|| format!("a client reported `{line}`"))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // One that has reported is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// This program once more, for another part.
fn itself(part: &str) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(part);
    Ok(command)
}

/// Asks the system to forget what it holds of these files in memory. Pages that were never written
/// to the disk stay.
pub(crate) fn forget_cached(directory: &Path) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            forget_cached(&path)?;
        } else {
            let file = File::open(&path)?;
            file.sync_all()?;
            rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?;
        }
    }
    Ok(())
}
