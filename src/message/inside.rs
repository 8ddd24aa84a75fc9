//! Files that are no parts of their own: in a `winmail.dat`, or written into the text. Listed behind the parts, in the
//! order in which they are found, so that the same number always means the same file.

use super::body::name;
use super::parts::{Leaf, Parts};
use super::rtf::{self, Words};
use super::visible::visible_line;
use super::{Attachment, encoded, html, kinds, names, tnef, transfer};

/// The octets of HTML of which the text is read.
const MOST_HTML: usize = 2 * 1024 * 1024;

/// A file that was found inside a part.
#[derive(Debug)]
pub(super) struct Inside {
    pub name: String,
    /// Empty where none is declared.
    pub media_type: String,
    pub content: Vec<u8>,
}

impl Inside {
    /// As it stands in the list, at this number counted from one.
    pub fn listed(&self, number: usize) -> Attachment {
        let name = visible_line(&self.name);
        let media_type = if self.media_type.is_empty() { kinds::media_type(&name) } else { &self.media_type };
        Attachment {
            safe_name: names::safe_name(&name, &names::fallback(number, media_type)),
            media_type: media_type.to_owned(),
            size: self.content.len() as u64,
            name,
            inside: true,
            unpacked: false,
        }
    }

    /// A file from the text, and what is to be said of it.
    pub fn encoded(file: encoded::File) -> (Inside, Option<String>) {
        let name = visible_line(&file.name);
        let note = match file.part {
            Some((part, total)) if total != 1 => {
                let of = if total == 0 { String::new() } else { format!(" of {total}") };
                Some(format!("{name} is part {part}{of} of a file: the others are in other messages."))
            }
            _ if file.is_damaged => Some(format!("{name} is not whole: its end did not come with this message.")),
            _ => None,
        };
        (Inside { name: file.name, media_type: String::new(), content: file.content }, note)
    }
}

/// What the `winmail.dat` parts of a message hold.
#[derive(Debug, Default)]
pub(super) struct Unpacked {
    pub files: Vec<Inside>,
    /// The text of the first that has one, and whether it was made from HTML.
    pub text: Option<(String, bool)>,
    /// Which of the attachments are only wrappings.
    pub wrappings: Vec<usize>,
}

pub(super) fn unpacked(parts: &Parts<'_>) -> Unpacked {
    let mut unpacked = Unpacked::default();
    for (index, leaf) in super::body::attached(parts).enumerate() {
        if !is_winmail(leaf) {
            continue;
        }
        let stream = transfer::decode(leaf.body, leaf.encoding, usize::MAX);
        let Some(tnef) = tnef::read(&stream) else { continue };
        if unpacked.text.is_none() {
            unpacked.text = text(&tnef);
        }
        if !tnef.files.is_empty() {
            unpacked.wrappings.push(index);
        }
        unpacked.files.extend(tnef.files.into_iter().map(file));
    }
    unpacked
}

/// Files that HTML can name: their Content-IDs and octets.
type Named = Vec<(String, Vec<u8>)>;

/// The HTML in the first `winmail.dat` of a message that has any, and the files that it can name, `most` octets in all.
pub(super) fn html(parts: &Parts<'_>, most: usize) -> Option<(String, Named)> {
    super::body::attached(parts).filter(|leaf| is_winmail(leaf)).find_map(|leaf| {
        let stream = transfer::decode(leaf.body, leaf.encoding, usize::MAX);
        let tnef = tnef::read(&stream)?;
        let mut html = match tnef.html {
            Some(html) => html,
            None => match rtf::words(&rtf::unpacked(tnef.rtf?)?) {
                Words::Html(html) => html,
                Words::Text(_) => return None,
            },
        };
        html.truncate(html.floor_char_boundary(MOST_HTML));
        let is_seen = !html::text_of_html(&html).is_empty() || html.to_ascii_lowercase().contains("<img");
        is_seen.then(|| (html, named(&tnef.files, most)))
    })
}

fn named(files: &[tnef::File<'_>], most: usize) -> Named {
    let mut left = most;
    let named = files.iter().filter(|file| !file.content_id.is_empty() && !file.is_message);
    let fits = named.filter(|file| left.checked_sub(file.content.len()).inspect(|less| left = *less).is_some());
    fits.map(|file| (file.content_id.clone(), file.content.to_vec())).collect()
}

fn is_winmail(leaf: &Leaf<'_>) -> bool {
    matches!(leaf.media_type.as_str(), "application/ms-tnef" | "application/vnd.ms-tnef")
        || name(leaf).eq_ignore_ascii_case("winmail.dat")
}

fn file(file: tnef::File<'_>) -> Inside {
    if !file.is_message {
        return Inside { name: file.name, media_type: file.media_type, content: file.content.to_vec() };
    }
    // A message in Outlook's own form: as one that can be opened, with that form in it.
    let subject = visible_line(&file.name);
    let header = format!(
        "Subject: {subject}\r\nMIME-Version: 1.0\r\nContent-Type: application/ms-tnef; name=winmail.dat\r\n\
         Content-Transfer-Encoding: binary\r\n\r\n"
    );
    let name = names::of_message(&subject, "message.eml");
    Inside { name, media_type: "message/rfc822".to_owned(), content: [header.as_bytes(), file.content].concat() }
}

fn text(tnef: &tnef::Tnef<'_>) -> Option<(String, bool)> {
    if let Some(text) = tnef.text.as_ref().filter(|text| !text.trim().is_empty()) {
        return Some((text.clone(), false));
    }
    let of_html = |html: &str| {
        let end = html.floor_char_boundary(MOST_HTML);
        html::text_of_html(html.get(..end).unwrap_or_default())
    };
    if let Some(html) = &tnef.html {
        return Some((of_html(html), true));
    }
    match rtf::words(&rtf::unpacked(tnef.rtf?)?) {
        Words::Text(text) => Some((text, false)),
        Words::Html(html) => Some((of_html(&html), true)),
    }
}
