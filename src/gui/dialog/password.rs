//! The password that the worker lacks: asked for, kept in the keyring where that works.

use iced::widget::row;
use iced::{Alignment, Element, Task};
use secrecy::SecretString;

use super::{Action, Intent, Lent};
use crate::account::Account;
use crate::fetch::{Event, FetchError};
use crate::gui::icon::{self, icon};
use crate::gui::off::off;
use crate::gui::setup::{Typed, keep};
use crate::gui::theme::{self, size};
use crate::gui::widget::{act, field, labelled, says, sheet, trouble, words};
use crate::problem::Problem;
use crate::secrets::SecretsError;

/// The field of the password.
pub const FIELD: &str = "password";

/// See the module.
pub struct Password {
    pub account: Account,
    value: String,
    /// The keyring is being asked.
    keeping: bool,
    reason: Option<Reason>,
}

/// Why the password is asked for, where that is known.
enum Reason {
    /// There is nothing here to keep a password in.
    NoKeyring,
    /// It was refused, or the keyring or the command failed.
    Problem(Problem),
}

#[derive(Clone, Debug)]
pub enum Message {
    Value(Typed),
    Use,
    Kept(Option<String>),
    Close,
}

impl Password {
    pub fn new(account: Account) -> Password {
        Password { account, value: String::new(), keeping: false, reason: None }
    }

    pub fn update(&mut self, message: Message) -> Action<Message> {
        match message {
            Message::Value(value) => self.value = value.0,
            Message::Use if self.value.is_empty() || self.keeping => {}
            Message::Use => {
                self.keeping = true;
                let (account, password) = (self.account.clone(), SecretString::from(self.value.clone()));
                return Action::Run(off(move || keep(&account, &password)).map(Message::Kept));
            }
            Message::Kept(said) => {
                let password = SecretString::from(std::mem::take(&mut self.value));
                // That there is no keyring was said already.
                let said = said.filter(|_| !matches!(self.reason, Some(Reason::NoKeyring)));
                return Action::Want(Intent::Password(self.account.id, password, said));
            }
            Message::Close => return Action::Want(Intent::Close),
        }
        Action::None
    }

    /// The visit to the server that wanted the password has ended.
    pub fn hear(&mut self, event: &Event) {
        if let Event::Finished(id, _, Some(error)) = event
            && *id == self.account.id
        {
            self.reason = match error.as_ref() {
                FetchError::NoPassword => None,
                FetchError::Secrets(SecretsError::NoKeyring) => Some(Reason::NoKeyring),
                error => Some(Reason::Problem(Problem::from(error))),
            };
        }
    }

    pub fn focus<M: Send + 'static>() -> Task<M> {
        iced::widget::operation::focus(FIELD)
    }

    pub fn view<'a>(&'a self, _lent: Lent<'a>) -> Element<'a, Message> {
        let why: Element<'a, Message> = match &self.reason {
            Some(Reason::Problem(problem)) => trouble(problem, None),
            Some(Reason::NoKeyring) => says(
                "There is no keyring on this computer to keep the password in, so Postkeep asks for it after each start. \
                 Until then no mail is fetched; what is here stays here.",
            )
            .into(),
            None => says(self.lacking()).into(),
        };
        let value = field("", &self.value)
            .id(FIELD)
            .secure(true)
            .on_input(|value| Message::Value(Typed(value)))
            .on_submit(Message::Use);
        let where_to = match self.reason {
            Some(Reason::NoKeyring) => "Remembered until Postkeep quits, never in a file.",
            _ => "Kept in your system’s keyring if it has one, never in a file.",
        };
        let kept = row![icon(icon::LOCK).size(15).style(theme::faint), words(where_to, size::SMALL, theme::faint),];
        let kept = kept.spacing(4).align_y(Alignment::Center);
        let ready = (!self.value.is_empty() && !self.keeping).then_some(Message::Use);
        let name = if self.keeping { "Asking the keyring" } else { "Use this password" };
        let buttons = vec![
            act(None, "Not now", theme::quiet, Some(Message::Close)).into(),
            act(None, name, theme::primary, ready).into(),
        ];
        let heading = format!("The password of {}", self.account.address);
        sheet(heading, vec![why, labelled("Password", value).push(kept).into()], buttons)
    }

    fn lacking(&self) -> String {
        let server = &self.account.server;
        format!(
            "Postkeep has no password for {} that {} accepts. Until it does, no mail is fetched; what is here stays here.",
            server.user, server.host
        )
    }
}
