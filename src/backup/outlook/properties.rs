//! What Outlook keeps of a message: properties by their numbers (MS-OXPROPS), the same in its data files and in `.msg`.

use std::collections::BTreeMap;

use crate::message::outlook_text;

/// The properties that are read of a message, of an attachment and of a recipient: each by its name, and all in one list.
macro_rules! properties {
    ($($name:ident = $number:literal,)*) => {
        /// The properties that are read; names as in MS-OXPROPS without their `PidTag`.
        pub mod id {
            $(pub const $name: u16 = $number;)*
        }

        /// All that are read: others are passed over.
        pub const WANTED: &[u16] = &[$(id::$name),*];
    };
}

properties! {
    MESSAGE_CLASS = 0x001a,
    IMPORTANCE = 0x0017,
    SUBJECT = 0x0037,
    CLIENT_SUBMIT_TIME = 0x0039,
    SENT_REPRESENTING_NAME = 0x0042,
    SENT_REPRESENTING_ADDRESS_TYPE = 0x0064,
    SENT_REPRESENTING_EMAIL_ADDRESS = 0x0065,
    TRANSPORT_MESSAGE_HEADERS = 0x007d,
    RECIPIENT_TYPE = 0x0c15,
    SENDER_NAME = 0x0c1a,
    SENDER_ADDRESS_TYPE = 0x0c1e,
    SENDER_EMAIL_ADDRESS = 0x0c1f,
    DISPLAY_BCC = 0x0e02,
    DISPLAY_CC = 0x0e03,
    DISPLAY_TO = 0x0e04,
    MESSAGE_DELIVERY_TIME = 0x0e06,
    MESSAGE_FLAGS = 0x0e07,
    MESSAGE_STATUS = 0x0e17,
    BODY = 0x1000,
    RTF_COMPRESSED = 0x1009,
    HTML = 0x1013,
    INTERNET_MESSAGE_ID = 0x1035,
    INTERNET_REFERENCES = 0x1039,
    IN_REPLY_TO_ID = 0x1042,
    FLAG_STATUS = 0x1090,
    DISPLAY_NAME = 0x3001,
    ADDRESS_TYPE = 0x3002,
    EMAIL_ADDRESS = 0x3003,
    CREATION_TIME = 0x3007,
    ATTACH_DATA = 0x3701,
    ATTACH_FILENAME = 0x3704,
    ATTACH_METHOD = 0x3705,
    ATTACH_LONG_FILENAME = 0x3707,
    ATTACH_MIME_TAG = 0x370e,
    ATTACH_CONTENT_ID = 0x3712,
    ATTACH_CONTENT_LOCATION = 0x3713,
    ATTACH_FLAGS = 0x3714,
    SMTP_ADDRESS = 0x39fe,
    INTERNET_CODEPAGE = 0x3fde,
    MESSAGE_CODEPAGE = 0x3ffd,
    SENDER_SMTP_ADDRESS = 0x5d01,
    SENT_REPRESENTING_SMTP_ADDRESS = 0x5d02,
    PST_PASSWORD = 0x67ff,
}

/// The kinds of values, as both formats number them.
pub mod kind {
    pub const I16: u16 = 0x0002;
    pub const I32: u16 = 0x0003;
    pub const BOOLEAN: u16 = 0x000b;
    pub const OBJECT: u16 = 0x000d;
    pub const I64: u16 = 0x0014;
    pub const NARROW: u16 = 0x001e;
    pub const WIDE: u16 = 0x001f;
    pub const TIME: u16 = 0x0040;
    pub const OCTETS: u16 = 0x0102;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Number(i64),
    /// Text in the message's code page.
    Narrow(Vec<u8>),
    /// UTF-16.
    Wide(Vec<u8>),
    Octets(Vec<u8>),
    /// A node inside, by its id.
    Object(u32),
}

impl Value {
    /// A value that stands as so many octets; `None` for kinds that are not read.
    pub fn of(kind: u16, octets: Vec<u8>) -> Option<Value> {
        let number = |size: usize| {
            let mut word = [0; 8];
            word.get_mut(..size)?.copy_from_slice(octets.get(..size)?);
            Some(Value::Number(i64::from_le_bytes(word)))
        };
        match kind {
            kind::BOOLEAN => number(1),
            kind::I16 => number(2),
            kind::I32 => number(4),
            kind::I64 | kind::TIME => number(8),
            kind::NARROW => Some(Value::Narrow(octets)),
            kind::WIDE => Some(Value::Wide(octets)),
            kind::OCTETS => Some(Value::Octets(octets)),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties {
    values: BTreeMap<u16, Value>,
    /// What narrow text is in.
    pub code_page: u32,
}

impl Properties {
    pub fn put(&mut self, id: u16, value: Value) {
        self.values.insert(id, value);
    }

    pub fn take(&mut self, id: u16) -> Option<Value> {
        self.values.remove(&id)
    }

    pub fn number(&self, id: u16) -> Option<i64> {
        match self.values.get(&id) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        }
    }

    pub fn octets(&self, id: u16) -> Option<&[u8]> {
        match self.values.get(&id) {
            Some(Value::Octets(octets)) => Some(octets),
            _ => None,
        }
    }

    /// Text that is not empty, up to its NUL.
    pub fn text(&self, id: u16) -> Option<String> {
        let text = match self.values.get(&id)? {
            Value::Wide(octets) => wide(octets),
            Value::Narrow(octets) => {
                let end = memchr::memchr(0, octets).unwrap_or(octets.len());
                outlook_text::narrow(octets.get(..end).unwrap_or_default(), self.code_page)
            }
            _ => return None,
        };
        (!text.is_empty()).then_some(text)
    }

    /// The first of these that is there.
    pub fn first_text(&self, ids: &[u16]) -> Option<String> {
        ids.iter().find_map(|id| self.text(*id))
    }
}

fn wide(octets: &[u8]) -> String {
    let units = octets.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit)).take_while(|&unit| unit != 0);
    char::decode_utf16(units).map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// A message as Outlook keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Item {
    pub properties: Properties,
    pub recipients: Vec<Properties>,
    pub attachments: Vec<Attachment>,
    /// Something of it could not be read.
    pub flawed: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    pub properties: Properties,
    pub content: Content,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Not in the file: it was only referred to.
    Elsewhere,
    /// An object of another program, kept in a way that it cannot be taken out of.
    Object,
    Octets(Vec<u8>),
    Message(Box<Item>),
}

/// A message that holds messages that hold messages: deeper than this it is not followed.
pub const DEEPEST: usize = 8;

impl Item {
    /// Says in which code page the narrow text of it is.
    pub fn with_code_page(mut self) -> Item {
        let number = |id| self.properties.number(id).and_then(|page| u32::try_from(page).ok());
        let page = number(id::MESSAGE_CODEPAGE).or_else(|| number(id::INTERNET_CODEPAGE)).unwrap_or(1252);
        let all = self.recipients.iter_mut().chain(self.attachments.iter_mut().map(|each| &mut each.properties));
        for properties in all.chain([&mut self.properties]) {
            properties.code_page = page;
        }
        self
    }
}
