//! Why a command ends otherwise than done, with its exit status.

use std::process::ExitCode;

use crate::archive::ArchiveError;
use crate::backup::BackupError;
use crate::fetch::FetchError;
use crate::problem::Problem;
use crate::secrets::SecretsError;
use crate::transport::TransportError;

/// The exit statuses of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Done = 0,
    Failed = 1,
    WrongUsage = 2,
    DoneInPart = 3,
    Locked = 4,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> ExitCode {
        ExitCode::from(status as u8)
    }
}

/// The end of a command that could not do its work, with what to say on stderr.
#[derive(Debug)]
pub struct Failure {
    status: Status,
    /// `None` when there is nobody to tell: the reader of our output went away.
    sentence: Option<String>,
}

impl Failure {
    /// It could not be done; `sentence` says why.
    pub fn failed(sentence: impl Into<String>) -> Failure {
        Failure { status: Status::Failed, sentence: Some(sentence.into()) }
    }

    pub fn wrong_usage(sentence: impl Into<String>) -> Failure {
        Failure { status: Status::WrongUsage, sentence: Some(sentence.into()) }
    }

    /// A fault of a file or folder that the user named.
    pub fn of_file(what: &str, path: &std::path::Path, error: &std::io::Error) -> Failure {
        Failure::failed(format!("{what} {} failed: {error}.", path.display()))
    }

    pub fn status(&self) -> Status {
        self.status
    }

    pub fn sentence(&self) -> Option<&str> {
        self.sentence.as_deref()
    }

    pub fn of(problem: &Problem) -> Failure {
        Failure::failed(problem.to_string())
    }
}

/// Writing to stdout failed.
impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        match error.kind() {
            // `postkeep list | head` is no failure.
            std::io::ErrorKind::BrokenPipe => Failure { status: Status::Done, sentence: None },
            _ => Failure::failed(format!("The output could not be written: {error}.")),
        }
    }
}

impl From<ArchiveError> for Failure {
    fn from(error: ArchiveError) -> Failure {
        let failure = Failure::of(&Problem::from(&error));
        match error {
            ArchiveError::Locked => Failure { status: Status::Locked, ..failure },
            _ => failure,
        }
    }
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Failure {
        match error {
            BackupError::Archive(error) => error.into(),
            error => Failure::of(&Problem::from(&error)),
        }
    }
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Failure {
        match error {
            FetchError::Archive(error) => error.into(),
            error => Failure::of(&Problem::from(&error)),
        }
    }
}

impl From<SecretsError> for Failure {
    fn from(error: SecretsError) -> Failure {
        Failure::of(&Problem::from(&error))
    }
}

impl From<TransportError> for Failure {
    fn from(error: TransportError) -> Failure {
        Failure::of(&Problem::from(&error))
    }
}
