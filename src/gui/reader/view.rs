//! How the reader is drawn: tools, page, body, attachments, and at the foot where a link leads.

use iced::widget::text::Span;
use iced::widget::{Row, Stack, button, column, container, rich_text, row, sensor, span, text};
use iced::{Alignment, Element, Fill, Font, padding};

use super::paper::Form;
use super::passing::Way;
use super::{Message, Open, Reader, SCROLL, Shows};
use crate::archive::Field;
use crate::gui::icon::{self, icon};
use crate::gui::library::Library;
use crate::gui::list::FoundBy;
use crate::gui::theme::{self, measure, size};
use crate::gui::widget::anchored::{Place, anchored};
use crate::gui::widget::prose::prose;
use crate::gui::widget::{across, gap, glyph, glyph_in, line, link, says, tool, void};
use crate::gui::words::{self, Clock};

/// How wide a text is at most: longer lines are hard to follow.
const TEXT: f32 = 860.0;
/// The width of the menu of what is seldom done.
const MENU: f32 = 250.0;

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
            Some(open) => {
                column![open.tools(alone), across()].push(open.looking_view()).push(open.page(library, clock, found_by))
            }
            None => column![
                container(text("")).height(measure::HEAD),
                across(),
                void(
                    icon::MAIL_OPEN,
                    "Nothing selected",
                    "Choose a message on the left, or press J and K to go through them. Press ? for all keys."
                ),
            ],
        };
        let pane = container(pane).width(Fill).height(Fill);
        let sized = |size| Message::Page(super::page::Message::Sized(size));
        let pane = sensor(pane).on_show(sized).on_resize(sized);
        let over = self.open.as_ref().and_then(|open| open.over.as_deref());
        Stack::with_children([pane.into()]).push(over.map(foot)).width(Fill).height(Fill).into()
    }
}

/// Where the link under the mouse leads, as browsers show it.
fn foot(address: &str) -> Element<'_, Message> {
    let says = container(line(address).size(size::SMALL).color(|tokens| tokens.dim).width(iced::Shrink));
    let says = container(says.max_width(700)).padding([4, 10]).style(theme::foot);
    container(says).align_y(Alignment::End).align_x(Alignment::Start).width(Fill).height(Fill).into()
}

impl Open {
    fn tools(&self, alone: bool) -> Element<'_, Message> {
        let mut tools = Row::new().spacing(4).align_y(Alignment::Center);
        if alone {
            tools = tools.push(glyph(icon::ARROW_LEFT, "Back to the list (Esc)", Some(Message::Back)));
        }
        let star = if self.row.marks.starred { icon(icon::STAR).style(theme::warn) } else { icon(icon::STAR) };
        let starring = if self.row.marks.starred { "Take the star off (S)" } else { "Star (S)" };
        tools = tools
            .push(tool(Some(icon::REPLY), "Reply", Some(Message::Answer(Way::Reply))))
            .push(tool(Some(icon::FORWARD), "Forward", Some(Message::Answer(Way::Forward))))
            .push(glyph_in(star, starring, Some(Message::Star)))
            .push(glyph(icon::MAIL, "Mark unread (U)", Some(Message::Unread)));
        tools = match self.row.binned {
            None => tools.push(glyph(icon::TRASH_2, "Delete (E or Del)", Some(Message::Delete))),
            Some(_) => tools.push(tool(Some(icon::INBOX), "Put back", Some(Message::PutBack))),
        };
        let look = Message::Looking(super::looking::Message::Open);
        tools = tools.push(gap()).push(glyph(icon::SEARCH, "Find in the message (Ctrl+F)", Some(look)));
        tools = tools.push(glyph(icon::DOWNLOAD, "Save as a file (Ctrl+S)", Some(Message::Keep)));
        let more = glyph(icon::ELLIPSIS, "More", Some(Message::Menu(!self.menu)));
        let more = anchored(more, self.menu.then(|| self.more()), Place::Below).on_close(Message::Menu(false));
        container(tools.push(more)).center_y(measure::HEAD).padding([0, 12]).into()
    }

    /// What can be done about the page of the message.
    fn page_items(&self) -> Vec<(char, &'static str, &'static str, Message)> {
        use super::page::Message as OfPage;
        let Some(sheet) = self.sheet.as_ref().filter(|_| self.body.shows == Shows::Text) else { return Vec::new() };
        let plain = if sheet.plain { "As a page" } else { "As plain text" };
        let mut items = vec![(icon::FILE, plain, "T", Message::Page(OfPage::Plain))];
        if let Some(colours) = sheet.colours() {
            items.push((icon::EYE, colours, "D", Message::Page(OfPage::Original)));
        }
        items
    }

    /// What is done more seldom.
    fn more(&self) -> Element<'_, Message> {
        let shows = |shows, other: &'static str| if self.body.shows == shows { "Back to the message" } else { other };
        let equal = if self.body.monospace { "Letters of their own width" } else { "Letters of equal width" };
        let look = Message::Looking(super::looking::Message::Open);
        let items = [
            (icon::SEARCH, "Find in the message", "Ctrl+F", look),
            (icon::REPLY_ALL, "Reply to all", "A", Message::Answer(Way::ReplyAll)),
            (icon::COPY, "Copy as text", "", Message::CopyText),
            (icon::PRINTER, "Print", "Ctrl+P", Message::Print),
            (icon::FILE_TEXT, "Save as PDF", "", Message::KeepAs(Form::Pdf)),
            (icon::IMAGE, "Save as picture", "", Message::KeepAs(Form::Picture)),
            (icon::INFO, shows(Shows::Headers, "All headers"), "H", Message::Show(Shows::Headers)),
            (icon::CODE, shows(Shows::Source, "View source"), "V", Message::Show(Shows::Source)),
            (icon::FILE, equal, "M", Message::Monospace),
            (icon::CHEVRON_DOWN, "Fold or unfold quotations", "Q", Message::FoldAll),
        ];
        let items = self.page_items().into_iter().chain(items).map(|(glyph, name, key, message)| {
            let name = text(name).size(size::BODY).width(Fill).wrapping(text::Wrapping::None);
            let key = text(key).size(size::CAPTION).style(theme::faint);
            let line = row![icon(glyph).style(theme::dim), name, key].spacing(10).align_y(Alignment::Center);
            let item = button(container(line).center_y(Fill)).height(30).width(Fill).padding([0, 10]);
            item.style(theme::place(false)).on_press(message).into()
        });
        container(iced::widget::Column::with_children(items)).padding(5).width(MENU).style(theme::told).into()
    }

    fn page<'a>(&'a self, library: &'a Library, clock: &'a Clock, found_by: &'a FoundBy) -> Element<'a, Message> {
        let subject = if self.row.subject.is_empty() { "No subject" } else { &self.row.subject };
        let mut page = column![shown_subject(subject, found_by), self.heading(library, clock)].spacing(12);
        page = page.push(self.inside_view()).extend(self.strips(clock));
        if self.body.shows == Shows::Text {
            page = page.push(self.sheet_strips());
        }
        let text = self.body.shows == Shows::Text;
        if text {
            page = page.extend(self.cards_view(clock));
        }
        page = page.push(self.body(found_by));
        if text && !self.message.attachments.is_empty() {
            page = page.push(self.attachments_view());
        } else if text {
            page = page.push(self.saving_view());
        }
        crate::gui::widget::page(container(page).padding(padding::all(28).top(20)).width(Fill))
            .id(SCROLL)
            .width(Fill)
            .height(Fill)
            .into()
    }

    /// What there is to read. A page that was drawn from HTML stands in this place.
    fn body<'a>(&'a self, found_by: &'a FoundBy) -> Element<'a, Message> {
        let page = if self.body.shows == Shows::Text { self.sheet_view(found_by) } else { None };
        page.unwrap_or_else(|| self.text(found_by))
    }

    fn text<'a>(&'a self, found_by: &'a FoundBy) -> Element<'a, Message> {
        if self.body.is_blank() {
            let sentence = if !self.message.cards.is_empty() {
                return iced::widget::space().into();
            } else if self.message.attachments.is_empty() {
                "This message has no text."
            } else {
                "This message has no text, only what is attached."
            };
            return says(sentence).into();
        }
        let mut text = prose(&self.body.page, Message::Text);
        if self.body.monospace {
            text = text.font(Font::MONOSPACE).size(size::BODY);
        }
        if self.body.shows == Shows::Text && !self.looking.is_open() {
            text = text.hits(&found_by.highlighter, &found_by.query);
        }
        let mut page = column![].spacing(12);
        if self.body.is_cut_above() {
            page = page.push(link("Show from the top", Some(Message::FromTheTop)));
        }
        page = page.push(container(text).width(Fill).max_width(TEXT));
        if self.body.rest() > 0 {
            #[allow(clippy::cast_possible_truncation)]
            let rest = format!("{} more", words::size(self.body.rest() as u64));
            page = page.push(row![says(rest), link("Show the next part", Some(Message::ShowMore))].spacing(10));
        }
        container(page).padding(padding::top(6)).into()
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
