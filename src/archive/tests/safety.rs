//! Checking, and the way to a backup and back.

use std::collections::HashSet;

use super::*;

#[test]
fn check_names_what_is_damaged() {
    let (folder, archive) = opened();
    let visit = Visit::begin(&archive, "ben@example.org", 0);
    visit.list(&["a", "b"]);
    added(visit.take("a", mail("whole")));
    let bad = added(visit.take("b", mail("touched")));
    archive.index_pending(&Cancel::new(), &mut no_report()).unwrap();
    let check = |full| archive.check(full, &Cancel::new(), &mut no_report()).unwrap();
    let fine = Health { checked: 2, ..Health::default() };
    assert_eq!(check(true), fine);
    tamper(
        folder.path(),
        "DROP TRIGGER body_fixed; UPDATE body SET bytes = CAST(replace(CAST(bytes AS TEXT), 'Hello', 'Hallo') AS BLOB)
         WHERE original = 2",
    );
    assert_eq!(check(false), fine, "the length is the same");
    let health = check(true);
    assert_eq!(health.checked, 2);
    assert_eq!(health.damaged.len(), 1);
    assert_eq!(health.damaged[0].0, bad);
    assert!(health.damaged[0].1.contains("“touched”"), "{health:?}");
    assert!(visit.proves("a") && !visit.proves("b"));
    tamper(folder.path(), "UPDATE body SET bytes = x'00' WHERE original = 2");
    assert_eq!(check(false).damaged.len(), 1);
    tamper(folder.path(), "PRAGMA foreign_keys = OFF; DROP TRIGGER body_stays; DELETE FROM body WHERE original = 2");
    assert_eq!(check(false).damaged.len(), 1);
    assert!(matches!(archive.original(bad), Err(ArchiveError::Rotten { .. })), "it is gone, and was here");
    let cancel = Cancel::new();
    cancel.cancel();
    assert!(matches!(archive.check(true, &cancel, &mut no_report()), Err(ArchiveError::Cancelled(_))));
}

#[test]
fn a_flipped_bit_anywhere_in_the_bytes_is_found() {
    let (folder, archive) = opened();
    let subject = "flip ".repeat(60);
    for number in 0..30 {
        import(&archive, mail(&format!("{subject}{number}")));
    }
    drop(archive);
    let path = folder.path().join("mail.db");
    let whole = fs::read(&path).unwrap();
    // Every 23rd octet of what is stored of each, packed.
    let places: Vec<usize> = bodies(folder.path())
        .iter()
        .flat_map(|(codec, body)| {
            assert_eq!(*codec, super::super::codec::PACKED);
            let at = whole.windows(body.len()).position(|window| window == body).unwrap();
            (at..at + body.len()).step_by(23)
        })
        .collect();
    let mut found = 0;
    for &at in &places {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        fs::write(&path, bytes).unwrap();
        let archive = Archive::open_read_only(folder.path()).unwrap();
        let health = archive.check(true, &Cancel::new(), &mut no_report()).unwrap();
        let good = |number: usize| {
            let id = MessageId(i64::try_from(number).unwrap() + 1);
            // What rotted is refused, never shown as good mail.
            archive.original(id).ok().flatten() == Some(mail(&format!("{subject}{number}")))
        };
        // A page keeps old bytes that belong to no row any more: a flip there harms nothing.
        assert_eq!(health.damaged.len(), (0..30).filter(|&number| !good(number)).count(), "octet {at}");
        found += health.damaged.len();
    }
    assert!(found >= 20 && found * 2 > places.len(), "{found} of {}", places.len());
}

/// A mailbox with everything in it that a restore could lose.
fn lived_in(archive: &Archive) {
    let visit = Visit::begin(archive, "ben@example.org", 0);
    let imported = added(import(archive, mail("imported")));
    visit.list(&["a", "b", "c", "d", "e", "f"]);
    let one = added(visit.take("a", mail("one")));
    added(visit.take("b", mail("one")));
    let Ingested::Twin { .. } = visit.take("c", traced("imported")) else { panic!("no twin") };
    added(visit.take("d", mail("two")));
    // Of one likeness, and both in one listing: two mails, neither a twin.
    added(visit.take("e", traced("two")));
    let binary = Uidl::new(b"\xff\0 8-bit").unwrap();
    let listing = [ListedMessage { number: 1, uidl: binary.clone(), ordinal: 3, octets: None }];
    archive.note_listing(visit.session, visit.maildrop, &listing, false, at(3)).unwrap();
    archive.set_copy_state(visit.maildrop, &[(Uidl::new(b"d").unwrap(), 0)], CopyState::Gone).unwrap();
    archive.set_copy_state(visit.maildrop, &[(Uidl::new(b"f").unwrap(), 0)], CopyState::Refused).unwrap();
    archive.set_read(&[one, imported], true).unwrap();
    archive.set_starred(&[imported], true).unwrap();
    let outcome = SessionOutcome { listed: 6, retrieved: 5, problem: Some("slow".into()), ..Default::default() };
    archive.end_session(visit.session, &outcome, &[], at(9)).unwrap();
    let eva = Visit::begin(archive, "eva@example.org", 20);
    added(eva.take("a", mail("one")));
    archive.remove_account(eva.account.id, Mail::Keep).unwrap();
    let mut account = archive.account("ben@example.org").unwrap().unwrap();
    account.password_command = Some("pass show mail".to_owned());
    archive.change_account(&account).unwrap();
}

/// As `backup::restore` does it: each original once, then the state.
fn restore(from: &Archive, into: &Archive, backwards: bool) {
    let snapshot = serde_json::to_string(&from.snapshot().unwrap()).unwrap();
    let snapshot: Snapshot = serde_json::from_str(&snapshot).unwrap();
    assert_eq!(snapshot, from.snapshot().unwrap());
    let arrived: std::collections::HashMap<_, _> = snapshot.arrivals().collect();
    let mut stored = from.every_stored().unwrap();
    if backwards {
        stored.reverse();
    }
    for message in stored {
        let bytes = from.original(message.id).unwrap().unwrap();
        let arrived = arrived[&Digest::of(&bytes)];
        into.ingest(vec![Incoming { bytes, arrived, marks: Marks::default(), from: Origin::Backup }]).unwrap();
    }
    into.merge(&snapshot, &mut HashSet::new()).unwrap();
}

/// What must be equal after a restore, without ids: messages by digest and whose they are; ledger rows by UIDL.
fn essence(archive: &Archive) -> (Vec<String>, Vec<String>, Vec<String>) {
    let stored = archive.every_stored().unwrap();
    let name = |id: MessageId| {
        let message = stored.iter().find(|stored| stored.id == id).unwrap();
        format!("{} {:?}", &message.digest.to_string()[..8], message.account.is_some())
    };
    let mut messages: Vec<String> = stored
        .iter()
        .map(|message| {
            format!("{} {:?} {:?} {}", name(message.id), message.marks, message.twin_of.map(name), message.arrived)
        })
        .collect();
    messages.sort();
    let mut ledger = Vec::new();
    for maildrop in 1..=2 {
        for row in archive.ledger(MaildropId(maildrop)).unwrap() {
            ledger.push(format!(
                "{maildrop} {:?} {:?}",
                LedgerEntry { message: None, since: 0, ..row.clone() },
                row.message.map(name)
            ));
        }
    }
    let accounts = archive.accounts().unwrap().into_iter().map(|account| account.address);
    let log = archive
        .sessions(9)
        .unwrap()
        .into_iter()
        .map(|LoggedSession { began, ended, outcome, .. }| format!("{began} {ended:?} {outcome:?}"));
    (messages, ledger, accounts.chain(log).collect())
}

#[test]
fn a_snapshot_comes_back_whole_in_any_order_and_twice() {
    let (_folder, archive) = opened();
    lived_in(&archive);
    for backwards in [false, true] {
        let (_other, restored) = opened();
        restore(&archive, &restored, backwards);
        assert_eq!(essence(&restored), essence(&archive), "backwards: {backwards}");
        let rows = restored.every_stored().unwrap().len();
        restore(&archive, &restored, backwards);
        assert_eq!(essence(&restored), essence(&archive), "a second time");
        assert_eq!(restored.every_stored().unwrap().len(), rows);
        restored.index_pending(&Cancel::new(), &mut no_report()).unwrap();
        assert_eq!(restored.counts().unwrap().to_index, 0);
        assert_eq!(restored.counts().unwrap().all, archive.counts().unwrap().all);
    }
}

#[test]
fn a_snapshot_holds_no_password_and_runs_no_command() {
    let (_folder, archive) = opened();
    lived_in(&archive);
    let text = serde_json::to_string(&archive.snapshot().unwrap()).unwrap();
    assert!(!text.contains("pass show mail"), "{text}");
    let (_other, restored) = opened();
    restore(&archive, &restored, false);
    assert_eq!(restored.account("ben@example.org").unwrap().unwrap().password_command, None);
    assert_eq!(restored.account("eva@example.org").unwrap(), None, "it was removed");
}

#[test]
fn merging_without_the_bytes_claims_nothing() {
    let (_folder, archive) = opened();
    lived_in(&archive);
    let (_other, empty) = opened();
    empty.merge(&archive.snapshot().unwrap(), &mut HashSet::new()).unwrap();
    assert_eq!(empty.every_stored().unwrap(), []);
    let ledger = empty.ledger(MaildropId(1)).unwrap();
    assert_eq!(ledger.len(), 7);
    assert!(ledger.iter().all(|row| row.message.is_none()));
    assert!(ledger.iter().all(|row| !matches!(row.state, CopyState::Stored | CopyState::DeleSent)));
}

#[test]
fn merging_into_a_mailbox_that_has_the_mail_adds_only_what_it_lacks() {
    let (_folder, archive) = opened();
    lived_in(&archive);
    let (_other, here) = opened();
    let lf = String::from_utf8(mail("one")).unwrap().replace("\r\n", "\n").into_bytes();
    let other_way = added(import(&here, lf));
    here.set_read(&[other_way], false).unwrap();
    let visit = Visit::begin(&here, "Ben@example.org", 50);
    visit.list(&["d", "zz"]);
    let two = added(visit.take("d", mail("two")));
    here.set_starred(&[two], true).unwrap();
    restore(&archive, &here, false);
    let stored = here.stored(two).unwrap().unwrap();
    assert_eq!(stored.marks, Marks { read: false, starred: true });
    let state = |uidl: &str| visit.states().into_iter().find(|row| row.0 == uidl).map(|row| row.1);
    assert_eq!(state("d"), Some(CopyState::Stored), "what is known here stays");
    assert_eq!(state("a"), Some(CopyState::Stored));
    assert_eq!(state("zz"), Some(CopyState::Listed));
    assert!(visit.proves("a") && visit.proves("b") && visit.proves("c"));
    let rows = here.every_stored().unwrap().len();
    restore(&archive, &here, true);
    assert_eq!(here.every_stored().unwrap().len(), rows);
}

#[test]
fn of_two_snapshots_the_later_one_counts_in_either_order() {
    let (_folder, archive) = opened();
    let visit = Visit::begin(&archive, "ben@example.org", 0);
    visit.list(&["a", "b"]);
    added(visit.take("a", mail("one")));
    let earlier = archive.snapshot().unwrap();
    archive.end_session(visit.session, &SessionOutcome::default(), &[], at(9)).unwrap();
    let next = Visit::begin(&archive, "ben@example.org", 100);
    archive.note_listing(next.session, next.maildrop, &[listed(1, "a", 100)], true, at(101)).unwrap();
    archive.set_copy_state(next.maildrop, &[(Uidl::new(b"a").unwrap(), 0)], CopyState::Gone).unwrap();
    let later = archive.snapshot().unwrap();
    for order in [[&earlier, &later], [&later, &earlier]] {
        let (_other, restored) = opened();
        let bytes = mail("one");
        restored
            .ingest(vec![Incoming { bytes, arrived: at(5), marks: Marks::default(), from: Origin::Backup }])
            .unwrap();
        for snapshot in order {
            restored.merge(snapshot, &mut HashSet::new()).unwrap();
        }
        assert_eq!(essence(&restored), essence(&archive));
    }
}
