//! Filling a phrase: names in braces, parts in brackets that may be left out.

/// The phrase with every `{name}` filled. A part in brackets is left out when one of its names has
/// nothing to tell; a name outside of brackets then stands as it is written.
pub(super) fn fill(phrase: &str, told: &mut dyn FnMut(&str) -> Option<String>) -> String {
    let mut text = String::new();
    let mut rest = phrase;
    while let Some(at) = rest.find(['[', '{']) {
        text.push_str(&rest[..at]);
        let (open, after) = rest[at..].split_at(1);
        let (close, optional) = if open == "[" { (']', true) } else { ('}', false) };
        let Some((inside, behind)) = after.split_once(close) else { break };
        if optional {
            if let Some(part) = all_of(inside, told) {
                text.push_str(&part);
            }
        } else {
            text.push_str(&told(inside).unwrap_or_else(|| format!("{{{inside}}}")));
        }
        rest = behind;
    }
    text.push_str(rest);
    text
}

/// The part with every name filled, if there is something to tell for each.
fn all_of(part: &str, told: &mut dyn FnMut(&str) -> Option<String>) -> Option<String> {
    let mut text = String::new();
    let mut rest = part;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, behind) = after.split_once('}')?;
        text.push_str(before);
        text.push_str(&told(name)?);
        rest = behind;
    }
    text.push_str(rest);
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn a_part_without_anything_to_tell_is_left_out() {
        let mut told = |name: &str| (name == "who").then(|| "the steward".to_owned());
        let phrase = "{who} moves it on[ from {stage}], says {who}";
        assert_eq!(fill(phrase, &mut told), "the steward moves it on, says the steward");
        assert_eq!(fill("{stage} ends", &mut told), "{stage} ends");
    }
}
