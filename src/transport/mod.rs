//! TCP and TLS to a POP3 server, and a [`crate::pop3`] session driven over any stream. The only module that knows
//! rustls.
//!
//! No octet of a credential leaves before TLS is up, unless the account says "no encryption" explicitly; nothing here
//! logs what travels, but for the trace that a person asks for ([`Trace`]). Time-outs count silence only: nothing limits the total.

mod connect;
mod connection;
mod error;
mod tls;
mod trace;
mod web;

use std::path::Path;
use std::time::Duration;

pub use connect::has_route;
pub use connection::Connection;
pub use error::TransportError;
pub use trace::{Direction, Trace, TraceFile, TraceLine};
pub use web::{Web, WebError};

use crate::pop3::Code;

pub type Result<T, E = TransportError> = std::result::Result<T, E>;

/// How long silence may last. Idleness only: nothing limits the total.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For name and addresses together, and for the TLS handshake.
    pub connect: Duration,
    /// Without one octet from the server while we wait for some.
    pub idle: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience { connect: Duration::from_secs(15), idle: Duration::from_secs(120) }
    }
}

/// How to talk to a server.
#[derive(Clone, Debug)]
pub struct Options {
    pub patience: Patience,
    /// Pipeline where the server offers it. Turn it off for a server that hung up on it
    /// ([`TransportError::is_pipelining`]).
    pub pipelining: bool,
    /// Ask for capabilities. Off only for a server that cannot bear the question; [`Connection::open`] finds that out
    /// by itself.
    pub capabilities: bool,
    /// Switch to UTF8 (RFC 6856) where the server offers it. Turn it off for a server where no login works behind it
    /// ([`TransportError::failed_after_utf8`]).
    pub utf8: bool,
    /// Octets of a message; a larger one is read to its end and thrown away.
    pub message_limit: u64,
    /// Where to tell what is said, if somebody wants to know.
    pub trace: Option<Trace>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            patience: Patience::default(),
            pipelining: true,
            capabilities: true,
            utf8: true,
            message_limit: 256 * 1024 * 1024,
            trace: None,
        }
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

/// One answer to RETR.
#[derive(Debug, PartialEq, Eq)]
pub enum Retrieved {
    /// The terminator was seen: these are all the message's octets, unstuffed.
    Message { number: u32, octets: Vec<u8> },
    /// The server answered `-ERR`. With [`Code::Utf8`] the message can only be had in a session in UTF8 mode (quirk 95).
    Refused { number: u32, code: Option<Code>, text: String },
    /// Larger than the limit: read to its end and thrown away; it stays on the server.
    TooLarge { number: u32 },
}

/// Checks that `file` holds at least one PEM certificate that can serve as a trust anchor.
///
/// # Errors
/// [`TransportError::CaFileUnreadable`] and [`TransportError::CaFileUseless`].
pub fn check_ca_file(file: &Path) -> Result<()> {
    tls::read_ca_file(file).map(drop)
}

#[cfg(test)]
mod tests;
