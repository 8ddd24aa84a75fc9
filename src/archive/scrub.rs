//! The daily reading: while nothing else is being done, a thirtieth of the archive a day is read and compared with its
//! hashes, so that bits that rot are found while a backup still has them. In small steps; where it stands is kept in
//! `mail.db`. Damage is recorded, told by `check` and `log`, and never the reason for anything else: what is damaged
//! proves nothing, so it is removed nowhere. A page that cannot be read is damage of the message that stands there; the
//! reading goes on behind it.

use std::sync::atomic::Ordering;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use serde::{Deserialize, Serialize};

use super::bundles::{self, Reader};
use super::columns::{count, micros, time, uncount};
use super::error::{ArchiveError, Result};
use super::{Archive, original};
use crate::account::{Digest, MessageId};

/// Days in which everything is read once.
const DAYS: u64 = 30;
/// Originals, and octets of them, read in one step.
const STEP: u64 = 50;
const STEP_OCTETS: u64 = 4 << 20;
/// The setting that holds [`Reading`].
const KEY: &str = "reading";
const DAY: i64 = 24 * 3600;

/// Where the daily reading stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Reading {
    /// The day of the share, in days since 1970.
    day: i64,
    /// Originals of that day's share that are still to be read.
    left: u64,
    /// The last original that was read.
    after: i64,
    /// When this round over the archive began, and when the last whole one began and ended; microseconds since 1970.
    began: i64,
    whole: Option<(i64, i64)>,
}

impl Reading {
    /// The reading as it goes on at this time: a new day brings a new share, be it a day in which nothing was read or
    /// one of a clock that was set back. What was left of another day is not made up for.
    fn on(self, now: Timestamp, originals: impl FnOnce() -> Result<u64>) -> Result<Reading> {
        let day = now.as_second().div_euclid(DAY);
        if day == self.day && self.began != 0 {
            return Ok(self);
        }
        let began = if self.began == 0 { micros(now) } else { self.began };
        Ok(Reading { day, left: originals()?.div_ceil(DAYS), began, ..self })
    }

    /// How many originals the next step reads.
    fn step(&self) -> u64 {
        self.left.min(STEP)
    }

    /// After a step that read so many, up to this one; `end`: there are none behind it.
    fn past(self, read: u64, last: i64, end: bool, now: Timestamp) -> Reading {
        let left = self.left.saturating_sub(read);
        match end {
            // The rest of the share is for tomorrow: no day reads anything twice.
            true => Reading { left: 0, after: 0, began: micros(now), whole: Some((self.began, micros(now))), ..self },
            false => Reading { left, after: last, ..self },
        }
    }
}

/// What an archive that is open for writing does while nobody wants anything of it.
#[derive(Debug, Default)]
pub struct Idle {
    writes: u64,
    /// Nothing was left to be packed or given back, and nothing was written since: looking for it costs a walk over the
    /// originals.
    tidy: bool,
}

impl Idle {
    /// To be called every few seconds. Does one small step of the daily reading, packs a bundle of what was fetched, or
    /// gives a little room back, unless something was written since the last call: a visit, an import. Answers whether it
    /// did something.
    pub fn tick(&mut self, archive: &Archive, now: Timestamp) -> Result<bool> {
        let writes = archive.shared.writes.load(Ordering::Acquire);
        if writes != self.writes || !archive.may_record() {
            *self = Idle { writes, tidy: false };
            return Ok(false);
        }
        let mut did = archive.read_a_little(now)?;
        if !did && !self.tidy && archive.writable() {
            did = archive.bundle_a_little()? || archive.compact_a_little()?;
            self.tidy = !did;
        }
        self.writes = archive.shared.writes.load(Ordering::Acquire);
        Ok(did)
    }
}

impl Archive {
    /// Reads the next originals of today's share; `false`: it is done.
    fn read_a_little(&self, now: Timestamp) -> Result<bool> {
        let reading = self.read(|mail| reading(mail)?.on(now, || originals(mail)))?;
        if reading.left == 0 {
            return Ok(false);
        }
        let (batch, end) = self.read(|mail| next(mail, reading))?;
        let was_writable = self.writable();
        let (mut rotten, mut reader) = (Vec::new(), Reader::default());
        for &(original, digest) in &batch {
            match self.read(|mail| original::bytes_by(mail, original, &mut reader)) {
                Ok(Some(bytes)) if Digest::of(&bytes) == digest => {}
                Ok(_) => rotten.push(original),
                Err(error) if cannot_be_read(&error) => rotten.push(original),
                Err(error) => return Err(error),
            }
        }
        for bundle in self.read(|mail| begun_in(mail, &batch))? {
            match self.read(|mail| bundles::is_whole(mail, bundle)) {
                Ok(true) => {}
                Ok(false) => _ = reader.mended.insert(bundle),
                Err(error) if cannot_be_read(&error) => {}
                Err(error) => return Err(error),
            }
        }
        if was_writable && !self.writable() {
            // A page that could not be read stopped all writing. It goes on if the file is sound; what was found is
            // recorded either way, and the reading goes on behind it.
            match self.recover() {
                Err(error) if cannot_be_read(&error) => tracing::warn!(%error, "a page cannot be read"),
                looked_at => looked_at?,
            }
        }
        let last = batch.last().map_or(reading.after, |(original, _)| *original);
        let reading = reading.past(batch.len() as u64, last, end, now);
        self.record(|transaction| {
            // Where SQLite cannot read a page it cannot write one either, and may take the transaction back.
            if !reader.unreadable {
                reader.mended.iter().try_for_each(|bundle| bundles::mend(transaction, *bundle).map(drop))?;
            }
            record(transaction, reading, &batch, &rotten, now)
        })?;
        if !reader.mended.is_empty() {
            tracing::warn!(bundles = reader.mended.len(), "the daily reading mended damage");
        }
        if !rotten.is_empty() {
            tracing::warn!(originals = rotten.len(), "the daily reading found damage");
        }
        Ok(true)
    }

    /// When the last reading of every original began, and when it ended; `None`: there was none yet.
    pub fn last_read(&self) -> Result<Option<(Timestamp, Timestamp)>> {
        let reading = self.read(|mail| reading(mail))?;
        Ok(reading.whole.map(|(began, ended)| (time(began), time(ended))))
    }

    /// The messages that the daily reading found damaged, and when; until they are repaired.
    pub fn found_damaged(&self) -> Result<Vec<(MessageId, Timestamp)>> {
        self.read(|mail| {
            // CROSS, that SQLite begins with what is damaged: it takes a scan of all messages for as quick.
            let mut statement = mail.prepare_cached(
                "SELECT message.id, found FROM damage CROSS JOIN message ON message.original = damage.original
                 ORDER BY found, message.id",
            )?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, time(row.get(1)?))))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }
}

fn reading(mail: &Connection) -> Result<Reading> {
    let mut statement = mail.prepare_cached("SELECT value FROM setting WHERE key = ?1")?;
    let text: Option<String> = statement.query_row([KEY], |row| row.get(0)).optional()?;
    // What cannot be read begins anew.
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

/// Whether it was the page that failed, not the reading.
fn cannot_be_read(error: &ArchiveError) -> bool {
    matches!(
        error,
        ArchiveError::Damaged { .. }
            | ArchiveError::DiskError { .. }
            | ArchiveError::Sqlite(rusqlite::Error::InvalidColumnType(..))
    )
}

fn originals(mail: &Connection) -> Result<u64> {
    Ok(uncount(mail.query_row("SELECT count(*) FROM original", [], |row| row.get(0))?))
}

/// The bundles of which these originals are the first members. Each is looked at once in a round, with what it has to spare.
fn begun_in(mail: &Connection, batch: &[(i64, Digest)]) -> Result<Vec<i64>> {
    let mut statement = mail.prepare_cached(
        "SELECT bundle FROM body WHERE original = ?1
             AND original = (SELECT min(original) FROM body AS other WHERE other.bundle = body.bundle)",
    )?;
    let mut bundles = Vec::new();
    for (original, _) in batch {
        bundles.extend(statement.query_row([original], |row| row.get::<_, i64>(0)).optional()?);
    }
    Ok(bundles)
}

/// The next originals of today's share with their hashes, and whether they are the last there are.
fn next(mail: &Connection, reading: Reading) -> Result<(Vec<(i64, Digest)>, bool)> {
    let mut statement =
        mail.prepare_cached("SELECT id, sha256, octets FROM original WHERE id > ?1 ORDER BY id LIMIT ?2")?;
    let wanted = reading.step();
    let mut rows = statement.query(params![reading.after, count(wanted + 1)])?;
    let (mut batch, mut octets) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        if batch.len() as u64 == wanted || octets > STEP_OCTETS {
            return Ok((batch, false));
        }
        octets += uncount(row.get(2)?);
        batch.push((row.get(0)?, row.get(1)?));
    }
    Ok((batch, true))
}

fn record(
    transaction: &Transaction<'_>,
    reading: Reading,
    batch: &[(i64, Digest)],
    rotten: &[i64],
    now: Timestamp,
) -> Result<()> {
    let text = serde_json::to_string(&reading).unwrap_or_default();
    transaction
        .prepare_cached("INSERT INTO setting (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2")?
        .execute(params![KEY, text])?;
    let mut sound = transaction.prepare_cached("DELETE FROM damage WHERE original = ?1")?;
    let mut found = transaction.prepare_cached(
        "INSERT INTO damage (original, found) SELECT id, ?2 FROM original WHERE id = ?1 ON CONFLICT DO NOTHING",
    )?;
    for (original, _) in batch {
        if rotten.contains(original) {
            found.execute(params![original, micros(now)])?;
        } else {
            sound.execute([original])?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + day * DAY).unwrap()
    }

    /// Plays the schedule alone: what is read on each of these days, of so many originals.
    fn days(originals: u64, days: &[i64]) -> (Vec<u64>, Reading) {
        let mut reading = Reading::default();
        let read = days.iter().map(|day| {
            reading = reading.on(at(*day), || Ok(originals)).unwrap();
            let mut today = 0;
            while reading.left > 0 {
                let there = originals - uncount(reading.after);
                let read = reading.step().min(there);
                today += read;
                reading = reading.past(read, reading.after + count(read), read == there, at(*day));
            }
            today
        });
        (read.collect(), reading)
    }

    #[test]
    fn a_thirtieth_is_read_each_day_and_everything_in_thirty() {
        for originals in [0, 1, 29, 30, 31, 1_000, 99_999] {
            let (read, reading) = days(originals, &(0..30).collect::<Vec<_>>());
            assert!(read.iter().all(|today| *today <= originals.div_ceil(DAYS)), "{originals}: {read:?}");
            assert!(read.iter().sum::<u64>() >= originals, "{originals}: {read:?}");
            let (began, ended) = reading.whole.unwrap_or_default();
            assert!(originals == 0 || (began, ended) != (0, 0), "{originals}");
            assert!(ended - began <= 30 * DAY * 1_000_000, "{originals}");
        }
    }

    #[test]
    fn days_that_are_missed_and_clocks_that_jump_cost_no_more_than_a_share_each() {
        let (read, reading) = days(900, &[0, 0, 1, 7, 20_000, -20_000, 2]);
        assert_eq!(read, [30, 0, 30, 30, 30, 30, 30]);
        assert_eq!((reading.after, reading.whole), (180, None));
    }
}
