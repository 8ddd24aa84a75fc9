//! Section D: what the server says it has, and which message is which.

use std::time::Duration;

use postkeep::account::{Fetching, Retention};
use postkeep::archive::{CopyState, LogEntry, Withheld};
use postkeep::fetch::FetchError;
use postkeep::job::Cancel;
use postkeep::transport::TransportError;

use crate::bench::{Bench, mail, mails};
use crate::support::scripted::{Act, Table};

const KEEP: Retention = Retention::LeaveCopy;
const REMOVE: Retention = Retention::RemoveOnceStored;

/// Gives all messages other unique-ids.
fn renumber(table: &mut Table) {
    table.mails.iter_mut().for_each(|mail| mail.uidl.insert(0, b'n'));
}

#[tokio::test]
async fn quirk_36_lines_of_a_listing_as_servers_write_them() {
    assert_eq!(mails(1)[0].len(), 58);
    let bench = Bench::new(3, REMOVE, |table| {
        table.say("UIDL", "+OK\r\n1   u1\r\n2\tu2 \t\r\n+OK 3 u3\r\n.\r\n");
        table.say("LIST", "+OK 3 messages\r\n1  58  \r\n2\t58\r\n+OK 3 58\r\n.\r\n");
    });
    assert_eq!(bench.done().await.deleted, 3);
    assert_eq!(bench.ledger().len(), 3);
    assert_eq!(bench.row("u2").state, CopyState::Gone);
}

#[tokio::test]
async fn quirk_37_unique_ids_of_any_octets() {
    let odd: [Vec<u8>; 5] = [
        vec![b'x'; 300],
        [vec![b'y'; 5_000], b"1".to_vec()].concat(),
        [vec![b'y'; 5_000], b"2".to_vec()].concat(),
        b"with blanks in it".to_vec(),
        b"\xff\xfe\x80".to_vec(),
    ];
    let bench = Bench::new(5, REMOVE, |table| {
        table.mails.iter_mut().zip(&odd).for_each(|(mail, uidl)| mail.uidl.clone_from(uidl));
    });
    assert_eq!(bench.as_planned().await, (5, 5));
    let rows = bench.ledger();
    assert!(rows.len() == 5 && rows.iter().all(|row| row.uidl.as_bytes().len() <= 1024));
}

#[tokio::test]
async fn quirk_38_one_unique_id_for_two_messages_fetches_both_and_removes_neither() {
    let bench = Bench::of(&[mail("one"), mail("two"), mail("three")], REMOVE, |table| {
        table.mails[1].uidl = b"u1".to_vec();
    });
    assert_eq!(bench.as_planned().await, (3, 1));
    assert_eq!((bench.server.mails().len(), bench.stored().len()), (2, 3));
    assert_eq!(bench.as_planned().await, (0, 0));
    // Nor when only one of them is left.
    bench.server.set(|table| drop(table.mails.remove(0)));
    assert_eq!(bench.as_planned().await.1, 0);
}

#[tokio::test]
async fn quirk_39_a_unique_id_that_names_another_message_removes_nothing_unseen() {
    let (before, after) = (mail("aaa"), mail("bbb"));
    assert_eq!(before.len(), after.len());
    let mut bench = Bench::of(&[before, mail("two")], KEEP, |_| {});
    assert_eq!(bench.done().await.retrieved, 2);
    bench.server.set(|table| table.mails[0].octets.clone_from(&after));
    bench.forget_offered();
    bench.retain(REMOVE);
    assert_eq!(bench.as_planned().await, (0, 1));
    assert!(bench.log().contains(&LogEntry::Replaced { messages: 1 }), "{:?}", bench.log());
    assert_eq!(bench.server.mails(), std::slice::from_ref(&after));
    assert_eq!(bench.as_planned().await, (1, 1));
    assert_eq!(bench.bytes("u1"), after);
}

#[tokio::test]
async fn quirk_40_a_renumbered_mailbox_brings_no_new_mail_and_removes_nothing_at_once() {
    let mut bench = Bench::new(8, KEEP, |_| {});
    assert_eq!(bench.done().await.retrieved, 8);
    bench.retain(REMOVE);
    bench.server.set(|table| {
        renumber(table);
        table.add("new", mail("a new one"));
    });
    let ahead = bench.ahead().await;
    assert_eq!((ahead.recognised, ahead.withheld), (8, Some(Withheld::Renumbered)));
    assert_eq!(bench.as_planned().await, (1, 0));
    assert!(bench.log().contains(&LogEntry::Recognised { messages: 8 }), "{:?}", bench.log());
    assert!(bench.log().contains(&LogEntry::Withheld { why: Withheld::Renumbered }));
    assert!(!bench.log().iter().any(|entry| matches!(entry, LogEntry::Vanished { .. })), "{:?}", bench.log());
    assert_eq!((bench.shown(), bench.server.mails().len()), (9, 9));
    // Told by header sections only: each is retrieved once more before it goes.
    assert_eq!(bench.as_planned().await, (8, 9));
    assert_eq!((bench.shown(), bench.stored().len()), (9, 9));
}

#[tokio::test]
async fn quirk_40_what_only_looks_the_same_is_not_removed() {
    let mut bench = Bench::new(4, KEEP, |_| {});
    assert_eq!(bench.done().await.retrieved, 4);
    bench.server.set(|table| {
        renumber(table);
        // The same header section and size, another body.
        let octets = &mut table.mails[0].octets;
        let last = octets.len() - 3;
        octets[last] ^= 1;
    });
    bench.forget_offered();
    assert_eq!(bench.as_planned().await, (0, 0));
    bench.retain(REMOVE);
    assert_eq!(bench.as_planned().await, (4, 4));
    assert_eq!(bench.stored().len(), 5, "what only looked the same was stored before it went");
}

#[tokio::test]
async fn quirk_41_a_mailbox_that_is_empty_once_is_not_forgotten() {
    let mut bench = Bench::new(6, KEEP, |_| {});
    assert_eq!(bench.done().await.retrieved, 6);
    for (stat, uidl) in [("+OK 0 0\r\n", "+OK\r\n.\r\n"), ("+OK 1 70\r\n", "+OK\r\n1 u6\r\n.\r\n")] {
        bench.server.set(|table| {
            table.say("STAT", stat);
            table.say("UIDL", uidl);
            table.say("LIST", uidl.replace("u6", "58"));
        });
        assert_eq!(bench.as_planned().await, (0, 0));
        bench.server.set(Table::forget_rules);
        assert_eq!(bench.as_planned().await, (0, 0), "nothing is new");
    }
    assert_eq!(bench.in_state(CopyState::Stored), 6);
    bench.retain(REMOVE);
    assert_eq!(bench.as_planned().await, (0, 6));
    assert_eq!((bench.shown(), bench.server.count("RETR")), (6, 6));
}

#[tokio::test]
async fn quirk_42_cut_in_the_answer_to_uidl_nothing_is_concluded() {
    let mut bench = Bench::new(3, REMOVE, |table| {
        table.rule_times("UIDL", 2, Act::SayAndCut(b"+OK\r\n1 u1\r\n2".to_vec()));
    });
    for _ in 0..2 {
        assert!(matches!(bench.breaks().await, TransportError::Truncated));
        assert_eq!(bench.ledger(), []);
    }
    bench.retain(REMOVE);
    assert_eq!(bench.as_planned().await, (3, 3));
}

#[tokio::test]
async fn quirk_43_a_refused_uidl_makes_nothing_new() {
    let bench = Bench::new(3, REMOVE, |_| {});
    bench.server.set(|table| table.say("DELE", "-ERR not today\r\n"));
    assert_eq!(bench.done().await.retrieved, 3);
    bench.server.set(|table| table.say("UIDL", "-ERR [SYS/TEMP] index is being rebuilt\r\n"));
    for _ in 0..2 {
        let error = bench.breaks().await;
        assert!(matches!(error, TransportError::CommandRefused { command: "UIDL", .. }), "{error:?}");
        assert!(bench.try_ahead().await.is_err());
    }
    assert_eq!((bench.server.count("RETR"), bench.server.mails().len()), (3, 3));
    bench.server.set(Table::forget_rules);
    assert_eq!(bench.as_planned().await, (0, 3));
}

fn without_uidl(table: &mut Table) {
    (table.capa, table.capa_inside) = (Some(vec!["USER"]), Some(vec!["USER", "TOP"]));
    table.say("UIDL", "-ERR what?\r\n");
}

#[tokio::test]
async fn quirk_44_without_unique_ids_header_sections_and_sizes_tell() {
    let mut bench = Bench::new(4, KEEP, without_uidl);
    assert_eq!(bench.as_planned().await, (4, 0));
    bench.server.set(|table| {
        table.mails.remove(0);
        table.add("", mail("five"));
    });
    assert_eq!(bench.as_planned().await, (1, 0));
    bench.retain(REMOVE);
    assert_eq!(bench.as_planned().await, (4, 4));
    assert_eq!((bench.shown(), bench.server.mails().len()), (5, 0));
}

#[tokio::test]
async fn quirk_44_without_uidl_and_top_fetching_and_removing_works_and_leaving_is_refused_in_words() {
    let none = |table: &mut Table| {
        without_uidl(table);
        table.capa_inside = Some(vec!["USER"]);
        table.say("TOP", "-ERR what?\r\n");
    };
    let mut bench = Bench::new(3, KEEP, none);
    assert!(matches!(bench.fails().await, FetchError::NoUniqueIds));
    bench.retain(REMOVE);
    assert_eq!(bench.as_planned().await, (3, 3));
    bench.server.set(|table| (1..4).for_each(|number| _ = table.add("", mail(&format!("number {}", 3 + number)))));
    assert_eq!(bench.as_planned().await, (3, 3));
    assert_eq!((bench.shown(), bench.server.mails().len()), (6, 0));
}

#[tokio::test]
async fn quirk_45_only_what_uidl_names_is_handled() {
    let bench = Bench::new(4, REMOVE, |table| {
        table.say("STAT", "+OK 9 900\r\n");
        table.say("UIDL", "+OK\r\n4 u4\r\n2 u2\r\n4 again\r\n.\r\n");
        table.say("LIST", "+OK\r\n1 10\r\n4 58\r\n2 58\r\n9 10\r\n.\r\n");
    });
    assert_eq!(bench.as_planned().await, (2, 2));
    let heard = bench.server.last();
    assert!(!heard.iter().any(|line| ["RETR 1", "RETR 3", "RETR 9", "DELE 1", "DELE 3"].contains(&line.as_str())));
    assert_eq!(bench.server.mails().len(), 2);
}

#[tokio::test]
async fn quirk_46_each_session_asks_for_its_own_numbers() {
    let bench = Bench::new(6, REMOVE, |table| table.drops_pipelining = true);
    // The first session dies of pipelining; before the second another mail has come to the front.
    bench.server.set(|table| {
        let added = table.add("u0", mail("in front")).clone();
        table.mails.pop();
        table.mails.insert(0, added);
    });
    assert_eq!(bench.done().await.deleted, 7);
    for session in 1..=bench.server.sessions() {
        let heard = bench.server.heard(session);
        let uidl = heard.iter().position(|line| line == "UIDL").expect("UIDL");
        let first = heard.iter().position(|line| line.starts_with("RETR") || line.starts_with("DELE"));
        assert!(first.is_none_or(|first| uidl < first), "{heard:?}");
    }
}

#[tokio::test]
async fn quirk_47_a_count_beyond_measure_and_a_long_listing_that_is_stopped() {
    let bench = Bench::new(2, KEEP, |table| table.say("STAT", "+OK 18446744073709551615 18446744073709551615\r\n"));
    assert_eq!(bench.as_planned().await, (2, 0));

    let long: String = (1..=200_000).map(|number| format!("{number} u{number}\r\n")).collect();
    bench.server.set(|table| {
        table.rule_times("UIDL", 1, Act::Say(format!("+OK\r\n{long}").into_bytes()));
    });
    let cancel = Cancel::new();
    let stop = cancel.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        stop.cancel();
    });
    let (_, error) = bench.fetch_with(cancel, |_| {}).await;
    assert!(matches!(error, Some(FetchError::Cancelled(_))), "{error:?}");
    assert_eq!(bench.ledger().len(), 2);
}

#[tokio::test]
async fn quirk_48_last_is_never_said() {
    let bench = Bench::new(2, REMOVE, |table| {
        without_uidl(table);
        table.say("STAT", "-ERR what?\r\n");
    });
    bench.fetch().await;
    bench.server.set(Table::forget_rules);
    bench.done().await;
    assert_eq!(bench.server.count("LAST"), 0);
}

#[tokio::test]
async fn quirk_49_a_message_id_names_nothing() {
    let with = |id: &str, text: &str| format!("Message-ID: {id}\r\nSubject: x\r\n\r\n{text}\r\n").into_bytes();
    let all = [with("<1@x>", "one"), with("<1@x>", "two"), with("", "three"), mail("none")];
    let bench = Bench::of(&all, REMOVE, |_| {});
    assert_eq!(bench.as_planned().await, (4, 4));
    assert_eq!(bench.shown(), 4);
}

#[tokio::test]
async fn quirk_50_another_host_or_user_is_another_mailbox_until_the_user_says_otherwise() {
    let mut bench = Bench::new(4, REMOVE, |table| table.say("DELE", "-ERR not today\r\n"));
    assert_eq!(bench.done().await.retrieved, 4);
    bench.server.set(Table::forget_rules);
    let before = bench.account.server.clone();
    bench.change(|account| account.server.user = "ada".to_owned());
    let ahead = bench.ahead().await;
    assert_eq!((ahead.new, ahead.removes, ahead.withheld), (4, false, Some(Withheld::NewHere)));
    bench.archive.same_maildrop(&bench.account, &before).expect("said so");
    assert_eq!(bench.as_planned().await, (0, 4));
    assert_eq!(bench.shown(), 4);

    // Without a word it is fetched anew, stored once, and nothing leaves.
    let mut other = Bench::of(&mails(3), REMOVE, |table| table.say("DELE", "-ERR not today\r\n"));
    other.done().await;
    other.server.set(Table::forget_rules);
    other.change(|account| account.server.user = "ada".to_owned());
    assert_eq!(other.as_planned().await, (3, 0));
    assert_eq!((other.shown(), other.server.mails().len()), (3, 3));
    other.archive.agree_to_removal(&other.account).expect("agreed");
    assert_eq!(other.as_planned().await, (0, 3));
    assert_eq!(other.account.fetching, Fetching::default());
}
