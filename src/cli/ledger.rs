//! `sanbang ledger`: what is and what was, as tables and files.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use prost_types::Timestamp;

use crate::api::pb;

use super::Global;
use super::arguments::parse_instant;
use super::exit::Failure;
use super::language::Language;
use super::print::{Format, Output};

#[derive(Debug, Subcommand)]
pub(super) enum Ledger {
    List(List),
    Show(Show),
    Export(Export),
    Indicators(Indicators),
}

/// Every ledger and every indicator
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang ledger list --actor coordinator_1")]
pub(super) struct List {}

/// The rows of a ledger, now or as of a past instant
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang ledger show light_list --actor coordinator_1
  $ sanbang ledger show project_ledger --as-of 2025-01-06T18:00+08:00 --actor coordinator_1
  $ sanbang ledger show lead_ledger --filter 'group = \"smart_sensors\"' --language zh --actor \
coordinator_1")]
pub(super) struct Show {
    #[command(flatten)]
    which: Which,
}

/// A ledger as a file: CSV (UTF-8 with byte order mark) or XLSX
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang ledger export project_ledger --to projects.xlsx --actor coordinator_1
  $ sanbang ledger export light_list --to lights.csv --language zh --actor coordinator_1

Exit status: 0 the file is there, 1 the server refuses, 2 it could not be written.")]
pub(super) struct Export {
    #[command(flatten)]
    which: Which,
    /// The file; its ending says what it is to be: `.csv` or `.xlsx`
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

/// Figures, now or as of a past instant, each with what it is a share of; with `--file` as a file
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang ledger indicators --actor coordinator_1
  $ sanbang ledger indicators signing_rate project_funnel --from 2025-01-01 --to 2025-03-31 \
--actor coordinator_1
  $ sanbang ledger indicators --file figures.xlsx --language zh --actor coordinator_1")]
pub(super) struct Indicators {
    /// The indicators; default: all
    #[arg(value_name = "INDICATORS")]
    names: Vec<String>,
    /// The first day of the period
    #[arg(long, default_value = "", hide_default_value = true, value_name = "DAY")]
    from: String,
    /// The last day of the period
    #[arg(long, default_value = "", hide_default_value = true, value_name = "DAY")]
    to: String,
    /// As of which instant; default: now
    #[arg(long, value_parser = parse_instant, value_name = "INSTANT")]
    as_of: Option<Timestamp>,
    /// Which instances: `group = "smart_sensors"`
    #[arg(long, default_value = "", hide_default_value = true, value_name = "FILTER")]
    filter: String,
    /// Into this file instead; its ending says what it is to be: `.csv` or `.xlsx`
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Which rows of which ledger.
#[derive(Debug, Args)]
struct Which {
    /// The ledger
    ledger: String,
    /// As of which instant; default: now
    #[arg(long, value_parser = parse_instant, value_name = "INSTANT")]
    as_of: Option<Timestamp>,
    /// Which rows: `group = "smart_sensors" AND light = "red"`
    #[arg(long, default_value = "", hide_default_value = true, value_name = "FILTER")]
    filter: String,
}

fn words_in(language: Language) -> &'static Words {
    match language {
        Language::En => &Words {
            header: ["OF", "MEASURE", "BASIS", "VALUE", "NUMERATOR / DENOMINATOR", "N"],
            target: ["TARGET", "REACHED"],
            now: "now",
            period: "period",
            cohort: "cohort",
            reached: "yes",
            missed: "no",
        },
        Language::Zh => &Words {
            header: ["项目", "指标", "口径", "数值", "分子 / 分母", "样本数"],
            target: ["目标", "达成"],
            now: "当前",
            period: "期内",
            cohort: "同批",
            reached: "已达成",
            missed: "未达成",
        },
    }
}

/// The words of a table of figures.
struct Words {
    header: [&'static str; 6],
    target: [&'static str; 2],
    now: &'static str,
    period: &'static str,
    cohort: &'static str,
    reached: &'static str,
    missed: &'static str,
}

impl Ledger {
    pub(super) async fn run(self, global: &Global, output: &Output) -> Result<(), Failure> {
        let client = global.connect().await?;
        match self {
            Self::List(List {}) => {
                let request = pb::LedgerServiceListLedgersRequest {};
                let response = client.ledgers().list_ledgers(request).await?.into_inner();
                output.message(&response, |output| list_text(&response, output))
            }
            Self::Show(Show { which }) => show(&client, which, output).await,
            Self::Indicators(mut asked) => {
                if let Some(file) = asked.file.take() {
                    return export(&client, asked.into_file(), &file, output).await;
                }
                let request = pb::LedgerServiceIndicatorsRequest {
                    indicators: asked.names,
                    as_of: asked.as_of,
                    from: asked.from,
                    to: asked.to,
                    filter: asked.filter,
                    language: output.language.to_wire(),
                };
                let response = client.ledgers().indicators(request).await?.into_inner();
                output.message(&response, |output| {
                    let texts = response.indicators.iter();
                    let texts = texts.map(|it| report_text(it, output));
                    texts.collect::<Vec<_>>().join("\n\n")
                })
            }
            Self::Export(Export { which, to }) => {
                export(&client, which.into_file(), &to, output).await
            }
        }
    }
}

fn list_text(response: &pb::LedgerServiceListLedgersResponse, output: &Output) -> String {
    let row = |kind: &str, id: &str, title: &Option<pb::Title>, workflows: &[String]| {
        let title = title.clone().unwrap_or_default();
        vec![kind.to_owned(), id.to_owned(), title.en, title.zh, workflows.join(" ")]
    };
    let ledgers = response.ledgers.iter();
    let ledgers = ledgers.map(|it| row("ledger", &it.id, &it.title, &it.workflows));
    let indicators = response.indicators.iter();
    let indicators = indicators.map(|it| row("indicator", &it.id, &it.title, &it.workflows));
    let rows: Vec<Vec<String>> = ledgers.chain(indicators).collect();
    output.table(&["", "NAME", "TITLE", "", "OF"], &rows)
}

async fn show(
    client: &super::client::Client,
    which: Which,
    output: &Output,
) -> Result<(), Failure> {
    let mut request = pb::LedgerServiceQueryRequest {
        ledger: which.ledger,
        as_of: which.as_of,
        filter: which.filter,
        language: output.language.to_wire(),
        page_size: 1000,
        page_token: String::new(),
    };
    let mut ledgers = client.ledgers();
    let mut whole = ledgers.query(request.clone()).await?.into_inner();
    while !whole.next_page_token.is_empty() {
        request.page_token = std::mem::take(&mut whole.next_page_token);
        let page = ledgers.query(request.clone()).await?.into_inner();
        whole.rows.extend(page.rows);
        whole.next_page_token = page.next_page_token;
    }
    output.message(&whole, |output| sheet_text(&whole, output))
}

fn sheet_text(sheet: &pb::LedgerServiceQueryResponse, output: &Output) -> String {
    let header: Vec<&str> = sheet.columns.iter().map(|column| column.title.as_str()).collect();
    let cells = |cells: &[pb::Cell]| cells.iter().map(cell_text).collect::<Vec<_>>();
    let mut rows: Vec<Vec<String>> = sheet.rows.iter().map(|row| cells(&row.cells)).collect();
    if !sheet.totals.is_empty() {
        rows.push(cells(&sheet.totals));
    }
    let table = output.table(&header, &rows);
    if output.format == Format::Line {
        return table;
    }
    let instant = output.instant(sheet.as_of);
    let (title, rows) = (&sheet.title, sheet.total_rows);
    match output.language {
        Language::En => format!("{title}, {instant}, {rows} rows\n{table}"),
        Language::Zh => format!("{title}，{instant}，共 {rows} 行\n{table}"),
    }
}

fn cell_text(cell: &pb::Cell) -> String {
    use pb::cell::Value;
    match &cell.value {
        None => String::new(),
        Some(Value::Text(text) | Value::Decimal(text) | Value::Date(text) | Value::Time(text)) => {
            text.replace(['\n', '\t'], " ")
        }
        Some(Value::Integer(number)) => number.to_string(),
    }
}

impl Which {
    fn into_file(self) -> pb::LedgerServiceExportRequest {
        pb::LedgerServiceExportRequest {
            ledger: self.ledger,
            as_of: self.as_of,
            filter: self.filter,
            ..Default::default()
        }
    }
}

impl Indicators {
    fn into_file(self) -> pb::LedgerServiceExportRequest {
        let Self { names: indicators, from, to, as_of, filter, .. } = self;
        pb::LedgerServiceExportRequest {
            as_of,
            filter,
            indicators: Some(pb::IndicatorSelection { indicators, from, to }),
            ..Default::default()
        }
    }
}

async fn export(
    client: &super::client::Client,
    mut request: pb::LedgerServiceExportRequest,
    to: &std::path::Path,
    output: &Output,
) -> Result<(), Failure> {
    request.language = output.language.to_wire();
    let format = match to.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => pb::LedgerFormat::Csv,
        Some("xlsx") => pb::LedgerFormat::Xlsx,
        _ => return Err(Failure::not_tried("the file ends in `.csv` or in `.xlsx`")),
    };
    request.set_format(format);
    let mut pieces = client.ledgers().export(request).await?.into_inner();
    let mut content = Vec::new();
    while let Some(piece) = pieces.message().await? {
        content.extend(piece.content);
    }
    write_file(to, &content)?;
    output.line(&format!("{}, {} bytes", to.display(), content.len()))
}

/// Beside it first: the earlier file stays whole until the new one is. Who may read it stays as it
/// was, and a link still leads to it.
#[expect(clippy::disallowed_methods, reason = "an export is a plain file of its caller")]
fn write_file(to: &std::path::Path, content: &[u8]) -> std::io::Result<()> {
    let to = to.canonicalize().unwrap_or_else(|_| to.to_owned());
    let earlier = std::fs::metadata(&to).ok();
    if earlier.as_ref().is_some_and(|earlier| !earlier.is_file()) {
        return std::fs::write(&to, content);
    }
    let mut name = to.file_name().unwrap_or_default().to_owned();
    name.push(".unfinished");
    let unfinished = to.with_file_name(name);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    if earlier.is_some() {
        options.mode(0o600);
    }
    let Ok(mut file) = options.open(&unfinished) else {
        // Where nothing can be put beside it, the file itself is all there is.
        return std::fs::write(&to, content);
    };
    let keep = || earlier.as_ref().map_or(Ok(()), |it| file.set_permissions(it.permissions()));
    let written = keep().and_then(|()| file.write_all(content));
    if written.is_ok() && std::fs::rename(&unfinished, &to).is_ok() {
        return Ok(());
    }
    // What could not be written may not be there at all.
    let _ = std::fs::remove_file(&unfinished);
    written.and_then(|()| std::fs::write(&to, content))
}

fn report_text(report: &pb::IndicatorReport, output: &Output) -> String {
    let words = words_in(output.language);
    // A column of its own only where something stands in it.
    let with_target = report.figures.iter().any(|it| it.target.is_some());
    let row = |it: &pb::Figure| {
        let basis = match it.basis() {
            pb::FigureBasis::Unspecified => "",
            pb::FigureBasis::Now => words.now,
            pb::FigureBasis::Period => words.period,
            pb::FigureBasis::Cohort => words.cohort,
        };
        let divided = if it.denominator.is_empty() {
            String::new()
        } else {
            format!("{} / {}", it.numerator, it.denominator)
        };
        let value = if it.value.is_empty() { "-".to_owned() } else { it.value.clone() };
        let n = it.n.to_string();
        let own = [it.name.clone(), it.measure.clone(), basis.to_owned(), value, divided, n];
        let target = it.target.as_ref().map(|it| target_text(it, words)).unwrap_or_default();
        let target = with_target.then_some(target).into_iter().flatten();
        it.keys.iter().cloned().chain(own).chain(target).collect::<Vec<String>>()
    };
    let by = report.by.iter().map(String::as_str);
    let target = with_target.then_some(words.target).into_iter().flatten();
    let header: Vec<&str> = by.chain(words.header).chain(target).collect();
    let rows: Vec<Vec<String>> = report.figures.iter().map(row).collect();
    let table = output.table(&header, &rows);
    if output.format == Format::Line {
        return table;
    }
    let unit = if report.unit.is_empty() { String::new() } else { format!(" ({})", report.unit) };
    let sides = if report.denominator.is_empty() {
        report.numerator.clone()
    } else {
        format!("{} / {}", report.numerator, report.denominator)
    };
    format!("{}{unit}: {sides}\n{table}", report.title)
}

/// What is to be reached, such as `≥ 20 (2026)`, and whether it is.
fn target_text(target: &pb::Target, words: &Words) -> [String; 2] {
    let bound = match target.bound() {
        pb::TargetBound::Unspecified => "",
        pb::TargetBound::AtLeast => "≥ ",
        pb::TargetBound::AtMost => "≤ ",
    };
    let year = if target.year == 0 { String::new() } else { format!(" ({})", target.year) };
    let reached = match target.reached {
        Some(true) => words.reached,
        Some(false) => words.missed,
        None => "-",
    };
    [format!("{bound}{}{year}", target.goal), reached.to_owned()]
}
