//! The mail that is fetched.

use std::path::Path;
use std::process::Command;

use crate::support::shared;

const SEED: &str = "1";

/// So many messages, and in words where they come from.
pub fn mail(count: usize) -> (Vec<Vec<u8>>, String) {
    let Some(shared) = shared() else {
        return (postkeep::demo::generated(count, 1).collect(), format!("demo::generated, seed {SEED}"));
    };
    let folder = tempfile::tempdir().expect("a folder");
    let maildir = folder.path().join("mail");
    // Debian's own Python: tests/run installs numpy for it.
    let made = Command::new("/usr/bin/python3")
        .arg(shared.join("bench/gen_corpus.py"))
        .args(["--count", &count.to_string(), "--seed", SEED, "--sub", "cur", "--maildir"])
        .arg(&maildir)
        .output()
        .expect("python3");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    (files_in(&maildir.join("cur")), format!("gen_corpus.py, seed {SEED}"))
}

fn files_in(folder: &Path) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("a message")).collect()
}
