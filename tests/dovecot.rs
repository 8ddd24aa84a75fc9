//! Against a real Dovecot over TLS, through the command line: every message arrives byte for byte, a second fetch
//! retrieves nothing, and the server keeps or loses its copies exactly as "leave a copy" says.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)]

mod support;

use std::path::Path;
use std::process::Command;

use support::dovecot::{Dovecot, PASSWORD, USER, with_crlf};
use support::{add_account, assert_same_mail, expect, fetch, originals, postkeep, shared};

const MESSAGES: usize = 1_000;

fn served(server: &Dovecot) -> Vec<Vec<u8>> {
    server.messages().iter().map(|message| with_crlf(message)).collect()
}

fn fetch_leave_then_remove(server: &Dovecot) {
    let archive = tempfile::tempdir().expect("a folder");
    let archive = archive.path();
    let on_server = served(server);
    assert_eq!(on_server.len(), MESSAGES);
    add_account(archive, USER, server.tls_port, &server.ca_file(), true, PASSWORD);

    let first = fetch(archive, 0);
    assert_eq!((&first["listed"], &first["retrieved"], &first["deleted"]), (&1000.into(), &1000.into(), &0.into()));
    assert_same_mail(originals(archive), on_server.clone());

    let second = fetch(archive, 0);
    assert_eq!((&second["retrieved"], &second["deleted"], &second["kept"]), (&0.into(), &0.into(), &1000.into()));
    assert_same_mail(served(server), on_server.clone());

    expect(postkeep(archive).args(["account", "set", USER, "--leave-copy", "off"]), 0);
    let third = fetch(archive, 0);
    assert_eq!((&third["retrieved"], &third["deleted"], &third["kept"]), (&0.into(), &1000.into(), &0.into()));
    assert_eq!(server.messages().len(), 0, "messages left on the server");
    assert_same_mail(originals(archive), on_server);
}

#[test]
fn a_thousand_generated_messages() {
    let server = Dovecot::start(postkeep::demo::generated(MESSAGES, 20_26));
    fetch_leave_then_remove(&server);
}

#[test]
fn a_thousand_messages_of_the_shared_generator() {
    let Some(shared) = shared() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let maildir = folder.path().join("mail");
    // Debian's own Python: tests/run installs numpy for it.
    let made = Command::new("/usr/bin/python3")
        .arg(shared.join("bench/gen_corpus.py"))
        .args(["--count", "1000", "--seed", "7", "--short", "--maildir"])
        .arg(&maildir)
        .output()
        .expect("python3");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    fetch_leave_then_remove(&Dovecot::start(files_below(&maildir)));
}

#[test]
fn messages_removed_at_once_and_over_starttls() {
    let server = Dovecot::start(postkeep::demo::generated(50, 3));
    let archive = tempfile::tempdir().expect("a folder");
    let on_server = served(&server);
    add_account(archive.path(), USER, server.starttls_port, &server.ca_file(), false, PASSWORD);
    expect(postkeep(archive.path()).args(["account", "set", USER, "--security", "starttls"]), 0);
    let fetched = fetch(archive.path(), 0);
    assert_eq!((&fetched["retrieved"], &fetched["deleted"]), (&50.into(), &50.into()));
    assert_eq!(server.messages().len(), 0, "messages left on the server");
    assert_same_mail(originals(archive.path()), on_server);
}

#[test]
fn a_wrong_password_is_refused_in_words_and_nothing_changes() {
    let server = Dovecot::start(postkeep::demo::generated(3, 3));
    let archive = tempfile::tempdir().expect("a folder");
    add_account(archive.path(), USER, server.tls_port, &server.ca_file(), false, "not the password");
    let refused = fetch(archive.path(), 1);
    assert!(refused["problem"].as_str().is_some_and(|problem| problem.contains("password")), "{refused}");
    assert_eq!(server.messages().len(), 3);
}

fn files_below(folder: &Path) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            found.push(std::fs::read(&path).expect("a message"));
        }
    }
    found
}
