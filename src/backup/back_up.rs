//! Adds to a backup what it lacks, reads all of it back, and only then says so.
//!
//! The order makes it safe: segments are written and synced; every message of every segment is read back and hashed;
//! the state is written; the manifest is renamed into place; the folder is synced; the archive records it; what the new
//! manifest no longer names is removed. Cut off anywhere, the manifest that is there names only files that are there.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::manifest::{self, Entry, Folder, Loaded, Manifest, SegmentFile, StateFile};
use super::segment::{self, Segment, Way, ZipFolder};
use super::{BackedUp, BackupError, Doing, Result, Step, durable, names, sealed};
use crate::account::{Digest, MessageId};
use crate::archive::{Archive, Stored};
use crate::job::{Cancel, Progress, unless_cancelled};

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
    let mut options = Options { segment: segment::LARGEST_SEGMENT, moment: &mut |_| {} };
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
    let folder = folder_for(archive.folder(), place)?;
    remove_parts(&folder)?;
    // The snapshot first: every message that it speaks of is then in the list.
    let snapshot = archive.snapshot()?;
    let stored = archive.every_stored()?;
    let mut run = Run::open(folder, options, archive, cancel)?;
    run.take_in_unknown_segments()?;
    write(&run.folder.path().join(manifest::README), manifest::README_TEXT.as_bytes())?;
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

/// Chooses the folder: see the head of [`super`].
fn folder_for(archive: &Path, place: &Path) -> Result<Folder> {
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
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(BackupError::io(Doing::Reading, path, error)),
    };
    // A first run that was cut off leaves nothing but these.
    let begun = |name: &str| name == manifest::README || name.ends_with(".part");
    Ok(Folder::new(path).is_ours() || entries.flatten().all(|entry| entry.file_name().to_str().is_some_and(begun)))
}

/// Removes what an interrupted run left unfinished. Only names of ours: other programs have `.part` files too.
fn remove_parts(folder: &Folder) -> Result<()> {
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

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    durable::write(path, bytes).map_err(|error| BackupError::io(Doing::Writing, path, error))
}

/// A message to be written, and where its bytes are.
enum Missing {
    /// In the archive.
    Stored(Stored),
    /// Only in a segment that is damaged elsewhere.
    Rescued(Entry),
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
    rescued: Vec<Entry>,
    /// Messages that were found damaged in a segment.
    broken: Vec<(Digest, String)>,
    /// What the earlier manifest held.
    before: HashSet<Digest>,
    repaired: Vec<String>,
    failed: HashMap<Digest, String>,
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
            rescued: Vec::new(),
            broken: Vec::new(),
            before: HashSet::new(),
            repaired: Vec::new(),
            failed: HashMap::new(),
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

    /// Segments that no manifest knows come from a run that was cut off, or the manifest is gone: what is in them need
    /// not be written again. One that cannot be read is set aside.
    fn take_in_unknown_segments(&mut self) -> Result<()> {
        for number in self.folder.segments() {
            if self.segments.contains_key(&number) {
                continue;
            }
            let mut unknown = Segment::open(&self.folder.segment_path(number)).ok().filter(Segment::opens);
            let (mut found, mut unreadable) = (Vec::new(), unknown.is_none());
            if let Some(segment) = &mut unknown {
                segment.walk(number, |message| {
                    unreadable |= message.is_err();
                    found.extend(message.ok().map(|(entry, _)| entry));
                    Ok(unless_cancelled(self.cancel)?)
                })?;
            }
            found.retain(|entry| !self.entries.contains_key(&entry.sha256));
            if unreadable {
                let file = manifest::segment_name::of(number);
                self.repaired.push(format!("{file} was damaged; what could be read of it was written anew."));
                self.damaged.push(number);
                self.rescued.extend(found);
            } else if !found.is_empty() {
                self.begin_counting(number);
                self.entries.extend(found.into_iter().map(|entry| (entry.sha256, entry)));
            }
        }
        Ok(())
    }

    /// A segment that belongs to the backup from now on. Its hash is taken when it is read back.
    fn begin_counting(&mut self, number: u32) {
        self.fresh.insert(number);
        self.segments.insert(number, SegmentFile { number, octets: 0, sha256: Digest([0; 32]) });
    }

    /// What the backup lacks, each original once.
    fn missing(&mut self, stored: &[Stored]) -> Vec<Missing> {
        let mut seen = HashSet::new();
        let mut missing: Vec<Missing> = stored
            .iter()
            .filter(|stored| !self.entries.contains_key(&stored.digest) && !self.failed.contains_key(&stored.digest))
            .filter(|stored| seen.insert(stored.digest))
            .map(|stored| Missing::Stored(stored.clone()))
            .collect();
        // What the archive has comes from there; the rest from what could be read of damaged segments.
        let rescued = std::mem::take(&mut self.rescued);
        let rescued = rescued.into_iter().filter(|entry| !self.entries.contains_key(&entry.sha256));
        missing.extend(rescued.filter(|entry| seen.insert(entry.sha256)).map(Missing::Rescued));
        missing
    }

    fn add(&mut self, missing: Vec<Missing>, report: StepReport<'_>) -> Result<()> {
        let octets = |missing: &Missing| match missing {
            Missing::Stored(stored) => stored.octets,
            Missing::Rescued(entry) => entry.octets,
        };
        let octets_total = missing.iter().map(octets).sum();
        let mut progress = Progress { octets_total: Some(octets_total), ..Progress::of(0, missing.len() as u64) };
        report(Step::Adding, progress);
        let mut segment: Option<OpenSegment> = None;
        for message in missing {
            unless_cancelled(self.cancel)?;
            let size = octets(&message);
            if let Some((name, date, bytes)) = self.bytes_of(message)? {
                segment = Some(self.add_one(segment, name, date, &bytes)?);
            }
            progress.done += 1;
            progress.octets += size;
            report(Step::Adding, progress);
        }
        if let Some(segment) = segment {
            self.seal(segment)?;
        }
        Ok(())
    }

    /// Name, date and bytes of a message; `None`, and a sentence, when they are not what they were.
    fn bytes_of(&mut self, missing: Missing) -> Result<Option<(String, Timestamp, Vec<u8>)>> {
        match missing {
            Missing::Stored(stored) => {
                let bytes = self.archive.original(stored.id)?;
                if let Some(bytes) = bytes.filter(|bytes| Digest::of(bytes) == stored.digest) {
                    return Ok(Some((names::eml_path(stored.id, &bytes, stored.arrived), stored.arrived, bytes)));
                }
                let sentence =
                    format!("Message {} is damaged in the archive itself and is not in the backup.", stored.id);
                self.failed.insert(stored.digest, sentence);
                Ok(None)
            }
            Missing::Rescued(entry) => {
                let read =
                    Segment::open(&self.folder.segment_path(entry.segment)).ok().and_then(|mut s| s.read(&entry).ok());
                Ok(read.map(|(bytes, _)| (entry.name, Timestamp::now(), bytes)))
            }
        }
    }

    /// Adds a message to the open segment, or to a new one when it does not fit.
    fn add_one(
        &mut self,
        open: Option<OpenSegment>,
        name: String,
        date: Timestamp,
        bytes: &[u8],
    ) -> Result<OpenSegment> {
        let octets = bytes.len() as u64;
        let mut segment = match open {
            Some(open) if open.zip.has_room(&name, octets, self.options.segment) => open,
            full => {
                if let Some(full) = full {
                    self.seal(full)?;
                }
                self.begin_segment()?
            }
        };
        let sha256 = Digest::of(bytes);
        // Two archives may give one name to two messages.
        let name = if segment.names.contains(&name) {
            format!("{} {sha256}.eml", name.strip_suffix(".eml").unwrap_or(&name))
        } else {
            name
        };
        let writing = |error| BackupError::io(Doing::Writing, &segment.path, error);
        segment.zip.add(&name, bytes, date).map_err(writing)?;
        segment.names.insert(name.clone());
        segment.entries.push(Entry { sha256, octets, segment: segment.number, at: 0, name });
        Ok(segment)
    }

    fn begin_segment(&mut self) -> Result<OpenSegment> {
        // Never a number that was used before, not even by a segment that was set aside.
        let there = self.folder.segments();
        let number = there.iter().chain(self.segments.keys()).max().map_or(1, |last| last + 1);
        let path = self.folder.segment_path(number);
        let zip = ZipFolder::create(&path).map_err(|error| BackupError::io(Doing::Writing, &path, error))?;
        (self.options.moment)("segment begun");
        Ok(OpenSegment { number, path, zip, entries: Vec::new(), names: HashSet::new() })
    }

    fn seal(&mut self, segment: OpenSegment) -> Result<()> {
        (self.options.moment)("segment filled");
        let OpenSegment { number, path, zip, entries, .. } = segment;
        zip.finish(&path).map_err(|error| BackupError::io(Doing::Writing, &path, error))?;
        (self.options.moment)("segment in place");
        // From here on only what the file says counts.
        let places = Segment::open(&path).map(|mut segment| segment.places()).unwrap_or_default();
        self.begin_counting(number);
        for mut entry in entries {
            entry.at = places.get(&entry.name).copied().unwrap_or(0);
            self.entries.insert(entry.sha256, entry);
        }
        Ok(())
    }

    fn sync(&mut self, report: StepReport<'_>) -> Result<()> {
        report(Step::Syncing, Progress::of(0, 1));
        let path = self.folder.path();
        durable::sync_folder(path).map_err(|error| BackupError::io(Doing::Writing, path, error))?;
        report(Step::Syncing, Progress::of(1, 1));
        Ok(())
    }

    /// Reads every segment that was not read yet in this run, from the files; answers a sentence for each damage and
    /// makes what was in such a segment missing again.
    fn read_back(&mut self, report: StepReport<'_>) -> Result<Vec<String>> {
        let mut by_segment: HashMap<u32, Vec<Entry>> = HashMap::new();
        for entry in self.entries.values().filter(|entry| !self.proved.contains(&entry.segment)) {
            by_segment.entry(entry.segment).or_default().push(entry.clone());
        }
        let octets_total = by_segment.values().flatten().map(|entry| entry.octets).sum();
        let total = by_segment.values().map(|entries| entries.len() as u64).sum();
        let mut progress = Progress { octets_total: Some(octets_total), ..Progress::of(0, total) };
        report(Step::ReadingBack, progress);
        let mut sentences = Vec::new();
        let mut numbers: Vec<u32> =
            self.segments.keys().copied().filter(|number| !self.proved.contains(number)).collect();
        numbers.sort_unstable();
        for number in numbers {
            let mut entries = by_segment.remove(&number).unwrap_or_default();
            entries.sort_unstable_by_key(|entry| entry.at);
            let found = self.read_segment(number, &entries, &mut |octets| {
                progress.done += 1;
                progress.octets += octets;
                report(Step::ReadingBack, progress);
            })?;
            if found.is_empty() {
                self.proved.insert(number);
            } else {
                self.segments.remove(&number);
                self.damaged.push(number);
            }
            sentences.extend(found);
        }
        Ok(sentences)
    }

    fn read_segment(&mut self, number: u32, entries: &[Entry], finished: &mut dyn FnMut(u64)) -> Result<Vec<String>> {
        let path = self.folder.segment_path(number);
        let whole = self.is_whole(number, &path)?;
        let mut segment = Segment::open(&path).ok();
        let (mut damage, mut readable) = (Vec::new(), Vec::new());
        for entry in entries {
            unless_cancelled(self.cancel)?;
            let name = names::short(&entry.name);
            let read = segment.as_mut().and_then(|segment| segment.read(entry).ok());
            if !matches!(read, Some((_, Way::Directory))) {
                damage.push(format!("{name} did not read back as it was written."));
                self.broken.push((entry.sha256, name.to_owned()));
            }
            readable.extend(read.is_some().then(|| entry.clone()));
            finished(entry.octets);
        }
        if !whole {
            let file = manifest::segment_name::of(number);
            damage.push(format!("{file} is not as it was written."));
            self.repaired.push(format!("{file} was not as it had been written; what was in it was written anew."));
        }
        if !damage.is_empty() {
            self.rescued.extend(readable);
            for entry in entries {
                self.entries.remove(&entry.sha256);
            }
        }
        Ok(damage)
    }

    /// Whether a segment is as it was written; one written in this run is taken as it is.
    fn is_whole(&mut self, number: u32, path: &Path) -> Result<bool> {
        let found =
            segment::hash_file(path, self.cancel)?.map(|(octets, sha256)| SegmentFile { number, octets, sha256 });
        if self.fresh.remove(&number)
            && let Some(file) = found
        {
            self.segments.insert(number, file);
        }
        Ok(found.is_some() && found.as_ref() == self.segments.get(&number))
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
        let mut failed: Vec<String> = self.failed.into_values().collect();
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

/// A segment being filled.
struct OpenSegment {
    number: u32,
    path: PathBuf,
    zip: ZipFolder,
    entries: Vec<Entry>,
    names: HashSet<String>,
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
