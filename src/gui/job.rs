//! Long jobs of the window: backup, verify, restore, repair, export, import. One runs at a time, on a thread of its own; its
//! progress comes at most ten times a second, and it outlives the dialog that began it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures::channel::mpsc;
use iced::Task;

use super::off::off;
use super::words::{count, messages, size, size_of};
use crate::account::{AccountId, Retention};
use crate::archive::Archive;
use crate::backup::{self, BackedUp, BackupError, Exported, Format, Imported, Repaired, Restored, Step, Verified};
use crate::job::{Cancel, Progress};
use crate::problem::Problem;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    BackUp {
        folder: PathBuf,
        /// Afterwards copies of this account stay on the server so long.
        then_remove: Option<(AccountId, Retention)>,
    },
    Verify(PathBuf),
    Restore(PathBuf),
    /// Puts back from this backup what is damaged here.
    Repair(PathBuf),
    Export {
        place: PathBuf,
        format: Format,
        query: Option<String>,
    },
    Import(Vec<PathBuf>),
}

/// A job that runs.
pub struct Running {
    pub order: Order,
    pub step: Option<Step>,
    pub progress: Progress,
    /// What the earlier steps of a backup came to.
    pub earlier: Vec<(Step, Progress)>,
    pub stopping: bool,
    cancel: Cancel,
}

/// A job that ended.
#[derive(Clone, Debug)]
pub struct Ended {
    pub order: Order,
    pub result: Result<Outcome, Stopped>,
}

/// Why a job did not come to its end.
#[derive(Clone, Debug)]
pub enum Stopped {
    /// By the user.
    ByHand,
    By(Problem),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    BackedUp(BackedUp),
    Verified(Verified),
    Restored(Restored),
    Repaired(Repaired),
    Exported(Exported),
    Imported(Imported),
}

#[derive(Clone, Debug)]
pub enum Message {
    Progress(Option<Step>, Progress),
    Ended(Ended),
}

impl Running {
    /// Starts a job; its messages go to [`Running::update`].
    pub fn start(archive: &Archive, order: Order) -> (Running, Task<Message>) {
        let (running, cancel) = Running::waiting(order.clone());
        let archive = archive.clone();
        let (sender, receiver) = mpsc::unbounded();
        let task = Task::run(receiver, |message| message);
        let work = off(move || {
            let result = run(&archive, &order, &cancel, &sender);
            // Fails only when the window is gone.
            let _ = sender.unbounded_send(Message::Ended(Ended { order, result }));
        });
        (running, Task::batch([task, work.discard()]))
    }

    /// A job as it stands before its first report.
    pub fn waiting(order: Order) -> (Running, Cancel) {
        let cancel = Cancel::new();
        let running = Running {
            order,
            step: None,
            progress: Progress::default(),
            earlier: Vec::new(),
            stopping: false,
            cancel: cancel.clone(),
        };
        (running, cancel)
    }

    pub fn report(&mut self, step: Option<Step>, progress: Progress) {
        if let (Some(before), true) = (self.step, self.step != step) {
            self.earlier.push((before, self.progress));
        }
        self.step = step;
        self.progress = progress;
    }

    /// Stops it at its next safe point.
    pub fn stop(&mut self) {
        self.stopping = true;
        self.cancel.cancel();
    }

    /// One line for the status bar.
    pub fn says(&self) -> String {
        if self.stopping {
            return "Stopping at the next safe point.".to_owned();
        }
        let doing = match (&self.order, self.step) {
            (Order::BackUp { .. }, Some(Step::ReadingBack)) => "Checking the backup",
            (Order::BackUp { .. }, Some(Step::Syncing)) => "Writing the backup to the disk for good",
            (Order::BackUp { .. }, _) => "Backing up",
            (Order::Verify(_), _) => "Checking the backup",
            (Order::Restore(_), _) => "Restoring",
            (Order::Repair(_), _) => "Reading every message and repairing",
            (Order::Export { .. }, _) => "Exporting",
            (Order::Import(_), _) => "Importing",
        };
        if self.progress == Progress::default() {
            return format!("{doing}.");
        }
        format!("{doing}: {}", amount(&self.progress))
    }
}

/// `128 of 312 messages, 4.2 of 11 MB`.
pub fn amount(progress: &Progress) -> String {
    let number = match progress.total {
        Some(total) => format!("{} of {}", count(progress.done), messages(total)),
        None => messages(progress.done),
    };
    match progress.octets_total {
        Some(total) if total > 0 => format!("{number}, {}", size_of(progress.octets, total)),
        _ if progress.octets > 0 => format!("{number}, {}", size(progress.octets)),
        _ => number,
    }
}

impl Ended {
    /// The result in a sentence.
    pub fn says(&self) -> String {
        match &self.result {
            Ok(outcome) => outcome.says(),
            Err(Stopped::ByHand) => self.stopped_by_hand().to_owned(),
            Err(Stopped::By(problem)) => problem.summary.clone(),
        }
    }

    fn stopped_by_hand(&self) -> &'static str {
        match self.order {
            Order::BackUp { .. } => "Stopped. The backup before this one is whole; the next one adds what is missing.",
            Order::Verify(_) => "Stopped before every message was read. Nothing was changed.",
            Order::Restore(_) => "Stopped. What was restored so far is here; restore again for the rest.",
            Order::Repair(_) => "Stopped. What was repaired so far is whole again; repair again for the rest.",
            Order::Export { .. } => "Stopped. Nothing was exported.",
            Order::Import(_) => "Stopped. What was imported so far is here; import again for the rest.",
        }
    }
}

impl Outcome {
    /// The result in a sentence or two.
    pub fn says(&self) -> String {
        match self {
            Outcome::BackedUp(done) => format!(
                "{} in the backup, {}. Every one was read back and compared.{}",
                are(done.messages),
                of_them_new(done.new),
                not_in_it(done.failed.len() as u64)
            ),
            Outcome::Verified(done) if done.damaged.is_empty() => {
                format!("The backup is whole: all {}, each one read and compared.", messages(done.messages))
            }
            Outcome::Verified(done) => {
                format!(
                    "{} of {} in the backup are damaged.",
                    count(done.damaged.len() as u64),
                    messages(done.messages)
                )
            }
            Outcome::Restored(done) => came("Restored", done.added, done.already_here, done.failed.len()),
            Outcome::Repaired(done) => repaired(done),
            Outcome::Imported(done) => {
                let mut sentence = came("Imported", done.added, done.already_here, done.failed.len());
                if done.left_out > 0 {
                    sentence.push_str(&format!(" {} deleted there, left out.", count(done.left_out)));
                }
                sentence
            }
            Outcome::Exported(done) => {
                let inexact = match done.inexact.len() as u64 {
                    0 => String::new(),
                    inexact => format!(" This format could not hold {} byte for byte.", messages(inexact)),
                };
                let failed = match done.failed.len() as u64 {
                    0 => String::new(),
                    failed => format!(" {} left out: the copy on this computer could not be read.", were(failed)),
                };
                format!("Exported {}, {}.{failed}{inexact}", messages(done.exported), size(done.octets))
            }
        }
    }

    /// What went less than well, a sentence each.
    pub fn details(&self) -> Vec<&str> {
        let (more, sentences): (&[String], _) = match self {
            Outcome::BackedUp(done) => (&done.failed, &done.repaired),
            Outcome::Verified(done) => (&[], &done.damaged),
            Outcome::Restored(done) => (&[], &done.failed),
            Outcome::Repaired(done) => (&[], &done.failed),
            Outcome::Imported(done) => (&done.failed, &done.notes),
            Outcome::Exported(done) => (&done.failed, &done.inexact),
        };
        more.iter().chain(sentences).map(String::as_str).collect()
    }

    /// Whether there is nothing in it to worry about. That mbox cannot hold every message exactly is no failure.
    pub fn is_whole(&self) -> bool {
        match self {
            Outcome::BackedUp(done) => done.failed.is_empty(),
            Outcome::Exported(done) => done.failed.is_empty(),
            Outcome::Imported(done) => done.failed.is_empty(),
            Outcome::Verified(_) | Outcome::Restored(_) | Outcome::Repaired(_) => self.details().is_empty(),
        }
    }
}

fn repaired(done: &Repaired) -> String {
    let whole = done.messages.len() as u64;
    match (done.damaged, done.failed.len()) {
        (0, 0) if done.indexes => {
            "The archive's own indexes were damaged and were made anew. All messages are whole.".to_owned()
        }
        (0, 0) => "Every message here was read, and all of them are whole.".to_owned(),
        (_, 0) => format!("{} whole again. All others were read and are whole.", are(whole)),
        (0, _) => "The archive could not be repaired.".to_owned(),
        (damaged, _) => format!("{} of {} damaged messages are whole again.", count(whole), count(damaged)),
    }
}

/// `12,480 messages are`.
fn are(number: u64) -> String {
    format!("{} {}", messages(number), if number == 1 { "is" } else { "are" })
}

/// `2 messages were`.
fn were(number: u64) -> String {
    format!("{} {}", messages(number), if number == 1 { "was" } else { "were" })
}

fn of_them_new(new: u64) -> String {
    if new == 0 { "none of them new".to_owned() } else { format!("{} of them new", count(new)) }
}

fn not_in_it(failed: u64) -> String {
    match failed {
        0 => String::new(),
        failed => format!(" {} not in it: the copy on this computer could not be read.", are(failed)),
    }
}

fn came(did: &str, added: u64, already_here: u64, failed: usize) -> String {
    let mut sentence = format!("{did} {}.", messages(added));
    if already_here > 0 {
        let verb = if already_here == 1 { "was" } else { "were" };
        sentence.push_str(&format!(" {} {verb} here already.", count(already_here)));
    }
    if failed > 0 {
        sentence.push_str(&format!(" {} could not be read.", count(failed as u64)));
    }
    sentence
}

/// Lets a report through at most every tenth of a second, but always the first of a step.
struct Throttle {
    last: Option<(Option<Step>, Instant)>,
}

impl Throttle {
    fn lets(&mut self, step: Option<Step>) -> bool {
        let due = self.last.is_none_or(|(before, when)| before != step || when.elapsed() >= Duration::from_millis(100));
        if due {
            self.last = Some((step, Instant::now()));
        }
        due
    }
}

fn run(
    archive: &Archive,
    order: &Order,
    cancel: &Cancel,
    sender: &mpsc::UnboundedSender<Message>,
) -> Result<Outcome, Stopped> {
    let mut throttle = Throttle { last: None };
    let mut tell = |step: Option<Step>, progress: Progress| {
        // The last of a step is what the dialog goes on showing.
        if throttle.lets(step) || progress.total == Some(progress.done) {
            let _ = sender.unbounded_send(Message::Progress(step, progress));
        }
    };
    let done = match order {
        Order::BackUp { folder, .. } => {
            let mut report = |step, progress| tell(Some(step), progress);
            backup::back_up(archive, folder, cancel, &mut report).map(Outcome::BackedUp)
        }
        Order::Verify(folder) => backup::verify(folder, cancel, &mut |p| tell(None, p)).map(Outcome::Verified),
        Order::Restore(folder) => {
            backup::restore(archive, folder, cancel, &mut |p| tell(None, p)).map(Outcome::Restored)
        }
        Order::Repair(folder) => backup::repair(archive, folder, cancel, &mut |p| tell(None, p)).map(Outcome::Repaired),
        Order::Export { place, format, query } => {
            backup::export(archive, place, *format, query.as_deref(), cancel, &mut |p| tell(None, p))
                .map(Outcome::Exported)
        }
        Order::Import(paths) => backup::import(archive, paths, cancel, &mut |p| tell(None, p)).map(Outcome::Imported),
    };
    done.map_err(|error| match error {
        BackupError::Cancelled(_) => Stopped::ByHand,
        error => Stopped::By(Problem::from(&error)),
    })
}

#[cfg(test)]
mod tests {
    use super::{Order, Outcome, Progress, Running, Step, Throttle, amount};
    use crate::backup::{Imported, Verified};

    #[test]
    fn results_are_sentences() {
        let imported =
            Imported { found: 5, added: 3, already_here: 1, failed: vec!["x".to_owned()], ..Imported::default() };
        let damaged = Verified { messages: 9, octets: 1, damaged: vec!["x".to_owned()] };
        for (outcome, expected) in [
            (Outcome::Imported(imported), "Imported 3 messages. 1 was here already. 1 could not be read."),
            (Outcome::Verified(damaged), "1 of 9 messages in the backup are damaged."),
        ] {
            assert_eq!(outcome.says(), expected);
        }
    }

    #[test]
    fn amounts_say_what_is_known() {
        let known = Progress { done: 128, total: Some(312), octets: 4_200_000, octets_total: Some(11_000_000) };
        assert_eq!(amount(&known), "128 of 312 messages, 4.2 of 11 MB");
        assert_eq!(amount(&Progress::of(1, 1)), "1 of 1 message");
        assert_eq!(amount(&Progress { done: 7, ..Progress::default() }), "7 messages");
    }

    #[test]
    fn a_backup_remembers_its_earlier_steps() {
        let (mut running, cancel) = Running::waiting(Order::BackUp { folder: "b".into(), then_remove: None });
        running.report(Some(Step::Adding), Progress::of(68, 68));
        running.report(Some(Step::Syncing), Progress::default());
        running.report(Some(Step::ReadingBack), Progress::of(1, 9));
        assert_eq!(running.earlier, [(Step::Adding, Progress::of(68, 68)), (Step::Syncing, Progress::default())]);
        running.stop();
        assert!(cancel.is_cancelled());
    }

    #[test]
    fn reports_come_seldom_but_each_step_shows() {
        let mut throttle = Throttle { last: None };
        assert!(throttle.lets(None));
        assert!(!throttle.lets(None));
        assert!(throttle.lets(Some(Step::Adding)));
        assert!(throttle.lets(Some(Step::Syncing)));
        assert!(!throttle.lets(Some(Step::Syncing)));
    }
}
