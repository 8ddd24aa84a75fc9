//! Lists, rows, counts and marks: what the sidebar and the message list ask for.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::columns::{time, uncount};
use super::error::Result;
use super::{Archive, Counts, Marks, Row, SortKey, View};
use crate::account::MessageId;
use jiff::Timestamp;

impl Archive {
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

    /// The rows of these keys, in their order; keys that are gone are left out.
    pub fn rows(&self, keys: &[SortKey]) -> Result<Vec<Row>> {
        let rows = self.shared.index.read(|index| {
            let mut rows = Vec::with_capacity(keys.len());
            for key in keys {
                rows.extend(envelope_row(index, *key)?);
            }
            Ok(rows)
        });
        let rows = rows.map_err(|error| error.diagnosed(self.folder()))?;
        self.read(|mail| {
            let mut complete = Vec::with_capacity(rows.len());
            for row in rows {
                complete.extend(with_truth(mail, row)?);
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

pub(super) fn contains(set: &roaring::RoaringBitmap, key: SortKey) -> bool {
    u32::try_from(key.message().0).is_ok_and(|id| set.contains(id))
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
