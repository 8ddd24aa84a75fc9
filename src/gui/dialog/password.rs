//! The password that the worker lacks: asked for, kept in the keyring where that works.

use iced::{Element, Task};
use secrecy::SecretString;

use super::{Action, Intent, Lent};
use crate::account::{Account, AccountId};
use crate::fetch::Request;
use crate::gui::icon;
use crate::gui::off::off;
use crate::gui::theme;
use crate::gui::widget::{act, field, labelled, says, sheet, tool};
use crate::secrets;

/// The field of the password.
pub const FIELD: &str = "password";

/// See the module.
pub struct Password {
    pub account: Account,
    value: String,
}

#[derive(Clone, Debug)]
pub enum Message {
    Value(String),
    Use,
    Kept(Option<String>),
    Close,
}

/// Keeps a password in the keyring; where that fails, in memory for this run, and a sentence says so. Blocks.
pub fn keep(account: &Account, password: &SecretString) -> Option<String> {
    match secrets::keep(account, password) {
        Ok(()) => None,
        Err(_) => {
            secrets::hold(account, password);
            Some(
                "The system's keyring did not take the password, so Postkeep remembers it only until you close the window."
                    .to_owned(),
            )
        }
    }
}

impl Password {
    pub fn new(account: Account) -> Password {
        Password { account, value: String::new() }
    }

    pub fn update(&mut self, message: Message) -> Action<Message> {
        match message {
            Message::Value(value) => self.value = value,
            Message::Use if self.value.is_empty() => {}
            Message::Use => {
                let (account, password) = (self.account.clone(), SecretString::from(self.value.clone()));
                return Action::Run(off(move || keep(&account, &password)).map(Message::Kept));
            }
            // What the keyring said does not matter more than that the fetch goes on: it is held in memory either way.
            Message::Kept(_) => {
                let password = SecretString::from(std::mem::take(&mut self.value));
                return Action::Want(Intent::Tell(Request::Password(self.account.id, password)));
            }
            Message::Close => return Action::Want(Intent::Close),
        }
        Action::None
    }

    pub fn id(&self) -> AccountId {
        self.account.id
    }

    pub fn focus<M: Send + 'static>() -> Task<M> {
        iced::widget::operation::focus(FIELD)
    }

    pub fn view<'a>(&'a self, _lent: Lent<'a>) -> Element<'a, Message> {
        let sentence = format!(
            "The server {} wants the password of {}. It is kept in your system's keyring, never in a file.",
            self.account.server.host, self.account.server.user
        );
        let value = field("", &self.value).id(FIELD).secure(true).on_input(Message::Value).on_submit(Message::Use);
        let ready = (!self.value.is_empty()).then_some(Message::Use);
        let buttons = vec![
            tool(None, "Not now", Some(Message::Close)).into(),
            act(Some(icon::LOCK), "Use this password", theme::primary, ready).into(),
        ];
        sheet("Password", vec![says(sentence).into(), labelled("Password", value).into()], buttons)
    }
}
