//! Another client than the program's: reads a maildrop over a plain connection in its own few lines. What it gets is what
//! a server serves.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

use super::{PASSWORD, Server};

/// How many RETR are sent ahead of their answers: some servers take 40 ms to answer one that comes alone.
const AHEAD: usize = 50;

/// A message as it is served, and its unique-id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    pub uidl: String,
    pub bytes: Vec<u8>,
}

/// Everything in the maildrop, in the order of the numbers.
pub fn read_all(server: &Server) -> Vec<Served> {
    let stream = TcpStream::connect(("127.0.0.1", server.plain_port)).expect("a connection");
    let mut stream = BufReader::new(stream);
    status(&mut stream);
    ask(&mut stream, &format!("USER {}", server.user));
    ask(&mut stream, &format!("PASS {PASSWORD}"));
    ask(&mut stream, "UIDL");
    let uidls = String::from_utf8(body(&mut stream)).expect("ASCII");
    let mut served = Vec::new();
    for lines in uidls.lines().collect::<Vec<_>>().chunks(AHEAD) {
        let numbered: Vec<_> =
            lines.iter().map(|line| line.split_once(' ').expect("a number and a unique-id")).collect();
        let commands: String = numbered.iter().map(|(number, _)| format!("RETR {number}\r\n")).collect();
        stream.get_mut().write_all(commands.as_bytes()).expect("sent");
        for (_, uidl) in numbered {
            status(&mut stream);
            served.push(Served { uidl: uidl.to_owned(), bytes: body(&mut stream) });
        }
    }
    ask(&mut stream, "QUIT");
    served
}

fn ask(stream: &mut BufReader<TcpStream>, command: &str) {
    stream.get_mut().write_all(format!("{command}\r\n").as_bytes()).expect("sent");
    status(stream);
}

fn status(stream: &mut BufReader<TcpStream>) {
    let mut line = String::new();
    stream.read_line(&mut line).expect("a line");
    assert!(line.starts_with("+OK"), "{line}");
}

/// A multi-line answer up to its terminator, unstuffed (RFC 1939 section 3).
fn body(stream: &mut BufReader<TcpStream>) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::new();
    loop {
        let at_line_start = out.is_empty() || out.ends_with(b"\r\n");
        let start = out.len();
        assert!(stream.read_until(b'\n', &mut out).expect("an answer") > 0, "the answer was cut");
        if at_line_start && &out[start..] == b".\r\n" {
            out.truncate(start);
            return out;
        }
        if at_line_start && out[start..].starts_with(b".") {
            out.remove(start);
        }
    }
}
