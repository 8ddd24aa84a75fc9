//! Files of Outlook, made here, are read: whole, hidden in each way, damaged and hostile.

#[path = "../../../tests/support/outlook.rs"]
pub mod build;

use std::io::Cursor;

use self::build::{DataFile as Made, Form, Hiding, OPEN, id, octets, things};
use super::cipher::{Cipher, hide};
use super::{DataFile, Mail, Taken, message_file};

const LARGEST: usize = 1 << 20;
/// As Outlook hides what it writes unless it is told otherwise.
pub const HIDDEN: Hiding = Hiding(1, |octets, block| hide(Cipher::Permute, octets, block));
const HIDDEN_MORE: Hiding = Hiding(2, |octets, block| hide(Cipher::Cyclic, octets, block));

fn read(file: &[u8]) -> Result<Vec<Taken>, String> {
    let mut file = DataFile::open(Cursor::new(file), LARGEST)?;
    Ok(std::iter::from_fn(|| file.next_message().unwrap()).collect())
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
    assert!(!whole.contains('\u{1}') && written.elsewhere == 1 && !written.flawed);
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
        assert!(found.iter().map(|mail| mail.elsewhere).sum::<u64>() <= 1, "octet {at}: a damaged file is no link");
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
    let mut file = DataFile::open(Cursor::new(&file[..]), LARGEST).unwrap();
    assert!(file.is_damaged());
    let found = std::iter::from_fn(|| file.next_message().unwrap()).collect();
    assert_eq!(mails(found).len(), 3);
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
