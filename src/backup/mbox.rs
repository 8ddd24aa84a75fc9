//! Mbox, read and written as a stream: never more than one message in memory, however large the file.
//!
//! There is no one mbox format (RFC 4155 describes the family). Read here are mboxrd and mboxo, with LF or CRLF.
//!
//! - **Where a message begins.** A line that begins with `From ` counts when two of these three hold: it starts the
//!   file or follows a blank line; the line after it looks like a header field; it ends in a date as `asctime` writes
//!   it, or is the bare `From -` of old Mozilla files. So a sentence that begins with "From " does not cut a message in two, a mailing list archive that leaves the
//!   blank line out is read all the same, and a message whose first line is no header field still stands alone.
//! - **Where it ends.** At the next such line or the end of the file, less the one blank line that separates messages.
//! - **Quoting.** One `>` is taken from each line of `>`s followed by `From `. That is exactly what mboxrd added. mboxo
//!   quotes `From ` but not `>From `, so for a line that was `>From ` in the mail itself one `>` is lost; nothing in the
//!   file tells the two apart.
//!
//! Written is mboxrd: the message's own bytes with its own line ends, one `>` added where the rule above would take one
//! away, a `From ` line before and a blank line after. What this cannot hold exactly: a message that does not end in a
//! line feed (see [`Fit`]).

use std::io::{self, Read, Write};

use jiff::Timestamp;
use jiff::civil;

/// One message as it stood in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub content: Content,
    /// The date of its `From ` line, taken as UTC.
    pub date: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// The bytes with the quoting undone.
    Message(Vec<u8>),
    /// Longer than the reader's limit: skipped, so many octets.
    TooLarge(u64),
}

/// How much is looked at, at once: a `From ` line and the line after it must fit, or the line does not count.
const WINDOW: usize = 64 * 1024;

/// Reads an mbox message by message.
pub struct Reader<R> {
    input: R,
    buffer: Vec<u8>,
    start: usize,
    at_end: bool,
    /// Octets taken from the file so far.
    read: u64,
    /// The largest message that is held in memory.
    largest: usize,
    /// A `From ` line was found and its message not handed out yet; with that line's date.
    open: Option<Option<Timestamp>>,
}

impl<R: Read> Reader<R> {
    pub fn new(input: R, largest: usize) -> Reader<R> {
        Reader { input, buffer: Vec::new(), start: 0, at_end: false, read: 0, largest, open: None }
    }

    /// Octets of the file that were taken so far, for progress.
    pub fn position(&self) -> u64 {
        self.read
    }

    /// The next message; `None` at the end. Text before the first `From ` line belongs to no message.
    ///
    /// # Errors
    /// Whatever reading the file gives.
    pub fn next_message(&mut self) -> io::Result<Option<Found>> {
        self.skip_byte_order_mark()?;
        let mut message = Gathered::new(self.largest);
        let mut after_blank = self.open.is_none();
        loop {
            if let Some(date) = self.beginning(after_blank)? {
                let earlier = self.open.replace(date);
                self.take_line(&mut Gathered::new(0), false)?;
                if let Some(date) = earlier {
                    return Ok(Some(message.finish(date, after_blank)));
                }
                (message, after_blank) = (Gathered::new(self.largest), false);
            } else if self.window().is_empty() {
                return Ok(self.open.take().map(|date| message.finish(date, after_blank)));
            } else {
                after_blank = self.take_line(&mut message, true)?;
            }
        }
    }

    fn window(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// Reads on until the window is full or the file ends.
    fn fill(&mut self) -> io::Result<()> {
        if self.at_end || self.window().len() >= WINDOW {
            return Ok(());
        }
        self.buffer.drain(..self.start);
        self.start = 0;
        let wanted = (4 * WINDOW - self.buffer.len()) as u64;
        let got = self.input.by_ref().take(wanted).read_to_end(&mut self.buffer)?;
        self.at_end = (got as u64) < wanted;
        Ok(())
    }

    fn consume(&mut self, octets: usize) {
        self.start += octets;
        self.read += octets as u64;
    }

    fn skip_byte_order_mark(&mut self) -> io::Result<()> {
        if self.read == 0 {
            self.fill()?;
            if self.window().starts_with(b"\xEF\xBB\xBF") {
                self.consume(3);
            }
        }
        Ok(())
    }

    /// Whether the window begins with a line that begins a message; then its date.
    fn beginning(&mut self, after_blank: bool) -> io::Result<Option<Option<Timestamp>>> {
        self.fill()?;
        Ok(begins_message(self.window(), after_blank))
    }

    /// Moves one line, however long, to `message`; says whether it was blank.
    fn take_line(&mut self, message: &mut Gathered, unquote: bool) -> io::Result<bool> {
        let blank = matches!(self.window(), [b'\n', ..] | [b'\r', b'\n', ..]);
        if unquote && is_quoted(self.window()) {
            self.consume(1);
        }
        loop {
            self.fill()?;
            let window = self.window();
            let end = memchr::memchr(b'\n', window);
            let piece = end.map_or(window.len(), |end| end + 1);
            message.push(window.get(..piece).unwrap_or_default());
            self.consume(piece);
            if end.is_some() || (self.at_end && self.window().is_empty()) {
                return Ok(blank);
            }
        }
    }
}

/// A message being put together, up to a limit.
struct Gathered {
    bytes: Vec<u8>,
    octets: u64,
    largest: usize,
}

impl Gathered {
    fn new(largest: usize) -> Gathered {
        Gathered { bytes: Vec::new(), octets: 0, largest }
    }

    fn push(&mut self, piece: &[u8]) {
        self.octets += piece.len() as u64;
        if self.octets <= self.largest as u64 {
            self.bytes.extend_from_slice(piece);
        } else {
            self.bytes = Vec::new();
        }
    }

    fn finish(mut self, date: Option<Timestamp>, ends_blank: bool) -> Found {
        if self.octets > self.largest as u64 {
            return Found { content: Content::TooLarge(self.octets), date };
        }
        if ends_blank {
            let separator = if self.bytes.ends_with(b"\r\n") { 2 } else { 1 };
            self.bytes.truncate(self.bytes.len().saturating_sub(separator));
        }
        Found { content: Content::Message(self.bytes), date }
    }
}

/// Whether `head`, the beginning of a file, is that of an mbox.
pub fn is_mbox(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    let blanks = head.iter().take_while(|octet| matches!(octet, b'\r' | b'\n')).count();
    begins_message(head.get(blanks..).unwrap_or_default(), true).is_some()
}

/// The rule of the module's head; `Some` with the line's date when `text` begins with a line that begins a message.
fn begins_message(text: &[u8], after_blank: bool) -> Option<Option<Timestamp>> {
    let rest = text.strip_prefix(b"From ")?;
    let text = text.get(..text.len().min(WINDOW))?;
    let end = text.iter().position(|&octet| octet == b'\n').unwrap_or(text.len());
    let line = rest.get(..end.saturating_sub(5))?;
    let date = from_line_date(line);
    let header_follows = text.get(end + 1..).is_some_and(is_header_field);
    let well_formed = date.is_some() || line.trim_ascii() == b"-";
    let signs = u8::from(after_blank) + u8::from(header_follows) + u8::from(well_formed);
    (signs >= 2).then_some(date)
}

/// Whether a text begins like a header field (RFC 5322 section 2.2): a name of printable ASCII, then a colon; blanks
/// before the colon as the obsolete syntax allows.
pub fn is_header_field(text: &[u8]) -> bool {
    let name = text.iter().take_while(|octet| matches!(octet, b'!'..=b'9' | b';'..=b'~')).count();
    let after = text.get(name..).unwrap_or_default();
    let blanks = after.iter().take_while(|octet| matches!(octet, b' ' | b'\t')).count();
    name > 0 && after.get(blanks) == Some(&b':')
}

/// A line of one or more `>` followed by `From `.
fn is_quoted(line: &[u8]) -> bool {
    let marks = line.iter().take_while(|&&octet| octet == b'>').count();
    marks > 0 && line.get(marks..).is_some_and(|rest| rest.starts_with(b"From "))
}

/// The date at the end of a `From ` line: `Sun Nov 22 09:15:00 2026`, with or without a zone before or after the year.
/// The zone is not looked at: few writers put one, and fewer the right one.
fn from_line_date(line: &[u8]) -> Option<Timestamp> {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let words: Vec<&str> = std::str::from_utf8(line.get(..line.len().min(1024))?).ok()?.split_whitespace().collect();
    let day_name = words.iter().rposition(|word| DAYS.contains(word))?;
    let [month, day, time, rest @ ..] = words.get(day_name + 1..)? else { return None };
    let month = MONTHS.iter().position(|name| name == month)? as i8 + 1;
    let mut clock = time.split(':').map(|part| part.parse::<i8>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next().unwrap_or(Some(0))?);
    let year = rest.iter().take(2).find(|word| word.len() == 4 && word.bytes().all(|octet| octet.is_ascii_digit()))?;
    let date = civil::DateTime::new(year.parse().ok()?, month, day.parse().ok()?, hour, minute, second, 0).ok()?;
    date.in_tz("UTC").ok().map(|zoned| zoned.timestamp())
}

/// Whether mboxrd gives a message back exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    Exact,
    /// The last line has no line feed: one is added, since the next message must begin on a new line.
    FinalLineEndAdded,
}

/// Whether [`write_message`] followed by a [`Reader`] gives these bytes back.
pub fn fit(message: &[u8]) -> Fit {
    if message.is_empty() || message.ends_with(b"\n") { Fit::Exact } else { Fit::FinalLineEndAdded }
}

/// Writes one message as mboxrd. `date` goes into its `From ` line.
///
/// # Errors
/// Whatever writing gives.
pub fn write_message(output: &mut impl Write, message: &[u8], date: Timestamp) -> io::Result<Fit> {
    // The lines that the format adds end as the message's own lines do, so that an archive of mail as it came over
    // POP3 (CRLF throughout) becomes a file with one kind of line end.
    let first_end = message.iter().position(|&octet| octet == b'\n').unwrap_or(0);
    let crlf = first_end > 0 && message.get(first_end - 1) == Some(&b'\r');
    let line_end: &[u8] = if crlf { b"\r\n" } else { b"\n" };
    write!(output, "From MAILER-DAEMON {}", date.strftime("%a %b %e %H:%M:%S %Y"))?;
    output.write_all(line_end)?;
    for line in message.split_inclusive(|&octet| octet == b'\n') {
        if line.starts_with(b"From ") || is_quoted(line) {
            output.write_all(b">")?;
        }
        output.write_all(line)?;
    }
    let fit = fit(message);
    if fit == Fit::FinalLineEndAdded {
        output.write_all(line_end)?;
    }
    output.write_all(line_end)?;
    Ok(fit)
}

/// Read and starred, as `Status: R` and `X-Status: F` (mutt, Dovecot, mail) or `X-Mozilla-Status` (Thunderbird: bit 0
/// read, bit 2 starred) in the header section say.
pub fn marks(message: &[u8]) -> crate::archive::Marks {
    let mut marks = crate::archive::Marks::default();
    for line in message.split(|&octet| octet == b'\n').take_while(|line| !line.is_empty() && *line != b"\r").take(1000)
    {
        let Some(colon) = line.iter().position(|&octet| octet == b':') else { continue };
        let (name, value) = line.split_at(colon);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        if name.eq_ignore_ascii_case(b"Status") {
            marks.read |= value.contains(&b'R');
        } else if name.eq_ignore_ascii_case(b"X-Status") {
            marks.starred |= value.contains(&b'F');
        } else if name.eq_ignore_ascii_case(b"X-Mozilla-Status") {
            let bits = std::str::from_utf8(value).ok().and_then(|digits| u16::from_str_radix(digits, 16).ok());
            marks.read |= bits.is_some_and(|bits| bits & 1 != 0);
            marks.starred |= bits.is_some_and(|bits| bits & 4 != 0);
        }
    }
    marks
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Content, Fit, Found, Reader, fit, is_mbox, marks, write_message};
    use crate::archive::Marks;

    /// Gives at most `piece` octets a time.
    struct Trickle<'a>(&'a [u8], usize);

    impl std::io::Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let length = self.1.min(buffer.len());
            std::io::Read::read(&mut self.0, &mut buffer[..length])
        }
    }

    fn read(mbox: &[u8]) -> Vec<Found> {
        let mut reader = Reader::new(Trickle(mbox, 7919), 1 << 20);
        std::iter::from_fn(|| reader.next_message().unwrap()).collect()
    }

    fn messages(mbox: &[u8]) -> Vec<Vec<u8>> {
        let bytes = |found: Found| match found.content {
            Content::Message(bytes) => bytes,
            Content::TooLarge(octets) => panic!("too large: {octets}"),
        };
        read(mbox).into_iter().map(bytes).collect()
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
                "a line in a paragraph",
                "From a\nS: a\n\nb\nFrom here: far\nS: c\n",
                &["S: a\n\nb\nFrom here: far\nS: c\n"],
            ),
            (
                "a list archive without blank lines",
                "From a\nS: a\n\nb\nFrom x at y  Tue Aug  9 19:30:42 2005\nS: c\n",
                &["S: a\n\nb\n", "S: c\n"],
            ),
            (
                "a date stands for a header",
                "From a\nS: a\n\nFrom - Tue Aug  9 19:30:42 2005\n\nb\n",
                &["S: a\n", "\nb\n"],
            ),
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
            let found: Vec<String> =
                messages(mbox.as_bytes()).into_iter().map(|m| String::from_utf8(m).unwrap()).collect();
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

    #[test]
    fn marks_from_header_fields() {
        for (header, read, starred) in [
            ("Status: RO\n", true, false),
            ("status: O\r\nX-Status: AF\r\n", false, true),
            ("X-Mozilla-Status: 0005\n", true, true),
            ("X-Mozilla-Status: 0010\n", false, false),
            ("Subject: Status: RO\n\nStatus: RO\n", false, false),
            ("X-Mozilla-Status: zzzz\nStatus:\n", false, false),
        ] {
            assert_eq!(marks(header.as_bytes()), Marks { read, starred }, "{header:?}");
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
    }
}
