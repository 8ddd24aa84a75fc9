//! Every dialect read as it was written, by writers of the tests' own.

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use proptest::prelude::*;

use super::reader::Found;
use super::{Content, Fit, Reader, fit, is_mbox, write_message};

/// Gives at most so many octets a time.
struct Trickle<'a>(Cursor<&'a [u8]>, usize);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.1.min(buffer.len());
        self.0.read(&mut buffer[..length])
    }
}

impl Seek for Trickle<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

fn read(mbox: &[u8]) -> Vec<Found> {
    let mut reader = Reader::new(Trickle(Cursor::new(mbox), 7919), 1 << 20);
    std::iter::from_fn(|| reader.next_message().unwrap()).collect()
}

fn messages(mbox: &[u8]) -> Vec<Vec<u8>> {
    collect(Reader::new(Trickle(Cursor::new(mbox), 7919), 1 << 20))
}

#[test]
fn messages_begin_and_end_where_they_should() {
    let cases: &[(&str, &str, &[&str])] = &[
        ("nothing", "", &[]),
        ("no From_ line", "Subject: a\n\nb\n", &[]),
        ("one", "From a\nSubject: a\n\nb\n\n", &["Subject: a\n\nb\n"]),
        ("no blank line at the end", "From a\nSubject: a\n\nb\n", &["Subject: a\n\nb\n"]),
        ("no line end at the end", "From a\nSubject: a\n\nb", &["Subject: a\n\nb"]),
        ("two", "From a\nS: a\n\nb\n\nFrom b\nS: c\n\nd\n\n", &["S: a\n\nb\n", "S: c\n\nd\n"]),
        ("CRLF", "From a\r\nS: a\r\n\r\nb\r\n\r\nFrom b\r\nS: c\r\n\r\n", &["S: a\r\n\r\nb\r\n", "S: c\r\n"]),
        (
            "blank lines at the end of a message stay",
            "From a\nS: a\n\nb\n\n\n\nFrom b\nS: c\n\n",
            &["S: a\n\nb\n\n\n", "S: c\n"],
        ),
        (
            "a sentence",
            "From a\nS: a\n\nb\n\nFrom here it is far.\nIt is.\n\n",
            &["S: a\n\nb\n\nFrom here it is far.\nIt is.\n"],
        ),
        (
            "a sentence, and a line that looks like a header field",
            "From a\nS: a\n\nb\n\nFrom here on\nNote: all is one.\n\n",
            &["S: a\n\nb\n\nFrom here on\nNote: all is one.\n"],
        ),
        (
            "a date in words that are not known",
            "From a Di 09 Aug 2005 19:30:42\nS: a\n\nFrom b Di 09 Aug 2005 9:30\nS: b\n\n",
            &["S: a\n", "S: b\n"],
        ),
        (
            "a length that lands",
            "From a\nContent-Length: 21\n\nFrom a\nS: not one\n\nx\n\nFrom b\nS: b\n\n",
            &["Content-Length: 21\n\nFrom a\nS: not one\n\nx\n", "S: b\n"],
        ),
        (
            "a length that lands at the end, without a line end",
            "From a\ncontent-length: 3\n\nFro\n\nFrom a\nContent-Length: 8\n\nFrom a\nS",
            &["content-length: 3\n\nFro", "Content-Length: 8\n\nFrom a\nS"],
        ),
        (
            "a length that does not land",
            "From a\nContent-Length: 5\n\nabcdef\n\nFrom b\nContent-Length: 99999999999999999999\n\nc\n\nFrom c\n\
             Content-Length: 18446744073709551615\n\nd\n\nFrom d\nContent-Length: 40\n\ne\n",
            &[
                "Content-Length: 5\n\nabcdef\n",
                "Content-Length: 99999999999999999999\n\nc\n",
                "Content-Length: 18446744073709551615\n\nd\n",
                "Content-Length: 40\n\ne\n",
            ],
        ),
        (
            "a length, and quoted",
            "From a\nContent-Length: 8\n\n>From x\n\nFrom b\nS: b\n\n",
            &["Content-Length: 8\n\nFrom x\n", "S: b\n"],
        ),
        ("a line in a paragraph", "From a\nS: a\n\nb\nFrom here: far\nS: c\n", &["S: a\n\nb\nFrom here: far\nS: c\n"]),
        (
            "a list archive without blank lines",
            "From a\nS: a\n\nb\nFrom x at y  Tue Aug  9 19:30:42 2005\nS: c\n",
            &["S: a\n\nb\n", "S: c\n"],
        ),
        ("a date stands for a header", "From a\nS: a\n\nFrom - Tue Aug  9 19:30:42 2005\n\nb\n", &["S: a\n", "\nb\n"]),
        (
            "quoting",
            "From a\nS: a\n\n>From x\n>>From y\n> From z\n>Fromage\n",
            &["S: a\n\nFrom x\n>From y\n> From z\n>Fromage\n"],
        ),
        ("Mozilla without blank lines", "From - \nS: a\n\nb\nFrom -\nS: c\n", &["S: a\n\nb\n", "S: c\n"]),
        ("byte order mark", "\u{feff}From -\nFrom: a\n\nb\n", &["From: a\n\nb\n"]),
        ("text before the first", "junk\n\nFrom a\nS: a\n\n", &["S: a\n"]),
        ("an empty message", "From a Tue Aug  9 19:30:42 2005\n\nFrom b\nS: a\n\n", &["", "S: a\n"]),
    ];
    for (name, mbox, expected) in cases {
        let found: Vec<String> = messages(mbox.as_bytes()).into_iter().map(|m| String::from_utf8(m).unwrap()).collect();
        assert_eq!(found, *expected, "{name}");
    }
}

#[test]
fn dates_of_from_lines() {
    let cases = [
        ("From a Tue Aug  9 19:30:42 2005", Some("2005-08-09T19:30:42Z")),
        ("From mrc@CAC Mon Feb  8 02:53:47 PST 1993", Some("1993-02-08T02:53:47Z")),
        ("From a Tue Aug  9 19:30 2005", Some("2005-08-09T19:30:00Z")),
        ("From a Tue Aug  9 19:30:42 2005 +0200", Some("2005-08-09T19:30:42Z")),
        ("From Mon Sat Jan 19 15:26:33 2002", Some("2002-01-19T15:26:33Z")),
        ("From a Tue Aug 99 19:30:42 2005", None),
        ("From a Tue Aug  9 19:30:42", None),
        ("From -", None),
    ];
    for (line, date) in cases {
        let found = read(format!("{line}\nS: a\n").as_bytes());
        assert_eq!(found[0].date, date.map(|date| date.parse().unwrap()), "{line}");
    }
}

#[test]
fn what_is_too_large_is_skipped_and_the_next_is_read() {
    let mut mbox = b"From a\nS: a\n\n".to_vec();
    mbox.extend(std::iter::repeat_n(b'x', 3_000_000));
    mbox.extend_from_slice(b"\n\nFrom b\nS: b\n\n");
    let found: Vec<Content> = read(&mbox).into_iter().map(|found| found.content).collect();
    assert_eq!(found, [Content::TooLarge(3_000_008), Content::Message(b"S: b\n".to_vec())]);
}

#[test]
fn only_mboxes_look_like_one() {
    for (head, expected) in [
        ("From a\nS: b\n", true),
        ("\r\n\nFrom a\r\nS: b\r\n", true),
        ("From - Sat Jan 19 15:26:33 2002", true),
        ("From: a\nS: b\n", false),
        ("From a\nto b\n", false),
        ("", false),
    ] {
        assert_eq!(is_mbox(head.as_bytes()), expected, "{head:?}");
    }
}

/// Messages made of the pieces that matter to the format.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just("From "),
        Just(">From "),
        Just(">"),
        Just("\n"),
        Just("\r\n"),
        Just("\r"),
        Just("\n\n"),
        Just("S: a\n"),
        Just("From a Tue Aug  9 19:30:42 2005\nS: b\n"),
        Just("\n\nFrom b\r\nX: y\n"),
        Just("text"),
        Just(" "),
        Just("\0é"),
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    /// Whatever the messages, reading gives them back; but for a line end added where there was none.
    #[test]
    fn reading_undoes_writing(written in proptest::collection::vec(message(), 0..6)) {
        let (mut mbox, mut expected) = (Vec::new(), Vec::new());
        for message in &written {
            let date = "2026-11-22T09:15:00Z".parse().unwrap();
            prop_assert_eq!(write_message(&mut mbox, message, date).unwrap(), fit(message));
            expected.push(message.clone());
        }
        let found = messages(&mbox);
        prop_assert_eq!(found.len(), written.len());
        for (found, message) in found.iter().zip(&written) {
            match fit(message) {
                Fit::Exact => prop_assert_eq!(found, message),
                Fit::FinalLineEndAdded => prop_assert!([&b"\n"[..], b"\r\n"].map(|end| [message, end].concat()).contains(found)),
            }
        }
        prop_assert!(read(&mbox).iter().all(|found| found.date == Some("2026-11-22T09:15:00Z".parse().unwrap())));
    }

    #[test]
    fn any_bytes_can_be_read(mbox in proptest::collection::vec(any::<u8>(), 0..4096)) {
        let taken: usize = messages(&mbox).iter().map(Vec::len).sum();
        prop_assert!(taken <= mbox.len());
    }

    /// Every dialect, written by these few lines, gives back every message that it can hold.
    #[test]
    fn every_dialect_is_read_as_it_was_written(
        bodies in proptest::collection::vec(message(), 1..6),
        dialect in prop_oneof![Just(Dialect::Mboxo), Just(Dialect::Mboxrd), Just(Dialect::Mboxcl), Just(Dialect::Mboxcl2)],
        crlf in any::<bool>(),
    ) {
        let end = if crlf { "\r\n" } else { "\n" };
        let (mut mbox, mut written) = (Vec::new(), Vec::new());
        // The first shows which of the two with a length it is.
        let first = if dialect == Dialect::Mboxcl2 { vec![b"From me\n".to_vec()] } else { Vec::new() };
        for body in first.into_iter().chain(bodies).filter(|body| dialect.can_hold(body)) {
            let message = dialect.write(&mut mbox, &body, end);
            written.push(message);
        }
        prop_assert_eq!(messages(&mbox), written, "{:?} {}", dialect, mbox.escape_ascii());
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    Mboxo,
    Mboxrd,
    Mboxcl,
    Mboxcl2,
}

impl Dialect {
    /// Without a length the body's last line must end; mboxo cannot tell a quoted line from one that looked like it.
    fn can_hold(self, body: &[u8]) -> bool {
        match self {
            Dialect::Mboxcl2 => true,
            Dialect::Mboxrd | Dialect::Mboxcl => body.is_empty() || body.ends_with(b"\n"),
            Dialect::Mboxo => (body.is_empty() || body.ends_with(b"\n")) && lines(body).all(|(marks, _)| marks == 0),
        }
    }

    /// Writes a message with this body, and says what it is.
    fn write(self, mbox: &mut Vec<u8>, body: &[u8], end: &str) -> Vec<u8> {
        let mut stored = Vec::new();
        for line in body.split_inclusive(|octet| *octet == b'\n') {
            let quote = match self {
                Dialect::Mboxcl2 => false,
                Dialect::Mboxo => line.starts_with(b"From "),
                Dialect::Mboxrd | Dialect::Mboxcl => lines(line).next().is_some(),
            };
            stored.extend_from_slice(if quote { b">" } else { b"" });
            stored.extend_from_slice(line);
        }
        let length = match self {
            Dialect::Mboxo | Dialect::Mboxrd => String::new(),
            Dialect::Mboxcl | Dialect::Mboxcl2 => format!("Content-Length: {}{end}", stored.len()),
        };
        let header = format!("Subject: a{end}{length}X-Last: b{end}{end}");
        mbox.extend_from_slice(format!("From me@here Tue Aug  9 19:30:42 2005{end}{header}").as_bytes());
        mbox.extend_from_slice(&stored);
        let open = !stored.is_empty() && !stored.ends_with(b"\n");
        mbox.extend_from_slice(if open { format!("{end}{end}") } else { end.to_owned() }.as_bytes());
        [header.as_bytes(), body].concat()
    }
}

/// Of each line of `>`s and `From `, how many `>` and where it ends.
fn lines(text: &[u8]) -> impl Iterator<Item = (usize, usize)> {
    text.split(|octet| *octet == b'\n').filter_map(|line| {
        let marks = line.iter().take_while(|octet| **octet == b'>').count();
        line[marks..].starts_with(b"From ").then_some((marks, line.len()))
    })
}

#[test]
fn what_lies_across_the_edge_of_a_buffer_is_read_the_same() {
    // The word, its quoting and its blank line at every place around the reader's edges.
    let edge = (1 << 20) - 8 * 1024;
    for around in [edge, 1 << 20] {
        for shift in 0..40 {
            let mut filler = vec![b'x'; around - 60 + shift];
            filler.extend_from_slice(b"\n>>>From q\n\n");
            let mut mbox = b"From a\nS: a\n\n".to_vec();
            mbox.extend_from_slice(&filler);
            mbox.extend_from_slice(b"From b Tue Aug  9 19:30:42 2005\nS: b\n\nFrom c\nS: c\n");
            let expected = [b"S: a\n\n", &filler[..around - 59 + shift], b">>From q\n"].concat();
            let found = Reader::new(Cursor::new(&mbox), 4 << 20);
            let found: Vec<Vec<u8>> = collect(found);
            assert!(found == [expected, b"S: b\n".to_vec(), b"S: c\n".to_vec()], "{around} {shift}");
        }
    }
}

#[test]
fn a_line_of_quotes_longer_than_any_buffer_is_unquoted_all_the_same() {
    let message = [b"S: a\n\n", &vec![b'>'; 3 << 20][..], b"From x\n"].concat();
    let mut mbox = Vec::new();
    write_message(&mut mbox, &message, "2026-11-22T09:15:00Z".parse().unwrap()).unwrap();
    assert!(collect(Reader::new(Cursor::new(&mbox), 8 << 20)) == [message]);
}

fn collect<R: Read + Seek>(mut reader: Reader<R>) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| reader.next_message().unwrap())
        .map(|found| match found.content {
            Content::Message(bytes) => bytes,
            Content::TooLarge(octets) => panic!("too large: {octets}"),
        })
        .collect()
}
