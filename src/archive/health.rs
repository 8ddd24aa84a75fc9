//! The archive's health: what SQLite says of its file, and whether every message still is what was stored.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, ErrorCode, OptionalExtension as _, TransactionBehavior, params};

use super::bundles::{self, Reader};
use super::columns::uncount;
use super::error::{ArchiveError, Result};
use super::{Archive, Health, codec, original};
use crate::account::{Digest, MessageId};
use crate::job::{Cancel, Progress, Report, unless_cancelled};

/// Lines of SQLite's own check that are passed on.
const LINES: usize = 20;

struct Row {
    original: i64,
    digest: Digest,
    octets: i64,
    messages: Vec<MessageId>,
}

impl Archive {
    /// The archive's health: SQLite's own check, that each message's bytes are there in their length, and those that the
    /// daily reading found damaged read again; with `full` SQLite's thorough check, and every message read and hashed.
    /// `checked` counts messages.
    pub fn check(&self, full: bool, cancel: &Cancel, report: Report<'_>) -> Result<Health> {
        let mut health = Health::default();
        let structure = self.read(|mail| structure(mail, full, cancel));
        match structure {
            Ok(problems) => health.problems = problems,
            Err(ArchiveError::Cancelled(cancelled)) => return Err(cancelled.into()),
            Err(error) => health.problems.push(format!("The database could not be checked: {error}.")),
        }
        let (originals, lost) = match self.read(originals) {
            Ok(originals) => originals,
            Err(error) => {
                health.problems.push(format!("The list of messages could not be read whole: {error}."));
                return Ok(health);
            }
        };
        let suspected: HashSet<MessageId> =
            self.found_damaged().unwrap_or_default().into_iter().map(|(id, _)| id).collect();
        for &id in &lost {
            health.checked += 1;
            health.damaged.push((id, self.named(id, MISSING)));
        }
        let total = health.checked + originals.iter().map(|row| row.messages.len() as u64).sum::<u64>();
        let mut reader = Reader::default();
        for row in originals {
            unless_cancelled(cancel)?;
            health.checked += row.messages.len() as u64;
            let full = full || row.messages.iter().any(|id| suspected.contains(id));
            if let Some(wrong) = self.wrong_with(&row, full, &mut reader) {
                for &id in &row.messages {
                    health.damaged.push((id, self.named(id, wrong)));
                }
            }
            report(Progress::of(health.checked, total));
        }
        health.damaged.sort_by_key(|(id, _)| *id);
        if full {
            let rotten = self.rotten_bundles(cancel)?.len();
            health.problems.extend((rotten > 0).then(|| spared(rotten)));
        }
        Ok(health)
    }

    /// The hashes of originals that are not what was stored, or are not there, each with its messages.
    pub(crate) fn damaged(&self, cancel: &Cancel, report: Report<'_>) -> Result<Vec<(Digest, Vec<MessageId>)>> {
        let (originals, _) = self.read(originals)?;
        let (mut damaged, total, mut reader) = (Vec::new(), originals.len() as u64, Reader::default());
        for (done, row) in originals.into_iter().enumerate() {
            unless_cancelled(cancel)?;
            if self.wrong_with(&row, true, &mut reader).is_some() {
                damaged.push((row.digest, row.messages));
            }
            report(Progress::of(done as u64 + 1, total));
        }
        Ok(damaged)
    }

    /// What SQLite itself finds wrong with the file, in sentences.
    pub(crate) fn structure(&self, cancel: &Cancel) -> Result<Vec<String>> {
        self.read(|mail| structure(mail, true, cancel))
    }

    /// Makes the indexes of `mail.db` anew from its tables; answers whether that was all that was wrong with the file. If
    /// not, nothing was changed.
    pub(crate) fn remake_indexes(&self, cancel: &Cancel) -> Result<bool> {
        match self.recover() {
            // More is wrong than an index.
            Err(ArchiveError::Damaged { .. }) => return Ok(false),
            looked_at => looked_at?,
        }
        self.with_writer(|writer| {
            let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let sound = match remade(&transaction, cancel) {
                Err(ArchiveError::Sqlite(error)) if is_in_the_tables(&error) => false,
                sound => sound?,
            };
            if sound {
                transaction.commit()?;
            }
            Ok(sound)
        })
    }

    /// The bundles that lack a piece, be it one to spare.
    fn rotten_bundles(&self, cancel: &Cancel) -> Result<Vec<i64>> {
        let mut rotten = Vec::new();
        for bundle in self.read(|mail| bundles::every(mail))? {
            unless_cancelled(cancel)?;
            if !self.read(|mail| bundles::is_whole(mail, bundle)).unwrap_or(false) {
                rotten.push(bundle);
            }
        }
        Ok(rotten)
    }

    /// Writes pieces of bundles anew that rotted, out of the others; answers how many.
    pub fn mend_bundles(&self, cancel: &Cancel) -> Result<u64> {
        let mut mended = 0;
        for bundle in self.rotten_bundles(cancel)? {
            unless_cancelled(cancel)?;
            mended += self.write(|transaction| bundles::mend(transaction, bundle))?;
        }
        Ok(mended)
    }

    fn wrong_with(&self, row: &Row, full: bool, reader: &mut Reader) -> Option<&'static str> {
        let wrong = self.read(|mail| {
            if !full {
                return Ok((!complete(mail, row.original, row.octets)?).then_some(MISSING));
            }
            let bytes = original::bytes_by(mail, row.original, reader)?;
            Ok(match bytes {
                None => Some(MISSING),
                Some(bytes) if Digest::of(&bytes) != row.digest => Some(CHANGED),
                Some(_) => None,
            })
        });
        wrong.unwrap_or(Some(UNREADABLE))
    }

    /// The sentence about a damaged message, with its subject where the index still knows it.
    fn named(&self, id: MessageId, wrong: &str) -> String {
        let row =
            self.key(id).ok().flatten().and_then(|key| self.rows(&[key]).ok()).and_then(|rows| rows.into_iter().next());
        match row {
            Some(row) if !row.subject.is_empty() => format!("Message {id}, “{}”: {wrong}", row.subject),
            _ => format!("Message {id}: {wrong}"),
        }
    }
}

/// What is said of so many bundles that lack a piece.
fn spared(bundles: usize) -> String {
    format!(
        "The database file is damaged in {bundles} {}. A message that could not be made out of what is stored beside it \
         is named by itself; to have the rest written anew, run postkeep check --compact.",
        if bundles == 1 { "place" } else { "places" }
    )
}

const MISSING: &str = "its bytes are missing or cut short.";
const CHANGED: &str = "its bytes are not those that were stored.";
const UNREADABLE: &str = "its bytes cannot be read.";

fn structure(mail: &Connection, full: bool, cancel: &Cancel) -> Result<Vec<String>> {
    let token = cancel.clone();
    mail.progress_handler(10_000, Some(move || token.is_cancelled()))?;
    let lines = check_lines(mail, full);
    mail.progress_handler(0, None::<fn() -> bool>)?;
    unless_cancelled(cancel)?;
    lines
}

fn remade(mail: &Connection, cancel: &Cancel) -> Result<bool> {
    if !hashes_stand_in_the_table(mail)? {
        return Ok(false);
    }
    mail.execute_batch("REINDEX")?;
    Ok(structure(mail, true, cancel)?.is_empty())
}

/// What no new index mends.
fn is_in_the_tables(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::ConstraintViolation))
}

/// Whether each hash is right in the table of originals where the index over it says another. The one that is right proves
/// the mail: an index that holds it is not written over.
fn hashes_stand_in_the_table(mail: &Connection) -> Result<bool> {
    let hashes = |source: &str| -> rusqlite::Result<HashMap<i64, Digest>> {
        let mut statement = mail.prepare(&format!("SELECT id, sha256 FROM original {source}"))?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect()
    };
    // One that cannot be read holds nothing that would be lost.
    let Ok(indexed) = hashes("INDEXED BY sqlite_autoindex_original_1") else { return Ok(true) };
    for (original, digest) in hashes("NOT INDEXED")? {
        if indexed.get(&original) != Some(&digest)
            && original::bytes(mail, original)?.is_none_or(|bytes| Digest::of(&bytes) != digest)
        {
            return Ok(false);
        }
    }
    Ok(true)
}

fn check_lines(mail: &Connection, full: bool) -> Result<Vec<String>> {
    let pragma = if full { "integrity_check" } else { "quick_check" };
    let mut statement = mail.prepare(&format!("PRAGMA {pragma}({LINES})"))?;
    let lines: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let mut problems: Vec<String> = lines
        .into_iter()
        .filter(|line| line != "ok")
        .map(|line| format!("The database file is damaged: {}.", line.trim_end_matches('.')))
        .collect();
    let mut statement = mail.prepare("SELECT \"table\", count(*) FROM pragma_foreign_key_check GROUP BY 1")?;
    let strays = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))?;
    for stray in strays {
        let (table, rows) = stray?;
        problems.push(format!("{rows} rows of the table {table} point at something that is not there."));
    }
    Ok(problems)
}

/// Every original with the messages on it, by the smallest message id; and the messages whose original is not there.
fn originals(mail: &mut Connection) -> Result<(Vec<Row>, Vec<MessageId>)> {
    let mail = mail.transaction()?;
    let mut statement = mail.prepare(
        "SELECT message.id, original, sha256, octets FROM message JOIN original ON original.id = original
         ORDER BY message.id",
    )?;
    let mut rows = statement.query([])?;
    let mut originals: Vec<Row> = Vec::new();
    let mut places: HashMap<i64, usize> = HashMap::new();
    while let Some(row) = rows.next()? {
        let (id, original) = (row.get(0)?, row.get(1)?);
        let place = *places.entry(original).or_insert(originals.len());
        match originals.get_mut(place) {
            Some(known) => known.messages.push(id),
            None => originals.push(Row { original, digest: row.get(2)?, octets: row.get(3)?, messages: vec![id] }),
        }
    }
    let lost = original::all_but(&mail, originals.iter().flat_map(|row| row.messages.iter().copied()).collect())?;
    Ok((originals, lost))
}

/// Whether an original's bytes are there in their length, without reading them.
pub(super) fn complete(mail: &Connection, original: i64, octets: i64) -> Result<bool> {
    original::at_once(mail, || {
        let mut statement = mail.prepare_cached(
            "SELECT codec, length(bytes), substr(bytes, 1, ?2), bundle FROM body WHERE original = ?1",
        )?;
        let found = statement
            .query_row(params![original, codec::BEGINNING as i64], |row| {
                Ok((row.get(0)?, row.get::<_, i64>(1)?, row.get::<_, Vec<u8>>(2)?, row.get(3)?))
            })
            .optional()?;
        let Some((codec, length, beginning, bundle)) = found else { return Ok(false) };
        let there = match (codec, bundle) {
            (codec::BUNDLED, Some(bundle)) => bundles::exists(mail, bundle)?,
            _ => codec != codec::BUNDLED,
        };
        Ok(there && codec::stored_length(codec, &beginning, uncount(octets)) == Some(uncount(length)))
    })
}
