//! The first start and the dialogs: opening them, and what they want, done.

use super::{Action, Desk, Message, Page};
use crate::account::{Account, AccountId, Retention};
use crate::archive::{Mail, View};
use crate::fetch::Request;
use crate::gui::dialog::backup::BackUp;
use crate::gui::dialog::{Dialog, Intent, Which};
use crate::gui::off::off;
use crate::gui::retention::{how_long, removes_more};
use crate::gui::setup::Setup;
use crate::gui::{dialog, opener, setup, welcome};
use crate::message::links::Address;
use iced::Task;

impl Desk {
    // The first start.

    pub(super) fn welcome(&mut self, message: welcome::Message) -> Action {
        match message {
            welcome::Message::AddMailbox => {
                self.page = Page::Setup(Box::new(Setup::new()));
                iced::widget::operation::focus(setup::ADDRESS).into()
            }
            welcome::Message::Restore => self.open(Which::Restore).into(),
            welcome::Message::Import => self.open(Which::Import).into(),
            welcome::Message::TrySample => Action::TrySample,
        }
    }

    pub(super) fn setup(&mut self, message: setup::Message) -> Action {
        let Page::Setup(setup) = &mut self.page else { return Action::None };
        match setup.update(message, &self.archive) {
            dialog::Action::None => Action::None,
            dialog::Action::Run(task) => task.map(Message::Setup).into(),
            dialog::Action::Want(Intent::Close) => {
                self.page = Page::Welcome;
                Action::None
            }
            dialog::Action::Want(intent) => self.wanted(intent),
        }
    }

    // The dialogs.

    pub(super) fn dialog(&mut self, message: dialog::Message) -> Action {
        let Some(dialog) = &mut self.dialog else { return Action::None };
        match dialog.update(message, &self.archive) {
            dialog::Action::None => Action::None,
            dialog::Action::Run(task) => task.map(Message::Dialog).into(),
            dialog::Action::Want(intent) => self.wanted(intent),
        }
    }

    /// Esc on a page: from the form back to the choices. Whether there was such a page.
    pub fn leave_page(&mut self) -> bool {
        let left = matches!(self.page, Page::Setup(_));
        if left {
            self.page = Page::Welcome;
        }
        left
    }

    /// Closes the dialog, unless it may not be closed.
    pub fn close_dialog(&mut self) -> Task<Message> {
        if self.dialog.as_ref().is_some_and(|dialog| !dialog.can_be_closed()) {
            return Task::none();
        }
        self.dialog = None;
        self.ended = None;
        self.ask_for_password()
    }

    pub fn wanted(&mut self, intent: Intent) -> Action {
        match intent {
            Intent::Close => self.close_dialog().into(),
            Intent::Start(order) => self.start(order).into(),
            Intent::StopJob => self.stop_job(),
            Intent::Ask(request) => {
                if let Request::Fetch(account) = &request {
                    self.asked.insert(*account);
                }
                self.send(request);
                Action::None
            }
            Intent::Password(account, password, said) => {
                self.asked.insert(account);
                self.send(Request::Password(account, password));
                self.note = said.or(self.note.take());
                self.close_dialog().into()
            }
            Intent::Retain(account, retention) => self.retain_from_now_on(account, retention).into(),
            Intent::BackUpThenRetain(account, retention) => self.back_up_first(account, retention),
            Intent::Propose(account, retention) => self.proposed(account, retention).into(),
            Intent::Changed(account) => self.changed(*account).into(),
            Intent::Erased(said) => self.erased(said).into(),
            Intent::Saved(account, said) => self.saved(*account, said).into(),
            Intent::SavedNotLeaving(account, said) => self.saved_not_leaving(*account, said).into(),
            Intent::ChangeServer(account) => self.change_server(account),
            Intent::Configure(account) => self.configure(account).into(),
            Intent::Removed(account, mail) => self.removed(account, mail).into(),
            Intent::Theme(choice) => Action::Theme(choice),
            Intent::Open(which) => self.open(which).into(),
            Intent::OpenLink(address) => self.open_link(address).into(),
            Intent::Copy(text) => self.copied(text).into(),
            Intent::TrySample => Action::TrySample,
            Intent::Quit => self.stop_everything(),
        }
    }

    fn open_link(&mut self, address: Address) -> Task<Message> {
        let open = off(move || opener::open(&address)).discard();
        Task::batch([self.close_dialog(), open])
    }

    fn copied(&mut self, text: String) -> Task<Message> {
        self.notice = Some("The address was copied.".to_owned());
        Task::batch([self.close_dialog(), iced::clipboard::write(text)])
    }

    /// The user saw what it removes, and said yes.
    pub(super) fn retain_from_now_on(&mut self, account: AccountId, retention: Retention) -> Task<Message> {
        let close = self.close_dialog();
        self.notice = Some(match retention {
            Retention::RemoveOnceStored => "From the next check on, stored mail is removed from the server.".to_owned(),
            other => format!("From the next check on, copies stay on the server {}.", how_long(other)),
        });
        Task::batch([close, self.retain(account, retention)])
    }

    /// Another retention was chosen: what removes more than before is shown first.
    pub(super) fn proposed(&mut self, id: AccountId, retention: Retention) -> Task<Message> {
        let Some(account) = self.library.account(id) else { return Task::none() };
        if removes_more(account.retention, retention, self.library.agreed(id)) {
            return self.ask_about_removal(id, retention);
        }
        let close = self.close_dialog();
        self.notice = Some(format!("Copies stay on the server {}.", how_long(retention)));
        Task::batch([close, self.retain(id, retention)])
    }

    pub(super) fn changed(&mut self, account: Account) -> Task<Message> {
        self.send(Request::Changed(account.id));
        if let Some(known) = self.library.accounts.iter_mut().find(|known| known.id == account.id) {
            *known = account;
        }
        self.renew(false)
    }

    pub(super) fn back_up_first(&mut self, account: AccountId, retention: Retention) -> Action {
        let last = self.library.last_backup.as_ref().map(|(folder, _)| folder);
        self.ended = None;
        self.dialog = Some(Dialog::BackUp(BackUp::new(last, Some((account, retention)))));
        Action::None
    }

    pub(super) fn change_server(&mut self, id: AccountId) -> Action {
        if let Some(account) = self.library.account(id) {
            self.dialog = Some(Dialog::Mailbox(Box::new(Setup::change(account.clone()))));
        }
        Action::None
    }

    pub(super) fn saved(&mut self, account: Account, said: Option<String>) -> Task<Message> {
        self.page = Page::Mailbox;
        let close = self.close_dialog();
        self.note = said.or(self.note.take());
        self.problem = None;
        self.asked.insert(account.id);
        self.send(Request::Changed(account.id));
        self.send(Request::Fetch(account.id));
        Task::batch([close, self.renew(true)])
    }

    /// An account was saved that is to leave no copies: it fetches only after the dry run was answered.
    pub(super) fn saved_not_leaving(&mut self, account: Account, said: Option<String>) -> Task<Message> {
        let id = account.id;
        self.page = Page::Mailbox;
        let close = self.close_dialog();
        self.note = said.or(self.note.take());
        self.problem = None;
        self.library.accounts.retain(|known| known.id != id);
        self.library.accounts.push(account);
        Task::batch([close, self.ask_about_removal(id, Retention::RemoveOnceStored), self.renew(true)])
    }

    pub(super) fn removed(&mut self, account: AccountId, mail: Mail) -> Task<Message> {
        self.send(Request::Cancel(account));
        self.send(Request::Changed(account));
        self.library.fetching.remove(&account);
        self.library.due.remove(&account);
        let close = self.close_dialog();
        let said = match mail {
            Mail::Keep => "The account was removed. Its mail is still here.",
            Mail::Erase => "The account was removed, and its mail erased from this computer.",
        };
        self.notice = Some(said.to_owned());
        self.reader.close();
        self.list.turn_to(View::All);
        Task::batch([close, self.renew(true)])
    }

    pub(super) fn stop_everything(&mut self) -> Action {
        let accounts: Vec<AccountId> = self.library.fetching.keys().copied().collect();
        accounts.into_iter().for_each(|account| self.send(Request::Cancel(account)));
        self.stop_job();
        Action::Quit(Task::none())
    }
}
