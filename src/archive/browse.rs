//! Lists, rows, counts and marks: what the sidebar and the message list ask for.

use std::ops::RangeInclusive;

use roaring::RoaringBitmap;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::columns::{count, time, uncount};
use super::error::Result;
use super::search::MANY;
use super::{Archive, Counts, Marks, Row, SortKey, View};
use crate::account::MessageId;
use jiff::Timestamp;

/// A set of message ids: one compressed bit a message.
pub type Ids = RoaringBitmap;

/// A mark that many messages can be given at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Read,
    Starred,
}

/// Messages marked in one transaction: other writers wait no longer than for that.
const BATCH: u32 = 10_000;

impl Archive {
    /// Gives messages a mark or takes it away, in batches. Answers those that it changed: what an undo has to change back.
    pub fn mark(&self, ids: &Ids, mark: Mark, on: bool) -> Result<Ids> {
        let mail = self.mail()?;
        let marked = match mark {
            Mark::Read => &mail.read,
            Mark::Starred => &mail.starred,
        };
        let changed = if on { ids - marked } else { ids & marked };
        for run in runs(&changed) {
            self.write(|transaction| {
                let mut set = transaction.prepare_cached(match mark {
                    Mark::Read => {
                        "INSERT INTO mark (message, read, starred)
                             SELECT id, ?3, 0 FROM message WHERE id BETWEEN ?1 AND ?2
                         ON CONFLICT (message) DO UPDATE SET read = ?3"
                    }
                    Mark::Starred => {
                        "INSERT INTO mark (message, read, starred)
                             SELECT id, 0, ?3 FROM message WHERE id BETWEEN ?1 AND ?2
                         ON CONFLICT (message) DO UPDATE SET starred = ?3"
                    }
                })?;
                run.iter().try_for_each(|run| set.execute(params![run.start(), run.end(), on]).map(drop))?;
                Ok(())
            })?;
        }
        Ok(changed)
    }

    pub fn set_read(&self, ids: &[MessageId], read: bool) -> Result<()> {
        self.write(|transaction| {
            let mut set = transaction.prepare_cached(
                "INSERT INTO mark (message, read, starred) SELECT id, ?2, 0 FROM message WHERE id = ?1
                 ON CONFLICT (message) DO UPDATE SET read = ?2",
            )?;
            ids.iter().try_for_each(|id| set.execute(params![id, read]).map(|_| ()))?;
            Ok(())
        })
    }

    pub fn set_starred(&self, ids: &[MessageId], starred: bool) -> Result<()> {
        self.write(|transaction| {
            let mut set = transaction.prepare_cached(
                "INSERT INTO mark (message, read, starred) SELECT id, 0, ?2 FROM message WHERE id = ?1
                 ON CONFLICT (message) DO UPDATE SET starred = ?2",
            )?;
            ids.iter().try_for_each(|id| set.execute(params![id, starred]).map(|_| ()))?;
            Ok(())
        })
    }

    /// Whether nothing is stored here.
    pub fn is_empty(&self) -> Result<bool> {
        self.read(|mail| Ok(mail.query_row("SELECT NOT EXISTS (SELECT 1 FROM message)", [], |row| row.get(0))?))
    }

    /// The numbers of the truth, whether indexed yet or not. `accounts` holds those of accounts that are there.
    pub fn counts(&self) -> Result<Counts> {
        let mail = self.mail()?;
        let indexed = self.indexed()?;
        let accounts = self.accounts()?.into_iter().map(|account| account.id);
        Ok(Counts {
            all: mail.shown.len(),
            unread: mail.unread().len(),
            starred: mail.starred.intersection_len(&mail.shown),
            on_server: mail.on_server.intersection_len(&mail.shown),
            in_backup: mail.in_backup.intersection_len(&mail.shown),
            bin: mail.bin.len(),
            accounts: accounts.map(|id| (id, mail.accounts.get(&id).map_or(0, |set| set.len()))).collect(),
            to_index: mail.every.saturating_sub(indexed.worded()),
        })
    }

    /// The keys of a view, newest first: of what is indexed so far.
    pub fn keys(&self, view: View) -> Result<Vec<SortKey>> {
        let set = self.mail()?.view(view);
        let indexed = self.indexed()?;
        Ok(indexed.iter().copied().filter(|key| contains(&set, *key)).collect())
    }

    /// The newest keys of a view, at most `limit`. A few of all mail without a look at all of it: for the first page.
    pub fn newest(&self, view: View, limit: usize) -> Result<Vec<SortKey>> {
        if view != View::All || limit > MANY {
            let mut keys = self.keys(view)?;
            keys.truncate(limit);
            return Ok(keys);
        }
        let mut found = Vec::with_capacity(limit);
        let mut below = i64::MAX;
        while found.len() < limit {
            let next = self.shared.index.read(|index| {
                let sql = "SELECT key FROM envelope WHERE key < ?1 ORDER BY key DESC LIMIT ?2";
                let mut statement = index.prepare_cached(sql)?;
                let rows = statement.query_map(params![below, count(limit as u64)], |row| row.get(0).map(SortKey))?;
                Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?)
            });
            let next = next.map_err(|error| error.diagnosed(self.folder()))?;
            let Some(last) = next.last() else { break };
            below = last.0;
            self.read(|mail| {
                let mail = mail.unchecked_transaction()?;
                for key in next {
                    if found.len() < limit && is_shown(&mail, key)? {
                        found.push(key);
                    }
                }
                Ok(())
            })?;
        }
        Ok(found)
    }

    /// The rows of these keys, in their order; keys that are gone are left out.
    pub fn rows(&self, keys: &[SortKey]) -> Result<Vec<Row>> {
        // In one transaction each: SQLite locks the file for that, and not for every row.
        let rows = self.shared.index.read(|index| {
            let index = index.unchecked_transaction()?;
            let mut rows = Vec::with_capacity(keys.len());
            for key in keys {
                rows.extend(envelope_row(&index, *key)?);
            }
            Ok(rows)
        });
        let rows = rows.map_err(|error| error.diagnosed(self.folder()))?;
        self.read(|mail| {
            let mail = mail.unchecked_transaction()?;
            let mut complete = Vec::with_capacity(rows.len());
            for row in rows {
                complete.extend(with_truth(&mail, row)?);
            }
            Ok(complete)
        })
    }

    /// The key of an indexed message.
    pub fn key(&self, id: MessageId) -> Result<Option<SortKey>> {
        let key = self.shared.index.read(|index| {
            let mut statement = index.prepare_cached("SELECT key FROM envelope WHERE message = ?1")?;
            Ok(statement.query_row([id], |row| row.get(0).map(SortKey)).optional()?)
        });
        key.map_err(|error| error.diagnosed(self.folder()))
    }
}

/// Ids in a row as ranges, in batches.
fn runs(ids: &Ids) -> Vec<Vec<RangeInclusive<u32>>> {
    let mut batches: Vec<Vec<RangeInclusive<u32>>> = Vec::new();
    let mut room = 0;
    for id in ids {
        if room == 0 {
            batches.push(Vec::new());
            room = BATCH;
        }
        room -= 1;
        let Some(batch) = batches.last_mut() else { continue };
        match batch.last_mut() {
            Some(run) if run.end().checked_add(1) == Some(id) => *run = *run.start()..=id,
            _ => batch.push(id..=id),
        }
    }
    batches
}

pub(super) fn contains(set: &roaring::RoaringBitmap, key: SortKey) -> bool {
    u32::try_from(key.message().0).is_ok_and(|id| set.contains(id))
}

/// Whether all mail shows it: it is there, neither a twin nor in the bin.
pub(super) fn is_shown(mail: &Connection, key: SortKey) -> Result<bool> {
    let mut statement = mail.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM message WHERE id = ?1 AND twin_of IS NULL)
             AND NOT EXISTS (SELECT 1 FROM bin WHERE message = ?1)",
    )?;
    Ok(statement.query_row([key.message()], |row| row.get(0))?)
}

/// The half of a row that the index knows.
fn envelope_row(index: &Connection, key: SortKey) -> Result<Option<Row>> {
    let row = index
        .prepare_cached(
            "SELECT subject, from_name, from_address, date, size, attachments, preview FROM envelope WHERE key = ?1",
        )?
        .query_row([key.0], |row| {
            Ok(Row {
                key,
                id: key.message(),
                account: None,
                subject: row.get(0)?,
                from_name: row.get(1)?,
                from_address: row.get(2)?,
                date: Timestamp::from_second(row.get(3)?).unwrap_or(Timestamp::UNIX_EPOCH),
                size: uncount(row.get(4)?),
                attachments: row.get(5)?,
                preview: row.get(6)?,
                marks: Marks::default(),
                on_server: false,
                in_backup: None,
                binned: None,
            })
        })
        .optional()?;
    Ok(row)
}

/// Adds what `mail.db` knows; `None` when the message is not there any more.
fn with_truth(mail: &Connection, row: Row) -> Result<Option<Row>> {
    let truth = mail
        .prepare_cached(
            "SELECT account, coalesce(read, 0), coalesce(starred, 0),
                 EXISTS (SELECT 1 FROM ledger WHERE ledger.message = message.id AND state = 1)
                 OR EXISTS (SELECT 1 FROM message AS twin JOIN ledger ON ledger.message = twin.id
                            WHERE twin.twin_of = message.id AND state = 1),
                 (SELECT max(verified) FROM backup_message JOIN backup ON backup.id = backup
                  WHERE backup_message.message = message.id),
                 (SELECT since FROM bin WHERE bin.message = message.id)
             FROM message LEFT JOIN mark ON mark.message = message.id WHERE message.id = ?1",
        )?
        .query_row([row.id], |found| {
            Ok(Row {
                account: found.get(0)?,
                marks: Marks { read: found.get(1)?, starred: found.get(2)? },
                on_server: found.get(3)?,
                in_backup: found.get::<_, Option<i64>>(4)?.map(time),
                binned: found.get::<_, Option<i64>>(5)?.map(time),
                ..row
            })
        })
        .optional()?;
    Ok(truth)
}

#[cfg(test)]
mod tests {
    use super::{BATCH, Ids, MANY, Mark, runs};
    use crate::archive::{Archive, Incoming, Marks, Origin, View};
    use crate::job::Cancel;

    /// An archive with so many messages.
    fn archive(messages: usize) -> (Archive, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::open(&folder.path().join("archive")).unwrap();
        assert!(archive.is_empty().unwrap());
        let incoming = |number: usize| Incoming {
            bytes: format!("Subject: {number}\r\nDate: Sun, 22 Nov 2026 10:00:{number:02} +0000\r\n\r\n").into_bytes(),
            arrived: "2026-11-22T10:00:00Z".parse().unwrap(),
            marks: Marks { read: number.is_multiple_of(2), starred: false },
            from: Origin::File { account: None },
        };
        archive.ingest((0..messages).map(incoming).collect()).unwrap();
        archive.index_pending(&Cancel::new(), &mut |_| {}).unwrap();
        (archive, folder)
    }

    #[test]
    fn the_newest_are_the_beginning_of_all_without_the_bin() {
        let (archive, _folder) = archive(12);
        let all = archive.keys(View::All).unwrap();
        let gone: Vec<_> = all.iter().step_by(2).map(|key| key.message()).collect();
        archive.move_to_bin(&gone, false, "2026-11-22T10:00:00Z".parse().unwrap()).unwrap();
        for view in [View::All, View::Unread, View::Bin] {
            let keys = archive.keys(view).unwrap();
            for limit in [0, 1, 2, 5, 6, 50, MANY + 1] {
                let newest = archive.newest(view, limit).unwrap();
                assert_eq!(newest, keys[..limit.min(keys.len())], "{view:?} {limit}");
            }
        }
    }

    #[test]
    fn a_mark_for_many_says_what_it_changed() {
        let (archive, _folder) = archive(9);
        let unread = || archive.counts().unwrap().unread;
        let all: Ids = archive.keys(View::All).unwrap().iter().map(|key| key.message().0 as u32).collect();
        assert_eq!(unread(), 4);
        let changed = archive.mark(&all, Mark::Read, true).unwrap();
        assert_eq!((changed.len(), unread()), (4, 0));
        let back = archive.mark(&changed, Mark::Read, false).unwrap();
        assert_eq!((back, unread()), (changed, 4), "what was read before stays read");
        assert_eq!(archive.mark(&all, Mark::Starred, true).unwrap().len(), 9);
        assert_eq!((archive.counts().unwrap().starred, unread()), (9, 4), "one mark leaves the other alone");
        assert!(archive.mark(&[77].into_iter().collect(), Mark::Read, true).is_ok(), "nobody's id");
        assert_eq!(unread(), 4);
    }

    #[test]
    fn ids_in_a_row_are_one_range_and_no_batch_is_too_large() {
        let ids: Ids = [1, 2, 3, 7, 9, 10].into_iter().collect();
        assert_eq!(runs(&ids), [vec![1..=3, 7..=7, 9..=10]]);
        let many: Ids = (5..5 + 2 * BATCH + 1).collect();
        assert_eq!(
            runs(&many),
            [vec![5..=BATCH + 4], vec![BATCH + 5..=2 * BATCH + 4], vec![2 * BATCH + 5..=2 * BATCH + 5]]
        );
        assert!(runs(&Ids::new()).is_empty());
    }
}
