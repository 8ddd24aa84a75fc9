//! Restores a backup into an archive: first the messages that verify, then what the state says of them.

use std::path::Path;

use jiff::Timestamp;

use super::import::Batch;
use super::manifest::{self, Folder, Loaded, Manifest};
use super::{Restored, Result, verify};
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
    let states = match folder.load()? {
        Loaded::Whole(manifest) => {
            messages(archive, &folder, &manifest, &mut restored, cancel, report)?;
            states(&folder, &manifest, &mut restored)
        }
        Loaded::Damaged(_) | Loaded::Missing | Loaded::Unreadable => {
            salvage(archive, &folder, &mut restored, cancel, report)?;
            folder.states().into_iter().filter_map(|number| folder.read_state(number, None).ok()).collect()
        }
    };
    for state in states {
        archive.merge(&state)?;
    }
    archive.index_pending(cancel, report)?;
    Ok(restored)
}

fn messages(
    archive: &Archive,
    folder: &Folder,
    manifest: &Manifest,
    restored: &mut Restored,
    cancel: &Cancel,
    report: Report<'_>,
) -> Result<()> {
    let mut batch = Batch::new(archive, Origin::Backup, cancel);
    let failed = &mut restored.failed;
    verify::read_all(folder, manifest, cancel, report, &mut |_, read| match read {
        Ok((bytes, _)) => batch.add(bytes, manifest.made, Marks::default()),
        Err(sentence) => {
            failed.push(sentence);
            Ok(())
        }
    })?;
    restored.found = manifest.messages.len() as u64;
    count(restored, batch)
}

fn salvage(
    archive: &Archive,
    folder: &Folder,
    restored: &mut Restored,
    cancel: &Cancel,
    report: Report<'_>,
) -> Result<()> {
    let mut batch = Batch::new(archive, Origin::Backup, cancel);
    let mut progress = Progress::default();
    let failed = &mut restored.failed;
    verify::walk_all(folder, cancel, &mut |message| {
        progress.done += 1;
        report(progress);
        match message {
            Ok((_, bytes)) => batch.add(bytes, Timestamp::now(), Marks::default()),
            Err(sentence) => {
                failed.push(sentence);
                Ok(())
            }
        }
    })?;
    restored.found = progress.done;
    count(restored, batch)
}

fn count(restored: &mut Restored, batch: Batch<'_>) -> Result<()> {
    let counts = batch.finish()?;
    restored.added += counts.added;
    restored.already_here += counts.already_here;
    Ok(())
}

fn states(folder: &Folder, manifest: &Manifest, restored: &mut Restored) -> Vec<Snapshot> {
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
