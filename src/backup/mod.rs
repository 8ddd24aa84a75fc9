//! Backup, verify, restore; export and import. Every function blocks; each can be stopped between two messages and
//! leaves what it touched whole.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::archive::Archive;
use crate::job::{Cancel, Report};

/// Why a backup, export or import could not be done. (Helper: variants per cause.)
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error(transparent)]
    Cancelled(#[from] crate::job::Cancelled),
    #[error(transparent)]
    Archive(#[from] crate::archive::ArchiveError),
}

pub type Result<T, E = BackupError> = std::result::Result<T, E>;

/// What a finished backup says. It was verified: every message was read back from the folder and its hash compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackedUp {
    /// Messages in the backup now.
    pub messages: u64,
    /// Of those, added by this run.
    pub new: u64,
    /// Octets of mail in the backup.
    pub octets: u64,
    pub verified: Timestamp,
}

/// Which part of a backup is running, for the dialog's three lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Adding,
    Syncing,
    ReadingBack,
}

/// Adds to the backup folder what it lacks, verifies all of it, and records it in the archive.
pub fn back_up(
    _archive: &Archive,
    _folder: &Path,
    _cancel: &Cancel,
    _report: &mut (dyn FnMut(Step, crate::job::Progress) + Send),
) -> Result<BackedUp> {
    todo!()
}

/// What verifying found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    pub messages: u64,
    pub octets: u64,
    /// Each damaged or missing message by its name in the backup, in a sentence.
    pub damaged: Vec<String>,
}

/// Reads a backup whole and compares every hash.
pub fn verify(_folder: &Path, _cancel: &Cancel, _report: Report<'_>) -> Result<Verified> {
    todo!()
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

/// Restores into an empty archive or merges into one that holds mail.
pub fn restore(_archive: &Archive, _folder: &Path, _cancel: &Cancel, _report: Report<'_>) -> Result<Restored> {
    todo!()
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
    /// Messages that the format could not hold exactly (mbox: no final newline, mixed line ends), in sentences.
    pub inexact: Vec<String>,
}

/// Exports all messages, or those found by a query. `place` must not exist yet (a folder may exist empty); it is written
/// beside and renamed into place last.
pub fn export(
    _archive: &Archive,
    _place: &Path,
    _format: Format,
    _query: Option<&str>,
    _cancel: &Cancel,
    _report: Report<'_>,
) -> Result<Exported> {
    todo!()
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    pub found: u64,
    pub added: u64,
    pub already_here: u64,
    /// Each file or message that could not be imported, in a sentence.
    pub failed: Vec<String>,
}

/// Imports `.eml` files (one message each, whatever the first line), mbox files, Maildirs and folders of them, then
/// indexes what came.
pub fn import(_archive: &Archive, _paths: &[PathBuf], _cancel: &Cancel, _report: Report<'_>) -> Result<Imported> {
    todo!()
}
