//! Import: `.eml` files, mbox files and Maildirs into the archive, byte for byte.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::Timestamp;

use super::mbox::{self, Content};
use super::walk::{self, Kind, Source};
use super::{Imported, Result, durable};
use crate::archive::{Archive, Incoming, Ingested, Marks, Origin};
use crate::job::{Cancel, Progress, Report, unless_cancelled};

/// The largest message that is taken, in octets: anything larger is not mail.
const LARGEST_MESSAGE: usize = 256 << 20;

/// Imports `.eml` files (one message each, whatever the first line), mbox files, Maildirs and folders of them, then
/// indexes what came. Marks are taken from Maildir names and from `Status`, `X-Status` and `X-Mozilla-Status` in an
/// mbox; the message itself stays as it is. Progress counts messages, and octets of the files.
///
/// # Errors
/// [`super::BackupError::Cancelled`], [`super::BackupError::Archive`]: what was stored until then stays. A file that
/// cannot be read is no error: it is named in [`Imported::failed`] and the others are imported.
pub fn import(archive: &Archive, paths: &[PathBuf], cancel: &Cancel, report: Report<'_>) -> Result<Imported> {
    import_up_to(LARGEST_MESSAGE, archive, paths, cancel, report)
}

/// [`import`] with another size limit.
pub(super) fn import_up_to(
    largest: usize,
    archive: &Archive,
    paths: &[PathBuf],
    cancel: &Cancel,
    report: Report<'_>,
) -> Result<Imported> {
    let sources = walk::find(paths, cancel)?;
    let octets_total = sources.found.iter().map(|source| source.octets).sum();
    let progress = Progress { octets_total: Some(octets_total), ..Progress::default() };
    let failed = sources.failed;
    let mut run = Run {
        largest,
        batch: Batch::new(archive, Origin::File { account: None }, cancel),
        failed,
        cancel,
        report,
        progress,
    };
    for source in &sources.found {
        unless_cancelled(cancel)?;
        let before = run.progress.octets;
        match source.kind {
            Kind::Message(marks) => run.message(source, marks)?,
            Kind::Mbox => run.mbox(source)?,
        }
        run.progress.octets = before + source.octets;
        (run.report)(run.progress);
    }
    let Run { batch, failed, report, .. } = run;
    let counts = batch.finish()?;
    let failures = failed.len() as u64;
    archive.index_pending(cancel, report)?;
    Ok(Imported {
        found: counts.added + counts.already_here + failures,
        added: counts.added,
        already_here: counts.already_here,
        failed,
    })
}

struct Run<'a> {
    largest: usize,
    batch: Batch<'a>,
    failed: Vec<String>,
    cancel: &'a Cancel,
    report: Report<'a>,
    progress: Progress,
}

impl Run<'_> {
    fn message(&mut self, source: &Source, marks: Marks) -> Result<()> {
        match durable::read(&source.path, self.largest as u64) {
            Ok(bytes) => {
                self.progress.done += 1;
                self.batch.add(bytes, modified(&source.path), marks)?;
            }
            Err(error) => self.failed.push(format!("{} could not be read: {error}.", source.path.display())),
        }
        Ok(())
    }

    fn mbox(&mut self, source: &Source) -> Result<()> {
        let file = match durable::open(&source.path) {
            Ok(file) => file,
            Err(error) => {
                self.failed.push(format!("{} could not be opened: {error}.", source.path.display()));
                return Ok(());
            }
        };
        let (arrived, before) = (modified(&source.path), self.progress.octets);
        let mut reader = mbox::Reader::new(file, self.largest);
        for number in 1_u64.. {
            unless_cancelled(self.cancel)?;
            match reader.next_message() {
                Ok(None) => break,
                Ok(Some(found)) => match found.content {
                    Content::Message(bytes) => {
                        let marks = mbox::marks(&bytes);
                        self.batch.add(bytes, found.date.unwrap_or(arrived), marks)?;
                    }
                    Content::TooLarge(octets) => self.failed.push(format!(
                        "Message {number} of {} is {octets} octets long, more than a mail can be.",
                        source.path.display()
                    )),
                },
                Err(error) => {
                    let path = source.path.display();
                    self.failed.push(format!("{path} could not be read beyond message {}: {error}.", number - 1));
                    break;
                }
            }
            self.progress.done += 1;
            self.progress.octets = before + reader.position();
            (self.report)(self.progress);
        }
        Ok(())
    }
}

/// When a file was last changed: the nearest thing to a time of arrival that a file has.
fn modified(path: &Path) -> Timestamp {
    let time = fs::metadata(path).and_then(|metadata| metadata.modified()).unwrap_or_else(|_| SystemTime::now());
    Timestamp::try_from(time).unwrap_or_else(|_| Timestamp::now())
}

/// How many messages were stored and how many were here before.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub added: u64,
    pub already_here: u64,
}

/// Messages on their way into the archive, stored so many at a time: a commit costs the disk more than a message.
pub(super) struct Batch<'a> {
    archive: &'a Archive,
    from: Origin,
    cancel: &'a Cancel,
    waiting: Vec<Incoming>,
    octets: usize,
    counts: Counts,
}

impl<'a> Batch<'a> {
    const MESSAGES: usize = 256;
    const OCTETS: usize = 16 << 20;

    pub fn new(archive: &'a Archive, from: Origin, cancel: &'a Cancel) -> Batch<'a> {
        Batch { archive, from, cancel, waiting: Vec::new(), octets: 0, counts: Counts::default() }
    }

    pub fn add(&mut self, bytes: Vec<u8>, arrived: Timestamp, marks: Marks) -> Result<()> {
        self.octets += bytes.len();
        self.waiting.push(Incoming { bytes, arrived, marks, from: self.from.clone() });
        if self.waiting.len() >= Self::MESSAGES || self.octets >= Self::OCTETS { self.store() } else { Ok(()) }
    }

    fn store(&mut self) -> Result<()> {
        unless_cancelled(self.cancel)?;
        self.octets = 0;
        for ingested in self.archive.ingest(std::mem::take(&mut self.waiting))? {
            match ingested {
                Ingested::Added(_) | Ingested::Twin { .. } => self.counts.added += 1,
                Ingested::AlreadyHere(_) => self.counts.already_here += 1,
            }
        }
        Ok(())
    }

    pub fn finish(mut self) -> Result<Counts> {
        if !self.waiting.is_empty() {
            self.store()?;
        }
        Ok(self.counts)
    }
}
