//! Searching while one types: each key stops the search before, and asks for senders like what is typed.

use iced::Task;
use iced::advanced::widget::operation::focusable::unfocus;
use iced::widget::operation;

use super::{Action, Desk, Message};
use crate::gui::off::ask;
use crate::gui::offer::{self, SENDERS};
use crate::gui::words::Clock;
use crate::gui::{bars, list};

impl Desk {
    /// Something was typed into the search field.
    pub(super) fn typed(&mut self, query: String, clock: &Clock) -> Task<Message> {
        self.offer.typed();
        let offered = self.offer_senders(&query);
        let found = self.list.search(query, true, &self.archive, clock).map(Message::List);
        Task::batch([found, offered])
    }

    /// Searches for exactly this.
    pub fn search(&mut self, query: String, clock: &Clock) -> Task<Message> {
        self.offer.typed();
        self.offer.take(self.offer.asked, Vec::new());
        self.list.search(query, false, &self.archive, clock).map(Message::List)
    }

    fn offer_senders(&mut self, query: &str) -> Task<Message> {
        let Some(begun) = offer::begun(query).map(str::to_owned) else {
            self.offer.take(self.offer.asked, Vec::new());
            return Task::none();
        };
        let (archive, asked) = (self.archive.clone(), self.offer.asked);
        // A problem of the index is said by the search itself.
        ask(move || archive.completions(&begun, SENDERS))
            .map(move |senders| Message::Offered(asked, senders.unwrap_or_default()))
    }

    pub(super) fn operator(&mut self, operator: &str, clock: &Clock) -> Action {
        let query = offer::with_operator(&self.list.query, operator);
        let typed = self.typed(query, clock);
        Task::batch([typed, to_the_end()]).into()
    }

    pub(super) fn complete(&mut self, sender: usize, clock: &Clock) -> Action {
        let Some(sender) = self.offer.senders.get(sender) else { return Action::None };
        let query = offer::with_sender(&self.list.query, sender);
        let found = self.search(query, clock);
        Task::batch([found, to_the_end()]).into()
    }

    /// Enter in the search field: what was found stays, and what was offered goes. The keyboard stays there, for letters
    /// are orders elsewhere.
    pub(super) fn searched(&mut self) -> Action {
        self.offer.hidden = true;
        Action::None
    }

    /// From the search field to the first message that was found.
    pub(super) fn first_of_list(&mut self) -> Action {
        self.offer.hidden = true;
        let first = if self.list.is_listed() {
            Task::done(Message::List(list::Message::Move(list::Move::First, false)))
        } else {
            Task::none()
        };
        Task::batch([iced::advanced::widget::operate(unfocus()), first]).into()
    }
}

/// The field goes on being typed into, at its end.
fn to_the_end() -> Task<Message> {
    Task::batch([operation::focus(bars::SEARCH), operation::move_cursor_to_end(bars::SEARCH)])
}
