//! `backup`, `verify`, `restore`, `import` and `export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::browse::rfc3339;
use super::failure::{Failure, Status};
use super::interrupt::cancel_on_signal;
use super::place::Place;
use super::print::{self, Bar, Out};
use crate::backup::{self, BackedUp, BackupError, Exported, Format, Imported, Restored, Step, Verified};
use crate::problem::Problem;

#[derive(Debug, Args)]
pub struct FolderArguments {
    /// The backup's folder.
    folder: PathBuf,
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct ImportArguments {
    /// Files and folders.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct ExportArguments {
    /// The file or folder to make; it must not exist yet.
    dest: PathBuf,
    #[arg(long)]
    format: FormatWord,
    /// Only what this query finds.
    #[arg(long, value_name = "Q", allow_hyphen_values = true)]
    query: Option<String>,
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FormatWord {
    /// One file, mboxrd.
    Mbox,
    Maildir,
    /// A folder of .eml files.
    Eml,
    /// A zip file of .eml files.
    Zip,
}

impl From<FormatWord> for Format {
    fn from(word: FormatWord) -> Format {
        match word {
            FormatWord::Mbox => Format::Mbox,
            FormatWord::Maildir => Format::Maildir,
            FormatWord::Eml => Format::Eml,
            FormatWord::Zip => Format::Zip,
        }
    }
}

/// The result as JSON on stdout, where asked for.
fn print_json(json: bool, value: &impl Serialize) -> Result<(), Failure> {
    if !json {
        return Ok(());
    }
    let mut out = Out::new();
    out.json(value)?;
    out.flush()
}

/// What a failure says; `stopped` when it was stopped by hand.
fn unless_stopped(error: BackupError, stopped: fn() -> Problem) -> Failure {
    match error {
        BackupError::Cancelled(_) => Failure::of(&stopped()),
        error => error.into(),
    }
}

#[derive(Serialize)]
struct BackupLine {
    messages: u64,
    new: u64,
    bytes: u64,
    verified: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed: Vec<String>,
}

/// Says how many were left out: each was named before.
fn say_left_out(what: &str, failed: &[String]) {
    let count = print::count(failed.len() as u64, "message");
    print::say(&format!("{what}: {count}, named above. See: postkeep check --full."));
}

pub fn back_up(place: &Place, arguments: &FolderArguments) -> Result<Status, Failure> {
    let archive = place.open_existing()?;
    let mut bar = Bar::new("Adding");
    let done = backup::back_up(&archive, &arguments.folder, &cancel_on_signal(), &mut |step, progress| {
        bar.rename(match step {
            Step::Adding => "Adding what is new:",
            Step::Syncing => "Waiting for the disk:",
            Step::ReadingBack => "Reading back:",
        });
        bar.show(progress);
    });
    drop(bar);
    let BackedUp { messages, new, octets, verified, repaired, failed, .. } =
        done.map_err(|error| unless_stopped(error, Problem::of_stopped_backup))?;
    repaired.iter().chain(&failed).for_each(|sentence| print::say(sentence));
    print::say(&format!(
        "{} in the backup ({}), {new} of them new; every one was read back and compared.",
        print::count(messages, "message"),
        print::size(octets)
    ));
    let whole = failed.is_empty();
    if !whole {
        say_left_out("Not in the backup", &failed);
    }
    let verified = rfc3339(verified);
    print_json(arguments.json, &BackupLine { messages, new, bytes: octets, verified, failed })?;
    Ok(if whole { Status::Done } else { Status::DoneInPart })
}

#[derive(Serialize)]
struct VerifyLine {
    messages: u64,
    bytes: u64,
    ok: bool,
    damaged: Vec<String>,
}

pub fn verify(arguments: &FolderArguments) -> Result<Status, Failure> {
    let mut bar = Bar::new("Reading the backup:");
    let done = backup::verify(&arguments.folder, &cancel_on_signal(), &mut |progress| bar.show(progress));
    drop(bar);
    let Verified { messages, octets, damaged } = done?;
    damaged.iter().for_each(|sentence| print::say(sentence));
    let ok = damaged.is_empty();
    let read = format!("{} ({}) read and compared", print::count(messages, "message"), print::size(octets));
    print::say(&match ok {
        true => format!("{read}: the backup is whole."),
        false => format!("{read}: the backup is damaged. Back up again into another folder."),
    });
    print_json(arguments.json, &VerifyLine { messages, bytes: octets, ok, damaged })?;
    Ok(if ok { Status::Done } else { Status::Failed })
}

/// What `import` and `restore` print.
#[derive(Serialize)]
struct TakenIn {
    found: u64,
    added: u64,
    already_here: u64,
    failed: u64,
    /// Of an import, where there are any: deleted by the program that kept them.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<u64>,
}

impl TakenIn {
    fn tell(&self, failed: &[String], json: bool) -> Result<Status, Failure> {
        failed.iter().for_each(|sentence| print::say(sentence));
        let mut text = format!(
            "{} found; {} added, {} here already.",
            print::count(self.found, "message"),
            self.added,
            self.already_here
        );
        if self.failed > 0 {
            text.push_str(&format!(" {} could not be taken in, each named above.", self.failed));
        }
        if let Some(left_out @ 1..) = self.left_out {
            text.push_str(&format!(" {left_out} that their program had deleted were left out."));
        }
        print::say(&text);
        print_json(json, self)?;
        Ok(match (self.failed, self.added + self.already_here) {
            (0, _) => Status::Done,
            (_, 0) => Status::Failed,
            _ => Status::DoneInPart,
        })
    }
}

pub fn restore(place: &Place, arguments: &FolderArguments) -> Result<Status, Failure> {
    let archive = place.open()?;
    let cancel = cancel_on_signal();
    let mut bar = Bar::new("Restoring:");
    let done = backup::restore(&archive, &arguments.folder, &cancel, &mut |progress| bar.show(progress));
    let Restored { found, added, already_here, failed } = done?;
    bar.rename("Indexing:");
    archive.index_pending(&cancel, &mut |progress| bar.show(progress))?;
    drop(bar);
    TakenIn { found, added, already_here, failed: failed.len() as u64, left_out: None }.tell(&failed, arguments.json)
}

pub fn import(place: &Place, arguments: &ImportArguments) -> Result<Status, Failure> {
    let archive = place.open()?;
    let mut bar = Bar::new("Importing:");
    let done = backup::import(&archive, &arguments.paths, &cancel_on_signal(), &mut |progress| {
        // What is still to be indexed when all is stored has no octets.
        if progress.octets_total.is_none() {
            bar.rename("Indexing:");
        }
        bar.show(progress);
    });
    drop(bar);
    let Imported { found, added, already_here, left_out, failed, notes } = done?;
    notes.iter().for_each(|sentence| print::say(sentence));
    let taken = TakenIn {
        found,
        added,
        already_here,
        failed: failed.len() as u64,
        left_out: Some(left_out).filter(|count| *count > 0),
    };
    taken.tell(&failed, arguments.json)
}

#[derive(Serialize)]
struct ExportLine {
    exported: u64,
    bytes: u64,
    inexact: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed: Vec<String>,
}

pub fn export(place: &Place, arguments: &ExportArguments) -> Result<Status, Failure> {
    let archive = if arguments.query.is_some() { place.read_indexed()? } else { place.read()? };
    let (format, query) = (arguments.format.into(), arguments.query.as_deref());
    let mut bar = Bar::new("Exporting:");
    let done = backup::export(&archive, &arguments.dest, format, query, &cancel_on_signal(), &mut |progress| {
        bar.show(progress);
    });
    drop(bar);
    let Exported { exported, octets, inexact, failed } =
        done.map_err(|error| unless_stopped(error, Problem::of_stopped_export))?;
    inexact.iter().chain(&failed).for_each(|sentence| print::say(sentence));
    print::say(&format!("{} exported ({}).", print::count(exported, "message"), print::size(octets)));
    let whole = failed.is_empty();
    if !whole {
        say_left_out("Not exported", &failed);
    }
    print_json(arguments.json, &ExportLine { exported, bytes: octets, inexact, failed })?;
    Ok(if whole { Status::Done } else { Status::DoneInPart })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Cancelled;

    #[test]
    fn what_was_stopped_does_not_promise_to_go_on() {
        for stopped in [Problem::of_stopped_backup, Problem::of_stopped_export] {
            let failure = unless_stopped(BackupError::Cancelled(Cancelled), stopped);
            let sentence = failure.sentence().unwrap();
            assert!(sentence.contains("stopped, as you asked") && !sentence.contains("goes on"), "{sentence}");
        }
        let full = BackupError::TargetExists("mail".into());
        let failure = unless_stopped(full, Problem::of_stopped_export);
        assert!(failure.sentence().unwrap().contains("taken already"));
    }
}
