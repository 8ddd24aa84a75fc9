//! Original bytes to what a person reads: headers, body text, attachments, safe names.
//!
//! Every function here is total: any bytes give an answer within bounded time and memory, and what could not be
//! understood is said in [`Message::notes`]. Nothing here touches a disk or a network. Sources: RFC 5322, 2045-2049,
//! 2047, 2231, 3676.
//!
//! The structure is walked here ([`parts`]) and not by a library: an attached message is opened only to be searched, depth and number
//! are counted, and nothing recurses, which no library's tree could promise. Charsets are mail-parser's, HTML tokens
//! html5gum's.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice, clippy::arithmetic_side_effects))]

mod addresses;
mod authentication;
mod body;
mod calendar;
mod cards;
mod charset;
mod content_lines;
mod dates;
mod encoded;
mod envelope;
mod fields;
mod flowed;
mod head;
mod html;
mod inside;
mod kinds;
mod likeness;
pub mod links;
mod names;
pub mod outline;
pub(crate) mod outlook_text;
mod page;
mod parameters;
mod parts;
mod printed;
mod report;
mod rtf;
mod sealed;
mod searched;
mod sender;
#[cfg(test)]
mod tests;
mod tnef;
mod transfer;
mod vcard;
mod visible;
mod words;

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::Timestamp;

use crate::account::Digest;

pub use authentication::Authentication;
pub use calendar::{Answer, Event, Guest, Moment, Purpose};
pub use cards::Card;
pub use head::Head;
pub use kinds::Kind;
pub use report::Report;
pub use sealed::{Scheme, Seal};
pub use sender::{Sender, called};
pub use vcard::{Contact, Reached};

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
    /// The first mailbox of From (else of Sender) that has an address, else the first that has a name: then `address` is
    /// empty.
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
/// text/html. An attached message/rfc822 counts as one and is not opened. Behind the parts stand the files that were
/// found inside them: in a `winmail.dat`, or written into the text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attachment {
    /// The decoded file name as the sender wrote it, made [`visible`]; empty when there is none.
    pub name: String,
    /// The name to save it under: never leaves its folder, valid on Windows, macOS and Linux. See [`safe_name`].
    pub safe_name: String,
    /// The media type in lower case, such as `image/png`.
    pub media_type: String,
    /// Octets after decoding.
    pub size: u64,
    /// It is no part of its own but was found inside one.
    pub inside: bool,
    /// Only a wrapping: what is in it is listed behind it.
    pub unpacked: bool,
}

/// A message as a person reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    pub envelope: Envelope,
    /// The body as plain text, lines separated by `\n`: the preferred text/plain part, else the text of the HTML part.
    /// Several texts one behind the other are joined by an empty line.
    pub text: String,
    /// Whether `text`, or a piece of it, was made from HTML.
    pub text_is_from_html: bool,
    pub attachments: Vec<Attachment>,
    /// Invitations, contacts, delivery reports, signatures and encryption.
    pub cards: Vec<Card>,
    /// What a reader should know: parts left out, limits met, a body that could not be decoded. Whole sentences.
    pub notes: Vec<String>,
}

/// Reads a message. Total: hostile or broken bytes give a message that says so in its notes.
pub fn read(original: &[u8]) -> Message {
    guarded(|| body::read(original)).unwrap_or_else(|| Message {
        text: guarded(|| body::source(original)).unwrap_or_default(),
        notes: vec!["This message could not be understood: its source is shown.".to_owned()],
        ..Message::default()
    })
}

/// Reads a message, and gives what else of it is searched: the text of HTML beside plain text, of attached messages and
/// of attachments that are text, each within bounds. Total, as [`read`] is.
pub fn read_for_search(original: &[u8]) -> (Message, Vec<String>) {
    guarded(|| searched::read(original)).unwrap_or_else(|| (read(original), Vec::new()))
}

/// What of a message is shown as a page: its HTML, and the pictures in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The HTML of the body as one document, decoded; text that stands beside it is put behind as HTML.
    pub html: String,
    /// The pictures of the message: Content-ID without angle brackets, and decoded octets.
    pub pictures: Vec<(String, Vec<u8>)>,
    /// Whether the sender wrote HTML; else it was made from plain text.
    pub is_html: bool,
    /// As [`Message::notes`].
    pub notes: Vec<String>,
}

/// What of a message is shown as a page. Hostile as the message is: only [`crate::render`] may show it. Total.
pub fn page(original: &[u8]) -> Page {
    guarded(|| page::page(original)).unwrap_or_default()
}

/// HTML as octets with no header before them, such as in a file: decoded by what it declares, else guessed.
pub fn page_of_html(octets: &[u8]) -> Page {
    guarded(|| page::of_html(octets)).unwrap_or_default()
}

/// What stands over a message on paper, as HTML: subject, sender, recipients, `date` as it is shown, attachments.
pub fn printed_head(envelope: &Envelope, date: &str, attachments: &[Attachment]) -> String {
    printed::head(envelope, date, attachments)
}

/// Only the envelope: for the list, without decoding bodies.
pub fn envelope(original: &[u8]) -> Envelope {
    guarded(|| envelope::envelope(original)).unwrap_or_default()
}

/// What stands over a message that is read: the sender so that it cannot lie, what the receiving server says of it. Total.
pub fn head(original: &[u8]) -> Head {
    guarded(|| head::head(original)).unwrap_or_default()
}

/// The decoded content of the attachment at `index` of [`Message::attachments`]; `None` when there is none there.
pub fn attachment(original: &[u8], index: usize) -> Option<Vec<u8>> {
    guarded(|| body::attachment(original, index)).flatten()
}

/// The message to read where all of it is inside an opaque S/MIME signature: the header with the content that the
/// signature encloses. Any other message is given as it is. What [`read`] and [`attachment`] say is of this one.
pub fn unsealed(original: &[u8]) -> Cow<'_, [u8]> {
    let opened = guarded(|| sealed::unsealed(&parts::parts(original))).flatten();
    opened.map_or(Cow::Borrowed(original), Cow::Owned)
}

/// The message at `path` inside another: the attachment at its first number, of that the one at the second, and so on.
/// `None` where there is none.
pub fn within(original: Vec<u8>, path: &[usize]) -> Option<Vec<u8>> {
    path.iter().try_fold(original, |outer, &index| attachment(&outer, index))
}

/// The text of a file that declares no character set, safe to show: its beginning where it is very long.
pub fn text_of_file(content: &[u8]) -> String {
    guarded(|| body::source(content)).unwrap_or_default()
}

/// Whether opening this file would run it, by its name, its declared type and its first octets. Such a file is saved and
/// never opened.
pub fn is_program(name: &str, media_type: &str, content: &[u8]) -> bool {
    kinds::is_program(name, media_type) || kinds::begins_as_program(content)
}

/// A file name cut before the dot of its real extension, so that the extension can always be shown.
pub fn split_name(name: &str) -> (&str, &str) {
    kinds::split(name)
}

/// The first words of what is in a message for the list's third line: of its text, or else of its cards.
pub fn gist(message: &Message, longest: usize) -> String {
    let words = preview(&message.text, longest);
    if !words.is_empty() {
        return words;
    }
    let said = message.cards.iter().find_map(|card| match card {
        Card::Event(event) => Some(format!("{}: {}", event.heading(), event.title)),
        Card::Contact(contact) => Some(format!("Contact: {}", contact.name)),
        Card::Report(report) => Some(report.sentence.clone()),
        Card::Seal(Seal::Encrypted(_)) => Some("Encrypted".to_owned()),
        Card::Seal(_) | Card::More(_) => None,
    });
    preview(&said.unwrap_or_default(), longest)
}

/// The header section as text, one line per physical line, made [`visible`].
pub fn headers(original: &[u8]) -> String {
    guarded(|| envelope::headers(original)).unwrap_or_default()
}

/// The first words of the text for the list's third line: one line, at most `longest` characters. Quoted lines are
/// passed over unless there is nothing else.
pub fn preview(text: &str, longest: usize) -> String {
    // White space and quotations at the top are looked through only so far.
    const LINES: usize = 500;
    let own = text.lines().take(LINES).filter(|line| !line.starts_with('>'));
    let words = first_words(own, longest);
    if words.is_empty() { first_words(text.lines().take(LINES), longest) } else { words }
}

fn first_words<'a>(lines: impl Iterator<Item = &'a str>, longest: usize) -> String {
    let mut out = String::new();
    let mut left = longest;
    for word in lines.flat_map(str::split_whitespace) {
        let blank = if out.is_empty() { "" } else { " " };
        for character in blank.chars().chain(word.chars()) {
            let Some(less) = left.checked_sub(1) else { return out.trim_end().to_owned() };
            left = less;
            out.push(character);
        }
    }
    out
}

/// The text of an HTML document by tokenizing it without a tree: linear in its length, safe in process.
pub fn text_of_html(html: &str) -> String {
    guarded(|| html::text_of_html(html)).unwrap_or_default()
}

/// Text that cannot deceive: NFC; bidi controls, C0/C1 controls, zero-width and tag characters removed. Line feeds and
/// tabs stay; joiners stay between letters and emoji that need them.
pub fn visible(text: &str) -> String {
    visible::visible_text(text)
}

/// The same on one line: white space runs made one blank, trimmed. For header fields and names.
pub fn visible_line(text: &str) -> String {
    visible::visible_line(text)
}

/// A file name that stays in its folder and is valid everywhere: the last path component, no control or reserved
/// characters, no reserved Windows names, at most 120 bytes, the true extension kept; `fallback` when nothing is left.
/// Two attachments may get the same name: who saves them makes them differ.
pub fn safe_name(name: &str, fallback: &str) -> String {
    names::safe_name(name, fallback)
}

/// The name of a file that holds a message: its subject, made as safe as [`safe_name`] makes any.
pub fn file_name(envelope: &Envelope) -> String {
    names::of_message(&envelope.subject, "message.eml")
}

/// The likeness of two originals: SHA-256 over the message with line ends made CRLF and those header fields left out that
/// programs write into their own copy (Status, X-Mozilla-*, Content-Length, X-Gmail-Labels and their like). Equal for one
/// mail that came by two ways; never a reason to delete.
pub fn likeness(original: &[u8]) -> Digest {
    likeness::likeness(original, || Digest::of(original))
}

/// [`likeness`], and [`first_likeness`] where that is another: an archive may hold either of them. `exact` is the hash of
/// the original itself, and nearly always the same.
pub fn likenesses_given(original: &[u8], exact: Digest) -> (Digest, Option<Digest>) {
    likeness::likenesses(original, exact)
}

/// The likeness by the first rule, which left out Status, X-Status, X-UIDL and X-Mozilla-* only. For what must stay as it
/// was: unique-ids that are made from it, and what is compared before a copy on a server may go.
pub fn first_likeness(original: &[u8]) -> Digest {
    likeness::first_likeness(original, || Digest::of(original))
}

/// A `winmail.dat` for the tests of the window.
#[cfg(all(test, feature = "gui"))]
pub fn tnef_example() -> Vec<u8> {
    tnef::tests::stream()
}

/// The one place where a panic of a decoder ends: `None` then.
fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}
