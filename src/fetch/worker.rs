//! The worker as a stream: requests in, events out. It owns the running fetches and keeps the schedules; the window owns
//! nothing but the request channel.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::channel::mpsc;
use futures::future::BoxFuture;
use futures::stream::{self, FuturesUnordered, Stream, StreamExt};
use jiff::{SignedDuration, Timestamp};

use super::door;
use super::run::blocking;
use super::schedule::{Chance, Due, Ended, Facts, Schedule};
use super::visit::{Done, Kind, Visitor};
use super::{Event, FetchError, Request};
use crate::account::{Account, AccountId};
use crate::archive::{Archive, ArchiveError};
use crate::job::Cancel;
use crate::secrets;
use crate::transport;

/// How often the clock is looked at, and the network where it is missing.
const TICK: Duration = Duration::from_secs(5);
/// How long nothing is looked at where nothing is due.
const REST: Duration = Duration::from_secs(3600);
/// A clock that went on by this much between two looks: the computer slept.
const SLEPT: SignedDuration = SignedDuration::from_secs(90);
/// A clock that differs by this much from the time that passed: it slept a little, or the clock was set.
const SET: SignedDuration = SignedDuration::from_secs(30);

/// What the worker knows of the world beside the archive.
pub trait World: Send + Sync + 'static {
    /// By the clock of this computer, which can be set.
    fn now(&self) -> Timestamp;
    /// How long the program has been running, by a clock that nobody sets. It may stand while the computer sleeps.
    fn passed(&self) -> Duration;
    /// Waits, by the same clock.
    fn sleep(&self, length: Duration) -> BoxFuture<'static, ()>;
    /// Whether there is a way to anywhere.
    fn has_route(&self) -> bool;
    /// Any number, another one each time.
    fn chance(&self) -> u64;
}

/// The world as it is.
#[derive(Clone, Copy, Debug)]
pub struct ThisComputer {
    began: Instant,
}

impl Default for ThisComputer {
    fn default() -> ThisComputer {
        ThisComputer { began: Instant::now() }
    }
}

impl World for ThisComputer {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn passed(&self) -> Duration {
        self.began.elapsed()
    }

    fn sleep(&self, length: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(length))
    }

    fn has_route(&self) -> bool {
        transport::has_route()
    }

    fn chance(&self) -> u64 {
        RandomState::new().build_hasher().finish()
    }
}

/// The worker as a stream of events; requests go to the sender that [`Event::Ready`] hands out. Accounts that have an
/// interval are visited at once, and by it from then on. Dropping the stream stops it at a safe point. Polled inside a
/// tokio runtime.
///
/// `explain` turns the error that ended a visit into the sentence that the sync log keeps.
pub fn worker(archive: Archive, explain: fn(&FetchError) -> String) -> impl Stream<Item = Event> + Send + 'static {
    worker_in(archive, explain, Arc::new(ThisComputer::default()))
}

/// [`worker`] in another world, for tests.
pub fn worker_in(
    archive: Archive,
    explain: fn(&FetchError) -> String,
    world: Arc<dyn World>,
) -> impl Stream<Item = Event> + Send + 'static {
    let (requests, inbox) = mpsc::unbounded();
    let (events, told) = mpsc::unbounded();
    _ = events.unbounded_send(Event::Ready(requests));
    let worker = Worker {
        archive,
        explain,
        events,
        running: HashMap::new(),
        accounts: HashMap::new(),
        seen: (world.now(), world.passed()),
        had_route: true,
        world,
    };
    let serving = stream::once(worker.serve(inbox)).filter_map(|()| async { None });
    stream::select(told, serving.boxed())
}

type Jobs = FuturesUnordered<BoxFuture<'static, Done>>;

/// An account with its schedule.
struct Scheduled {
    /// As last read.
    account: Account,
    schedule: Schedule,
    /// What the window was told last.
    told: Option<Due>,
    /// It was changed so, while it was visited, that another visit is to follow.
    stale: bool,
}

struct Worker {
    archive: Archive,
    explain: fn(&FetchError) -> String,
    world: Arc<dyn World>,
    events: mpsc::UnboundedSender<Event>,
    /// How to stop what runs, one job an account at most.
    running: HashMap<AccountId, Cancel>,
    accounts: HashMap<AccountId, Scheduled>,
    /// What both clocks said when they were last looked at.
    seen: (Timestamp, Duration),
    /// Whether there was a way out when that was last looked for.
    had_route: bool,
}

impl Worker {
    async fn serve(mut self, mut inbox: mpsc::UnboundedReceiver<Request>) {
        let mut jobs = Jobs::new();
        for account in self.read_accounts().await {
            self.changed(account.id).await;
        }
        loop {
            self.visit_due(&mut jobs).await;
            self.tell_dues();
            tokio::select! {
                Some(done) = jobs.next() => self.ended(done).await,
                request = inbox.next() => match request {
                    Some(request) => self.answer(request, &mut jobs).await,
                    None => return,
                },
                () = self.world.sleep(self.pause()) => {}
            }
            self.look();
        }
    }

    async fn answer(&mut self, request: Request, jobs: &mut Jobs) {
        match request {
            Request::Fetch(account) => self.start(account, Kind::Fetch { by_user: true }, jobs).await,
            Request::DryRun(account, retention) => self.start(account, Kind::DryRun(retention), jobs).await,
            Request::FetchAll => {
                for account in self.read_accounts().await {
                    self.start(account.id, Kind::Fetch { by_user: false }, jobs).await;
                }
            }
            Request::Changed(account) => self.changed(account).await,
            Request::Cancel(account) => _ = self.running.get(&account).map(Cancel::cancel),
            Request::Password(id, password) => {
                if let Ok(Some((account, _))) = self.read(id).await {
                    secrets::hold(&account, &password);
                    self.start(id, Kind::Fetch { by_user: true }, jobs).await;
                }
            }
        }
    }

    /// Starts what is due.
    async fn visit_due(&mut self, jobs: &mut Jobs) {
        let now = self.world.now();
        let is_due = |scheduled: &Scheduled| scheduled.schedule.due().is_some_and(|due| due.at <= now);
        let due: Vec<AccountId> =
            self.accounts.iter().filter(|(_, scheduled)| is_due(scheduled)).map(|(id, _)| *id).collect();
        for id in due {
            self.start(id, Kind::Fetch { by_user: false }, jobs).await;
        }
    }

    async fn start(&mut self, id: AccountId, kind: Kind, jobs: &mut Jobs) {
        if self.running.contains_key(&id) {
            return;
        }
        let account = match self.read(id).await {
            Ok(Some((account, _))) => account,
            Ok(None) => return self.forget(id),
            // What cannot be read now is asked for again when it is due again.
            Err(_) => match self.accounts.get(&id) {
                Some(scheduled) => scheduled.account.clone(),
                None => return,
            },
        };
        let kind = match (kind, self.accounts.get_mut(&id)) {
            (Kind::Fetch { by_user }, Some(scheduled)) => {
                Kind::Fetch { by_user: scheduled.schedule.begin() || by_user }
            }
            (kind, _) => kind,
        };
        let cancel = Cancel::new();
        self.running.insert(id, cancel.clone());
        let (archive, events) = (self.archive.clone(), self.events.clone());
        let visitor = Visitor { archive, account, explain: self.explain, events, cancel };
        jobs.push(Box::pin(visitor.work(kind)));
    }

    async fn ended(&mut self, done: Done) {
        let Done { account: id, by_user, ended } = done;
        self.running.remove(&id);
        let Some(ended) = ended else { return };
        let facts = match self.read(id).await {
            Ok(None) => return self.forget(id),
            Ok(Some((account, facts))) => {
                self.schedule_of(account, facts);
                Some(facts)
            }
            Err(_) => None,
        };
        if ended == Ended::Network && !self.lacks_network() {
            self.had_route = self.world.has_route();
        }
        let (now, chance) = (self.world.now(), Chance::of(self.world.chance()));
        let Some(scheduled) = self.accounts.get_mut(&id) else { return };
        let every = scheduled.account.fetching.every;
        let facts = facts.unwrap_or(Facts { every, ..Facts::default() });
        scheduled.schedule.end(ended, by_user, facts, now, chance);
        if std::mem::take(&mut scheduled.stale) {
            scheduled.schedule.change(facts, true, now);
        }
    }

    /// An account may be new, changed or gone.
    async fn changed(&mut self, id: AccountId) {
        let (account, facts) = match self.read(id).await {
            Ok(Some(read)) => read,
            Ok(None) => return self.forget(id),
            Err(_) => return,
        };
        let Some(scheduled) = self.accounts.get_mut(&id) else {
            self.schedule_of(account, facts);
            return;
        };
        let before = std::mem::replace(&mut scheduled.account, account.clone());
        let afresh = before.server != account.server || before.password_command != account.password_command;
        if self.running.contains_key(&id) {
            scheduled.stale |= afresh;
            return;
        }
        let waited_for_user = scheduled.schedule.needs_user();
        scheduled.schedule.change(facts, afresh, self.world.now());
        if afresh || waited_for_user {
            // Whoever changes the account wants its login tried again.
            let archive = self.archive.clone();
            _ = blocking(move || archive.forget_refusal(&account)).await;
        }
    }

    /// The account's schedule, a new one where there was none.
    fn schedule_of(&mut self, account: Account, facts: Facts) {
        let now = self.world.now();
        let scheduled = self.accounts.entry(account.id).or_insert_with(|| Scheduled {
            account: account.clone(),
            schedule: Schedule::start(facts, now),
            told: None,
            stale: false,
        });
        scheduled.account = account;
    }

    fn forget(&mut self, id: AccountId) {
        self.running.get(&id).map(Cancel::cancel);
        if self.accounts.remove(&id).is_some_and(|scheduled| scheduled.told.is_some()) {
            self.tell(Event::Due(id, None));
        }
    }

    /// How long nothing needs to be done.
    fn pause(&self) -> Duration {
        let now = self.world.now();
        let idle = self.accounts.iter().filter(|(id, _)| !self.running.contains_key(id));
        let dues = idle.filter_map(|(_, scheduled)| scheduled.schedule.due());
        let next = dues.map(|due| Duration::try_from(due.at.duration_since(now)).unwrap_or_default()).min();
        next.map_or(REST, |wait| wait.min(TICK))
    }

    /// Looks at the clock, and for a network where one is missing.
    fn look(&mut self) {
        let (now, moment) = (self.world.now(), self.world.passed());
        let by_clock = now.duration_since(self.seen.0);
        let passed = SignedDuration::try_from(moment.saturating_sub(self.seen.1)).unwrap_or(SignedDuration::MAX);
        self.seen = (now, moment);
        let jumped = by_clock.saturating_sub(passed);
        if jumped < -SET {
            self.accounts.values_mut().for_each(|scheduled| scheduled.schedule.shift(jumped));
        } else if jumped > SET || by_clock > SLEPT {
            self.accounts.values_mut().for_each(|scheduled| scheduled.schedule.wake(now));
        }
        if self.lacks_network() {
            let has_route = self.world.has_route();
            if has_route && !self.had_route {
                self.accounts.values_mut().for_each(|scheduled| scheduled.schedule.network_back(now));
            }
            self.had_route = has_route;
        }
    }

    fn lacks_network(&self) -> bool {
        self.accounts.values().any(|scheduled| scheduled.schedule.lacks_network())
    }

    /// Tells the window which next visits are others than it knows.
    fn tell_dues(&mut self) {
        let mut news = Vec::new();
        for (id, scheduled) in &mut self.accounts {
            let due = scheduled.schedule.due();
            if due != std::mem::replace(&mut scheduled.told, due) {
                news.push(Event::Due(*id, due));
            }
        }
        news.into_iter().for_each(|event| self.tell(event));
    }

    fn tell(&self, event: Event) {
        // A window that is gone needs no events.
        _ = self.events.unbounded_send(event);
    }

    async fn read_accounts(&self) -> Vec<Account> {
        let archive = self.archive.clone();
        blocking(move || archive.accounts()).await.unwrap_or_default()
    }

    /// An account and what its schedule depends on; `None` when it is gone.
    async fn read(&self, id: AccountId) -> Result<Option<(Account, Facts)>, FetchError> {
        let (archive, now) = (self.archive.clone(), self.world.now());
        blocking(move || -> Result<_, ArchiveError> {
            let Some(account) = archive.accounts()?.into_iter().find(|account| account.id == id) else {
                return Ok(None);
            };
            let state = match archive.maildrop(&account)? {
                Some(maildrop) => archive.maildrop_state(maildrop, now)?,
                None => Default::default(),
            };
            let (earliest, delay) = (door::earliest(&state, &account, now), door::delay(&state, &account));
            let facts = Facts { every: account.fetching.every, earliest, delay };
            Ok(Some((account, facts)))
        })
        .await
    }
}
