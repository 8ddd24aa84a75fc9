//! Looking for words in what is read: the page, the text, the headers or the source. A field, how many places there are,
//! and the way from one to the next.

use std::ops::Range;

use iced::keyboard::Modifiers;
use iced::keyboard::key::Named;
use iced::widget::{Column, container, operation, row, text};
use iced::{Alignment, Element, Task};

use super::body::{self, Shows};
use super::page::{Places, Press, Sheet};
use super::{Message as Whole, Open};
use crate::archive::{Field, Highlighter};
use crate::gui::icon;
use crate::gui::off::off;
use crate::gui::theme::{self, size};
use crate::gui::widget::anchored::{Place, anchored};
use crate::gui::widget::prose::another;
use crate::gui::widget::{across, field, gap, glyph};
use crate::gui::words::count;

/// The field.
pub const FIELD: &str = "look-for";

/// See the module.
#[derive(Default)]
pub struct Looking {
    /// A person wants to find something in the message; in the headers and the source the field is always there.
    open: bool,
    sought: String,
    /// What stands in the field because it was searched for, and not because a person typed it.
    suggested: String,
    /// How many places there are; `None` until the first answer is there.
    of: Option<usize>,
    current: Option<usize>,
    /// What was asked last, a number of its own in all messages: the answer to another question is dropped.
    asked: u64,
    then: Then,
}

/// What becomes of the current place when it is known where they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Then {
    /// Another word was typed: the nearest is the current one.
    #[default]
    Choose,
    /// Its page was laid out anew.
    Keep,
    /// The same, for it to be seen.
    Reveal,
}

#[derive(Clone, Debug)]
pub enum Message {
    Open,
    Close,
    For(String),
    Found(u64, Found),
    /// To the next place, or the one before.
    Step(bool),
}

/// Where words stand.
#[derive(Clone, Debug)]
pub enum Found {
    Text(Vec<Range<usize>>),
    Page(Places),
}

impl Open {
    pub(super) fn look(&mut self, message: Message, press: &Press) -> Task<Whole> {
        match message {
            Message::Open => self.start_looking(press),
            Message::Step(_) if !self.looks() => self.start_looking(press),
            Message::Close => {
                self.stop_looking();
                Task::none()
            }
            Message::For(sought) => {
                self.looking.sought = sought;
                (self.looking.then, self.looking.of) = (Then::Choose, None);
                self.seek()
            }
            Message::Found(asked, found) if asked == self.looking.asked => {
                self.found(found);
                self.turn(press)
            }
            Message::Found(..) => Task::none(),
            Message::Step(on) => {
                self.looking.step(on);
                self.looking.then = Then::Reveal;
                self.turn(press)
            }
        }
    }

    /// Before a field opens: what the search hit first stands in it, where nobody typed anything else.
    pub(super) fn suggest(&mut self, highlighter: &Highlighter) {
        if self.looks() || self.looking.sought != self.looking.suggested {
            return;
        }
        let whole = self.body.whole();
        let in_text = || {
            let hit = highlighter.ranges(Field::Body, whole).into_iter().next()?;
            whole.get(hit)?.lines().next().map(str::to_owned)
        };
        // What is folded of a page is in its text.
        let hit = self.page_shown().and_then(|sheet| sheet.first_hit(highlighter)).or_else(in_text);
        self.looking.sought = hit.unwrap_or_default();
        self.looking.suggested = self.looking.sought.clone();
    }

    /// Whether there is a field for it.
    fn looks(&self) -> bool {
        self.looking.open || self.body.shows != Shows::Text
    }

    fn start_looking(&mut self, press: &Press) -> Task<Whole> {
        self.menu = false;
        let focus = Task::batch([operation::focus(FIELD), operation::select_all(FIELD)]);
        if std::mem::replace(&mut self.looking.open, true) {
            return focus;
        }
        self.looking.then = Then::Choose;
        Task::batch([focus, self.seek_in(press)])
    }

    /// Whether there was a field to be closed.
    pub(super) fn stop_looking(&mut self) -> bool {
        if self.body.shows != Shows::Text || !self.looking.open {
            return false;
        }
        let Looking { sought, suggested, .. } = std::mem::take(&mut self.looking);
        self.looking = Looking { sought, suggested, asked: another(), ..Looking::default() };
        self.unmark();
        true
    }

    /// What is shown is another layout, or the text in place of the page.
    pub(super) fn seek_again(&mut self, press: &Press) -> Task<Whole> {
        if !self.looking.open || self.body.shows != Shows::Text {
            return Task::none();
        }
        if self.looking.then == Then::Choose && self.looking.current.is_some() {
            self.looking.then = Then::Keep;
        }
        self.seek_in(press)
    }

    /// Looks for it, and has the tail of a page read where that is folded.
    fn seek_in(&mut self, press: &Press) -> Task<Whole> {
        let read =
            self.sheet.as_mut().filter(|sheet| !sheet.plain).map_or_else(Task::none, |sheet| press.read_whole(sheet));
        Task::batch([self.seek(), read])
    }

    fn seek(&mut self) -> Task<Whole> {
        self.looking.asked = another();
        let (asked, sought) = (self.looking.asked, self.looking.sought.clone());
        if sought.is_empty() {
            (self.looking.of, self.looking.current) = (None, None);
            self.unmark();
            return Task::none();
        }
        let in_page = self.page_shown().and_then(|sheet| sheet.look_for(sought.clone()));
        let found = in_page.map(|found| found.map(Found::Page)).unwrap_or_else(|| {
            let (whole, blocks) = (self.body.whole().clone(), self.body.blocks().to_vec());
            off(move || Found::Text(body::find(&whole, &blocks, &sought)))
        });
        found.map(move |found| Whole::Looking(Message::Found(asked, found)))
    }

    /// The page, where it is what is read.
    fn page_shown(&self) -> Option<&Sheet> {
        self.sheet.as_ref().filter(|sheet| self.body.shows == Shows::Text && sheet.drawn().is_some())
    }

    fn unmark(&mut self) {
        self.body.mark(Vec::new());
        if let Some(sheet) = &mut self.sheet {
            sheet.unmark();
        }
    }

    fn found(&mut self, found: Found) {
        let nearest = match found {
            Found::Text(found) => {
                self.looking.of = Some(found.len());
                let from = self.body.current().unwrap_or(0);
                let nearest = found.iter().position(|range| range.start >= from);
                self.body.mark(found);
                nearest.unwrap_or(0)
            }
            Found::Page(places) => {
                let Some(sheet) = &mut self.sheet else { return };
                let from = sheet.current_top();
                let Some(of) = sheet.mark(places) else { return };
                self.looking.of = Some(of);
                sheet.first_from(from)
            }
        };
        let Looking { of, current, then, .. } = &mut self.looking;
        *current = match (of.unwrap_or(0), *then, *current) {
            (0, ..) => None,
            (of, Then::Keep | Then::Reveal, Some(current)) => Some(current.min(of - 1)),
            _ => Some(nearest),
        };
    }

    /// Shows the current place.
    fn turn(&mut self, press: &Press) -> Task<Whole> {
        let Some(current) = self.looking.current else { return Task::none() };
        let reveal = self.looking.then != Then::Keep;
        let in_page = self.page_shown().is_some();
        match self.sheet.as_mut().filter(|_| in_page) {
            Some(sheet) => {
                let is_there = sheet.turn_to(current, reveal);
                if reveal && !is_there {
                    // It is in the folded tail: looked for again when that is laid out.
                    self.looking.then = Then::Reveal;
                    return sheet.unfold(press);
                }
            }
            None => self.body.turn_to(current),
        }
        self.looking.then = Then::Keep;
        Task::none()
    }

    /// Under the tools.
    pub(super) fn looking_view(&self) -> Option<Element<'_, Whole>> {
        let name = match self.body.shows {
            Shows::Text if !self.looking.open => return None,
            Shows::Text => "Find in the message",
            Shows::Headers => "Find in the headers",
            Shows::Source => "Find in the source",
        };
        let step = |on| Whole::Looking(Message::Step(on));
        let input = field(name, &self.looking.sought)
            .id(FIELD)
            .on_input(|sought| Whole::Looking(Message::For(sought)))
            .size(size::BODY)
            .padding([6, 10]);
        let input = anchored(container(input).max_width(320), None, Place::BelowField).on_key(key);
        let can = self.looking.of.is_some_and(|of| of > 0);
        let mut bar = row![
            input,
            text(self.looking.says(self.page_shown().is_some_and(Sheet::is_read)))
                .size(size::SMALL)
                .style(theme::dim)
                .wrapping(text::Wrapping::None),
            glyph(icon::CHEVRON_UP, "The one before (Shift+Enter)", can.then(|| step(false))),
            glyph(icon::CHEVRON_DOWN, "The next (Enter)", can.then(|| step(true))),
        ];
        if self.body.shows == Shows::Text {
            bar = bar.push(gap()).push(glyph(icon::X, "Close (Esc)", Some(Whole::Looking(Message::Close))));
        }
        let bar = container(bar.spacing(8).align_y(Alignment::Center)).padding([5, 12]);
        Some(Column::new().push(bar).push(across()).into())
    }
}

/// What a key in the field means; nothing where it is the field's own.
fn key(key: Named, modifiers: Modifiers) -> Option<Whole> {
    let on = match key {
        Named::Enter => !modifiers.shift(),
        Named::ArrowDown => true,
        Named::ArrowUp => false,
        _ => return None,
    };
    Some(Whole::Looking(Message::Step(on)))
}

impl Looking {
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// `3 of 17`; nothing where the answer is not there yet, as while the folded tail of a page `is_read`.
    fn says(&self, is_read: bool) -> String {
        match (self.of, self.current) {
            _ if self.sought.is_empty() => String::new(),
            (None, _) => String::new(),
            (Some(0), _) if is_read => String::new(),
            (Some(0), _) => "not found".to_owned(),
            (Some(of), current) => {
                format!("{} of {}", count(current.map_or(0, |place| place as u64 + 1)), count(of as u64))
            }
        }
    }

    /// Goes on, round at the ends.
    fn step(&mut self, on: bool) {
        self.current = match (self.current, self.of.unwrap_or(0)) {
            (_, 0) => None,
            (None, _) => Some(0),
            (Some(place), of) => Some((place + if on { 1 } else { of - 1 }) % of),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::Looking;

    #[test]
    fn from_one_place_to_the_next_and_round_at_the_ends() {
        let mut looking = Looking { sought: "x".to_owned(), of: Some(3), ..Looking::default() };
        let mut said = Vec::new();
        for on in [true, true, true, true, false, false] {
            looking.step(on);
            said.push(looking.says(true));
        }
        assert_eq!(said, ["1 of 3", "2 of 3", "3 of 3", "1 of 3", "3 of 3", "2 of 3"]);
        looking.of = Some(0);
        looking.step(true);
        assert_eq!((looking.says(false).as_str(), looking.current), ("not found", None));
        assert_eq!(looking.says(true), "", "it may stand in what is still read");
        looking.of = None;
        assert_eq!(looking.says(false), "", "no answer yet");
    }
}
