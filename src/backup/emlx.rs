//! Apple Mail's `.emlx`: a line with the message's octets in decimal, the message, a property list with flags.
//!
//! A `.partial.emlx` holds a message whose attachments lie in files of their own, or were never fetched: the message in
//! it is not what came from the server.

use super::flags::Flags;

/// Bits of the property list's `flags`.
const READ: u64 = 1;
const DELETED: u64 = 1 << 1;
const FLAGGED: u64 = 1 << 4;

/// The message in the file and its flags; `None` when it is cut short or something else.
pub fn split(file: &[u8]) -> Option<(&[u8], Flags)> {
    let line_end = memchr::memchr(b'\n', file.get(..file.len().min(64))?)?;
    let (line, rest) = file.split_at_checked(line_end + 1)?;
    let octets: usize = std::str::from_utf8(line.trim_ascii()).ok()?.parse().ok()?;
    let (message, list) = rest.split_at_checked(octets)?;
    Some((message, flags(list)))
}

pub fn is_partial(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with(".partial.emlx")
}

/// From `<key>flags</key> <integer>8623750145</integer>`.
fn flags(list: &[u8]) -> Flags {
    let number = || {
        let key = memchr::memmem::find(list, b"<key>flags</key>")?;
        let value = list.get(key + 16..)?.trim_ascii_start().strip_prefix(b"<integer>")?;
        let digits = value.get(..value.iter().position(|octet| !octet.is_ascii_digit())?)?;
        std::str::from_utf8(digits).ok()?.parse::<u64>().ok()
    };
    let bits = number().unwrap_or(0);
    Flags { deleted: bits & DELETED != 0, ..Flags::of(bits & READ != 0, bits & FLAGGED != 0) }
}

#[cfg(test)]
mod tests {
    use super::{Flags, is_partial, split};

    #[test]
    fn the_message_is_cut_out_and_its_flags_are_read() {
        let list =
            |flags: u64| format!("<plist><dict>\n\t<key>flags</key>\n\t<integer>{flags}</integer></dict></plist>\n");
        let deleted = |flags| Flags { deleted: true, ..flags };
        for (file, expected) in [
            (format!("14        \nSubject: a\n\nb\n{}", list(1)), Some(("Subject: a\n\nb\n", Flags::of(true, false)))),
            (format!("12\nSubject: a\n\n{}", list(16)), Some(("Subject: a\n\n", Flags::of(false, true)))),
            (format!("3\nabc{}", list(8_623_750_147)), Some(("abc", deleted(Flags::of(true, false))))),
            ("3\nabc".to_owned(), Some(("abc", Flags::default()))),
            ("3\nabc<key>flags</key><integer>9".to_owned(), Some(("abc", Flags::default()))),
            ("4\nabc".to_owned(), None),
            ("Subject: a\n\nb".to_owned(), None),
            ("99999999999999999999999\nabc".to_owned(), None),
            (String::new(), None),
        ] {
            let expected = expected.map(|(message, flags)| (message.as_bytes(), flags));
            assert_eq!(split(file.as_bytes()), expected, "{file:?}");
        }
    }

    #[test]
    fn partial_ones_are_known_by_name() {
        for (name, expected) in [
            ("12.partial.emlx", true),
            ("12.PARTIAL.EMLX", true),
            ("12.emlx", false),
            ("partial.emlx", false),
            ("é", false),
        ] {
            assert_eq!(is_partial(name), expected, "{name}");
        }
    }
}
