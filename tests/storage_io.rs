//! A disk that fails (FAULTS 4, 5, 8): one call of the program on its archive fails, each time another one, while it
//! fetches and removes. It must not crash and must not remove a message from the server after the failure; it says what
//! is wrong; and the next fetch, with the disk well again, has everything exactly once.
#![cfg(target_os = "linux")]
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)]

#[path = "support/bench.rs"]
mod bench;
#[path = "support/faults.rs"]
mod faults;
mod support;

use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;

use bench::{Bench, Mode, in_thousands, small_mail, soak};
use faults::{EIO, EROFS, Fault, NONE, play};
use postkeep::account::Security;
use postkeep::demo::Options;
use support::Dice;

const SEED: u64 = 0x000d_15c0;
const MAIL: usize = 12;
const CALLS: &[&str] = &["sync", "write", "read", "open", "truncate", "map"];
/// Failures of calls other than fsync in each run.
const SAMPLES: u64 = 20;

/// In the clear, so that the preloaded library sees DELE.
fn bench() -> (Bench, Vec<Vec<u8>>) {
    let bench = Bench::over(Security::None, Mode::Remove, Options::default());
    (bench, small_mail(SEED).take(MAIL).collect())
}

/// How often a fetch makes each call, and one fault after the other.
fn counted(bench: &mut Bench, mail: &[Vec<u8>]) -> std::collections::BTreeMap<String, u64> {
    bench.begin(mail.to_vec());
    let folder = bench.archive();
    let played = play(&mut bench.postkeep(&["fetch"]), &folder, NONE);
    assert!(played.output.status.success(), "{}", String::from_utf8_lossy(&played.output.stderr));
    bench.all_is_settled("with no fault");
    played.counts
}

/// What the program said, if the fault made it fail.
fn one(bench: &mut Bench, mail: &[Vec<u8>], fault: Fault) -> Option<String> {
    bench.begin(mail.to_vec());
    let folder = bench.archive();
    let played = play(&mut bench.postkeep(&["fetch"]), &folder, fault);
    let said = String::from_utf8_lossy(&played.output.stderr).into_owned();
    assert_eq!(played.output.status.signal(), None, "{fault:?}: killed; {said}");
    assert!(!bench::crashed(&said), "{fault:?}: {said}");
    // The index is derived: that it could not be written is no reason to leave mail on the server. And SQLite syncs the
    // folder again after we have, and does not tell how that went.
    let of_the_truth = played.hit.as_deref().is_some_and(|path| path.contains("/mail.db"));
    // The index reads on a thread of its own, beside the removals: those that were proved when its read failed may be
    // asked for in the same moment, but the visit must not end as if nothing had been.
    let beside = fault.call == "read" && !played.output.status.success();
    let told = played.dele_after && of_the_truth && !beside;
    assert!(!told, "{fault:?}: DELE after a failure of {:?}; {said}", played.hit);
    let when = format!("after {fault:?} on {:?}", played.hit);
    bench.nothing_is_lost(&when);
    let failed = !played.output.status.success();
    bench.run(&["fetch"]);
    bench.all_is_settled(&when);
    failed.then_some(said)
}

#[test]
fn no_dele_after_a_failed_fsync() {
    let (mut bench, mail) = bench();
    let counts = counted(&mut bench, &mail);
    let syncs = counts["sync"];
    assert!(syncs >= 6, "a fetch was to sync more often: {counts:?}");
    let mut told = 0;
    for at in 1..=syncs.min(30) {
        let said = one(&mut bench, &mail, Fault { call: "sync", at, errno: EIO, stays: false });
        if let Some(said) = said {
            assert!(said.contains("The disk failed"), "fsync {at}: {said}");
            told += 1;
        } else {
            assert_ne!(at, 1, "the folder could not be synced, and mail was removed");
        }
    }
    println!("{told} of {} failed fsyncs ended the visit with a sentence about the disk", syncs.min(30));
    assert!(told >= 4, "only {told}");
}

#[test]
fn no_call_that_fails_loses_or_doubles_anything() {
    let (mut bench, mail) = bench();
    let counts = counted(&mut bench, &mail);
    let mut dice = Dice(SEED);
    let mut told = 0;
    for sample in 0..SAMPLES {
        let calls: Vec<_> = CALLS.iter().filter(|call| **call != "sync" && counts.contains_key(**call)).collect();
        let call = *calls[sample as usize % calls.len()];
        let fault = Fault { call, at: 1 + dice.below(counts[call]), errno: EIO, stays: sample.is_multiple_of(3) };
        if let Some(said) = one(&mut bench, &mail, fault) {
            assert!(said.trim_end().ends_with('.'), "{fault:?}: no sentence: {said}");
            told += 1;
        }
    }
    println!("{told} of {SAMPLES} failures ended the visit; calls of a fetch: {counts:?}; seed {SEED:#x}");
}

#[test]
fn no_read_that_fails_goes_unnoticed() {
    let (mut bench, mail) = bench();
    let reads = counted(&mut bench, &mail)["read"];
    let told = (1..=reads)
        .filter(|&at| one(&mut bench, &mail, Fault { call: "read", at, errno: EIO, stays: false }).is_some())
        .count();
    println!("{told} of {reads} failed reads ended the visit");
    assert!(told as u64 * 2 > reads, "{told} of {reads}");
}

/// As ext4 does after an error: from some write on nothing can be changed any more.
#[test]
fn a_disk_that_becomes_read_only_in_mid_fetch() {
    let (mut bench, mail) = bench();
    let writes = counted(&mut bench, &mail)["write"];
    for at in [1, writes / 3, writes / 2] {
        let said = one(&mut bench, &mail, Fault { call: "write", at: at.max(1), errno: EROFS, stays: true });
        let said = said.expect("a visit that ends");
        assert!(said.contains("disk") || said.contains("cannot be written"), "{said}");
    }
}

/// RLIMIT_FSIZE: no file may grow beyond so many kilobytes. With its signal ignored the program says so; without, it
/// dies, and nothing is lost either.
#[test]
fn a_limit_on_the_size_of_files() {
    let (mut bench, _) = bench();
    let mail: Vec<_> = small_mail(SEED).take(120).collect();
    for (blocks, ignored) in [(240, true), (300, true), (400, true), (240, false), (400, false)] {
        bench.begin(mail.clone());
        let trap = if ignored { "trap '' XFSZ; " } else { "" };
        let mut command = Command::new("bash");
        command.args(["-c", &format!("{trap}ulimit -c 0; ulimit -f {blocks}; exec \"$0\" \"$@\"")]);
        command.arg(&bench.program).arg("--archive").arg(bench.archive()).arg("fetch");
        let output = command.output().expect("bash");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{blocks} kB were to be too few");
        if ignored {
            assert_eq!(output.status.signal(), None, "{said}");
            assert!(said.contains("disk"), "{said}");
        }
        bench.nothing_is_lost("at the limit");
        bench.run(&["fetch"]);
        bench.all_is_settled("after the limit");
    }
}

/// `tests/soak io COUNT`: each call of a fetch fails once, over and over until so many failed.
#[test]
#[ignore = "by tests/soak"]
fn soak_io() {
    let (count, seed) = soak(SEED);
    let (mut bench, _) = bench();
    let (mut done, mut round) = (0, 0);
    while done < count {
        let mail: Vec<_> = small_mail(seed + round).take(MAIL).collect();
        let counts = counted(&mut bench, &mail);
        'round: for call in CALLS {
            for at in 1..=counts.get(*call).copied().unwrap_or(0) {
                one(&mut bench, &mail, Fault { call, at, errno: EIO, stays: (at + round).is_multiple_of(2) });
                done += 1;
                if done == count {
                    break 'round;
                }
            }
        }
        round += 1;
    }
    println!("failed calls survived {} of {} (seed {seed})", in_thousands(done), in_thousands(count));
}
