//! Where things lie on this platform, and the few wishes of the user that are no account's.

use std::path::PathBuf;

/// The archive's folder when nobody names one: the data folder of the platform. `None` without a home folder.
pub fn archive_folder() -> Option<PathBuf> {
    todo!()
}
