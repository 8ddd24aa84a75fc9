//! The protocol trace: what it says, and that nothing secret and nothing hostile stands in it (faults 64 and 66).

use std::sync::{Arc, Mutex};

use super::*;
use crate::transport::{Trace, TraceFile};

/// A trace, and what stands in it.
fn traced() -> (Options, Arc<Mutex<String>>) {
    let lines = Arc::new(Mutex::new(String::new()));
    let into = Arc::clone(&lines);
    let trace = Trace::new(move |line| {
        let mut lines = into.lock().unwrap();
        lines.push_str(&format!("{line}\n"));
    });
    (Options { trace: Some(trace), ..hasty() }, lines)
}

/// What the trace of a session with this script says; the client logs in and asks for what there is.
async fn trace_of(script: Vec<Step>, password: &str) -> String {
    let (options, lines) = traced();
    let (ours, theirs) = tokio::io::duplex(4096);
    let client = async {
        let Ok(mut connection) = Connection::over(ours, &server(Security::None), options).await else { return };
        if connection.log_in(USER, &password.into()).await.is_err() {
            return;
        }
        // What comes of it stands in the trace.
        let _ = connection.stat().await;
        let _ = connection.uidl().await;
        let _ = connection.list().await;
        connection.request(&[(1, 100), (2, 100)]);
        while let Ok(Some(_)) = connection.next_message(&mut |_| {}).await {}
        let _ = connection.quit().await;
    };
    tokio::join!(client, async { drop(play(theirs, script).await) });
    lines.lock().unwrap().clone()
}

#[tokio::test]
async fn a_session_as_the_trace_tells_it() {
    let rest = vec![
        hear("STAT\r\n"),
        say("+OK 2 42\r\n"),
        hear("UIDL\r\n"),
        say("+OK\r\n1 uid-one\r\n2 uid-two\r\n.\r\n"),
        hear("LIST\r\n"),
        say("+OK\r\n1 30\r\n2 12\r\n.\r\n"),
        hear("RETR 1\r\n"),
        say("+OK 30 octets\r\nSubject: canary\r\n..\r\n.\r\n"),
        hear("RETR 2\r\n"),
        say("+OK 12 octets\r\nSubject: cana"),
    ];
    let said = trace_of(logged_in_with("UIDL\r\nSASL LOGIN", rest), PASSWORD).await;
    let expected = "\
        S: +OK hello\nC: CAPA\nS: +OK\nS: UIDL\nS: SASL LOGIN\nC: USER ****\nS: +OK\nC: PASS ****\nS: +OK in\n\
        C: CAPA\nS: +OK\nS: UIDL\nS: SASL LOGIN\nC: STAT\nS: +OK 2 42\nC: UIDL\nS: +OK\nS: <2 lines>\n\
        C: LIST\nS: +OK\nS: <2 lines>\nC: RETR 1\nS: +OK 30 octets\nS: <20 octets>\nC: RETR 2\nS: +OK 12 octets\n\
        S: <13 octets, cut>\n-- the connection was cut in the middle of an answer\n";
    assert_eq!(said, expected);
}

/// Each way to log in, with what the server answers to each of its steps.
fn logins(password: &str) -> Vec<Vec<Step>> {
    let response = "AGFkYUBtYWlsLnRlc3QA";
    let start = |capa: &str| vec![say("+OK\r\n"), hear("CAPA\r\n"), say(format!("+OK\r\n{capa}\r\n.\r\n"))];
    let echoes = [
        "+OK\r\n".to_owned(),
        format!("+OK you said {password}\r\n"),
        format!("-ERR [AUTH] unknown command PASS {}\r\n", password.to_uppercase()),
        format!("-ERR PASS {}\r\n", password.get(2..).unwrap_or_default()),
        format!("-ERR AUTH PLAIN {response}\r\n"),
        format!("PASS {password}\r\n"),
        format!("+OK\r\n+OK {password}\r\n"),
        "-ERR ada@mail.test is nobody here\r\n".to_owned(),
        format!("+ {password}\r\n"),
    ];
    let mut scripts = Vec::new();
    for echo in &echoes {
        let words = |first: &str, second: &str| vec![hear("\r\n"), say(first), hear("\r\n"), say(second)];
        scripts.push([start("TOP"), words("+OK\r\n", echo)].into_iter().flatten().collect());
        scripts.push([start("TOP"), words(echo, echo)].into_iter().flatten().collect());
        scripts.push([start("SASL PLAIN"), words(echo, echo)].into_iter().flatten().collect());
        scripts.push([start("SASL PLAIN"), words("+ \r\n", echo)].into_iter().flatten().collect());
        scripts.push(
            [start("UTF8"), vec![hear("\r\n"), say("+OK\r\n")], words(echo, echo)].into_iter().flatten().collect(),
        );
        // Later, in a state where no login is looked for.
        let late = vec![hear("STAT\r\n"), say(echo), hear("\r\n"), say(format!("+OK\r\n1 {password}\r\n.\r\n"))];
        scripts.push(
            [start("TOP"), words("+OK\r\n", "+OK\r\n"), vec![hear("\r\n"), say("-ERR\r\n")], late]
                .into_iter()
                .flatten()
                .collect(),
        );
    }
    scripts
}

#[tokio::test]
async fn fault_64_no_login_reaches_the_trace_whatever_the_server_repeats() {
    for password in ["correct-horse", "hunter2", &"long-".repeat(60), "pässwörd €"] {
        let scripts = logins(password);
        let count = scripts.len();
        let mut lines = 0;
        for script in scripts {
            let said = trace_of(script, password).await;
            lines += said.lines().count();
            let lower = said.to_lowercase();
            for secret in [password, &password[password.len() - 4..], "ada@mail", "AGFk", "QGNvcnJlY3"] {
                assert!(!lower.contains(&secret.to_lowercase()), "{secret} in {said}");
            }
        }
        assert!(lines > count * 4, "{lines} lines of {count} sessions: there is a trace");
    }
}

#[tokio::test]
async fn a_body_that_is_taken_for_an_answer_is_not_in_the_trace() {
    // Quirk 52: the dot of the body ends the message, and the rest looks like an answer, or like none.
    for rest in ["+- canary\r\n", "-- canary\r\n", "canary\r\n"] {
        let script = logged_in_with(
            "PIPELINING",
            vec![
                hear("STAT\r\n"),
                say("+OK 2 9\r\n"),
                hear("\r\n"),
                say("-ERR\r\n"),
                hear("\r\n"),
                say("+OK\r\n.\r\n"),
                hear("RETR 2\r\n"),
                say(format!("+OK\r\na\r\n.\r\n{rest}")),
            ],
        );
        let said = trace_of(script, PASSWORD).await;
        assert!(said.contains("S: <3 octets>\n") && said.contains("S: <") && !said.contains("canary"), "{said}");
    }
}

#[tokio::test]
async fn fault_66_the_trace_does_nothing_to_a_terminal() {
    let evil = "\x1b]52;c;ZXZpbA==\x07\x1b[2J\u{202e}\u{feff}\u{9b}\rC: DELE 1";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.log");
    let (ours, theirs) = tokio::io::duplex(4096);
    let options = Options { trace: Some(TraceFile::open(&path).unwrap().trace("ada")), ..hasty() };
    let client = async {
        let mut connection = Connection::over(ours, &server(Security::None), options).await.unwrap();
        connection.log_in(USER, &password()).await.unwrap_err()
    };
    let script = vec![
        say(format!("+OK {evil}\r\n")),
        hear("CAPA\r\n"),
        say(format!("+OK {evil}\r\nX-{evil}\r\n.\r\n")),
        hear("\r\n"),
        say(format!("-ERR {evil}\r\n")),
    ];
    let (error, _) = tokio::join!(client, play(theirs, script));
    let written = std::fs::read_to_string(&path).unwrap();
    assert_eq!(written.lines().count(), 6, "{written}");
    for text in [written.replace('\n', ""), error.to_string()] {
        let bad = |letter: &char| letter.is_control() || ['\u{202e}', '\u{feff}'].contains(letter);
        assert_eq!(text.chars().find(bad), None, "{text:?}");
    }
    assert!(written.contains("\\u{1b}]52;c;"), "{written}");
}
