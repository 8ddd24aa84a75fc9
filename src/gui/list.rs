//! The list pane: which messages are shown, in which order, where it is scrolled to and what is selected.

use std::collections::{HashMap, HashSet};

use iced::widget::{column, container, row};
use iced::{Alignment, Element, Fill, Task};

use super::icon;
use super::library::Library;
use super::off::ask;
use super::theme::{self, measure, size};
use super::widget::message_list::{self, Order, ROW, message_list};
use super::widget::{Tone, across, line, link, strip};
use super::words::{Clock, messages};
use crate::account::MessageId;
use crate::archive::{Archive, Found, Row, SortKey, View};
use crate::job::Cancel;
use crate::problem::Problem;

/// Rows kept beyond those in sight, so that scrolling finds them there.
const AHEAD: usize = 40;
/// Rows kept at most before the ones out of sight are forgotten.
const KEPT: usize = 2_000;

/// See the module.
pub struct List {
    pub view: View,
    pub query: String,
    order: Order,
    rows: HashMap<SortKey, Row>,
    asked: HashSet<SortKey>,
    offset: f64,
    height: f32,
    selected: Option<SortKey>,
    notes: Vec<String>,
    /// Counts the listings asked for: an answer to an older question is dropped.
    generation: u64,
    running: Option<Cancel>,
    loading: bool,
}

#[derive(Clone, Debug)]
pub enum Message {
    Seen(message_list::Event),
    Move(Move),
    /// Open the selected message, or the first.
    Enter,
    /// Erase what is in the bin.
    EmptyBin,
    Listed(u64, Result<Found, Problem>),
    Loaded(u64, Result<Vec<Row>, Problem>),
}

/// Where to, by keyboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    Next,
    Previous,
    PageDown,
    PageUp,
    First,
    Last,
}

/// What the list wants of the application.
pub enum Action {
    None,
    Run(Task<Message>),
    /// A message was selected: show it.
    Open(Box<Row>, Task<Message>),
    /// Selected, and its row is still on its way.
    OpenById(MessageId, Task<Message>),
    /// To the bin, or out of it for good.
    Delete(Box<Row>),
    EmptyBin,
    Failed(Problem),
}

impl List {
    pub fn new() -> List {
        List {
            view: View::All,
            query: String::new(),
            order: Order::default(),
            rows: HashMap::new(),
            asked: HashSet::new(),
            offset: 0.0,
            height: 600.0,
            selected: None,
            notes: Vec::new(),
            generation: 0,
            running: None,
            loading: true,
        }
    }

    pub fn update(&mut self, message: Message, archive: &Archive, clock: &Clock) -> Action {
        match message {
            Message::Seen(event) => self.seen(event, archive),
            Message::Move(to) => self.moved(to, archive),
            Message::Enter => self.opened(self.place().unwrap_or(0), archive),
            Message::EmptyBin => Action::EmptyBin,
            Message::Listed(generation, found) => self.listed(generation, found, archive, clock),
            Message::Loaded(generation, rows) => self.loaded(generation, rows),
        }
    }

    /// Shows another part of the archive.
    pub fn show(&mut self, view: View, archive: &Archive) -> Task<Message> {
        self.view = view;
        self.offset = 0.0;
        self.list(archive)
    }

    /// Searches; the search before is stopped.
    pub fn search(&mut self, query: String, archive: &Archive) -> Task<Message> {
        self.query = query;
        self.offset = 0.0;
        self.list(archive)
    }

    /// Lists again: mail came, or marks changed what belongs here.
    pub fn list(&mut self, archive: &Archive) -> Task<Message> {
        if let Some(running) = self.running.take() {
            running.cancel();
        }
        self.generation += 1;
        let (generation, view, query) = (self.generation, self.view, self.query.trim().to_owned());
        let cancel = Cancel::new();
        self.running = Some(cancel.clone());
        let archive = archive.clone();
        ask(move || {
            if query.is_empty() {
                archive.keys(view).map(|keys| Found { keys, notes: Vec::new() })
            } else {
                archive.search(&query, view, None, &cancel)
            }
        })
        .map(move |found| Message::Listed(generation, found))
    }

    /// Reads the rows in sight again: their marks or copies changed.
    pub fn refresh(&mut self, archive: &Archive) -> Task<Message> {
        self.asked.clear();
        let seen = self.in_reach();
        let kept: HashSet<SortKey> = self.order.keys(seen).iter().copied().collect();
        self.rows.retain(|key, _| kept.contains(key));
        self.load(kept.into_iter().collect(), archive)
    }

    /// Groups the rows anew as time passes.
    pub fn tick(&mut self, clock: &Clock) {
        self.order = std::mem::take(&mut self.order).regrouped(clock);
    }

    /// Changes a row in place, so that a mark shows at once.
    pub fn mark(&mut self, id: MessageId, change: impl Fn(&mut Row)) {
        self.rows.values_mut().filter(|row| row.id == id).for_each(change);
    }

    /// A row that is known.
    pub fn row(&self, key: SortKey) -> Option<&Row> {
        self.rows.get(&key)
    }

    /// Whether a message of this subject is in the list and its row is known.
    #[cfg(test)]
    pub fn shows(&self, subject: &str) -> bool {
        self.rows.values().any(|row| row.subject == subject && self.order.find(row.key).is_some())
    }

    /// The row of the message that is selected.
    pub fn selected_row(&self) -> Option<&Row> {
        self.rows.get(&self.selected?)
    }

    /// Takes a row out. Where it was the selected one, the next is selected and opened, or else the one before.
    pub fn remove(&mut self, key: SortKey, archive: &Archive, clock: &Clock) -> Action {
        let Some(place) = self.order.find(key) else { return Action::None };
        self.order = std::mem::take(&mut self.order).without(place, clock);
        self.rows.remove(&key);
        self.offset = self.order.clamped(self.offset, f64::from(self.height));
        if self.selected != Some(key) {
            return Action::Run(self.reach(archive));
        }
        self.selected = None;
        match self.order.len() {
            0 => Action::None,
            len => self.opened(place.min(len - 1), archive),
        }
    }

    /// The number of the listing that was asked for last.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    pub fn deselect(&mut self) {
        self.selected = None;
    }

    fn place(&self) -> Option<usize> {
        self.order.find(self.selected?)
    }

    fn listed(&mut self, generation: u64, found: Result<Found, Problem>, archive: &Archive, clock: &Clock) -> Action {
        if generation != self.generation {
            return Action::None;
        }
        self.running = None;
        self.loading = false;
        match found {
            Ok(found) => {
                self.order = Order::new(found.keys, clock);
                self.notes = found.notes;
                self.offset = self.order.clamped(self.offset, f64::from(self.height));
                Action::Run(self.refresh(archive))
            }
            Err(problem) => Action::Failed(problem),
        }
    }

    fn loaded(&mut self, generation: u64, rows: Result<Vec<Row>, Problem>) -> Action {
        match rows {
            Ok(rows) => {
                for row in rows {
                    self.asked.remove(&row.key);
                    if generation == self.generation {
                        self.rows.insert(row.key, row);
                    }
                }
                Action::None
            }
            Err(problem) => Action::Failed(problem),
        }
    }

    fn seen(&mut self, event: message_list::Event, archive: &Archive) -> Action {
        match event {
            message_list::Event::Scrolled(offset) => {
                self.offset = offset;
                Action::Run(self.reach(archive))
            }
            message_list::Event::Resized(height) => {
                self.height = height;
                self.offset = self.order.clamped(self.offset, f64::from(height));
                Action::Run(self.reach(archive))
            }
            message_list::Event::Pressed(index) => self.opened(index, archive),
            message_list::Event::Deleted(index) => {
                let row = self.order.key(index).and_then(|key| self.rows.get(&key));
                row.map_or(Action::None, |row| Action::Delete(Box::new(row.clone())))
            }
        }
    }

    fn moved(&mut self, to: Move, archive: &Archive) -> Action {
        if self.order.is_empty() {
            return Action::None;
        }
        let last = self.order.len() - 1;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let page = ((f64::from(self.height) / ROW) as usize).max(2) - 1;
        let index = match (to, self.place()) {
            (Move::Last, _) => last,
            (Move::First, _) | (_, None) => 0,
            (Move::Next, Some(place)) => (place + 1).min(last),
            (Move::Previous, Some(place)) => place.saturating_sub(1),
            (Move::PageDown, Some(place)) => (place + page).min(last),
            (Move::PageUp, Some(place)) => place.saturating_sub(page),
        };
        self.opened(index, archive)
    }

    fn opened(&mut self, index: usize, archive: &Archive) -> Action {
        let Some(key) = self.order.key(index) else { return Action::None };
        self.selected = Some(key);
        self.offset = self.order.revealing(index, self.offset, f64::from(self.height));
        let load = self.reach(archive);
        match self.rows.get(&key) {
            Some(row) => Action::Open(Box::new(row.clone()), load),
            None => Action::OpenById(key.message(), load),
        }
    }

    fn in_reach(&self) -> std::ops::Range<usize> {
        let seen = self.order.visible(self.offset, f64::from(self.height));
        seen.start.saturating_sub(AHEAD)..(seen.end + AHEAD).min(self.order.len())
    }

    /// Loads what is near and not known yet.
    fn reach(&mut self, archive: &Archive) -> Task<Message> {
        let near = self.in_reach();
        if self.rows.len() > KEPT {
            let kept: HashSet<SortKey> = self.order.keys(near.clone()).iter().copied().collect();
            self.rows.retain(|key, _| kept.contains(key));
        }
        let unknown = |key: &&SortKey| !self.rows.contains_key(key) && !self.asked.contains(key);
        let wanted: Vec<SortKey> = self.order.keys(near).iter().filter(unknown).copied().collect();
        self.load(wanted, archive)
    }

    fn load(&mut self, wanted: Vec<SortKey>, archive: &Archive) -> Task<Message> {
        if wanted.is_empty() {
            return Task::none();
        }
        self.asked.extend(&wanted);
        let (generation, archive) = (self.generation, archive.clone());
        ask(move || archive.rows(&wanted)).map(move |rows| Message::Loaded(generation, rows))
    }

    pub fn view<'a>(&'a self, library: &'a Library, clock: &'a Clock) -> Element<'a, Message> {
        let mut pane = column![self.head(library), across()];
        for note in &self.notes {
            pane = pane.push(container(strip(icon::INFO, Tone::Note, note.as_str(), Vec::new())).padding(8));
        }
        let content = if self.order.is_empty() && !self.loading {
            self.empty(library)
        } else {
            message_list(&self.order, &self.rows, self.offset, self.place(), clock, Message::Seen).into()
        };
        container(pane.push(content)).width(Fill).height(Fill).style(theme::paper).into()
    }

    fn head<'a>(&'a self, library: &'a Library) -> Element<'a, Message> {
        let (name, note) = if self.query.trim().is_empty() {
            (library.title(self.view), "newest first".to_owned())
        } else {
            #[allow(clippy::cast_possible_truncation)]
            ("Search", format!("{} in {}", messages(self.order.len() as u64), library.title(self.view)))
        };
        let mut head = row![
            line(name).font(theme::BOLD).width(iced::Shrink),
            line(note).size(size::SMALL).color(|tokens| tokens.dim),
        ];
        if self.view == View::Bin && library.counts.bin > 0 {
            head = head.push(link("Empty the bin", Some(Message::EmptyBin)));
        }
        container(head.spacing(8).align_y(Alignment::Center)).center_y(measure::HEAD).padding([0, 14]).into()
    }

    /// What stands where no message does.
    fn empty<'a>(&'a self, library: &'a Library) -> Element<'a, Message> {
        let (glyph, title, sentence) = if !self.query.trim().is_empty() {
            (icon::SEARCH, "Nothing found", "No message here has all of these words.")
        } else if library.fetching.is_empty() {
            match self.view {
                View::Unread => (icon::MAIL_OPEN, "All read", "New mail shows here until you have read it."),
                View::Bin => {
                    (icon::TRASH_2, "The bin is empty", "What you delete stays here for 30 days, and can be put back.")
                }
                View::Starred => (icon::STAR, "Nothing starred", "Press S on a message to find it here again."),
                _ => (icon::INBOX, "No mail yet", "Press Check mail to fetch what is on the server."),
            }
        } else {
            (icon::INBOX, "Fetching", "The first messages will show here in a moment.")
        };
        super::widget::void(glyph, title, sentence)
    }
}
