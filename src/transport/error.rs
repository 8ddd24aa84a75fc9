//! Why a connection could not be made or went away: one variant per cause, so that each can have a sentence of its own.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::pop3::{Code, CommandError, ProtocolError, Status};

/// Why a connection could not be made or went away. Server texts are free of control characters and not to be trusted.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    // Before TLS.
    /// The host is neither a name that a certificate can carry nor an IP address: a typing error in the settings.
    #[error("{0:?} is no host name")]
    InvalidHost(String),
    /// The name service knows no address: a typing error, or no network.
    #[error("no address found for {host}")]
    NameNotFound { host: String, source: io::Error },
    /// The name service did not answer: no network.
    #[error("the name service was silent for {0:?}")]
    NameSilence(Duration),
    /// Nothing listens on that port.
    #[error("connection refused")]
    Refused,
    /// No way there: no network, or a firewall.
    #[error("host or network unreachable")]
    Unreachable(#[source] io::Error),
    /// No answer to the attempt to connect: the host is off, a firewall, or no network.
    #[error("no connection within {0:?}")]
    ConnectTimeout(Duration),
    /// Another failure of the operating system to connect.
    #[error("could not connect")]
    Connect(#[source] io::Error),

    // The trust store.
    /// The account's own CA file cannot be read.
    #[error("cannot read {}", path.display())]
    CaFileUnreadable { path: PathBuf, source: io::Error },
    /// The account's own CA file holds no PEM certificate that can be a trust anchor.
    #[error("no usable certificate in {}", path.display())]
    CaFileUseless { path: PathBuf },
    /// This computer's list of certificate authorities is missing or empty.
    #[error("no certificate authorities on this computer: {0}")]
    NoTrustStore(String),

    // TLS. Up to here and through all of these no octet of a credential was sent.
    /// The server took the connection and then said nothing: wrong port, overload, or a firewall.
    #[error("no answer in the TLS handshake for {0:?}")]
    HandshakeSilence(Duration),
    /// Seconds since 1970 of the end of validity, where known. Also seen when this computer's clock is wrong.
    #[error("the certificate has expired")]
    CertificateExpired { since: Option<u64> },
    /// Seconds since 1970 of its start, where known. Also seen when this computer's clock is wrong.
    #[error("the certificate is not valid yet")]
    CertificateNotYetValid { from: Option<u64> },
    /// The certificate is for other names: a typing error, a sign-in page of a Wi-Fi, or an attack.
    #[error("the certificate is not for {host}")]
    CertificateWrongName { host: String, presented: Vec<String> },
    /// Issued by itself and not trusted: a home server, an antivirus program, or an attack.
    #[error("the certificate is self-signed")]
    CertificateSelfSigned,
    /// Issued by an authority that is not trusted here: a company's own, an antivirus program, or an attack.
    #[error("the certificate's authority is unknown")]
    CertificateUnknownAuthority,
    #[error("the certificate was revoked")]
    CertificateRevoked,
    /// Signed in a way that can be forged, such as SHA-1: an old server, or an attack.
    #[error("the certificate's signature is of a kind that can be forged")]
    CertificateWeakSignature,
    /// An RSA key of less than 2048 bits, which can be broken.
    #[error("the certificate's key is too short")]
    CertificateWeakKey,
    /// Made for something else than a server (extended key usage).
    #[error("the certificate is not made for servers")]
    CertificateWrongPurpose,
    /// An authority's own certificate (CA:TRUE), whose key has no business on a server.
    #[error("the certificate is that of an authority")]
    CertificateIsAuthority,
    /// No subject alternative name: the name in the subject alone has not counted since RFC 6125.
    #[error("the certificate names no server")]
    CertificateNoNames,
    /// Its authority may not sign for this name (name constraints).
    #[error("the certificate's authority may not vouch for {host}")]
    CertificateOutOfBounds { host: String },
    /// Wrong in another way: damaged, or with a part that must be understood and is not.
    #[error("the certificate is unusable: {0}")]
    CertificateUnusable(String),
    /// The server speaks TLS 1.1 or older only; which, where it says so.
    #[error("the server offers only TLS older than 1.2")]
    TlsTooOld(Option<&'static str>),
    /// The server broke the handshake off with an alert, named so.
    #[error("the server broke off the TLS handshake: {0}")]
    Alert(String),
    /// The server and we know no common cipher: an old server.
    #[error("no cipher in common with the server")]
    NoCommonCipher,
    /// The server greets without TLS: a port for plaintext or STARTTLS.
    #[error("the server speaks POP3 without TLS on this port")]
    PlaintextPop3,
    /// A web server or a Wi-Fi's sign-in page answers on this port.
    #[error("a web server answers on this port")]
    PlaintextHttp,
    /// What answers on this port is no TLS at all.
    #[error("what the server sends is not TLS")]
    NotTls,
    /// The server hung up in the handshake.
    #[error("the connection was cut in the TLS handshake")]
    HandshakeCut,
    /// Another failure of the handshake.
    #[error("the TLS handshake failed: {0}")]
    Handshake(String),

    // STARTTLS (RFC 2595).
    /// The account wants STARTTLS and the server does not offer it: an old server, or someone in between took it away.
    #[error("the server does not offer STLS")]
    StlsNotOffered,
    #[error("the server refused STLS: {0}")]
    StlsRefused(String),
    /// Octets followed the answer to STLS unprotected: an attack.
    #[error("something was injected before TLS began")]
    StlsInjected,

    // The stream.
    /// Cut in the middle of an answer, without TLS's own end: what had come is not complete.
    #[error("the connection was cut in the middle of an answer")]
    Truncated,
    /// The server hung up where it owed nothing or had not begun to answer.
    #[error("the server closed the connection")]
    Closed,
    /// The connection broke: reset, or given up by the operating system.
    #[error("the connection broke")]
    Broken(#[source] io::Error),
    /// A TLS record was damaged on its way, or an attack.
    #[error("the protected connection is damaged: {0}")]
    Damaged(String),
    #[error("nothing came from the server for {0:?}")]
    Silence(Duration),

    // POP3.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// A name or password with control characters, or a command out of place.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// `-ERR` instead of a greeting: the server does not serve us now.
    #[error("the server is not ready: {}", .0.text)]
    GreetingRefused(Status),
    /// `-ERR` to name or password. The code tells a wrong password from a server fault, where the server gives one.
    #[error("login refused: {}", .0.text)]
    LoginRefused(Status),
    /// Hung up on name or password: with some servers the only word for a wrong password (quirk 28).
    #[error("the server closed the connection at login")]
    ClosedAtLogin,
    /// A login over an unprotected stream that the account did not ask for. Nothing was sent.
    #[error("refused to log in without protection")]
    Unprotected,
    /// `-ERR` to a command that should work.
    #[error("the server refused {command}: {}", status.text)]
    CommandRefused { command: &'static str, status: Status },
    /// A mistake of the caller: answers to earlier requests are still to come.
    #[error("answers are outstanding")]
    Busy,
    /// The connection went away when pipelining was first used: it may work without (quirk 18).
    #[error("pipelining failed")]
    Pipelining(#[source] Box<TransportError>),
    /// The login failed behind UTF8, and the server did not say that it was for another reason: it may work without
    /// (quirk 94).
    #[error("the login failed in UTF8 mode")]
    Utf8(#[source] Box<TransportError>),
    /// The server offers CAPA's very name nothing but a hang-up: it may work without (quirk 15).
    #[error("asking for capabilities failed")]
    Capabilities(#[source] Box<TransportError>),
}

impl TransportError {
    /// The connection went away on first use of pipelining: try again with [`super::Options::pipelining`] off.
    pub fn is_pipelining(&self) -> bool {
        matches!(self, TransportError::Pipelining(_))
    }

    /// The login failed, and it may be for UTF8 only: connect again with [`super::Options::utf8`] off, and remember it
    /// for this server if that works.
    pub fn failed_after_utf8(&self) -> bool {
        matches!(self, TransportError::Utf8(_))
    }

    /// Whether a login that was refused so may do without UTF8. Not if the server gives a reason that is another one;
    /// `[AUTH]` is none, for servers say it of whatever a login fails of.
    pub(super) fn may_be_for_utf8(&self) -> bool {
        match self {
            TransportError::LoginRefused(status) => {
                matches!(status.code, None | Some(Code::Auth | Code::Utf8 | Code::Other(_)))
            }
            TransportError::ClosedAtLogin | TransportError::Protocol(_) => true,
            _ => self.is_loss(),
        }
    }

    /// Whether the user should look at name and password: the server refused them, and did not say that it was for
    /// another reason (RFC 3206 section 6; quirks 28 to 30).
    pub fn is_wrong_password(&self) -> bool {
        match self {
            TransportError::LoginRefused(status) => match status.code {
                Some(Code::Auth) => true,
                None => !sounds_passing(&status.text),
                _ => false,
            },
            TransportError::ClosedAtLogin => true,
            TransportError::Utf8(error) => error.is_wrong_password(),
            _ => false,
        }
    }

    /// Whether the server said that its trouble with the login passes, or its words sound so (quirks 29 and 30).
    pub fn is_passing_refusal(&self) -> bool {
        match self {
            TransportError::LoginRefused(status) => match status.code {
                Some(Code::InUse | Code::LoginDelay | Code::SysTemp | Code::Sys) => true,
                None => sounds_passing(&status.text),
                _ => false,
            },
            TransportError::Utf8(error) => error.is_passing_refusal(),
            _ => false,
        }
    }

    /// The stream itself went away, as against something that the server said.
    pub(super) fn is_loss(&self) -> bool {
        matches!(
            self,
            TransportError::Truncated | TransportError::Closed | TransportError::Broken(_) | TransportError::Silence(_)
        )
    }
}

/// Whether the words of a refusal without a code sound as if it would pass by itself: a hint only (quirk 30). What speaks
/// of the password or of the account does not: an account that is locked must not be tried again and again.
fn sounds_passing(text: &str) -> bool {
    const PASSING: [&str; 8] = ["lock", "busy", "wait", "too many", "in use", "try again", "try later", "temporar"];
    const LASTING: [&str; 6] = ["password", "account", "attempt", "credential", "user", "denied"];
    let text = text.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    says(&PASSING) && !says(&LASTING)
}
