//! How the rows of the message list are laid out and drawn.

use std::collections::HashMap;
use std::sync::Once;

use iced::advanced::mouse;
use iced::advanced::renderer::{Quad, Renderer as _};
use iced::advanced::text::{Paragraph as _, Renderer as _};
use iced::advanced::widget::Operation;
use iced::{Border, Color, Point, Rectangle, Renderer, Size, Theme, border};

use super::order::{GROUP, ROW};
use super::{MessageList, State};
use crate::archive::{Field, Row, SortBy, SortKey};
use crate::gui::desk::bin::erased_on;
use crate::gui::icon;
use crate::gui::list::FoundBy;
use crate::gui::theme::{self, Tokens, size};
use crate::gui::widget::line::{Paragraph, fitted, line_height, marked};
use crate::gui::words::{self, Clock};

/// Told once, for whoever measures the start: the first frame that shows mail.
static FIRST_FRAME: Once = Once::new();

/// Distances within a row, in logical pixels.
const LEFT: f32 = 26.0;
const RIGHT: f32 = 15.0;
const TITLE_LEFT: f32 = 14.0;
/// The middle of each of the three lines.
const LINES: [f32; 3] = [17.0, 36.0, 54.0];
const LIGHT: f32 = 6.0;
const LIGHT_STEP: f32 = 9.0;

/// How far the trash of the row under the mouse reaches from the row's upper right corner.
const TRASH: Size = Size::new(38.0, 28.0);

/// Where the copies of a message are, a line each: what the three lights say.
pub fn copies(row: &Row, clock: &Clock) -> [String; 3] {
    let server = if row.on_server { "On the server" } else { "Not on the server" };
    let backup = match row.in_backup {
        Some(when) => format!("In a backup, verified {}", clock.spoken(when)),
        None => "Not yet in a backup".to_owned(),
    };
    [server.to_owned(), "On this computer".to_owned(), backup]
}

/// The third line of a row: the first words, or for how long it can still be had back.
fn third_line(row: &Row, clock: &Clock) -> String {
    match row.binned {
        Some(binned) => format!("Erased on {} · {}", clock.day_named(erased_on(binned)), row.preview),
        None => row.preview.clone(),
    }
}

/// A text, and where in it the hits of a search are.
type Line = (Paragraph, Vec<Rectangle>);

/// The laid-out text of one row.
pub struct Prepared {
    /// The row, its width, its time, and what it was found by.
    made_for: (Row, f32, String, String),
    sender: Line,
    time: Paragraph,
    subject: Line,
    preview: Line,
    icons: Vec<(Paragraph, bool)>,
}

impl Prepared {
    fn new(row: &Row, width: f32, time: String, clock: &Clock, found_by: &FoundBy) -> Prepared {
        let strong = |text: &str| if row.marks.read { theme::REGULAR } else { theme::bold(text) };
        let name = row.sender();
        let name = if name.is_empty() { "Unknown sender" } else { name };
        let subject = if row.subject.is_empty() { "No subject" } else { &row.subject };
        let when = fitted(&time, width, size::SMALL, theme::REGULAR);
        let mut icons = Vec::new();
        for (shown, glyph, starred) in
            [(row.marks.starred, icon::STAR, true), (row.attachments > 0, icon::PAPERCLIP, false)]
        {
            if shown {
                icons.push((fitted(&glyph.to_string(), 40.0, 13.0, icon::FONT), starred));
            }
        }
        let line = |field, text: &str, width, size, font| {
            marked(text, width, size, font, &found_by.highlighter.ranges(field, text))
        };
        let room = width - LEFT - RIGHT;
        #[allow(clippy::cast_precision_loss)]
        let lights = 3.0 * LIGHT_STEP + 10.0 + 19.0 * icons.len() as f32;
        Prepared {
            sender: line(Field::Sender, name, room - when.min_width() - 12.0, size::BODY, strong(name)),
            subject: line(Field::Subject, subject, room, size::BODY, strong(subject)),
            preview: line(Field::Body, &third_line(row, clock), room - lights, size::SMALL, theme::REGULAR),
            time: when,
            icons,
            made_for: (row.clone(), width, time, found_by.query.clone()),
        }
    }
}

/// A Y coordinate on the screen, from one in the list.
#[allow(clippy::cast_possible_truncation)]
fn on_screen(bounds: Rectangle, y: f64, offset: f64) -> f32 {
    bounds.y + (y - offset).round() as f32
}

/// The words beside the three lights that the mouse is over.
pub struct Hint {
    pub key: SortKey,
    at: Point,
    lines: Vec<(String, Paragraph)>,
}

impl Hint {
    pub fn new(row: &Row, clock: &Clock, area: Rectangle) -> Hint {
        let lines = copies(row, clock).map(|line| {
            let laid_out = fitted(&line, area.width, size::SMALL, theme::REGULAR);
            (line, laid_out)
        });
        let lights = lights(area);
        Hint { key: row.key, at: Point::new(lights.x + lights.width, lights.center_y()), lines: lines.into() }
    }
}

/// Where a row can be pressed to delete its message.
pub fn trash(row: Rectangle) -> Rectangle {
    Rectangle::new(Point::new(row.x + row.width - TRASH.width, row.y + 2.0), TRASH)
}

/// Where the three lights of a row are, with a margin.
pub fn lights(row: Rectangle) -> Rectangle {
    let width = 3.0 * LIGHT_STEP + 8.0;
    let [_, _, third] = LINES;
    Rectangle { x: row.x + row.width - RIGHT - width + 4.0, y: row.y + third - 9.0, width, height: 18.0 }
}

impl<Message> MessageList<'_, Message> {
    /// Where a row lies on the screen.
    pub(super) fn area(&self, bounds: Rectangle, index: usize) -> Rectangle {
        let y = on_screen(bounds, self.order.top(index), self.offset);
        #[allow(clippy::cast_possible_truncation)]
        Rectangle { y, height: ROW as f32, ..bounds }
    }

    /// Lays out the text of the rows in sight, where it is new or has changed, and forgets the rest.
    pub(super) fn prepare(&self, state: &mut State, bounds: Size) {
        let height = f64::from(bounds.height);
        let seen = self.order.visible(self.offset, height);
        let mut kept: HashMap<SortKey, Prepared> = HashMap::with_capacity(seen.len());
        for key in self.order.keys(seen) {
            let Some(row) = self.rows.get(key) else { continue };
            // By what the list is in order, where a row does not say it already.
            let time = match self.order.by() {
                SortBy::Size => words::size(row.size),
                _ => self.clock.brief(row.date),
            };
            let old = state.prepared.remove(key).filter(|old| {
                let (made, width, when, query) = &old.made_for;
                made == row && *width == bounds.width && *when == time && *query == self.found_by.query
            });
            kept.insert(*key, old.unwrap_or_else(|| Prepared::new(row, bounds.width, time, self.clock, self.found_by)));
        }
        state.prepared = kept;
        state.trash.get_or_insert_with(|| fitted(&icon::TRASH_2.to_string(), 40.0, 15.0, icon::FONT));
        self.prepare_bubble(state, bounds);
        for (title, _) in self.order.titles(self.offset, height) {
            if !state.titles.contains_key(title) {
                state.titles.insert(title.to_owned(), fitted(title, bounds.width, size::CAPTION, theme::BOLD));
            }
        }
    }

    /// The day or the letter of the row beside the thumb.
    fn prepare_bubble(&self, state: &mut State, bounds: Size) {
        let words = state.grabbed.and_then(|_| {
            let beside = self.order.beside_thumb(self.offset, f64::from(bounds.height));
            self.order.whereabouts(beside, self.clock)
        });
        state.bubble = words.map(|words| match state.bubble.take() {
            Some((before, laid_out)) if before == words => (before, laid_out),
            _ => {
                let laid_out = fitted(&words, bounds.width - 60.0, size::BODY, theme::bold(&words));
                (words, laid_out)
            }
        });
    }

    pub(super) fn draw_rows(
        &self,
        state: &State,
        renderer: &mut Renderer,
        theme: &Theme,
        bounds: Rectangle,
        cursor: mouse::Cursor,
    ) {
        let tokens = theme::tokens(theme);
        // By where the mouse is now: rows move under it.
        let under = self.row_under(bounds, cursor);
        renderer.with_layer(bounds, |renderer| {
            for index in self.order.visible(self.offset, f64::from(bounds.height)) {
                let area = self.area(bounds, index);
                let row = self.order.key(index).and_then(|key| self.rows.get(&key).zip(state.prepared.get(&key)));
                let hovered = under == Some(index);
                let selected = self.selection.contains(index);
                let here = self.selection.cursor() == Some(index);
                draw_ground(renderer, tokens, area, selected, here, hovered);
                match row {
                    Some((row, prepared)) => {
                        draw_row(renderer, tokens, area, bounds, row, prepared, hovered);
                        if let Some(glyph) = state.trash.as_ref().filter(|_| hovered) {
                            let held = cursor.position().is_some_and(|at| trash(area).contains(at));
                            draw_trash(renderer, tokens, glyph, area, bounds, held);
                        }
                    }
                    None => draw_awaited(renderer, tokens, area),
                }
            }
            for (title, top) in self.order.titles(self.offset, f64::from(bounds.height)) {
                let Some(paragraph) = state.titles.get(title) else { continue };
                let y = on_screen(bounds, top, self.offset);
                #[allow(clippy::cast_possible_truncation)]
                let middle = y + GROUP as f32 / 2.0 + 1.0;
                put(renderer, paragraph, bounds.x + TITLE_LEFT, middle, size::CAPTION, tokens.faint, bounds);
            }
        });
        if !state.prepared.is_empty() {
            FIRST_FRAME.call_once(|| tracing::debug!(phase = "first frame"));
        }
        let hint = state.hint.as_ref().filter(|hint| {
            let place = under.filter(|index| self.order.key(*index) == Some(hint.key));
            place.is_some_and(|index| cursor.is_over(lights(self.area(bounds, index))))
        });
        if let Some(hint) = hint {
            renderer.with_layer(bounds, |renderer| draw_hint(renderer, tokens, bounds, hint));
        }
        if let (Some((_, words)), Some(thumb)) = (&state.bubble, self.thumb(bounds)) {
            renderer.with_layer(bounds, |renderer| draw_bubble(renderer, tokens, bounds, thumb, words));
        }
        if let Some(thumb) = self.thumb(bounds) {
            let held = state.grabbed.is_some() || cursor.is_over(thumb);
            let quad = Quad { bounds: thumb, border: border::rounded(3), ..Quad::default() };
            renderer.with_layer(bounds, |renderer| renderer.fill_quad(quad, theme::thumb(tokens, held)));
        }
    }

    /// Tells an operation (tests, one day a screen reader) the text in sight.
    pub(super) fn tell_text(&self, state: &State, bounds: Rectangle, operation: &mut dyn Operation) {
        let height = f64::from(bounds.height);
        let area = |top: f64, tall: f64| {
            #[allow(clippy::cast_possible_truncation)]
            let area = Rectangle { y: on_screen(bounds, top, self.offset), height: tall as f32, ..bounds };
            area
        };
        for (title, top) in self.order.titles(self.offset, height) {
            operation.text(None, area(top, GROUP), title);
        }
        if let Some((words, _)) = &state.bubble {
            operation.text(None, bounds, words);
        }
        for index in self.order.visible(self.offset, height) {
            let Some(row) = self.order.key(index).and_then(|key| self.rows.get(&key)) else { continue };
            let area = area(self.order.top(index), ROW);
            let name = row.sender();
            for text in [name, row.subject.as_str(), &third_line(row, self.clock)] {
                operation.text(None, area, text);
            }
            if let Some(hint) = state.hint.as_ref().filter(|hint| hint.key == row.key) {
                hint.lines.iter().for_each(|(line, _)| operation.text(None, area, line));
            }
        }
    }
}

fn put(renderer: &mut Renderer, paragraph: &Paragraph, x: f32, middle: f32, size: f32, color: Color, clip: Rectangle) {
    let top = (middle - line_height(size) / 2.0).round();
    renderer.fill_paragraph(paragraph, Point::new(x, top), color, clip);
}

fn fill(renderer: &mut Renderer, bounds: Rectangle, border: Border, color: Color) {
    renderer.fill_quad(Quad { bounds, border, ..Quad::default() }, color);
}

/// The ground of a row; `here` where the keyboard is on it.
fn draw_ground(renderer: &mut Renderer, tokens: &Tokens, area: Rectangle, selected: bool, here: bool, hovered: bool) {
    if selected {
        fill(renderer, area, Border::default(), tokens.soft);
    } else if hovered {
        fill(renderer, area, Border::default(), Color { a: 0.03, ..tokens.ink });
    }
    if here {
        let ink = if selected { tokens.accent } else { tokens.faint };
        fill(renderer, Rectangle { width: 3.0, ..area }, Border::default(), ink);
    }
    let hairline = Rectangle { y: area.y + area.height - 1.0, height: 1.0, ..area };
    fill(renderer, hairline, Border::default(), tokens.line);
}

fn draw_row(
    renderer: &mut Renderer,
    tokens: &Tokens,
    area: Rectangle,
    clip: Rectangle,
    row: &Row,
    prepared: &Prepared,
    hovered: bool,
) {
    let [first, second, third] = LINES.map(|middle| area.y + middle);
    let left = area.x + LEFT;
    let right = area.x + area.width - RIGHT;
    if !row.marks.read {
        let dot = Rectangle { x: area.x + 11.0, y: first - 4.0, width: 8.0, height: 8.0 };
        fill(renderer, dot, border::rounded(4), tokens.accent);
    }
    // Over the ground of a hit the faintest ink would be too faint.
    let third_ink = if prepared.preview.1.is_empty() { tokens.faint } else { tokens.dim };
    for ((paragraph, hits), middle, size, ink) in [
        (&prepared.sender, first, size::BODY, tokens.ink),
        (&prepared.subject, second, size::BODY, tokens.ink),
        (&prepared.preview, third, size::SMALL, third_ink),
    ] {
        let corner = iced::Vector::new(left, (middle - line_height(size) / 2.0).round());
        for hit in hits {
            fill(renderer, *hit + corner, border::rounded(3), tokens.mark);
        }
        put(renderer, paragraph, left, middle, size, ink, clip);
    }
    if !hovered {
        put(renderer, &prepared.time, right - prepared.time.min_width(), first, size::SMALL, tokens.faint, clip);
    }
    let mut x = right - 3.0 * LIGHT_STEP + (LIGHT_STEP - LIGHT);
    for (place, lit) in (0_u8..).zip([row.on_server, true, row.in_backup.is_some()]) {
        draw_light(renderer, tokens, x + LIGHT_STEP * f32::from(place), third, lit);
    }
    x -= 8.0;
    for (glyph, starred) in &prepared.icons {
        x -= glyph.min_width();
        let color = if *starred { tokens.warn } else { tokens.dim };
        put(renderer, glyph, x, third, 13.0, color, clip);
        x -= 6.0;
    }
}

/// What the row under the mouse can be deleted with.
fn draw_trash(
    renderer: &mut Renderer,
    tokens: &Tokens,
    glyph: &Paragraph,
    row: Rectangle,
    clip: Rectangle,
    held: bool,
) {
    let area = trash(row);
    let color = if held { tokens.bad } else { tokens.dim };
    put(renderer, glyph, area.x + area.width - RIGHT - 15.0, row.y + 17.0, 15.0, color, clip);
}

/// A bubble over the lights, or under them where there is no room above.
fn draw_hint(renderer: &mut Renderer, tokens: &Tokens, bounds: Rectangle, hint: &Hint) {
    let step = line_height(size::SMALL) + 2.0;
    let widest = hint.lines.iter().map(|(_, line)| line.min_width()).fold(0.0, f32::max);
    #[allow(clippy::cast_precision_loss)]
    let tall = step * hint.lines.len() as f32 + 10.0;
    let above = hint.at.y - 12.0 - tall;
    let y = if above < bounds.y { hint.at.y + 12.0 } else { above };
    let bubble = Rectangle { x: hint.at.x - widest - 20.0, y, width: widest + 20.0, height: tall };
    fill(renderer, bubble, border::rounded(6), tokens.ink);
    let mut middle = y + 5.0 + step / 2.0;
    for (_, line) in &hint.lines {
        put(renderer, line, bubble.x + 10.0, middle, size::SMALL, tokens.card, bounds);
        middle += step;
    }
}

/// What the rows beside the scroll bar have in common, while it is dragged.
fn draw_bubble(renderer: &mut Renderer, tokens: &Tokens, bounds: Rectangle, thumb: Rectangle, words: &Paragraph) {
    let (width, height) = (words.min_width() + 24.0, 30.0);
    let middle = thumb.center_y().clamp(bounds.y + height / 2.0, bounds.y + bounds.height - height / 2.0).round();
    let bubble = Rectangle { x: (thumb.x - width - 10.0).round(), y: middle - height / 2.0, width, height };
    fill(renderer, bubble, border::rounded(8), tokens.ink);
    put(renderer, words, bubble.x + 12.0, middle, size::BODY, tokens.card, bounds);
}

/// One of the three lights: filled where a copy is, a ring where none is.
fn draw_light(renderer: &mut Renderer, tokens: &Tokens, x: f32, middle: f32, lit: bool) {
    let bounds = Rectangle { x, y: middle - LIGHT / 2.0, width: LIGHT, height: LIGHT };
    if lit {
        fill(renderer, bounds, border::rounded(LIGHT / 2.0), tokens.accent);
    } else {
        let ring = Border { color: tokens.faint, width: 1.0, radius: (LIGHT / 2.0).into() };
        fill(renderer, bounds, ring, Color::TRANSPARENT);
    }
}

/// A row whose text is on its way.
fn draw_awaited(renderer: &mut Renderer, tokens: &Tokens, area: Rectangle) {
    for (middle, width) in LINES.into_iter().zip([0.32, 0.6, 0.48]) {
        let bar = Rectangle {
            x: area.x + LEFT,
            y: area.y + middle - 4.0,
            width: (area.width - LEFT - RIGHT) * width,
            height: 8.0,
        };
        fill(renderer, bar, border::rounded(4), Color { a: 0.6, ..tokens.line });
    }
}
