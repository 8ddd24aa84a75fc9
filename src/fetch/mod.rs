//! The background worker that fetches: `plan` decides (pure), `run` does it, `worker` takes requests and gives events.

use futures::channel::mpsc;
use secrecy::SecretString;

use crate::account::{AccountId, MessageId};
use crate::archive::{Archive, SessionOutcome};
use crate::job::Progress;

/// What the window asks of the worker.
#[derive(Clone, Debug)]
pub enum Request {
    /// Fetch one account now.
    Fetch(AccountId),
    /// Fetch all, one after the other.
    FetchAll,
    /// Connect, list and plan, and change nothing: answered by [`Event::Planned`].
    DryRun(AccountId),
    /// Stop what runs for this account.
    Cancel(AccountId),
    /// The password that [`Event::PasswordWanted`] asked for, for this run of the program only.
    Password(AccountId, SecretString),
}

/// What the worker tells the window.
#[derive(Clone, Debug)]
pub enum Event {
    /// First of all: where to send requests.
    Ready(mpsc::UnboundedSender<Request>),
    Started(AccountId),
    /// At most ten times a second.
    Progress(AccountId, Progress),
    /// These messages are stored and indexed: the list can show them.
    Arrived(AccountId, Vec<MessageId>),
    /// Neither keyring nor password command had a password (or the server refused it): ask the user.
    PasswordWanted(AccountId),
    Planned(AccountId, Summary),
    /// The fetch ended; `outcome.problem` says why it ended early, if it did.
    Finished(AccountId, SessionOutcome, Option<std::sync::Arc<FetchError>>),
}

/// A plan in numbers, as the dry run shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub listed: u64,
    /// To be retrieved.
    pub new: u64,
    pub new_octets: u64,
    /// To be removed from the server now that "leave a copy" is off, or would be if it were turned off.
    pub removable: u64,
    /// Of those, how many are in a verified backup.
    pub removable_in_backup: u64,
}

/// Why a fetch ended early. Whatever it says, each message is still on the server or stored here.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error(transparent)]
    Transport(#[from] crate::transport::TransportError),
    #[error(transparent)]
    Archive(#[from] crate::archive::ArchiveError),
}

/// The worker as a stream of events; requests go to the sender that [`Event::Ready`] hands out. Dropping the stream
/// stops it at a safe point.
pub fn worker(_archive: Archive) -> impl futures::Stream<Item = Event> + Send + 'static {
    futures::stream::empty()
}
