//! POP3_QUIRKS.md: one test a quirk, named by its number, against a server that says what it is told to, octet for octet,
//! and the whole program's fetch. What another test shows already stands in [`ELSEWHERE`], which a test checks.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)]

#[path = "quirks/bench.rs"]
mod bench;
#[path = "quirks/computers.rs"]
mod computers;
#[path = "quirks/connection.rs"]
mod connection;
#[path = "quirks/gmail.rs"]
mod gmail;
#[path = "quirks/listing.rs"]
mod listing;
#[path = "quirks/login.rs"]
mod login;
#[path = "quirks/removal.rs"]
mod removal;
#[path = "quirks/retention.rs"]
mod retention;
#[path = "quirks/retrieval.rs"]
mod retrieval;
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// What other tests show: the quirk, the file, the test.
const ELSEWHERE: &[(u32, &str, &str)] = &[
    (1, "tests/tls.rs", "each_fault_is_refused_in_its_own_words_before_a_credential_is_sent"),
    (5, "src/transport/tests/faults.rs", "starttls_asks_again_and_only_then_logs_in"),
    (9, "src/pop3/session_tests.rs", "lines_are_capped"),
    (13, "src/transport/connect.rs", "quirk_13_a_black_hole_keeps_nobody_waiting"),
    (37, "src/pop3/listing.rs", "over_long_unique_ids_stay_different"),
    (52, "tests/safety.rs", "a_message_cut_at_a_lone_dot_is_never_taken_for_whole"),
    (66, "tests/cuts.rs", "cut_at_every_octet_with_removal"),
    (69, "tests/disk_full.rs", "a_disk_that_fills_up_in_mid_fetch_loses_nothing"),
    (69, "tests/disk_full.rs", "a_commit_that_meets_a_full_disk_leaves_the_archive_whole"),
    (70, "tests/power.rs", "killed_at_each_step_of_a_visit_that_removes"),
    (70, "tests/kill.rs", "killed_at_any_moment_nothing_is_lost_and_nothing_doubled"),
    (71, "src/archive/tests.rs", "a_batch_is_stored_whole_or_not_at_all"),
];

/// All but those of OAuth and of Microsoft (20 to 27 and 92).
fn expected() -> BTreeSet<u32> {
    (1..=19).chain(28..=91).chain(93..=95).collect()
}

#[test]
fn every_quirk_has_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut shown = BTreeSet::new();
    for entry in fs::read_dir(root.join("tests/quirks")).expect("a folder") {
        let source = fs::read_to_string(entry.expect("an entry").path()).expect("a source");
        shown.extend(source.split("fn quirk_").skip(1).filter_map(|rest| rest.split('_').next()?.parse::<u32>().ok()));
    }
    for (quirk, file, test) in ELSEWHERE {
        let source = fs::read_to_string(root.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(source.contains(&format!("fn {test}(")), "{file} has no test {test}");
        shown.insert(*quirk);
    }
    let missing: Vec<_> = expected().difference(&shown).copied().collect();
    assert!(missing.is_empty(), "no test shows the quirks {missing:?}");
}
