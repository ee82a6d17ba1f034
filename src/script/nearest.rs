//! "Did you mean …?": the known name that is nearest to an unknown one.

use crate::model::limits;

/// The nearest of some names, if one is near enough to have been meant.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // What is longer is no name. Two texts that fill a file could not be compared at all.
    if name.len() > limits::NAME_BYTES_MAX {
        return None;
    }
    let allowed = (name.chars().count() / 3).max(1);
    known
        .into_iter()
        .filter(|each| each.len() <= limits::NAME_BYTES_MAX)
        .map(|each| (strsim::damerau_levenshtein(name, each), each))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, each)| each)
}

/// The hint for an unknown name: the nearest one, or all there are where they are few.
pub fn hint<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let known: Vec<&str> = known.into_iter().collect();
    if let Some(near) = nearest(name, known.iter().copied()) {
        return Some(format!("did you mean `{near}`?"));
    }
    match known.len() {
        1 => Some(format!("there is only `{}`", known[0])),
        2..=8 => {
            let list: Vec<String> = known.iter().map(|each| format!("`{each}`")).collect();
            Some(format!("there are {}", list.join(", ")))
        }
        _ => None,
    }
}
