//! Messages that are small to send and large to read: how long until there is something to read. A message is read in
//! this process, and its text can be shown from then on; its page comes from the worker, or is given up.

use std::path::PathBuf;
use std::time::Duration;

use postkeep::message;
use postkeep::render::{Limits, Page, Part, Worker};

use super::{Scale, percentile, timed};

#[path = "../support/bombs.rs"]
mod list;

pub fn bench(_: &Scale) {
    let mut worker = Worker::new(PathBuf::from(env!("CARGO_BIN_EXE_postkeep")), Limits::default());
    let mut times = Vec::new();
    let mut tell = |name: &str, time: Duration, became: &str| {
        println!("  {name:<24} {:>8.1} ms  {became}", time.as_secs_f64() * 1e3);
        times.push(time);
    };
    for (name, original) in list::messages(1) {
        let (_, time) = timed(|| (message::read(&original), message::head(&original)));
        tell(name, time, "read");
    }
    let part = Part { left: 0.0, top: 0.0, width: 700.0, height: 800.0 };
    for (name, html) in list::pages() {
        worker.warm().expect("a worker");
        let page = Page { html, ..Page::default() };
        let (laid, time) = timed(|| worker.lay(&page).and_then(|_| worker.paint(part)));
        tell(name, time, &laid.map_or_else(|failure| failure.to_string(), |_| "drawn".to_owned()));
    }
    let worst = times.iter().max().copied().unwrap_or_default();
    let (median, most) = (percentile(&mut times, 0.5), percentile(&mut times, 0.95));
    println!("  {} bombs: median {median:.1?}, p95 {most:.1?}, worst {worst:.1?}", times.len());
}
