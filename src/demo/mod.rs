//! A POP3S server on loopback with sample mail and fault switches: for `postkeep demo`, and for the tests. Own code: it
//! shares nothing with `pop3` or `transport`, so that client and server cannot share a bug.

use std::net::SocketAddr;
use std::path::PathBuf;

/// What the server offers and which faults it plays. (Helper: grows by your design; `Default` is a correct server with
/// the sample mailbox.)
#[derive(Clone, Debug, Default)]
pub struct Options {}

/// A running server; stops when dropped. Runs on threads of its own, so it works from any kind of caller.
pub struct Server {}

impl Server {
    /// Binds 127.0.0.1 on `port` (0: any free one) and serves. Certificates are made now; the authority's is written
    /// to [`Server::ca_file`] in a temporary folder.
    ///
    /// # Errors
    /// When the port cannot be bound or the certificate file cannot be written.
    pub fn start(_port: u16, _options: Options) -> std::io::Result<Server> {
        todo!()
    }

    pub fn address(&self) -> SocketAddr {
        todo!()
    }

    pub fn host(&self) -> &'static str {
        "localhost"
    }

    /// The user's name and address in the sample mailbox.
    pub fn user(&self) -> &str {
        todo!()
    }

    pub fn password(&self) -> &str {
        todo!()
    }

    pub fn ca_file(&self) -> PathBuf {
        todo!()
    }

    /// The messages in the maildrop now, as stored: CRLF line ends, unstuffed.
    pub fn messages(&self) -> Vec<Vec<u8>> {
        todo!()
    }
}
