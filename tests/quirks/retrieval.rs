//! Section E: the messages themselves.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use postkeep::account::Retention;
use postkeep::archive::{CopyState, Left, LogEntry};
use postkeep::fetch::{FetchError, Update};
use postkeep::job::Cancel;
use postkeep::message;
use postkeep::pop3::ProtocolError;
use postkeep::transport::{Patience, TransportError};

use crate::bench::{Bench, mail, mails};
use crate::support::scripted::{Act, Table, as_sent};

const KEEP: Retention = Retention::LeaveCopy;
const REMOVE: Retention = Retention::RemoveOnceStored;

/// A body from these octets.
fn with_body(body: &[u8]) -> Vec<u8> {
    [b"Subject: x\r\n\r\n".as_slice(), body].concat()
}

/// All of these come byte for byte, and go.
async fn exactly(all: &[Vec<u8>], set: impl FnOnce(&mut Table)) {
    let bench = Bench::of(all, REMOVE, set);
    let lf_only = bench.server.set(|table| table.lf_only);
    let count = all.len() as u64;
    assert_eq!(bench.done().await.retrieved, count);
    for (number, octets) in (1..).zip(all) {
        let got = bench.bytes(&format!("u{number}"));
        assert!(got == as_sent(octets, lf_only), "{number}: {}", got.escape_ascii());
    }
    assert_eq!(bench.shown(), count);
}

#[tokio::test]
async fn quirk_51_dots_are_unstuffed_wherever_the_pieces_end() {
    let all = [
        with_body(b".\r\n..\r\n...\r\n.x\r\n.\r\n"),
        b".first line\r\nSubject: y\r\n\r\n.\r\n".to_vec(),
        with_body(b"x\r\n.\r\n.\r\n\r\n.\r\nend"),
        b"..".to_vec(),
    ];
    for piece in [1, 2, 3, 5, usize::MAX] {
        exactly(&all, |table| table.piece = piece).await;
    }
}

#[tokio::test]
async fn quirk_52_a_body_that_is_not_stuffed_leaves_the_message_in_doubt() {
    let (before, after) = (with_body(b"before\r\n.\r\n"), b"after\r\n");
    let whole = [before.as_slice(), after].concat();
    let (first, second) = ([b"+OK\r\n", before.as_slice()].concat(), [after.as_slice(), b".\r\n"].concat());
    for act in [Act::Say([first.as_slice(), &second].concat()), Act::SayInTwo(first, second)] {
        let mut bench = Bench::of(&[whole.clone(), mail("two")], REMOVE, |table| table.rule("RETR 1", act));
        for _ in 0..2 {
            assert!(matches!(bench.breaks().await, TransportError::Protocol(_)));
            assert_eq!((bench.server.count("QUIT"), bench.server.mails().len()), (0, 2));
            assert!(bench.ledger().iter().all(|row| row.uidl.as_bytes() != b"u1" || row.state != CopyState::Stored));
        }
        bench.server.set(Table::forget_rules);
        bench.retain(REMOVE);
        while bench.ahead().await.listed > 0 {
            assert!(bench.done().await.deleted > 0);
        }
        assert!(bench.stored().contains(&postkeep::account::Digest::of(&whole)));
    }
}

#[tokio::test]
async fn quirk_53_a_dot_between_bare_line_feeds_ends_nothing() {
    exactly(&[with_body(b"a\n.\nb\r\n"), with_body(b"a\r\n.\nb\r\n"), with_body(b"a\n.\r\nb\r\n")], |_| {}).await;
}

#[tokio::test]
async fn quirk_54_bare_line_feeds_all_the_way_or_not_at_all() {
    exactly(&[mail("one"), with_body(b"\r\nx\r\n")], |table| table.lf_only = true).await;
    let mixed = Bench::new(1, REMOVE, |table| table.say("RETR 1", "+OK\r\nSubject: x\n\nbody\n.\n"));
    mixed.server.set(|table| table.rule("NOOP", Act::Hang));
    let bench = Bench { terms: impatient(), ..mixed };
    bench.breaks().await;
    assert_eq!((bench.server.count("DELE"), bench.stored().len()), (0, 0));
    let late = Bench::new(1, REMOVE, |table| table.say("STAT", "+OK 1 10\n"));
    assert!(matches!(late.breaks().await, TransportError::Protocol(ProtocolError::MixedLineEnds)));
}

/// For servers that fall silent.
fn impatient() -> postkeep::fetch::Terms {
    let patience = Patience { idle: Duration::from_millis(300), ..Patience::default() };
    postkeep::fetch::Terms { patience, ..crate::bench::terms() }
}

#[tokio::test]
async fn quirk_55_a_terminator_that_never_comes_ends_in_silence_and_stores_nothing() {
    for answer in [
        "+OK\r\nSubject: x\r\n\r\nbody.\r\n",
        "+OK\r\nSubject: x\r\n\r\nbody\r\n.\r",
        "+OK\r\nSubject: x\r\n\r\n.\r\r\n",
    ] {
        let bench = Bench { terms: impatient(), ..Bench::new(2, REMOVE, |table| table.say("RETR 1", answer)) };
        let error = bench.breaks().await;
        assert!(matches!(error, TransportError::Silence(_) | TransportError::Truncated), "{answer}: {error:?}");
        assert_eq!((bench.server.count("DELE"), bench.server.count("QUIT")), (0, 0));
        assert!(
            bench.log().iter().any(|entry| matches!(entry, LogEntry::Failed { tries: 1, .. })),
            "{:?}",
            bench.log()
        );
        bench.server.set(Table::forget_rules);
        assert_eq!(bench.done().await.deleted, 2);
    }
}

#[tokio::test]
async fn quirk_56_messages_without_this_or_that() {
    let many: String = (0..100_000).map(|number| format!("X-{number}: y\r\n")).collect();
    let all = [
        b"Subject: no end".to_vec(),
        Vec::new(),
        b"Subject: headers only\r\n".to_vec(),
        b"no header at all\r\n".to_vec(),
        b"\r\n".to_vec(),
        b"Subject: x\r\nno blank line\r\n".to_vec(),
        many.into_bytes(),
    ];
    exactly(&all, |_| {}).await;
}

#[tokio::test]
async fn quirk_57_any_octet_is_stored_as_it_came() {
    let every: Vec<u8> = (0..=255).collect();
    exactly(&[with_body(&every), with_body(b"\0\0\r\n\xff\xfe\r\n\r\r\n\0")], |_| {}).await;
}

#[tokio::test]
async fn quirk_58_sizes_are_a_hint_and_end_nothing() {
    for listed in ["0", "1", "99999", "-5", "9223372036854775808", "many"] {
        let mut bench = Bench::new(3, KEEP, |table| {
            table.mails.iter_mut().for_each(|mail| mail.listed = Some(listed.to_owned()));
        });
        let outcome = bench.done().await;
        if listed == "9223372036854775808" {
            assert_eq!((outcome.retrieved, outcome.failed), (0, 3), "over what is fetched at all");
            continue;
        }
        assert_eq!(outcome.retrieved, 3, "{listed}");
        bench.retain(REMOVE);
        bench.as_planned().await;
        assert_eq!((bench.server.mails().len(), bench.shown()), (0, 3), "{listed}");
    }
}

/// Of messages over 1,000 octets only the header section is to come.
fn header_first(bench: &mut Bench) {
    bench.change(|account| account.fetching.headers_over = Some(1_000));
}

#[tokio::test]
async fn quirk_59_what_top_gives_is_never_the_message() {
    let large = [mail("large"), vec![b'x'; 2_000], b"\r\n".to_vec()].concat();
    // A server that ignores how many lines were asked for, and one that gives too few octets.
    let whole = [b"+OK\r\n".as_slice(), &large, b".\r\n"].concat();
    for answer in [whole.as_slice(), b"+OK\r\nSubj\r\n.\r\n", b"+OK\r\n.\r\n"] {
        let mut bench = Bench::of(&[mail("small"), large.clone()], KEEP, |table| table.say("TOP 2", answer));
        header_first(&mut bench);
        assert_eq!(bench.as_planned().await, (1, 0));
        assert_eq!(bench.stored().len(), 1);
        let awaited = bench.archive.awaited().expect("readable");
        assert_eq!((awaited.len(), awaited[0].octets), (1, Some(large.len() as u64)));
        assert!(awaited[0].header.len() < 100, "the header section only");
        bench.archive.want_whole(&awaited[0], true).expect("wanted");
        assert_eq!(bench.as_planned().await, (1, 0));
        assert!(bench.bytes("u2") == large && bench.archive.awaited().expect("readable").is_empty());
        // Nor is a removal built on it.
        bench.retain(REMOVE);
        bench.done().await;
        bench.done().await;
        assert_eq!(bench.stored().len(), 2);
    }
}

#[tokio::test]
async fn quirk_60_without_top_a_large_message_waits_all_the_same() {
    let large = [mail("large"), vec![b'x'; 2_000], b"\r\n".to_vec()].concat();
    for known in [true, false] {
        let mut bench = Bench::of(&[mail("small"), large.clone()], REMOVE, |table| {
            table.say("TOP", "-ERR what?\r\n");
            if !known {
                (table.capa, table.capa_inside) = (None, None);
            }
        });
        header_first(&mut bench);
        assert_eq!(bench.as_planned().await, (1, 1));
        let left = LogEntry::Left { messages: 1, octets: large.len() as u64, why: Left::HeaderFirst };
        assert!(bench.log().contains(&left), "{:?}", bench.log());
        let awaited = bench.archive.awaited().expect("readable");
        assert_eq!((awaited.len(), awaited[0].header.len()), (1, 0), "it can be asked for");
        let asked = bench.server.count("TOP");
        bench.done().await;
        assert_eq!(bench.server.count("TOP"), asked, "asked once");
        bench.archive.want_whole(&awaited[0], true).expect("wanted");
        assert_eq!(bench.as_planned().await, (1, 1));
        assert!(bench.server.mails().is_empty());
    }
}

#[tokio::test]
async fn quirk_61_a_message_that_is_refused_each_time_keeps_nothing_from_coming() {
    let mut bench = Bench::new(4, REMOVE, |table| table.say("RETR 2", "-ERR cannot read it\r\n"));
    let outcome = bench.done().await;
    assert_eq!((outcome.retrieved, outcome.failed, outcome.deleted), (3, 1, 3));
    assert!(bench.log().iter().any(|entry| matches!(entry, LogEntry::Failed { tries: 1, .. })), "{:?}", bench.log());
    bench.server.set(|table| {
        table.forget_rules();
        table.say("RETR", "-ERR cannot read it\r\n");
    });
    for tries in 2..=3 {
        assert_eq!(bench.done().await.failed, 1);
        assert_eq!(bench.row("u2").tries, tries);
    }
    // By itself it is tried at every eighth visit only, and it is shown as left.
    bench.terms.by_user = false;
    let (mut asked, before) = (0, bench.server.count("RETR"));
    for _ in 0..8 {
        let outcome = bench.done().await;
        assert_eq!(outcome.failed, 1);
        let left = |entry: &LogEntry| matches!(entry, LogEntry::Left { why: Left::Refused, messages: 1, .. });
        asked += usize::from(!bench.log().iter().any(left));
    }
    assert_eq!((asked, bench.server.count("RETR") - before), (1, 1));
    // Whoever asks for the account has it tried.
    bench.terms.by_user = true;
    bench.server.set(Table::forget_rules);
    assert_eq!(bench.as_planned().await, (1, 1));
}

#[tokio::test]
async fn quirk_61_a_message_that_breaks_the_connection_comes_last() {
    let bench = Bench::new(4, KEEP, |table| table.rule("RETR 1", Act::SayAndCut(b"+OK\r\nSubj".to_vec())));
    bench.breaks().await;
    bench.breaks().await;
    assert_eq!(bench.stored().len(), 3, "the others came");
    assert_eq!(bench.row("u1").tries, 2);
}

#[tokio::test]
async fn quirk_62_other_trace_fields_make_no_other_mail() {
    let traced = |fields: &str| [fields.as_bytes(), &mail("same")].concat();
    let mut bench = Bench::of(&[traced("Status: U\r\nX-UIDL: 1\r\n")], KEEP, |_| {});
    assert_eq!(bench.done().await.retrieved, 1);
    bench.server.set(|table| {
        table.mails.clear();
        table.add("other", traced("Status: RO\r\nX-UIDL: 22\r\n"));
    });
    bench.forget_offered();
    assert_eq!(bench.done().await.retrieved, 1);
    assert_eq!((bench.shown(), bench.stored().len()), (1, 2), "shown once, each stored exactly");
    bench.retain(REMOVE);
    assert_eq!(bench.as_planned().await, (0, 1));
}

#[tokio::test]
async fn quirk_63_silence_counts_and_not_the_whole() {
    let bench = Bench::new(8, KEEP, |table| table.rule("RETR", Act::Pause(Duration::from_millis(120))));
    let bench = Bench { terms: impatient(), ..bench };
    // Each pause is shorter than the patience, all of them together are longer.
    assert_eq!(bench.done().await.retrieved, 8);
    bench.server.set(|table| {
        table.add("u9", mail("nine"));
        table.forget_rules();
        table.rule("RETR", Act::Hang);
    });
    assert!(matches!(bench.breaks().await, TransportError::Silence(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn quirk_64_the_server_does_not_wait_for_the_index() {
    let bench = Bench::new(30, REMOVE, |_| {});
    // Nothing can be indexed while this is open.
    let index = rusqlite::Connection::open(bench.folder.path().join("index.db")).expect("opened");
    index.execute_batch("BEGIN IMMEDIATE").expect("held");
    let quit = Arc::new(AtomicBool::new(false));
    let (seen, said) = (Arc::clone(&quit), Arc::new(Mutex::new(Some(index))));
    let release = Arc::clone(&said);
    bench.server.set(|table| {
        table.hook = Some(Arc::new(move |command: &str| {
            if command == "QUIT" {
                seen.store(true, Ordering::SeqCst);
                release.lock().expect("a lock").take();
            }
        }));
    });
    let arrived_before_quit = AtomicBool::new(false);
    let (outcome, error) = bench
        .fetch_with(Cancel::new(), |update| {
            if matches!(update, Update::Arrived(_)) && !quit.load(Ordering::SeqCst) {
                arrived_before_quit.store(true, Ordering::SeqCst);
            }
        })
        .await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!((outcome.retrieved, outcome.deleted), (30, 30));
    assert!(said.lock().expect("a lock").is_none() && !arrived_before_quit.load(Ordering::SeqCst));
    assert_eq!(bench.shown(), 30, "and in the end all is indexed");
}

#[tokio::test(flavor = "multi_thread")]
async fn quirk_64_while_the_disk_is_slow_the_server_hears_from_us() {
    let bench = Bench { terms: impatient(), ..Bench::new(2, REMOVE, |_| {}) };
    let held = Arc::new(Mutex::new(None));
    let (file, holder) = (bench.folder.path().join("mail.db"), Arc::clone(&held));
    bench.server.set(|table| {
        table.hook = Some(Arc::new(move |command: &str| {
            let mut holder = holder.lock().expect("a lock");
            if command == "RETR 2" {
                let mail = rusqlite::Connection::open(&file).expect("opened");
                mail.execute_batch("BEGIN IMMEDIATE").expect("held");
                *holder = Some(mail);
            } else if command == "NOOP" {
                holder.take();
            }
        }));
    });
    let outcome = bench.done().await;
    assert_eq!((outcome.retrieved, outcome.deleted), (2, 2));
    assert!(bench.server.last().contains(&"NOOP".to_owned()), "{:?}", bench.server.last());
}

#[tokio::test]
async fn quirk_65_a_session_that_the_server_ends_has_removed_nothing() {
    let mut bench = Bench::new(5, REMOVE, |table| table.rule_times("DELE 4", 1, Act::SayAndCut(Vec::new())));
    let (outcome, error) = bench.fetch().await;
    assert!(matches!(error, Some(FetchError::Removal(_))), "{error:?}");
    assert_eq!((outcome.deleted, bench.server.mails().len()), (0, 5));
    assert_eq!(bench.in_state(CopyState::Gone), 0);
    bench.retain(REMOVE);
    assert_eq!(bench.as_planned().await, (0, 5), "without fetching anything again");
}

#[tokio::test]
async fn quirk_66_cut_in_a_message_nothing_of_it_stays() {
    let bench = Bench::of(&mails(4), KEEP, |table| {
        table.rule_times("RETR 3", 1, Act::SayAndCut(b"+OK\r\nSubject: half\r\n\r\nhal".to_vec()));
    });
    bench.breaks().await;
    assert_eq!((bench.stored().len(), bench.shown()), (2, 2));
    assert!(bench.ledger().iter().all(|row| row.state != CopyState::Stored || row.message.is_some()));
    assert_eq!(bench.as_planned().await, (2, 0));
}

#[tokio::test]
async fn quirk_67_a_hostile_message_is_stored_and_the_rest_goes_on() {
    let nested: String =
        (0..2_000).map(|at| format!("Content-Type: multipart/mixed; boundary=b{at}\r\n\r\n--b{at}\r\n")).collect();
    let all = [
        mail("one"),
        nested.into_bytes(),
        with_body(&[0xff; 5_000]),
        [b"Subject: =?".as_slice(), &[b'='; 3_000], b"\r\nFrom: \0<<<>\r\n\r\n"].concat(),
        mail("five"),
    ];
    let bench = Bench::of(&all, REMOVE, |_| {});
    assert_eq!(bench.as_planned().await, (5, 5));
    assert_eq!(bench.shown(), 5, "each is listed");
    for (number, octets) in (1..).zip(&all) {
        assert!(bench.bytes(&format!("u{number}")) == as_sent(octets, false));
        _ = message::envelope(octets);
    }
}
