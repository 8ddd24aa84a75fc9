//! How fast answers are read, as against a plain copy of the same octets. Run it by hand, with optimisation:
//! `cargo test --release --no-default-features --lib transport::tests::speed -- --ignored --nocapture`
#![allow(clippy::print_stdout)]

use std::time::{Duration, Instant};

use super::*;
use crate::pop3::{Command, Event, Session};
use crate::transport::Retrieved;

const MESSAGES: u32 = 10_000;
const LENGTH: usize = 30_000;

/// An answer to RETR: lines of 76 octets, as of base64, and now and then one with a dot at its start.
fn answer() -> Vec<u8> {
    let mut out = b"+OK 30000 octets\r\n".to_vec();
    for line in 0.. {
        if out.len() >= LENGTH {
            break;
        }
        out.extend(if line % 50 == 0 { b"..".as_slice() } else { b"a".as_slice() });
        out.extend([b'x'; 75]);
        out.extend(b"\r\n");
    }
    out.extend(b".\r\n");
    out
}

fn logged_in_session() -> Session {
    let mut session = Session::new();
    let mut say = |command: Option<Command>, answer: &[u8]| {
        if let Some(command) = command {
            session.enqueue(&command).unwrap();
            session.wrote(session.output().len());
        }
        session.receive(answer);
        while session.poll().unwrap().is_some() {}
    };
    say(None, b"+OK\r\n");
    say(Some(Command::Capa), b"+OK\r\nPIPELINING\r\n.\r\n");
    say(Some(Command::User("u".into())), b"+OK\r\n");
    say(Some(Command::Pass("p".into())), b"+OK\r\n");
    session
}

/// The session alone: octets put into its room, messages put together.
fn decoded(wire: &[u8]) -> Duration {
    let mut session = logged_in_session();
    for number in 1..=MESSAGES {
        session.enqueue(&Command::Retr { number, octets: LENGTH as u64 }).unwrap();
    }
    let begun = Instant::now();
    let (mut complete, mut message, mut sum) = (0, Vec::with_capacity(LENGTH), 0);
    // The same answer over and over, in pieces as they come from a socket.
    for piece in wire.chunks(16 * 1024).cycle() {
        session.wrote(session.output().len());
        session.room()[..piece.len()].copy_from_slice(piece);
        session.received(piece.len());
        while let Some(event) = session.poll().unwrap() {
            match event {
                Event::Octets(octets) => message.extend_from_slice(octets),
                Event::End(_) => {
                    complete += 1;
                    sum += std::mem::replace(&mut message, Vec::with_capacity(LENGTH)).len();
                }
                _ => {}
            }
        }
        if complete == MESSAGES {
            break;
        }
    }
    assert!(sum > MESSAGES as usize * (LENGTH - 1000));
    begun.elapsed()
}

/// Each answer copied once, into memory of its own.
fn copied(wire: &[u8]) -> Duration {
    let begun = Instant::now();
    for _ in 0..MESSAGES {
        let mut message = Vec::with_capacity(LENGTH);
        message.extend_from_slice(std::hint::black_box(wire));
        std::hint::black_box(&message);
    }
    begun.elapsed()
}

/// Writes the answers to all RETRs as fast as the client takes them, one command at a time.
async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, wire: &[u8]) {
    let (_, stream) = play(stream, logged_in_with("PIPELINING", Vec::new())).await;
    let (mut reader, mut writer) = tokio::io::split(stream);
    let heard = async { tokio::io::copy(&mut reader, &mut tokio::io::sink()).await.unwrap() };
    let answered = async {
        for _ in 0..MESSAGES {
            writer.write_all(wire).await.unwrap();
        }
        writer.flush().await.unwrap();
    };
    tokio::join!(heard, answered);
}

async fn connected(wire: &[u8]) -> Duration {
    let (ours, theirs) = tokio::io::duplex(256 * 1024);
    let client = async {
        let mut connection = Connection::over(ours, &server(Security::None), hasty()).await.unwrap();
        connection.log_in(USER, &password()).await.unwrap();
        let begun = Instant::now();
        connection.request(&(1..=MESSAGES).map(|number| (number, LENGTH as u64)).collect::<Vec<_>>());
        while let Some(retrieved) = connection.next_message(&mut |_| {}).await.unwrap() {
            assert!(matches!(retrieved, Retrieved::Message { .. }));
        }
        begun.elapsed()
    };
    tokio::join!(client, serve(theirs, wire)).0
}

#[tokio::test]
#[ignore = "a measurement"]
async fn beside_a_copy() {
    let wire = answer();
    for _ in 0..3 {
        let (copy, decoded, connected) = (copied(&wire), decoded(&wire), connected(&wire).await);
        let ratio = |time: Duration| time.as_secs_f64() / copy.as_secs_f64();
        println!(
            "{MESSAGES} messages of {LENGTH} octets: copied in {copy:?}; decoded in {decoded:?}, {:.2} x; \
             over an in-memory stream in {connected:?}, {:.2} x",
            ratio(decoded),
            ratio(connected)
        );
    }
}
