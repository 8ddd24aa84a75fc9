//! A backup, the next one, and the way back.

use std::fs;
use std::path::Path;

use super::{account, archive, contents, damage, files, fill, manifest, message, run, run_in_small_segments, when};
use crate::account::{Digest, Uidl};
use crate::archive::{Archive, Incoming, ListedMessage, Marks, Origin};
use crate::backup::manifest::{README, README_TEXT, SUBFOLDER};
use crate::backup::{BackupError, back_up, restore, verify};
use crate::job::Cancel;

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
    let counts = copy.counts().unwrap();
    assert_eq!(counts.in_backup, counts.all, "what came from a backup is in it");
    assert_eq!(copy.every_stored().unwrap().len(), source.every_stored().unwrap().len());
    let restored_account = copy.account("ann@example.org").unwrap().unwrap();
    assert_eq!((restored_account.server, restored_account.name), (account.server.clone(), account.name.clone()));
    let again = copy.account("ann@example.org").unwrap().unwrap();
    let (_, restored_maildrop) = copy.begin_session(&again, when(9)).unwrap();
    let rows = |archive: &Archive, maildrop| {
        let row = |row: crate::archive::LedgerEntry| {
            let digest = row.message.map(|id| archive.stored(id).unwrap().unwrap().digest);
            let seen = row.message.and_then(|id| archive.seen_on_server(id).unwrap());
            (row.uidl, row.ordinal, digest, row.state, row.octets, seen)
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
fn a_twin_comes_back_as_a_twin() {
    let (_a, source) = archive();
    let account = account(&source);
    let from_file = b"Subject: a\n\nThe same mail\n".to_vec();
    let from_server = b"Subject: a\r\n\r\nThe same mail\r\n".to_vec();
    let uidl = Uidl::new(b"u1").unwrap();
    let (session, maildrop) = source.begin_session(&account, when(0)).unwrap();
    let from = Origin::Maildrop { session, maildrop, account: account.id, uidl, ordinal: 0, octets: None };
    for (bytes, from) in [(from_file, Origin::File { account: None }), (from_server, from)] {
        source.ingest(vec![Incoming { bytes, arrived: when(0), marks: Marks::default(), from }]).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(run(&source, folder.path()).messages, 2);
    let (_b, copy) = archive();
    restore(&copy, folder.path(), &Cancel::new(), &mut |_| {}).unwrap();
    let shown = |archive: &Archive| {
        let stored = archive.every_stored().unwrap();
        stored.into_iter().map(|stored| (stored.digest, stored.twin_of)).collect::<Vec<_>>()
    };
    assert_eq!(shown(&copy), shown(&source));
    assert_eq!(shown(&copy).iter().filter(|(_, twin_of)| twin_of.is_some()).count(), 1);
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
fn a_readme_of_somebody_else_stays() {
    let (_a, source) = archive();
    fill(&source, 0..3);
    let place = tempfile::tempdir().unwrap();
    let readme = place.path().join(README);
    fs::write(&readme, "My own words").unwrap();
    let done = run(&source, place.path());
    assert_eq!(done.folder, place.path().join(SUBFOLDER));
    assert_eq!(fs::read(&readme).unwrap(), b"My own words");
    let foreign = tempfile::tempdir().unwrap();
    fs::create_dir(foreign.path().join(SUBFOLDER)).unwrap();
    for folder in [foreign.path().to_owned(), foreign.path().join(SUBFOLDER)] {
        fs::write(folder.join(README), "My own words").unwrap();
    }
    let refused = back_up(&source, foreign.path(), &Cancel::new(), &mut |_, _| {});
    assert!(matches!(refused, Err(BackupError::NotABackup(_))), "{refused:?}");

    // In a backup a person's words stay as well; those of an older version become ours.
    let readme = done.folder.join(README);
    for (text, then) in [("My own words", "My own words"), (&README_TEXT[..90], README_TEXT)] {
        fs::write(&readme, text).unwrap();
        run(&source, place.path());
        assert_eq!(fs::read_to_string(&readme).unwrap(), then);
    }
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
