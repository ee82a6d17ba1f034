//! Style as a test: what every file must have and must not have. A message names the remedy.
//!
//! Judges text alone. Layers are judged in `layering`, types and habits by clippy.

use super::sources::{SourceFile, files_below, read, rust_files, strip};

const FUNCTION_LINES_MAX: usize = 70;
const FILE_LINES_MAX: usize = 600;
const LINE_COLUMNS_MAX: usize = 100;

/// What stands in no source, and what to do instead.
const BANNED_CODE: &[(&str, &str)] = &[
    ("todo!", "build it or leave it out whole"),
    ("unimplemented!", "build it or leave it out whole"),
    ("dbg!", "take it out"),
    ("#[ignore", "a test runs or is not there"),
    ("#[should_panic", "catch the error and look at it"),
    ("#[allow(", "write `#[expect(…, reason = \"…\")]`"),
    ("#![allow(", "write `#![expect(…, reason = \"…\")]`"),
];

/// Words that mark something left behind, and what belongs to the place where it was written. They
/// are written in two halves: this file is read by its own test.
const LEFTOVERS: &[(&str, &str)] = &[
    (concat!("FIX", "ME"), "do it, or write an issue"),
    (concat!("TO", "DO"), "do it, or write an issue"),
    (concat!("XX", "X"), "do it, or write an issue"),
    (concat!("HA", "CK"), "say in a sentence why it is as it is"),
    (concat!("/wo", "rk/"), "a path of one machine: take it from an argument"),
    (concat!("/tm", "p/"), "a path of one machine: use a directory made for the test"),
    (concat!("/ro", "ot/"), "a path of one machine: take it from an argument"),
    (concat!("/ho", "me/"), "a path of one machine: take it from an argument"),
];

/// Generated or foreign, each with what it may: a path, and the start of a message.
const EXCUSED: &[(&str, &str)] = &[
    // Generated code is switched off as a whole, and `expect` would have to know what fires in it.
    ("src/api/pb.rs", "`#![allow("),
];

#[test]
fn every_rust_file_is_tidy() {
    let problems: Vec<String> = rust_files().iter().flat_map(judge_rust).collect();
    report(&problems);
}

#[test]
fn nothing_is_left_behind_in_any_file() {
    let directories = ["src", "tests", "benches", "proto", "workflows", "rules", "docs", ".ci"];
    let endings = ["rs", "proto", "yaml", "rhai", "md", "json", "toml", "sh", "py", "snap"];
    let mut files = files_below(&directories, &endings);
    for path in ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "Cargo.toml", ".ci/run"] {
        files.push(SourceFile { path: path.to_owned(), text: read(path) });
    }
    let problems: Vec<String> = files.iter().flat_map(judge_leftovers).collect();
    report(&problems);
}

#[test]
fn an_untidy_file_is_caught() {
    let long_function = format!("//! Doc.\nfn long() {{\n{}}}\n", "    step();\n".repeat(71));
    let long_file = format!("//! Doc.\n{}", "const A: u8 = 1;\n".repeat(601));
    let long_line = format!("//! Doc.\nconst A: &str = {};\n", "1 + ".repeat(30));
    let marker = format!("//! Doc.\n// {}: later\n", concat!("FIX", "ME"));
    let untidy = [
        ("fn a() {}\n", "says what it is"),
        (long_function.as_str(), "split it"),
        (long_file.as_str(), "split it"),
        (long_line.as_str(), "break it"),
        ("//! Doc.\nfn a() { todo!() }\n", "build it"),
        ("//! Doc.\n#[allow(dead_code)]\nfn a() {}\n", "expect"),
        ("//! Doc.\nconst A: u8 = 1; \n", "rustfmt"),
        (marker.as_str(), "issue"),
    ];
    for (text, remedy) in untidy {
        let file = SourceFile { path: "src/a.rs".to_owned(), text: text.to_owned() };
        let mut problems = judge_rust(&file);
        problems.extend(judge_leftovers(&file));
        assert_eq!(problems.len(), 1, "{text}\n{problems:?}");
        assert!(problems[0].contains(remedy), "{problems:?} does not tell `{remedy}`");
    }
    let tidy = "//! Doc.\nfn a() {\n    let text = \"todo!() #[allow(\";\n}\n";
    let file = SourceFile { path: "src/a.rs".to_owned(), text: tidy.to_owned() };
    assert_eq!(judge_rust(&file), Vec::<String>::new());
}

fn report(problems: &[String]) {
    assert!(problems.is_empty(), "{} findings:\n{}", problems.len(), problems.join("\n"));
}

fn judge_rust(file: &SourceFile) -> Vec<String> {
    let mut problems = Vec::new();
    let mut tell = |line: usize, what: String| {
        let excused =
            EXCUSED.iter().any(|(path, start)| *path == file.path && what.starts_with(start));
        if !excused {
            problems.push(format!("{}:{line}: {what}", file.path));
        }
    };
    if !file.text.starts_with("//!") {
        tell(1, "the first line is `//!` and says what it is, and what it never knows".to_owned());
    }
    let lines = file.text.lines().count();
    if lines > FILE_LINES_MAX {
        tell(lines, format!("{lines} lines, more than {FILE_LINES_MAX}: split it by noun or verb"));
    }
    let stripped = strip(&file.text);
    for (at, line) in file.text.lines().enumerate() {
        let columns = line.chars().count();
        // Tests are data: a table is read line by line, one case a line; an inline snapshot is as
        // long as what it holds.
        let is_data = file.path.contains("/tests/") || line.contains("@\"");
        if !is_data && columns > LINE_COLUMNS_MAX && !stripped.lines_in_text.contains(&(at + 1)) {
            tell(at + 1, format!("{columns} columns, more than {LINE_COLUMNS_MAX}: break it"));
        }
        if line.ends_with([' ', '\t', '\r']) && !stripped.lines_in_text.contains(&(at + 1)) {
            tell(at + 1, "white space at the end: run rustfmt".to_owned());
        }
    }
    for (at, line) in stripped.code.lines().enumerate() {
        for (banned, remedy) in BANNED_CODE {
            if line.contains(banned) {
                tell(at + 1, format!("`{banned}`: {remedy}"));
            }
        }
    }
    for (line, length) in long_functions(&stripped.code) {
        tell(
            line,
            format!("a function of {length} lines, more than {FUNCTION_LINES_MAX}: split it"),
        );
    }
    problems
}

fn judge_leftovers(file: &SourceFile) -> Vec<String> {
    let mut problems = Vec::new();
    for (at, line) in file.text.lines().enumerate() {
        for (leftover, remedy) in LEFTOVERS {
            let Some(found) = line.find(leftover) else { continue };
            let whole = !line[..found].ends_with(|each: char| each.is_alphanumeric());
            if whole {
                problems.push(format!("{}:{}: `{leftover}`: {remedy}", file.path, at + 1));
            }
        }
    }
    problems
}

/// Functions with too many lines of code, blank ones not counted: line and length. Relies on
/// rustfmt, which closes a function in the column in which it began. A function that expects
/// `too_many_lines` has given its reason.
fn long_functions(code: &str) -> Vec<(usize, usize)> {
    let lines: Vec<&str> = code.lines().collect();
    let mut long = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        if !is_function(line) || line.ends_with('}') || line.ends_with(';') {
            continue;
        }
        let attributes = lines[..at].iter().rev().take_while(|before| {
            let text = before.trim();
            !text.is_empty() && (text.starts_with("#[") || text.ends_with([',', ')', ']', '(']))
        });
        if attributes.into_iter().any(|before| before.contains("clippy::too_many_lines")) {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        let closing = format!("{}}}", " ".repeat(indent));
        let Some(length) = lines[at..].iter().position(|each| each.trim_end() == closing) else {
            continue;
        };
        let body = &lines[at + 1..at + length];
        let counted = body.iter().filter(|each| !each.trim().is_empty()).count();
        if counted > FUNCTION_LINES_MAX {
            long.push((at + 1, counted));
        }
    }
    long
}

fn is_function(line: &str) -> bool {
    let mut rest = line.trim_start();
    for modifier in ["pub(crate) ", "pub(super) ", "pub ", "const ", "async "] {
        rest = rest.strip_prefix(modifier).unwrap_or(rest);
    }
    rest.starts_with("fn ")
}
