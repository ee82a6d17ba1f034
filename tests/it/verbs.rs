//! Backup, restore, compact and verify as operators run them: under load, on what is whole and on
//! what is damaged.

use std::path::Path;
use std::process::Stdio;

use sanbang::api::pb;
use sanbang::api::pb::admin_service_client::AdminServiceClient;
use sanbang::api::pb::event_service_client::EventServiceClient;
use sanbang::store::sled::SEGMENT_BYTES;
use tonic::Code;
use tonic_types::StatusExt as _;

use super::program::{Place, Server, sanbang};
use super::store_sled::{fill, open, place, raw};
use super::verbs_load::{
    CLOCK, Load, acting, all_events, backup, connect, done, ends, on_store, requests_in, restore,
    send,
};

const CLIENTS: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_restores_to_a_consistent_state() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let (data, restored, file) = (path("data"), path("restored"), path("day.sanbang"));
    let server = Server::start(Place { data: &data, config: None, clock: CLOCK });
    let channel = connect(&server).await;
    let load = Load::begin(&channel, "first", CLIENTS);
    load.until(120).await;

    let before = load.answered();
    let mut verb = server.verb();
    verb.args(["backup", "--actor", "coordinator_1", "--format", "json", "--to"]).arg(&file);
    let written = tokio::task::spawn_blocking(move || done(verb)).await.unwrap();
    let written: serde_json::Value = serde_json::from_str(&written).unwrap();
    let token = all_pages_token(&channel).await;
    let after = load.end().await;
    assert!(after.len() > before.len(), "there was no load while the backup was taken");
    assert_eq!(server.stop(), Some(0));

    let verified = done({
        let mut verb = sanbang();
        verb.args(["verify", "--backup"]).arg(&file);
        verb
    });
    assert!(verified.contains("whole"), "{verified}");
    done(restore(&file, &restored));
    let told = done(on_store("verify", &restored));
    assert!(told.contains("holds together"), "{told}");

    let server = Server::start(Place { data: &restored, config: None, clock: CLOCK });
    let channel = connect(&server).await;
    let events = all_events(&channel).await;
    assert_eq!(events.len(), usize::try_from(written["events"].as_u64().unwrap()).unwrap());
    let found = requests_in(&events);
    let lost: Vec<_> = before.difference(&found).collect();
    assert!(lost.is_empty(), "answered before the backup and not in it: {lost:?}");
    let unknown: Vec<_> = found.difference(&after).collect();
    assert!(unknown.is_empty(), "nobody has sent these: {unknown:?}");

    // The restored store goes on: a repeat has no second effect, new commands follow densely.
    let repeated = before.first().unwrap();
    let project = repeated.rsplit_once('-').unwrap().0.to_owned() + "-0";
    send(&channel, &project, repeated, true).await.unwrap();
    assert_eq!(all_events(&channel).await.len(), events.len(), "a repeat had an effect");
    let load = Load::begin(&channel, "second", CLIENTS);
    load.until(40).await;
    let sent = load.end().await;
    assert!(requests_in(&all_events(&channel).await).is_superset(&sent));

    // What a subscriber of the old store remembers means nothing here.
    let mut client = EventServiceClient::new(channel.clone());
    let request = pb::EventServiceSubscribeRequest {
        resume_token: token,
        ..pb::EventServiceSubscribeRequest::default()
    };
    let refused = client.subscribe(acting("coordinator_1", request)).await.unwrap_err();
    assert_eq!(refused.code(), Code::OutOfRange, "{refused}");
    assert_eq!(refused.get_details_error_info().unwrap().reason, "TOKEN_UNKNOWN");
    assert_eq!(server.stop(), Some(0));
    done(on_store("verify", &restored));
}

/// The token behind the events that are there now.
async fn all_pages_token(channel: &tonic::transport::Channel) -> String {
    let mut client = EventServiceClient::new(channel.clone());
    let request = pb::EventServiceListRequest { page_size: 10, ..Default::default() };
    let page = client.list(acting("coordinator_1", request)).await.unwrap();
    page.into_inner().next_page_token
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_backup_is_taken_at_a_time_and_one_that_is_left_makes_room() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let server = Server::start(Place { data: &data, config: None, clock: CLOCK });
    let channel = connect(&server).await;
    let load = Load::begin(&channel, "p", CLIENTS);
    load.until(40).await;
    load.end().await;
    // Of a window that is never read nothing more is sent than fits: the backup waits.
    let slow = tonic::transport::Endpoint::from_shared(server.url()).unwrap();
    let slow = slow.initial_stream_window_size(1024).initial_connection_window_size(1024);
    let mut slow = AdminServiceClient::new(slow.connect().await.unwrap());
    let request = || acting("coordinator_1", pb::AdminServiceBackupRequest {});
    let waiting = slow.backup(request()).await.unwrap();
    let mut client = AdminServiceClient::new(channel.clone());
    let refused = client.backup(request()).await;
    if let Err(refused) = refused {
        assert_eq!(refused.get_details_error_info().unwrap().reason, "BACKUP_RUNNING");
        assert!(refused.get_details_retry_info().is_some());
    }
    drop(waiting);
    drop(slow);
    // Whoever has left is noticed at the next piece.
    let mut pieces = loop {
        match client.backup(request()).await {
            Ok(pieces) => break pieces.into_inner(),
            Err(status) => assert_eq!(status.code(), Code::ResourceExhausted, "{status}"),
        }
        tokio::task::yield_now().await;
    };
    let mut bytes = 0;
    while let Some(piece) = pieces.message().await.unwrap() {
        bytes += piece.content.len();
    }
    assert!(bytes > 10_000, "a whole backup came: {bytes}");
    assert_eq!(server.stop(), Some(0));
}

/// A store with some projects, written by a server that was stopped.
pub(crate) fn written_store(data: &Path, answers: usize) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = Server::start(Place { data, config: None, clock: CLOCK });
    runtime.block_on(async {
        let channel = connect(&server).await;
        Load::exactly(&channel, "p", CLIENTS, answers / CLIENTS).await;
    });
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_damaged_backup_is_refused_before_anything_is_made() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let (data, file, damaged, target) =
        (path("data"), path("good"), path("damaged"), path("target"));
    written_store(&data, 20);
    done(backup(&data, &file));
    let whole = std::fs::read(&file).unwrap();
    let length = whole.len();
    for cut in [0, 1, 10, 25, 26, 60, length / 3, length / 2, length - 33, length - 1] {
        std::fs::write(&damaged, &whole[..cut]).unwrap();
        let status = if cut == 0 { 2 } else { 1 };
        let told = ends(restore(&damaged, &target), status);
        let expected = if cut == 0 { "is no backup of Sanbang" } else { "is not whole" };
        assert!(told.contains(expected), "cut at {cut} of {length}: {told}");
        assert!(!target.exists(), "cut at {cut}: something was made");
    }
    for at in (30..length).step_by(length / 40) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        std::fs::write(&damaged, bytes).unwrap();
        let told = ends(restore(&damaged, &target), 1);
        let clear = ["is damaged", "is not whole"].iter().any(|text| told.contains(text));
        assert!(clear, "flipped at {at} of {length}: {told}");
        assert!(!target.exists(), "flipped at {at}: something was made");
    }
    let more = [whole.as_slice(), b"more"].concat();
    std::fs::write(&damaged, more).unwrap();
    assert!(ends(restore(&damaged, &target), 1).contains("something follows its end"));
    std::fs::write(&damaged, "sanbang backup, format 9\nnobody knows").unwrap();
    assert!(ends(restore(&damaged, &target), 2).contains("the newer sanbang"));
    done(restore(&file, &target));
}

#[test]
fn damage_in_a_store_is_found_and_nothing_is_compacted() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    written_store(&data, 20);
    done(on_store("verify", &data));
    damage(&data);
    let told = ends(on_store("verify", &data), 1);
    for expected in [
        "finding: the body of instance p-0-0 is not what its records make: `fields` differs",
        " is missing, and all up to ",
        "does not follow the record before it",
        "finding: instance p-1-0: ",
        "restore the latest backup",
    ] {
        assert!(told.contains(expected), "`{expected}` is not told:\n{told}");
    }
    let told = ends(on_store("compact", &data), 1);
    assert!(told.contains("is damaged"), "{told}");
}

/// Changes a word in the first record of one project, and takes the second record out of another.
fn damage(data: &Path) {
    let db = sled::Config::new().path(data).segment_size(SEGMENT_BYTES).open().unwrap();
    let part_of = |value: &[u8], text: &str| {
        value.windows(text.len()).position(|part| part == text.as_bytes())
    };
    let records: Vec<(sled::IVec, sled::IVec)> = db.scan_prefix(b"r").map(Result::unwrap).collect();
    let of = |project: &str| {
        let records = records.iter().filter(|(_, value)| part_of(value, project).is_some());
        records.cloned().collect::<Vec<_>>()
    };
    let (key, value) = of("p-0-0").swap_remove(0);
    let at = part_of(&value, "Huaguang").expect("the creation names the investor");
    let mut changed = value.to_vec();
    changed[at] = b'h';
    db.insert(key, changed).unwrap();
    db.remove(&of("p-1-0")[1].0).unwrap();
    db.flush().unwrap();
}

/// What a header names is not looked up on opening: a list of headers fails then, and all that was
/// found before is told all the same.
#[test]
fn a_verification_tells_all_that_it_found() {
    let (_above, data) = place();
    let store = open(&data);
    fill(&store);
    drop(store);
    let db = raw(&data);
    let (key, header) = db.scan_prefix(b"h").next().unwrap().unwrap();
    let unknown_steward = [0x68, 0xff, 0xff, 0x03];
    let content = [&header[1..], &unknown_steward[..]].concat();
    let length = u8::try_from(content.len()).unwrap();
    assert!(length < 0x80 && usize::from(header[0]) == header.len() - 1, "a length of one byte");
    db.insert(&key, [&[length], content.as_slice()].concat()).unwrap();
    db.flush().unwrap();
    drop(db);
    let name = String::from_utf8_lossy(&key[1..key.len() - 3]);
    let told = ends(on_store("verify", &data), 1);
    for expected in [
        format!("finding: the store cannot be trusted: the header of instance {name}: "),
        "finding: not every instance can be compared with its records: ".to_owned(),
    ] {
        assert!(told.contains(&expected), "`{expected}` is not told:\n{told}");
    }
}

#[test]
fn compaction_keeps_everything() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let data = path("data");
    written_store(&data, 300);
    done(backup(&data, &path("before")));
    let mut compact = on_store("compact", &data);
    compact.args(["--format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&done(compact)).unwrap();
    let (before, after) = (&told["bytes_before"], &told["bytes_after"]);
    // So little is a segment of sled's or two; a snapshot stands beside them.
    let (before, after) = (before.as_u64().unwrap(), after.as_u64().unwrap());
    assert!(after < before + SEGMENT_BYTES as u64 / 16, "{told}");
    done(on_store("verify", &data));
    done(backup(&data, &path("after")));
    // Head and checksum differ by the time, everything between is the same.
    let content = |name: &str| {
        let told = done({
            let mut verify = sanbang();
            verify.args(["verify", "--format", "json", "--backup"]).arg(path(name));
            verify
        });
        let told: serde_json::Value = serde_json::from_str(&told).unwrap();
        (told["records"].clone(), told["bodies"].clone(), told["bytes"].clone())
    };
    assert_eq!(content("before"), content("after"));
    let server = Server::start(Place { data: &data, config: None, clock: CLOCK });
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_store_in_use_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let server = Server::start(Place { data: &data, config: None, clock: CLOCK });
    for command in [
        on_store("verify", &data),
        on_store("compact", &data),
        backup(&data, &directory.path().join("file")),
    ] {
        let told = ends(command, 2);
        assert!(told.contains("is open in another process"), "{told}");
    }
    let mut verb = server.verb();
    verb.args(["backup", "--to"]).arg(directory.path().join("file")).stdout(Stdio::null());
    assert!(ends(verb, 1).contains("ACTOR_MISSING"));
    assert!(!directory.path().join("file").exists());
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn what_people_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let (data, file, restored) = (path("data"), path("day.sanbang"), path("restored"));
    let mut told = String::new();
    let mut show = |line: &str, shown: String| {
        let shown = without_what_differs(&shown, directory.path());
        told = format!("{told}$ sanbang {line}\n{shown}\n");
    };
    for verb in ["backup", "restore", "compact", "verify"] {
        let mut help = sanbang();
        help.args([verb, "--help"]);
        let help = done(help);
        // What every verb understands is left out.
        let own = help.split("Global options:").next().unwrap();
        let (_, after) = help.split_once("`NO_COLOR` is set)\n\n").unwrap();
        show(&format!("{verb} --help"), format!("{own}{after}"));
    }
    let nothing = path("nothing");
    show("verify --data DIR/nothing", ends(on_store("verify", &nothing), 2));
    show("compact --data DIR/nothing", ends(on_store("compact", &nothing), 2));
    assert!(!nothing.exists(), "a verb that only looks makes no directory");
    written_store(&data, 20);
    show("backup --data DIR/data --to DIR/day.sanbang", ends(backup(&data, &file), 0));
    show("backup --data DIR/data --to DIR/day.sanbang", ends(backup(&data, &file), 2));
    show("restore DIR/day.sanbang --data DIR/data", ends(restore(&file, &data), 2));
    show("restore DIR/day.sanbang --data DIR/restored", ends(restore(&file, &restored), 0));
    show("restore DIR/data.log --data DIR/new", ends(restore(&path("data.log"), &path("new")), 2));
    show("compact --data DIR/data", ends(on_store("compact", &data), 0));
    show("verify --data DIR/data", ends(on_store("verify", &data), 0));
    insta::assert_snapshot!(told);
}

/// Numbers, names of stores, times and places differ from run to run.
fn without_what_differs(text: &str, directory: &Path) -> String {
    let text = text.replace(&directory.display().to_string(), "DIR");
    let word = |word: &str| -> String {
        let inner = word.trim_end_matches([',', ':', ';']);
        let end = &word[inner.len()..];
        let is_name = inner.len() == 32 && inner.chars().all(|each| each.is_ascii_hexdigit());
        let is_number = inner.chars().all(|each| each.is_ascii_digit() || ",:-+".contains(each));
        let digits = inner.chars().filter(char::is_ascii_digit).count();
        match () {
            () if is_name => format!("STORE{end}"),
            () if is_number && digits > 0 => format!("N{end}"),
            () if inner == env!("CARGO_PKG_VERSION") => format!("VERSION{end}"),
            () => word.to_owned(),
        }
    };
    let line = |line: &str| {
        if line.to_lowercase().contains("status: ") {
            return line.to_owned();
        }
        line.split(' ').map(word).collect::<Vec<_>>().join(" ")
    };
    text.lines().map(|each| line(each).trim_end().to_owned() + "\n").collect()
}
