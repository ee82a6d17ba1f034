//! The borders between modules: which may name which, and which library. An arrow that points up
//! fails here, with what to do instead.
//!
//! Judges text, not types: `use` lines and paths, inside tests too.

use super::sources::{rust_files, strip};

/// What a module of the crate root may name.
struct Layer {
    module: &'static str,
    /// Modules of this crate, beside itself.
    may_name: &'static [&'static str],
    /// Libraries, beside `std`.
    libraries: Libraries,
    /// Where the thing belongs that the module may not do.
    remedy: &'static str,
}

enum Libraries {
    /// These alone.
    Only(&'static [&'static str]),
    /// All but these; `*` at the end stands for the rest of a name.
    AllBut(&'static [&'static str]),
}

use Libraries::{AllBut, Only};

const LAYERS: &[Layer] = &[
    Layer {
        module: "model",
        may_name: &[],
        libraries: Only(&["jiff", "rust_decimal"]),
        remedy: "the model is plain data: put what needs more into the module that needs it",
    },
    Layer {
        module: "calendar",
        may_name: &["model"],
        libraries: Only(&["jiff"]),
        remedy: "the calendar is arithmetic over model types: its file is read by `definition`",
    },
    Layer {
        module: "script",
        may_name: &["model", "calendar"],
        libraries: Only(&["jiff", "rhai", "rust_decimal", "sha2", "strsim", "thiserror"]),
        remedy: "scripts see facts: build them in `engine`, and locate errors in `definition`",
    },
    Layer {
        module: "definition",
        may_name: &["model", "calendar", "script"],
        libraries: Only(&[
            "annotate_snippets",
            "jiff",
            "rust_decimal",
            "rust_embed",
            "saphyr_parser",
            "serde",
            "serde_json",
            "serde_path_to_error",
            "serde_yaml",
            "sha2",
            "strsim",
            "thiserror",
        ]),
        remedy: "the compiler takes texts and gives findings: watching and storing is `runtime`",
    },
    Layer {
        module: "engine",
        may_name: &["model", "calendar", "script", "definition"],
        libraries: Only(&["jiff", "rust_decimal", "sha2", "thiserror"]),
        remedy: "the engine decides and applies: time, files and answers come in as arguments",
    },
    Layer {
        module: "ledger",
        may_name: &["model", "calendar", "script", "definition", "engine"],
        libraries: Only(&["jiff", "rust_decimal", "rust_xlsxwriter"]),
        remedy: "ledgers are folded from records that come in: reading them is `runtime`",
    },
    Layer {
        module: "store",
        may_name: &["model"],
        libraries: Only(&[
            "hashbrown",
            "jiff",
            "log",
            "prost",
            "roaring",
            "rust_decimal",
            "sha2",
            "sled",
            "tempfile",
            "thiserror",
            "tracing",
            "tracing_log",
            "uuid",
        ]),
        remedy: "the store keeps records: applying them is `runtime`",
    },
    Layer {
        module: "spec",
        may_name: &["model", "calendar", "script", "definition", "engine"],
        libraries: AllBut(&["tokio*", "tonic*", "prost*", "sled", "axum", "clap", "rhai"]),
        remedy: "specs run the engine on a virtual clock, without a server or a store",
    },
    Layer {
        module: "runtime",
        may_name: &["model", "calendar", "script", "definition", "engine", "ledger", "store"],
        libraries: AllBut(&[
            "tonic*",
            "prost*",
            "axum",
            "clap",
            "comfy_table",
            "rhai",
            "serde_yaml",
            "sled",
        ]),
        remedy: "the shell knows no wire: decode and encode in `api`",
    },
    Layer {
        module: "api",
        may_name: &["model", "calendar", "script", "definition", "engine", "ledger", "runtime"],
        libraries: AllBut(&["axum", "clap", "comfy_table", "rhai", "serde_yaml", "sled"]),
        remedy: "a handler decodes, calls `runtime` once and encodes",
    },
    Layer {
        module: "cli",
        may_name: &[
            "model",
            "calendar",
            "script",
            "definition",
            "engine",
            "store",
            "spec",
            "runtime",
            "api",
        ],
        libraries: AllBut(&["rhai", "serde_yaml", "sled"]),
        remedy: "the command line wires what the modules offer",
    },
    Layer {
        module: "main",
        may_name: &["cli"],
        libraries: Only(&["sanbang", "mimalloc"]),
        remedy: "`main` hands over to `cli`",
    },
    Layer {
        module: "lib",
        may_name: &[],
        libraries: Only(&[]),
        remedy: "the crate root lists the modules",
    },
];

/// Libraries that one place alone names.
const ONE_PLACE: &[(&str, &str)] = &[
    ("serde_yaml", "src/definition/"),
    ("saphyr_parser", "src/definition/"),
    ("annotate_snippets", "src/definition/"),
    ("rhai", "src/script/"),
    ("sled", "src/store/sled"),
    ("notify", "src/runtime/"),
    ("comfy_table", "src/cli/"),
    ("clap", "src/cli/"),
];

/// Modules in which time is an argument.
const TIMELESS: &[&str] = &["model", "calendar", "script", "definition", "engine", "spec"];

#[test]
fn no_arrow_points_up() {
    let mut problems = Vec::new();
    for file in rust_files().iter().filter(|file| file.path.starts_with("src/")) {
        problems.extend(judge(&file.path, &file.text));
    }
    assert!(problems.is_empty(), "{} borders crossed:\n{}", problems.len(), problems.join("\n"));
}

#[test]
fn an_arrow_that_points_up_is_caught() {
    let crossings = [
        ("src/engine/decide.rs", "use crate::store::Store;"),
        ("src/engine/decide.rs", "use crate::{model::id, runtime::clock};"),
        ("src/engine/decide.rs", "use crate::{\n    model::{id, time},\n    store,\n};"),
        ("src/engine/mod.rs", "fn a() { super::store::open() }"),
        ("src/engine/path/advance.rs", "use super::super::super::api;"),
        ("src/engine/decide.rs", "use tokio::time;"),
        ("src/engine/decide.rs", "#[derive(serde::Serialize)] struct A;"),
        ("src/engine/decide.rs", "let now = jiff::Timestamp::now();"),
        ("src/model/id.rs", "use serde::Serialize;"),
        ("src/store/sled.rs", "use crate::engine::apply;"),
        ("src/store/memory.rs", "let db = sled::open(path);"),
        ("src/definition/check.rs", "use rhai::Engine;"),
        ("src/runtime/feed.rs", "use tonic::Status;"),
        ("src/api/tasks.rs", "use crate::store::Query;"),
        ("src/unheard_of/mod.rs", ""),
    ];
    for (path, source) in crossings {
        let problems = judge(path, source);
        assert_eq!(problems.len(), 1, "{path}: {source}\n{problems:?}");
        assert!(problems[0].starts_with(path), "{problems:?}");
    }
    let in_order = [
        ("src/engine/decide.rs", "use crate::model::id::StageId; // like crate::store"),
        ("src/engine/decide.rs", "use super::rejection::Rejection; use std::sync::Arc;"),
        ("src/engine/decide.rs", "let text = \"use tokio::time\"; let tokio = 1;"),
        ("src/store/sled.rs", "use super::{Batch, Store}; let tree = sled::open(path);"),
        ("src/store/sled.rs", "mod tests { use super::super::memory; }"),
        ("src/api/status.rs", "use crate::engine::rejection::Rejection; use tonic::Status;"),
        ("src/main.rs", "fn main() { sanbang::cli::run() }"),
    ];
    for (path, source) in in_order {
        assert_eq!(judge(path, source), Vec::<String>::new(), "{path}: {source}");
    }
}

/// Every border that a file crosses.
fn judge(path: &str, source: &str) -> Vec<String> {
    let inside = path.strip_prefix("src/").unwrap_or(path).trim_end_matches(".rs");
    let mut place: Vec<&str> = inside.split('/').collect();
    if place.last() == Some(&"mod") {
        place.pop();
    }
    let Some(layer) = LAYERS.iter().find(|layer| layer.module == place[0]) else {
        return vec![format!("{path}: `{}` is new: give it a line in LAYERS", place[0])];
    };
    let code = strip(source).code;
    let mut problems = Vec::new();
    for (line, name) in own_modules(&code, &place) {
        let known = LAYERS.iter().any(|layer| layer.module == name);
        if known && name != layer.module && !layer.may_name.contains(&name.as_str()) {
            let (own, remedy) = (layer.module, layer.remedy);
            problems.push(format!("{path}:{line}: `{own}` may not name `{name}`: {remedy}"));
        }
    }
    // Test code may read its data with any library; a module's borders hold for it all the same.
    let reads_data = path.contains("/tests/");
    for (line, name) in libraries(&code) {
        if reads_data && ["serde_json", "serde_yaml"].contains(&name.as_str()) {
            continue;
        }
        if !layer.libraries.allow(&name) {
            let (own, remedy) = (layer.module, layer.remedy);
            problems.push(format!("{path}:{line}: `{own}` may not use `{name}`: {remedy}"));
        } else if let Some((_, only)) = ONE_PLACE.iter().find(|(library, _)| *library == name)
            && !path.starts_with(only)
        {
            problems.push(format!("{path}:{line}: `{name}` is named below `{only}` alone"));
        }
    }
    for (at, _) in code.match_indices("::now()").filter(|_| TIMELESS.contains(&layer.module)) {
        let line = line_of(&code, at);
        problems
            .push(format!("{path}:{line}: time is an argument here: take `now` from the caller"));
    }
    problems
}

impl Libraries {
    fn allow(&self, name: &str) -> bool {
        match self {
            Only(names) => names.contains(&name),
            AllBut(names) => !names.iter().any(|banned| match banned.strip_suffix('*') {
                Some(start) => name.starts_with(start),
                None => name == *banned,
            }),
        }
    }
}

/// Names that follow `crate::`, or `super::` as often as it takes to come to the root.
fn own_modules(code: &str, place: &[&str]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, root) in word_matches(code, "crate::") {
        let line = line_of(code, at);
        found.extend(first_names(root).into_iter().map(|name| (line, name)));
    }
    for (at, mut rest) in word_matches(code, "super::") {
        let mut ups = 1;
        while let Some(further) = rest.strip_prefix("super::") {
            (ups, rest) = (ups + 1, further);
        }
        let is_chained = code[..at].ends_with("super::");
        if ups >= place.len() && !is_chained {
            let line = line_of(code, at);
            found.extend(first_names(rest).into_iter().map(|name| (line, name)));
        }
    }
    found
}

/// Libraries of `Cargo.toml` that a source names as the start of a path.
fn libraries(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for library in dependencies() {
        let starts_path = |at: usize, rest: &str| {
            !code[..at].ends_with("::") && (rest.starts_with("::") || is_whole_use(code, at, rest))
        };
        let mut lines: Vec<usize> = word_matches(code, &library)
            .into_iter()
            .filter(|(at, rest)| starts_path(*at, rest))
            .map(|(at, _)| line_of(code, at))
            .collect();
        lines.dedup();
        found.extend(lines.into_iter().map(|line| (line, library.clone())));
    }
    found
}

fn is_whole_use(code: &str, at: usize, rest: &str) -> bool {
    code[..at].ends_with("use ") && rest.starts_with(';')
}

fn dependencies() -> Vec<String> {
    let manifest = super::sources::read("Cargo.toml");
    let mut names: Vec<String> = Vec::new();
    let mut inside = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = matches!(line.trim(), "[dependencies]" | "[dev-dependencies]");
        } else if let (true, Some((name, _))) = (inside, line.split_once('=')) {
            names.push(name.trim().replace('-', "_"));
        }
    }
    assert!(names.iter().any(|name| name == "tokio"), "the manifest was misread");
    names.retain(|name| !matches!(name.as_str(), "insta" | "proptest" | "tempfile"));
    names.push("axum".to_owned());
    names
}

/// Places where a word stands as a whole at its beginning, with what follows it.
fn word_matches<'a>(code: &'a str, word: &str) -> Vec<(usize, &'a str)> {
    let part_of_word = |each: char| each.is_alphanumeric() || each == '_';
    code.match_indices(word)
        .filter(|(at, _)| !code[..*at].ends_with(part_of_word))
        .map(|(at, found)| (at, &code[at + found.len()..]))
        .collect()
}

/// The name at the start of a path, or the first names of all paths in braces.
fn first_names(rest: &str) -> Vec<String> {
    let name = |text: &str| -> String {
        let trimmed = text.trim_start();
        trimmed.chars().take_while(|each| each.is_alphanumeric() || *each == '_').collect()
    };
    let Some(group) = rest.trim_start().strip_prefix('{') else { return vec![name(rest)] };
    let (mut names, mut depth, mut starts) = (vec![name(group)], 0, Vec::new());
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => starts.push(at + 1),
            _ => {}
        }
    }
    names.extend(starts.into_iter().map(|at| name(&group[at..])));
    names.retain(|name| !name.is_empty());
    names
}

fn line_of(code: &str, at: usize) -> usize {
    code[..at].matches('\n').count() + 1
}
