//! Plain values that every layer speaks of: accounts, UIDLs, message ids, digests. No behaviour beyond parsing and
//! printing them.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The row id of an account in `mail.db`. Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountId(pub i64);

/// The row id of a message in `mail.db`: a small positive integer, stable and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MessageId(pub i64);

impl fmt::Display for MessageId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// The unique-id that a server gives to a message (RFC 1939 section 7, UIDL).
///
/// The RFC asks for 1 to 70 characters in 0x21..=0x7E. Real servers send longer ones, 8-bit ones and ones with spaces,
/// so this is opaque bytes, at most [`Uidl::LONGEST`] of them.
#[derive(Clone)]
pub struct Uidl(Octets);

/// Hundreds of thousands of them are held at a time, and most are short: those lie in place.
#[derive(Clone)]
enum Octets {
    Short { octets: [u8; Octets::IN_PLACE], length: u8 },
    Long(Arc<[u8]>),
}

impl Octets {
    const IN_PLACE: usize = 30;
}

impl Uidl {
    /// The longest unique-id that is kept, in octets.
    pub const LONGEST: usize = 1024;

    /// `None` when `bytes` is empty or longer than [`Uidl::LONGEST`].
    pub fn new(bytes: &[u8]) -> Option<Uidl> {
        if !(1..=Uidl::LONGEST).contains(&bytes.len()) {
            return None;
        }
        let mut octets = [0; Octets::IN_PLACE];
        Some(Uidl(match (octets.get_mut(..bytes.len()), u8::try_from(bytes.len())) {
            (Some(place), Ok(length)) => {
                place.copy_from_slice(bytes);
                Octets::Short { octets, length }
            }
            _ => Octets::Long(bytes.into()),
        }))
    }

    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Octets::Short { octets, length } => octets.get(..usize::from(*length)).unwrap_or(octets),
            Octets::Long(octets) => octets,
        }
    }
}

impl PartialEq for Uidl {
    fn eq(&self, other: &Uidl) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Uidl {}

impl Hash for Uidl {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl PartialOrd for Uidl {
    fn partial_cmp(&self, other: &Uidl) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Uidl {
    fn cmp(&self, other: &Uidl) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl fmt::Debug for Uidl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Uidl({})", self.as_bytes().escape_ascii())
    }
}

/// SHA-256 of a message's original bytes: the exact identity, which alone justifies removing the server's copy.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    pub fn of(bytes: &[u8]) -> Digest {
        use sha2::Digest as _;
        Digest(sha2::Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(formatter, "{octet:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Digest({self})")
    }
}

/// A text that is not 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a SHA-256 digest: expected 64 hexadecimal digits")]
pub struct NotADigest;

impl FromStr for Digest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Digest, NotADigest> {
        let nibbles: Vec<u8> = text
            .chars()
            .map(|digit| digit.to_digit(16).and_then(|value| u8::try_from(value).ok()))
            .collect::<Option<_>>()
            .ok_or(NotADigest)?;
        let octets: Vec<u8> =
            nibbles.chunks_exact(2).map(|pair| pair.iter().fold(0, |sum, nibble| sum << 4 | nibble)).collect();
        (nibbles.len() == 64).then_some(()).ok_or(NotADigest)?;
        octets.try_into().map(Digest).map_err(|_| NotADigest)
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Digest, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// How the connection to the server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// TLS from the first byte: POP3S, port 995 (RFC 8314).
    Tls,
    /// STLS before anything else is said, port 110 (RFC 2595); refused when the server does not offer it.
    StartTls,
    /// No protection. Only when the account says so explicitly.
    None,
}

impl Security {
    /// The port that servers use for it: 995 with TLS from the first byte, 110 otherwise.
    pub fn default_port(self) -> u16 {
        match self {
            Security::Tls => 995,
            Security::StartTls | Security::None => 110,
        }
    }

    /// The word of the command line and of the files: `tls`, `starttls` or `none`.
    pub fn as_str(self) -> &'static str {
        match self {
            Security::Tls => "tls",
            Security::StartTls => "starttls",
            Security::None => "none",
        }
    }
}

impl fmt::Display for Security {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A word that is none of `tls`, `starttls` and `none`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the encryption is one of tls, starttls, none; not {0:?}")]
pub struct UnknownSecurity(String);

impl FromStr for Security {
    type Err = UnknownSecurity;

    fn from_str(word: &str) -> Result<Security, UnknownSecurity> {
        [Security::Tls, Security::StartTls, Security::None]
            .into_iter()
            .find(|security| security.as_str() == word)
            .ok_or_else(|| UnknownSecurity(word.to_owned()))
    }
}

/// How long the server keeps its copy of a fetched message. What goes, goes only once it is proved to be stored here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retention {
    /// "Leave a copy on server" is on: nothing is ever removed there.
    #[default]
    LeaveCopy,
    /// So many days after it was first seen there. Days of visits: a clock that jumps expires nothing.
    Days(u16),
    /// Until it is deleted here.
    UntilDeleted,
    /// Until it is in a verified backup.
    UntilBackedUp,
    /// Only the newest so many messages stay there.
    NewestMessages(u32),
    /// Only the newest so many octets stay there.
    NewestOctets(u64),
    /// It is off: a message is removed from the server once it is proved to be stored here.
    RemoveOnceStored,
}

impl Retention {
    /// Whether nothing is ever removed.
    pub fn leaves_copy(self) -> bool {
        self == Retention::LeaveCopy
    }
}

/// The words of the command line and of `mail.db`: `always`, `30d`, `until-deleted`, `until-backup`, `newest:500`,
/// `newest:500MB` (of a million octets), `none`.
impl fmt::Display for Retention {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Retention::LeaveCopy => formatter.write_str("always"),
            Retention::Days(days) => write!(formatter, "{days}d"),
            Retention::UntilDeleted => formatter.write_str("until-deleted"),
            Retention::UntilBackedUp => formatter.write_str("until-backup"),
            Retention::NewestMessages(messages) => write!(formatter, "newest:{messages}"),
            Retention::NewestOctets(octets) => write!(formatter, "newest:{}MB", octets / MEGA),
            Retention::RemoveOnceStored => formatter.write_str("none"),
        }
    }
}

/// Octets of a megabyte, as on the label of a disk.
const MEGA: u64 = 1_000_000;

/// A word that says no retention.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "how long copies stay on the server is one of always, 30d, until-deleted, until-backup, newest:500, newest:500MB, none; not {0:?}"
)]
pub struct UnknownRetention(String);

impl FromStr for Retention {
    type Err = UnknownRetention;

    fn from_str(word: &str) -> Result<Retention, UnknownRetention> {
        let unknown = || UnknownRetention(word.to_owned());
        let positive = |digits: &str| digits.parse::<u32>().ok().filter(|number| *number > 0).ok_or_else(unknown);
        match word {
            "always" => return Ok(Retention::LeaveCopy),
            "until-deleted" => return Ok(Retention::UntilDeleted),
            "until-backup" => return Ok(Retention::UntilBackedUp),
            "none" => return Ok(Retention::RemoveOnceStored),
            _ => {}
        }
        if let Some(days) = word.strip_suffix('d') {
            return Ok(Retention::Days(positive(days)?.try_into().map_err(|_| unknown())?));
        }
        let newest = word.strip_prefix("newest:").ok_or_else(unknown)?;
        match newest.strip_suffix("MB") {
            Some(megabytes) => Ok(Retention::NewestOctets(u64::from(positive(megabytes)?) * MEGA)),
            None => positive(newest).map(Retention::NewestMessages),
        }
    }
}

/// When an account is visited, and what a visit may bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fetching {
    /// Minutes between two visits, also the first after the start; 0: only when asked.
    pub every: u16,
    /// For connections that come and go: small messages first, removals in small batches.
    pub weak_link: bool,
    /// Of messages over so many octets only the header section is fetched, until the whole is asked for. `None`: all come
    /// whole.
    pub headers_over: Option<u64>,
    /// Octets that one visit may bring; the rest waits for the next. `None`: no limit.
    pub budget: Option<u64>,
}

impl Default for Fetching {
    fn default() -> Fetching {
        Fetching { every: 15, weak_link: false, headers_over: None, budget: None }
    }
}

/// A mailbox on a server and how to reach it. Holds no password: see `secrets`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub id: AccountId,
    /// The e-mail address: the name by which the user and the command line speak of the account. Unique, compared
    /// without case.
    pub address: String,
    #[serde(flatten)]
    pub server: Server,
    /// What the list shows instead of the address; empty when the user gave none.
    pub name: String,
    pub retention: Retention,
    pub fetching: Fetching,
    /// A command run through `sh -c` whose first line of output is the password; for machines without a keyring.
    pub password_command: Option<String>,
}

/// Where an account's maildrop is and how to reach it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    pub host: String,
    pub port: u16,
    pub security: Security,
    /// The user's name there, usually the full address.
    pub user: String,
    /// A certificate authority (PEM) trusted for this account beside the platform's own.
    pub ca_file: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unique_id_is_its_octets_wherever_they_lie() {
        let made = |length: usize| vec![b'a'; length];
        for length in [1, 29, 30, 31, 70, Uidl::LONGEST] {
            let uidl = Uidl::new(&made(length)).unwrap();
            assert_eq!(uidl.as_bytes(), made(length));
            assert!(uidl > Uidl::new(&made(length)[..length - 1]).unwrap_or(Uidl::new(b"A").unwrap()));
        }
        assert!(Uidl::new(b"").is_none() && Uidl::new(&made(Uidl::LONGEST + 1)).is_none());
    }

    #[test]
    fn retentions_are_read_as_they_are_written() {
        let all = [
            (Retention::LeaveCopy, "always"),
            (Retention::Days(30), "30d"),
            (Retention::UntilDeleted, "until-deleted"),
            (Retention::UntilBackedUp, "until-backup"),
            (Retention::NewestMessages(500), "newest:500"),
            (Retention::NewestOctets(500_000_000), "newest:500MB"),
            (Retention::RemoveOnceStored, "none"),
        ];
        for (retention, word) in all {
            assert_eq!(retention.to_string(), word);
            assert_eq!(word.parse(), Ok(retention));
        }
        for word in ["", "d", "0d", "-1d", "99999d", "newest:", "newest:0", "newest:MB", "off", "30"] {
            assert_eq!(word.parse::<Retention>(), Err(UnknownRetention(word.to_owned())));
        }
    }
}
