//! How the list pane is drawn: its head, the menus, what stands where no message does.

use iced::widget::{Row, button, column, container, row, text};
use iced::{Alignment, Element, Fill, Shrink};

use super::menu::called;
use super::{List, Menu, Message};
use crate::archive::{Mark, View};
use crate::gui::icon::{self, icon};
use crate::gui::library::Library;
use crate::gui::theme::{self, measure, size};
use crate::gui::widget::anchored::{Place, anchored};
use crate::gui::widget::message_list::message_list;
use crate::gui::widget::{Tone, across, gap, glyph, line, link, strip, void};
use crate::gui::words::{Clock, count, messages};

impl List {
    pub fn view<'a>(&'a self, library: &'a Library, clock: &'a Clock) -> Element<'a, Message> {
        let head = if self.selection.is_several() { self.selected_head() } else { self.head(library) };
        let mut pane = column![head, across()];
        for note in &self.notes {
            pane = pane.push(container(strip(icon::INFO, Tone::Note, note.as_str(), Vec::new())).padding(8));
        }
        let content = if self.order.is_empty() && !self.loading {
            self.empty(library)
        } else {
            let list = message_list(
                &self.order,
                &self.rows,
                self.offset,
                &self.selection,
                self.found_by(),
                clock,
                Message::Seen,
            );
            let place = self.menu.as_ref().and_then(|menu| menu.at);
            let menu = self.menu.as_ref().filter(|menu| !menu.sorts()).map(|menu| menu.view().map(Message::MenuDo));
            anchored(list, menu, Place::At(place.unwrap_or_default())).on_close(Message::CloseMenu).into()
        };
        container(pane.push(content)).width(Fill).height(Fill).into()
    }

    fn head<'a>(&'a self, library: &'a Library) -> Element<'a, Message> {
        let name = if self.query.trim().is_empty() { library.title(self.view) } else { "Search" };
        let mut head = row![line(name).font(theme::BOLD).width(Shrink)].spacing(8).align_y(Alignment::Center);
        if let Some(found) = self.found(library) {
            head = head.push(line(found).size(size::SMALL).color(|tokens| tokens.dim));
        } else {
            head = head.push(gap());
        }
        if self.view == View::Bin && library.counts.bin > 0 {
            head = head.push(link("Empty the bin", Some(Message::EmptyBin)));
        } else if library.counts.unread > 0 && self.view != View::Bin && !self.order.is_empty() {
            head = head.push(glyph(icon::MAIL_OPEN, "Mark all as read", Some(Message::AllRead)));
        }
        let name = text(called(self.sort)).size(size::SMALL).wrapping(text::Wrapping::None);
        let head = head.push(self.sorted_by(Some(name.into())));
        container(head).center_y(measure::HEAD).padding(iced::padding::left(14).right(8)).into()
    }

    /// What a search came to, as far as it has got.
    pub fn found(&self, library: &Library) -> Option<String> {
        if self.query.trim().is_empty() {
            return None;
        }
        #[allow(clippy::cast_possible_truncation)]
        let found = self.order.len() as u64;
        Some(match (self.running.is_some(), self.partial && found > 0) {
            (true, true) => format!("the newest {}, counting", count(found)),
            (true, false) => "searching".to_owned(),
            (false, _) => format!("{} in {}", messages(found), library.title(self.view)),
        })
    }

    /// The order, and the menu of the others.
    fn sorted_by<'a>(&'a self, name: Option<Element<'a, Message>>) -> Element<'a, Message> {
        let content =
            Row::new().push(name).push(icon(icon::CHEVRON_DOWN).size(14)).spacing(4).align_y(Alignment::Center);
        let press = button(container(content).center_y(Fill)).height(28).padding([0, 8]).style(theme::quiet);
        let menu = self.menu.as_ref().filter(|menu| menu.sorts()).map(|menu| Menu::view(menu).map(Message::MenuDo));
        anchored(press.on_press(Message::OpenSorting), menu, Place::Below).on_close(Message::CloseMenu).into()
    }

    /// How many are selected, and what can be done with them.
    fn selected_head(&self) -> Element<'_, Message> {
        #[allow(clippy::cast_possible_truncation)]
        let selected = format!("{} selected", count(self.selection.len() as u64));
        let mut head = row![line(selected).font(theme::BOLD)].spacing(2).align_y(Alignment::Center);
        for (shown, name, message) in [
            (icon::MAIL_OPEN, "Mark as read (Shift+U)", Message::Mark(Mark::Read, true)),
            (icon::MAIL, "Mark as unread (U)", Message::Mark(Mark::Read, false)),
            (icon::STAR, "Star (S)", Message::Mark(Mark::Starred, true)),
        ] {
            head = head.push(glyph(shown, name, Some(message)));
        }
        head = head.push(if self.view == View::Bin {
            glyph(icon::INBOX, "Put back", Some(Message::PutBack))
        } else {
            glyph(icon::TRASH_2, "Delete (Del)", Some(Message::Delete))
        });
        let head =
            head.push(self.sorted_by(None)).push(glyph(icon::X, "Select one only (Esc)", Some(Message::Collapse)));
        container(head).center_y(measure::HEAD).padding(iced::padding::left(14).right(8)).style(theme::chosen).into()
    }

    /// What stands where no message does.
    fn empty<'a>(&'a self, library: &'a Library) -> Element<'a, Message> {
        let (glyph, title, sentence) = if !self.query.trim().is_empty() {
            if self.running.is_some() {
                (icon::SEARCH, "Searching", "Nothing found so far.")
            } else if library.counts.to_index > 0 {
                (icon::SEARCH, "Nothing found", "Not every message is indexed yet: what is missing may still show up.")
            } else {
                (icon::SEARCH, "Nothing found", "No message here has all of these words.")
            }
        } else if library.fetching.is_empty() {
            match self.view {
                View::Unread => (icon::MAIL_OPEN, "All read", "New mail shows here until you have read it."),
                View::Bin => {
                    (icon::TRASH_2, "The bin is empty", "What you delete stays here for 30 days, and can be put back.")
                }
                View::Starred => (icon::STAR, "Nothing starred", "Press S on a message to find it here again."),
                _ if library.counts.bin > 0 => (icon::INBOX, "Nothing here", "What you deleted is in the bin."),
                _ if library.accounts.is_empty() => {
                    (icon::INBOX, "No mail yet", "Add a mailbox, or import the mail of another program.")
                }
                _ => (icon::INBOX, "No mail yet", "Press Check mail to fetch what is on the server."),
            }
        } else {
            (icon::INBOX, "Fetching", "The first messages will show here in a moment.")
        };
        void(glyph, title, sentence)
    }
}
