//! Where things lie on this platform, and the few wishes of the user that are no account's. Makes no folder: who writes
//! first does.

use std::path::PathBuf;

use directories::{ProjectDirs, UserDirs};

/// The archive's folder when nobody names one: the data folder of the platform, which stays on this computer
/// (`~/.local/share/postkeep`, `~/Library/Application Support/Postkeep`, `%LOCALAPPDATA%\Postkeep\data`). `None`
/// without a home folder.
pub fn archive_folder() -> Option<PathBuf> {
    ProjectDirs::from("", "", "Postkeep").map(|folders| folders.data_local_dir().to_path_buf())
}

/// Where downloads go on this platform, or else the home folder: where an attachment is saved when nobody says otherwise.
pub fn downloads_folder() -> Option<PathBuf> {
    let folders = UserDirs::new()?;
    let downloads = folders.download_dir().filter(|folder| folder.is_dir());
    Some(downloads.unwrap_or(folders.home_dir()).to_path_buf())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_folder_is_absolute_and_the_programs_own() {
        let folder = super::archive_folder().expect("the tests run with a home folder");
        assert!(folder.is_absolute());
        assert!(folder.to_string_lossy().to_lowercase().contains("postkeep"));
    }
}
