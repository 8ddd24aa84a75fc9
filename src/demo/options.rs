//! What a demo server offers: its mailbox, its protection, its pace and its faults. `Default` is a correct POP3S server
//! with the sample mailbox.

use std::path::PathBuf;
use std::time::Duration;

use crate::account::Security;

use super::faults::{Door, Fault, Lie, Stls, Verb, When};

/// What lies in the maildrop at the start.
#[derive(Clone, Debug, Default)]
pub enum Mailbox {
    /// The mail of Anna Lindqvist: see [`super::sample`].
    #[default]
    Sample,
    /// These messages, oldest first.
    Messages(Vec<Vec<u8>>),
    /// So many messages of [`super::generated()`], from this seed.
    Generated(usize, u64),
}

/// What CAPA answers (RFC 2449).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Capa {
    /// The truth.
    #[default]
    Full,
    /// `-ERR`: an old server.
    Unknown,
    /// These lines.
    Lines(Vec<String>),
}

/// A moment within the handling of a command, for pauses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Received, not yet carried out.
    Before,
    /// Carried out, half of the answer's octets sent.
    Amid,
    /// Carried out, nothing of the answer sent yet. (QUIT: the messages are removed.)
    After,
}

/// What the server offers and which faults it plays.
#[derive(Clone, Debug)]
pub struct Options {
    pub(super) mailbox: Mailbox,
    pub(super) user: String,
    pub(super) password: String,
    pub(super) security: Security,
    pub(super) pipelining: bool,
    pub(super) cut_pipelining: bool,
    pub(super) capa: Capa,
    pub(super) bytes_per_second: Option<u32>,
    pub(super) pauses: Vec<(Verb, Moment, Duration)>,
    pub(super) faults: Vec<Fault>,
    pub(super) door: Door,
    pub(super) stls: Stls,
    pub(super) lies: Vec<Lie>,
    pub(super) journal: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            mailbox: Mailbox::Sample,
            user: "anna@example.org".to_owned(),
            password: "kettle-and-keys".to_owned(),
            security: Security::Tls,
            pipelining: true,
            cut_pipelining: false,
            capa: Capa::Full,
            bytes_per_second: None,
            pauses: Vec::new(),
            faults: Vec::new(),
            door: Door::Open,
            stls: Stls::Works,
            lies: Vec::new(),
            journal: None,
        }
    }
}

impl Options {
    pub fn mailbox(self, mailbox: Mailbox) -> Options {
        Options { mailbox, ..self }
    }

    /// These messages, oldest first, instead of the sample mailbox.
    pub fn messages(self, messages: impl IntoIterator<Item = Vec<u8>>) -> Options {
        self.mailbox(Mailbox::Messages(messages.into_iter().collect()))
    }

    /// So many generated messages instead of the sample mailbox.
    pub fn generated(self, count: usize, seed: u64) -> Options {
        self.mailbox(Mailbox::Generated(count, seed))
    }

    pub fn user(self, user: &str) -> Options {
        Options { user: user.to_owned(), ..self }
    }

    pub fn password(self, password: &str) -> Options {
        Options { password: password.to_owned(), ..self }
    }

    /// TLS from the first byte (the default), STLS, or nothing at all.
    pub fn security(self, security: Security) -> Options {
        Options { security, ..self }
    }

    /// Whether CAPA offers PIPELINING (the default). Who pipelines all the same is served, and noted in
    /// [`super::Session::pipelined`].
    pub fn pipelining(self, pipelining: bool) -> Options {
        Options { pipelining, ..self }
    }

    /// Ends the connection when a command arrives before the one before it was answered, whatever CAPA says.
    pub fn cut_pipelining(self) -> Options {
        Options { cut_pipelining: true, ..self }
    }

    pub fn capa(self, capa: Capa) -> Options {
        Options { capa, ..self }
    }

    /// The most octets of answers sent in a second, over one connection.
    pub fn bytes_per_second(self, octets: u32) -> Options {
        Options { bytes_per_second: Some(octets.max(1)), ..self }
    }

    /// Waits at this moment of each such command. Several add up.
    pub fn pause(mut self, verb: Verb, moment: Moment, length: Duration) -> Options {
        self.pauses.push((verb, moment, length));
        self
    }

    pub fn fault(mut self, fault: Fault) -> Options {
        self.faults.push(fault);
        self
    }

    /// `-ERR text` to PASS and AUTH alike, whatever the password.
    pub fn refuse_login(self, text: &str) -> Options {
        self.fault(Fault::refuse(Verb::Pass, When::Always, text)).fault(Fault::refuse(Verb::Auth, When::Always, text))
    }

    pub fn door(self, door: Door) -> Options {
        Options { door, ..self }
    }

    pub fn stls(self, stls: Stls) -> Options {
        Options { stls, ..self }
    }

    pub fn lie(mut self, lie: Lie) -> Options {
        self.lies.push(lie);
        self
    }

    /// Appends one JSON line for each change of state to this file, while it happens, such as
    /// `{"session":1,"micros":5120,"state":"RETR","command":"RETR 3"}`: received; `done RETR`: carried out, the answer
    /// not yet sent; `idle`: answered; `open` and `closed`: the connection.
    pub fn journal(self, file: impl Into<PathBuf>) -> Options {
        Options { journal: Some(file.into()), ..self }
    }
}
