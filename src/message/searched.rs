//! What of a message is searched beside what is read: HTML that stands beside plain text, attached messages, what cards
//! say, and attachments that are text, whether they are parts of their own or stand inside one. Of each what a person can
//! see of it here, whatever it is declared to be. Attached messages are opened to a depth and a number that are counted,
//! one after the other from a list, so that nothing recurses; all further text together is bounded.

use super::body::{self, Reading};
use super::cards;
use super::content_lines::{Line, lines};
use super::html::text_of_html;
use super::inside::{self, Inside};
use super::kinds::{self, Kind};
use super::parts::{Leaf, Parts, parts};
use super::{Mailbox, Message, charset, envelope, names, sealed, transfer};

/// Decoded octets of further text of one message.
const MOST_TEXT: usize = 1 << 20;
/// Messages inside messages that are opened, and how many in all.
const DEEPEST: usize = 3;
const MOST_MESSAGES: usize = 50;

/// See [`super::read_for_search`].
pub(super) fn read(original: &[u8]) -> (Message, Vec<String>) {
    let outer = parts(original);
    if outer.header.is_empty() {
        return (super::read(original), Vec::new());
    }
    if let Some(opened) = sealed::unsealed(&outer) {
        let (_, texts) = of(&parts(&opened));
        return (super::read(original), texts);
    }
    of(&outer)
}

fn of(outer: &Parts<'_>) -> (Message, Vec<String>) {
    let mut search = Search { texts: Vec::new(), left: MOST_TEXT, attached: Vec::new(), opened: 0 };
    let (message, beside) = body::understood(outer);
    search.take(outer, beside, 1);
    while let Some((bytes, depth)) = search.attached.pop() {
        search.open(&bytes, depth);
    }
    search.texts.retain(|text| !text.is_empty());
    (message, search.texts)
}

struct Search {
    texts: Vec<String>,
    left: usize,
    /// Messages still to be opened, with their depth.
    attached: Vec<(Vec<u8>, usize)>,
    opened: usize,
}

impl Search {
    /// All of a message but what is read, which is at this depth.
    fn take(&mut self, parts: &Parts<'_>, beside: body::Beside<'_, '_>, depth: usize) {
        for leaf in beside.passed_over {
            self.put(|reading| reading.text(leaf));
        }
        for leaf in parts.leaves.iter().filter(|leaf| is_message(leaf) || body::is_attachment(leaf)) {
            let name = body::name(leaf);
            match Sort::of(&name, &leaf.media_type) {
                Sort::Message => self.attach(|most| transfer::decode(leaf.body, leaf.encoding, most), depth),
                Sort::Lines => self.put(|reading| spoken(&reading.raw_text(leaf))),
                Sort::Html => self.put(|reading| text_of_html(&reading.raw_text(leaf))),
                Sort::Text => self.put(|reading| reading.text(leaf)),
                Sort::Other => {}
            }
        }
        for Inside { name, media_type, content } in beside.inside {
            let media_type = if media_type.is_empty() { kinds::media_type(&name) } else { &media_type };
            let text = || charset::guess(&content);
            match Sort::of(&name, media_type) {
                Sort::Message => self.attach(|most| content.get(..most).unwrap_or(&content).to_vec(), depth),
                Sort::Lines => self.put(|reading| reading.bounded(spoken(&text()))),
                Sort::Html => self.put(|reading| reading.bounded(text_of_html(&text()))),
                Sort::Text => self.put(|reading| reading.bounded(text().into_owned())),
                Sort::Other => {}
            }
        }
        if let Some((html, _)) = inside::html(parts, 0) {
            self.put(|reading| reading.bounded(text_of_html(&html)));
        }
    }

    fn put(&mut self, read: impl FnOnce(&mut Reading<'_, '_>) -> String) {
        if self.left > 0 {
            let mut reading = Reading::new(self.left);
            self.texts.push(read(&mut reading));
            self.left = reading.left();
        }
    }

    fn attach(&mut self, bytes: impl FnOnce(usize) -> Vec<u8>, depth: usize) {
        if depth <= DEEPEST && self.opened < MOST_MESSAGES && self.left > 0 {
            self.opened = self.opened.saturating_add(1);
            self.attached.push((bytes(self.left), depth));
        }
    }

    fn open(&mut self, bytes: &[u8], depth: usize) {
        let inner = parts(bytes);
        if inner.header.is_empty() {
            return;
        }
        let header = envelope::of(&inner.header);
        let people = std::iter::once(&header.from).chain(&header.to).chain(&header.cc);
        let named = people.flat_map(|Mailbox { name, address }| [name.clone(), address.clone()]);
        let (message, beside) = body::understood(&inner);
        let files = message.attachments.iter().map(|file| file.name.clone());
        let own: Vec<String> = std::iter::once(header.subject.clone()).chain(named).chain(files).collect();
        for text in own.into_iter().chain([message.text]) {
            let Some(left) = self.left.checked_sub(text.len()) else { return };
            self.left = left;
            self.texts.push(text);
        }
        self.take(&inner, beside, depth.saturating_add(1));
    }
}

fn is_message(leaf: &Leaf<'_>) -> bool {
    matches!(leaf.media_type.as_str(), "message/rfc822" | "message/global" | "message/news")
}

/// How an attachment is searched.
enum Sort {
    Message,
    /// Of content lines: a calendar, a contact.
    Lines,
    Html,
    Text,
    Other,
}

impl Sort {
    fn of(name: &str, media_type: &str) -> Sort {
        if media_type == "message/news" {
            return Sort::Message;
        }
        let name = names::safe_name(name, "attachment");
        let extension = kinds::extension(&name);
        if media_type == "text/html" || matches!(extension.as_str(), "html" | "htm" | "xhtml") {
            return Sort::Html;
        }
        match cards::kind_of(&name, media_type) {
            cards::Kind::Calendar | cards::Kind::Contact => return Sort::Lines,
            cards::Kind::Delivery | cards::Kind::Disposition => return Sort::Text,
            cards::Kind::Other => {}
        }
        match kinds::kind(&name, media_type) {
            Kind::Message => Sort::Message,
            Kind::Calendar | Kind::Contact => Sort::Lines,
            // Keys and seals in letters and digits.
            Kind::Text if extension == "asc" => Sort::Other,
            Kind::Text => Sort::Text,
            _ if media_type == "application/xhtml+xml" => Sort::Html,
            // What runs is text, too, where it says so.
            _ if media_type.starts_with("text/") => Sort::Text,
            _ => Sort::Other,
        }
    }
}

/// What a person reads of a calendar or contact file, its lines unfolded and decoded; not the alarms in it.
fn spoken(file: &str) -> String {
    let mut said: Vec<String> = Vec::new();
    let mut in_alarm = false;
    for line in lines(file) {
        match line.name.as_str() {
            "BEGIN" | "END" if line.value.trim().eq_ignore_ascii_case("VALARM") => in_alarm = line.name == "BEGIN",
            _ if in_alarm => {}
            "SUMMARY" | "LOCATION" | "DESCRIPTION" | "COMMENT" | "CONTACT" | "CATEGORIES" | "URL" | "FN"
            | "NICKNAME" | "TITLE" | "ROLE" | "NOTE" | "EMAIL" | "TEL" => said.push(line.text()),
            "N" | "ORG" | "ADR" => said.push(line.components().join(" ")),
            "ORGANIZER" | "ATTENDEE" => said.extend([name_of(&line), address_of(&line)]),
            _ => {}
        }
    }
    said.join("\n")
}

fn name_of(line: &Line) -> String {
    line.parameter("CN").unwrap_or_default().to_owned()
}

/// Of `mailto:ann@example.org`.
fn address_of(line: &Line) -> String {
    let value = line.value.trim();
    let scheme = value.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("mailto:"));
    value.get(scheme.map_or(0, str::len)..).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(original: &str, read: &str, further: &[&str]) {
        let (message, texts) = super::read(original.replace('\n', "\r\n").as_bytes());
        assert_eq!((message.text.as_str(), texts), (read, further.iter().map(|text| (*text).to_owned()).collect()));
    }

    #[test]
    fn html_beside_plain_text_and_attachments_that_are_text() {
        check(
            "Subject: s\nContent-Type: multipart/mixed; boundary=m\n\n--m\n\
             Content-Type: multipart/alternative; boundary=a\n\n--a\n\nplain\n--a\nContent-Type: text/html\n\n<p>rich\n\
             --a--\n--m\nContent-Type: text/csv; name=a.csv\n\none,two\n\
             --m\nContent-Type: image/png\n\nnone\n\
             --m\nContent-Type: text/calendar\nContent-Transfer-Encoding: base64\n\nU1VNTUFSWTp0ZWE=\n--m--\n",
            "plain",
            &["rich", "one,two", "tea"],
        );
    }

    /// Texts of a message whose one attachment is this.
    fn attached(part: &str) -> Vec<String> {
        let original =
            format!("Subject: s\nContent-Type: multipart/mixed; boundary=m\n\n--m\n\nread\n--m\n{part}\n--m--\n");
        super::read(original.replace('\n', "\r\n").as_bytes()).1
    }

    #[test]
    fn what_a_person_sees_of_an_attachment_whatever_it_is_declared_to_be() {
        let unknown = |name: &str, content: &str| {
            let head = "Content-Type: application/octet-stream\nContent-Disposition: attachment";
            attached(&format!("{head}; filename={name}\n\n{content}"))
        };
        for (name, content, expected) in [
            ("notes.txt", "octet", "octet"),
            ("data.CSV", "one;two", "one;two"),
            ("page.html", "<p>a<b>b</b>", "ab"),
            ("forwarded.eml", "Subject: inner\n\nburied", "buried"),
            ("meeting.ics", "BEGIN:VCALENDAR\nSUMMARY:tea\\, at four\nEND:VCALENDAR", "tea, at four"),
            ("ann.vcf", "BEGIN:VCARD\nN:Lee;Ann\nEND:VCARD", "Lee Ann"),
        ] {
            let texts = unknown(name, content);
            assert!(texts.iter().any(|text| text == expected), "{name}: {texts:?}");
        }
        for name in ["key.asc", "picture.png", "sheet.xlsx", "none"] {
            assert_eq!(unknown(name, "nothing to be read"), Vec::<String>::new(), "{name}");
        }
        let notified =
            attached("Content-Type: message/disposition-notification\n\nFinal-Recipient: rfc822;a@b.example");
        assert_eq!(notified, ["Final-Recipient: rfc822;a@b.example"]);
        let files = "begin 644 a.txt\n%:&5L;&\\`\n`\nend\n";
        let (message, texts) = super::read(format!("Subject: s\n\nread\n{files}").as_bytes());
        assert_eq!((message.text.as_str(), texts), ("read", vec!["hello".to_owned()]));
    }

    #[test]
    fn calendars_and_contacts_are_searched_as_they_are_read() {
        let calendar = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Plan\\nof the\n  harbour\nORGANIZER;CN=\"Lee, Ann\":mailto:a@b.example\n\
                        ATTENDEE:MAILTO:b@b.example\nBEGIN:VALARM\nDESCRIPTION:Reminder\nEND:VALARM\nLOCATION:Quay\nEND:VEVENT\nEND:VCALENDAR";
        let texts = attached(&format!("Content-Type: text/calendar\n\n{calendar}"));
        assert_eq!(texts, ["Plan\nof the harbour\nLee, Ann\na@b.example\n\nb@b.example\nQuay"]);
        let card = "BEGIN:VCARD\nN;ENCODING=QUOTED-PRINTABLE;CHARSET=utf-8:M=C3=BCller;J=C3=B6rg\nORG:Harbour;Books\nEND:VCARD";
        assert_eq!(attached(&format!("Content-Type: text/vcard\n\n{card}")), ["Müller Jörg\nHarbour Books"]);
    }

    #[test]
    fn attached_messages_to_a_depth() {
        let mut inner = "Subject: deepest\n\ninnermost\n".to_owned();
        for level in (1..=5).rev() {
            inner = format!(
                "From: A <a{level}@example.org>\nSubject: level {level}\nContent-Type: multipart/mixed; boundary=b{level}\n\n\
                 --b{level}\n\ntext {level}\n--b{level}\nContent-Type: message/rfc822\n\n{inner}\n--b{level}--\n"
            );
        }
        let (message, texts) = super::read(inner.as_bytes());
        assert_eq!(message.text, "text 1");
        assert!(["level 2", "text 2", "a3@example.org", "text 4"].iter().all(|text| texts.iter().any(|t| t == text)));
        assert!(!texts.iter().any(|text| text == "text 5"), "{texts:?}");
    }

    #[test]
    fn many_and_large_attachments_are_bounded() {
        let part = format!("--m\nContent-Type: text/csv\nContent-Disposition: attachment\n\n{}\n", "x,".repeat(50_000));
        let original = format!("Subject: s\nContent-Type: multipart/mixed; boundary=m\n\n{}--m--\n", part.repeat(40));
        let (_, texts) = super::read(original.as_bytes());
        assert!(texts.iter().map(String::len).sum::<usize>() <= MOST_TEXT + 100);
    }
}
