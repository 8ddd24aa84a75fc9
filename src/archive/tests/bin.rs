//! The bin: in no other list, undone at once, erased for good, and never before a removal that is owed.

use std::collections::{HashMap, HashSet};

use super::*;

fn id(ingested: Ingested) -> MessageId {
    let (Ingested::Added(id) | Ingested::AlreadyHere(id) | Ingested::Twin { stored: id, .. }) = ingested;
    id
}

fn subjects(archive: &Archive, view: View) -> Vec<String> {
    archive.index_pending(&Cancel::new(), &mut |_| {}).unwrap();
    let rows = archive.rows(&archive.keys(view).unwrap()).unwrap();
    rows.into_iter().map(|row| row.subject).collect()
}

fn empty(archive: &Archive, which: Emptying) -> (u64, u64) {
    let Emptied { erased, waiting } = archive.empty_bin(which, &Cancel::new(), &mut |_| {}).unwrap();
    (erased, waiting)
}

/// An account with these messages, all still on the server.
fn with(uidls: &[&str], retention: Retention) -> (TempDir, Visit, Vec<MessageId>) {
    let (folder, archive) = opened();
    let mut visit = Visit::begin(&archive, "ben@example.org", 0);
    visit.account.retention = retention;
    archive.change_account(&visit.account).unwrap();
    visit.list(uidls);
    let ids = uidls.iter().map(|uidl| id(visit.take(uidl, mail(uidl)))).collect();
    (folder, visit, ids)
}

#[test]
fn what_is_in_the_bin_is_in_no_other_list() {
    let (_folder, visit, ids) = with(&["a", "b", "c"], Retention::LeaveCopy);
    let archive = &visit.archive;
    archive.set_starred(&ids, true).unwrap();
    archive.move_to_bin(&ids[1..2], false, at(50)).unwrap();
    for view in [View::All, View::Unread, View::Starred, View::Account(visit.account.id)] {
        let mut shown = subjects(archive, view);
        shown.sort();
        assert_eq!(shown, ["a", "c"], "{view:?}");
    }
    assert_eq!(subjects(archive, View::Bin), ["b"]);
    let found = |query: &str, view| archive.search(query, view, None, &Cancel::new()).unwrap().keys.len();
    assert_eq!((found("hello", View::All), found("hello", View::Bin), found("-nothing", View::Bin)), (2, 1, 1));
    let row = &archive.rows(&archive.keys(View::Bin).unwrap()).unwrap()[0];
    assert_eq!((row.binned, row.on_server), (Some(at(50)), true));
    let counts = archive.counts().unwrap();
    assert_eq!((counts.all, counts.bin, counts.starred, counts.on_server, counts.to_index), (2, 1, 2, 2, 0));

    archive.take_from_bin(&ids[1..2]).unwrap();
    assert_eq!(subjects(archive, View::All).len(), 3);
    assert_eq!(subjects(archive, View::Bin), Vec::<String>::new());
    assert_eq!(archive.counts().unwrap().bin, 0);
}

#[test]
fn erased_is_erased_and_does_not_come_back() {
    let (_folder, visit, ids) = with(&["a", "b"], Retention::LeaveCopy);
    let archive = &visit.archive;
    subjects(archive, View::All);
    archive.record_backup("usb", Path::new("/media/usb"), &ids, at(10)).unwrap();
    archive.set_read(&ids, true).unwrap();
    archive.move_to_bin(&ids[..1], false, at(50)).unwrap();
    let after = |days: i64| at(50 + days * 24 * 3600);
    for days in [1, 2, 9, 16, 9_000] {
        assert_eq!(empty(archive, Emptying::Due(after(days))), (0, 0), "{days}");
        assert_eq!(empty(archive, Emptying::Due(after(1))), (0, 0), "a clock that goes back");
    }
    assert_eq!(empty(archive, Emptying::Due(after(9))), (1, 0));
    assert_eq!(archive.original(ids[0]).unwrap(), None);
    assert!(archive.original(ids[1]).unwrap().is_some());
    assert_eq!(subjects(archive, View::All), ["b"]);
    assert_eq!(archive.check(true, &Cancel::new(), &mut |_| {}).unwrap().problems, Vec::<String>::new());
    assert!(!visit.proves("a"), "nothing proves what is not here");

    // The same listing again: the row knows, and nothing is to be fetched.
    let next = Visit::begin(archive, "ben@example.org", 100);
    next.list(&["a", "b"]);
    assert_eq!(next.states()[0], ("a".to_owned(), CopyState::Erased, None));
    // Under another unique-id it comes, and goes into the bin at once.
    let again = id(next.take("z", mail("a")));
    assert_eq!(subjects(archive, View::Bin), ["a"]);
    // Whoever imports it wants it.
    let file =
        Incoming { bytes: mail("a"), arrived: at(200), marks: Marks::default(), from: Origin::File { account: None } };
    assert_eq!(archive.ingest(vec![file]).unwrap(), [Ingested::AlreadyHere(again)]);
    assert_eq!(subjects(archive, View::All).len(), 2);
}

#[test]
fn another_mail_under_the_unique_id_of_an_erased_one_is_fetched() {
    let (_folder, visit, ids) = with(&["a"], Retention::LeaveCopy);
    visit.archive.move_to_bin(&ids, false, at(50)).unwrap();
    assert_eq!(empty(&visit.archive, Emptying::Settled), (1, 0));
    let next = Visit::begin(&visit.archive, "ben@example.org", 100);
    visit.archive.note_listing(next.session, next.maildrop, &[listed(1, "a", 101)], true, at(100)).unwrap();
    assert_eq!(next.states(), [("a".to_owned(), CopyState::Listed, None)]);
}

/// Without a copy here there is no proof, and without a proof no removal.
#[test]
fn what_is_to_leave_the_server_waits_in_the_bin_for_it() {
    for (retention, there_too, waits) in [
        (Retention::LeaveCopy, false, false),
        (Retention::LeaveCopy, true, true),
        (Retention::UntilDeleted, false, true),
        (Retention::RemoveOnceStored, false, true),
    ] {
        let (_folder, visit, ids) = with(&["a"], retention);
        let archive = &visit.archive;
        archive.move_to_bin(&ids, there_too, at(50)).unwrap();
        let case = format!("{retention}, there too: {there_too}");
        assert_eq!(empty(archive, Emptying::Settled), if waits { (0, 1) } else { (1, 0) }, "{case}");
        if waits {
            visit.archive.note_removed(visit.maildrop, &[(Uidl::new(b"a").unwrap(), 0)]).unwrap();
            assert_eq!(empty(archive, Emptying::Settled), (1, 0), "{case}");
        }
    }
    let (_folder, visit, ids) = with(&["a"], Retention::RemoveOnceStored);
    visit.archive.move_to_bin(&ids, true, at(50)).unwrap();
    assert_eq!(empty(&visit.archive, Emptying::Everything), (1, 0), "on request it waits for nothing");
    assert_eq!(visit.states(), [("a".to_owned(), CopyState::Erased, None)]);
}

#[test]
fn twins_go_and_come_together() {
    let (_folder, archive) = opened();
    let visit = Visit::begin(&archive, "ben@example.org", 0);
    let shown = id(visit.take("a", mail("same")));
    let other = Visit::begin(&archive, "ben@example.org", 10);
    let Ingested::Twin { stored, of } = other.take("b", traced("same")) else { panic!("no twin") };
    assert_eq!(of, shown);
    archive.move_to_bin(&[shown], false, at(50)).unwrap();
    assert_eq!(archive.binned().unwrap().len(), 2);
    assert_eq!(subjects(&archive, View::Bin), ["same"]);
    assert_eq!(empty(&archive, Emptying::Settled), (2, 0));
    assert_eq!((archive.original(shown).unwrap(), archive.original(stored).unwrap()), (None, None));
}

#[test]
fn an_original_that_another_message_shares_stays() {
    let (_folder, archive) = opened();
    let visit = Visit::begin(&archive, "ben@example.org", 0);
    visit.list(&["a", "b"]);
    let (one, other) = (id(visit.take("a", mail("same"))), id(visit.take("b", mail("same"))));
    assert_ne!(one, other, "two in one listing are two");
    archive.move_to_bin(&[one], false, at(50)).unwrap();
    assert_eq!(empty(&archive, Emptying::Settled), (1, 0));
    assert_eq!(archive.original(other).unwrap(), Some(mail("same")));
}

#[test]
fn a_backup_brings_back_what_was_in_the_bin_as_it_was() {
    let (_folder, visit, ids) = with(&["a", "b"], Retention::LeaveCopy);
    visit.archive.move_to_bin(&ids[..1], false, at(50)).unwrap();
    let (_other, restored) = opened();
    let snapshot = visit.archive.snapshot().unwrap();
    let incoming = |bytes| Incoming { bytes, arrived: at(5), marks: Marks::default(), from: Origin::Backup };
    let restore = |archive: &Archive| {
        let ingested = archive.ingest(vec![incoming(mail("a")), incoming(mail("b"))]).unwrap();
        let brought = ingested.into_iter().filter_map(|one| match one {
            Ingested::Added(id) => Some(id),
            _ => None,
        });
        archive.merge(&snapshot, &mut brought.collect()).unwrap();
    };
    restore(&restored);
    restore(&restored);
    // The second time it was asked for again: out of the bin it comes.
    let mut all = subjects(&restored, View::All);
    all.sort();
    assert_eq!(all, ["a", "b"]);
    let (_third, once) = opened();
    restore(&once);
    assert_eq!((subjects(&once, View::All), subjects(&once, View::Bin)), (vec!["b".to_owned()], vec!["a".to_owned()]));
}

#[test]
fn an_older_backup_puts_nothing_into_the_bin_that_was_here() {
    let (_folder, archive) = opened();
    let ids: Vec<MessageId> = ["a", "b"].map(|subject| id(import(&archive, mail(subject)))).to_vec();
    archive.move_to_bin(&ids[..1], false, at(50)).unwrap();
    let older = archive.snapshot().unwrap();
    archive.take_from_bin(&ids[..1]).unwrap();
    archive.merge(&older, &mut HashSet::new()).unwrap();
    assert_eq!(archive.binned().unwrap(), HashMap::new());
    // Of two computers one threw it away and the other did not: in either order it is wanted.
    let newer = archive.snapshot().unwrap();
    for order in [[&older, &newer], [&newer, &older]] {
        let (_other, restored) = opened();
        let brought = id(restored.ingest(vec![Incoming { from: Origin::Backup, ..from_file(mail("a")) }]).unwrap()[0]);
        let mut brought = HashSet::from([brought]);
        order.into_iter().for_each(|snapshot| restored.merge(snapshot, &mut brought).unwrap());
        assert_eq!(restored.binned().unwrap(), HashMap::new());
    }
}
