//! Messages and octets a second of a fetch, beside the floor. The server runs in a process of its own.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use postkeep::account::{Account, Retention, Security, Server};
use postkeep::archive::{Archive, NewAccount, SessionOutcome};
use postkeep::demo::{self, Options};
use postkeep::job::Cancel;
use secrecy::SecretString;

use crate::{Scale, floor, timed};

/// With this word as its first argument the bench is the server.
pub const SERVER_ROLE: &str = "serve-for-the-bench";
const SEED: u64 = 1;

/// Serves generated mail until standard input ends.
pub fn serve(count: usize, seed: u64) {
    let server = demo::Server::start(0, Options::default().generated(count, seed)).expect("a server");
    let line = serde_json::json!({
        "port": server.address().port(), "user": server.user(), "password": server.password(), "ca_file": server.ca_file(),
    });
    println!("{line}");
    std::io::stdin().read_to_end(&mut Vec::new()).expect("the end of input");
}

struct Remote {
    process: Child,
    port: u16,
    user: String,
    password: String,
    ca_file: PathBuf,
}

impl Remote {
    fn start(count: usize) -> Remote {
        let mut process = Command::new(std::env::current_exe().expect("the bench"))
            .args([SERVER_ROLE, &count.to_string(), &SEED.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        let told: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        let word = |key: &str| told[key].as_str().expect("a word").to_owned();
        Remote {
            process,
            port: u16::try_from(told["port"].as_u64().expect("a port")).expect("a port"),
            user: word("user"),
            password: word("password"),
            ca_file: word("ca_file").into(),
        }
    }

    fn fetch_into_new_archive(&self, retention: Retention) -> (SessionOutcome, Duration) {
        let folder = tempfile::tempdir_in(".").expect("a folder on the disk of the checkout");
        let archive = Archive::open(folder.path()).expect("an archive");
        let account = self.account(&archive, retention);
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        let password = SecretString::from(self.password.clone());
        let ((outcome, error), time) = timed(|| {
            runtime.block_on(postkeep::fetch::run(&archive, &account, &password, &Cancel::new(), &mut |_| {}))
        });
        assert!(error.is_none(), "{error:?}");
        (outcome, time)
    }

    fn account(&self, archive: &Archive, retention: Retention) -> Account {
        let server = Server {
            host: "localhost".to_owned(),
            port: self.port,
            security: Security::Tls,
            user: self.user.clone(),
            ca_file: Some(self.ca_file.clone()),
        };
        let new =
            NewAccount { address: self.user.clone(), server, name: String::new(), retention, password_command: None };
        archive.add_account(&new).expect("an account")
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        self.process.wait().expect("the server's end");
    }
}

pub fn bench(scale: &Scale) {
    let server = Remote::start(scale.fetched);
    let read = || timed(|| floor::read_all(server.port, &server.ca_file, &server.user, &server.password));
    read();
    let ((count, octets), floor) = read();
    assert_eq!(count, scale.fetched);
    line("floor: octets read and thrown away", count, octets as u64, floor, floor);
    for (label, retention) in [
        ("fetch: stored FULL, indexed, a copy left", Retention::LeaveCopy),
        ("fetch: stored FULL, indexed, read back, removed", Retention::RemoveOnceStored),
    ] {
        let (outcome, time) = server.fetch_into_new_archive(retention);
        assert_eq!(outcome.retrieved, scale.fetched as u64);
        line(label, count, outcome.octets, time, floor);
    }
}

fn line(label: &str, messages: usize, octets: u64, time: Duration, floor: Duration) {
    let seconds = time.as_secs_f64();
    println!(
        "  {label:<50} {:>7.2} s {:>8.0} messages/s {:>7.1} MB/s  {:>5.2} x floor",
        seconds,
        messages as f64 / seconds,
        octets as f64 / 1e6 / seconds,
        seconds / floor.as_secs_f64(),
    );
}
