//! Zip segments: write-once zip files of messages, each at most so many octets. Written as `.part`, brought to the disk,
//! renamed; read back by opening the file anew.

use std::cell::Cell;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use jiff::Timestamp;
use sha2::Digest as _;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::durable::{self, Unfinished};
use super::manifest::{Entry, LARGEST_MESSAGE};
use super::names;
use crate::account::Digest;

/// The largest segment, in octets: 1 GB, so that any file system holds it.
pub const LARGEST_SEGMENT: u64 = 1_000_000_000;

/// What a zip entry costs beside its data: a local header and a directory entry, the name in both, and extra fields.
fn headers_of(name: &str) -> u64 {
    30 + 46 + 2 * (name.len() as u64 + 32)
}

/// The most that the data of an entry takes, compressed or not.
fn worst(octets: u64) -> u64 {
    octets + octets / 1000 + 64
}

/// A zip file of messages being written.
pub struct ZipFolder {
    zip: ZipWriter<Counted>,
    part: Unfinished,
    /// Octets that left the compressor.
    written: Rc<Cell<u64>>,
    /// The most that is still to come: headers of all entries, data of the last one.
    to_come: u64,
    headers: u64,
}

impl ZipFolder {
    /// Begins a zip file as `part`, which must not be there.
    pub fn create(part: PathBuf) -> io::Result<ZipFolder> {
        let file = durable::create(&part)?;
        let written = Rc::new(Cell::new(0));
        let counted = Counted::new(file, written.clone());
        Ok(ZipFolder { zip: ZipWriter::new(counted), part: Unfinished::new(part), written, to_come: 0, headers: 0 })
    }

    /// Whether a message surely still fits under `limit` octets, whatever compression makes of it.
    pub fn has_room(&self, name: &str, octets: u64, limit: u64) -> bool {
        self.written.get() + self.to_come + headers_of(name) + worst(octets) + 128 <= limit
    }

    /// Adds a message under a name that no other has.
    pub fn add(&mut self, name: &str, bytes: &[u8], date: Timestamp) -> io::Result<()> {
        let octets = bytes.len() as u64;
        let method = if octets < 128 { CompressionMethod::Stored } else { CompressionMethod::Deflated };
        let options = SimpleFileOptions::default()
            .compression_method(method)
            .unix_permissions(0o600)
            .last_modified_time(zip_time(date))
            .large_file(octets > u64::from(u32::MAX / 2));
        self.zip.start_file(name, options).map_err(io::Error::from)?;
        self.zip.write_all(bytes)?;
        self.headers += headers_of(name);
        self.to_come = self.headers + worst(octets);
        Ok(())
    }

    /// Brings it to the disk and renames it to `place`.
    pub fn finish(self, place: &Path) -> io::Result<()> {
        let mut counted = self.zip.finish().map_err(io::Error::from)?;
        if let Some(error) = counted.failed.take() {
            return Err(error);
        }
        let file = counted.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        drop(file);
        self.part.finish(place)
    }
}

/// A file that knows how far it was written. What comes after its first failure goes nowhere: a [`ZipWriter`] that is given
/// up still writes its end, and tells stderr when it cannot.
struct Counted {
    file: BufWriter<File>,
    position: u64,
    written: Rc<Cell<u64>>,
    failed: Option<io::Error>,
}

impl Counted {
    fn new(file: File, written: Rc<Cell<u64>>) -> Counted {
        Counted { file: BufWriter::with_capacity(1 << 18, file), position: 0, written, failed: None }
    }

    /// The answer, remembered if it is a failure.
    fn noted<T>(&mut self, answer: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &answer {
            let again = error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error);
            self.failed.get_or_insert(again);
        }
        answer
    }
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = if self.failed.is_some() { Ok(bytes.len()) } else { self.file.write(bytes) };
        let count = self.noted(written)?;
        self.position += count as u64;
        self.written.set(self.written.get().max(self.position));
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = if self.failed.is_some() { Ok(()) } else { self.file.flush() };
        self.noted(flushed)
    }
}

impl Seek for Counted {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let sought = match to {
            _ if self.failed.is_none() => self.file.seek(to),
            SeekFrom::Start(at) => Ok(at),
            SeekFrom::Current(by) => Ok(self.position.saturating_add_signed(by)),
            SeekFrom::End(by) => Ok(self.written.get().saturating_add_signed(by)),
        };
        self.position = self.noted(sought)?;
        Ok(self.position)
    }
}

/// A date as zip keeps it: 1980 to 2107, in UTC here.
fn zip_time(date: Timestamp) -> zip::DateTime {
    let date = date.to_zoned(jiff::tz::TimeZone::UTC);
    let small = |number: i8| u8::try_from(number).unwrap_or(0);
    u16::try_from(date.year())
        .ok()
        .and_then(|year| {
            let (month, day) = (small(date.month()), small(date.day()));
            let clock = (small(date.hour()), small(date.minute()), small(date.second()));
            zip::DateTime::from_date_and_time(year, month, day, clock.0, clock.1, clock.2).ok()
        })
        .unwrap_or_default()
}

/// Why a message could not be read from its segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The segment is not there, or not an ordinary file.
    SegmentMissing,
    /// The zip file does not list it, or its data cannot be unpacked.
    Unreadable,
    /// It was unpacked, and it is not what was backed up.
    Differs,
}

/// A message found in a zip file without a manifest; `Err` holds the name of one that cannot be read.
pub type Walked = Result<(Entry, Vec<u8>), String>;

/// How a message could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// As any program reads a zip file: through the directory at its end.
    Directory,
    /// Only at the place that the manifest remembers: the directory is damaged, other programs may not find it.
    Place,
}

/// A segment opened for reading. Opening never fails for damage: that shows when messages are read.
pub struct Segment {
    path: PathBuf,
    directory: Option<ZipArchive<BufReader<File>>>,
}

impl Segment {
    /// # Errors
    /// When the file is not there or is not an ordinary file.
    pub fn open(path: &Path) -> io::Result<Segment> {
        let file = durable::open(path)?;
        Ok(Segment { path: path.to_owned(), directory: ZipArchive::new(BufReader::new(file)).ok() })
    }

    /// Reads a message and compares its hash: through the directory, and if that fails at its remembered place.
    /// Never unpacks more than the entry declares.
    pub fn read(&mut self, entry: &Entry) -> Result<(Vec<u8>, Way), Fault> {
        let fault = match self.read_listed(entry) {
            Ok(bytes) => return Ok((bytes, Way::Directory)),
            Err(fault) => fault,
        };
        self.read_at_place(entry).map(|bytes| (bytes, Way::Place)).ok_or(fault)
    }

    fn read_listed(&mut self, entry: &Entry) -> Result<Vec<u8>, Fault> {
        let directory = self.directory.as_mut().ok_or(Fault::Unreadable)?;
        let file = directory.by_name(&entry.name).map_err(|_| Fault::Unreadable)?;
        let bytes = unpack(file, entry.octets).ok_or(Fault::Unreadable)?;
        if Digest::of(&bytes) == entry.sha256 { Ok(bytes) } else { Err(Fault::Differs) }
    }

    fn read_at_place(&self, entry: &Entry) -> Option<Vec<u8>> {
        let mut file = durable::open(&self.path).ok()?;
        file.seek(SeekFrom::Start(entry.at)).ok()?;
        let mut file = BufReader::new(file);
        let unpacked = zip::read::read_zipfile_from_stream(&mut file).ok().flatten()?;
        unpack(unpacked, entry.octets).filter(|bytes| Digest::of(bytes) == entry.sha256)
    }

    /// Every message in the zip file as an entry of its own, whatever a manifest says; `Err` for each that cannot be
    /// read, with its name. `each` gets the bytes too.
    pub fn walk(&mut self, number: u32, mut each: impl FnMut(Walked) -> super::Result<()>) -> super::Result<()> {
        let Some(directory) = self.directory.as_mut() else { return Ok(()) };
        for index in 0..directory.len() {
            let Ok(file) = directory.by_index(index) else {
                each(Err(format!("entry {} of the zip file", index + 1)))?;
                continue;
            };
            let name = file.name().map(std::borrow::Cow::into_owned).unwrap_or_default();
            if !file.is_file() || !names::is_tame(&name) {
                continue;
            }
            let (at, octets) = (file.header_start(), file.size());
            let bytes = (octets <= LARGEST_MESSAGE).then(|| unpack(file, octets)).flatten();
            each(match bytes {
                Some(bytes) => Ok((Entry { sha256: Digest::of(&bytes), octets, segment: number, at, name }, bytes)),
                None => Err(name),
            })?;
        }
        Ok(())
    }

    /// Where each message's local header begins, by name.
    pub fn places(&mut self) -> HashMap<String, u64> {
        let Some(directory) = self.directory.as_mut() else { return HashMap::new() };
        (0..directory.len())
            .filter_map(|index| {
                let file = directory.by_index(index).ok()?;
                Some((file.name().ok()?.into_owned(), file.header_start()))
            })
            .collect()
    }

    pub fn opens(&self) -> bool {
        self.directory.is_some()
    }
}

/// Unpacks exactly `octets`; `None` for more, fewer, or data that does not unpack.
fn unpack(file: impl Read, octets: u64) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(octets + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 == octets).then_some(bytes)
}

/// Hashes a whole file, read anew.
pub fn hash_file(path: &Path, cancel: &crate::job::Cancel) -> super::Result<Option<(u64, Digest)>> {
    let Ok(mut file) = durable::open(path) else { return Ok(None) };
    let mut hasher = sha2::Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut octets = 0;
    loop {
        crate::job::unless_cancelled(cancel)?;
        let Ok(count) = file.read(&mut buffer) else { return Ok(None) };
        if count == 0 {
            return Ok(Some((octets, Digest(hasher.finalize().into()))));
        }
        octets += count as u64;
        hasher.update(buffer.get(..count).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Digest;

    fn entry(name: &str, bytes: &[u8]) -> Entry {
        Entry { sha256: Digest::of(bytes), octets: bytes.len() as u64, segment: 1, at: 0, name: name.to_owned() }
    }

    /// Text that deflate cannot shorten.
    fn noise(octets: usize) -> Vec<u8> {
        (0_u64..).flat_map(|block| Digest::of(&block.to_be_bytes()).0).take(octets).collect()
    }

    #[test]
    fn room_is_never_overestimated() {
        let place = tempfile::tempdir().unwrap();
        let date = "2026-11-22T09:15:00Z".parse().unwrap();
        for (limit, size) in [(10_000, 0), (20_000, 100), (100_000, 3_000), (300_000, 70_000)] {
            let path = place.path().join(format!("{limit}.zip"));
            let mut zip = ZipFolder::create(durable::part_of(&path)).unwrap();
            let mut count = 0;
            while zip.has_room(&format!("2026/11/{count}.eml"), size as u64, limit) {
                zip.add(&format!("2026/11/{count}.eml"), &noise(size), date).unwrap();
                count += 1;
            }
            zip.finish(&path).unwrap();
            let octets = std::fs::metadata(&path).unwrap().len();
            assert!(count > 2 && octets <= limit && octets > limit / 3, "{count} messages, {octets} of {limit} octets");
        }
    }

    #[test]
    fn messages_are_read_through_the_directory_and_without_it() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a.zip");
        let messages = [("1.eml", b"short".to_vec()), ("2.eml", vec![b'x'; 100_000]), ("3.eml", Vec::new())];
        let mut zip = ZipFolder::create(durable::part_of(&path)).unwrap();
        for (name, bytes) in &messages {
            zip.add(name, bytes, "2026-11-22T09:15:00Z".parse().unwrap()).unwrap();
        }
        zip.finish(&path).unwrap();
        let places = Segment::open(&path).unwrap().places();
        let whole = std::fs::read(&path).unwrap();
        let mut seen = Vec::new();
        Segment::open(&path)
            .unwrap()
            .walk(1, |message| {
                seen.push(message.unwrap());
                Ok(())
            })
            .unwrap();
        for (index, (name, bytes)) in messages.iter().enumerate() {
            let entry = Entry { at: places[*name], ..entry(name, bytes) };
            assert_eq!(seen[index], (entry.clone(), bytes.clone()));
            std::fs::write(&path, &whole).unwrap();
            assert_eq!(Segment::open(&path).unwrap().read(&entry), Ok((bytes.clone(), Way::Directory)));
            // Without the end of the file there is no directory.
            std::fs::write(&path, &whole[..whole.len() - 30]).unwrap();
            assert_eq!(Segment::open(&path).unwrap().read(&entry), Ok((bytes.clone(), Way::Place)));
            let other = Entry { sha256: Digest::of(b"other"), ..entry.clone() };
            assert_eq!(Segment::open(&path).unwrap().read(&other), Err(Fault::Unreadable));
        }
    }

    /// A disk that is full from the first octet on.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_told_once_and_by_nobody_else() {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut zip = ZipWriter::new(Counted::new(full, Rc::default()));
        let failed = zip.start_file("1.eml", SimpleFileOptions::default()).map_err(io::Error::from).unwrap_err();
        assert_eq!(failed.kind(), io::ErrorKind::StorageFull);
        // As when it is dropped: an error here would be printed.
        let counted = zip.finish().unwrap();
        assert_eq!(counted.failed.map(|error| error.kind()), Some(io::ErrorKind::StorageFull));
    }

    #[test]
    fn no_more_is_unpacked_than_was_declared() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("bomb.zip");
        let mut zip = ZipFolder::create(durable::part_of(&path)).unwrap();
        zip.add("1.eml", &vec![0; 50_000_000], "2026-11-22T09:15:00Z".parse().unwrap()).unwrap();
        zip.finish(&path).unwrap();
        assert!(std::fs::metadata(&path).unwrap().len() < 100_000);
        let small = entry("1.eml", b"small");
        assert_eq!(Segment::open(&path).unwrap().read(&small), Err(Fault::Unreadable));
    }

    #[test]
    fn an_unfinished_file_is_removed_and_a_link_is_never_followed() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a.zip");
        drop(ZipFolder::create(durable::part_of(&path)).unwrap());
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("/etc/hostname", &path).unwrap();
            assert!(Segment::open(&path).is_err());
        }
    }
}
