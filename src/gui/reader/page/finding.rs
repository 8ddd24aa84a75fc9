//! Looking for words in a page. What a folded tail holds is not in the layout that is shown: the page is laid out once
//! more with it, and only to be read; it is unfolded when a person turns to a place in it.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use iced::Task;

use super::{Hand, Message, Press, Sheet};
use crate::archive::Highlighter;
use crate::gui::off::off;
use crate::gui::reader::Message as Whole;
use crate::gui::widget::page::text::{self, Piece};
use crate::gui::widget::prose::another;
use crate::render::{Failure, Laid, Page, View};

/// Where words stand in a page.
#[derive(Clone, Debug)]
pub struct Places {
    /// The number of the layout.
    layout: u64,
    marks: Vec<Vec<Piece>>,
    /// How many more there are in its folded tail.
    folded: usize,
}

impl Press {
    /// Has the whole page read where a part of it is folded and was not read yet.
    pub(in crate::gui::reader) fn read_whole(&self, sheet: &mut Sheet) -> Task<Whole> {
        let Some(shown) = sheet.shown.as_ref().filter(|shown| shown.view.folded && shown.laid.tail.is_some()) else {
            return Task::none();
        };
        if std::mem::replace(&mut sheet.reading, true) {
            return Task::none();
        }
        let view = View { folded: false, ..shown.view };
        let (hand, latest, source, key) =
            (Arc::clone(&self.hand), Arc::clone(&self.latest), Arc::clone(&sheet.source), sheet.key);
        let asked = latest.load(Ordering::SeqCst);
        let read = off(move || {
            let mut hand = hand.lock().unwrap_or_else(PoisonError::into_inner);
            // A page that was opened meanwhile goes before.
            (latest.load(Ordering::SeqCst) == asked).then(|| hand.read(&source, view).ok().map(Arc::new)).flatten()
        });
        read.map(move |laid| Whole::Page(Message::Read(key, laid)))
    }
}

impl Hand {
    /// Lays a page out only to read it.
    fn read(&mut self, source: &Page, view: View) -> Result<Laid, Failure> {
        self.holds = None;
        self.worker.lay(&Page { view, ..source.clone() })
    }
}

impl Sheet {
    /// The whole page was read, or could not be: then it is tried again with the next layout.
    pub(super) fn read(&mut self, key: u64, laid: Option<Arc<Laid>>) {
        if key == self.key {
            self.reading = laid.is_some();
            self.whole = laid.or(self.whole.take());
        }
    }

    /// Whether the folded tail is on its way to be read for the first time.
    pub(in crate::gui::reader) fn is_read(&self) -> bool {
        self.reading && self.whole.is_none()
    }

    /// Looks for words in what is shown, and in what is folded of it.
    pub(in crate::gui::reader) fn look_for(&self, sought: String) -> Option<Task<Places>> {
        let shown = self.shown.as_ref().filter(|_| !self.plain)?;
        let (laid, layout) = (Arc::clone(&shown.laid), shown.number);
        let whole = self.whole.clone().filter(|_| shown.view.folded);
        Some(off(move || {
            let marks = text::find(&laid, &sought);
            let all = whole.map_or(0, |whole| text::find(&whole, &sought).len());
            Places { layout, folded: all.saturating_sub(marks.len()), marks }
        }))
    }

    /// The words that a search hit first in what is shown.
    pub(in crate::gui::reader) fn first_hit(&self, highlighter: &Highlighter) -> Option<String> {
        text::first_hit(&self.shown.as_ref()?.laid, highlighter)
    }

    /// Marks the places; how many there are, or `None` where they are those of another layout.
    pub(in crate::gui::reader) fn mark(&mut self, places: Places) -> Option<usize> {
        let shown = self.shown.as_ref().filter(|shown| shown.number == places.layout)?;
        // Unfolded, the layout holds all that there is.
        let folded = if shown.view.folded { places.folded } else { 0 };
        (self.marks, self.current) = (places.marks, None);
        Some(self.marks.len() + folded)
    }

    pub(in crate::gui::reader) fn unmark(&mut self) {
        (self.marks, self.current) = (Vec::new(), None);
    }

    /// Makes a place the current one; whether it is in sight at all, and not in the folded tail.
    pub(in crate::gui::reader) fn turn_to(&mut self, place: usize, reveal: bool) -> bool {
        self.current = Some(place).filter(|place| *place < self.marks.len());
        if reveal && self.current.is_some() {
            self.turn = another();
        }
        self.current.is_some()
    }

    /// The first place that is not above this one, else not above what is in sight.
    pub(in crate::gui::reader) fn first_from(&self, current: Option<f32>) -> usize {
        let from = current.unwrap_or_else(|| self.shown.as_ref().map_or(0.0, |shown| shown.seen.0));
        (0..self.marks.len()).find(|place| self.top(*place).is_some_and(|top| top >= from - 1.0)).unwrap_or(0)
    }

    /// How far down the current place is.
    pub(in crate::gui::reader) fn current_top(&self) -> Option<f32> {
        self.top(self.current?)
    }

    fn top(&self, place: usize) -> Option<f32> {
        let (line, _) = self.marks.get(place)?.first()?;
        Some(self.shown.as_ref()?.laid.lines.get(*line)?.area.top)
    }

    /// Unfolds the tail, for a place in it.
    pub(in crate::gui::reader) fn unfold(&mut self, press: &Press) -> Task<Whole> {
        self.folded = false;
        press.lay(self)
    }
}
