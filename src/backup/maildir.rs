//! Maildir: one file a message in `cur` and `new`, marks in the name after `:2,` (S read, F starred, T trashed: its
//! program removes such a message the next time it tidies up, so an import leaves it out).

use super::flags::Flags;
use crate::account::MessageId;
use crate::archive::Marks;

/// The flags in a file's name; `None` where it has none. Some programs write `;2,` or `!2,` where a colon is not
/// allowed in names.
pub fn flags(name: &str) -> Option<Flags> {
    let flags = name.rfind([':', ';', '!']).and_then(|at| name.get(at + 1..)?.strip_prefix("2,"))?;
    Some(Flags { deleted: flags.contains('T'), ..Flags::of(flags.contains('S'), flags.contains('F')) })
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
    use super::{Flags, file_name, flags};
    use crate::account::MessageId;
    use crate::archive::Marks;

    #[test]
    fn flags_are_in_the_name() {
        for (name, expected) in [
            ("1204680122.27c448.host:2,S", Some(Flags::of(true, false))),
            ("1204680122.27c448.host:2,DFRS", Some(Flags::of(true, true))),
            ("1204680122.host,S=1234:2,F", Some(Flags::of(false, true))),
            ("1204680122.host;2,S", Some(Flags::of(true, false))),
            ("1204680122.host:2,", Some(Flags::default())),
            ("1204680122.host:2,ST", Some(Flags { deleted: true, ..Flags::of(true, false) })),
            ("1204680122.host,S=1234", None),
            ("1204680122.host:1,S", None),
            ("", None),
        ] {
            assert_eq!(flags(name), expected, "{name}");
        }
    }

    #[test]
    fn names_carry_marks() {
        let arrived = "2026-11-22T09:15:00Z".parse().unwrap();
        for (read, starred) in [(false, false), (true, false), (false, true), (true, true)] {
            let written = Marks { read, starred };
            assert_eq!(flags(&file_name(MessageId(3), arrived, written)), Some(Flags::of(read, starred)));
        }
    }
}
