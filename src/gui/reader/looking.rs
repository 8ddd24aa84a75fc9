//! Looking for words in the source and in the headers: a field, how many places there are, and the way from one to the next.

use std::ops::Range;

use iced::widget::{container, row, text};
use iced::{Alignment, Element};

use super::body::{self, Shows};
use super::{Action, Message as Whole, Open};
use crate::gui::icon;
use crate::gui::off::off;
use crate::gui::theme::{self, size};
use crate::gui::widget::{field, glyph};
use crate::gui::words::count;

/// The field.
pub const FIELD: &str = "look-for";

/// See the module.
#[derive(Default)]
pub struct Looking {
    sought: String,
    current: Option<usize>,
    /// Counts what was asked: an answer to an older question is dropped.
    asked: u64,
}

#[derive(Clone, Debug)]
pub enum Message {
    For(String),
    Found(u64, Vec<Range<usize>>),
    /// To the next place, or the one before.
    Step(bool),
}

impl Open {
    pub(super) fn look(&mut self, message: Message) -> Action {
        match message {
            Message::For(sought) => {
                self.looking.asked += 1;
                self.looking.sought.clone_from(&sought);
                let (asked, whole) = (self.looking.asked, self.body.whole().clone());
                let found = off(move || body::find(&whole, &sought));
                return Action::Run(found.map(move |found| Whole::Looking(Message::Found(asked, found))));
            }
            Message::Found(asked, found) if asked == self.looking.asked => {
                self.looking.current = (!found.is_empty()).then_some(0);
                self.body.mark(found);
            }
            Message::Found(..) => return Action::None,
            Message::Step(on) => self.looking.step(on, self.body.found(None).1),
        }
        if let Some(current) = self.looking.current {
            self.body.turn_to(current);
        }
        Action::None
    }

    /// Over the headers and the source.
    pub(super) fn looking_view(&self) -> Option<Element<'_, Whole>> {
        let name = match self.body.shows {
            Shows::Text => return None,
            Shows::Headers => "Find in the headers",
            Shows::Source => "Find in the source",
        };
        let sought = &self.looking.sought;
        let step = |on| Whole::Looking(Message::Step(on));
        let input = field(name, sought)
            .id(FIELD)
            .on_input(|sought| Whole::Looking(Message::For(sought)))
            .on_submit(step(true))
            .size(size::BODY)
            .padding([6, 10]);
        let (place, of) = self.body.found(self.looking.current);
        let says = match (sought.is_empty(), of) {
            (true, _) => String::new(),
            (false, 0) => "not found".to_owned(),
            (false, of) => format!("{} of {}", count(place as u64), count(of as u64)),
        };
        let can = of > 0;
        let bar = row![
            container(input).max_width(320),
            text(says).size(size::SMALL).style(theme::dim).wrapping(text::Wrapping::None),
            glyph(icon::CHEVRON_UP, "The one before", can.then(|| step(false))),
            glyph(icon::CHEVRON_DOWN, "The next (Enter)", can.then(|| step(true))),
        ];
        Some(bar.spacing(8).align_y(Alignment::Center).into())
    }
}

impl Looking {
    /// Goes on, round at the ends.
    fn step(&mut self, on: bool, of: usize) {
        self.current = match (self.current, of) {
            (_, 0) => None,
            (None, _) => Some(0),
            (Some(place), of) => Some((place + if on { 1 } else { of - 1 }) % of),
        };
    }
}
