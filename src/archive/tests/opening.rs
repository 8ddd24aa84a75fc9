//! Opening: locks, permissions, foreign files, damage that stops writes.

use super::*;

#[test]
fn the_second_writer_is_refused_and_readers_are_not() {
    let (folder, archive) = opened();
    import(&archive, mail("one"));
    assert!(matches!(Archive::open(folder.path()), Err(ArchiveError::Locked)));
    let reader = Archive::open_read_only(folder.path()).unwrap();
    assert_eq!(reader.every_stored().unwrap().len(), 1);
    assert!(matches!(reader.set_setting("a", "b"), Err(ArchiveError::OpenedForReading)));
    assert!(matches!(reader.ingest(vec![from_file(mail("x"))]), Err(ArchiveError::OpenedForReading)));
    import(&archive, mail("two"));
    assert_eq!(reader.every_stored().unwrap().len(), 2);
    drop(archive);
    Archive::open(folder.path()).unwrap();
}

#[test]
fn reading_makes_no_archive() {
    let folder = tempfile::tempdir().unwrap();
    for place in [folder.path().to_owned(), folder.path().join("none")] {
        assert!(matches!(Archive::open_read_only(&place), Err(ArchiveError::Missing { .. })));
        assert!(!place.join("mail.db").exists());
    }
}

#[cfg(unix)]
#[test]
fn the_folder_and_its_files_are_closed_to_others() {
    use std::os::unix::fs::PermissionsExt as _;
    let outside = tempfile::tempdir().unwrap();
    let folder = outside.path().join("deep").join("archive");
    let archive = Archive::open(&folder).unwrap();
    import(&archive, mail("one"));
    archive.index_pending(&Cancel::new(), &mut no_report()).unwrap();
    archive.keys(View::All).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        names.push(path.file_name().unwrap().to_str().unwrap().to_owned());
    }
    names.sort();
    assert_eq!(names, ["index.db", "index.db-shm", "index.db-wal", "lock", "mail.db", "mail.db-shm", "mail.db-wal"]);
}

fn database(sql: &str) -> Vec<u8> {
    let file = tempfile::NamedTempFile::new().unwrap();
    rusqlite::Connection::open(file.path()).unwrap().execute_batch(sql).unwrap();
    fs::read(file.path()).unwrap()
}

fn newer() -> Vec<u8> {
    let (folder, archive) = opened();
    drop(archive);
    tamper(folder.path(), "PRAGMA user_version = 9");
    fs::read(folder.path().join("mail.db")).unwrap()
}

#[test]
fn what_is_not_ours_is_refused_and_left_as_it_was() {
    type Check = fn(&ArchiveError) -> bool;
    let cases: Vec<(&str, Vec<u8>, Check)> = vec![
        ("zero length", Vec::new(), |error| matches!(error, ArchiveError::Empty { .. })),
        ("an mbox", b"From - Mon\n".repeat(50), |error| matches!(error, ArchiveError::NotADatabase { .. })),
        ("cut short", b"SQLite format 3\0".to_vec(), |error| matches!(error, ArchiveError::NotADatabase { .. })),
        ("an empty database", database("VACUUM"), |error| matches!(error, ArchiveError::Foreign { .. })),
        ("another program's", database("PRAGMA application_id = 7; CREATE TABLE t (a)"), |error| {
            matches!(error, ArchiveError::Foreign { application_id: 7, .. })
        }),
        ("a newer one", newer(), |error| matches!(error, ArchiveError::Newer { found: 9, .. })),
    ];
    for (name, bytes, expected) in cases {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mail.db");
        fs::write(&path, &bytes).unwrap();
        for outcome in [Archive::open(folder.path()), Archive::open_read_only(folder.path())] {
            let error = outcome.err().unwrap();
            assert!(expected(&error), "{name}: {error:?}");
        }
        assert!(fs::read(&path).unwrap() == bytes, "{name} was changed");
    }
}

#[test]
fn a_journal_without_its_database_is_not_built_upon() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mail.db-wal"), b"something").unwrap();
    assert!(matches!(Archive::open(folder.path()), Err(ArchiveError::JournalAlone { .. })));
}

#[test]
fn half_a_creation_is_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mail.db.new"), b"half").unwrap();
    fs::write(folder.path().join("mail.db.new-wal"), b"half").unwrap();
    let archive = Archive::open(folder.path()).unwrap();
    import(&archive, mail("one"));
    assert!(!folder.path().join("mail.db.new").exists());
}

#[test]
fn damage_stops_writes_and_recovery_looks_first() {
    let (folder, archive) = opened();
    for number in 0..200 {
        import(&archive, mail(&format!("number {number}")));
    }
    drop(archive);
    let path = folder.path().join("mail.db");
    let mut bytes = fs::read(&path).unwrap();
    let whole = bytes.clone();
    for octet in bytes.iter_mut().skip(4096) {
        *octet = 0xEE;
    }
    let archive = Archive::open(folder.path()).unwrap();
    fs::write(&path, &bytes).unwrap();
    let error = archive.ingest(vec![from_file(mail("new"))]).unwrap_err();
    assert!(matches!(error, ArchiveError::Damaged { .. }), "{error:?}");
    assert!(!archive.writable());
    let stopped = archive.set_setting("a", "b");
    assert!(matches!(stopped, Err(ArchiveError::WritesStopped)), "{stopped:?}");
    assert!(archive.recover().is_err());
    fs::write(&path, &whole).unwrap();
    archive.recover().unwrap();
    assert!(archive.writable());
    import(&archive, mail("new"));
}

#[test]
fn a_full_disk_stores_nothing_of_the_batch_and_the_next_fetch_goes_on() {
    let (folder, archive) = opened();
    let visit = Visit::begin(&archive, "ben@example.org", 0);
    visit.list(&["a", "b"]);
    let before = added(visit.take("a", mail("one")));
    // No page more than there are, and SQLite answers as it does when the disk is full.
    archive.write(|transaction| Ok(transaction.pragma_update(None, "max_page_count", 1)?)).unwrap();
    let large = [mail("two"), noise(1 << 20)].concat();
    let error = archive.ingest(vec![from_file(mail("small")), visit.incoming("b", large.clone())]).unwrap_err();
    assert!(matches!(error, ArchiveError::DiskFull { .. }), "{error:?}");
    assert!(matches!(archive.ingest(vec![from_file(mail("x"))]), Err(ArchiveError::WritesStopped)));
    assert!(!archive.writable());
    assert_eq!(archive.every_stored().unwrap().len(), 1);
    assert_eq!(archive.original(before).unwrap().unwrap(), mail("one"));
    assert!(visit.proves("a") && !visit.proves("b"));
    assert!(archive.free_space().unwrap() > 0);
    archive.recover().unwrap();
    assert!(archive.writable());
    added(visit.take("b", large));
    drop((visit, archive));
    assert!(!folder.path().join("mail.db-wal").exists(), "closing brings everything into the file");
    assert_eq!(Archive::open_read_only(folder.path()).unwrap().every_stored().unwrap().len(), 2);
}

#[test]
fn one_handle_serves_many_threads() {
    fn shareable<T: Send + Sync + Clone + 'static>() {}
    shareable::<Archive>();
    let (_folder, archive) = opened();
    let threads: Vec<_> = (0..4)
        .map(|thread| {
            let archive = archive.clone();
            std::thread::spawn(move || {
                for number in 0..10 {
                    added(import(&archive, mail(&format!("{thread} {number}"))));
                    archive.index_pending(&Cancel::new(), &mut no_report()).unwrap();
                    archive.counts().unwrap();
                    archive.search("hello", View::All, Some(3), &Cancel::new()).unwrap();
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(archive.keys(View::All).unwrap().len(), 40);
}

/// FAULTS 12: a library that takes a setting and holds another.
#[test]
fn a_library_that_reports_less_than_full_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let connection = rusqlite::Connection::open(folder.path().join("x.db")).unwrap();
    let journal: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).unwrap();
    connection.execute_batch("PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL").unwrap();
    assert!(open::assured(&connection, &journal).is_ok());
    for (spoil, journal) in [
        ("PRAGMA synchronous = NORMAL", "wal"),
        ("PRAGMA synchronous = OFF", "wal"),
        ("PRAGMA synchronous = FULL", "delete"),
        ("PRAGMA foreign_keys = OFF", "wal"),
    ] {
        connection.execute_batch(spoil).unwrap();
        assert!(matches!(open::assured(&connection, journal), Err(ArchiveError::NotDurable { .. })), "{spoil}");
    }
}

/// See `.cargo/config.toml`: an archive from elsewhere can ask for nothing that would run.
#[test]
fn sqlite_cannot_load_code() {
    let (_folder, archive) = opened();
    let used = |option: &str| -> bool {
        let sql = "SELECT sqlite_compileoption_used(?1)";
        archive.read(|mail| Ok(mail.query_row(sql, [option], |row| row.get(0))?)).unwrap()
    };
    assert!(used("OMIT_LOAD_EXTENSION") && used("ENABLE_FTS5") && used("DEFAULT_MEMSTATUS=0"));
    assert!(!used("ENABLE_LOAD_EXTENSION") && !used("ENABLE_MEMORY_MANAGEMENT") && !used("ENABLE_FTS3"));
}
