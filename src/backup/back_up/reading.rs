//! Reads back what a backup holds, from the files: nothing is believed because it was written.

use std::collections::HashMap;
use std::path::Path;

use super::super::manifest::{self, Entry, SegmentFile};
use super::super::segment::{self, Segment, Way};
use super::super::{Result, Step, names};
use super::{Run, StepReport};
use crate::job::{Progress, unless_cancelled};

impl Run<'_, '_> {
    /// Segments that no manifest knows come from a run that was cut off, or the manifest is gone: what is in them need
    /// not be written again. One that cannot be read is set aside.
    pub(super) fn take_in_unknown_segments(&mut self) -> Result<()> {
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
                self.rescued.extend(found.into_iter().map(|entry| (entry.sha256, entry)));
            } else if !found.is_empty() {
                self.begin_counting(number);
                self.entries.extend(found.into_iter().map(|entry| (entry.sha256, entry)));
            }
        }
        Ok(())
    }

    /// Reads every segment that was not read yet in this run, from the files; answers a sentence for each damage and
    /// makes what was in such a segment missing again.
    pub(super) fn read_back(&mut self, report: StepReport<'_>) -> Result<Vec<String>> {
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
            self.rescued.extend(readable.into_iter().map(|entry: Entry| (entry.sha256, entry)));
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
}
