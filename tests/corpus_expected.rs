//! Real mail: what is read of each message is compared with what independent parsers agreed on, and nothing in the
//! whole collection makes anything panic. The collection is not part of the repository; without it this says so.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use postkeep::message::{self, Attachment, Card, Message, Seal, visible_line};
use serde_json::Value;

/// The folder with the messages and `expected.jsonl`.
fn corpus() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared");
    let shared = std::env::var_os("POSTKEEP_SHARED").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    let folder = shared.join("corpus");
    let found = folder.join("expected.jsonl").is_file();
    if !found {
        eprintln!("SKIPPED: there is no collection of messages in {}", folder.display());
    }
    found.then_some(folder)
}

/// One line of `expected.jsonl` with what we read of that message.
struct Case {
    path: String,
    fields: Value,
    original: Vec<u8>,
    read: Message,
}

impl Case {
    /// The attachments that are parts: the files found inside them the other parsers do not look for.
    fn parts(&self) -> impl Iterator<Item = &Attachment> {
        self.read.attachments.iter().filter(|attachment| !attachment.inside)
    }

    /// The agreed value and ours, as comparable text; `None` where the parsers did not agree.
    fn compare(&self, field: &str) -> Option<(String, String)> {
        let agreed = self.fields.get(field)?;
        let text = agreed.as_str().map(visible_line).unwrap_or_default();
        let envelope = &self.read.envelope;
        Some(match field {
            "subject" => (text, envelope.subject.clone()),
            "from_addr" => (text.to_lowercase(), envelope.from.address.to_lowercase()),
            "from_name" => (text, envelope.from.name.clone()),
            "date_utc" => (text, envelope.date.map(|date| date.to_string()).unwrap_or_default()),
            "attachments" => (agreed.to_string(), self.parts().count().to_string()),
            "attachment_names" => {
                let mut theirs: Vec<String> =
                    agreed.as_array()?.iter().map(|name| visible_line(name.as_str().unwrap_or_default())).collect();
                let mut ours: Vec<String> = self.parts().map(|each| each.name.clone()).collect();
                theirs.sort();
                ours.sort();
                (format!("{theirs:?}"), format!("{ours:?}"))
            }
            _ => (beginning(&text), beginning(&visible_line(&self.read.text))),
        })
    }
}

/// Of a text, the part that is compared: taking characters out can shorten the agreed 200 a little.
fn beginning(text: &str) -> String {
    text.chars().take(180).collect()
}

/// Messages whose reading differs with reason: a piece of the path, the field (any where it is empty), and why. What is
/// explained neither here nor by what [`reason`] sees itself fails the test.
const REASONS: &[(&str, &str, &str)] = &[
    (
        "sisimai/maildir__",
        "from_name",
        "a comment behind the address is the name (RFC 5322 3.4), which the others leave out",
    ),
    ("enmime/testdata__parts__ctype-invalid-characters", "", "a type that is no type is read as text (RFC 2045 5.2)"),
    ("text_plain_escaped_footer", "text200", "a zero-width space is taken out, and was a blank to them"),
    ("test-documents__testRFC822", "text200", "a zero-width space is taken out, and was a blank to them"),
    ("test-alt-rel-text", "text200", "every text of the preferred alternative is shown"),
    ("bodystructuretest", "text200", "all texts are shown, one behind the other, also the HTML between them"),
    ("mimekit/messages__body", "text200", "all texts are shown, one behind the other, also the HTML between them"),
    ("missing-inner", "text200", "a part whose end is missing loses nothing"),
    ("eml__malformed__008", "text200", "all texts are shown, one behind the other, also the HTML between them"),
    ("kmime/dfaure-crash", "text200", "a header line without a name is text, and loses nothing"),
    ("cyrus-cassandane/mime__iso-2022-jp", "text200", "ISO-2022-JP is decoded, though it is not declared"),
    ("content_transfer_encoding_7-bit", "text200", "octets from 0x80 on are windows-1252 and not control characters"),
];

/// Why ours is another value, where that is known.
fn reason(case: &Case, field: &str) -> Option<&'static str> {
    let read = &case.read;
    let is_part = |field: &str| matches!(field, "attachments" | "attachment_names" | "text200");
    let opened = read.cards.iter().any(|card| matches!(card, Card::Seal(Seal::Signed(_))));
    let is_opaque = !matches!(message::unsealed(&case.original), std::borrow::Cow::Borrowed(_));
    if is_part(field) && opened && is_opaque {
        return Some("an opaque signature is taken off, and what is in it shown");
    }
    if is_part(field) && read.attachments.iter().any(|attachment| attachment.inside) {
        return Some("files are taken out of a winmail.dat or of the text");
    }
    let known = REASONS.iter().find(|(path, of, _)| case.path.contains(path) && (of.is_empty() || *of == field));
    known.map(|(.., why)| *why)
}

fn cases(folder: &Path) -> Vec<Case> {
    let lines = fs::read_to_string(folder.join("expected.jsonl")).expect("expected.jsonl is text");
    let case = |line: &str| {
        let mut value: Value = serde_json::from_str(line).expect("a line is JSON");
        let path = value["path"].as_str().expect("a path").to_owned();
        let original = fs::read(folder.join(&path)).ok()?;
        Some(Case { read: message::read(&original), fields: value["fields"].take(), original, path })
    };
    lines.lines().filter_map(case).collect()
}

/// Fields, and of the cells that the parsers agreed on the share that must be ours, in per cent.
const FLOORS: [(&str, f64); 7] = [
    ("subject", 99.0),
    ("from_addr", 99.0),
    ("from_name", 99.0),
    ("date_utc", 99.0),
    ("attachments", 97.0),
    ("attachment_names", 97.0),
    ("text200", 95.0),
];

#[test]
fn what_is_read_agrees_with_other_parsers_and_every_difference_has_a_reason() {
    let Some(folder) = corpus() else { return };
    let cases = cases(&folder);
    assert!(cases.len() > 1_000, "only {} messages", cases.len());
    let mut reasons: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let (mut differing, mut unexplained, mut too_few) = (Vec::new(), Vec::new(), Vec::new());
    eprintln!("{:18}{:>9}{:>9}{:>10}", "field", "eligible", "agree", "per cent");
    for (field, floor) in FLOORS {
        let (mut of_field, mut same) = (0, 0);
        for case in &cases {
            let Some((theirs, ours)) = case.compare(field) else { continue };
            of_field += 1;
            if theirs == ours {
                same += 1;
                continue;
            }
            let told = format!("{field} {}\n    agreed {theirs:?}\n    ours   {ours:?}", case.path);
            match reason(case, field) {
                Some(reason) => {
                    *reasons.entry((field, reason)).or_default() += 1;
                    differing.push(format!("{told}\n    because {reason}"));
                }
                None => unexplained.push(told),
            }
        }
        let share = f64::from(same) * 100.0 / f64::from(of_field.max(1));
        eprintln!("{field:18}{of_field:9}{same:9}{share:10.2}");
        if share < floor {
            too_few.push(format!("{field}: {share:.2} % of {floor} %"));
        }
    }
    eprintln!("\nDifferences:");
    for ((field, reason), count) in reasons {
        eprintln!("{count:5} {field}: {reason}");
    }
    let shown = std::env::var("POSTKEEP_DIFFERENCES").ok().and_then(|number| number.parse().ok()).unwrap_or(200);
    for difference in differing.iter().take(shown) {
        eprintln!("{difference}");
    }
    assert!(unexplained.is_empty(), "differences without a reason:\n{}", unexplained.join("\n"));
    assert!(too_few.is_empty(), "{too_few:?}");
}

#[test]
fn every_file_of_the_collection_is_read_whatever_it_is() {
    let Some(folder) = corpus() else { return };
    let mut folders = vec![folder];
    let (mut files, mut octets_in, mut octets_out) = (0_usize, 0_usize, 0_usize);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder can be listed") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let original = fs::read(&path).expect("a file can be read");
            let read = message::read(&original);
            let panicked = read.notes.iter().any(|note| note.contains("could not be understood"));
            assert!(!panicked, "{} makes the parser panic", path.display());
            let mut out = read.text.len() + message::headers(&original).len();
            for (index, attachment) in read.attachments.iter().enumerate() {
                let content = message::attachment(&original, index).expect("a listed attachment has content");
                assert_eq!(content.len() as u64, attachment.size, "{}", path.display());
                out += content.len();
            }
            assert_eq!(message::attachment(&original, read.attachments.len()), None);
            // Work is bounded by what comes in: nothing is decoded to much more than it was.
            assert!(out <= original.len() * 4 + 1024, "{}: {out} of {}", path.display(), original.len());
            (files, octets_in, octets_out) = (files + 1, octets_in + original.len(), octets_out + out);
        }
    }
    eprintln!("{files} files, {octets_in} octets read, {octets_out} octets of text and attachments out");
    assert!(files > 1_000);
}
