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
use self::properties::{Item, id};
use self::store::{Flaw, Refused, Store};
use super::flags::Flags;

/// How the content of a data file begins, whatever its name.
pub const DATA_FILE: &[u8] = b"!BDN";
/// How a compound file begins; a `.msg` is one.
pub const COMPOUND: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

/// How an attachment is kept: as a message.
const EMBEDDED: i64 = 5;

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
    /// Attachments that were only referred to.
    pub elsewhere: u64,
}

/// What is to be said of an import from Outlook.
#[derive(Debug, Default)]
pub struct Tally {
    made: u64,
    not_mail: u64,
    flawed: u64,
    elsewhere: u64,
}

impl Tally {
    pub fn count(&mut self, taken: &Taken) {
        match taken {
            Taken::Mail(mail) if mail.flags.deleted => (),
            Taken::Mail(mail) => {
                self.made += 1;
                self.flawed += u64::from(mail.flawed);
                self.elsewhere += mail.elsewhere;
            }
            Taken::NotMail => self.not_mail += 1,
            Taken::Failed(_) => (),
        }
    }

    /// In sentences.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        match self.made {
            0 => (),
            1 => notes.push(
                "Outlook does not keep the original of a message: one message was put together from what it kept."
                    .to_owned(),
            ),
            many => notes.push(format!(
                "Outlook does not keep the originals of messages: {many} messages were put together from what it kept."
            )),
        }
        match self.not_mail {
            0 => (),
            1 => notes.push("One thing that is not mail (a contact, an appointment) was left out.".to_owned()),
            many => notes.push(format!("{many} things that are not mail (contacts, appointments) were left out.")),
        }
        match self.flawed {
            0 => (),
            1 => notes.push("One message is damaged in part: what could be read of it was imported.".to_owned()),
            many => {
                notes.push(format!("{many} messages are damaged in part: what could be read of them was imported."));
            }
        }
        match self.elsewhere {
            0 => (),
            1 => notes.push("One attachment is not in the file, where there is only a link to it.".to_owned()),
            many => notes.push(format!("{many} attachments are not in the file, where there are only links to them.")),
        }
        notes
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

fn taken(item: &Item) -> Taken {
    let (bytes, elsewhere) = mail::mail(item);
    let properties = &item.properties;
    let bit = |id, bit: i64| properties.number(id).is_some_and(|bits| bits & bit != 0);
    let starred = properties.number(id::FLAG_STATUS) == Some(FLAGGED);
    let flags =
        Flags { deleted: bit(id::MESSAGE_STATUS, MARKED_DELETED), ..Flags::of(bit(id::MESSAGE_FLAGS, READ), starred) };
    let arrived = headers::arrived(properties).and_then(|second| Timestamp::from_second(second).ok());
    Taken::Mail(Mail { bytes, arrived, flags, flawed: item.flawed, elsewhere })
}

/// A data file that is open.
pub struct DataFile<F = File> {
    store: Store<F>,
    messages: Vec<store::Node>,
    next: usize,
    largest: u64,
}

impl<F: io::Read + io::Seek> DataFile<F> {
    /// Opens it and finds its messages.
    ///
    /// # Errors
    /// Why it cannot be read, to stand behind its name.
    pub fn open(file: F, largest: usize) -> Result<DataFile<F>, String> {
        let store = guarded(|| Store::open(file)).unwrap_or(Err(Refused::Ruined)).map_err(|refused| why(&refused))?;
        let messages = store.messages();
        Ok(DataFile { store, messages, next: 0, largest: largest as u64 })
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
                Found::Mail(item) => taken(&item),
                Found::Other => Taken::NotMail,
            })
        });
        Ok(Some(match read.unwrap_or(Err(Flaw::Damaged)) {
            Ok(taken) => taken,
            Err(Flaw::Damaged) => Taken::Failed("is damaged".to_owned()),
            Err(Flaw::TooLarge) => Taken::Failed(TOO_LARGE.to_owned()),
            Err(Flaw::Io(error)) => return Err(error),
        }))
    }
}

const TOO_LARGE: &str = "is larger than a mail can be";

/// Reads a `.msg` file of which these are the octets; `None` where it is a compound file of another program.
pub fn message_file(octets: &[u8], largest: usize) -> Option<Taken> {
    guarded(|| {
        let item = match compound::item(octets, largest as u64) {
            Ok(item) => item?,
            Err(Flaw::TooLarge) => return Some(Taken::Failed(TOO_LARGE.to_owned())),
            Err(_) => return Some(Taken::Failed("is damaged".to_owned())),
        };
        Some(if is_mail(item.properties.text(id::MESSAGE_CLASS).as_deref()) { taken(&item) } else { Taken::NotMail })
    })
    .unwrap_or_else(|| Some(Taken::Failed("is damaged".to_owned())))
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
