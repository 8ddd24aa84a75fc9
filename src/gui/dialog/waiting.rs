//! Messages that wait on their servers because they are large: who wrote, about what, how much, and fetching one whole.

use iced::widget::{Column, column, container, row, text};
use iced::{Alignment, Element, Fill, padding};

use super::{Action, Intent, Lent};
use crate::account::AccountId;
use crate::archive::{Archive, ArchiveError, Awaited};
use crate::fetch::Request;
use crate::gui::icon;
use crate::gui::library::Waiting as Header;
use crate::gui::off::ask;
use crate::gui::theme::{self, size};
use crate::gui::widget::{across, act, line, page, says, sheet, trouble};
use crate::gui::words::{messages, size as octets};
use crate::problem::Problem;

/// See the module.
#[derive(Default)]
pub struct Waiting {
    /// Asked for in this dialog.
    wanted: Vec<Awaited>,
    problem: Option<Problem>,
}

#[derive(Clone, Debug)]
pub enum Message {
    /// Fetch these whole; all are of one account.
    Fetch(AccountId, Vec<Awaited>),
    Noted(AccountId, Vec<Awaited>, Result<(), Problem>),
    Close,
}

fn is_same(one: &Awaited, other: &Awaited) -> bool {
    one.maildrop == other.maildrop && one.uidl == other.uidl && one.ordinal == other.ordinal
}

impl Waiting {
    pub fn update(&mut self, message: Message, archive: &Archive) -> Action<Message> {
        match message {
            Message::Fetch(account, which) => {
                let (archive, noted) = (archive.clone(), which.clone());
                let work = move || which.iter().try_for_each(|awaited| archive.want_whole(awaited, true));
                let noting = ask::<_, ArchiveError>(work);
                Action::Run(noting.map(move |result| Message::Noted(account, noted.clone(), result)))
            }
            Message::Noted(account, which, Ok(())) => {
                self.wanted.extend(which);
                self.problem = None;
                Action::Want(Intent::Ask(Request::Fetch(account)))
            }
            Message::Noted(.., Err(problem)) => {
                self.problem = Some(problem);
                Action::None
            }
            Message::Close => Action::Want(Intent::Close),
        }
    }

    fn is_wanted(&self, awaited: &Awaited) -> bool {
        awaited.wanted || self.wanted.iter().any(|wanted| is_same(wanted, awaited))
    }

    pub fn view<'a>(&'a self, lent: Lent<'a>) -> Element<'a, Message> {
        let waiting = &lent.library.waiting;
        let mut content: Vec<Element<'a, Message>> = Vec::new();
        content.extend(self.problem.as_ref().map(|problem| trouble(problem, None)));
        if waiting.is_empty() {
            content.push(says("Nothing waits on a server. Everything that may be fetched is here.").into());
        } else {
            let said = "Only their headers are here; the messages are on the server alone. In the account's settings, under \
                        Fetching, is the size from which on they wait.";
            content.push(says(said).into());
            let mut lines = Column::new();
            for (place, header) in waiting.iter().enumerate() {
                if place > 0 {
                    lines = lines.push(across());
                }
                lines = lines.push(self.line(header, lent));
            }
            let lines = container(page(lines)).max_height(340).padding(1).width(Fill).style(theme::card);
            content.push(lines.into());
        }
        let heading = match waiting.len() as u64 {
            0 => "Waiting on the server".to_owned(),
            some => {
                let verb = if some == 1 { "waits" } else { "wait" };
                format!("{} {verb} on the server ({})", messages(some), octets(lent.library.octets_waiting()))
            }
        };
        sheet(heading, content, vec![act(None, "Close", theme::primary, Some(Message::Close)).into()])
    }

    fn line<'a>(&'a self, header: &'a Header, lent: Lent<'a>) -> Element<'a, Message> {
        let sender = if header.sender.is_empty() { "Unknown sender" } else { &header.sender };
        let subject = if header.subject.is_empty() { "No subject" } else { &header.subject };
        let words = column![
            line(sender).font(theme::bold(sender)),
            line(subject),
            line(facts(header, lent)).size(size::SMALL).color(|tokens| tokens.faint),
        ]
        .spacing(2);
        let account = header.awaited.account;
        let fetching = lent.library.fetching.contains_key(&account);
        let act: Element<'a, Message> = if self.is_wanted(&header.awaited) {
            let says = if fetching { "Fetching" } else { "Comes at the next check" };
            text(says).size(size::SMALL).style(theme::accent).into()
        } else {
            let fetch = Message::Fetch(account, vec![header.awaited.clone()]);
            act(Some(icon::DOWNLOAD), "Fetch", theme::plain, Some(fetch)).into()
        };
        let line = row![words.width(Fill), act].spacing(12).align_y(Alignment::Center);
        container(line).padding(padding::horizontal(14).vertical(9)).into()
    }
}

/// `14 MB · 12 Nov · anna@example.org`.
fn facts(header: &Header, lent: Lent<'_>) -> String {
    let mut facts = Vec::new();
    facts.extend(header.awaited.octets.map(octets));
    facts.extend(header.date.map(|date| lent.clock.full(date)));
    if lent.library.accounts.len() > 1 {
        facts.push(lent.library.name(header.awaited.account).to_owned());
    }
    facts.join(" · ")
}
