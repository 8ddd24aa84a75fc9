//! Power cuts (FAULTS 3): the real program is recorded at work, from the making of its archive over several visits that
//! remove mail from the server, and at every step the states are drawn that a power cut could leave on the disk. Each
//! must open, be sound by SQLite's own check, and hold every message whose DELE was sent before the cut, byte for byte.
//!
//! The rig catches two builds with one thing wrong on purpose (FAULTS 3b), each time, within 200 states: one that does
//! not wait for the disk at COMMIT, and one that sends DELE before it.
#![cfg(target_os = "linux")]
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)]

#[path = "support/bench.rs"]
mod bench;
#[path = "support/disk.rs"]
mod disk;
#[path = "support/recording.rs"]
mod recording;
mod support;
#[path = "support/version_one.rs"]
mod version_one;

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use bench::{in_thousands, program, small_mail, soak};
use disk::{Disk, Left, mix};
use postkeep::account::{Digest, Security};
use postkeep::archive::{Archive, decoded};
use postkeep::demo::{Options, Server};
use postkeep::job::Cancel;
use recording::{Step, record, record_any};
use rusqlite::{Connection, OpenFlags};
use support::{Dice, postkeep_at};

const STATES: usize = 10_000;
const STATES_OF_A_MUTANT: usize = 200;
const STATES_OF_A_MIGRATION: usize = 1_000;
const SEED: u64 = 0x0057_0f3d;
/// New messages before each visit.
const VISITS: &[usize] = &[12, 1, 9];
/// One state in so many is also opened by the archive itself, with its index.
const WHOLE: usize = 100;
/// States drawn from one recording before a soak makes another.
const FROM_ONE: usize = 20_000;

/// What the program did, and what the server had.
struct Recording {
    steps: Vec<Step>,
    /// Every message the server ever had.
    mail: HashMap<Digest, Vec<u8>>,
    /// By step: the messages whose DELE was sent in it.
    removed: HashMap<usize, Vec<Digest>>,
    /// The step from which on the account stands in the archive.
    added: usize,
    /// The first step at which the power goes.
    start: usize,
}

fn make(program: &Path, seed: u64) -> Recording {
    let server = Server::start(0, Options::default().security(Security::None).messages([])).expect("a server");
    let folder = tempfile::tempdir().expect("a folder");
    let archive = folder.path().join("archive");
    let mut fresh = small_mail(seed).filter(|message| message.len() < 6_000);
    let (port, password) = (server.address().port().to_string(), format!("echo '{}'", server.password()));
    let mut add = postkeep_at(program, &archive);
    add.args(["account", "add", server.user(), "--host", "localhost", "--port", &port, "--user", server.user()]);
    add.args(["--leave-copy", "off", "--security", "none", "--allow-plaintext", "--password-command", &password]);
    let mut steps = record(&add, &archive, 0);
    let mut recording =
        Recording { added: steps.len(), start: 0, steps: Vec::new(), mail: HashMap::new(), removed: HashMap::new() };
    for &count in VISITS {
        for message in fresh.by_ref().take(count) {
            server.add(message);
        }
        let there = server.messages();
        recording.mail.extend(there.iter().map(|message| (Digest::of(message), message.clone())));
        let mut fetch = postkeep_at(program, &archive);
        fetch.arg("fetch");
        for step in record(&fetch, &archive, 0) {
            if let Step::Dele(number) = &step {
                let message = &there[number - 1];
                recording.removed.entry(steps.len()).or_default().push(Digest::of(message));
            }
            steps.push(step);
        }
        assert_eq!(server.messages().len(), 0, "the visit was to remove everything");
    }
    let removed: HashSet<_> = recording.removed.values().flatten().collect();
    assert_eq!(removed.len(), VISITS.iter().sum::<usize>(), "each message's DELE was to be seen");
    recording.steps = steps;
    recording
}

/// The first opening of an archive that version 1 of the program wrote, full of mail that no server has any more.
fn make_migration(program: &Path, seed: u64) -> Recording {
    let folder = tempfile::tempdir().expect("a folder");
    let archive = folder.path().join("archive");
    let mail: Vec<_> = small_mail(seed).filter(|message| message.len() < 6_000).take(20).collect();
    version_one::make(&archive, &mail, 8_192);
    let before = fs::read(archive.join("mail.db")).expect("an archive");
    let mut import = postkeep_at(program, &archive);
    // The smallest command that opens for writing: there is nothing to import.
    let nothing = folder.path().join("nothing");
    fs::create_dir(&nothing).expect("a folder");
    import.arg("import").arg(nothing);
    let mut steps = vec![Step::Open("mail.db".into()), Step::Write { path: "mail.db".into(), at: 0, bytes: before }];
    steps.extend([Step::SyncBegins("mail.db".into()), Step::SyncEnds("mail.db".into())]);
    steps.extend([Step::SyncBegins(String::new()), Step::SyncEnds(String::new())]);
    let (made, mail) = (steps.len(), mail.into_iter().map(|message| (Digest::of(&message), message)));
    steps.extend(record_any(&import, &archive));
    let mail: HashMap<_, _> = mail.collect();
    Recording { removed: [(made, mail.keys().copied().collect())].into(), steps, mail, added: made, start: made }
}

/// What a rig found.
#[derive(Debug, Default)]
struct Tally {
    states: usize,
    different: HashSet<u64>,
    whole: usize,
    /// Sentences about states that a power cut must not leave.
    wrong: Vec<String>,
}

/// Draws `states` states from the recording, the same number at each step, until `stop` are wrong.
fn cut_everywhere(recording: &Recording, states: usize, seed: u64, stop: usize) -> Tally {
    let scratch = Scratch::new();
    let mut dice = Dice(mix(seed, 1) | 1);
    let mut tally = Tally::default();
    // The steps after which something new can be left of the archive proper.
    let counting: Vec<bool> = {
        let mut disk = Disk::default();
        recording
            .steps
            .iter()
            .enumerate()
            .map(|(index, step)| disk.play(step) && index >= recording.start && is_of_mail(step))
            .collect()
    };
    let moments = counting.iter().filter(|counts| **counts).count();
    assert!(moments > 20, "the program did only {moments} things that count");
    let mut disk = Disk::default();
    let mut promised = Vec::new();
    let mut passed = 0;
    for (index, step) in recording.steps.iter().enumerate() {
        disk.play(step);
        promised.extend(recording.removed.get(&index).into_iter().flatten().copied());
        if !counting[index] {
            continue;
        }
        passed += 1;
        while tally.states < states * passed / moments {
            let whole = tally.states.is_multiple_of(WHOLE);
            let (left, which) = disk.cut(&mut dice, |name| whole || name.starts_with("mail.db"));
            tally.different.insert(mix(index as u64, which));
            tally.states += 1;
            tally.whole += usize::from(whole);
            let promise = Promise { mail: &recording.mail, removed: &promised, account: index >= recording.added };
            if let Err(wrong) = scratch.judge(&left, &promise, whole) {
                tally.wrong.push(format!("step {index} of {}, state {}: {wrong}", recording.steps.len(), tally.states));
                if tally.wrong.len() == stop {
                    return tally;
                }
            }
        }
    }
    tally
}

fn is_of_mail(step: &Step) -> bool {
    match step {
        Step::Open(path) | Step::SyncEnds(path) | Step::SyncBegins(path) | Step::Unlink(path) => {
            path.is_empty() || path.starts_with("mail.db")
        }
        Step::Write { path, .. } | Step::Truncate { path, .. } => path.starts_with("mail.db"),
        Step::Rename { to, .. } => to.starts_with("mail.db"),
        Step::Dele(_) => true,
    }
}

/// What must be there whenever the power goes.
struct Promise<'a> {
    mail: &'a HashMap<Digest, Vec<u8>>,
    /// The messages whose DELE was sent.
    removed: &'a [Digest],
    account: bool,
}

/// A folder in memory in which states are looked at.
struct Scratch(tempfile::TempDir);

impl Scratch {
    fn new() -> Scratch {
        let memory = Path::new("/dev/shm");
        let place = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        Scratch(tempfile::Builder::new().prefix("postkeep-cut-").tempdir_in(place).expect("a folder"))
    }

    fn judge(&self, left: &Left, promise: &Promise<'_>, whole: bool) -> Result<(), String> {
        self.lay_out(left);
        if whole {
            self.opens().map_err(|error| format!("the archive: {error}"))?;
            self.lay_out(left);
        }
        if !left.contains_key("mail.db") {
            return match promise.removed.is_empty() && !promise.account && !left.contains_key("mail.db-wal") {
                true => Ok(()),
                false => Err("the archive is gone".to_owned()),
            };
        }
        promise.is_kept(&self.path().join("mail.db")).map_err(|error| format!("SQLite: {error}"))?
    }

    fn path(&self) -> PathBuf {
        self.0.path().to_owned()
    }

    fn lay_out(&self, left: &Left) {
        for entry in fs::read_dir(self.path()).expect("a folder") {
            let path = entry.expect("an entry").path();
            if !left.contains_key(&path.file_name().expect("a name").to_string_lossy().into_owned()) {
                fs::remove_file(path).expect("removed");
            }
        }
        for (name, bytes) in left {
            fs::write(self.path().join(name), bytes).expect("written");
        }
    }

    /// By the program's own way in: makes what is missing, recovers, indexes what is not indexed.
    fn opens(&self) -> Result<(), String> {
        let archive = Archive::open(&self.path()).map_err(|error| error.to_string())?;
        archive.index_pending(&Cancel::new(), &mut |_| {}).map_err(|error| format!("the index: {error}"))?;
        let health = archive.check(false, &Cancel::new(), &mut |_| {}).map_err(|error| error.to_string())?;
        let stored = archive.every_stored().map_err(|error| error.to_string())?.len();
        let listed = archive.counts().map_err(|error| error.to_string())?;
        if !health.damaged.is_empty() || !health.problems.is_empty() {
            return Err(format!("{:?} {:?}", health.damaged, health.problems));
        }
        if listed.to_index > 0 { Err(format!("{} of {stored} are not indexed", listed.to_index)) } else { Ok(()) }
    }
}

impl Promise<'_> {
    fn is_kept(&self, file: &Path) -> rusqlite::Result<Result<(), String>> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(file, flags)?;
        // Without the shared memory beside the journal: the recovery is the same.
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        connection.pragma_update(None, "synchronous", "OFF")?;
        let verdict: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
        if verdict != "ok" {
            return Ok(Err(format!("not sound: {verdict}")));
        }
        let mut here = HashSet::new();
        let mut bodies = connection
            .prepare("SELECT sha256, codec, bytes, octets FROM body JOIN original ON original.id = original")?;
        let mut rows = bodies.query([])?;
        while let Some(row) = rows.next()? {
            let digest = Digest(row.get(0)?);
            let octets: i64 = row.get(3)?;
            let bytes = decoded(row.get(1)?, row.get(2)?, octets.unsigned_abs()).unwrap_or_default();
            if self.mail.get(&digest) != Some(&bytes) {
                let known = self.mail.get(&digest).map(Vec::as_slice).unwrap_or_default();
                let at = known.iter().zip(&bytes).position(|(left, right)| left != right);
                let (known, stored) = (known.len(), bytes.len());
                return Ok(Err(format!("a message of {known} octets is stored in {stored} others, from {at:?} on")));
            }
            here.insert(digest);
        }
        let lost = self.removed.iter().filter(|digest| !here.contains(digest)).count();
        if lost > 0 {
            return Ok(Err(format!("{lost} of {} messages are lost whose DELE was sent", self.removed.len())));
        }
        let accounts: i64 = connection.query_row("SELECT count(*) FROM account", [], |row| row.get(0))?;
        Ok(if self.account && accounts == 0 { Err("the account is gone".to_owned()) } else { Ok(()) })
    }
}

/// Enough to catch a build that does not wait for the disk at COMMIT, and one that sends DELE before it: the mutants
/// `synchronous-normal` and `dele-before-commit` in tests/mutants.
#[test]
fn two_hundred_states_are_enough_to_catch_a_mutant() {
    let recording = make(&program(), SEED);
    let tally = cut_everywhere(&recording, STATES_OF_A_MUTANT, SEED, usize::MAX);
    let wrong = tally.wrong.len();
    assert_eq!(wrong, 0, "{wrong} of {} states, seed {SEED:#x}: {:?}", tally.states, tally.wrong.first());
}

#[test]
fn whatever_a_power_cut_leaves_no_removed_message_is_lost() {
    let recording = make(&program(), SEED);
    let begun = Instant::now();
    let tally = cut_everywhere(&recording, STATES, SEED, 1);
    assert_eq!(tally.wrong, Vec::<String>::new());
    println!(
        "{} states ({} different, {} opened whole) of {} steps, seed {SEED:#x}; {} a second",
        in_thousands(tally.states),
        in_thousands(tally.different.len()),
        tally.whole,
        recording.steps.len(),
        (tally.states as f64 / begun.elapsed().as_secs_f64()) as u64
    );
    assert_eq!(tally.states, STATES);
}

/// FAULTS 18: the archive opens as the old version or the new one, with all its mail.
#[test]
fn a_power_cut_in_a_migration_loses_nothing() {
    let recording = make_migration(&program(), SEED);
    let tally = cut_everywhere(&recording, STATES_OF_A_MIGRATION, SEED, 1);
    assert_eq!(tally.wrong, Vec::<String>::new());
    println!("{} states of a migration, {} different, seed {SEED:#x}", tally.states, tally.different.len());
}

/// `tests/soak migration COUNT`
#[test]
#[ignore = "by tests/soak"]
fn soak_migration() {
    let (count, seed) = soak(SEED);
    let tally = cut_everywhere(&make_migration(&program(), seed), count, seed, 1);
    assert_eq!(tally.wrong, Vec::<String>::new());
    let (states, different) = (in_thousands(tally.states), in_thousands(tally.different.len()));
    println!("power cuts in a migration survived {states} of {states} ({different} different, seed {seed})");
}

/// `tests/soak power-cut COUNT`: so many states, from as many recordings of different mail as that takes.
#[test]
#[ignore = "by tests/soak"]
fn soak_power_cut() {
    let (count, seed) = soak(SEED);
    let (mut done, mut different) = (0, 0);
    let begun = Instant::now();
    for round in 0.. {
        if done == count {
            break;
        }
        let seed = if round == 0 { seed } else { mix(seed, round) };
        let recording = make(&program(), seed);
        let tally = cut_everywhere(&recording, FROM_ONE.min(count - done), seed, 1);
        assert_eq!(tally.wrong, Vec::<String>::new(), "seed {seed}, after {done} states");
        done += tally.states;
        different += tally.different.len();
        let speed = done as f64 / begun.elapsed().as_secs_f64();
        println!("{} of {}, {speed:.0} a second", in_thousands(done), in_thousands(count));
    }
    let (done, different, count) = (in_thousands(done), in_thousands(different), in_thousands(count));
    println!("power-cut states survived {done} of {count} ({different} different, seed {seed})");
}
