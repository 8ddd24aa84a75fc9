//! Sections A and B: the connection, TLS, and what the server says it can do.

use std::time::Duration;

use postkeep::account::{Retention, Security};
use postkeep::archive::{Habit, LogEntry};
use postkeep::pop3::ProtocolError;
use postkeep::problem::Problem;
use postkeep::transport::{Connection, Options, Patience, TransportError};

use crate::bench::{Bench, mail};
use crate::support::scripted::{Act, Door, Scripted, Table};

const KEEP: Retention = Retention::LeaveCopy;

/// A fetch from a server like this fails before a word of the login is said; why.
async fn refused(set: impl FnOnce(&mut Table)) -> (TransportError, Bench) {
    let bench = Bench::new(2, KEEP, set);
    let error = bench.breaks().await;
    for verb in ["USER", "PASS", "AUTH"] {
        assert_eq!(bench.server.count(verb), 0, "{error:?}");
    }
    assert_eq!(bench.stored(), []);
    assert!(!bench.state().login_refused, "the account is not broken");
    (error, bench)
}

#[tokio::test]
async fn quirk_2_stls_that_was_taken_out_of_the_offer_ends_the_visit() {
    let bench = Bench::new(1, KEEP, |_| {});
    let mut account = bench.account.clone();
    account.server.security = Security::StartTls;
    bench.archive.change_account(&account).expect("changed");
    let error = Bench { account, ..bench }.breaks().await;
    assert!(matches!(error, TransportError::StlsNotOffered), "{error:?}");
}

#[tokio::test]
async fn quirk_3_stls_that_is_refused_ends_the_visit() {
    let (error, bench) = refused(|table| {
        table.door = Door::Stls;
        table.say("STLS", "-ERR not now\r\n");
    })
    .await;
    assert!(matches!(error, TransportError::StlsRefused(_)), "{error:?}");
    assert_eq!(bench.server.last(), ["CAPA", "STLS"]);
}

#[tokio::test]
async fn quirk_4_octets_behind_the_answer_to_stls_are_an_attack() {
    let (error, bench) = refused(|table| {
        table.door = Door::Stls;
        table.say("STLS", "+OK begin\r\n+OK injected\r\n");
    })
    .await;
    assert!(matches!(error, TransportError::StlsInjected), "{error:?}");
    assert_eq!(bench.server.last(), ["CAPA", "STLS"]);
}

#[tokio::test]
async fn quirk_5_what_was_said_before_stls_is_forgotten() {
    let bench = Bench::new(2, KEEP, |table| {
        table.door = Door::Stls;
        table.rule_times("CAPA", 1, Act::Say(b"+OK\r\nSTLS\r\nSASL PLAIN\r\nUTF8\r\n.\r\n".to_vec()));
    });
    assert_eq!(bench.done().await.retrieved, 2);
    let heard = bench.server.last();
    assert_eq!(heard[..4], ["CAPA", "STLS", "CAPA", "USER ada@mail.test"], "{heard:?}");
}

#[tokio::test]
async fn quirk_6_without_encryption_only_where_the_account_says_so() {
    let mut bench = Bench::new(1, KEEP, |_| {});
    bench.change(|account| account.server.security = Security::Tls);
    // What the server makes of our TLS is its affair: it hears no login.
    _ = bench.breaks().await;
    assert_eq!(bench.server.count("USER") + bench.server.count("PASS"), 0);
    bench.change(|account| account.server.security = Security::None);
    assert_eq!(bench.done().await.retrieved, 1);
}

#[tokio::test]
async fn quirk_7_greetings_of_all_sorts() {
    for greeting in ["+OK\r\n", "+ok lower case\r\n", "+OKglued\r\n", "+OK [XYZ] coded\r\n"] {
        let bench = Bench::new(1, KEEP, |table| table.greeting = greeting.into());
        assert_eq!(bench.done().await.retrieved, 1, "{greeting}");
    }
    let lf_only = Bench::new(1, KEEP, |table| table.lf_only = true);
    assert_eq!(lf_only.done().await.retrieved, 1);

    let (error, _) = refused(|table| table.greeting = b"-ERR [SYS/TEMP] down\r\n".to_vec()).await;
    assert!(matches!(error, TransportError::GreetingRefused(_)), "{error:?}");
}

#[tokio::test]
async fn quirk_8_an_offer_of_apop_is_not_taken() {
    let bench = Bench::new(1, KEEP, |table| table.greeting = b"+OK <1896.697170952@mail.test>\r\n".to_vec());
    assert_eq!(bench.done().await.retrieved, 1);
    assert_eq!((bench.server.count("APOP"), bench.server.count("PASS")), (0, 1));
    bench.server.set(|table| table.say("PASS", "-ERR use APOP\r\n"));
    bench.breaks().await;
    assert_eq!(bench.server.count("APOP"), 0);
}

#[tokio::test]
async fn quirk_9_a_status_line_has_an_end_and_a_line_of_mail_may_be_long() {
    let (error, _) = refused(|table| table.greeting = [b"+OK ".as_slice(), &[b'x'; 20_000]].concat()).await;
    assert!(matches!(error, TransportError::Protocol(ProtocolError::StatusTooLong)), "{error:?}");

    let long = [b"Subject: long\r\n\r\n".as_slice(), &vec![b'y'; 10_000_000], b"\r\n"].concat();
    let bench = Bench::of(std::slice::from_ref(&long), KEEP, |_| {});
    assert_eq!(bench.done().await.retrieved, 1);
    assert!(bench.bytes("u1") == long, "stored as it was sent");
}

#[tokio::test]
async fn quirk_10_no_word_brings_a_second_command_and_a_password_may_have_blanks() {
    for password in ["a\r\nDELE 1", "a\nb", "a\0b", "a\rb"] {
        let bench = Bench { password: password.to_owned(), ..Bench::new(1, KEEP, |_| {}) };
        assert!(matches!(bench.breaks().await, TransportError::Command(_)));
        assert_eq!(bench.server.last(), ["CAPA"]);
    }
    let blanks = " two  words ";
    let bench = Bench::new(1, KEEP, |table| table.password = blanks.to_owned());
    let bench = Bench { password: blanks.to_owned(), ..bench };
    assert_eq!(bench.done().await.retrieved, 1);
    assert_eq!(bench.server.last()[2], "PASS  two  words ");
}

#[tokio::test]
async fn quirk_11_a_sign_in_page_is_named_and_marks_nothing() {
    const PAGE: &[u8] = b"HTTP/1.1 302 Found\r\nLocation: http://wifi.test/\r\n\r\n";
    let mut sentences = Vec::new();
    for set in [
        (|table: &mut Table| table.door = Door::Raw(PAGE)) as fn(&mut Table),
        |table| table.door = Door::Tls("wifi.test"),
        |table| table.greeting = PAGE.to_vec(),
    ] {
        let (error, bench) = refused(set).await;
        assert!(!error.is_wrong_password(), "no password is asked for: {error:?}");
        sentences.push(Problem::from(&error).summary);
        // Signed in, all is well.
        bench.server.set(|table| {
            table.greeting = b"+OK\r\n".to_vec();
            table.door = if matches!(table.door, Door::Plain) { Door::Plain } else { Door::Tls("localhost") };
        });
        assert_eq!(bench.done().await.retrieved, 2);
    }
    assert!(sentences.iter().all(|summary| summary.contains("sign-in page of a Wi-Fi")), "{sentences:#?}");
}

#[tokio::test]
async fn quirk_12_a_mail_shield_that_signs_anew_is_named_and_not_trusted() {
    let server = Scripted::serve(&[&mail("one")], |table| table.door = Door::Tls("localhost"));
    let account = server.account_with(KEEP, |account| account.server.ca_file = None);
    let bench = Bench::with(server, account);
    let error = bench.breaks().await;
    assert!(matches!(error, TransportError::CertificateUnknownAuthority), "{error:?}");
    assert!(Problem::from(&error).advice.contains("antivirus"), "{}", Problem::from(&error));
    assert_eq!((bench.server.count(""), bench.stored().len()), (0, 0));
    bench.breaks().await;
}

#[tokio::test]
async fn quirk_13_a_network_that_is_gone_asks_for_no_password() {
    let mut bench = Bench::new(1, KEEP, |_| {});
    let (host, port) = (bench.account.server.host.clone(), bench.account.server.port);
    let closed = std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port");
    for (other_host, other_port) in [("no such name", port), (host.as_str(), closed.port())] {
        bench.change(|account| (account.server.host, account.server.port) = (other_host.to_owned(), other_port));
        let error = bench.breaks().await;
        assert!(!error.is_wrong_password(), "{error:?}");
        assert!(!bench.state().login_refused);
    }
    bench.change(|account| (account.server.host, account.server.port) = (host, port));
    assert_eq!(bench.done().await.retrieved, 1);
}

#[tokio::test]
async fn quirk_14_a_listing_that_is_cut_is_no_short_mailbox() {
    let bench = Bench::new(4, KEEP, |table| table.door = Door::Tls("localhost"));
    assert_eq!(bench.done().await.retrieved, 4);
    for (verb, answer) in
        [("UIDL", "+OK\r\n1 u1\r\n2 u2\r\n"), ("LIST", "+OK\r\n1 70\r\n"), ("UIDL", "+OK\r\n1 u1\r\n.")]
    {
        bench.server.set(|table| table.rule_times(verb, 1, Act::SayAndCut(answer.into())));
        let error = bench.breaks().await;
        assert!(matches!(error, TransportError::Truncated), "{error:?}");
        assert_eq!(bench.in_state(postkeep::archive::CopyState::Stored), 4);
    }
    assert_eq!(bench.as_planned().await, (0, 0));
}

#[tokio::test]
async fn quirk_15_a_server_that_cannot_bear_capa_is_not_asked_again() {
    // A refusal is an answer like any other.
    let refuses = Bench::new(2, KEEP, |table| (table.capa, table.capa_inside) = (None, None));
    assert_eq!(refuses.done().await.retrieved, 2);
    assert!(!refuses.state().habits.has(Habit::NoCapa));

    let bench = Bench::new(2, KEEP, |table| table.rule("CAPA", Act::SayAndCut(Vec::new())));
    assert_eq!(bench.done().await.retrieved, 2);
    assert_eq!((bench.server.sessions(), bench.server.count("CAPA")), (2, 1));
    assert!(bench.state().habits.has(Habit::NoCapa));
    assert!(bench.log().contains(&LogEntry::Learnt { habit: Habit::NoCapa }), "{:?}", bench.log());
    bench.server.set(|table| _ = table.add("u3", mail("three")));
    assert_eq!(bench.as_planned().await, (1, 0));
    assert_eq!((bench.server.sessions(), bench.server.count("CAPA")), (4, 1), "remembered");

    // It may have been the line: now and then it is tried again.
    bench.server.set(Table::forget_rules);
    bench.sql("UPDATE sqlite_sequence SET seq = 63 WHERE name = 'session'");
    bench.done().await;
    assert!(!bench.state().habits.has(Habit::NoCapa));
}

/// The hang, at the one layer that waits for it.
#[tokio::test]
async fn quirk_15_a_server_that_hangs_at_capa_is_asked_without() {
    let bench = Bench::new(1, KEEP, |table| table.rule("CAPA", Act::Hang));
    let patience = Patience { idle: Duration::from_millis(300), ..Patience::default() };
    let options = Options { patience, ..Options::default() };
    let connection = Connection::open_with(&bench.account.server, options).await.expect("a connection");
    assert!(!connection.asked_capabilities());
}

#[tokio::test]
async fn quirk_16_what_capa_leaves_out_is_tried() {
    let mut bench = Bench::new(6, KEEP, |table| {
        (table.capa, table.capa_inside) = (Some(vec!["USER"]), Some(vec!["USER"]));
    });
    assert_eq!(bench.as_planned().await, (6, 0));
    bench.server.set(|table| table.mails.iter_mut().for_each(|mail| mail.uidl.push(b'x')));
    assert_eq!(bench.as_planned().await, (0, 0), "TOP tells them");
    assert!(bench.server.last().iter().any(|line| line.starts_with("TOP")), "{:?}", bench.server.last());
    bench.retain(Retention::RemoveOnceStored);
    assert_eq!(bench.as_planned().await, (6, 6));
}

#[tokio::test]
async fn quirk_17_capabilities_are_those_after_the_login() {
    let bench = Bench::new(5, KEEP, |table| {
        table.capa = Some(vec!["USER", "PIPELINING", "EXPIRE 7", "LOGIN-DELAY 900"]);
        table.capa_inside = Some(vec!["UIDL", "TOP", "EXPIRE 30"]);
    });
    assert_eq!(bench.done().await.retrieved, 5);
    assert_eq!((bench.state().expire, bench.state().login_delay), (Some(30), None));
    assert!(!bench.server.was_pipelined(1));

    let later = Bench::new(5, KEEP, |table| table.capa = Some(vec!["USER"]));
    assert_eq!(later.done().await.retrieved, 5);
    assert!(later.server.was_pipelined(1), "{:?}", later.server.last());
}

#[tokio::test]
async fn quirk_18_pipelining_that_is_a_lie_is_unlearnt() {
    let bench = Bench::new(5, KEEP, |table| table.drops_pipelining = true);
    assert_eq!(bench.done().await.retrieved, 5);
    assert_eq!(bench.server.sessions(), 2);
    assert!(!bench.server.was_pipelined(2));
    assert!(bench.state().habits.has(Habit::NoPipelining));
    bench.server.set(|table| (6..9).for_each(|number| _ = table.add(format!("u{number}"), mail(&number.to_string()))));
    assert_eq!(bench.done().await.retrieved, 3);
    assert_eq!(bench.server.sessions(), 3, "at once without");
}

#[tokio::test]
async fn quirk_18_no_login_is_sent_ahead_of_an_answer() {
    let bench = Bench::new(1, KEEP, |table| table.rule("PASS", Act::Pause(Duration::from_millis(60))));
    assert_eq!(bench.done().await.retrieved, 1);
    assert!(!bench.server.was_pipelined(1), "one message: nothing to pipeline");
}

#[tokio::test]
async fn quirk_19_capabilities_in_any_case_with_anything() {
    let lines =
        vec!["uidl", "Top x y", "SASL", "", "EXPIRE never", "X-unknown \u{1}", "ImplementationX 1", "pipelining"];
    let bench = Bench::new(4, KEEP, |table| (table.capa, table.capa_inside) = (Some(lines.clone()), Some(lines)));
    assert_eq!(bench.done().await.retrieved, 4);
    assert!(bench.server.was_pipelined(1));
    assert_eq!(bench.state().expire, None);
}
