//! FAULTS.md 30: `pop3_session(answers, chunking)`. A session is driven as a fetch drives it, against answers that are
//! right, cut, or changed anywhere, in pieces of any size; a reader of whole answers, written from the RFC and nothing
//! else, says what has to come out.
//!
//! Never: a panic; an answer that is complete without its terminator; octets that are not the stuffer's inverse; an event
//! after an error; an octet sent that no command is; memory beyond the longest line and what is being received.
//!
//! `tests/soak fuzz COUNT` plays so many generated sessions. The saved ones in `tests/fuzz/corpus` (an answer a line, as
//! Rust escapes octets) and a few thousand generated ones are played in every run.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout, unsafe_code)]

#[path = "support/held.rs"]
mod held;
mod support;

use std::fs;
use std::path::Path;
use std::time::Instant;

use postkeep::pop3::{Command, Event, ProvedStored, Removal, Sent, Session};
use support::Dice;

#[path = "fuzz/reference.rs"]
mod reference;
use reference::{Outcome, Reader};

const SEED: u64 = 0x0930_2026;
/// Beyond the octets of a piece and of the longest answer, a session may hold this much.
const OVERHEAD: usize = 512 * 1024;

struct Proved(u32);

impl ProvedStored for Proved {
    fn number(&self) -> u32 {
        self.0
    }
}

/// The answers of one session: greeting, login, CAPA, STAT, UIDL, LIST, one RETR for each message, DELE for each, QUIT.
#[derive(Clone, Default)]
struct Answers {
    /// By AUTH in two steps, else by USER and PASS.
    auth: bool,
    octets: Vec<Vec<u8>>,
}

impl Answers {
    fn messages(&self) -> usize {
        self.octets.len().saturating_sub(FIRST_RETR + 1) / 2
    }
}

/// Where the answer to the first RETR stands: behind the greeting, two of the login, CAPA, STAT, UIDL, LIST.
const FIRST_RETR: usize = 7;

/// One session with these answers in pieces of these sizes. Answers what came out whole, and how it ended.
fn pop3_session(answers: &Answers, pieces: &mut dyn FnMut() -> usize) -> (Vec<Vec<u8>>, Outcome) {
    let mut drive = Drive { session: Session::new(), reader: Reader::new(), messages: Vec::new(), octets: Vec::new() };
    let outcome = drive.whole(answers, pieces);
    (drive.messages, outcome)
}

struct Drive {
    session: Session,
    reader: Reader,
    /// The messages that are complete, and the one that is coming.
    messages: Vec<Vec<u8>>,
    octets: Vec<u8>,
}

impl Drive {
    fn whole(&mut self, answers: &Answers, pieces: &mut dyn FnMut() -> usize) -> Outcome {
        let count = answers.messages();
        let mut next = 0;
        let mut take = |many: usize| {
            next += many;
            answers.octets.get(next - many..next).unwrap_or_default()
        };
        let password = || "p".repeat(if answers.auth { 200 } else { 8 }).into();
        let login = if answers.auth {
            vec![(Command::AuthPlain { user: "ada".into(), password: password() }, "AUTH PLAIN\r\n", 2)]
        } else {
            vec![(Command::User("ada".into()), "USER ada\r\n", 1), (Command::Pass(password()), "PASS pppppppp\r\n", 1)]
        };
        let mut outcome = self.answer(&[], take(1), pieces);
        for (command, line, steps) in login {
            if outcome != Outcome::Ok {
                return outcome;
            }
            self.say(&[command], line);
            let answers = take(steps);
            outcome =
                if steps == 2 { self.two_steps(answers, pieces) } else { self.answer(&[Sent::User], answers, pieces) };
        }
        if outcome != Outcome::Ok {
            return outcome;
        }
        for (command, line) in [
            (Command::Capa, "CAPA\r\n"),
            (Command::Stat, "STAT\r\n"),
            (Command::Uidl, "UIDL\r\n"),
            (Command::List, "LIST\r\n"),
        ] {
            let sent = command.sent();
            self.say(&[command], line);
            outcome = self.answer(&[sent], take(1), pieces);
            if !matches!(outcome, Outcome::Ok | Outcome::Refused) {
                return outcome;
            }
        }
        let numbers = || 1..=u32::try_from(count).expect("few");
        let retrs: Vec<Command> = numbers().map(|number| Command::Retr { number, octets: 9 }).collect();
        let deles: Vec<Command> = numbers().map(|number| Command::Dele(Removal::of(&Proved(number)))).collect();
        for commands in [retrs, deles] {
            // As many at a time as the server takes.
            let many = if self.session.capabilities().pipelining { commands.len() } else { 1 };
            for commands in commands.chunks(many.max(1)) {
                let line: String = commands
                    .iter()
                    .map(|command| match command {
                        Command::Retr { number, .. } => format!("RETR {number}\r\n"),
                        other => match other.sent() {
                            Sent::Dele(number) => format!("DELE {number}\r\n"),
                            sent => panic!("{sent:?}"),
                        },
                    })
                    .collect();
                let sent: Vec<Sent> = commands.iter().map(Command::sent).collect();
                self.say(commands, &line);
                outcome = self.answer(&sent, take(sent.len()), pieces);
                if !matches!(outcome, Outcome::Ok | Outcome::Refused) {
                    return outcome;
                }
            }
        }
        self.say(&[Command::Quit], "QUIT\r\n");
        self.answer(&[Sent::Quit], take(1), pieces)
    }

    /// Enqueues, and sees that exactly these octets are to be sent.
    fn say(&mut self, commands: &[Command], line: &str) {
        for command in commands {
            self.session.enqueue(command).expect("a command that fits");
        }
        assert_eq!(self.session.output(), line.as_bytes());
        self.session.wrote(line.len());
        assert!(self.session.output().is_empty());
    }

    fn two_steps(&mut self, answers: &[Vec<u8>], pieces: &mut dyn FnMut() -> usize) -> Outcome {
        let (first, second) = answers.split_first().expect("two answers");
        let outcome = self.receive(&[Sent::Auth], &[first], pieces, true);
        if outcome != Outcome::Challenged {
            return outcome;
        }
        let length = self.session.output().len();
        assert!(length > 250, "the response");
        self.session.wrote(length);
        self.receive(&[Sent::Auth], &[&second[0]], pieces, false)
    }

    fn answer(&mut self, sent: &[Sent], answers: &[Vec<u8>], pieces: &mut dyn FnMut() -> usize) -> Outcome {
        self.receive(sent, &answers.iter().collect::<Vec<_>>(), pieces, false)
    }

    /// Gives the session these answers in pieces, and compares what it tells with what the reader says.
    fn receive(
        &mut self,
        sent: &[Sent],
        answers: &[&Vec<u8>],
        pieces: &mut dyn FnMut() -> usize,
        may_challenge: bool,
    ) -> Outcome {
        let stream: Vec<u8> = answers.iter().flat_map(|answer| answer.iter().copied()).collect();
        let expected = self.reader.read(sent, &stream, may_challenge);
        let mut ended = Vec::new();
        let mut error = None;
        let (mut at, mut longest) = (0, 0);
        while at < stream.len() && error.is_none() {
            let end = at.saturating_add(pieces().max(1)).min(stream.len());
            longest = longest.max(end - at);
            self.session.receive(&stream[at..end]);
            at = end;
            error = self.drain(&mut ended);
        }
        if let Some(error) = &error {
            // It stays so, whatever comes.
            self.session.receive(b"+OK\r\n.\r\n");
            assert_eq!(self.session.poll().expect_err("an error"), *error);
            assert!(expected.is_broken(), "{error:?} against {expected:?} in {}", stream.escape_ascii());
        }
        expected.compare(&ended, error.is_some(), &stream);
        if error.is_none() && expected.outcome == Outcome::Broken {
            assert!(expected.may_wait, "{expected:?} in {}", stream.escape_ascii());
            return Outcome::Incomplete;
        }
        expected.outcome
    }

    fn drain(&mut self, ended: &mut Vec<reference::Told>) -> Option<postkeep::pop3::ProtocolError> {
        use reference::Told;
        loop {
            match self.session.poll() {
                Ok(None) => return None,
                Err(error) => return Some(error),
                Ok(Some(Event::Greeting(status))) => ended.push(Told::Status(status.ok)),
                Ok(Some(Event::Status(_, status))) => {
                    self.octets.clear();
                    ended.push(Told::Status(status.ok));
                }
                Ok(Some(Event::Line(line))) => ended.push(Told::Line(line)),
                Ok(Some(Event::Octets(octets))) => {
                    assert!(!octets.is_empty());
                    self.octets.extend_from_slice(octets);
                }
                Ok(Some(Event::End(sent))) => {
                    if matches!(sent, Sent::Retr(_)) {
                        self.messages.push(self.octets.clone());
                        ended.push(Told::Message(std::mem::take(&mut self.octets)));
                    } else {
                        ended.push(Told::End);
                    }
                }
            }
        }
    }
}

/// Octets that mean something to the protocol, and some that do not.
const TOKENS: [&[u8]; 24] = [
    b".",
    b"\r",
    b"\n",
    b"\r\n",
    b"\r\n.\r\n",
    b".\r\n",
    b"..",
    b"\r\n.",
    b"\r\n..\r\n",
    b"\n.\n",
    b"\0",
    b"\xff",
    b"x",
    b"+OK",
    b"-ERR",
    b"+OK\r\n",
    b"-ERR\r\n",
    b"+ ",
    b"+\r\n",
    b" ",
    b"1 a",
    b"PIPELINING",
    b"\r\r\n",
    b".\r",
];

fn tokens(dice: &mut Dice, most: u64) -> Vec<u8> {
    (0..dice.below(most + 1)).flat_map(|_| TOKENS[dice.below(TOKENS.len() as u64) as usize].iter().copied()).collect()
}

/// Right answers of a server, and the messages that it has.
fn generate(dice: &mut Dice) -> (Answers, Vec<Vec<u8>>) {
    let auth = dice.below(4) == 0;
    let ends: &[u8] = if dice.below(8) == 0 { b"\n" } else { b"\r\n" };
    let pipelining = dice.below(4) > 0;
    let messages: Vec<Vec<u8>> = (0..dice.below(5))
        .map(|_| {
            let mut message = tokens(dice, 12);
            if dice.below(64) == 0 {
                message.extend(std::iter::repeat_n(b'y', dice.below(20_000) as usize));
            }
            if ends == b"\n" {
                message.retain(|octet| *octet != b'\r');
            }
            if !message.is_empty() && !message.ends_with(ends) {
                message.extend_from_slice(ends);
            }
            message
        })
        .collect();
    let line = |text: &str| [text.as_bytes(), ends].concat();
    let listing = |lines: &mut dyn Iterator<Item = String>| {
        let lines: Vec<u8> = lines.flat_map(|text| line(&text)).collect();
        [line("+OK"), lines, line(".")].concat()
    };
    let mut octets = vec![line("+OK hello")];
    octets.extend(if auth { [line("+ "), line("+OK in")] } else { [line("+OK"), line("+OK in")] });
    let capabilities = if pipelining { "PIPELINING" } else { "UIDL" };
    octets.push(listing(&mut [capabilities.to_owned(), "TOP".to_owned()].into_iter()));
    octets.push(line("+OK 3 120"));
    octets.push(listing(&mut (1..=messages.len()).map(|number| format!("{number} {number:x}"))));
    octets.push(listing(&mut (1..=messages.len()).map(|number| format!("{number} 120"))));
    for message in &messages {
        octets.push([line("+OK"), reference::stuffed(message, ends), line(".")].concat());
    }
    octets.extend(messages.iter().map(|_| line("+OK")));
    octets.push(line("+OK bye"));
    (Answers { auth, octets }, messages)
}

/// Changes an answer somewhere.
fn mutate(answers: &mut Answers, dice: &mut Dice) {
    let count = answers.octets.len() as u64;
    let other = dice.below(count) as usize;
    let (first, second) = (answers.octets[other].clone(), dice.below(count) as usize);
    let answer = &mut answers.octets[second];
    let at = dice.below(answer.len() as u64 + 1) as usize;
    let to = at + dice.below((answer.len() - at) as u64 + 1) as usize;
    match dice.below(8) {
        0 => _ = answer.splice(at..at, tokens(dice, 3)),
        1 => _ = answer.drain(at..to),
        2 => *answer = tokens(dice, 8),
        3 => *answer = first,
        4 => answer.truncate(at),
        5 => answer.extend(tokens(dice, 2)),
        6 if dice.below(32) == 0 => {
            _ = answer.splice(at..at, std::iter::repeat_n(b'z', 8000 + dice.below(400) as usize))
        }
        _ => {
            if let Some(octet) = answer.get_mut(at) {
                *octet = dice.below(256) as u8;
            }
        }
    }
}

/// One generated session. What comes out of right answers is the mail itself, and out of answers that end anywhere only
/// whole messages.
fn one(dice: &mut Dice) {
    let (mut answers, messages) = generate(dice);
    let kind = dice.below(4);
    let cut = match kind {
        0 => None,
        1 => {
            let place = dice.below(answers.octets.len() as u64) as usize;
            let at = dice.below(answers.octets[place].len() as u64) as usize;
            answers.octets[place].truncate(at);
            answers.octets[place + 1..].iter_mut().for_each(Vec::clear);
            Some(place)
        }
        _ => {
            (0..=dice.below(3)).for_each(|_| mutate(&mut answers, dice));
            None
        }
    };
    let largest: usize = answers.octets.iter().map(Vec::len).sum();
    let size = [1, 1 + dice.below(4) as usize, 16, 4096, usize::MAX][dice.below(5) as usize];
    let mut pieces = Dice(dice.below(u64::MAX) | 1);
    let mut piece = || 1 + pieces.below(size.min(1 << 20) as u64) as usize;
    let ((arrived, outcome), held) = held::peak(|| pop3_session(&answers, &mut piece));
    let grown = held as usize;
    assert!(grown <= 8 * largest + OVERHEAD, "{grown} octets held for {largest}");
    match (kind, cut) {
        (0, _) => assert_eq!((arrived, outcome), (messages, Outcome::Ok)),
        (1, Some(place)) => {
            assert_eq!(outcome, Outcome::Incomplete);
            let whole = place.saturating_sub(FIRST_RETR).min(messages.len());
            assert_eq!(arrived, messages[..whole], "cut in answer {place}");
        }
        _ => {}
    }
}

#[test]
fn generated_sessions() {
    let mut dice = Dice(SEED);
    (0..4_000).for_each(|_| one(&mut dice));
}

#[test]
fn saved_sessions() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
    let mut played = 0;
    for entry in fs::read_dir(folder).expect("the corpus") {
        let path = entry.expect("an entry").path();
        let text = fs::read_to_string(&path).expect("readable");
        let octets: Vec<Vec<u8>> = text.lines().filter(|line| !line.starts_with('#')).map(unescaped).collect();
        let auth = octets.get(1).is_some_and(|answer| answer.starts_with(b"+ "));
        let answers = Answers { auth, octets };
        assert!(answers.octets.len() > FIRST_RETR, "{}", path.display());
        for size in [1, 2, 3, 7, 64, usize::MAX] {
            pop3_session(&answers, &mut || size);
            played += 1;
        }
    }
    println!("{played} saved sessions");
    assert!(played >= 60);
}

/// What [`slice::escape_ascii`] wrote.
fn unescaped(line: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut signs = line.bytes();
    while let Some(sign) = signs.next() {
        octets.push(match (sign, sign == b'\\') {
            (other, false) => other,
            _ => match signs.next().expect("an escape") {
                b'r' => b'\r',
                b'n' => b'\n',
                b't' => b'\t',
                b'x' => {
                    let digits = [signs.next(), signs.next()].map(|digit| digit.expect("two digits"));
                    u8::from_str_radix(std::str::from_utf8(&digits).expect("digits"), 16).expect("digits")
                }
                other => other,
            },
        });
    }
    octets
}

/// `POSTKEEP_SOAK` generated sessions from `POSTKEEP_SEED` on.
#[test]
#[ignore = "a soak test"]
fn soak_fuzz() {
    let number = |name: &str, otherwise| std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"));
    let (count, seed) = (number("POSTKEEP_SOAK", 1_000_000), number("POSTKEEP_SEED", SEED));
    let mut dice = Dice(seed.max(1));
    let begun = Instant::now();
    for played in 1..=count {
        // So that one session can be played again by itself.
        let state = dice.0;
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| one(&mut dice)));
        assert!(outcome.is_ok(), "session {played}: seed {state}");
        if played % 10_000_000 == 0 || played == count {
            let seconds = begun.elapsed().as_secs_f64();
            println!("{played} sessions, seed {seed:#x}, {:.0} a second", played as f64 / seconds);
        }
    }
}
