//! Maildir: one file a message in `cur` and `new`, marks in the name after `:2,` (S read, F starred).

use crate::account::MessageId;
use crate::archive::Marks;

/// The marks in a file's name. Some programs write `;2,` or `!2,` where a colon is not allowed in names.
pub fn marks(name: &str) -> Marks {
    let flags = name.rfind([':', ';', '!']).and_then(|at| name.get(at + 1..)?.strip_prefix("2,")).unwrap_or_default();
    Marks { read: flags.contains('S'), starred: flags.contains('F') }
}

/// The name of a message in `cur`: unique by its id, flags in ASCII order as the format wants them.
pub fn file_name(id: MessageId, arrived: jiff::Timestamp, marks: Marks) -> String {
    let separator = if cfg!(windows) { ';' } else { ':' };
    let flagged = if marks.starred { "F" } else { "" };
    let seen = if marks.read { "S" } else { "" };
    format!("{}.M{id}.postkeep{separator}2,{flagged}{seen}", arrived.as_second().max(0))
}

#[cfg(test)]
mod tests {
    use super::{file_name, marks};
    use crate::account::MessageId;
    use crate::archive::Marks;

    #[test]
    fn marks_are_in_the_name() {
        for (name, read, starred) in [
            ("1204680122.27c448.host:2,S", true, false),
            ("1204680122.27c448.host:2,DFRS", true, true),
            ("1204680122.host,S=1234:2,F", false, true),
            ("1204680122.host;2,S", true, false),
            ("1204680122.host,S=1234", false, false),
            ("1204680122.host:1,S", false, false),
            ("", false, false),
        ] {
            assert_eq!(marks(name), Marks { read, starred }, "{name}");
        }
    }

    #[test]
    fn names_carry_marks() {
        let arrived = "2026-11-22T09:15:00Z".parse().unwrap();
        for (read, starred) in [(false, false), (true, false), (false, true), (true, true)] {
            let written = Marks { read, starred };
            assert_eq!(marks(&file_name(MessageId(3), arrived, written)), written);
        }
    }
}
