//! Rot is found, tells nobody to remove anything, and is mended by the same bytes only; mail stored by an older version is
//! packed; room is given back.

use super::*;
use crate::archive::codec::{AS_RECEIVED, BUNDLED, PACKED};

fn long(number: usize) -> Vec<u8> {
    mail(&format!("number {number} {}", "words that come again ".repeat(20)))
}

/// Writes these over what is stored of a message, as no program of ours would.
fn overwrite(folder: &Path, original: i64, codec: i64, bytes: &[u8]) {
    let connection = rusqlite::Connection::open(folder.join("mail.db")).unwrap();
    connection.execute_batch("INSERT INTO rewriting VALUES (1)").unwrap();
    let sql = "UPDATE body SET codec = ?2, bytes = ?3 WHERE original = ?1";
    assert_eq!(connection.execute(sql, rusqlite::params![original, codec, bytes]).unwrap(), 1);
    connection.execute_batch("DELETE FROM rewriting").unwrap();
}

/// One bit of what is stored of a message.
fn flip(folder: &Path, original: i64, at: usize) {
    let (codec, mut bytes) = bodies(folder).swap_remove(usize::try_from(original).unwrap() - 1);
    let at = at % bytes.len();
    bytes[at] ^= 4;
    overwrite(folder, original, codec, &bytes);
}

fn check(archive: &Archive, full: bool) -> Vec<MessageId> {
    let health = archive.check(full, &Cancel::new(), &mut no_report()).unwrap();
    assert_eq!(health.problems, Vec::<String>::new());
    health.damaged.into_iter().map(|(id, _)| id).collect()
}

/// Ticks through one day; how many steps something was done in.
pub(super) fn day(archive: &Archive, idle: &mut Idle, day: i64) -> usize {
    let now = at(day * 24 * 3600);
    // The first tick after something was written only looks.
    let mut steps = usize::from(idle.tick(archive, now).unwrap());
    while idle.tick(archive, now).unwrap() {
        steps += 1;
        assert!(steps < 1_000, "it never ends");
    }
    steps
}

#[test]
fn the_daily_reading_finds_rot_and_check_tells_of_it() {
    let (folder, archive) = opened();
    let visit = Visit::begin(&archive, "ben@example.org", 0);
    let uidls: Vec<String> = (0..60).map(|number| format!("u{number}")).collect();
    visit.list(&uidls.iter().map(String::as_str).collect::<Vec<_>>());
    let ids: Vec<MessageId> = (0..60).map(|number| added(visit.take(&uidls[number], long(number)))).collect();
    flip(folder.path(), 42, 90);
    assert_eq!(check(&archive, false), [], "its length is the same");
    let mut idle = Idle::default();
    for number in 0..29 {
        assert_eq!(day(&archive, &mut idle, number), 1, "day {number}");
        assert_eq!(archive.found_damaged().unwrap().len(), usize::from(number >= 20), "day {number}");
        assert_eq!(archive.last_read().unwrap(), None, "day {number}");
    }
    day(&archive, &mut idle, 29);
    assert_eq!(archive.last_read().unwrap(), Some((at(0), at(29 * 24 * 3600))));
    assert_eq!(archive.found_damaged().unwrap(), [(ids[41], at(20 * 24 * 3600))]);
    assert_eq!(check(&archive, false), [ids[41]], "what was found is read again");
    assert!(visit.proves("u40") && !visit.proves("u41"), "the server's copy stays");
    assert!(archive.mend(Digest::of(&long(41)), &long(41)).unwrap());
    assert_eq!((archive.found_damaged().unwrap(), check(&archive, true)), (vec![], vec![]));
    assert!(visit.proves("u41"));
}

#[test]
fn nothing_is_read_while_something_is_written() {
    let (_folder, archive) = opened();
    import(&archive, long(1));
    let mut idle = Idle::default();
    for number in 2..20 {
        assert!(!idle.tick(&archive, at(number)).unwrap());
        import(&archive, long(number as usize));
    }
    assert!(!idle.tick(&archive, at(20)).unwrap());
    assert!(idle.tick(&archive, at(21)).unwrap());
}

#[test]
fn what_rotted_is_refused_in_whatever_form_it_is_stored() {
    let (folder, archive) = opened();
    let visit = Visit::begin(&archive, "ben@example.org", 0);
    visit.list(&["a"]);
    let id = added(visit.take("a", long(1)));
    let mut other = long(1);
    other[150] ^= 1;
    let (codec, packed) = crate::archive::codec::Packer::new().unwrap().encode(&other);
    assert_eq!(codec, PACKED);
    for (codec, bytes) in
        [(AS_RECEIVED, &other[..]), (PACKED, &packed), (PACKED, &other), (2, &packed), (AS_RECEIVED, b"")]
    {
        overwrite(folder.path(), 1, codec, bytes);
        let shown = archive.original(id);
        assert!(matches!(shown, Err(ArchiveError::Rotten { .. })), "{codec}: {shown:?}");
        assert!(!visit.proves("a"), "{codec}");
        assert_eq!(check(&archive, true), [id], "{codec}");
    }
    assert!(archive.mend(Digest::of(&long(1)), &long(1)).unwrap());
    assert!(archive.original(id).unwrap() == Some(long(1)) && visit.proves("a"));
}

#[test]
fn only_the_same_bytes_mend() {
    let (folder, archive) = opened();
    let ids: Vec<MessageId> = (0..3).map(|number| added(import(&archive, long(number)))).collect();
    flip(folder.path(), 1, 60);
    tamper(folder.path(), "PRAGMA foreign_keys = OFF; DROP TRIGGER body_stays; DELETE FROM body WHERE original = 2");
    assert_eq!(check(&archive, true), ids[..2]);
    let digest = |number| Digest::of(&long(number));
    assert!(!archive.mend(digest(0), &long(1)).unwrap(), "other bytes");
    assert!(!archive.mend(digest(9), &long(9)).unwrap(), "a message that is not here");
    assert_eq!(check(&archive, true), ids[..2]);
    for number in 0..2 {
        assert!(archive.mend(digest(number), &long(number)).unwrap());
    }
    assert_eq!(check(&archive, true), []);
    for (number, id) in ids.into_iter().enumerate() {
        assert_eq!(archive.original(id).unwrap(), Some(long(number)));
    }
}

#[test]
fn what_an_older_version_stored_is_packed_but_for_what_rotted() {
    let (folder, archive) = opened();
    let ids: Vec<MessageId> = (0..250).map(|number| added(import(&archive, long(number)))).collect();
    for number in 0..250 {
        overwrite(folder.path(), number as i64 + 1, AS_RECEIVED, &long(number));
    }
    flip(folder.path(), 7, 300);
    let rotten = bodies(folder.path()).swap_remove(6);
    let repacked = archive.repack(&Cancel::new(), &mut no_report()).unwrap();
    assert_eq!(repacked.originals, 249);
    assert!(repacked.freed > 249 * 200, "{repacked:?}");
    let now = bodies(folder.path());
    assert_eq!(now[6], rotten, "it stays as it was");
    assert_eq!(now.iter().filter(|(codec, _)| *codec == BUNDLED).count(), 249);
    assert_eq!(check(&archive, true), [ids[6]]);
    for (number, id) in ids.into_iter().enumerate().filter(|(number, _)| *number != 6) {
        assert_eq!(archive.original(id).unwrap(), Some(long(number)));
    }
    assert_eq!(archive.repack(&Cancel::new(), &mut no_report()).unwrap().originals, 0, "once is enough");
}

/// An archive of 26 MB of which five sixths were erased.
fn emptied() -> (TempDir, Archive) {
    let (folder, archive) = opened();
    let all = noise(26 << 20);
    let ids: Vec<MessageId> =
        all.chunks(1 << 20).map(|part| added(import(&archive, [mail("large"), part.to_vec()].concat()))).collect();
    archive.move_to_bin(&ids[4..], false, at(9)).unwrap();
    archive.empty_bin(Emptying::Everything, &Cancel::new(), &mut no_report()).unwrap();
    (folder, archive)
}

fn size(folder: &TempDir) -> u64 {
    fs::metadata(folder.path().join("mail.db")).unwrap().len()
}

#[test]
fn room_is_given_back_at_once_when_asked_for() {
    let (folder, archive) = emptied();
    assert!(size(&folder) > 25 << 20);
    let compacted = archive.compact(&Cancel::new(), &mut no_report()).unwrap();
    assert!(size(&folder) < 5 << 20, "{compacted:?}");
    assert_eq!((check(&archive, true).len(), archive.every_stored().unwrap().len()), (0, 4));
    import(&archive, mail("afterwards"));
}

#[test]
fn room_is_given_back_by_and_by_when_a_quarter_is_free() {
    let (folder, archive) = emptied();
    let steps = day(&archive, &mut Idle::default(), 0);
    assert!(steps > 3, "{steps} steps");
    archive.empty_journal();
    assert!(size(&folder) < 25 << 19, "{} octets", size(&folder));
    assert_eq!((check(&archive, true).len(), archive.every_stored().unwrap().len()), (0, 4));
}

#[test]
fn all_room_is_given_back_by_steps_where_the_disk_is_full() {
    let (folder, archive) = emptied();
    let mut steps = 0;
    archive.by_steps(&Cancel::new(), &mut |_| steps += 1).unwrap();
    archive.empty_journal();
    assert!(steps > 3, "{steps} steps");
    assert!(size(&folder) < 5 << 20, "{} octets", size(&folder));
    assert_eq!((check(&archive, true).len(), archive.every_stored().unwrap().len()), (0, 4));
}

#[test]
fn a_cancelled_compaction_changes_nothing() {
    let (_folder, archive) = emptied();
    let cancel = Cancel::new();
    cancel.cancel();
    let stopped = archive.compact(&cancel, &mut no_report());
    assert!(matches!(stopped, Err(ArchiveError::Cancelled(_))), "{stopped:?}");
    assert!(archive.writable());
    assert_eq!((check(&archive, true).len(), archive.every_stored().unwrap().len()), (0, 4));
    import(&archive, mail("afterwards"));
}

#[test]
fn what_comes_again_takes_the_place_of_what_rotted() {
    let restored = |bytes| Incoming { bytes, arrived: at(5), marks: Marks::default(), from: Origin::Backup };
    for (how, from) in [("imported", from_file as fn(Vec<u8>) -> Incoming), ("restored", restored)] {
        let (folder, archive) = opened();
        let stored = archive.ingest((0..5).map(|number| from_file(long(number))).collect()).unwrap();
        let ids: Vec<MessageId> = stored.into_iter().map(added).collect();
        // One bit, found by the daily reading; cut short; gone; and one bit that nothing has found yet.
        for original in [1, 4] {
            flip(folder.path(), original, 90);
        }
        tamper(folder.path(), "INSERT INTO damage (original, found) VALUES (1, 0)");
        let (codec, bytes) = bodies(folder.path()).swap_remove(1);
        overwrite(folder.path(), 2, codec, &bytes[..bytes.len() - 1]);
        tamper(
            folder.path(),
            "INSERT INTO erasing VALUES (1); DELETE FROM body WHERE original = 3; DELETE FROM erasing",
        );
        assert_eq!(check(&archive, true), ids[..4], "{how}");
        let again = archive.ingest((0..5).map(|number| from(long(number))).collect()).unwrap();
        assert_eq!(again, ids.iter().map(|id| Ingested::AlreadyHere(*id)).collect::<Vec<_>>(), "{how}");
        assert_eq!(check(&archive, true), ids[3..4], "{how}: not looked for, so that importing again stays quick");
        assert_eq!(archive.found_damaged().unwrap(), [], "{how}");
        for number in [0, 1, 2, 4] {
            assert_eq!(archive.original(ids[number]).unwrap(), Some(long(number)), "{how}");
        }
    }
}

#[test]
fn a_page_that_cannot_be_read_is_recorded_and_read_past() {
    let (folder, archive) = opened();
    let all = noise(60 * 20_000);
    let ids: Vec<MessageId> =
        all.chunks(20_000).map(|part| added(import(&archive, [mail("large"), part.to_vec()].concat()))).collect();
    drop(archive);
    // Where message 12 goes on stands behind what of it is in the leaf: a page behind the end of the file, now.
    let (_, stored) = bodies(folder.path()).swap_remove(11);
    let file = folder.path().join("mail.db");
    let mut bytes = fs::read(&file).unwrap();
    let leaf = bytes.windows(64).position(|window| window == &stored[100..164]).unwrap() - 100;
    let local = stored.iter().zip(&bytes[leaf..]).position(|(stored, there)| stored != there).unwrap();
    bytes[leaf + local..leaf + local + 4].copy_from_slice(&[0x7f, 0xff, 0xff, 0]);
    fs::write(&file, bytes).unwrap();

    let archive = Archive::open(folder.path()).unwrap();
    let mut idle = Idle::default();
    for number in 0..30 {
        day(&archive, &mut idle, number);
        let found: Vec<MessageId> = archive.found_damaged().unwrap().into_iter().map(|(id, _)| id).collect();
        assert_eq!(found, if number < 5 { vec![] } else { vec![ids[11]] }, "day {number}");
    }
    assert!(archive.last_read().unwrap().is_some(), "it went on to the end");
    assert!(!archive.writable(), "nothing is stored or removed before the file was looked at");
    let refused = archive.ingest(vec![from_file(mail("new"))]);
    assert!(matches!(refused, Err(ArchiveError::WritesStopped)), "{refused:?}");
    assert!(archive.recover().is_err());
    assert!(!archive.remake_indexes(&Cancel::new()).unwrap(), "no new index mends it");
}
