//! Finds mail in files and folders for an import. Links inside folders are not followed.
//!
//! | what | how it is known |
//! |---|---|
//! | mbox: Thunderbird, Gmail Takeout, mutt, exports of Apple Mail | its first line, whatever its name |
//! | Maildir and Maildir++: Dovecot, Evolution, KMail, Thunderbird | a folder with `cur` and `new` or `tmp` |
//! | MH: nmh, Claws, Sylpheed, Gnus | numbers for names, beside `.mh_sequences` or with the header of a message |
//! | `.eml`: Windows Live Mail, and most exports | the name |
//! | `.emlx`: Apple Mail, `~/Library/Mail/V2` to `V10` | the name |
//! | Outlook: `.pst`, `.ost` | how it begins, whatever its name |
//! | Outlook: `.msg` | the name, and how it begins |
//!
//! What belongs to a mail program but cannot be read here is named with a way to export it.

use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::flags::Flags;
use super::{durable, emlx, maildir, mbox, mh, outlook};
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
    /// One message, whatever its first line, with the flags that its name or its folder gives.
    Message(Flags),
    /// One message of a Maildir whose name has no flags: some programs put them into the header section.
    Delivered,
    Emlx {
        partial: bool,
    },
    Mbox,
    /// A data file of Outlook.
    Outlook,
    /// One message of Outlook.
    OutlookMessage,
}

/// What a search found, in the order of names, and what could not be looked at.
#[derive(Debug, Default)]
pub struct Sources {
    pub found: Vec<Source>,
    pub failed: Vec<String>,
    /// What was passed over on purpose, in sentences.
    pub notes: Vec<String>,
    /// Messages that their program has deleted.
    pub left_out: u64,
    links: u64,
    first_link: Option<PathBuf>,
}

/// Looks at each path: a file named by the user is imported if it can be mail at all; in folders only what the table
/// above names counts.
pub fn find(paths: &[PathBuf], cancel: &Cancel) -> super::Result<Sources> {
    let mut sources = Sources::default();
    for path in paths {
        // A path that was named is followed even if it is a link.
        match fs::canonicalize(path).and_then(|real| Ok((fs::metadata(&real)?, real))) {
            Ok((metadata, real)) if metadata.is_dir() => sources.named_folder(&real, cancel)?,
            Ok((metadata, real)) if metadata.is_file() => sources.named_file(path, &real, metadata.len()),
            Ok(_) => sources.fail(path, "is neither a file nor a folder"),
            Err(error) => sources.fail(path, &format!("could not be opened: {error}")),
        }
    }
    sources.tell_links();
    Ok(sources)
}

impl Sources {
    fn fail(&mut self, path: &Path, why: &str) {
        self.failed.push(format!("{} {why}.", path.display()));
    }

    fn add(&mut self, path: PathBuf, kind: Kind, octets: u64) {
        self.found.push(Source { path, kind, octets });
    }

    fn tell_links(&mut self) {
        let Some(first) = self.first_link.take() else { return };
        self.notes.push(match self.links {
            1 => format!("{} is a link and was not followed.", first.display()),
            many => format!("{many} links were not followed, the first {}.", first.display()),
        });
    }

    fn named_file(&mut self, path: &Path, real: &Path, octets: u64) {
        if let Some(kind) = by_name(path) {
            return self.add(real.to_owned(), kind, octets);
        }
        if let Some(advice) = foreign(path) {
            return self.fail(path, advice);
        }
        match head(real) {
            Ok(head) if head.starts_with(outlook::DATA_FILE) => self.add(real.to_owned(), Kind::Outlook, octets),
            Ok(_) if is_data_file(path) => self.fail(path, NO_DATA_FILE),
            // Many programs write compound files; whether it is a message is seen when it is read.
            Ok(head) if head.starts_with(outlook::COMPOUND) => {
                self.add(real.to_owned(), Kind::OutlookMessage, octets);
            }
            Ok(head) if mbox::is_mbox(&head) => self.add(real.to_owned(), Kind::Mbox, octets),
            // A message never holds a NUL in its first lines; pictures, archives and programs do.
            Ok(head) if mbox::is_header_field(&head) || !head.iter().take(1024).any(|&octet| octet == 0) => {
                self.add(real.to_owned(), Kind::Message(Flags::default()), octets);
            }
            Ok(_) => self.fail(path, "is not a mail file"),
            Err(error) => self.fail(path, &format!("could not be read: {error}")),
        }
    }

    /// A part of a Maildir that was named itself is one all the same.
    fn named_folder(&mut self, real: &Path, cancel: &Cancel) -> super::Result<()> {
        let part = real.file_name().is_some_and(|name| name == "cur" || name == "new");
        if part && real.parent().is_some_and(is_maildir) {
            return self.maildir_part(real, cancel);
        }
        self.search(real, DEEPEST, cancel)
    }

    /// The entries of a folder in the order of their names.
    fn entries(&mut self, folder: &Path) -> Vec<fs::DirEntry> {
        let read = fs::read_dir(folder).and_then(|entries| {
            let mut entries = entries.collect::<std::io::Result<Vec<_>>>()?;
            entries.sort_by_key(fs::DirEntry::file_name);
            Ok(entries)
        });
        read.unwrap_or_else(|error| {
            self.fail(folder, &format!("could not be opened: {error}"));
            Vec::new()
        })
    }

    fn search(&mut self, folder: &Path, depth: usize, cancel: &Cancel) -> super::Result<()> {
        unless_cancelled(cancel)?;
        if depth == 0 {
            self.fail(folder, "lies too deep to be searched");
            return Ok(());
        }
        let is_maildir = is_maildir(folder);
        let sequences = sequences(folder);
        for entry in self.entries(folder) {
            let (Ok(kind), path) = (entry.file_type(), entry.path()) else { continue };
            if kind.is_dir() {
                match entry.file_name().to_str() {
                    Some("cur" | "new") if is_maildir => self.maildir_part(&path, cancel)?,
                    // What is in tmp was never delivered whole.
                    Some("tmp") if is_maildir => {}
                    _ => self.search(&path, depth - 1, cancel)?,
                }
            } else if kind.is_file() {
                unless_cancelled(cancel)?;
                let octets = entry.metadata().map_or(0, |metadata| metadata.len());
                self.file_in_folder(path, octets, sequences.as_ref());
            } else {
                self.pass_over(path, kind.is_symlink());
            }
        }
        Ok(())
    }

    fn pass_over(&mut self, path: PathBuf, link: bool) {
        if link {
            self.links += 1;
            self.first_link.get_or_insert(path);
        } else {
            self.notes.push(format!("{} is a pipe, a socket or a device, and was passed over.", path.display()));
        }
    }

    fn file_in_folder(&mut self, path: PathBuf, octets: u64, sequences: Option<&mh::Sequences>) {
        let name = path.file_name().map(OsStr::to_string_lossy).unwrap_or_default().into_owned();
        // Beside each file macOS puts one of these on foreign disks.
        if name.starts_with("._") {
            return;
        }
        if let Some(kind) = by_name(&path) {
            return self.add(path, kind, octets);
        }
        if let Some(advice) = foreign(&path) {
            return self.fail(&path, advice);
        }
        if sequences.is_some() && mh::is_removed(&name) {
            self.left_out += 1;
            return;
        }
        match (head(&path), mh::number(&name)) {
            (Ok(head), _) if mbox::is_mbox(&head) => self.add(path, Kind::Mbox, octets),
            (Ok(head), _) if head.starts_with(outlook::DATA_FILE) => self.add(path, Kind::Outlook, octets),
            (Ok(_), _) if is_data_file(&path) => self.fail(&path, NO_DATA_FILE),
            (Ok(head), _) if has_extension(&path, "msg") => self.msg_in_folder(path, &head, octets),
            (Ok(head), Some(number)) => match sequences {
                Some(sequences) => self.add(path, Kind::Message(sequences.flags(number)), octets),
                None if mh::looks_like_a_message(&head) => self.add(path, Kind::Message(Flags::default()), octets),
                None => {}
            },
            (Ok(head), None) if has_extension(&path, "mbox") && !head.is_empty() => {
                self.fail(&path, "is not an mbox file");
            }
            (Ok(_), None) => {}
            (Err(error), _) => self.fail(&path, &format!("could not be read: {error}")),
        }
    }

    /// Some programs give that name to a message as it came.
    fn msg_in_folder(&mut self, path: PathBuf, head: &[u8], octets: u64) {
        if head.starts_with(outlook::COMPOUND) {
            self.add(path, Kind::OutlookMessage, octets);
        } else if mbox::is_header_field(head) {
            self.add(path, Kind::Message(Flags::default()), octets);
        } else {
            self.fail(&path, "is not a message of Outlook, whatever its name says");
        }
    }

    fn maildir_part(&mut self, folder: &Path, cancel: &Cancel) -> super::Result<()> {
        for entry in self.entries(folder) {
            unless_cancelled(cancel)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') {
                continue;
            }
            match entry.file_type() {
                Ok(kind) if kind.is_file() => {}
                Ok(kind) if !kind.is_dir() => {
                    self.pass_over(entry.path(), kind.is_symlink());
                    continue;
                }
                _ => continue,
            }
            let octets = entry.metadata().map_or(0, |metadata| metadata.len());
            match maildir::flags(&name) {
                Some(flags) if flags.deleted => self.left_out += 1,
                Some(flags) => self.add(entry.path(), Kind::Message(flags), octets),
                None => self.add(entry.path(), Kind::Delivered, octets),
            }
        }
        Ok(())
    }
}

const NO_DATA_FILE: &str = "is not a data file of Outlook, whatever its name says";

/// Whether its name says so.
fn is_data_file(path: &Path) -> bool {
    has_extension(path, "pst") || has_extension(path, "ost")
}

/// What files of other programs that cannot be read here are, and the way out of them.
fn foreign(path: &Path) -> Option<&'static str> {
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    Some(match extension.as_str() {
        "olm" => {
            "is an archive of Outlook for Mac (.olm). Drag the folders from Outlook onto the desktop, which writes mbox              files, and import those"
        }
        "dbx" => {
            "is a folder of Outlook Express (.dbx). Save its messages as .eml files, or let Thunderbird or `readdbx` turn              it into an mbox file, and import that"
        }
        _ => return None,
    })
}

fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
}

/// Thunderbird makes no `new`.
fn is_maildir(folder: &Path) -> bool {
    is_folder(&folder.join("cur")) && ["new", "tmp"].iter().any(|part| is_folder(&folder.join(part)))
}

fn sequences(folder: &Path) -> Option<mh::Sequences> {
    let text = durable::read(&folder.join(mh::SEQUENCES), 1 << 20).ok()?;
    Some(mh::Sequences::parse(&String::from_utf8_lossy(&text)))
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension))
}

fn by_name(path: &Path) -> Option<Kind> {
    if has_extension(path, "eml") {
        Some(Kind::Message(Flags::default()))
    } else if has_extension(path, "emlx") {
        let partial = path.file_name().is_some_and(|name| emlx::is_partial(&name.to_string_lossy()));
        Some(Kind::Emlx { partial })
    } else {
        None
    }
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

    use super::{Flags, Kind, find};
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
        let message = |read, starred| Kind::Message(Flags::of(read, starred));
        let found: Vec<(&str, Kind)> =
            sources.found.iter().map(|s| (s.path.strip_prefix(&root).unwrap().to_str().unwrap(), s.kind)).collect();
        let expected = [
            ("a.eml", message(false, false)),
            ("b.EML", message(false, false)),
            ("inbox", Kind::Mbox),
            ("maildir/.Sent/cur/4.host:2,S", message(true, false)),
            ("maildir/cur/1.host:2,FS", message(true, true)),
            ("maildir/new/2.host", Kind::Delivered),
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
            ("text.txt", b"Subject: a\n\nb", Some(Kind::Message(Flags::default()))),
            ("odd.raw", b"// no header", Some(Kind::Message(Flags::default()))),
            ("archive.txt", b"From a\nSubject: b\n\n", Some(Kind::Mbox)),
            ("archive.eml", b"From a\nSubject: b\n\n", Some(Kind::Message(Flags::default()))),
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
