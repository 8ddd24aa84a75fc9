//! The programs that are compared, each set up to fetch the same maildrop, and what a run of one costs.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::dovecot::{PASSWORD, USER};
use crate::support::{add_account, postkeep};

/// With this word as its first argument the bench is the floor.
pub const FLOOR_ROLE: &str = "floor-for-the-bench";

/// What one run of a program took.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    pub wall: Duration,
    /// User and system time of the program and of what it started.
    pub cpu: Duration,
    /// The most memory it had, in octets.
    pub peak: u64,
}

/// Where a maildrop is served.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    pub port: u16,
    pub ca_file: &'a Path,
}

/// Runs it to its good end, under `time`.
pub fn cost(command: &Command) -> Cost {
    let told = tempfile::NamedTempFile::new().expect("a file");
    let mut timed = Command::new("/usr/bin/time");
    timed.args(["--quiet", "--format", "%U %S %M", "--output"]).arg(told.path());
    timed.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => timed.env(name, value),
            None => timed.env_remove(name),
        };
    }
    settle();
    let start = Instant::now();
    let output = timed.stdin(Stdio::null()).output().expect("time, from the package of that name");
    let wall = start.elapsed();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    let told = fs::read_to_string(told.path()).expect("what time told");
    let numbers: Vec<f64> = told.split_whitespace().map(|word| word.parse().expect("a number")).collect();
    let [user, system, peak] = numbers[..] else { panic!("{told}") };
    Cost { wall, cpu: Duration::from_secs_f64(user + system), peak: peak as u64 * 1024 }
}

/// What an earlier run left to be written is none of the next one's business.
fn settle() {
    assert!(Command::new("sync").status().expect("sync").success());
}

/// The median of each.
pub fn median(costs: &[Cost]) -> Cost {
    let middle = |mut values: Vec<u128>| {
        values.sort_unstable();
        u64::try_from(values[values.len() / 2]).expect("a number")
    };
    Cost {
        wall: Duration::from_micros(middle(costs.iter().map(|cost| cost.wall.as_micros()).collect())),
        cpu: Duration::from_micros(middle(costs.iter().map(|cost| cost.cpu.as_micros()).collect())),
        peak: middle(costs.iter().map(|cost| u128::from(cost.peak)).collect()),
    }
}

/// Reads the first `last` messages and throws them away.
pub fn floor(place: Place<'_>, last: usize) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("the bench"));
    command.arg(FLOOR_ROLE).arg(place.port.to_string()).arg(place.ca_file).args([USER, PASSWORD, &last.to_string()]);
    command
}

/// Into a Maildir, as it does by default: pipelined where that is offered, each message with fsync.
pub fn mpop(place: Place<'_>, folder: &Path, leave_copy: bool) -> Command {
    let maildir = folder.join("Maildir");
    for part in ["cur", "new", "tmp"] {
        fs::create_dir_all(maildir.join(part)).expect("a Maildir");
    }
    let (maildir, uidls, ca_file) = (maildir.display(), folder.join("uidls"), place.ca_file.display());
    let configuration = format!(
        "account default\nhost localhost\nport {}\ntls on\ntls_starttls off\ntls_trust_file {ca_file}\nuser {USER}\n\
         password \"{PASSWORD}\"\nkeep {}\nuidls_file {}\ndelivery maildir {maildir}\n",
        place.port,
        if leave_copy { "on" } else { "off" },
        uidls.display(),
    );
    let mut command = Command::new("mpop");
    command.arg("-q").arg("-C").arg(private_file(folder, "mpoprc", &configuration));
    command
}

/// Into one file, in the form of a mail transfer: the cheapest that it knows.
pub fn fetchmail(place: Place<'_>, folder: &Path) -> Command {
    let (port, ca_file, all) = (place.port, place.ca_file.display(), folder.join("all"));
    let configuration = format!(
        "set no syslog\nset pidfile {0}/pid\nset idfile {0}/ids\npoll localhost protocol POP3 service {port}\n    \
         user \"{USER}\" password \"{PASSWORD}\" is \"anna\" here\n    ssl sslcertfile {ca_file}\n    \
         keep fetchall\n    bsmtp {1}\n",
        folder.display(),
        all.display(),
    );
    let mut command = Command::new("fetchmail");
    command.arg("--silent").arg("-f").arg(private_file(folder, "fetchmailrc", &configuration));
    // Its own lock lies where it keeps its state.
    command.env("FETCHMAILHOME", folder);
    command
}

/// Into a new archive.
pub fn postkeep_fetch(place: Place<'_>, archive: &Path, leave_copy: bool) -> Command {
    add_account(archive, USER, place.port, place.ca_file, leave_copy, PASSWORD);
    let mut command = postkeep(archive);
    command.args(["fetch", "--json"]);
    command
}

fn private_file(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, text).expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a private file");
    path
}
