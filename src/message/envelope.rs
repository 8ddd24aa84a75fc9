//! The envelope: the header fields that the list and the reader show, decoded.

use std::borrow::Cow;

use super::fields::{LineEnds, Section, section, skip_preamble};
use super::parameters::Structured;
use super::visible::{visible_line, visible_text};
use super::{Envelope, Mailbox, addresses, charset, dates, words};

/// The octets of a header section that [`super::headers`] shows.
const LONGEST_SHOWN: usize = 1024 * 1024;

/// Reads only the header section of `original`.
pub(super) fn envelope(original: &[u8]) -> Envelope {
    let ends = LineEnds::of(original);
    of(&section(skip_preamble(original, ends), ends).0)
}

/// The envelope that a header section holds.
pub(super) fn of(header: &Section<'_>) -> Envelope {
    let content_type = header.first("content-type").map(Structured::parse).unwrap_or_default();
    let hint = content_type.plain("charset").unwrap_or_default();
    let text = |name: &str| header.first(name).map(|raw| words::unstructured(raw, hint)).unwrap_or_default();
    let list = |name: &str| header.first(name).map(|raw| addresses::parse(raw, hint)).unwrap_or_default();
    Envelope {
        subject: visible_line(&text("subject")),
        from: sender(list("from")).or_else(|| sender(list("sender"))).unwrap_or_default(),
        to: list("to"),
        cc: list("cc"),
        reply_to: list("reply-to"),
        date: dates::parse(&text("date")),
        message_id: Some(message_id(&text("message-id"))).filter(|id| !id.is_empty()),
    }
}

/// The first mailbox with an address, else the first with a name.
fn sender(list: Vec<Mailbox>) -> Option<Mailbox> {
    let with_address = list.iter().position(|mailbox| !mailbox.address.is_empty());
    list.into_iter().nth(with_address.unwrap_or(0))
}

fn message_id(field: &str) -> String {
    let inside = field.split_once('<').map_or(field, |(_, after)| after);
    visible_line(inside.split('>').next().unwrap_or_default())
}

/// The header section as it stands, made safe to show.
pub(super) fn headers(original: &[u8]) -> String {
    let ends = LineEnds::of(original);
    let (_, body) = section(skip_preamble(original, ends), ends);
    let length = original.len().saturating_sub(body.len()).min(LONGEST_SHOWN);
    let shown = charset::guess(original.get(..length).unwrap_or(original)).into_owned();
    visible_text(&with_line_feeds(&shown)).trim_matches('\n').to_owned()
}

/// CRLF and lone CR made LF.
pub(super) fn with_line_feeds(text: &str) -> Cow<'_, str> {
    let mut pieces = text.split('\r');
    let first = pieces.next().unwrap_or_default();
    if first.len() == text.len() {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    out.push_str(first);
    for piece in pieces {
        out.push('\n');
        out.push_str(piece.strip_prefix('\n').unwrap_or(piece));
    }
    out.into()
}
