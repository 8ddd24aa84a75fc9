//! The POP3 protocol, sans-IO: bytes in, events and bytes out (RFC 1939; CAPA and PIPELINING RFC 2449; STLS RFC 2595;
//! AUTH PLAIN RFC 5034; UTF8 RFC 6856; response codes RFC 2449 and 3206). Knows no socket, no clock and no disk; memory is bounded
//! whatever the server sends.
//!
//! [`Session`] is the whole of it: commands are enqueued, [`Session::output`] is written, what is read goes to
//! [`Session::receive`], and [`Session::poll`] gives [`Event`]s. Never here: APOP (MD5) and LAST, which are not used.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice, clippy::arithmetic_side_effects))]

mod capability;
mod command;
mod decode;
mod listing;
mod reply;
mod session;
mod trace;

pub use capability::Capabilities;
pub use command::{ArgumentError, Command, ProvedStored, Removal, Sent, check_arguments, plain_response};
pub use listing::{octets_entry, stat_answer, uidl_entry};
pub use reply::{Code, Status};
pub use session::{CommandError, Event, ProtocolError, Session};
pub use trace::{Secrets, TraceSink, Traced};
