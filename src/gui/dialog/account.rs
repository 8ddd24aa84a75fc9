//! The settings of one account: name and password, how long copies stay on the server, when and what is fetched, what is
//! known of the server, removal.

mod about;
mod copies;
mod fetching;

use iced::widget::{Row, column, row};
use iced::{Element, Task};
use secrecy::SecretString;

use super::export::segment;
use super::{Action, Intent, Lent, choice};
use crate::account::Account;
use crate::archive::{Archive, ArchiveError, Mail};
use crate::gui::icon;
use crate::gui::off::{ask, off};
use crate::gui::setup::{Typed, keep};
use crate::gui::theme::{self, size};
use crate::gui::widget::{Tone, act, field, gap, label, says, sheet, strip, trouble, words};
use crate::gui::words::messages;
use crate::problem::Problem;
use crate::secrets;

/// See the module.
pub struct Settings {
    account: Account,
    page: Page,
    copies: copies::Copies,
    fetching: fetching::Form,
    name: String,
    password: String,
    said: Option<String>,
    removing: Option<Mail>,
    /// Erasing was asked for once: it is asked about a second time.
    sure: bool,
    /// The archive is writing.
    busy: bool,
    problem: Option<Problem>,
}

/// A part of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    Account,
    Copies,
    Fetching,
    Server,
}

impl Page {
    const ALL: [(Page, &str); 4] = [
        (Page::Account, "Account"),
        (Page::Copies, "Copies on the server"),
        (Page::Fetching, "Fetching"),
        (Page::Server, "About the server"),
    ];
}

#[derive(Clone, Debug)]
pub enum Message {
    Page(Page),
    Copies(copies::Message),
    Fetching(fetching::Message),
    /// The account was written with other settings for fetching.
    Fetched(Result<Account, Problem>),
    Name(String),
    KeepName,
    Renamed(Result<Account, Problem>),
    Password(Typed),
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
        Settings {
            page: Page::Account,
            copies: copies::Copies::new(account.retention),
            fetching: fetching::Form::new(account.fetching),
            account,
            name,
            password: String::new(),
            said: None,
            removing: None,
            sure: false,
            busy: false,
            problem: None,
        }
    }

    pub fn update(&mut self, message: Message, archive: &Archive) -> Action<Message> {
        match message {
            Message::Page(page) => self.page = page,
            Message::Copies(message) => return self.change_copies(message),
            Message::Fetching(message) => {
                if let Some(fetching) = self.fetching.update(message) {
                    let change = move |account: &mut Account| account.fetching = fetching;
                    return Action::Run(written(archive, &self.account, change).map(Message::Fetched));
                }
            }
            Message::Fetched(Ok(account)) => {
                self.account = account;
                self.fetching = fetching::Form::new(self.account.fetching);
                self.said = Some("Saved. It holds from now on.".to_owned());
                return Action::Want(Intent::Changed(Box::new(self.account.clone())));
            }
            Message::Name(name) => self.name = name,
            Message::KeepName => return self.rename(archive),
            Message::Renamed(Ok(account)) => return Action::Want(Intent::Saved(Box::new(account), None)),
            Message::Password(password) => self.password = password.0,
            Message::KeepPassword => return self.keep_password(),
            Message::Kept(said) => {
                self.password.clear();
                let said = said.unwrap_or_else(|| "The new password is in your system's keyring.".to_owned());
                self.said = Some(format!("{said} The next check for mail tries it."));
            }
            Message::ChangeServer => return Action::Want(Intent::ChangeServer(self.account.id)),
            Message::Remove => self.removing = Some(Mail::Keep),
            Message::Mail(mail) => self.removing = Some(mail),
            Message::Stay => {
                self.removing = None;
                self.sure = false;
            }
            Message::ReallyRemove if self.removing == Some(Mail::Erase) && !self.sure => self.sure = true,
            Message::ReallyRemove => return self.remove(archive),
            Message::Removed(Ok(())) => {
                let mail = self.removing.unwrap_or(Mail::Keep);
                return Action::Want(Intent::Removed(self.account.id, mail));
            }
            Message::Renamed(Err(problem)) | Message::Removed(Err(problem)) | Message::Fetched(Err(problem)) => {
                self.busy = false;
                self.problem = Some(problem);
            }
            Message::Close => return Action::Want(Intent::Close),
        }
        Action::None
    }

    fn rename(&mut self, archive: &Archive) -> Action<Message> {
        let name = self.name.trim().to_owned();
        Action::Run(written(archive, &self.account, move |account| account.name = name).map(Message::Renamed))
    }

    fn change_copies(&mut self, message: copies::Message) -> Action<Message> {
        match self.copies.update(message) {
            Some(retention) if retention != self.account.retention => {
                Action::Want(Intent::Propose(self.account.id, retention))
            }
            _ => Action::None,
        }
    }

    fn keep_password(&mut self) -> Action<Message> {
        if self.password.is_empty() {
            return Action::None;
        }
        let (account, password) = (self.account.clone(), SecretString::from(self.password.clone()));
        Action::Run(off(move || keep(&account, &password)).map(Message::Kept))
    }

    fn remove(&mut self, archive: &Archive) -> Action<Message> {
        if std::mem::replace(&mut self.busy, true) {
            return Action::None;
        }
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
            Some(Mail::Erase) if self.sure => self.erasing(lent),
            Some(mail) => self.removal(lent, mail),
            None => self.pages(lent),
        }
    }

    fn pages<'a>(&'a self, lent: Lent<'a>) -> Element<'a, Message> {
        let pages = Page::ALL.map(|(page, name)| segment(name, self.page == page, Message::Page(page)));
        let mut content = vec![Row::with_children(pages).spacing(6).wrap().vertical_spacing(6).into()];
        if let Some(problem) = &self.problem {
            content.push(trouble(problem, None));
        }
        if let Some(said) = &self.said {
            content.push(strip(icon::CHECK, Tone::Good, said.as_str(), Vec::new()));
        }
        let before = lent.library.account(self.account.id).map_or(self.account.retention, |account| account.retention);
        let mut buttons: Vec<Element<'a, Message>> = Vec::new();
        match self.page {
            Page::Account => {
                content.extend(self.form());
                let remove = act(Some(icon::TRASH_2), "Remove this account", theme::danger, Some(Message::Remove));
                buttons.extend([remove.into(), gap().into()]);
            }
            Page::Copies => content.push(self.copies.view(before).map(Message::Copies)),
            Page::Fetching => content.push(self.fetching.view().map(Message::Fetching)),
            Page::Server => content.extend(about::view(&self.account, lent)),
        }
        let close = if matches!(self.page, Page::Account | Page::Server) { theme::primary } else { theme::quiet };
        buttons.push(act(None, "Close", close, Some(Message::Close)).into());
        match self.page {
            Page::Copies => buttons.push(self.copies.save(before).map(Message::Copies)),
            Page::Fetching => buttons.push(self.fetching.save().map(Message::Fetching)),
            Page::Account | Page::Server => {}
        }
        sheet(self.account.address.as_str(), content, buttons)
    }

    fn form(&self) -> Vec<Element<'_, Message>> {
        let mut content: Vec<Element<'_, Message>> = Vec::new();
        let changed = self.name.trim() != self.account.name;
        let name = field("What the list shows instead of the address", &self.name)
            .on_input(Message::Name)
            .on_submit(Message::KeepName);
        let keep_name = act(None, "Save name", theme::plain, changed.then_some(Message::KeepName)).height(36);
        content.push(column![label("Name"), row![name, keep_name].spacing(8)].spacing(5).into());
        let password = field("A new password", &self.password)
            .secure(true)
            .on_input(|password| Message::Password(Typed(password)))
            .on_submit(Message::KeepPassword);
        let fresh = (!self.password.is_empty()).then_some(Message::KeepPassword);
        let keep = act(None, "Save password", theme::plain, fresh).height(36);
        content.push(column![label("Password"), row![password, keep].spacing(8)].spacing(5).into());
        let server = &self.account.server;
        let line = format!("{}, port {}, as {}", server.host, server.port, server.user);
        let change = act(Some(icon::SERVER), "Change the server", theme::plain, Some(Message::ChangeServer));
        content.push(column![label("Server"), words(line, size::BODY, theme::dim), row![change]].spacing(5).into());
        content
    }

    fn removal<'a>(&'a self, lent: Lent<'a>, mail: Mail) -> Element<'a, Message> {
        let count = messages(lent.library.count_of(self.account.id));
        let first = "Postkeep stops fetching for this account and forgets its password. Nothing changes on the server.";
        let keep = format!("{count} can be read and searched as before.");
        let erase = format!("{count} are erased from this computer for ever. What is in a backup stays there.");
        let mut content: Vec<Element<'a, Message>> = vec![
            says(first).into(),
            column![
                choice("Keep its mail on this computer", keep, mail == Mail::Keep, Message::Mail(Mail::Keep)),
                choice("Erase its mail here too", erase, mail == Mail::Erase, Message::Mail(Mail::Erase)),
            ]
            .spacing(6)
            .into(),
        ];
        content.extend(self.problem.as_ref().map(|problem| trouble(problem, None)));
        let name = match mail {
            Mail::Keep => "Remove the account",
            Mail::Erase => "Remove and erase",
        };
        let remove = (!self.busy).then_some(Message::ReallyRemove);
        let buttons = vec![
            act(None, "Keep the account", theme::quiet, Some(Message::Stay)).into(),
            act(Some(icon::TRASH_2), name, theme::danger, remove).into(),
        ];
        sheet(format!("Remove {}?", self.account.address), content, buttons)
    }

    /// The second question before mail is erased.
    fn erasing<'a>(&'a self, lent: Lent<'a>) -> Element<'a, Message> {
        let count = messages(lent.library.count_of(self.account.id));
        let sentence =
            "This cannot be undone. Messages that are neither on the server nor in a backup will be gone for ever.";
        let mut content = vec![strip(icon::TRIANGLE_ALERT, Tone::Trouble, sentence, Vec::new())];
        content.extend(self.problem.as_ref().map(|problem| trouble(problem, None)));
        let erase = (!self.busy).then_some(Message::ReallyRemove);
        let buttons = vec![
            act(Some(icon::TRASH_2), "Erase for ever", theme::danger, erase).into(),
            act(None, "Keep the mail", theme::primary, Some(Message::Stay)).into(),
        ];
        sheet(format!("Erase {count} of {}?", self.account.address), content, buttons)
    }
}

/// Changes the account as it stands in the archive now, and answers what it has become.
fn written(
    archive: &Archive,
    account: &Account,
    change: impl FnOnce(&mut Account) + Send + 'static,
) -> Task<Result<Account, Problem>> {
    let (archive, id) = (archive.clone(), account.id);
    ask(move || {
        let accounts = archive.accounts()?;
        let mut account = accounts.into_iter().find(|account| account.id == id).ok_or(ArchiveError::NoSuchAccount)?;
        change(&mut account);
        archive.change_account(&account)?;
        Ok::<_, ArchiveError>(account)
    })
}
