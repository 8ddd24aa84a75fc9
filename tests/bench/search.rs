//! Times of a search on generated mail: the first 100 rows of each kind of query, warm.

use std::time::Duration;

use jiff::Timestamp;
use postkeep::archive::{Archive, Incoming, Marks, Origin, View};
use postkeep::demo::generated;
use postkeep::job::Cancel;

use crate::{Scale, percentile, timed};

/// Each kind of query is asked so many times.
const TIMES: usize = 50;
pub const ROWS: usize = 100;
pub const SEED: u64 = 2;

pub fn bench(scale: &Scale) {
    let folder = tempfile::tempdir_in(".").expect("a folder on the disk of the checkout");
    let archive = Archive::open(folder.path()).expect("an archive");
    let ((), stored) = timed(|| fill(&archive, scale.searched));
    let (_, indexed) = timed(|| archive.index_pending(&Cancel::new(), &mut |_| {}).expect("an index"));
    println!(
        "  {} messages: stored in {:.1} s, indexed in {:.1} s",
        scale.searched,
        stored.as_secs_f64(),
        indexed.as_secs_f64()
    );

    ask_each(&archive);
}

/// Each kind of query, so many times, and how long the first [`ROWS`] of its rows take.
pub fn ask_each(archive: &Archive) {
    // A window knows of all mail before it searches.
    archive.counts().expect("the numbers");
    for (kind, query) in queries() {
        let mut samples = Vec::new();
        let mut found = 0;
        for _ in 0..TIMES {
            let (rows, time) = timed(|| ask(archive, query));
            found = rows;
            samples.push(time);
        }
        let median = percentile(&mut samples, 0.5);
        let p95 = percentile(&mut samples, 0.95);
        println!("  {kind:<28} {query:<28} {found:>4} rows  median {}  p95 {}", millis(median), millis(p95));
    }
}

/// The floor of a search: reading the same number of rows of the newest mail, no query at all, stands first.
fn ask(archive: &Archive, query: &str) -> usize {
    let found = archive.search(query, View::All, Some(ROWS), &Cancel::new()).expect("an answer");
    archive.rows(&found.keys).expect("rows").len()
}

pub fn fill(archive: &Archive, count: usize) {
    store(archive, generated(count, SEED));
}

pub fn store(archive: &Archive, mail: impl Iterator<Item = Vec<u8>>) {
    let mut batch = Vec::new();
    for bytes in mail {
        batch.push(Incoming {
            bytes,
            arrived: Timestamp::now(),
            marks: Marks::default(),
            from: Origin::File { account: None },
        });
        if batch.len() == 500 {
            archive.ingest(std::mem::take(&mut batch)).expect("stored");
        }
    }
    archive.ingest(batch).expect("stored");
}

/// Words of the generator for this seed, with the messages of 100,000 that hold them.
fn queries() -> Vec<(&'static str, &'static str)> {
    vec![
        ("no query (floor: rows only)", ""),
        ("a word in 93 of 100", "kai"),
        ("a word in 1 of 12", "lostier"),
        ("a word in 1 of 900", "goarnmumnea"),
        ("a word in one message", "84495"),
        ("two common words", "kai and"),
        ("two rarer words", "lostier wostomi"),
        ("a phrase in 7 of 100", "\"kai kai\""),
        ("a phrase in 1 of 1,000", "\"woshi purn\""),
        ("a prefix of three letters", "tra*"),
        ("a prefix of two letters", "tr*"),
        ("a prefix of one letter", "h*"),
        ("from: and a word", "from:zoe kai"),
        ("a date and a word", "after:2017 before:2019 kai"),
        ("a negation", "kai -and"),
        ("a rarer word without it", "lostier -kai"),
        ("unread", "is:unread"),
        ("a CJK pair", "にち"),
        ("nothing found", "zzzzqqqq"),
    ]
}

fn millis(time: Duration) -> String {
    format!("{:>8.3} ms", time.as_secs_f64() * 1e3)
}
