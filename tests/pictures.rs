//! Remote pictures, fetched on the user's word, from a real server over TLS: only pictures, only over https, only from the
//! public internet, within bounds, and without a word that tells who asks.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)]

#[path = "support/https.rs"]
mod https;
#[cfg(target_os = "linux")]
#[path = "support/namespace.rs"]
mod namespace;

use std::time::Duration;

use futures::StreamExt as _;
use https::{Step, Web, elsewhere, ok};
use postkeep::remote::{Fetched, Refusal, Rules, fetch};
use postkeep::render::{Picture, write_png};

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut out = Vec::new();
    let rgba = vec![90; (width * height * 4) as usize];
    write_png(&mut out, &[Picture { width, height, rgba }]).unwrap();
    out
}

/// The same picture, claiming to be of another size.
fn claiming(width: u32, height: u32) -> Vec<u8> {
    let mut out = png(10, 10);
    out[16..20].copy_from_slice(&width.to_be_bytes());
    out[20..24].copy_from_slice(&height.to_be_bytes());
    // The checksum of the header (RFC 2083), so that it is believed.
    let mut sum = u32::MAX;
    for octet in &out[12..29] {
        sum ^= u32::from(*octet);
        (0..8).for_each(|_| sum = if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 });
    }
    out[29..33].copy_from_slice(&(!sum).to_be_bytes());
    out
}

fn octets(text: &str) -> Step {
    Step::Octets(text.as_bytes().to_vec())
}

/// What the server answers to each path.
fn answer(path: &str) -> Vec<Step> {
    let forever = Duration::from_secs(3_600);
    let chunk = || [format!("{:x}\r\n", 4_096).into_bytes(), vec![b'x'; 4_096], b"\r\n".to_vec()].concat();
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    match path {
        "/a.png" | "/b.png?size=2" => ok("Content-Type: image/png\r\nSet-Cookie: who=anna\r\n", &png(10, 10)),
        "/text.png" => ok("Content-Type: text/html\r\n", &png(10, 10)),
        "/turn" => elsewhere("/a.png"),
        "/two-turns" => elsewhere("/turn"),
        "/loop" => elsewhere("/loop"),
        "/to-http" => elsewhere("http://localhost/a.png"),
        "/to-file" => elsewhere("file:///etc/passwd"),
        "/to-private" => elsewhere("https://10.0.0.1/a.png"),
        "/to-mapped" => elsewhere("https://[::ffff:192.168.1.1]/a.png"),
        "/to-cloud" => elsewhere("https://169.254.169.254/latest/meta-data"),
        "/to-router" => elsewhere("https://router/a.png"),
        "/to-tracker" => elsewhere("https://t.emltrk.com/a.png"),
        "/html" => ok("Content-Type: image/png\r\n", b"<!DOCTYPE html><html><body>No.</body></html>"),
        "/svg" => ok("Content-Type: image/svg+xml\r\n", b"<svg xmlns='http://www.w3.org/2000/svg'></svg>"),
        "/css" => ok("Content-Type: text/css\r\n", b"body { background: url(https://shop.example/x) }"),
        "/font" => ok("Content-Type: font/woff2\r\n", b"wOF2\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
        "/short" => ok("", b"\x89PNG"),
        "/empty" => ok("", b""),
        "/packed" => ok("Content-Encoding: gzip\r\n", &png(10, 10)),
        "/tiny" => ok("", &png(1, 1)),
        "/flat" => ok("", &png(600, 1)),
        "/bomb" => ok("", &claiming(50_000, 50_000)),
        "/announced" => vec![octets("HTTP/1.1 200 OK\r\nContent-Length: 9000000000\r\n\r\n"), Step::Pause(forever)],
        "/endless" => {
            let first = [format!("{:x}\r\n", png(10, 10).len()).into_bytes(), png(10, 10), b"\r\n".to_vec()].concat();
            vec![octets(chunked), Step::Octets(first), Step::Endless(chunk())]
        }
        "/endless-html" => vec![octets(chunked), Step::Endless(chunk())],
        "/silent" => vec![Step::Pause(forever)],
        "/drip" => {
            let head = octets("HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n");
            let mut steps = vec![head, Step::Octets(png(10, 10))];
            steps.extend((0..10_000).flat_map(|_| [Step::Pause(Duration::from_millis(100)), octets("x")]));
            steps
        }
        "/fields" => vec![octets("HTTP/1.1 200 OK\r\n"), Step::Endless(b"X-Field: and so on\r\n".to_vec())],
        "/cut" => {
            vec![octets("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"), Step::Octets(png(10, 10)), Step::HangUp]
        }
        "/nonsense" => vec![octets("+OK ready\r\n"), Step::HangUp],
        _ => vec![octets("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")],
    }
}

fn rules(web: &Web) -> Rules {
    Rules { ca_file: Some(web.ca_file()), loopback_for_tests: true, ..Rules::default() }
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(work)
}

fn all(addresses: &[String], rules: &Rules) -> Vec<Fetched> {
    let mut fetched: Vec<Fetched> = run(fetch(addresses.to_vec(), rules.clone()).collect());
    assert_eq!(fetched.len(), addresses.len(), "each is told of");
    fetched.sort_by_key(|one| addresses.iter().position(|address| *address == one.address));
    fetched
}

#[test]
fn pictures_come_and_nothing_else_does() {
    use Refusal::{NoPicture, NotEncrypted, NotPublic, Refused, TooLarge, TooSlow, Tracker};
    let web = Web::start(answer);
    let table: &[(&str, Result<(), Refusal>)] = &[
        ("/a.png", Ok(())),
        ("/b.png?size=2", Ok(())),
        ("/text.png", Ok(())),
        ("/turn", Ok(())),
        ("/two-turns", Ok(())),
        ("/loop", Err(Refused)),
        ("/to-http", Err(NotEncrypted)),
        ("/to-file", Err(NotEncrypted)),
        ("/to-private", Err(NotPublic)),
        ("/to-mapped", Err(NotPublic)),
        ("/to-cloud", Err(NotPublic)),
        ("/to-router", Err(NotPublic)),
        ("/to-tracker", Err(Tracker)),
        ("/track/open?who=anna", Err(Tracker)),
        ("/html", Err(NoPicture)),
        ("/svg", Err(NoPicture)),
        ("/css", Err(NoPicture)),
        ("/font", Err(NoPicture)),
        ("/short", Err(NoPicture)),
        ("/empty", Err(NoPicture)),
        ("/packed", Err(NoPicture)),
        ("/endless-html", Err(NoPicture)),
        ("/tiny", Err(Tracker)),
        ("/flat", Err(Tracker)),
        ("/bomb", Err(TooLarge)),
        ("/announced", Err(TooLarge)),
        ("/endless", Err(TooLarge)),
        ("/silent", Err(TooSlow)),
        ("/drip", Err(TooSlow)),
        ("/fields", Err(Refused)),
        ("/cut", Err(Refused)),
        ("/nonsense", Err(Refused)),
        ("/none", Err(Refused)),
    ];
    let addresses: Vec<String> = table.iter().map(|(path, _)| web.address(path)).collect();
    // Those that never come wait for no more than a few seconds.
    let rules = Rules { time: Duration::from_secs(6), octets: 1_000_000, ..rules(&web) };
    for (fetched, (path, expected)) in all(&addresses, &rules).into_iter().zip(table) {
        assert_eq!(fetched.octets.as_ref().map(|_| ()).map_err(|refusal| *refusal), *expected, "{path}");
        assert!(fetched.octets.is_err() || fetched.octets == Ok(png(10, 10)), "{path}");
    }
}

#[test]
fn nothing_tells_who_asks() {
    let web = Web::start(answer);
    let twice = [web.address("/turn"), web.address("/a.png"), web.address("/b.png?size=2#part")];
    let secret = [format!("https://anna:secret@localhost:{}/a.png", web.port)];
    for addresses in [&twice[..], &twice[..], &secret[..]] {
        assert!(all(addresses, &rules(&web)).iter().all(|one| one.octets.is_ok()));
    }
    let heard = web.heard();
    assert_eq!(heard.len(), 9);
    for head in &heard {
        let lower = head.to_ascii_lowercase();
        let fields: Vec<&str> = lower.lines().skip(2).filter_map(|line| Some(line.split_once(':')?.0)).collect();
        assert_eq!(fields, ["host", "user-agent", "accept", "accept-encoding"], "{head}");
        for word in ["anna", "secret", "postkeep", "linux", "part", "cookie"] {
            assert!(!lower.contains(word), "{word}: {head}");
        }
    }
}

#[test]
fn what_is_not_https_or_not_public_is_not_even_connected_to() {
    let web = Web::start(answer);
    let strict = Rules { loopback_for_tests: false, ..rules(&web) };
    for (address, expected) in [
        (web.address("/a.png"), Refusal::NotPublic),
        (format!("https://127.0.0.1:{}/a.png", web.port), Refusal::NotPublic),
        (format!("http://localhost:{}/a.png", web.port), Refusal::NotEncrypted),
        ("https://[::1]/a.png".to_owned(), Refusal::NotPublic),
        ("file:///etc/passwd".to_owned(), Refusal::NotEncrypted),
        ("\\\\host\\share".to_owned(), Refusal::NotPublic),
    ] {
        let [fetched] = &all(&[address], &strict)[..] else { panic!("one") };
        assert_eq!(fetched.octets, Err(expected), "{}", fetched.address);
    }
    // One that is allowed, behind which none of those before can be still on its way.
    assert!(all(&[web.address("/a.png")], &rules(&web))[0].octets.is_ok());
    assert_eq!(web.connections(), 1);
}

#[test]
fn a_server_that_cannot_prove_who_it_is_is_not_asked() {
    let web = Web::start(answer);
    let stranger = Rules { ca_file: None, ..rules(&web) };
    let other_name = format!("https://127.0.0.1:{}/a.png", web.port);
    assert_eq!(all(&[web.address("/a.png")], &stranger)[0].octets, Err(Refusal::NotReached));
    assert!(web.heard().is_empty());
    assert!(all(&[other_name], &rules(&web))[0].octets.is_ok(), "the name in the certificate");
    let nobody = format!(
        "https://localhost:{}/a.png",
        std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
    );
    assert_eq!(all(&[nobody], &rules(&web))[0].octets, Err(Refusal::NotReached));
}

#[test]
fn there_are_bounds_for_all_together() {
    let web = Web::start(|path| match path {
        "/silent" => vec![Step::Pause(Duration::from_secs(3_600))],
        _ => ok("", &png(40, 40)),
    });
    let many: Vec<String> = (0..12).map(|number| web.address(&format!("/{number}.png"))).collect();
    let one = png(40, 40).len();
    for (rules, expected) in [
        (Rules { most: 5, ..rules(&web) }, Refusal::TooMany),
        (Rules { all_octets: one * 5, beside: 1, ..rules(&web) }, Refusal::TooLarge),
    ] {
        let fetched = all(&many, &rules);
        let came = fetched.iter().filter(|one| one.octets.is_ok()).count();
        let refused = fetched.iter().filter(|one| one.octets == Err(expected)).count();
        assert_eq!((came, refused), (5, 7), "{expected:?}");
    }
    let silent: Vec<String> = (0..4).map(|_| web.address("/silent")).collect();
    let rules = Rules { all_time: Duration::from_secs(2), beside: 1, ..rules(&web) };
    let fetched: Vec<Fetched> = run(fetch(silent, rules).collect());
    assert!(fetched.iter().all(|one| one.octets == Err(Refusal::TooSlow)));
    // The others were given up with the first, and not asked for.
    assert_eq!(web.heard().iter().filter(|head| head.contains("/silent")).count(), 1);
}

/// Where a name leads is looked at where the connection goes: in a network namespace where names lead where they like.
#[cfg(target_os = "linux")]
#[test]
fn a_name_that_changes_its_mind_is_no_way_in() {
    let net = namespace::Namespace::new();
    net.etc("hosts", "127.0.0.1 localhost\n");
    for address in ["93.184.216.34/32", "10.1.2.3/32"] {
        namespace::run(&format!("ip -n {} address add {address} dev lo", net.name));
    }
    let mut test = std::process::Command::new(std::env::current_exe().unwrap());
    test.args(["--exact", "in_a_namespace", "--ignored", "--nocapture"]).env("POSTKEEP_NAMESPACE", &net.name);
    let output = net.inside(&test).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "the inside of the test above"]
fn in_a_namespace() {
    // Outside of one it would change names of the system.
    let Some(name) = std::env::var_os("POSTKEEP_NAMESPACE") else { return };
    let hosts = std::path::Path::new("/etc/netns").join(name).join("hosts");
    let web = Web::at("[::]:443".parse().unwrap(), answer);
    let rules = Rules { loopback_for_tests: false, ..rules(&web) };
    let address = "https://www.shop.example/a.png".to_owned();
    let refused = |result: Refusal| Some(result);
    for (leads_to, expected, at) in [
        (&["93.184.216.34"][..], None, Some("93.184.216.34")),
        (&["127.0.0.1"][..], refused(Refusal::NotPublic), None),
        (&["10.1.2.3"][..], refused(Refusal::NotPublic), None),
        (&["::ffff:10.1.2.3"][..], refused(Refusal::NotPublic), None),
        (&["::1"][..], refused(Refusal::NotPublic), None),
        (&["10.1.2.3", "93.184.216.34"][..], None, Some("93.184.216.34")),
        (&["10.1.2.3", "::1", "127.0.0.1"][..], refused(Refusal::NotPublic), None),
        (&[][..], refused(Refusal::NotReached), None),
    ] {
        let lines: String = leads_to.iter().map(|address| format!("{address} www.shop.example\n")).collect();
        std::fs::write(&hosts, format!("127.0.0.1 localhost\n{lines}")).unwrap();
        let before = web.heard().len();
        let fetched = all(std::slice::from_ref(&address), &rules).remove(0);
        assert_eq!(fetched.octets.err(), expected, "{leads_to:?}");
        let heard: Vec<String> = web.heard().split_off(before);
        let came_to: Vec<&str> = heard.iter().filter_map(|head| head.lines().next()).collect();
        assert_eq!(came_to, at.into_iter().collect::<Vec<_>>(), "{leads_to:?}");
    }
}
