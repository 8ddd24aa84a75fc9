//! The demo server against a small client of the tests' own: raw octets over rustls, nothing of `pop3` or `transport`.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{self, ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::{Act, BadCertificate, Capa, Cut, Door, End, Fault, Lie, Moment, Options, Server, Stls, Verb, When};
use crate::account::Security;

type Tls = StreamOwned<ClientConnection, TcpStream>;

enum Client {
    Plain(TcpStream),
    Tls(Box<Tls>),
}

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.address()).unwrap();
    // Only so that a broken server cannot hang the tests.
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

fn tls(server: &Server, stream: TcpStream) -> Tls {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(server.ca_file()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(server.host()).unwrap();
    StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), stream)
}

impl Client {
    /// Connected over TLS, the greeting read.
    fn new(server: &Server) -> Client {
        let mut client = Client::Tls(Box::new(tls(server, connect(server))));
        assert_eq!(client.line(), "+OK Postkeep demo server ready");
        client
    }

    fn logged_in(server: &Server) -> Client {
        let mut client = Client::new(server);
        client.log_in();
        client
    }

    fn log_in(&mut self) {
        assert!(self.ask("USER anna@example.org").starts_with("+OK"));
        assert!(self.ask("PASS kettle-and-keys").starts_with("+OK"));
    }

    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Client::Plain(stream) => stream.read(buffer),
            Client::Tls(stream) => stream.read(buffer),
        }
    }

    fn send(&mut self, octets: &[u8]) {
        match self {
            Client::Plain(stream) => stream.write_all(octets).unwrap(),
            Client::Tls(stream) => stream.write_all(octets).unwrap(),
        }
    }

    /// One line with its end taken off; empty at the end of the stream.
    fn line(&mut self) -> String {
        let mut line = Vec::new();
        let mut octet = [0];
        while self.read(&mut octet).unwrap() == 1 {
            line.extend_from_slice(&octet);
            if line.ends_with(b"\r\n") {
                line.truncate(line.len() - 2);
                break;
            }
        }
        String::from_utf8_lossy(&line).into_owned()
    }

    fn ask(&mut self, command: &str) -> String {
        self.send(format!("{command}\r\n").as_bytes());
        self.line()
    }

    /// The octets after the status line up to the terminator, as on the wire.
    fn wire(&mut self) -> Vec<u8> {
        let mut octets = b"\r\n".to_vec();
        let mut octet = [0];
        while !octets.ends_with(b"\r\n.\r\n") {
            assert_eq!(self.read(&mut octet).unwrap(), 1, "the answer ends early");
            octets.extend_from_slice(&octet);
        }
        octets[2..octets.len() - 3].to_vec()
    }

    /// A multi-line answer, unstuffed.
    fn ask_long(&mut self, command: &str) -> Vec<u8> {
        let status = self.ask(command);
        assert!(status.starts_with("+OK"), "{command}: {status}");
        let stuffed = [b"\r\n".as_slice(), &self.wire()].concat();
        let mut plain = Vec::new();
        let mut at = 0;
        while at < stuffed.len() {
            plain.push(stuffed[at]);
            at += if stuffed[at..].starts_with(b"\n.") && plain.ends_with(b"\r\n") { 2 } else { 1 };
        }
        plain[2..].to_vec()
    }

    fn lines(&mut self, command: &str) -> Vec<String> {
        String::from_utf8(self.ask_long(command)).unwrap().lines().map(str::to_owned).collect()
    }

    /// All that still comes, and how the stream ended.
    fn rest(&mut self) -> (Vec<u8>, std::io::Result<()>) {
        let mut octets = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            match self.read(&mut buffer) {
                Ok(0) => return (octets, Ok(())),
                Ok(count) => octets.extend_from_slice(&buffer[..count]),
                Err(error) => return (octets, Err(error)),
            }
        }
    }
}

fn three() -> Options {
    let messages = [
        "Subject: one\r\n\r\nfirst\r\n",
        "Subject: two\r\n\r\na\r\n.b\r\n..\r\n\r\n.\r\nc\r\n",
        "Subject: three\r\n\r\nend",
    ];
    Options::default().messages(messages.map(|message| message.as_bytes().to_vec()))
}

/// Waits until the server has noted the end of so many connections.
fn wait_for_ends(server: &Server, count: usize) {
    while server.sessions().iter().filter(|session| session.end != End::StillOpen).count() < count {
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn every_command_answers() {
    let server = Server::start(0, three()).unwrap();
    let mut client = Client::new(&server);
    let capabilities = client.lines("CAPA");
    for capability in ["TOP", "UIDL", "PIPELINING", "USER", "SASL PLAIN", "RESP-CODES"] {
        assert!(capabilities.iter().any(|line| line == capability), "{capability} of {capabilities:?}");
    }
    assert!(client.ask("STAT").starts_with("-ERR"), "not before the login");
    client.log_in();
    let sizes: Vec<usize> = server.messages().iter().map(Vec::len).collect();
    assert_eq!(client.ask("STAT"), format!("+OK 3 {}", sizes.iter().sum::<usize>()));
    let list: Vec<String> = sizes.iter().enumerate().map(|(at, size)| format!("{} {size}", at + 1)).collect();
    assert_eq!(client.lines("LIST"), list);
    assert_eq!(client.ask("LIST 2"), format!("+OK {}", list[1]));
    let uidl: Vec<String> = server.uidls().iter().enumerate().map(|(at, uidl)| format!("{} {uidl}", at + 1)).collect();
    assert_eq!(client.lines("uidl"), uidl);
    assert_eq!(client.ask("UIDL 3"), format!("+OK {}", uidl[2]));
    assert_eq!(client.ask_long("TOP 2 1"), b"Subject: two\r\n\r\na\r\n");
    for refused in ["RETR 0", "RETR 4", "RETR", "RETR x", "DELE 4", "LIST 9", "TOP 1", "XYZZY", "STLS"] {
        assert!(client.ask(refused).starts_with("-ERR"), "{refused}");
    }
    assert_eq!(client.ask("NOOP"), "+OK nothing done");
    assert!(client.ask("QUIT").starts_with("+OK"));
    assert!(client.rest().1.is_ok(), "closed with close_notify");
    wait_for_ends(&server, 1);
    let session = &server.sessions()[0];
    assert_eq!((session.end, session.encrypted, session.logged_in), (End::Quit, true, true));
    assert_eq!(session.commands[..4], ["CAPA", "STAT", "USER anna@example.org", "PASS ****"]);
}

#[test]
fn messages_come_stuffed_and_whole() {
    let server = Server::start(0, three()).unwrap();
    let mut client = Client::logged_in(&server);
    assert!(client.ask("RETR 2").starts_with("+OK"));
    assert_eq!(client.wire(), b"Subject: two\r\n\r\na\r\n..b\r\n...\r\n\r\n..\r\nc\r\n");
    assert_eq!(server.messages()[2], b"Subject: three\r\n\r\nend\r\n");
    for (at, message) in server.messages().iter().enumerate() {
        assert_eq!(client.ask_long(&format!("RETR {}", at + 1)), *message);
    }
    assert_eq!(server.retrs(), 4);
}

#[test]
fn generated_messages_come_whole_with_their_edge_cases() {
    let server = Server::start(0, Options::default().generated(200, 11)).unwrap();
    let mut client = Client::logged_in(&server);
    let messages = server.messages();
    for (at, message) in messages.iter().enumerate().skip(15).step_by(16) {
        assert!(client.ask_long(&format!("RETR {}", at + 1)) == *message, "message {at} differs");
    }
}

#[test]
fn commands_may_come_pipelined() {
    let server = Server::start(0, three()).unwrap();
    let mut client = Client::logged_in(&server);
    client.send(b"RETR 1\r\nRETR 3\r\nNOOP\r\nDELE 1\r\nSTAT\r\nQUIT\r\n");
    let octets = String::from_utf8(client.rest().0).unwrap();
    let expected = "+OK 23 octets\r\nSubject: one\r\n\r\nfirst\r\n.\r\n+OK 23 octets\r\nSubject: three\r\n\r\nend\r\n.\r\n\
        +OK nothing done\r\n+OK deleted at QUIT\r\n+OK 2 ";
    assert!(octets.starts_with(expected), "{octets}");
    assert!(octets.ends_with("+OK goodbye\r\n"), "{octets}");
    assert!(server.sessions()[0].pipelined);
    assert_eq!(server.removed(), 1);
}

#[test]
fn dele_takes_effect_at_quit_only() {
    let server = Server::start(0, three()).unwrap();
    let uidls = server.uidls();
    let mut client = Client::logged_in(&server);
    assert!(client.ask("DELE 1").starts_with("+OK"));
    assert!(client.ask("DELE 1").starts_with("-ERR"));
    assert!(client.ask("RETR 1").starts_with("-ERR"));
    assert_eq!(client.lines("LIST").len(), 2);
    assert!(client.ask("RSET").starts_with("+OK"));
    assert_eq!(client.lines("UIDL").len(), 3);
    assert!(client.ask("DELE 2").starts_with("+OK"));
    // The connection is cut: nothing is removed.
    drop(client);
    wait_for_ends(&server, 1);
    assert_eq!((server.uidls(), server.removed()), (uidls.clone(), 0));
    assert_eq!(server.sessions()[0].end, End::ByClient);
    let mut client = Client::logged_in(&server);
    assert!(client.ask("DELE 2").starts_with("+OK"));
    server.add(b"Subject: new\r\n\r\n".to_vec());
    assert!(client.ask("QUIT").starts_with("+OK"));
    assert_eq!(server.uidls().len(), 3);
    assert!(!server.uidls().contains(&uidls[1]));
    assert_eq!((server.removed(), server.deles()), (1, 4));
}

#[test]
fn logins() {
    let server = Server::start(0, three()).unwrap();
    let plain = super::base64::encode(b"\0anna@example.org\0kettle-and-keys");
    let wrong = super::base64::encode(b"\0anna@example.org\0kettle");
    let mut client = Client::new(&server);
    assert_eq!(client.ask("PASS kettle-and-keys"), "-ERR USER first");
    assert_eq!(server.credentials_seen(), 1);
    assert!(client.ask("USER anna@example.org").starts_with("+OK"));
    assert!(client.ask("PASS nonsense").starts_with("-ERR [AUTH]"));
    assert!(client.ask(&format!("AUTH PLAIN {wrong}")).starts_with("-ERR [AUTH]"));
    assert!(client.ask("AUTH CRAM-MD5").starts_with("-ERR"));
    assert_eq!(client.ask("AUTH PLAIN"), "+ ");
    assert!(client.ask("*").starts_with("-ERR"));
    assert_eq!(client.ask("AUTH PLAIN"), "+ ");
    assert!(client.ask(&plain).starts_with("+OK"));
    let mut other = Client::new(&server);
    assert!(other.ask(&format!("auth plain {plain}")).starts_with("+OK"));
    let commands: Vec<String> = server.sessions().into_iter().flat_map(|session| session.commands).collect();
    assert!(!commands.iter().any(|line| line.contains("kettle") || line.contains(&plain)), "{commands:?}");
}

#[test]
fn certificates_that_must_be_refused_are_and_the_server_mends() {
    let server = Server::start(0, three()).unwrap();
    let kinds = [
        (BadCertificate::Expired, "Expired"),
        (BadCertificate::NotYetValid, "NotValidYet"),
        (BadCertificate::WrongHost, "NotValidForName"),
        (BadCertificate::SelfSigned, "UnknownIssuer"),
        (BadCertificate::UnknownAuthority, "UnknownIssuer"),
    ];
    for (kind, why) in kinds {
        server.set_door(Door::Certificate(kind)).unwrap();
        let mut stream = tls(&server, connect(&server));
        let error = stream.read(&mut [0]).unwrap_err();
        assert!(format!("{error:?}").contains(why), "{kind:?}: {error:?}");
    }
    server.mend().unwrap();
    Client::logged_in(&server);
    assert_eq!(server.credentials_seen(), 2);
}

#[test]
fn doors_that_speak_no_tls() {
    let server = Server::start(0, three()).unwrap();
    let doors = [
        (Door::Plaintext, "InvalidContentType"),
        (Door::Http, "InvalidContentType"),
        (Door::Garbage, "InvalidContentType"),
        (Door::OldTls, "ServerDoesNotSupportTls12Or13"),
        (Door::Alert, "InternalError"),
        (Door::Close, ""),
    ];
    for (door, why) in doors {
        server.set_door(door.clone()).unwrap();
        let mut stream = tls(&server, connect(&server));
        let error = stream.read(&mut [0]).unwrap_err();
        assert!(format!("{error:?}").contains(why), "{door:?}: {error:?}");
    }
    server.set_door(Door::Hang).unwrap();
    let mut stream = connect(&server);
    stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    stream.write_all(b"USER anna@example.org\r\n").unwrap();
    assert!([ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&stream.read(&mut [0]).unwrap_err().kind()));
    drop(stream);
    wait_for_ends(&server, 7);
    assert_eq!(server.credentials_seen(), 1, "a user's name in clear is seen also where no POP3 is spoken");
}

#[test]
fn stls_and_its_faults() {
    let start = |stls| Server::start(0, three().security(Security::StartTls).stls(stls)).unwrap();
    let greet = |server: &Server| {
        let mut client = Client::Plain(connect(server));
        assert!(client.line().starts_with("+OK"));
        client
    };
    let server = start(Stls::Works);
    let mut client = greet(&server);
    let before = client.lines("CAPA");
    assert!(before.contains(&"STLS".to_owned()) && !before.contains(&"USER".to_owned()));
    assert!(client.ask("USER anna@example.org").starts_with("-ERR"), "not before STLS");
    assert!(client.ask("STLS").starts_with("+OK"));
    let Client::Plain(stream) = client else { panic!("plain until now") };
    let mut client = Client::Tls(Box::new(tls(&server, stream)));
    assert!(!client.lines("CAPA").contains(&"STLS".to_owned()));
    client.log_in();
    assert!(server.sessions()[0].encrypted);

    let server = start(Stls::Stripped);
    let mut client = greet(&server);
    assert!(!client.lines("CAPA").contains(&"STLS".to_owned()));
    assert!(client.ask("STLS").starts_with("-ERR"));
    client.log_in();
    assert_eq!(server.credentials_seen(), 2, "who falls for it is seen");

    let server = start(Stls::Refused);
    let mut client = greet(&server);
    assert!(client.lines("CAPA").contains(&"STLS".to_owned()));
    assert!(client.ask("STLS").starts_with("-ERR"));

    let server = start(Stls::Injected);
    let mut client = greet(&server);
    assert!(client.ask("STLS").starts_with("+OK"));
    assert_eq!(client.line(), "+OK capabilities follow");
}

#[test]
fn a_retr_is_cut_where_and_how_it_was_asked() {
    for (cut, ends_well) in [(Cut::Reset, false), (Cut::Silent, false), (Cut::Proper, true)] {
        let server = Server::start(0, three().fault(Fault::cut_retr(2, 30, cut))).unwrap();
        let mut client = Client::logged_in(&server);
        client.ask_long("RETR 1");
        client.send(b"RETR 2\r\n");
        let (octets, end) = client.rest();
        if cut != Cut::Reset {
            assert_eq!(octets, b"+OK 35 octets\r\nSubject: two\r\n\r"[..30]);
        }
        assert_eq!(end.is_ok(), ends_well, "{cut:?}: {end:?}");
        wait_for_ends(&server, 1);
        assert_eq!(server.sessions()[0].end, End::ByFault);
        // The second RETR was cut; the third is not.
        Client::logged_in(&server).ask_long("RETR 2");
    }
}

#[test]
fn quit_is_dropped_before_or_after_it_removed() {
    for (removed_first, left) in [(false, 3), (true, 2)] {
        let server = Server::start(0, three().fault(Fault::drop_at_quit(removed_first, Cut::Silent))).unwrap();
        let mut client = Client::logged_in(&server);
        client.ask("DELE 1");
        client.send(b"QUIT\r\n");
        let (octets, end) = client.rest();
        assert!(octets.is_empty() && end.is_err());
        assert_eq!(server.messages().len(), left);
    }
}

#[test]
fn answers_are_changed_as_asked() {
    let options = three()
        .fault(Fault::refuse(Verb::Retr, When::Message(2), "[SYS/TEMP] try later"))
        .fault(Fault::refuse(Verb::Uidl, When::Nth(1), "not today"))
        .fault(Fault::refuse(Verb::Dele, When::Nth(2), "no"))
        .fault(Fault::new(Verb::Noop, When::Always, Act::Append(b"+OK injected\r\n".to_vec())))
        .fault(Fault::new(Verb::Stat, When::Always, Act::Answer(b"+OK nonsense\r\n".to_vec())))
        .fault(Fault::new(Verb::Quit, When::Session(1), Act::RefuseAfter("some not removed".to_owned())));
    let server = Server::start(0, options).unwrap();
    let mut client = Client::logged_in(&server);
    assert_eq!(client.ask("RETR 2"), "-ERR [SYS/TEMP] try later");
    client.ask_long("RETR 1");
    assert_eq!(client.ask("UIDL"), "-ERR not today");
    assert_eq!(client.lines("UIDL").len(), 3);
    assert_eq!(client.ask("NOOP"), "+OK nothing done");
    assert_eq!(client.line(), "+OK injected");
    assert_eq!(client.ask("STAT"), "+OK nonsense");
    assert_eq!(client.ask("DELE 1"), "+OK deleted at QUIT");
    assert_eq!(client.ask("DELE 2"), "-ERR no");
    assert_eq!(client.ask("QUIT"), "-ERR some not removed");
    assert_eq!(server.messages().len(), 2);
}

#[test]
fn refusals_before_the_login() {
    let server =
        Server::start(0, three().fault(Fault::refuse(Verb::Greeting, When::Session(1), "[IN-USE] later"))).unwrap();
    let mut client = Client::Tls(Box::new(tls(&server, connect(&server))));
    assert_eq!(client.line(), "-ERR [IN-USE] later");
    Client::logged_in(&server);
    let server = Server::start(0, three().refuse_login("[AUTH] no").capa(Capa::Unknown)).unwrap();
    let mut client = Client::new(&server);
    assert!(client.ask("CAPA").starts_with("-ERR"));
    client.ask("USER anna@example.org");
    assert_eq!(client.ask("PASS kettle-and-keys"), "-ERR [AUTH] no");
    let server = Server::start(0, three().cut_pipelining()).unwrap();
    let mut client = Client::logged_in(&server);
    client.send(b"NOOP\r\nNOOP\r\n");
    assert!(client.rest().0.is_empty());
}

#[test]
fn listings_that_lie() {
    let uidls = |options: Options, sessions: usize| -> Vec<Vec<String>> {
        let server = Server::start(0, options).unwrap();
        (0..sessions).map(|_| Client::logged_in(&server).lines("UIDL")).collect()
    };
    let once = uidls(three().lie(Lie::EmptyOnce), 2);
    assert_eq!((once[0].len(), once[1].len()), (0, 3));
    let renumbered = uidls(three().lie(Lie::RenumberedUidls), 3);
    assert!(renumbered[0] != renumbered[1] && renumbered[1] != renumbered[2]);
    assert_eq!(uidls(three().lie(Lie::ShortUidl(2)), 1)[0].len(), 1);
    assert!(uidls(three().lie(Lie::RepeatedUidl), 1)[0].iter().all(|line| line.ends_with(" the-one-and-only")));
    let reversed = uidls(three().lie(Lie::ReversedOrder), 2);
    assert_eq!(reversed[0][0].split(' ').nth(1), reversed[1][2].split(' ').nth(1));
    let words = ["0", "-1", "99999999999999999999"].map(str::to_owned).to_vec();
    let server = Server::start(0, three().lie(Lie::Sizes(words))).unwrap();
    let mut client = Client::logged_in(&server);
    assert_eq!(client.lines("LIST"), ["1 0", "2 -1", "3 99999999999999999999"]);
    server.mend().unwrap();
    server.renumber();
    assert!(Client::logged_in(&server).lines("UIDL").iter().all(|line| line.contains("g1-")));
}

#[test]
fn the_journal_tells_the_phases() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let options = three()
        .journal(&path)
        .bytes_per_second(4_000)
        .pause(Verb::Retr, Moment::Amid, Duration::from_millis(5))
        .pause(Verb::Quit, Moment::After, Duration::from_millis(5));
    let server = Server::start(0, options).unwrap();
    let mut client = Client::logged_in(&server);
    client.ask_long("RETR 1");
    client.ask("DELE 1");
    client.ask("QUIT");
    wait_for_ends(&server, 1);
    let states: Vec<String> = std::fs::read_to_string(&path)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["state"].as_str().unwrap().to_owned())
        .collect();
    let answered = |verb: &str| [verb.to_owned(), format!("done {verb}"), "idle".to_owned()];
    let mut expected = vec!["open".to_owned()];
    expected.extend(["greeting", "USER", "PASS", "RETR", "DELE", "QUIT"].into_iter().flat_map(answered));
    expected.push("closed".to_owned());
    assert_eq!(states, expected);
    assert_eq!(server.phase(), "closed");
}

#[test]
fn a_stopped_server_drops_its_connections_and_its_folder() {
    let server = Server::start(0, three()).unwrap();
    let ca_file = server.ca_file();
    let mut client = Client::logged_in(&server);
    drop(server);
    assert!(client.rest().1.is_err(), "open connections are dropped");
    assert!(!ca_file.exists());
}

#[tokio::test]
async fn a_server_starts_and_stops_within_a_runtime() {
    let server = Server::start(0, three()).unwrap();
    let taken = Server::start(server.address().port(), three());
    assert!(taken.is_err(), "the port is taken");
}

#[test]
fn the_folder_is_the_users_alone() {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let server = Server::start(0, three()).unwrap();
        let folder = server.ca_file().parent().unwrap().metadata().unwrap();
        assert_eq!(folder.permissions().mode() & 0o777, 0o700);
    }
}
