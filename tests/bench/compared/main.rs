//! The cost of a fetch beside other programs, measured: `cargo bench --bench fetch`. Needs what `tests/run` installs, and
//! `mpop`, `fetchmail` and `time` of Debian; every client is the program itself in a process of its own.
//!
//! - whole: 10,000 messages from Dovecot over TLS into an empty place: the floor (a pipelined RETR that throws the octets
//!   away), mpop (into a Maildir, with fsync, as it does by default), fetchmail (one file, `--bsmtp`: no process for each
//!   message), and Postkeep, with a copy left and removed. The runs take turns; medians.
//! - delay: 500 messages over a line of 80 ms round trip, beside the time that the octets alone take.
//! - many: nothing new among 250,000 messages.
//!
//! The mail is that of `../shared/bench/gen_corpus.py` (seed 1) where it is there, else `demo::generated` (seed 1).
//! `cargo bench --bench fetch -- whole` (or `delay`, `many`) runs one of them; `--small` takes a tenth of the messages.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)]

mod clients;
mod delay;
#[path = "../floor.rs"]
mod floor;
mod mail;
mod many;
mod slow;
#[path = "../../support/mod.rs"]
mod support;
mod whole;

type Bench = fn(usize);

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [clients::FLOOR_ROLE, port, ca_file, user, password, last] => {
            let read = |word: &str| word.parse().expect("a number");
            let port = u16::try_from(read(port)).expect("a port");
            let (count, octets) = floor::read(port, ca_file.as_ref(), user, password, read(last));
            println!("{count} {octets}");
            return;
        }
        [many::SERVER_ROLE, count] => return many::serve(count.parse().expect("a count")),
        _ => {}
    }
    let part = if words.iter().any(|word| word == "--small") { 10 } else { 1 };
    let all: [(&str, Bench); 3] = [("whole", whole::bench), ("delay", slow::bench), ("many", many::bench)];
    let named = all.iter().any(|(name, _)| words.iter().any(|word| word == name));
    for (name, bench) in all {
        if !named || words.iter().any(|word| word == name) {
            println!("\n{name}");
            bench(part);
        }
    }
}
