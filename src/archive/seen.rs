//! A listing held against the ledger, in order, so that a large maildrop in which nothing changed costs one statement and
//! not one for each of its messages.

use rusqlite::{Transaction, params};

use super::columns::{count, uncount};
use super::error::Result;
use super::{CopyState, ListedMessage, MaildropId, SessionId};
use crate::account::Uidl;

/// What a listing says of the rows of a maildrop.
pub(super) struct Seen<'a> {
    /// New, or in need of another state or size.
    pub changed: Vec<&'a ListedMessage>,
    /// Seen now, and otherwise as they were.
    unchanged: Vec<&'a ListedMessage>,
    missing: Vec<Missing>,
}

/// A row that the listing does not have, and when it was last seen.
struct Missing {
    uidl: Uidl,
    ordinal: u32,
    last_seen: i64,
    last_session: i64,
}

struct Row {
    state: CopyState,
    octets: Option<u64>,
}

impl<'a> Seen<'a> {
    pub(super) fn of(
        transaction: &Transaction<'_>,
        maildrop: MaildropId,
        listing: &'a [ListedMessage],
    ) -> Result<Seen<'a>> {
        let mut seen = Seen { changed: Vec::new(), unchanged: Vec::new(), missing: Vec::new() };
        let mut listed: Vec<&ListedMessage> = listing.iter().collect();
        listed.sort_by(|left, right| key(left).cmp(&key(right)));
        let mut listed = listed.into_iter().peekable();
        let mut statement = transaction.prepare_cached(
            "SELECT uidl, ordinal, state, octets, last_seen, last_session FROM ledger
             WHERE maildrop = ?1 ORDER BY uidl, ordinal",
        )?;
        let mut rows = statement.query([maildrop.0])?;
        while let Some(row) = rows.next()? {
            let uidl = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
            let ordinal: u32 = row.get(1)?;
            while let Some(new) = listed.next_if(|message| key(message) < (uidl, ordinal)) {
                seen.changed.push(new);
            }
            let now = Row { state: row.get(2)?, octets: row.get::<_, Option<i64>>(3)?.map(uncount) };
            let mut met = false;
            while let Some(message) = listed.next_if(|message| key(message) == (uidl, ordinal)) {
                met = true;
                if now.stays(message) { &mut seen.unchanged } else { &mut seen.changed }.push(message);
            }
            if !met {
                let (last_seen, last_session) = (row.get(4)?, row.get(5)?);
                seen.missing.push(Missing { uidl: row.get(0)?, ordinal, last_seen, last_session });
            }
        }
        seen.changed.extend(listed);
        Ok(seen)
    }

    /// Enters that the unchanged rows were seen now: all rows at once, and the missing ones back to what they were; or
    /// one by one where those are the most.
    pub(super) fn again(
        &self,
        transaction: &Transaction<'_>,
        session: SessionId,
        maildrop: MaildropId,
        now: i64,
    ) -> Result<()> {
        let mut one = transaction.prepare_cached(
            "UPDATE ledger SET last_seen = ?4, last_session = ?5 WHERE maildrop = ?1 AND uidl = ?2 AND ordinal = ?3",
        )?;
        if self.missing.len() > self.unchanged.len() {
            for message in &self.unchanged {
                one.execute(params![maildrop.0, message.uidl, message.ordinal, now, session.0])?;
            }
            return Ok(());
        }
        transaction.execute(
            "UPDATE ledger SET last_seen = ?2, last_session = ?3 WHERE maildrop = ?1",
            params![maildrop.0, now, session.0],
        )?;
        for row in &self.missing {
            one.execute(params![maildrop.0, row.uidl, row.ordinal, row.last_seen, row.last_session])?;
        }
        Ok(())
    }
}

impl Row {
    /// Whether seeing this message again changes neither state nor size.
    fn stays(&self, listed: &ListedMessage) -> bool {
        use CopyState::{Erased, Listed, Refused, Stored};
        let octets = listed.octets.map(|octets| uncount(count(octets)));
        matches!(self.state, Listed | Stored | Refused | Erased) && (octets.is_none() || octets == self.octets)
    }
}

fn key(message: &ListedMessage) -> (&[u8], u32) {
    (message.uidl.as_bytes(), message.ordinal)
}
