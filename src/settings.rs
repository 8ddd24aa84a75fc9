//! Where things lie on this platform, and the few wishes of the user that are no account's. Makes no folder: who writes
//! first does.

use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use directories::{ProjectDirs, UserDirs};
use jiff::tz::TimeZone;

/// The archive's folder when nobody names one: the data folder of the platform, which stays on this computer
/// (`~/.local/share/postkeep`, `~/Library/Application Support/Postkeep`, `%LOCALAPPDATA%\Postkeep\data`). `None`
/// without a home folder.
pub fn archive_folder() -> Option<PathBuf> {
    ProjectDirs::from("", "", "Postkeep").map(|folders| folders.data_local_dir().to_path_buf())
}

/// How long the time zone is taken to be the same: a computer may travel while the window is open.
const ZONE_FOR: Duration = Duration::from_secs(60);

/// The time zone of this computer. Read from the zone's own file where there is one: `TimeZone::system` first walks through
/// the files of all zones of the world.
pub fn time_zone() -> TimeZone {
    static KNOWN: Mutex<Option<(Instant, TimeZone)>> = Mutex::new(None);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, zone)) = known.as_ref().filter(|(read, _)| read.elapsed() < ZONE_FOR) {
        return zone.clone();
    }
    let file = || (cfg!(unix) && std::env::var_os("TZ").is_none()).then(|| std::fs::read("/etc/localtime").ok())?;
    let zone = file().and_then(|zone| TimeZone::tzif("Local", &zone).ok()).unwrap_or_else(TimeZone::system);
    known.insert((Instant::now(), zone)).1.clone()
}

/// Where downloads go on this platform, or else the home folder: where an attachment is saved when nobody says otherwise.
pub fn downloads_folder() -> Option<PathBuf> {
    let folders = UserDirs::new()?;
    let downloads = folders.download_dir().filter(|folder| folder.is_dir());
    Some(downloads.unwrap_or(folders.home_dir()).to_path_buf())
}

/// What the names of our temporary folders begin with; the number of the process follows.
const SCRATCH: &str = "postkeep-";

/// A temporary folder that only the user can enter. It goes when it is dropped, or, if the program is killed, when the
/// program starts again: see [`sweep`].
///
/// # Errors
/// When it cannot be made.
pub fn scratch() -> io::Result<tempfile::TempDir> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder.prefix(&format!("{SCRATCH}{}-", std::process::id())).tempdir()
}

/// Removes the temporary folders of ours whose process is no more: what it left when it was killed. Best effort: a folder
/// of another user cannot be removed, and is none of ours.
pub fn sweep() {
    for entry in std::fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(SCRATCH)?.split_once('-'));
        let Some(Ok(process)) = owner.map(|(process, _)| process.parse::<i32>()) else { continue };
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && !is_running(process) {
            _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(unix)]
fn is_running(process: i32) -> bool {
    // Whatever it answers but "there is none such", there is one.
    let Some(process) = rustix::process::Pid::from_raw(process) else { return true };
    rustix::process::test_kill_process(process) != Err(rustix::io::Errno::SRCH)
}

/// Where nobody can be asked, nothing is removed.
#[cfg(not(unix))]
fn is_running(_: i32) -> bool {
    true
}

#[cfg(test)]
mod tests {
    #[cfg(unix)]
    #[test]
    fn a_folder_of_a_process_that_runs_stays() {
        use std::os::unix::fs::PermissionsExt;
        let folder = super::scratch().expect("a folder");
        assert_eq!(folder.path().metadata().expect("there").permissions().mode() & 0o777, 0o700);
        super::sweep();
        assert!(folder.path().is_dir());
    }

    #[test]
    fn the_folder_is_absolute_and_the_programs_own() {
        let folder = super::archive_folder().expect("the tests run with a home folder");
        assert!(folder.is_absolute());
        assert!(folder.to_string_lossy().to_lowercase().contains("postkeep"));
    }
}
