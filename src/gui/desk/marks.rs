//! Marks and deletions of many messages at once, and taking them back. What is on the screen changes at once; the archive
//! is written off the drawing thread, in batches, one act after the other.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

use iced::Task;
use jiff::Timestamp;

use super::{Desk, Message, later_than};
use crate::account::MessageId;
use crate::archive::{Archive, ArchiveError, Ids, Mark, View};
use crate::gui::dialog::Dialog;
use crate::gui::dialog::bin::Erasing;
use crate::gui::list::{self, Picked};
use crate::gui::off::ask;
use crate::gui::reader;
use crate::gui::words::{Clock, messages};
use crate::problem::Problem;

/// Messages put into the bin, or taken out of it, in one transaction.
const BATCH: usize = 2_000;
/// Acts that can be taken back.
const REMEMBERED: usize = 100;

/// What is done to many messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Mark(Mark, bool),
    /// To the bin, or out of it.
    Bin(bool),
}

impl Act {
    fn reversed(self) -> Act {
        match self {
            Act::Mark(mark, on) => Act::Mark(mark, !on),
            Act::Bin(into) => Act::Bin(!into),
        }
    }

    fn says(self, number: u64) -> String {
        let did = match self {
            Act::Mark(Mark::Read, true) => "marked as read.",
            Act::Mark(Mark::Read, false) => "marked as unread.",
            Act::Mark(Mark::Starred, true) => "starred.",
            Act::Mark(Mark::Starred, false) => "without a star now.",
            Act::Bin(true) => "moved to the bin.",
            Act::Bin(false) => "put back.",
        };
        format!("{} {did}", messages(number))
    }
}

/// The messages that an act changed, once it has.
type Changed = Arc<OnceLock<Ids>>;

/// Something that can be taken back.
#[derive(Clone, Debug)]
pub struct Step {
    act: Act,
    changed: Changed,
}

/// An act that waits for its turn.
struct Work {
    act: Act,
    whom: Whom,
    /// Told what it changed; nobody wants to know when it takes something back.
    changed: Changed,
}

enum Whom {
    Picked(Picked),
    /// Those that an earlier act changed.
    Changed(Changed),
}

/// Acts on their way to the archive.
#[derive(Default)]
pub struct Acts {
    waiting: VecDeque<Work>,
    running: bool,
}

impl Desk {
    /// Does something to all that was picked, and says so with a way back.
    pub(super) fn act(&mut self, act: Act, picked: Picked, clock: &Clock) -> Task<Message> {
        let changed = Changed::default();
        self.remember_step(Step { act, changed: Arc::clone(&changed) });
        let shown = match act {
            Act::Mark(mark, on) => {
                self.show_mark(mark, on, &picked);
                Task::none()
            }
            Act::Bin(_) => self.show_removal(&picked, clock),
        };
        #[allow(clippy::cast_possible_truncation)]
        let says = act.says(picked.len() as u64);
        let told = self.tell(says, None);
        let work = self.work(Work { act, whom: Whom::Picked(picked), changed });
        Task::batch([shown, told, work])
    }

    /// All that was picked goes to the bin. What is there already is erased, once the user says so.
    pub(super) fn delete_picked(&mut self, picked: Picked, clock: &Clock) -> Task<Message> {
        if self.list.view == View::Bin {
            self.dialog = Some(Dialog::Bin(Erasing::several(picked)));
            return Task::none();
        }
        self.act(Act::Bin(true), picked, clock)
    }

    /// One message was deleted or marked by another way: Ctrl+Z takes it back as well.
    pub(super) fn remember_one(&mut self, act: Act, id: MessageId) {
        let changed = Changed::default();
        // It is fresh: nobody has set it.
        let _ = changed.set(u32::try_from(id.0).into_iter().collect());
        self.remember_step(Step { act, changed });
    }

    /// What was put back by hand is not put back again.
    pub(super) fn forget_one(&mut self, id: MessageId) {
        let id: Ids = u32::try_from(id.0).into_iter().collect();
        self.undo.retain(|step| step.act != Act::Bin(true) || step.changed.get() != Some(&id));
    }

    fn remember_step(&mut self, step: Step) {
        if self.undo.len() == REMEMBERED {
            self.undo.remove(0);
        }
        self.undo.push(step);
    }

    /// Takes back the last act that was not yet taken back.
    pub fn undo(&mut self) -> Task<Message> {
        self.deleted = None;
        // What changed nothing is nothing to be taken back.
        let changed_something = |step: &Step| step.changed.get().is_none_or(|changed| !changed.is_empty());
        let Some(step) = std::iter::from_fn(|| self.undo.pop()).find(changed_something) else { return Task::none() };
        self.work(Work { act: step.act.reversed(), whom: Whom::Changed(step.changed), changed: Changed::default() })
    }

    /// Words over the foot of the panes, with a way back, for a while.
    pub(super) fn tell(&mut self, sentence: String, there_too: Option<MessageId>) -> Task<Message> {
        self.deleted = Some(super::bin::Deleted { there_too, sentence });
        self.told += 1;
        later_than(super::bin::TOLD, Message::DeletionTold(self.told))
    }

    fn show_mark(&mut self, mark: Mark, on: bool, picked: &Picked) {
        let change = move |row: &mut crate::archive::Row| match mark {
            Mark::Read => row.marks.read = on,
            Mark::Starred => row.marks.starred = on,
        };
        self.list.mark_picked(picked, change);
        let list = &self.list;
        self.reader.renew_row(|key| list.row(key).cloned());
    }

    fn show_removal(&mut self, picked: &Picked, clock: &Clock) -> Task<Message> {
        self.reader.close();
        self.list.remove_picked(picked, &self.archive, clock).map(Message::List)
    }

    fn work(&mut self, work: Work) -> Task<Message> {
        self.acts.waiting.push_back(work);
        self.next_act()
    }

    pub(super) fn next_act(&mut self) -> Task<Message> {
        // Nor beside a single deletion or mark: it may be the one that is to be taken back.
        if self.acts.running || self.writing > 0 {
            return Task::none();
        }
        let Some(work) = self.acts.waiting.pop_front() else { return Task::none() };
        self.acts.running = true;
        self.writing += 1;
        let archive = self.archive.clone();
        let bins = matches!(work.act, Act::Bin(_));
        let took_back = matches!(work.whom, Whom::Changed(_));
        let may_belong = matches!(self.list.view, View::Starred | View::Unread) || !self.list.query.is_empty();
        let relist = took_back && (bins || may_belong);
        ask(move || work.done(&archive)).map(move |result| Message::Acted(result, relist))
    }

    pub(super) fn acted(&mut self, result: Result<(), Problem>, relist: bool) -> Task<Message> {
        self.acts.running = false;
        self.writing -= 1;
        let failed = result.is_err();
        if let Err(problem) = result {
            self.deleted = None;
            self.problem = Some(problem);
        }
        let next = self.next_act();
        // What is on the screen is read again: an act may have failed, and one that was taken back shows now.
        let shown = self.list.refresh(&self.archive).map(Message::List);
        Task::batch([next, shown, self.renew(relist || failed)])
    }

    /// The keys of the reader: on all that is selected where that is more than one, or another than is read.
    pub fn read_or_mark(&mut self, message: reader::Message, clock: &Clock) -> Task<Message> {
        let several = self.list.is_several();
        let other = self.list.selected_row().filter(|row| several || !self.reader.shows(row.id));
        let starred = other.is_some_and(|row| !several && row.marks.starred);
        match message {
            reader::Message::Star if several || other.is_some() => {
                self.list(list::Message::Mark(Mark::Starred, !starred), clock)
            }
            reader::Message::Unread if several || other.is_some() => {
                self.list(list::Message::Mark(Mark::Read, false), clock)
            }
            message => self.reader(message, clock),
        }
    }
}

impl Work {
    fn done(self, archive: &Archive) -> Result<(), ArchiveError> {
        let ids = match self.whom {
            Whom::Picked(picked) => picked.ids(),
            Whom::Changed(changed) => changed.get().cloned().unwrap_or_default(),
        };
        let changed = match self.act {
            Act::Mark(mark, on) => archive.mark(&ids, mark, on)?,
            Act::Bin(into) => {
                let list: Vec<MessageId> = ids.iter().map(|id| MessageId(i64::from(id))).collect();
                for batch in list.chunks(BATCH) {
                    if into {
                        archive.move_to_bin(batch, false, Timestamp::now())?;
                    } else {
                        archive.take_from_bin(batch)?;
                    }
                }
                ids
            }
        };
        // One act is done once.
        let _ = self.changed.set(changed);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Act, Mark};

    #[test]
    fn an_act_is_said_in_a_sentence_and_has_a_way_back() {
        for (act, number, said) in [
            (Act::Mark(Mark::Read, true), 1_204, "1,204 messages marked as read."),
            (Act::Mark(Mark::Starred, true), 1, "1 message starred."),
            (Act::Bin(true), 2, "2 messages moved to the bin."),
        ] {
            assert_eq!(act.says(number), said);
            assert_eq!(act.reversed().reversed(), act);
            assert_ne!(act.reversed(), act);
        }
    }
}
