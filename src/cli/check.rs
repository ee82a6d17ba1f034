//! `sanbang check`: every mistake in an administrator's files, without a server.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use crate::definition;
use crate::definition::diagnostic::{Diagnostic, Severity};
use crate::definition::render;
use crate::definition::sources::{SourceKind, Sources};

use super::exit::Failure;
use super::print::{Format, Output, note};

/// Every mistake in workflows and rules, with file, line, column and a hint
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang check
  $ sanbang check workflows/investment_project.yaml --format line
  $ sanbang check --deny-warnings --format json

Exit status: 0 nothing to mend, 1 findings, 2 the path cannot be read.")]
pub(super) struct Check {
    /// A directory that holds `workflows/` and `rules/`, or single files below one
    #[arg(default_value = ".")]
    paths: Vec<PathBuf>,
    /// Warnings count as findings
    #[arg(long)]
    deny_warnings: bool,
}

impl Check {
    pub(super) fn run(self, output: &Output) -> Result<(), Failure> {
        let mut all = Vec::new();
        let mut files = BTreeSet::new();
        let mut told = Ok(());
        for path in &self.paths {
            let Place { directory, file } = place(path)?;
            must_be_compiled(path, file.as_deref())?;
            let (sources, findings) = read(&directory)?;
            let mut diagnostics = findings;
            diagnostics.extend(definition::compile(&sources).diagnostics);
            let concerns =
                |it: &Diagnostic| file.as_ref().is_none_or(|file| *it.primary.span.path == **file);
            diagnostics.retain(concerns);
            // Findings quote the texts of their own directory.
            if output.format != Format::Json {
                told = told.and(write(&diagnostics, &sources, output));
            }
            all.extend(diagnostics);
            let directory = directory.canonicalize().unwrap_or(directory);
            files.extend(sources.files.keys().map(|file| directory.join(file)));
        }
        if output.format == Format::Json {
            told = write(&all, &Sources::default(), output);
        }
        let errors = all.iter().filter(|it| it.severity == Severity::Error).count();
        let warnings = all.len() - errors;
        note(&format!("{} files, {errors} errors, {warnings} warnings", files.len()));
        let no = errors > 0 || (self.deny_warnings && warnings > 0);
        if no { Err(Failure::no_after(told)) } else { told }
    }
}

/// Refuses a file that is no part of what is compiled: nothing would be found in it, ever.
fn must_be_compiled(path: &Path, file: Option<&str>) -> Result<(), Failure> {
    if file.is_none_or(|file| SourceKind::of(file).is_some()) {
        return Ok(());
    }
    let path = path.display();
    Err(Failure::not_tried(format!(
        "`{path}` is a spec: it is run, not checked. Run it: `sanbang test {path}`"
    )))
}

/// Writes findings as the format asks for.
pub(super) fn write(
    diagnostics: &[Diagnostic],
    sources: &Sources,
    output: &Output,
) -> Result<(), Failure> {
    let style = if output.colour { render::Style::Coloured } else { render::Style::Plain };
    let text = match output.format {
        Format::Json => return output.line(&render::json(diagnostics)),
        Format::Human => render::human(diagnostics, sources, style),
        Format::Line => render::lines(diagnostics),
    };
    if text.is_empty() { Ok(()) } else { output.line(text.trim_end()) }
}

/// Reads a configuration, and what could not be read as a text.
pub(super) fn read(directory: &Path) -> Result<(Sources, Vec<Diagnostic>), Failure> {
    let read = Sources::read_dir(directory);
    let (sources, findings) =
        read.with_context(|| format!("`{}` cannot be read", directory.display()))?;
    if sources.files.is_empty() && findings.is_empty() {
        return Err(Failure::not_tried(format!(
            "`{}` holds no configuration: there is neither `workflows/` nor `rules/` with files",
            directory.display()
        )));
    }
    Ok((sources, findings))
}

/// A configuration's directory, and the one file of it that is meant.
pub(super) struct Place {
    pub(super) directory: PathBuf,
    pub(super) file: Option<String>,
}

/// Takes a path of the command line apart.
pub(super) fn place(path: &Path) -> Result<Place, Failure> {
    let found =
        path.canonicalize().with_context(|| format!("`{}` cannot be read", path.display()))?;
    if found.is_dir() {
        return Ok(Place { directory: path.to_owned(), file: None });
    }
    let is_part = |inside: &Path| {
        let inside = inside.to_string_lossy().replace('\\', "/");
        let is_spec = inside.starts_with("workflows/specs/");
        (is_spec || SourceKind::of(&inside).is_some()).then_some(inside)
    };
    let above = found.ancestors().skip(1).find_map(|directory| {
        let inside = is_part(found.strip_prefix(directory).ok()?)?;
        Some(Place { directory: directory.to_owned(), file: Some(inside) })
    });
    above.ok_or_else(|| {
        Failure::not_tried(format!(
            "`{}` is no part of a configuration: its files stand in `workflows/` and `rules/`",
            path.display()
        ))
    })
}
