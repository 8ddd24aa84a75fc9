//! The words of all messages on shelves: full-text tables of some thousand messages each, every one with a span of sort
//! keys of its own, so that a search walks them from the newest to the oldest and stops when it has enough.
//!
//! Within a shelf the row id is the message id: FTS5 writes down how far it is from one message of a word to the next,
//! which is one octet or two with ids and seven with sort keys. What was found on a shelf is put in order afterwards.
//!
//! Why: to answer the beginning of a word (`tra*`) FTS5 first puts together the rows of every word that begins so, from
//! the whole table. On a shelf that is little, and the newest shelf alone usually answers. A prefix index inside FTS5
//! would answer too, but makes the index more than twice as large.
//!
//! A message goes where its key belongs. Between two shelves, and at the ends, shelves grow and new ones are put up, so
//! that mail fetched or imported in any order of dates leaves shelves of about one size; only mail whose dates fall
//! into a full shelf makes that one larger. Shelves are planned for all that is pending at once, so that of much mail the
//! older lies on fewer and larger ones. Those that mail filled little by little stay as they are.

use std::ops::Range;

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

use super::columns::count;
use super::error::Result;

/// Messages on one shelf: a large one makes the beginnings of words slow, a small one the words that hardly any message
/// has, for which every shelf is asked. Of 1,000,000 short messages (`cargo bench --bench speed -- million`) shelves of
/// 12,000 answered `tr*` in 17 ms, shelves of 5,000 in 7 ms; a word in one message took 7 ms and takes 1, since a shelf
/// is written in one piece. Few in the tests of this module, that they meet many shelves.
pub(super) const FULL: usize = if cfg!(test) { 500 } else { 5_000 };

/// So many of the newest messages are on shelves of [`FULL`]: the newest shelf may have just been begun.
const RECENT: usize = 2 * FULL;

/// Messages on one of the shelves below these. A beginning of words that many messages have is answered before a search
/// comes to them, and one that few have is soon found there; each shelf less is a table less to open and to ask for what
/// hardly any message has. Of 100,000 messages 20 shelves of one size were 182 MB, these five are 177.
const OLDER: usize = 6 * FULL;

pub(super) const SCHEMA: &str = "
    CREATE TABLE shelf (
        number INTEGER PRIMARY KEY,
        first INTEGER NOT NULL,
        last INTEGER NOT NULL,
        messages INTEGER NOT NULL
    ) STRICT;";

/// A full-text table and the keys on it, both ends included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shelf {
    pub(super) number: i64,
    pub(super) first: i64,
    pub(super) last: i64,
    pub(super) messages: usize,
}

/// All shelves, by their keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shelves(Vec<Shelf>);

impl Shelf {
    /// From the columns number, first, last and messages.
    fn of(row: &Row<'_>) -> rusqlite::Result<Shelf> {
        let messages = row.get::<_, u32>(3)? as usize;
        Ok(Shelf { number: row.get(0)?, first: row.get(1)?, last: row.get(2)?, messages })
    }

    pub(super) fn table(&self) -> String {
        table(self.number)
    }

    /// With so many messages on it, to come onto it and newer.
    fn room(&self, newer: usize) -> usize {
        capacity(newer).saturating_sub(self.messages)
    }

    /// Notes that so many more messages are on it, and makes its table where that is still to be made.
    pub(super) fn grow(&self, transaction: &Transaction<'_>, more: usize) -> Result<()> {
        let known = transaction
            .prepare_cached("UPDATE shelf SET first = ?2, last = ?3, messages = messages + ?4 WHERE number = ?1")?
            .execute(params![self.number, self.first, self.last, count(more as u64)])?;
        if known == 0 {
            transaction
                .prepare_cached("INSERT INTO shelf (number, first, last, messages) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![self.number, self.first, self.last, count(more as u64)])?;
            make(transaction, &self.table())?;
        }
        Ok(())
    }
}

/// Of the shelf that the first of so many newest messages is on.
fn capacity(newest: usize) -> usize {
    newest.saturating_sub(RECENT).clamp(FULL, OLDER)
}

fn table(number: i64) -> String {
    format!("words_{number}")
}

/// Folding has left nothing but words and blanks, so the simplest tokenizer of FTS5 will do: what is not ASCII is of a
/// word. A whole batch is collected in memory and sorted once (the default, 1 MB, is a few hundred messages), and what
/// was written is merged half as often: half the time, and searches are as fast. The body comes first, for words of the
/// first column are written down without the number of the column: two octets for each word of a message.
fn make(transaction: &Transaction<'_>, table: &str) -> Result<()> {
    transaction.execute_batch(&format!(
        "CREATE VIRTUAL TABLE {table} USING fts5 (
             body, subject, sender, recipients, files, content = '', contentless_delete = 1, tokenize = 'ascii'
         );
         INSERT INTO {table} ({table}, rank) VALUES ('hashsize', 67108864), ('automerge', 8);"
    ))?;
    Ok(())
}

/// The table that a key's words are in, if any is.
pub(super) fn holding(connection: &Connection, key: i64) -> Result<Option<String>> {
    let number = connection
        .prepare_cached("SELECT number FROM shelf WHERE first <= ?1 AND last >= ?1")?
        .query_row([key], |row| row.get(0))
        .optional()?;
    Ok(number.map(table))
}

/// The shelves with keys in this range, newest first.
pub(super) fn newest_first(connection: &Connection, keys: &Range<i64>) -> Result<Vec<Shelf>> {
    let mut statement = connection.prepare_cached(
        "SELECT number, first, last, messages FROM shelf WHERE last >= ?1 AND first < ?2 ORDER BY first DESC",
    )?;
    let shelves = statement.query_map([keys.start, keys.end], Shelf::of)?;
    Ok(shelves.collect::<rusqlite::Result<_>>()?)
}

impl Shelves {
    pub(super) fn load(connection: &Connection) -> Result<Shelves> {
        let mut statement =
            connection.prepare_cached("SELECT number, first, last, messages FROM shelf ORDER BY first")?;
        let shelves = statement.query_map([], Shelf::of)?;
        Ok(Shelves(shelves.collect::<rusqlite::Result<_>>()?))
    }

    /// Makes room for these keys, which are in order: afterwards each has a shelf.
    pub(super) fn plan(&mut self, keys: &[i64]) {
        let mut rest = keys;
        while let Some(&key) = rest.first() {
            let at = self.0.partition_point(|shelf| shelf.first <= key);
            let end = self.0.get(at).map_or(i64::MAX, |right| right.first);
            let newer = rest.len() + self.0.iter().skip(at).map(|shelf| shelf.messages).sum::<usize>();
            let left = at.checked_sub(1).and_then(|at| self.0.get_mut(at));
            let taken = match left {
                Some(left) if key <= left.last => {
                    let inside = rest.partition_point(|key| *key <= left.last);
                    left.messages += inside;
                    inside
                }
                Some(left) if left.room(left.messages + newer) > 0 => {
                    let room = left.room(left.messages + newer);
                    let taken = rest.partition_point(|key| *key < end).min(room);
                    left.last = rest.get(taken.saturating_sub(1)).copied().unwrap_or(key);
                    left.messages += taken;
                    taken
                }
                _ => self.between(at, rest, rest.partition_point(|key| *key < end), newer),
            };
            rest = rest.get(taken..).unwrap_or_default();
        }
    }

    /// Keys before the shelf at `at` and behind a full one or none: onto that shelf if it has room for all of them, for
    /// mail may come newest first; else as many as fit onto a new one.
    fn between(&mut self, at: usize, rest: &[i64], keys: usize, newer: usize) -> usize {
        let first = rest.first().copied().unwrap_or_default();
        if let Some(right) = self.0.get_mut(at)
            && right.room(newer) >= keys
        {
            right.first = first;
            right.messages += keys;
            return keys;
        }
        let taken = keys.min(capacity(newer));
        let last = rest.get(taken.saturating_sub(1)).copied().unwrap_or(first);
        let number = self.0.iter().map(|shelf| shelf.number).max().unwrap_or(0) + 1;
        self.0.insert(at, Shelf { number, first, last, messages: taken });
        taken
    }

    /// The shelf of a key that was planned for.
    pub(super) fn of(&self, key: i64) -> Option<&Shelf> {
        let at = self.0.partition_point(|shelf| shelf.first <= key).checked_sub(1)?;
        self.0.get(at).filter(|shelf| key <= shelf.last)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The shelves after these batches, as (first, last, messages).
    fn planned(batches: &[Vec<i64>]) -> Vec<(i64, i64, usize)> {
        let mut shelves = Shelves::default();
        for batch in batches {
            let mut keys = batch.clone();
            keys.sort_unstable();
            shelves.plan(&keys);
            assert!(keys.iter().all(|key| shelves.of(*key).is_some()));
        }
        shelves.0.iter().map(|shelf| (shelf.first, shelf.last, shelf.messages)).collect()
    }

    #[test]
    fn shelves_are_of_one_size_whatever_the_order() {
        let full = FULL as i64;
        let all: Vec<i64> = (0..3 * full).collect();
        let thirds = vec![(0, full - 1, FULL), (full, 2 * full - 1, FULL), (2 * full, 3 * full - 1, FULL)];
        assert_eq!(planned(std::slice::from_ref(&all)), thirds);
        let by_hundreds: Vec<Vec<i64>> = all.chunks(100).map(<[i64]>::to_vec).collect();
        assert_eq!(planned(&by_hundreds), thirds);
        let backwards: Vec<Vec<i64>> = by_hundreds.into_iter().rev().collect();
        assert_eq!(planned(&backwards), thirds);
        // Two, many newer ones, and then what lies between and before.
        let apart = vec![vec![100, 101], (10_000..10_000 + full).collect(), (5_000..5_010).collect(), vec![1]];
        let ends = 9_997 + full;
        assert_eq!(planned(&apart), [(1, 1, 1), (100, ends, FULL + 10), (ends + 1, ends + 2, 2)]);
        // Much at once, or newest first: of what is not recent there are six times as many on a shelf.
        let graded = |fulls: [usize; 5]| fulls.map(|fulls| fulls * FULL);
        let many: Vec<i64> = (0..16 * full).collect();
        let sizes = |batches: &[Vec<i64>]| planned(batches).iter().map(|shelf| shelf.2).collect::<Vec<_>>();
        assert_eq!(sizes(std::slice::from_ref(&many)), graded([6, 6, 2, 1, 1]));
        let backwards: Vec<Vec<i64>> = many.chunks(100).rev().map(<[i64]>::to_vec).collect();
        assert_eq!(sizes(&backwards), graded([2, 6, 6, 1, 1]));
        assert_eq!(sizes(&many.chunks(100).map(<[i64]>::to_vec).collect::<Vec<_>>()), [FULL; 16]);
        // What falls into a full shelf makes it larger.
        let into = vec![(0..full).map(|key| key * 2).collect(), vec![1, 3]];
        assert_eq!(planned(&into), [(0, full * 2 - 2, FULL + 2)]);
    }

    proptest! {
        #[test]
        fn spans_never_overlap(batches in proptest::collection::vec(proptest::collection::vec(0i64..50_000, 1..300), 1..8)) {
            let batches: Vec<Vec<i64>> = batches;
            let shelves = planned(&batches);
            let ordered = shelves.windows(2).all(|two| matches!(two, [one, other] if one.1 < other.0));
            prop_assert!(ordered && shelves.iter().all(|(first, last, _)| first <= last));
            prop_assert_eq!(
                shelves.iter().map(|shelf| shelf.2).sum::<usize>(),
                batches.iter().map(Vec::len).sum::<usize>()
            );
        }
    }
}
