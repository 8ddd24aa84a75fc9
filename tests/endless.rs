//! FAULTS.md 27: answers without end, or beyond all measure. The program's memory stays within bounds, the visit ends,
//! nothing is stored of it and nothing removed. Measured at the real program, as a child.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)]

mod support;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::time::Duration;

use support::{expect, postkeep};

/// Above what a fetch of three small messages takes.
const MORE: u64 = 64 << 20;

/// What a server says to a command, again and again until the client has enough or the turns are over.
#[derive(Clone, Copy)]
struct Endless {
    verb: &'static str,
    first: &'static str,
    again: fn(u64) -> Vec<u8>,
    turns: u64,
    last: &'static str,
}

fn serve(listener: &TcpListener, endless: Option<Endless>) {
    for client in listener.incoming().flatten() {
        _ = talk(client, endless);
    }
}

fn talk(client: TcpStream, endless: Option<Endless>) -> std::io::Result<()> {
    let mut commands = BufReader::new(client.try_clone()?);
    let mut client = client;
    client.write_all(b"+OK\r\n")?;
    let mut line = String::new();
    while commands.read_line(&mut line)? > 0 {
        let verb = line.split_whitespace().next().unwrap_or_default().to_owned();
        line.clear();
        if let Some(endless) = endless.filter(|endless| endless.verb == verb) {
            client.write_all(endless.first.as_bytes())?;
            for turn in 0..endless.turns {
                client.write_all(&(endless.again)(turn))?;
            }
            client.write_all(endless.last.as_bytes())?;
            continue;
        }
        let answer: &[u8] = match verb.as_str() {
            "CAPA" => b"+OK\r\nUSER\r\nUIDL\r\nTOP\r\n.\r\n",
            "STAT" => b"+OK 3 300\r\n",
            "UIDL" => b"+OK\r\n1 a\r\n2 b\r\n3 c\r\n.\r\n",
            "LIST" => b"+OK\r\n1 100\r\n2 100\r\n3 100\r\n.\r\n",
            "RETR" | "TOP" => b"+OK\r\nSubject: small\r\n\r\n.\r\n",
            _ => b"+OK\r\n",
        };
        client.write_all(answer)?;
    }
    Ok(())
}

/// Fetches from such a server; the most memory that the program held, in octets, and what it said.
fn fetch(endless: Option<Endless>) -> (u64, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port().to_string();
    std::thread::spawn(move || serve(&listener, endless));
    let folder = support::rig::folder();
    expect(
        postkeep(folder.path())
            .args(["account", "add", "ann@localhost", "--host", "127.0.0.1", "--port", &port, "--user", "ann"])
            .args(["--security", "none", "--allow-plaintext", "--leave-copy", "off", "--password-command", "echo x"]),
        0,
    );
    let mut child =
        postkeep(folder.path()).arg("fetch").stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    while child.try_wait().expect("a state").is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        most = most.max(kilobytes.unwrap_or(0) << 10);
        std::thread::sleep(Duration::from_millis(2));
    }
    let said = String::from_utf8(child.wait_with_output().expect("an end").stderr).expect("UTF-8");
    (most, said)
}

fn x(_: u64) -> Vec<u8> {
    vec![b'x'; 1 << 20]
}

fn lines(_: u64) -> Vec<u8> {
    b"a line of a message that goes on and on\r\n".repeat(20_000)
}

fn uidls(turn: u64) -> Vec<u8> {
    (1..=1000)
        .flat_map(|one| format!("{} uidl-{:016x}\r\n", turn * 1000 + one, turn * 1000 + one).into_bytes())
        .collect()
}

fn sizes(turn: u64) -> Vec<u8> {
    (1..=1000).flat_map(|one| format!("{} 5000\r\n", turn * 1000 + one).into_bytes()).collect()
}

fn capabilities(_: u64) -> Vec<u8> {
    b"X-CAPABILITY\r\n".repeat(10_000)
}

#[test]
fn what_has_no_end_is_given_up_within_bounds() {
    let endless = |verb, first, again| Endless { verb, first, again, turns: 2_000, last: "" };
    let million = |verb, again| Endless { verb, first: "+OK\r\n", again, turns: 1_000, last: ".\r\n" };
    let cases = [
        ("a status line", endless("STAT", "+OK ", x as fn(u64) -> Vec<u8>), "without an end"),
        ("a refusal", endless("UIDL", "-ERR ", x), "without an end"),
        ("CAPA", endless("CAPA", "+OK\r\n", capabilities), "longer than any"),
        ("a line of CAPA", endless("CAPA", "+OK\r\nSASL ", x), "longer than any"),
        ("a line of UIDL", endless("UIDL", "+OK\r\n1 ", x), "longer than any"),
        ("a line of LIST", endless("LIST", "+OK\r\n1 ", x), "longer than any"),
        ("a million unique-ids", million("UIDL", uidls), "longer than any"),
        ("a million sizes", million("LIST", sizes), "longer than any"),
        ("a line of a message", endless("RETR", "+OK\r\n", x), "without an end"),
        ("a message", endless("RETR", "+OK\r\n", lines), "without an end"),
    ];
    let (base, _) = fetch(None);
    for (name, endless, words) in cases {
        let (most, said) = fetch(Some(endless));
        println!("{name}: {} MB over base", most.saturating_sub(base) >> 20);
        assert!(said.contains(words) && said.contains("Nothing was lost"), "{name}: {said}");
        assert!(most < base + MORE, "{name}: {} MB over base", most.saturating_sub(base) >> 20);
    }
}
