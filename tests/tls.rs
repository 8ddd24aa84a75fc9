//! Faults of TLS, through the command line: each is refused in a sentence of its own, before one octet of a credential
//! is sent, and no mail is stored.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)]

mod support;

use std::collections::HashSet;
use std::fs;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::thread;

use postkeep::account::Security;
use postkeep::demo::{BadCertificate, Cut, Door, Fault, Options, Server, Stls};
use serde_json::Value;
use support::{add_account, expect, fetch, json_lines, postkeep};

/// Fetches from a server with this fault; the sentence it was refused with.
fn refused(options: Options, security: Security) -> String {
    let server = Server::start(0, options).expect("a server");
    let archive = tempfile::tempdir().expect("a folder");
    let archive = archive.path();
    add_account(archive, server.user(), server.address().port(), &server.ca_file(), false, server.password());
    if security != Security::Tls {
        expect(postkeep(archive).args(["account", "set", server.user(), "--security", security.as_str()]), 0);
    }
    let result = fetch(archive, 1);
    assert_eq!(server.credentials_seen(), 0, "credentials were sent: {result}");
    assert_eq!(json_lines(&expect(postkeep(archive).args(["list", "--json"]), 0)), Vec::<Value>::new());
    result["problem"].as_str().expect("a sentence").to_owned()
}

#[test]
fn each_fault_is_refused_in_its_own_words_before_a_credential_is_sent() {
    let open = |door| (Options::default().door(door), Security::Tls);
    let bad = |certificate| open(Door::Certificate(certificate));
    let stls = |stls| (Options::default().security(Security::StartTls).stls(stls), Security::StartTls);
    let cases = [
        ("expired", bad(BadCertificate::Expired)),
        ("not valid yet", bad(BadCertificate::NotYetValid)),
        ("not for localhost", bad(BadCertificate::WrongHost)),
        ("signed by the server itself", bad(BadCertificate::SelfSigned)),
        ("authority", bad(BadCertificate::UnknownAuthority)),
        ("old", open(Door::OldTls)),
        ("without encryption", open(Door::Plaintext)),
        ("web server answers", open(Door::Http)),
        ("does not speak", open(Door::Garbage)),
        ("said nothing", open(Door::Hang)),
        ("hung up", open(Door::Close)),
        ("STARTTLS", stls(Stls::Stripped)),
        ("STARTTLS", stls(Stls::Refused)),
        ("slipped words in", stls(Stls::Injected)),
    ];
    // The one that hangs takes as long as the program's patience: all at once.
    let waiting: Vec<_> =
        cases.map(|(words, (options, security))| (words, thread::spawn(move || refused(options, security)))).into();
    let sentences: Vec<_> = waiting.into_iter().map(|(words, case)| (words, case.join().expect("a refusal"))).collect();
    let unsaid: Vec<_> = sentences.iter().filter(|(words, sentence)| !sentence.contains(words)).collect();
    sentences.iter().for_each(|(_, sentence)| println!("{sentence}"));
    assert!(unsaid.is_empty(), "{unsaid:#?}");
    let different: HashSet<_> = sentences.iter().map(|(_, sentence)| sentence).collect();
    assert_eq!(different.len(), sentences.len(), "each fault has a sentence of its own");
}

#[test]
fn a_message_cut_off_without_close_notify_is_not_stored_and_stays_on_the_server() {
    let options = Options::default().generated(5, 1).fault(Fault::cut_retr(3, 200, Cut::Silent));
    let server = Server::start(0, options).expect("a server");
    let archive = tempfile::tempdir().expect("a folder");
    add_account(archive.path(), server.user(), server.address().port(), &server.ca_file(), false, server.password());

    let cut = fetch(archive.path(), 1);
    println!("{}", cut["problem"]);
    assert_eq!((&cut["retrieved"], &cut["deleted"], &cut["failed"]), (&2.into(), &0.into(), &3.into()), "{cut}");
    assert_eq!(server.messages().len(), 5, "nothing was removed");

    let whole = fetch(archive.path(), 0);
    assert_eq!((&whole["retrieved"], &whole["deleted"]), (&3.into(), &5.into()), "{whole}");
    assert_eq!(support::originals(archive.path()).len(), 5);
}

/// The embedded server only plays an old version; this one is: OpenSSL, speaking TLS 1.1 and nothing newer.
#[test]
fn a_real_tls_1_1_server_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    fs::write(&certificate, made.cert.pem()).expect("a file");
    fs::write(&key, made.signing_key.serialize_pem()).expect("a file");
    let port = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port").port();
    let mut openssl = Command::new("openssl")
        .args(["s_server", "-quiet", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0", "-accept", &format!("127.0.0.1:{port}")])
        .arg("-cert")
        .arg(&certificate)
        .arg("-key")
        .arg(&key)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl");
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        thread::sleep(std::time::Duration::from_millis(20));
    }
    add_account(folder.path(), "anna@example.org", port, &certificate, false, "secret");
    let result = fetch(folder.path(), 1);
    openssl.kill().expect("stopped");
    openssl.wait().expect("stopped");
    let sentence = result["problem"].as_str().expect("a sentence");
    assert!(sentence.contains("old"), "{sentence}");
}
