//! The menus of the list: what can be done with what is selected, and the orders it can have.

use std::borrow::Cow;

use iced::widget::{Column, button, container, row, text};
use iced::{Alignment, Element, Fill, Point};

use super::{Action, List};
use crate::archive::{Archive, Mark, Row, Sort, SortBy, View};
use crate::gui::icon::{self, icon};
use crate::gui::theme::{self, size};
use crate::gui::widget::message_list::ROW;
use crate::gui::words::{Clock, messages};

/// An open menu.
#[derive(Clone, Debug)]
pub struct Menu {
    /// Where it was asked for, within the list; below the head where orders are offered.
    pub at: Option<Point>,
    items: Vec<Item>,
    /// The one that the keyboard is on.
    pub chosen: usize,
}

#[derive(Clone, Debug)]
struct Item {
    glyph: Option<char>,
    name: Cow<'static, str>,
    key: &'static str,
    does: Does,
}

/// What comes of a choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Does {
    Open,
    Mark(Mark, bool),
    Delete,
    PutBack,
    Copy(String),
    Search(String),
    Sort(Sort),
}

/// The orders of a list, and what they are called.
const ORDERS: [(SortBy, bool, &str); 8] = [
    (SortBy::Date, false, "Newest first"),
    (SortBy::Date, true, "Oldest first"),
    (SortBy::Sender, true, "Sender, A to Z"),
    (SortBy::Sender, false, "Sender, Z to A"),
    (SortBy::Subject, true, "Subject, A to Z"),
    (SortBy::Subject, false, "Subject, Z to A"),
    (SortBy::Size, false, "Largest first"),
    (SortBy::Size, true, "Smallest first"),
];

/// What an order is called.
pub fn called(sort: Sort) -> &'static str {
    let order = ORDERS.iter().find(|(by, ascending, _)| Sort { by: *by, ascending: *ascending } == sort);
    order.map_or("", |(_, _, name)| name)
}

impl Menu {
    /// What can be done with so many rows, one of them `row`.
    pub fn of_rows(row: Option<&Row>, selected: usize, in_bin: bool, at: Point) -> Menu {
        let mut items = Vec::new();
        let mut add = |glyph, name: Cow<'static, str>, key, does| {
            items.push(Item { glyph: Some(glyph), name, key, does });
        };
        let marks = row.filter(|_| selected == 1).map(|row| row.marks);
        if selected == 1 {
            add(icon::MAIL_OPEN, "Open".into(), "Enter", Does::Open);
        }
        if marks.is_none_or(|marks| !marks.read) {
            add(icon::CHECK, "Mark as read".into(), "Shift+U", Does::Mark(Mark::Read, true));
        }
        if marks.is_none_or(|marks| marks.read) {
            add(icon::MAIL, "Mark as unread".into(), "U", Does::Mark(Mark::Read, false));
        }
        if marks.is_none_or(|marks| !marks.starred) {
            add(icon::STAR, "Star".into(), "S", Does::Mark(Mark::Starred, true));
        }
        if marks.is_none_or(|marks| marks.starred) {
            add(icon::STAR, "Take the star off".into(), "", Does::Mark(Mark::Starred, false));
        }
        if in_bin {
            add(icon::INBOX, "Put back".into(), "", Does::PutBack);
        }
        let all =
            if selected == 1 { "Delete".into() } else { Cow::from(format!("Delete {}", messages(selected as u64))) };
        if !in_bin || selected == 1 {
            add(icon::TRASH_2, all, "Del", Does::Delete);
        }
        if let Some(row) = row.filter(|row| selected == 1 && !row.from_address.is_empty()) {
            add(icon::USER, "Copy the sender’s address".into(), "", Does::Copy(row.from_address.clone()));
            let query = format!("from:{}", row.from_address);
            add(icon::SEARCH, "All from this sender".into(), "", Does::Search(query));
        }
        Menu { at: Some(at), items, chosen: 0 }
    }

    /// The orders, the keyboard on the present one.
    pub fn of_orders(sort: Sort) -> Menu {
        let item = |(by, ascending, name): &(SortBy, bool, &'static str)| {
            let order = Sort { by: *by, ascending: *ascending };
            let glyph = (order == sort).then_some(icon::CHECK);
            Item { glyph, name: Cow::Borrowed(name), key: "", does: Does::Sort(order) }
        };
        let items: Vec<Item> = ORDERS.iter().map(item).collect();
        let chosen = items.iter().position(|item| item.does == Does::Sort(sort)).unwrap_or(0);
        Menu { at: None, items, chosen }
    }

    /// Whether it offers orders.
    pub fn sorts(&self) -> bool {
        self.at.is_none()
    }

    /// The keyboard goes down or up, round at the ends.
    pub fn step(&mut self, down: bool) {
        let count = self.items.len().max(1);
        self.chosen = (self.chosen + if down { 1 } else { count - 1 }) % count;
    }

    pub fn does(self, item: usize) -> Option<Does> {
        self.items.into_iter().nth(item).map(|item| item.does)
    }

    /// Tells the place of the item that is pressed.
    pub fn view(&self) -> Element<'_, usize> {
        let items = self.items.iter().enumerate().map(|(place, item)| {
            let glyph = icon(item.glyph.unwrap_or(' ')).style(theme::dim);
            let name = text(item.name.as_ref()).size(size::BODY).width(Fill).wrapping(text::Wrapping::None);
            let key = text(item.key).size(size::CAPTION).style(theme::faint);
            let line = row![container(glyph).width(16), name, key].spacing(10).align_y(Alignment::Center);
            button(container(line).center_y(Fill))
                .height(30)
                .width(Fill)
                .padding([0, 10])
                .style(theme::place(place == self.chosen))
                .on_press(place)
                .into()
        });
        container(Column::with_children(items)).padding(4).width(252).style(theme::told).into()
    }
}

impl List {
    pub(super) fn menu_at(&mut self, index: usize, at: Point, archive: &Archive) -> Action {
        if !self.selection.contains(index) {
            self.selection.only(index);
            self.revision += 1;
        }
        let row = self.order.key(index).and_then(|key| self.rows.get(&key));
        self.menu = Some(Menu::of_rows(row, self.selection.len(), self.view == View::Bin, at));
        Action::Run(self.reach(archive))
    }

    pub(super) fn menu_by_keyboard(&mut self, archive: &Archive) -> Action {
        // Of what is selected, where the row that the keyboard is on is none of it.
        let first = self.selection.ranges().first().map(|range| range.start);
        let cursor = self.selection.cursor().filter(|cursor| first.is_none() || self.selection.contains(*cursor));
        let Some(index) = cursor.or(first).filter(|index| *index < self.order.len()) else {
            return Action::None;
        };
        self.offset = self.order.revealing(index, self.offset, f64::from(self.height));
        #[allow(clippy::cast_possible_truncation)]
        let y = (self.order.top(index) - self.offset + ROW / 2.0) as f32;
        self.menu_at(index, Point::new(40.0, y), archive)
    }

    pub(super) fn sorting(&mut self) -> Action {
        let open = self.menu.as_ref().is_some_and(Menu::sorts);
        self.menu = (!open).then(|| Menu::of_orders(self.sort));
        Action::None
    }

    pub(super) fn menu_moved(&mut self, down: bool) -> Action {
        if let Some(menu) = &mut self.menu {
            menu.step(down);
        }
        Action::None
    }

    pub(super) fn menu_done(&mut self, item: usize, archive: &Archive, clock: &Clock) -> Action {
        let Some(does) = self.menu.take().and_then(|menu| menu.does(item)) else { return Action::None };
        match does {
            Does::Open => self.opened(self.selection.cursor().unwrap_or(0), archive),
            Does::Mark(mark, on) => self.with_picked(|picked| Action::Mark(picked, mark, on)),
            Does::Delete => self.delete(),
            Does::PutBack => self.with_picked(Action::PutBack),
            Does::Copy(address) => Action::Copy(address),
            Does::Search(query) => Action::Search(query),
            Does::Sort(sort) => Action::Run(self.sort(sort, archive, clock)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Does, Menu, ORDERS, Point, Sort, called};
    use crate::gui::fixtures::rows;

    #[test]
    fn one_row_offers_what_can_change_and_several_offer_both_ways() {
        let rows = rows();
        let names = |menu: &Menu| -> Vec<String> { menu.items.iter().map(|item| item.name.to_string()).collect() };
        let one = Menu::of_rows(rows.first(), 1, false, Point::ORIGIN);
        assert_eq!(
            names(&one),
            ["Open", "Mark as read", "Star", "Delete", "Copy the sender’s address", "All from this sender"]
        );
        let several = Menu::of_rows(rows.first(), 1_204, false, Point::ORIGIN);
        assert_eq!(
            names(&several),
            ["Mark as read", "Mark as unread", "Star", "Take the star off", "Delete 1,204 messages"]
        );
        assert!(names(&Menu::of_rows(rows.first(), 2, true, Point::ORIGIN)).contains(&"Put back".to_owned()));
    }

    #[test]
    fn the_keyboard_goes_round() {
        let mut menu = Menu::of_orders(Sort::default());
        menu.step(false);
        assert_eq!(menu.chosen, ORDERS.len() - 1);
        menu.step(true);
        assert_eq!(menu.chosen, 0);
        assert_eq!(menu.does(0), Some(Does::Sort(Sort::default())));
        assert_eq!(called(Sort::default()), "Newest first");
    }
}
