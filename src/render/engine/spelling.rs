//! Which text the shapes on a page stand for: found by their places among the lines that were read, so that a document can
//! be searched and copied whatever shapes a font uses.

use std::collections::HashMap;

use unicode_segmentation::UnicodeSegmentation as _;

use super::super::Line;

/// Lines are looked up by steps of this height, in points.
const STEP: f32 = 64.0;
/// Lines higher than this are looked up nowhere: a page has few of them, and they would fill every step.
const HIGHEST: f32 = 4_000.0;

/// The lines of a page, by their place.
pub(super) struct Spelling {
    lines: Vec<Spelled>,
    steps: HashMap<i32, Vec<usize>>,
}

struct Spelled {
    top: f32,
    bottom: f32,
    text: String,
    /// The middle of each grapheme, and its octets, from the left.
    graphemes: Vec<(f32, std::ops::Range<usize>)>,
}

/// A shape: where it begins, and whether it takes room of its own (an accent takes none).
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub left: f32,
    pub advances: bool,
}

impl Spelling {
    pub fn of(lines: &[Line]) -> Spelling {
        let lines: Vec<Spelled> = lines.iter().map(Spelled::of).collect();
        let mut steps: HashMap<i32, Vec<usize>> = HashMap::new();
        for (index, line) in lines.iter().enumerate().filter(|(_, line)| line.bottom - line.top <= HIGHEST) {
            (step(line.top)..=step(line.bottom)).for_each(|step| steps.entry(step).or_default().push(index));
        }
        Spelling { lines, steps }
    }

    /// The text of a run of shapes on the base line `y`, which ends at `right`: for each shape its octets in the text.
    /// Shapes that belong together have the same; what is not known has none.
    pub fn spell(&self, shapes: &[Shape], right: f32, y: f32) -> (String, Vec<std::ops::Range<usize>>) {
        let mut own: Vec<String> = vec![String::new(); shapes.len()];
        let left = shapes.first().map_or(0.0, |shape| shape.left);
        // From the left, as letters are looked for from there.
        let mut bearing: Vec<usize> =
            (0..shapes.len()).filter(|at| shapes.get(*at).is_some_and(|one| one.advances)).collect();
        let place = |at: usize| shapes.get(at).map_or(0.0, |shape| shape.left);
        bearing.sort_by(|one, other| place(*one).total_cmp(&place(*other)));
        for index in self.steps.get(&step(y)).into_iter().flatten() {
            let Some(line) = self.lines.get(*index).filter(|line| line.top <= y && y <= line.bottom) else { continue };
            let from = line.graphemes.partition_point(|(middle, _)| *middle < left);
            let within = line.graphemes.iter().skip(from).take_while(|(middle, _)| *middle < right);
            for (middle, octets) in within {
                let after = bearing.partition_point(|at| place(*at) <= *middle);
                let shape = after.checked_sub(1).and_then(|at| bearing.get(at));
                if let Some(own) = shape.and_then(|at| own.get_mut(*at)) {
                    own.push_str(line.text.get(octets.clone()).unwrap_or_default());
                }
            }
        }
        joined(&own)
    }
}

fn joined(own: &[String]) -> (String, Vec<std::ops::Range<usize>>) {
    let mut text = String::new();
    let mut ranges: Vec<std::ops::Range<usize>> = Vec::with_capacity(own.len());
    for piece in own {
        let start = text.len();
        text.push_str(piece);
        let range = match ranges.last() {
            Some(before) if piece.is_empty() => before.clone(),
            _ => start..text.len(),
        };
        ranges.push(range);
    }
    // What stands before the first letter belongs to it.
    if let Some(first) = ranges.iter().position(|range| !range.is_empty())
        && let Some(range) = ranges.get(first).cloned()
    {
        ranges.iter_mut().take(first).for_each(|before| *before = range.clone());
    }
    (text, ranges)
}

impl Spelled {
    fn of(line: &Line) -> Spelled {
        let mut graphemes: Vec<(f32, std::ops::Range<usize>)> = line
            .text
            .grapheme_indices(true)
            .zip(&line.graphemes)
            .map(|((at, grapheme), [from, to])| (f32::midpoint(*from, *to), at..at + grapheme.len()))
            .collect();
        graphemes.sort_by(|one, other| one.0.total_cmp(&other.0));
        let (top, bottom) = (line.area.top - 0.5, line.area.top + line.area.height + 0.5);
        Spelled { top, bottom, text: line.text.clone(), graphemes }
    }
}

#[allow(clippy::cast_possible_truncation)]
fn step(y: f32) -> i32 {
    (y / STEP).floor() as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Rect;

    fn spelling(text: &str, places: &[f32]) -> Spelling {
        let graphemes = places.windows(2).map(|pair| [pair[0], pair[1]]).collect();
        let area = Rect { left: places[0], top: 100.0, width: 50.0, height: 20.0 };
        Spelling::of(&[Line { area, text: text.to_owned(), graphemes, ..Line::default() }])
    }

    fn shape(left: f32, advances: bool) -> Shape {
        Shape { left, advances }
    }

    #[test]
    fn shapes_are_spelled_by_their_places() {
        let five = spelling("a fi\u{e9}", &[0.0, 10.0, 14.0, 19.0, 24.0, 34.0]);
        let shapes = [shape(0.0, true), shape(10.0, true), shape(14.0, true), shape(24.0, true), shape(26.0, false)];
        let (text, ranges) = five.spell(&shapes, 34.0, 115.0);
        let spelled: Vec<&str> = ranges.iter().map(|range| &text[range.clone()]).collect();
        // A ligature stands for both letters; an accent belongs to its letter.
        assert_eq!(spelled, ["a", " ", "fi", "\u{e9}", "\u{e9}"]);
        // A part of the line, and another line.
        assert_eq!(five.spell(&shapes[..1], 10.0, 115.0).0, "a");
        assert_eq!(five.spell(&shapes, 34.0, 150.0).0, "");
    }

    #[test]
    fn text_that_runs_to_the_left_is_spelled_too() {
        let hebrew = spelling("\u{5d0}\u{5d1}", &[20.0, 10.0, 0.0]);
        let (text, ranges) = hebrew.spell(&[shape(0.0, true), shape(10.0, true)], 20.0, 115.0);
        assert_eq!(ranges.iter().map(|range| &text[range.clone()]).collect::<Vec<_>>(), ["\u{5d1}", "\u{5d0}"]);
    }
}
