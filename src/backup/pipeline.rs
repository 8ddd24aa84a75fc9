//! The way of an import: one thread reads, two store, one indexes what is stored already.
//!
//! Storing is done by two threads because of what [`Archive::ingest`] does before its transaction (hashing) and in it
//! (waiting for the disk): while the one waits the other hashes. Each batch is one transaction with `synchronous=FULL`
//! and is there whole or not at all; which of two batches comes first does not matter, as each message is looked up in
//! its own transaction. At most [`STORERS`] + 2 batches are in memory.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::{BackupError, Result};
use crate::archive::{Archive, Incoming, Ingested};
use crate::job::{Cancel, Cancelled, Progress, Report, unless_cancelled};

const STORERS: usize = 2;

/// A commit costs the disk more than a message: so many go into one, or so many octets.
const MESSAGES: usize = 4096;
const OCTETS: usize = 16 << 20;

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

/// Runs `read`, which adds messages to the queue and may report; when it returns, all of them are stored and indexed.
///
/// # Errors
/// What failed first. Everything in batches that were committed until then is stored.
pub fn run(
    archive: &Archive,
    cancel: &Cancel,
    report: Report<'_>,
    read: impl FnOnce(&mut Queue<'_>, Report<'_>) -> Result<()>,
) -> Result<Counts> {
    let stop = &cancel.child_token();
    let (batches, waiting) = sync_channel(1);
    let waiting = Arc::new(Mutex::new(waiting));
    let (stored, news) = channel();
    let (told, progress) = channel();
    thread::scope(|scope| {
        let indexer = scope.spawn(move || index(archive, stop, &news, &told));
        let storers: Vec<_> = (0..STORERS)
            .map(|_| {
                let (waiting, stored) = (Arc::clone(&waiting), stored.clone());
                scope.spawn(move || store(archive, stop, &waiting, &stored))
            })
            .collect();
        drop((waiting, stored));
        let mut queue = Queue { batches, waiting: Vec::new(), octets: 0, stop };
        let read = read(&mut queue, report).and_then(|()| queue.send());
        if read.is_err() {
            stop.cancel();
        }
        drop(queue);
        let mut counts = Counts::default();
        let mut failed = None;
        for storer in storers {
            match joined(storer) {
                Ok(part) => {
                    counts.added += part.added;
                    counts.already_here += part.already_here;
                }
                Err(error) => failed = failed.filter(|first| !is_cancelled(first)).or(Some(error)),
            }
        }
        tracing::trace!(phase = "import stored");
        for each in progress {
            report(each);
        }
        let indexed = joined(indexer);
        failed.map_or(Ok(()), Err).and(read).and(indexed).map(|()| counts)
    })
}

fn is_cancelled(error: &BackupError) -> bool {
    matches!(error, BackupError::Cancelled(_))
}

fn joined<T>(thread: thread::ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Stores batches until there are no more. After a failure anywhere the rest is only taken away, so that no one waits.
fn store(
    archive: &Archive,
    stop: &Cancel,
    waiting: &Mutex<Receiver<Vec<Incoming>>>,
    stored: &Sender<()>,
) -> Result<Counts> {
    let mut counts = Counts::default();
    let mut failed = None;
    loop {
        let batch = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(batch) = batch else { break };
        if stop.is_cancelled() {
            failed = failed.or(Some(BackupError::Cancelled(Cancelled)));
        } else if !batch.is_empty() {
            match archive.ingest(batch) {
                Ok(ingested) => {
                    counts.count(&ingested);
                    // Indexing that has failed says so at the end.
                    let _ = stored.send(());
                }
                Err(error) => {
                    stop.cancel();
                    failed = Some(error.into());
                }
            }
        }
    }
    failed.map_or(Ok(counts), Err)
}

/// Indexes what is stored whenever something new is, and once more at the end.
fn index(archive: &Archive, stop: &Cancel, news: &Receiver<()>, told: &Sender<Progress>) -> Result<()> {
    loop {
        let more = news.recv().is_ok();
        while news.try_recv().is_ok() {}
        archive.index_pending(stop, &mut |progress| {
            let _ = told.send(progress);
        })?;
        if !more {
            return Ok(());
        }
    }
}
