//! TLS 1.2 and 1.3 (RFC 8314): whom we trust, the handshake, and why it failed. The name is always checked against the
//! configured host; there is no way to accept a certificate that does not stand.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls_platform_verifier::Verifier;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    self, AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, OtherError, PeerIncompatible,
    RootCertStore, SignatureScheme,
};

use super::connect::bare;
use super::{Patience, Result, TransportError};

/// How many of the first octets from the server are kept to tell what it speaks, when it does not speak TLS.
const FIRST: usize = 16;

/// The certificates of a PEM file.
///
/// # Errors
/// When the file cannot be read, or holds no certificate that can be a trust anchor.
pub(super) fn read_ca_file(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let useless = || TransportError::CaFileUseless { path: path.to_owned() };
    let pem =
        std::fs::read(path).map_err(|source| TransportError::CaFileUnreadable { path: path.to_owned(), source })?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&pem).collect::<Result<_, _>>().map_err(|_| useless())?;
    let mut store = RootCertStore::empty();
    for certificate in &certificates {
        store.add(certificate.clone()).map_err(|_| useless())?;
    }
    if store.is_empty() { Err(useless()) } else { Ok(certificates) }
}

/// The name that the server's certificate must carry.
pub(super) fn server_name(host: &str) -> Result<ServerName<'static>> {
    ServerName::try_from(bare(host).to_owned()).map_err(|_| TransportError::InvalidHost(host.to_owned()))
}

/// Trusts the platform's authorities and those of `ca_file`. Reads files: not for an async thread.
pub(super) fn connector(ca_file: Option<&Path>) -> Result<TlsConnector> {
    client_config(ca_file).map(|config| TlsConnector::from(Arc::new(config)))
}

/// See [`connector`].
pub(super) fn client_config(ca_file: Option<&Path>) -> Result<ClientConfig> {
    let extra = ca_file.map(read_ca_file).transpose()?.unwrap_or_default();
    let provider = Arc::new(ring::default_provider());
    // With roots of its own this works on a machine without any (a container, a bare server), too.
    let platform = Verifier::new_with_extra_roots(extra, Arc::clone(&provider))
        .map_err(|error| TransportError::NoTrustStore(error.to_string()))?;
    config(provider, platform)
}

fn config(provider: Arc<CryptoProvider>, platform: Verifier) -> Result<ClientConfig> {
    Ok(ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|error| TransportError::Handshake(error.to_string()))?
        // "Dangerous" is the name of the door; what goes through it checks all that the platform checks.
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Explaining(platform)))
        .with_no_client_auth())
}

/// The handshake over a stream that is connected.
pub(super) async fn protect<S>(
    connector: &TlsConnector,
    host: &str,
    stream: S,
    patience: Patience,
) -> Result<TlsStream<Remembering<S>>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut handshake = connector.connect(server_name(host)?, Remembering::new(stream)).into_fallible();
    match timeout(patience.connect, &mut handshake).await {
        Err(_) => Err(TransportError::HandshakeSilence(patience.connect)),
        Ok(Ok(stream)) => {
            tracing::trace!(phase = "TLS up");
            Ok(stream)
        }
        Ok(Err((error, stream))) => Err(explain_handshake(error, host, &stream.first)),
    }
}

/// What stands between us and the server, for the trace.
pub(super) fn in_short<S>(stream: &TlsStream<S>) -> String {
    let connection = stream.get_ref().1;
    let version = connection.protocol_version().and_then(|version| version.as_str()).unwrap_or("TLS");
    let suite = connection.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str()).unwrap_or_default();
    format!("{version} {suite}")
}

/// Why a handshake failed, from the error and the first octets that the server sent.
fn explain_handshake(error: io::Error, host: &str, first: &[u8]) -> TransportError {
    if let Some(plaintext) = plaintext(first) {
        return plaintext;
    }
    match (error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()), error.kind()) {
        (Some(error), _) => explain_tls(error, host, first),
        (None, io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) => {
            TransportError::HandshakeCut
        }
        (None, _) => TransportError::Broken(error),
    }
}

/// What the server speaks, if it is one of the usual things that are not TLS.
fn plaintext(first: &[u8]) -> Option<TransportError> {
    let speaks = |word: &[u8]| first.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    if speaks(b"+OK") || speaks(b"-ERR") {
        Some(TransportError::PlaintextPop3)
    } else if speaks(b"HTTP/") || speaks(b"<html") || speaks(b"<!doctype") {
        Some(TransportError::PlaintextHttp)
    } else {
        None
    }
}

fn explain_tls(error: &rustls::Error, host: &str, first: &[u8]) -> TransportError {
    use rustls::Error;
    // A TLS record begins with its type (20 to 24) and a version of 3.x.
    let is_record = matches!(first, [20..=24, 3, ..]);
    match error {
        Error::InvalidCertificate(error) => explain_certificate(error, host),
        Error::AlertReceived(AlertDescription::ProtocolVersion)
        | Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled,
        ) => TransportError::TlsTooOld(version(first)),
        Error::AlertReceived(AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity)
        | Error::PeerIncompatible(
            PeerIncompatible::NoCipherSuitesInCommon
            | PeerIncompatible::NoKxGroupsInCommon
            | PeerIncompatible::NoSignatureSchemesInCommon,
        ) => TransportError::NoCommonCipher,
        Error::AlertReceived(alert) => TransportError::Alert(in_words(alert.as_str().unwrap_or("unknown"))),
        _ if !first.is_empty() && !is_record => TransportError::NotTls,
        other => TransportError::Handshake(other.to_string()),
    }
}

/// The version in the head of the server's first record, if it is one of the old.
fn version(first: &[u8]) -> Option<&'static str> {
    match first {
        [_, 3, 0, ..] => Some("SSL 3.0"),
        [_, 3, 1, ..] => Some("TLS 1.0"),
        [_, 3, 2, ..] => Some("TLS 1.1"),
        _ => None,
    }
}

/// `InternalError` as `internal error`.
fn in_words(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

fn explain_certificate(error: &CertificateError, host: &str) -> TransportError {
    match error {
        CertificateError::Expired => TransportError::CertificateExpired { since: None },
        CertificateError::ExpiredContext { not_after, .. } => {
            TransportError::CertificateExpired { since: Some(not_after.as_secs()) }
        }
        CertificateError::NotValidYet => TransportError::CertificateNotYetValid { from: None },
        CertificateError::NotValidYetContext { not_before, .. } => {
            TransportError::CertificateNotYetValid { from: Some(not_before.as_secs()) }
        }
        CertificateError::NotValidForName => {
            TransportError::CertificateWrongName { host: host.to_owned(), presented: Vec::new() }
        }
        CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => {
            TransportError::CertificateNoNames
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            TransportError::CertificateWrongName { host: host.to_owned(), presented: names(presented) }
        }
        // A signature that fails is one of an authority that only bears the name of one we trust, such as that of a
        // home server which was set up anew.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => TransportError::CertificateUnknownAuthority,
        CertificateError::Revoked => TransportError::CertificateRevoked,
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            TransportError::CertificateWrongPurpose
        }
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            TransportError::CertificateWeakSignature
        }
        CertificateError::Other(OtherError(error)) if error.is::<SelfSigned>() => TransportError::CertificateSelfSigned,
        CertificateError::Other(OtherError(error)) if error.is::<WeakKey>() => TransportError::CertificateWeakKey,
        CertificateError::Other(OtherError(error)) => match error.downcast_ref::<webpki::Error>() {
            Some(webpki::Error::CaUsedAsEndEntity) => TransportError::CertificateIsAuthority,
            Some(webpki::Error::NameConstraintViolation) => {
                TransportError::CertificateOutOfBounds { host: host.to_owned() }
            }
            // The platform verifier's own error for a wrong purpose has no public type, only these words.
            _ if error.to_string() == "certificate had invalid extensions" => TransportError::CertificateWrongPurpose,
            _ => TransportError::CertificateUnusable(error.to_string()),
        },
        other => TransportError::CertificateUnusable(rustls::Error::InvalidCertificate(other.clone()).to_string()),
    }
}

/// The verifier's words for names (`DnsName("example.org")`) without their wrapping.
fn names(presented: &[String]) -> Vec<String> {
    let unwrapped = |name: &String| name.split('"').nth(1).unwrap_or(name).to_owned();
    presented.iter().take(20).map(unwrapped).collect()
}

/// What went wrong while reading from a stream that was up. `mid_answer`: part of an answer is missing.
pub(super) fn explain_read(error: io::Error, mid_answer: bool) -> TransportError {
    if let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return TransportError::Damaged(error.to_string());
    }
    match error.kind() {
        // No close_notify. Between two answers many servers do not bother; within one it is a truncation.
        io::ErrorKind::UnexpectedEof if mid_answer => TransportError::Truncated,
        io::ErrorKind::UnexpectedEof => TransportError::Closed,
        _ => TransportError::Broken(error),
    }
}

/// Marks the error of a certificate that its own key signed, which the platform only calls unknown or unusable.
#[derive(Debug, thiserror::Error)]
#[error("self-signed")]
struct SelfSigned;

/// Marks the error of a certificate with a key that can be broken.
#[derive(Debug, thiserror::Error)]
#[error("weak key")]
struct WeakKey;

/// The platform's verifier with clearer words. Accepts nothing that the platform's does not accept; of RSA keys only
/// those that no handshake would be refused for later, with words that tell nobody anything.
#[derive(Debug)]
struct Explaining(Verifier);

impl ServerCertVerifier for Explaining {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verdict = self.0.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        if verdict.is_ok() && has_weak_key(end_entity) {
            return Err(rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(WeakKey)))));
        }
        verdict.map_err(|error| match error {
            rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::Other(_))
                if is_self_issued(end_entity) =>
            {
                rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(SelfSigned))))
            }
            other => other,
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// RSA under 2048 bits: the key information of such a one is shorter than that of the shortest with 2048.
fn has_weak_key(certificate: &CertificateDer<'_>) -> bool {
    const RSA: [u8; 11] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
    const LEAST: usize = 292;
    webpki::EndEntityCert::try_from(certificate).is_ok_and(|parsed| {
        let key = parsed.subject_public_key_info();
        key.len() < LEAST && key.windows(RSA.len()).any(|window| window == RSA)
    })
}

fn is_self_issued(certificate: &CertificateDer<'_>) -> bool {
    webpki::EndEntityCert::try_from(certificate).is_ok_and(|parsed| parsed.issuer() == parsed.subject())
}

/// A stream that keeps the first octets read from it.
pub(super) struct Remembering<S> {
    stream: S,
    first: Vec<u8>,
}

impl<S> Remembering<S> {
    fn new(stream: S) -> Remembering<S> {
        Remembering { stream, first: Vec::new() }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Remembering<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(context, buffer);
        let room = FIRST.saturating_sub(self.first.len());
        if room > 0 {
            self.first.extend(buffer.filled().iter().skip(before).take(room));
        }
        outcome
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Remembering<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
