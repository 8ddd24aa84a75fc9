//! FAULTS.md 23: a session of five messages is cut at every octet, in both directions, in both retention modes. After
//! each cut the model holds, and one good session settles everything: each mail is stored once, byte for byte, and is on
//! the server only where it is to be left.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)]

mod support;

use std::time::{Duration, Instant};

use postkeep::account::{Retention, Security};
use postkeep::archive::Archive;
use postkeep::demo::Options;
use postkeep::fetch::{Terms, run_on};
use postkeep::job::Cancel;
use postkeep::transport::Patience;
use support::proxy::{Cut, End, Proxy, Way};
use support::rig::{Ended, Rig, done, folder, new_account};
use support::{Dice, assert_same_mail};

const MAILS: usize = 5;
/// How long a stall is waited for, and how many octets lie between two of them.
const STALL: Duration = Duration::from_millis(60);
const STALLS: usize = 8;
const SEED: u64 = 0x0923_2026;
/// An archive is used for so many cuts: it stays small, and the checks quick.
const CUTS_AN_ARCHIVE: usize = 25;

struct Cuts {
    rig: Rig,
    proxy: Proxy,
    retention: Retention,
    security: Security,
    /// All that this archive was offered.
    ever: Vec<Vec<u8>>,
    made: usize,
}

impl Cuts {
    async fn new(retention: Retention, security: Security) -> Cuts {
        let rig = Rig::over(Options::default().messages([]), security, retention);
        let proxy = Proxy::start(rig.server.address()).await;
        let mut cuts = Cuts { rig, proxy, retention, security, ever: Vec::new(), made: 0 };
        cuts.another_archive();
        cuts
    }

    fn another_archive(&mut self) {
        if !self.ever.is_empty() {
            let archive = &self.rig.archive;
            let stored = archive.every_stored().expect("readable");
            let bytes = stored.iter().map(|one| archive.original(one.id).expect("readable").expect("stored"));
            assert_same_mail(bytes.collect(), std::mem::take(&mut self.ever));
        }
        let folder = folder();
        let archive = Archive::open(folder.path()).expect("an archive");
        let mut new = new_account(&self.rig.server, self.security, self.retention);
        new.server.port = self.proxy.address.port();
        self.rig.account = archive.add_account(&new).expect("an account");
        (self.rig.archive, self.rig.folder) = (archive, folder);
    }

    /// Five mails never seen before, of lengths that are always the same. One has lines of dots, one no line at all.
    fn fresh_mail(&mut self) {
        let name = self.made;
        self.made += 1;
        let mails: [String; MAILS] = [
            format!("Subject: {name:08}\r\n\r\nplain\r\n"),
            format!("Subject: {name:08}\r\n\r\n.\r\n..\r\n.dots\r\n"),
            format!("{name:08}\r\n"),
            format!("From: a@example.org\r\nSubject: {name:08}\r\n\r\n\0\x01 bare \n lf and \r cr\r\n"),
            format!("Subject: {name:08} last\r\n\r\n"),
        ];
        self.rig.replace(&mails.map(String::into_bytes));
        self.ever.extend(self.rig.offered.iter().cloned());
        self.rig.offered.clone_from(&self.ever);
    }

    /// How many octets a whole session has, from the server and from the client.
    async fn whole(&mut self) -> (usize, usize) {
        self.fresh_mail();
        self.proxy.set(None);
        let outcome = done(self.rig.fetch().await);
        assert_eq!(outcome.retrieved, MAILS as u64);
        self.proxy.passed()
    }

    /// A fetch that waits only briefly for a server that stalls.
    async fn impatient(&self) -> Ended {
        let patience = Patience { idle: STALL, ..Patience::default() };
        let terms = Terms { patience, ..Terms::default() };
        let (archive, account, password) = (&self.rig.archive, &self.rig.account, self.rig.password());
        let ended = run_on(archive, account, &password, &terms, &Cancel::new(), &mut |_| {}).await;
        self.rig.nothing_is_lost();
        ended
    }

    async fn cut(&mut self, cut: Cut) {
        if self.made.is_multiple_of(CUTS_AN_ARCHIVE) {
            self.another_archive();
        }
        self.fresh_mail();
        self.proxy.set(Some(cut));
        let (outcome, error) = self.impatient().await;
        self.rig.the_ledger_vouches_for_nothing_cut(&format!("{cut:?}"));
        self.proxy.set(None);
        let settled = self.rig.fetch().await;
        assert!(settled.1.is_none(), "{cut:?}: after {outcome:?} {error:?} came {settled:?}");
        let left = if self.retention.leaves_copy() { MAILS } else { 0 };
        assert_eq!(self.rig.server.messages().len(), left, "{cut:?}: after {outcome:?} {error:?} came {settled:?}");
        let stored = self.rig.archive.every_stored().expect("readable").len();
        assert_eq!(stored, self.ever.len(), "{cut:?}: after {outcome:?} {error:?} came {settled:?}");
    }
}

/// At so manieth octets of both directions.
async fn every(step: usize, retention: Retention) {
    let mut cuts = Cuts::new(retention, Security::None).await;
    // The first visit to a server may ask more of it than those that follow.
    let (first, second) = (cuts.whole().await, cuts.whole().await);
    let whole = (first.0.max(second.0), first.1.max(second.1));
    let begun = Instant::now();
    let mut made = 0;
    for (way, octets) in [(Way::FromServer, whole.0), (Way::FromClient, whole.1)] {
        for after in (0..=octets).step_by(step) {
            // Where nothing is to be removed there is less at stake: the ends take turns.
            let (even, removes) = (after % 2 == 0, retention == Retention::RemoveOnceStored);
            if removes || even {
                cuts.cut(Cut { way, after, end: End::Close, once: false }).await;
                made += 1;
            }
            if removes || !even {
                cuts.cut(Cut { way, after, end: End::Reset, once: true }).await;
                made += 1;
            }
            // Each of them costs the time that it takes to see that nothing comes.
            if after % STALLS == 0 {
                cuts.cut(Cut { way, after, end: End::Stall, once: true }).await;
                made += 1;
            }
        }
    }
    cuts.another_archive();
    println!("{retention:?}: {} + {} octets, {made} cuts, {:?}", whole.0, whole.1, begun.elapsed());
}

#[tokio::test]
async fn cut_at_every_octet_with_a_copy_left() {
    every(1, Retention::LeaveCopy).await;
}

#[tokio::test]
async fn cut_at_every_octet_with_removal() {
    every(1, Retention::RemoveOnceStored).await;
}

/// The same in a second or two, for the mutants.
#[tokio::test]
async fn cut_at_every_thirteenth_octet() {
    every(13, Retention::LeaveCopy).await;
    every(13, Retention::RemoveOnceStored).await;
}

/// The same over TLS, where the octets are those of its records, at random places: `POSTKEEP_SOAK` cuts.
#[tokio::test]
#[ignore = "a soak test"]
async fn soak_cuts() {
    let number = |name: &str, otherwise| std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"));
    let (count, seed) = (number("POSTKEEP_SOAK", 500), number("POSTKEEP_SEED", SEED));
    let mut dice = Dice(seed.max(1));
    let begun = Instant::now();
    let mut made = 0;
    for retention in [Retention::LeaveCopy, Retention::RemoveOnceStored] {
        let mut cuts = Cuts::new(retention, Security::Tls).await;
        let whole = cuts.whole().await;
        for _ in 0..count / 2 {
            let way = if dice.below(2) == 0 { Way::FromServer } else { Way::FromClient };
            let octets = if way == Way::FromServer { whole.0 } else { whole.1 };
            let after = dice.below(octets as u64 + 1) as usize;
            let end = [End::Close, End::Reset, End::Stall][dice.below(3) as usize];
            cuts.cut(Cut { way, after, end, once: dice.below(2) == 0 }).await;
            made += 1;
        }
        cuts.another_archive();
    }
    println!("{made} cuts over TLS, seed {seed:#x}, {:?}", begun.elapsed());
}
