//! What is shown beside the text as a card or a strip: invitations, contacts, reports, signatures and encryption.

use jiff::tz::TimeZone;

use super::body::Reading;
use super::calendar::{self, Answer, Event, Guest};
use super::parts::{Leaf, Parts};
use super::report::{self, Report};
use super::sealed::Seal;
use super::transfer;
use super::vcard::{self, Contact, Reached};
use super::{Mailbox, kinds};

/// Cards of one message.
const MOST: usize = 50;
/// Decoded octets of one calendar or contact file that are read, and of all of a message.
const MOST_TEXT: usize = 1 << 20;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Card {
    Event(Box<Event>),
    Contact(Box<Contact>),
    Report(Report),
    Seal(Seal),
    /// Something of the same kind that is not shown, in a sentence.
    More(String),
}

impl Card {
    /// One word for its kind, for programs.
    pub fn kind(&self) -> &'static str {
        match self {
            Card::Event(_) => "event",
            Card::Contact(_) => "contact",
            Card::Report(_) => "report",
            Card::Seal(Seal::Signed(_) | Seal::Enclosed) => "signed",
            Card::Seal(Seal::Encrypted(_)) => "encrypted",
            Card::More(_) => "more",
        }
    }

    /// The card as lines of text, times in the zone given.
    pub fn text(&self, here: &TimeZone) -> String {
        let lines: Vec<String> = match self {
            Card::Event(event) => event_lines(event, here),
            Card::Contact(contact) => contact_lines(contact),
            Card::Report(report) if report.said.is_empty() => vec![report.sentence.clone()],
            Card::Report(report) => vec![report.sentence.clone(), format!("The server said: {}", report.said)],
            Card::Seal(seal) => vec![seal.sentence()],
            Card::More(sentence) => vec![sentence.clone()],
        };
        lines.join("\n")
    }
}

fn event_lines(event: &Event, here: &TimeZone) -> Vec<String> {
    let guests: Vec<String> = event.guests.iter().map(guest).collect();
    let organizer = event.organizer.as_ref().map(person).unwrap_or_default();
    let labelled = [
        ("When", event.when(here)),
        ("There", event.when_there(here).unwrap_or_default()),
        ("Repeats", event.repeats.clone().unwrap_or_default()),
        ("Where", event.place.clone()),
        ("Organizer", organizer),
        ("Guests", guests.join(", ")),
    ];
    let heading =
        if event.title.is_empty() { event.heading() } else { format!("{}: {}", event.heading(), event.title) };
    let lines =
        labelled.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| format!("{name}: {value}"));
    let more = (!event.description.is_empty()).then(|| event.description.clone());
    std::iter::once(heading).chain(lines).chain(more).collect()
}

fn guest(guest: &Guest) -> String {
    let answer = match guest.answer {
        Answer::None => "",
        Answer::Accepted => " (accepts)",
        Answer::Declined => " (declines)",
        Answer::Tentative => " (may come)",
    };
    format!("{}{answer}", person(&guest.who))
}

fn person(who: &Mailbox) -> String {
    match (who.name.as_str(), who.address.as_str()) {
        (name, "") => name.to_owned(),
        ("", address) => address.to_owned(),
        (name, address) => format!("{name} <{address}>"),
    }
}

fn contact_lines(contact: &Contact) -> Vec<String> {
    let reached = |name: &str, list: &[Reached]| -> Vec<String> {
        let of = |one: &Reached| if one.kind.is_empty() { name.to_owned() } else { format!("{name} ({})", one.kind) };
        list.iter().map(|one| format!("{}: {}", of(one), one.value)).collect()
    };
    let at = [contact.role.as_str(), contact.organization.as_str()].into_iter().filter(|text| !text.is_empty());
    let mut lines = vec![format!("Contact: {}", contact.name)];
    lines.extend(at.map(str::to_owned));
    lines.extend(reached("E-mail", &contact.addresses));
    lines.extend(reached("Telephone", &contact.telephones));
    lines.extend(reached("Address", &contact.places));
    lines
}

/// The cards of a message: first how it is sealed, then what its parts say, in their order, each once.
pub(super) fn cards(parts: &Parts<'_>, seals: Vec<Seal>) -> Vec<Card> {
    let mut cards: Vec<Card> = seals.into_iter().map(Card::Seal).collect();
    let mut left = MOST_TEXT;
    for leaf in &parts.leaves {
        for card in of(leaf, &mut left) {
            if cards.len() < MOST && !cards.contains(&card) {
                cards.push(card);
            }
        }
    }
    cards
}

fn of(leaf: &Leaf<'_>, left: &mut usize) -> Vec<Card> {
    let octets = |left: &mut usize| {
        let octets = transfer::decode(leaf.body, leaf.encoding, *left);
        *left = left.saturating_sub(octets.len());
        octets
    };
    match kind(leaf) {
        Kind::Calendar => {
            let (events, more) = calendar::events(&text(leaf, left));
            let more = (more > 0).then(|| Card::More(format!("The calendar holds {more} more events.")));
            events.into_iter().map(|event| Card::Event(Box::new(event))).chain(more).collect()
        }
        Kind::Contact => {
            let (contacts, more) = vcard::contacts(&text(leaf, left));
            let more = (more > 0).then(|| Card::More(format!("The file holds {more} more contacts.")));
            contacts.into_iter().map(|contact| Card::Contact(Box::new(contact))).chain(more).collect()
        }
        Kind::Delivery => report::delivery(&octets(left)).into_iter().map(Card::Report).collect(),
        Kind::Disposition => report::disposition(&octets(left)).into_iter().map(Card::Report).collect(),
        Kind::Other => Vec::new(),
    }
}

fn text(leaf: &Leaf<'_>, left: &mut usize) -> String {
    let mut reading = Reading::new(*left);
    let text = reading.raw_text(leaf);
    *left = reading.left();
    text
}

/// What a part can be shown as.
pub(super) enum Kind {
    Calendar,
    Contact,
    Delivery,
    Disposition,
    Other,
}

fn kind(leaf: &Leaf<'_>) -> Kind {
    kind_of(&super::body::name(leaf), &leaf.media_type)
}

pub(super) fn kind_of(name: &str, media_type: &str) -> Kind {
    match media_type {
        "text/calendar" | "application/ics" | "text/x-vcalendar" => Kind::Calendar,
        "text/vcard" | "text/x-vcard" | "text/directory" => Kind::Contact,
        "message/delivery-status" | "message/global-delivery-status" => Kind::Delivery,
        "message/disposition-notification" => Kind::Disposition,
        "application/octet-stream" | "text/plain" => match kinds::extension(name).as_str() {
            "ics" => Kind::Calendar,
            "vcf" => Kind::Contact,
            _ => Kind::Other,
        },
        _ => Kind::Other,
    }
}
