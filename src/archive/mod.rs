//! The local archive: `mail.db`, which holds the truth, and `index.db`, which can be rebuilt from it at any time.
//!
//! Every call blocks on the disk: call it from a plain thread or `spawn_blocking`, never from the thread that draws or
//! from an async task. One process writes an archive, under an OS lock; any number may read it.

mod accounts;
mod awaited;
mod bin;
mod browse;
mod bundles;
mod codec;
mod columns;
mod compact;
mod connections;
mod copies;
mod entry;
mod erase;
mod error;
mod filling;
mod fold;
mod health;
mod highlight;
mod index;
mod ingest;
mod known;
mod ledger;
mod log;
mod maildrop;
mod medium;
mod open;
mod order;
mod original;
mod query;
mod rewrite;
mod scrub;
mod search;
mod seen;
mod senders;
mod shelves;
mod snapshot;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::{AccountId, Digest, MessageId, Retention, Server, Uidl};

pub use awaited::Awaited;
pub use bin::{Emptied, Emptying, KEPT};
pub use browse::{Ids, Mark};
pub use codec::decode as decoded;
pub use compact::Compacted;
pub use error::{ArchiveError, Result};
pub use highlight::{Field, Highlighter, Snippet, highlights};
pub use log::{Habit, Habits, Left, LogEntry, LoggedSession, Withheld};
pub use maildrop::{MaildropState, ServerWord};
pub use order::{Section, Sort, SortBy, Sorted};
pub use query::{Begun, begun, typed};
pub use rewrite::Repacked;
pub use scrub::Idle;
pub use search::Searched;
pub use snapshot::Snapshot;

/// A handle on an archive; clones share it.
#[derive(Clone)]
pub struct Archive {
    shared: Arc<connections::Shared>,
}

/// A maildrop: one (account, host, user), the scope in which a UIDL means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MaildropId(pub i64);

/// One visit to a server, in the sync log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub i64);

/// Read and star.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    pub read: bool,
    pub starred: bool,
}

/// What a new account needs.
#[derive(Clone, Debug)]
pub struct NewAccount {
    pub address: String,
    pub server: Server,
    pub name: String,
    pub retention: Retention,
    pub password_command: Option<String>,
}

/// What becomes of an account's mail when the account is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mail {
    Keep,
    /// Erased for ever from this archive.
    Erase,
}

/// Where a message's copy on the server stands. Rows are never forgotten because a listing was short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CopyState {
    /// Seen in a listing, not stored here yet.
    Listed,
    /// Stored here; the server has its copy too.
    Stored,
    /// DELE is about to be sent or was sent; the server has not confirmed it with QUIT.
    DeleSent,
    /// The server confirmed the removal.
    Gone,
    /// DELE was sent and QUIT's answer never came: the next listing tells.
    DeleteUnknown,
    /// It left the server without us (another program, web mail, expiry).
    Vanished,
    /// The server would not give the message, or it is larger than the limit: it stays there.
    Refused,
    /// Deleted here for good; the server's copy stays and is not fetched again.
    Erased,
}

/// One row of the ledger: one message of one maildrop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    pub uidl: Uidl,
    /// 0 but for UIDLs that stand more than once in one listing: then 0, 1, 2 in the order of the listing.
    pub ordinal: u32,
    /// The message stored here, if it is.
    pub message: Option<MessageId>,
    pub state: CopyState,
    /// Octets as LIST gave them when last seen.
    pub octets: Option<u64>,
    /// Octets of the message stored here.
    pub stored_octets: Option<u64>,
    /// The maildrop's age when it was first seen: see [`MaildropState::age`].
    pub since: i64,
    /// Taken for the message stored here by its header section and size; the bytes were not compared.
    pub recognised: bool,
    /// How often the server confirmed its removal.
    pub removals: u32,
    /// How often it was asked for in vain.
    pub tries: u32,
}

/// One line of a server's listing: UIDL joined with LIST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedMessage {
    /// The message number, meaningful in this session only.
    pub number: u32,
    pub uidl: Uidl,
    /// See [`LedgerEntry::ordinal`].
    pub ordinal: u32,
    pub octets: Option<u64>,
}

/// A message to be stored.
#[derive(Clone, Debug)]
pub struct Incoming {
    pub bytes: Vec<u8>,
    pub arrived: Timestamp,
    pub marks: Marks,
    pub from: Origin,
}

/// Where a message comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// RETR: stored together with its ledger row in one transaction.
    Maildrop {
        session: SessionId,
        maildrop: MaildropId,
        account: AccountId,
        uidl: Uidl,
        ordinal: u32,
        octets: Option<u64>,
    },
    /// Imported from a file; `account` when it is known whose it was.
    File { account: Option<AccountId> },
    /// The same from an mbox, which cannot hold a message without a line end at its end and gives it one: such a message
    /// that is here without it is the same.
    Mbox,
    /// Restored from a backup: stored unless these very bytes are here, likeness or not. Whose it was, what it is a
    /// twin of and whether there were two of it comes with [`Archive::merge`] afterwards.
    Backup,
}

/// What became of an [`Incoming`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ingested {
    /// A new message.
    Added(MessageId),
    /// The archive held these very bytes (or, for a file, their likeness): nothing was stored, the ledger now points
    /// at this message.
    AlreadyHere(MessageId),
    /// From a maildrop, with the likeness of a message that is here but other bytes: stored so that the server's exact
    /// copy is ours too, shown once.
    Twin { stored: MessageId, of: MessageId },
}

/// The proof that our committed copy of a message of a maildrop was just read back, on another connection, and hashed
/// to what was stored. Only [`Archive::prove`] makes one, and `pop3::Removal` is made only from one: DELE without
/// proof does not compile. (It proves what SQLite and the drivers wrote, not what the platter holds.)
#[derive(Debug)]
pub struct Proof {
    number: u32,
    message: MessageId,
}

impl Proof {
    /// The message here whose copy there may go.
    pub fn message(&self) -> MessageId {
        self.message
    }
}

/// Which part of the archive a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum View {
    All,
    Unread,
    Starred,
    Account(AccountId),
    /// Deleted, and still to be had back. In no other view.
    Bin,
}

/// The row id of a message in `index.db`: (seconds of its date, clamped) << 29 | message id. Unique, positive, newest
/// is largest, the same after every rebuild.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SortKey(pub i64);

impl SortKey {
    pub fn message(self) -> MessageId {
        MessageId(self.0 & ((1 << 29) - 1))
    }
}

/// One row of the message list.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub key: SortKey,
    pub id: MessageId,
    pub account: Option<AccountId>,
    pub subject: String,
    pub from_name: String,
    pub from_address: String,
    /// The Date field, or the time of arrival when there is none or it lies in the future.
    pub date: Timestamp,
    pub size: u64,
    pub attachments: u32,
    pub preview: String,
    pub marks: Marks,
    /// Whether the server still has a copy, as far as the ledger knows.
    pub on_server: bool,
    /// When the newest backup that holds it was last verified.
    pub in_backup: Option<Timestamp>,
    /// When it was deleted, where it is in the bin.
    pub binned: Option<Timestamp>,
}

impl Row {
    /// Who it is from, in a line that has room for the name or the address; empty where neither is known.
    pub fn sender(&self) -> &str {
        crate::message::called(&self.from_name, &self.from_address)
    }
}

/// Numbers for the sidebar and the copies card. Messages shown once are counted once, and those in the bin only there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub all: u64,
    pub unread: u64,
    pub starred: u64,
    pub on_server: u64,
    pub in_backup: u64,
    pub bin: u64,
    pub accounts: Vec<(AccountId, u64)>,
    /// Messages stored but not indexed yet.
    pub to_index: u64,
}

/// What a search found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Newest first.
    pub keys: Vec<SortKey>,
    /// Sentences about what was not understood and searched as words instead.
    pub notes: Vec<String>,
}

/// Someone who wrote, offered while a sender is typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sender {
    /// As the newest message that gives a name has it.
    pub name: String,
    pub address: String,
    pub messages: u64,
}

/// A message as the truth holds it, without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub id: MessageId,
    pub digest: Digest,
    pub octets: u64,
    pub account: Option<AccountId>,
    pub arrived: Timestamp,
    pub marks: Marks,
    /// Set when this message is shown as that one; see [`Ingested::Twin`].
    pub twin_of: Option<MessageId>,
}

/// How one visit ended, for the sync log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionOutcome {
    pub listed: u64,
    pub retrieved: u64,
    pub deleted: u64,
    /// Messages left on the server on purpose.
    pub kept: u64,
    /// Messages that could not be fetched or stored; each is still on the server.
    pub failed: u64,
    /// Octets of the messages retrieved.
    pub octets: u64,
    /// Why the visit ended early, in a sentence.
    pub problem: Option<String>,
}

/// What [`Archive::check`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    pub checked: u64,
    /// Each damaged message with its subject, where that is still known, and what is wrong, in a sentence.
    pub damaged: Vec<(MessageId, String)>,
    /// Damage that is not one message's.
    pub problems: Vec<String>,
}

impl crate::pop3::ProvedStored for Proof {
    fn number(&self) -> u32 {
        self.number
    }
}
