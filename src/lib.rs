//! Postkeep keeps your mail on your own computer: it fetches mail over POP3S, stores every message for good in a local
//! archive, lets you read and search it with no network, and backs it up so that it can be proved to be safe.
//!
//! # The map
//!
//! One crate, in layers. A module uses only modules above it in this table; `tests/tidy.rs` checks that.
//!
//! | module | what it is | only here |
//! |---|---|---|
//! | [`account`] | plain values: accounts, UIDLs, message ids, digests | |
//! | [`job`] | how a long job is watched and stopped | |
//! | [`pop3`] | the protocol (RFC 1939, 2449, 2595, 5034), sans-IO: bytes in, events and bytes out | POP3 commands spelled |
//! | [`message`] | original bytes to what a person reads: headers, body, attachments, safe names | `mail-parser`, HTML |
//! | [`render`] | a message's HTML to pixels: harmless first, then laid out and drawn in a process of its own | the HTML engine |
//! | [`new_file`] | files from messages, written where nothing was | |
//! | [`settings`], [`secrets`], [`provider`] | folders; the keyring; the table of providers | `directories`, `keyring` |
//! | [`transport`] | TCP and TLS; drives a [`pop3`] session over any stream | rustls |
//! | [`remote`] | remote pictures, fetched on the user's word and never otherwise | `hyper` |
//! | [`archive`] | the two database files: ingest, ledger, lists, search | `rusqlite`, SQL |
//! | [`fetch`] | the background worker: `plan` (pure), `run`, requests in, events out | DELE decided |
//! | [`backup`] | backup, verify, restore, export, import | |
//! | [`problem`] | any error to what happened, what it means for the mail, what to do | words for people |
//! | [`demo`] | a POP3S server on loopback with sample mail and fault switches; shares no code with [`pop3`] | |
//! | `gui` | the window | `iced` |
//! | [`cli`] | the same core from a terminal | `clap`, printing |
//!
//! # What must stay true
//!
//! 1. The original bytes are the truth: a message is stored byte for byte as the server sent it. Everything derived from
//!    it can be thrown away and rebuilt.
//! 2. Store first, understand later: no parser can block or lose a message.
//! 3. A message is deleted from the server only in a session that has just re-read and re-hashed our committed copy. In
//!    the types: [`pop3::Removal`] is made from an [`archive::Proof`], and only the read-back makes a proof.
//! 4. Fetching again changes nothing: killed at any point, cut at any byte, run twice, there is no loss and no duplicate.
//! 5. What to do is decided before it is done: [`fetch::plan`] is pure, and the dry run a person sees is the value that
//!    is executed.
//! 6. The window never waits: no disk, network or parsing on the thread that draws.
//! 7. Nothing leaves the computer but the POP3 session that the user set up, and the question for a remote picture that
//!    the user asked for.
//! 8. Every failure has a sentence.
//!
//! # The journeys
//!
//! - **Fetch**: `gui`/[`cli`] → [`fetch`] → [`secrets`] → [`transport`] + [`pop3`] → [`archive`] ledger → `plan` → RETR →
//!   `archive` commit → event → the list redraws; then read-back → DELE → QUIT → ledger.
//! - **Open**: list → [`archive`] bytes → [`message`] → text at once; its HTML → [`render`] → the page, or the text stays.
//! - **Search**: keystroke → `archive::query` (pure, never fails) → `archive::search` → row keys → rows for what is seen.
//! - **Back up**: button → what the folder lacks goes into new segments → every hash read back → manifest renamed last.

pub mod account;
pub mod archive;
pub mod backup;
pub mod cli;
pub mod demo;
pub mod fetch;
#[cfg(feature = "gui")]
pub mod gui;
pub mod job;
pub mod message;
pub mod new_file;
pub mod pop3;
pub mod problem;
pub mod provider;
pub mod remote;
pub mod render;
pub mod secrets;
pub mod settings;
pub mod transport;
