//! Files of Outlook, made here, are read: whole, hidden in each way, damaged and hostile.

#[path = "../../../tests/support/outlook.rs"]
pub mod build;

use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::ops::Range;

use self::build::{DataFile as Made, Form, Heap, Hiding, OPEN, Thing, id, kind, octets, things, wide};
use super::cipher::{Cipher, hide};
use super::{DataFile, Mail, Missing, Taken, Tally, message_file};
use crate::job::{Cancel, Cancelled};

const LARGEST: usize = 1 << 20;
/// As Outlook hides what it writes unless it is told otherwise.
pub const HIDDEN: Hiding = Hiding(1, |octets, block| hide(Cipher::Permute, octets, block));
const HIDDEN_MORE: Hiding = Hiding(2, |octets, block| hide(Cipher::Cyclic, octets, block));

/// A disk on which some places cannot be read, and whose user stops what reads it once some octets were read.
pub struct Disk {
    octets: Cursor<Vec<u8>>,
    bad: Range<u64>,
    stop: (u64, Cancel),
    pub read: u64,
}

impl Disk {
    pub fn new(octets: Vec<u8>, bad: Range<u64>) -> Disk {
        Disk { octets: Cursor::new(octets), bad, stop: (u64::MAX, Cancel::new()), read: 0 }
    }

    /// Sets the token once so many octets were read.
    pub fn stopping(octets: Vec<u8>, after: u64, cancel: &Cancel) -> Disk {
        Disk { stop: (after, cancel.clone()), ..Disk::new(octets, 0..0) }
    }
}

impl Read for Disk {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let at = self.octets.position();
        if self.bad.contains(&at) {
            return Err(io::Error::other("a bad sector"));
        }
        let until = if at < self.bad.start { self.bad.start - at } else { u64::MAX };
        let read = self.octets.by_ref().take(until).read(to)?;
        self.read += read as u64;
        if self.read >= self.stop.0 {
            self.stop.1.cancel();
        }
        Ok(read)
    }
}

impl Seek for Disk {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.octets.seek(to)
    }
}

fn open<F: Read + Seek>(file: F, largest: usize) -> Result<DataFile<F>, String> {
    DataFile::open(file, largest, &Cancel::new()).unwrap()
}

fn all<F: Read + Seek>(mut file: DataFile<F>) -> Vec<Taken> {
    std::iter::from_fn(|| file.next_message().unwrap()).collect()
}

fn read(file: &[u8]) -> Result<Vec<Taken>, String> {
    open(Cursor::new(file), LARGEST).map(all)
}

fn mails(taken: Vec<Taken>) -> Vec<Mail> {
    taken.into_iter().filter_map(|taken| if let Taken::Mail(mail) = taken { Some(mail) } else { None }).collect()
}

fn text(mail: &Mail) -> String {
    String::from_utf8(mail.bytes.clone()).unwrap()
}

#[test]
fn what_outlook_keeps_of_a_message_is_in_what_is_made_of_it() {
    let taken = read(&Made::with(Form::Unicode, HIDDEN, &things()).octets()).unwrap();
    assert_eq!(taken.iter().filter(|taken| matches!(taken, Taken::NotMail)).count(), 1);
    let mails = mails(taken);
    let [came, written, signed] = mails.as_slice() else { panic!("{} messages", mails.len()) };
    assert_eq!(
        text(came),
        "Received: from a\r\n by b\r\nFrom: Anna <anna@example.org>\r\nSubject: As it came\r\n\
         Date: Sun, 9 Sep 2001 01:46:40 +0000\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=\"utf-8\"\r\n\
         Content-Transfer-Encoding: quoted-printable\r\n\r\nHello Anna,\r\ncaf=C3=A9.\r\n"
    );
    assert!(came.flags.marks.read && came.flags.marks.starred && !came.flawed);
    assert_eq!(came.arrived.unwrap().as_second(), 1_000_000_000);
    let whole = text(written);
    for part in [
        "From: \"Bert, the First\" <bert@example.org>\r\n",
        "To: \"Anna\" <anna@example.org>, <c@example.org>\r\n",
        "Cc: \"An office\":;\r\n",
        "Message-ID: <1@example.org>\r\n",
        "Content-Type: multipart/mixed;",
        "Content-Type: multipart/related;",
        "Content-Type: multipart/alternative;",
        "Content-Type: text/html; charset=\"windows-1252\"\r\n",
        "Content-ID: <logo@here>\r\n",
        "filename*=UTF-8''gro%C3%9Fe%20Datei.txt",
        "Content-Type: message/rfc822\r\n",
        "Subject: Inside\r\n",
    ] {
        assert!(whole.contains(part), "{part}\n{whole}");
    }
    assert!(!whole.contains('\u{1}') && written.missing.elsewhere == 1 && !written.flawed);
    assert!(
        text(signed)
            .ends_with("MIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary=b\r\n\r\n--b\r\nas it was\r\n")
    );
}

#[test]
fn the_same_message_is_made_of_the_same_properties_however_they_are_kept() {
    let all = |form, hiding| {
        let taken = read(&Made::with(form, hiding, &things()).octets()).unwrap();
        mails(taken).iter().map(text).collect::<Vec<_>>()
    };
    let expected = all(Form::Unicode, OPEN);
    assert_eq!(expected.len(), 3);
    for form in [Form::Ansi, Form::Unicode, Form::Large] {
        for hiding in [OPEN, HIDDEN, HIDDEN_MORE] {
            assert_eq!(all(form, hiding), expected, "{form:?}, hidden in way {}", hiding.0);
        }
    }
    let kept = things();
    for (thing, expected) in
        kept.iter().filter(|thing| !thing.properties[0].2.starts_with(b"I\0P\0M\0.\0C\0")).zip(&expected)
    {
        let Some(Taken::Mail(mail)) = message_file(&build::message_file(thing), LARGEST) else { panic!("a mail") };
        assert_eq!(&text(&mail), expected);
    }
    assert!(matches!(message_file(&build::message_file(&kept[2]), LARGEST), Some(Taken::NotMail)));
}

#[test]
fn a_damaged_data_file_gives_what_is_whole_in_it() {
    let whole = Made::with(Form::Unicode, HIDDEN, &things()).octets();
    let pages = whole.len() - 4 * 512 - 512;
    for at in (0x4400..pages).step_by(131) {
        let mut file = whole.clone();
        file[at] ^= 0x5a;
        let found = mails(read(&file).unwrap());
        assert!(found.len() >= 2, "octet {at}: {} messages", found.len());
        assert!(
            found.iter().map(|mail| mail.missing.elsewhere).sum::<u64>() <= 1,
            "octet {at}: a damaged file is no link"
        );
    }
    for at in (0..0x4400).step_by(401).chain(pages..whole.len()) {
        let mut file = whole.clone();
        file[at] ^= 0xff;
        drop(read(&file));
    }
    for end in (0..whole.len()).step_by(97) {
        drop(read(&whole[..end]));
    }
    // The upper pages are lost: those below are found by looking for them.
    let mut file = whole;
    file[224..248].fill(0);
    let file = open(Cursor::new(&file[..]), LARGEST).unwrap();
    assert!(file.is_damaged());
    assert_eq!(mails(all(file)).len(), 3);
}

#[test]
fn what_turns_in_a_circle_or_is_endless_comes_to_an_end() {
    let list = |kind: u8, level: u8, id: u64| {
        let mut list = vec![kind, level];
        list.extend(1000_u16.to_le_bytes().into_iter().chain([0; 4]));
        list.extend((0..1000).flat_map(|_| id.to_le_bytes()));
        list
    };
    for (blocks, data, inside) in [
        // A list of blocks that lists itself; one of lists of one block, a thousand times a thousand; nodes in a circle.
        (vec![(6, list(1, 2, 6))], 6, 0),
        (vec![(4, vec![7; 8000]), (10, list(1, 1, 4)), (14, list(1, 2, 10))], 14, 0),
        (vec![(4, vec![0; 100]), (10, list(2, 1, 10))], 4, 10),
    ] {
        let mut made = Made::new(Form::Unicode, OPEN);
        made.blocks = blocks;
        made.nodes = vec![(0x24, data, inside)];
        assert!(matches!(read(&made.octets()).unwrap()[..], [Taken::Failed(_)]));
    }
    // A page that is its own child.
    let mut file = Made::with(Form::Unicode, OPEN, &things()).octets();
    file.resize(file.len().next_multiple_of(512), 0);
    let own = file.len() as u64;
    let entry = [[0; 8], [0; 8], own.to_le_bytes()].concat();
    build::page(Form::Unicode, &mut file, build::NODE_PAGE, (1, 24), &entry, 0);
    file[224..232].copy_from_slice(&own.to_le_bytes());
    assert_eq!(mails(read(&file).unwrap()).len(), 3);
}

#[test]
fn a_damaged_message_file_gives_an_answer() {
    let whole = build::message_file(&things()[1]);
    for at in (0..whole.len()).step_by(53) {
        let mut file = whole.clone();
        file[at] ^= 0xff;
        drop(message_file(&file, LARGEST));
        drop(message_file(&whole[..at], LARGEST));
    }
}

#[test]
fn what_cannot_be_read_is_named() {
    let made = Made::with(Form::Unicode, OPEN, &things()).octets();
    let with = |at: usize, octet: u8| {
        let mut file = made.clone();
        file[at] = octet;
        read(&file).err().unwrap_or_default()
    };
    assert!(with(513, 0x10).contains("Windows Information Protection"));
    assert!(with(10, 99).contains("(99)"));
    assert!(with(0, b'?').contains("is not a data file of Outlook"));
    let mut large = things();
    large[0].properties.push(octets(id::RTF_COMPRESSED, &vec![0; LARGEST + 1]));
    let taken = read(&Made::with(Form::Unicode, OPEN, &large).octets()).unwrap();
    assert!(matches!(&taken[0], Taken::Failed(why) if why == super::TOO_LARGE) && mails(taken).len() == 2);
}

/// A message whose recipients are in a table of one row, which the index names twenty thousand times. They are of a kind
/// that no header field has, so that they make no mail that is too large.
fn twenty_thousand_rows(columns: &[(u16, u16)], name: &str) -> Vec<u8> {
    let mut heap = Heap::new(0x7c);
    let name = heap.add(&wide(0, name).2);
    let leaf = heap.add(&[0; 8].repeat(150));
    let above = heap.add(&[[0; 4], leaf.to_le_bytes()].concat().repeat(150));
    let index = heap.tree_above(above, 4, 4, 1);
    let mut row: Vec<u8> =
        columns.iter().flat_map(|(kind, _)| if *kind == kind::I32 { 9 } else { name }.to_le_bytes()).collect();
    row.push(0xff);
    let rows = heap.add(&row);
    heap.table(columns, index, rows);
    let mut file = Made::new(Form::Unicode, OPEN);
    let table = file.block(heap.block(), false);
    let data = file.properties(&[wide(id::SUBJECT, "Many")], &mut Vec::new());
    let inside = file.inside(vec![(0x692, table, 0)]);
    file.nodes = vec![(0x24, data, inside)];
    file.octets()
}

#[test]
fn values_that_are_named_again_and_again_are_counted_each_time() {
    let kinds = [(kind::I32, id::RECIPIENT_TYPE), (kind::WIDE, id::DISPLAY_NAME), (kind::WIDE, id::SMTP_ADDRESS)];
    let read = |file: &[u8], largest| all(open(Cursor::new(file), largest).unwrap());
    let too_large = |taken: &[Taken]| matches!(taken, [Taken::Failed(why)] if why == super::TOO_LARGE);
    // 80 MB of names.
    let file = twenty_thousand_rows(&kinds, &"n".repeat(1000));
    assert!(file.len() < 40_000 && too_large(&read(&file, 16 << 20)));
    // Rows without any: there is room for them in a message of 16 MB, but not in one of 1 MB.
    let file = twenty_thousand_rows(&kinds, "");
    assert!(matches!(&read(&file, 16 << 20)[..], [Taken::Mail(mail)] if !mail.flawed));
    assert!(too_large(&read(&file, 1 << 20)));
}

#[test]
fn a_header_section_of_any_length_gives_a_header_section() {
    let lines = "X-Line: of many\r\n".repeat(150_000);
    let line = format!("X-Line: {}\r\n", "long ".repeat(400_000));
    let folded = format!("X-Line:\r\n{}", " more\r\n".repeat(300_000));
    let ids = "<one@example.org> ".repeat(100_000);
    for (number, property) in [
        wide(id::TRANSPORT_MESSAGE_HEADERS, &lines),
        wide(id::TRANSPORT_MESSAGE_HEADERS, &line),
        wide(id::TRANSPORT_MESSAGE_HEADERS, &folded),
        wide(id::INTERNET_REFERENCES, &ids),
    ]
    .into_iter()
    .enumerate()
    {
        let thing = Thing { properties: vec![property, wide(id::BODY, "the text")], ..Thing::default() };
        let file = Made::with(Form::Unicode, OPEN, &[thing]).octets();
        let mails = mails(all(open(Cursor::new(&file[..]), 64 << 20).unwrap()));
        let [mail] = &mails[..] else { panic!("{number}: {} messages", mails.len()) };
        assert!((1_000_000..1_300_000).contains(&mail.bytes.len()), "{number}: {}", mail.bytes.len());
        assert!(text(mail).trim_end().ends_with("\r\n\r\nthe text"), "{number}");
        assert_eq!(mail.missing.header, number < 3, "{number}: it is told");
    }
}

#[test]
fn a_bad_sector_in_the_tree_of_pages_loses_nothing_that_stands_elsewhere() {
    let file = Made::with(Form::Unicode, OPEN, &things()).octets();
    for place in [224, 240] {
        let root = u64::from_le_bytes(file[place..place + 8].try_into().unwrap());
        let file = open(Disk::new(file.clone(), root..root + 512), LARGEST).unwrap();
        assert!(file.is_damaged());
        assert_eq!(mails(all(file)).len(), 3, "{place}");
    }
}

#[test]
fn of_pages_that_lie_about_the_newest_counts() {
    let thing = |subject: &str| Thing { properties: vec![wide(id::SUBJECT, subject)], ..Thing::default() };
    for (form, word, head) in [(Form::Ansi, 4, 188), (Form::Unicode, 8, 224), (Form::Large, 8, 224)] {
        let mut made = Made::with(form, OPEN, &[thing("older"), thing("newer")]);
        let blocks: Vec<u64> = std::mem::take(&mut made.nodes).iter().map(|node| node.1).collect();
        for newest_first in [true, false] {
            let mut file = made.octets();
            let mut pages = [(blocks[0], 7), (blocks[1], 9)];
            if newest_first {
                pages.reverse();
            }
            for (block, made) in pages {
                let entry = [0x24, block, 0, 0].map(|number: u64| number.to_le_bytes()[..word].to_vec()).concat();
                build::page(form, &mut file, build::NODE_PAGE, (0, 4 * word), &entry, made);
            }
            file[head..head + word].fill(0xff);
            let mails = mails(read(&file).unwrap());
            let [mail] = &mails[..] else { panic!("{form:?}: {} messages", mails.len()) };
            assert!(text(mail).contains("Subject: newer\r\n"), "{form:?}, the newest first: {newest_first}");
        }
    }
}

#[test]
fn a_scan_for_what_is_left_ends_soon_when_it_is_stopped() {
    let mut file = Made::with(Form::Unicode, OPEN, &things()).octets();
    file[224..248].fill(0);
    file.resize(16 << 20, 0);
    let cancel = Cancel::new();
    let mut disk = Disk::stopping(file, 3 << 20, &cancel);
    assert!(matches!(DataFile::open(&mut disk, LARGEST, &cancel), Err(Cancelled)));
    assert!((3 << 20..5 << 20).contains(&disk.read), "{} octets were read", disk.read);
    // Before anything of it was looked for.
    let mut disk = Disk::stopping(Made::with(Form::Unicode, OPEN, &things()).octets(), 1, &Cancel::new());
    assert!(matches!(DataFile::open(&mut disk, LARGEST, &cancel), Err(Cancelled)));
    assert!(disk.read < 1000, "{} octets were read", disk.read);
}

#[test]
fn long_rich_text_is_taken_whole() {
    let words = "{\\rtf1 ".to_owned() + &"word ".repeat(1_000_000) + "the end}";
    let length = (words.len() as u32).to_le_bytes();
    let packed = [&[0; 4][..], &length, b"MELA\0\0\0\0", words.as_bytes()].concat();
    let thing = Thing { properties: vec![octets(id::RTF_COMPRESSED, &packed)], ..Thing::default() };
    let file = Made::with(Form::Unicode, OPEN, &[thing]).octets();
    let mails = mails(all(open(Cursor::new(&file[..]), 64 << 20).unwrap()));
    let [mail] = &mails[..] else { panic!("{} messages", mails.len()) };
    assert!(mail.bytes.len() > words.len() && text(mail).trim_end().ends_with("the end") && !mail.missing.text);
}

#[test]
fn everything_that_is_left_out_has_a_sentence() {
    let mail = |missing, flawed| {
        Taken::Mail(Mail { bytes: vec![], arrived: None, flags: Default::default(), flawed, missing })
    };
    let none = Missing::default();
    for (taken, one, two) in [
        (mail(none, false), "one message was put together", "2 messages were put together"),
        (Taken::NotMail, "One thing that is not mail", "2 things that are not mail"),
        (mail(none, true), "One message is damaged in part", "2 messages are damaged in part"),
        (mail(Missing { header: true, ..none }, false), "One message is damaged", "2 messages are damaged"),
        (mail(Missing { elsewhere: 1, ..none }, false), "One attachment is not in the", "2 attachments are not in the"),
        (mail(Missing { objects: 1, ..none }, false), "One attachment is an object", "2 attachments are objects"),
        (
            mail(Missing { text: true, ..none }, false),
            "The rich text of one message is longer than 32 MB",
            "The rich text of 2 messages is longer than 32 MB",
        ),
    ] {
        let mut tally = Tally::default();
        for expected in [one, two] {
            tally.count(&taken);
            let notes = tally.notes();
            assert!(notes.iter().any(|note| note.contains(expected)), "{expected}: {notes:?}");
        }
    }
}
