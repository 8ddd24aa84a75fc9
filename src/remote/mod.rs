//! Remote pictures, fetched on the user's word and never otherwise.
//!
//! What is asked for is one picture at an address, and nothing goes with it that tells who asks: no cookie, no referrer,
//! no name of a program or a system, no session of TLS that was seen before. Only https, to addresses that belong to the
//! public internet (looked at where the connection really goes, so that a name that changes its mind is no way in), and
//! the same for each address that an answer leads on to. What comes is taken only where its octets are those of a picture
//! that is drawn here; its type, its name and everything else the server says are not believed. Never fonts, styles or
//! anything else.
//!
//! What counts who reads ([`crate::render::is_tracker`]) is not fetched even then.

mod address;
mod exchange;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use exchange::Exchange;
use futures::{Stream, StreamExt as _, stream};

pub use address::is_public;

/// What may be fetched of one message.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Pictures; those that come first.
    pub most: usize,
    /// Octets of one.
    pub octets: usize,
    /// Octets of all.
    pub all_octets: usize,
    /// For one, from the first question to its last octet.
    pub time: Duration,
    /// For all.
    pub all_time: Duration,
    /// How often an answer may lead on to another address.
    pub turns: usize,
    /// How many are fetched at once.
    pub beside: usize,
    /// An authority that is trusted as well as the system's.
    pub ca_file: Option<PathBuf>,
    /// This computer itself may be asked, at any port. Nothing but tests sets it.
    pub loopback_for_tests: bool,
}

impl Default for Rules {
    fn default() -> Rules {
        Rules {
            most: crate::render::MOST_PICTURES,
            octets: 8 * 1024 * 1024,
            all_octets: 48 * 1024 * 1024,
            time: Duration::from_secs(20),
            all_time: Duration::from_secs(60),
            turns: 4,
            beside: 6,
            ca_file: None,
            loopback_for_tests: false,
        }
    }
}

/// Why a picture is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// It would come without encryption.
    NotEncrypted,
    /// It counts who reads.
    Tracker,
    /// Its address is one of the user's own network, or of no network at all.
    NotPublic,
    /// The server is not there, or cannot prove who it is.
    NotReached,
    /// The server says no.
    Refused,
    TooSlow,
    TooLarge,
    /// What came is no picture that is shown here.
    NoPicture,
    /// There are so many.
    TooMany,
}

/// What became of one picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// As it was asked for.
    pub address: String,
    pub octets: Result<Vec<u8>, Refusal>,
}

/// Fetches these pictures, several at once; each is told when it is there. Wants a runtime of tokio. Nothing goes on
/// when the stream is dropped.
pub fn fetch(addresses: Vec<String>, rules: Rules) -> impl Stream<Item = Fetched> + Send {
    let beside = rules.beside;
    stream::once(Exchange::open(rules)).flat_map(move |exchange| {
        let exchange = Arc::new(exchange);
        let one = move |(number, address): (usize, String)| {
            let exchange = Arc::clone(&exchange);
            async move {
                let octets = exchange.picture(number, &address).await;
                Fetched { address, octets }
            }
        };
        stream::iter(addresses.clone().into_iter().enumerate()).map(one).buffer_unordered(beside)
    })
}
