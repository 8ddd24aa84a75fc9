//! Original bytes to what a person reads: headers, body text, attachments, safe names.
//!
//! Every function here is total: any bytes give an answer within bounded time and memory, and what could not be
//! understood is said in [`Message::notes`]. Nothing here touches a disk or a network. Sources: RFC 5322, 2045-2049,
//! 2047, 2231.

use jiff::Timestamp;

/// A person or machine as a header field names it. Text is decoded and made safe to show (see [`visible`]).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mailbox {
    /// The display name; empty when there is none.
    pub name: String,
    /// The address as written, without angle brackets; empty when the field holds none.
    pub address: String,
}

/// What the list shows of a message: decoded, one line each, safe to show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// Subject, white space runs made one blank and trimmed; empty when absent.
    pub subject: String,
    /// The first address of From (else of Sender).
    pub from: Mailbox,
    pub to: Vec<Mailbox>,
    pub cc: Vec<Mailbox>,
    pub reply_to: Vec<Mailbox>,
    /// The Date field; `None` when absent or unreadable.
    pub date: Option<Timestamp>,
    /// Message-ID without angle brackets.
    pub message_id: Option<String>,
}

/// One attachment: a leaf part with disposition attachment, or a file name, or a type other than text/plain and
/// text/html. An attached message/rfc822 counts as one and is not opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// The decoded file name as the sender wrote it, made [`visible`]; empty when there is none.
    pub name: String,
    /// The name to save it under: never leaves its folder, valid on Windows, macOS and Linux. See [`safe_name`].
    pub safe_name: String,
    /// The media type in lower case, such as `image/png`.
    pub media_type: String,
    /// Octets after decoding.
    pub size: u64,
}

/// A message as a person reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    pub envelope: Envelope,
    /// The body as plain text, lines ended by `\n`: the preferred text/plain part, else the text of the HTML part.
    pub text: String,
    /// Whether `text` was made from HTML.
    pub text_is_from_html: bool,
    pub attachments: Vec<Attachment>,
    /// What a reader should know: parts left out, limits met, a body that could not be decoded. Whole sentences.
    pub notes: Vec<String>,
}

/// Reads a message. Total: hostile or broken bytes give a message that says so in its notes.
pub fn read(_original: &[u8]) -> Message {
    todo!()
}

/// Only the envelope: for the list, without decoding bodies.
pub fn envelope(_original: &[u8]) -> Envelope {
    todo!()
}

/// The decoded content of the attachment at `index` of [`Message::attachments`]; `None` when there is none there.
pub fn attachment(_original: &[u8], _index: usize) -> Option<Vec<u8>> {
    todo!()
}

/// The header section as text, one line per physical line, made [`visible`].
pub fn headers(_original: &[u8]) -> String {
    todo!()
}

/// The first words of the text for the list's third line: one line, at most `longest` characters.
pub fn preview(_text: &str, _longest: usize) -> String {
    todo!()
}

/// The text of an HTML document by tokenizing it without a tree: linear in its length, safe in process.
pub fn text_of_html(_html: &str) -> String {
    todo!()
}

/// Text that cannot deceive: NFC; bidi controls, C0/C1 controls, zero-width and tag characters removed.
pub fn visible(_text: &str) -> String {
    todo!()
}

/// A file name that stays in its folder and is valid everywhere: the last path component, no control or reserved
/// characters, no reserved Windows names, at most 120 bytes, the true extension kept; `fallback` when nothing is left.
pub fn safe_name(_name: &str, _fallback: &str) -> String {
    todo!()
}

/// The likeness of two originals: SHA-256 over the message with line ends made CRLF and Status, X-Status, X-UIDL and
/// X-Mozilla-* header fields left out. Equal for one mail that came by two ways; never a reason to delete.
pub fn likeness(_original: &[u8]) -> crate::account::Digest {
    todo!()
}
