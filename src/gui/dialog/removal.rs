//! Before mail is removed from a server: how many messages, how many of them are safe twice, and what to do.

use iced::widget::row;
use iced::{Alignment, Element, Fill};

use super::{Action, Intent, Lent};
use crate::account::{AccountId, Retention};
use crate::archive::Withheld;
use crate::fetch::{Event, Request, Summary};
use crate::gui::icon::{self, icon};
use crate::gui::retention::how_long;
use crate::gui::theme;
use crate::gui::widget::{TableLine, Tone, act, says, sheet, strip, table, trouble};
use crate::gui::words::{count, messages};
use crate::problem::Problem;

/// See the module.
pub struct Removal {
    pub account: AccountId,
    /// How long copies are to stay on the server, if the user says yes.
    pub proposed: Retention,
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
    /// Leave everything as it is.
    Keep,
    Remove,
    BackUpThenRemove,
    AskAgain,
}

/// What the words of the dialog depend on.
#[derive(Clone, Copy)]
struct Case<'a> {
    name: &'a str,
    before: Retention,
    proposed: Retention,
}

impl Removal {
    /// The dialog, and what to ask the worker for it.
    pub fn new(account: AccountId, proposed: Retention) -> (Removal, Request) {
        (Removal { account, proposed, state: State::Asking }, Request::DryRun(account, proposed))
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
        Action::Want(match message {
            Message::Keep => Intent::Close,
            Message::Remove => Intent::Retain(self.account, self.proposed),
            Message::BackUpThenRemove => Intent::BackUpThenRetain(self.account, self.proposed),
            Message::AskAgain => {
                self.state = State::Asking;
                Intent::Ask(Request::DryRun(self.account, self.proposed))
            }
        })
    }

    pub fn view<'a>(&'a self, lent: Lent<'a>) -> Element<'a, Message> {
        let before = lent.library.account(self.account).map(|account| account.retention).unwrap_or_default();
        let case = Case { name: lent.library.name(self.account), before, proposed: self.proposed };
        match &self.state {
            State::Asking => case.asking(),
            State::Planned(summary) if summary.removable == 0 => case.nothing(summary),
            State::Planned(summary) => case.planned(summary),
            State::Failed(problem) => case.failed(problem),
        }
    }
}

impl<'a> Case<'a> {
    /// The account has this retention already, and nobody agreed to it on this computer.
    fn is_new_here(self) -> bool {
        self.before == self.proposed
    }

    fn keep(self) -> Element<'a, Message> {
        let name = match self.before {
            _ if self.is_new_here() => "Not now",
            Retention::LeaveCopy => "Keep leaving copies",
            _ => "Change nothing",
        };
        act(None, name, theme::quiet, Some(Message::Keep)).into()
    }

    fn question(self) -> &'static str {
        match self.proposed {
            _ if self.is_new_here() => "Remove mail from this mailbox?",
            Retention::RemoveOnceStored => "Stop leaving copies on the server?",
            _ => "Remove older copies from the server?",
        }
    }

    /// What the user did.
    fn lead(self) -> String {
        let Case { name, before, proposed } = self;
        let what = match (before, proposed) {
            _ if self.is_new_here() => format!(
                "Postkeep is new to the mailbox of {name} on this computer. Copies are to stay there {}.",
                how_long(proposed)
            ),
            (Retention::LeaveCopy, Retention::RemoveOnceStored) => {
                format!("You turned off “Leave a copy on server” for {name}.")
            }
            _ => format!("Copies of {name} are to stay on the server {}.", how_long(proposed)),
        };
        format!("{what} Nothing has been removed yet.")
    }

    fn asking(self) -> Element<'a, Message> {
        let line = row![icon(icon::REFRESH_CW).style(theme::dim), says("Asking the server what is there.").width(Fill)];
        let line = line.spacing(8).align_y(Alignment::Center);
        sheet(self.question(), vec![says(self.lead()).into(), line.into()], vec![self.keep()])
    }

    /// What happens to mail that is not here yet.
    fn to_come(self, summary: &Summary) -> Option<String> {
        (summary.new_removable > 0).then(|| {
            format!(
                "{} not fetched yet will be stored here first, read back and compared, and then removed too.",
                messages(summary.new_removable)
            )
        })
    }

    fn nothing(self, summary: &Summary) -> Element<'a, Message> {
        let mut content = vec![says(self.lead()).into()];
        content.extend(withheld(summary));
        content.push(match self.to_come(summary) {
            Some(sentence) => says(sentence).into(),
            None => says(self.then_on()).into(),
        });
        let left = left(summary);
        if !left.is_empty() {
            content.push(table(left));
        }
        let heading = match summary.new_removable {
            0 => self.question().to_owned(),
            new => format!("The next check will fetch {} and remove them", messages(new)),
        };
        let go = match self.proposed {
            _ if self.is_new_here() => "Agree",
            Retention::RemoveOnceStored => "Stop leaving copies",
            _ => "Remove when it is time",
        };
        sheet(heading, content, vec![self.keep(), act(None, go, theme::primary, Some(Message::Remove)).into()])
    }

    fn then_on(self) -> String {
        match self.proposed {
            Retention::RemoveOnceStored => "There is nothing to remove now. From the next check on, mail leaves the \
                                            server once it is stored on this computer, read back and compared."
                .to_owned(),
            _ => "There is nothing to remove now. What leaves the server later is read back here and compared first."
                .to_owned(),
        }
    }

    fn planned(self, summary: &Summary) -> Element<'a, Message> {
        let all = summary.removable;
        let safe = summary.removable_in_backup.min(all);
        let only_here = all - safe;
        let withheld = withheld(summary);
        let heading = match withheld {
            None => format!("The next check will remove {} from the server", messages(all)),
            Some(_) => format!("{} would be removed from the server", messages(all)),
        };
        let mut only = TableLine::new("On this computer only, once removed", count(only_here));
        only.flagged = only_here > 0;
        let mut lines = vec![
            TableLine::new("On this computer, checked byte for byte", count(all)),
            TableLine::new("Also in a verified backup", count(safe)),
            only,
        ];
        lines.extend(left(summary));
        let advice = match (only_here, all) {
            (0, _) => "Each of them exists twice without the server.".to_owned(),
            (_, 1) => "Back up first, and it will exist twice.".to_owned(),
            _ => format!("Back up first, and all {} will exist twice.", count(all)),
        };
        let mut content = vec![says(self.lead()).into()];
        content.extend(withheld);
        content.extend([table(lines), says(advice).into()]);
        content.extend(self.to_come(summary).map(|sentence| says(sentence).into()));
        let buttons = if only_here == 0 {
            vec![self.keep(), act(None, "Remove from the server", theme::primary, Some(Message::Remove)).into()]
        } else {
            let without = act(None, "Remove without a backup", theme::plain, Some(Message::Remove));
            let with =
                act(Some(icon::ARCHIVE), "Back up, then remove", theme::primary, Some(Message::BackUpThenRemove));
            vec![self.keep(), without.into(), with.into()]
        };
        sheet(heading, content, buttons)
    }

    fn failed(self, problem: &'a Problem) -> Element<'a, Message> {
        let again = act(Some(icon::REFRESH_CW), "Ask again", theme::plain, Some(Message::AskAgain));
        let sentence = format!("{} The server could not be asked what would be.", self.lead());
        let content = vec![says(sentence).into(), trouble(problem, None)];
        sheet(self.question(), content, vec![self.keep(), again.into()])
    }
}

/// Why the next check removes nothing all the same. That the user has not agreed yet is what the dialog asks about.
fn withheld<'a>(summary: &Summary) -> Option<Element<'a, Message>> {
    let why = match summary.withheld? {
        Withheld::NewHere => return None,
        Withheld::Renumbered => {
            "The server has numbered its messages anew. The next check removes nothing; it finds out what is what first."
        }
        Withheld::Clock => {
            "This computer's clock went back, or on by more than two days. The next check removes nothing, in case the \
             clock is wrong."
        }
        Withheld::RecentMode => {
            "The user name begins with “recent:”, which shows the last 30 days only. Nothing is removed from such a \
             mailbox."
        }
    };
    Some(strip(icon::INFO, Tone::Note, why, Vec::new()))
}

/// What else the server has, where there is any.
fn left<'a>(summary: &Summary) -> Vec<TableLine<'a>> {
    [
        ("Go because you deleted them here", summary.deleted_here),
        ("Fetched once more first, to compare the bytes", summary.looked_at_again),
        ("Known here under other numbers, not fetched again", summary.recognised),
        ("Wait on the server, not fetched yet: they stay", summary.waiting),
        ("Too large to fetch: they stay", summary.too_large),
        ("The server did not give them: they stay", summary.refused),
        ("Came back after their removal: left alone", summary.returned),
    ]
    .into_iter()
    .filter(|(_, number)| *number > 0)
    .map(|(name, number)| TableLine::new(name, count(number)))
    .collect()
}
