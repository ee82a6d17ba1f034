//! Every class of mistake that an administrator can make, as the administrator reads it.
//!
//! A fixture is a file under `tests/fixtures/diagnostics`, named after its code. It is
//! `workflows/example.yaml` unless it says otherwise: `# file: PATH` begins a file of that path,
//! `# without: PATH` leaves one out. What a fixture does not say is as in the folder `base`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::prelude::*;
use sanbang::definition::code::{self, Code};
use sanbang::definition::diagnostic::{Diagnostic, Findings, Label, Severity, Span};
use sanbang::definition::render::{self, Style};
use sanbang::definition::sources::Sources;
use sanbang::definition::{compile, compile_published};
use sanbang::model::limits;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn base() -> Sources {
    let (sources, findings) =
        Sources::read_dir(&fixtures().join("diagnostics/base")).expect("the base can be listed");
    assert!(findings.is_empty());
    sources
}

/// The base with the files of a fixture.
fn sources_of(fixture: &str) -> Sources {
    let mut sources = base();
    let mut path = "workflows/example.yaml".to_owned();
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    for line in fixture.lines() {
        if let Some(left_out) = line.strip_prefix("# without: ") {
            sources.files.remove(left_out);
        } else if let Some(next) = line.strip_prefix("# file: ") {
            next.clone_into(&mut path);
        } else {
            let text = texts.entry(path.clone()).or_default();
            writeln!(text, "{line}").expect("a text grows");
        }
    }
    sources.files.extend(texts.into_iter().map(|(path, text)| (path, Arc::from(text))));
    sources
}

/// What a person reads of everything that was found.
fn found(sources: &Sources) -> (Vec<Diagnostic>, String) {
    let diagnostics = compile(sources).diagnostics;
    let text = render::human(&diagnostics, sources, Style::Plain);
    (diagnostics, text)
}

/// Codes that need a file which is not text, or a very long one: they have tests of their own.
const MADE_HERE: [Code; 5] =
    [Code::Unreadable, Code::TooLarge, Code::UnusedFile, Code::MoreFindings, Code::TooMany];

#[test]
fn every_code_has_a_fixture_that_shows_it() {
    let mut shown: Vec<Code> = MADE_HERE.to_vec();
    let mut wrong = String::new();
    for entry in fs::read_dir(fixtures().join("diagnostics")).expect("the fixtures are there") {
        let path = entry.expect("an entry can be read").path();
        if !path.is_file() {
            continue;
        }
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a plain name");
        let number = name.split('-').next().expect("a name has a beginning");
        let code = Code::ALL.iter().find(|code| code.as_str() == number);
        let code = *code.unwrap_or_else(|| panic!("{name} is named after no code"));
        let fixture = fs::read_to_string(&path).expect("a fixture is text");
        let (diagnostics, text) = found(&sources_of(&fixture));
        if diagnostics.is_empty() || diagnostics.iter().any(|each| each.code != code) {
            write!(wrong, "{name} shows something else:\n{text}\n").expect("a text grows");
            continue;
        }
        insta::assert_snapshot!(name, text);
        shown.push(code);
    }
    let missing: Vec<&str> =
        Code::ALL.iter().filter(|code| !shown.contains(code)).map(|code| code.as_str()).collect();
    assert!(missing.is_empty() && wrong.is_empty(), "{wrong}no fixture shows {missing:?}");
}

#[test]
fn the_base_of_the_fixtures_has_no_finding() {
    let (_, text) = found(&base());
    assert_eq!(text, "");
}

#[test]
fn a_file_that_is_no_text_or_too_long_is_told() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let folder = directory.path().join("workflows");
    fs::create_dir(&folder).expect("a folder can be made");
    fs::write(folder.join("binary.yaml"), b"workflow: \xff\xfe").expect("a file can be written");
    let long = "# long\n".repeat(limits::SOURCE_BYTES_MAX / 7 + 1);
    fs::write(folder.join("long.yaml"), &long).expect("a file can be written");
    let (sources, findings) = Sources::read_dir(directory.path()).expect("it can be listed");
    assert!(sources.files.is_empty());
    insta::assert_snapshot!("SB0001", render::lines(&findings));

    let mut sources = base();
    sources.files.insert("workflows/example.yaml".to_owned(), long.into());
    insta::assert_snapshot!("SB0002", found(&sources).1);
}

#[test]
fn a_file_that_is_never_looked_at_is_told() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let rules = directory.path().join("rules");
    fs::create_dir_all(rules.join("calendars")).expect("a folder can be made");
    fs::create_dir_all(directory.path().join("workflows/specs")).expect("a folder can be made");
    for name in [
        "rules/calendars/cn.yml",
        "rules/organisation.yaml",
        "rules/holidays.yaml",
        "rules/README.md",
        "rules/.hidden.yaml",
        "workflows/specs/leave.yaml",
        "workflows/leave.yml",
    ] {
        fs::write(directory.path().join(name), "").expect("a file can be written");
    }
    let (sources, findings) = Sources::read_dir(directory.path()).expect("it can be listed");
    assert!(sources.files.is_empty());
    insta::assert_snapshot!("SB0006", render::human(&findings, &sources, Style::Plain));
}

#[test]
fn too_many_stages_and_tasks_are_told() {
    let mut text = "workflow: example\ncalendar: cn\nstages:\n".to_owned();
    for stage in 0..=limits::STAGES_MAX {
        writeln!(text, "  - id: stage_{stage}").expect("a text grows");
    }
    text.push_str("    sla: { within: 5wd, escalation: ladder }\n    tasks:\n");
    for task in 0..=limits::STAGE_TASKS_MAX {
        writeln!(text, "      - id: task_{task}").expect("a text grows");
    }
    let mut sources = base();
    sources.files.insert("workflows/example.yaml".to_owned(), text.into());
    insta::assert_snapshot!("SB0208", found(&sources).1);
}

/// As many keys as a file of the largest size has room for, all the same or all different.
#[test]
fn of_a_file_with_very_many_findings_the_first_are_told() {
    let same = "a:\n".repeat(limits::SOURCE_BYTES_MAX / 3);
    let mut different = String::new();
    for key in 0..90_000 {
        writeln!(different, "k{key}: 1").expect("a text grows");
    }
    for text in [same, different] {
        assert!(text.len() <= limits::SOURCE_BYTES_MAX);
        let mut sources = base();
        sources.files.insert("workflows/many.yaml".to_owned(), text.into());
        let diagnostics = compile(&sources).diagnostics;
        let of_file =
            diagnostics.iter().filter(|it| &*it.primary.span.path == "workflows/many.yaml");
        let of_file: Vec<&Diagnostic> = of_file.collect();
        assert!(of_file.len() <= limits::FINDINGS_OF_FILE_MAX + 1, "{}", of_file.len());
        assert!(of_file.iter().any(|it| it.severity == Severity::Error));
        let lines: Vec<usize> = of_file.iter().map(|it| it.primary.span.line).collect();
        assert!(lines[..lines.len() - 1].is_sorted() && lines.contains(&9), "{lines:?}");
    }
}

#[test]
fn what_is_not_told_is_counted_and_no_error_is_hidden() {
    let path: Arc<str> = "a.yaml".into();
    let at = |line| Span { path: path.clone(), range: line..line, line, column: 1 };
    let finding = |code, line: usize| Diagnostic::new(code, at(line), format!("line {line}"));
    let mut findings = Findings::default();
    for line in 1..=limits::FINDINGS_OF_FILE_MAX + 5 {
        findings.push(finding(Code::UnusedFile, line));
    }
    findings.push(finding(Code::DuplicateKey, 2000));
    findings.leave_untold(&path, 7);
    let told = findings.into_sorted();
    assert_eq!(told.len(), limits::FINDINGS_OF_FILE_MAX + 1);
    let last: Vec<&str> = told[told.len() - 3..].iter().map(|it| &*it.message).collect();
    let more = "13 more findings of this file are not told";
    assert_eq!(last, ["line 99", "line 2000", more], "the error stays");
}

#[test]
fn one_line_for_each_finding_and_json() {
    let fixture =
        fs::read_to_string(fixtures().join("diagnostics/SB0103.yaml")).expect("a fixture");
    let (diagnostics, _) = found(&sources_of(&fixture));
    insta::assert_snapshot!("lines", render::lines(&diagnostics));
    insta::assert_snapshot!("json", render::json(&diagnostics));
    assert!(render::human(&diagnostics, &base(), Style::Coloured).contains('\u{1b}'));
}

#[test]
fn the_page_of_codes_is_up_to_date() {
    let page = fixtures().join("../../docs/diagnostics.md");
    let written = fs::read_to_string(&page).unwrap_or_default();
    if written != code::page() {
        let fresh = page.with_extension("md.new");
        fs::write(&fresh, code::page()).expect("the page can be written beside the old one");
        panic!("`docs/diagnostics.md` is not what the codes say: take `{}`", fresh.display());
    }
}

#[test]
fn codes_are_unique_and_in_order() {
    let numbers: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
}

#[test]
fn the_examples_of_the_language_compile() {
    let (sources, _) = Sources::read_dir(&fixtures().join("language")).expect("it can be listed");
    let (diagnostics, text) = found(&sources);
    assert!(diagnostics.is_empty(), "{text}");
    let names: Vec<String> = compile(&sources)
        .workflows
        .iter()
        .map(|each| each.workflow.id.as_str().to_owned())
        .collect();
    assert_eq!(names, ["enterprise_demand", "investment_project"]);
}

/// What was published once is built from its own files alone, whatever later versions find.
#[test]
fn a_published_version_compiles_for_ever() {
    for entry in fs::read_dir(fixtures().join("published")).expect("the fixtures are there") {
        let path = entry.expect("an entry can be read").path();
        let (pinned, _) = Sources::read_dir(&path).expect("it can be listed");
        let published = compile_published(&pinned, 1);
        let published = published.unwrap_or_else(|found| panic!("{}", render::lines(&found)));
        assert_eq!(published.version, 1);
    }
}

#[test]
fn findings_that_lose_nothing_never_keep_a_published_version_from_being_built() {
    for name in ["SB0306", "SB0501", "SB0506", "SB0516"] {
        let fixture = fixtures().join("diagnostics").join(name).with_extension("yaml");
        let sources = sources_of(&fs::read_to_string(fixture).expect("a fixture is text"));
        assert!(!compile(&sources).diagnostics.is_empty(), "{name}");
        let pinned = sources.pinned_with("workflows/example.yaml");
        assert!(compile_published(&pinned, 2).is_ok(), "{name}");
    }
    let broken =
        sources_of("workflow: example\ncalendar: cn\nstages: [{ id: review, skip_when: 'x >' }]\n");
    let pinned = broken.pinned_with("workflows/example.yaml");
    let found = compile_published(&pinned, 2).expect_err("a condition cannot be read");
    insta::assert_snapshot!("published", render::lines(&found));
}

#[test]
fn a_finding_in_one_part_hides_none_in_another() {
    let fixture = "\
workflow: example
calendar: cn
fields: { investor: { type: text, colour: red } }
stages:
  - id: review
    titel: 预审
    sla: { within: 5d, escalation: ladder }
    tasks: [{ id: check, offer: perhaps, role: nobody }]
    next: [{ to: reveiw }]
  - { id: signing, skip_when: 'project.investor > 3' }
";
    let (diagnostics, _) = found(&sources_of(fixture));
    insta::assert_snapshot!("several", render::lines(&diagnostics));
}

fn cases() -> ProptestConfig {
    ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() }
}

/// A piece of YAML that is somewhere near the language.
fn fragment() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "stages:",
        "- id: a",
        "tasks:",
        "{",
        "}",
        "[",
        "]",
        "'",
        "\"",
        "|",
        ">",
        "&a",
        "*a",
        "!x",
        "within: 5wd",
        "预审",
        "\n",
        "\n  ",
        "\n    ",
        ": ",
        "- ",
        "? ",
        "#",
        "%",
        "---",
        "\t",
        "when: 'project.x > 1'",
        "for_each: [a, b]",
        "role: '{each}_x'",
        "<<: *a",
        "null",
        "~",
        "1",
        "at: { later_of: [80%, -1wd] }",
        "workflow: x",
        "\u{feff}",
        "\r\n",
        "\u{85}",
        "𠀀",
    ]);
    prop::collection::vec(words, 0..40).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn compiling_never_panics(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        fragment in fragment(),
        file in 0..6_usize,
        place in any::<prop::sample::Index>(),
        removed in 0..30_usize,
    ) {
        let mut sources = base();
        let path = sources.files.keys().nth(file % sources.files.len()).cloned();
        let path = path.expect("the base has files");
        let old = sources.files[&path].clone();
        let characters: Vec<char> = old.chars().collect();
        let start = place.index(characters.len());
        let end = (start + removed).min(characters.len());
        let mutated: String = characters[..start].iter().copied()
            .chain(fragment.chars())
            .chain(characters[end..].iter().copied())
            .collect();
        for text in [String::from_utf8_lossy(&bytes).into_owned(), fragment, mutated] {
            sources.files.insert(path.clone(), text.into());
            let compilation = compile(&sources);
            let diagnostics = &compilation.diagnostics;
            let human = render::human(diagnostics, &sources, Style::Plain);
            prop_assert_eq!(human.is_empty(), diagnostics.is_empty());
            prop_assert_eq!(render::lines(diagnostics).lines().count(), diagnostics.len());
            for each in diagnostics {
                let Span { path, range, .. } = &each.primary.span;
                let text = sources.files.get(&**path).map_or("", |text| &**text);
                prop_assert!(text.get(range.clone()).is_some(), "{each:?}");
            }
        }
    }

    #[test]
    fn rendering_never_panics(
        text in "(\\PC|[预审𠀀\n\r\t]){0,60}",
        spans in prop::collection::vec((0..200_usize, 0..200_usize), 1..4),
        said in "\\PC{0,20}",
    ) {
        let path: Arc<str> = "workflows/a.yaml".into();
        let elsewhere: Arc<str> = "workflows/b.yaml".into();
        let span = |(start, end): &(usize, usize), path: &Arc<str>| {
            let range = *start..*end;
            Span { path: path.clone(), range, line: *start, column: *end }
        };
        let primary = span(&spans[0], &path);
        let mut diagnostic = Diagnostic::new(Code::InvalidYaml, primary, said.clone());
        diagnostic.secondary.extend(spans.iter().skip(1).map(|each| Label {
            span: span(each, &path),
            text: said.clone(),
        }));
        let elsewhere = span(&spans[0], &elsewhere);
        let diagnostic = diagnostic.label(said.clone()).hint(said).also(elsewhere, "x");
        let mut sources = Sources::default();
        let alone = render::human(std::slice::from_ref(&diagnostic), &sources, Style::Coloured);
        prop_assert!(alone.contains("SB0003"));
        sources.files.insert(path.to_string(), text.into());
        let drawn = render::human(std::slice::from_ref(&diagnostic), &sources, Style::Plain);
        prop_assert!(drawn.contains("SB0003"));
        prop_assert!(!render::json(&[diagnostic]).is_empty());
    }
}
