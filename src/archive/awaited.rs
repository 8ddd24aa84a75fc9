//! Messages left on the server of which only the header section was fetched, and which of them are to come whole. The
//! header section is kept beside the archive of mail, never in it: it is not the message (quirk 59).

use std::collections::HashSet;

use rusqlite::{OptionalExtension as _, params};

use super::columns::uncount;
use super::error::Result;
use super::{Archive, MaildropId};
use crate::account::{AccountId, Uidl};

/// The most that is kept of a header section, in octets.
const LONGEST: usize = 64 << 10;

/// Rows of a ledger.
pub type Rows = HashSet<(Uidl, u32)>;

/// One message that waits on a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Awaited {
    pub account: AccountId,
    pub maildrop: MaildropId,
    pub uidl: Uidl,
    pub ordinal: u32,
    /// As LIST gives it.
    pub octets: Option<u64>,
    /// The header section as the server gave it.
    pub header: Vec<u8>,
    /// The next visit fetches it whole.
    pub wanted: bool,
}

impl Archive {
    /// Keeps header sections of messages that are left on the server.
    pub fn keep_headers(&self, maildrop: MaildropId, headers: &[(Uidl, u32, Vec<u8>)]) -> Result<()> {
        self.write(|transaction| {
            let mut keep = transaction.prepare_cached(
                "INSERT INTO awaited (maildrop, uidl, ordinal, header) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (maildrop, uidl, ordinal) DO UPDATE SET header = ?4",
            )?;
            for (uidl, ordinal, header) in headers {
                let start = header.get(..LONGEST).unwrap_or(header);
                keep.execute(params![maildrop.0, uidl, ordinal, start])?;
            }
            Ok(())
        })
    }

    /// The messages of all accounts that wait on their servers: not stored here, and seen at the last visit.
    pub fn awaited(&self) -> Result<Vec<Awaited>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT maildrop.account, awaited.maildrop, awaited.uidl, awaited.ordinal, octets, header, wanted
                 FROM awaited JOIN ledger USING (maildrop, uidl, ordinal) JOIN maildrop ON maildrop.id = awaited.maildrop
                 JOIN account ON account.id = maildrop.account
                 WHERE account.removed = 0 AND state IN (0, 6) AND message IS NULL
                   AND last_session = (SELECT max(last_session) FROM ledger AS other
                                       WHERE other.maildrop = awaited.maildrop)
                 ORDER BY awaited.maildrop, first_seen DESC, awaited.uidl, awaited.ordinal",
            )?;
            let rows = statement.query_map([], |row| {
                Ok(Awaited {
                    account: row.get(0)?,
                    maildrop: MaildropId(row.get(1)?),
                    uidl: row.get(2)?,
                    ordinal: row.get(3)?,
                    octets: row.get::<_, Option<i64>>(4)?.map(uncount),
                    header: row.get(5)?,
                    wanted: row.get(6)?,
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// The next visit fetches this one whole, or not.
    pub fn want_whole(&self, awaited: &Awaited, wanted: bool) -> Result<()> {
        self.write(|transaction| {
            transaction.execute(
                "UPDATE awaited SET wanted = ?4 WHERE maildrop = ?1 AND uidl = ?2 AND ordinal = ?3",
                params![awaited.maildrop.0, awaited.uidl, awaited.ordinal, wanted],
            )?;
            Ok(())
        })
    }

    /// Which messages of a maildrop are to come whole, and of which the header section is here.
    pub fn wanted_and_known(&self, maildrop: MaildropId) -> Result<(Rows, Rows)> {
        self.read(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT uidl, ordinal, wanted FROM awaited WHERE maildrop = ?1")?;
            let rows =
                statement.query_map([maildrop.0], |row| Ok(((row.get(0)?, row.get(1)?), row.get::<_, bool>(2)?)))?;
            let (mut wanted, mut known) = (HashSet::new(), HashSet::new());
            for row in rows {
                let (key, wants) = row?;
                if wants {
                    wanted.insert(key);
                } else {
                    known.insert(key);
                }
            }
            Ok((wanted, known))
        })
    }

    /// Forgets the header sections of messages that are stored or gone.
    pub fn tidy_awaited(&self, maildrop: MaildropId) -> Result<()> {
        let any = self.read(|connection| {
            let any = connection
                .prepare_cached("SELECT 1 FROM awaited WHERE maildrop = ?1 LIMIT 1")?
                .query_row([maildrop.0], |_| Ok(()))
                .optional()?;
            Ok(any.is_some())
        })?;
        if !any {
            return Ok(());
        }
        self.write(|transaction| {
            transaction.execute(
                "DELETE FROM awaited WHERE maildrop = ?1 AND NOT EXISTS (
                     SELECT 1 FROM ledger WHERE ledger.maildrop = ?1 AND ledger.uidl = awaited.uidl
                     AND ledger.ordinal = awaited.ordinal AND message IS NULL AND state IN (0, 6))",
                [maildrop.0],
            )?;
            Ok(())
        })
    }
}
