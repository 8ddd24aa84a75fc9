//! How the reader is drawn.

use iced::advanced::text::highlighter::Format;
use iced::widget::text::Span;
use iced::widget::{Row, column, container, rich_text, row, span, text, text_editor};
use iced::{Alignment, Element, Fill, Font, padding};
use jiff::{SignedDuration, Timestamp};

use super::hits::Hits;
use super::{Message, Note, Open, Reader, SCROLL, bindings, shown};
use crate::account::Retention;
use crate::archive::Field;
use crate::gui::desk::bin::erased_on;
use crate::gui::icon::{self, icon};
use crate::gui::library::Library;
use crate::gui::list::FoundBy;
use crate::gui::theme::{self, measure, size};
use crate::gui::widget::{Tone, across, avatar, gap, glyph, glyph_in, line, link, says, strip, tool, trouble, void};
use crate::gui::words::{self, Clock};

impl Reader {
    /// The pane; `alone` when the list is not beside it, so that there is a way back.
    /// What the message was found by is marked in it.
    pub fn view<'a>(
        &'a self,
        library: &'a Library,
        clock: &'a Clock,
        alone: bool,
        found_by: &'a FoundBy,
    ) -> Element<'a, Message> {
        let pane = match &self.open {
            Some(open) => column![open.tools(alone), across(), open.page(library, clock, found_by)],
            None => column![
                container(text("")).height(measure::HEAD),
                across(),
                void(
                    icon::MAIL_OPEN,
                    "Nothing selected",
                    "Choose a message on the left, or press J and K to go through them."
                ),
            ],
        };
        container(pane).width(Fill).height(Fill).style(theme::paper).into()
    }
}

impl Open {
    fn tools(&self, alone: bool) -> Element<'_, Message> {
        let mut tools = Row::new().spacing(4).align_y(Alignment::Center);
        if alone {
            tools = tools.push(glyph(icon::ARROW_LEFT, "Back to the list (Esc)", Some(Message::Back)));
        }
        let star = if self.row.marks.starred { icon(icon::STAR).style(theme::warn) } else { icon(icon::STAR) };
        let starring = if self.row.marks.starred { "Take the star off (S)" } else { "Star (S)" };
        let source = if self.source { "Back to the message" } else { "View source" };
        tools = tools
            .push(tool(Some(icon::REPLY), "Reply", Some(Message::Reply)))
            .push(glyph_in(star, starring, Some(Message::Star)))
            .push(glyph(icon::MAIL, "Mark unread (U)", Some(Message::Unread)));
        tools = match self.row.binned {
            None => tools.push(glyph(icon::TRASH_2, "Delete (Del)", Some(Message::Delete))),
            Some(_) => tools.push(tool(Some(icon::INBOX), "Put back", Some(Message::PutBack))),
        };
        tools = tools.push(gap()).push(tool(Some(icon::CODE), source, Some(Message::ToggleSource)));
        container(tools).center_y(measure::HEAD).padding([0, 12]).into()
    }

    fn page<'a>(&'a self, library: &'a Library, clock: &'a Clock, found_by: &'a FoundBy) -> Element<'a, Message> {
        let subject = if self.row.subject.is_empty() { "No subject" } else { &self.row.subject };
        let mut page =
            column![shown_subject(subject, found_by), self.sender(clock), self.copies(library, clock),].spacing(12);
        page = page.push(self.inside_view()).extend(self.strips(clock)).extend(self.cards_view(clock));
        page = page.push(self.body(found_by));
        if self.rest() > 0 {
            #[allow(clippy::cast_possible_truncation)]
            let rest = format!("{} more", words::size(self.rest() as u64));
            page = page.push(row![says(rest), link("Show the next part", Some(Message::ShowMore))].spacing(10));
        }
        if !self.message.attachments.is_empty() {
            page = page.push(self.attachments_view());
        } else {
            page = page.push(self.saving_view());
        }
        crate::gui::widget::page(container(page).padding(padding::all(28).top(20)).width(Fill))
            .id(SCROLL)
            .width(Fill)
            .height(Fill)
            .into()
    }

    fn sender<'a>(&'a self, clock: &'a Clock) -> Element<'a, Message> {
        let from = &self.message.envelope.from;
        let name = if from.name.is_empty() { &from.address } else { &from.name };
        let called = if name.is_empty() { "Unknown sender" } else { name };
        let mut first = Row::new().spacing(5).push(line(called).font(theme::bold(called)).width(iced::Shrink));
        if !from.name.is_empty() && !from.address.is_empty() {
            first = first.push(line(format!("<{}>", from.address)).color(|tokens| tokens.dim));
        }
        let mut lines = column![first, line(self.recipients()).color(|tokens| tokens.dim)].spacing(2);
        if let Some(copies) = self.cc() {
            lines = lines.push(line(copies).color(|tokens| tokens.dim));
        }
        let when = column![
            text(clock.full(self.row.date)).size(size::SMALL).style(theme::faint).wrapping(text::Wrapping::None),
            text(words::size(self.row.size)).size(size::SMALL).style(theme::faint),
        ]
        .spacing(3)
        .align_x(Alignment::End);
        row![avatar(words::initials(called)), lines.width(Fill), when].spacing(12).align_y(Alignment::Center).into()
    }

    fn recipients(&self) -> String {
        let to: Vec<String> = self.message.envelope.to.iter().map(shown).collect();
        if to.is_empty() { "to undisclosed recipients".to_owned() } else { format!("to {}", to.join(", ")) }
    }

    fn cc(&self) -> Option<String> {
        let cc: Vec<String> = self.message.envelope.cc.iter().map(shown).collect();
        (!cc.is_empty()).then(|| format!("cc {}", cc.join(", ")))
    }

    /// Where the copies of this message are, in words.
    fn copies<'a>(&'a self, library: &'a Library, clock: &'a Clock) -> Element<'a, Message> {
        let server = self.on_server(library, clock);
        let here = match self.dates.arrived {
            Some(when) => format!("on this computer since {}", clock.since(when)),
            None => "on this computer".to_owned(),
        };
        let backup = match self.row.in_backup {
            Some(when) => format!("in a backup, verified {}", clock.spoken(when)),
            None => "not yet in a backup".to_owned(),
        };
        Row::new()
            .push(copy(icon::SERVER, server, self.row.on_server))
            .push(copy(icon::HARD_DRIVE, here, true))
            .push(copy(icon::ARCHIVE, backup, self.row.in_backup.is_some()))
            .spacing(14)
            .wrap()
            .into()
    }

    /// Whether the server has it, since when, and for how long where that is known.
    fn on_server(&self, library: &Library, clock: &Clock) -> String {
        let account = self.row.account.and_then(|id| library.account(id)).filter(|account| library.agreed(account.id));
        match (self.row.on_server, self.dates.seen, account.map(|account| account.retention)) {
            (false, ..) => "not on the server".to_owned(),
            (true, Some((first, _)), Some(Retention::Days(days))) => {
                // Days of visits: it may be later.
                let goes = first.checked_add(SignedDuration::from_hours(24 * i64::from(days)));
                format!("on the server at least until {}", clock.day_named(goes.unwrap_or(Timestamp::MAX)))
            }
            (true, Some((_, last)), _) => format!("on the server, seen {}", clock.spoken(last)),
            (true, None, _) => "on the server".to_owned(),
        }
    }

    fn strips<'a>(&'a self, clock: &'a Clock) -> Vec<Element<'a, Message>> {
        let mut strips: Vec<Element<'a, Message>> = Vec::new();
        if let Some(binned) = self.row.binned {
            let day = clock.day_named(erased_on(binned));
            let says = format!("In the bin since {}. Erased on {day}.", clock.since(binned));
            let acts = vec![("Put back", Message::PutBack), ("Erase now", Message::Delete)];
            strips.push(strip(icon::TRASH_2, Tone::Note, says, acts));
        }
        match &self.note {
            Some(Note::Said(sentence)) => {
                let close = vec![("Close", Message::Dismiss)];
                strips.push(strip(icon::CHECK, Tone::Good, sentence.as_str(), close));
            }
            Some(Note::Failed(problem)) => strips.push(trouble(problem, Some(Message::Dismiss))),
            None => {}
        }
        if self.source {
            let note = "The source, as the server sent it. Characters that could deceive are not shown here.";
            strips.push(strip(icon::CODE, Tone::Note, note, vec![("Back to the message", Message::ToggleSource)]));
        } else {
            for note in &self.message.notes {
                strips.push(strip(icon::INFO, Tone::Note, note.as_str(), Vec::new()));
            }
        }
        strips
    }

    fn body<'a>(&'a self, found_by: &FoundBy) -> Element<'a, Message> {
        if self.whole.trim().is_empty() {
            let sentence = if !self.message.cards.is_empty() {
                return iced::widget::space().into();
            } else if self.message.attachments.is_empty() {
                "This message has no text."
            } else {
                "This message has no text, only what is attached."
            };
            return says(sentence).into();
        }
        let font = if self.source { Font::MONOSPACE } else { theme::REGULAR };
        let size = if self.source { size::SMALL } else { size::READING };
        let editor = text_editor(&self.text)
            .on_action(Message::Edited)
            .key_binding(bindings)
            .font(font)
            .size(size)
            .line_height(1.55)
            .padding(0)
            .style(theme::reading)
            .highlight_with::<Hits>(found_by.query.clone(), |(), theme| Format {
                color: Some(theme::tokens(theme).accent),
                font: None,
            });
        container(editor).clip(true).padding(padding::top(6)).width(Fill).max_width(860).into()
    }
}

/// The subject, the hits of the search on a ground of their own.
fn shown_subject<'a>(subject: &'a str, found_by: &FoundBy) -> Element<'a, Message> {
    let hits = found_by.highlighter.ranges(Field::Subject, subject);
    if hits.is_empty() {
        return text(subject).size(size::SUBJECT).font(theme::bold(subject)).line_height(1.3).into();
    }
    let font = theme::bold(subject);
    let plain = |range| span(subject.get(range).unwrap_or_default()).font(font);
    let mut spans: Vec<Span<'a>> = Vec::new();
    let mut at = 0;
    for hit in hits {
        spans.push(plain(at..hit.start));
        at = hit.end;
        spans.push(plain(hit).underline(true));
    }
    spans.push(plain(at..subject.len()));
    rich_text(spans).size(size::SUBJECT).line_height(1.3).into()
}

fn copy<'a>(glyph: char, name: String, there: bool) -> Element<'a, Message> {
    let (ink, words_ink): (crate::gui::widget::Ink, crate::gui::widget::Ink) =
        if there { (theme::accent, theme::dim) } else { (theme::faint, theme::faint) };
    row![icon(glyph).size(14).style(ink), text(name).size(size::SMALL).style(words_ink).line_height(1.2)]
        .spacing(5)
        .align_y(Alignment::Center)
        .into()
}
