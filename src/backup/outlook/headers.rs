//! The header section: as it came over the Internet where Outlook has kept it, else made from the properties.

use mail_builder::headers::Header;
use mail_builder::headers::address::Address;
use mail_builder::headers::date::Date;
use mail_builder::headers::message_id::MessageId;
use mail_builder::headers::text::Text;

use super::properties::{Item, Properties, id};

/// Octets of a header section, or of a list of message ids.
const LONGEST: usize = 1 << 20;
/// Recipients that are written.
const MOST_RECIPIENTS: usize = 20_000;

/// The header section that a message came with.
#[derive(Debug, Default)]
pub struct Kept {
    /// Whole fields, each with its line ends.
    fields: Vec<String>,
    /// The field that was left out of them, as the body is put together anew.
    pub content_type: Option<String>,
    /// It is longer than any that a server takes.
    pub cut: bool,
}

impl Kept {
    pub fn of(properties: &Properties) -> Kept {
        let section = properties.text(id::TRANSPORT_MESSAGE_HEADERS).unwrap_or_default();
        let mut kept = Kept { cut: section.len() > LONGEST, ..Kept::default() };
        let mut fields: Vec<String> = Vec::new();
        for line in within(&section).lines().map(|line| line.trim_end_matches('\r')) {
            if line.trim().is_empty() {
                // Exchange begins with an empty line now and then; any other ends the section.
                if fields.is_empty() { continue } else { break }
            }
            if line.starts_with([' ', '\t']) {
                if let Some(field) = fields.last_mut() {
                    field.push_str(line);
                    field.push_str("\r\n");
                }
            } else {
                // Lines that are no fields ("Microsoft Mail Internet Headers Version 2.0") go with the next test.
                fields.push(format!("{line}\r\n"));
            }
        }
        for field in fields {
            match name(&field) {
                None => (),
                Some(name) if name.eq_ignore_ascii_case("content-type") => kept.content_type = Some(field),
                Some(name) if is_made_anew(name) => (),
                Some(_) => kept.fields.push(field),
            }
        }
        kept
    }

    fn has(&self, wanted: &str) -> bool {
        self.fields.iter().any(|field| name(field).is_some_and(|name| name.eq_ignore_ascii_case(wanted)))
    }
}

fn name(field: &str) -> Option<&str> {
    let (name, _) = field.split_once(':')?;
    let name = name.trim_end();
    (!name.is_empty() && name.bytes().all(|octet| octet.is_ascii_graphic())).then_some(name)
}

fn is_made_anew(name: &str) -> bool {
    ["content-transfer-encoding", "mime-version"].iter().any(|made| name.eq_ignore_ascii_case(made))
}

/// The header section but for what describes the body. Fields that are missing are made.
pub fn written(item: &Item, kept: &Kept) -> Vec<u8> {
    let properties = &item.properties;
    let mut out: Vec<u8> = kept.fields.concat().into_bytes();
    let mut field = |name: &str, value: &dyn Fn(&mut Vec<u8>, usize)| {
        if !kept.has(name) {
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b": ");
            value(&mut out, name.len() + 2);
        }
    };
    if let Some(when) = sent(properties) {
        field("Date", &|out, column| Date::new(when).write_header(out, column));
    }
    let (from, sender) = authors(properties);
    if let Some(from) = &from {
        field("From", &|out, column| from.address().write_header(out, column));
    }
    if let Some(sender) = sender.filter(|sender| from.as_ref().is_some_and(|from| from != sender)) {
        field("Sender", &|out, column| sender.address().write_header(out, column));
    }
    for (name, kind, shown) in [("To", 1, id::DISPLAY_TO), ("Cc", 2, id::DISPLAY_CC), ("Bcc", 3, id::DISPLAY_BCC)] {
        let people = recipients(item, kind, shown);
        if !people.is_empty() {
            let list = Address::new_list(people.iter().map(Person::address).collect());
            field(name, &|out, column| list.write_header(out, column));
        }
    }
    if let Some(subject) = properties.text(id::SUBJECT) {
        let subject = subject_of(&subject);
        field("Subject", &|out, column| Text::new(subject).write_header(out, column));
    }
    for (name, id) in [
        ("Message-ID", id::INTERNET_MESSAGE_ID),
        ("In-Reply-To", id::IN_REPLY_TO_ID),
        ("References", id::INTERNET_REFERENCES),
    ] {
        let ids = message_ids(&properties.text(id).unwrap_or_default());
        if !ids.is_empty() {
            field(name, &|out, column| MessageId::new_list(ids.iter().map(String::as_str)).write_header(out, column));
        }
    }
    if properties.number(id::IMPORTANCE) == Some(2) {
        field("Importance", &|out, _| out.extend_from_slice(b"high\r\n"));
    }
    out
}

/// In a data file the subject begins with how long its "Re: " is: two characters that no one is meant to see.
fn subject_of(kept: &str) -> &str {
    let Some(rest) = kept.strip_prefix('\u{1}') else { return kept };
    let mut characters = rest.chars();
    characters.next();
    characters.as_str()
}

/// As much of a header section, or of a field, as anyone reads: what is longer is hostile.
fn within(text: &str) -> &str {
    text.get(..text.floor_char_boundary(LONGEST)).unwrap_or(text)
}

fn message_ids(text: &str) -> Vec<String> {
    let ids = within(text).split_ascii_whitespace().map(|id| id.trim_start_matches('<').trim_end_matches('>'));
    ids.filter(|id| !id.is_empty() && id.bytes().all(|octet| octet.is_ascii_graphic() && !b"<>".contains(&octet)))
        .map(str::to_owned)
        .collect()
}

/// When it was sent, in seconds since 1970.
pub fn sent(properties: &Properties) -> Option<i64> {
    [id::CLIENT_SUBMIT_TIME, id::MESSAGE_DELIVERY_TIME, id::CREATION_TIME].iter().find_map(|id| time(properties, *id))
}

/// When it arrived, in seconds since 1970.
pub fn arrived(properties: &Properties) -> Option<i64> {
    [id::MESSAGE_DELIVERY_TIME, id::CLIENT_SUBMIT_TIME, id::CREATION_TIME].iter().find_map(|id| time(properties, *id))
}

/// From tenths of microseconds since 1601, within the years that a date may have.
fn time(properties: &Properties, id: u16) -> Option<i64> {
    let seconds = properties.number(id)?.div_euclid(10_000_000) - 11_644_473_600;
    (-2_208_988_800..=253_402_300_799).contains(&seconds).then_some(seconds)
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Person {
    name: String,
    /// Empty where only an address inside an Exchange organisation was kept.
    address: String,
}

impl Person {
    fn of(properties: &Properties, names: &[u16], smtp: u16, kind: u16, address: u16) -> Option<Person> {
        let name = properties.first_text(names).unwrap_or_default().trim().to_owned();
        let is_exchange = properties.text(kind).is_some_and(|kind| kind.eq_ignore_ascii_case("EX"));
        let other = properties.text(address).filter(|address| !is_exchange && address.contains('@'));
        let from_name = || name.contains('@').then(|| name.clone());
        let address = properties.text(smtp).or(other).or_else(from_name).unwrap_or_default();
        let address: String = address.chars().filter(|character| !character.is_whitespace()).collect();
        let address = address.trim_matches(['<', '>', '\'']).to_owned();
        (!name.is_empty() || !address.is_empty()).then_some(Person { name, address })
    }

    /// A person without an address is written as a group without members, the only way that RFC 5322 has.
    fn address(&self) -> Address<'_> {
        let name = (!self.name.is_empty() && self.name != self.address).then_some(self.name.as_str());
        if self.address.is_empty() {
            Address::new_group(name, Vec::new())
        } else {
            Address::new_address(name, self.address.as_str())
        }
    }
}

/// Who wrote it, and who sent it.
fn authors(properties: &Properties) -> (Option<Person>, Option<Person>) {
    let from = Person::of(
        properties,
        &[id::SENT_REPRESENTING_NAME],
        id::SENT_REPRESENTING_SMTP_ADDRESS,
        id::SENT_REPRESENTING_ADDRESS_TYPE,
        id::SENT_REPRESENTING_EMAIL_ADDRESS,
    );
    let sender = Person::of(
        properties,
        &[id::SENDER_NAME],
        id::SENDER_SMTP_ADDRESS,
        id::SENDER_ADDRESS_TYPE,
        id::SENDER_EMAIL_ADDRESS,
    );
    match (from, sender) {
        (None, sender) => (sender, None),
        (from, sender) => (from, sender.filter(|sender| !sender.address.is_empty())),
    }
}

fn recipients(item: &Item, kind: i64, shown: u16) -> Vec<Person> {
    let of_kind = |row: &&Properties| row.number(id::RECIPIENT_TYPE).map(|kind| kind & 0xf) == Some(kind);
    let people =
        item.recipients.iter().filter(of_kind).take(MOST_RECIPIENTS).filter_map(|row| {
            Person::of(row, &[id::DISPLAY_NAME], id::SMTP_ADDRESS, id::ADDRESS_TYPE, id::EMAIL_ADDRESS)
        });
    let people: Vec<_> = people.collect();
    if !people.is_empty() || !item.recipients.is_empty() {
        return people;
    }
    let names = item.properties.text(shown).unwrap_or_default();
    let names = names.split(';').map(str::trim).filter(|name| !name.is_empty()).take(MOST_RECIPIENTS);
    names
        .map(|name| Person {
            name: name.to_owned(),
            address: if name.contains('@') { name.replace(char::is_whitespace, "") } else { String::new() },
        })
        .collect()
}
