//! Text as the full-text index holds it: what is written and what is asked go through the same function.
//!
//! Compatibility forms are resolved (NFKD), accents and points removed, case folded; runs of Chinese, Japanese and
//! Korean, which are written without blanks, are split into overlapping pairs, so that any two characters in a row are
//! found. So no tokenizer of our own is needed inside SQLite.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::canonical_combining_class;

/// The folded text. Words are separated by anything that is neither letter, digit nor mark; control characters and
/// quotation marks become blanks, which keeps the text harmless inside a quoted full-text query.
pub(super) fn fold(text: &str) -> String {
    if text.is_ascii() {
        let harmless = |octet: u8| if matches!(octet, b' '..=b'~') && octet != b'"' { octet } else { b' ' };
        let folded = text.bytes().map(|octet| harmless(octet.to_ascii_lowercase())).collect();
        return String::from_utf8(folded).unwrap_or_default();
    }
    let harmless = |letter: char| if letter.is_control() || letter == '"' { ' ' } else { letter };
    let folded = text
        .nfkd()
        .filter(|&letter| canonical_combining_class(letter) == 0)
        .flat_map(char::to_lowercase)
        .map(|letter| if letter == 'ς' { 'σ' } else { letter })
        .nfc();
    paired(folded.map(harmless))
}

/// Splits each run of CJK characters into overlapping pairs; a run of one stays alone.
fn paired(letters: impl Iterator<Item = char>) -> String {
    let mut answer = String::new();
    let mut run: Vec<char> = Vec::new();
    for letter in letters {
        if is_cjk(letter) {
            run.push(letter);
        } else {
            end_run(&mut run, &mut answer);
            answer.push(letter);
        }
    }
    end_run(&mut run, &mut answer);
    answer
}

fn end_run(run: &mut Vec<char>, answer: &mut String) {
    if run.is_empty() {
        return;
    }
    answer.push(' ');
    if run.len() == 1 {
        answer.extend(run.iter());
    }
    for pair in run.windows(2) {
        answer.extend(pair);
        answer.push(' ');
    }
    answer.push(' ');
    run.clear();
}

/// Characters of the scripts written without blanks between words, or (Hangul) with endings glued to them.
pub(super) fn is_cjk(letter: char) -> bool {
    matches!(letter,
        '\u{3005}'..='\u{3007}' | '\u{3041}'..='\u{3096}' | '\u{30A1}'..='\u{30FA}' | '\u{30FC}'..='\u{30FF}'
        | '\u{3105}'..='\u{312F}' | '\u{31A0}'..='\u{31BF}' | '\u{31F0}'..='\u{31FF}' | '\u{3400}'..='\u{4DBF}'
        | '\u{4E00}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7A3}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_accents_and_forms_do_not_matter() {
        for (written, folded) in [
            ("Hello, World", "hello, world"),
            ("Crème BRÛLÉE", "creme brulee"),
            ("ＦＵＬＬ ﬁle", "full file"),
            ("ΣΟΦΟΣ σοφός", "σοφοσ σοφοσ"),
            ("İstanbul", "istanbul"),
            ("שָׁלוֹם", "שלום"),
            ("a\"b\0c", "a b c"),
            ("ёлка Й", "елка и"),
        ] {
            assert_eq!(fold(written), folded);
        }
    }

    #[test]
    fn cjk_becomes_pairs() {
        for (written, words) in [
            ("日本語", vec!["日本", "本語"]),
            ("猫", vec!["猫"]),
            ("新iPhone手机壳", vec!["新", "iphone", "手机", "机壳"]),
            ("안녕하세요", vec!["안녕", "녕하", "하세", "세요"]),
            ("カタカナ ﾊﾝｶｸ", vec!["カタ", "タカ", "カナ", "ハン", "ンカ", "カク"]),
        ] {
            assert_eq!(fold(written).split_whitespace().collect::<Vec<_>>(), words, "{written}");
        }
    }
}
