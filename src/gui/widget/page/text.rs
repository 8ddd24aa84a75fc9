//! The text of a page by place: what lies under a point, what a selection says when it is copied, where words stand.

use std::ops::Range;

use iced::{Point, Rectangle, Size};
use unicode_segmentation::UnicodeSegmentation as _;

use crate::archive::{Field, Highlighter};
use crate::gui::widget::select::{Lines, Place, Selection};
use crate::gui::words::alike;
use crate::render::{After, Laid, Line, Rect};

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
    Place { line, octet: octet(&found.text, before.map_or(0, |(before, _)| before)) }
}

/// Where in a text so many characters are before.
fn octet(text: &str, before: usize) -> usize {
    text.grapheme_indices(true).nth(before).map_or(text.len(), |(octet, _)| octet)
}

/// A piece of a line that is given in octets, in characters.
pub fn characters(laid: &Laid, line: usize, octets: &Range<usize>) -> Piece {
    let text = laid.text(line);
    let before = |octet: usize| text.grapheme_indices(true).take_while(|(start, _)| *start < octet).count();
    (line, before(octets.start)..before(octets.end))
}

impl Lines for Laid {
    fn count(&self) -> usize {
        self.lines.len()
    }

    fn text(&self, line: usize) -> &str {
        self.lines.get(line).map_or("", |line| line.text.as_str())
    }

    fn goes_on(&self, line: usize) -> bool {
        self.lines.get(line).is_some_and(|line| line.after == After::Wrap)
    }
}

/// How far right a place is.
pub fn caret(laid: &Laid, at: Place) -> f32 {
    let (_, before) = characters(laid, at.line, &(0..at.octet));
    let Some(line) = laid.lines.get(at.line) else { return 0.0 };
    match line.graphemes.get(before.end) {
        Some([begin, _]) => *begin,
        None => line.graphemes.last().map_or(line.area.left, |[_, end]| *end),
    }
}

/// Whether a line runs from right to left.
pub fn runs_left(laid: &Laid, line: usize) -> bool {
    let first = laid.lines.get(line).and_then(|line| line.graphemes.first());
    first.is_some_and(|[begin, end]| end < begin)
}

/// The place in the next row below a line, or above it, that is so far right; `None` where there is no such row.
pub fn row_beside(laid: &Laid, line: usize, x: f32, below: bool) -> Option<Place> {
    let middle = |line: &Line| line.area.top + line.area.height / 2.0;
    let here = laid.lines.get(line)?.area;
    let beyond = |line: &f32| if below { *line > here.top + here.height } else { *line < here.top };
    let rows = laid.lines.iter().map(middle).filter(beyond);
    let y = if below { rows.min_by(f32::total_cmp) } else { rows.max_by(f32::total_cmp) }?;
    Some(place_at(laid, Point::new(x, y)))
}

/// What is selected, as it is copied: see [`After`].
pub fn copied(laid: &Laid, selection: &Selection) -> String {
    let mut out = String::new();
    let Some((from, to)) = selection.ends() else { return out };
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
        let range = selection.within(number, line.text.len()).unwrap_or(0..0);
        out.push_str(line.text.get(range).unwrap_or_default());
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

/// The lines that are one text, from each line on that begins one: what was full goes on in the next.
pub fn runs(laid: &Laid) -> impl Iterator<Item = Range<usize>> {
    let mut first = 0;
    std::iter::from_fn(move || {
        let begun = laid.lines.get(first..).filter(|lines| !lines.is_empty())?;
        let more = begun.iter().skip(1).take_while(|line| line.after == After::Wrap).count();
        let run = first..first + 1 + more;
        first = run.end;
        Some(run)
    })
}

/// The text of a run.
struct Run {
    text: String,
    /// For each character: where it begins in `text`, its line and its number in it.
    map: Vec<(usize, usize, usize)>,
}

impl Run {
    /// Each character is written down by `spell`.
    fn new(laid: &Laid, lines: Range<usize>, spell: impl Fn(&mut String, &str)) -> Run {
        let mut run = Run { text: String::new(), map: Vec::new() };
        for number in lines {
            for (place, piece) in laid.text(number).graphemes(true).enumerate() {
                run.map.push((run.text.len(), number, place));
                spell(&mut run.text, piece);
            }
        }
        run
    }

    /// Octets of the text, by the characters that stand for them.
    fn pieces(&self, octets: Range<usize>) -> Vec<Piece> {
        let from = self.map.partition_point(|(begin, ..)| *begin <= octets.start).saturating_sub(1);
        let to = self.map.partition_point(|(begin, ..)| *begin < octets.end);
        let mut pieces: Vec<Piece> = Vec::new();
        for (_, line, place) in self.map.iter().take(to).skip(from) {
            match pieces.last_mut().filter(|piece| piece.0 == *line) {
                Some(piece) => piece.1.end = place + 1,
                None => pieces.push((*line, *place..place + 1)),
            }
        }
        pieces
    }
}

/// Where words stand, letters of any case alike, with accents and without; over the ends of lines that were full. One place is one or more pieces.
/// Not on the thread that draws.
pub fn find(laid: &Laid, sought: &str) -> Vec<Vec<Piece>> {
    const MOST: usize = 2_000;
    let sought: String = sought.chars().flat_map(alike).collect();
    let mut found = Vec::new();
    if sought.is_empty() {
        return found;
    }
    for lines in runs(laid) {
        if found.len() >= MOST {
            break;
        }
        let run = Run::new(laid, lines, |text, piece| text.extend(piece.chars().flat_map(alike)));
        found.extend(run.text.match_indices(&sought).map(|(at, _)| run.pieces(at..at + sought.len())));
    }
    found.truncate(MOST);
    found
}

/// The words that a search hit first, as they stand.
pub fn first_hit(laid: &Laid, highlighter: &Highlighter) -> Option<String> {
    runs(laid).find_map(|lines| {
        let Run { text, .. } = Run::new(laid, lines, String::push_str);
        let hit = highlighter.ranges(Field::Body, &text).into_iter().next()?;
        text.get(hit).map(str::to_owned)
    })
}

/// What of a run a search hit.
pub fn hits(laid: &Laid, lines: Range<usize>, highlighter: &Highlighter) -> Vec<Piece> {
    let run = Run::new(laid, lines, String::push_str);
    highlighter.ranges(Field::Body, &run.text).into_iter().flat_map(|octets| run.pieces(octets)).collect()
}

#[cfg(test)]
mod tests {
    use super::{
        Place, Selection, caret, characters, copied, find, first_hit, hits, link_at, place_at, places, row_beside,
        runs, runs_left,
    };
    use crate::archive::Highlighter;
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
        let mut selection = Selection::default();
        assert_eq!(copied(&page, &selection), "");
        selection.all(&page);
        assert_eq!(copied(&page, &selection), "Dear Anna, good day\nBee\n\nleft\tright");
        selection.begin(Place { line: 1, octet: 4 });
        selection.to(Place { line: 0, octet: 5 });
        assert_eq!(copied(&page, &selection), "Anna, good");
        selection.word(Place { line: 0, octet: 6 }, &page);
        assert_eq!(copied(&page, &selection), "Anna");
    }

    #[test]
    fn the_nearest_character_is_hit_and_the_link_under_the_mouse() {
        let page = page();
        for (x, y, line, octet) in [
            (0.0, 5.0, 0, 0),
            (26.0, 5.0, 0, 3),
            (999.0, 25.0, 1, 8),
            (90.0, 75.0, 4, 0),
            (60.0, 75.0, 3, 4),
            (5.0, 999.0, 3, 0),
            (-9.0, -9.0, 0, 0),
        ] {
            assert_eq!(place_at(&page, Point::new(x, y)), Place { line, octet }, "{x} {y}");
        }
        assert_eq!(link_at(&page, Point::new(20.0, 10.0)), Some(0));
        assert_eq!(link_at(&page, Point::new(60.0, 10.0)), None);
    }

    #[test]
    fn rows_above_and_below() {
        let page = page();
        for (line, x, below, expected) in [
            (0, 52.0, true, Some((1, 5))),
            (2, 120.0, true, Some((4, 2))),
            (2, 10.0, true, Some((3, 1))),
            (4, 120.0, false, Some((2, 3))),
            (1, 0.0, false, Some((0, 0))),
            (0, 0.0, false, None),
            (3, 0.0, true, None),
        ] {
            let found = row_beside(&page, line, x, below).map(|at| (at.line, at.octet));
            assert_eq!(found, expected, "{line} {x} {below}");
        }
    }

    #[test]
    fn a_place_is_an_octet_and_is_seen_at_a_character() {
        let mut page = page();
        page.lines.push(line("é\u{5e9}x", 0.0, 90.0, After::Block));
        let at = |octet| caret(&page, Place { line: 5, octet });
        assert_eq!((at(0), at(2), at(4), at(5)), (0.0, 10.0, 20.0, 30.0));
        assert_eq!(characters(&page, 5, &(2..5)), (5, 1..3));
        assert_eq!(place_at(&page, Point::new(21.0, 99.0)), Place { line: 5, octet: 4 });
        assert!(!runs_left(&page, 5));
        page.lines[5].graphemes.iter_mut().for_each(|ends| ends.reverse());
        assert!(runs_left(&page, 5));
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

    #[test]
    fn what_a_search_hit_goes_over_the_end_of_a_full_line_and_of_no_other() {
        let page = page();
        let lines: Vec<_> = runs(&page).collect();
        assert_eq!(lines, [0..2, 2..3, 3..4, 4..5]);
        let hit = |query: &str| -> Vec<_> {
            let highlighter = Highlighter::new(query);
            runs(&page).flat_map(|run| hits(&page, run, &highlighter)).collect()
        };
        assert_eq!(hit("ANNA"), [(0, 5..9)]);
        assert_eq!(hit("\"anna good\""), [(0, 5..11), (1, 0..4)]);
        assert_eq!(hit("\"day bee\""), [], "a line that the sender broke ends there");
        assert_eq!(hit("ri* le*"), [(3, 0..4), (4, 0..5)]);
        assert_eq!(hit("from:anna -good"), []);
        let first = |query: &str| first_hit(&page, &Highlighter::new(query));
        assert_eq!((first("le* daybee GOOD").as_deref(), first("bee-keeper")), (Some("good"), None));
    }
}
