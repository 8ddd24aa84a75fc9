//! All of a maildrop of 10,000 messages, by each program in turn.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use jiff::Timestamp;

use crate::clients::{Cost, Place, cost, fetchmail, floor, median, mpop, postkeep_fetch};
use crate::mail::mail;
use crate::support::dovecot::Dovecot;

const MESSAGES: usize = 10_000;
const ROUNDS: usize = 3;

/// How a program is set up to fetch from a place into a folder.
type SetUp = fn(Place<'_>, &Path) -> Command;

const PROGRAMS: [(&str, SetUp); 6] = [
    ("floor: read and thrown away", |place, _| floor(place, 0)),
    ("mpop, Maildir, fsync, a copy left", |place, folder| mpop(place, folder, true)),
    ("mpop, the same, removed", |place, folder| mpop(place, folder, false)),
    ("fetchmail, bsmtp file", fetchmail),
    ("postkeep fetch, a copy left", |place, folder| postkeep_fetch(place, folder, true)),
    ("postkeep fetch, removed", |place, folder| postkeep_fetch(place, folder, false)),
];

pub fn bench(part: usize) {
    let (messages, source) = mail(MESSAGES / part);
    let octets: usize = messages.iter().map(Vec::len).sum();
    println!("  {} messages, {:.1} MB ({source}), Dovecot, TLS", messages.len(), octets as f64 / 1e6);
    let server = Dovecot::start(messages);
    let place = Place { port: server.tls_port, ca_file: &server.ca_file() };
    // The first visit makes the server's own index and marks every message as seen.
    cost(&floor(place, 0));
    server.remember();

    let mut costs: Vec<Vec<Cost>> = vec![Vec::new(); PROGRAMS.len()];
    for _ in 0..ROUNDS {
        for ((_, set_up), costs) in PROGRAMS.iter().zip(&mut costs) {
            let folder = folder();
            costs.push(cost(&set_up(place, folder.path())));
            if server.count() < MESSAGES / part {
                server.recall();
            }
        }
    }
    let medians: Vec<Cost> = costs.iter().map(|costs| median(costs)).collect();
    println!(
        "  {:<34} {:>8} {:>8} {:>8}  {:>7} {:>7} {:>9}",
        "", "wall", "CPU", "peak", "x floor", "x mpop", "CPU x mpop"
    );
    for (((label, _), costs), cost) in PROGRAMS.iter().zip(&costs).zip(&medians) {
        line(label, cost, &medians[0], &medians[1]);
        let walls: Vec<_> = costs.iter().map(|cost| format!("{:.2}", cost.wall.as_secs_f64())).collect();
        println!("    wall of each round: {}", walls.join(", "));
    }
    split(place);
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(".").expect("a folder on the disk of the checkout")
}

fn line(label: &str, cost: &Cost, floor: &Cost, mpop: &Cost) {
    let over = |part: Duration, whole: Duration| part.as_secs_f64() / whole.as_secs_f64();
    println!(
        "  {label:<34} {:>6.2} s {:>6.2} s {:>5.0} MB  {:>7.2} {:>7.2} {:>9.2}",
        cost.wall.as_secs_f64(),
        cost.cpu.as_secs_f64(),
        cost.peak as f64 / 1e6,
        over(cost.wall, floor.wall),
        over(cost.wall, mpop.wall),
        over(cost.cpu, mpop.cpu),
    );
}

/// Where the time of one more fetch goes, by its own log: the three go on at once.
fn split(place: Place<'_>) {
    let folder = folder();
    let mut command = postkeep_fetch(place, folder.path(), true);
    let output = command.env("POSTKEEP_LOG", "postkeep::fetch=debug").output().expect("the program starts");
    assert!(output.status.success());
    let log = String::from_utf8_lossy(&output.stderr);
    let moments: Vec<(&str, Timestamp)> = log.lines().filter_map(moment).collect();
    let first = |phase: &str| moments.iter().find(|(told, _)| *told == phase).map(|(_, at)| *at).expect("a phase");
    let last = |phase: &str| moments.iter().rfind(|(told, _)| *told == phase).map(|(_, at)| *at).expect("a phase");
    let within = |start: &str, end: &str| -> f64 {
        let starts = moments.iter().filter(|(told, _)| *told == start);
        let ends = moments.iter().filter(|(told, _)| *told == end);
        starts.zip(ends).map(|((_, start), (_, end))| end.duration_since(*start).as_secs_f64()).sum()
    };
    let since = |from: Timestamp, to: Timestamp| to.duration_since(from).as_secs_f64();
    println!(
        "  postkeep's own time: RETR {:.2} s; behind it, at the same time, commits {:.2} s and indexing {:.2} s; \
         {:.2} s from the last RETR to the end of the last",
        since(first("retr"), first("retrieved all")),
        within("commit", "committed"),
        within("index", "indexed"),
        since(first("retrieved all"), last("indexed").max(last("committed"))),
    );
}

/// The time and the phase of a line of the log.
fn moment(line: &str) -> Option<(&str, Timestamp)> {
    let at = line.split_whitespace().next()?.parse().ok()?;
    let phase = line.split_once("phase=\"")?.1.split_once('"')?.0;
    Some((phase, at))
}
