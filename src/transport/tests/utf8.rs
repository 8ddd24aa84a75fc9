//! UTF8 (RFC 6856; quirks 93 to 95) and passwords beyond ASCII (quirk 34).

use super::*;
use crate::pop3::Code;
use crate::transport::Retrieved;

/// The outcome of a login at a server with these capabilities and answers, and all that it heard.
async fn login(
    capabilities: &str,
    rest: Vec<Step>,
    stays: bool,
    options: Options,
    password: &str,
) -> (Result<bool>, String) {
    let start = vec![say("+OK\r\n"), hear("CAPA\r\n"), say(format!("+OK\r\n{capabilities}\r\n.\r\n"))];
    let script = start.into_iter().chain(rest).collect();
    let (ours, theirs) = tokio::io::duplex(4096);
    let served = async { if stays { play_and_listen(theirs, script).await } else { play(theirs, script).await.0 } };
    let client = async {
        let mut connection = Connection::over(ours, &server(Security::None), options).await?;
        connection.log_in(USER, &password.into()).await?;
        Ok(connection.is_utf8())
    };
    tokio::join!(client, served)
}

fn user_and_pass() -> Vec<Step> {
    vec![hear("\r\n"), say("+OK\r\n"), hear("\r\n"), say("+OK\r\n"), hear("CAPA\r\n"), say("-ERR\r\n")]
}

const WORDS: &str = "USER ada@mail.test\nPASS correct-horse\nCAPA\n";

#[tokio::test]
async fn quirk_93_utf8_is_said_before_the_login_where_it_is_offered() {
    let never = Options { utf8: false, ..hasty() };
    let cases = [
        ("UTF8", "+OK\r\n", hasty(), "UTF8\n", true),
        ("UTF8 USER", "+OK UTF8 enabled\r\n", hasty(), "UTF8\n", true),
        // A refusal changes nothing.
        ("UTF8", "-ERR not now\r\n", hasty(), "UTF8\n", false),
        ("TOP", "", hasty(), "", false),
        ("UTF8", "", never, "", false),
    ];
    for (capabilities, answer, options, said, mode) in cases {
        let utf8 = if answer.is_empty() { Vec::new() } else { vec![hear("UTF8\r\n"), say(answer)] };
        let script = utf8.into_iter().chain(user_and_pass()).collect();
        let (outcome, heard) = login(capabilities, script, true, options, PASSWORD).await;
        assert_eq!((outcome.unwrap(), heard), (mode, format!("CAPA\n{said}{WORDS}")), "{capabilities} {answer}");
    }
}

#[tokio::test]
async fn quirk_94_a_login_that_fails_behind_utf8_is_told_apart() {
    // Answer to UTF8, answers to the login, whether the server stays, what it is.
    let refused: [(&str, &[&str], bool, bool); 9] = [
        ("+OK\r\n", &["-ERR no\r\n"], true, true),
        ("+OK\r\n", &["+OK\r\n", "-ERR [AUTH] no\r\n"], true, true),
        ("-ERR what\r\n", &["-ERR out of order\r\n"], true, true),
        ("+OK\r\n", &["+OK\r\n"], false, true),
        ("+OK\r\n", &["nonsense\r\n"], true, true),
        ("", &[], false, true),
        // The server says why, and it is not for UTF8.
        ("+OK\r\n", &["+OK\r\n", "-ERR [IN-USE] locked\r\n"], true, false),
        ("+OK\r\n", &["+OK\r\n", "-ERR [SYS/TEMP] later\r\n"], true, false),
        ("+OK\r\n", &["+OK\r\n", "-ERR [LOGIN-DELAY] wait\r\n"], true, false),
    ];
    for (answer, answers, stays, told) in refused {
        let mut script = vec![hear("UTF8\r\n")];
        if !answer.is_empty() {
            script.push(say(answer));
        }
        script.extend(answers.iter().flat_map(|answer| [hear("\r\n"), say(answer)]));
        if !stays && !answers.is_empty() {
            script.push(hear("\r\n"));
        }
        let (outcome, heard) = login("UTF8", script, stays, hasty(), PASSWORD).await;
        let error = outcome.unwrap_err();
        assert_eq!(error.failed_after_utf8(), told, "{answers:?}: {error:?}");
        assert!(heard.starts_with("CAPA\nUTF8\n"), "{heard}");
        assert!(!format!("{error:?}").contains(PASSWORD), "{error:?}");
    }
    // Without it the same refusal is what it is.
    let script = vec![hear("\r\n"), say("+OK\r\n"), hear("\r\n"), say("-ERR no\r\n")];
    let (outcome, _) = login("UTF8", script, true, Options { utf8: false, ..hasty() }, PASSWORD).await;
    let error = outcome.unwrap_err();
    assert!(!error.failed_after_utf8() && error.is_wrong_password(), "{error:?}");
}

#[tokio::test]
async fn quirk_95_a_message_that_wants_utf8_says_so() {
    let script = logged_in(vec![
        hear("RETR 1\r\n"),
        say("-ERR [UTF8] internationalized\r\n"),
        hear("RETR 2\r\n"),
        say("-ERR [utf8]\r\n"),
        hear("RETR 3\r\n"),
        say("-ERR gone\r\n"),
    ]);
    let (codes, _) = against(script, true, async |connection| {
        let mut connection = connection.unwrap();
        connection.log_in(USER, &password()).await.unwrap();
        assert!(!connection.is_utf8());
        connection.request(&[(1, 10), (2, 10), (3, 10)]);
        let mut codes = Vec::new();
        while let Some(retrieved) = connection.next_message(&mut |_| {}).await.unwrap() {
            let Retrieved::Refused { code, .. } = retrieved else { panic!("{retrieved:?}") };
            codes.push(code);
        }
        codes
    })
    .await;
    assert_eq!(codes, [Some(Code::Utf8), Some(Code::Utf8), None]);
}

#[tokio::test]
async fn quirk_34_a_password_beyond_ascii_is_sent_in_utf8() {
    let script = user_and_pass();
    let (outcome, heard) = login("TOP", script, true, hasty(), "pässwörd €").await;
    assert!(outcome.is_ok(), "{outcome:?}");
    assert_eq!(heard, "CAPA\nUSER ada@mail.test\nPASS p\\xc3\\xa4ssw\\xc3\\xb6rd \\xe2\\x82\\xac\nCAPA\n");

    let script = vec![hear("\r\n"), say("+OK\r\n"), hear("CAPA\r\n"), say("-ERR\r\n")];
    let (outcome, heard) = login("SASL PLAIN", script, true, hasty(), "pässwörd €").await;
    assert!(outcome.is_ok(), "{outcome:?}");
    // printf '\0ada@mail.test\0pässwörd €' | base64
    assert_eq!(heard, "CAPA\nAUTH PLAIN AGFkYUBtYWlsLnRlc3QAcMOkc3N3w7ZyZCDigqw=\nCAPA\n");
}
