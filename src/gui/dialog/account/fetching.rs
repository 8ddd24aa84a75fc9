//! When an account is visited, and what a visit may bring.

use iced::widget::{Column, column, row};
use iced::{Alignment, Element, padding};

use crate::account::Fetching;
use crate::gui::retention::MEGABYTE;
use crate::gui::theme::{self, size};
use crate::gui::widget::{act, field, says, toggle, words};

/// See the module.
pub struct Form {
    before: Fetching,
    by_itself: bool,
    minutes: String,
    weak_link: bool,
    headers: bool,
    kilobytes: String,
    limited: bool,
    megabytes: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    ByItself(bool),
    Minutes(String),
    WeakLink(bool),
    Headers(bool),
    Kilobytes(String),
    Limited(bool),
    Megabytes(String),
    Save,
}

/// Octets of a kilobyte, as the settings count them.
const KILOBYTE: u64 = 1_000;

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).take(7).collect()
}

/// A positive number of these units.
fn number(digits: &str, unit: u64) -> Option<u64> {
    digits.parse::<u64>().ok().filter(|number| *number > 0)?.checked_mul(unit)
}

impl Form {
    pub fn new(fetching: Fetching) -> Form {
        let usual = |octets: Option<u64>, unit: u64, usual: u64| {
            octets.map_or(usual, |octets| (octets / unit).max(1)).to_string()
        };
        Form {
            before: fetching,
            by_itself: fetching.every > 0,
            minutes: if fetching.every > 0 { fetching.every } else { Fetching::default().every }.to_string(),
            weak_link: fetching.weak_link,
            headers: fetching.headers_over.is_some(),
            kilobytes: usual(fetching.headers_over, KILOBYTE, 500),
            limited: fetching.budget.is_some(),
            megabytes: usual(fetching.budget, MEGABYTE, 50),
        }
    }

    /// What is to be saved, once it is.
    pub fn update(&mut self, message: Message) -> Option<Fetching> {
        match message {
            Message::ByItself(on) => self.by_itself = on,
            Message::Minutes(text) => self.minutes = digits(&text),
            Message::WeakLink(on) => self.weak_link = on,
            Message::Headers(on) => self.headers = on,
            Message::Kilobytes(text) => self.kilobytes = digits(&text),
            Message::Limited(on) => self.limited = on,
            Message::Megabytes(text) => self.megabytes = digits(&text),
            Message::Save => return self.fetching(),
        }
        None
    }

    /// What is chosen; `None` where a number makes no sense.
    fn fetching(&self) -> Option<Fetching> {
        let every = match self.by_itself {
            true => self.minutes.parse::<u16>().ok().filter(|minutes| *minutes > 0)?,
            false => 0,
        };
        let headers_over = match self.headers {
            true => Some(number(&self.kilobytes, KILOBYTE)?),
            false => None,
        };
        let budget = match self.limited {
            true => Some(number(&self.megabytes, MEGABYTE)?),
            false => None,
        };
        Some(Fetching { every, weak_link: self.weak_link, headers_over, budget })
    }

    pub fn view(&self) -> Element<'_, Message> {
        column![
            switch(
                self.by_itself,
                "Check for mail by itself",
                "Otherwise only when you press Check mail.",
                Message::ByItself,
            )
            .push(self.by_itself.then(|| amount("every", &self.minutes, "minutes", Message::Minutes))),
            switch(
                self.weak_link,
                "The connection is slow or breaks off",
                "Small messages come first, and removals go in small batches, so that little is lost when it breaks off.",
                Message::WeakLink,
            ),
            switch(
                self.headers,
                "Leave large messages on the server until I ask for them",
                "Of those only the header is fetched: who wrote, and about what.",
                Message::Headers,
            )
            .push(self.headers.then(|| amount("over", &self.kilobytes, "kB", Message::Kilobytes))),
            switch(
                self.limited,
                "Limit what one check may bring",
                "The rest comes at the checks after it.",
                Message::Limited,
            )
            .push(self.limited.then(|| amount("at most", &self.megabytes, "MB", Message::Megabytes))),
        ]
        .spacing(14)
        .into()
    }

    pub fn save(&self) -> Element<'_, Message> {
        let changed = self.fetching().is_some_and(|fetching| fetching != self.before);
        act(None, "Save", theme::primary, changed.then_some(Message::Save)).into()
    }
}

fn switch<'a>(on: bool, name: &'a str, meaning: &'a str, message: fn(bool) -> Message) -> Column<'a, Message> {
    let beside =
        column![words(name, size::BODY, theme::ink).font(theme::BOLD), words(meaning, size::SMALL, theme::dim)];
    column![toggle(on, beside, Some(message(!on)))].spacing(6)
}

fn amount<'a>(before: &'a str, value: &'a str, unit: &'a str, message: fn(String) -> Message) -> Element<'a, Message> {
    let number = field("", value).on_input(message).on_submit(Message::Save).width(90);
    let line = row![says(before), number, says(unit)].spacing(8).align_y(Alignment::Center);
    iced::widget::container(line).padding(padding::left(38)).into()
}

#[cfg(test)]
mod tests {
    use super::{Fetching, Form, Message};

    #[test]
    fn what_is_shown_is_what_is_saved() {
        let all = Fetching { every: 20, weak_link: true, headers_over: Some(250_000), budget: Some(80_000_000) };
        for fetching in [Fetching::default(), all, Fetching { every: 0, ..all }] {
            assert_eq!(Form::new(fetching).update(Message::Save), Some(fetching));
        }
    }

    #[test]
    fn numbers_that_make_no_sense_are_not_saved() {
        let mut form = Form::new(Fetching::default());
        form.update(Message::Minutes("0".to_owned()));
        assert_eq!(form.update(Message::Save), None);
        form.update(Message::ByItself(false));
        assert_eq!(form.update(Message::Save), Some(Fetching { every: 0, ..Fetching::default() }));
        form.update(Message::Headers(true));
        form.update(Message::Kilobytes("12 kB".to_owned()));
        assert_eq!(form.update(Message::Save).and_then(|fetching| fetching.headers_over), Some(12_000));
        form.update(Message::Kilobytes(String::new()));
        assert_eq!(form.update(Message::Save), None);
    }
}
