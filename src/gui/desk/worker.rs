//! What the worker tells, and what is made of it.

use super::{Action, Desk, Message, Page};
use crate::account::AccountId;
use crate::archive::SessionOutcome;
use crate::fetch::{Ended, Event, FetchError, Request};
use crate::gui::dialog::Dialog;
use crate::gui::dialog::password::Password;
use crate::gui::words::{counted, messages};
use crate::job::{Cancelled, Progress};
use crate::problem::Problem;
use futures::channel::mpsc;
use iced::Task;

impl Desk {
    // The worker.

    pub(super) fn heard(&mut self, event: Event) -> Task<Message> {
        if let Some(dialog) = &mut self.dialog {
            dialog.hear(&event);
        }
        match event {
            Event::Ready(sender) => self.ready(sender),
            Event::Started(account) => self.started(account),
            Event::Progress(account, progress) => {
                self.library.fetching.insert(account, progress);
                Task::none()
            }
            Event::Arrived(..) => self.renew(true),
            Event::PasswordWanted(account) => self.password_wanted(account),
            Event::Planned(account, _) => {
                self.library.fetching.remove(&account);
                Task::none()
            }
            Event::Due(account, due) => {
                match due {
                    Some(due) => self.library.due.insert(account, due),
                    None => self.library.due.remove(&account),
                };
                Task::none()
            }
            Event::Finished(account, outcome, error) => self.finished(account, &outcome, error.as_deref()),
        }
    }

    pub(super) fn ready(&mut self, sender: mpsc::UnboundedSender<Request>) -> Task<Message> {
        // It visits at its start by itself.
        self.worker = Some(sender);
        Task::none()
    }

    pub(super) fn started(&mut self, account: AccountId) -> Task<Message> {
        self.notice = None;
        if self.problem_of == Some(account) {
            // This visit will say whether it still holds.
            self.problem_of = None;
            self.problem = None;
        }
        self.library.fetching.insert(account, Progress::default());
        Task::none()
    }

    pub(super) fn finished(
        &mut self,
        account: AccountId,
        outcome: &SessionOutcome,
        error: Option<&FetchError>,
    ) -> Task<Message> {
        self.library.fetching.remove(&account);
        let asked = self.asked.remove(&account);
        match error {
            None if !asked && outcome.retrieved + outcome.deleted + outcome.failed == 0 => {}
            None => self.notice = Some(format!("{}: {}", self.library.name(account), came(outcome))),
            Some(FetchError::Cancelled(_)) => self.notice = Some(Problem::from(&Cancelled).to_string()),
            // It is asked for, and there it is said why.
            Some(FetchError::NoPassword) => {}
            Some(_) if self.is_asking_for_password(account) => {}
            // A strip says so for as long as it holds, and leads to the password.
            Some(FetchError::RefusedBefore) => {}
            Some(error @ FetchError::TooSoon { .. }) if asked => {
                self.notice = Some(format!("{}: {}", self.library.name(account), Problem::from(error).summary));
            }
            // Nobody asked, it is tried again by itself, and the foot says when: no reason to shout.
            Some(error) if !asked && passes(error) => {}
            Some(error) => {
                let Problem { summary, mail, advice } = Problem::from(error);
                let summary = format!("{}: {summary}", self.library.name(account));
                self.problem = Some(Problem { summary, mail, advice });
                self.problem_of = Some(account);
            }
        }
        // A dry run asked for while the fetch ran was not heard.
        let waiting = matches!(&self.dialog, Some(Dialog::Removal(dry)) if dry.account == account && dry.is_asking());
        let again = if waiting { later(Message::DryRun(account)) } else { Task::none() };
        Task::batch([again, self.renew(true)])
    }

    pub(super) fn dry_run(&mut self, account: AccountId) -> Action {
        if let Some(Dialog::Removal(removal)) = &self.dialog
            && removal.account == account
        {
            self.send(Request::DryRun(account, removal.proposed));
        }
        Action::None
    }

    pub(super) fn password_wanted(&mut self, account: AccountId) -> Task<Message> {
        self.library.fetching.remove(&account);
        if !self.wanted.contains(&account) {
            self.wanted.push_back(account);
        }
        self.ask_for_password()
    }

    fn is_asking_for_password(&self, account: AccountId) -> bool {
        matches!(&self.dialog, Some(Dialog::Password(password)) if password.account.id == account)
    }

    /// Opens the dialog for the next password that is wanted, unless another dialog is open.
    pub(super) fn ask_for_password(&mut self) -> Task<Message> {
        if self.dialog.is_some() || !matches!(self.page, Page::Mailbox) {
            return Task::none();
        }
        while let Some(id) = self.wanted.pop_front() {
            if let Some(account) = self.library.account(id) {
                self.dialog = Some(Dialog::Password(Password::new(account.clone())));
                return Password::focus();
            }
        }
        Task::none()
    }
}

/// Whether it may be another thing at the next check, without anybody having done anything.
fn passes(error: &FetchError) -> bool {
    matches!(Ended::of(Some(error)), Ended::Network | Ended::InUse | Ended::TooSoon(_))
}

/// What a visit to the server came to.
fn came(outcome: &SessionOutcome) -> String {
    let mut sentence = match outcome.retrieved {
        0 => "nothing new.".to_owned(),
        new => format!("{}.", counted(new, "new message", "new messages")),
    };
    if outcome.deleted > 0 {
        sentence.push_str(&format!(" {} removed from the server, each proved to be here.", messages(outcome.deleted)));
    }
    if outcome.failed > 0 {
        sentence.push_str(&format!(" {} could not be fetched and stay on the server.", messages(outcome.failed)));
    }
    sentence
}

/// The message, a moment from now.
fn later(message: Message) -> Task<Message> {
    Task::future(async move {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        message
    })
}
