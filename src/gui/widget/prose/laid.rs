//! A line of prose that is laid out, which may be several rows: where its letters are, and what is nearest to a point.

use std::ops::Range;

use iced::advanced::text::Paragraph as _;
use iced::{Point, Rectangle, Size, Vector};

use crate::gui::widget::line::Paragraph;

/// A line, laid out.
pub(super) struct Laid {
    pub paragraph: Paragraph,
    pub top: f32,
    pub left: f32,
    pub height: f32,
    pub hits: Vec<Range<usize>>,
}

impl Laid {
    /// Where its letters are.
    pub fn inner(&self) -> Rectangle {
        Rectangle::new(Point::new(self.left, self.top), Size::new(self.paragraph.min_width(), self.height))
    }

    /// Where the octets of a range came to lie: one rectangle for each piece that is in one row and side by side.
    pub fn places(&self, range: &Range<usize>) -> Vec<Rectangle> {
        let mut found: Vec<Rectangle> = Vec::new();
        for run in self.paragraph.buffer().layout_runs() {
            let y = self.top + run.line_top;
            for glyph in run.glyphs.iter().filter(|glyph| glyph.start < range.end && glyph.end > range.start) {
                let x = self.left + glyph.x;
                match found.last_mut().filter(|last| last.y == y && (last.x + last.width - x).abs() < 0.6) {
                    Some(last) => last.width += glyph.w,
                    None => found.push(Rectangle::new(Point::new(x, y), Size::new(glyph.w, run.line_height))),
                }
            }
        }
        found
    }

    /// Where the place before an octet is seen: how far right, and the middle of its row.
    pub fn caret(&self, octet: usize) -> Point {
        let mut found = Point::new(self.left, self.top + self.height.min(20.0) / 2.0);
        for run in self.paragraph.buffer().layout_runs() {
            let y = self.top + run.line_top + run.line_height / 2.0;
            for glyph in run.glyphs {
                let (begin, end) = (glyph.x, glyph.x + glyph.w);
                let (begin, end) = if glyph.level.is_rtl() { (end, begin) } else { (begin, end) };
                if (glyph.start..glyph.end).contains(&octet) {
                    return Point::new(self.left + begin, y);
                }
                if glyph.end == octet {
                    found = Point::new(self.left + end, y);
                }
            }
        }
        found
    }

    /// Whether it runs from right to left.
    pub fn runs_left(&self) -> bool {
        self.paragraph.buffer().layout_runs().next().is_some_and(|run| run.rtl)
    }

    /// The octet that lies nearest to a point.
    pub fn octet(&self, point: Point) -> usize {
        let within = point - Vector::new(self.left, self.top);
        self.paragraph.hit_test(within).map_or(0, iced::advanced::text::Hit::cursor)
    }
}

/// The line at a height, else the last above it.
pub(super) fn at(laid: &[Laid], y: f32) -> Option<usize> {
    laid.partition_point(|line| line.top <= y).checked_sub(1)
}
