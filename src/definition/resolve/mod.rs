//! From what is written to what is meant: names become indices, texts become times and conditions.
//!
//! Reports everything that does not fit and builds the rest. Knows no files and no YAML.

use std::sync::Arc;

use crate::definition::authored::shapes::Words;
use crate::definition::code::Code;
use crate::definition::span::KeyPath;

mod desk;
mod roles;
mod scene;

mod calendar;
mod indicators;
mod ledger_sources;
mod ledgers;
mod organization;
mod policies;
mod rules;
mod special;
mod targets;

mod calls;
mod clocks;
mod fields;
mod raises;
mod runs;
mod stages;
mod tasks;
mod work;
mod workflow;

use desk::Desk;

pub(super) use indicators::indicators_of;
pub(super) use ledgers::{Book, ledgers_of};
pub(super) use raises::raised;
pub(super) use rules::{calendar_of, organization_of, rules_of};
pub(super) use scene::Rules;

pub(super) use workflow::{Live, workflow_of};

/// Words that stand for themselves, each once.
fn words(desk: &mut Desk<'_>, path: &KeyPath, words: &Words, what: &str) -> Vec<Arc<str>> {
    let mut known: Vec<Arc<str>> = Vec::new();
    for (at, word) in words.iter() {
        let place = path.index(at);
        if word.as_str().trim().is_empty() {
            let diagnostic = desk.value(Code::InvalidName, &place, format!("an empty {what}"));
            desk.lose(diagnostic.label("write something, or delete it"));
        } else if let Some(first) = known.iter().position(|each| **each == *word.as_str()) {
            desk.taken(&place, &path.index(first), what, word.as_str());
        } else {
            known.push(word.as_str().into());
        }
    }
    known
}
