//! One line of text that ends in an ellipsis where there is no room for all of it.

use std::borrow::Cow;
use std::ops::Range;

use iced::advanced::text::{Alignment, LineHeight, Paragraph as _, Renderer as _, Shaping, Span, Text, Wrapping};
use iced::advanced::widget::{Operation, Tree, tree};
use iced::advanced::{Layout, Widget, layout, mouse, renderer, text};
use iced::{Color, Element, Font, Length, Pixels, Rectangle, Renderer, Size, Theme, alignment};

use crate::gui::theme::{self, Tokens, size};

/// The renderer's laid-out text.
pub type Paragraph = <Renderer as text::Renderer>::Paragraph;

/// The height of a line of text of this size.
pub fn line_height(size: f32) -> f32 {
    (size * 1.35).round()
}

/// Lays `content` out on one line, cut with an ellipsis to fit `width`.
pub fn fitted(content: &str, width: f32, size: f32, font: Font) -> Paragraph {
    let whole = laid_out(content, size, font);
    if whole.min_width() <= width + 0.5 {
        return whole;
    }
    laid_out(&cut(content, width, size, font), size, font)
}

/// The same, and where the octets in `marks` came to lie, which are in order and apart.
pub fn marked(content: &str, width: f32, size: f32, font: Font, marks: &[Range<usize>]) -> (Paragraph, Vec<Rectangle>) {
    if marks.is_empty() {
        return (fitted(content, width, size, font), Vec::new());
    }
    let fits = laid_out(content, size, font).min_width() <= width + 0.5;
    let shown = if fits { Cow::Borrowed(content) } else { Cow::Owned(cut(content, width, size, font)) };
    let end = if fits { shown.len() } else { shown.len().saturating_sub('…'.len_utf8()) };
    let mut spans: Vec<Span<'_>> = Vec::new();
    let mut lit = Vec::new();
    let mut at = 0;
    for mark in marks.iter().filter(|mark| mark.start < end) {
        let mark = mark.start..mark.end.min(end);
        let (Some(before), Some(hit)) = (shown.get(at..mark.start), shown.get(mark.clone())) else { continue };
        spans.extend([Span::new(before.to_owned()), Span::new(hit.to_owned())]);
        lit.push(spans.len() - 1);
        at = mark.end;
    }
    spans.push(Span::new(shown.get(at..).unwrap_or_default().to_owned()));
    let paragraph = Paragraph::with_spans(text_of(spans.as_slice(), size, font));
    let places = lit.into_iter().flat_map(|span| paragraph.span_bounds(span)).collect();
    (paragraph, places)
}

/// As much of a text as fits `width` with an ellipsis behind it.
fn cut(content: &str, width: f32, size: f32, font: Font) -> String {
    let ends: Vec<usize> = content.char_indices().map(|(at, _)| at).take(600).collect();
    let cut = |characters: usize| -> String {
        let end = ends.get(characters).copied().unwrap_or(content.len());
        let kept = content.get(..end).unwrap_or_default().trim_end_matches([' ', '.', ',', '…', '-']);
        format!("{kept}…")
    };
    let fits = |characters| laid_out(&cut(characters), size, font).min_width() <= width + 0.5;
    cut(partition(ends.len(), fits))
}

/// The largest number below `end` that `fits`, which holds for all numbers below some border; 0 when none does.
fn partition(end: usize, fits: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, end);
    while low + 1 < high {
        let middle = low + (high - low) / 2;
        if fits(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

fn laid_out(content: &str, size: f32, font: Font) -> Paragraph {
    Paragraph::with_text(text_of(content, size, font))
}

/// A text on one line.
fn text_of<T>(content: T, size: f32, font: Font) -> Text<T, Font> {
    Text {
        content,
        bounds: Size::new(f32::INFINITY, line_height(size)),
        size: Pixels(size),
        line_height: LineHeight::Absolute(Pixels(line_height(size))),
        font,
        align_x: Alignment::Default,
        align_y: alignment::Vertical::Top,
        shaping: Shaping::Auto,
        wrapping: Wrapping::None,
    }
}

/// See the module.
pub struct Line<'a> {
    content: Cow<'a, str>,
    size: f32,
    font: Font,
    color: fn(&Tokens) -> Color,
    width: Length,
}

/// A line of body text in ink, as wide as there is room.
pub fn line<'a>(content: impl Into<Cow<'a, str>>) -> Line<'a> {
    Line { content: content.into(), size: size::BODY, font: theme::REGULAR, color: |t| t.ink, width: Length::Fill }
}

impl Line<'_> {
    pub fn size(self, size: f32) -> Self {
        Self { size, ..self }
    }

    pub fn font(self, font: Font) -> Self {
        Self { font, ..self }
    }

    pub fn color(self, color: fn(&Tokens) -> Color) -> Self {
        Self { color, ..self }
    }

    /// `Length::Shrink` makes it as wide as its text, where that fits.
    pub fn width(self, width: Length) -> Self {
        Self { width, ..self }
    }
}

#[derive(Default)]
struct State {
    made_for: Option<(String, f32, f32, Font)>,
    paragraph: Paragraph,
}

impl<Message> Widget<Message, Theme, Renderer> for Line<'_> {
    fn tag(&self) -> tree::Tag {
        tree::Tag::of::<State>()
    }

    fn state(&self) -> tree::State {
        tree::State::new(State::default())
    }

    fn size(&self) -> Size<Length> {
        Size::new(self.width, Length::Shrink)
    }

    fn layout(&mut self, tree: &mut Tree, _renderer: &Renderer, limits: &layout::Limits) -> layout::Node {
        let state = tree.state.downcast_mut::<State>();
        layout::sized(limits, self.width, Length::Shrink, |limits| {
            let width = limits.max().width;
            let fresh = state.made_for.as_ref().is_some_and(|(content, made, size, font)| {
                *content == self.content && *made == width && *size == self.size && *font == self.font
            });
            if !fresh {
                state.paragraph = fitted(&self.content, width, self.size, self.font);
                state.made_for = Some((self.content.clone().into_owned(), width, self.size, self.font));
            }
            Size::new(state.paragraph.min_width().ceil(), line_height(self.size))
        })
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
        let color = (self.color)(theme::tokens(theme));
        renderer.fill_paragraph(&state.paragraph, layout.position(), color, *viewport);
    }

    fn operate(&mut self, _tree: &mut Tree, layout: Layout<'_>, _renderer: &Renderer, operation: &mut dyn Operation) {
        operation.text(None, layout.bounds(), &self.content);
    }
}

impl<'a, Message: 'a> From<Line<'a>> for Element<'a, Message> {
    fn from(line: Line<'a>) -> Self {
        Element::new(line)
    }
}

#[cfg(test)]
mod tests {
    use super::partition;

    #[test]
    fn the_cut_is_the_longest_that_fits() {
        for border in 0..20 {
            assert_eq!(partition(20, |n| n <= border), border.min(19));
        }
        assert_eq!(partition(0, |_| true), 0);
    }
}
