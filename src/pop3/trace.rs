//! What a session would show of itself: each command and answer as a line for a person, made without its secrets. A
//! password is never in such a line to begin with: a command has a second text without it, and a server's line that
//! repeats any part of it is not shown. Bodies and listings are numbers only.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};

use super::command::{Sent, plain_response};
use super::reply::{is_unprintable, strip_word};
use super::session::ProtocolError;

/// One line of a protocol trace, fit to be shown and printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traced<'a> {
    /// Received; otherwise sent.
    pub from_server: bool,
    pub text: &'a str,
}

/// Where the lines go.
pub type TraceSink = Arc<dyn Fn(Traced<'_>) + Send + Sync>;

/// What may stand in no text that is kept: name and password of a login, in any form that travels.
#[derive(Default)]
pub struct Secrets {
    names: Vec<String>,
    /// With the length of the shortest piece that gives it away.
    passwords: Vec<(SecretString, usize)>,
}

/// Pieces of a password of this length give it away, of base64 longer ones. Shorter names are in every text.
const TELLING: usize = 4;
const TELLING_NAME: usize = 3;
const TELLING_BASE64: usize = 8;

impl Secrets {
    /// Of this login.
    pub fn of(user: &str, password: &SecretString) -> Secrets {
        // The name whole, and what stands before the @, whole.
        let names = [Some(user), user.split('@').next()].into_iter().flatten();
        let names = names.filter(|name| name.len() >= TELLING_NAME).map(str::to_ascii_lowercase).collect();
        let response = plain_response(user, password);
        let password = password.expose_secret();
        let passwords = vec![
            (password.into(), TELLING),
            (STANDARD.encode(password).into(), TELLING_BASE64),
            (response, TELLING_BASE64),
        ];
        Secrets { names, passwords }
    }

    /// Whether `text` repeats the name, or a telling piece of the password, in whatever case.
    pub fn are_in(&self, text: &[u8]) -> bool {
        let lower = text.to_ascii_lowercase();
        let is_in = |name: &String| memchr::memmem::find(&lower, name.as_bytes()).is_some();
        self.names.iter().any(is_in) || self.have_password_in(text)
    }

    /// Whether `text` repeats a telling piece of the password, in whatever case.
    pub fn have_password_in(&self, text: &[u8]) -> bool {
        let text = text.to_ascii_lowercase();
        self.passwords.iter().any(|(word, telling)| {
            let word = word.expose_secret().to_ascii_lowercase();
            let telling = word.len().min(*telling);
            telling > 0 && word.as_bytes().windows(telling).any(|piece| memchr::memmem::find(&text, piece).is_some())
        })
    }
}

/// Makes the lines, where somebody wants them; does nothing otherwise.
#[derive(Default)]
pub(super) struct Tracer {
    sink: Option<TraceSink>,
    secrets: Secrets,
    octets: u64,
    lines: u64,
}

impl Tracer {
    pub fn tell(&mut self, sink: TraceSink) {
        self.sink = Some(sink);
    }

    pub fn keep_secret(&mut self, secrets: Secrets) {
        self.secrets = secrets;
    }

    /// A command, as it may be shown.
    pub fn sent(&self, shown: &str) {
        self.say(false, shown.trim_end());
    }

    /// A line of the server: a status, a challenge, or a capability.
    pub fn received(&self, line: &[u8]) {
        if self.sink.is_none() {
            return;
        }
        if !self.secrets.are_in(line) {
            return self.say(true, &escaped(line));
        }
        let indicator = ["+OK", "-ERR"].into_iter().find(|word| strip_word(line, word.as_bytes()).is_some());
        self.say(true, format!("{} (not shown: it repeats the login)", indicator.unwrap_or_default()).trim_start());
    }

    /// Octets of a message.
    pub fn message(&mut self, octets: usize) {
        self.octets = self.octets.saturating_add(octets as u64);
    }

    /// A line of a listing.
    pub fn listed(&mut self, sent: Sent, line: &[u8]) {
        match sent {
            Sent::Capa => self.received(line),
            _ => self.lines = self.lines.saturating_add(1),
        }
    }

    /// The multi-line answer is over: complete, or cut.
    pub fn end(&mut self, sent: Sent, complete: bool) {
        let (octets, lines) = (std::mem::take(&mut self.octets), std::mem::take(&mut self.lines));
        let cut = if complete { "" } else { ", cut" };
        match sent {
            Sent::Retr(_) | Sent::Top(_) => self.say(true, &format!("<{octets} octets{cut}>")),
            Sent::List | Sent::Uidl => self.say(true, &format!("<{lines} lines{cut}>")),
            _ => {}
        }
    }

    /// The server broke the protocol. What it sent instead may be part of a message.
    pub fn broken(&self, error: &ProtocolError) {
        match error {
            ProtocolError::NotAStatus(_) => self.say(true, "<no answer>"),
            other => self.say(true, &format!("<{other}>")),
        }
    }

    fn say(&self, from_server: bool, text: &str) {
        if let Some(sink) = &self.sink {
            sink(Traced { from_server, text });
        }
    }
}

/// The line with all that a terminal or a log could stumble over as an escape: controls, marks of direction, what has no
/// width.
fn escaped(line: &[u8]) -> String {
    let mut out = String::with_capacity(line.len());
    for chunk in line.utf8_chunks() {
        for letter in chunk.valid().chars() {
            if is_unprintable(letter) {
                out.extend(letter.escape_unicode());
            } else {
                out.push(letter);
            }
        }
        out.extend(chunk.invalid().iter().map(|octet| format!("\\x{octet:02x}")));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fault_66_nothing_of_a_server_reaches_a_terminal() {
        let table: [(&[u8], &str); 6] = [
            (b"+OK fine", "+OK fine"),
            (b"-ERR \x1b]52;c;ZXZpbA==\x07", "-ERR \\u{1b}]52;c;ZXZpbA==\\u{7}"),
            (b"+OK a\rS: +OK forged\0", "+OK a\\u{d}S: +OK forged\\u{0}"),
            ("+OK \u{202e}txt.exe\u{2066}\u{feff}\u{85}".as_bytes(), "+OK \\u{202e}txt.exe\\u{2066}\\u{feff}\\u{85}"),
            (b"+OK \xff\xfe", "+OK \\xff\\xfe"),
            ("-ERR 登录失败 é".as_bytes(), "-ERR 登录失败 é"),
        ];
        for (line, expected) in table {
            assert_eq!(escaped(line), expected);
        }
    }

    #[test]
    fn pieces_that_tell() {
        let secrets = Secrets::of("ada@mail.test", &"correct-horse".into());
        for telling in [
            "correct-horse",
            "x CORRECT-HORSE",
            "orse",
            "ada@mail.test",
            "user Ada",
            "AGFkYUBtYWls",
            "Y29ycmVjdC1ob3JzZQ==",
        ] {
            assert!(secrets.are_in(telling.as_bytes()), "{telling}");
        }
        for harmless in ["", "+OK welcome", "-ERR wrong password", "cor", "mail.test", "ad"] {
            assert!(!secrets.are_in(harmless.as_bytes()), "{harmless}");
        }
        assert!(Secrets::of("u", &"pw".into()).are_in(b"-ERR PASS pw"));
        assert!(!Secrets::of("u", &"".into()).are_in(b"-ERR PASS"));
    }
}
