//! Mutants: builds of the program with one thing wrong on purpose, to show that the tests of a fault can fail.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One change to a source file; `from` must stand there exactly once.
pub struct Change {
    pub file: &'static str,
    pub from: &'static str,
    pub to: &'static str,
}

/// Builds the program with these changes and gives the path of the binary. The copy is a package of another name, so
/// that it can use the dependencies that were built for the tests without getting in the way of the program itself.
pub fn build(name: &str, changes: &[Change]) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let copy = scratch.join("mutants").join(name);
    for part in ["src", "migrations", "assets", "tests"] {
        copy_folder(&root.join(part), &copy.join(part));
    }
    for file in ["Cargo.toml", "Cargo.lock", "README.md"] {
        copy_file(&root.join(file), &copy.join(file));
    }
    let package = format!("postkeep-mutant-{name}");
    rename_package(&copy, &package);
    for change in changes {
        edit(&copy.join(change.file), change.from, change.to);
    }
    let target = scratch.parent().expect("the target folder");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--bins", "--target-dir"])
        .arg(target)
        .args(if cfg!(feature = "gui") { &[][..] } else { &["--no-default-features"] })
        .current_dir(&copy)
        .output()
        .expect("cargo");
    assert!(built.status.success(), "mutant {name}: {}", String::from_utf8_lossy(&built.stderr));
    target.join("debug").join(package)
}

fn rename_package(copy: &Path, package: &str) {
    let named = format!("name = \"{package}\"\n");
    edit(&copy.join("Cargo.toml"), "name = \"postkeep\"\n", &named);
    edit(&copy.join("Cargo.toml"), "default-run = \"postkeep\"\n", "");
    edit(&copy.join("Cargo.lock"), "name = \"postkeep\"\n", &named);
    edit(&copy.join("src/main.rs"), "postkeep::cli::run()", &format!("{}::cli::run()", package.replace('-', "_")));
}

fn edit(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).expect("a source file");
    assert_eq!(text.matches(from).count(), 1, "{}: {from:?} is to stand there once", file.display());
    fs::write(file, text.replace(from, to)).expect("a changed source file");
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() { copy_folder(&path, &target) } else { copy_file(&path, &target) }
    }
}

/// A file that is not there yet is none of the program.
fn copy_file(from: &Path, to: &Path) {
    let Ok(new) = fs::read(from) else { return };
    fs::write(to, new).expect("a file");
}
