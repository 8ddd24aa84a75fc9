//! Text that is read: lines that can be selected and copied as one, with links, folded parts, levels of quotation and marks.
//!
//! iced's editor selects and copies too, but neither tells what lies under the mouse nor folds, and its rich text cannot be
//! selected. Here each line is one laid-out paragraph, kept until text, width or font change; only what is in sight is drawn.
//! What is shown belongs to a [`Page`], which the caller makes; what was selected is the widget's own.

mod laid;

use std::cell::{Cell, RefCell};
use std::ops::Range;

use iced::advanced::text::{Alignment, LineHeight, Paragraph as _, Renderer as _, Shaping, Span, Text, Wrapping};
use iced::advanced::widget::{Operation, Tree, tree};
use iced::advanced::{Clipboard, Layout, Renderer as _, Shell, Widget, clipboard, layout, mouse, renderer};
use iced::keyboard::{self, Key};
use iced::{
    Background, Color, Element, Event, Font, Length, Pixels, Point, Rectangle, Renderer, Size, Theme, Vector,
    alignment, border,
};

use crate::archive::{Field, Highlighter};
use crate::gui::theme::{self, Tokens, size};
use crate::gui::widget::line::Paragraph;
use crate::gui::widget::select::{self, Lines, Place, Selection, Step};
use laid::{Laid, at};

/// The height of a line, in text sizes.
const LEADING: f32 = 1.55;
/// How far a level of quotation stands in.
const INDENT: f32 = 14.0;
/// Around the words that fold.
const CHIP: f32 = 7.0;

/// How a line is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ink {
    #[default]
    Plain,
    Dim,
    /// Words that fold and unfold something.
    Fold(usize),
}

/// One line of a [`Page`], without a line end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    pub text: String,
    /// Levels of quotation.
    pub level: u8,
    pub ink: Ink,
    /// Where links stand, and their numbers.
    pub links: Vec<(Range<usize>, usize)>,
}

/// What is shown. A new revision is laid out anew.
#[derive(Clone, Debug, Default)]
pub struct Page {
    pub lines: Vec<Line>,
    /// Places that were looked for: their lines, and where in them.
    pub marks: Vec<(usize, Range<usize>)>,
    /// The mark that stands out.
    pub current: Option<usize>,
    revision: u64,
    /// Another number each time that the current mark is to be seen.
    turn: u64,
}

impl Page {
    /// Other lines; marks are to be placed anew.
    pub fn replace(&mut self, lines: Vec<Line>) {
        self.lines = lines;
        self.marks.clear();
        self.revision = another();
    }

    /// The current mark is to be seen.
    pub fn turn(&mut self) {
        self.turn = another();
    }
}

/// A number that was not there before.
pub fn another() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::Relaxed) + 1
}

/// What a person does with it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Act {
    /// The link under the mouse, or none any more.
    Over(Option<usize>),
    Link(usize),
    Fold(usize),
    /// The page is to be scrolled by so much for the current mark, or the moving end of the selection, to be seen.
    Reveal(f32),
}

/// See the module.
pub struct Prose<'a, Message> {
    page: &'a Page,
    font: Font,
    size: f32,
    hits: Option<(&'a Highlighter, &'a str)>,
    on_act: Box<dyn Fn(Act) -> Message + 'a>,
}

pub fn prose<'a, Message>(page: &'a Page, on_act: impl Fn(Act) -> Message + 'a) -> Prose<'a, Message> {
    Prose { page, font: theme::REGULAR, size: size::READING, hits: None, on_act: Box::new(on_act) }
}

impl<'a, Message> Prose<'a, Message> {
    pub fn font(self, font: Font) -> Self {
        Self { font, ..self }
    }

    pub fn size(self, size: f32) -> Self {
        Self { size, ..self }
    }

    /// Marks what a search hit.
    pub fn hits(self, highlighter: &'a Highlighter, query: &'a str) -> Self {
        Self { hits: (!highlighter.is_empty()).then_some((highlighter, query)), ..self }
    }

    fn line_height(&self) -> f32 {
        (self.size * LEADING).round()
    }

    fn paragraph(&self, line: &Line, width: f32, tokens: &Tokens) -> Paragraph {
        let size = if matches!(line.ink, Ink::Fold(_)) { size::SMALL } else { self.size };
        let font = if matches!(line.ink, Ink::Fold(_)) { theme::MEDIUM } else { self.font };
        let mut spans: Vec<Span<'_>> = Vec::new();
        let mut at = 0;
        let piece = |range: Range<usize>| Span::new(line.text.get(range).unwrap_or_default());
        for (range, _) in &line.links {
            spans.push(piece(at..range.start));
            spans.push(piece(range.clone()).color(tokens.accent));
            at = range.end;
        }
        spans.push(piece(at..line.text.len()));
        let text = |bounds| Text {
            content: (),
            bounds,
            size: Pixels(size),
            line_height: LineHeight::Absolute(Pixels(self.line_height())),
            font,
            align_x: Alignment::Default,
            align_y: alignment::Vertical::Top,
            shaping: Shaping::Auto,
            wrapping: Wrapping::WordOrGlyph,
        };
        let text = text(Size::new(width, f32::INFINITY));
        if line.links.is_empty() {
            return Paragraph::with_text(text.with_content(line.text.as_str()));
        }
        Paragraph::with_spans(text.with_content(spans.as_slice()))
    }

    /// The link or fold at a point of the text.
    fn under(&self, state: &State, point: Point) -> Option<Under> {
        let laid = state.laid.borrow();
        let place = at(&laid, point.y)?;
        let (line, laid) = (self.page.lines.get(place)?, laid.get(place)?);
        if let Ink::Fold(block) = line.ink {
            return laid.inner().expand(4.0).contains(point).then_some(Under::Fold(block));
        }
        let within = |range: &Range<usize>| laid.places(range).iter().any(|bounds| bounds.contains(point));
        line.links.iter().find(|(range, _)| within(range)).map(|(_, link)| Under::Link(*link))
    }
}

/// How far a line begins from the left.
fn stands_in(line: &Line) -> f32 {
    if matches!(line.ink, Ink::Fold(_)) { CHIP } else { f32::from(line.level) * INDENT }
}

/// The width there is for a line.
fn room(line: &Line, width: f32) -> f32 {
    (width - stands_in(line)).max(40.0)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Under {
    Link(usize),
    Fold(usize),
}

#[derive(Default)]
struct State {
    made_for: Option<(u64, f32, Font, f32, String)>,
    laid: RefCell<Vec<Laid>>,
    dark: Cell<bool>,
    height: f32,
    selection: Selection,
    last_click: Option<mouse::Click>,
    pressed: Option<Under>,
    over: Option<Under>,
    /// The last turn that was followed.
    turned: u64,
}

impl<Message> Widget<Message, Theme, Renderer> for Prose<'_, Message> {
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
        let width = limits.max().width;
        let query = self.hits.map_or("", |(_, query)| query);
        let fresh = state.made_for.as_ref().is_some_and(|(revision, made, font, size, sought)| {
            (*revision, *made, *font, *size) == (self.page.revision, width, self.font, self.size) && sought == query
        });
        if !fresh {
            if state.made_for.as_ref().is_some_and(|made| made.0 != self.page.revision) {
                state.selection.clear();
                state.over = None;
            }
            state.made_for = Some((self.page.revision, width, self.font, self.size, query.to_owned()));
            self.lay_out(state, width);
        }
        layout::Node::new(Size::new(width, state.height))
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
        let origin = layout.position() - Point::ORIGIN;
        let inside = cursor.position_over(layout.bounds()).filter(|point| viewport.contains(*point));
        match event {
            Event::Mouse(
                mouse::Event::CursorMoved { .. } | mouse::Event::WheelScrolled { .. } | mouse::Event::CursorLeft,
            ) => {
                self.hovers(state, inside.map(|point| point - origin), shell);
                if let Some(point) = cursor.position().filter(|_| state.selection.is_dragged()) {
                    let to = place(&state.laid.borrow(), point - origin);
                    state.selection.to(to);
                    shell.request_redraw();
                }
            }
            Event::Mouse(mouse::Event::ButtonPressed(mouse::Button::Left)) => match inside {
                Some(point) => {
                    self.presses(state, point - origin, shell);
                    shell.capture_event();
                }
                None if !state.selection.is_empty() => {
                    state.selection.clear();
                    shell.request_redraw();
                }
                None => state.selection.clear(),
            },
            Event::Mouse(mouse::Event::ButtonReleased(mouse::Button::Left)) => {
                state.selection.drop();
                let pressed = state.pressed.take();
                let under = inside.and_then(|point| self.under(state, point - origin));
                if let Some(under) = pressed.filter(|_| pressed == under && state.selection.is_empty()) {
                    shell.publish((self.on_act)(match under {
                        Under::Link(link) => Act::Link(link),
                        Under::Fold(block) => Act::Fold(block),
                    }));
                }
            }
            Event::Keyboard(keyboard::Event::KeyPressed { key: Key::Character(letter), modifiers, .. })
                if modifiers.command() =>
            {
                if letter.as_str() == "c" && !state.selection.is_empty() {
                    clipboard.write(clipboard::Kind::Standard, copied(&self.page.lines, &state.selection));
                    shell.capture_event();
                } else if letter.as_str() == "a" && state.selection.head().is_some() {
                    state.selection.all(&self.page.lines);
                    shell.capture_event();
                    shell.request_redraw();
                }
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
        let Some(point) = inside else { return mouse::Interaction::None };
        match self.under(state, point - (layout.position() - Point::ORIGIN)) {
            Some(_) if !state.selection.is_dragged() || state.selection.is_empty() => mouse::Interaction::Pointer,
            _ => mouse::Interaction::Text,
        }
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
        let tokens = theme::tokens(theme);
        self.recolour(state, tokens);
        let Some(seen) = layout.bounds().intersection(viewport) else { return };
        let origin = layout.position() - Point::ORIGIN;
        let laid = state.laid.borrow();
        let first = at(&laid, seen.y - origin.y).unwrap_or(0);
        let lines = self.page.lines.iter().zip(laid.iter()).enumerate().skip(first);
        renderer.with_layer(seen, |renderer| {
            for (place, (line, laid)) in lines.take_while(|(_, (_, laid))| laid.top + origin.y < seen.y + seen.height) {
                self.draw_ground(renderer, tokens, state, place, line, laid, origin);
                let ink = match line.ink {
                    Ink::Plain if line.level == 0 => tokens.ink,
                    _ => tokens.dim,
                };
                let top = if matches!(line.ink, Ink::Fold(_)) { 1.0 } else { 0.0 };
                let position = Point::new(laid.left, laid.top + top) + origin;
                renderer.fill_paragraph(&laid.paragraph, position, ink, seen);
            }
        });
    }

    fn operate(&mut self, tree: &mut Tree, layout: Layout<'_>, _renderer: &Renderer, operation: &mut dyn Operation) {
        let state = tree.state.downcast_ref::<State>();
        let origin = layout.position() - Point::ORIGIN;
        for (line, laid) in self.page.lines.iter().zip(state.laid.borrow().iter()) {
            operation.text(None, laid.inner() + origin, &line.text);
            for (range, _) in &line.links {
                if let (Some(bounds), Some(text)) = (laid.places(range).first(), line.text.get(range.clone())) {
                    operation.text(None, *bounds + origin, text);
                }
            }
        }
    }
}

impl<Message> Prose<'_, Message> {
    fn lay_out(&self, state: &mut State, width: f32) {
        let tokens = if state.dark.get() { &theme::DARK } else { &theme::LIGHT };
        let mut top = 0.0;
        let mut laid = Vec::with_capacity(self.page.lines.len());
        for (line, hits) in self.page.lines.iter().zip(self.hits_by_line()) {
            let room = room(line, width);
            let paragraph = self.paragraph(line, room, tokens);
            let height = paragraph.min_height().max(self.line_height());
            let mut one = Laid { paragraph, top, left: stands_in(line), height, hits };
            // What runs from right to left begins at the right (UAX 9: by its first strong letter).
            if one.runs_left() {
                one.left += (room - one.paragraph.min_width()).max(0.0);
            }
            laid.push(one);
            top += height;
        }
        state.height = top;
        state.laid.replace(laid);
    }

    /// What the search hit of each line: words in a row may go on in the next one.
    fn hits_by_line(&self) -> Vec<Vec<Range<usize>>> {
        let mut by_line = vec![Vec::new(); self.page.lines.len()];
        let Some((highlighter, _)) = self.hits else { return by_line };
        let texts: Vec<&str> = self.page.lines.iter().map(|line| line.text.as_str()).collect();
        let mut hits = highlighter.ranges(Field::Body, &texts.join("\n")).into_iter().peekable();
        let mut start = 0;
        for (text, of_line) in texts.into_iter().zip(&mut by_line) {
            let end = start + text.len();
            while let Some(hit) = hits.next_if(|hit| hit.end <= end) {
                of_line.push(hit.start.max(start) - start..hit.end - start);
            }
            if let Some(hit) = hits.peek().filter(|hit| hit.start < end) {
                of_line.push(hit.start.max(start) - start..text.len());
            }
            start = end + 1;
        }
        by_line
    }

    /// Links are coloured while they are laid out: another theme lays them out anew, in the same places.
    fn recolour(&self, state: &State, tokens: &'static Tokens) {
        let dark = *tokens == theme::DARK;
        if state.dark.replace(dark) == dark {
            return;
        }
        let Some((_, width, ..)) = &state.made_for else { return };
        for (line, laid) in self.page.lines.iter().zip(state.laid.borrow_mut().iter_mut()) {
            if !line.links.is_empty() {
                laid.paragraph = self.paragraph(line, room(line, *width), tokens);
            }
        }
    }

    fn hovers(&self, state: &mut State, point: Option<Point>, shell: &mut Shell<'_, Message>) {
        let over = point.and_then(|point| self.under(state, point));
        if over == state.over {
            return;
        }
        let link = |under: Option<Under>| match under {
            Some(Under::Link(link)) => Some(link),
            _ => None,
        };
        if link(over) != link(state.over) {
            shell.publish((self.on_act)(Act::Over(link(over))));
        }
        state.over = over;
        shell.request_redraw();
    }

    fn presses(&self, state: &mut State, point: Point, shell: &mut Shell<'_, Message>) {
        let click = mouse::Click::new(point, mouse::Button::Left, state.last_click);
        let at = place(&state.laid.borrow(), point);
        match click.kind() {
            mouse::click::Kind::Single => state.selection.begin(at),
            mouse::click::Kind::Double => state.selection.word(at, &self.page.lines),
            mouse::click::Kind::Triple => state.selection.line(at, &self.page.lines),
        }
        state.last_click = Some(click);
        state.pressed = self.under(state, point);
        shell.request_redraw();
    }

    /// A key moves the end of what is selected.
    fn extends(&self, state: &mut State, head: Place, step: Step, on: bool) {
        let lines = &self.page.lines;
        let laid = state.laid.borrow();
        let Some(line) = laid.get(head.line) else { return };
        let caret = line.caret(head.octet);
        let goal = state.selection.goal.unwrap_or(caret.x);
        let ahead = on != line.runs_left();
        let to = match step {
            Step::Letter => select::letter(lines, head, ahead),
            Step::Word => select::word(lines, head, ahead),
            Step::Row => {
                let y = caret.y + if on { self.line_height() } else { -self.line_height() };
                match y {
                    y if y < 0.0 => Place::default(),
                    y if y > state.height => select::end(lines),
                    y => place(&laid, Point::new(goal, y)),
                }
            }
            Step::Edge => {
                // The end of a row that runs to the left is at its left.
                let far = if ahead { 1e6 } else { -1e6 };
                let octet = line.octet(Point::new(far, caret.y));
                let text = lines.text(head.line).get(..octet).unwrap_or_default();
                // The blank at which a row is full is not gone over: behind it the next row begins.
                let is_full = on && octet < lines.text(head.line).len();
                Place { octet: if is_full { text.trim_end().len() } else { octet }, ..head }
            }
            Step::All if on => select::end(lines),
            Step::All => Place::default(),
        };
        drop(laid);
        state.selection.to(to);
        state.selection.goal = (step == Step::Row).then_some(goal);
    }

    /// Asks to be scrolled where keys brought the end of what is selected out of sight.
    fn follows(&self, state: &State, bounds: Rectangle, viewport: &Rectangle, shell: &mut Shell<'_, Message>) {
        let laid = state.laid.borrow();
        let Some(head) = state.selection.head() else { return };
        let Some(caret) = laid.get(head.line).map(|line| line.caret(head.octet)) else { return };
        let row = Rectangle { y: bounds.y + caret.y - self.line_height() / 2.0, height: self.line_height(), ..bounds };
        if let Some(by) = select::out_of_sight(row, viewport) {
            shell.publish((self.on_act)(Act::Reveal(by)));
        }
    }

    /// Asks to be scrolled when another mark is the current one and is out of sight.
    fn reveals(&self, state: &mut State, bounds: Rectangle, viewport: &Rectangle, shell: &mut Shell<'_, Message>) {
        if std::mem::replace(&mut state.turned, self.page.turn) == self.page.turn {
            return;
        }
        let Some(current) = self.page.current else { return };
        let laid = state.laid.borrow();
        let Some((line, range)) = self.page.marks.get(current) else { return };
        let Some(place) = laid.get(*line).and_then(|laid| laid.places(range).first().copied()) else { return };
        let y = bounds.y + place.y;
        if y < viewport.y + 24.0 || y + place.height > viewport.y + viewport.height - 40.0 {
            shell.publish((self.on_act)(Act::Reveal(y - viewport.y - viewport.height / 3.0)));
        }
    }

    /// What lies under a line: bars of quotation, a fold's ground, marks, what is selected, the line under a link.
    #[allow(clippy::too_many_arguments)]
    fn draw_ground(
        &self,
        renderer: &mut Renderer,
        tokens: &Tokens,
        state: &State,
        place: usize,
        line: &Line,
        laid: &Laid,
        origin: Vector,
    ) {
        for level in 0..line.level {
            let x = f32::from(level) * INDENT;
            fill(
                renderer,
                Rectangle::new(Point::new(x, laid.top), Size::new(2.0, laid.height)) + origin,
                tokens.line,
                0.0,
            );
        }
        if let Ink::Fold(block) = line.ink {
            let ground = laid.inner() + origin;
            let ground = Rectangle { x: ground.x - CHIP, width: ground.width + 2.0 * CHIP, ..ground };
            let hovered = state.over == Some(Under::Fold(block));
            fill(renderer, ground.shrink([2.0, 0.0]), if hovered { tokens.soft } else { tokens.bg }, 6.0);
        }
        for bounds in laid.hits.iter().flat_map(|hit| laid.places(hit)) {
            fill(renderer, (bounds + origin).shrink([2.0, 0.0]), tokens.mark, 2.0);
        }
        let first = self.page.marks.partition_point(|(line, _)| *line < place);
        for (index, (_, range)) in
            self.page.marks.iter().enumerate().skip(first).take_while(|(_, (line, _))| *line == place)
        {
            let is_current = self.page.current == Some(index);
            let border = if is_current { theme::chosen_mark(tokens) } else { border::rounded(2) };
            for bounds in laid.places(range) {
                let bounds = (bounds + origin).shrink([2.0, 0.0]);
                let quad = renderer::Quad { bounds, border, ..renderer::Quad::default() };
                renderer.fill_quad(quad, Background::Color(tokens.mark));
            }
        }
        if let Some(range) = state.selection.within(place, line.text.len()) {
            let mut bounds = laid.places(&range);
            if bounds.is_empty() {
                bounds.push(Rectangle { width: 5.0, ..laid.inner() });
            }
            for bounds in bounds {
                fill(renderer, bounds + origin, theme::selected(tokens), 0.0);
            }
        }
        if let Some(Under::Link(link)) = state.over
            && let Some((range, _)) = line.links.iter().find(|(_, number)| *number == link)
        {
            for bounds in laid.places(range) {
                let under = Rectangle { y: bounds.y + bounds.height * 0.8, height: 1.0, ..bounds };
                fill(renderer, under + origin, tokens.accent, 0.0);
            }
        }
    }
}

fn place(laid: &[Laid], point: Point) -> Place {
    let line = at(laid, point.y.max(0.0)).unwrap_or(0);
    Place { line, octet: laid.get(line).map_or(0, |laid| laid.octet(point)) }
}

impl Lines for Vec<Line> {
    fn count(&self) -> usize {
        self.len()
    }

    fn text(&self, line: usize) -> &str {
        self.get(line).map_or("", |line| line.text.as_str())
    }
}

/// The selected text; lines that are quoted have their signs again.
fn copied(lines: &[Line], selection: &Selection) -> String {
    let Some((from, to)) = selection.ends() else { return String::new() };
    let mut out = Vec::new();
    for (place, line) in lines.iter().enumerate().take(to.line + 1).skip(from.line) {
        let range = selection.within(place, line.text.len()).unwrap_or(0..0);
        let whole = range.start == 0 && from.line != to.line;
        let signs = if whole && line.level > 0 { format!("{} ", ">".repeat(line.level.into())) } else { String::new() };
        out.push(format!("{signs}{}", line.text.get(range).unwrap_or_default()));
    }
    out.join("\n")
}

fn fill(renderer: &mut Renderer, bounds: Rectangle, color: Color, radius: f32) {
    let quad = renderer::Quad { bounds, border: border::rounded(radius), ..renderer::Quad::default() };
    renderer.fill_quad(quad, Background::Color(color));
}

impl<'a, Message: 'a> From<Prose<'a, Message>> for Element<'a, Message> {
    fn from(prose: Prose<'a, Message>) -> Self {
        Element::new(prose)
    }
}

#[cfg(test)]
mod tests {
    use super::{Act, INDENT, Line, Page, Place, Selection, State, copied, prose};

    #[test]
    fn what_runs_from_right_to_left_begins_at_the_right() {
        let line = |text: &str, level| Line { text: text.to_owned(), level, ..Line::default() };
        let mut page = Page::default();
        page.replace(vec![line("مرحبا آنا،", 0), line("Dear Anna, (آنا)", 0), line("שלום", 1), line("12:30", 0)]);
        let mut state = State::default();
        prose(&page, |_: Act| ()).lay_out(&mut state, 500.0);
        let laid = state.laid.borrow();
        let sides: Vec<(f32, f32)> = laid
            .iter()
            .map(|laid| (laid.left, laid.left + laid.inner().width))
            .map(|(a, b)| (a.round(), b.round()))
            .collect();
        assert_eq!((sides[0].1, sides[1].0, sides[2].1, sides[3].0), (500.0, 0.0, 500.0, 0.0), "{sides:?}");
        assert!(sides[0].0 > 300.0 && sides[1].1 < 300.0 && sides[2].0 > INDENT, "{sides:?}");
    }

    #[test]
    fn what_is_selected_is_copied_with_the_signs_of_quotation() {
        let line = |text: &str, level| Line { text: text.to_owned(), level, ..Line::default() };
        let lines = vec![line("Dear Anna,", 0), line("", 0), line("they’re there", 1), line("Bee", 0)];
        let mut selection = Selection::default();
        assert!(copied(&lines, &selection).is_empty());
        selection.begin(Place { line: 3, octet: 3 });
        selection.to(Place { line: 0, octet: 5 });
        assert_eq!(copied(&lines, &selection), "Anna,\n\n> they’re there\nBee");
        selection.all(&lines);
        assert_eq!(copied(&lines, &selection), "Dear Anna,\n\n> they’re there\nBee");
    }
}
