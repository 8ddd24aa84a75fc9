//! Giving back the room in `mail.db` that nothing uses any more, after much was erased or packed.
//!
//! Two ways, both SQLite's own and safe when they are cut off. Where the disk has room for two more copies, the file is
//! written anew in one transaction of the journal, densely. Else, and while the window is open, free pages are filled
//! from the end of the file and cut off, a few at a time.

use rusqlite::Connection;

use super::columns::uncount;
use super::error::{ArchiveError, Result};
use super::{Archive, open};
use crate::job::{Cancel, Progress, Report, unless_cancelled};

/// Pages given back in one transaction.
const STEP: u64 = 256;
/// The part of the file that may be free before it is given back without being asked for: a quarter.
const FREE_PART: u64 = 4;
/// Not worth the work below this many octets.
const WORTH: u64 = 4 << 20;
/// Instructions of SQLite's virtual machine between two looks at the token; fewer where tests kill it there.
const INSTRUCTIONS: i32 = if cfg!(debug_assertions) { 200 } else { 10_000 };

/// Octets of `mail.db` before and after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    pub before: u64,
    pub after: u64,
    /// The file was not written anew, for the disk has no room for that.
    pub little_room: bool,
}

/// What a database file is made of.
#[derive(Clone, Copy, Debug)]
struct Pages {
    size: u64,
    all: u64,
    free: u64,
    /// Whether pages can be cut off its end.
    by_steps: bool,
}

impl Pages {
    fn of(connection: &Connection) -> Result<Pages> {
        let number = |name: &str| -> Result<u64> {
            Ok(uncount(connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0))?))
        };
        Ok(Pages {
            size: number("page_size")?,
            all: number("page_count")?,
            free: number("freelist_count")?,
            by_steps: number("auto_vacuum")? == 2,
        })
    }

    /// Whether so much of it is free that it is given back unasked.
    fn wasteful(self) -> bool {
        self.by_steps && self.free * self.size >= WORTH && self.free * FREE_PART > self.all
    }
}

impl Archive {
    /// Makes `mail.db` as small as it can be.
    ///
    /// # Errors
    /// [`ArchiveError::Cancelled`]: what was given back until then stays so.
    pub fn compact(&self, cancel: &Cancel, report: Report<'_>) -> Result<Compacted> {
        let pages = self.with_writer(|writer| Pages::of(writer))?;
        let before = pages.all * pages.size;
        let used = (pages.all - pages.free) * pages.size;
        // A copy beside the file, and the journal.
        let room = |folder: &std::path::Path| fs4::available_space(folder).unwrap_or(0);
        let fits = room(self.folder()) > 2 * used + WORTH && room(&std::env::temp_dir()) > used + WORTH;
        let mut compacted = Compacted { before, after: before, little_room: !fits };
        if fits {
            report(Progress::of(0, pages.all));
            match self.with_writer(|writer| anew(writer, cancel)) {
                // The temporary folder was smaller than it said: by steps, then.
                Err(ArchiveError::DiskFull { .. }) => {
                    self.recover()?;
                    compacted.little_room = true;
                    self.by_steps(cancel, report)?;
                }
                answer => answer?,
            }
        } else {
            self.by_steps(cancel, report)?;
        }
        self.empty_journal();
        let pages = self.with_writer(|writer| Pages::of(writer))?;
        Ok(Compacted { after: pages.all * pages.size, ..compacted })
    }

    /// Gives free pages back where they are more than a quarter of the file, a few at a time; answers whether there is
    /// more to do. For when nothing else is being done.
    pub fn compact_a_little(&self) -> Result<bool> {
        let more = self.with_writer(|writer| {
            let pages = Pages::of(writer)?;
            if !pages.wasteful() {
                return Ok(false);
            }
            give_back(writer)?;
            Ok(true)
        })?;
        Ok(more)
    }

    pub(super) fn by_steps(&self, cancel: &Cancel, report: Report<'_>) -> Result<()> {
        let first = self.with_writer(|writer| Pages::of(writer))?;
        if !first.by_steps {
            return Ok(());
        }
        let mut left = first.free;
        while left > 0 {
            unless_cancelled(cancel)?;
            let now = self.with_writer(|writer| {
                give_back(writer)?;
                Ok(Pages::of(writer)?.free)
            })?;
            if now >= left {
                break;
            }
            left = now;
            report(Progress::of(first.free - left, first.free));
        }
        Ok(())
    }
}

/// Cuts a few pages off the end of the file.
fn give_back(writer: &Connection) -> Result<()> {
    // One row for each page; it commits when all were asked for.
    let mut statement = writer.prepare(&format!("PRAGMA incremental_vacuum({STEP})"))?;
    let mut pages = statement.query([])?;
    while pages.next()?.is_some() {}
    tracing::trace!(phase = "pages given back");
    Ok(())
}

/// Writes the whole file anew. From then on pages can be cut off its end, also where an older program made it.
fn anew(writer: &mut Connection, cancel: &Cancel) -> Result<()> {
    let token = cancel.clone();
    writer.pragma_update(None, "auto_vacuum", open::BY_STEPS)?;
    let looks = move || {
        tracing::trace!(phase = "writing anew");
        token.is_cancelled()
    };
    writer.progress_handler(INSTRUCTIONS, Some(looks))?;
    let done = writer.execute_batch("VACUUM");
    tracing::trace!(phase = "written anew");
    writer.progress_handler(0, None::<fn() -> bool>)?;
    unless_cancelled(cancel)?;
    Ok(done?)
}
