//! The background worker that fetches: [`plan`] decides (pure), [`run`] does it, [`worker`] takes requests and gives
//! events. The only module that decides on DELE.
//!
//! A visit, in the order that keeps mail safe: log in → UIDL and LIST → plan → ledger → RETR → commit (bytes and
//! unique-id in one transaction, `synchronous=FULL`) → read back on another connection and hash → DELE → QUIT → ledger.
//! Cut or killed anywhere, each message is on the server, or stored here, or both.

mod ahead;
mod compare;
mod door;
mod listing;
mod plan;
mod receiving;
mod recognise;
mod removing;
mod run;
mod schedule;
mod store;
mod visit;
mod worker;

use std::sync::Arc;

use futures::channel::mpsc;
use secrecy::SecretString;

pub use self::ahead::dry_run;
pub use self::door::{Terms, earliest};
pub use self::plan::{LARGEST_MESSAGE, Plan, Policy, listing, plan};
pub use self::run::{run, run_on};
pub use self::schedule::{Due, Ended, Why};
pub use self::worker::{ThisComputer, World, worker, worker_in};
use crate::account::{AccountId, MessageId, Retention};
use crate::archive::{SessionOutcome, Withheld};
use crate::job::Progress;

/// What the window asks of the worker.
#[derive(Clone, Debug)]
pub enum Request {
    /// Fetch one account now; ignored while a fetch of it is running.
    Fetch(AccountId),
    /// Fetch every account now. A login that was refused before is not tried again by this.
    FetchAll,
    /// Connect, list and plan by this retention, and change nothing: answered by [`Event::Planned`].
    DryRun(AccountId, Retention),
    /// Stop what runs for this account. What was retrieved whole stays stored; nothing is removed from the server.
    Cancel(AccountId),
    /// The password that [`Event::PasswordWanted`] asked for, for this run of the program; the fetch then starts.
    Password(AccountId, SecretString),
    /// The account is new, was changed or was removed: its schedule follows.
    Changed(AccountId),
}

/// What the worker tells the window.
#[derive(Clone, Debug)]
pub enum Event {
    /// First of all: where to send requests.
    Ready(mpsc::UnboundedSender<Request>),
    Started(AccountId),
    /// At most ten times a second. Counts what is to be retrieved: messages, and octets as LIST gave them.
    Progress(AccountId, Progress),
    /// These messages are stored and indexed: the list can show them.
    Arrived(AccountId, Vec<MessageId>),
    /// There is no password for this account, or the server refused the one there is: ask the user.
    PasswordWanted(AccountId),
    /// The answer to [`Request::DryRun`].
    Planned(AccountId, Result<Summary, Arc<FetchError>>),
    /// The fetch ended; the error says why it ended early, if it did.
    Finished(AccountId, SessionOutcome, Option<Arc<FetchError>>),
    /// When the account is visited next by itself, and why then; told whenever that changes. `None`: a visit is going on,
    /// or the next one waits for the user ([`Request::Fetch`], [`Request::Password`], [`Request::Changed`]).
    Due(AccountId, Option<Due>),
}

/// What [`run`] tells while it runs.
#[derive(Clone, Debug)]
pub enum Update {
    /// The listing was compared with the ledger: this is what will be done.
    Planned(Summary),
    Progress(Progress),
    /// Stored and indexed.
    Arrived(Vec<MessageId>),
    /// So many messages are about to be removed from the server.
    Removing(u64),
}

/// A plan in numbers, as the dry run shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub listed: u64,
    /// To be retrieved.
    pub new: u64,
    /// Octets to be retrieved, as LIST gave them.
    pub new_octets: u64,
    /// Messages on the server that are to leave it by the account's retention and whose copy here was just read back and
    /// compared. Where nothing is removed ([`Summary::removes`]), what would be. [`Update::Planned`] comes before the
    /// read-back and counts those that are to be read back.
    pub removable: u64,
    /// Of those to be retrieved, how many leave the server once stored.
    pub new_removable: u64,
    /// Of `removable`, how many are in a verified backup.
    pub removable_in_backup: u64,
    /// Whether the next fetch removes them: the retention does, and nothing withholds it.
    pub removes: bool,
    /// Of what leaves the server, how many leave it because they were deleted here, whatever `removes` says.
    pub deleted_here: u64,
    /// Why nothing is removed though the retention would.
    pub withheld: Option<Withheld>,
    /// Known messages under new unique-ids: not fetched again.
    pub recognised: u64,
    /// Stored here already and retrieved once more, so that their bytes can be compared before they are removed.
    pub looked_at_again: u64,
    /// Left on the server because they are too large.
    pub too_large: u64,
    /// Left there for now: over the size that the account fetches unasked, or over what a visit may bring.
    pub waiting: u64,
    /// Left there because they were asked for in vain again and again.
    pub refused: u64,
    /// Left alone because they came back after the server had confirmed their removal.
    pub returned: u64,
}

/// Why a fetch ended early. Whatever it says, each message is still on the server or stored here.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The connection could not be made, was refused or went away, before anything was to be removed.
    #[error(transparent)]
    Transport(#[from] crate::transport::TransportError),
    /// The connection went away, or the server answered oddly, after the first DELE. Everything that was to be removed
    /// is stored here; what the server still has, the next visit tells.
    #[error("while removing messages from the server: {0}")]
    Removal(#[source] crate::transport::TransportError),
    /// The server answered QUIT with -ERR after DELEs: what it removed, the next visit tells.
    #[error("the server did not confirm the removal: {text}")]
    RemovalRefused { text: String },
    /// The archive refused a write, or could not be read.
    #[error(transparent)]
    Archive(#[from] crate::archive::ArchiveError),
    /// The keyring or the password command failed.
    #[error(transparent)]
    Secrets(#[from] crate::secrets::SecretsError),
    /// Neither keyring nor password command has a password, and nobody gave one.
    #[error("there is no password for this account")]
    NoPassword,
    /// The disk that holds the archive has too little room for what is to be retrieved. `missing` in octets.
    #[error("the disk has too little room: {missing} octets are missing")]
    DiskFull { missing: u64 },
    /// The server answers UIDL with -ERR: new mail cannot be told from old.
    #[error("the server gives no unique-ids")]
    NoUniqueIds,
    /// The server (or its provider) wants more time between two logins: it was not asked.
    #[error("the server wants more time between two logins, until {until}")]
    TooSoon { until: jiff::Timestamp },
    /// The server refused name or password at an earlier visit, and nothing was changed since: it was not asked.
    #[error("the login was refused before and is not tried again by itself")]
    RefusedBefore,
    /// The user stopped it.
    #[error(transparent)]
    Cancelled(#[from] crate::job::Cancelled),
    /// A thread of ours ended by a panic: a bug of this program.
    #[error("an internal thread ended unexpectedly")]
    Internal,
}
