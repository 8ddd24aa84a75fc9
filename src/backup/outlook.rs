//! Mail from Outlook: its data files (`.pst`, `.ost`) and single messages (`.msg`).
//!
//! Outlook does not keep a message as it came. It keeps properties: the header section as text, the body in up to three
//! forms, attachments one by one. From these a message is put together ([`mail`]), always the same one from the same
//! properties, so that doing an import again adds nothing.
//!
//! | what | where |
//! |---|---|
//! | blocks and nodes of a data file | [`store`] |
//! | heaps, properties, tables | [`tables`] |
//! | the messages of a data file | [`folders`] |
//! | a `.msg` file | [`compound`] |
//!
//! The files are taken for hostile and for damaged: what can be read is, the rest is counted and said.

mod cipher;
mod compound;
mod folders;
mod headers;
mod mail;
mod properties;
mod store;
mod tables;
#[cfg(test)]
pub mod tests;

use std::fs::File;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::Timestamp;

use self::folders::Found;
use self::mail::Missing;
use self::properties::{Item, id};
use self::store::{Flaw, Refused, Store};
use super::flags::Flags;
use crate::job::{Cancel, Cancelled, unless_cancelled};
use crate::message::visible_line;

/// How the content of a data file begins, whatever its name.
pub const DATA_FILE: &[u8] = b"!BDN";
/// How a compound file begins; a `.msg` is one.
pub const COMPOUND: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

/// How an attachment is kept: as a message.
const EMBEDDED: i64 = 5;

/// Characters that are shown of the name of a folder.
const LONGEST_FOLDER: usize = 60;

const READ: i64 = 1;
/// To be removed when the folder is tidied up.
const MARKED_DELETED: i64 = 8;
const FLAGGED: i64 = 2;

/// What became of one thing in a file.
pub enum Taken {
    Mail(Mail),
    /// A contact, an appointment, a note.
    NotMail,
    /// What is wrong with it, to stand behind its name.
    Failed(String),
}

/// A message that was put together.
pub struct Mail {
    pub bytes: Vec<u8>,
    pub arrived: Option<Timestamp>,
    pub flags: Flags,
    /// Something of it could not be read.
    pub flawed: bool,
    pub missing: Missing,
}

/// What is to be said of an import from Outlook.
#[derive(Debug, Default)]
pub struct Tally {
    made: u64,
    not_mail: u64,
    flawed: u64,
    elsewhere: u64,
    objects: u64,
    cut: u64,
}

impl Tally {
    pub fn count(&mut self, taken: &Taken) {
        match taken {
            Taken::Mail(mail) if mail.flags.deleted => (),
            Taken::Mail(mail) => {
                self.made += 1;
                self.flawed += u64::from(mail.flawed || mail.missing.header);
                self.elsewhere += mail.missing.elsewhere;
                self.objects += mail.missing.objects;
                self.cut += u64::from(mail.missing.text);
            }
            Taken::NotMail => self.not_mail += 1,
            Taken::Failed(_) => (),
        }
    }

    /// In sentences.
    pub fn notes(&self) -> Vec<String> {
        let told: [(u64, &str, &str); 6] = [
            (
                self.made,
                "Outlook does not keep the original of a message: one message was put together from what it kept.",
                "Outlook does not keep the originals of messages: {} messages were put together from what it kept.",
            ),
            (
                self.not_mail,
                "One thing that is not mail (a contact, an appointment) was left out.",
                "{} things that are not mail (contacts, appointments) were left out.",
            ),
            (
                self.flawed,
                "One message is damaged in part: what could be read of it was imported.",
                "{} messages are damaged in part: what could be read of them was imported.",
            ),
            (
                self.elsewhere,
                "One attachment is not in the file, which has only a link to it.",
                "{} attachments are not in the file, which has only links to them.",
            ),
            (
                self.objects,
                "One attachment is an object of another program (a drawing, a table) that only Outlook can take out of \
                 the message: it was left out. Keep the file of Outlook for it.",
                "{} attachments are objects of other programs (drawings, tables) that only Outlook can take out of the \
                 messages: they were left out. Keep the files of Outlook for them.",
            ),
            (
                self.cut,
                "The rich text of one message is longer than {most} MB: the rest of it was left out. Keep the file of \
                 Outlook for it.",
                "The rich text of {} messages is longer than {most} MB: the rest of each was left out. Keep the files \
                 of Outlook for them.",
            ),
        ];
        let said = told.iter().filter(|(count, ..)| *count > 0).map(|(count, one, many)| {
            let sentence = if *count == 1 { one } else { many };
            sentence.replace("{}", &count.to_string()).replace("{most}", &mail::MOST_RICH.to_string())
        });
        said.collect()
    }
}

/// The classes of things that are mail.
fn is_mail(class: Option<&str>) -> bool {
    let Some(class) = class.map(str::to_ascii_lowercase) else { return true };
    let within =
        |kind: &str| class == kind || class.starts_with(kind) && class.as_bytes().get(kind.len()) == Some(&b'.');
    class == "ipm"
        || class.starts_with("report.")
        || ["ipm.note", "ipm.schedule.meeting", "ipm.taskrequest", "ipm.sharing", "ipm.recall", "ipm.outlook.recall"]
            .iter()
            .any(|kind| within(kind))
}

fn taken(item: &Item, largest: u64) -> Taken {
    let (bytes, missing) = mail::mail(item);
    // In the form in which attachments are sent they are longer by a third.
    if bytes.len() as u64 > largest {
        return Taken::Failed(TOO_LARGE.to_owned());
    }
    let properties = &item.properties;
    let bit = |id, bit: i64| properties.number(id).is_some_and(|bits| bits & bit != 0);
    let starred = properties.number(id::FLAG_STATUS) == Some(FLAGGED);
    let flags =
        Flags { deleted: bit(id::MESSAGE_STATUS, MARKED_DELETED), ..Flags::of(bit(id::MESSAGE_FLAGS, READ), starred) };
    let arrived = headers::arrived(properties).and_then(|second| Timestamp::from_second(second).ok());
    Taken::Mail(Mail { bytes, arrived, flags, flawed: item.flawed, missing })
}

/// A data file that is open.
pub struct DataFile<F = File> {
    store: Store<F>,
    messages: Vec<store::Node>,
    next: usize,
    largest: u64,
}

impl<F: io::Read + io::Seek> DataFile<F> {
    /// Opens it and finds its messages, of which those up to `largest` octets will be read; or says why it cannot be
    /// read, to stand behind its name. Where it is damaged, all of it is looked through.
    ///
    /// # Errors
    /// The user stopped it.
    pub fn open(file: F, largest: usize, cancel: &Cancel) -> Result<Result<DataFile<F>, String>, Cancelled> {
        let opened = guarded(|| Store::open(file, cancel)).unwrap_or(Err(Refused::Ruined));
        // What was found until then is not all that there is.
        unless_cancelled(cancel)?;
        Ok(opened.map_err(|refused| why(&refused)).map(|store| {
            let messages = store.messages();
            DataFile { store, messages, next: 0, largest: largest as u64 }
        }))
    }

    /// How many messages there are, and how many of them have been read.
    pub fn progress(&self) -> (u64, u64) {
        (self.next as u64, self.messages.len() as u64)
    }

    pub fn is_damaged(&self) -> bool {
        self.store.damaged
    }

    pub fn has_password(&mut self) -> bool {
        guarded(|| self.store.has_password()).unwrap_or(false)
    }

    /// What the folder is called in which the thing lies that was read last: one line, made safe to show.
    pub fn folder(&mut self) -> Option<String> {
        let node = *self.messages.get(self.next.checked_sub(1)?)?;
        let name = guarded(|| self.store.folder_of(node)).flatten()?;
        let name: String = visible_line(&name).chars().take(LONGEST_FOLDER).collect();
        (!name.is_empty()).then_some(name)
    }

    /// Reads the next thing; `None` after the last.
    ///
    /// # Errors
    /// The disk failed.
    pub fn next_message(&mut self) -> io::Result<Option<Taken>> {
        let Some(&node) = self.messages.get(self.next) else { return Ok(None) };
        self.next += 1;
        let (store, largest) = (&mut self.store, self.largest);
        let read = guarded(|| {
            store.message(node, largest).map(|found| match found {
                Found::Mail(item) => taken(&item, largest),
                Found::Other => Taken::NotMail,
            })
        });
        Ok(Some(match read.unwrap_or(Err(Flaw::Damaged)) {
            Ok(taken) => taken,
            Err(Flaw::Damaged) => Taken::Failed(DAMAGED.to_owned()),
            Err(Flaw::TooLarge) => Taken::Failed(TOO_LARGE.to_owned()),
            Err(Flaw::Io(error)) => return Err(error),
        }))
    }
}

const DAMAGED: &str = "is damaged, and nothing of it could be read";

/// About a message, in any kind of file.
pub(super) const TOO_LARGE: &str = "is larger than a mail can be, and was left out. Keep the file, which may be the only \
    copy, and open the message in the program that wrote it";

/// Reads a `.msg` file of which these are the octets; `None` where it is a compound file of another program.
pub fn message_file(octets: &[u8], largest: usize) -> Option<Taken> {
    guarded(|| {
        let item = match compound::item(octets, largest as u64) {
            Ok(item) => item?,
            Err(Flaw::TooLarge) => return Some(Taken::Failed(TOO_LARGE.to_owned())),
            Err(_) => return Some(Taken::Failed(DAMAGED.to_owned())),
        };
        Some(if is_mail(item.properties.text(id::MESSAGE_CLASS).as_deref()) {
            taken(&item, largest as u64)
        } else {
            Taken::NotMail
        })
    })
    .unwrap_or_else(|| Some(Taken::Failed(DAMAGED.to_owned())))
}

/// Runs what reads a hostile file. Nothing in it should panic; if something does, it is one message that is lost.
fn guarded<T>(read: impl FnOnce() -> T) -> Option<T> {
    // In tests it is seen.
    if cfg!(test) { Some(read()) } else { catch_unwind(AssertUnwindSafe(read)).ok() }
}

fn why(refused: &Refused) -> String {
    match refused {
        Refused::Another => "is not a data file of Outlook, whatever its name says".to_owned(),
        Refused::Protected => "is encrypted for an organisation (Windows Information Protection): only Outlook on a \
             computer of that organisation reads it. Export the mail there as .eml files, or to a new .pst file that is \
             not protected"
            .to_owned(),
        Refused::Unknown(version) => {
            format!("is a data file of Outlook in a form that is not known here ({version})")
        }
        Refused::Ruined => "is a data file of Outlook that is damaged so that nothing in it can be found. Outlook's own \
             repair tool (scanpst) may mend it"
            .to_owned(),
        Refused::Io(error) => format!("could not be read: {error}"),
    }
}
