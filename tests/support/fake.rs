//! Servers on loopback that speak exact octets in clear, whatever the client expects: what a man in the middle may do.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// In a script: wait for one line from the client. Everything else is said.
pub const HEAR: &str = "<";

/// What follows a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// The server hangs up, and listens on.
    HangsUp,
    /// It takes a login, and whatever else is said to it.
    Obliges,
}

/// Plays the same script to each client and remembers all that they said.
pub struct Fake {
    pub address: SocketAddr,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Fake {
    pub fn start(script: Vec<Vec<u8>>, then: Then) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let heard = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&heard);
        // Ends with the process: nothing is left behind but a socket.
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (script, heard) = (script.clone(), Arc::clone(&shared));
                std::thread::spawn(move || play(client, &script, then, &heard));
            }
        });
        Fake { address, heard }
    }

    /// All octets that any client sent.
    pub fn heard(&self) -> Vec<u8> {
        self.heard.lock().expect("octets").clone()
    }
}

fn play(mut client: TcpStream, script: &[Vec<u8>], then: Then, heard: &Mutex<Vec<u8>>) {
    _ = client.set_nodelay(true);
    let mut buffer = [0; 4096];
    for step in script {
        if step != HEAR.as_bytes() {
            if client.write_all(step).is_err() {
                break;
            }
            continue;
        }
        loop {
            let Ok(count @ 1..) = client.read(&mut buffer) else { return };
            heard.lock().expect("octets").extend_from_slice(&buffer[..count]);
            // A hello of TLS has no line; one read is as much of it as a script needs.
            if buffer[..count].contains(&b'\n') || buffer[0] == 0x16 {
                break;
            }
        }
    }
    if then == Then::HangsUp {
        _ = client.shutdown(Shutdown::Write);
    }
    while let Ok(count @ 1..) = client.read(&mut buffer) {
        heard.lock().expect("octets").extend_from_slice(&buffer[..count]);
        let answer: &[u8] = match &buffer[..count] {
            _ if then == Then::HangsUp => continue,
            said if said.starts_with(b"CAPA") => b"+OK\r\nUSER\r\nSASL PLAIN\r\n.\r\n",
            said if said.ends_with(b"\r\n") => b"+OK\r\n",
            _ => continue,
        };
        _ = client.write_all(answer);
    }
}
