//! A fetch in process: the embedded server, an archive, an account, and the model that holds whatever goes wrong: every
//! mail that the server ever offered is stored here whole, or still there.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use postkeep::account::{Account, Digest, Retention, Security, Server as Place};
use postkeep::archive::{Archive, CopyState, NewAccount, SessionOutcome};
use postkeep::demo::{Options, Server};
use postkeep::fetch::{FetchError, Summary, Update, dry_run, run};
use postkeep::job::Cancel;
use secrecy::SecretString;

pub struct Rig {
    pub server: Server,
    pub archive: Archive,
    pub account: Account,
    /// All that the server ever had.
    pub offered: Vec<Vec<u8>>,
    pub folder: tempfile::TempDir,
}

pub type Ended = (SessionOutcome, Option<FetchError>);

/// A folder in memory where the system has one: what is tested here needs no disk.
pub fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.expect("a folder")
}

impl Rig {
    /// Over TLS.
    pub fn new(options: Options, retention: Retention) -> Rig {
        Rig::over(options, Security::Tls, retention)
    }

    pub fn over(options: Options, security: Security, retention: Retention) -> Rig {
        let server = Server::start(0, options.security(security)).expect("a server");
        let folder = folder();
        let archive = Archive::open(folder.path()).expect("an archive");
        let account = archive.add_account(&new_account(&server, security, retention)).expect("an account");
        let offered = server.messages();
        Rig { server, archive, account, offered, folder }
    }

    pub fn retain(&mut self, retention: Retention) {
        self.account.retention = retention;
        self.archive.change_account(&self.account).expect("changed");
    }

    pub fn mend(&self) {
        self.server.mend().expect("mended");
    }

    /// Puts these messages in place of all that the server has.
    pub fn replace(&mut self, messages: &[Vec<u8>]) {
        self.server.clear();
        messages.iter().for_each(|message| _ = self.server.add(message.clone()));
        self.offered = self.server.messages();
    }

    pub fn password(&self) -> SecretString {
        SecretString::from(self.server.password().to_owned())
    }

    pub async fn ahead(&self) -> Summary {
        dry_run(&self.archive, &self.account, &self.password(), &Cancel::new()).await.expect("a plan")
    }

    /// A fetch; the model holds after it, however it ended.
    pub async fn fetch(&self) -> Ended {
        self.fetch_with(&Cancel::new(), &mut |_| {}).await
    }

    pub async fn fetch_with(&self, cancel: &Cancel, on_update: &mut (dyn FnMut(Update) + Send)) -> Ended {
        let ended = run(&self.archive, &self.account, &self.password(), cancel, on_update).await;
        self.nothing_is_lost();
        ended
    }

    /// A fetch that does what the look ahead said. Answers (retrieved, deleted).
    pub async fn as_planned(&self) -> (u64, u64) {
        let ahead = self.ahead().await;
        let outcome = done(self.fetch().await);
        assert_eq!((ahead.listed, ahead.new), (outcome.listed, outcome.retrieved), "{ahead:?} {outcome:?}");
        let removed = if ahead.removes { ahead.removable + ahead.new_removable } else { 0 };
        assert_eq!(removed, outcome.deleted, "{ahead:?} {outcome:?}");
        (outcome.retrieved, outcome.deleted)
    }

    /// The digests of all that is stored, in order.
    pub fn stored(&self) -> Vec<Digest> {
        let mut digests: Vec<_> =
            self.archive.every_stored().expect("readable").iter().map(|stored| stored.digest).collect();
        digests.sort();
        digests
    }

    /// The digests of all that the server has now, in order.
    pub fn on_server(&self) -> Vec<Digest> {
        digests(&self.server.messages())
    }

    /// The model, for as many copies of a mail as there were.
    #[track_caller]
    pub fn nothing_is_lost(&self) {
        let mut safe: HashMap<Digest, usize> = HashMap::new();
        for digest in self.stored().into_iter().chain(self.on_server()) {
            *safe.entry(digest).or_default() += 1;
        }
        for (at, message) in self.offered.iter().enumerate() {
            match safe.get_mut(&Digest::of(message)) {
                Some(left @ 1..) => *left -= 1,
                _ => panic!("message {} is neither stored nor on the server", at + 1),
            }
        }
    }

    /// What the ledger calls stored is what the server offered, whole.
    #[track_caller]
    pub fn the_ledger_vouches_for_nothing_cut(&self, case: &str) {
        let maildrop = self.archive.maildrop(&self.account).expect("readable").expect("a maildrop");
        let ledger = self.archive.ledger(maildrop).expect("readable");
        let offered: HashSet<&[u8]> = self.offered.iter().map(Vec::as_slice).collect();
        for row in ledger.iter().filter(|row| row.state == CopyState::Stored) {
            let id = row.message.expect("a message");
            let bytes = self.archive.original(id).expect("readable").expect("stored");
            assert!(offered.contains(bytes.as_slice()), "{case}: {}", bytes.escape_ascii());
        }
    }

    /// Everything is stored once, and nothing else is.
    #[track_caller]
    pub fn all_stored_once(&self) {
        assert_eq!(self.stored(), digests(&self.offered));
    }
}

/// The account that the embedded server serves.
pub fn new_account(server: &Server, security: Security, retention: Retention) -> NewAccount {
    let place = Place {
        host: server.host().to_owned(),
        port: server.address().port(),
        security,
        user: server.user().to_owned(),
        ca_file: Some(server.ca_file()),
    };
    let address = server.user().to_owned();
    NewAccount { address, server: place, name: String::new(), retention, password_command: None }
}

fn digests(messages: &[Vec<u8>]) -> Vec<Digest> {
    let mut digests: Vec<_> = messages.iter().map(|message| Digest::of(message)).collect();
    digests.sort();
    digests
}

/// The outcome of a fetch that came to its end.
#[track_caller]
pub fn done((outcome, error): Ended) -> SessionOutcome {
    assert!(error.is_none(), "{error:?}");
    outcome
}
