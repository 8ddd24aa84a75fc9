//! What of a text is selected: from where the mouse went down to where it is, or to where keys brought it, over any number
//! of lines. The text and the page share it: a place is an octet of a line, and where that is seen each knows by itself.

use std::ops::Range;

use iced::Rectangle;
use iced::keyboard::key::Named;
use iced::keyboard::{Key, Modifiers};
use unicode_segmentation::UnicodeSegmentation as _;

/// A place between two letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub line: usize,
    /// Always where a grapheme begins, or the end of the line.
    pub octet: usize,
}

/// The lines of a text in reading order.
pub trait Lines {
    fn count(&self) -> usize;
    /// Empty where there is no such line.
    fn text(&self, line: usize) -> &str;
    /// Whether a line goes on from the one before it: the end of that one and its own beginning are one place.
    fn goes_on(&self, _line: usize) -> bool {
        false
    }
}

/// How far a key moves the end of a selection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// By a letter, to the right or to the left.
    Letter,
    /// By a word, to the right or to the left.
    Word,
    /// A row down or up.
    Row,
    /// To the end of the row, or its beginning.
    Edge,
    /// To the end of the text, or its beginning.
    All,
}

/// What a key does to a selection, and whether it goes on in the text or back; `None` where it is for something else.
pub fn step(key: &Key, modifiers: Modifiers) -> Option<(Step, bool)> {
    let far = modifiers.control() || modifiers.alt();
    let Key::Named(named) = key else { return None };
    if !modifiers.shift() || modifiers.logo() {
        return None;
    }
    Some(match named {
        Named::ArrowRight | Named::ArrowLeft => {
            (if far { Step::Word } else { Step::Letter }, *named == Named::ArrowRight)
        }
        Named::ArrowDown | Named::ArrowUp if !far => (Step::Row, *named == Named::ArrowDown),
        Named::End | Named::Home => (if far { Step::All } else { Step::Edge }, *named == Named::End),
        _ => return None,
    })
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    /// Where it was begun, and the end that moves.
    ends: Option<(Place, Place)>,
    dragged: bool,
    /// How far right the moving end would be if rows were long enough, while keys bring it from row to row.
    pub goal: Option<f32>,
}

impl Selection {
    pub fn begin(&mut self, at: Place) {
        *self = Selection { ends: Some((at, at)), dragged: true, goal: None };
    }

    /// Moves the end that moves.
    pub fn to(&mut self, at: Place) {
        self.goal = None;
        if let Some((_, head)) = &mut self.ends {
            *head = at;
        }
    }

    pub fn drop(&mut self) {
        self.dragged = false;
    }

    pub fn clear(&mut self) {
        *self = Selection::default();
    }

    pub fn is_dragged(&self) -> bool {
        self.dragged
    }

    /// The end that moves; `None` where the mouse was not in the text last.
    pub fn head(&self) -> Option<Place> {
        self.ends.map(|(_, head)| head)
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_none_or(|(one, other)| one == other)
    }

    /// The word at a place, or what stands between two.
    pub fn word(&mut self, at: Place, lines: &impl Lines) {
        let text = lines.text(at.line);
        let all: Vec<(Range<usize>, bool)> = pieces(text).collect();
        let at_piece = all.iter().position(|(piece, _)| piece.end > at.octet).or(all.len().checked_sub(1));
        let Some(place) = at_piece else { return };
        let inside = all.get(place).is_some_and(|(_, is_word)| *is_word);
        let same = |each: &&(Range<usize>, bool)| each.1 == inside;
        let before = all.iter().take(place).rev().take_while(same).last();
        let behind = all.iter().skip(place).take_while(same).last();
        let start = before.or(all.get(place)).map_or(0, |(piece, _)| piece.start);
        let end = behind.map_or(text.len(), |(piece, _)| piece.end);
        self.choose(Place { octet: start, ..at }, Place { octet: end, ..at });
    }

    pub fn line(&mut self, at: Place, lines: &impl Lines) {
        self.choose(Place { octet: 0, ..at }, Place { octet: lines.text(at.line).len(), ..at });
    }

    pub fn all(&mut self, lines: &impl Lines) {
        self.choose(Place::default(), end(lines));
    }

    fn choose(&mut self, from: Place, to: Place) {
        *self = Selection { ends: Some((from, to)), dragged: false, goal: None };
    }

    /// From the first place to the last, where there is something between.
    pub fn ends(&self) -> Option<(Place, Place)> {
        let (one, other) = self.ends?;
        (one != other).then(|| (one.min(other), one.max(other)))
    }

    /// What of a line of so many octets is selected.
    pub fn within(&self, line: usize, octets: usize) -> Option<Range<usize>> {
        let (from, to) = self.ends()?;
        if line < from.line || line > to.line {
            return None;
        }
        let start = if line == from.line { from.octet } else { 0 };
        let end = if line == to.line { to.octet.min(octets) } else { octets };
        (start < end || line < to.line).then_some(start..end)
    }
}

/// The end of the text.
pub fn end(lines: &impl Lines) -> Place {
    let line = lines.count().saturating_sub(1);
    Place { line, octet: lines.text(line).len() }
}

/// The place a letter on, or back.
pub fn letter(lines: &impl Lines, at: Place, on: bool) -> Place {
    let text = lines.text(at.line);
    let octet = if on {
        text.get(at.octet..).and_then(|rest| rest.graphemes(true).next()).map(|letter| at.octet + letter.len())
    } else {
        text.get(..at.octet).and_then(|before| before.grapheme_indices(true).next_back()).map(|(start, _)| start)
    };
    match octet {
        Some(octet) => Place { octet, ..at },
        None => match other_line(lines, at, on) {
            // The two are one place: it is a letter that is passed.
            Some(next) if lines.goes_on(next.line.max(at.line)) => letter(lines, next, on),
            next => next.unwrap_or(at),
        },
    }
}

/// The end of the word behind a place, or the beginning of the one before.
pub fn word(lines: &impl Lines, at: Place, on: bool) -> Place {
    let text = lines.text(at.line);
    let is_at_end = if on { at.octet >= text.len() } else { at.octet == 0 };
    let at = if is_at_end { other_line(lines, at, on).unwrap_or(at) } else { at };
    let text = lines.text(at.line);
    let octet = if on {
        let mut rest = pieces(text).skip_while(|(piece, _)| piece.start < at.octet).skip_while(|(_, is_word)| !is_word);
        rest.find(|(_, is_word)| !is_word).map_or(text.len(), |(piece, _)| piece.start)
    } else {
        let before: Vec<_> = pieces(text).take_while(|(piece, _)| piece.end <= at.octet).collect();
        let mut rest = before.iter().rev().skip_while(|(_, is_word)| !is_word);
        rest.find(|(_, is_word)| !is_word).map_or(0, |(piece, _)| piece.end)
    };
    Place { octet, ..at }
}

/// The beginning of the next line, or the end of the one before.
fn other_line(lines: &impl Lines, at: Place, on: bool) -> Option<Place> {
    if on {
        return Some(at.line + 1).filter(|line| *line < lines.count()).map(|line| Place { line, octet: 0 });
    }
    at.line.checked_sub(1).map(|line| Place { line, octet: lines.text(line).len() })
}

/// By how much is to be scrolled for a row to be seen; `None` where it is.
pub fn out_of_sight(row: Rectangle, viewport: &Rectangle) -> Option<f32> {
    let (above, below) = (row.y - viewport.y, row.y + row.height - viewport.y - viewport.height);
    if above < 0.0 { Some(above) } else { Some(below).filter(|below| *below > 0.0) }
}

/// The graphemes of a line, and whether each is of a word.
fn pieces(text: &str) -> impl Iterator<Item = (Range<usize>, bool)> {
    let is_word = |each: char| each.is_alphanumeric() || matches!(each, '_' | '\'' | '’');
    text.grapheme_indices(true).map(move |(start, piece)| (start..start + piece.len(), piece.chars().any(is_word)))
}

#[cfg(test)]
mod tests {
    use iced::keyboard::key::Named;
    use iced::keyboard::{Key, Modifiers};

    use super::{Lines, Place, Selection, Step, end, letter, step, word};

    /// Lines; one that begins with `~` goes on from the one before.
    struct Text(&'static [&'static str]);

    impl Lines for Text {
        fn count(&self) -> usize {
            self.0.len()
        }

        fn text(&self, line: usize) -> &str {
            self.0.get(line).map_or("", |line| line.trim_start_matches('~'))
        }

        fn goes_on(&self, line: usize) -> bool {
            self.0.get(line).is_some_and(|line| line.starts_with('~'))
        }
    }

    const LETTER: Text = Text(&["Dear Anna,", "", "they’re the\u{301}re ", "~and back", "Bee"]);

    fn at(line: usize, octet: usize) -> Place {
        Place { line, octet }
    }

    #[test]
    fn what_is_selected_of_each_line() {
        let mut selection = Selection::default();
        selection.begin(at(4, 3));
        selection.to(at(0, 5));
        let within: Vec<_> = (0..5).map(|line| selection.within(line, LETTER.text(line).len())).collect();
        assert_eq!(within, [Some(5..10), Some(0..0), Some(0..18), Some(0..8), Some(0..3)]);
        selection.all(&LETTER);
        assert_eq!(selection.ends(), Some((Place::default(), end(&LETTER))));
        selection.clear();
        assert!(selection.is_empty() && selection.within(0, 10).is_none());
    }

    #[test]
    fn words_and_lines() {
        let mut selection = Selection::default();
        for (octet, chosen) in
            [(0, Some(0..9)), (8, Some(0..9)), (9, Some(9..10)), (12, Some(10..17)), (18, Some(17..18))]
        {
            selection.word(at(2, octet), &LETTER);
            assert_eq!(selection.within(2, 18), chosen, "{octet}");
        }
        selection.line(at(0, 3), &LETTER);
        assert_eq!(selection.within(0, 10), Some(0..10));
        selection.begin(at(1, 0));
        selection.word(at(1, 0), &LETTER);
        assert!(selection.is_empty(), "there is nothing in it");
    }

    #[test]
    fn by_letters_over_the_ends_of_lines() {
        for (from, to) in [
            (at(0, 8), at(0, 9)),
            (at(0, 10), at(1, 0)),
            (at(1, 0), at(2, 0)),
            // A letter and its accent are one.
            (at(2, 12), at(2, 15)),
            // A full line goes on in the next: one place.
            (at(2, 18), at(3, 1)),
            (at(3, 8), at(4, 0)),
        ] {
            assert_eq!(letter(&LETTER, from, true), to, "on from {from:?}");
        }
        assert_eq!(letter(&LETTER, at(4, 3), true), at(4, 3), "there is no more");
        assert_eq!(letter(&LETTER, at(3, 0), false), at(2, 17));
        assert_eq!(letter(&LETTER, at(2, 15), false), at(2, 12));
        assert_eq!(letter(&LETTER, at(1, 0), false), at(0, 10));
        assert_eq!(letter(&LETTER, at(0, 0), false), at(0, 0));
    }

    #[test]
    fn by_words() {
        let walk = |mut place: Place, on: bool| {
            let mut seen = Vec::new();
            for _ in 0..20 {
                let next = word(&LETTER, place, on);
                if next == place {
                    break;
                }
                seen.push((next.line, next.octet));
                place = next;
            }
            seen
        };
        let on = walk(at(0, 0), true);
        assert_eq!(on, [(0, 4), (0, 9), (0, 10), (1, 0), (2, 9), (2, 17), (2, 18), (3, 3), (3, 8), (4, 3)]);
        let back = walk(at(4, 3), false);
        assert_eq!(back, [(4, 0), (3, 4), (3, 0), (2, 10), (2, 0), (1, 0), (0, 5), (0, 0)]);
    }

    #[test]
    fn keys() {
        let shift = Modifiers::SHIFT;
        for (key, modifiers, expected) in [
            (Named::ArrowRight, shift, Some((Step::Letter, true))),
            (Named::ArrowLeft, shift | Modifiers::CTRL, Some((Step::Word, false))),
            (Named::ArrowRight, shift | Modifiers::ALT, Some((Step::Word, true))),
            (Named::ArrowUp, shift, Some((Step::Row, false))),
            (Named::ArrowUp, shift | Modifiers::CTRL, None),
            (Named::End, shift, Some((Step::Edge, true))),
            (Named::Home, shift | Modifiers::CTRL, Some((Step::All, false))),
            (Named::ArrowRight, Modifiers::empty(), None),
            (Named::PageDown, shift, None),
        ] {
            assert_eq!(step(&Key::Named(key), modifiers), expected, "{key:?} {modifiers:?}");
        }
    }
}
