//! Adding a mailbox, or changing one: the form, the test of the connection, the saving. The server is asked before
//! anything is saved, unless the user says so.

mod form;
mod view;
mod work;

#[cfg(test)]
pub mod tests;

use std::path::PathBuf;

use iced::{Task, task};

pub use form::{Encryption, Field, Typed};
pub use work::{Refusal, Saved, keep};

use super::dialog::{Action, Intent};
use crate::account::{Account, Security};
use crate::archive::Archive;
use crate::problem::Problem;
use crate::transport::Stat;
use form::Form;
use work::Candidate;

/// The field of the address.
pub const ADDRESS: &str = Field::Address.id();

/// See the module.
pub struct Setup {
    form: Form,
    state: State,
    password_shown: bool,
    more: bool,
    /// The provider's page was opened: its address is shown too, since nobody knows whether a browser came up.
    page_opened: bool,
    address_taken: bool,
    /// Counts the tests: an answer to an older one is dropped.
    generation: u64,
}

/// Where the form stands with the server.
enum State {
    Resting,
    Testing {
        then_save: bool,
        /// Stops the test when it goes.
        _test: task::Handle,
    },
    Connected(Stat),
    /// Another host or user was typed: it is asked whether that is the same mailbox.
    Same,
    Failed(Problem),
    Saving,
}

#[derive(Clone, Debug)]
pub enum Message {
    Written(Field, Typed),
    Encrypted(Encryption),
    ShowPassword,
    More,
    LeaveCopy(bool),
    AgreeToPlain(bool),
    OpenPage(String),
    ChooseCaFile,
    CaFileChosen(Option<PathBuf>),
    Test,
    /// Add or save: tests first.
    Submit,
    SaveAnyway,
    /// The mailbox at the new host or user is the one from before, or another.
    SameMailbox(bool),
    Stop,
    Tested(u64, Result<Stat, Problem>),
    Saved(Box<Result<Saved, Refusal>>),
    TrySample,
    Cancel,
    Ignored,
}

impl Setup {
    /// An empty form; a copy is left on the server unless the user says otherwise.
    pub fn new() -> Setup {
        Setup::with(Form::new())
    }

    /// The form of an account that is there.
    pub fn change(account: Account) -> Setup {
        Setup::with(Form::of(&account))
    }

    fn with(form: Form) -> Setup {
        Setup {
            form,
            state: State::Resting,
            password_shown: false,
            more: false,
            page_opened: false,
            address_taken: false,
            generation: 0,
        }
    }

    pub fn update(&mut self, message: Message, archive: &Archive) -> Action<Message> {
        match message {
            Message::Written(field, text) => self.written(field, text.0),
            Message::Encrypted(choice) => self.encrypted(choice.0),
            Message::ShowPassword => self.set(|form| form.password_shown = !form.password_shown),
            Message::More => self.set(|form| form.more = !form.more),
            Message::LeaveCopy(on) => self.set(|form| form.form.leave_copy = on),
            Message::AgreeToPlain(agreed) => self.set(|form| form.form.plain_agreed = agreed),
            Message::OpenPage(page) => self.open_page(page),
            Message::ChooseCaFile => Action::Run(choose_ca_file()),
            Message::CaFileChosen(file) => self.ca_file_chosen(file),
            Message::Test => self.test(false),
            Message::Submit => self.submit(archive),
            Message::SaveAnyway => self.save(archive),
            Message::SameMailbox(same) => self.save_as(Some(same), archive),
            Message::Stop => self.set(Setup::rest),
            Message::Tested(generation, result) => self.tested(generation, result, archive),
            Message::Saved(result) => self.saved(*result),
            Message::TrySample => Action::Want(Intent::TrySample),
            Message::Cancel => Action::Want(Intent::Close),
            Message::Ignored => Action::None,
        }
    }

    fn set(&mut self, change: impl FnOnce(&mut Setup)) -> Action<Message> {
        change(self);
        Action::None
    }

    /// What was found out about the server holds no more; a test that runs is stopped.
    fn rest(&mut self) {
        self.state = State::Resting;
        self.generation += 1;
    }

    fn written(&mut self, field: Field, text: String) -> Action<Message> {
        if matches!(self.state, State::Saving) {
            return Action::None;
        }
        self.form.write(field, text);
        if field == Field::Address {
            self.address_taken = false;
            self.page_opened = false;
        }
        if field != Field::Name {
            self.rest();
        }
        Action::None
    }

    fn encrypted(&mut self, security: Security) -> Action<Message> {
        if security != self.form.security() && !matches!(self.state, State::Saving) {
            self.form.choose(security);
            self.rest();
        }
        Action::None
    }

    fn open_page(&mut self, page: String) -> Action<Message> {
        self.page_opened = true;
        let opened = async move { tokio::task::spawn_blocking(move || open::that_detached(page)).await };
        Action::Run(Task::perform(opened, |_| Message::Ignored))
    }

    fn ca_file_chosen(&mut self, file: Option<PathBuf>) -> Action<Message> {
        match file {
            Some(file) => self.written(Field::CaFile, file.to_string_lossy().into_owned()),
            None => Action::None,
        }
    }

    fn is_busy(&self) -> bool {
        matches!(self.state, State::Testing { .. } | State::Saving)
    }

    fn test(&mut self, then_save: bool) -> Action<Message> {
        let Some(candidate) = self.candidate() else { return Action::None };
        self.rest();
        let generation = self.generation;
        let test = Task::perform(work::test(candidate), move |result| Message::Tested(generation, result));
        let (test, handle) = test.abortable();
        self.state = State::Testing { then_save, _test: handle.abort_on_drop() };
        Action::Run(test)
    }

    /// The account to test or save; shows the mistakes when there are any.
    fn candidate(&mut self) -> Option<Candidate> {
        if self.is_busy() {
            return None;
        }
        let candidate = work::candidate(&self.form);
        if candidate.is_none() {
            self.form.show_all();
            let of_more = [Field::User, Field::Name, Field::CaFile];
            self.more |= of_more.into_iter().any(|field| self.form.error(field).is_some());
        }
        candidate
    }

    fn submit(&mut self, archive: &Archive) -> Action<Message> {
        match self.state {
            State::Connected(_) => self.save(archive),
            _ => self.test(true),
        }
    }

    fn tested(&mut self, generation: u64, result: Result<Stat, Problem>, archive: &Archive) -> Action<Message> {
        if generation != self.generation {
            return Action::None;
        }
        let save = matches!(self.state, State::Testing { then_save: true, .. });
        self.state = match result {
            Ok(stat) => State::Connected(stat),
            Err(problem) => State::Failed(problem),
        };
        match self.state {
            State::Connected(_) if save => self.save(archive),
            _ => Action::None,
        }
    }

    fn save(&mut self, archive: &Archive) -> Action<Message> {
        self.save_as(None, archive)
    }

    /// Saves, once it is known whether a mailbox with another host or user is the same as before (quirk 50).
    fn save_as(&mut self, same: Option<bool>, archive: &Archive) -> Action<Message> {
        let Some(mut candidate) = self.candidate() else { return Action::None };
        if candidate.is_elsewhere() && same.is_none() {
            self.state = State::Same;
            return Action::None;
        }
        candidate.same = same.unwrap_or_default();
        self.state = State::Saving;
        let archive = archive.clone();
        let saved = async move { tokio::task::spawn_blocking(move || work::save(&archive, candidate)).await };
        Action::Run(Task::perform(saved, |saved| Message::Saved(Box::new(saved.unwrap_or_else(broken)))))
    }

    fn saved(&mut self, result: Result<Saved, Refusal>) -> Action<Message> {
        match result {
            Ok(saved) if saved.stop_leaving => {
                return Action::Want(Intent::SavedNotLeaving(Box::new(saved.account), saved.notice));
            }
            Ok(saved) => return Action::Want(Intent::Saved(Box::new(saved.account), saved.notice)),
            Err(Refusal::AddressTaken) => {
                self.address_taken = true;
                self.rest();
            }
            Err(Refusal::By(problem)) => self.state = State::Failed(problem),
        }
        Action::None
    }
}

/// The thread that saved panicked.
fn broken(_: tokio::task::JoinError) -> Result<Saved, Refusal> {
    Err(Refusal::By(Problem {
        summary: "Postkeep made a mistake while it saved the account.".to_owned(),
        mail: "Your mail is as it was.".to_owned(),
        advice: "Try again; if it happens again, start Postkeep anew.".to_owned(),
    }))
}

/// `None` both when the user changed their mind and when there is nothing to show a dialog with: there is a field too.
fn choose_ca_file() -> Task<Message> {
    let dialog = rfd::AsyncFileDialog::new().set_title("The certificate of your own authority");
    Task::perform(dialog.pick_file(), |file| Message::CaFileChosen(file.map(|file| file.path().to_owned())))
}
