//! Tests against scripted servers: exact octets, over an in-memory stream.

mod exchange;
mod faults;
mod speed;
mod trace;
mod utf8;

use std::time::Duration;

use secrecy::SecretString;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{Connection, Options, Patience, Result, TransportError};
use crate::account::{Security, Server};

const HOST: &str = "mail.test";
const USER: &str = "ada@mail.test";
const PASSWORD: &str = "correct-horse";

fn password() -> SecretString {
    PASSWORD.into()
}

fn server(security: Security) -> Server {
    Server { host: HOST.into(), port: security.default_port(), security, user: USER.into(), ca_file: None }
}

/// Short only for connecting: what hangs there is a test of its own.
fn hasty() -> Options {
    let patience = Patience { connect: Duration::from_millis(300), idle: Duration::from_secs(20) };
    Options { patience, ..Options::default() }
}

/// What a scripted server does next.
enum Step {
    Say(Vec<u8>),
    /// Reads until this has come.
    Hear(&'static str),
}

fn say(octets: impl AsRef<[u8]>) -> Step {
    Step::Say(octets.as_ref().to_vec())
}

use Step::Hear as hear;

/// Plays the script and gives back what it heard and the stream. Ends early where the client hangs up.
async fn play<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, script: Vec<Step>) -> (String, S) {
    let mut heard = Vec::new();
    for step in script {
        match step {
            Step::Say(octets) => {
                // The client may have hung up already, which the test sees on its side.
                if stream.write_all(&octets).await.is_err() || stream.flush().await.is_err() {
                    break;
                }
            }
            Step::Hear(expected) => {
                let start = heard.len();
                while !heard[start..].ends_with(expected.as_bytes()) {
                    match stream.read_u8().await {
                        Ok(octet) => heard.push(octet),
                        Err(_) => return (text(&heard), stream),
                    }
                }
            }
        }
    }
    (text(&heard), stream)
}

fn text(octets: &[u8]) -> String {
    octets.escape_ascii().to_string().replace("\\r\\n", "\n")
}

/// Plays the script, then listens until the client hangs up.
async fn play_and_listen<S: AsyncRead + AsyncWrite + Unpin>(stream: S, script: Vec<Step>) -> String {
    let (heard, mut stream) = play(stream, script).await;
    let mut rest = Vec::new();
    // However the client goes, what it said before is what counts.
    let _ = stream.read_to_end(&mut rest).await;
    heard + &text(&rest)
}

/// Runs `client` against the script over an unprotected stream. The server hangs up after its script when `stays` is
/// false. Gives the client's outcome and all that the server heard.
async fn against<T>(script: Vec<Step>, stays: bool, client: impl AsyncFnOnce(Result<Connection>) -> T) -> (T, String) {
    let (ours, theirs) = tokio::io::duplex(4096);
    let served = async { if stays { play_and_listen(theirs, script).await } else { play(theirs, script).await.0 } };
    let ours = async { client(Connection::over(ours, &server(Security::None), hasty()).await).await };
    tokio::join!(ours, served)
}

/// The script of a server without CAPA up to the TRANSACTION state, followed by `rest`.
fn logged_in(rest: Vec<Step>) -> Vec<Step> {
    let start = vec![
        say("+OK hello\r\n"),
        hear("CAPA\r\n"),
        say("-ERR what\r\n"),
        hear("USER ada@mail.test\r\n"),
        say("+OK\r\n"),
        hear("PASS correct-horse\r\n"),
        say("+OK in\r\n"),
    ];
    start.into_iter().chain(rest).collect()
}

/// The same of a server with these capabilities.
fn logged_in_with(capabilities: &str, rest: Vec<Step>) -> Vec<Step> {
    let capa = format!("+OK\r\n{capabilities}\r\n.\r\n");
    let start = vec![
        say("+OK hello\r\n"),
        hear("CAPA\r\n"),
        say(&capa),
        hear("USER ada@mail.test\r\n"),
        say("+OK\r\n"),
        hear("PASS correct-horse\r\n"),
        say("+OK in\r\n"),
        hear("CAPA\r\n"),
        say(&capa),
    ];
    start.into_iter().chain(rest).collect()
}
