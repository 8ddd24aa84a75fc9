//! The bin: messages deleted here that can still be had back, and erasing them for good. A message is not erased while its
//! copy on the server is still to be removed: removing it needs the copy here as a proof.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Transaction, params};

use super::columns::micros;
use super::error::Result;
use super::{Archive, erase};
use crate::account::{Digest, MessageId};
use crate::job::{Cancel, Progress, Report, unless_cancelled};

/// Messages erased in one transaction, and bundles packed anew without them: each is as much to be written as an import of
/// its mail, and nobody else writes meanwhile.
const BATCH: usize = 200;
const BUNDLES: usize = 8;
/// The days that a message stays in the bin at the least.
pub const KEPT: i64 = 30;
const DAY: i64 = 24 * 3600;
/// The most that the archive's own time moves at once, in seconds.
const LONGEST_STEP: i64 = 7 * DAY;
/// The settings that hold that time, in seconds, and when it was moved last, in microseconds since 1970.
const AGE: &str = "age";
const AGE_AT: &str = "age.at";

/// Which messages [`Archive::empty_bin`] erases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emptying {
    /// Those that were deleted [`KEPT`] days ago or more, as it is now. Days of the archive's own time: it moves when the
    /// bin is used or tidied, at most a week at once, so that no clock that jumps empties it. Those whose copy on the
    /// server is still to be removed wait for that.
    Due(Timestamp),
    /// All but those that wait for a removal.
    Settled,
    /// All, now: a copy that was to be removed from the server stays there and is not fetched again.
    Everything,
}

/// What became of the bin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Emptied {
    pub erased: u64,
    /// Still in the bin, because their copies on the server are to be removed first.
    pub waiting: u64,
}

/// True of a row of `bin` whose copy on the server is to be removed before it is erased here.
const WAITS: &str =
    "EXISTS (SELECT 1 FROM ledger INDEXED BY ledger_message JOIN maildrop ON maildrop.id = ledger.maildrop
    JOIN account ON account.id = maildrop.account
    WHERE ledger.message = bin.message AND ledger.state IN (1, 2, 4) AND account.removed = 0
      AND maildrop.host = lower(account.host) AND maildrop.user = account.user
      AND (bin.there_too = 1 OR account.retention <> 'always'))";

impl Archive {
    /// Deletes messages: they leave every list but the bin's, with their twins. `there_too`: the next visit removes their
    /// copies from the server as well, whatever the account's retention.
    pub fn move_to_bin(&self, ids: &[MessageId], there_too: bool, now: Timestamp) -> Result<()> {
        self.write(|transaction| {
            let age = age_to(transaction, now)?;
            let mut put = transaction.prepare_cached(
                "INSERT INTO bin (message, since, age, there_too)
                     SELECT id, ?2, ?3, ?4 FROM message WHERE id = ?1 OR twin_of = ?1
                 ON CONFLICT (message) DO UPDATE SET there_too = max(there_too, ?4)",
            )?;
            ids.iter().try_for_each(|id| put.execute(params![id, micros(now), age, there_too]).map(drop))?;
            Ok(())
        })
    }

    /// Takes messages back out of the bin, with their twins.
    pub fn take_from_bin(&self, ids: &[MessageId]) -> Result<()> {
        self.write(|transaction| ids.iter().try_for_each(|id| take_out(transaction, *id)))
    }

    /// The messages in the bin; `true` where their copies on the server go too.
    pub fn binned(&self) -> Result<HashMap<MessageId, bool>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT message, there_too FROM bin")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Erases messages from the bin for good, in batches: stopped in between, the rest stays in the bin.
    pub fn empty_bin(&self, which: Emptying, cancel: &Cancel, report: Report<'_>) -> Result<Emptied> {
        let (due, waiting) = self.due(which)?;
        let total = due.len() as u64;
        let mut erased = 0;
        for batch in self.batches(&due)? {
            unless_cancelled(cancel)?;
            self.write(|transaction| erase::messages(transaction, batch))?;
            erased += batch.len() as u64;
            report(Progress::of(erased, total));
        }
        if erased > 0 {
            self.empty_journal();
            self.forget_erased()?;
        }
        Ok(Emptied { erased, waiting })
    }

    /// Erases these messages from the bin for good, with their twins, whatever their copies on the server wait for. Those
    /// that are not in the bin stay.
    pub fn erase_from_bin(&self, ids: &[MessageId]) -> Result<()> {
        let due = self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT message FROM bin WHERE message IN (SELECT id FROM message WHERE id = ?1 OR twin_of = ?1)",
            )?;
            let mut due: Vec<MessageId> = Vec::new();
            for id in ids {
                let rows = statement.query_map([id], |row| row.get::<_, MessageId>(0))?;
                due.extend(rows.collect::<rusqlite::Result<Vec<_>>>()?);
            }
            Ok(due)
        })?;
        for batch in self.batches(&due)? {
            self.write(|transaction| erase::messages(transaction, batch))?;
        }
        if !due.is_empty() {
            self.empty_journal();
            self.forget_erased()?;
        }
        Ok(())
    }

    /// What is erased in one transaction after the other.
    fn batches<'a>(&self, due: &'a [MessageId]) -> Result<Vec<&'a [MessageId]>> {
        self.read(|connection| {
            let mut bundle = connection.prepare_cached(
                "SELECT bundle FROM message JOIN body ON body.original = message.original WHERE message.id = ?1",
            )?;
            let (mut batches, mut from, mut bundles) = (Vec::new(), 0, BTreeSet::new());
            for (at, id) in due.iter().enumerate() {
                bundles.extend(bundle.query_row([id], |row| row.get::<_, Option<i64>>(0)).optional()?.flatten());
                if bundles.len() >= BUNDLES || at + 1 - from >= BATCH || at + 1 == due.len() {
                    batches.extend(due.get(from..=at));
                    from = at + 1;
                    bundles.clear();
                }
            }
            Ok(batches)
        })
    }

    /// The messages to be erased, and how many wait.
    fn due(&self, which: Emptying) -> Result<(Vec<MessageId>, u64)> {
        let latest = match which {
            Emptying::Due(now) => self.write(|transaction| age_to(transaction, now))?.saturating_sub(KEPT * DAY),
            Emptying::Settled | Emptying::Everything => i64::MAX,
        };
        self.read(|connection| {
            let mut statement =
                connection.prepare(&format!("SELECT message, {WAITS} FROM bin WHERE age <= ?1 ORDER BY message"))?;
            let rows = statement.query_map([latest], |row| Ok((row.get(0)?, row.get::<_, bool>(1)?)))?;
            let rows: Vec<(MessageId, bool)> = rows.collect::<rusqlite::Result<_>>()?;
            let all = rows.len();
            let now = which == Emptying::Everything;
            let due: Vec<_> = rows.into_iter().filter(|(_, waits)| now || !waits).map(|(id, _)| id).collect();
            let waiting = (all - due.len()) as u64;
            Ok((due, waiting))
        })
    }
}

/// Takes a message and its twins back out of the bin.
pub(super) fn take_out(transaction: &Transaction<'_>, id: MessageId) -> Result<()> {
    transaction
        .prepare_cached("DELETE FROM bin WHERE message IN (SELECT id FROM message WHERE id = ?1 OR twin_of = ?1)")?
        .execute([id])?;
    Ok(())
}

/// Puts one message into the bin, its copy on the server left alone.
pub(super) fn put(transaction: &Transaction<'_>, id: MessageId, now: Timestamp) -> Result<()> {
    let age = age_to(transaction, now)?;
    transaction
        .prepare_cached(
            "INSERT INTO bin (message, since, age, there_too) VALUES (?1, ?2, ?3, 0) ON CONFLICT DO NOTHING",
        )?
        .execute(params![id, micros(now), age])?;
    Ok(())
}

/// Moves the archive's own time on to now, and answers it, in seconds.
fn age_to(transaction: &Transaction<'_>, now: Timestamp) -> Result<i64> {
    let number = |key: &str| -> Result<Option<i64>> {
        let mut statement = transaction.prepare_cached("SELECT value FROM setting WHERE key = ?1")?;
        let text: Option<String> = statement.query_row([key], |row| row.get(0)).optional()?;
        Ok(text.and_then(|text| text.parse().ok()))
    };
    let gap = number(AGE_AT)?.map_or(0, |at| micros(now).saturating_sub(at) / 1_000_000);
    let age = number(AGE)?.unwrap_or(0).saturating_add(gap.clamp(0, LONGEST_STEP));
    let mut set = transaction.prepare_cached(
        "INSERT INTO setting (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    )?;
    set.execute(params![AGE, age.to_string()])?;
    set.execute(params![AGE_AT, micros(now).to_string()])?;
    Ok(age)
}

/// A message of these bytes was brought here by the user: that it was once erased is forgotten.
pub(super) fn wanted_again(transaction: &Transaction<'_>, digest: Digest) -> Result<()> {
    transaction.prepare_cached("DELETE FROM erased WHERE sha256 = ?1")?.execute([digest])?;
    Ok(())
}

/// A message that a server gives again after it was erased here, as under a new unique-id, goes into the bin at once: it
/// was deleted once, and still nothing is thrown away unseen.
pub(super) fn put_again(transaction: &Transaction<'_>, id: MessageId, digest: Digest, now: Timestamp) -> Result<()> {
    let erased = transaction
        .prepare_cached("SELECT 1 FROM erased WHERE sha256 = ?1")?
        .query_row([digest], |_| Ok(()))
        .optional()?;
    if erased.is_some() { put(transaction, id, now) } else { Ok(()) }
}
