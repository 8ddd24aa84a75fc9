//! Name to address to TCP connection. Tries each address in turn, so that a dead IPv6 path does not hide a living IPv4
//! one (quirk 13).

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Patience, Result, TransportError};

/// The longest that one address may take while others are left to try.
const EACH: Duration = Duration::from_secs(4);

/// A TCP connection to the first address of `host` that answers.
pub(super) async fn tcp(host: &str, port: u16, patience: Patience) -> Result<TcpStream> {
    let host = bare(host);
    let mut addresses = resolve(host, port, patience.connect).await?.into_iter().peekable();
    let mut failure = None;
    while let Some(address) = addresses.next() {
        let limit = if addresses.peek().is_some() { patience.connect.min(EACH) } else { patience.connect };
        match timeout(limit, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Pipelined commands are small: they must not wait for each other. Without it everything still works.
                let _ = stream.set_nodelay(true);
                tracing::trace!(phase = "connected");
                return Ok(stream);
            }
            Ok(Err(error)) => failure = Some(explain(error)),
            Err(_) => failure = Some(TransportError::ConnectTimeout(limit)),
        }
    }
    Err(failure.unwrap_or_else(|| name_not_found(host, io::Error::from(io::ErrorKind::NotFound))))
}

/// An IPv6 address may stand in brackets.
pub(super) fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

async fn resolve(host: &str, port: u16, limit: Duration) -> Result<Vec<SocketAddr>> {
    match timeout(limit, tokio::net::lookup_host((host, port))).await {
        Ok(Ok(addresses)) => Ok(addresses.collect()),
        Ok(Err(source)) => Err(name_not_found(host, source)),
        Err(_) => Err(TransportError::NameSilence(limit)),
    }
}

fn name_not_found(host: &str, source: io::Error) -> TransportError {
    TransportError::NameNotFound { host: host.to_owned(), source }
}

fn explain(error: io::Error) -> TransportError {
    use io::ErrorKind;
    match error.kind() {
        ErrorKind::ConnectionRefused => TransportError::Refused,
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => {
            TransportError::Unreachable(error)
        }
        ErrorKind::TimedOut => TransportError::Unreachable(error),
        _ => TransportError::Connect(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_where_nothing_listens() {
        let port = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        for host in ["127.0.0.1", "localhost"] {
            assert!(matches!(tcp(host, port, Patience::default()).await, Err(TransportError::Refused)), "{host}");
        }
    }

    #[tokio::test]
    async fn a_name_that_names_nothing() {
        for host in ["", "no such name", "a..b"] {
            let error = tcp(host, 995, Patience::default()).await.unwrap_err();
            assert!(matches!(error, TransportError::NameNotFound { .. }), "{host:?}: {error:?}");
        }
    }

    #[tokio::test]
    async fn an_address_in_brackets() {
        let Ok(listener) = tokio::net::TcpListener::bind("[::1]:0").await else {
            println!("skipped: no IPv6 here");
            return;
        };
        let port = listener.local_addr().unwrap().port();
        assert!(tcp("[::1]", port, Patience::default()).await.is_ok());
    }
}
