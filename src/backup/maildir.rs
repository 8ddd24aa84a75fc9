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
