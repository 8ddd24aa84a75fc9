//! Every mutant is caught: the program with one thing wrong on purpose fails the test that is there for it, and the same
//! build with nothing wrong passes that test.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)]

mod support;

use std::collections::BTreeSet;
use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread::sleep;
use std::time::{Duration, Instant};

use support::mutant::{self, Build, Mutant, SWITCH};

/// A test that takes longer than this with a mutant switched on is hung, and counts as failed.
const HUNG: Duration = Duration::from_secs(120);

/// What became of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ran {
    Passed,
    Failed,
    Hung,
    /// There is no test of this name, or it is ignored.
    NotFound,
}

/// Runs one test of the build, with or without a mutant; with what it printed.
fn run(build: &Build, (target, name): (&str, &str), mutant: Option<&str>) -> (Ran, String) {
    let mut command = Command::new(build.test(target));
    command.args(["--exact", name, "--test-threads=1"]).current_dir(&build.folder).env_remove(SWITCH);
    command.env("RUST_BACKTRACE", "0").envs(mutant.map(|mutant| (SWITCH, mutant)));
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    command.stdout(writer.try_clone().expect("a pipe")).stderr(writer).stdin(Stdio::null()).process_group(0);
    let mut child = command.spawn().expect("the test starts");
    drop(command);
    let reading = std::thread::spawn(move || {
        let mut printed = Vec::new();
        _ = reader.read_to_end(&mut printed);
        String::from_utf8_lossy(&printed).into_owned()
    });
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("a state") {
            break Some(status);
        }
        if begun.elapsed() > HUNG {
            break None;
        }
        sleep(Duration::from_millis(5));
    };
    // Whatever it started goes with it.
    _ = Command::new("kill").args(["-9", "--", &format!("-{}", child.id())]).stderr(Stdio::null()).status();
    _ = child.wait();
    let printed = reading.join().expect("a reader");
    let ran = match status {
        None => Ran::Hung,
        Some(status) if status.success() && printed.contains("test result: ok. 1 passed") => Ran::Passed,
        Some(status) if status.success() => Ran::NotFound,
        Some(_) => Ran::Failed,
    };
    (ran, printed)
}

/// Does `work` for each on as many threads as there are cores.
fn on_all_cores<T: Copy + Send>(items: Vec<T>, work: impl Fn(T) + Sync) {
    let left = Mutex::new(items.into_iter());
    let take = || left.lock().expect("a queue").next();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while let Some(item) = take() {
                    work(item);
                }
            });
        }
    });
}

#[test]
fn every_mutant_is_caught() {
    let wanted = std::env::var("MUTANTS").unwrap_or_default();
    let mutants: Vec<Mutant> = mutant::all().into_iter().filter(|mutant| mutant.name.contains(&wanted)).collect();
    assert!(!mutants.is_empty(), "no mutant is called {wanted}");
    let build = mutant::build();
    let tests: BTreeSet<_> = mutants.iter().map(|mutant| mutant.killed_by).collect();
    let wrong = Mutex::new(Vec::new());
    on_all_cores(tests.into_iter().collect(), |test| {
        let (ran, printed) = run(&build, test, None);
        if ran != Ran::Passed {
            wrong.lock().expect("a list").push(format!("{} {} without a mutant: {ran:?}\n{printed}", test.0, test.1));
        }
    });
    assert_eq!(wrong.into_inner().expect("a list").join("\n"), "", "tests that do not pass in the build of mutants");

    let (count, missed) = (mutants.len(), Mutex::new(Vec::new()));
    on_all_cores(mutants, |mutant| {
        let begun = Instant::now();
        let (ran, _) = run(&build, mutant.killed_by, Some(mutant.name));
        let said = match ran {
            Ran::Failed => "caught",
            Ran::Hung => "caught (the test hung)",
            Ran::Passed | Ran::NotFound => {
                missed.lock().expect("a list").push(mutant.name);
                "MISSED"
            }
        };
        let (target, test) = mutant.killed_by;
        println!("{:<48} {said} by {target}::{test} in {:.1} s", mutant.name, begun.elapsed().as_secs_f64());
    });
    let missed = missed.into_inner().expect("a list");
    println!("{} of {count} mutants caught", count - missed.len());
    assert!(missed.is_empty(), "no test fails for {missed:?}");
}
