//! Clocks that are wrong (FAULTS 16): the program visits a server while its clock jumps ten years on and back, to 1970
//! and over the end of 32-bit time, under libfaketime. With "a copy stays for 30 days" nothing is removed, for days are
//! counted by visits; nothing is lost, and the order of the list stays.
#![cfg(target_os = "linux")]
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)]

#[path = "support/bench.rs"]
mod bench;
mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use bench::{Bench, Mode, small_mail};
use postkeep::account::{Retention, Security};
use postkeep::archive::Archive;
use postkeep::demo::Options;
use support::{expect, json_lines};

const SEED: u64 = 0x0016;
const MAIL: usize = 12;
/// What the clock says at each visit.
const CLOCKS: &[&str] = &[
    "+0",
    "+10y",
    "@1970-01-01 00:00:01",
    "@2038-01-19 03:14:06",
    "@2038-01-19 03:14:09",
    "-10y",
    "@2026-03-29 01:59:59",
    "@2026-10-25 02:59:59",
    "+0",
];

fn faketime() -> PathBuf {
    let places = ["x86_64-linux-gnu", "aarch64-linux-gnu", ""].map(|triple| {
        let library = Path::new("/usr/lib").join(triple).join("faketime/libfaketimeMT.so.1");
        library.exists().then_some(library)
    });
    places.into_iter().flatten().next().expect("libfaketime: tests/run installs it")
}

fn at(command: &mut Command, clock: &str) {
    command.env("LD_PRELOAD", faketime()).env("FAKETIME", clock).env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    command.env("TZ", "Europe/Berlin");
}

/// The ids in the order of the list.
fn listed(bench: &Bench) -> Vec<u64> {
    let rows = json_lines(&bench.run(&["list", "--limit", "1000", "--json"]));
    rows.iter().map(|row| row["id"].as_u64().expect("an id")).collect()
}

#[test]
fn a_clock_that_jumps_expires_nothing() {
    let mut bench = Bench::over(Security::None, Mode::Remove, Options::default());
    let mut fresh = small_mail(SEED);
    bench.begin(fresh.by_ref().take(MAIL).collect());
    {
        let archive = Archive::open(&bench.archive()).expect("the archive");
        let mut account = archive.accounts().expect("accounts").pop().expect("an account");
        account.retention = Retention::Days(30);
        archive.change_account(&account).expect("changed");
    }
    bench.mode = Mode::Keep;
    let mut before: Vec<u64> = Vec::new();
    for clock in CLOCKS {
        let mut fetch = bench.postkeep(&["fetch"]);
        at(&mut fetch, clock);
        expect(&mut fetch, 0);
        bench.all_is_settled(&format!("at {clock}"));
        // What was listed before keeps its order among itself.
        let now = listed(&bench);
        let kept: Vec<u64> = now.iter().copied().filter(|id| before.contains(id)).collect();
        assert_eq!(kept, before, "at {clock}");
        assert_eq!(now.len(), bench.mail.len(), "at {clock}");
        before = now;
        bench.server.add(fresh.next().expect("mail"));
        bench.mail = bench.server.messages();
    }
    bench.run(&["fetch"]);
    bench.run(&["reindex"]);
    assert_eq!(listed(&bench).iter().filter(|id| before.contains(id)).copied().collect::<Vec<_>>(), before);
    bench.all_is_settled("in the end");
}

/// A clock that is set during a visit, by hand or by the network.
#[test]
fn a_clock_that_runs_a_year_an_hour_expires_nothing() {
    let mut bench = Bench::over(Security::None, Mode::Remove, Options::default());
    bench.begin(small_mail(SEED).take(MAIL).collect());
    for _ in 0..2 {
        let mut fetch = bench.postkeep(&["fetch"]);
        at(&mut fetch, "+0 x10000");
        expect(&mut fetch, 0);
        bench.all_is_settled("with a fast clock");
    }
}
