//! The sidebar: views, accounts, and the card that says where the copies of the mail are.

use std::borrow::Cow;

use iced::widget::{Column, Row, button, column, container, row, space, text};
use iced::{Alignment, Element, Fill, padding};

use super::icon::{self, icon};
use super::library::{Health, Library};
use super::retention::{self, brief};
use super::theme::{self, measure, size};
use super::widget::{caption, hinted, line, page, toggle, wide, words};
use super::words::{Clock, count, messages};
use crate::account::{Account, AccountId, Retention};
use crate::archive::View;

/// What the user wants; the sidebar keeps no state of its own.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    Show(View),
    /// Leave a copy on the server for this account, or not.
    LeaveCopy(AccountId, bool),
    Configure(AccountId),
    AddMailbox,
    BackUp,
    /// Put back what is damaged here.
    Repair,
    /// The messages that wait on their servers.
    Waiting,
    /// Show the whole of a narrow sidebar, or its icons again.
    Unfold(bool),
}

/// The whole sidebar, or its icons alone.
pub fn view<'a>(library: &'a Library, shown: View, clock: &Clock, narrow: bool) -> Element<'a, Message> {
    if narrow { icons(library, shown) } else { whole(library, shown, clock) }
}

const VIEWS: [(View, char); 4] =
    [(View::All, icon::INBOX), (View::Unread, icon::MAIL), (View::Starred, icon::STAR), (View::Bin, icon::TRASH_2)];

const WAITING: &str = "Waiting on the server";

fn whole<'a>(library: &'a Library, shown: View, clock: &Clock) -> Element<'a, Message> {
    let mut places = Column::new().spacing(2);
    for (view, glyph) in VIEWS {
        let count = library.shown(library.count_in(view));
        places = places.push(place(glyph, library.title(view), count, shown == view, Message::Show(view)));
    }
    if !library.waiting.is_empty() {
        let count = count(library.waiting.len() as u64);
        places = places.push(place(icon::CLOCK, WAITING, count, false, Message::Waiting));
    }
    places = places.push(container(caption("ACCOUNTS")).padding(padding::all(8).top(12).bottom(4)));
    for account in &library.accounts {
        places = places.push(account_line(library, account, shown));
    }
    // What is added to the sample goes when the window closes.
    if !library.sample {
        places = places.push(add_line());
    }
    column![
        page(places.padding(padding::horizontal(8).top(12))).height(Fill),
        container(copies(library, shown, clock)).padding(padding::all(8).bottom(12)),
    ]
    .into()
}

fn place<'a>(glyph: char, name: &'a str, note: String, chosen: bool, message: Message) -> Element<'a, Message> {
    let font = if chosen { theme::BOLD } else { theme::MEDIUM };
    let ink = if chosen { theme::accent } else { theme::dim };
    let content = row![
        icon(glyph).style(ink),
        line(name).font(font),
        text(note).size(size::BODY).style(theme::faint).wrapping(text::Wrapping::None),
    ]
    .spacing(9)
    .align_y(Alignment::Center);
    button(container(content).center_y(Fill))
        .height(30)
        .padding([0, 8])
        .width(Fill)
        .style(theme::place(chosen))
        .on_press(message)
        .into()
}

fn account_line<'a>(library: &'a Library, account: &'a Account, shown: View) -> Element<'a, Message> {
    let view = View::Account(account.id);
    let note = match library.fetching.get(&account.id) {
        Some(progress) => percent(progress.fraction()),
        None => library.shown(library.count_of(account.id)),
    };
    let settings = button(icon(icon::SETTINGS).size(14)).padding(6).style(theme::quiet);
    let settings = hinted(settings.on_press(Message::Configure(account.id)), "Password, copies, fetching, server");
    let chosen = shown == view;
    let name = place(icon::USER, library.name(account.id), note, chosen, Message::Show(view));
    if chosen { row![name, settings].spacing(2).align_y(Alignment::Center).into() } else { name }
}

fn percent(fraction: Option<f32>) -> String {
    fraction.map_or_else(|| "…".to_owned(), |fraction| format!("{:.0}%", fraction * 100.0))
}

fn add_line<'a>() -> Element<'a, Message> {
    let content = row![icon(icon::PLUS).style(theme::dim), words("Add a mailbox", size::BODY, theme::dim)].spacing(9);
    button(container(content.align_y(Alignment::Center)).center_y(Fill))
        .height(30)
        .padding([0, 8])
        .width(Fill)
        .style(theme::place(false))
        .on_press(Message::AddMailbox)
        .into()
}

/// The copies card: how many messages are where, the switch, the backup.
fn copies<'a>(library: &'a Library, shown: View, clock: &Clock) -> Element<'a, Message> {
    let counts = &library.counts;
    let head =
        row![icon(icon::SHIELD_CHECK).style(theme::accent), line("Your copies").font(theme::BOLD).size(size::SMALL)]
            .spacing(7)
            .align_y(Alignment::Center);
    let mut card = column![
        head,
        held(icon::HARD_DRIVE, "On this computer", library.shown(counts.all)),
        held(icon::ARCHIVE, "In a verified backup", library.shown(counts.in_backup)),
        held(icon::SERVER, "On the server", library.shown(counts.on_server)),
    ]
    .spacing(10);
    card = card.push(switches(library, shown));
    card = card.push(wide(icon::ARCHIVE, "Back up now", theme::plain, Some(Message::BackUp)));
    card = card.push(words(last_backup(library, clock), size::CAPTION, theme::faint));
    let Health { damaged, read } = library.health;
    if damaged > 0 {
        card = card.push(words(damage(damaged), size::CAPTION, theme::bad));
        card = card.push(wide(icon::TRIANGLE_ALERT, "Repair", theme::danger, Some(Message::Repair)));
    } else if let Some(read) = read {
        card =
            card.push(words(format!("All read through, whole, {}", clock.spoken(read)), size::CAPTION, theme::faint));
    }
    container(card).padding(12).width(Fill).style(theme::card).into()
}

fn held<'a>(glyph: char, name: &'a str, number: String) -> Element<'a, Message> {
    row![
        icon(glyph).style(theme::dim),
        line(name).size(size::SMALL).color(|tokens| tokens.dim),
        text(number).size(size::SMALL).font(theme::BOLD),
    ]
    .spacing(8)
    .align_y(Alignment::Center)
    .into()
}

/// The "Leave a copy on server" switch of the account chosen, or of each account under its name.
fn switches<'a>(library: &'a Library, shown: View) -> Element<'a, Message> {
    let accounts = library.switched(shown);
    let named = accounts.len() > 1;
    let mut lines = Column::new().spacing(6);
    if named {
        lines = lines.push(words("Leave a copy on server", size::SMALL, theme::ink));
    }
    for account in &accounts {
        let on = account.retention.leaves_copy();
        let name = if named { library.name(account.id) } else { "Leave a copy on server" };
        let mut beside = Row::new().push(line(name).size(size::SMALL)).spacing(8).align_y(Alignment::Center);
        if let Some(brief) = brief(account.retention) {
            beside = beside.push(text(brief).size(size::CAPTION).style(theme::faint).wrapping(text::Wrapping::None));
        }
        lines = lines.push(toggle(on, beside, Some(Message::LeaveCopy(account.id, !on))));
    }
    if !accounts.is_empty() {
        lines = lines.push(words(meaning(&accounts), size::CAPTION, theme::faint));
    }
    lines.into()
}

/// One sentence on what the switch does as it stands.
fn meaning(accounts: &[&Account]) -> Cow<'static, str> {
    let leaving = accounts.iter().filter(|account| account.retention.leaves_copy()).count();
    let removing = accounts.iter().filter(|account| account.retention == Retention::RemoveOnceStored).count();
    match accounts {
        [account] => retention::meaning(account.retention).into(),
        _ if leaving == accounts.len() => "Fetched mail stays on the server too, for your other devices.".into(),
        _ if leaving + removing < accounts.len() => "What leaves the server is first proved to be stored here.".into(),
        _ if leaving == 0 => "Mail is removed from the server once it is proved to be stored here.".into(),
        _ => "Where it is off, mail is removed from the server once it is proved to be stored here.".into(),
    }
}

fn last_backup(library: &Library, clock: &Clock) -> String {
    match &library.last_backup {
        Some((folder, when)) => {
            let place = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy();
            format!("Last verified {} · {place}", clock.spoken(*when))
        }
        None => "No backup yet.".to_owned(),
    }
}

fn damage(damaged: u64) -> String {
    let are = if damaged == 1 { "is" } else { "are" };
    format!("{} here {are} damaged. A backup may have {}.", messages(damaged), if damaged == 1 { "it" } else { "them" })
}

/// The narrow form.
fn icons<'a>(library: &'a Library, shown: View) -> Element<'a, Message> {
    let mut places = Column::new().spacing(4);
    places = places.push(icon_place(icon::PANEL_LEFT, "Show the sidebar", false, Message::Unfold(true)));
    for (view, glyph) in VIEWS {
        places = places.push(icon_place(glyph, library.title(view), shown == view, Message::Show(view)));
    }
    if !library.waiting.is_empty() {
        places = places.push(icon_place(icon::CLOCK, WAITING, false, Message::Waiting));
    }
    for account in &library.accounts {
        let view = View::Account(account.id);
        places = places.push(icon_place(icon::USER, library.name(account.id), shown == view, Message::Show(view)));
    }
    places = places.push(space().height(Fill));
    if !library.sample {
        places = places.push(icon_place(icon::PLUS, "Add a mailbox", false, Message::AddMailbox));
    }
    let shield = if library.health.damaged > 0 { icon::TRIANGLE_ALERT } else { icon::SHIELD_CHECK };
    places = places.push(icon_place(shield, "Your copies", false, Message::Unfold(true)));
    container(places).padding(8).width(measure::SIDEBAR_ICONS).into()
}

fn icon_place<'a>(glyph: char, name: &'a str, chosen: bool, message: Message) -> Element<'a, Message> {
    let ink = if chosen { theme::accent } else { theme::dim };
    let press = button(container(icon(glyph).style(ink)).center(Fill)).width(40).height(36).padding(0);
    hinted(press.style(theme::place(chosen)).on_press(message), name)
}
