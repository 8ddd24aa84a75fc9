//! Networks that lose packets, are slow, go down in the middle and come back (faults 50 and 51). The program runs in a
//! network namespace of its own, behind a real link that is made bad; whatever happens, every mail the server offered is
//! exactly once in the archive or still on the server, byte for byte.
//!
//! Needs root, `ip`, `tc` and `nft` (tests/run installs them). Where namespaces cannot be made the tests fail.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)]

#[path = "support/namespace.rs"]
mod namespace;
mod support;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, sleep};
use std::time::Duration;

use namespace::{Namespace, run};
use postkeep::demo::{Options, Server};
use support::{Dice, add_account, originals, postkeep};

/// Fetches that may be needed before all mail is here.
const ROUNDS: usize = 20;

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A network namespace with a link to this one; goes away with all that is in it.
struct Net {
    namespace: Namespace,
    /// Our end of the link, and its address; the other end has the next one.
    link: String,
    address: String,
}

impl Net {
    fn new() -> Net {
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let process = std::process::id();
        let link = format!("pk{}x{number}", process % 1_000_000);
        let base = format!("10.{}.{}", 64 + process % 64, (process / 64 + number) % 256);
        let net = Net { namespace: Namespace::new(), address: format!("{base}.1"), link };
        let (ns, link) = (&net.namespace.name, &net.link);
        run(&format!("ip link add {link} type veth peer name {link}b"));
        run(&format!("ip link set {link}b netns {ns}"));
        run(&format!("ip address add {base}.1/24 dev {link}"));
        run(&format!("ip link set {link} up"));
        run(&format!("ip -n {ns} address add {base}.2/24 dev {link}b"));
        run(&format!("ip -n {ns} address add fd77::2/64 dev {link}b nodad"));
        run(&format!("ip -n {ns} link set {link}b up"));
        run(&format!("ip netns exec {ns} nft add table inet bad"));
        run(&format!("ip netns exec {ns} nft add chain inet bad in {{ type filter hook input priority 0 ; }}"));
        run(&format!("ip netns exec {ns} nft add chain inet bad out {{ type filter hook output priority 0 ; }}"));
        net.namespace.etc("hosts", &format!("{base}.1 localhost\n"));
        net
    }

    /// Loses so many of a hundred packets, both ways.
    fn lose(&self, percent: u32) {
        for chain in ["in", "out"] {
            run(&format!("ip netns exec {} nft flush chain inet bad {chain}", self.namespace.name));
            if percent > 0 {
                let rule = format!("numgen random mod 100 < {percent} drop");
                run(&format!("ip netns exec {} nft add rule inet bad {chain} {rule}", self.namespace.name));
            }
        }
    }

    /// Answers come no faster than this, such as `400kbit`.
    fn slow(&self, rate: &str) {
        run(&format!("tc qdisc replace dev {} root tbf rate {rate} burst 4kb latency 400ms", self.link));
    }

    fn set_link(&self, state: &str) {
        run(&format!("ip link set {} {state}", self.link));
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        _ = Command::new("ip").args(["link", "del", &self.link]).stderr(Stdio::null()).status();
    }
}

/// Brings connections from the link to the server, which listens on loopback.
struct Forwarder {
    port: u16,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Forwarder {
    fn new(net: &Net, to: u16) -> Forwarder {
        let listener = TcpListener::bind((net.address.as_str(), 0)).expect("a port on the link");
        let port = listener.local_addr().expect("a port").port();
        let open = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&open);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", to)) else { return };
                let pairs = [(&client, &server), (&server, &client)];
                for (from, into) in pairs {
                    let (mut from, mut into) =
                        (from.try_clone().expect("a socket"), into.try_clone().expect("a socket"));
                    thread::spawn(move || {
                        let mut buffer = [0; 16 * 1024];
                        while let Ok(count @ 1..) = from.read(&mut buffer) {
                            if into.write_all(&buffer[..count]).is_err() {
                                break;
                            }
                        }
                        _ = into.shutdown(Shutdown::Both);
                        _ = from.shutdown(Shutdown::Both);
                    });
                }
                kept.lock().expect("a lock").extend([client, server]);
            }
        });
        Forwarder { port, open }
    }

    /// The server hangs up, on all.
    fn hang_up(&self) {
        self.open.lock().expect("a lock").drain(..).for_each(|stream| _ = stream.shutdown(Shutdown::Both));
    }
}

/// A server, the way to it, an archive with an account that leaves no copy, and what the server offered.
struct Rig {
    net: Net,
    server: Server,
    forwarder: Forwarder,
    archive: tempfile::TempDir,
    offered: Vec<Vec<u8>>,
}

impl Rig {
    fn new(options: Options) -> Rig {
        let net = Net::new();
        let server = Server::start(0, options).expect("a server");
        let forwarder = Forwarder::new(&net, server.address().port());
        let archive = tempfile::tempdir().expect("a folder");
        add_account(archive.path(), server.user(), forwarder.port, &server.ca_file(), false, server.password());
        let offered = server.messages();
        Rig { net, server, forwarder, archive, offered }
    }

    fn fetching(&self) -> Child {
        let mut command = self.net.namespace.inside(postkeep(self.archive.path()).args(["fetch", "--json"]));
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts")
    }

    /// One fetch; whether it succeeded. A failure is told in a sentence, never by a crash.
    fn fetch(&self) -> bool {
        self.ended(self.fetching())
    }

    fn ended(&self, child: Child) -> bool {
        let output = child.wait_with_output().expect("the program ends");
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(matches!(output.status.code(), Some(0 | 1)), "{:?}: {said}", output.status);
        println!("{}", said.lines().last().unwrap_or_default());
        output.status.success()
    }

    /// Every mail is exactly once here or still there.
    fn check(&self) {
        let (here, there) = (originals(self.archive.path()), self.server.messages());
        for mail in &self.offered {
            let count = here.iter().filter(|copy| *copy == mail).count();
            assert!(count <= 1, "a mail is here {count} times");
            assert!(count == 1 || there.contains(mail), "a mail is neither here nor on the server");
        }
        assert!(here.iter().all(|copy| self.offered.contains(copy)), "a mail that was never offered");
    }

    /// Fetches until all mail is here and none is on the server.
    fn finish(&self) {
        for round in 1..=ROUNDS {
            let success = self.fetch();
            self.check();
            if success && self.server.messages().is_empty() {
                println!("finished in {round} rounds");
                support::assert_same_mail(originals(self.archive.path()), self.offered.clone());
                return;
            }
        }
        panic!("not finished after {ROUNDS} fetches");
    }

    /// Waits until the server was asked for so many messages, while the program runs.
    fn wait_for_retrs(&self, count: u32, child: &mut Child) {
        while self.server.retrs() < count {
            assert!(child.try_wait().expect("a state").is_none(), "the fetch ended early");
            sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn fault_50_a_network_that_loses_every_fifth_packet() {
    let rig = Rig::new(Options::default().generated(30, 50));
    rig.net.lose(20);
    rig.finish();
}

#[test]
fn fault_50_a_slow_link_that_goes_down_and_up_and_a_black_hole_beside_it() {
    let rig = Rig::new(Options::default().generated(40, 51).pipelining(false));
    // IPv6 leads nowhere, and comes first.
    rig.net.namespace.etc("hosts", &format!("fd77::1 localhost\n{} localhost\n", rig.net.address));
    run(&format!(
        "ip netns exec {} nft add rule inet bad out meta nfproto ipv6 tcp flags syn drop",
        rig.net.namespace.name
    ));
    rig.net.slow("400kbit");
    let mut child = rig.fetching();
    rig.wait_for_retrs(3, &mut child);
    for _ in 0..2 {
        rig.net.set_link("down");
        sleep(Duration::from_millis(500));
        rig.net.set_link("up");
        sleep(Duration::from_millis(500));
    }
    rig.ended(child);
    rig.check();
    rig.net.slow("10mbit");
    rig.finish();
}

#[test]
fn fault_51_suspended_while_the_server_hangs_up() {
    let rig = Rig::new(Options::default().generated(30, 52).bytes_per_second(50_000));
    let mut child = rig.fetching();
    rig.wait_for_retrs(3, &mut child);
    let signal = |name: &str| run(&format!("kill -{name} {}", child.id()));
    signal("STOP");
    sleep(Duration::from_millis(300));
    rig.forwarder.hang_up();
    sleep(Duration::from_millis(300));
    signal("CONT");
    assert!(!rig.ended(child), "the session was cut");
    rig.check();
    assert!(!rig.server.messages().is_empty(), "it was suspended in the middle");
    rig.finish();
}

#[test]
fn a_route_is_there_or_not() {
    let net = Net::new();
    let probe = || {
        let mut command = Command::new(std::env::current_exe().expect("this test"));
        command.args(["--exact", "whether_there_is_a_route", "--ignored", "--nocapture"]);
        let output = net.namespace.inside(&command).output().expect("the probe");
        String::from_utf8_lossy(&output.stdout).contains("a route: true")
    };
    assert!(!probe(), "a link alone leads nowhere");
    run(&format!("ip -n {} route add default via {}", net.namespace.name, net.address));
    assert!(probe());
    run(&format!("ip -n {} link set {}b down", net.namespace.name, net.link));
    assert!(!probe(), "the link is down");
}

#[test]
#[ignore = "run by a_route_is_there_or_not, in a namespace"]
fn whether_there_is_a_route() {
    println!("a route: {}", postkeep::transport::has_route());
}

/// So many sessions (`POSTKEEP_SOAK`), each over a link with faults drawn by lot from `POSTKEEP_SEED`.
#[test]
#[ignore = "as long as one likes: tests/soak network COUNT"]
fn soak_network() {
    let number = |name: &str, default| std::env::var(name).ok().and_then(|word| word.parse().ok()).unwrap_or(default);
    let (count, seed) = (number("POSTKEEP_SOAK", 10), number("POSTKEEP_SEED", 50).max(1));
    let mut dice = Dice(seed);
    let mut rig = Rig::new(Options::default().messages([]));
    let mut mail = postkeep::demo::generated(usize::try_from(count * 3).expect("a count"), seed);
    for session in 1..=count {
        for message in mail.by_ref().take(3) {
            rig.server.add(message);
        }
        let new = rig.server.messages();
        let known: Vec<_> = new.into_iter().filter(|message| !rig.offered.contains(message)).collect();
        rig.offered.extend(known);
        rig.net.lose([0, 5, 20, 50][usize::try_from(dice.below(4)).expect("small")]);
        rig.net.slow(["16kbit", "400kbit", "100mbit"][usize::try_from(dice.below(3)).expect("small")]);
        let child = rig.fetching();
        sleep(Duration::from_millis(dice.below(2000)));
        match dice.below(4) {
            0 => rig.forwarder.hang_up(),
            1 => {
                rig.net.set_link("down");
                sleep(Duration::from_millis(dice.below(3000)));
                rig.net.set_link("up");
            }
            _ => {}
        }
        rig.ended(child);
        if session % 20 == 0 || session == count {
            rig.check();
        }
    }
    rig.net.lose(0);
    rig.net.slow("100mbit");
    rig.finish();
    println!("{count} sessions over bad links, seed {seed}: nothing lost, nothing doubled");
}
