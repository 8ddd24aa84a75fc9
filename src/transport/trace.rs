//! The protocol trace, kept only where a person asks for it: what was said in a session, without secrets and without
//! mail. The lines come from [`crate::pop3`] masked; here they go to a file, or wherever the caller wants them.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::pop3::{TraceSink, Traced};

/// The most octets of one file, and how many files are kept with the one that is written.
const LARGEST_FILE: u64 = 1 << 20;
const FILES: u32 = 3;

/// Which way a line of a trace went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Sent,
    Received,
    /// Of the connection itself.
    Note,
}

/// One line of a trace: no secret, no mail, no control character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceLine<'a> {
    pub direction: Direction,
    pub text: &'a str,
}

impl fmt::Display for TraceLine<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.direction {
            Direction::Sent => "C:",
            Direction::Received => "S:",
            Direction::Note => "--",
        };
        write!(formatter, "{sign} {}", self.text)
    }
}

/// Where the trace of a connection goes.
#[derive(Clone)]
pub struct Trace(Arc<dyn Fn(TraceLine<'_>) + Send + Sync>);

impl fmt::Debug for Trace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Trace")
    }
}

impl Trace {
    /// To a function; it must not wait.
    pub fn new(sink: impl Fn(TraceLine<'_>) + Send + Sync + 'static) -> Trace {
        Trace(Arc::new(sink))
    }

    pub(super) fn note(&self, text: &str) {
        (self.0)(TraceLine { direction: Direction::Note, text });
    }

    /// What a session is given.
    pub(super) fn sink(&self) -> TraceSink {
        let sink = Arc::clone(&self.0);
        Arc::new(move |Traced { from_server, text }| {
            sink(TraceLine { direction: if from_server { Direction::Received } else { Direction::Sent }, text });
        })
    }
}

/// A file of traces that only the user can read, at most 1 MiB, and beside it the two before it (`.1`, `.2`).
#[derive(Clone)]
pub struct TraceFile(Arc<Mutex<Rotating>>);

struct Rotating {
    path: PathBuf,
    file: File,
    length: u64,
    largest: u64,
}

impl TraceFile {
    /// Goes on with the file, or begins it.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path) -> io::Result<TraceFile> {
        TraceFile::open_with(path, LARGEST_FILE)
    }

    fn open_with(path: &Path, largest: u64) -> io::Result<TraceFile> {
        let file = open(path)?;
        let length = file.metadata()?.len();
        Ok(TraceFile(Arc::new(Mutex::new(Rotating { path: path.to_owned(), file, length, largest }))))
    }

    /// The trace of one connection; `label` stands in each of its lines, for others may be written between them.
    pub fn trace(&self, label: &str) -> Trace {
        let (rotating, label) = (Arc::clone(&self.0), label.to_owned());
        Trace::new(move |line| {
            let now = jiff::Timestamp::now();
            let line = format!("{now:.3} {label} {line}\n");
            rotating.lock().unwrap_or_else(PoisonError::into_inner).write(&line);
        })
    }
}

impl Rotating {
    /// A trace on a full disk must not keep mail from coming: what cannot be written is not.
    fn write(&mut self, line: &str) {
        if self.length.saturating_add(line.len() as u64) > self.largest && self.rotate().is_err() {
            return;
        }
        if self.file.write_all(line.as_bytes()).is_ok() {
            self.length = self.length.saturating_add(line.len() as u64);
        }
    }

    fn rotate(&mut self) -> io::Result<()> {
        for number in (1..FILES).rev() {
            let older = self.numbered(number);
            let newer = if number == 1 { self.path.clone() } else { self.numbered(number - 1) };
            match std::fs::rename(newer, older) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        self.file = open(&self.path)?;
        self.length = 0;
        Ok(())
    }

    fn numbered(&self, number: u32) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{number}"));
        name.into()
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    // One that was there before may have been readable for others.
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_ones_own_that_does_not_grow() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace.log");
        std::fs::write(&path, "").unwrap();
        let file = TraceFile::open_with(&path, 1000).unwrap();
        let (one, two) = (file.trace("1"), file.trace("2"));
        for number in 0..200 {
            one.note(&format!("number {number}"));
            two.note(&format!("number {number}"));
        }
        let mut names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap()).collect();
        names.sort_by_key(std::fs::DirEntry::file_name);
        let listed: Vec<_> = names.iter().map(|entry| entry.file_name().into_string().unwrap()).collect();
        assert_eq!(listed, ["trace.log", "trace.log.1", "trace.log.2"]);
        for entry in &names {
            assert!(entry.metadata().unwrap().len() <= 1000);
            #[cfg(unix)]
            assert_eq!(
                std::os::unix::fs::PermissionsExt::mode(&entry.metadata().unwrap().permissions()) & 0o777,
                0o600
            );
        }
        let last = std::fs::read_to_string(&path).unwrap();
        assert!(last.ends_with(" 2 -- number 199\n") && last.contains(" 1 -- number 199\n"), "{last}");
        // Opened again it goes on where it was.
        drop((one, two, file));
        TraceFile::open_with(&path, 1000).unwrap().trace("3").note("again");
        let later = std::fs::read_to_string(&path).unwrap();
        assert!(later.starts_with(&last) && later.ends_with(" 3 -- again\n"), "{later}");
    }
}
