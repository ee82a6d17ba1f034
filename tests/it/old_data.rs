//! Old data opens: what every release wrote is kept in `tests/fixtures/stores`, as the bytes that
//! it left on disk, and is opened, verified, read and continued by the program of today, for ever.
//!
//! A file `VERSION.tar.gz` holds the directory of a stopped server's store (`data`), a backup of it
//! (`backup.sanbang`), the configuration with which it ran (`workflows`, `rules`), and what that
//! release told of every instance (`expected.json`). It is made by running every example of the
//! help texts, and a few commands more, against a real server. Before a release, keep what it
//! writes, and commit the file that comes of it:
//!
//! ```sh
//! SANBANG_KEEP_STORE=1 cargo test --test it old_data::what_this_release_writes
//! ```
//!
//! A file that is there is never made again: it would no longer be what that release wrote.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::cli::run_every_example;
use super::commands::run;
use super::program::{Place, Server};
use super::sources::root;
use super::verbs_load::{CLOCK, all_events, backup, connect, done, on_store, restore};

const STORES: &str = "tests/fixtures/stores";

#[test]
fn what_every_release_wrote_opens_and_goes_on() {
    let mut names: Vec<PathBuf> =
        fs::read_dir(root().join(STORES)).unwrap().map(|it| it.unwrap().path()).collect();
    names.sort();
    assert!(!names.is_empty(), "the first release left a store in {STORES}");
    for name in names {
        println!("{}", name.display());
        let directory = tempfile::tempdir().unwrap();
        let packed = flate2::read::GzDecoder::new(File::open(&name).unwrap());
        tar::Archive::new(packed).unpack(directory.path()).unwrap();
        opens_and_goes_on(directory.path());
    }
}

#[test]
fn what_this_release_writes_opens_and_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path());
    if std::env::var_os("SANBANG_KEEP_STORE").is_some() {
        keep(directory.path());
    }
    opens_and_goes_on(directory.path());
}

/// Has a server write everything that is kept.
fn write(directory: &Path) {
    for part in ["workflows", "rules"] {
        copy(&root().join(part), &directory.join(part));
    }
    let data = directory.join("data");
    let server = Server::start(Place { data: &data, config: Some(directory), clock: CLOCK });
    run_every_example(&server);
    // A record of several chunks, and a body with records after it.
    let long = "Long ".repeat(1_600);
    run(server.verb(), &format!("sanbang task comment p-001 0 '{long}' --actor coordinator_1"));
    for at in 0..40 {
        let contact = format!(
            "sanbang instance log p-001 contact --field summary='Call {at}' --actor \
             materials_officer_2"
        );
        run(server.verb(), &contact);
    }
    let expected = told_of_everything(&server);
    assert!(expected.as_object().unwrap().len() > 8, "{expected:#}");
    fs::write(directory.join("expected.json"), format!("{expected:#}\n")).unwrap();
    assert_eq!(server.stop(), Some(0));
    done(backup(&data, &directory.join("backup.sanbang")));
}

/// What a server tells of every instance, by id.
fn told_of_everything(server: &Server) -> Value {
    let ask = |line: &str| -> Value {
        let told = run(server.verb(), &format!("{line} --format json --actor coordinator_1"));
        let (_, told) = told.split_once("--- stdout\n").unwrap();
        serde_json::from_str(told.split_once("--- stderr").unwrap().0).unwrap()
    };
    let list = ask("sanbang instance list --limit 1000");
    let mut told = serde_json::Map::new();
    for row in list["instances"].as_array().unwrap() {
        let id = row["id"].as_str().unwrap();
        let instance = ask(&format!("sanbang instance get {id}"));
        let history = ask(&format!("sanbang instance history {id} --limit 1000"));
        told.insert(id.to_owned(), serde_json::json!({"get": instance, "history": history}));
    }
    Value::Object(told)
}

fn opens_and_goes_on(directory: &Path) {
    let text = fs::read_to_string(directory.join("expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    let restored = directory.join("restored");
    done(restore(&directory.join("backup.sanbang"), &restored));
    for data in [directory.join("data"), restored] {
        let told = done(on_store("verify", &data));
        assert!(told.contains("holds together"), "{told}");
        let server = Server::start(Place { data: &data, config: Some(directory), clock: CLOCK });
        let told = told_of_everything(&server);
        if let Some(difference) = missing(&expected, &told, "") {
            panic!("{} tells otherwise: {difference}", data.display());
        }
        goes_on(&server);
        assert_eq!(server.stop(), Some(0));
        done(on_store("verify", &data));
        done(on_store("compact", &data));
        done(on_store("verify", &data));
    }
}

/// Old instances take commands, their timers fire, new ones begin, and numbers stay dense.
fn goes_on(server: &Server) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let events = || runtime.block_on(async { all_events(&connect(server).await).await.len() });
    let before = events();
    for line in [
        "sanbang instance log p-001 contact --field summary='Years later' \
         --actor materials_officer_2",
        "sanbang instance create later --workflow investment_project --actor coordinator_1 \
         --steward materials_officer_1 --field project_name=Later --field investor=Huaguang \
         --field industry=new_energy_materials",
        "sanbang task complete later 2 --actor materials_leader",
        "sanbang clock advance 2025-02-20T09:00+08:00 --actor coordinator_1",
    ] {
        run(server.verb(), line);
    }
    assert!(events() > before + 20, "six weeks bring more than the commands themselves");
}

/// What was told then and is not told now. What is told beside it is newer, and no matter.
fn missing(expected: &Value, told: &Value, place: &str) -> Option<String> {
    match (expected, told) {
        (Value::Object(expected), Value::Object(told)) => {
            expected.iter().find_map(|(name, value)| {
                let place = format!("{place}/{name}");
                match told.get(name) {
                    Some(told) => missing(value, told, &place),
                    None => Some(format!("{place} is not told: {value}")),
                }
            })
        }
        (Value::Array(expected), Value::Array(told)) if expected.len() == told.len() => {
            let mut pairs = expected.iter().zip(told).enumerate();
            pairs.find_map(|(at, (left, right))| missing(left, right, &format!("{place}/{at}")))
        }
        (expected, told) => {
            (expected != told).then(|| format!("{place} was {expected} and is {told}"))
        }
    }
}

/// Packs what was written under the name of this release.
fn keep(directory: &Path) {
    let name = root().join(STORES).join(concat!(env!("CARGO_PKG_VERSION"), ".tar.gz"));
    assert!(!name.exists(), "{} is what the release wrote, and stays", name.display());
    fs::create_dir_all(name.parent().unwrap()).unwrap();
    let packed =
        flate2::write::GzEncoder::new(File::create(&name).unwrap(), flate2::Compression::best());
    let mut archive = tar::Builder::new(packed);
    for part in ["data", "workflows", "rules"] {
        archive.append_dir_all(part, directory.join(part)).unwrap();
    }
    for part in ["backup.sanbang", "expected.json"] {
        archive.append_path_with_name(directory.join(part), part).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap();
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
