//! Nothing leaves the computer, whatever a message asks for (fault 56). Every way of reaching out that is known is opened
//! in a network namespace where the kernel counts each packet, and where every name and every address there is answers:
//! through the command line, through the worker alone, and in the real window. Not one packet may be sent.
//!
//! Needs root, `ip`, `nft`, and for the window `Xvfb`, `openbox`, `xdotool` and `xprop` (tests/run installs them). Where
//! namespaces cannot be made the tests fail.
#![cfg(target_os = "linux")]
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)]
// The test of the window, and what it alone needs, is not there without the window.
#![cfg_attr(not(feature = "gui"), allow(dead_code, unused_imports))]

#[path = "support/leaks.rs"]
mod leaks;
#[path = "support/namespace.rs"]
mod namespace;
mod support;

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream, ToSocketAddrs as _, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::thread::{self, sleep};
use std::time::Duration;

use namespace::{Namespace, run};
use postkeep::render::{Limits, Page, Part, Worker};
use support::{expect, json_lines, postkeep};

/// Where the sink writes what came to it.
const LOG: &str = "POSTKEEP_SINK";
const PROGRAM: &str = env!("CARGO_BIN_EXE_postkeep");

/// A namespace from which there is a way to everywhere, and all that is sent is counted and answered.
struct Sink {
    net: Namespace,
    folder: tempfile::TempDir,
    server: Child,
}

impl Sink {
    fn new() -> Sink {
        let net = Namespace::new();
        net.etc("resolv.conf", "nameserver 198.51.100.53\noptions timeout:1 attempts:1\n");
        net.etc("nsswitch.conf", "hosts: files dns\n");
        net.etc("hosts", "127.0.0.1 localhost\n");
        let ns = &net.name;
        run(&format!("ip -n {ns} link add away type veth peer name beyond"));
        run(&format!("ip -n {ns} address add 10.99.0.2/24 dev away"));
        run(&format!("ip -n {ns} address add fd99::2/64 dev away nodad"));
        run(&format!("ip -n {ns} link set away up"));
        run(&format!("ip -n {ns} link set beyond up"));
        run(&format!("ip -n {ns} route add default dev away"));
        run(&format!("ip -n {ns} -6 route add default dev away"));
        let rules = "table inet probe {
            counter sent { }
            chain count { type filter hook output priority -300; meta l4proto != icmpv6 counter name sent; }
            chain take {
                type nat hook output priority -100;
                meta l4proto udp redirect to :5300
                meta l4proto tcp redirect to :8000
            }
        }";
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("rules");
        fs::write(&file, rules).expect("a file");
        run(&format!("ip netns exec {ns} nft -f {}", file.display()));
        let log = folder.path().join("log");
        let mut server = net.inside(this_test("the_sink").env(LOG, &log));
        let server = server.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the sink starts");
        let sink = Sink { net, folder, server };
        sink.until("the sink listens", || sink.log().contains("ready"));
        sink
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Packets that were sent in the namespace, to any address and its own too.
    fn sent(&self) -> u64 {
        let counter = ["netns", "exec", &self.net.name, "nft", "list", "counter", "inet", "probe", "sent"];
        let output = Command::new("ip").args(counter).output().expect("nft");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let number = text.split_whitespace().skip_while(|word| *word != "packets").nth(1);
        number.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no counter: {text}"))
    }

    #[track_caller]
    fn silent(&self, what: &str) {
        assert_eq!((self.sent(), self.log().as_str()), (0, "ready\n"), "{what}");
    }

    /// What is sent is seen: a name that is asked for, a page, a packet to an address, over IPv4 and IPv6.
    fn proves_itself(&self) {
        let said = self.net.inside(&this_test("the_control")).output().expect("the control");
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        self.until("the control is written down", || self.log().contains("octets: bye"));
        let log = self.log();
        for word in ["name: control.example", "page: GET /control", "page: GET /six", "octets: bye"] {
            assert!(log.contains(word), "{word} was not seen: {log}");
        }
        assert!(self.sent() > 8, "{}", self.sent());
    }

    fn until(&self, what: &str, done: impl Fn() -> bool) {
        for _ in 0..1_200 {
            if done() {
                return;
            }
            sleep(Duration::from_millis(25));
        }
        panic!("{what}: not within half a minute: {}", self.log());
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        _ = self.server.kill();
        _ = self.server.wait();
    }
}

/// One of the ignored tests below, as a program of its own.
fn this_test(name: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", name, "--ignored", "--nocapture"]);
    command
}

/// Answers every name with an address and every connection with a page, and writes down what was asked.
#[test]
#[ignore = "the sink of the other tests"]
fn the_sink() {
    let Some(log) = std::env::var_os(LOG) else { return };
    let log: &'static Mutex<fs::File> = Box::leak(Box::new(Mutex::new(fs::File::create(log).expect("a file"))));
    let note = move |line: String| writeln!(log.lock().expect("a lock"), "{line}").expect("written");
    let connections = TcpListener::bind("[::]:8000").expect("a port");
    // An answer has to come from where the question went.
    for address in ["127.0.0.1:5300", "[::1]:5300"] {
        let datagrams = UdpSocket::bind(address).expect("a port");
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok((count, from)) = datagrams.recv_from(&mut buffer) {
                match answer(&buffer[..count]) {
                    Some((name, answer)) => {
                        note(format!("name: {name}"));
                        _ = datagrams.send_to(&answer, from);
                    }
                    None => note(format!("octets: {}", buffer[..count].escape_ascii())),
                }
            }
        });
    }
    note("ready".to_owned());
    for mut stream in connections.incoming().flatten() {
        thread::spawn(move || {
            _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
            let mut buffer = [0; 4096];
            let count = stream.read(&mut buffer).unwrap_or(0);
            note(format!("page: {}", buffer[..count].escape_ascii()));
            _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        });
    }
}

/// The answer to a question of DNS (RFC 1035), and the name in it.
fn answer(query: &[u8]) -> Option<(String, Vec<u8>)> {
    if query.len() < 17 || query[2] & 0x80 != 0 || query[4..6] != [0, 1] {
        return None;
    }
    let (mut at, mut labels) = (12, Vec::new());
    while let Some(length @ 1..) = query.get(at).map(|length| usize::from(*length)) {
        labels.push(String::from_utf8_lossy(query.get(at + 1..at + 1 + length)?).into_owned());
        at += length + 1;
    }
    let question = query.get(12..at + 5)?;
    let address: &[u8] = match question[question.len() - 4..] {
        [0, 1, ..] => &[198, 51, 100, 7],
        [0, 28, ..] => &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7],
        _ => &[],
    };
    let answers = u8::from(!address.is_empty());
    let mut out = query[..2].to_vec();
    out.extend([0x81, 0x80, 0, 1, 0, answers, 0, 0, 0, 0]);
    out.extend_from_slice(question);
    if answers == 1 {
        out.extend([0xc0, 12]);
        out.extend_from_slice(&question[question.len() - 4..]);
        out.extend([0, 0, 0, 60, 0, u8::try_from(address.len()).ok()?]);
        out.extend_from_slice(address);
    }
    Some((labels.join("."), out))
}

/// What a program that leaks would do.
#[test]
#[ignore = "the control of the other tests"]
fn the_control() {
    let addresses: Vec<_> = ("control.example", 80).to_socket_addrs().expect("every name is answered").collect();
    assert!(!addresses.is_empty());
    let to: [&[std::net::SocketAddr]; 2] = [&addresses, &["[2001:db8::9]:443".parse().unwrap()]];
    for (to, page) in to.into_iter().zip(["/control", "/six"]) {
        let mut stream = TcpStream::connect(to).expect("every address answers");
        // In one piece: the sink answers what comes first and hangs up, which is a reset where more is on its way.
        stream.write_all(format!("GET {page} HTTP/1.1\r\n\r\n").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.contains("200 OK"), "{answer}");
    }
    UdpSocket::bind("0.0.0.0:0").unwrap().send_to(b"bye", "198.51.100.9:137").unwrap();
}

/// Every page as a message, and every message.
fn vectors() -> Vec<String> {
    let vectors: Vec<String> =
        leaks::leaks().iter().map(|page| leaks::message(page)).chain(leaks::messages()).collect();
    assert!(vectors.len() >= 120, "{}", vectors.len());
    vectors
}

/// The pages of one message.
const TOGETHER: usize = 12;

/// Many pages as the parts of one message, so that there are fewer to open.
fn together(pages: &[String]) -> String {
    let parts: String = pages.iter().map(|page| format!("--m\nContent-Type: text/html\n\n{page}\n")).collect();
    format!(
        "From: ann@leak.example\nSubject: s\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=m\n\n{parts}--m--\n"
    )
}

fn import(archive: &Path, messages: &[String]) {
    let folder = tempfile::tempdir().expect("a folder");
    for (number, message) in messages.iter().enumerate() {
        // Each differs, so that none is taken for another.
        let message = format!("Message-ID: <{number}@leak.example>\n{message}");
        fs::write(folder.path().join(format!("{number:04}.eml")), message).expect("a file");
    }
    expect(postkeep(archive).arg("import").arg(folder.path()), 0);
}

#[test]
fn no_message_on_the_command_line_sends_a_packet() {
    let (sink, archive) = (Sink::new(), tempfile::tempdir().unwrap());
    sink.silent("before");
    let chunks: Vec<String> = leaks::leaks().chunks(TOGETHER).map(together).chain(leaks::messages()).collect();
    import(archive.path(), &chunks);
    let listed = expect(postkeep(archive.path()).args(["list", "--limit", "1000", "--json"]), 0);
    let listed = json_lines(&listed);
    assert_eq!(listed.len(), chunks.len());
    let picture = archive.path().join("out.png");
    for row in &listed {
        let id = row["id"].to_string();
        let mut command = postkeep(archive.path());
        let shown = sink.net.inside(command.args(["show", &id, "--picture"]).arg(&picture)).output().unwrap();
        assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
        sink.silent(&format!("show {id} --picture"));
    }
    for how in ["--json", "--text", "--headers"] {
        let mut command = postkeep(archive.path());
        let shown = sink.net.inside(command.args(["show", &listed[0]["id"].to_string(), how])).status().unwrap();
        assert!(shown.success());
    }
    // Where there is no archive: files as they come.
    for (name, octets) in [
        ("page.html", leaks::leaks()[..40].concat()),
        ("mail.eml", leaks::message("<img src='http://leak.example/x'><link rel=dns-prefetch href='//leak.example'>")),
    ] {
        let file = archive.path().join(name);
        fs::write(&file, octets).unwrap();
        let mut command = Command::new(PROGRAM);
        let command = command.arg("render").arg(&file).arg("--picture").arg(&picture);
        assert!(sink.net.inside(command).status().unwrap().success());
    }
    sink.silent("the command line");
    sink.proves_itself();
}

#[test]
fn no_page_in_the_worker_sends_a_packet() {
    let sink = Sink::new();
    let program = sink.folder.path().join("inside");
    let script = format!("#!/bin/sh\nexec ip netns exec {} {PROGRAM} \"$@\"\n", sink.net.name);
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    let mut worker = Worker::new(program, Limits { time: Duration::from_secs(30), ..Limits::default() });
    let vectors = vectors();
    for vector in &vectors {
        let page = postkeep::message::page(vector.as_bytes());
        worker
            .lay(&Page { html: page.html, ..Page::default() })
            .unwrap_or_else(|failure| panic!("{failure}: {vector}"));
        worker.paint(Part { left: 0.0, top: 0.0, width: 700.0, height: 200.0 }).unwrap();
    }
    sink.silent("the worker");
    assert_eq!(worker.starts(), 1);
    println!("{} messages, 0 packets", vectors.len());
    sink.proves_itself();
}

/// A program that is ended when the test is over.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// The processes that were started by this one, by any of its threads.
fn children(of: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{of}/task")).into_iter().flatten().flatten();
    let lists = threads.map(|thread| fs::read_to_string(thread.path().join("children")).unwrap_or_default());
    lists.collect::<String>().split_whitespace().filter_map(|number| number.parse().ok()).collect()
}

fn is_worker(process: u32) -> bool {
    fs::read(format!("/proc/{process}/cmdline"))
        .is_ok_and(|line| String::from_utf8_lossy(&line).contains("--render-worker"))
}

/// The octets that a process has read; none where it has ended.
fn came_in(process: u32) -> usize {
    let counts = fs::read_to_string(format!("/proc/{process}/io")).unwrap_or_default();
    counts.lines().find_map(|line| line.strip_prefix("rchar: ")?.parse().ok()).unwrap_or(0)
}

#[test]
#[cfg(feature = "gui")]
fn no_message_in_the_window_sends_a_packet() {
    let (sink, folder) = (Sink::new(), tempfile::tempdir().unwrap());
    let messages: Vec<String> = leaks::leaks().chunks(TOGETHER).map(together).chain(leaks::messages()).collect();
    import(folder.path(), &messages);
    let mut x11 = sink.net.inside(Command::new("Xvfb").args([
        "-displayfd",
        "1",
        "-screen",
        "0",
        "1300x900x24",
        "-nolisten",
        "tcp",
    ]));
    let mut x11 = Running(x11.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("Xvfb"));
    let mut number = String::new();
    BufReader::new(x11.0.stdout.take().unwrap()).read_line(&mut number).unwrap();
    let display = format!(":{}", number.trim());
    let quiet = |command: &mut Command| {
        let mut command = sink.net.inside(command.env("DISPLAY", &display));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let _manager = Running(quiet(&mut Command::new("openbox")).spawn().expect("openbox"));
    // A window that is there before it is not given the keyboard.
    let managed = || {
        let mut asked = Command::new("xprop");
        asked.args(["-root", "_NET_SUPPORTING_WM_CHECK"]).env("DISPLAY", &display);
        let answer = sink.net.inside(&asked).output().expect("xprop").stdout;
        String::from_utf8_lossy(&answer).contains("window id")
    };
    let waited = (0..600).find(|_| {
        managed() || {
            sleep(Duration::from_millis(100));
            false
        }
    });
    assert!(waited.is_some(), "openbox did not come up");
    let mut window = postkeep(folder.path());
    let window = Running(quiet(window.env_remove("WAYLAND_DISPLAY")).spawn().expect("the window"));
    let key =
        |key: &str| assert!(quiet(Command::new("xdotool").args(["key", key])).status().expect("xdotool").success());
    let find = ["search", "--sync", "--onlyvisible", "--name", "Postkeep"];
    assert!(quiet(Command::new("timeout").args(["60", "xdotool"]).args(find)).status().expect("xdotool").success());
    let unread = || {
        let listed = expect(postkeep(folder.path()).args(["list", "--limit", "1000", "--json"]), 0);
        json_lines(&listed).iter().filter(|row| row["read"] == false).count()
    };
    // What each worker has read, the last time it was looked at: one that is slow is ended, and another goes on.
    let mut given: HashMap<u32, usize> = HashMap::new();
    let mut settle = || {
        let mut before = usize::MAX;
        for _ in 0..20 {
            for worker in children(window.0.id()).into_iter().filter(|process| is_worker(*process)) {
                let known = given.entry(worker).or_default();
                *known = came_in(worker).max(*known);
            }
            let sum = given.values().sum();
            if sum == before {
                break;
            }
            before = sum;
            sleep(Duration::from_millis(400));
        }
        before
    };
    let mut after_the_first = None;
    let mut left = unread();
    let all = left;
    assert_eq!(left, messages.len());
    // `n` opens the next; a message that is shown is read.
    for _ in 0..messages.len() * 2 {
        key("n");
        for _ in 0..60 {
            sleep(Duration::from_millis(50));
            if unread() < left {
                break;
            }
        }
        left = unread();
        let sum = settle();
        after_the_first.get_or_insert(sum);
        if left == 0 {
            break;
        }
    }
    assert_eq!(left, 0, "of {all} messages were not shown");
    // It reads its fonts for the first; behind that, pages. One that is left before it was laid out is not asked for.
    let pages: usize = leaks::leaks().iter().skip(TOGETHER).map(String::len).sum();
    let grown = settle() - after_the_first.expect("a first message");
    assert!(grown >= pages / 2, "the workers were given {grown} octets, of {pages} of pages");
    sink.silent("the window");
    println!("{all} messages in the window, 0 packets");
    sink.proves_itself();
}
