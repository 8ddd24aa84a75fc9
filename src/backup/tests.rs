//! What the whole of a backup, an export and an import must do, shown on archives. Here what the tests share.

mod backup;
mod cancel;
mod damage;
mod formats;
mod hostile;
mod outlook;
mod programs;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

use jiff::Timestamp;
use tempfile::TempDir;

use super::back_up::{Options, back_up_with};
use super::manifest::{Folder, Loaded, Manifest};
use super::{BackedUp, back_up, verify};
use crate::account::{Digest, MessageId, Retention, Security, Server};
use crate::archive::{Archive, Incoming, Ingested, Marks, NewAccount, Origin};
use crate::job::Cancel;

fn when(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_338_900 + second).unwrap()
}

fn archive() -> (TempDir, Archive) {
    let place = tempfile::tempdir().unwrap();
    let archive = Archive::open(place.path()).unwrap();
    (place, archive)
}

/// Messages that differ in everything that a format could get wrong.
fn message(number: usize) -> Vec<u8> {
    let body: &[u8] = match number % 8 {
        0 => b"Plain.\r\n",
        1 => b"Line feeds\nonly\n",
        2 => b"No line end at the end",
        3 => b"From the first line\r\n>From here\r\n\r\nFrom a Tue Aug  9 19:30:42 2005\r\nSubject: not one\r\n",
        4 => b"NUL \0 and 8-bit \xff\xfe and a bare \r in the line\n",
        5 => b"Blank lines at the end\r\n\r\n\r\n",
        6 => b"Mixed\r\nline\nends\r\n",
        _ => b"",
    };
    let line_end = if number % 8 == 1 { "\n" } else { "\r\n" };
    let filler: String = (0..number * 7 % 40).map(|line| format!("{} ", Digest::of(&line.to_be_bytes()))).collect();
    let head = [
        format!("From: Sender {number} <a{number}@example.org>"),
        format!("Subject: Message {number}"),
        format!("X-Filler: {filler}"),
        String::new(),
    ];
    let mut bytes = head.map(|line| line + line_end).concat().into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

fn fill(archive: &Archive, numbers: std::ops::Range<usize>) -> Vec<MessageId> {
    let incoming = numbers.map(|number| Incoming {
        bytes: message(number),
        arrived: when(2 * number as i64),
        marks: Marks { read: number % 2 == 0, starred: number % 3 == 0 },
        from: Origin::File { account: None },
    });
    let added = archive.ingest(incoming.collect()).unwrap();
    added
        .into_iter()
        .map(|ingested| match ingested {
            Ingested::Added(id) => id,
            other => panic!("{other:?}"),
        })
        .collect()
}

/// Everything that a restore must bring back of the messages, by their bytes.
fn contents(archive: &Archive) -> BTreeMap<Digest, (Marks, Timestamp)> {
    let stored = archive.every_stored().unwrap();
    stored
        .into_iter()
        .map(|stored| {
            let digest = Digest::of(&archive.original(stored.id).unwrap().unwrap());
            assert_eq!(digest, stored.digest);
            (digest, (stored.marks, stored.arrived))
        })
        .collect()
}

fn run(archive: &Archive, place: &Path) -> BackedUp {
    back_up(archive, place, &Cancel::new(), &mut |_, _| {}).unwrap()
}

/// A segment that holds some ten of the messages.
const SMALL: u64 = 16_000;

fn run_in_small_segments(archive: &Archive, place: &Path, moment: &mut dyn FnMut(&'static str)) -> BackedUp {
    let mut options = Options { segment: SMALL, moment };
    back_up_with(&mut options, archive, place, &Cancel::new(), &mut |_, _| {}).unwrap()
}

fn damage(place: &Path) -> Vec<String> {
    verify(place, &Cancel::new(), &mut |_| {}).unwrap().damaged
}

fn files(folder: &Path) -> BTreeMap<String, (Vec<u8>, SystemTime)> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .map(|entry| {
            let modified = entry.metadata().unwrap().modified().unwrap();
            (entry.file_name().into_string().unwrap(), (fs::read(entry.path()).unwrap(), modified))
        })
        .collect()
}

fn copy(folder: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for name in files(folder).into_keys() {
        fs::copy(folder.join(&name), to.join(&name)).unwrap();
    }
}

fn manifest(folder: &Path) -> Manifest {
    match Folder::new(folder).load().unwrap() {
        Loaded::Whole(manifest) => manifest,
        _ => panic!("the manifest is not whole"),
    }
}

fn account(archive: &Archive) -> crate::account::Account {
    let server = Server {
        host: "pop.example.org".into(),
        port: 995,
        security: Security::Tls,
        user: "ann@example.org".into(),
        ca_file: None,
    };
    let new = NewAccount {
        address: "ann@example.org".into(),
        server,
        name: "Ann".into(),
        retention: Retention::LeaveCopy,
        password_command: None,
    };
    archive.add_account(&new).unwrap()
}
