//! A POP3S server on loopback with sample mail and fault switches: for `postkeep demo`, and for the tests. Own code: it
//! shares nothing with `pop3` or `transport`, so that client and server cannot share a bug. It keeps its mail in memory
//! and never listens on anything but 127.0.0.1.
//!
//! ```no_run
//! use postkeep::demo::{Cut, Fault, Options, Server};
//!
//! let options = Options::default().generated(1_000, 7).fault(Fault::cut_retr(3, 200, Cut::Reset));
//! let server = Server::start(0, options)?;
//! // fetch from server.host(), server.address().port(), trusting server.ca_file() ...
//! assert_eq!(server.messages().len(), 1_000);
//! # Ok::<(), std::io::Error>(())
//! ```

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

mod base64;
mod certificates;
mod faults;
pub mod generated;
mod maildrop;
mod options;
mod record;
pub mod sample;
mod server;
mod session;
#[cfg(test)]
mod tests;
mod wire;

pub use certificates::BadCertificate;
pub use faults::{Act, Cut, Door, Fault, Lie, Stls, Verb, When};
pub use generated::generated;
pub use options::{Capa, Mailbox, Moment, Options};
pub use record::{End, Session};

use crate::settings;
use maildrop::Maildrop;
use server::{Running, Shared};

/// A running server; stops when dropped. Runs on a thread of its own, so it works from any kind of caller.
pub struct Server {
    // Dropped in this order: the thread before the folder.
    running: Running,
    shared: Arc<Shared>,
    folder: tempfile::TempDir,
}

impl Server {
    /// Binds 127.0.0.1 on `port` (0: any free one) and serves. Certificates are made now; the authority's is written
    /// to [`Server::ca_file`] in a temporary folder.
    ///
    /// # Errors
    /// When the port cannot be bound, or the certificate file or the journal cannot be written.
    pub fn start(port: u16, options: Options) -> io::Result<Server> {
        let mut maildrop = Maildrop::default();
        match &options.mailbox {
            Mailbox::Sample => {
                for message in sample::messages(jiff::Timestamp::now()) {
                    maildrop.add(message.bytes, message.name.as_bytes());
                }
            }
            Mailbox::Messages(messages) => messages.iter().for_each(|message| {
                maildrop.add(message.clone(), message);
            }),
            Mailbox::Generated(count, seed) => generated(*count, *seed).for_each(|message| {
                let identity = message.clone();
                maildrop.add(message, &identity);
            }),
        }
        let shared = Arc::new(Shared::new(options, maildrop)?);
        let folder = settings::scratch()?;
        std::fs::write(folder.path().join(CA_FILE), shared.authority.pem())?;
        let running = Running::start(port, Arc::clone(&shared))?;
        Ok(Server { running, shared, folder })
    }

    pub fn address(&self) -> SocketAddr {
        self.running.address
    }

    pub fn host(&self) -> &'static str {
        "localhost"
    }

    /// The user's name and address in the sample mailbox.
    pub fn user(&self) -> &str {
        &self.shared.options.user
    }

    pub fn password(&self) -> &str {
        &self.shared.options.password
    }

    /// The certificate (PEM) of the authority that signed the server's; the file lives as long as the server. It stays
    /// the honest authority's, whatever certificate the server shows.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join(CA_FILE)
    }

    /// The messages in the maildrop now, oldest first, as a client must get them: as they were put in, unstuffed, and
    /// with a CRLF at the end of those that had none, for POP3 cannot send a message without.
    pub fn messages(&self) -> Vec<Vec<u8>> {
        self.shared.state().maildrop.messages.iter().map(|message| message.bytes.clone()).collect()
    }

    /// Their UIDLs, in the same order.
    pub fn uidls(&self) -> Vec<String> {
        self.shared.state().maildrop.messages.iter().map(|message| message.uidl.clone()).collect()
    }

    /// Adds a message as the newest; sessions that are logged in do not see it. Gives its UIDL.
    pub fn add(&self, message: Vec<u8>) -> String {
        let identity = message.clone();
        self.shared.state().maildrop.add(message, &identity)
    }

    /// Takes every message away, as another client would; not counted in [`Server::removed`].
    pub fn clear(&self) {
        self.shared.state().maildrop.messages.clear();
    }

    /// Gives every message a UIDL never seen before, as after a migration of the server.
    pub fn renumber(&self) {
        self.shared.state().maildrop.renumber();
    }

    /// How many messages were removed by DELE and QUIT since the start.
    pub fn removed(&self) -> usize {
        self.shared.state().maildrop.removed
    }

    /// The transcripts of all connections since the start, in order.
    pub fn sessions(&self) -> Vec<Session> {
        self.shared.state().record.sessions.clone()
    }

    /// How many commands of this kind were received since the start, whatever became of them.
    pub fn count(&self, verb: Verb) -> u32 {
        self.shared.state().record.counts.get(&verb).copied().unwrap_or_default()
    }

    /// RETR commands received since the start.
    pub fn retrs(&self) -> u32 {
        self.count(Verb::Retr)
    }

    /// DELE commands received since the start.
    pub fn deles(&self) -> u32 {
        self.count(Verb::Dele)
    }

    /// How often credentials were received: USER, PASS and AUTH commands, and connections that spoke no POP3 but held
    /// the user's name or password. 0 means that not a byte of them left the client.
    pub fn credentials_seen(&self) -> usize {
        self.shared.state().record.credentials_seen(self.user(), self.password())
    }

    /// The last change of state, as the journal calls it: `RETR`, `done QUIT`, `idle`, `closed`... of whichever session.
    pub fn phase(&self) -> String {
        self.shared.state().record.last_state().to_owned()
    }

    /// Adds a fault for the commands to come; `When::Nth` still counts from the server's start.
    pub fn play(&self, fault: Fault) {
        self.shared.state().faults.push(fault);
    }

    /// Changes what the connections to come meet before POP3.
    ///
    /// # Errors
    /// When the certificate cannot be made.
    pub fn set_door(&self, door: Door) -> io::Result<()> {
        self.shared.set_door(door)
    }

    /// From now on a correct server: no fault, no lie, an open door. Pace and pauses stay.
    ///
    /// # Errors
    /// When the certificate cannot be made.
    pub fn mend(&self) -> io::Result<()> {
        self.shared.set_door(Door::Open)?;
        let mut state = self.shared.state();
        state.faults.clear();
        state.lies.clear();
        state.stls = Stls::Works;
        Ok(())
    }
}

const CA_FILE: &str = "ca.pem";
