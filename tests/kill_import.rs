//! SIGKILL at random moments of an import: what is in the archive is whole and is there once, and the same command run
//! again brings the rest, everything exactly once and to be found.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)]

#[path = "support/bench.rs"]
mod bench;
mod support;

use std::collections::HashSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use bench::{sound, stored};
use postkeep::demo::generated;
use support::{Dice, expect, json_lines, postkeep};

const KILLS: usize = 12;
const SEED: u64 = 0x1a_b0c5;
/// Kills in one archive before the import is let through to its end.
const OF_ONE: usize = 6;
/// Messages in the mbox, and in the Maildir beside it.
const IN_MBOX: usize = 90;
const IN_MAILDIR: usize = 40;
/// Octets of attachment that every third message of the mbox carries: several batches in all, and little to index.
const ATTACHED: usize = 700_000;

/// An mbox and a Maildir, and every message in them.
fn sources(place: &Path) -> (PathBuf, HashSet<Vec<u8>>) {
    let folder = place.join("mail");
    fs::create_dir_all(folder.join("maildir/cur")).expect("a folder");
    fs::create_dir_all(folder.join("maildir/new")).expect("a folder");
    let mut mail = HashSet::new();
    let mut file = fs::File::create(folder.join("all.mbox")).expect("a file");
    for (number, message) in messages().take(IN_MBOX + IN_MAILDIR).enumerate() {
        if number < IN_MBOX {
            file.write_all(b"From a@example.org Tue Aug  9 19:30:42 2005\r\n").expect("written");
            file.write_all(&message).expect("written");
            file.write_all(b"\r\n").expect("written");
        } else {
            fs::write(folder.join(format!("maildir/cur/{number}.host:2,S")), &message).expect("a file");
        }
        mail.insert(message);
    }
    (folder, mail)
}

/// Different messages; each third with a large attachment.
fn messages() -> impl Iterator<Item = Vec<u8>> {
    let quoted = |message: &Vec<u8>| memchr::memmem::find(message, b"\nFrom ").is_none();
    let quoted = move |message: &Vec<u8>| quoted(message) && memchr::memmem::find(message, b">From ").is_none();
    let ended = |message: &Vec<u8>| message.ends_with(b"\r\n") && message.len() < 20_000;
    let mut seen = HashSet::new();
    let plain = generated(usize::MAX, SEED).filter(quoted).filter(ended).filter(move |each| seen.insert(each.clone()));
    plain.enumerate().map(|(number, message)| if number % 3 == 0 { with_attachment(number) } else { message })
}

fn with_attachment(number: usize) -> Vec<u8> {
    let head = format!(
        "From: a@example.org\r\nSubject: attached {number}\r\nContent-Type: application/octet-stream\r\n\
         Content-Disposition: attachment; filename=a{number}\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    );
    let line = format!("{number:076}\r\n");
    [head.into_bytes(), line.repeat(ATTACHED / line.len()).into_bytes()].concat()
}

/// What is there is ours, whole, and there once; how much it is.
fn here(archive: &Path, mail: &HashSet<Vec<u8>>, when: &str) -> usize {
    if !archive.join("mail.db").exists() {
        return 0;
    }
    let here = stored(archive);
    assert!(here.keys().all(|bytes| mail.contains(bytes)), "other bytes {when}");
    assert!(here.values().all(|copies| *copies == 1), "twice {when}");
    here.len()
}

#[test]
fn killed_at_any_moment_and_run_again_everything_is_there_once() {
    let place = tempfile::tempdir().expect("a folder");
    let (folder, mail) = sources(place.path());
    let import = |archive: &Path| {
        let mut command = postkeep(archive);
        command.arg("import").arg(&folder).arg("--json");
        command
    };
    let begun = Instant::now();
    expect(&mut import(&place.path().join("first")), 0);
    let length = u64::try_from(begun.elapsed().as_micros()).expect("a time");

    let mut dice = Dice(SEED);
    let (mut kills, mut in_the_middle, mut number) = (0, 0, 0);
    while kills < KILLS {
        number += 1;
        let archive = place.path().join(format!("archive-{number}"));
        for round in 0..OF_ONE {
            let mut command = import(&archive);
            command.stdout(Stdio::null()).stderr(Stdio::null());
            if round == 0 {
                // By itself, once its first batch is committed, so that some kill comes in the middle; or within a bundle.
                let point = ["after COMMIT", "bundle without members:2"][(number - 1) % 2];
                let status = command.env("POSTKEEP_FAILPOINT", point).status().expect("the program starts");
                assert!(!status.success(), "it was to be killed");
                kills += 1;
            } else {
                let mut running = command.spawn().expect("the program starts");
                sleep(Duration::from_micros(dice.below(length)));
                kills += usize::from(running.try_wait().expect("a state").is_none());
                running.kill().expect("SIGKILL");
                running.wait().expect("an end");
            }
            let stored = here(&archive, &mail, &format!("in archive {number} after {kills} kills"));
            in_the_middle += usize::from(stored > 0 && stored < mail.len());
        }
        let output = expect(&mut import(&archive), 0);
        let told = json_lines(&output).pop().expect("a result");
        let (added, already) = (told["added"].as_u64().unwrap_or(0), told["already_here"].as_u64().unwrap_or(0));
        assert_eq!((told["found"].as_u64(), added + already), (Some(mail.len() as u64), mail.len() as u64), "{told}");
        assert_eq!(here(&archive, &mail, "at the end"), mail.len(), "archive {number}");
        sound(&archive, "at the end");
        let listed = expect(postkeep(&archive).args(["list", "--limit", "100000", "--json"]), 0);
        assert_eq!(json_lines(&listed).len(), mail.len(), "archive {number}: all is listed");
        fs::remove_dir_all(&archive).expect("removed");
    }
    println!(
        "{kills} kills, seed {SEED:#x}; after {in_the_middle} of them a part was there; each time all in the end, once"
    );
    assert!(in_the_middle > 0, "no kill came in the middle: {kills}");
}
