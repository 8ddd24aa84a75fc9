//! TCP and TLS to a POP3 server, and a [`crate::pop3`] session driven over any stream. The only module that knows
//! rustls.

use std::path::Path;
use std::time::Duration;

use secrecy::SecretString;

use crate::account::{Server, Uidl};
use crate::pop3::Removal;

/// An open connection to a server, in POP3's AUTHORIZATION or TRANSACTION state (RFC 1939 section 3).
pub struct Connection {}

/// Why a connection could not be made or went away. (Helper: one variant per cause: name not found, refused,
/// unreachable, connect time-out, each certificate fault by itself, protocol version, not TLS, hang in handshake,
/// STLS not offered / refused / injected, cut, silence, protocol errors, login refused (with RFC 2449/3206 code), ...)
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    #[error("nothing came from the server for {0:?}")]
    Silence(Duration),
}

pub type Result<T, E = TransportError> = std::result::Result<T, E>;

/// How long silence may last. Idleness only: nothing limits the total.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For TCP connect and the TLS handshake, each.
    pub connect: Duration,
    /// Without one octet from the server while we wait for some.
    pub idle: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience { connect: Duration::from_secs(30), idle: Duration::from_secs(120) }
    }
}

/// What STAT says: messages and octets in the maildrop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    pub messages: u64,
    pub octets: u64,
}

/// A server's own word on one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Ok,
    /// `-ERR` with its text.
    Err(String),
}

#[allow(unused_variables, clippy::missing_errors_doc)]
impl Connection {
    /// TCP, TLS (or STLS, strictly), greeting, CAPA. No octet of a credential is sent.
    pub async fn open(server: &Server, patience: Patience) -> Result<Connection> {
        todo!()
    }

    /// AUTH PLAIN where it is offered, else USER and PASS; then CAPA again. Refuses to send over an unprotected
    /// stream unless the server's security is `None`.
    pub async fn log_in(&mut self, user: &str, password: &SecretString) -> Result<()> {
        todo!()
    }

    pub async fn stat(&mut self) -> Result<Stat> {
        todo!()
    }

    /// Message numbers and unique-ids, in the order of the answer. `None` when the server answers `-ERR`.
    pub async fn uidl(&mut self) -> Result<Option<Vec<(u32, Uidl)>>> {
        todo!()
    }

    /// Message numbers and sizes in octets.
    pub async fn list(&mut self) -> Result<Vec<(u32, u64)>> {
        todo!()
    }

    /// Starts retrieving these messages (number, octets as listed), pipelined where the server takes it.
    pub fn request(&mut self, messages: &[(u32, u64)]) {
        todo!()
    }

    /// The next requested message, complete; `Ok(None)` when none is outstanding. `progress` hears of octets as they
    /// arrive. Cancel-safe: dropped and called again it goes on.
    pub async fn next_message(&mut self, progress: &mut (dyn FnMut(u64) + Send)) -> Result<Option<Retrieved>> {
        todo!()
    }

    /// DELE for each, pipelined; the answers in order. Any doubt is an error.
    pub async fn remove(&mut self, removals: Vec<Removal>) -> Result<Vec<Answer>> {
        todo!()
    }

    pub async fn noop(&mut self) -> Result<()> {
        todo!()
    }

    /// Takes every DELE of this session back. Best effort, briefly waited for; the caller hangs up afterwards.
    pub async fn reset(&mut self) {
        todo!()
    }

    /// QUIT: the server's word on the UPDATE state (RFC 1939 section 6).
    pub async fn quit(self) -> Result<Answer> {
        todo!()
    }
}

/// One answer to RETR.
#[derive(Debug)]
pub enum Retrieved {
    /// The terminator was seen: these are all the message's octets, unstuffed.
    Message { number: u32, octets: Vec<u8> },
    /// The server answered `-ERR`.
    Refused { number: u32, text: String },
    /// Larger than the limit: read to its end and thrown away; it stays on the server.
    TooLarge { number: u32 },
}

/// Checks that `file` holds at least one PEM certificate that can serve as a trust anchor.
pub fn check_ca_file(_file: &Path) -> Result<()> {
    todo!()
}
