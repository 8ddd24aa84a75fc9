//! Before mail is erased from the bin: what it means, and for how much of it. Nothing is erased unasked.

use iced::Element;
use iced::widget::column;

use super::{Action, Intent, Lent};
use crate::account::{MessageId, Retention};
use crate::archive::{Archive, Emptied, Emptying, Row};
use crate::gui::icon;
use crate::gui::list::Picked;
use crate::gui::off::ask;
use crate::gui::theme::{self, size};
use crate::gui::widget::{Tone, act, says, sheet, strip, trouble, words};
use crate::gui::words::messages;
use crate::job::Cancel;
use crate::problem::Problem;

/// See the module.
pub struct Erasing {
    what: What,
    state: State,
}

enum What {
    One(Box<Row>),
    /// Those that are selected.
    Several(Picked),
    All,
}

enum State {
    Asking,
    Working,
    /// What could go is gone; these wait for their copies on the server.
    Waiting(Emptied),
    Failed(Problem),
}

#[derive(Clone, Debug)]
pub enum Message {
    Erase,
    /// Also those that wait.
    Everything,
    Erased(Result<Emptied, Problem>),
    Close,
}

impl Erasing {
    /// The question about one message of the bin.
    pub fn one(row: Row) -> Erasing {
        Erasing { what: What::One(Box::new(row)), state: State::Asking }
    }

    /// The question about some messages of the bin.
    pub fn several(picked: Picked) -> Erasing {
        Erasing { what: What::Several(picked), state: State::Asking }
    }

    /// The question about the whole bin.
    pub fn all() -> Erasing {
        Erasing { what: What::All, state: State::Asking }
    }

    pub fn update(&mut self, message: Message, archive: &Archive) -> Action<Message> {
        match message {
            Message::Erase => match &self.what {
                What::One(row) => {
                    let id = row.id;
                    self.work(archive, move |archive| {
                        archive.erase_from_bin(&[id]).map(|()| Emptied { erased: 1, waiting: 0 })
                    })
                }
                What::Several(picked) => {
                    let picked = picked.clone();
                    self.work(archive, move |archive| {
                        let ids: Vec<MessageId> = picked.ids().iter().map(|id| MessageId(i64::from(id))).collect();
                        archive.erase_from_bin(&ids).map(|()| Emptied { erased: ids.len() as u64, waiting: 0 })
                    })
                }
                What::All => self.empty(archive, Emptying::Settled),
            },
            Message::Everything => self.empty(archive, Emptying::Everything),
            Message::Erased(Ok(emptied)) if emptied.waiting > 0 => {
                self.state = State::Waiting(emptied);
                Action::Want(Intent::Erased(None))
            }
            Message::Erased(Ok(emptied)) => Action::Want(Intent::Erased(Some(said(emptied)))),
            Message::Erased(Err(problem)) => {
                self.state = State::Failed(problem);
                Action::None
            }
            Message::Close => Action::Want(Intent::Close),
        }
    }

    fn empty(&mut self, archive: &Archive, which: Emptying) -> Action<Message> {
        self.work(archive, move |archive| archive.empty_bin(which, &Cancel::new(), &mut |_| {}))
    }

    fn work(
        &mut self,
        archive: &Archive,
        work: impl FnOnce(&Archive) -> crate::archive::Result<Emptied> + Send + 'static,
    ) -> Action<Message> {
        if matches!(self.state, State::Working) {
            return Action::None;
        }
        self.state = State::Working;
        let archive = archive.clone();
        Action::Run(ask(move || work(&archive)).map(Message::Erased))
    }

    pub fn view<'a>(&'a self, lent: Lent<'a>) -> Element<'a, Message> {
        match (&self.state, &self.what) {
            (State::Waiting(emptied), _) => waiting(*emptied),
            (state, What::One(row)) => one(row, state, lent),
            (state, What::Several(picked)) => several(picked.len(), state),
            (state, What::All) => all(state, lent),
        }
    }
}

/// What came of it.
fn said(emptied: Emptied) -> String {
    match emptied.erased {
        0 => "The bin was empty.".to_owned(),
        1 => "1 message was erased for ever.".to_owned(),
        more => format!("{} were erased for ever.", messages(more)),
    }
}

fn buttons<'a>(keep: &'a str, erase: &'a str, state: &State, message: Message) -> Vec<Element<'a, Message>> {
    let erasing = (!matches!(state, State::Working)).then_some(message);
    vec![
        act(Some(icon::TRASH_2), erase, theme::danger, erasing).into(),
        act(None, keep, theme::primary, Some(Message::Close)).into(),
    ]
}

fn one<'a>(row: &'a Row, state: &'a State, lent: Lent<'a>) -> Element<'a, Message> {
    let subject = if row.subject.is_empty() { "No subject" } else { &row.subject };
    let sender = row.sender();
    let named = column![
        words(subject, size::BODY, theme::ink).font(theme::bold(subject)),
        words(sender, size::SMALL, theme::dim),
    ];
    let account = row.account.and_then(|id| lent.library.account(id));
    let removes = account.is_some_and(|account| account.retention != Retention::LeaveCopy);
    let server = match (row.on_server, removes) {
        (true, true) => "Its copy on the server, which was to be removed, stays there then and is not fetched again.",
        (true, false) => "Its copy on the server stays there and is not fetched again.",
        (false, _) => "The server has no copy of it.",
    };
    let backup = match row.in_backup {
        Some(_) => "It stays in your backup, from which it can be restored.",
        None => "It is in no backup.",
    };
    let mut content: Vec<Element<'a, Message>> =
        vec![named.into(), says(format!("It cannot be had back on this computer. {server} {backup}")).into()];
    if !row.on_server && row.in_backup.is_none() {
        let last = "This is the only copy.";
        content.push(strip(icon::TRIANGLE_ALERT, Tone::Trouble, last, Vec::new()));
    }
    content.extend(failure(state));
    sheet("Erase this message for ever?", content, buttons("Keep it", "Erase for ever", state, Message::Erase))
}

fn several(count: usize, state: &State) -> Element<'_, Message> {
    let count = messages(count as u64);
    let sentence = "Those that are selected are erased from this computer for ever; the others stay in the bin. Copies on the server \
         stay there, also those that were to be removed, and are not fetched again; what is in a backup stays there.";
    let mut content = vec![says(sentence).into()];
    content.extend(failure(state));
    let heading = format!("Erase {count} for ever?");
    sheet(heading, content, buttons("Keep them", "Erase for ever", state, Message::Erase))
}

fn all<'a>(state: &'a State, lent: Lent<'a>) -> Element<'a, Message> {
    let count = lent.library.counts.bin;
    let sentence = format!(
        "{} {} erased from this computer for ever. Copies on the server stay there and are not fetched again; what is in a \
         backup stays there. Messages whose copy on the server is still to be removed wait for that.",
        messages(count),
        if count == 1 { "is" } else { "are" }
    );
    let mut content = vec![says(sentence).into()];
    content.extend(failure(state));
    sheet("Empty the bin?", content, buttons("Keep them", "Erase for ever", state, Message::Erase))
}

/// The second choice: those that wait for the server.
fn waiting<'a>(emptied: Emptied) -> Element<'a, Message> {
    let (left, them) = match emptied.waiting {
        1 => ("1 message is".to_owned(), "its copy"),
        more => (format!("{} are", messages(more)), "their copies"),
    };
    let sentence = format!(
        "{left} still in the bin: {them} on the server go at the next check, and removing them needs the mail here as the \
         proof that it is whole. After that the bin can be emptied of them too."
    )
    .replace("its copy on the server go ", "its copy on the server goes ");
    let now = "Erased now, the copies on the server stay there for ever and are not fetched again.";
    let content: Vec<Element<'a, Message>> = vec![
        strip(icon::CHECK, Tone::Good, said(emptied), Vec::new()),
        says(sentence).into(),
        strip(icon::TRIANGLE_ALERT, Tone::Note, now, Vec::new()),
    ];
    let buttons = buttons("Let them wait", "Erase them now too", &State::Asking, Message::Everything);
    let heading = if emptied.waiting == 1 { "1 message waits" } else { "Some messages wait" };
    sheet(heading, content, buttons)
}

fn failure(state: &State) -> Option<Element<'_, Message>> {
    match state {
        State::Failed(problem) => Some(trouble(problem, None)),
        State::Working => Some(says("Erasing.").into()),
        State::Asking | State::Waiting(_) => None,
    }
}
