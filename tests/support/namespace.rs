//! A network namespace of a test's own.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// Runs a command line to its end; it has to succeed.
#[track_caller]
pub fn run(command: &str) {
    let mut words = command.split(' ');
    let output = Command::new(words.next().expect("a program")).args(words).output();
    let output = output.unwrap_or_else(|error| panic!("{command}: {error}; tests/run installs what is needed"));
    assert!(
        output.status.success(),
        "{command}: {}. These tests need network namespaces: run them as root, outside of a container that forbids it.",
        String::from_utf8_lossy(&output.stderr).trim()
    );
}

/// Goes away with all that is in it. Nothing in it leads anywhere until a test makes it so.
pub struct Namespace {
    pub name: String,
}

impl Namespace {
    pub fn new() -> Namespace {
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let net = Namespace { name: format!("postkeep-n{}-{number}", std::process::id()) };
        run(&format!("ip netns add {}", net.name));
        run(&format!("ip -n {} link set lo up", net.name));
        net
    }

    /// What a file of /etc says in the namespace.
    pub fn etc(&self, file: &str, text: &str) {
        let folder = Path::new("/etc/netns").join(&self.name);
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join(file), text).expect("a file");
    }

    /// The command, in the namespace.
    pub fn inside(&self, command: &Command) -> Command {
        let mut inside = Command::new("ip");
        inside.args(["netns", "exec", &self.name]).arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => inside.env(name, value),
                None => inside.env_remove(name),
            };
        }
        inside.stdin(Stdio::null());
        inside
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        _ = Command::new("ip").args(["netns", "del", &self.name]).status();
        _ = fs::remove_dir_all(Path::new("/etc/netns").join(&self.name));
    }
}
