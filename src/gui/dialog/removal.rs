//! Before mail is removed from a server: how many messages, how many of them are safe twice, and what to do.

use iced::Element;

use super::{Action, Intent, Lent};
use crate::account::AccountId;
use crate::fetch::{Event, Request, Summary};
use crate::gui::icon;
use crate::gui::theme;
use crate::gui::widget::{TableLine, act, says, sheet, table, tool, trouble};
use crate::gui::words::{count, messages};
use crate::problem::Problem;

/// See the module.
pub struct Removal {
    pub account: AccountId,
    state: State,
}

enum State {
    /// The server is being asked.
    Asking,
    Planned(Summary),
    Failed(Problem),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    KeepLeaving,
    RemoveWithoutBackup,
    BackUpThenRemove,
    AskAgain,
}

impl Removal {
    /// The dialog, and what to ask the worker for it.
    pub fn new(account: AccountId) -> (Removal, Request) {
        (Removal { account, state: State::Asking }, Request::DryRun(account))
    }

    pub fn hear(&mut self, event: &Event) {
        if let Event::Planned(account, answer) = event
            && *account == self.account
        {
            self.state = match answer {
                Ok(summary) => State::Planned(summary.clone()),
                Err(error) => State::Failed(Problem::from(error.as_ref())),
            };
        }
    }

    /// Whether the server's answer is still to come.
    pub fn is_asking(&self) -> bool {
        matches!(self.state, State::Asking)
    }

    pub fn update(&mut self, message: Message) -> Action<Message> {
        match message {
            Message::KeepLeaving => Action::Want(Intent::Close),
            Message::RemoveWithoutBackup => Action::Want(Intent::StopLeaving(self.account)),
            Message::BackUpThenRemove => Action::Want(Intent::BackUpThenStopLeaving(self.account)),
            Message::AskAgain => {
                self.state = State::Asking;
                Action::Want(Intent::Ask(Request::DryRun(self.account)))
            }
        }
    }

    pub fn view<'a>(&'a self, lent: Lent<'a>) -> Element<'a, Message> {
        let name = lent.library.name(self.account);
        match &self.state {
            State::Asking => asking(name),
            State::Planned(summary) if summary.removable == 0 => nothing(name),
            State::Planned(summary) => planned(name, summary),
            State::Failed(problem) => failed(problem),
        }
    }
}

fn keep<'a>() -> Element<'a, Message> {
    tool(None, "Keep leaving copies", Some(Message::KeepLeaving)).into()
}

fn asking<'a>(name: &str) -> Element<'a, Message> {
    let sentence = format!("Asking the server of {name} what is there. Nothing has been removed.");
    sheet("Stop leaving copies on the server?", vec![says(sentence).into()], vec![keep()])
}

fn nothing<'a>(name: &str) -> Element<'a, Message> {
    let sentence = format!(
        "There is nothing to remove for {name} now. From the next check on, mail leaves the server once it is proved to be \
         stored on this computer."
    );
    let go = act(None, "Stop leaving copies", theme::primary, Some(Message::RemoveWithoutBackup));
    sheet("Stop leaving copies on the server?", vec![says(sentence).into()], vec![keep(), go.into()])
}

fn planned<'a>(name: &str, summary: &Summary) -> Element<'a, Message> {
    let all = summary.removable;
    let safe = summary.removable_in_backup.min(all);
    let only_here = all - safe;
    let heading = format!("The next check will remove {} from the server", messages(all));
    let turned = format!("You turned off “Leave a copy on server” for {name}. Nothing has been removed yet.");
    let mut last = TableLine::new("On this computer only, once removed", count(only_here));
    last.flagged = only_here > 0;
    let lines = vec![
        TableLine::new("On this computer, checked byte for byte", count(all)),
        TableLine::new("Also in a verified backup", count(safe)),
        last,
    ];
    let advice = if only_here == 0 {
        "Each of them exists twice without the server.".to_owned()
    } else {
        format!("Back up first, and all {} will exist twice.", count(all))
    };
    let buttons = if only_here == 0 {
        vec![keep(), act(None, "Remove", theme::primary, Some(Message::RemoveWithoutBackup)).into()]
    } else {
        let without = act(None, "Remove without a backup", theme::plain, Some(Message::RemoveWithoutBackup));
        let with = act(Some(icon::ARCHIVE), "Back up, then remove", theme::primary, Some(Message::BackUpThenRemove));
        vec![keep(), without.into(), with.into()]
    };
    sheet(heading, vec![says(turned).into(), table(lines), says(advice).into()], buttons)
}

fn failed(problem: &Problem) -> Element<'_, Message> {
    let again = act(Some(icon::REFRESH_CW), "Ask again", theme::plain, Some(Message::AskAgain));
    let sentence = "The server could not be asked what would be removed, so nothing was changed.";
    let content = vec![says(sentence).into(), trouble(problem, None)];
    sheet("Stop leaving copies on the server?", content, vec![keep(), again.into()])
}
