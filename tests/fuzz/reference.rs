//! What has to come out of a session, read from whole answers by the words of RFC 1939: no state, no pieces, nothing of
//! the client's own code.

use postkeep::pop3::Sent;

/// The longest status line and line of a listing, as the client promises.
const LONGEST_LINE: usize = 8192;

/// How the answers to some commands end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Ok,
    /// The last answer was -ERR.
    Refused,
    /// `+`: the client may go on with AUTH.
    Challenged,
    /// More has to come.
    Incomplete,
    /// The server broke the protocol.
    Broken,
}

/// What a session tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    Status(bool),
    Line(Vec<u8>),
    End,
    Message(Vec<u8>),
}

/// What is to be told.
#[derive(Debug)]
pub struct Expected {
    told: Vec<Told>,
    /// How many of `told` there are at least when the session sees what is wrong before it tells.
    certain: usize,
    pub outcome: Outcome,
    /// What is wrong is the beginning of a line that is not whole: a session may wait for the rest.
    pub may_wait: bool,
}

impl Expected {
    pub fn is_broken(&self) -> bool {
        self.outcome == Outcome::Broken
    }

    /// Panics unless `told` is what was to be told. An answer whose successor is no answer may be held back; nothing
    /// else may be missing, and nothing may be more.
    pub fn compare(&self, told: &[Told], broken: bool, stream: &[u8]) {
        let shown = || stream.escape_ascii();
        assert!(self.told.starts_with(told), "{told:?} against {:?} in {}", self.told, shown());
        let least = if broken { self.certain } else { self.told.len() };
        assert!(told.len() >= least, "{told:?} against {:?} in {}", self.told, shown());
    }
}

/// Knows how the server ends its lines, once it has seen one.
pub struct Reader {
    ends: Option<&'static [u8]>,
}

impl Reader {
    pub fn new() -> Reader {
        Reader { ends: None }
    }

    /// Reads the answers to these commands, all of them sent (none: the greeting), which are all of `stream`.
    pub fn read(&mut self, sent: &[Sent], stream: &[u8], may_challenge: bool) -> Expected {
        let mut expected = Expected { told: Vec::new(), certain: 0, outcome: Outcome::Ok, may_wait: false };
        let mut rest = stream;
        let greeting = [None];
        let commands: Vec<Option<Sent>> =
            if sent.is_empty() { greeting.to_vec() } else { sent.iter().copied().map(Some).collect() };
        for command in commands {
            match self.one(command, rest, may_challenge, &mut expected) {
                Ok(left) => rest = left,
                Err(outcome) => {
                    expected.outcome = outcome;
                    return expected;
                }
            }
        }
        if !rest.is_empty() {
            // Nobody asked for it. The answer before it may not have been whole, either.
            expected.outcome = Outcome::Broken;
        } else {
            expected.certain = expected.told.len();
        }
        expected
    }

    /// One answer; what is behind it.
    fn one<'a>(
        &mut self,
        sent: Option<Sent>,
        stream: &'a [u8],
        may_challenge: bool,
        expected: &mut Expected,
    ) -> Result<&'a [u8], Outcome> {
        if !matches!(stream.first(), None | Some(b'+' | b'-')) && !expected.told.is_empty() {
            // Neither +OK nor -ERR can come of it.
            expected.may_wait = !stream.contains(&b'\n') && stream.len() < LONGEST_LINE;
            return Err(Outcome::Broken);
        }
        let (line, rest) = self.status_line(stream)?;
        expected.certain = expected.told.len();
        if line == b"+" || line.starts_with(b"+ ") {
            return Err(if may_challenge && rest.is_empty() { Outcome::Challenged } else { Outcome::Broken });
        }
        let starts = |word: &[u8]| line.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
        let ok = starts(b"+OK");
        if !ok && !starts(b"-ERR") {
            return Err(Outcome::Broken);
        }
        let multi_line = matches!(sent, Some(Sent::Capa | Sent::List | Sent::Uidl | Sent::Retr(_) | Sent::Top(_)));
        expected.told.push(Told::Status(ok));
        if !ok {
            expected.outcome = Outcome::Refused;
        } else {
            expected.outcome = Outcome::Ok;
        }
        if !(ok && multi_line) {
            return Ok(rest);
        }
        // The status line is told at once: its answer goes on.
        expected.certain = expected.told.len();
        match sent {
            Some(Sent::Retr(_)) => self.message(rest, expected),
            _ => self.listing(rest, expected),
        }
    }

    fn status_line<'a>(&mut self, stream: &'a [u8]) -> Result<(&'a [u8], &'a [u8]), Outcome> {
        let within = &stream[..stream.len().min(LONGEST_LINE)];
        let Some(at) = within.iter().position(|octet| *octet == b'\n') else {
            return Err(if stream.len() >= LONGEST_LINE { Outcome::Broken } else { Outcome::Incomplete });
        };
        let (line, ends): (&[u8], &[u8]) =
            if stream[..at].ends_with(b"\r") { (&stream[..at - 1], b"\r\n") } else { (&stream[..at], b"\n") };
        if *self.ends.get_or_insert(ends) != ends {
            return Err(Outcome::Broken);
        }
        Ok((line, &stream[at + 1..]))
    }

    fn message<'a>(&self, stream: &'a [u8], expected: &mut Expected) -> Result<&'a [u8], Outcome> {
        let ends = self.ends.unwrap_or(b"\r\n");
        let (mut rest, mut message) = (stream, Vec::new());
        loop {
            let at = rest.windows(ends.len()).position(|window| window == ends);
            let seen = &rest[..at.map_or(rest.len(), |at| at + 1)];
            if ends == b"\n" && seen.windows(2).any(|window| window == b"\r\n") {
                return Err(Outcome::Broken);
            }
            let Some(at) = at else { return Err(Outcome::Incomplete) };
            let (line, behind) = (&rest[..at], &rest[at + ends.len()..]);
            if line == b"." {
                expected.told.push(Told::Message(message));
                return Ok(behind);
            }
            message.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
            message.extend_from_slice(ends);
            rest = behind;
        }
    }

    fn listing<'a>(&self, stream: &'a [u8], expected: &mut Expected) -> Result<&'a [u8], Outcome> {
        let ends = self.ends.unwrap_or(b"\r\n");
        let mut rest = stream;
        loop {
            let at = rest.iter().position(|octet| *octet == b'\n');
            let whole = &rest[..at.map_or(rest.len(), |at| at + 1)];
            let crlf = whole.ends_with(b"\r\n");
            if whole == [b".", ends].concat() {
                expected.told.push(Told::End);
                return Ok(&rest[whole.len()..]);
            }
            // A CR behind the dot that may begin the end of the listing is not counted before it is known for what it is.
            let unstuffed = whole.strip_prefix(b".").unwrap_or(whole);
            let counted = if whole == b".\r" && ends == b"\r\n" { 0 } else { unstuffed.len() };
            if counted > LONGEST_LINE || (at.is_some() && crlf != (ends == b"\r\n")) {
                return Err(Outcome::Broken);
            }
            if at.is_none() {
                return Err(Outcome::Incomplete);
            }
            expected.told.push(Told::Line(unstuffed[..unstuffed.len() - ends.len()].to_vec()));
            expected.certain = expected.told.len();
            rest = &rest[whole.len()..];
        }
    }
}

/// A dot before each dot at the start of a line.
pub fn stuffed(message: &[u8], ends: &[u8]) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), message);
    while !rest.is_empty() {
        let end = rest.windows(ends.len()).position(|window| window == ends).map_or(rest.len(), |at| at + ends.len());
        if rest[0] == b'.' {
            out.push(b'.');
        }
        out.extend_from_slice(&rest[..end]);
        rest = &rest[end..];
    }
    out
}
