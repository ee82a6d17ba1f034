//! The administrator's guide is true: its files compile together, and its spec holds.

use std::collections::BTreeMap;
use std::sync::Arc;

use sanbang::definition::render;
use sanbang::definition::sources::Sources;
use sanbang::spec::{self, Setting};

/// The blocks of the guide that say which file they are.
fn files() -> BTreeMap<String, Arc<str>> {
    let guide = super::sources::read("docs/language.md");
    let blocks = guide.split("\n```").filter_map(|block| {
        let (_, text) = block.split_once('\n')?;
        let (first, _) = text.split_once('\n')?;
        let (_, path) = first.split_once("file: ")?;
        Some((path.trim().to_owned(), text.into()))
    });
    blocks.collect()
}

#[test]
fn the_guide_compiles_and_its_spec_holds() {
    let files = files();
    assert!(files.len() >= 13, "{:?}", files.keys());
    let is_spec = |(path, _): &(&String, &Arc<str>)| path.starts_with("workflows/specs/");
    let specs: Vec<(Arc<str>, Arc<str>)> = files
        .iter()
        .filter(is_spec)
        .map(|(path, source)| (path.as_str().into(), source.clone()))
        .collect();
    assert!(specs.len() >= 2);
    let compiled = sanbang::definition::compile(&Sources { files });
    let findings = render::lines(&compiled.diagnostics);
    assert_eq!(findings, "", "the guide has findings");

    let workflows: Vec<_> =
        compiled.workflows.into_iter().map(|compiled| Arc::new(compiled.workflow)).collect();
    let setting = Setting {
        workflows: &workflows,
        calendars: &compiled.calendars,
        organization: &compiled.organization,
    };
    for (path, source) in specs {
        let report = spec::run(setting, &path, &source).expect("it is a spec");
        assert!(report.passed(), "{path}: {:#?}", report.failures);
    }
}
