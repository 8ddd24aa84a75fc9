//! Backup, verify, restore; export and import. Every function blocks; each can be stopped between two messages and
//! leaves what it touched whole.
//!
//! # The backup folder
//!
//! | file | what it is | when it changes |
//! |---|---|---|
//! | `segment-000001.zip` ... | messages as `.eml` files under readable names, at most 1 GB each | never: each run adds new ones |
//! | `state-000001.json` | [`crate::archive::Snapshot`]: accounts without passwords, ledger, marks | each run writes a new one and removes the old one last |
//! | `manifest.json` | hash and place of every message, hash of every file, sealed with its own hash | renamed into place last |
//! | `README.txt` | how to read all this without Postkeep | |
//!
//! Everything is written as `.part`, brought to the disk and renamed, so at any moment the manifest that is there speaks
//! of files that are there. A run that was cut off leaves whole segments that no manifest knows: the next run reads
//! them and uses what is in them.
//!
//! - A chosen folder that holds other things is left alone: the backup goes into `Postkeep backup` inside it, and
//!   verify and restore look there too. A folder inside the archive is refused.
//! - A message that was removed from the archive stays in the backup.
//! - A segment that no longer hashes to what was written is set aside as `.damaged`: what the archive still has, or what
//!   can still be read out of it, is written anew.
//! - Two originals with the same bytes are one file in the backup; the state tells the rest.
//! - Verify and restore treat the folder as hostile: the manifest's names are never paths, sizes are bounded.

mod back_up;
mod durable;
mod emlx;
mod export;
mod flags;
mod import;
mod maildir;
mod manifest;
mod mbox;
mod mh;
mod names;
pub mod outlook;
mod pipeline;
mod repair;
mod restore;
mod sealed;
mod segment;
mod verify;
mod walk;

#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::account::MessageId;
use crate::archive::ArchiveError;

pub use back_up::back_up;
pub use export::export;
pub use import::import;
pub use repair::repair;
pub use restore::restore;
pub use verify::verify;

/// Why a backup, export or import could not be done.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error(transparent)]
    Cancelled(#[from] crate::job::Cancelled),
    #[error(transparent)]
    Archive(ArchiveError),
    /// The disk is full (`StorageFull`), the stick was pulled out, or the folder may not be written.
    #[error("{doing} {} failed: {source}", path.display())]
    Io { doing: Doing, path: PathBuf, source: io::Error },
    /// Neither the folder nor `Postkeep backup` inside it holds a backup: the wrong folder was chosen.
    #[error("{} holds no backup", .0.display())]
    NotABackup(PathBuf),
    /// The chosen place is a file, not a folder.
    #[error("{} is not a folder", .0.display())]
    NotAFolder(PathBuf),
    /// The chosen folder lies in the archive's own folder: what harms the one would harm the other.
    #[error("{} is inside the archive", .0.display())]
    InsideArchive(PathBuf),
    /// An export never writes over what is there.
    #[error("{} is there already", .0.display())]
    TargetExists(PathBuf),
    /// The backup was made by a newer program.
    #[error("the backup has format {found}; this program reads up to {known}")]
    NewerFormat { found: u32, known: u32 },
    /// What was written did not read back the same, twice: the disk or its connection is failing. Each message that
    /// could not be read back, in a sentence.
    #[error("what was written did not read back the same")]
    DoesNotReadBack(Vec<String>),
}

impl From<ArchiveError> for BackupError {
    fn from(error: ArchiveError) -> BackupError {
        match error {
            ArchiveError::Cancelled(cancelled) => BackupError::Cancelled(cancelled),
            other => BackupError::Archive(other),
        }
    }
}

impl BackupError {
    pub(crate) fn io(doing: Doing, path: &Path, source: io::Error) -> BackupError {
        BackupError::Io { doing, path: path.to_owned(), source }
    }
}

/// What was being done when the disk failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    Reading,
    /// A backup.
    Writing,
    Exporting,
}

impl std::fmt::Display for Doing {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Doing::Reading => "reading",
            Doing::Writing | Doing::Exporting => "writing",
        })
    }
}

pub type Result<T, E = BackupError> = std::result::Result<T, E>;

/// What a finished backup says. It was verified: every message was read back from the folder and its hash compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackedUp {
    /// Different messages in the backup now.
    pub messages: u64,
    /// Of those, the ones that the backup before this run did not have.
    pub new: u64,
    /// Octets of mail in the backup.
    pub octets: u64,
    pub verified: Timestamp,
    /// The folder that holds it: the chosen one, or `Postkeep backup` inside it.
    pub folder: PathBuf,
    /// What was found damaged in the earlier backup and what was done about it, in sentences.
    pub repaired: Vec<String>,
    /// Messages that are not in the backup, because neither the archive nor the earlier backup could give their bytes
    /// any more, each in a sentence.
    pub failed: Vec<String>,
}

/// Which part of a backup is running, for the dialog's three lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Adding,
    Syncing,
    ReadingBack,
}

/// What verifying found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    pub messages: u64,
    pub octets: u64,
    /// Each damaged or missing message by its name in the backup, in a sentence.
    pub damaged: Vec<String>,
}

/// What a restore did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    pub found: u64,
    pub added: u64,
    pub already_here: u64,
    /// Messages that could not be restored, each in a sentence; the others were.
    pub failed: Vec<String>,
}

/// What a repair did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repaired {
    /// Messages whose bytes were not what was stored, or missing.
    pub damaged: u64,
    /// Of those, the ones that are whole again.
    pub messages: Vec<MessageId>,
    /// The archive's own indexes were damaged and were made anew.
    pub indexes: bool,
    /// What could not be repaired, each in a sentence.
    pub failed: Vec<String>,
}

/// A format that other programs open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One file, mboxrd.
    Mbox,
    Maildir,
    /// A folder of `.eml` files.
    Eml,
    /// A zip file of `.eml` files.
    Zip,
}

/// What an export did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    pub exported: u64,
    pub octets: u64,
    /// Messages that the format could not hold exactly (mbox: no line end at the end), in sentences.
    pub inexact: Vec<String>,
    /// Messages that are damaged in the archive and were left out, each in a sentence.
    pub failed: Vec<String>,
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    pub found: u64,
    pub added: u64,
    pub already_here: u64,
    /// Messages that their program had deleted and not removed yet: not imported, not among those found.
    pub left_out: u64,
    /// Each file or message that could not be imported, in a sentence.
    pub failed: Vec<String>,
    /// What else is to be known: messages that are incomplete, links that were not followed.
    pub notes: Vec<String>,
}
