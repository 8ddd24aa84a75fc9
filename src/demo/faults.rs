//! What the demo server can do wrong on purpose. A fault says at which command, at which time, and what happens instead
//! of the right answer; the door and the listing have faults of their own.

use super::certificates::BadCertificate;

/// A command of the session as faults, pauses and counters name it. `Greeting` is the server's first line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verb {
    Greeting,
    Capa,
    Stls,
    User,
    Pass,
    Auth,
    Stat,
    List,
    Uidl,
    Retr,
    Top,
    Dele,
    Rset,
    Noop,
    Quit,
    /// Anything else.
    Unknown,
}

impl Verb {
    /// The keyword in upper case, as the transcript and the journal show it.
    pub fn as_str(self) -> &'static str {
        match self {
            Verb::Greeting => "greeting",
            Verb::Capa => "CAPA",
            Verb::Stls => "STLS",
            Verb::User => "USER",
            Verb::Pass => "PASS",
            Verb::Auth => "AUTH",
            Verb::Stat => "STAT",
            Verb::List => "LIST",
            Verb::Uidl => "UIDL",
            Verb::Retr => "RETR",
            Verb::Top => "TOP",
            Verb::Dele => "DELE",
            Verb::Rset => "RSET",
            Verb::Noop => "NOOP",
            Verb::Quit => "QUIT",
            Verb::Unknown => "unknown",
        }
    }

    pub(super) fn of(word: &str) -> Verb {
        use Verb::{Auth, Capa, Dele, List, Noop, Pass, Quit, Retr, Rset, Stat, Stls, Top, Uidl, User};
        [Capa, Stls, User, Pass, Auth, Stat, List, Uidl, Retr, Top, Dele, Rset, Noop, Quit]
            .into_iter()
            .find(|verb| verb.as_str().eq_ignore_ascii_case(word))
            .unwrap_or(Verb::Unknown)
    }
}

/// At which of the commands of its kind a fault plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    Always,
    /// The n-th since the server started, over all sessions; the first is 1.
    Nth(u32),
    /// Those whose first argument is this message number.
    Message(usize),
    /// Those of the n-th connection; the first is 1.
    Session(u32),
}

/// How a connection ends before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// A TCP reset.
    Reset,
    /// The TCP connection is closed; TLS says nothing (no close_notify).
    Silent,
    /// TLS is closed properly (close_notify), then TCP.
    Proper,
}

/// What happens instead of the right answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// The command is not carried out; the answer is `-ERR` and this text.
    Refuse(String),
    /// The command is carried out; the answer is nevertheless `-ERR` and this text. (QUIT: messages are removed.)
    RefuseAfter(String),
    /// The command is not carried out; these octets are the answer.
    Answer(Vec<u8>),
    /// The command is carried out and answered; these octets follow in the same write.
    Append(Vec<u8>),
    /// The command is not carried out and the connection ends without an answer. (QUIT: nothing is removed.)
    Drop(Cut),
    /// The command is carried out; the connection ends after so many octets of the answer, counted from the `+` of
    /// `+OK`. (QUIT: messages are removed.)
    DropAfter(usize, Cut),
    /// The command is not carried out; no answer ever comes, the connection stays open.
    Hang,
}

/// One fault. All that apply to a command are looked through in order; the first plays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub verb: Verb,
    pub when: When,
    pub act: Act,
}

impl Fault {
    pub fn new(verb: Verb, when: When, act: Act) -> Fault {
        Fault { verb, when, act }
    }

    /// `-ERR text` in place of what the command asks for.
    pub fn refuse(verb: Verb, when: When, text: &str) -> Fault {
        Fault::new(verb, when, Act::Refuse(text.to_owned()))
    }

    /// Ends the connection after `octets` octets of the answer to the `nth` RETR since the server started.
    pub fn cut_retr(nth: u32, octets: usize, cut: Cut) -> Fault {
        Fault::new(Verb::Retr, When::Nth(nth), Act::DropAfter(octets, cut))
    }

    /// Ends the connection at each QUIT: before the messages are removed, or after, without an answer either way.
    pub fn drop_at_quit(removed_first: bool, cut: Cut) -> Fault {
        let act = if removed_first { Act::DropAfter(0, cut) } else { Act::Drop(cut) };
        Fault::new(Verb::Quit, When::Always, act)
    }
}

/// What a client meets before POP3 begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Door {
    /// As the account's security says.
    #[default]
    Open,
    /// TLS with a certificate that has to be refused.
    Certificate(BadCertificate),
    /// A POP3 greeting in clear on the TLS port.
    Plaintext,
    /// A captive portal's HTTP redirection.
    Http,
    /// Octets that are no protocol at all.
    Garbage,
    /// A server that knows TLS 1.1 and nothing newer: its ServerHello says so.
    OldTls,
    /// A fatal internal_error alert.
    Alert,
    /// The client's hello is read and never answered.
    Hang,
    /// The connection is closed as soon as it was accepted.
    Close,
}

/// How STLS misbehaves (RFC 2595; the attacks of RFC 8314 section 5.2 and NO STARTTLS).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stls {
    #[default]
    Works,
    /// Missing from CAPA and unknown when sent.
    Stripped,
    /// In CAPA, refused with `-ERR` when sent.
    Refused,
    /// Accepted, with a second answer in the same packet, before TLS.
    Injected,
    /// Accepted; then the handshake hangs.
    Hangs,
}

/// How the listing lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lie {
    /// The first session that logs in finds an empty maildrop.
    EmptyOnce,
    /// From the second session on, each session shows UIDLs never seen before.
    RenumberedUidls,
    /// All messages have one and the same UIDL.
    RepeatedUidl,
    /// LIST and STAT give these words, over and over, in place of the sizes.
    Sizes(Vec<String>),
    /// UIDL leaves out the last so many messages.
    ShortUidl(usize),
    /// Each session numbers the messages the other way round than the one before.
    ReversedOrder,
    /// A message is gone for good at DELE, whatever comes after it: a careless server, the hardest for a client.
    RemovesAtDele,
}
