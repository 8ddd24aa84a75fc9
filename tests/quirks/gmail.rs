//! Section G, as far as a scripted server can play it.

use postkeep::account::Retention;
use postkeep::archive::{CopyState, LogEntry, Withheld};
use postkeep::provider;

use crate::bench::{Bench, mail, mails};
use crate::support::scripted::{Act, Table, USER};

const KEEP: Retention = Retention::LeaveCopy;
const REMOVE: Retention = Retention::RemoveOnceStored;

/// Shows the oldest ten that were not fetched yet.
fn gmail(table: &mut Table) {
    let capa = vec!["USER", "RESP-CODES", "EXPIRE 0", "LOGIN-DELAY 0", "TOP", "UIDL", "X-GOOGLE-RICO", "SASL PLAIN"];
    (table.capa, table.capa_inside) = (Some(capa.clone()), Some(capa));
    table.window = Some(10);
}

/// What the table of providers says of Gmail.
fn notes() -> String {
    provider::suggest("me@gmail.com").and_then(|suggestion| suggestion.note).expect("a note")
}

#[tokio::test]
async fn quirk_85_all_parts_are_fetched_one_after_the_other() {
    let bench = Bench::new(34, KEEP, gmail);
    let outcome = bench.done().await;
    assert_eq!((outcome.retrieved, outcome.listed, outcome.kept), (34, 34, 34));
    assert_eq!(bench.log().iter().filter(|entry| **entry == LogEntry::Again).count(), 4);
    assert_eq!(bench.server.sessions(), 5, "until nothing new is shown");
    assert_eq!(bench.server.count("TOP"), 0, "other messages than before are other messages, not renumbered ones");
    assert_eq!(bench.done().await.retrieved, 0);
    assert!(notes().contains("a few hundred messages at a time"), "{}", notes());

    // A part that shows others than the one before is not a renumbered mailbox: what is to leave leaves.
    let removes = Bench::new(34, REMOVE, gmail);
    let outcome = removes.done().await;
    assert_eq!((outcome.retrieved, outcome.deleted, removes.server.mails().len()), (34, 34, 0));
    assert!(!removes.log().iter().any(|entry| matches!(entry, LogEntry::Withheld { .. })), "{:?}", removes.log());
}

#[tokio::test]
async fn quirk_86_what_is_hidden_is_not_gone() {
    let bench = Bench::new(25, KEEP, gmail);
    assert_eq!(bench.done().await.retrieved, 25);
    assert_eq!(bench.done().await.listed, 0);
    assert_eq!(bench.in_state(CopyState::Stored), 25);
    assert!(!bench.log().iter().any(|entry| matches!(entry, LogEntry::Vanished { .. })), "{:?}", bench.log());
    // After a drop some are offered again, some not: neither doubles nor forgets.
    bench.server.set(|table| {
        table.mails.iter_mut().step_by(3).for_each(|mail| mail.popped = false);
        table.add("u26", mail("another"));
        table.rule_times("QUIT", 1, Act::SayAndCut(Vec::new()));
    });
    assert_eq!(bench.fetch().await.0.retrieved, 1);
    bench.done().await;
    assert_eq!((bench.shown(), bench.in_state(CopyState::Stored)), (26, 26));
}

#[test]
fn quirk_87_what_removing_means_is_chosen_there_and_said_here() {
    assert!(notes().contains("What removing a message from the server does there"), "{}", notes());
}

#[tokio::test]
async fn quirk_88_in_recent_mode_nothing_is_removed_and_nothing_is_gone() {
    let mut bench = Bench::new(6, KEEP, |_| {});
    bench.change(|account| account.server.user = format!("recent:{USER}"));
    bench.retain(REMOVE);
    assert_eq!(bench.ahead().await.withheld, Some(Withheld::RecentMode));
    assert_eq!(bench.as_planned().await, (6, 0));
    assert!(bench.log().contains(&LogEntry::Withheld { why: Withheld::RecentMode }), "{:?}", bench.log());
    // A month later it shows others.
    bench.server.set(|table| {
        table.mails.clear();
        (7..13).for_each(|number| _ = table.add(format!("u{number}"), mail(&format!("number {number}"))));
    });
    assert_eq!(bench.as_planned().await, (6, 0));
    assert!(!bench.log().iter().any(|entry| matches!(entry, LogEntry::Vanished { .. })), "{:?}", bench.log());
    assert_eq!((bench.in_state(CopyState::Vanished), bench.server.count("DELE"), bench.server.count("TOP")), (0, 0, 0));
    // Not even where it is asked for in words.
    let id = bench.id("u7");
    bench.archive.move_to_bin(&[id], true, jiff::Timestamp::now()).expect("deleted");
    assert_eq!(bench.as_planned().await, (0, 0));
}

#[tokio::test]
async fn quirk_89_own_mail_in_the_list_is_no_news() {
    let from =
        |from: &str, to: &str| format!("From: Me <{from}>\r\nTo: {to}\r\nSubject: x\r\n\r\n{to}\r\n").into_bytes();
    let all =
        [from(USER, "you@mail.test"), from("ADA@mail.test", "b@x"), from(USER, USER), from("you@mail.test", USER)];
    let bench = Bench::of(&all, KEEP, |_| {});
    assert_eq!(bench.done().await.retrieved, 4);
    let read: Vec<bool> = (1..=4)
        .map(|number| {
            let id = bench.id(&format!("u{number}"));
            bench.archive.stored(id).expect("readable").expect("stored").marks.read
        })
        .collect();
    assert_eq!(read, [true, true, false, false]);
}

#[test]
fn quirk_90_spam_and_trash_cannot_be_seen_and_that_is_said() {
    assert!(notes().contains("Spam and Trash"), "{}", notes());
}

#[test]
fn quirk_91_old_mail_that_is_missing_is_explained() {
    assert!(notes().contains("old mail is missing"), "{}", notes());
    assert_eq!(mails(1).len(), 1);
}
