//! Where a query hits a text that is shown. Pure: the same folding and the same words as the index, no disk.

use std::ops::Range;

use jiff::tz::TimeZone;

use super::fold::{Word, words};
use super::query::{self, Term};

/// Octets of a text that are looked through.
const LOOKED_THROUGH: usize = 1 << 20;

/// Which of the searched texts a shown text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    Subject,
    Sender,
    Recipients,
    Body,
    Files,
}

impl Field {
    fn column(self) -> &'static str {
        match self {
            Field::Subject => "subject",
            Field::Sender => "sender",
            Field::Recipients => "recipients",
            Field::Body => "body",
            Field::Files => "files",
        }
    }
}

/// What of a query can be seen in a text. Make one for each query, not for each row.
#[derive(Clone, Debug, Default)]
pub struct Highlighter {
    terms: Vec<Sought>,
}

/// Words in a row; of the last only the beginning when `prefix`.
#[derive(Clone, Debug)]
struct Sought {
    column: Option<&'static str>,
    words: Vec<String>,
    prefix: bool,
}

/// A piece of a text, on one line, and the ranges of it that were searched for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snippet {
    pub text: String,
    pub ranges: Vec<Range<usize>>,
}

/// The octets of `text` that the words of `query` without a field hit: in order, apart from each other, at the
/// boundaries of characters. Negated words hit nothing.
pub fn highlights(query: &str, text: &str) -> Vec<Range<usize>> {
    let mut highlighter = Highlighter::new(query);
    highlighter.terms.retain(|term| term.column.is_none());
    highlighter.ranges(Field::Body, text)
}

impl Highlighter {
    pub fn new(query: &str) -> Highlighter {
        let clauses = query::parse(query, &TimeZone::UTC).clauses;
        let terms = clauses.into_iter().flatten().filter(|alternative| !alternative.negated);
        let sought = terms.filter_map(|alternative| match alternative.term {
            Term::Text { column, words, prefix } => {
                Some(Sought { column, words: words.split_whitespace().map(str::to_owned).collect(), prefix })
            }
            _ => None,
        });
        Highlighter { terms: sought.collect() }
    }

    /// Whether it hits nothing in any text.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// The octets of a text that are hit: in order, apart from each other, at the boundaries of characters. Words
    /// searched for in one field are seen in that field alone.
    pub fn ranges(&self, field: Field, text: &str) -> Vec<Range<usize>> {
        let terms: Vec<&Sought> =
            self.terms.iter().filter(|term| term.column.is_none_or(|column| column == field.column())).collect();
        if terms.is_empty() {
            return Vec::new();
        }
        let words = words(text.get(..text.floor_char_boundary(LOOKED_THROUGH)).unwrap_or(text));
        let mut found: Vec<Range<usize>> = Vec::new();
        for at in 0..words.len() {
            let behind = words.get(at..).unwrap_or_default();
            for length in terms.iter().filter_map(|term| term.begins(behind)) {
                let last = behind.get(length.saturating_sub(1));
                found.extend(behind.first().zip(last).map(|(first, last)| first.place.start..last.place.end));
            }
        }
        joined(found)
    }

    /// About `longest` characters of the body around the first hit, or its beginning, on one line.
    pub fn snippet(&self, text: &str, longest: usize) -> Snippet {
        let first = self.ranges(Field::Body, text).first().map_or(0, |range| range.start);
        let before = text.get(..first).unwrap_or_default();
        // Some words before the hit, for the sense; all of them when they are few.
        let lead = longest / 3;
        let mut start = before.char_indices().rev().nth(lead).map_or(0, |(at, _)| at);
        if start > 0 {
            let cut = before.get(start..).unwrap_or_default();
            start += cut.find(char::is_whitespace).unwrap_or(0);
        }
        let mut piece = if start > 0 { "… ".to_owned() } else { String::new() };
        let mut left = longest;
        for (number, word) in text.get(start..).unwrap_or_default().split_whitespace().enumerate() {
            let length = word.chars().count() + usize::from(number > 0);
            if number > 0 && length > left {
                break;
            }
            if number > 0 {
                piece.push(' ');
            }
            piece.extend(word.chars().take(left));
            left = left.saturating_sub(length);
        }
        let ranges = self.ranges(Field::Body, &piece);
        Snippet { text: piece, ranges }
    }
}

impl Sought {
    /// How many of the words it takes, if they begin with it.
    fn begins(&self, words: &[Word]) -> Option<usize> {
        let (last, whole) = self.words.split_last()?;
        let hit = words.get(whole.len())?;
        let ends = if self.prefix { hit.text.starts_with(last) } else { hit.text == *last };
        let begins = whole.iter().zip(words).all(|(sought, word)| *sought == word.text);
        (ends && begins).then_some(self.words.len())
    }
}

/// Ranges that overlap made one.
fn joined(mut found: Vec<Range<usize>>) -> Vec<Range<usize>> {
    found.sort_by_key(|range| range.start);
    let mut answer: Vec<Range<usize>> = Vec::new();
    for range in found {
        match answer.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => answer.push(range),
        }
    }
    answer
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::fold::fold;
    use super::*;

    #[test]
    fn what_is_seen() {
        for (query, text, expected) in [
            ("creme", "La Crème brûlée", vec!["Crème"]),
            ("\"la creme\"", "La   Crème brûlée, la", vec!["La   Crème"]),
            ("br*", "La Crème brûlée Br", vec!["brûlée", "Br"]),
            ("-creme brulee", "Crème brûlée", vec!["brûlée"]),
            ("a OR b", "a c B", vec!["a", "B"]),
            ("from:anna x", "Anna x", vec!["x"]),
            ("strasse", "die Straße", vec!["Straße"]),
            ("日本語", "東日本語学日本", vec!["日本語"]),
            // As the index has it: a single character is the beginning of a pair.
            ("猫", "黒猫と 猫", vec!["猫と", "猫"]),
            ("mail.example.org", "to ann@mail.example.org!", vec!["mail.example.org"]),
            ("has:attachment date:2024", "attachment 2024", vec![]),
            ("", "text", vec![]),
        ] {
            let found: Vec<&str> = highlights(query, text).into_iter().map(|range| &text[range]).collect();
            assert_eq!(found, expected, "{query}");
        }
        let highlighter = Highlighter::new("from:anna x");
        assert_eq!(highlighter.ranges(Field::Sender, "Anna x"), [0..4, 5..6]);
        assert_eq!(highlighter.ranges(Field::Subject, "Anna x"), vec![5..6]);
    }

    #[test]
    fn a_snippet_shows_the_first_hit() {
        let long = format!("{} the Lantern\nfestival {}", "word ".repeat(200), "tail ".repeat(200));
        let snippet = Highlighter::new("lantern").snippet(&long, 60);
        assert!(snippet.text.starts_with("… word word") && snippet.text.contains("the Lantern festival tail"));
        assert_eq!(snippet.ranges.iter().map(|range| &snippet.text[range.clone()]).collect::<Vec<_>>(), ["Lantern"]);
        assert!(snippet.text.chars().count() <= 62, "{}", snippet.text);
        let none = Highlighter::new("nothing").snippet(" short\n text ", 60);
        assert_eq!(none, Snippet { text: "short text".to_owned(), ranges: Vec::new() });
    }

    proptest! {
        #[test]
        fn ranges_are_in_order_apart_and_what_was_sought(
            query in "[abä日本\"*OR :-]{0,12}",
            text in "[abÄä日本語 .x\\n\u{301}ß]{0,40}",
        ) {
            let sought = Highlighter::new(&query).terms;
            let ranges = highlights(&query, &text);
            let mut end = 0;
            for range in ranges {
                prop_assert!(range.start >= end && range.end > range.start);
                end = range.end;
                let written = text.get(range).unwrap();
                let folded = fold(written);
                let holds = |term: &Sought| match term.words.split_last() {
                    Some((last, whole)) => {
                        let begin = whole.iter().map(|word| format!("{word} ")).collect::<String>();
                        folded.contains(&format!("{begin}{last}"))
                    }
                    None => false,
                };
                prop_assert!(sought.iter().any(holds), "{query:?} {written:?} {folded:?}");
            }
        }

        #[test]
        fn any_text_and_any_query(query in any::<String>(), text in any::<String>()) {
            for range in highlights(&query, &text) {
                prop_assert!(text.get(range).is_some());
            }
            Highlighter::new(&query).snippet(&text, 50);
        }
    }
}
