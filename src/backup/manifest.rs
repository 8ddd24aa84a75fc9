//! What a backup folder says of itself: `manifest.json`, written last and renamed into place. It lists every message with
//! its hash and place and every other file with its hash, and seals itself (see [`super::sealed`]).
//!
//! A folder may come from anyone, so nothing read here is used as a path: the files of a backup are known by numbers,
//! and their names are made from the numbers.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::sealed::{self, Opened};
use super::{BackupError, Doing, Result, durable, names};
use crate::account::Digest;

pub const FORMAT: &str = "postkeep backup";
/// The layout this program writes; it reads this and older ones.
pub const VERSION: u32 = 1;
pub const MANIFEST: &str = "manifest.json";
pub const README: &str = "README.txt";
/// Where a backup goes when the chosen folder holds other things: an own folder inside it.
pub const SUBFOLDER: &str = "Postkeep backup";
/// The largest message that is believed to be one, in octets: SQLite's own limit on a value.
pub const LARGEST_MESSAGE: u64 = 1_000_000_000;
/// The largest manifest or state file that is read, in octets; a million messages take 0.2 of it.
const LARGEST_LIST: u64 = 1 << 30;

/// One message in the backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub sha256: Digest,
    pub octets: u64,
    #[serde(with = "segment_name")]
    pub segment: u32,
    /// Where its local header begins in the segment, so that it can be read even without the zip's directory.
    pub at: u64,
    /// Its name inside the zip.
    pub name: String,
}

/// A segment or state file as it was when it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentFile {
    #[serde(with = "segment_name", rename = "name")]
    pub number: u32,
    pub octets: u64,
    pub sha256: Digest,
}

/// The newest state of one archive. Two computers may back up to one disk: each replaces only its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateFile {
    #[serde(with = "state_name", rename = "name")]
    pub number: u32,
    pub octets: u64,
    pub sha256: Digest,
    /// The archive's own id.
    pub archive: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub format: String,
    pub version: u32,
    /// The backup's own id, by which the archive knows it wherever it is mounted.
    pub id: String,
    pub made: Timestamp,
    pub states: Vec<StateFile>,
    pub segments: Vec<SegmentFile>,
    pub messages: Vec<Entry>,
}

/// What became of reading a manifest.
pub enum Loaded {
    /// There is none.
    Missing,
    Whole(Manifest),
    /// Its seal is broken, but it could be read: what it says is a hint, not a fact.
    Damaged(Manifest),
    Unreadable,
}

/// A backup folder.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    pub fn new(path: &Path) -> Folder {
        Folder { path: path.to_owned() }
    }

    /// The backup at a place that a person named: the folder itself, or the own folder inside it.
    ///
    /// # Errors
    /// [`BackupError::NotABackup`].
    pub fn find(place: &Path) -> Result<Folder> {
        [place.to_owned(), place.join(SUBFOLDER)]
            .into_iter()
            .map(|path| Folder { path })
            .find(|folder| folder.is_ours())
            .ok_or_else(|| BackupError::NotABackup(place.to_owned()))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn manifest_path(&self) -> PathBuf {
        self.path.join(MANIFEST)
    }

    pub fn segment_path(&self, number: u32) -> PathBuf {
        self.path.join(segment_name::of(number))
    }

    pub fn state_path(&self, number: u32) -> PathBuf {
        self.path.join(state_name::of(number))
    }

    /// Whether a backup was begun here: it has segments, or a manifest of ours. (Many programs call a file
    /// `manifest.json`.)
    pub fn is_ours(&self) -> bool {
        !self.segments().is_empty() || matches!(self.load(), Ok(Loaded::Whole(_) | Loaded::Damaged(_)))
    }

    /// The numbers of the segments that are there, in order, whether or not the manifest knows them.
    pub fn segments(&self) -> Vec<u32> {
        self.numbers(segment_name::number)
    }

    pub fn states(&self) -> Vec<u32> {
        self.numbers(state_name::number)
    }

    fn numbers(&self, number: impl Fn(&str) -> Option<u32>) -> Vec<u32> {
        let entries = fs::read_dir(&self.path).into_iter().flatten().flatten();
        let mut numbers: Vec<u32> = entries.filter_map(|entry| number(entry.file_name().to_str()?)).collect();
        numbers.sort_unstable();
        numbers
    }

    /// Reads the manifest.
    ///
    /// # Errors
    /// [`BackupError::NewerFormat`], or [`BackupError::Io`] when the disk fails.
    pub fn load(&self) -> Result<Loaded> {
        let path = self.manifest_path();
        let bytes = match durable::read(&path, LARGEST_LIST) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Loaded::Missing),
            Err(error) => return Err(BackupError::io(Doing::Reading, &path, error)),
        };
        let loaded = match sealed::open::<Manifest>(&bytes) {
            Opened::Whole(manifest) => Loaded::Whole(manifest),
            Opened::Damaged(manifest) => Loaded::Damaged(manifest),
            Opened::Unreadable => return Ok(Loaded::Unreadable),
        };
        match &loaded {
            Loaded::Whole(manifest) | Loaded::Damaged(manifest) if manifest.format != FORMAT => Ok(Loaded::Unreadable),
            Loaded::Whole(manifest) if manifest.version > VERSION => {
                Err(BackupError::NewerFormat { found: manifest.version, known: VERSION })
            }
            _ => Ok(loaded),
        }
    }

    /// Reads a state file; with `expected`, only if it is the one that was written.
    pub fn read_state<T: serde::de::DeserializeOwned>(
        &self,
        number: u32,
        expected: Option<&StateFile>,
    ) -> Result<T, StateFault> {
        let bytes = durable::read(&self.state_path(number), LARGEST_LIST).map_err(|_| StateFault::Missing)?;
        if expected.is_some_and(|file| file.octets != bytes.len() as u64 || file.sha256 != Digest::of(&bytes)) {
            return Err(StateFault::Damaged);
        }
        match sealed::open(&bytes) {
            Opened::Whole(state) => Ok(state),
            Opened::Damaged(_) | Opened::Unreadable => Err(StateFault::Damaged),
        }
    }
}

/// Why a state file could not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateFault {
    Missing,
    Damaged,
}

impl Manifest {
    /// Parts the entries into those that can be looked for and those that cannot be true: a name that leaves its
    /// folder, a size beyond belief, a segment that is not listed.
    pub fn sort_out(&self) -> (Vec<&Entry>, Vec<&Entry>) {
        let segments: HashMap<u32, u64> = self.segments.iter().map(|file| (file.number, file.octets)).collect();
        self.messages.iter().partition(|entry| {
            names::is_tame(&entry.name)
                && entry.octets <= LARGEST_MESSAGE
                && segments.get(&entry.segment).is_some_and(|octets| entry.at < *octets)
        })
    }
}

/// A new id of a backup or an archive: 32 hexadecimal digits.
pub fn new_id() -> String {
    use std::hash::{BuildHasher, Hasher};
    // The standard library's hasher keys come from the system's random source.
    let random = || std::collections::hash_map::RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", random(), random())
}

/// `segment-000001.zip` and `state-000001.json`: numbers in memory, names in the files.
macro_rules! numbered_name {
    ($module:ident, $prefix:literal, $suffix:literal) => {
        pub mod $module {
            use serde::Deserialize as _;

            pub fn of(number: u32) -> String {
                format!(concat!($prefix, "{:06}", $suffix), number)
            }

            pub fn number(name: &str) -> Option<u32> {
                let number = name.strip_prefix($prefix)?.strip_suffix($suffix)?.parse().ok()?;
                (of(number) == name).then_some(number)
            }

            pub fn serialize<S: serde::Serializer>(number: &u32, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&of(*number))
            }

            pub fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
                let name = String::deserialize(deserializer)?;
                number(&name).ok_or_else(|| serde::de::Error::custom(concat!("not a ", $prefix, " name")))
            }
        }
    };
}

numbered_name!(segment_name, "segment-", ".zip");
numbered_name!(state_name, "state-", ".json");

/// The words that lie in the folder for whoever finds it.
pub const README_TEXT: &str = "\
This folder is a backup of e-mail, made by Postkeep.

You can read the mail without Postkeep
--------------------------------------
Each file segment-000001.zip, segment-000002.zip, ... is an ordinary zip file. Open it with any program
that opens zip files. Inside, sorted by year and month, is one file for each message. Its name ends in
.eml, and most mail programs (Thunderbird, Outlook, Apple Mail and others) open or import such files.
Each holds the message exactly as it was received, attachments included.

With Postkeep
-------------
Choose \"I have a backup\" at the first start, or: postkeep restore THIS-FOLDER
To see whether the backup is still whole: postkeep verify THIS-FOLDER

The other files
---------------
state-000001.json  which accounts there were, what was read and starred, and what was fetched from which
                   server. It holds no passwords.
manifest.json      the SHA-256 hash and the place of every message and of every file here.

A segment is never changed once it is written: each backup adds new ones. Please leave the files as they
are; a copy of the whole folder is as good as the original.
";

#[cfg(test)]
mod tests {
    use super::{segment_name, state_name};

    #[test]
    fn only_own_names_are_names() {
        for number in [0, 1, 999_999, 1_000_000, u32::MAX] {
            assert_eq!(segment_name::number(&segment_name::of(number)), Some(number));
            assert_eq!(state_name::number(&state_name::of(number)), Some(number));
        }
        for name in [
            "segment-1.zip",
            "segment-+00001.zip",
            "segment-000001.zip.part",
            "../segment-000001.zip",
            "segment-.zip",
            "/etc/passwd",
            "segment-000001.zip\0",
            "",
        ] {
            assert_eq!(segment_name::number(name), None, "{name}");
        }
    }
}
