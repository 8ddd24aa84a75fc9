//! Files and folders that lie in wait for an import: each gets a sentence, and the rest is imported all the same.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use super::archive;
use crate::backup::import::import_up_to;
use crate::backup::{BackupError, Imported, import};
use crate::job::Cancel;

fn imported(path: &Path) -> Imported {
    let (_a, archive) = archive();
    import(&archive, &[path.to_owned()], &Cancel::new(), &mut |_| {}).unwrap()
}

/// One good message beside whatever else is there.
fn beside(trap: impl FnOnce(&Path)) -> (tempfile::TempDir, Imported) {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("z.eml"), "Subject: good\n\n").unwrap();
    trap(place.path());
    let imported = imported(place.path());
    assert_eq!(imported.added, 1, "{imported:?}");
    (place, imported)
}

#[test]
fn a_line_longer_than_any_mail_is_passed_over_and_what_follows_is_read() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("inbox");
    let mut file = File::create(&path).unwrap();
    file.write_all(b"From a Tue Aug  9 19:30:42 2005\nSubject: a\n\n").unwrap();
    // A hole: nothing of it lies on the disk.
    file.seek(SeekFrom::Current(1 << 28)).unwrap();
    file.write_all(b"\n\nFrom b Tue Aug  9 19:30:42 2005\nSubject: b\n\nx\n").unwrap();
    let (_a, archive) = archive();
    let imported = import_up_to(1 << 20, &archive, &[path], &Cancel::new(), &mut |_| {}).unwrap();
    assert_eq!((imported.found, imported.added), (2, 1));
    let told = "octets long, is larger than a mail can be, and was left out. Keep the file";
    assert!(imported.failed[0].starts_with("Message 1 of ") && imported.failed[0].contains(told), "{imported:?}");
}

#[test]
fn lengths_that_lie_cost_no_message() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("inbox");
    let lengths = ["0", "1", "-1", "9223372036854775807", "18446744073709551615", "1e3", "", "1073741824"];
    let one = |length: &&str| format!("From a\nContent-Length: {length}\nX-Number: {length}\n\nbody\n\n");
    fs::write(&path, lengths.iter().map(one).collect::<String>()).unwrap();
    let imported = imported(&path);
    assert_eq!((imported.added, imported.failed), (lengths.len() as u64, vec![]));
}

#[cfg(unix)]
#[test]
fn links_pipes_and_strange_names_stop_nothing() {
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::symlink;

    let (_p, loops) = beside(|place| {
        symlink(place, place.join("loop")).unwrap();
        symlink("/etc/passwd", place.join("passwd.eml")).unwrap();
        fs::create_dir_all(place.join("maildir/cur")).unwrap();
        fs::create_dir_all(place.join("maildir/new")).unwrap();
        symlink("../../z.eml", place.join("maildir/cur/1.host:2,S")).unwrap();
    });
    assert_eq!(loops.failed, Vec::<String>::new());
    assert_eq!(loops.notes.len(), 1, "{loops:?}");
    assert!(loops.notes[0].starts_with("3 links were not followed"), "{loops:?}");

    let (place, pipe) = beside(|place| pipe_at(&place.join("a.eml")));
    assert_eq!(pipe.failed, Vec::<String>::new());
    assert!(pipe.notes[0].contains("a.eml is a pipe"), "{pipe:?}");
    let named = imported(&place.path().join("a.eml"));
    assert!(named.failed[0].ends_with("is neither a file nor a folder."), "{named:?}");

    let (_p, names) = beside(|place| {
        let name = std::ffi::OsStr::from_bytes(b"\xff\xfe.mbox");
        fs::write(place.join(name), "no mbox").unwrap();
        let name = std::ffi::OsStr::from_bytes(b"\xffbox");
        fs::write(place.join(name), "From a\nSubject: good\n\n\n").unwrap();
    });
    assert_eq!((names.already_here, names.failed.len()), (1, 1), "{names:?}");
}

#[cfg(unix)]
fn pipe_at(path: &Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
}

/// A file that is there and gives an error when it is read: not even root reads the first page of a process's memory.
#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_read_is_named() {
    let (_a, archive) = archive();
    let place = tempfile::tempdir().unwrap();
    let good = place.path().join("z.eml");
    fs::write(&good, "Subject: good\n\n").unwrap();
    let mut paths = vec!["/proc/self/mem".into(), place.path().join("gone"), good.clone()];
    for name in ["memory.eml", "memory.emlx"] {
        std::os::unix::fs::symlink("/proc/self/mem", place.path().join(name)).unwrap();
        paths.push(place.path().join(name));
    }
    let imported = import(&archive, &paths, &Cancel::new(), &mut |_| {}).unwrap();
    assert_eq!((imported.added, imported.failed.len()), (1, 4), "{imported:?}");
    for (sentence, word) in imported.failed.iter().zip(["could not be read", "is not there"]) {
        assert!(sentence.contains(word), "{imported:?}");
    }
}

#[test]
fn folders_too_deep_are_named() {
    let (_p, deep) = beside(|place| {
        let deep = (0..70).fold(place.to_owned(), |path, _| path.join("d"));
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join("a.eml"), "Subject: deep\n\n").unwrap();
    });
    assert_eq!(deep.failed.len(), 1);
    assert!(deep.failed[0].ends_with("lies too deep to be searched."), "{deep:?}");
}

/// What stops the threads that store is told, and no one waits for them.
#[test]
fn an_archive_that_takes_nothing_says_so() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("inbox");
    let mut file = File::create(&path).unwrap();
    for number in 0..9 {
        // Several batches: more than wait in the queue.
        write!(file, "From a\nSubject: {number}\n\n{}\n\n", "x".repeat(9 << 20)).unwrap();
    }
    let (folder, written) = archive();
    drop(written);
    let archive = crate::archive::Archive::open_read_only(folder.path()).unwrap();
    let stopped = import(&archive, &[path], &Cancel::new(), &mut |_| {});
    assert!(matches!(stopped, Err(BackupError::Archive(_))), "{stopped:?}");
}

/// Wherever an import is stopped, what is stored is whole and one more import brings the rest.
#[test]
fn stopped_anywhere_it_is_resumed() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("inbox");
    let mut file = File::create(&path).unwrap();
    for number in 0..120 {
        writeln!(file, "From a Tue Aug  9 19:30:42 2005\nSubject: {number}\n\nx\n").unwrap();
    }
    for stop_at in [1, 2, 60, 119, 120, 121] {
        let (_a, archive) = archive();
        let (cancel, mut seen) = (Cancel::new(), 0);
        let token = cancel.clone();
        let stopped = import(&archive, std::slice::from_ref(&path), &cancel, &mut |_| {
            seen += 1;
            if seen == stop_at {
                token.cancel();
            }
        });
        assert!(matches!(stopped, Err(BackupError::Cancelled(_))) || seen < stop_at, "at report {stop_at}");
        assert!(archive.check(true, &Cancel::new(), &mut |_| {}).unwrap().damaged.is_empty());
        let rest = import(&archive, std::slice::from_ref(&path), &Cancel::new(), &mut |_| {}).unwrap();
        assert_eq!((rest.found, rest.failed.len()), (120, 0), "at report {stop_at}");
        assert_eq!(archive.every_stored().unwrap().len(), 120, "at report {stop_at}");
    }
}
