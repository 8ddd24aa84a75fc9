//! Commands as octets (RFC 1939 sections 5-7; RFC 2449 CAPA; RFC 2595 STLS; RFC 5034 AUTH). Never lets an argument bring
//! a line end or another control character onto the wire, which would be a second command.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};

/// The longest command with an initial response, CRLF included (RFC 5034 section 4; RFC 2449 section 4).
const LONGEST_INITIAL_RESPONSE: usize = 255;

/// A client command. Spelled as octets only in this module; `Debug` never shows a password.
#[derive(Debug)]
pub enum Command {
    Capa,
    Stls,
    /// UTF8 (RFC 6856 section 2.1): from then on messages come with their headers in UTF-8. Before the login only.
    Utf8,
    User(String),
    Pass(SecretString),
    /// AUTH PLAIN (RFC 4616), with an initial response where it fits into 255 octets, else in two steps.
    AuthPlain {
        user: String,
        password: SecretString,
    },
    Stat,
    List,
    Uidl,
    /// `octets` is LIST's word, for the pipelining window only.
    Retr {
        number: u32,
        octets: u64,
    },
    Top {
        number: u32,
        lines: u32,
    },
    Dele(Removal),
    Rset,
    Noop,
    Quit,
}

/// Implemented only by `archive::Proof` (tests/tidy.rs checks): the message of this number in the present session was
/// just proved to be stored here.
pub trait ProvedStored {
    fn number(&self) -> u32;
}

/// Leave to send DELE for one message. Made only from a proof that it is stored.
#[derive(Debug)]
pub struct Removal {
    number: u32,
}

impl Removal {
    pub fn of(proof: &impl ProvedStored) -> Removal {
        Removal { number: proof.number() }
    }

    pub fn number(&self) -> u32 {
        self.number
    }
}

/// Which command an answer belongs to; the number is the message's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    Capa,
    Stls,
    Utf8,
    User,
    Pass,
    Auth,
    Stat,
    List,
    Uidl,
    Retr(u32),
    Top(u32),
    Dele(u32),
    Rset,
    Noop,
    Quit,
}

impl Sent {
    /// The command's name on the wire.
    pub fn verb(self) -> &'static str {
        match self {
            Sent::Capa => "CAPA",
            Sent::Stls => "STLS",
            Sent::Utf8 => "UTF8",
            Sent::User => "USER",
            Sent::Pass => "PASS",
            Sent::Auth => "AUTH",
            Sent::Stat => "STAT",
            Sent::List => "LIST",
            Sent::Uidl => "UIDL",
            Sent::Retr(_) => "RETR",
            Sent::Top(_) => "TOP",
            Sent::Dele(_) => "DELE",
            Sent::Rset => "RSET",
            Sent::Noop => "NOOP",
            Sent::Quit => "QUIT",
        }
    }

    /// Whether a positive answer goes on after its first line.
    pub(super) fn is_multi_line(self) -> bool {
        matches!(self, Sent::Capa | Sent::List | Sent::Uidl | Sent::Retr(_) | Sent::Top(_))
    }

    /// Whether another command may be under way beside it. What changes the state or the stream never is: RFC 2449
    /// section 6.6 forbids it for AUTH and STLS, and an RSET or QUIT must know what came before it.
    pub(super) fn may_be_pipelined(self) -> bool {
        matches!(self, Sent::Retr(_) | Sent::Top(_) | Sent::Dele(_) | Sent::Noop)
    }
}

/// An argument that may not go onto the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArgumentError {
    /// A line end, NUL, escape or other control character in the user's name: a mistake in typing, or an attack.
    #[error("the user name holds a control character")]
    User,
    /// The same in the password.
    #[error("the password holds a control character")]
    Password,
}

/// A command ready to be sent.
pub(super) struct Encoded {
    pub sent: Sent,
    /// The octets of the line, CRLF included.
    pub line: Vec<u8>,
    /// What is shown in its place where it holds a secret.
    pub shown: Option<&'static str>,
    /// What answers the server's `+` (RFC 5034 section 4), CRLF included.
    pub response: Option<Vec<u8>>,
    /// Octets that the answer is expected to have, for the window.
    pub octets: u64,
}

impl Command {
    /// Which command this is, without its arguments.
    pub fn sent(&self) -> Sent {
        match self {
            Command::Capa => Sent::Capa,
            Command::Stls => Sent::Stls,
            Command::Utf8 => Sent::Utf8,
            Command::User(_) => Sent::User,
            Command::Pass(_) => Sent::Pass,
            Command::AuthPlain { .. } => Sent::Auth,
            Command::Stat => Sent::Stat,
            Command::List => Sent::List,
            Command::Uidl => Sent::Uidl,
            Command::Retr { number, .. } => Sent::Retr(*number),
            Command::Top { number, .. } => Sent::Top(*number),
            Command::Dele(removal) => Sent::Dele(removal.number),
            Command::Rset => Sent::Rset,
            Command::Noop => Sent::Noop,
            Command::Quit => Sent::Quit,
        }
    }

    pub(super) fn encode(&self) -> Result<Encoded, ArgumentError> {
        let sent = self.sent();
        let verb = sent.verb();
        let mut encoded = Encoded { sent, line: Vec::new(), shown: None, response: None, octets: 0 };
        let line = match self {
            Command::User(user) => {
                encoded.shown = Some("USER ****");
                format!("{verb} {}\r\n", clean(user, ArgumentError::User)?)
            }
            Command::Pass(password) => {
                encoded.shown = Some("PASS ****");
                format!("{verb} {}\r\n", clean(password.expose_secret(), ArgumentError::Password)?)
            }
            Command::AuthPlain { user, password } => {
                check_arguments(user, password)?;
                let (line, response) = auth_plain(plain_response(user, password).expose_secret());
                encoded.shown = line.contains(response.trim_end()).then_some("AUTH PLAIN ****");
                encoded.response = Some(response.into_bytes());
                line
            }
            Command::Retr { number, octets } => {
                encoded.octets = *octets;
                format!("{verb} {number}\r\n")
            }
            Command::Top { number, lines } => format!("{verb} {number} {lines}\r\n"),
            Command::Dele(removal) => format!("{verb} {}\r\n", removal.number),
            _ => format!("{verb}\r\n"),
        };
        encoded.line = line.into_bytes();
        Ok(encoded)
    }
}

/// `argument`, unless it holds an ASCII control character (CR, LF and NUL among them).
fn clean(argument: &str, error: ArgumentError) -> Result<&str, ArgumentError> {
    if argument.bytes().any(|octet| octet.is_ascii_control()) { Err(error) } else { Ok(argument) }
}

/// Checks a name and a password as USER, PASS and AUTH would, before any of them is sent.
///
/// # Errors
/// When one of them holds a control character.
pub fn check_arguments(user: &str, password: &SecretString) -> Result<(), ArgumentError> {
    clean(user, ArgumentError::User)?;
    clean(password.expose_secret(), ArgumentError::Password).map(drop)
}

/// The response of AUTH PLAIN (RFC 4616): base64 of NUL, name, NUL, password.
pub fn plain_response(user: &str, password: &SecretString) -> SecretString {
    STANDARD.encode(format!("\0{user}\0{}", password.expose_secret())).into()
}

/// The AUTH line and what answers a `+`. The response stands in the line where that fits.
fn auth_plain(response: &str) -> (String, String) {
    let line = format!("AUTH PLAIN {response}\r\n");
    let line = if line.len() <= LONGEST_INITIAL_RESPONSE { line } else { "AUTH PLAIN\r\n".to_owned() };
    (line, format!("{response}\r\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Proved(u32);

    impl ProvedStored for Proved {
        fn number(&self) -> u32 {
            self.0
        }
    }

    fn line(command: &Command) -> String {
        String::from_utf8(command.encode().unwrap().line).unwrap()
    }

    #[test]
    fn spells_each_command() {
        let table = [
            (Command::Capa, "CAPA\r\n"),
            (Command::Utf8, "UTF8\r\n"),
            (Command::Stls, "STLS\r\n"),
            (Command::User("recent:me@example.org".into()), "USER recent:me@example.org\r\n"),
            (Command::Pass("with  spaces é".into()), "PASS with  spaces é\r\n"),
            (
                Command::AuthPlain { user: "tim".into(), password: "tanstaaf".into() },
                "AUTH PLAIN AHRpbQB0YW5zdGFhZg==\r\n",
            ),
            (Command::Stat, "STAT\r\n"),
            (Command::List, "LIST\r\n"),
            (Command::Uidl, "UIDL\r\n"),
            (Command::Retr { number: 3, octets: 9 }, "RETR 3\r\n"),
            (Command::Top { number: 3, lines: 0 }, "TOP 3 0\r\n"),
            (Command::Dele(Removal::of(&Proved(7))), "DELE 7\r\n"),
            (Command::Rset, "RSET\r\n"),
            (Command::Noop, "NOOP\r\n"),
            (Command::Quit, "QUIT\r\n"),
        ];
        for (command, expected) in table {
            assert_eq!(line(&command), expected);
        }
    }

    #[test]
    fn no_argument_brings_a_second_command() {
        // Quirk 10, fault 31.
        for evil in ["a\r\nDELE 1", "a\nb", "a\rb", "a\0b", "a\x1b[2Jb", "\x7f"] {
            let user = [Command::User(evil.into()), Command::AuthPlain { user: evil.into(), password: "fine".into() }];
            let password =
                [Command::Pass(evil.into()), Command::AuthPlain { user: "fine".into(), password: evil.into() }];
            assert!(user.iter().all(|command| command.encode().err() == Some(ArgumentError::User)), "{evil:?}");
            assert!(password.iter().all(|command| command.encode().err() == Some(ArgumentError::Password)), "{evil:?}");
        }
    }

    #[test]
    fn a_long_response_takes_two_steps() {
        // Quirk 21: the whole line at most 255 octets. 2 + 4 + n octets are 4 * ceil((6 + n) / 3) of base64, and the
        // words around it 13, so 174 octets of password are the last that fit beside a name of 4.
        for (length, one_step) in [(1, true), (174, true), (175, false), (4000, false)] {
            let encoded = Command::AuthPlain { user: "user".into(), password: "p".repeat(length).into() }.encode();
            let encoded = encoded.unwrap();
            assert_eq!(encoded.line != b"AUTH PLAIN\r\n", one_step, "{length}");
            assert!(encoded.line.len() <= 255, "{length}");
            let response = encoded.response.unwrap();
            assert_eq!(STANDARD.decode(response.strip_suffix(b"\r\n").unwrap()).unwrap().len(), length + 6);
        }
    }

    #[test]
    fn debug_shows_no_password() {
        for command in
            [Command::Pass("hunter2".into()), Command::AuthPlain { user: "u".into(), password: "hunter2".into() }]
        {
            assert!(!format!("{command:?}").contains("hunter2"));
        }
    }
}
