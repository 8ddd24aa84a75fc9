//! The worker keeps its schedules: against the embedded server, over real sockets, in a world whose clocks, network and
//! chance the test holds in its hand.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)]

mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures::FutureExt as _;
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::future::BoxFuture;
use futures::stream::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use postkeep::account::{AccountId, Retention, Security};
use postkeep::archive::{Mail, SessionOutcome};
use postkeep::demo::{Act, Capa, Cut, Fault, Options, Server, Verb, When};
use postkeep::fetch::{Event, FetchError, Request, Why, World, worker_in};
use postkeep::secrets;
use support::rig::{Rig, new_account};
use tokio::sync::watch;

/// By how much the hand's clock is ahead of the real one.
const AHEAD: SignedDuration = SignedDuration::from_secs(60);

/// Time passes when the test says so.
struct Hand {
    clocks: Mutex<Clocks>,
    passing: watch::Sender<()>,
    /// How often the worker lay down to sleep.
    slept: watch::Sender<u64>,
    route: AtomicBool,
}

struct Clocks {
    /// What the computer shows.
    wall: Timestamp,
    passed: Duration,
    /// Until when the worker sleeps.
    until: Duration,
}

impl Hand {
    fn new() -> Arc<Hand> {
        // A little ahead, lest what a visit notes by the real clock lies in the future.
        let wall = Timestamp::now().checked_add(AHEAD).expect("a time");
        let clocks = Clocks { wall, passed: Duration::ZERO, until: Duration::MAX };
        let (passing, slept) = (watch::Sender::new(()), watch::Sender::new(0));
        Arc::new(Hand { clocks: Mutex::new(clocks), passing, slept, route: AtomicBool::new(true) })
    }

    fn clocks(&self) -> MutexGuard<'_, Clocks> {
        self.clocks.lock().expect("the clocks")
    }

    /// Sets the clock on by `wall` while so much time passes; returns when the worker has seen it, if that woke it.
    async fn pass(&self, wall: SignedDuration, passing: Duration) {
        let mut slept = self.slept.subscribe();
        let wakes = {
            let mut clocks = self.clocks();
            clocks.wall = clocks.wall.checked_add(wall).expect("a time");
            clocks.passed += passing;
            clocks.until <= clocks.passed
        };
        _ = self.passing.send(());
        if wakes {
            slept.changed().await.expect("a worker");
        }
    }
}

/// What the worker holds of it.
struct Held(Arc<Hand>);

impl World for Held {
    fn now(&self) -> Timestamp {
        self.0.clocks().wall
    }

    fn passed(&self) -> Duration {
        self.0.clocks().passed
    }

    fn sleep(&self, length: Duration) -> BoxFuture<'static, ()> {
        let mut passing = self.0.passing.subscribe();
        let until = {
            let mut clocks = self.0.clocks();
            clocks.until = clocks.passed + length;
            clocks.until
        };
        self.0.slept.send_modify(|slept| *slept += 1);
        let hand = self.0.clone();
        Box::pin(async move {
            while hand.clocks().passed < until {
                passing.changed().await.expect("a hand");
            }
        })
    }

    fn has_route(&self) -> bool {
        self.0.route.load(Ordering::Relaxed)
    }

    fn chance(&self) -> u64 {
        // In the middle: waits are as long as the table says.
        1000
    }
}

/// A worker with one account.
struct Office {
    rig: Rig,
    hand: Arc<Hand>,
    events: UnboundedReceiver<Event>,
    requests: UnboundedSender<Request>,
}

fn sentence(error: &FetchError) -> String {
    format!("In words: {error}.")
}

fn mail(number: u32) -> Vec<u8> {
    format!("From: ada@example.org\r\nSubject: Number {number}\r\n\r\nText.\r\n").into_bytes()
}

impl Office {
    async fn open(options: Options, every: u16) -> Office {
        let mut rig = Rig::new(options, Retention::LeaveCopy);
        rig.account.fetching.every = every;
        rig.archive.change_account(&rig.account).unwrap();
        secrets::hold(&rig.account, &rig.password());
        Office::around(rig).await
    }

    async fn around(rig: Rig) -> Office {
        let hand = Hand::new();
        let worker = worker_in(rig.archive.clone(), sentence, Arc::new(Held(hand.clone())));
        let (teller, mut events) = unbounded();
        tokio::spawn(worker.map(Ok).forward(teller));
        let Some(Event::Ready(requests)) = events.next().await else { panic!("not ready") };
        Office { rig, hand, events, requests }
    }

    fn id(&self) -> AccountId {
        self.rig.account.id
    }

    fn ask(&self, request: Request) {
        self.requests.unbounded_send(request).expect("the worker listens");
    }

    async fn next(&mut self) -> Event {
        tokio::time::timeout(Duration::from_secs(20), self.events.next()).await.expect("an event").expect("no end")
    }

    /// The visit that begins or is going on, to its end.
    async fn visit(&mut self) -> Visit {
        let mut visit = Visit::default();
        loop {
            match self.next().await {
                Event::PasswordWanted(_) => visit.asked += 1,
                Event::Finished(_, outcome, error) => {
                    (visit.outcome, visit.error) = (outcome, error);
                    break;
                }
                _ => {}
            }
        }
        visit
    }

    /// The visit that the user just asked for, and no other is due meanwhile.
    async fn visit_asked_for(&mut self) -> Visit {
        assert_eq!(self.due().await, None);
        self.visit().await
    }

    /// Time passes until the worker looks at its clock again.
    async fn tick(&mut self) {
        let length = {
            let clocks = self.hand.clocks();
            clocks.until - clocks.passed
        };
        self.hand.pass(SignedDuration::try_from(length).expect("short"), length).await;
    }

    /// Seconds from now on to the next visit by itself, and why then, as the worker tells next.
    async fn due(&mut self) -> Option<(i64, Why)> {
        let Event::Due(_, due) = self.next().await else { panic!("another event") };
        let now = self.hand.clocks().wall;
        due.map(|due| (due.at.duration_since(now).as_secs(), due.why))
    }

    /// Lets time pass, at most so many seconds of it, until a visit begins by itself; answers how many.
    async fn pass(&mut self, most: u64) -> u64 {
        let (before, most) = (self.hand.clocks().passed, Duration::from_secs(most));
        loop {
            let (passed, until) = {
                let clocks = self.hand.clocks();
                (clocks.passed - before, clocks.until - before)
            };
            if passed >= most {
                return passed.as_secs();
            }
            let step = until.min(most) - passed;
            self.hand.pass(SignedDuration::try_from(step).expect("short"), step).await;
            if let Some(event) = self.events.next().now_or_never() {
                assert!(matches!(event, Some(Event::Due(_, None))), "{event:?}");
                return (self.hand.clocks().passed - before).as_secs();
            }
        }
    }

    /// The worker has done what it wanted to, and told nothing more: it answers a dry run.
    async fn quiet(&mut self) {
        self.ask(Request::DryRun(self.id(), Retention::LeaveCopy));
        assert!(matches!(self.next().await, Event::Started(_)), "quiet before");
        assert!(matches!(self.next().await, Event::Planned(..)));
    }
}

#[derive(Default)]
struct Visit {
    asked: u32,
    outcome: SessionOutcome,
    error: Option<Arc<FetchError>>,
}

impl Visit {
    #[track_caller]
    fn well(&self) -> u64 {
        assert!(self.error.is_none() && self.asked == 0, "{:?}", self.error);
        self.outcome.retrieved
    }
}

fn three() -> Options {
    Options::default().messages((0..3).map(mail))
}

#[tokio::test]
async fn an_account_is_visited_at_the_start_and_by_its_interval() {
    let mut office = Office::open(three(), 15).await;
    assert_eq!(office.visit().await.well(), 3);
    assert_eq!(office.due().await, Some((900, Why::Interval)));
    office.rig.server.add(mail(9));
    assert_eq!(office.pass(10_000).await, 900);
    assert_eq!(office.visit().await.well(), 1);
    assert_eq!(office.due().await, Some((900, Why::Interval)));
}

#[tokio::test]
async fn an_account_without_an_interval_is_visited_only_when_asked() {
    let mut office = Office::open(three(), 0).await;
    assert_eq!(office.pass(100_000).await, 100_000);
    office.quiet().await;
    office.ask(Request::Fetch(office.id()));
    assert_eq!(office.visit().await.well(), 3);
    assert_eq!(office.pass(100_000).await, 100_000);
    office.rig.server.play(hang_up());
    office.ask(Request::FetchAll);
    assert!(office.visit().await.error.is_some());
    assert_eq!(office.pass(100_000).await, 100_000, "nothing is tried again by itself");
}

/// The server hangs up before its greeting.
fn hang_up() -> Fault {
    Fault::new(Verb::Greeting, When::Always, Act::Drop(Cut::Reset))
}

#[tokio::test]
async fn trouble_is_tried_again_later_each_time_and_never_asks_for_a_password() {
    for (fault, why) in
        [(hang_up(), Why::Network), (Fault::refuse(Verb::Greeting, When::Always, "too busy"), Why::Server)]
    {
        let mut office = Office::open(three().fault(fault), 15).await;
        for seconds in [60, 120, 300, 900, 3600, 3600] {
            let visit = office.visit().await;
            assert!(visit.error.is_some());
            assert_eq!((visit.asked, office.due().await), (0, Some((seconds, why))));
            assert_eq!(i64::try_from(office.pass(10_000).await), Ok(seconds));
        }
        office.visit().await;
        office.due().await;
        office.rig.mend();
        office.ask(Request::Fetch(office.id()));
        assert_eq!(office.visit_asked_for().await.well(), 3);
        assert_eq!(office.due().await, Some((900, Why::Interval)), "{why:?} is forgotten");
    }
}

#[tokio::test]
async fn a_network_that_comes_back_is_used_at_once() {
    let mut office = Office::open(three().fault(hang_up()), 15).await;
    office.hand.route.store(false, Ordering::Relaxed);
    for seconds in [60, 120, 300] {
        assert!(office.visit().await.error.is_some());
        assert_eq!(office.due().await, Some((seconds, Why::Network)));
        if seconds < 300 {
            office.pass(10_000).await;
        }
    }
    assert_eq!(office.pass(20).await, 20);
    office.rig.mend();
    office.hand.route.store(true, Ordering::Relaxed);
    office.tick().await;
    assert_eq!(office.due().await, Some((3, Why::NetworkBack)));
    assert_eq!(office.pass(10_000).await, 3);
    assert_eq!(office.visit().await.well(), 3);
}

#[tokio::test]
async fn a_refused_login_waits_for_the_user_and_other_accounts_go_on() {
    let refusing = three().user("eve@example.org").refuse_login("[AUTH] no");
    let mut office = Office::open(refusing, 15).await;
    let visit = office.visit().await;
    assert_eq!(visit.asked, 1);
    assert_eq!(office.pass(200_000).await, 200_000, "nothing is tried by itself");
    let sessions = office.rig.server.sessions().len();

    office.ask(Request::FetchAll);
    let visit = office.visit().await;
    assert!(matches!(visit.error.as_deref(), Some(FetchError::RefusedBefore)), "{:?}", visit.error);
    assert_eq!((visit.asked, office.rig.server.sessions().len()), (0, sessions));

    let other = Server::start(0, three().user("adam@example.org")).expect("a server");
    let new = new_account(&other, Security::Tls, Retention::LeaveCopy);
    let account = office.rig.archive.add_account(&new).expect("added");
    secrets::hold(&account, &other.password().to_owned().into());
    office.ask(Request::Changed(account.id));
    assert_eq!(office.visit().await.well(), 3);
    assert_eq!(office.due().await, Some((900, Why::Interval)));

    // Who asks for this very account wants it tried, and is asked again.
    office.ask(Request::Fetch(office.id()));
    assert_eq!(office.visit().await.asked, 1);
    assert!(office.rig.server.sessions().len() > sessions);

    office.rig.mend();
    office.ask(Request::Password(office.id(), office.rig.password()));
    assert_eq!(office.visit().await.well(), 3);
    assert_eq!(office.due().await, Some((900, Why::Interval)));
}

#[tokio::test]
async fn a_login_refused_before_is_not_tried_at_the_next_start_but_after_a_change() {
    let mut office = Office::open(three().user("lot@example.org").refuse_login("[AUTH] no"), 15).await;
    assert_eq!(office.visit().await.asked, 1);
    let sessions = office.rig.server.sessions().len();
    let mut office = Office::around(office.rig).await;
    let visit = office.visit().await;
    assert!(matches!(visit.error.as_deref(), Some(FetchError::RefusedBefore)), "{:?}", visit.error);
    assert_eq!((visit.asked, office.rig.server.sessions().len()), (0, sessions));

    office.rig.mend();
    office.rig.account.name = "Lot".into();
    office.rig.archive.change_account(&office.rig.account).expect("changed");
    office.ask(Request::Changed(office.id()));
    assert_eq!(office.visit().await.well(), 3);
}

#[tokio::test]
async fn the_servers_reason_decides_what_comes_next() {
    let table = [
        ("[SYS/PERM] ask the postmaster", None),
        ("[SYS/TEMP] soon", Some((60, Why::Server))),
        ("[in-use] another session", Some((90, Why::InUse))),
        ("[LOGIN-DELAY] wait", Some((60, Why::LoginDelay))),
    ];
    for (text, expected) in table {
        let mut office = Office::open(three().refuse_login(text), 15).await;
        let visit = office.visit().await;
        assert_eq!(visit.asked, 0, "{text}");
        match expected {
            Some(due) => assert_eq!(office.due().await, Some(due), "{text}"),
            None => assert_eq!(office.pass(100_000).await, 100_000, "{text}"),
        }
    }
}

#[tokio::test]
async fn a_login_delay_comes_before_every_wish() {
    let lines = ["USER", "TOP", "UIDL", "LOGIN-DELAY 900"].map(str::to_owned).to_vec();
    let mut office = Office::open(three().capa(Capa::Lines(lines)), 1).await;
    assert_eq!(office.visit().await.well(), 3);
    let (seconds, why) = office.due().await.expect("a visit");
    assert_eq!(why, Why::LoginDelay);
    assert!((780..=840).contains(&seconds), "{seconds}");
    let sessions = office.rig.server.sessions().len();
    office.ask(Request::Fetch(office.id()));
    let visit = office.visit_asked_for().await;
    assert!(matches!(visit.error.as_deref(), Some(FetchError::TooSoon { .. })), "{:?}", visit.error);
    assert_eq!(office.due().await.map(|due| due.1), Some(Why::LoginDelay), "it comes as soon as it may");
    assert_eq!(office.rig.server.sessions().len(), sessions);
}

#[tokio::test]
async fn a_computer_that_wakes_visits_what_was_due() {
    let mut office = Office::open(three(), 15).await;
    assert_eq!(office.visit().await.well(), 3);
    office.due().await;
    // Asleep for eight hours, in which the program's own clock stood.
    office.hand.pass(SignedDuration::from_hours(8), Duration::from_secs(5)).await;
    assert_eq!(office.due().await, Some((3, Why::Woke)));
    assert_eq!(office.pass(10_000).await, 3);
    assert_eq!(office.visit().await.well(), 0);
    assert_eq!(office.due().await, Some((900, Why::Interval)));
}

#[tokio::test]
async fn a_clock_that_is_set_back_delays_nothing() {
    let mut office = Office::open(three(), 15).await;
    assert_eq!(office.visit().await.well(), 3);
    office.due().await;
    office.hand.pass(SignedDuration::from_hours(-10 * 365 * 24), Duration::from_secs(5)).await;
    assert_eq!(office.due().await, Some((895, Why::Interval)));
    assert_eq!(office.pass(10_000).await, 895);
    assert_eq!(office.visit().await.well(), 0);
}

#[tokio::test]
async fn changes_are_followed_and_removed_accounts_forgotten() {
    let mut office = Office::open(three(), 15).await;
    assert_eq!(office.visit().await.well(), 3);
    assert_eq!(office.due().await, Some((900, Why::Interval)));
    office.rig.account.fetching.every = 5;
    office.rig.archive.change_account(&office.rig.account).expect("changed");
    office.ask(Request::Changed(office.id()));
    assert_eq!(office.due().await, Some((300, Why::Interval)));
    office.rig.archive.remove_account(office.id(), Mail::Keep).expect("removed");
    office.ask(Request::Changed(office.id()));
    assert_eq!(office.due().await, None);
    assert_eq!(office.pass(100_000).await, 100_000);
    office.ask(Request::Fetch(office.id()));
    assert_eq!(office.pass(10_000).await, 10_000);
}

#[tokio::test]
async fn the_log_keeps_what_ended_a_visit_in_words() {
    let mut office = Office::open(three().fault(hang_up()), 15).await;
    let error = office.visit().await.error.expect("an error");
    let logged = office.rig.archive.sessions(1).expect("a log").remove(0);
    assert_eq!(logged.outcome.problem, Some(sentence(&error)));
}
