//! Outlook's files go into an archive like those of any program: with marks, once, and with sentences on what is special.

use std::fs;

use super::archive;
use crate::archive::Marks;
use crate::backup::outlook::tests::HIDDEN;
use crate::backup::outlook::tests::build::{DataFile, Form, message_file, things};
use crate::backup::{Imported, import};
use crate::job::Cancel;

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
