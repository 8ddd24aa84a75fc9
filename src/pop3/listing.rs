//! The lines of LIST and UIDL and the answer to STAT (RFC 1939 sections 5 and 7), as tolerant as real servers need:
//! several blanks, tabs, trailing blanks, `+OK` before every line (quirk 36).

use crate::account::{Digest, Uidl};
use crate::pop3::reply::strip_word;

/// `1 unique-id`: a message number and its unique-id. `None` when the line is no such thing.
///
/// A unique-id over [`Uidl::LONGEST`] octets is kept as its beginning and the digest of the whole, so that two of them
/// are never taken for one (quirk 37).
pub fn uidl_entry(line: &[u8]) -> Option<(u32, Uidl)> {
    let (number, rest) = numbered(line)?;
    let uidl = Uidl::new(rest).or_else(|| {
        let digest = Digest::of(rest).to_string();
        let start = rest.get(..Uidl::LONGEST.checked_sub(digest.len())?)?;
        Uidl::new(&[start, digest.as_bytes()].concat())
    })?;
    Some((number, uidl))
}

/// `1 120`: a message number and its size in octets. A size that is no number counts as 0: it is a hint only (quirk
/// 58). `None` when there is no message number.
pub fn octets_entry(line: &[u8]) -> Option<(u32, u64)> {
    let (number, rest) = numbered(line)?;
    Some((number, rest.split(u8::is_ascii_whitespace).next().and_then(decimal).unwrap_or(0)))
}

/// `2 320`: messages and octets in the maildrop, from the text of the answer to STAT.
pub fn stat_answer(text: &str) -> Option<(u64, u64)> {
    let mut words = text.split_ascii_whitespace();
    let messages = decimal(words.next()?.as_bytes())?;
    Some((messages, words.next().and_then(|word| decimal(word.as_bytes())).unwrap_or(0)))
}

/// A message number from 1 up and what follows it, without the blanks around.
fn numbered(line: &[u8]) -> Option<(u32, &[u8])> {
    let line = strip_word(line, b"+OK").unwrap_or(line).trim_ascii();
    let end = line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len());
    let (number, rest) = line.split_at_checked(end)?;
    let number = u32::try_from(decimal(number)?).ok().filter(|number| *number > 0)?;
    Some((number, rest.trim_ascii()))
}

/// Decimal digits only: no sign, not empty, not over 2^64.
fn decimal(digits: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(digits).ok()?;
    digits.bytes().all(|octet| octet.is_ascii_digit()).then(|| digits.parse().ok())?
}

#[cfg(test)]
#[allow(clippy::type_complexity)]
mod tests {
    use super::*;

    #[test]
    fn unique_ids_as_servers_send_them() {
        // Quirks 36 and 37.
        let table: [(&[u8], Option<(u32, &[u8])>); 14] = [
            (b"1 abc", Some((1, b"abc"))),
            (b"1   abc", Some((1, b"abc"))),
            (b"1\tabc", Some((1, b"abc"))),
            (b"1 abc  \t", Some((1, b"abc"))),
            (b" 1 abc", Some((1, b"abc"))),
            (b"+OK 1 abc", Some((1, b"abc"))),
            (b"0012 abc", Some((12, b"abc"))),
            (b"3 with space", Some((3, b"with space"))),
            (b"4 \xff\xfe\x00", Some((4, b"\xff\xfe\x00"))),
            (b"4294967295 z", Some((u32::MAX, b"z"))),
            (b"4294967296 z", None),
            (b"0 z", None),
            (b"5", None),
            (b"-1 z", None),
        ];
        for (line, expected) in table {
            let expected = expected.map(|(number, uidl)| (number, Uidl::new(uidl).unwrap()));
            assert_eq!(uidl_entry(line), expected, "{}", line.escape_ascii());
        }
    }

    #[test]
    fn over_long_unique_ids_stay_different() {
        let entry = |length: usize, last: u8| {
            uidl_entry(&[b"1 ".as_slice(), &vec![b'u'; length], &[last]].concat()).map(|(_, uidl)| uidl)
        };
        assert_eq!(entry(1023, b'a').unwrap().as_bytes(), [vec![b'u'; 1023], vec![b'a']].concat());
        let (one, other) = (entry(5000, b'a').unwrap(), entry(5000, b'b').unwrap());
        assert_eq!(one.as_bytes().len(), Uidl::LONGEST);
        assert_ne!(one, other);
        assert_eq!(Some(one), entry(5000, b'a'));
    }

    #[test]
    fn sizes_are_hints() {
        let table: [(&[u8], Option<(u32, u64)>); 8] = [
            (b"1 120", Some((1, 120))),
            (b"1  120  ", Some((1, 120))),
            (b"+OK 1 120", Some((1, 120))),
            (b"1 120 more words", Some((1, 120))),
            (b"1 -1", Some((1, 0))),
            (b"1 99999999999999999999999", Some((1, 0))),
            (b"1", Some((1, 0))),
            (b"one 120", None),
        ];
        for (line, expected) in table {
            assert_eq!(octets_entry(line), expected, "{}", line.escape_ascii());
        }
    }

    #[test]
    fn stat() {
        for (text, expected) in [
            ("2 320", Some((2, 320))),
            ("0 0 octets", Some((0, 0))),
            ("7", Some((7, 0))),
            ("18446744073709551615 1", Some((u64::MAX, 1))),
            ("", None),
            ("two", None),
            ("-2 5", None),
        ] {
            assert_eq!(stat_answer(text), expected, "{text:?}");
        }
    }
}
