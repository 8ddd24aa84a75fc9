//! The reader: one message, its sender, where its copies are, its text (which can be selected), its attachments.

mod hits;
pub mod parts;
pub mod saving;
mod view;

use std::sync::Arc;

use iced::widget::text_editor;
use iced::{Task, keyboard};
use jiff::Timestamp;

use super::off::{ask, off};
use crate::account::MessageId;
use crate::archive::{Archive, Row, SortKey};
use crate::message::{self, Mailbox};
use crate::problem::Problem;
use saving::Saving;

/// Characters of a long text that are laid out at once; a button shows the next part.
const PART: usize = 60_000;
/// The scrollable around the message.
pub const SCROLL: &str = "reader";

/// See the module.
#[derive(Default)]
pub struct Reader {
    pub(super) open: Option<Open>,
    /// Asked for and on its way.
    awaited: Option<MessageId>,
    /// The messages around the one that is open, where it is inside another; outermost first.
    outer: Vec<Open>,
    /// Where attachments lie that were opened.
    opened: Arc<parts::opening::Folder>,
}

/// A message that is shown.
pub struct Open {
    pub row: Row,
    dates: Dates,
    pub message: message::Message,
    text: text_editor::Content,
    /// The whole text, of which `text` may hold the first parts only.
    whole: String,
    shown: usize,
    source: bool,
    note: Option<Note>,
    saving: Option<Saving>,
    /// Where it is inside the message of the row: see [`message::within`]. Empty for that message itself.
    path: Vec<usize>,
    parts: parts::Parts,
}

/// What became of the last act.
#[derive(Clone, Debug)]
enum Note {
    Said(String),
    Failed(Problem),
}

/// A message read from the archive and understood, off the drawing thread.
#[derive(Clone, Debug)]
pub struct Loaded {
    row: Row,
    dates: Dates,
    message: Box<message::Message>,
}

/// Since when a message is where.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dates {
    /// When it came to this archive.
    pub arrived: Option<Timestamp>,
    /// When it was first and last seen on the server.
    pub seen: Option<(Timestamp, Timestamp)>,
}

impl Loaded {
    pub fn new(row: Row, dates: Dates, message: message::Message) -> Loaded {
        Loaded { row, dates, message: Box::new(message) }
    }
}

#[derive(Clone, Debug)]
pub enum Message {
    Loaded(MessageId, Result<Option<Loaded>, Problem>),
    Edited(text_editor::Action),
    ShowMore,
    ToggleSource,
    Source(MessageId, Result<String, Problem>),
    Reply,
    Replied(String),
    Star,
    Unread,
    /// To the bin, or out of it for good.
    Delete,
    PutBack,
    Saving(saving::Message),
    Parts(parts::Message),
    Dismiss,
    Back,
}

/// What the reader wants of the application.
pub enum Action {
    None,
    Run(Task<Message>),
    /// It is on the screen now: mark it read.
    Shown(MessageId),
    Star(MessageId, bool),
    Unread(MessageId),
    Delete(Box<Row>),
    PutBack(Box<Row>),
    /// To the list, where the two take turns.
    Back,
}

impl Reader {
    /// Shows a message; the one before stays until this one is there.
    pub fn show(&mut self, id: MessageId, archive: &Archive) -> Task<Message> {
        self.awaited = Some(id);
        let archive = archive.clone();
        ask(move || read(&archive, id)).map(move |loaded| Message::Loaded(id, loaded))
    }

    /// Takes a row that was read again, where it is that of the message shown: its copies changed.
    pub fn renew_row(&mut self, row: impl Fn(SortKey) -> Option<Row>) {
        if let Some(open) = self.outermost()
            && let Some(fresh) = row(open.row.key)
        {
            open.row = fresh;
        }
    }

    /// Changes the row of the message shown, where it is this one.
    pub fn update_row(&mut self, id: MessageId, change: impl Fn(&mut Row)) {
        for open in self.open.iter_mut().chain(&mut self.outer).filter(|open| open.row.id == id) {
            change(&mut open.row);
        }
    }

    pub fn close(&mut self) {
        // What was opened in other programs stays there until the window closes.
        *self = Reader { opened: std::mem::take(&mut self.opened), ..Reader::default() };
    }

    /// Whether it shows this message, or waits for it.
    pub fn shows(&self, id: MessageId) -> bool {
        self.awaited == Some(id) || self.awaited.is_none() && self.open.as_ref().is_some_and(|open| open.row.id == id)
    }

    pub fn is_open(&self) -> bool {
        self.open.is_some() || self.awaited.is_some()
    }

    /// Whether the message that was asked for last is on the screen.
    #[cfg(test)]
    pub fn is_shown(&self) -> bool {
        self.open.is_some() && self.awaited.is_none()
    }

    pub fn update(&mut self, message: Message, archive: &Archive) -> Action {
        match message {
            Message::Loaded(id, loaded) => self.loaded(id, loaded),
            Message::Back => Action::Back,
            Message::Parts(message) => self.parts(message, archive),
            // What is done to the row is done to the message that has one.
            message @ (Message::Star | Message::Unread | Message::Delete | Message::PutBack) => {
                self.outermost().map_or(Action::None, |open| open.update(message, archive))
            }
            message => match self.open.as_mut() {
                Some(open) => open.update(message, archive),
                None => Action::None,
            },
        }
    }

    fn loaded(&mut self, id: MessageId, loaded: Result<Option<Loaded>, Problem>) -> Action {
        if self.awaited != Some(id) {
            return Action::None;
        }
        self.awaited = None;
        match loaded {
            Ok(Some(loaded)) => {
                self.outer.clear();
                self.open = Some(Open::new(loaded.row, loaded.dates, *loaded.message));
                Action::Shown(id)
            }
            Ok(None) => {
                self.outer.clear();
                self.open = None;
                Action::None
            }
            Err(problem) => {
                if let Some(open) = &mut self.open {
                    open.note = Some(Note::Failed(problem));
                }
                Action::None
            }
        }
    }
}

impl Open {
    pub fn new(row: Row, dates: Dates, message: message::Message) -> Open {
        let whole = message.text.clone();
        let mut open = Open {
            row,
            dates,
            message,
            text: text_editor::Content::new(),
            whole,
            shown: 0,
            source: false,
            note: None,
            saving: None,
            path: Vec::new(),
            parts: parts::Parts::default(),
        };
        open.lay_out(PART);
        open
    }

    fn lay_out(&mut self, characters: usize) {
        let end = self.whole.char_indices().nth(characters).map_or(self.whole.len(), |(at, _)| at);
        self.text = text_editor::Content::with_text(self.whole.get(..end).unwrap_or_default());
        self.shown = end;
    }

    /// Octets of text that are not laid out.
    fn rest(&self) -> usize {
        self.whole.len() - self.shown
    }

    fn update(&mut self, message: Message, archive: &Archive) -> Action {
        match message {
            Message::Loaded(..) | Message::Back | Message::Parts(_) => Action::None,
            Message::Edited(action) => self.edited(action),
            Message::ShowMore => self.more(),
            Message::ToggleSource => self.toggled(archive),
            Message::Source(id, source) => self.sourced(id, source),
            Message::Reply => self.reply(),
            Message::Replied(sentence) => self.said(sentence),
            Message::Star => Action::Star(self.row.id, !self.row.marks.starred),
            Message::Unread => Action::Unread(self.row.id),
            Message::Delete => Action::Delete(Box::new(self.row.clone())),
            Message::PutBack => Action::PutBack(Box::new(self.row.clone())),
            Message::Saving(message) => self.saving(message, archive),
            Message::Dismiss => self.dismissed(),
        }
    }

    fn edited(&mut self, action: text_editor::Action) -> Action {
        match action {
            text_editor::Action::Edit(_) => {}
            // The page scrolls, not the text within it.
            text_editor::Action::Scroll { lines } => {
                #[allow(clippy::cast_precision_loss)]
                let y = lines as f32 * 20.0;
                let by = iced::widget::scrollable::AbsoluteOffset { x: 0.0, y };
                return Action::Run(iced::widget::operation::scroll_by(SCROLL, by));
            }
            action => self.text.perform(action),
        }
        Action::None
    }

    fn more(&mut self) -> Action {
        let characters = self.whole.get(..self.shown).unwrap_or_default().chars().count();
        self.lay_out(characters + PART);
        Action::None
    }

    fn toggled(&mut self, archive: &Archive) -> Action {
        if self.source {
            self.source = false;
            self.whole = self.message.text.clone();
            self.lay_out(PART);
            return Action::None;
        }
        let (archive, id, path) = (archive.clone(), self.row.id, self.path.clone());
        let source = ask(move || {
            let original = parts::at(&archive, id, &path)?.unwrap_or_default();
            Ok::<_, crate::archive::ArchiveError>(shown_source(&original))
        });
        Action::Run(source.map(move |source| Message::Source(id, source)))
    }

    fn sourced(&mut self, id: MessageId, source: Result<String, Problem>) -> Action {
        if id != self.row.id {
            return Action::None;
        }
        match source {
            Ok(source) => {
                self.source = true;
                self.whole = source;
                self.lay_out(PART);
            }
            Err(problem) => self.note = Some(Note::Failed(problem)),
        }
        Action::None
    }

    fn said(&mut self, sentence: String) -> Action {
        self.note = Some(Note::Said(sentence));
        Action::None
    }

    fn dismissed(&mut self) -> Action {
        self.note = None;
        Action::None
    }

    /// Whom a reply goes to.
    fn reply_address(&self) -> Option<&str> {
        let envelope = &self.message.envelope;
        let first = envelope.reply_to.first().unwrap_or(&envelope.from);
        (!first.address.is_empty()).then_some(&first.address)
    }

    fn reply(&mut self) -> Action {
        let Some(address) = self.reply_address().map(str::to_owned) else {
            return self.said("This message names no address to reply to.".to_owned());
        };
        let link = mailto(&address, &self.message.envelope);
        let sentence =
            format!("Your mail program was asked to write to {address}. If nothing opened, write to that address.");
        Action::Run(
            off(move || {
                // Says Ok with nothing to open, too: hence the address in the sentence.
                let _ = open::that_detached(link);
                sentence
            })
            .map(Message::Replied),
        )
    }
}

fn read(archive: &Archive, id: MessageId) -> Result<Option<Loaded>, crate::archive::ArchiveError> {
    let Some(original) = archive.original(id)? else { return Ok(None) };
    let Some(key) = archive.key(id)? else { return Ok(None) };
    let Some(row) = archive.rows(&[key])?.into_iter().next() else { return Ok(None) };
    let arrived = archive.stored(id)?.map(|stored| stored.arrived);
    let dates = Dates { arrived, seen: archive.seen_on_server(id)? };
    Ok(Some(Loaded::new(row, dates, message::read(&original))))
}

/// The original as text: what is not UTF-8 shows as replacement characters, what could deceive is taken out.
fn shown_source(original: &[u8]) -> String {
    let text = String::from_utf8_lossy(original).replace("\r\n", "\n");
    text.split('\n').map(message::visible).collect::<Vec<_>>().join("\n")
}

/// A `mailto:` address with the subject and what is answered (RFC 6068).
fn mailto(address: &str, envelope: &message::Envelope) -> String {
    let subject = if envelope.subject.to_lowercase().starts_with("re:") {
        envelope.subject.clone()
    } else {
        format!("Re: {}", envelope.subject)
    };
    let mut link = format!("mailto:{}?subject={}", encoded(address, "@"), encoded(&subject, ""));
    if let Some(id) = &envelope.message_id {
        link.push_str(&format!("&In-Reply-To={}", encoded(&format!("<{id}>"), "")));
    }
    link
}

/// Percent-encodes everything but letters, digits, `-._~` and `kept`.
fn encoded(text: &str, kept: &str) -> String {
    let plain =
        |octet: u8| octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) || kept.as_bytes().contains(&octet);
    text.bytes()
        .map(|octet| if plain(octet) { char::from(octet).to_string() } else { format!("%{octet:02X}") })
        .collect()
}

/// Which keys act on text that can be selected and not changed. The rest goes on to the window.
fn bindings(press: text_editor::KeyPress) -> Option<text_editor::Binding<Message>> {
    use text_editor::Binding;
    if !matches!(press.status, text_editor::Status::Focused { .. }) {
        return None;
    }
    let command = press.modifiers.command();
    match press.key.as_ref() {
        keyboard::Key::Character("c") if command => Some(Binding::Copy),
        keyboard::Key::Character("a") if command => Some(Binding::SelectAll),
        keyboard::Key::Named(keyboard::key::Named::ArrowLeft) if press.modifiers.shift() => {
            Some(Binding::Select(text_editor::Motion::Left))
        }
        keyboard::Key::Named(keyboard::key::Named::ArrowRight) if press.modifiers.shift() => {
            Some(Binding::Select(text_editor::Motion::Right))
        }
        keyboard::Key::Named(keyboard::key::Named::ArrowUp) if press.modifiers.shift() => {
            Some(Binding::Select(text_editor::Motion::Up))
        }
        keyboard::Key::Named(keyboard::key::Named::ArrowDown) if press.modifiers.shift() => {
            Some(Binding::Select(text_editor::Motion::Down))
        }
        _ => None,
    }
}

/// `Anna <anna@example.org>`, or the address alone.
fn shown(mailbox: &Mailbox) -> String {
    match (mailbox.name.as_str(), mailbox.address.as_str()) {
        ("", address) => address.to_owned(),
        (name, "") => name.to_owned(),
        (name, address) => format!("{name} <{address}>"),
    }
}

#[cfg(test)]
mod tests {
    use super::{encoded, mailto};
    use crate::message::Envelope;

    #[test]
    fn a_reply_names_what_it_answers() {
        let envelope = Envelope {
            subject: "Keys & boats".to_owned(),
            message_id: Some("1@b.example".to_owned()),
            ..Envelope::default()
        };
        assert_eq!(
            mailto("a+b@example.org", &envelope),
            "mailto:a%2Bb@example.org?subject=Re%3A%20Keys%20%26%20boats&In-Reply-To=%3C1%40b.example%3E"
        );
        let again = Envelope { subject: "RE: boats".to_owned(), ..Envelope::default() };
        assert_eq!(mailto("a@b.example", &again), "mailto:a@b.example?subject=RE%3A%20boats");
        assert_eq!(encoded("é\r\nBcc: x", ""), "%C3%A9%0D%0ABcc%3A%20x");
    }
}
