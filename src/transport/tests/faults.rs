//! TLS faults (faults 32 to 49) and STARTTLS (quirks 2 to 5): in each case the cause, and that no octet of a credential
//! left, neither in the clear nor under TLS.

use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use tokio::io::{DuplexStream, ReadBuf};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig, SupportedProtocolVersion};

use super::*;
use crate::transport::{Retrieved, check_ca_file};

/// An authority of our own, and the file that an account names it by.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    folder: tempfile::TempDir,
}

impl Authority {
    fn new() -> Authority {
        Authority::named("Test authority")
    }

    fn named(name: &str) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        Authority { issuer: Issuer::new(params, key), folder }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    fn certificate(&self, host: &str, change: impl FnOnce(&mut CertificateParams)) -> Certificate {
        let mut params = leaf(host);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().der().clone(), key)
    }
}

type Certificate = (CertificateDer<'static>, KeyPair);

fn leaf(host: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, host);
    params
}

fn self_signed(change: impl FnOnce(&mut CertificateParams)) -> Certificate {
    let mut params = leaf(HOST);
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    (params.self_signed(&key).unwrap().der().clone(), key)
}

fn acceptor((certificate, key): Certificate, versions: &[&'static SupportedProtocolVersion]) -> TlsAcceptor {
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

const BOTH: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12, &rustls::version::TLS13];

/// Keeps every octet that the client sends, as it is on the wire.
struct Tapped {
    stream: DuplexStream,
    raw: Arc<Mutex<Vec<u8>>>,
}

impl AsyncRead for Tapped {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.raw.lock().unwrap_or_else(PoisonError::into_inner).extend(&buffer.filled()[before..]);
        outcome
    }
}

impl AsyncWrite for Tapped {
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

/// Connects and logs in against `served`, which gives what it heard in the clear or under TLS. Gives the client's
/// outcome, what was heard, and all raw octets.
async fn attempt(
    security: Security,
    authority: &Authority,
    served: impl AsyncFnOnce(Tapped) -> String,
) -> (Result<()>, String, Vec<u8>) {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let raw = Arc::new(Mutex::new(Vec::new()));
    let server = Server { ca_file: Some(authority.file()), ..server(security) };
    let client = async {
        let mut connection = Connection::over(ours, &server, hasty()).await?;
        connection.log_in(USER, &password()).await
    };
    let (outcome, heard) = tokio::join!(client, served(Tapped { stream: theirs, raw: Arc::clone(&raw) }));
    let raw = raw.lock().unwrap().clone();
    (outcome, heard, raw)
}

/// The error, after making sure that nothing of name or password was heard.
fn refused((outcome, heard, raw): (Result<()>, String, Vec<u8>)) -> TransportError {
    for secret in ["ada", "horse", "USER", "PASS", "AUTH", "AGFk"] {
        assert!(!heard.contains(secret), "{secret} in {heard}");
        // As octets: written out, an octet such as AD before an a would read like a name.
        let seen = raw.windows(secret.len()).any(|octets| octets == secret.as_bytes());
        assert!(!seen, "{secret} in {}", text(&raw));
    }
    match outcome {
        Ok(()) => panic!("let in"),
        Err(error) => error,
    }
}

/// A POP3 server that would take a login, behind TLS. Hears nothing if the handshake fails.
async fn pop3_over_tls(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    acceptor: &TlsAcceptor,
    script: Vec<Step>,
) -> String {
    match acceptor.accept(stream).await {
        Ok(stream) => play_and_listen(stream, script).await,
        Err(_) => String::new(),
    }
}

fn takes_anyone() -> Vec<Step> {
    let rest = vec![hear("CAPA\r\n"), say("+OK\r\nSASL PLAIN\r\n.\r\n"), hear("\r\n"), say("+OK\r\n")];
    vec![say("+OK\r\n")].into_iter().chain(rest).chain([hear("CAPA\r\n"), say("-ERR\r\n")]).collect()
}

async fn with_certificate(authority: &Authority, certificate: Certificate) -> (Result<()>, String, Vec<u8>) {
    let acceptor = acceptor(certificate, BOTH);
    attempt(Security::Tls, authority, async |stream| pop3_over_tls(stream, &acceptor, takes_anyone()).await).await
}

#[tokio::test]
async fn a_good_certificate_of_either_version() {
    // That the tests below refuse for their own reason only.
    let authority = Authority::new();
    for versions in [&[&rustls::version::TLS12][..], &[&rustls::version::TLS13], BOTH] {
        let acceptor = acceptor(authority.certificate(HOST, |_| {}), versions);
        let (outcome, heard, raw) =
            attempt(Security::Tls, &authority, async |stream| pop3_over_tls(stream, &acceptor, takes_anyone()).await)
                .await;
        assert!(outcome.is_ok(), "{outcome:?}");
        assert!(heard.starts_with("CAPA\nAUTH PLAIN AGFk"), "{heard}");
        assert!(!text(&raw).contains("AUTH"));
        assert!(raw.windows(HOST.len()).any(|window| window == HOST.as_bytes()), "the name is indicated (SNI)");
    }
}

#[tokio::test]
async fn certificates_that_do_not_stand() {
    let authority = Authority::new();
    let expired = authority.certificate(HOST, |params| {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
    });
    let error = refused(with_certificate(&authority, expired).await);
    assert!(matches!(error, TransportError::CertificateExpired { since: Some(1_609_459_200) }), "{error:?}");

    let early = authority.certificate(HOST, |params| params.not_before = date_time_ymd(4000, 1, 1));
    let error = refused(with_certificate(&authority, early).await);
    assert!(matches!(error, TransportError::CertificateNotYetValid { from: Some(64_060_588_800) }), "{error:?}");

    let other = authority.certificate("other.test", |_| {});
    match refused(with_certificate(&authority, other).await) {
        TransportError::CertificateWrongName { host, presented } => {
            assert_eq!((host.as_str(), presented), (HOST, vec!["other.test".to_owned()]));
        }
        error => panic!("{error:?}"),
    }

    for is_ca in [IsCa::NoCa, IsCa::ExplicitNoCa, IsCa::Ca(BasicConstraints::Unconstrained)] {
        let error = refused(with_certificate(&authority, self_signed(|params| params.is_ca = is_ca)).await);
        assert!(matches!(error, TransportError::CertificateSelfSigned), "{error:?}");
    }

    for name in ["Test authority", "Another authority"] {
        let stranger = Authority::named(name).certificate(HOST, |_| {});
        let error = refused(with_certificate(&authority, stranger).await);
        assert!(matches!(error, TransportError::CertificateUnknownAuthority), "{name}: {error:?}");
    }

    let purpose = rcgen::ExtendedKeyUsagePurpose::ClientAuth;
    let client_only = authority.certificate(HOST, |params| params.extended_key_usages = vec![purpose]);
    let error = refused(with_certificate(&authority, client_only).await);
    assert!(matches!(error, TransportError::CertificateWrongPurpose), "{error:?}");

    let an_authority = authority.certificate(HOST, |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    let error = refused(with_certificate(&authority, an_authority).await);
    assert!(matches!(error, TransportError::CertificateIsAuthority), "{error:?}");
}

/// A server that reads the first flight and answers with these octets; then it hangs up, or stays.
async fn answering(octets: &[u8], stays: bool) -> TransportError {
    let authority = Authority::new();
    let outcome = attempt(Security::Tls, &authority, async |mut stream| {
        let mut hello = [0; 5];
        stream.read_exact(&mut hello).await.unwrap();
        // The client may hang up at once: that is what it should do.
        let _ = stream.write_all(octets).await;
        if stays {
            play_and_listen(stream, Vec::new()).await;
        }
        String::new()
    });
    refused(outcome.await)
}

#[tokio::test]
async fn servers_that_speak_no_tls() {
    for stays in [true, false] {
        for octets in [&b"+OK POP3 ready\r\n"[..], b"-ERR no\r\n", b"+ok\r\n"] {
            let error = answering(octets, stays).await;
            assert!(matches!(error, TransportError::PlaintextPop3), "{error:?}");
        }
        for octets in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"<html><body>", b"<!DOCTYPE html>"] {
            let error = answering(octets, stays).await;
            assert!(matches!(error, TransportError::PlaintextHttp), "{error:?}");
        }
        for octets in [&b"\xde\xad\xbe\xef\xde\xad\xbe\xef"[..], b"* OK IMAP4rev1\r\n", b"220 smtp\r\n", &[0; 64]] {
            let error = answering(octets, stays).await;
            assert!(matches!(error, TransportError::NotTls), "{octets:?}: {error:?}");
        }
    }
}

#[tokio::test]
async fn servers_of_old_versions() {
    // A fatal alert protocol_version, from TLS 1.0 and 1.1.
    for version in [1, 2, 3] {
        let error = answering(&[21, 3, version, 0, 2, 2, 70], true).await;
        assert!(matches!(error, TransportError::TlsTooOld(_)), "{error:?}");
    }
    // A ServerHello of TLS 1.0 and of TLS 1.1: version, random, no session id, TLS_RSA_WITH_AES_128_CBC_SHA.
    for version in [1, 2] {
        let hello = [vec![3, version], vec![7; 32], vec![0, 0, 0x2f, 0]].concat();
        let message = [vec![2, 0, 0, 38], hello].concat();
        let record = [vec![22, 3, version, 0, 42], message].concat();
        let error = answering(&record, true).await;
        assert!(matches!(error, TransportError::TlsTooOld(_)), "{error:?}");
    }
    // handshake_failure: what a server of RSA key exchange only says.
    let error = answering(&[21, 3, 3, 0, 2, 2, 40], true).await;
    assert!(matches!(error, TransportError::NoCommonCipher), "{error:?}");
}

#[tokio::test]
async fn a_handshake_that_hangs_or_is_cut() {
    let error = answering(b"", true).await;
    assert!(matches!(error, TransportError::HandshakeSilence(_)), "{error:?}");
    for octets in [&b""[..], &[22], &[22, 3, 3, 0, 100, 2, 0]] {
        let error = answering(octets, false).await;
        assert!(matches!(error, TransportError::HandshakeCut), "{error:?}");
    }
}

#[tokio::test]
async fn cut_without_farewell_in_a_message() {
    // Quirk 14, fault 39. With close_notify in mid-answer it is just as incomplete.
    let authority = Authority::new();
    for farewell in [false, true] {
        let acceptor = acceptor(authority.certificate(HOST, |_| {}), BOTH);
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let server = Server { ca_file: Some(authority.file()), ..server(Security::Tls) };
        let served = async {
            let stream = acceptor.accept(theirs).await.unwrap();
            let script = logged_in(vec![hear("RETR 1\r\n"), say("+OK\r\nSubject: half\r\n")]);
            let (heard, mut stream) = play(stream, script).await;
            if farewell {
                stream.shutdown().await.unwrap();
            }
            heard
        };
        let client = async {
            let mut connection = Connection::over(ours, &server, hasty()).await?;
            connection.log_in(USER, &password()).await?;
            connection.request(&[(1, 100)]);
            connection.next_message(&mut |_| {}).await
        };
        let (outcome, _): (Result<Option<Retrieved>>, _) = tokio::join!(client, served);
        assert!(matches!(outcome, Err(TransportError::Truncated)), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_record_that_was_tampered_with() {
    // Fault 47.
    let authority = Authority::new();
    let acceptor = acceptor(authority.certificate(HOST, |_| {}), BOTH);
    let outcome = attempt(Security::Tls, &authority, async |stream| {
        let mut stream = acceptor.accept(stream).await.unwrap();
        stream.flush().await.unwrap();
        let mut raw = stream.into_inner().0;
        raw.write_all(&[[23, 3, 3, 0, 40].as_slice(), &[9; 40]].concat()).await.unwrap();
        play_and_listen(raw, Vec::new()).await;
        String::new()
    })
    .await;
    let error = refused(outcome);
    assert!(matches!(error, TransportError::Damaged(_)), "{error:?}");
}

/// STARTTLS against a server that does `script` in the clear and then, with `acceptor`, TLS.
async fn start_tls(authority: &Authority, script: Vec<Step>, upgrade: bool) -> (Result<()>, String, Vec<u8>) {
    let acceptor = acceptor(authority.certificate(HOST, |_| {}), BOTH);
    attempt(Security::StartTls, authority, async |stream| {
        if !upgrade {
            return play_and_listen(stream, script).await;
        }
        let (heard, stream) = play(stream, script).await;
        // No greeting: the session goes on where it was.
        heard + "TLS\n" + &pop3_over_tls(stream, &acceptor, takes_anyone().into_iter().skip(1).collect()).await
    })
    .await
}

fn offers(capabilities: &str, answer: &str) -> Vec<Step> {
    let capa = format!("+OK\r\n{capabilities}\r\n.\r\n");
    vec![say("+OK hello\r\n"), hear("CAPA\r\n"), say(capa), hear("STLS\r\n"), say(answer)]
}

#[tokio::test]
async fn starttls_asks_again_and_only_then_logs_in() {
    // Quirk 5: what was said in the clear (no SASL) is forgotten.
    let authority = Authority::new();
    let (outcome, heard, raw) = start_tls(&authority, offers("STLS", "+OK go\r\n"), true).await;
    assert!(outcome.is_ok(), "{outcome:?}");
    assert!(heard.starts_with("CAPA\nSTLS\nTLS\nCAPA\nAUTH PLAIN AGFk"), "{heard}");
    assert!(text(&raw).starts_with("CAPA\nSTLS\n") && !text(&raw).contains("AUTH"));
}

#[tokio::test]
async fn starttls_is_strict() {
    let authority = Authority::new();
    // Quirk 2: stripped, or CAPA not answered at all.
    for capa in ["+OK\r\nUSER\r\nSASL PLAIN\r\n.\r\n", "-ERR\r\n"] {
        let script = vec![say("+OK\r\n"), hear("CAPA\r\n"), say(capa)];
        let error = refused(start_tls(&authority, script, false).await);
        assert!(matches!(error, TransportError::StlsNotOffered), "{error:?}");
    }
    // Quirk 3.
    let error = refused(start_tls(&authority, offers("STLS", "-ERR not now\r\n"), false).await);
    assert!(matches!(&error, TransportError::StlsRefused(text) if text == "not now"), "{error:?}");
    // Quirk 4: with the answer, and behind it.
    let error = refused(start_tls(&authority, offers("STLS", "+OK go\r\n+OK in\r\n"), true).await);
    assert!(matches!(error, TransportError::StlsInjected), "{error:?}");
    let late = async |mut stream: Tapped| {
        let (heard, back) = play(stream, offers("STLS", "+OK go\r\n")).await;
        stream = back;
        stream.read_u8().await.unwrap();
        stream.write_all(b"+OK in\r\n").await.unwrap();
        play_and_listen(stream, Vec::new()).await;
        heard
    };
    let error = refused(attempt(Security::StartTls, &authority, late).await);
    assert!(matches!(error, TransportError::StlsInjected), "{error:?}");
    // The certificate counts as much as from the first octet on.
    let acceptor = acceptor(self_signed(|_| {}), BOTH);
    let outcome = attempt(Security::StartTls, &authority, async |stream| {
        let (heard, stream) = play(stream, offers("STLS", "+OK go\r\n")).await;
        heard + &pop3_over_tls(stream, &acceptor, takes_anyone()).await
    })
    .await;
    let error = refused(outcome);
    assert!(matches!(error, TransportError::CertificateSelfSigned), "{error:?}");
}

#[tokio::test]
async fn a_self_signed_certificate_that_the_account_names_is_good() {
    let (certificate, key) = self_signed(|_| {});
    let mut authority = Authority::new();
    let pem = pem_of(&certificate);
    std::fs::write(authority.file(), pem).unwrap();
    let (outcome, ..) = with_certificate(&authority, (certificate, key)).await;
    assert!(outcome.is_ok(), "{outcome:?}");
    // And only that one.
    authority = Authority::new();
    let error = refused(with_certificate(&authority, self_signed(|_| {})).await);
    assert!(matches!(error, TransportError::CertificateSelfSigned), "{error:?}");
}

fn pem_of(certificate: &CertificateDer<'_>) -> String {
    use base64::Engine as _;
    let body = base64::engine::general_purpose::STANDARD.encode(certificate);
    format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
}

#[tokio::test]
async fn ca_files_that_are_none() {
    let authority = Authority::new();
    check_ca_file(&authority.file()).unwrap();
    let missing = check_ca_file(&authority.folder.path().join("missing.pem"));
    assert!(matches!(missing, Err(TransportError::CaFileUnreadable { .. })), "{missing:?}");
    let key = KeyPair::generate().unwrap().serialize_pem();
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let unended = "-----BEGIN CERTIFICATE-----\nAAAA\n";
    for content in ["", "not PEM at all", key.as_str(), broken, unended] {
        std::fs::write(authority.file(), content).unwrap();
        let outcome = check_ca_file(&authority.file());
        assert!(matches!(outcome, Err(TransportError::CaFileUseless { .. })), "{content:?}: {outcome:?}");
    }
    // A file that became useless stops the connection before a credential is sent.
    let error =
        refused(attempt(Security::Tls, &authority, async |stream| play_and_listen(stream, Vec::new()).await).await);
    assert!(matches!(error, TransportError::CaFileUseless { .. }), "{error:?}");
}

#[tokio::test]
async fn a_host_that_no_certificate_can_carry() {
    let (ours, _theirs) = tokio::io::duplex(64);
    let authority = Authority::new();
    let server = Server { host: "not a host".into(), ca_file: Some(authority.file()), ..server(Security::Tls) };
    let error = Connection::over(ours, &server, hasty()).await.unwrap_err();
    assert!(matches!(error, TransportError::InvalidHost(_)), "{error:?}");
}
