//! The same core from a terminal: arguments, printing, exit codes.

/// Runs the command line; answers the process's exit status.
pub fn run() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
