//! A backup is of use without Postkeep: `unzip` tests and unpacks its segments, and what comes out are the messages.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use postkeep::account::Digest;
use postkeep::archive::{Archive, Incoming, Marks, Origin};
use postkeep::backup::back_up;
use postkeep::job::Cancel;

fn digests(folder: &Path, into: &mut BTreeSet<Digest>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            digests(&entry.path(), into);
        } else {
            assert!(entry.file_name().to_str().unwrap().ends_with(").eml"), "{:?}", entry.file_name());
            into.insert(Digest::of(&fs::read(entry.path()).unwrap()));
        }
    }
}

#[test]
fn unzip_opens_the_segments() {
    if Command::new("unzip").arg("-v").output().is_err() {
        println!("skipped: unzip is not installed");
        return;
    }
    let (place, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let archive = Archive::open(place.path()).unwrap();
    let subjects = ["Plain", "Größe und Übersicht", "会議のお知らせ", "../../etc/passwd", "Ünï\u{202e}cødé: a/b\\c*d?"];
    for (number, subject) in subjects.iter().cycle().take(40).enumerate() {
        let bytes = format!("From: Ann <ann@example.org>\r\nSubject: {subject}\r\nX-Number: {number}\r\n\r\nText.\r\n");
        let arrived = jiff::Timestamp::from_second(1_795_338_900 + number as i64).unwrap();
        let from = Origin::File { account: None };
        let incoming = Incoming { bytes: bytes.into_bytes(), arrived, marks: Marks::default(), from };
        archive.ingest(vec![incoming]).unwrap();
        if number % 10 == 9 {
            back_up(&archive, folder.path(), &Cancel::new(), &mut |_, _| {}).unwrap();
        }
    }
    let unpacked = tempfile::tempdir().unwrap();
    for number in 1..=4 {
        let segment = folder.path().join(format!("segment-{number:06}.zip"));
        let tested = Command::new("unzip").arg("-t").arg(&segment).output().unwrap();
        assert!(tested.status.success(), "{}", String::from_utf8_lossy(&tested.stdout));
        let done = Command::new("unzip").arg("-q").arg(&segment).arg("-d").arg(unpacked.path()).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    let mut found = BTreeSet::new();
    digests(unpacked.path(), &mut found);
    let stored: BTreeSet<Digest> = archive.every_stored().unwrap().into_iter().map(|stored| stored.digest).collect();
    assert_eq!(found, stored);
    assert!(fs::read_to_string(folder.path().join("README.txt")).unwrap().contains("zip"));
}
