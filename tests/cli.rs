//! The command line as scripts see it: the built program, its exit statuses, its JSON, and what reaches a terminal.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use postkeep::archive::{Archive, Incoming, Marks, Origin};
use postkeep::demo::{Options, Server};
use serde_json::Value;
use tempfile::TempDir;

/// An archive of its own, on a computer without display and keyring.
struct Here {
    folder: TempDir,
}

impl Here {
    fn new() -> Here {
        Here { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().expect("UTF-8").to_owned()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_postkeep"));
        for variable in ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET", "POSTKEEP_LOG"] {
            command.env_remove(variable);
        }
        command
            .args(arguments)
            .env("POSTKEEP_ARCHIVE", self.path("archive"))
            .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus")
            .stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the program starts")
    }

    /// Runs it, expects an exit status, gives its stdout.
    fn expect(&self, status: i32, arguments: &[&str]) -> Vec<u8> {
        let output = self.run(arguments);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "postkeep {}: {told}", arguments.join(" "));
        output.stdout
    }

    fn json(&self, status: i32, arguments: &[&str]) -> Vec<Value> {
        let stdout = String::from_utf8(self.expect(status, arguments)).expect("UTF-8");
        stdout.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect()
    }

    /// Adds the account of a sample server; the password comes from a command.
    fn add(&self, server: &Server, more: &[&str]) {
        let (port, ca) = (server.address().port().to_string(), server.ca_file());
        let password = format!("printf %s '{}'", server.password());
        let ca = ca.to_str().expect("UTF-8");
        let mut arguments = vec!["account", "add", server.user(), "--host", server.host(), "--port", &port];
        arguments.extend(["--ca", ca, "--password-command", &password]);
        arguments.extend(more);
        self.expect(0, &arguments);
    }
}

fn keys(value: &Value) -> Vec<&str> {
    // Without the feature preserve_order the map is sorted: so names are compared, not their order.
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

fn sorted<'a>(names: &[&'a str]) -> Vec<&'a str> {
    let mut names = names.to_vec();
    names.sort_unstable();
    names
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn mail(subject: &str, body: &str) -> Vec<u8> {
    let head = "From: Ada <ada@example.org>\r\nTo: anna@example.org\r\nDate: Fri, 1 Mar 2024 13:00:00 +0100\r\n";
    format!("{head}Subject: {subject}\r\n\r\n{body}\r\n").into_bytes()
}

fn server(messages: Vec<Vec<u8>>) -> Server {
    Server::start(0, Options::default().messages(messages)).expect("the sample server starts")
}

#[test]
fn wrong_usage_is_status_2() {
    let here = Here::new();
    let forms: [&[&str]; 7] = [
        &["frobnicate"],
        &["show"],
        &["show", "1", "--raw", "--text"],
        &["account", "add", "not an address"],
        &["account", "add", "me@example.org", "--security", "none"],
        &["export", "there", "--format", "pst"],
        &["render", "a.eml"],
    ];
    for form in forms {
        here.expect(2, form);
    }
    assert!(!Path::new(&here.path("archive")).exists(), "wrong usage makes no archive");
}

#[test]
fn without_an_archive_reading_says_so_and_makes_none() {
    let here = Here::new();
    for command in [&["list"][..], &["search", "word"], &["show", "1"], &["fetch"], &["account", "list"], &["check"]] {
        let output = here.run(command);
        assert_eq!(output.status.code(), Some(1), "{command:?}");
        assert!(stderr(&output).contains("There is no archive"), "{}", stderr(&output));
    }
    assert!(!Path::new(&here.path("archive")).exists());
}

#[test]
fn accounts_are_added_listed_set_and_removed() {
    let here = Here::new();
    here.expect(0, &["account", "add", "me@gmail.com", "--password-command", "pass mail"]);
    here.expect(1, &["account", "add", "ME@gmail.com", "--password-command", "pass mail"]);
    let told = here.run(&["account", "add", "you@example.net", "--host", "mail.example.net", "--user", "you"]);
    assert!(told.status.success() && stderr(&told).contains("No password was given"));
    let accounts = here.json(0, &["account", "list", "--json"]);
    assert_eq!(accounts.len(), 2);
    assert_eq!(accounts[0]["host"], "pop.gmail.com");
    assert_eq!((&accounts[0]["port"], &accounts[0]["security"]), (&995.into(), &"tls".into()));
    assert_eq!((&accounts[1]["host"], &accounts[1]["user"]), (&"mail.example.net".into(), &"you".into()));
    assert_eq!(accounts[0]["leave_copy"], true);

    here.expect(
        0,
        &["account", "set", "me@gmail.com", "--leave-copy", "off", "--security", "starttls", "--name", "Me"],
    );
    let changed = &here.json(0, &["account", "list", "--json"])[0];
    assert_eq!(
        (&changed["leave_copy"], &changed["port"], &changed["name"]),
        (&false.into(), &110.into(), &"Me".into())
    );
    assert_eq!(changed["password_command"], "pass mail");

    here.expect(2, &["account", "set", "me@gmail.com", "--security", "none"]);
    let plain = here.run(&["account", "set", "me@gmail.com", "--security", "none", "--allow-plaintext"]);
    assert!(plain.status.success() && stderr(&plain).contains("can read the password"));

    here.expect(1, &["account", "set", "nobody@example.org", "--name", "x"]);
    here.expect(0, &["account", "remove", "me@gmail.com"]);
    here.expect(1, &["account", "remove", "me@gmail.com"]);
    assert_eq!(here.json(0, &["account", "list", "--json"]).len(), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn without_a_keyring_a_password_is_not_kept_and_nothing_is_added() {
    let here = Here::new();
    let mut child = here
        .command(&["account", "add", "me@example.org", "--password-stdin"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    child.stdin.take().expect("a pipe").write_all(b"hunter2\n").expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("There is no keyring"), "{}", stderr(&output));
    assert!(!stderr(&output).contains("hunter2"));
    assert!(here.json(0, &["account", "list", "--json"]).is_empty());
}

#[test]
fn mail_is_fetched_once_and_shown_to_the_byte() {
    let here = Here::new();
    let odd = b"Subject: odd\r\n\r\n.dots\r\n..more\r\n\xff\x00binary\r\n".to_vec();
    let messages = vec![mail("One", "first lighthouse"), mail("Two", "second"), odd.clone()];
    let server = server(messages);
    here.add(&server, &[]);
    let lines = here.json(0, &["fetch", "--json"]);
    let line = lines.last().expect("a line");
    let contract = ["account", "listed", "retrieved", "deleted", "kept", "failed", "bytes", "seconds", "problem"];
    assert_eq!(keys(line), sorted(&contract));
    assert_eq!(line["account"], server.user());
    assert_eq!((&line["listed"], &line["retrieved"], &line["deleted"]), (&3.into(), &3.into(), &0.into()));
    assert_eq!((&line["kept"], &line["failed"], &line["problem"]), (&3.into(), &0.into(), &Value::Null));
    let bytes: usize = server.messages().iter().map(Vec::len).sum();
    assert_eq!(line["bytes"], bytes);

    let again = here.json(0, &["fetch", server.user(), "--json"]);
    assert_eq!(again.last().expect("a line")["retrieved"], 0);
    assert_eq!(server.messages().len(), 3);

    let rows = here.json(0, &["list", "--json"]);
    let contract = [
        "id",
        "account",
        "subject",
        "from_name",
        "from_address",
        "date",
        "size",
        "read",
        "starred",
        "attachments",
        "copies",
    ];
    assert_eq!(keys(&rows[0]), sorted(&contract));
    assert_eq!(rows.len(), 3);
    let mut originals: Vec<Vec<u8>> =
        rows.iter().map(|row| here.expect(0, &["show", &row["id"].to_string(), "--raw"])).collect();
    let mut served = server.messages();
    originals.sort();
    served.sort();
    assert_eq!(originals, served);

    let found = here.json(0, &["search", "lighthouse", "--json"]);
    assert_eq!(found.len(), 1);
    assert_eq!((&found[0]["subject"], &found[0]["from_name"]), (&"One".into(), &"Ada".into()));
    assert_eq!(found[0]["date"], "2024-03-01T12:00:00Z");
    assert_eq!(found[0]["copies"], serde_json::json!({"server": true, "backup": null}));
    assert_eq!(here.json(0, &["search", "-lighthouse", "--json"]).len(), 2);
    assert_eq!(here.json(0, &["list", "--limit", "1", "--json"]).len(), 1);
}

#[test]
fn show_gives_headers_text_and_json() {
    let here = Here::new();
    let server = server(vec![mail("Gr\u{fc}\u{df}e", "Hello there.")]);
    here.add(&server, &[]);
    here.expect(0, &["fetch"]);
    let id = here.json(0, &["list", "--json"])[0]["id"].to_string();
    assert_eq!(String::from_utf8_lossy(&here.expect(0, &["show", &id, "--text"])).trim(), "Hello there.");
    assert!(
        String::from_utf8_lossy(&here.expect(0, &["show", &id, "--headers"])).contains("From: Ada <ada@example.org>")
    );
    let shown = &here.json(0, &["show", &id, "--json"])[0];
    for field in
        ["id", "account", "subject", "from_name", "date", "size", "to", "cc", "message_id", "text", "attachments"]
    {
        assert!(shown.get(field).is_some(), "{field}: {shown}");
    }
    assert_eq!(shown["to"][0]["address"], "anna@example.org");
    assert_eq!(shown["subject"], "Gr\u{fc}\u{df}e");
    let person = String::from_utf8(here.expect(0, &["show", &id])).expect("UTF-8");
    assert!(person.contains("Subject: Gr\u{fc}\u{df}e") && person.contains("Hello there."), "{person}");
    here.expect(1, &["show", "999", "--raw"]);
}

#[test]
fn a_message_cannot_command_the_terminal() {
    let here = Here::new();
    let hostile = "=?utf-8?q?click=1B]0;owned=07=C2=9B31m=E2=80=AEhere=0D=0Anext?=";
    let body = "\x1b[2Jgone\x07\u{9b}31m\u{202e}";
    let server = server(vec![mail(hostile, body)]);
    here.add(&server, &[]);
    here.expect(0, &["fetch"]);
    let id = here.json(0, &["list", "--json"])[0]["id"].to_string();
    for command in [
        &["list"][..],
        &["list", "--json"],
        &["search", "click"],
        &["show", &id],
        &["show", &id, "--text"],
        &["show", &id, "--headers"],
        &["show", &id, "--json"],
        &["log"],
    ] {
        let output = String::from_utf8(here.expect(0, command)).expect("UTF-8");
        assert!(!output.is_empty());
        let commanding = |letter: &char| letter.is_control() && !matches!(letter, '\n' | '\t') || *letter == '\u{202e}';
        assert_eq!(output.chars().find(commanding), None, "{command:?}: {output:?}");
        if command == ["list"] {
            assert_eq!(output.lines().count(), 1, "{output:?}");
        }
    }
    let raw = here.expect(0, &["show", &id, "--raw"]);
    assert_eq!(raw, server.messages()[0]);
}

#[test]
fn without_a_copy_left_the_server_ends_up_empty() {
    let here = Here::new();
    let server = server(vec![mail("One", "first"), mail("Two", "second")]);
    here.add(&server, &[]);
    here.expect(0, &["fetch"]);
    let ahead = &here.json(0, &["fetch", "--dry-run", "--json"])[0];
    assert_eq!(
        (&ahead["retrieved"], &ahead["deleted"], &ahead["dry_run"]["removable"]),
        (&0.into(), &0.into(), &2.into())
    );
    here.expect(0, &["account", "set", server.user(), "--leave-copy", "off"]);
    let ahead = &here.json(0, &["fetch", "--dry-run", "--json"])[0];
    assert_eq!((&ahead["deleted"], server.messages().len()), (&2.into(), 2));
    let line = &here.json(0, &["fetch", "--json"])[0];
    assert_eq!((&line["deleted"], &line["kept"]), (&2.into(), &0.into()));
    assert_eq!(server.messages().len(), 0);
    let rows = here.json(0, &["list", "--json"]);
    assert_eq!((rows.len(), &rows[0]["copies"]["server"]), (2, &false.into()));
    let visits = here.json(0, &["log", "--json"]);
    assert_eq!((visits.len(), &visits[0]["deleted"]), (2, &2.into()));
}

#[test]
fn an_account_that_fails_is_named_and_the_others_go_on() {
    let here = Here::new();
    let good = server(vec![mail("One", "first")]);
    let bad = Server::start(0, Options::default().messages([]).user("eve@example.org")).expect("starts");
    here.add(&good, &[]);
    here.add(&bad, &[]);
    here.expect(0, &["account", "set", "eve@example.org", "--password-command", "echo wrong"]);
    let lines = here.json(3, &["fetch", "--json"]);
    assert_eq!(lines.len(), 2);
    let failed = lines.iter().find(|line| line["account"] == "eve@example.org").expect("its line");
    assert!(failed["problem"].as_str().is_some_and(|problem| problem.contains("password")), "{failed}");
    let done = lines.iter().find(|line| line["account"] == good.user()).expect("its line");
    assert_eq!((&done["retrieved"], &done["problem"]), (&1.into(), &Value::Null));
    here.expect(1, &["fetch", "eve@example.org"]);
    here.expect(1, &["fetch", "nobody@example.org"]);
}

#[test]
fn what_is_stored_and_not_indexed_is_listed_once_the_writer_is_gone() {
    let here = Here::new();
    let archive = Archive::open(Path::new(&here.path("archive"))).expect("a new archive");
    let arrived = jiff::Timestamp::from_second(1_700_000_000).expect("a time");
    let stored = Incoming {
        bytes: mail("Late", "lighthouse"),
        arrived,
        marks: Marks::default(),
        from: Origin::File { account: None },
    };
    archive.ingest(vec![stored]).expect("stored");
    let waiting = "1 message is still to be indexed and cannot be found yet. Nothing is lost.\n";
    for reading in [["list", "--json"], ["search", "lighthouse"]] {
        let beside = here.run(&reading);
        assert_eq!((beside.status.code(), stderr(&beside).as_str()), (Some(0), waiting), "{reading:?}");
    }
    drop(archive);
    let found = here.run(&["search", "lighthouse", "--json"]);
    assert_eq!((found.stdout.split(|octet| *octet == b'\n').count(), stderr(&found).as_str()), (2, ""));
    assert_eq!(here.json(0, &["list", "--json"])[0]["account"], Value::Null);
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_a_fetch_and_the_next_one_goes_on() {
    let here = Here::new();
    let messages: Vec<Vec<u8>> = (0..40).map(|n| mail(&format!("Number {n}"), &"x".repeat(20_000))).collect();
    let slow = Options::default().messages(messages).bytes_per_second(300_000);
    let server = Server::start(0, slow).expect("the sample server starts");
    here.add(&server, &[]);
    let mut fetching = here.command(&["fetch", "--json"]);
    let fetching = fetching.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    while server.retrs() < 5 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let told = Command::new("kill").args(["-INT", &fetching.id().to_string()]).status().expect("kill");
    assert!(told.success());
    let output = fetching.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let line: Value = serde_json::from_slice(&output.stdout).expect("its line");
    assert!(line["problem"].as_str().is_some_and(|problem| problem.contains("stopped, as you asked")), "{line}");
    let before = line["retrieved"].as_u64().expect("a number");
    assert!(before < 40, "{line}");
    let line = &here.json(0, &["fetch", "--json"])[0];
    assert_eq!(line["retrieved"], 40 - before);
    assert_eq!(here.json(0, &["list", "--json"]).len(), 40);
    assert_eq!(server.messages().len(), 40);
}

#[test]
fn test_logs_in_and_counts() {
    let here = Here::new();
    let server = server(vec![mail("One", "first")]);
    here.add(&server, &[]);
    let tested = &here.json(0, &["account", "test", server.user(), "--json"])[0];
    assert_eq!(keys(tested), sorted(&["account", "ok", "messages", "octets", "problem"]));
    assert_eq!((&tested["ok"], &tested["messages"], &tested["problem"]), (&true.into(), &1.into(), &Value::Null));
    here.expect(0, &["account", "set", server.user(), "--password-command", "exit 3"]);
    let tested = &here.json(1, &["account", "test", server.user(), "--json"])[0];
    assert_eq!(tested["ok"], false);
    assert!(tested["problem"].as_str().is_some_and(|problem| problem.contains("status 3")), "{tested}");
    assert_eq!(server.removed(), 0);
}

#[test]
fn while_another_writes_reading_works_and_writing_is_status_4() {
    let here = Here::new();
    let server = server(vec![mail("One", "first")]);
    here.add(&server, &[]);
    here.expect(0, &["fetch"]);
    let _writer = Archive::open(Path::new(&here.path("archive"))).expect("the lock is free");
    let writing: [&[&str]; 6] = [
        &["fetch"],
        &["account", "add", "me@gmail.com"],
        &["account", "remove", server.user()],
        &["import", "x.eml"],
        &["backup", "there"],
        &["reindex"],
    ];
    for command in writing {
        here.expect(4, command);
    }
    let export = here.path("out.mbox");
    let reading: [&[&str]; 8] = [
        &["list"],
        &["search", "first"],
        &["show", "1", "--raw"],
        &["account", "list"],
        &["check"],
        &["log"],
        &["fetch", "--dry-run"],
        &["export", &export, "--format", "mbox"],
    ];
    for command in reading {
        here.expect(0, command);
    }
}

#[test]
fn backup_verify_restore_export_and_import_tell_in_json() {
    let (here, there) = (Here::new(), Here::new());
    let server = server(vec![mail("One", "first"), mail("Two", "second")]);
    here.add(&server, &[]);
    here.expect(0, &["fetch"]);
    let backup = here.path("backup");
    let done = &here.json(0, &["backup", &backup, "--json"])[0];
    assert_eq!(keys(done), sorted(&["messages", "new", "bytes", "verified"]));
    assert_eq!((&done["messages"], &done["new"]), (&2.into(), &2.into()));
    assert_eq!(here.json(0, &["backup", &backup, "--json"])[0]["new"], 0);
    assert_eq!(here.json(0, &["verify", &backup, "--json"])[0]["ok"], true);
    assert!(here.json(0, &["list", "--json"])[0]["copies"]["backup"].is_string());

    let restored = &there.json(0, &["restore", &backup, "--json"])[0];
    assert_eq!(keys(restored), sorted(&["found", "added", "already_here", "failed"]));
    assert_eq!((&restored["added"], &restored["failed"]), (&2.into(), &0.into()));
    assert_eq!(there.json(0, &["search", "second", "--json"]).len(), 1);

    let mbox = here.path("all.mbox");
    let exported = &here.json(0, &["export", &mbox, "--format", "mbox", "--query", "first", "--json"])[0];
    assert_eq!(exported["exported"], 1);
    here.expect(1, &["export", &mbox, "--format", "mbox"]);
    let imported = &there.json(0, &["import", &mbox, "--json"])[0];
    assert_eq!(keys(imported), sorted(&["found", "added", "already_here", "failed"]));
    assert_eq!((&imported["found"], &imported["already_here"]), (&1.into(), &1.into()));
    there.expect(1, &["import", &here.path("missing.eml")]);
    let checked = &there.json(0, &["check", "--full", "--json"])[0];
    assert_eq!((&checked["ok"], &checked["checked"]), (&true.into(), &2.into()));
    there.expect(0, &["reindex"]);
    assert_eq!(there.json(0, &["search", "second", "--json"]).len(), 1);
}

#[test]
fn a_damaged_backup_is_status_1() {
    let here = Here::new();
    let server = server(vec![mail("One", "first")]);
    here.add(&server, &[]);
    here.expect(0, &["fetch"]);
    let backup = here.path("backup");
    here.expect(0, &["backup", &backup]);
    let segment = walk(Path::new(&backup)).into_iter().find(|path| path.extension().is_some_and(|end| end == "zip"));
    let segment = segment.expect("a segment");
    let mut bytes = std::fs::read(&segment).expect("readable");
    let at = bytes.windows(5).position(|window| window == b"first").unwrap_or(bytes.len() / 2);
    bytes[at] ^= 1;
    let mut permissions = std::fs::metadata(&segment).expect("metadata").permissions();
    #[allow(clippy::permissions_set_readonly_false)]
    permissions.set_readonly(false);
    std::fs::set_permissions(&segment, permissions).expect("writable");
    std::fs::write(&segment, bytes).expect("written");
    let verified = &here.json(1, &["verify", &backup, "--json"])[0];
    assert_eq!(verified["ok"], false);
    assert!(verified["damaged"].as_array().is_some_and(|named| !named.is_empty()), "{verified}");
}

#[test]
fn what_a_backup_or_an_export_leaves_out_is_named_and_status_3() {
    let here = Here::new();
    let server = server(vec![mail("One", "first"), mail("Two", "second")]);
    here.add(&server, &[]);
    here.expect(0, &["fetch"]);
    let lose = "PRAGMA foreign_keys = OFF; DROP TRIGGER original_fixed; UPDATE original SET id = 9 WHERE id = 2";
    let file = Path::new(&here.path("archive")).join("mail.db");
    rusqlite::Connection::open(file).expect("the archive").execute_batch(lose).expect("one is lost");
    let (backup, export) = (here.path("backup"), here.path("mail"));
    for arguments in [&["backup", &backup, "--json"][..], &["export", &export, "--format", "eml", "--json"]] {
        let output = here.run(arguments);
        assert_eq!(output.status.code(), Some(3), "{arguments:?}");
        let said = stderr(&output);
        assert!(said.contains("Message 2 is damaged in the archive"), "{said}");
        assert!(said.contains(": 1 message, named above. See: postkeep check --full."), "{said}");
        let line: Value = serde_json::from_slice(&output.stdout).expect("a line");
        assert_eq!(line["failed"].as_array().map(Vec::len), Some(1), "{line}");
    }
    assert!(stderr(&here.run(&["check", "--full"])).contains("Message 2"));
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[test]
fn attachments_are_saved_inside_the_folder() {
    let here = Here::new();
    let message = "From: a@example.org\r\nSubject: files\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n\
        --b\r\nContent-Type: text/plain; name=\"../../escape.txt\"\r\nContent-Disposition: attachment\r\n\r\nA\r\n\
        --b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename=\"../../escape.txt\"\r\n\r\nB\r\n--b--\r\n";
    let file = here.path("mail.eml");
    std::fs::write(&file, message).expect("written");
    here.expect(0, &["import", &file]);
    let id = here.json(0, &["search", "has:attachment", "--json"])[0]["id"].to_string();
    let folder = here.path("saved");
    let printed = String::from_utf8(here.expect(0, &["save", &id, &folder])).expect("UTF-8");
    let paths: Vec<&str> = printed.lines().collect();
    assert_eq!(paths.len(), 2);
    for path in &paths {
        assert_eq!(Path::new(path).parent(), Some(Path::new(&folder)));
        assert_eq!(std::fs::read(path).expect("there").len(), 1);
    }
}

#[test]
fn cards_and_files_in_the_text_are_shown_and_saved() {
    let here = Here::new();
    let file = here.path("x.eml");
    let mail = "Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nDear Ann\nbegin 644 cat.txt\n#0V%T\n`\nend\n\
                --b\nContent-Type: text/calendar\n\nBEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nSUMMARY:Tea\n\
                DTSTART;VALUE=DATE:20261126\nEND:VEVENT\nEND:VCALENDAR\n--b--\n";
    std::fs::write(&file, mail).expect("a file is written");
    here.expect(0, &["import", &file]);
    let text = String::from_utf8(here.expect(0, &["show", "1", "--text"])).expect("UTF-8");
    assert_eq!(text, "Invitation: Tea\nWhen: Thursday 26 November 2026, all day\n\nDear Ann\n");
    let shown = &here.json(0, &["show", "1", "--json"])[0];
    assert_eq!((&shown["text"], &shown["cards"][0]["kind"]), (&"Dear Ann".into(), &"event".into()));
    assert_eq!((&shown["attachments"][1]["name"], &shown["attachments"][1]["size"]), (&"cat.txt".into(), &3.into()));
    here.expect(0, &["save", "1", &here.path("saved")]);
    assert_eq!(std::fs::read(here.path("saved/cat.txt")).expect("it is there"), b"Cat");
}

#[test]
fn the_demo_without_a_display_does_the_whole_job() {
    let output = Here::new().run(&["demo"]);
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(0), "{told}");
    for words in ["over POP3S", "Backed up", "Verified", "display"] {
        assert!(told.contains(words) || words == "display" && told.contains("without its window"), "{words}: {told}");
    }
    let rows = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(rows.lines().count() >= 5, "{rows}");
}

#[test]
fn the_window_without_a_display_says_so() {
    let output = Here::new().run(&[]);
    assert_eq!(output.status.code(), Some(1));
    let told = stderr(&output);
    assert!(told.contains("needs a display") || told.contains("without its window"), "{told}");
    if cfg!(all(unix, feature = "gui", not(target_os = "macos"))) {
        for (variable, value) in [("DISPLAY", ":7777"), ("WAYLAND_DISPLAY", "/nonexistent/wayland")] {
            let output = Here::new().command(&[]).env(variable, value).output().expect("the program starts");
            let told = stderr(&output);
            assert_eq!(output.status.code(), Some(1), "{told}");
            assert!(told.contains("does not answer") && told.lines().count() == 1, "{told}");
        }
    }
}

#[cfg(unix)]
#[test]
fn the_sample_server_serves_until_it_is_stopped() {
    let here = Here::new();
    let mut serving = here.command(&["demo", "--serve"]).stdout(Stdio::piped()).spawn().expect("the program starts");
    let mut line = String::new();
    BufReader::new(serving.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
    let told: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(keys(&told), sorted(&["host", "port", "user", "password", "ca_file"]));
    let text = |field: &str| told[field].as_str().expect("text").to_owned();
    let (port, command) = (told["port"].to_string(), format!("printf %s '{}'", text("password")));
    let (host, user, ca) = (text("host"), text("user"), text("ca_file"));
    let add = ["account", "add", &user, "--host", &host, "--port", &port, "--ca", &ca, "--password-command", &command];
    here.expect(0, &add);
    let tested = &here.json(0, &["account", "test", &user, "--json"])[0];
    assert!(tested["messages"].as_u64().is_some_and(|messages| messages > 0), "{tested}");
    let stopped = Command::new("kill").arg(serving.id().to_string()).status().expect("kill");
    assert!(stopped.success());
    assert_eq!(serving.wait().expect("it ends").code(), Some(0));
}

/// The account as `account list` has it.
fn account(here: &Here, address: &str) -> Value {
    let accounts = here.json(0, &["account", "list", "--json"]);
    accounts.into_iter().find(|account| account["account"] == address).expect("the account")
}

#[test]
fn retention_and_fetching_are_set_and_listed() {
    let here = Here::new();
    here.expect(0, &["account", "add", "me@gmail.com", "--password-command", "pass", "--retention", "30d"]);
    let listed = account(&here, "me@gmail.com");
    assert_eq!(
        (&listed["retention"], &listed["every"], &listed["leave_copy"]),
        (&"30d".into(), &15.into(), &false.into())
    );
    assert_eq!(
        (&listed["weak_link"], &listed["headers_over"], &listed["budget"]),
        (&false.into(), &Value::Null, &Value::Null)
    );
    for field in ["agreed", "login_refused", "login_delay", "expire"] {
        assert!(listed.get(field).is_some(), "{field}: {listed}");
    }
    let set = ["account", "set", "me@gmail.com"];
    let with = |more: &[&str]| -> Value {
        here.expect(0, &[&set[..], more].concat());
        account(&here, "me@gmail.com")
    };
    let changed = with(&["--every", "5", "--weak-link", "on", "--headers-over", "500kB", "--budget", "20MB"]);
    assert_eq!((&changed["every"], &changed["weak_link"]), (&5.into(), &true.into()));
    assert_eq!((&changed["headers_over"], &changed["budget"]), (&500_000.into(), &20_000_000.into()));
    assert_eq!(changed["retention"], "30d");
    let changed = with(&["--headers-over", "none", "--budget", "none", "--weak-link", "off", "--leave-copy", "off"]);
    assert_eq!((&changed["headers_over"], &changed["budget"]), (&Value::Null, &Value::Null));
    assert_eq!((&changed["retention"], &changed["weak_link"]), (&"none".into(), &false.into()));
    for word in ["always", "until-deleted", "until-backup", "newest:500", "newest:500MB"] {
        assert_eq!(with(&["--retention", word])["retention"], word);
    }
    here.expect(2, &["account", "set", "me@gmail.com", "--retention", "30d", "--leave-copy", "off"]);
}

#[test]
fn a_refused_login_is_tried_again_only_when_asked_for() {
    let here = Here::new();
    let server = server(vec![mail("One", "first")]);
    here.add(&server, &[]);
    here.expect(0, &["account", "set", server.user(), "--password-command", "echo wrong"]);
    here.expect(1, &["fetch"]);
    assert_eq!(account(&here, server.user())["login_refused"], true);
    let before = server.sessions().len();
    let told = here.run(&["fetch"]);
    assert_eq!(told.status.code(), Some(1));
    assert!(stderr(&told).contains("was not asked again"), "{}", stderr(&told));
    assert_eq!(server.sessions().len(), before, "the server was asked");
    here.expect(1, &["fetch", server.user()]);
    assert!(server.sessions().len() > before);
    let right = format!("printf %s '{}'", server.password());
    here.expect(0, &["account", "set", server.user(), "--password-command", &right]);
    assert_eq!(account(&here, server.user())["login_refused"], false);
    assert_eq!(here.json(0, &["fetch", "--json"])[0]["retrieved"], 1);
}

#[test]
fn a_mailbox_that_moved_is_another_one_unless_it_is_said() {
    let here = Here::new();
    let server = server(vec![mail("One", "first"), mail("Two", "second")]);
    here.add(&server, &[]);
    here.expect(0, &["fetch"]);
    let moved = |host: &str, more: &[&str]| {
        let output = here.run(&[&["account", "set", server.user(), "--host", host], more].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        (stderr(&output).contains("counts as another one"), here.json(0, &["fetch", "--json"]).remove(0))
    };
    let (said, line) = moved("127.0.0.1", &["--same-mailbox", "on"]);
    assert_eq!((said, &line["retrieved"]), (false, &0.into()));
    here.expect(0, &["account", "set", server.user(), "--name", "moved"]);
    let (said, line) = moved("LocalHost.", &[]);
    assert!(said);
    assert_eq!(line["listed"], 2);
}

#[test]
fn a_restored_archive_removes_nothing_before_it_is_agreed_to() {
    let (here, there) = (Here::new(), Here::new());
    let server = server(vec![mail("One", "first"), mail("Two", "second")]);
    here.add(&server, &[]);
    here.expect(0, &["fetch"]);
    here.expect(0, &["account", "set", server.user(), "--retention", "none"]);
    let backup = here.path("backup");
    here.expect(0, &["backup", &backup]);
    there.expect(0, &["restore", &backup]);
    let restored = account(&there, server.user());
    assert_eq!((&restored["retention"], &restored["agreed"]), (&"none".into(), &false.into()));
    let password = format!("printf %s '{}'", server.password());
    there.expect(0, &["account", "set", server.user(), "--password-command", &password]);

    let output = there.run(&["fetch", "--dry-run", "--json"]);
    let ahead: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&ahead["deleted"], &ahead["dry_run"]["withheld"]), (&0.into(), &"new_here".into()));
    assert_eq!(ahead["dry_run"]["removable"], 2);
    for field in ["waiting", "recognised", "deleted_here"] {
        assert_eq!(ahead["dry_run"][field], 0, "{field}");
    }
    let output = there.run(&["fetch", "--json"]);
    let told = stderr(&output);
    assert!(told.contains("nobody has agreed here") && told.contains("once more to agree"), "{told}");
    let line: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&line["deleted"], &line["withheld"]), (&0.into(), &"new_here".into()));
    assert_eq!(server.messages().len(), 2);

    there.expect(0, &["account", "set", server.user(), "--retention", "none"]);
    assert_eq!(account(&there, server.user())["agreed"], true);
    assert_eq!(there.json(0, &["fetch", "--json"])[0]["deleted"], 2);
    assert_eq!(server.messages().len(), 0);
}

#[test]
fn what_is_deleted_lies_in_the_bin_until_it_is_emptied() {
    let here = Here::new();
    let server = server(vec![mail("One", "first"), mail("Two", "second"), mail("Three", "third")]);
    here.add(&server, &[]);
    here.expect(0, &["fetch"]);
    let id_of = |subject: &str| {
        let rows = here.json(0, &["search", subject, "--json"]);
        rows.first().map(|row| row["id"].to_string()).expect("found")
    };
    let (one, two) = (id_of("subject:One"), id_of("subject:Two"));
    here.expect(0, &["delete", &one, &two]);
    assert_eq!(here.json(0, &["list", "--json"]).len(), 1);
    let binned = here.json(0, &["bin", "--json"]);
    assert_eq!(binned.len(), 2);
    assert!(binned[0]["binned"].is_string() && binned[0]["copies"]["server"] == true, "{}", binned[0]);
    let shown = &here.json(0, &["show", &one, "--json"])[0];
    assert!(shown["binned"].is_string() && shown["copies"]["server"] == true, "{shown}");
    assert_eq!(String::from_utf8(here.expect(0, &["bin"])).expect("UTF-8").lines().count(), 2);

    here.expect(0, &["undelete", &two]);
    here.expect(1, &["undelete", &two]);
    here.expect(3, &["undelete", &one, "999"]);
    here.expect(1, &["delete", "999"]);
    assert_eq!(here.json(0, &["list", "--json"]).len(), 3);
    assert!(here.json(0, &["list", "--json"])[0].get("binned").is_none());

    here.expect(0, &["delete", &one, "--on-server"]);
    assert_eq!(here.json(0, &["fetch", "--dry-run", "--json"])[0]["dry_run"]["deleted_here"], 1);
    let emptied = &here.json(0, &["bin", "--empty", "--json"])[0];
    assert_eq!((&emptied["erased"], &emptied["waiting"]), (&0.into(), &1.into()));
    assert_eq!(here.json(0, &["fetch", "--json"])[0]["deleted"], 1);
    assert_eq!(server.messages().len(), 2);
    assert_eq!(here.json(0, &["bin", "--json"])[0]["copies"]["server"], false);
    assert_eq!(here.json(0, &["bin", "--empty", "--json"])[0]["erased"], 1);
    here.expect(1, &["show", &one, "--raw"]);

    here.expect(0, &["delete", &two, "--on-server"]);
    assert_eq!(here.json(0, &["bin", "--empty", "--now", "--json"])[0]["erased"], 1);
    let line = &here.json(0, &["fetch", "--json"])[0];
    assert_eq!((&line["retrieved"], &line["deleted"]), (&0.into(), &0.into()));
    assert_eq!(server.messages().len(), 2);
}

#[test]
fn copies_can_be_searched_for() {
    let here = Here::new();
    let server = server(vec![mail("One", "first"), mail("Two", "second")]);
    here.add(&server, &[]);
    here.expect(0, &["fetch"]);
    here.expect(0, &["backup", &here.path("backup")]);
    server.add(mail("Three", "third"));
    here.expect(0, &["fetch"]);
    let count = |query: &str| here.json(0, &["search", query, "--json"]).len();
    assert_eq!((count("copies:server"), count("copies:backup"), count("copies:server -copies:backup")), (3, 2, 1));
    server.clear();
    here.expect(0, &["fetch"]);
    assert_eq!((count("copies:server"), count("copies:backup"), count("copies:1")), (0, 2, 1));
}

#[test]
fn large_messages_wait_until_they_are_asked_for() {
    let here = Here::new();
    let server = server(vec![mail("Small", "first"), mail("Large", &"x".repeat(50_000))]);
    here.add(&server, &["--headers-over", "10kB"]);
    let ahead = &here.json(0, &["fetch", "--dry-run", "--json"])[0];
    assert_eq!((&ahead["retrieved"], &ahead["dry_run"]["waiting"]), (&1.into(), &1.into()));
    assert_eq!(here.json(0, &["fetch", "--json"])[0]["retrieved"], 1);
    let waiting = here.json(0, &["waiting", "--json"]);
    assert_eq!(waiting.len(), 1);
    assert_eq!((&waiting[0]["subject"], &waiting[0]["wanted"]), (&"Large".into(), &false.into()));
    assert!(String::from_utf8(here.expect(0, &["waiting"])).expect("UTF-8").contains("Large"));
    here.expect(1, &["waiting", "--fetch", "2"]);
    here.expect(0, &["waiting", "--fetch", "1"]);
    assert_eq!(here.json(0, &["waiting", "--json"])[0]["wanted"], true);
    assert_eq!(here.json(0, &["fetch", "--json"])[0]["retrieved"], 1);
    assert!(here.json(0, &["waiting", "--json"]).is_empty());
    assert_eq!(here.json(0, &["list", "--json"]).len(), 2);
}

#[test]
fn the_log_says_what_each_visit_saw_and_did() {
    let here = Here::new();
    let server = server(vec![mail("One", "first")]);
    here.add(&server, &["--retention", "none"]);
    here.expect(0, &["fetch"]);
    let entries = here.json(0, &["log", "--json"])[0]["entries"].as_array().expect("entries").clone();
    let text = entries.iter().map(|entry| entry.as_str().expect("text")).collect::<Vec<_>>().join("\n");
    for words in ["1 message on the server, 1 not seen before.", "fetched and stored", "1 message was removed from"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    server.play(postkeep::demo::Fault::refuse(
        postkeep::demo::Verb::Greeting,
        postkeep::demo::When::Always,
        "\u{1b}[2J too \u{9b}busy",
    ));
    here.expect(1, &["fetch"]);
    let log = String::from_utf8(here.expect(0, &["log"])).expect("UTF-8");
    assert!(log.lines().next().is_some_and(|line| line.contains("It ended early. The server")), "{log}");
    assert!(log.lines().any(|line| line.starts_with("    1 message was removed from")), "{log}");
    assert!(!log.contains(|letter: char| letter.is_control() && letter != '\n'), "{log:?}");
}

#[test]
fn a_trace_holds_the_protocol_and_neither_password_nor_mail() {
    let here = Here::new();
    let server = server(vec![mail("One", "lighthouse")]);
    here.add(&server, &[]);
    let trace = here.path("trace.log");
    here.expect(0, &["fetch", "--trace", &trace]);
    let traced = std::fs::read_to_string(&trace).expect("a trace");
    assert!(traced.contains("C: UIDL") && traced.contains("C: RETR") && traced.contains(server.user()), "{traced}");
    assert!(!traced.contains(server.password()) && !traced.contains("lighthouse"), "{traced}");
    here.expect(1, &["fetch", "--trace", &here.path("no/such/folder")]);
    here.expect(2, &["fetch", "--trace", &trace, "--dry-run"]);
}

/// Runs it in a terminal in which a person types `answer`; answers its exit status and all that the terminal showed.
#[cfg(target_os = "linux")]
fn in_terminal(here: &Here, answer: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let quoted: Vec<String> = arguments.iter().map(|argument| format!("'{argument}'")).collect();
    let line = format!("{} {}", env!("CARGO_BIN_EXE_postkeep"), quoted.join(" "));
    let mut command = Command::new("script");
    command.args(["-qec", &line, "/dev/null"]).env("POSTKEEP_ARCHIVE", here.path("archive"));
    command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("script, of util-linux");
    child.stdin.as_mut().expect("a pipe").write_all(answer.as_bytes()).expect("typed");
    let output = child.wait_with_output().expect("it ends");
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(target_os = "linux")]
#[test]
fn in_a_terminal_removals_are_asked_for_with_their_numbers() {
    let here = Here::new();
    let server = server(vec![mail("One", "first"), mail("Two", "second")]);
    here.add(&server, &[]);
    here.expect(0, &["fetch"]);
    here.expect(0, &["backup", &here.path("backup")]);
    server.add(mail("Three", "third"));
    let set = ["account", "set", server.user(), "--retention", "none"];
    let (status, shown) = in_terminal(&here, "n\n", &set);
    assert_eq!(status, Some(1), "{shown}");
    assert!(shown.contains("The next fetch removes 3 messages from the server"), "{shown}");
    assert!(shown.contains("1 of them is in no backup") && shown.contains("Nothing was changed"), "{shown}");
    assert_eq!(account(&here, server.user())["retention"], "always");
    let (status, shown) = in_terminal(&here, "y\n", &set);
    assert_eq!(status, Some(0), "{shown}");
    assert_eq!(account(&here, server.user())["retention"], "none");
    // What removes less is not asked.
    let (status, shown) = in_terminal(&here, "", &["account", "set", server.user(), "--retention", "30d"]);
    assert_eq!(status, Some(0), "{shown}");
    assert!(!shown.contains("[y/N]"), "{shown}");

    let (status, shown) = in_terminal(&here, "y\n", &["account", "set", server.user(), "--host", "127.0.0.1"]);
    assert_eq!(status, Some(0), "{shown}");
    assert!(shown.contains("same mailbox as before?"), "{shown}");
    assert_eq!(here.json(0, &["fetch", "--json"])[0]["retrieved"], 1);

    let id = here.json(0, &["list", "--json"])[0]["id"].to_string();
    let (status, shown) = in_terminal(&here, "n\n", &["delete", &id, "--on-server"]);
    assert_eq!(status, Some(1), "{shown}");
    assert!(shown.contains("removes 1 message from the server"), "{shown}");
    assert_eq!(here.json(0, &["list", "--json"]).len(), 3);
}
