//! Searching against a brute-force scan: 300 queries over the shared corpus and 300 over generated mail, whose answers
//! are computed here from the decoded texts, with a folding of its own and without the full-text index. The sets must be
//! equal. And queries that nobody should ask: none fails.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use postkeep::account::MessageId;
use postkeep::archive::{Archive, Incoming, Ingested, Marks, Origin, View, highlights};
use postkeep::demo::generated;
use postkeep::job::Cancel;
use postkeep::message::{Mailbox, read_for_search};
use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;
use unicode_properties::{GeneralCategory as Category, GeneralCategoryGroup as Group, UnicodeGeneralCategory as _};

const QUERIES: usize = 300;

/// Texts of a message that together are longer are not compared: the index stops somewhere.
const LONGEST: usize = 900_000;

/// One message as the scan sees it: each column a list of texts, each text a list of words.
struct Scanned {
    id: MessageId,
    date: Timestamp,
    columns: [Vec<Vec<String>>; 5],
}

const COLUMNS: [&str; 5] = ["subject", "from", "to", "body", "filename"];

/// Words by the rules of the manual, not by the code of the archive.
fn words(text: &str) -> Vec<String> {
    let mut spaced = String::new();
    for letter in text.chars() {
        let category = letter.general_category();
        let plain = |text: &mut String| {
            text.extend(letter.nfkd().filter(|each| !is_combining_mark(*each)).flat_map(char::to_lowercase));
        };
        match category {
            Category::Format | Category::EnclosingMark => {}
            _ if ('\u{fe00}'..='\u{fe0f}').contains(&letter) => {}
            Category::OtherNumber | Category::OtherSymbol => {
                spaced.push(' ');
                plain(&mut spaced);
                spaced.push(' ');
            }
            Category::PrivateUse => spaced.push(letter),
            // Written without blanks: each is a word here, and no query asks for it; but it ends the word before it.
            _ if matches!(u32::from(letter), 0xE00..=0xEFF | 0x1000..=0x11FF | 0x1780..=0x17FF | 0x3005..=0x9FFF
                | 0xA960..=0xA97F | 0xAC00..=0xD7FF | 0xF900..=0xFAFF | 0xFF66..=0xFFDC | 0x20000..=0x3FFFF) =>
            {
                spaced.push(' ');
                plain(&mut spaced);
                spaced.push(' ');
            }
            _ if matches!(letter.general_category_group(), Group::Letter | Group::Number | Group::Mark) => {
                plain(&mut spaced);
            }
            _ => spaced.push(' '),
        }
    }
    let spaced = spaced.replace('ß', "ss").replace('ς', "σ").replace('æ', "ae").replace('œ', "oe");
    let spaced: String = spaced
        .chars()
        .map(|letter| match letter {
            'ø' => 'o',
            'ł' => 'l',
            'đ' => 'd',
            'ħ' => 'h',
            'ŧ' => 't',
            'ı' => 'i',
            other => other,
        })
        .collect();
    spaced
        .split(|letter: char| !letter.is_alphanumeric() && letter.general_category() != Category::PrivateUse)
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Words whose folding needs no more than the few rules above.
fn is_simple(word: &str) -> bool {
    word.chars().all(|letter| {
        letter.is_ascii_alphanumeric() || matches!(letter, 'à'..='ÿ' | 'α'..='ω' | 'а'..='я') && letter != 'ħ'
    })
}

fn scanned(id: MessageId, bytes: &[u8], arrived: Timestamp) -> Option<Scanned> {
    let (message, further) = read_for_search(bytes);
    let all = message.text.len() + further.iter().map(String::len).sum::<usize>();
    let header = message.envelope.to.len() + message.envelope.cc.len();
    if all > LONGEST || header > 500 {
        return None;
    }
    let envelope = message.envelope;
    let people = |people: Vec<&Mailbox>| -> Vec<Vec<String>> {
        people.into_iter().flat_map(|one| [words(&one.name), words(&one.address)]).collect()
    };
    let date = envelope.date.filter(|date| *date <= arrived + SignedDuration::from_hours(24)).unwrap_or(arrived);
    let body = std::iter::once(&message.text).chain(&further).map(|text| words(text)).collect();
    let columns = [
        vec![words(&envelope.subject)],
        people(std::iter::once(&envelope.from).chain(&envelope.reply_to).collect()),
        people(envelope.to.iter().chain(&envelope.cc).collect()),
        body,
        message.attachments.iter().map(|file| words(&file.name)).collect(),
    ];
    Some(Scanned { id, date, columns })
}

/// What a query asks, as the scan understands it: the test makes both.
enum Asked {
    Phrase { column: Option<usize>, words: Vec<String>, prefix: bool },
    Year(i16),
}

impl Asked {
    fn holds(&self, message: &Scanned) -> bool {
        match self {
            Asked::Year(year) => message.date.to_zoned(TimeZone::system()).year() == *year,
            Asked::Phrase { column, words, prefix } => {
                let columns =
                    message.columns.iter().enumerate().filter(|(at, _)| column.is_none_or(|only| only == *at));
                columns.flat_map(|(_, texts)| texts).any(|text| {
                    text.windows(words.len()).any(|window| {
                        let (last, whole) = words.split_last().unwrap();
                        let (end, begin) = window.split_last().unwrap();
                        begin == whole && if *prefix { end.starts_with(last) } else { end == last }
                    })
                })
            }
        }
    }
}

/// Small, the same everywhere.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }
}

/// Words in a row out of some text of some message; of one column where that is named.
fn picked(mail: &[Scanned], column: Option<usize>, length: usize, dice: &mut Dice) -> Vec<String> {
    for _ in 0..10_000 {
        let message = &mail[dice.below(mail.len())];
        let texts = &message.columns[column.unwrap_or([0, 3, 3, 3][dice.below(4)])];
        if texts.is_empty() {
            continue;
        }
        let text = &texts[dice.below(texts.len())];
        if text.len() < length {
            continue;
        }
        let begin = dice.below(text.len() - length + 1);
        let phrase = text[begin..begin + length].to_vec();
        if phrase.iter().all(|word| is_simple(word)) {
            return phrase;
        }
    }
    panic!("no such words");
}

/// A query and its meaning: all of the first must hold, none of the second.
fn query(kind: usize, mail: &[Scanned], dice: &mut Dice) -> (String, Vec<Vec<Asked>>, Vec<Asked>) {
    let phrase = |column, words: &[String], prefix| Asked::Phrase { column, words: words.to_vec(), prefix };
    let one = |asked| vec![vec![asked]];
    let mut pick = |column, length| picked(mail, column, length, dice);
    match kind {
        0 => {
            let word = pick(None, 1);
            (word[0].clone(), one(phrase(None, &word, false)), vec![])
        }
        1 => {
            let (first, second) = (pick(None, 1), pick(None, 1));
            let asked = vec![vec![phrase(None, &first, false)], vec![phrase(None, &second, false)]];
            (format!("{} {}", first[0], second[0]), asked, vec![])
        }
        2 | 3 => {
            let words = pick(None, kind);
            (format!("\"{}\"", words.join(" ")), one(phrase(None, &words, false)), vec![])
        }
        4 | 5 => {
            let mut word = pick(None, 1);
            word[0] = word[0].chars().take(kind - 2).collect();
            (format!("{}*", word[0]), one(phrase(None, &word, true)), vec![])
        }
        6 => {
            let (sender, word) = (pick(Some(1), 1), pick(Some(3), 1));
            let asked = vec![vec![phrase(Some(1), &sender, false)], vec![phrase(None, &word, false)]];
            (format!("from:{} {}", sender[0], word[0].to_uppercase()), asked, vec![])
        }
        7 => {
            let (word, not) = (pick(None, 1), pick(None, 1));
            let query = format!("{} -{}", word[0], not[0]);
            (query, one(phrase(None, &word, false)), vec![phrase(None, &not, false)])
        }
        8 => {
            let (first, second) = (pick(None, 1), pick(None, 1));
            let asked = vec![vec![phrase(None, &first, false), phrase(None, &second, false)]];
            (format!("{} OR {}", first[0], second[0]), asked, vec![])
        }
        9 => {
            let word = pick(None, 1);
            let date = mail[dice.below(mail.len())].date.to_zoned(TimeZone::system());
            let asked = vec![vec![Asked::Year(date.year())], vec![phrase(None, &word, false)]];
            (format!("date:{:04} {}", date.year(), word[0]), asked, vec![])
        }
        10 => {
            // The whole of something, punctuation and all: an address, a host, a file name.
            let column = [1, 2, 1, 4][dice.below(4)];
            let column = if mail.iter().any(|message| !message.columns[column].is_empty()) { column } else { 1 };
            let words = picked(mail, Some(column), 2, dice);
            let query = format!("{}:{}", COLUMNS[column], words.join("."));
            (query, one(phrase(Some(column), &words, false)), vec![])
        }
        _ => {
            let word = pick(Some(0), 1);
            (format!("subject:{}", word[0]), one(phrase(Some(0), &word, false)), vec![])
        }
    }
}

fn filled(mail: impl Iterator<Item = Vec<u8>>) -> (tempfile::TempDir, Archive, Vec<Scanned>, usize) {
    let place = tempfile::tempdir().unwrap();
    let archive = Archive::open(place.path()).unwrap();
    let arrived: Timestamp = "2026-06-01T12:00:00Z".parse().unwrap();
    let (mut all, mut left_out) = (Vec::new(), 0);
    for bytes in mail {
        let from = Origin::File { account: None };
        let incoming = Incoming { bytes: bytes.clone(), arrived, marks: Marks::default(), from };
        if let [Ingested::Added(id)] = archive.ingest(vec![incoming]).unwrap().as_slice() {
            match scanned(*id, &bytes, arrived) {
                Some(message) => all.push(message),
                None => left_out += 1,
            }
        }
    }
    archive.index_pending(&Cancel::new(), &mut |_| {}).unwrap();
    (place, archive, all, left_out)
}

fn compare(name: &str, mail: impl Iterator<Item = Vec<u8>>) {
    let (_place, archive, mail, left_out) = filled(mail);
    let compared: BTreeSet<MessageId> = mail.iter().map(|message| message.id).collect();
    let mut dice = Dice(7);
    let (mut hits, mut empty) = (0, 0);
    for number in 0..QUERIES {
        let (query, wanted, unwanted) = query(number % 12, &mail, &mut dice);
        let holds = |message: &&Scanned| {
            wanted.iter().all(|one_of| one_of.iter().any(|asked| asked.holds(message)))
                && !unwanted.iter().any(|asked| asked.holds(message))
        };
        let expected: BTreeSet<MessageId> = mail.iter().filter(holds).map(|message| message.id).collect();
        let found = archive.search(&query, View::All, None, &Cancel::new()).unwrap();
        let mut keys = found.keys.clone();
        keys.sort_by(|one, other| other.cmp(one));
        assert_eq!(keys, found.keys, "{name}: {query} is not newest first");
        let mut paged = Vec::new();
        let searched = archive.search_pages(&query, View::All, &Cancel::new(), &mut |page| {
            paged.extend(page);
            true
        });
        assert!(searched.unwrap().complete && paged == found.keys, "{name}: {query} in pages");
        let found: BTreeSet<MessageId> =
            found.keys.iter().map(|key| key.message()).filter(|id| compared.contains(id)).collect();
        let differing: Vec<&MessageId> = found.symmetric_difference(&expected).collect();
        assert!(differing.is_empty(), "{name}: {query}: {differing:?} of {} and {}", found.len(), expected.len());
        hits += found.len();
        empty += usize::from(found.is_empty());
    }
    println!(
        "{name}: {QUERIES} queries over {} messages ({left_out} too long to compare): {hits} hits, {empty} without",
        mail.len()
    );
    assert!(hits > QUERIES, "the queries hit next to nothing");
}

#[test]
fn generated_mail_is_found_as_a_scan_finds_it() {
    compare("generated", generated(1_500, 5));
}

#[test]
fn real_mail_is_found_as_a_scan_finds_it() {
    let shared = std::env::var_os("POSTKEEP_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let Ok(listed) = fs::read_to_string(shared.join("corpus/expected.jsonl")) else {
        println!("skipped: {} is not there (POSTKEEP_SHARED says where)", shared.join("corpus").display());
        return;
    };
    let paths = listed.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let paths = paths.map(|line| shared.join("corpus").join(line["path"].as_str().unwrap()));
    compare("corpus", paths.filter_map(|path| fs::read(path).ok()));
}

/// Pieces that mean something to the query language, to FTS5 or to SQL, and some that mean nothing.
const HOSTILE: [&str; 40] = [
    "\"",
    "*",
    "-",
    "OR",
    "AND",
    "NOT",
    "NEAR(",
    ")",
    "(",
    "from:",
    "to:",
    "subject:",
    "date:",
    "2024-99-99",
    "before:",
    "larger:",
    "999999999999999999999G",
    "is:",
    "has:attachment",
    "copies:",
    "4294967296",
    "account:",
    ":",
    "^",
    "+",
    "{a b}:",
    "'; DROP TABLE envelope;--",
    "\0",
    "\u{FFFF}",
    "\u{202e}",
    "é",
    "日本",
    "猫",
    "ไทย",
    "👩\u{200d}👧",
    " ",
    "word",
    "\u{301}",
    "%_",
    "\\",
];

#[test]
fn twenty_thousand_hostile_queries_fail_nothing() {
    let (_place, archive, _, _) = filled(generated(60, 3));
    let mut dice = Dice(99);
    for number in 0..20_000 {
        let pieces = 1 + dice.below(12);
        let mut query: String = (0..pieces).map(|_| HOSTILE[dice.below(HOSTILE.len())]).collect();
        if number % 500 == 0 {
            query = query.repeat(400);
        }
        let found = archive.search(&query, View::All, Some(5), &Cancel::new());
        assert!(found.is_ok_and(|found| found.keys.len() <= 5), "{query:?}");
        highlights(&query, "a word, 日本 and é");
        if number % 20 == 0 {
            archive.completions(&query, 5).unwrap();
        }
    }
    assert_eq!(archive.search("", View::All, None, &Cancel::new()).unwrap().keys.len(), 60);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn any_query_is_answered(queries in proptest::collection::vec(any::<String>(), 50)) {
        let (_place, archive, _, _) = filled(generated(5, 3));
        for query in queries {
            prop_assert!(archive.search(&query, View::All, None, &Cancel::new()).is_ok(), "{query:?}");
        }
    }
}
