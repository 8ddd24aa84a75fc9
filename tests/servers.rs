//! Against other real servers from Debian's packages, through the command line: every message arrives byte for byte as an
//! independent client reads it there, a second fetch retrieves nothing, and the server keeps or loses its copies exactly
//! as "leave a copy" says. Dovecot has a file of its own.
#![cfg(target_os = "linux")]
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)]

#[path = "support/servers/mod.rs"]
mod servers;
mod support;

use std::collections::HashMap;
use std::path::Path;

use postkeep::archive::Archive;
use servers::reader::{Served, read_all};
use servers::{PASSWORD, Server, courier, mailutils, popa3d};
use support::dovecot::with_crlf;
use support::{assert_same_mail, expect, json_lines, postkeep};

const MESSAGES: usize = 1_000;
const SEED: u64 = 20_27;
/// By which the account is known here, whatever the user's name on the server.
const ADDRESS: &str = "anna@example.org";

#[test]
fn courier_a_thousand_messages_left_then_removed() {
    leave_then_remove(&courier::start(mail(MESSAGES)));
}

#[test]
fn courier_messages_removed_at_once() {
    remove_at_once(&courier::start(mail(100)));
}

#[test]
fn mailutils_a_thousand_messages_left_then_removed() {
    leave_then_remove(&mailutils::start(mail(MESSAGES)));
}

#[test]
fn mailutils_messages_removed_at_once() {
    remove_at_once(&mailutils::start(mail(100)));
}

#[test]
fn popa3d_a_thousand_messages_left_then_removed() {
    leave_then_remove(&popa3d::start(mail(MESSAGES)));
}

#[test]
fn popa3d_messages_removed_at_once() {
    remove_at_once(&popa3d::start(mail(100)));
}

fn mail(count: usize) -> impl Iterator<Item = Vec<u8>> {
    postkeep::demo::generated(count, SEED)
}

fn leave_then_remove(server: &Server) {
    let archive = tempfile::tempdir().expect("a folder");
    let archive = archive.path();
    let served = read_all(server);
    assert_eq!(served.len(), MESSAGES, "{}", server.name);
    assert_faithful(server, &served);
    let staying = sharing_a_unique_id(&served);
    add_account(archive, server, true);

    let first = fetch(archive);
    assert_eq!((&first["listed"], &first["retrieved"], &first["deleted"]), (&1000.into(), &1000.into(), &0.into()));
    assert_same_mail(stored(archive), bytes(&served));

    let second = fetch(archive);
    assert_eq!((&second["retrieved"], &second["deleted"], &second["kept"]), (&0.into(), &0.into(), &1000.into()));
    assert_eq!(server.left(MESSAGES), MESSAGES, "{}", server.name);
    assert!(read_all(server) == served, "{} serves what it served before", server.name);

    expect(postkeep(archive).args(["account", "set", ADDRESS, "--leave-copy", "off"]), 0);
    let third = fetch(archive);
    let (deleted, kept) = ((MESSAGES - staying).into(), staying.into());
    assert_eq!((&third["retrieved"], &third["deleted"], &third["kept"]), (&0.into(), &deleted, &kept));
    assert_eq!(server.left(staying), staying, "messages left on {}", server.name);
    assert_same_mail(stored(archive), bytes(&served));
}

fn remove_at_once(server: &Server) {
    let archive = tempfile::tempdir().expect("a folder");
    let archive = archive.path();
    let served = read_all(server);
    let staying = sharing_a_unique_id(&served);
    add_account(archive, server, false);
    let fetched = fetch(archive);
    let deleted = (served.len() - staying).into();
    assert_eq!((&fetched["retrieved"], &fetched["deleted"]), (&served.len().into(), &deleted));
    assert_eq!(server.left(staying), staying, "messages left on {}", server.name);
    assert_same_mail(stored(archive), bytes(&served));
}

/// How many messages have a unique-id that another one has too: those are never removed, since one could be taken for
/// the other.
fn sharing_a_unique_id(served: &[Served]) -> usize {
    let mut times: HashMap<&str, usize> = HashMap::new();
    for message in served {
        *times.entry(&message.uidl).or_default() += 1;
    }
    times.values().filter(|times| **times > 1).sum()
}

/// That the server serves nearly all of what was put there as it was: the edge cases go through some servers otherwise.
fn assert_faithful(server: &Server, served: &[Served]) {
    let put: std::collections::HashSet<_> =
        mail(MESSAGES).map(|message| with_crlf(&servers::with_lf(&message))).collect();
    let same = served.iter().filter(|message| put.contains(&without_field(&message.bytes, b"X-UIDL:"))).count();
    println!("{}: {same} of {MESSAGES} messages served as they were put there", server.name);
    assert!(same >= MESSAGES * 8 / 10, "{} serves {same} messages as they were put there", server.name);
}

fn without_field(message: &[u8], name: &[u8]) -> Vec<u8> {
    message.split_inclusive(|octet| *octet == b'\n').filter(|line| !line.starts_with(name)).flatten().copied().collect()
}

fn bytes(served: &[Served]) -> Vec<Vec<u8>> {
    served.iter().map(|message| message.bytes.clone()).collect()
}

/// The original bytes of every message in the archive, in this process: a thousand processes take longer than the fetch.
fn stored(archive: &Path) -> Vec<Vec<u8>> {
    let archive = Archive::open_read_only(archive).expect("an archive");
    let all = archive.every_stored().expect("the messages");
    all.iter().map(|message| archive.original(message.id).expect("readable").expect("there")).collect()
}

/// Fetches; again where the server wants some time between two logins (Courier says LOGIN-DELAY 10).
fn fetch(archive: &Path) -> serde_json::Value {
    for _ in 0..60 {
        let output = postkeep(archive).args(["fetch", "--json"]).output().expect("the program starts");
        let line = json_lines(&output).pop().expect("a result line");
        if line["problem"].as_str().is_some_and(|problem| problem.contains("wants more time")) {
            std::thread::sleep(std::time::Duration::from_millis(500));
            continue;
        }
        assert_eq!(output.status.code(), Some(0), "{line}");
        return line;
    }
    panic!("the server wants too much time between two visits");
}

fn add_account(archive: &Path, server: &Server, leave_copy: bool) {
    let port = server.port.to_string();
    let password = format!("printf '%s\\n' '{PASSWORD}'");
    let mut command = postkeep(archive);
    command
        .args(["account", "add", ADDRESS, "--host", "localhost", "--port", &port, "--user", server.user])
        .args(["--security", server.security, "--leave-copy", if leave_copy { "on" } else { "off" }])
        .args(["--password-command", &password]);
    match server.security {
        "none" => command.arg("--allow-plaintext"),
        _ => command.arg("--ca").arg(&server.ca_file),
    };
    expect(&mut command, 0);
}
