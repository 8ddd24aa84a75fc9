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

/// Whether a file is called as Maildir calls messages: it has flags, or begins with the time of delivery in seconds and a
/// dot. For a Maildir that is not whole.
pub fn is_name(name: &str) -> bool {
    const TIME: usize = 9;
    let digits = name.bytes().take_while(u8::is_ascii_digit).count();
    let timed = digits >= TIME && name.get(digits..).is_some_and(|rest| rest.starts_with('.') && rest.len() > 1);
    timed || (digits > 0 && flags(name).is_some())
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
    fn names_tell_a_maildir() {
        for (name, expected) in [
            ("1204680122.27c448.host:2,S", true),
            ("1204680122.host,S=1234", true),
            ("17.host:2,", true),
            ("17.host", false),
            ("1204680122", false),
            ("1204680122.", false),
            ("a:2,S", false),
            ("report.eml", false),
            ("", false),
        ] {
            assert_eq!(super::is_name(name), expected, "{name}");
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
