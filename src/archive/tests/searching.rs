//! Searching over many shelves, parts of words, attached texts, and senders completed.

use super::*;

fn index(archive: &Archive) -> u64 {
    archive.index_pending(&Cancel::new(), &mut no_report()).unwrap()
}

fn found(archive: &Archive, query: &str) -> Vec<i64> {
    let found = archive.search(query, View::All, None, &Cancel::new()).unwrap();
    found.keys.iter().map(|key| key.message().0).collect()
}

/// One message a minute; the number stands in its subject, and every third holds a word.
fn numbered(number: i64) -> Vec<u8> {
    let date = Timestamp::from_second(1_600_000_000 + number * 60).unwrap();
    let date = jiff::fmt::rfc2822::to_string(&date.to_zoned(jiff::tz::TimeZone::UTC)).unwrap();
    let word = if number % 3 == 0 { "lantern" } else { "harbour" };
    format!(
        "From: W{} <w{}@example.org>\r\nSubject: number {number}\r\nDate: {date}\r\n\r\n{word} text\r\n",
        number % 7,
        number % 7
    )
    .into_bytes()
}

fn store(archive: &Archive, numbers: impl Iterator<Item = i64>) {
    archive.ingest(numbers.map(|number| from_file(numbered(number))).collect()).unwrap();
}

/// The numbers in the subjects of what a query finds, in their order.
fn numbers(archive: &Archive, query: &str) -> Vec<i64> {
    let found = archive.search(query, View::All, None, &Cancel::new()).unwrap();
    let rows = archive.rows(&found.keys).unwrap();
    rows.iter().map(|row| row.subject.rsplit(' ').next().unwrap().parse().unwrap()).collect()
}

#[test]
fn the_order_of_arrival_does_not_matter() {
    let orders: [fn(i64) -> i64; 3] = [|number| number, |number| 1_999 - number, |number| number * 977 % 2_000];
    for order in orders {
        let (folder, archive) = opened();
        for part in 0..4 {
            store(&archive, (part * 500..(part + 1) * 500).map(order));
            index(&archive);
        }
        let every_third: Vec<i64> = (0..2_000).rev().filter(|number| number % 3 == 0).collect();
        for query in ["lantern", "lan*", "lantern text -harbour", "from:w* lantern", "l*"] {
            assert_eq!(numbers(&archive, query), every_third, "{query}");
        }
        let newest = archive.search("lan*", View::All, Some(5), &Cancel::new()).unwrap();
        assert_eq!(archive.rows(&newest.keys).unwrap().len(), 5);
        drop(archive);
        let other = rusqlite::Connection::open(folder.path().join("index.db")).unwrap();
        let shelves: i64 = other.query_row("SELECT count(*) FROM shelf", [], |row| row.get(0)).unwrap();
        assert!((2..=6).contains(&shelves), "{shelves} shelves");
    }
}

#[test]
fn much_is_listed_first_and_then_found_newest_first() {
    let (folder, archive) = opened();
    store(&archive, 0..5_100);
    // Stopped when everything is listed, and no word is found yet.
    let stop_at = |archive: &Archive, least: u64| {
        let cancel = Cancel::new();
        let token = cancel.clone();
        let mut report = move |progress: crate::job::Progress| {
            if progress.done >= least {
                token.cancel();
            }
        };
        assert!(matches!(archive.index_pending(&cancel, &mut report), Err(ArchiveError::Cancelled(_))));
    };
    stop_at(&archive, 0);
    let keys = archive.keys(View::All).unwrap();
    assert_eq!((keys.len(), archive.counts().unwrap().to_index), (5_100, 5_100));
    assert_eq!(archive.rows(&keys[..1]).unwrap()[0].subject, "number 5099");
    assert_eq!(found(&archive, "lantern"), Vec::<i64>::new());
    stop_at(&archive, 1);
    let half = numbers(&archive, "lantern");
    assert_eq!(half.first(), Some(&5_097));
    assert!(!half.is_empty() && half.len() < 1_700, "{}", half.len());
    drop(archive);
    let archive = Archive::open(folder.path()).unwrap();
    let left = archive.counts().unwrap().to_index;
    assert!(left > 0 && left < 5_100);
    assert_eq!(index(&archive), left);
    assert_eq!(numbers(&archive, "lantern").len(), 1_700);
    assert_eq!(archive.counts().unwrap().to_index, 0);
    assert_eq!(archive.keys(View::All).unwrap(), keys);
    let row = &archive.rows(&keys[..1]).unwrap()[0];
    assert_eq!((row.preview.as_str(), row.attachments), ("harbour text", 0));
}

/// The first search of a process looks up what it finds; once the sets and keys of all mail are in memory it asks these.
#[test]
fn what_is_known_already_changes_no_answer() {
    let (folder, archive) = opened();
    let order = |number: i64| number * 977 % 2_000;
    store(&archive, (0..1_000).map(order));
    index(&archive);
    store(&archive, (1_000..2_000).map(order));
    index(&archive);
    archive.move_to_bin(&[3, 700, 1_600].map(MessageId), false, Timestamp::now()).unwrap();
    let queries = [
        "text",
        "lantern",
        "number 77",
        "7*",
        "from:w3 lantern",
        "before:2020-09-14 text",
        "after:2020-09-14 harbour",
        "text -lantern",
        "-lantern",
        "is:unread 55",
        "nothing",
        "after:2020-09-14",
        "larger:1 lantern OR 44",
    ];
    for query in queries {
        for limit in [Some(5), Some(150), None] {
            for view in [View::All, View::Unread, View::Bin] {
                let answer = |archive: &Archive| archive.search(query, view, limit, &Cancel::new()).unwrap().keys;
                let fresh = Archive::open_read_only(folder.path()).unwrap();
                let first = answer(&fresh);
                fresh.counts().unwrap();
                assert_eq!(first, answer(&fresh), "{query} {limit:?} {view:?}");
                assert!(first.is_sorted_by(|one, other| one > other), "{query}: newest first, each once");
                assert_eq!(first.is_empty(), query == "nothing" || (view == View::Bin && answer(&archive).is_empty()));
            }
        }
    }
    let missing = found(&archive, "text");
    assert!([3, 700, 1_600].iter().all(|id| !missing.contains(id)) && missing.len() == 1_997, "{}", missing.len());
}

/// Of a large shelf of older mail, too: to know the keys of all mail would take longer than all else.
#[test]
fn a_page_needs_no_look_at_all_mail() {
    let (folder, archive) = opened();
    store(&archive, 0..3_000);
    index(&archive);
    drop(archive);
    let fresh = Archive::open_read_only(folder.path()).unwrap();
    let page = |limit| fresh.search("before:2020-09-14 text", View::All, limit, &Cancel::new()).unwrap().keys;
    let first = page(Some(100));
    assert_eq!(first.len(), 100);
    assert!(fresh.known_already().unwrap().keys.is_none(), "all keys were read for a page");
    assert_eq!(first, page(None)[..100]);
}

#[test]
fn pages_come_first_and_all_of_them_make_the_count() {
    let (_folder, archive) = opened();
    store(&archive, 0..1_200);
    index(&archive);
    let mut pages = Vec::new();
    let all = archive.search_pages("text", View::All, &Cancel::new(), &mut |page| {
        pages.push(page.len());
        true
    });
    assert_eq!((all.unwrap().complete, pages.first(), pages.iter().sum()), (true, Some(&100), 1_200));
    let mut seen = 0;
    let stopped = archive.search_pages("text", View::All, &Cancel::new(), &mut |page| {
        seen += page.len();
        false
    });
    assert_eq!((stopped.unwrap().complete, seen), (false, 100));
    // A cancelled query ends without an error, whatever it is, and says that it is not complete.
    for query in ["text", "t*", "-text", "", "is:unread text OR lantern", "larger:1"] {
        let cancel = Cancel::new();
        cancel.cancel();
        let mut given = 0;
        let searched = archive.search_pages(query, View::All, &cancel, &mut |page| {
            given += page.len();
            true
        });
        assert_eq!((searched.unwrap().complete, given), (false, 0), "{query}");
    }
}

#[test]
fn things_are_found_by_their_parts() {
    let (_folder, archive) = opened();
    let original = b"From: Ann Lee <ann@mail.example.org>\r\nTo: b@x.example\r\nSubject: Invoice 1,234.50\r\n\
        Content-Type: multipart/mixed; boundary=m\r\n\r\n\
        --m\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n--a\r\n\r\nplain words only\r\n\
        --a\r\nContent-Type: text/html\r\n\r\n<p>rich words\r\n--a--\r\n\
        --m\r\nContent-Type: application/pdf; name=\"report-2024.final.pdf\"\r\n\r\nx\r\n\
        --m\r\nContent-Type: text/calendar; name=tea.ics\r\n\r\nSUMMARY:teatime\r\n\
        --m\r\nContent-Type: message/rfc822\r\n\r\nFrom: Inner <i@deep.example>\r\nSubject: nested\r\n\r\nburied text\r\n\
        --m--\r\n";
    import(&archive, original.to_vec());
    index(&archive);
    for query in [
        "example",
        "mail.example.org",
        "ann@mail.example.org",
        "from:example.org",
        "from:ann",
        "1234 OR 1,234.50",
        "234",
        "1,234.50",
        "filename:report",
        "filename:2024",
        "pdf",
        "report-2024.final.pdf",
        "filename:fin*",
        "rich",
        "\"rich words\"",
        "\"plain words\"",
        "teatime",
        "buried",
        "nested",
        "deep.example",
        "Inner",
        "tea.ics",
    ] {
        assert_eq!(found(&archive, query), [1], "{query}");
    }
    for query in ["\"only rich\"", "from:inner", "subject:nested", "filename:report.pdf", "mail.org"] {
        assert_eq!(found(&archive, query), Vec::<i64>::new(), "{query}");
    }
}

#[test]
fn senders_are_completed_the_most_frequent_first() {
    let (_folder, archive) = opened();
    let visit = Visit::begin(&archive, "ben@example.org", 0);
    for (number, from) in [
        "Zoë Müller <zoe@example.org>",
        "<zoe@example.org>",
        "Zoe M. <ZOE@example.org>",
        "Ann Zoellner <ann@other.example>",
        "Ann Zoellner <ann@other.example>",
        "Nobody",
    ]
    .iter()
    .enumerate()
    {
        let original =
            format!("From: {from}\r\nSubject: {number}\r\nDate: {} Jan 2020 00:00:00 +0000\r\n\r\nx\r\n", number + 1);
        added(visit.take(&number.to_string(), original.into_bytes()));
    }
    index(&archive);
    let named = |prefix: &str| -> Vec<(String, u64)> {
        let senders = archive.completions(prefix, 10).unwrap();
        senders.into_iter().map(|sender| (format!("{} {}", sender.name, sender.address), sender.messages)).collect()
    };
    let zoe = ("Zoe M. ZOE@example.org".to_owned(), 3);
    let ann = ("Ann Zoellner ann@other.example".to_owned(), 2);
    assert_eq!(named("zo"), [zoe.clone(), ann.clone()]);
    assert_eq!(named("MÜL"), std::slice::from_ref(&zoe));
    assert_eq!(named("other.ex"), std::slice::from_ref(&ann));
    assert_eq!(named("ann zo"), [ann]);
    assert_eq!(named("zz"), []);
    assert_eq!(named("").len(), 3);
    assert_eq!(archive.completions("", 1).unwrap().len(), 1);
    let account = archive.account("ben@example.org").unwrap().unwrap();
    archive.remove_account(account.id, Mail::Erase).unwrap();
    assert_eq!(named("zo"), []);
}
