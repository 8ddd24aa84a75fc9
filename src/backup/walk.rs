//! Finds mail in files and folders for an import. Links inside folders are not followed.
//!
//! | what | how it is known |
//! |---|---|
//! | mbox: Thunderbird, Gmail Takeout, mutt, exports of Apple Mail | its first line, whatever its name |
//! | Maildir and Maildir++: Dovecot, Evolution, KMail, Thunderbird | a folder with `cur` and `new` or `tmp`, or one of them with names as Maildir gives |
//! | MH: nmh, Claws, Sylpheed, Gnus | numbers for names, beside `.mh_sequences` or with the header of a message |
//! | `.eml`: Windows Live Mail, and most exports | the name |
//! | `.emlx`: Apple Mail, `~/Library/Mail/V2` to `V10` | the name |
//! | Outlook: `.pst`, `.ost` | how it begins, whatever its name |
//! | Outlook: `.msg` | the name, and how it begins |
//!
//! What belongs to a mail program but cannot be read here is named with a way to export it; so are packed files and our
//! own backups.

use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::flags::Flags;
use super::manifest::{self, Folder, segment_name};
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
    /// Of those, what is no message: paths that are not there, folders, packed files.
    pub places: u64,
    /// What was passed over on purpose, in sentences.
    pub notes: Vec<String>,
    /// Messages that their program has deleted.
    pub left_out: u64,
    links: Passed,
    packed: Passed,
    beside: Passed,
}

/// Files that were passed over for one reason: how many, and the first.
#[derive(Debug, Default)]
struct Passed {
    files: u64,
    first: Option<PathBuf>,
}

impl Passed {
    fn add(&mut self, path: PathBuf) {
        self.files += 1;
        self.first.get_or_insert(path);
    }

    /// The sentence about one file, or about many.
    fn tell(
        self,
        one: impl FnOnce(std::path::Display<'_>) -> String,
        many: impl FnOnce(u64, std::path::Display<'_>) -> String,
    ) -> Option<String> {
        let first = self.first?;
        Some(if self.files == 1 { one(first.display()) } else { many(self.files, first.display()) })
    }
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
            Ok(_) => sources.fail_place(path, "is neither a file nor a folder"),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => sources.fail_place(path, NOT_THERE),
            Err(error) => sources.fail_place(path, &format!("could not be opened: {error}")),
        }
    }
    sources.tell_passed();
    Ok(sources)
}

impl Sources {
    fn fail(&mut self, path: &Path, why: &str) {
        self.failed.push(format!("{} {why}.", path.display()));
    }

    fn add(&mut self, path: PathBuf, kind: Kind, octets: u64) {
        self.found.push(Source { path, kind, octets });
    }

    fn fail_place(&mut self, path: &Path, why: &str) {
        self.places += 1;
        self.fail(path, why);
    }

    fn tell_passed(&mut self) {
        let links = std::mem::take(&mut self.links).tell(
            |first| format!("{first} is a link and was not followed."),
            |many, first| format!("{many} links were not followed, the first {first}."),
        );
        let packed = std::mem::take(&mut self.packed).tell(
            |first| {
                format!("{first} is packed and was not looked into. Unpack it first, then import the folder, if it holds mail.")
            },
            |many, first| {
                format!(
                    "{many} packed files were not looked into, the first {first}. Unpack them first, then import the \
                     folder, if they hold mail."
                )
            },
        );
        let beside = std::mem::take(&mut self.beside).tell(
            |first| format!("{first} is what a mail program keeps beside its mail, and was passed over."),
            |many, first| {
                format!("{many} files that a mail program keeps beside its mail were passed over, the first {first}.")
            },
        );
        self.notes.extend([links, packed, beside].into_iter().flatten());
    }

    fn named_file(&mut self, path: &Path, real: &Path, octets: u64) {
        if in_maildir(real) {
            return self.delivered(real.to_owned(), octets);
        }
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
            // An empty file is an empty mailbox.
            Ok(head) if head.is_empty() || mbox::is_mbox(&head) => self.add(real.to_owned(), Kind::Mbox, octets),
            Ok(_) if is_packed(path) => {
                self.fail_place(
                    path,
                    "is packed, and nothing in it was imported. Unpack it first, then import the folder",
                );
            }
            Ok(_) if is_kept_beside(path) => self.beside.add(path.to_owned()),
            Ok(_) if has_summary(real) => self.broken_mailbox(real.to_owned(), octets),
            Ok(head) if has_a_field(&head) => self.add(real.to_owned(), Kind::Message(Flags::default()), octets),
            Ok(_) => self.fail(path, "is not a mail file"),
            Err(error) => self.fail(path, &format!("could not be read: {error}")),
        }
    }

    /// A mailbox of Thunderbird that does not begin as one. The reader finds what lies behind.
    fn broken_mailbox(&mut self, path: PathBuf, octets: u64) {
        self.fail(
            &path,
            "is a mailbox of Thunderbird that is damaged at its beginning. What could be found from its first “From ” \
             line on was imported. Keep the file: what stands before may be mail too, and an editor shows it",
        );
        self.add(path, Kind::Mbox, octets);
    }

    /// A part of a Maildir that was named itself is one all the same.
    fn named_folder(&mut self, real: &Path, cancel: &Cancel) -> super::Result<()> {
        let part = real.file_name().is_some_and(|name| name == "cur" || name == "new");
        let whole = part && real.parent().is_some_and(is_maildir);
        if whole || (part && holds_maildir(real)) {
            return self.maildir_part(real, whole, cancel);
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
            self.fail_place(folder, &format!("could not be opened: {error}"));
            Vec::new()
        })
    }

    fn search(&mut self, folder: &Path, depth: usize, cancel: &Cancel) -> super::Result<()> {
        unless_cancelled(cancel)?;
        if depth == 0 {
            self.fail_place(folder, "lies too deep to be searched");
            return Ok(());
        }
        let is_maildir = is_maildir(folder);
        let sequences = sequences(folder);
        let entries = self.entries(folder);
        if is_backup(folder, &entries) {
            self.fail_place(
                folder,
                "is a backup of Postkeep, which is not imported but restored: postkeep restore FOLDER brings it back",
            );
        }
        for entry in entries {
            let (Ok(kind), path) = (entry.file_type(), entry.path()) else { continue };
            if kind.is_dir() {
                match entry.file_name().to_str() {
                    Some("cur" | "new") if is_maildir || holds_maildir(&path) => {
                        self.maildir_part(&path, is_maildir, cancel)?;
                    }
                    // What is in tmp was never delivered whole.
                    Some("tmp") if is_maildir || holds_maildir(&folder.join("new")) => {}
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
            self.links.add(path);
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
            // Of our own backup, which was named.
            (Ok(_), _) if segment_name::number(&name).is_some() => {}
            (Ok(_), _) if is_packed(&path) => self.packed.add(path),
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
            (Ok(head), None) if !head.is_empty() && has_summary(&path) => self.broken_mailbox(path, octets),
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

    /// `cur` or `new`. Where the Maildir is not `whole` only files count that are called as Maildir calls them.
    fn maildir_part(&mut self, folder: &Path, whole: bool, cancel: &Cancel) -> super::Result<()> {
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
            if whole || maildir::is_name(&name) {
                self.delivered(entry.path(), octets);
            } else {
                self.file_in_folder(entry.path(), octets, None);
            }
        }
        Ok(())
    }

    fn delivered(&mut self, path: PathBuf, octets: u64) {
        match path.file_name().and_then(|name| maildir::flags(&name.to_string_lossy())) {
            Some(flags) if flags.deleted => self.left_out += 1,
            Some(flags) => self.add(path, Kind::Message(flags), octets),
            None => self.add(path, Kind::Delivered, octets),
        }
    }
}

/// So many lines are looked at for a header field.
const FIRST_LINES: usize = 20;

const NOT_THERE: &str = "is not there, and nothing was imported from it. Look at how the name is written, and whether the \
    disk that it is on is connected";

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
            "is an archive of Outlook for Mac (.olm). Drag the folders from Outlook onto the desktop, which writes mbox \
             files, and import those"
        }
        "dbx" => {
            "is a folder of Outlook Express (.dbx). Save its messages as .eml files, or let Thunderbird or `readdbx` turn \
             it into an mbox file, and import that"
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

/// What is left of a Maildir where empty folders were not kept (git, zip): names tell it.
fn holds_maildir(part: &Path) -> bool {
    let mut entries = fs::read_dir(part).into_iter().flatten().flatten();
    entries.any(|entry| maildir::is_name(&entry.file_name().to_string_lossy()))
}

fn in_maildir(file: &Path) -> bool {
    let part = file.parent().and_then(Path::file_name).is_some_and(|name| name == "cur" || name == "new");
    part && file.file_name().is_some_and(|name| maildir::is_name(&name.to_string_lossy()))
}

/// Many programs call a file `manifest.json`, so that one is read.
fn is_backup(folder: &Path, entries: &[fs::DirEntry]) -> bool {
    let named = |entry: &fs::DirEntry| {
        let name = entry.file_name();
        name == manifest::MANIFEST || name.to_str().is_some_and(|name| segment_name::number(name).is_some())
    };
    entries.iter().any(named) && Folder::new(folder).is_ours()
}

/// Whether the summary that Thunderbird makes of each mailbox lies beside it.
fn has_summary(mailbox: &Path) -> bool {
    let mut summary = mailbox.as_os_str().to_owned();
    summary.push(".msf");
    Path::new(&summary).is_file()
}

fn is_packed(path: &Path) -> bool {
    ["zip", "gz", "tgz", "bz2", "xz", "zst", "7z", "rar", "tar"].iter().any(|packed| has_extension(path, packed))
}

/// Summaries, rules and settings that lie beside mail.
fn is_kept_beside(path: &Path) -> bool {
    ["msf", "dat", "json"].iter().any(|beside| has_extension(path, beside))
}

/// Whether a file that a person named, and that nothing else tells of, can be a message: a header field stands in its
/// first lines. A message never holds a NUL before; pictures, archives and programs do.
fn has_a_field(head: &[u8]) -> bool {
    mbox::is_header_field(head)
        || (!begins_binary(head) && head.split(|octet| *octet == b'\n').take(FIRST_LINES).any(mbox::is_header_field))
}

/// Whether a NUL stands near the beginning.
fn begins_binary(head: &[u8]) -> bool {
    head.iter().take(1024).any(|&octet| octet == 0)
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
            ("odd.raw", b"// a line\nSubject: a\n\nb", Some(Kind::Message(Flags::default()))),
            ("notes.txt", b"// no header", None),
            ("mail.zip", b"PK\x03\x04", None),
            ("Inbox.gz", b"\x1f\x8b\x08", None),
            ("empty.eml", b"", Some(Kind::Message(Flags::default()))),
            ("Trash", b"", Some(Kind::Mbox)),
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
        assert_eq!((missing.found.len(), missing.failed.len(), missing.places), (0, 1, 1));
        assert!(missing.failed[0].contains("not there is not there, and nothing was imported"), "{:?}", missing.failed);
    }

    /// Files, each with its content, and what is found when the folder itself and when all in it is named.
    fn found_in(files: &[(&str, &str)], named: &[&str]) -> (Vec<(String, Kind)>, super::Sources) {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().canonicalize().unwrap();
        for (name, content) in files {
            fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
            fs::write(root.join(name), content).unwrap();
        }
        let paths: Vec<_> = named.iter().map(|name| root.join(name)).collect();
        let sources = find(&paths, &Cancel::new()).unwrap();
        let name = |source: &super::Source| source.path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        (sources.found.iter().map(|source| (name(source), source.kind)).collect(), sources)
    }

    #[test]
    fn a_maildir_without_its_empty_folders_is_one() {
        let seen = Kind::Message(Flags::of(true, false));
        let content = "Subject: a\n\nb";
        let files = [
            ("mail/cur/1123615842.a.host:2,S", content),
            ("mail/cur/1123615843.a.host:2,ST", content),
            ("mail/cur/desktop.ini", "[x]"),
            ("mail/.Sent/new/1123615844.a.host", content),
            ("mail/.Sent/tmp/1123615845.eml", content),
            ("source/new/main.c", content),
            ("source/tmp/a.eml", content),
        ];
        let expected = [
            ("mail/.Sent/new/1123615844.a.host".to_owned(), Kind::Delivered),
            ("mail/cur/1123615842.a.host:2,S".to_owned(), seen),
            ("source/tmp/a.eml".to_owned(), Kind::Message(Flags::default())),
        ];
        let (found, sources) = found_in(&files, &["."]);
        assert_eq!((&found[..], sources.left_out), (&expected[..], 1));
        let (found, sources) = found_in(&files, &["mail/cur"]);
        assert_eq!((&found[..], sources.left_out), (&expected[1..2], 1), "cur itself is named");
        let (found, sources) = found_in(&files, &[files[0].0, files[1].0]);
        assert_eq!((&found[..], sources.left_out), (&expected[1..2], 1), "each file is named");
    }

    #[test]
    fn what_thunderbird_keeps_beside_its_mail_is_no_mail() {
        let mail = "From - Tue Aug  9 19:30:42 2005\nSubject: a\n\nb\n";
        let files = [
            ("Inbox", mail),
            ("Inbox.msf", "// <!-- <mdb:mork:z v=\"1.4\"/> -->\n"),
            ("Junk", ""),
            ("Junk.msf", "// <!-- <mdb:mork:z v=\"1.4\"/> -->\n"),
            ("Broken", "X-Mozilla-Status: 0001\nSubject: a\n\nb\n\nFrom - Tue Aug  9 19:30:42 2005\nSubject: c\n\n"),
            ("Broken.msf", "// <!-- <mdb:mork:z v=\"1.4\"/> -->\n"),
            ("msgFilterRules.dat", "version=\"9\"\nlogging=\"no\"\n"),
            ("popstate.dat", "# POP3 State File\n"),
            ("virtualFolders.dat", "version=1\nuri=mailbox://nobody@Local%20Folders/a\n"),
            ("session.json", "{\"a\":1}"),
        ];
        let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
        for named in [&names[..], &["."]] {
            let (found, sources) = found_in(&files, named);
            let with_mail: Vec<_> = sources.found.iter().filter(|source| source.octets > 0).collect();
            assert!(with_mail.iter().all(|source| source.kind == Kind::Mbox), "{found:?}");
            assert_eq!(with_mail.len(), 2, "{found:?}");
            assert_eq!(sources.failed.len(), 1, "{:?}", sources.failed);
            assert!(sources.failed[0].contains("Broken is a mailbox of Thunderbird that is damaged at its beginning"));
        }
        let (_, sources) = found_in(&files, &names);
        assert_eq!(sources.notes.len(), 1, "{:?}", sources.notes);
        assert!(sources.notes[0].starts_with("7 files that a mail program keeps beside"), "{:?}", sources.notes);
    }

    #[test]
    fn packed_files_and_backups_are_named() {
        let files = [("a.zip", "PK\x03\x04"), ("b/c.mbox.GZ", "\x1f"), ("d.tgz", "\x1f")];
        let (found, sources) = found_in(&files, &["."]);
        assert_eq!((found.len(), sources.failed.len(), sources.notes.len()), (0, 0, 1), "{:?}", sources.notes);
        assert!(sources.notes[0].starts_with("3 packed files were not looked into, the first"), "{:?}", sources.notes);
        let (found, sources) = found_in(&files, &["a.zip", "d.tgz"]);
        assert_eq!((found.len(), sources.failed.len(), sources.places), (0, 2, 2));
        assert!(sources.failed.iter().all(|sentence| sentence.ends_with("Unpack it first, then import the folder.")));
        let segment = crate::backup::manifest::segment_name::of(1);
        let (found, sources) = found_in(&[(&segment, "PK\x03\x04")], &["."]);
        assert_eq!((found.len(), sources.failed.len(), sources.notes.len()), (0, 1, 0), "{:?}", sources.notes);
        assert!(sources.failed[0].contains("is a backup of Postkeep"), "{:?}", sources.failed);
        assert!(sources.failed[0].ends_with("postkeep restore FOLDER brings it back."), "{:?}", sources.failed);
    }

    #[test]
    fn no_sentence_has_a_gap() {
        for name in ["a.olm", "a.dbx"] {
            let advice = super::foreign(std::path::Path::new(name)).unwrap();
            assert!(!advice.contains("  "), "{advice}");
        }
    }
}
