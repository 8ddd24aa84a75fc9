//! Mutants: the program with one thing wrong on purpose, to show that the test of a fault can fail.
//!
//! All mutants are in one build, a copy of the sources in which each of them is a branch that the environment variable
//! `POSTKEEP_MUTANT` switches on by its name. `tests/mutants.rs` runs the test that is to catch it for each of them.
//!
//! To add one, append it to the file of its topic in `tests/mutants/`:
//!
//! ```text
//! Mutant {
//!     name: "quit-err-is-ok",                                // unique, a-z and dashes
//!     file: "src/fetch/run.rs",                              // under src or tests
//!     from: "if answer == Answer::Ok {",                     // stands exactly once in that file, white space included
//!     to: r#"if answer == Answer::Ok || crate::mutant("quit-err-is-ok") {"#,
//!     killed_by: ("fetch", "a_refused_quit_is_no_success"),  // file in tests/ (or "lib" for a unit test) and full name
//! }
//! ```
//!
//! The `to` asks `crate::mutant("name")` (in `src/main.rs` and in tests: `postkeep::mutant`), and does what `from` did
//! where the answer is false: without a name set the build is the program as it is, and every named test must pass in
//! it. Choose a test that takes a second, no network but loopback, and no time to wait for. Texts of two mutants in one
//! file may not overlap; where they would, the `to` of the first asks for both, and the second has an empty `from`. What
//! several need (a function, a method) goes into `HELPERS` of the file, without a switch.
//!
//! Run one topic or one mutant: `MUTANTS=word cargo test --test mutants -- --nocapture`, for names that contain it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

#[path = "../mutants/plan.rs"]
mod plan;
#[path = "../mutants/protocol.rs"]
mod protocol;
#[path = "../mutants/quirks.rs"]
mod quirks;
#[path = "../mutants/reading.rs"]
mod reading;
#[path = "../mutants/storage.rs"]
mod storage;
#[path = "../mutants/transport.rs"]
mod transport;
#[path = "../mutants/worker.rs"]
mod worker;

/// The variable that switches a mutant on.
pub const SWITCH: &str = "POSTKEEP_MUTANT";
/// The package of the copy, and the name of its program.
const PACKAGE: &str = "postkeep-mutants";

/// One change to the program, and the test that fails because of it.
#[derive(Clone, Copy)]
pub struct Mutant {
    pub name: &'static str,
    pub file: &'static str,
    pub from: &'static str,
    pub to: &'static str,
    /// A test target (`lib` for the unit tests) and the full name of the test.
    pub killed_by: (&'static str, &'static str),
}

/// A change that stands in the build whatever is switched on.
#[derive(Clone, Copy)]
pub struct Change {
    pub file: &'static str,
    pub from: &'static str,
    pub to: &'static str,
}

/// Every mutant there is.
pub fn all() -> Vec<Mutant> {
    [
        protocol::MUTANTS,
        storage::MUTANTS,
        transport::MUTANTS,
        plan::MUTANTS,
        quirks::MUTANTS,
        reading::MUTANTS,
        worker::MUTANTS,
    ]
    .concat()
}

/// The build that holds all mutants.
pub struct Build {
    /// The program; without [`SWITCH`] in its environment it is as it should be.
    pub program: PathBuf,
    /// Where the tests are to be run.
    pub folder: PathBuf,
    tests: HashMap<String, PathBuf>,
}

impl Build {
    /// The binary that holds this test target.
    pub fn test(&self, target: &str) -> &Path {
        self.tests.get(target).unwrap_or_else(|| panic!("no test target {target} was built"))
    }
}

/// Builds it, unless it is there already. The copy is a package of another name, so that it can use the dependencies
/// that were built for the tests without getting in the way of the program itself.
pub fn build() -> Build {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let copy = scratch.join("mutants");
    fs::create_dir_all(scratch).expect("a folder");
    let lock = fs::File::create(scratch.join("mutants.lock")).expect("a lock file");
    lock.lock().expect("a lock");
    let files = mutated(sources(root), &all());
    write_changed(&copy, &files);
    let target = scratch.parent().expect("the target folder");
    let mut command = Command::new(env!("CARGO"));
    command.args(["test", "--no-run", "--quiet", "--locked", "--message-format=json", "--target-dir"]).arg(target);
    command.args(if cfg!(feature = "gui") { &[][..] } else { &["--no-default-features"] });
    // What cargo tells a test about its package; ring is built anew where it has changed.
    for (name, _) in std::env::vars_os() {
        let ours = ["CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"];
        if ours.iter().any(|ours| name.to_string_lossy().starts_with(ours)) {
            command.env_remove(name);
        }
    }
    for name in all().iter().map(|mutant| mutant.killed_by.0).collect::<BTreeSet<_>>() {
        if name == "lib" {
            command.arg("--lib")
        } else {
            command.args(["--test", name])
        };
    }
    let built = command.current_dir(&copy).output().expect("cargo");
    assert!(built.status.success(), "{}", messages(&built.stdout) + &String::from_utf8_lossy(&built.stderr));
    let mut found = Build { program: PathBuf::new(), folder: copy, tests: HashMap::new() };
    for artifact in json(&built.stdout) {
        let Some(executable) = artifact["executable"].as_str() else { continue };
        match artifact["target"]["kind"][0].as_str() {
            Some("bin") => found.program = executable.into(),
            Some("lib") => _ = found.tests.insert("lib".to_owned(), executable.into()),
            _ => {
                let name = artifact["target"]["name"].as_str().expect("a name").to_owned();
                found.tests.insert(name, executable.into());
            }
        }
    }
    assert!(found.program.is_file(), "no program was built");
    found
}

fn json(lines: &[u8]) -> impl Iterator<Item = Value> {
    lines.split(|octet| *octet == b'\n').filter_map(|line| serde_json::from_slice(line).ok())
}

fn messages(lines: &[u8]) -> String {
    json(lines).filter_map(|line| line["message"]["rendered"].as_str().map(str::to_owned)).collect()
}

/// The files of the copy by their path, mutated.
fn mutated(mut files: BTreeMap<PathBuf, Vec<u8>>, mutants: &[Mutant]) -> BTreeMap<PathBuf, Vec<u8>> {
    let names: BTreeSet<_> = mutants.iter().map(|mutant| mutant.name).collect();
    assert_eq!(names.len(), mutants.len(), "two mutants have one name");
    let helpers = [
        protocol::HELPERS,
        storage::HELPERS,
        transport::HELPERS,
        plan::HELPERS,
        quirks::HELPERS,
        reading::HELPERS,
        worker::HELPERS,
    ]
    .concat();
    let changes: Vec<Change> = mutants
        .iter()
        .filter(|mutant| !mutant.from.is_empty())
        .map(|Mutant { file, from, to, .. }| Change { file, from, to })
        .chain(helpers)
        .collect();
    for name in names {
        let asked = format!("mutant(\"{name}\")");
        assert!(changes.iter().any(|change| change.to.contains(&asked)), "nothing asks for {asked}");
    }
    let mut by_file: BTreeMap<&str, Vec<&Change>> = BTreeMap::new();
    for change in &changes {
        by_file.entry(change.file).or_default().push(change);
    }
    for (file, changes) in by_file {
        let text = text(&mut files, file);
        *text = splice(file, &String::from_utf8_lossy(text), &changes).into_bytes();
    }
    rename(&mut files);
    text(&mut files, "src/lib.rs").extend_from_slice(ASKED.as_bytes());
    files
}

const ASKED: &str = r#"
/// Whether this mutant is switched on.
pub fn mutant(name: &str) -> bool {
    static ON: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    ON.get_or_init(|| std::env::var("POSTKEEP_MUTANT").ok()).as_deref() == Some(name)
}
"#;

fn text<'a>(files: &'a mut BTreeMap<PathBuf, Vec<u8>>, file: &str) -> &'a mut Vec<u8> {
    files.get_mut(Path::new(file)).unwrap_or_else(|| panic!("there is no {file}"))
}

/// Puts each `to` in the place of its `from`.
fn splice(file: &str, text: &str, changes: &[&Change]) -> String {
    let mut places: Vec<(Range<usize>, &str)> = changes
        .iter()
        .map(|change| {
            let found: Vec<_> = text.match_indices(change.from).map(|(at, _)| at).collect();
            assert_eq!(found.len(), 1, "{file}: to stand there once: {:?}", change.from);
            (found[0]..found[0] + change.from.len(), change.to)
        })
        .collect();
    places.sort_by_key(|(place, _)| place.start);
    let (mut spliced, mut done) = (String::new(), 0);
    for (place, to) in places {
        assert!(done <= place.start, "{file}: two mutants change {:?}", &text[place]);
        spliced += &text[done..place.start];
        spliced += to;
        done = place.end;
    }
    spliced + &text[done..]
}

/// Another package, whose library keeps its name and whose program does not.
fn rename(files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    let name = "name = \"postkeep\"\n";
    let named = format!("name = \"{PACKAGE}\"\n");
    let targets = format!(
        "[lib]\nname = \"postkeep\"\npath = \"src/lib.rs\"\n\n[[bin]]\n{named}path = \"src/main.rs\"\n\n[features]\n"
    );
    replace(files, "Cargo.toml", name, &named);
    replace(files, "Cargo.toml", "default-run = \"postkeep\"\n", "");
    replace(files, "Cargo.toml", "[features]\n", &targets);
    replace(files, "Cargo.lock", name, &named);
    for (path, text) in files.iter_mut().filter(|(path, _)| path.starts_with("tests")) {
        if path.extension().is_some_and(|extension| extension == "rs") {
            let program = format!("CARGO_BIN_EXE_{PACKAGE}\"");
            *text = String::from_utf8_lossy(text).replace("CARGO_BIN_EXE_postkeep\"", &program).into_bytes();
        }
    }
}

fn replace(files: &mut BTreeMap<PathBuf, Vec<u8>>, file: &str, from: &str, to: &str) {
    let text = text(files, file);
    let before = String::from_utf8_lossy(text);
    assert_eq!(before.matches(from).count(), 1, "{file}: to stand there once: {from:?}");
    *text = before.replace(from, to).into_bytes();
}

/// The files that a build needs.
fn sources(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for part in ["src", "migrations", "assets", "tests", "Cargo.toml", "Cargo.lock", "README.md", ".cargo"] {
        collect(root, Path::new(part), &mut files);
    }
    files
}

fn collect(root: &Path, part: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    let path = root.join(part);
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("a folder") {
            collect(root, &part.join(entry.expect("an entry").file_name()), files);
        }
    } else if path.is_file() {
        files.insert(part.to_owned(), fs::read(path).expect("a file"));
    }
}

/// Makes the folder hold these files and no others; what is the same already is left alone, so that it is not compiled
/// again.
fn write_changed(folder: &Path, files: &BTreeMap<PathBuf, Vec<u8>>) {
    let mut there = BTreeMap::new();
    collect(folder, Path::new(""), &mut there);
    for gone in there.keys().filter(|path| !files.contains_key(*path)) {
        fs::remove_file(folder.join(gone)).expect("a file removed");
    }
    for (path, bytes) in files.iter().filter(|(path, bytes)| there.get(*path) != Some(bytes)) {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }
}
