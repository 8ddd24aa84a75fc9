//! Accounts, the program's own small settings, and the sync log.

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

use super::columns::{count, uncount};
use super::error::{ArchiveError, Result};
use super::{Archive, Mail, MaildropId, NewAccount, erase};
use crate::account::{Account, AccountId, Fetching, Security, Server};

const COLUMNS: &str = "id, address, host, port, security, user, ca_file, name, retention, password_command,
    every, weak_link, headers_over, budget";
/// The column of `removed` behind those.
const REMOVED: usize = 14;

pub(super) fn account_of(row: &Row<'_>) -> rusqlite::Result<Account> {
    let security: String = row.get(4)?;
    let retention: String = row.get(8)?;
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
        // A word of a later version removes nothing.
        retention: retention.parse().unwrap_or_default(),
        fetching: Fetching {
            every: row.get(10)?,
            weak_link: row.get(11)?,
            headers_over: row.get::<_, Option<i64>>(12)?.map(uncount),
            budget: row.get::<_, Option<i64>>(13)?.map(uncount),
        },
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
        .query_row([folded(address)], |row| Ok((account_of(row)?, row.get(REMOVED)?)))
        .optional()?;
    Ok(found)
}

fn by_id(connection: &Connection, id: AccountId) -> Result<Option<Account>> {
    let sql = format!("SELECT {COLUMNS} FROM account WHERE id = ?1");
    Ok(connection.prepare_cached(&sql)?.query_row([id], account_of).optional()?)
}

fn agree(transaction: &Transaction<'_>, account: &Account) -> Result<()> {
    let maildrop = maildrop(transaction, account.id, &account.server.host, &account.server.user)?;
    transaction.execute("UPDATE maildrop SET agreed = 1 WHERE id = ?1", [maildrop.0])?;
    Ok(())
}

fn has_agreed(transaction: &Transaction<'_>, account: &Account) -> Result<bool> {
    let maildrop = maildrop(transaction, account.id, &account.server.host, &account.server.user)?;
    Ok(transaction.query_row("SELECT agreed FROM maildrop WHERE id = ?1", [maildrop.0], |row| row.get(0))?)
}

fn disagree(transaction: &Transaction<'_>, id: AccountId) -> Result<()> {
    transaction.execute("UPDATE maildrop SET agreed = 0 WHERE account = ?1", [id])?;
    Ok(())
}

/// Writes every column of an account that is there.
pub(super) fn update(transaction: &Transaction<'_>, account: &Account) -> Result<()> {
    let (server, fetching) = (&account.server, &account.fetching);
    let changed = transaction.execute(
        "UPDATE account SET address = ?2, folded = ?3, host = ?4, port = ?5, security = ?6, user = ?7, ca_file = ?8,
             name = ?9, retention = ?10, password_command = ?11, every = ?12, weak_link = ?13, headers_over = ?14,
             budget = ?15, removed = 0 WHERE id = ?1",
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
            account.retention.to_string(),
            account.password_command,
            fetching.every,
            fetching.weak_link,
            fetching.headers_over.map(count),
            fetching.budget.map(count),
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
                "INSERT INTO account (address, folded, host, port, security, user, name)
                 VALUES (?1, ?2, '', 0, 'tls', '', '')",
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
        fetching: Fetching::default(),
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
    let accounts = statement.query_map([], |row| Ok((account_of(row)?, row.get(REMOVED)?)))?;
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

    /// Adds an account. An address removed earlier with its mail kept comes back with that mail and its ledger. Whoever
    /// adds one that does not leave copies has asked the user: removals from this maildrop are agreed to.
    pub fn add_account(&self, new: &NewAccount) -> Result<Account> {
        self.write(|transaction| {
            let account = add(transaction, new)?;
            if !account.retention.leaves_copy() {
                agree(transaction, &account)?;
            }
            Ok(account)
        })
    }

    /// Changes an account. Whoever changes its retention has asked the user, as in [`Archive::add_account`]. Another
    /// host or user is another maildrop, from which nothing is removed before that is agreed to as well.
    pub fn change_account(&self, account: &Account) -> Result<()> {
        self.write(|transaction| {
            match by_address(transaction, &account.address)? {
                Some((other, _)) if other.id != account.id => {
                    return Err(ArchiveError::AccountExists(account.address.clone()));
                }
                _ => {}
            }
            let before = by_id(transaction, account.id)?.ok_or(ArchiveError::NoSuchAccount)?;
            update(transaction, account)?;
            if account.retention.leaves_copy() {
                return disagree(transaction, account.id);
            }
            let same_maildrop = before.server.host.eq_ignore_ascii_case(&account.server.host)
                && before.server.user == account.server.user;
            if before.retention != account.retention || same_maildrop && has_agreed(transaction, account)? {
                agree(transaction, account)?;
            }
            Ok(())
        })
    }

    /// The user agrees, on this computer, that mail is removed from the account's maildrop as its retention says.
    pub fn agree_to_removal(&self, account: &Account) -> Result<()> {
        self.write(|transaction| agree(transaction, account))
    }

    /// The user says that the maildrop at the account's new host or user is the one it had before: what is known of its
    /// messages stays known, and nothing is fetched anew.
    pub fn same_maildrop(&self, account: &Account, before: &Server) -> Result<()> {
        self.write(|transaction| {
            let old = maildrop(transaction, account.id, &before.host, &before.user)?;
            let new = maildrop(transaction, account.id, &account.server.host, &account.server.user)?;
            if old == new {
                return Ok(());
            }
            transaction
                .execute("UPDATE OR IGNORE ledger SET maildrop = ?2 WHERE maildrop = ?1", params![old.0, new.0])?;
            transaction
                .execute("UPDATE OR IGNORE awaited SET maildrop = ?2 WHERE maildrop = ?1", params![old.0, new.0])?;
            transaction.execute(
                "UPDATE maildrop SET (age, last_visit, agreed) =
                     (SELECT age, last_visit, agreed FROM maildrop AS old WHERE old.id = ?1) WHERE id = ?2",
                params![old.0, new.0],
            )?;
            Ok(())
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
}
