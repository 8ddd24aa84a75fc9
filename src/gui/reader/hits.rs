//! What a search hit in the message that is open: in its text and in its subject.

use std::ops::Range;

use iced::advanced::text::Highlighter as Lines;

use crate::archive::{Field, Highlighter};

/// Finds the hits of a query in the lines of a text.
pub struct Hits {
    highlighter: Highlighter,
    line: usize,
}

impl Lines for Hits {
    type Settings = String;
    type Highlight = ();
    type Iterator<'a> = std::vec::IntoIter<(Range<usize>, ())>;

    fn new(query: &String) -> Hits {
        Hits { highlighter: Highlighter::new(query), line: 0 }
    }

    fn update(&mut self, query: &String) {
        *self = Hits::new(query);
    }

    fn change_line(&mut self, line: usize) {
        self.line = self.line.min(line);
    }

    fn highlight_line(&mut self, line: &str) -> Self::Iterator<'_> {
        self.line += 1;
        let hits = if self.highlighter.is_empty() { Vec::new() } else { self.highlighter.ranges(Field::Body, line) };
        hits.into_iter().map(|hit| (hit, ())).collect::<Vec<_>>().into_iter()
    }

    fn current_line(&self) -> usize {
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::{Hits, Lines};

    #[test]
    fn each_line_shows_its_hits() {
        let mut hits = Hits::new(&"boat*".to_owned());
        let found: Vec<_> = hits.highlight_line("Two boats, one boat house").map(|(hit, ())| hit).collect();
        assert_eq!(found, [4..9, 15..19]);
        assert_eq!(hits.highlight_line("nothing").count(), 0);
        assert_eq!(hits.current_line(), 2);
        hits.change_line(0);
        assert_eq!(hits.current_line(), 0);
        hits.update(&String::new());
        assert_eq!(hits.highlight_line("Two boats").count(), 0);
    }
}
