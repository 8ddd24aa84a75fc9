//! Export: mail in formats that other programs open. Written beside its place under a name that nobody else gives, and
//! renamed last; stopped or failed, it leaves nothing behind.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::durable::{self, Unfinished};
use super::mbox::{self, Fit};
use super::segment::ZipFolder;
use super::{BackupError, Doing, Exported, Format, Result, maildir, names};
use crate::account::MessageId;
use crate::archive::{Archive, ArchiveError, Stored, View};
use crate::job::{Cancel, Progress, Report, unless_cancelled};

/// Exports all messages, or those found by a query; of twins, which are shown as one message, the one that is shown.
/// `place` must not exist yet (a folder may exist empty).
///
/// `.eml` files, also in a zip, and Maildir hold every message exactly; Maildir also keeps read and starred. Mbox is
/// mboxrd with each message's own line ends: what it cannot hold exactly is named in [`Exported::inexact`].
///
/// # Errors
/// [`BackupError::TargetExists`], also of what stands where the unfinished file would; [`BackupError::Io`],
/// [`BackupError::Cancelled`], [`BackupError::Archive`]: then nothing was written.
pub fn export(
    archive: &Archive,
    place: &Path,
    format: Format,
    query: Option<&str>,
    cancel: &Cancel,
    report: Report<'_>,
) -> Result<Exported> {
    let writing = |error| BackupError::io(Doing::Exporting, place, error);
    refuse_what_is_there(place, format)?;
    let (chosen, lost) = choose(archive, query, cancel)?;
    if let Some(parent) = place.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent).map_err(writing)?;
    }
    let part = part_of(place).map_err(writing)?;
    clear(&part)?;
    let mut output = Output::create(part, format).map_err(writing)?;
    let mut damaged = lost;
    let octets_total = chosen.iter().map(|stored| stored.octets).sum();
    let mut exported = Exported::default();
    let mut progress = Progress { octets_total: Some(octets_total), ..Progress::of(0, chosen.len() as u64) };
    for stored in &chosen {
        unless_cancelled(cancel)?;
        // A message may have been erased since the list was made: then there is nothing to export.
        let bytes = match archive.original(stored.id) {
            // One damaged message must not keep the others from being exported.
            Err(ArchiveError::Damaged { .. } | ArchiveError::Rotten { .. }) => {
                damaged.push(stored.id);
                None
            }
            bytes => bytes?,
        };
        if let Some(bytes) = bytes {
            if let Some(sentence) = output.add(stored, &bytes).map_err(writing)? {
                exported.inexact.push(sentence);
            }
            exported.exported += 1;
            exported.octets += bytes.len() as u64;
        }
        progress.done += 1;
        progress.octets += stored.octets;
        report(progress);
    }
    unless_cancelled(cancel)?;
    output.finish(place).map_err(writing)?;
    damaged.sort_unstable();
    let failed = damaged.into_iter().map(|id| format!("Message {id} is damaged in the archive and was not exported."));
    exported.failed.extend(failed);
    Ok(exported)
}

fn refuse_what_is_there(place: &Path, format: Format) -> Result<()> {
    let is_folder_format = matches!(format, Format::Maildir | Format::Eml);
    match fs::symlink_metadata(place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(BackupError::io(Doing::Reading, place, error)),
        Ok(found) if is_folder_format && found.is_dir() && is_empty(place)? => Ok(()),
        Ok(_) => Err(BackupError::TargetExists(place.to_owned())),
    }
}

fn is_empty(folder: &Path) -> Result<bool> {
    let mut entries = fs::read_dir(folder).map_err(|error| BackupError::io(Doing::Reading, folder, error))?;
    Ok(entries.next().is_none())
}

/// `.name.postkeep-part` beside `place`. What bears such a name was left by an export that was cut off.
fn part_of(place: &Path) -> io::Result<PathBuf> {
    let name = place.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    let part = [OsStr::new("."), name, OsStr::new(".postkeep-part")].join(OsStr::new(""));
    Ok(place.with_file_name(part))
}

/// Takes away what an export left that was cut off. A link, or what else no export makes, stays and is told of.
fn clear(part: &Path) -> Result<()> {
    let writing = |error| BackupError::io(Doing::Exporting, part, error);
    match fs::symlink_metadata(part) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(writing(error)),
        Ok(found) if found.is_dir() => fs::remove_dir_all(part).map_err(writing),
        Ok(found) if found.is_file() => fs::remove_file(part).map_err(writing),
        Ok(_) => Err(BackupError::TargetExists(part.to_owned())),
    }
}

/// What to export, in the order of ids: the order in which it came. And what should be among it and is lost.
fn choose(archive: &Archive, query: Option<&str>, cancel: &Cancel) -> Result<(Vec<Stored>, Vec<MessageId>)> {
    let (mut chosen, mut lost) = archive.every_stored_and_lost()?;
    chosen.retain(|stored| stored.twin_of.is_none());
    if let Some(query) = query {
        let found = archive.search(query, View::All, None, cancel)?;
        unless_cancelled(cancel)?;
        let ids: std::collections::HashSet<_> = found.keys.iter().map(|key| key.message()).collect();
        chosen.retain(|stored| ids.contains(&stored.id));
        lost.retain(|id| ids.contains(id));
    }
    Ok((chosen, lost))
}

/// An export being written.
enum Output {
    Mbox { file: BufWriter<fs::File>, part: Unfinished },
    Folder { part: Unfinished, maildir: bool },
    Zip(Box<ZipFolder>),
}

impl Output {
    fn create(path: PathBuf, format: Format) -> io::Result<Output> {
        match format {
            Format::Zip => return ZipFolder::create(path).map(|zip| Output::Zip(Box::new(zip))),
            Format::Mbox => {
                let file = durable::create(&path)?;
                return Ok(Output::Mbox { file: BufWriter::new(file), part: Unfinished::new(path) });
            }
            Format::Maildir | Format::Eml => {}
        }
        durable::create_folder(&path)?;
        let part = Unfinished::new(path);
        if format == Format::Maildir {
            for name in ["cur", "new", "tmp"] {
                durable::create_folder(&part.path().join(name))?;
            }
        }
        Ok(Output::Folder { part, maildir: format == Format::Maildir })
    }

    /// Adds a message; answers a sentence when the format could not hold it exactly.
    fn add(&mut self, stored: &Stored, bytes: &[u8]) -> io::Result<Option<String>> {
        let name = names::eml_path(stored.id, bytes, stored.arrived);
        match self {
            Output::Mbox { file, .. } => {
                let fit = mbox::write_message(file, bytes, stored.arrived)?;
                return Ok((fit == Fit::FinalLineEndAdded).then(|| {
                    format!("{} does not end in a line end; mbox needs one, so one was added.", names::short(&name))
                }));
            }
            Output::Zip(zip) => zip.add(&name, bytes, stored.arrived)?,
            Output::Folder { part, maildir } => {
                let path = if *maildir {
                    part.path().join("cur").join(maildir::file_name(stored.id, stored.arrived, stored.marks))
                } else {
                    name.split('/').fold(part.path().to_owned(), |path, component| path.join(component))
                };
                write_file(&path, bytes, stored)?;
            }
        }
        Ok(None)
    }

    fn finish(self, place: &Path) -> io::Result<()> {
        match self {
            Output::Zip(zip) => zip.finish(place)?,
            Output::Mbox { file, part } => {
                file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
                part.finish(place)?;
            }
            Output::Folder { part, .. } => {
                if place.is_dir() {
                    fs::remove_dir(place)?;
                }
                part.finish(place)?;
            }
        }
        let parent = place.parent().filter(|parent| !parent.as_os_str().is_empty());
        durable::sync_folder(parent.unwrap_or(Path::new(".")))
    }
}

fn write_file(path: &Path, bytes: &[u8], stored: &Stored) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        durable::create_folder(folder)?;
    }
    let mut file = durable::create(path)?;
    file.write_all(bytes)?;
    // So that an import knows the time of arrival again. A file system that cannot keep it changes nothing else.
    let _ = file.set_modified(stored.arrived.into());
    Ok(())
}
