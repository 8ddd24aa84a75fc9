//! A fetch in process against the scripted server, with the model that holds whatever goes wrong.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use postkeep::account::{Account, Digest, MessageId, Retention};
use postkeep::archive::{
    Archive, CopyState, LedgerEntry, LogEntry, MaildropId, MaildropState, NewAccount, SessionOutcome,
};
use postkeep::fetch::{FetchError, Summary, Terms, Update, dry_run, run_on};
use postkeep::job::Cancel;
use postkeep::problem::Problem;
use postkeep::transport::TransportError;
use secrecy::SecretString;

use crate::support::rig::folder;
use crate::support::scripted::{PASSWORD, Scripted, Table};

pub type Ended = (SessionOutcome, Option<FetchError>);

/// A server, an archive and an account.
pub struct Bench {
    pub server: Arc<Scripted>,
    pub archive: Archive,
    pub account: Account,
    pub password: String,
    pub terms: Terms,
    /// All that the server ever had when this computer fetched, as it sends it.
    pub offered: Mutex<Vec<Vec<u8>>>,
    pub folder: tempfile::TempDir,
}

/// A mail of this name.
pub fn mail(name: &str) -> Vec<u8> {
    format!("From: a@example.org\r\nSubject: {name}\r\n\r\nabout {name}\r\n").into_bytes()
}

/// So many mails.
pub fn mails(count: usize) -> Vec<Vec<u8>> {
    (1..=count).map(|number| mail(&format!("number {number}"))).collect()
}

pub fn terms() -> Terms {
    Terms { explain: |error| Problem::from(error).to_string(), ..Terms::default() }
}

impl Bench {
    /// Over mails `number 1`, `number 2`, ... with the unique-ids `u1`, `u2`, ...
    pub fn new(count: usize, retention: Retention, set: impl FnOnce(&mut Table)) -> Bench {
        Bench::of(&mails(count), retention, set)
    }

    pub fn of(mails: &[Vec<u8>], retention: Retention, set: impl FnOnce(&mut Table)) -> Bench {
        let mails: Vec<&[u8]> = mails.iter().map(Vec::as_slice).collect();
        let server = Scripted::serve(&mails, set);
        let account = server.account(retention);
        Bench::with(server, account)
    }

    pub fn with(server: Scripted, account: NewAccount) -> Bench {
        let folder = folder();
        let archive = Archive::open(folder.path()).expect("an archive");
        let account = archive.add_account(&account).expect("an account");
        let offered = Mutex::default();
        let server = Arc::new(server);
        Bench { server, archive, account, password: PASSWORD.to_owned(), terms: terms(), offered, folder }
    }

    /// Another computer that fetches from the same mailbox.
    pub fn second(&self, retention: Retention) -> Bench {
        let folder = folder();
        let archive = Archive::open(folder.path()).expect("an archive");
        let account = archive.add_account(&self.server.account(retention)).expect("an account");
        self.elsewhere(folder, archive, account)
    }

    /// The same mailbox seen from this archive.
    pub fn elsewhere(&self, folder: tempfile::TempDir, archive: Archive, account: Account) -> Bench {
        let (server, offered) = (Arc::clone(&self.server), Mutex::default());
        Bench { server, archive, account, password: self.password.clone(), terms: terms(), offered, folder }
    }

    pub fn retain(&mut self, retention: Retention) {
        self.account.retention = retention;
        self.archive.change_account(&self.account).expect("changed");
    }

    pub fn change(&mut self, change: impl FnOnce(&mut Account)) {
        change(&mut self.account);
        self.archive.change_account(&self.account).expect("changed");
    }

    pub fn secret(&self) -> SecretString {
        SecretString::from(self.password.clone())
    }

    pub async fn ahead(&self) -> Summary {
        self.try_ahead().await.expect("a plan")
    }

    pub async fn try_ahead(&self) -> Result<Summary, FetchError> {
        dry_run(&self.archive, &self.account, &self.secret(), &Cancel::new()).await
    }

    /// A fetch; the model holds after it, however it ended.
    #[track_caller]
    pub fn fetch(&self) -> impl Future<Output = Ended> {
        self.fetch_with(Cancel::new(), |_| {})
    }

    pub async fn fetch_with(&self, cancel: Cancel, mut on_update: impl FnMut(Update) + Send) -> Ended {
        self.note_offered();
        let ended = run_on(&self.archive, &self.account, &self.secret(), &self.terms, &cancel, &mut on_update).await;
        self.nothing_is_lost();
        ended
    }

    /// A fetch that came to its end.
    pub async fn done(&self) -> SessionOutcome {
        let (outcome, error) = self.fetch().await;
        assert!(error.is_none(), "{error:?} {outcome:?}");
        outcome
    }

    /// A fetch that does what the look ahead says, which itself changes nothing. Answers (retrieved, deleted).
    pub async fn as_planned(&self) -> (u64, u64) {
        let before = (self.server.mails().len(), self.ledger());
        let ahead = self.ahead().await;
        assert_eq!((self.server.mails().len(), self.ledger()), before, "a look ahead changes nothing");
        let outcome = self.done().await;
        assert_eq!((ahead.listed, ahead.new), (outcome.listed, outcome.retrieved), "{ahead:?} {outcome:?}");
        let removed = if ahead.removes { ahead.removable + ahead.new_removable } else { ahead.deleted_here };
        assert_eq!(removed, outcome.deleted, "{ahead:?} {outcome:?} {:?}", self.log());
        (outcome.retrieved, outcome.deleted)
    }

    /// A fetch that must fail.
    pub async fn fails(&self) -> FetchError {
        let (outcome, error) = self.fetch().await;
        error.unwrap_or_else(|| panic!("{outcome:?}"))
    }

    /// A fetch that must fail at the connection.
    pub async fn breaks(&self) -> TransportError {
        match self.fails().await {
            FetchError::Transport(error) | FetchError::Removal(error) => error,
            other => panic!("{other:?}"),
        }
    }

    pub fn maildrop(&self) -> Option<MaildropId> {
        self.archive.maildrop(&self.account).expect("readable")
    }

    pub fn state(&self) -> MaildropState {
        let maildrop = self.maildrop().expect("a maildrop");
        self.archive.maildrop_state(maildrop, jiff::Timestamp::now()).expect("readable")
    }

    pub fn ledger(&self) -> Vec<LedgerEntry> {
        self.maildrop().map(|maildrop| self.archive.ledger(maildrop).expect("readable")).unwrap_or_default()
    }

    /// The row of this unique-id.
    #[track_caller]
    pub fn row(&self, uidl: &str) -> LedgerEntry {
        let found = self.ledger().into_iter().find(|row| row.uidl.as_bytes() == uidl.as_bytes());
        found.unwrap_or_else(|| panic!("no row {uidl}"))
    }

    pub fn in_state(&self, state: CopyState) -> usize {
        self.ledger().iter().filter(|row| row.state == state).count()
    }

    /// What the log says of the last visit.
    pub fn log(&self) -> Vec<LogEntry> {
        self.archive.sessions(1).expect("readable").pop().map(|session| session.entries).unwrap_or_default()
    }

    /// The digests of all that is stored, in order.
    pub fn stored(&self) -> Vec<Digest> {
        let stored = self.archive.every_stored().expect("readable");
        let mut digests: Vec<_> = stored.iter().map(|stored| stored.digest).collect();
        digests.sort();
        digests
    }

    /// How many messages a list shows.
    pub fn shown(&self) -> u64 {
        self.archive.counts().expect("counted").all
    }

    /// The message of this row.
    #[track_caller]
    pub fn id(&self, uidl: &str) -> MessageId {
        self.row(uidl).message.expect("a message")
    }

    pub fn bytes(&self, uidl: &str) -> Vec<u8> {
        self.archive.original(self.id(uidl)).expect("readable").expect("stored")
    }

    /// What the server has from now on, its unique-ids as they were.
    fn note_offered(&self) {
        let mut offered = self.offered.lock().expect("a list");
        let mut known: HashMap<Vec<u8>, usize> = HashMap::new();
        offered.iter().for_each(|mail| *known.entry(mail.clone()).or_default() += 1);
        for mail in self.server.mails() {
            match known.get_mut(&mail) {
                Some(left @ 1..) => *left -= 1,
                _ => offered.push(mail),
            }
        }
    }

    /// Every mail that the server ever had is stored here whole, or still there.
    #[track_caller]
    pub fn nothing_is_lost(&self) {
        let mut safe: HashMap<Digest, usize> = HashMap::new();
        let there = self.server.mails();
        for digest in self.stored().into_iter().chain(there.iter().map(|mail| Digest::of(mail))) {
            *safe.entry(digest).or_default() += 1;
        }
        for mail in self.offered.lock().expect("a list").iter() {
            match safe.get_mut(&Digest::of(mail)) {
                Some(left @ 1..) => *left -= 1,
                _ => panic!("neither stored nor on the server: {}", mail.escape_ascii()),
            }
        }
    }

    /// From now on the model asks only for what the server has now: the rest went another way.
    pub fn forget_offered(&self) {
        self.offered.lock().expect("a list").clear();
    }

    /// Runs SQL on the closed truth, as time or another program would change it.
    pub fn sql(&self, sql: &str) {
        let connection = rusqlite::Connection::open(self.folder.path().join("mail.db")).expect("opened");
        connection.busy_timeout(std::time::Duration::from_secs(5)).expect("set");
        connection.execute_batch(sql).expect("done");
    }

    /// So many days go by on the clock since the last visit.
    pub fn days_pass(&self, days: i64) {
        self.sql(&format!("UPDATE maildrop SET last_visit = last_visit - {} ", days * 24 * 3_600_000_000));
    }

    /// Mailbox time moves on, as many visits would move it.
    pub fn age_by(&self, days: i64) {
        self.sql(&format!("UPDATE maildrop SET age = age + {}", days * 24 * 3600));
    }
}
