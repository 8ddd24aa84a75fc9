//! Accounts, the program's own small settings, and the sync log.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

use super::columns::{count, micros, time, uncount};
use super::error::{ArchiveError, Result};
use super::{Archive, Mail, MaildropId, NewAccount, SessionId, SessionOutcome, erase};
use crate::account::{Account, AccountId, Retention, Security, Server};

/// One line of the sync log: whose, begun, ended (if it was), and how.
pub type LoggedSession = (AccountId, Timestamp, Option<Timestamp>, SessionOutcome);

const COLUMNS: &str = "id, address, host, port, security, user, ca_file, name, leave_copy, password_command";

pub(super) fn account_of(row: &Row<'_>) -> rusqlite::Result<Account> {
    let security: String = row.get(4)?;
    let leave_copy: bool = row.get(8)?;
    Ok(Account {
        id: row.get(0)?,
        address: row.get(1)?,
        server: Server {
            host: row.get(2)?,
            port: row.get(3)?,
            security: security.parse().unwrap_or(Security::Tls),
            user: row.get(5)?,
            ca_file: row.get::<_, Option<String>>(6)?.map(Into::into),
        },
        name: row.get(7)?,
        retention: if leave_copy { Retention::LeaveCopy } else { Retention::RemoveOnceStored },
        password_command: row.get(9)?,
    })
}

/// Addresses are compared without case.
fn folded(address: &str) -> String {
    address.trim().to_lowercase()
}

fn by_address(connection: &Connection, address: &str) -> Result<Option<(Account, bool)>> {
    let sql = format!("SELECT {COLUMNS}, removed FROM account WHERE folded = ?1");
    let found = connection
        .prepare_cached(&sql)?
        .query_row([folded(address)], |row| Ok((account_of(row)?, row.get(10)?)))
        .optional()?;
    Ok(found)
}

/// Writes every column of an account that is there.
fn update(transaction: &Transaction<'_>, account: &Account) -> Result<()> {
    let server = &account.server;
    let changed = transaction.execute(
        "UPDATE account SET address = ?2, folded = ?3, host = ?4, port = ?5, security = ?6, user = ?7, ca_file = ?8,
             name = ?9, leave_copy = ?10, password_command = ?11, removed = 0 WHERE id = ?1",
        params![
            account.id,
            account.address,
            folded(&account.address),
            server.host,
            server.port,
            server.security.as_str(),
            server.user,
            server.ca_file.as_ref().map(|file| file.to_string_lossy()),
            account.name,
            account.retention.leaves_copy(),
            account.password_command,
        ],
    )?;
    if changed == 1 { Ok(()) } else { Err(ArchiveError::NoSuchAccount) }
}

/// Adds an account, or brings one back that was removed with its mail kept.
pub(super) fn add(transaction: &Transaction<'_>, new: &NewAccount) -> Result<Account> {
    let id = match by_address(transaction, &new.address)? {
        Some((_, false)) => return Err(ArchiveError::AccountExists(new.address.clone())),
        Some((account, true)) => account.id,
        None => {
            transaction.execute(
                "INSERT INTO account (address, folded, host, port, security, user, name, leave_copy)
                 VALUES (?1, ?2, '', 0, 'tls', '', '', 1)",
                params![new.address, folded(&new.address)],
            )?;
            AccountId(transaction.last_insert_rowid())
        }
    };
    let account = Account {
        id,
        address: new.address.trim().to_owned(),
        server: new.server.clone(),
        name: new.name.clone(),
        retention: new.retention,
        password_command: new.password_command.clone(),
    };
    update(transaction, &account)?;
    Ok(account)
}

/// The account of this address, whether removed or not; with `true` when it was removed.
pub(super) fn find(connection: &Connection, address: &str) -> Result<Option<(Account, bool)>> {
    by_address(connection, address)
}

/// All accounts, removed ones too, each with whether it was.
pub(super) fn all(connection: &Connection) -> Result<Vec<(Account, bool)>> {
    let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS}, removed FROM account ORDER BY id"))?;
    let accounts = statement.query_map([], |row| Ok((account_of(row)?, row.get(10)?)))?;
    Ok(accounts.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn remove(transaction: &Transaction<'_>, id: AccountId) -> Result<()> {
    let changed = transaction.execute("UPDATE account SET removed = 1, password_command = NULL WHERE id = ?1", [id])?;
    if changed == 1 { Ok(()) } else { Err(ArchiveError::NoSuchAccount) }
}

/// The maildrop of an account at this host for this user, made where there is none: another host or user is another
/// maildrop, and the UIDLs of the old one say nothing about it.
pub(super) fn maildrop(
    transaction: &Transaction<'_>,
    account: AccountId,
    host: &str,
    user: &str,
) -> Result<MaildropId> {
    let host = host.trim().to_lowercase();
    transaction.execute(
        "INSERT INTO maildrop (account, host, user) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        params![account, host, user],
    )?;
    let id = transaction.query_row(
        "SELECT id FROM maildrop WHERE account = ?1 AND host = ?2 AND user = ?3",
        params![account, host, user],
        |row| row.get(0),
    )?;
    Ok(MaildropId(id))
}

impl Archive {
    pub fn accounts(&self) -> Result<Vec<Account>> {
        let all = self.read(|connection| all(connection))?;
        Ok(all.into_iter().filter(|(_, removed)| !removed).map(|(account, _)| account).collect())
    }

    pub fn account(&self, address: &str) -> Result<Option<Account>> {
        let found = self.read(|connection| by_address(connection, address))?;
        Ok(found.filter(|(_, removed)| !removed).map(|(account, _)| account))
    }

    /// Adds an account. An address removed earlier with its mail kept comes back with that mail and its ledger.
    pub fn add_account(&self, new: &NewAccount) -> Result<Account> {
        self.write(|transaction| add(transaction, new))
    }

    pub fn change_account(&self, account: &Account) -> Result<()> {
        self.write(|transaction| match by_address(transaction, &account.address)? {
            Some((other, _)) if other.id != account.id => Err(ArchiveError::AccountExists(account.address.clone())),
            _ => update(transaction, account),
        })
    }

    /// Removes an account. With [`Mail::Erase`] its messages leave this archive for ever, in the same transaction, and
    /// its ledger with them.
    pub fn remove_account(&self, id: AccountId, mail: Mail) -> Result<()> {
        match mail {
            Mail::Keep => self.write(|transaction| remove(transaction, id)),
            Mail::Erase => {
                self.write(|transaction| erase::account(transaction, id))?;
                self.empty_journal();
                self.forget_erased()
            }
        }
    }

    /// A small string of the program's own, such as the window's size.
    pub fn setting(&self, key: &str) -> Result<Option<String>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT value FROM setting WHERE key = ?1")?;
            Ok(statement.query_row([key], |row| row.get(0)).optional()?)
        })
    }

    pub fn set_setting(&self, key: &str, value: &str) -> Result<()> {
        self.write(|transaction| {
            transaction.execute(
                "INSERT INTO setting (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2",
                [key, value],
            )?;
            Ok(())
        })
    }

    /// Opens an entry in the sync log, and the maildrop for the account's present host and user.
    pub fn begin_session(&self, account: &Account, now: Timestamp) -> Result<(SessionId, MaildropId)> {
        self.write(|transaction| {
            let there = transaction
                .query_row("SELECT 1 FROM account WHERE id = ?1 AND removed = 0", [account.id], |_| Ok(()))
                .optional()?;
            there.ok_or(ArchiveError::NoSuchAccount)?;
            let maildrop = maildrop(transaction, account.id, &account.server.host, &account.server.user)?;
            transaction.execute(
                "INSERT INTO session (account, maildrop, began) VALUES (?1, ?2, ?3)",
                params![account.id, maildrop.0, micros(now)],
            )?;
            Ok((SessionId(transaction.last_insert_rowid()), maildrop))
        })
    }

    pub fn end_session(&self, session: SessionId, outcome: &SessionOutcome, now: Timestamp) -> Result<()> {
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
            Ok(())
        })
    }

    /// The sync log, newest first.
    pub fn sessions(&self, limit: usize) -> Result<Vec<LoggedSession>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT account, began, ended, listed, retrieved, deleted, kept, failed, octets, problem
                 FROM session ORDER BY began DESC, id DESC LIMIT ?1",
            )?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let sessions = statement.query_map([limit], |row| {
                Ok((row.get(0)?, time(row.get(1)?), row.get::<_, Option<i64>>(2)?.map(time), outcome_of(row, 3)?))
            })?;
            Ok(sessions.collect::<rusqlite::Result<_>>()?)
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
