//! The rules of the code that no compiler checks: the order of the layers, what stands in one module only, a head on
//! every file, files of a readable size. Reads the sources as text.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)]

use std::fs;
use std::path::{Path, PathBuf};

/// The layers, top first. A module may use only modules that stand above it (and its own).
const LAYERS: &[&str] = &[
    "account",
    "job",
    "pop3",
    "message",
    "render",
    "new_file",
    "settings",
    "secrets",
    "provider",
    "transport",
    "remote",
    "archive",
    "fetch",
    "backup",
    "problem",
    "demo",
    "gui",
    "cli",
    "main",
];

/// Words that may stand only in the modules named.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("mail_parser", &["message"]),
    ("html5gum", &["message", "render"]),
    ("html5ever", &["render"]),
    ("blitz_", &["render"]),
    ("cssparser", &["render"]),
    ("directories::", &["settings"]),
    ("keyring::", &["secrets"]),
    ("keyring_core", &["secrets"]),
    ("rustls", &["transport", "demo"]),
    ("hyper", &["remote"]),
    // Opens the fetcher of pictures to this computer: no program does.
    ("loopback_for_tests", &["remote"]),
    ("rusqlite", &["archive"]),
    ("SELECT ", &["archive"]),
    ("INSERT INTO", &["archive"]),
    ("Command::Dele(", &["pop3", "transport"]),
    ("Removal::of", &["fetch"]),
    ("ProvedStored for", &["archive"]),
    ("iced::", &["gui"]),
    ("clap::", &["cli"]),
    ("println!", &["cli"]),
    ("anyhow", &["cli", "main"]),
];

/// The longest file that needs no reason, in lines of code.
const LONGEST_FILE: usize = 600;

struct Source {
    path: PathBuf,
    module: String,
    text: String,
}

impl Source {
    /// The lines of code proper: without comments, and without the tests at the end of the file.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
            .map(|(index, line)| (index + 1, line))
    }

    fn is_test(&self) -> bool {
        self.path.components().any(|part| part.as_os_str().to_string_lossy().starts_with("tests"))
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    collect(&root, &root, &mut found);
    assert!(found.len() > 20, "the sources were not found: {} files", found.len());
    found
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            collect(root, &path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let relative = path.strip_prefix(root).expect("inside src").to_path_buf();
            let first = relative.components().next().expect("a name").as_os_str().to_string_lossy().into_owned();
            let module = first.trim_end_matches(".rs").to_owned();
            let text = fs::read_to_string(&path).expect("UTF-8 source");
            found.push(Source { path: relative, module, text });
        }
    }
}

/// Module names used as `crate::NAME` or inside `use crate::{NAME, NAME::..}`.
fn used_modules(line: &str) -> Vec<&str> {
    let mut used = Vec::new();
    for (at, _) in line.match_indices("crate::") {
        let rest = &line[at + "crate::".len()..];
        let names = rest.strip_prefix('{').map_or(vec![rest], |list| list.split(',').collect());
        for name in names {
            let end = name.trim().find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.trim().len());
            used.push(&name.trim()[..end]);
        }
    }
    used
}

fn report(rule: &str, breaches: &[String]) {
    assert!(breaches.is_empty(), "{rule}:\n{}", breaches.join("\n"));
}

#[test]
fn a_module_uses_only_layers_above_its_own() {
    let rank = |module: &str| LAYERS.iter().position(|layer| *layer == module);
    let mut breaches = Vec::new();
    for source in sources().iter().filter(|source| source.module != "lib") {
        let own = rank(&source.module).unwrap_or_else(|| panic!("{} is in no layer", source.path.display()));
        for (number, line) in source.code() {
            for used in used_modules(line) {
                if rank(used).is_some_and(|used| used > own) {
                    breaches.push(format!("src/{}:{number}: {} uses {used}", source.path.display(), source.module));
                }
            }
        }
    }
    report("a module may use only modules above it in the table of src/lib.rs", &breaches);
}

#[test]
fn the_demo_server_shares_no_code_with_the_client() {
    let mut breaches = Vec::new();
    for source in sources().iter().filter(|source| source.module == "demo") {
        for (number, line) in source.code() {
            if used_modules(line).iter().any(|used| ["pop3", "transport", "fetch"].contains(used)) {
                breaches.push(format!("src/{}:{number}: {line}", source.path.display()));
            }
        }
    }
    report("demo must not use pop3, transport or fetch: client and server could share a bug", &breaches);
}

#[test]
fn what_belongs_to_one_module_stands_there_only() {
    let mut breaches = Vec::new();
    for source in sources().iter().filter(|source| !source.is_test()) {
        for (word, owners) in ONLY_IN.iter().filter(|(_, owners)| !owners.contains(&source.module.as_str())) {
            for (number, _) in source.code().filter(|(_, line)| line.contains(word)) {
                breaches.push(format!(
                    "src/{}:{number}: {word:?} belongs in {}",
                    source.path.display(),
                    owners.join(", ")
                ));
            }
        }
    }
    report("these words stand only in the module they belong to", &breaches);
}

#[test]
fn every_file_says_at_its_head_what_it_is() {
    let headless: Vec<_> = sources()
        .iter()
        .filter(|source| !source.text.starts_with("//! "))
        .map(|source| source.path.display().to_string())
        .collect();
    report("each file begins with `//! ` and what it does", &headless);
}

#[test]
fn files_stay_readable() {
    let long: Vec<_> = sources()
        .iter()
        .filter(|source| source.code().count() > LONGEST_FILE)
        .map(|source| format!("src/{}: {} lines of code", source.path.display(), source.code().count()))
        .collect();
    report("a file of more than 600 lines of code wants splitting", &long);
}

#[test]
fn the_top_level_is_what_was_agreed() {
    let agreed = [
        "Cargo.toml",
        "Cargo.lock",
        "src",
        "assets",
        "migrations",
        "tests",
        "packaging",
        "README.md",
        "LICENSE-MIT",
        "LICENSE-APACHE",
        "target",
    ];
    let strange: Vec<_> = fs::read_dir(env!("CARGO_MANIFEST_DIR"))
        .expect("the checkout")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.') && !agreed.contains(&name.as_str()))
        .collect();
    report("nothing else stands at the top level", &strange);
}
