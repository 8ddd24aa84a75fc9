//! Import from files, restore from a backup, and repair from one: where from, and the result.

use std::path::{Path, PathBuf};

use iced::widget::row;
use iced::{Alignment, Element, Task};

use super::{Action, Intent, Lent, chosen, export, pick_folder, typed};
use crate::gui::icon;
use crate::gui::job::Order;
use crate::gui::theme;
use crate::gui::widget::{act, field, labelled, says, sheet};

/// The field of the path.
pub const FIELD: &str = "incoming";

/// See the module.
pub struct Incoming {
    kind: Kind,
    path: String,
    /// Several files at once, from the platform's dialog.
    files: Vec<PathBuf>,
    started: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Import,
    Restore,
    Repair,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    Path(String),
    ChooseFolder,
    ChooseFiles,
    Folder(Option<PathBuf>),
    Files(Vec<PathBuf>),
    Start,
    Stop,
    Close,
}

impl Kind {
    fn heading(self) -> &'static str {
        match self {
            Kind::Import => "Import",
            Kind::Restore => "Restore from a backup",
            Kind::Repair => "Repair from a backup",
        }
    }

    fn sentence(self) -> &'static str {
        match self {
            Kind::Import => {
                "Mail from another program: a profile of Thunderbird, a mail folder of Apple Mail or Evolution, Gmail Takeout, \
                 .pst and .msg files of Outlook, .eml files, mbox files, Maildir or MH folders. Your files are only read, and what is here already is not \
                 added twice."
            }
            Kind::Restore => {
                "Brings back the messages, marks and accounts of a backup folder. What is here already stays and is not added \
                 twice. Passwords are in no backup; you will be asked for them."
            }
            Kind::Repair => {
                "Reads every message here and compares it with what was stored. What has changed on the disk is put back from \
                 the backup, if it is exactly what was stored; nothing else is touched. Damaged mail often means a disk that \
                 is failing: after this, make a backup on another one."
            }
        }
    }
}

impl Incoming {
    pub fn new(kind: Kind) -> Incoming {
        Incoming { kind, path: String::new(), files: Vec::new(), started: false }
    }

    /// A repair, from this backup unless the user chooses another.
    pub fn repair(last_backup: Option<&Path>) -> Incoming {
        let path = last_backup.map(|folder| folder.display().to_string()).unwrap_or_default();
        Incoming { path, ..Incoming::new(Kind::Repair) }
    }

    /// The dialog of a job that runs already.
    pub fn running(kind: Kind) -> Incoming {
        Incoming { started: true, ..Incoming::new(kind) }
    }

    fn order(&self) -> Order {
        match self.kind {
            Kind::Restore => Order::Restore(typed(&self.path)),
            Kind::Repair => Order::Repair(typed(&self.path)),
            Kind::Import if self.files.is_empty() => Order::Import(vec![typed(&self.path)]),
            Kind::Import => Order::Import(self.files.clone()),
        }
    }

    pub fn update(&mut self, message: Message) -> Action<Message> {
        match message {
            Message::Path(path) => {
                self.path = path;
                self.files.clear();
            }
            Message::ChooseFolder => return Action::Run(pick_folder(self.kind.heading(), Message::Folder)),
            Message::ChooseFiles => return Action::Run(pick_files()),
            Message::Folder(folder) => return chosen(folder, &mut self.path, FIELD),
            Message::Files(files) => self.chose(files),
            Message::Start => {
                self.started = true;
                return Action::Want(Intent::Start(self.order()));
            }
            Message::Stop => return Action::Want(Intent::StopJob),
            Message::Close => return Action::Want(Intent::Close),
        }
        Action::None
    }

    fn chose(&mut self, files: Vec<PathBuf>) {
        match files.as_slice() {
            [] => {}
            [file] => self.path = file.display().to_string(),
            many => self.path = format!("{} files", many.len()),
        }
        if !files.is_empty() {
            self.files = files;
        }
    }

    pub fn view<'a>(&'a self, lent: Lent<'a>) -> Element<'a, Message> {
        match (self.started, lent.job, lent.ended) {
            (true, Some(job), _) => export::running(self.kind.heading(), job, Message::Close, Message::Stop),
            (true, None, Some(ended)) => export::done(self.kind.heading(), ended, Message::Close),
            _ => self.form(lent),
        }
    }

    fn form<'a>(&'a self, lent: Lent<'a>) -> Element<'a, Message> {
        let ready = !self.path.trim().is_empty() && lent.job.is_none();
        let hint = if self.kind == Kind::Import { "A file or a folder" } else { "The backup folder" };
        let path =
            field(hint, &self.path).id(FIELD).on_input(Message::Path).on_submit_maybe(ready.then_some(Message::Start));
        let mut place = row![path].spacing(8).align_y(Alignment::Center);
        if self.kind == Kind::Import {
            place = place.push(act(Some(icon::FILE), "Files", theme::plain, Some(Message::ChooseFiles)).height(36));
        }
        place =
            place.push(act(Some(icon::FOLDER_OPEN), "Folder", theme::plain, Some(Message::ChooseFolder)).height(36));
        let (name, glyph) = match self.kind {
            Kind::Import => ("Import now", icon::FOLDER_INPUT),
            Kind::Restore => ("Restore now", icon::HISTORY),
            Kind::Repair => ("Repair now", icon::SHIELD_CHECK),
        };
        let content = vec![says(self.kind.sentence()).into(), labelled("Where from", place).into()];
        let buttons = vec![
            act(None, "Not now", theme::quiet, Some(Message::Close)).into(),
            act(Some(glyph), name, theme::primary, ready.then_some(Message::Start)).into(),
        ];
        sheet(self.kind.heading(), content, buttons)
    }
}

fn pick_files() -> Task<Message> {
    Task::perform(rfd::AsyncFileDialog::new().set_title("Import").pick_files(), |files| {
        Message::Files(files.unwrap_or_default().iter().map(|file| file.path().to_owned()).collect())
    })
}
