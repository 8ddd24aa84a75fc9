//! The bar at the top (search, check mail, import and export, settings) and the one at the foot (what runs, and what came
//! of what ran).

use std::borrow::Cow;

use iced::widget::{container, mouse_area, row, text, text_input};
use iced::{Alignment, Element, Fill, Shrink, padding};

use super::icon::{self, icon};
use super::job::{Running, amount};
use super::library::Library;
use super::offer::Offer;
use super::schedule;
use super::theme::{self, measure, size};
use super::widget::anchored::{Place, anchored};
use super::widget::{act, gap, glyph, line, link, over, progress};
use super::words::{Clock, messages};
use crate::account::AccountId;

/// The search field.
pub const SEARCH: &str = "search";

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    Search(String),
    ClearSearch,
    /// An operator of the query language was pressed.
    Operator(&'static str),
    /// The keyboard goes down or up through what is offered.
    Choose(bool),
    /// What is typed becomes this sender.
    Complete(usize),
    /// Enter: what is typed is all of it.
    Searched,
    /// Down: to the first message of the list.
    IntoList,
    CheckMail,
    Export,
    Settings,
    /// What the checks did.
    Log,
    LeaveSample,
    StopFetch(AccountId),
    StopJob,
    ShowJob,
    DismissNotice,
}

/// What the bar at the top shows.
pub struct Top<'a> {
    pub library: &'a Library,
    pub query: &'a str,
    pub offer: &'a Offer,
    /// What the search came to.
    pub found: Option<String>,
    /// As wide as the window.
    pub width: f32,
    pub sidebar: f32,
    pub clock: &'a Clock,
}

pub fn top(shown: Top<'_>) -> Element<'_, Message> {
    let narrow = shown.width < measure::NARROW;
    let mut bar = row![brand(&shown, narrow), search(&shown), gap()].align_y(Alignment::Center).spacing(8);
    if shown.library.sample {
        bar = bar.push(sample(narrow, shown.library.can_leave));
    }
    let fetching = !shown.library.fetching.is_empty();
    let barred = schedule::barred(shown.library, shown.clock);
    let can = !fetching && barred.is_none() && !shown.library.accounts.is_empty();
    let check = can.then_some(Message::CheckMail);
    if narrow {
        bar = bar.push(glyph(icon::REFRESH_CW, "Check mail (F5)", check)).push(glyph(
            icon::FOLDER_OPEN,
            "Export",
            Some(Message::Export),
        ));
    } else {
        let name = barred.map_or(Cow::Borrowed("Check mail"), Cow::Owned);
        bar = bar.push(act(Some(icon::REFRESH_CW), name, theme::plain, check)).push(act(
            Some(icon::FOLDER_OPEN),
            "Export",
            theme::plain,
            Some(Message::Export),
        ));
    }
    bar = bar.push(glyph(icon::SETTINGS, "Settings", Some(Message::Settings)));
    container(bar).center_y(measure::TOP_BAR).padding([0, 12]).into()
}

fn brand<'a>(shown: &Top<'a>, narrow: bool) -> Element<'a, Message> {
    let mark = icon(icon::MAIL).style(theme::accent);
    let name = text("Postkeep").size(15).font(theme::BOLD);
    if narrow {
        let width = measure::SIDEBAR_ICONS - 20.0;
        return container(mark).width(width).align_x(Alignment::Center).into();
    }
    row![mark, name].spacing(8).align_y(Alignment::Center).width(shown.sidebar - 12.0).into()
}

fn search<'a>(shown: &Top<'a>) -> Element<'a, Message> {
    let hint = match shown.library.counts.all {
        0 => "Search".to_owned(),
        all => format!("Search {}", messages(all)),
    };
    let field = text_input(&hint, shown.query)
        .id(SEARCH)
        .on_input(Message::Search)
        .size(size::BODY)
        .padding(padding::horizontal(11).vertical(8).right(34))
        .icon(text_input::Icon {
            font: icon::FONT,
            code_point: icon::SEARCH,
            size: Some(size::ICON.into()),
            spacing: 8.0,
            side: text_input::Side::Left,
        })
        .style(theme::search);
    let end: Element<'_, Message> = if shown.query.is_empty() {
        text("/").size(size::SMALL).style(theme::faint).into()
    } else {
        mouse_area(icon(icon::X).size(14).style(theme::dim))
            .on_press(Message::ClearSearch)
            .interaction(iced::mouse::Interaction::Pointer)
            .into()
    };
    let end = container(end).align_right(Fill).center_y(Fill).padding(padding::right(12));
    let taken = if shown.width < measure::NARROW { 230.0 } else { 560.0 };
    let taken = if shown.library.sample { taken + 150.0 } else { taken };
    let width = (shown.width - taken).clamp(120.0, 428.0);
    let field = container(over(field, end)).width(width);
    let offer = shown.offer;
    anchored(field, offer.view(shown.library, shown.found.clone()), Place::BelowField)
        .on_key(|key, _| offer.key(key))
        .into()
}

fn sample<'a>(narrow: bool, can_leave: bool) -> Element<'a, Message> {
    let words = if narrow { "Sample" } else { "Sample mailbox" };
    let chip =
        row![icon(icon::FLASK_CONICAL).size(14).style(theme::warn), text(words).size(size::SMALL).font(theme::BOLD)]
            .spacing(6)
            .align_y(Alignment::Center);
    let chip = container(chip).padding([6, 10]).style(theme::note);
    if !can_leave {
        return chip.into();
    }
    row![chip, link("Leave", Some(Message::LeaveSample))].spacing(6).align_y(Alignment::Center).into()
}

/// What the bar at the foot shows.
pub struct Foot<'a> {
    pub library: &'a Library,
    pub job: Option<&'a Running>,
    pub notice: Option<&'a str>,
    /// As wide as the window.
    pub width: f32,
    pub clock: &'a Clock,
}

pub fn foot(shown: Foot<'_>) -> Element<'_, Message> {
    let mut bar = row![doing(&shown)].spacing(16).align_y(Alignment::Center);
    bar = bar.push(next(&shown));
    bar = bar.push(index(shown.library));
    if !shown.library.accounts.is_empty() {
        bar = bar.push(small_link("Log", Message::Log));
    }
    container(bar).center_y(measure::STATUS).padding([0, 14]).into()
}

fn doing<'a>(shown: &Foot<'a>) -> Element<'a, Message> {
    let bar = if shown.width < measure::NARROW { 90.0 } else { 220.0 };
    if let Some(job) = shown.job {
        let stop = (!job.stopping).then_some(Message::StopJob);
        return running(bar, icon::ARCHIVE, job.says(), job.progress.fraction(), stop, Some(Message::ShowJob));
    }
    if let Some((id, fetch)) = shown.library.fetching.iter().next() {
        let says = match (fetch.done, fetch.total) {
            (0, None) => format!("{}: connecting", shown.library.name(*id)),
            _ => format!("{}: {}", shown.library.name(*id), amount(fetch)),
        };
        return running(bar, icon::REFRESH_CW, says, fetch.fraction(), Some(Message::StopFetch(*id)), None);
    }
    match shown.notice {
        Some(notice) => row![
            icon(icon::CHECK).size(14).style(theme::accent),
            line(notice).size(size::SMALL).color(|tokens| tokens.dim),
            small_link("Close", Message::DismissNotice),
        ]
        .spacing(8)
        .align_y(Alignment::Center)
        .width(Fill)
        .into(),
        None => gap().into(),
    }
}

/// When the next check is.
fn next<'a>(shown: &Foot<'a>) -> Option<Element<'a, Message>> {
    if shown.job.is_some() || !shown.library.fetching.is_empty() {
        return None;
    }
    let says = schedule::says(shown.library, shown.clock)?;
    let narrow = shown.width < measure::SINGLE && shown.notice.is_some();
    let says = text(says).size(size::SMALL).style(theme::faint).wrapping(text::Wrapping::None);
    let next = row![icon(icon::CLOCK).size(14).style(theme::faint), says].spacing(6).align_y(Alignment::Center);
    (!narrow).then(|| next.into())
}

fn running<'a>(
    bar: f32,
    glyph: char,
    says: String,
    fraction: Option<f32>,
    stop: Option<Message>,
    show: Option<Message>,
) -> Element<'a, Message> {
    let says = line(says).size(size::SMALL).color(|tokens| tokens.dim).width(Shrink);
    let mut line =
        row![icon(glyph).style(theme::dim), container(says).max_width(460), container(progress(fraction)).width(bar),]
            .spacing(12)
            .align_y(Alignment::Center);
    if let Some(show) = show {
        line = line.push(small_link("Show", show));
    }
    if let Some(stop) = stop {
        line = line.push(small_link("Cancel", stop));
    }
    line.width(Fill).into()
}

fn small_link(name: &str, message: Message) -> Element<'_, Message> {
    iced::widget::button(text(name).size(size::SMALL).font(theme::BOLD).wrapping(text::Wrapping::None))
        .padding([2, 2])
        .style(theme::link)
        .on_press(message)
        .into()
}

/// Whether everything can be found.
pub fn indexed(library: &Library) -> String {
    match library.counts.to_index {
        _ if library.uncounted => String::new(),
        0 => "Index complete".to_owned(),
        left => format!("{} still to index", messages(left)),
    }
}

fn index(library: &Library) -> Element<'_, Message> {
    text(indexed(library)).size(size::SMALL).style(theme::faint).wrapping(text::Wrapping::None).into()
}
