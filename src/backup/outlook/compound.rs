//! A single message of Outlook (`.msg`, MS-OXMSG): a compound file whose streams are the properties.

use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use cfb::CompoundFile;

use super::properties::{Attachment, Content, DEEPEST, Item, Properties, Value, WANTED, id, kind};
use super::store::{Flaw, u16_at, u32_at};

const PROPERTIES: &str = "__properties_version1.0";
/// Octets in front of the properties: of a message, of one inside another, of a recipient or an attachment.
const HEAD: usize = 32;
const HEAD_INSIDE: usize = 24;
const HEAD_PART: usize = 8;
/// Recipients and attachments of one message.
const MOST_PARTS: usize = 10_000;

type File<'a> = CompoundFile<Cursor<&'a [u8]>>;

/// Reads a message of at most `largest` octets; `None` where it is a compound file of another program.
pub fn item(octets: &[u8], largest: u64) -> Result<Option<Item>, Flaw> {
    let mut file = CompoundFile::open(Cursor::new(octets)).map_err(|_| Flaw::Damaged)?;
    if !file.is_stream(Path::new("/").join(PROPERTIES)) {
        return Ok(None);
    }
    let mut reading = Reading { file: &mut file, room: largest, flawed: false };
    reading.item(Path::new("/"), HEAD, DEEPEST).map(Some)
}

struct Reading<'a, 'f> {
    file: &'f mut File<'a>,
    room: u64,
    flawed: bool,
}

impl Reading<'_, '_> {
    fn item(&mut self, place: &Path, head: usize, depth: usize) -> Result<Item, Flaw> {
        let before = std::mem::take(&mut self.flawed);
        let properties = self.properties(place, head)?;
        let mut recipients = Vec::new();
        for part in self.parts(place, "__recip_version1.0_#") {
            match self.properties(&part, HEAD_PART) {
                Ok(properties) => recipients.push(properties),
                Err(Flaw::TooLarge) => return Err(Flaw::TooLarge),
                Err(_) => self.flawed = true,
            }
        }
        let mut attachments = Vec::new();
        for part in self.parts(place, "__attach_version1.0_#") {
            match self.attachment(&part, depth) {
                Ok(attachment) => attachments.push(attachment),
                Err(Flaw::TooLarge) => return Err(Flaw::TooLarge),
                Err(_) => self.flawed = true,
            }
        }
        let flawed = std::mem::replace(&mut self.flawed, before);
        Ok(Item { properties, recipients, attachments, flawed }.with_code_page())
    }

    /// The storages of a kind, in the order of their names.
    fn parts(&mut self, place: &Path, prefix: &str) -> Vec<PathBuf> {
        let Ok(entries) = self.file.read_storage(place) else { return Vec::new() };
        let named = entries.filter(|entry| entry.is_storage() && entry.name().starts_with(prefix));
        let mut parts: Vec<_> = named.take(MOST_PARTS).map(|entry| place.join(entry.name())).collect();
        parts.sort();
        parts
    }

    fn attachment(&mut self, place: &Path, depth: usize) -> Result<Attachment, Flaw> {
        let before = std::mem::take(&mut self.flawed);
        let mut properties = self.properties(place, HEAD_PART)?;
        let flawed = std::mem::replace(&mut self.flawed, before);
        self.flawed |= flawed;
        let object = place.join("__substg1.0_3701000D");
        let content = match properties.take(id::ATTACH_DATA) {
            Some(Value::Octets(octets)) => Content::Octets(octets),
            _ if self.file.is_storage(&object) && properties.number(id::ATTACH_METHOD) == Some(super::EMBEDDED) => {
                let depth = depth.checked_sub(1).ok_or(Flaw::Damaged)?;
                let item = self.item(&object, HEAD_INSIDE, depth)?;
                self.flawed |= item.flawed;
                Content::Message(Box::new(item))
            }
            // It may have been there.
            _ if flawed => return Err(Flaw::Damaged),
            _ if self.file.is_storage(&object) => Content::Object,
            _ => Content::Elsewhere,
        };
        Ok(Attachment { properties, content })
    }

    fn properties(&mut self, place: &Path, head: usize) -> Result<Properties, Flaw> {
        let list = self.stream(&place.join(PROPERTIES))?;
        let mut properties = Properties::default();
        for entry in list.get(head..).unwrap_or_default().chunks_exact(16) {
            let (Some(kind), Some(id)) = (u16_at(entry, 0), u16_at(entry, 2)) else { continue };
            if !WANTED.contains(&id) {
                continue;
            }
            match self.value(place, id, kind, entry) {
                Ok(Some(value)) => properties.put(id, value),
                Ok(None) => (),
                Err(Flaw::TooLarge) => return Err(Flaw::TooLarge),
                Err(_) => self.flawed = true,
            }
        }
        Ok(properties)
    }

    fn value(&mut self, place: &Path, id: u16, kind: u16, entry: &[u8]) -> Result<Option<Value>, Flaw> {
        match kind {
            kind::NARROW | kind::WIDE | kind::OCTETS => {
                let octets = self.stream(&place.join(format!("__substg1.0_{id:04X}{kind:04X}")))?;
                Ok(Value::of(kind, octets))
            }
            kind::OBJECT => Ok(u32_at(entry, 8).map(Value::Object)),
            _ => Ok(Value::of(kind, entry.get(8..16).unwrap_or_default().to_vec())),
        }
    }

    fn stream(&mut self, place: &Path) -> Result<Vec<u8>, Flaw> {
        let mut stream = self.file.open_stream(place).map_err(|_| Flaw::Damaged)?;
        if stream.len() > self.room {
            return Err(Flaw::TooLarge);
        }
        let mut octets = Vec::new();
        stream.by_ref().take(self.room).read_to_end(&mut octets).map_err(|_| Flaw::Damaged)?;
        self.room = self.room.saturating_sub(octets.len().max(64) as u64);
        Ok(octets)
    }
}
