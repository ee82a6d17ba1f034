//! Instances that may be the same thing: of one workflow, with an indexed text that is the same or
//! holds the other. Decides nothing: people judge.

use crate::definition::compiled::{FieldKind, Workflow};
use crate::model::id::{FieldId, InstanceId, WorkflowId};
use crate::model::instance::Header;
use crate::model::limits;
use crate::model::text::narrow;
use crate::model::value::{Value, Values};
use crate::store::{Error, Query, Store};

/// So much at least have two texts in common where one only holds the other: in letters, of which a
/// Chinese character counts for two.
const COMMON_MIN: usize = 4;
/// What companies have in common at the end of their names and what tells none from another.
const COMPANY_FORMS: [&str; 6] = ["有限责任公司", "有限公司", "公司", "股份", "集团", "控股"];

/// What instances are compared with.
pub(super) struct Likeness {
    workflow: WorkflowId,
    /// The texts, without what does not matter.
    texts: Vec<(FieldId, String)>,
}

impl Likeness {
    /// The indexed texts among these fields; none: there are none, so nothing is similar.
    pub(super) fn of(workflow: &Workflow, fields: &Values) -> Option<Self> {
        let indexed = workflow.fields.iter().filter(|field| field.indexed);
        let texts = indexed.filter(|field| field.kind == FieldKind::Text).filter_map(|field| {
            let Value::Text(text) = fields.get(&field.id)? else { return None };
            Some((field.id.clone(), plain(text))).filter(|(_, text)| !text.is_empty())
        });
        let texts: Vec<(FieldId, String)> = texts.collect();
        (!texts.is_empty()).then(|| Self { workflow: workflow.id.clone(), texts })
    }

    fn matches(&self, header: &Header) -> bool {
        self.texts.iter().any(|(field, text)| {
            let known = header.indexed.iter().find(|(name, _)| name == field);
            matches!(known, Some((_, Value::Text(known))) if are_alike(text, &plain(known)))
        })
    }
}

/// The first that were created, at most so many, without one of them.
pub(super) fn find(
    store: &dyn Store,
    likeness: &Likeness,
    but: Option<&InstanceId>,
) -> Result<Vec<Header>, Error> {
    let mut found: Vec<Header> = Vec::new();
    let mut after = None;
    loop {
        let query = Query {
            workflows: vec![likeness.workflow.clone()],
            after,
            limit: limits::PAGE_SIZE_MAX,
            ..Query::default()
        };
        let page = store.query(&query)?;
        let is_last = page.len() < limits::PAGE_SIZE_MAX;
        after = page.last().map(|header| header.id.clone().into());
        let alike = page.into_iter().filter(|header| likeness.matches(header));
        found.extend(alike.filter(|header| Some(&header.id) != but));
        found
            .sort_by(|left, right| (left.created_at, &left.id).cmp(&(right.created_at, &right.id)));
        found.truncate(limits::SIMILAR_MAX);
        if is_last {
            return Ok(found);
        }
    }
}

/// Letters and digits alone, in usual small letters, without the form of a company.
fn plain(text: &str) -> String {
    let letters = text.chars().map(narrow).filter(|each| each.is_alphanumeric());
    let text: String = letters.flat_map(char::to_lowercase).collect();
    let mut name = text.as_str();
    while let Some(shorter) = COMPANY_FORMS.iter().find_map(|form| name.strip_suffix(form)) {
        name = shorter;
    }
    name.to_owned()
}

fn are_alike(one: &str, other: &str) -> bool {
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    short == long || (weight(short) >= COMMON_MIN && long.contains(short))
}

fn weight(text: &str) -> usize {
    text.chars().map(|each| if is_chinese(each) { 2 } else { 1 }).sum()
}

fn is_chinese(each: char) -> bool {
    matches!(each, '\u{3400}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_spaces_and_punctuation_do_not_matter() {
        let alike = |one: &str, other: &str| are_alike(&plain(one), &plain(other));
        assert!(alike("Hua Guang Glass", "HUAGUANG-glass"));
        assert!(alike("安徽华光玻璃有限公司", "华光玻璃"));
        assert!(alike("华光", "安徽华光玻璃有限公司"));
        assert!(!alike("华", "安徽华光玻璃有限公司"));
        assert!(alike("ＢＹＤ Auto", "byd auto（安徽）"));
        assert!(!alike("光明集团股份有限公司", "华光集团股份有限公司"));
        assert_eq!(plain("（控股）有限公司"), "", "a form is no name");
        assert!(!alike("Even Ground", "Uneven Roads"));
    }
}
