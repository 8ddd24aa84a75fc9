//! Export and import: the same mail comes back.

use std::fs;

use proptest::prelude::*;
use tempfile::TempDir;

use super::{archive, contents, fill, when};
use crate::account::Digest;
use crate::archive::{Archive, Incoming, Marks, Origin};
use crate::backup::import::import_up_to;
use crate::backup::{BackupError, Exported, Format, export, import};
use crate::job::Cancel;

fn digests(archive: &Archive) -> Vec<Digest> {
    let mut digests: Vec<Digest> = archive.every_stored().unwrap().iter().map(|stored| stored.digest).collect();
    digests.sort();
    digests
}

fn there_and_back(source: &Archive, format: Format) -> (Exported, TempDir, Archive) {
    let place = tempfile::tempdir().unwrap();
    let name = match format {
        Format::Mbox => "mail.mbox",
        Format::Zip => "mail.zip",
        Format::Maildir | Format::Eml => "mail",
    };
    let exported = export(source, &place.path().join(name), format, None, &Cancel::new(), &mut |_| {}).unwrap();
    let mut from = place.path().join(name);
    if format == Format::Zip {
        let unpacked = place.path().join("unpacked");
        zip::ZipArchive::new(fs::File::open(&from).unwrap()).unwrap().extract(&unpacked).unwrap();
        from = unpacked;
    }
    let (folder, copy) = archive();
    let imported = import(&copy, &[from], &Cancel::new(), &mut |_| {}).unwrap();
    assert_eq!(imported.failed, Vec::<String>::new());
    assert_eq!(imported.found, exported.exported);
    (exported, folder, copy)
}

#[test]
fn an_export_imported_again_is_the_same_mail() {
    let (_a, source) = archive();
    fill(&source, 0..40);
    for format in [Format::Eml, Format::Zip, Format::Maildir] {
        let (exported, _folder, copy) = there_and_back(&source, format);
        assert_eq!((exported.exported, exported.inexact), (40, vec![]), "{format:?}");
        assert_eq!(digests(&copy), digests(&source), "{format:?}");
        if format == Format::Maildir {
            assert_eq!(contents(&copy), contents(&source));
        }
    }
    let (exported, _folder, copy) = there_and_back(&source, Format::Mbox);
    assert_eq!(exported.inexact.len(), 5, "those without a final line end: {:?}", exported.inexact);
    let missing = digests(&source).into_iter().filter(|digest| !digests(&copy).contains(digest)).count();
    assert_eq!((copy.every_stored().unwrap().len(), missing), (40, 5));
}

#[test]
fn an_export_imported_where_it_came_from_adds_nothing() {
    let (_a, source) = archive();
    fill(&source, 0..40);
    let before = contents(&source);
    for format in [Format::Mbox, Format::Maildir, Format::Eml] {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("mail");
        export(&source, &path, format, None, &Cancel::new(), &mut |_| {}).unwrap();
        let imported = import(&source, &[path], &Cancel::new(), &mut |_| {}).unwrap();
        assert_eq!((imported.added, imported.already_here), (0, 40), "{format:?}");
        assert_eq!(contents(&source), before, "{format:?}");
    }
}

#[test]
fn exports_by_query_leave_out_the_rest() {
    let (_a, source) = archive();
    fill(&source, 0..40);
    source.index_pending(&Cancel::new(), &mut |_| {}).unwrap();
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("found.mbox");
    let exported = export(&source, &path, Format::Mbox, Some("subject:17"), &Cancel::new(), &mut |_| {}).unwrap();
    assert_eq!(exported.exported, 1);
    assert!(fs::read(&path).unwrap().windows(10).any(|text| text == b"Message 17"));
}

#[test]
fn an_export_writes_over_nothing() {
    let (_a, source) = archive();
    fill(&source, 0..2);
    let place = tempfile::tempdir().unwrap();
    for (format, name) in [(Format::Mbox, "a"), (Format::Zip, "b"), (Format::Eml, "c"), (Format::Maildir, "d")] {
        let path = place.path().join(name);
        if matches!(format, Format::Eml | Format::Maildir) {
            fs::create_dir(&path).unwrap();
        }
        let again = || export(&source, &path, format, None, &Cancel::new(), &mut |_| {});
        again().unwrap();
        assert!(matches!(again(), Err(BackupError::TargetExists(_))), "{format:?}");
    }
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 4, "nothing is left beside");
}

#[test]
fn imports_keep_marks_and_name_what_failed() {
    let place = tempfile::tempdir().unwrap();
    let mbox =
        b"From a Tue Aug  9 19:30:42 2005\nStatus: RO\nSubject: read\n\n\nFrom b\nX-Status: F\nSubject: starred\n\n";
    fs::write(place.path().join("inbox"), [&mbox[..], b"\nFrom c\nSubject: large\n\n", &[b'x'; 5000]].concat())
        .unwrap();
    fs::write(place.path().join("large.eml"), [b'x'; 5000]).unwrap();
    let (_a, archive) = archive();
    let paths = [place.path().to_owned(), place.path().join("gone.eml")];
    let imported = import_up_to(4096, &archive, &paths, &Cancel::new(), &mut |_| {}).unwrap();
    // A path that is not there is no message that was found.
    assert_eq!((imported.found, imported.added, imported.failed.len()), (4, 2, 3), "{:?}", imported.failed);
    assert!(imported.failed.iter().filter(|sentence| sentence.contains("Keep the file")).count() == 2);
    let found = contents(&archive);
    let read = Marks { read: true, starred: false };
    assert_eq!(found[&Digest::of(b"Status: RO\nSubject: read\n\n")], (read, "2005-08-09T19:30:42Z".parse().unwrap()));
    assert_eq!(found[&Digest::of(b"X-Status: F\nSubject: starred\n\n")].0, Marks { read: false, starred: true });
    let again = import(&archive, &[place.path().join("inbox")], &Cancel::new(), &mut |_| {}).unwrap();
    assert_eq!((again.added, again.already_here), (1, 2));
}

#[test]
fn what_is_no_message_is_named_and_never_becomes_mail() {
    let place = tempfile::tempdir().unwrap();
    for folder in ["mail/cur", "mail/new", "empty"] {
        fs::create_dir_all(place.path().join(folder)).unwrap();
    }
    // What is called a message is one, whatever it holds.
    let files: [(&str, &[u8]); 6] = [
        ("mail/cur/1.a.host:2,S", b"\x1f\x8b\x08\0packed"),
        ("mail/cur/2.a.host:2,S", b""),
        ("empty.eml", b""),
        ("noise.eml", b"\xff\xd8\xff\xe0\0\x10\0"),
        ("odd.eml", b"// no header\n"),
        ("header.eml", b"Subject: a NUL may stand in the text\n\n\0"),
    ];
    for (name, content) in files {
        fs::write(place.path().join(name), content).unwrap();
    }
    let (_a, archive) = archive();
    let imported = import(&archive, &[place.path().to_owned()], &Cancel::new(), &mut |_| {}).unwrap();
    assert_eq!((imported.found, imported.added, imported.failed.len()), (6, 3, 3), "{:?}", imported.failed);
    assert!(contents(&archive).contains_key(&Digest::of(b"// no header\n")));
    for (name, why) in [("1.a", "is compressed"), ("2.a", "is empty"), ("empty", "is empty")] {
        assert!(imported.failed.iter().any(|line| line.contains(name) && line.contains(why)), "{:?}", imported.failed);
    }
    let nothing = import(&archive, &[place.path().join("empty")], &Cancel::new(), &mut |_| {}).unwrap();
    assert_eq!((nothing.found, nothing.failed.len(), nothing.notes.len()), (0, 0, 1));
    assert!(nothing.notes[0].starts_with("No mail was found there"), "{:?}", nothing.notes);
}

/// Any bytes that are a message of their own, told apart from the others by `number`.
fn odd_message(number: usize, body: &[u8]) -> Vec<u8> {
    [format!("X-Number: {number}\n").as_bytes(), body].concat()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn any_mail_comes_back_from_eml_and_from_mbox_where_it_can_be_held(
        bodies in proptest::collection::vec(
            prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..200),
                "(\r\n|\n|From |>|[a-z: ]){0,40}".prop_map(String::into_bytes),
            ],
            1..6,
        )
    ) {
        let (_a, source) = archive();
        let messages: Vec<Vec<u8>> = bodies.iter().enumerate().map(|(n, body)| odd_message(n, body)).collect();
        let incoming = messages.iter().map(|bytes| Incoming {
            bytes: bytes.clone(),
            arrived: when(0),
            marks: Marks::default(),
            from: Origin::File { account: None },
        });
        source.ingest(incoming.collect()).unwrap();
        let (_, _b, copy) = there_and_back(&source, Format::Eml);
        prop_assert_eq!(digests(&copy), digests(&source));
        let (exported, _c, copy) = there_and_back(&source, Format::Mbox);
        let held: Vec<&Vec<u8>> = messages.iter().filter(|message| message.ends_with(b"\n")).collect();
        prop_assert_eq!(exported.inexact.len(), messages.len() - held.len());
        let found = contents(&copy);
        prop_assert!(held.into_iter().all(|message| found.contains_key(&Digest::of(message))));
    }
}

#[test]
fn an_export_removes_nothing_but_what_an_export_left() {
    let (_a, source) = archive();
    fill(&source, 0..2);
    for format in [Format::Mbox, Format::Zip, Format::Eml, Format::Maildir] {
        let place = tempfile::tempdir().unwrap();
        let to = place.path().join("mail");
        let again = || export(&source, &to, format, None, &Cancel::new(), &mut |_| {});
        let letters = place.path().join("mail.part/letters");
        fs::create_dir(letters.parent().unwrap()).unwrap();
        fs::write(&letters, "dear").unwrap();
        let left = place.path().join(".mail.postkeep-part");
        fs::create_dir_all(left.join("cur")).unwrap();
        again().unwrap();
        assert_eq!(fs::read(&letters).unwrap(), b"dear", "{format:?}");
        assert!(to.exists() && !left.exists(), "{format:?}");

        if to.is_dir() {
            fs::remove_dir_all(&to).unwrap()
        } else {
            fs::remove_file(&to).unwrap()
        }
        fs::write(&left, "half").unwrap();
        again().unwrap();
        assert!(to.exists() && !left.exists(), "{format:?}");
        #[cfg(unix)]
        {
            if to.is_dir() {
                fs::remove_dir_all(&to).unwrap()
            } else {
                fs::remove_file(&to).unwrap()
            }
            std::os::unix::fs::symlink(letters.parent().unwrap(), &left).unwrap();
            assert!(matches!(again(), Err(BackupError::TargetExists(path)) if path == left), "{format:?}");
            assert!(letters.exists() && fs::symlink_metadata(&left).is_ok() && !to.exists(), "{format:?}");
        }
    }
}
