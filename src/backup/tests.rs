//! What the whole of a backup, an export and an import must do, shown on archives.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::Timestamp;
use proptest::prelude::*;
use tempfile::TempDir;

use super::back_up::{Options, back_up_with};
use super::manifest::{Entry, Folder, Loaded, MANIFEST, Manifest, SUBFOLDER, SegmentFile};
use super::{BackedUp, BackupError, Exported, Format, back_up, export, import, names, restore, sealed, verify};
use crate::account::{Digest, MessageId, Retention, Security, Server, Uidl};
use crate::archive::{Archive, Incoming, Ingested, ListedMessage, Marks, NewAccount, Origin};
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

#[test]
fn what_is_backed_up_comes_back() {
    let (_a, source) = archive();
    let account = account(&source);
    let (session, maildrop) = source.begin_session(&account, when(0)).unwrap();
    let listed: Vec<ListedMessage> = (1..=5_u32)
        .map(|number| ListedMessage {
            number,
            uidl: Uidl::new(format!("uidl-{number}").as_bytes()).unwrap(),
            ordinal: 0,
            octets: Some(100),
        })
        .collect();
    source.note_listing(session, maildrop, &listed, true, when(1)).unwrap();
    // The last one stays on the server; two are the same bytes under two UIDLs.
    let fetched = listed.iter().take(4).map(|listed| Incoming {
        bytes: message(100 + listed.number.min(3) as usize),
        arrived: when(2),
        marks: Marks::default(),
        from: Origin::Maildrop {
            session,
            maildrop,
            account: account.id,
            uidl: listed.uidl.clone(),
            ordinal: 0,
            octets: listed.octets,
        },
    });
    source.ingest(fetched.collect()).unwrap();
    fill(&source, 0..40);

    let folder = tempfile::tempdir().unwrap();
    let done = run(&source, folder.path());
    let different: std::collections::HashSet<_> = source.every_stored().unwrap().iter().map(|s| s.digest).collect();
    assert_eq!((done.messages, done.new), (different.len() as u64, 43));
    assert!(done.repaired.is_empty() && done.failed.is_empty());
    assert_eq!(source.last_backup().unwrap().unwrap().0, done.folder);
    let verified = verify(folder.path(), &Cancel::new(), &mut |_| {}).unwrap();
    assert_eq!((verified.messages, verified.octets, verified.damaged), (43, done.octets, vec![]));

    let (_b, copy) = archive();
    let restored = restore(&copy, folder.path(), &Cancel::new(), &mut |_| {}).unwrap();
    assert_eq!((restored.found, restored.added, restored.failed), (43, 43, vec![]));
    assert_eq!(contents(&copy), contents(&source));
    assert_eq!(copy.every_stored().unwrap().len(), source.every_stored().unwrap().len());
    let restored_account = copy.account("ann@example.org").unwrap().unwrap();
    assert_eq!((restored_account.server, restored_account.name), (account.server.clone(), account.name.clone()));
    let again = copy.account("ann@example.org").unwrap().unwrap();
    let (_, restored_maildrop) = copy.begin_session(&again, when(9)).unwrap();
    let rows = |archive: &Archive, maildrop| {
        let row = |row: crate::archive::LedgerEntry| {
            let digest = row.message.map(|id| archive.stored(id).unwrap().unwrap().digest);
            (row.uidl, row.ordinal, digest, row.state, row.octets, row.first_seen, row.last_seen)
        };
        archive.ledger(maildrop).unwrap().into_iter().map(row).collect::<Vec<_>>()
    };
    assert_eq!(rows(&copy, restored_maildrop), rows(&source, maildrop));

    // Merged once more, into an archive that holds all of it: nothing is added.
    let again = restore(&copy, folder.path(), &Cancel::new(), &mut |_| {}).unwrap();
    assert_eq!((again.added, again.already_here), (0, 43));
    assert_eq!(copy.every_stored().unwrap().len(), source.every_stored().unwrap().len());
}

#[test]
fn a_second_backup_writes_only_what_is_new() {
    let (_a, source) = archive();
    fill(&source, 0..60);
    let folder = tempfile::tempdir().unwrap();
    let first = run_in_small_segments(&source, folder.path(), &mut |_| {});
    assert_eq!((first.messages, first.new), (60, 60));
    let before = files(folder.path());
    assert!(before.len() > 5, "several segments: {:?}", before.keys());
    fill(&source, 60..65);
    let second = run_in_small_segments(&source, folder.path(), &mut |_| {});
    assert_eq!((second.messages, second.new), (65, 5));
    let after = files(folder.path());
    for (name, file) in before.iter().filter(|(name, _)| name.ends_with(".zip")) {
        assert_eq!(after.get(name), Some(file), "{name} was touched");
    }
    let new: Vec<&String> = after.keys().filter(|name| !before.contains_key(*name)).collect();
    assert_eq!(new.iter().filter(|name| name.ends_with(".zip")).count(), 1, "{new:?}");
    assert_eq!(after.keys().filter(|name| name.starts_with("state-")).count(), 1);
    let third = run_in_small_segments(&source, folder.path(), &mut |_| {});
    assert_eq!((third.messages, third.new), (65, 0));
    assert_eq!(damage(folder.path()), Vec::<String>::new());
}

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
        if name == super::manifest::README {
            continue;
        }
        let path = folder.path().join(&name);
        let inside = super::manifest::segment_name::number(&name).map(|number| packed(folder.path(), number));
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
    self::copy(folder.path(), other.path());
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
            copy(folder.path(), &to);
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

/// A token that is cancelled at the `count`th report.
fn stop_at(count: usize) -> (Cancel, impl FnMut() + Send) {
    let cancel = Cancel::new();
    let (token, mut seen) = (cancel.clone(), 0);
    (cancel, move || {
        seen += 1;
        if seen == count {
            token.cancel();
        }
    })
}

fn is_cancelled<T>(result: super::Result<T>) -> bool {
    matches!(result, Err(BackupError::Cancelled(_)))
}

#[test]
fn a_cancelled_backup_leaves_the_earlier_one() {
    let (_a, source) = archive();
    fill(&source, 0..20);
    let folder = tempfile::tempdir().unwrap();
    run_in_small_segments(&source, folder.path(), &mut |_| {});
    fill(&source, 20..40);
    for count in [1, 5, 15, 25, 35, 42] {
        let (cancel, mut stop) = stop_at(count);
        let mut options = Options { segment: SMALL, moment: &mut |_| {} };
        let result = back_up_with(&mut options, &source, folder.path(), &cancel, &mut |_, _| stop());
        assert!(is_cancelled(result), "at report {count}");
        let verified = verify(folder.path(), &Cancel::new(), &mut |_| {}).unwrap();
        assert_eq!((verified.messages, verified.damaged), (20, vec![]), "at report {count}");
        assert!(!files(folder.path()).keys().any(|name| name.ends_with(".part")), "at report {count}");
    }
    let done = run_in_small_segments(&source, folder.path(), &mut |_| {});
    assert_eq!((done.messages, done.new), (40, 20));
}

#[test]
fn other_jobs_are_cancelled_half_way() {
    let (_a, source) = archive();
    fill(&source, 0..40);
    let folder = tempfile::tempdir().unwrap();
    run(&source, folder.path());

    let (cancel, mut stop) = stop_at(20);
    assert!(is_cancelled(verify(folder.path(), &cancel, &mut |_| stop())));
    assert_eq!(damage(folder.path()), Vec::<String>::new());

    let exports = tempfile::tempdir().unwrap();
    for format in [Format::Mbox, Format::Maildir, Format::Eml, Format::Zip] {
        let (cancel, mut stop) = stop_at(20);
        let place = exports.path().join("export");
        assert!(is_cancelled(export(&source, &place, format, None, &cancel, &mut |_| stop())), "{format:?}");
        assert_eq!(fs::read_dir(exports.path()).unwrap().count(), 0, "{format:?}");
    }

    let (_b, copy) = archive();
    let (cancel, mut stop) = stop_at(20);
    assert!(is_cancelled(restore(&copy, folder.path(), &cancel, &mut |_| stop())));
    assert!(copy.check(true, &Cancel::new(), &mut |_| {}).unwrap().damaged.is_empty());
    restore(&copy, folder.path(), &Cancel::new(), &mut |_| {}).unwrap();
    assert_eq!(contents(&copy), contents(&source));

    let place = exports.path().join("eml");
    export(&source, &place, Format::Eml, None, &Cancel::new(), &mut |_| {}).unwrap();
    let (_c, copy) = archive();
    let (cancel, mut stop) = stop_at(20);
    assert!(is_cancelled(import(&copy, std::slice::from_ref(&place), &cancel, &mut |_| stop())));
    assert!(copy.check(true, &Cancel::new(), &mut |_| {}).unwrap().damaged.is_empty());
    let imported = import(&copy, &[place], &Cancel::new(), &mut |_| {}).unwrap();
    assert_eq!((imported.found, imported.failed), (40, vec![]));
    assert_eq!(copy.every_stored().unwrap().len(), 40);
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

#[test]
fn the_folder_is_chosen_with_care() {
    let (inside, source) = archive();
    fill(&source, 0..3);
    let place = tempfile::tempdir().unwrap();
    let stick = place.path().join("stick");
    fs::create_dir(&stick).unwrap();
    fs::write(stick.join("holiday.jpg"), "picture").unwrap();
    fs::write(stick.join("manifest.json"), "{\"name\":\"another program's\"}").unwrap();
    for _ in 0..2 {
        let done = run(&source, &stick);
        assert_eq!((done.folder, done.messages), (stick.join(SUBFOLDER), 3));
    }
    assert_eq!(damage(&stick), Vec::<String>::new());
    assert_eq!(fs::read_dir(&stick).unwrap().count(), 3);

    let new = place.path().join("not/there/yet");
    assert_eq!(run(&source, &new).folder, new);
    let refused = |place: &Path| back_up(&source, place, &Cancel::new(), &mut |_, _| {}).unwrap_err();
    assert!(matches!(refused(inside.path()), BackupError::InsideArchive(_)));
    assert!(matches!(refused(&inside.path().join("backup")), BackupError::InsideArchive(_)));
    assert!(matches!(refused(&stick.join("holiday.jpg")), BackupError::NotAFolder(_)));
    let foreign = place.path().join("foreign");
    fs::create_dir_all(foreign.join(SUBFOLDER)).unwrap();
    fs::write(foreign.join(SUBFOLDER).join("other"), "").unwrap();
    assert!(matches!(refused(&foreign), BackupError::NotABackup(_)));
    let none = verify(place.path(), &Cancel::new(), &mut |_| {});
    assert!(matches!(none, Err(BackupError::NotABackup(_))));
}

#[test]
fn two_archives_share_a_folder_and_keep_both_states() {
    let folder = tempfile::tempdir().unwrap();
    let ((_a, one), (_b, two)) = (archive(), archive());
    account(&one);
    fill(&one, 0..6);
    fill(&two, 4..10);
    run(&one, folder.path());
    assert_eq!(run(&two, folder.path()).messages, 10);
    assert_eq!(run(&one, folder.path()).new, 0);
    assert_eq!(manifest(folder.path()).states.len(), 2);
    let (_c, copy) = archive();
    restore(&copy, folder.path(), &Cancel::new(), &mut |_| {}).unwrap();
    assert_eq!((copy.every_stored().unwrap().len(), copy.accounts().unwrap().len()), (10, 1));
    let marks = |number: usize| contents(&copy)[&Digest::of(&message(number))].0;
    assert!(marks(0).read && marks(8).read && marks(9).starred);
}

fn digests(archive: &Archive) -> Vec<Digest> {
    let mut digests: Vec<Digest> = archive.every_stored().unwrap().iter().map(|stored| stored.digest).collect();
    digests.sort();
    digests
}

fn there_and_back(source: &Archive, format: Format) -> (Exported, TempDir, Archive) {
    let place = tempfile::tempdir().unwrap();
    let name = match format {
        Format::Mbox => "mail.mbox",
        Format::Zip => "mail.zip",
        Format::Maildir | Format::Eml => "mail",
    };
    let exported = export(source, &place.path().join(name), format, None, &Cancel::new(), &mut |_| {}).unwrap();
    let mut from = place.path().join(name);
    if format == Format::Zip {
        let unpacked = place.path().join("unpacked");
        zip::ZipArchive::new(fs::File::open(&from).unwrap()).unwrap().extract(&unpacked).unwrap();
        from = unpacked;
    }
    let (folder, copy) = archive();
    let imported = import(&copy, &[from], &Cancel::new(), &mut |_| {}).unwrap();
    assert_eq!(imported.failed, Vec::<String>::new());
    assert_eq!(imported.found, exported.exported);
    (exported, folder, copy)
}

#[test]
fn an_export_imported_again_is_the_same_mail() {
    let (_a, source) = archive();
    fill(&source, 0..40);
    for format in [Format::Eml, Format::Zip, Format::Maildir] {
        let (exported, _folder, copy) = there_and_back(&source, format);
        assert_eq!((exported.exported, exported.inexact), (40, vec![]), "{format:?}");
        assert_eq!(digests(&copy), digests(&source), "{format:?}");
        if format == Format::Maildir {
            assert_eq!(contents(&copy), contents(&source));
        }
    }
    let (exported, _folder, copy) = there_and_back(&source, Format::Mbox);
    assert_eq!(exported.inexact.len(), 5, "those without a final line end: {:?}", exported.inexact);
    let missing = digests(&source).into_iter().filter(|digest| !digests(&copy).contains(digest)).count();
    assert_eq!((copy.every_stored().unwrap().len(), missing), (40, 5));
}

#[test]
fn exports_by_query_leave_out_the_rest() {
    let (_a, source) = archive();
    fill(&source, 0..40);
    source.index_pending(&Cancel::new(), &mut |_| {}).unwrap();
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("found.mbox");
    let exported = export(&source, &path, Format::Mbox, Some("subject:17"), &Cancel::new(), &mut |_| {}).unwrap();
    assert_eq!(exported.exported, 1);
    assert!(fs::read(&path).unwrap().windows(10).any(|text| text == b"Message 17"));
}

#[test]
fn an_export_writes_over_nothing() {
    let (_a, source) = archive();
    fill(&source, 0..2);
    let place = tempfile::tempdir().unwrap();
    for (format, name) in [(Format::Mbox, "a"), (Format::Zip, "b"), (Format::Eml, "c"), (Format::Maildir, "d")] {
        let path = place.path().join(name);
        if matches!(format, Format::Eml | Format::Maildir) {
            fs::create_dir(&path).unwrap();
        }
        let again = || export(&source, &path, format, None, &Cancel::new(), &mut |_| {});
        again().unwrap();
        assert!(matches!(again(), Err(BackupError::TargetExists(_))), "{format:?}");
    }
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 4, "nothing is left beside");
}

#[test]
fn imports_keep_marks_and_name_what_failed() {
    let place = tempfile::tempdir().unwrap();
    let mbox =
        b"From a Tue Aug  9 19:30:42 2005\nStatus: RO\nSubject: read\n\n\nFrom b\nX-Status: F\nSubject: starred\n\n";
    fs::write(place.path().join("inbox"), [&mbox[..], b"\nFrom c\nSubject: large\n\n", &[b'x'; 5000]].concat())
        .unwrap();
    fs::write(place.path().join("large.eml"), [b'x'; 5000]).unwrap();
    let (_a, archive) = archive();
    let paths = [place.path().to_owned(), place.path().join("gone.eml")];
    let imported = super::import::import_up_to(4096, &archive, &paths, &Cancel::new(), &mut |_| {}).unwrap();
    assert_eq!((imported.found, imported.added, imported.failed.len()), (5, 2, 3), "{:?}", imported.failed);
    let found = contents(&archive);
    let read = Marks { read: true, starred: false };
    assert_eq!(found[&Digest::of(b"Status: RO\nSubject: read\n\n")], (read, "2005-08-09T19:30:42Z".parse().unwrap()));
    assert_eq!(found[&Digest::of(b"X-Status: F\nSubject: starred\n\n")].0, Marks { read: false, starred: true });
    let again = import(&archive, &[place.path().join("inbox")], &Cancel::new(), &mut |_| {}).unwrap();
    assert_eq!((again.added, again.already_here), (1, 2));
}

/// Any bytes that are a message of their own, told apart from the others by `number`.
fn odd_message(number: usize, body: &[u8]) -> Vec<u8> {
    [format!("X-Number: {number}\n").as_bytes(), body].concat()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn any_mail_comes_back_from_eml_and_from_mbox_where_it_can_be_held(
        bodies in proptest::collection::vec(
            prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..200),
                "(\r\n|\n|From |>|[a-z: ]){0,40}".prop_map(String::into_bytes),
            ],
            1..6,
        )
    ) {
        let (_a, source) = archive();
        let messages: Vec<Vec<u8>> = bodies.iter().enumerate().map(|(n, body)| odd_message(n, body)).collect();
        let incoming = messages.iter().map(|bytes| Incoming {
            bytes: bytes.clone(),
            arrived: when(0),
            marks: Marks::default(),
            from: Origin::File { account: None },
        });
        source.ingest(incoming.collect()).unwrap();
        let (_, _b, copy) = there_and_back(&source, Format::Eml);
        prop_assert_eq!(digests(&copy), digests(&source));
        let (exported, _c, copy) = there_and_back(&source, Format::Mbox);
        let held: Vec<&Vec<u8>> = messages.iter().filter(|message| message.ends_with(b"\n")).collect();
        prop_assert_eq!(exported.inexact.len(), messages.len() - held.len());
        let found = contents(&copy);
        prop_assert!(held.into_iter().all(|message| found.contains_key(&Digest::of(message))));
    }
}
