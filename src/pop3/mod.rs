//! The POP3 protocol, sans-IO: bytes in, events and bytes out (RFC 1939; CAPA and PIPELINING RFC 2449; STLS RFC 2595;
//! AUTH PLAIN RFC 5034; response codes RFC 2449 and 3206). Knows no socket, no clock and no disk; memory is bounded
//! whatever the server sends.

use secrecy::SecretString;

/// A client command. Spelled as octets only in this module; `Debug` never shows a password.
#[derive(Debug)]
pub enum Command {
    Capa,
    Stls,
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
