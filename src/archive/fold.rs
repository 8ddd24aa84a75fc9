//! Text as the full-text index holds it, words apart by blanks: what is written, what is asked and what is highlighted
//! go through the same function, so that the tokenizer inside SQLite has nothing left to decide.
//!
//! A word is a run of letters, digits and marks. So numbers, addresses, host names and file names fall into their parts
//! (`ann@mail.example.org` is four words), and asked for whole they are those words in a row. Folded away are:
//!
//! - compatibility forms (NFKD: full width, ligatures, final forms) and case (Unicode's full case folding, by ICU's
//!   tables: `ß` is `ss`, final sigma is sigma);
//! - accents, points of Hebrew and Arabic, tone marks of Thai and Lao, tatweel; not vowels, viramas and the voicing of
//!   kana, which make other words;
//! - strokes and joined letters that no normalization takes apart (`ø`, `ł`, `đ`, `æ`), as ICU's collation does at its
//!   first level. The Turkish dotless `ı` is `i`: in mail nobody can tell of which language a capital `I` is, and
//!   `DIŞ`, `dış` and `dis` had better find each other;
//! - what is not seen: soft hyphens, joiners, variation selectors.
//!
//! Runs of scripts that are written without blanks (Chinese, Japanese, Thai, Lao, Khmer, Burmese) or with endings glued
//! on (Korean) become overlapping pairs, so that any two characters in a row are found.

use std::ops::Range;
use std::sync::LazyLock;

use icu_casemap::{CaseMapper, CaseMapperBorrowed};
use icu_properties::CodePointMapData;
use icu_properties::props::{GeneralCategory, GeneralCategoryGroup};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::canonical_combining_class;

/// A word of a text, folded, and the octets of the text that it was made from. Pairs overlap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) place: Range<usize>,
}

/// The folded words of a text, apart by single blanks.
pub(super) fn fold(text: &str) -> String {
    let mut folded = Text(String::with_capacity(text.len()));
    walk(text, &mut folded);
    if folded.0.ends_with(' ') {
        folded.0.pop();
    }
    folded.0
}

/// The same words one by one, each with its place.
pub(super) fn words(text: &str) -> Vec<Word> {
    let mut words = Words::default();
    walk(text, &mut words);
    words.gap();
    words.done
}

/// What takes the folded letters: each with the place of the character that it comes from.
trait Sink {
    fn letter(&mut self, letter: char, place: Range<usize>);
    /// Between two words; also at the ends, and more than one in a row.
    fn gap(&mut self);
}

struct Text(String);

impl Sink for Text {
    fn letter(&mut self, letter: char, _: Range<usize>) {
        self.0.push(letter);
    }

    fn gap(&mut self) {
        if !self.0.is_empty() && !self.0.ends_with(' ') {
            self.0.push(' ');
        }
    }
}

#[derive(Default)]
struct Words {
    done: Vec<Word>,
    text: String,
    place: Range<usize>,
}

impl Sink for Words {
    fn letter(&mut self, letter: char, place: Range<usize>) {
        let begin = if self.text.is_empty() { place.start } else { self.place.start };
        self.place = begin..place.end;
        self.text.push(letter);
    }

    fn gap(&mut self) {
        if !self.text.is_empty() {
            self.done.push(Word { text: std::mem::take(&mut self.text), place: self.place.clone() });
        }
    }
}

fn walk(text: &str, sink: &mut impl Sink) {
    let mut run = Run::default();
    let mut rest = text.char_indices().peekable();
    while let Some((begin, letter)) = rest.next() {
        if letter.is_ascii() {
            run.end(sink);
            if letter.is_ascii_alphanumeric() {
                sink.letter(letter.to_ascii_lowercase(), begin..begin + 1);
            } else {
                sink.gap();
            }
            continue;
        }
        let mut end = begin + letter.len_utf8();
        while let Some(&(at, next)) = rest.peek()
            && composes(next)
        {
            end = at + next.len_utf8();
            rest.next();
        }
        let alone = end == begin + letter.len_utf8();
        if alone && is_itself(letter) {
            run.0.push((letter, begin..end));
            continue;
        }
        let cluster = text.get(begin..end).unwrap_or_default();
        match kind(letter) {
            Kind::Gap => {
                run.end(sink);
                sink.gap();
            }
            Kind::Unseen if alone => {}
            Kind::Apart => {
                run.end(sink);
                sink.gap();
                folded(letter, cluster, |letter| run.take(letter, begin..end, sink));
                run.end(sink);
                sink.gap();
            }
            Kind::Unseen | Kind::Letter => folded(letter, cluster, |letter| run.take(letter, begin..end, sink)),
        }
    }
    run.end(sink);
}

/// Characters in a row of scripts without blanks.
#[derive(Default)]
struct Run(Vec<(char, Range<usize>)>);

impl Run {
    fn take(&mut self, letter: char, place: Range<usize>, sink: &mut impl Sink) {
        if is_unspaced(letter) {
            self.0.push((letter, place));
        } else {
            self.end(sink);
            if letter == ' ' { sink.gap() } else { sink.letter(letter, place) }
        }
    }

    /// Gives the run away as overlapping pairs; a run of one stays alone.
    fn end(&mut self, sink: &mut impl Sink) {
        if self.0.is_empty() {
            return;
        }
        sink.gap();
        if let [(letter, place)] = self.0.as_slice() {
            sink.letter(*letter, place.clone());
        }
        for pair in self.0.windows(2) {
            pair.iter().for_each(|(letter, place)| sink.letter(*letter, place.clone()));
            sink.gap();
        }
        sink.gap();
        self.0.clear();
    }
}

const CASES: CaseMapperBorrowed<'static> = CaseMapper::new();

/// Letters of most mail that is not English: folded once and for all.
const COMMON: Range<u32> = 0x80..0x700;

static FOLDED: LazyLock<Vec<(Kind, String)>> = LazyLock::new(|| {
    let letters = COMMON.filter_map(char::from_u32);
    letters.map(|letter| (kind_of(letter), folded_anew(letter.encode_utf8(&mut [0; 4])))).collect()
});

fn common(letter: char) -> Option<&'static (Kind, String)> {
    let at = u32::from(letter).checked_sub(COMMON.start)?;
    if at < COMMON.end - COMMON.start { FOLDED.get(at as usize) } else { None }
}

/// Gives the folded letters of a character with its marks; a blank for what is none.
fn folded(letter: char, cluster: &str, mut take: impl FnMut(char)) {
    match common(letter) {
        Some((_, folded)) if cluster.len() == letter.len_utf8() => folded.chars().for_each(take),
        _ => folded_anew(cluster).chars().for_each(&mut take),
    }
}

fn folded_anew(cluster: &str) -> String {
    let bare: String = cluster.nfkd().filter(|&letter| !is_dropped(letter)).collect();
    // Folding may bring marks of its own.
    let folded = CASES.fold_string(&bare);
    let letters = folded.nfd().filter(|&letter| !is_dropped(letter)).nfc();
    let mut answer = String::new();
    for letter in letters {
        match letter {
            'ø' => answer.push('o'),
            'ł' => answer.push('l'),
            'đ' => answer.push('d'),
            'ħ' => answer.push('h'),
            'ŧ' => answer.push('t'),
            'ı' => answer.push('i'),
            'æ' => answer.push_str("ae"),
            'œ' => answer.push_str("oe"),
            '\u{660}'..='\u{669}' => answer.extend(digit(letter, 0x660)),
            '\u{6f0}'..='\u{6f9}' => answer.extend(digit(letter, 0x6f0)),
            '\u{966}'..='\u{96f}' => answer.extend(digit(letter, 0x966)),
            'ـ' => {}
            letter if is_of_word(letter) => answer.push(letter),
            _ => answer.push(' '),
        }
    }
    answer
}

fn digit(letter: char, zero: u32) -> Option<char> {
    char::from_digit(u32::from(letter) - zero, 10)
}

fn category(letter: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(letter)
}

/// Accents and points, by their combining class; and marks around a character.
fn is_dropped(letter: char) -> bool {
    if letter.is_ascii() {
        return false;
    }
    let class = canonical_combining_class(letter);
    // Kept: kana voicing, virama, and vowels of Telugu, Thai, Lao and Tibetan.
    (class != 0 && !matches!(class, 8 | 9 | 84 | 91 | 103 | 118 | 129 | 130 | 132)) || kind_of(letter) == Kind::Unseen
}

fn is_of_word(letter: char) -> bool {
    let category = category(letter);
    let groups = GeneralCategoryGroup::Letter.union(GeneralCategoryGroup::Mark).union(GeneralCategoryGroup::Number);
    letter.is_ascii_alphanumeric() || groups.contains(category) || category == GeneralCategory::PrivateUse
}

/// What a character does to the word that it stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Is part of it.
    Letter,
    /// Ends it.
    Gap,
    /// Nothing: it is not seen.
    Unseen,
    /// Is a word of its own: `½`, `²`, `™`, `㈱`.
    Apart,
}

fn kind(letter: char) -> Kind {
    common(letter).map_or_else(|| kind_of(letter), |(kind, _)| *kind)
}

fn kind_of(letter: char) -> Kind {
    match category(letter) {
        GeneralCategory::Format | GeneralCategory::EnclosingMark => Kind::Unseen,
        _ if is_selector(letter) => Kind::Unseen,
        GeneralCategory::OtherNumber | GeneralCategory::OtherSymbol => Kind::Apart,
        _ if is_of_word(letter) => Kind::Letter,
        _ => Kind::Gap,
    }
}

/// Variation selectors and the grapheme joiner, which are marks to Unicode.
fn is_selector(letter: char) -> bool {
    matches!(letter,
        '\u{34F}' | '\u{180B}'..='\u{180F}' | '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}')
}

/// Whether a character belongs to the one before it when they are composed: marks, the later jamo of a syllable, and
/// the half-width marks of voicing.
fn composes(letter: char) -> bool {
    if u32::from(letter) < 0x300 {
        return false;
    }
    matches!(letter, '\u{1160}'..='\u{11FF}' | '\u{FF9E}' | '\u{FF9F}')
        || !is_itself(letter) && GeneralCategoryGroup::Mark.contains(category(letter))
}

/// Ideographs, syllables and kana that no folding changes: most characters of Chinese, Japanese and Korean.
fn is_itself(letter: char) -> bool {
    matches!(letter, '\u{3041}'..='\u{3096}' | '\u{30A1}'..='\u{30FA}' | '\u{4E00}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7A3}')
}

/// Characters of the scripts written without blanks between words, or (Hangul) with endings glued to them.
pub(super) fn is_unspaced(letter: char) -> bool {
    matches!(letter,
        '\u{0E01}'..='\u{0E4E}' | '\u{0E81}'..='\u{0ECD}' | '\u{1000}'..='\u{103F}' | '\u{1050}'..='\u{108F}'
        | '\u{1780}'..='\u{17D3}'
        | '\u{3005}'..='\u{3007}' | '\u{3041}'..='\u{3096}' | '\u{30A1}'..='\u{30FA}' | '\u{30FC}'..='\u{30FF}'
        | '\u{3105}'..='\u{312F}' | '\u{31A0}'..='\u{31BF}' | '\u{31F0}'..='\u{31FF}' | '\u{3400}'..='\u{4DBF}'
        | '\u{4E00}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7A3}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn case_accents_and_forms_do_not_matter() {
        for (written, expected) in [
            ("Hello, World", "hello world"),
            ("Crème BRÛLÉE", "creme brulee"),
            ("ＦＵＬＬ ﬁle", "full file"),
            ("ΣΟΦΟΣ σοφός", "σοφοσ σοφοσ"),
            ("Straße STRASSE STRAẞE", "strasse strasse strasse"),
            ("İstanbul ISPARTA ısparta", "istanbul isparta isparta"),
            ("Đặng Thị Hồng Øre Łódź ÆON œuvre", "dang thi hong ore lodz aeon oeuvre"),
            ("שָׁלוֹם", "שלום"),
            ("مُحَمَّد أحمد آمــنة", "محمد احمد امنة"),
            ("می\u{200c}خواهم", "میخواهم"),
            ("a\"b\0c", "a b c"),
            ("ёлка Й", "елка и"),
            ("e\u{301}te\u{301} soft\u{ad}hyphen", "ete softhyphen"),
            ("Windows™ m² ½ ①x №5 1️⃣", "windows tm m 2 1 2 1 x no 5 1"),
            ("٣٤ ۵ ५", "34 5 5"),
            ("हिन्दी क़लम", "हिन्दी कलम"),
            ("  ", ""),
        ] {
            assert_eq!(fold(written), expected, "{written}");
        }
    }

    #[test]
    fn parts_of_what_people_search_for() {
        for (written, expected) in [
            ("ann@mail.example.org", "ann mail example org"),
            ("report-2024.final_v2.pdf", "report 2024 final v2 pdf"),
            ("1,234.50 €", "1 234 50"),
            ("https://www.example.org/a?b=c%20d", "https www example org a b c 20d"),
            ("+49 (0)30/1234-5", "49 0 30 1234 5"),
            ("O’Brien's", "o brien s"),
        ] {
            assert_eq!(fold(written), expected, "{written}");
        }
    }

    #[test]
    fn what_is_written_without_blanks_becomes_pairs() {
        for (written, words) in [
            ("日本語", vec!["日本", "本語"]),
            ("猫", vec!["猫"]),
            ("新iPhone手机壳", vec!["新", "iphone", "手机", "机壳"]),
            ("안녕하세요", vec!["안녕", "녕하", "하세", "세요"]),
            ("カタカナ ﾊﾝｶｸ", vec!["カタ", "タカ", "カナ", "ハン", "ンカ", "カク"]),
            ("ﾊﾞｯｸﾞ か\u{3099}", vec!["バッ", "ッグ", "が"]),
            ("ไทย", vec!["ไท", "ทย"]),
            ("น้ำ", vec!["น\u{e4d}", "\u{e4d}า"]),
        ] {
            assert_eq!(fold(written).split_whitespace().collect::<Vec<_>>(), words, "{written}");
        }
    }

    proptest! {
        #[test]
        fn text_and_words_are_the_same(text in any::<String>()) {
            let folded = fold(&text);
            let words = words(&text);
            let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
            prop_assert_eq!(texts.join(" "), folded.as_str());
            for word in &words {
                prop_assert!(text.get(word.place.clone()).is_some_and(|written| !written.is_empty()));
            }
        }
    }
}
