//! The floor under a fetch: a client that logs in, asks for every message, pipelined, and throws the octets away. Own
//! few lines over rustls; none of the program's code.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

type Stream = BufReader<StreamOwned<ClientConnection, TcpStream>>;

/// How many RETR are sent ahead of their answers.
const WINDOW: usize = 64;

/// Reads every message; answers (messages, octets of the answers).
#[allow(dead_code)] // each bench uses one of the two
pub fn read_all(port: u16, ca_file: &Path, user: &str, password: &str) -> (usize, usize) {
    read(port, ca_file, user, password, 0)
}

/// Reads the first `last` messages, or all where that is 0.
pub fn read(port: u16, ca_file: &Path, user: &str, password: &str, last: usize) -> (usize, usize) {
    let mut stream = connect(port, ca_file);
    line(&mut stream);
    ask(&mut stream, &format!("USER {user}\r\n"));
    ask(&mut stream, &format!("PASS {password}\r\n"));
    let stat = ask(&mut stream, "STAT\r\n");
    let count: usize = stat.split(' ').nth(1).and_then(|word| word.parse().ok()).expect("STAT's count");
    let count = if last > 0 { count.min(last) } else { count };
    let mut octets = 0;
    let mut buffer = Vec::new();
    for first in (1..=count).step_by(WINDOW) {
        let last = count.min(first + WINDOW - 1);
        let commands: String = (first..=last).map(|number| format!("RETR {number}\r\n")).collect();
        stream.get_mut().write_all(commands.as_bytes()).expect("sent");
        for _ in first..=last {
            loop {
                buffer.clear();
                octets += stream.read_until(b'\n', &mut buffer).expect("an answer");
                if buffer == b".\r\n" {
                    break;
                }
            }
        }
    }
    ask(&mut stream, "QUIT\r\n");
    (count, octets)
}

fn connect(port: u16, ca_file: &Path) -> Stream {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca_file).expect("a certificate")).expect("a trust anchor");
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("protocol versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").expect("a name");
    let connection = ClientConnection::new(Arc::new(config), name).expect("a client");
    let tcp = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
    BufReader::with_capacity(1 << 16, StreamOwned::new(connection, tcp))
}

fn line(stream: &mut Stream) -> String {
    let mut line = String::new();
    stream.read_line(&mut line).expect("a line");
    assert!(line.starts_with("+OK"), "{line}");
    line
}

fn ask(stream: &mut Stream, command: &str) -> String {
    stream.get_mut().write_all(command.as_bytes()).expect("sent");
    line(stream)
}
