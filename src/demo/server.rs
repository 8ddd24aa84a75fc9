//! The demo server's thread: binds, accepts, plays the door's faults, and lets each connection talk.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use crate::account::Security;

use super::certificates::Authority;
use super::faults::{Cut, Door, Fault, Lie, Stls};
use super::maildrop::Maildrop;
use super::options::Options;
use super::record::{End, Record};
use super::session::Talk;
use super::wire::Wire;

/// What all connections of a server share.
pub(super) struct Shared {
    pub(super) options: Options,
    pub(super) authority: Authority,
    state: Mutex<State>,
}

/// What changes while the server runs.
pub(super) struct State {
    pub(super) maildrop: Maildrop,
    pub(super) record: Record,
    pub(super) faults: Vec<Fault>,
    pub(super) lies: Vec<Lie>,
    pub(super) door: Door,
    pub(super) stls: Stls,
    pub(super) acceptor: TlsAcceptor,
    pub(super) logins: u32,
}

impl Shared {
    pub(super) fn new(options: Options, maildrop: Maildrop) -> io::Result<Shared> {
        let authority = Authority::new("Postkeep demo authority")?;
        let state = State {
            maildrop,
            record: Record::new(options.journal.as_deref())?,
            faults: options.faults.clone(),
            lies: options.lies.clone(),
            door: options.door.clone(),
            stls: options.stls,
            acceptor: acceptor(&authority, &options.door)?,
            logins: 0,
        };
        Ok(Shared { options, authority, state: Mutex::new(state) })
    }

    /// Never held across a wait.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_door(&self, door: Door) -> io::Result<()> {
        let acceptor = acceptor(&self.authority, &door)?;
        let mut state = self.state();
        state.door = door;
        state.acceptor = acceptor;
        Ok(())
    }
}

fn acceptor(authority: &Authority, door: &Door) -> io::Result<TlsAcceptor> {
    authority.acceptor(if let Door::Certificate(fault) = door { Some(*fault) } else { None })
}

/// The thread that serves; stops and is joined when dropped.
pub(super) struct Running {
    pub(super) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    pub(super) fn start(port: u16, shared: Arc<Shared>) -> io::Result<Running> {
        let (stop, stopped) = oneshot::channel();
        let (report, bound) = mpsc::channel();
        let thread = std::thread::Builder::new().name("demo-server".to_owned()).spawn(move || {
            if let Err(error) = serve(port, shared, &report, stopped) {
                let _ = report.send(Err(error));
            }
        })?;
        let address = bound.recv().map_err(io::Error::other)??;
        Ok(Running { address, stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(
    port: u16,
    shared: Arc<Shared>,
    report: &mpsc::Sender<io::Result<SocketAddr>>,
    stopped: oneshot::Receiver<()>,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let _ = report.send(listener.local_addr());
        tokio::select! {
            _ = stopped => {}
            () = accept(&listener, &shared) => {}
        }
        Ok(())
    })
    // Dropping the runtime drops every open connection.
}

async fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    loop {
        // An error here is one client's (it left before it was accepted) or a passing want of descriptors.
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let number = shared.state().record.open();
        tokio::spawn(connection(Arc::clone(shared), stream, number));
    }
}

async fn connection(shared: Arc<Shared>, stream: TcpStream, number: u32) {
    let mut wire = Wire::new(stream, shared.options.bytes_per_second);
    let (door, acceptor) = {
        let state = shared.state();
        (state.door.clone(), state.acceptor.clone())
    };
    let end = match door {
        Door::Open | Door::Certificate(_) => converse(&shared, &mut wire, number, &acceptor).await,
        other => {
            let raw = misbehave(&other, &mut wire).await;
            shared.state().record.session(number).into_iter().for_each(|session| session.raw.clone_from(&raw));
            End::ByFault
        }
    };
    shared.state().record.close(number, end);
}

async fn converse(shared: &Shared, wire: &mut Wire, number: u32, acceptor: &TlsAcceptor) -> End {
    if shared.options.security == Security::Tls {
        if let Err(end) = wire.encrypt(acceptor).await {
            return end;
        }
        shared.state().record.session(number).into_iter().for_each(|session| session.encrypted = true);
    }
    Talk::new(shared, wire, number).run().await
}

/// Plays a fault of the door; gives what the client sent meanwhile.
async fn misbehave(door: &Door, wire: &mut Wire) -> Vec<u8> {
    let (wait_first, octets): (bool, &[u8]) = match door {
        Door::Plaintext => (false, b"+OK POP3 server ready\r\n"),
        Door::Http => {
            (true, b"HTTP/1.1 302 Found\r\nLocation: http://login.hotspot.example/\r\nContent-Length: 0\r\n\r\n")
        }
        Door::Garbage => (false, &GARBAGE),
        Door::OldTls => (true, &OLD_SERVER_HELLO),
        Door::Alert => (true, b"\x15\x03\x03\x00\x02\x02\x50"),
        Door::Close => {
            wire.cut(Cut::Silent).await;
            return Vec::new();
        }
        Door::Open | Door::Certificate(_) | Door::Hang => (true, b""),
    };
    // The first read gets the client's hello, or as much of it as shows that it speaks.
    if wait_first && wire.read().await.is_err() {
        return wire.drain().await;
    }
    let sent = wire.put(octets).await.and(wire.flush().await);
    if sent.is_err() { Vec::new() } else { wire.drain().await }
}

/// The same at each start: every octet but the first a multiple of 37, so neither TLS nor POP3.
const GARBAGE: [u8; 512] = {
    let mut octets = [0xF1; 512];
    let mut at = 1;
    while at < octets.len() {
        octets[at] = (at * 37 % 256) as u8;
        at += 1;
    }
    octets
};

/// A ServerHello of TLS 1.1 (RFC 4346 section 7.4.1.3): version 3.2, a random of 0x5A, no session, RSA with AES-128-CBC.
const OLD_SERVER_HELLO: [u8; 47] = {
    let mut octets = [0x5A; 47];
    let head = [0x16, 0x03, 0x02, 0x00, 0x2A, 0x02, 0x00, 0x00, 0x26, 0x03, 0x02];
    let tail = [0x00, 0x00, 0x2F, 0x00];
    let mut at = 0;
    while at < head.len() {
        octets[at] = head[at];
        at += 1;
    }
    at = 0;
    while at < tail.len() {
        octets[43 + at] = tail[at];
        at += 1;
    }
    octets
};
