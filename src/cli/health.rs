//! `check`, `reindex` and `log`.

use clap::Args;
use serde::Serialize;

use super::browse::{local, rfc3339};
use super::failure::{Failure, Status};
use super::interrupt::cancel_on_signal;
use super::place::Place;
use super::print::{self, Bar, Out};
use crate::account::MessageId;
use crate::archive::{Health, LoggedSession, SessionOutcome};
use crate::problem::log;

/// How many visits `log` tells of.
const VISITS: usize = 1000;

#[derive(Debug, Args)]
pub struct CheckArguments {
    /// Read and compare every message too.
    #[arg(long)]
    full: bool,
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct CheckLine {
    checked: u64,
    ok: bool,
    damaged: Vec<Damaged>,
    problems: Vec<String>,
}

#[derive(Serialize)]
struct Damaged {
    id: MessageId,
    problem: String,
}

pub fn check(place: &Place, arguments: &CheckArguments) -> Result<Status, Failure> {
    let archive = place.read()?;
    let mut bar = Bar::new("Checking:");
    let done = archive.check(arguments.full, &cancel_on_signal(), &mut |progress| bar.show(progress));
    drop(bar);
    let Health { checked, damaged, problems } = done?;
    problems.iter().for_each(|sentence| print::say(sentence));
    for (id, sentence) in &damaged {
        print::say(&format!("Message {id}: {sentence}"));
    }
    let ok = damaged.is_empty() && problems.is_empty();
    let checked_text = print::count(checked, "message");
    print::say(&match (ok, arguments.full) {
        (true, true) => format!("The archive is sound: {checked_text} read and compared."),
        (true, false) => "The archive is sound. With --full every message is read and compared too.".to_owned(),
        (false, _) => "The archive is damaged. What is named above can be restored from a backup.".to_owned(),
    });
    if arguments.json {
        let damaged = damaged.into_iter().map(|(id, problem)| Damaged { id, problem }).collect();
        let mut out = Out::new();
        out.json(&CheckLine { checked, ok, damaged, problems })?;
        out.flush()?;
    }
    Ok(if ok { Status::Done } else { Status::Failed })
}

pub fn reindex(place: &Place) -> Result<Status, Failure> {
    let archive = place.open_existing()?;
    let mut bar = Bar::new("Indexing:");
    let done = archive.reindex(&cancel_on_signal(), &mut |progress| bar.show(progress));
    drop(bar);
    print::say(&format!("{} indexed.", print::count(done?, "message")));
    Ok(Status::Done)
}

#[derive(Serialize)]
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
