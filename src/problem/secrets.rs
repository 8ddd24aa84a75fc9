//! Why there is no password.

use super::{Problem, cause, quotable};
use crate::secrets::SecretsError;

const SAFE: &str = "Nothing was lost: the server was not asked, and the mail is still there.";

impl From<&SecretsError> for Problem {
    fn from(error: &SecretsError) -> Problem {
        let (summary, advice) = match error {
            SecretsError::TimedOut => (
                "The system's keyring did not answer.".to_owned(),
                "Unlock the keyring and try again, or enter the password for this time only.",
            ),
            SecretsError::NoKeyring => (
                "There is no keyring on this computer that could keep the password.".to_owned(),
                "Set a password command for this account, or enter the password each time.",
            ),
            SecretsError::KeyringRefused => (
                "The system's keyring is locked or does not let Postkeep in.".to_owned(),
                "Unlock it, allow Postkeep to use it, and try again.",
            ),
            SecretsError::Keyring(why) => (
                format!("The system's keyring could not do it: {}.", sentence_end(why)),
                "Enter the password again, or set a password command for this account.",
            ),
            SecretsError::CommandNotStarted(error) => (
                format!("The password command could not be started: {}.", cause(error)),
                "Check the account's password command.",
            ),
            SecretsError::CommandFailed { status, complaint } => {
                (failed_command(*status, complaint), "Run the command in a terminal to see what is wrong with it.")
            }
            SecretsError::CommandSilent => (
                "The password command printed no password.".to_owned(),
                "Its first line of output must be the password: run it in a terminal and look.",
            ),
            SecretsError::CommandUnreadable => (
                "What the password command printed is too long or not text, so it cannot be a password.".to_owned(),
                "Its first line of output must be the password and nothing else.",
            ),
            SecretsError::CommandTimedOut => (
                "The password command did not end within a minute, so it was stopped.".to_owned(),
                "If it waits for you, unlock what it reads from and try again.",
            ),
        };
        Problem::new(summary, SAFE, advice)
    }
}

fn sentence_end(words: &str) -> String {
    let words = quotable(words);
    if words.is_empty() { "it gave no reason".to_owned() } else { words.trim_end_matches('.').to_owned() }
}

fn failed_command(status: Option<i32>, complaint: &str) -> String {
    let ended = match status {
        Some(status) => format!("The password command failed with status {status}."),
        None => "The password command was ended from outside.".to_owned(),
    };
    let complaint = quotable(complaint);
    if complaint.is_empty() { ended } else { format!("{ended} It says: \"{complaint}\".") }
}

#[cfg(test)]
mod tests {
    use super::super::assert_sound;
    use super::*;

    #[test]
    fn every_error_has_its_sentences() {
        let errors = [
            SecretsError::TimedOut,
            SecretsError::NoKeyring,
            SecretsError::KeyringRefused,
            SecretsError::Keyring("longer than 10 characters".into()),
            SecretsError::Keyring(String::new()),
            SecretsError::CommandNotStarted(std::io::ErrorKind::NotFound.into()),
            SecretsError::CommandFailed { status: Some(127), complaint: "sh: pas: not found".into() },
            SecretsError::CommandFailed { status: Some(1), complaint: String::new() },
            SecretsError::CommandFailed { status: None, complaint: String::new() },
            SecretsError::CommandSilent,
            SecretsError::CommandUnreadable,
            SecretsError::CommandTimedOut,
        ];
        assert_sound(&errors.iter().map(Problem::from).collect::<Vec<_>>());
    }
}
