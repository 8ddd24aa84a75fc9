//! What several screens show of the open archive: accounts, counts, the last backup, running fetches. Lent to them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::account::{Account, AccountId};
use crate::archive::{Archive, Counts, Result, View};
use crate::job::Progress;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Library {
    pub accounts: Vec<Account>,
    pub counts: Counts,
    /// Where the last verified backup lies, and when it was verified.
    pub last_backup: Option<(PathBuf, Timestamp)>,
    /// The fetches that run, and how far each has come.
    pub fetching: BTreeMap<AccountId, Progress>,
    /// The sample mailbox, not the user's own mail.
    pub sample: bool,
    /// There is an archive of the user's own to go back to from the sample.
    pub can_leave: bool,
}

/// The part of a [`Library`] that is read from the archive.
#[derive(Clone, Debug)]
pub struct Stock {
    pub accounts: Vec<Account>,
    pub counts: Counts,
    pub last_backup: Option<(PathBuf, Timestamp)>,
}

impl Stock {
    /// Reads it. Blocks on the disk.
    ///
    /// # Errors
    /// When the archive cannot be read.
    pub fn read(archive: &Archive) -> Result<Stock> {
        Ok(Stock { accounts: archive.accounts()?, counts: archive.counts()?, last_backup: archive.last_backup()? })
    }
}

impl Library {
    pub fn restock(&mut self, stock: Stock) {
        self.accounts = stock.accounts;
        self.counts = stock.counts;
        self.last_backup = stock.last_backup;
    }

    pub fn account(&self, id: AccountId) -> Option<&Account> {
        self.accounts.iter().find(|account| account.id == id)
    }

    /// What an account is called: its name, or its address.
    pub fn name(&self, id: AccountId) -> &str {
        self.account(id).map_or("", |account| if account.name.is_empty() { &account.address } else { &account.name })
    }

    /// How many messages an account has.
    pub fn count_of(&self, id: AccountId) -> u64 {
        self.counts.accounts.iter().find(|(account, _)| *account == id).map_or(0, |(_, count)| *count)
    }

    /// How many messages a view has.
    pub fn count_in(&self, view: View) -> u64 {
        match view {
            View::All => self.counts.all,
            View::Unread => self.counts.unread,
            View::Starred => self.counts.starred,
            View::Account(id) => self.count_of(id),
            View::Bin => self.counts.bin,
        }
    }

    /// A view's name over the list.
    pub fn title(&self, view: View) -> &str {
        match view {
            View::All => "All mail",
            View::Unread => "Unread",
            View::Starred => "Starred",
            View::Account(id) => self.name(id),
            View::Bin => "Bin",
        }
    }

    /// The accounts whose "Leave a copy" switch the card shows: the one chosen, else each.
    pub fn switched(&self, view: View) -> Vec<&Account> {
        match view {
            View::Account(id) => self.account(id).into_iter().collect(),
            _ => self.accounts.iter().collect(),
        }
    }
}
