//! The small pieces that every screen is made of: buttons, toggle, fields, strips, cards, the list.

pub mod anchored;
pub mod line;
pub mod message_list;
mod over;
pub mod page;
pub mod prose;
pub mod select;

use std::borrow::Cow;

use iced::widget::{
    Button, Column, Container, Row, Scrollable, Space, Text, TextInput, button, column, container, mouse_area,
    progress_bar, row, scrollable, space, text, text_input, tooltip,
};
use iced::{Alignment, Background, Border, Element, Fill, Font, Length, Theme, border, mouse, padding};

use super::icon::{self, icon};
use super::theme::{self, measure, size};
use crate::problem::Problem;

pub use line::line;
pub use over::over;

/// A text style, as [`Text::style`] takes it.
pub type Ink = fn(&Theme) -> text::Style;

/// A button style, as [`Button::style`] takes it.
pub type Kind = fn(&Theme, button::Status) -> button::Style;

/// A paragraph in a size and an ink.
pub fn words<'a>(content: impl Into<Cow<'a, str>>, size: f32, ink: Ink) -> Text<'a> {
    text(content.into()).size(size).line_height(1.45).style(ink)
}

/// Body text in the secondary colour.
pub fn says<'a>(content: impl Into<Cow<'a, str>>) -> Text<'a> {
    words(content, size::BODY, theme::dim)
}

/// The title of a dialog or of a page.
pub fn title<'a>(content: impl Into<Cow<'a, str>>) -> Text<'a> {
    words(content, size::TITLE, theme::ink).font(theme::BOLD).line_height(1.3)
}

/// A small heading over a field or a group.
pub fn label<'a>(content: impl Into<Cow<'a, str>>) -> Text<'a> {
    words(content, size::SMALL, theme::ink).font(theme::BOLD)
}

/// A caption in capitals over a part of the sidebar.
pub fn caption<'a>(content: impl Into<Cow<'a, str>>) -> Text<'a> {
    words(content, size::CAPTION, theme::faint).font(theme::BOLD)
}

fn inside<'a, Message: 'a>(glyph: Option<char>, name: impl Into<Cow<'a, str>>, font: Font) -> Element<'a, Message> {
    let mut content = Row::new().spacing(8).align_y(Alignment::Center);
    if let Some(glyph) = glyph {
        content = content.push(icon(glyph));
    }
    content = content.push(text(name.into()).size(size::BODY).font(font).wrapping(text::Wrapping::None));
    container(content).center_y(Fill).into()
}

/// A button that says what it does. Without a message it is shown as not to be pressed.
pub fn act<'a, Message: Clone + 'a>(
    glyph: Option<char>,
    name: impl Into<Cow<'a, str>>,
    kind: Kind,
    message: Option<Message>,
) -> Button<'a, Message> {
    button(inside(glyph, name, theme::BOLD))
        .height(measure::CONTROL)
        .padding([0, 12])
        .style(kind)
        .on_press_maybe(message)
}

/// A button as wide as there is room, its words in the middle.
pub fn wide<'a, Message: Clone + 'a>(
    glyph: char,
    name: &'a str,
    kind: Kind,
    message: Option<Message>,
) -> Button<'a, Message> {
    button(container(inside(Some(glyph), name, theme::BOLD)).center_x(Fill))
        .height(30)
        .width(Fill)
        .padding([0, 12])
        .style(kind)
        .on_press_maybe(message)
}

/// A button without an outline, in the toolbar or as the quiet way out.
pub fn tool<'a, Message: Clone + 'a>(
    glyph: Option<char>,
    name: &'a str,
    message: Option<Message>,
) -> Button<'a, Message> {
    button(inside(glyph, name, theme::MEDIUM)).height(32).padding([0, 10]).style(theme::quiet).on_press_maybe(message)
}

/// A button that is an icon alone; its name shows on hover.
pub fn glyph<'a, Message: Clone + 'a>(glyph: char, name: &'a str, message: Option<Message>) -> Element<'a, Message> {
    glyph_in(icon(glyph), name, message)
}

/// The same with an icon in a colour of its own.
pub fn glyph_in<'a, Message: Clone + 'a>(
    glyph: Text<'a>,
    name: &'a str,
    message: Option<Message>,
) -> Element<'a, Message> {
    let press = button(container(glyph).center(Fill)).width(32).height(32).padding(0).style(theme::quiet);
    hinted(press.on_press_maybe(message), name)
}

/// Words in the accent that act.
pub fn link<'a, Message: Clone + 'a>(name: &'a str, message: Option<Message>) -> Button<'a, Message> {
    button(text(name).size(size::BODY).font(theme::BOLD).wrapping(text::Wrapping::None))
        .padding([2, 2])
        .style(theme::link)
        .on_press_maybe(message)
}

/// Shows `hint` in words on hover.
pub fn hinted<'a, Message: 'a>(content: impl Into<Element<'a, Message>>, hint: &'a str) -> Element<'a, Message> {
    let bubble = container(text(hint).size(size::SMALL)).padding([5, 8]).style(theme::hint);
    tooltip(content, bubble, tooltip::Position::Bottom).gap(4).delay(std::time::Duration::from_millis(450)).into()
}

/// A switch, with what is switched beside it.
pub fn toggle<'a, Message: Clone + 'a>(
    on: bool,
    beside: impl Into<Element<'a, Message>>,
    message: Option<Message>,
) -> Element<'a, Message> {
    let knob = container(space()).width(12).height(12).style(move |theme| knob(theme, on));
    let side = if on { Alignment::End } else { Alignment::Start };
    let switch = container(knob).width(30).height(18).padding(3).align_x(side).style(move |theme| pill(theme, on));
    button(row![switch, beside.into()].spacing(8).align_y(Alignment::Center))
        .padding(0)
        .style(theme::link)
        .on_press_maybe(message)
        .into()
}

fn pill(theme: &Theme, on: bool) -> container::Style {
    let tokens = theme::tokens(theme);
    container::Style {
        background: Some(Background::Color(if on { tokens.accent } else { tokens.side })),
        border: Border { color: if on { tokens.accent } else { tokens.faint }, width: 1.0, radius: 9.0.into() },
        ..container::Style::default()
    }
}

fn knob(theme: &Theme, on: bool) -> container::Style {
    let tokens = theme::tokens(theme);
    container::Style {
        background: Some(Background::Color(if on { tokens.card } else { tokens.faint })),
        border: border::rounded(6),
        ..container::Style::default()
    }
}

/// A field with its label above it.
pub fn labelled<'a, Message: 'a>(
    name: impl Into<Cow<'a, str>>,
    field: impl Into<Element<'a, Message>>,
) -> Column<'a, Message> {
    column![label(name), field.into()].spacing(5)
}

/// A text field in the window's style.
pub fn field<'a, Message: Clone + 'a>(placeholder: &'a str, value: &'a str) -> TextInput<'a, Message> {
    text_input(placeholder, value).size(size::BODY).padding(padding::horizontal(11).vertical(9)).style(theme::field)
}

/// A progress bar, 6 px high; `None` while the whole is not known.
pub fn progress<'a, Message: 'a>(fraction: Option<f32>) -> Element<'a, Message> {
    progress_bar(0.0..=1.0, fraction.unwrap_or(0.0)).girth(6).style(theme::progress).into()
}

/// The initials in a circle.
pub fn avatar<'a, Message: 'a>(initials: String) -> Container<'a, Message> {
    container(text(initials).size(size::BODY).font(theme::BOLD)).center(38).style(theme::avatar)
}

/// A hairline across, or down.
pub fn across<'a, Message: 'a>() -> Element<'a, Message> {
    container(space()).width(Fill).height(1).style(theme::hairline).into()
}

pub fn down<'a, Message: 'a>() -> Element<'a, Message> {
    container(space()).width(1).height(Fill).style(theme::hairline).into()
}

/// A strip that can be dragged sideways; it lies over a line between two panes and is not seen.
pub fn grip<'a, Message: Clone + 'a>(pressed: Message) -> Element<'a, Message> {
    mouse_area(space().width(GRIP).height(Fill))
        .on_press(pressed)
        .interaction(mouse::Interaction::ResizingHorizontally)
        .into()
}

/// The width of a [`grip`].
pub const GRIP: f32 = 7.0;

/// A page that scrolls, with a thin bar.
pub fn page<'a, Message: 'a>(content: impl Into<Element<'a, Message>>) -> Scrollable<'a, Message> {
    let bar = scrollable::Scrollbar::new().width(6).scroller_width(6).margin(2);
    scrollable(content).direction(scrollable::Direction::Vertical(bar)).style(theme::scroll)
}

/// The space between what stands at the left and what stands at the right.
pub fn gap() -> Space {
    space().width(Fill)
}

/// A strip with an icon, a sentence and what can be done about it.
pub fn strip<'a, Message: Clone + 'a>(
    glyph: char,
    tone: Tone,
    content: impl Into<Cow<'a, str>>,
    actions: Vec<(&'a str, Message)>,
) -> Element<'a, Message> {
    let (ground, ink) = tone.styles();
    let mut line = row![icon(glyph).style(ink), words(content, size::BODY, theme::ink).width(Fill)]
        .spacing(10)
        .align_y(Alignment::Center);
    for (name, message) in actions {
        line = line.push(link(name, Some(message)));
    }
    container(line).padding([8, 12]).width(Fill).style(ground).into()
}

/// What a strip is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Good,
    Note,
    Trouble,
}

impl Tone {
    fn styles(self) -> (fn(&Theme) -> container::Style, Ink) {
        match self {
            Tone::Good => (theme::good, theme::accent),
            Tone::Note => (theme::note, theme::warn),
            Tone::Trouble => (theme::trouble, theme::bad),
        }
    }
}

/// A problem: what happened, what it means for the mail, what to do.
pub fn trouble<'a, Message: Clone + 'a>(problem: &'a Problem, close: Option<Message>) -> Element<'a, Message> {
    let sentences = column![
        words(problem.summary.as_str(), size::BODY, theme::ink).font(theme::BOLD),
        words(format!("{} {}", problem.mail, problem.advice), size::BODY, theme::ink),
    ];
    let mut line = row![icon(icon::CIRCLE_ALERT).style(theme::bad), sentences.width(Fill)].spacing(10);
    if let Some(close) = close {
        line = line.push(button(icon(icon::X)).padding(2).style(theme::quiet).on_press(close));
    }
    container(line).padding([10, 12]).width(Fill).style(theme::trouble).into()
}

/// Lines of a card's table: what, and how much.
pub fn table<'a, Message: 'a>(lines: Vec<TableLine<'a>>) -> Element<'a, Message> {
    let last = lines.len().saturating_sub(1);
    let mut table = Column::new();
    for (place, line) in lines.into_iter().enumerate() {
        if place > 0 {
            table = table.push(across());
        }
        table = table.push(line.view(place == last));
    }
    container(table).padding(1).width(Fill).style(theme::card).into()
}

/// One line of a [`table`].
pub struct TableLine<'a> {
    pub glyph: Option<char>,
    pub name: Cow<'a, str>,
    pub value: String,
    /// Wants attention.
    pub flagged: bool,
}

impl<'a> TableLine<'a> {
    pub fn new(name: impl Into<Cow<'a, str>>, value: String) -> Self {
        TableLine { glyph: None, name: name.into(), value, flagged: false }
    }

    fn view<Message: 'a>(self, last: bool) -> Element<'a, Message> {
        let mut content = Row::new().spacing(8).align_y(Alignment::Center);
        if let Some(glyph) = self.glyph {
            content = content.push(icon(glyph));
        }
        content = content
            .push(words(self.name, size::BODY, theme::ink).width(Fill))
            .push(text(self.value).size(size::BODY).font(theme::BOLD));
        let line = container(content).padding([0, 14]).height(39).width(Fill).align_y(Alignment::Center);
        match (self.flagged, last) {
            (true, true) => line.style(theme::flagged_last).into(),
            (true, false) => line.style(theme::flagged).into(),
            (false, _) => line.into(),
        }
    }
}

/// A dialog's frame: title, content, and a row of buttons at the lower right.
pub fn sheet<'a, Message: 'a>(
    heading: impl Into<Cow<'a, str>>,
    content: Vec<Element<'a, Message>>,
    buttons: Vec<Element<'a, Message>>,
) -> Element<'a, Message> {
    let body = Column::with_children(content).spacing(14);
    let foot = Row::with_children(buttons).spacing(8).align_y(Alignment::Center);
    let foot = container(foot).align_right(Fill).padding(padding::top(10));
    container(column![title(heading), body, foot].spacing(16))
        .padding(28)
        .width(Length::Fill)
        .max_width(measure::DIALOG)
        .style(theme::dialog)
        .into()
}

/// What stands where there is nothing to show.
pub fn void<'a, Message: 'a>(glyph: char, name: &'a str, sentence: &'a str) -> Element<'a, Message> {
    let content = column![
        icon(glyph).size(28).style(theme::faint),
        words(name, size::BODY, theme::ink).font(theme::BOLD),
        words(sentence, size::BODY, theme::faint).align_x(Alignment::Center),
    ];
    container(content.spacing(8).align_x(Alignment::Center)).center(Fill).padding(24).into()
}
