//! Real mail: what is read of each message is compared with what independent parsers agreed on, and nothing in the
//! whole collection makes anything panic. The collection is not part of the repository; without it this says so.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use postkeep::message::{self, Message, visible_line};
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
    read: Message,
}

impl Case {
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
            "attachments" => (agreed.to_string(), self.read.attachments.len().to_string()),
            "attachment_names" => {
                let mut theirs: Vec<String> =
                    agreed.as_array()?.iter().map(|name| visible_line(name.as_str().unwrap_or_default())).collect();
                let mut ours: Vec<String> = self.read.attachments.iter().map(|each| each.name.clone()).collect();
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

/// In a word or two, how two values differ.
fn class(theirs: &str, ours: &str) -> &'static str {
    let squeezed = |text: &str| text.chars().filter(|each| !each.is_whitespace()).collect::<String>();
    if squeezed(theirs) == squeezed(ours) {
        "only white space"
    } else if ours.is_empty() {
        "ours is empty"
    } else if theirs.is_empty() {
        "theirs is empty"
    } else if theirs.contains('\u{fffd}') || ours.contains('\u{fffd}') {
        "undecodable characters"
    } else if ours.starts_with(theirs) || theirs.starts_with(ours) {
        "one begins with the other"
    } else if ours.contains(theirs) || theirs.contains(ours) {
        "one contains the other"
    } else {
        "other"
    }
}

fn cases(folder: &Path) -> Vec<Case> {
    let lines = fs::read_to_string(folder.join("expected.jsonl")).expect("expected.jsonl is text");
    let case = |line: &str| {
        let mut value: Value = serde_json::from_str(line).expect("a line is JSON");
        let path = value["path"].as_str().expect("a path").to_owned();
        let original = fs::read(folder.join(&path)).ok()?;
        Some(Case { read: message::read(&original), fields: value["fields"].take(), path })
    };
    lines.lines().filter_map(case).collect()
}

#[test]
fn subjects_senders_and_dates_agree_with_other_parsers() {
    let Some(folder) = corpus() else { return };
    let cases = cases(&folder);
    assert!(cases.len() > 1_000, "only {} messages", cases.len());
    let mut classes: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut differing = Vec::new();
    let (mut agreeing, mut eligible) = (0, 0);
    eprintln!("{:18}{:>9}{:>9}{:>10}", "field", "eligible", "agree", "per cent");
    for field in ["subject", "from_addr", "from_name", "date_utc", "attachments", "attachment_names", "text200"] {
        let (mut of_field, mut same) = (0, 0);
        for case in &cases {
            let Some((theirs, ours)) = case.compare(field) else { continue };
            of_field += 1;
            if theirs == ours {
                same += 1;
            } else {
                *classes.entry((field, class(&theirs, &ours))).or_default() += 1;
                differing.push(format!("{field} {}\n    agreed {theirs:?}\n    ours   {ours:?}", case.path));
            }
        }
        eprintln!("{field:18}{of_field:9}{same:9}{:10.2}", f64::from(same) * 100.0 / f64::from(of_field.max(1)));
        if !matches!(field, "attachments" | "attachment_names" | "text200") {
            agreeing += same;
            eligible += of_field;
        }
    }
    let share = f64::from(agreeing) * 100.0 / f64::from(eligible);
    eprintln!("subjects, senders and dates together: {agreeing} of {eligible}, {share:.2} %\n\nDifferences:");
    for ((field, class), count) in classes {
        eprintln!("{count:5} {field}: {class}");
    }
    let shown = std::env::var("POSTKEEP_DIFFERENCES").ok().and_then(|number| number.parse().ok()).unwrap_or(40);
    for difference in differing.iter().take(shown) {
        eprintln!("{difference}");
    }
    assert!(share >= 97.0, "{share:.2} %");
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
