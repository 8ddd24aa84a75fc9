//! Tests of [`Session`] against exact octets.

use proptest::prelude::*;

use super::*;

/// [`Event`] with adjoining octets joined, so that chunking does not show.
#[derive(Clone, Debug, PartialEq)]
enum Told {
    Greeting(bool),
    Status(Sent, bool),
    Line(String),
    Octets(Vec<u8>),
    End(Sent),
    Error(ProtocolError),
}

/// Polls until nothing is left.
fn drain(session: &mut Session, told: &mut Vec<Told>) {
    loop {
        let next = match session.poll() {
            Ok(None) => return,
            Ok(Some(Event::Greeting(status))) => Told::Greeting(status.ok),
            Ok(Some(Event::Status(sent, status))) => Told::Status(sent, status.ok),
            Ok(Some(Event::Line(line))) => Told::Line(line.escape_ascii().to_string()),
            Ok(Some(Event::End(sent))) => Told::End(sent),
            Ok(Some(Event::Octets(octets))) => {
                assert!(!octets.is_empty());
                match told.last_mut() {
                    Some(Told::Octets(before)) => before.extend(octets),
                    _ => told.push(Told::Octets(octets.to_vec())),
                }
                continue;
            }
            Err(error) => Told::Error(error),
        };
        let over = matches!(next, Told::Error(_));
        told.push(next);
        if over {
            return;
        }
    }
}

fn write(session: &mut Session) -> String {
    let octets = session.output().to_vec();
    session.wrote(octets.len());
    String::from_utf8(octets).unwrap()
}

fn tell(session: &mut Session, octets: &[u8]) -> Vec<Told> {
    let mut told = Vec::new();
    session.receive(octets);
    drain(session, &mut told);
    told
}

/// What the session tells when `command` is sent and `answer` comes back.
fn say(session: &mut Session, command: Command, answer: &[u8]) -> Vec<Told> {
    session.enqueue(&command).unwrap();
    write(session);
    tell(session, answer)
}

fn retr(number: u32) -> Command {
    Command::Retr { number, octets: 100 }
}

/// A session in the TRANSACTION state whose server says PIPELINING, or does not.
fn logged_in(pipelining: bool) -> Session {
    let mut session = Session::new();
    tell(&mut session, b"+OK\r\n");
    let capabilities = if pipelining { &b"+OK\r\nPIPELINING\r\n.\r\n"[..] } else { b"+OK\r\nTOP\r\n.\r\n" };
    say(&mut session, Command::Capa, capabilities);
    say(&mut session, Command::User("u".into()), b"+OK\r\n");
    say(&mut session, Command::Pass("p".into()), b"+OK\r\n");
    session
}

#[test]
fn a_session_from_greeting_to_quit() {
    let mut session = Session::new();
    assert_eq!(tell(&mut session, b"+OK hello <1@x>\r\n"), [Told::Greeting(true)]);
    assert_eq!(
        say(&mut session, Command::Capa, b"+OK\r\nUIDL\r\nSASL PLAIN\r\n..X\r\n.\r\n"),
        [
            Told::Status(Sent::Capa, true),
            Told::Line("UIDL".into()),
            Told::Line("SASL PLAIN".into()),
            Told::Line(".X".into()),
            Told::End(Sent::Capa)
        ]
    );
    assert!(session.capabilities().auth_plain() && session.capabilities().known);
    let login = Command::AuthPlain { user: "u".into(), password: "p".into() };
    assert_eq!(say(&mut session, login, b"+OK\r\n"), [Told::Status(Sent::Auth, true)]);
    assert_eq!(say(&mut session, Command::Stat, b"+OK 1 9\r\n"), [Told::Status(Sent::Stat, true)]);
    assert_eq!(
        say(&mut session, retr(1), b"+OK\r\n..a\r\nb\r\n.\r\n"),
        [Told::Status(Sent::Retr(1), true), Told::Octets(b".a\r\nb\r\n".to_vec()), Told::End(Sent::Retr(1))]
    );
    assert_eq!(say(&mut session, retr(2), b"-ERR none\r\n"), [Told::Status(Sent::Retr(2), false)]);
    assert_eq!(say(&mut session, Command::Quit, b"+OK bye\r\n"), [Told::Status(Sent::Quit, true)]);
    assert!(session.is_idle() && !session.is_mid_answer());
    assert_eq!(session.enqueue(&Command::Noop), Err(CommandError::WrongState("NOOP")));
}

#[test]
fn each_command_belongs_to_its_state() {
    let mut session = Session::new();
    assert_eq!(session.enqueue(&Command::Capa), Err(CommandError::WrongState("CAPA")));
    tell(&mut session, b"+OK\r\n");
    for command in [Command::Stat, retr(1), Command::Uidl, Command::Rset, Command::Noop] {
        assert_eq!(session.enqueue(&command), Err(CommandError::WrongState(command.sent().verb())));
    }
    let mut session = logged_in(false);
    for command in [Command::User("u".into()), Command::Pass("p".into()), Command::Stls] {
        assert_eq!(session.enqueue(&command), Err(CommandError::WrongState(command.sent().verb())));
    }
    assert_eq!(
        Session::after_stls().enqueue(&Command::User("a\r\nb".into())),
        Err(CommandError::Argument(ArgumentError::User))
    );
}

#[test]
fn what_was_not_asked_for_ends_the_session() {
    // Fault 29, quirks 4 and 52.
    let unsolicited = [Told::Error(ProtocolError::Unsolicited)];
    assert_eq!(tell(&mut Session::new(), b"+OK\r\n+OK injected\r\n"), unsolicited, "behind the greeting");

    let mut session = Session::new();
    tell(&mut session, b"+OK\r\n");
    assert_eq!(tell(&mut session, b"+OK\r\n"), unsolicited, "with no command");
    assert_eq!(tell(&mut session, b""), unsolicited, "and it stays so");

    let mut session = Session::new();
    tell(&mut session, b"+OK\r\n");
    session.enqueue(&Command::Capa).unwrap();
    assert_eq!(tell(&mut session, b"+OK\r\n"), unsolicited, "before the command was written");
    let mut session = Session::new();
    tell(&mut session, b"+OK\r\n");
    session.enqueue(&Command::Capa).unwrap();
    session.wrote(5);
    assert_eq!(tell(&mut session, b"-ERR\r\n"), unsolicited, "before all of it was written");

    let mut session = Session::new();
    tell(&mut session, b"+OK\r\n");
    assert_eq!(say(&mut session, Command::Stls, b"+OK\r\n+OK injected\r\n"), unsolicited, "behind STLS");
    assert_eq!(tell(&mut Session::after_stls(), b"+OK\r\n"), unsolicited, "a second greeting");

    for pipelining in [false, true] {
        let mut session = logged_in(pipelining);
        session.enqueue(&retr(1)).unwrap();
        session.enqueue(&retr(2)).unwrap();
        write(&mut session);
        let told = tell(&mut session, b"+OK\r\na\r\n.\r\nrest that was not stuffed\r\n.\r\n");
        assert_eq!(told.last(), Some(&Told::Error(ProtocolError::Unsolicited)));
        assert!(!told.contains(&Told::End(Sent::Retr(1))), "a message cut short is not complete");
    }
}

#[test]
fn lines_are_capped() {
    // Quirk 9, fault 27.
    let long = [b"+OK ".as_slice(), &[b'a'; 8186], b"\r\n"].concat();
    assert_eq!(long.len(), 8192);
    assert_eq!(tell(&mut Session::new(), &long), [Told::Greeting(true)]);
    let longer = [b"+OK ".as_slice(), &[b'a'; 8187], b"\r\n"].concat();
    assert_eq!(tell(&mut Session::new(), &longer), [Told::Error(ProtocolError::StatusTooLong)]);
    let endless = vec![b'a'; 8192];
    assert_eq!(tell(&mut Session::new(), &endless), [Told::Error(ProtocolError::StatusTooLong)]);
    let mut session = logged_in(false);
    let told = say(&mut session, Command::Uidl, &[b"+OK\r\n".as_slice(), &vec![b'1'; 9000]].concat());
    assert_eq!(told, [Told::Status(Sent::Uidl, true), Told::Error(ProtocolError::ListingTooLong)]);
}

#[test]
fn memory_does_not_grow_with_a_message() {
    let mut session = logged_in(false);
    say(&mut session, retr(1), b"+OK\r\n");
    let chunk = vec![b'x'; 16 * 1024];
    for _ in 0..1000 {
        assert_eq!(tell(&mut session, &chunk), [Told::Octets(chunk.clone())]);
    }
    assert!(session.input.capacity() <= 128 * 1024, "{}", session.input.capacity());
}

#[test]
fn greetings_as_servers_send_them() {
    // Quirk 7.
    let table: [(&[u8], Told); 9] = [
        (b"+OK\r\n", Told::Greeting(true)),
        (b"+OKhello\r\n", Told::Greeting(true)),
        (b"+ok\r\n", Told::Greeting(true)),
        (b"+OK\n", Told::Greeting(true)),
        (b"-ERR [SYS/TEMP] down\r\n", Told::Greeting(false)),
        (b"+\r\n", Told::Error(ProtocolError::UnexpectedChallenge)),
        (b"\r\n", Told::Error(ProtocolError::NotAStatus("".into()))),
        (b"* OK IMAP\r\n", Told::Error(ProtocolError::NotAStatus("* OK IMAP".into()))),
        (b"HTTP/1.1 302\x1b\r\n", Told::Error(ProtocolError::NotAStatus("HTTP/1.1 302\u{FFFD}".into()))),
    ];
    for (line, expected) in table {
        assert_eq!(tell(&mut Session::new(), line), [expected], "{}", line.escape_ascii());
    }
}

#[test]
fn lf_only_all_the_way_or_not_at_all() {
    // Quirk 54.
    let lf = || {
        let mut session = Session::new();
        tell(&mut session, b"+OK\n");
        say(&mut session, Command::User("u".into()), b"+OK\n");
        say(&mut session, Command::Pass("p".into()), b"+OK\n");
        session
    };
    let message = [Told::Status(Sent::Retr(1), true), Told::Octets(b"a\n.b\n".to_vec()), Told::End(Sent::Retr(1))];
    assert_eq!(say(&mut lf(), retr(1), b"+OK\na\n..b\n.\n"), message);
    let listing = [Told::Status(Sent::Uidl, true), Told::Line("1 a".into()), Told::End(Sent::Uidl)];
    assert_eq!(say(&mut lf(), Command::Uidl, b"+OK\n1 a\n.\n"), listing);
    for (mut session, answer) in [(lf(), &b"+OK\r\n"[..]), (lf(), b"+OK\na\r\n"), (logged_in(false), b"+OK\n")] {
        assert_eq!(say(&mut session, retr(1), answer).last(), Some(&Told::Error(ProtocolError::MixedLineEnds)));
    }
    let told = say(&mut logged_in(false), Command::Uidl, b"+OK\r\n1 a\n2 b\r\n.\r\n");
    assert_eq!(told.last(), Some(&Told::Error(ProtocolError::MixedLineEnds)));
}

#[test]
fn auth_in_one_step_and_in_two() {
    let start = || {
        let mut session = Session::new();
        tell(&mut session, b"+OK\r\n");
        session
    };
    let login = |length| Command::AuthPlain { user: "u".into(), password: "p".repeat(length).into() };
    // Quirk 24: a bare plus will do.
    for challenge in [&b"+ \r\n"[..], b"+\r\n"] {
        let mut session = start();
        session.enqueue(&login(300)).unwrap();
        assert_eq!(write(&mut session), "AUTH PLAIN\r\n");
        assert_eq!(tell(&mut session, challenge), []);
        let response = write(&mut session);
        assert!(response.len() > 400 && response.ends_with("\r\n"));
        assert_eq!(tell(&mut session, b"+OK\r\n"), [Told::Status(Sent::Auth, true)]);
    }
    let mut session = start();
    session.enqueue(&login(3)).unwrap();
    assert_eq!(write(&mut session), "AUTH PLAIN AHUAcHBw\r\n");
    assert_eq!(tell(&mut session, b"+\r\n"), [], "it overlooked the initial response");
    assert_eq!(write(&mut session), "AHUAcHBw\r\n");
    assert_eq!(tell(&mut session, b"+\r\n"), [Told::Error(ProtocolError::UnexpectedChallenge)]);

    let mut session = start();
    session.enqueue(&login(300)).unwrap();
    write(&mut session);
    assert_eq!(tell(&mut session, b"+\r\n+OK\r\n"), [Told::Error(ProtocolError::Unsolicited)]);
    let mut session = start();
    session.enqueue(&login(300)).unwrap();
    write(&mut session);
    assert_eq!(tell(&mut session, b"-ERR [AUTH]\r\n"), [Told::Status(Sent::Auth, false)]);
    assert_eq!(write(&mut session), "", "no password after a refusal");
    assert_eq!(session.enqueue(&Command::Stat), Err(CommandError::WrongState("STAT")));
}

#[test]
fn lock_step_without_pipelining() {
    for mut session in [logged_in(false), logged_in(true)] {
        session.set_pipelining(false);
        session.enqueue(&retr(1)).unwrap();
        session.enqueue(&retr(2)).unwrap();
        assert_eq!(write(&mut session), "RETR 1\r\n");
        assert!(!session.is_pipelining_untried());
        tell(&mut session, b"+OK\r\n.\r\n");
        assert_eq!(write(&mut session), "RETR 2\r\n");
    }
}

#[test]
fn the_window_is_bounded() {
    // Quirk 18.
    let mut session = logged_in(true);
    for number in 1..=1000 {
        session.enqueue(&retr(number)).unwrap();
    }
    assert_eq!(write(&mut session).lines().count(), WINDOW_COMMANDS);
    assert!(session.is_pipelining_untried());
    tell(&mut session, b"+OK\r\n.\r\n");
    assert!(session.is_pipelining_untried(), "the first was not sent beside another");
    tell(&mut session, b"+OK\r\n.\r\n-ERR\r\n");
    assert!(!session.is_pipelining_untried());
    // Half a window at a time, not one command behind each answer.
    tell(&mut session, &b"-ERR\r\n".repeat(WINDOW_COMMANDS / 2 - 4));
    assert_eq!(write(&mut session), "");
    tell(&mut session, b"-ERR\r\n");
    let more = write(&mut session);
    assert!(more.starts_with("RETR 513\r\nRETR 514\r\n") && more.ends_with("RETR 768\r\n"), "{more}");
    assert_eq!(session.withdraw().len(), 1000 - 768);

    let mut session = logged_in(true);
    let large = |number| Command::Retr { number, octets: WINDOW_OCTETS / 2 };
    (1..=3).for_each(|number| session.enqueue(&large(number)).unwrap());
    assert_eq!(write(&mut session), "RETR 1\r\nRETR 2\r\n");
    let mut session = logged_in(true);
    session.enqueue(&Command::Retr { number: 1, octets: u64::MAX }).unwrap();
    session.enqueue(&Command::Retr { number: 2, octets: u64::MAX }).unwrap();
    assert_eq!(write(&mut session), "RETR 1\r\n", "one is always sent");
}

#[test]
fn what_changes_the_state_waits_for_all_answers() {
    let mut session = logged_in(true);
    for command in [retr(1), retr(2), Command::Rset, Command::Noop, Command::Quit] {
        session.enqueue(&command).unwrap();
    }
    assert_eq!(write(&mut session), "RETR 1\r\nRETR 2\r\n");
    tell(&mut session, b"-ERR\r\n");
    assert_eq!(write(&mut session), "");
    tell(&mut session, b"-ERR\r\n");
    assert_eq!(write(&mut session), "RSET\r\n");
    tell(&mut session, b"+OK\r\n");
    assert_eq!(write(&mut session), "NOOP\r\n");
    tell(&mut session, b"+OK\r\n");
    assert_eq!(write(&mut session), "QUIT\r\n");
}

#[test]
fn capabilities_are_those_of_the_last_answer() {
    // Quirk 17.
    let mut session = Session::new();
    tell(&mut session, b"+OK\r\n");
    say(&mut session, Command::Capa, b"-ERR\r\n");
    assert_eq!(session.capabilities(), &Capabilities::default());
    say(&mut session, Command::Capa, b"+OK\r\nSTLS\r\n.\r\n");
    assert!(session.capabilities().stls);
    say(&mut session, Command::Capa, b"+OK\r\nUIDL\r\n.\r\n");
    assert!(!session.capabilities().stls && session.capabilities().uidl);
    say(&mut session, Command::Capa, b"-ERR\r\n");
    assert!(session.capabilities().uidl, "a refusal says nothing");
}

/// Answers to STAT, UIDL, RETR 1, RETR 2, RETR 3, QUIT, all sent at once.
fn whole_session(answers: &[Vec<u8>], cuts: &[usize]) -> Vec<Told> {
    let mut session = logged_in(true);
    let mut told = Vec::new();
    let commands = [Command::Stat, Command::Uidl, retr(1), retr(2), retr(3)];
    commands.iter().for_each(|command| session.enqueue(command).unwrap());
    // STAT and UIDL in lock-step, the RETRs together.
    for answer in [&answers[0..1], &answers[1..2], &answers[2..5]] {
        write(&mut session);
        let answer = answer.concat();
        let mut start = 0;
        for end in cuts.iter().map(|cut| *cut.min(&answer.len())).chain([answer.len()]) {
            if end > start {
                session.receive(&answer[start..end]);
                drain(&mut session, &mut told);
                start = end;
            }
        }
    }
    told
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let pieces = [&b"."[..], b"\r", b"\n", b"\r\n", b"\0", b"\xff", b"x"];
    let piece = proptest::sample::select(pieces.as_slice().to_vec());
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// Independent of the decoder: a dot before each dot at the start of the text or behind CRLF.
fn stuffed(body: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::new();
    for octet in body {
        if *octet == b'.' && (out.is_empty() || out.ends_with(b"\r\n")) {
            out.push(b'.');
        }
        out.push(*octet);
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn any_chunking_gives_the_same_events(
        bodies in proptest::collection::vec(body(), 3),
        mut cuts in proptest::collection::vec(0usize..200, 0..20),
    ) {
        let message = |body: &Vec<u8>| [b"+OK\r\n".as_slice(), &stuffed(body), b"\r\n.\r\n"].concat();
        let mut answers = vec![b"+OK 3 9\r\n".to_vec(), b"+OK\r\n1 a\r\n..\r\n2  b\r\n.\r\n".to_vec()];
        answers.extend(bodies.iter().map(message));
        let whole = whole_session(&answers, &[]);
        cuts.sort_unstable();
        prop_assert_eq!(&whole_session(&answers, &cuts), &whole);
        prop_assert_eq!(&whole_session(&answers, &(1..200).collect::<Vec<_>>()), &whole);
        let octets: Vec<Vec<u8>> =
            whole.iter().filter_map(|told| if let Told::Octets(octets) = told { Some(octets.clone()) } else { None }).collect();
        let expected: Vec<Vec<u8>> = bodies.iter().map(|body| [body.as_slice(), b"\r\n"].concat()).collect();
        prop_assert_eq!(octets, expected);
    }

    #[test]
    fn no_octets_make_it_panic_or_hoard(
        pieces in proptest::collection::vec(
            prop_oneof![
                Just(b"+OK\r\n".to_vec()), Just(b"-ERR x\r\n".to_vec()), Just(b".\r\n".to_vec()), Just(b"+\r\n".to_vec()),
                proptest::collection::vec(any::<u8>(), 0..30), body(),
            ], 0..12),
    ) {
        let mut session = Session::new();
        let mut told = Vec::new();
        for piece in &pieces {
            let _ = session.enqueue(&Command::Capa);
            let _ = session.enqueue(&Command::AuthPlain { user: "u".into(), password: "p".repeat(200).into() });
            let _ = session.enqueue(&retr(1));
            write(&mut session);
            session.receive(piece);
            drain(&mut session, &mut told);
            prop_assert!(session.unread() <= LONGEST_LINE || session.broken.is_some());
        }
    }
}

#[test]
fn utf8_only_before_the_login_and_where_it_is_offered() {
    // Quirk 93 (RFC 6856 section 2.1).
    let wrong = Err(CommandError::WrongState("UTF8"));
    let mut session = Session::new();
    tell(&mut session, b"+OK\r\n");
    assert_eq!(session.enqueue(&Command::Utf8), wrong, "nothing is known");
    say(&mut session, Command::Capa, b"+OK\r\nTOP\r\n.\r\n");
    assert_eq!(session.enqueue(&Command::Utf8), wrong, "it is not offered");
    say(&mut session, Command::Capa, b"+OK\r\nUTF8 USER\r\n.\r\n");
    assert_eq!(say(&mut session, Command::Utf8, b"+OK\r\n"), [Told::Status(Sent::Utf8, true)]);
    say(&mut session, Command::User("u".into()), b"+OK\r\n");
    say(&mut session, Command::Pass("p".into()), b"+OK\r\n");
    assert_eq!(session.enqueue(&Command::Utf8), wrong, "after the login");
}
