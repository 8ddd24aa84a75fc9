//! The messages of a data file, one after the other: every node that is a message, whatever folder lists it, so that a
//! damaged folder loses none.

use std::io::{Read, Seek};

use super::properties::{Attachment, Content, DEEPEST, Item, Value, id};
use super::store::{Flaw, Node, Store};

/// What kinds of nodes there are, by the last five bits of their ids.
const MESSAGE: u32 = 0x04;
const ATTACHMENT: u32 = 0x05;
const RECIPIENTS: u32 = 0x12;
const STORE: u32 = 0x21;
/// Attachments of one message.
const MOST_ATTACHMENTS: usize = 10_000;

fn is(node: u32, kind: u32) -> bool {
    node & 0x1f == kind
}

/// What a message is, as far as an import asks.
#[derive(Debug)]
pub enum Found {
    Mail(Box<Item>),
    /// A contact, an appointment, a note.
    Other,
}

impl<F: Read + Seek> Store<F> {
    pub fn messages(&self) -> Vec<Node> {
        self.nodes().iter().filter(|node| is(node.id, MESSAGE)).copied().collect()
    }

    /// Whether Outlook asks for a password before it opens this file. It hides nothing in it.
    pub fn has_password(&mut self) -> bool {
        let mut room = 1 << 20;
        // In a copy of what lies on a server there always stands something.
        let node = self.node(STORE).filter(|_| self.own);
        let context = node.and_then(|node| self.context(node, &mut room).ok());
        let found = context.and_then(|context| self.property(&context, id::PST_PASSWORD, &mut room).ok());
        found.and_then(|properties| properties.number(id::PST_PASSWORD)).is_some_and(|sum| sum != 0)
    }

    /// What the folder is called in which a node lies.
    pub fn folder_of(&mut self, node: Node) -> Option<String> {
        let mut room = 1 << 20;
        let folder = self.node(node.folder)?;
        let context = self.context(folder, &mut room).ok()?;
        self.property(&context, id::DISPLAY_NAME, &mut room).ok()?.text(id::DISPLAY_NAME)
    }

    /// Reads a message of at most `largest` octets.
    ///
    /// # Errors
    /// Nothing of it could be read, it is too large, or the disk failed.
    pub fn message(&mut self, node: Node, largest: u64) -> Result<Found, Flaw> {
        let mut room = largest;
        let context = self.context(node, &mut room)?;
        let class = match self.property(&context, id::MESSAGE_CLASS, &mut room) {
            Ok(class) => class.text(id::MESSAGE_CLASS),
            Err(Flaw::Damaged) => None,
            Err(error) => return Err(error),
        };
        if !super::is_mail(class.as_deref()) {
            return Ok(Found::Other);
        }
        Ok(Found::Mail(Box::new(self.item(node, &mut room, DEEPEST)?)))
    }

    fn item(&mut self, node: Node, room: &mut u64, depth: usize) -> Result<Item, Flaw> {
        let mut context = self.context(node, room)?;
        let properties = self.properties(&mut context, room)?;
        let mut flawed = context.flawed;
        let table = context.inside.values().find(|inside| is(inside.id, RECIPIENTS)).copied();
        let recipients = match table.map(|table| self.rows(table, room, &mut flawed)) {
            Some(Ok(rows)) => rows,
            Some(Err(Flaw::Damaged)) => {
                flawed = true;
                Vec::new()
            }
            Some(Err(error)) => return Err(error),
            None => Vec::new(),
        };
        let mut attachments = Vec::new();
        let nodes = context.inside.values().filter(|inside| is(inside.id, ATTACHMENT));
        for node in nodes.take(MOST_ATTACHMENTS) {
            match self.attachment(*node, room, depth, &mut flawed) {
                Ok(attachment) => attachments.push(attachment),
                Err(Flaw::Damaged) => flawed = true,
                Err(error) => return Err(error),
            }
        }
        Ok(Item { properties, recipients, attachments, flawed }.with_code_page())
    }

    fn attachment(&mut self, node: Node, room: &mut u64, depth: usize, flawed: &mut bool) -> Result<Attachment, Flaw> {
        let mut context = self.context(node, room)?;
        let mut properties = self.properties(&mut context, room)?;
        *flawed |= context.flawed;
        let content = match properties.take(id::ATTACH_DATA) {
            Some(Value::Octets(octets)) => Content::Octets(octets),
            Some(Value::Object(object)) => {
                let object = *context.inside.get(&object).ok_or(Flaw::Damaged)?;
                let is_message = properties.number(id::ATTACH_METHOD) == Some(super::EMBEDDED);
                match depth.checked_sub(1) {
                    Some(depth) if is_message => {
                        let item = self.item(object, room, depth)?;
                        *flawed |= item.flawed;
                        Content::Message(Box::new(item))
                    }
                    None if is_message => return Err(Flaw::Damaged),
                    _ => Content::Octets(self.data(object.data, room)?.concat()),
                }
            }
            // It may have been there.
            _ if context.flawed => return Err(Flaw::Damaged),
            _ => Content::Elsewhere,
        };
        Ok(Attachment { properties, content })
    }
}
