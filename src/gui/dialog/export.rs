//! Export: which format, where to, which messages, the result.

use std::path::PathBuf;

use iced::widget::{Column, button, column, container, row, scrollable, text};
use iced::{Alignment, Element, Fill};

use super::{Action, Intent, Lent, choice, chosen, pick_folder, typed};
use crate::backup::Format;
use crate::gui::icon;
use crate::gui::job::{Ended, Order, Running, Stopped};
use crate::gui::theme::{self, size};
use crate::gui::widget::{Tone, act, field, label, labelled, progress, says, sheet, strip, trouble, words};
use crate::gui::words::messages;

/// See the module.
pub struct Export {
    format: Format,
    folder: String,
    /// What is searched for now, and whether only that is exported.
    query: Option<String>,
    only_found: bool,
    started: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    Format(Format),
    Folder(String),
    Choose,
    Chosen(Option<PathBuf>),
    OnlyFound(bool),
    Start,
    Stop,
    Close,
}

/// Each format: its name, what opens it, and what the new file or folder is called.
const FORMATS: [(Format, &str, &str, &str); 4] = [
    (
        Format::Mbox,
        "One mbox file",
        "Thunderbird, Apple Mail and nearly every mail program import it. A few messages may change by a line end.",
        "Postkeep.mbox",
    ),
    (
        Format::Eml,
        "A folder of .eml files",
        "One file a message, exact to the byte. A double click opens it in a mail program.",
        "Postkeep mail",
    ),
    (Format::Zip, "A zip of .eml files", "The same files in one, to send or to put away.", "Postkeep mail.zip"),
    (Format::Maildir, "A Maildir", "For mail servers such as Dovecot, and for mutt and KMail.", "Postkeep Maildir"),
];

impl Export {
    pub fn new(query: &str) -> Export {
        let query = query.trim();
        let home = std::env::home_dir().map(|home| home.display().to_string()).unwrap_or_default();
        Export {
            format: Format::Mbox,
            folder: home,
            query: (!query.is_empty()).then(|| query.to_owned()),
            only_found: !query.is_empty(),
            started: false,
        }
    }

    /// The dialog of a job that runs already.
    pub fn running() -> Export {
        Export { started: true, ..Export::new("") }
    }

    fn place(&self) -> PathBuf {
        let name = FORMATS.iter().find(|(format, ..)| *format == self.format).map_or("Postkeep", |(.., name)| name);
        typed(&self.folder).join(name)
    }

    pub fn update(&mut self, message: Message) -> Action<Message> {
        match message {
            Message::Format(format) => self.format = format,
            Message::Folder(folder) => self.folder = folder,
            Message::Choose => return Action::Run(pick_folder("Export into", Message::Chosen)),
            Message::Chosen(folder) => return chosen(folder, &mut self.folder, FIELD),
            Message::OnlyFound(only) => self.only_found = only,
            Message::Start => {
                self.started = true;
                let query = self.query.clone().filter(|_| self.only_found);
                return Action::Want(Intent::Start(Order::Export { place: self.place(), format: self.format, query }));
            }
            Message::Stop => return Action::Want(Intent::StopJob),
            Message::Close => return Action::Want(Intent::Close),
        }
        Action::None
    }

    pub fn view<'a>(&'a self, lent: Lent<'a>) -> Element<'a, Message> {
        match (self.started, lent.job, lent.ended) {
            (true, Some(job), _) => running("Export", job, Message::Close, Message::Stop),
            (true, None, Some(ended)) => done("Export", ended, Message::Close),
            _ => self.form(lent),
        }
    }

    fn form<'a>(&'a self, lent: Lent<'a>) -> Element<'a, Message> {
        let ready = !self.folder.trim().is_empty() && lent.job.is_none();
        let formats = FORMATS.iter().map(|(format, name, meaning, _)| {
            choice(name, (*meaning).to_owned(), *format == self.format, Message::Format(*format))
        });
        let formats = column![label("Format"), Column::with_children(formats).spacing(6)].spacing(6);
        let folder = field("A folder", &self.folder)
            .id(FIELD)
            .on_input(Message::Folder)
            .on_submit_maybe(ready.then_some(Message::Start));
        let choose = act(Some(icon::FOLDER_OPEN), "Choose", theme::plain, Some(Message::Choose)).height(36);
        let place = row![folder, choose].spacing(8).align_y(Alignment::Center);
        let mut content: Vec<Element<'a, Message>> =
            vec![says("A copy of your mail for other programs. Nothing here is changed.").into(), formats.into()];
        let place = labelled("Into the folder", place);
        content.push(if self.folder.trim().is_empty() {
            place.into()
        } else {
            place.push(words(format!("Written as {}", self.place().display()), size::SMALL, theme::faint)).into()
        });
        if let Some(query) = &self.query {
            let all = segment("All mail", !self.only_found, Message::OnlyFound(false));
            let found = segment("Only what is found now", self.only_found, Message::OnlyFound(true));
            let which = column![label("Which messages"), row![all, found].spacing(6)].spacing(6);
            content.push(which.push(words(format!("Searched for: {query}"), size::SMALL, theme::faint)).into());
        } else {
            content.push(says(format!("All {}.", messages(lent.library.counts.all))).into());
        }
        let buttons = vec![
            act(None, "Not now", theme::quiet, Some(Message::Close)).into(),
            act(Some(icon::FOLDER_OUTPUT), "Export now", theme::primary, ready.then_some(Message::Start)).into(),
        ];
        sheet("Export", content, buttons)
    }
}

/// The folder's field.
const FIELD: &str = "export";

/// One of several choices side by side.
pub fn segment<'a, M: Clone + 'a>(name: &'a str, chosen: bool, message: M) -> Element<'a, M> {
    button(container(text(name).size(size::BODY).font(theme::MEDIUM)).center_y(Fill))
        .height(32)
        .padding([0, 12])
        .style(theme::segment(chosen))
        .on_press(message)
        .into()
}

/// A job that runs, for any dialog.
pub fn running<'a, M: Clone + 'a>(heading: &'a str, job: &'a Running, close: M, stop: M) -> Element<'a, M> {
    let content = vec![says(job.says()).into(), progress(job.progress.fraction())];
    let buttons = vec![
        act(None, "Run in the background", theme::quiet, Some(close)).into(),
        act(None, "Cancel", theme::plain, (!job.stopping).then_some(stop)).into(),
    ];
    sheet(heading, content, buttons)
}

/// A job that ended, for any dialog.
pub fn done<'a, M: Clone + 'a>(heading: &'a str, ended: &'a Ended, close: M) -> Element<'a, M> {
    let mut content: Vec<Element<'a, M>> = Vec::new();
    match &ended.result {
        Ok(outcome) => {
            let (glyph, tone) =
                if outcome.is_whole() { (icon::CHECK, Tone::Good) } else { (icon::CIRCLE_ALERT, Tone::Note) };
            content.push(strip(glyph, tone, outcome.says(), Vec::new()));
            if let Order::Export { place, .. } = &ended.order {
                content.push(says(format!("It is at {}.", place.display())).into());
            }
            content.extend(details(outcome.details()));
        }
        Err(Stopped::ByHand) => content.push(says(ended.says()).into()),
        Err(Stopped::By(problem)) => content.push(trouble(problem, None)),
    }
    sheet(heading, content, vec![act(None, "Close", theme::primary, Some(close)).into()])
}

/// Sentences about single messages, in a box that scrolls.
pub fn details<'a, M: 'a>(sentences: Vec<&'a str>) -> Option<Element<'a, M>> {
    if sentences.is_empty() {
        return None;
    }
    let lines = sentences.into_iter().take(200).map(|sentence| words(sentence, size::SMALL, theme::dim).into());
    let lines = scrollable(Column::with_children(lines).spacing(4).width(Fill)).style(theme::scroll);
    Some(container(lines).padding(10).max_height(160).width(Fill).style(theme::well).into())
}
