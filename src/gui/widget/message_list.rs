//! The message list: draws the rows in sight and nothing else, exact at any depth. The application owns the offset (an
//! `f64`, so that a pixel is a pixel among millions of rows) and the order; this widget owns the drawing, the scroll
//! bar and the mouse.

mod draw;
mod order;

use std::collections::HashMap;

use iced::advanced::widget::{Operation, Tree, tree};
use iced::advanced::{Clipboard, Layout, Shell, Widget, layout, mouse, renderer};
use iced::keyboard::{self, Modifiers};
use iced::{Element, Event as Input, Length, Point, Rectangle, Renderer, Size, Theme};

use crate::archive::{Row, SortKey};
use crate::gui::list::FoundBy;
use crate::gui::list::selection::Selection;
use crate::gui::words::Clock;

pub use order::{Order, ROW};

/// What the user did, for the application to act on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// The offset to show from now on, in logical pixels from the top of the whole list.
    Scrolled(f64),
    /// The row at this place was pressed, with these keys held.
    Pressed(usize, Modifiers),
    /// The menu of the row at this place was asked for, at this point of the list.
    Menu(usize, Point),
    /// The trash of the row at this place was pressed.
    Deleted(usize),
    /// The height of the list on the screen, when it first shows and when it changes.
    Resized(f32),
}

/// See the module.
pub struct MessageList<'a, Message> {
    order: &'a Order,
    rows: &'a HashMap<SortKey, Row>,
    offset: f64,
    selection: &'a Selection,
    found_by: &'a FoundBy,
    clock: &'a Clock,
    on_event: Box<dyn Fn(Event) -> Message + 'a>,
}

/// A list of `order`, with the rows that are known, scrolled to `offset`. What they were
/// found by is marked.
pub fn message_list<'a, Message>(
    order: &'a Order,
    rows: &'a HashMap<SortKey, Row>,
    offset: f64,
    selection: &'a Selection,
    found_by: &'a FoundBy,
    clock: &'a Clock,
    on_event: impl Fn(Event) -> Message + 'a,
) -> MessageList<'a, Message> {
    MessageList { order, rows, offset, selection, found_by, clock, on_event: Box::new(on_event) }
}

#[derive(Default)]
struct State {
    /// Laid-out text of the rows in sight.
    prepared: HashMap<SortKey, draw::Prepared>,
    /// Laid-out group titles, by title.
    titles: HashMap<String, super::line::Paragraph>,
    /// The trash of the row under the mouse. Kept: the renderer holds on to no text that is drawn.
    trash: Option<super::line::Paragraph>,
    last_click: Option<mouse::Click>,
    /// Where within the thumb it was grabbed.
    grabbed: Option<f64>,
    hovered: Option<usize>,
    /// The words beside the lights that the mouse is over.
    hint: Option<draw::Hint>,
    on_trash: bool,
    height: f32,
    /// The keys held, as far as they mean something with the mouse.
    modifiers: Modifiers,
    /// The words beside the scroll bar while it is dragged.
    bubble: Option<(String, super::line::Paragraph)>,
}

impl<Message> MessageList<'_, Message> {
    /// The thumb of the scroll bar, when there is more than fits.
    fn thumb(&self, bounds: Rectangle) -> Option<Rectangle> {
        let (whole, seen) = (self.order.height(), f64::from(bounds.height));
        if whole <= seen {
            return None;
        }
        let length = (seen * seen / whole).max(36.0).min(seen);
        let top = (self.offset / (whole - seen)).clamp(0.0, 1.0) * (seen - length);
        #[allow(clippy::cast_possible_truncation)]
        Some(Rectangle {
            x: bounds.x + bounds.width - 8.0,
            y: bounds.y + top as f32,
            width: 6.0,
            height: length as f32,
        })
    }

    /// The offset at which a thumb grabbed at `grabbed` lies under the cursor.
    fn dragged(&self, bounds: Rectangle, cursor: Point, grabbed: f64) -> f64 {
        let (whole, seen) = (self.order.height(), f64::from(bounds.height));
        let length = self.thumb(bounds).map_or(seen, |thumb| f64::from(thumb.height));
        let top = f64::from(cursor.y - bounds.y) - grabbed;
        let share = if seen > length { top / (seen - length) } else { 0.0 };
        self.order.clamped(share.clamp(0.0, 1.0) * (whole - seen), seen)
    }

    fn publish(&self, shell: &mut Shell<'_, Message>, event: Event) {
        shell.publish((self.on_event)(event));
    }

    fn row_under(&self, bounds: Rectangle, cursor: mouse::Cursor) -> Option<usize> {
        let position = cursor.position_in(bounds)?;
        self.order.row_at(self.offset + f64::from(position.y))
    }

    fn pressed(&self, state: &mut State, bounds: Rectangle, cursor: mouse::Cursor, shell: &mut Shell<'_, Message>) {
        let Some(position) = cursor.position_over(bounds) else { return };
        match self.thumb(bounds) {
            Some(thumb) if position.x >= thumb.x - 4.0 => {
                let held = thumb.y <= position.y && position.y <= thumb.y + thumb.height;
                let grabbed = f64::from(if held { position.y - thumb.y } else { thumb.height / 2.0 });
                state.grabbed = Some(grabbed);
                self.publish(shell, Event::Scrolled(self.dragged(bounds, position, grabbed)));
                shell.capture_event();
            }
            _ => {
                let click = mouse::Click::new(position, mouse::Button::Left, state.last_click);
                let is_first = click.kind() == mouse::click::Kind::Single;
                state.last_click = Some(click);
                if let Some(index) = self.row_under(bounds, cursor) {
                    let trash = draw::trash(self.area(bounds, index)).contains(position);
                    if !trash || !state.modifiers.is_empty() {
                        self.publish(shell, Event::Pressed(index, state.modifiers));
                    } else if is_first {
                        // A second press at once is for the row that came into the place of the first.
                        self.publish(shell, Event::Deleted(index));
                    }
                    shell.capture_event();
                }
            }
        }
    }

    fn asked(&self, bounds: Rectangle, cursor: mouse::Cursor, shell: &mut Shell<'_, Message>) {
        let Some(at) = cursor.position_in(bounds) else { return };
        if let Some(index) = self.row_under(bounds, cursor) {
            self.publish(shell, Event::Menu(index, at));
            shell.capture_event();
        }
    }

    fn moved(&self, state: &mut State, bounds: Rectangle, cursor: mouse::Cursor, shell: &mut Shell<'_, Message>) {
        if let (Some(grabbed), Some(position)) = (state.grabbed, cursor.position()) {
            self.publish(shell, Event::Scrolled(self.dragged(bounds, position, grabbed)));
            shell.capture_event();
        }
        let hovered = self.row_under(bounds, cursor);
        let lit = hovered.and_then(|index| {
            let area = self.area(bounds, index);
            let row = self.order.key(index).and_then(|key| self.rows.get(&key))?;
            let over = cursor.position().is_some_and(|at| draw::lights(area).contains(at));
            over.then_some((row, area))
        });
        let changed = lit.map(|(row, _)| row.key) != state.hint.as_ref().map(|hint| hint.key);
        if changed {
            state.hint = lit.map(|(row, area)| draw::Hint::new(row, self.clock, area));
        }
        // The trash changes its colour under the mouse.
        let near = |index| cursor.position().is_some_and(|at| draw::trash(self.area(bounds, index)).contains(at));
        let on_trash = hovered.is_some_and(near);
        if hovered != state.hovered || changed || on_trash != state.on_trash {
            state.hovered = hovered;
            state.on_trash = on_trash;
            shell.request_redraw();
        }
    }

    fn wheeled(&self, bounds: Rectangle, delta: mouse::ScrollDelta, shell: &mut Shell<'_, Message>) {
        let by = match delta {
            mouse::ScrollDelta::Lines { y, .. } => -60.0 * f64::from(y),
            mouse::ScrollDelta::Pixels { y, .. } => -f64::from(y),
        };
        let to = self.order.clamped(self.offset + by, f64::from(bounds.height));
        if to != self.offset {
            self.publish(shell, Event::Scrolled(to));
        }
        shell.capture_event();
    }
}

impl<Message> Widget<Message, Theme, Renderer> for MessageList<'_, Message> {
    fn tag(&self) -> tree::Tag {
        tree::Tag::of::<State>()
    }

    fn state(&self) -> tree::State {
        tree::State::new(State::default())
    }

    fn size(&self) -> Size<Length> {
        Size::new(Length::Fill, Length::Fill)
    }

    fn layout(&mut self, tree: &mut Tree, _renderer: &Renderer, limits: &layout::Limits) -> layout::Node {
        let node = layout::atomic(limits, Length::Fill, Length::Fill);
        let state = tree.state.downcast_mut::<State>();
        self.prepare(state, node.size());
        node
    }

    fn draw(
        &self,
        tree: &Tree,
        renderer: &mut Renderer,
        theme: &Theme,
        _style: &renderer::Style,
        layout: Layout<'_>,
        cursor: mouse::Cursor,
        _viewport: &Rectangle,
    ) {
        self.draw_rows(tree.state.downcast_ref::<State>(), renderer, theme, layout.bounds(), cursor);
    }

    fn update(
        &mut self,
        tree: &mut Tree,
        event: &Input,
        layout: Layout<'_>,
        cursor: mouse::Cursor,
        _renderer: &Renderer,
        _clipboard: &mut dyn Clipboard,
        shell: &mut Shell<'_, Message>,
        _viewport: &Rectangle,
    ) {
        let bounds = layout.bounds();
        let state = tree.state.downcast_mut::<State>();
        if (state.height - bounds.height).abs() > 0.5 {
            state.height = bounds.height;
            self.publish(shell, Event::Resized(bounds.height));
        }
        match event {
            Input::Mouse(mouse::Event::ButtonPressed(mouse::Button::Left)) => {
                self.pressed(state, bounds, cursor, shell);
            }
            Input::Mouse(mouse::Event::ButtonPressed(mouse::Button::Right)) => self.asked(bounds, cursor, shell),
            Input::Mouse(mouse::Event::ButtonReleased(mouse::Button::Left)) if state.grabbed.take().is_some() => {
                state.bubble = None;
                shell.request_redraw();
            }
            Input::Keyboard(keyboard::Event::ModifiersChanged(modifiers)) => state.modifiers = *modifiers,
            Input::Mouse(mouse::Event::CursorMoved { .. } | mouse::Event::CursorLeft) => {
                self.moved(state, bounds, cursor, shell);
            }
            Input::Mouse(mouse::Event::WheelScrolled { delta }) if cursor.is_over(bounds) => {
                self.wheeled(bounds, *delta, shell);
            }
            _ => {}
        }
    }

    fn operate(&mut self, tree: &mut Tree, layout: Layout<'_>, _renderer: &Renderer, operation: &mut dyn Operation) {
        self.tell_text(tree.state.downcast_ref::<State>(), layout.bounds(), operation);
    }
}

impl<'a, Message: 'a> From<MessageList<'a, Message>> for Element<'a, Message> {
    fn from(list: MessageList<'a, Message>) -> Self {
        Element::new(list)
    }
}
