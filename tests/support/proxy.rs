//! A proxy between a client and a server on loopback that ends connections at an exact octet.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// Whose octets are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    FromServer,
    FromClient,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Both sides are closed in order, as when a proxy is restarted.
    Close,
    /// The client gets a reset, the server sees its client go.
    Reset,
    /// Nothing travels any more, and nobody is told.
    Stall,
}

/// What becomes of connections to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    pub way: Way,
    /// So many octets pass, and no more.
    pub after: usize,
    pub end: End,
    /// Whether the connections after the first pass whole.
    pub once: bool,
}

#[derive(Default)]
struct State {
    cut: Option<Cut>,
    /// How many octets went either way, over all connections.
    passed: (usize, usize),
    /// The most octets from the server that are passed on at once, if not as they come.
    piece: Option<usize>,
}

/// Runs on the runtime that started it, until dropped.
pub struct Proxy {
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Proxy {
    pub async fn start(server: SocketAddr) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let accepting = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.expect("a client");
                tokio::spawn(connection(client, server, Arc::clone(&shared)));
            }
        });
        Proxy { address, state, accepting }
    }

    pub fn set(&self, cut: Option<Cut>) {
        let mut state = self.state.lock().expect("a state");
        (state.cut, state.passed) = (cut, (0, 0));
    }

    /// From the next connection on, what the server says is passed on in pieces of so many octets, each a packet.
    pub fn set_piece(&self, octets: usize) {
        self.state.lock().expect("a state").piece = Some(octets);
    }

    /// Octets that passed from the server and from the client since the last [`Proxy::set`].
    pub fn passed(&self) -> (usize, usize) {
        self.state.lock().expect("a state").passed
    }
}

async fn connection(client: TcpStream, server: SocketAddr, state: Arc<Mutex<State>>) {
    let (cut, piece) = {
        let mut state = state.lock().expect("a state");
        let cut = state.cut;
        if cut.is_some_and(|cut| cut.once) {
            state.cut = None;
        }
        (cut, state.piece)
    };
    let Ok(server) = TcpStream::connect(server).await else { return };
    _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (mut client_reads, mut client_writes) = client.into_split();
    let (mut server_reads, mut server_writes) = server.into_split();
    let limit = |way| cut.filter(|cut| cut.way == way).map_or(usize::MAX, |cut| cut.after);
    let (down, up) = (limit(Way::FromServer), limit(Way::FromClient));
    let count_down = |count| state.lock().expect("a state").passed.0 += count;
    let count_up = |count| state.lock().expect("a state").passed.1 += count;
    // Whichever direction is over first ends the connection.
    tokio::select! {
        () = pump(&mut server_reads, &mut client_writes, down, piece, count_down) => {}
        () = pump(&mut client_reads, &mut server_writes, up, None, count_up) => {}
    }
    match cut.map(|cut| cut.end) {
        Some(End::Reset) => _ = client_writes.as_ref().set_zero_linger(),
        Some(End::Stall) => std::future::pending().await,
        _ => {}
    }
}

/// Passes octets on until `limit` of them have passed or the sender is done.
async fn pump(
    from: &mut OwnedReadHalf,
    to: &mut OwnedWriteHalf,
    limit: usize,
    piece: Option<usize>,
    count: impl Fn(usize),
) {
    let mut buffer = [0; 4096];
    let mut left = limit;
    while left > 0 {
        let room = left.min(buffer.len());
        let Ok(got @ 1..) = from.read(&mut buffer[..room]).await else { return };
        count(got);
        left -= got;
        for octets in buffer[..got].chunks(piece.unwrap_or(got)) {
            if to.write_all(octets).await.is_err() {
                return;
            }
            if piece.is_some() {
                // So that the client may see this much before there is more.
                tokio::task::yield_now().await;
            }
        }
    }
}
