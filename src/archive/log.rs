//! The sync log: what each visit to a server saw and did. Holds no subject, no address and no body; a message is named by
//! the first digits of the hash of its unique-id.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};
use serde::{Deserialize, Serialize};

use super::columns::{count, micros, time, uncount};
use super::error::{ArchiveError, Result};
use super::{Archive, MaildropId, SessionId, SessionOutcome, accounts};
use crate::account::{Account, AccountId, Digest, Uidl};

/// One visit in the sync log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedSession {
    pub account: AccountId,
    pub began: Timestamp,
    /// `None`: it is still going on, or the program was ended during it.
    pub ended: Option<Timestamp>,
    pub outcome: SessionOutcome,
    /// In the order in which it happened.
    pub entries: Vec<LogEntry>,
}

/// One thing that a visit saw or did. Written as JSON into `mail.db` and into backups: names stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum LogEntry {
    /// The server's listing, and how many of its messages were not known before.
    Listed { messages: u64, unknown: u64 },
    /// Known messages under new unique-ids, told by their header sections.
    Recognised { messages: u64 },
    /// Stored here, and how many octets of them.
    Retrieved { messages: u64, octets: u64 },
    /// Not fetched, and why.
    Left { messages: u64, octets: u64, why: Left },
    /// Asked for in vain: the server refused it, or the connection broke in it.
    Failed { message: String, tries: u64 },
    /// The server confirmed the removal of these.
    Removed { messages: u64 },
    /// Removals that the server did not confirm: the next visit tells.
    Unconfirmed { messages: u64 },
    /// Not removed though the account's settings would, and why.
    Withheld { why: Withheld },
    /// Left the server without us: another program, web mail, or the server's own expiry.
    Vanished { messages: u64 },
    /// There again after the server had confirmed their removal; left alone now.
    Returned { messages: u64 },
    /// The copies here could not be proved to be whole, so the server's stayed.
    NotProved { messages: u64 },
    /// What stands on the server under a known unique-id is another message now.
    Replaced { messages: u64 },
    /// The server was visited again at once, for it shows only a part at a time or removals go in batches.
    Again,
    /// What the server cannot do, found out at this visit and remembered.
    Learnt { habit: Habit },
    /// An entry of a later version.
    #[serde(other)]
    Unknown,
}

/// Why a message is not fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Left {
    /// Larger than Postkeep fetches at all.
    TooLarge,
    /// Larger than the account fetches unasked: its header section is here.
    HeaderFirst,
    /// The visit's budget of octets is used up.
    OverBudget,
    /// It was deleted here for good.
    Erased,
    /// It was asked for in vain several times: it is tried at every eighth visit.
    Refused,
}

/// Why nothing is removed at a visit, though the retention would.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Withheld {
    /// This computer is new to the mailbox, or its archive was restored: the user has not agreed here yet.
    NewHere,
    /// Most unique-ids changed at once.
    Renumbered,
    /// The clock moved back, or by more than two days since the last visit.
    Clock,
    /// The user's name asks for the last thirty days only (Gmail's `recent:`), which is no mailbox to remove from.
    RecentMode,
}

/// What a server cannot bear or needs (quirks 15, 18, 94, 95), remembered for each maildrop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Habit {
    /// It hangs up on CAPA.
    NoCapa,
    /// It hangs up on pipelined commands.
    NoPipelining,
    /// Logging in fails in UTF8 mode.
    NoUtf8,
}

/// The habits known of a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Habits(i64);

impl Habits {
    pub(super) fn of_bits(bits: i64) -> Habits {
        Habits(bits)
    }

    /// These but for one.
    pub fn without(self, habit: Habit) -> Habits {
        Habits(self.0 & !bit(habit))
    }

    pub fn has(self, habit: Habit) -> bool {
        self.0 & bit(habit) != 0
    }
}

pub(super) fn bit(habit: Habit) -> i64 {
    match habit {
        Habit::NoCapa => 1,
        Habit::NoPipelining => 2,
        Habit::NoUtf8 => 4,
    }
}

impl LogEntry {
    /// How the log names a message: enough to tell two apart, too little to tell what they are.
    pub fn name_of(uidl: &Uidl) -> String {
        Digest::of(uidl.as_bytes()).to_string().chars().take(8).collect()
    }
}

fn enter(transaction: &Transaction<'_>, session: i64, entries: &[LogEntry]) -> Result<()> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO session_entry (session, ordinal, entry) VALUES (?1, ?2, ?3)
         ON CONFLICT (session, ordinal) DO UPDATE SET entry = ?3",
    )?;
    for (ordinal, entry) in (0_i64..).zip(entries) {
        // Plain values under plain names: writing them cannot fail, and a log is no reason to fail.
        if let Ok(text) = serde_json::to_string(entry) {
            statement.execute(params![session, ordinal, text])?;
        }
    }
    Ok(())
}

/// The entries of a visit; one that cannot be read is of a later version.
pub(super) fn entries(connection: &Connection, session: i64) -> Result<Vec<LogEntry>> {
    let mut statement =
        connection.prepare_cached("SELECT entry FROM session_entry WHERE session = ?1 ORDER BY ordinal")?;
    let texts = statement.query_map([session], |row| row.get::<_, String>(0))?;
    Ok(texts
        .map(|text| Ok(serde_json::from_str(&text?).unwrap_or(LogEntry::Unknown)))
        .collect::<rusqlite::Result<_>>()?)
}

/// Adds a visit that came with a backup, unless the log has it.
pub(super) fn add_session(transaction: &Transaction<'_>, maildrop: MaildropId, session: &LoggedSession) -> Result<()> {
    let LoggedSession { account, began, ended, outcome, entries } = session;
    transaction
        .prepare_cached(
            "DELETE FROM session WHERE account = ?1 AND maildrop = ?2 AND began = ?3 AND ended IS NULL AND ?4",
        )?
        .execute(params![account, maildrop.0, micros(*began), ended.is_some()])?;
    let added = transaction
        .prepare_cached(
            "INSERT INTO session
                 (account, maildrop, began, ended, listed, retrieved, deleted, kept, failed, octets, problem)
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11
             WHERE NOT EXISTS (SELECT 1 FROM session WHERE account = ?1 AND maildrop = ?2 AND began = ?3)",
        )?
        .execute(params![
            account,
            maildrop.0,
            micros(*began),
            ended.map(micros),
            count(outcome.listed),
            count(outcome.retrieved),
            count(outcome.deleted),
            count(outcome.kept),
            count(outcome.failed),
            count(outcome.octets),
            outcome.problem,
        ])?;
    if added == 1 { enter(transaction, transaction.last_insert_rowid(), entries) } else { Ok(()) }
}

impl Archive {
    /// Opens an entry in the sync log, and the maildrop for the account's present host and user.
    pub fn begin_session(&self, account: &Account, now: Timestamp) -> Result<(SessionId, MaildropId)> {
        self.write(|transaction| {
            let there = transaction
                .query_row("SELECT 1 FROM account WHERE id = ?1 AND removed = 0", [account.id], |_| Ok(()))
                .optional()?;
            there.ok_or(ArchiveError::NoSuchAccount)?;
            let maildrop = accounts::maildrop(transaction, account.id, &account.server.host, &account.server.user)?;
            transaction.execute(
                "INSERT INTO session (account, maildrop, began) VALUES (?1, ?2, ?3)",
                params![account.id, maildrop.0, micros(now)],
            )?;
            Ok((SessionId(transaction.last_insert_rowid()), maildrop))
        })
    }

    /// Closes it: how it ended in numbers, and what it saw and did.
    pub fn end_session(
        &self,
        session: SessionId,
        outcome: &SessionOutcome,
        entries: &[LogEntry],
        now: Timestamp,
    ) -> Result<()> {
        self.write(|transaction| {
            transaction.execute(
                "UPDATE session SET ended = ?2, listed = ?3, retrieved = ?4, deleted = ?5, kept = ?6, failed = ?7,
                     octets = ?8, problem = ?9 WHERE id = ?1",
                params![
                    session.0,
                    micros(now),
                    count(outcome.listed),
                    count(outcome.retrieved),
                    count(outcome.deleted),
                    count(outcome.kept),
                    count(outcome.failed),
                    count(outcome.octets),
                    outcome.problem,
                ],
            )?;
            enter(transaction, session.0, entries)
        })
    }

    /// The sync log, newest first.
    pub fn sessions(&self, limit: usize) -> Result<Vec<LoggedSession>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, account, began, ended, listed, retrieved, deleted, kept, failed, octets, problem
                 FROM session ORDER BY began DESC, id DESC LIMIT ?1",
            )?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let sessions = statement.query_map([limit], |row| {
                let session = LoggedSession {
                    account: row.get(1)?,
                    began: time(row.get(2)?),
                    ended: row.get::<_, Option<i64>>(3)?.map(time),
                    outcome: outcome_of(row, 4)?,
                    entries: Vec::new(),
                };
                Ok((row.get::<_, i64>(0)?, session))
            })?;
            let mut complete = Vec::new();
            for session in sessions {
                let (id, session) = session?;
                complete.push(LoggedSession { entries: entries(connection, id)?, ..session });
            }
            Ok(complete)
        })
    }
}

/// The seven columns of an outcome from `at` on.
pub(super) fn outcome_of(row: &Row<'_>, at: usize) -> rusqlite::Result<SessionOutcome> {
    let number = |offset: usize| row.get::<_, i64>(at + offset).map(uncount);
    Ok(SessionOutcome {
        listed: number(0)?,
        retrieved: number(1)?,
        deleted: number(2)?,
        kept: number(3)?,
        failed: number(4)?,
        octets: number(5)?,
        problem: row.get(at + 6)?,
    })
}
