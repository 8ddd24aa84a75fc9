//! Finds mail in files and folders for an import. Links inside folders are not followed.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::{durable, mbox};
use crate::archive::Marks;
use crate::job::{Cancel, unless_cancelled};

/// How deep folders are searched: deeper than any mail program's, and an end to any trick.
const DEEPEST: usize = 64;

/// Files that hold mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub path: PathBuf,
    pub kind: Kind,
    /// The file's size when it was found.
    pub octets: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One message, whatever its first line, with the marks that its name gives.
    Message(Marks),
    Mbox,
}

/// What a search found, in the order of names, and what could not be looked at.
#[derive(Debug, Default)]
pub struct Sources {
    pub found: Vec<Source>,
    pub failed: Vec<String>,
}

/// Looks at each path: a file named by the user is imported if it can be mail at all; in folders only `.eml` files, mbox
/// files and Maildirs count.
pub fn find(paths: &[PathBuf], cancel: &Cancel) -> super::Result<Sources> {
    let mut sources = Sources::default();
    for path in paths {
        // A path that was named is followed even if it is a link.
        match fs::canonicalize(path).and_then(|real| Ok((fs::metadata(&real)?, real))) {
            Ok((metadata, real)) if metadata.is_dir() => sources.search(&real, DEEPEST, cancel)?,
            Ok((metadata, real)) if metadata.is_file() => sources.named_file(path, &real, metadata.len()),
            Ok(_) => sources.fail(path, "is neither a file nor a folder"),
            Err(error) => sources.fail(path, &format!("could not be opened: {error}")),
        }
    }
    Ok(sources)
}

impl Sources {
    fn fail(&mut self, path: &Path, why: &str) {
        self.failed.push(format!("{} {why}.", path.display()));
    }

    fn add(&mut self, path: PathBuf, kind: Kind, octets: u64) {
        self.found.push(Source { path, kind, octets });
    }

    fn named_file(&mut self, path: &Path, real: &Path, octets: u64) {
        if is_eml(path) {
            return self.add(real.to_owned(), Kind::Message(Marks::default()), octets);
        }
        match head(real) {
            Ok(head) if mbox::is_mbox(&head) => self.add(real.to_owned(), Kind::Mbox, octets),
            // A message never holds a NUL in its first lines; pictures, archives and programs do.
            Ok(head) if mbox::is_header_field(&head) || !head.iter().take(1024).any(|&octet| octet == 0) => {
                self.add(real.to_owned(), Kind::Message(Marks::default()), octets);
            }
            Ok(_) => self.fail(path, "is not a mail file"),
            Err(error) => self.fail(path, &format!("could not be read: {error}")),
        }
    }

    fn search(&mut self, folder: &Path, depth: usize, cancel: &Cancel) -> super::Result<()> {
        unless_cancelled(cancel)?;
        if depth == 0 {
            self.fail(folder, "lies too deep to be searched");
            return Ok(());
        }
        let mut entries: Vec<fs::DirEntry> = match fs::read_dir(folder) {
            Ok(entries) => entries.flatten().collect(),
            Err(error) => {
                self.fail(folder, &format!("could not be opened: {error}"));
                return Ok(());
            }
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        let is_maildir = ["cur", "new"].iter().all(|part| is_folder(&folder.join(part)));
        for entry in entries {
            let (Ok(kind), path) = (entry.file_type(), entry.path()) else { continue };
            let octets = entry.metadata().map_or(0, |metadata| metadata.len());
            let name = entry.file_name();
            if kind.is_dir() {
                match name.to_str() {
                    Some("cur" | "new") if is_maildir => self.maildir_part(&path, cancel)?,
                    // What is in tmp was never delivered whole.
                    Some("tmp") if is_maildir => {}
                    _ => self.search(&path, depth - 1, cancel)?,
                }
            } else if kind.is_file() {
                self.file_in_folder(path, octets);
            }
        }
        Ok(())
    }

    fn file_in_folder(&mut self, path: PathBuf, octets: u64) {
        if is_eml(&path) {
            self.add(path, Kind::Message(Marks::default()), octets);
            return;
        }
        match head(&path) {
            Ok(head) if mbox::is_mbox(&head) => self.add(path, Kind::Mbox, octets),
            Ok(head) if has_extension(&path, "mbox") && !head.is_empty() => self.fail(&path, "is not an mbox file"),
            Ok(_) => {}
            Err(error) => self.fail(&path, &format!("could not be read: {error}")),
        }
    }

    fn maildir_part(&mut self, folder: &Path, cancel: &Cancel) -> super::Result<()> {
        unless_cancelled(cancel)?;
        let mut files: Vec<fs::DirEntry> = match fs::read_dir(folder) {
            Ok(entries) => {
                entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file())).collect()
            }
            Err(error) => {
                self.fail(folder, &format!("could not be opened: {error}"));
                return Ok(());
            }
        };
        files.sort_by_key(fs::DirEntry::file_name);
        for file in files {
            let name = file.file_name().to_string_lossy().into_owned();
            if !name.starts_with('.') {
                let octets = file.metadata().map_or(0, |metadata| metadata.len());
                self.add(file.path(), Kind::Message(super::maildir::marks(&name)), octets);
            }
        }
        Ok(())
    }
}

fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension))
}

fn is_eml(path: &Path) -> bool {
    has_extension(path, "eml")
}

/// The beginning of a file: enough for a `From ` line and the line after it.
fn head(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::new();
    durable::open(path)?.take(8192).read_to_end(&mut head)?;
    Ok(head)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Kind, find};
    use crate::archive::Marks;
    use crate::job::Cancel;

    #[test]
    fn mail_is_found_and_nothing_else() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().canonicalize().unwrap();
        for folder in ["maildir/cur", "maildir/new", "maildir/tmp", "maildir/.Sent/cur", "maildir/.Sent/new", "cur"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        let files: &[(&str, &str)] = &[
            ("a.eml", "From x\nSubject: an .eml is one message\n\n"),
            ("b.EML", ""),
            ("c.txt", "Subject: a text in a folder is no mail\n\n"),
            ("inbox", "From x\nSubject: mbox\n\n"),
            ("broken.mbox", "something else"),
            ("empty.mbox", ""),
            ("maildir/cur/1.host:2,FS", "Subject: in cur\n\n"),
            ("maildir/new/2.host", "in new, whatever it is"),
            ("maildir/new/.hidden", "no mail"),
            ("maildir/tmp/3.host", "Subject: never delivered\n\n"),
            ("maildir/dovecot-uidlist", "3 V1 N2"),
            ("maildir/.Sent/cur/4.host:2,S", "Subject: sent\n\n"),
            ("cur/5.host", "Subject: a folder called cur is no Maildir\n\n"),
        ];
        for (name, content) in files {
            fs::write(root.join(name), content).unwrap();
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(&root, root.join("loop")).unwrap();
            std::os::unix::fs::symlink("/etc/passwd", root.join("link.eml")).unwrap();
        }
        let sources = find(std::slice::from_ref(&root), &Cancel::new()).unwrap();
        let message = |read, starred| Kind::Message(Marks { read, starred });
        let found: Vec<(&str, Kind)> =
            sources.found.iter().map(|s| (s.path.strip_prefix(&root).unwrap().to_str().unwrap(), s.kind)).collect();
        let expected = [
            ("a.eml", message(false, false)),
            ("b.EML", message(false, false)),
            ("inbox", Kind::Mbox),
            ("maildir/.Sent/cur/4.host:2,S", message(true, false)),
            ("maildir/cur/1.host:2,FS", message(true, true)),
            ("maildir/new/2.host", message(false, false)),
        ];
        assert_eq!(found, expected);
        assert_eq!(sources.failed.len(), 1, "{:?}", sources.failed);
        assert!(sources.failed[0].contains("broken.mbox"));
    }

    #[test]
    fn a_named_file_counts_when_it_can_be_mail() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().canonicalize().unwrap();
        let cases: &[(&str, &[u8], Option<Kind>)] = &[
            ("text.txt", b"Subject: a\n\nb", Some(Kind::Message(Marks::default()))),
            ("odd.raw", b"// no header", Some(Kind::Message(Marks::default()))),
            ("archive.txt", b"From a\nSubject: b\n\n", Some(Kind::Mbox)),
            ("archive.eml", b"From a\nSubject: b\n\n", Some(Kind::Message(Marks::default()))),
            ("picture.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF\0", None),
        ];
        for (name, content, expected) in cases {
            let path = root.join(name);
            fs::write(&path, content).unwrap();
            let sources = find(&[path], &Cancel::new()).unwrap();
            assert_eq!(sources.found.first().map(|source| source.kind), *expected, "{name}");
            assert_eq!(sources.failed.len(), usize::from(expected.is_none()), "{name}");
        }
        let missing = find(&[root.join("not there")], &Cancel::new()).unwrap();
        assert_eq!((missing.found.len(), missing.failed.len()), (0, 1));
    }
}
