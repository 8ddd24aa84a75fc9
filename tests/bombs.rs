//! Messages that are small to send and large to read (faults 52 to 55) take no more than 256 MB to open: in this process
//! as the window and the command line read them, and in the worker as it draws their pages. How long it takes:
//! `cargo bench --bench speed -- bombs`.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout, unsafe_code)]

#[path = "support/bombs.rs"]
mod bombs;

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicIsize, Ordering::SeqCst};
use std::time::Duration;

use postkeep::message;
use postkeep::render::{Failure, Limits, Page, Part, Worker, picture_size};

/// What opening one message may take, in octets.
const MOST: isize = 256 * 1024 * 1024;

/// The tests' program is slow: messages of a part of the size show the same, if what is held grows with it.
const PART: usize = 5;

/// Counts what the process holds.
struct Counting;

static HELD: AtomicIsize = AtomicIsize::new(0);
static PEAK: AtomicIsize = AtomicIsize::new(0);

fn count(change: isize) {
    let held = HELD.fetch_add(change, SeqCst) + change;
    PEAK.fetch_max(held, SeqCst);
}

// SAFETY: hands everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Octets that were held at most while it ran, beyond those from before.
fn peak<T>(work: impl FnOnce() -> T) -> isize {
    let before = HELD.load(SeqCst);
    PEAK.store(before, SeqCst);
    drop(work());
    PEAK.load(SeqCst) - before
}

/// The highest memory that a process has had, without what it shares with others, in octets.
#[cfg(target_os = "linux")]
fn resident(process: u32) -> isize {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<isize>().unwrap() * 1024
}

/// One test, so that nothing else is counted beside it.
#[test]
fn nothing_takes_more_than_256_mb_to_open() {
    for (name, original) in bombs::messages(PART) {
        let whole = peak(|| (message::read(&original), message::head(&original), message::page(&original)));
        let listed = peak(|| (message::envelope(&original), message::read_for_search(&original)));
        println!("{name}: {} MB of {} MB", whole.max(listed) >> 20, original.len() >> 20);
        assert!(whole.max(listed) <= MOST / PART as isize, "{name}: {whole} and {listed}");
    }
    // A small picture whose profile of colours is 64 MB of nothing: its size is asked for in this process.
    let picture = profiled(64 << 20);
    let mut size = None;
    let held = peak(|| size = picture_size(&picture));
    assert!(size == Some((10, 10)) && held < 16 << 20, "{size:?} for {held} octets, of {}", picture.len());
    #[cfg(target_os = "linux")]
    pages();
}

/// A PNG of 10 pixels by 10 with so many octets of colour profile.
fn profiled(octets: usize) -> Vec<u8> {
    let mut zlib = flate2::write::ZlibEncoder::new(b"x\0\0".to_vec(), flate2::Compression::best());
    zlib.write_all(&vec![0; octets]).unwrap();
    let chunks: [(&[u8], Vec<u8>); 3] = [
        (b"IHDR", [10u32.to_be_bytes(), 10u32.to_be_bytes()].concat().into_iter().chain([8, 2, 0, 0, 0]).collect()),
        (b"iCCP", zlib.finish().unwrap()),
        (b"IDAT", vec![0x78, 0x9c]),
    ];
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, content) in chunks {
        png.extend(u32::try_from(content.len()).unwrap().to_be_bytes());
        let start = png.len();
        png.extend(name.iter().chain(&content));
        let sum = crc32fast::hash(&png[start..]);
        png.extend(sum.to_be_bytes());
    }
    png
}

/// The pages that may be too much for the worker.
#[cfg(target_os = "linux")]
const GIVEN_UP: &[&str] = &["1,000,000 cells"];

/// The kernel holds the worker to what is shipped; what it really had is looked at as well.
#[cfg(target_os = "linux")]
fn pages() {
    let limits = Limits { time: Duration::from_secs(30), ..Limits::default() };
    assert!(limits.memory <= MOST as u64);
    let program = PathBuf::from(env!("CARGO_BIN_EXE_postkeep"));
    let part = Part { left: 0.0, top: 0.0, width: 700.0, height: 800.0 };
    for (name, html) in bombs::pages() {
        let mut worker = Worker::new(program.clone(), limits);
        worker.lay(&Page { html: "<p>warm".to_owned(), ..Page::default() }).unwrap();
        let before = resident(worker.process().unwrap());
        let laid = worker.lay(&Page { html, ..Page::default() }).and_then(|_| worker.paint(part));
        match laid {
            Ok(_) => {
                let taken = resident(worker.process().unwrap()) - before;
                println!("{name}: {} MB", taken >> 20);
                assert!(taken <= MOST, "{name}: {taken}");
            }
            // Ended at its limit: the text is shown in its place.
            Err(Failure::Died | Failure::TooSlow) if GIVEN_UP.contains(&name) => println!("{name}: given up"),
            Err(other) => panic!("{name}: {other}"),
        }
        let next = worker.lay(&Page { html: "<p>next".to_owned(), ..Page::default() }).unwrap();
        assert_eq!(next.lines.len(), 1, "{name}: the next page is drawn all the same");
    }
}
