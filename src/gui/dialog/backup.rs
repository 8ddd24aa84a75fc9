//! Back up: where to, the three steps, the result.

use std::path::{Path, PathBuf};

use iced::widget::{container, row, text_input};
use iced::{Alignment, Element, Fill, padding};

use super::{Action, Intent, Lent, chosen, pick_folder, typed};
use crate::account::{AccountId, Retention};
use crate::backup::Step;
use crate::gui::icon::{self, icon};
use crate::gui::job::{Ended, Order, Outcome, Running, Stopped};
use crate::gui::retention::how_long;
use crate::gui::theme::{self, size as text_size};
use crate::gui::widget::{
    TableLine, Tone, act, field, labelled, line, link, over, progress, says, sheet, strip, table, trouble, words,
};
use crate::gui::words::{count, messages, size};
use crate::job::Progress;

/// See the module.
pub struct BackUp {
    folder: String,
    then_remove: Option<(AccountId, Retention)>,
    started: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    Folder(String),
    Choose,
    Chosen(Option<PathBuf>),
    Start,
    Verify,
    /// Back to the form, for this folder.
    Again(PathBuf),
    Stop,
    Close,
}

impl BackUp {
    /// A dialog that proposes the folder of the last backup.
    pub fn new(last: Option<&PathBuf>, then_remove: Option<(AccountId, Retention)>) -> BackUp {
        let folder = last.map(|folder| folder.display().to_string()).unwrap_or_default();
        BackUp { folder, then_remove, started: false }
    }

    /// The dialog of a job that runs already.
    pub fn running() -> BackUp {
        BackUp { folder: String::new(), then_remove: None, started: true }
    }

    pub fn update(&mut self, message: Message) -> Action<Message> {
        match message {
            Message::Folder(folder) => self.folder = folder,
            Message::Choose => return Action::Run(pick_folder("Back up into", Message::Chosen)),
            Message::Chosen(folder) => return chosen(folder, &mut self.folder, FIELD),
            Message::Start => {
                self.started = true;
                let order = Order::BackUp { folder: typed(&self.folder), then_remove: self.then_remove };
                return Action::Want(Intent::Start(order));
            }
            Message::Verify => {
                self.started = true;
                return Action::Want(Intent::Start(Order::Verify(typed(&self.folder))));
            }
            Message::Again(folder) => {
                self.started = false;
                self.folder = folder.display().to_string();
            }
            Message::Stop => return Action::Want(Intent::StopJob),
            Message::Close => return Action::Want(Intent::Close),
        }
        Action::None
    }

    pub fn view<'a>(&'a self, lent: Lent<'a>) -> Element<'a, Message> {
        match (self.started, lent.job, lent.ended) {
            (true, Some(job), _) => running(job),
            (true, None, Some(ended)) => done(ended),
            _ => self.form(lent),
        }
    }

    fn form<'a>(&'a self, lent: Lent<'a>) -> Element<'a, Message> {
        let ready = !self.folder.trim().is_empty() && lent.job.is_none();
        let mut content: Vec<Element<'a, Message>> =
            vec![says(WHAT_IT_IS).into(), labelled("Where to", self.place(ready)).into()];
        let counts = &lent.library.counts;
        content.push(table(vec![
            TableLine::new("On this computer", count(counts.all)),
            TableLine::new("In a verified backup", count(counts.in_backup)),
        ]));
        if let Some((folder, when)) = &lent.library.last_backup {
            let when = lent.clock.spoken(*when);
            let said = format!("Last verified {when}, in {}.", folder.display());
            content.push(words(said, text_size::SMALL, theme::faint).into());
        }
        if let Some((_, retention)) = self.then_remove {
            let then = match retention {
                Retention::RemoveOnceStored => "Postkeep stops leaving copies on the server".to_owned(),
                other => format!("copies stay on the server {}", how_long(other)),
            };
            let sentence = format!(
                "Once every message in the backup was read back and compared, {then}. If anything is missing from the \
                 backup, the copies stay there."
            );
            content.push(strip(icon::INFO, Tone::Note, sentence, Vec::new()));
        }
        if lent.job.is_some() {
            content
                .push(says("Another job is running. Wait for its end, or cancel it at the foot of the window.").into());
        }
        let name = if self.then_remove.is_some() { "Back up, then remove" } else { "Back up now" };
        let verify = (ready && self.then_remove.is_none()).then_some(Message::Verify);
        let mut buttons: Vec<Element<'a, Message>> =
            vec![act(None, "Not now", theme::quiet, Some(Message::Close)).into()];
        if self.then_remove.is_none() {
            buttons.push(act(None, "Only check", theme::plain, verify).into());
        }
        buttons.push(act(Some(icon::ARCHIVE), name, theme::primary, ready.then_some(Message::Start)).into());
        sheet("Back up", content, buttons)
    }

    fn place(&self, ready: bool) -> Element<'_, Message> {
        let choose = if self.folder.is_empty() { "Choose" } else { "Change" };
        let folder = field("A folder, such as /media/usb/Postkeep backup", &self.folder)
            .id(FIELD)
            .on_input(Message::Folder)
            .on_submit_maybe(ready.then_some(Message::Start))
            .padding(padding::horizontal(11).vertical(9).right(74))
            .icon(text_input::Icon {
                font: icon::FONT,
                code_point: icon::HARD_DRIVE,
                size: Some(text_size::ICON.into()),
                spacing: 8.0,
                side: text_input::Side::Left,
            });
        let change = container(link(choose, Some(Message::Choose))).align_right(Fill).center_y(Fill);
        over(folder, change.padding(padding::right(10)))
    }
}

/// The folder's field.
pub const FIELD: &str = "backup";

fn then_removed(retention: Retention) -> String {
    match retention {
        Retention::RemoveOnceStored => {
            "“Leave a copy on server” is off now: the next check removes from the server what is stored here."
                .to_owned()
        }
        other => format!("From the next check on, copies stay on the server {}.", how_long(other)),
    }
}

const WHAT_IT_IS: &str = "Ordinary files that any computer can open, and all that Postkeep needs to restore them. Only what is new is added.";

const STEPS: [(Step, &str); 3] = [
    (Step::Adding, "Added"),
    (Step::Syncing, "Written to the disk for good"),
    (Step::ReadingBack, "Reading every message back and comparing"),
];

fn running(job: &Running) -> Element<'_, Message> {
    let content = match &job.order {
        Order::BackUp { folder, .. } => {
            let steps = STEPS.iter().map(|(step, name)| step_line(job, *step, name)).collect();
            let then = match job.stopping {
                true => "Stopping at the next safe point. The backup before this one stays whole.",
                false => "When this ends, each message is proved to be in the backup, byte for byte.",
            };
            let fraction = progress(job.progress.fraction());
            vec![
                says(WHAT_IT_IS).into(),
                labelled("Where to", well(folder)).into(),
                table(steps),
                fraction,
                says(then).into(),
            ]
        }
        Order::Verify(folder) => {
            let fraction = progress(job.progress.fraction());
            vec![labelled("Where", well(folder)).into(), says(job.says()).into(), fraction]
        }
        _ => vec![says(job.says()).into(), progress(job.progress.fraction())],
    };
    let heading = if matches!(job.order, Order::Verify(_)) { "Checking the backup" } else { "Back up" };
    let stop = (!job.stopping).then_some(Message::Stop);
    let buttons = vec![
        act(None, "Run in the background", theme::quiet, Some(Message::Close)).into(),
        act(None, "Cancel", theme::plain, stop).into(),
    ];
    sheet(heading, content, buttons)
}

/// A folder that cannot be changed now.
fn well<'a>(folder: &Path) -> Element<'a, Message> {
    let shown = row![icon(icon::HARD_DRIVE), line(folder.display().to_string())].spacing(8).align_y(Alignment::Center);
    container(shown).center_y(36).padding([0, 11]).width(Fill).style(theme::well).into()
}

fn step_line<'a>(job: &Running, step: Step, name: &'a str) -> TableLine<'a> {
    let earlier = job.earlier.iter().find(|(done, _)| *done == step).map(|(_, progress)| progress);
    let now = (job.step == Some(step)).then_some(&job.progress);
    let value = match (earlier, now) {
        (_, Some(progress)) => so_far(progress),
        (Some(_), None) if step == Step::Syncing => "done".to_owned(),
        (Some(progress), None) => added(progress),
        (None, None) => String::new(),
    };
    let glyph = match (earlier, now) {
        (_, Some(_)) => icon::REFRESH_CW,
        (Some(_), None) => icon::CHECK,
        (None, None) => icon::CLOCK,
    };
    TableLine { glyph: Some(glyph), ..TableLine::new(name, value) }
}

fn so_far(progress: &Progress) -> String {
    match progress.total {
        Some(total) => format!("{} of {}", count(progress.done), count(total)),
        None if progress.done > 0 => count(progress.done),
        None => String::new(),
    }
}

fn added(progress: &Progress) -> String {
    if progress.octets > 0 {
        format!("{}, {}", messages(progress.done), size(progress.octets))
    } else {
        messages(progress.done)
    }
}

fn done(ended: &Ended) -> Element<'_, Message> {
    let mut content: Vec<Element<'_, Message>> = Vec::new();
    match &ended.result {
        Ok(outcome) => {
            let (glyph, tone) =
                if outcome.is_whole() { (icon::CHECK, Tone::Good) } else { (icon::CIRCLE_ALERT, Tone::Trouble) };
            content.push(strip(glyph, tone, outcome.says(), Vec::new()));
            if let Outcome::BackedUp(done) = outcome {
                content.push(table(vec![
                    TableLine::new("Messages in the backup", count(done.messages)),
                    TableLine::new("Added now", count(done.new)),
                    TableLine::new("Size of the mail", size(done.octets)),
                ]));
            }
            if let (Outcome::BackedUp(_), Order::BackUp { then_remove: Some((_, retention)), .. }, true) =
                (outcome, &ended.order, outcome.is_whole())
            {
                content.push(says(then_removed(*retention)).into());
            }
            content.extend(super::export::details(outcome.details()));
        }
        Err(Stopped::ByHand) => content.push(says(ended.says()).into()),
        Err(Stopped::By(problem)) => content.push(trouble(problem, None)),
    }
    let mut buttons: Vec<Element<'_, Message>> = Vec::new();
    if let (Err(_), Order::BackUp { folder, .. } | Order::Verify(folder)) = (&ended.result, &ended.order) {
        let again = Message::Again(folder.clone());
        buttons.push(act(Some(icon::REFRESH_CW), "Try again", theme::plain, Some(again)).into());
    }
    buttons.push(act(None, "Close", theme::primary, Some(Message::Close)).into());
    sheet("Back up", content, buttons)
}
