//! The likeness key: recognises one mail that came by two ways (an LF mbox, another program's trace fields).

use sha2::Digest as _;

use crate::account::Digest;

/// Streams `original` into SHA-256 line by line, see [`super::likeness`].
pub(super) fn likeness(original: &[u8]) -> Digest {
    let mut hash = sha2::Sha256::new();
    let mut rest = original;
    let mut in_header = true;
    let mut dropping = false;
    while !rest.is_empty() {
        let length = rest.iter().position(|&octet| octet == b'\n').map_or(rest.len(), |at| at.saturating_add(1));
        let (whole, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        rest = after;
        let (line, ended) = match whole.strip_suffix(b"\n") {
            Some(line) => (line.strip_suffix(b"\r").unwrap_or(line), true),
            None => (whole, false),
        };
        if in_header {
            let continues = matches!(line.first(), Some(b' ' | b'\t'));
            in_header = !line.is_empty();
            dropping = if continues { dropping } else { is_trace(line) };
            if dropping {
                continue;
            }
        }
        hash.update(line);
        if ended {
            hash.update(b"\r\n");
        }
    }
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
    use super::*;

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
