//! What is known of a maildrop: agreement to removals, habits, the log, what waits there; and an archive of version 1.

use std::collections::HashSet;

use super::*;

fn state(visit: &Visit, second: i64) -> MaildropState {
    visit.archive.maildrop_state(visit.maildrop, at(second)).unwrap()
}

#[test]
fn removals_are_agreed_to_on_this_computer_only() {
    let (_folder, archive) = opened();
    let mut visit = Visit::begin(&archive, "ben@example.org", 0);
    assert!(!state(&visit, 0).agreed, "a copy is left");
    visit.account.retention = Retention::RemoveOnceStored;
    archive.change_account(&visit.account).unwrap();
    assert!(state(&visit, 0).agreed, "who changes it was asked");
    visit.account.name = "Ben".to_owned();
    archive.change_account(&visit.account).unwrap();
    assert!(state(&visit, 0).agreed, "a name changes nothing");

    let (_other, restored) = opened();
    restored.merge(&archive.snapshot().unwrap(), &mut HashSet::new()).unwrap();
    let mut there = Visit::begin(&restored, "ben@example.org", 10);
    assert_eq!((there.account.retention, state(&there, 10).agreed), (Retention::RemoveOnceStored, false));
    there.account.name = "Benjamin".to_owned();
    restored.change_account(&there.account).unwrap();
    assert!(!state(&there, 10).agreed, "a name agrees to nothing");
    restored.agree_to_removal(&there.account).unwrap();
    assert!(state(&there, 10).agreed);

    // Another host is another mailbox; back to the old one it is the old agreement.
    let mut moved = visit.account.clone();
    moved.server.host = "pop3.example.org".to_owned();
    archive.change_account(&moved).unwrap();
    let elsewhere = Visit::begin(&archive, "ben@example.org", 20);
    assert_ne!(elsewhere.maildrop, visit.maildrop);
    assert!(!state(&elsewhere, 20).agreed);
    visit.account.retention = Retention::LeaveCopy;
    archive.change_account(&visit.account).unwrap();
    assert!(!state(&visit, 0).agreed, "leaving copies takes the agreement back");
}

/// Quirk 50.
#[test]
fn the_same_mailbox_under_another_name_keeps_its_ledger() {
    let (_folder, archive) = opened();
    let visit = Visit::begin(&archive, "ben@example.org", 0);
    visit.list(&["a"]);
    visit.take("a", mail("a"));
    let mut moved = visit.account.clone();
    moved.server.host = "pop3.example.org".to_owned();
    archive.change_account(&moved).unwrap();
    let elsewhere = Visit::begin(&archive, "ben@example.org", 20);
    assert_eq!(elsewhere.states(), []);
    archive.same_maildrop(&moved, &visit.account.server).unwrap();
    assert_eq!(elsewhere.states(), [("a".to_owned(), CopyState::Stored, Some(1))]);
    assert_eq!(visit.states(), []);
}

#[test]
fn habits_and_logins_are_remembered() {
    let (_folder, archive) = opened();
    let visit = Visit::begin(&archive, "ben@example.org", 0);
    let before = state(&visit, 0);
    assert_eq!((before.last_login, before.login_refused, before.habits), (None, false, Habits::default()));
    archive.note_login_refused(visit.maildrop, true).unwrap();
    assert!(state(&visit, 0).login_refused);
    archive.note_login(visit.maildrop, ServerWord { login_delay: Some(900), expire: Some(30) }, at(7)).unwrap();
    archive.note_habit(visit.maildrop, Habit::NoPipelining).unwrap();
    archive.note_habit(visit.maildrop, Habit::NoUtf8).unwrap();
    let after = state(&visit, 0);
    assert_eq!((after.last_login, after.login_refused), (Some(at(7)), false));
    assert_eq!((after.login_delay, after.expire), (Some(900), Some(30)));
    let has = [Habit::NoCapa, Habit::NoPipelining, Habit::NoUtf8].map(|habit| after.habits.has(habit));
    assert_eq!(has, [false, true, true]);
}

#[test]
fn the_log_keeps_what_a_visit_saw_and_did() {
    let (_folder, archive) = opened();
    let visit = Visit::begin(&archive, "ben@example.org", 0);
    let entries = vec![
        LogEntry::Listed { messages: 5, unknown: 2 },
        LogEntry::Left { messages: 1, octets: 9_000_000, why: Left::HeaderFirst },
        LogEntry::Failed { message: LogEntry::name_of(&Uidl::new(b"a").unwrap()), tries: 3 },
        LogEntry::Withheld { why: Withheld::Clock },
        LogEntry::Learnt { habit: Habit::NoCapa },
        LogEntry::Again,
    ];
    archive.end_session(visit.session, &SessionOutcome::default(), &entries, at(9)).unwrap();
    assert_eq!(archive.sessions(1).unwrap()[0].entries, entries);
    let (_other, restored) = opened();
    for _ in 0..2 {
        restored.merge(&archive.snapshot().unwrap(), &mut HashSet::new()).unwrap();
        let log = restored.sessions(9).unwrap();
        assert_eq!((log.len(), &log[0].entries), (1, &entries));
    }
    let unknown = "INSERT INTO session_entry (session, ordinal, entry) VALUES (1, 99, '{\"what\":\"flown\",\"to\":7}')";
    archive.write(|transaction| Ok(transaction.execute_batch(unknown)?)).unwrap();
    assert_eq!(archive.sessions(1).unwrap()[0].entries.last(), Some(&LogEntry::Unknown));
}

#[test]
fn what_waits_on_the_server_is_known_by_its_header() {
    let (_folder, archive) = opened();
    let visit = Visit::begin(&archive, "ben@example.org", 0);
    visit.list(&["a", "b"]);
    let header = |uidl: &str| (Uidl::new(uidl.as_bytes()).unwrap(), 0, format!("Subject: {uidl}\r\n").into_bytes());
    archive.keep_headers(visit.maildrop, &[header("a"), header("b")]).unwrap();
    let waiting = archive.awaited().unwrap();
    assert_eq!(waiting.len(), 2);
    assert_eq!((waiting[0].octets, waiting[0].wanted), (Some(100), false));
    archive.want_whole(&waiting[0], true).unwrap();
    let (wanted, known) = archive.wanted_and_known(visit.maildrop).unwrap();
    assert_eq!((wanted.len(), known.len()), (1, 1));
    assert_eq!(archive.counts().unwrap().all, 0, "a header section is no message");
    visit.take("a", mail("a"));
    archive.tidy_awaited(visit.maildrop).unwrap();
    let left: Vec<_> = archive.awaited().unwrap().into_iter().map(|awaited| awaited.uidl).collect();
    assert_eq!(left, [Uidl::new(b"b").unwrap()]);
}

/// An archive that version 1 of the program made and used.
#[test]
fn an_archive_of_the_first_version_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let connection = rusqlite::Connection::open(folder.path().join("mail.db")).unwrap();
    connection.pragma_update(None, "application_id", open::APPLICATION_ID).unwrap();
    connection.execute_batch(include_str!("../../../migrations/001-archive.sql")).unwrap();
    connection
        .execute_batch(
            "INSERT INTO account (id, address, folded, host, port, security, user, name, leave_copy) VALUES
                 (1, 'Ben@example.org', 'ben@example.org', 'pop.example.org', 995, 'tls', 'ben', '', 0),
                 (2, 'anna@example.org', 'anna@example.org', 'pop.example.org', 995, 'tls', 'anna', '', 1);
             INSERT INTO maildrop (id, account, host, user) VALUES (1, 1, 'pop.example.org', 'ben'),
                 (2, 2, 'pop.example.org', 'anna');
             INSERT INTO session (account, maildrop, began) VALUES (1, 1, 5);
             INSERT INTO original (id, sha256, likeness, octets) VALUES (1, x'd03cab59223d9045b35f42b248e93139f5046b7fb5ceb6f6011e33da096b51b5', zeroblob(32), 3);
             INSERT INTO body VALUES (1, 0, x'612d0a');
             INSERT INTO message (id, original, account, arrived) VALUES (1, 1, 1, 5);
             INSERT INTO ledger VALUES (1, x'61', 0, 1, 1, 3, 5, 5, 1), (1, x'62', 0, NULL, 6, 9, 5, 5, 1);
             PRAGMA user_version = 1;",
        )
        .unwrap();
    drop(connection);
    let archive = Archive::open(folder.path()).unwrap();
    let accounts = archive.accounts().unwrap();
    let retentions: Vec<_> = accounts.iter().map(|account| account.retention).collect();
    assert_eq!(retentions, [Retention::RemoveOnceStored, Retention::LeaveCopy]);
    let agreed = |id| archive.maildrop_state(MaildropId(id), at(0)).unwrap().agreed;
    assert_eq!((agreed(1), agreed(2)), (true, false));
    let ledger = archive.ledger(MaildropId(1)).unwrap();
    let states: Vec<_> = ledger.iter().map(|row| (row.state, row.message)).collect();
    assert_eq!(states, [(CopyState::Stored, Some(MessageId(1))), (CopyState::Refused, None)]);
    assert_eq!(archive.original(MessageId(1)).unwrap(), Some(b"a-\n".to_vec()));
    assert_eq!(archive.sessions(9).unwrap().len(), 1);
}
