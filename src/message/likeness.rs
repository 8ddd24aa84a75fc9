//! The likeness key: recognises one mail that came by two ways (an LF mbox, another program's trace fields).

use sha2::Digest as _;

use crate::account::Digest;

/// See [`super::likeness_given`]. What stands unchanged is hashed in one piece, and where that is all of `original`, as it
/// is for nearly all mail that comes over POP3, it is hashed no second time.
pub(super) fn likeness(original: &[u8], exact: impl FnOnce() -> Digest) -> Digest {
    let mut hash = sha2::Sha256::new();
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
            dropping = if continues { dropping } else { is_trace(line) };
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
    Digest(hash.finalize().into())
}

/// Whether the line begins a field that programs add to their copy.
fn is_trace(line: &[u8]) -> bool {
    let Some((name, _)) = super::fields::split_field(line) else { return false };
    let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
    let mozilla = name.get(..10).is_some_and(|start| start.eq_ignore_ascii_case(b"X-Mozilla-"));
    mozilla || is(b"Status") || is(b"X-Status") || is(b"X-UIDL")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn likeness(original: &[u8]) -> Digest {
        super::likeness(original, || Digest::of(original))
    }

    /// The rule in its plainest words: line by line, what is kept put together and hashed.
    fn by_lines(original: &[u8]) -> Digest {
        let (mut all, mut in_header, mut dropping) = (Vec::new(), true, false);
        for whole in original.split_inclusive(|octet| *octet == b'\n') {
            let (line, end) = match whole.strip_suffix(b"\n") {
                Some(line) => (line.strip_suffix(b"\r").unwrap_or(line), &b"\r\n"[..]),
                None => (whole, &b""[..]),
            };
            if in_header {
                dropping = if line.starts_with(b" ") || line.starts_with(b"\t") { dropping } else { is_trace(line) };
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
                Just("Status: RO"), Just("X-UIDL : 1"), Just("To: y"), Just("\r\n"), Just("\n"), Just("\r"), Just(" "),
                Just("body"), Just("\r\n\r\n"), Just("\t"),
            ],
            0..20,
        )) {
            let original = pieces.concat().into_bytes();
            prop_assert_eq!(likeness(&original), by_lines(&original), "{}", original.escape_ascii());
        }
    }

    #[test]
    fn alike_and_not_alike() {
        let plain = likeness(b"Subject: x\r\nTo: y\r\n\r\nbody\r\n");
        let alike: [&[u8]; 5] = [
            b"Subject: x\nTo: y\n\nbody\n",
            b"Status: RO\nSubject: x\nX-Status: A\nTo: y\nX-UIDL: 17\n\nbody\n",
            b"Subject: x\r\nX-Mozilla-Status: 0001\r\nx-mozilla-keys: a\r\n  folded\r\n\tmore\r\nTo: y\r\n\r\nbody\r\n",
            b"STATUS : RO\nSubject: x\nTo: y\n\nbody\n",
            b"Subject: x\nTo: y\r\n\nbody\r\n",
        ];
        for other in alike {
            assert_eq!(likeness(other), plain, "{}", other.escape_ascii());
        }
        let different: [&[u8]; 7] = [
            b"Subject: x\nTo: y\n\nBody\n",
            b"Subject: x\nTo: y\n\nStatus: RO\nbody\n",
            b"Subject: x\nTo: y\n\nbody",
            b"Subject: x\nTo: y\nX-Other: z\n\nbody\n",
            b"Subject: x\n folded\nTo: y\n\nbody\n",
            b"Subject: x\nTo: y\nStatus-Of: z\n\nbody\n",
            b"",
        ];
        for other in different {
            assert_ne!(likeness(other), plain, "{}", other.escape_ascii());
        }
        assert_ne!(likeness(b"\n\nStatus: RO\nx"), likeness(b"\n\nx"));
    }
}
