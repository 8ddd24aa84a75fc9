//! Each retention and the bin over several visits: what leaves the server is what was said, and no more.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use postkeep::account::{MessageId, Retention};
use postkeep::archive::{Archive, CopyState, Emptied, Emptying, Left, LogEntry, Withheld};
use postkeep::backup;
use postkeep::job::Cancel;

use crate::bench::{Bench, mail, mails};
use crate::support::scripted::Table;

const KEEP: Retention = Retention::LeaveCopy;
const REMOVE: Retention = Retention::RemoveOnceStored;

/// The unique-ids that the server has.
fn there(bench: &Bench) -> BTreeSet<String> {
    bench.server.set(|table| table.mails.iter().map(|mail| String::from_utf8_lossy(&mail.uidl).into_owned()).collect())
}

fn named(names: &str) -> BTreeSet<String> {
    names.split_ascii_whitespace().map(str::to_owned).collect()
}

fn arrives(bench: &Bench, uidl: &str) {
    bench.server.set(|table| _ = table.add(uidl, mail(uidl)));
}

fn delete(bench: &Bench, uidls: &[&str], there_too: bool) {
    let ids: Vec<MessageId> = uidls.iter().map(|uidl| bench.id(uidl)).collect();
    bench.archive.move_to_bin(&ids, there_too, Timestamp::now()).expect("deleted");
}

fn undo(bench: &Bench, uidls: &[&str]) {
    let ids: Vec<MessageId> = uidls.iter().map(|uidl| bench.id(uidl)).collect();
    bench.archive.take_from_bin(&ids).expect("taken out");
}

fn empty(bench: &Bench, which: Emptying) -> Emptied {
    bench.archive.empty_bin(which, &Cancel::new(), &mut |_| {}).expect("emptied")
}

fn back_up(bench: &Bench, target: &Path) {
    backup::back_up(&bench.archive, target, &Cancel::new(), &mut |_, _| {}).expect("backed up");
}

#[tokio::test]
async fn a_copy_is_always_left() {
    let bench = Bench::new(3, KEEP, |_| {});
    for visit in 0..4 {
        assert_eq!(bench.as_planned().await.1, 0);
        bench.age_by(4_000);
        arrives(&bench, &format!("v{visit}"));
    }
    assert_eq!((there(&bench).len(), bench.server.count("DELE")), (7, 0));
}

#[tokio::test]
async fn so_many_days_after_it_was_first_seen_there() {
    let bench = Bench::new(2, Retention::Days(30), |_| {});
    assert_eq!(bench.as_planned().await, (2, 0));
    bench.age_by(15);
    arrives(&bench, "later");
    assert_eq!(bench.as_planned().await, (1, 0));
    bench.age_by(14);
    assert_eq!(bench.as_planned().await, (0, 0), "29 days");
    bench.age_by(1);
    assert_eq!(bench.as_planned().await, (0, 2), "30 days");
    assert_eq!(there(&bench), named("later"));
    bench.age_by(15);
    assert_eq!(bench.as_planned().await, (0, 1));
    assert_eq!(bench.stored().len(), 3);
}

/// Days count from the first time that it was seen there, also where it could not be fetched then.
#[tokio::test]
async fn days_are_counted_by_visits_and_each_visit_counts_two_at_most() {
    let bench = Bench::new(2, Retention::Days(3), |_| {});
    assert_eq!(bench.as_planned().await, (2, 0));
    for (gap, leaves) in [(1, 0), (1, 0), (1, 2)] {
        bench.days_pass(gap);
        assert_eq!(bench.as_planned().await, (0, leaves));
    }
}

#[tokio::test]
async fn until_it_is_deleted_here() {
    let bench = Bench::new(5, Retention::UntilDeleted, |_| {});
    assert_eq!(bench.as_planned().await, (5, 0));
    delete(&bench, &["u2", "u4"], false);
    assert_eq!(bench.ahead().await.deleted_here, 2);
    undo(&bench, &["u4"]);
    assert_eq!(bench.as_planned().await, (0, 1), "undone before the visit, it stays");
    assert_eq!(there(&bench), named("u1 u3 u4 u5"));
    assert_eq!(bench.as_planned().await, (0, 0));
    // Gone there, it can be erased here, and it can still be had back before that.
    undo(&bench, &["u2"]);
    assert_eq!(bench.shown(), 5);
    delete(&bench, &["u2"], false);
    assert_eq!(empty(&bench, Emptying::Settled), Emptied { erased: 1, waiting: 0 });
    bench.forget_offered();
    assert_eq!(bench.as_planned().await, (0, 0));
}

#[tokio::test]
async fn until_it_is_in_a_verified_backup() {
    let bench = Bench::new(4, Retention::UntilBackedUp, |_| {});
    assert_eq!(bench.as_planned().await, (4, 0));
    assert_eq!(bench.as_planned().await, (0, 0));
    let target = tempfile::tempdir().expect("a folder");
    back_up(&bench, target.path());
    arrives(&bench, "later");
    let ahead = bench.ahead().await;
    assert_eq!((ahead.removable, ahead.removable_in_backup, ahead.new_removable), (4, 4, 0));
    assert_eq!(bench.as_planned().await, (1, 4));
    assert_eq!(there(&bench), named("later"));
    assert_eq!(bench.as_planned().await, (0, 0), "the later one is in no backup");
    back_up(&bench, target.path());
    assert_eq!(bench.as_planned().await, (0, 1));
}

#[tokio::test]
async fn only_the_newest_messages_stay() {
    let bench = Bench::new(5, Retention::NewestMessages(3), |_| {});
    assert_eq!(bench.as_planned().await, (5, 2));
    assert_eq!(there(&bench), named("u3 u4 u5"));
    assert_eq!(bench.as_planned().await, (0, 0));
    arrives(&bench, "u6");
    assert_eq!(bench.as_planned().await, (1, 1));
    assert_eq!(there(&bench), named("u4 u5 u6"));
    // A server that lists the newest first.
    bench.server.set(|table| table.mails.reverse());
    assert_eq!(bench.as_planned().await, (0, 0));
    bench.server.set(|table| {
        let new = table.add("u7", mail("u7")).clone();
        table.mails.pop();
        table.mails.insert(0, new);
    });
    assert_eq!(bench.as_planned().await, (1, 1));
    assert_eq!(there(&bench), named("u5 u6 u7"));
    assert_eq!(bench.stored().len(), 7);
}

#[tokio::test]
async fn only_the_newest_octets_stay() {
    let large = |name: &str| [mail(name), vec![b'x'; 400_000], b"\r\n".to_vec()].concat();
    let all: Vec<_> = (0..4).map(|number| large(&number.to_string())).collect();
    let bench = Bench::of(&all, Retention::NewestOctets(1_000_000), |_| {});
    assert_eq!(bench.as_planned().await, (4, 2));
    assert_eq!(there(&bench), named("u3 u4"));
    bench.server.set(|table| _ = table.add("u5", large("5")));
    assert_eq!(bench.as_planned().await, (1, 1));
    assert_eq!(there(&bench), named("u4 u5"));
}

#[tokio::test]
async fn not_at_all() {
    let bench = Bench::new(3, REMOVE, |_| {});
    for visit in 0..3 {
        assert_eq!(bench.as_planned().await, if visit == 0 { (3, 3) } else { (1, 1) });
        assert!(there(&bench).is_empty());
        arrives(&bench, &format!("v{visit}"));
    }
}

#[tokio::test]
async fn deleted_here_and_there_too_whatever_the_retention() {
    for retention in [KEEP, Retention::Days(30), Retention::NewestMessages(100), Retention::UntilBackedUp] {
        let bench = Bench::new(4, retention, |_| {});
        assert_eq!(bench.as_planned().await, (4, 0));
        delete(&bench, &["u1", "u3"], true);
        // Until it has left the server its copy here is not erased: it is the proof.
        assert_eq!(empty(&bench, Emptying::Settled), Emptied { erased: 0, waiting: 2 });
        assert_eq!(bench.ahead().await.deleted_here, 2, "{retention}");
        let outcome = bench.done().await;
        assert_eq!((outcome.deleted, there(&bench)), (2, named("u2 u4")), "{retention}");
        assert_eq!(empty(&bench, Emptying::Settled), Emptied { erased: 2, waiting: 0 });
        bench.forget_offered();
        assert_eq!(bench.as_planned().await, (0, 0));
    }
}

/// It is there too that the bin is thought better of in the middle of a visit.
#[tokio::test(flavor = "multi_thread")]
async fn taken_back_in_the_middle_of_a_visit_it_stays() {
    let bench = Bench::new(3, KEEP, |_| {});
    assert_eq!(bench.done().await.retrieved, 3);
    delete(&bench, &["u1", "u2"], true);
    let (archive, id) = (bench.archive.clone(), bench.id("u1"));
    bench.server.set(|table| {
        table.hook = Some(Arc::new(move |command: &str| {
            if command.starts_with("TOP") {
                archive.take_from_bin(&[id]).expect("taken out");
            }
        }));
    });
    assert_eq!(bench.done().await.deleted, 1);
    assert_eq!(there(&bench), named("u1 u3"));
}

#[tokio::test]
async fn an_emptied_bin_brings_nothing_back_and_sends_no_dele_without_the_copy() {
    let mut bench = Bench::new(4, KEEP, |_| {});
    assert_eq!(bench.as_planned().await, (4, 0));
    delete(&bench, &["u1", "u2"], true);
    assert_eq!(empty(&bench, Emptying::Everything), Emptied { erased: 2, waiting: 0 });
    bench.forget_offered();
    for retention in [KEEP, REMOVE, Retention::Days(1)] {
        bench.retain(retention);
        let (retrieved, _) = bench.as_planned().await;
        assert_eq!(retrieved, 0, "{retention}");
        assert!(there(&bench).is_superset(&named("u1 u2")), "{retention}: there is no copy here to vouch for them");
    }
    assert_eq!(bench.in_state(CopyState::Erased), 2);
    assert_eq!(bench.stored().len(), 2);
    // Under other unique-ids they go into the bin at once, and nothing is thrown away unseen.
    bench.server.set(|table| table.mails.iter_mut().for_each(|mail| mail.uidl.push(b'x')));
    bench.retain(KEEP);
    bench.done().await;
    assert_eq!((bench.shown(), bench.archive.counts().expect("counted").bin), (2, 2));
}

#[tokio::test]
async fn what_a_visit_may_not_bring_does_not_leave_either() {
    let mut bench = Bench::new(5, REMOVE, |_| {});
    let size = mails(1)[0].len() as u64;
    bench.change(|account| account.fetching.budget = Some(2 * size));
    for (expected, left) in [((2, 2), 3), ((2, 2), 1), ((1, 1), 0)] {
        assert_eq!(bench.ahead().await.waiting, left);
        assert_eq!(bench.as_planned().await, expected);
        let over = bench.log().iter().any(|entry| matches!(entry, LogEntry::Left { why: Left::OverBudget, .. }));
        assert_eq!(over, left > 0, "{:?}", bench.log());
    }
}

#[tokio::test]
async fn a_weak_link_fetches_what_is_small_first() {
    let large = [mail("large"), vec![b'x'; 5_000], b"\r\n".to_vec()].concat();
    let mut bench = Bench::of(&[large, mail("a"), mail("bb")], KEEP, |_| {});
    bench.change(|account| account.fetching.weak_link = true);
    bench.done().await;
    let retrs: Vec<_> = bench.server.last().into_iter().filter(|line| line.starts_with("RETR")).collect();
    assert_eq!(retrs, ["RETR 2", "RETR 3", "RETR 1"]);
}

/// An archive of the first version, with an account that left no copy and one that did.
#[tokio::test]
async fn an_archive_of_the_first_version_goes_on_as_it_was() {
    let bench = Bench::new(3, KEEP, |_| {});
    for (leave_copy, retention, expected) in [(0, REMOVE, (3, 3)), (1, KEEP, (3, 0))] {
        let folder = crate::support::rig::folder();
        let old = rusqlite::Connection::open(folder.path().join("mail.db")).expect("made");
        let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/001-archive.sql");
        old.execute_batch(&std::fs::read_to_string(schema).expect("the first migration")).expect("made");
        let (port, user) = (bench.server.port(), &bench.account.server.user);
        old.execute_batch(&format!(
            "PRAGMA application_id = {}; PRAGMA user_version = 1; PRAGMA journal_mode = WAL;
             INSERT INTO account (address, folded, host, port, security, user, name, leave_copy)
             VALUES ('{user}', '{user}', 'localhost', {port}, 'none', '{user}', '', {leave_copy});
             INSERT INTO maildrop (account, host, user) VALUES (1, 'localhost', '{user}');",
            0x506F_7374
        ))
        .expect("filled");
        drop(old);
        let archive = Archive::open(folder.path()).expect("migrated");
        let account = archive.accounts().expect("readable").remove(0);
        assert_eq!(account.retention, retention);
        let migrated = bench.elsewhere(folder, archive, account);
        assert_eq!(migrated.state().agreed, leave_copy == 0);
        assert_eq!(migrated.as_planned().await, expected);
        migrated.server.set(|table| {
            table.mails.clear();
            (1..4).for_each(|number| _ = table.add(format!("u{number}"), mail(&format!("number {number}"))));
        });
    }
}

/// Turned on and off again, nothing that was agreed to before is agreed to still.
#[tokio::test]
async fn a_restored_archive_removes_nothing_before_the_user_agrees_here() {
    let bench = Bench::new(4, REMOVE, |table| table.say("DELE", "-ERR not today\r\n"));
    assert_eq!(bench.done().await.retrieved, 4);
    bench.server.set(Table::forget_rules);
    let target = tempfile::tempdir().expect("a folder");
    back_up(&bench, target.path());

    let folder = crate::support::rig::folder();
    let archive = Archive::open(folder.path()).expect("an archive");
    backup::restore(&archive, target.path(), &Cancel::new(), &mut |_| {}).expect("restored");
    let account = archive.accounts().expect("readable").remove(0);
    assert_eq!(account.retention, REMOVE);
    let restored = bench.elsewhere(folder, archive, account);
    let ahead = restored.ahead().await;
    assert_eq!((ahead.new, ahead.removable, ahead.withheld), (0, 4, Some(Withheld::NewHere)));
    for _ in 0..2 {
        assert_eq!(restored.as_planned().await, (0, 0));
        assert!(restored.log().contains(&LogEntry::Withheld { why: Withheld::NewHere }), "{:?}", restored.log());
    }
    restored.archive.agree_to_removal(&restored.account).expect("agreed");
    assert_eq!(restored.as_planned().await, (0, 4));
    assert_eq!(restored.stored().len(), 4);
}
