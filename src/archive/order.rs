//! The order of a list by something other than its date: one walk over the index into compact keys, sorted in memory. The
//! order of all messages is kept for as long as the index stays the same, so that another view is a walk over it.

use std::sync::Arc;

use roaring::RoaringBitmap;
use rusqlite::{Connection, ErrorCode};

use super::browse::contains;
use super::columns::uncount;
use super::connections::lock;
use super::error::{ArchiveError, Result};
use super::fold::fold;
use super::known::Indexed;
use super::{Archive, SortKey};
use crate::job::{Cancel, unless_cancelled};
use crate::message;

/// What a list is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SortBy {
    #[default]
    Date,
    Sender,
    Subject,
    Size,
}

/// An order of a list. Of what is equal the newest comes first, but where the dates themselves ascend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Sort {
    pub by: SortBy,
    pub ascending: bool,
}

/// What the rows that follow have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// No letter and no digit.
    Blank,
    Digits,
    /// The first letter, in upper case and without its accent.
    Letter(char),
    /// A script of very many letters.
    Beyond,
    /// At least so many octets, and fewer than the next section's.
    Octets(u64),
}

/// Keys in an order, and where each section begins; by date there are none.
#[derive(Clone, Debug, Default)]
pub struct Sorted {
    pub keys: Vec<SortKey>,
    pub sections: Vec<(Section, usize)>,
}

/// Where a section by size begins.
const SIZES: [u64; 5] = [0, 10_000, 100_000, 1_000_000, 10_000_000];
/// Octets of a text that are compared.
const COMPARED: usize = 60;
/// Steps of SQLite's machine between two looks at the token.
const STEPS: i32 = 2_000;
/// What subjects begin with that are answers.
const ANSWERS: [&str; 8] = ["re", "fw", "fwd", "aw", "wg", "sv", "vs", "antw"];

/// The order of all messages by one thing, ascending.
#[derive(Default)]
pub(super) struct Whole {
    by: SortBy,
    /// The keys it was made for.
    basis: Arc<Indexed>,
    keys: Vec<SortKey>,
    /// Grows where the key differs from the one before.
    ranks: Vec<u32>,
    sections: Vec<(Section, u32)>,
}

impl Archive {
    /// Puts keys, which come newest first, into an order. Answers nothing of use once `cancel` is set.
    pub fn sorted(&self, keys: Vec<SortKey>, sort: Sort, cancel: &Cancel) -> Result<Sorted> {
        if sort.by == SortBy::Date {
            lock(&self.shared.known).forget_order();
            let mut keys = keys;
            if sort.ascending {
                keys.reverse();
            }
            return Ok(Sorted { keys, sections: Vec::new() });
        }
        let whole = self.whole(sort.by, cancel)?;
        unless_cancelled(cancel)?;
        let wanted: RoaringBitmap = keys.iter().filter_map(|key| u32::try_from(key.message().0).ok()).collect();
        Ok(whole.of(&wanted, sort.ascending))
    }

    fn whole(&self, by: SortBy, cancel: &Cancel) -> Result<Arc<Whole>> {
        let basis = self.indexed()?;
        let kept = lock(&self.shared.known).order();
        if let Some(whole) = kept.filter(|whole| whole.by == by && Arc::ptr_eq(&whole.basis, &basis)) {
            return Ok(whole);
        }
        let sorted = self.shared.index.read(|index| {
            let token = cancel.clone();
            index.progress_handler(STEPS, Some(move || token.is_cancelled()))?;
            let walked = walk(index, by, basis.len());
            index.progress_handler(0, None::<fn() -> bool>)?;
            match walked {
                Err(ArchiveError::Sqlite(error))
                    if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) =>
                {
                    Ok(Whole::default())
                }
                walked => walked,
            }
        });
        let sorted = sorted.map_err(|error| error.diagnosed(self.folder()))?;
        let whole = Arc::new(Whole { by, basis, ..sorted });
        if !cancel.is_cancelled() {
            lock(&self.shared.known).keep_order(Arc::clone(&whole));
        }
        Ok(whole)
    }
}

impl Whole {
    /// The part that is wanted.
    fn of(&self, wanted: &RoaringBitmap, ascending: bool) -> Sorted {
        let mut sorted = Sorted { keys: Vec::with_capacity(self.keys.len()), sections: Vec::new() };
        let mut take = |place: usize, section: usize| {
            let Some(key) = self.keys.get(place).filter(|key| contains(wanted, **key)) else { return };
            if let Some((section, _)) = self.sections.get(section)
                && sorted.sections.last().map(|(last, _)| last) != Some(section)
            {
                sorted.sections.push((*section, sorted.keys.len()));
            }
            sorted.keys.push(*key);
        };
        let begins = |section: usize| self.sections.get(section).map_or(self.keys.len(), |(_, first)| *first as usize);
        if ascending {
            for section in 0..self.sections.len() {
                (begins(section)..begins(section + 1)).for_each(|place| take(place, section));
            }
            return sorted;
        }
        for section in (0..self.sections.len()).rev() {
            let (first, mut end) = (begins(section), begins(section + 1));
            while end > first {
                // What is equal stays newest first.
                let rank = self.ranks.get(end - 1);
                let mut start = end - 1;
                while start > first && self.ranks.get(start - 1) == rank {
                    start -= 1;
                }
                (start..end).for_each(|place| take(place, section));
                end = start;
            }
        }
        sorted
    }

    /// Adds the next key of the order.
    fn push(&mut self, key: SortKey, differs: bool, section: Section) {
        let rank = self.ranks.last().copied().unwrap_or(0);
        self.ranks.push(if differs { rank + 1 } else { rank });
        if self.sections.last().map(|(last, _)| *last) != Some(section) {
            self.sections.push((section, u32::try_from(self.keys.len()).unwrap_or(u32::MAX)));
        }
        self.keys.push(key);
    }
}

/// One message and the text it is sorted by.
struct Entry {
    /// The first octets of the text, for most comparisons.
    begin: u64,
    start: u32,
    length: u16,
    key: SortKey,
}

fn walk(index: &Connection, by: SortBy, capacity: usize) -> Result<Whole> {
    match by {
        SortBy::Date => Ok(Whole::default()),
        SortBy::Size => by_size(index, capacity),
        SortBy::Sender => by_text(index, "SELECT key, from_name, from_address FROM envelope", capacity, sender),
        SortBy::Subject => by_text(index, "SELECT key, subject, '' FROM envelope", capacity, |text, _| subject(text)),
    }
}

fn by_size(index: &Connection, capacity: usize) -> Result<Whole> {
    // The index on sizes holds both.
    let mut statement = index.prepare_cached("SELECT key, size FROM envelope ORDER BY size")?;
    let mut rows = statement.query([])?;
    let mut sizes: Vec<(u64, SortKey)> = Vec::with_capacity(capacity);
    while let Some(row) = rows.next()? {
        sizes.push((uncount(row.get(1)?), SortKey(row.get(0)?)));
    }
    sizes.sort_unstable_by(|(size, key), (other, later)| size.cmp(other).then(later.cmp(key)));
    let mut whole = Whole::default();
    let mut before = None;
    for (size, key) in sizes {
        let least = SIZES.iter().rev().find(|least| size >= **least).copied().unwrap_or(0);
        whole.push(key, before != Some(size), Section::Octets(least));
        before = Some(size);
    }
    Ok(whole)
}

fn by_text(index: &Connection, sql: &str, capacity: usize, sorted_as: fn(&str, &str) -> String) -> Result<Whole> {
    let mut statement = index.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut texts = String::new();
    let mut entries: Vec<Entry> = Vec::with_capacity(capacity);
    while let Some(row) = rows.next()? {
        let column = |place| Ok::<_, rusqlite::Error>(row.get_ref(place)?.as_str().unwrap_or_default());
        let text = sorted_as(column(1)?, column(2)?);
        let text = text.get(..text.floor_char_boundary(COMPARED)).unwrap_or_default();
        let Ok(start) = u32::try_from(texts.len()) else { break };
        let mut begin = [0; 8];
        begin.iter_mut().zip(text.bytes()).for_each(|(octet, text)| *octet = text);
        let length = u16::try_from(text.len()).unwrap_or(0);
        entries.push(Entry { begin: u64::from_be_bytes(begin), start, length, key: SortKey(row.get(0)?) });
        texts.push_str(text);
    }
    let text_of = |entry: &Entry| {
        let start = entry.start as usize;
        texts.get(start..start + usize::from(entry.length)).unwrap_or_default()
    };
    entries.sort_unstable_by(|one, other| {
        let texts = || text_of(one).cmp(text_of(other));
        one.begin.cmp(&other.begin).then_with(texts).then(other.key.cmp(&one.key))
    });
    let mut whole =
        Whole { keys: Vec::with_capacity(entries.len()), ranks: Vec::with_capacity(entries.len()), ..Whole::default() };
    let mut before = None;
    for entry in &entries {
        let text = text_of(entry);
        whole.push(entry.key, before != Some(text), section(text));
        before = Some(text);
    }
    Ok(whole)
}

/// A sender as it is sorted, by what is shown: what stands before its first letter or digit does not count.
fn sender(name: &str, address: &str) -> String {
    ranked(fold(message::called(name, address)).trim_start_matches(|letter: char| !letter.is_alphanumeric()))
}

/// A subject as it is sorted: answers stand beside what they answer.
fn subject(text: &str) -> String {
    let mut rest = text.trim_start();
    let answer = |text: &str| {
        let (word, behind) = text.split_once(':')?;
        ANSWERS.iter().any(|answer| word.eq_ignore_ascii_case(answer)).then_some(behind.len())
    };
    while let Some(length) = answer(rest) {
        rest = rest.get(rest.len() - length..).unwrap_or_default().trim_start();
    }
    ranked(fold(rest).trim_start_matches(|letter: char| !letter.is_alphanumeric()))
}

/// The text behind an octet that puts the sections into their order.
fn ranked(text: &str) -> String {
    let rank = match text.chars().next() {
        None => '\0',
        Some(first) if first.is_numeric() => '\u{1}',
        Some(first) if first < '\u{700}' => '\u{2}',
        Some(_) => '\u{3}',
    };
    format!("{rank}{text}")
}

fn section(ranked: &str) -> Section {
    let mut letters = ranked.chars();
    match (letters.next(), letters.next()) {
        (Some('\u{1}'), _) => Section::Digits,
        (Some('\u{2}'), Some(letter)) => Section::Letter(letter.to_uppercase().next().unwrap_or(letter)),
        (Some('\u{3}'), _) => Section::Beyond,
        _ => Section::Blank,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::{Incoming, Marks, Origin, View};

    /// An archive with these messages: sender, subject, day of November, lines of text.
    fn archive(mail: &[(&str, &str, u8, usize)]) -> (Archive, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::open(&folder.path().join("archive")).unwrap();
        let arrived = "2026-11-22T10:00:00Z".parse().unwrap();
        let incoming = |(from, subject, day, lines): &(&str, &str, u8, usize)| {
            let text = "A line of text.\r\n".repeat(*lines);
            let date = format!("{day} Nov 2026 10:00:00 +0000");
            let bytes = format!("From: {from}\r\nSubject: {subject}\r\nDate: {date}\r\n\r\n{text}").into_bytes();
            Incoming { bytes, arrived, marks: Marks::default(), from: Origin::File { account: None } }
        };
        archive.ingest(mail.iter().map(incoming).collect()).unwrap();
        archive.index_pending(&Cancel::new(), &mut |_| {}).unwrap();
        (archive, folder)
    }

    const MAIL: [(&str, &str, u8, usize); 6] = [
        ("Zoe <z@b.example>", "Re: boats", 1, 1),
        ("=?utf-8?q?=C3=89lan?= <e@b.example>", "Apples", 2, 900),
        ("anna <a@b.example>", "boats", 3, 2),
        ("\"'Anna'\" <a@b.example>", "12 eggs", 4, 3),
        ("7 Seas <s@b.example>", "Fwd: Re: apples", 5, 9_000),
        ("=?utf-8?b?5bGx55Sw?= <y@b.example>", "", 6, 4),
    ];

    /// The days of the messages in an order, and its sections.
    fn ordered(archive: &Archive, by: SortBy, ascending: bool) -> (Vec<i8>, Vec<(Section, usize)>) {
        let keys = archive.keys(View::All).unwrap();
        let sorted = archive.sorted(keys, Sort { by, ascending }, &Cancel::new()).unwrap();
        let rows = archive.rows(&sorted.keys).unwrap();
        let day = |row: &crate::archive::Row| row.date.to_zoned(jiff::tz::TimeZone::UTC).day();
        (rows.iter().map(day).collect(), sorted.sections)
    }

    #[test]
    fn every_order_both_ways() {
        let (archive, _folder) = archive(&MAIL);
        for (by, ascending, expected) in [
            (SortBy::Date, false, [6, 5, 4, 3, 2, 1]),
            (SortBy::Date, true, [1, 2, 3, 4, 5, 6]),
            // Of the two Annas the newer one, whichever way.
            (SortBy::Sender, true, [5, 4, 3, 2, 1, 6]),
            (SortBy::Sender, false, [6, 1, 2, 4, 3, 5]),
            (SortBy::Subject, true, [6, 4, 5, 2, 3, 1]),
            (SortBy::Subject, false, [3, 1, 5, 2, 4, 6]),
            (SortBy::Size, true, [1, 3, 4, 6, 2, 5]),
            (SortBy::Size, false, [5, 2, 6, 4, 3, 1]),
        ] {
            assert_eq!(ordered(&archive, by, ascending).0, expected, "{by:?} {ascending}");
        }
    }

    #[test]
    fn sections_begin_where_the_letter_changes() {
        let (archive, _folder) = archive(&MAIL);
        let letter = Section::Letter;
        let (_, sections) = ordered(&archive, SortBy::Sender, true);
        let expected =
            [(Section::Digits, 0), (letter('A'), 1), (letter('E'), 3), (letter('Z'), 4), (Section::Beyond, 5)];
        assert_eq!(sections, expected);
        let (_, sections) = ordered(&archive, SortBy::Size, false);
        assert_eq!(sections, [(Section::Octets(100_000), 0), (Section::Octets(10_000), 1), (Section::Octets(0), 2)]);
    }

    #[test]
    fn an_order_holds_only_what_was_asked_for_and_what_is_new() {
        let (archive, _folder) = archive(&MAIL);
        let sort = Sort { by: SortBy::Sender, ascending: true };
        let some: Vec<SortKey> = archive.keys(View::All).unwrap().into_iter().step_by(2).collect();
        let sorted = archive.sorted(some.clone(), sort, &Cancel::new()).unwrap();
        assert_eq!(sorted.keys.len(), some.len());
        assert!(some.iter().all(|key| sorted.keys.contains(key)));

        let bytes = b"From: New <n@b.example>\r\n\r\n".to_vec();
        let arrived = "2026-11-22T10:00:00Z".parse().unwrap();
        let from = Origin::File { account: None };
        archive.ingest(vec![Incoming { bytes, arrived, marks: Marks::default(), from }]).unwrap();
        archive.index_pending(&Cancel::new(), &mut |_| {}).unwrap();
        let all = archive.keys(View::All).unwrap();
        assert_eq!(archive.sorted(all, sort, &Cancel::new()).unwrap().keys.len(), 7);
    }

    #[test]
    fn an_order_that_nobody_waits_for_is_given_up() {
        let (archive, _folder) = archive(&MAIL);
        let cancel = Cancel::new();
        cancel.cancel();
        let keys = archive.keys(View::All).unwrap();
        assert!(archive.sorted(keys, Sort { by: SortBy::Sender, ascending: true }, &cancel).is_err());
        assert_eq!(ordered(&archive, SortBy::Sender, true).0.len(), 6, "and the next one is whole");
    }
}
