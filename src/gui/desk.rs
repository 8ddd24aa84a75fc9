//! An open archive and everything on the screen about it: the screens, the dialog, the worker, the job. Routes messages
//! to the screens and alone carries out what they want.

pub mod bin;
mod dialogs;
mod jobs;
mod mailbox;
mod marks;
mod searching;
pub mod view;
mod worker;

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use futures::channel::mpsc;
use iced::{Subscription, Task};

use super::dialog::quit::Quit;
use super::dialog::{self, Dialog};
use super::job::{self, Ended, Running};
use super::library::{Library, Stock};
use super::list::{self, List};
use super::off::{ask, off};
use super::offer::Offer;
use super::open::{Opened, Remembered, Sample};
use super::reader::{self, Reader};
use super::setup::{self, Setup};
use super::theme::Choice;
use super::words::Clock;
use super::{bars, sidebar, welcome};
use crate::account::AccountId;
use crate::archive::{Archive, ArchiveError, Emptied, Sender};
use crate::fetch::{self, Event, FetchError, Request};
use crate::problem::Problem;

/// See the module.
pub struct Desk {
    pub archive: Archive,
    /// Tells this desk's worker from that of an archive opened before.
    generation: u64,
    /// Keeps the sample server and its folder alive.
    _sample: Option<Arc<Sample>>,
    pub library: Library,
    pub list: List,
    pub reader: Reader,
    pub(super) offer: Offer,
    pub(super) page: Page,
    pub(super) dialog: Option<Dialog>,
    pub job: Option<Running>,
    ended: Option<Ended>,
    worker: Option<mpsc::UnboundedSender<Request>>,
    /// Accounts whose password is wanted while another dialog is open.
    wanted: VecDeque<AccountId>,
    notice: Option<String>,
    /// A sentence that stays until it is closed: what became of a password.
    note: Option<String>,
    problem: Option<Problem>,
    /// The account whose visit to the server made the problem.
    problem_of: Option<AccountId>,
    /// The whole sidebar lies over the list of a narrow window.
    unfolded: bool,
    /// Accounts that the user asked to be checked.
    asked: HashSet<AccountId>,
    /// The last deletion, while it is told.
    deleted: Option<bin::Deleted>,
    /// Acts that can be taken back, the last one last.
    undo: Vec<marks::Step>,
    acts: marks::Acts,
    /// Counts the deletions that were told.
    told: u64,
    /// Writes on their way.
    writing: usize,
    renewing: bool,
    renew_again: bool,
    pub remembered: Remembered,
}

/// What fills the window.
pub enum Page {
    Mailbox,
    Welcome,
    /// The first mailbox.
    Setup(Box<Setup>),
}

pub enum Message {
    Worker(Event),
    Top(bars::Message),
    Sidebar(sidebar::Message),
    List(list::Message),
    Reader(reader::Message),
    Welcome(welcome::Message),
    Setup(setup::Message),
    Dialog(dialog::Message),
    Job(job::Message),
    /// The counts and accounts were read again; whether the list is to follow.
    Stocked(Result<Stock, Problem>, bool),
    /// Something was written, or not; read the counts again where it was.
    Written(Result<(), Problem>),
    /// The bin was written to; the list is read anew unless it is still of this generation.
    Binned(Result<(), Problem>, Option<u64>),
    /// Something was done to many messages, or not; whether the list is to follow.
    Acted(Result<(), Problem>, bool),
    /// Senders like what is typed into the search field, for the question of this number.
    Offered(u64, Vec<Sender>),
    /// A press in the words about a deletion.
    Deleted(bin::Told),
    /// Those words were there long enough.
    DeletionTold(u64),
    /// More messages are known to be damaged, or fewer.
    Damage,
    /// More is indexed than was.
    Indexed,
    /// What was old was erased from the bin.
    Tidied(Result<Emptied, Problem>),
    /// Ask for the password of an account whose login was refused.
    EnterPassword(AccountId),
    /// Show what would leave the mailbox of an account that is new here.
    SeeWhatWouldGo(AccountId),
    CloseProblem,
    CloseNote,
    /// Ask the worker again what it could not hear.
    DryRun(AccountId),
}

/// What the desk wants of the window around it.
pub enum Action {
    None,
    Run(Task<Message>),
    Theme(Choice),
    /// Another archive: the sample's, or back to the user's own.
    TrySample,
    LeaveSample,
    /// Everything that ran was told to stop.
    Quit(Task<Message>),
}

impl From<Task<Message>> for Action {
    fn from(task: Task<Message>) -> Action {
        Action::Run(task)
    }
}

impl Desk {
    pub fn new(opened: Opened, generation: u64, clock: &Clock) -> (Desk, Task<Message>) {
        let mut library = Library { sample: opened.sample.is_some(), ..Library::default() };
        library.restock(opened.stock);
        let empty = library.accounts.is_empty() && library.counts.all == 0 && !library.uncounted;
        let mut desk = Desk {
            archive: opened.archive,
            generation,
            _sample: opened.sample,
            library,
            list: List::new(),
            reader: Reader::default(),
            offer: Offer::default(),
            page: if empty { Page::Welcome } else { Page::Mailbox },
            dialog: None,
            job: None,
            ended: None,
            worker: None,
            wanted: VecDeque::new(),
            notice: None,
            note: None,
            problem: None,
            problem_of: None,
            unfolded: false,
            asked: HashSet::new(),
            deleted: None,
            undo: Vec::new(),
            acts: marks::Acts::default(),
            told: 0,
            writing: 0,
            renewing: false,
            renew_again: false,
            remembered: opened.remembered,
        };
        let list = desk.list.list(&desk.archive, clock).map(Message::List);
        let tidy = desk.tidy_bin();
        let counts = if desk.library.uncounted { desk.renew(false) } else { Task::none() };
        (desk, Task::batch([list, counts, tidy]))
    }

    /// The worker, for as long as this desk stands.
    pub fn subscription(&self) -> Subscription<Message> {
        let of = || Worker { generation: self.generation, archive: self.archive.clone() };
        let worker = Subscription::run_with(of(), |worker| fetch::worker(worker.archive.clone(), explained));
        let idle = Subscription::run_with(("idle", of()), |(_, of)| super::idle::idle(of.archive.clone()));
        let index = Subscription::run_with(("index", of()), |(_, of)| super::idle::indexing(of.archive.clone()));
        Subscription::batch([
            worker.map(Message::Worker),
            idle.map(|()| Message::Damage),
            index.map(|()| Message::Indexed),
        ])
    }

    pub fn update(&mut self, message: Message, clock: &Clock) -> Action {
        let action = self.updated(message, clock);
        if self.dialog.is_some() {
            self.close_menus();
        }
        action
    }

    /// A menu stands above all else, a dialog too.
    fn close_menus(&mut self) {
        self.list.close_menu();
        self.reader.close_menus();
    }

    fn updated(&mut self, message: Message, clock: &Clock) -> Action {
        match message {
            Message::Worker(event) => self.heard(event).into(),
            Message::Top(message) => self.bars(message, clock),
            Message::Sidebar(message) => self.sidebar(message, clock).into(),
            Message::List(message) => self.list(message, clock).into(),
            Message::Reader(message) => self.reader(message, clock).into(),
            Message::Welcome(message) => self.welcome(message),
            Message::Setup(message) => self.setup(message),
            Message::Dialog(message) => self.dialog(message),
            Message::Job(message) => self.job(message).into(),
            Message::Stocked(stock, relist) => self.stocked(stock, relist, clock).into(),
            Message::Written(result) => self.written(result).into(),
            Message::Binned(result, unless) => self.binned(result, unless).into(),
            Message::Acted(result, relist) => self.acted(result, relist).into(),
            Message::Offered(asked, senders) => {
                self.offer.take(asked, senders);
                Action::None
            }
            Message::Deleted(told) => self.told(told).into(),
            Message::DeletionTold(told) => {
                self.deletion_told(told);
                Action::None
            }
            Message::Indexed => self.renew(true).into(),
            Message::Damage => self.renew(false).into(),
            Message::Tidied(result) => self.tidied(result).into(),
            Message::EnterPassword(account) => self.password_wanted(account).into(),
            Message::SeeWhatWouldGo(account) => self.see_what_would_go(account).into(),
            Message::CloseProblem => self.close_problem(),
            Message::CloseNote => self.close_note(),
            Message::DryRun(account) => self.dry_run(account),
        }
    }

    /// Time passed.
    pub fn tick(&mut self, clock: &Clock) {
        self.list.tick(clock);
    }

    /// Whether something is on its way to the archive, or the counts on their way back.
    #[cfg(test)]
    pub fn is_writing(&self) -> bool {
        self.writing > 0 || self.renewing
    }

    /// Whether closing the window now would stop something.
    pub fn is_busy(&self) -> bool {
        self.job.is_some() || !self.library.fetching.is_empty()
    }

    pub fn ask_to_quit(&mut self) {
        self.close_menus();
        self.dialog = Some(Dialog::Quit(Quit::default()));
    }

    fn send(&self, request: Request) {
        if let Some(worker) = &self.worker {
            // Fails only when the worker has ended, and then the window is closing.
            let _ = worker.unbounded_send(request);
        }
    }

    /// Reads counts and accounts again, and the list where `relist`. One at a time: what comes meanwhile is one more.
    fn renew(&mut self, relist: bool) -> Task<Message> {
        if self.renewing {
            self.renew_again = true;
            return Task::none();
        }
        self.renewing = true;
        let archive = self.archive.clone();
        ask(move || Stock::read(&archive)).map(move |stock| Message::Stocked(stock, relist))
    }

    fn stocked(&mut self, stock: Result<Stock, Problem>, relist: bool, clock: &Clock) -> Task<Message> {
        self.renewing = false;
        match stock {
            Ok(stock) => self.library.restock(stock),
            Err(problem) => self.problem = Some(problem),
        }
        let list = if relist { self.list.list(&self.archive, clock).map(Message::List) } else { Task::none() };
        if std::mem::take(&mut self.renew_again) { Task::batch([list, self.renew(true)]) } else { list }
    }

    fn written(&mut self, result: Result<(), Problem>) -> Task<Message> {
        self.writing -= 1;
        let next = self.next_act();
        let renewed = match result {
            Ok(()) => self.renew(false),
            Err(problem) => {
                self.problem = Some(problem);
                self.renew(true)
            }
        };
        Task::batch([next, renewed])
    }

    fn write(&mut self, work: impl FnOnce(&Archive) -> Result<(), ArchiveError> + Send + 'static) -> Task<Message> {
        self.writing += 1;
        let archive = self.archive.clone();
        ask(move || work(&archive)).map(Message::Written)
    }

    fn close_note(&mut self) -> Action {
        self.note = None;
        Action::None
    }

    fn close_problem(&mut self) -> Action {
        self.problem = None;
        Action::None
    }

    /// Remembers something about the window, off the drawing thread.
    pub fn remember(&self, key: &'static str, value: String) -> Task<Message> {
        let archive = self.archive.clone();
        // Not remembering a width is no reason to disturb anyone.
        off(move || archive.set_setting(key, &value).ok()).discard()
    }
}

/// The message, when so much time has passed.
fn later_than(time: std::time::Duration, message: Message) -> Task<Message> {
    Task::future(async move {
        tokio::time::sleep(time).await;
        message
    })
}

/// How the sync log says why a visit ended early.
fn explained(error: &FetchError) -> String {
    Problem::from(error).to_string()
}

/// What identifies the worker of a desk among subscriptions.
struct Worker {
    generation: u64,
    archive: Archive,
}

impl std::hash::Hash for Worker {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.generation.hash(state);
    }
}
