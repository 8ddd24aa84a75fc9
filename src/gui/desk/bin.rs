//! Deleting, and having back what was deleted. A deletion is done at once and can be undone; erasing is asked about first.

use std::time::Duration;

use iced::Task;
use jiff::{SignedDuration, Timestamp};

use super::{Desk, Message};
use crate::account::MessageId;
use crate::archive::{Archive, ArchiveError, Emptied, Emptying, Row, View};
use crate::gui::dialog::Dialog;
use crate::gui::dialog::bin::Erasing;
use crate::gui::list;
use crate::gui::off::ask;
use crate::gui::retention::Deletion;
use crate::gui::words::Clock;
use crate::job::Cancel;
use crate::problem::Problem;

/// How long the words about a deletion stay on the screen. Ctrl+Z works after that, too.
const TOLD: Duration = Duration::from_secs(15);

/// The archive's own note of when it was last emptied of old messages.
const EMPTIED: &str = "bin.emptied";
/// Days that a message stays in the bin.
pub const KEPT: i64 = 30;
/// A clock that shows a time later than this after the last deletion is not believed, in days.
const BELIEVED: i64 = 400;

/// What was just deleted, and what became of it.
pub struct Deleted {
    pub id: MessageId,
    pub sentence: String,
    /// Whether its copy on the server can go as well.
    pub there_too: bool,
}

/// What a press in the words about a deletion means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    Undo,
    ThereToo,
    Close,
}

impl Desk {
    /// The Delete key: the message chosen in the list.
    pub fn delete_selected(&mut self, clock: &Clock) -> Task<Message> {
        match self.list.selected_row().cloned() {
            Some(row) => self.delete(&row, clock),
            None => Task::none(),
        }
    }

    /// Moves a message to the bin, or asks about erasing it where it is in there.
    pub(super) fn delete(&mut self, row: &Row, clock: &Clock) -> Task<Message> {
        if row.binned.is_some() || self.list.view == View::Bin {
            return self.ask_to_erase(row.clone());
        }
        let deletion = Deletion {
            on_server: row.on_server,
            in_backup: row.in_backup.is_some(),
            retention: row.account.and_then(|id| self.library.account(id)).map(|a| a.retention).unwrap_or_default(),
            agreed: row.account.is_some_and(|id| self.library.agreed(id)),
        };
        let there_too = deletion.can_go_there_too() && row.account.is_some_and(|id| self.library.account(id).is_some());
        self.deleted = Some(Deleted { id: row.id, sentence: format!("Deleted. {}", deletion.says()), there_too });
        self.undo.push(row.id);
        self.told += 1;
        let next = self.take_away(row, clock);
        let (id, generation) = (row.id, self.list.generation());
        let put = self.bin(move |archive| archive.move_to_bin(&[id], false, Timestamp::now()), Some(generation));
        let told = self.told;
        let over = Task::future(async move {
            tokio::time::sleep(TOLD).await;
            Message::DeletionTold(told)
        });
        Task::batch([next, put, over])
    }

    /// Takes a row out of the list, and shows the message that stands in its place.
    fn take_away(&mut self, row: &Row, clock: &Clock) -> Task<Message> {
        let shown = self.list.selected_row().is_some_and(|selected| selected.id == row.id);
        let action = self.list.remove(row.key, &self.archive, clock);
        if !shown && !self.reader.shows(row.id) {
            return match action {
                list::Action::Run(task) => task.map(Message::List),
                _ => Task::none(),
            };
        }
        if matches!(action, list::Action::None | list::Action::Run(_)) {
            self.reader.close();
        }
        self.listed(action)
    }

    /// Writes to the bin. Where the list was read anew meanwhile it is read once more: it may still have had the old state.
    fn bin(
        &mut self,
        work: impl FnOnce(&Archive) -> Result<(), ArchiveError> + Send + 'static,
        unless: Option<u64>,
    ) -> Task<Message> {
        self.writing += 1;
        let archive = self.archive.clone();
        ask(move || work(&archive)).map(move |result| Message::Binned(result, unless))
    }

    pub(super) fn binned(&mut self, result: Result<(), Problem>, unless: Option<u64>) -> Task<Message> {
        self.writing -= 1;
        let relist = result.is_err() || unless != Some(self.list.generation());
        if let Err(problem) = result {
            self.deleted = None;
            self.problem = Some(problem);
        }
        self.renew(relist)
    }

    pub(super) fn told(&mut self, told: Told) -> Task<Message> {
        match told {
            Told::Undo => self.undo(),
            Told::ThereToo => {
                let Some(deleted) = &mut self.deleted else { return Task::none() };
                deleted.there_too = false;
                deleted.sentence = "Deleted. Its copy on the server goes at the next check.".to_owned();
                let (id, generation) = (deleted.id, self.list.generation());
                self.bin(move |archive| archive.move_to_bin(&[id], true, Timestamp::now()), Some(generation))
            }
            Told::Close => {
                self.deleted = None;
                Task::none()
            }
        }
    }

    pub(super) fn deletion_told(&mut self, told: u64) {
        if told == self.told {
            self.deleted = None;
        }
    }

    /// Takes back the last deletion that was not yet taken back.
    pub fn undo(&mut self) -> Task<Message> {
        self.deleted = None;
        match self.undo.pop() {
            Some(id) => self.bin(move |archive| archive.take_from_bin(&[id]), None),
            None => Task::none(),
        }
    }

    pub(super) fn put_back(&mut self, row: &Row, clock: &Clock) -> Task<Message> {
        self.undo.retain(|id| *id != row.id);
        self.deleted = None;
        let next = self.take_away(row, clock);
        let (id, generation) = (row.id, self.list.generation());
        self.notice = Some("The message is back in your mail.".to_owned());
        Task::batch([next, self.bin(move |archive| archive.take_from_bin(&[id]), Some(generation))])
    }

    pub(super) fn ask_to_erase(&mut self, row: Row) -> Task<Message> {
        self.dialog = Some(Dialog::Bin(Erasing::one(row)));
        Task::none()
    }

    pub(super) fn ask_to_empty(&mut self) -> Task<Message> {
        self.dialog = Some(Dialog::Bin(Erasing::all()));
        Task::none()
    }

    /// Messages are gone for good; with a sentence the dialog has done its work.
    pub(super) fn erased(&mut self, said: Option<String>) -> Task<Message> {
        self.undo.clear();
        self.deleted = None;
        self.list.deselect();
        self.reader.close();
        let close = match said {
            Some(said) => {
                self.notice = Some(said);
                self.close_dialog()
            }
            None => Task::none(),
        };
        Task::batch([close, self.renew(true)])
    }

    /// Erases what has been in the bin for its thirty days, off the drawing thread. Says nothing.
    pub(super) fn tidy_bin(&self) -> Task<Message> {
        let archive = self.archive.clone();
        ask(move || tidy(&archive, Timestamp::now())).map(Message::Tidied)
    }

    pub(super) fn tidied(&mut self, result: Result<Emptied, Problem>) -> Task<Message> {
        match result {
            Ok(emptied) if emptied.erased > 0 => self.renew(true),
            // What could not be erased today is tried at the next start.
            _ => Task::none(),
        }
    }
}

/// When a message that was deleted then is erased.
pub fn erased_on(binned: Timestamp) -> Timestamp {
    binned.checked_add(SignedDuration::from_hours(24 * KEPT)).unwrap_or(Timestamp::MAX)
}

/// Erases what is older than thirty days, unless the clock cannot be believed: it went back behind the last deletion or
/// the last tidying, or it is more than a year ahead of the last deletion.
fn tidy(archive: &Archive, now: Timestamp) -> Result<Emptied, ArchiveError> {
    let Some(newest) = newest(archive)? else { return Ok(Emptied::default()) };
    let last: Option<Timestamp> = archive.setting(EMPTIED)?.and_then(|time| time.parse().ok());
    let after_all = newest.checked_add(SignedDuration::from_hours(24 * BELIEVED)).unwrap_or(Timestamp::MAX);
    if now < newest || now > after_all || last.is_some_and(|last| now < last) {
        return Ok(Emptied::default());
    }
    let before = now.checked_sub(SignedDuration::from_hours(24 * KEPT)).unwrap_or(Timestamp::MIN);
    let emptied = archive.empty_bin(Emptying::Before(before), &Cancel::new(), &mut |_| {})?;
    if emptied.erased > 0 {
        archive.set_setting(EMPTIED, &now.to_string())?;
    }
    Ok(emptied)
}

/// When the last deletion was that is still in the bin.
fn newest(archive: &Archive) -> Result<Option<Timestamp>, ArchiveError> {
    let mut newest = None;
    for keys in archive.keys(View::Bin)?.chunks(500) {
        newest = newest.max(archive.rows(keys)?.into_iter().filter_map(|row| row.binned).max());
    }
    Ok(newest)
}

#[cfg(test)]
mod tests {
    use super::{EMPTIED, SignedDuration, Timestamp, tidy};
    use crate::archive::{Archive, Incoming, Ingested, Marks, Origin, View};

    fn days(days: i64) -> SignedDuration {
        SignedDuration::from_hours(24 * days)
    }

    /// An archive with one message, deleted at `binned`.
    fn with_a_deletion(binned: Timestamp) -> (Archive, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::open(&folder.path().join("archive")).unwrap();
        let bytes = b"Subject: a\r\n\r\nb\r\n".to_vec();
        let from = Origin::File { account: None };
        let incoming = Incoming { bytes, arrived: binned, marks: Marks::default(), from };
        let Ingested::Added(id) = archive.ingest(vec![incoming]).unwrap().remove(0) else { panic!("not added") };
        archive.index_pending(&crate::job::Cancel::new(), &mut |_| {}).unwrap();
        archive.move_to_bin(&[id], false, binned).unwrap();
        (archive, folder)
    }

    #[test]
    fn only_a_clock_that_can_be_believed_erases() {
        let binned: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        for (now, expected) in [
            (binned - days(1), 0),
            (binned + days(1), 0),
            (binned + days(29), 0),
            (binned + days(31), 1),
            (binned + days(399), 1),
            (binned + days(401), 0),
            (binned + days(20_000), 0),
        ] {
            let (archive, _folder) = with_a_deletion(binned);
            assert_eq!(tidy(&archive, now).unwrap().erased, expected, "{now}");
            assert_eq!(archive.keys(View::Bin).unwrap().len() as u64, 1 - expected, "{now}");
        }
    }

    #[test]
    fn a_clock_behind_the_last_tidying_erases_nothing() {
        let binned: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let (archive, _folder) = with_a_deletion(binned);
        archive.set_setting(EMPTIED, "2027-06-01T00:00:00Z").unwrap();
        assert_eq!(tidy(&archive, binned + days(60)).unwrap().erased, 0);
        assert_eq!(tidy(&archive, binned + days(300)).unwrap().erased, 1);
    }
}
