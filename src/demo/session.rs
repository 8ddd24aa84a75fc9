//! One POP3 conversation of the demo server (RFC 1939; CAPA RFC 2449; STLS RFC 2595; AUTH PLAIN RFC 5034), with the
//! faults and pauses that the options ask for. DELE takes effect at QUIT only; a session that ends otherwise removes
//! nothing.

use std::sync::Arc;
use std::time::Duration;

use crate::account::Security;

use super::base64;
use super::faults::{Act, Cut, Lie, Stls, Verb, When};
use super::maildrop::{self, Stored};
use super::options::{Capa, Moment};
use super::record::End;
use super::server::Shared;
use super::wire::{Ended, Wire};

/// A message as this session sees it.
struct Entry {
    stored: Arc<Stored>,
    uidl: String,
    size: String,
    deleted: bool,
}

/// What follows the answer.
enum Next {
    Go,
    Quit,
    Handshake,
}

pub(super) struct Talk<'a> {
    shared: &'a Shared,
    wire: &'a mut Wire,
    number: u32,
    user: Option<String>,
    /// `None` before the login.
    entries: Option<Vec<Entry>>,
}

fn ok(text: &str) -> Vec<u8> {
    format!("+OK {text}\r\n").into_bytes()
}

fn err(text: &str) -> Vec<u8> {
    format!("-ERR {text}\r\n").into_bytes()
}

impl<'a> Talk<'a> {
    pub(super) fn new(shared: &'a Shared, wire: &'a mut Wire, number: u32) -> Talk<'a> {
        Talk { shared, wire, number, user: None, entries: None }
    }

    /// From the greeting to the end.
    pub(super) async fn run(&mut self) -> End {
        match self.converse().await {
            Ok(end) | Err(end) => end,
        }
    }

    async fn converse(&mut self) -> Ended<End> {
        self.handle(Verb::Greeting, "").await?;
        loop {
            let line = self.wire.line().await?;
            let line = String::from_utf8_lossy(&line).into_owned();
            if self.wire.has_more() {
                self.shared
                    .state()
                    .record
                    .session(self.number)
                    .into_iter()
                    .for_each(|session| session.pipelined = true);
                if self.shared.options.cut_pipelining {
                    self.wire.cut(Cut::Silent).await;
                    return Err(End::ByFault);
                }
            }
            let verb = Verb::of(line.split(' ').next().unwrap_or_default());
            match self.handle(verb, &line).await? {
                Next::Go => {}
                Next::Quit => {
                    self.wire.flush().await?;
                    self.wire.cut(Cut::Proper).await;
                    return Ok(End::Quit);
                }
                Next::Handshake => self.handshake().await?,
            }
        }
    }

    async fn handle(&mut self, verb: Verb, line: &str) -> Ended<Next> {
        let count = self.shared.state().record.command(self.number, verb, line);
        let rest = line.split_once(' ').map_or("", |(_, rest)| rest);
        let act = self.fault(verb, count, rest);
        self.pause(verb, Moment::Before).await;
        let (answer, next) = match act {
            Some(Act::Refuse(text)) => (err(&text), Next::Go),
            Some(Act::Answer(octets)) => (octets, Next::Go),
            Some(Act::Drop(cut)) => return self.end(cut).await,
            Some(Act::Hang) => {
                self.wire.flush().await?;
                self.wire.drain().await;
                return Err(End::ByFault);
            }
            after => {
                let (mut answer, next) = self.carry_out(verb, rest).await?;
                self.shared.state().record.state(self.number, &format!("done {}", verb.as_str()), None);
                self.pause(verb, Moment::After).await;
                match after {
                    Some(Act::RefuseAfter(text)) => answer = err(&text),
                    Some(Act::Append(octets)) => answer.extend_from_slice(&octets),
                    Some(Act::DropAfter(octets, cut)) => {
                        self.wire.put(answer.get(..octets).unwrap_or(&answer)).await?;
                        return self.end(cut).await;
                    }
                    _ => {}
                }
                (answer, next)
            }
        };
        self.answer(verb, &answer).await?;
        Ok(next)
    }

    async fn end(&mut self, cut: Cut) -> Ended<Next> {
        self.wire.flush().await?;
        self.wire.cut(cut).await;
        Err(End::ByFault)
    }

    /// Sends an answer; at once where the pace or the journal matters, else with those of the commands that follow.
    async fn answer(&mut self, verb: Verb, answer: &[u8]) -> Ended {
        if self.length_of_pause(verb, Moment::Amid) > Duration::ZERO {
            let (first, second) = answer.split_at(answer.len() / 2);
            self.wire.put(first).await?;
            self.wire.flush().await?;
            self.pause(verb, Moment::Amid).await;
            self.wire.put(second).await?;
        } else {
            self.wire.put(answer).await?;
        }
        let options = &self.shared.options;
        if options.journal.is_some() || options.bytes_per_second.is_some() || !options.pauses.is_empty() {
            self.wire.flush().await?;
        }
        self.shared.state().record.state(self.number, "idle", None);
        Ok(())
    }

    fn length_of_pause(&self, verb: Verb, moment: Moment) -> Duration {
        let pauses = self.shared.options.pauses.iter();
        pauses.filter(|pause| pause.0 == verb && pause.1 == moment).map(|pause| pause.2).sum()
    }

    async fn pause(&mut self, verb: Verb, moment: Moment) {
        let length = self.length_of_pause(verb, moment);
        if length > Duration::ZERO {
            tokio::time::sleep(length).await;
        }
    }

    fn fault(&self, verb: Verb, count: u32, rest: &str) -> Option<Act> {
        let argument = rest.split(' ').next().and_then(|word| word.parse::<usize>().ok());
        let state = self.shared.state();
        let fault = state.faults.iter().find(|fault| {
            fault.verb == verb
                && match fault.when {
                    When::Always => true,
                    When::Nth(nth) => nth == count,
                    When::Message(number) => argument == Some(number),
                    When::Session(session) => session == self.number,
                }
        });
        fault.map(|fault| fault.act.clone())
    }

    async fn carry_out(&mut self, verb: Verb, rest: &str) -> Ended<(Vec<u8>, Next)> {
        let stls = self.shared.state().stls;
        let answer = match verb {
            Verb::Greeting => ok("Postkeep demo server ready"),
            Verb::Capa => self.capa(stls),
            Verb::Stls if self.may_encrypt() && stls != Stls::Stripped => return Ok(self.stls(stls)),
            Verb::User if self.may_log_in(stls) => {
                self.user = Some(rest.to_owned());
                ok("and the password?")
            }
            Verb::Pass if self.may_log_in(stls) => match self.user.take() {
                Some(user) => self.log_in(&user, rest),
                None => err("USER first"),
            },
            Verb::Auth if self.may_log_in(stls) => self.auth(rest).await?,
            Verb::Quit => return Ok((self.quit(), Next::Quit)),
            _ => match &mut self.entries {
                Some(entries) => {
                    let mut state = self.shared.state();
                    let answer = transaction(verb, rest, entries, &state.lies);
                    if state.lies.contains(&Lie::RemovesAtDele) {
                        state.maildrop.remove(entries.iter().filter(|entry| entry.deleted).map(|entry| &entry.stored));
                    }
                    answer
                }
                None => err("not now"),
            },
        };
        Ok((answer, Next::Go))
    }

    fn may_encrypt(&self) -> bool {
        self.shared.options.security == Security::StartTls && !self.wire.is_encrypted() && self.entries.is_none()
    }

    /// Not before STLS where that is asked for; but an attacker who takes STLS away is glad of any login.
    fn may_log_in(&self, stls: Stls) -> bool {
        self.entries.is_none() && (!self.may_encrypt() || stls != Stls::Works)
    }

    fn capa(&self, stls: Stls) -> Vec<u8> {
        let mut lines: Vec<&str> = vec!["TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "EXPIRE NEVER"];
        if self.shared.options.pipelining {
            lines.push("PIPELINING");
        }
        if self.may_encrypt() && stls != Stls::Stripped {
            lines.push("STLS");
        }
        if self.entries.is_some() || self.may_log_in(stls) {
            lines.extend(["USER", "SASL PLAIN"]);
        }
        match &self.shared.options.capa {
            Capa::Full => {}
            Capa::Unknown => return err("unknown command"),
            Capa::Lines(others) => lines = others.iter().map(String::as_str).collect(),
        }
        format!("+OK capabilities follow\r\n{}\r\n.\r\n", lines.join("\r\n")).into_bytes()
    }

    fn stls(&self, stls: Stls) -> (Vec<u8>, Next) {
        let mut answer = ok("begin TLS");
        match stls {
            Stls::Refused => return (err("TLS is not available"), Next::Go),
            Stls::Injected => answer.extend_from_slice(b"+OK capabilities follow\r\nUSER\r\nINJECTED\r\n.\r\n"),
            Stls::Works | Stls::Hangs | Stls::Stripped => {}
        }
        (answer, Next::Handshake)
    }

    async fn handshake(&mut self) -> Ended {
        self.wire.flush().await?;
        if self.shared.state().stls == Stls::Hangs {
            let raw = self.wire.drain().await;
            self.shared.state().record.session(self.number).into_iter().for_each(|session| session.raw = raw.clone());
            return Err(End::ByFault);
        }
        let acceptor = self.shared.state().acceptor.clone();
        self.wire.encrypt(&acceptor).await?;
        self.shared.state().record.session(self.number).into_iter().for_each(|session| session.encrypted = true);
        self.user = None;
        Ok(())
    }

    /// AUTH PLAIN with an initial response or in two steps.
    async fn auth(&mut self, rest: &str) -> Ended<Vec<u8>> {
        let (mechanism, initial) = rest.split_once(' ').unwrap_or((rest, ""));
        if !mechanism.eq_ignore_ascii_case("PLAIN") {
            return Ok(if mechanism.is_empty() { b"+OK\r\nPLAIN\r\n.\r\n".to_vec() } else { err("only PLAIN") });
        }
        let response = if initial.is_empty() {
            self.wire.put(b"+ \r\n").await?;
            let line = self.wire.line().await?;
            self.shared.state().record.continuation(self.number);
            String::from_utf8_lossy(&line).into_owned()
        } else {
            initial.to_owned()
        };
        let decoded = base64::decode(&response).and_then(|octets| String::from_utf8(octets).ok());
        let Some(decoded) = decoded else { return Ok(err("not understood")) };
        // authorization identity NUL user NUL password (RFC 4616)
        match decoded.split('\0').collect::<Vec<_>>()[..] {
            ["", user, password] => Ok(self.log_in(user, password)),
            [identity, user, password] if identity == user => Ok(self.log_in(user, password)),
            _ => Ok(err("not understood")),
        }
    }

    fn log_in(&mut self, user: &str, password: &str) -> Vec<u8> {
        let options = &self.shared.options;
        if user != options.user || password != options.password {
            return err("[AUTH] wrong user or password");
        }
        let mut state = self.shared.state();
        state.record.session(self.number).into_iter().for_each(|session| session.logged_in = true);
        state.logins += 1;
        let entries = view(&state.maildrop.messages, &state.lies, state.logins);
        let answer = ok(&format!("{} messages", entries.len()));
        self.entries = Some(entries);
        answer
    }

    fn quit(&mut self) -> Vec<u8> {
        let entries = self.entries.take().unwrap_or_default();
        let gone = entries.iter().filter(|entry| entry.deleted);
        self.shared.state().maildrop.remove(gone.map(|entry| &entry.stored));
        ok("goodbye")
    }
}

/// What the `login`-th session sees of the maildrop.
fn view(messages: &[Arc<Stored>], lies: &[Lie], login: u32) -> Vec<Entry> {
    let entry = |stored: &Arc<Stored>| Entry {
        stored: Arc::clone(stored),
        uidl: stored.uidl.clone(),
        size: stored.bytes.len().to_string(),
        deleted: false,
    };
    let mut entries: Vec<Entry> = messages.iter().map(entry).collect();
    for lie in lies {
        match lie {
            Lie::EmptyOnce if login == 1 => entries.clear(),
            Lie::RenumberedUidls if login > 1 => {
                entries.iter_mut().for_each(|entry| entry.uidl = format!("s{login}-{}", entry.uidl));
            }
            Lie::RepeatedUidl => entries.iter_mut().for_each(|entry| "the-one-and-only".clone_into(&mut entry.uidl)),
            Lie::Sizes(words) => {
                let words = words.iter().cycle();
                entries.iter_mut().zip(words).for_each(|(entry, word)| entry.size.clone_from(word));
            }
            Lie::ReversedOrder if login.is_multiple_of(2) => entries.reverse(),
            _ => {}
        }
    }
    entries
}

/// The commands of the TRANSACTION state.
fn transaction(verb: Verb, rest: &str, entries: &mut [Entry], lies: &[Lie]) -> Vec<u8> {
    match verb {
        Verb::Stat => stat(entries),
        Verb::List => listing(rest, entries, entries.len(), |entry| &entry.size),
        Verb::Uidl => {
            let short = lies.iter().map(|lie| if let Lie::ShortUidl(count) = lie { *count } else { 0 }).sum();
            listing(rest, entries, entries.len().saturating_sub(short), |entry| &entry.uidl)
        }
        Verb::Retr | Verb::Top => message(verb, rest, entries),
        Verb::Dele => match number(rest, entries) {
            Some(at) => {
                entries[at].deleted = true;
                ok("deleted at QUIT")
            }
            None => err("no such message"),
        },
        Verb::Rset => {
            entries.iter_mut().for_each(|entry| entry.deleted = false);
            ok("all messages kept")
        }
        Verb::Noop => ok("nothing done"),
        _ => err("unknown command"),
    }
}

/// The index of the message that an argument names, unless it is marked deleted.
fn number(word: &str, entries: &[Entry]) -> Option<usize> {
    let at = word.parse::<usize>().ok()?.checked_sub(1)?;
    entries.get(at).is_some_and(|entry| !entry.deleted).then_some(at)
}

fn stat(entries: &[Entry]) -> Vec<u8> {
    let left = || entries.iter().filter(|entry| !entry.deleted);
    // Where the sizes lie, the sum lies along with the first of them.
    let sum = left().try_fold(0_u64, |sum, entry| Some(sum.saturating_add(entry.size.parse::<u64>().ok()?)));
    let first = || left().next().map_or_else(|| "0".to_owned(), |entry| entry.size.clone());
    ok(&format!("{} {}", left().count(), sum.map_or_else(first, |sum| sum.to_string())))
}

fn listing(rest: &str, entries: &[Entry], shown: usize, word: impl Fn(&Entry) -> &String) -> Vec<u8> {
    if !rest.is_empty() {
        return match number(rest, entries) {
            Some(at) => ok(&format!("{} {}", at + 1, word(&entries[at]))),
            None => err("no such message"),
        };
    }
    let mut answer = ok("the list follows");
    for (at, entry) in entries.iter().enumerate().take(shown).filter(|(_, entry)| !entry.deleted) {
        answer.extend_from_slice(format!("{} {}\r\n", at + 1, word(entry)).as_bytes());
    }
    answer.extend_from_slice(b".\r\n");
    answer
}

fn message(verb: Verb, rest: &str, entries: &[Entry]) -> Vec<u8> {
    let (word, lines) = rest.split_once(' ').map_or((rest, None), |(word, lines)| (word, lines.trim().parse().ok()));
    let Some(at) = number(word, entries) else { return err("no such message") };
    let bytes = &entries[at].stored.bytes;
    let shown = match (verb, lines) {
        (Verb::Top, None) => return err("TOP wants a number of lines"),
        (Verb::Top, Some(lines)) => maildrop::top(bytes, lines),
        _ => bytes,
    };
    let mut answer = ok(&format!("{} octets", bytes.len()));
    maildrop::stuff(shown, &mut answer);
    answer.extend_from_slice(b".\r\n");
    answer
}
