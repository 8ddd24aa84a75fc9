//! What the search field offers below itself: the operators of the query language, and senders that begin like the word
//! that is typed.

use iced::keyboard::key::Named;
use iced::widget::{Column, Row, button, column, container, row, text};
use iced::{Alignment, Element, Fill};

use super::bars::{Message, indexed};
use super::icon::{self, icon};
use super::library::Library;
use super::theme::{self, size};
use super::widget::{across, caption, gap, line};
use super::words::messages;
use crate::archive::{self, Begun, Sender};

/// Senders offered at once.
pub const SENDERS: usize = 5;

/// What is offered by a press; those that end in a colon want a word behind them.
const OPERATORS: [&str; 10] = [
    "from:",
    "to:",
    "subject:",
    "has:attachment",
    "is:unread",
    "is:starred",
    "before:",
    "after:",
    "larger:5M",
    "filename:",
];

/// See the module.
#[derive(Default)]
pub struct Offer {
    pub senders: Vec<Sender>,
    /// The sender that the keyboard is on.
    pub chosen: Option<usize>,
    /// Put away until something is typed.
    pub hidden: bool,
    /// Counts what was asked for: an older answer is dropped.
    pub asked: u64,
    /// The last of these that was answered.
    answered: u64,
}

/// What senders are looked up by for the word that is typed.
pub fn begun(query: &str) -> Option<&str> {
    let Begun { field, value, .. } = archive::begun(query)?;
    let of_people = field.is_none_or(|field| ["from", "to"].iter().any(|known| field.eq_ignore_ascii_case(known)));
    (of_people && value.chars().any(char::is_alphanumeric)).then_some(value)
}

/// The query with an operator at its end.
pub fn with_operator(query: &str, operator: &str) -> String {
    let quote = if archive::begun(query).is_some_and(|begun| begun.is_open) { "\"" } else { "" };
    let kept = query.trim_end();
    let blank = if kept.is_empty() { "" } else { " " };
    let end = if operator.ends_with(':') { "" } else { " " };
    format!("{kept}{quote}{blank}{operator}{end}")
}

/// The query with the word that is typed completed to a sender.
pub fn with_sender(query: &str, sender: &Sender) -> String {
    let (kept, negated, field) = match archive::begun(query) {
        Some(Begun { before, negated, field, .. }) => (before, negated, field.unwrap_or_default()),
        None => (query, false, ""),
    };
    let negation = if negated { "-" } else { "" };
    let field = if field.eq_ignore_ascii_case("to") { "to" } else { "from" };
    let value = if sender.address.is_empty() {
        format!("\"{}\"", sender.name.replace('"', " "))
    } else {
        sender.address.clone()
    };
    format!("{kept}{negation}{field}:{value} ")
}

impl Offer {
    /// Something else is typed.
    pub fn typed(&mut self) {
        self.hidden = false;
        self.chosen = None;
        self.asked += 1;
    }

    pub fn take(&mut self, asked: u64, senders: Vec<Sender>) {
        if asked == self.asked {
            self.answered = asked;
            self.senders = senders;
            self.chosen = None;
        }
    }

    /// What a key in the field means; nothing where it is the field's own.
    pub fn key(&self, key: Named) -> Option<Message> {
        match key {
            Named::ArrowDown | Named::ArrowUp if !self.hidden && !self.senders.is_empty() => {
                Some(Message::Choose(key == Named::ArrowDown))
            }
            // Not while senders may still come.
            Named::ArrowDown if self.hidden || self.answered == self.asked => Some(Message::IntoList),
            Named::Enter => Some(match self.chosen.filter(|_| !self.hidden) {
                Some(chosen) => Message::Complete(chosen),
                None => Message::Searched,
            }),
            _ => None,
        }
    }

    /// The keyboard goes down or up; from the ends back to the field.
    pub fn step(&mut self, down: bool) {
        let last = self.senders.len().checked_sub(1);
        self.chosen = match (self.chosen, down) {
            (None, true) => last.map(|_| 0),
            (None, false) => last,
            (Some(chosen), true) => (Some(chosen) < last).then_some(chosen + 1),
            (Some(chosen), false) => chosen.checked_sub(1),
        };
    }

    /// `found` stands in its foot: the head of the list, which says it as well, is mostly covered.
    pub fn view<'a>(&'a self, library: &'a Library, found: Option<String>) -> Option<Element<'a, Message>> {
        if self.hidden {
            return None;
        }
        let chips = OPERATORS.map(|operator| {
            let name = text(operator).size(size::SMALL).wrapping(text::Wrapping::None);
            button(name).padding([4, 8]).style(theme::chip).on_press(Message::Operator(operator)).into()
        });
        let chips = Row::with_children(chips).spacing(6).wrap().vertical_spacing(6);
        let mut panel = column![container(chips).padding([8, 10])];
        if !self.senders.is_empty() {
            let senders = self.senders.iter().enumerate().map(|(place, sender)| self.sender(place, sender));
            let title = container(caption("SENDERS")).padding(iced::padding::horizontal(10).top(8).bottom(2));
            panel = panel.push(across()).push(title);
            panel =
                panel.push(container(Column::with_children(senders)).padding(iced::padding::horizontal(4).bottom(4)));
        }
        let mut foot = row![text(indexed(library)).size(size::CAPTION).style(theme::faint)].spacing(8);
        if let Some(found) = found {
            foot = foot.push(gap()).push(text(found).size(size::CAPTION).style(theme::dim));
        }
        panel = panel.push(across()).push(container(foot).padding([6, 10]));
        Some(container(panel).width(Fill).style(theme::told).into())
    }

    fn sender<'a>(&'a self, place: usize, sender: &'a Sender) -> Element<'a, Message> {
        let (name, address) = match sender.name.as_str() {
            "" => (sender.address.as_str(), ""),
            name => (name, sender.address.as_str()),
        };
        let words = row![
            icon(icon::USER).size(14).style(theme::dim),
            line(name).width(iced::Shrink),
            line(address).size(size::SMALL).color(|tokens| tokens.dim),
            text(messages(sender.messages)).size(size::CAPTION).style(theme::faint).wrapping(text::Wrapping::None),
        ];
        button(container(words.spacing(8).align_y(Alignment::Center)).center_y(Fill))
            .height(30)
            .width(Fill)
            .padding([0, 8])
            .style(theme::place(self.chosen == Some(place)))
            .on_press(Message::Complete(place))
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::{Offer, Sender, begun, with_operator, with_sender};

    fn anna() -> Sender {
        Sender { name: "Anna Smith".to_owned(), address: "anna@example.org".to_owned(), messages: 7 }
    }

    #[test]
    fn operators_and_senders_are_put_where_one_types() {
        for (query, operator, expected) in [
            ("", "from:", "from:"),
            ("boat", "is:unread", "boat is:unread "),
            ("boat  ", "before:", "boat before:"),
            ("\"my boat", "to:", "\"my boat\" to:"),
        ] {
            assert_eq!(with_operator(query, operator), expected);
        }
        for (query, expected) in [
            ("an", "from:anna@example.org "),
            ("boat from:an", "boat from:anna@example.org "),
            ("boat -from:", "boat -from:anna@example.org "),
            ("to:a", "to:anna@example.org "),
            ("boat From:\"Anna Sm", "boat from:anna@example.org "),
        ] {
            assert_eq!(with_sender(query, &anna()), expected);
        }
        let nameless = Sender { address: String::new(), ..anna() };
        assert_eq!(with_sender("x an", &nameless), "x from:\"Anna Smith\" ");
    }

    #[test]
    fn senders_are_looked_up_by_the_word_that_is_typed() {
        for (query, expected) in [
            ("", None),
            ("boat an", Some("an")),
            ("boat ", None),
            ("from:An", Some("An")),
            ("-FROM:\"anna sm", Some("anna sm")),
            ("two \"anna sm", Some("anna sm")),
            ("subject:an", None),
            ("-", None),
        ] {
            assert_eq!(begun(query), expected, "{query}");
        }
    }

    #[test]
    fn arrows_go_through_the_senders_and_back_to_the_field() {
        let mut offer = Offer { senders: vec![anna(), anna()], ..Offer::default() };
        let mut seen = Vec::new();
        for down in [true, true, true, false, false, false] {
            offer.step(down);
            seen.push(offer.chosen);
        }
        assert_eq!(seen, [Some(0), Some(1), None, Some(1), Some(0), None]);
        offer.typed();
        offer.take(0, Vec::new());
        assert_eq!(offer.senders.len(), 2, "an older answer is dropped");
    }
}
