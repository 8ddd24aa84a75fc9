//! An overview of the keys.

use iced::widget::{Column, Row, column, container, row, text};
use iced::{Alignment, Element, Fill};

use super::{Action, Intent};
use crate::gui::theme::{self, size};
use crate::gui::widget::{act, label, sheet};

/// What keys are for, and which.
pub const KEYS: [(&str, &[(&str, &str)]); 4] = [
    (
        "Going through the mail",
        &[
            ("J or N, ↓", "the next message"),
            ("K or P, ↑", "the one before"),
            ("Shift+N", "the next unread message"),
            ("Space", "a page on, and on to the next message"),
            ("Shift+Space", "a page back"),
            ("Page down, Page up", "a page of the list"),
            ("Home, End", "the first, the last"),
            ("Enter", "open what is selected"),
            ("Esc", "back"),
        ],
    ),
    (
        "With a message",
        &[
            ("U", "mark unread"),
            ("Shift+U", "mark read"),
            ("S", "star"),
            ("E, Del", "to the bin"),
            ("Ctrl+Z", "take it back"),
            ("Ctrl+A", "select all"),
            ("Shift+F10", "what else can be done"),
        ],
    ),
    (
        "Reading",
        &[
            ("R, A", "reply, to all"),
            ("F", "forward"),
            ("Ctrl+F", "find in the message"),
            ("F3, Shift+F3", "the next place, the one before"),
            ("Shift+← → ↑ ↓", "select more, or less, after a press in the text"),
            ("Ctrl+S, Ctrl+P", "save as a file, print"),
            ("M", "letters of equal width"),
            ("Q", "unfold or fold quotations"),
            ("T", "as plain text, as a page"),
            ("D", "original colours, dark colours"),
            ("Ctrl+Plus, Minus, 0", "larger, smaller, as it was"),
            ("H", "all headers"),
            ("V, Ctrl+U", "the source"),
        ],
    ),
    ("Everywhere", &[("/", "search"), ("O", "the order of the list"), ("F5", "check mail"), ("?, F1", "these keys")]),
];

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    Close,
}

pub fn update(message: Message) -> Action<Message> {
    match message {
        Message::Close => Action::Want(Intent::Close),
    }
}

pub fn view<'a>() -> Element<'a, Message> {
    let half = |groups: &[usize]| {
        let groups = groups
            .iter()
            .filter_map(|group| KEYS.get(*group))
            .map(|(name, keys)| Column::new().push(label(*name)).extend(keys.iter().map(line)).spacing(6).into());
        Column::with_children(groups).spacing(20).width(Fill)
    };
    let halves: Row<'a, Message> = row![half(&[0, 3]), half(&[1, 2])].spacing(28);
    let close = act(None, "Close", theme::primary, Some(Message::Close));
    sheet("Keys", vec![halves.into()], vec![close.into()])
}

fn line<'a>((keys, means): &(&'a str, &'a str)) -> Element<'a, Message> {
    let keys = text(*keys).size(size::SMALL).font(theme::MEDIUM);
    let means = text(*means).size(size::SMALL).style(theme::dim);
    row![container(column![keys]).width(112), means.width(Fill)].spacing(8).align_y(Alignment::Start).into()
}
