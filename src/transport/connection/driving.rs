//! How a [`Connection`] is driven: one command and its answer, and one turn of writing and reading.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, timeout_at};

use super::{Connection, Stream, in_short};
use crate::account::Server;
use crate::pop3::{Command, Event, ProtocolError, Session, Status};
use crate::transport::{Options, Result, TransportError, tls};

/// The most lines that CAPA may have, and LIST and UIDL beyond as many as STAT says (which may lie).
const MOST_CAPABILITIES: u64 = 1_000;
const UNANNOUNCED: u64 = 100_000;

impl Connection {
    pub(super) async fn greeting(&mut self) -> Result<()> {
        loop {
            match self.session.poll().map_err(of_greeting)? {
                Some(Event::Greeting(status)) if status.ok => return Ok(()),
                Some(Event::Greeting(status)) => return Err(TransportError::GreetingRefused(status)),
                Some(_) => return Err(ProtocolError::Unsolicited.into()),
                None => self.turn().await?,
            }
        }
    }

    /// A refusal is fine: then nothing is known, and what is needed is tried.
    pub(super) async fn ask_capabilities(&mut self) -> Result<()> {
        match self.listing(Command::Capa, |_| {}).await {
            Err(error) if error.is_loss() => Err(TransportError::Capabilities(Box::new(error))),
            outcome => outcome.map(drop),
        }
    }

    /// Strict STLS: offered, accepted, and not one octet in between (quirks 2 to 5). The session that comes out has
    /// forgotten all that was said in the clear.
    pub(super) async fn start_tls(mut self, server: &Server) -> Result<Connection> {
        self.ask_capabilities().await?;
        if !self.session.capabilities().stls {
            return Err(TransportError::StlsNotOffered);
        }
        let status = self.exchange(Command::Stls).await.map_err(|error| match error {
            TransportError::Protocol(ProtocolError::Unsolicited) => TransportError::StlsInjected,
            other => other,
        })?;
        if !status.ok {
            return Err(TransportError::StlsRefused(status.text));
        }
        let stream = protect(self.stream, server, &self.options).await.map_err(|error| match error {
            TransportError::PlaintextPop3 | TransportError::PlaintextHttp | TransportError::NotTls => {
                TransportError::StlsInjected
            }
            other => other,
        })?;
        Ok(Connection::new(stream, Session::after_stls(), self.options, true))
    }

    pub(super) fn must_be_idle(&self) -> Result<()> {
        if self.session.is_idle() { Ok(()) } else { Err(TransportError::Busy) }
    }

    /// One command with a one-line answer.
    pub(super) async fn exchange(&mut self, command: Command) -> Result<Status> {
        self.must_be_idle()?;
        self.session.enqueue(&command)?;
        self.status().await
    }

    pub(super) async fn accepted(&mut self, command: Command) -> Result<Status> {
        let verb = command.sent().verb();
        let status = self.exchange(command).await?;
        if status.ok { Ok(status) } else { Err(TransportError::CommandRefused { command: verb, status }) }
    }

    pub(super) async fn status(&mut self) -> Result<Status> {
        loop {
            match self.session.poll()? {
                Some(Event::Status(_, status)) => return Ok(status),
                Some(_) => return Err(ProtocolError::Unsolicited.into()),
                None => self.turn().await?,
            }
        }
    }

    /// One command with a listing for an answer.
    pub(super) async fn listing(&mut self, command: Command, mut line: impl FnMut(&[u8])) -> Result<Status> {
        let most = match command {
            Command::Capa => MOST_CAPABILITIES,
            _ => self.announced.unwrap_or(u64::MAX).saturating_add(UNANNOUNCED),
        };
        let status = self.exchange(command).await?;
        if !status.ok {
            return Ok(status);
        }
        let mut lines = 0;
        loop {
            match self.session.poll()? {
                Some(Event::Line(_)) if lines == most => return Err(ProtocolError::ListingTooLong.into()),
                Some(Event::Line(octets)) => {
                    lines += 1;
                    line(&octets);
                }
                Some(Event::End(_)) => return Ok(status),
                Some(_) => return Err(ProtocolError::Unsolicited.into()),
                None => self.turn().await?,
            }
        }
    }

    /// Writes what there is to write and receives at least one octet.
    pub(super) async fn turn(&mut self) -> Result<()> {
        let idle = self.options.patience.idle;
        let until = *self.silent_until.get_or_insert_with(|| Instant::now() + idle);
        let outcome = match timeout_at(until, poll_fn(|context| self.poll_turn(context))).await {
            Ok(outcome) => {
                self.silent_until = None;
                outcome
            }
            Err(_) => Err(TransportError::Silence(idle)),
        };
        outcome.map_err(|error| {
            self.session.lost();
            if let Some(trace) = &self.options.trace {
                trace.note(&in_short(&error));
            }
            let pipelining = error.is_loss() && self.session.is_pipelining_untried();
            if pipelining { TransportError::Pipelining(Box::new(error)) } else { error }
        })
    }

    fn poll_turn(&mut self, context: &mut Context<'_>) -> Poll<Result<()>> {
        // A server may say why before it hangs up: a failure to write is told by what reading finds.
        if !self.write_failed {
            self.write_failed = matches!(self.poll_write(context), Poll::Ready(Err(_)));
        }
        let mut buffer = ReadBuf::new(self.session.room());
        let outcome = ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer));
        let count = buffer.filled().len();
        let mid_answer = self.session.is_mid_answer();
        Poll::Ready(match outcome {
            Err(error) => Err(tls::explain_read(error, mid_answer)),
            Ok(()) if count == 0 && mid_answer => Err(TransportError::Truncated),
            Ok(()) if count == 0 => Err(TransportError::Closed),
            Ok(()) => {
                self.session.received(count);
                Ok(())
            }
        })
    }

    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.session.output().is_empty() {
            let count = ready!(Pin::new(&mut self.stream).poll_write(context, self.session.output()))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.session.wrote(count);
            tracing::trace!(phase = "commands sent");
            self.unflushed = true;
        }
        if self.unflushed {
            ready!(Pin::new(&mut self.stream).poll_flush(context))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }
}

/// The handshake; the trust store is read on a thread that may wait.
pub(super) async fn protect(stream: Box<dyn Stream>, server: &Server, options: &Options) -> Result<Box<dyn Stream>> {
    let ca_file = server.ca_file.clone();
    let connector = tokio::task::spawn_blocking(move || tls::connector(ca_file.as_deref()))
        .await
        .map_err(|error| TransportError::NoTrustStore(error.to_string()))??;
    let stream = tls::protect(&connector, &server.host, stream, options.patience).await?;
    if let Some(trace) = &options.trace {
        trace.note(&tls::in_short(&stream));
    }
    Ok(Box::new(stream))
}

/// A web server, or the sign-in page of a Wi-Fi, on the port of a server that greets in the clear (quirk 11).
fn of_greeting(error: ProtocolError) -> TransportError {
    match error {
        ProtocolError::NotAStatus(line) if line.starts_with("HTTP/") || line.starts_with('<') => {
            TransportError::PlaintextHttp
        }
        other => other.into(),
    }
}
