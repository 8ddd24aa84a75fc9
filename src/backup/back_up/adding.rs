//! Writes into new segments what a backup lacks.

use std::collections::HashSet;
use std::path::PathBuf;

use jiff::Timestamp;

use super::super::manifest::{Entry, SegmentFile};
use super::super::segment::{Segment, ZipFolder};
use super::super::{BackupError, Doing, Result, Step, durable, names};
use super::{Run, StepReport};
use crate::account::Digest;
use crate::archive::{ArchiveError, Stored};
use crate::job::{Progress, unless_cancelled};

/// A message to be written, and where its bytes are.
pub(super) enum Missing {
    /// In the archive.
    Stored(Stored),
    /// Only in a segment that is damaged elsewhere.
    Rescued(Entry),
}

/// A segment being filled.
struct OpenSegment {
    number: u32,
    path: PathBuf,
    zip: ZipFolder,
    entries: Vec<Entry>,
    names: HashSet<String>,
}

impl Run<'_, '_> {
    /// What the backup lacks, each original once.
    pub(super) fn missing(&mut self, stored: &[Stored]) -> Vec<Missing> {
        let mut seen = HashSet::new();
        let mut missing: Vec<Missing> = stored
            .iter()
            .filter(|stored| !self.entries.contains_key(&stored.digest) && !self.failed.contains_key(&stored.digest))
            .filter(|stored| seen.insert(stored.digest))
            .map(|stored| Missing::Stored(stored.clone()))
            .collect();
        // What the archive has comes from there; the rest from what could be read of damaged segments.
        let rescued = self.rescued.values().filter(|entry| !self.entries.contains_key(&entry.sha256));
        missing.extend(rescued.filter(|entry| seen.insert(entry.sha256)).cloned().map(Missing::Rescued));
        missing
    }

    pub(super) fn add(&mut self, missing: Vec<Missing>, report: StepReport<'_>) -> Result<()> {
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
        let stored = match missing {
            Missing::Stored(stored) => stored,
            Missing::Rescued(entry) => return Ok(self.rescue(&entry)),
        };
        let bytes = match self.archive.original(stored.id) {
            Ok(bytes) => bytes,
            // One damaged message must not keep the others out of the backup.
            Err(ArchiveError::Damaged { .. } | ArchiveError::Rotten { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        if let Some(bytes) = bytes.filter(|bytes| Digest::of(bytes) == stored.digest) {
            return Ok(Some((names::eml_path(stored.id, &bytes, stored.arrived), stored.arrived, bytes)));
        }
        let rescued = self.rescued.get(&stored.digest).and_then(|entry| self.rescue(entry));
        // Erased since the list was made, it is not missed.
        if rescued.is_none() && self.archive.stored(stored.id)?.is_some() {
            self.failed.insert(stored.digest, stored.id);
        }
        Ok(rescued)
    }

    /// A message out of a segment that is damaged elsewhere.
    fn rescue(&self, entry: &Entry) -> Option<(String, Timestamp, Vec<u8>)> {
        let mut segment = Segment::open(&self.folder.segment_path(entry.segment)).ok()?;
        let (bytes, _) = segment.read(entry).ok()?;
        Some((entry.name.clone(), Timestamp::now(), bytes))
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
        let writing = |error| BackupError::io(Doing::Writing, &path, error);
        let part = durable::part_of(&path);
        durable::remove_if_there(&part).map_err(writing)?;
        let zip = ZipFolder::create(part).map_err(writing)?;
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

    /// A segment that belongs to the backup from now on. Its hash is taken when it is read back.
    pub(super) fn begin_counting(&mut self, number: u32) {
        self.fresh.insert(number);
        self.segments.insert(number, SegmentFile { number, octets: 0, sha256: Digest([0; 32]) });
    }

    pub(super) fn sync(&mut self, report: StepReport<'_>) -> Result<()> {
        report(Step::Syncing, Progress::of(0, 1));
        let path = self.folder.path();
        durable::sync_folder(path).map_err(|error| BackupError::io(Doing::Writing, path, error))?;
        report(Step::Syncing, Progress::of(1, 1));
        Ok(())
    }
}
