//! The session itself, unprotected so that each octet can be seen.

use std::pin::pin;
use std::task::Poll;

use tokio::net::TcpListener;

use super::*;
use crate::account::Uidl;
use crate::pop3::{Code, CommandError, ProtocolError, ProvedStored, Removal};
use crate::transport::{Answer, Retrieved, Stat};

struct Proved(u32);

impl ProvedStored for Proved {
    fn number(&self) -> u32 {
        self.0
    }
}

fn removals(numbers: &[u32]) -> Vec<Removal> {
    numbers.iter().map(|number| Removal::of(&Proved(*number))).collect()
}

async fn next(connection: &mut Connection) -> Result<Option<Retrieved>> {
    connection.next_message(&mut |_| {}).await
}

fn message(number: u32, octets: &[u8]) -> Retrieved {
    Retrieved::Message { number, octets: octets.to_vec() }
}

#[tokio::test]
async fn a_whole_session_in_lock_step() {
    let script = logged_in(vec![
        hear("STAT\r\n"),
        say("+OK 3 42\r\n"),
        hear("UIDL\r\n"),
        say("+OK\r\n1   a\r\n2\tb \r\nnonsense\r\n3 ..\r\n.\r\n"),
        hear("LIST\r\n"),
        say("+OK 3\r\n1 10\r\n2 20\r\n3 12\r\n.\r\n"),
        hear("RETR 1\r\n"),
        say("+OK\r\n..dot\r\n"),
        say(b"\0\xff\n\r\n.\r\n"),
        hear("RETR 2\r\n"),
        say("-ERR gone\r\n"),
        hear("RETR 3\r\n"),
        say("+OK\r\n.\r\n"),
        hear("NOOP\r\n"),
        say("+OK\r\n"),
        hear("DELE 1\r\n"),
        say("+OK\r\n"),
        hear("DELE 3\r\n"),
        say("-ERR already gone\r\n"),
        hear("QUIT\r\n"),
        say("+OK bye\r\n"),
    ]);
    let ((), heard) = against(script, true, async |connection| {
        let mut connection = connection.unwrap();
        connection.log_in(USER, &password()).await.unwrap();
        assert_eq!(connection.stat().await.unwrap(), Stat { messages: 3, octets: 42 });
        let uidl = |text: &str| Uidl::new(text.as_bytes()).unwrap();
        assert_eq!(connection.uidl().await.unwrap().unwrap(), [(1, uidl("a")), (2, uidl("b")), (3, uidl(".."))]);
        assert_eq!(connection.list().await.unwrap(), [(1, 10), (2, 20), (3, 12)]);
        connection.request(&[(1, 10), (2, 20), (3, 12)]);
        let mut arrived = 0;
        let first = connection.next_message(&mut |octets| arrived += octets).await.unwrap();
        assert_eq!((first, arrived), (Some(message(1, b".dot\r\n\0\xff\n\r\n")), 11));
        assert!(matches!(connection.noop().await, Err(TransportError::Busy)));
        assert_eq!(
            next(&mut connection).await.unwrap(),
            Some(Retrieved::Refused { number: 2, code: None, text: "gone".into() })
        );
        assert_eq!(next(&mut connection).await.unwrap(), Some(message(3, b"")));
        assert_eq!(next(&mut connection).await.unwrap(), None);
        connection.noop().await.unwrap();
        let answers = connection.remove(removals(&[1, 3])).await.unwrap();
        assert_eq!(answers, [Answer::Ok, Answer::Err("already gone".into())]);
        assert_eq!(connection.quit().await.unwrap(), Answer::Ok);
    })
    .await;
    assert!(heard.ends_with("DELE 3\nQUIT\n"), "{heard}");
}

#[tokio::test]
async fn auth_plain_where_it_is_offered_and_capa_again() {
    let script = vec![
        say("+OK\r\n"),
        hear("CAPA\r\n"),
        say("+OK\r\nSASL PLAIN\r\n.\r\n"),
        hear("\r\n"),
        say("+OK\r\n"),
        hear("CAPA\r\n"),
        say("+OK\r\nUIDL\r\n.\r\n"),
    ];
    let ((), heard) = against(script, true, async |connection| {
        let mut connection = connection.unwrap();
        connection.log_in(USER, &password()).await.unwrap();
        assert!(connection.capabilities().uidl && !connection.capabilities().auth_plain());
        assert!(!format!("{connection:?}").contains("correct"));
    })
    .await;
    assert_eq!(heard, "CAPA\nAUTH PLAIN AGFkYUBtYWlsLnRlc3QAY29ycmVjdC1ob3JzZQ==\nCAPA\n");
}

#[tokio::test]
async fn a_greeting_that_refuses() {
    for (greeting, code) in [("-ERR [SYS/TEMP] down\r\n", Some(Code::SysTemp)), ("-ERR down\r\n", None)] {
        let (error, heard) = against(vec![say(greeting)], true, async |connection| connection.unwrap_err()).await;
        let TransportError::GreetingRefused(status) = error else { panic!("{error:?}") };
        assert_eq!((status.code, status.text.as_str(), heard.as_str()), (code, "down", ""));
    }
}

async fn login(answers: Vec<Step>, stays: bool) -> (TransportError, String) {
    let script = vec![say("+OK\r\n"), hear("CAPA\r\n"), say("-ERR\r\n")].into_iter().chain(answers).collect();
    against(script, stays, async |connection| connection.unwrap().log_in(USER, &password()).await.unwrap_err()).await
}

#[tokio::test]
async fn a_login_that_is_refused() {
    // Quirk 29.
    let codes = [
        ("[AUTH] ", Some(Code::Auth)),
        ("[SYS/TEMP] ", Some(Code::SysTemp)),
        ("[SYS/PERM] ", Some(Code::SysPerm)),
        ("[IN-USE] ", Some(Code::InUse)),
        ("[login-delay] ", Some(Code::LoginDelay)),
        ("", None),
    ];
    for (word, code) in codes {
        let answers =
            vec![hear("USER ada@mail.test\r\n"), say("+OK\r\n"), hear("\r\n"), say(format!("-ERR {word}no\r\n"))];
        let (error, _) = login(answers, true).await;
        let TransportError::LoginRefused(status) = error else { panic!("{error:?}") };
        assert_eq!((status.code, status.text.as_str()), (code, "no"));
    }
    // Quirk 35.
    let (error, heard) = login(vec![hear("USER ada@mail.test\r\n"), say("-ERR who\r\n")], true).await;
    assert!(matches!(error, TransportError::LoginRefused(_)), "{error:?}");
    assert_eq!(heard, "CAPA\nUSER ada@mail.test\n", "no PASS follows");
    // Quirk 28.
    let (error, _) = login(vec![hear("USER ada@mail.test\r\n"), say("+OK\r\n"), hear("\r\n")], false).await;
    assert!(matches!(error, TransportError::ClosedAtLogin), "{error:?}");
}

#[tokio::test]
async fn no_error_repeats_the_password() {
    for answer in ["-ERR unknown command PASS correct-horse\r\n", "PASS correct-horse\r\n"] {
        let (error, _) = login(vec![hear("\r\n"), say("+OK\r\n"), hear("\r\n"), say(answer)], true).await;
        assert!(!format!("{error} {error:?}").contains("correct-horse"), "{error:?}");
    }
    let script = vec![
        say("+OK\r\n"),
        hear("CAPA\r\n"),
        say("+OK\r\nSASL PLAIN\r\n.\r\n"),
        hear("\r\n"),
        say("-ERR AUTH PLAIN AGFkYUBtYWlsLnRlc3QAY29ycmVjdC1ob3JzZQ==?\r\n"),
    ];
    let (error, _) =
        against(script, true, async |connection| connection.unwrap().log_in(USER, &password()).await.unwrap_err())
            .await;
    assert!(!format!("{error} {error:?}").contains("AGFk"), "{error:?}");
}

#[tokio::test]
async fn no_password_brings_a_second_command() {
    // Quirk 10, fault 31: not even the name is sent.
    let script = vec![say("+OK\r\n"), hear("CAPA\r\n"), say("-ERR\r\n")];
    let (error, heard) = against(script, true, async |connection| {
        connection.unwrap().log_in(USER, &"x\r\nDELE 1".into()).await.unwrap_err()
    })
    .await;
    assert!(matches!(error, TransportError::Command(CommandError::Argument(_))), "{error:?}");
    assert_eq!(heard, "CAPA\n");
}

#[tokio::test]
async fn what_is_injected_is_refused() {
    // Fault 29.
    let (error, heard) =
        against(vec![say("+OK\r\n+OK also\r\n")], true, async |connection| connection.unwrap_err()).await;
    assert!(matches!(error, TransportError::Protocol(ProtocolError::Unsolicited)), "{error:?}");
    assert_eq!(heard, "");
    let (error, heard) = login(vec![hear("USER ada@mail.test\r\n"), say("+OK\r\n+OK\r\n")], true).await;
    assert!(matches!(error, TransportError::Protocol(ProtocolError::Unsolicited)), "{error:?}");
    assert!(!heard.contains("PASS"), "{heard}");
}

#[tokio::test]
async fn uidl_refused() {
    // Quirks 43 and 44.
    let answer = |capabilities: Option<&str>, answer: &str| {
        let rest = vec![hear("UIDL\r\n"), say(answer)];
        match capabilities {
            Some(capabilities) => logged_in_with(capabilities, rest),
            None => logged_in(rest),
        }
    };
    for (script, unknown) in [
        (answer(None, "-ERR what\r\n"), true),
        (answer(Some("TOP"), "-ERR what\r\n"), true),
        (answer(Some("UIDL"), "-ERR what\r\n"), false),
        (answer(None, "-ERR [SYS/TEMP] later\r\n"), false),
    ] {
        let (outcome, _) = against(script, true, async |connection| {
            let mut connection = connection.unwrap();
            connection.log_in(USER, &password()).await.unwrap();
            connection.uidl().await
        })
        .await;
        match outcome {
            Ok(None) => assert!(unknown),
            Err(TransportError::CommandRefused { command: "UIDL", .. }) => assert!(!unknown),
            other => panic!("{other:?}"),
        }
    }
}

/// The outcome of asking for message 1 from a server that does `rest` and hangs up.
async fn cut_short(script: Vec<Step>, requests: &[(u32, u64)]) -> (Vec<Retrieved>, TransportError) {
    let (outcome, _) = against(script, false, async |connection| {
        let mut connection = connection.unwrap();
        connection.log_in(USER, &password()).await.unwrap();
        connection.request(requests);
        let mut retrieved = Vec::new();
        loop {
            match next(&mut connection).await {
                Ok(one) => retrieved.extend(one),
                Err(error) => return (retrieved, error),
            }
        }
    })
    .await;
    outcome
}

#[tokio::test]
async fn cut_in_the_middle_or_between() {
    // Quirks 42, 55, 66: whatever came, it is no message.
    for answer in ["+O", "+OK\r\n", "+OK\r\nhalf", "+OK\r\nall\r\n", "+OK\r\nall\r\n.", "+OK\r\nall\r\n.\r"] {
        let (retrieved, error) = cut_short(logged_in(vec![hear("RETR 1\r\n"), say(answer)]), &[(1, 5)]).await;
        assert!(matches!(error, TransportError::Truncated), "{answer:?}: {error:?}");
        assert_eq!(retrieved, []);
    }
    let (retrieved, error) = cut_short(logged_in(vec![hear("RETR 1\r\n")]), &[(1, 5)]).await;
    assert!(matches!(error, TransportError::Closed), "{error:?}");
    assert_eq!(retrieved, []);
    let (outcome, _) = against(logged_in(vec![hear("UIDL\r\n"), say("+OK\r\n1 a\r\n")]), false, async |connection| {
        let mut connection = connection.unwrap();
        connection.log_in(USER, &password()).await.unwrap();
        connection.uidl().await
    })
    .await;
    assert!(matches!(outcome, Err(TransportError::Truncated)), "{outcome:?}");
}

#[tokio::test]
async fn pipelining_that_the_server_cannot_do() {
    // Quirk 18.
    let both = || hear("RETR 1\r\nRETR 2\r\n");
    let cases = [
        (vec![both()], 0, true),
        (vec![both(), say("+OK\r\na\r\n.\r\n")], 1, true),
        (vec![both(), say("+OK\r\na\r\n.\r\n+OK\r\nb\r\n.\r\n"), hear("RETR 3\r\n")], 2, false),
    ];
    for (rest, complete, pipelining) in cases {
        let (outcome, _) = against(logged_in_with("PIPELINING", rest), false, async |connection| {
            let mut connection = connection.unwrap();
            connection.log_in(USER, &password()).await.unwrap();
            connection.request(&[(1, 1), (2, 1)]);
            for _ in 0..complete {
                assert!(next(&mut connection).await.unwrap().is_some());
            }
            connection.request(&[(3, 1)]);
            next(&mut connection).await
        })
        .await;
        let error = outcome.unwrap_err();
        assert_eq!(error.is_pipelining(), pipelining, "{complete}: {error:?}");
    }
}

#[tokio::test]
async fn lock_step_on_demand() {
    let script = logged_in_with(
        "PIPELINING",
        vec![hear("RETR 1\r\n"), say("+OK\r\n.\r\n"), hear("RETR 2\r\n"), say("+OK\r\n.\r\n")],
    );
    let ((), heard) = against(script, true, async |connection| {
        let mut connection = connection.unwrap();
        connection.set_pipelining(false);
        connection.log_in(USER, &password()).await.unwrap();
        connection.request(&[(1, 1), (2, 1), (3, 1)]);
        next(&mut connection).await.unwrap();
    })
    .await;
    // The third would be there, too, were they not asked for one by one.
    assert!(heard.ends_with("RETR 1\n") || heard.ends_with("RETR 2\n"), "{heard}");
}

/// Answers `count` RETRs with `size` octets each, reading a command only once the answer before is written.
async fn stubborn(stream: tokio::io::DuplexStream, count: usize, size: usize) {
    let (heard, mut stream) = play(stream, logged_in_with("PIPELINING", Vec::new())).await;
    assert!(heard.ends_with("CAPA\n"), "{heard}");
    for _ in 0..count {
        while stream.read_u8().await.unwrap() != b'\n' {}
        stream.write_all(b"+OK\r\n").await.unwrap();
        stream.write_all(&vec![b'x'; size]).await.unwrap();
        stream.write_all(b"\r\n.\r\n").await.unwrap();
    }
}

#[tokio::test]
async fn full_buffers_block_nobody() {
    // Neither side's commands nor answers fit into the stream between them.
    let (ours, theirs) = tokio::io::duplex(64);
    let client = async {
        let mut connection = Connection::over(ours, &server(Security::None), hasty()).await.unwrap();
        connection.log_in(USER, &password()).await.unwrap();
        connection.request(&(1..=100).map(|number| (number, 3000)).collect::<Vec<_>>());
        let mut count = 0;
        while let Some(retrieved) = next(&mut connection).await.unwrap() {
            count += 1;
            let Retrieved::Message { number, octets } = retrieved else { panic!("{retrieved:?}") };
            assert_eq!((number, octets.len()), (count, 3002));
        }
        count
    };
    let (count, ()) = tokio::join!(client, stubborn(theirs, 100, 3000));
    assert_eq!(count, 100);
}

#[tokio::test]
async fn a_dropped_wait_loses_nothing() {
    let (ours, theirs) = tokio::io::duplex(7);
    let client = async {
        let mut connection = Connection::over(ours, &server(Security::None), hasty()).await.unwrap();
        connection.log_in(USER, &password()).await.unwrap();
        connection.request(&[(1, 100), (2, 100), (3, 100)]);
        let (mut messages, mut drops, mut arrived) = (0, 0, 0);
        while messages < 3 {
            let once = {
                let mut count = |octets| arrived += octets;
                let waiting = pin!(connection.next_message(&mut count));
                futures::poll!(waiting)
            };
            match once {
                Poll::Pending => drops += 1,
                Poll::Ready(retrieved) => {
                    messages += 1;
                    let expected = [vec![b'x'; 100], b"\r\n".to_vec()].concat();
                    assert_eq!(retrieved.unwrap(), Some(message(messages, &expected)));
                }
            }
            tokio::task::yield_now().await;
        }
        (drops, arrived)
    };
    let ((drops, arrived), ()) = tokio::join!(client, stubborn(theirs, 3, 100));
    assert!(drops > 10, "{drops}");
    assert_eq!(arrived, 306);
}

#[tokio::test]
async fn a_message_over_the_limit() {
    let script = logged_in(vec![
        hear("RETR 1\r\n"),
        say([b"+OK\r\n".as_slice(), &[b'x'; 9], b"\r\n.\r\n"].concat()),
        hear("RETR 2\r\n"),
        say([b"+OK\r\n".as_slice(), &[b'x'; 8], b"\r\n.\r\n"].concat()),
    ]);
    let ((), _) = against(script, true, async |connection| {
        let mut connection = connection.unwrap();
        connection.set_message_limit(10);
        connection.log_in(USER, &password()).await.unwrap();
        connection.request(&[(1, 1), (2, 1)]);
        assert_eq!(next(&mut connection).await.unwrap(), Some(Retrieved::TooLarge { number: 1 }));
        assert_eq!(next(&mut connection).await.unwrap(), Some(message(2, b"xxxxxxxx\r\n")));
    })
    .await;
}

#[tokio::test]
async fn withdrawn_and_reset_in_the_middle() {
    let script =
        logged_in(vec![hear("RETR 1\r\n"), say("+OK\r\nrest\r\n"), say(".\r\n"), hear("RSET\r\n"), say("+OK\r\n")]);
    let ((), heard) = against(script, true, async |connection| {
        let mut connection = connection.unwrap();
        connection.log_in(USER, &password()).await.unwrap();
        connection.request(&[(1, 1), (2, 1)]);
        assert!(futures::poll!(pin!(next(&mut connection))).is_pending());
        connection.reset().await;
    })
    .await;
    assert!(heard.ends_with("PASS correct-horse\nRETR 1\nRSET\n"), "{heard}");

    let script =
        logged_in(vec![hear("RETR 1\r\n"), say("+OK\r\n.\r\n"), hear("QUIT\r\n"), say("-ERR not all removed\r\n")]);
    let (answer, heard) = against(script, true, async |connection| {
        let mut connection = connection.unwrap();
        connection.log_in(USER, &password()).await.unwrap();
        connection.request(&[(1, 1), (2, 1)]);
        assert!(futures::poll!(pin!(next(&mut connection))).is_pending());
        connection.withdraw();
        assert_eq!(next(&mut connection).await.unwrap(), Some(message(1, b"")));
        assert_eq!(next(&mut connection).await.unwrap(), None);
        connection.quit().await.unwrap()
    })
    .await;
    assert_eq!(answer, Answer::Err("not all removed".into()));
    assert!(heard.ends_with("RETR 1\nQUIT\n"), "{heard}");
}

#[tokio::test]
async fn silence_ends_it() {
    let (ours, theirs) = tokio::io::duplex(4096);
    let patience = Patience { idle: Duration::from_millis(50), ..Patience::default() };
    let options = Options { patience, ..Options::default() };
    let error = Connection::over(ours, &server(Security::None), options).await.unwrap_err();
    assert!(matches!(error, TransportError::Silence(_)), "{error:?}");
    drop(theirs);
}

#[tokio::test]
async fn a_request_before_login_is_told() {
    let script = vec![say("+OK\r\n"), hear("CAPA\r\n"), say("-ERR\r\n")];
    let (outcome, heard) = against(script, true, async |connection| {
        let mut connection = connection.unwrap();
        connection.request(&[(1, 1)]);
        next(&mut connection).await
    })
    .await;
    assert!(matches!(outcome, Err(TransportError::Command(CommandError::WrongState("RETR")))), "{outcome:?}");
    assert_eq!(heard, "CAPA\n");
}

#[tokio::test]
async fn a_server_that_hangs_up_on_capa() {
    // Quirk 15.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = Server { host: "127.0.0.1".into(), port, ..server(Security::None) };
    let served = async {
        let first = listener.accept().await.unwrap().0;
        drop(play(first, vec![say("+OK\r\n"), hear("CAPA\r\n")]).await);
        let second = listener.accept().await.unwrap().0;
        let script = vec![say("+OK\r\n"), hear("\r\n"), say("+OK\r\n"), hear("\r\n"), say("+OK\r\n")];
        play_and_listen(second, script).await
    };
    let client = async {
        let mut connection = Connection::open(&server, Patience::default()).await.unwrap();
        connection.log_in(USER, &password()).await.unwrap();
    };
    let (heard, ()) = tokio::join!(served, client);
    assert_eq!(heard, "USER ada@mail.test\nPASS correct-horse\n");
}

/// A fetch drops its wait and begins it again each time it tells progress: it is one silence all the same.
#[tokio::test]
async fn silence_ends_a_wait_that_is_dropped_and_begun_again() {
    let (ours, theirs) = tokio::io::duplex(4096);
    let patience = Patience { idle: Duration::from_secs(1), ..Patience::default() };
    let client = async {
        let options = Options { patience, ..Options::default() };
        let mut connection = Connection::over(ours, &server(Security::None), options).await.unwrap();
        connection.log_in(USER, &password()).await.unwrap();
        connection.request(&[(1, 100)]);
        for _ in 0..500 {
            let mut count = |_| {};
            let wait = tokio::time::timeout(Duration::from_millis(50), connection.next_message(&mut count));
            if let Ok(ended) = wait.await {
                return Some(ended.unwrap_err());
            }
        }
        None
    };
    let script = logged_in(vec![hear("RETR 1\r\n"), say("+OK\r\nhalf of it")]);
    let (error, _) = tokio::join!(client, play_and_listen(theirs, script));
    assert!(matches!(error, Some(TransportError::Silence(_))), "{error:?}");
}
