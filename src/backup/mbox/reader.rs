//! Reads an mbox message by message. See the module above for the rules.
//!
//! What is looked for is the word `From ` and not the lines: between two such words everything is copied in one piece.
//! So a line may be of any length, and what is held is one buffer and one message.

use std::io::{self, Read, Seek, SeekFrom};

use jiff::Timestamp;
use memchr::memmem::Finder;

use super::from_line::{WINDOW, begins_message};

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

const FROM: &[u8] = b"From ";

/// How much is read at once.
const CHUNK: usize = 1 << 20;

/// How long a header section may be in which a `Content-Length` is looked for.
const HEADER: usize = 64 * 1024;

/// Reads an mbox message by message.
pub struct Reader<R> {
    input: R,
    buffer: Vec<u8>,
    /// What is in the buffer and not taken yet.
    start: usize,
    end: usize,
    at_end: bool,
    /// Octets taken from the file so far.
    read: u64,
    /// The largest message that is held in memory.
    largest: usize,
    /// A `From ` line was found and its message not handed out yet; with that line's date.
    open: Option<Option<Timestamp>>,
    /// A message of known length held a bare `From ` line: the file is mboxcl2.
    bare: bool,
    from: Finder<'static>,
}

impl<R: Read + Seek> Reader<R> {
    /// `input` stands at its beginning.
    pub fn new(input: R, largest: usize) -> Reader<R> {
        Reader {
            input,
            buffer: vec![0; CHUNK],
            start: 0,
            end: 0,
            at_end: false,
            read: 0,
            largest,
            open: None,
            bare: false,
            from: Finder::new(FROM),
        }
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
        if self.open.is_none() {
            self.skip_byte_order_mark()?;
            self.open = self.gather(&mut Gathered::before_the_first())?;
        }
        let Some(date) = self.open.take() else { return Ok(None) };
        self.skip_line()?;
        let mut message = Gathered::new(self.largest);
        if let Some((header, octets)) = self.declared()? {
            self.take_declared(&mut message, header, octets)?;
            return Ok(Some(message.finish(date, false)));
        }
        self.open = self.gather(&mut message)?;
        let ends_blank = message.ends_blank();
        Ok(Some(message.finish(date, ends_blank)))
    }

    fn window(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Reads on until at least `wanted` octets are in sight or the file ends.
    fn fill(&mut self, wanted: usize) -> io::Result<()> {
        if self.at_end || self.end - self.start >= wanted {
            return Ok(());
        }
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        while self.end < self.buffer.len() {
            let room = self.buffer.get_mut(self.end..).unwrap_or_default();
            match self.input.read(room) {
                Ok(0) => {
                    self.at_end = true;
                    break;
                }
                Ok(got) => self.end += got,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn consume(&mut self, octets: usize) {
        self.start += octets;
        self.read += octets as u64;
    }

    /// Moves so many octets of the window to `message`.
    fn take(&mut self, octets: usize, message: &mut Gathered) {
        message.push(self.window().get(..octets).unwrap_or_default());
        self.consume(octets);
    }

    fn skip_byte_order_mark(&mut self) -> io::Result<()> {
        if self.read == 0 {
            self.fill(3)?;
            if self.window().starts_with(b"\xEF\xBB\xBF") {
                self.consume(3);
            }
        }
        Ok(())
    }

    /// Passes over the `From ` line, however long.
    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            self.fill(1)?;
            let window = self.window();
            match memchr::memchr(b'\n', window) {
                Some(end) => {
                    self.consume(end + 1);
                    return Ok(());
                }
                None if window.is_empty() => return Ok(()),
                None => self.consume(window.len()),
            }
        }
    }

    /// Moves everything up to the next line that begins a message to `message`, the quoting undone; answers that
    /// line's date, `None` at the end of the file.
    fn gather(&mut self, message: &mut Gathered) -> io::Result<Option<Option<Timestamp>>> {
        loop {
            self.fill(WINDOW)?;
            let window = self.window();
            let Some(word) = self.from.find(window) else {
                // The end of what is in sight may be the beginning of the word.
                let rest = if self.at_end { 0 } else { FROM.len() - 1 };
                self.take(window.len().saturating_sub(rest), message);
                if self.at_end {
                    return Ok(None);
                }
                continue;
            };
            let before = window.get(..word).unwrap_or_default();
            let marks = before.iter().rev().take_while(|octet| **octet == b'>').count();
            self.take(word - marks, message);
            let Some(marks_taken) = message.marks_of_line() else {
                self.take(marks + FROM.len(), message);
                continue;
            };
            if marks > 0 {
                self.consume(1);
                self.take(marks - 1 + FROM.len(), message);
            } else if marks_taken {
                message.take_back_mark();
                self.take(FROM.len(), message);
            } else {
                self.fill(WINDOW)?;
                if let Some(date) = begins_message(self.window(), message.ends_blank()) {
                    return Ok(Some(date));
                }
                self.take(FROM.len(), message);
            }
        }
    }

    /// The octets of the header section that begins here, and of the body as its `Content-Length` gives them, where
    /// that is to be believed.
    fn declared(&mut self) -> io::Result<Option<(usize, u64)>> {
        self.fill(HEADER)?;
        let Some((header, octets)) = content_length(self.window()) else { return Ok(None) };
        let Some(length) = octets.checked_add(header as u64).filter(|length| *length < i64::MAX as u64 / 2) else {
            return Ok(None);
        };
        // From the last octet of the message on.
        let (seen, is_all) = self.ahead(length - 1)?;
        let Some((last, after)) = seen.split_first() else { return Ok(None) };
        let rest = skip_line_ends(after);
        let lands = if rest.is_empty() { is_all } else { begins_message(rest, true).is_some() };
        let on_new_line = *last == b'\n' || rest.len() < after.len() || after.is_empty();
        Ok((lands && on_new_line).then_some((header, octets)))
    }

    /// What stands so many octets behind the window's beginning: up to [`WINDOW`] octets, and whether the file ends
    /// with them.
    fn ahead(&mut self, distance: u64) -> io::Result<(Vec<u8>, bool)> {
        let held = usize::try_from(distance).ok().and_then(|distance| self.window().get(distance..));
        if let Some(held) = held
            && (held.len() >= WINDOW || self.at_end)
        {
            return Ok((held.get(..WINDOW).unwrap_or(held).to_vec(), held.len() < WINDOW));
        }
        if self.at_end {
            return Ok((Vec::new(), true));
        }
        let here = self.input.stream_position()?;
        self.input.seek(SeekFrom::Start(self.read + distance))?;
        let mut seen = Vec::new();
        self.input.by_ref().take(WINDOW as u64).read_to_end(&mut seen)?;
        self.input.seek(SeekFrom::Start(here))?;
        let is_all = seen.len() < WINDOW;
        Ok((seen, is_all))
    }

    /// Takes a message of known length, and what separates it from the next.
    fn take_declared(&mut self, message: &mut Gathered, header: usize, octets: u64) -> io::Result<()> {
        let mut left = octets + header as u64;
        while left > 0 {
            self.fill(1)?;
            let piece = self.window().len().min(usize::try_from(left).unwrap_or(usize::MAX));
            if piece == 0 {
                break;
            }
            self.take(piece, message);
            left -= piece as u64;
        }
        self.bare |= message.has_bare_from(header, &self.from);
        if !self.bare {
            message.unquote(&self.from);
        }
        self.fill(WINDOW)?;
        let window = self.window();
        self.consume(window.len() - skip_line_ends(window).len());
        self.fill(WINDOW)?;
        self.open = begins_message(self.window(), true);
        Ok(())
    }
}

/// What follows at most two line ends.
fn skip_line_ends(text: &[u8]) -> &[u8] {
    let skip = |text: &[u8]| match text {
        [b'\n', ..] => 1,
        [b'\r', b'\n', ..] => 2,
        _ => 0,
    };
    let first = text.get(skip(text)..).unwrap_or_default();
    first.get(skip(first)..).unwrap_or_default()
}

/// The length of the header section that `text` begins with, blank line included, and the `Content-Length` in it.
fn content_length(text: &[u8]) -> Option<(usize, u64)> {
    let (mut at, mut length) = (0, None);
    while let Some(rest) = text.get(at..text.len().min(HEADER)) {
        let line = rest.get(..=memchr::memchr(b'\n', rest)?)?;
        at += line.len();
        if matches!(line, b"\n" | b"\r\n") {
            return length.map(|length| (at, length));
        }
        if let Some((name, value)) = line.split_at_checked(15)
            && name.eq_ignore_ascii_case(b"Content-Length:")
        {
            length = std::str::from_utf8(value.trim_ascii()).ok().and_then(|digits| digits.parse().ok());
        }
    }
    None
}

/// A message being put together, up to a limit.
struct Gathered {
    bytes: Vec<u8>,
    octets: u64,
    largest: usize,
    /// The last octets, also of what is too large to be held.
    tail: [u8; 3],
    /// Of the line that is not ended yet: whether there are any `>`, where it holds nothing else.
    marks: Option<bool>,
    /// An empty beginning counts as a blank line.
    begins_blank: bool,
}

impl Gathered {
    fn new(largest: usize) -> Gathered {
        Gathered { bytes: Vec::new(), octets: 0, largest, tail: [0; 3], marks: Some(false), begins_blank: false }
    }

    fn before_the_first() -> Gathered {
        Gathered { begins_blank: true, ..Gathered::new(0) }
    }

    fn push(&mut self, piece: &[u8]) {
        if piece.is_empty() {
            return;
        }
        self.octets += piece.len() as u64;
        if self.octets <= self.largest as u64 {
            self.bytes.extend_from_slice(piece);
        } else {
            self.bytes = Vec::new();
        }
        for octet in piece.get(piece.len().saturating_sub(3)..).unwrap_or_default() {
            self.tail = [self.tail[1], self.tail[2], *octet];
        }
        let line = memchr::memrchr(b'\n', piece).and_then(|end| piece.get(end + 1..));
        let only_marks = line.unwrap_or(piece).iter().all(|octet| *octet == b'>');
        let earlier = if line.is_some() { Some(false) } else { self.marks };
        self.marks = earlier.filter(|_| only_marks).map(|marks| marks || !line.unwrap_or(piece).is_empty());
    }

    /// `None` in the middle of a line; else whether the line begun holds any `>` (and it holds nothing else).
    fn marks_of_line(&self) -> Option<bool> {
        self.marks
    }

    /// Takes the last `>` back.
    fn take_back_mark(&mut self) {
        self.octets -= 1;
        self.bytes.pop();
    }

    /// Whether the last whole line is blank.
    fn ends_blank(&self) -> bool {
        match (self.octets, self.tail) {
            (0, _) => self.begins_blank,
            (1, [_, _, b'\n']) | (2, [_, b'\r', b'\n']) => true,
            (_, tail) => tail.ends_with(b"\n\n") || tail == *b"\n\r\n",
        }
    }

    fn has_bare_from(&self, header: usize, from: &Finder<'_>) -> bool {
        let starts_line = |at: usize| at == header || self.bytes.get(at.wrapping_sub(1)) == Some(&b'\n');
        let body = self.bytes.get(header..).unwrap_or_default();
        from.find_iter(body).any(|at| starts_line(header + at))
    }

    /// Takes one `>` from each line of `>`s followed by `From `.
    fn unquote(&mut self, from: &Finder<'_>) {
        let (mut unquoted, mut copied) = (Vec::new(), 0);
        for word in from.find_iter(&self.bytes) {
            let before = self.bytes.get(..word).unwrap_or_default();
            let line = word - before.iter().rev().take_while(|octet| **octet == b'>').count();
            if line < word && (line == 0 || self.bytes.get(line - 1) == Some(&b'\n')) {
                unquoted.extend_from_slice(self.bytes.get(copied..line).unwrap_or_default());
                copied = line + 1;
            }
        }
        if copied > 0 {
            unquoted.extend_from_slice(self.bytes.get(copied..).unwrap_or_default());
            self.octets = unquoted.len() as u64;
            self.bytes = unquoted;
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
