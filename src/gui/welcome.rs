//! The first start: four ways to begin.

use iced::widget::{button, column, container, row, scrollable};
use iced::{Alignment, Element, Fill};

use super::icon::{self, icon};
use super::theme::{self, size};
use super::widget::{says, title, words};

/// What the user chose; the page keeps no state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    AddMailbox,
    Restore,
    Import,
    TrySample,
}

const WAYS: [(char, &str, &str, Message); 4] = [
    (
        icon::MAIL,
        "Add a mailbox",
        "Enter your address and password: your mail is fetched and kept here.",
        Message::AddMailbox,
    ),
    (icon::HISTORY, "I have a backup", "Bring back everything from a Postkeep backup.", Message::Restore),
    (
        icon::FOLDER_INPUT,
        "Import from a file",
        "An mbox, .eml files or a Maildir from another program.",
        Message::Import,
    ),
    (
        icon::FLASK_CONICAL,
        "Try the sample mailbox",
        "Look around first. Nothing of yours is touched.",
        Message::TrySample,
    ),
];

pub fn view<'a>() -> Element<'a, Message> {
    let mark = container(icon(icon::MAIL).size(26).style(theme::accent)).center(52).style(theme::avatar);
    let head = column![
        mark,
        title("Postkeep").size(size::SUBJECT),
        says(
            "Your mail, on your own computer: fetched from your mailbox, kept exactly as it came, read with no network, and \
             backed up so that you can be sure of it.",
        )
        .align_x(Alignment::Center),
    ]
    .spacing(10)
    .align_x(Alignment::Center);
    let ways = column(WAYS.into_iter().map(way)).spacing(10);
    let page = column![head, ways].spacing(28).align_x(Alignment::Center).max_width(520);
    let scrolled = scrollable(container(page).center_x(Fill).padding(24)).style(theme::scroll);
    container(scrolled).center(Fill).style(theme::window).into()
}

fn way<'a>((glyph, name, meaning, message): (char, &'a str, &'a str, Message)) -> Element<'a, Message> {
    let says = column![words(name, size::BODY, theme::ink).font(theme::BOLD), words(meaning, size::SMALL, theme::dim),];
    let content = row![
        container(icon(glyph).style(theme::accent)).center(36).style(theme::good),
        says.width(Fill),
        icon(icon::CHEVRON_RIGHT).style(theme::faint),
    ]
    .spacing(14)
    .align_y(Alignment::Center);
    button(content).padding([12, 14]).width(Fill).style(theme::card_button).on_press(message).into()
}
