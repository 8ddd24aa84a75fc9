//! What of a message is searched beside what is read: HTML that stands beside plain text, attached messages, and
//! attachments that are text. Attached messages are opened to a depth and a number that are counted, one after the other
//! from a list, so that nothing recurses; all further text together is bounded.

use super::body::{self, Reading};
use super::parts::{Leaf, Parts, parts};
use super::{Mailbox, Message, envelope, sealed, transfer};

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
    let (message, passed_over) = body::understood(outer);
    let mut search = Search { texts: Vec::new(), left: MOST_TEXT, attached: Vec::new(), opened: 0 };
    search.take(&passed_over);
    search.take_attached(&outer.leaves, 1);
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
    fn take(&mut self, leaves: &[&Leaf<'_>]) {
        let mut reading = Reading::new(self.left);
        for leaf in leaves.iter().filter(|leaf| !leaf.body.is_empty()) {
            if reading.left() == 0 {
                break;
            }
            self.texts.push(reading.text(leaf));
        }
        self.left = reading.left();
    }

    fn take_attached(&mut self, leaves: &[Leaf<'_>], depth: usize) {
        let (messages, others): (Vec<&Leaf<'_>>, Vec<&Leaf<'_>>) = leaves
            .iter()
            .filter(|leaf| is_message(leaf) || body::is_attachment(leaf))
            .partition(|leaf| is_message(leaf));
        let texts: Vec<&Leaf<'_>> = others.into_iter().filter(|leaf| is_text(leaf)).collect();
        self.take(&texts);
        for leaf in messages {
            if depth > DEEPEST || self.opened >= MOST_MESSAGES || self.left == 0 {
                return;
            }
            self.opened = self.opened.saturating_add(1);
            self.attached.push((transfer::decode(leaf.body, leaf.encoding, self.left), depth));
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
        let (message, passed_over) = body::understood(&inner);
        let files = message.attachments.iter().map(|file| file.name.clone());
        let own: Vec<String> = std::iter::once(header.subject.clone()).chain(named).chain(files).collect();
        for text in own.into_iter().chain([message.text]) {
            let Some(left) = self.left.checked_sub(text.len()) else { return };
            self.left = left;
            self.texts.push(text);
        }
        self.take(&passed_over);
        self.take_attached(&inner.leaves, depth.saturating_add(1));
    }
}

fn is_message(leaf: &Leaf<'_>) -> bool {
    matches!(leaf.media_type.as_str(), "message/rfc822" | "message/global" | "message/news")
}

/// Attachments that people write or read as text, whatever they are called.
fn is_text(leaf: &Leaf<'_>) -> bool {
    let kind = leaf.media_type.as_str();
    kind.starts_with("text/")
        || matches!(kind, "application/ics" | "application/csv" | "application/json" | "application/xml")
        || kind == "message/delivery-status"
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
            &["rich", "one,two", "SUMMARY:tea"],
        );
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
