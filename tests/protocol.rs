//! FAULTS.md 24-31: what a server, or somebody between, may say. After each fault the model holds: every mail that the
//! server ever offered is stored here whole, or still there. Some are shown elsewhere:
//!
//! | fault | here | elsewhere |
//! |---|---|---|
//! | 23 a cut at each octet | | `cuts`, all of it |
//! | 24 answers to QUIT | late, cut in the middle | `safety` a_look_ahead_and_the_fetch_agree_after_each_early_end; `fetch` a_lost_answer_to_quit_loses_and_doubles_nothing |
//! | 25 lying listings | sizes beyond measure, odd unique-ids, other order, another message, short UIDL | `safety` sizes_that_lie_lose_and_double_nothing, a_listing_that_disagrees_with_itself_concludes_nothing; `fetch` renumbered_unique_ids_double_nothing, one_unique_id_for_all_is_fetched_whole_and_removes_nothing, a_maildrop_that_looks_empty_once_is_not_forgotten |
//! | 26 dots | every hard message, cut into pieces of each size | `lib` pop3::decode, pop3::session (any chunking); `safety` a_message_cut_at_a_lone_dot_is_never_taken_for_whole |
//! | 27 endless answers | status line, listing, message, a million unique-ids: memory | `lib` pop3::session lines_are_capped, memory_does_not_grow_with_a_message; transport silence_ends_it |
//! | 28 refusals | each code as a sentence; no UIDL, no TOP | `lib` transport a_greeting_that_refuses, a_login_that_is_refused, uidl_refused |
//! | 29 injected answers | fake servers, and an answer behind each answer | `lib` transport what_is_injected_is_refused, starttls_is_strict, servers_that_speak_no_tls |
//! | 30 any octets | | `fuzz` |
//! | 31 control characters in name and password | on the wire | `lib` pop3::command no_argument_brings_a_second_command |
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)]

mod support;

use std::time::Duration;

use postkeep::account::{Retention, Security};
use postkeep::demo::{Act, Capa, Cut, Fault, Lie, Moment, Options, Server, Verb, When};
use postkeep::fetch::{FetchError, Terms, run, run_on};
use postkeep::job::Cancel;
use postkeep::pop3::CommandError;
use postkeep::transport::{Patience, TransportError};
use support::fake::{Fake, HEAR, Then};
use support::proxy::Proxy;
use support::rig::{Rig, done};
use support::{assert_same_mail, expect, postkeep};

const BOTH: [Retention; 2] = [Retention::LeaveCopy, Retention::RemoveOnceStored];

fn mail(name: &str) -> Vec<u8> {
    format!("From: a@example.org\r\nSubject: {name}\r\n\r\nabout {name}\r\n").into_bytes()
}

fn three() -> Options {
    Options::default().messages(["one", "two", "three"].map(mail))
}

/// As many good visits as it takes to empty the server; then all is here once.
async fn settles(rig: &mut Rig, case: &str) {
    rig.mend();
    rig.retain(Retention::RemoveOnceStored);
    for _ in 0..3 {
        done(rig.fetch().await);
    }
    assert_eq!(rig.server.messages().len(), 0, "{case}");
    rig.all_stored_once();
}

/// Fault 24: The answer to QUIT comes late, or only half of it comes.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_quit_that_is_late_or_cut() {
    let options = three().pause(Verb::Quit, Moment::Before, Duration::from_millis(300));
    let rig = Rig::new(options, Retention::RemoveOnceStored);
    assert_eq!(done(rig.fetch().await).deleted, 3);
    rig.all_stored_once();
    for octets in [1, 3, 4, 12] {
        for cut in [Cut::Reset, Cut::Silent, Cut::Proper] {
            let fault = Fault::new(Verb::Quit, When::Always, Act::DropAfter(octets, cut));
            let mut rig = Rig::new(three().fault(fault), Retention::RemoveOnceStored);
            let (outcome, error) = rig.fetch().await;
            assert!(matches!(error, Some(FetchError::Removal(_))), "{octets}, {cut:?}: {error:?}");
            assert_eq!(outcome.deleted, 0, "what was not confirmed is not counted");
            settles(&mut rig, "quit cut").await;
        }
    }
}

/// Fault 25: Sizes beyond all measure: what seems too large is left and said to be; nothing is lost, nothing doubles.
#[tokio::test(flavor = "multi_thread")]
async fn sizes_beyond_measure() {
    for (word, too_large) in [
        ("9223372036854775807", true),
        ("9223372036854775808", true),
        ("18446744073709551615", true),
        ("18446744073709551616", false),
        ("-9223372036854775808", false),
        ("1e3", false),
        ("", false),
    ] {
        let mut rig = Rig::new(three().lie(Lie::Sizes(vec![word.to_owned()])), Retention::RemoveOnceStored);
        let ahead = rig.ahead().await;
        assert_eq!(ahead.too_large, if too_large { 3 } else { 0 }, "{word:?}");
        let (outcome, _) = rig.fetch().await;
        assert_eq!(outcome.retrieved, if too_large { 0 } else { 3 }, "{word:?}: {outcome:?}");
        settles(&mut rig, word).await;
    }
}

/// Fault 25: Unique-ids as no server should give them.
#[tokio::test(flavor = "multi_thread")]
async fn odd_unique_ids() {
    let long = |last: char| format!("{}{last}", "u".repeat(1500));
    let listings = [
        ["with a space", "with  two", " leading"].map(str::to_owned),
        [long('a'), long('b'), long('c')],
        ["\u{e9}\u{4e2d}", "\u{1f4e7}", "\u{202e}gnp"].map(str::to_owned),
        ["'); DROP TABLE copies; --", "\"", "%s%n"].map(str::to_owned),
        ["a", "A", "a."].map(str::to_owned),
    ];
    for uidls in listings {
        let lines: String = uidls.iter().enumerate().map(|(at, uidl)| format!("{} {uidl}\r\n", at + 1)).collect();
        let answer = format!("+OK\r\n{lines}.\r\n").into_bytes();
        let fault = Fault::new(Verb::Uidl, When::Always, Act::Answer(answer));
        let mut rig = Rig::new(three().fault(fault.clone()), Retention::LeaveCopy);
        assert_eq!(rig.as_planned().await, (3, 0), "{uidls:?}");
        assert_eq!(rig.as_planned().await, (0, 0), "known again: {uidls:?}");
        rig.retain(Retention::RemoveOnceStored);
        assert_eq!(rig.as_planned().await, (0, 3), "{uidls:?}");
        rig.all_stored_once();
    }
    // Octets that are no UTF-8, and NUL.
    let fault = Fault::new(
        Verb::Uidl,
        When::Always,
        Act::Answer(b"+OK\r\n1 \xff\xfe\r\n2 \xff\r\n3 \x00\x80\r\n.\r\n".to_vec()),
    );
    let mut rig = Rig::new(three().fault(fault), Retention::LeaveCopy);
    assert_eq!(rig.as_planned().await, (3, 0));
    rig.retain(Retention::RemoveOnceStored);
    assert_eq!(rig.as_planned().await, (0, 3));
    rig.all_stored_once();
}

/// Fault 25: The messages are numbered the other way round in every second session, and UIDL leaves some out.
#[tokio::test(flavor = "multi_thread")]
async fn another_order_in_each_session_and_a_listing_too_short() {
    for retention in BOTH {
        let options = Options::default().generated(9, 77).lie(Lie::ReversedOrder).lie(Lie::ShortUidl(2));
        let mut rig = Rig::new(options, retention);
        for _ in 0..4 {
            done(rig.fetch().await);
        }
        // Seven were shown each time; in one order the first two were not, in the other the last two.
        let expected = if retention == Retention::LeaveCopy { 9 } else { 7 };
        assert_eq!(rig.stored().len(), expected);
        settles(&mut rig, "order").await;
    }
}

/// Fault 25: RETR gave another message than the one that was listed, once: TOP tells before anything is removed.
#[tokio::test(flavor = "multi_thread")]
async fn another_message_than_was_listed() {
    let other = b"+OK\r\nSubject: not the one\r\n\r\nwhich was listed, and longer than it\r\n.\r\n".to_vec();
    let fault = Fault::new(Verb::Retr, When::Nth(2), Act::Answer(other));
    let mut rig = Rig::new(three().fault(fault), Retention::LeaveCopy);
    done(rig.fetch().await);
    rig.retain(Retention::RemoveOnceStored);
    assert_eq!(rig.as_planned().await, (0, 2), "two are what is stored here");
    assert_eq!(rig.as_planned().await, (1, 1), "the third is fetched first");
    assert_eq!(rig.stored().len(), 4, "what was sent in its place is kept");
}

/// Messages that are hard to carry.
fn hard() -> Vec<Vec<u8>> {
    let line = |octets: &[u8], times: usize| octets.repeat(times);
    [
        &b".\r\n"[..],
        b"..\r\n",
        b".",
        b"...\r\n..\r\n.\r\n",
        b"\r\n.\r\n",
        b".\r",
        b".\r\r\n",
        b"Subject: a\r\n\r\n.\rx\r\n",
        b"Subject: b\r\n\r\nbare\n.\nlf\n",
        b"Subject: c\r\n\r\nno end of line",
        b"Subject: d\r\n\r\nnul \0 and 8 bit \xff\x80\xfe\r\n",
        b"Subject: e\r\n\r\n+OK\r\n-ERR\r\n.\r\n+OK 3 messages\r\n",
        b"Subject: f\r\n\r\n--x\r\n\r\n.\r\n.\r\n--x--\r\n.\r\n",
        b"Subject: g\r\n\r\n\r\r\n\n\r\n\r",
        b"\r\n",
        b"",
    ]
    .into_iter()
    .map(<[u8]>::to_vec)
    .chain([line(b".", 5000), line(b"\r\n.", 3000), line(b"x", 40_000), line(b".\n", 3000), line(b"\r", 3000)])
    .collect()
}

/// Fault 26: The same octets whatever the pieces they come in: an end of line, a dot, the end of a message cut anywhere.
#[tokio::test(flavor = "multi_thread")]
async fn hard_messages_in_pieces_of_any_size() {
    for security in [Security::None, Security::Tls] {
        for piece in [1, 2, 3, 5, 64, 4096] {
            let mut rig = Rig::over(Options::default().messages(hard()), security, Retention::RemoveOnceStored);
            let proxy = Proxy::start(rig.server.address()).await;
            proxy.set_piece(piece);
            rig.account.server.port = proxy.address.port();
            rig.archive.change_account(&rig.account).expect("changed");
            let offered = rig.server.messages();
            let outcome = done(rig.fetch().await);
            assert_eq!(outcome.deleted as usize, offered.len(), "{security:?}, {piece}: {outcome:?}");
            let stored = rig.archive.every_stored().expect("readable");
            let bytes = stored.iter().map(|one| rig.archive.original(one.id).expect("readable").expect("stored"));
            assert_same_mail(bytes.collect(), offered);
        }
    }
}

/// Fault 28: Whatever the server says instead of letting us in: one plain sentence, the mail is said to be safe, and a server
/// that refuses at its greeting is not told the password.
#[test]
fn refusals_are_told_in_plain_words() {
    let refusals = [
        (Verb::Greeting, "[IN-USE] maildrop is busy"),
        (Verb::Greeting, "[SYS/TEMP] come back later"),
        (Verb::Greeting, "[SYS/PERM] gone for good"),
        (Verb::Greeting, "[LOGIN-DELAY] too soon"),
        (Verb::Greeting, ""),
        (Verb::Auth, "[AUTH] wrong"),
        (Verb::Auth, "[IN-USE] another session"),
        (Verb::Auth, "[LOGIN-DELAY] 900 seconds"),
        (Verb::Auth, "[SYS/TEMP] the store is away"),
        (Verb::Auth, "[SYS/PERM] no such maildrop"),
        (Verb::Auth, "no"),
        (Verb::Stat, "no"),
        (Verb::Uidl, "[SYS/TEMP] no"),
        (Verb::Uidl, "no"),
        (Verb::List, "no"),
    ];
    let mut sentences = Vec::new();
    for (verb, text) in refusals {
        let server = Server::start(0, three().fault(Fault::refuse(verb, When::Always, text))).expect("a server");
        let folder = support::rig::folder();
        let (port, ca) = (server.address().port(), server.ca_file());
        support::add_account(folder.path(), server.user(), port, &ca, false, server.password());
        let output = expect(postkeep(folder.path()).arg("fetch"), 1);
        let told = String::from_utf8(output.stderr).expect("UTF-8");
        for word in ["Nothing was lost", "the server"] {
            assert!(told.contains(word), "{verb:?} {text}: {told}");
        }
        for technical in ["Error", "TransportError", "::", "{", "[SYS", "[AUTH", "Some("] {
            assert!(!told.contains(technical), "{verb:?} {text}: {technical} in {told}");
        }
        assert!(!told.contains(server.password()), "{told}");
        if verb == Verb::Greeting {
            assert_eq!(server.credentials_seen(), 0, "{text}");
        }
        assert_eq!(server.messages().len(), 3);
        sentences.push(told);
    }
    sentences.sort();
    sentences.dedup();
    assert!(sentences.len() >= 10, "each cause has words of its own: {sentences:#?}");
}

/// Fault 28: CAPA is unknown, or leaves out what is needed: what works without is done.
#[tokio::test(flavor = "multi_thread")]
async fn capabilities_that_are_missing() {
    let lines = |lines: &[&str]| Capa::Lines(lines.iter().map(|line| (*line).to_owned()).collect());
    for capa in [Capa::Unknown, lines(&[]), lines(&["USER"]), lines(&["TOP"]), lines(&["UIDL"]), lines(&["X-NOTHING"])]
    {
        let mut rig = Rig::new(three().capa(capa.clone()).pipelining(false), Retention::LeaveCopy);
        assert_eq!(rig.as_planned().await, (3, 0), "{capa:?}");
        rig.retain(Retention::RemoveOnceStored);
        assert_eq!(rig.as_planned().await, (0, 3), "{capa:?}");
        rig.all_stored_once();
    }
    // Without unique-ids the header sections tell messages apart; without those nothing can be told apart, so nothing is
    // fetched where a copy is to be left. Where none is, each message is fetched and removed in one session (quirk 44).
    let unknown = |verb| Fault::refuse(verb, When::Always, "unknown command");
    for capa in [Capa::Unknown, lines(&["USER"])] {
        let mut rig = Rig::new(three().capa(capa.clone()).fault(unknown(Verb::Uidl)), Retention::LeaveCopy);
        assert_eq!(rig.as_planned().await, (3, 0), "{capa:?}");
        assert_eq!(rig.as_planned().await, (0, 0), "{capa:?}");
        rig.retain(Retention::RemoveOnceStored);
        assert_eq!(rig.as_planned().await, (3, 3), "{capa:?}");
        rig.all_stored_once();
        let options = three().capa(capa.clone()).fault(unknown(Verb::Uidl)).fault(unknown(Verb::Top));
        let mut rig = Rig::new(options, Retention::LeaveCopy);
        let (outcome, error) = rig.fetch().await;
        assert!(matches!(error, Some(FetchError::NoUniqueIds)), "{capa:?}: {error:?}");
        assert_eq!((outcome.retrieved, outcome.deleted, rig.server.messages().len()), (0, 0, 3));
        rig.retain(Retention::RemoveOnceStored);
        assert_eq!(rig.as_planned().await, (3, 3), "{capa:?}");
        rig.all_stored_once();
    }
}

/// Fault 29: An answer behind each answer: the session ends, nothing is removed in it, and the model holds.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_behind_each_answer() {
    let forged = b"+OK\r\nFrom: bank@example.org\r\nSubject: forged\r\n\r\npay\r\n.\r\n";
    let behind: [&[u8]; 5] = [b"+OK\r\n", b"-ERR\r\n", forged, b"x", b"\r\n"];
    let verbs =
        [Verb::Greeting, Verb::Capa, Verb::Auth, Verb::Stat, Verb::Uidl, Verb::List, Verb::Retr, Verb::Dele, Verb::Top];
    for verb in verbs {
        for (number, octets) in behind.into_iter().enumerate() {
            let case = format!("{verb:?}, {number}");
            let mut rig = Rig::new(three(), Retention::LeaveCopy);
            if verb == Verb::Top || verb == Verb::Dele {
                done(rig.fetch().await);
            }
            rig.retain(Retention::RemoveOnceStored);
            let when = if verb == Verb::Greeting { When::Always } else { When::Nth(1) };
            rig.server.play(Fault::new(verb, when, Act::Append(octets.to_vec())));
            let (outcome, error) = rig.fetch().await;
            let ended = matches!(
                error,
                Some(
                    FetchError::Transport(TransportError::Protocol(_))
                        | FetchError::Removal(TransportError::Protocol(_))
                )
            );
            // TOP only compares: where the answers are shifted, what differs is kept.
            let kept = if verb == Verb::Top && error.is_none() { 1 } else { 3 };
            assert!(ended || kept == 1, "{case}: {error:?}");
            assert!(rig.server.messages().len() >= kept, "{case}: {outcome:?}");
            if verb == Verb::Greeting {
                assert_eq!(rig.server.credentials_seen(), 0, "{case}");
            }
            rig.mend();
            for _ in 0..3 {
                done(rig.fetch().await);
            }
            assert_eq!(rig.server.messages().len(), 0, "{case}");
        }
    }
}

/// What a server that is none, or one in the middle, says in clear to an account with TLS or STARTTLS.
fn fakes() -> Vec<(Security, &'static str, Vec<Vec<u8>>)> {
    let script = |steps: &[&str]| steps.iter().map(|step| step.as_bytes().to_vec()).collect::<Vec<_>>();
    let mut fakes = Vec::new();
    let mut add = |security, name, steps: Vec<Vec<u8>>| fakes.push((security, name, steps));
    let starts = Security::StartTls;
    // The greeting.
    for (name, greeting) in [
        ("greeting: none", ""),
        ("greeting: -ERR", "-ERR go away\r\n"),
        ("greeting: IMAP", "* OK [PREAUTH] ready\r\n"),
        ("greeting: SMTP", "220 mail.example.org ESMTP\r\n"),
        ("greeting: HTTP", "HTTP/1.1 302 Found\r\nLocation: http://portal.example/\r\n\r\n"),
        ("greeting: a second +OK", "+OK\r\n+OK logged in\r\n"),
        ("greeting: STAT already", "+OK\r\n+OK 1 120\r\n"),
        ("greeting: UIDL already", "+OK\r\n+OK\r\n1 a\r\n.\r\n"),
        ("greeting: with mail", "+OK\r\nFrom: a@example.org\r\nSubject: forged\r\n\r\nhi\r\n.\r\n"),
        ("greeting: mail at once", "From: a@example.org\r\nSubject: forged\r\n\r\nhi\r\n.\r\n"),
        ("greeting: a challenge", "+ \r\n"),
        ("greeting: without end", "+OK hello"),
        ("greeting: an empty line more", "+OK\r\n\r\n"),
        ("greeting: NUL", "\0\0\0\0\r\n"),
        ("greeting: a TLS alert", "\x15\x03\x03\0\x02\x02\x28"),
    ] {
        add(starts, name, script(&[greeting]));
    }
    // CAPA.
    for (name, capa) in [
        ("CAPA: no STLS", "+OK\r\nUSER\r\nSASL PLAIN\r\nUIDL\r\n.\r\n"),
        ("CAPA: empty", "+OK\r\n.\r\n"),
        ("CAPA: -ERR", "-ERR unknown\r\n"),
        ("CAPA: -ERR, then in", "-ERR unknown\r\n+OK logged in\r\n"),
        ("CAPA: STLS as text", "+OK STLS\r\nUSER\r\n.\r\n"),
        ("CAPA: XSTLS", "+OK\r\nXSTLS\r\nSTLSX\r\nUSER\r\n.\r\n"),
        ("CAPA: STLS in a parameter", "+OK\r\nSASL PLAIN STLS\r\n.\r\n"),
        ("CAPA: something behind", "+OK\r\nSTLS\r\n.\r\n+OK\r\n"),
        ("CAPA: mail behind", "+OK\r\nSTLS\r\n.\r\n+OK\r\nSubject: forged\r\n\r\n.\r\n"),
        ("CAPA: without end", "+OK\r\nSTLS\r\n"),
        ("CAPA: cut", "+OK\r\nST"),
        ("CAPA: hung up on", ""),
        ("CAPA: no status", "STLS\r\n.\r\n"),
        ("CAPA: mixed line ends", "+OK\r\nSTLS\n.\r\n"),
        ("CAPA: a challenge", "+ \r\n"),
    ] {
        add(starts, name, script(&["+OK\r\n", HEAR, capa]));
    }
    // STLS.
    let offer = "+OK\r\nSTLS\r\nUSER\r\nSASL PLAIN\r\n.\r\n";
    for (name, answer) in [
        ("STLS: -ERR", "-ERR not now\r\n"),
        ("STLS: -ERR [AUTH]", "-ERR [AUTH] log in first\r\n"),
        ("STLS: in", "+OK\r\n+OK logged in\r\n"),
        ("STLS: -ERR behind", "+OK\r\n-ERR\r\n"),
        ("STLS: CAPA behind", "+OK\r\n+OK\r\nUSER\r\n.\r\n"),
        ("STLS: mail behind", "+OK\r\n+OK\r\nSubject: forged\r\n\r\n.\r\n"),
        ("STLS: an octet behind", "+OK\r\nx"),
        ("STLS: a challenge", "+ \r\n"),
        ("STLS: no status", "OK\r\n"),
        ("STLS: cut", "+OK"),
        ("STLS: hung up on", ""),
        ("STLS: LF only", "+OK\n"),
    ] {
        add(starts, name, script(&["+OK\r\n", HEAR, offer, HEAR, answer]));
    }
    // Behind STLS, where a handshake should be; and where an account has TLS from the first octet.
    let hello = "\x16\x03\x01";
    for (name, octets) in [
        ("instead of TLS: +OK", "+OK\r\n"),
        ("instead of TLS: everything", "+OK\r\n+OK\r\nUSER\r\n.\r\n+OK\r\n+OK\r\n+OK 1 120\r\n"),
        ("instead of TLS: HTTP", "HTTP/1.1 400 Bad Request\r\n\r\n"),
        ("instead of TLS: IMAP", "* PREAUTH\r\n"),
        ("instead of TLS: an alert", "\x15\x03\x03\0\x02\x02\x28"),
        ("instead of TLS: half a record", "\x16\x03\x03\0\x64\x02"),
        ("instead of TLS: NUL", "\0\0\0\0\0\0\0\0"),
        ("instead of TLS: nothing", ""),
    ] {
        add(starts, name, script(&["+OK\r\n", HEAR, offer, HEAR, "+OK\r\n", HEAR, octets]));
        add(Security::Tls, name, script(&[HEAR, octets]));
        assert!(!octets.starts_with(hello), "no handshake of ours");
    }
    fakes
}

/// Fault 29: More than 40 servers in clear: no octet of name or password, no mail, an end.
#[tokio::test(flavor = "multi_thread")]
async fn fake_servers_get_no_password_and_give_no_mail() {
    let fakes = fakes();
    assert!(fakes.len() >= 40);
    let rig = Rig::new(three(), Retention::RemoveOnceStored);
    let patience = Patience { connect: Duration::from_millis(300), idle: Duration::from_millis(300) };
    let terms = Terms { patience, ..Terms::default() };
    let cases = fakes.iter().flat_map(|fake| [(fake, Then::HangsUp), (fake, Then::Obliges)]);
    for ((security, name, script), then) in cases {
        let fake = Fake::start(script.clone(), then);
        let mut account = rig.account.clone();
        account.server.port = fake.address.port();
        account.server.security = *security;
        rig.archive.change_account(&account).expect("changed");
        let (archive, password) = (&rig.archive, rig.password());
        let (outcome, error) = run_on(archive, &account, &password, &terms, &Cancel::new(), &mut |_| {}).await;
        assert!(matches!(error, Some(FetchError::Transport(_))), "{security:?}, {name}: {error:?}");
        assert_eq!((outcome.retrieved, rig.stored().len()), (0, 0), "{security:?}, {name}");
        let heard = fake.heard();
        let (user, password) = (rig.server.user(), rig.server.password());
        for secret in [user, password, "USER", "PASS", "AUTH", "APOP", "RETR", "DELE", "AGFubm", "YW5uY"] {
            let seen = heard.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!seen, "{security:?}, {name}: {secret} in {}", heard.escape_ascii());
        }
    }
    println!("{} fake servers: the password was sent 0 times", fakes.len());
}

/// Fault 31: No control character in a name or a password reaches the server, nor any octet of either.
#[tokio::test(flavor = "multi_thread")]
async fn control_characters_in_name_and_password_stay_here() {
    for evil in ["x\r\nDELE 1", "x\nQUIT", "x\r", "\x1b[2Jx", "\0x", "x\x7f", "x\ty"] {
        for sasl in [true, false] {
            let capa = if sasl { Capa::Full } else { Capa::Unknown };
            let rig = Rig::new(three().capa(capa), Retention::RemoveOnceStored);
            let password = run(&rig.archive, &rig.account, &evil.into(), &Cancel::new(), &mut |_| {}).await;
            let mut account = rig.account.clone();
            account.server.user = evil.to_owned();
            let user = run(&rig.archive, &account, &rig.password(), &Cancel::new(), &mut |_| {}).await;
            for (_, error) in [password, user] {
                let refused =
                    matches!(error, Some(FetchError::Transport(TransportError::Command(CommandError::Argument(_)))));
                assert!(refused, "{evil:?}: {error:?}");
            }
            let commands: Vec<_> = rig.server.sessions().into_iter().flat_map(|session| session.commands).collect();
            assert!(commands.iter().all(|command| command == "CAPA"), "{evil:?}: {commands:?}");
            assert_eq!(rig.server.messages().len(), 3);
        }
    }
}
