//! How the parts are drawn: chips for attachments, what is looked at, cards for what is to be read at a glance.

use iced::widget::{Column, Row, button, column, container, image, row, text};
use iced::{Alignment, Element, Fill, padding};
use jiff::tz::TimeZone;

use super::super::{Message as Whole, Note, Open};
use super::{Message, Preview, Shown};
use crate::gui::icon::{self, icon};
use crate::gui::theme::{self, measure, size};
use crate::gui::widget::anchored::{Place, anchored};
use crate::gui::widget::{Tone, across, avatar, glyph, hinted, line, says, strip, tool, trouble, words};
use crate::gui::words::{self as spoken, Clock};
use crate::message::{
    self, Answer, Attachment, Card, Contact, Event, Guest, Kind, Mailbox, Moment, Purpose, Report, Seal,
};

/// Characters of a file name on its chip, and of what an organizer wrote on a card.
const NAME: usize = 36;
const DESCRIPTION: usize = 700;
/// Guests that are named on a card.
const GUESTS: usize = 12;

impl Open {
    /// That this message is inside another, with the way back.
    pub(in super::super) fn inside_view(&self) -> Option<Element<'_, Whole>> {
        let back = vec![("Back to the message around it", Whole::Parts(Message::Leave))];
        let sentence = "This message is attached to another one.";
        (!self.path.is_empty()).then(|| strip(icon::PAPERCLIP, Tone::Good, sentence, back))
    }

    /// What is shown above the text: how the message is sealed, reports, invitations, contacts.
    pub(in super::super) fn cards_view<'a>(&'a self, clock: &'a Clock) -> Vec<Element<'a, Whole>> {
        self.message.cards.iter().map(|card| card_view(card, &clock.zone)).collect()
    }

    /// The attachments, what is looked at, and the question where to save.
    pub(in super::super) fn attachments_view(&self) -> Element<'_, Whole> {
        let listed = self.message.attachments.iter().enumerate().filter(|(_, part)| !part.unpacked);
        let mut chips: Vec<Element<'_, Message>> = listed.map(|(index, part)| self.chip(index, part)).collect();
        let all = if chips.len() > 1 { "Save all" } else { "Save" };
        chips.push(tool(Some(icon::DOWNLOAD), all, Some(Message::Save(None))).into());
        let chips = Row::with_children(chips).spacing(8).align_y(Alignment::Center).wrap().vertical_spacing(8);
        let mut below = column![across(), Element::from(chips).map(Whole::Parts)].spacing(14);
        below = below.push(self.note_view().map(|note| note.map(Whole::Parts)));
        if let Some(preview) = &self.parts.preview {
            below = below.push(self.preview_view(preview).map(Whole::Parts));
        }
        below.push(self.saving_view()).into()
    }

    fn note_view(&self) -> Option<Element<'_, Message>> {
        Some(match self.parts.note.as_ref()? {
            Note::Said(sentence) => strip(icon::INFO, Tone::Note, sentence.as_str(), vec![("Close", Message::Dismiss)]),
            Note::Failed(problem) => trouble(problem, Some(Message::Dismiss)),
        })
    }

    fn chip<'a>(&'a self, index: usize, part: &'a Attachment) -> Element<'a, Message> {
        let kind = part.kind();
        let content = row![
            icon(picture_of(kind)).style(if kind == Kind::Program { theme::bad } else { theme::dim }),
            text(middle(&part.safe_name)).size(size::BODY).wrapping(text::Wrapping::None),
            text(spoken::size(part.size)).size(size::CAPTION).style(theme::faint),
        ];
        let press = button(container(content.spacing(8).align_y(Alignment::Center)).center_y(Fill));
        let press = press.height(measure::CONTROL).padding(padding::left(12).right(6)).style(theme::quiet);
        let press = hinted(press.on_press(Message::Press(index)), does(kind));
        let more = button(container(icon(icon::ELLIPSIS).style(theme::dim)).center(Fill));
        let more = more.width(30).height(measure::CONTROL).padding(0).style(theme::quiet);
        let more = more.on_press(Message::Menu(index));
        let menu = (self.parts.menu == Some(index)).then(|| menu(index, kind));
        let chip = container(row![press, more].align_y(Alignment::Center)).style(theme::outline);
        anchored(chip, menu, Place::Below).on_close(Message::CloseMenu).into()
    }

    fn preview_view<'a>(&'a self, preview: &'a Preview) -> Element<'a, Message> {
        let name = self.attached(preview.index).map(|part| part.safe_name.as_str()).unwrap_or_default();
        let head =
            row![line(name).font(theme::bold(name)).width(Fill), glyph(icon::X, "Close", Some(Message::CloseLook))];
        let shown: Element<'a, Message> = match &preview.shown {
            Shown::Waiting => says("A moment.").into(),
            Shown::Nothing(why) => says(why.as_str()).into(),
            Shown::Picture(handle) => {
                let picture = image(handle.clone()).content_fit(iced::ContentFit::ScaleDown);
                container(picture).center_x(Fill).max_height(640).into()
            }
            Shown::Text(shown, more) => {
                let body = text(shown.as_str()).size(size::SMALL).font(iced::Font::MONOSPACE).line_height(1.45);
                let note = more.then(|| says("Only the beginning is shown. The whole of it can be saved."));
                column![body].push(note).spacing(10).into()
            }
        };
        let panel = column![head.align_y(Alignment::Center), shown].spacing(10);
        container(panel).padding(padding::all(14).top(8)).width(Fill).clip(true).style(theme::well).into()
    }
}

/// A name on a chip: what there is no room for is left out in its middle, never its end.
fn middle(name: &str) -> String {
    let count = name.chars().count();
    if count <= NAME {
        return name.to_owned();
    }
    let (stem, extension) = message::split_name(name);
    let room = NAME.saturating_sub(extension.chars().count() + 1);
    let tail: String = stem.chars().skip(stem.chars().count().saturating_sub(room / 3)).collect();
    let head: String = stem.chars().take(room - room / 3).collect();
    format!("{}…{}{extension}", head.trim_end(), tail.trim_start())
}

fn picture_of(kind: Kind) -> char {
    match kind {
        Kind::Picture => icon::IMAGE,
        Kind::Text | Kind::Document => icon::FILE_TEXT,
        Kind::Message => icon::MAIL,
        Kind::Calendar => icon::CALENDAR,
        Kind::Contact => icon::CONTACT,
        Kind::Sound => icon::AUDIO_LINES,
        Kind::Film => icon::FILM,
        Kind::Archive => icon::FILE_ARCHIVE,
        Kind::Signature => icon::SIGNATURE,
        Kind::Program => icon::BAN,
        Kind::Other => icon::FILE,
    }
}

/// What a press on a chip does, in words.
fn does(kind: Kind) -> &'static str {
    match kind {
        Kind::Program => "A program: it can be saved and is not opened here",
        Kind::Message => "Show this message",
        _ => "Open in the program for such files",
    }
}

/// Whether it can be looked at here.
fn can_be_looked_at(kind: Kind) -> bool {
    matches!(kind, Kind::Picture | Kind::Text | Kind::Calendar | Kind::Contact | Kind::Signature)
}

fn menu<'a>(index: usize, kind: Kind) -> Element<'a, Message> {
    let item = |glyph, name, message| {
        let content = row![icon(glyph).style(theme::dim), text(name).size(size::BODY).wrapping(text::Wrapping::None)];
        let press = button(container(content.spacing(10).align_y(Alignment::Center)).center_y(Fill));
        press.height(30).width(Fill).padding([0, 10]).style(theme::place(false)).on_press(message)
    };
    let mut items = Column::new();
    if kind == Kind::Message {
        items = items.push(item(icon::MAIL_OPEN, "Show here", Message::Enter(index)));
    }
    if can_be_looked_at(kind) {
        items = items.push(item(icon::EYE, "Look at it here", Message::Look(index)));
    }
    if kind != Kind::Program {
        items = items.push(item(icon::EXTERNAL_LINK, "Open in its program", Message::Open(index)));
    }
    items = items.push(item(icon::DOWNLOAD, "Save", Message::Save(Some(index))));
    container(items).padding(4).width(196).style(theme::told).into()
}

// Cards.

fn card_view<'a>(card: &'a Card, here: &TimeZone) -> Element<'a, Whole> {
    match card {
        Card::Event(event) => event_view(event, here),
        Card::Contact(contact) => contact_view(contact),
        Card::Report(report) => report_view(report),
        Card::Seal(seal) => seal_view(*seal),
        Card::More(sentence) => says(sentence.as_str()).into(),
    }
}

fn seal_view<'a>(seal: Seal) -> Element<'a, Whole> {
    let save = || vec![("Save the message", Whole::Parts(Message::SaveWhole))];
    match seal {
        Seal::Signed(_) => strip(icon::SIGNATURE, Tone::Note, seal.sentence(), Vec::new()),
        Seal::Enclosed => strip(icon::SIGNATURE, Tone::Note, seal.sentence(), save()),
        Seal::Encrypted(_) => strip(icon::LOCK, Tone::Note, seal.sentence(), save()),
    }
}

fn report_view(report: &Report) -> Element<'_, Whole> {
    let (glyph, ground, ink): (char, fn(&iced::Theme) -> container::Style, crate::gui::widget::Ink) = if report.failed {
        (icon::MAIL_WARNING, theme::trouble, theme::bad)
    } else {
        (icon::MAIL, theme::good, theme::accent)
    };
    let mut sentences = column![words(report.sentence.as_str(), size::BODY, theme::ink).font(theme::BOLD)].spacing(2);
    if !report.said.is_empty() {
        sentences = sentences.push(words(format!("The server said: {}", report.said), size::SMALL, theme::dim));
    }
    container(row![icon(glyph).style(ink), sentences.width(Fill)].spacing(10))
        .padding([10, 12])
        .width(Fill)
        .style(ground)
        .into()
}

fn event_view<'a>(event: &'a Event, here: &TimeZone) -> Element<'a, Whole> {
    let cancelled = event.purpose == Purpose::Cancelled;
    let title = if event.title.is_empty() { "No title" } else { &event.title };
    let heading = text(event.heading()).size(size::CAPTION).font(theme::BOLD);
    let heading = if cancelled { heading.style(theme::bad) } else { heading.style(theme::accent) };
    let mut lines = column![heading, words(title, 15.0, theme::ink).font(theme::bold(title))].spacing(3);
    let when = event.when(here);
    if !when.is_empty() {
        lines = lines.push(words(when, size::BODY, theme::ink));
    }
    let rest = [
        event.when_there(here),
        event.repeats.as_ref().map(|repeats| format!("Repeats {repeats}")),
        (!event.place.is_empty()).then(|| event.place.clone()),
        event.organizer.as_ref().map(|who| format!("From {}", person(who))),
        guests(event),
    ];
    for sentence in rest.into_iter().flatten() {
        lines = lines.push(words(sentence, size::BODY, theme::dim));
    }
    if !event.description.is_empty() {
        let text = beginning(&event.description);
        lines = lines.push(container(words(text, size::SMALL, theme::dim)).padding(padding::top(6)));
    }
    let tile = tile(event, here, cancelled);
    boxed(row![tile, lines.width(Fill)].spacing(16).into())
}

/// The day on a leaf of a calendar.
fn tile<'a>(event: &Event, here: &TimeZone, cancelled: bool) -> Element<'a, Whole> {
    let day = match &event.start {
        Some(Moment::Day(day)) => Some(*day),
        Some(Moment::Floating(when)) => Some(when.date()),
        Some(Moment::At(when)) => Some(when.with_time_zone(here.clone()).date()),
        None => None,
    };
    let ink = if cancelled { theme::bad } else { theme::accent };
    let face: Element<'a, Whole> = match day {
        Some(day) => column![
            text(day.strftime("%b").to_string().to_uppercase()).size(size::CAPTION).font(theme::BOLD).style(ink),
            text(day.day().to_string()).size(24).font(theme::BOLD).line_height(1.15),
            text(day.strftime("%a").to_string()).size(size::CAPTION).style(theme::faint),
        ]
        .align_x(Alignment::Center)
        .into(),
        None => icon(if cancelled { icon::CALENDAR_X } else { icon::CALENDAR }).size(24).style(ink).into(),
    };
    container(face).center_x(58).padding([8, 0]).style(theme::well).into()
}

fn guests(event: &Event) -> Option<String> {
    // An answer names its guest in the heading already.
    if event.guests.is_empty() || event.purpose == Purpose::Reply {
        return None;
    }
    let named = |guest: &Guest| {
        let who = if guest.who.name.is_empty() { &guest.who.address } else { &guest.who.name };
        match guest.answer {
            Answer::None => who.clone(),
            Answer::Accepted => format!("{who} (accepts)"),
            Answer::Declined => format!("{who} (declines)"),
            Answer::Tentative => format!("{who} (may come)"),
        }
    };
    let names: Vec<String> = event.guests.iter().take(GUESTS).map(named).collect();
    let more = event.guests.len().saturating_sub(GUESTS);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Some(format!("With {}{more}", names.join(", ")))
}

fn person(who: &Mailbox) -> String {
    match (who.name.as_str(), who.address.as_str()) {
        ("", address) => address.to_owned(),
        (name, "") => name.to_owned(),
        (name, address) => format!("{name} <{address}>"),
    }
}

fn beginning(text: &str) -> String {
    match text.char_indices().nth(DESCRIPTION).and_then(|(at, _)| text.get(..at)) {
        Some(start) => format!("{}…", start.trim_end()),
        None => text.to_owned(),
    }
}

fn contact_view(contact: &Contact) -> Element<'_, Whole> {
    let named = [&contact.name, &contact.organization].into_iter().find(|name| !name.is_empty());
    let name = named.map_or("A contact", String::as_str);
    let mut lines = column![words(name, 15.0, theme::ink).font(theme::bold(name))].spacing(3);
    let at: Vec<&str> = [contact.role.as_str(), contact.organization.as_str()]
        .into_iter()
        .filter(|text| !text.is_empty() && *text != name)
        .collect();
    if !at.is_empty() {
        lines = lines.push(words(at.join(", "), size::BODY, theme::dim));
    }
    let ways = contact.addresses.iter().chain(&contact.telephones).chain(&contact.places);
    for way in ways {
        let kind = text(way.kind).size(size::SMALL).style(theme::faint);
        let value = words(way.value.as_str(), size::BODY, theme::ink);
        lines = lines.push(
            row![container(kind).width(if way.kind.is_empty() { 0 } else { 52 }), value.width(Fill)]
                .align_y(Alignment::Center),
        );
    }
    boxed(row![avatar(spoken::initials(name)), lines.width(Fill)].spacing(16).into())
}

fn boxed(content: Element<'_, Whole>) -> Element<'_, Whole> {
    container(content).padding(14).width(Fill).max_width(720).style(theme::card).into()
}

#[cfg(test)]
mod tests {
    use super::{NAME, middle};

    #[test]
    fn the_true_extension_is_always_shown() {
        for name in [
            "a.pdf",
            "invoice for the month of november.pdf                      .exe",
            &format!("{}.tar.gz", "ä".repeat(90)),
        ] {
            let shown = middle(name);
            assert!(shown.chars().count() <= NAME, "{shown}");
            assert_eq!(shown.rsplit('.').next(), name.rsplit('.').next());
        }
        assert_eq!(middle("boat house plan.png"), "boat house plan.png");
        let long = "Minutes of the meeting of the harbour board, 3 November.docx";
        assert_eq!(middle(long), "Minutes of the meeti…3 November.docx");
    }
}
