//! Attempts to lose a message, to remove it too early or to double it: what a server may do wrong, and what a person may
//! do meanwhile. After each the model holds: every mail that the server ever offered is stored here whole or still there.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)]

mod support;

use std::time::Duration;

use postkeep::account::{Account, Digest, Retention, Security};
use postkeep::archive::{Archive, CopyState, Mail};
use postkeep::backup;
use postkeep::demo::{Act, Cut, Fault, Lie, Moment, Options, Verb, When, generated};
use postkeep::fetch::{FetchError, Update};
use postkeep::job::Cancel;
use postkeep::transport::TransportError;
use support::rig::{Rig, done, new_account};

/// A mail with a line of one dot in its middle, so that what a server that does not byte-stuff sends of it before and
/// behind that dot are equally long: half an answer ends where the mail seems to.
fn dotted(name: &str) -> (Vec<u8>, Vec<u8>) {
    let before = format!("Subject: {name}\r\n\r\nbefore the dot\r\n");
    let head = "+OK\r\n".len();
    let after = format!("{}\r\n", "x".repeat(before.len() + head - 2));
    let mail = format!("{before}.\r\n{after}").into_bytes();
    let unstuffed = [b"+OK\r\n", mail.as_slice(), b".\r\n"].concat();
    assert!(unstuffed[..unstuffed.len() / 2].ends_with(b"\r\n.\r\n"));
    (mail, unstuffed)
}

fn mail(name: &str) -> Vec<u8> {
    format!("From: a@example.org\r\nSubject: {name}\r\n\r\nabout {name}\r\n").into_bytes()
}

/// Quirk 52, for each place in the listing, each retention, and both ways in which the rest can arrive: with the seeming
/// end or after it.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_cut_at_a_lone_dot_is_never_taken_for_whole() {
    for retention in [Retention::LeaveCopy, Retention::RemoveOnceStored] {
        for at in 0..3 {
            for (late, pipelining) in [(false, true), (true, true), (false, false), (true, false)] {
                let (dotted, unstuffed) = dotted("cut");
                let mut mails = vec![mail("one"), mail("two"), mail("three")];
                mails[at] = dotted;
                let mut options = Options::default().messages(mails).pipelining(pipelining).fault(Fault::new(
                    Verb::Retr,
                    When::Message(at + 1),
                    Act::Answer(unstuffed),
                ));
                if late {
                    options = options.pause(Verb::Retr, Moment::Amid, Duration::from_millis(40));
                }
                let mut rig = Rig::new(options, retention);
                let case = format!("{retention:?}, message {at}, late {late}, pipelining {pipelining}");
                // What it says the first time is its affair, but each visit ends in an error and removes nothing.
                for visit in 0..3 {
                    let (outcome, error) = rig.fetch().await;
                    let protocol = matches!(
                        error,
                        Some(
                            FetchError::Transport(TransportError::Protocol(_))
                                | FetchError::Removal(TransportError::Protocol(_))
                        )
                    );
                    assert!(protocol, "{case}, visit {visit}: {error:?} {outcome:?}");
                    assert_eq!(rig.server.messages().len(), 3, "{case}, visit {visit}");
                    rig.the_ledger_vouches_for_nothing_cut(&case);
                }
                // The others have arrived all the same.
                let stored = rig.stored();
                let others = rig.offered.iter().enumerate().filter(|(other, _)| *other != at);
                for (other, message) in others {
                    assert!(stored.contains(&Digest::of(message)), "{case}: message {other} never came");
                }
                rig.mend();
                rig.retain(Retention::RemoveOnceStored);
                while rig.ahead().await.listed > 0 {
                    assert!(done(rig.fetch().await).deleted > 0, "{case}");
                }
                rig.nothing_is_lost();
            }
        }
    }
}

/// A filter on the way cuts a message and ends it properly, once; LIST gives its true size.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_came_shorter_than_listed_is_fetched_again_before_it_is_removed() {
    let cut = Fault::new(Verb::Retr, When::Nth(2), Act::Answer(b"+OK\r\nSubject: two\r\n\r\nab\r\n.\r\n".to_vec()));
    for retention in [Retention::LeaveCopy, Retention::RemoveOnceStored] {
        let options = Options::default().messages([mail("one"), mail("two"), mail("three")]).fault(cut.clone());
        let mut rig = Rig::new(options, retention);
        let first = done(rig.fetch().await);
        assert_eq!(first.retrieved, 3);
        rig.retain(Retention::RemoveOnceStored);
        let second = done(rig.fetch().await);
        // Two RETR gave two things: which is right, a third tells.
        assert_eq!((second.retrieved, first.deleted + second.deleted), (1, 3));
        assert_eq!(rig.server.messages(), Vec::<Vec<u8>>::new());
    }
}

/// Quirk 58: LIST lies in both directions. All arrives once, and all can be removed.
#[tokio::test(flavor = "multi_thread")]
async fn sizes_that_lie_lose_and_double_nothing() {
    for (word, visits) in [("1", 1), ("0", 1), ("-1", 1), ("9000000", 2)] {
        let options = Options::default().generated(6, 21).lie(Lie::Sizes(vec![word.to_owned()]));
        let mut rig = Rig::new(options, Retention::LeaveCopy);
        assert_eq!(rig.as_planned().await, (6, 0), "{word}");
        assert_eq!(rig.as_planned().await, (0, 0), "{word}");
        rig.retain(Retention::RemoveOnceStored);
        assert_eq!(rig.as_planned().await, (if visits == 1 { 0 } else { 6 }, 6), "{word}");
        rig.all_stored_once();

        // Off from the first day: what seems short goes at the second visit.
        let options = Options::default().generated(6, 21).lie(Lie::Sizes(vec![word.to_owned()]));
        let rig = Rig::new(options, Retention::RemoveOnceStored);
        for visit in 1..=visits {
            assert_eq!(done(rig.fetch().await).deleted, if visit == visits { 6 } else { 0 }, "{word}");
        }
        rig.all_stored_once();
    }
}

/// Quirk 39: the unique-id of a mail that another program removed comes to stand for another one of the same size.
#[tokio::test(flavor = "multi_thread")]
async fn a_unique_id_used_again_for_a_mail_of_the_same_size_removes_nothing_unseen() {
    let same =
        |uidls: &str| Fault::new(Verb::Uidl, When::Always, Act::Answer(format!("+OK\r\n{uidls}.\r\n").into_bytes()));
    for seen_empty in [false, true] {
        let options = Options::default().messages([mail("Monday"), mail("whole")]).fault(same("1 1\r\n2 2\r\n"));
        let mut rig = Rig::new(options, Retention::LeaveCopy);
        done(rig.fetch().await);
        if seen_empty {
            rig.mend();
            rig.replace(&[]);
            done(rig.fetch().await);
            rig.server.play(same("1 1\r\n2 2\r\n"));
        }
        rig.replace(&[mail("Friday"), mail("whole")]);
        rig.retain(Retention::RemoveOnceStored);
        assert_eq!(rig.as_planned().await, (0, 1), "the one that is the same is removed");
        rig.mend();
        rig.server.play(same("1 1\r\n"));
        assert_eq!(rig.as_planned().await, (1, 1), "the other is fetched first");
        assert_eq!(rig.server.messages(), Vec::<Vec<u8>>::new());
    }
}

/// A server without TOP: its sizes are believed (quirk 39), and one that refuses it for a message is no doubt.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_refuses_top_can_still_be_emptied() {
    let options = Options::default().generated(5, 3).fault(Fault::refuse(Verb::Top, When::Always, "no"));
    let mut rig = Rig::new(options, Retention::LeaveCopy);
    done(rig.fetch().await);
    rig.retain(Retention::RemoveOnceStored);
    assert_eq!(rig.as_planned().await, (0, 5));
    rig.all_stored_once();
}

/// Quirk 62: trace fields that a server adds after the first retrieval are no other mail.
#[tokio::test(flavor = "multi_thread")]
async fn trace_fields_in_the_header_section_are_no_other_mail() {
    let answer = b"+OK\r\nStatus: RO\r\nFrom: a@example.org\r\nX-UIDL: 7\r\nSubject: one\r\n\r\n.\r\n".to_vec();
    let options =
        Options::default().messages([mail("one")]).fault(Fault::new(Verb::Top, When::Always, Act::Answer(answer)));
    let mut rig = Rig::new(options, Retention::LeaveCopy);
    done(rig.fetch().await);
    rig.retain(Retention::RemoveOnceStored);
    assert_eq!(rig.as_planned().await, (0, 1));
}

/// Quirk 41, and then the look ahead: mail that seemed to be gone and came back is counted as what it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_look_ahead_counts_what_came_back_as_the_fetch_does() {
    let empty = |verb, answer: &[u8]| Fault::new(verb, When::Session(2), Act::Answer(answer.to_vec()));
    let options = Options::default()
        .generated(4, 3)
        .fault(empty(Verb::Stat, b"+OK 0 0\r\n"))
        .fault(empty(Verb::Uidl, b"+OK\r\n.\r\n"))
        .fault(empty(Verb::List, b"+OK\r\n.\r\n"));
    let mut rig = Rig::new(options, Retention::LeaveCopy);
    done(rig.fetch().await);
    assert_eq!(done(rig.fetch().await).listed, 0);
    rig.retain(Retention::RemoveOnceStored);
    assert_eq!(rig.as_planned().await, (0, 4));
    rig.all_stored_once();
}

/// Look ahead and fetch agree for unique-ids that stand for several messages, which are never removed.
#[tokio::test(flavor = "multi_thread")]
async fn a_look_ahead_promises_no_removal_of_what_is_ambiguous() {
    let options = Options::default().generated(6, 4).lie(Lie::RepeatedUidl);
    let rig = Rig::new(options, Retention::RemoveOnceStored);
    assert_eq!(rig.as_planned().await, (6, 0));
    assert_eq!(rig.as_planned().await, (0, 0));
    rig.all_stored_once();
}

/// Look ahead and fetch agree in each state that an early end leaves behind.
#[tokio::test(flavor = "multi_thread")]
async fn a_look_ahead_and_the_fetch_agree_after_each_early_end() {
    let faults = [
        Fault::cut_retr(3, 40, Cut::Reset),
        Fault::new(Verb::Retr, When::Message(2), Act::Refuse("no".into())),
        Fault::new(Verb::Dele, When::Nth(2), Act::Drop(Cut::Silent)),
        Fault::new(Verb::Dele, When::Message(2), Act::Refuse("no".into())),
        Fault::new(Verb::Quit, When::Always, Act::Refuse("not all".into())),
        Fault::new(Verb::Quit, When::Always, Act::RefuseAfter("not all".into())),
        Fault::drop_at_quit(false, Cut::Reset),
        Fault::drop_at_quit(true, Cut::Reset),
        Fault::new(Verb::Quit, When::Always, Act::Answer(b"+OK but nothing done\r\n".to_vec())),
        Fault::new(Verb::Quit, When::Always, Act::Answer(b"nonsense\r\n".to_vec())),
        Fault::new(Verb::Dele, When::Nth(3), Act::Append(b"nonsense\r\n".to_vec())),
        Fault::new(Verb::List, When::Always, Act::Refuse("no".into())),
        Fault::new(Verb::Uidl, When::Always, Act::Refuse("no".into())),
    ];
    for fault in faults {
        let case = format!("{fault:?}");
        let rig = Rig::new(Options::default().generated(5, 30).fault(fault), Retention::RemoveOnceStored);
        rig.fetch().await;
        rig.mend();
        rig.as_planned().await;
        rig.as_planned().await;
        assert_eq!(rig.server.messages().len(), 0, "{case}");
        rig.all_stored_once();
    }
}

/// The user thinks better of it when the fetch says what it is about to remove.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_changed_during_a_fetch_stops_its_removals() {
    type Change = fn(&Archive, &Account);
    let changes: [(&str, Change); 4] = [
        ("leave a copy", |archive, account| {
            let account = Account { retention: Retention::LeaveCopy, ..account.clone() };
            archive.change_account(&account).expect("changed");
        }),
        ("another server", |archive, account| {
            let mut account = account.clone();
            account.server.host = "pop.example.org".to_owned();
            archive.change_account(&account).expect("changed");
        }),
        ("removed", |archive, account| archive.remove_account(account.id, Mail::Keep).expect("removed")),
        ("erased", |archive, account| archive.remove_account(account.id, Mail::Erase).expect("erased")),
    ];
    for (case, change) in changes {
        for when in ["planned", "removing"] {
            let rig = Rig::new(Options::default().generated(5, 31), Retention::RemoveOnceStored);
            let (archive, account) = (rig.archive.clone(), rig.account.clone());
            let mut on_update = |update| match update {
                Update::Planned(_) if when == "planned" => change(&archive, &account),
                Update::Removing(_) if when == "removing" => change(&archive, &account),
                _ => {}
            };
            let (outcome, _) = rig.fetch_with(&Cancel::new(), &mut on_update).await;
            assert_eq!((outcome.deleted, rig.server.messages().len()), (0, 5), "{case}, {when}");
        }
    }
}

/// An account that is removed with its mail kept, and added again: nothing is fetched twice, nothing is lost.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_comes_back_knows_its_mail() {
    let mut rig = Rig::new(Options::default().generated(5, 32), Retention::LeaveCopy);
    done(rig.fetch().await);
    for (mail, retrieved) in [(Mail::Keep, 0), (Mail::Erase, 5)] {
        rig.archive.remove_account(rig.account.id, mail).expect("removed");
        rig.account =
            rig.archive.add_account(&new_account(&rig.server, Security::Tls, Retention::LeaveCopy)).expect("added");
        assert_eq!(rig.as_planned().await, (retrieved, 0), "{mail:?}");
        rig.all_stored_once();
    }
    rig.retain(Retention::RemoveOnceStored);
    assert_eq!(rig.as_planned().await, (0, 5));
    rig.all_stored_once();
}

/// A backup restored elsewhere, older than what happened since: no mail twice, none removed unseen.
#[tokio::test(flavor = "multi_thread")]
async fn a_restored_archive_fetches_what_came_since_and_removes_only_what_it_has() {
    let mut rig = Rig::new(Options::default().generated(6, 33), Retention::LeaveCopy);
    done(rig.fetch().await);
    let target = tempfile::tempdir().expect("a folder");
    backup::back_up(&rig.archive, target.path(), &Cancel::new(), &mut |_, _| {}).expect("backed up");
    for message in generated(3, 34) {
        rig.server.add(message);
    }
    rig.offered = rig.server.messages();
    done(rig.fetch().await);

    let elsewhere = tempfile::tempdir().expect("a folder");
    rig.archive = Archive::open(elsewhere.path()).expect("an archive");
    for _ in 0..2 {
        backup::restore(&rig.archive, target.path(), &Cancel::new(), &mut |_| {}).expect("restored");
    }
    rig.account = rig.archive.accounts().expect("readable").remove(0);
    rig.retain(Retention::RemoveOnceStored);
    assert_eq!(rig.as_planned().await, (3, 9));
    rig.all_stored_once();
    // The old backup once more, over an archive that knows better: what is gone stays gone, nothing doubles.
    backup::restore(&rig.archive, target.path(), &Cancel::new(), &mut |_| {}).expect("restored");
    assert_eq!(rig.as_planned().await, (0, 0));
    rig.all_stored_once();
}

/// Two mails of equal likeness in one listing are two that are shown, whatever their order, after renumbering and after
/// the one was imported from a file before.
#[tokio::test(flavor = "multi_thread")]
async fn mails_of_equal_likeness_in_one_listing_are_each_shown() {
    let traced = |status: &str| [format!("Status: {status}\r\n").into_bytes(), mail("same")].concat();
    let mails = vec![traced("UP"), traced("DOWN"), mail("same"), mail("same")];
    let rig = Rig::new(Options::default().messages(mails), Retention::LeaveCopy);
    assert_eq!(rig.as_planned().await, (4, 0));
    let shown = || rig.archive.counts().expect("counted").all;
    assert_eq!(shown(), 4);
    rig.server.renumber();
    assert_eq!(rig.as_planned().await, (0, 0));
    assert_eq!(shown(), 4);
    rig.all_stored_once();
}

/// STAT, LIST and UIDL disagree: what is listed by UIDL is handled, nothing is concluded from the rest.
#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_disagrees_with_itself_concludes_nothing() {
    let answer = |verb, text: &str| Fault::new(verb, When::Session(2), Act::Answer(text.as_bytes().to_vec()));
    let faults = [
        ("short UIDL", Verb::Uidl, "+OK\r\n.\r\n"),
        ("UIDL with a hole", Verb::Uidl, "+OK\r\n1 a\r\n1 a\r\n2 b\r\n3 c\r\n.\r\n"),
        ("UIDL that names nothing", Verb::Uidl, "+OK\r\n1\r\n2\r\n3\r\n4\r\n.\r\n"),
        ("short LIST", Verb::List, "+OK\r\n.\r\n"),
        ("STAT of none", Verb::Stat, "+OK 0 0\r\n"),
    ];
    for (case, verb, text) in faults {
        let options = Options::default().generated(4, 35).fault(answer(verb, text));
        let mut rig = Rig::new(options, Retention::LeaveCopy);
        done(rig.fetch().await);
        done(rig.fetch().await);
        let maildrop = rig.archive.maildrop(&rig.account).expect("readable").expect("a maildrop");
        let ledger = rig.archive.ledger(maildrop).expect("readable");
        let vanished = ledger.iter().filter(|row| row.state == CopyState::Vanished).count();
        assert_eq!(vanished, 0, "{case}");
        rig.retain(Retention::RemoveOnceStored);
        assert_eq!(rig.as_planned().await.1, 4, "{case}");
        rig.all_stored_once();
    }
}

/// One message that ends each visit does not keep the others from coming (quirk 61).
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_always_breaks_the_connection_comes_last() {
    for act in [Act::Drop(Cut::Reset), Act::DropAfter(60, Cut::Silent), Act::Answer(b"what?\r\n".to_vec())] {
        for pipelining in [true, false] {
            let options = Options::default().generated(6, 36).pipelining(pipelining).fault(Fault::new(
                Verb::Retr,
                When::Message(2),
                act.clone(),
            ));
            let rig = Rig::new(options, Retention::RemoveOnceStored);
            for _ in 0..3 {
                assert!(rig.fetch().await.1.is_some());
            }
            assert_eq!(rig.stored().len(), 5, "{act:?}, pipelining {pipelining}");
            rig.mend();
            while rig.ahead().await.listed > 0 {
                assert!(done(rig.fetch().await).deleted > 0);
            }
            rig.all_stored_once();
        }
    }
}
