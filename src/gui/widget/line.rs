//! One line of text that ends in an ellipsis where there is no room for all of it.

use std::borrow::Cow;
use std::ops::Range;

use iced::advanced::text::{Alignment, LineHeight, Paragraph as _, Renderer as _, Shaping, Span, Text, Wrapping};
use iced::advanced::widget::{Operation, Tree, tree};
use iced::advanced::{Layout, Widget, layout, mouse, renderer, text};
use iced::{Color, Element, Font, Length, Pixels, Point, Rectangle, Renderer, Size, Theme, alignment};

use crate::gui::theme::{self, Tokens, size};

/// The width of a very narrow letter, as a part of the size of its font, and one that most texts exceed on the average.
const NARROW: f32 = 0.15;
const USUAL: f32 = 0.4;

/// Characters of a line that are looked at.
const LONGEST: usize = 600;

/// The renderer's laid-out text.
pub type Paragraph = <Renderer as text::Renderer>::Paragraph;

/// The height of a line of text of this size.
pub fn line_height(size: f32) -> f32 {
    (size * 1.35).round()
}

/// Lays `content` out on one line, cut with an ellipsis to fit `width`.
pub fn fitted(content: &str, width: f32, size: f32, font: Font) -> Paragraph {
    match cut(content, width, size, font) {
        Cut::Whole(paragraph) | Cut::Short(_, paragraph) => paragraph,
    }
}

/// The same, and where the octets in `marks` came to lie, which are in order and apart.
pub fn marked(content: &str, width: f32, size: f32, font: Font, marks: &[Range<usize>]) -> (Paragraph, Vec<Rectangle>) {
    if marks.is_empty() {
        return (fitted(content, width, size, font), Vec::new());
    }
    let (shown, end) = match cut(content, width, size, font) {
        Cut::Whole(_) => (Cow::Borrowed(content), content.len()),
        Cut::Short(short, _) => {
            let end = short.len().saturating_sub('…'.len_utf8());
            (Cow::Owned(short), end)
        }
    };
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
    let paragraph = Paragraph::with_spans(text_of(spans.as_slice(), size, font, &shown));
    let places = lit.into_iter().flat_map(|span| paragraph.span_bounds(span)).collect();
    (paragraph, places)
}

/// A text that was made to fit.
enum Cut {
    Whole(Paragraph),
    /// Its beginning with an ellipsis behind it, and that laid out.
    Short(String, Paragraph),
}

/// As much of a text as fits `width`. Laying out is what a frame of the list spends most on, so the place of the cut is
/// read from the layout of the whole, and only looked for where it cannot be: in text that runs from right to left.
fn cut(content: &str, width: f32, size: f32, font: Font) -> Cut {
    // What stands behind so many letters is not worth laying out; where these do not fill the line, no letter is so
    // narrow that more than the second number could find room.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let most = |letter: f32| ((width / (size * letter)) as usize).saturating_add(20).min(LONGEST);
    let ends: Vec<usize> = content.char_indices().map(|(at, _)| at).take(most(NARROW) + 1).collect();
    let beginning = |most: usize| {
        let begun = content.get(..ends.get(most).copied().unwrap_or(content.len())).unwrap_or(content);
        (begun, laid_out(begun, size, font))
    };
    let (mut begun, mut whole) = beginning(most(USUAL));
    if whole.min_width() <= width + 0.5 {
        if begun.len() < content.len() {
            (begun, whole) = beginning(most(NARROW));
        }
        if begun.len() == content.len() && whole.min_width() <= width + 0.5 {
            return Cut::Whole(whole);
        }
    }
    let cut = |characters: usize| {
        let end = ends.get(characters).copied().unwrap_or(begun.len());
        let kept = content.get(..end).unwrap_or_default().trim_end_matches([' ', '.', ',', '…', '-']);
        let short = format!("{kept}…");
        let paragraph = laid_out(&short, size, font);
        (short, paragraph)
    };
    let fits = |paragraph: &Paragraph| paragraph.min_width() <= width + 0.5;
    let ellipsis = laid_out("…", size, font).min_width();
    let place = Point::new((width - ellipsis).max(0.0), line_height(size) / 2.0);
    let guess = whole.hit_test(place).map(|hit| ends.partition_point(|end| *end < hit.cursor()));
    let near = guess.filter(|_| !content.chars().any(runs_left)).and_then(|guess| {
        let nearest = [guess, guess.saturating_sub(1), guess.saturating_sub(2)];
        nearest.into_iter().map(&cut).find(|(_, paragraph)| fits(paragraph))
    });
    let (short, paragraph) = near.unwrap_or_else(|| cut(partition(ends.len(), |characters| fits(&cut(characters).1))));
    Cut::Short(short, paragraph)
}

/// Letters of the scripts that run from right to left, by their blocks.
fn runs_left(letter: char) -> bool {
    matches!(letter, '\u{590}'..='\u{8FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFF}'
        | '\u{10800}'..='\u{10FFF}' | '\u{1E800}'..='\u{1EFFF}')
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
    // An ellipsis alone makes no text one that has to be shaped: shaping costs several times what the rest does, and a
    // line in English would then come out otherwise where it is cut than where it is whole. Inter has the ellipsis.
    let plain = font.family == theme::REGULAR.family && content.strip_suffix('…').is_some_and(str::is_ascii);
    let shaping = if plain { Shaping::Basic } else { Shaping::Auto };
    Paragraph::with_text(Text { shaping, ..text_of(content, size, font, content) })
}

/// A text on one line. To the renderer two texts of one font, width and height are the same one, and where one takes the
/// place of the other it draws nothing: so texts of other `words` are a little higher or lower.
fn text_of<T>(content: T, size: f32, font: Font, words: &str) -> Text<T, Font> {
    #[allow(clippy::cast_possible_truncation)]
    let apart = f32::from(crc32fast::hash(words.as_bytes()) as u16) / 131_072.0;
    Text {
        content,
        bounds: Size::new(f32::INFINITY, line_height(size) + apart),
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
    use super::*;

    /// The renderer compares fonts and measures, not letters.
    #[test]
    fn two_texts_of_one_width_are_not_taken_for_the_same() {
        let laid = |text: &str, marks: &[Range<usize>]| marked(text, 200.0, 13.0, theme::REGULAR, marks).0;
        let word = 0..7;
        for marks in [&[][..], std::slice::from_ref(&word)] {
            let (one, other) = (laid("Message 4", marks), laid("Message 5", marks));
            assert!((one.min_width() - other.min_width()).abs() < 0.001, "figures are of one width");
            assert_ne!(one.bounds(), other.bounds());
            assert_eq!(one.bounds(), laid("Message 4", marks).bounds());
        }
    }

    #[test]
    fn a_text_is_cut_where_it_ends_to_fit() {
        let latin = "The hedge came up again and was put off until the key to the gate is found. ".repeat(20);
        let arabic =
            "\u{645}\u{631}\u{62d}\u{628}\u{627} \u{628}\u{627}\u{644}\u{639}\u{627}\u{644}\u{645} ".repeat(60);
        let mixed = format!("Re: {arabic}");
        let thai = "\u{e2a}\u{e27}\u{e31}\u{e2a}\u{e14}\u{e35}\u{e0a}\u{e32}\u{e27}\u{e42}\u{e25}\u{e01}".repeat(40);
        for text in [latin.as_str(), "日本語の長い件名".repeat(30).as_str(), &arabic, &mixed, &thai, &"i".repeat(900)]
        {
            for width in [3.0, 40.0, 171.0, 331.0, 900.0] {
                let Cut::Short(short, _) = cut(text, width, 12.0, theme::REGULAR) else { panic!("{width} for {text}") };
                let fitting = laid_out(&short, 12.0, theme::REGULAR).min_width();
                assert!(short.ends_with('…') && text.starts_with(short.trim_end_matches('…')));
                assert!(fitting <= width + 0.5 || short == "…", "{fitting} in {width}: {short}");
                // No room is left in which two more of its letters would have fitted.
                let letters = short.chars().count();
                let longer: String = text.chars().take(letters + 2).chain(['…']).collect();
                assert!(laid_out(&longer, 12.0, theme::REGULAR).min_width() > width - 6.0, "{width}: {short}");
            }
        }
        assert!(matches!(cut("short", 331.0, 12.0, theme::REGULAR), Cut::Whole(_)));
    }

    #[test]
    fn the_cut_is_the_longest_that_fits() {
        for border in 0..20 {
            assert_eq!(partition(20, |n| n <= border), border.min(19));
        }
        assert_eq!(partition(0, |_| true), 0);
    }
}
