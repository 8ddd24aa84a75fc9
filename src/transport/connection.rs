//! [`Connection`]: a session driven over a stream. Writes and reads go on at the same time, so that pipelined commands
//! and their answers never wait for each other; whatever arrives goes into the session at once, so that a dropped
//! future loses nothing.

mod driving;

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use secrecy::SecretString;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use self::driving::protect;
use super::{Answer, Options, Patience, Result, Retrieved, Stat, TransportError, connect};
use crate::account::{Security, Server, Uidl};
use crate::pop3::{
    self, Capabilities, Code, Command, CommandError, Event, ProtocolError, Removal, Secrets, Sent, Session, Status,
};

/// What is set aside for a message before its octets come; LIST's word is not trusted for more.
const MESSAGE_START: u64 = 1024 * 1024;
/// What a message may have that LIST says is smaller: more is taken for an answer without end.
const UNLISTED: u64 = 32 * 1024 * 1024;
/// How long [`Connection::reset`] and the farewell of TLS may take.
const FAREWELL: Duration = Duration::from_secs(5);

/// What a session can run over.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// An open connection to a server, in POP3's AUTHORIZATION or TRANSACTION state (RFC 1939 section 3).
pub struct Connection {
    stream: Box<dyn Stream>,
    session: Session,
    options: Options,
    /// TLS is up, or the account does without it explicitly.
    may_log_in: bool,
    /// What was written is not flushed yet.
    unflushed: bool,
    /// The server took UTF8.
    is_utf8: bool,
    /// Writing failed: what the server said before is still read.
    write_failed: bool,
    /// A request that could not be enqueued, told by the next [`Connection::next_message`].
    refused_request: Option<CommandError>,
    /// LIST's word on the size of what is requested.
    listed: HashMap<u32, u64>,
    /// STAT's word on how many messages there are.
    announced: Option<u64>,
    arriving: Option<Arriving>,
    /// Until when the server may be silent, from when we began to wait for it: kept here, so that a wait that is dropped
    /// and begun again, as between two reports of progress, is one wait.
    silent_until: Option<Instant>,
}

/// A message of which some octets are here.
struct Arriving {
    octets: Vec<u8>,
    /// How many of them are kept, and how many have come.
    limit: u64,
    come: u64,
}

impl fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Connection").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Connection {
    /// TCP, TLS (or STLS, strictly), greeting, CAPA. No octet of a credential is sent.
    ///
    /// # Errors
    /// Each cause by itself: see [`TransportError`].
    pub async fn open(server: &Server, patience: Patience) -> Result<Connection> {
        Connection::open_with(server, Options { patience, ..Options::default() }).await
    }

    /// [`Connection::open`] with all its options. A server that hangs up on CAPA is connected to once more without it
    /// (quirk 15).
    ///
    /// # Errors
    /// Each cause by itself: see [`TransportError`].
    pub async fn open_with(server: &Server, options: Options) -> Result<Connection> {
        let stream = connect(server, &options).await?;
        match Connection::over(stream, server, options.clone()).await {
            Err(TransportError::Capabilities(_)) if server.security != Security::StartTls => {
                let stream = connect(server, &options).await?;
                Connection::over(stream, server, Options { capabilities: false, ..options }).await
            }
            outcome => outcome,
        }
    }

    /// All of [`Connection::open_with`] behind the TCP connection, over any stream.
    ///
    /// # Errors
    /// Each cause by itself: see [`TransportError`].
    pub async fn over<S>(stream: S, server: &Server, options: Options) -> Result<Connection>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let trace = options.trace.clone();
        let opened = Connection::begin(Box::new(stream), server, options).await;
        if let (Some(trace), Err(error)) = (&trace, &opened) {
            trace.note(&in_short(error));
        }
        opened
    }

    async fn begin(stream: Box<dyn Stream>, server: &Server, options: Options) -> Result<Connection> {
        let capabilities = options.capabilities;
        let mut connection = match server.security {
            Security::Tls => Connection::new(protect(stream, server, &options).await?, Session::new(), options, true),
            Security::StartTls | Security::None => Connection::plain(stream, server, options),
        };
        connection.greeting().await?;
        tracing::trace!(phase = "greeted");
        if server.security == Security::StartTls {
            connection = connection.start_tls(server).await?;
        }
        if capabilities {
            connection.ask_capabilities().await?;
        }
        Ok(connection)
    }

    /// Before any TLS. Takes a login only where the account does without.
    fn plain(stream: Box<dyn Stream>, server: &Server, options: Options) -> Connection {
        Connection::new(stream, Session::new(), options, server.security == Security::None)
    }

    fn new(stream: Box<dyn Stream>, mut session: Session, options: Options, may_log_in: bool) -> Connection {
        session.set_pipelining(options.pipelining);
        if let Some(trace) = &options.trace {
            session.trace(trace.sink());
        }
        Connection {
            stream,
            session,
            options,
            may_log_in,
            unflushed: false,
            is_utf8: false,
            write_failed: false,
            refused_request: None,
            listed: HashMap::new(),
            announced: None,
            arriving: None,
            silent_until: None,
        }
    }

    /// What the server said it can do, before login or, once logged in, since.
    pub fn capabilities(&self) -> &Capabilities {
        self.session.capabilities()
    }

    /// Whether it was asked for capabilities: not if it hung up on the question (quirk 15).
    pub fn asked_capabilities(&self) -> bool {
        self.options.capabilities
    }

    /// Whether UTF8 was to be said where it is offered.
    pub fn wanted_utf8(&self) -> bool {
        self.options.utf8
    }

    /// Whether the session is in UTF8 mode (RFC 6856).
    pub fn is_utf8(&self) -> bool {
        self.is_utf8
    }

    /// Whether to pipeline where the server offers it, for what is requested from now on.
    pub fn set_pipelining(&mut self, allowed: bool) {
        self.session.set_pipelining(allowed);
    }

    /// The largest message that is kept, in octets.
    pub fn set_message_limit(&mut self, octets: u64) {
        self.options.message_limit = octets;
    }

    /// UTF8 where it is offered; AUTH PLAIN where it is offered, else USER and PASS, all in UTF-8 (quirk 34); then CAPA
    /// again. Refuses to send over an unprotected stream unless the server's security is `None`.
    ///
    /// # Errors
    /// [`TransportError::LoginRefused`] with the server's code and text, [`TransportError::ClosedAtLogin`], and what
    /// can happen to any exchange; [`TransportError::Utf8`] around them where UTF8 may be the cause.
    pub async fn log_in(&mut self, user: &str, password: &SecretString) -> Result<()> {
        if !self.may_log_in {
            return Err(TransportError::Unprotected);
        }
        pop3::check_arguments(user, password).map_err(CommandError::from)?;
        self.session.keep_secret(Secrets::of(user, password));
        let utf8 = self.options.utf8 && self.session.capabilities().utf8;
        let outcome = self.log_in_as(user, password, utf8).await;
        outcome.map_err(
            |error| if utf8 && error.may_be_for_utf8() { TransportError::Utf8(Box::new(error)) } else { error },
        )
    }

    async fn log_in_as(&mut self, user: &str, password: &SecretString, utf8: bool) -> Result<()> {
        if utf8 {
            // A refusal is fine: the session goes on as it was.
            self.is_utf8 = self.exchange(Command::Utf8).await?.ok;
        }
        let status = self.authenticate(user, password).await.map_err(|error| match error {
            TransportError::Closed | TransportError::Truncated | TransportError::Broken(_) => {
                TransportError::ClosedAtLogin
            }
            // A server that echoes what it was sent must not bring the password into a message.
            TransportError::Protocol(ProtocolError::NotAStatus(_)) => ProtocolError::NotAStatus(String::new()).into(),
            other => other,
        })?;
        if !status.ok {
            return Err(TransportError::LoginRefused(without_secret(status, user, password)));
        }
        tracing::trace!(phase = "logged in");
        if self.session.capabilities().known { self.ask_capabilities().await } else { Ok(()) }
    }

    async fn authenticate(&mut self, user: &str, password: &SecretString) -> Result<Status> {
        if self.session.capabilities().auth_plain() {
            return self.exchange(Command::AuthPlain { user: user.to_owned(), password: password.clone() }).await;
        }
        let status = self.exchange(Command::User(user.to_owned())).await?;
        if status.ok { self.exchange(Command::Pass(password.clone())).await } else { Ok(status) }
    }

    /// What the maildrop holds.
    ///
    /// # Errors
    /// [`TransportError::CommandRefused`], and what can happen to any exchange.
    pub async fn stat(&mut self) -> Result<Stat> {
        let status = self.accepted(Command::Stat).await?;
        let (messages, octets) = pop3::stat_answer(&status.text).ok_or(ProtocolError::Malformed("STAT"))?;
        self.announced = Some(messages);
        Ok(Stat { messages, octets })
    }

    /// Message numbers and unique-ids, in the order of the answer; lines that are neither are left out. `None` when
    /// the server does not know UIDL.
    ///
    /// # Errors
    /// [`TransportError::CommandRefused`] when it is refused by a server that says it knows it, or with a code that
    /// speaks of a passing fault: that is never to be taken for an empty listing (quirk 43).
    pub async fn uidl(&mut self) -> Result<Option<Vec<(u32, Uidl)>>> {
        let mut entries = Vec::new();
        let status = self.listing(Command::Uidl, |line| entries.extend(pop3::uidl_entry(line))).await?;
        let passing = matches!(status.code, Some(Code::SysTemp | Code::SysPerm | Code::Sys | Code::InUse));
        if status.ok {
            Ok(Some(entries))
        } else if passing || self.session.capabilities().uidl {
            Err(TransportError::CommandRefused { command: "UIDL", status })
        } else {
            Ok(None)
        }
    }

    /// Message numbers and sizes in octets.
    ///
    /// # Errors
    /// [`TransportError::CommandRefused`], and what can happen to any exchange.
    pub async fn list(&mut self) -> Result<Vec<(u32, u64)>> {
        let mut entries = Vec::new();
        let status = self.listing(Command::List, |line| entries.extend(pop3::octets_entry(line))).await?;
        if status.ok { Ok(entries) } else { Err(TransportError::CommandRefused { command: "LIST", status }) }
    }

    /// Starts retrieving these messages (number, octets as listed), pipelined where the server takes it.
    pub fn request(&mut self, messages: &[(u32, u64)]) {
        for &(number, octets) in messages {
            if let Err(error) = self.session.enqueue(&Command::Retr { number, octets }) {
                self.refused_request.get_or_insert(error);
                return;
            }
            self.listed.insert(number, octets);
        }
        tracing::trace!(phase = "RETR asked");
    }

    /// Takes requests back that the server has not been sent yet. Those that it has been sent still come out of
    /// [`Connection::next_message`].
    pub fn withdraw(&mut self) {
        for sent in self.session.withdraw() {
            if let Sent::Retr(number) = sent {
                self.listed.remove(&number);
            }
        }
    }

    /// The next requested message, complete; `Ok(None)` when none is outstanding. `progress` hears how many more
    /// octets arrived. Cancel-safe: dropped and called again it goes on.
    ///
    /// # Errors
    /// What can happen to any exchange. [`TransportError::Pipelining`] when the connection went away before anything
    /// that was pipelined had been answered.
    pub async fn next_message(&mut self, progress: &mut (dyn FnMut(u64) + Send)) -> Result<Option<Retrieved>> {
        if let Some(error) = self.refused_request.take() {
            return Err(error.into());
        }
        loop {
            if let Some(retrieved) = self.take_message(progress)? {
                return Ok(Some(retrieved));
            }
            if self.session.is_idle() {
                return Ok(None);
            }
            self.turn().await?;
        }
    }

    /// A message out of what was received already, if it is complete.
    fn take_message(&mut self, progress: &mut (dyn FnMut(u64) + Send)) -> Result<Option<Retrieved>> {
        while let Some(event) = self.session.poll()? {
            match event {
                Event::Status(Sent::Retr(number), status) => {
                    let listed = self.listed.remove(&number).unwrap_or(0);
                    if !status.ok {
                        return Ok(Some(Retrieved::Refused { number, code: status.code, text: status.text }));
                    }
                    let capacity = usize::try_from(listed.min(MESSAGE_START)).unwrap_or(0);
                    self.arriving = Some(Arriving::new(capacity, self.options.message_limit, listed));
                }
                Event::Octets(octets) => {
                    progress(octets.len() as u64);
                    tracing::trace!(phase = "octets");
                    if let Some(arriving) = &mut self.arriving {
                        arriving.push(octets)?;
                    }
                }
                Event::End(Sent::Retr(number)) => {
                    let arrived = self.arriving.take().ok_or(ProtocolError::Unsolicited)?;
                    tracing::trace!(phase = "message whole");
                    return Ok(Some(arrived.complete(number)));
                }
                // An answer to something that was given up half-way, such as a NOOP.
                _ => {}
            }
        }
        Ok(None)
    }

    /// Whether part of a requested message is here and the rest is not: what goes wrong now, goes wrong in that message.
    pub fn is_mid_message(&self) -> bool {
        self.arriving.is_some()
    }

    /// TOP with no line of the body for each, pipelined; the answers in order, `None` where the server refuses one or
    /// it is over the limit. A server may send more than was asked for (quirk 59).
    ///
    /// # Errors
    /// What can happen to any exchange.
    pub async fn headers(&mut self, numbers: &[u32]) -> Result<Vec<Option<Vec<u8>>>> {
        self.must_be_idle()?;
        for &number in numbers {
            self.session.enqueue(&Command::Top { number, lines: 0 })?;
        }
        let mut answers = Vec::with_capacity(numbers.len());
        let fresh = |limit| Arriving::new(0, limit, 0);
        let mut arriving = fresh(self.options.message_limit);
        while answers.len() < numbers.len() {
            match self.session.poll()? {
                Some(Event::Status(_, status)) if status.ok => {}
                Some(Event::Status(..)) => answers.push(None),
                Some(Event::Octets(octets)) => arriving.push(octets)?,
                Some(Event::End(_)) => {
                    let arrived = std::mem::replace(&mut arriving, fresh(self.options.message_limit));
                    answers.push((!arrived.is_too_large()).then_some(arrived.octets));
                }
                Some(_) => return Err(ProtocolError::Unsolicited.into()),
                None => self.turn().await?,
            }
        }
        Ok(answers)
    }

    /// DELE for each, pipelined; the answers in order. Any doubt is an error.
    ///
    /// # Errors
    /// What can happen to any exchange: none of the removals is certain then.
    pub async fn remove(&mut self, removals: Vec<Removal>) -> Result<Vec<Answer>> {
        self.must_be_idle()?;
        let count = removals.len();
        for removal in removals {
            self.session.enqueue(&Command::Dele(removal))?;
        }
        let mut answers = Vec::with_capacity(count);
        while answers.len() < count {
            let status = self.status().await?;
            answers.push(answer(status));
            tracing::trace!(phase = "DELE answered");
        }
        Ok(answers)
    }

    /// Keeps the session alive.
    ///
    /// # Errors
    /// [`TransportError::CommandRefused`], and what can happen to any exchange.
    pub async fn noop(&mut self) -> Result<()> {
        self.accepted(Command::Noop).await.map(drop)
    }

    /// Takes every DELE of this session back. Best effort, briefly waited for; the caller hangs up afterwards.
    pub async fn reset(&mut self) {
        self.withdraw();
        if self.session.enqueue(&Command::Rset).is_err() {
            return;
        }
        let patience = FAREWELL.min(self.options.patience.idle);
        let answered = async {
            loop {
                match self.session.poll() {
                    Ok(Some(Event::Status(Sent::Rset, _))) | Err(_) => return,
                    Ok(Some(_)) => {}
                    Ok(None) => {
                        if self.turn().await.is_err() {
                            return;
                        }
                    }
                }
            }
        };
        // Without an answer it is as good: a session that ends without QUIT removes nothing (RFC 1939 section 6).
        let _ = timeout(patience, answered).await;
    }

    /// QUIT: the server's word on the UPDATE state (RFC 1939 section 6).
    ///
    /// # Errors
    /// What can happen to any exchange: whether the removals were done is not known then.
    pub async fn quit(mut self) -> Result<Answer> {
        let status = self.exchange(Command::Quit).await?;
        // The server's word is in; that it may never hear our goodbye changes nothing.
        let _ = timeout(FAREWELL.min(self.options.patience.idle), self.stream.shutdown()).await;
        Ok(answer(status))
    }
}

impl Arriving {
    /// A message may be larger than LIST says (quirk 58), but not beyond all measure.
    fn new(capacity: usize, limit: u64, listed: u64) -> Arriving {
        let limit = limit.min(listed.saturating_mul(2).max(UNLISTED));
        Arriving { octets: Vec::with_capacity(capacity), limit, come: 0 }
    }

    /// # Errors
    /// When so many octets have come that there seems to be no end of them.
    fn push(&mut self, octets: &[u8]) -> Result<(), ProtocolError> {
        self.come = self.come.saturating_add(octets.len() as u64);
        if self.is_too_large() {
            self.octets = Vec::new();
        } else {
            self.octets.extend_from_slice(octets);
        }
        let endless = self.come > self.limit.saturating_mul(3);
        if endless { Err(ProtocolError::Endless) } else { Ok(()) }
    }

    fn is_too_large(&self) -> bool {
        self.come > self.limit
    }

    fn complete(self, number: u32) -> Retrieved {
        if self.is_too_large() {
            Retrieved::TooLarge { number }
        } else {
            Retrieved::Message { number, octets: self.octets }
        }
    }
}

/// TCP to the server.
async fn connect(server: &Server, options: &Options) -> Result<TcpStream> {
    let stream = connect::tcp(&server.host, server.port, options.patience).await;
    if let Some(trace) = &options.trace {
        match &stream {
            Ok(stream) => {
                trace.note(&stream.peer_addr().map_or("connected".to_owned(), |peer| format!("connected to {peer}")))
            }
            Err(error) => trace.note(&in_short(error)),
        }
    }
    stream
}

/// An error for the trace: which one it is, without what the server said, which stands in its own line, if anywhere.
pub(super) fn in_short(error: &TransportError) -> String {
    match error {
        TransportError::GreetingRefused(_) | TransportError::LoginRefused(_) | TransportError::StlsRefused(_) => {
            "refused".to_owned()
        }
        TransportError::CommandRefused { command, .. } => format!("{command} was refused"),
        TransportError::Protocol(ProtocolError::NotAStatus(_)) => "what came is no answer".to_owned(),
        TransportError::Pipelining(error) | TransportError::Capabilities(error) | TransportError::Utf8(error) => {
            in_short(error)
        }
        other => other.to_string().escape_debug().to_string(),
    }
}

fn answer(status: Status) -> Answer {
    if status.ok { Answer::Ok } else { Answer::Err(status.text) }
}

/// A server may answer "unknown command: PASS ...": its text is dropped then.
fn without_secret(mut status: Status, user: &str, password: &SecretString) -> Status {
    if Secrets::of(user, password).have_password_in(status.text.as_bytes()) {
        status.text = String::new();
    }
    status
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn no_login_over_a_stream_that_lost_its_protection() {
        // No path leads here: STLS that fails ends in an error. The fence stands all the same.
        let server = |security| Server { host: "h".into(), port: 110, security, user: "u".into(), ca_file: None };
        for (security, guarded) in [(Security::StartTls, true), (Security::None, false)] {
            let (ours, mut theirs) = tokio::io::duplex(4096);
            theirs.write_all(b"+OK\r\n").await.unwrap();
            let mut connection = Connection::plain(Box::new(ours), &server(security), Options::default());
            connection.greeting().await.unwrap();
            let served = async {
                let mut heard = vec![0; 6];
                let count = theirs.read(&mut heard).await.unwrap();
                drop(theirs);
                heard[..count].to_vec()
            };
            let login = async {
                let outcome = connection.log_in("u", &"p".into()).await;
                drop(connection);
                outcome
            };
            let (outcome, heard) = tokio::join!(login, served);
            assert_eq!(matches!(outcome, Err(TransportError::Unprotected)), guarded, "{outcome:?}");
            assert_eq!(heard, if guarded { &b""[..] } else { b"USER u" });
        }
    }
}
