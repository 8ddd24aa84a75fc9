//! The readable names that messages have in a backup and in an export, such as
//! `2026/11/2026-11-22 Harbour Books - November arrivals (1234).eml`. Unique by the message's id, valid everywhere.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::account::MessageId;
use crate::message::{self, Envelope};

/// The longest part of a name that is the sender's and the subject's, in characters: with the rest around it a name
/// stays under 120 octets even where every character takes two.
const LONGEST_SENDER: usize = 30;
const LONGEST_SUBJECT: usize = 50;

/// The name of a message, with the folders of its year and month before it, `/` between. `arrived` stands in where the
/// message has no date.
pub fn eml_path(id: MessageId, original: &[u8], arrived: Timestamp) -> String {
    path_of(id, &message::envelope(original), arrived)
}

fn path_of(id: MessageId, envelope: &Envelope, arrived: Timestamp) -> String {
    // A date before 1970 or after arrival is a broken clock; the folders should not show it.
    let date = envelope.date.filter(|date| *date >= Timestamp::UNIX_EPOCH && *date <= arrived).unwrap_or(arrived);
    let date = date.to_zoned(TimeZone::UTC);
    let sender =
        if envelope.from.name.trim().is_empty() { envelope.from.address.trim() } else { envelope.from.name.trim() };
    let subject = if envelope.subject.trim().is_empty() { "no subject" } else { envelope.subject.trim() };
    let mut words = date.strftime("%Y-%m-%d").to_string();
    for (before, part, longest) in [(" ", sender, LONGEST_SENDER), (" - ", subject, LONGEST_SUBJECT)] {
        if !part.is_empty() {
            words.push_str(before);
            words.extend(part.chars().take(longest).map(|character| match character {
                '/' | '\\' => '-',
                other => other,
            }));
        }
    }
    let words = message::safe_name(&words, "message");
    format!("{}/{words} ({id}).eml", date.strftime("%Y/%m"))
}

/// The name without its folders, for a sentence.
pub fn short(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether a name read from a file that may be hostile is one that [`eml_path`] could have made: relative, with no
/// empty or `..` component, no backslash and no control character. Such names are never used as paths all the same.
pub fn is_tame(path: &str) -> bool {
    path.len() <= 400
        && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
        && !path.contains(['\\', ':'])
        && !path.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::{eml_path, is_tame, short};
    use crate::account::MessageId;

    #[test]
    fn names_say_what_is_in_the_file() {
        let arrived = "2026-11-22T10:00:00Z".parse().unwrap();
        let cases: &[(&str, &str)] = &[
            (
                "From: Harbour Books <hi@books.example>\r\nSubject: November arrivals\r\nDate: Sun, 22 Nov 2026 09:15:00 +0000\r\n\r\n",
                "2026/11/2026-11-22 Harbour Books - November arrivals (1234).eml",
            ),
            (
                "From: hi@books.example\nSubject: Invoice 11/2026\n\n",
                "2026/11/2026-11-22 hi@books.example - Invoice 11-2026 (1234).eml",
            ),
            ("", "2026/11/2026-11-22 - no subject (1234).eml"),
            ("Date: Mon, 1 Jan 2035 00:00:00 +0000\n\n", "2026/11/2026-11-22 - no subject (1234).eml"),
            ("Date: Tue, 2 Jan 1601 00:00:00 +0000\n\n", "2026/11/2026-11-22 - no subject (1234).eml"),
        ];
        for (message, expected) in cases {
            assert_eq!(eml_path(MessageId(1234), message.as_bytes(), arrived), *expected);
        }
        assert_eq!(short("2026/11/a.eml"), "a.eml");
    }

    #[test]
    fn every_name_that_is_made_is_tame() {
        let arrived = "2026-11-22T10:00:00Z".parse().unwrap();
        let long = "ž".repeat(400);
        for subject in
            ["../../etc/passwd", "C:\\CON", "a\u{202e}b\u{0}c", "....", "a:b|c*d?e\"f<g>h", " . ", long.as_str()]
        {
            let message = format!("From: {subject} <a@b.example>\nSubject: {subject}\n\n");
            let name = eml_path(MessageId(7), message.as_bytes(), arrived);
            assert!(is_tame(&name), "{name}");
            assert!(name.starts_with("2026/11/2026-11-22") && name.ends_with(" (7).eml"), "{name}");
            assert_eq!(name.split('/').count(), 3, "{name}");
        }
        for hostile in ["../a", "/a", "a//b", "a/..", "a\\b", "C:a", "a\nb", "", "a/./b"] {
            assert!(!is_tame(hostile), "{hostile:?}");
        }
    }
}
