//! Import: what other mail programs keep, into the archive, byte for byte.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::Timestamp;

use super::flags::{self, Flags};
use super::mbox::{self, Content};
use super::pipeline::{self, Counts, Queue};
use super::walk::{self, Kind, Source, Sources};
use super::{Imported, Result, durable, emlx, outlook};
use crate::account::MessageId;
use crate::archive::{Archive, Incoming, Ingested, Marks, Origin};
use crate::job::{Cancel, Progress, Report, unless_cancelled};

/// Messages in a row that cannot be read before a data file is given up.
const FAILURES: u32 = 20;

/// The largest message that is taken, in octets: anything larger is not mail.
const LARGEST_MESSAGE: usize = 256 << 20;

const FILE: Origin = Origin::File { account: None };

/// Imports mail files and folders of them (see [`walk`]), and indexes what came. Marks are taken from where each program
/// keeps them; the message itself stays as it is. Messages that their program has deleted are left out and counted. What
/// is here already is not stored again, so an import that was stopped, or killed, is resumed by doing it again.
///
/// Progress counts messages, and octets of the files; then, of what is still to be indexed, messages.
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
    let mut sources = walk::find(paths, cancel)?;
    let found = std::mem::take(&mut sources.found);
    let octets_total = found.iter().map(|source| source.octets).sum();
    let mut done = import_with(largest, archive, sources, octets_total, cancel, report, |run| run.all(&found))?;
    if done.found == 0 && done.left_out == 0 && done.failed.is_empty() {
        done.notes.push(NO_MAIL.to_owned());
    }
    Ok(done)
}

const NO_MAIL: &str = "No mail was found there, and nothing was imported. Postkeep reads mbox files (Thunderbird, Gmail \
    Takeout), Maildir and MH folders, .eml and .emlx files, and Outlook's .pst, .ost and .msg: choose those, or the folder \
    that they are in.";

/// [`import`] of what `read` reads, which is so many octets.
pub(super) fn import_with(
    largest: usize,
    archive: &Archive,
    sources: Sources,
    octets_total: u64,
    cancel: &Cancel,
    report: Report<'_>,
    read: impl FnOnce(&mut Run<'_, '_>) -> Result<()>,
) -> Result<Imported> {
    let places = sources.places;
    let mut done =
        Imported { failed: sources.failed, notes: sources.notes, left_out: sources.left_out, ..Imported::default() };
    let mut partial = 0;
    let mut tally = outlook::Tally::default();
    let counts = pipeline::run(archive, cancel, report, |queue, report| {
        let progress = Progress { octets_total: Some(octets_total), ..Progress::default() };
        let tally = &mut tally;
        let mut run = Run { largest, queue, done: &mut done, cancel, report, progress, partial: 0, tally };
        read(&mut run)?;
        partial = run.partial;
        Ok(())
    })?;
    if partial > 0 {
        done.notes.push(incomplete(partial));
    }
    done.notes.extend(tally.notes());
    // A path that is not there is no message.
    let failures = (done.failed.len() as u64).saturating_sub(places);
    Ok(Imported {
        found: counts.added + counts.already_here + failures,
        added: counts.added,
        already_here: counts.already_here,
        ..done
    })
}

fn incomplete(partial: u64) -> String {
    let (messages, are) =
        if partial == 1 { ("message".to_owned(), "is") } else { (format!("{partial} messages"), "are") };
    let the = if partial == 1 { "One " } else { "" };
    format!(
        "{the}{messages} of Apple Mail {are} incomplete (.partial.emlx): the attachments were not in the file. To have \
         them too, export the mailbox from Apple Mail with Mailbox, Export Mailbox, and import that."
    )
}

pub(super) struct Run<'a, 'q> {
    largest: usize,
    queue: &'a mut Queue<'q>,
    done: &'a mut Imported,
    cancel: &'a Cancel,
    report: Report<'a>,
    progress: Progress,
    partial: u64,
    tally: &'a mut outlook::Tally,
}

impl Run<'_, '_> {
    fn all(&mut self, sources: &[Source]) -> Result<()> {
        for source in sources {
            unless_cancelled(self.cancel)?;
            let before = self.progress.octets;
            match source.kind {
                Kind::Mbox => self.mbox(source)?,
                Kind::Outlook => self.outlook(source)?,
                Kind::OutlookMessage => self.outlook_message(source)?,
                Kind::Message(flags) => self.one(source, |bytes, _| Ok((a_message(bytes)?, flags)))?,
                Kind::Delivered => self.one(source, |bytes, _| {
                    let flags = flags::of_header(&bytes);
                    Ok((a_message(bytes)?, flags))
                })?,
                Kind::Emlx { partial } => self.one(source, |bytes, run| {
                    let (message, flags) = emlx::split(&bytes).ok_or(CUT)?;
                    run.partial += u64::from(partial && !flags.deleted);
                    Ok((message.to_vec(), flags))
                })?,
            }
            self.progress.octets = before + source.octets;
            (self.report)(self.progress);
        }
        Ok(())
    }

    /// A file with one message in it, which `take_out` finds, or says why there is none.
    fn one(
        &mut self,
        source: &Source,
        take_out: impl FnOnce(Vec<u8>, &mut Self) -> Result<(Vec<u8>, Flags), &'static str>,
    ) -> Result<()> {
        let path = source.path.display();
        match durable::read(&source.path, self.largest as u64) {
            Ok(bytes) => match take_out(bytes, self) {
                Ok((bytes, flags)) => self.add(bytes, modified(&source.path), flags, FILE)?,
                Err(why) => self.fail(format!("{path} {why}.")),
            },
            Err(error) => self.unread(&source.path, &error),
        }
        Ok(())
    }

    fn mbox(&mut self, source: &Source) -> Result<()> {
        let path = source.path.display();
        let file = match durable::open(&source.path) {
            Ok(file) => file,
            Err(error) => {
                self.fail(format!("{path} could not be opened: {error}."));
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
                        let flags = flags::of_header(&bytes);
                        self.add(bytes, found.date.unwrap_or(arrived), flags, Origin::Mbox)?;
                    }
                    Content::TooLarge(octets) => {
                        let too_large = outlook::TOO_LARGE;
                        self.fail(format!("Message {number} of {path}, {octets} octets long, {too_large}."));
                    }
                },
                Err(error) => {
                    self.fail(format!("{path} could not be read beyond message {}: {error}.", number - 1));
                    break;
                }
            }
            self.progress.octets = before + reader.position();
            (self.report)(self.progress);
        }
        Ok(())
    }

    /// A data file of Outlook.
    fn outlook(&mut self, source: &Source) -> Result<()> {
        match durable::open(&source.path) {
            Ok(file) => self.data_file(source, file),
            Err(error) => {
                self.fail(format!("{} could not be opened: {error}.", source.path.display()));
                Ok(())
            }
        }
    }

    /// What is in a data file of Outlook.
    pub(super) fn data_file<F: Read + Seek>(&mut self, source: &Source, file: F) -> Result<()> {
        let path = source.path.display();
        let mut file = match outlook::DataFile::open(file, self.largest, self.cancel)? {
            Ok(file) => file,
            Err(why) => {
                self.fail(format!("{path} {why}."));
                return Ok(());
            }
        };
        if file.has_password() {
            self.done
                .notes
                .push(format!("Outlook asks for a password before it opens {path}. It hides nothing in it."));
        }
        if file.is_damaged() {
            self.fail(format!("{path} is damaged. What could still be found in it was imported."));
        }
        let (arrived, before) = (modified(&source.path), self.progress.octets);
        let mut failures = 0;
        loop {
            unless_cancelled(self.cancel)?;
            let taken = file.next_message();
            let (read, of) = file.progress();
            let folder = if matches!(taken, Ok(Some(outlook::Taken::Failed(_)))) { file.folder() } else { None };
            let name = match folder {
                Some(folder) => format!("Message {read} of {path}, in the folder {folder},"),
                None => format!("Message {read} of {path}"),
            };
            match taken {
                Ok(None) => break,
                Ok(Some(taken)) => {
                    failures = 0;
                    self.taken(taken, arrived, &name)?;
                }
                // Each message lies by itself: a bad sector costs one. A drive that is gone costs all.
                Err(error) if failures < FAILURES => {
                    failures += 1;
                    self.fail(format!("{name} could not be read: {error}."));
                }
                Err(error) => {
                    self.fail(format!("{path} could not be read beyond message {}: {error}.", read - 1));
                    break;
                }
            }
            self.progress.octets = before + source.octets / of.max(1) * read;
            (self.report)(self.progress);
        }
        Ok(())
    }

    fn outlook_message(&mut self, source: &Source) -> Result<()> {
        let path = source.path.display().to_string();
        match durable::read(&source.path, self.largest as u64) {
            Ok(bytes) => match outlook::message_file(&bytes, self.largest) {
                Some(taken) => self.taken(taken, modified(&source.path), &path)?,
                None => self.fail(format!("{path} is not a mail file.")),
            },
            Err(error) => self.unread(&source.path, &error),
        }
        Ok(())
    }

    fn taken(&mut self, taken: outlook::Taken, arrived: Timestamp, name: &str) -> Result<()> {
        self.tally.count(&taken);
        match taken {
            outlook::Taken::Mail(mail) => self.add(mail.bytes, mail.arrived.unwrap_or(arrived), mail.flags, FILE)?,
            outlook::Taken::NotMail => (),
            outlook::Taken::Failed(why) => self.fail(format!("{name} {why}.")),
        }
        Ok(())
    }

    fn add(&mut self, bytes: Vec<u8>, arrived: Timestamp, flags: Flags, from: Origin) -> Result<()> {
        self.progress.done += 1;
        if flags.deleted {
            self.done.left_out += 1;
            return Ok(());
        }
        self.queue.add(Incoming { bytes, arrived, marks: flags.marks, from })
    }

    fn unread(&mut self, path: &Path, error: &io::Error) {
        let path = path.display();
        self.fail(match error.kind() {
            io::ErrorKind::FileTooLarge => format!("{path} {}.", outlook::TOO_LARGE),
            _ => format!("{path} could not be read: {error}."),
        });
    }

    fn fail(&mut self, sentence: String) {
        self.done.failed.push(sentence);
    }
}

const CUT: &str = "is cut short or not what its name says, and nothing of it was imported. If Apple Mail still shows the \
    message, export its mailbox there with Mailbox, Export Mailbox, and import that";

/// What a file with one message holds, whatever its first line, if it is not something else for certain.
fn a_message(bytes: Vec<u8>) -> Result<Vec<u8>, &'static str> {
    const GZIP: &[u8] = b"\x1F\x8B";
    if bytes.is_empty() {
        Err("is empty: there is no message in it, and nothing to import")
    } else if bytes.starts_with(GZIP) {
        Err("is compressed, and was not imported. Unpack it first (zcat does), then import it again")
    } else {
        Ok(bytes)
    }
}

/// When a file was last changed: the nearest thing to a time of arrival that a file has.
fn modified(path: &Path) -> Timestamp {
    let time = fs::metadata(path).and_then(|metadata| metadata.modified()).unwrap_or_else(|_| SystemTime::now());
    Timestamp::try_from(time).unwrap_or_else(|_| Timestamp::now())
}

/// Messages on their way into the archive, stored so many at a time: a commit costs the disk more than a message.
pub(super) struct Batch<'a> {
    archive: &'a Archive,
    from: Origin,
    cancel: &'a Cancel,
    waiting: Vec<Incoming>,
    octets: usize,
    counts: Counts,
    added: HashSet<MessageId>,
}

impl<'a> Batch<'a> {
    const MESSAGES: usize = 256;
    const OCTETS: usize = 16 << 20;

    pub fn new(archive: &'a Archive, from: Origin, cancel: &'a Cancel) -> Batch<'a> {
        Batch {
            archive,
            from,
            cancel,
            waiting: Vec::new(),
            octets: 0,
            counts: Counts::default(),
            added: HashSet::new(),
        }
    }

    pub fn add(&mut self, bytes: Vec<u8>, arrived: Timestamp, marks: Marks) -> Result<()> {
        self.octets += bytes.len();
        self.waiting.push(Incoming { bytes, arrived, marks, from: self.from.clone() });
        if self.waiting.len() >= Self::MESSAGES || self.octets >= Self::OCTETS { self.store() } else { Ok(()) }
    }

    fn store(&mut self) -> Result<()> {
        unless_cancelled(self.cancel)?;
        self.octets = 0;
        let ingested = self.archive.ingest(std::mem::take(&mut self.waiting))?;
        self.counts.count(&ingested);
        self.added.extend(ingested.into_iter().filter_map(|one| match one {
            Ingested::Added(id) | Ingested::Twin { stored: id, .. } => Some(id),
            Ingested::AlreadyHere(_) => None,
        }));
        Ok(())
    }

    /// Answers the messages that were added as well.
    pub fn finish(mut self) -> Result<(Counts, HashSet<MessageId>)> {
        if !self.waiting.is_empty() {
            self.store()?;
        }
        Ok((self.counts, self.added))
    }
}
