//! A line to a server that is far away: whatever is sent arrives half a round trip later, and no faster than the line
//! carries.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// Octets taken off the wire at once.
const PIECE: usize = 16 << 10;

#[derive(Clone, Copy)]
pub struct Line {
    pub round_trip: Duration,
    /// In each direction; `None`: no limit.
    pub octets_per_second: Option<u64>,
}

/// Listens on a port of its own for as long as the process lives.
pub fn line_to(port: u16, line: Line) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let own = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for near in listener.incoming() {
            let near = near.expect("a connection");
            // The handshake of TCP takes a round trip too.
            thread::sleep(line.round_trip);
            let far = TcpStream::connect(("127.0.0.1", port)).expect("the server");
            carry(near.try_clone().expect("a handle"), far.try_clone().expect("a handle"), line);
            carry(far, near, line);
        }
    });
    own
}

fn carry(mut from: TcpStream, mut to: TcpStream, line: Line) {
    to.set_nodelay(true).expect("no delay but ours");
    let (put, get) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut buffer = vec![0; PIECE];
        let mut free = Instant::now();
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            let seconds = line.octets_per_second.map_or(0.0, |limit| count as f64 / limit as f64);
            free = free.max(Instant::now()) + Duration::from_secs_f64(seconds);
            if put.send((free + line.round_trip / 2, buffer[..count].to_vec())).is_err() {
                break;
            }
        }
    });
    thread::spawn(move || {
        for (due, octets) in get {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&octets).is_err() {
                break;
            }
        }
        // The other side may have closed already.
        _ = to.shutdown(Shutdown::Write);
    });
}
