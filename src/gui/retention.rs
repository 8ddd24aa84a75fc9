//! How long servers keep their copies, in words: on the card, in an account's settings, before a removal, at a deletion.

use super::words::{count, counted, size};
use crate::account::Retention;

/// Octets of a megabyte, as the settings count them.
pub const MEGABYTE: u64 = 1_000_000;

/// Beside the switch on the card, where it is neither plainly on nor plainly off: `30 days`, `until backed up`.
pub fn brief(retention: Retention) -> Option<String> {
    match retention {
        Retention::LeaveCopy | Retention::RemoveOnceStored => None,
        Retention::Days(days) => Some(counted(days.into(), "day", "days")),
        Retention::UntilDeleted => Some("until deleted".to_owned()),
        Retention::UntilBackedUp => Some("until backed up".to_owned()),
        Retention::NewestMessages(messages) => Some(format!("newest {}", count(messages.into()))),
        Retention::NewestOctets(octets) => Some(format!("newest {}", size(octets))),
    }
}

/// What it does, in a sentence.
pub fn meaning(retention: Retention) -> String {
    match retention {
        Retention::LeaveCopy => "Fetched mail stays on the server too, for your other devices.".to_owned(),
        Retention::RemoveOnceStored => {
            "Mail is removed from the server once it is proved to be stored here.".to_owned()
        }
        other => format!("Copies stay on the server {}.", how_long(other)),
    }
}

/// The end of “Copies stay on the server …”.
pub fn how_long(retention: Retention) -> String {
    match retention {
        Retention::LeaveCopy => "always".to_owned(),
        Retention::Days(days) => {
            format!("for {} after Postkeep first saw them there", counted(days.into(), "day", "days"))
        }
        Retention::UntilDeleted => "until you delete the message here".to_owned(),
        Retention::UntilBackedUp => "until they are in a verified backup".to_owned(),
        Retention::NewestMessages(messages) => {
            format!("while they are among the newest {}", counted(messages.into(), "message", "messages"))
        }
        Retention::NewestOctets(octets) => format!("while they are within the newest {}", size(octets)),
        Retention::RemoveOnceStored => "only until they are proved to be stored here".to_owned(),
    }
}

/// Whether a change could remove what stays now. `agreed`: removals from this mailbox were agreed to before.
pub fn removes_more(before: Retention, after: Retention, agreed: bool) -> bool {
    match (before, after) {
        (_, Retention::LeaveCopy) => false,
        _ if !agreed => true,
        (Retention::RemoveOnceStored, _) => false,
        (Retention::Days(before), Retention::Days(after)) => after < before,
        (Retention::NewestMessages(before), Retention::NewestMessages(after)) => after < before,
        (Retention::NewestOctets(before), Retention::NewestOctets(after)) => after < before,
        (before, after) => before != after,
    }
}

/// What moving a message to the bin means for its copy on the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deletion {
    pub on_server: bool,
    pub in_backup: bool,
    pub retention: Retention,
    pub agreed: bool,
}

impl Deletion {
    /// In a sentence.
    pub fn says(self) -> String {
        if !self.on_server {
            return "The server has no copy of it.".to_owned();
        }
        if self.goes() {
            return "Its copy on the server goes at the next check.".to_owned();
        }
        match self.retention {
            Retention::LeaveCopy => "Its copy on the server stays.".to_owned(),
            _ if !self.agreed => "Its copy on the server stays until you agree to removals.".to_owned(),
            Retention::Days(days) => {
                format!("Its copy on the server stays its {}.", counted(days.into(), "day", "days"))
            }
            Retention::UntilBackedUp => "Its copy on the server stays until it is in a verified backup.".to_owned(),
            Retention::NewestMessages(_) | Retention::NewestOctets(_) => {
                "Its copy on the server stays while it is among the newest.".to_owned()
            }
            Retention::UntilDeleted | Retention::RemoveOnceStored => "Its copy on the server stays for now.".to_owned(),
        }
    }

    /// Whether the next check removes the copy on the server.
    fn goes(self) -> bool {
        self.agreed
            && match self.retention {
                Retention::UntilDeleted | Retention::RemoveOnceStored => true,
                Retention::UntilBackedUp => self.in_backup,
                _ => false,
            }
    }

    /// Whether "Delete it there too" would change anything.
    pub fn can_go_there_too(self) -> bool {
        self.on_server && !self.goes()
    }
}

#[cfg(test)]
mod tests {
    use super::{Deletion, Retention, brief, how_long, removes_more};

    #[test]
    fn a_change_that_removes_no_more_needs_no_question() {
        use Retention::{Days, LeaveCopy, NewestMessages, NewestOctets, RemoveOnceStored, UntilBackedUp, UntilDeleted};
        let cases = [
            (LeaveCopy, Days(30), true),
            (Days(30), LeaveCopy, false),
            (Days(30), Days(29), true),
            (Days(30), Days(60), false),
            (NewestMessages(500), NewestMessages(499), true),
            (NewestMessages(500), NewestMessages(501), false),
            (NewestOctets(5), NewestOctets(4), true),
            (NewestMessages(500), NewestOctets(500_000_000), true),
            (RemoveOnceStored, UntilDeleted, false),
            (RemoveOnceStored, Days(1), false),
            (UntilDeleted, UntilBackedUp, true),
            (UntilBackedUp, RemoveOnceStored, true),
            (Days(7), Days(7), false),
        ];
        for (before, after, expected) in cases {
            assert_eq!(removes_more(before, after, true), expected, "{before} to {after}");
            let unasked = after != LeaveCopy;
            assert_eq!(removes_more(before, after, false), unasked, "{before} to {after}, not agreed");
        }
    }

    #[test]
    fn a_deletion_says_what_becomes_of_the_servers_copy() {
        let usual = Deletion { on_server: true, in_backup: false, retention: Retention::LeaveCopy, agreed: true };
        let cases = [
            (usual, "Its copy on the server stays.", true),
            (Deletion { on_server: false, ..usual }, "The server has no copy of it.", false),
            (
                Deletion { retention: Retention::UntilDeleted, ..usual },
                "Its copy on the server goes at the next check.",
                false,
            ),
            (
                Deletion { retention: Retention::UntilDeleted, agreed: false, ..usual },
                "Its copy on the server stays until you agree to removals.",
                true,
            ),
            (Deletion { retention: Retention::Days(30), ..usual }, "Its copy on the server stays its 30 days.", true),
            (
                Deletion { retention: Retention::UntilBackedUp, ..usual },
                "Its copy on the server stays until it is in a verified backup.",
                true,
            ),
            (
                Deletion { retention: Retention::UntilBackedUp, in_backup: true, ..usual },
                "Its copy on the server goes at the next check.",
                false,
            ),
        ];
        for (deletion, sentence, offered) in cases {
            assert_eq!(deletion.says(), sentence);
            assert_eq!(deletion.can_go_there_too(), offered, "{sentence}");
        }
    }

    #[test]
    fn each_is_named() {
        for (retention, short, long) in [
            (Retention::LeaveCopy, None, "always"),
            (Retention::Days(1), Some("1 day"), "for 1 day after Postkeep first saw them there"),
            (Retention::UntilDeleted, Some("until deleted"), "until you delete the message here"),
            (Retention::UntilBackedUp, Some("until backed up"), "until they are in a verified backup"),
            (Retention::NewestMessages(1_500), Some("newest 1,500"), "while they are among the newest 1,500 messages"),
            (Retention::NewestOctets(500_000_000), Some("newest 500 MB"), "while they are within the newest 500 MB"),
            (Retention::RemoveOnceStored, None, "only until they are proved to be stored here"),
        ] {
            assert_eq!(brief(retention).as_deref(), short);
            assert_eq!(how_long(retention), long);
        }
    }
}
