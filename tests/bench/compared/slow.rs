//! 500 messages over lines of 80 ms round trip.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::clients::{Cost, Place, cost, floor, median, mpop, postkeep_fetch};
use crate::delay::{Line, line_to};
use crate::mail::mail;
use crate::support::dovecot::Dovecot;

const MESSAGES: usize = 500;
const ROUNDS: usize = 3;
const ROUND_TRIP: Duration = Duration::from_millis(80);
/// In Mbit/s; 0: no limit.
const LINES: [u64; 3] = [20, 100, 0];

type SetUp = fn(Place<'_>, &Path) -> Command;

const PROGRAMS: [(&str, SetUp); 3] = [
    ("floor", |place, _| floor(place, 0)),
    ("mpop", |place, folder| mpop(place, folder, true)),
    ("postkeep fetch", |place, folder| postkeep_fetch(place, folder, true)),
];

pub fn bench(part: usize) {
    let (messages, source) = mail(MESSAGES / part);
    let count = messages.len();
    let server = Dovecot::start(messages);
    let octets: u64 =
        server.messages().iter().map(|message| crate::support::dovecot::with_crlf(message).len() as u64).sum();
    println!("  {count} messages, {:.1} MB ({source}), Dovecot, TLS, 80 ms", octets as f64 / 1e6);
    let ca_file = server.ca_file();
    cost(&floor(Place { port: server.tls_port, ca_file: &ca_file }, 0));
    for megabits in LINES {
        let limit = (megabits > 0).then_some(megabits * 1_000_000 / 8);
        let port = line_to(server.tls_port, Line { round_trip: ROUND_TRIP, octets_per_second: limit });
        let place = Place { port, ca_file: &ca_file };
        let mut costs: Vec<Vec<Cost>> = vec![Vec::new(); PROGRAMS.len()];
        for _ in 0..ROUNDS {
            for ((_, set_up), costs) in PROGRAMS.iter().zip(&mut costs) {
                let folder = tempfile::tempdir_in(".").expect("a folder on the disk of the checkout");
                costs.push(cost(&set_up(place, folder.path())));
            }
        }
        let walls: Vec<f64> = costs.iter().map(|costs| median(costs).wall.as_secs_f64()).collect();
        let alone = limit.map(|limit| octets as f64 / limit as f64);
        let title = limit.map_or("no limit".to_owned(), |_| format!("{megabits} Mbit/s"));
        println!("  {title}{}", alone.map_or(String::new(), |alone| format!(": the octets alone {alone:.2} s")));
        for ((label, _), wall) in PROGRAMS.iter().zip(&walls) {
            let over_alone = alone.map_or(String::new(), |alone| format!("  {:>5.2} x the octets alone", wall / alone));
            println!("    {label:<16} {wall:>6.2} s  {:>5.2} x floor{over_alone}", wall / walls[0]);
        }
    }
}
