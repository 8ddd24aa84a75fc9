//! Text that cannot deceive (Unicode UAX 9, UTR 36): nothing in it reorders, hides or overwrites what stands beside it.

use unicode_normalization::{UnicodeNormalization, is_nfc};
use unicode_properties::{GeneralCategoryGroup, UnicodeEmoji, UnicodeGeneralCategory};

/// For bodies: NFC; line ends and tabs stay.
pub(super) fn visible_text(text: &str) -> String {
    if text.bytes().all(|octet| matches!(octet, b'\n' | b'\t' | b' '..=b'~')) {
        return text.to_owned();
    }
    let shown = filtered(text.chars());
    if is_nfc(&shown) {
        return shown;
    }
    // Composing can change what stands beside a joiner.
    filtered(shown.nfc()).nfc().collect()
}

/// For headers and names: one line, white space runs made one blank, trimmed.
pub(super) fn visible_line(text: &str) -> String {
    let one_line: String = text.chars().map(|each| if each.is_whitespace() { ' ' } else { each }).collect();
    // Twice, since taking a character out can bring blanks together.
    visible_text(&one_line).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn filtered(characters: impl Iterator<Item = char>) -> String {
    let mut out = String::new();
    let mut before = None;
    let mut characters = characters.peekable();
    while let Some(character) = characters.next() {
        let shown = match character {
            '\u{2028}' | '\u{2029}' => Some('\n'),
            // Many scripts and emoji need the joiners; anywhere else they only make equal words differ.
            '\u{200c}' | '\u{200d}' => {
                let between = before.is_some_and(joins) && characters.peek().copied().is_some_and(joins);
                between.then_some(character)
            }
            // Marks around the sign before (UAX 15 calls them enclosing): fonts that have both apart draw one over the
            // other. A digit stays a digit, without the selector that asks for it as a picture.
            '\u{20dd}'..='\u{20e0}' | '\u{20e2}'..='\u{20e4}' => None,
            '\u{fe0f}' if before.is_some_and(|before| before.is_ascii()) => None,
            other => (!is_hidden(other)).then_some(other),
        };
        if let Some(shown) = shown {
            out.push(shown);
            before = Some(shown);
        }
    }
    out
}

pub(super) fn is_hidden(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' => true,
        // Zero width and marks of direction; the line and paragraph separators are handled before.
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => true,
        // Soft hyphens and grapheme joiners: newsletters fill their first lines with them.
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' => true,
        // Tag characters.
        '\u{e0000}'..='\u{e007f}' => true,
        _ => false,
    }
}

/// Whether a joiner beside it can mean something.
fn joins(character: char) -> bool {
    if character.is_ascii() {
        return false;
    }
    let group = character.general_category_group();
    matches!(group, GeneralCategoryGroup::Letter | GeneralCategoryGroup::Mark) || character.is_emoji_char()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_stays_and_what_goes() {
        for (text, expected) in [
            ("plain\n\ttext", "plain\n\ttext"),
            ("a\u{202e}b\u{2066}c", "abc"),
            ("bell\u{7}\u{1b}[31m\u{9b}", "bell[31m"),
            ("pay\u{200b}pal pay\u{200d}pal", "paypal paypal"),
            ("e\u{301}", "é"),
            ("می\u{200c}خواهم", "می\u{200c}خواهم"),
            ("👩\u{200d}👧", "👩\u{200d}👧"),
            ("❤\u{fe0f}\u{200d}🔥", "❤\u{fe0f}\u{200d}🔥"),
            ("क्\u{200d}ष", "क्\u{200d}ष"),
            ("\u{feff}start \u{e0041}\u{e0042}", "start "),
            ("a\u{2028}b", "a\nb"),
            ("7\u{fe0f}\u{20e3} days, ☔\u{fe0f}", "7 days, ☔\u{fe0f}"),
            ("\u{200d}", ""),
            ("e\u{200d}\u{301}", "é"),
            ("soft\u{ad}hyphen \u{34f}\u{a0}\u{34f}", "softhyphen \u{a0}"),
        ] {
            assert_eq!(visible_text(text), expected, "{text:?}");
        }
        assert_eq!(visible_line(" a \r\n\u{200b} b\u{a0}c\u{2028}d "), "a b c d");
    }

    proptest! {
        #[test]
        fn nothing_hidden_is_left_and_twice_is_once(text in any::<String>()) {
            let once = visible_text(&text);
            prop_assert!(!once.chars().any(is_hidden));
            prop_assert_eq!(&visible_text(&once), &once);
            let line = visible_line(&text);
            prop_assert!(!line.contains(['\n', '\t', '\r']) && !line.contains("  ") && line.trim() == line);
        }
    }
}
