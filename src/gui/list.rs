//! The list pane: which messages are shown, in which order, where it is scrolled to and what is selected.

mod listing;
pub mod menu;
mod moving;
pub mod selection;
mod snippets;
mod unread;
mod view;

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use iced::Task;
use iced::keyboard::Modifiers;

use super::off::ask;
use super::widget::message_list::{self, Order, ROW};
use super::words::Clock;
use crate::account::MessageId;
use crate::archive::{self, Archive, Highlighter, Ids, Mark, Row, Sort, SortKey, View};
use crate::job::Cancel;
use crate::problem::Problem;
use menu::Menu;
use selection::Selection;

pub use listing::Listing;
pub use moving::Move;

/// Rows kept beyond those in sight, so that scrolling finds them there.
const AHEAD: usize = 40;
/// Rows kept at most before the ones out of sight are forgotten.
const KEPT: usize = 2_000;

/// See the module.
pub struct List {
    pub view: View,
    /// As it is typed.
    pub query: String,
    /// Its last word is still being typed.
    begun: bool,
    found_by: FoundBy,
    pub sort: Sort,
    pub(super) order: Order,
    pub(super) rows: HashMap<SortKey, Row>,
    asked: HashSet<SortKey>,
    pub(super) offset: f64,
    height: f32,
    pub(super) selection: Selection,
    /// Counts the changes of the selection.
    revision: u64,
    notes: Vec<String>,
    pub menu: Option<Menu>,
    /// Counts the listings asked for: an answer to an older question is dropped.
    generation: u64,
    running: Option<Cancel>,
    loading: bool,
    /// See [`List::is_listed`].
    listed: bool,
    /// More of what was found is on its way.
    partial: bool,
    /// What was selected before the first page took the place of the list, and in which order; of no use once the
    /// selection is changed again.
    kept: Option<(u64, Selection, Order)>,
    /// The row that the keyboard is on is to be seen once everything is listed.
    reveals: bool,
}

#[derive(Clone, Debug)]
pub enum Message {
    Seen(message_list::Event),
    /// By keyboard; the selection grows where it says so.
    Move(Move, bool),
    /// Open the selected message, or the first.
    Enter,
    /// Open the next one that is unread, behind the last from the first on.
    NextUnread,
    /// Where that is.
    Unread(u64, Result<Option<usize>, Problem>),
    SelectAll,
    /// Only one row is selected from now on.
    Collapse,
    /// What is selected is given a mark, or loses it.
    Mark(Mark, bool),
    /// All that is listed has been read.
    AllRead,
    /// What is selected goes to the bin, or is put back from there.
    Delete,
    PutBack,
    /// The menu of what is selected, by keyboard.
    OpenMenu,
    OpenSorting,
    MenuMove(bool),
    MenuDo(usize),
    /// What the keyboard is on in the menu.
    MenuEnter,
    CloseMenu,
    /// Erase what is in the bin.
    EmptyBin,
    Listed(u64, Result<Listing, Problem>),
    Loaded(u64, Result<Vec<Row>, Problem>),
    /// Words around the hits of rows that show none.
    Found(u64, Vec<(SortKey, String)>),
}

impl Message {
    /// Whether what comes of it can only be seen in the list.
    pub fn is_of_list(&self) -> bool {
        matches!(self, Message::SelectAll | Message::OpenMenu | Message::OpenSorting | Message::Move(_, true))
    }
}

/// A query, and what marks its hits.
#[derive(Clone, Debug, Default)]
pub struct FoundBy {
    pub query: String,
    pub highlighter: Highlighter,
}

impl FoundBy {
    pub fn new(query: String) -> FoundBy {
        FoundBy { highlighter: Highlighter::new(&query), query }
    }
}

/// Selected messages, to be taken along to another thread.
#[derive(Clone, Debug)]
pub struct Picked {
    keys: Arc<Vec<SortKey>>,
    pub ranges: Vec<Range<usize>>,
}

impl Picked {
    pub fn len(&self) -> usize {
        self.ranges.iter().map(ExactSizeIterator::len).sum()
    }

    /// Their ids. Not for the thread that draws: there may be a million.
    pub fn ids(&self) -> Ids {
        let keys = self.ranges.iter().filter_map(|range| self.keys.get(range.clone())).flatten();
        keys.filter_map(|key| u32::try_from(key.message().0).ok()).collect()
    }
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
    /// To the bin, all of these.
    Bin(Picked),
    PutBack(Picked),
    Mark(Picked, Mark, bool),
    Copy(String),
    Search(String),
    EmptyBin,
    Failed(Problem),
}

impl List {
    pub fn new() -> List {
        List {
            view: View::All,
            query: String::new(),
            begun: false,
            found_by: FoundBy::default(),
            sort: Sort::default(),
            order: Order::default(),
            rows: HashMap::new(),
            asked: HashSet::new(),
            offset: 0.0,
            height: 600.0,
            selection: Selection::default(),
            revision: 0,
            notes: Vec::new(),
            menu: None,
            generation: 0,
            running: None,
            loading: true,
            listed: false,
            partial: false,
            kept: None,
            reveals: false,
        }
    }

    pub fn update(&mut self, message: Message, archive: &Archive, clock: &Clock) -> Action {
        match message {
            Message::Seen(event) => self.seen(event, archive),
            Message::Move(to, grows) => self.moved(to, grows, archive),
            Message::Enter => self.opened(self.place().unwrap_or(0), archive),
            Message::NextUnread => self.next_unread(archive),
            Message::Unread(generation, place) => self.found_unread(generation, place, archive),
            Message::SelectAll => self.change(|selection, rows| selection.all(rows)),
            Message::Collapse => self.change(|selection, _| selection.collapse()),
            Message::Mark(mark, on) => self.with_picked(|picked| Action::Mark(picked, mark, on)),
            Message::AllRead => Action::Mark(self.everything(), Mark::Read, true),
            Message::Delete => self.delete(),
            Message::PutBack => self.with_picked(Action::PutBack),
            Message::OpenMenu => self.menu_by_keyboard(archive),
            Message::OpenSorting => self.sorting(),
            Message::MenuMove(down) => self.menu_moved(down),
            Message::MenuDo(item) => self.menu_done(item, archive, clock),
            Message::MenuEnter => match self.menu.as_ref().map(|menu| menu.chosen) {
                Some(chosen) => self.menu_done(chosen, archive, clock),
                None => Action::None,
            },
            Message::CloseMenu => {
                self.menu = None;
                Action::None
            }
            Message::EmptyBin => Action::EmptyBin,
            Message::Listed(generation, listing) => self.listed(generation, listing, archive, clock),
            Message::Loaded(generation, rows) => self.loaded(generation, rows, archive),
            Message::Found(generation, found) => {
                self.found_in(generation, found);
                Action::None
            }
        }
    }

    /// Shows another part of the archive.
    pub fn show(&mut self, view: View, archive: &Archive, clock: &Clock) -> Task<Message> {
        self.view = view;
        self.anew(archive, clock)
    }

    /// Another part of the archive is shown by the next listing.
    pub fn turn_to(&mut self, view: View) {
        self.view = view;
        self.offset = 0.0;
        self.deselect();
    }

    /// Searches; the search before is stopped. `begun`: the last word is still being typed.
    pub fn search(&mut self, query: String, begun: bool, archive: &Archive, clock: &Clock) -> Task<Message> {
        (self.query, self.begun) = (query, begun);
        let sought = self.sought();
        if sought != self.found_by.query {
            self.found_by = FoundBy::new(sought);
        }
        self.anew(archive, clock)
    }

    /// Another order of the same messages.
    fn sort(&mut self, sort: Sort, archive: &Archive, clock: &Clock) -> Task<Message> {
        self.sort = sort;
        self.anew(archive, clock)
    }

    /// What is searched for.
    pub fn sought(&self) -> String {
        let query = self.query.trim_start();
        if self.begun { archive::typed(query).trim_end().to_owned() } else { query.trim_end().to_owned() }
    }

    /// What marks the hits of the search.
    pub fn found_by(&self) -> &FoundBy {
        &self.found_by
    }

    pub fn close_menu(&mut self) {
        self.menu = None;
    }

    fn anew(&mut self, archive: &Archive, clock: &Clock) -> Task<Message> {
        self.offset = 0.0;
        self.menu = None;
        // While one searches the newest that was found stays in sight.
        self.reveals = self.query.trim().is_empty();
        self.list_from(true, archive, clock)
    }

    /// Lists again: mail came, or marks changed what belongs here.
    pub fn list(&mut self, archive: &Archive, clock: &Clock) -> Task<Message> {
        self.list_from(self.loading, archive, clock)
    }

    /// With `first` a page of what is newest comes at once, and all of it after that.
    fn list_from(&mut self, first: bool, archive: &Archive, clock: &Clock) -> Task<Message> {
        if let Some(running) = self.running.take() {
            running.cancel();
        }
        self.generation += 1;
        self.listed = false;
        self.partial = true;
        let cancel = Cancel::new();
        self.running = Some(cancel.clone());
        // What is done to what is selected must not be done to a page of it.
        self.ask(first && !self.selection.is_several(), cancel, archive, clock)
    }

    fn ask(&self, first: bool, cancel: Cancel, archive: &Archive, clock: &Clock) -> Task<Message> {
        let generation = self.generation;
        let kept = self.kept.as_ref().filter(|(revision, ..)| !first && *revision == self.revision);
        let (selection, before) =
            kept.map_or((&self.selection, &self.order), |(_, selection, order)| (selection, order));
        let open = self.selection.cursor().filter(|_| !self.selection.is_several());
        let wanted = listing::Wanted {
            view: self.view,
            query: self.sought(),
            sort: self.sort,
            first,
            selection: selection.clone(),
            revision: self.revision,
            before: before.clone(),
            open: open.and_then(|place| self.order.key(place)),
            clock: clock.clone(),
        };
        let archive = archive.clone();
        ask(move || listing::list(&archive, wanted, &cancel)).map(move |listing| Message::Listed(generation, listing))
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

    /// The same for all that were picked; what is out of reach is read again when it comes into sight.
    pub fn mark_picked(&mut self, picked: &Picked, change: impl Fn(&mut Row)) {
        let reach = self.in_reach();
        let near: HashSet<SortKey> = self.order.keys(reach).iter().copied().collect();
        self.rows.retain(|key, _| near.contains(key));
        for range in &picked.ranges {
            for place in range.start.max(self.in_reach().start)..range.end.min(self.in_reach().end) {
                if let Some(row) = self.order.key(place).and_then(|key| self.rows.get_mut(&key)) {
                    change(row);
                }
            }
        }
    }

    /// The height of the whole list.
    pub fn height_of_all(&self) -> f64 {
        self.order.height()
    }

    /// Where a row begins, from the upper edge of the list as it is scrolled.
    pub fn top(&self, place: usize) -> f64 {
        self.order.top(place) - self.offset
    }

    /// The rows in reach that are not known.
    pub fn wanted(&self) -> Vec<SortKey> {
        let near = self.order.keys(self.in_reach());
        near.iter().filter(|key| !self.rows.contains_key(key)).copied().collect()
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

    /// The subjects of the rows that are known, in their order.
    #[cfg(test)]
    pub fn subjects(&self) -> Vec<&str> {
        let rows = self.order.keys(0..self.order.len()).iter().filter_map(|key| self.rows.get(key));
        rows.map(|row| row.subject.as_str()).collect()
    }

    /// The row that the keyboard is on, where it is selected.
    pub fn selected_row(&self) -> Option<&Row> {
        self.rows.get(&self.order.key(self.place()?)?)
    }

    pub fn is_several(&self) -> bool {
        self.selection.is_several()
    }

    /// How many rows are selected.
    #[cfg(test)]
    pub fn selected(&self) -> usize {
        self.selection.len()
    }

    /// What the scroll bar would say.
    #[cfg(test)]
    pub fn whereabouts(&self, clock: &Clock) -> Option<String> {
        self.order.whereabouts(self.order.beside_thumb(self.offset, f64::from(self.height)), clock)
    }

    /// The ids of what is selected.
    #[cfg(test)]
    pub fn selected_ids(&self) -> Ids {
        self.picked().ids()
    }

    /// Whether what is listed is what was asked for last, or the beginning of it.
    pub fn is_listed(&self) -> bool {
        self.listed
    }

    /// Whether everything that belongs here is listed.
    #[cfg(test)]
    pub fn is_whole(&self) -> bool {
        !self.partial
    }

    /// Takes a row out. Where it was the selected one, the next is selected and opened, or else the one before.
    pub fn remove(&mut self, key: SortKey, archive: &Archive, clock: &Clock) -> Action {
        let Some(place) = self.order.find(key) else { return Action::None };
        let chosen = self.place() == Some(place);
        let out = place..place + 1;
        self.take_out(std::slice::from_ref(&out), clock);
        self.rows.remove(&key);
        if !chosen {
            return Action::Run(self.reach(archive));
        }
        match self.order.len() {
            0 => Action::None,
            len => self.opened(place.min(len - 1), archive),
        }
    }

    /// Takes out all that were picked; the keyboard is then on what stands in their place.
    pub fn remove_picked(&mut self, picked: &Picked, archive: &Archive, clock: &Clock) -> Task<Message> {
        let first = picked.ranges.first().map_or(0, |range| range.start);
        self.take_out(&picked.ranges, clock);
        match self.order.len() {
            0 => self.selection.clear(),
            len => self.selection.only(first.min(len - 1)),
        }
        self.reach(archive)
    }

    fn take_out(&mut self, places: &[Range<usize>], clock: &Clock) {
        self.order = std::mem::take(&mut self.order).without(places, clock);
        self.offset = self.order.clamped(self.offset, f64::from(self.height));
        self.revision += 1;
        self.menu = None;
        self.selection = self.selection.without(places);
    }

    /// The number of the listing that was asked for last.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    pub fn deselect(&mut self) {
        self.selection.clear();
        self.revision += 1;
    }

    fn place(&self) -> Option<usize> {
        self.selection.cursor().filter(|place| self.selection.contains(*place))
    }

    fn picked(&self) -> Picked {
        Picked { keys: self.order.shared(), ranges: self.selection.ranges().to_vec() }
    }

    fn everything(&self) -> Picked {
        Picked { keys: self.order.shared(), ranges: std::iter::once(0..self.order.len()).collect() }
    }

    fn with_picked(&self, action: impl Fn(Picked) -> Action) -> Action {
        if self.selection.len() == 0 { Action::None } else { action(self.picked()) }
    }

    fn change(&mut self, change: impl Fn(&mut Selection, usize)) -> Action {
        self.menu = None;
        change(&mut self.selection, self.order.len());
        self.revision += 1;
        Action::None
    }

    fn delete(&self) -> Action {
        match self.selected_row() {
            Some(row) if !self.selection.is_several() => Action::Delete(Box::new(row.clone())),
            _ => self.with_picked(Action::Bin),
        }
    }

    fn listed(
        &mut self,
        generation: u64,
        listing: Result<Listing, Problem>,
        archive: &Archive,
        clock: &Clock,
    ) -> Action {
        if generation != self.generation {
            return Action::None;
        }
        self.loading = false;
        let listing = match listing {
            Ok(listing) => listing,
            Err(problem) => {
                self.running = None;
                self.partial = false;
                return Action::Failed(problem);
            }
        };
        self.listed = true;
        let whole = listing.is_whole();
        let selection = listing.selection(&self.selection, self.revision, &self.order);
        let before = std::mem::replace(&mut self.selection, selection);
        self.revision += 1;
        self.menu = self.menu.take().filter(|menu| menu.sorts());
        let order = std::mem::replace(&mut self.order, listing.order);
        self.notes = listing.notes;
        self.offset = self.order.keeping(&order, self.offset, f64::from(self.height));
        let chosen = self.place().filter(|_| !self.selection.is_several());
        if let Some(place) = chosen.filter(|_| whole && std::mem::take(&mut self.reveals)) {
            self.offset = self.order.revealing(place, self.offset, f64::from(self.height));
        }
        self.kept = (!whole).then_some((self.revision, before, order));
        self.partial = !whole;
        let rows = self.refresh(archive);
        match self.running.clone() {
            Some(cancel) if !whole => Action::Run(Task::batch([rows, self.ask(false, cancel, archive, clock)])),
            _ => {
                self.running = None;
                Action::Run(rows)
            }
        }
    }

    fn loaded(&mut self, generation: u64, rows: Result<Vec<Row>, Problem>, archive: &Archive) -> Action {
        match rows {
            Ok(rows) => {
                let keys: Vec<SortKey> = rows.iter().map(|row| row.key).collect();
                for row in rows {
                    self.asked.remove(&row.key);
                    if generation == self.generation {
                        self.rows.insert(row.key, row);
                    }
                }
                Action::Run(self.look_in(&keys, archive))
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
            message_list::Event::Pressed(index, modifiers) => self.pressed(index, modifiers, archive),
            message_list::Event::Menu(index, at) => self.menu_at(index, at, archive),
            message_list::Event::Deleted(index) => {
                let row = self.order.key(index).and_then(|key| self.rows.get(&key));
                row.map_or(Action::None, |row| Action::Delete(Box::new(row.clone())))
            }
        }
    }

    fn pressed(&mut self, index: usize, modifiers: Modifiers, archive: &Archive) -> Action {
        match (modifiers.shift(), modifiers.command()) {
            (false, false) => self.opened(index, archive),
            (false, true) => self.change(|selection, _| selection.toggle(index)),
            (true, besides) => self.change(|selection, _| selection.extend(index, besides)),
        }
    }

    fn moved(&mut self, to: Move, grows: bool, archive: &Archive) -> Action {
        if self.order.is_empty() {
            return Action::None;
        }
        let last = self.order.len() - 1;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let page = ((f64::from(self.height) / ROW) as usize).max(2) - 1;
        let index = to.from(self.selection.cursor(), last, page);
        if !grows && self.place() == Some(index) && !self.selection.is_several() {
            // At the end: what is open stays as it is.
            self.offset = self.order.revealing(index, self.offset, f64::from(self.height));
            return Action::Run(self.reach(archive));
        }
        if !grows {
            return self.opened(index, archive);
        }
        self.menu = None;
        self.selection.extend(index, false);
        self.revision += 1;
        self.offset = self.order.revealing(index, self.offset, f64::from(self.height));
        Action::Run(self.reach(archive))
    }

    fn opened(&mut self, index: usize, archive: &Archive) -> Action {
        let Some(key) = self.order.key(index) else { return Action::None };
        self.menu = None;
        self.selection.only(index);
        self.revision += 1;
        self.offset = self.order.revealing(index, self.offset, f64::from(self.height));
        let load = self.reach(archive);
        match self.rows.get(&key) {
            Some(row) => Action::Open(Box::new(row.clone()), load),
            None => Action::OpenById(key.message(), load),
        }
    }

    fn in_reach(&self) -> Range<usize> {
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
}
