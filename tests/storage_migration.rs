//! An archive of version 1 opened by this program (FAULTS 18): killed after each few instructions of the migration, and
//! with each of its writes failing, it opens as the old version or as the new one, and holds what it held.
//! Power cuts in it are in `power_cut.rs`.
#![cfg(all(target_os = "linux", debug_assertions))]
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)]

#[path = "support/bench.rs"]
mod bench;
#[path = "support/faults.rs"]
mod faults;
mod support;
#[path = "support/version_one.rs"]
mod version_one;

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;

use faults::{EIO, ENOSPC, Fault, NONE, play};
use rusqlite::Connection;
use support::{expect, postkeep};
use version_one::Old;

const SEED: u64 = 0x0018;
const MAIL: usize = 20;

/// The smallest command that opens for writing: there is nothing to import.
fn opening(old: &Old) -> Command {
    let mut command = postkeep(&old.archive());
    let nothing = old.folder.path().join("nothing");
    fs::create_dir_all(&nothing).expect("a folder");
    command.arg("import").arg(nothing);
    command
}

/// Whatever happened, it is one version or the other, whole; and the next opening completes it.
fn is_whole(old: &Old, when: &str) {
    let version = version_of(old, when);
    assert!([1, 2, 3, 4].contains(&version), "{when}: version {version}");
    expect(&mut opening(old), 0);
    assert_eq!(version_of(old, when), 4, "{when}: not migrated by the next opening");
    old.holds_what_it_held(when);
}

fn version_of(old: &Old, when: &str) -> i64 {
    let connection = Connection::open(old.archive().join("mail.db")).expect("a database");
    let verdict: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("an answer");
    assert_eq!(verdict, "ok", "{when}");
    for table in ["body", "message", "ledger", "mark", "backup_message"] {
        let rows: i64 =
            connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).expect("a table");
        assert_eq!(rows, MAIL as i64, "{when}: rows of {table}");
    }
    let [accounts, states]: [i64; 2] = connection
        .query_row("SELECT (SELECT count(*) FROM account), (SELECT sum(state) FROM ledger)", [], |row| {
            Ok([row.get(0)?, row.get(1)?])
        })
        .expect("an answer");
    assert_eq!((accounts, states), (2, (1..=MAIL as i64).map(|id| 1 + id % 5).sum()), "{when}");
    connection.pragma_query_value(None, "user_version", |row| row.get(0)).expect("a version")
}

#[test]
fn killed_anywhere_in_a_migration_it_is_the_old_version_or_the_new() {
    let old = Old::new(SEED, MAIL);
    let mut kills = 0;
    for at in 1.. {
        old.begin();
        let output =
            opening(&old).env("POSTKEEP_FAILPOINT", format!("migrating:{at}")).output().expect("the program starts");
        if output.status.signal() != Some(9) {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            break;
        }
        kills += 1;
        is_whole(&old, &format!("killed at step {at} of the migration"));
    }
    println!("{kills} kills in a migration");
    assert!(kills > 20, "the migration has more steps than {kills}");
}

#[test]
fn a_disk_that_fails_in_a_migration_leaves_the_old_version_or_the_new() {
    let old = Old::new(SEED, MAIL);
    old.begin();
    let counts = play(&mut opening(&old), &old.archive(), NONE).counts;
    let mut failed = 0;
    for call in ["sync", "write", "truncate"] {
        let all = counts.get(call).copied().unwrap_or(0);
        for at in (1..=all).step_by(usize::try_from(all / 12).expect("a count").max(1)) {
            for errno in [EIO, ENOSPC] {
                old.begin();
                let fault = Fault { call, at, errno, stays: at.is_multiple_of(2) };
                let played = play(&mut opening(&old), &old.archive(), fault);
                let said = String::from_utf8_lossy(&played.output.stderr).into_owned();
                assert!(played.output.status.code().is_some() && !bench::crashed(&said), "{fault:?}: {said}");
                failed += usize::from(!played.output.status.success());
                is_whole(&old, &format!("{fault:?} on {:?}", played.hit));
            }
        }
    }
    println!("{failed} openings failed; calls of an opening: {counts:?}");
    assert!(failed > 10, "only {failed}");
}

/// Commands that only read bring it up to date first.
#[test]
fn an_old_archive_can_be_read_at_once() {
    let old = Old::new(SEED, MAIL);
    old.begin();
    let here = expect(postkeep(&old.archive()).args(["show", "1", "--raw"]), 0).stdout;
    assert!(old.mail.contains(&here));
    expect(postkeep(&old.archive()).args(["check", "--full"]), 0);
    assert_eq!(support::json_lines(&expect(postkeep(&old.archive()).args(["account", "list", "--json"]), 0)).len(), 1);
    is_whole(&old, "after it was read");
}
