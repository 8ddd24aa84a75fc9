//! Killed at each named step (FAULTS 1): every fail point that the sources name, in both retention modes, once or
//! several times over; then the same command again, which finishes the work. Nothing is lost, nothing doubled, every
//! byte is right.
//!
//! A point that is in the sources and not in the table here fails the test, and so does one that is never reached.
#![cfg(all(unix, debug_assertions))]
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)]

#[path = "support/bench.rs"]
mod bench;
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::thread;

use bench::{Bench, Mode, in_thousands, small_mail, soak, sound, stored};
use postkeep::demo::Options;
use support::{Dice, expect, json_lines};

const SEED: u64 = 0x0001_f417;
/// Messages on the server in each play.
const MAIL: usize = 50;

/// The command that passes the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Play {
    /// The first account, which makes the archive.
    Add,
    /// A visit to a server, in both retention modes.
    Fetch,
    /// A visit that removes.
    FetchAndRemove,
    Import,
    BackUp,
    /// A second backup of an archive that has grown.
    BackUpAgain,
    Reindex,
}

/// Each step, the command that takes it, and at which of its times the program dies.
const POINTS: &[(&str, Play, &[u64])] = &[
    ("folder made", Play::Add, &[1]),
    ("locked", Play::Add, &[1]),
    ("empty file made", Play::Add, &[1]),
    ("migrating", Play::Add, &[1, 5]),
    ("schema made", Play::Add, &[1]),
    ("archive named", Play::Add, &[1]),
    ("archive made", Play::Add, &[1]),
    ("opened", Play::Add, &[1]),
    ("before BEGIN", Play::Add, &[1]),
    ("before COMMIT", Play::Add, &[1]),
    ("after COMMIT", Play::Add, &[1]),
    ("connected", Play::Fetch, &[1]),
    ("TLS up", Play::Fetch, &[1]),
    ("greeted", Play::Fetch, &[1]),
    ("commands sent", Play::Fetch, &[1, 3, 5, 8]),
    ("logged in", Play::Fetch, &[1]),
    ("listed", Play::Fetch, &[1]),
    ("listing entered", Play::Fetch, &[1]),
    ("listing noted", Play::Fetch, &[1]),
    ("retr", Play::Fetch, &[1]),
    ("RETR asked", Play::Fetch, &[1]),
    ("octets", Play::Fetch, &[1, 7, 40]),
    ("message whole", Play::Fetch, &[1, 50]),
    ("retrieved", Play::Fetch, &[25]),
    ("batch taken", Play::Fetch, &[1]),
    ("commit", Play::Fetch, &[1]),
    ("batch hashed", Play::Fetch, &[1]),
    ("original without body", Play::Fetch, &[1, 30]),
    ("message without ledger row", Play::Fetch, &[1, 50]),
    ("committed", Play::Fetch, &[1]),
    ("before BEGIN", Play::Fetch, &[1, 4]),
    ("before COMMIT", Play::Fetch, &[1, 2, 3, 4, 5]),
    ("after COMMIT", Play::Fetch, &[1, 2, 3, 4, 5]),
    ("retrieved all", Play::Fetch, &[1]),
    ("index", Play::Fetch, &[1]),
    ("indexed", Play::Fetch, &[1]),
    ("index opened", Play::Fetch, &[1]),
    ("schema of the index", Play::Fetch, &[1]),
    ("before COMMIT of the index", Play::Fetch, &[1]),
    ("after COMMIT of the index", Play::Fetch, &[1]),
    ("session ended", Play::Fetch, &[1]),
    ("prove", Play::FetchAndRemove, &[1]),
    ("read back", Play::FetchAndRemove, &[1, 50]),
    ("dele", Play::FetchAndRemove, &[1]),
    ("DELE answered", Play::FetchAndRemove, &[1, 25, 50]),
    ("dele answered", Play::FetchAndRemove, &[1]),
    ("quit", Play::FetchAndRemove, &[1]),
    ("quit answered", Play::FetchAndRemove, &[1]),
    ("removal noted", Play::FetchAndRemove, &[1]),
    ("before COMMIT", Play::FetchAndRemove, &[6, 7]),
    ("after COMMIT", Play::FetchAndRemove, &[6, 7]),
    ("bundle half written", Play::Import, &[1]),
    ("bundle without members", Play::Import, &[1]),
    ("original without body", Play::Import, &[25]),
    ("bundle renewed", Play::Import, &[1]),
    ("before COMMIT", Play::Import, &[1]),
    ("after COMMIT", Play::Import, &[1]),
    ("import stored", Play::Import, &[1]),
    ("segment begun", Play::BackUp, &[1]),
    ("segment filled", Play::BackUp, &[1]),
    ("segment in place", Play::BackUp, &[1]),
    ("state in place", Play::BackUp, &[1]),
    ("manifest written", Play::BackUp, &[1]),
    ("manifest in place", Play::BackUp, &[1]),
    ("before COMMIT", Play::BackUp, &[1, 2]),
    ("after COMMIT", Play::BackUp, &[1, 2]),
    ("manifest in place", Play::BackUpAgain, &[1]),
    ("old state removed", Play::BackUpAgain, &[1]),
    ("index built", Play::Reindex, &[1]),
    ("old index gone", Play::Reindex, &[1]),
    ("index renamed", Play::Reindex, &[1]),
];

/// Not played here, and why.
const ELSEWHERE: &[(&str, &str)] = &[
    ("first frame", "the window's; nothing is written by then"),
    ("bytes replaced", "tests/health.rs: where mail that is here is packed anew"),
    ("pages given back", "by the window, after a commit of its own: src/archive/tests/health.rs"),
    ("writing anew", "tests/health.rs"),
    ("written anew", "tests/health.rs"),
    ("segment set aside", "only where a segment was found damaged: src/backup/tests/damage.rs"),
];

/// One point at one of its times, as the variable names it.
#[derive(Clone, Debug)]
struct Death {
    play: Play,
    point: String,
}

fn deaths() -> Vec<Death> {
    let times = |&(name, play, times): &(&str, Play, &'static [u64])| {
        let name = name.to_owned();
        times.iter().map(move |time| Death { play, point: format!("{name}:{time}") })
    };
    POINTS.iter().flat_map(times).collect()
}

#[test]
fn every_point_of_the_sources_is_played() {
    let mut named = BTreeSet::new();
    collect(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut named);
    let played = POINTS.iter().map(|(name, ..)| *name).chain(ELSEWHERE.iter().map(|(name, _)| *name));
    let played: BTreeSet<String> = played.map(str::to_owned).collect();
    assert_eq!(named, played, "left: in the sources, right: played");
    println!("{} named points, {} deaths", named.len(), deaths().len());
}

fn collect(folder: &Path, named: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() {
            collect(&path, named);
        } else if name.ends_with(".rs") && name != "failpoint.rs" {
            let text = fs::read_to_string(&path).expect("UTF-8 source");
            for mark in ["phase = \"", "moment)(\""] {
                let found = text.split(mark).skip(1).filter_map(|rest| rest.split('"').next());
                named.extend(found.map(str::to_owned));
            }
        }
    }
}

#[test]
fn killed_at_each_step_of_a_visit_that_keeps() {
    play_all(Mode::Keep, |play| play == Play::Fetch);
}

#[test]
fn killed_at_each_step_of_a_visit_that_removes() {
    play_all(Mode::Remove, |play| matches!(play, Play::Fetch | Play::FetchAndRemove));
}

#[test]
fn killed_at_each_step_of_everything_else() {
    play_all(Mode::Keep, |play| !matches!(play, Play::Fetch | Play::FetchAndRemove));
}

fn play_all(mode: Mode, wanted: impl Fn(Play) -> bool) {
    let deaths: Vec<Death> = deaths().into_iter().filter(|death| wanted(death.play)).collect();
    let mut bench = Bench::new(mode, Options::default());
    let mail: Vec<_> = small_mail(SEED).take(MAIL).collect();
    for death in &deaths {
        play(&mut bench, &mail, std::slice::from_ref(death));
    }
    println!("{} deaths, mode {mode:?}, {MAIL} messages each, seed {SEED:#x}", deaths.len());
}

/// Dies at each of the points in turn (they belong to one command), then runs the command to its end.
fn play(bench: &mut Bench, mail: &[Vec<u8>], deaths: &[Death]) {
    let when = format!("after {deaths:?}");
    match deaths[0].play {
        Play::Fetch | Play::FetchAndRemove => {
            bench.begin(mail.to_vec());
            for death in deaths {
                bench.die(&["fetch"], &death.point);
                bench.nothing_is_lost(&when);
            }
            bench.run(&["fetch"]);
            bench.all_is_settled(&when);
        }
        Play::Add => add(bench, mail, &deaths[0], &when),
        Play::Import => import(bench, mail, &deaths[0], &when),
        Play::BackUp | Play::BackUpAgain => back_up(bench, mail, &deaths[0], &when),
        Play::Reindex => reindex(bench, mail, &deaths[0], &when),
    }
}

fn add(bench: &mut Bench, mail: &[Vec<u8>], death: &Death, when: &str) {
    bench.begin(mail.to_vec());
    fs::remove_dir_all(bench.archive()).expect("no archive");
    let port = bench.server.address().port().to_string();
    let ca = bench.server.ca_file();
    let command = format!("printf '%s\\n' '{}'", bench.server.password());
    let arguments = ["account", "add", bench.server.user(), "--host", "localhost", "--port", &port, "--user"];
    let arguments = [
        &arguments[..],
        &[bench.server.user(), "--leave-copy", "on", "--password-command", &command],
        &["--ca", ca.to_str().expect("UTF-8")],
    ]
    .concat();
    bench.die(&arguments, &death.point);
    let accounts = || json_lines(&bench.run(&["account", "list", "--json"])).len();
    let committed = death.point.starts_with("after COMMIT");
    if committed {
        assert_eq!(accounts(), 1, "{when}");
    } else {
        bench.run(&arguments);
    }
    assert_eq!(accounts(), 1, "{when}");
    bench.run(&["fetch"]);
    bench.all_is_settled(when);
}

fn import(bench: &mut Bench, mail: &[Vec<u8>], death: &Death, when: &str) {
    bench.begin(Vec::new());
    let folder = bench.beside("eml");
    fs::create_dir_all(&folder).expect("a folder");
    for (index, message) in mail.iter().enumerate() {
        fs::write(folder.join(format!("{index}.eml")), message).expect("a file");
    }
    // The last one is here by then in other bytes, so that it is taken out of the bundle again.
    let again = [b"X-Mozilla-Status: 0001\r\n", mail[0].as_slice()].concat();
    fs::write(folder.join("last.eml"), again).expect("a file");
    let arguments = ["import", folder.to_str().expect("UTF-8")];
    bench.die(&arguments, &death.point);
    bench.run(&arguments);
    let here = stored(&bench.archive());
    assert_eq!(here.len(), mail.len(), "{when}");
    assert!(mail.iter().all(|message| here.get(message) == Some(&1)), "{when}");
    sound(&bench.archive(), when);
}

fn back_up(bench: &mut Bench, mail: &[Vec<u8>], death: &Death, when: &str) {
    let (first, rest) = mail.split_at(MAIL / 2);
    bench.begin(first.to_vec());
    bench.run(&["fetch"]);
    let target = bench.beside("backup");
    let _ = fs::remove_dir_all(&target);
    let folder = target.to_str().expect("UTF-8");
    let mut held = 0;
    if death.play == Play::BackUpAgain {
        bench.run(&["backup", folder]);
        held = first.len();
    }
    for message in rest {
        bench.server.add(message.clone());
    }
    bench.mail = bench.server.messages();
    bench.run(&["fetch"]);
    bench.die(&["backup", folder], &death.point);
    let verify = |status| {
        let output = expect(&mut bench.postkeep(&["verify", folder, "--json"]), status);
        json_lines(&output).pop().and_then(|line| line["messages"].as_u64()).unwrap_or(0)
    };
    if held > 0 {
        let now = verify(0);
        assert!(now == held as u64 || now == MAIL as u64, "{when}: the backup holds {now}");
    }
    bench.run(&["backup", folder]);
    assert_eq!(verify(0), MAIL as u64, "{when}");
    bench.all_is_settled(when);
}

fn reindex(bench: &mut Bench, mail: &[Vec<u8>], death: &Death, when: &str) {
    bench.begin(mail.to_vec());
    bench.run(&["fetch"]);
    bench.die(&["reindex"], &death.point);
    let listed = || json_lines(&bench.run(&["list", "--limit", "1000", "--json"])).len();
    assert_eq!(listed(), MAIL, "{when}");
    bench.run(&["reindex"]);
    assert_eq!(listed(), MAIL, "{when}");
    bench.all_is_settled(when);
}

/// The shortest of them, for the mutant `commit-by-halves`.
#[test]
fn killed_amid_a_message() {
    let mut bench = Bench::new(Mode::Keep, Options::default());
    let mail: Vec<_> = small_mail(SEED).take(MAIL).collect();
    play(&mut bench, &mail, &[Death { play: Play::Fetch, point: "original without body:30".to_owned() }]);
}

/// Pairs of points, one death after the other: `tests/soak pairs COUNT`.
#[test]
#[ignore = "by tests/soak"]
fn soak_pairs() {
    let (count, seed) = soak(SEED);
    let visits: Vec<Death> = deaths().into_iter().filter(|death| death.play == Play::Fetch).collect();
    let (visits, mail) = (&visits, &small_mail(seed).take(MAIL).collect::<Vec<_>>());
    // The second death is one that any visit passes, however far the first one came.
    let any =
        ["connected:1", "TLS up:1", "greeted:1", "logged in:1", "commands sent:1", "before COMMIT:1", "after COMMIT:1"];
    thread::scope(|scope| {
        for (worker, mode) in [Mode::Keep, Mode::Remove].into_iter().enumerate() {
            scope.spawn(move || {
                let mut dice = Dice(seed + worker as u64 + 1);
                let mut bench = Bench::new(mode, Options::default());
                for _ in 0..count.div_ceil(2) {
                    let first = visits[dice.below(visits.len() as u64) as usize].clone();
                    let point = any[dice.below(any.len() as u64) as usize].to_owned();
                    play(&mut bench, mail, &[first, Death { play: Play::Fetch, point }]);
                }
            });
        }
    });
    println!("pairs of kills survived {0} of {0} (seed {seed})", in_thousands(count.div_ceil(2) * 2));
}
