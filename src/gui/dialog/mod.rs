//! The dialogs: one module each, with its own `Message`, `update` and `view`. What a dialog wants of the window it says
//! as an [`Intent`], which the desk alone interprets.

pub mod account;
pub mod backup;
pub mod bin;
pub mod export;
pub mod incoming;
pub mod keys;
pub mod link;
pub mod log;
pub mod password;
pub mod quit;
pub mod removal;
pub mod settings;
#[cfg(test)]
mod tests;
pub mod waiting;

use std::path::PathBuf;

use iced::advanced::widget::{Id, operate, operation};
use iced::widget::{button, column, container, row, scrollable, space};
use iced::{Alignment, Background, Border, Element, Fill, Task, Theme, border};
use secrecy::SecretString;

use super::job::{self, Ended, Running};
use super::library::Library;
use super::setup;
use super::theme::{self, Choice, size};
use super::widget::words;
use super::words::Clock;
use crate::account::{Account, AccountId, Retention};
use crate::archive::{Archive, Mail};
use crate::fetch::{Event, Request};
use crate::message::links::Address;

/// The container of the dialog in front.
const FRAME: &str = "dialog";

/// The dialog that is open.
pub enum Dialog {
    Removal(removal::Removal),
    BackUp(backup::BackUp),
    Export(export::Export),
    Incoming(incoming::Incoming),
    Mailbox(Box<setup::Setup>),
    Account(Box<account::Settings>),
    Bin(bin::Erasing),
    Waiting(waiting::Waiting),
    Log(log::Log),
    Link(Box<link::Question>),
    Keys,
    Password(password::Password),
    Settings,
    Quit(quit::Quit),
}

#[derive(Clone, Debug)]
pub enum Message {
    Removal(removal::Message),
    BackUp(backup::Message),
    Export(export::Message),
    Incoming(incoming::Message),
    Mailbox(setup::Message),
    Account(account::Message),
    Bin(bin::Message),
    Waiting(waiting::Message),
    Log(log::Message),
    Link(link::Message),
    Keys(keys::Message),
    Password(password::Message),
    Settings(settings::Message),
    Quit(quit::Message),
}

/// What a dialog's `update` answers.
pub enum Action<M> {
    None,
    Run(Task<M>),
    Want(Intent),
}

/// What a dialog wants of the window.
#[derive(Clone, Debug)]
pub enum Intent {
    /// Close this dialog and do nothing.
    Close,
    /// Start a job and go on showing the dialog.
    Start(job::Order),
    StopJob,
    /// Ask the worker; the dialog stays.
    Ask(Request),
    /// The password that the worker wanted, and what came of keeping it, in a sentence.
    Password(AccountId, SecretString, Option<String>),
    /// From the next check on, copies of this account stay on the server so long. The user saw what that removes.
    Retain(AccountId, Retention),
    /// Choose a backup folder first, back up, then the same.
    BackUpThenRetain(AccountId, Retention),
    /// The same, chosen in the settings: show what it removes first, where it removes more than before.
    Propose(AccountId, Retention),
    /// An account was added or changed; the sentence says what came of its password.
    Saved(Box<Account>, Option<String>),
    /// The same, and the user wants no copies left on the server. Nothing is removed yet: show the dry run, which asks.
    SavedNotLeaving(Box<Account>, Option<String>),
    ChangeServer(AccountId),
    /// Something about an account was written; stay in the dialog.
    Changed(Box<Account>),
    /// Messages were erased from the bin; said in a sentence when the dialog is done with.
    Erased(Option<String>),
    /// Show the settings of this account.
    Configure(AccountId),
    Removed(AccountId, Mail),
    Theme(Choice),
    Open(Which),
    /// The user saw where it leads.
    OpenLink(Address),
    /// Into the clipboard.
    Copy(String),
    TrySample,
    Quit,
}

/// A dialog to open from another place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    AddMailbox,
    BackUp,
    Export,
    Import,
    Restore,
    Repair,
    Settings,
    /// The messages that wait on their servers.
    Waiting,
    /// The sync log.
    Log,
    Keys,
}

/// What the dialogs see of the window.
#[derive(Clone, Copy)]
pub struct Lent<'a> {
    pub library: &'a Library,
    pub job: Option<&'a Running>,
    /// The job that ended last, while its dialog is open.
    pub ended: Option<&'a Ended>,
    pub clock: &'a Clock,
    pub theme: Choice,
}

impl Dialog {
    pub fn update(&mut self, message: Message, archive: &Archive) -> Action<Message> {
        match (self, message) {
            (Dialog::Removal(dialog), Message::Removal(message)) => dialog.update(message).map(Message::Removal),
            (Dialog::BackUp(dialog), Message::BackUp(message)) => dialog.update(message).map(Message::BackUp),
            (Dialog::Export(dialog), Message::Export(message)) => dialog.update(message).map(Message::Export),
            (Dialog::Incoming(dialog), Message::Incoming(message)) => dialog.update(message).map(Message::Incoming),
            (Dialog::Mailbox(dialog), Message::Mailbox(message)) => {
                dialog.update(message, archive).map(Message::Mailbox)
            }
            (Dialog::Account(dialog), Message::Account(message)) => {
                dialog.update(message, archive).map(Message::Account)
            }
            (Dialog::Bin(dialog), Message::Bin(message)) => dialog.update(message, archive).map(Message::Bin),
            (Dialog::Waiting(dialog), Message::Waiting(message)) => {
                dialog.update(message, archive).map(Message::Waiting)
            }
            (Dialog::Log(dialog), Message::Log(message)) => dialog.update(message).map(Message::Log),
            (Dialog::Link(dialog), Message::Link(message)) => dialog.update(message).map(Message::Link),
            (Dialog::Keys, Message::Keys(message)) => keys::update(message).map(Message::Keys),
            (Dialog::Password(dialog), Message::Password(message)) => dialog.update(message).map(Message::Password),
            (Dialog::Settings, Message::Settings(message)) => settings::update(message).map(Message::Settings),
            (Dialog::Quit(dialog), Message::Quit(message)) => dialog.update(message).map(Message::Quit),
            // A late answer to a dialog that was closed.
            _ => Action::None,
        }
    }

    /// The dialog, which scrolls where the window is too low for it.
    pub fn view<'a>(&'a self, lent: Lent<'a>) -> Element<'a, Message> {
        let shown = match self {
            Dialog::Removal(dialog) => dialog.view(lent).map(Message::Removal),
            Dialog::BackUp(dialog) => dialog.view(lent).map(Message::BackUp),
            Dialog::Export(dialog) => dialog.view(lent).map(Message::Export),
            Dialog::Incoming(dialog) => dialog.view(lent).map(Message::Incoming),
            Dialog::Mailbox(dialog) => dialog.view(false).map(Message::Mailbox),
            Dialog::Account(dialog) => dialog.view(lent).map(Message::Account),
            Dialog::Bin(dialog) => dialog.view(lent).map(Message::Bin),
            Dialog::Waiting(dialog) => dialog.view(lent).map(Message::Waiting),
            Dialog::Log(dialog) => dialog.view(lent).map(Message::Log),
            Dialog::Link(dialog) => dialog.view().map(Message::Link),
            Dialog::Keys => keys::view().map(Message::Keys),
            Dialog::Password(dialog) => dialog.view(lent).map(Message::Password),
            Dialog::Settings => settings::view(lent).map(Message::Settings),
            Dialog::Quit(dialog) => dialog.view(lent).map(Message::Quit),
        };
        let scrolled = scrollable(container(shown).center_x(Fill)).style(theme::scroll);
        container(scrolled).id(FRAME).into()
    }

    /// Whether Escape closes it.
    pub fn can_be_closed(&self) -> bool {
        !matches!(self, Dialog::Quit(quit) if quit.leaving)
    }

    /// Lets a dialog that waits for the worker see what it said.
    pub fn hear(&mut self, event: &Event) {
        match self {
            Dialog::Removal(dialog) => dialog.hear(event),
            Dialog::Password(dialog) => dialog.hear(event),
            _ => {}
        }
    }
}

impl<M: Send + 'static> Action<M> {
    pub fn map<N: Send + 'static>(self, wrap: impl Fn(M) -> N + Clone + Send + 'static) -> Action<N> {
        match self {
            Action::None => Action::None,
            Action::Run(task) => Action::Run(task.map(wrap)),
            Action::Want(intent) => Action::Want(intent),
        }
    }
}

/// Moves the focus to the next field of the dialog in front, or the one before; never to what lies behind it.
pub fn focus<M: Send + 'static>(back: bool) -> Task<M> {
    let frame = Id::new(FRAME);
    if back {
        operate(operation::scope(frame, operation::focusable::focus_previous()))
    } else {
        operate(operation::scope(frame, operation::focusable::focus_next()))
    }
}

/// One of several choices below each other: its name and what it means.
fn choice<'a, M: Clone + 'a>(name: &'a str, meaning: String, chosen: bool, message: M) -> Element<'a, M> {
    let says = column![words(name, size::BODY, theme::ink).font(theme::BOLD), words(meaning, size::SMALL, theme::dim)];
    let dot = container(space()).width(8).height(8).style(move |theme| dot(theme, chosen));
    let mark = container(dot).center(16).style(move |theme| ring(theme, chosen));
    button(row![mark, says.width(Fill)].spacing(12).align_y(Alignment::Center))
        .padding([7, 12])
        .width(Fill)
        .style(theme::segment(chosen))
        .on_press(message)
        .into()
}

fn ring(theme: &Theme, chosen: bool) -> container::Style {
    let tokens = theme::tokens(theme);
    let color = if chosen { tokens.accent } else { tokens.faint };
    container::Style { border: Border { color, width: 1.5, radius: 8.0.into() }, ..container::Style::default() }
}

fn dot(theme: &Theme, chosen: bool) -> container::Style {
    let fill = chosen.then_some(Background::Color(theme::tokens(theme).accent));
    container::Style { background: fill, border: border::rounded(4), ..container::Style::default() }
}

/// Asks for a folder with the platform's dialog. `None` for "cancelled" and for "no such dialog here" alike, which is
/// why every place that asks has a field for the path as well.
pub fn pick_folder<M: Send + 'static>(title: &str, chosen: fn(Option<PathBuf>) -> M) -> Task<M> {
    let dialog = rfd::AsyncFileDialog::new().set_title(title).pick_folder();
    Task::perform(dialog, move |folder| chosen(folder.map(|folder| folder.path().to_owned())))
}

/// Puts a chosen folder into the field with this id. Where none came the field takes the focus: there may be no dialog
/// on this system, and then it is the only way.
fn chosen<M: Send + 'static>(folder: Option<PathBuf>, value: &mut String, field: &'static str) -> Action<M> {
    match folder {
        Some(folder) => *value = folder.display().to_string(),
        None => return Action::Run(iced::widget::operation::focus(field)),
    }
    Action::None
}

/// A path as it was typed: `~` is the home folder.
pub fn typed(path: &str) -> PathBuf {
    let path = path.trim();
    match (path.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}
