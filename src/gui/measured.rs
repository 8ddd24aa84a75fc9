//! Parts of the window as tests and benches from outside drive them. The list: the order and the widget are those of the
//! window, the rows are made up. The reader: all of it, with the program whose worker draws its pages.

use std::time::Duration;

use iced::{Element, Size, Task, Theme};
use jiff::Timestamp;

use super::library::Library;
use super::list::{FoundBy, List, Listing, Message};
pub use super::reader::Message as Read;
pub use super::reader::looking::{FIELD, Message as Look};
pub use super::reader::page::Message as OfPage;
pub use super::reader::parts::Message as OfPart;
use super::reader::{self, Reader};
use super::theme::Choice;
use super::widget::message_list::Event;
use super::words::Clock;
use crate::account::MessageId;
use crate::archive::{Archive, Marks, Row, SortKey};
use crate::render::Worker;

/// A list pane of so many messages.
pub struct Scrolled {
    list: List,
    library: Library,
    clock: Clock,
    archive: Archive,
}

impl Scrolled {
    /// One message every ten minutes, back from now. The archive is only lent to the list, which asks it for rows.
    pub fn new(archive: Archive, messages: i64, size: Size) -> Scrolled {
        let clock = Clock::system();
        let now = clock.now.as_second();
        let keys = (0..messages).map(|age| SortKey((now - age * 600) << 29 | (messages - age))).collect();
        let mut list = List::new();
        let listing = Listing::whole(keys, &clock);
        list.update(Message::Listed(list.generation(), Ok(listing)), &archive, &clock);
        list.update(Message::Seen(Event::Resized(size.height)), &archive, &clock);
        Scrolled { list, library: Library::default(), clock, archive }
    }

    /// The theme to draw with.
    pub fn theme() -> Theme {
        Choice::Light.theme(false)
    }

    /// The fonts of the window.
    pub fn fonts() -> [&'static [u8]; 4] {
        super::FONTS
    }

    /// The height of all of it.
    pub fn height(&self) -> f64 {
        self.list.height_of_all()
    }

    /// Scrolls to there, as the wheel or the scroll bar does, and lets the rows come that the list asks for.
    pub fn scroll_to(&mut self, offset: f64) {
        // What it asks the archive for is not run: the rows come from here.
        drop(self.list.update(Message::Seen(Event::Scrolled(offset)), &self.archive, &self.clock));
        let rows = self.list.wanted().into_iter().map(row).collect();
        self.list.update(Message::Loaded(self.list.generation(), Ok(rows)), &self.archive, &self.clock);
    }

    /// Where a row begins, from the upper edge of the pane.
    pub fn top(&self, place: usize) -> f32 {
        #[allow(clippy::cast_possible_truncation)]
        let top = self.list.top(place) as f32;
        // Under the head there is a line.
        super::theme::measure::HEAD + 1.0 + top
    }

    /// Selects everything.
    pub fn select_all(&mut self) {
        self.list.update(Message::SelectAll, &self.archive, &self.clock);
    }

    pub fn view(&self) -> Element<'_, ()> {
        self.list.view(&self.library, &self.clock).map(drop)
    }
}

/// A frame is to take no longer than this at the 99th percentile.
pub const FRAME: Duration = Duration::from_millis(8);

fn row(key: SortKey) -> Row {
    let id = key.message().0;
    Row {
        key,
        id: MessageId(id),
        account: None,
        subject: format!("Minutes of meeting {id}, and what came of them since the last one"),
        from_name: format!("Sender Number {}", id % 977),
        from_address: format!("sender{}@example.org", id % 977),
        date: Timestamp::from_second(key.0 >> 29).unwrap_or(Timestamp::UNIX_EPOCH),
        size: 34_100,
        attachments: u32::from(id % 3 == 0),
        preview: format!("The hedge came up again, item {id}, and was put off until the key to the gate is found."),
        marks: Marks { read: id % 4 != 0, starred: id % 11 == 0 },
        on_server: id % 2 == 0,
        in_backup: None,
        binned: None,
    }
}

/// The reader's pane.
pub struct Reading {
    reader: Reader,
    library: Library,
    clock: Clock,
    archive: Archive,
    found_by: FoundBy,
}

/// What stands in the place of a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stands {
    Nothing,
    /// Its heading; the page is on its way.
    Heading,
    Text,
    /// A page so wide and high, in points; all that is in sight is painted, or not yet.
    Page(f32, f32, bool),
}

impl Reading {
    pub fn new(archive: Archive, worker: Worker) -> Reading {
        let reader = Reader::drawn_by(worker);
        let (library, found_by) = (Library::default(), FoundBy::default());
        Reading { reader, library, clock: Clock::system(), archive, found_by }
    }

    /// A message is chosen in the list.
    pub fn open(&mut self, id: MessageId) -> Task<Read> {
        self.reader.show(id, &self.archive)
    }

    /// The list shows what this query finds.
    pub fn search(&mut self, query: &str) {
        self.found_by = FoundBy::new(query.to_owned());
    }

    /// What comes of it, as far as it is the reader's own.
    pub fn update(&mut self, message: Read) -> Task<Read> {
        self.reader.suggest(&message, &self.found_by);
        match self.reader.update(message, &self.archive, &self.clock) {
            reader::Action::Run(task) | reader::Action::Shown(_, task) => task,
            _ => Task::none(),
        }
    }

    pub fn view(&self) -> Element<'_, Read> {
        self.reader.view(&self.library, &self.clock, false, &self.found_by)
    }

    pub fn stands(&self) -> Stands {
        self.reader.stands()
    }

    /// The message that is there, unless another one is awaited.
    pub fn shown(&self) -> Option<MessageId> {
        self.reader.open.as_ref().filter(|_| self.reader.is_shown()).map(|open| open.row.id)
    }

    /// Whether there is a page that could not be shown.
    pub fn failed(&self) -> bool {
        self.reader.open.as_ref().and_then(|open| open.sheet.as_ref()).is_some_and(|sheet| sheet.failed.is_some())
    }

    /// The worker's process while there is one, and how often one was started. Waits for what the worker does.
    pub fn worker(&self) -> (Option<u32>, usize) {
        self.reader.press.worker()
    }
}
