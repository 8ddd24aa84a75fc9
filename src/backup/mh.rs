//! MH: a folder whose messages are files with numbers for names; `.mh_sequences` says which are unseen and flagged.

use std::ops::RangeInclusive;

use super::flags::Flags;

/// The file of a folder in which programs keep their marks.
pub const SEQUENCES: &str = ".mh_sequences";

/// The sequences of a folder that matter here.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sequences {
    unseen: Vec<RangeInclusive<u64>>,
    flagged: Vec<RangeInclusive<u64>>,
}

impl Sequences {
    /// Lines such as `unseen: 3-7 12`. What cannot be read is as if it were not there.
    pub fn parse(text: &str) -> Sequences {
        let mut sequences = Sequences::default();
        for (name, numbers) in text.lines().filter_map(|line| line.split_once(':')) {
            let into = match name.trim() {
                "unseen" => &mut sequences.unseen,
                "flagged" => &mut sequences.flagged,
                _ => continue,
            };
            into.extend(numbers.split_whitespace().filter_map(|word| {
                let (first, last) = word.split_once('-').unwrap_or((word, word));
                Some(first.parse().ok()?..=last.parse().ok()?)
            }));
        }
        sequences
    }

    /// A folder with sequences says of each message whether it was seen.
    pub fn flags(&self, number: u64) -> Flags {
        let within = |ranges: &[RangeInclusive<u64>]| ranges.iter().any(|range| range.contains(&number));
        Flags::of(!within(&self.unseen), within(&self.flagged))
    }
}

/// The number that a name is.
pub fn number(name: &str) -> Option<u64> {
    name.bytes().all(|octet| octet.is_ascii_digit()).then(|| name.parse().ok())?
}

/// Messages removed in MH are renamed and stay for a while: `,12`, in other programs `#12`.
pub fn is_removed(name: &str) -> bool {
    name.strip_prefix([',', '#']).is_some_and(|rest| number(rest).is_some())
}

/// Whether a file with a number for its name is a message where no sequences say so: it begins with header fields, and
/// with one of those that every message has.
pub fn looks_like_a_message(head: &[u8]) -> bool {
    const COMMON: [&[u8]; 7] =
        [b"From:", b"Received:", b"Date:", b"Subject:", b"Message-ID:", b"Return-Path:", b"Delivered-To:"];
    super::mbox::is_header_field(head)
        && head.split(|octet| *octet == b'\n').take_while(|line| !line.trim_ascii().is_empty()).any(|line| {
            COMMON.iter().any(|name| line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)))
        })
}

#[cfg(test)]
mod tests {
    use super::{Flags, Sequences, is_removed, looks_like_a_message, number};

    #[test]
    fn sequences_say_what_was_seen_and_flagged() {
        let sequences = Sequences::parse("cur: 4\nunseen: 3-5 9\nflagged: 1 9\nunseen-too: 1\nflagged: x-y 7\n");
        for (message, read, starred) in
            [(1, true, true), (2, true, false), (4, false, false), (9, false, true), (7, true, true)]
        {
            assert_eq!(sequences.flags(message), Flags::of(read, starred), "{message}");
        }
    }

    #[test]
    fn names_and_heads() {
        assert_eq!([number("12"), number("012"), number("1a"), number("")], [Some(12), Some(12), None, None]);
        assert_eq!([",12", "#12", "12", ",a", ","].map(is_removed), [true, true, false, false, false]);
        for (head, expected) in [
            ("Return-Path: <a>\nX: y\n\n", true),
            ("X-First: y\nfrom: a\n", true),
            ("key: value\nother: value\n", false),
            ("key: value\n\nFrom: a\n", false),
            ("1234\nFrom: a\n", false),
        ] {
            assert_eq!(looks_like_a_message(head.as_bytes()), expected, "{head:?}");
        }
    }
}
