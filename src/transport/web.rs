//! A TLS connection to a web server, for pictures that a person asked for. Where it goes is judged by whoever asks, at the
//! address that is really connected to: a name may lead anywhere.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::Resumption;

use super::{Patience, Result, TransportError, connect, tls};

/// Why there is no connection to a web server.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// The name leads to addresses that are not to be asked.
    #[error("the address is not to be connected to")]
    NotAdmitted,
    #[error(transparent)]
    Transport(#[from] TransportError),
}

/// Trusts what POP3 sessions trust; a server cannot tell from one connection that it is the same computer as in another.
pub struct Web {
    connector: TlsConnector,
}

impl Web {
    /// Trusts the platform's authorities and those of `ca_file`. Reads files: not for an async thread.
    ///
    /// # Errors
    /// As the list of authorities cannot be read.
    pub fn new(ca_file: Option<&Path>) -> Result<Web> {
        let mut config = tls::client_config(ca_file)?;
        // A session that is taken up again is as good as a cookie.
        config.resumption = Resumption::disabled();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Web { connector: TlsConnector::from(Arc::new(config)) })
    }

    /// A connection to `host`, at one of its addresses that `admits` admits.
    ///
    /// # Errors
    /// When there is no such address, or no server there that proves to be `host`.
    pub async fn connect(
        &self,
        host: &str,
        port: u16,
        admits: impl Fn(IpAddr) -> bool,
    ) -> Result<impl AsyncRead + AsyncWrite + Send + Unpin + 'static, WebError> {
        let patience = Patience::default();
        let stream = connect::tcp_where(host, port, patience, &admits).await?.ok_or(WebError::NotAdmitted)?;
        // Whatever was asked for: this is where it goes.
        let peer = stream.peer_addr().map_err(TransportError::Connect)?;
        if !admits(peer.ip()) {
            return Err(WebError::NotAdmitted);
        }
        Ok(tls::protect(&self.connector, host, stream, patience).await?)
    }
}
