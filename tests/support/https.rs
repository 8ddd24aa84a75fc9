//! A web server over TLS on loopback; it keeps what it was asked, and how often it was connected to.
#![allow(dead_code)]

#[path = "scripted/authority.rs"]
mod authority;

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A piece of an answer.
pub enum Step {
    Octets(Vec<u8>),
    Pause(Duration),
    /// These octets until the other side has enough.
    Endless(Vec<u8>),
    HangUp,
}

/// Goes on until the test ends.
pub struct Web {
    pub port: u16,
    folder: tempfile::TempDir,
    heard: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
}

impl Web {
    /// Answers what `answer` says for each path, at a port of its own on 127.0.0.1.
    pub fn start(answer: impl Fn(&str) -> Vec<Step> + Send + Sync + 'static) -> Web {
        Web::at((Ipv4Addr::LOCALHOST, 0).into(), answer)
    }

    pub fn at(address: SocketAddr, answer: impl Fn(&str) -> Vec<Step> + Send + Sync + 'static) -> Web {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("ca.pem"), &authority::authority().pem).expect("a file");
        let names = ["localhost", "127.0.0.1", "shop.example", "*.shop.example"];
        let config = authority::config(&names).expect("a configuration");
        let listener = TcpListener::bind(address).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(AtomicUsize::new(0));
        let (kept, counted, answer) = (Arc::clone(&heard), Arc::clone(&connections), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                counted.fetch_add(1, SeqCst);
                let (config, kept, answer) = (Arc::clone(&config), Arc::clone(&kept), Arc::clone(&answer));
                thread::spawn(move || serve(stream, config, &kept, &*answer));
            }
        });
        Web { port, folder, heard, connections }
    }

    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// The heads of all questions until now, each with the address that it came to in front.
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().expect("a lock").clone()
    }

    /// How often it was connected to, before the last connection that it answered.
    pub fn connections(&self) -> usize {
        self.connections.load(SeqCst)
    }

    pub fn address(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.port)
    }
}

fn serve(stream: TcpStream, config: Arc<ServerConfig>, heard: &Mutex<Vec<String>>, answer: &dyn Fn(&str) -> Vec<Step>) {
    let Ok(at) = stream.local_addr() else { return };
    let Ok(connection) = ServerConnection::new(config) else { return };
    let mut stream = StreamOwned::new(connection, stream);
    while let Some(head) = head(&mut stream) {
        heard.lock().expect("a lock").push(format!("{}\r\n{head}", canonical(at.ip())));
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        for step in answer(&path) {
            let written = match step {
                Step::Octets(octets) => stream.write_all(&octets).and_then(|()| stream.flush()),
                Step::Pause(time) => {
                    thread::sleep(time);
                    Ok(())
                }
                Step::Endless(octets) => loop {
                    if let Err(error) = stream.write_all(&octets) {
                        break Err(error);
                    }
                },
                Step::HangUp => return,
            };
            if written.is_err() {
                return;
            }
        }
    }
}

fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

fn head(stream: &mut impl Read) -> Option<String> {
    let mut head = Vec::new();
    let mut octet = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut octet).ok()?;
        head.push(octet[0]);
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}

/// An answer with these fields and this body.
pub fn ok(fields: &str, body: &[u8]) -> Vec<Step> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{fields}\r\n", body.len());
    vec![Step::Octets([head.as_bytes(), body].concat())]
}

pub fn elsewhere(place: &str) -> Vec<Step> {
    let head = format!("HTTP/1.1 302 Found\r\nLocation: {place}\r\nContent-Length: 0\r\nSet-Cookie: who=anna\r\n\r\n");
    vec![Step::Octets(head.into_bytes())]
}
