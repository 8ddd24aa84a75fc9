//! `list`, `search`, `show` and `save`: reading, beside whoever is writing.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use jiff::Timestamp;
use serde::Serialize;

use super::failure::{Failure, Status};
use super::place::Place;
use super::print::{self, Out};
use crate::account::{Account, AccountId, MessageId};
use crate::archive::{Archive, Row, SortKey, View};
use crate::job::Cancel;
use crate::message::{self, Attachment, Card, Mailbox, Message};
use crate::new_file;
use crate::settings;

#[derive(Debug, Args)]
pub struct ListArguments {
    /// How many rows.
    #[arg(long, default_value_t = 50)]
    limit: usize,
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct SearchArguments {
    /// Words and the forms of the query language, in one argument; may begin with a hyphen.
    #[arg(allow_hyphen_values = true)]
    pub query: String,
    /// How many rows.
    #[arg(long, default_value_t = 50)]
    limit: usize,
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("form").args(["raw", "headers", "text", "json"])))]
pub struct ShowArguments {
    id: i64,
    /// The original bytes, exactly.
    #[arg(long)]
    raw: bool,
    /// The header section.
    #[arg(long)]
    headers: bool,
    /// The body as text.
    #[arg(long)]
    text: bool,
    #[arg(long)]
    json: bool,
    /// Draw it into this file.
    #[arg(long, value_name = "FILE.png")]
    picture: Option<PathBuf>,
    /// Put it on paper, into this new file; prints the path.
    #[arg(long, value_name = "FILE.pdf")]
    pdf: Option<PathBuf>,
    /// The picture's width in pixels.
    #[arg(long, requires = "picture", default_value_t = 700)]
    width: u32,
}

#[derive(Debug, Args)]
pub struct SaveArguments {
    id: i64,
    /// The folder; made where there is none.
    dir: PathBuf,
}

impl ListArguments {
    /// For a person, `limit` rows.
    pub fn of(limit: usize) -> ListArguments {
        ListArguments { limit, json: false }
    }
}

impl SearchArguments {
    /// For a person, `limit` rows.
    pub fn of(query: &str, limit: usize) -> SearchArguments {
        SearchArguments { query: query.to_owned(), limit, json: false }
    }
}

/// A row as JSON.
#[derive(Serialize)]
struct JsonRow<'a> {
    id: MessageId,
    account: Option<&'a str>,
    subject: &'a str,
    from_name: &'a str,
    from_address: &'a str,
    date: String,
    size: u64,
    read: bool,
    starred: bool,
    attachments: u32,
    copies: Copies,
    /// When it was deleted, where it is in the bin.
    #[serde(skip_serializing_if = "Option::is_none")]
    binned: Option<String>,
}

#[derive(Serialize)]
struct Copies {
    server: bool,
    backup: Option<String>,
}

/// Whole seconds, UTC.
pub fn rfc3339(time: Timestamp) -> String {
    time.round(jiff::Unit::Second).unwrap_or(time).to_string()
}

pub(super) fn address_of(accounts: &[Account], id: Option<AccountId>) -> Option<&str> {
    accounts.iter().find(|account| Some(account.id) == id).map(|account| account.address.as_str())
}

impl<'a> JsonRow<'a> {
    fn of(row: &'a Row, accounts: &'a [Account]) -> JsonRow<'a> {
        JsonRow {
            id: row.id,
            account: address_of(accounts, row.account),
            subject: &row.subject,
            from_name: &row.from_name,
            from_address: &row.from_address,
            date: rfc3339(row.date),
            size: row.size,
            read: row.marks.read,
            starred: row.marks.starred,
            attachments: row.attachments,
            copies: Copies { server: row.on_server, backup: row.in_backup.map(rfc3339) },
            binned: row.binned.map(rfc3339),
        }
    }
}

pub fn list(place: &Place, arguments: &ListArguments) -> Result<Status, Failure> {
    let archive = place.read_indexed()?;
    let keys = archive.newest(View::All, arguments.limit)?;
    let printed = print_rows(&archive, &keys, arguments.json);
    leave(archive);
    printed
}

pub fn search(place: &Place, arguments: &SearchArguments) -> Result<Status, Failure> {
    let archive = place.read_indexed()?;
    let found = archive.search(&arguments.query, View::All, Some(arguments.limit), &Cancel::new())?;
    for note in &found.notes {
        print::say(note);
    }
    let printed = print_rows(&archive, &found.keys, arguments.json);
    leave(archive);
    printed
}

/// For a process that only read and ends now: the system closes what it has open, in less time than we do.
fn leave(archive: Archive) {
    std::mem::forget(archive);
}

/// In portions, so that a long list begins at once and takes little memory.
pub(super) fn print_rows(archive: &Archive, keys: &[SortKey], json: bool) -> Result<Status, Failure> {
    let accounts = if json { archive.accounts()? } else { Vec::new() };
    let mut out = Out::new();
    for portion in keys.chunks(500) {
        for row in archive.rows(portion)? {
            match json {
                true => out.json(&JsonRow::of(&row, &accounts))?,
                false => out.line(&line(&row))?,
            }
        }
    }
    out.flush()?;
    Ok(Status::Done)
}

/// Id, N for unread, * for starred, @ for attachments, local date, sender, subject.
fn line(row: &Row) -> String {
    let mark = |set: bool, sign: char| if set { sign } else { ' ' };
    let marks = [mark(!row.marks.read, 'N'), mark(row.marks.starred, '*'), mark(row.attachments > 0, '@')];
    let from = row.sender();
    format!(
        "{:>6} {} {}  {}  {}",
        row.id.0,
        marks.iter().collect::<String>(),
        local(row.date),
        print::column(from, 24),
        row.subject
    )
}

/// Date and minute in the zone of this computer.
pub fn local(time: Timestamp) -> String {
    time.to_zoned(settings::time_zone()).strftime("%Y-%m-%d %H:%M").to_string()
}

fn original(archive: &Archive, id: i64) -> Result<Vec<u8>, Failure> {
    let missing = || Failure::failed(format!("There is no message {id} here. See: postkeep list."));
    archive.original(MessageId(id))?.ok_or_else(missing)
}

pub fn show(place: &Place, arguments: &ShowArguments) -> Result<Status, Failure> {
    if arguments.picture.is_some() || arguments.pdf.is_some() {
        let original = original(&place.read()?, arguments.id)?;
        if let Some(picture) = &arguments.picture {
            let page = message::page(&message::unsealed(&original));
            super::render::draw(page, picture, arguments.width, false)?;
        }
        return arguments.pdf.as_ref().map_or(Ok(Status::Done), |pdf| super::render::on_paper(&original, pdf));
    }
    let archive = if arguments.json { place.read_indexed()? } else { place.read()? };
    let original = original(&archive, arguments.id)?;
    let mut out = Out::new();
    if arguments.raw {
        out.bytes(&original)?;
    } else if arguments.headers {
        out.text(&message::headers(&original))?;
    } else if arguments.text {
        show_text(&message::read(&original), &mut out)?;
    } else if arguments.json {
        show_json(&archive, MessageId(arguments.id), &original, &mut out)?;
    } else {
        show_to_person(&message::read(&original), &mut out)?;
    }
    out.flush()?;
    Ok(Status::Done)
}

#[derive(Serialize)]
struct Shown<'a> {
    id: MessageId,
    account: Option<&'a str>,
    subject: &'a str,
    from_name: &'a str,
    from_address: &'a str,
    date: String,
    size: u64,
    read: bool,
    starred: bool,
    copies: Copies,
    #[serde(skip_serializing_if = "Option::is_none")]
    binned: Option<String>,
    to: Vec<Person<'a>>,
    cc: Vec<Person<'a>>,
    message_id: Option<&'a str>,
    text: &'a str,
    attachments: Vec<Part<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cards: Vec<Beside>,
    notes: &'a [String],
}

/// An invitation, a contact, a report, a seal: of which kind it is, and what it says.
#[derive(Serialize)]
struct Beside {
    kind: &'static str,
    text: String,
}

#[derive(Serialize)]
struct Person<'a> {
    name: &'a str,
    address: &'a str,
}

#[derive(Serialize)]
struct Part<'a> {
    name: &'a str,
    r#type: &'a str,
    size: u64,
}

fn show_json(archive: &Archive, id: MessageId, original: &[u8], out: &mut Out) -> Result<(), Failure> {
    let (accounts, message) = (archive.accounts()?, message::read(original));
    let key = archive.key(id)?;
    let row = archive.rows(key.as_slice())?.into_iter().next();
    let stored = archive.stored(id)?;
    // What is not indexed yet (or shown as its twin) has no row: then the truth's own words.
    let account = row.as_ref().and_then(|row| row.account).or(stored.as_ref().and_then(|stored| stored.account));
    let marks = row.as_ref().map(|row| row.marks).or(stored.as_ref().map(|stored| stored.marks)).unwrap_or_default();
    let arrived = stored.map(|stored| stored.arrived);
    let date = row.as_ref().map(|row| row.date).or(message.envelope.date).or(arrived).unwrap_or_default();
    let envelope = &message.envelope;
    out.json(&Shown {
        id,
        account: address_of(&accounts, account),
        subject: &envelope.subject,
        from_name: &envelope.from.name,
        from_address: &envelope.from.address,
        date: rfc3339(date),
        size: original.len() as u64,
        read: marks.read,
        starred: marks.starred,
        copies: Copies {
            server: row.as_ref().is_some_and(|row| row.on_server),
            backup: row.as_ref().and_then(|row| row.in_backup).map(rfc3339),
        },
        binned: row.as_ref().and_then(|row| row.binned).map(rfc3339),
        to: people(&envelope.to),
        cc: people(&envelope.cc),
        message_id: envelope.message_id.as_deref(),
        text: &message.text,
        attachments: message.attachments.iter().map(Part::of).collect(),
        cards: message.cards.iter().map(Beside::of).collect(),
        notes: &message.notes,
    })
}

fn people(mailboxes: &[Mailbox]) -> Vec<Person<'_>> {
    mailboxes.iter().map(|Mailbox { name, address }| Person { name, address }).collect()
}

impl Beside {
    fn of(card: &Card) -> Beside {
        Beside { kind: card.kind(), text: card.text(&settings::time_zone()) }
    }
}

impl<'a> Part<'a> {
    fn of(attachment: &'a Attachment) -> Part<'a> {
        Part { name: &attachment.name, r#type: &attachment.media_type, size: attachment.size }
    }
}

fn show_to_person(message: &Message, out: &mut Out) -> Result<(), Failure> {
    let envelope = &message.envelope;
    let from = std::slice::from_ref(&envelope.from);
    for (field, people) in [("From", from), ("To", &envelope.to), ("Cc", &envelope.cc)] {
        let shown: Vec<String> = people.iter().map(in_line).filter(|person| !person.is_empty()).collect();
        if !shown.is_empty() {
            out.line(&format!("{field}: {}", shown.join(", ")))?;
        }
    }
    if let Some(date) = envelope.date {
        out.line(&format!("Date: {}", local(date)))?;
    }
    out.line(&format!("Subject: {}", envelope.subject))?;
    for attachment in &message.attachments {
        let Attachment { name, media_type, size, .. } = attachment;
        out.line(&format!("Attachment: {name} ({media_type}, {})", print::size(*size)))?;
    }
    for note in &message.notes {
        print::say(note);
    }
    out.line("")?;
    show_text(message, out)
}

/// What is to be read: first the cards, then the text.
fn show_text(message: &Message, out: &mut Out) -> Result<(), Failure> {
    for card in &message.cards {
        out.text(&card.text(&settings::time_zone()))?;
        out.line("")?;
    }
    out.text(&message.text)
}

fn in_line(person: &Mailbox) -> String {
    match (person.name.as_str(), person.address.as_str()) {
        ("", address) => address.to_owned(),
        (name, "") => name.to_owned(),
        (name, address) => format!("{name} <{address}>"),
    }
}

pub fn save(place: &Place, arguments: &SaveArguments) -> Result<Status, Failure> {
    let original = original(&place.read()?, arguments.id)?;
    let attachments = message::read(&original).attachments;
    if attachments.is_empty() {
        print::say("This message has no attachments.");
        return Ok(Status::Done);
    }
    std::fs::create_dir_all(&arguments.dir)
        .map_err(|error| Failure::of_file("Making the folder", &arguments.dir, &error))?;
    let mut out = Out::new();
    let mut unreadable = 0;
    // A wrapping is not saved beside what was in it.
    for (index, attachment) in attachments.iter().enumerate().filter(|(_, attachment)| !attachment.unpacked) {
        match message::attachment(&original, index) {
            Some(content) => {
                let path = new_file::write(&arguments.dir, &attachment.safe_name, &content)
                    .map_err(|error| Failure::of_file("Writing", &arguments.dir.join(&attachment.safe_name), &error))?;
                out.line(&path.display().to_string())?;
            }
            None => {
                unreadable += 1;
                print::say(&format!("The attachment {} could not be decoded.", attachment.safe_name));
            }
        }
    }
    out.flush()?;
    Ok(if unreadable > 0 { Status::DoneInPart } else { Status::Done })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_whole_seconds_in_utc() {
        let time: Timestamp = "2024-03-01T13:00:00.25+01:00".parse().unwrap();
        assert_eq!(rfc3339(time), "2024-03-01T12:00:00Z");
    }
}
