//! What a person reads of the body: the text that was preferred, the list of attachments, and what could not be shown.

use super::charset::{self, Outcome};
use super::envelope::with_line_feeds;
use super::html::text_of_html;
use super::inside::{self, Inside};
use super::parts::{DEEPEST, Leaf, MOST_PARTS, Parts, parts};
use super::transfer;
use super::visible::{visible_line, visible_text};
use super::{Attachment, Card, Message, Scheme, Seal, cards, encoded, envelope, flowed, names, sealed};

/// The decoded octets of text that are shown of one message.
const MOST_TEXT: usize = 2 * 1024 * 1024;
/// The octets of an attached message that are looked at for its subject.
const MOST_HEADER: usize = 64 * 1024;
const TOO_LONG: &str = "This message is very long: only its beginning is shown.";

/// See [`super::read`].
pub(super) fn read(original: &[u8]) -> Message {
    let parts = parts(original);
    if parts.header.is_empty() && !original.is_empty() {
        let note = "This is not an e-mail message: it has no header. It is shown as it is.".to_owned();
        return Message { text: source(original), notes: vec![note], ..Message::default() };
    }
    let Some(opened) = sealed::unsealed(&parts) else { return understood(&parts).0 };
    let mut message = understood(&self::parts(&opened)).0;
    let seal = Card::Seal(Seal::Signed(Scheme::Smime));
    if !message.cards.contains(&seal) {
        message.cards.insert(0, seal);
    }
    message
}

/// What a person reads, and what stands beside it.
pub(super) fn understood<'p, 'a>(parts: &'p Parts<'a>) -> (Message, Beside<'p, 'a>) {
    let (message, reading) = whole(parts);
    (message, Beside { passed_over: reading.passed_over, inside: reading.inside })
}

/// What was not chosen to be read.
pub(super) struct Beside<'p, 'a> {
    /// HTML beside plain text.
    pub passed_over: Vec<&'p Leaf<'a>>,
    /// Files that are no parts of their own.
    pub inside: Vec<Inside>,
}

fn whole<'p, 'a>(parts: &'p Parts<'a>) -> (Message, Reading<'p, 'a>) {
    let mut reading = Reading { notes: structure_notes(parts), ..Reading::new(MOST_TEXT) };
    let (mut text, mut text_is_from_html) = reading.body(&parts.leaves);
    let mut attachments: Vec<Attachment> =
        attached(parts).zip(1..).map(|(leaf, number)| listed(leaf, number)).collect();
    let unpacked = inside::unpacked(parts);
    for index in unpacked.wrappings {
        attachments.iter_mut().skip(index).take(1).for_each(|attachment| attachment.unpacked = true);
    }
    if let Some((inner, from_html)) = unpacked.text.filter(|_| text.trim().is_empty()) {
        (text, text_is_from_html) = (shown(&reading.bounded(inner)), from_html);
    }
    reading.inside.extend(unpacked.files);
    let number = attachments.len();
    attachments.extend(reading.inside.iter().zip(1..).map(|(file, after)| file.listed(number.saturating_add(after))));
    let cards = cards::cards(parts, sealed::seals(parts, &text));
    let notes = std::mem::take(&mut reading.notes);
    let envelope = envelope::of(&parts.header);
    (Message { envelope, text, text_is_from_html, attachments, cards, notes }, reading)
}

fn listed(leaf: &Leaf<'_>, number: usize) -> Attachment {
    let name = name(leaf);
    let fallback = names::fallback(number, &leaf.media_type);
    let safe_name = match is_message(leaf) && name.is_empty() {
        true => names::of_message(&subject(leaf), &fallback),
        false => names::safe_name(&name, &fallback),
    };
    Attachment {
        safe_name,
        media_type: leaf.media_type.clone(),
        size: transfer::decoded_size(leaf.body, leaf.encoding),
        name,
        ..Attachment::default()
    }
}

fn is_message(leaf: &Leaf<'_>) -> bool {
    matches!(leaf.media_type.as_str(), "message/rfc822" | "message/global")
}

fn subject(leaf: &Leaf<'_>) -> String {
    envelope::envelope(&transfer::decode(leaf.body, leaf.encoding, MOST_HEADER)).subject
}

/// See [`super::attachment`].
pub(super) fn attachment(original: &[u8], index: usize) -> Option<Vec<u8>> {
    let outer = parts(original);
    match sealed::unsealed(&outer) {
        Some(opened) => content(&parts(&opened), index),
        None => content(&outer, index),
    }
}

fn content(parts: &Parts<'_>, index: usize) -> Option<Vec<u8>> {
    if parts.header.is_empty() {
        return None;
    }
    let number = attached(parts).count();
    match index.checked_sub(number) {
        None => attached(parts).nth(index).map(|leaf| transfer::decode(leaf.body, leaf.encoding, usize::MAX)),
        Some(place) => whole(parts).1.inside.into_iter().nth(place).map(|file| file.content),
    }
}

/// The beginning of the original as text, for what cannot be shown better.
pub(super) fn source(original: &[u8]) -> String {
    shown(&charset::guess(original.get(..MOST_TEXT).unwrap_or(original)))
}

pub(super) fn attached<'a, 'b>(parts: &'b Parts<'a>) -> impl Iterator<Item = &'b Leaf<'a>> {
    parts.leaves.iter().filter(|leaf| is_attachment(leaf))
}

pub(super) fn is_attachment(leaf: &Leaf<'_>) -> bool {
    leaf.disposition.value == "attachment" || !is_text(leaf) || !name(leaf).is_empty()
}

/// Whether a part belongs to the text: also one with a file name, where it is an alternative.
pub(super) fn is_read(leaf: &Leaf<'_>) -> bool {
    !is_attachment(leaf) || is_text(leaf) && leaf.alternative.is_some() && leaf.disposition.value != "attachment"
}

fn is_text(leaf: &Leaf<'_>) -> bool {
    matches!(leaf.media_type.as_str(), "text/plain" | "text/html")
}

/// The decoded file name: Content-Disposition's, else Content-Type's.
pub(super) fn name(leaf: &Leaf<'_>) -> String {
    let decoded = leaf.disposition.decoded("filename").or_else(|| leaf.content_type.decoded("name"));
    visible_line(&decoded.unwrap_or_default())
}

fn structure_notes(parts: &Parts<'_>) -> Vec<String> {
    [
        (parts.too_deep, format!("Parts nested more than {DEEPEST} deep were not opened.")),
        (parts.too_many, format!("Only the first {MOST_PARTS} parts are listed.")),
    ]
    .into_iter()
    .filter_map(|(applies, note)| applies.then_some(note))
    .collect()
}

/// The text being put together, within its budget.
pub(super) struct Reading<'p, 'a> {
    left: usize,
    notes: Vec<String>,
    /// HTML that says in another form what was chosen.
    passed_over: Vec<&'p Leaf<'a>>,
    /// Files that stood in the text.
    inside: Vec<Inside>,
}

impl<'p, 'a> Reading<'p, 'a> {
    /// At most so many decoded octets in all.
    pub(super) fn new(left: usize) -> Reading<'p, 'a> {
        Reading { left, notes: Vec::new(), passed_over: Vec::new(), inside: Vec::new() }
    }

    pub(super) fn left(&self) -> usize {
        self.left
    }

    /// The text of the body and whether any of it was made from HTML.
    fn body(&mut self, leaves: &'p [Leaf<'a>]) -> (String, bool) {
        let mut pieces = Vec::new();
        let mut done = None;
        let inline: Vec<&'p Leaf<'a>> = leaves.iter().filter(|leaf| is_read(leaf)).collect();
        for leaf in &inline {
            match leaf.alternative {
                None => pieces.push((self.text(leaf), is_html(leaf))),
                Some(group) if done == Some(group) => (),
                Some(group) => {
                    done = Some(group);
                    let of_group: Vec<&'p Leaf<'a>> =
                        inline.iter().copied().filter(|other| other.alternative == Some(group)).collect();
                    pieces.extend(self.preferred(&of_group));
                }
            }
        }
        pieces.retain(|(text, _)| !text.is_empty());
        if pieces.is_empty() {
            // Nothing to read but, say, text/enriched, a text with a file name, or a lone one that calls itself attached.
            let only = leaves.len() == 1;
            let readable = |leaf: &&Leaf<'_>| {
                leaf.media_type.starts_with("text/")
                    && !is_read(leaf)
                    && (only || leaf.disposition.value != "attachment")
                    && !is_card(&leaf.media_type)
            };
            pieces.extend(leaves.iter().find(readable).map(|leaf| (self.text(leaf), is_html(leaf))));
        }
        if pieces.iter().all(|(text, _)| text.is_empty()) && inline.iter().any(|leaf| is_html(leaf)) {
            self.note("This message holds no text; it may be made of pictures alone.");
        }
        let from_html = pieces.iter().any(|(_, from_html)| *from_html);
        let texts: Vec<String> = pieces.into_iter().map(|(text, _)| text).collect();
        (texts.join("\n\n"), from_html)
    }

    /// Of a multipart/alternative: what is plain text unless that is blank, else what is HTML.
    fn preferred(&mut self, leaves: &[&'p Leaf<'a>]) -> Vec<(String, bool)> {
        for html in [false, true] {
            let pieces: Vec<(String, bool)> =
                leaves.iter().filter(|leaf| is_html(leaf) == html).map(|leaf| (self.text(leaf), html)).collect();
            if pieces.iter().any(|(text, _)| !text.trim().is_empty()) {
                self.passed_over.extend(leaves.iter().copied().filter(|leaf| is_html(leaf) && !html));
                return pieces;
            }
        }
        Vec::new()
    }

    pub(super) fn text(&mut self, leaf: &Leaf<'_>) -> String {
        let text = self.raw_text(leaf);
        if is_html(leaf) {
            return shown(&text_of_html(&text));
        }
        let lines = with_line_feeds(&text);
        let is_flowed = leaf.content_type.plain("format").is_some_and(|format| format.eq_ignore_ascii_case("flowed"));
        let deletes = leaf.content_type.plain("delsp").is_some_and(|value| value.eq_ignore_ascii_case("yes"));
        if is_flowed { shown(&flowed::join(&lines, deletes)) } else { shown(&lines) }
    }

    /// The characters of a part as they stand, without the files among them.
    pub(super) fn raw_text(&mut self, leaf: &Leaf<'_>) -> String {
        let mut octets = self.octets(leaf);
        if octets.len() > self.left {
            octets.truncate(self.left);
            self.note(TOO_LONG);
        }
        self.left = self.left.saturating_sub(octets.len());
        let declared = leaf.content_type.plain("charset").unwrap_or_default();
        let label = if declared.is_empty() && is_html(leaf) { meta_charset(&octets) } else { declared.to_owned() };
        let (text, outcome) = charset::decode(&octets, &label);
        match outcome {
            Outcome::Clean => (),
            Outcome::UnknownCharset => {
                self.note("The character set of this message is unknown: some characters may be wrong.")
            }
            Outcome::Damaged => self.note("Some characters of this message could not be decoded."),
        }
        text.into_owned()
    }

    /// The decoded octets of a part, a little more than there is room for; the files written into plain text taken out.
    fn octets(&mut self, leaf: &Leaf<'_>) -> Vec<u8> {
        let some = self.left.saturating_add(1);
        let may_hold = leaf.media_type == "text/plain"
            && leaf.encoding != transfer::Encoding::Base64
            && encoded::may_hold(leaf.body);
        if !may_hold {
            return transfer::decode(leaf.body, leaf.encoding, some);
        }
        let octets = transfer::decode(leaf.body, leaf.encoding, usize::MAX);
        let files = encoded::files(&octets);
        let text = encoded::without(&octets, &files);
        for file in files {
            let (file, note) = Inside::encoded(file);
            self.inside.push(file);
            note.iter().for_each(|note| self.note(note));
        }
        text
    }

    /// Text from elsewhere, cut to what there is room for.
    pub(super) fn bounded(&mut self, mut text: String) -> String {
        if text.len() > self.left {
            text.truncate(text.floor_char_boundary(self.left));
            self.note(TOO_LONG);
        }
        self.left = self.left.saturating_sub(text.len());
        text
    }

    fn note(&mut self, note: &str) {
        if !self.notes.iter().any(|known| known == note) {
            self.notes.push(note.to_owned());
        }
    }
}

/// Types that are shown as cards.
fn is_card(media_type: &str) -> bool {
    matches!(media_type, "text/calendar" | "text/vcard" | "text/x-vcard" | "text/directory")
}

pub(super) fn is_html(leaf: &Leaf<'_>) -> bool {
    leaf.media_type == "text/html"
}

/// Safe to show, without empty lines at the top and white space at the end.
fn shown(text: &str) -> String {
    visible_text(&with_line_feeds(text)).trim_start_matches('\n').trim_end().to_owned()
}

/// The charset that an HTML document declares at its top, for parts whose header declares none.
pub(super) fn meta_charset(html: &[u8]) -> String {
    let top = String::from_utf8_lossy(html.get(..2048).unwrap_or(html)).to_ascii_lowercase();
    let Some((_, after)) = top.split_once("charset=") else { return String::new() };
    let label = after.trim_start_matches(['"', '\'', ' ']);
    label.chars().take_while(|each| each.is_ascii_alphanumeric() || matches!(each, '-' | '_' | ':' | '.')).collect()
}
