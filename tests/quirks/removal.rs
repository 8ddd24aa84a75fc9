//! Section F: what must be true before and after a message leaves the server.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use postkeep::account::{Digest, Retention};
use postkeep::archive::{Archive, ArchiveError, CopyState, Emptying, LogEntry, Withheld};
use postkeep::fetch::FetchError;
use postkeep::job::Cancel;
use postkeep::transport::TransportError;

use crate::bench::{Bench, mail};
use crate::support::scripted::{Act, Table};

const KEEP: Retention = Retention::LeaveCopy;
const REMOVE: Retention = Retention::RemoveOnceStored;

fn verbs(heard: &[String]) -> Vec<&str> {
    heard.iter().filter_map(|line| line.split(' ').next()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn quirk_68_at_dele_the_mail_is_committed_and_the_ledger_with_it() {
    let bench = Bench::new(12, REMOVE, |_| {});
    let file = bench.folder.path().join("mail.db");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let seeing = Arc::clone(&seen);
    bench.server.set(|table| {
        table.hook = Some(Arc::new(move |command: &str| {
            if command.starts_with("DELE") {
                let there = rusqlite::Connection::open(&file).expect("opened");
                let count = |sql: &str| there.query_row(sql, [], |row| row.get::<_, i64>(0)).expect("counted");
                seeing.lock().expect("a list").push((
                    count("SELECT count(*) FROM message JOIN body USING (original)"),
                    count("SELECT count(*) FROM ledger WHERE message IS NOT NULL AND state = 2"),
                ));
            }
        }));
    });
    assert_eq!(bench.as_planned().await, (12, 12));
    assert_eq!(*seen.lock().expect("a list"), vec![(12, 12); 12]);
    let mode: i64 = rusqlite::Connection::open(bench.folder.path().join("mail.db"))
        .and_then(|there| there.query_row("SELECT count(*) FROM ledger WHERE state = 3", [], |row| row.get(0)))
        .expect("counted");
    assert_eq!(mode, 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn quirk_71_a_message_and_its_row_are_one() {
    let bench = Bench::new(40, KEEP, |table| table.rule("RETR", Act::Pause(Duration::from_millis(8))));
    let file = bench.folder.path().join("mail.db");
    let apart = Arc::new(Mutex::new(Vec::new()));
    let seeing = Arc::clone(&apart);
    bench.server.set(|table| {
        table.hook = Some(Arc::new(move |_: &str| {
            let there = rusqlite::Connection::open(&file).expect("opened");
            let sql = "SELECT (SELECT count(*) FROM message), (SELECT count(*) FROM ledger WHERE state = 1)";
            let (messages, rows) =
                there.query_row(sql, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))).expect("counted");
            if messages != rows {
                seeing.lock().expect("a list").push((messages, rows));
            }
        }));
    });
    assert_eq!(bench.done().await.retrieved, 40);
    assert_eq!(*apart.lock().expect("a list"), []);
}

#[tokio::test]
async fn quirk_72_a_drop_before_quit_takes_the_removals_back() {
    let bench = Bench::new(5, REMOVE, |table| table.rule_times("QUIT", 1, Act::SayAndCut(Vec::new())));
    let (outcome, error) = bench.fetch().await;
    assert!(matches!(error, Some(FetchError::Removal(_))), "{error:?}");
    assert_eq!((outcome.deleted, bench.server.mails().len()), (0, 5));
    assert_eq!(bench.in_state(CopyState::DeleteUnknown), 5);
    assert!(bench.log().contains(&LogEntry::Unconfirmed { messages: 5 }), "{:?}", bench.log());
    assert_eq!(bench.as_planned().await, (0, 5));
    assert_eq!(bench.server.count("RETR"), 5, "fetched once");

    // The other way: removed, and the answer got lost.
    let done = Bench::new(5, REMOVE, |table| table.rule_times("QUIT", 1, Act::DoAndCut));
    assert!(done.fetch().await.1.is_some());
    assert_eq!(done.server.mails().len(), 0);
    assert_eq!(done.as_planned().await, (0, 0));
    assert_eq!(done.in_state(CopyState::Gone), 5);
    assert!(!done.log().iter().any(|entry| matches!(entry, LogEntry::Vanished { .. })), "it was us: {:?}", done.log());
}

#[tokio::test]
async fn quirk_73_a_refused_quit_leaves_the_removals_pending() {
    for removed in [0, 2, 4] {
        let bench = Bench::new(4, REMOVE, |table| {
            table.rule_times("QUIT", 1, Act::Say(b"-ERR some deleted messages not removed\r\n".to_vec()));
        });
        let (outcome, error) = bench.fetch().await;
        assert!(matches!(error, Some(FetchError::RemovalRefused { .. })), "{error:?}");
        assert_eq!((outcome.deleted, bench.in_state(CopyState::DeleteUnknown)), (0, 4));
        bench.server.set(|table| drop(table.mails.drain(..removed)));
        assert_eq!(bench.as_planned().await, (0, 4 - removed as u64));
        assert_eq!((bench.in_state(CopyState::Gone), bench.server.count("RETR")), (4, 4));
    }
}

#[tokio::test]
async fn quirk_74_the_answer_to_quit_is_waited_for() {
    let bench = Bench::new(2, REMOVE, |table| table.rule("QUIT", Act::Pause(Duration::from_millis(3_200))));
    assert_eq!(bench.done().await.deleted, 2);
    assert_eq!(bench.in_state(CopyState::Gone), 2);
}

#[tokio::test]
async fn quirk_75_any_doubt_after_dele_takes_all_back() {
    for answer in ["what is this?\r\n", "* BYE\r\n", "\r\n"] {
        let bench = Bench::new(4, REMOVE, |table| table.rule_times("DELE 2", 1, Act::Say(answer.into())));
        let (outcome, error) = bench.fetch().await;
        assert!(matches!(error, Some(FetchError::Removal(TransportError::Protocol(_)))), "{answer}: {error:?}");
        assert_eq!((outcome.deleted, bench.server.mails().len()), (0, 4));
        assert!(!verbs(&bench.server.last()).contains(&"QUIT"), "{:?}", bench.server.last());
        assert_eq!(bench.as_planned().await.1, 4);
        assert_eq!(bench.shown(), 4);
    }
}

/// The user thinks better of it while the removals are under way: RSET, and not QUIT.
#[tokio::test(flavor = "multi_thread")]
async fn quirk_75_what_is_not_wanted_any_more_is_reset() {
    let bench = Bench::new(3, REMOVE, |_| {});
    let (archive, account) = (bench.archive.clone(), bench.account.clone());
    let once = Mutex::new(Some(()));
    bench.server.set(|table| {
        table.hook = Some(Arc::new(move |command: &str| {
            if command == "DELE 1" && once.lock().expect("a lock").take().is_some() {
                let mut changed = account.clone();
                changed.retention = KEEP;
                archive.change_account(&changed).expect("changed");
            }
        }));
    });
    let outcome = bench.done().await;
    assert_eq!((outcome.deleted, bench.server.mails().len()), (0, 3));
    let heard = bench.server.last();
    assert!(verbs(&heard).contains(&"RSET") && !verbs(&heard).contains(&"QUIT"), "{heard:?}");
}

#[tokio::test]
async fn quirk_76_one_dele_that_is_refused_ends_nothing() {
    let bench = Bench::new(4, REMOVE, |table| table.say("DELE 2", "-ERR no such message\r\n"));
    let outcome = bench.done().await;
    assert_eq!((outcome.deleted, bench.server.mails().len()), (3, 1));
    bench.server.set(Table::forget_rules);
    assert_eq!(bench.as_planned().await, (0, 1));
}

#[tokio::test]
async fn quirk_77_a_weak_link_confirms_its_removals_in_batches() {
    let mut bench = Bench::new(250, REMOVE, |_| {});
    bench.change(|account| account.fetching.weak_link = true);
    assert_eq!(bench.done().await.deleted, 250);
    let by_session: Vec<_> = (1..=bench.server.sessions())
        .map(|session| verbs(&bench.server.heard(session)).iter().filter(|verb| **verb == "DELE").count())
        .collect();
    assert_eq!(by_session, [100, 100, 50]);
    assert_eq!(bench.server.count("RETR"), 250);
    assert_eq!(bench.log().iter().filter(|entry| **entry == LogEntry::Again).count(), 2);
}

/// Cut in the second batch, the first stays removed.
#[tokio::test]
async fn quirk_77_a_cut_undoes_one_batch_only() {
    let mut bench = Bench::new(150, REMOVE, |table| table.rule("DELE 30", Act::Say(b"+OK\r\n".to_vec())));
    bench.change(|account| account.fetching.weak_link = true);
    bench.server.set(|table| {
        table.forget_rules();
        table.rule_times("QUIT", 1, Act::DoAndSay(b"+OK\r\n".to_vec()));
        table.rule_times("QUIT", 1, Act::SayAndCut(Vec::new()));
    });
    let (outcome, error) = bench.fetch().await;
    assert!(error.is_some());
    assert_eq!((outcome.deleted, bench.server.mails().len()), (100, 50));
    assert_eq!(bench.done().await.deleted, 50);
}

#[tokio::test]
async fn quirk_78_switching_it_off_says_first_what_would_go() {
    let mut bench = Bench::new(7, KEEP, |_| {});
    assert_eq!(bench.done().await.retrieved, 7);
    bench.server.set(|table| _ = table.add("u8", mail("eight")));
    let (kept, before) = (bench.account.clone(), bench.server.count("DELE"));
    bench.account.retention = REMOVE;
    let ahead = bench.ahead().await;
    assert_eq!((ahead.removable, ahead.new_removable, ahead.removable_in_backup), (7, 1, 0));
    assert_eq!(bench.server.count("DELE"), before, "a look ahead removes nothing");
    bench.account = kept;
    assert_eq!(bench.as_planned().await, (1, 0), "and changes nothing");
    bench.retain(REMOVE);
    assert_eq!(bench.as_planned().await, (0, 8));
}

#[tokio::test]
async fn quirk_79_a_clock_that_jumps_expires_nothing() {
    let mut bench = Bench::new(5, Retention::Days(30), |_| {});
    assert_eq!(bench.as_planned().await, (5, 0));
    // A clock set ten years on, and one set back.
    for days in [3_650, -40] {
        bench.days_pass(days);
        assert_eq!(bench.ahead().await.withheld, Some(Withheld::Clock));
        assert_eq!(bench.as_planned().await, (0, 0), "{days}");
        assert!(bench.log().contains(&LogEntry::Withheld { why: Withheld::Clock }), "{:?}", bench.log());
    }
    assert!(bench.state().age <= 2 * 24 * 3600, "{:?}", bench.state());
    // Even where all is due, a jump removes nothing at that visit.
    bench.age_by(31);
    bench.days_pass(3_650);
    assert_eq!(bench.as_planned().await, (0, 0));
    assert_eq!(bench.server.mails().len(), 5);
    assert_eq!(bench.as_planned().await, (0, 5), "the days of visits went by");
    bench.retain(KEEP);
}

#[tokio::test]
async fn quirk_80_deleting_here_takes_nothing_from_the_server_unasked() {
    for retention in [KEEP, Retention::Days(30), Retention::NewestMessages(100), Retention::UntilBackedUp] {
        let bench = Bench::new(4, retention, |_| {});
        assert_eq!(bench.as_planned().await, (4, 0));
        let now = jiff::Timestamp::now();
        bench.archive.move_to_bin(&[bench.id("u1"), bench.id("u2")], false, now).expect("deleted");
        assert_eq!(bench.as_planned().await, (0, 0));
        let emptied = bench.archive.empty_bin(Emptying::Everything, &Cancel::new(), &mut |_| {}).expect("emptied");
        assert_eq!(emptied.erased, 2);
        bench.forget_offered();
        for _ in 0..2 {
            assert_eq!(bench.as_planned().await, (0, 0), "{retention}: it does not come back");
        }
        assert_eq!((bench.server.mails().len(), bench.stored().len(), bench.server.count("DELE")), (4, 2, 0));
    }
}

#[tokio::test]
async fn quirk_81_what_leaves_without_us_is_said() {
    let bench = Bench::new(6, KEEP, |table| table.capa_inside = Some(vec!["UIDL", "TOP", "EXPIRE 30 USER"]));
    assert_eq!(bench.done().await.retrieved, 6);
    assert_eq!(bench.state().expire, Some(30));
    bench.server.set(|table| drop(table.mails.drain(..2)));
    assert_eq!(bench.as_planned().await, (0, 0));
    assert!(bench.log().contains(&LogEntry::Vanished { messages: 2 }), "{:?}", bench.log());
    assert_eq!(bench.in_state(CopyState::Vanished), 2);
    bench.done().await;
    assert!(!bench.log().iter().any(|entry| matches!(entry, LogEntry::Vanished { .. })), "said once");
    assert_eq!(bench.stored().len(), 6);
}

#[tokio::test]
async fn quirk_82_what_comes_back_after_its_removal_is_let_be() {
    let bench = Bench::new(3, REMOVE, |table| table.keeps_deleted = true);
    assert_eq!(bench.as_planned().await, (3, 3));
    assert_eq!(bench.as_planned().await.1, 3, "perhaps it was a mistake");
    for _ in 0..3 {
        assert_eq!(bench.ahead().await.returned, 3);
        assert_eq!(bench.as_planned().await.1, 0);
        assert!(bench.log().contains(&LogEntry::Returned { messages: 3 }), "{:?}", bench.log());
    }
    assert_eq!(bench.server.count("DELE"), 6);
    assert_eq!((bench.shown(), bench.stored().len()), (3, 3));
    bench.as_planned().await;
    let before = bench.server.count("RETR");
    bench.as_planned().await;
    assert_eq!(bench.server.count("RETR"), before, "nor is it fetched again and again");
}

#[tokio::test]
async fn quirk_83_another_program_on_the_same_mailbox() {
    let bench = Bench::new(4, REMOVE, |table| {
        table.rule_times("PASS", 1, Act::Say(b"-ERR [IN-USE] another session\r\n".to_vec()));
    });
    let mut bench = bench;
    bench.terms.by_user = false;
    let error = bench.breaks().await;
    assert!(error.is_passing_refusal() && !error.is_wrong_password(), "{error:?}");
    // The other removes one in the middle of our session, and one between two of ours.
    bench.server.set(|table| table.rule_times("DELE 3", 1, Act::Say(b"-ERR already deleted\r\n".to_vec())));
    assert_eq!(bench.done().await.deleted, 3);
    bench.server.set(|table| table.mails.clear());
    assert_eq!(bench.as_planned().await, (0, 0));
    assert_eq!(bench.stored().len(), 4);
}

#[test]
fn quirk_84_one_archive_has_one_writer() {
    let folder = crate::support::rig::folder();
    let first = Archive::open(folder.path()).expect("an archive");
    assert!(matches!(Archive::open(folder.path()), Err(ArchiveError::Locked)));
    drop(first);
    assert!(Archive::open(folder.path()).is_ok());
}

/// Bytes that came once more and are other bytes do not go for the one that was deleted here.
#[tokio::test]
async fn what_was_deleted_here_does_not_take_another_message_with_it() {
    let bench = Bench::new(4, KEEP, |_| {});
    assert_eq!(bench.done().await.retrieved, 4);
    bench.server.set(|table| {
        table.mails.iter_mut().for_each(|mail| mail.uidl.insert(0, b'n'));
        let octets = &mut table.mails[0].octets;
        let last = octets.len() - 3;
        octets[last] ^= 1;
    });
    bench.forget_offered();
    assert_eq!(bench.as_planned().await, (0, 0));
    bench.archive.move_to_bin(&[bench.id("nu1"), bench.id("nu2")], true, jiff::Timestamp::now()).expect("deleted");
    let outcome = bench.done().await;
    assert_eq!((outcome.retrieved, outcome.deleted), (2, 1), "{:?}", bench.log());
    let there: Vec<_> = bench.server.mails().iter().map(|mail| Digest::of(mail)).collect();
    assert_eq!(there.len(), 3);
    assert!(there.contains(&Digest::of(&bench.bytes("nu1"))), "it was never deleted here");
}
