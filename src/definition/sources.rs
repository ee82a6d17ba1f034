//! The files of a configuration: embedded ones, or those of a directory.
//!
//! Only texts by relative path; what they mean is read elsewhere. This is the one place of the
//! compiler that touches a file system.
#![expect(clippy::disallowed_methods, reason = "definitions are read here and nowhere else")]

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::model::limits;
use crate::script::nearest;

use super::code::Code;
use super::diagnostic::{Diagnostic, Findings, Span};

/// Where the escalation policies stand.
pub const ESCALATION: &str = "rules/escalation.yaml";
/// Where the reason codes stand.
pub const REASONS: &str = "rules/reasons.yaml";
/// Where the organization stands.
pub const ORGANIZATION: &str = "rules/organization.yaml";
/// Where the ledgers stand.
pub const LEDGERS: &str = "rules/ledgers.yaml";
/// Where the indicators stand.
pub const INDICATORS: &str = "rules/indicators.yaml";
/// The folder of calendars.
const CALENDARS: &str = "rules/calendars/";
/// The folder of workflows. Folders inside it, such as `specs`, hold no workflows.
const WORKFLOWS: &str = "workflows/";
/// The folder of rules.
const RULES: &str = "rules/";
/// The digits of a digest.
const HEXADECIMAL: &[u8; 16] = b"0123456789abcdef";

#[derive(rust_embed::Embed)]
#[folder = "workflows/"]
#[prefix = "workflows/"]
struct EmbeddedWorkflows;

#[derive(rust_embed::Embed)]
#[folder = "rules/"]
#[prefix = "rules/"]
struct EmbeddedRules;

/// The texts of a configuration by relative path, such as `workflows/investment_project.yaml`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sources {
    /// The texts.
    pub files: BTreeMap<String, Arc<str>>,
}

/// What a file is for, by its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// A workflow.
    Workflow,
    /// Functions.
    Functions,
    /// The escalation policies.
    Escalation,
    /// The reason codes.
    Reasons,
    /// The organization.
    Organization,
    /// A calendar.
    Calendar,
    /// The ledgers.
    Ledgers,
    /// The indicators.
    Indicators,
}

impl SourceKind {
    /// What the file at this path is for; `None`: it is no part of a configuration.
    pub fn of(path: &str) -> Option<Self> {
        let inside = |folder: &str, extension: &str| {
            let name = path.strip_prefix(folder).and_then(|name| name.strip_suffix(extension));
            name.is_some_and(|name| !name.is_empty() && !name.contains('/'))
        };
        match path {
            ESCALATION => Some(Self::Escalation),
            REASONS => Some(Self::Reasons),
            ORGANIZATION => Some(Self::Organization),
            LEDGERS => Some(Self::Ledgers),
            INDICATORS => Some(Self::Indicators),
            _ if inside(WORKFLOWS, ".yaml") => Some(Self::Workflow),
            _ if inside(RULES, ".rhai") => Some(Self::Functions),
            _ if inside(CALENDARS, ".yaml") => Some(Self::Calendar),
            _ => None,
        }
    }

    /// Whether a published workflow keeps the file as it was.
    pub fn is_pinned(self) -> bool {
        match self {
            Self::Workflow | Self::Functions | Self::Escalation | Self::Reasons => true,
            Self::Organization | Self::Calendar | Self::Ledgers | Self::Indicators => false,
        }
    }
}

impl Sources {
    /// The files that come with the program.
    pub fn embedded() -> Self {
        let mut sources = Self::default();
        let workflows = EmbeddedWorkflows::iter().map(|path| (EmbeddedWorkflows::get(&path), path));
        let rules = EmbeddedRules::iter().map(|path| (EmbeddedRules::get(&path), path));
        for (file, path) in workflows.chain(rules) {
            if let Some(file) = file.filter(|_| SourceKind::of(&path).is_some()) {
                let text = String::from_utf8_lossy(&file.data);
                sources.files.insert(path.into_owned(), text.into());
            }
        }
        sources
    }

    /// The files of a directory. A folder that is not there holds none. Files that cannot be read
    /// as text are findings; an error is a directory that cannot be listed.
    pub fn read_dir(directory: &Path) -> io::Result<(Self, Vec<Diagnostic>)> {
        let mut sources = Self::default();
        let mut findings = Findings::default();
        for folder in [WORKFLOWS, RULES, CALENDARS] {
            let entries = match fs::read_dir(directory.join(folder)) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            for entry in entries {
                let entry = entry?;
                let path = format!("{folder}{}", entry.file_name().to_string_lossy());
                if SourceKind::of(&path).is_none() {
                    report_unused(&path, &mut findings);
                    continue;
                }
                match read_text(&entry.path()) {
                    Ok(text) => {
                        sources.files.insert(path, text.into());
                    }
                    Err((code, message)) => {
                        let span = Span::start_of(&path.into());
                        findings.push(Diagnostic::new(code, span, message));
                    }
                }
            }
        }
        Ok((sources, findings.into_sorted()))
    }

    /// The files of one kind, in the order of their paths.
    pub fn of_kind(&self, kind: SourceKind) -> impl Iterator<Item = (Arc<str>, &Arc<str>)> {
        let of_kind = move |(path, _): &(&String, &Arc<str>)| SourceKind::of(path) == Some(kind);
        self.files.iter().filter(of_kind).map(|(path, text)| (path.as_str().into(), text))
    }

    /// The files that a published version of a workflow keeps: its own and all that it may use.
    #[must_use]
    pub fn pinned_with(&self, workflow: &str) -> Self {
        let keeps = |path: &str| match SourceKind::of(path) {
            Some(SourceKind::Workflow) => path == workflow,
            Some(kind) => kind.is_pinned(),
            None => false,
        };
        let files = self.files.iter().filter(|(path, _)| keeps(path));
        Self { files: files.map(|(path, text)| (path.clone(), text.clone())).collect() }
    }

    /// SHA-256 over all paths and texts, in hexadecimal.
    pub fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        for (path, text) in &self.files {
            for part in [path.as_bytes(), text.as_bytes()] {
                hasher.update((part.len() as u64).to_be_bytes());
                hasher.update(part);
            }
        }
        let digits = |byte: &u8| {
            [byte >> 4, byte & 15].map(|digit| char::from(HEXADECIMAL[usize::from(digit)]))
        };
        hasher.finalize().iter().flat_map(digits).collect()
    }
}

/// A file that looks as if it meant something and does not.
fn report_unused(path: &str, findings: &mut Findings) {
    let name = path.rsplit('/').next().unwrap_or(path);
    let known = [".yaml", ".yml", ".rhai"].iter().any(|extension| name.ends_with(extension));
    if !known || name.starts_with('.') {
        return;
    }
    let renamed = path.strip_suffix(".yml").map(|stem| format!("{stem}.yaml"));
    let likely = renamed.filter(|renamed| SourceKind::of(renamed).is_some());
    let near =
        nearest(path, [ESCALATION, REASONS, ORGANIZATION, LEDGERS, INDICATORS]).map(str::to_owned);
    let span = Span::start_of(&path.into());
    let message = format!("the file `{path}` is never looked at");
    let diagnostic = Diagnostic::new(Code::UnusedFile, span, message);
    findings.push(match likely.or(near) {
        Some(meant) => diagnostic.hint(format!("did you mean `{meant}`?")),
        None => diagnostic,
    });
}

/// Reads a text without reading more of it than is allowed.
fn read_text(path: &Path) -> Result<String, (Code, String)> {
    let unreadable = |error: io::Error| (Code::Unreadable, format!("cannot be read: {error}"));
    let size = fs::metadata(path).map_err(unreadable)?.len();
    if size > limits::SOURCE_BYTES_MAX as u64 {
        return Err((Code::TooLarge, format!("the file has {size} bytes")));
    }
    let bytes = fs::read(path).map_err(unreadable)?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        (Code::Unreadable, format!("the file is not UTF-8 text: byte {at} does not belong to any"))
    })
}

#[cfg(test)]
mod tests {
    use super::{SourceKind, Sources};

    fn sources(files: &[(&str, &str)]) -> Sources {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).into()));
        Sources { files: files.collect() }
    }

    #[test]
    fn a_path_says_what_a_file_is_for() {
        let kinds = [
            ("workflows/a.yaml", Some(SourceKind::Workflow)),
            ("workflows/specs/a.yaml", None),
            ("workflows/a.yml", None),
            ("rules/a.rhai", Some(SourceKind::Functions)),
            ("rules/escalation.yaml", Some(SourceKind::Escalation)),
            ("rules/reasons.yaml", Some(SourceKind::Reasons)),
            ("rules/organization.yaml", Some(SourceKind::Organization)),
            ("rules/ledgers.yaml", Some(SourceKind::Ledgers)),
            ("rules/indicators.yaml", Some(SourceKind::Indicators)),
            ("rules/other.yaml", None),
            ("rules/calendars/cn.yaml", Some(SourceKind::Calendar)),
            ("rules/calendars/.yaml", None),
        ];
        for (path, kind) in kinds {
            assert_eq!(SourceKind::of(path), kind, "{path}");
        }
    }

    #[test]
    fn what_lives_on_is_not_pinned() {
        let all = sources(&[
            ("workflows/a.yaml", "a"),
            ("workflows/b.yaml", "b"),
            ("rules/x.rhai", "x"),
            ("rules/escalation.yaml", "e"),
            ("rules/reasons.yaml", "r"),
            ("rules/organization.yaml", "o"),
            ("rules/ledgers.yaml", "l"),
            ("rules/calendars/cn.yaml", "c"),
        ]);
        let pinned = all.pinned_with("workflows/a.yaml");
        let paths: Vec<&str> = pinned.files.keys().map(String::as_str).collect();
        let kept =
            ["rules/escalation.yaml", "rules/reasons.yaml", "rules/x.rhai", "workflows/a.yaml"];
        assert_eq!(paths, kept);
    }

    #[test]
    fn a_digest_depends_on_every_path_and_text() {
        let one = sources(&[("ab", "c")]).digest();
        assert_eq!(one.len(), 64);
        assert_eq!(one, sources(&[("ab", "c")]).digest());
        assert_ne!(one, sources(&[("a", "bc")]).digest());
        assert_ne!(one, sources(&[("ab", "d")]).digest());
        assert_ne!(sources(&[]).digest(), sources(&[("", "")]).digest());
    }
}
