//! From the start of the process to the first frame of the window, under an X server of the bench's own, beside the
//! start of the same program without a window.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use postkeep::archive::{Archive, Incoming, Marks, Origin};
use postkeep::demo::generated;
use postkeep::job::Cancel;

use crate::{Scale, percentile, timed};

const TIMES: usize = 10;
const PROGRAM: &str = env!("CARGO_BIN_EXE_postkeep");

pub fn bench(scale: &Scale) {
    let folder = tempfile::tempdir().expect("a folder");
    let (small, full) = (folder.path().join("small"), folder.path().join("full"));
    // One message: an archive without any opens with the first page, not with the list.
    fill(&small, 1);
    fill(&full, scale.fetched);
    let mut floor: Vec<_> = (0..TIMES).map(|_| timed(|| run(&["--version"])).1).collect();
    println!("  {:<50} median {}", "floor: postkeep --version", millis(percentile(&mut floor, 0.5)));
    beside(&[("1 message".to_owned(), &small), (format!("{} messages", scale.fetched), &full)]);
}

/// An archive of one message, one that fills a screen with names in many scripts, and this one.
pub fn beside_small(archive: &Path, label: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let (one, page) = (folder.path().join("one"), folder.path().join("page"));
    fill(&one, 1);
    fill(&page, 100);
    beside(&[("1 message".to_owned(), &one), ("100 messages".to_owned(), &page), (label.to_owned(), archive)]);
}

fn beside(archives: &[(String, &Path)]) {
    let Some(display) = Display::start() else {
        println!("  Xvfb is not installed: no window was started");
        return;
    };
    let mut measured = vec![(Vec::new(), 0); archives.len()];
    // In turn, so that what else the machine does falls on all alike.
    for _ in 0..TIMES {
        for ((samples, most), (_, archive)) in measured.iter_mut().zip(archives) {
            let (time, memory) = first_frame(&display, archive);
            samples.push(time);
            *most = memory.max(*most);
        }
    }
    for ((mut samples, most), (label, _)) in measured.into_iter().zip(archives) {
        let label = format!("first frame with mail, {label}");
        println!(
            "  {label:<50} median {}  slowest {}  {most} MB afterwards",
            millis(percentile(&mut samples, 0.5)),
            millis(percentile(&mut samples, 1.0)),
        );
    }
}

fn fill(folder: &Path, count: usize) {
    let archive = Archive::open(folder).expect("an archive");
    let from = Origin::File { account: None };
    let mail: Vec<_> = generated(count, 4)
        .map(|bytes| Incoming { bytes, arrived: Timestamp::now(), marks: Marks::default(), from: from.clone() })
        .collect();
    archive.ingest(mail).expect("stored");
    archive.index_pending(&Cancel::new(), &mut |_| {}).expect("indexed");
}

fn run(arguments: &[&str]) {
    let ended = Command::new(PROGRAM).args(arguments).stdout(Stdio::null()).status().expect("the program starts");
    assert!(ended.success());
}

/// Starts the window and waits for its log to say that a frame was drawn; how long that took, and its memory (RSS) in
/// MB two seconds later, when counts and the list have come too.
fn first_frame(display: &Display, archive: &Path) -> (Duration, u64) {
    let start = Instant::now();
    let mut window = Command::new(PROGRAM)
        .arg("--archive")
        .arg(archive)
        .env("DISPLAY", &display.name)
        .env_remove("WAYLAND_DISPLAY")
        .env("POSTKEEP_LOG", "postkeep=debug")
        .stderr(Stdio::piped())
        .spawn()
        .expect("the window starts");
    let mut log = BufReader::new(window.stderr.take().expect("a pipe"));
    let drawn = log.by_ref().lines().map_while(Result::ok).any(|line| line.contains("first frame"));
    let time = start.elapsed();
    std::thread::sleep(Duration::from_secs(2));
    let memory = resident(window.id());
    window.kill().expect("stopped");
    window.wait().expect("stopped");
    assert!(drawn, "the window ended without a frame");
    (time, memory)
}

fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) / 1_000
}

/// An X server of our own, stopped when dropped.
struct Display {
    server: Child,
    name: String,
}

impl Display {
    fn start() -> Option<Display> {
        // Whenever nobody is left it would begin anew, for a tenth of a second or two; on a desktop somebody always is.
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1400x900x24", "-nolisten", "tcp", "-noreset"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut number = String::new();
        BufReader::new(server.stdout.take()?).read_line(&mut number).ok()?;
        Some(Display { server, name: format!(":{}", number.trim()) })
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        self.server.kill().expect("stopped");
        self.server.wait().expect("stopped");
    }
}

fn millis(time: Duration) -> String {
    format!("{:>7.1} ms", time.as_secs_f64() * 1e3)
}
