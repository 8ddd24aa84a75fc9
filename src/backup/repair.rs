//! Puts back what rotted in the archive, from a backup: bytes whose hash is the one that was stored when the message came,
//! and nothing else. Where only the file's indexes rotted they are made anew from its tables. See [`super`].

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::manifest::{Folder, Loaded, Manifest};
use super::{Repaired, Result, verify};
use crate::account::{Digest, MessageId};
use crate::archive::{Archive, ArchiveError};
use crate::job::{Cancel, Report};

/// Reads every message of the archive, and replaces those that are damaged or missing by what the archive itself still
/// holds of them, or else the backup.
/// `folder` is the backup's folder or the one around its `Postkeep backup`. Each message is compared with its hash as it
/// is read from the backup, before it is stored, and as it stands in the archive.
///
/// # Errors
/// As [`super::restore`]. What was put back until then stays.
pub fn repair(archive: &Archive, folder: &Path, cancel: &Cancel, report: Report<'_>) -> Result<Repaired> {
    let folder = Folder::find(folder)?;
    let mut repaired = Repaired::default();
    let is_sound = archive.structure(cancel)?.is_empty();
    repaired.indexes = !is_sound && archive.remake_indexes(cancel)?;
    if !is_sound && !repaired.indexes {
        repaired.failed.push(
            "The archive's file itself is damaged, so no message can be put back into it. Restore the backup into a new \
             archive instead: what it holds is not lost."
                .to_owned(),
        );
        return Ok(repaired);
    }
    archive.mend_bundles(cancel)?;
    let mut damaged: HashMap<Digest, Vec<MessageId>> = archive.damaged(cancel, report)?.into_iter().collect();
    repaired.damaged = damaged.values().map(|messages| messages.len() as u64).sum();
    if !damaged.is_empty() {
        repaired.messages = archive.mend_out_of_bundles(&mut damaged, cancel)?;
    }
    if damaged.is_empty() {
        return Ok(repaired);
    }
    let lost: HashSet<Digest> = damaged.keys().copied().collect();
    let mut put_back = |digest: Digest, bytes: &[u8]| -> Result<(), ArchiveError> {
        if damaged.contains_key(&digest) && archive.mend(digest, bytes)? {
            repaired.messages.extend(damaged.remove(&digest).unwrap_or_default());
        }
        Ok(())
    };
    match folder.load()? {
        Loaded::Whole(manifest) | Loaded::Damaged(manifest) => {
            let Manifest { messages, .. } = &manifest;
            let wanted = messages.iter().filter(|entry| lost.contains(&entry.sha256)).cloned().collect();
            let manifest = Manifest { messages: wanted, ..manifest };
            verify::read_all(&folder, &manifest, cancel, report, &mut |entry, read| {
                Ok(read.map_or(Ok(()), |(bytes, _)| put_back(entry.sha256, &bytes))?)
            })?;
        }
        // Without a list of what is where, everything is looked at.
        Loaded::Missing | Loaded::Unreadable => verify::walk_all(&folder, cancel, &mut |message| {
            Ok(message.map_or(Ok(()), |(entry, bytes)| put_back(entry.sha256, &bytes))?)
        })?,
    }
    repaired.messages.sort_unstable();
    let mut left: Vec<MessageId> = damaged.into_values().flatten().collect();
    left.sort_unstable();
    repaired.failed.extend(left.into_iter().map(|id| {
        format!(
            "Message {id} could not be repaired: the backup does not hold it, or not in the bytes that were stored."
        )
    }));
    Ok(repaired)
}
