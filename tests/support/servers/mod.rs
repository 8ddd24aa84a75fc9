//! Real servers from Debian's packages, each with a maildrop of its own on loopback. See the file of each for its habits.

pub mod courier;
pub mod mailutils;
pub mod popa3d;
pub mod reader;
mod view;

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use self::view::View;

pub const PASSWORD: &str = "seal and anchor";

/// A running server; stopped when dropped.
pub struct Server {
    pub name: &'static str,
    pub user: &'static str,
    /// Where the program under test goes, and how it is to protect the connection (`--security`).
    pub port: u16,
    pub security: &'static str,
    pub ca_file: PathBuf,
    /// Where the same maildrop is served without protection, for [`reader`].
    pub plain_port: u16,
    left: Box<dyn Fn(&Path) -> usize>,
    view: View,
}

impl Server {
    /// How many messages lie in its maildrop on the disk, given the time to become so many: Courier answers QUIT with +OK
    /// before it removes.
    pub fn left(&self, expected: usize) -> usize {
        for _ in 0..200 {
            if (self.left)(self.view.folder()) == expected {
                break;
            }
            sleep(Duration::from_millis(50));
        }
        (self.left)(self.view.folder())
    }

    /// Waits until it answers.
    fn ready(self) -> Server {
        for _ in 0..200 {
            if [self.port, self.plain_port].iter().all(|port| TcpStream::connect(("127.0.0.1", *port)).is_ok()) {
                return self;
            }
            sleep(Duration::from_millis(50));
        }
        panic!("{} did not start: {}", self.name, self.view.log());
    }
}

/// A message as a file on a Unix server holds it: its lines end in LF, also the last.
pub fn with_lf(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + 1);
    for (at, &octet) in message.iter().enumerate() {
        if octet != b'\r' || message.get(at + 1) != Some(&b'\n') {
            out.push(octet);
        }
    }
    if !out.ends_with(b"\n") {
        out.push(b'\n');
    }
    out
}

fn write_maildir(maildir: &Path, messages: impl IntoIterator<Item = Vec<u8>>) {
    for part in ["cur", "new", "tmp"] {
        std::fs::create_dir_all(maildir.join(part)).expect("a Maildir");
    }
    for (index, message) in messages.into_iter().enumerate() {
        let name = format!("{}.{index}.test:2,", 1_700_000_000 + index);
        std::fs::write(maildir.join("cur").join(name), with_lf(&message)).expect("a message written");
    }
}

fn in_maildir(maildir: &Path) -> usize {
    ["cur", "new"].iter().map(|part| std::fs::read_dir(maildir.join(part)).expect("a Maildir").count()).sum()
}
