//! Specs as people read them: told in plain Chinese and English, with words for everything.

use std::collections::BTreeMap;
use std::sync::Arc;

use sanbang::calendar::render::Language;
use sanbang::spec::tell::tell;

use super::specs::House;

/// Every shipped spec by its path, told in both languages.
fn told(house: &House) -> BTreeMap<String, [String; 2]> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("workflows/specs");
    let entries = std::fs::read_dir(root).expect("the folder of specs can be read");
    let mut all = BTreeMap::new();
    for entry in entries {
        let name = entry.expect("an entry can be read").file_name();
        let path: Arc<str> = format!("workflows/specs/{}", name.to_string_lossy()).into();
        let source: Arc<str> = super::sources::read(&path).into();
        let texts = [Language::Chinese, Language::English].map(|language| {
            let told = tell(house.setting(), &path, &source, language).expect("it is a spec");
            assert!(told.without_words.is_empty(), "{path} has no words: {:?}", told.without_words);
            assert!(!told.text.contains('{'), "{path} has a gap:\n{}", told.text);
            told.text
        });
        all.insert(path.to_string(), texts);
    }
    all
}

/// The workflow of a spec, from its own line.
fn workflow_of(path: &str) -> String {
    let source = super::sources::read(path);
    let line = source.lines().find_map(|line| line.strip_prefix("workflow: "));
    line.expect("a spec names its workflow").to_owned()
}

#[test]
fn every_shipped_spec_is_told_in_plain_chinese_and_english() {
    let house = House::read(".");
    let mut by_workflow: BTreeMap<String, String> = BTreeMap::new();
    for (path, [chinese, english]) in told(&house) {
        let text = by_workflow.entry(workflow_of(&path)).or_default();
        for part in [path.as_str(), &chinese, &english] {
            text.push_str(part);
            text.push_str("\n\n");
        }
    }
    assert_eq!(by_workflow.len(), house.workflows.len(), "every workflow has specs");
    for (workflow, text) in by_workflow {
        insta::assert_snapshot!(format!("specs_of_{workflow}"), text);
    }
}

/// What people read is in their language: every word of a choice, an outcome and a `for_each` of
/// the shipped workflows is said in both.
#[test]
fn every_word_of_the_shipped_workflows_is_said_in_both_languages() {
    use sanbang::definition::compiled::{Field, FieldKind};

    let house = House::read(".");
    let of_fields = |fields: &[Field]| {
        let mut words: Vec<String> = Vec::new();
        for field in fields {
            if let FieldKind::Choice(of) = &field.kind {
                words.extend(of.iter().map(ToString::to_string));
            }
        }
        words
    };
    let mut silent = Vec::new();
    for workflow in &house.workflows {
        let mut words = of_fields(&workflow.fields);
        words.extend(workflow.activities.iter().flat_map(|activity| of_fields(&activity.fields)));
        for task in workflow.stages.iter().flat_map(|stage| &stage.tasks) {
            words.extend(task.outcomes.iter().map(ToString::to_string));
            words.extend(task.for_each.iter().map(ToString::to_string));
            words.extend(of_fields(&task.form));
        }
        let unsaid = words.into_iter().filter(|word| !workflow.words.contains_key(word.as_str()));
        silent.extend(unsaid.map(|word| format!("{}: {word}", workflow.id)));
    }
    assert!(silent.is_empty(), "say them under `words` in rules/reasons.yaml: {silent:#?}");
}
