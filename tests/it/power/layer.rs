//! A directory for a server whose power can be cut and whose disk can fail: the forgetful layer
//! (`tests/preload/forgetful.c`), built with the C compiler that links Rust programs too, and the
//! environment that puts it under a program. Knows nothing of what is stored.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::journal::{self, Keep, Lost};

/// A place whose power can be cut.
pub(crate) struct Layer {
    above: tempfile::TempDir,
    data: PathBuf,
}

impl Layer {
    pub(crate) fn new() -> Self {
        let above = tempfile::tempdir().unwrap();
        for directory in ["disk", "faults"] {
            fs::create_dir(above.path().join(directory)).unwrap();
        }
        let data = above.path().join("disk").join("data");
        Self { above, data }
    }

    /// Everything below it is watched.
    pub(crate) fn disk(&self) -> PathBuf {
        self.above.path().join("disk")
    }

    /// Where a store may be made.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// What puts the layer under a program.
    pub(crate) fn environment(&self) -> Vec<(&'static str, OsString)> {
        vec![
            ("LD_PRELOAD", library().into()),
            ("FORGETFUL_UNDER", self.disk().into()),
            ("FORGETFUL_JOURNAL", self.journal().into()),
            ("FORGETFUL_FAULTS", self.faults().into()),
        ]
    }

    /// Loses the power of a machine whose program was killed.
    pub(crate) fn lose_power(&self, keep: Keep) -> Lost {
        journal::lose_power(&self.journal(), &self.disk(), keep)
    }

    /// How far its journal has come.
    pub(crate) fn written(&self) -> u64 {
        fs::metadata(self.journal()).map_or(0, |journal| journal.len())
    }

    /// Of a file that is written in parts: what was not synced whenever one was begun anew since.
    pub(crate) fn unsynced_at_overwrites(&self, since: u64, file: &str, part: u64) -> Vec<u64> {
        journal::unsynced_at_overwrites(&self.journal(), since, &self.data.join(file), part)
    }

    /// The program was killed, and the machine goes on.
    pub(crate) fn only_killed(&self) {
        journal::trim(&self.journal());
    }

    /// From now on this fails; `text` says what the fault needs to know.
    pub(crate) fn break_down(&self, fault: &str, text: &str) {
        // At once, with its text: the program may look at any moment.
        let unfinished = self.above.path().join("fault");
        fs::write(&unfinished, text).unwrap();
        fs::rename(unfinished, self.faults().join(fault)).unwrap();
    }

    /// Everything works again.
    pub(crate) fn mend(&self) {
        for entry in fs::read_dir(self.faults()).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
    }

    /// Whether the program has met the fault.
    pub(crate) fn has_struck(&self, fault: &str) -> bool {
        self.faults().join(format!("{fault}.struck")).exists()
    }

    fn journal(&self) -> PathBuf {
        self.above.path().join("journal")
    }

    fn faults(&self) -> PathBuf {
        self.above.path().join("faults")
    }
}

/// What a failing test leaves is looked at.
impl Drop for Layer {
    #[expect(clippy::print_stderr, reason = "whoever reads of the failure wants to know the place")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.above.disable_cleanup(true);
            eprintln!("what the failure left is in {}", self.above.path().display());
        }
    }
}

/// The library, built once by each process of tests.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let library = directory.join("forgetful.so");
        let unfinished = directory.join(format!("forgetful-{}.so", std::process::id()));
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/preload/forgetful.c");
        let built = Command::new("cc")
            .args(["-std=gnu11", "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o"])
            .args([unfinished.as_os_str(), source.as_ref()])
            .args(["-ldl", "-lpthread"])
            .output()
            .expect("`cc` links Rust programs too: it is on every machine that builds this");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        // Another process of tests may be loading the last one right now.
        fs::rename(&unfinished, &library).unwrap();
        library
    })
}
