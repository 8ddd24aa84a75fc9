//! One mailbox on the embedded server and one archive that fetches from it, over and over from the same start: for the
//! tests that kill, cut and spoil. The oracle is the same for all of them: every mail the server ever offered is in the
//! archive exactly once or still on the server, byte for byte.
#![allow(dead_code)]

use std::collections::HashMap;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use postkeep::account::{Digest, Security};
use postkeep::archive::Archive;
use postkeep::demo::{Options, Server, generated};
use postkeep::job::Cancel;

use crate::support::{expect, postkeep_at};

/// The program that the tests were built with; tests/soak names a release build instead.
pub fn program() -> PathBuf {
    std::env::var_os("POSTKEEP_PROGRAM").map_or(env!("CARGO_BIN_EXE_postkeep").into(), PathBuf::from)
}

/// What becomes of the server's copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Keep,
    Remove,
}

pub struct Bench {
    pub server: Server,
    pub program: PathBuf,
    pub mode: Mode,
    folder: tempfile::TempDir,
    /// Where the archive lies.
    place: PathBuf,
    /// Every message the server ever had in this play.
    pub mail: Vec<Vec<u8>>,
}

impl Bench {
    /// A server and an archive that knows the account and has never fetched.
    pub fn new(mode: Mode, options: Options) -> Bench {
        Bench::over(Security::Tls, mode, options)
    }

    pub fn over(security: Security, mode: Mode, options: Options) -> Bench {
        let program = program();
        let server = Server::start(0, options.security(security).messages([])).expect("a server");
        let folder = crate::support::rig::folder();
        let at = folder.path().join("start");
        let port = server.address().port().to_string();
        let ca = server.ca_file();
        let command = format!("printf '%s\\n' '{}'", server.password());
        let mut add = postkeep_at(&program, &at);
        add.args(["account", "add", server.user(), "--host", "localhost", "--port", &port, "--user", server.user()]);
        add.args(["--leave-copy", if mode == Mode::Keep { "on" } else { "off" }, "--password-command", &command]);
        match security {
            Security::None => add.args(["--security", "none", "--allow-plaintext"]),
            _ => add.args(["--ca", ca.to_str().expect("UTF-8")]),
        };
        expect(&mut add, 0);
        Bench { server, program, mode, place: folder.path().join("archive"), folder, mail: Vec::new() }
    }

    pub fn archive(&self) -> PathBuf {
        self.place.clone()
    }

    /// From the next beginning on the archive lies there.
    pub fn lies_in(&mut self, place: PathBuf) {
        self.place = place;
    }

    /// A place for what else a play needs.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The archive as it was at the start, and this mail on the server.
    pub fn begin(&mut self, mail: Vec<Vec<u8>>) {
        let _ = fs::remove_dir_all(self.archive());
        copy_folder(&self.folder.path().join("start"), &self.archive());
        self.server.clear();
        for message in &mail {
            self.server.add(message.clone());
        }
        // As a client gets it: with a line end at its end.
        self.mail = self.server.messages();
    }

    pub fn postkeep(&self, arguments: &[&str]) -> Command {
        let mut command = postkeep_at(&self.program, &self.archive());
        command.args(arguments);
        command
    }

    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Output {
        expect(&mut self.postkeep(arguments), 0)
    }

    /// Runs a command with a fail point; fails the test unless it is killed there.
    #[track_caller]
    pub fn die(&self, arguments: &[&str], point: &str) {
        let mut command = self.postkeep(arguments);
        let output = command.env("POSTKEEP_FAILPOINT", point).output().expect("the program starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.signal(), Some(9), "{point} of {arguments:?} was never reached: {stderr}");
    }

    /// Fails if a message is nowhere, or here twice, or here in other bytes.
    #[track_caller]
    pub fn nothing_is_lost(&self, when: &str) {
        let here = stored(&self.archive());
        let there = self.server.messages();
        for message in &self.mail {
            let copies = here.get(message).copied().unwrap_or(0);
            assert!(
                copies > 0 || there.contains(message),
                "lost {when}: {} here, {} there, {} in all",
                here.len(),
                there.len(),
                self.mail.len()
            );
            assert!(copies <= 1, "here {copies} times {when}");
        }
        assert!(here.keys().all(|bytes| self.mail.contains(bytes)), "other bytes {when}");
        assert_eq!(halves(&self.archive()), 0, "half a message is here {when}");
    }

    /// Everything is here once, the server has what the mode leaves there, and the archive is sound.
    #[track_caller]
    pub fn all_is_settled(&self, when: &str) {
        self.nothing_is_lost(when);
        assert_eq!(stored(&self.archive()).len(), self.mail.len(), "not all of it is here {when}");
        let left = if self.mode == Mode::Keep { self.mail.len() } else { 0 };
        assert_eq!(self.server.messages().len(), left, "on the server {when}");
        sound(&self.archive(), when);
    }
}

/// Whether what a program said tells of a panic: by itself, or by the program's own hook.
pub fn crashed(said: &str) -> bool {
    said.contains("panicked") || said.contains("fault of this program")
}

/// Runs a command until it stands still at a fail point, such as `committed:1`.
pub fn paused(command: &mut Command, point: &str) -> Child {
    command.env("POSTKEEP_FAILPOINT", format!("{point}:pause")).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    for _ in 0..4_000 {
        let state = fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap_or_default();
        if state.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T')) {
            return child;
        }
        assert!(child.try_wait().expect("a state").is_none(), "it ended before {point}");
        sleep(Duration::from_millis(5));
    }
    panic!("it never came to {point}");
}

/// Lets it go on to its end.
pub fn go_on(child: Child) -> Output {
    let resumed = Command::new("kill").args(["-CONT", &child.id().to_string()]).status().expect("kill");
    assert!(resumed.success());
    child.wait_with_output().expect("an end")
}

/// Every stored original and how often it is there.
#[track_caller]
pub fn stored(archive: &Path) -> HashMap<Vec<u8>, usize> {
    let archive = Archive::open_read_only(archive).expect("the archive opens");
    let mut here = HashMap::new();
    for row in archive.every_stored().expect("readable") {
        let bytes = archive.original(row.id).expect("readable").expect("there");
        assert_eq!(Digest::of(&bytes), row.digest, "a message of other bytes than were stored");
        *here.entry(bytes).or_default() += 1;
    }
    here
}

/// Originals whose bytes are not there.
fn halves(archive: &Path) -> i64 {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let mail = rusqlite::Connection::open_with_flags(archive.join("mail.db"), flags).expect("it opens");
    let sql = "SELECT count(*) FROM original WHERE id NOT IN (SELECT original FROM body)";
    mail.query_row(sql, [], |row| row.get(0)).expect("counted")
}

/// SQLite's own thorough check, and every message read and hashed.
#[track_caller]
pub fn sound(archive: &Path, when: &str) {
    let archive = Archive::open_read_only(archive).expect("the archive opens");
    let health = archive.check(true, &Cancel::new(), &mut |_| {}).expect("checked");
    assert!(
        health.damaged.is_empty() && health.problems.is_empty(),
        "{when}: {:?} {:?}",
        health.damaged,
        health.problems
    );
}

/// Small generated messages, none twice.
pub fn small_mail(seed: u64) -> impl Iterator<Item = Vec<u8>> {
    let mut seen = std::collections::HashSet::new();
    generated(usize::MAX, seed).filter(move |message| message.len() < 12_000 && seen.insert(Digest::of(message)))
}

pub fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            fs::copy(&path, &target).expect("a copy");
        }
    }
}

/// How many rounds a soak was asked for (POSTKEEP_SOAK, set by tests/soak), and its seed (POSTKEEP_SEED, else this).
pub fn soak(seed: u64) -> (usize, u64) {
    let number = |name| {
        let text = std::env::var(name).ok()?.replace(',', "");
        let number = match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => text.parse(),
        };
        Some(number.unwrap_or_else(|_| panic!("{name} is no number: {text}")))
    };
    let count = number("POSTKEEP_SOAK").expect("a count in POSTKEEP_SOAK: run tests/soak");
    (usize::try_from(count).expect("a count"), number("POSTKEEP_SEED").unwrap_or(seed))
}

/// A count as the tally of a soak prints it: 12,000.
pub fn in_thousands(count: usize) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
