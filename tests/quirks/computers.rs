//! Two computers on one mailbox: neither removes what only the other has.

use std::collections::HashSet;

use jiff::Timestamp;
use postkeep::account::{Digest, Retention};
use postkeep::archive::{CopyState, LogEntry, Withheld};

use crate::bench::{Bench, mail};

const REMOVE: Retention = Retention::RemoveOnceStored;
/// By octets as by messages: the same code decides.
const ALL: [Retention; 6] = [
    Retention::LeaveCopy,
    Retention::Days(1),
    Retention::UntilDeleted,
    Retention::UntilBackedUp,
    Retention::NewestMessages(2),
    REMOVE,
];

fn on_server(bench: &Bench) -> HashSet<Digest> {
    bench.server.mails().iter().map(|mail| Digest::of(mail)).collect()
}

/// A visit, after which whatever left the server is stored on the computer that visited.
async fn visits(bench: &Bench, case: &str) {
    let before = on_server(bench);
    bench.as_planned().await;
    let (after, stored) = (on_server(bench), bench.stored());
    for gone in before.difference(&after) {
        assert!(stored.contains(gone), "{case}: removed what is not stored here");
    }
}

#[tokio::test]
async fn whatever_their_retentions_each_removes_only_what_it_stored_itself() {
    for first in ALL {
        for second in ALL {
            let case = format!("{first} and {second}");
            let one = Bench::new(3, first, |_| {});
            let other = one.second(second);
            for round in 0..2 {
                visits(&one, &case).await;
                one.server.set(|table| _ = table.add(format!("r{round}"), mail(&format!("round {round}"))));
                visits(&other, &case).await;
                for bench in [&one, &other] {
                    bench.age_by(1);
                    let deleted: Vec<_> = bench
                        .ledger()
                        .iter()
                        .filter(|row| row.uidl.as_bytes() == b"u3")
                        .filter_map(|row| row.message)
                        .collect();
                    bench.archive.move_to_bin(&deleted, false, Timestamp::now()).expect("deleted");
                }
            }
            let anywhere: HashSet<Digest> =
                one.stored().into_iter().chain(other.stored()).chain(on_server(&one)).collect();
            assert_eq!(anywhere.len(), 5, "{case}: every mail is somewhere");
        }
    }
}

#[tokio::test]
async fn what_the_other_removed_is_gone_not_by_us_and_stays_here() {
    let one = Bench::new(5, Retention::LeaveCopy, |_| {});
    let other = one.second(REMOVE);
    assert_eq!(one.as_planned().await, (5, 0));
    assert_eq!(other.as_planned().await, (5, 5));
    assert_eq!(one.as_planned().await, (0, 0));
    assert!(one.log().contains(&LogEntry::Vanished { messages: 5 }), "{:?}", one.log());
    assert_eq!((one.in_state(CopyState::Vanished), one.shown()), (5, 5));
}

/// A large message that this computer has only seen the header section of stays for the other one.
#[tokio::test]
async fn what_was_not_fetched_here_is_not_removed_though_the_other_has_it() {
    let large = [mail("large"), vec![b'x'; 3_000], b"\r\n".to_vec()].concat();
    let one = Bench::of(&[mail("small"), large.clone()], Retention::LeaveCopy, |_| {});
    assert_eq!(one.as_planned().await, (2, 0));
    let mut other = one.second(REMOVE);
    other.change(|account| account.fetching.headers_over = Some(1_000));
    assert_eq!(other.as_planned().await, (1, 1));
    assert_eq!(other.as_planned().await, (0, 0));
    assert_eq!(one.server.mails(), [large]);
}

/// A computer whose settings came from elsewhere, as with a restored backup, asks before it removes.
#[tokio::test]
async fn the_newcomer_asks() {
    let one = Bench::new(4, Retention::LeaveCopy, |_| {});
    assert_eq!(one.as_planned().await, (4, 0));
    let other = one.second(REMOVE);
    other.sql("UPDATE maildrop SET agreed = 0");
    for retention in ALL.into_iter().filter(|retention| !retention.leaves_copy()) {
        other.sql(&format!("UPDATE account SET retention = '{retention}'"));
        let mut account = other.account.clone();
        account.retention = retention;
        let seen = Bench { account, ..other_again(&other) };
        seen.as_planned().await;
        assert_eq!(
            (seen.ahead().await.withheld, seen.server.count("DELE")),
            (Some(Withheld::NewHere), 0),
            "{retention}"
        );
    }
}

fn other_again(bench: &Bench) -> Bench {
    let folder = crate::support::rig::folder();
    bench.elsewhere(folder, bench.archive.clone(), bench.account.clone())
}
