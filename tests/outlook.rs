//! Mail from Outlook: a data file as a person imports it, through the program; and files that are changed anywhere, read
//! by the readers themselves.
//!
//! Never: a panic, not even one that is caught; more memory, or more of the file read, than what a message may have and
//! the file itself allow; a mail that is larger than is taken; another mail from the same file the second time.
//!
//! `tests/soak fuzz-outlook COUNT` plays so many changed files. Some are played in every run.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout, unsafe_code)]

#[path = "support/outlook.rs"]
mod build;
#[path = "support/held.rs"]
mod held;
mod support;

use std::cell::Cell;
use std::fs;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::sync::Once;
use std::time::Instant;

use build::{DataFile as Made, Form, OPEN, Thing, id, message_file, number, octets, things, wide};
use held::peak;
use postkeep::backup::outlook::{DataFile, Taken, message_file as read_message_file};
use postkeep::job::Cancel;
use serde_json::Value;
use support::{Dice, expect, json_lines, postkeep};

/// Flips a bit of the first place that holds this text.
fn spoil(file: &mut [u8], text: &str) {
    let text = wide(0, text).2;
    let at = file.windows(text.len()).position(|window| window == text).expect("the text is in the file");
    file[at] ^= 1;
}

/// A data file with all that there is: folders, marks, files, a message inside a message, what is no mail, damage.
fn data_file() -> Vec<u8> {
    let mut made = Made::new(Form::Unicode, OPEN);
    made.folder("Inbox");
    let mut all = things();
    // Read, starred, and answered.
    all[0].properties.push(number(id::LAST_VERB_EXECUTED, 102));
    all.iter().for_each(|thing| made.add(thing));
    made.folder("Calendar");
    let of_class = |class: &str, subject: &str, body: &str| {
        let properties = vec![wide(id::MESSAGE_CLASS, class), wide(id::SUBJECT, subject), wide(id::BODY, body)];
        Thing { properties, ..Thing::default() }
    };
    made.add(&of_class("IPM.Appointment", "Dentist", "at nine"));
    made.folder("Sent\n to others");
    made.add(&of_class("IPM.Note", "Lost", "as a whole"));
    made.add(&of_class("IPM.Note", "Half", &"the text of it ".repeat(100)));
    let mut file = made.octets();
    spoil(&mut file, "as a whole");
    spoil(&mut file, "the text of it");
    file
}

#[test]
fn a_data_file_is_imported_as_a_person_does_it() {
    let place = tempfile::tempdir().expect("a folder");
    let (archive, path) = (place.path().join("archive"), place.path().join("old mail.pst"));
    fs::write(&path, data_file()).expect("written");
    let import = |more: &[&str]| {
        let output = expect(postkeep(&archive).arg("import").arg(&path).args(more), 3);
        (json_lines(&output), String::from_utf8(output.stderr).expect("UTF-8"))
    };
    let (json, told) = import(&["--json"]);
    println!("{told}");
    assert_eq!(json, [serde_json::json!({ "found": 5, "added": 4, "already_here": 0, "failed": 1 })]);
    let shown = path.display();
    let sentences = [
        "Outlook does not keep the originals of messages: 4 messages were put together from what it kept.".to_owned(),
        "2 things that are not mail (contacts, appointments) were left out.".to_owned(),
        "One message is damaged in part: what could be read of it was imported.".to_owned(),
        "One attachment is not in the file, which has only a link to it.".to_owned(),
        format!("Message 6 of {shown}, in the folder Sent to others, is damaged, and nothing of it could be read."),
        "5 messages found; 4 added, 0 here already. 1 could not be taken in, each named above.".to_owned(),
    ];
    assert_eq!(told.lines().collect::<Vec<_>>(), sentences);

    // Once more: nothing is there twice.
    let (json, told) = import(&[]);
    assert!(json.is_empty() && told.contains("5 messages found; 0 added, 4 here already."), "{told}");

    let listed = json_lines(&expect(postkeep(&archive).args(["list", "--json"]), 0));
    let row = |subject: &str| -> &Value {
        listed.iter().find(|row| row["subject"] == subject).unwrap_or_else(|| panic!("{subject}: {listed:?}"))
    };
    assert_eq!(listed.len(), 4);
    assert_eq!((&row("As it came")["read"], &row("As it came")["starred"]), (&true.into(), &true.into()));
    assert_eq!(row("As it came")["date"], "2001-09-09T01:46:40Z");
    assert_eq!((&row("Signed")["read"], &row("Half")["starred"]), (&false.into(), &false.into()));
    let id = row("RE: Grüße")["id"].to_string();
    let message = &json_lines(&expect(postkeep(&archive).args(["show", &id, "--json"]), 0))[0];
    let files = message["attachments"].as_array().expect("a list");
    let names: Vec<_> = files.iter().filter_map(|file| file["name"].as_str()).collect();
    assert!(names.contains(&"große Datei.txt") && names.contains(&"logo.png"), "{names:?}");
    let inside = expect(postkeep(&archive).args(["search", "deep", "--json"]), 0);
    assert_eq!(json_lines(&inside)[0]["id"].to_string(), id, "a message inside a message is found");
}

/// What is taken of a message, in octets.
const LARGEST: usize = 1 << 16;
/// What reading one file may hold beside the file itself, in octets.
const MOST: isize = 1 << 20;

thread_local! {
    static PANICS: Cell<usize> = const { Cell::new(0) };
}

/// Counts the panics of this thread, also those that are caught.
fn count_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            PANICS.set(PANICS.get() + 1);
            before(info);
        }));
    });
}

/// Counts what is read of it.
struct Counted<'a> {
    octets: Cursor<&'a [u8]>,
    read: &'a Cell<usize>,
}

impl Read for Counted<'_> {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        let read = self.octets.read(to)?;
        self.read.set(self.read.get() + read);
        Ok(read)
    }
}

impl Seek for Counted<'_> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.octets.seek(to)
    }
}

/// What becomes of a file, for a comparison: each mail, or nothing for what is none.
type Outcome = Vec<Option<Vec<u8>>>;

fn outcome(taken: Taken) -> Option<Vec<u8>> {
    let Taken::Mail(mail) = taken else { return None };
    assert!(mail.bytes.len() <= LARGEST, "{} octets", mail.bytes.len());
    assert!(memchr::memmem::find(&mail.bytes, b"MIME-Version: 1.0\r\n").is_some(), "a mail has a header section");
    Some(mail.bytes)
}

fn read_data_file(file: &[u8]) -> (Outcome, isize) {
    let read = Cell::new(0);
    let (mut out, mut most) = (Vec::new(), 0);
    let counted = Counted { octets: Cursor::new(file), read: &read };
    let (opened, held) = peak(|| DataFile::open(counted, LARGEST, &Cancel::new()));
    // The entries of its pages, and those of them that count.
    most = held.max(most);
    assert!(held <= MOST + 4 * file.len() as isize, "{held} octets are held after opening {}", file.len());
    assert!(read.get() <= 4 * file.len() + 1024, "{} octets were read to open {}", read.get(), file.len());
    if let Ok(Ok(mut opened)) = opened {
        opened.has_password();
        opened.folder();
        loop {
            read.set(0);
            let (taken, held) = peak(|| opened.next_message().expect("the disk is whole"));
            most = held.max(most);
            assert!(held <= MOST, "{held} octets are held for a message of a file of {}", file.len());
            assert!(read.get() <= LARGEST, "{} octets were read for a message", read.get());
            let Some(taken) = taken else { break };
            out.push(outcome(taken));
        }
    }
    (out, most)
}

fn read_message(file: &[u8]) -> (Outcome, isize) {
    let (taken, held) = peak(|| read_message_file(file, LARGEST));
    assert!(held <= MOST + 4 * file.len() as isize, "{held} octets are held for a message file of {}", file.len());
    (taken.map(outcome).into_iter().collect(), held)
}

/// A number that means something somewhere: a border, the id of a node, a block, an item or a property.
fn telling(dice: &mut Dice) -> u32 {
    let small = dice.below(20) as u32;
    match dice.below(10) {
        0 => 0,
        1 => u32::MAX - small,
        2 => 1 << (small + 11),
        3 => (1 << (small % 16 + 1)) - 1,
        4 => small << 5,
        5 => small << 5 | [4, 5, 0x12, 0x1f][dice.below(4) as usize],
        6 => (small << 2) | (2 * dice.below(2) as u32),
        7 => [0x0037, 0x1000, 0x1009, 0x3701, 0x3705, 0x3001, 0x0c15, 0x007d][dice.below(8) as usize],
        8 => [2, 3, 0xb, 0xd, 0x14, 0x1e, 0x1f, 0x40, 0x102][dice.below(9) as usize],
        _ => small,
    }
}

/// Changes octets in some places.
fn change(octets: &mut Vec<u8>, dice: &mut Dice) {
    for _ in 0..=dice.below(4) {
        let at = dice.below(octets.len() as u64 + 1) as usize;
        let to = at + dice.below((octets.len() - at).min(64) as u64 + 1) as usize;
        match dice.below(8) {
            0 => octets.truncate(at),
            1 => _ = octets.drain(at..to),
            2 => {
                let piece = octets[at..to].to_vec();
                octets.splice(at..at, piece);
            }
            3 | 4 => octets.iter_mut().skip(at).take(1).for_each(|octet| *octet = dice.below(256) as u8),
            width => {
                let value = telling(dice).to_le_bytes();
                let place = at & !1;
                for (octet, value) in octets.iter_mut().skip(place).zip(&value[..if width == 5 { 2 } else { 4 }]) {
                    *octet = *value;
                }
            }
        }
    }
}

/// A data file whose blocks and nodes were changed and whose checksums are right; now and then its octets as well.
fn changed_data_file(things: &[Thing], dice: &mut Dice) -> Vec<u8> {
    let form = [Form::Ansi, Form::Unicode, Form::Large][dice.below(3) as usize];
    let mut made = Made::with(form, OPEN, things);
    for _ in 0..dice.below(4) {
        let (one, other) = (dice.below(made.blocks.len() as u64), dice.below(made.blocks.len() as u64));
        match dice.below(6) {
            0 => made.blocks[one as usize].0 = u64::from(telling(dice)),
            1 => {
                let (from, node) = (made.blocks[one as usize].0, dice.below(made.nodes.len() as u64));
                let node = &mut made.nodes[node as usize];
                *(if dice.below(2) == 0 { &mut node.1 } else { &mut node.2 }) = from;
            }
            2 => made.blocks[one as usize].1 = made.blocks[other as usize].1.clone(),
            _ => {
                let block = &mut made.blocks[one as usize].1;
                change(block, dice);
                block.truncate(8176);
            }
        }
    }
    let mut file = made.octets();
    let unit = if form == Form::Large { 4096 } else { 512 };
    match dice.below(6) {
        // A page that says something else, with the right checksum.
        0 | 1 => {
            let pages = file.len() / unit - 0x4400 / unit;
            let offset = (file.len() / unit - 1 - dice.below(pages.min(6) as u64) as usize) * unit;
            let mut page = file[offset..offset + unit].to_vec();
            change(&mut page, dice);
            page.resize(unit, 0);
            file[offset..offset + unit].copy_from_slice(&page);
            build::seal(form, &mut file, offset);
        }
        // The roots are lost, or the head is another.
        2 => file[180..256].iter_mut().for_each(|octet| *octet = 0),
        3 => {
            let at = 8 + dice.below(560) as usize;
            file[at] = dice.below(256) as u8;
        }
        4 => change(&mut file, dice),
        _ => (),
    }
    file
}

fn changed_message_file(things: &[Thing], dice: &mut Dice) -> Vec<u8> {
    let mut thing = things[dice.below(things.len() as u64) as usize].clone();
    // What its streams hold; the numbers in its lists are changed with the octets of the file.
    for (_, kind, value) in &mut thing.properties {
        if matches!(*kind, build::kind::WIDE | build::kind::OCTETS) && dice.below(4) == 0 {
            change(value, dice);
        }
    }
    let mut file = message_file(&thing);
    (0..dice.below(3)).for_each(|_| change(&mut file, dice));
    file
}

/// Reads a changed file; gives how much was held at most, and how many mails it had.
fn play(things: &[Thing], dice: &mut Dice) -> (isize, usize) {
    let before = PANICS.get();
    let is_data_file = dice.below(3) > 0;
    let file = if is_data_file { changed_data_file(things, dice) } else { changed_message_file(things, dice) };
    let read = if is_data_file { read_data_file } else { read_message };
    let (first, held) = read(&file);
    if dice.below(4) == 0 {
        assert!(read(&file).0 == first, "the same file gives the same mail");
    }
    assert_eq!(PANICS.get(), before, "a panic that was caught");
    (held, first.iter().flatten().count())
}

/// Things with all that a message can have, rich text among it.
fn seeds() -> Vec<Thing> {
    let mut things = things();
    let rtf = b"\x2d\0\0\0\x2b\0\0\0LZFu\xf1\xc5\xc7\xa7\x03\0\x0a\0rcpg125\x42\x32\x0a\xf3 hel\x09\0\x20bw\x05\xb0ld}\x0a\x80\x0f\xa0";
    things.push(Thing { properties: vec![octets(id::RTF_COMPRESSED, rtf)], ..Thing::default() });
    let inside = things[1].clone();
    things[0].files.push((vec![number(id::ATTACH_METHOD, 5)], Some(inside)));
    things
}

const SEED: u64 = 0x0bd4_2026;

#[test]
fn changed_files_are_read_within_bounds() {
    count_panics();
    let (things, mut dice) = (seeds(), Dice(SEED));
    let played: Vec<_> = (0..1_500).map(|_| play(&things, &mut dice)).collect();
    let (most, mails) = (played.iter().map(|each| each.0).max(), played.iter().map(|each| each.1).sum::<usize>());
    let without = played.iter().filter(|each| each.1 == 0).count();
    println!("{mails} mails, {without} files without any, held at most: {most:?} octets");
    // What is changed is neither always lost nor never.
    assert!(mails > 1_500 && (50..750).contains(&without), "{mails} mails, {without} files without any");
}

#[test]
#[ignore = "a soak test"]
fn soak_fuzz_outlook() {
    count_panics();
    let number = |name: &str, otherwise| std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"));
    let (count, seed) = (number("POSTKEEP_SOAK", 100_000), number("POSTKEEP_SEED", SEED));
    let (things, mut dice, begun) = (seeds(), Dice(seed.max(1)), Instant::now());
    let (mut most, mut mails) = (0, 0);
    for played in 1..=count {
        // So that one can be played again by itself.
        let state = dice.0;
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| play(&things, &mut dice)));
        let Ok((held, read)) = outcome else { panic!("number {played}: seed {state}") };
        most = held.max(most);
        mails += read;
        if played % 100_000 == 0 || played == count {
            let seconds = begun.elapsed().as_secs_f64();
            let rate = played as f64 / seconds;
            println!("{played} played, seed {seed:#x}, {rate:.0} a second, {mails} mails, {most} octets held");
        }
    }
}
