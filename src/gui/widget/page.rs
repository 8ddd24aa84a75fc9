//! A page that was drawn from HTML: its strips at exact pixels, links under the mouse, text that is selected and copied.
//!
//! It draws what is painted and tells what of it is in sight; what is not painted yet has the colour of the page's ground.
//! A page wider than its place is moved sideways by the wheel with Shift, or a wheel that tilts.

pub mod text;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use iced::advanced::image::{FilterMethod, Handle, Image, Renderer as _};
use iced::advanced::widget::{Operation, Tree, tree};
use iced::advanced::{Clipboard, Layout, Renderer as _, Shell, Widget, clipboard, layout, mouse, renderer};
use iced::keyboard::{self, Key};
use iced::{Background, Color, Element, Event, Length, Point, Rectangle, Renderer, Size, Theme, Vector, border};

use crate::archive::Highlighter;
use crate::gui::theme;
use crate::gui::widget::select::{self, Place, Selection, Step};
use crate::render::Laid;
use text::Piece;

/// The ground of what was looked for, and of the place that is the current one. They lie over the words.
const MARKED: Color = Color::from_rgba8(255, 205, 0, 0.3);
const CURRENT: Color = Color::from_rgba8(255, 110, 0, 0.42);

/// Rows of pixels that are drawn as one picture: see [`Strip`].
const BAND: usize = 32;

/// A painted part of the page, cut into bands that are lower than what stands over the page in the window. So a band that
/// is in sight never begins above the window: there the renderer would round its place the other way, and a row of pixels
/// would be lost between two.
#[derive(Clone, Debug)]
pub struct Strip {
    bands: Vec<Handle>,
    /// In pixels of the screen.
    size: (u32, u32),
}

impl Strip {
    /// Of pixels in rows from the top, each red, green, blue, alpha. Copies them: not on the thread that draws.
    pub fn new(width: u32, height: u32, rgba: &[u8]) -> Strip {
        let row = (width as usize * 4).max(1);
        let band = |band: &[u8]| {
            #[allow(clippy::cast_possible_truncation)]
            let rows = (band.len() / row) as u32;
            Handle::from_rgba(width, rows, band.to_vec())
        };
        Strip { bands: rgba.chunks(row * BAND).map(band).collect(), size: (width, height) }
    }
}

/// What is shown.
#[derive(Clone, Copy)]
pub struct Drawn<'a> {
    pub laid: &'a Laid,
    /// By their number from the top.
    pub strips: &'a BTreeMap<usize, Strip>,
    /// The height of a strip in pixels of the screen.
    pub strip: u32,
    /// Pixels of the screen for each point.
    pub scale: f32,
    /// Places that were looked for.
    pub marks: &'a [Vec<Piece>],
    pub current: Option<usize>,
    /// Another number each time that the current mark is to be seen.
    pub turn: u64,
    /// Another layout has another number.
    pub revision: u64,
}

/// What a person does with it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Act {
    /// From here to there it is in sight.
    Seen(f32, f32),
    /// The link under the mouse, or none any more.
    Over(Option<usize>),
    Link(usize),
    /// To be scrolled by so much for the current mark, or the moving end of the selection, to be seen.
    Reveal(f32),
}

/// See the module.
pub struct Page<'a, Message> {
    drawn: Drawn<'a>,
    hits: Option<(&'a Highlighter, &'a str)>,
    on_act: Box<dyn Fn(Act) -> Message + 'a>,
}

pub fn page<'a, Message>(drawn: Drawn<'a>, on_act: impl Fn(Act) -> Message + 'a) -> Page<'a, Message> {
    Page { drawn, hits: None, on_act: Box::new(on_act) }
}

impl<'a, Message> Page<'a, Message> {
    /// Marks what a search hit.
    pub fn hits(self, highlighter: &'a Highlighter, query: &'a str) -> Self {
        Self { hits: (!highlighter.is_empty()).then_some((highlighter, query)), ..self }
    }
}

#[derive(Default)]
struct State {
    revision: u64,
    /// How far the page is moved to the left.
    x: f32,
    told: Option<(u64, f32, f32)>,
    selection: Selection,
    last_click: Option<mouse::Click>,
    pressed: Option<usize>,
    over: Option<usize>,
    /// The last turn that was followed.
    turned: u64,
    shift: bool,
    /// Where on the sideways bar the mouse holds it.
    held: Option<f32>,
    /// What the query hit in the runs that were in sight, each by its first line.
    hits: RefCell<(String, HashMap<usize, Vec<Piece>>)>,
}

impl<Message> Widget<Message, Theme, Renderer> for Page<'_, Message> {
    fn tag(&self) -> tree::Tag {
        tree::Tag::of::<State>()
    }

    fn state(&self) -> tree::State {
        tree::State::new(State::default())
    }

    fn size(&self) -> Size<Length> {
        Size::new(Length::Fill, Length::Shrink)
    }

    fn layout(&mut self, tree: &mut Tree, _renderer: &Renderer, limits: &layout::Limits) -> layout::Node {
        let state = tree.state.downcast_mut::<State>();
        if state.revision != self.drawn.revision {
            let (last_click, turned, shift) = (state.last_click, state.turned, state.shift);
            *state = State { revision: self.drawn.revision, last_click, turned, shift, ..State::default() };
        }
        let width = limits.max().width;
        state.x = state.x.clamp(0.0, (self.drawn.laid.width - width).max(0.0));
        layout::Node::new(Size::new(width, self.drawn.laid.height))
    }

    fn update(
        &mut self,
        tree: &mut Tree,
        event: &Event,
        layout: Layout<'_>,
        cursor: mouse::Cursor,
        _renderer: &Renderer,
        clipboard: &mut dyn Clipboard,
        shell: &mut Shell<'_, Message>,
        viewport: &Rectangle,
    ) {
        let state = tree.state.downcast_mut::<State>();
        let origin = layout.position() - Point::ORIGIN - Vector::new(state.x, 0.0);
        let inside = cursor.position_over(layout.bounds()).filter(|point| viewport.contains(*point));
        let seen = layout.bounds().intersection(viewport);
        match event {
            Event::Keyboard(keyboard::Event::ModifiersChanged(modifiers)) => state.shift = modifiers.shift(),
            Event::Mouse(mouse::Event::WheelScrolled { delta }) if inside.is_some() => {
                self.moves_sideways(state, *delta, layout.bounds().width, shell);
            }
            Event::Mouse(mouse::Event::CursorMoved { .. } | mouse::Event::CursorLeft) => {
                self.hovers(state, inside.map(|point| point - origin), shell);
                if let (Some(point), Some(seen), true) = (cursor.position(), seen, state.held.is_some()) {
                    self.drags_bar(state, point, seen);
                    shell.request_redraw();
                } else if let (Some(point), true) = (cursor.position(), state.selection.is_dragged()) {
                    state.selection.to(text::place_at(self.drawn.laid, point - origin));
                    shell.request_redraw();
                }
            }
            Event::Mouse(mouse::Event::ButtonPressed(mouse::Button::Left)) => {
                match inside {
                    Some(point) if seen.is_some_and(|seen| self.takes_bar(state, point, seen)) => {
                        shell.capture_event();
                    }
                    Some(point) => {
                        self.presses(state, point - origin);
                        shell.capture_event();
                    }
                    None => state.selection.clear(),
                }
                shell.request_redraw();
            }
            Event::Mouse(mouse::Event::ButtonReleased(mouse::Button::Left)) => {
                state.selection.drop();
                if state.held.take().is_some() {
                    shell.request_redraw();
                }
                let under = inside.and_then(|point| text::link_at(self.drawn.laid, point - origin));
                let pressed = state.pressed.take();
                if let Some(link) = pressed.filter(|_| pressed == under && state.selection.is_empty()) {
                    shell.publish((self.on_act)(Act::Link(link)));
                }
            }
            Event::Keyboard(keyboard::Event::KeyPressed { key: Key::Character(letter), modifiers, .. })
                if modifiers.command() =>
            {
                self.typed(state, letter, clipboard, shell);
            }
            Event::Keyboard(keyboard::Event::KeyPressed { key, modifiers, .. }) if !shell.is_event_captured() => {
                if let (Some(head), Some((step, on))) = (state.selection.head(), select::step(key, *modifiers)) {
                    self.extends(state, head, step, on);
                    self.follows(state, layout.bounds(), viewport, shell);
                    shell.capture_event();
                    shell.request_redraw();
                }
            }
            Event::Window(iced::window::Event::RedrawRequested(_)) => {
                self.hovers(state, inside.map(|point| point - origin), shell);
                self.tells(state, layout.bounds(), viewport, shell);
                self.reveals(state, layout.bounds(), viewport, shell);
            }
            _ => {}
        }
    }

    fn mouse_interaction(
        &self,
        tree: &Tree,
        layout: Layout<'_>,
        cursor: mouse::Cursor,
        viewport: &Rectangle,
        _renderer: &Renderer,
    ) -> mouse::Interaction {
        let state = tree.state.downcast_ref::<State>();
        let inside = cursor.position_over(layout.bounds()).filter(|point| viewport.contains(*point));
        if state.held.is_some() {
            return mouse::Interaction::Grabbing;
        }
        let Some(point) = inside else { return mouse::Interaction::None };
        let seen = layout.bounds().intersection(viewport);
        if seen.and_then(|seen| self.bar(state, seen)).is_some_and(|bar| point.y >= bar.y - 4.0) {
            return mouse::Interaction::Idle;
        }
        let point = point - (layout.position() - Point::ORIGIN - Vector::new(state.x, 0.0));
        if text::link_at(self.drawn.laid, point).is_some() && state.selection.is_empty() {
            return mouse::Interaction::Pointer;
        }
        let over_text = self.drawn.laid.lines.iter().any(|line| text::rectangle(line.area).contains(point));
        if over_text || state.selection.is_dragged() { mouse::Interaction::Text } else { mouse::Interaction::None }
    }

    fn draw(
        &self,
        tree: &Tree,
        renderer: &mut Renderer,
        theme: &Theme,
        _style: &renderer::Style,
        layout: Layout<'_>,
        _cursor: mouse::Cursor,
        viewport: &Rectangle,
    ) {
        let state = tree.state.downcast_ref::<State>();
        let Some(seen) = layout.bounds().intersection(viewport) else { return };
        let origin = layout.position() - Point::ORIGIN - Vector::new(state.x, 0.0);
        let [red, green, blue] = self.drawn.laid.ground;
        renderer.with_layer(seen, |renderer| {
            fill(renderer, seen, Color::from_rgb8(red, green, blue));
            self.draw_strips(renderer, origin, seen);
        });
        // Pictures are drawn over what is filled in the same layer.
        renderer.with_layer(seen, |renderer| self.draw_marks(renderer, theme, state, origin, seen));
    }

    fn operate(&mut self, _tree: &mut Tree, layout: Layout<'_>, _renderer: &Renderer, operation: &mut dyn Operation) {
        let origin = layout.position() - Point::ORIGIN;
        for line in &self.drawn.laid.lines {
            operation.text(None, text::rectangle(line.area) + origin, line.text.trim());
        }
        for link in &self.drawn.laid.links {
            if let Some(area) = link.areas.first() {
                operation.text(None, text::rectangle(*area) + origin, &link.text);
            }
        }
    }
}

impl<Message> Page<'_, Message> {
    fn draw_strips(&self, renderer: &mut Renderer, origin: Vector, seen: Rectangle) {
        let scale = self.drawn.scale;
        // On whole pixels, and a little further in: the renderer cuts what is behind the point. Not by a quarter: where
        // the screen has 1.25 pixels for a point the scrolled page stands on quarters.
        let inside = |pixels: f32| (pixels + 0.13_f32.copysign(pixels)) / scale;
        let (left, top) = ((origin.x * scale).round(), (origin.y * scale).round());
        for (number, strip) in self.drawn.strips {
            for (band, handle) in strip.bands.iter().enumerate() {
                let row = *number * self.drawn.strip as usize + band * BAND;
                let rows = BAND.min((strip.size.1 as usize).saturating_sub(band * BAND));
                #[allow(clippy::cast_precision_loss)]
                let (row, size) = (row as f32, Size::new(strip.size.0 as f32 / scale, rows as f32 / scale));
                let bounds = Rectangle::new(Point::new(inside(left), inside(top + row)), size);
                if bounds.intersects(&seen) {
                    let picture = Image { filter_method: FilterMethod::Nearest, ..Image::new(handle.clone()) };
                    renderer.draw_image(picture, bounds, seen);
                }
            }
        }
    }

    /// What was looked for, what is selected, and at the foot how far a wide page is moved.
    fn draw_marks(&self, renderer: &mut Renderer, theme: &Theme, state: &State, origin: Vector, seen: Rectangle) {
        let (laid, tokens) = (self.drawn.laid, theme::tokens(theme));
        self.draw_hits(renderer, state, origin, seen);
        for (number, pieces) in self.drawn.marks.iter().enumerate() {
            let is_current = self.drawn.current == Some(number);
            let ground = if is_current { CURRENT } else { MARKED };
            for bounds in pieces.iter().flat_map(|piece| text::places(laid, piece)) {
                fill(renderer, bounds + origin, ground);
            }
        }
        if let Some((from, to)) = state.selection.ends() {
            let ground = Color { a: 0.35, ..tokens.accent };
            for (number, line) in laid.lines.iter().enumerate().take(to.line + 1).skip(from.line) {
                if !(text::rectangle(line.area) + origin).intersects(&seen) {
                    continue;
                }
                let Some(octets) = state.selection.within(number, line.text.len()) else { continue };
                for bounds in text::places(laid, &text::characters(laid, number, &octets)) {
                    fill(renderer, bounds + origin, ground);
                }
            }
        }
        if let Some(bar) = self.bar(state, seen) {
            let ink = if state.held.is_some() { tokens.dim } else { tokens.faint };
            let quad = renderer::Quad { bounds: bar, border: border::rounded(3.0), ..renderer::Quad::default() };
            renderer.fill_quad(quad, Background::Color(Color { a: 0.7, ..ink }));
        }
    }

    /// What was searched for, of the lines that are in sight.
    fn draw_hits(&self, renderer: &mut Renderer, state: &State, origin: Vector, seen: Rectangle) {
        let Some((highlighter, query)) = self.hits else { return };
        let laid = self.drawn.laid;
        let mut known = state.hits.borrow_mut();
        if known.0 != query {
            *known = (query.to_owned(), HashMap::new());
        }
        for run in text::runs(laid) {
            let mut lines = laid.lines.get(run.clone()).unwrap_or_default().iter();
            if lines.any(|line| (text::rectangle(line.area) + origin).intersects(&seen)) {
                let hits = known.1.entry(run.start).or_insert_with(|| text::hits(laid, run, highlighter));
                for bounds in hits.iter().flat_map(|piece| text::places(laid, piece)) {
                    fill(renderer, bounds + origin, MARKED);
                }
            }
        }
    }

    /// The sideways bar of a page that is wider than its place, at the foot of what is seen of it.
    fn bar(&self, state: &State, seen: Rectangle) -> Option<Rectangle> {
        let width = self.drawn.laid.width;
        (width > seen.width + 1.0).then(|| {
            let part = seen.width / width;
            let left = seen.x + state.x * part;
            Rectangle::new(Point::new(left, seen.y + seen.height - 9.0), Size::new(seen.width * part, 7.0))
        })
    }

    /// Takes the sideways bar where the mouse is on it; a press beside it brings it there.
    fn takes_bar(&self, state: &mut State, point: Point, seen: Rectangle) -> bool {
        let Some(bar) = self.bar(state, seen).filter(|bar| point.y >= bar.y - 4.0 && seen.contains(point)) else {
            return false;
        };
        let on_it = point.x >= bar.x && point.x <= bar.x + bar.width;
        state.held = Some(if on_it { point.x - bar.x } else { bar.width / 2.0 });
        self.drags_bar(state, point, seen);
        true
    }

    fn drags_bar(&self, state: &mut State, point: Point, seen: Rectangle) {
        let Some(held) = state.held else { return };
        let width = self.drawn.laid.width;
        state.x = ((point.x - held - seen.x) / seen.width * width).clamp(0.0, (width - seen.width).max(0.0));
    }

    fn moves_sideways(&self, state: &mut State, delta: mouse::ScrollDelta, width: f32, shell: &mut Shell<'_, Message>) {
        let most = (self.drawn.laid.width - width).max(0.0);
        let (x, y) = match delta {
            mouse::ScrollDelta::Lines { x, y } => (x * 60.0, y * 60.0),
            mouse::ScrollDelta::Pixels { x, y } => (x, y),
        };
        let by = if state.shift { x + y } else { x };
        if most > 0.0 && (state.shift || x.abs() > y.abs()) {
            state.x = (state.x - by).clamp(0.0, most);
            shell.capture_event();
            shell.request_redraw();
        }
    }

    fn hovers(&self, state: &mut State, point: Option<Point>, shell: &mut Shell<'_, Message>) {
        let over = point.and_then(|point| text::link_at(self.drawn.laid, point));
        if over != state.over {
            state.over = over;
            shell.publish((self.on_act)(Act::Over(over)));
        }
    }

    fn presses(&self, state: &mut State, point: Point) {
        let laid = self.drawn.laid;
        let click = mouse::Click::new(point, mouse::Button::Left, state.last_click);
        let at = text::place_at(laid, point);
        match click.kind() {
            mouse::click::Kind::Single => state.selection.begin(at),
            mouse::click::Kind::Double => state.selection.word(at, laid),
            mouse::click::Kind::Triple => state.selection.line(at, laid),
        }
        state.last_click = Some(click);
        state.pressed = text::link_at(laid, point);
    }

    fn typed(&self, state: &mut State, letter: &str, clipboard: &mut dyn Clipboard, shell: &mut Shell<'_, Message>) {
        match letter {
            "c" if !state.selection.is_empty() => {
                clipboard.write(clipboard::Kind::Standard, text::copied(self.drawn.laid, &state.selection));
                shell.capture_event();
            }
            "a" if state.selection.head().is_some() => {
                state.selection.all(self.drawn.laid);
                shell.capture_event();
                shell.request_redraw();
            }
            _ => {}
        }
    }

    /// A key moves the end of what is selected.
    fn extends(&self, state: &mut State, head: Place, step: Step, on: bool) {
        let laid = self.drawn.laid;
        let goal = state.selection.goal.unwrap_or_else(|| text::caret(laid, head));
        let ahead = on != text::runs_left(laid, head.line);
        let to = match step {
            Step::Letter => select::letter(laid, head, ahead),
            Step::Word => select::word(laid, head, ahead),
            Step::Row => match text::row_beside(laid, head.line, goal, on) {
                Some(to) => to,
                None if on => select::end(laid),
                None => Place::default(),
            },
            Step::Edge => Place { octet: if on { select::Lines::text(laid, head.line).len() } else { 0 }, ..head },
            Step::All if on => select::end(laid),
            Step::All => Place::default(),
        };
        state.selection.to(to);
        state.selection.goal = (step == Step::Row).then_some(goal);
    }

    /// Asks to be scrolled where keys brought the end of what is selected out of sight.
    fn follows(&self, state: &mut State, bounds: Rectangle, viewport: &Rectangle, shell: &mut Shell<'_, Message>) {
        let laid = self.drawn.laid;
        let Some(head) = state.selection.head() else { return };
        let Some(line) = laid.lines.get(head.line) else { return };
        let x = text::caret(laid, head);
        if x < state.x || x > state.x + bounds.width {
            state.x = (x - bounds.width / 2.0).clamp(0.0, (laid.width - bounds.width).max(0.0));
        }
        let row = Rectangle { y: bounds.y + line.area.top, height: line.area.height, ..bounds };
        if let Some(by) = select::out_of_sight(row, viewport) {
            shell.publish((self.on_act)(Act::Reveal(by)));
        }
    }

    /// Tells what is in sight, when that is something else.
    fn tells(&self, state: &mut State, bounds: Rectangle, viewport: &Rectangle, shell: &mut Shell<'_, Message>) {
        let top = (viewport.y - bounds.y).max(0.0);
        let bottom = (viewport.y + viewport.height - bounds.y).min(bounds.height);
        let now = (self.drawn.revision, top, bottom.max(top));
        if state.told != Some(now) {
            state.told = Some(now);
            shell.publish((self.on_act)(Act::Seen(now.1, now.2)));
        }
    }

    /// Asks to be scrolled when another mark is the current one and is out of sight.
    fn reveals(&self, state: &mut State, bounds: Rectangle, viewport: &Rectangle, shell: &mut Shell<'_, Message>) {
        if std::mem::replace(&mut state.turned, self.drawn.turn) == self.drawn.turn {
            return;
        }
        let Some(current) = self.drawn.current else { return };
        let first = self.drawn.marks.get(current).and_then(|pieces| pieces.first());
        let Some(place) = first.and_then(|piece| text::places(self.drawn.laid, piece).first().copied()) else { return };
        if place.x < state.x || place.x + place.width > state.x + bounds.width {
            let most = (self.drawn.laid.width - bounds.width).max(0.0);
            state.x = (place.x - bounds.width / 3.0).clamp(0.0, most);
            shell.request_redraw();
        }
        let y = bounds.y + place.y;
        if y < viewport.y + 24.0 || y + place.height > viewport.y + viewport.height - 40.0 {
            shell.publish((self.on_act)(Act::Reveal(y - viewport.y - viewport.height / 3.0)));
        }
    }
}

fn fill(renderer: &mut Renderer, bounds: Rectangle, color: Color) {
    let quad = renderer::Quad { bounds, ..renderer::Quad::default() };
    renderer.fill_quad(quad, Background::Color(color));
}

impl<'a, Message: 'a> From<Page<'a, Message>> for Element<'a, Message> {
    fn from(page: Page<'a, Message>) -> Self {
        Element::new(page)
    }
}
