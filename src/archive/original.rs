//! The original bytes and the message rows over them: reading.

use rusqlite::{Connection, OptionalExtension as _, Row};

use super::columns::{time, uncount};
use super::error::Result;
use super::{Archive, Marks, Stored};
use crate::account::MessageId;

/// The codec of bytes stored as they came. Others may come later.
pub(super) const AS_RECEIVED: i64 = 0;

/// The bytes of an original; `None` when it is not there or coded in a way that this program does not know.
pub(super) fn bytes(connection: &Connection, original: i64) -> Result<Option<Vec<u8>>> {
    let found = connection
        .prepare_cached("SELECT codec, bytes FROM body WHERE original = ?1")?
        .query_row([original], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?)))
        .optional()?;
    Ok(found.filter(|(codec, _)| *codec == AS_RECEIVED).map(|(_, bytes)| bytes))
}

pub(super) const STORED: &str = "SELECT message.id, sha256, octets, account, arrived,
    coalesce(read, 0), coalesce(starred, 0), twin_of
    FROM message JOIN original ON original.id = message.original LEFT JOIN mark ON mark.message = message.id";

pub(super) fn stored_of(row: &Row<'_>) -> rusqlite::Result<Stored> {
    Ok(Stored {
        id: row.get(0)?,
        digest: row.get(1)?,
        octets: uncount(row.get(2)?),
        account: row.get(3)?,
        arrived: time(row.get(4)?),
        marks: Marks { read: row.get(5)?, starred: row.get(6)? },
        twin_of: row.get(7)?,
    })
}

impl Archive {
    /// The original bytes, exactly. `None` when there is no such message.
    pub fn original(&self, id: MessageId) -> Result<Option<Vec<u8>>> {
        self.read(|connection| {
            let original = connection
                .prepare_cached("SELECT original FROM message WHERE id = ?1")?
                .query_row([id], |row| row.get(0))
                .optional()?;
            original.map_or(Ok(None), |original| bytes(connection, original))
        })
    }

    pub fn stored(&self, id: MessageId) -> Result<Option<Stored>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&format!("{STORED} WHERE message.id = ?1"))?;
            Ok(statement.query_row([id], stored_of).optional()?)
        })
    }

    /// Every message in the order of its id, twins included.
    pub fn every_stored(&self) -> Result<Vec<Stored>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&format!("{STORED} ORDER BY message.id"))?;
            Ok(statement.query_map([], stored_of)?.collect::<rusqlite::Result<_>>()?)
        })
    }
}
