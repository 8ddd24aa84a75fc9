//! Work off the drawing thread: everything that touches a disk, a keyring or a network.

use std::io;

use iced::Task;

use crate::problem::Problem;

/// Runs blocking work on a thread of its own.
pub fn off<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Task<T> {
    // The runtime is entered when the task runs, not where it is made.
    Task::future(async move { tokio::task::spawn_blocking(work).await }).then(|done| match done {
        Ok(answer) => Task::done(answer),
        // It panicked: its message is in the log, and whoever waits goes on waiting.
        Err(_) => Task::none(),
    })
}

/// Runs blocking work that can fail; the failure comes back as a problem with words.
pub fn ask<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Task<Result<T, Problem>>
where
    T: Send + 'static,
    for<'a> Problem: From<&'a E>,
{
    off(move || work().map_err(|error| Problem::from(&error)))
}

/// A file or folder outside the archive that could not be written.
pub fn unwritten(what: &str, error: &io::Error) -> Problem {
    let (why, advice) = match error.kind() {
        io::ErrorKind::PermissionDenied => ("writing there is not allowed", "Choose another folder."),
        io::ErrorKind::NotFound => ("the folder is not there", "Choose another folder."),
        io::ErrorKind::StorageFull => ("the disk is full", "Make room on the disk, or choose another folder."),
        io::ErrorKind::ReadOnlyFilesystem => ("the disk can only be read", "Choose another folder."),
        _ => ("the disk refused it", "Try again, or choose another folder."),
    };
    Problem {
        summary: format!("{what} could not be written: {why}."),
        mail: "Your mail is as it was.".to_owned(),
        advice: advice.to_owned(),
    }
}
