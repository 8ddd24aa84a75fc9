//! Why a fetch ended early.

use super::{Problem, server_says, size};
use crate::fetch::FetchError;

/// True of a fetch that ended anywhere before the first removal.
const KEPT: &str = "Nothing was lost: what was fetched is stored here, and the rest is still on the server.";

impl From<&FetchError> for Problem {
    fn from(error: &FetchError) -> Problem {
        match error {
            FetchError::Transport(error) => error.into(),
            FetchError::Archive(error) => error.into(),
            FetchError::Secrets(error) => error.into(),
            FetchError::Removal(error) => {
                let summary = Problem::from(error).summary;
                Problem::new(
                    format!("While messages were being removed from the server, this happened: {summary}"),
                    "Nothing was lost: everything that was to be removed is stored here and was read back first.",
                    "Fetch again: what the server still has is removed then.",
                )
            }
            FetchError::RemovalRefused { text } => Problem::new(
                format!("The server did not confirm that it removed the messages.{}", server_says(text)),
                "Nothing was lost: all of them are stored here, and some may be on the server still.",
                "Fetch again: what the server still has is removed then.",
            ),
            FetchError::NoPassword => Problem::new(
                "No password is known for this account.",
                "Nothing was lost: the server was not asked, and its mail stays there.",
                "Enter the password, or set a password command for the account.",
            ),
            FetchError::DiskFull { missing } => Problem::new(
                format!("The disk is too full for the new mail: {} are missing.", size(*missing)),
                KEPT,
                "Make room on the disk and fetch again: it goes on where it stopped.",
            ),
            FetchError::NoUniqueIds => Problem::new(
                "The server does not tell its messages apart by unique-ids, so old mail could not be told from new.",
                KEPT,
                "Ask the provider whether its POP3 server can give unique-ids (UIDL).",
            ),
            FetchError::TooSoon { until } => Problem::new(
                format!("The server wants more time between two visits: until {}.", clock(*until)),
                "Nothing was lost: the server was not asked, and its mail stays there.",
                "Wait until then; asked sooner, the server might refuse the password.",
            ),
            FetchError::RefusedBefore => Problem::new(
                "The server refused the login the last time, so it was not asked again.",
                "Nothing was lost: the mail is still on the server.",
                "Enter the password again, or fetch this very account to try once more.",
            ),
            FetchError::Cancelled(_) => Problem::new(
                "The fetch was stopped, as you asked.",
                KEPT,
                "Fetch again whenever you like: it goes on where it stopped.",
            ),
            FetchError::Internal => Problem::new(
                "A part of Postkeep ended unexpectedly, which is a fault of this program.",
                KEPT,
                "Fetch again, and report it if it happens twice.",
            ),
        }
    }
}

/// The time of day, as on the clock of this computer.
fn clock(time: jiff::Timestamp) -> String {
    time.to_zoned(crate::settings::time_zone()).strftime("%H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::super::assert_sound;
    use super::*;
    use crate::archive::ArchiveError;
    use crate::secrets::SecretsError;
    use crate::transport::TransportError;

    #[test]
    fn every_error_has_its_sentences() {
        let silence = || TransportError::Silence(std::time::Duration::from_secs(120));
        let errors = [
            FetchError::Transport(silence()),
            FetchError::Archive(ArchiveError::Locked),
            FetchError::Secrets(SecretsError::TimedOut),
            FetchError::Removal(silence()),
            FetchError::RemovalRefused { text: "some deleted messages not removed".into() },
            FetchError::RemovalRefused { text: String::new() },
            FetchError::NoPassword,
            FetchError::DiskFull { missing: 12_400_000 },
            FetchError::NoUniqueIds,
            FetchError::TooSoon { until: jiff::Timestamp::UNIX_EPOCH },
            FetchError::RefusedBefore,
            FetchError::Cancelled(crate::job::Cancelled),
            FetchError::Internal,
        ];
        let problems: Vec<Problem> = errors.iter().map(Problem::from).collect();
        assert_sound(&problems);
        assert!(problems.iter().any(|problem| problem.summary.contains("12.4 MB are missing")));
    }
}
