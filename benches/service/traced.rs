//! What a server really syncs, counted from outside where `strace` is at hand. It slows every
//! call of the server, so nothing else is measured meanwhile.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Result;
use rustix::process::{Pid, Signal, kill_process};

use crate::process::Server;

/// Calls that make something durable.
const SYNCS: &str = "fsync,fdatasync,sync_file_range,msync,sync,syncfs";

/// How many calls of fsync and fdatasync a server makes meanwhile; none where they cannot be
/// counted.
pub(crate) fn syncs_during(
    server: &Server,
    work: &Path,
    meanwhile: impl FnOnce() -> Result<()>,
) -> Result<Option<u64>> {
    let calls = work.join("calls");
    let mut command = Command::new("strace");
    command.args(["-f", "-e", &format!("trace={SYNCS}"), "-p", &server.id().to_string(), "-o"]);
    command.arg(&calls).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(mut strace) = command.spawn() else { return Ok(None) };
    // It has to be attached to every thread before anything counts.
    std::thread::sleep(Duration::from_secs(1));
    if strace.try_wait()?.is_some() {
        return Ok(None);
    }
    meanwhile()?;
    kill_process(Pid::from_child(&strace), Signal::INT)?;
    strace.wait()?;
    let text = fs::read_to_string(&calls)?;
    fs::remove_file(&calls)?;
    let begun = |line: &&str| line.contains("fsync(") || line.contains("fdatasync(");
    Ok(Some(text.lines().filter(begun).count() as u64))
}
