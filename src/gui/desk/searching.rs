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
        self.offer.senders.clear();
        self.list.search(query, false, &self.archive, clock).map(Message::List)
    }

    fn offer_senders(&mut self, query: &str) -> Task<Message> {
        let Some(begun) = offer::begun(query).map(str::to_owned) else {
            self.offer.senders.clear();
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

    /// Enter in the search field: what is typed is all of it, and the keyboard goes to what is found.
    pub(super) fn searched(&mut self, clock: &Clock) -> Action {
        let query = self.list.query.clone();
        let found = self.search(query, clock);
        Task::batch([found, self.leave_the_field()]).into()
    }

    /// From the search field to the first message below.
    pub(super) fn first_of_list(&mut self) -> Action {
        let first = Task::done(Message::List(list::Message::Move(list::Move::Next, false)));
        Task::batch([self.leave_the_field(), first]).into()
    }

    fn leave_the_field(&mut self) -> Task<Message> {
        self.offer.hidden = true;
        iced::advanced::widget::operate(unfocus())
    }
}

/// The field goes on being typed into, at its end.
fn to_the_end() -> Task<Message> {
    Task::batch([operation::focus(bars::SEARCH), operation::move_cursor_to_end(bars::SEARCH)])
}
