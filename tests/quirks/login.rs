//! Section C, without OAuth, and UTF8 (RFC 6856): the login and what refuses it.

use jiff::Timestamp;
use postkeep::account::{Account, Fetching, Retention, Security, Server};
use postkeep::archive::{Habit, LogEntry, MaildropState};
use postkeep::fetch::{FetchError, earliest};
use postkeep::problem::Problem;
use postkeep::provider;
use postkeep::transport::TransportError;

use crate::bench::{Bench, mail};
use crate::support::scripted::{Act, Table};

const KEEP: Retention = Retention::LeaveCopy;

/// The server answers the login so; what comes of it.
async fn answered(pass: &str) -> (TransportError, Bench) {
    let bench = Bench::new(1, KEEP, |table| table.say("PASS", pass));
    (bench.breaks().await, bench)
}

#[tokio::test]
async fn quirk_28_hanging_up_on_a_password_is_a_refusal_of_it() {
    let bench = Bench::new(1, KEEP, |table| table.rule("PASS", Act::SayAndCut(Vec::new())));
    let error = bench.breaks().await;
    assert!(matches!(error, TransportError::ClosedAtLogin) && error.is_wrong_password(), "{error:?}");
    assert!(bench.state().login_refused);
}

#[tokio::test]
async fn quirk_29_codes_tell_why_a_login_is_refused() {
    // The answer; whether the password is asked for, whether visits by themselves stop, and words of the sentence.
    let cases = [
        ("-ERR [AUTH] no", true, true, "password is wrong"),
        ("-ERR [auth] no", true, true, "password is wrong"),
        ("-ERR [SYS/TEMP] later", false, false, "at the moment"),
        ("-ERR [sys/perm] broken", false, true, "does not pass by itself"),
        ("-ERR [SYS/MOON] odd", false, false, "trouble of its own"),
        ("-ERR [IN-USE] locked", false, false, "Another program"),
        ("-ERR [LOGIN-DELAY] wait", false, false, "more time"),
    ];
    for (answer, asks, stops, words) in cases {
        let (error, bench) = answered(&format!("{answer}\r\n")).await;
        assert_eq!((error.is_wrong_password(), bench.state().login_refused), (asks, stops), "{answer}");
        assert!(Problem::from(&error).summary.contains(words), "{answer}: {}", Problem::from(&error));
    }
    let (error, _) = answered("-ERR [SYS/PERM] broken\r\n").await;
    assert!(Problem::from(&error).advice.contains("provider"), "{}", Problem::from(&error));
}

#[tokio::test]
async fn quirk_30_without_a_code_words_are_a_hint_only() {
    let passing = ["mailbox is locked by another session", "Maildrop busy", "please wait", "too many connections"];
    for text in passing {
        let (error, bench) = answered(&format!("-ERR {text}\r\n")).await;
        assert!(!error.is_wrong_password() && error.is_passing_refusal(), "{text}: {error:?}");
        assert!(!bench.state().login_refused, "{text}");
        // It is asked again by itself, and the password is as it was.
        bench.server.set(Table::forget_rules);
        assert_eq!(bench.done().await.retrieved, 1);
    }
    for text in
        ["", "no", "wrong password, try again", "account locked: too many attempts", "invalid user, please wait"]
    {
        let (error, bench) = answered(&format!("-ERR {text}\r\n")).await;
        assert!(error.is_wrong_password() && !error.is_passing_refusal(), "{text}: {error:?}");
        assert!(bench.state().login_refused, "{text}");
    }
}

#[tokio::test]
async fn quirk_31_the_server_is_not_asked_sooner_than_it_wants() {
    let bench = Bench::new(1, KEEP, |table| {
        table.capa_inside = Some(vec!["UIDL", "TOP", "LOGIN-DELAY 900"]);
    });
    assert_eq!(bench.done().await.retrieved, 1);
    assert_eq!(bench.state().login_delay, Some(900));
    let now = Timestamp::now();
    let FetchError::TooSoon { until } = bench.fails().await else { panic!("it asked") };
    let seconds = until.duration_since(now).as_secs();
    assert!((800..=900).contains(&seconds), "{seconds}");
    assert!(matches!(bench.try_ahead().await, Err(FetchError::TooSoon { .. })));
    assert_eq!(bench.server.sessions(), 1);
    bench.sql("UPDATE maildrop SET last_login = last_login - 901000000");
    bench.done().await;

    // web.de says it nowhere, but its free accounts fail to log in within a quarter of an hour.
    assert_eq!(provider::check_interval("pop3.web.de"), Some(15));
    let server =
        Server { host: "pop3.web.de".into(), port: 995, security: Security::Tls, user: "me".into(), ca_file: None };
    let account = Account { server, fetching: Fetching::default(), ..bench.account.clone() };
    let state = MaildropState { last_login: Some(now), ..MaildropState::default() };
    let until = earliest(&state, &account, now).expect("a time to wait for");
    assert_eq!(until.duration_since(now).as_secs(), 15 * 60);
}

#[tokio::test]
async fn quirk_32_a_refused_login_waits_for_the_user() {
    let mut bench = Bench::new(1, KEEP, |table| table.say("PASS", "-ERR [AUTH] no\r\n"));
    bench.breaks().await;
    bench.terms.by_user = false;
    for _ in 0..3 {
        assert!(matches!(bench.fails().await, FetchError::RefusedBefore));
    }
    assert_eq!(bench.server.sessions(), 1);
    bench.terms.by_user = true;
    bench.server.set(Table::forget_rules);
    assert_eq!(bench.done().await.retrieved, 1);
    bench.terms.by_user = false;
    bench.done().await;
}

#[tokio::test]
async fn quirk_33_a_name_with_recent_in_front_is_passed_as_it_is() {
    let mut bench = Bench::new(1, KEEP, |_| {});
    bench.change(|account| account.server.user = "recent:me@gmail.com".into());
    assert_eq!(bench.done().await.retrieved, 1);
    assert_eq!(bench.server.last()[1], "USER recent:me@gmail.com");
}

#[tokio::test]
async fn quirk_34_a_password_beyond_ascii_goes_in_utf8() {
    let word = "p\u{e4}ss \u{20ac}";
    let bench = Bench::new(1, KEEP, |table| table.password = word.to_owned());
    let mut bench = Bench { password: word.to_owned(), ..bench };
    assert_eq!(bench.done().await.retrieved, 1);
    assert_eq!(bench.server.last()[2], "PASS p\\xc3\\xa4ss \\xe2\\x82\\xac");
    bench.server.set(|table| table.capa = Some(vec!["SASL PLAIN LOGIN"]));
    bench.retain(KEEP);
    bench.done().await;
    assert!(bench.server.last()[1].starts_with("AUTH PLAIN "), "{:?}", bench.server.last());
}

#[tokio::test]
async fn quirk_35_a_refused_name_is_told_no_password() {
    let bench = Bench::new(1, KEEP, |table| table.say("USER", "-ERR who?\r\n"));
    assert!(bench.breaks().await.is_wrong_password());
    assert_eq!(bench.server.last(), ["CAPA", "USER ada@mail.test"]);
}

fn speaks_utf8(table: &mut Table) {
    table.capa = Some(vec!["USER", "UTF8 USER"]);
    table.capa_inside = Some(vec!["UIDL", "TOP", "UTF8"]);
}

#[tokio::test]
async fn quirk_93_utf8_is_said_before_the_login() {
    let bench = Bench::new(2, KEEP, |table| {
        speaks_utf8(table);
        table.mails[1].wants_utf8 = true;
    });
    assert_eq!(bench.done().await.retrieved, 2);
    assert_eq!(bench.server.last()[..3], ["CAPA", "UTF8", "USER ada@mail.test"]);
}

#[tokio::test]
async fn quirk_94_utf8_that_breaks_the_login_is_left_out_from_then_on() {
    let bench = Bench::new(2, KEEP, |table| {
        speaks_utf8(table);
        table.rule_times("PASS", 1, Act::Say(b"-ERR [AUTH] failed\r\n".to_vec()));
    });
    assert_eq!(bench.done().await.retrieved, 2);
    assert_eq!(bench.server.sessions(), 2);
    assert!(bench.server.heard(1).contains(&"UTF8".to_owned()) && !bench.server.heard(2).contains(&"UTF8".to_owned()));
    assert!(bench.state().habits.has(Habit::NoUtf8) && !bench.state().login_refused);
    assert!(bench.log().contains(&LogEntry::Learnt { habit: Habit::NoUtf8 }), "{:?}", bench.log());
    bench.done().await;
    assert_eq!((bench.server.sessions(), bench.server.count("UTF8")), (3, 1), "remembered");

    // A wrong password is one, with or without.
    let wrong = Bench::new(1, KEEP, |table| {
        speaks_utf8(table);
        table.say("PASS", "-ERR [AUTH] failed\r\n");
    });
    assert!(wrong.breaks().await.is_wrong_password());
    assert!(wrong.state().login_refused && !wrong.state().habits.has(Habit::NoUtf8));
    assert_eq!(wrong.server.sessions(), 2);
}

#[tokio::test]
async fn quirk_95_a_message_that_needs_utf8_brings_a_second_session() {
    let bench = Bench::new(3, Retention::RemoveOnceStored, |table| {
        speaks_utf8(table);
        table.rule_times("PASS", 1, Act::Say(b"-ERR failed\r\n".to_vec()));
        table.mails[1].wants_utf8 = true;
    });
    // The first login failed by chance, so UTF8 was left out.
    assert_eq!((bench.done().await.retrieved, bench.server.mails().len()), (3, 0));
    assert_eq!(bench.server.sessions(), 3);
    assert_eq!(bench.server.heard(3)[1], "UTF8");
    assert!(!bench.state().habits.has(Habit::NoUtf8), "it can after all");
    assert_eq!(bench.row("u2").tries, 0);

    // Where it is refused in either mode it is counted as a failure, and nothing goes round in circles.
    let never = Bench::new(2, KEEP, |table| {
        speaks_utf8(table);
        table.rule_times("PASS", 1, Act::Say(b"-ERR failed\r\n".to_vec()));
        table.say("RETR 2", "-ERR [UTF8] no\r\n");
    });
    let outcome = never.done().await;
    assert_eq!((outcome.retrieved, outcome.failed, never.server.sessions()), (1, 1, 3));
    assert_eq!(never.row("u2").tries, 1);
    never.server.set(|table| _ = table.add("u3", mail("three")));
    assert_eq!(never.done().await.retrieved, 1);
}
