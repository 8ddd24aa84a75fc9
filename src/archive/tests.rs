//! The archive as its callers see it: what is stored, deduplicated, proved, refused.

mod bin;
mod bundle_format;
mod bundles;
mod bundles_lost;
mod bundling;
mod codec;
mod health;
mod lists;
mod maildrops;
mod opening;
mod safety;
mod searching;

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::account::{Account, Security};
use crate::job::Cancel;

fn opened() -> (TempDir, Archive) {
    let folder = tempfile::tempdir().unwrap();
    let archive = Archive::open(folder.path()).unwrap();
    (folder, archive)
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn new_account(address: &str) -> NewAccount {
    NewAccount {
        address: address.to_owned(),
        server: Server {
            host: "pop.example.org".to_owned(),
            port: 995,
            security: Security::Tls,
            user: address.to_lowercase(),
            ca_file: None,
        },
        name: String::new(),
        retention: Retention::LeaveCopy,
        password_command: None,
    }
}

fn mail(subject: &str) -> Vec<u8> {
    format!(
        "From: Anna <anna@example.org>\r\nTo: ben@example.org\r\nSubject: {subject}\r\n\
         Date: Tue, 14 Nov 2023 10:00:00 +0000\r\n\r\nHello {subject}\r\n"
    )
    .into_bytes()
}

/// What stands in the table of bytes, with its codec.
fn bodies(folder: &Path) -> Vec<(i64, Vec<u8>)> {
    let connection = rusqlite::Connection::open(folder.join("mail.db")).unwrap();
    let mut statement = connection.prepare("SELECT codec, bytes FROM body ORDER BY original").unwrap();
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
}

/// Octets that nothing can make shorter, the same ones each time.
fn noise(octets: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8
    };
    std::iter::repeat_with(next).take(octets).collect()
}

/// The same mail as another server sends it: a trace field more.
fn traced(subject: &str) -> Vec<u8> {
    [b"X-UIDL: 77\r\n".to_vec(), mail(subject)].concat()
}

fn listed(number: u32, uidl: &str, octets: u64) -> ListedMessage {
    ListedMessage { number, uidl: Uidl::new(uidl.as_bytes()).unwrap(), ordinal: 0, octets: Some(octets) }
}

/// A visit: its session, its maildrop, and the account.
struct Visit {
    archive: Archive,
    account: Account,
    session: SessionId,
    maildrop: MaildropId,
}

impl Visit {
    fn begin(archive: &Archive, address: &str, second: i64) -> Visit {
        let account = match archive.account(address).unwrap() {
            Some(account) => account,
            None => archive.add_account(&new_account(address)).unwrap(),
        };
        let (session, maildrop) = archive.begin_session(&account, at(second)).unwrap();
        Visit { archive: archive.clone(), account, session, maildrop }
    }

    fn list(&self, uidls: &[&str]) {
        let listing: Vec<_> = (1..).zip(uidls).map(|(number, uidl)| listed(number, uidl, 100)).collect();
        self.archive.note_listing(self.session, self.maildrop, &listing, true, at(1)).unwrap();
    }

    fn incoming(&self, uidl: &str, bytes: Vec<u8>) -> Incoming {
        Incoming {
            bytes,
            arrived: at(5),
            marks: Marks::default(),
            from: Origin::Maildrop {
                session: self.session,
                maildrop: self.maildrop,
                account: self.account.id,
                uidl: Uidl::new(uidl.as_bytes()).unwrap(),
                ordinal: 0,
                octets: Some(100),
            },
        }
    }

    fn take(&self, uidl: &str, bytes: Vec<u8>) -> Ingested {
        self.archive.ingest(vec![self.incoming(uidl, bytes)]).unwrap()[0]
    }

    fn states(&self) -> Vec<(String, CopyState, Option<i64>)> {
        let ledger = self.archive.ledger(self.maildrop).unwrap();
        let name = |uidl: &Uidl| String::from_utf8_lossy(uidl.as_bytes()).into_owned();
        ledger.iter().map(|row| (name(&row.uidl), row.state, row.message.map(|id| id.0))).collect()
    }

    fn proves(&self, uidl: &str) -> bool {
        self.archive.prove(self.maildrop, &listed(9, uidl, 100)).unwrap().is_some()
    }
}

fn from_file(bytes: Vec<u8>) -> Incoming {
    Incoming { bytes, arrived: at(7), marks: Marks::default(), from: Origin::File { account: None } }
}

fn import(archive: &Archive, bytes: Vec<u8>) -> Ingested {
    archive.ingest(vec![from_file(bytes)]).unwrap()[0]
}

fn added(ingested: Ingested) -> MessageId {
    match ingested {
        Ingested::Added(id) => id,
        other => panic!("not added but {other:?}"),
    }
}

/// Changes the file behind the archive's back, as nothing in the program can.
fn tamper(folder: &Path, sql: &str) {
    rusqlite::Connection::open(folder.join("mail.db")).unwrap().execute_batch(sql).unwrap();
}

fn no_report() -> impl FnMut(crate::job::Progress) + Send {
    |_| {}
}

#[test]
fn bytes_come_back_exactly() {
    let (_folder, archive) = opened();
    for bytes in [&b""[..], b"\0\xff\r\r\n.", b"no header at all", b"\n", &mail("x")[..]] {
        let id = match import(&archive, bytes.to_vec()) {
            Ingested::Added(id) | Ingested::AlreadyHere(id) => id,
            Ingested::Twin { .. } => panic!("a file makes no twins"),
        };
        assert_eq!(archive.original(id).unwrap().unwrap(), bytes);
        assert_eq!(archive.stored(id).unwrap().unwrap().digest, Digest::of(bytes));
    }
    assert_eq!(archive.original(MessageId(99)).unwrap(), None);
    assert_eq!(archive.stored(MessageId(99)).unwrap(), None);
}

#[test]
fn a_second_fetch_adds_nothing_even_under_new_uidls() {
    let (_folder, archive) = opened();
    let first = Visit::begin(&archive, "ben@example.org", 0);
    first.list(&["a", "b"]);
    let a = added(first.take("a", mail("one")));
    let b = added(first.take("b", mail("two")));
    let second = Visit::begin(&archive, "ben@example.org", 100);
    second.list(&["x", "y"]);
    assert_eq!(second.maildrop, first.maildrop);
    assert_eq!(second.take("x", mail("one")), Ingested::AlreadyHere(a));
    assert_eq!(second.take("y", mail("two")), Ingested::AlreadyHere(b));
    assert_eq!(second.take("y", mail("two")), Ingested::AlreadyHere(b));
    assert_eq!(archive.every_stored().unwrap().len(), 2);
    assert_eq!(second.states()[0], ("a".to_owned(), CopyState::Vanished, Some(a.0)));
    assert!(second.proves("x"));
    assert!(second.proves("a"), "our copy, whatever became of the server's");
}

#[test]
fn two_identical_mails_in_one_listing_are_two_also_after_renumbering() {
    let (_folder, archive) = opened();
    let first = Visit::begin(&archive, "ben@example.org", 0);
    first.list(&["a", "b"]);
    let batch = vec![first.incoming("a", mail("same")), first.incoming("b", mail("same"))];
    let stored = archive.ingest(batch).unwrap();
    let (one, two) = (added(stored[0]), added(stored[1]));
    let second = Visit::begin(&archive, "ben@example.org", 100);
    second.list(&["x", "y"]);
    assert_eq!(second.take("x", mail("same")), Ingested::AlreadyHere(one));
    assert_eq!(second.take("y", mail("same")), Ingested::AlreadyHere(two));
    assert_eq!(archive.every_stored().unwrap().len(), 2);
}

#[test]
fn another_likeness_is_a_twin_and_proved_by_its_own_bytes() {
    let (folder, archive) = opened();
    let visit = Visit::begin(&archive, "ben@example.org", 0);
    let imported = added(import(&archive, mail("one")));
    visit.list(&["a", "b"]);
    let Ingested::Twin { stored, of } = visit.take("a", traced("one")) else { panic!("no twin") };
    assert_eq!(of, imported);
    assert_eq!(archive.original(stored).unwrap().unwrap(), traced("one"));
    assert_eq!(archive.stored(imported).unwrap().unwrap().account, Some(visit.account.id), "adopted");
    assert!(visit.proves("a"));
    // The listing holds a second one: two mails.
    added(visit.take("b", traced("one")));
    // The proof is of the twin's own bytes.
    tamper(
        folder.path(),
        "DROP TRIGGER body_fixed; UPDATE body SET bytes = x'00' WHERE original = \
         (SELECT original FROM message WHERE twin_of IS NOT NULL)",
    );
    assert!(!visit.proves("a"));
}

#[test]
fn what_programs_add_to_their_copy_makes_no_second_mail() {
    let copies = [
        "X-Account-Key: account1\r\nX-UIDL: 1\r\nX-Mozilla-Status: 0001\r\n",
        "X-GM-THRID: 17\r\nX-Gmail-Labels: Inbox\r\n",
        "Content-Length: 9\r\nLines: 1\r\nX-UID: 3\r\n",
        "X-Evolution: 00000001-0010\r\nX-Evolution-Source: 1\r\n",
    ];
    let copy = |added: &str| [added.as_bytes(), &mail("one")].concat();
    for added_fields in copies {
        let (_folder, archive) = opened();
        let visit = Visit::begin(&archive, "ben@example.org", 0);
        // Fetched, then imported; and the other way round.
        let fetched = added(visit.take("a", mail("one")));
        assert_eq!(import(&archive, copy(added_fields)), Ingested::AlreadyHere(fetched), "{added_fields}");
        let (_folder, archive) = opened();
        let visit = Visit::begin(&archive, "ben@example.org", 0);
        let imported = added(import(&archive, copy(added_fields)));
        let Ingested::Twin { of, .. } = visit.take("a", mail("one")) else { panic!("shown twice: {added_fields}") };
        assert_eq!(of, imported);
        for other in copies {
            assert_eq!(import(&archive, copy(other)), Ingested::AlreadyHere(imported), "{added_fields} {other}");
        }
    }
}

#[test]
fn marks_of_a_file_are_added_to_what_is_here_and_none_is_taken_away() {
    let (_folder, archive) = opened();
    let visit = Visit::begin(&archive, "ben@example.org", 0);
    let id = added(visit.take("a", mail("one")));
    let marked = |bytes, read, starred| {
        let marks = Marks { read, starred };
        archive.ingest(vec![Incoming { marks, ..from_file(bytes) }]).unwrap();
        let now = archive.stored(id).unwrap().unwrap().marks;
        (now.read, now.starred)
    };
    assert_eq!(marked(mail("one"), true, false), (true, false), "the same bytes");
    assert_eq!(marked(traced("one"), false, true), (true, true), "the same likeness");
    assert_eq!(marked(mail("one"), false, false), (true, true), "none is taken away");
}

#[test]
fn what_an_earlier_version_stored_is_found_by_the_key_it_stored() {
    let (folder, archive) = opened();
    let kept = [&b"X-Account-Key: account1\r\nX-Mozilla-Status: 0000\r\n"[..], &mail("one")].concat();
    let stored = added(import(&archive, kept.clone()));
    let key = crate::message::first_likeness(&kept).to_string();
    tamper(folder.path(), &format!("DROP TRIGGER original_fixed; UPDATE original SET likeness = x'{key}'"));
    // Read there in the meantime.
    let read = [&b"X-Account-Key: account1\r\nX-Mozilla-Status: 0001\r\n"[..], &mail("one")].concat();
    assert_eq!(import(&archive, read), Ingested::AlreadyHere(stored));
}

#[test]
fn an_imported_message_is_adopted_and_another_account_has_its_own() {
    let (_folder, archive) = opened();
    let imported = added(import(&archive, mail("one")));
    let ben = Visit::begin(&archive, "ben@example.org", 0);
    assert_eq!(ben.take("a", mail("one")), Ingested::AlreadyHere(imported));
    assert_eq!(archive.stored(imported).unwrap().unwrap().account, Some(ben.account.id));
    let eva = Visit::begin(&archive, "eva@example.org", 0);
    let hers = added(eva.take("a", mail("one")));
    assert_ne!(hers, imported);
    assert_eq!(archive.stored(hers).unwrap().unwrap().digest, Digest::of(&mail("one")));
    assert_eq!(import(&archive, traced("one")), Ingested::AlreadyHere(imported));
}

#[test]
fn a_file_adds_neither_what_is_here_nor_anything_twice() {
    let (_folder, archive) = opened();
    let lf = String::from_utf8(mail("one")).unwrap().replace("\r\n", "\n").into_bytes();
    let batch = vec![from_file(mail("one")), from_file(mail("one")), from_file(lf), from_file(mail("two"))];
    let stored = archive.ingest(batch).unwrap();
    let one = added(stored[0]);
    assert_eq!(stored[1], Ingested::AlreadyHere(one));
    assert_eq!(stored[2], Ingested::AlreadyHere(one));
    added(stored[3]);
}

#[test]
fn a_batch_is_stored_whole_or_not_at_all() {
    let (_folder, archive) = opened();
    let visit = Visit::begin(&archive, "ben@example.org", 0);
    let mut stray = visit.incoming("b", mail("two"));
    if let Origin::Maildrop { maildrop, .. } = &mut stray.from {
        *maildrop = MaildropId(4711);
    }
    assert!(archive.ingest(vec![visit.incoming("a", mail("one")), stray]).is_err());
    assert_eq!(archive.every_stored().unwrap(), []);
    assert_eq!(visit.states(), []);
    added(visit.take("a", mail("one")));
}

#[test]
fn the_ledger_keeps_what_short_listings_leave_out() {
    let (_folder, archive) = opened();
    let visit = Visit::begin(&archive, "ben@example.org", 0);
    visit.list(&["a", "b", "c", "d"]);
    for uidl in ["a", "b", "c"] {
        visit.take(uidl, mail(uidl));
    }
    let row = |uidl: &str| (Uidl::new(uidl.as_bytes()).unwrap(), 0);
    archive.set_copy_state(visit.maildrop, &[row("b")], CopyState::DeleSent).unwrap();
    archive.set_copy_state(visit.maildrop, &[row("c")], CopyState::DeleteUnknown).unwrap();
    archive.set_copy_state(visit.maildrop, &[row("d")], CopyState::DeleSent).unwrap();
    let states = |visit: &Visit| visit.states().into_iter().map(|(_, state, _)| state).collect::<Vec<_>>();
    use CopyState::{DeleSent, DeleteUnknown, Gone, Listed, Stored, Vanished};
    assert_eq!(states(&visit), [Stored, DeleSent, DeleteUnknown, Listed], "nothing stored: no DELE state");

    let next = Visit::begin(&archive, "ben@example.org", 10);
    archive.note_listing(next.session, next.maildrop, &[], false, at(11)).unwrap();
    assert_eq!(states(&next), [Stored, DeleSent, DeleteUnknown, Listed], "an incomplete listing concludes nothing");
    archive.note_listing(next.session, next.maildrop, &[listed(1, "c", 100)], true, at(12)).unwrap();
    assert_eq!(states(&next), [Vanished, Gone, Stored, Listed]);

    let again = Visit::begin(&archive, "ben@example.org", 20);
    let listing = [listed(1, "a", 100), listed(2, "b", 100), listed(3, "c", 101), listed(4, "d", 100)];
    archive.note_listing(again.session, again.maildrop, &listing, true, at(21)).unwrap();
    assert_eq!(states(&again), [Stored, Listed, Listed, Listed], "c has another size, b was gone: another message?");
    assert!(again.proves("a") && !again.proves("b") && !again.proves("c"));
}

/// When each row of the ledger was last seen, by unique-id.
fn last_seen(archive: &Archive) -> Vec<i64> {
    let reader = rusqlite::Connection::open(archive.folder().join("mail.db")).unwrap();
    let mut statement = reader.prepare("SELECT last_seen FROM ledger ORDER BY uidl").unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn a_row_is_seen_when_it_is_listed_and_only_then() {
    let (_folder, archive) = opened();
    let first = Visit::begin(&archive, "ben@example.org", 0);
    first.list(&["a", "b", "c", "d", "e"]);
    for uidl in ["a", "d"] {
        first.take(uidl, mail(uidl));
    }
    // Most are there, few are there, all are there: the ways of entering it differ, the outcome does not.
    let listings: [(i64, &[&str], &[i64]); 3] = [
        (11, &["f", "e", "c", "b", "a"], &[11, 11, 11, 5, 11, 11]),
        (12, &["d"], &[11, 11, 11, 12, 11, 11]),
        (13, &["a", "b", "c", "d", "e", "f"], &[13, 13, 13, 13, 13, 13]),
    ];
    for (second, uidls, expected) in listings {
        let visit = Visit::begin(&archive, "ben@example.org", second);
        let listing: Vec<_> = (1..).zip(uidls).map(|(number, uidl)| listed(number, uidl, 100)).collect();
        archive.note_listing(visit.session, visit.maildrop, &listing, true, at(second)).unwrap();
        let rows = archive.ledger(visit.maildrop).unwrap();
        assert_eq!(
            last_seen(&archive),
            expected.iter().map(|one| super::columns::micros(at(*one))).collect::<Vec<_>>()
        );
        let gone: Vec<_> = rows.iter().filter(|row| row.state == CopyState::Vanished).collect();
        let missing = ["a", "d"].iter().filter(|uidl| !uidls.contains(uidl)).count();
        assert_eq!(gone.len(), missing, "{uidls:?}");
    }
}

#[test]
fn a_changed_host_or_user_is_another_maildrop() {
    let (_folder, archive) = opened();
    let visit = Visit::begin(&archive, "ben@example.org", 0);
    visit.list(&["a"]);
    let mut account = visit.account.clone();
    account.server.port = 1995;
    archive.change_account(&account).unwrap();
    assert_eq!(archive.begin_session(&account, at(1)).unwrap().1, visit.maildrop);
    account.server.host = "other.example.org".to_owned();
    archive.change_account(&account).unwrap();
    let (_, maildrop) = archive.begin_session(&account, at(1)).unwrap();
    assert_ne!(maildrop, visit.maildrop);
    assert_eq!(archive.ledger(maildrop).unwrap(), []);
    assert_eq!(archive.ledger(visit.maildrop).unwrap().len(), 1);
}

#[test]
fn only_an_equal_read_back_proves() {
    let (folder, archive) = opened();
    let visit = Visit::begin(&archive, "ben@example.org", 0);
    visit.list(&["a", "b"]);
    visit.take("a", mail("one"));
    let proof = archive.prove(visit.maildrop, &listed(17, "a", 100)).unwrap().unwrap();
    assert_eq!(crate::pop3::ProvedStored::number(&proof), 17);
    assert!(!visit.proves("b"), "listed, not stored");
    assert!(!visit.proves("zzz"), "never listed");
    assert!(archive.prove(MaildropId(99), &listed(1, "a", 100)).unwrap().is_none(), "another maildrop");
    tamper(
        folder.path(),
        "DROP TRIGGER body_fixed; UPDATE body SET bytes = CAST(replace(CAST(bytes AS TEXT), 'Hello', 'Hallo') AS BLOB)",
    );
    assert!(!visit.proves("a"), "one octet differs");
}

#[test]
fn originals_and_messages_are_append_only() {
    let (folder, archive) = opened();
    import(&archive, mail("one"));
    let connection = rusqlite::Connection::open(folder.path().join("mail.db")).unwrap();
    for sql in [
        "DELETE FROM original",
        "DELETE FROM body",
        "DELETE FROM message",
        "UPDATE original SET octets = 1",
        "UPDATE body SET bytes = x''",
        "UPDATE message SET arrived = 1",
        "INSERT OR REPLACE INTO body (original, codec, bytes) VALUES (1, 0, x'')",
    ] {
        connection.pragma_update(None, "recursive_triggers", "ON").unwrap();
        assert!(connection.execute(sql, []).is_err(), "{sql}");
    }
}

#[test]
fn accounts_come_go_and_come_back() {
    let (_folder, archive) = opened();
    let visit = Visit::begin(&archive, "Ben@Example.org", 0);
    let id = added(visit.take("a", mail("one")));
    let again = archive.add_account(&new_account("ben@example.ORG"));
    assert!(matches!(again, Err(ArchiveError::AccountExists(_))));
    archive.remove_account(visit.account.id, Mail::Keep).unwrap();
    assert_eq!(archive.accounts().unwrap(), []);
    assert_eq!(archive.account("ben@example.org").unwrap(), None);
    assert!(archive.begin_session(&visit.account, at(3)).is_err());
    assert!(archive.original(id).unwrap().is_some());
    let back = Visit::begin(&archive, "ben@example.org", 9);
    assert_eq!((back.account.id, back.maildrop), (visit.account.id, visit.maildrop));
    assert_eq!(back.take("b", mail("one")), Ingested::AlreadyHere(id));
}

#[test]
fn erasing_takes_an_account_with_its_mail_and_nothing_else() {
    let (_folder, archive) = opened();
    let ben = Visit::begin(&archive, "ben@example.org", 0);
    let eva = Visit::begin(&archive, "eva@example.org", 0);
    let his = added(ben.take("a", mail("shared")));
    let also_his = added(ben.take("b", mail("his")));
    ben.take("c", traced("his"));
    let hers = added(eva.take("a", mail("shared")));
    let imported = added(import(&archive, mail("imported")));
    archive.remove_account(ben.account.id, Mail::Erase).unwrap();
    assert_eq!(archive.original(his).unwrap(), None);
    assert_eq!(archive.original(also_his).unwrap(), None);
    assert_eq!(archive.original(hers).unwrap().unwrap(), mail("shared"));
    assert_eq!(archive.original(imported).unwrap().unwrap(), mail("imported"));
    assert!(eva.proves("a"));
    let back = Visit::begin(&archive, "ben@example.org", 9);
    let new = added(back.take("a", mail("his")));
    assert!(new > imported, "ids are never reused");
}

#[test]
fn settings_and_the_sync_log() {
    let (folder, archive) = opened();
    assert_eq!(archive.setting("window").unwrap(), None);
    archive.set_setting("window", "800x600").unwrap();
    archive.set_setting("window", "1024x768").unwrap();
    let visit = Visit::begin(&archive, "ben@example.org", 50);
    let outcome =
        SessionOutcome { listed: 3, retrieved: 2, octets: 99, problem: Some("cut".into()), ..Default::default() };
    archive.end_session(visit.session, &outcome, &[], at(60)).unwrap();
    let open = Visit::begin(&archive, "ben@example.org", 70);
    drop((visit, open));
    drop(archive);
    let archive = Archive::open(folder.path()).unwrap();
    assert_eq!(archive.setting("window").unwrap().unwrap(), "1024x768");
    let log = archive.sessions(10).unwrap();
    assert_eq!(log.len(), 2);
    assert_eq!((log[0].began, log[0].ended), (at(70), None));
    assert_eq!((log[1].began, log[1].ended, &log[1].outcome), (at(50), Some(at(60)), &outcome));
    assert_eq!(archive.sessions(1).unwrap().len(), 1);
}
