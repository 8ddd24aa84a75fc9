//! A disk that fills up in the middle of a fetch: the mail stays on the server, the sentence says how much room is
//! missing, and the next fetch goes on where this one stopped.
//!
//! The disk is a small file system in memory; mounting it needs root (tests/run is root in CI), or sudo without a
//! password.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)]

#[path = "support/bench.rs"]
mod bench;
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use jiff::Timestamp;
use postkeep::archive::{Archive, ArchiveError, Incoming, Ingested, Marks, Origin};
use postkeep::demo::{Moment, Options, Server, Verb, generated};
use support::{add_account, assert_same_mail, expect, fetch, json_lines, originals, postkeep};

/// A file system in memory, unmounted when dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount(megabytes: u32) -> SmallDisk {
        let folder = tempfile::tempdir().expect("a folder");
        let size = format!("size={megabytes}m,mode=0777");
        as_root(Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()));
        SmallDisk(folder)
    }

    fn archive(&self) -> PathBuf {
        self.0.path().join("archive")
    }

    /// Fills it up but for about so many octets; gives the file that does.
    fn fill(&self, but: u64) -> PathBuf {
        let filler = self.0.path().join("filler");
        let free = fs4::available_space(self.0.path()).expect("free space");
        fs::write(&filler, vec![0x55; usize::try_from(free.saturating_sub(but)).expect("a size")]).expect("filled");
        filler
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        as_root(Command::new("umount").arg(self.0.path()));
    }
}

fn as_root(command: &Command) {
    let is_root = Command::new("id").arg("-u").output().expect("id").stdout == b"0\n";
    let mut command = if is_root { rebuilt(command, None) } else { rebuilt(command, Some("sudo")) };
    let output = command.output().expect("a mount tool");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn rebuilt(command: &Command, prefix: Option<&str>) -> Command {
    let mut again = Command::new(prefix.map_or(command.get_program(), AsRef::as_ref));
    if prefix.is_some() {
        again.arg("-n").arg(command.get_program());
    }
    again.args(command.get_args());
    again
}

fn stored(archive: &Path) -> usize {
    json_lines(&expect(postkeep(archive).args(["list", "--limit", "100000", "--json"]), 0)).len()
}

#[test]
fn a_disk_that_fills_up_in_mid_fetch_loses_nothing() {
    let disk = SmallDisk::mount(160);
    let mail: Vec<_> = generated(400, 9).collect();
    let options = Options::default().messages(mail).pause(Verb::Retr, Moment::Before, Duration::from_millis(8));
    let server = Server::start(0, options).expect("a server");
    let served = server.messages();
    let archive = disk.archive();
    add_account(&archive, server.user(), server.address().port(), &server.ca_file(), false, server.password());

    let mut fetching = postkeep(&archive)
        .args(["fetch", "--json"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("a fetch");
    while stored(&archive) == 0 {
        assert!(fetching.try_wait().expect("a state").is_none(), "the fetch ended before anything was stored");
        sleep(Duration::from_millis(50));
    }
    let filler = disk.fill(1 << 20);
    let output = fetching.wait_with_output().expect("an end");
    let result = json_lines(&output).pop().expect("a result line");
    println!("{}", result["problem"]);

    assert_eq!(output.status.code(), Some(1));
    assert_eq!(result["deleted"], 0, "{result}");
    let problem = result["problem"].as_str().expect("a sentence");
    assert!(problem.contains("full") && problem.contains(" MB"), "{problem}");
    assert_same_mail(server.messages(), served.clone());
    let so_far = stored(&archive);
    assert!(so_far < served.len(), "the disk was to fill up in the middle, not after {so_far} messages");

    fs::remove_file(filler).expect("room again");
    let rest = fetch(&archive, 0);
    assert_eq!(rest["retrieved"], served.len() - so_far, "{rest}");
    assert_eq!(rest["deleted"], served.len(), "{rest}");
    assert_same_mail(originals(&archive), served);
}

/// The space check before each batch can be overtaken by other programs: SQLite itself meets the full disk.
#[test]
fn a_commit_that_meets_a_full_disk_leaves_the_archive_whole() {
    let disk = SmallDisk::mount(8);
    let incoming = |bytes: Vec<u8>| Incoming {
        bytes,
        arrived: Timestamp::UNIX_EPOCH,
        marks: Marks::default(),
        from: Origin::File { account: None },
    };
    let batches: Vec<Vec<Vec<u8>>> =
        generated(2_000, 5).collect::<Vec<_>>().chunks(50).map(<[Vec<u8>]>::to_vec).collect();
    let mut kept = Vec::new();
    let mut failed = None;
    {
        let archive = Archive::open(&disk.archive()).expect("an archive");
        for batch in &batches {
            match archive.ingest(batch.iter().cloned().map(incoming).collect()) {
                Ok(ingested) => {
                    let added = batch.iter().zip(ingested).filter(|(_, one)| matches!(one, Ingested::Added(_)));
                    kept.extend(added.map(|(bytes, _)| bytes.clone()));
                }
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        assert!(matches!(failed, Some(ArchiveError::DiskFull { .. })), "{failed:?}");
        assert!(
            archive.ingest(vec![incoming(b"Subject: after\r\n\r\n".to_vec())]).is_err(),
            "no write after a failed one"
        );
    }
    let archive = Archive::open_read_only(&disk.archive()).expect("it opens");
    let here = archive.every_stored().expect("readable");
    let bytes = here.iter().map(|stored| archive.original(stored.id).expect("readable").expect("there")).collect();
    assert_same_mail(bytes, kept);
}

/// FAULTS 7: the disk is full from some step on, but for so many octets.
#[cfg(debug_assertions)]
#[test]
fn a_disk_full_from_any_step_on_loses_nothing() {
    let disk = SmallDisk::mount(160);
    let mut failed = 0;
    for (point, left) in [
        ("RETR asked:1", 4_096),
        ("message whole:20", 300_000),
        ("before COMMIT:4", 0),
        ("before COMMIT:4", 100_000),
        ("committed:1", 0),
        ("before COMMIT of the index:1", 0),
        ("before COMMIT of the index:1", 70_000),
        ("read back:1", 0),
        ("DELE answered:40", 0),
        ("quit answered:1", 0),
        // The checkpoint at the end, with no room, or for a part of it.
        ("session ended:1", 0),
        ("session ended:1", 200_000),
    ] {
        let mut bench = bench::Bench::new(bench::Mode::Remove, Options::default());
        bench.lies_in(disk.archive());
        bench.begin(generated(40, 11).filter(|message| message.len() < 200_000).collect());
        let child = bench::paused(&mut bench.postkeep(&["fetch"]), point);
        let filler = disk.fill(left);
        let output = bench::go_on(child);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let when = format!("full at {point} but for {left}: {said}");
        assert!(output.status.code().is_some() && !bench::crashed(&said), "{when}");
        if !output.status.success() {
            assert!(said.contains("full"), "{when}");
            failed += 1;
        }
        bench.nothing_is_lost(&when);
        fs::remove_file(filler).expect("room again");
        bench.run(&["fetch"]);
        bench.all_is_settled(&when);
    }
    println!("{failed} of 12 visits ended with a sentence about the full disk");
    assert!(failed >= 4, "only {failed}");
}

/// A backup onto a disk that is full: it says so, and the earlier backup there is as good as it was.
#[cfg(debug_assertions)]
#[test]
fn a_backup_onto_a_disk_that_fills_up_keeps_the_earlier_one() {
    let disk = SmallDisk::mount(160);
    let mut bench = bench::Bench::new(bench::Mode::Keep, Options::default());
    bench.begin(generated(20, 12).collect());
    bench.run(&["fetch"]);
    let target = disk.0.path().join("backup");
    let folder = target.to_str().expect("UTF-8");
    bench.run(&["backup", folder]);
    let held = || json_lines(&bench.run(&["verify", folder, "--json"])).pop().expect("a result")["messages"].clone();
    let before = held();
    generated(40, 13).for_each(|message| _ = bench.server.add(message));
    bench.run(&["fetch"]);
    for point in ["segment begun:1", "segment filled:1", "state in place:1"] {
        let child = bench::paused(&mut bench.postkeep(&["backup", folder]), point);
        let filler = disk.fill(0);
        let output = bench::go_on(child);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains("no room left"), "full at {point}: {said}");
        assert!(!said.contains("ZipWriter"), "full at {point}: {said}");
        assert_eq!(held(), before, "full at {point}");
        fs::remove_file(filler).expect("room again");
    }
    bench.run(&["backup", folder]);
    assert_ne!(held(), before);
}

/// An export onto a disk that is full: one sentence of its own, nothing of a backup, and nothing left.
#[test]
fn an_export_onto_a_disk_that_is_full_leaves_nothing() {
    let (disk, place) = (SmallDisk::mount(16), tempfile::tempdir().expect("a folder"));
    let archive = Archive::open(place.path()).expect("an archive");
    let incoming = |bytes| Incoming {
        bytes,
        arrived: Timestamp::UNIX_EPOCH,
        marks: Marks::default(),
        from: Origin::File { account: None },
    };
    archive.ingest(generated(60, 14).map(incoming).collect()).expect("stored");
    drop(archive);
    let target = disk.0.path().join("mail");
    for room in [0, 300_000] {
        let filler = disk.fill(room);
        for format in ["zip", "mbox", "eml", "maildir"] {
            let output = expect(postkeep(place.path()).arg("export").arg(&target).args(["--format", format]), 1);
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(said.contains("no room left for the export"), "{format}, {room} octets: {said}");
            assert!(!said.contains("backup") && !said.contains("ZipWriter"), "{format}, {room} octets: {said}");
            assert_eq!(fs::read_dir(disk.0.path()).expect("the disk").count(), 1, "{format}, {room} octets");
        }
        fs::remove_file(filler).expect("room again");
    }
}

/// Without an octet free an archive cannot even be read, since its readers share a file; that is told as a full disk, and
/// with room again everything is there.
#[test]
fn an_archive_on_a_disk_with_no_octet_free_says_that_it_is_full() {
    let disk = SmallDisk::mount(16);
    let archive = disk.archive();
    let mail = disk.0.path().join("mail.eml");
    fs::write(&mail, b"From: anna@example.org\r\nSubject: one\r\n\r\nHello.\r\n").expect("a message");
    expect(postkeep(&archive).arg("import").arg(&mail), 0);
    let filler = disk.fill(0);
    for command in [["list", "--json"].as_slice(), &["search", "hello"], &["show", "1"], &["bin", "--empty"]] {
        let output = expect(postkeep(&archive).args(command), 1);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("is full") && said.contains("Nothing was lost"), "{command:?}: {said}");
    }
    fs::remove_file(filler).expect("room again");
    assert_eq!(stored(&archive), 1);
}
