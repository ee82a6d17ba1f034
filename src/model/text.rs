//! Texts as they are compared, however they were typed. Knows letters, never what a text is about.

/// The usual form of a letter, digit or sign that Chinese input methods also write wide (`Ａ`, `９`,
/// `（`), and of the wide space.
pub fn narrow(each: char) -> char {
    /// How far a wide sign is from the usual one.
    const WIDE: u32 = 0xFEE0;
    match each {
        '\u{3000}' => ' ',
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(each) - WIDE).unwrap_or(each),
        usual => usual,
    }
}

/// What identifies something, however it was typed: usual letters, large, without space around.
pub fn identifying(text: &str) -> String {
    let usual: String = text.chars().map(narrow).collect();
    usual.trim().to_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_letters_are_the_usual_ones_and_all_others_stay() {
        let usual = |text: &str| text.chars().map(narrow).collect::<String>();
        assert_eq!(usual("９１３４ＡＢＣａｂｃ（～）\u{3000}"), "9134ABCabc(~) ");
        assert_eq!(usual("禹会区 9x。é"), "禹会区 9x。é");
        assert_eq!(identifying("\u{3000}９１ab "), "91AB");
    }
}
