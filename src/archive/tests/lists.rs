//! Lists, counts, search and the index under them.

use super::*;

fn index(archive: &Archive) -> u64 {
    archive.index_pending(&Cancel::new(), &mut no_report()).unwrap()
}

fn subjects(archive: &Archive, keys: &[SortKey]) -> Vec<String> {
    archive.rows(keys).unwrap().into_iter().map(|row| row.subject).collect()
}

fn shown(archive: &Archive, view: View) -> Vec<String> {
    subjects(archive, &archive.keys(view).unwrap())
}

fn found(archive: &Archive, query: &str) -> Vec<String> {
    let found = archive.search(query, View::All, None, &Cancel::new()).unwrap();
    subjects(archive, &found.keys)
}

fn dated(subject: &str, date: &str, body: &str) -> Vec<u8> {
    format!("From: Zoë Müller <zoe@example.org>\r\nTo: Ben <ben@example.org>\r\nSubject: {subject}\r\nDate: {date}\r\n\r\n{body}\r\n")
        .into_bytes()
}

#[test]
fn newest_first_whatever_came_first_and_the_future_is_arrival() {
    let (_folder, archive) = opened();
    for (subject, date) in [
        ("middle", "Thu, 02 Mar 2023 10:00:00 +0000"),
        ("future", "Fri, 01 Jan 2038 10:00:00 +0000"),
        ("oldest", "Mon, 02 Mar 1998 10:00:00 +0000"),
        ("dateless", "yesterday"),
        ("before 1970", "Mon, 02 Mar 1959 10:00:00 +0000"),
    ] {
        import(&archive, dated(subject, date, "text"));
    }
    assert_eq!(archive.keys(View::All).unwrap(), []);
    assert_eq!(archive.counts().unwrap().to_index, 5);
    assert_eq!(index(&archive), 5);
    assert_eq!(index(&archive), 0);
    assert_eq!(archive.counts().unwrap().to_index, 0);
    assert_eq!(shown(&archive, View::All), ["dateless", "future", "middle", "oldest", "before 1970"]);
    let rows = archive.rows(&archive.keys(View::All).unwrap()).unwrap();
    assert_eq!(rows[0].date, at(7));
    assert_eq!(rows[1].date, at(7));
    assert_eq!(rows[2].from_name, "Zoë Müller");
    assert_eq!(rows[2].from_address, "zoe@example.org");
    assert_eq!(rows[2].preview, "text");
    assert!(rows.iter().all(|row| archive.key(row.id).unwrap() == Some(row.key) && row.key.message() == row.id));
    assert_eq!(archive.key(MessageId(77)).unwrap(), None);
    assert_eq!(archive.rows(&[SortKey(12345), rows[3].key]).unwrap(), rows[3..4]);
}

#[test]
fn views_and_counts_follow_marks_and_copies() {
    let (_folder, archive) = opened();
    let visit = Visit::begin(&archive, "ben@example.org", 0);
    visit.list(&["a", "b"]);
    let one = added(visit.take("a", mail("one")));
    let two = added(import(&archive, mail("two")));
    let Ingested::Twin { .. } = visit.take("b", traced("two")) else { panic!("no twin") };
    let three = added(import(&archive, mail("three")));
    index(&archive);
    assert_eq!(shown(&archive, View::All), ["three", "two", "one"], "the twin is not shown");
    assert_eq!(shown(&archive, View::Account(visit.account.id)), ["two", "one"]);
    archive.set_read(&[one, two], true).unwrap();
    archive.set_read(&[two], false).unwrap();
    archive.set_starred(&[three, MessageId(999)], true).unwrap();
    archive.record_backup("usb", Path::new("/media/usb"), &[one, three], at(500)).unwrap();
    assert_eq!(shown(&archive, View::Unread), ["three", "two"]);
    assert_eq!(shown(&archive, View::Starred), ["three"]);
    let counts = archive.counts().unwrap();
    let expected = Counts {
        all: 3,
        unread: 2,
        starred: 1,
        on_server: 2,
        in_backup: 2,
        bin: 0,
        accounts: vec![(visit.account.id, 2)],
        to_index: 0,
    };
    assert_eq!(counts, expected);
    let rows = archive.rows(&archive.keys(View::All).unwrap()).unwrap();
    let lights: Vec<_> = rows.iter().map(|row| (row.on_server, row.in_backup.is_some(), row.marks.read)).collect();
    assert_eq!(lights, [(false, true, false), (true, false, false), (true, true, true)]);
    for (query, subjects) in [
        ("copies:1", vec![]),
        ("copies:2", vec!["three", "two"]),
        ("copies:3", vec!["one"]),
        ("is:unread", vec!["three", "two"]),
        ("-is:unread", vec!["one"]),
        ("is:starred OR one", vec!["three", "one"]),
        ("account:ben", vec!["two", "one"]),
    ] {
        assert_eq!(found(&archive, query), subjects, "{query}");
    }
    assert_eq!(archive.last_backup().unwrap(), Some(("/media/usb".into(), at(500))));
    archive.record_backup("usb", Path::new("/media/usb"), &[two], at(600)).unwrap();
    let rows = archive.rows(&archive.keys(View::All).unwrap()).unwrap();
    assert_eq!(rows.iter().map(|row| row.in_backup).collect::<Vec<_>>(), [None, Some(at(600)), None]);
}

#[test]
fn search_finds_what_the_language_says() {
    let (_folder, archive) = opened();
    for (subject, date, body) in [
        ("Crème brûlée", "Thu, 02 Mar 2023 10:00:00 +0000", "a recipe with eggs and sugar"),
        ("日本語のメール", "Sat, 04 Mar 2023 10:00:00 +0000", "猫が好きです"),
        ("Invoice", "Sun, 05 Mar 2023 10:00:00 +0000", "eggs were sold; sugar too, in wordy words"),
    ] {
        import(&archive, dated(subject, date, body));
    }
    let long = "much more text ".repeat(1_000);
    import(&archive, dated("Long", "Tue, 14 Nov 2023 10:00:00 +0000", &long));
    index(&archive);
    let (cake, cat, invoice) = ("Crème brûlée", "日本語のメール", "Invoice");
    for (query, subjects) in [
        ("creme", vec![cake]),
        ("BRÛLÉE recipe", vec![cake]),
        ("eggs sugar", vec![invoice, cake]),
        ("\"eggs and sugar\"", vec![cake]),
        ("eggs -recipe", vec![invoice]),
        ("-eggs", vec!["Long", cat]),
        ("-eggs -text", vec![cat]),
        ("wor*", vec![invoice]),
        ("wor", vec![]),
        ("recipe OR invoice", vec![invoice, cake]),
        ("eggs recipe OR invoice", vec![invoice, cake]),
        ("recipe OR is:starred", vec![cake]),
        ("from:zoe recipe", vec![cake]),
        ("from:muller@example.org", vec![]),
        ("from:zoe@example.org eggs", vec![invoice, cake]),
        ("from:ben", vec![]),
        ("to:ben cr*", vec![cake]),
        ("subject:eggs", vec![]),
        ("subject:inv*", vec![invoice]),
        ("本語", vec![cat]),
        ("日本語", vec![cat]),
        ("猫", vec![cat]),
        ("日語", vec![]),
        ("before:2023-03-04 eggs", vec![cake]),
        ("after:2023-11", vec!["Long"]),
        ("after:2024", vec![]),
        ("date:2023-03 eggs", vec![invoice, cake]),
        ("date:2023", vec!["Long", invoice, cat, cake]),
        ("-date:2023-03", vec!["Long"]),
        ("date:2023-11 OR recipe", vec!["Long", cake]),
        ("larger:5k", vec!["Long"]),
        ("smaller:5k", vec![invoice, cat, cake]),
        ("has:attachment", vec![]),
        ("", vec!["Long", invoice, cat, cake]),
    ] {
        assert_eq!(found(&archive, query), subjects, "{query}");
    }
    let two = archive.search("", View::All, Some(2), &Cancel::new()).unwrap();
    assert_eq!(subjects(&archive, &two.keys), ["Long", invoice]);
    let noted = archive.search("larger:huge eggs", View::All, None, &Cancel::new()).unwrap();
    assert_eq!((noted.keys.len(), noted.notes.len()), (0, 1));
    archive.set_read(&[MessageId(1)], true).unwrap();
    let unread = archive.search("eggs", View::Unread, None, &Cancel::new()).unwrap();
    assert_eq!(subjects(&archive, &unread.keys), [invoice]);
    let cancel = Cancel::new();
    cancel.cancel();
    archive.search("eggs", View::All, None, &cancel).unwrap();
}

#[test]
fn a_missing_damaged_or_other_index_is_built_again() {
    let (folder, archive) = opened();
    for number in 0..20 {
        import(&archive, mail(&format!("number {number}")));
    }
    index(&archive);
    let before = archive.keys(View::All).unwrap();
    drop(archive);
    let path = folder.path().join("index.db");
    let whole = fs::read(&path).unwrap();
    let damaged: Vec<u8> = whole.iter().enumerate().map(|(at, octet)| if at < 8192 { *octet } else { 0xEE }).collect();
    let cases: Vec<(&str, Option<Vec<u8>>)> = vec![
        ("missing", None),
        ("empty", Some(Vec::new())),
        ("no database", Some(b"From - Mon Jan\n".repeat(999))),
        ("damaged", Some(damaged)),
        ("cut", Some(whole[..whole.len() / 2].to_vec())),
    ];
    for (name, bytes) in cases {
        for suffix in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(folder.path().join(format!("index.db{suffix}")));
        }
        if let Some(bytes) = bytes {
            fs::write(&path, bytes).unwrap();
        }
        let reader = Archive::open_read_only(folder.path()).unwrap();
        reader.keys(View::All).unwrap();
        assert!(reader.rows(&before).unwrap().len() <= 20, "{name}");
        reader.search("number", View::All, None, &Cancel::new()).unwrap();
        drop(reader);
        let archive = Archive::open(folder.path()).unwrap();
        index(&archive);
        assert_eq!(archive.keys(View::All).unwrap(), before, "{name}");
        assert_eq!(found(&archive, "number").len(), 20, "{name}");
        assert_eq!(archive.rows(&before).unwrap().len(), 20, "{name}");
    }
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("PRAGMA user_version = 77; DROP TABLE envelope").unwrap();
    drop(other);
    let archive = Archive::open(folder.path()).unwrap();
    assert_eq!(archive.keys(View::All).unwrap(), []);
    assert_eq!(index(&archive), 20);
    assert_eq!(archive.keys(View::All).unwrap(), before);
}

#[test]
fn the_index_catches_up_and_forgets_what_was_erased() {
    let (folder, archive) = opened();
    let visit = Visit::begin(&archive, "ben@example.org", 0);
    visit.take("a", mail("his"));
    import(&archive, mail("kept"));
    index(&archive);
    import(&archive, mail("later"));
    drop((visit, archive));
    // A hole below the last, as no crash leaves it.
    let connection = rusqlite::Connection::open(folder.path().join("index.db")).unwrap();
    connection.execute_batch("DELETE FROM words_1 WHERE rowid = (SELECT min(message) FROM envelope)").unwrap();
    connection.execute_batch("DELETE FROM envelope WHERE message = (SELECT min(message) FROM envelope)").unwrap();
    drop(connection);
    let archive = Archive::open(folder.path()).unwrap();
    assert_eq!(index(&archive), 2);
    assert_eq!(found(&archive, "hello").len(), 3);
    let account = archive.account("ben@example.org").unwrap().unwrap();
    archive.remove_account(account.id, Mail::Erase).unwrap();
    assert_eq!(shown(&archive, View::All), ["later", "kept"]);
    assert_eq!(found(&archive, "his"), Vec::<String>::new());
    let connection = rusqlite::Connection::open(folder.path().join("index.db")).unwrap();
    let rows: i64 = connection.query_row("SELECT count(*) FROM envelope", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 2);
}

#[test]
fn reindex_builds_the_same_and_a_cancelled_one_changes_nothing() {
    let (folder, archive) = opened();
    archive.ingest((0..2_300).map(|number| from_file(mail(&format!("number {number}")))).collect()).unwrap();
    let mut seen = Vec::new();
    archive.index_pending(&Cancel::new(), &mut |progress| seen.push(progress.done)).unwrap();
    assert_eq!(seen, [500, 1_000, 1_500, 2_000, 2_300], "a shelf at a time");
    let before = archive.keys(View::All).unwrap();
    let cancel = Cancel::new();
    let token = cancel.clone();
    let half = archive.reindex(&cancel, &mut |_| token.cancel());
    assert!(matches!(half, Err(ArchiveError::Cancelled(_))));
    assert_eq!(archive.keys(View::All).unwrap(), before);
    assert_eq!(found(&archive, "number").len(), 2_300);
    assert_eq!(archive.reindex(&Cancel::new(), &mut no_report()).unwrap(), 2_300);
    assert_eq!(archive.keys(View::All).unwrap(), before);
    assert_eq!(found(&archive, "number").len(), 2_300);
    assert!(!folder.path().join("index.db.new").exists());
    import(&archive, mail("one more"));
    assert_eq!(index(&archive), 1);
    assert_eq!(found(&archive, "more").len(), 1);
    assert_eq!(archive.keys(View::All).unwrap().len(), 2_301, "lists look at the new file");
    let reader = Archive::open_read_only(folder.path()).unwrap();
    assert_eq!(reader.keys(View::All).unwrap().len(), 2_301);
    assert!(matches!(reader.index_pending(&cancel, &mut no_report()), Err(ArchiveError::OpenedForReading)));
}

/// The words of much mail are in one piece on each shelf, whatever the order of its dates and however many batches they
/// were read in; and what was entered before somebody stopped it stays entered.
#[test]
fn much_mail_leaves_one_piece_on_each_shelf() {
    let (folder, archive) = opened();
    let numbered = |number: u32| {
        let (day, text) = (number * 7 % 28 + 1, "many words ".repeat(300));
        dated(&format!("number {number}"), &format!("{day:02} Feb 2021 10:{:02}:00 +0000", number % 60), &text)
    };
    archive.ingest((0..3_000).map(|number| from_file(numbered(number))).collect()).unwrap();
    let cancel = Cancel::new();
    let mut batches = Vec::new();
    let stopped = archive.index_pending(&cancel, &mut |progress| {
        batches.push(progress.done);
        if progress.done > 500 {
            cancel.cancel();
        }
    });
    assert!(matches!(stopped, Err(ArchiveError::Cancelled(_))));
    assert!(batches.iter().any(|done| (1..500).contains(done)), "a shelf is read in several batches: {batches:?}");
    let entered = batches.last().copied().unwrap();
    assert!(!entered.is_multiple_of(500), "stopped in the middle of a shelf");
    assert_eq!(archive.counts().unwrap().to_index, 3_000 - entered, "nothing that was entered is lost");
    assert_eq!(found(&archive, "words").len() as u64, entered);
    assert_eq!(shown(&archive, View::All).len(), 3_000, "the list is whole");
    archive.reindex(&Cancel::new(), &mut no_report()).unwrap();
    assert_eq!(found(&archive, "words").len(), 3_000);
    let index = rusqlite::Connection::open(folder.path().join("index.db")).unwrap();
    let shelves: i64 = index.query_row("SELECT max(number) FROM shelf", [], |row| row.get(0)).unwrap();
    assert!(shelves > 2, "{shelves}");
    for shelf in 1..=shelves {
        let sql = format!("SELECT count(DISTINCT segid), count(*) > 0 FROM words_{shelf}_idx");
        let pieces = index.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        assert_eq!(pieces, (1, true), "shelf {shelf}");
    }
}

#[test]
fn an_index_that_is_damaged_while_open_is_replaced() {
    let (folder, archive) = opened();
    for number in 0..50 {
        import(&archive, mail(&format!("number {number}")));
    }
    index(&archive);
    for suffix in ["", "-wal"] {
        let path = folder.path().join(format!("index.db{suffix}"));
        let octets = fs::metadata(&path).unwrap().len();
        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        std::io::Write::write_all(&mut &file, &vec![0xEE; usize::try_from(octets).unwrap()]).unwrap();
    }
    import(&archive, mail("another"));
    index(&archive);
    // Whoever meets the damage sees an empty list, and the next indexing mends it.
    archive.keys(View::All).unwrap();
    found(&archive, "hello");
    index(&archive);
    assert_eq!(archive.keys(View::All).unwrap().len(), 51);
    assert_eq!(found(&archive, "hello").len(), 51);
}

#[test]
fn no_query_fails() {
    let (_folder, archive) = opened();
    import(&archive, mail("one"));
    index(&archive);
    let any = |query: &str| {
        archive.search(query, View::All, Some(5), &Cancel::new()).unwrap();
    };
    for query in [
        "\"",
        "*",
        "-",
        "--",
        "OR",
        "OR OR",
        "a OR",
        "NEAR(a b)",
        "^a",
        "a AND",
        "NOT",
        "(",
        ")",
        "{subject}:a",
        "subject:",
        "subject:\"",
        "\0",
        "a\0\"b",
        "+",
        "a+b",
        "words:a",
        "rowid:1",
        "-\"\"",
        "\"\"*",
        "a\"b\"c",
        "date:9999-12-31",
        "after:9999",
        "before:0000",
        "date:0000-00-00",
        "larger:99999999999999999999",
        "smaller:0",
        "larger:18446744073709551615",
        "copies:0",
        "copies:-1",
        "account:",
        "account:\"\"",
        "\u{10FFFF}",
        "🦀",
        "ᱚᱞ",
        "-date:9999",
        "larger:17179869184g",
    ] {
        any(query);
    }
    let pieces = proptest::sample::select(vec![
        "\"",
        "*",
        "-",
        " ",
        "OR",
        "from:",
        "is:unread",
        "date:",
        "2024",
        "\0",
        "é",
        "猫",
        "(",
        ")",
        ":",
        "NEAR",
        "^",
        "word",
        "^",
        "{",
        "}",
        "+",
        "AND",
        "NOT",
        "larger:",
        "5M",
    ]);
    let joined = proptest::collection::vec(pieces, 0..12).prop_map(|pieces| pieces.concat());
    use proptest::prelude::*;
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 500,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    runner
        .run(&prop_oneof![joined, proptest::prelude::any::<String>()], |query| {
            any(&query);
            Ok(())
        })
        .unwrap();
}
