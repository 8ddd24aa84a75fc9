//! The query language: text to a [`Query`]. Pure, and it never fails: what is not understood is searched as words, and a
//! note says so.
//!
//! Words are ANDed, with `AND` between them or without; `"a phrase"`; `word*`; `-word`; `OR` between two, binding tighter
//! than the blank (`a b OR c` is a and one of b and c); `from:` `to:` `subject:` `filename:`; `has:attachment`; `is:unread|read|starred`; `before:` `after:`
//! `date:` with a year, month or day in the local time zone (`before:` ends where the period begins, `after:` begins
//! where it begins); `larger:5M` `smaller:`, in the units that sizes are shown in; `account:`; `copies:1`,
//! `copies:server`, `copies:backup`. Behind the colon there may be a blank.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use super::fold::{fold, is_unspaced};

/// At most this much of a query is looked at.
const TERMS: usize = 32;
const OCTETS: usize = 1024;

/// What a field is called that has words of a column behind its colon.
const COLUMNS: [(&str, &str); 4] =
    [("from", "sender"), ("to", "recipients"), ("subject", "subject"), ("filename", "files")];
/// The other fields, each with a value that is understood.
const FILTERS: [(&str, &str); 9] = [
    ("has", "attachment"),
    ("is", "unread"),
    ("before", "2024-03-01"),
    ("after", "2024"),
    ("date", "2023-11"),
    ("larger", "5M"),
    ("smaller", "5M"),
    ("account", "me@example.org"),
    ("copies", "1"),
];

/// What is looked for: every clause must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) clauses: Vec<Clause>,
    pub(super) notes: Vec<String>,
}

/// One of these must hold; where there are none, nothing is found.
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
    let (mut terms, mut or, mut left_out) = (0, false, false);
    while let Some((piece, behind)) = next_piece(rest) {
        rest = behind;
        // At an end it is a word.
        let joins = piece.is("AND") && next_piece(behind).is_some();
        if !query.clauses.is_empty() && (piece.is("OR") || joins) {
            or = piece.is("OR");
            continue;
        }
        if terms == TERMS {
            query.notes.push(format!("Only the first {TERMS} words were searched for."));
            break;
        }
        let Some(alternative) = understood(&piece, zone, &mut query.notes) else {
            left_out |= !piece.value.is_empty();
            or = false;
            continue;
        };
        terms += 1;
        match query.clauses.last_mut() {
            Some(clause) if or => clause.push(alternative),
            _ => query.clauses.push(vec![alternative]),
        }
        or = false;
    }
    if left_out && query.clauses.is_empty() {
        // What was asked for is nothing that a message can be found by: not the same as asking for nothing.
        query.clauses.push(Vec::new());
    }
    query
}

/// What stands at the end of a query that is being typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun<'a> {
    /// What stands before it.
    pub before: &'a str,
    pub negated: bool,
    /// As it was written.
    pub field: Option<&'a str>,
    pub value: &'a str,
    /// Its quotation was begun and not ended.
    pub is_open: bool,
    takes_prefix: bool,
}

/// The piece at the end of a query, while nothing stands behind it.
pub fn begun(query: &str) -> Option<Begun<'_>> {
    let mut rest = query;
    while let Some((piece, behind)) = next_piece(rest) {
        if behind.is_empty() {
            let start = query.len() - rest.trim_start().len();
            let Piece { negated, field, value, quoted, prefix } = piece;
            let is_open = quoted && !query.ends_with('"') && !prefix;
            let is_word = !quoted || is_open;
            let ends = value.chars().next_back().is_some_and(char::is_alphanumeric);
            // Not of what is unwanted: that would leave out what nobody named, and a message that is wanted with it.
            let takes_prefix = is_word && ends && !prefix && !negated && !piece.is("OR") && !piece.is("AND");
            return Some(Begun { before: query.get(..start)?, negated, field, value, is_open, takes_prefix });
        }
        rest = behind;
    }
    None
}

impl Begun<'_> {
    fn column(&self) -> Option<&'static str> {
        column(&self.field?.to_ascii_lowercase())
    }
}

/// The query to look for while it is typed: its last word by its beginning, unless it is unwanted, and without a field at
/// its end that lacks a value or has the beginning of one.
pub fn typed(query: &str) -> String {
    let Some(begun) = begun(query) else { return query.to_owned() };
    let is_filter = begun.field.filter(|_| begun.column().is_none()).map(str::to_ascii_lowercase);
    let is_whole = match &is_filter {
        Some(field) if is_known(field) => filter(field, begun.value, &TimeZone::UTC).is_some(),
        Some(_) => true,
        None => begun.field.is_none() || !begun.value.is_empty(),
    };
    match is_whole {
        false => begun.before.to_owned(),
        true if is_filter.is_some() || !begun.takes_prefix => query.to_owned(),
        true if begun.is_open => format!("{query}\"*"),
        true => format!("{query}*"),
    }
}

fn column(field: &str) -> Option<&'static str> {
    COLUMNS.iter().find(|(name, _)| *name == field).map(|(_, column)| *column)
}

fn is_known(field: &str) -> bool {
    column(field).is_some() || FILTERS.iter().any(|(name, _)| *name == field)
}

impl Piece<'_> {
    /// Whether it is this word between two others.
    fn is(&self, word: &str) -> bool {
        !self.negated && !self.quoted && !self.prefix && self.field.is_none() && self.value == word
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

/// Splits `name:` off, where a value follows at once; behind a name that is known also where there is a blank before it,
/// or none.
fn field_of(text: &str) -> (Option<&str>, &str) {
    let Some((field, value)) = text.split_once(':') else { return (None, text) };
    if is_known(&field.to_ascii_lowercase()) {
        return (Some(field), value.trim_start());
    }
    let named = !field.is_empty() && field.chars().all(|letter| letter.is_ascii_alphabetic());
    let valued = value.chars().next().is_some_and(|next| !next.is_whitespace()) && !value.starts_with("//");
    if named && valued { (Some(field), value) } else { (None, text) }
}

fn understood(piece: &Piece<'_>, zone: &TimeZone, notes: &mut Vec<String>) -> Option<Alternative> {
    let negated = piece.negated;
    let Some(field) = piece.field else {
        return words(None, piece, piece.value, notes).map(|term| Alternative { negated, term });
    };
    let name = field.to_ascii_lowercase();
    if piece.value.is_empty() && is_known(&name) {
        let example = FILTERS.iter().find(|(filter, _)| *filter == name).map_or("anna", |(_, example)| *example);
        notes.push(format!("Behind “{field}:” something is missing, as in {name}:{example}. It was left out."));
        return None;
    }
    let term = match column(&name) {
        Some(column) => words(Some(column), piece, piece.value, notes),
        None => filter(&name, piece.value, zone).or_else(|| {
            let written = piece.written();
            notes.push(format!("“{written}” is nothing Postkeep knows to search by; it was searched as words."));
            words(None, piece, &written, notes)
        }),
    };
    term.map(|term| Alternative { negated, term })
}

/// Words in a row. A single character of a script without blanks begins pairs, so at the end it is looked for as their
/// beginning (`10月` in `10月の`); before other words it is the end of a pair that nobody knows, and is not asked for (`第3回`
/// in `今回第3回`).
fn words(column: Option<&'static str>, piece: &Piece<'_>, value: &str, notes: &mut Vec<String>) -> Option<Term> {
    let folded = fold(value);
    if !folded.chars().any(char::is_alphanumeric) {
        if !value.is_empty() {
            notes.push(format!("“{value}” holds no letter or digit and was left out."));
        }
        return None;
    }
    let words = match folded.split_once(' ') {
        Some((first, others)) if is_single(first) => others,
        _ => folded.as_str(),
    };
    let last = words.rsplit(' ').next().unwrap_or(words);
    Some(Term::Text { column, words: words.to_owned(), prefix: piece.prefix || is_single(last) })
}

/// A single character of a script without blanks.
fn is_single(word: &str) -> bool {
    let mut letters = word.chars();
    letters.next().is_some_and(is_unspaced) && letters.next().is_none()
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

/// `5M`, `1.5MB`, `300k`, `1G`, `1000`: units of 1000, as sizes are shown; `5MiB` in units of 1024.
fn octets(text: &str) -> Option<u64> {
    let (text, unit) = match text.strip_suffix("ib") {
        Some(text) => (text, 1024_u64),
        None => (text.strip_suffix('b').unwrap_or(text), 1000),
    };
    let (number, power) = match text.char_indices().next_back()? {
        (at, 'k') => (text.get(..at)?, 1),
        (at, 'm') => (text.get(..at)?, 2),
        (at, 'g') => (text.get(..at)?, 3),
        _ => (text, 0),
    };
    let scale = unit.pow(power);
    let (whole, part) = number.split_once(['.', ',']).unwrap_or((number, ""));
    if part.len() > 3 || !part.chars().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let thousandths: u64 = format!("{part:0<3}").parse().ok()?;
    let part = scale.checked_mul(thousandths)? / 1000;
    whole.parse::<u64>().ok()?.checked_mul(scale)?.checked_add(part)
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
                    vec![is(Term::Size { least: 5_000_001, most: u64::MAX })],
                    vec![is(Term::Size { least: 0, most: 1_999 })],
                ],
            ),
            ("copies:server -copies:backup", vec![vec![is(Term::OnServer)], vec![not(is(Term::InBackup))]]),
            ("account:Ben copies:1", vec![vec![is(Term::Account("ben".to_owned()))], vec![is(Term::Copies(1))]]),
            ("larger:1.5MB", vec![vec![is(Term::Size { least: 1_500_001, most: u64::MAX })]]),
            ("larger:5MiB", vec![vec![is(Term::Size { least: (5 << 20) + 1, most: u64::MAX })]]),
            ("猫 日本語", vec![vec![begun("猫")], vec![text("日本 本語")]]),
            ("10月 第3回 B社の", vec![vec![begun("10 月")], vec![begun("3 回")], vec![text("b 社の")]]),
            ("a AND b", vec![vec![text("a")], vec![text("b")]]),
            ("AND a AND", vec![vec![text("and")], vec![text("a")], vec![text("and")]]),
            (
                "from: anna before: 1971 x",
                vec![
                    vec![on("sender", "anna", false)],
                    vec![is(Term::Date { from: i64::MIN, to: 365 * DAY })],
                    vec![text("x")],
                ],
            ),
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
        assert_eq!(read("y OR :-) x").clauses, [vec![text("y")], vec![text("x")]]);
        // Asked for something that cannot be found; asked for nothing.
        assert_eq!((read("🎉").clauses, read("🎉").notes.len()), (vec![Vec::new()], 1));
        for (written, notes) in [("\"", 0), ("subject:\"\"", 1), ("before:", 1)] {
            assert_eq!((read(written).clauses, read(written).notes.len()), (vec![], notes), "{written}");
        }
        assert_eq!(
            read("before:").notes,
            ["Behind “before:” something is missing, as in before:2024-03-01. It was left out."]
        );
    }

    #[test]
    fn while_it_is_typed_the_last_word_is_a_beginning() {
        for (query, expected) in [
            ("har", "har*"),
            ("two wor", "two wor*"),
            ("two ", "two "),
            ("from:har", "from:har*"),
            ("boat -har", "boat -har"),
            ("boat -\"two wor", "boat -\"two wor"),
            ("before:2024", "before:2024"),
            ("boat before:", "boat "),
            ("boat from:", "boat "),
            ("boat -is:un", "boat "),
            ("before:2024-0", ""),
            ("is:unread", "is:unread"),
            ("\"two wor", "\"two wor\"*"),
            ("from:\"Ann Le", "from:\"Ann Le\"*"),
            ("\"two words\"", "\"two words\""),
            ("a OR", "a OR"),
            ("har*", "har*"),
            ("tag:x", "tag:x"),
            ("http://x", "http://x*"),
        ] {
            assert_eq!(typed(query), expected, "{query}");
        }
        let last = begun("boat -From:\"Ann Le").unwrap();
        let (before, negated, field, value) = (last.before, last.negated, last.field, last.value);
        assert_eq!((before, negated, field, value, last.is_open), ("boat ", true, Some("From"), "Ann Le", true));
        assert_eq!(begun("boat "), None);
    }

    #[test]
    fn long_queries_are_cut_and_say_so() {
        let many = "word ".repeat(40);
        assert_eq!((read(&many).clauses.len(), read(&many).notes.len()), (32, 1));
        let long = "é".repeat(2_000);
        assert_eq!((read(&long).clauses.len(), read(&long).notes.len()), (1, 1));
    }
}
