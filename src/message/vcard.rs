//! Contacts (vCard: RFC 6350, 2426, and version 2.1): a name, and how to reach it.

use super::content_lines::{Line, lines};
use super::visible::visible_line;

/// Contacts of one file that become cards, and lines of one kind on a card.
const MOST_CONTACTS: usize = 20;
const MOST_LINES: usize = 20;

/// One contact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contact {
    pub name: String,
    pub organization: String,
    /// What they are there.
    pub role: String,
    pub addresses: Vec<Reached>,
    pub telephones: Vec<Reached>,
    /// Postal, each on one line.
    pub places: Vec<Reached>,
}

/// A way to reach someone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// `work`, `home`, `mobile`; empty where nothing is said.
    pub kind: &'static str,
    pub value: String,
}

/// The contacts of a file, the first of them, and how many more there are.
pub(super) fn contacts(text: &str) -> (Vec<Contact>, usize) {
    let mut found = Vec::new();
    let mut more = 0_usize;
    let mut open: Option<Contact> = None;
    for line in lines(text) {
        let is_card = line.value.trim().eq_ignore_ascii_case("VCARD");
        match (line.name.as_str(), &mut open) {
            ("BEGIN", _) if is_card => open = Some(Contact::default()),
            ("END", contact) if is_card => {
                let Some(contact) = contact.take().filter(|contact| *contact != Contact::default()) else { continue };
                if found.len() < MOST_CONTACTS {
                    found.push(contact);
                } else {
                    more = more.saturating_add(1);
                }
            }
            (_, Some(contact)) => contact.line(&line),
            _ => (),
        }
    }
    (found, more)
}

impl Contact {
    fn line(&mut self, line: &Line) {
        let one = |text: &str| visible_line(text);
        match line.name.as_str() {
            "FN" => self.name = one(&line.text()),
            "N" if self.name.is_empty() => {
                let parts = line.components();
                let part = |at: usize| parts.get(at).map(|part| one(part)).unwrap_or_default();
                // Prefix, given name, more of them, family name, suffix.
                let named: Vec<String> =
                    [3, 1, 2, 0, 4].map(part).into_iter().filter(|part| !part.is_empty()).collect();
                self.name = named.join(" ");
            }
            "ORG" => {
                let parts: Vec<String> =
                    line.components().iter().map(|part| one(part)).filter(|part| !part.is_empty()).collect();
                self.organization = parts.join(", ");
            }
            "TITLE" => self.role = one(&line.text()),
            "ROLE" if self.role.is_empty() => self.role = one(&line.text()),
            "EMAIL" => add(&mut self.addresses, line, one(&line.text())),
            "TEL" => add(&mut self.telephones, line, one(line.text().trim_start_matches("tel:"))),
            "ADR" => {
                let parts: Vec<String> =
                    line.components().iter().map(|part| one(part)).filter(|part| !part.is_empty()).collect();
                add(&mut self.places, line, parts.join(", "));
            }
            _ => (),
        }
    }
}

fn add(list: &mut Vec<Reached>, line: &Line, value: String) {
    let kinds = [("cell", "mobile"), ("mobile", "mobile"), ("fax", "fax"), ("work", "work"), ("home", "home")];
    let kind = kinds.into_iter().find(|(word, _)| line.says(word)).map_or("", |(_, kind)| kind);
    if !value.is_empty() && list.len() < MOST_LINES && !list.iter().any(|known| known.value == value) {
        list.push(Reached { kind, value });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn contacts_of_each_version() {
        let new = "BEGIN:VCARD\r\nVERSION:4.0\r\nN:Lee;Ann;;Dr.;\r\nFN:Dr. Ann Lee\r\nORG:Harbour Books;Shipping\r\nTITLE:Clerk\r\n\
                   EMAIL;TYPE=work:ann@example.org\r\nTEL;VALUE=uri;TYPE=\"voice,cell\":tel:+1-555-0101\r\n\
                   ADR;TYPE=home:;;1 Quay;Westhaven;;12345;Norway\r\nPHOTO:data:image/png;base64,AAAA\r\nEND:VCARD\r\n";
        let (contacts_new, more) = contacts(new);
        let [ann] = contacts_new.as_slice() else { panic!("one contact") };
        assert_eq!(
            (ann.name.as_str(), ann.organization.as_str(), ann.role.as_str(), more),
            ("Dr. Ann Lee", "Harbour Books, Shipping", "Clerk", 0)
        );
        let reached = |kind, value: &str| vec![Reached { kind, value: value.to_owned() }];
        assert_eq!(ann.addresses, reached("work", "ann@example.org"));
        assert_eq!(ann.telephones, reached("mobile", "+1-555-0101"));
        assert_eq!(ann.places, reached("home", "1 Quay, Westhaven, 12345, Norway"));
        let old = "BEGIN:VCARD\nVERSION:2.1\nN;ENCODING=QUOTED-PRINTABLE;CHARSET=utf-8:M=C3=BCller;J=C3=B6rg\nTEL;HOME;FAX:1\nEND:VCARD\n";
        let (old, _) = contacts(old);
        assert_eq!((old[0].name.as_str(), old[0].telephones.clone()), ("Jörg Müller", reached("fax", "1")));
    }

    #[test]
    fn empty_many_and_none() {
        assert_eq!(contacts("BEGIN:VCARD\nEND:VCARD\n"), (Vec::new(), 0));
        assert_eq!(contacts("FN:x"), (Vec::new(), 0));
        let (first, more) = contacts(&"BEGIN:VCARD\nFN:x\nEND:VCARD\n".repeat(25));
        assert_eq!((first.len(), more), (20, 5));
    }

    proptest! {
        #[test]
        fn any_text_gives_an_answer(text in "(BEGIN:VCARD\n|END:VCARD\n|N:[;\\\\]{0,5}\n|TEL;{0,3}:\n|\\PC{0,9}\n){0,30}") {
            contacts(&text);
        }
    }
}
