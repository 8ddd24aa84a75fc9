//! Saving attachments: where to, and what came of it. The platform's dialog may not exist, so the place is a field, and
//! the dialog only one way to fill it.

use std::path::{Path, PathBuf};

use iced::widget::{operation, row, scrollable};
use iced::{Alignment, Element, Fill, Task};

use super::{Action, Message as Whole, Note, Open, Reader, SCROLL, Whose, parts};
use crate::account::MessageId;
use crate::archive::Archive;
use crate::gui::dialog::{pick_folder, typed};
use crate::gui::icon;
use crate::gui::off::{off, unwritten};
use crate::gui::theme;
use crate::gui::widget::{Tone, act, field, labelled, strip, tool, trouble};
use crate::problem::Problem;
use crate::{message, new_file, settings};

/// The field of the folder.
const FOLDER: &str = "attachments";

/// See the module.
pub struct Saving {
    what: What,
    folder: String,
    state: State,
}

/// What is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// All attachments, but not what is only wrapped around others.
    All,
    One(usize),
    /// The message itself, as the server sent it.
    Message,
}

enum State {
    Asking,
    Writing,
    Done(Note),
}

#[derive(Clone, Debug)]
pub enum Message {
    Folder(String),
    Choose,
    Chosen(Option<PathBuf>),
    Go,
    Saved(Whose, Result<Vec<PathBuf>, Problem>),
    Close,
}

impl Reader {
    pub(super) fn saved(&mut self, whose: &Whose, saved: Result<Vec<PathBuf>, Problem>) -> Action {
        let is_read = self.open.as_ref().is_some_and(|open| open.is(whose));
        let Some(open) = self.open_of(whose) else { return whose.says(said(saved)) };
        // One around the message that is read must not scroll it.
        if open.saved(saved) && is_read {
            return Action::Run(operation::snap_to(SCROLL, scrollable::RelativeOffset::END));
        }
        Action::None
    }
}

impl Open {
    /// Opens the question; the folder is that of the last time, or where downloads go.
    pub(super) fn ask_where_to_save(&mut self, what: What) -> Action {
        let before = self.saving.take().map(|saving| saving.folder);
        let folder = before.or_else(|| settings::downloads_folder().map(|folder| folder.display().to_string()));
        self.saving = Some(Saving { what, folder: folder.unwrap_or_default(), state: State::Asking });
        let seen = operation::snap_to(SCROLL, scrollable::RelativeOffset::END);
        Action::Run(Task::batch([seen, operation::focus(FOLDER)]))
    }

    pub(super) fn saving(&mut self, message: Message, archive: &Archive) -> Action {
        let Some(saving) = &mut self.saving else { return Action::None };
        match message {
            Message::Folder(folder) => saving.folder = folder,
            Message::Choose => {
                return Action::Run(pick_folder("Save attachments in", Message::Chosen).map(Whole::Saving));
            }
            Message::Chosen(Some(folder)) => saving.folder = folder.display().to_string(),
            // There may be no dialog on this system.
            Message::Chosen(None) => return Action::Run(operation::focus(FOLDER)),
            Message::Go => return self.go(archive),
            // Its message may not be this one: see [`Reader::saved`].
            Message::Saved(..) => {}
            Message::Close => self.saving = None,
        }
        Action::None
    }

    /// It is told where it was asked for; where that question is no more, over the message. Whether it is to be seen there.
    fn saved(&mut self, saved: Result<Vec<PathBuf>, Problem>) -> bool {
        match self.saving.as_mut().filter(|saving| matches!(saving.state, State::Writing)) {
            Some(saving) => {
                saving.state = State::Done(said(saved));
                true
            }
            None => {
                self.noted(said(saved));
                false
            }
        }
    }

    fn go(&mut self, archive: &Archive) -> Action {
        let called = self.file_name();
        let parts = self.message.attachments.iter().enumerate();
        let Some(saving) = self.saving.as_mut().filter(|saving| saving.is_ready()) else { return Action::None };
        let files: Vec<(Option<usize>, String)> = match saving.what {
            What::Message => vec![(None, called)],
            what => parts
                .filter(|(index, part)| what == What::One(*index) || what == What::All && !part.unpacked)
                .map(|(index, part)| (Some(index), part.safe_name.clone()))
                .collect(),
        };
        saving.state = State::Writing;
        let (archive, folder) = (archive.clone(), typed(&saving.folder));
        let (whose, of) = (self.whose(), self.whose());
        let saved = off(move || save(&archive, of.id, &of.path, &files, &folder));
        Action::Run(saved.map(move |saved| Whole::Saving(Message::Saved(whose.clone(), saved))))
    }

    /// What the message is called as a file.
    fn file_name(&self) -> String {
        message::file_name(&self.message.envelope)
    }

    /// What stands below the attachments.
    pub(super) fn saving_view(&self) -> Option<Element<'_, Whole>> {
        let saving = self.saving.as_ref()?;
        let listed = || self.message.attachments.iter().filter(|part| !part.unpacked);
        let one = match saving.what {
            What::Message => Some(self.file_name()),
            What::One(index) => self.message.attachments.get(index).map(|part| part.safe_name.clone()),
            What::All if listed().count() == 1 => listed().next().map(|part| part.safe_name.clone()),
            What::All => None,
        };
        let name = one.map_or_else(|| "Save all in".to_owned(), |name| format!("Save {name} in"));
        Some(saving.view(name).map(Whole::Saving))
    }
}

impl Saving {
    fn is_ready(&self) -> bool {
        !self.folder.trim().is_empty() && !matches!(self.state, State::Writing)
    }

    fn view(&self, name: String) -> Element<'_, Message> {
        match &self.state {
            State::Done(Note::Said(sentence)) => {
                strip(icon::CHECK, Tone::Good, sentence.as_str(), vec![("Close", Message::Close)])
            }
            State::Done(Note::Failed(problem)) => {
                iced::widget::column![trouble(problem, Some(Message::Close)), self.question(name)].spacing(10).into()
            }
            State::Asking | State::Writing => self.question(name),
        }
    }

    fn question(&self, name: String) -> Element<'_, Message> {
        let go = self.is_ready().then_some(Message::Go);
        let folder = field("A folder", &self.folder).id(FOLDER).on_input(Message::Folder).on_submit_maybe(go.clone());
        let line = row![
            act(Some(icon::FOLDER_OPEN), "Choose", theme::plain, Some(Message::Choose)),
            act(Some(icon::DOWNLOAD), "Save here", theme::primary, go),
            tool(None, "Not now", Some(Message::Close)),
        ];
        labelled(name, folder.width(Fill)).push(line.spacing(8).align_y(Alignment::Center)).spacing(8).into()
    }
}

fn said(saved: Result<Vec<PathBuf>, Problem>) -> Note {
    match saved {
        Ok(paths) => Note::Said(match paths.as_slice() {
            [path] => format!("Saved as {}.", path.display()),
            paths => {
                let folder = paths.first().and_then(|path| path.parent()).map(|folder| folder.display().to_string());
                format!("Saved {} attachments in {}.", paths.len(), folder.unwrap_or_default())
            }
        }),
        Err(problem) => Note::Failed(problem),
    }
}

/// Writes attachments under their safe names, or the message itself where no number is given; never over a file that is
/// there.
fn save(
    archive: &Archive,
    id: MessageId,
    path: &[usize],
    files: &[(Option<usize>, String)],
    folder: &Path,
) -> Result<Vec<PathBuf>, Problem> {
    let original = parts::at(archive, id, path).map_err(|error| Problem::from(&error))?.unwrap_or_default();
    let mut paths = Vec::new();
    for (index, name) in files {
        let content = match index {
            Some(index) => message::attachment(&original, *index),
            None => Some(original.clone()),
        };
        let Some(content) = content else { continue };
        let path = new_file::write(folder, name, &content).map_err(|error| unwritten(name, &error))?;
        paths.push(path);
    }
    Ok(paths)
}
