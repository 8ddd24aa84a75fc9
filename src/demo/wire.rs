//! The octets of one connection of the demo server: lines in, answers out, in clear or over TLS, at the pace asked for,
//! and the ways to end it badly.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::faults::Cut;
use super::record::End;

/// Why a conversation is over. I/O errors count as the client's leaving.
pub(super) type Ended<T = ()> = Result<T, End>;

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Gone,
}

/// No command is longer (RFC 2449 says 255 octets; AUTH answers may be longer).
const LONGEST_LINE: usize = 8 << 10;

pub(super) struct Wire {
    stream: Stream,
    input: Vec<u8>,
    output: Vec<u8>,
    bytes_per_second: Option<u32>,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, bytes_per_second: Option<u32>) -> Wire {
        Wire { stream: Stream::Plain(stream), input: Vec::new(), output: Vec::new(), bytes_per_second }
    }

    pub(super) fn is_encrypted(&self) -> bool {
        matches!(self.stream, Stream::Tls(_))
    }

    /// Does the handshake. What came in before it is forgotten, as RFC 2595 section 4 wants.
    pub(super) async fn encrypt(&mut self, acceptor: &TlsAcceptor) -> Ended {
        self.input.clear();
        let Stream::Plain(stream) = std::mem::replace(&mut self.stream, Stream::Gone) else { return Err(End::ByFault) };
        let stream = acceptor.accept(stream).await.map_err(|_| End::ByClient)?;
        self.stream = Stream::Tls(Box::new(stream));
        Ok(())
    }

    /// The next line without its end; what is waiting to be sent is sent first.
    pub(super) async fn line(&mut self) -> Ended<Vec<u8>> {
        loop {
            if let Some(end) = self.input.iter().position(|octet| *octet == b'\n') {
                let mut line: Vec<u8> = self.input.drain(..=end).collect();
                line.truncate(line.len() - if line.ends_with(b"\r\n") { 2 } else { 1 });
                return Ok(line);
            }
            if self.input.len() > LONGEST_LINE {
                return Err(End::ByClient);
            }
            self.flush().await?;
            self.read().await?;
        }
    }

    /// Whether the client has sent more than was read as lines.
    pub(super) fn has_more(&self) -> bool {
        !self.input.is_empty()
    }

    /// Reads and keeps whatever comes, at most 64 KiB of it, until the client goes away.
    pub(super) async fn drain(&mut self) -> Vec<u8> {
        while self.read().await.is_ok() {
            self.input.truncate(64 << 10);
        }
        std::mem::take(&mut self.input)
    }

    /// Reads once, at least one octet.
    pub(super) async fn read(&mut self) -> Ended {
        let count = match &mut self.stream {
            Stream::Plain(stream) => read_some(stream, &mut self.input).await,
            Stream::Tls(stream) => read_some(stream, &mut self.input).await,
            Stream::Gone => Ok(0),
        };
        if count.is_ok_and(|count| count > 0) { Ok(()) } else { Err(End::ByClient) }
    }

    /// Queues octets; sends when enough of them wait. [`Wire::flush`] sends the rest.
    pub(super) async fn put(&mut self, octets: &[u8]) -> Ended {
        self.output.extend_from_slice(octets);
        if self.output.len() >= 64 << 10 { self.flush().await } else { Ok(()) }
    }

    pub(super) async fn flush(&mut self) -> Ended {
        let output = std::mem::take(&mut self.output);
        let Some(rate) = self.bytes_per_second else {
            self.send(&output).await?;
            // Keeps the allocation for the next answers.
            self.output = output;
            self.output.clear();
            return Ok(());
        };
        let tick = usize::try_from(rate / 20).unwrap_or(usize::MAX).max(1);
        for piece in output.chunks(tick) {
            self.send(piece).await?;
            let nanos = piece.len() as u64 * 1_000_000_000 / u64::from(rate);
            tokio::time::sleep(Duration::from_nanos(nanos)).await;
        }
        Ok(())
    }

    async fn send(&mut self, octets: &[u8]) -> Ended {
        if octets.is_empty() {
            return Ok(());
        }
        let sent = match &mut self.stream {
            Stream::Plain(stream) => write_out(stream, octets).await,
            Stream::Tls(stream) => write_out(stream, octets).await,
            Stream::Gone => Ok(()),
        };
        sent.map_err(|_| End::ByClient)
    }

    /// Ends the connection.
    pub(super) async fn cut(&mut self, cut: Cut) {
        match (cut, std::mem::replace(&mut self.stream, Stream::Gone)) {
            (Cut::Reset, Stream::Plain(stream)) => drop(stream.set_zero_linger()),
            (Cut::Reset, Stream::Tls(stream)) => drop(stream.get_ref().0.set_zero_linger()),
            (Cut::Proper, Stream::Tls(mut stream)) => drop(stream.shutdown().await),
            // Dropping the stream closes TCP and says nothing over TLS.
            (Cut::Silent | Cut::Proper, _) | (_, Stream::Gone) => {}
        }
    }
}

async fn read_some(stream: &mut (impl AsyncRead + Unpin), input: &mut Vec<u8>) -> std::io::Result<usize> {
    input.reserve(4096);
    stream.read_buf(input).await
}

async fn write_out(stream: &mut (impl AsyncWrite + Unpin), octets: &[u8]) -> std::io::Result<()> {
    stream.write_all(octets).await?;
    stream.flush().await
}
