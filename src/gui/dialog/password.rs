//! The password that the worker lacks: asked for, kept in the keyring where that works.

use iced::widget::row;
use iced::{Alignment, Element, Task};
use secrecy::SecretString;

use super::{Action, Intent, Lent};
use crate::account::Account;
use crate::gui::icon::{self, icon};
use crate::gui::off::off;
use crate::gui::setup::{Typed, keep};
use crate::gui::theme::{self, size};
use crate::gui::widget::{act, field, labelled, says, sheet, words};

/// The field of the password.
pub const FIELD: &str = "password";

/// See the module.
pub struct Password {
    pub account: Account,
    value: String,
    /// The keyring is being asked.
    keeping: bool,
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
        Password { account, value: String::new(), keeping: false }
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
                return Action::Want(Intent::Password(self.account.id, password, said));
            }
            Message::Close => return Action::Want(Intent::Close),
        }
        Action::None
    }

    pub fn focus<M: Send + 'static>() -> Task<M> {
        iced::widget::operation::focus(FIELD)
    }

    pub fn view<'a>(&'a self, _lent: Lent<'a>) -> Element<'a, Message> {
        let server = &self.account.server;
        let sentence = format!(
            "Postkeep has no password for {} that {} accepts. Until it does, no mail is fetched; what is here stays here.",
            server.user, server.host
        );
        let value = field("", &self.value)
            .id(FIELD)
            .secure(true)
            .on_input(|value| Message::Value(Typed(value)))
            .on_submit(Message::Use);
        let kept = row![
            icon(icon::LOCK).size(15).style(theme::faint),
            words("Kept in your system’s keyring if it has one, never in a file.", size::SMALL, theme::faint),
        ];
        let kept = kept.spacing(4).align_y(Alignment::Center);
        let ready = (!self.value.is_empty() && !self.keeping).then_some(Message::Use);
        let name = if self.keeping { "Asking the keyring" } else { "Use this password" };
        let buttons = vec![
            act(None, "Not now", theme::quiet, Some(Message::Close)).into(),
            act(None, name, theme::primary, ready).into(),
        ];
        let heading = format!("The password of {}", self.account.address);
        sheet(heading, vec![says(sentence).into(), labelled("Password", value).push(kept).into()], buttons)
    }
}
