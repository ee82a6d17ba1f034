//! Directories as such: which of them are missing, what names they hold, and the sync that makes
//! names durable. Knows nothing of stores.
#![expect(clippy::disallowed_methods, reason = "this is where the store's files are handled")]

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// The directory and those above it that do not exist, from it upwards.
pub(super) fn missing(path: &Path) -> impl Iterator<Item = &Path> {
    let named = path.ancestors().filter(|above| !above.as_os_str().is_empty());
    named.take_while(|above| !above.exists())
}

/// Where it is.
pub(super) fn above(path: &Path) -> PathBuf {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new(".")).to_owned()
}

/// What is in it, in order.
pub(super) fn names_in(directory: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// Makes its names durable.
pub(super) fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Removes it with all that is in it.
pub(super) fn remove_if_there(directory: &Path) -> io::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Copies it with all that is in it, durably.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
            File::open(&target)?.sync_all()?;
        }
    }
    sync(to)
}
