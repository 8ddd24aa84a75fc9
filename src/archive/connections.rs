//! Who talks to the files: one connection that writes `mail.db`, a few that read it, and the flag that stops writing
//! after the disk failed.
//!
//! The writer is a connection behind a mutex, not a thread: every caller is already on a thread that may block (see the
//! head of the module), a batch wants its answer before it goes on, and a mutex gives the same order as a queue without
//! a second copy of every request. Write-ahead logging lets readers go on meanwhile, each seeing the last commit. A
//! transaction never spans a call of this module's interface, so none stays open while a caller waits for the network.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};

use super::error::{ArchiveError, Result};
use super::known::Known;
use super::{Archive, bundles, index, medium, open};

/// Reading connections kept open when idle: the window, a search, a fetch and a job.
const IDLE_READERS: usize = 4;

/// The fields are dropped in this order: the readers before the writer, so that the last connection to close is one that
/// may bring the journal into the file, and the lock after all of them.
pub(super) struct Shared {
    pub(super) folder: PathBuf,
    broken: AtomicU8,
    /// How often something was written: see [`super::Idle`].
    pub(super) writes: AtomicU64,
    pub(super) known: Mutex<Known>,
    pub(super) index: index::Index,
    readers: Readers,
    writer: Option<Mutex<Connection>>,
    /// The file that the writer has open.
    held: Mutex<Option<File>>,
    /// Held for as long as the archive is open for writing.
    _lock: Option<File>,
}

/// Why writing has stopped, as `Shared::broken` holds it.
const WHOLE: u8 = 0;
const FULL: u8 = 1;
const IN_DOUBT: u8 = 2;
/// A read failed; the writing connection itself met nothing.
const UNREAD: u8 = 3;

/// Reading connections to one file.
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

/// A lock that outlives a panic of its holder: what it guards is a connection whose transaction was rolled back.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Readers {
        Readers { path, idle: Mutex::new(Vec::new()) }
    }

    /// Runs `work` on a connection of its own.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Connection) -> Result<T>) -> Result<T> {
        let idle = lock(&self.idle).pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => open::reader(&self.path)?,
        };
        let answer = work(&mut connection);
        let mut idle = lock(&self.idle);
        if answer.is_ok() && idle.len() < IDLE_READERS {
            idle.push(connection);
        }
        answer
    }

    /// Has the next connection count the steps of SQLite's machine.
    #[cfg(test)]
    fn count_steps(&self, steps: &Arc<AtomicU64>) -> Result<()> {
        let steps = Arc::clone(steps);
        let count = move || {
            steps.fetch_add(1, Ordering::Relaxed);
            false
        };
        self.with(|connection| Ok(connection.progress_handler(1, Some(count))?))
    }

    /// Forgets the idle connections: the file under them was replaced.
    pub(super) fn forget(&self) {
        lock(&self.idle).clear();
    }
}

impl Archive {
    /// Opens the archive in `folder` for writing, making it (0700, files 0600) where there is none. Takes the lock.
    pub fn open(folder: &Path) -> Result<Archive> {
        let diagnosed = |error: ArchiveError| error.diagnosed(folder);
        medium::refuse_network(folder)?;
        open::make_folder(folder)?;
        let lock = open::lock(folder)?;
        tracing::trace!(phase = "locked");
        if open::inspect(folder)? == open::Found::Nothing {
            open::create(folder).map_err(diagnosed)?;
        }
        let held = open::hold(folder)?;
        open::examine(folder).map_err(diagnosed)?;
        let writer = open::writer(folder).map_err(diagnosed)?;
        tracing::trace!(phase = "opened");
        Ok(Archive::assemble(folder, Some((writer, held, lock))))
    }

    /// Opens an existing archive for reading, beside a process that may be writing it.
    pub fn open_read_only(folder: &Path) -> Result<Archive> {
        medium::refuse_network(folder)?;
        match open::inspect(folder) {
            Ok(open::Found::Nothing) => return Err(ArchiveError::Missing { folder: folder.to_owned() }),
            Ok(open::Found::Ours) => {}
            Err(ArchiveError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotADirectory => {
                return Err(ArchiveError::Missing { folder: folder.to_owned() });
            }
            Err(error) => return Err(error),
        }
        let archive = Archive::assemble(folder, None);
        let examined = |connection: &mut Connection| {
            open::known(connection)?;
            open::refuse_foreign_journal(connection, folder)?;
            open::is_older(connection)
        };
        // Most who open an archive look at its index next.
        let is_older = std::thread::scope(|scope| {
            let index = &archive.shared.index;
            scope.spawn(|| index.read(|_| Ok(())));
            archive.read(examined)
        })?;
        if is_older {
            // Brought up to date first; what asks after its tables does not know the old ones.
            archive.shared.readers.forget();
            drop(Archive::open(folder)?);
            archive.read(examined)?;
        }
        Ok(archive)
    }

    fn assemble(folder: &Path, writing: Option<(Connection, File, File)>) -> Archive {
        let (writer, held, lock) = match writing {
            Some((writer, held, lock)) => (Some(writer), Some(held), Some(lock)),
            None => (None, None, None),
        };
        Archive {
            shared: Arc::new(Shared {
                folder: folder.to_owned(),
                writer: writer.map(Mutex::new),
                held: Mutex::new(held),
                broken: AtomicU8::new(WHOLE),
                writes: AtomicU64::new(0),
                readers: Readers::new(folder.join(open::MAIL)),
                index: index::Index::new(folder),
                known: Mutex::new(Known::default()),
                _lock: lock,
            }),
        }
    }

    /// Counts the steps of SQLite's machine from here on, of what is read by one thread.
    #[cfg(test)]
    pub fn count_steps(&self) -> Arc<AtomicU64> {
        let steps = Arc::default();
        self.shared.readers.count_steps(&steps).unwrap();
        self.shared.index.readers.count_steps(&steps).unwrap();
        steps
    }

    pub fn folder(&self) -> &Path {
        &self.shared.folder
    }

    /// Octets that the user may still write where the archive lies.
    pub fn free_space(&self) -> std::io::Result<u64> {
        fs4::available_space(&self.shared.folder)
    }

    /// Whether this handle may write: opened for writing, and no write has failed in a way that stops the others.
    pub fn writable(&self) -> bool {
        self.shared.writer.is_some() && self.shared.broken.load(Ordering::Acquire) == WHOLE
    }

    /// Whether what was found damaged can be recorded: also after reads failed, but not after a write did.
    pub(super) fn may_record(&self) -> bool {
        self.shared.writer.is_some() && matches!(self.shared.broken.load(Ordering::Acquire), WHOLE | UNREAD)
    }

    /// Lets writing go on after a failure stopped it: opens the writing connection anew and, unless the disk was merely
    /// full, has SQLite check the file first. Does nothing when writing was not stopped. For the start of each fetch.
    pub fn recover(&self) -> Result<()> {
        let writer = self.shared.writer.as_ref().ok_or(ArchiveError::OpenedForReading)?;
        let mut writer = lock(writer);
        let broken = self.shared.broken.load(Ordering::Acquire);
        if broken == WHOLE {
            return Ok(());
        }
        let folder = &self.shared.folder;
        if open::inspect(folder)? == open::Found::Nothing {
            return Err(ArchiveError::Missing { folder: folder.clone() });
        }
        self.shared.readers.forget();
        {
            let mut held = lock(&self.shared.held);
            // Given up first: a lock of one's own is in the way like any other.
            *held = None;
            *held = Some(open::hold(folder)?);
        }
        let connection = open::writer(folder).map_err(|error| error.diagnosed(folder))?;
        if matches!(broken, IN_DOUBT | UNREAD) {
            let verdict: String = connection
                .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
                .map_err(|error| ArchiveError::from(error).diagnosed(folder))?;
            if verdict != "ok" {
                return Err(ArchiveError::Damaged { folder: folder.clone(), detail: verdict });
            }
        }
        *writer = connection;
        self.shared.broken.store(WHOLE, Ordering::Release);
        Ok(())
    }

    /// One transaction of the writer: all of `work` is committed with `synchronous=FULL`, or nothing is.
    pub(super) fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        self.with_writer(|writer| committed(writer, work))
    }

    /// As [`Archive::write`], though a read failed: what that read found is recorded before the file was looked at.
    pub(super) fn record<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        self.with_writer_if(Archive::may_record, |writer| committed(writer, work))
    }

    /// Runs `work` on the writer, outside of a transaction.
    pub(super) fn with_writer<T>(&self, work: impl FnOnce(&mut Connection) -> Result<T>) -> Result<T> {
        self.with_writer_if(Archive::writable, work)
    }

    fn with_writer_if<T>(
        &self,
        may: fn(&Archive) -> bool,
        work: impl FnOnce(&mut Connection) -> Result<T>,
    ) -> Result<T> {
        let writer = self.shared.writer.as_ref().ok_or(ArchiveError::OpenedForReading)?;
        let mut writer = lock(writer);
        self.shared.writes.fetch_add(1, Ordering::AcqRel);
        if !may(self) {
            return Err(ArchiveError::WritesStopped);
        }
        let written = work(&mut writer).and_then(|answer| self.in_place().map(|()| answer));
        if bundles::was_unreadable() {
            self.doubt();
        }
        written.map_err(|error| {
            let error = error.diagnosed(&self.shared.folder);
            if error.stops_writes() {
                let full = matches!(error, ArchiveError::DiskFull { .. });
                self.shared.broken.store(if full { FULL } else { IN_DOUBT }, Ordering::Release);
            }
            error
        })
    }

    /// What was committed to a file that is not there any more is not stored.
    fn in_place(&self) -> Result<()> {
        let folder = &self.shared.folder;
        let held = lock(&self.shared.held);
        match held.as_ref() {
            Some(held) if open::in_place(folder, held) => Ok(()),
            _ => Err(ArchiveError::Missing { folder: folder.clone() }),
        }
    }

    /// Brings everything from the journal into the file and empties it, so that no old page stays behind. Best effort:
    /// a reader may be in the way, and then a later checkpoint does it.
    pub(super) fn empty_journal(&self) {
        if let Some(writer) = &self.shared.writer {
            let _ = lock(writer).query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        }
    }

    /// Runs `work` on a connection that can only read.
    pub(super) fn read<T>(&self, work: impl FnOnce(&mut Connection) -> Result<T>) -> Result<T> {
        let answer = self.shared.readers.with(work);
        // A disk that fails to read is in doubt as well, whoever met it: nothing is removed on the strength of it.
        let failed = matches!(&answer, Err(ArchiveError::Sqlite(error)) if may_be_the_disk(error));
        if failed | bundles::was_unreadable() {
            self.doubt();
        }
        answer.map_err(|error| error.diagnosed(&self.shared.folder))
    }

    fn doubt(&self) {
        let doubt = |broken| Some(if matches!(broken, WHOLE | UNREAD) { UNREAD } else { IN_DOUBT });
        let _ = self.shared.broken.fetch_update(Ordering::AcqRel, Ordering::Acquire, doubt);
    }

    pub(super) fn may_write(&self) -> Result<()> {
        self.shared.writer.as_ref().map(|_| ()).ok_or(ArchiveError::OpenedForReading)
    }
}

/// Whether a failed disk may be behind what SQLite answered to a read. What it calls a read that failed depends on where
/// it met it: a damaged file, a table that is not there, no value. That we found a message to be rotten is not among
/// these: that one is nobody else's.
fn may_be_the_disk(error: &rusqlite::Error) -> bool {
    match error.sqlite_error_code() {
        Some(code) => !matches!(
            code,
            ErrorCode::OperationInterrupted
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::OutOfMemory
        ),
        None => matches!(error, rusqlite::Error::InvalidColumnType(..)),
    }
}

fn committed<T>(connection: &mut Connection, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
    tracing::trace!(phase = "before BEGIN");
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let answer = work(&transaction)?;
    tracing::trace!(phase = "before COMMIT");
    transaction.commit()?;
    tracing::trace!(phase = "after COMMIT");
    Ok(answer)
}
