//! The original bytes and the message rows over them: reading.

use rusqlite::{Connection, OptionalExtension as _, Row};

use super::columns::{time, uncount};
use super::error::{ArchiveError, Result};
use super::{Archive, Marks, Stored, codec};
use crate::account::{Digest, MessageId};

/// The bytes of an original; `None` when it is not there, coded in a way that this program does not know, or not what
/// the codec wrote. Not compared with its hash: that is the caller's.
pub(super) fn bytes(connection: &Connection, original: i64) -> Result<Option<Vec<u8>>> {
    Ok(found(connection, original)?.flatten())
}

/// The same; the outer `None`: nothing is there.
fn found(connection: &Connection, original: i64) -> Result<Option<Option<Vec<u8>>>> {
    let found = connection
        .prepare_cached(
            "SELECT codec, octets, bytes FROM body JOIN original ON original.id = original WHERE original = ?1",
        )?
        .query_row([original], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get(2)?)))
        .optional()?;
    Ok(found.map(|(codec, octets, bytes)| codec::decode(codec, bytes, uncount(octets))))
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
    ///
    /// # Errors
    /// [`ArchiveError::Damaged`] also when they are not those that were stored: what rotted is never shown as good mail.
    pub fn original(&self, id: MessageId) -> Result<Option<Vec<u8>>> {
        self.read(|connection| {
            let row: Option<(i64, Digest)> = connection
                .prepare_cached(
                    "SELECT original, sha256 FROM message JOIN original ON original.id = original
                     WHERE message.id = ?1",
                )?
                .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            let Some((original_row, digest)) = row else { return Ok(None) };
            let Some(bytes) = found(connection, original_row)? else { return Ok(None) };
            if bytes.as_ref().is_none_or(|bytes| Digest::of(bytes) != digest) {
                let detail = format!("the bytes of message {id} are not those that were stored");
                return Err(ArchiveError::Damaged { folder: self.folder().to_owned(), detail });
            }
            Ok(bytes)
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
