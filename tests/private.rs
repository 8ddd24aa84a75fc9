//! FAULTS.md 64-66: what the program leaves and says, whatever it does. A password nowhere; mail in the archive and what
//! the user asked for, nowhere else; nothing that others may read; nothing that commands a terminal.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use postkeep::demo::{Act, Cut, Fault, Moment, Options, Server, Verb, When};
use support::{expect, postkeep};

const PASSWORD: &str = "canary-Vogelsang-7719";
const SUBJECT: &str = "canarysubjectquetzal";
const BODY: &str = "canarybodykookaburra";
const FILE: &str = "canaryfilenandu.txt";

/// A home, a folder for temporary files, and an archive of the program's own, so that all it leaves can be looked at.
struct Place {
    folder: tempfile::TempDir,
    /// All that any command printed: stdout and stderr.
    said: Vec<(String, Output)>,
}

impl Place {
    fn new() -> Place {
        let folder = support::rig::folder();
        for name in ["home", "tmp", "secret", "out"] {
            fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        fs::write(folder.path().join("secret/password"), format!("{PASSWORD}\n")).expect("a file");
        Place { folder, said: Vec::new() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program with every file open to all, as far as its user's settings go.
    fn command(&self, arguments: &[&str]) -> Command {
        let program = env!("CARGO_BIN_EXE_postkeep");
        let mut command = Command::new("sh");
        command.args(["-c", "umask 000; exec \"$@\"", "sh", program, "--archive"]).arg(self.path("archive"));
        command.args(arguments).stdin(Stdio::null());
        command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").env_remove("DBUS_SESSION_BUS_ADDRESS");
        command.env("HOME", self.path("home")).env("TMPDIR", self.path("tmp")).env("POSTKEEP_LOG", "trace");
        for name in ["XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"] {
            command.env_remove(name);
        }
        command
    }

    fn run(&mut self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).output().expect("the program starts");
        self.said.push((arguments.join(" "), output.clone()));
        output
    }

    fn add_account(&mut self, server: &Server) {
        let port = server.address().port().to_string();
        let (ca, command) = (server.ca_file(), format!("cat '{}'", self.path("secret/password").display()));
        let (ca, address) = (ca.to_str().expect("UTF-8").to_owned(), server.user().to_owned());
        let output = self.run(&[
            "account",
            "add",
            &address,
            "--host",
            "localhost",
            "--port",
            &port,
            "--user",
            &address,
            "--leave-copy",
            "off",
            "--password-command",
            &command,
            "--ca",
            &ca,
        ]);
        assert!(output.status.success(), "{output:?}");
    }

    /// Every file below, with its bytes.
    fn files(&self, names: &[&str]) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        for name in names {
            walk(&self.path(name), &mut |path| {
                if path.is_file() {
                    found.push((path.to_owned(), fs::read(path).expect("readable")));
                }
            });
        }
        found
    }
}

fn walk(path: &Path, see: &mut dyn FnMut(&Path)) {
    see(path);
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("a folder") {
            walk(&entry.expect("an entry").path(), see);
        }
    }
}

fn holds(octets: &[u8], word: &str) -> bool {
    octets.windows(word.len()).any(|window| window == word.as_bytes())
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

fn mails() -> Vec<Vec<u8>> {
    let with_file = format!(
        "From: Ann <ann@example.org>\r\nSubject: {SUBJECT}\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\n{BODY}\r\n--x\r\n\
         Content-Disposition: attachment; filename={FILE}\r\n\r\ninside\r\n--x--\r\n"
    );
    let plain = format!("From: bob@example.org\r\nSubject: {SUBJECT} two\r\n\r\n{BODY}\r\n");
    vec![with_file.into_bytes(), plain.into_bytes()]
}

fn options() -> Options {
    Options::default().messages(mails()).password(PASSWORD)
}

/// Everything that the program does, and everything that goes wrong at a server.
fn all_scenarios(place: &mut Place) {
    let server = Server::start(0, options()).expect("a server");
    place.add_account(&server);
    let address = server.user().to_owned();
    place.run(&["account", "test", &address]);
    let echoes = [PASSWORD, &base64(&format!("\0{address}\0{PASSWORD}"))].map(str::to_owned);
    let mut faults = vec![
        Fault::cut_retr(1, 60, Cut::Reset),
        Fault::new(Verb::Auth, When::Always, Act::Answer(format!("{}\r\n", echoes[0]).into_bytes())),
        Fault::new(Verb::Auth, When::Always, Act::Hang),
        Fault::new(Verb::Stat, When::Always, Act::Answer(b"+OK\r\n+OK more\r\n".to_vec())),
    ];
    for echo in &echoes {
        faults.push(Fault::refuse(Verb::Auth, When::Always, &format!("unknown command: AUTH PLAIN {echo}")));
        faults.push(Fault::refuse(Verb::Auth, When::Always, &format!("[AUTH] not \"{echo}\"")));
    }
    for fault in faults {
        let hangs = fault.act == Act::Hang;
        server.play(fault);
        if hangs {
            // Killed in the middle of the login.
            let mut child =
                place.command(&["fetch", &address]).stderr(Stdio::piped()).spawn().expect("the program starts");
            while server.phase() != "AUTH" {
                std::thread::sleep(Duration::from_millis(5));
            }
            let seen = seen_from_outside(child.id());
            child.kill().expect("SIGKILL");
            let output = child.wait_with_output().expect("an end");
            assert!(!holds(&seen, PASSWORD), "the password in what others can see of the process");
            place.said.push(("fetch, killed".to_owned(), output));
        } else {
            place.run(&["fetch", &address]);
            place.run(&["account", "test", &address, "--json"]);
        }
        server.mend().expect("mended");
    }
    let (backup, export, saved) = (place.path("out/backup"), place.path("out/export"), place.path("out/saved"));
    let [backup, export, saved] = [backup, export, saved].map(|path| path.to_str().expect("UTF-8").to_owned());
    for arguments in [
        &["fetch", "--dry-run", &address][..],
        &["fetch", "--json", &address],
        &["list"],
        &["list", "--json"],
        &["search", SUBJECT],
        &["show", "1"],
        &["show", "2", "--headers"],
        &["save", "1", &saved],
        &["export", &export, "--format", "eml"],
        &["backup", &backup],
        &["verify", &backup],
        &["check", "--full"],
        &["reindex"],
        &["restore", &backup],
        &["log"],
        &["log", "--json"],
        &["account", "list", "--json"],
        &["account", "set", &address, "--leave-copy", "on"],
        &["fetch"],
        &["demo"],
    ] {
        place.run(arguments);
    }
}

/// The arguments and the environment of a process and of all that it started.
fn seen_from_outside(process: u32) -> Vec<u8> {
    let proc = PathBuf::from(format!("/proc/{process}"));
    let read = |name: &str| fs::read(proc.join(name)).unwrap_or_default();
    let limits = String::from_utf8(read("limits")).expect("UTF-8");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("a limit");
    let soft = core.split_whitespace().nth(4).expect("a number");
    assert_eq!(soft, "1", "no core is written: {core}");
    let (arguments, environment) = (read("cmdline"), read("environ"));
    assert!(!arguments.is_empty() && !environment.is_empty());
    [arguments, environment].concat()
}

/// 64 and 65, on the same traces.
#[test]
fn nothing_private_is_left_where_it_does_not_belong() {
    let mut place = Place::new();
    all_scenarios(&mut place);
    let fetched =
        place.said.iter().filter(|(what, output)| what.starts_with("fetch --json") && output.status.success());
    assert_eq!(fetched.count(), 1, "mail was fetched");

    let encoded = base64(&format!("\0anna@example.org\0{PASSWORD}"));
    let secrets = [PASSWORD, &encoded, &base64(PASSWORD)];
    for (what, output) in &place.said {
        for secret in secrets {
            assert!(!holds(&output.stdout, secret), "{what}: {secret} on stdout");
            assert!(!holds(&output.stderr, secret), "{what}: {secret} on stderr");
        }
        // The trace says what is done, never to which mail.
        for word in [SUBJECT, BODY, FILE] {
            let asked = what.contains(word) || what.starts_with("save");
            assert!(asked || !holds(&output.stderr, word), "{what}: {word} on stderr");
            assert!(!what.starts_with("log") || !holds(&output.stdout, word), "{what}: {word} in the log");
        }
    }
    let traced = place.said.iter().filter(|(_, output)| holds(&output.stderr, "phase=")).count();
    assert!(traced >= 3, "there is a trace at all: {traced}");

    for (path, octets) in place.files(&["archive", "home", "tmp", "out"]) {
        for secret in secrets {
            assert!(!holds(&octets, secret), "{secret} in {}", path.display());
        }
    }
    for (path, octets) in place.files(&["home", "tmp"]) {
        for word in [SUBJECT, BODY] {
            assert!(!holds(&octets, word), "{word} in {}", path.display());
        }
    }
    let stored = place.files(&["archive"]);
    assert!(stored.iter().any(|(_, octets)| holds(octets, BODY)), "the search itself finds what is there");

    // 65: the umask let everything through.
    let mut seen = 0;
    for name in ["archive", "out/backup", "out/export", "out/saved"] {
        walk(&place.path(name), &mut |path| {
            let mode = fs::symlink_metadata(path).expect("there").permissions().mode() & 0o777;
            assert_eq!(mode, if path.is_dir() { 0o700 } else { 0o600 }, "{}", path.display());
            seen += 1;
        });
    }
    assert!(seen > 15, "{seen} files and folders");
    assert_eq!(left_in(&place.path("tmp")), Vec::<PathBuf>::new(), "temporary files");
}

fn left_in(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect()
}

/// Fault 65: What a killed run left in the temporary folder goes when the program is started again; what others left stays.
#[test]
fn the_temporary_folder_is_empty_after_a_kill_and_a_start() {
    let mut place = Place::new();
    let others = place.path("tmp/postkeeper-notes");
    fs::create_dir(&others).expect("a folder");
    let mut child = place.command(&["demo", "--serve"]).stdout(Stdio::piped()).spawn().expect("the program starts");
    while left_in(&place.path("tmp")).len() < 2 {
        assert!(child.try_wait().expect("a state").is_none(), "it serves");
        std::thread::sleep(Duration::from_millis(5));
    }
    let mut second = place.command(&["demo", "--serve"]).stdout(Stdio::piped()).spawn().expect("the program starts");
    while left_in(&place.path("tmp")).len() < 3 {
        assert!(second.try_wait().expect("a state").is_none(), "the folder of one that runs stays");
        std::thread::sleep(Duration::from_millis(5));
    }
    for child in [&mut child, &mut second] {
        child.kill().expect("SIGKILL");
        child.wait().expect("an end");
    }
    assert_eq!(left_in(&place.path("tmp")).len(), 3);
    place.run(&["log"]);
    assert_eq!(left_in(&place.path("tmp")), [others]);
}

/// Fault 66: Escapes, line ends, the clipboard sequence of terminals, turned text: in a server's words, in a subject, a sender, a
/// file name, a user's name.
#[test]
fn nothing_that_is_printed_commands_a_terminal() {
    const EVIL: &str = "\x1b]52;c;ZXZpbA==\x07\x1b[2J\u{9b}31m\u{202e}gnp.exe\u{2066}\x08\x7f\u{2028}x";
    let mail = format!(
        "From: \"{EVIL}\" <ann@example.org>\r\nSubject: {EVIL}\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\n{EVIL}\r\n--x\r\n\
         Content-Disposition: attachment; filename=\"{EVIL}.txt\"\r\n\r\ninside\r\n--x--\r\n"
    );
    let mut place = Place::new();
    let server =
        Server::start(0, Options::default().messages([mail.into_bytes()]).password(PASSWORD)).expect("a server");
    place.add_account(&server);
    let address = server.user().to_owned();
    for verb in [Verb::Greeting, Verb::Auth, Verb::Stat, Verb::Uidl, Verb::Retr, Verb::Dele, Verb::Quit] {
        for act in [Act::Refuse(EVIL.to_owned()), Act::Answer(format!("{EVIL}\r\n").into_bytes())] {
            server.play(Fault::new(verb, When::Always, act));
            place.run(&["fetch"]);
            place.run(&["fetch", "--json"]);
            place.run(&["account", "test", &address]);
            server.mend().expect("mended");
        }
    }
    let saved = place.path("out").to_str().expect("UTF-8").to_owned();
    for arguments in [
        &["fetch"][..],
        &["list"],
        &["list", "--json"],
        &["show", "1"],
        &["show", "1", "--headers"],
        &["show", "1", "--text"],
        &["show", "1", "--json"],
        &["save", "1", &saved],
        &["search", EVIL],
        &["show", EVIL],
        &["fetch", EVIL],
        &["account", "set", EVIL, "--leave-copy", "on"],
        &["verify", EVIL],
        &["log"],
        &["log", "--json"],
    ] {
        place.run(arguments);
    }
    assert!(
        place.said.iter().any(|(what, output)| what == "log" && holds(&output.stdout, "gnp")),
        "the words are told"
    );
    for (what, output) in &place.said {
        for (stream, octets) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
            let text = std::str::from_utf8(octets).expect("UTF-8");
            let bad = text.chars().find(|letter| match letter {
                '\n' | '\t' => false,
                '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' => true,
                other => other.is_control(),
            });
            assert!(bad.is_none(), "{what}: {bad:?} on {stream}: {text:?}");
        }
    }
}

/// Fault 64: A pause in the middle of a fetch: neither arguments nor environment of it or of the password command say it.
#[test]
fn a_running_fetch_shows_no_password_to_other_programs() {
    let place = Place::new();
    let server =
        Server::start(0, options().pause(Verb::Retr, Moment::Before, Duration::from_millis(400))).expect("a server");
    let mut place = place;
    place.add_account(&server);
    let mut child = place.command(&["fetch"]).stderr(Stdio::null()).spawn().expect("the program starts");
    while server.phase() != "RETR" {
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(!holds(&seen_from_outside(child.id()), PASSWORD));
    assert!(child.wait().expect("an end").success());
    expect(postkeep(&place.path("archive")).arg("list"), 0);
}
