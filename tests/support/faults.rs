//! The program with one call that fails as a disk would fail it: `faults.c`, compiled here and preloaded.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

pub const EIO: i32 = 5;
pub const ENOSPC: i32 = 28;
pub const EROFS: i32 = 30;

/// The library that is preloaded.
fn library() -> &'static Path {
    static BUILT: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    &BUILT
        .get_or_init(|| {
            let folder = tempfile::tempdir().expect("a folder");
            let library = folder.path().join("faults.so");
            let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/faults.c");
            let mut cc = Command::new("cc");
            cc.args(["-Wall", "-Werror", "-shared", "-fPIC", "-O2", "-o"]).arg(&library).args([source, "-ldl"]);
            let output = cc.output().expect("a C compiler");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            (folder, library)
        })
        .1
}

/// Which call fails.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// sync, write, read, open, truncate or map.
    pub call: &'static str,
    /// Which of them, over all threads; the first is 1, and 0 is none.
    pub at: u64,
    pub errno: i32,
    /// Whether everything that would change the disk fails from then on.
    pub stays: bool,
}

pub const NONE: Fault = Fault { call: "sync", at: 0, errno: 0, stays: false };

/// How it went.
pub struct Played {
    pub output: Output,
    /// The file whose call failed.
    pub hit: Option<String>,
    pub dele_after: bool,
    /// Calls of each kind.
    pub counts: BTreeMap<String, u64>,
}

/// Runs a command on the archive in `folder` with this fault.
pub fn play(command: &mut Command, folder: &Path, fault: Fault) -> Played {
    let log = tempfile::NamedTempFile::new().expect("a file");
    command.env("LD_PRELOAD", library()).env("FAULT_FOLDER", folder).env("FAULT_LOG", log.path());
    command.env("FAULT_CALL", fault.call).env("FAULT_AT", fault.at.to_string());
    command.env("FAULT_ERRNO", fault.errno.to_string());
    if fault.stays {
        command.env("FAULT_STAYS", "yes");
    }
    let output = command.output().expect("the program starts");
    let told = fs::read_to_string(log.path()).expect("a log");
    let count = |line: &str| {
        let (call, count) = line.strip_prefix("count ")?.split_once(' ')?;
        Some((call.to_owned(), count.parse().ok()?))
    };
    Played {
        output,
        hit: told.lines().find_map(|line| line.strip_prefix("fault ").map(str::to_owned)),
        dele_after: told.contains("DELE after the fault"),
        counts: told.lines().filter_map(count).collect(),
    }
}
