//! "Did you mean …?": the known name that is nearest to an unknown one.

/// The nearest of some names, if one is near enough to have been meant.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (name.chars().count() / 3).max(1);
    known
        .into_iter()
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
