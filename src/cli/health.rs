//! `check`, `reindex` and `log`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::browse::{local, rfc3339};
use super::failure::{Failure, Status};
use super::interrupt::cancel_on_signal;
use super::place::Place;
use super::print::{self, Bar, Out};
use crate::account::MessageId;
use crate::archive::{Archive, Compacted, Health, LoggedSession, SessionOutcome};
use crate::backup::{self, Repaired};
use crate::problem::log;

/// How many visits `log` tells of.
const VISITS: usize = 1000;

const DAMAGED: &str =
    "The archive is damaged. What is named above can be put back from a backup: postkeep check --repair BACKUP.";
const STILL_DAMAGED: &str = "The archive is still damaged. Try another backup, or restore one into a new archive: \
                             postkeep --archive NEW-FOLDER restore BACKUP. Keep this archive too: it may hold mail that \
                             no backup has.";

#[derive(Debug, Args)]
pub struct CheckArguments {
    /// Read and compare every message too.
    #[arg(long)]
    full: bool,
    /// Put back what is damaged or missing from this backup first, if it holds the very same bytes.
    #[arg(long, value_name = "BACKUP")]
    repair: Option<PathBuf>,
    /// Pack what an older version stored, and give back the room that nothing uses.
    #[arg(long)]
    compact: bool,
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct CheckLine {
    checked: u64,
    ok: bool,
    damaged: Vec<Damaged>,
    problems: Vec<String>,
    /// When everything was last read by and by, from its first message to its last.
    read: Option<[String; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repaired: Option<Vec<MessageId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_repaired: Option<Vec<String>>,
    /// Octets of `mail.db` before and after.
    #[serde(skip_serializing_if = "Option::is_none")]
    compacted: Option<[u64; 2]>,
}

#[derive(Serialize)]
struct Damaged {
    id: MessageId,
    problem: String,
}

pub fn check(place: &Place, arguments: &CheckArguments) -> Result<Status, Failure> {
    let writes = arguments.repair.is_some() || arguments.compact;
    let archive = if writes { place.open_existing()? } else { place.read()? };
    let repaired = arguments.repair.as_ref().map(|backup| repair(&archive, backup)).transpose()?;
    let compacted = arguments.compact.then(|| compact(&archive)).transpose()?;
    // What was repaired is believed when it was read.
    let full = arguments.full || repaired.is_some();
    let mut bar = Bar::new("Checking:");
    let done = archive.check(full, &cancel_on_signal(), &mut |progress| bar.show(progress));
    drop(bar);
    let Health { checked, damaged, problems } = done?;
    problems.iter().for_each(|sentence| print::say(sentence));
    damaged.iter().for_each(|(_, sentence)| print::say(sentence));
    let not_repaired = repaired.as_ref().is_some_and(|repaired| !repaired.failed.is_empty());
    let ok = damaged.is_empty() && problems.is_empty() && !not_repaired;
    let checked_text = print::count(checked, "message");
    print::say(&match (ok, full) {
        (true, true) => format!("The archive is sound: {checked_text} read and compared."),
        (true, false) => "The archive is sound. With --full every message is read and compared too.".to_owned(),
        (false, _) if repaired.is_some() => STILL_DAMAGED.to_owned(),
        (false, _) => DAMAGED.to_owned(),
    });
    let read = archive.last_read()?;
    print::say(&match read {
        Some((began, ended)) => {
            format!("The daily reading last read everything from {} to {}.", local(began), local(ended))
        }
        None => {
            "The daily reading, a thirtieth a day while the window is open, has not read everything yet.".to_owned()
        }
    });
    if arguments.json {
        let (repaired, not_repaired) = repaired.map(|Repaired { messages, failed, .. }| (messages, failed)).unzip();
        let damaged = damaged.into_iter().map(|(id, problem)| Damaged { id, problem }).collect();
        let mut out = Out::new();
        out.json(&CheckLine {
            checked,
            ok,
            damaged,
            problems,
            read: read.map(|(began, ended)| [rfc3339(began), rfc3339(ended)]),
            repaired,
            not_repaired,
            compacted: compacted.map(|Compacted { before, after, .. }| [before, after]),
        })?;
        out.flush()?;
    }
    Ok(if ok { Status::Done } else { Status::Failed })
}

fn repair(archive: &Archive, backup: &Path) -> Result<Repaired, Failure> {
    let mut bar = Bar::new("Repairing:");
    let done = backup::repair(archive, backup, &cancel_on_signal(), &mut |progress| bar.show(progress));
    drop(bar);
    let repaired = done?;
    repaired.failed.iter().for_each(|sentence| print::say(sentence));
    for id in &repaired.messages {
        print::say(&format!("Message {id} was repaired: its bytes are what was stored again."));
    }
    if repaired.indexes {
        print::say("The archive's own indexes were damaged. They were made anew, and no mail was changed.");
    }
    if repaired.damaged == 0 && repaired.failed.is_empty() {
        print::say("No message was damaged: nothing was taken from the backup.");
    }
    Ok(repaired)
}

fn compact(archive: &Archive) -> Result<Compacted, Failure> {
    let cancel = cancel_on_signal();
    let mut bar = Bar::new("Packing:");
    let mended = archive.mend_bundles(&cancel)?;
    let repacked = archive.repack(&cancel, &mut |progress| bar.show(progress));
    drop(bar);
    let repacked = repacked?;
    let mut bar = Bar::new("Giving room back:");
    let done = archive.compact(&cancel, &mut |progress| bar.show(progress));
    drop(bar);
    let compacted = done?;
    let Compacted { before, after, little_room } = compacted;
    if mended > 0 {
        print::say(&format!(
            "{} of the file had rotted. Made anew out of the others: no mail was lost.",
            print::count(mended, "piece")
        ));
    }
    print::say(&format!(
        "{} packed. The archive's file is {} now, and was {}.",
        print::count(repacked.originals, "message"),
        print::size(after),
        print::size(before)
    ));
    if little_room {
        print::say("It could be smaller: with more free space on the disk it would be written anew.");
    }
    Ok(compacted)
}

pub fn reindex(place: &Place) -> Result<Status, Failure> {
    let archive = place.open_existing()?;
    let mut bar = Bar::new("Indexing:");
    let done = archive.reindex(&cancel_on_signal(), &mut |progress| bar.show(progress));
    drop(bar);
    print::say(&format!("{} indexed.", print::count(done?, "message")));
    Ok(Status::Done)
}

#[derive(Default, Serialize)]
struct Visit<'a> {
    account: Option<&'a str>,
    started: String,
    ended: Option<String>,
    listed: u64,
    retrieved: u64,
    deleted: u64,
    kept: u64,
    failed: u64,
    bytes: u64,
    problem: Option<&'a str>,
    entries: Vec<String>,
}

pub fn log(place: &Place, json: bool) -> Result<Status, Failure> {
    let archive = place.read()?;
    let accounts = archive.accounts()?;
    let mut out = Out::new();
    for (id, found) in archive.found_damaged()? {
        let text = format!("The daily reading found message {id} damaged. It is removed from no server.");
        if json {
            let (started, problem) = (rfc3339(found), Some(text.as_str()));
            out.json(&Visit { started, problem, ..Visit::default() })?;
        } else {
            out.line(&format!("{}  {text}", local(found)))?;
        }
    }
    for LoggedSession { account: id, began: started, ended, outcome, entries } in archive.sessions(VISITS)? {
        let account = accounts.iter().find(|account| account.id == id).map(|account| account.address.as_str());
        if !json {
            let who = account.unwrap_or("an account that was removed");
            out.line(&format!("{}  {who}: {}", local(started), sentence(&outcome, ended.is_some())))?;
            for entry in &entries {
                out.line(&format!("    {}", log::sentence(entry)))?;
            }
            continue;
        }
        out.json(&Visit {
            account,
            started: rfc3339(started),
            ended: ended.map(rfc3339),
            listed: outcome.listed,
            retrieved: outcome.retrieved,
            deleted: outcome.deleted,
            kept: outcome.kept,
            failed: outcome.failed,
            bytes: outcome.octets,
            problem: outcome.problem.as_deref(),
            entries: entries.iter().map(log::sentence).collect(),
        })?;
    }
    out.flush()?;
    Ok(Status::Done)
}

/// One visit in sentences.
fn sentence(outcome: &SessionOutcome, ended: bool) -> String {
    let SessionOutcome { listed, retrieved, deleted, kept, failed, octets, problem } = outcome;
    if !ended {
        return "The visit is still going on, or the program was ended during it. Nothing was lost.".to_owned();
    }
    let mut text = format!(
        "{} seen on the server, {retrieved} fetched ({}), {kept} left there, {deleted} removed there.",
        print::count(*listed, "message"),
        print::size(*octets)
    );
    if *failed > 0 {
        text.push_str(&format!(" {failed} could not be fetched and are still on the server."));
    }
    if let Some(problem) = problem {
        // Older visits were logged with a few words instead of sentences.
        text.push_str(&match problem.ends_with('.') {
            true => format!(" It ended early. {problem}"),
            false => format!(" It ended early: {problem}."),
        });
    }
    text
}
