//! What becomes a bundle later: mail that was fetched, and mail that an older version stored.

use rusqlite::{Connection, params};

use super::bundles::{all_come_back, attached, health, pieces, places, proved, various};
use super::health::day;
use super::*;
use crate::archive::codec::{AS_RECEIVED, BUNDLED, PACKED, Packer};

#[test]
fn what_was_fetched_is_bundled_by_and_by() {
    let (folder, archive) = opened();
    let visit = Visit::begin(&archive, "ben@example.org", 0);
    let large = |number: usize| mail(&format!("{number} {}", format!("words of number {number} ").repeat(22_000)));
    let take = |numbers: std::ops::Range<usize>| -> Vec<MessageId> {
        numbers.map(|number| added(visit.take(&number.to_string(), large(number)))).collect()
    };
    let loose = || places(folder.path()).iter().filter(|(codec, _)| *codec == PACKED).count();
    let mut ids = take(0..19);
    archive.set_starred(&ids[..2], true).unwrap();
    let before = (visit.states(), archive.every_stored().unwrap());
    let mut idle = Idle::default();
    day(&archive, &mut idle, 0);
    assert!((1..11).contains(&loose()), "{} by themselves", loose());
    assert!((visit.states(), archive.every_stored().unwrap()) == before);
    let (left, whole) = (loose(), pieces(folder.path()));
    day(&archive, &mut idle, 1);
    day(&archive, &mut Idle::default(), 2);
    assert!(loose() == left && pieces(folder.path()) == whole, "a second time there is nothing to do");
    ids.extend(take(19..32));
    day(&archive, &mut idle, 3);
    assert!((1..11).contains(&loose()) && pieces(folder.path()).len() > whole.len(), "{} by themselves", loose());
    all_come_back(&archive, &ids, &(0..32).map(large).collect::<Vec<_>>(), "bundled");
    assert_eq!(proved(&visit, 32), 32);
    assert_eq!(health(&archive), (0, vec![]));
}

/// An archive of the third version, and its mail.
fn third_version(pages: i64) -> (TempDir, Archive, Vec<MessageId>, Vec<Vec<u8>>) {
    let folder = tempfile::tempdir().unwrap();
    let old = Connection::open(folder.path().join("mail.db")).unwrap();
    old.pragma_update(None, "page_size", pages).unwrap();
    old.pragma_update(None, "application_id", open::APPLICATION_ID).unwrap();
    for schema in [
        include_str!("../../../migrations/001-archive.sql"),
        include_str!("../../../migrations/002-trust.sql"),
        include_str!("../../../migrations/003-codec.sql"),
    ] {
        old.execute_batch(schema).unwrap();
    }
    let (mail, mut packer) = (various(), Packer::new().unwrap());
    for (number, bytes) in (1_i64..).zip(&mail) {
        let (codec, stored) = if number % 2 == 0 { packer.encode(bytes) } else { (AS_RECEIVED, bytes.into()) };
        let octets = bytes.len() as i64;
        let row = params![number, Digest::of(bytes), crate::message::first_likeness(bytes), octets];
        old.execute("INSERT INTO original VALUES (?1, ?2, ?3, ?4)", row).unwrap();
        old.execute("INSERT INTO body VALUES (?1, ?2, ?3)", params![number, codec, stored]).unwrap();
        old.execute("INSERT INTO message VALUES (?1, ?1, NULL, 5, NULL)", [number]).unwrap();
    }
    old.pragma_update(None, "user_version", 3).unwrap();
    drop(old);
    let archive = Archive::open(folder.path()).unwrap();
    let ids: Vec<MessageId> = (1..=mail.len() as i64).map(MessageId).collect();
    all_come_back(&archive, &ids, &mail, "as it lay");
    assert!(places(folder.path()).iter().all(|(_, bundle)| bundle.is_none()));
    (folder, archive, ids, mail)
}

#[test]
fn mail_of_the_third_version_is_read_and_bundled() {
    let (folder, archive, ids, mail) = third_version(16_384);
    archive.repack(&Cancel::new(), &mut no_report()).unwrap();
    assert_eq!(places(folder.path()), vec![(BUNDLED, Some(1)); mail.len()]);
    all_come_back(&archive, &ids, &mail, "bundled");
    assert_eq!(health(&archive), (0, vec![]));
}

/// The beginnings of many pieces would stand on one page there.
#[test]
fn where_pages_are_smaller_than_a_piece_nothing_is_bundled() {
    for pages in [4_096, 8_192] {
        let (folder, archive, ids, mail) = third_version(pages);
        archive.repack(&Cancel::new(), &mut no_report()).unwrap();
        archive.ingest((40..50).map(|seed| from_file(attached(seed))).collect()).unwrap();
        day(&archive, &mut Idle::default(), 0);
        assert!(places(folder.path()).iter().all(|place| *place == (PACKED, None)));
        all_come_back(&archive, &ids, &mail, "by themselves");
        assert_eq!((health(&archive), pieces(folder.path())), ((0, vec![]), vec![]));
    }
}

/// More bundles than are packed anew at once.
#[test]
fn what_is_erased_all_over_the_archive_is_erased() {
    let (folder, archive) = opened();
    let letter = |number: usize| mail(&format!("{number} {}", format!("words of number {number} ").repeat(600)));
    let batch = |from: usize| (from..from + 3).map(|number| from_file(letter(number))).collect();
    let ids: Vec<MessageId> = (0..20).flat_map(|place| archive.ingest(batch(place * 3)).unwrap()).map(added).collect();
    let last = |folder: &Path| places(folder).iter().filter_map(|(_, bundle)| *bundle).max();
    assert_eq!(last(folder.path()), Some(20));
    let every_third: Vec<MessageId> = ids.iter().copied().step_by(3).collect();
    archive.move_to_bin(&every_third, false, at(9)).unwrap();
    let emptied = archive.empty_bin(Emptying::Everything, &Cancel::new(), &mut no_report()).unwrap();
    assert_eq!((emptied.erased, archive.every_stored().unwrap().len()), (20, 40));
    assert!(every_third.iter().all(|id| archive.original(*id).unwrap().is_none()));
    let rest: Vec<usize> = (0..60).filter(|number| number % 3 > 0).collect();
    let ids: Vec<MessageId> = rest.iter().map(|number| ids[*number]).collect();
    all_come_back(&archive, &ids, &rest.into_iter().map(letter).collect::<Vec<_>>(), "the rest");
    assert_eq!(health(&archive), (0, vec![]));
    archive.move_to_bin(&ids, false, at(10)).unwrap();
    archive.erase_from_bin(&ids).unwrap();
    assert_eq!((pieces(folder.path()), places(folder.path())), (vec![], vec![]));
}
