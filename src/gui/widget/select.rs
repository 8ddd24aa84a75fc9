//! What of a text is selected: from where the mouse went down to where it is, over any number of lines.

use std::ops::Range;

use super::Line;

/// A place between two letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub line: usize,
    pub octet: usize,
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    ends: Option<(Place, Place)>,
    dragged: bool,
}

impl Selection {
    pub fn begin(&mut self, at: Place) {
        *self = Selection { ends: Some((at, at)), dragged: true };
    }

    pub fn to(&mut self, at: Place) {
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

    /// Whether the mouse was in the text last.
    pub fn is_begun(&self) -> bool {
        self.ends.is_some()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_none_or(|(one, other)| one == other)
    }

    /// The word at a place, or what stands between two.
    pub fn word(&mut self, at: Place, lines: &[Line]) {
        let Some(text) = lines.get(at.line).map(|line| line.text.as_str()) else { return };
        let is_word = |each: char| each.is_alphanumeric() || matches!(each, '_' | '\'' | '’');
        let inside = text.get(at.octet..).and_then(|rest| rest.chars().next()).is_some_and(is_word);
        let same = |each: char| is_word(each) == inside;
        let before = text.get(..at.octet).unwrap_or_default();
        let behind = text.get(at.octet..).unwrap_or_default();
        let start = before.trim_end_matches(same).len();
        let end = at.octet + behind.len() - behind.trim_start_matches(same).len();
        self.ends = Some((Place { octet: start, ..at }, Place { octet: end, ..at }));
        self.dragged = false;
    }

    pub fn line(&mut self, at: Place, lines: &[Line]) {
        let end = lines.get(at.line).map_or(0, |line| line.text.len());
        self.ends = Some((Place { octet: 0, ..at }, Place { octet: end, ..at }));
        self.dragged = false;
    }

    pub fn all(&mut self, lines: &[Line]) {
        let Some(last) = lines.last() else { return };
        self.ends = Some((Place::default(), Place { line: lines.len() - 1, octet: last.text.len() }));
    }

    fn ordered(&self) -> Option<(Place, Place)> {
        let (one, other) = self.ends?;
        (one != other).then(|| (one.min(other), one.max(other)))
    }

    /// What of a line of so many octets is selected.
    pub fn within(&self, line: usize, octets: usize) -> Option<Range<usize>> {
        let (from, to) = self.ordered()?;
        if line < from.line || line > to.line {
            return None;
        }
        let start = if line == from.line { from.octet } else { 0 };
        let end = if line == to.line { to.octet } else { octets };
        (start < end || line < to.line).then_some(start..end)
    }

    /// The selected text; lines that are quoted have their signs again.
    pub fn text(&self, lines: &[Line]) -> String {
        let Some((from, to)) = self.ordered() else { return String::new() };
        let mut out = Vec::new();
        for (place, line) in lines.iter().enumerate().take(to.line + 1).skip(from.line) {
            let range = self.within(place, line.text.len()).unwrap_or(0..0);
            let whole = range.start == 0 && from.line != to.line;
            let signs =
                if whole && line.level > 0 { format!("{} ", ">".repeat(line.level.into())) } else { String::new() };
            out.push(format!("{signs}{}", line.text.get(range).unwrap_or_default()));
        }
        out.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, Place, Selection};

    fn lines() -> Vec<Line> {
        let line = |text: &str, level| Line { text: text.to_owned(), level, ..Line::default() };
        vec![line("Dear Anna,", 0), line("", 0), line("they’re there", 1), line("Bee", 0)]
    }

    #[test]
    fn what_is_selected_is_copied_with_the_signs_of_quotation() {
        let mut selection = Selection::default();
        selection.begin(Place { line: 3, octet: 3 });
        selection.to(Place { line: 0, octet: 5 });
        assert_eq!(selection.text(&lines()), "Anna,\n\n> they’re there\nBee");
        assert_eq!(selection.within(1, 0), Some(0..0));
        assert_eq!(selection.within(3, 3), Some(0..3));
        selection.all(&lines());
        assert_eq!(selection.text(&lines()), "Dear Anna,\n\n> they’re there\nBee");
        selection.clear();
        assert!(selection.is_empty() && selection.text(&lines()).is_empty());
    }

    #[test]
    fn words_and_lines() {
        let mut selection = Selection::default();
        for (octet, word) in [(0, "they’re"), (8, "they’re"), (9, " "), (12, "there"), (15, "")] {
            selection.word(Place { line: 2, octet }, &lines());
            assert_eq!(selection.text(&lines()), word, "{octet}");
        }
        selection.line(Place { line: 0, octet: 3 }, &lines());
        assert_eq!(selection.text(&lines()), "Dear Anna,");
    }
}
