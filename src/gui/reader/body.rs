//! What stands in the body's place: the text with its quotations folded and its links found, or the header or the source as
//! they came. Long texts are laid out in parts.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use crate::gui::widget::prose::{Ink, Line, Page};
use crate::gui::words::counted;
use crate::message::links::{self, Target, find_links};
use crate::message::outline::{Block, Kind, outline, unquoted};

/// Characters of a long text that are laid out at once; a button shows the next part.
const PART: usize = 60_000;
/// What is laid out before a place that was looked for in a part that was not shown.
const BEFORE: usize = 4_000;

/// What of a message is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shows {
    #[default]
    Text,
    Headers,
    Source,
}

/// See the module.
pub struct Body {
    pub shows: Shows,
    pub page: Page,
    pub monospace: bool,
    whole: Arc<str>,
    blocks: Vec<Block>,
    /// Blocks that a person unfolded.
    unfolded: HashSet<usize>,
    /// The targets of the links that are laid out, and the texts over them.
    links: Vec<(String, String)>,
    /// Where of the whole the part begins that is laid out, in octets.
    from: usize,
    /// How many characters are laid out.
    most: usize,
    /// Octets behind what is laid out.
    rest: usize,
    /// What was looked for, in octets of the whole.
    found: Vec<Range<usize>>,
}

impl Body {
    /// The text of a message; [`outline`] is made where it is read.
    pub fn of_text(whole: Arc<str>, blocks: Vec<Block>, monospace: bool) -> Body {
        let mut body = Body {
            shows: Shows::Text,
            page: Page::default(),
            monospace,
            whole,
            blocks,
            unfolded: HashSet::new(),
            links: Vec::new(),
            from: 0,
            most: PART,
            rest: 0,
            found: Vec::new(),
        };
        body.lay_out();
        body
    }

    /// Header or source, line by line.
    pub fn of_raw(shows: Shows, whole: Arc<str>, monospace: bool) -> Body {
        Body { shows, ..Body::of_text(whole, Vec::new(), monospace) }
    }

    pub fn whole(&self) -> &Arc<str> {
        &self.whole
    }

    pub fn is_blank(&self) -> bool {
        self.whole.trim().is_empty()
    }

    pub fn rest(&self) -> usize {
        self.rest
    }

    /// Whether something stands before what is laid out.
    pub fn is_cut_above(&self) -> bool {
        self.from > 0
    }

    pub fn more(&mut self) {
        self.most += PART;
        self.lay_out();
    }

    pub fn from_the_top(&mut self) {
        (self.from, self.most) = (0, PART);
        self.page.current = None;
        self.lay_out();
    }

    pub fn fold(&mut self, block: usize) {
        if !self.unfolded.remove(&block) {
            self.unfolded.insert(block);
        }
        self.lay_out();
    }

    /// Unfolds all quotations, or folds them where all are unfolded.
    pub fn fold_all(&mut self) {
        let folding: HashSet<usize> =
            self.blocks.iter().enumerate().filter(|(_, block)| block.folds).map(|(place, _)| place).collect();
        self.unfolded = if self.unfolded == folding { HashSet::new() } else { folding };
        self.lay_out();
    }

    /// What a link of the page leads to.
    pub fn link(&self, number: usize) -> Option<Target> {
        let (target, text) = self.links.get(number)?;
        Some(links::link(target, text))
    }

    /// Marks what was looked for; the first is the current one.
    pub fn mark(&mut self, found: Vec<Range<usize>>) {
        self.page.current = None;
        self.found = found;
        self.place_marks();
    }

    /// How many places there are, and which of them is the current one, from 1.
    pub fn found(&self, current: Option<usize>) -> (usize, usize) {
        (current.map_or(0, |place| place + 1), self.found.len())
    }

    /// Makes a place the current one, laying its part out where it is not.
    pub fn turn_to(&mut self, place: usize) {
        let Some(range) = self.found.get(place).cloned() else { return };
        let shown = self.from..self.whole.len() - self.rest;
        if !(shown.contains(&range.start) && range.end <= shown.end) {
            let back = range.start.saturating_sub(BEFORE);
            let back = (0..=back).rev().find(|at| self.whole.is_char_boundary(*at)).unwrap_or(0);
            self.from = self.whole.get(..back).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
            self.most = PART;
            self.lay_out();
        }
        self.page.current =
            self.page.marks.iter().position(|(line, within)| self.octet(*line, within.start) == range.start);
    }

    fn lay_out(&mut self) {
        self.links.clear();
        let lines = if self.shows == Shows::Text && !self.blocks.is_empty() { self.written() } else { self.plain() };
        let current = self.page.current;
        self.page = Page::new(lines);
        self.page.current = current;
        self.place_marks();
    }

    /// The lines of the blocks that are unfolded, as far as there is room.
    fn written(&mut self) -> Vec<Line> {
        let whole = Arc::clone(&self.whole);
        let text: Vec<&str> = whole.split('\n').collect();
        let mut room = Room { left: self.most, used: 0 };
        let mut lines = Vec::new();
        for (place, block) in self.blocks.iter().enumerate() {
            let of_block = text.get(block.lines.clone()).unwrap_or_default();
            let open = self.unfolded.contains(&place);
            if block.folds {
                lines.push(fold_line(place, of_block, open));
            }
            if block.folds && !open {
                // What is folded takes no room.
                room.used += of_block.iter().map(|line| line.len() + 1).sum::<usize>();
                continue;
            }
            for line in of_block {
                let Some(shown) = room.take(line) else { break };
                lines.push(self::line(shown, block.kind, &mut self.links));
            }
            if room.left == 0 {
                break;
            }
        }
        self.rest = whole.len().saturating_sub(room.used);
        lines
    }

    fn plain(&mut self) -> Vec<Line> {
        let whole = Arc::clone(&self.whole);
        let mut room = Room { left: self.most, used: 0 };
        let part = whole.get(self.from..).unwrap_or_default();
        let lines = part
            .split('\n')
            .map_while(|line| room.take(line))
            .map(|shown| Line { text: shown.to_owned(), ..Line::default() });
        let lines: Vec<Line> = lines.collect();
        self.rest = part.len().saturating_sub(room.used);
        lines
    }

    /// Where a line that is laid out as it came begins, and so many octets on.
    fn octet(&self, line: usize, within: usize) -> usize {
        let before = self.page.lines.iter().take(line).map(|line| line.text.len() + 1).sum::<usize>();
        self.from + before + within
    }

    fn place_marks(&mut self) {
        self.page.marks.clear();
        if self.shows == Shows::Text {
            return;
        }
        let mut found = self.found.iter().skip_while(|range| range.start < self.from).peekable();
        let mut at = self.from;
        for (place, line) in self.page.lines.iter().enumerate() {
            let end = at + line.text.len();
            while let Some(range) = found.next_if(|range| range.start < end) {
                self.page.marks.push((place, range.start.saturating_sub(at)..range.end.min(end).saturating_sub(at)));
            }
            at = end + 1;
        }
    }
}

/// How much may still be laid out.
struct Room {
    left: usize,
    /// Octets of the whole that were taken, line ends included.
    used: usize,
}

impl Room {
    /// As much of a line as there is room for; `None` when there is none.
    fn take<'a>(&mut self, line: &'a str) -> Option<&'a str> {
        if self.left == 0 {
            return None;
        }
        match line.char_indices().nth(self.left) {
            None => {
                self.left = self.left.saturating_sub(line.chars().count() + 1);
                self.used += line.len() + 1;
                Some(line)
            }
            Some((cut, _)) => {
                self.left = 0;
                self.used += cut;
                line.get(..cut)
            }
        }
    }
}

/// `▸ 14 quoted lines`
fn fold_line(block: usize, lines: &[&str], open: bool) -> Line {
    let told = lines.iter().filter(|line| !unquoted(line).1.trim().is_empty()).count().max(1);
    let sign = if open { '▾' } else { '▸' };
    let text = format!("{sign} {}", counted(told as u64, "quoted line", "quoted lines"));
    Line { text, ink: Ink::Fold(block), ..Line::default() }
}

fn line(written: &str, kind: Kind, links: &mut Vec<(String, String)>) -> Line {
    let (level, text) = match kind {
        Kind::Quoted => unquoted(written),
        Kind::Earlier => (1, written),
        _ => (0, written),
    };
    let ink = if matches!(kind, Kind::Signature | Kind::Attribution) { Ink::Dim } else { Ink::Plain };
    let found = find_links(text).into_iter().map(|found| {
        // The text over it is its own address: there is nothing to compare.
        links.push((found.target, String::new()));
        (found.range, links.len() - 1)
    });
    Line { text: text.to_owned(), level, ink, links: found.collect() }
}

/// The blocks of a message's text, for [`Body::of_text`]. Not on the thread that draws.
pub fn blocks(text: &str) -> Vec<Block> {
    outline(text)
}

/// Where `sought` stands in `text`, letters of any case alike; at most [`MOST_FOUND`]. Not on the thread that draws.
pub fn find(text: &str, sought: &str) -> Vec<Range<usize>> {
    const MOST_FOUND: usize = 10_000;
    let sought = sought.to_ascii_lowercase();
    if sought.is_empty() {
        return Vec::new();
    }
    let lower = text.to_ascii_lowercase();
    lower
        .match_indices(&sought)
        .map(|(at, found)| at..at + found.len())
        .filter(|range| !sought.contains('\n') && range.end <= text.len())
        .take(MOST_FOUND)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Arc, Body, Shows, blocks, find};

    fn texts(body: &Body) -> Vec<&str> {
        body.page.lines.iter().map(|line| line.text.as_str()).collect()
    }

    fn text(whole: &str) -> Body {
        Body::of_text(whole.into(), blocks(whole), false)
    }

    #[test]
    fn the_quoted_tail_is_folded_and_opens() {
        let mut body = text("Yes.\n\nOn 2 Jan 2006, Ann wrote:\n> one\n> > two\n> three\n\n-- \nBee");
        assert_eq!(texts(&body), ["Yes.", "", "On 2 Jan 2006, Ann wrote:", "▸ 3 quoted lines", "", "-- ", "Bee"]);
        body.fold(2);
        assert_eq!(texts(&body)[3..7], ["▾ 3 quoted lines", "one", "two", "three"]);
        assert_eq!(body.page.lines.iter().map(|line| line.level).collect::<Vec<_>>(), [0, 0, 0, 0, 1, 2, 1, 0, 0, 0]);
        body.fold_all();
        assert_eq!(texts(&body)[3], "▸ 3 quoted lines");
    }

    #[test]
    fn a_long_text_is_laid_out_in_parts_and_none_is_lost() {
        let whole: Arc<str> = "word and word\n".repeat(12_000).into();
        let mut body = Body::of_text(Arc::clone(&whole), blocks(&whole), false);
        let mut parts = 1;
        while body.rest() > 0 {
            body.more();
            parts += 1;
        }
        assert_eq!((parts, texts(&body).join("\n").len()), (3, whole.len()));
        let one_line: Arc<str> = "é".repeat(70_000).into();
        let mut body = Body::of_text(Arc::clone(&one_line), blocks(&one_line), false);
        assert_eq!((texts(&body)[0].len(), body.rest()), (120_000, 20_000));
        body.more();
        assert_eq!((texts(&body)[0].len(), body.rest()), (140_000, 0));
    }

    #[test]
    fn what_is_looked_for_is_found_in_parts_that_were_not_shown() {
        let whole: Arc<str> =
            format!("Received: x\n{}X-Needle: é Needle\nend", "a line of the source\n".repeat(10_000)).into();
        let mut body = Body::of_raw(Shows::Source, Arc::clone(&whole), true);
        let found = find(&whole, "needle");
        assert_eq!(found.len(), 2);
        body.mark(found);
        body.turn_to(1);
        assert!(body.is_cut_above());
        let current = body.page.current.unwrap();
        let (line, range) = body.page.marks[current].clone();
        assert_eq!(body.page.lines[line].text.get(range), Some("Needle"));
        assert_eq!(body.found(Some(1)), (2, 2));
        body.from_the_top();
        assert_eq!(texts(&body)[0], "Received: x");
    }
}
