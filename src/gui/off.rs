//! Work off the drawing thread: everything that touches a disk, a keyring or a network.

use iced::Task;

use crate::problem::Problem;

/// Runs blocking work on a thread of its own.
pub fn off<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Task<T> {
    Task::future(tokio::task::spawn_blocking(work)).then(|done| match done {
        Ok(answer) => Task::done(answer),
        // It panicked: its message is in the log, and whoever waits goes on waiting.
        Err(_) => Task::none(),
    })
}

/// Runs blocking work that can fail; the failure comes back as a problem with words.
pub fn ask<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Task<Result<T, Problem>>
where
    T: Send + 'static,
    E: std::error::Error + 'static,
{
    off(move || work().map_err(|error| explain(&error)))
}

/// Any error of the core as a person reads it.
pub fn explain<E: std::error::Error + 'static>(error: &E) -> Problem {
    Problem {
        summary: format!("That did not work: {error}."),
        mail: "Your mail is as it was.".to_owned(),
        advice: "Try again.".to_owned(),
    }
}
