//! Power cuts: a layer under a program's files that forgets every byte that no fsync or fdatasync
//! has covered, and the server on it. The tests here are those of the layer.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

mod cuts;
pub(crate) mod journal;
pub(crate) mod layer;
mod names;
mod relocation;

use journal::{Keep, Lost};
use layer::Layer;

/// Tells a test that it is the child, and where it works.
const CHILD: &str = "SANBANG_TEST_FORGETFUL";

#[test]
fn what_was_not_synced_is_forgotten() {
    let layer = after_the_child();
    let lost = layer.lose_power(Keep::Nothing);
    insta::assert_snapshot!(picture(&layer.disk()), @r#"
    cut: 4096 bytes, "ooo"
    overwritten: 4096 bytes, "ooo"
    removed: 4096 bytes, "ooo"
    renamed: 4096 bytes, "ooo"
    replaced: 4096 bytes, "ooo"
    "#);
    assert_eq!(lost, Lost { writes: 3, names: 5 });
}

#[test]
fn names_may_survive() {
    let layer = after_the_child();
    layer.lose_power(Keep::Names);
    insta::assert_snapshot!(picture(&layer.disk()), @r#"
    cut: 4096 bytes, "ooo"
    directory/
    overwritten: 4096 bytes, "ooo"
    replaced: 4096 bytes, "ooo"
    synced: 3 bytes, "new"
    unsynced: 0 bytes, ""
    "#);
}

#[test]
fn contents_may_survive_without_names() {
    let layer = after_the_child();
    layer.lose_power(Keep::Contents);
    insta::assert_snapshot!(picture(&layer.disk()), @r#"
    cut: 3 bytes, "ooo"
    overwritten: 4096 bytes, "nnn"
    removed: 4096 bytes, "ooo"
    renamed: 4096 bytes, "ooo"
    replaced: 4096 bytes, "ooo"
    "#);
}

#[test]
fn a_later_name_may_survive_an_earlier_one() {
    let is_there = |layer: &Layer, name: &str| layer.disk().join(name).exists();
    let scattered = (0..8).any(|seed| {
        let layer = after_the_child();
        layer.lose_power(Keep::Scattered { seed, percent: 50 });
        is_there(&layer, "directory") && is_there(&layer, "removed")
    });
    assert!(scattered, "it was made after the other was removed");
}

#[test]
fn sectors_survive_by_chance() {
    let keep = |seed| Keep::Some { seed, percent: 50 };
    let sizes: Vec<_> = (0..8)
        .map(|seed| {
            let layer = after_the_child();
            layer.lose_power(keep(seed));
            let torn = fs::read(layer.disk().join("overwritten")).unwrap();
            assert!(torn.iter().all(|byte| b"on".contains(byte)), "seed {seed}: {torn:?}");
            torn.split(|byte| *byte != b'n').map(<[u8]>::len).sum::<usize>()
        })
        .collect();
    assert!(sizes.iter().any(|new| !matches!(new, 0 | 4096)), "one of them is torn: {sizes:?}");
}

/// Runs the child on a layer until it has ended without warning.
fn after_the_child() -> Layer {
    let layer = Layer::new();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["power::child_that_writes_files", "--exact", "--test-threads=1"])
        .env(CHILD, layer.disk())
        .envs(layer.environment())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(!child.success(), "it ends without warning");
    layer
}

/// Without a parent there is nothing to write.
#[test]
fn child_that_writes_files() {
    let Some(directory) = std::env::var_os(CHILD) else {
        assert!(std::env::var_os(CHILD).is_none(), "it runs for other tests");
        return;
    };
    let at = |name: &str| Path::new(&directory).join(name);
    let write = |name: &str, content: &[u8]| {
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(false).open(at(name)).unwrap();
        file.write_all(content).unwrap();
        file
    };
    for name in ["overwritten", "cut", "removed", "renamed", "replaced"] {
        write(name, &[b'o'; 4096]).sync_data().unwrap();
    }
    File::open(&directory).unwrap().sync_all().unwrap();

    write("overwritten", &[b'n'; 4096]);
    write("cut", b"").set_len(3).unwrap();
    write("synced", b"new").sync_all().unwrap();
    write("unsynced", b"new");
    fs::remove_file(at("removed")).unwrap();
    fs::rename(at("renamed"), at("replaced")).unwrap();
    fs::create_dir(at("directory")).unwrap();
    std::process::abort();
}

/// Every name below the directory, with its size and how its content begins.
fn picture(directory: &Path) -> String {
    let mut lines: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            match fs::read(&path) {
                Ok(content) => {
                    let beginning = String::from_utf8_lossy(&content[..content.len().min(3)]);
                    format!("{name}: {} bytes, {beginning:?}", content.len())
                }
                Err(_) => format!("{name}/"),
            }
        })
        .collect();
    lines.sort();
    lines.join("\n")
}
