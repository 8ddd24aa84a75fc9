//! The likeness key: recognises one mail that came by two ways (an LF mbox, another program's trace fields).
//!
//! Left out is what a program that keeps mail writes into its own copy: its marks, numbers and counts. What a sender or
//! a relay may have written stays, and so does every field in which two mails can differ that are two: `X-Label`,
//! `X-Gmail-Received`, `Delivered-To`, Apple's `X-Apple-*` and `X-Universally-Unique-Identifier`, which come with the mail.
//!
//! Two rules. The first one left out less; keys made by it stand in archives, and unique-ids of servers that give none
//! are made with it, so it stays as it is.

use sha2::Digest as _;

use crate::account::Digest;

/// See [`super::likeness`].
pub(super) fn likeness(original: &[u8], exact: impl FnOnce() -> Digest) -> Digest {
    by(is_trace, original, exact)
}

/// See [`super::likenesses_given`].
pub(super) fn likenesses(original: &[u8], exact: Digest) -> (Digest, Option<Digest>) {
    let mut differ = false;
    let rule = |line: &[u8]| {
        let is_trace = is_trace(line);
        differ |= is_trace && !is_first_trace(line);
        is_trace
    };
    let likeness = by(rule, original, || exact);
    (likeness, differ.then(|| by(is_first_trace, original, || exact)))
}

/// See [`super::first_likeness`].
pub(super) fn first_likeness(original: &[u8], exact: impl FnOnce() -> Digest) -> Digest {
    by(is_first_trace, original, exact)
}

/// `rule` says whether a line begins a field that is left out. Where all of `original` stands unchanged, as it does in
/// nearly all mail that comes over POP3, it is hashed no second time.
fn by(mut rule: impl FnMut(&[u8]) -> bool, original: &[u8], exact: impl FnOnce() -> Digest) -> Digest {
    let mut hash = Hash::default();
    // The octets from `kept` to the line that is looked at stand unchanged and are not hashed yet.
    let (mut kept, mut line_start) = (0, 0);
    let (mut in_header, mut dropping) = (true, false);
    let between = |from: usize, to: usize| original.get(from..to).unwrap_or_default();
    while let Some(rest) = original.get(line_start..).filter(|rest| !rest.is_empty()) {
        let line_end = memchr::memchr(b'\n', rest).map(|at| line_start.saturating_add(at));
        let next = line_end.map_or(original.len(), |at| at.saturating_add(1));
        let line = between(line_start, line_end.unwrap_or(next));
        let is_crlf = line_end.is_none() || line.ends_with(b"\r");
        if in_header {
            let line = line.strip_suffix(b"\r").filter(|_| line_end.is_some()).unwrap_or(line);
            let continues = matches!(line.first(), Some(b' ' | b'\t'));
            in_header = !line.is_empty();
            dropping = if continues { dropping } else { rule(line) };
        }
        if dropping {
            hash.update(between(kept, line_start));
            kept = next;
        } else if !is_crlf {
            hash.update(between(kept, line_end.unwrap_or(next)));
            hash.update(b"\r\n");
            kept = next;
        }
        line_start = next;
    }
    if kept == 0 {
        return exact();
    }
    hash.update(between(kept, original.len()));
    hash.finish()
}

/// Hashes what comes in lines in larger pieces: a line at a time takes a third longer.
#[derive(Default)]
struct Hash {
    hash: sha2::Sha256,
    waiting: Vec<u8>,
}

impl Hash {
    /// Octets that are hashed at once.
    const PIECE: usize = 16 << 10;

    fn update(&mut self, octets: &[u8]) {
        if octets.len() >= Self::PIECE {
            self.hash.update(&self.waiting);
            self.waiting.clear();
            return self.hash.update(octets);
        }
        self.waiting.extend_from_slice(octets);
        if self.waiting.len() >= Self::PIECE {
            self.hash.update(&self.waiting);
            self.waiting.clear();
        }
    }

    fn finish(mut self) -> Digest {
        self.hash.update(&self.waiting);
        Digest(self.hash.finalize().into())
    }
}

/// The first rule: what mail, mutt, Dovecot and Thunderbird note of a message.
fn is_first_trace(line: &[u8]) -> bool {
    let Some((name, _)) = super::fields::split_field(line) else { return false };
    begins(name, b"X-Mozilla-") || [&b"Status"[..], b"X-Status", b"X-UIDL"].iter().any(|known| is(name, known))
}

/// The second rule: the first, and what other programs write into their own copy.
fn is_trace(line: &[u8]) -> bool {
    // Nearly all lines end here.
    if !matches!(line.first(), Some(b'S' | b's' | b'X' | b'x' | b'C' | b'c' | b'L' | b'l')) {
        return false;
    }
    let Some((name, _)) = super::fields::split_field(line) else { return false };
    is_first_trace(line)
        || OWN_FIELDS.iter().any(|known| is(name, known))
        || OWN_BEGINNINGS.iter().any(|known| begins(name, known))
}

/// What only the program writes that keeps the mail.
const OWN_FIELDS: [&[u8]; 14] = [
    // Of an mbox: mutt, Solaris, Dovecot.
    b"Content-Length",
    b"Lines",
    // The IMAP servers of Dovecot and Washington in their mboxes.
    b"X-IMAP",
    b"X-IMAPbase",
    b"X-UID",
    b"X-Keywords",
    // KMail.
    b"X-Length",
    // Thunderbird: from which account.
    b"X-Account-Key",
    // Google Takeout and tools that fetch over Gmail's own protocol. X-Gmail-Received comes with the mail.
    b"X-GM-THRID",
    b"X-GM-MSGID",
    b"X-Gmail-Labels",
    b"X-Evolution",
    // mbsync and OfflineIMAP, to find a message again that they put on a server.
    b"X-TUID",
    b"X-OfflineIMAP",
];
const OWN_BEGINNINGS: [&[u8]; 2] = [b"X-Evolution-", b"X-KMail-"];

fn is(name: &[u8], known: &[u8]) -> bool {
    name.eq_ignore_ascii_case(known)
}

fn begins(name: &[u8], known: &[u8]) -> bool {
    name.get(..known.len()).is_some_and(|start| is(start, known))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn likeness(original: &[u8]) -> Digest {
        super::likeness(original, || Digest::of(original))
    }

    /// The rule in its plainest words: line by line, what is kept put together and hashed.
    fn by_lines(rule: fn(&[u8]) -> bool, original: &[u8]) -> Digest {
        let (mut all, mut in_header, mut dropping) = (Vec::new(), true, false);
        for whole in original.split_inclusive(|octet| *octet == b'\n') {
            let (line, end) = match whole.strip_suffix(b"\n") {
                Some(line) => (line.strip_suffix(b"\r").unwrap_or(line), &b"\r\n"[..]),
                None => (whole, &b""[..]),
            };
            if in_header {
                dropping = if line.starts_with(b" ") || line.starts_with(b"\t") { dropping } else { rule(line) };
                in_header = !line.is_empty();
            }
            if !dropping {
                all.extend([line, end].concat());
            }
        }
        Digest::of(&all)
    }

    proptest! {
        #[test]
        fn hashed_in_pieces_or_by_lines_it_is_the_same(pieces in proptest::collection::vec(
            prop_oneof![
                Just("Status: RO"), Just("X-UIDL : 1"), Just("X-UID: 7"), Just("To: y"), Just("\r\n"), Just("\n"), Just("\r"), Just(" "),
                Just("body"), Just("\r\n\r\n"), Just("\t"),
            ],
            0..20,
        )) {
            let original = pieces.concat().into_bytes();
            prop_assert_eq!(likeness(&original), by_lines(is_trace, &original), "{}", original.escape_ascii());
            let first = first_likeness(&original, || Digest::of(&original));
            prop_assert_eq!(first, by_lines(is_first_trace, &original), "{}", original.escape_ascii());
            let (second, other) = likenesses(&original, Digest::of(&original));
            prop_assert_eq!(second, likeness(&original));
            prop_assert!(other.unwrap_or(second) == first, "{}", original.escape_ascii());
        }
    }

    #[test]
    fn alike_and_not_alike() {
        let plain = likeness(b"Subject: x\r\nTo: y\r\n\r\nbody\r\n");
        let alike: [&[u8]; 11] = [
            b"Subject: x\nTo: y\n\nbody\n",
            b"Status: RO\nSubject: x\nX-Status: A\nTo: y\nX-UIDL: 17\n\nbody\n",
            b"Subject: x\r\nX-Mozilla-Status: 0001\r\nx-mozilla-keys: a\r\n  folded\r\n\tmore\r\nTo: y\r\n\r\nbody\r\n",
            b"STATUS : RO\nSubject: x\nTo: y\n\nbody\n",
            b"Subject: x\nTo: y\r\n\nbody\r\n",
            b"X-Account-Key: account2\nX-UIDL: 17\nX-Mozilla-Status: 0001\nSubject: x\nTo: y\n\nbody\n",
            b"X-GM-THRID: 17\r\nX-Gmail-Labels: Inbox,\r\n Unread\r\nSubject: x\r\nTo: y\r\n\r\nbody\r\n",
            b"Subject: x\nTo: y\nContent-Length: 5\nLines: 1\nX-UID: 3\nX-Keywords: NonJunk\n\nbody\n",
            b"X-IMAPbase: 1 2\nX-IMAP: 3\nSubject: x\nTo: y\nX-TUID: abc\nx-offlineimap: 4\n\nbody\n",
            b"X-Evolution: 1-2\nX-Evolution-Source: pop\nSubject: x\nTo: y\n\nbody\n",
            b"Subject: x\nTo: y\nX-KMail-EncryptionState: N\nX-Length: 3\nX-GM-MSGID: 7\n\nbody\n",
        ];
        for other in alike {
            assert_eq!(likeness(other), plain, "{}", other.escape_ascii());
        }
        let different: [&[u8]; 12] = [
            b"Subject: x\nTo: y\n\nBody\n",
            b"Subject: x\nTo: y\n\nStatus: RO\nbody\n",
            b"Subject: x\nTo: y\n\nbody",
            b"Subject: x\nTo: y\nX-Other: z\n\nbody\n",
            b"Subject: x\n folded\nTo: y\n\nbody\n",
            b"Subject: x\nTo: y\nStatus-Of: z\n\nbody\n",
            b"Subject: x\nTo: y\nX-Evolutionary: z\n\nbody\n",
            b"Subject: x\nTo: y\nX-Gmail-Received: z\n\nbody\n",
            b"Subject: x\nTo: y\nX-Label: z\n\nbody\n",
            b"Subject: x\nTo: y\nX-Apple-Base-Url: z\n\nbody\n",
            b"Subject: x\nTo: y\n\nLines: 1\nbody\n",
            b"",
        ];
        for other in different {
            assert_ne!(likeness(other), plain, "{}", other.escape_ascii());
        }
        assert_ne!(likeness(b"\n\nStatus: RO\nx"), likeness(b"\n\nx"));
    }
}
