//! Everything that is written: data to standard output, everything else to standard error.
//!
//! Knows tables, lines, JSON and colours; nothing of what they are about.

use std::borrow::Cow;
use std::io::{self, IsTerminal as _, Write as _};

use clap::ValueEnum;
use comfy_table::{Cell, Color, ContentArrangement, Table, presets};
use jiff::tz::TimeZone;
use tonic_types::{PreconditionViolation, StatusExt as _};

use super::exit::Failure;
use super::json::{Named, to_json};
use super::language::Language;

/// How data is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people: tables and sentences.
    Human,
    /// One JSON document (one per line where there is a stream).
    Json,
    /// One line for each row or finding, columns separated by tabs.
    Line,
}

/// Where data goes, and how.
#[derive(Debug, Clone)]
pub(super) struct Output {
    pub(super) format: Format,
    pub(super) zone: TimeZone,
    pub(super) language: Language,
    pub(super) colour: bool,
}

impl Output {
    /// For one invocation: colours only for a person at a terminal who did not refuse them.
    pub(super) fn new(format: Format, zone: TimeZone, language: Language, no_colour: bool) -> Self {
        let colour = !no_colour && format == Format::Human && io::stdout().is_terminal();
        Self { format, zone, language, colour }
    }

    /// A line of data.
    #[expect(clippy::unused_self, reason = "whoever writes data has been given the output")]
    pub(super) fn line(&self, text: &str) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        writeln!(out, "{text}")?;
        Ok(out.flush()?)
    }

    /// A message of the API: as JSON, or as `human` tells it.
    pub(super) fn message<M: Named>(
        &self,
        message: &M,
        human: impl FnOnce(&Self) -> String,
    ) -> Result<(), Failure> {
        match self.format {
            Format::Json => self.line(&format!("{:#}", to_json(message))),
            Format::Human | Format::Line => self.line(printable(human(self).trim_end()).as_ref()),
        }
    }

    /// Rows of a list as text: a table for people, tabs for programs.
    pub(super) fn table(&self, header: &[&str], rows: &[Vec<String>]) -> String {
        if self.format == Format::Line {
            let lines = rows.iter().map(|row| {
                let cells: Vec<String> = row.iter().map(|text| in_one_line(text)).collect();
                cells.join("\t")
            });
            return lines.collect::<Vec<_>>().join("\n");
        }
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        if self.colour {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        table.set_header(header.iter().map(|head| self.language.head(head)));
        for row in rows {
            table.add_row(row.iter().map(|text| self.cell(text)));
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
        lines.join("\n")
    }

    /// A cell; the words of lights are coloured, and stay words.
    fn cell(&self, text: &str) -> Cell {
        let cell = Cell::new(text);
        let colour = match text {
            "blue" => Color::Blue,
            "yellow" => Color::Yellow,
            "red" => Color::Red,
            _ => return cell,
        };
        if self.colour { cell.fg(colour) } else { cell }
    }

    /// An instant in the zone of the reader, with its offset: a calendar may count in another.
    pub(super) fn instant(&self, instant: Option<prost_types::Timestamp>) -> String {
        in_zone(instant, &self.zone, "%Y-%m-%d %H:%M%:z")
    }

    /// An instant in the zone of this name, such as a calendar's, which is told beside it; where
    /// nobody here knows it, in that of the reader.
    pub(super) fn instant_in(&self, zone: &str, instant: Option<prost_types::Timestamp>) -> String {
        let told = |zone| in_zone(instant, &zone, "%Y-%m-%d %H:%M");
        TimeZone::get(zone).map_or_else(|_| self.instant(instant), told)
    }
}

fn in_zone(instant: Option<prost_types::Timestamp>, zone: &TimeZone, form: &str) -> String {
    let Some(instant) = instant else { return "-".to_owned() };
    match jiff::Timestamp::new(instant.seconds, instant.nanos) {
        Ok(time) => time.to_zoned(zone.clone()).strftime(form).to_string(),
        Err(_) => format!("{} s", instant.seconds),
    }
}

/// A text for a terminal or a file: signs that would command it are written out, all but those that
/// end lines and columns and those of our own colours.
pub(super) fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(|each: char| each.is_control() && !"\n\t".contains(each)) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for (at, each) in text.char_indices() {
        match each {
            '\n' | '\t' => shown.push(each),
            '\u{1b}' if is_colour(&text[at..]) => shown.push(each),
            _ if each.is_control() => shown.extend(each.escape_default()),
            _ => shown.push(each),
        }
    }
    Cow::Owned(shown)
}

/// Whether a text begins with what only sets a colour: `ESC [ 3 1 m`.
fn is_colour(text: &str) -> bool {
    let numbers = text
        .strip_prefix("\u{1b}[")
        .map(|rest| rest.trim_start_matches(|each: char| each.is_ascii_digit() || each == ';'));
    numbers.is_some_and(|rest| rest.starts_with('m'))
}

/// A text as one column of one line.
pub(super) fn in_one_line(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for each in text.chars() {
        if each.is_control() { shown.extend(each.escape_default()) } else { shown.push(each) }
    }
    shown
}

/// A note beside the data, for whoever watches.
pub(super) fn note(text: &str) {
    // Nobody can be told that standard error is closed.
    let _ = writeln!(io::stderr().lock(), "{}", printable(text));
}

/// What went wrong, for a person.
pub(super) fn tell(failure: &Failure, language: Language) {
    match failure {
        Failure::Refused(status) => tell_refusal(status, language),
        Failure::NotTried(error) => {
            note(&format!("{}: {error:#}", language.pick("error", "错误")));
        }
        Failure::Interrupted => note(language.pick("interrupted", "已中断")),
        Failure::No | Failure::OutputClosed => {}
    }
}

fn tell_refusal(status: &tonic::Status, language: Language) {
    let details = status.get_error_details();
    let reason = details
        .error_info()
        .map_or_else(|| format!("{:?}", status.code()), |info| info.reason.clone());
    let missing: Vec<&PreconditionViolation> = details
        .precondition_failure()
        .map(|failure| failure.violations.iter().collect())
        .unwrap_or_default();
    // What is missing is in the message too, one thing after the other; here it has lines.
    let message = match status.message().split_once(": ") {
        Some((message, _)) if missing.len() > 1 => message,
        _ => status.message(),
    };
    // In English the server says more than these few words.
    let in_words = language.refusal(&reason).filter(|_| language != Language::En);
    let in_words = in_words.map_or_else(String::new, |words| format!("{words}。"));
    note(&format!("{}[{reason}]: {in_words}{message}", language.pick("error", "错误")));
    if let Some(request) = details.bad_request() {
        for violation in &request.field_violations {
            note(&format!("  {}: {}", violation.field, violation.description));
        }
    }
    for violation in missing.iter().filter(|_| missing.len() > 1) {
        note(&format!("  {}", violation.description));
    }
    if let Some(wait) = details.retry_info().and_then(|retry| retry.retry_delay) {
        let wait = wait.as_millis();
        note(&match language {
            Language::En => format!("  it may work again in {wait} ms"),
            Language::Zh => format!("  {wait} 毫秒后可重试"),
        });
    }
    let hint = match status.code() {
        tonic::Code::Unauthenticated => language.pick(
            "say who acts: `--actor MEMBER`, or set SANBANG_ACTOR",
            "请注明操作人：`--actor 成员`，或设置 SANBANG_ACTOR",
        ),
        tonic::Code::Unavailable => language.pick(
            "is a server running there? start one: `sanbang serve`",
            "服务是否在运行？可启动：`sanbang serve`",
        ),
        _ => return,
    };
    note(&format!("  {}: {hint}", language.pick("hint", "提示")));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_command_a_terminal_is_written_out_and_colours_stay() {
        assert_eq!(printable("a\n华\tb"), "a\n华\tb");
        assert_eq!(printable("\u{1b}[2Jgone\r\u{9b}31m"), "\\u{1b}[2Jgone\\r\\u{9b}31m");
        assert_eq!(printable("\u{1b}[31mred\u{1b}[0m"), "\u{1b}[31mred\u{1b}[0m");
        assert_eq!(in_one_line("two\nlines\tand \u{1b}[31m"), "two\\nlines\\tand \\u{1b}[31m");
    }
}
