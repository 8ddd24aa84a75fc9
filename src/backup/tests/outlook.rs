//! Outlook's files go into an archive like those of any program: with marks, once, and with sentences on what is special.

use std::fs;

use super::archive;
use crate::archive::{Archive, Marks};
use crate::backup::import::{import_up_to, import_with};
use crate::backup::outlook::tests::build::{
    DataFile, Form, OPEN, Thing, id, message_file, number, octets, things, wide,
};
use crate::backup::outlook::tests::{Disk, HIDDEN};
use crate::backup::walk::{Kind, Source, Sources};
use crate::backup::{BackupError, Imported, Result, import};
use crate::job::Cancel;

fn thing(subject: &str) -> Thing {
    Thing { properties: vec![wide(id::SUBJECT, subject), wide(id::BODY, "text")], ..Thing::default() }
}

fn import_from(archive: &Archive, disk: Disk, cancel: &Cancel) -> Result<Imported> {
    let source = Source { path: "a.pst".into(), kind: Kind::Outlook, octets: 0 };
    import_with(1 << 20, archive, Sources::default(), 0, cancel, &mut |_| {}, |run| run.data_file(&source, disk))
}

#[test]
fn files_of_outlook_are_imported_once() {
    let place = tempfile::tempdir().unwrap();
    let things = things();
    let data_file = DataFile::with(Form::Unicode, HIDDEN, &things).octets();
    fs::write(place.path().join("archive.pst"), &data_file).unwrap();
    // Known by how it begins.
    fs::write(place.path().join("archive.old"), &data_file).unwrap();
    fs::write(place.path().join("came.msg"), message_file(&things[0])).unwrap();
    fs::write(place.path().join("text.msg"), "Subject: an original\n\n").unwrap();
    let (_a, archive) = archive();
    let mut octets = 0;
    let mut imported = || {
        import(&archive, &[place.path().to_owned()], &Cancel::new(), &mut |progress| {
            octets = octets.max(progress.octets)
        })
        .unwrap()
    };
    let first = imported();
    assert_eq!((first.found, first.added, first.already_here, first.failed.len()), (8, 4, 4, 0), "{:?}", first.failed);
    for words in ["7 messages were put together", "2 things that are not mail", "2 attachments are not in the file"] {
        assert!(first.notes.iter().any(|note| note.contains(words)), "{words}: {:?}", first.notes);
    }
    assert_eq!(imported(), Imported { added: 0, already_here: 8, ..first });
    assert!(octets > 2 * data_file.len() as u64 - 100);
    let marks: Vec<_> = archive.every_stored().unwrap().into_iter().map(|stored| stored.marks).collect();
    assert_eq!(marks.iter().filter(|marks| **marks == Marks { read: true, starred: true }).count(), 1);
}

#[test]
fn another_compound_file_is_no_message() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("letter.doc");
    let file = cfb::CompoundFile::create(std::io::Cursor::new(Vec::new())).unwrap();
    fs::write(&path, file.into_inner().into_inner()).unwrap();
    let (_a, archive) = archive();
    let done = import(&archive, &[path], &Cancel::new(), &mut |_| {}).unwrap();
    assert!(done.added == 0 && done.failed[0].ends_with("letter.doc is not a mail file."), "{:?}", done.failed);
}

#[test]
fn a_bad_sector_costs_one_message_and_a_drive_that_is_gone_ends_the_file() {
    let file =
        DataFile::with(Form::Unicode, OPEN, &(0..40).map(|n| thing(&n.to_string())).collect::<Vec<_>>()).octets();
    // Each message is one block of 128 octets, one behind the other.
    let message = |number: u64| 0x4400 + 128 * number;
    let (_a, archive) = archive();
    let done = import_from(&archive, Disk::new(file.clone(), message(2)..message(3)), &Cancel::new()).unwrap();
    assert_eq!((done.added, done.failed.len()), (39, 1), "{:?}", done.failed);
    assert_eq!(done.failed[0], "Message 3 of a.pst could not be read: a bad sector.");
    let done = import_from(&archive, Disk::new(file, message(2)..message(40)), &Cancel::new()).unwrap();
    assert_eq!((done.already_here, done.failed.len()), (2, 21), "{:?}", done.failed);
    assert!(done.failed[20].contains("beyond message 22"), "{}", done.failed[20]);
}

#[test]
fn the_scan_of_a_damaged_file_is_cancelled() {
    let mut file = DataFile::with(Form::Unicode, OPEN, &[thing("here")]).octets();
    file[224..232].fill(0);
    file.resize(8 << 20, 0);
    let (_a, archive) = archive();
    let cancel = Cancel::new();
    let stopped = import_from(&archive, Disk::stopping(file, 2 << 20, &cancel), &cancel);
    assert!(matches!(stopped, Err(BackupError::Cancelled(_))), "{stopped:?}");
    assert!(archive.every_stored().unwrap().is_empty());
}

#[test]
fn an_object_of_another_program_in_a_message_file_is_told_as_missing() {
    let place = tempfile::tempdir().unwrap();
    let mut with_table = thing("with a table");
    let table = vec![number(id::ATTACH_METHOD, 6), wide(id::ATTACH_LONG_FILENAME, "table")];
    with_table.files.push((table, Some(Thing::default())));
    fs::write(place.path().join("a.msg"), message_file(&with_table)).unwrap();
    let (_a, archive) = archive();
    let done = import(&archive, &[place.path().to_owned()], &Cancel::new(), &mut |_| {}).unwrap();
    assert_eq!((done.added, done.failed.len()), (1, 0));
    assert!(done.notes.iter().any(|note| note.contains("is an object of another program")), "{:?}", done.notes);
    assert!(!done.notes.iter().any(|note| note.contains("link")), "{:?}", done.notes);
}

#[test]
fn what_is_larger_than_a_mail_can_be_is_refused_in_words() {
    let place = tempfile::tempdir().unwrap();
    let large = |size: usize| {
        let mut large = thing("large");
        let file = vec![number(id::ATTACH_METHOD, 1), octets(id::ATTACH_DATA, &vec![7; size])];
        large.files.push((file, None));
        large
    };
    // As it is kept the first has room, as a mail it has not; the second has not as it is kept.
    let all = [large(80_000), large(120_000), thing("small")];
    let path = place.path().join("a.pst");
    fs::write(&path, DataFile::with(Form::Unicode, OPEN, &all).octets()).unwrap();
    fs::write(place.path().join("b.msg"), message_file(&all[0])).unwrap();
    let (_a, archive) = archive();
    let done = import_up_to(100_000, &archive, &[place.path().to_owned()], &Cancel::new(), &mut |_| {}).unwrap();
    assert_eq!((done.added, done.failed.len()), (1, 3), "{:?}", done.failed);
    for (sentence, file) in done.failed.iter().zip(["a.pst", "a.pst", "b.msg"]) {
        assert!(sentence.ends_with(&format!("{file} {}.", crate::backup::outlook::TOO_LARGE)), "{sentence}");
    }
    assert!(done.notes.iter().any(|note| note.contains("one message was put together")), "{:?}", done.notes);
}
