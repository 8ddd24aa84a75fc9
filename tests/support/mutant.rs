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

/// Builds the program with these changes, without the window, and gives the path of the binary. The dependencies are
/// built once for all mutants.
pub fn build(name: &str, changes: &[Change]) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mutants");
    let copy = place.join(name);
    for part in ["src", "migrations", "assets", "tests"] {
        copy_folder(&root.join(part), &copy.join(part));
    }
    for file in ["Cargo.toml", "Cargo.lock", "README.md"] {
        copy_file(&root.join(file), &copy.join(file));
    }
    for change in changes {
        let path = copy.join(change.file);
        let text = fs::read_to_string(&path).expect("a source file");
        assert_eq!(text.matches(change.from).count(), 1, "{}: {:?} is to stand there once", change.file, change.from);
        fs::write(&path, text.replace(change.from, change.to)).expect("a changed source file");
    }
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--no-default-features", "--bin", "postkeep", "--target-dir"])
        .arg(place.join("target"))
        .current_dir(&copy)
        .env_remove("CARGO_TARGET_DIR")
        .output()
        .expect("cargo");
    assert!(built.status.success(), "mutant {name}: {}", String::from_utf8_lossy(&built.stderr));
    let binary = copy.join("postkeep-mutant");
    fs::copy(place.join("target/debug/postkeep"), &binary).expect("the mutant's binary");
    binary
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
