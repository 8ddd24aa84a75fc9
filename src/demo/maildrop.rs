//! The messages that a demo server holds, in memory, and how one of them looks on the wire (RFC 1939 section 3).

use std::collections::HashSet;
use std::sync::Arc;

use crate::account::Digest;

/// One message of the maildrop.
pub(super) struct Stored {
    /// Counted from 1 in the order of adding; never used twice.
    id: usize,
    /// Unique in this maildrop, also among equal messages; the same again after a restart with the same mail.
    pub(super) uidl: String,
    /// What a client must get: see [`Maildrop::add`].
    pub(super) bytes: Vec<u8>,
}

/// The messages, oldest first.
#[derive(Default)]
pub(super) struct Maildrop {
    pub(super) messages: Vec<Arc<Stored>>,
    /// How many were ever added: no UIDL is used twice.
    added: usize,
    /// How many were removed by DELE and QUIT.
    pub(super) removed: usize,
    /// Made greater by each renumbering.
    pub(super) generation: usize,
}

impl Maildrop {
    /// Adds a message as the newest. POP3 ends each message with a line end, so one is added to a message without;
    /// everything else (NUL, 8-bit, bare LF, bare CR) stays. `identity` is what the UIDL is made from, beside a number.
    pub(super) fn add(&mut self, mut bytes: Vec<u8>, identity: &[u8]) -> String {
        if !bytes.is_empty() && !bytes.ends_with(b"\r\n") {
            bytes.extend_from_slice(b"\r\n");
        }
        self.added += 1;
        let digest = Digest::of(identity).to_string();
        let uidl = format!("{}{:06}.{}", self.prefix(), self.added, digest.get(..16).unwrap_or_default());
        self.messages.push(Arc::new(Stored { id: self.added, uidl: uidl.clone(), bytes }));
        uidl
    }

    /// Takes messages away for good, as QUIT does.
    pub(super) fn remove<'a>(&mut self, gone: impl Iterator<Item = &'a Arc<Stored>>) {
        let gone: HashSet<usize> = gone.map(|message| message.id).collect();
        let before = self.messages.len();
        self.messages.retain(|message| !gone.contains(&message.id));
        self.removed += before - self.messages.len();
    }

    /// Gives every message a UIDL never seen before, as after a migration of the server.
    pub(super) fn renumber(&mut self) {
        self.generation += 1;
        let prefix = self.prefix();
        for message in &mut self.messages {
            let tail = message.uidl.rsplit('-').next().unwrap_or_default();
            *message =
                Arc::new(Stored { id: message.id, uidl: format!("{prefix}{tail}"), bytes: message.bytes.clone() });
        }
    }

    fn prefix(&self) -> String {
        match self.generation {
            0 => String::new(),
            generation => format!("g{generation}-"),
        }
    }
}

/// Appends `lines` to `answer` with each line that begins with a dot given a second one. A line begins at the start and
/// after CRLF, never after a bare LF.
pub(super) fn stuff(lines: &[u8], answer: &mut Vec<u8>) {
    answer.reserve(lines.len() + lines.len() / 64);
    if lines.starts_with(b".") {
        answer.push(b'.');
    }
    let mut written = 0;
    for (at, _) in lines.windows(3).enumerate().filter(|(_, window)| *window == b"\r\n.") {
        answer.extend_from_slice(&lines[written..at + 2]);
        answer.push(b'.');
        written = at + 2;
    }
    answer.extend_from_slice(&lines[written..]);
}

/// The header section, the empty line, and the first `count` lines of the body (RFC 1939 section 7, TOP).
pub(super) fn top(message: &[u8], count: usize) -> &[u8] {
    let body = match message.windows(4).position(|window| window == b"\r\n\r\n") {
        Some(at) => at + 4,
        None => return message,
    };
    let mut ends =
        message[body..].windows(2).enumerate().filter(|(_, window)| *window == b"\r\n").map(|(at, _)| at + 2);
    match count.checked_sub(1) {
        None => &message[..body],
        Some(last) => ends.nth(last).map_or(message, |end| &message[..body + end]),
    }
}

#[cfg(test)]
mod tests {
    use super::{Maildrop, stuff, top};

    #[test]
    fn dots_are_stuffed_at_line_starts_only() {
        let cases: [(&[u8], &[u8]); 6] = [
            (b"", b""),
            (b".\r\n", b"..\r\n"),
            (b"a.\r\n..\r\n", b"a.\r\n...\r\n"),
            (b"a\n.\r\n", b"a\n.\r\n"),
            (b"\r\n.\r\n.x\r\n", b"\r\n..\r\n..x\r\n"),
            (b"\r.\r\n", b"\r.\r\n"),
        ];
        for (plain, stuffed) in cases {
            let mut answer = Vec::new();
            stuff(plain, &mut answer);
            assert_eq!(answer, stuffed, "{}", plain.escape_ascii());
        }
    }

    #[test]
    fn top_gives_the_header_and_so_many_lines() {
        let message = b"A: b\r\n\r\none\r\ntwo\r\n";
        assert_eq!(top(message, 0), b"A: b\r\n\r\n");
        assert_eq!(top(message, 1), b"A: b\r\n\r\none\r\n");
        assert_eq!(top(message, 9), message);
        assert_eq!(top(b"no body\r\n", 3), b"no body\r\n");
    }

    #[test]
    fn equal_messages_have_different_uidls_and_renumbering_changes_all() {
        let mut maildrop = Maildrop::default();
        let first = maildrop.add(b"x".to_vec(), b"x");
        let second = maildrop.add(b"x".to_vec(), b"x");
        assert_ne!(first, second);
        assert_eq!(maildrop.messages[0].bytes, b"x\r\n");
        maildrop.renumber();
        maildrop.renumber();
        assert!(maildrop.messages.iter().all(|message| message.uidl.starts_with("g2-0000")));
    }
}
