//! A POP3 server on loopback that says what a test tells it to, octet for octet, and remembers all that it heard. What no
//! rule speaks of it does as RFC 1939 says, from a small table that may be changed at any time. Shares no code with
//! `pop3` nor with `demo`: a misunderstanding would have to be made three times.

mod authority;

use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use postkeep::account::{Retention, Security, Server};
use postkeep::archive::NewAccount;
use tokio_rustls::rustls::{ServerConnection, StreamOwned};

pub const USER: &str = "ada@mail.test";
pub const PASSWORD: &str = "correct horse";

/// One message in the mailbox.
#[derive(Clone, Debug)]
pub struct Mail {
    pub uidl: Vec<u8>,
    pub octets: Vec<u8>,
    /// What LIST says of its size, where that is not the truth.
    pub listed: Option<String>,
    /// Gmail's word for: was fetched, and is hidden from now on.
    pub popped: bool,
    /// Only given in UTF8 mode (RFC 6856).
    pub wants_utf8: bool,
    id: u64,
}

/// How connections are taken.
#[derive(Clone, Debug)]
pub enum Door {
    Plain,
    /// TLS from the first octet, with a certificate for this name.
    Tls(&'static str),
    /// In the clear; STLS is offered and done.
    Stls,
    /// Reads a little, says this and hangs up: a Wi-Fi's sign-in page.
    Raw(&'static [u8]),
}

/// What to do instead of, or beside, what RFC 1939 says.
#[derive(Clone, Debug)]
pub enum Act {
    /// Say this instead; nothing else happens.
    Say(Vec<u8>),
    /// Say the one instead, and the other a little later.
    SayInTwo(Vec<u8>, Vec<u8>),
    /// Do what the command asks, and say this.
    DoAndSay(Vec<u8>),
    /// Say this and break the connection, without TLS's own end.
    SayAndCut(Vec<u8>),
    /// Do what the command asks, and break the connection.
    DoAndCut,
    /// Answer as usual, so much later.
    Pause(Duration),
    /// Say nothing any more.
    Hang,
}

struct Rule {
    /// A command line, or its beginning up to a blank.
    on: String,
    times: usize,
    act: Act,
}

pub type Hook = Arc<dyn Fn(&str) + Send + Sync>;

/// All that the server goes by. What is set here holds from the next command on.
pub struct Table {
    pub door: Door,
    pub greeting: Vec<u8>,
    /// What CAPA answers before the login, and after it; `None`: -ERR.
    pub capa: Option<Vec<&'static str>>,
    pub capa_inside: Option<Vec<&'static str>>,
    pub password: String,
    pub mails: Vec<Mail>,
    /// Every line ends with a bare LF.
    pub lf_only: bool,
    /// Octets that are written at once.
    pub piece: usize,
    /// Hangs up on whoever sends a command before the answer to the last.
    pub drops_pipelining: bool,
    /// Like Gmail: shows the oldest so many that were not fetched yet.
    pub window: Option<usize>,
    /// Removes nothing, whatever DELE and QUIT were answered.
    pub keeps_deleted: bool,
    /// Called with each command before it is answered.
    pub hook: Option<Hook>,
    rules: Vec<Rule>,
    next_id: u64,
    /// By session: what was heard, and whether ever a command came ahead of an answer.
    heard: Vec<Vec<String>>,
    ahead: Vec<bool>,
}

impl Table {
    pub fn add(&mut self, uidl: impl AsRef<[u8]>, octets: impl AsRef<[u8]>) -> &mut Mail {
        self.next_id += 1;
        self.mails.push(Mail {
            uidl: uidl.as_ref().to_vec(),
            octets: octets.as_ref().to_vec(),
            listed: None,
            popped: false,
            wants_utf8: false,
            id: self.next_id,
        });
        self.mails.last_mut().expect("a mail")
    }

    /// What to do at the command `on`, always.
    pub fn rule(&mut self, on: &str, act: Act) {
        self.rule_times(on, usize::MAX, act);
    }

    /// What to do the next so many times.
    pub fn rule_times(&mut self, on: &str, times: usize, act: Act) {
        self.rules.push(Rule { on: on.to_owned(), times, act });
    }

    pub fn say(&mut self, on: &str, octets: impl AsRef<[u8]>) {
        self.rule(on, Act::Say(octets.as_ref().to_vec()));
    }

    pub fn forget_rules(&mut self) {
        self.rules.clear();
    }

    /// A session begins; its place among all.
    fn begin(&mut self) -> usize {
        self.heard.push(Vec::new());
        self.ahead.push(false);
        self.heard.len() - 1
    }

    fn act_for(&mut self, command: &str) -> Option<Act> {
        let fits = |rule: &Rule| {
            rule.times > 0
                && command.strip_prefix(&rule.on).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        };
        let rule = self.rules.iter_mut().find(|rule| fits(rule))?;
        rule.times = rule.times.saturating_sub(usize::from(rule.times != usize::MAX));
        Some(rule.act.clone())
    }
}

/// The server, until it is dropped.
pub struct Scripted {
    port: u16,
    table: Arc<Mutex<Table>>,
    /// The authority's certificate.
    ca_file: tempfile::NamedTempFile,
}

impl Scripted {
    /// Serves mails with the unique-ids u1, u2, ... in the clear; `set` may change all that.
    pub fn serve(mails: &[&[u8]], set: impl FnOnce(&mut Table)) -> Scripted {
        let all = vec!["TOP", "UIDL", "USER", "RESP-CODES", "PIPELINING"];
        let mut table = Table {
            door: Door::Plain,
            greeting: b"+OK ready\r\n".to_vec(),
            capa: Some(all.clone()),
            capa_inside: Some(all),
            password: PASSWORD.to_owned(),
            mails: Vec::new(),
            lf_only: false,
            piece: usize::MAX,
            drops_pipelining: false,
            window: None,
            keeps_deleted: false,
            hook: None,
            rules: Vec::new(),
            next_id: 0,
            heard: Vec::new(),
            ahead: Vec::new(),
        };
        for (number, octets) in (1..).zip(mails) {
            table.add(format!("u{number}"), octets);
        }
        set(&mut table);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let table = Arc::new(Mutex::new(table));
        let serving = Arc::clone(&table);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (Ok(stream), table) = (stream, Arc::clone(&serving)) else { return };
                // A connection that breaks ends its session, as it should.
                thread::spawn(move || _ = take(stream, table));
            }
        });
        let mut ca_file = tempfile::NamedTempFile::new().expect("a file");
        ca_file.write_all(authority::authority().pem.as_bytes()).expect("written");
        Scripted { port, table, ca_file }
    }

    pub fn set<T>(&self, change: impl FnOnce(&mut Table) -> T) -> T {
        change(&mut lock(&self.table))
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// What it heard in session `at`, from 1.
    pub fn heard(&self, at: usize) -> Vec<String> {
        lock(&self.table).heard.get(at - 1).cloned().unwrap_or_default()
    }

    pub fn sessions(&self) -> usize {
        lock(&self.table).heard.len()
    }

    /// What it heard in the last session.
    pub fn last(&self) -> Vec<String> {
        lock(&self.table).heard.last().cloned().unwrap_or_default()
    }

    /// How often it heard commands that begin so, over all sessions.
    pub fn count(&self, verb: &str) -> usize {
        lock(&self.table).heard.iter().flatten().filter(|line| line.starts_with(verb)).count()
    }

    /// Whether in session `at` a command came ahead of an answer.
    pub fn was_pipelined(&self, at: usize) -> bool {
        lock(&self.table).ahead.get(at - 1).copied().unwrap_or_default()
    }

    /// The messages that are there, as they are sent.
    pub fn mails(&self) -> Vec<Vec<u8>> {
        let table = lock(&self.table);
        table.mails.iter().map(|mail| as_sent(&mail.octets, table.lf_only)).collect()
    }

    /// The certificate of its authority.
    pub fn ca_file(&self) -> PathBuf {
        self.ca_file.path().to_owned()
    }

    /// An account that is served by it.
    pub fn account(&self, retention: Retention) -> NewAccount {
        let (security, ca_file) = match lock(&self.table).door {
            Door::Plain => (Security::None, None),
            Door::Tls(_) | Door::Raw(_) => (Security::Tls, Some(self.ca_file())),
            Door::Stls => (Security::StartTls, Some(self.ca_file())),
        };
        let server = Server { host: "localhost".into(), port: self.port, security, user: USER.into(), ca_file };
        NewAccount { address: USER.into(), server, name: String::new(), retention, password_command: None }
    }

    /// An account that looks for it with other words.
    pub fn account_with(&self, retention: Retention, change: impl FnOnce(&mut NewAccount)) -> NewAccount {
        let mut account = self.account(retention);
        change(&mut account);
        account
    }
}

/// The message as RETR sends it, without the byte-stuffing: a line end is put behind a last line that has none.
pub fn as_sent(octets: &[u8], lf_only: bool) -> Vec<u8> {
    let mut sent = octets.to_vec();
    if !sent.is_empty() && !sent.ends_with(b"\n") {
        sent.extend_from_slice(b"\r\n");
    }
    if lf_only { bare(&sent) } else { sent }
}

fn bare(octets: &[u8]) -> Vec<u8> {
    octets
        .iter()
        .enumerate()
        .filter(|(at, octet)| **octet != b'\r' || octets.get(at + 1) != Some(&b'\n'))
        .map(|(_, octet)| *octet)
        .collect()
}

fn stuffed(octets: &[u8]) -> Vec<u8> {
    let mut stuffed = Vec::with_capacity(octets.len() + 16);
    let mut line_begins = true;
    for (at, octet) in octets.iter().enumerate() {
        if line_begins && *octet == b'.' {
            stuffed.push(b'.');
        }
        stuffed.push(*octet);
        line_begins = *octet == b'\n' && at > 0 && octets[at - 1] == b'\r';
    }
    stuffed
}

fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    table.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A stream in the clear or protected.
enum Wire {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Wire::Plain(stream) => stream.read(buffer),
            Wire::Tls(stream) => stream.read(buffer),
        }
    }

    fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        match self {
            Wire::Plain(stream) => stream.write_all(octets),
            Wire::Tls(stream) => stream.write_all(octets).and_then(|()| stream.flush()),
        }
    }

    fn socket(&self) -> &TcpStream {
        match self {
            Wire::Plain(stream) => stream,
            Wire::Tls(stream) => &stream.sock,
        }
    }

    /// No octet more, and none of TLS's own end; what was sent arrives.
    fn cut(self) {
        _ = self.socket().shutdown(Shutdown::Write);
        _ = self.socket().set_read_timeout(Some(Duration::from_secs(2)));
        _ = io::copy(&mut self.socket(), &mut io::sink());
    }

    fn close(mut self) {
        if let Wire::Tls(stream) = &mut self {
            stream.conn.send_close_notify();
            _ = stream.flush();
        }
        self.cut();
    }
}

fn take(stream: TcpStream, table: Arc<Mutex<Table>>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let door = lock(&table).door.clone();
    let wire = match door {
        Door::Plain | Door::Stls => Wire::Plain(stream),
        Door::Tls(name) => tls(stream, name)?,
        Door::Raw(says) => {
            let mut stream = stream;
            _ = stream.read(&mut [0; 512])?;
            lock(&table).begin();
            stream.write_all(says)?;
            Wire::Plain(stream).cut();
            return Ok(());
        }
    };
    let at = lock(&table).begin();
    Session {
        wire,
        table,
        at,
        input: Vec::new(),
        view: Vec::new(),
        inside: false,
        utf8: false,
        user: String::new(),
        retrieved: HashSet::new(),
        deleted: HashSet::new(),
    }
    .run()
}

struct Session {
    wire: Wire,
    table: Arc<Mutex<Table>>,
    /// Which session it is.
    at: usize,
    input: Vec<u8>,
    /// The mails as this session numbers them.
    view: Vec<Mail>,
    inside: bool,
    utf8: bool,
    user: String,
    retrieved: HashSet<u64>,
    deleted: HashSet<u64>,
}

impl Session {
    fn run(mut self) -> io::Result<()> {
        let greeting = lock(&self.table).greeting.clone();
        self.write(&greeting)?;
        while let Some(command) = self.command()? {
            let (act, hook) = {
                let mut table = lock(&self.table);
                (table.act_for(&command), table.hook.clone())
            };
            if let Some(hook) = hook {
                hook(&command);
            }
            match act {
                None => {
                    let answer = self.answer(&command);
                    self.write(&answer)?;
                }
                Some(Act::Say(says)) => self.write(&says)?,
                Some(Act::SayInTwo(first, second)) => {
                    self.write(&first)?;
                    thread::sleep(Duration::from_millis(60));
                    self.write(&second)?;
                }
                Some(Act::DoAndSay(says)) => {
                    _ = self.answer(&command);
                    self.write(&says)?;
                }
                Some(Act::SayAndCut(says)) => {
                    self.write(&says)?;
                    self.wire.cut();
                    return Ok(());
                }
                Some(Act::DoAndCut) => {
                    _ = self.answer(&command);
                    self.wire.cut();
                    return Ok(());
                }
                Some(Act::Pause(pause)) => {
                    thread::sleep(pause);
                    let answer = self.answer(&command);
                    self.write(&answer)?;
                }
                Some(Act::Hang) => {
                    _ = self.wire.read(&mut [0; 512])?;
                    return Ok(());
                }
            }
            if command == "STLS" {
                self = self.protected()?;
            }
            if command == "QUIT" {
                self.wire.close();
                return Ok(());
            }
        }
        Ok(())
    }

    fn protected(self) -> io::Result<Session> {
        let offered = matches!(lock(&self.table).door, Door::Stls);
        Ok(match self.wire {
            Wire::Plain(stream) if offered => Session { wire: tls(stream, "localhost")?, input: Vec::new(), ..self },
            wire => Session { wire, ..self },
        })
    }

    fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        let (lf_only, piece) = {
            let table = lock(&self.table);
            (table.lf_only, table.piece)
        };
        let octets = if lf_only { bare(octets) } else { octets.to_vec() };
        octets.chunks(piece.max(1)).try_for_each(|piece| self.wire.write(piece))
    }

    /// The next command line; `None` when the client went away.
    fn command(&mut self) -> io::Result<Option<String>> {
        let line = loop {
            if let Some(end) = self.input.iter().position(|octet| *octet == b'\n') {
                break self.input.drain(..=end).collect::<Vec<u8>>();
            }
            let mut buffer = [0; 4096];
            match self.wire.read(&mut buffer) {
                Ok(0) | Err(_) => return Ok(None),
                Ok(count) => self.input.extend_from_slice(&buffer[..count]),
            }
        };
        let line = line.strip_suffix(b"\r\n").unwrap_or(&line).escape_ascii().to_string();
        let drops = lock(&self.table).drops_pipelining;
        if drops && line.starts_with("RETR") && self.input.is_empty() {
            // Wait a little for what may come ahead.
            self.wire.socket().set_read_timeout(Some(Duration::from_millis(40)))?;
            let mut buffer = [0; 4096];
            let count = self.wire.read(&mut buffer).unwrap_or(0);
            self.input.extend_from_slice(&buffer[..count]);
            self.wire.socket().set_read_timeout(None)?;
        }
        let ahead = !self.input.is_empty();
        let mut table = lock(&self.table);
        table.heard[self.at].push(line.clone());
        table.ahead[self.at] |= ahead;
        Ok((!(drops && ahead)).then_some(line))
    }

    fn answer(&mut self, command: &str) -> Vec<u8> {
        let mut words = command.split(' ');
        let (verb, argument) = (words.next().unwrap_or_default(), words.next());
        let ok = || b"+OK\r\n".to_vec();
        match (verb, argument) {
            ("CAPA", _) => self.capa(),
            ("STLS", _) => ok(),
            ("UTF8", _) if !self.inside => {
                self.utf8 = true;
                ok()
            }
            ("USER", _) if !self.inside => {
                self.user = command.get(5..).unwrap_or_default().to_owned();
                ok()
            }
            ("PASS", _) if !self.inside => self.log_in(command.get(5..).unwrap_or_default()),
            ("AUTH", _) if !self.inside => {
                let given = BASE64.decode(words.next().unwrap_or_default()).unwrap_or_default();
                let password = given.rsplit(|octet| *octet == 0).next().unwrap_or_default();
                self.log_in(&String::from_utf8_lossy(password))
            }
            ("STAT", _) if self.inside => format!("+OK {} {}\r\n", self.left().count(), 0).into_bytes(),
            ("LIST", None) if self.inside => self.lines(|mail| {
                mail.listed.clone().unwrap_or_else(|| as_sent(&mail.octets, false).len().to_string()).into_bytes()
            }),
            ("UIDL", None) if self.inside => self.lines(|mail| mail.uidl.clone()),
            ("RETR", Some(number)) if self.inside => self.message(number, usize::MAX),
            ("TOP", Some(number)) if self.inside => {
                let lines = words.next().and_then(|lines| lines.parse().ok()).unwrap_or(0);
                self.message(number, lines)
            }
            ("DELE", Some(number)) if self.inside => match self.numbered(number) {
                Some(mail) => {
                    self.deleted.insert(mail.id);
                    ok()
                }
                None => b"-ERR no such message\r\n".to_vec(),
            },
            ("RSET", _) if self.inside => {
                self.deleted.clear();
                ok()
            }
            ("NOOP", _) if self.inside => ok(),
            ("QUIT", _) => {
                self.update();
                ok()
            }
            _ => b"-ERR what?\r\n".to_vec(),
        }
    }

    fn capa(&self) -> Vec<u8> {
        let table = lock(&self.table);
        let capa = if self.inside { &table.capa_inside } else { &table.capa };
        let protected = matches!(self.wire, Wire::Tls(_));
        match capa {
            None => b"-ERR what?\r\n".to_vec(),
            Some(lines) => {
                let stls = if matches!(table.door, Door::Stls) && !protected { "STLS\r\n" } else { "" };
                let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
                format!("+OK\r\n{stls}{lines}.\r\n").into_bytes()
            }
        }
    }

    fn log_in(&mut self, password: &str) -> Vec<u8> {
        let table = lock(&self.table);
        let expected = table.password.as_bytes().escape_ascii().to_string();
        if password != expected && password != table.password {
            return b"-ERR wrong name or password\r\n".to_vec();
        }
        let shown = table.mails.iter().filter(|mail| table.window.is_none() || !mail.popped);
        self.view = shown.take(table.window.unwrap_or(usize::MAX)).cloned().collect();
        self.inside = true;
        b"+OK\r\n".to_vec()
    }

    fn left(&self) -> impl Iterator<Item = (usize, &Mail)> {
        self.view.iter().enumerate().filter(|(_, mail)| !self.deleted.contains(&mail.id))
    }

    fn numbered(&self, number: &str) -> Option<&Mail> {
        let number: usize = number.parse().ok()?;
        self.left().find(|(at, _)| at + 1 == number).map(|(_, mail)| mail)
    }

    fn lines(&self, word: impl Fn(&Mail) -> Vec<u8>) -> Vec<u8> {
        let mut lines = b"+OK\r\n".to_vec();
        for (at, mail) in self.left() {
            lines.extend_from_slice(format!("{} ", at + 1).as_bytes());
            lines.extend(word(mail));
            lines.extend_from_slice(b"\r\n");
        }
        lines.extend_from_slice(b".\r\n");
        lines
    }

    fn message(&mut self, number: &str, body_lines: usize) -> Vec<u8> {
        let Some(mail) = self.numbered(number).cloned() else { return b"-ERR no such message\r\n".to_vec() };
        if mail.wants_utf8 && !self.utf8 {
            return b"-ERR [UTF8] this message needs the UTF8 mode\r\n".to_vec();
        }
        let mut sent = as_sent(&mail.octets, false);
        if body_lines == usize::MAX {
            self.retrieved.insert(mail.id);
        } else if let Some(end) = sent.windows(4).position(|four| four == b"\r\n\r\n") {
            let body = sent.split_off(end + 4);
            body.split_inclusive(|octet| *octet == b'\n')
                .take(body_lines)
                .for_each(|line| sent.extend_from_slice(line));
        }
        [b"+OK\r\n".as_slice(), &stuffed(&sent), b".\r\n"].concat()
    }

    fn update(&mut self) {
        let mut table = lock(&self.table);
        if !table.keeps_deleted {
            table.mails.retain(|mail| !self.deleted.contains(&mail.id));
        }
        for mail in table.mails.iter_mut().filter(|mail| self.retrieved.contains(&mail.id)) {
            mail.popped = true;
        }
    }
}

fn tls(stream: TcpStream, name: &str) -> io::Result<Wire> {
    let connection = ServerConnection::new(authority::config(&[name])?).map_err(io::Error::other)?;
    Ok(Wire::Tls(Box::new(StreamOwned::new(connection, stream))))
}
