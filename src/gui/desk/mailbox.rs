//! The bars, the sidebar, the list and the reader: what they want, done.

use super::marks::Act;
use super::{Action, Desk, Message};
use crate::account::{AccountId, MessageId, Retention};
use crate::archive::{Mark, Row, View};
use crate::fetch::Request;
use crate::gui::dialog::backup::BackUp;
use crate::gui::dialog::export::Export;
use crate::gui::dialog::incoming::{Incoming, Kind};
use crate::gui::dialog::removal::Removal;
use crate::gui::dialog::{Dialog, Which};
use crate::gui::job::Order;
use crate::gui::setup::Setup;
use crate::gui::words::Clock;
use crate::gui::{bars, dialog, list, reader, setup, sidebar};
use iced::Task;

impl Desk {
    // The bars.

    pub(super) fn bars(&mut self, message: bars::Message, clock: &Clock) -> Action {
        match message {
            bars::Message::Search(query) => self.typed(query, clock).into(),
            bars::Message::ClearSearch => self.search(String::new(), clock).into(),
            bars::Message::Operator(operator) => self.operator(operator, clock),
            bars::Message::Choose(down) => {
                self.offer.step(down);
                Action::None
            }
            bars::Message::Complete(sender) => self.complete(sender, clock),
            bars::Message::Searched => self.searched(),
            bars::Message::IntoList => self.first_of_list(),
            bars::Message::CheckMail => self.check_mail(),
            bars::Message::Export => self.open(Which::Export).into(),
            bars::Message::Log => self.open(Which::Log).into(),
            bars::Message::Settings => self.open(Which::Settings).into(),
            bars::Message::LeaveSample => Action::LeaveSample,
            bars::Message::StopFetch(account) => self.stop_fetch(account),
            bars::Message::StopJob => self.stop_job(),
            bars::Message::ShowJob => self.show_job(),
            bars::Message::DismissNotice => {
                self.notice = None;
                Action::None
            }
        }
    }

    pub fn check_mail(&mut self) -> Action {
        if self.library.fetching.is_empty() {
            self.problem = None;
            self.asked = self.library.accounts.iter().map(|account| account.id).collect();
            self.send(Request::FetchAll);
        }
        Action::None
    }

    pub(super) fn stop_fetch(&mut self, account: AccountId) -> Action {
        self.send(Request::Cancel(account));
        Action::None
    }

    pub(super) fn stop_job(&mut self) -> Action {
        if let Some(job) = &mut self.job {
            job.stop();
        }
        Action::None
    }

    pub(super) fn show_job(&mut self) -> Action {
        let Some(job) = &self.job else { return Action::None };
        self.dialog = Some(match job.order {
            Order::BackUp { .. } | Order::Verify(_) => Dialog::BackUp(BackUp::running()),
            Order::Export { .. } => Dialog::Export(Export::running()),
            Order::Import(_) => Dialog::Incoming(Incoming::running(Kind::Import)),
            Order::Restore(_) => Dialog::Incoming(Incoming::running(Kind::Restore)),
            Order::Repair(_) => Dialog::Incoming(Incoming::running(Kind::Repair)),
        });
        Action::None
    }

    // The sidebar.

    pub(super) fn sidebar(&mut self, message: sidebar::Message, clock: &Clock) -> Task<Message> {
        match message {
            sidebar::Message::Show(view) => self.show(view, clock),
            sidebar::Message::LeaveCopy(account, true) => self.retain(account, Retention::LeaveCopy),
            sidebar::Message::LeaveCopy(account, false) => self.ask_about_removal(account, Retention::RemoveOnceStored),
            sidebar::Message::Waiting => self.open(Which::Waiting),
            sidebar::Message::Configure(account) => self.configure(account),
            sidebar::Message::AddMailbox => self.open(Which::AddMailbox),
            sidebar::Message::BackUp => self.open(Which::BackUp),
            sidebar::Message::Repair => self.open(Which::Repair),
            sidebar::Message::Unfold(unfolded) => {
                self.unfolded = unfolded;
                Task::none()
            }
        }
    }

    pub(super) fn show(&mut self, view: View, clock: &Clock) -> Task<Message> {
        self.unfolded = false;
        self.reader.close();
        self.list.deselect();
        self.list.show(view, &self.archive, clock).map(Message::List)
    }

    pub(super) fn retain(&mut self, account: AccountId, retention: Retention) -> Task<Message> {
        let Some(known) = self.library.accounts.iter_mut().find(|known| known.id == account) else {
            return Task::none();
        };
        // The same retention is a yes to it, on this computer.
        let agrees = known.retention == retention && !retention.leaves_copy();
        known.retention = retention;
        let mut changed = known.clone();
        if let Some(standing) = self.library.standing.get_mut(&account) {
            standing.agreed = !retention.leaves_copy();
        }
        self.write(move |archive| {
            if agrees {
                return archive.agree_to_removal(&changed);
            }
            // What else of the account was changed meanwhile stays changed.
            if let Some(fresh) = archive.accounts()?.into_iter().find(|fresh| fresh.id == changed.id) {
                changed = crate::account::Account { retention, ..fresh };
            }
            archive.change_account(&changed)
        })
    }

    /// Shows what would leave a mailbox that is new here, by its account's own retention.
    pub(super) fn see_what_would_go(&mut self, id: AccountId) -> Task<Message> {
        match self.library.account(id).map(|account| account.retention) {
            Some(retention) => self.ask_about_removal(id, retention),
            None => Task::none(),
        }
    }

    pub(super) fn ask_about_removal(&mut self, account: AccountId, proposed: Retention) -> Task<Message> {
        let (removal, request) = Removal::new(account, proposed);
        self.dialog = Some(Dialog::Removal(removal));
        self.send(request);
        Task::none()
    }

    pub(super) fn configure(&mut self, id: AccountId) -> Task<Message> {
        if let Some(account) = self.library.account(id) {
            self.dialog = Some(Dialog::Account(Box::new(dialog::account::Settings::new(account.clone()))));
        }
        Task::none()
    }

    pub fn open(&mut self, which: Which) -> Task<Message> {
        self.close_menus();
        self.ended = None;
        if which == Which::Log {
            let (log, read) = dialog::log::Log::new(&self.archive);
            self.dialog = Some(Dialog::Log(log));
            return read.map(dialog::Message::Log).map(Message::Dialog);
        }
        let last = self.library.last_backup.as_ref().map(|(folder, _)| folder);
        self.dialog = Some(match which {
            Which::AddMailbox => Dialog::Mailbox(Box::new(Setup::new())),
            Which::BackUp => Dialog::BackUp(BackUp::new(last, None)),
            Which::Export => Dialog::Export(Export::new(&self.list.sought())),
            Which::Import => Dialog::Incoming(Incoming::new(Kind::Import)),
            Which::Restore => Dialog::Incoming(Incoming::new(Kind::Restore)),
            Which::Repair => Dialog::Incoming(Incoming::repair(last.map(|folder| folder.as_path()))),
            Which::Waiting => Dialog::Waiting(dialog::waiting::Waiting::default()),
            Which::Keys => Dialog::Keys,
            Which::Settings | Which::Log => Dialog::Settings,
        });
        match which {
            Which::AddMailbox => iced::widget::operation::focus(setup::ADDRESS),
            Which::BackUp => iced::widget::operation::focus(dialog::backup::FIELD),
            Which::Import | Which::Restore | Which::Repair => iced::widget::operation::focus(dialog::incoming::FIELD),
            Which::Export | Which::Settings | Which::Waiting | Which::Log | Which::Keys => Task::none(),
        }
    }

    // The list and the reader.

    pub fn list(&mut self, message: list::Message, clock: &Clock) -> Task<Message> {
        let read = matches!(message, list::Message::Loaded(..));
        let action = self.list.update(message, &self.archive, clock);
        if read {
            self.reader.renew_row(|key| self.list.row(key).cloned());
        }
        match action {
            list::Action::Delete(row) => self.delete(&row, clock),
            list::Action::EmptyBin => self.ask_to_empty(),
            list::Action::Mark(picked, mark, on) => self.act(Act::Mark(mark, on), picked, clock),
            list::Action::Bin(picked) => self.delete_picked(picked, clock),
            list::Action::PutBack(picked) => self.act(Act::Bin(false), picked, clock),
            list::Action::Search(query) => self.search(query, clock),
            list::Action::Copy(address) => {
                self.notice = Some(format!("Copied: {address}"));
                iced::clipboard::write(address)
            }
            action => self.listed(action),
        }
    }

    /// What the list wants, done.
    pub(super) fn listed(&mut self, action: list::Action) -> Task<Message> {
        match action {
            list::Action::Run(task) => task.map(Message::List),
            list::Action::Open(row, task) => self.show_message(row.id, task),
            list::Action::OpenById(id, task) => self.show_message(id, task),
            list::Action::Failed(problem) => {
                self.problem = Some(problem);
                Task::none()
            }
            // What is done to messages is done where it is asked for.
            _ => Task::none(),
        }
    }

    pub(super) fn show_message(&mut self, id: MessageId, list: Task<list::Message>) -> Task<Message> {
        let reader = self.reader.show(id, &self.archive).map(Message::Reader);
        Task::batch([list.map(Message::List), reader])
    }

    pub fn reader(&mut self, message: reader::Message, clock: &Clock) -> Task<Message> {
        self.reader.suggest(&message, self.list.found_by());
        match self.reader.update(message, &self.archive, clock) {
            reader::Action::None => Task::none(),
            reader::Action::Run(task) => task.map(Message::Reader),
            reader::Action::Shown(id, page) => {
                self.reader.reveal(self.list.found_by());
                Task::batch([page.map(Message::Reader), self.shown(id)])
            }
            reader::Action::Star(id, starred) => {
                self.remember_one(Act::Mark(Mark::Starred, starred), id);
                self.star(id, starred)
            }
            reader::Action::Delete(row) => self.delete(&row, clock),
            reader::Action::PutBack(row) => self.put_back(&row, clock),
            reader::Action::Unread(id) => {
                self.remember_one(Act::Mark(Mark::Read, false), id);
                self.mark_read(id, false)
            }
            reader::Action::Ask(link) => {
                self.dialog = Some(Dialog::Link(Box::new(dialog::link::Question::new(*link))));
                Task::none()
            }
            reader::Action::Say(said) => {
                self.notice = Some(said);
                Task::none()
            }
            reader::Action::Copy(text, said) => {
                self.notice = Some(said.to_owned());
                iced::clipboard::write(text)
            }
            reader::Action::Step(on) => {
                let to = if on { list::Move::Next } else { list::Move::Previous };
                self.list(list::Message::Move(to, false), clock)
            }
            reader::Action::Back => {
                self.reader.close();
                Task::none()
            }
        }
    }

    pub(super) fn shown(&mut self, id: MessageId) -> Task<Message> {
        let top = iced::widget::operation::snap_to(reader::SCROLL, iced::widget::scrollable::RelativeOffset::START);
        let unread = self.reader.open.as_ref().is_some_and(|open| !open.row.marks.read);
        if unread { Task::batch([top, self.mark_read(id, true)]) } else { top }
    }

    pub(super) fn mark(&mut self, id: MessageId, change: impl Fn(&mut Row)) {
        self.list.mark(id, &change);
        self.reader.update_row(id, change);
    }

    pub(super) fn mark_read(&mut self, id: MessageId, read: bool) -> Task<Message> {
        self.mark(id, |row| row.marks.read = read);
        self.write(move |archive| archive.set_read(&[id], read))
    }

    pub(super) fn star(&mut self, id: MessageId, starred: bool) -> Task<Message> {
        self.mark(id, |row| row.marks.starred = starred);
        self.write(move |archive| archive.set_starred(&[id], starred))
    }
}
