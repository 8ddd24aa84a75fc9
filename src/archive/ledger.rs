//! The copy ledger: for each message of a maildrop, whether the server has it, whether we have it, and what was done
//! about it. Rows are never forgotten because a listing was short.

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Transaction, params};

use super::bundles::Reader;
use super::columns::{count, micros, uncount};
use super::error::Result;
use super::maildrop::aged;
use super::seen::Seen;
use super::{Archive, CopyState, LedgerEntry, ListedMessage, MaildropId, Proof, SessionId, original};
use crate::account::{Digest, MessageId, Uidl};

impl Archive {
    /// Enters a listing into the ledger: new rows as [`CopyState::Listed`], known ones seen now. Rows missing from a
    /// listing keep their place: a `DeleSent` or `DeleteUnknown` row becomes `Gone`, a `Stored` one `Vanished`, but
    /// only when `complete` says that the listing was received whole and agrees with STAT.
    ///
    /// A row seen again: `DeleSent` and `DeleteUnknown` (the removal did not happen) and `Vanished` become `Stored`.
    /// Where the UIDL stands for another message now (the size differs from before, or the server had confirmed the
    /// removal), the row becomes `Listed` without a message: it is retrieved again, and finds its bytes if they are
    /// the same after all. `Erased` rows stay what they are.
    ///
    /// Moves the maildrop's own time on to `now`: see [`super::MaildropState::age`].
    pub fn note_listing(
        &self,
        session: SessionId,
        maildrop: MaildropId,
        listing: &[ListedMessage],
        complete: bool,
        now: Timestamp,
    ) -> Result<()> {
        self.write(|transaction| {
            let age = age_to(transaction, maildrop, now)?;
            let mut enter = transaction.prepare_cached(
                "INSERT INTO ledger
                     (maildrop, uidl, ordinal, state, octets, first_seen, last_seen, last_session, since)
                 VALUES (?1, ?2, ?3, 0, ?4, ?5, ?5, ?6, ?7)
                 ON CONFLICT (maildrop, uidl, ordinal) DO UPDATE SET
                     state = CASE WHEN state = 7 AND octets IS NOT excluded.octets AND octets <> excluded.octets THEN 0
                                  WHEN state = 7 THEN 7
                                  WHEN octets <> excluded.octets OR state = 3 THEN 0
                                  WHEN state IN (2, 4, 5) AND message IS NOT NULL THEN 1
                                  WHEN state = 5 THEN 0
                                  ELSE state END,
                     message = CASE WHEN octets <> excluded.octets OR state = 3 THEN NULL ELSE message END,
                     octets = coalesce(excluded.octets, octets),
                     last_seen = excluded.last_seen,
                     last_session = excluded.last_session",
            )?;
            let seen = Seen::of(transaction, maildrop, listing)?;
            seen.again(transaction, session, maildrop, micros(now))?;
            for listed in seen.changed {
                let octets = listed.octets.map(count);
                let row = params![maildrop.0, listed.uidl, listed.ordinal, octets, micros(now), session.0, age];
                enter.execute(row)?;
            }
            tracing::trace!(phase = "listing entered");
            if complete {
                transaction.execute(
                    "UPDATE ledger SET state = CASE WHEN state = 1 THEN 5 ELSE 3 END
                     WHERE maildrop = ?1 AND last_session <> ?2 AND state IN (1, 2, 4)",
                    params![maildrop.0, session.0],
                )?;
                // A server that numbers anew at each visit must not make the ledger grow: such a row says nothing that
                // its message's own row does not.
                transaction.execute(
                    "DELETE FROM ledger WHERE maildrop = ?1 AND last_session <> ?2 AND state = 5 AND recognised = 1",
                    params![maildrop.0, session.0],
                )?;
            }
            Ok(())
        })
    }

    /// Every row of a maildrop, by UIDL and ordinal.
    pub fn ledger(&self, maildrop: MaildropId) -> Result<Vec<LedgerEntry>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT uidl, ordinal, ledger.message, state, ledger.octets, original.octets, since, recognised, removals,
                     tries
                 FROM ledger LEFT JOIN message ON message.id = ledger.message
                 LEFT JOIN original ON original.id = message.original
                 WHERE maildrop = ?1 ORDER BY uidl, ordinal",
            )?;
            let rows = statement.query_map([maildrop.0], |row| {
                Ok(LedgerEntry {
                    uidl: row.get(0)?,
                    ordinal: row.get(1)?,
                    message: row.get(2)?,
                    state: row.get(3)?,
                    octets: row.get::<_, Option<i64>>(4)?.map(uncount),
                    stored_octets: row.get::<_, Option<i64>>(5)?.map(uncount),
                    since: row.get(6)?,
                    recognised: row.get(7)?,
                    removals: row.get(8)?,
                    tries: row.get(9)?,
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// A listed message that is, by its header section and size, one that is stored here: shown as that one and not
    /// fetched. Its bytes were not compared, so nothing is removed on the strength of it.
    pub fn recognise(&self, maildrop: MaildropId, rows: &[(Uidl, u32, MessageId)]) -> Result<()> {
        self.write(|transaction| {
            let mut set = transaction.prepare_cached(
                "UPDATE ledger SET message = ?4, state = 1, recognised = 1
                 WHERE maildrop = ?1 AND uidl = ?2 AND ordinal = ?3 AND state IN (0, 6)",
            )?;
            for (uidl, ordinal, message) in rows {
                set.execute(params![maildrop.0, uidl, ordinal, message])?;
            }
            Ok(())
        })
    }

    /// The server refused these, or the connection broke in them: how often each was asked for in vain by now.
    pub fn note_failures(&self, maildrop: MaildropId, rows: &[(Uidl, u32)]) -> Result<Vec<u64>> {
        self.write(|transaction| {
            let mut count = transaction.prepare_cached(
                "UPDATE ledger SET state = CASE WHEN state = 7 THEN 7 ELSE 6 END, tries = tries + 1
                 WHERE maildrop = ?1 AND uidl = ?2 AND ordinal = ?3 RETURNING tries",
            )?;
            let tries = rows.iter().map(|(uidl, ordinal)| {
                let tries: Option<i64> =
                    count.query_row(params![maildrop.0, uidl, ordinal], |row| row.get(0)).optional()?;
                Ok(tries.map_or(0, uncount))
            });
            tries.collect()
        })
    }

    /// The server confirmed the removal of these.
    pub fn note_removed(&self, maildrop: MaildropId, rows: &[(Uidl, u32)]) -> Result<()> {
        self.write(|transaction| {
            let mut set = transaction.prepare_cached(
                "UPDATE ledger SET state = 3, removals = removals + 1
                 WHERE maildrop = ?1 AND uidl = ?2 AND ordinal = ?3",
            )?;
            for (uidl, ordinal) in rows {
                set.execute(params![maildrop.0, uidl, ordinal])?;
            }
            Ok(())
        })
    }

    /// Sets the state of rows that are there; `Stored`, `DeleSent` and `DeleteUnknown` only where a message is stored.
    pub fn set_copy_state(&self, maildrop: MaildropId, rows: &[(Uidl, u32)], state: CopyState) -> Result<()> {
        self.write(|transaction| {
            let mut set = transaction.prepare_cached(
                "UPDATE ledger SET state = ?4 WHERE maildrop = ?1 AND uidl = ?2 AND ordinal = ?3
                 AND (message IS NOT NULL OR ?4 NOT IN (1, 2, 4))",
            )?;
            for (uidl, ordinal) in rows {
                set.execute(params![maildrop.0, uidl, ordinal, state])?;
            }
            Ok(())
        })
    }

    /// Reads our copy of a listed message back on another connection and hashes it. `None` when it is not stored here
    /// or does not hash to what was stored; then the server's copy must stay. A `Vanished` row proves too, so that a
    /// look ahead, which enters no listing, counts what a fetch that has entered it will remove.
    pub fn prove(&self, maildrop: MaildropId, listed: &ListedMessage) -> Result<Option<Proof>> {
        self.read(|connection| {
            let stored: Option<(i64, Digest, MessageId)> = connection
                .prepare_cached(
                    "SELECT original.id, original.sha256, message.id FROM ledger
                     JOIN message ON message.id = ledger.message
                     JOIN original ON original.id = message.original
                     WHERE ledger.maildrop = ?1 AND ledger.uidl = ?2 AND ledger.ordinal = ?3
                       AND ledger.state IN (1, 2, 4, 5)",
                )?
                .query_row(params![maildrop.0, listed.uidl, listed.ordinal], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })
                .optional()?;
            let Some((id, digest, message)) = stored else { return Ok(None) };
            tracing::trace!(phase = "read back");
            let mut reader = Reader::default();
            let Some(bytes) = original::bytes_by(connection, id, &mut reader)? else { return Ok(None) };
            // What had to be made out of other pieces is not what was written.
            let proved = Digest::of(&bytes) == digest && reader.mended.is_empty();
            Ok(proved.then_some(Proof { number: listed.number, message }))
        })
    }
}

/// Moves the maildrop's own time on; answers it.
fn age_to(transaction: &Transaction<'_>, maildrop: MaildropId, now: Timestamp) -> Result<i64> {
    let (age, last): (i64, Option<i64>) =
        transaction.query_row("SELECT age, last_visit FROM maildrop WHERE id = ?1", [maildrop.0], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let (age, _) = aged(age, last, now);
    transaction.execute(
        "UPDATE maildrop SET age = ?2, last_visit = ?3 WHERE id = ?1",
        params![maildrop.0, age, micros(now)],
    )?;
    Ok(age)
}
