//! Indexing and searching beside notmuch and mu, where these are installed, on the same messages in the same run:
//! seconds of CPU for the index, and the whole process of a search, started cold each time, that prints 100 results.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use postkeep::archive::Archive;
use postkeep::demo::generated;
use postkeep::job::Cancel;

use crate::search::{ROWS, SEED, fill};
use crate::{Scale, percentile, timed};

const TIMES: usize = 20;

pub fn bench(scale: &Scale) {
    let folder = tempfile::tempdir_in(".").expect("a folder on the disk of the checkout");
    let place = |name: &str| folder.path().join(name);
    write_maildir(&place("mail"), scale.searched);
    let archive = Archive::open(&place("archive")).expect("an archive");
    fill(&archive, scale.searched);
    let before = cpu();
    let (_, wall) = timed(|| archive.index_pending(&Cancel::new(), &mut |_| {}).expect("an index"));
    print_indexed("Postkeep", cpu().own - before.own, wall, &place("archive").join("index.db"));
    drop(archive);

    let configuration = place("notmuch-config");
    let text = format!("[database]\npath={}\n[new]\ntags=new\n", place("mail").display());
    fs::write(&configuration, text).expect("a configuration");
    let notmuch = |arguments: &[&str]| {
        let mut command = Command::new("notmuch");
        command.args(arguments).env("NOTMUCH_CONFIG", &configuration);
        command
    };
    let mu = |arguments: &[&str]| {
        let mut command = Command::new("mu");
        command.args(arguments).arg("--muhome").arg(place("mu"));
        command
    };
    // mu first: notmuch keeps its index inside of the maildir.
    let with_mu = runs(mu(&["init"]).arg("--maildir").arg(place("mail")));
    if with_mu {
        measured("mu", &mut mu(&["index", "--quiet"]), &place("mu"));
    }
    let with_notmuch = runs(Command::new("notmuch").arg("--version"));
    if with_notmuch {
        measured("notmuch", &mut notmuch(&["new", "--quiet"]), &place("mail").join(".notmuch"));
    }
    for (kind, ours, theirs) in queries() {
        let limit = ROWS.to_string();
        let mut command = Command::new(env!("CARGO_BIN_EXE_postkeep"));
        command.arg("--archive").arg(place("archive")).args(["search", ours, "--limit", &limit]);
        let mut line = format!("  {kind:<24} {ours:<26} Postkeep {}", median(&mut command));
        if with_notmuch && let Some(theirs) = theirs {
            line += &format!("  notmuch {}", median(&mut notmuch(&["search", "--limit", &limit, theirs])));
        }
        if with_mu && let Some(theirs) = theirs {
            line += &format!("  mu {}", median(&mut mu(&["find", "--maxnum", &limit, "--sortfield=date", theirs])));
        }
        println!("{line}");
    }
}

/// Each kind of query, in our language and in theirs.
fn queries() -> Vec<(&'static str, &'static str, Option<&'static str>)> {
    vec![
        ("rare", "goarnmumnea", Some("goarnmumnea")),
        ("common", "kai", Some("kai")),
        ("two words", "kai and", Some("kai and \"and\"")),
        ("phrase", "\"kai kai\"", Some("\"kai kai\"")),
        ("prefix of one letter", "h*", Some("h*")),
        ("prefix of two letters", "tr*", Some("tr*")),
        ("prefix of three letters", "tra*", Some("tra*")),
        ("from: and a word", "from:zoe kai", Some("from:zoe kai")),
        ("dates and a word", "after:2017 before:2019 kai", Some("date:2017..2018 kai")),
        ("negation", "lostier -kai", Some("lostier and not kai")),
        ("nothing found", "zzzzqqqq", Some("zzzzqqqq")),
    ]
}

fn write_maildir(maildir: &Path, count: usize) {
    for name in ["cur", "new", "tmp"] {
        fs::create_dir_all(maildir.join(name)).expect("a folder");
    }
    for (number, bytes) in generated(count, SEED).enumerate() {
        fs::write(maildir.join("cur").join(format!("{number}.bench:2,S")), bytes).expect("a file");
    }
}

fn runs(command: &mut Command) -> bool {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let ran = status.is_ok_and(|status| status.success());
    if !ran {
        println!("  {} is not here", command.get_program().display());
    }
    ran
}

fn measured(name: &str, command: &mut Command, index: &Path) {
    let before = cpu();
    let (ran, wall) = timed(|| runs(command));
    if ran {
        print_indexed(name, cpu().children - before.children, wall, index);
    }
}

fn print_indexed(name: &str, seconds: f64, wall: Duration, index: &Path) {
    let megabytes = octets(index) / 1_000_000;
    println!("  index by {name:<10} {seconds:>8.1} s of CPU  {:>8.1} s  {megabytes:>6} MB", wall.as_secs_f64());
}

fn octets(path: &Path) -> u64 {
    match fs::read_dir(path) {
        Ok(entries) => entries.flatten().map(|entry| octets(&entry.path())).sum(),
        Err(_) => fs::metadata(path).map_or(0, |file| file.len()),
    }
}

fn median(command: &mut Command) -> String {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut samples: Vec<Duration> =
        (0..TIMES).map(|_| timed(|| command.status().expect("the program starts")).1).collect();
    format!("{:>7.1} ms", percentile(&mut samples, 0.5).as_secs_f64() * 1e3)
}

/// Seconds of CPU of this process and of the children it has waited for.
struct Cpu {
    own: f64,
    children: f64,
}

fn cpu() -> Cpu {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields: Vec<f64> =
        stat.rsplit_once(") ").expect("fields").1.split(' ').map(|field| field.parse().unwrap_or(0.0)).collect();
    // In hundredths, as Linux counts for programs.
    Cpu { own: (fields[11] + fields[12]) / 100.0, children: (fields[13] + fields[14]) / 100.0 }
}
