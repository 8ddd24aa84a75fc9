//! The text of a page by place: what lies under a point, what a selection says when it is copied, where words stand.

use std::ops::Range;

use iced::{Point, Rectangle, Size};
use unicode_segmentation::UnicodeSegmentation as _;

use crate::gui::words::alike;
use crate::render::{After, Laid, Line, Rect};

/// A place between two characters: the line, and how many characters of it stand before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub line: usize,
    pub before: usize,
}

/// A piece of one line, in characters.
pub type Piece = (usize, Range<usize>);

pub fn rectangle(rect: Rect) -> Rectangle {
    Rectangle::new(Point::new(rect.left, rect.top), Size::new(rect.width, rect.height))
}

/// The link at a point of the page.
pub fn link_at(laid: &Laid, point: Point) -> Option<usize> {
    let under = |area: &Rect| rectangle(*area).contains(point);
    laid.links.iter().position(|link| link.areas.iter().any(under))
}

/// The place that lies nearest to a point: in the nearest line by height, of those side by side in the nearest.
pub fn place_at(laid: &Laid, point: Point) -> Place {
    let off = |low: f32, size: f32, at: f32| (low - at).max(at - low - size).max(0.0);
    let far = |line: &Line| {
        let area = line.area;
        (off(area.top, area.height, point.y), off(area.left, area.width, point.x))
    };
    let nearest = laid.lines.iter().enumerate().min_by(|(_, one), (_, other)| {
        let (one, other) = (far(one), far(other));
        one.0.total_cmp(&other.0).then(one.1.total_cmp(&other.1))
    });
    let Some((line, found)) = nearest else { return Place::default() };
    let carets = found.graphemes.iter().map(|ends| ends[0]).chain(found.graphemes.last().map(|ends| ends[1]));
    let before =
        carets.enumerate().min_by(|(_, one), (_, other)| (one - point.x).abs().total_cmp(&(other - point.x).abs()));
    Place { line, before: before.map_or(0, |(before, _)| before) }
}

/// The word at a place, or what stands between two.
pub fn word_at(laid: &Laid, at: Place) -> (Place, Place) {
    let Some(line) = laid.lines.get(at.line) else { return (at, at) };
    let is_word = |piece: &&str| piece.chars().any(|each| each.is_alphanumeric() || matches!(each, '_' | '\'' | '’'));
    let pieces: Vec<bool> = line.text.graphemes(true).map(|piece| is_word(&piece)).collect();
    let Some(inside) = pieces.get(at.before).or(pieces.last()).copied() else { return (at, at) };
    let before = at.before.min(pieces.len());
    let back = pieces.iter().take(before).rev().take_while(|word| **word == inside).count();
    let on = pieces.iter().skip(before).take_while(|word| **word == inside).count();
    (Place { before: before - back, ..at }, Place { before: before + on, ..at })
}

/// The end of the page.
pub fn end(laid: &Laid) -> Place {
    let last = laid.lines.last().map_or(0, |line| line.graphemes.len());
    Place { line: laid.lines.len().saturating_sub(1), before: last }
}

/// What of a line lies between two places.
pub fn within(line: usize, count: usize, from: Place, to: Place) -> Option<Range<usize>> {
    if line < from.line || line > to.line {
        return None;
    }
    let start = if line == from.line { from.before } else { 0 };
    let end = if line == to.line { to.before.min(count) } else { count };
    (start < end).then_some(start..end)
}

/// What stands between two places, as it is copied: see [`After`].
pub fn copied(laid: &Laid, from: Place, to: Place) -> String {
    let mut out = String::new();
    for (number, line) in laid.lines.iter().enumerate().take(to.line + 1).skip(from.line) {
        if number > from.line {
            let between = match line.after {
                After::Block => "\n\n",
                After::Break => "\n",
                After::Wrap => "",
                After::Cell => "\t",
            };
            if !between.is_empty() {
                out.truncate(out.trim_end_matches(' ').len());
            }
            out.push_str(between);
        }
        let range = within(number, line.graphemes.len(), from, to).unwrap_or(0..0);
        out.extend(line.text.graphemes(true).skip(range.start).take(range.len()));
    }
    out
}

/// Where a piece of a line is seen: one rectangle for each run of characters side by side.
pub fn places(laid: &Laid, (line, range): &Piece) -> Vec<Rectangle> {
    let Some(line) = laid.lines.get(*line) else { return Vec::new() };
    let mut found: Vec<Rectangle> = Vec::new();
    for [begin, end] in line.graphemes.iter().take(range.end).skip(range.start) {
        let (left, right) = (begin.min(*end), begin.max(*end));
        let beside = found.last_mut().filter(|last| left <= last.x + last.width + 0.6 && right >= last.x - 0.6);
        match beside {
            Some(last) => {
                let until = right.max(last.x + last.width);
                last.x = left.min(last.x);
                last.width = until - last.x;
            }
            None => {
                found.push(Rectangle::new(Point::new(left, line.area.top), Size::new(right - left, line.area.height)))
            }
        }
    }
    found
}

/// Where words stand, letters of any case alike; over the ends of lines that were full. One place is one or more pieces.
/// Not on the thread that draws.
pub fn find(laid: &Laid, sought: &str) -> Vec<Vec<Piece>> {
    const MOST: usize = 2_000;
    let sought: String = sought.chars().flat_map(alike).collect();
    let mut found = Vec::new();
    if sought.is_empty() {
        return found;
    }
    let mut first = 0;
    while first < laid.lines.len() && found.len() < MOST {
        let more = laid.lines.iter().skip(first + 1).take_while(|line| line.after == After::Wrap).count();
        let last = first + more;
        let mut text = String::new();
        // For each character: where it begins in `text`, its line and its number in it.
        let mut map: Vec<(usize, usize, usize)> = Vec::new();
        for (number, line) in laid.lines.iter().enumerate().take(last + 1).skip(first) {
            for (place, piece) in line.text.graphemes(true).enumerate() {
                map.push((text.len(), number, place));
                text.extend(piece.chars().flat_map(alike));
            }
        }
        for (at, _) in text.match_indices(&sought) {
            let from = map.partition_point(|(begin, ..)| *begin <= at).saturating_sub(1);
            let to = map.partition_point(|(begin, ..)| *begin < at + sought.len());
            let mut pieces: Vec<Piece> = Vec::new();
            for (_, line, place) in map.iter().take(to).skip(from) {
                match pieces.last_mut().filter(|piece| piece.0 == *line) {
                    Some(piece) => piece.1.end = place + 1,
                    None => pieces.push((*line, *place..place + 1)),
                }
            }
            found.push(pieces);
        }
        first = last + 1;
    }
    found.truncate(MOST);
    found
}

#[cfg(test)]
mod tests {
    use super::{Place, copied, end, find, link_at, place_at, places, word_at};
    use crate::render::{After, Laid, Line, Link, Rect};
    use iced::Point;

    fn line(text: &str, left: f32, top: f32, after: After) -> Line {
        let count = text.chars().count();
        #[allow(clippy::cast_precision_loss)]
        let graphemes = (0..count).map(|at| [left + at as f32 * 10.0, left + at as f32 * 10.0 + 10.0]).collect();
        #[allow(clippy::cast_precision_loss)]
        let area = Rect { left, top, width: count as f32 * 10.0, height: 20.0 };
        Line { area, text: text.to_owned(), after, graphemes }
    }

    fn page() -> Laid {
        let link = Link { areas: vec![Rect { left: 0.0, top: 0.0, width: 40.0, height: 20.0 }], ..Link::default() };
        Laid {
            width: 300.0,
            height: 100.0,
            lines: vec![
                line("Dear Anna, ", 0.0, 0.0, After::Block),
                line("good day", 0.0, 20.0, After::Wrap),
                line("Bee", 0.0, 40.0, After::Break),
                line("left", 0.0, 70.0, After::Block),
                line("right", 100.0, 70.0, After::Cell),
            ],
            links: vec![link],
            ..Laid::default()
        }
    }

    #[test]
    fn a_selection_is_copied_as_the_lines_follow_each_other() {
        let page = page();
        assert_eq!(copied(&page, Place::default(), end(&page)), "Dear Anna, good day\nBee\n\nleft\tright");
        let (from, to) = (Place { line: 0, before: 5 }, Place { line: 1, before: 4 });
        assert_eq!(copied(&page, from, to), "Anna, good");
    }

    #[test]
    fn the_nearest_character_is_hit_and_the_link_under_the_mouse() {
        let page = page();
        for (x, y, line, before) in [
            (0.0, 5.0, 0, 0),
            (26.0, 5.0, 0, 3),
            (999.0, 25.0, 1, 8),
            (90.0, 75.0, 4, 0),
            (60.0, 75.0, 3, 4),
            (5.0, 999.0, 3, 0),
            (-9.0, -9.0, 0, 0),
        ] {
            assert_eq!(place_at(&page, Point::new(x, y)), Place { line, before }, "{x} {y}");
        }
        assert_eq!(link_at(&page, Point::new(20.0, 10.0)), Some(0));
        assert_eq!(link_at(&page, Point::new(60.0, 10.0)), None);
    }

    #[test]
    fn words() {
        let page = page();
        for (before, word) in [(0, "Dear"), (3, "Dear"), (6, "Anna"), (9, ", ")] {
            let (from, to) = word_at(&page, Place { line: 0, before });
            assert_eq!(copied(&page, from, to), word, "{before}");
        }
    }

    #[test]
    fn words_are_found_over_the_end_of_a_full_line() {
        let page = page();
        assert_eq!(find(&page, "anna, GOOD"), [vec![(0, 5..11), (1, 0..4)]]);
        assert_eq!(find(&page, "day"), [vec![(1, 5..8)]]);
        assert_eq!(find(&page, "daybee"), Vec::<Vec<_>>::new(), "a line that the sender broke ends there");
        assert!(find(&page, "").is_empty());
        let at = places(&page, &(1, 5..8));
        assert_eq!((at.len(), at[0].x, at[0].width), (1, 50.0, 30.0));
    }
}
