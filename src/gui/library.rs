//! What several screens show of the open archive: accounts, counts, the last backup, running fetches. Lent to them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::account::{Account, AccountId};
use crate::archive::{Archive, Awaited, Counts, MaildropState, Result, View};
use crate::fetch::Due;
use crate::gui::words::count;
use crate::job::Progress;
use crate::message;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Library {
    pub accounts: Vec<Account>,
    pub counts: Counts,
    /// The counts are on their way.
    pub uncounted: bool,
    /// Where the last verified backup lies, and when it was verified.
    pub last_backup: Option<(PathBuf, Timestamp)>,
    pub health: Health,
    /// What is known of the mailbox of each account that was visited.
    pub standing: BTreeMap<AccountId, MaildropState>,
    /// Messages that wait on their servers.
    pub waiting: Vec<Waiting>,
    /// The fetches that run, and how far each has come.
    pub fetching: BTreeMap<AccountId, Progress>,
    /// When each account is visited next by itself.
    pub due: BTreeMap<AccountId, Due>,
    /// The sample mailbox, not the user's own mail.
    pub sample: bool,
    /// There is an archive of the user's own to go back to from the sample.
    pub can_leave: bool,
}

/// What reading the archive again, a share a day, has shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Messages that are not what was stored.
    pub damaged: u64,
    /// When all mail had been read and compared last.
    pub read: Option<Timestamp>,
}

impl Health {
    fn read(archive: &Archive) -> Result<Health> {
        let damaged = archive.found_damaged()?.len() as u64;
        Ok(Health { damaged, read: archive.last_read()?.map(|(_, ended)| ended) })
    }
}

/// A message of which only the header section is here.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub awaited: Awaited,
    pub sender: String,
    pub subject: String,
    pub date: Option<Timestamp>,
}

impl Waiting {
    /// Reads the header section.
    pub fn new(awaited: Awaited) -> Waiting {
        let envelope = message::envelope(&awaited.header);
        let sender = message::called(&envelope.from.name, &envelope.from.address).to_owned();
        Waiting { awaited, sender, subject: envelope.subject, date: envelope.date }
    }
}

/// The part of a [`Library`] that is read from the archive.
#[derive(Clone, Debug, Default)]
pub struct Stock {
    pub accounts: Vec<Account>,
    pub counts: Counts,
    /// The counts were not read yet: see [`Stock::first`].
    pub uncounted: bool,
    pub last_backup: Option<(PathBuf, Timestamp)>,
    pub health: Health,
    pub standing: BTreeMap<AccountId, MaildropState>,
    pub waiting: Vec<Waiting>,
}

impl Stock {
    /// Reads it. Blocks on the disk.
    ///
    /// # Errors
    /// When the archive cannot be read.
    pub fn read(archive: &Archive) -> Result<Stock> {
        Ok(Stock { counts: archive.counts()?, uncounted: false, ..Stock::first(archive)? })
    }

    /// All but the counts, for which every message has to be looked at: the window does not wait for them.
    ///
    /// # Errors
    /// When the archive cannot be read.
    pub fn first(archive: &Archive) -> Result<Stock> {
        let accounts = archive.accounts()?;
        let now = Timestamp::now();
        let mut standing = BTreeMap::new();
        for account in &accounts {
            if let Some(maildrop) = archive.maildrop(account)? {
                standing.insert(account.id, archive.maildrop_state(maildrop, now)?);
            }
        }
        let waiting = archive.awaited()?.into_iter().map(Waiting::new).collect();
        let (last_backup, health) = (archive.last_backup()?, Health::read(archive)?);
        // An archive without any message has nothing to be counted.
        let uncounted = !archive.is_empty()?;
        Ok(Stock { accounts, counts: Counts::default(), uncounted, last_backup, health, standing, waiting })
    }
}

impl Library {
    pub fn restock(&mut self, stock: Stock) {
        self.accounts = stock.accounts;
        self.counts = stock.counts;
        self.uncounted = stock.uncounted;
        self.last_backup = stock.last_backup;
        self.health = stock.health;
        self.standing = stock.standing;
        self.waiting = stock.waiting;
    }

    /// Whether the user agreed, on this computer, to removals from the account's mailbox.
    pub fn agreed(&self, id: AccountId) -> bool {
        self.standing.get(&id).is_some_and(|standing| standing.agreed)
    }

    /// Accounts that are to remove mail from a mailbox for which nobody agreed to it on this computer.
    pub fn newcomers(&self) -> impl Iterator<Item = &Account> {
        self.accounts.iter().filter(|account| !account.retention.leaves_copy() && !self.agreed(account.id))
    }

    /// Accounts whose server refused the login, and which are not tried again before the user acts.
    pub fn refused(&self) -> impl Iterator<Item = &Account> {
        let refused = |account: &&Account| self.standing.get(&account.id).is_some_and(|known| known.login_refused);
        self.accounts.iter().filter(refused)
    }

    /// Octets that wait on servers, as far as they are known.
    pub fn octets_waiting(&self) -> u64 {
        self.waiting.iter().filter_map(|waiting| waiting.awaited.octets).sum()
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

    /// A number of the counts as it is shown; nothing while they are on their way.
    pub fn shown(&self, number: u64) -> String {
        if self.uncounted { String::new() } else { count(number) }
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use jiff::Timestamp;

    use super::Stock;
    use crate::archive::{Archive, Emptying, Incoming, Marks, Origin, View};
    use crate::job::Cancel;

    /// Steps of SQLite's machine for what is read before the first frame, of an archive of so many messages.
    fn steps_to_the_first_frame(messages: usize) -> u64 {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::open(folder.path()).unwrap();
        let incoming = |number: usize| Incoming {
            bytes: format!("From: anna@example.org\r\nSubject: {number}\r\n\r\nHello {number}\r\n").into_bytes(),
            arrived: Timestamp::from_second(1_700_000_000 + number as i64).unwrap(),
            marks: Marks::default(),
            from: Origin::File { account: None },
        };
        archive.ingest((0..messages).map(incoming).collect()).unwrap();
        archive.index_pending(&Cancel::new(), &mut |_| {}).unwrap();
        let steps = archive.count_steps();
        let stock = Stock::first(&archive).unwrap();
        assert!(stock.uncounted && stock.health.damaged == 0);
        let newest = archive.newest(View::All, 20).unwrap();
        assert_eq!(archive.rows(&newest).unwrap().len(), 20);
        archive.empty_bin(Emptying::Due(Timestamp::now()), &Cancel::new(), &mut |_| {}).unwrap();
        steps.load(Ordering::Relaxed)
    }

    #[test]
    fn nothing_before_the_first_frame_looks_at_all_mail() {
        let (few, many) = (steps_to_the_first_frame(20), steps_to_the_first_frame(1_000));
        assert!(few > 100 && many < few + 100, "{few} steps for 20 messages, {many} for 1,000");
    }
}
