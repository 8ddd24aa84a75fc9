//! What stands in the body's place: the text with its quotations folded and its links found, or the header or the source as
//! they came. Long texts are laid out in parts.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use crate::archive::{Field, Highlighter};
use crate::gui::widget::prose::{Ink, Line, Page};
use crate::gui::words::{alike, counted};
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
    /// For each line that is laid out, where its text begins in the whole; none for words that fold something.
    starts: Vec<Option<usize>>,
    /// What was looked for, in octets of the whole.
    found: Vec<Range<usize>>,
    /// Which of them is the current one.
    current: Option<usize>,
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
            starts: Vec::new(),
            found: Vec::new(),
            current: None,
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

    pub fn blocks(&self) -> &[Block] {
        &self.blocks
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

    pub fn top(&mut self) {
        (self.from, self.most) = (0, PART);
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

    /// Marks what was looked for; none of it is the current one yet.
    pub fn mark(&mut self, found: Vec<Range<usize>>) {
        (self.found, self.current) = (found, None);
        self.place_marks();
    }

    /// Where the current place begins, in octets of the whole.
    pub fn current(&self) -> Option<usize> {
        self.found.get(self.current?).map(|range| range.start)
    }

    /// Makes a place the current one that is to be seen: what it is folded in is unfolded, and its part is laid out.
    pub fn turn_to(&mut self, place: usize) {
        let Some(range) = self.found.get(place).cloned() else { return };
        self.current = Some(place);
        if self.folded_at(range.start).is_some_and(|block| self.unfolded.insert(block)) {
            self.lay_out();
        }
        let shown = self.from..self.whole.len() - self.rest;
        if !(shown.contains(&range.start) && range.end <= shown.end) {
            let back = range.start.saturating_sub(BEFORE);
            let back = (0..=back).rev().find(|at| self.whole.is_char_boundary(*at)).unwrap_or(0);
            self.from = self.whole.get(..back).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
            self.most = PART;
            self.lay_out();
        }
        self.place_marks();
        self.page.turn();
    }

    /// Unfolds what a search hit first, where it hit nothing that is shown.
    pub fn reveal(&mut self, highlighter: &Highlighter) {
        // Where so many are folded, all are.
        const MOST: usize = 100;
        if !self.blocks.iter().any(|block| block.folds) {
            return;
        }
        let hits = highlighter.ranges(Field::Body, &self.whole);
        let mut folded = hits.iter().take(MOST).map(|hit| self.folded_at(hit.start));
        if let Some(Some(block)) = folded.next()
            && folded.all(|block| block.is_some())
        {
            self.unfolded.insert(block);
            self.lay_out();
        }
    }

    /// The folding block that an octet is in.
    fn folded_at(&self, octet: usize) -> Option<usize> {
        if self.shows != Shows::Text {
            return None;
        }
        let line = self.whole.get(..octet)?.matches('\n').count();
        self.blocks.iter().position(|block| block.folds && block.lines.contains(&line))
    }

    fn lay_out(&mut self) {
        self.links.clear();
        self.starts.clear();
        let lines = if self.shows == Shows::Text && !self.blocks.is_empty() { self.written() } else { self.plain() };
        self.page.replace(lines);
        self.place_marks();
    }

    /// The lines of the blocks that are unfolded, as far as there is room.
    fn written(&mut self) -> Vec<Line> {
        let whole = Arc::clone(&self.whole);
        let mut text = whole.split('\n');
        let mut room = Room { left: self.most, used: self.from };
        let mut lines = Vec::new();
        let mut at = 0;
        for (place, block) in self.blocks.iter().enumerate() {
            let of_block: Vec<&str> = text.by_ref().take(block.lines.len()).collect();
            let mut begins = at;
            at += of_block.iter().map(|line| line.len() + 1).sum::<usize>();
            if at <= self.from {
                continue;
            }
            let open = self.unfolded.contains(&place);
            if block.folds {
                lines.push(fold_line(place, &of_block, open));
                self.starts.push(None);
            }
            if block.folds && !open {
                // What is folded takes no room.
                room.used = at;
                continue;
            }
            for line in of_block {
                let start = begins;
                begins += line.len() + 1;
                if start < self.from {
                    continue;
                }
                let Some(shown) = room.take(line) else { break };
                lines.push(self::line(shown, block.kind, &mut self.links));
                self.starts.push(lines.last().map(|line| start + shown.len() - line.text.len()));
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
        let mut room = Room { left: self.most, used: self.from };
        let mut lines = Vec::new();
        for line in whole.get(self.from..).unwrap_or_default().split('\n') {
            let start = room.used;
            let Some(shown) = room.take(line) else { break };
            lines.push(Line { text: shown.to_owned(), ..Line::default() });
            self.starts.push(Some(start));
        }
        self.rest = whole.len().saturating_sub(room.used);
        lines
    }

    fn place_marks(&mut self) {
        let mut marks = Vec::new();
        let current = self.current();
        self.page.current = None;
        let mut found = self.found.iter().peekable();
        for (place, (line, start)) in self.page.lines.iter().zip(&self.starts).enumerate() {
            let Some(start) = *start else { continue };
            let end = start + line.text.len();
            while found.next_if(|range| range.start < start).is_some() {}
            while let Some(range) = found.next_if(|range| range.start < end) {
                if Some(range.start) == current {
                    self.page.current = Some(marks.len());
                }
                marks.push((place, range.start - start..range.end.min(end) - start));
            }
        }
        self.page.marks = marks;
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

/// Where `sought` stands in `text`, letters of any case alike, with accents and without; at most [`MOST_FOUND`]. Where there are blocks the signs of
/// quotation are not text. Not on the thread that draws.
pub fn find(text: &str, blocks: &[Block], sought: &str) -> Vec<Range<usize>> {
    let sought: String = sought.chars().flat_map(alike).collect();
    if sought.is_empty() || sought.contains('\n') {
        return Vec::new();
    }
    let signs = signs(text, blocks);
    let is_shown = |range: &Range<usize>| {
        let before = signs.partition_point(|signs| signs.start <= range.start);
        signs.get(..before).and_then(<[_]>::last).is_none_or(|signs| signs.end <= range.start)
    };
    let folded = Folded::new(text);
    let found = folded.text.match_indices(&sought).filter_map(|(at, _)| folded.original(at..at + sought.len(), text));
    found.filter(is_shown).take(MOST_FOUND).collect()
}

const MOST_FOUND: usize = 10_000;

/// Where the signs of quotation stand.
fn signs(text: &str, blocks: &[Block]) -> Vec<Range<usize>> {
    let mut lines = text.split('\n');
    let (mut at, mut found) = (0, Vec::new());
    for block in blocks {
        for line in lines.by_ref().take(block.lines.len()) {
            let signs = if block.kind == Kind::Quoted { line.len() - unquoted(line).1.len() } else { 0 };
            if signs > 0 {
                found.push(at..at + signs);
            }
            at += line.len() + 1;
        }
    }
    found
}

/// A text with letters of any case alike, and the way back.
struct Folded {
    text: String,
    /// Behind letters that have become longer or shorter: the octet here, and there.
    shifts: Vec<(usize, usize)>,
}

impl Folded {
    fn new(text: &str) -> Folded {
        let mut folded = Folded { text: String::with_capacity(text.len()), shifts: Vec::new() };
        for (at, letter) in text.char_indices() {
            let before = folded.text.len();
            folded.text.extend(alike(letter));
            if folded.text.len() - before != letter.len_utf8() {
                folded.shifts.push((folded.text.len(), at + letter.len_utf8()));
            }
        }
        folded
    }

    /// `None` where it begins or ends inside of a letter.
    fn original(&self, range: Range<usize>, text: &str) -> Option<Range<usize>> {
        let back = |at: usize| {
            let behind = self.shifts.partition_point(|(here, _)| *here <= at).checked_sub(1);
            behind.and_then(|place| self.shifts.get(place)).map_or(at, |(here, there)| there + at - here)
        };
        let range = back(range.start)..back(range.end);
        (range.start < range.end && text.get(range.clone()).is_some()).then_some(range)
    }
}

#[cfg(test)]
mod tests {
    use super::{Arc, Body, Highlighter, Shows, blocks, find};

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
        let found = find(&whole, &[], "needle");
        assert_eq!(found.len(), 2);
        body.mark(found);
        body.turn_to(1);
        assert!(body.is_cut_above());
        assert_eq!(current(&body), Some("Needle"));
        body.top();
        assert_eq!(texts(&body)[0], "Received: x");
    }

    /// What is marked as the current place.
    fn current(body: &Body) -> Option<&str> {
        let (line, range) = body.page.marks.get(body.page.current?)?.clone();
        body.page.lines.get(line)?.text.get(range)
    }

    #[test]
    fn what_only_a_folded_quotation_was_found_by_is_unfolded() {
        let whole = "Yes.\n\nOn 2 Jan 2006, Ann wrote:\n> one\n> two lanterns\n> three";
        for (query, folded) in
            [("lanterns", false), ("yes", true), ("yes lanterns", true), ("nothing", true), ("", true)]
        {
            let mut body = text(whole);
            body.reveal(&Highlighter::new(query));
            assert_eq!(texts(&body).contains(&"▸ 3 quoted lines"), folded, "{query}");
        }
    }

    #[test]
    fn what_is_looked_for_is_unfolded_and_signs_of_quotation_are_no_text() {
        let whole = "Yes.\n\nOn 2 Jan 2006, Ann wrote:\n> one yes\n> > two\n> three\n\n-- \nBee yes";
        let mut body = text(whole);
        assert!(find(whole, body.blocks(), "> ").is_empty() && find(whole, body.blocks(), "> one").is_empty());
        assert_eq!(find(whole, &[], "> one").len(), 1, "in the source they are");
        let found = find(whole, body.blocks(), "YES");
        assert_eq!(found.len(), 3);
        body.mark(found);
        assert_eq!(body.page.marks.len(), 2, "one is folded");
        body.turn_to(2);
        assert_eq!((current(&body), body.page.current), (Some("yes"), Some(1)));
        assert_eq!(texts(&body)[3], "▸ 3 quoted lines");
        body.turn_to(1);
        assert_eq!((current(&body), body.page.current, body.page.marks.len()), (Some("yes"), Some(1), 3));
        assert_eq!(texts(&body)[3..5], ["▾ 3 quoted lines", "one yes"]);
        body.fold(2);
        assert_eq!((current(&body), body.page.marks.len()), (None, 2), "folded again by hand");
    }

    #[test]
    fn what_is_looked_for_in_a_long_thread_is_laid_out_with_its_part() {
        let whole = format!("{}On 2 Jan 2006, Ann wrote:\n> needle\n> two\n", "a line of it\n".repeat(10_000));
        let mut body = text(&whole);
        body.mark(find(&whole, body.blocks(), "needle"));
        assert!(body.page.marks.is_empty() && body.rest() > 0);
        body.turn_to(0);
        assert_eq!((current(&body), body.is_cut_above(), body.rest()), (Some("needle"), true, 0));
        body.top();
        assert!(!body.is_cut_above() && texts(&body)[0] == "a line of it");
    }

    #[test]
    fn letters_of_any_case_and_accent_are_found_where_they_stand() {
        for (text, sought, expected) in [
            ("Straße ÄRGER ärger", "ärger", &["ÄRGER", "ärger"][..]),
            ("ΟΔΟΣ οδος", "Οδος", &["ΟΔΟΣ", "οδος"]),
            ("İstanbul, Istanbul", "istanbul", &["İstanbul", "Istanbul"]),
            ("Café cafe\u{301} CAFE.", "café", &["Café", "cafe\u{301}", "CAFE"]),
            ("caf\u{e9}s", "cafe", &["café"]),
            ("한글 하나", "하", &["하"]),
            ("ȺȾ then x", "x", &["x"]),
            ("a\u{a0}b", "a b", &["a\u{a0}b"]),
            ("写真、写真", "写真", &["写真", "写真"]),
            ("abc", "", &[]),
        ] {
            let found: Vec<&str> = find(text, &[], sought).into_iter().map(|range| &text[range]).collect();
            assert_eq!(found, expected, "{sought} in {text}");
        }
    }
}
