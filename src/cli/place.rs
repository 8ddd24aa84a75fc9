//! Which archive a command works on, and opening it. Commands that read never take the lock for their own work.

use std::path::{Path, PathBuf};

use super::failure::Failure;
use super::print::{self, Bar};
use crate::account::Account;
use crate::archive::Archive;
use crate::job::Cancel;
use crate::settings;

/// The environment variable that names the archive's folder.
const VARIABLE: &str = "POSTKEEP_ARCHIVE";

/// The archive's folder, if one is known.
pub struct Place(Option<PathBuf>);

impl Place {
    /// The folder named on the command line, else by the environment, else the platform's.
    pub fn of(named: Option<PathBuf>) -> Place {
        let by_environment = || std::env::var_os(VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
        Place(named.or_else(by_environment).or_else(settings::archive_folder))
    }

    pub fn at(folder: &Path) -> Place {
        Place(Some(folder.to_owned()))
    }

    pub fn folder(&self) -> Result<&Path, Failure> {
        let missing =
            || Failure::wrong_usage("There is no home folder to keep the archive in. Name one with --archive.");
        self.0.as_deref().ok_or_else(missing)
    }

    /// For writing; makes the archive where there is none. Another writer is exit status 4.
    pub fn open(&self) -> Result<Archive, Failure> {
        Ok(Archive::open(self.folder()?)?)
    }

    /// For writing, but only an archive that is already there.
    pub fn open_existing(&self) -> Result<Archive, Failure> {
        self.must_exist()?;
        self.open()
    }

    /// For reading, beside a process that may be writing it.
    pub fn read(&self) -> Result<Archive, Failure> {
        self.must_exist()?;
        Ok(Archive::open_read_only(self.folder()?)?)
    }

    /// For reading lists and searching: what is stored and not indexed yet is indexed first where nobody else is
    /// writing; else it is as far as the writer has come, and that is said.
    pub fn read_indexed(&self) -> Result<Archive, Failure> {
        let archive = self.read()?;
        if !archive.index_lags().unwrap_or(true) {
            return Ok(archive);
        }
        // Without the lock the writer does it, and without leave to write nobody can.
        let archive = match Archive::open(self.folder()?) {
            Ok(writing) => {
                let mut bar = Bar::new("Indexing:");
                let _ = writing.index_pending(&Cancel::new(), &mut |progress| bar.show(progress));
                drop(archive);
                drop(writing);
                self.read()?
            }
            Err(_) => archive,
        };
        let left = archive.counts().map_or(0, |counts| counts.to_index);
        if left > 0 {
            let (number, are) = (print::count(left, "message"), if left == 1 { "is" } else { "are" });
            print::say(&format!("{number} {are} still to be indexed and cannot be found yet. Nothing is lost."));
        }
        Ok(archive)
    }

    fn must_exist(&self) -> Result<(), Failure> {
        let folder = self.folder()?;
        if folder.join("mail.db").exists() {
            return Ok(());
        }
        Err(Failure::failed(format!(
            "There is no archive in {} yet. Add a mailbox with: postkeep account add ADDRESS.",
            folder.display()
        )))
    }
}

/// The account with this address.
pub fn account(archive: &Archive, address: &str) -> Result<Account, Failure> {
    let missing = || Failure::failed(format!("There is no account {address} here. See: postkeep account list."));
    archive.account(address.trim())?.ok_or_else(missing)
}
