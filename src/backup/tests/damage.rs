//! Damage of every kind: flipped bits, missing and foreign files, lies, kills.

use std::fs;
use std::path::{Path, PathBuf};

use super::{
    archive, contents, copy as copy_folder, damage, files, fill, manifest, message, run, run_in_small_segments,
};
use crate::account::{Digest, MessageId};
use crate::archive::Archive;
use crate::backup::manifest::{self, Entry, Folder, MANIFEST, Manifest, SegmentFile};
use crate::backup::{BackupError, Format, export, import, names, repair, restore, sealed, verify};
use crate::job::Cancel;

/// Numbers that look random and are the same in every run.
fn numbers(seed: &str, count: usize, below: usize) -> Vec<usize> {
    let number = |index: usize| {
        let digest = Digest::of(format!("{seed} {index}").as_bytes()).0;
        usize::from_be_bytes(digest[..8].try_into().unwrap()) % below
    };
    (0..count).map(number).collect()
}

/// Where each message's packed bytes lie in a segment.
fn packed(folder: &Path, number: u32) -> Vec<(std::ops::Range<usize>, String)> {
    let file = fs::File::open(Folder::new(folder).segment_path(number)).unwrap();
    let mut zip = zip::ZipArchive::new(file).unwrap();
    (0..zip.len())
        .map(|index| {
            let file = zip.by_index(index).unwrap();
            let start = file.data_start().unwrap() as usize;
            (start..start + file.compressed_size() as usize, names::short(&file.name().unwrap()).to_owned())
        })
        .collect()
}

#[test]
fn every_flipped_bit_is_found_and_its_message_named() {
    let (_a, source) = archive();
    fill(&source, 0..40);
    let folder = tempfile::tempdir().unwrap();
    run_in_small_segments(&source, folder.path(), &mut |_| {});
    let (mut flips, mut named) = (0, 0);
    for (name, (bytes, _)) in files(folder.path()) {
        if name == manifest::README {
            continue;
        }
        let path = folder.path().join(&name);
        let inside = manifest::segment_name::number(&name).map(|number| packed(folder.path(), number));
        for at in numbers(&name, 60, bytes.len()) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at % 8);
            fs::write(&path, &flipped).unwrap();
            let found = damage(folder.path());
            assert!(!found.is_empty(), "octet {at} of {name}");
            flips += 1;
            for (range, message) in inside.iter().flatten().filter(|(range, _)| range.contains(&at)) {
                assert!(
                    found.iter().any(|line| line.contains(message)),
                    "{message} at {range:?}, octet {at}: {found:?}"
                );
                named += 1;
            }
        }
        fs::write(&path, &bytes).unwrap();
    }
    assert!(flips > 300 && named > 150, "{flips} flips, {named} of them in messages");
    assert_eq!(damage(folder.path()), Vec::<String>::new());
}

#[test]
fn missing_cut_and_foreign_segments_are_found() {
    let (_a, source) = archive();
    fill(&source, 0..30);
    let folder = tempfile::tempdir().unwrap();
    run_in_small_segments(&source, folder.path(), &mut |_| {});
    let path = Folder::new(folder.path()).segment_path(2);
    let whole = fs::read(&path).unwrap();
    let inside: Vec<String> = packed(folder.path(), 2).into_iter().map(|(_, name)| name).collect();
    let all_named = |found: &[String]| inside.iter().all(|name| found.iter().any(|line| line.contains(name)));
    fs::remove_file(&path).unwrap();
    assert!(all_named(&damage(folder.path())), "missing");
    fs::write(&path, b"not a zip file at all").unwrap();
    assert!(all_named(&damage(folder.path())), "foreign");
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let found = damage(folder.path());
    assert!(found.iter().any(|line| line.contains(inside.last().unwrap())), "cut: {found:?}");
    fs::write(&path, &whole).unwrap();
    let state = Folder::new(folder.path()).state_path(1);
    fs::remove_file(state).unwrap();
    assert_eq!(damage(folder.path()).len(), 1, "state");
}

#[test]
fn what_is_damaged_is_named_and_the_rest_restored_then_repaired() {
    let (_a, source) = archive();
    fill(&source, 0..30);
    let folder = tempfile::tempdir().unwrap();
    run_in_small_segments(&source, folder.path(), &mut |_| {});
    let path = Folder::new(folder.path()).segment_path(2);
    let (range, name) = packed(folder.path(), 2)[1].clone();
    let mut bytes = fs::read(&path).unwrap();
    bytes[range.start + range.len() / 2] ^= 0x10;
    fs::write(&path, &bytes).unwrap();

    let (_b, copy) = archive();
    let restored = restore(&copy, folder.path(), &Cancel::new(), &mut |_| {}).unwrap();
    assert_eq!((restored.found, restored.added), (30, 29));
    assert!(restored.failed.len() == 1 && restored.failed[0].contains(&name), "{:?}", restored.failed);

    // An archive without that message keeps what can be read and says what is lost.
    let other = tempfile::tempdir().unwrap();
    copy_folder(folder.path(), other.path());
    let without = run_in_small_segments(&copy, other.path(), &mut |_| {});
    assert_eq!((without.messages, without.new), (29, 0));
    assert!(without.failed.iter().any(|line| line.contains(&name)), "{without:?}");
    assert_eq!(damage(other.path()), Vec::<String>::new());

    let (_c, empty) = archive();
    let rescued = run_in_small_segments(&empty, other.path(), &mut |_| {});
    assert_eq!(rescued.messages, 29, "an archive that has nothing leaves the backup as it is");

    // The archive that has it writes it anew.
    let mended = run_in_small_segments(&source, folder.path(), &mut |_| {});
    assert_eq!((mended.messages, mended.new), (30, 0));
    assert!(mended.repaired.iter().any(|line| line.contains(&name)), "{mended:?}");
    assert!(mended.failed.is_empty());
    assert_eq!(damage(folder.path()), Vec::<String>::new());
    let names: Vec<String> = files(folder.path()).into_keys().collect();
    assert!(names.contains(&"segment-000002.zip.damaged".to_owned()), "{names:?}");
    let (_d, whole) = archive();
    restore(&whole, folder.path(), &Cancel::new(), &mut |_| {}).unwrap();
    assert_eq!(contents(&whole), contents(&source));
}

/// What stands in the archive's file for a message.
fn stored_as(file: &Path, message: &[u8]) -> Vec<u8> {
    let connection = rusqlite::Connection::open(file).unwrap();
    let sql = "SELECT bytes FROM body JOIN original ON original.id = original WHERE sha256 = ?1";
    connection.query_row(sql, [&Digest::of(message).0], |row| row.get(0)).unwrap()
}

#[test]
fn a_message_damaged_in_the_archive_does_not_keep_the_others_out() {
    let (place, source) = archive();
    fill(&source, 0..10);
    let folder = tempfile::tempdir().unwrap();
    run(&source, folder.path());
    fill(&source, 10..12);
    drop(source);
    let file = place.path().join("mail.db");
    let mut bytes = fs::read(&file).unwrap();
    // One octet in the new message 11 and one in message 5, which the backup has.
    for number in [5, 11] {
        let stored = stored_as(&file, &message(number));
        let at = bytes.windows(stored.len()).position(|window| window == stored).unwrap();
        bytes[at + stored.len() / 2] ^= 1;
    }
    fs::write(&file, bytes).unwrap();
    let source = Archive::open(place.path()).unwrap();
    let done = run(&source, folder.path());
    assert_eq!((done.messages, done.new, done.failed.len()), (11, 1, 1), "{done:?}");
    assert!(done.failed[0].starts_with("Message 12 is damaged in the archive"), "{:?}", done.failed);
    let (_b, copy) = archive();
    restore(&copy, folder.path(), &Cancel::new(), &mut |_| {}).unwrap();
    assert!((0..11).all(|number| contents(&copy).contains_key(&Digest::of(&message(number)))));
}

#[test]
fn without_a_manifest_the_zip_files_are_enough() {
    let (_a, source) = archive();
    fill(&source, 0..30);
    let folder = tempfile::tempdir().unwrap();
    run_in_small_segments(&source, folder.path(), &mut |_| {});
    let path = folder.path().join(MANIFEST);
    let whole = fs::read(&path).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    for broken in [Some(&flipped[..]), Some(b"{"), None] {
        match broken {
            Some(bytes) => fs::write(&path, bytes).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        assert!(damage(folder.path()).iter().any(|line| line.contains(MANIFEST)));
        let (_b, copy) = archive();
        let restored = restore(&copy, folder.path(), &Cancel::new(), &mut |_| {}).unwrap();
        assert_eq!((restored.added, restored.failed), (30, vec![]));
        assert_eq!(contents(&copy), contents(&source));
    }
    let segments = files(folder.path());
    let made_anew = run_in_small_segments(&source, folder.path(), &mut |_| {});
    assert_eq!(made_anew.messages, 30);
    for (name, file) in files(folder.path()).iter().filter(|(name, _)| name.ends_with(".zip")) {
        assert_eq!(segments.get(name), Some(file), "{name}: what was there is used");
    }
    assert_eq!(damage(folder.path()), Vec::<String>::new());
}

#[test]
fn killed_at_any_moment_the_earlier_backup_verifies_and_the_next_run_finishes() {
    let (_a, source) = archive();
    let folder = tempfile::tempdir().unwrap();
    let kills = tempfile::tempdir().unwrap();
    let mut kept: Vec<(PathBuf, bool, u64)> = Vec::new();
    // The second run finds the first one's damage, so that repairing is killed too.
    for (numbers, broken) in [(0..25, false), (25..50, false), (50..52, true)] {
        let had = numbers.start as u64;
        fill(&source, numbers);
        if broken {
            let path = Folder::new(folder.path()).segment_path(1);
            let mut bytes = fs::read(&path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(path, bytes).unwrap();
        }
        run_in_small_segments(&source, folder.path(), &mut |moment| {
            let to = kills.path().join(format!("{:03} {moment}", kept.len()));
            copy_folder(folder.path(), &to);
            kept.push((to, broken, had));
        });
    }
    assert!(kept.len() > 25, "{} moments", kept.len());
    for (killed, broken, had) in &kept {
        if *had > 0 && !broken {
            let verified = verify(killed, &Cancel::new(), &mut |_| {}).unwrap();
            assert_eq!(verified.damaged, Vec::<String>::new(), "{}", killed.display());
            assert!(verified.messages >= *had, "{}", killed.display());
        }
        let done = run_in_small_segments(&source, killed, &mut |_| {});
        assert_eq!((done.messages, done.failed), (52, vec![]), "{}", killed.display());
        assert_eq!(damage(killed), Vec::<String>::new(), "{}", killed.display());
        let names: Vec<String> = files(killed).into_keys().collect();
        assert!(!names.iter().any(|name| name.ends_with(".part")), "{names:?}");
        assert_eq!(names.iter().filter(|name| name.starts_with("state-")).count(), 1, "{names:?}");
    }
}

#[test]
fn a_hostile_manifest_reaches_nothing_outside_the_folder() {
    let (_a, source) = archive();
    fill(&source, 0..5);
    let around = tempfile::tempdir().unwrap();
    let folder = around.path().join("backup");
    run(&source, &folder);
    let secret = b"Subject: secret\r\n\r\nsecret\r\n";
    fs::write(around.path().join("secret.eml"), secret).unwrap();
    let honest = manifest(&folder);
    let entry = honest.messages[0].clone();
    let lies: Vec<Entry> = vec![
        Entry {
            name: "../secret.eml".into(),
            sha256: Digest::of(secret),
            octets: secret.len() as u64,
            ..entry.clone()
        },
        Entry { name: "/etc/passwd".into(), sha256: Digest::of(b"1"), ..entry.clone() },
        Entry { octets: u64::MAX, sha256: Digest::of(b"2"), ..entry.clone() },
        Entry { at: u64::MAX, sha256: Digest::of(b"3"), ..entry.clone() },
        Entry { segment: 77, sha256: Digest::of(b"4"), ..entry.clone() },
        Entry { name: "a\u{202e}b\u{1b}[2J.eml".into(), sha256: Digest::of(b"5"), ..entry.clone() },
        Entry { octets: 1, sha256: Digest::of(b"6"), ..entry.clone() },
    ];
    let mut forged = Manifest { messages: [honest.messages.clone(), lies].concat(), ..honest.clone() };
    forged.segments.push(SegmentFile { number: 9, octets: u64::MAX, sha256: Digest::of(b"7") });
    fs::write(folder.join(MANIFEST), sealed::seal(&forged).unwrap()).unwrap();
    let verified = verify(&folder, &Cancel::new(), &mut |_| {}).unwrap();
    assert_eq!((verified.messages, verified.damaged.len()), (5, 8), "{:?}", verified.damaged);
    assert!(verified.damaged.iter().all(|line| !line.contains(['\u{1b}', '\u{202e}'])));
    let (_b, copy) = archive();
    let restored = restore(&copy, &folder, &Cancel::new(), &mut |_| {}).unwrap();
    assert_eq!((restored.added, restored.failed.len()), (5, 7));

    let sealed = String::from_utf8(sealed::seal(&honest).unwrap()).unwrap();
    let forged = sealed.replace("segment-000001.zip", "../../../../x.zip");
    fs::write(folder.join(MANIFEST), forged).unwrap();
    assert!(!damage(&folder).is_empty());
    let newer = Manifest { version: 2, ..honest };
    fs::write(folder.join(MANIFEST), sealed::seal(&newer).unwrap()).unwrap();
    let refused = verify(&folder, &Cancel::new(), &mut |_| {});
    assert!(matches!(refused, Err(BackupError::NewerFormat { found: 2, known: 1 })));
}

/// An archive of ten messages of which one bit, in the key of an original, loses one.
fn with_one_lost() -> (tempfile::TempDir, Archive, MessageId) {
    let (place, source) = archive();
    let id = fill(&source, 0..10)[4];
    drop(source);
    // The row stays where it is and has another key: what looks for its own does not find it.
    let lose = "PRAGMA foreign_keys = OFF; DROP TRIGGER original_fixed; UPDATE original SET id = 37 WHERE id = 5";
    rusqlite::Connection::open(place.path().join("mail.db")).unwrap().execute_batch(lose).unwrap();
    let source = Archive::open(place.path()).unwrap();
    (place, source, id)
}

#[test]
fn a_backup_and_an_export_name_a_message_that_the_archive_lost() {
    let (_a, source, id) = with_one_lost();
    let folder = tempfile::tempdir().unwrap();
    let done = run(&source, folder.path());
    assert_eq!(done.messages, 9);
    assert_eq!(done.failed, [format!("Message {id} is damaged in the archive itself and is not in the backup.")]);
    source.index_pending(&Cancel::new(), &mut |_| {}).unwrap();
    assert_eq!(source.counts().unwrap().all, 10);
    let backed_up = source.in_backups().unwrap();
    assert!(backed_up.len() == 9 && !backed_up.contains(&id), "{backed_up:?}");
    for format in [Format::Eml, Format::Mbox, Format::Zip, Format::Maildir] {
        let place = folder.path().join(format!("{format:?}"));
        let done = export(&source, &place, format, None, &Cancel::new(), &mut |_| {}).unwrap();
        assert_eq!(done.exported, 9, "{format:?}");
        assert_eq!(
            done.failed,
            [format!("Message {id} is damaged in the archive and was not exported.")],
            "{format:?}"
        );
    }
    assert!(source.original(id).is_err(), "it is there, and not to be had");
    let health = source.check(false, &Cancel::new(), &mut |_| {}).unwrap();
    assert_eq!(health.damaged.into_iter().map(|(id, _)| id).collect::<Vec<_>>(), [id]);
}

#[test]
fn an_export_names_a_message_whose_bytes_are_gone() {
    let (place, source) = archive();
    let id = fill(&source, 0..5)[2];
    let lose = "PRAGMA foreign_keys = OFF; DROP TRIGGER body_stays; DELETE FROM body WHERE original = 3";
    rusqlite::Connection::open(place.path().join("mail.db")).unwrap().execute_batch(lose).unwrap();
    let to = tempfile::tempdir().unwrap();
    let done = export(&source, &to.path().join("a"), Format::Eml, None, &Cancel::new(), &mut |_| {}).unwrap();
    assert_eq!(done.failed, [format!("Message {id} is damaged in the archive and was not exported.")]);
}

#[test]
fn a_repair_needs_no_backup_of_what_the_archive_still_holds() {
    let (place, source) = archive();
    let mail = tempfile::tempdir().unwrap();
    for number in 0..40 {
        let text = format!("Subject: {number}\r\n\r\n{}", "words that it says ".repeat(60 + number));
        fs::write(mail.path().join(format!("{number}.eml")), text).unwrap();
    }
    assert_eq!(import(&source, &[mail.path().to_owned()], &Cancel::new(), &mut |_| {}).unwrap().added, 40);
    let lose = "PRAGMA foreign_keys = OFF; DROP TRIGGER body_stays; DELETE FROM body WHERE original IN (3, 7)";
    rusqlite::Connection::open(place.path().join("mail.db")).unwrap().execute_batch(lose).unwrap();
    let (_other, of_another) = archive();
    fill(&of_another, 0..2);
    let backup = tempfile::tempdir().unwrap();
    run(&of_another, backup.path());
    let repaired = repair(&source, backup.path(), &Cancel::new(), &mut |_| {}).unwrap();
    assert_eq!((repaired.damaged, repaired.messages.len(), repaired.failed), (2, 2, vec![]));
    let health = source.check(true, &Cancel::new(), &mut |_| {}).unwrap();
    assert_eq!((health.damaged, health.problems), (vec![], vec![]));
}

#[test]
fn a_flipped_bit_in_an_index_is_mended_unless_the_index_is_right() {
    let (place, source) = archive();
    fill(&source, 0..10);
    let backup = tempfile::tempdir().unwrap();
    run(&source, backup.path());
    drop(source);
    let file = place.path().join("mail.db");
    let whole = fs::read(&file).unwrap();
    let hash = Digest::of(&message(4)).0;
    let places: Vec<usize> = (0..whole.len() - hash.len()).filter(|&at| whole[at..].starts_with(&hash)).collect();
    let mut mended = 0;
    assert!(places.len() >= 2, "in the table and in its index: {places:?}");
    for at in &places {
        let mut spoilt = whole.clone();
        spoilt[at + 31] ^= 1;
        fs::write(&file, &spoilt).unwrap();
        let source = Archive::open(place.path()).unwrap();
        let repaired = repair(&source, backup.path(), &Cancel::new(), &mut |_| {}).unwrap();
        let health = source.check(true, &Cancel::new(), &mut |_| {}).unwrap();
        assert_eq!((repaired.damaged, repaired.messages), (0, vec![]), "at {at}");
        assert_eq!(repaired.indexes, repaired.failed.is_empty(), "at {at}: {:?}", repaired.failed);
        if repaired.indexes {
            assert_eq!((health.damaged, health.problems), (vec![], vec![]), "at {at}");
            assert_eq!(contents(&source).len(), 10);
            mended += 1;
        } else {
            assert!(!health.problems.is_empty(), "at {at}");
            drop(source);
            let kept = fs::read(&file).unwrap();
            assert!(places.iter().any(|at| kept[*at..].starts_with(&hash)), "the hash that is right is still there");
        }
    }
    assert!(mended > 0 && mended < places.len(), "{mended} of {places:?}");
}
