//! Real mail in and out: every single message of the shared corpus is imported as a file and comes out byte for byte;
//! every mbox of it on whose messages two other readers agree is cut into as many.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)]

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use postkeep::account::Digest;
use postkeep::archive::Archive;
use postkeep::backup::{Format, Imported, export, import};
use postkeep::job::Cancel;
use postkeep::message::likeness;
use serde_json::Value;

/// The corpus; `None`, and a line that says so, where it is not there.
fn corpus() -> Option<PathBuf> {
    let shared = std::env::var_os("POSTKEEP_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let corpus = shared.join("corpus");
    if !corpus.is_dir() {
        println!("skipped: {} is not there (POSTKEEP_SHARED says where)", corpus.display());
        return None;
    }
    Some(corpus)
}

fn lines(file: &Path) -> Vec<Value> {
    fs::read_to_string(file).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn import_all(paths: &[PathBuf]) -> (tempfile::TempDir, Archive, Imported) {
    let place = tempfile::tempdir().unwrap();
    let archive = Archive::open(place.path()).unwrap();
    let imported = import(&archive, paths, &Cancel::new(), &mut |_| {}).unwrap();
    (place, archive, imported)
}

/// How often each content stands in a folder of `.eml` files.
fn contents(folder: &Path, into: &mut BTreeMap<Digest, usize>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            contents(&entry.path(), into);
        } else {
            *into.entry(Digest::of(&fs::read(entry.path()).unwrap())).or_default() += 1;
        }
    }
}

#[test]
fn every_single_message_comes_out_as_it_went_in() {
    let Some(corpus) = corpus() else { return };
    let listed = lines(&corpus.join("expected.jsonl"));
    let (mut waiting, mut absent, mut refused) = (Vec::new(), Vec::new(), 0);
    for line in &listed {
        let path = corpus.join(line["path"].as_str().unwrap());
        match fs::read(&path) {
            // Not one header field, and not called a message either.
            Ok(bytes) if !bytes.contains(&b':') && path.extension().is_none_or(|is| is != "eml") => {
                let (_place, _archive, imported) = import_all(&[path]);
                assert_eq!((imported.added, imported.failed.len()), (0, 1));
                refused += 1;
            }
            Ok(bytes) => waiting.push((path, likeness(&bytes), Digest::of(&bytes))),
            Err(_) => absent.push(path),
        }
    }
    let messages = waiting.len();
    assert!(messages > 1000 && absent.len() < 5, "{messages} of {} files are there", listed.len());
    // An archive shows two messages of one likeness once: such a message goes into the next archive.
    let (mut archives, mut exact) = (0, 0);
    while !waiting.is_empty() {
        let mut seen = HashSet::new();
        let (now, later): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|(_, likeness, _)| seen.insert(*likeness));
        let paths: Vec<PathBuf> = now.iter().map(|(path, ..)| path.clone()).collect();
        let (_place, archive, imported) = import_all(&paths);
        let expected = Imported { found: now.len() as u64, added: now.len() as u64, ..Imported::default() };
        assert_eq!(imported, expected);
        let out = tempfile::tempdir().unwrap();
        let exported = export(&archive, out.path(), Format::Eml, None, &Cancel::new(), &mut |_| {}).unwrap();
        assert_eq!((exported.exported, exported.inexact), (now.len() as u64, vec![]));
        let (mut went_in, mut came_out) = (BTreeMap::new(), BTreeMap::new());
        now.iter().for_each(|(.., digest)| *went_in.entry(*digest).or_default() += 1);
        contents(out.path(), &mut came_out);
        assert_eq!(came_out, went_in);
        (archives, exact, waiting) = (archives + 1, exact + now.len(), later);
    }
    println!(
        "{exact} of {messages} messages byte-identical after import and export, in {archives} archives \
         ({} files listed, {} of them not there, {refused} no mail)",
        listed.len(),
        absent.len()
    );
    assert_eq!((exact, refused), (messages, 1));
}

#[test]
fn mboxes_are_cut_into_as_many_messages_as_others_find() {
    let Some(corpus) = corpus() else { return };
    let (mut agreed, mut messages) = (0, 0);
    for line in lines(&corpus.join("mbox_counts.jsonl")) {
        if line["agree"] != Value::Bool(true) {
            continue;
        }
        let path = corpus.join(line["path"].as_str().unwrap());
        let expected = line["from_line_then_header_rule"].as_u64().unwrap();
        let (_place, _archive, imported) = import_all(std::slice::from_ref(&path));
        assert_eq!((imported.found, imported.failed), (expected, vec![]), "{}", path.display());
        (agreed, messages) = (agreed + 1, messages + expected);
    }
    println!("{agreed} mbox files, {messages} messages");
    assert!(agreed > 50);
}
