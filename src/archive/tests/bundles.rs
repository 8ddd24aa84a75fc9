//! Bundles in `mail.db`: what rots in one piece costs no message, nothing is proved by what was mended, and what is erased
//! is in no piece any more.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rusqlite::{Connection, params};

use super::health::day;
use super::*;
use crate::archive::codec::BUNDLED;
use crate::archive::codec::bundle::{self, Opened, PIECES, SPARE};

/// Numbers that a bundle's pieces have.
const NUMBERS: i64 = 4096;
/// The place of the first spare piece.
const SPARES: i64 = PIECES as i64;

/// Octets that nothing can make shorter, others for each seed.
fn octets(seed: usize, count: usize) -> Vec<u8> {
    let mut state = (seed as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(count).collect()
}

fn attachment(seed: usize, octets: &[u8], ending: &str) -> Vec<u8> {
    let mut message = mail(&format!("attached {seed}"));
    for line in octets.chunks(57) {
        message.extend(STANDARD.encode(line).bytes());
        message.extend(ending.bytes());
    }
    message
}

pub(super) fn attached(seed: usize) -> Vec<u8> {
    attachment(seed, &octets(seed, 15_000), "\r\n")
}

/// A line of quoted-printable as programs write it, with soft breaks after so many characters.
fn quoted(seed: usize, limit: usize, ending: &str) -> Vec<u8> {
    let words: String = (0..400).map(|word| format!("w=C3=BC{} ", seed * 31 + word * 7)).collect();
    let mut text = mail(&format!("quoted {seed} {limit}"));
    let mut rest = words.as_str();
    while rest.len() > limit {
        let mut at = limit;
        while rest[at - 2..at].contains('=') {
            at -= 1;
        }
        text.extend(rest[..at].bytes());
        text.extend(format!("={ending}").bytes());
        rest = &rest[at..];
    }
    text.extend(rest.bytes());
    text.extend(ending.bytes());
    text
}

/// Attachments and text: a bundle of some pieces of each kind.
pub(super) fn various() -> Vec<Vec<u8>> {
    (0..9).map(attached).chain((0..20).map(|seed| quoted(seed, 75, "\r\n"))).collect()
}

fn import_all(archive: &Archive, mail: &[Vec<u8>]) -> Vec<MessageId> {
    archive.ingest(mail.iter().cloned().map(from_file).collect()).unwrap().into_iter().map(added).collect()
}

/// Imports into an archive of its own, all in one bundle, with the number 1.
fn bundled(mail: &[Vec<u8>]) -> (TempDir, Archive, Vec<MessageId>) {
    let (folder, archive) = opened();
    let ids = import_all(&archive, mail);
    assert_eq!(places(folder.path()), vec![(BUNDLED, Some(1)); mail.len()]);
    (folder, archive, ids)
}

/// The codec and the bundle of each original.
pub(super) fn places(folder: &Path) -> Vec<(i64, Option<i64>)> {
    let connection = Connection::open(folder.join("mail.db")).unwrap();
    let mut statement = connection.prepare("SELECT codec, bundle FROM body ORDER BY original").unwrap();
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
}

pub(super) fn pieces(folder: &Path) -> Vec<(i64, Vec<u8>)> {
    let connection = Connection::open(folder.join("mail.db")).unwrap();
    let mut statement = connection.prepare("SELECT number, bytes FROM piece ORDER BY number").unwrap();
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
}

/// What a whole bundle holds, whoever stands on it.
fn members(folder: &Path, bundle: i64) -> usize {
    let here = pieces(folder).into_iter().filter(|(number, _)| number / NUMBERS == bundle && number % NUMBERS < SPARES);
    let content: Vec<u8> = here.flat_map(|(_, piece)| bundle::sound(&piece).unwrap().1.to_vec()).collect();
    Opened::of(&content[bundle::front(&content).unwrap()]).unwrap().members()
}

/// Changes pieces behind the archive's back.
fn spoil(folder: &Path, sql: &str, parameters: impl rusqlite::Params) {
    let connection = Connection::open(folder.join("mail.db")).unwrap();
    connection.execute_batch("INSERT INTO rewriting VALUES (1)").unwrap();
    connection.execute(sql, parameters).unwrap();
    connection.execute_batch("DELETE FROM rewriting").unwrap();
}

/// What may become of a piece.
#[derive(Clone, Copy, Debug)]
enum Rot {
    Flipped(usize),
    Short,
    Empty,
    Gone,
    Astray,
}

const ROT: [Rot; 6] = [Rot::Flipped(0), Rot::Flipped(900), Rot::Short, Rot::Empty, Rot::Gone, Rot::Astray];

fn rot(folder: &Path, (number, bytes): &(i64, Vec<u8>), rot: Rot) {
    let mut bytes = bytes.clone();
    match rot {
        Rot::Gone => return spoil(folder, "DELETE FROM piece WHERE number = ?1", [number]),
        Rot::Astray => {
            spoil(folder, "INSERT INTO piece SELECT number + 1000, bytes FROM piece WHERE number = ?1", [number]);
            return spoil(folder, "DELETE FROM piece WHERE number = ?1", [number]);
        }
        Rot::Flipped(at) => {
            let at = at % bytes.len();
            bytes[at] ^= 8;
        }
        Rot::Short => bytes.truncate(bytes.len() - 1),
        Rot::Empty => bytes.clear(),
    }
    spoil(folder, "UPDATE piece SET bytes = ?2 WHERE number = ?1", params![number, bytes]);
}

#[track_caller]
pub(super) fn all_come_back(archive: &Archive, ids: &[MessageId], mail: &[Vec<u8>], when: &str) {
    assert_eq!(ids.len(), mail.len());
    for (id, bytes) in ids.iter().zip(mail) {
        assert!(archive.original(*id).unwrap().as_ref() == Some(bytes), "{id} {when}");
    }
}

/// How many problems a thorough check tells of, and the messages that it names.
pub(super) fn health(archive: &Archive) -> (usize, Vec<MessageId>) {
    let health = archive.check(true, &Cancel::new(), &mut no_report()).unwrap();
    (health.problems.len(), health.damaged.into_iter().map(|(id, _)| id).collect())
}

fn mended(archive: &Archive) -> u64 {
    archive.mend_bundles(&Cancel::new()).unwrap()
}

/// A fetched archive of which everything is in one bundle; the unique-ids are the numbers of the messages.
fn fetched(mail: &[Vec<u8>]) -> (TempDir, Visit, Vec<MessageId>) {
    let (folder, archive) = opened();
    let visit = Visit::begin(&archive, "ben@example.org", 0);
    let ids = (0..mail.len()).map(|number| added(visit.take(&number.to_string(), mail[number].clone()))).collect();
    assert!(places(folder.path()).iter().all(|(codec, bundle)| *codec != BUNDLED && bundle.is_none()));
    archive.repack(&Cancel::new(), &mut no_report()).unwrap();
    assert_eq!(places(folder.path()), vec![(BUNDLED, Some(1)); mail.len()]);
    (folder, visit, ids)
}

pub(super) fn proved(visit: &Visit, count: usize) -> usize {
    (0..count).filter(|number| visit.proves(&number.to_string())).count()
}

#[test]
fn a_batch_is_bundled_and_comes_back() {
    let (folder, archive) = opened();
    let mut mail = various();
    for (seed, ending) in [(100, "\n"), (200, "\r\n")] {
        for limit in [72, 75, 76] {
            mail.push(quoted(seed + limit, limit, ending));
        }
        mail.push(attachment(seed, &octets(90, 57 * 40 + 3), ending));
        mail.push(attachment(seed + 1, &[0; 57 * 100], ending));
    }
    mail.extend([vec![], vec![0; 3_000], b"\0\r\n\0\n=\r\n=\n".to_vec(), b"no header at all".to_vec()]);
    let large = [mail[0].clone(), octets(99, 8 << 20)].concat();
    mail.push(large);
    let last = mail.len() - 1;
    let mut batch: Vec<Incoming> = mail.iter().cloned().map(from_file).collect();
    batch.push(from_file(mail[3].clone()));
    let ingested = archive.ingest(batch).unwrap();
    let ids: Vec<MessageId> = ingested[..=last].iter().copied().map(added).collect();
    assert_eq!(ingested[last + 1], Ingested::AlreadyHere(ids[3]), "the same message twice in a batch");
    all_come_back(&archive, &ids, &mail, "at once");
    let places = places(folder.path());
    assert!(places[..last].iter().all(|place| *place == (BUNDLED, Some(1))), "{places:?}");
    assert!(places[last].0 != BUNDLED && places[last].1.is_none(), "a large one lies by itself");
    assert_eq!(members(folder.path(), 1), last);
    drop(archive);
    let archive = Archive::open(folder.path()).unwrap();
    all_come_back(&archive, &ids, &mail, "opened again");
    assert_eq!(health(&archive), (0, vec![]));
    // Again, in another order: nothing is added, and no piece.
    let before = pieces(folder.path());
    let again = archive.ingest(mail.iter().rev().cloned().map(from_file).collect()).unwrap();
    assert!(again.iter().all(|ingested| matches!(ingested, Ingested::AlreadyHere(_))));
    assert!(pieces(folder.path()) == before);
}

#[test]
fn what_is_little_or_alone_or_fetched_lies_by_itself() {
    let (folder, archive) = opened();
    import_all(&archive, &[mail("one"), mail("two"), mail("three")]);
    import(&archive, attached(1));
    let visit = Visit::begin(&archive, "ben@example.org", 0);
    archive.ingest((2..6).map(|seed| visit.incoming(&seed.to_string(), attached(seed))).collect()).unwrap();
    assert!(places(folder.path()).iter().all(|(codec, bundle)| *codec != BUNDLED && bundle.is_none()));
    assert_eq!(pieces(folder.path()), []);
}

#[test]
fn a_piece_that_rots_costs_no_message_and_proves_none() {
    let mail = various();
    let (folder, visit, ids) = fetched(&mail);
    let archive = &visit.archive;
    let whole = pieces(folder.path());
    assert!(whole.len() > 10, "{} pieces", whole.len());
    for (place, piece) in whole.iter().enumerate() {
        for how in ROT {
            let when = format!("piece {place} of {} {how:?}", whole.len());
            let is_spare = piece.0 % NUMBERS >= SPARES;
            if is_spare && matches!(how, Rot::Astray) {
                continue; // there is no number for it
            }
            rot(folder.path(), piece, how);
            all_come_back(archive, &ids, &mail, &when);
            assert_eq!(health(archive), (1, vec![]), "{when}");
            assert_eq!(archive.found_damaged().unwrap(), [], "{when}");
            assert_eq!(proved(&visit, ids.len()) == ids.len(), is_spare, "{when}");
            assert_eq!(mended(archive), 1, "{when}");
            assert!(pieces(folder.path()) == whole, "other rows than before, {when}");
            assert_eq!(health(archive), (0, vec![]), "{when}");
            assert_eq!(mended(archive), 0, "{when}");
        }
        assert_eq!(proved(&visit, ids.len()), ids.len());
    }
}

#[test]
fn two_pieces_side_by_side_cost_no_message() {
    let mail = various();
    let (folder, visit, ids) = fetched(&mail);
    let whole = pieces(folder.path());
    for pair in whole.windows(2).filter(|pair| (pair[0].0 + pair[1].0) % 2 == 1) {
        let when = format!("pieces {} and {}", pair[0].0 % NUMBERS, pair[1].0 % NUMBERS);
        rot(folder.path(), &pair[0], Rot::Gone);
        rot(folder.path(), &pair[1], Rot::Flipped(77));
        all_come_back(&visit.archive, &ids, &mail, &when);
        assert_eq!(health(&visit.archive), (1, vec![]), "{when}");
        assert_eq!(mended(&visit.archive), 2, "{when}");
        assert!(pieces(folder.path()) == whole, "{when}");
        assert_eq!(health(&visit.archive), (0, vec![]), "{when}");
    }
    assert_eq!(proved(&visit, ids.len()), ids.len());
}

/// As a disk does it: the page as a whole, for SQLite to find.
#[test]
fn a_page_that_is_another_costs_no_message() {
    let mail = various();
    for (place, with) in [(0, 0), (3, 0xEE), (9, 0x0D)] {
        let (folder, visit, ids) = fetched(&mail);
        let (maildrop, count) = (visit.maildrop, ids.len());
        let piece = pieces(folder.path()).swap_remove(place).1;
        drop(visit);
        let file = folder.path().join("mail.db");
        let mut bytes = fs::read(&file).unwrap();
        let at = bytes.windows(64).position(|window| window == &piece[..64]).unwrap() >> 14 << 14;
        bytes[at..at + (2 << 14)].fill(with);
        fs::write(&file, &bytes).unwrap();
        let archive = Archive::open(folder.path()).unwrap();
        all_come_back(&archive, &ids, &mail, &format!("pages of {with}"));
        let (problems, damaged) = health(&archive);
        assert!(problems > 0 && damaged.is_empty(), "{problems} {damaged:?}");
        assert!(!archive.writable(), "nothing is stored or removed before the file was looked at");
        let proves = |number: usize| archive.prove(maildrop, &listed(9, &number.to_string(), 100)).unwrap().is_some();
        assert!((0..count).filter(|number| proves(*number)).count() < count);
        // The daily reading goes on behind it, and has nothing to tell of any message.
        let mut idle = Idle::default();
        (0..31).for_each(|number| _ = day(&archive, &mut idle, number));
        assert!(archive.last_read().unwrap().is_some() && archive.found_damaged().unwrap().is_empty());
    }
}

#[test]
fn the_daily_reading_mends() {
    let mail = various();
    let (folder, archive, ids) = bundled(&mail);
    let whole = pieces(folder.path());
    let mut idle = Idle::default();
    for (number, piece) in [0, 4, whole.len() - 3, whole.len() - 2, whole.len() - 1].into_iter().enumerate() {
        rot(folder.path(), &whole[piece], Rot::Flipped(40));
        for today in 0..30 {
            day(&archive, &mut idle, number as i64 * 30 + today);
        }
        assert!(pieces(folder.path()) == whole, "piece {piece}");
        assert_eq!(archive.found_damaged().unwrap(), [], "piece {piece}");
    }
    all_come_back(&archive, &ids, &mail, "after all");
}

#[test]
fn of_two_pieces_of_a_kind_nothing_is_harmed_that_is_whole() {
    let mail = various();
    let count = pieces(bundled(&mail).0.path()).len() - SPARE;
    let mut cases: Vec<[i64; 2]> = (0..count as i64 - 2).map(|place| [place, place + 2]).collect();
    cases.extend([[0, SPARES], [1, SPARES + 1], [4, SPARES]]);
    for lost in cases {
        let (folder, archive, ids) = bundled(&mail);
        for place in lost {
            spoil(folder.path(), "DELETE FROM piece WHERE number = ?1", [NUMBERS + place]);
        }
        let mut rotten = Vec::new();
        for (id, bytes) in ids.iter().zip(&mail) {
            match archive.original(*id) {
                Ok(Some(shown)) => assert!(shown == *bytes, "{lost:?} {id}"),
                Err(ArchiveError::Rotten { id }) => rotten.push(id),
                other => panic!("{lost:?} {id}: {other:?}"),
            }
        }
        assert!(!rotten.is_empty(), "{lost:?}");
        assert_eq!(health(&archive), (1, rotten.clone()), "{lost:?}");
        mended(&archive);
        assert_eq!(health(&archive), (1, rotten.clone()), "{lost:?}: what is gone is gone");
        for id in &rotten {
            let bytes = &mail[ids.iter().position(|other| other == id).unwrap()];
            assert!(archive.mend(Digest::of(bytes), bytes).unwrap(), "{lost:?}");
        }
        all_come_back(&archive, &ids, &mail, &format!("{lost:?} mended"));
        assert_eq!(health(&archive), (0, vec![]), "{lost:?}");
        let left = pieces(folder.path()).iter().filter(|(number, _)| number / NUMBERS == 1).count();
        assert_eq!(left, 0, "{lost:?}: pieces of the broken bundle");
    }
}

/// A bundle of which nothing is left is not made anew out of nothing: whoever imports its mail again has it stored.
#[test]
fn a_bundle_that_is_gone_is_mended_by_its_mail_only() {
    let mail = various();
    let (folder, archive, ids) = bundled(&mail);
    spoil(folder.path(), "DELETE FROM piece", []);
    assert_eq!(mended(&archive), 0);
    assert_eq!(pieces(folder.path()), []);
    for number in 0..60 {
        day(&archive, &mut Idle::default(), number);
    }
    assert_eq!(pieces(folder.path()), []);
    assert_eq!(health(&archive), (1, ids.clone()));
    let again = archive.ingest(mail.iter().cloned().map(from_file).collect()).unwrap();
    assert_eq!(again, ids.iter().map(|id| Ingested::AlreadyHere(*id)).collect::<Vec<_>>());
    all_come_back(&archive, &ids, &mail, "imported again");
    assert_eq!(health(&archive), (0, vec![]));
}

/// Whether some of these octets stand in the file or its journal.
fn stands(folder: &Path, octets: &[u8]) -> bool {
    let files = ["mail.db", "mail.db-wal"].map(|name| fs::read(folder.join(name)).unwrap_or_default());
    octets.chunks_exact(24).step_by(40).any(|part| files.iter().any(|file| memchr::memmem::find(file, part).is_some()))
}

#[test]
fn what_is_erased_is_in_no_piece() {
    let mail = various();
    let (folder, archive, ids) = bundled(&mail);
    let erase = |which: &[MessageId]| {
        archive.move_to_bin(which, false, at(9)).unwrap();
        archive.empty_bin(Emptying::Everything, &Cancel::new(), &mut no_report()).unwrap();
        archive.empty_journal();
    };
    assert!((0..9).all(|seed| stands(folder.path(), &octets(seed, 15_000))));
    archive.original(ids[5]).unwrap();
    for gone in 0..9 {
        erase(&ids[gone..=gone]);
        assert!(!stands(folder.path(), &octets(gone, 15_000)), "{gone}");
        assert!((gone + 1..9).all(|seed| stands(folder.path(), &octets(seed, 15_000))), "{gone}");
        assert_eq!(archive.original(ids[gone]).unwrap(), None);
        all_come_back(&archive, &ids[gone + 1..], &mail[gone + 1..], &format!("without {gone}"));
        assert_eq!(health(&archive), (0, vec![]));
    }
    erase(&ids[9..]);
    assert_eq!((pieces(folder.path()), places(folder.path())), (vec![], vec![]));
    // Numbers of bundles begin anew, and what was kept of one of them is not taken for another.
    let others: Vec<Vec<u8>> = (20..30).map(attached).collect();
    let ids = import_all(&archive, &others);
    all_come_back(&archive, &ids, &others, "in another bundle of this number");
}

#[test]
fn an_account_that_is_removed_leaves_nothing_in_pieces() {
    let (folder, archive) = opened();
    let (ben, eva) = (Visit::begin(&archive, "ben@example.org", 0), Visit::begin(&archive, "eva@example.org", 0));
    let hers: Vec<MessageId> = (0..4).map(|seed| added(eva.take(&seed.to_string(), attached(seed)))).collect();
    (4..8).for_each(|seed| _ = added(ben.take(&seed.to_string(), attached(seed))));
    let both = added(ben.take("both", attached(9)));
    let also = added(eva.take("both", attached(9)));
    archive.repack(&Cancel::new(), &mut no_report()).unwrap();
    archive.empty_journal();
    assert!((4..8).all(|seed| stands(folder.path(), &octets(seed, 15_000))));
    archive.remove_account(ben.account.id, Mail::Erase).unwrap();
    archive.empty_journal();
    assert!(!(4..8).any(|seed| stands(folder.path(), &octets(seed, 15_000))));
    all_come_back(&archive, &hers, &(0..4).map(attached).collect::<Vec<_>>(), "after his account");
    assert_eq!((archive.original(both).unwrap(), archive.original(also).unwrap()), (None, Some(attached(9))));
    assert!((0..4).all(|seed| eva.proves(&seed.to_string())) && eva.proves("both"));
    assert_eq!(health(&archive), (0, vec![]));
}

#[test]
fn erasing_beside_what_rotted_harms_nothing() {
    let mail = various();
    let (folder, archive, ids) = bundled(&mail);
    let count = pieces(folder.path()).len() - SPARE;
    // Of a kind, and behind the front: some attachments are lost.
    for place in [count - 2, count - 4] {
        spoil(folder.path(), "DELETE FROM piece WHERE number = ?1", [NUMBERS + place as i64]);
    }
    let (_, rotten) = health(&archive);
    assert!(!rotten.is_empty() && rotten.len() < 9 && !rotten.contains(&ids[0]), "{rotten:?}");
    archive.move_to_bin(&ids[..1], false, at(9)).unwrap();
    archive.empty_bin(Emptying::Everything, &Cancel::new(), &mut no_report()).unwrap();
    assert_eq!(health(&archive), (1, rotten.clone()));
    for (id, bytes) in ids.iter().zip(&mail).skip(1).filter(|(id, _)| !rotten.contains(id)) {
        assert_eq!(archive.original(*id).unwrap().as_ref(), Some(bytes));
    }
    // When the last one that rotted was mended or erased, what was erased before goes too.
    archive.move_to_bin(&rotten[..1], false, at(9)).unwrap();
    archive.empty_bin(Emptying::Everything, &Cancel::new(), &mut no_report()).unwrap();
    for id in &rotten[1..] {
        let bytes = &mail[ids.iter().position(|other| other == id).unwrap()];
        assert!(archive.mend(Digest::of(bytes), bytes).unwrap());
    }
    archive.empty_journal();
    assert!(!stands(folder.path(), &octets(0, 15_000)));
    assert_eq!(health(&archive), (0, vec![]));
}

/// One bit in the index over bundles, or in the row of a member: who erases another one does not take this one along.
#[test]
fn a_member_that_is_not_listed_is_not_packed_away() {
    const HIDE: &str =
        "PRAGMA writable_schema = ON; CREATE TABLE hidden AS SELECT * FROM sqlite_schema WHERE name = 'body_bundle';
        DELETE FROM sqlite_schema WHERE name = 'body_bundle'";
    const SHOW: &str = "PRAGMA writable_schema = ON; INSERT INTO sqlite_schema SELECT * FROM hidden; DROP TABLE hidden";
    let rewriting = |set: &str| {
        format!(
            "INSERT INTO rewriting VALUES (1); UPDATE body SET bundle = {set} WHERE original = 3; DELETE FROM rewriting"
        )
    };
    for in_index in [true, false] {
        let mail = various();
        let (folder, archive, ids) = bundled(&mail);
        drop(archive);
        let steps = match in_index {
            true => vec![rewriting("NULL"), HIDE.to_owned(), rewriting("1"), SHOW.to_owned()],
            false => vec![HIDE.to_owned(), rewriting("5"), SHOW.to_owned()],
        };
        steps.iter().for_each(|step| tamper(folder.path(), step));
        let archive = Archive::open(folder.path()).unwrap();
        archive.move_to_bin(&ids[..1], false, at(9)).unwrap();
        archive.empty_bin(Emptying::Everything, &Cancel::new(), &mut no_report()).unwrap();
        drop(archive);
        if !in_index {
            tamper(folder.path(), HIDE);
            tamper(folder.path(), &rewriting("1"));
            tamper(folder.path(), SHOW);
        }
        let archive = Archive::open(folder.path()).unwrap();
        all_come_back(&archive, &ids[1..], &mail[1..], &format!("in the index: {in_index}"));
    }
}

#[test]
fn what_turns_out_to_be_here_is_not_left_in_the_bundle() {
    let read = |bytes: &[u8]| [b"X-Mozilla-Status: 0001\r\n", bytes].concat();
    let (folder, archive) = opened();
    let here = added(import(&archive, attached(0)));
    let batch = [read(&attached(0)), attached(1), read(&attached(1)), attached(2), attached(3)];
    let ingested = archive.ingest(batch.into_iter().map(from_file).collect()).unwrap();
    let ids = [here, added(ingested[1]), added(ingested[3]), added(ingested[4])];
    assert_eq!([ingested[0], ingested[2]], [Ingested::AlreadyHere(ids[0]), Ingested::AlreadyHere(ids[1])]);
    all_come_back(&archive, &ids, &[0, 1, 2, 3].map(attached), "without those that were here");
    let places = places(folder.path());
    let bundle = places[1].1.unwrap();
    assert_eq!(places[1..], [(BUNDLED, Some(bundle)); 3]);
    assert_eq!(members(folder.path(), bundle), 3);
    assert!(pieces(folder.path()).iter().all(|(number, _)| number / NUMBERS == bundle));
    assert_eq!(health(&archive), (0, vec![]));
}

/// Of the same text and the same lengths: even what is kept of the one is right for the other, but for their base64.
#[test]
fn what_is_kept_of_a_bundle_is_never_shown_of_another() {
    let alike = |seed: usize| -> Vec<Vec<u8>> {
        (0..4).map(|number| attachment(number, &octets(seed + number, 57 * 200), "\r\n")).collect()
    };
    let sets = [alike(0), alike(100), various()];
    let archives: Vec<_> = sets.iter().map(|mail| bundled(mail)).collect();
    for _ in 0..2 {
        for member in 0..4 {
            for ((_, archive, ids), mail) in archives.iter().zip(&sets) {
                assert!(archive.original(ids[member]).unwrap().as_ref() == Some(&mail[member]));
            }
        }
    }
    // Erased and imported anew, under the eyes of a reader that knows what was there.
    let ((_, archive, ids), mail) = (&archives[2], &sets[2]);
    archive.move_to_bin(&ids[..12], false, at(9)).unwrap();
    archive.empty_bin(Emptying::Everything, &Cancel::new(), &mut no_report()).unwrap();
    all_come_back(archive, &ids[12..], &mail[12..], "the rest");
    let again = import_all(archive, &mail[..12]);
    all_come_back(archive, &again, &mail[..12], "again");
    all_come_back(archive, &ids[12..], &mail[12..], "the rest, still");
}

/// What no program of ours wrote: refused, with no panic and no memory without end.
#[test]
fn numbers_that_are_none_are_refused() {
    let mail = various();
    let (folder, archive, ids) = bundled(&mail);
    for bundle in [i64::MAX, i64::MIN, i64::MAX / NUMBERS, -1, 0, 2] {
        spoil(folder.path(), "UPDATE body SET bundle = ?1 WHERE original = 1", [bundle]);
        assert!(matches!(archive.original(ids[0]), Err(ArchiveError::Rotten { .. })), "{bundle}");
        let (_, damaged) = health(&archive);
        assert_eq!(damaged, ids[..1], "{bundle}");
        mended(&archive);
    }
    spoil(folder.path(), "UPDATE body SET bundle = 1 WHERE original = 1", []);
    for stored in [&b""[..], b"\x01", &[0xFF; 10], &[0xFF; 30]] {
        spoil(folder.path(), "UPDATE body SET bytes = ?1 WHERE original = 1", [stored]);
        assert!(matches!(archive.original(ids[0]), Err(ArchiveError::Rotten { .. })), "{stored:?}");
    }
    all_come_back(&archive, &ids[1..], &mail[1..], "all others");
    // The highest number there is: it cannot go on from there, and says so.
    spoil(folder.path(), "INSERT INTO piece VALUES (?1, x'00')", [i64::MAX]);
    assert!(archive.ingest((40..44).map(|seed| from_file(attached(seed))).collect()).is_err());
    all_come_back(&archive, &ids[1..], &mail[1..], "all others");
}
