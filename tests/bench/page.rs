//! From the choice of a message to the frame that shows its page: all of the reader's pane, drawn into memory, with a warm
//! worker. Beside a worker that is asked directly for the same layout and the same first strip.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use iced::Size;
use jiff::Timestamp;
use postkeep::account::MessageId;
use postkeep::archive::{Archive, Incoming, Marks, Origin};
use postkeep::demo::{self, generated};
use postkeep::gui::measured::{Reading, Stands};
use postkeep::job::Cancel;
use postkeep::message;
use postkeep::render::{Limits, Part, View, Worker};

use crate::frames::Frames;
use crate::{Scale, percentile};

/// The reader's pane of a window of the usual size.
const PANE: Size = Size::new(756.0, 768.0);
const TIMES: usize = 3;
const PROGRAM: &str = env!("CARGO_BIN_EXE_postkeep");

struct Times {
    /// Something of the message is there, and something that can be read.
    heading: Vec<Duration>,
    read: Vec<Duration>,
    /// The text stood in the page's place before it.
    waited: usize,
    page: Vec<Duration>,
    failed: usize,
}

pub fn bench(_scale: &Scale) {
    let (label, mail) = match templates() {
        Some(mail) => ("the templates", mail),
        None => {
            println!("  the templates are not beside the checkout: the HTML of the sample and of generated mail");
            ("sample and generated mail", html_of_the_demo())
        }
    };
    measure(label, &mail, TIMES, (Duration::from_millis(30), Duration::from_millis(100)));
    let large = vec![of_a_megabyte(&mail)];
    measure("a mail of 1 MB", &large, 9, (Duration::from_millis(500), Duration::from_millis(500)));
}

fn measure(label: &str, mail: &[Vec<u8>], times: usize, (median, slow): (Duration, Duration)) {
    let folder = tempfile::tempdir().expect("a folder");
    let archive = Archive::open(&folder.path().join("archive")).expect("an archive");
    let from = Origin::File { account: None };
    let incoming = |bytes: &Vec<u8>| Incoming {
        bytes: bytes.clone(),
        arrived: Timestamp::now(),
        marks: Marks::default(),
        from: from.clone(),
    };
    archive.ingest(mail.iter().map(incoming).collect()).expect("stored");
    archive.index_pending(&Cancel::new(), &mut |_| {}).expect("indexed");
    let worker = || {
        let mut worker = Worker::new(PathBuf::from(PROGRAM), Limits::default());
        worker.warm().expect("a worker");
        worker
    };
    let mut frames = Frames::new(Reading::new(archive, worker()), PANE);
    frames.frame(&[]);
    let mut alone = worker();
    let ids: Vec<MessageId> = (1..).map(MessageId).take(mail.len()).collect();
    // The first page of all finds fonts that were never used.
    opened(&mut frames, ids[0], &mut Times::new());
    directly(&mut alone, &mail[0]);
    let (mut all, mut floor) = (Times::new(), Vec::new());
    for _ in 0..times {
        for (id, bytes) in ids.iter().zip(mail) {
            floor.extend(directly(&mut alone, bytes));
            opened(&mut frames, *id, &mut all);
        }
    }
    print(label, mail.len(), &mut all, &mut floor, (median, slow));
}

impl Times {
    fn new() -> Times {
        Times { heading: Vec::new(), read: Vec::new(), waited: 0, page: Vec::new(), failed: 0 }
    }
}

fn print(label: &str, count: usize, all: &mut Times, floor: &mut [Duration], aim: (Duration, Duration)) {
    let line = |what: &str, samples: &mut [Duration]| {
        if samples.is_empty() {
            return;
        }
        let [median, slow, most] = [0.5, 0.95, 1.0].map(|share| millis(percentile(samples, share)));
        println!("  {what:<50} median {median}  p95 {slow}  slowest {most}");
    };
    println!(
        "  {label}: {count}, opened {} times; {} could not be shown as a page",
        all.page.len() + all.failed,
        all.failed
    );
    line("floor: the worker alone, layout and first strip", floor);
    line("the first frame of the message", &mut all.heading);
    line("the first frame with something to read", &mut all.read);
    line("the first frame with its page", &mut all.page);
    let within = percentile(&mut all.page, 0.5) <= aim.0 && percentile(&mut all.page, 0.95) <= aim.1;
    let verdict = if within { "within" } else { "over" };
    println!(
        "  {verdict} {} at the median and {} at p95; the text stood there first {} times",
        millis(aim.0),
        millis(aim.1),
        all.waited
    );
}

/// Chooses it in the list, and draws frame after frame until its page is there.
fn opened(frames: &mut Frames, id: MessageId, times: &mut Times) {
    let start = Instant::now();
    let task = frames.reading.open(id);
    frames.run(task);
    let (mut heading, mut read, mut text) = (false, false, false);
    loop {
        assert!(frames.hears(Duration::from_secs(20)), "nothing came of it: {:?}", frames.reading.stands());
        frames.frame(&[]);
        if frames.reading.shown() != Some(id) {
            continue;
        }
        let stands = frames.reading.stands();
        let now = start.elapsed();
        if !std::mem::replace(&mut heading, true) {
            times.heading.push(now);
        }
        if stands != Stands::Heading && !std::mem::replace(&mut read, true) {
            times.read.push(now);
        }
        match stands {
            Stands::Page(..) => {
                times.page.push(now);
                times.waited += usize::from(text);
                break;
            }
            Stands::Text if frames.reading.failed() => {
                times.failed += 1;
                break;
            }
            Stands::Text => text = true,
            _ => {}
        }
    }
    // What is painted beside what is seen is not part of the next one.
    while frames.hears(Duration::from_millis(60)) {
        frames.frame(&[]);
    }
}

fn directly(worker: &mut Worker, bytes: &[u8]) -> Option<Duration> {
    let page = message::page(bytes);
    let page = postkeep::render::Page {
        html: page.html,
        view: View { folded: true, ..View::default() },
        pictures: Vec::new(),
    };
    let start = Instant::now();
    let laid = worker.lay(&page).ok()?;
    worker.paint(Part { left: 0.0, top: 0.0, width: laid.width.min(6_000.0), height: 512.0 }).ok()?;
    Some(start.elapsed())
}

fn templates() -> Option<Vec<Vec<u8>>> {
    let shared = std::env::var_os("POSTKEEP_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let folder = fs::read_dir(shared.join("html/templates")).ok()?;
    let mut files: Vec<PathBuf> = folder.filter_map(Result::ok).map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "html"));
    files.sort();
    let pages = files.iter().filter_map(|path| fs::read(path).ok());
    Some(pages.enumerate().map(|(number, html)| mail(number, &html)).collect())
}

fn html_of_the_demo() -> Vec<Vec<u8>> {
    let sample = demo::sample::messages(Timestamp::now()).into_iter().map(|sample| sample.bytes);
    sample.chain(generated(400, 4)).filter(|bytes| message::page(bytes).is_html).collect()
}

fn mail(number: usize, html: &[u8]) -> Vec<u8> {
    let head = format!(
        "From: Ann <ann@example.org>\r\nSubject: page {number}\r\nMessage-ID: <{number}@example.org>\r\n\
         MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    );
    [head.as_bytes(), html].concat()
}

/// The first pages again and again, one below the other.
fn of_a_megabyte(mail: &[Vec<u8>]) -> Vec<u8> {
    const SIZE: usize = 1_000_000;
    let mut html = String::new();
    for bytes in mail.iter().cycle() {
        let page = message::page(bytes).html;
        let body = page.find("<body").map_or(page.as_str(), |at| &page[at..]);
        html.push_str("<div>");
        html.push_str(body);
        html.push_str("</div>");
        if html.len() >= SIZE {
            break;
        }
    }
    self::mail(0, html.as_bytes())
}

fn millis(time: Duration) -> String {
    format!("{:>7.1} ms", time.as_secs_f64() * 1e3)
}
