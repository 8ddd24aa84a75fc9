//! The query language: text to a [`Query`]. Pure, and it never fails: what is not understood is searched as words, and a
//! note says so.
//!
//! Words are ANDed; `"a phrase"`; `word*`; `-word`; `OR` between two, binding tighter than the blank (`a b OR c` is a and
//! one of b and c); `from:` `to:` `subject:` `filename:`; `has:attachment`; `is:unread|read|starred`; `before:` `after:`
//! `date:` with a year, month or day in the local time zone (`before:` ends where the period begins, `after:` begins
//! where it begins); `larger:5M` `smaller:`; `account:`; `copies:1`,
//! `copies:server`, `copies:backup`.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use super::fold::{fold, is_unspaced};

/// At most this much of a query is looked at.
const TERMS: usize = 32;
const OCTETS: usize = 1024;

/// What is looked for: every clause must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) clauses: Vec<Clause>,
    pub(super) notes: Vec<String>,
}

/// One of these must hold.
pub(super) type Clause = Vec<Alternative>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Alternative {
    pub(super) negated: bool,
    pub(super) term: Term,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Term {
    /// Words in a row, folded; the last one begun only when `prefix`.
    Text {
        column: Option<&'static str>,
        words: String,
        prefix: bool,
    },
    Attachment,
    Unread,
    Read,
    Starred,
    /// Seconds since 1970: from the first up to, not including, the last.
    Date {
        from: i64,
        to: i64,
    },
    /// Octets, both included.
    Size {
        least: u64,
        most: u64,
    },
    /// A part of an account's address or name, folded.
    Account(String),
    /// The number of places that hold a copy, this computer being one.
    Copies(u32),
    /// The server has a copy.
    OnServer,
    /// A verified backup has a copy.
    InBackup,
}

/// One piece of the query as it is written: `-field:"value"*`.
struct Piece<'a> {
    negated: bool,
    field: Option<&'a str>,
    value: &'a str,
    quoted: bool,
    prefix: bool,
}

/// Reads a query. Dates are those of `zone`.
pub(super) fn parse(text: &str, zone: &TimeZone) -> Query {
    let mut query = Query::default();
    let mut rest = text.get(..text.floor_char_boundary(OCTETS)).unwrap_or(text);
    if rest.len() < text.len() {
        query.notes.push("The search is longer than Postkeep looks at; its beginning was used.".to_owned());
    }
    let (mut terms, mut or) = (0, false);
    while let Some((piece, behind)) = next_piece(rest) {
        rest = behind;
        if piece.is_or() && !query.clauses.is_empty() {
            or = true;
            continue;
        }
        if terms == TERMS {
            query.notes.push(format!("Only the first {TERMS} words were searched for."));
            break;
        }
        let Some(alternative) = understood(&piece, zone, &mut query.notes) else { continue };
        terms += 1;
        match query.clauses.last_mut() {
            Some(clause) if or => clause.push(alternative),
            _ => query.clauses.push(vec![alternative]),
        }
        or = false;
    }
    query
}

impl Piece<'_> {
    fn is_or(&self) -> bool {
        !self.negated && !self.quoted && !self.prefix && self.field.is_none() && self.value == "OR"
    }

    /// As it was written, for a note.
    fn written(&self) -> String {
        let field = self.field.map(|field| format!("{field}:")).unwrap_or_default();
        format!("{field}{}", self.value)
    }
}

/// The next piece and what follows it.
fn next_piece(text: &str) -> Option<(Piece<'_>, &str)> {
    let text = text.trim_start();
    if text.is_empty() {
        return None;
    }
    let (negated, text) = match text.strip_prefix('-') {
        Some(behind) if behind.chars().next().is_some_and(|next| !next.is_whitespace() && next != '-') => {
            (true, behind)
        }
        _ => (false, text),
    };
    let (field, text) = field_of(text);
    if let Some(quoted) = text.strip_prefix('"') {
        let (value, behind) = quoted.split_once('"').unwrap_or((quoted, ""));
        let (prefix, behind) = match behind.strip_prefix('*') {
            Some(behind) => (true, behind),
            None => (false, behind),
        };
        return Some((Piece { negated, field, value, quoted: true, prefix }, behind));
    }
    let end = text.find(|letter: char| letter.is_whitespace() || letter == '"').unwrap_or(text.len());
    let (word, behind) = text.split_at_checked(end).unwrap_or((text, ""));
    let (value, prefix) = match word.strip_suffix('*') {
        Some(value) => (value, true),
        None => (word, false),
    };
    Some((Piece { negated, field, value, quoted: false, prefix }, behind))
}

/// Splits `name:` off, where a value follows at once.
fn field_of(text: &str) -> (Option<&str>, &str) {
    let Some((field, value)) = text.split_once(':') else { return (None, text) };
    let named = !field.is_empty() && field.chars().all(|letter| letter.is_ascii_alphabetic());
    let valued = value.chars().next().is_some_and(|next| !next.is_whitespace()) && !value.starts_with("//");
    if named && valued { (Some(field), value) } else { (None, text) }
}

fn understood(piece: &Piece<'_>, zone: &TimeZone, notes: &mut Vec<String>) -> Option<Alternative> {
    let negated = piece.negated;
    let Some(field) = piece.field else {
        return words(None, piece, piece.value, notes).map(|term| Alternative { negated, term });
    };
    let column = match field.to_ascii_lowercase().as_str() {
        "from" => Some("sender"),
        "to" => Some("recipients"),
        "subject" => Some("subject"),
        "filename" => Some("files"),
        _ => None,
    };
    let term = match column {
        Some(column) => words(Some(column), piece, piece.value, notes),
        None => filter(&field.to_ascii_lowercase(), piece.value, zone).or_else(|| {
            let written = piece.written();
            notes.push(format!("“{written}” is nothing Postkeep knows to search by; it was searched as words."));
            words(None, piece, &written, notes)
        }),
    };
    term.map(|term| Alternative { negated, term })
}

/// Words in a row. A single character of a script without blanks begins pairs, so it is looked for as their beginning.
fn words(column: Option<&'static str>, piece: &Piece<'_>, value: &str, notes: &mut Vec<String>) -> Option<Term> {
    let words = fold(value).trim().to_owned();
    if !words.chars().any(char::is_alphanumeric) {
        if !value.is_empty() {
            notes.push(format!("“{value}” holds no letter or digit and was left out."));
        }
        return None;
    }
    let mut letters = words.chars();
    let alone = letters.next().is_some_and(is_unspaced) && letters.next().is_none();
    Some(Term::Text { column, words, prefix: piece.prefix || alone })
}

/// The fields that are not text; `None` when the field or its value is not understood.
fn filter(field: &str, value: &str, zone: &TimeZone) -> Option<Term> {
    let lower = value.to_ascii_lowercase();
    match (field, lower.as_str()) {
        ("has", "attachment" | "attachments") => Some(Term::Attachment),
        ("is", "unread") => Some(Term::Unread),
        ("is", "read") => Some(Term::Read),
        ("is", "starred") => Some(Term::Starred),
        ("before", date) => period(date, zone).map(|(from, _)| Term::Date { from: i64::MIN, to: from }),
        ("after", date) => period(date, zone).map(|(from, _)| Term::Date { from, to: i64::MAX }),
        ("date", date) => period(date, zone).map(|(from, to)| Term::Date { from, to }),
        ("larger", size) => octets(size).map(|least| Term::Size { least: least.saturating_add(1), most: u64::MAX }),
        ("smaller", size) => {
            octets(size).and_then(|most| most.checked_sub(1)).map(|most| Term::Size { least: 0, most })
        }
        ("account", account) => Some(Term::Account(fold(account))),
        ("copies", "server") => Some(Term::OnServer),
        ("copies", "backup") => Some(Term::InBackup),
        ("copies", number) => number.parse().ok().map(Term::Copies),
        _ => None,
    }
}

/// `2024`, `2024-03` or `2024-03-01` as seconds since 1970, begin and end.
fn period(text: &str, zone: &TimeZone) -> Option<(i64, i64)> {
    let parts: Vec<&str> = text.split('-').collect();
    let digits = |text: &str| text.chars().all(|digit| digit.is_ascii_digit());
    if !parts.iter().all(|part| digits(part)) || parts.first()?.len() != 4 {
        return None;
    }
    let number = |at: usize| parts.get(at).map_or(Some(1), |part| part.parse::<i8>().ok());
    let first = Date::new(parts.first()?.parse().ok()?, number(1)?, number(2)?).ok()?;
    let length = match parts.len() {
        1 => Span::new().years(1),
        2 => Span::new().months(1),
        3 => Span::new().days(1),
        _ => return None,
    };
    let begin = |date: Date| -> Option<Timestamp> { Some(date.to_zoned(zone.clone()).ok()?.timestamp()) };
    let end = first.checked_add(length).ok().and_then(begin).unwrap_or(Timestamp::MAX);
    Some((begin(first)?.as_second(), end.as_second()))
}

/// `5M`, `300k`, `1G`, `1000`: units of 1024.
fn octets(text: &str) -> Option<u64> {
    let text = text.strip_suffix('b').unwrap_or(text);
    let (number, shift) = match text.char_indices().next_back()? {
        (at, 'k') => (text.get(..at)?, 10),
        (at, 'm') => (text.get(..at)?, 20),
        (at, 'g') => (text.get(..at)?, 30),
        _ => (text, 0),
    };
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Query {
        parse(text, &TimeZone::UTC)
    }

    fn text(words: &str) -> Alternative {
        Alternative { negated: false, term: Term::Text { column: None, words: words.to_owned(), prefix: false } }
    }

    fn on(column: &'static str, words: &str, prefix: bool) -> Alternative {
        Alternative { negated: false, term: Term::Text { column: Some(column), words: words.to_owned(), prefix } }
    }

    fn is(term: Term) -> Alternative {
        Alternative { negated: false, term }
    }

    fn not(alternative: Alternative) -> Alternative {
        Alternative { negated: true, ..alternative }
    }

    const DAY: i64 = 86_400;

    #[test]
    fn what_is_understood() {
        let begun = |words: &str| is(Term::Text { column: None, words: words.to_owned(), prefix: true });
        let cases: Vec<(&str, Vec<Clause>)> = vec![
            ("", vec![]),
            ("  Crème  brûlée ", vec![vec![text("creme")], vec![text("brulee")]]),
            ("\"two words\"x", vec![vec![text("two words")], vec![text("x")]]),
            ("\"open end", vec![vec![text("open end")]]),
            ("-spam \"not this\"", vec![vec![not(text("spam"))], vec![text("not this")]]),
            ("wor* \"big wor\"*", vec![vec![begun("wor")], vec![begun("big wor")]]),
            ("a b OR c", vec![vec![text("a")], vec![text("b"), text("c")]]),
            ("a OR b OR -c d", vec![vec![text("a"), text("b"), not(text("c"))], vec![text("d")]]),
            ("OR a OR", vec![vec![text("or")], vec![text("a")]]),
            ("\"OR\" or", vec![vec![text("or")], vec![text("or")]]),
            ("from:anna@Example.org", vec![vec![on("sender", "anna example org", false)]]),
            (
                "FROM:\"Anna Smith\" to:ben*",
                vec![vec![on("sender", "anna smith", false)], vec![on("recipients", "ben", true)]],
            ),
            ("-subject:re filename:.pdf", vec![vec![not(on("subject", "re", false))], vec![on("files", "pdf", false)]]),
            (
                "is:unread -is:starred has:attachment",
                vec![vec![is(Term::Unread)], vec![not(is(Term::Starred))], vec![is(Term::Attachment)]],
            ),
            ("date:1970-01-02", vec![vec![is(Term::Date { from: DAY, to: 2 * DAY })]]),
            ("date:1970-02", vec![vec![is(Term::Date { from: 31 * DAY, to: 59 * DAY })]]),
            ("after:1971", vec![vec![is(Term::Date { from: 365 * DAY, to: i64::MAX })]]),
            ("before:1971", vec![vec![is(Term::Date { from: i64::MIN, to: 365 * DAY })]]),
            (
                "larger:5M smaller:2kB",
                vec![
                    vec![is(Term::Size { least: (5 << 20) + 1, most: u64::MAX })],
                    vec![is(Term::Size { least: 0, most: 2047 })],
                ],
            ),
            ("copies:server -copies:backup", vec![vec![is(Term::OnServer)], vec![not(is(Term::InBackup))]]),
            ("account:Ben copies:1", vec![vec![is(Term::Account("ben".to_owned()))], vec![is(Term::Copies(1))]]),
            ("猫 日本語", vec![vec![begun("猫")], vec![text("日本 本語")]]),
            ("Re: 12:30 http://x.org", vec![vec![text("re")], vec![text("12 30")], vec![text("http x org")]]),
        ];
        for (written, clauses) in cases {
            let query = read(written);
            assert_eq!(query.clauses, clauses, "{written}");
            assert_eq!(query.notes, Vec::<String>::new(), "{written}");
        }
    }

    #[test]
    fn what_is_not_understood_is_words_and_says_so() {
        for written in ["before:yesterday", "date:2024-13", "larger:huge", "is:happy", "foo:bar", "date:2024-02-30-1"] {
            let query = read(written);
            assert_eq!(query.clauses, [vec![text(&fold(written))]], "{written}");
            assert_eq!(query.notes.len(), 1, "{written}");
        }
        assert_eq!(read(":-) x").notes.len(), 1);
        assert_eq!(read(":-) x").clauses, [vec![text("x")]]);
    }

    #[test]
    fn long_queries_are_cut_and_say_so() {
        let many = "word ".repeat(40);
        assert_eq!((read(&many).clauses.len(), read(&many).notes.len()), (32, 1));
        let long = "é".repeat(2_000);
        assert_eq!((read(&long).clauses.len(), read(&long).notes.len()), (1, 1));
    }
}
