//! POP3_QUIRKS.md: one test a quirk, named by its number, against a server that says what it is told to, octet for octet,
//! and the whole program's fetch. What another test shows already stands in [`ELSEWHERE`], which a test checks.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)]

#[path = "quirks/bench.rs"]
mod bench;
#[path = "quirks/connection.rs"]
mod connection;
#[path = "quirks/listing.rs"]
mod listing;
#[path = "quirks/login.rs"]
mod login;
#[path = "quirks/removal.rs"]
mod removal;
#[path = "quirks/retrieval.rs"]
mod retrieval;
mod support;
