//! What a row says of a message that was found by words further down: those words, and not its first.

use std::ops::Range;

use iced::Task;

use super::{List, Message};
use crate::archive::{Archive, Field, Highlighter, Row, SortKey};
use crate::gui::off::off;
use crate::message;

/// The octets of a message that is not too large to be read for it.
const LARGEST: u64 = 1 << 20;
/// So many octets of a preview are seen in a list of the usual width.
const IN_SIGHT: usize = 36;
/// The characters around the first hit: it is to be seen in a narrow list, too.
const AROUND: usize = 75;

impl List {
    /// Looks in the messages of those rows that show nothing of what was searched for.
    pub(super) fn look_in(&self, rows: &[SortKey], archive: &Archive) -> Task<Message> {
        let highlighter = &self.found_by.highlighter;
        if highlighter.is_empty() {
            return Task::none();
        }
        let says_nothing = |row: &&Row| {
            let hits = |field, text| highlighter.ranges(field, text);
            let in_sight = |range: &Range<usize>| range.start <= IN_SIGHT;
            let says = !hits(Field::Sender, row.sender()).is_empty()
                || !hits(Field::Subject, &row.subject).is_empty()
                || hits(Field::Body, &row.preview).first().is_some_and(in_sight);
            !says && row.size <= LARGEST
        };
        let rows = rows.iter().filter_map(|key| self.rows.get(key)).filter(says_nothing);
        let keys: Vec<SortKey> = rows.map(|row| row.key).collect();
        if keys.is_empty() {
            return Task::none();
        }
        let (generation, highlighter, archive) = (self.generation, highlighter.clone(), archive.clone());
        off(move || found(&archive, &highlighter, &keys)).map(move |found| Message::Found(generation, found))
    }

    /// They take the place of the first words.
    pub(super) fn found_in(&mut self, generation: u64, found: Vec<(SortKey, String)>) {
        for (key, words) in found.into_iter().filter(|_| generation == self.generation) {
            if let Some(row) = self.rows.get_mut(&key) {
                row.preview = words;
            }
        }
    }
}

fn found(archive: &Archive, highlighter: &Highlighter, keys: &[SortKey]) -> Vec<(SortKey, String)> {
    let around = |key: &SortKey| {
        // A message that cannot be read says so where it is opened.
        let original = archive.original(key.message()).ok()??;
        let snippet = highlighter.snippet(&message::read(&original).text, AROUND);
        (!snippet.ranges.is_empty()).then_some((*key, snippet.text))
    };
    keys.iter().filter_map(around).collect()
}
