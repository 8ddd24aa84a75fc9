//! A message from what Outlook keeps of it. The same properties always make the same octets: nothing here asks for the
//! time, for chance or for the name of the machine.

use mail_builder::headers::content_type::ContentType;
use mail_builder::mime::{BodyPart, MimePart};

use super::headers::{self, Kept};
use super::properties::{Attachment, Content, Item, Properties, id};
use crate::account::Digest;
use crate::message::outlook_text::{self, Rich};

/// Attachments with this bit are shown inside the text.
const RENDERED_IN_BODY: i64 = 4;

/// Octets of rich text that are unpacked for a message and those inside it, in megabytes. What comes out may have three
/// times as many: more than this no one wrote.
pub const MOST_RICH: usize = 32;

/// What of a message is not in what was made of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Missing {
    /// Attachments that were only referred to.
    pub elsewhere: u64,
    /// Attachments that are objects of other programs.
    pub objects: u64,
    /// Its rich text, or that of a message inside it, is longer than is unpacked.
    pub text: bool,
    /// Its header section is longer than any that a server takes.
    pub header: bool,
}

/// The octets of a message, and what is not in them.
pub fn mail(item: &Item) -> (Vec<u8>, Missing) {
    let mut writing = Writing { rich: MOST_RICH << 20, missing: Missing::default() };
    let bytes = written(item, 0, &mut writing);
    (bytes, writing.missing)
}

/// What a message and those inside it share while they are written.
struct Writing {
    /// Octets of rich text that may still be unpacked.
    rich: usize,
    missing: Missing,
}

fn written(item: &Item, depth: usize, writing: &mut Writing) -> Vec<u8> {
    let kept = Kept::of(&item.properties);
    writing.missing.header |= kept.cut;
    let mut out = headers::written(item, &kept);
    out.extend_from_slice(b"MIME-Version: 1.0\r\n");
    if let Some(sealed) = sealed(item) {
        sealed.write(&kept, &mut out);
        return out;
    }
    let texts = texts(&item.properties, writing);
    let mut boundaries = Boundaries::new(&out, &texts, depth);
    let mut parts = Vec::new();
    let mut inside_text = Vec::new();
    for attachment in &item.attachments {
        let Some(part) = attached(attachment, depth, writing) else { continue };
        if is_inside_text(&attachment.properties, &texts) { inside_text.push(part) } else { parts.push(part) }
    }
    let mut body = boundaries.alternative(texts);
    if !inside_text.is_empty() {
        inside_text.insert(0, body);
        body = boundaries.multipart("multipart/related", inside_text);
    }
    if !parts.is_empty() {
        parts.insert(0, body);
        body = boundaries.multipart("multipart/mixed", parts);
    }
    body.write_part(&mut out);
    out
}

/// The text of a message, in each form that there is.
#[derive(Default)]
struct Texts {
    plain: Option<String>,
    html: Option<Html>,
}

struct Html {
    octets: Vec<u8>,
    charset: String,
}

fn texts(properties: &Properties, writing: &mut Writing) -> Texts {
    let mut texts = Texts { plain: properties.text(id::BODY), html: html(properties) };
    if texts.html.is_none()
        && let Some(compressed) = properties.octets(id::RTF_COMPRESSED)
    {
        let unpacked = outlook_text::rich(compressed, writing.rich);
        writing.rich = writing.rich.saturating_sub(unpacked.octets);
        match unpacked.words {
            Some(Rich::Html(html)) => {
                texts.html = Some(Html { octets: html.into_bytes(), charset: "utf-8".to_owned() });
                writing.missing.text |= unpacked.cut;
            }
            // The same in another form.
            _ if texts.plain.is_some() => (),
            text => {
                if let Some(Rich::Text(text)) = text {
                    texts.plain = Some(text);
                }
                writing.missing.text |= unpacked.cut;
            }
        }
    }
    texts
}

/// HTML is kept as octets in the code page that the message came in; then it is left as it is.
fn html(properties: &Properties) -> Option<Html> {
    if let Some(octets) = properties.octets(id::HTML) {
        let page = properties.number(id::INTERNET_CODEPAGE).and_then(|page| u32::try_from(page).ok());
        let octets = octets.strip_suffix(b"\0").unwrap_or(octets);
        let charset = match outlook_text::label(page.unwrap_or(properties.code_page)) {
            label if !label.is_empty() => label,
            _ if std::str::from_utf8(octets).is_ok() => "utf-8".to_owned(),
            _ => "windows-1252".to_owned(),
        };
        return (!octets.is_empty()).then(|| Html { octets: octets.to_vec(), charset });
    }
    properties.text(id::HTML).map(|html| Html { octets: html.into_bytes(), charset: "utf-8".to_owned() })
}

/// Whether the HTML shows an attachment: Outlook says so, or the text names it.
fn is_inside_text(properties: &Properties, texts: &Texts) -> bool {
    let Some(html) = &texts.html else { return false };
    let Some(content_id) = content_id(properties) else { return false };
    properties.number(id::ATTACH_FLAGS).is_some_and(|flags| flags & RENDERED_IN_BODY != 0)
        || memchr::memmem::find(&html.octets, format!("cid:{content_id}").as_bytes()).is_some()
}

fn content_id(properties: &Properties) -> Option<String> {
    let content_id = properties.text(id::ATTACH_CONTENT_ID)?;
    let content_id = content_id.trim().trim_start_matches('<').trim_end_matches('>');
    let plain = content_id.chars().all(|character| character.is_ascii_graphic() && !matches!(character, '<' | '>'));
    (plain && !content_id.is_empty()).then(|| content_id.to_owned())
}

fn attached<'x>(attachment: &'x Attachment, depth: usize, writing: &mut Writing) -> Option<MimePart<'x>> {
    let properties = &attachment.properties;
    let name = properties.first_text(&[id::ATTACH_LONG_FILENAME, id::ATTACH_FILENAME, id::DISPLAY_NAME]);
    let part = match &attachment.content {
        Content::Elsewhere => {
            writing.missing.elsewhere += 1;
            return None;
        }
        Content::Object => {
            writing.missing.objects += 1;
            return None;
        }
        Content::Message(item) => {
            let bytes = written(item, depth + 1, writing);
            let encoding = if bytes.is_ascii() { "7bit" } else { "8bit" };
            MimePart::new("message/rfc822", bytes).transfer_encoding(encoding)
        }
        Content::Octets(octets) => {
            let kind = properties.text(id::ATTACH_MIME_TAG).and_then(|kind| media_type(&kind));
            let kind = kind.unwrap_or_else(|| "application/octet-stream".to_owned());
            // Text as well: as it stands, to the last octet.
            MimePart::new(ContentType::new(kind), base64_lines(octets)).transfer_encoding("base64")
        }
    };
    let disposition = if properties.number(id::ATTACH_FLAGS).is_some_and(|flags| flags & RENDERED_IN_BODY != 0) {
        ContentType::new("inline")
    } else {
        ContentType::new("attachment")
    };
    let disposition = match name {
        Some(name) => disposition.attribute("filename", name),
        None => disposition,
    };
    let part = part.header("Content-Disposition", disposition);
    Some(match content_id(properties) {
        Some(content_id) => part.cid(content_id),
        None => part,
    })
}

/// A media type as it may stand in a header field, without parameters; `None` for anything else, and for what a part
/// made here cannot be.
fn media_type(declared: &str) -> Option<String> {
    let declared = declared.split(';').next()?.trim().to_ascii_lowercase();
    let (kind, subtype) = declared.split_once('/')?;
    let token = |text: &str| {
        !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&octet))
    };
    (token(kind) && token(subtype) && !matches!(kind, "multipart" | "message")).then_some(declared)
}

fn base64_lines(octets: &[u8]) -> Vec<u8> {
    use base64::Engine;
    let mut lines = Vec::with_capacity(octets.len() / 57 * 78 + 80);
    for line in octets.chunks(57) {
        lines.extend_from_slice(base64::engine::general_purpose::STANDARD.encode(line).as_bytes());
        lines.extend_from_slice(b"\r\n");
    }
    lines
}

/// Boundaries that follow from what the message is, and that none of its texts can hold.
struct Boundaries {
    digest: String,
    number: usize,
}

impl Boundaries {
    fn new(header: &[u8], texts: &Texts, depth: usize) -> Boundaries {
        let plain = texts.plain.as_deref().unwrap_or_default().as_bytes();
        let html = texts.html.as_ref().map(|html| html.octets.as_slice()).unwrap_or_default();
        let digest = Digest::of(&[&depth.to_le_bytes(), header, plain, b"\0", html].concat()).to_string();
        Boundaries { digest: digest.chars().take(32).collect(), number: 0 }
    }

    fn multipart<'x>(&mut self, kind: &'static str, parts: Vec<MimePart<'x>>) -> MimePart<'x> {
        self.number += 1;
        let boundary = format!("=_{}_{}", self.digest, self.number);
        MimePart::new(ContentType::new(kind).attribute("boundary", boundary), parts)
    }

    fn alternative<'x>(&mut self, texts: Texts) -> MimePart<'x> {
        let plain = |text: String| MimePart::new("text/plain", text);
        let html = |html: Html| {
            MimePart::new(
                ContentType::new("text/html").attribute("charset", html.charset),
                BodyPart::Binary(html.octets.into()),
            )
        };
        match (texts.plain, texts.html) {
            (Some(text), Some(page)) => self.multipart("multipart/alternative", vec![plain(text), html(page)]),
            (None, Some(page)) => html(page),
            (text, None) => plain(text.unwrap_or_default()),
        }
    }
}

/// A signed or encrypted message (MS-OXOSMIME), which Outlook keeps whole as its only attachment.
enum Sealed<'a> {
    /// The whole MIME entity with its header fields: `multipart/signed`.
    Entity(&'a [u8]),
    /// The octets of a CMS object.
    Object(&'a [u8]),
}

fn sealed(item: &Item) -> Option<Sealed<'_>> {
    let class = item.properties.text(id::MESSAGE_CLASS)?.to_ascii_lowercase();
    let [Attachment { properties, content: Content::Octets(octets) }] = item.attachments.as_slice() else {
        return None;
    };
    if !class.contains(".smime") {
        return None;
    }
    let start = octets.get(..octets.len().min(2048)).unwrap_or_default().to_ascii_lowercase();
    let tag = properties.text(id::ATTACH_MIME_TAG).unwrap_or_default().to_ascii_lowercase();
    if memchr::memmem::find(&start, b"content-type:").is_some() {
        return Some(Sealed::Entity(octets));
    }
    (tag.contains("pkcs7-mime") || octets.first() == Some(&0x30)).then_some(Sealed::Object(octets))
}

impl Sealed<'_> {
    fn write(&self, kept: &Kept, out: &mut Vec<u8>) {
        match self {
            Sealed::Entity(octets) => {
                // Its own version field would be a second one.
                let octets = octets.strip_prefix(b"MIME-Version: 1.0\r\n").unwrap_or(octets);
                out.extend_from_slice(octets);
            }
            Sealed::Object(octets) => {
                match kept.content_type.as_deref().filter(|field| field.to_ascii_lowercase().contains("pkcs7-mime")) {
                    Some(field) => out.extend_from_slice(field.as_bytes()),
                    None => out.extend_from_slice(b"Content-Type: application/pkcs7-mime; name=\"smime.p7m\"\r\n"),
                }
                out.extend_from_slice(b"Content-Disposition: attachment; filename=\"smime.p7m\"\r\n");
                out.extend_from_slice(b"Content-Transfer-Encoding: base64\r\n\r\n");
                out.extend_from_slice(&base64_lines(octets));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::properties::Value;
    use super::*;

    fn rich(words: &str) -> Item {
        let rtf = format!("{{\\rtf1 {words}}}");
        let packed = [&[0; 4][..], &(rtf.len() as u32).to_le_bytes(), b"MELA\0\0\0\0", rtf.as_bytes()].concat();
        let mut item = Item::default();
        item.properties.put(id::RTF_COMPRESSED, Value::Octets(packed));
        item
    }

    fn with_room(rich: usize, item: &Item) -> (String, bool) {
        let mut writing = Writing { rich, missing: Missing::default() };
        let bytes = written(item, 0, &mut writing);
        (String::from_utf8(bytes).unwrap(), writing.missing.text)
    }

    #[test]
    fn rich_text_that_is_cut_is_told_of() {
        let mut item = rich("as long as it is");
        assert!(matches!(with_room(24, &item), (text, false) if text.ends_with("as long as it is")));
        assert!(matches!(with_room(22, &item), (text, true) if text.ends_with("as long as it i")));
        // What is not needed is not missed.
        item.properties.put(id::BODY, Value::Wide(b"a\0".to_vec()));
        assert!(matches!(with_room(22, &item), (text, false) if text.ends_with("\r\n\r\na")));
    }

    #[test]
    fn a_message_and_those_inside_it_share_the_room() {
        let mut item = rich("outside");
        let inside = Content::Message(Box::new(rich("inside")));
        item.attachments.push(Attachment { properties: Properties::default(), content: inside });
        let (whole, cut) = with_room(29, &item);
        assert!(whole.contains("outside") && whole.contains("inside") && !cut);
        let (text, cut) = with_room(15, &item);
        assert!(text.contains("outside") && !text.contains("inside") && cut);
    }
}
