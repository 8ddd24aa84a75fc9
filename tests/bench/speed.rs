//! Speed, measured: `cargo bench`. Every figure stands beside a floor measured in the same run on the same machine.
//!
//! - fetch: 10,000 generated messages from the embedded server over TLS, stored with `synchronous=FULL` and indexed,
//!   left on the server and then, in another archive, removed (so read back too); the floor is a client that only
//!   reads the same octets off the same kind of connection.
//! - import: an mbox of 20,000 generated messages into a new archive, and once more; the floor is mail-parser over the
//!   same file and its bytes written to another.
//! - search: 100,000 generated messages; the first 100 rows of each kind of query.
//! - frame: update, view, layout and drawing of the list at 1,000,000 messages, at any depth.
//! - page: from the choice of a message to the frame with its page, over the templates beside the checkout.
//! - bombs: messages that are small to send and large to read, until there is something to read.
//! - start: from the start of the process to the first frame of the window, under Xvfb.
//!
//! `cargo bench --bench speed -- fetch` (or `import`, `search`, `frame`, `page`, `bombs`, `start`) runs one of them;
//! `--small` takes a
//! tenth of the messages. `-- beside` indexes and searches beside notmuch and mu, `-- million` searches 1,000,000
//! messages and opens the window on them: both take long.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)]

mod beside;
mod bombs;
mod fetch;
mod floor;
#[cfg(feature = "gui")]
mod frame;
#[cfg(feature = "gui")]
#[path = "../frames/mod.rs"]
mod frames;
mod import;
mod million;
#[cfg(feature = "gui")]
mod page;
mod search;
mod start;

use std::time::{Duration, Instant};

/// How many messages.
pub struct Scale {
    pub fetched: usize,
    pub imported: usize,
    pub searched: usize,
    pub many: usize,
}

/// These run only when named: they take long.
const ASKED: [&str; 2] = ["beside", "million"];

type Bench = fn(&Scale);

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [role, count, seed] = words.as_slice()
        && role == fetch::SERVER_ROLE
    {
        fetch::serve(count.parse().expect("a count"), seed.parse().expect("a seed"));
        return;
    }
    let small = words.iter().any(|word| word == "--small");
    let part = if small { 10 } else { 1 };
    let scale =
        Scale { fetched: 10_000 / part, imported: 20_000 / part, searched: 100_000 / part, many: 1_000_000 / part };
    let all: &[(&str, Bench)] = &[
        ("fetch", fetch::bench),
        ("import", import::bench),
        ("search", search::bench),
        #[cfg(feature = "gui")]
        ("frame", frame::bench),
        #[cfg(feature = "gui")]
        ("page", page::bench),
        ("bombs", bombs::bench),
        ("start", start::bench),
        ("beside", beside::bench),
        ("million", million::bench),
    ];
    let named = all.iter().any(|(name, _)| words.iter().any(|word| word == name));
    for &(name, bench) in all {
        if (!named && !ASKED.contains(&name)) || words.iter().any(|word| word == name) {
            println!("\n{name}");
            bench(&scale);
        }
    }
}

/// Runs it and says how long it took.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let value = work();
    (value, start.elapsed())
}

/// The value at this share of the sorted samples.
pub fn percentile(samples: &mut [Duration], share: f64) -> Duration {
    samples.sort();
    let index = ((samples.len() as f64 - 1.0) * share).round() as usize;
    samples[index]
}
