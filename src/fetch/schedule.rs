//! When an account is visited by itself, and why then. Pure: how the last visit ended, the account's interval, what the
//! server asks for, the time and a random number come in; the next visit comes out. The worker asks it and keeps time.

use jiff::{SignedDuration, Timestamp};

use super::FetchError;
use crate::pop3::{Code, Status};
use crate::transport::TransportError;

/// Minutes to wait after the first, second, ... trouble in a row; the last goes on.
const BACK_OFF: [i64; 5] = [1, 2, 5, 15, 60];
/// So much of it, in percent, is added or taken away by chance, lest all who wait for one server come back at once.
const JITTER: i64 = 20;
/// After so many seconds a maildrop that another program had open is asked for again, more or less [`IN_USE_SPREAD`].
const IN_USE: i64 = 90;
const IN_USE_SPREAD: i64 = 30;
/// Seconds that a network gets to settle after the computer woke or the network came back.
const SETTLE: i64 = 3;
/// A visit that would be due in the past, by a clock that jumped, is due after so many seconds.
const LEAST: i64 = 60;

/// The visit that comes next by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// By the clock of this computer.
    pub at: Timestamp,
    pub why: Why,
}

/// Why the next visit is when it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// The program started, or the account is new or was changed.
    Start,
    /// The account's own interval.
    Interval,
    /// The network was not there or broke: tried again, each time later, and at once when there is a network again.
    Network,
    /// The server had trouble or answered oddly: tried again, each time later.
    Server,
    /// Another program had the maildrop open: tried again soon.
    InUse,
    /// The server, or its provider, wants more time between two logins.
    LoginDelay,
    /// The computer slept over the time at which it was due.
    Woke,
    /// There is a network again.
    NetworkBack,
}

/// How a visit ended, as far as the next one depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Well,
    /// The user stopped it.
    Stopped,
    /// This computer's own trouble, such as a full disk: a visit sooner than usual would not help.
    Here,
    Network,
    Server,
    InUse,
    /// The server was not asked, for it lets nobody in before this moment; or it said so itself, and did not say when.
    TooSoon(Option<Timestamp>),
    /// Only the user can mend it: the login was refused, there is no password, the settings cannot work, or the server
    /// says that its fault will not pass by itself (quirks 29 and 32).
    NeedsUser,
}

impl Ended {
    pub fn of(error: Option<&FetchError>) -> Ended {
        match error {
            None => Ended::Well,
            Some(FetchError::Cancelled(_)) => Ended::Stopped,
            Some(FetchError::Transport(error) | FetchError::Removal(error)) => of_transport(error),
            Some(FetchError::RemovalRefused { .. } | FetchError::NoUniqueIds) => Ended::Server,
            Some(FetchError::TooSoon { until }) => Ended::TooSoon(Some(*until)),
            Some(FetchError::RefusedBefore | FetchError::NoPassword | FetchError::Secrets(_)) => Ended::NeedsUser,
            Some(FetchError::Archive(_) | FetchError::DiskFull { .. } | FetchError::Internal) => Ended::Here,
        }
    }
}

fn of_transport(error: &TransportError) -> Ended {
    match error {
        TransportError::Pipelining(error) | TransportError::Capabilities(error) | TransportError::Utf8(error) => {
            of_transport(error)
        }
        TransportError::NameNotFound { .. }
        | TransportError::NameSilence(_)
        | TransportError::Unreachable(_)
        | TransportError::ConnectTimeout(_)
        | TransportError::Connect(_)
        | TransportError::HandshakeSilence(_)
        | TransportError::HandshakeCut
        // A Wi-Fi that wants a sign-in first (quirk 11).
        | TransportError::PlaintextHttp
        | TransportError::Truncated
        | TransportError::Closed
        | TransportError::Broken(_)
        | TransportError::Damaged(_)
        | TransportError::Silence(_) => Ended::Network,
        TransportError::LoginRefused(_) if error.is_wrong_password() => Ended::NeedsUser,
        TransportError::ClosedAtLogin
        | TransportError::InvalidHost(_)
        | TransportError::CaFileUnreadable { .. }
        | TransportError::CaFileUseless { .. }
        | TransportError::Command(_)
        | TransportError::Unprotected => Ended::NeedsUser,
        TransportError::GreetingRefused(status)
        | TransportError::LoginRefused(status)
        | TransportError::CommandRefused { status, .. } => of_status(status),
        _ => Ended::Server,
    }
}

fn of_status(status: &Status) -> Ended {
    match status.code {
        Some(Code::InUse) => Ended::InUse,
        Some(Code::LoginDelay) => Ended::TooSoon(None),
        Some(Code::SysPerm) => Ended::NeedsUser,
        _ => Ended::Server,
    }
}

/// What the next visit depends on beside the last one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The account's interval in minutes; 0: only when asked.
    pub every: u16,
    /// When the server takes the next login, if that is still to come.
    pub earliest: Option<Timestamp>,
    /// Seconds that it wants between two logins.
    pub delay: i64,
}

/// A number from -1000 to 1000, by chance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chance(i64);

impl Chance {
    /// Any number makes one.
    pub fn of(number: u64) -> Chance {
        Chance(i64::try_from(number % 2001).unwrap_or(0) - 1000)
    }

    /// `seconds`, more or less up to `spread`.
    fn around(self, seconds: i64, spread: i64) -> i64 {
        seconds + spread * self.0 / 1000
    }
}

/// The schedule of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    facts: Facts,
    /// Visits in a row that ended in trouble of network or server.
    failures: usize,
    /// Nothing happens until the user acts.
    halted: bool,
    /// The visit that is due was asked for by the user.
    asked: bool,
    ended: Option<Timestamp>,
    due: Option<Due>,
}

impl Schedule {
    /// The program starts, or the account is new.
    pub fn start(facts: Facts, now: Timestamp) -> Schedule {
        let mut schedule = Schedule { facts, failures: 0, halted: false, asked: false, ended: None, due: None };
        schedule.afresh(now);
        schedule
    }

    pub fn due(&self) -> Option<Due> {
        self.due
    }

    /// Whether the next visit waits for nothing but a network.
    pub fn lacks_network(&self) -> bool {
        self.due.is_some_and(|due| due.why == Why::Network)
    }

    /// Whether nothing happens until the user acts.
    pub fn needs_user(&self) -> bool {
        self.halted
    }

    /// A visit begins; answers whether it is one that the user asked for.
    pub fn begin(&mut self) -> bool {
        self.due = None;
        std::mem::take(&mut self.asked)
    }

    /// A visit ended so, one that the user asked for or not.
    pub fn end(&mut self, ended: Ended, by_user: bool, facts: Facts, now: Timestamp, chance: Chance) {
        (self.facts, self.ended) = (facts, Some(now));
        self.halted = ended == Ended::NeedsUser;
        self.failures = match ended {
            Ended::Network | Ended::Server | Ended::TooSoon(None) => self.failures.saturating_add(1),
            Ended::Well => 0,
            _ => self.failures,
        };
        let too_soon = matches!(ended, Ended::TooSoon(_));
        self.asked = by_user && too_soon;
        self.due = match ended {
            // Who asked is served as soon as the server allows it, whatever the interval.
            _ if self.halted || facts.every == 0 && !self.asked => None,
            Ended::Well | Ended::Stopped | Ended::Here => self.at(minutes(facts.every), Why::Interval, now),
            Ended::Network => self.at(self.back_off(chance), Why::Network, now),
            Ended::Server => self.at(self.back_off(chance), Why::Server, now),
            Ended::InUse => self.at(chance.around(IN_USE, IN_USE_SPREAD), Why::InUse, now),
            Ended::TooSoon(Some(until)) => {
                let least = if until > now { until } else { later(now, LEAST) };
                Some(Due { at: least, why: Why::LoginDelay })
            }
            Ended::TooSoon(None) => self.at(self.back_off(chance).max(facts.delay), Why::LoginDelay, now),
            Ended::NeedsUser => None,
        };
    }

    /// The account was changed; `afresh`: in a way that what went wrong may go well now.
    pub fn change(&mut self, facts: Facts, afresh: bool, now: Timestamp) {
        self.facts = facts;
        let by_interval = self.due.is_none_or(|due| matches!(due.why, Why::Interval | Why::Start));
        match self.ended {
            _ if self.asked => {}
            _ if facts.every == 0 => self.due = None,
            Some(ended) if !afresh && !self.halted && by_interval => {
                self.due =
                    self.at(minutes(facts.every), Why::Interval, ended).map(|due| Due { at: due.at.max(now), ..due });
            }
            Some(_) if !afresh && !self.halted => {}
            _ => self.afresh(now),
        }
    }

    /// The computer woke, or the clock went on by much: what is due is visited when the network had time to settle.
    pub fn wake(&mut self, now: Timestamp) {
        let soon = later(now, SETTLE);
        self.due = self.due.map(|due| if due.at <= soon { Due { at: soon, why: Why::Woke } } else { due });
    }

    /// There is a network again: what waits for nothing else is visited.
    pub fn network_back(&mut self, now: Timestamp) {
        if self.lacks_network() {
            let due = self.at(SETTLE, Why::NetworkBack, now);
            self.due = due.filter(|sooner| self.due.is_none_or(|due| sooner.at < due.at)).or(self.due);
        }
    }

    /// The clock was set back (or on) by so much, and no time passed: the wait stays as long as it was.
    pub fn shift(&mut self, by: SignedDuration) {
        let shifted = |time: Timestamp| time.checked_add(by).unwrap_or(time);
        self.ended = self.ended.map(shifted);
        self.facts.earliest = self.facts.earliest.map(shifted);
        self.due = self.due.map(|due| Due { at: shifted(due.at), ..due });
    }

    /// As at the start.
    fn afresh(&mut self, now: Timestamp) {
        (self.failures, self.halted) = (0, false);
        self.due = if self.facts.every == 0 { None } else { self.at(0, Why::Start, now) };
    }

    /// So many seconds from `now`, but not before the server takes a login.
    fn at(&self, seconds: i64, why: Why, now: Timestamp) -> Option<Due> {
        let at = later(now, seconds);
        match self.facts.earliest {
            Some(earliest) if earliest > at => Some(Due { at: earliest, why: Why::LoginDelay }),
            _ => Some(Due { at, why }),
        }
    }

    /// Seconds to wait after so many failures.
    fn back_off(&self, chance: Chance) -> i64 {
        let step = self.failures.saturating_sub(1).min(BACK_OFF.len() - 1);
        let seconds = BACK_OFF.get(step).map_or(0, |minutes| minutes * 60);
        chance.around(seconds, seconds * JITTER / 100)
    }
}

fn minutes(number: u16) -> i64 {
    i64::from(number) * 60
}

fn later(time: Timestamp, seconds: i64) -> Timestamp {
    time.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(time)
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
