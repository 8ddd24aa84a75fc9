//! The storing half of a fetch, on threads of its own so that neither disk nor index holds up the session: one commits
//! batches, one indexes behind it.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::mpsc as blocking;

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::{FetchError, Update};
use crate::account::{AccountId, MessageId};
use crate::archive::{Archive, ArchiveError, Incoming, Ingested, ListedMessage, MaildropId, Marks, Origin, SessionId};
use crate::job::Cancel;
use crate::message;

/// Free space that must remain beyond the mail itself, in octets: the log of SQLite, the index, other programs.
pub const RESERVE: u64 = 64 << 20;

/// A message retrieved whole, on its way into the archive.
pub struct Parcel {
    pub listed: ListedMessage,
    pub octets: Vec<u8>,
}

impl Parcel {
    /// Perhaps cut short, or behind an answer that nobody asked for.
    fn is_doubtful(&self) -> bool {
        self.is_misplaced() || self.listed.octets.is_some_and(|listed| (self.octets.len() as u64) < listed)
    }

    /// Begins with a status line: a status line that nobody asked for came before it, and what looked like the start of
    /// this answer was none (fault 29).
    fn is_misplaced(&self) -> bool {
        [&b"+OK"[..], b"-ERR"].iter().any(|status| self.octets.starts_with(status))
    }
}

/// What a batch is stored under.
#[derive(Clone)]
pub struct Visit {
    pub account: AccountId,
    /// The account's own address.
    pub address: Arc<str>,
    pub session: SessionId,
    pub maildrop: MaildropId,
}

/// What was committed, and the error that ended it early if one did.
#[derive(Default)]
pub struct Committed {
    pub messages: Vec<ListedMessage>,
    /// The numbers of those that came with fewer octets than LIST gives, or with a status line in front, and came so for
    /// the first time: perhaps not what the server has, and not to be removed before the same bytes came again.
    pub doubtful: HashSet<u32>,
    /// Those of them that the next visit retrieves again, whatever is to become of them.
    pub misplaced: Vec<ListedMessage>,
    pub error: Option<FetchError>,
}

/// Commits batches in the order they come and indexes behind that. `updates` hears of what can be shown.
pub struct Store {
    batches: Option<mpsc::Sender<Vec<Parcel>>>,
    committer: Option<tokio::task::JoinHandle<Committed>>,
    indexer: tokio::task::JoinHandle<()>,
}

impl Store {
    pub fn start(archive: Archive, visit: Visit, updates: mpsc::UnboundedSender<Update>) -> Store {
        // One batch waits while one is written: memory stays bounded, the session is slowed down when the disk is slow.
        let (batches, inbox) = mpsc::channel(1);
        let (to_index, committed) = blocking::channel();
        let indexing = archive.clone();
        let indexer = tokio::task::spawn_blocking(move || index_all(&indexing, &committed, &updates));
        let committer = tokio::task::spawn_blocking(move || commit_all(&archive, &visit, inbox, &to_index));
        Store { batches: Some(batches), committer: Some(committer), indexer }
    }

    /// Hands a batch over; waits while the disk is behind. `false`: the committer has failed, [`Store::commits`] says why.
    pub async fn put(&mut self, batch: Vec<Parcel>) -> bool {
        match &self.batches {
            Some(batches) => batches.send(batch).await.is_ok(),
            None => false,
        }
    }

    /// Waits until everything handed over is committed; answers what was. Nothing can be handed over afterwards. May be
    /// dropped and called again until it has answered.
    pub async fn commits(&mut self) -> Committed {
        tracing::debug!(phase = "retrieved all");
        self.batches = None;
        let Some(committer) = &mut self.committer else { return Committed::default() };
        let committed = committer.await;
        self.committer = None;
        committed.unwrap_or_else(|_| Committed { error: Some(FetchError::Internal), ..Committed::default() })
    }

    /// Waits until everything committed can be searched. The session with the server need not wait for it (quirk 64).
    pub async fn indexed(self) -> Result<(), FetchError> {
        self.indexer.await.map_err(|_| FetchError::Internal)
    }
}

fn commit_all(
    archive: &Archive,
    visit: &Visit,
    mut inbox: mpsc::Receiver<Vec<Parcel>>,
    to_index: &blocking::Sender<Vec<MessageId>>,
) -> Committed {
    let mut done = Committed::default();
    while let Some(batch) = inbox.blocking_recv() {
        tracing::trace!(phase = "batch taken");
        match commit(archive, visit, batch, &mut done) {
            Ok(added) => _ = to_index.send(added),
            Err(error) => {
                done.error = Some(error);
                break;
            }
        }
    }
    done
}

fn commit(
    archive: &Archive,
    visit: &Visit,
    batch: Vec<Parcel>,
    done: &mut Committed,
) -> Result<Vec<MessageId>, FetchError> {
    let octets: u64 = batch.iter().map(|parcel| parcel.octets.len() as u64).sum();
    require_space(archive, octets)?;
    let numbers = |is: fn(&Parcel) -> bool| -> HashSet<u32> {
        batch.iter().filter(|parcel| is(parcel)).map(|parcel| parcel.listed.number).collect()
    };
    let (doubtful, misplaced) = (numbers(Parcel::is_doubtful), numbers(Parcel::is_misplaced));
    let (listed, incoming): (Vec<_>, Vec<_>) = batch.into_iter().map(|parcel| incoming(visit, parcel)).unzip();
    tracing::debug!(phase = "commit", messages = listed.len());
    let ingested = archive.ingest(incoming).map_err(|error| match error {
        // The check before the commit can be overtaken by other programs' writes.
        ArchiveError::DiskFull { .. } => FetchError::DiskFull { missing: missing_space(archive, octets).max(octets) },
        other => other.into(),
    })?;
    tracing::debug!(phase = "committed");
    let first_time = listed.iter().zip(&ingested).filter(|(_, ingested)| !matches!(ingested, Ingested::AlreadyHere(_)));
    for (message, _) in first_time.filter(|(message, _)| doubtful.contains(&message.number)) {
        done.doubtful.insert(message.number);
        done.misplaced.extend(misplaced.contains(&message.number).then(|| message.clone()));
    }
    done.messages.extend(listed);
    Ok(ingested.into_iter().filter_map(shown).collect())
}

fn incoming(visit: &Visit, parcel: Parcel) -> (ListedMessage, Incoming) {
    let from = Origin::Maildrop {
        session: visit.session,
        maildrop: visit.maildrop,
        account: visit.account,
        uidl: parcel.listed.uidl.clone(),
        ordinal: parcel.listed.ordinal,
        octets: parcel.listed.octets,
    };
    let marks = Marks { read: is_from(&parcel.octets, &visit.address), ..Marks::default() };
    (parcel.listed, Incoming { bytes: parcel.octets, arrived: Timestamp::now(), marks, from })
}

/// Whether a message was sent by its own reader to others: some servers list sent mail too, which is no news (quirk 89).
fn is_from(octets: &[u8], address: &str) -> bool {
    let envelope = message::envelope(octets);
    let is_own = |mailbox: &message::Mailbox| mailbox.address.eq_ignore_ascii_case(address);
    is_own(&envelope.from) && !envelope.to.iter().chain(&envelope.cc).any(is_own)
}

fn shown(ingested: Ingested) -> Option<MessageId> {
    match ingested {
        Ingested::Added(id) => Some(id),
        Ingested::AlreadyHere(_) | Ingested::Twin { .. } => None,
    }
}

/// Indexes after each commit until the committer is done. An index that fails is no reason to stop fetching: it is
/// rebuilt from the mail whenever the archive is opened.
fn index_all(
    archive: &Archive,
    committed: &blocking::Receiver<Vec<MessageId>>,
    updates: &mpsc::UnboundedSender<Update>,
) {
    while let Ok(mut added) = committed.recv() {
        added.extend(committed.try_iter().flatten());
        tracing::debug!(phase = "index", messages = added.len());
        match archive.index_pending(&Cancel::new(), &mut |_| {}) {
            Ok(_) => _ = updates.send(Update::Arrived(added)),
            Err(error) => tracing::warn!(%error, "indexing failed"),
        }
        tracing::debug!(phase = "indexed");
    }
}

/// Whether the disk has room for `octets` more of mail: twice that (SQLite writes a message into its log first) and the
/// reserve.
pub fn require_space(archive: &Archive, octets: u64) -> Result<(), FetchError> {
    match missing_space(archive, octets) {
        0 => Ok(()),
        missing => Err(FetchError::DiskFull { missing }),
    }
}

/// How many octets are missing for `octets` more of mail; 0 when there is room, or when the system does not say.
pub fn missing_space(archive: &Archive, octets: u64) -> u64 {
    let needed = octets.saturating_mul(2).saturating_add(RESERVE);
    archive.free_space().map_or(0, |free| needed.saturating_sub(free))
}
