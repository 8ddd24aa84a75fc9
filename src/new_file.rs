//! Files from messages, written where the user says: always a new file, never over or through one that is there, for the
//! user alone, and marked as come from elsewhere where the system knows such a mark. The name is one that
//! [`crate::message::safe_name`] made; what is not is refused.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Component, Path, PathBuf};

use crate::message;

/// How many names are tried: `a.txt`, `a (2).txt` and so on.
const MOST_NAMES: u32 = 10_000;

/// Writes `content` into `folder` under `name`, or under a name with a number where that is taken, be it by a file, a
/// folder or a link. Gives the path.
///
/// # Errors
/// When the name could leave the folder, when all names are taken, or when the disk refuses; then no file of ours is left.
pub fn write(folder: &Path, name: &str, content: &[u8]) -> io::Result<PathBuf> {
    if !is_one_component(name) {
        return Err(io::ErrorKind::InvalidFilename.into());
    }
    for attempt in 1..=MOST_NAMES {
        let path = folder.join(numbered(name, attempt));
        let mut file = match created(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            // Windows says so of a folder in the way.
            Err(_) if path.is_dir() => continue,
            Err(error) => return Err(error),
        };
        // Some disks say only then that they are full.
        if let Err(error) = file.write_all(content).and_then(|()| file.sync_all()) {
            drop(file);
            _ = std::fs::remove_file(&path);
            return Err(error);
        }
        marked(&file, &path);
        return Ok(path);
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Makes the file, which must not be there: a link at its place is not followed (`O_EXCL`).
fn created(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn is_one_component(name: &str) -> bool {
    let mut components = Path::new(name).components();
    let is_normal = matches!(components.next(), Some(Component::Normal(only)) if only == name);
    is_normal && components.next().is_none() && !name.contains(['/', '\\', '\0'])
}

/// `a.txt`, `a (2).txt`: the extension stays at the end.
fn numbered(name: &str, attempt: u32) -> String {
    let (stem, extension) = message::split_name(name);
    if attempt == 1 { name.to_owned() } else { format!("{stem} ({attempt}){extension}") }
}

/// Tells the system that the file came from elsewhere, so that it asks before it runs it. Best effort: not every disk
/// keeps such marks.
#[cfg(target_os = "macos")]
fn marked(file: &File, _: &Path) {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let mark = format!("0081;{now:08x};Postkeep;");
    _ = rustix::fs::fsetxattr(file, "com.apple.quarantine", mark.as_bytes(), rustix::fs::XattrFlags::empty());
}

#[cfg(windows)]
fn marked(_: &File, path: &Path) {
    let mut stream = path.as_os_str().to_owned();
    stream.push(":Zone.Identifier");
    _ = std::fs::write(stream, "[ZoneTransfer]\r\nZoneId=3\r\n");
}

/// Programs here go by the right to be executed, which the file does not have.
#[cfg(not(any(target_os = "macos", windows)))]
fn marked(_: &File, _: &Path) {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_taken_name_gets_a_number_before_its_extension() {
        let folder = tempfile::tempdir().unwrap();
        let names: Vec<String> = ["a.txt", "a.txt", "a.txt", "none", "none", "b.tar.gz", "b.tar.gz"]
            .iter()
            .zip(0_u8..)
            .map(|(name, number)| write(folder.path(), name, &[number]).unwrap())
            .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        assert_eq!(names, ["a.txt", "a (2).txt", "a (3).txt", "none", "none (2)", "b.tar.gz", "b.tar (2).gz"]);
        assert_eq!(std::fs::read(folder.path().join("a.txt")).unwrap(), [0]);
        assert!(write(&folder.path().join("missing"), "a.txt", b"").is_err());
    }

    #[test]
    fn a_name_that_could_leave_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["", ".", "..", "../a", "/a", "a/b", "a\\b", "a/", "./a", "a\0"] {
            assert!(write(folder.path(), name, b"").is_err(), "{name:?}");
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn links_and_folders_in_the_way_stay_as_they_are() {
        use std::os::unix::fs::{MetadataExt as _, symlink};
        let outer = tempfile::tempdir().unwrap();
        let (folder, victim) = (outer.path().join("in"), outer.path().join("victim"));
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(&victim, b"mine").unwrap();
        symlink(&victim, folder.join("a.txt")).unwrap();
        symlink(outer.path().join("nowhere"), folder.join("a (2).txt")).unwrap();
        std::fs::create_dir(folder.join("a (3).txt")).unwrap();
        let path = write(&folder, "a.txt", b"theirs").unwrap();
        assert_eq!(path, folder.join("a (4).txt"));
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read(&victim).unwrap(), b"mine");
        assert!(!outer.path().join("nowhere").exists() && folder.join("a (3).txt").is_dir());
    }

    /// Pieces of hostile names.
    const PIECES: &[&str] = &[
        "../",
        "..\\",
        "/",
        "\\",
        "C:",
        "\\\\server\\",
        "CON",
        "nul",
        "LPT1",
        "CONIN$",
        ":ads",
        ".",
        " ",
        "\0",
        "\u{202e}",
        "\u{200b}",
        "fdp",
        ".exe",
        ".desktop",
        ".lnk",
        "e\u{301}",
        "é",
        "A",
        "a",
        "-",
        "~",
        "%2e%2e",
        "%2f",
        "\n",
        "\t",
        "<",
        "|",
        "?",
        "*",
        "\"",
        "😀",
        "مرفق",
        ".tar.gz",
        "invoice",
        "\u{e0041}",
        "…",
        "(2)",
        "\u{200d}",
        "¹",
        "COM",
        "_",
    ];

    /// The next of a row of numbers that looks random and is the same each time (xorshift).
    fn next(state: &mut u64) -> u64 {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state
    }

    fn name(state: &mut u64) -> String {
        let mut name = String::new();
        for _ in 0..next(state) % 8 {
            match next(state) % 16 {
                0 => name.extend(char::from_u32(u32::try_from(next(state) % 0x11_0000).unwrap())),
                1 => name.push_str(&"x".repeat(usize::try_from(next(state) % 300).unwrap())),
                _ => name.push_str(PIECES[usize::try_from(next(state)).unwrap_or(0) % PIECES.len()]),
            }
        }
        name
    }

    /// A hundred thousand names made safe, and every 64th of them written.
    #[test]
    fn whatever_it_is_called_it_stays_inside_and_replaces_nothing() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("in");
        std::fs::create_dir(&folder).unwrap();
        let mut written = BTreeMap::<PathBuf, u32>::new();
        let mut state = 0x9e37_79b9_7f4a_7c15;
        for count in 1..=100_000_u32 {
            let name = name(&mut state);
            let safe = message::safe_name(&name, "attachment-1.bin");
            assert!(is_one_component(&safe) && safe.len() <= 120, "{name:?}: {safe:?}");
            assert!(!safe.ends_with(['.', ' ']) && !safe.starts_with(['-', '.', '~']), "{name:?}: {safe:?}");
            let bad = |each: char| each.is_control() || "<>:\"|?*/\\\u{202e}\u{200b}\u{e0041}".contains(each);
            assert!(!safe.chars().any(bad), "{name:?}: {safe:?}");
            // What is shown is what it is saved as, and ends as it does.
            let (stem, extension) = message::split_name(&safe);
            assert_eq!(format!("{stem}{extension}"), safe);
            if count.is_multiple_of(64) {
                let path = write(&folder, &safe, &count.to_le_bytes()).unwrap();
                assert_eq!(path.parent(), Some(folder.as_path()));
                assert!(written.insert(path, count).is_none(), "{name:?} replaced another");
            }
        }
        // Nothing beside the folder, and every file as it was written.
        assert_eq!(std::fs::read_dir(outer.path()).unwrap().count(), 1);
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), written.len());
        for (path, number) in &written {
            assert_eq!(std::fs::read(path).unwrap(), number.to_le_bytes(), "{}", path.display());
        }
    }
}
