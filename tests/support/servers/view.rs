//! A view of the system in which packages are installed that are not: they were only unpacked, by `tests/run`, since
//! Debian allows one POP3 server at a time and an installed one would start by itself. Whatever is done in the view stays
//! there: the system's configuration, users and services are not touched.
//!
//! In Linux's words: own mount and process namespaces, with the unpacked packages laid over /usr, /etc and /var.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// What stands before each server's own script, with the unpacked packages and the folder as its arguments. Ends with
/// the test, whatever ends that: standard input ends then, and with its first process the whole view.
const SET_UP: &str = r#"set -e
over="$2/over"; mkdir "$over"; mount -t tmpfs none "$over"
for part in usr etc var; do
    mkdir "$over/$part" "$over/$part.work"
    mount -t overlay overlay -o "lowerdir=$1/$part:/$part,upperdir=$over/$part,workdir=$over/$part.work" "/$part"
done
mount -t tmpfs none /run
mount -t proc proc /proc
cd "$2"
. ./serve
cat >/dev/null
"#;

pub struct View {
    folder: tempfile::TempDir,
    process: Child,
}

impl View {
    /// A folder for the server's files, seen in the view at the same place.
    pub fn folder_for(name: &str) -> tempfile::TempDir {
        let folder =
            tempfile::Builder::new().prefix(&format!("postkeep-{name}")).tempdir().expect("a temporary folder");
        // The server's own users go through it.
        assert!(Command::new("chmod").arg("755").arg(folder.path()).status().expect("chmod").success());
        folder
    }

    /// Runs a script in the view, in the folder; what it starts in the background goes on until the view is dropped.
    pub fn start(folder: tempfile::TempDir, script: &str) -> View {
        fs::write(folder.path().join("serve"), script).expect("a script");
        let log = File::create(folder.path().join("log")).expect("a log");
        // Only root may lay one folder over another and be several users.
        let root = Command::new("id").arg("-u").output().expect("id").stdout.starts_with(b"0\n");
        let mut command = Command::new(if root { "unshare" } else { "sudo" });
        command.args(if root { &[][..] } else { &["-n", "unshare"] });
        let process = command
            .args(["--mount", "--pid", "--fork", "sh", "-c", SET_UP, "sh"])
            .args([unpacked().as_path(), folder.path()])
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("the log"))
            .stderr(log)
            .spawn()
            .expect("unshare, as root or through sudo");
        View { folder, process }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder().join("log")).unwrap_or_default()
    }
}

impl Drop for View {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        if let Err(error) = self.process.wait() {
            println!("the view could not be ended: {error}");
        }
    }
}

/// Where `tests/run` unpacks the packages.
fn unpacked() -> PathBuf {
    let cache = || {
        let home = PathBuf::from(std::env::var_os("HOME").expect("a home"));
        let cache = std::env::var_os("XDG_CACHE_HOME").map_or(home.join(".cache"), PathBuf::from);
        cache.join("postkeep-servers")
    };
    let folder = std::env::var_os("POSTKEEP_SERVERS").map_or_else(cache, PathBuf::from);
    assert!(folder.join("usr").is_dir(), "no servers at {}: `tests/run` unpacks them", folder.display());
    folder
}
