//! Restores a backup into an archive: first the messages that verify, then what the state says of them.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use jiff::Timestamp;

use super::import::Batch;
use super::manifest::{self, Folder, Loaded, Manifest};
use super::{Restored, Result, verify};
use crate::account::{Digest, MessageId};
use crate::archive::{Archive, Marks, Origin, Snapshot};
use crate::job::{Cancel, Progress, Report};

/// Restores into an empty archive or merges into one that holds mail. `folder` is the backup's folder or the one around
/// its `Postkeep backup`. What is damaged is named in [`Restored::failed`]; everything else is restored. Without a
/// usable manifest, every message that the zip files themselves hold whole is restored.
///
/// # Errors
/// As [`super::verify`], and [`super::BackupError::Archive`]: what was stored until then stays, and doing it again goes
/// on from there.
pub fn restore(archive: &Archive, folder: &Path, cancel: &Cancel, report: Report<'_>) -> Result<Restored> {
    let folder = Folder::find(folder)?;
    let mut restored = Restored::default();
    let manifest = match folder.load()? {
        Loaded::Whole(manifest) => Some(manifest),
        Loaded::Damaged(_) | Loaded::Missing | Loaded::Unreadable => None,
    };
    let states = match &manifest {
        Some(manifest) => named_states(&folder, manifest, &mut restored),
        // Newest last. Each carries a seal of its own.
        None => folder.states().into_iter().filter_map(|number| folder.read_state(number, None).ok()).collect(),
    };
    let messages = Messages { batch: Batch::new(archive, Origin::Backup, cancel), arrivals: arrivals(&states) };
    let mut brought = match &manifest {
        Some(manifest) => listed(messages, &folder, manifest, &mut restored, cancel, report)?,
        None => salvaged(messages, &folder, &mut restored, cancel, report)?,
    };
    for state in &states {
        archive.merge(state, &mut brought)?;
    }
    if let Some(manifest) = manifest.filter(|_| restored.failed.is_empty()) {
        record(archive, &folder, &manifest)?;
    }
    archive.index_pending(cancel, report)?;
    Ok(restored)
}

/// Every message of the backup was just read and hashed: it is a verified one of the archive that it went into.
fn record(archive: &Archive, folder: &Folder, manifest: &Manifest) -> Result<()> {
    let in_backup: HashSet<Digest> = manifest.messages.iter().map(|entry| entry.sha256).collect();
    let stored = archive.every_stored()?.into_iter();
    let held: Vec<MessageId> = stored.filter(|one| in_backup.contains(&one.digest)).map(|one| one.id).collect();
    Ok(archive.record_backup(&manifest.id, folder.path(), &held, Timestamp::now())?)
}

/// Messages on their way back, and when each arrived the first time.
struct Messages<'a> {
    batch: Batch<'a>,
    arrivals: HashMap<Digest, Timestamp>,
}

impl Messages<'_> {
    fn add(&mut self, digest: Digest, bytes: Vec<u8>) -> Result<()> {
        let arrived = self.arrivals.get(&digest).copied().unwrap_or_else(Timestamp::now);
        self.batch.add(bytes, arrived, Marks::default())
    }

    /// Answers the messages that were not here before.
    fn finish(self, restored: &mut Restored) -> Result<HashSet<MessageId>> {
        let (counts, brought) = self.batch.finish()?;
        (restored.added, restored.already_here) = (counts.added, counts.already_here);
        Ok(brought)
    }
}

/// The earliest arrival of each original.
fn arrivals(states: &[Snapshot]) -> HashMap<Digest, Timestamp> {
    let mut arrivals: HashMap<Digest, Timestamp> = HashMap::new();
    for (digest, arrived) in states.iter().flat_map(Snapshot::arrivals) {
        let earliest = arrivals.entry(digest).or_insert(arrived);
        *earliest = arrived.min(*earliest);
    }
    arrivals
}

fn listed(
    mut messages: Messages<'_>,
    folder: &Folder,
    manifest: &Manifest,
    restored: &mut Restored,
    cancel: &Cancel,
    report: Report<'_>,
) -> Result<HashSet<MessageId>> {
    let failed = &mut restored.failed;
    verify::read_all(folder, manifest, cancel, report, &mut |entry, read| match read {
        Ok((bytes, _)) => messages.add(entry.sha256, bytes),
        Err(sentence) => {
            failed.push(sentence);
            Ok(())
        }
    })?;
    restored.found = manifest.messages.len() as u64;
    messages.finish(restored)
}

fn salvaged(
    mut messages: Messages<'_>,
    folder: &Folder,
    restored: &mut Restored,
    cancel: &Cancel,
    report: Report<'_>,
) -> Result<HashSet<MessageId>> {
    let mut progress = Progress::default();
    let failed = &mut restored.failed;
    verify::walk_all(folder, cancel, &mut |message| {
        progress.done += 1;
        report(progress);
        match message {
            Ok((entry, bytes)) => messages.add(entry.sha256, bytes),
            Err(sentence) => {
                failed.push(sentence);
                Ok(())
            }
        }
    })?;
    restored.found = progress.done;
    messages.finish(restored)
}

fn named_states(folder: &Folder, manifest: &Manifest, restored: &mut Restored) -> Vec<Snapshot> {
    let mut states = Vec::new();
    for state in &manifest.states {
        match folder.read_state(state.number, Some(state)) {
            Ok(snapshot) => states.push(snapshot),
            Err(_) => restored.failed.push(format!(
                "{} is damaged or missing: accounts and marks that were kept in it could not be restored.",
                manifest::state_name::of(state.number)
            )),
        }
    }
    states
}
