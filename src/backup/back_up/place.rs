//! Chooses the folder that a backup goes into, and clears away what an interrupted run left in it.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::super::manifest::{self, Folder};
use super::super::{BackupError, Doing, Result, durable};

/// In octets; ours takes a tenth of it.
const LARGEST_README: u64 = 20_000;

/// Chooses the folder: see the head of [`crate::backup`].
pub(super) fn folder_for(archive: &Path, place: &Path) -> Result<Folder> {
    let reading = |error| BackupError::io(Doing::Reading, place, error);
    let place = std::path::absolute(place).map_err(reading)?;
    if place.exists() && !place.is_dir() {
        return Err(BackupError::NotAFolder(place));
    }
    let chosen = if is_empty_or_ours(&place)? { place } else { place.join(manifest::SUBFOLDER) };
    if !is_empty_or_ours(&chosen)? {
        return Err(BackupError::NotABackup(chosen));
    }
    if let Ok(archive) = fs::canonicalize(archive)
        && real_path(&chosen).starts_with(archive)
    {
        return Err(BackupError::InsideArchive(chosen));
    }
    durable::create_folder(&chosen).map_err(|error| BackupError::io(Doing::Writing, &chosen, error))?;
    Ok(Folder::new(&chosen))
}

/// The path with all links resolved, also when its last parts are not there yet.
fn real_path(path: &Path) -> PathBuf {
    path.ancestors()
        .find_map(|above| Some(fs::canonicalize(above).ok()?.join(path.strip_prefix(above).ok()?)))
        .unwrap_or_else(|| path.to_owned())
}

/// Whether nothing but a backup, or the beginning of one, is in a folder; also when it is not there yet.
fn is_empty_or_ours(path: &Path) -> Result<bool> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(BackupError::io(Doing::Reading, path, error)),
    };
    // A first run that was cut off leaves nothing but these.
    let begun = |name: &str| if name == manifest::README { may_explain(path) } else { name.ends_with(".part") };
    Ok(Folder::new(path).is_ours() || entries.flatten().all(|entry| entry.file_name().to_str().is_some_and(begun)))
}

/// Whether the file that explains a backup may be written here: one that a person or another program wrote stays. That of
/// an older version begins as ours does.
pub(super) fn may_explain(folder: &Path) -> bool {
    let ours = manifest::README_TEXT.lines().next().unwrap_or_default().as_bytes();
    match durable::read(&folder.join(manifest::README), LARGEST_README) {
        Ok(text) => text.starts_with(ours),
        Err(error) => error.kind() == ErrorKind::NotFound,
    }
}

/// Removes what an interrupted run left unfinished. Only names of ours: other programs have `.part` files too.
pub(super) fn remove_parts(folder: &Folder) -> Result<()> {
    let entries = fs::read_dir(folder.path()).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name();
        let ours = name.to_str().and_then(|name| name.strip_suffix(".part")).is_some_and(|name| {
            manifest::segment_name::number(name).is_some()
                || manifest::state_name::number(name).is_some()
                || [manifest::MANIFEST, manifest::README].contains(&name)
        });
        if ours {
            durable::remove_if_there(&entry.path())
                .map_err(|error| BackupError::io(Doing::Writing, &entry.path(), error))?;
        }
    }
    Ok(())
}
