//! The settings of one account: password, server, removal.

use iced::Element;
use iced::widget::{column, row};
use secrecy::SecretString;

use super::export::segment;
use super::{Action, Intent, Lent};
use crate::account::Account;
use crate::archive::{Archive, ArchiveError, Mail};
use crate::gui::icon;
use crate::gui::off::{ask, off};
use crate::gui::setup::keep;
use crate::gui::theme::{self, size};
use crate::gui::widget::{Tone, act, field, label, says, sheet, strip, tool, trouble, words};
use crate::gui::words::messages;
use crate::problem::Problem;
use crate::secrets;

/// See the module.
pub struct Settings {
    account: Account,
    name: String,
    password: String,
    said: Option<String>,
    removing: Option<Mail>,
    problem: Option<Problem>,
}

#[derive(Clone, Debug)]
pub enum Message {
    Name(String),
    KeepName,
    Renamed(Result<(), Problem>),
    Password(String),
    KeepPassword,
    Kept(Option<String>),
    ChangeServer,
    /// Ask about removal.
    Remove,
    Mail(Mail),
    Stay,
    ReallyRemove,
    Removed(Result<(), Problem>),
    Close,
}

impl Settings {
    pub fn new(account: Account) -> Settings {
        let name = account.name.clone();
        Settings { account, name, password: String::new(), said: None, removing: None, problem: None }
    }

    pub fn update(&mut self, message: Message, archive: &Archive) -> Action<Message> {
        match message {
            Message::Name(name) => self.name = name,
            Message::KeepName => return self.rename(archive),
            Message::Renamed(Ok(())) => return Action::Want(Intent::Saved(Box::new(self.account.clone()), None)),
            Message::Password(password) => self.password = password,
            Message::KeepPassword => return self.keep_password(),
            Message::Kept(said) => {
                self.password.clear();
                self.said = Some(said.unwrap_or_else(|| "The new password is in your system's keyring.".to_owned()));
            }
            Message::ChangeServer => return Action::Want(Intent::ChangeServer(self.account.id)),
            Message::Remove => self.removing = Some(Mail::Keep),
            Message::Mail(mail) => self.removing = Some(mail),
            Message::Stay => self.removing = None,
            Message::ReallyRemove => return self.remove(archive),
            Message::Removed(Ok(())) => {
                let mail = self.removing.unwrap_or(Mail::Keep);
                return Action::Want(Intent::Removed(self.account.id, mail));
            }
            Message::Renamed(Err(problem)) | Message::Removed(Err(problem)) => self.problem = Some(problem),
            Message::Close => return Action::Want(Intent::Close),
        }
        Action::None
    }

    fn rename(&mut self, archive: &Archive) -> Action<Message> {
        self.account.name = self.name.trim().to_owned();
        let (archive, account) = (archive.clone(), self.account.clone());
        Action::Run(ask(move || archive.change_account(&account)).map(Message::Renamed))
    }

    fn keep_password(&mut self) -> Action<Message> {
        if self.password.is_empty() {
            return Action::None;
        }
        let (account, password) = (self.account.clone(), SecretString::from(self.password.clone()));
        Action::Run(off(move || keep(&account, &password)).map(Message::Kept))
    }

    fn remove(&mut self, archive: &Archive) -> Action<Message> {
        let (archive, account) = (archive.clone(), self.account.clone());
        let mail = self.removing.unwrap_or(Mail::Keep);
        let work = move || {
            archive.remove_account(account.id, mail)?;
            secrets::release(&account);
            // A keyring that does not answer keeps a password of an account that is gone; the account is gone all the same.
            let _ = secrets::forget(&account);
            Ok::<(), ArchiveError>(())
        };
        Action::Run(ask(work).map(Message::Removed))
    }

    pub fn view<'a>(&'a self, lent: Lent<'a>) -> Element<'a, Message> {
        match self.removing {
            Some(mail) => self.removal(lent, mail),
            None => self.form(),
        }
    }

    fn form(&self) -> Element<'_, Message> {
        let mut content: Vec<Element<'_, Message>> = Vec::new();
        if let Some(problem) = &self.problem {
            content.push(trouble(problem, None));
        }
        if let Some(said) = &self.said {
            content.push(strip(icon::CHECK, Tone::Good, said.as_str(), Vec::new()));
        }
        let changed = self.name.trim() != self.account.name;
        let name = field("What the list shows instead of the address", &self.name)
            .on_input(Message::Name)
            .on_submit(Message::KeepName);
        let keep_name = act(None, "Keep", theme::plain, changed.then_some(Message::KeepName)).height(36);
        content.push(column![label("Name"), row![name, keep_name].spacing(8)].spacing(5).into());
        let password = field("A new password", &self.password)
            .secure(true)
            .on_input(Message::Password)
            .on_submit(Message::KeepPassword);
        let fresh = (!self.password.is_empty()).then_some(Message::KeepPassword);
        let keep = act(None, "Keep", theme::plain, fresh).height(36);
        content.push(column![label("Password"), row![password, keep].spacing(8)].spacing(5).into());
        let server = &self.account.server;
        let line = format!("{}, port {}, as {}", server.host, server.port, server.user);
        let change = act(Some(icon::SERVER), "Change the server", theme::plain, Some(Message::ChangeServer));
        content.push(column![label("Server"), words(line, size::BODY, theme::dim), row![change]].spacing(5).into());
        let remove = act(Some(icon::TRASH_2), "Remove this account", theme::danger, Some(Message::Remove));
        let buttons = vec![remove.into(), act(None, "Close", theme::primary, Some(Message::Close)).into()];
        sheet(self.account.address.as_str(), content, buttons)
    }

    fn removal<'a>(&'a self, lent: Lent<'a>, mail: Mail) -> Element<'a, Message> {
        let count = messages(lent.library.count_of(self.account.id));
        let keep = segment("Keep its mail here", mail == Mail::Keep, Message::Mail(Mail::Keep));
        let erase = segment("Erase its mail", mail == Mail::Erase, Message::Mail(Mail::Erase));
        let meaning = match mail {
            Mail::Keep => format!("{count} stay on this computer and can be read and searched as before."),
            Mail::Erase => {
                format!("{count} are erased from this computer for ever. What is in a backup stays there.")
            }
        };
        let first = "Postkeep stops fetching for this account and forgets its password. Nothing changes on the server.";
        let mut content: Vec<Element<'a, Message>> = vec![says(first).into(), row![keep, erase].spacing(6).into()];
        let tone = if mail == Mail::Erase { Tone::Trouble } else { Tone::Note };
        content.push(strip(icon::INFO, tone, meaning, Vec::new()));
        if let Some(problem) = &self.problem {
            content.push(trouble(problem, None));
        }
        let name = match mail {
            Mail::Keep => "Remove the account",
            Mail::Erase => "Remove the account and erase its mail",
        };
        let buttons = vec![
            tool(None, "Keep the account", Some(Message::Stay)).into(),
            act(Some(icon::TRASH_2), name, theme::danger, Some(Message::ReallyRemove)).into(),
        ];
        sheet(format!("Remove {}?", self.account.address), content, buttons)
    }
}
