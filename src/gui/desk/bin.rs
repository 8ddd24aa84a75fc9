//! Deleting, and having back what was deleted. A deletion is done at once and can be undone; erasing is asked about first.

use std::time::Duration;

use iced::Task;
use jiff::{SignedDuration, Timestamp};

use super::marks::Act;
use super::{Desk, Message};
use crate::account::MessageId;
use crate::archive::{Archive, ArchiveError, Emptied, Emptying, KEPT, Row, View};
use crate::gui::dialog::Dialog;
use crate::gui::dialog::bin::Erasing;
use crate::gui::list;
use crate::gui::off::ask;
use crate::gui::retention::Deletion;
use crate::gui::words::Clock;
use crate::job::Cancel;
use crate::problem::Problem;

/// How long the words about a deletion stay on the screen. Ctrl+Z works after that, too.
pub(super) const TOLD: Duration = Duration::from_secs(15);

/// What was just done, and what became of it.
pub struct Deleted {
    pub sentence: String,
    /// The message whose copy on the server can go as well.
    pub there_too: Option<MessageId>,
}

/// What a press in the words about a deletion means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    Undo,
    ThereToo,
    Close,
}

impl Desk {
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
        let sentence = format!("Deleted. {}", deletion.says());
        let told = self.tell(sentence, there_too.then_some(row.id));
        self.remember_one(Act::Bin(true), row.id);
        let next = self.take_away(row, clock);
        let (id, generation) = (row.id, self.list.generation());
        let put = self.bin(move |archive| archive.move_to_bin(&[id], false, Timestamp::now()), Some(generation));
        Task::batch([next, put, told])
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
        let next = self.next_act();
        let relist = result.is_err() || unless != Some(self.list.generation());
        if let Err(problem) = result {
            self.deleted = None;
            self.problem = Some(problem);
        }
        Task::batch([next, self.renew(relist)])
    }

    pub(super) fn told(&mut self, told: Told) -> Task<Message> {
        match told {
            Told::Undo => self.undo(),
            Told::ThereToo => {
                let Some(deleted) = &mut self.deleted else { return Task::none() };
                let Some(id) = deleted.there_too.take() else { return Task::none() };
                deleted.sentence = "Deleted. Its copy on the server goes at the next check.".to_owned();
                let generation = self.list.generation();
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

    pub(super) fn put_back(&mut self, row: &Row, clock: &Clock) -> Task<Message> {
        self.forget_one(row.id);
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

/// Erases what is older than thirty days.
fn tidy(archive: &Archive, now: Timestamp) -> Result<Emptied, ArchiveError> {
    archive.empty_bin(Emptying::Due(now), &Cancel::new(), &mut |_| {})
}

#[cfg(test)]
mod tests {
    use super::{SignedDuration, Timestamp, tidy};
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
    fn thirty_days_of_use_erase_and_no_clock_that_jumps_does() {
        let binned: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let (archive, _folder) = with_a_deletion(binned);
        for day in 1..30 {
            assert_eq!(tidy(&archive, binned + days(day)).unwrap().erased, 0, "day {day}");
        }
        assert_eq!(tidy(&archive, binned + days(30)).unwrap().erased, 1);
        assert_eq!(archive.keys(View::Bin).unwrap().len(), 0);

        // Once a week is enough, and a jump counts as a week.
        let (archive, _folder) = with_a_deletion(binned);
        for (jump, erased) in [(20_000, 0), (-30_000, 0), (-20_000, 0), (-10_000, 0), (0, 0), (7, 1)] {
            assert_eq!(tidy(&archive, binned + days(jump)).unwrap().erased, erased, "{jump}");
        }
    }
}
