//! Questions about where copies are, for the plan that a person sees before anything is removed.

use std::collections::HashSet;

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, params};

use super::columns::time;
use super::error::Result;
use super::{Archive, MaildropId};
use crate::account::{Account, MessageId};

impl Archive {
    /// The maildrop of the account's present host and user; `None` before its first visit.
    pub fn maildrop(&self, account: &Account) -> Result<Option<MaildropId>> {
        self.read(|connection| {
            let found = connection
                .prepare_cached("SELECT id FROM maildrop WHERE account = ?1 AND host = ?2 AND user = ?3")?
                .query_row(params![account.id, account.server.host.trim().to_lowercase(), account.server.user], |row| {
                    row.get(0)
                })
                .optional()?;
            Ok(found.map(MaildropId))
        })
    }

    /// When a message was first and last seen on its server, where it is there still, as far as the ledger knows.
    pub fn seen_on_server(&self, id: MessageId) -> Result<Option<(Timestamp, Timestamp)>> {
        self.read(|connection| {
            let seen = connection
                .prepare_cached(
                    "SELECT min(first_seen), max(last_seen) FROM ledger INDEXED BY ledger_message
                     WHERE message = ?1 AND state IN (1, 2, 4)",
                )?
                .query_row([id], |row| Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?)))?;
            Ok(match seen {
                (Some(first), Some(last)) => Some((time(first), time(last))),
                _ => None,
            })
        })
    }

    /// All messages that are in a verified backup.
    pub fn in_backups(&self) -> Result<HashSet<MessageId>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT DISTINCT message FROM backup_message")?;
            let rows = statement.query_map([], |row| row.get(0))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// How many of these messages are in a verified backup.
    pub fn backed_up(&self, ids: &[MessageId]) -> Result<u64> {
        self.read(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM backup_message WHERE message = ?1)")?;
            let mut count = 0;
            for id in ids {
                count += u64::from(statement.query_row([id], |row| row.get::<_, bool>(0))?);
            }
            Ok(count)
        })
    }
}
