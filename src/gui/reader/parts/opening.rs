//! Attachments given to the programs of the system: from a folder that only the user can enter, which goes when the
//! window does and, were it killed, when the program starts again. What would run is never given away.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tempfile::TempDir;

use crate::gui::off::unwritten;
use crate::problem::Problem;
use crate::{message, new_file, settings};

/// Where files lie that were opened; made for the first of them.
#[derive(Default)]
pub struct Folder(Mutex<Option<TempDir>>);

/// What became of it; the name of the file.
#[derive(Clone, Debug)]
pub enum Handed {
    Over(String),
    /// It is a program, by its name or by what is in it.
    Refused(String),
}

impl Folder {
    /// Writes a copy and gives it to the program for such files. Blocks.
    pub fn hand_over(&self, name: &str, media_type: &str, content: &[u8]) -> Result<Handed, Problem> {
        if message::is_program(name, media_type, content) {
            return Ok(Handed::Refused(name.to_owned()));
        }
        give(&self.put(name, content)?);
        Ok(Handed::Over(name.to_owned()))
    }

    /// Writes a copy, to be given to a program. Blocks.
    pub fn put(&self, name: &str, content: &[u8]) -> Result<PathBuf, Problem> {
        let copied = || {
            let mut folder = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if folder.is_none() {
                *folder = Some(settings::scratch()?);
            }
            let Some(folder) = folder.as_ref() else { return Err(std::io::ErrorKind::NotFound.into()) };
            new_file::write(folder.path(), name, content)
        };
        copied().map_err(|error| unwritten(name, &error))
    }

    #[cfg(test)]
    pub fn path(&self) -> Option<std::path::PathBuf> {
        self.0.lock().ok()?.as_ref().map(|folder| folder.path().to_owned())
    }
}

/// With the path as one argument, by no shell.
#[cfg(not(test))]
fn give(path: &Path) {
    // Says Ok with nothing to open, too: hence the sentence.
    _ = open::that_detached(path);
}

#[cfg(test)]
fn give(_: &Path) {}

#[cfg(test)]
mod tests {
    use super::{Folder, Handed};

    #[test]
    fn a_copy_lies_in_a_private_folder_that_goes_with_the_window() {
        let folder = Folder::default();
        assert!(folder.path().is_none(), "nothing is made before it is needed");
        assert!(matches!(folder.hand_over("a.pdf", "application/pdf", b"%PDF").unwrap(), Handed::Over(_)));
        let path = folder.path().unwrap();
        assert_eq!(std::fs::read(path.join("a.pdf")).unwrap(), b"%PDF");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700);
            assert_eq!(path.join("a.pdf").metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
        drop(folder);
        assert!(!path.exists());
    }

    #[test]
    fn programs_are_refused_whatever_they_are_called() {
        let folder = Folder::default();
        for (name, media_type, content) in [
            ("a.exe", "application/pdf", &b"x"[..]),
            ("a.desktop", "text/plain", b"x"),
            ("a.pdf", "application/pdf", b"MZ\x90\0"),
            ("a.txt", "text/plain", b"#!/bin/sh\n"),
            ("a", "application/x-sh", b"x"),
        ] {
            assert!(matches!(folder.hand_over(name, media_type, content).unwrap(), Handed::Refused(_)), "{name}");
        }
        assert!(folder.path().is_none());
    }
}
