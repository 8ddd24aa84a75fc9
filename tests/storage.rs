//! What becomes of the archive's folder (FAULTS 8 to 15 and 17): bits that rot, files that are cut, deleted or put beside
//! others, folders removed and drives pulled out under the running program, two programs at a time, media that cannot be
//! written, other programs' files. Each time: one clear sentence, nothing made over what is there, no mail lost.
#![cfg(all(target_os = "linux", debug_assertions))]
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)]

#[path = "support/bench.rs"]
mod bench;
mod support;

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use bench::{Bench, Mode, copy_folder, go_on, in_thousands, paused, small_mail, soak, sound, stored};
use postkeep::account::Digest;
use postkeep::archive::Archive;
use postkeep::demo::Options;
use postkeep::job::Cancel;
use rusqlite::Connection;
use support::{Dice, expect, json_lines, postkeep};

const SEED: u64 = 0x5702_a9e5;
const MAIL: usize = 20;
const FLIPS: usize = 200;

fn mail() -> Vec<Vec<u8>> {
    small_mail(SEED).take(MAIL).collect()
}

/// A bench whose archive has fetched everything.
fn fetched(mode: Mode) -> Bench {
    let mut bench = Bench::new(mode, Options::default());
    bench.begin(mail());
    bench.run(&["fetch"]);
    bench.all_is_settled("at the start");
    bench
}

/// What it said, in one to four lines of whole sentences; it failed.
#[track_caller]
fn refused(command: &mut Command) -> String {
    let output = command.output().expect("the program starts");
    let said = said(&output);
    assert!(!output.status.success(), "{command:?} was to fail; {said}");
    assert!(output.status.code().is_some(), "{command:?} died; {said}");
    assert!(said.trim_end().ends_with(['.', '!']) && said.lines().count() <= 4, "{command:?}: no sentence: {said}");
    said
}

fn said(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!bench::crashed(&said), "{said}");
    said
}

fn digest(path: &Path) -> Digest {
    Digest::of(&fs::read(path).expect("a file"))
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

// Bits that rot.

/// Every value of every table, so that two archives of the same contents are known as such. (The index of `sqlite_stat`
/// and free pages are no contents.)
fn contents(file: &Path) -> Option<Digest> {
    let connection = Connection::open_with_flags(file, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).ok()?;
    let mut all = Vec::new();
    let mut tables = connection.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name").ok()?;
    let tables: Vec<(String, Option<String>)> =
        tables.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).ok()?.collect::<Result<_, _>>().ok()?;
    for (name, sql) in tables {
        all.extend(format!("{name} {sql:?}\n").bytes());
        if !sql.is_some_and(|sql| sql.starts_with("CREATE TABLE")) {
            continue;
        }
        let mut rows = connection.prepare(&format!("SELECT * FROM \"{name}\" ORDER BY 1")).ok()?;
        let columns = rows.column_count();
        let mut rows = rows.query([]).ok()?;
        while let Some(row) = rows.next().ok()? {
            for column in 0..columns {
                all.extend(format!("{:?}\n", row.get_ref(column).ok()?).bytes());
            }
        }
    }
    Some(Digest::of(&all))
}

/// What became of a bit that was flipped.
#[derive(Debug, Default, PartialEq, Eq)]
struct Flips {
    refused: usize,
    found: usize,
    unused: usize,
    /// In the account, the ledger, the marks or the log, in a way that no check of SQLite's sees.
    of_the_rest: usize,
}

/// Where in the file what is stored of each message stands, as far as it is in one piece.
fn places_of_mail(file: &Path, whole: &[u8]) -> Vec<usize> {
    let connection = Connection::open(file).expect("it opens");
    let mut statement = connection.prepare("SELECT bytes FROM body").expect("a table");
    let bodies = statement.query_map([], |row| row.get::<_, Vec<u8>>(0)).expect("rows");
    let places = bodies.flat_map(|body| {
        let body = body.expect("bytes");
        let at = whole.windows(body.len()).position(|window| window == body);
        at.map(|at| at..at + body.len()).unwrap_or_default()
    });
    places.collect()
}

/// Flips a bit at a place drawn by lot, so many times, always from the same sound file.
fn flip_bits(bench: &Bench, count: usize, dice: &mut Dice) -> Flips {
    let place = bench.archive();
    let file = place.join("mail.db");
    let whole = fs::read(&file).expect("the archive");
    let right = contents(&file).expect("readable");
    let mut flips = Flips::default();
    let mail = places_of_mail(&file, &whole);
    for round in 0..count {
        // Most of a small file is room in the page of each table: half of the flips are in the mail itself.
        let at = match round % 2 {
            0 => mail[dice.below(mail.len() as u64) as usize],
            _ => dice.below(whole.len() as u64) as usize,
        };
        let bit = dice.below(8);
        let mut spoilt = whole.clone();
        spoilt[at] ^= 1 << bit;
        fs::write(&file, &spoilt).expect("written");
        let when = format!("bit {bit} of octet {at} flipped");
        let archive = match Archive::open_read_only(&place) {
            Ok(archive) => archive,
            Err(_) => {
                flips.refused += 1;
                continue;
            }
        };
        let health = archive.check(true, &Cancel::new(), &mut |_| {}).expect("checked");
        let sick = !health.damaged.is_empty() || !health.problems.is_empty();
        let named: Vec<_> = health.damaged.iter().map(|(id, _)| *id).collect();
        // What `check` does not name is good, and most of it can be read.
        let Ok(rows) = archive.every_stored() else {
            assert!(sick, "{when}: the list cannot be read, and check finds nothing");
            flips.found += 1;
            continue;
        };
        let mut good = 0;
        for row in rows.iter().filter(|row| !named.contains(&row.id)) {
            match archive.original(row.id) {
                Ok(Some(bytes)) if bench.mail.contains(&bytes) => good += 1,
                other => assert!(sick, "{when}: message {} is {other:?}, and check finds nothing", row.id),
            }
        }
        if sick {
            flips.found += 1;
        } else {
            assert_eq!(good, bench.mail.len(), "{when}: check finds nothing, and mail is missing");
            drop(archive);
            match contents(&file) == Some(right) {
                true => flips.unused += 1,
                false => flips.of_the_rest += 1,
            }
        }
    }
    fs::write(&file, &whole).expect("written");
    flips
}

#[test]
fn a_flipped_bit_is_found_or_in_no_message() {
    let bench = fetched(Mode::Remove);
    let flips = flip_bits(&bench, FLIPS, &mut Dice(SEED));
    println!("{FLIPS} flipped bits, seed {SEED:#x}: {flips:?}");
    // Most of a small archive is room in its pages.
    assert!(flips.found + flips.refused > FLIPS / 8, "{flips:?}");
    // Mail is hashed, structure is checked; what is neither is a few hundred octets of accounts, ledger and log.
    assert!(flips.of_the_rest <= FLIPS / 20, "{flips:?}");
}

/// `tests/soak bit-rot COUNT`
#[test]
#[ignore = "by tests/soak"]
fn soak_bit_rot() {
    let (count, seed) = soak(SEED);
    let bench = fetched(Mode::Remove);
    let flips = flip_bits(&bench, count, &mut Dice(seed));
    println!("flipped bits found or harmless {0} of {0} ({flips:?}, seed {seed})", in_thousands(count));
}

#[test]
fn a_rotten_index_is_built_again() {
    let bench = fetched(Mode::Keep);
    let file = bench.archive().join("index.db");
    let whole = fs::read(&file).expect("the index");
    let mut dice = Dice(SEED);
    for round in 0..20 {
        let mut spoilt = whole.clone();
        // The head of the file in every fourth, so that it is no database any more.
        let from = if round % 4 == 0 { 0 } else { dice.below(whole.len() as u64 - 4_096) as usize };
        spoilt[from..from + 4_096].fill(0x5A);
        fs::write(&file, &spoilt).expect("written");
        bench.run(&["reindex"]);
        let listed = json_lines(&bench.run(&["list", "--limit", "1000", "--json"]));
        assert_eq!(listed.len(), MAIL, "round {round}");
    }
    bench.all_is_settled("after the index was spoilt");
}

// Files that are cut, deleted, or beside the wrong ones.

/// Runs everything that opens the archive; nothing may be shown as mail that is none.
fn nothing_wrong_is_shown(bench: &Bench, when: &str) {
    for id in 1..=MAIL {
        let output = bench.postkeep(&["show", &id.to_string(), "--raw"]).output().expect("the program starts");
        said(&output);
        assert!(
            !output.status.success() || bench.mail.contains(&output.stdout),
            "{when}: message {id} is shown in other bytes"
        );
    }
}

fn all_is_shown(bench: &Bench) -> bool {
    (1..=MAIL).all(|id| bench.mail.contains(&bench.run(&["show", &id.to_string(), "--raw"]).stdout))
}

#[test]
fn a_file_cut_short_is_refused_or_recovered_and_never_made_anew() {
    let bench = fetched(Mode::Keep);
    let file = bench.archive().join("mail.db");
    let whole = fs::read(&file).expect("the archive");
    for length in [0, 1, 50, 100, 512, 4_096, 16_384, whole.len() / 2, whole.len() - 16_384, whole.len() - 1] {
        let when = format!("cut to {length} of {} octets", whole.len());
        fs::write(&file, &whole[..length]).expect("written");
        let before = digest(&file);
        for arguments in [&["account", "list"][..], &["list", "--json"], &["check", "--full"]] {
            said(&bench.postkeep(arguments).output().expect("the program starts"));
        }
        nothing_wrong_is_shown(&bench, &when);
        assert_eq!(digest(&file), before, "{when}: reading changed it");
        let check = bench.postkeep(&["check", "--full"]).output().expect("the program starts");
        // The last octets of the file may be ones that no page needs.
        assert!(
            !check.status.success() || (length + 1 == whole.len() && all_is_shown(&bench)),
            "{when}: {}",
            said(&check)
        );
        // Fetching may mend nothing: it must not make another archive in its place, nor lose what the server has.
        said(&bench.postkeep(&["fetch"]).output().expect("the program starts"));
        assert!(fs::metadata(&file).expect("there").len() <= whole.len() as u64 * 2, "{when}");
        if length < 100 {
            assert_eq!(digest(&file), before, "{when}: it was made anew");
        }
        assert_eq!(bench.server.messages().len(), MAIL, "{when}");
        for suffix in ["-wal", "-shm"] {
            let _ = fs::remove_file(bench.archive().join(format!("mail.db{suffix}")));
        }
    }
}

/// An archive whose journal holds all the mail: the program was killed after its commit.
fn killed_with_a_journal(mode: Mode) -> Bench {
    let mut bench = Bench::new(mode, Options::default());
    bench.begin(mail());
    bench.die(&["fetch"], "committed");
    assert!(fs::metadata(bench.archive().join("mail.db-wal")).expect("a journal").len() > 0);
    bench
}

#[test]
fn a_journal_that_was_deleted_costs_what_the_server_still_has() {
    let bench = killed_with_a_journal(Mode::Remove);
    for name in ["mail.db-wal", "mail.db-shm"] {
        fs::remove_file(bench.archive().join(name)).expect("removed");
    }
    assert_eq!(stored(&bench.archive()).len(), 0, "an older state");
    bench.run(&["fetch"]);
    bench.all_is_settled("without its journal");
}

#[test]
fn a_hot_copy_without_the_journal_fetches_the_rest_and_doubles_nothing() {
    let mut bench = fetched(Mode::Keep);
    for message in small_mail(SEED).skip(MAIL).take(5) {
        bench.server.add(message);
    }
    bench.mail = bench.server.messages();
    bench.die(&["fetch"], "committed");
    assert_eq!(stored(&bench.archive()).len(), MAIL + 5);
    let copy = bench.beside("copy");
    fs::create_dir(&copy).expect("a folder");
    fs::copy(bench.archive().join("mail.db"), copy.join("mail.db")).expect("a copy");
    assert_eq!(stored(&copy).len(), MAIL, "the copy is older");
    let fetched = expect(postkeep(&copy).args(["fetch", "--json"]), 0);
    assert_eq!(json_lines(&fetched).pop().expect("a result")["retrieved"], 5);
    let here = stored(&copy);
    assert!(bench.mail.iter().all(|message| here.get(message) == Some(&1)), "each exactly once");
    sound(&copy, "the copy");
}

#[test]
fn shared_memory_that_is_garbage_is_made_anew() {
    let bench = killed_with_a_journal(Mode::Remove);
    let mut dice = Dice(SEED);
    let garbage: Vec<u8> = (0..32_768).map(|_| dice.below(256) as u8).collect();
    fs::write(bench.archive().join("mail.db-shm"), garbage).expect("written");
    bench.nothing_is_lost("beside garbage");
    bench.run(&["fetch"]);
    bench.all_is_settled("after garbage");
}

#[test]
fn a_journal_of_another_archive_harms_nothing_unseen() {
    for other_mail in [3, 40] {
        let bench = fetched(Mode::Keep);
        let mut other = Bench::new(Mode::Keep, Options::default());
        other.begin(small_mail(99).take(other_mail).collect());
        other.die(&["fetch"], "committed");
        let file = bench.archive().join("mail.db");
        let before = digest(&file);
        fs::copy(other.archive().join("mail.db-wal"), bench.archive().join("mail.db-wal")).expect("a copy");
        let check = bench.postkeep(&["check", "--full"]).output().expect("the program starts");
        let fetch = bench.postkeep(&["fetch"]).output().expect("the program starts");
        println!("{other_mail}: check {}; fetch {}", said(&check), said(&fetch));
        assert!(!fetch.status.success(), "it was to be refused");
        assert!(!check.status.success(), "it was to be found");
        nothing_wrong_is_shown(&bench, "beside another journal");
        assert_eq!(digest(&file), before, "the archive's own file stays as it was");
        fs::remove_file(bench.archive().join("mail.db-wal")).expect("removed");
        let _ = fs::remove_file(bench.archive().join("mail.db-shm"));
        bench.run(&["fetch"]);
        bench.all_is_settled("after the other journal was taken away");
    }
}

// Two at a time.

#[test]
fn a_second_instance_is_refused_by_whatever_path_it_comes() {
    let bench = fetched(Mode::Keep);
    let by_link = bench.beside("by-link");
    symlink(bench.archive(), &by_link).expect("a link");
    let (hard, soft) = (bench.beside("hard"), bench.beside("soft"));
    for folder in [&hard, &soft] {
        fs::create_dir(folder).expect("a folder");
    }
    fs::hard_link(bench.archive().join("mail.db"), hard.join("mail.db")).expect("a hard link");
    symlink(bench.archive().join("mail.db"), soft.join("mail.db")).expect("a link");
    let first = paused(&mut bench.postkeep(&["fetch"]), "connected:1");
    for folder in [&bench.archive(), &by_link, &hard, &soft] {
        let output = expect(postkeep(folder).args(["fetch", "--json"]), 4);
        assert!(said(&output).contains("Another Postkeep"), "{}", said(&output));
        // Reading goes on beside it.
        if folder != &hard && folder != &soft {
            assert_eq!(json_lines(&expect(postkeep(folder).args(["list", "--json"]), 0)).len(), MAIL);
        }
    }
    assert_eq!(names(&hard), ["lock", "mail.db"], "nothing was made beside a refused file");
    run(Command::new("kill").args(["-9", &first.id().to_string()]));
    first.wait_with_output().expect("an end");
    bench.run(&["fetch"]);
    bench.all_is_settled("the lock is free as soon as its holder is dead");
}

// Folders that go away, and media.

/// The folder is deleted, or the drive pulled out, under a fetch that is about to remove: DELE must not be sent for what
/// was committed to files that nobody can reach any more.
#[test]
fn a_folder_removed_in_mid_fetch_removes_nothing_from_the_server() {
    for point in ["logged in:1", "retrieved:10", "committed:1", "read back:1", "before BEGIN:4"] {
        let mut bench = Bench::new(Mode::Remove, Options::default());
        bench.begin(mail());
        let child = paused(&mut bench.postkeep(&["fetch"]), point);
        fs::remove_dir_all(bench.archive()).expect("removed");
        let output = go_on(child);
        assert!(!output.status.success(), "at {point}: {}", said(&output));
        assert_eq!(bench.server.messages().len(), MAIL, "at {point}: {}", said(&output));
        assert!(!bench.archive().join("mail.db").exists(), "at {point}: an archive was made");
        let again = refused(&mut bench.postkeep(&["fetch"]));
        assert!(again.contains("There is no archive"), "{again}");
    }
}

struct Mount(PathBuf);

impl Mount {
    fn new(at: &Path, megabytes: u32) -> Mount {
        fs::create_dir_all(at).expect("a folder");
        run(Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "tmpfs"]).arg(at));
        Mount(at.to_owned())
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // It may be gone already: that is what some tests do.
        let _ = Command::new("umount").arg("-l").arg(&self.0).stderr(Stdio::null()).status();
    }
}

#[test]
fn a_drive_pulled_out_leaves_an_empty_mount_point_empty() {
    for (mode, point) in [
        (Mode::Remove, "retrieved:10"),
        (Mode::Remove, "committed:1"),
        (Mode::Remove, "read back:1"),
        (Mode::Keep, "index opened:1"),
        (Mode::Keep, "before COMMIT of the index:1"),
    ] {
        let mut bench = Bench::new(mode, Options::default());
        bench.begin(mail());
        let mount = Mount::new(&bench.beside("stick"), 160);
        copy_folder(&bench.archive(), &mount.0);
        let child = paused(postkeep(&mount.0).arg("fetch"), point);
        run(Command::new("umount").arg("-l").arg(&mount.0));
        let output = go_on(child);
        assert_eq!(bench.server.messages().len(), MAIL, "at {point}: {}", said(&output));
        assert!(!output.status.success(), "at {point}: {}", said(&output));
        for arguments in [&["fetch"][..], &["list"], &["check"], &["backup", "/tmp/nowhere"], &["reindex"]] {
            refused(postkeep(&mount.0).args(arguments));
        }
        assert_eq!(names(&mount.0), Vec::<String>::new(), "at {point}: something was made in the mount point");
    }
}

#[test]
fn a_medium_that_cannot_be_written_is_read() {
    let bench = fetched(Mode::Keep);
    let mount = Mount::new(&bench.beside("medium"), 32);
    copy_folder(&bench.archive(), &mount.0);
    for name in ["mail.db-wal", "mail.db-shm", "index.db-wal", "index.db-shm", "lock"] {
        let _ = fs::remove_file(mount.0.join(name));
    }
    let before = names(&mount.0);
    run(Command::new("mount").args(["-o", "remount,ro"]).arg(&mount.0));
    assert_eq!(json_lines(&expect(postkeep(&mount.0).args(["list", "--json"]), 0)).len(), MAIL);
    let all = stored(&mount.0);
    let shown = expect(postkeep(&mount.0).args(["show", "1", "--raw"]), 0).stdout;
    assert!(all.contains_key(&shown));
    let word = expect(postkeep(&mount.0).args(["list", "--limit", "1", "--json"]), 0);
    let subject = json_lines(&word)[0]["subject"].as_str().expect("a subject").to_owned();
    let word = subject.split(' ').find(|word| word.chars().all(char::is_alphanumeric)).unwrap_or("the");
    assert!(!json_lines(&expect(postkeep(&mount.0).args(["search", word, "--json"]), 0)).is_empty(), "{word}");
    expect(postkeep(&mount.0).args(["check", "--full"]), 0);
    let said = refused(postkeep(&mount.0).arg("fetch"));
    assert!(said.contains("cannot be written"), "{said}");
    assert_eq!(names(&mount.0), before, "no journal is left");
}

/// The real program, told by the system (through strace, which changes the answer of statfs) that its folder is on NFS,
/// SMB or CIFS; and a real file system over FUSE, where the machine has one.
#[test]
fn a_network_file_system_is_refused_with_its_name() {
    let bench = fetched(Mode::Keep);
    for (magic, name) in [("6969000000000000", "NFS"), ("424d53fe00000000", "SMB"), ("424d53ff00000000", "SMB")] {
        for arguments in [&["fetch"][..], &["list"], &["account", "list"]] {
            let mut command = Command::new("strace");
            command.args(["-f", "-o", "/dev/null", "-e", &format!("inject=statfs,fstatfs:poke_exit=@arg2={magic}")]);
            command.arg(&bench.program).arg("--archive").arg(bench.archive()).args(arguments);
            let said = refused(&mut command);
            assert!(said.contains("on another computer") && said.contains(name), "{said}");
        }
    }
    bench.all_is_settled("after it was refused");
}

// Other programs' files.

#[test]
fn what_is_not_ours_is_named_and_left_as_it_was() {
    let bench = fetched(Mode::Keep);
    let change = |sql: &'static str| {
        move |file: &Path| {
            let connection = Connection::open(file).expect("a database");
            connection.execute_batch(sql).expect("changed");
        }
    };
    type Spoil = Box<dyn Fn(&Path)>;
    let cases: Vec<(&str, Spoil, &str)> = vec![
        ("a newer schema", Box::new(change("PRAGMA user_version = 9999")), "newer version"),
        ("another program's", Box::new(change("PRAGMA application_id = 7")), "another program"),
        (
            "an empty database",
            Box::new(move |file| {
                fs::remove_file(file).expect("removed");
                change("PRAGMA user_version = 0; VACUUM")(file);
                assert!(fs::metadata(file).expect("there").len() > 0);
            }),
            "another program",
        ),
        (
            "an mbox",
            Box::new(move |file| {
                fs::write(file, b"From - Mon Jul  6 10:00:00 2026\nSubject: x\n\nHello\n").expect("written")
            }),
            "not an archive",
        ),
        ("an empty file", Box::new(|file| fs::write(file, b"").expect("written")), "is empty"),
    ];
    for (case, spoil, sentence) in cases {
        let place = bench.beside("spoilt");
        let _ = fs::remove_dir_all(&place);
        copy_folder(&bench.archive(), &place);
        let file = place.join("mail.db");
        for name in ["mail.db-wal", "mail.db-shm"] {
            let _ = fs::remove_file(place.join(name));
        }
        spoil(&file);
        for name in ["mail.db-wal", "mail.db-shm"] {
            let _ = fs::remove_file(place.join(name));
        }
        let before = (digest(&file), names(&place));
        for arguments in [
            &["fetch"][..],
            &["list"],
            &["search", "word"],
            &["check"],
            &["account", "list"],
            &["account", "add", "x@example.org", "--host", "localhost", "--password-command", "true"],
            &["reindex"],
            &["import", "/dev/null"],
        ] {
            let said = refused(postkeep(&place).args(arguments));
            assert!(said.contains(sentence), "{case}, {arguments:?}: {said}");
        }
        assert_eq!((digest(&file), names(&place)), before, "{case} was changed");
    }
}

#[test]
fn a_folder_that_may_not_be_written_says_so() {
    // Root may write everywhere: then as somebody else.
    let bench = fetched(Mode::Keep);
    run(Command::new("chmod").args(["-R", "a+rX"]).arg(bench.beside("")));
    fs::set_permissions(bench.archive(), fs::Permissions::from_mode(0o555)).expect("closed");
    let root = Command::new("id").arg("-u").output().expect("id").stdout == b"0\n";
    let mut command = if root {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]).arg(&bench.program);
        command.arg("--archive").arg(bench.archive());
        command
    } else {
        postkeep(&bench.archive())
    };
    let said = refused(command.arg("fetch"));
    assert!(said.contains("cannot be written") || said.contains("could not be opened"), "{said}");
    fs::set_permissions(bench.archive(), fs::Permissions::from_mode(0o700)).expect("opened");
    bench.run(&["fetch"]);
    bench.all_is_settled("after it was closed");
}
