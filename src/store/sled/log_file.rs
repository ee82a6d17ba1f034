//! sled's data file, before sled touches it. sled takes what it cannot read for the torn end of its
//! log and overwrites it, and what a failed sync has left in memory alone looks to it like what is
//! on the disk. Knows nothing of what is stored.
#![expect(clippy::disallowed_methods, reason = "this is where the store's files are handled")]

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// Says that a write or a sync has failed, until the data was written anew.
pub(super) const DOUBT: &str = "sanbang.doubt";
const DATA: &str = "db";
const READ_BYTES: usize = 1 << 20;

/// A failed write or sync leaves a note: an operating system does not write again what it could not
/// write, goes on showing it, and tells nobody a second time.
#[derive(Debug, Clone)]
pub(super) struct Doubt(PathBuf);

impl Doubt {
    /// Of the store in this directory.
    pub(super) fn of(directory: &Path) -> Self {
        Self(directory.join(DOUBT))
    }

    /// Leaves the note. It need not be durable: what the disk lacks is shown no longer than the
    /// machine runs.
    pub(super) fn leave(&self) {
        if let Err(error) = File::create(&self.0) {
            tracing::error!(
                %error,
                "restart the machine before the server: what is not on the disk cannot be told \
                 from what is"
            );
        }
    }

    /// Whether the note is there.
    pub(super) fn is_there(&self) -> bool {
        self.0.exists()
    }

    fn is_over(&self) -> io::Result<()> {
        fs::remove_file(&self.0)
    }
}

/// Reads the whole file, if there is one, and makes it durable as it reads. After a failed sync it
/// writes everything anew, so that what is shown is also on the disk.
pub(super) fn make_sure(directory: &Path) -> io::Result<()> {
    let doubt = Doubt::of(directory);
    let file = match OpenOptions::new().read(true).write(true).open(directory.join(DATA)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let is_doubtful = doubt.is_there();
    if is_doubtful {
        tracing::warn!("store.written_anew: the last server could not write or sync something");
    }
    let (mut buffer, mut at) = (vec![0; READ_BYTES], 0);
    loop {
        let bytes = match file.read_at(&mut buffer, at) {
            Ok(0) => break,
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if is_doubtful {
            file.write_all_at(&buffer[..bytes], at)?;
        }
        at += bytes as u64;
    }
    file.sync_all().inspect_err(|_| doubt.leave())?;
    if is_doubtful { doubt.is_over() } else { Ok(()) }
}
