//! Power cuts while a store opens whose disk takes contents before names: what sled writes right
//! after it has renamed a new snapshot is there, and the rename is not.

use std::fs;
use std::path::Path;

use sanbang::store::{Batch, Store as _};

use super::super::program::{sanbang, told};
use super::super::random::{Seed, number_from_environment};
use super::super::store_fixture::document;
use super::super::store_sled::{copy, open};
use super::journal::Keep;
use super::layer::Layer;

const ROUNDS: u64 = 6;
const DOCUMENT: &str = "often";
/// Of a version of it: after some seventeen of them sled goes on in another segment.
const DOCUMENT_BYTES: usize = 60_000;

/// Without the new snapshot, the log reads to where a segment was that nothing in it needed.
#[test]
fn a_snapshot_whose_name_is_lost_costs_nothing() {
    let mut random = Seed::from_environment("SANBANG_POWER_SEED", 1).random();
    let rounds = number_from_environment("SANBANG_POWER_ROUNDS").unwrap_or(ROUNDS);
    for number in 0..rounds / 6 {
        let (above, layer) = (tempfile::tempdir().unwrap(), Layer::new());
        let store = above.path().join("store");
        let last = fill(&store, 47 + 14 * number);
        let mut moment = 1;
        while cut_opening(&store, &layer, moment, Keep::Contents, &last) {
            let keep = Keep::Scattered { seed: random.next(), percent: 50 };
            cut_opening(&store, &layer, moment, keep, &last);
            moment += 1;
        }
        assert!(moment > 10, "it opened within {moment} changes and syncs");
    }
}

/// A store whose log was written since its snapshot, and what it holds.
fn fill(store: &Path, versions: u64) -> Vec<u8> {
    drop(open(store));
    let opened = open(store);
    let version = |number: u64| vec![u8::try_from(number % 251).unwrap(); DOCUMENT_BYTES];
    for number in 1..=versions {
        let documents = vec![document(DOCUMENT, Some(&version(number)))];
        opened.commit(Batch { documents, ..Batch::default() }).unwrap();
    }
    version(versions)
}

/// The power goes at this moment of opening a copy. Nothing is lost; says whether it came to that.
fn cut_opening(store: &Path, layer: &Layer, moment: u64, keep: Keep, held: &[u8]) -> bool {
    copy(store, layer.data());
    let mut verify = sanbang();
    verify.envs(layer.environment()).env("FORGETFUL_DIE_AT", moment.to_string());
    let output = verify.args(["verify", "--data"]).arg(layer.data()).output().unwrap();
    let is_killed = output.status.code().is_none();
    assert!(is_killed || output.status.success(), "{}", told(&output));
    let lost = layer.lose_power(keep);
    let found = open(layer.data()).document(DOCUMENT).unwrap();
    assert!(found.as_deref() == Some(held), "moment {moment}, {keep:?}: {lost:?}");
    fs::remove_dir_all(layer.data()).unwrap();
    is_killed
}
