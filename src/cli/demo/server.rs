//! The server of the demo: this program as a child process, started, killed and started again.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use anyhow::Context as _;

use super::super::client::Client;
use super::super::exit::Failure;
use super::super::serve::LISTENING;

/// How long a server may take to listen.
const START_MAX: Duration = Duration::from_mins(1);

/// A running server.
pub(super) struct Server {
    directory: PathBuf,
    clock: String,
    child: Child,
    address: SocketAddr,
    client: Client,
}

impl Server {
    /// Starts a server on the data and the files in this directory, on a free port, with this
    /// clock.
    pub(super) async fn start(directory: &Path, clock: &str) -> Result<Self, Failure> {
        let program = std::env::current_exe().context("finding this program")?;
        let mut child = Command::new(program)
            .arg("serve")
            .args(["--listen", "127.0.0.1:0", "--clock", clock])
            .arg("--data")
            .arg(directory.join("data"))
            .arg("--config")
            .arg(directory)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("starting the server")?;
        let announced = follow_log(&mut child, &directory.join("server.log"))?;
        let address = tokio::task::spawn_blocking(move || announced.recv_timeout(START_MAX))
            .await
            .context("waiting for the server")?;
        let Ok(address) = address else {
            let _ = child.kill();
            let _ = child.wait();
            let log = directory.join("server.log");
            let text = read(&log).unwrap_or_default();
            return Err(Failure::not_tried(format!("the server does not listen:\n{text}")));
        };
        let client = Client::connect(&format!("http://{address}")).await?;
        let clock = clock.to_owned();
        Ok(Self { directory: directory.to_owned(), clock, child, address, client })
    }

    /// A connection to it, for nobody in particular.
    pub(super) fn client(&self) -> Client {
        self.client.clone()
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The directory with its data and its files.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Kills it without warning: no handler runs, nothing is flushed.
    pub(super) fn kill(&mut self) {
        // It may have ended by itself: then the checks that follow say so.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again on the same data and files.
    pub(super) async fn start_again(&mut self) -> Result<(), Failure> {
        *self = Self::start(&self.directory.clone(), &self.clock.clone()).await?;
        Ok(())
    }

    /// Ends it.
    pub(super) fn stop(&mut self) {
        self.kill();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Copies the server's standard error to a file, and tells the address as soon as it is announced.
#[expect(clippy::disallowed_methods, reason = "the log of a child process is a plain file")]
fn follow_log(child: &mut Child, log: &Path) -> Result<Receiver<SocketAddr>, Failure> {
    let lines = BufReader::new(child.stderr.take().context("the server's standard error")?);
    let mut file = std::fs::File::create(log).context("making the server's log")?;
    let (announce, announced) = sync_channel(1);
    std::thread::spawn(move || {
        for line in lines.lines().map_while(Result::ok) {
            // A log that cannot be written is no reason to end the story.
            let _ = writeln!(file, "{line}");
            let address = line.split(LISTENING).nth(1).and_then(|text| text.trim().parse().ok());
            if let Some(address) = address {
                let _ = announce.try_send(address);
            }
        }
    });
    Ok(announced)
}

#[expect(clippy::disallowed_methods, reason = "the log of a child process is a plain file")]
fn read(path: &Path) -> std::io::Result<String> {
    std::fs::read_to_string(path)
}
