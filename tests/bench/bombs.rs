//! Messages that are small to send and large to read: how long until their text can be shown, which is when they have been
//! read in this process; and, of those that are a page, how long the worker then takes to draw it, or is given up.

use std::path::PathBuf;
use std::time::Duration;

use postkeep::message;
use postkeep::render::{Limits, Page, Part, Worker};

use super::{Scale, percentile, timed};

#[path = "../support/bombs.rs"]
mod list;

pub fn bench(_: &Scale) {
    let mut worker = Worker::new(PathBuf::from(env!("CARGO_BIN_EXE_postkeep")), Limits::default());
    let read = |name: &str, original: &[u8], times: &mut Vec<Duration>| {
        let (_, time) = timed(|| (message::read(original), message::head(original)));
        tell(name, time, "its text");
        times.push(time);
    };
    let (mut texts, mut drawn) = (Vec::new(), Vec::new());
    for (name, original) in list::messages(1) {
        read(name, &original, &mut texts);
    }
    let part = Part { left: 0.0, top: 0.0, width: 700.0, height: 800.0 };
    for (name, html) in list::pages() {
        read(name, format!("Content-Type: text/html\n\n{html}\n").as_bytes(), &mut texts);
        worker.warm().expect("a worker");
        let page = Page { html, ..Page::default() };
        let (laid, time) = timed(|| worker.lay(&page).and_then(|_| worker.paint(part)));
        tell(name, time, &laid.map_or_else(|failure| failure.to_string(), |_| "drawn".to_owned()));
        drawn.push(time);
    }
    for (mut times, what) in [(texts, "texts"), (drawn, "pages")] {
        let worst = times.iter().max().copied().unwrap_or_default();
        let (median, most) = (percentile(&mut times, 0.5), percentile(&mut times, 0.95));
        println!("  {} {what}: median {median:.1?}, p95 {most:.1?}, worst {worst:.1?}", times.len());
    }
}

fn tell(name: &str, time: Duration, became: &str) {
    println!("  {name:<24} {:>8.1} ms  {became}", time.as_secs_f64() * 1e3);
}
