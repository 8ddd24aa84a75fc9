//! What a process asked of the system: the calls that change the archive's folder and the DELE commands it sent, in the
//! order in which they happened, from a trace by strace.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One thing that happened. Paths are relative to the folder; the folder itself and all above it are "".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Opened, and made if it was not there.
    Open(String),
    Write {
        path: String,
        at: u64,
        bytes: Vec<u8>,
    },
    Truncate {
        path: String,
        length: u64,
    },
    /// Begins to bring a file (or the folder's names) to the disk.
    SyncBegins(String),
    SyncEnds(String),
    Rename {
        from: String,
        to: String,
    },
    Unlink(String),
    /// DELE of this message number was handed to the system.
    Dele(usize),
}

const CALLS: &str = "trace=open,openat,creat,write,writev,pwrite64,pwritev,pwritev2,fsync,fdatasync,sync_file_range,\
    ftruncate,truncate,fallocate,rename,renameat,renameat2,link,linkat,unlink,unlinkat,sendto,sendmsg,sendfile,\
    copy_file_range";

/// Runs `command` to its end under strace; the steps it took in `folder`.
pub fn record(command: &Command, folder: &Path, status: i32) -> Vec<Step> {
    let (steps, ended, said) = trace(command, folder);
    assert_eq!(ended, Some(status), "{command:?}: {said}");
    steps
}

/// As [`record`], however the command ends.
pub fn record_any(command: &Command, folder: &Path) -> Vec<Step> {
    trace(command, folder).0
}

fn trace(command: &Command, folder: &Path) -> (Vec<Step>, Option<i32>, String) {
    let trace = tempfile::NamedTempFile::new().expect("a file");
    let mut traced = Command::new("strace");
    traced.args(["-f", "--seccomp-bpf", "-y", "-xx", "-s", "100000000", "-e", CALLS, "-o"]).arg(trace.path());
    traced.arg(command.get_program()).args(command.get_args()).stdin(std::process::Stdio::null());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => traced.env(name, value),
            None => traced.env_remove(name),
        };
    }
    let output = traced.output().expect("strace");
    let text = fs::read_to_string(trace.path()).expect("a trace");
    let steps = Reader { folder: folder.to_owned(), waiting: HashMap::new(), steps: Vec::new() }.read(&text);
    (steps, output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

struct Reader {
    folder: PathBuf,
    /// The first half of a call that another thread's came in between of.
    waiting: HashMap<String, String>,
    steps: Vec<Step>,
}

impl Reader {
    fn read(mut self, text: &str) -> Vec<Step> {
        for line in text.lines() {
            let (process, rest) = line.split_once(' ').expect("a process id");
            let rest = rest.trim_start();
            if let Some(begun) = rest.strip_suffix(" <unfinished ...>") {
                self.begins(begun);
                self.waiting.insert(process.to_owned(), begun.to_owned());
            } else if rest.starts_with("<... ") {
                let (_, end) = rest.split_once("resumed>").expect("a call resumed");
                if let Some(begun) = self.waiting.remove(process) {
                    self.ends(&format!("{begun}{end}"));
                }
            } else if rest.contains('(') && rest.contains(" = ") {
                self.begins(rest);
                self.ends(rest);
            }
        }
        self.steps
    }

    /// What counts from when it begins: a write may reach the disk at once, and a command its server.
    fn begins(&mut self, call: &str) {
        let (name, arguments) = call.split_once('(').expect("a call");
        match name {
            "pwrite64" => {
                if let Some(path) = self.descriptor(arguments) {
                    let mut parts = after_quotes(arguments).split(", ").skip(1);
                    let length: usize = number(parts.next());
                    let at = number::<u64>(parts.next());
                    let bytes = quoted(arguments, 0);
                    assert_eq!(bytes.len(), length, "a write that the trace cut short");
                    self.steps.push(Step::Write { path, at, bytes });
                }
            }
            "ftruncate" => {
                if let Some(path) = self.descriptor(arguments) {
                    self.steps.push(Step::Truncate { path, length: number(arguments.split(", ").nth(1)) });
                }
            }
            "fsync" | "fdatasync" => {
                self.steps.extend(self.descriptor(arguments).map(Step::SyncBegins));
            }
            "sendto" => self.sent(&quoted(arguments, 0)),
            "write" | "writev" | "sendmsg" | "pwritev" | "pwritev2" | "fallocate" | "sendfile" | "copy_file_range"
            | "sync_file_range" => {
                let path = self.descriptor(arguments).filter(|path| !path.is_empty());
                assert_eq!(path, None, "a call that the rig does not play: {}", start(call));
            }
            _ => {}
        }
    }

    /// What counts when it is done, and only if it was.
    fn ends(&mut self, call: &str) {
        let (name, arguments) = call.split_once('(').expect("a call");
        let (_, answer) = call.rsplit_once(" = ").unwrap_or(("", "?"));
        if answer.starts_with('-') || answer.starts_with('?') {
            return;
        }
        match name {
            "openat" | "open" | "creat" if arguments.contains("O_CREAT") => {
                self.steps.extend(self.descriptor(answer).map(Step::Open));
            }
            "fsync" | "fdatasync" => {
                self.steps.extend(self.descriptor(arguments).map(Step::SyncEnds));
            }
            "rename" | "renameat" | "renameat2" => {
                if let (Some(from), Some(to)) = (self.path(&quoted(arguments, 0)), self.path(&quoted(arguments, 1))) {
                    self.steps.push(Step::Rename { from, to });
                }
            }
            "unlink" | "unlinkat" => {
                self.steps.extend(self.path(&quoted(arguments, 0)).map(Step::Unlink));
            }
            "link" | "linkat" | "truncate" => {
                let path = self.path(&quoted(arguments, 0));
                assert_eq!(path, None, "a call that the rig does not play: {}", start(call));
            }
            _ => {}
        }
    }

    fn sent(&mut self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        let numbers = text.lines().filter_map(|line| line.strip_prefix("DELE ")?.trim().parse().ok());
        self.steps.extend(numbers.map(Step::Dele));
    }

    /// The file that a descriptor such as `5<\x2f...>` stands for, if it lies in the folder and has a name still.
    fn descriptor(&self, text: &str) -> Option<String> {
        let (_, rest) = text.split_once('<')?;
        let (path, rest) = rest.split_once('>')?;
        if rest.starts_with("(deleted)") { None } else { self.path(&unhex(path)) }
    }

    fn path(&self, bytes: &[u8]) -> Option<String> {
        let path = PathBuf::from(String::from_utf8_lossy(bytes).into_owned());
        if self.folder.starts_with(&path) {
            return Some(String::new());
        }
        let name = path.strip_prefix(&self.folder).ok()?.to_string_lossy().into_owned();
        // The shared memory beside the journal is made anew after a crash, and the lock is an empty file.
        (!name.ends_with("-shm") && name != "lock").then_some(name)
    }
}

fn start(call: &str) -> String {
    call.chars().take(200).collect()
}

/// The `nth` quoted string of a call.
fn quoted(arguments: &str, nth: usize) -> Vec<u8> {
    unhex(arguments.split('"').nth(2 * nth + 1).unwrap_or_default())
}

fn after_quotes(arguments: &str) -> &str {
    arguments.rsplit_once('"').map_or("", |(_, rest)| rest)
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |digit: u8| (digit as char).to_digit(16).expect("a hexadecimal digit") as u8;
    text.as_bytes().chunks(4).map(|escape| 16 * digit(escape[2]) + digit(escape[3])).collect()
}

fn number<T: std::str::FromStr>(text: Option<&str>) -> T {
    let text = text.unwrap_or_default();
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().unwrap_or_else(|_| panic!("a number: {text}"))
}
