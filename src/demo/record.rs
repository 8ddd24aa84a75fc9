//! What a demo server saw: the transcript of each session (no password in it), counters, and the journal.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use super::base64;
use super::faults::Verb;

/// How a session ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum End {
    #[default]
    StillOpen,
    /// By QUIT.
    Quit,
    /// The client went away (or refused the handshake).
    ByClient,
    /// By a fault.
    ByFault,
}

/// The transcript of one connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// Counted from 1, in the order of connecting.
    pub number: u32,
    /// The commands as received, in order; what follows PASS and AUTH is masked.
    pub commands: Vec<String>,
    /// Whether TLS was up at the end.
    pub encrypted: bool,
    /// Whether the login succeeded.
    pub logged_in: bool,
    pub end: End,
    /// Whether a command arrived before the one before it was answered.
    pub pipelined: bool,
    /// What was received outside TLS and POP3: the octets of a handshake that failed, for instance.
    pub raw: Vec<u8>,
}

/// The book of one server.
pub(super) struct Record {
    pub(super) sessions: Vec<Session>,
    pub(super) counts: BTreeMap<Verb, u32>,
    journal: Option<File>,
    started: Instant,
    state: String,
}

impl Record {
    pub(super) fn new(journal: Option<&Path>) -> std::io::Result<Record> {
        let journal = journal.map(|path| File::options().create(true).append(true).open(path)).transpose()?;
        Ok(Record {
            sessions: Vec::new(),
            counts: BTreeMap::new(),
            journal,
            started: Instant::now(),
            state: "waiting".to_owned(),
        })
    }

    /// A new connection; gives its number.
    pub(super) fn open(&mut self) -> u32 {
        let number = u32::try_from(self.sessions.len()).unwrap_or(u32::MAX - 1) + 1;
        self.sessions.push(Session { number, ..Session::default() });
        self.state(number, "open", None);
        number
    }

    pub(super) fn session(&mut self, number: u32) -> Option<&mut Session> {
        self.sessions.get_mut(usize::try_from(number).ok()?.checked_sub(1)?)
    }

    /// Notes a command; gives how many of its kind there were by now.
    pub(super) fn command(&mut self, session: u32, verb: Verb, line: &str) -> u32 {
        let masked = mask(verb, line);
        if verb != Verb::Greeting
            && let Some(session) = self.session(session)
        {
            session.commands.push(masked.clone());
        }
        self.state(session, verb.as_str(), Some(&masked));
        let count = self.counts.entry(verb).or_default();
        *count += 1;
        *count
    }

    /// Notes a line that goes on with an AUTH; nothing of it is kept.
    pub(super) fn continuation(&mut self, number: u32) {
        if let Some(session) = self.session(number) {
            session.commands.push("****".to_owned());
        }
    }

    pub(super) fn close(&mut self, number: u32, end: End) {
        if let Some(session) = self.session(number) {
            session.end = end;
        }
        self.state(number, "closed", None);
    }

    /// Writes a change of state. One write a line, so that a reader never sees a torn one.
    pub(super) fn state(&mut self, session: u32, state: &str, command: Option<&str>) {
        state.clone_into(&mut self.state);
        let Some(journal) = &mut self.journal else { return };
        let micros = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let mut line = serde_json::json!({ "session": session, "micros": micros, "state": state });
        if let (Some(command), Some(fields)) = (command, line.as_object_mut()) {
            fields.insert("command".to_owned(), command.into());
        }
        // A journal on a full disk must not change what the server does.
        let _ = journal.write_all(format!("{line}\n").as_bytes());
    }

    /// The last state noted, of whichever session.
    pub(super) fn last_state(&self) -> &str {
        &self.state
    }

    /// Commands that carry credentials, and connections whose raw octets hold the user's name or password, as they are
    /// or in base64.
    pub(super) fn credentials_seen(&self, user: &str, password: &str) -> usize {
        let is_login = |line: &&String| {
            let word = line.split(' ').next().unwrap_or_default();
            ["USER", "PASS", "AUTH", "APOP"].iter().any(|login| login.eq_ignore_ascii_case(word))
        };
        let plain = base64::encode(format!("\0{user}\0{password}").as_bytes());
        let needles = [user, password, &plain];
        let holds = |session: &&Session| needles.iter().any(|needle| contains(&session.raw, needle.as_bytes()));
        let commands = self.sessions.iter().flat_map(|session| &session.commands).filter(is_login).count();
        commands + self.sessions.iter().filter(holds).count()
    }
}

fn contains(hay: &[u8], needle: &[u8]) -> bool {
    !needle.is_empty() && hay.windows(needle.len()).any(|window| window == needle)
}

/// The command without its secret.
fn mask(verb: Verb, line: &str) -> String {
    match (verb, line.split_once(' ')) {
        (Verb::Pass, Some((word, _))) => format!("{word} ****"),
        (Verb::Auth, Some((word, rest))) => match rest.split_once(' ') {
            Some((mechanism, _)) => format!("{word} {mechanism} ****"),
            None => line.to_owned(),
        },
        _ => line.to_owned(),
    }
}
