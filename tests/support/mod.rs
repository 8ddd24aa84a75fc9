//! What the integration tests share: the program as a child process, a real Dovecot, the folder of shared mail.
#![allow(dead_code)]

pub mod dovecot;
pub mod fake;
pub mod mutant;
pub mod proxy;
pub mod rig;
pub mod scripted;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// The program under test, on this archive, with no keyring and no display to lean on.
pub fn postkeep(archive: &Path) -> Command {
    postkeep_at(Path::new(env!("CARGO_BIN_EXE_postkeep")), archive)
}

/// Another build of the program (a mutant), on this archive.
pub fn postkeep_at(program: &Path, archive: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg("--archive").arg(archive);
    command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").env_remove("DBUS_SESSION_BUS_ADDRESS");
    command.env_remove("POSTKEEP_LOG").stdin(std::process::Stdio::null());
    command
}

/// Runs it to its end; fails the test with what it printed unless the exit status is `status`.
#[track_caller]
pub fn expect(command: &mut Command, status: i32) -> Output {
    let output = command.output().expect("the program starts");
    assert_eq!(
        output.status.code(),
        Some(status),
        "{command:?}\nstdout: {}\nstderr: {}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// The JSON objects a command printed, one a line.
pub fn json_lines(output: &Output) -> Vec<Value> {
    String::from_utf8(output.stdout.clone())
        .expect("UTF-8")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

/// Adds an account whose password comes from a command.
#[track_caller]
pub fn add_account(archive: &Path, address: &str, port: u16, ca_file: &Path, leave_copy: bool, password: &str) {
    let port = port.to_string();
    let command = format!("printf '%s\\n' '{password}'");
    let leave_copy = if leave_copy { "on" } else { "off" };
    expect(
        postkeep(archive)
            .args(["account", "add", address, "--host", "localhost", "--port", &port, "--user", address])
            .args(["--leave-copy", leave_copy, "--password-command", &command, "--ca"])
            .arg(ca_file),
        0,
    );
}

/// Fetches all accounts; the result line of the last.
#[track_caller]
pub fn fetch(archive: &Path, status: i32) -> Value {
    let output = expect(postkeep(archive).args(["fetch", "--json"]), status);
    json_lines(&output).pop().expect("a result line")
}

/// The original bytes of every message, through `list` and `show --raw` of the program, newest first.
pub fn originals(archive: &Path) -> Vec<Vec<u8>> {
    let listed = expect(postkeep(archive).args(["list", "--limit", "1000000", "--json"]), 0);
    json_lines(&listed)
        .iter()
        .map(|row| expect(postkeep(archive).args(["show", &row["id"].to_string(), "--raw"]), 0).stdout)
        .collect()
}

/// The folder of mail that is not ours to ship; `None`, said aloud, where it is absent.
pub fn shared() -> Option<PathBuf> {
    let beside = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared"));
    let folder = std::env::var_os("POSTKEEP_SHARED").map_or(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: the shared mail is not at {}", folder.display());
    None
}

/// The two lists sorted and compared; says how many differ, not what they hold.
#[track_caller]
pub fn assert_same_mail(mut left: Vec<Vec<u8>>, mut right: Vec<Vec<u8>>) {
    left.sort();
    right.sort();
    assert_eq!(left.len(), right.len(), "numbers of messages");
    let differing: Vec<_> = left.iter().zip(&right).filter(|(left, right)| left != right).collect();
    if let Some((left, right)) = differing.first() {
        let at = left.iter().zip(right.iter()).position(|(left, right)| left != right);
        let at = at.unwrap_or(left.len().min(right.len()));
        let around = |bytes: &[u8]| bytes[at.saturating_sub(20)..bytes.len().min(at + 20)].escape_ascii().to_string();
        panic!(
            "{} messages differ; the first, of {} and {} octets, at {at}: {} and {}",
            differing.len(),
            left.len(),
            right.len(),
            around(left),
            around(right)
        );
    }
}

/// A small generator with a fixed seed: a failure can be played again.
pub struct Dice(pub u64);

impl Dice {
    /// A number below `limit` (xorshift64).
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}
