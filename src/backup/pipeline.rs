//! The way of an import: one thread reads, two store; when all is stored it is indexed.
//!
//! Indexing takes several times the work of storing. Done beside it, it would only keep back what counts: that the mail
//! is safe. What is stored and not indexed yet, when an import is stopped, is indexed by whatever comes next.
//!
//! Storing is done by two threads because of what [`Archive::ingest`] does before its transaction (hashing) and in it
//! (waiting for the disk): while the one waits the other hashes. Each batch is one transaction with `synchronous=FULL`
//! and is there whole or not at all; which of two batches comes first does not matter, as each message is looked up in
//! its own transaction. At most [`STORERS`] + 2 batches are in memory.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::{BackupError, Result};
use crate::archive::{Archive, ArchiveError, Incoming, Ingested};
use crate::job::{Cancel, Cancelled, Progress, Report, unless_cancelled};

const STORERS: usize = 2;

/// A commit costs the disk more than a message: so many go into one, or so many octets.
const MESSAGES: usize = 4096;
const OCTETS: usize = 10 << 20;

/// How many messages were stored and how many were here before.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub added: u64,
    pub already_here: u64,
}

impl Counts {
    pub fn count(&mut self, ingested: &[Ingested]) {
        for each in ingested {
            match each {
                Ingested::Added(_) | Ingested::Twin { .. } => self.added += 1,
                Ingested::AlreadyHere(_) => self.already_here += 1,
            }
        }
    }
}

/// What is read, on its way to be stored.
pub struct Queue<'a> {
    batches: SyncSender<Vec<Incoming>>,
    waiting: Vec<Incoming>,
    octets: usize,
    stop: &'a Cancel,
}

impl Queue<'_> {
    pub fn add(&mut self, incoming: Incoming) -> Result<()> {
        self.octets += incoming.bytes.len();
        self.waiting.push(incoming);
        if self.waiting.len() >= MESSAGES || self.octets >= OCTETS { self.send() } else { Ok(()) }
    }

    fn send(&mut self) -> Result<()> {
        unless_cancelled(self.stop)?;
        self.octets = 0;
        // No one there to take it: a storer failed, and its error is the one that counts.
        self.batches.send(std::mem::take(&mut self.waiting)).map_err(|_| BackupError::Cancelled(Cancelled))
    }
}

/// Runs `read`, which adds messages to the queue and may report; when this returns, all of them are stored and indexed.
/// When all are stored it reports a progress of nothing, and from then on that of the indexing.
///
/// # Errors
/// What failed first. Everything in batches that were committed until then is stored.
pub fn run(
    archive: &Archive,
    cancel: &Cancel,
    report: Report<'_>,
    read: impl FnOnce(&mut Queue<'_>, Report<'_>) -> Result<()>,
) -> Result<Counts> {
    let counts = store_all(archive, cancel, |queue| read(queue, &mut *report))?;
    tracing::trace!(phase = "import stored");
    report(Progress::default());
    archive.index_pending(cancel, report)?;
    Ok(counts)
}

fn store_all(archive: &Archive, cancel: &Cancel, read: impl FnOnce(&mut Queue<'_>) -> Result<()>) -> Result<Counts> {
    // Set also when one of the threads fails: then the others need not go on.
    let stop = &cancel.child_token();
    let (batches, waiting) = sync_channel(1);
    let waiting = Arc::new(Mutex::new(waiting));
    thread::scope(|scope| {
        let storer = || {
            let waiting = Arc::clone(&waiting);
            scope.spawn(move || store(archive, stop, &waiting))
        };
        let storers: Vec<_> = std::iter::repeat_with(storer).take(STORERS).collect();
        // Only the storers hold the other end: should they all be gone, nothing waits to be taken.
        drop(waiting);
        let mut queue = Queue { batches, waiting: Vec::new(), octets: 0, stop };
        let read = read(&mut queue).and_then(|()| queue.send());
        if read.is_err() {
            stop.cancel();
        }
        drop(queue);
        let mut counts = Counts::default();
        let mut failed = None;
        for storer in storers {
            match storer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)) {
                Ok(part) => {
                    counts.added += part.added;
                    counts.already_here += part.already_here;
                }
                Err(error) => failed = failed.filter(|first| !follows(first)).or(Some(error)),
            }
        }
        failed.map_or(Ok(()), Err).and(read).map(|()| counts)
    })
}

/// Whether an error is what became of another thread's, which says more.
fn follows(error: &BackupError) -> bool {
    matches!(error, BackupError::Cancelled(_) | BackupError::Archive(ArchiveError::WritesStopped))
}

/// Stores batches until there are no more. After a failure anywhere the rest is only taken away, so that no one waits.
fn store(archive: &Archive, stop: &Cancel, waiting: &Mutex<Receiver<Vec<Incoming>>>) -> Result<Counts> {
    let mut counts = Counts::default();
    let mut failed = None;
    loop {
        let batch = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(batch) = batch else { break };
        if stop.is_cancelled() {
            failed = failed.or(Some(BackupError::Cancelled(Cancelled)));
        } else if !batch.is_empty() {
            match archive.ingest(batch) {
                Ok(ingested) => counts.count(&ingested),
                Err(error) => {
                    stop.cancel();
                    failed = Some(error.into());
                }
            }
        }
    }
    failed.map_or(Ok(counts), Err)
}
