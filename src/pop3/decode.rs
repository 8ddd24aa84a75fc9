//! Undoes the byte-stuffing of multi-line answers and finds their end (RFC 1939 section 3), in whatever pieces the
//! octets come. Changes nothing else: NUL, 8-bit octets, bare CR and bare LF pass as they are.

use std::sync::LazyLock;

use memchr::memmem::Finder;

/// Where a line begins with a dot: the only place in a message that wants a second look.
static DOT_AT_LINE_START: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\r\n."));

/// How a server ends its lines. Learnt from the greeting, and the same for the whole session (quirk 54).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineEnd {
    CrLf,
    /// Against the RFC, but met.
    Lf,
}

/// Where in a multi-line answer the next octet stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    LineStart,
    InLine,
    /// Behind a CR that has been passed on already.
    AfterCr,
    /// Behind a dot at the start of a line, held back.
    AfterDot,
    /// Behind a dot and a CR at the start of a line, both held back.
    AfterDotCr,
}

/// What [`Unstuffer::step`] found at the start of its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// This many octets of the input, never 0, belong to the answer as they are.
    Keep(usize),
    /// One octet of the input is not part of the answer.
    Skip,
    /// A CR held back earlier belongs to the answer; nothing of the input is used up.
    HeldCr,
    /// One octet of the input completes the terminator: the answer is over.
    End,
    /// CRLF in a session whose lines end in LF: such a session cannot be understood safely.
    Mixed,
    /// The input is empty.
    Starved,
}

/// The incremental decoder of one multi-line answer, from behind its status line to its terminator.
#[derive(Clone, Debug)]
pub(super) struct Unstuffer {
    place: Place,
    ends: LineEnd,
}

impl Unstuffer {
    pub fn new(ends: LineEnd) -> Unstuffer {
        Unstuffer { place: Place::LineStart, ends }
    }

    /// Looks at the start of `input`. The caller takes off what was used and calls again.
    pub fn step(&mut self, input: &[u8]) -> Step {
        let Some(&first) = input.first() else { return Step::Starved };
        match (self.place, first, self.ends) {
            (Place::LineStart, b'.', _) => self.go(Place::AfterDot, Step::Skip),
            (Place::AfterDot, b'\r', LineEnd::CrLf) => self.go(Place::AfterDotCr, Step::Skip),
            (Place::AfterDot, b'\n', LineEnd::Lf) => self.go(Place::LineStart, Step::End),
            (Place::AfterDotCr, b'\n', _) => self.go(Place::LineStart, Step::End),
            (Place::AfterDotCr, _, _) => self.go(Place::AfterCr, Step::HeldCr),
            _ => self.run(input),
        }
    }

    /// Whether lines end in a bare LF.
    pub fn is_lf_only(&self) -> bool {
        self.ends == LineEnd::Lf
    }

    fn go(&mut self, place: Place, step: Step) -> Step {
        self.place = place;
        step
    }

    /// The octets up to the next dot at the start of a line, or all.
    fn run(&mut self, input: &[u8]) -> Step {
        if self.is_lf_only() {
            return self.run_of_lf(input);
        }
        let after_cr = self.place == Place::AfterCr;
        let dot = if after_cr && input.starts_with(b"\n.") {
            Some(1)
        } else {
            DOT_AT_LINE_START.find(input).map(|at| at.saturating_add(2))
        };
        let place = match input {
            _ if dot.is_some() => Place::LineStart,
            [.., b'\r', b'\n'] => Place::LineStart,
            [b'\n'] if after_cr => Place::LineStart,
            [.., b'\r'] => Place::AfterCr,
            _ => Place::InLine,
        };
        self.go(place, Step::Keep(dot.unwrap_or(input.len())))
    }

    /// The same where lines end in a bare LF: octet by octet, for such servers are few.
    fn run_of_lf(&mut self, input: &[u8]) -> Step {
        let mut place = if self.place == Place::AfterDot { Place::InLine } else { self.place };
        let mut length = input.len();
        for (at, octet) in input.iter().enumerate() {
            place = match (place, octet) {
                (Place::LineStart, b'.') => {
                    length = at;
                    break;
                }
                (Place::AfterCr, b'\n') => return Step::Mixed,
                (_, b'\n') => Place::LineStart,
                (_, b'\r') => Place::AfterCr,
                _ => Place::InLine,
            };
        }
        self.go(place, Step::Keep(length))
    }
}

#[cfg(test)]
#[allow(clippy::type_complexity)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What comes out for `pieces`, and how many octets were used up when the end was seen.
    fn decode(pieces: &[&[u8]], ends: LineEnd) -> (Vec<u8>, Option<usize>) {
        let (mut unstuffer, mut out, mut used) = (Unstuffer::new(ends), Vec::new(), 0);
        for mut piece in pieces.iter().copied() {
            loop {
                let taken = match unstuffer.step(piece) {
                    Step::Keep(length) => {
                        assert!(length > 0);
                        out.extend(&piece[..length]);
                        length
                    }
                    Step::Skip => 1,
                    Step::HeldCr => {
                        out.push(b'\r');
                        0
                    }
                    Step::End => return (out, Some(used + 1)),
                    Step::Mixed => panic!("mixed"),
                    Step::Starved => break,
                };
                used += taken;
                piece = &piece[taken..];
            }
        }
        (out, None)
    }

    /// Stuffing as the RFC words it, independent of the decoder: line by line.
    fn stuff(message: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut rest = message;
        while !rest.is_empty() {
            let end = rest.windows(2).position(|pair| pair == b"\r\n").map_or(rest.len(), |at| at + 2);
            if rest[0] == b'.' {
                out.push(b'.');
            }
            out.extend(&rest[..end]);
            rest = &rest[end..];
        }
        if !out.is_empty() && !out.ends_with(b"\r\n") {
            out.extend(b"\r\n");
        }
        [out, b".\r\n".to_vec()].concat()
    }

    #[test]
    fn examples() {
        // Quirks 51, 53, 56, 57.
        let table: [(&[u8], &[u8]); 14] = [
            (b".\r\n", b""),
            (b"\r\n.\r\n", b"\r\n"),
            (b"a\r\n.\r\n", b"a\r\n"),
            (b"..\r\n.\r\n", b".\r\n"),
            (b"...\r\n.\r\n", b"..\r\n"),
            (b"..a\r\n..b\r\n.\r\n", b".a\r\n.b\r\n"),
            (b".a\r\n.\r\n", b"a\r\n"),
            (b"a\n.\nb\r\n.\r\n", b"a\n.\nb\r\n"),
            (b"a\n.\r\nb\r\n.\r\n", b"a\n.\r\nb\r\n"),
            (b"a\r.\r\nb\r\n.\r\n", b"a\r.\r\nb\r\n"),
            (b".\rx\r\n.\r\n", b"\rx\r\n"),
            (b".\r\r\nx\r\n.\r\n", b"\r\r\nx\r\n"),
            (b"a\n\r\n.\r\n", b"a\n\r\n"),
            (b"\x00\xff\x80\r\r\n.\r\n", b"\x00\xff\x80\r\r\n"),
        ];
        for (wire, expected) in table {
            let (out, used) = decode(&[wire], LineEnd::CrLf);
            assert_eq!((out.as_slice(), used), (expected, Some(wire.len())), "{}", wire.escape_ascii());
        }
    }

    #[test]
    fn what_is_no_terminator_ends_nothing() {
        // Quirks 53, 55.
        for wire in
            [&b"a\n.\n"[..], b"a\r\n.", b"a\r\n.\r", b"a\r\n.\n", b"a.\r\n", b"a\r.\r\n", b"\n.\r\n", b"", b".\r\r\n"]
        {
            assert_eq!(decode(&[wire], LineEnd::CrLf).1, None, "{}", wire.escape_ascii());
        }
    }

    #[test]
    fn octets_behind_the_terminator_are_left_alone() {
        assert_eq!(decode(&[b"a\r\n.\r\n+OK next\r\n"], LineEnd::CrLf), (b"a\r\n".to_vec(), Some(6)));
    }

    #[test]
    fn a_server_of_bare_lf() {
        // Quirk 54.
        assert_eq!(decode(&[b"a\n..b\n\rc\n.\n"], LineEnd::Lf), (b"a\n.b\n\rc\n".to_vec(), Some(11)));
        assert_eq!(Unstuffer::new(LineEnd::Lf).step(b"a\r\nb\n"), Step::Mixed);
    }

    fn telling_octets() -> impl Strategy<Value = Vec<u8>> {
        let octet = prop_oneof![4 => Just(b'.'), 4 => Just(b'\r'), 4 => Just(b'\n'), 2 => Just(b'a'), 1 => any::<u8>()];
        proptest::collection::vec(octet, 0..60)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2000, ..ProptestConfig::default() })]

        #[test]
        fn messages_come_back_as_they_were(message in telling_octets()) {
            let complete = message.is_empty() || message.ends_with(b"\r\n");
            let expected = if complete { message.clone() } else { [message.as_slice(), b"\r\n"].concat() };
            let wire = stuff(&message);
            prop_assert_eq!(decode(&[&wire], LineEnd::CrLf), (expected, Some(wire.len())));
        }

        #[test]
        fn any_chunking_gives_the_same(wire in telling_octets(), cuts in proptest::collection::vec(0usize..60, 0..8)) {
            let wire = [wire, b"\r\n.\r\n+OK".to_vec()].concat();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(wire.len())).chain([0, wire.len()]).collect();
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &wire[pair[0]..pair[1]]).collect();
            let octets: Vec<&[u8]> = wire.chunks(1).collect();
            let whole = decode(&[&wire], LineEnd::CrLf);
            prop_assert_eq!(&decode(&pieces, LineEnd::CrLf), &whole);
            prop_assert_eq!(&decode(&octets, LineEnd::CrLf), &whole);
        }
    }
}
