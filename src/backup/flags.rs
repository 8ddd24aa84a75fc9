//! What another mail program noted about a message: read, starred, deleted.

use crate::archive::Marks;

/// See the module. What is deleted there is left out of an import, and counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    pub marks: Marks,
    /// Deleted by the person and only waiting for its program to tidy up.
    pub deleted: bool,
}

impl Flags {
    pub fn of(read: bool, starred: bool) -> Flags {
        Flags { marks: Marks { read, starred }, deleted: false }
    }
}

/// Header fields looked at: programs put theirs first or last, and a header section can be hostile.
const FIELDS: usize = 1_000;

/// As the header section of a message in an mbox says, the fields of all programs together:
///
/// - `Status: R` read, `X-Status: F` starred and `D` deleted (mutt, Dovecot, mail);
/// - `X-Mozilla-Status` (Thunderbird), hexadecimal: 1 read, 4 starred, 8 expunged;
/// - `X-Gmail-Labels` (Google Takeout): unread is a label there, and so is starred.
pub fn of_header(message: &[u8]) -> Flags {
    let mut flags = Flags::default();
    let mut rest = message;
    for _ in 0..FIELDS {
        let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        let (line, after) = rest.split_at(end);
        if matches!(line, b"" | b"\n" | b"\r\n") {
            break;
        }
        rest = after;
        if !matches!(line.first(), Some(b'S' | b's' | b'X' | b'x')) {
            continue;
        }
        let Some(colon) = memchr::memchr(b':', line) else { continue };
        let name = line.get(..colon).unwrap_or_default();
        let value = line.get(colon + 1..).unwrap_or_default();
        if name.eq_ignore_ascii_case(b"Status") {
            flags.marks.read |= value.contains(&b'R');
        } else if name.eq_ignore_ascii_case(b"X-Status") {
            flags.marks.starred |= value.contains(&b'F');
            flags.deleted |= value.contains(&b'D');
        } else if name.eq_ignore_ascii_case(b"X-Mozilla-Status") {
            mozilla(&mut flags, value);
        } else if name.eq_ignore_ascii_case(b"X-Gmail-Labels") {
            gmail(&mut flags, value, after);
        }
    }
    flags
}

fn mozilla(flags: &mut Flags, value: &[u8]) {
    let digits = std::str::from_utf8(value.trim_ascii()).unwrap_or_default();
    let bits = u16::from_str_radix(digits, 16).unwrap_or(0);
    flags.marks.read |= bits & 1 != 0;
    flags.marks.starred |= bits & 4 != 0;
    flags.deleted |= bits & 8 != 0;
}

/// The labels stand between commas, folded over lines, in the person's language; encoded words leave these as they are.
fn gmail(flags: &mut Flags, first: &[u8], after: &[u8]) {
    let folded = after.split_inclusive(|octet| *octet == b'\n').take_while(|line| line.starts_with(b" ")).take(100);
    let mut unread = false;
    for line in std::iter::once(first).chain(folded) {
        for label in line.split(|octet| matches!(octet, b',' | b'?' | b'"')).map(<[u8]>::trim_ascii) {
            unread |= label.eq_ignore_ascii_case(b"Unread") || label.eq_ignore_ascii_case(b"Ungelesen");
            flags.marks.starred |= label.eq_ignore_ascii_case(b"Starred") || label.eq_ignore_ascii_case(b"Markiert");
        }
    }
    flags.marks.read |= !unread;
}

#[cfg(test)]
mod tests {
    use super::{Flags, of_header};
    use crate::archive::Marks;

    #[test]
    fn what_header_fields_say() {
        for (header, read, starred, deleted) in [
            ("Status: RO\n", true, false, false),
            ("status: O\r\nX-Status: AF\r\n", false, true, false),
            ("X-Status: D\n", false, false, true),
            ("X-Mozilla-Status: 0005\n", true, true, false),
            ("X-Mozilla-Status: 0009\nX-Mozilla-Status2: 00000000\n", true, false, true),
            ("X-Mozilla-Status: 0010\n", false, false, false),
            ("Subject: Status: RO\n\nStatus: RO\n", false, false, false),
            ("X-Mozilla-Status: zzzz\nStatus:\n", false, false, false),
            ("X-GM-THRID: 1\nX-Gmail-Labels: Inbox,Important,Opened\n", true, false, false),
            ("X-Gmail-Labels: Inbox,\n Starred,Unread\nSubject: a\n", false, true, false),
            ("X-Gmail-Labels: =?UTF-8?Q?Posteingang,Ungelesen?=\n", false, false, false),
            ("", false, false, false),
        ] {
            let expected = Flags { marks: Marks { read, starred }, deleted };
            assert_eq!(of_header(header.as_bytes()), expected, "{header:?}");
        }
    }
}
