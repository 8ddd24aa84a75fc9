//! The parts of the message that is shown: its attachments, opened, looked at and saved; a message inside it, shown in
//! its place with a way back.

pub mod opening;
#[cfg(test)]
mod tests;
mod view;

use std::sync::{Arc, Mutex, PoisonError};

use iced::Task;
use iced::widget::image::Handle;

use super::page;
use super::saving::What;
use super::{Action, Loaded, Message as Whole, Note, Open, Reader, Whose};
use crate::account::MessageId;
use crate::archive::{Archive, ArchiveError};
use crate::gui::off::{ask, off};
use crate::job::{Cancel, CancelOnDrop};
use crate::message::{self, Attachment, Kind};
use crate::problem::Problem;
use crate::render::{Failure, Unseen, Worker};
use opening::Handed;

/// Messages inside messages that are shown.
const DEEPEST: usize = 10;
/// Characters of a text that are shown of an attachment.
const SHOWN: usize = 20_000;

/// Held while a picture is decoded: one process at a time, however quickly one after the other is looked at.
static DECODING: Mutex<()> = Mutex::new(());

/// What is shown of the parts, beside the list of them.
#[derive(Default)]
pub struct Parts {
    /// The attachment whose menu is open.
    menu: Option<usize>,
    preview: Option<Preview>,
    /// What became of the last act, said beside the attachments: the top of a long page is out of sight.
    note: Option<Note>,
}

/// An attachment that is looked at here.
struct Preview {
    index: usize,
    shown: Shown,
    /// Lives as long as the look: one that is over stops what was begun for it.
    _wanted: CancelOnDrop,
}

/// What there is to look at.
#[derive(Clone, Debug)]
pub enum Shown {
    Waiting,
    Picture(Handle),
    /// The beginning of a text, and whether there is more.
    Text(String, bool),
    /// Why nothing is shown.
    Nothing(String),
}

#[derive(Clone, Debug)]
pub enum Message {
    /// On an attachment: what suits it best.
    Press(usize),
    Menu(usize),
    CloseMenu,
    Open(usize),
    Opened(Whose, Result<Handed, Problem>),
    Look(usize),
    Looked(Whose, usize, Shown),
    CloseLook,
    Save(Option<usize>),
    SaveWhole,
    /// The message at this place, shown as one.
    Enter(usize),
    /// What came of it: the message around it, and the place.
    Entered(Whose, usize, Result<Option<Loaded>, Problem>),
    Leave,
    /// What was said is read.
    Dismiss,
}

impl Reader {
    /// See [`Message`].
    pub(super) fn parts(&mut self, message: Message, archive: &Archive) -> Action {
        match message {
            Message::Look(index) => {
                let looker = self.press.looker();
                self.open.as_mut().map_or(Action::None, |open| open.look_at(index, archive, looker))
            }
            Message::Entered(whose, index, loaded) => self.entered(&whose, index, loaded),
            Message::Opened(whose, handed) => self.noted_beside(&whose, handed.map_or_else(Note::Failed, opened)),
            Message::Leave => self.leave_inner().map_or(Action::None, Action::Run),
            message => {
                let opened = Arc::clone(&self.opened);
                self.open.as_mut().map_or(Action::None, |open| open.part(message, archive, &opened))
            }
        }
    }

    /// Back to the message around the one that is shown, where there is one. Its page is laid out again: what came of it
    /// meanwhile went to the other, and the pane may have another size.
    pub(super) fn leave_inner(&mut self) -> Option<Task<super::Message>> {
        self.open = Some(self.outer.pop()?);
        let sheet = self.open.as_mut().and_then(|open| open.sheet.as_mut());
        Some(sheet.map_or_else(Task::none, |sheet| self.press.lay(sheet)))
    }

    /// Says it beside the attachments of its message.
    fn noted_beside(&mut self, whose: &Whose, note: Note) -> Action {
        match self.open_of(whose) {
            Some(open) => {
                open.parts.note = Some(note);
                Action::None
            }
            None => whose.says(note),
        }
    }

    /// A message inside the one that is shown is there.
    fn entered(&mut self, whose: &Whose, index: usize, loaded: Result<Option<Loaded>, Problem>) -> Action {
        match loaded {
            Ok(Some(loaded)) => {
                // It may have been closed, or another one opened, meanwhile.
                let Some(open) = self.open.as_mut().filter(|open| open.is(whose)) else { return Action::None };
                let page = loaded.html.clone().map(|html| self.press.begin(html, super::page::Remote::inner()));
                let (sheet, drawn) = page.map_or((None, Task::none()), |(sheet, task)| (Some(sheet), task));
                if let Some(sheet) = &mut open.sheet {
                    sheet.rest();
                }
                let path = whose.path.iter().copied().chain([index]).collect();
                let inner = Open { path, sheet, ..Open::new(loaded, self.monospace) };
                self.outer.extend(self.open.replace(inner));
                let top = iced::widget::scrollable::RelativeOffset::START;
                Action::Run(Task::batch([drawn, iced::widget::operation::snap_to(super::SCROLL, top)]))
            }
            Ok(None) => {
                let sentence = "The attached message could not be read. It can be saved.";
                self.noted_beside(whose, Note::Said(sentence.to_owned()))
            }
            Err(problem) => self.noted_beside(whose, Note::Failed(problem)),
        }
    }

    /// The message in the archive that is shown, or that holds the one that is.
    pub(super) fn outermost(&mut self) -> Option<&mut Open> {
        self.outer.first_mut().or(self.open.as_mut())
    }
}

impl Parts {
    /// Whether there was a menu to be closed.
    pub(super) fn close_menu(&mut self) -> bool {
        self.menu.take().is_some()
    }
}

impl Open {
    fn part(&mut self, message: Message, archive: &Archive, opened: &Arc<opening::Folder>) -> Action {
        match message {
            Message::Press(index) => match self.attached(index).map(Attachment::kind) {
                Some(Kind::Message) => self.enter(index, archive),
                _ => self.open_part(index, archive, opened),
            },
            Message::Menu(index) => {
                self.parts.menu = (self.parts.menu != Some(index)).then_some(index);
                Action::None
            }
            Message::CloseMenu => {
                self.parts.menu = None;
                Action::None
            }
            Message::Open(index) => self.open_part(index, archive, opened),
            Message::Looked(whose, index, shown) => self.looked(&whose, index, shown),
            Message::CloseLook => {
                self.parts.preview = None;
                Action::None
            }
            Message::Save(which) => {
                self.parts.menu = None;
                self.ask_where_to_save(which.map_or(What::All, What::One))
            }
            Message::SaveWhole => self.ask_where_to_save(What::Message),
            Message::Enter(index) => self.enter(index, archive),
            Message::Dismiss => {
                self.parts.note = None;
                Action::None
            }
            Message::Look(_) | Message::Opened(..) | Message::Entered(..) | Message::Leave => Action::None,
        }
    }

    fn says(&mut self, sentence: String) -> Action {
        self.parts.note = Some(Note::Said(sentence));
        Action::None
    }

    fn attached(&self, index: usize) -> Option<&Attachment> {
        self.message.attachments.get(index)
    }

    /// Opens it in the program of the system for it, unless that would run it.
    fn open_part(&mut self, index: usize, archive: &Archive, opened: &Arc<opening::Folder>) -> Action {
        self.parts.menu = None;
        let Some(part) = self.attached(index).cloned() else { return Action::None };
        if part.kind() == Kind::Program {
            return self.says(refused(&part.safe_name));
        }
        let (archive, of, opened) = (archive.clone(), self.whose(), Arc::clone(opened));
        let whose = of.clone();
        let open = move || {
            let content = content(&archive, of.id, &of.path, index).map_err(|error| Problem::from(&error))?;
            opened.hand_over(&part.safe_name, &part.media_type, &content.unwrap_or_default())
        };
        Action::Run(off(open).map(move |handed| Whole::Parts(Message::Opened(whose.clone(), handed))))
    }

    /// Looks at it here, or stops looking.
    fn look_at(&mut self, index: usize, archive: &Archive, looker: Worker) -> Action {
        self.parts.menu = None;
        if self.parts.preview.as_ref().is_some_and(|preview| preview.index == index) {
            self.parts.preview = None;
            return Action::None;
        }
        let Some(kind) = self.attached(index).map(Attachment::kind) else { return Action::None };
        let over = Cancel::new();
        self.parts.preview = Some(Preview { index, shown: Shown::Waiting, _wanted: over.clone().drop_guard() });
        let looker = looker.until(over.clone());
        let (archive, whose) = (archive.clone(), self.whose());
        let looked = off(move || {
            let alone = (kind == Kind::Picture).then(|| DECODING.lock().unwrap_or_else(PoisonError::into_inner));
            if over.is_cancelled() {
                return None;
            }
            let shown = match content(&archive, whose.id, &whose.path, index) {
                Ok(Some(content)) if kind == Kind::Picture => picture(content, looker),
                Ok(Some(content)) => text(&content),
                Ok(None) => Shown::Nothing("There is nothing in it.".to_owned()),
                Err(error) => Shown::Nothing(Problem::from(&error).summary),
            };
            drop(alone);
            // Else it would be told that it was stopped to the next look at the same attachment.
            (!over.is_cancelled()).then(|| Whole::Parts(Message::Looked(whose, index, shown)))
        });
        Action::Run(looked.then(|looked| looked.map_or_else(Task::none, Task::done)))
    }

    fn looked(&mut self, whose: &Whose, index: usize, shown: Shown) -> Action {
        let is_own = self.is(whose);
        if let Some(preview) = self.parts.preview.as_mut().filter(|preview| is_own && preview.index == index) {
            preview.shown = shown;
        }
        Action::None
    }

    /// Shows the message at this place in the reader.
    fn enter(&mut self, index: usize, archive: &Archive) -> Action {
        self.parts.menu = None;
        if self.path.len() >= DEEPEST {
            return self.says("Messages nested deeper than this are not opened here. They can be saved.".to_owned());
        }
        let inner: Vec<usize> = self.path.iter().copied().chain([index]).collect();
        let (archive, row, dates, whose) = (archive.clone(), self.row.clone(), self.dates, self.whose());
        let own = self.own.clone();
        let loaded = ask(move || {
            let Some(original) = at(&archive, row.id, &inner)? else { return Ok(None) };
            let message = message::read(&original);
            // What the page shows of a row is what this message says of itself.
            let mut row = row;
            row.subject = message.envelope.subject.clone();
            row.date = message.envelope.date.unwrap_or(row.date);
            row.size = original.len() as u64;
            let loaded = Loaded::new(row, dates, message).headed(message::head(&original));
            Ok::<_, ArchiveError>(Some(Loaded { own, html: page::source(&original), ..loaded }))
        });
        Action::Run(loaded.map(move |loaded| Whole::Parts(Message::Entered(whose.clone(), index, loaded))))
    }
}

/// The original of the message, or of the one at this path inside it.
pub(super) fn at(archive: &Archive, id: MessageId, path: &[usize]) -> Result<Option<Vec<u8>>, ArchiveError> {
    Ok(archive.original(id)?.and_then(|original| message::within(original, path)))
}

/// The content of an attachment of it.
fn content(archive: &Archive, id: MessageId, path: &[usize], index: usize) -> Result<Option<Vec<u8>>, ArchiveError> {
    Ok(at(archive, id, path)?.and_then(|original| message::attachment(&original, index)))
}

fn opened(handed: Handed) -> Note {
    Note::Said(match handed {
        Handed::Over(name) => format!(
            "{name} was given to the program that opens such files. If nothing opened, save it and open it there."
        ),
        Handed::Refused(name) => refused(&name),
    })
}

fn refused(name: &str) -> String {
    format!("{name} is a program or can start one: Postkeep does not open such files. It can be saved.")
}

/// A picture, decoded in a process of its own, which can neither stall nor bloat this one.
fn picture(content: Vec<u8>, mut looker: Worker) -> Shown {
    let why = match looker.look(content) {
        Ok(Ok(picture)) => return Shown::Picture(Handle::from_rgba(picture.width, picture.height, picture.rgba)),
        Ok(Err(Unseen::Kind)) => "it is of a kind that is not shown here",
        Ok(Err(Unseen::TooLarge)) => "it is too large",
        Ok(Err(Unseen::Passes)) => "it is made of too many passes",
        Ok(Err(Unseen::Broken)) => "it could not be decoded",
        Err(Failure::Died) => "it wants more memory than is allowed, or is damaged",
        Err(Failure::TooSlow) => "it could not be decoded in the time that is allowed for it",
        Err(failure) => {
            let problem = Problem::from(&failure);
            return Shown::Nothing(format!("{} {}", problem.summary, problem.advice));
        }
    };
    Shown::Nothing(format!("This picture is not shown: {why}. It can be saved."))
}

/// The beginning of a text, safe to show.
fn text(content: &[u8]) -> Shown {
    let text = message::text_of_file(content);
    let end = text.char_indices().nth(SHOWN).map(|(at, _)| at);
    match end.and_then(|end| text.get(..end)) {
        Some(start) => Shown::Text(start.to_owned(), true),
        None if text.trim().is_empty() => Shown::Nothing("There is nothing in it.".to_owned()),
        None => Shown::Text(text, false),
    }
}
