//! The schedule, moment by moment.

use std::io;
use std::time::Duration;

use super::*;
use crate::archive::ArchiveError;
use crate::pop3::ProtocolError;
use crate::secrets::SecretsError;

const MIDDLE: Chance = Chance(0);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).expect("a time")
}

fn every(minutes: u16) -> Facts {
    Facts { every: minutes, ..Facts::default() }
}

/// A schedule whose first visit ended so, by itself, at second 0.
fn after(ended: Ended, facts: Facts) -> Schedule {
    let mut schedule = Schedule::start(facts, at(-1));
    schedule.begin();
    schedule.end(ended, false, facts, at(0), MIDDLE);
    schedule
}

fn due(seconds: i64, why: Why) -> Option<Due> {
    Some(Due { at: at(seconds), why })
}

#[test]
fn a_start_visits_at_once_unless_only_the_user_asks() {
    assert_eq!(Schedule::start(every(15), at(0)).due(), due(0, Why::Start));
    assert_eq!(Schedule::start(every(0), at(0)).due(), None);
    let delayed = Facts { earliest: Some(at(400)), ..every(15) };
    assert_eq!(Schedule::start(delayed, at(0)).due(), due(400, Why::LoginDelay));
}

#[test]
fn each_end_has_its_next_visit() {
    let delay = |delay| Facts { delay, ..every(20) };
    let table = [
        (Ended::Well, every(20), due(1200, Why::Interval)),
        (Ended::Stopped, every(20), due(1200, Why::Interval)),
        (Ended::Here, every(20), due(1200, Why::Interval)),
        (Ended::Network, every(20), due(60, Why::Network)),
        (Ended::Server, every(20), due(60, Why::Server)),
        (Ended::InUse, every(20), due(90, Why::InUse)),
        (Ended::TooSoon(Some(at(700))), every(20), due(700, Why::LoginDelay)),
        // A moment that is over already must not make a storm of visits.
        (Ended::TooSoon(Some(at(-700))), every(20), due(60, Why::LoginDelay)),
        (Ended::TooSoon(None), every(20), due(60, Why::LoginDelay)),
        (Ended::TooSoon(None), delay(900), due(900, Why::LoginDelay)),
        (Ended::NeedsUser, every(20), None),
    ];
    for (ended, facts, expected) in table {
        assert_eq!(after(ended, facts).due(), expected, "{ended:?} {facts:?}");
        let only_asked = Facts { every: 0, ..facts };
        assert_eq!(after(ended, only_asked).due(), None, "only when asked: {ended:?}");
    }
}

#[test]
fn trouble_waits_longer_each_time_and_success_forgets_it() {
    let mut schedule = after(Ended::Network, every(15));
    let mut waited = vec![schedule.due().expect("due").at.as_second() - at(0).as_second()];
    for ended in [Ended::Server, Ended::Network, Ended::Server, Ended::Server, Ended::Network] {
        schedule.begin();
        schedule.end(ended, false, every(15), at(0), MIDDLE);
        waited.push(schedule.due().expect("due").at.as_second() - at(0).as_second());
    }
    assert_eq!(waited, [60, 120, 300, 900, 3600, 3600]);
    schedule.end(Ended::Well, false, every(15), at(0), MIDDLE);
    assert_eq!(schedule.due(), due(900, Why::Interval));
    schedule.end(Ended::Server, false, every(15), at(0), MIDDLE);
    assert_eq!(schedule.due(), due(60, Why::Server), "the count begins anew");
}

#[test]
fn chance_moves_a_wait_by_a_fifth_at_most() {
    let waits = |ended: Ended, chance: Chance| {
        let mut schedule = Schedule::start(every(15), at(0));
        schedule.end(ended, false, every(15), at(0), chance);
        schedule.due().expect("due").at.as_second() - at(0).as_second()
    };
    for (chance, expected) in [(-1000, 48), (-500, 54), (0, 60), (1000, 72)] {
        assert_eq!(waits(Ended::Network, Chance(chance)), expected);
    }
    let in_use: Vec<i64> = [-1000, 0, 1000].map(|chance| waits(Ended::InUse, Chance(chance))).to_vec();
    assert_eq!(in_use, [60, 90, 120]);
    assert_eq!(waits(Ended::Well, Chance(1000)), 900, "the user's own interval is kept as it is");
    let numbers: std::collections::BTreeSet<i64> = (0..10_000).map(|number| Chance::of(number).0).collect();
    assert_eq!((numbers.first(), numbers.last(), numbers.len()), (Some(&-1000), Some(&1000), 2001));
    assert!((-1000..=1000).contains(&Chance::of(u64::MAX).0));
}

#[test]
fn what_needs_the_user_waits_for_the_user() {
    let mut schedule = after(Ended::NeedsUser, every(15));
    schedule.wake(at(100_000));
    schedule.network_back(at(100_000));
    schedule.change(every(5), false, at(100_000));
    // Any change is an act of the user.
    assert_eq!(schedule.due(), due(100_000, Why::Start));

    let mut schedule = after(Ended::NeedsUser, every(15));
    schedule.wake(at(100_000));
    schedule.network_back(at(100_000));
    assert_eq!(schedule.due(), None);
    // The user fetches the account and it goes well.
    assert!(!schedule.begin());
    schedule.end(Ended::Well, true, every(15), at(200), MIDDLE);
    assert_eq!(schedule.due(), due(1100, Why::Interval));
}

#[test]
fn who_asked_too_soon_is_served_when_the_server_allows_it() {
    for minutes in [0, 15] {
        let mut schedule = Schedule::start(every(minutes), at(0));
        schedule.begin();
        schedule.end(Ended::TooSoon(Some(at(500))), true, every(minutes), at(0), MIDDLE);
        assert_eq!(schedule.due(), due(500, Why::LoginDelay));
        schedule.change(every(minutes), false, at(10));
        assert_eq!(schedule.due(), due(500, Why::LoginDelay), "still asked for");
        assert!(schedule.begin(), "it is the visit that the user asked for");
        assert!(!schedule.begin(), "once");
    }
}

#[test]
fn the_servers_delay_comes_before_every_wish() {
    let facts = Facts { earliest: Some(at(900)), delay: 900, ..every(1) };
    for ended in [Ended::Well, Ended::Stopped, Ended::Network, Ended::Server, Ended::InUse] {
        assert_eq!(after(ended, facts).due(), due(900, Why::LoginDelay), "{ended:?}");
    }
    let long = Facts { earliest: Some(at(900)), delay: 900, ..every(60) };
    assert_eq!(after(Ended::Well, long).due(), due(3600, Why::Interval));
}

#[test]
fn waking_visits_what_was_due_meanwhile() {
    let mut schedule = after(Ended::Well, every(15));
    schedule.wake(at(100));
    assert_eq!(schedule.due(), due(900, Why::Interval), "not due yet");
    schedule.wake(at(30_000));
    assert_eq!(schedule.due(), due(30_003, Why::Woke));
    let mut only_asked = after(Ended::Well, every(0));
    only_asked.wake(at(30_000));
    assert_eq!(only_asked.due(), None);
}

#[test]
fn a_network_that_comes_back_is_used_at_once() {
    let mut schedule = after(Ended::Network, every(15));
    assert!(schedule.lacks_network());
    for _ in 0..4 {
        schedule.end(Ended::Network, false, every(15), at(0), MIDDLE);
    }
    assert_eq!(schedule.due(), due(3600, Why::Network));
    schedule.network_back(at(200));
    assert_eq!(schedule.due(), due(203, Why::NetworkBack));
    assert!(!schedule.lacks_network());
    // It was no network that helps: the wait goes on growing.
    schedule.end(Ended::Network, false, every(15), at(210), MIDDLE);
    assert_eq!(schedule.due(), due(3810, Why::Network));

    let mut soon = after(Ended::Network, every(15));
    soon.network_back(at(59));
    assert_eq!(soon.due(), due(60, Why::Network), "never later than it would be");
    for ended in [Ended::Server, Ended::InUse, Ended::Well, Ended::TooSoon(Some(at(500)))] {
        let mut schedule = after(ended, every(15));
        let before = schedule.due();
        schedule.network_back(at(10));
        assert_eq!(schedule.due(), before, "{ended:?} waits for something else");
    }
    let mut delayed = after(Ended::Network, Facts { earliest: Some(at(40)), ..every(15) });
    delayed.network_back(at(1));
    assert_eq!(delayed.due(), due(40, Why::LoginDelay));
}

#[test]
fn a_change_counts_from_the_last_visit() {
    let mut schedule = after(Ended::Well, every(15));
    schedule.change(every(60), false, at(100));
    assert_eq!(schedule.due(), due(3600, Why::Interval));
    schedule.change(every(5), false, at(1000));
    assert_eq!(schedule.due(), due(1000, Why::Interval), "it would have been due by now");
    schedule.change(every(0), false, at(1000));
    assert_eq!(schedule.due(), None);
    schedule.change(every(5), false, at(1001));
    assert_eq!(schedule.due(), due(1001, Why::Interval));
    schedule.change(every(5), true, at(1002));
    assert_eq!(schedule.due(), due(1002, Why::Start), "another server");

    let mut in_trouble = after(Ended::Server, every(15));
    in_trouble.change(every(1), false, at(10));
    assert_eq!(in_trouble.due(), due(60, Why::Server), "a shorter interval does not hurry a server in trouble");
}

#[test]
fn a_clock_that_is_set_changes_no_wait() {
    let mut schedule = after(Ended::Well, Facts { earliest: Some(at(300)), ..every(15) });
    let back = SignedDuration::from_hours(-24 * 365);
    schedule.shift(back);
    let expected = at(900).checked_add(back).expect("a time");
    assert_eq!(schedule.due(), Some(Due { at: expected, why: Why::Interval }));
    schedule.shift(SignedDuration::MAX);
    assert_eq!(schedule.due(), Some(Due { at: expected, why: Why::Interval }), "out of all bounds: as it was");
}

fn status(code: Option<Code>) -> Status {
    Status { ok: false, code, text: "no".into() }
}

#[test]
fn errors_are_of_the_network_of_the_server_or_for_the_user() {
    use FetchError as F;
    use TransportError as T;
    let io = || io::Error::from(io::ErrorKind::ConnectionReset);
    let long = Duration::from_secs(15);
    let network = [
        T::NameNotFound { host: "pop.example.org".into(), source: io() },
        T::NameSilence(long),
        T::Unreachable(io()),
        T::ConnectTimeout(long),
        T::HandshakeSilence(long),
        T::PlaintextHttp,
        T::Truncated,
        T::Closed,
        T::Broken(io()),
        T::Silence(long),
        T::Pipelining(Box::new(T::Closed)),
        T::Capabilities(Box::new(T::Broken(io()))),
    ];
    for error in network {
        assert_eq!(Ended::of(Some(&F::Transport(error))), Ended::Network);
    }
    let table = [
        (None, Ended::Well),
        (Some(F::Transport(T::Refused)), Ended::Server),
        (Some(F::Transport(T::CertificateExpired { since: None })), Ended::Server),
        (Some(F::Transport(T::Protocol(ProtocolError::Unsolicited))), Ended::Server),
        (Some(F::Transport(T::GreetingRefused(status(None)))), Ended::Server),
        (Some(F::Transport(T::GreetingRefused(status(Some(Code::InUse))))), Ended::InUse),
        (Some(F::Transport(T::LoginRefused(status(Some(Code::InUse))))), Ended::InUse),
        (Some(F::Transport(T::LoginRefused(status(Some(Code::SysTemp))))), Ended::Server),
        (Some(F::Transport(T::LoginRefused(status(Some(Code::Sys))))), Ended::Server),
        (Some(F::Transport(T::LoginRefused(status(Some(Code::SysPerm))))), Ended::NeedsUser),
        (Some(F::Transport(T::LoginRefused(status(Some(Code::LoginDelay))))), Ended::TooSoon(None)),
        (Some(F::Transport(T::LoginRefused(status(Some(Code::Auth))))), Ended::NeedsUser),
        (Some(F::Transport(T::LoginRefused(status(None)))), Ended::NeedsUser),
        (Some(F::Transport(T::Utf8(Box::new(T::LoginRefused(status(Some(Code::Auth))))))), Ended::NeedsUser),
        (Some(F::Transport(T::ClosedAtLogin)), Ended::NeedsUser),
        (Some(F::Transport(T::InvalidHost("a b".into()))), Ended::NeedsUser),
        (Some(F::Transport(T::CommandRefused { command: "STAT", status: status(None) })), Ended::Server),
        (Some(F::Removal(T::Closed)), Ended::Network),
        (Some(F::RemovalRefused { text: "no".into() }), Ended::Server),
        (Some(F::NoUniqueIds), Ended::Server),
        (Some(F::Secrets(SecretsError::NoKeyring)), Ended::NeedsUser),
        (Some(F::NoPassword), Ended::NeedsUser),
        (Some(F::RefusedBefore), Ended::NeedsUser),
        (Some(F::TooSoon { until: at(5) }), Ended::TooSoon(Some(at(5)))),
        (Some(F::DiskFull { missing: 1 }), Ended::Here),
        (Some(F::Archive(ArchiveError::Locked)), Ended::Here),
        (Some(F::Internal), Ended::Here),
        (Some(F::Cancelled(crate::job::Cancelled)), Ended::Stopped),
    ];
    for (error, expected) in table {
        assert_eq!(Ended::of(error.as_ref()), expected, "{error:?}");
    }
}
