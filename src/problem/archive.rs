//! What is wrong with the archive.

use super::{Problem, cause, quotable};
use crate::archive::ArchiveError;

/// True where nothing was written.
const UNTOUCHED: &str = "Nothing was lost: the mail stored here was not touched.";
/// True of a write that failed: it is one transaction.
const NOT_STORED: &str = "Nothing was lost: what was stored before is still here, and mail that could not be stored is \
                          still where it was, on the server or in its file.";
/// True of a file that is not what it should be.
const IN_DOUBT: &str = "Mail on the server and in your backups is not affected, and Postkeep changed nothing here.";

impl From<&ArchiveError> for Problem {
    fn from(error: &ArchiveError) -> Problem {
        opening(error).or_else(|| disk(error)).unwrap_or_else(|| rest(error))
    }
}

/// The archive is not there, or not one that this program can open.
fn opening(error: &ArchiveError) -> Option<Problem> {
    let problem = match error {
        ArchiveError::Locked => Problem::new(
            "Another Postkeep is writing this archive now.",
            UNTOUCHED,
            "Close the other window, or wait until the other command is done, and try again.",
        ),
        ArchiveError::Missing { folder } => Problem::new(
            format!("There is no archive in {}.", folder.display()),
            "No mail was touched.",
            "Check the folder's name, or plug in the drive it is on.",
        ),
        ArchiveError::Empty { file } => Problem::new(
            format!("The archive's file {} is empty.", file.display()),
            IN_DOUBT,
            "Put the file back from a copy, or restore a backup into another folder.",
        ),
        ArchiveError::NotADatabase { file } => Problem::new(
            format!("The file {} is not an archive of Postkeep, or its beginning is damaged.", file.display()),
            IN_DOUBT,
            "Choose another folder, or restore a backup into a new one.",
        ),
        ArchiveError::Foreign { file, .. } => Problem::new(
            format!("The file {} belongs to another program.", file.display()),
            "No mail was touched.",
            "Choose another folder for the archive.",
        ),
        ArchiveError::Newer { .. } => Problem::new(
            "This archive was made by a newer version of Postkeep.",
            UNTOUCHED,
            "Install the newest version of Postkeep to open it.",
        ),
        ArchiveError::ForeignJournal { file } => Problem::new(
            format!("The journal {}-wal belongs to another archive.", file.display()),
            IN_DOUBT,
            "Move that journal out of the folder, keep it, and try again. If the archive's own journal lies elsewhere, \
             put it back first.",
        ),
        ArchiveError::NetworkFolder { folder, kind } => Problem::new(
            format!("The folder {} is on another computer ({kind}).", folder.display()),
            "No mail was touched. A network drive can lose what was written to it when two computers write at a time.",
            "Keep the archive on a disk of this computer, and back up to the network folder instead.",
        ),
        ArchiveError::JournalAlone { file } => Problem::new(
            format!("The archive's file {} is missing, though its journal is there.", file.display()),
            IN_DOUBT,
            "Put the missing file back beside its journal, or restore a backup into another folder.",
        ),
        _ => return None,
    };
    Some(problem)
}

/// The disk or its files do not do what they should.
fn disk(error: &ArchiveError) -> Option<Problem> {
    let problem = match error {
        ArchiveError::DiskFull { folder } => Problem::new(
            format!("The disk that holds the archive in {} is full.", folder.display()),
            NOT_STORED,
            "Make room on that disk and try again.",
        ),
        ArchiveError::Damaged { folder, .. } => Problem::new(
            format!("The archive in {} is damaged.", folder.display()),
            IN_DOUBT,
            "Copy the folder away and check the disk. Then try the command postkeep check --repair BACKUP, or restore your \
             last backup into a new folder.",
        ),
        ArchiveError::Rotten { id } => Problem::new(
            format!("Message {id} is damaged: its bytes are not those that were stored."),
            "Other mail is not affected, and what the server still has of this message stays there.",
            "Put it back from a backup: with Repair in the window where it tells of damage, or with the command postkeep \
             check --repair BACKUP.",
        ),
        ArchiveError::DiskError { folder, .. } => Problem::new(
            format!("The disk failed while the archive in {} was being read or written.", folder.display()),
            NOT_STORED,
            "Check the disk and its cable, and back up to another disk soon.",
        ),
        ArchiveError::ReadOnly { folder } => Problem::new(
            format!("The archive in {} cannot be written.", folder.display()),
            NOT_STORED,
            "Give yourself leave to write in that folder, or move the archive to a disk that can be written.",
        ),
        ArchiveError::WritesStopped => Problem::new(
            "Writing stopped because the disk failed earlier.",
            NOT_STORED,
            "Put the disk right, then close Postkeep and start it again.",
        ),
        ArchiveError::NotDurable { .. } => Problem::new(
            "The disk that holds the archive cannot promise to keep what is written to it.",
            NOT_STORED,
            "Keep the archive on a disk of this computer, not in a network folder.",
        ),
        ArchiveError::Io { path, source } => Problem::new(
            format!("The file or folder {} could not be opened or made: {}.", path.display(), cause(source)),
            UNTOUCHED,
            "Check that the folder is there and that you may write in it.",
        ),
        _ => return None,
    };
    Some(problem)
}

fn rest(error: &ArchiveError) -> Problem {
    match error {
        ArchiveError::Cancelled(cancelled) => cancelled.into(),
        ArchiveError::AccountExists(address) => Problem::new(
            format!("There is already an account {}.", quotable(address)),
            UNTOUCHED,
            "Change the account that is there instead.",
        ),
        ArchiveError::NoSuchAccount => Problem::new(
            "This account was removed meanwhile.",
            "Its mail is still here unless it was erased with the account.",
            "Add the account again to go on fetching.",
        ),
        ArchiveError::TooLarge(_) => Problem::new(
            "A message is larger than the archive can hold.",
            "It was not stored, and what the server has of it stays there.",
            "Fetch it with another program, or save its attachments from the provider's web page.",
        ),
        ArchiveError::Busy => Problem::new(
            "The archive was busy for too long.",
            NOT_STORED,
            "Wait until the other work is done and try again.",
        ),
        ArchiveError::OpenedForReading => Problem::new(
            "This archive is open for reading only, since another Postkeep is writing it.",
            UNTOUCHED,
            "Do it in the other window, or close that one first.",
        ),
        // Told above, or an answer of SQLite without a cause of its own; named so that a new variant does not compile.
        ArchiveError::Sqlite(_)
        | ArchiveError::Locked
        | ArchiveError::Missing { .. }
        | ArchiveError::Empty { .. }
        | ArchiveError::NotADatabase { .. }
        | ArchiveError::Foreign { .. }
        | ArchiveError::Newer { .. }
        | ArchiveError::JournalAlone { .. }
        | ArchiveError::ForeignJournal { .. }
        | ArchiveError::NetworkFolder { .. }
        | ArchiveError::DiskFull { .. }
        | ArchiveError::Damaged { .. }
        | ArchiveError::Rotten { .. }
        | ArchiveError::DiskError { .. }
        | ArchiveError::ReadOnly { .. }
        | ArchiveError::WritesStopped
        | ArchiveError::NotDurable { .. }
        | ArchiveError::Io { .. } => Problem::new(
            "The archive's database gave an answer that Postkeep did not expect.",
            NOT_STORED,
            "Start Postkeep again, and report it if it happens twice.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::assert_sound;
    use super::*;

    #[test]
    fn every_error_has_its_sentences() {
        let folder = || PathBuf::from("/home/me/mail");
        let errors = [
            ArchiveError::Locked,
            ArchiveError::Missing { folder: folder() },
            ArchiveError::Empty { file: folder() },
            ArchiveError::NotADatabase { file: folder() },
            ArchiveError::Foreign { file: folder(), application_id: 7 },
            ArchiveError::Newer { found: 9, known: 1 },
            ArchiveError::JournalAlone { file: folder() },
            ArchiveError::ForeignJournal { file: folder() },
            ArchiveError::NetworkFolder { folder: folder(), kind: "NFS".into() },
            ArchiveError::DiskFull { folder: folder() },
            ArchiveError::Damaged { folder: folder(), detail: "malformed".into() },
            ArchiveError::Rotten { id: crate::account::MessageId(4) },
            ArchiveError::DiskError { folder: folder(), detail: "disk I/O error".into() },
            ArchiveError::ReadOnly { folder: folder() },
            ArchiveError::OpenedForReading,
            ArchiveError::WritesStopped,
            ArchiveError::NotDurable { setting: "journal_mode", found: "delete".into() },
            ArchiveError::Io { path: folder(), source: std::io::Error::from_raw_os_error(13) },
            ArchiveError::AccountExists("me@example.org".into()),
            ArchiveError::NoSuchAccount,
            ArchiveError::TooLarge("a message larger than a gigabyte"),
            ArchiveError::Cancelled(crate::job::Cancelled),
            ArchiveError::Busy,
        ];
        assert_sound(&errors.iter().map(Problem::from).collect::<Vec<_>>());
    }
}
