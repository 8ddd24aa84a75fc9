//! The reader: one message, its sender, where its copies are, its text (which can be selected), its attachments.

mod body;
mod heading;
pub mod looking;
pub mod page;
mod paging;
pub mod paper;
pub mod parts;
pub mod passing;
pub mod saving;
mod view;
mod whose;

use std::path::PathBuf;
use std::sync::{Arc, Weak};

use iced::Task;
use iced::widget::{operation, scrollable};
use jiff::Timestamp;

use super::list::FoundBy;
use super::measured::Stands;
use super::off::{ask, off};
use super::opener;
use super::widget::prose::Act;
use super::words::Clock;
use crate::account::MessageId;
use crate::archive::{Archive, Row, SortKey};
use crate::message::links::{Address, Link, Target};
use crate::message::outline::Block;
use crate::message::{self, Head, Mailbox};
use crate::problem::Problem;
use crate::render::Worker;
use body::Body;
pub use body::Shows;
use looking::Looking;
use page::{Press, Sheet};
use paper::Form;
use passing::Way;
use saving::Saving;
pub use whose::Whose;

/// The scrollable around the message.
pub const SCROLL: &str = "reader";

/// See the module.
#[derive(Default)]
pub struct Reader {
    pub(super) open: Option<Open>,
    /// Asked for and on its way.
    awaited: Option<MessageId>,
    /// Texts are shown in letters of equal width.
    monospace: bool,
    /// The messages around the one that is open, where it is inside another; outermost first.
    outer: Vec<Open>,
    /// Where attachments lie that were opened.
    opened: Arc<parts::opening::Folder>,
    pub(super) press: Press,
    /// Lives while a message is being put on paper: one at a time, however long a key is held.
    making: Weak<()>,
}

/// A message that is shown.
pub struct Open {
    pub row: Row,
    dates: Dates,
    pub message: message::Message,
    head: Head,
    /// The addresses of this archive's accounts.
    own: Vec<String>,
    pub(super) body: Body,
    /// The page of its HTML, where it has any.
    pub(super) sheet: Option<Sheet>,
    blocks: Vec<Block>,
    looking: Looking,
    /// Where the link under the mouse leads.
    over: Option<String>,
    /// All recipients are shown.
    everyone: bool,
    /// The menu of what is seldom done is open.
    menu: bool,
    note: Option<Note>,
    told: Option<Told>,
    saving: Option<Saving>,
    /// Where it is inside the message of the row: see [`message::within`]. Empty for that message itself.
    path: Vec<usize>,
    parts: parts::Parts,
}

/// What became of the last act.
#[derive(Clone, Debug)]
pub enum Note {
    Said(String),
    Failed(Problem),
}

/// The same, where more can be done about it.
#[derive(Clone, Debug)]
pub enum Told {
    /// A link that is not opened, and why.
    Dead(String),
    /// What forwarding through a link cannot carry.
    Forwarded(String),
    /// The message is a file now.
    Kept(PathBuf),
}

/// A message read from the archive and understood, off the drawing thread.
#[derive(Clone, Debug)]
pub struct Loaded {
    row: Box<Row>,
    dates: Dates,
    message: Box<message::Message>,
    head: Box<Head>,
    own: Vec<String>,
    blocks: Vec<Block>,
    html: Option<Arc<crate::render::Page>>,
    /// The remote pictures of its sender are loaded always.
    always: bool,
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
        let blocks = body::blocks(&message.text);
        let from = &message.envelope.from;
        let sender = message::Sender {
            name: from.name.clone(),
            address: from.address.clone(),
            is_valid: !from.address.is_empty(),
            warnings: Vec::new(),
        };
        let head = Box::new(Head { sender, ..Head::default() });
        Loaded {
            row: Box::new(row),
            dates,
            message: Box::new(message),
            head,
            own: Vec::new(),
            blocks,
            html: None,
            always: false,
        }
    }

    /// With a page, which is empty.
    #[cfg(test)]
    pub fn with_page(self) -> Loaded {
        Loaded { html: Some(Arc::default()), ..self }
    }

    /// With what its header section says beyond the envelope.
    pub fn headed(self, head: Head) -> Loaded {
        Loaded { head: Box::new(head), ..self }
    }
}

#[derive(Clone, Debug)]
pub enum Message {
    Loaded(MessageId, Result<Option<Loaded>, Problem>),
    /// A person does something in the text.
    Text(Act),
    ShowMore,
    FromTheTop,
    FoldAll,
    Monospace,
    Everyone,
    Menu(bool),
    /// The text, all headers or the source; what is shown already gives the text again.
    Show(Shows),
    Raw(Whose, Shows, Result<Arc<str>, Problem>),
    Looking(looking::Message),
    Page(page::Message),
    Answer(Way),
    /// Save the message as a file.
    Keep,
    KeepAs(Form),
    Print,
    OpenFolder(PathBuf),
    CopyText,
    Noted(Whose, Note),
    Told(Whose, Told),
    Star,
    Unread,
    /// To the bin, or out of it for good.
    Delete,
    PutBack,
    Saving(saving::Message),
    Parts(parts::Message),
    Dismiss,
    Back,
    /// A page on, or back.
    Turn(bool),
    /// Whether there was any way to go.
    Paged(bool, bool),
}

/// What the reader wants of the application.
pub enum Action {
    None,
    Run(Task<Message>),
    /// To be said beside the panes, as it is not of the message that is shown.
    Say(String),
    /// It is on the screen now: mark it read.
    Shown(MessageId, Task<Message>),
    Star(MessageId, bool),
    Unread(MessageId),
    Delete(Box<Row>),
    PutBack(Box<Row>),
    /// Ask before this link is opened.
    Ask(Box<Link>),
    /// Into the clipboard, and what to say of it.
    Copy(String, &'static str),
    /// The next message, or the one before.
    Step(bool),
    /// To the list, where the two take turns.
    Back,
}

impl Reader {
    /// One whose pages are drawn by this worker.
    pub fn drawn_by(worker: Worker) -> Reader {
        Reader { press: Press::new(worker), ..Reader::default() }
    }

    /// What stands in the place of a message.
    pub fn stands(&self) -> Stands {
        self.open.as_ref().map_or(Stands::Nothing, |open| match open.sheet.as_ref().filter(|_| !self.is_raw()) {
            Some(sheet) if sheet.is_awaited() => Stands::Heading,
            Some(sheet) => sheet.stands(),
            None => Stands::Text,
        })
    }

    fn is_raw(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.body.shows != Shows::Text)
    }

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
        let (opened, press) = (std::mem::take(&mut self.opened), std::mem::take(&mut self.press));
        let making = std::mem::take(&mut self.making);
        *self = Reader { monospace: self.monospace, opened, press, making, ..Reader::default() };
    }

    /// Esc: closes a menu or the field for finding, goes back from the source to the text, or from a message inside
    /// another to that one. `None` where there was no such thing.
    pub fn leave(&mut self) -> Option<Task<Message>> {
        let open = self.open.as_mut()?;
        if std::mem::take(&mut open.menu) || open.parts.close_menu() || open.stop_looking() {
            return Some(Task::none());
        }
        if open.body.shows != Shows::Text {
            open.show_text(self.monospace);
            return Some(Task::none());
        }
        self.leave_inner()
    }

    pub fn close_menus(&mut self) {
        if let Some(open) = &mut self.open {
            open.menu = false;
            open.parts.close_menu();
        }
    }

    /// Whether it shows this message, or waits for it.
    pub fn shows(&self, id: MessageId) -> bool {
        self.awaited == Some(id) || self.awaited.is_none() && self.open.as_ref().is_some_and(|open| open.row.id == id)
    }

    pub fn is_open(&self) -> bool {
        self.open.is_some() || self.awaited.is_some()
    }

    /// Whether the message that was asked for last is on the screen.
    pub fn is_shown(&self) -> bool {
        self.open.is_some() && self.awaited.is_none()
    }

    /// The field for finding, where this opens it, begins with what the message was found by.
    pub fn suggest(&mut self, message: &Message, found_by: &FoundBy) {
        let opens = matches!(message, Message::Looking(looking::Message::Open | looking::Message::Step(_)));
        if let Some(open) = self.open.as_mut().filter(|_| opens) {
            open.suggest(&found_by.highlighter);
        }
    }

    /// What the message was found by is seen in it.
    pub fn reveal(&mut self, found_by: &FoundBy) {
        if let Some(open) = self.open.as_mut().filter(|_| !found_by.highlighter.is_empty()) {
            open.body.reveal(&found_by.highlighter);
        }
    }

    pub fn update(&mut self, message: Message, archive: &Archive, clock: &Clock) -> Action {
        match message {
            Message::Loaded(id, loaded) => self.loaded(id, loaded),
            Message::Back => Action::Back,
            Message::Page(page::Message::Remote(message)) => self.remote(message, archive),
            Message::Page(message) => self.press.update(message, self.open.as_mut()),
            Message::Looking(message) => match self.open.as_mut() {
                Some(open) => Action::Run(open.look(message, &self.press)),
                None => Action::None,
            },
            // The page folds its own.
            Message::FoldAll if self.open.as_ref().is_some_and(Open::folds_page) => {
                self.press.update(page::Message::Unfold, self.open.as_mut())
            }
            Message::Turn(back) if self.open.is_some() => {
                Action::Run(paging::page(back).map(move |moved| Message::Paged(back, moved)))
            }
            Message::Turn(back) | Message::Paged(back, false) => Action::Step(!back),
            Message::Monospace => {
                self.monospace = !self.monospace;
                if let Some(open) = &mut self.open {
                    open.menu = false;
                    open.body.monospace = self.monospace || open.body.shows != Shows::Text;
                }
                Action::None
            }
            Message::Parts(message) => self.parts(message, archive),
            Message::Noted(whose, note) => match self.open_of(&whose) {
                Some(open) => open.noted(note),
                None => whose.says(note),
            },
            Message::Told(whose, told) => match self.open_of(&whose) {
                Some(open) => open.told(told),
                None => whose.says(told.note()),
            },
            Message::Saving(saving::Message::Saved(whose, saved)) => self.saved(&whose, saved),
            Message::Print | Message::KeepAs(_) if self.making.strong_count() > 0 => Action::None,
            Message::Print | Message::KeepAs(_) => {
                let (opened, making) = (Arc::clone(&self.opened), Arc::new(()));
                self.making = Arc::downgrade(&making);
                self.open.as_mut().map_or(Action::None, |open| {
                    open.menu = false;
                    let wanted = open.wanted(archive, clock, making);
                    match message {
                        Message::KeepAs(form) => open.keep_as(form, wanted),
                        _ => open.print(wanted, opened),
                    }
                })
            }
            // What is done to the row is done to the message that has one.
            message @ (Message::Star | Message::Unread | Message::Delete | Message::PutBack) => {
                let monospace = self.monospace;
                self.outermost().map_or(Action::None, |open| open.update(message, archive, clock, monospace))
            }
            message => match self.open.as_mut() {
                Some(open) => open.update(message, archive, clock, self.monospace),
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
                let remote = page::Remote::new(&loaded.head, loaded.always);
                let page = loaded.html.clone().map(|html| self.press.begin(html, remote));
                let (sheet, task) = page.map_or((None, Task::none()), |(sheet, task)| (Some(sheet), task));
                self.open = Some(Open { sheet, ..Open::new(loaded, self.monospace) });
                Action::Shown(id, task)
            }
            Ok(None) => {
                self.outer.clear();
                self.open = None;
                Action::None
            }
            // The one that is shown is another.
            Err(problem) => Action::Say(format!("{} {}", problem.summary, problem.advice)),
        }
    }
}

impl Open {
    pub fn new(loaded: Loaded, monospace: bool) -> Open {
        let Loaded { row, dates, message, head, own, blocks, html: _, always: _ } = loaded;
        Open {
            row: *row,
            dates,
            body: Body::of_text(message.text.as_str().into(), blocks.clone(), monospace),
            message: *message,
            head: *head,
            own,
            sheet: None,
            blocks,
            looking: Looking::default(),
            over: None,
            everyone: false,
            menu: false,
            note: None,
            told: None,
            saving: None,
            path: Vec::new(),
            parts: parts::Parts::default(),
        }
    }

    fn update(&mut self, message: Message, archive: &Archive, clock: &Clock, monospace: bool) -> Action {
        if !matches!(message, Message::Text(_) | Message::Menu(_) | Message::Paged(..)) {
            self.menu = false;
        }
        match message {
            Message::Text(act) => return self.acted(act),
            Message::ShowMore => self.body.more(),
            Message::FromTheTop => self.body.top(),
            Message::FoldAll => self.body.fold_all(),
            Message::Everyone => self.everyone = !self.everyone,
            Message::Menu(open) => self.menu = open,
            Message::Show(shows) if shows == self.body.shows || shows == Shows::Text => self.show_text(monospace),
            Message::Show(shows) => return self.ask_for(shows, archive),
            Message::Raw(whose, shows, raw) => return self.got(&whose, shows, raw),
            Message::Answer(way) => return self.answer(way, clock),
            Message::Keep => return self.keep(archive),
            Message::OpenFolder(folder) => return Action::Run(off(move || opener::open_folder(&folder)).discard()),
            Message::CopyText => return Action::Copy(self.as_text(clock), "The message was copied as text."),
            Message::Star => return Action::Star(self.row.id, !self.row.marks.starred),
            Message::Unread => return Action::Unread(self.row.id),
            Message::Delete => return Action::Delete(Box::new(self.row.clone())),
            Message::PutBack => return Action::PutBack(Box::new(self.row.clone())),
            Message::Saving(message) => return self.saving(message, archive),
            Message::Dismiss => (self.note, self.told) = (None, None),
            Message::Loaded(..)
            | Message::Looking(_)
            | Message::Parts(_)
            | Message::Print
            | Message::KeepAs(_)
            | Message::Noted(..)
            | Message::Told(..)
            | Message::Back
            | Message::Turn(_)
            | Message::Page(_)
            | Message::Paged(..)
            | Message::Monospace => {}
        }
        Action::None
    }

    fn acted(&mut self, act: Act) -> Action {
        match act {
            Act::Over(link) => self.over = link.and_then(|link| self.body.link(link)).map(|target| target.shown()),
            Act::Fold(block) => self.body.fold(block),
            Act::Link(link) => return self.body.link(link).map_or(Action::None, |target| self.follow(target)),
            Act::Reveal(y) => return self.reveal(y),
        }
        Action::None
    }

    fn reveal(&self, y: f32) -> Action {
        Action::Run(operation::scroll_by(SCROLL, scrollable::AbsoluteOffset { x: 0.0, y }))
    }

    /// A link was pressed: opened where it is what it seems, asked about where it is not.
    fn follow(&mut self, target: Target) -> Action {
        match target {
            Target::Open(link) if link.warnings.is_empty() => open_link(link.address),
            Target::Open(link) => Action::Ask(Box::new(link)),
            Target::Dead { why, .. } => {
                self.told = Some(Told::Dead(format!("This link is not opened. {why}")));
                Action::Run(operation::snap_to(SCROLL, scrollable::RelativeOffset::START))
            }
        }
    }

    fn show_text(&mut self, monospace: bool) {
        self.looking = Looking::default();
        self.body = Body::of_text(self.message.text.as_str().into(), self.blocks.clone(), monospace);
    }

    fn ask_for(&self, shows: Shows, archive: &Archive) -> Action {
        let (archive, of) = (archive.clone(), self.whose());
        let whose = of.clone();
        let raw = ask(move || {
            let original = parts::at(&archive, of.id, &of.path)?.unwrap_or_default();
            let raw = if shows == Shows::Headers { message::headers(&original) } else { shown_source(&original) };
            Ok::<_, crate::archive::ArchiveError>(Arc::from(raw))
        });
        Action::Run(raw.map(move |raw| Message::Raw(whose.clone(), shows, raw)))
    }

    fn got(&mut self, whose: &Whose, shows: Shows, raw: Result<Arc<str>, Problem>) -> Action {
        if !self.is(whose) {
            return Action::None;
        }
        match raw {
            Ok(raw) => {
                self.over = None;
                self.looking = Looking::default();
                self.body = Body::of_raw(shows, raw, true);
                Action::Run(operation::snap_to(SCROLL, scrollable::RelativeOffset::START))
            }
            Err(problem) => {
                self.note = Some(Note::Failed(problem));
                Action::None
            }
        }
    }

    fn said(&mut self, sentence: String) -> Action {
        self.noted(Note::Said(sentence))
    }

    fn noted(&mut self, note: Note) -> Action {
        self.note = Some(note);
        Action::None
    }

    fn told(&mut self, told: Told) -> Action {
        (self.note, self.told) = (None, Some(told));
        Action::None
    }
}

/// Opens an address off the drawing thread.
fn open_link(address: Address) -> Action {
    Action::Run(off(move || opener::open(&address)).discard())
}

fn read(archive: &Archive, id: MessageId) -> Result<Option<Loaded>, crate::archive::ArchiveError> {
    let Some(original) = archive.original(id)? else { return Ok(None) };
    let Some(key) = archive.key(id)? else { return Ok(None) };
    let Some(row) = archive.rows(&[key])?.into_iter().next() else { return Ok(None) };
    let arrived = archive.stored(id)?.map(|stored| stored.arrived);
    let dates = Dates { arrived, seen: archive.seen_on_server(id)? };
    let own = archive.accounts()?.into_iter().map(|account| account.address).collect();
    let loaded = Loaded::new(row, dates, message::read(&original)).headed(message::head(&original));
    let always = page::remote::is_always(archive, &loaded.head);
    Ok(Some(Loaded { own, html: page::source(&original), always, ..loaded }))
}

/// The original as text: what is not UTF-8 shows as replacement characters, what could deceive is taken out.
fn shown_source(original: &[u8]) -> String {
    let text = String::from_utf8_lossy(original).replace("\r\n", "\n");
    text.split('\n').map(message::visible).collect::<Vec<_>>().join("\n")
}

/// `Anna <anna@example.org>`, or the address alone.
fn shown(mailbox: &Mailbox) -> String {
    match (mailbox.name.as_str(), mailbox.address.as_str()) {
        ("", address) => address.to_owned(),
        (name, "") => name.to_owned(),
        (name, address) => format!("{name} <{address}>"),
    }
}
