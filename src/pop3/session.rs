//! One POP3 session (RFC 1939): what may be sent, what is under way, and whose answer each octet belongs to. Pipelines
//! only where CAPA says so (RFC 2449 section 6.6), within a window. Any octet that no command asked for ends it: that is
//! what an injected answer looks like.

use std::collections::VecDeque;
use std::ops::Range;

use memchr::memchr;

use crate::pop3::capability::Capabilities;
use crate::pop3::command::{ArgumentError, Command, Encoded, Sent};
use crate::pop3::decode::{LineEnd, Step, Unstuffer};
use crate::pop3::reply::{Status, is_continuation, printable};
use crate::pop3::trace::{Secrets, TraceSink, Tracer};

/// The longest status line and the longest line of a listing, in octets, line end included (quirk 9).
const LONGEST_LINE: usize = 8 * 1024;
/// The most lines of one listing, and the most octets of them together.
const LISTING_LINES: usize = 2_000_000;
const LISTING_OCTETS: usize = 256 * 1024 * 1024;
/// The most commands under way at once, and the octets of answer (as LIST says) that more are sent below: what a path of
/// 100 MB/s and 80 ms holds, in messages of ordinary size. The commands of a window are some 6 kB, less than any system
/// takes in for a server that does not read, so a server that reads and writes by turns is safe, too.
const WINDOW_COMMANDS: usize = 512;
const WINDOW_OCTETS: u64 = 8 * 1024 * 1024;
/// The least room for what is received.
const ROOM: usize = 64 * 1024;

/// Something that [`Session::poll`] found in what was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// The server's first line. Not `ok`: the server does not serve us now.
    Greeting(Status),
    /// The first line of the answer to this command. When it is `ok` and the command is CAPA, LIST, UIDL, RETR or TOP,
    /// the answer goes on up to [`Event::End`].
    Status(Sent, Status),
    /// A line of a listing (CAPA, LIST, UIDL), unstuffed, without its line end.
    Line(Vec<u8>),
    /// The next octets of a message (RETR, TOP), unstuffed; never none.
    Octets(&'a [u8]),
    /// The terminator was seen: the answer is complete.
    End(Sent),
}

/// The server broke the protocol. Nothing it sends afterwards can be relied on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// Octets that no command asked for: an injected answer, or a server that does not byte-stuff (quirk 52).
    #[error("the server sent what was not asked for")]
    Unsolicited,
    /// A first line over 8 KiB: not a POP3 server, or an attack.
    #[error("a status line has no end")]
    StatusTooLong,
    /// A first line with neither `+OK` nor `-ERR`: not a POP3 server, or one that does not byte-stuff.
    #[error("not a status line: {0:?}")]
    NotAStatus(String),
    /// CRLF and bare LF in one session: where an answer ends is not certain (quirk 54).
    #[error("the line ends are mixed")]
    MixedLineEnds,
    /// A line of a listing over 8 KiB, or a listing beyond all measure.
    #[error("a listing is too long")]
    ListingTooLong,
    /// A message far beyond its size by LIST, and still without an end. Found by who receives it.
    #[error("a message has no end")]
    Endless,
    /// A `+` where AUTH did not ask for one.
    #[error("an unexpected challenge")]
    UnexpectedChallenge,
    /// An answer that is not what the command gives, such as STAT without numbers.
    #[error("the answer to {0} makes no sense")]
    Malformed(&'static str),
}

/// A command that cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    #[error(transparent)]
    Argument(#[from] ArgumentError),
    /// A mistake of the caller: the command does not belong to the session's state, or QUIT was said already.
    #[error("{0} cannot be said now")]
    WrongState(&'static str),
}

/// RFC 1939 section 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the greeting.
    Connected,
    Authorization,
    Transaction,
    /// QUIT is said.
    Update,
}

/// A command of which octets may have reached the server.
struct UnderWay {
    sent: Sent,
    response: Option<Vec<u8>>,
    octets: u64,
    /// Sent while another was under way.
    pipelined: bool,
    /// Where its line ends in the stream of all octets written.
    end: u64,
}

/// What the next received octet belongs to.
enum Answer {
    Status,
    Message(Unstuffer),
    Listing(Listing),
}

struct Listing {
    unstuffer: Unstuffer,
    line: Vec<u8>,
    lines: usize,
    octets: usize,
}

/// [`Event`] without the borrow.
enum Found {
    Event(Event<'static>),
    Octets(Range<usize>),
    /// Nothing yet to tell, but something was used up.
    Moved,
    /// More must be received.
    Starved,
}

/// A session from the greeting to QUIT.
pub struct Session {
    state: State,
    waiting: VecDeque<Encoded>,
    under_way: VecDeque<UnderWay>,
    /// What LIST says of the answers to come.
    octets_under_way: u64,
    output: Vec<u8>,
    /// How much of `output` was written, and how much of everything before it.
    written: usize,
    written_before: u64,
    /// What is received and not looked at yet stands between `used` and `filled`; behind that is room.
    input: Vec<u8>,
    used: usize,
    filled: usize,
    answer: Answer,
    ends: Option<LineEnd>,
    capabilities: Capabilities,
    asked: Capabilities,
    pipelining_allowed: bool,
    pipelining_proved: bool,
    broken: Option<ProtocolError>,
    tracer: Tracer,
}

impl Default for Session {
    fn default() -> Session {
        Session {
            state: State::Connected,
            waiting: VecDeque::new(),
            under_way: VecDeque::new(),
            output: Vec::new(),
            written: 0,
            written_before: 0,
            input: Vec::new(),
            used: 0,
            filled: 0,
            octets_under_way: 0,
            answer: Answer::Status,
            ends: None,
            capabilities: Capabilities::default(),
            asked: Capabilities::default(),
            pipelining_allowed: true,
            pipelining_proved: false,
            broken: None,
            tracer: Tracer::default(),
        }
    }
}

impl Session {
    /// A session whose greeting is still to come.
    pub fn new() -> Session {
        Session::default()
    }

    /// The session that goes on behind a STLS handshake: without a greeting, and knowing nothing of what was said
    /// before (RFC 2595 section 4).
    pub fn after_stls() -> Session {
        Session { state: State::Authorization, ..Session::default() }
    }

    /// Takes a command to be sent as soon as it may be.
    ///
    /// # Errors
    /// When an argument holds a control character, or the session's state does not know the command.
    pub fn enqueue(&mut self, command: &Command) -> Result<(), CommandError> {
        let sent = command.sent();
        let fits = match sent {
            Sent::Capa | Sent::Quit => matches!(self.state, State::Authorization | State::Transaction),
            // Only where it was offered: a server that does not know it may hang up (quirk 94).
            Sent::Utf8 => self.state == State::Authorization && self.capabilities.utf8,
            Sent::Stls | Sent::User | Sent::Pass | Sent::Auth => self.state == State::Authorization,
            _ => self.state == State::Transaction,
        };
        if !fits {
            return Err(CommandError::WrongState(sent.verb()));
        }
        self.waiting.push_back(command.encode()?);
        if sent == Sent::Quit {
            self.state = State::Update;
        }
        self.fill();
        Ok(())
    }

    /// Drops the commands of which no octet has been put into the output yet; their numbers are returned.
    pub fn withdraw(&mut self) -> Vec<Sent> {
        self.waiting.drain(..).map(|encoded| encoded.sent).collect()
    }

    /// The octets to be written now. Tell [`Session::wrote`] how many were.
    pub fn output(&self) -> &[u8] {
        self.output.get(self.written..).unwrap_or_default()
    }

    /// So many octets of [`Session::output`] were written.
    pub fn wrote(&mut self, count: usize) {
        self.written = self.written.saturating_add(count).min(self.output.len());
        if self.written == self.output.len() {
            self.written_before = self.written_before.saturating_add(self.output.len() as u64);
            self.output.fill(0);
            self.output.clear();
            self.written = 0;
        }
    }

    /// Where octets are to be received into, at least 64 KiB. Tell [`Session::received`] how many were.
    /// [`Session::poll`] until it has nothing before receiving more: what was not polled is kept, so that alone bounds
    /// the memory.
    pub fn room(&mut self) -> &mut [u8] {
        self.room_of(ROOM)
    }

    /// So many octets were put at the start of [`Session::room`].
    pub fn received(&mut self, count: usize) {
        self.filled = self.filled.saturating_add(count).min(self.input.len());
    }

    /// Takes octets as they came, by a copy: [`Session::room`] does without.
    pub fn receive(&mut self, octets: &[u8]) {
        let room = self.room_of(octets.len().max(ROOM));
        room.get_mut(..octets.len()).unwrap_or_default().copy_from_slice(octets);
        self.received(octets.len());
    }

    fn room_of(&mut self, count: usize) -> &mut [u8] {
        if self.used > 0 {
            self.input.copy_within(self.used..self.filled, 0);
            self.filled = self.unread();
            self.used = 0;
        }
        let wanted = self.filled.saturating_add(count);
        if self.input.len() < wanted {
            self.input.reserve_exact(wanted.saturating_sub(self.input.len()));
            self.input.resize(wanted, 0);
        }
        self.input.get_mut(self.filled..).unwrap_or_default()
    }

    /// What was received and not looked at yet.
    fn input(&self) -> &[u8] {
        self.input.get(self.used..self.filled).unwrap_or_default()
    }

    /// The next event, or `None` when more must be received.
    ///
    /// # Errors
    /// When the server broke the protocol; the same again at each later call.
    pub fn poll(&mut self) -> Result<Option<Event<'_>>, ProtocolError> {
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        loop {
            match self.step() {
                Ok(Found::Moved) => {}
                Ok(Found::Starved) => return Ok(None),
                Ok(Found::Event(event)) => return Ok(Some(event)),
                Ok(Found::Octets(range)) => {
                    return Ok(Some(Event::Octets(self.input.get(range).unwrap_or_default())));
                }
                Err(error) => {
                    self.lost();
                    self.tracer.broken(&error);
                    self.broken = Some(error.clone());
                    return Err(error);
                }
            }
        }
    }

    /// What the server says it can do, by the last CAPA that it answered.
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Whether pipelining may be used where the server offers it; it may unless this says no.
    pub fn set_pipelining(&mut self, allowed: bool) {
        self.pipelining_allowed = allowed;
    }

    /// Tells `sink` each command and answer from now on, without what is secret in them.
    pub fn trace(&mut self, sink: TraceSink) {
        self.tracer.tell(sink);
    }

    /// Keeps these out of the trace, before they are said: a server may know them from elsewhere.
    pub fn keep_secret(&mut self, secrets: Secrets) {
        self.tracer.keep_secret(secrets);
    }

    /// Nothing more will be received: the trace says how far the answer under way had come.
    pub fn lost(&mut self) {
        if let (false, Some(command)) = (matches!(self.answer, Answer::Status), self.under_way.front()) {
            self.tracer.end(command.sent, false);
        }
    }

    /// No command waits or is under way.
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.under_way.is_empty()
    }

    /// Part of an answer is here and part of it is not.
    pub fn is_mid_answer(&self) -> bool {
        self.unread() > 0 || !matches!(self.answer, Answer::Status)
    }

    /// Commands are pipelined and none that was has been answered yet: a server that hangs up now may be one that
    /// offers pipelining and cannot do it (quirk 18).
    pub fn is_pipelining_untried(&self) -> bool {
        !self.pipelining_proved && self.under_way.iter().any(|command| command.pipelined)
    }

    fn unread(&self) -> usize {
        self.filled.saturating_sub(self.used)
    }

    /// Moves commands from the queue to the output as far as the window is open.
    fn fill(&mut self) {
        while let Some(next) = self.waiting.front() {
            let pipelined = !self.under_way.is_empty();
            if pipelined && !self.has_room_for(next) {
                return;
            }
            let Some(Encoded { sent, line, shown, response, octets }) = self.waiting.pop_front() else { return };
            self.tracer.sent(shown.or(str::from_utf8(&line).ok()).unwrap_or_default());
            self.output.extend_from_slice(&line);
            let end = self.written_before.saturating_add(self.output.len() as u64);
            self.octets_under_way = self.octets_under_way.saturating_add(octets);
            self.under_way.push_back(UnderWay { sent, response, octets, pipelined, end });
        }
    }

    fn has_room_for(&self, next: &Encoded) -> bool {
        self.pipelining_allowed
            && self.capabilities.pipelining
            && next.sent.may_be_pipelined()
            // What may not be is under way alone, so one stands for all.
            && self.under_way.front().is_none_or(|command| command.sent.may_be_pipelined())
            && self.under_way.len() < WINDOW_COMMANDS
            && self.octets_under_way.saturating_add(next.octets) <= WINDOW_OCTETS
    }

    fn step(&mut self) -> Result<Found, ProtocolError> {
        match &mut self.answer {
            Answer::Status => self.status_line(),
            Answer::Message(unstuffer) => {
                let step = unstuffer.step(self.input.get(self.used..self.filled).unwrap_or_default());
                self.message_step(step)
            }
            Answer::Listing(listing) => {
                let input = self.input.get(self.used..self.filled).unwrap_or_default();
                let (used, ended) = listing.take(input)?;
                self.used = self.used.saturating_add(used);
                self.listing_step(used > 0, ended)
            }
        }
    }

    fn message_step(&mut self, step: Step) -> Result<Found, ProtocolError> {
        let start = self.used;
        match step {
            Step::Keep(length) => {
                self.used = start.saturating_add(length);
                self.tracer.message(length);
                Ok(Found::Octets(start..self.used))
            }
            Step::Skip => {
                self.used = start.saturating_add(1);
                Ok(Found::Moved)
            }
            Step::HeldCr => {
                self.tracer.message(1);
                Ok(Found::Event(Event::Octets(b"\r")))
            }
            Step::End => {
                self.used = start.saturating_add(1);
                self.end()
            }
            Step::Mixed => Err(ProtocolError::MixedLineEnds),
            Step::Starved => Ok(Found::Starved),
        }
    }

    fn listing_step(&mut self, moved: bool, ended: Option<ListingEnd>) -> Result<Found, ProtocolError> {
        match ended {
            None if moved => Ok(Found::Moved),
            None => Ok(Found::Starved),
            Some(ListingEnd::OfLine(line)) => {
                if let Some(command) = self.under_way.front() {
                    self.tracer.listed(command.sent, &line);
                    if command.sent == Sent::Capa {
                        self.asked.learn(&line);
                    }
                }
                Ok(Found::Event(Event::Line(line)))
            }
            Some(ListingEnd::OfListing) => {
                if self.under_way.front().is_some_and(|command| command.sent == Sent::Capa) {
                    self.capabilities = std::mem::take(&mut self.asked);
                }
                self.end()
            }
        }
    }

    /// The multi-line answer is complete.
    fn end(&mut self) -> Result<Found, ProtocolError> {
        self.answer = Answer::Status;
        let Some(command) = self.under_way.front() else { return Err(ProtocolError::Unsolicited) };
        let sent = command.sent;
        self.tracer.end(sent, true);
        self.complete()?;
        Ok(Found::Event(Event::End(sent)))
    }

    /// The answer to the first command under way is complete. What follows must be the start of the next answer: in
    /// a body that was not byte-stuffed it is not, and then the end was none.
    fn complete(&mut self) -> Result<(), ProtocolError> {
        if let Some(command) = self.under_way.pop_front() {
            self.octets_under_way = self.octets_under_way.saturating_sub(command.octets);
            self.pipelining_proved |= command.pipelined;
        }
        match self.input().first() {
            None => {}
            Some(b'+' | b'-') if !self.under_way.is_empty() => {}
            Some(_) => return Err(ProtocolError::Unsolicited),
        }
        // Half a window at a time: many commands then travel together, instead of one behind each answer.
        if self.under_way.len() <= WINDOW_COMMANDS / 2 && self.octets_under_way <= WINDOW_OCTETS / 2 {
            self.fill();
        }
        Ok(())
    }

    fn status_line(&mut self) -> Result<Found, ProtocolError> {
        let written = self.written_before.saturating_add(self.written as u64);
        let expected = match self.under_way.front() {
            _ if self.unread() == 0 => return Ok(Found::Starved),
            None => self.state == State::Connected,
            Some(command) => command.end <= written,
        };
        if !expected {
            return Err(ProtocolError::Unsolicited);
        }
        let Some(line) = self.line()? else { return Ok(Found::Starved) };
        if is_continuation(&line) {
            self.tracer.received(&line);
            return self.challenge();
        }
        let status = Status::parse(&line);
        // What is no answer may be part of a message.
        if status.is_some() || self.state == State::Connected {
            self.tracer.received(&line);
        }
        let status = status.ok_or_else(|| ProtocolError::NotAStatus(printable(&line).chars().take(80).collect()))?;
        let Some(command) = self.under_way.front() else {
            self.state = State::Authorization;
            self.complete()?;
            return Ok(Found::Event(Event::Greeting(status)));
        };
        let sent = command.sent;
        self.answered(sent, &status)?;
        Ok(Found::Event(Event::Status(sent, status)))
    }

    /// What a status line changes.
    fn answered(&mut self, sent: Sent, status: &Status) -> Result<(), ProtocolError> {
        if matches!(sent, Sent::Pass | Sent::Auth) && status.ok {
            self.state = State::Transaction;
        }
        if !(status.ok && sent.is_multi_line()) {
            return self.complete();
        }
        let unstuffer = Unstuffer::new(self.ends.unwrap_or(LineEnd::CrLf));
        self.answer = match sent {
            Sent::Retr(_) | Sent::Top(_) => Answer::Message(unstuffer),
            _ => Answer::Listing(Listing { unstuffer, line: Vec::new(), lines: 0, octets: 0 }),
        };
        self.asked = Capabilities { known: true, ..Capabilities::default() };
        Ok(())
    }

    /// The server asks for the response of AUTH: once, and only while nothing else has come.
    fn challenge(&mut self) -> Result<Found, ProtocolError> {
        let response = self.under_way.front_mut().and_then(|command| command.response.take());
        let response = response.ok_or(ProtocolError::UnexpectedChallenge)?;
        if self.unread() > 0 {
            return Err(ProtocolError::Unsolicited);
        }
        self.output.extend_from_slice(&response);
        self.tracer.sent("****");
        let end = self.written_before.saturating_add(self.output.len() as u64);
        if let Some(command) = self.under_way.front_mut() {
            command.end = end;
        }
        Ok(Found::Moved)
    }

    /// The next complete line without its end. The first one of the session decides how lines end.
    fn line(&mut self) -> Result<Option<Vec<u8>>, ProtocolError> {
        let input = self.input();
        let Some(at) = memchr(b'\n', input.get(..LONGEST_LINE).unwrap_or(input)) else {
            return if input.len() >= LONGEST_LINE { Err(ProtocolError::StatusTooLong) } else { Ok(None) };
        };
        let line = input.get(..at).unwrap_or_default();
        let (line, ends) = match line.strip_suffix(b"\r") {
            Some(line) => (line.to_vec(), LineEnd::CrLf),
            None => (line.to_vec(), LineEnd::Lf),
        };
        self.used = self.used.saturating_add(at).saturating_add(1);
        if *self.ends.get_or_insert(ends) != ends {
            return Err(ProtocolError::MixedLineEnds);
        }
        Ok(Some(line))
    }
}

enum ListingEnd {
    OfLine(Vec<u8>),
    OfListing,
}

impl Listing {
    /// Takes from the start of `input`: how many octets it used, and what ended there, if something did.
    fn take(&mut self, input: &[u8]) -> Result<(usize, Option<ListingEnd>), ProtocolError> {
        // One line at a time, so that what is found comes out in order.
        let end = memchr(b'\n', input).map_or(input.len(), |at| at.saturating_add(1));
        let input = input.get(..end).unwrap_or_default();
        let mut step = self.unstuffer.step(input);
        if step == Step::HeldCr {
            self.push(b"\r")?;
            step = self.unstuffer.step(input);
        }
        match step {
            Step::Starved | Step::HeldCr => Ok((0, None)),
            Step::Skip => Ok((1, None)),
            Step::Mixed => Err(ProtocolError::MixedLineEnds),
            Step::End => Ok((1, Some(ListingEnd::OfListing))),
            Step::Keep(length) => {
                self.push(input.get(..length).unwrap_or_default())?;
                Ok((length, self.complete_line()?.map(ListingEnd::OfLine)))
            }
        }
    }

    fn push(&mut self, octets: &[u8]) -> Result<(), ProtocolError> {
        self.octets = self.octets.saturating_add(octets.len());
        if self.line.len().saturating_add(octets.len()) > LONGEST_LINE || self.octets > LISTING_OCTETS {
            return Err(ProtocolError::ListingTooLong);
        }
        self.line.extend_from_slice(octets);
        Ok(())
    }

    fn complete_line(&mut self) -> Result<Option<Vec<u8>>, ProtocolError> {
        if self.line.last() != Some(&b'\n') {
            return Ok(None);
        }
        self.lines = self.lines.saturating_add(1);
        if self.lines > LISTING_LINES {
            return Err(ProtocolError::ListingTooLong);
        }
        let line = std::mem::take(&mut self.line);
        let ended = match line.strip_suffix(b"\r\n") {
            Some(line) => Some(line),
            // Only where the whole session is so: a bare LF may not divide one line into two.
            None if self.unstuffer.is_lf_only() => line.strip_suffix(b"\n"),
            None => None,
        };
        ended.map(|line| Some(line.to_vec())).ok_or(ProtocolError::MixedLineEnds)
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
