//! Compaction and backups in the middle of kills: a compaction that is killed leaves the store as
//! it was; a backup that was taken under load restores to a store that holds everything that was
//! answered before it was begun.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use super::super::program::{Place, Server, sanbang, told};
use super::super::random::Random;
use super::checker::Checker;
use super::connect;
use super::journal::{Entry, Journal};

/// A compaction has at most so long before it is killed, in microseconds.
const COMPACTING_US_MAX: u64 = 150_000;

/// Kills a compaction at some moment, or lets it come to its end.
pub(crate) fn kill_while_compacting(data: &Path, random: &mut Random) {
    let mut command = sanbang();
    command.args(["compact", "--data"]).arg(data);
    if random.below(4) == 0 {
        let output = command.output().expect("the program is built");
        assert!(output.status.success(), "{}", told(&output));
        return;
    }
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(Duration::from_micros(random.below(COMPACTING_US_MAX)));
    child.kill().unwrap();
    child.wait().unwrap();
}

/// A backup that a program of its own takes from a running server.
pub(crate) struct Backup {
    file: PathBuf,
    child: Child,
    /// The journal's count before it began.
    begun: u64,
}

impl Backup {
    pub(crate) fn begin(server: &Server, file: PathBuf, journal: &Journal) -> Self {
        let mut command = server.verb();
        command.args(["backup", "--actor", "chief", "--to"]).arg(&file);
        let begun = journal.now();
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Self { file, child, begun }
    }

    /// Waits until the program has ended; whether there is a backup, which it then says.
    pub(crate) fn wait(&mut self) -> bool {
        let succeeded = self.child.wait().unwrap().success();
        assert_eq!(self.file.exists(), succeeded, "a file of that name is a whole backup");
        succeeded
    }

    /// What must be in it: what was answered before it began. What was sent since may be.
    pub(crate) fn promise(self, journal: &Journal) -> Promise {
        Promise { file: self.file, entries: journal.known_at(self.begun) }
    }
}

/// A whole backup.
pub(crate) struct Promise {
    file: PathBuf,
    entries: Vec<Entry>,
}

impl Promise {
    /// Restores it beside the store that it was taken from, and has it verified and judged.
    pub(crate) async fn check(mut self, place: Place<'_>) {
        let data = self.file.with_extension("restored");
        let restored = sanbang().arg("restore").arg(&self.file).arg("--data").arg(&data).output();
        let restored = restored.expect("the program is built");
        assert!(restored.status.success(), "{}", told(&restored));
        let server = Server::start(Place { data: &data, ..place });
        let channel = connect(&server).await;
        let mut checker = Checker::by(Journal::of(std::mem::take(&mut self.entries)));
        checker.check(&channel).await;
        assert_eq!(server.stop(), Some(0));
        let verified = sanbang().args(["verify", "--data"]).arg(&data).output();
        let verified = verified.expect("the program is built");
        assert!(verified.status.success(), "{}", told(&verified));
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.file);
        let _ = std::fs::remove_dir_all(self.file.with_extension("restored"));
    }
}
