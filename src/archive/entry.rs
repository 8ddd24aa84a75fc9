//! One message as `index.db` holds it: what the list shows, and the words that are searched.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use jiff::Timestamp;

use super::SortKey;
use super::fold::fold;
use crate::account::MessageId;
use crate::message::{self, Envelope, Mailbox, Message};

/// Characters kept of what is shown, and octets of what is searched: a message can be hostile.
const SHOWN: usize = 1_000;
const PREVIEW: usize = 200;
const SEARCHED: usize = 1 << 20;
const SEARCHED_HEADER: usize = 64 << 10;

/// Between two texts of one message: a word that nobody can ask for, so that no phrase reaches over it. (No character
/// to Unicode, and so a gap to the folding.)
const BETWEEN: &str = " \u{FFFF} ";

/// What the header says, for the list.
pub(super) struct Listed {
    pub(super) key: SortKey,
    pub(super) subject: String,
    pub(super) from: Mailbox,
    pub(super) date: Timestamp,
    pub(super) size: u64,
}

/// What the body adds.
pub(super) struct Worded {
    pub(super) key: SortKey,
    pub(super) attachments: usize,
    pub(super) preview: String,
    /// Subject, sender, recipients, body and files, folded.
    pub(super) searched: [String; 5],
}

/// Reads the header of a message only.
pub(super) fn read_header(id: MessageId, arrived: Timestamp, size: u64, bytes: &[u8]) -> Listed {
    listed(id, arrived, size, &message::envelope(bytes))
}

/// Reads a whole message.
pub(super) fn read_whole(id: MessageId, arrived: Timestamp, size: u64, bytes: &[u8]) -> (Listed, Worded) {
    let (message, further) = message::read_for_search(bytes);
    let listed = listed(id, arrived, size, &message.envelope);
    let worded = Worded {
        key: listed.key,
        attachments: message.attachments.iter().filter(|file| !file.unpacked).count(),
        preview: message::gist(&message, PREVIEW),
        searched: searched(&message, &further),
    };
    (listed, worded)
}

fn listed(id: MessageId, arrived: Timestamp, size: u64, envelope: &Envelope) -> Listed {
    let date = shown_date(envelope.date, arrived);
    Listed {
        key: key(id, date),
        subject: shortened(&envelope.subject),
        from: Mailbox { name: shortened(&envelope.from.name), address: shortened(&envelope.from.address) },
        date,
        size,
    }
}

fn searched(message: &Message, further: &[String]) -> [String; 5] {
    let envelope = &message.envelope;
    let people = |people: &mut dyn Iterator<Item = &Mailbox>| {
        joined(people.flat_map(|one| [one.name.as_str(), one.address.as_str()]), SEARCHED_HEADER)
    };
    let files = message.attachments.iter().map(|file| file.name.as_str());
    [
        fold(start(&envelope.subject, SEARCHED_HEADER)),
        people(&mut std::iter::once(&envelope.from).chain(&envelope.reply_to)),
        people(&mut envelope.to.iter().chain(&envelope.cc)),
        body(&message.text, further),
        joined(files, SEARCHED_HEADER),
    ]
}

/// Texts folded, with a word between them that no phrase reaches over.
fn joined<'a>(texts: impl Iterator<Item = &'a str>, mut left: usize) -> String {
    let mut answer = String::new();
    for text in texts {
        let text = start(text, left);
        left -= text.len();
        let folded = fold(text);
        if !folded.is_empty() {
            answer.push_str(if answer.is_empty() { "" } else { BETWEEN });
            answer.push_str(&folded);
        }
    }
    answer
}

/// The text that is read, and of the further ones what it does not hold already: most mail says the same in plain text
/// and in HTML.
fn body(text: &str, further: &[String]) -> String {
    let mut answer = fold(start(text, SEARCHED));
    let mut left = SEARCHED.saturating_sub(text.len());
    let mut known = Passages::default();
    for text in further {
        let text = start(text, left);
        left -= text.len();
        if known.0.is_empty() {
            known.add(&answer);
        }
        known.append_new(&mut answer, &fold(text));
    }
    answer
}

/// Words in a row that make a passage. A phrase of at most so many words is found though parts of the text were left
/// out as known.
pub(super) const PASSAGE: usize = 8;
const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

/// The passages of a text, by their hashes.
#[derive(Default)]
struct Passages(HashSet<u64, BuildHasherDefault<Hashed>>);

/// Of what is a hash already.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, hash: u64) {
        // The lower bits choose the place.
        self.0 = hash ^ hash >> 32;
    }
}

impl Passages {
    fn add(&mut self, folded: &str) {
        let hashes: Vec<u64> = folded.split(' ').map(hash_of).collect();
        self.0.extend(passages(&hashes));
    }

    /// Appends the words that stand in some passage that is not known.
    fn append_new(&self, answer: &mut String, folded: &str) {
        if folded.is_empty() {
            return;
        }
        let words: Vec<&str> = folded.split(' ').collect();
        let hashes: Vec<u64> = words.iter().copied().map(hash_of).collect();
        let mut keep = vec![words.len() < PASSAGE; words.len()];
        // The next word that no passage has asked for yet.
        let mut from = 0;
        for (at, passage) in passages(&hashes).enumerate() {
            if !self.0.contains(&passage) {
                let begin = at.max(from);
                if let Some(kept) = keep.get_mut(begin..at + PASSAGE) {
                    kept.fill(true);
                }
                from = at + PASSAGE;
            }
        }
        let mut kept_before = false;
        for (word, keep) in words.iter().zip(keep) {
            if keep {
                answer.push_str(if kept_before { " " } else { BETWEEN });
                answer.push_str(word);
            }
            kept_before = keep;
        }
    }
}

/// The hash of each passage, by that of the one before.
fn passages(hashes: &[u64]) -> impl Iterator<Item = u64> {
    let highest = (1..PASSAGE).fold(1u64, |power, _| power.wrapping_mul(FACTOR));
    let mut passage = 0u64;
    (0..hashes.len()).filter_map(move |at| {
        if let Some(gone) = at.checked_sub(PASSAGE).and_then(|gone| hashes.get(gone)) {
            passage = passage.wrapping_sub(gone.wrapping_mul(highest));
        }
        passage = passage.wrapping_mul(FACTOR).wrapping_add(hashes.get(at).copied().unwrap_or_default());
        (at + 1 >= PASSAGE).then_some(passage)
    })
}

fn hash_of(word: &str) -> u64 {
    let mut hash = word.len() as u64;
    for chunk in word.as_bytes().chunks(8) {
        let mut octets = [0; 8];
        octets.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
        hash = (hash ^ u64::from_le_bytes(octets)).wrapping_mul(FACTOR);
        hash ^= hash >> 29;
    }
    hash
}

/// The Date field, or arrival where there is none or it lies in the future: more than a day after arrival, for clocks
/// and time zones are set wrong by less than that all the time.
fn shown_date(written: Option<Timestamp>, arrived: Timestamp) -> Timestamp {
    let day = jiff::SignedDuration::from_hours(24);
    let latest = arrived.checked_add(day).unwrap_or(Timestamp::MAX);
    written.filter(|date| *date <= latest).unwrap_or(arrived)
}

/// See [`SortKey`].
fn key(id: MessageId, date: Timestamp) -> SortKey {
    SortKey(bound(date.as_second()) | id.0)
}

/// The smallest key of a second; seconds before 1970 and after 2514 count as those.
pub(super) fn bound(second: i64) -> i64 {
    second.clamp(0, (1 << 34) - 1) << 29
}

fn shortened(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

/// The first octets of a text, cut between two characters.
fn start(text: &str, octets: usize) -> &str {
    text.get(..text.floor_char_boundary(octets)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_was_said_already_is_left_out() {
        let plain = "one two three four five six seven eight nine ten eleven twelve";
        for (further, expected) in [
            (plain, String::new()),
            ("new words", format!("{BETWEEN}new words")),
            ("short", format!("{BETWEEN}short")),
            ("", String::new()),
            (
                "click here one two three four five six seven eight nine ten eleven twelve",
                // Every passage with a new word is there whole.
                format!("{BETWEEN}click here one two three four five six seven"),
            ),
        ] {
            assert_eq!(body(plain, &[further.to_owned()]), format!("{plain}{expected}"), "{further}");
        }
    }

    proptest! {
        /// Every phrase of up to a passage of either text is found, and no other.
        #[test]
        fn no_phrase_is_lost(plain in "[abc ]{0,60}", html in "[abc ]{0,60}") {
            let both = [fold(&plain), fold(&html)];
            let body = body(&plain, &[html]);
            let pieces: Vec<&str> = body.split(BETWEEN).collect();
            let holds = |text: &str, phrase: &str| format!(" {text} ").contains(&format!(" {phrase} "));
            for text in both.iter().filter(|text| !text.is_empty()) {
                let words: Vec<&str> = text.split(' ').collect();
                for phrase in words.windows(words.len().min(PASSAGE)).map(|words| words.join(" ")) {
                    prop_assert!(pieces.iter().any(|piece| holds(piece, &phrase)), "{phrase} in {body}");
                }
            }
            for piece in pieces.into_iter().filter(|piece| !piece.is_empty()) {
                prop_assert!(both.iter().any(|text| holds(text, piece)), "{piece}");
            }
        }
    }
}
