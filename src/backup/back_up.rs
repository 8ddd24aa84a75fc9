//! Adds to a backup what it lacks, reads all of it back, and only then says so.
//!
//! The order makes it safe: segments are written and synced; every message of every segment is read back and hashed;
//! the state is written; the manifest is renamed into place; the folder is synced; the archive records it; what the new
//! manifest no longer names is removed. Cut off anywhere, the manifest that is there names only files that are there.

mod adding;
mod place;
mod reading;

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

use jiff::Timestamp;

use super::manifest::{self, Entry, Folder, Loaded, Manifest, SegmentFile, StateFile};
use super::{BackedUp, BackupError, Doing, Result, Step, durable, sealed, segment};
use crate::account::{Digest, MessageId};
use crate::archive::Archive;
use crate::job::{Cancel, Progress};

type StepReport<'a> = &'a mut (dyn FnMut(Step, Progress) + Send);

/// The setting in which an archive keeps its own id, so that a backup knows whose state is whose.
const ARCHIVE_ID: &str = "backup.archive_id";

/// How often what did not read back is written anew before the disk is given up.
const ROUNDS: usize = 3;

/// Adds to the backup folder what it lacks, verifies all of it, and records it in the archive.
///
/// A folder that holds other things gets the backup in `Postkeep backup` inside it ([`BackedUp::folder`] says where).
/// [`Step::Adding`] and [`Step::ReadingBack`] count messages; when earlier segments are found damaged, their messages
/// are added anew and those steps come again.
///
/// # Errors
/// Every variant but [`BackupError::TargetExists`]; the earlier backup is as good as it was.
pub fn back_up(archive: &Archive, folder: &Path, cancel: &Cancel, report: StepReport<'_>) -> Result<BackedUp> {
    let mut options = Options { segment: segment::LARGEST_SEGMENT, moment: &mut |phase| tracing::trace!(phase) };
    back_up_with(&mut options, archive, folder, cancel, report)
}

/// What tests change.
pub(super) struct Options<'a> {
    /// The largest segment, in octets.
    pub segment: u64,
    /// Called after each change of the folder: what is there at that moment is what a kill would leave.
    pub moment: &'a mut dyn FnMut(&'static str),
}

pub(super) fn back_up_with(
    options: &mut Options<'_>,
    archive: &Archive,
    place: &Path,
    cancel: &Cancel,
    report: StepReport<'_>,
) -> Result<BackedUp> {
    let folder = place::folder_for(archive.folder(), place)?;
    place::remove_parts(&folder)?;
    // The snapshot first: every message that it speaks of is then in the list.
    let snapshot = archive.snapshot()?;
    let (stored, lost) = archive.every_stored_and_lost()?;
    let mut run = Run::open(folder, options, archive, cancel)?;
    run.lost = lost;
    run.take_in_unknown_segments()?;
    if place::may_explain(run.folder.path()) {
        write(&run.folder.path().join(manifest::README), manifest::README_TEXT.as_bytes())?;
    }
    for round in 0.. {
        let missing = run.missing(&stored);
        run.add(missing, report)?;
        run.sync(report)?;
        let damage = run.read_back(report)?;
        if damage.is_empty() {
            break;
        }
        if round + 1 == ROUNDS {
            return Err(BackupError::DoesNotReadBack(damage));
        }
    }
    let verified = Timestamp::now();
    run.write_state_and_manifest(&snapshot, verified)?;
    let held: Vec<MessageId> =
        stored.iter().filter(|stored| run.entries.contains_key(&stored.digest)).map(|stored| stored.id).collect();
    archive.record_backup(&run.id, run.folder.path(), &held, verified)?;
    run.tidy()?;
    Ok(run.finish(verified))
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    durable::write(path, bytes).map_err(|error| BackupError::io(Doing::Writing, path, error))
}

/// A backup under way.
struct Run<'a, 'o> {
    folder: Folder,
    options: &'a mut Options<'o>,
    archive: &'a Archive,
    cancel: &'a Cancel,
    id: String,
    archive_id: String,
    /// The manifest that is being made.
    entries: HashMap<Digest, Entry>,
    segments: HashMap<u32, SegmentFile>,
    states: Vec<StateFile>,
    /// Segments whose hash is not known yet: it is taken when they are read back.
    fresh: HashSet<u32>,
    /// Segments that were read back in this run and are whole.
    proved: HashSet<u32>,
    /// Segments that were found damaged; set aside at the end.
    damaged: Vec<u32>,
    /// What could be read of such segments.
    rescued: HashMap<Digest, Entry>,
    /// Messages that were found damaged in a segment.
    broken: Vec<(Digest, String)>,
    /// What the earlier manifest held.
    before: HashSet<Digest>,
    repaired: Vec<String>,
    failed: HashMap<Digest, MessageId>,
    /// Messages of the archive of which not even the hash is known any more.
    lost: Vec<MessageId>,
}

impl<'a, 'o> Run<'a, 'o> {
    fn open(
        folder: Folder,
        options: &'a mut Options<'o>,
        archive: &'a Archive,
        cancel: &'a Cancel,
    ) -> Result<Run<'a, 'o>> {
        let earlier = folder.load()?;
        let archive_id = match archive.setting(ARCHIVE_ID)? {
            Some(id) => id,
            None => {
                let id = manifest::new_id();
                archive.set_setting(ARCHIVE_ID, &id)?;
                id
            }
        };
        let mut run = Run {
            folder,
            options,
            archive,
            cancel,
            id: manifest::new_id(),
            archive_id,
            entries: HashMap::new(),
            segments: HashMap::new(),
            states: Vec::new(),
            fresh: HashSet::new(),
            proved: HashSet::new(),
            damaged: Vec::new(),
            rescued: HashMap::new(),
            broken: Vec::new(),
            before: HashSet::new(),
            repaired: Vec::new(),
            failed: HashMap::new(),
            lost: Vec::new(),
        };
        run.take_over(earlier);
        Ok(run)
    }

    fn take_over(&mut self, earlier: Loaded) {
        const DAMAGED: &str = "The list of the backup, manifest.json, was damaged; it was made anew.";
        let hint = match earlier {
            Loaded::Missing => None,
            Loaded::Whole(manifest) => {
                let (known, _) = manifest.sort_out();
                self.entries = known.into_iter().map(|entry| (entry.sha256, entry.clone())).collect();
                self.before = self.entries.keys().copied().collect();
                self.segments = manifest.segments.iter().map(|file| (file.number, *file)).collect();
                Some(manifest)
            }
            // What cannot be trusted is made anew from the segments themselves.
            Loaded::Damaged(manifest) => {
                self.repaired.push(DAMAGED.to_owned());
                Some(manifest)
            }
            Loaded::Unreadable => {
                self.repaired.push(DAMAGED.to_owned());
                None
            }
        };
        if let Some(hint) = hint {
            self.take_over_states(hint);
        }
    }

    /// The states of other archives that back up to this folder; ours is written anew anyway.
    fn take_over_states(&mut self, manifest: Manifest) {
        if manifest.id.len() == 32 && manifest.id.bytes().all(|octet| octet.is_ascii_hexdigit()) {
            self.id = manifest.id;
        }
        for state in manifest.states.into_iter().filter(|state| state.archive != self.archive_id) {
            if self.folder.read_state::<serde::de::IgnoredAny>(state.number, Some(&state)).is_ok() {
                self.states.push(state);
            } else {
                let file = manifest::state_name::of(state.number);
                self.repaired.push(format!("{file}, which another archive wrote here, is damaged or missing."));
            }
        }
    }

    fn write_state_and_manifest(&mut self, snapshot: &crate::archive::Snapshot, made: Timestamp) -> Result<()> {
        let number = self.folder.states().last().map_or(1, |last| last + 1);
        let path = self.folder.state_path(number);
        let json = |error: serde_json::Error| BackupError::io(Doing::Writing, &path, error.into());
        let bytes = sealed::seal(snapshot).map_err(json)?;
        write(&path, &bytes)?;
        (self.options.moment)("state in place");
        let archive = self.archive_id.clone();
        self.states.retain(|state| state.archive != archive);
        self.states.push(StateFile { number, octets: bytes.len() as u64, sha256: Digest::of(&bytes), archive });
        let manifest = self.manifest(made);
        let sealed = sealed::seal(&manifest).map_err(json)?;
        write_checked(&self.folder.manifest_path(), &sealed, &mut || (self.options.moment)("manifest written"))?;
        (self.options.moment)("manifest in place");
        durable::sync_folder(self.folder.path())
            .map_err(|error| BackupError::io(Doing::Writing, self.folder.path(), error))
    }

    fn manifest(&self, made: Timestamp) -> Manifest {
        let mut messages: Vec<Entry> = self.entries.values().cloned().collect();
        messages.sort_unstable_by_key(|entry| (entry.segment, entry.at));
        let used: HashSet<u32> = messages.iter().map(|entry| entry.segment).collect();
        let mut segments: Vec<SegmentFile> =
            self.segments.values().filter(|file| used.contains(&file.number)).copied().collect();
        segments.sort_unstable_by_key(|file| file.number);
        Manifest {
            format: manifest::FORMAT.to_owned(),
            version: manifest::VERSION,
            id: self.id.clone(),
            made,
            states: self.states.clone(),
            segments,
            messages,
        }
    }

    /// Once the new manifest is in place: older states go, and segments that are damaged or hold nothing that is not
    /// elsewhere are no longer needed. Damaged ones are kept under another name: what could not be saved is in them.
    fn tidy(&mut self) -> Result<()> {
        let named: HashSet<u32> = self.states.iter().map(|state| state.number).collect();
        for number in self.folder.states().into_iter().filter(|number| !named.contains(number)) {
            let path = self.folder.state_path(number);
            durable::remove_if_there(&path).map_err(|error| BackupError::io(Doing::Writing, &path, error))?;
            (self.options.moment)("old state removed");
        }
        let used: HashSet<u32> = self.entries.values().map(|entry| entry.segment).collect();
        for number in self.folder.segments().into_iter().filter(|number| !used.contains(number)) {
            let path = self.folder.segment_path(number);
            let done = if self.damaged.contains(&number) {
                let mut aside = path.clone().into_os_string();
                aside.push(".damaged");
                fs::rename(&path, aside)
            } else {
                durable::remove_if_there(&path)
            };
            done.map_err(|error| BackupError::io(Doing::Writing, &path, error))?;
            (self.options.moment)("segment set aside");
        }
        Ok(())
    }

    fn finish(mut self, verified: Timestamp) -> BackedUp {
        let mut damaged: Vec<MessageId> = self.failed.into_values().chain(self.lost).collect();
        damaged.sort_unstable();
        let mut failed: Vec<String> = damaged
            .into_iter()
            .map(|id| format!("Message {id} is damaged in the archive itself and is not in the backup."))
            .collect();
        for (digest, name) in self.broken {
            if self.entries.contains_key(&digest) {
                self.repaired.push(format!("{name} was damaged in the backup; it was written anew."));
            } else {
                failed.push(format!("{name} was damaged in the backup, and this archive does not have it any more."));
            }
        }
        BackedUp {
            messages: self.entries.len() as u64,
            new: self.entries.keys().filter(|digest| !self.before.contains(digest)).count() as u64,
            octets: self.entries.values().map(|entry| entry.octets).sum(),
            verified,
            folder: self.folder.path().to_owned(),
            repaired: self.repaired,
            failed,
        }
    }
}

/// As [`durable::write`], but reads the file back before it takes the place of the one that is there.
fn write_checked(path: &Path, bytes: &[u8], written: &mut dyn FnMut()) -> Result<()> {
    let part = durable::part_of(path);
    let writing = |error| BackupError::io(Doing::Writing, path, error);
    let staged = durable::write_part(path, bytes).map_err(writing)?;
    written();
    if durable::read(&part, bytes.len() as u64).map_err(writing)? != bytes {
        return Err(BackupError::DoesNotReadBack(vec![format!("{} could not be read back.", path.display())]));
    }
    staged.finish(path).map_err(writing)
}
