//! Nothing new among 250,000 messages: what the ledger and the plan cost. The server is the embedded one, in a process of
//! its own, with small messages.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use postkeep::demo::{self, Options};

use crate::clients::{Cost, cost, median};
use crate::support::{add_account, postkeep};

/// With this word as its first argument the bench is the server.
pub const SERVER_ROLE: &str = "serve-many-for-the-bench";

const MESSAGES: usize = 250_000;
const ROUNDS: usize = 5;

/// Serves small messages until standard input ends.
pub fn serve(count: usize) {
    let message = |number| format!("From: a@b.example\r\nSubject: {number}\r\n\r\n{number}\r\n").into_bytes();
    let server = demo::Server::start(0, Options::default().messages((0..count).map(message))).expect("a server");
    println!("{} {} {}", server.address().port(), server.password(), server.ca_file().display());
    std::io::stdin().read_to_end(&mut Vec::new()).expect("the end of input");
}

struct Remote {
    process: Child,
    port: u16,
    password: String,
    ca_file: PathBuf,
}

impl Remote {
    fn start(count: usize) -> Remote {
        let mut process = Command::new(std::env::current_exe().expect("the bench"))
            .args([SERVER_ROLE, &count.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        let [port, password, ca_file] = line.split_whitespace().collect::<Vec<_>>()[..] else { panic!("{line}") };
        let port = port.parse().expect("a port");
        Remote { process, port, password: password.to_owned(), ca_file: ca_file.into() }
    }

    fn fetch(&self, archive: &Path) -> Command {
        if !archive.join("mail.db").exists() {
            add_account(archive, "anna@example.org", self.port, &self.ca_file, true, &self.password);
        }
        let mut command = postkeep(archive);
        command.args(["fetch", "--json"]);
        command
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        self.process.wait().expect("the server's end");
    }
}

pub fn bench(part: usize) {
    let folder = tempfile::tempdir_in(".").expect("a folder on the disk of the checkout");
    let (empty, full) = (folder.path().join("empty"), folder.path().join("full"));
    let (nothing, much) = (Remote::start(0), Remote::start(MESSAGES / part));
    let filled = cost(&much.fetch(&full));
    line(&format!("all of {} messages fetched", MESSAGES / part), &filled);
    let rounds = |server: &Remote, archive: &Path| {
        let costs: Vec<Cost> = (0..ROUNDS).map(|_| cost(&server.fetch(archive))).collect();
        median(&costs)
    };
    let base = rounds(&nothing, &empty);
    let again = rounds(&much, &full);
    line("base: a fetch from an empty maildrop", &base);
    line("nothing new", &again);
    println!(
        "  above the base: {:.2} s of CPU, {:.1} MB",
        again.cpu.as_secs_f64() - base.cpu.as_secs_f64(),
        (again.peak as f64 - base.peak as f64) / 1e6
    );
}

fn line(label: &str, cost: &Cost) {
    println!(
        "  {label:<40} {:>6.2} s  {:>6.2} s of CPU  {:>6.1} MB peak",
        cost.wall.as_secs_f64(),
        cost.cpu.as_secs_f64(),
        cost.peak as f64 / 1e6
    );
}
