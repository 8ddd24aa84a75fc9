//! The sync log: each visit to a server, newest first, in sentences; saved as a text file where somebody asks for it.

use std::fs;
use std::path::{Path, PathBuf};

use iced::widget::{Column, Row, column, container, row};
use iced::{Alignment, Element, Fill, Task, padding};

use super::export::segment;
use super::{Action, Intent, Lent, chosen, pick_folder, typed};
use crate::account::AccountId;
use crate::archive::{Archive, LoggedSession};
use crate::gui::icon;
use crate::gui::library::Library;
use crate::gui::off::{ask, off, unwritten};
use crate::gui::theme::{self, size};
use crate::gui::widget::{Tone, across, act, field, labelled, page, says, sheet, strip, trouble, words};
use crate::gui::words::Clock;
use crate::problem::Problem;
use crate::problem::log::sentence;
use crate::settings;

/// Visits that are read.
const VISITS: usize = 300;

/// See the module.
pub struct Log {
    visits: Option<Vec<LoggedSession>>,
    only: Option<AccountId>,
    saving: Option<String>,
    said: Option<String>,
    problem: Option<Problem>,
}

#[derive(Clone, Debug)]
pub enum Message {
    Read(Result<Vec<LoggedSession>, Problem>),
    Only(Option<AccountId>),
    /// Ask where to save it.
    Save,
    Folder(String),
    Choose,
    Chosen(Option<PathBuf>),
    /// Save it there: the name of the file, and its text.
    Text(String, String),
    Saved(Result<PathBuf, Problem>),
    Close,
}

impl Log {
    /// The dialog, and the reading of the log.
    pub fn new(archive: &Archive) -> (Log, Task<Message>) {
        let archive = archive.clone();
        let read = ask(move || archive.sessions(VISITS)).map(Message::Read);
        (Log { visits: None, only: None, saving: None, said: None, problem: None }, read)
    }

    pub fn update(&mut self, message: Message) -> Action<Message> {
        match message {
            Message::Read(Ok(visits)) => self.visits = Some(visits),
            Message::Only(account) => self.only = account,
            Message::Save => {
                let folder = settings::downloads_folder().map(|folder| folder.display().to_string());
                self.saving = Some(folder.unwrap_or_default());
                self.said = None;
                return Action::Run(iced::widget::operation::focus(FOLDER));
            }
            Message::Folder(folder) => {
                if let Some(saving) = &mut self.saving {
                    *saving = folder;
                }
            }
            Message::Choose => return Action::Run(pick_folder("Save the log in", Message::Chosen)),
            Message::Chosen(folder) => {
                if let Some(saving) = &mut self.saving {
                    return chosen(folder, saving, FOLDER);
                }
            }
            Message::Text(name, text) => {
                let folder = typed(self.saving.as_deref().unwrap_or_default());
                return Action::Run(off(move || write(&folder, &name, &text)).map(Message::Saved));
            }
            Message::Saved(Ok(path)) => {
                self.saving = None;
                self.problem = None;
                self.said = Some(format!("Saved as {}.", path.display()));
            }
            Message::Read(Err(problem)) | Message::Saved(Err(problem)) => self.problem = Some(problem),
            Message::Close => return Action::Want(Intent::Close),
        }
        Action::None
    }

    /// The visits that are shown.
    fn shown(&self) -> impl Iterator<Item = &LoggedSession> {
        let visits = self.visits.iter().flatten();
        visits.filter(|visit| self.only.is_none_or(|only| visit.account == only))
    }

    pub fn view<'a>(&'a self, lent: Lent<'a>) -> Element<'a, Message> {
        let mut content: Vec<Element<'a, Message>> = Vec::new();
        content.extend(self.problem.as_ref().map(|problem| trouble(problem, None)));
        content.extend(self.said.as_ref().map(|said| strip(icon::CHECK, Tone::Good, said.as_str(), Vec::new())));
        content.extend(self.accounts(lent.library));
        content.push(self.list(lent));
        let mut buttons: Vec<Element<'a, Message>> = Vec::new();
        match &self.saving {
            Some(folder) => content.push(place(folder, self.go(folder, lent))),
            None => {
                let any = self.shown().next().is_some();
                buttons
                    .push(act(Some(icon::DOWNLOAD), "Save the log", theme::plain, any.then_some(Message::Save)).into());
            }
        }
        buttons.push(act(None, "Close", theme::primary, Some(Message::Close)).into());
        sheet("What the checks did", content, buttons)
    }

    /// What saves the log as it is shown, once there is a place.
    fn go(&self, folder: &str, lent: Lent<'_>) -> Option<Message> {
        let any = self.shown().next().is_some();
        (any && !folder.trim().is_empty()).then(|| {
            let day = lent.clock.now.to_zoned(lent.clock.zone.clone()).strftime("%Y-%m-%d %H%M");
            Message::Text(format!("Postkeep log {day}.txt"), text(self.shown(), lent.library, lent.clock))
        })
    }

    /// Which account's visits.
    fn accounts<'a>(&'a self, library: &'a Library) -> Option<Element<'a, Message>> {
        if library.accounts.len() < 2 {
            return None;
        }
        let all = segment("All accounts", self.only.is_none(), Message::Only(None));
        let each = library.accounts.iter().map(|account| {
            segment(library.name(account.id), self.only == Some(account.id), Message::Only(Some(account.id)))
        });
        let segments = Row::with_children(std::iter::once(all).chain(each));
        Some(segments.spacing(6).wrap().vertical_spacing(6).into())
    }

    fn list<'a>(&'a self, lent: Lent<'a>) -> Element<'a, Message> {
        if self.visits.is_none() {
            return says("Reading the log.").into();
        }
        let mut lines = Column::new();
        let mut any = false;
        for visit in self.shown() {
            if std::mem::replace(&mut any, true) {
                lines = lines.push(across());
            }
            lines = lines.push(entry(visit, lent));
        }
        if !any {
            return says("There was no check yet.").into();
        }
        container(page(lines)).max_height(400).padding(1).width(Fill).style(theme::card).into()
    }
}

/// The folder's field.
pub const FOLDER: &str = "log";

fn place(folder: &str, go: Option<Message>) -> Element<'_, Message> {
    let folder = field("A folder", folder).id(FOLDER).on_input(Message::Folder).on_submit_maybe(go.clone());
    let choose = act(Some(icon::FOLDER_OPEN), "Choose", theme::plain, Some(Message::Choose)).height(36);
    let save = act(None, "Save here", theme::primary, go).height(36);
    labelled("Save the log in", row![folder, choose, save].spacing(8).align_y(Alignment::Center)).into()
}

/// `Today, 09:41, 3 s`.
fn when(visit: &LoggedSession, clock: &Clock) -> String {
    let began = clock.full(visit.began);
    match visit.ended {
        Some(ended) => match ended.duration_since(visit.began).as_secs() {
            seconds @ 0..120 => format!("{began}, {seconds} s"),
            longer => format!("{began}, {} min", longer / 60),
        },
        None => format!("{began}, not ended"),
    }
}

fn entry<'a>(visit: &'a LoggedSession, lent: Lent<'a>) -> Element<'a, Message> {
    let head = format!("{} · {}", lent.library.name(visit.account), when(visit, lent.clock));
    let mut lines = column![words(head, size::SMALL, theme::ink).font(theme::BOLD)].spacing(2);
    for sentence in sentences(visit) {
        lines = lines.push(words(sentence, size::SMALL, theme::dim));
    }
    if let Some(problem) = &visit.outcome.problem {
        lines = lines.push(words(problem.as_str(), size::SMALL, theme::bad));
    }
    container(lines).padding(padding::horizontal(14).vertical(9)).width(Fill).into()
}

/// What a visit saw and did. Visits logged by earlier versions have numbers only.
fn sentences(visit: &LoggedSession) -> Vec<String> {
    if !visit.entries.is_empty() {
        return visit.entries.iter().map(sentence).collect();
    }
    let outcome = &visit.outcome;
    if visit.ended.is_none() {
        return vec!["It is still going on, or Postkeep was ended during it.".to_owned()];
    }
    if outcome.problem.is_some() && outcome.listed == 0 {
        return Vec::new();
    }
    vec![format!("{} on the server, {} fetched, {} removed there.", outcome.listed, outcome.retrieved, outcome.deleted)]
}

/// The log as a text file.
fn text<'a>(visits: impl Iterator<Item = &'a LoggedSession>, library: &Library, clock: &Clock) -> String {
    let mut text = String::new();
    for visit in visits {
        text.push_str(&format!("{}  {}\n", library.name(visit.account), when(visit, clock)));
        for sentence in sentences(visit).iter().chain(&visit.outcome.problem) {
            text.push_str(&format!("    {sentence}\n"));
        }
        text.push('\n');
    }
    text
}

fn write(folder: &Path, name: &str, text: &str) -> Result<PathBuf, Problem> {
    let path = folder.join(name);
    fs::write(&path, text).map_err(|error| unwritten(&path.display().to_string(), &error))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::{Clock, Library, LoggedSession, text, write};
    use crate::archive::{LogEntry, SessionOutcome};
    use crate::gui::fixtures::{ANNA, account};

    #[test]
    fn the_saved_log_says_what_the_dialog_says() {
        let clock = Clock { now: "2026-11-22T10:00:00Z".parse().unwrap(), zone: jiff::tz::TimeZone::UTC };
        let library = Library { accounts: vec![account(ANNA, "anna@example.org")], ..Library::default() };
        let outcome = SessionOutcome { problem: Some("The line broke off.".to_owned()), ..SessionOutcome::default() };
        let visit = LoggedSession {
            account: ANNA,
            began: "2026-11-22T09:41:00Z".parse().unwrap(),
            ended: Some("2026-11-22T09:41:03Z".parse().unwrap()),
            outcome,
            entries: vec![LogEntry::Again],
        };
        let saved = text([&visit].into_iter(), &library, &clock);
        let expected = format!(
            "anna@example.org  Today, 09:41, 3 s\n    {}\n    The line broke off.\n\n",
            super::sentence(&LogEntry::Again)
        );
        assert_eq!(saved, expected);
        let folder = tempfile::tempdir().unwrap();
        let path = write(folder.path(), "log.txt", &saved).unwrap();
        assert_eq!(std::fs::read_to_string(path).unwrap(), saved);
        assert!(write(&folder.path().join("nowhere"), "log.txt", &saved).is_err());
    }
}
