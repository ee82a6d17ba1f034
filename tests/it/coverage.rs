//! The page of what the team does is true: every line is there, and every test that it names.

use std::collections::BTreeSet;
use std::path::Path;

/// The rows of the page: number, what, carried by, shown by.
fn rows(page: &str) -> Vec<[String; 4]> {
    let lines = page.lines().filter(|line| line.starts_with("| C"));
    let cells = |line: &str| -> Vec<String> {
        let line = line.trim().trim_matches('|');
        line.split(" | ").map(|cell| cell.trim().to_owned()).collect()
    };
    lines
        .map(|line| {
            let cells = cells(line);
            <[String; 4]>::try_from(cells).unwrap_or_else(|cells| panic!("four cells: {cells:?}"))
        })
        .collect()
}

/// What is wrong with one test that a row names.
fn wrong(named: &str) -> Option<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    if Path::new(named).extension().is_some_and(|it| it == "yaml") {
        let folders = ["workflows/specs", "tests/specs"];
        let found = folders.iter().any(|folder| root.join(folder).join(named).is_file());
        return (!found).then(|| format!("there is no spec `{named}`"));
    }
    let (module, function) = named.split_once("::")?;
    let file = root.join("tests/it").join(format!("{module}.rs"));
    let Ok(text) = std::fs::read_to_string(&file) else {
        return Some(format!("there is no module `{module}`"));
    };
    let declared = format!("fn {function}(");
    let Some(at) = text.find(&declared) else {
        return Some(format!("`{module}` has no test `{function}`"));
    };
    let line = text[..at].rfind('\n').map_or("", |end| &text[..end]);
    let above = line.lines().last().unwrap_or("");
    (!above.contains("test")).then(|| format!("`{named}` is no test"))
}

/// The names in backticks of a cell.
fn named(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_row_names_tests_that_exist() {
    let page = super::sources::read("docs/coverage.md");
    let rows = rows(&page);
    let numbers: Vec<String> = (1..=67).map(|number| format!("C{number:02}")).collect();
    let found: Vec<String> = rows.iter().map(|[number, ..]| number.clone()).collect();
    assert_eq!(found, numbers);

    let mut mistakes = Vec::new();
    for [number, what, carried, shown] in &rows {
        if what.is_empty() || carried.is_empty() {
            mistakes.push(format!("{number}: it does not say what it is or what carries it"));
        }
        let tests = named(shown);
        if tests.is_empty() && number != "C08" && shown != "open" {
            mistakes.push(format!("{number}: it names no test"));
        }
        let wrong = tests.into_iter().filter_map(wrong);
        mistakes.extend(wrong.map(|wrong| format!("{number}: {wrong}")));
    }
    assert!(mistakes.is_empty(), "{mistakes:#?}");
}

/// Names of workflows, ladders and files in the page are those that are shipped.
#[test]
fn every_file_and_ladder_that_carries_a_row_is_shipped() {
    let page = super::sources::read("docs/coverage.md");
    let house = super::specs::House::read(".");
    let mut known: BTreeSet<String> = BTreeSet::new();
    for workflow in &house.workflows {
        known.insert(workflow.id.to_string());
        known.extend(workflow.policies.iter().map(|policy| policy.id.to_string()));
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for [number, _, carried, _] in rows(&page) {
        let words: Vec<&str> = carried.split_whitespace().collect();
        for pair in words.windows(2) {
            let name = pair[1].trim_matches(|letter: char| !letter.is_alphanumeric());
            if pair[0] == "workflow" && pair[1].starts_with('`') {
                assert!(known.contains(name), "{number}: there is no workflow `{name}`");
            }
            if pair[0] == "ladder" && pair[1].starts_with('`') {
                assert!(known.contains(name), "{number}: there is no ladder `{name}`");
            }
        }
        for file in named(&carried).into_iter().filter(|name| name.starts_with("rules/")) {
            assert!(root.join(file).is_file(), "{number}: there is no file `{file}`");
        }
    }
}

#[test]
fn a_test_that_does_not_exist_is_told() {
    assert_eq!(wrong("no_such_story.yaml"), Some("there is no spec `no_such_story.yaml`".into()));
    assert_eq!(wrong("coverage::no_such"), Some("`coverage` has no test `no_such`".into()));
    assert_eq!(wrong("coverage::named"), Some("`coverage::named` is no test".into()));
    assert_eq!(wrong("coverage::a_test_that_does_not_exist_is_told"), None);
    assert_eq!(wrong("nowhere::x"), Some("there is no module `nowhere`".into()));
}
