//! Filling the index: what is stored and not indexed yet is read and parsed batch by batch, and entered.
//!
//! Little is entered in the order of message ids, each batch in one transaction. Much, as when the index was lost, is
//! entered twice: first what the headers say, so that the lists are whole soon, and then the words, from the newest shelf
//! on and each shelf in one transaction, so that a search finds what people mostly look for while the rest goes on. A
//! crash costs what was entered of one shelf: seconds, and of the newest mail the least.
//! Reading and parsing run one batch ahead on a thread of their own.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use super::columns::{count, time, uncount};
use super::entry::{self, Listed, Worded};
use super::error::{ArchiveError, Result};
use super::senders::Senders;
use super::shelves::{FULL, Shelves};
use super::{Archive, SortKey, original};
use crate::account::MessageId;
use crate::job::{Cancel, Progress, Report, unless_cancelled};

/// Messages and octets of originals read in one go, and of a little mail in one transaction of the index. A transaction
/// leaves a piece in the full-text table of every shelf it reaches, and a search looks into all pieces: so of much mail
/// each shelf is one transaction, which makes the index a tenth smaller. The octets are few in the tests of this module.
const BATCH: usize = FULL;
const BATCH_OCTETS: u64 = if cfg!(test) { 1 << 20 } else { 32 << 20 };

/// Messages in one transaction that only lists them.
const BATCH_LISTED: usize = 10_000;

/// With more than this pending the lists are filled first. Few in the tests of this module.
const LISTS_FIRST: usize = if cfg!(test) { 2_500 } else { 5_000 };

/// An original with what the index wants to know of its row.
struct Raw {
    id: MessageId,
    arrived: jiff::Timestamp,
    octets: u64,
    bytes: Vec<u8>,
}

/// What was read of some messages, and how many those were: some may be gone.
struct Batch<T> {
    read: Vec<T>,
    covered: usize,
}

impl Archive {
    /// Enters messages that the index lacks, and the words of those that are only listed.
    pub(super) fn fill(
        &self,
        connection: &mut Connection,
        pending: &[MessageId],
        cancel: &Cancel,
        report: Report<'_>,
    ) -> Result<u64> {
        let unworded: i64 =
            connection.query_row("SELECT count(*) FROM envelope WHERE worded = 0", [], |row| row.get(0))?;
        let mut tally = Tally { done: 0, total: pending.len() as u64 + uncount(unworded) };
        if unworded == 0 && pending.len() <= LISTS_FIRST {
            self.enter_whole(connection, pending, &mut tally, cancel, report)?;
        } else {
            self.enter_listed(connection, pending, &tally, cancel, report)?;
            self.enter_words(connection, &mut tally, cancel, report)?;
        }
        Ok(tally.done)
    }

    fn enter_whole(
        &self,
        connection: &mut Connection,
        pending: &[MessageId],
        tally: &mut Tally,
        cancel: &Cancel,
        report: Report<'_>,
    ) -> Result<()> {
        let mut shelves = Shelves::load(connection)?;
        self.ahead(pending, BATCH, cancel, entry::read_whole, |batch| {
            let (listed, mut worded): (Vec<Listed>, Vec<Worded>) = batch.read.into_iter().unzip();
            shelves.plan(&keys(&worded));
            commit(connection, |transaction| {
                list(transaction, &listed)?;
                shelve(transaction, &shelves, &mut worded)
            })?;
            tally.advance(batch.covered, report);
            Ok(())
        })
    }

    fn enter_listed(
        &self,
        connection: &mut Connection,
        pending: &[MessageId],
        tally: &Tally,
        cancel: &Cancel,
        report: Report<'_>,
    ) -> Result<()> {
        self.ahead(pending, BATCH_LISTED, cancel, entry::read_header, |batch| {
            commit(connection, |transaction| list(transaction, &batch.read))?;
            report(Progress::of(tally.done, tally.total));
            Ok(())
        })
    }

    fn enter_words(
        &self,
        connection: &mut Connection,
        tally: &mut Tally,
        cancel: &Cancel,
        report: Report<'_>,
    ) -> Result<()> {
        let mut pending: Vec<SortKey> = {
            let mut statement = connection.prepare("SELECT key FROM envelope WHERE worded = 0 ORDER BY key")?;
            statement.query_map([], |row| row.get(0).map(SortKey))?.collect::<rusqlite::Result<_>>()?
        };
        let mut shelves = Shelves::load(connection)?;
        shelves.plan(&pending.iter().map(|key| key.0).collect::<Vec<_>>());
        pending.reverse();
        for shelf in pending.chunk_by(|one, other| shelves.of(one.0) == shelves.of(other.0)) {
            // In the order that [`shelve`] wants, over all batches.
            let mut ids: Vec<MessageId> = shelf.iter().map(|key| key.message()).collect();
            ids.sort_unstable();
            let mut stopped = Ok(());
            commit(connection, |transaction| {
                let entered = self.ahead(&ids, BATCH, cancel, entry::read_whole, |batch| {
                    let mut worded: Vec<Worded> = batch.read.into_iter().map(|(_, worded)| worded).collect();
                    shelve(transaction, &shelves, &mut worded)?;
                    tally.advance(batch.covered, report);
                    Ok(())
                });
                match entered {
                    // What was entered until then stays.
                    Err(ArchiveError::Cancelled(cancelled)) => {
                        stopped = Err(cancelled);
                        Ok(())
                    }
                    entered => entered,
                }
            })?;
            stopped?;
        }
        Ok(())
    }

    /// Reads messages batch by batch, and hands each to `write` while the next is read.
    fn ahead<T: Send>(
        &self,
        ids: &[MessageId],
        most: usize,
        cancel: &Cancel,
        read: fn(MessageId, jiff::Timestamp, u64, &[u8]) -> T,
        mut write: impl FnMut(Batch<T>) -> Result<()>,
    ) -> Result<()> {
        let (first, rest) = self.batch(ids, most, cancel, read)?;
        if rest.is_empty() {
            return if first.covered == 0 { Ok(()) } else { write(first) };
        }
        thread::scope(|scope| {
            let (sender, receiver) = sync_channel(0);
            scope.spawn(move || self.read_on(rest, most, cancel, read, &sender));
            written(first, &receiver, &mut write)
        })
    }

    fn read_on<T>(
        &self,
        mut ids: &[MessageId],
        most: usize,
        cancel: &Cancel,
        read: fn(MessageId, jiff::Timestamp, u64, &[u8]) -> T,
        sender: &SyncSender<Result<Batch<T>>>,
    ) {
        while !ids.is_empty() {
            let batch = self.batch(ids, most, cancel, read);
            let failed = batch.is_err();
            let batch = batch.map(|(batch, rest)| {
                ids = rest;
                batch
            });
            // Nobody takes it any more where writing failed.
            if sender.send(batch).is_err() || failed {
                return;
            }
        }
    }

    /// The next batch, parsed outside of any transaction, and the ids behind it.
    fn batch<'i, T>(
        &self,
        ids: &'i [MessageId],
        most: usize,
        cancel: &Cancel,
        read: fn(MessageId, jiff::Timestamp, u64, &[u8]) -> T,
    ) -> Result<(Batch<T>, &'i [MessageId])> {
        let mut batch = Batch { read: Vec::new(), covered: 0 };
        let mut octets = 0;
        for &id in ids.iter().take(most) {
            unless_cancelled(cancel)?;
            if let Some(raw) = self.raw(id)? {
                octets += raw.octets;
                batch.read.push(read(raw.id, raw.arrived, raw.octets, &raw.bytes));
            }
            batch.covered += 1;
            if octets >= BATCH_OCTETS {
                break;
            }
        }
        let rest = ids.get(batch.covered..).unwrap_or_default();
        Ok((batch, rest))
    }

    fn raw(&self, id: MessageId) -> Result<Option<Raw>> {
        let row = self.read(|mail| {
            let row = mail
                .prepare_cached(
                    "SELECT original, arrived, octets FROM message JOIN original ON original.id = original
                     WHERE message.id = ?1",
                )?
                .query_row([id], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)))
                .optional()?;
            Ok(row)
        })?;
        let Some((original, arrived, octets)) = row else { return Ok(None) };
        // What cannot be read any more is still listed; `check` names it.
        let bytes = self.read(|mail| original::bytes(mail, original)).ok().flatten().unwrap_or_default();
        Ok(Some(Raw { id, arrived: time(arrived), octets: uncount(octets), bytes }))
    }
}

/// Writes one batch, and then whatever comes.
fn written<T>(
    first: Batch<T>,
    receiver: &Receiver<Result<Batch<T>>>,
    write: &mut impl FnMut(Batch<T>) -> Result<()>,
) -> Result<()> {
    write(first)?;
    receiver.iter().try_for_each(|batch| write(batch?))
}

struct Tally {
    done: u64,
    total: u64,
}

impl Tally {
    fn advance(&mut self, messages: usize, report: Report<'_>) {
        self.done += messages as u64;
        report(Progress::of(self.done, self.total));
    }
}

/// In order.
fn keys(worded: &[Worded]) -> Vec<i64> {
    let mut keys: Vec<i64> = worded.iter().map(|worded| worded.key.0).collect();
    keys.sort_unstable();
    keys
}

fn commit(connection: &mut Connection, work: impl FnOnce(&Transaction<'_>) -> Result<()>) -> Result<()> {
    let transaction = connection.transaction()?;
    work(&transaction)?;
    tracing::trace!(phase = "before COMMIT of the index");
    transaction.commit()?;
    tracing::trace!(phase = "after COMMIT of the index");
    Ok(())
}

fn list(transaction: &Transaction<'_>, messages: &[Listed]) -> Result<()> {
    let mut senders = Senders::default();
    let mut insert = transaction.prepare_cached(
        "INSERT INTO envelope (key, message, subject, from_name, from_address, date, size, attachments, preview, worded)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, '', 0)",
    )?;
    for listed in messages {
        insert.execute(params![
            listed.key.0,
            listed.key.message(),
            listed.subject,
            listed.from.name,
            listed.from.address,
            listed.date.as_second(),
            count(listed.size),
        ])?;
        senders.add(&listed.from, listed.key.0);
    }
    senders.write(transaction)
}

/// Enters the words of listed messages, shelf by shelf and on each in the order of their ids: FTS5 collects words in
/// memory while row ids grow, and writes them out whenever one is smaller.
fn shelve(transaction: &Transaction<'_>, shelves: &Shelves, worded: &mut [Worded]) -> Result<()> {
    let number = |worded: &Worded| shelves.of(worded.key.0).map(|shelf| shelf.number);
    worded.sort_by_cached_key(|worded| (number(worded), worded.key.message()));
    let mut complete =
        transaction.prepare_cached("UPDATE envelope SET attachments = ?2, preview = ?3, worded = 1 WHERE key = ?1")?;
    for messages in worded.chunk_by(|one, other| number(one) == number(other)) {
        let Some(shelf) = messages.first().and_then(|first| shelves.of(first.key.0)) else { continue };
        shelf.grow(transaction, messages.len())?;
        let mut insert = transaction.prepare_cached(&format!(
            "INSERT INTO {} (rowid, subject, sender, recipients, body, files) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            shelf.table()
        ))?;
        for Worded { key, attachments, preview, searched: [subject, sender, recipients, body, files] } in messages {
            insert.execute(params![key.message(), subject, sender, recipients, body, files])?;
            complete.execute(params![key.0, count(*attachments as u64), preview])?;
        }
    }
    Ok(())
}
