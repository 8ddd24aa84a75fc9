//! What can go wrong with the archive, one variant per cause. The words that people read stand in `problem`.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{ErrorCode, ffi};

use crate::account::MessageId;

/// Why the archive could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Another process holds the lock: usually the window is open while a command wants to write.
    #[error("another process is writing this archive")]
    Locked,
    /// There is no archive in the folder, and this call does not make one: a mistyped path, or a drive that is not
    /// plugged in.
    #[error("there is no archive in {}", .folder.display())]
    Missing { folder: PathBuf },
    /// `mail.db` is there and holds nothing: a copy that was cut short, or a disk that lost it.
    #[error("{} is empty", .file.display())]
    Empty { file: PathBuf },
    /// `mail.db` is not a database: some other file under that name.
    #[error("{} is not a database", .file.display())]
    NotADatabase { file: PathBuf },
    /// `mail.db` is a database of another program.
    #[error("{} is a database of another program", .file.display())]
    Foreign { file: PathBuf, application_id: i32 },
    /// A newer Postkeep made or changed this archive.
    #[error("the archive has version {found}, and this program knows versions up to {known}")]
    Newer { found: i32, known: i32 },
    /// `mail.db` is gone but its journal is there: the folder was copied or cleaned up in part.
    #[error("{} is missing, though its journal is there", .file.display())]
    JournalAlone { file: PathBuf },
    /// The journal beside `mail.db` was written by another archive: files of two folders were mixed.
    #[error("the journal beside {} belongs to another archive", .file.display())]
    ForeignJournal { file: PathBuf },
    /// The disk, or the quota, is full. Nothing of the batch was stored.
    #[error("no space left for the archive in {}", .folder.display())]
    DiskFull { folder: PathBuf },
    /// SQLite found its file malformed: bit rot, or another program wrote into it.
    #[error("the archive in {} is damaged: {detail}", .folder.display())]
    Damaged { folder: PathBuf, detail: String },
    /// One message rotted on the disk; all others are as good as they were.
    #[error("the bytes of message {id} are not those that were stored")]
    Rotten { id: MessageId },
    /// The disk failed to read or write: a failing drive, a pulled stick, a lost network folder.
    #[error("the disk failed in {}: {detail}", .folder.display())]
    DiskError { folder: PathBuf, detail: String },
    /// The file or the file system does not let itself be written.
    #[error("the archive in {} cannot be written", .folder.display())]
    ReadOnly { folder: PathBuf },
    /// The folder is on another computer, where neither locks nor the write-ahead log hold.
    #[error("the archive in {} is on a network file system ({kind})", .folder.display())]
    NetworkFolder { folder: PathBuf, kind: String },
    /// This handle was opened for reading.
    #[error("this archive was opened for reading only")]
    OpenedForReading,
    /// An earlier write failed in a way that leaves the connection in doubt: see [`super::Archive::recover`].
    #[error("writing stopped after an earlier failure of the disk")]
    WritesStopped,
    /// SQLite did not take a setting that durability rests on.
    #[error("the database refused {setting}: it is {found}")]
    NotDurable { setting: &'static str, found: String },
    /// The folder or one of its files could not be made or opened.
    #[error("{}: {source}", .path.display())]
    Io { path: PathBuf, source: io::Error },
    /// An account with this address is there already.
    #[error("there is already an account {0}")]
    AccountExists(String),
    /// The account was removed meanwhile.
    #[error("there is no such account")]
    NoSuchAccount,
    /// Message ids are used up (2^29), or a message is larger than SQLite can hold (1 GB).
    #[error("{0}")]
    TooLarge(&'static str),
    #[error(transparent)]
    Cancelled(#[from] crate::job::Cancelled),
    /// Another connection held the database for longer than a write ever takes.
    #[error("the archive is busy")]
    Busy,
    /// Any other answer of SQLite: a mistake in this program.
    #[error("the database: {0}")]
    Sqlite(#[from] rusqlite::Error),
}

pub type Result<T, E = ArchiveError> = std::result::Result<T, E>;

impl ArchiveError {
    pub(super) fn io(path: &Path, source: io::Error) -> ArchiveError {
        ArchiveError::Io { path: path.to_owned(), source }
    }

    /// Gives an answer of SQLite its cause, and the folder that the words will name.
    pub(super) fn diagnosed(self, folder: &Path) -> ArchiveError {
        let ArchiveError::Sqlite(error) = self else { return self };
        let folder = folder.to_owned();
        let detail = error.to_string();
        // The file beside the database that its readers share is not made larger: there is no room for that either.
        if error.sqlite_error().is_some_and(|answer| answer.extended_code == ffi::SQLITE_IOERR_SHMSIZE) {
            return ArchiveError::DiskFull { folder };
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => ArchiveError::DiskFull { folder },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => ArchiveError::Damaged { folder, detail },
            Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => ArchiveError::DiskError { folder, detail },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => ArchiveError::ReadOnly { folder },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => ArchiveError::Busy,
            Some(ErrorCode::TooBig) => ArchiveError::TooLarge("a message larger than a gigabyte"),
            _ => ArchiveError::Sqlite(error),
        }
    }

    /// Whether the writing connection must not be trusted any more (a failed fsync is never retried on its handle).
    pub(super) fn stops_writes(&self) -> bool {
        matches!(
            self,
            ArchiveError::DiskFull { .. }
                | ArchiveError::Damaged { .. }
                | ArchiveError::DiskError { .. }
                | ArchiveError::ReadOnly { .. }
                | ArchiveError::Missing { .. }
        )
    }
}
