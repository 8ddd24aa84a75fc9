//! Files that are there whole or not at all: written under a name that ends in `.part`, brought to the disk, renamed.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// `name.part` beside `path`.
pub fn part_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    PathBuf::from(name)
}

/// Makes a new file that only this user can read; never one that is there, and never through a link.
pub fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).read(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes a folder, and those above it, that only this user can read.
pub fn create_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Brings a folder's entries (names, renames) to the disk.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    // Windows has no such call; renames there are journaled.
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

/// Writes a whole file beside `path`, brings it to the disk and renames it into place.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_part(path, bytes)?.finish(path)
}

/// The first half of [`write`]: the file is on the disk under its `.part` name.
pub fn write_part(path: &Path, bytes: &[u8]) -> io::Result<Unfinished> {
    let part = part_of(path);
    remove_if_there(&part)?;
    let mut file = create(&part)?;
    let unfinished = Unfinished::new(part);
    io::Write::write_all(&mut file, bytes)?;
    file.sync_all()?;
    Ok(unfinished)
}

pub fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Opens an ordinary file for reading: not a link, a folder, or a pipe that would block for ever.
pub fn open(path: &Path) -> io::Result<File> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not an ordinary file"));
    }
    File::open(path)
}

/// Reads an ordinary file of at most `largest` octets.
pub fn read(path: &Path, largest: u64) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(file, largest + 1), &mut bytes)?;
    if bytes.len() as u64 > largest {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than the limit"));
    }
    Ok(bytes)
}

/// Something unfinished (a file or a folder) that is removed again unless it was kept.
pub struct Unfinished {
    path: PathBuf,
    kept: bool,
}

impl Unfinished {
    pub fn new(path: PathBuf) -> Unfinished {
        Unfinished { path, kept: false }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Renames it into place.
    pub fn finish(mut self, place: &Path) -> io::Result<()> {
        fs::rename(&self.path, place)?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.kept {
            // Nothing to be done about a failure here: the name ends in `.part` and says what it is.
            let _ = if self.path.is_dir() { fs::remove_dir_all(&self.path) } else { fs::remove_file(&self.path) };
        }
    }
}
