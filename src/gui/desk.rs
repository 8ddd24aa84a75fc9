//! An open archive and everything on the screen about it: the screens, the dialog, the worker, the job. Routes messages
//! to the screens and alone carries out what they want.

pub mod view;

use std::collections::VecDeque;
use std::sync::Arc;

use futures::channel::mpsc;
use iced::{Subscription, Task};

use super::dialog::backup::BackUp;
use super::dialog::export::Export;
use super::dialog::incoming::{Incoming, Kind};
use super::dialog::password::Password;
use super::dialog::quit::Quit;
use super::dialog::removal::Removal;
use super::dialog::{self, Dialog, Intent, Which};
use super::job::{self, Ended, Order, Outcome, Running, Stopped};
use super::library::{Library, Stock};
use super::list::{self, List};
use super::off::{ask, off};
use super::open::{Opened, Remembered, Sample};
use super::reader::{self, Reader};
use super::setup::{self, Setup};
use super::theme::Choice;
use super::words::{Clock, messages};
use super::{bars, sidebar, welcome};
use crate::account::{Account, AccountId, MessageId, Retention};
use crate::archive::{Archive, ArchiveError, Mail, Row, SessionOutcome, View};
use crate::fetch::{self, Event, FetchError, Request};
use crate::job::{Cancelled, Progress};
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
    pub(super) page: Page,
    pub(super) dialog: Option<Dialog>,
    pub job: Option<Running>,
    ended: Option<Ended>,
    worker: Option<mpsc::UnboundedSender<Request>>,
    /// Accounts whose password is wanted while another dialog is open.
    wanted: VecDeque<AccountId>,
    notice: Option<String>,
    problem: Option<Problem>,
    /// The whole sidebar lies over the list of a narrow window.
    unfolded: bool,
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
    CloseProblem,
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
    pub fn new(opened: Opened, generation: u64) -> (Desk, Task<Message>) {
        let mut library = Library { sample: opened.sample.is_some(), ..Library::default() };
        library.restock(opened.stock);
        let empty = library.accounts.is_empty() && library.counts.all == 0;
        let mut desk = Desk {
            archive: opened.archive,
            generation,
            _sample: opened.sample,
            library,
            list: List::new(),
            reader: Reader::default(),
            page: if empty { Page::Welcome } else { Page::Mailbox },
            dialog: None,
            job: None,
            ended: None,
            worker: None,
            wanted: VecDeque::new(),
            notice: None,
            problem: None,
            unfolded: false,
            writing: 0,
            renewing: false,
            renew_again: false,
            remembered: opened.remembered,
        };
        let list = desk.list.list(&desk.archive).map(Message::List);
        (desk, list)
    }

    /// The worker, for as long as this desk stands.
    pub fn subscription(&self) -> Subscription<Message> {
        let worker = Worker { generation: self.generation, archive: self.archive.clone() };
        Subscription::run_with(worker, |worker| fetch::worker(worker.archive.clone())).map(Message::Worker)
    }

    pub fn update(&mut self, message: Message, clock: &Clock) -> Action {
        match message {
            Message::Worker(event) => self.heard(event).into(),
            Message::Top(message) => self.bars(message),
            Message::Sidebar(message) => self.sidebar(message).into(),
            Message::List(message) => self.list(message, clock).into(),
            Message::Reader(message) => self.reader(message).into(),
            Message::Welcome(message) => self.welcome(message),
            Message::Setup(message) => self.setup(message),
            Message::Dialog(message) => self.dialog(message),
            Message::Job(message) => self.job(message).into(),
            Message::Stocked(stock, relist) => self.stocked(stock, relist).into(),
            Message::Written(result) => self.written(result).into(),
            Message::CloseProblem => self.close_problem(),
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

    fn stocked(&mut self, stock: Result<Stock, Problem>, relist: bool) -> Task<Message> {
        self.renewing = false;
        match stock {
            Ok(stock) => self.library.restock(stock),
            Err(problem) => self.problem = Some(problem),
        }
        let list = if relist { self.list.list(&self.archive).map(Message::List) } else { Task::none() };
        if std::mem::take(&mut self.renew_again) { Task::batch([list, self.renew(true)]) } else { list }
    }

    fn written(&mut self, result: Result<(), Problem>) -> Task<Message> {
        self.writing -= 1;
        match result {
            Ok(()) => self.renew(false),
            Err(problem) => {
                self.problem = Some(problem);
                self.renew(true)
            }
        }
    }

    fn write(&mut self, work: impl FnOnce(&Archive) -> Result<(), ArchiveError> + Send + 'static) -> Task<Message> {
        self.writing += 1;
        let archive = self.archive.clone();
        ask(move || work(&archive)).map(Message::Written)
    }

    fn close_problem(&mut self) -> Action {
        self.problem = None;
        Action::None
    }

    // The worker.

    fn heard(&mut self, event: Event) -> Task<Message> {
        if let Some(dialog) = &mut self.dialog {
            dialog.hear(&event);
        }
        match event {
            Event::Ready(sender) => self.ready(sender),
            Event::Started(account) => self.started(account),
            Event::Progress(account, progress) => {
                self.library.fetching.insert(account, progress);
                Task::none()
            }
            Event::Arrived(..) => self.renew(true),
            Event::PasswordWanted(account) => self.password_wanted(account),
            Event::Planned(account, _) => {
                self.library.fetching.remove(&account);
                Task::none()
            }
            Event::Finished(account, outcome, error) => self.finished(account, &outcome, error.as_deref()),
        }
    }

    fn ready(&mut self, sender: mpsc::UnboundedSender<Request>) -> Task<Message> {
        self.worker = Some(sender);
        if !self.library.accounts.is_empty() {
            self.send(Request::FetchAll);
        }
        Task::none()
    }

    fn started(&mut self, account: AccountId) -> Task<Message> {
        self.notice = None;
        self.library.fetching.insert(account, Progress::default());
        Task::none()
    }

    fn finished(&mut self, account: AccountId, outcome: &SessionOutcome, error: Option<&FetchError>) -> Task<Message> {
        self.library.fetching.remove(&account);
        match error {
            None => self.notice = Some(format!("{}: {}", self.library.name(account), came(outcome))),
            Some(FetchError::Cancelled(_)) => self.notice = Some(Problem::from(&Cancelled).to_string()),
            // It is asked for.
            Some(FetchError::NoPassword) => {}
            Some(error) => self.problem = Some(Problem::from(error)),
        }
        // A dry run asked for while the fetch ran was not heard.
        let waiting = matches!(&self.dialog, Some(Dialog::Removal(dry)) if dry.account == account && dry.is_asking());
        let again = if waiting { later(Message::DryRun(account)) } else { Task::none() };
        Task::batch([again, self.renew(true)])
    }

    fn dry_run(&mut self, account: AccountId) -> Action {
        self.send(Request::DryRun(account));
        Action::None
    }

    fn password_wanted(&mut self, account: AccountId) -> Task<Message> {
        self.library.fetching.remove(&account);
        if !self.wanted.contains(&account) {
            self.wanted.push_back(account);
        }
        self.ask_for_password()
    }

    /// Opens the dialog for the next password that is wanted, unless another dialog is open.
    fn ask_for_password(&mut self) -> Task<Message> {
        if self.dialog.is_some() || !matches!(self.page, Page::Mailbox) {
            return Task::none();
        }
        while let Some(id) = self.wanted.pop_front() {
            if let Some(account) = self.library.account(id) {
                self.dialog = Some(Dialog::Password(Password::new(account.clone())));
                return Password::focus();
            }
        }
        Task::none()
    }

    // The bars.

    fn bars(&mut self, message: bars::Message) -> Action {
        match message {
            bars::Message::Search(query) => self.search(query).into(),
            bars::Message::ClearSearch => self.search(String::new()).into(),
            bars::Message::CheckMail => self.check_mail(),
            bars::Message::Export => self.open(Which::Export).into(),
            bars::Message::Settings => self.open(Which::Settings).into(),
            bars::Message::LeaveSample => Action::LeaveSample,
            bars::Message::StopFetch(account) => self.stop_fetch(account),
            bars::Message::StopJob => self.stop_job(),
            bars::Message::ShowJob => self.show_job(),
            bars::Message::DismissNotice => {
                self.notice = None;
                Action::None
            }
        }
    }

    pub fn search(&mut self, query: String) -> Task<Message> {
        self.list.search(query, &self.archive).map(Message::List)
    }

    pub fn check_mail(&mut self) -> Action {
        if self.library.fetching.is_empty() {
            self.problem = None;
            self.send(Request::FetchAll);
        }
        Action::None
    }

    fn stop_fetch(&mut self, account: AccountId) -> Action {
        self.send(Request::Cancel(account));
        Action::None
    }

    fn stop_job(&mut self) -> Action {
        if let Some(job) = &mut self.job {
            job.stop();
        }
        Action::None
    }

    fn show_job(&mut self) -> Action {
        let Some(job) = &self.job else { return Action::None };
        self.dialog = Some(match job.order {
            Order::BackUp { .. } | Order::Verify(_) => Dialog::BackUp(BackUp::running()),
            Order::Export { .. } => Dialog::Export(Export::running()),
            Order::Import(_) => Dialog::Incoming(Incoming::running(Kind::Import)),
            Order::Restore(_) => Dialog::Incoming(Incoming::running(Kind::Restore)),
        });
        Action::None
    }

    // The sidebar.

    fn sidebar(&mut self, message: sidebar::Message) -> Task<Message> {
        match message {
            sidebar::Message::Show(view) => self.show(view),
            sidebar::Message::LeaveCopy(account, true) => self.retain(account, Retention::LeaveCopy),
            sidebar::Message::LeaveCopy(account, false) => self.ask_about_removal(account),
            sidebar::Message::Configure(account) => self.configure(account),
            sidebar::Message::AddMailbox => self.open(Which::AddMailbox),
            sidebar::Message::BackUp => self.open(Which::BackUp),
            sidebar::Message::Unfold(unfolded) => {
                self.unfolded = unfolded;
                Task::none()
            }
        }
    }

    fn show(&mut self, view: View) -> Task<Message> {
        self.unfolded = false;
        self.reader.close();
        self.list.deselect();
        self.list.show(view, &self.archive).map(Message::List)
    }

    fn retain(&mut self, account: AccountId, retention: Retention) -> Task<Message> {
        let Some(known) = self.library.accounts.iter_mut().find(|known| known.id == account) else {
            return Task::none();
        };
        known.retention = retention;
        let changed = known.clone();
        self.write(move |archive| archive.change_account(&changed))
    }

    fn ask_about_removal(&mut self, account: AccountId) -> Task<Message> {
        let (removal, request) = Removal::new(account);
        self.dialog = Some(Dialog::Removal(removal));
        self.send(request);
        Task::none()
    }

    fn configure(&mut self, id: AccountId) -> Task<Message> {
        if let Some(account) = self.library.account(id) {
            self.dialog = Some(Dialog::Account(dialog::account::Settings::new(account.clone())));
        }
        Task::none()
    }

    fn open(&mut self, which: Which) -> Task<Message> {
        self.ended = None;
        let last = self.library.last_backup.as_ref().map(|(folder, _)| folder);
        self.dialog = Some(match which {
            Which::AddMailbox => Dialog::Mailbox(Box::new(Setup::new())),
            Which::BackUp => Dialog::BackUp(BackUp::new(last, None)),
            Which::Export => Dialog::Export(Export::new(&self.list.query)),
            Which::Import => Dialog::Incoming(Incoming::new(Kind::Import)),
            Which::Restore => Dialog::Incoming(Incoming::new(Kind::Restore)),
            Which::Settings => Dialog::Settings,
        });
        match which {
            Which::AddMailbox => iced::widget::operation::focus(setup::ADDRESS),
            _ => Task::none(),
        }
    }

    // The list and the reader.

    pub fn list(&mut self, message: list::Message, clock: &Clock) -> Task<Message> {
        match self.list.update(message, &self.archive, clock) {
            list::Action::None => Task::none(),
            list::Action::Run(task) => task.map(Message::List),
            list::Action::Open(row, task) => self.show_message(row.id, task),
            list::Action::OpenById(id, task) => self.show_message(id, task),
            list::Action::Failed(problem) => {
                self.problem = Some(problem);
                Task::none()
            }
        }
    }

    fn show_message(&mut self, id: MessageId, list: Task<list::Message>) -> Task<Message> {
        let reader = self.reader.show(id, &self.archive).map(Message::Reader);
        Task::batch([list.map(Message::List), reader])
    }

    pub fn reader(&mut self, message: reader::Message) -> Task<Message> {
        match self.reader.update(message, &self.archive) {
            reader::Action::None => Task::none(),
            reader::Action::Run(task) => task.map(Message::Reader),
            reader::Action::Shown(id) => self.shown(id),
            reader::Action::Star(id, starred) => self.star(id, starred),
            reader::Action::Unread(id) => self.mark_read(id, false),
            reader::Action::Back => {
                self.reader.close();
                Task::none()
            }
        }
    }

    fn shown(&mut self, id: MessageId) -> Task<Message> {
        let top = iced::widget::operation::snap_to(reader::SCROLL, iced::widget::scrollable::RelativeOffset::START);
        let unread = self.reader.open.as_ref().is_some_and(|open| !open.row.marks.read);
        if unread { Task::batch([top, self.mark_read(id, true)]) } else { top }
    }

    fn mark(&mut self, id: MessageId, change: impl Fn(&mut Row)) {
        self.list.mark(id, &change);
        self.reader.update_row(id, change);
    }

    fn mark_read(&mut self, id: MessageId, read: bool) -> Task<Message> {
        self.mark(id, |row| row.marks.read = read);
        self.write(move |archive| archive.set_read(&[id], read))
    }

    fn star(&mut self, id: MessageId, starred: bool) -> Task<Message> {
        self.mark(id, |row| row.marks.starred = starred);
        self.write(move |archive| archive.set_starred(&[id], starred))
    }

    // The first start.

    fn welcome(&mut self, message: welcome::Message) -> Action {
        match message {
            welcome::Message::AddMailbox => {
                self.page = Page::Setup(Box::new(Setup::new()));
                iced::widget::operation::focus(setup::ADDRESS).into()
            }
            welcome::Message::Restore => self.open(Which::Restore).into(),
            welcome::Message::Import => self.open(Which::Import).into(),
            welcome::Message::TrySample => Action::TrySample,
        }
    }

    fn setup(&mut self, message: setup::Message) -> Action {
        let Page::Setup(setup) = &mut self.page else { return Action::None };
        match setup.update(message, &self.archive) {
            dialog::Action::None => Action::None,
            dialog::Action::Run(task) => task.map(Message::Setup).into(),
            dialog::Action::Want(Intent::Close) => {
                self.page = Page::Welcome;
                Action::None
            }
            dialog::Action::Want(intent) => self.wanted(intent),
        }
    }

    // The dialogs.

    fn dialog(&mut self, message: dialog::Message) -> Action {
        let Some(dialog) = &mut self.dialog else { return Action::None };
        match dialog.update(message, &self.archive) {
            dialog::Action::None => Action::None,
            dialog::Action::Run(task) => task.map(Message::Dialog).into(),
            dialog::Action::Want(intent) => self.wanted(intent),
        }
    }

    /// Esc on a page: from the form back to the choices. Whether there was such a page.
    pub fn leave_page(&mut self) -> bool {
        let left = matches!(self.page, Page::Setup(_));
        if left {
            self.page = Page::Welcome;
        }
        left
    }

    /// Closes the dialog, unless it may not be closed.
    pub fn close_dialog(&mut self) -> Task<Message> {
        if self.dialog.as_ref().is_some_and(|dialog| !dialog.can_be_closed()) {
            return Task::none();
        }
        self.dialog = None;
        self.ended = None;
        self.ask_for_password()
    }

    fn wanted(&mut self, intent: Intent) -> Action {
        match intent {
            Intent::Close => self.close_dialog().into(),
            Intent::Start(order) => self.start(order).into(),
            Intent::StopJob => self.stop_job(),
            Intent::Ask(request) => {
                self.send(request);
                Action::None
            }
            Intent::Password(account, password, said) => {
                self.send(Request::Password(account, password));
                self.notice = said;
                self.close_dialog().into()
            }
            Intent::StopLeaving(account) => self.stop_leaving(account).into(),
            Intent::BackUpThenStopLeaving(account) => self.back_up_first(account),
            Intent::Saved(account, said) => self.saved(*account, said).into(),
            Intent::SavedNotLeaving(account, said) => self.saved_not_leaving(*account, said).into(),
            Intent::ChangeServer(account) => self.change_server(account),
            Intent::Removed(account, mail) => self.removed(account, mail).into(),
            Intent::Theme(choice) => Action::Theme(choice),
            Intent::Open(which) => self.open(which).into(),
            Intent::TrySample => Action::TrySample,
            Intent::Quit => self.stop_everything(),
        }
    }

    fn stop_leaving(&mut self, account: AccountId) -> Task<Message> {
        let close = self.close_dialog();
        self.notice = Some("From the next check on, stored mail is removed from the server.".to_owned());
        Task::batch([close, self.retain(account, Retention::RemoveOnceStored)])
    }

    fn back_up_first(&mut self, account: AccountId) -> Action {
        let last = self.library.last_backup.as_ref().map(|(folder, _)| folder);
        self.ended = None;
        self.dialog = Some(Dialog::BackUp(BackUp::new(last, Some(account))));
        Action::None
    }

    fn change_server(&mut self, id: AccountId) -> Action {
        if let Some(account) = self.library.account(id) {
            self.dialog = Some(Dialog::Mailbox(Box::new(Setup::change(account.clone()))));
        }
        Action::None
    }

    fn saved(&mut self, account: Account, said: Option<String>) -> Task<Message> {
        self.page = Page::Mailbox;
        let close = self.close_dialog();
        self.notice = said;
        self.problem = None;
        self.send(Request::Fetch(account.id));
        Task::batch([close, self.renew(true)])
    }

    /// An account was saved that is to leave no copies: it fetches only after the dry run was answered.
    fn saved_not_leaving(&mut self, account: Account, said: Option<String>) -> Task<Message> {
        let id = account.id;
        self.page = Page::Mailbox;
        let close = self.close_dialog();
        self.notice = said;
        self.problem = None;
        self.library.accounts.retain(|known| known.id != id);
        self.library.accounts.push(account);
        Task::batch([close, self.ask_about_removal(id), self.renew(true)])
    }

    fn removed(&mut self, account: AccountId, mail: Mail) -> Task<Message> {
        self.send(Request::Cancel(account));
        self.library.fetching.remove(&account);
        let close = self.close_dialog();
        let said = match mail {
            Mail::Keep => "The account was removed. Its mail is still here.",
            Mail::Erase => "The account was removed, and its mail erased from this computer.",
        };
        self.notice = Some(said.to_owned());
        self.reader.close();
        Task::batch([close, self.show(View::All), self.renew(true)])
    }

    fn stop_everything(&mut self) -> Action {
        let accounts: Vec<AccountId> = self.library.fetching.keys().copied().collect();
        accounts.into_iter().for_each(|account| self.send(Request::Cancel(account)));
        self.stop_job();
        Action::Quit(Task::none())
    }

    // The job.

    fn start(&mut self, order: Order) -> Task<Message> {
        if self.job.is_some() {
            return Task::none();
        }
        let (running, task) = Running::start(&self.archive, order);
        self.job = Some(running);
        self.ended = None;
        self.notice = None;
        task.map(Message::Job)
    }

    fn job(&mut self, message: job::Message) -> Task<Message> {
        match message {
            job::Message::Progress(step, progress) => {
                if let Some(job) = &mut self.job {
                    job.report(step, progress);
                }
                Task::none()
            }
            job::Message::Ended(ended) => self.ended(ended),
        }
    }

    fn ended(&mut self, ended: Ended) -> Task<Message> {
        self.job = None;
        self.page = if self.library.accounts.is_empty() && matches!(ended.result, Err(_)) {
            std::mem::replace(&mut self.page, Page::Mailbox)
        } else {
            Page::Mailbox
        };
        let mut tasks = vec![self.renew(true)];
        match (&ended.result, &ended.order) {
            (Ok(Outcome::BackedUp(done)), Order::BackUp { then_remove: Some(account), .. })
                if done.failed.is_empty() =>
            {
                tasks.push(self.retain(*account, Retention::RemoveOnceStored));
            }
            (Err(Stopped::By(problem)), _) if self.dialog.is_none() => self.problem = Some(problem.clone()),
            _ => {}
        }
        self.notice = Some(ended.says());
        self.ended = Some(ended);
        Task::batch(tasks)
    }

    /// Remembers something about the window, off the drawing thread.
    pub fn remember(&self, key: &'static str, value: String) -> Task<Message> {
        let archive = self.archive.clone();
        // Not remembering a width is no reason to disturb anyone.
        off(move || archive.set_setting(key, &value).ok()).discard()
    }
}

/// What a visit to the server came to.
fn came(outcome: &SessionOutcome) -> String {
    let mut sentence = match outcome.retrieved {
        0 => "nothing new.".to_owned(),
        new => format!("{} new.", messages(new)),
    };
    if outcome.deleted > 0 {
        sentence.push_str(&format!(" {} removed from the server, each proved to be here.", messages(outcome.deleted)));
    }
    if outcome.failed > 0 {
        sentence.push_str(&format!(" {} could not be fetched and stay on the server.", messages(outcome.failed)));
    }
    sentence
}

/// The message, a moment from now.
fn later(message: Message) -> Task<Message> {
    Task::future(async move {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        message
    })
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
