//! Files of a store that were cut, lost or changed: mended where everything is still there, refused
//! where it is not, and copied before anything is tried.

use std::fs;
use std::path::{Path, PathBuf};

use sanbang::store::Error;
use sanbang::store::sled::{OpenError, SledStore};

use super::store_fixture::{open_again, picture, project, write_next};
use super::store_sample::Seeded;
use super::store_sled::{copy, fill, open, options, place, raw, refusal};

/// sled alone would open most of these as an older or an empty store.
#[test]
fn a_truncated_file_is_noticed() {
    let (_above, original) = place();
    let store = open(&original);
    fill(&store);
    drop(store);
    let data = fs::read(original.join("db")).expect("readable");
    for keep in [0, 10, data.len() / 4, data.len() / 2, data.len() * 3 / 4] {
        let (above, directory) = place();
        copy(&original, &directory);
        fs::write(directory.join("db"), &data[..keep]).expect("writable");
        let error = SledStore::open(&options(&directory)).expect_err("it must not open");
        let OpenError::Damaged { backup: Some(backup), .. } = &error else {
            panic!("{keep}: {error}");
        };
        assert_eq!(*backup, above.path().join("store.damaged-1"));
        assert!(backup.join("db").exists());
        let told = error.to_string();
        assert!(told.contains("is damaged and is not served"), "{keep}: {told}");
        assert!(told.contains("cp -a"), "{keep}: {told}");
        // Nor does a second attempt serve it, or bury the copy under another one.
        assert!(SledStore::open(&options(&directory)).is_err(), "{keep}");
        assert!(!above.path().join("store.damaged-2").exists(), "{keep}");
    }
}

#[test]
fn a_lost_data_file_is_noticed() {
    let (_above, directory) = place();
    let store = open(&directory);
    fill(&store);
    drop(store);
    for name in ["db", "conf"] {
        fs::remove_file(directory.join(name)).expect("it is there");
    }
    for entry in fs::read_dir(&directory).expect("readable") {
        let path = entry.expect("readable").path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("snap.")) {
            fs::remove_file(path).expect("it is there");
        }
    }
    assert!(refusal(&directory).contains("everything that was stored is gone"));
}

/// A damaged snapshot of a log that was cut, with a mark that knows nothing of what is gone.
fn fill_and_cut(directory: &Path) {
    let store = open(directory);
    fill(&store);
    drop(store);
    drop(open(directory));
    let (mark, cut_at) = (fs::read(directory.join("sanbang.mark")), snapshot_reach(directory));
    let store = open(directory);
    write_next(&store, &mut project("p-new"), 1);
    drop(store);
    drop(open(directory));
    // As if nothing had told of the later writes but the snapshot.
    fs::write(directory.join("sanbang.mark"), mark.expect("readable")).expect("writable");
    let mut data = fs::read(directory.join("db")).expect("readable");
    data[cut_at..].fill(0);
    fs::write(directory.join("db"), data).expect("writable");
    damage(&snapshot(directory));
}

/// Where the log ends before its snapshot does, the snapshot is not what is damaged alone.
#[test]
fn a_damaged_snapshot_of_a_log_that_was_cut_is_noticed() {
    let (above, directory) = place();
    // A directory may be a file system of its own: nothing is renamed into it from beside it.
    let beside = above.path().join("store.unfinished");
    fs::write(&beside, "mine").expect("writable");
    fill_and_cut(&directory);
    for _ in 0..5 {
        assert!(refusal(&directory).contains("the end of what was stored is gone"));
    }
    assert_eq!(fs::read(beside).expect("it is there"), b"mine");
}

/// Killed while it reads everything, it would leave what is left without what tells of the rest.
#[test]
fn a_repair_that_was_cut_off_is_begun_anew() {
    let (above, directory) = place();
    fill_and_cut(&directory);
    let cut_off = || {
        assert!(refusal(&directory).contains("the end of what was stored is gone"));
        let note = |name: &str| directory.join(name);
        fs::rename(note("sanbang.refused"), note("sanbang.repairing")).expect("it is there");
        fs::remove_file(snapshot(&directory)).expect("it is there");
        drop(raw(&directory));
    };
    cut_off();
    cut_off();
    fs::remove_dir_all(above.path().join("store.damaged-1")).expect("it is there");
    assert!(refusal(&directory).contains("the copy of what was here before is gone"));
}

/// What was put back and has opened goes on: its copy is an old one.
#[test]
fn a_copy_is_used_until_the_store_opens() {
    let (above, directory) = place();
    let store = open(&directory);
    fill(&store);
    drop(store);
    drop(open(&directory));
    let data = fs::read(directory.join("db")).expect("readable");
    fs::write(directory.join("db"), "cut").expect("writable");
    refusal(&directory);
    fs::write(directory.join("db"), data).expect("writable");
    let store = open(&directory);
    let mark = fs::read(directory.join("sanbang.mark")).expect("readable");
    write_next(&store, &mut project("p-new"), 1);
    drop(store);
    fs::write(directory.join("sanbang.mark"), mark).expect("writable");
    fs::write(directory.join("db"), "cut again").expect("writable");
    refusal(&directory);
    let copied = |end: &str| fs::read(above.path().join(end).join("db")).expect("a copy");
    assert_eq!(copied("store.damaged-1"), b"cut");
    assert_eq!(copied("store.damaged-2"), b"cut again");
}

fn snapshot(directory: &Path) -> PathBuf {
    let paths = fs::read_dir(directory).expect("readable").map(|it| it.expect("readable").path());
    let is_snapshot = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("snap."))
    };
    paths.into_iter().find(is_snapshot).expect("sled keeps a snapshot")
}

/// How far the snapshot reaches, which is also the place in the file of a log this short.
fn snapshot_reach(directory: &Path) -> usize {
    let name = snapshot(directory);
    let digits = name.extension().expect("its reach").to_string_lossy();
    usize::from_str_radix(&digits, 16).expect("a number")
}

fn damage(path: &Path) {
    let mut bytes = fs::read(path).expect("readable");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    fs::write(path, bytes).expect("writable");
}

/// A damaged snapshot costs nothing: the log holds the truth.
#[test]
fn a_damaged_snapshot_is_mended_from_the_log() {
    let (above, directory) = place();
    let store = open(&directory);
    fill(&store);
    let before = picture(&store).expect("readable");
    drop(store);
    // The first opening writes a snapshot of what is there by then.
    drop(open(&directory));
    damage(&snapshot(&directory));
    let store = open(&directory);
    assert_eq!(picture(&store).expect("readable"), before);
    assert!(above.path().join("store.damaged-1").exists(), "it was copied before");

    // Later damage is that of another state, also where a kill kept the mark from telling so: the
    // earlier copy would bring back too little.
    let mark = fs::read(directory.join("sanbang.mark")).expect("readable");
    write_next(&store, &mut project("p-new"), 1);
    drop(store);
    fs::write(directory.join("sanbang.mark"), mark).expect("writable");
    fs::write(directory.join("db"), "cut").expect("writable");
    for _ in 0..3 {
        let error = open_again(&options(&directory)).expect_err("it must not open");
        let OpenError::Damaged { backup: Some(backup), .. } = &error else { panic!("{error}") };
        assert_eq!(*backup, above.path().join("store.damaged-2"));
        assert_eq!(fs::read(backup.join("db")).expect("readable"), b"cut");
    }
}

/// Whatever a flipped bit hits: it is refused, or told on reading, or everything is as it was.
#[test]
fn flipped_bits_never_change_an_answer() {
    let (_above, original) = place();
    let store = open(&original);
    fill(&store);
    let before = picture(&store).expect("readable");
    drop(store);
    let data = fs::read(original.join("db")).expect("readable");
    let mut noticed = 0;
    for seed in 0..24 {
        let (_above, directory) = place();
        copy(&original, &directory);
        let mut seeded = Seeded::new(seed);
        let mut flipped = data.clone();
        flipped[seeded.below(data.len())] ^= 1 << seeded.below(8);
        fs::write(directory.join("db"), flipped).expect("writable");
        match SledStore::open(&options(&directory)).map(|store| picture(&store)) {
            Ok(Ok(after)) => assert!(after == before, "seed {seed}: the answers changed"),
            Ok(Err(Error::Corrupt(_))) | Err(OpenError::Damaged { .. }) => noticed += 1,
            Ok(Err(other)) => panic!("seed {seed}: {other}"),
            Err(other) => panic!("seed {seed}: {other}"),
        }
    }
    assert!(noticed > 0, "some of the bits were used");
}
