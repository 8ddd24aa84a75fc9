//! Before mail is removed from a server: how many messages, how many of them are safe twice, and what to do.

use iced::widget::row;
use iced::{Alignment, Element, Fill};

use super::{Action, Intent, Lent};
use crate::account::{AccountId, Retention};
use crate::fetch::{Event, Request, Summary};
use crate::gui::icon::{self, icon};
use crate::gui::theme;
use crate::gui::widget::{TableLine, act, says, sheet, table, trouble};
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
        (Removal { account, state: State::Asking }, Request::DryRun(account, Retention::RemoveOnceStored))
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
                Action::Want(Intent::Ask(Request::DryRun(self.account, Retention::RemoveOnceStored)))
            }
        }
    }

    pub fn view<'a>(&'a self, lent: Lent<'a>) -> Element<'a, Message> {
        let name = lent.library.name(self.account);
        match &self.state {
            State::Asking => asking(name),
            State::Planned(summary) if summary.removable == 0 => nothing(name, summary),
            State::Planned(summary) => planned(name, summary),
            State::Failed(problem) => failed(name, problem),
        }
    }
}

fn keep<'a>() -> Element<'a, Message> {
    act(None, "Keep leaving copies", theme::quiet, Some(Message::KeepLeaving)).into()
}

fn turned_off(name: &str) -> String {
    format!("You turned off “Leave a copy on server” for {name}. Nothing has been removed yet.")
}

fn asking<'a>(name: &str) -> Element<'a, Message> {
    let line = row![icon(icon::REFRESH_CW).style(theme::dim), says("Asking the server what is there.").width(Fill)];
    let line = line.spacing(8).align_y(Alignment::Center);
    let content = vec![says(turned_off(name)).into(), line.into()];
    sheet("Stop leaving copies on the server?", content, vec![keep()])
}

/// What happens to mail that is not here yet.
fn to_come(summary: &Summary) -> Option<String> {
    (summary.new_removable > 0).then(|| {
        format!(
            "{} not fetched yet will be stored here first, read back and compared, and then removed too.",
            messages(summary.new_removable)
        )
    })
}

fn nothing<'a>(name: &str, summary: &Summary) -> Element<'a, Message> {
    let mut content = vec![says(turned_off(name)).into()];
    content.push(match to_come(summary) {
        Some(sentence) => says(sentence).into(),
        None => says(
            "There is nothing to remove now. From the next check on, mail leaves the server once it is stored on this \
             computer, read back and compared.",
        )
        .into(),
    });
    let heading = match summary.new_removable {
        0 => "Stop leaving copies on the server?".to_owned(),
        new => format!("The next check will fetch {} and remove them", messages(new)),
    };
    let go = act(None, "Stop leaving copies", theme::primary, Some(Message::RemoveWithoutBackup));
    sheet(heading, content, vec![keep(), go.into()])
}

fn planned<'a>(name: &str, summary: &Summary) -> Element<'a, Message> {
    let all = summary.removable;
    let safe = summary.removable_in_backup.min(all);
    let only_here = all - safe;
    let heading = format!("The next check will remove {} from the server", messages(all));
    let mut last = TableLine::new("On this computer only, once removed", count(only_here));
    last.flagged = only_here > 0;
    let lines = vec![
        TableLine::new("On this computer, checked byte for byte", count(all)),
        TableLine::new("Also in a verified backup", count(safe)),
        last,
    ];
    let advice = match (only_here, all) {
        (0, _) => "Each of them exists twice without the server.".to_owned(),
        (_, 1) => "Back up first, and it will exist twice.".to_owned(),
        _ => format!("Back up first, and all {} will exist twice.", count(all)),
    };
    let mut content = vec![says(turned_off(name)).into(), table(lines), says(advice).into()];
    content.extend(to_come(summary).map(|sentence| says(sentence).into()));
    let buttons = if only_here == 0 {
        vec![keep(), act(None, "Remove from the server", theme::primary, Some(Message::RemoveWithoutBackup)).into()]
    } else {
        let without = act(None, "Remove without a backup", theme::plain, Some(Message::RemoveWithoutBackup));
        let with = act(Some(icon::ARCHIVE), "Back up, then remove", theme::primary, Some(Message::BackUpThenRemove));
        vec![keep(), without.into(), with.into()]
    };
    sheet(heading, content, buttons)
}

fn failed<'a>(name: &str, problem: &'a Problem) -> Element<'a, Message> {
    let again = act(Some(icon::REFRESH_CW), "Ask again", theme::plain, Some(Message::AskAgain));
    let sentence = format!("{} The server could not be asked what would be.", turned_off(name));
    let content = vec![says(sentence).into(), trouble(problem, None)];
    sheet("Stop leaving copies on the server?", content, vec![keep(), again.into()])
}
