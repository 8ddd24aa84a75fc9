//! Saving attachments: where to, and what came of it. The platform's dialog may not exist, so the place is a field, and
//! the dialog only one way to fill it.

use std::path::{Path, PathBuf};

use iced::widget::{operation, row, scrollable};
use iced::{Alignment, Element, Fill, Task};

use super::{Action, Message as Whole, Note, Open, SCROLL};
use crate::account::MessageId;
use crate::archive::Archive;
use crate::gui::dialog::{pick_folder, typed};
use crate::gui::icon;
use crate::gui::off::{off, unwritten};
use crate::gui::theme;
use crate::gui::widget::{Tone, act, field, labelled, strip, tool, trouble};
use crate::message;
use crate::problem::Problem;
use crate::settings;

/// The field of the folder.
const FOLDER: &str = "attachments";

/// See the module.
pub struct Saving {
    /// One attachment, or all.
    which: Option<usize>,
    folder: String,
    state: State,
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
    Saved(Result<Vec<PathBuf>, Problem>),
    Close,
}

impl Open {
    /// Opens the question; the folder is that of the last time, or where downloads go.
    pub(super) fn ask_where_to_save(&mut self, which: Option<usize>) -> Action {
        let before = self.saving.take().map(|saving| saving.folder);
        let folder = before.or_else(|| settings::downloads_folder().map(|folder| folder.display().to_string()));
        self.saving = Some(Saving { which, folder: folder.unwrap_or_default(), state: State::Asking });
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
            Message::Saved(saved) => {
                saving.state = State::Done(said(saved));
                return Action::Run(operation::snap_to(SCROLL, scrollable::RelativeOffset::END));
            }
            Message::Close => self.saving = None,
        }
        Action::None
    }

    fn go(&mut self, archive: &Archive) -> Action {
        let parts = self.message.attachments.iter().map(|part| part.safe_name.clone()).enumerate();
        let Some(saving) = self.saving.as_mut().filter(|saving| saving.is_ready()) else { return Action::None };
        let names: Vec<(usize, String)> =
            parts.filter(|(index, _)| saving.which.is_none_or(|wanted| wanted == *index)).collect();
        saving.state = State::Writing;
        let (archive, id, folder) = (archive.clone(), self.row.id, typed(&saving.folder));
        Action::Run(off(move || save(&archive, id, &names, &folder)).map(Message::Saved).map(Whole::Saving))
    }

    /// What stands below the attachments.
    pub(super) fn saving_view(&self) -> Option<Element<'_, Whole>> {
        let saving = self.saving.as_ref()?;
        let name = match (saving.which, self.message.attachments.as_slice()) {
            (None, [part]) => format!("Save {} in", part.safe_name),
            (Some(which), parts) => format!("Save {} in", parts.get(which).map_or("it", |part| &part.safe_name)),
            (None, _) => "Save all in".to_owned(),
        };
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

/// Writes attachments under their safe names, never over a file that is there.
fn save(archive: &Archive, id: MessageId, names: &[(usize, String)], folder: &Path) -> Result<Vec<PathBuf>, Problem> {
    let original = archive.original(id).map_err(|error| Problem::from(&error))?.unwrap_or_default();
    let mut paths = Vec::new();
    for (index, name) in names {
        let Some(content) = message::attachment(&original, *index) else { continue };
        let path = write_new(folder, name, &content).map_err(|error| unwritten(name, &error))?;
        paths.push(path);
    }
    Ok(paths)
}

/// Writes a new file: `name`, or `name (2)` and so on where that exists.
fn write_new(folder: &Path, name: &str, content: &[u8]) -> std::io::Result<PathBuf> {
    use std::io::Write as _;
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => (stem, format!(".{extension}")),
        _ => (name, String::new()),
    };
    for attempt in 1..1000 {
        let tried = if attempt == 1 { name.to_owned() } else { format!("{stem} ({attempt}){extension}") };
        let path = folder.join(tried);
        match std::fs::File::create_new(&path) {
            Ok(mut file) => {
                file.write_all(content)?;
                return Ok(path);
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(std::io::ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use super::write_new;

    #[test]
    fn a_saved_file_never_replaces_another() {
        let folder = tempfile::tempdir().unwrap();
        let names: Vec<_> = (0..3)
            .map(|n| write_new(folder.path(), "map.png", &[n]).unwrap().file_name().unwrap().to_owned())
            .collect();
        assert_eq!(names, ["map.png", "map (2).png", "map (3).png"]);
        assert_eq!(std::fs::read(folder.path().join("map.png")).unwrap(), [0]);
        assert!(write_new(&folder.path().join("missing"), "map.png", b"").is_err());
    }
}
