//! A fetch against the embedded server, in process: what is retrieved, kept and removed, and what becomes of each way in
//! which a visit can end early.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)]

mod support;

use std::path::Path;
use std::time::Duration;

use postkeep::account::{Digest, Retention};
use postkeep::archive::{Archive, SessionOutcome};
use postkeep::demo::{Act, Capa, Cut, Fault, Lie, Moment, Options, Verb, When, generated};
use postkeep::fetch::{FetchError, Update, dry_run};
use postkeep::job::Cancel;
use support::rig::{Rig, done};

fn counts(outcome: &SessionOutcome) -> (u64, u64, u64, u64, u64) {
    (outcome.listed, outcome.retrieved, outcome.deleted, outcome.kept, outcome.failed)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_left_and_a_second_fetch_retrieves_nothing() {
    let rig = Rig::new(Options::default().generated(40, 1), Retention::LeaveCopy);
    assert_eq!(counts(&done(rig.fetch().await)), (40, 40, 0, 40, 0));
    assert_eq!(counts(&done(rig.fetch().await)), (40, 0, 0, 40, 0));
    assert_eq!(rig.stored(), rig.on_server());
    assert_eq!((rig.server.retrs(), rig.server.deles()), (40, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn turning_it_off_removes_all_that_is_stored() {
    let mut rig = Rig::new(Options::default().generated(250, 1), Retention::LeaveCopy);
    done(rig.fetch().await);
    let before = rig.on_server();
    rig.retain(Retention::RemoveOnceStored);
    let plan = dry_run(&rig.archive, &rig.account, &rig.password(), &Cancel::new()).await.expect("a plan");
    assert_eq!((plan.listed, plan.new, plan.removable, plan.removable_in_backup, plan.removes), (250, 0, 250, 0, true));
    assert_eq!(rig.server.deles(), 0, "a dry run changes nothing");
    assert_eq!(counts(&done(rig.fetch().await)), (250, 0, 250, 0, 0));
    assert_eq!(rig.on_server(), []);
    assert_eq!(rig.stored(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrived_can_be_listed_when_it_is_told() {
    let rig = Rig::new(Options::default().generated(30, 2), Retention::LeaveCopy);
    let archive = rig.archive.clone();
    let mut told = Vec::new();
    let mut missing = 0;
    let mut on_update = |update| {
        if let Update::Arrived(ids) = update {
            missing += ids.iter().filter(|id| archive.key(**id).expect("readable").is_none()).count();
            told.extend(ids);
        }
    };
    done(rig.fetch_with(&Cancel::new(), &mut on_update).await);
    assert_eq!((told.len(), missing), (30, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_identical_mails_in_one_listing_are_two_and_both_are_removed() {
    let mail = b"Subject: twice\r\n\r\nthe same\r\n".to_vec();
    let rig = Rig::new(Options::default().messages([mail.clone(), mail]), Retention::RemoveOnceStored);
    assert_eq!(counts(&done(rig.fetch().await)), (2, 2, 2, 0, 0));
    assert_eq!(rig.stored().len(), 2);
    assert_eq!(rig.on_server(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn renumbered_unique_ids_double_nothing() {
    let rig = Rig::new(Options::default().generated(20, 3), Retention::LeaveCopy);
    done(rig.fetch().await);
    rig.server.renumber();
    assert_eq!(counts(&done(rig.fetch().await)), (20, 0, 0, 20, 0));
    assert_eq!(rig.stored(), rig.on_server());
}

/// Quirk 41: for one session the server shows nothing; then all is back.
#[tokio::test(flavor = "multi_thread")]
async fn a_maildrop_that_looks_empty_once_is_not_forgotten() {
    let empty = |verb, answer: &[u8]| Fault::new(verb, When::Session(2), Act::Answer(answer.to_vec()));
    let options = Options::default()
        .generated(10, 3)
        .fault(empty(Verb::Stat, b"+OK 0 0\r\n"))
        .fault(empty(Verb::Uidl, b"+OK\r\n.\r\n"))
        .fault(empty(Verb::List, b"+OK\r\n.\r\n"));
    let mut rig = Rig::new(options, Retention::LeaveCopy);
    done(rig.fetch().await);
    assert_eq!(counts(&done(rig.fetch().await)), (0, 0, 0, 0, 0));
    assert_eq!(counts(&done(rig.fetch().await)), (10, 0, 0, 10, 0));
    rig.retain(Retention::RemoveOnceStored);
    assert_eq!(counts(&done(rig.fetch().await)), (10, 0, 10, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_unique_id_for_all_is_fetched_whole_and_removes_nothing() {
    let options = Options::default().generated(6, 4).lie(Lie::RepeatedUidl);
    let rig = Rig::new(options, Retention::RemoveOnceStored);
    assert_eq!(counts(&done(rig.fetch().await)), (6, 6, 0, 6, 0));
    assert_eq!(rig.stored(), rig.on_server());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_drops_pipelining_is_asked_one_by_one() {
    let options = Options::default().generated(8, 5).capa(Capa::Lines(vec![
        "UIDL".to_owned(),
        "USER".to_owned(),
        "PIPELINING".to_owned(),
    ]));
    let rig = Rig::new(options.pipelining(false), Retention::RemoveOnceStored);
    assert_eq!(counts(&done(rig.fetch().await)), (8, 8, 8, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_in_a_message_keeps_what_was_whole_and_the_next_fetch_goes_on() {
    for cut in [Cut::Reset, Cut::Silent, Cut::Proper] {
        let options = Options::default().generated(9, 6).fault(Fault::cut_retr(5, 100, cut));
        let rig = Rig::new(options, Retention::RemoveOnceStored);
        let all = rig.on_server();
        let (outcome, error) = rig.fetch().await;
        assert!(matches!(error, Some(FetchError::Transport(_))), "{cut:?}: {error:?}");
        assert_eq!(outcome.deleted, 0, "{cut:?}");
        assert_eq!(rig.on_server(), all, "{cut:?}: nothing is removed in a visit that was cut");
        let rest = done(rig.fetch().await);
        assert_eq!((outcome.retrieved + rest.retrieved, rest.deleted), (9, 9), "{cut:?}");
        assert_eq!(rig.stored(), all, "{cut:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_to_quit_loses_and_doubles_nothing() {
    for removed_first in [false, true] {
        let options = Options::default().generated(7, 7).fault(Fault::drop_at_quit(removed_first, Cut::Reset));
        let rig = Rig::new(options, Retention::RemoveOnceStored);
        let all = rig.on_server();
        let (outcome, error) = rig.fetch().await;
        assert!(matches!(error, Some(FetchError::Removal(_))), "{error:?}");
        assert_eq!((outcome.retrieved, outcome.deleted), (7, 0));
        rig.mend();
        let again = done(rig.fetch().await);
        assert_eq!((again.retrieved, again.deleted), (0, if removed_first { 0 } else { 7 }));
        assert_eq!((rig.stored(), rig.on_server()), (all, vec![]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_dele_is_no_doubt_and_a_refused_retr_no_end() {
    let options = Options::default()
        .generated(5, 8)
        .fault(Fault::refuse(Verb::Retr, When::Message(2), "cannot read it"))
        .fault(Fault::refuse(Verb::Dele, When::Message(4), "already gone"));
    let rig = Rig::new(options, Retention::RemoveOnceStored);
    assert_eq!(counts(&done(rig.fetch().await)), (5, 4, 3, 1, 1));
    assert_eq!(rig.on_server().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_at_dele_removes_nothing_and_the_next_fetch_removes_all() {
    let options =
        Options::default().generated(5, 9).fault(Fault::new(Verb::Dele, When::Nth(3), Act::Drop(Cut::Silent)));
    let rig = Rig::new(options, Retention::RemoveOnceStored);
    let all = rig.on_server();
    let (outcome, error) = rig.fetch().await;
    assert!(matches!(error, Some(FetchError::Removal(_))), "{error:?}");
    assert_eq!((outcome.retrieved, outcome.deleted, rig.on_server()), (5, 0, all.clone()));
    assert_eq!(counts(&done(rig.fetch().await)), (5, 0, 5, 0, 0));
    assert_eq!((rig.stored(), rig.on_server()), (all, vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_half_way_what_was_retrieved_is_stored_and_nothing_is_removed() {
    let options = Options::default().generated(60, 10).pause(Verb::Retr, Moment::Before, Duration::from_millis(10));
    let rig = Rig::new(options, Retention::RemoveOnceStored);
    let all = rig.on_server();
    let cancel = Cancel::new();
    let stop = cancel.clone();
    let mut on_update = |update| {
        if matches!(update, Update::Progress(progress) if progress.done >= 20) {
            stop.cancel();
        }
    };
    let (outcome, error) = rig.fetch_with(&cancel, &mut on_update).await;
    assert!(matches!(error, Some(FetchError::Cancelled(_))), "{error:?}");
    assert!((20..60).contains(&outcome.retrieved), "{outcome:?}");
    assert_eq!(rig.stored().len() as u64, outcome.retrieved);
    assert_eq!((outcome.deleted, rig.on_server()), (0, all.clone()));
    let health = rig.archive.check(true, &Cancel::new(), &mut |_| {}).expect("checked");
    assert_eq!((health.damaged, health.problems), (vec![], vec![]));

    let rest = done(rig.fetch().await);
    assert_eq!((rest.retrieved, rest.deleted), (60 - outcome.retrieved, 60));
    assert_eq!((rig.stored(), rig.on_server()), (all, vec![]));
}

/// Our copy rots on the disk after it was stored: the server's copy must stay.
#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_copy_here_keeps_the_copy_there() {
    let mail: Vec<_> = generated(3, 11).collect();
    let mut rig = Rig::new(Options::default().messages(mail), Retention::LeaveCopy);
    done(rig.fetch().await);
    let damaged = rig.server.messages().swap_remove(1);
    let Rig { server, archive, account, offered, folder } = rig;
    drop(archive);
    flip_a_bit(&folder.path().join("mail.db"), &damaged);
    let archive = Archive::open(folder.path()).expect("it opens");
    rig = Rig { server, archive, account, offered, folder };
    rig.retain(Retention::RemoveOnceStored);
    let outcome = done(rig.fetch().await);
    assert_eq!((outcome.deleted, outcome.kept), (2, 1));
    assert_eq!(rig.on_server(), [Digest::of(&damaged)]);
}

/// Changes one bit of what is stored of this message, wherever it stands in the closed database (pages that were moved
/// leave copies).
fn flip_a_bit(file: &Path, message: &[u8]) {
    let connection = rusqlite::Connection::open(file).expect("it opens");
    let sql = "SELECT bytes FROM body JOIN original ON original.id = original WHERE sha256 = ?1";
    let stored: Vec<u8> = connection.query_row(sql, [&Digest::of(message).0], |row| row.get(0)).expect("it is stored");
    drop(connection);
    let mut database = std::fs::read(file).expect("readable");
    let needle = &stored[..stored.len().min(400)];
    let places: Vec<_> =
        database.windows(needle.len()).enumerate().filter(|(_, window)| *window == needle).map(|(at, _)| at).collect();
    assert!(!places.is_empty(), "the message is in the file");
    for at in places {
        database[at + needle.len() / 2] ^= 0x04;
    }
    std::fs::write(file, database).expect("written");
}
