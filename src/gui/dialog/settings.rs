//! The few settings of the window, and the ways in and out that are seldom needed.

use iced::Element;
use iced::widget::{Row, column, row};

use super::export::segment;
use super::{Action, Intent, Lent, Which};
use crate::account::AccountId;
use crate::gui::icon;
use crate::gui::theme::{self, Choice};
use crate::gui::widget::{act, label, says, sheet};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    Theme(Choice),
    Open(Which),
    Configure(AccountId),
    TrySample,
    Close,
}

pub fn update(message: Message) -> Action<Message> {
    Action::Want(match message {
        Message::Theme(choice) => Intent::Theme(choice),
        Message::Open(which) => Intent::Open(which),
        Message::Configure(account) => Intent::Configure(account),
        Message::TrySample => Intent::TrySample,
        Message::Close => Intent::Close,
    })
}

fn name(choice: Choice) -> &'static str {
    match choice {
        Choice::System => "As the system",
        Choice::Light => "Light",
        Choice::Dark => "Dark",
    }
}

pub fn view(lent: Lent<'_>) -> Element<'_, Message> {
    let themes = Choice::ALL.map(|choice| segment(name(choice), lent.theme == choice, Message::Theme(choice)));
    let looks = column![label("Appearance"), Row::with_children(themes).spacing(6)].spacing(6);
    let open = |glyph, name, which| act(Some(glyph), name, theme::plain, Some(Message::Open(which)));
    let mut content: Vec<Element<'_, Message>> = vec![looks.into()];
    content.extend(accounts(lent));
    if lent.library.sample {
        let words = says("This is the sample mailbox: what you do here is gone when you leave it.");
        content.push(column![label("Mail"), words].spacing(6).into());
    } else {
        let ways = row![
            open(icon::PLUS, "Add a mailbox", Which::AddMailbox),
            open(icon::FOLDER_INPUT, "Import", Which::Import),
            open(icon::HISTORY, "Restore", Which::Restore),
        ];
        content.push(column![label("Mail"), ways.spacing(8)].spacing(6).into());
        let sample = act(Some(icon::FLASK_CONICAL), "Try the sample mailbox", theme::plain, Some(Message::TrySample));
        let words = says("The sample mailbox is separate: your own mail is not touched.");
        content.push(column![label("Look around"), row![sample], words].spacing(6).into());
    }
    content.push(keys());
    sheet("Settings", content, vec![act(None, "Close", theme::primary, Some(Message::Close)).into()])
}

/// A way to the settings of each account.
fn accounts(lent: Lent<'_>) -> Option<Element<'_, Message>> {
    let accounts = lent.library.accounts.iter().map(|account| {
        let name = lent.library.name(account.id);
        act(Some(icon::USER), name, theme::plain, Some(Message::Configure(account.id))).into()
    });
    let accounts: Vec<Element<'_, Message>> = accounts.collect();
    if accounts.is_empty() {
        return None;
    }
    let accounts = Row::with_children(accounts).spacing(8).wrap().vertical_spacing(8);
    let log = act(Some(icon::HISTORY), "What the checks did", theme::plain, Some(Message::Open(Which::Log)));
    let words = says("Password, copies on the server, when to check, and how to remove an account.");
    Some(column![label("Accounts"), accounts, words, row![log]].spacing(6).into())
}

fn keys<'a>() -> Element<'a, Message> {
    let all = act(None, "All keys (?)", theme::plain, Some(Message::Open(Which::Keys)));
    let words = says("Everything can be done by keyboard: J and K go through the list, / searches, ? tells all keys.");
    column![label("Keys"), words, row![all]].spacing(6).into()
}
