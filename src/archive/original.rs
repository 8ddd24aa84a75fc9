//! The original bytes and the message rows over them: reading.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension as _, Row};

use super::bundles::{self, Reader};
use super::columns::{time, uncount};
use super::error::{ArchiveError, Result};
use super::{Archive, Marks, Stored, codec};
use crate::account::{Digest, MessageId};

/// The bytes of an original; `None` when it is not there, coded in a way that this program does not know, or not what
/// the codec wrote. Not compared with its hash: that is the caller's.
///
/// For one message after the other: what the one before has in common with this one may not be read again.
pub(super) fn bytes(connection: &Connection, original: i64) -> Result<Option<Vec<u8>>> {
    bundles::with_kept(|reader| bytes_by(connection, original, reader))
}

/// As [`bytes`], by a reader of the caller's: a new one reads everything.
pub(super) fn bytes_by(connection: &Connection, original: i64, reader: &mut Reader) -> Result<Option<Vec<u8>>> {
    at_once(connection, || {
        let found = connection
            .prepare_cached(
                "SELECT codec, octets, bytes, bundle FROM body JOIN original ON original.id = original
                 WHERE original = ?1",
            )?
            .query_row([original], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
            .optional()?;
        found.map_or(Ok(None), |(codec, octets, bytes, bundle)| {
            decoded(connection, reader, codec, octets, bytes, bundle)
        })
    })
}

/// Runs `work` in a transaction, if there is none: a message that is packed anew or erased meanwhile is there whole or
/// not at all.
pub(super) fn at_once<T>(connection: &Connection, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let _moment = match connection.is_autocommit() {
        true => Some(connection.unchecked_transaction()?),
        false => None,
    };
    work()
}

fn decoded(
    connection: &Connection,
    reader: &mut Reader,
    codec: i64,
    octets: i64,
    bytes: Vec<u8>,
    bundle: Option<i64>,
) -> Result<Option<Vec<u8>>> {
    match (codec, bundle) {
        (codec::BUNDLED, Some(bundle)) => reader.original(connection, bundle, &bytes, uncount(octets)),
        _ => Ok(codec::decode(codec, bytes, uncount(octets))),
    }
}

/// The bytes that stand for a message, if they are those that were stored. The outer `None`: there is no such message.
fn sound(connection: &Connection, id: MessageId, reader: &mut Reader) -> Result<Option<Option<Vec<u8>>>> {
    at_once(connection, || {
        let row = connection
            .prepare_cached(
                "SELECT sha256, octets, codec, bytes, bundle FROM message
                 LEFT JOIN original ON original.id = message.original
                 LEFT JOIN body ON body.original = original.id WHERE message.id = ?1",
            )?
            .query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))
            .optional()?;
        let Some((digest, octets, codec, bytes, bundle)) = row else { return Ok(None) };
        let (Some(digest), Some(octets), Some(codec), Some(bytes)): (Option<Digest>, _, _, _) =
            (digest, octets, codec, bytes)
        else {
            return Ok(Some(None));
        };
        let bytes = decoded(connection, reader, codec, octets, bytes, bundle)?;
        Ok(Some(bytes.filter(|bytes| Digest::of(bytes) == digest)))
    })
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

/// The messages that the archive lists beside these.
pub(super) fn all_but(connection: &Connection, there: HashSet<MessageId>) -> Result<Vec<MessageId>> {
    // No index: what it says may differ from the table.
    let mut statement = connection.prepare_cached("SELECT id FROM message NOT INDEXED ORDER BY id")?;
    let mut listed: Vec<MessageId> = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    listed.retain(|id| !there.contains(id));
    Ok(listed)
}

fn every_stored(connection: &Connection) -> Result<Vec<Stored>> {
    let mut statement = connection.prepare_cached(&format!("{STORED} ORDER BY message.id"))?;
    Ok(statement.query_map([], stored_of)?.collect::<rusqlite::Result<_>>()?)
}

impl Archive {
    /// The original bytes, exactly. `None` when there is no such message.
    ///
    /// # Errors
    /// [`ArchiveError::Rotten`] when they are gone or not those that were stored: what rotted is never shown as good
    /// mail.
    pub fn original(&self, id: MessageId) -> Result<Option<Vec<u8>>> {
        match bundles::with_kept(|reader| self.read(|connection| sound(connection, id, reader)))? {
            Some(None) => Err(ArchiveError::Rotten { id }),
            bytes => Ok(bytes.flatten()),
        }
    }

    pub fn stored(&self, id: MessageId) -> Result<Option<Stored>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&format!("{STORED} WHERE message.id = ?1"))?;
            Ok(statement.query_row([id], stored_of).optional()?)
        })
    }

    /// As [`Archive::every_stored`]; and the messages that are not among them though the archive lists them, because what
    /// they stand on is not there any more: one bit is enough. A copy of the archive must not pass over these.
    pub fn every_stored_and_lost(&self) -> Result<(Vec<Stored>, Vec<MessageId>)> {
        self.read(|connection| {
            let moment = connection.transaction()?;
            let stored = every_stored(&moment)?;
            let lost = all_but(&moment, stored.iter().map(|stored| stored.id).collect())?;
            Ok((stored, lost))
        })
    }

    /// Every message in the order of its id, twins included.
    pub fn every_stored(&self) -> Result<Vec<Stored>> {
        self.read(|connection| every_stored(connection))
    }
}
