//! SIGKILL at random moments of a backup: the backup that was there before still verifies and holds what it held, and
//! the next run finishes the work.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)]

mod support;

use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use postkeep::archive::{Archive, Incoming, Ingested, Marks, Origin};
use postkeep::demo::generated;
use serde_json::Value;
use support::{Dice, expect, json_lines, postkeep};

const KILLS: u64 = 30;
const SEED: u64 = 0x0815;
/// Messages in the first backup, and new ones before each kill.
const FIRST: usize = 150;
const FRESH: usize = 10;

/// Answers how many the archive did not hold yet.
fn add(archive: &Path, mail: &mut impl Iterator<Item = Vec<u8>>, count: usize) -> u64 {
    let archive = Archive::open(archive).expect("an archive");
    let incoming = mail.by_ref().take(count).map(|bytes| Incoming {
        bytes,
        arrived: Timestamp::UNIX_EPOCH,
        marks: Marks::default(),
        from: Origin::File { account: None },
    });
    let ingested = archive.ingest(incoming.collect()).expect("stored");
    ingested.iter().filter(|ingested| matches!(ingested, Ingested::Added(_))).count() as u64
}

fn back_up(archive: &Path, folder: &Path) -> Value {
    let output = expect(postkeep(archive).arg("backup").arg(folder).arg("--json"), 0);
    json_lines(&output).pop().expect("a result")
}

/// How many messages the backup holds; fails unless every one of them is sound.
fn verified(archive: &Path, folder: &Path) -> u64 {
    let output = expect(postkeep(archive).arg("verify").arg(folder).arg("--json"), 0);
    json_lines(&output).pop().expect("a result")["messages"].as_u64().expect("a count")
}

#[test]
fn killed_at_any_moment_the_earlier_backup_still_verifies() {
    let place = tempfile::tempdir().expect("a folder");
    let (archive, folder) = (place.path().join("archive"), place.path().join("backup"));
    let mut mail = generated(usize::MAX, SEED).filter(|message| message.len() < 30_000);
    let mut in_archive = add(&archive, &mut mail, FIRST);
    let begun = Instant::now();
    let mut held = back_up(&archive, &folder)["messages"].as_u64().expect("a count");
    let length = u64::try_from(begun.elapsed().as_micros()).expect("a time");

    let mut dice = Dice(SEED);
    let mut killed = 0;
    while killed < KILLS {
        in_archive += add(&archive, &mut mail, FRESH);
        let mut running = postkeep(&archive)
            .arg("backup")
            .arg(&folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        sleep(Duration::from_micros(dice.below(length)));
        killed += u64::from(running.try_wait().expect("a state").is_none());
        running.kill().expect("SIGKILL");
        running.wait().expect("an end");

        let now = verified(&archive, &folder);
        assert!(
            now == held || now == in_archive,
            "the backup held {held}, the archive {in_archive}; now it holds {now}"
        );
        held = now;
    }
    println!("{killed} kills, seed {SEED:#x}: each time the earlier backup or the new one verified whole");
    assert_eq!(back_up(&archive, &folder)["messages"], in_archive);
    assert_eq!(verified(&archive, &folder), in_archive);
}
