//! Why the server could not be reached, trusted, logged in to or understood.

use jiff::Timestamp;

use super::{Problem, cause, lasting, quotable, server_says};
use crate::pop3::{ArgumentError, Code, CommandError, ProtocolError, Status};
use crate::transport::TransportError;

/// True before a login.
const STILL_THERE: &str = "Nothing was lost: the mail is still on the server.";
/// True of every fault of certificate and handshake: nothing of the login is sent before TLS stands.
const UNSAID: &str = "Nothing was lost: the mail is still on the server, and your password was not sent.";
/// True of a connection that went away in the middle.
const KEPT: &str = "Nothing was lost: what was fetched whole is stored here, and the rest is still on the server.";

impl From<&TransportError> for Problem {
    fn from(error: &TransportError) -> Problem {
        reaching(error)
            .or_else(|| trusting(error))
            .or_else(|| securing(error))
            .or_else(|| logging_in(error))
            .or_else(|| if let TransportError::Utf8(error) = error { Some(Problem::from(&**error)) } else { None })
            .unwrap_or_else(|| talking(error))
    }
}

/// Before TLS: names, addresses, ports.
fn reaching(error: &TransportError) -> Option<Problem> {
    const ONLINE: &str = "Check that this computer is online, and try again.";
    let (summary, advice) = match error {
        TransportError::InvalidHost(host) => (
            format!("The name \"{}\" is not that of a server.", quotable(host)),
            "Correct the server's name in the account.",
        ),
        TransportError::NameNotFound { host, .. } => (
            format!("The server {} was not found.", quotable(host)),
            "Check that this computer is online, and the server's name in the account.",
        ),
        TransportError::NameSilence(waited) => {
            (format!("The server's address could not be looked up within {}.", lasting(*waited)), ONLINE)
        }
        TransportError::Refused => (
            "The server refuses connections on this port.".to_owned(),
            "Try again later; if it stays so, check server name and port in the account (usually port 995).",
        ),
        TransportError::Unreachable(source) => {
            (format!("The server cannot be reached from here: {}.", cause(source)), ONLINE)
        }
        TransportError::ConnectTimeout(waited) => (
            format!("The server did not take the connection within {}.", lasting(*waited)),
            "Check that this computer is online; a firewall may block this port, or the server may be down.",
        ),
        TransportError::Connect(source) => (format!("The connection could not be made: {}.", cause(source)), ONLINE),
        _ => return None,
    };
    Some(Problem::new(summary, STILL_THERE, advice))
}

/// Certificates: each fault its own sentence.
fn trusting(error: &TransportError) -> Option<Problem> {
    const ASK: &str = "Do not log in there; ask the provider about it.";
    let (summary, advice) = match error {
        TransportError::CaFileUnreadable { path, source } => (
            format!("The account's certificate file {} could not be read: {}.", path.display(), cause(source)),
            "Put the file back, or take it out of the account.".to_owned(),
        ),
        TransportError::CaFileUseless { path } => (
            format!("The file {} holds no certificate of an authority.", path.display()),
            "Choose a PEM file that holds the certificate of the authority itself.".to_owned(),
        ),
        TransportError::NoTrustStore(_) => (
            "This computer's list of trusted certificate authorities is missing or empty.".to_owned(),
            "Install it (on Debian the package ca-certificates) and try again.".to_owned(),
        ),
        TransportError::CertificateExpired { since } => (
            format!("The server's certificate has expired{}.", on_day(" on", *since)),
            "Check this computer's clock; if it is right, tell the provider.".to_owned(),
        ),
        TransportError::CertificateNotYetValid { from } => (
            format!("The server's certificate is not valid yet{}.", on_day(", only from", *from)),
            "Check this computer's clock; if it is right, tell the provider.".to_owned(),
        ),
        TransportError::CertificateWrongName { host, presented } => (
            format!(
                "The server's certificate is not for {}{}; perhaps the sign-in page of a Wi-Fi answers in its place.",
                quotable(host),
                but_for(presented)
            ),
            "In a public Wi-Fi sign in to it in a web browser first; elsewhere check the server's name in the account."
                .to_owned(),
        ),
        TransportError::CertificateSelfSigned => (
            "The server's certificate is signed by the server itself, so nobody vouches for it.".to_owned(),
            "If it is your own server, give its certificate to the account as a file to trust.".to_owned(),
        ),
        TransportError::CertificateUnknownAuthority => (
            "The server's certificate comes from an authority that this computer does not know.".to_owned(),
            "An antivirus program that reads mail on its way does this too: switch that off; or, if you know the authority, \
             give its certificate to the account as a file to trust."
                .to_owned(),
        ),
        TransportError::CertificateRevoked => {
            ("The server's certificate was revoked by its authority.".to_owned(), ASK.to_owned())
        }
        TransportError::CertificateWeakSignature => (
            "The server's certificate is signed in a way that can be forged, such as the old SHA-1.".to_owned(),
            ASK.to_owned(),
        ),
        TransportError::CertificateWeakKey => (
            "The key of the server's certificate is so short that it can be broken (RSA under 2048 bits).".to_owned(),
            ASK.to_owned(),
        ),
        TransportError::CertificateWrongPurpose => {
            ("The server's certificate is made for another purpose than that of a server.".to_owned(), ASK.to_owned())
        }
        TransportError::CertificateIsAuthority => {
            ("The server shows the certificate of an authority instead of one of its own.".to_owned(), ASK.to_owned())
        }
        TransportError::CertificateNoNames => (
            "The server's certificate does not say in the proper place which server it is for.".to_owned(),
            ASK.to_owned(),
        ),
        TransportError::CertificateOutOfBounds { host } => {
            (format!("The authority of the server's certificate may not vouch for {}.", quotable(host)), ASK.to_owned())
        }
        TransportError::CertificateUnusable(why) => {
            (format!("The server's certificate cannot be used: {}.", end_of_sentence(why)), ASK.to_owned())
        }
        _ => return None,
    };
    Some(Problem::new(summary, UNSAID, advice))
}

fn on_day(words: &str, second: Option<u64>) -> String {
    let time = second.and_then(|second| Timestamp::from_second(i64::try_from(second).ok()?).ok());
    time.map(|time| format!("{words} {}", time.strftime("%-d %B %Y"))).unwrap_or_default()
}

fn but_for(presented: &[String]) -> String {
    let names: Vec<String> = presented.iter().take(3).map(|name| quotable(name)).collect();
    if names.is_empty() { String::new() } else { format!(" but for {}", names.join(", ")) }
}

/// Someone else's technical words at the end of our sentence.
fn end_of_sentence(words: &str) -> String {
    // Debug text of a library has braces and paths: then plain words instead.
    let technical = words.contains(['{', '}', '(']) || words.contains("::") || words.contains("Error");
    let words = quotable(words);
    let words = words.trim_end_matches('.');
    if words.is_empty() || technical { "it does not follow the rules".to_owned() } else { words.to_owned() }
}

/// Handshake and STARTTLS.
fn securing(error: &TransportError) -> Option<Problem> {
    const OLD: &str = "Ask the provider for a server with TLS 1.2 or newer.";
    const SETTINGS: &str = "Check server, port and encryption in the account: with TLS it is usually port 995.";
    const WIFI: &str = "Sign in to the Wi-Fi in a web browser first, or check server and port in the account.";
    const OTHER_NETWORK: &str = "Try again from another network; if it stays so, tell the provider.";
    let (summary, advice) = match error {
        TransportError::HandshakeSilence(waited) => (
            format!("The server took the connection and then said nothing for {}.", lasting(*waited)),
            "Try again later; the port may be the wrong one, or a firewall stands between.",
        ),
        TransportError::TlsTooOld(version) => {
            let version = version.unwrap_or("TLS 1.1 or older");
            (format!("The server offers only an encryption that is too old to be safe ({version})."), OLD)
        }
        TransportError::Alert(alert) => (
            format!("The server broke off while the encryption was being set up: {}.", end_of_sentence(alert)),
            OTHER_NETWORK,
        ),
        TransportError::NoCommonCipher => ("The server and Postkeep know no common way to encrypt.".to_owned(), OLD),
        TransportError::PlaintextPop3 => {
            ("The server speaks without encryption on this port, where TLS was expected.".to_owned(), SETTINGS)
        }
        TransportError::PlaintextHttp => (
            "A web server answers on this port, not a mail server: perhaps the sign-in page of a Wi-Fi.".to_owned(),
            WIFI,
        ),
        TransportError::NotTls => ("What answers on this port does not speak TLS.".to_owned(), SETTINGS),
        TransportError::HandshakeCut => {
            ("The server hung up while the encryption was being set up.".to_owned(), OTHER_NETWORK)
        }
        TransportError::Handshake(why) => {
            (format!("The encryption could not be set up: {}.", end_of_sentence(why)), OTHER_NETWORK)
        }
        TransportError::StlsNotOffered => (
            "The server does not offer to switch to encryption (STARTTLS), though the account wants it.".to_owned(),
            "Choose TLS and port 995 in the account, or try from another network.",
        ),
        TransportError::StlsRefused(text) => (
            format!("The server refused to switch to encryption (STARTTLS).{}", server_says(text)),
            "Choose TLS and port 995 in the account.",
        ),
        TransportError::StlsInjected => (
            "Someone between here and the server slipped words in before the encryption began.".to_owned(),
            "Choose TLS and port 995 in the account, and do not use this network for mail.",
        ),
        TransportError::Unprotected => (
            "The connection is not encrypted, so Postkeep did not log in.".to_owned(),
            "Choose TLS and port 995 in the account.",
        ),
        _ => return None,
    };
    Some(Problem::new(summary, UNSAID, advice))
}

/// Greeting, name and password.
fn logging_in(error: &TransportError) -> Option<Problem> {
    let (summary, advice) = match error {
        TransportError::GreetingRefused(status) => {
            (format!("The server does not serve us now.{}", server_says(&status.text)), "Try again in a few minutes.")
        }
        TransportError::LoginRefused(status) => refused_login(status),
        TransportError::ClosedAtLogin => (
            "The server hung up when it got user name and password.".to_owned(),
            "Some servers do so when the password is wrong: enter it again, or try later.",
        ),
        TransportError::Command(CommandError::Argument(ArgumentError::User)) => (
            "The user name holds a character that no server takes, such as a line end.".to_owned(),
            "Enter the user name again.",
        ),
        TransportError::Command(CommandError::Argument(ArgumentError::Password)) => (
            "The password holds a character that no server takes, such as a line end.".to_owned(),
            "Enter the password again.",
        ),
        _ => return None,
    };
    Some(Problem::new(summary, STILL_THERE, advice))
}

/// The code tells a wrong password from a fault of the server (RFC 2449 section 8, RFC 3206).
fn refused_login(status: &Status) -> (String, &'static str) {
    let (summary, advice) = match &status.code {
        Some(Code::Auth) => (
            "The server says that user name or password is wrong.",
            "Enter the password again; the provider may want an app password, or POP3 switched on in its settings.",
        ),
        Some(Code::InUse) => (
            "Another program is reading this mailbox at the moment, so the server let nobody else in.",
            "Close the other mail program, or try again in a few minutes.",
        ),
        Some(Code::LoginDelay) => {
            ("The server wants more time between two logins.", "Wait a quarter of an hour and try again.")
        }
        Some(Code::SysTemp) => ("The server has trouble at the moment and refused the login.", "Try again later."),
        Some(Code::SysPerm) => {
            ("The server has trouble with this mailbox that does not pass by itself.", "Contact the provider.")
        }
        Some(Code::Sys) => ("The server refused the login because of trouble of its own.", "Try again later."),
        None if TransportError::LoginRefused(status.clone()).is_passing_refusal() => (
            "The server refused the login, and its words sound as if that would pass.",
            "Try again in a few minutes; if it stays so, check user name and password.",
        ),
        Some(Code::Utf8 | Code::Other(_)) | None => (
            "The server refused user name or password.",
            "Check both; the provider may want an app password, or POP3 switched on in its settings.",
        ),
    };
    (summary.to_owned() + &server_says(&status.text), advice)
}

/// After the login.
fn talking(error: &TransportError) -> Problem {
    const AGAIN: &str = "Fetch again: it goes on where it stopped.";
    const REPORT: &str = "Fetch again; if it happens twice, report it with the name of the provider.";
    let (summary, advice) = match error {
        TransportError::Truncated => (
            "The connection was cut in the middle of an answer, and the half answer was thrown away.".to_owned(),
            AGAIN,
        ),
        TransportError::Closed => ("The server closed the connection.".to_owned(), AGAIN),
        TransportError::Broken(source) => (format!("The connection broke: {}.", cause(source)), AGAIN),
        TransportError::Damaged(_) => {
            ("What came over the encrypted connection was damaged on its way.".to_owned(), AGAIN)
        }
        TransportError::Silence(waited) => (format!("The server said nothing for {}.", lasting(*waited)), AGAIN),
        TransportError::Protocol(error) => (unexpected(error), REPORT),
        TransportError::CommandRefused { command, status } => {
            (format!("The server refused the command {command}.{}", server_says(&status.text)), "Try again later.")
        }
        TransportError::Pipelining(_) => {
            ("The connection went away when several commands were sent at once.".to_owned(), AGAIN)
        }
        TransportError::Capabilities(_) => {
            ("The connection went away when the server was asked what it can do.".to_owned(), AGAIN)
        }
        // Told above, or a mistake of ours; named so that a new variant does not compile.
        TransportError::Busy
        | TransportError::Utf8(_)
        | TransportError::Command(_)
        | TransportError::InvalidHost(_)
        | TransportError::NameNotFound { .. }
        | TransportError::NameSilence(_)
        | TransportError::Refused
        | TransportError::Unreachable(_)
        | TransportError::ConnectTimeout(_)
        | TransportError::Connect(_)
        | TransportError::CaFileUnreadable { .. }
        | TransportError::CaFileUseless { .. }
        | TransportError::NoTrustStore(_)
        | TransportError::HandshakeSilence(_)
        | TransportError::CertificateExpired { .. }
        | TransportError::CertificateNotYetValid { .. }
        | TransportError::CertificateWrongName { .. }
        | TransportError::CertificateSelfSigned
        | TransportError::CertificateUnknownAuthority
        | TransportError::CertificateRevoked
        | TransportError::CertificateWeakSignature
        | TransportError::CertificateWeakKey
        | TransportError::CertificateWrongPurpose
        | TransportError::CertificateIsAuthority
        | TransportError::CertificateNoNames
        | TransportError::CertificateOutOfBounds { .. }
        | TransportError::CertificateUnusable(_)
        | TransportError::TlsTooOld(_)
        | TransportError::Alert(_)
        | TransportError::NoCommonCipher
        | TransportError::PlaintextPop3
        | TransportError::PlaintextHttp
        | TransportError::NotTls
        | TransportError::HandshakeCut
        | TransportError::Handshake(_)
        | TransportError::StlsNotOffered
        | TransportError::StlsRefused(_)
        | TransportError::StlsInjected
        | TransportError::GreetingRefused(_)
        | TransportError::LoginRefused(_)
        | TransportError::ClosedAtLogin
        | TransportError::Unprotected => {
            ("Postkeep and the server lost track of each other, which is a fault of this program.".to_owned(), REPORT)
        }
    };
    Problem::new(summary, KEPT, advice)
}

fn unexpected(error: &ProtocolError) -> String {
    match error {
        ProtocolError::Unsolicited => "The server sent something that it was not asked for.".to_owned(),
        ProtocolError::StatusTooLong => "The server sent an answer without an end.".to_owned(),
        ProtocolError::NotAStatus(line) => {
            format!("What the server sent is not POP3.{}", server_says(line))
        }
        ProtocolError::MixedLineEnds => "The server's answer is ambiguous about where its lines end.".to_owned(),
        ProtocolError::Endless => {
            "The server sent a message far larger than it had said, and without an end.".to_owned()
        }
        ProtocolError::ListingTooLong => "The server's list of messages is longer than any mailbox.".to_owned(),
        ProtocolError::UnexpectedChallenge => "The server asked for something in the middle of the login.".to_owned(),
        ProtocolError::Malformed(command) => format!("The server's answer to {command} makes no sense."),
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::PathBuf;
    use std::time::Duration;

    use super::super::assert_sound;
    use super::*;

    fn status(code: Option<Code>, text: &str) -> Status {
        Status { ok: false, code, text: text.into() }
    }

    fn before_tls() -> Vec<TransportError> {
        let waited = Duration::from_secs(30);
        let file = || PathBuf::from("/home/me/ca.pem");
        vec![
            TransportError::InvalidHost("pop server".into()),
            TransportError::NameNotFound { host: "pop.example.org".into(), source: io::ErrorKind::NotFound.into() },
            TransportError::NameSilence(waited),
            TransportError::Refused,
            TransportError::Unreachable(io::ErrorKind::NetworkUnreachable.into()),
            TransportError::ConnectTimeout(waited),
            TransportError::Connect(io::Error::from_raw_os_error(99)),
            TransportError::CaFileUnreadable { path: file(), source: io::ErrorKind::PermissionDenied.into() },
            TransportError::CaFileUseless { path: file() },
            TransportError::NoTrustStore("none found".into()),
        ]
    }

    fn of_tls() -> Vec<TransportError> {
        let name = |presented: &[&str]| TransportError::CertificateWrongName {
            host: "pop.example.org".into(),
            presented: presented.iter().map(ToString::to_string).collect(),
        };
        vec![
            TransportError::HandshakeSilence(Duration::from_secs(30)),
            TransportError::CertificateExpired { since: Some(1_700_000_000) },
            TransportError::CertificateExpired { since: None },
            TransportError::CertificateNotYetValid { from: Some(u64::MAX) },
            name(&["login.wifi.example"]),
            name(&[]),
            TransportError::CertificateSelfSigned,
            TransportError::CertificateUnknownAuthority,
            TransportError::CertificateRevoked,
            TransportError::CertificateUnusable("its signature is weak".into()),
            TransportError::CertificateUnusable("Other(OtherError { .. })".into()),
            TransportError::CertificateWeakSignature,
            TransportError::CertificateWeakKey,
            TransportError::CertificateWrongPurpose,
            TransportError::CertificateIsAuthority,
            TransportError::CertificateNoNames,
            TransportError::CertificateOutOfBounds { host: "pop.example.org".into() },
            TransportError::TlsTooOld(None),
            TransportError::TlsTooOld(Some("TLS 1.0")),
            TransportError::Alert("internal error".into()),
            TransportError::NoCommonCipher,
            TransportError::PlaintextPop3,
            TransportError::PlaintextHttp,
            TransportError::NotTls,
            TransportError::HandshakeCut,
            TransportError::Handshake("received fatal alert: InternalError".into()),
            TransportError::StlsNotOffered,
            TransportError::StlsRefused("not now".into()),
            TransportError::StlsInjected,
            TransportError::Unprotected,
        ]
    }

    fn of_pop3() -> Vec<TransportError> {
        let silence = || Box::new(TransportError::Silence(Duration::from_secs(120)));
        let mut errors = vec![
            TransportError::Truncated,
            TransportError::Closed,
            TransportError::Broken(io::ErrorKind::ConnectionReset.into()),
            TransportError::Damaged("decrypt error".into()),
            *silence(),
            TransportError::Command(CommandError::Argument(ArgumentError::User)),
            TransportError::Command(CommandError::Argument(ArgumentError::Password)),
            TransportError::Command(CommandError::WrongState("STAT")),
            TransportError::GreetingRefused(status(None, "too many connections")),
            TransportError::ClosedAtLogin,
            TransportError::CommandRefused { command: "LIST", status: status(None, "\u{1b}]0;no\u{7}") },
            TransportError::Pipelining(silence()),
            TransportError::Utf8(Box::new(TransportError::LoginRefused(status(None, "not in UTF8")))),
            TransportError::Capabilities(silence()),
        ];
        let codes = [None, Some(Code::Auth), Some(Code::InUse), Some(Code::LoginDelay), Some(Code::SysTemp)];
        let codes = codes.into_iter().chain([Some(Code::SysPerm), Some(Code::Sys), Some(Code::Other("X".into()))]);
        errors.extend(codes.enumerate().map(|(index, code)| {
            TransportError::LoginRefused(status(code, if index == 0 { "" } else { "no \"entry\"\r\n" }))
        }));
        let protocol = [
            ProtocolError::Unsolicited,
            ProtocolError::StatusTooLong,
            ProtocolError::NotAStatus("HTTP/1.1 400".into()),
            ProtocolError::MixedLineEnds,
            ProtocolError::ListingTooLong,
            ProtocolError::Endless,
            ProtocolError::UnexpectedChallenge,
            ProtocolError::Malformed("STAT"),
        ];
        errors.extend(protocol.map(TransportError::Protocol));
        errors
    }

    #[test]
    fn every_error_has_its_sentences() {
        let errors: Vec<TransportError> = [before_tls(), of_tls(), of_pop3()].into_iter().flatten().collect();
        assert_sound(&errors.iter().map(Problem::from).collect::<Vec<_>>());
    }

    #[test]
    fn no_fault_of_tls_leaves_doubt_about_the_password() {
        for error in of_tls() {
            let problem = Problem::from(&error);
            assert!(problem.mail.contains("your password was not sent"), "{problem}");
        }
    }

    #[test]
    fn an_expired_certificate_says_since_when() {
        let problem = Problem::from(&TransportError::CertificateExpired { since: Some(1_700_000_000) });
        assert_eq!(problem.summary, "The server's certificate has expired on 14 November 2023.");
    }
}
