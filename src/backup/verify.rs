//! Reads a backup whole and compares every hash. Changes nothing, trusts nothing: see [`super`].

use std::path::Path;

use super::manifest::{self, Entry, Folder, Loaded, Manifest, StateFault};
use super::segment::{self, Fault, Segment, Walked, Way};
use super::{Result, Verified, names};
use crate::job::{Cancel, Progress, Report, unless_cancelled};
use crate::message;

/// Reads a backup whole and compares every hash: of each message, of each segment, of the state, of the manifest.
/// `folder` is the backup's folder or the one around its `Postkeep backup`.
///
/// # Errors
/// [`super::BackupError::NotABackup`], [`super::BackupError::NewerFormat`], [`super::BackupError::Cancelled`], or
/// [`super::BackupError::Io`] when not even the manifest's place can be read. Damage is no error: it is in
/// [`Verified::damaged`].
pub fn verify(folder: &Path, cancel: &Cancel, report: Report<'_>) -> Result<Verified> {
    let folder = Folder::find(folder)?;
    let mut verified = Verified::default();
    match folder.load()? {
        Loaded::Whole(manifest) => check(&folder, &manifest, &mut verified, cancel, report)?,
        Loaded::Damaged(manifest) => {
            verified.damaged.push("manifest.json, the list of what is in the backup, is damaged.".to_owned());
            check(&folder, &manifest, &mut verified, cancel, report)?;
        }
        Loaded::Missing | Loaded::Unreadable => {
            verified
                .damaged
                .push("manifest.json, the list of what is in the backup, is missing or unreadable.".to_owned());
            let mut progress = Progress::default();
            walk_all(&folder, cancel, &mut |message| {
                match message {
                    Ok((_, bytes)) => {
                        verified.messages += 1;
                        verified.octets += bytes.len() as u64;
                    }
                    Err(sentence) => verified.damaged.push(sentence),
                }
                progress.done += 1;
                report(progress);
                Ok(())
            })?;
        }
    }
    Ok(verified)
}

fn check(
    folder: &Folder,
    manifest: &Manifest,
    verified: &mut Verified,
    cancel: &Cancel,
    report: Report<'_>,
) -> Result<()> {
    for file in &manifest.segments {
        let found = segment::hash_file(&folder.segment_path(file.number), cancel)?;
        let name = manifest::segment_name::of(file.number);
        match found {
            Some(found) if found == (file.octets, file.sha256) => {}
            Some(_) => verified.damaged.push(format!("{name} is not as it was written.")),
            None => verified.damaged.push(format!("{name} is missing or cannot be read.")),
        }
    }
    let damaged = &mut verified.damaged;
    let (mut messages, mut octets) = (0, 0);
    read_all(folder, manifest, cancel, report, &mut |entry, read| {
        match read {
            Ok((bytes, way)) => {
                messages += 1;
                octets += bytes.len() as u64;
                if way == Way::Place {
                    let name = shown(&entry.name);
                    damaged.push(format!("{name}: its entry in the zip file is damaged; Postkeep can still read it."));
                }
            }
            Err(sentence) => damaged.push(sentence),
        }
        Ok(())
    })?;
    (verified.messages, verified.octets) = (messages, octets);
    for state in &manifest.states {
        let name = manifest::state_name::of(state.number);
        match folder.read_state::<serde::de::IgnoredAny>(state.number, Some(state)) {
            Ok(_) => {}
            Err(StateFault::Missing) => verified.damaged.push(format!("{name} is missing or cannot be read.")),
            Err(StateFault::Damaged) => verified.damaged.push(format!("{name} is not as it was written.")),
        }
    }
    Ok(())
}

/// What reading one message gave: its bytes, with the hash that the manifest names, or a sentence.
pub(super) type Read = Result<(Vec<u8>, Way), String>;

/// Reads every message of a manifest in the order in which they lie in the segments.
pub(super) fn read_all(
    folder: &Folder,
    manifest: &Manifest,
    cancel: &Cancel,
    report: Report<'_>,
    each: &mut dyn FnMut(&Entry, Read) -> Result<()>,
) -> Result<()> {
    let (mut known, impossible) = manifest.sort_out();
    known.sort_unstable_by_key(|entry| (entry.segment, entry.at));
    let octets_total = known.iter().map(|entry| entry.octets).sum();
    let mut progress = Progress { octets_total: Some(octets_total), ..Progress::of(0, known.len() as u64) };
    for entry in impossible {
        let sentence = format!("{}: what the manifest says of it cannot be true.", shown(&entry.name));
        each(entry, Err(sentence))?;
    }
    let mut open: Option<(u32, Option<Segment>)> = None;
    for entry in known {
        unless_cancelled(cancel)?;
        if open.as_ref().is_none_or(|(number, _)| *number != entry.segment) {
            open = Some((entry.segment, Segment::open(&folder.segment_path(entry.segment)).ok()));
        }
        let segment = open.as_mut().and_then(|(_, segment)| segment.as_mut());
        let read = segment.map_or(Err(Fault::SegmentMissing), |segment| segment.read(entry));
        each(entry, read.map_err(|fault| sentence(entry, fault)))?;
        progress.done += 1;
        progress.octets += entry.octets;
        report(progress);
    }
    Ok(())
}

/// Reads every message of every segment without a manifest: the zip files' own checksums must do. `Err` to `each` is a
/// sentence.
pub(super) fn walk_all(folder: &Folder, cancel: &Cancel, each: &mut dyn FnMut(Walked) -> Result<()>) -> Result<()> {
    for number in folder.segments() {
        let file = manifest::segment_name::of(number);
        match Segment::open(&folder.segment_path(number)).ok().filter(Segment::opens) {
            Some(mut segment) => segment.walk(number, |message| {
                unless_cancelled(cancel)?;
                each(message.map_err(|name| format!("{} is damaged in {file}.", shown(&name))))
            })?,
            None => each(Err(format!("{file} is missing or is not a zip file.")))?,
        }
    }
    Ok(())
}

fn sentence(entry: &Entry, fault: Fault) -> String {
    let (name, file) = (shown(&entry.name), manifest::segment_name::of(entry.segment));
    match fault {
        Fault::SegmentMissing => format!("{name} is missing: {file} is not there."),
        Fault::Unreadable => format!("{name} cannot be read from {file}."),
        Fault::Differs => format!("{name} is not as it was backed up."),
    }
}

/// A name from the manifest, fit to be shown.
fn shown(name: &str) -> String {
    let shown: String = message::visible(names::short(name)).chars().take(200).collect();
    if shown.is_empty() { "A message without a name".to_owned() } else { shown }
}
