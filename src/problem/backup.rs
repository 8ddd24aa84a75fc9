//! Why a backup, an export or an import could not be done.

use std::io::ErrorKind;

use super::{Problem, cause};
use crate::backup::{BackupError, Doing};

const UNTOUCHED: &str = "Nothing was lost: the mail in the archive was not touched.";

impl From<&BackupError> for Problem {
    fn from(error: &BackupError) -> Problem {
        match error {
            BackupError::Cancelled(cancelled) => cancelled.into(),
            BackupError::Archive(error) => error.into(),
            BackupError::Io { doing: Doing::Writing, path, source } if is_full(source.kind()) => Problem::new(
                format!("There is no room left where {} was to be written.", path.display()),
                "Nothing was lost: the archive was not touched, and an earlier backup there is still whole.",
                "Make room there or choose another disk, and try again.",
            ),
            BackupError::Io { doing: Doing::Exporting, path, source } if is_full(source.kind()) => Problem::new(
                format!("There is no room left for the export to {}.", path.display()),
                "Nothing was lost: the archive was not touched, and nothing was exported.",
                "Make room there or choose another disk, and export again.",
            ),
            BackupError::Io { doing, path, source } => {
                let done = match doing {
                    Doing::Reading => "read",
                    Doing::Writing | Doing::Exporting => "written",
                };
                Problem::new(
                    format!("The file or folder {} could not be {done}: {}.", path.display(), cause(source)),
                    UNTOUCHED,
                    "Check that the disk is plugged in and that you may use that folder, and try again.",
                )
            }
            BackupError::NotABackup(folder) => Problem::new(
                format!("There is no backup of Postkeep in {}.", folder.display()),
                UNTOUCHED,
                "Choose the folder that holds the file manifest.json.",
            ),
            BackupError::NotAFolder(path) => Problem::new(
                format!("The place {} is a file, not a folder.", path.display()),
                UNTOUCHED,
                "Choose a folder.",
            ),
            BackupError::InsideArchive(folder) => Problem::new(
                format!("The folder {} lies inside the archive's own folder.", folder.display()),
                UNTOUCHED,
                "Choose a folder elsewhere, best on another disk: what harms the one must not harm the other.",
            ),
            BackupError::TargetExists(path) => Problem::new(
                format!("The place {} is taken already, and an export never writes over anything.", path.display()),
                UNTOUCHED,
                "Choose a name that is free.",
            ),
            BackupError::NewerFormat { .. } => Problem::new(
                "This backup was made by a newer version of Postkeep.",
                "The backup was not touched.",
                "Install the newest version of Postkeep, or open the zip files in it with any other program.",
            ),
            BackupError::DoesNotReadBack(messages) => Problem::new(
                format!("What was written to the backup does not read back the same: {} damaged.", damaged(messages)),
                "Nothing was lost in the archive, and the backup is not called verified.",
                "That disk or its cable is failing: back up to another disk.",
            ),
        }
    }
}

impl Problem {
    /// A backup was stopped, as the user asked.
    pub fn of_stopped_backup() -> Problem {
        Problem::new(
            "The backup was stopped, as you asked.",
            "Nothing was lost, and the backup before this one is whole.",
            "Start it again whenever you like: it adds what is missing.",
        )
    }

    /// An export was stopped, as the user asked.
    pub fn of_stopped_export() -> Problem {
        Problem::new(
            "The export was stopped, as you asked.",
            "Nothing was lost, and nothing was exported.",
            "Start it again whenever you like: it begins anew.",
        )
    }
}

fn is_full(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::WriteZero)
}

fn damaged(messages: &[String]) -> String {
    if messages.len() == 1 { "1 message is".to_owned() } else { format!("{} messages are", messages.len()) }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::assert_sound;
    use super::*;

    #[test]
    fn every_error_has_its_sentences() {
        let path = || PathBuf::from("/media/stick/Postkeep backup");
        let io = |doing, kind: ErrorKind| BackupError::Io { doing, path: path(), source: kind.into() };
        let errors = [
            BackupError::Cancelled(crate::job::Cancelled),
            BackupError::Archive(crate::archive::ArchiveError::Locked),
            io(Doing::Writing, ErrorKind::StorageFull),
            io(Doing::Exporting, ErrorKind::StorageFull),
            io(Doing::Writing, ErrorKind::PermissionDenied),
            io(Doing::Reading, ErrorKind::NotFound),
            BackupError::NotABackup(path()),
            BackupError::NotAFolder(path()),
            BackupError::InsideArchive(path()),
            BackupError::TargetExists(path()),
            BackupError::NewerFormat { found: 2, known: 1 },
            BackupError::DoesNotReadBack(vec!["2024/one.eml differs.".into()]),
        ];
        let stopped = [Problem::of_stopped_backup(), Problem::of_stopped_export()];
        assert_sound(&errors.iter().map(Problem::from).chain(stopped).collect::<Vec<_>>());
        let full = Problem::from(&io(Doing::Exporting, ErrorKind::StorageFull)).to_string();
        assert!(!full.contains("backup there"), "an export has none: {full}");
    }
}
