//! `delete`, `undelete` and `bin`: what was deleted here can be had back until the bin is emptied.

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::browse;
use super::failure::{Failure, Status};
use super::interrupt::cancel_on_signal;
use super::place::Place;
use super::print::{self, Bar, Out};
use crate::account::MessageId;
use crate::archive::{Archive, Emptied, Emptying, View};
use crate::problem::log::counted;

#[derive(Debug, Args)]
pub struct DeleteArguments {
    #[arg(required = true, value_name = "ID")]
    ids: Vec<i64>,
    /// The next fetch removes their copies from the server too, each once it is proved to be stored here.
    #[arg(long)]
    on_server: bool,
}

#[derive(Debug, Args)]
pub struct UndeleteArguments {
    #[arg(required = true, value_name = "ID")]
    ids: Vec<i64>,
}

#[derive(Debug, Args)]
pub struct BinArguments {
    /// Erase from this computer what is in the bin, for ever. What is still to be removed from a server waits for that.
    #[arg(long)]
    empty: bool,
    /// With --empty: what was to be removed from a server too, whose copy then stays there.
    #[arg(long, requires = "empty")]
    now: bool,
    #[arg(long)]
    json: bool,
}

pub fn delete(place: &Place, arguments: &DeleteArguments) -> Result<Status, Failure> {
    let archive = place.open_existing()?;
    let (ids, missing) = known(&arguments.ids, |id| Ok(archive.stored(id)?.is_some()))?;
    name_missing(&missing, "There is no message");
    if !ids.is_empty() {
        if arguments.on_server && !consents(&archive, &ids)? {
            return Err(Failure::failed("Nothing was deleted."));
        }
        archive.move_to_bin(&ids, arguments.on_server, Timestamp::now())?;
        let done = counted(ids.len() as u64);
        print::say(&format!("{done} moved to the bin; to have them back: postkeep undelete ID."));
        if arguments.on_server {
            print::say(
                "The next fetch removes their copies from the server, each once it is proved to be stored here.",
            );
        }
    }
    Ok(how_many(&ids, &missing))
}

/// Says how many copies leave a server, and asks where there is a terminal.
fn consents(archive: &Archive, ids: &[MessageId]) -> Result<bool, Failure> {
    if !print::can_ask() {
        return Ok(true);
    }
    let (mut there, mut unsaved) = (0, 0);
    for id in ids {
        let Some(row) = archive.rows(archive.key(*id)?.as_slice())?.into_iter().next() else { continue };
        there += u64::from(row.on_server);
        unsaved += u64::from(row.on_server && row.in_backup.is_none());
    }
    print::say(&format!(
        "The next fetch removes {} from the server; {} of these are in no backup.",
        counted(there),
        crate::problem::log::number(unsaved)
    ));
    Ok(print::agrees("Delete them here and on the server?"))
}

pub fn undelete(place: &Place, arguments: &UndeleteArguments) -> Result<Status, Failure> {
    let archive = place.open_existing()?;
    let binned = archive.binned()?;
    let (ids, missing) = known(&arguments.ids, |id| Ok(binned.contains_key(&id)))?;
    name_missing(&missing, "The bin has no message");
    if !ids.is_empty() {
        archive.take_from_bin(&ids)?;
        print::say(&format!("{} taken out of the bin.", counted(ids.len() as u64)));
    }
    Ok(how_many(&ids, &missing))
}

pub fn bin(place: &Place, arguments: &BinArguments) -> Result<Status, Failure> {
    if arguments.empty {
        return empty(place, arguments);
    }
    let archive = place.read_indexed()?;
    browse::print_rows(&archive, &archive.keys(View::Bin)?, arguments.json)
}

#[derive(Serialize)]
struct EmptiedLine {
    erased: u64,
    waiting: u64,
}

fn empty(place: &Place, arguments: &BinArguments) -> Result<Status, Failure> {
    let archive = place.open_existing()?;
    let which = if arguments.now { Emptying::Everything } else { Emptying::Settled };
    if print::can_ask() && !print::agrees("Erase what is in the bin from this computer for ever?") {
        return Err(Failure::failed("Nothing was erased."));
    }
    let mut bar = Bar::new("Erasing:");
    let done = archive.empty_bin(which, &cancel_on_signal(), &mut |progress| bar.show(progress));
    drop(bar);
    let Emptied { erased, waiting } = done?;
    print::say(&format!("{} erased for ever.", counted(erased)));
    if waiting > 0 {
        print::say(&format!(
            "{} still in the bin: the copies on the server are removed first, by the next fetch. With --now they stay \
             there, and are not fetched again.",
            counted(waiting)
        ));
    }
    if arguments.json {
        let mut out = Out::new();
        out.json(&EmptiedLine { erased, waiting })?;
        out.flush()?;
    }
    Ok(Status::Done)
}

/// The ids for which it holds, and the others.
fn known(
    ids: &[i64],
    holds: impl Fn(MessageId) -> Result<bool, Failure>,
) -> Result<(Vec<MessageId>, Vec<MessageId>), Failure> {
    let (mut there, mut missing) = (Vec::new(), Vec::new());
    for id in ids.iter().copied().map(MessageId) {
        if holds(id)? { there.push(id) } else { missing.push(id) }
    }
    Ok((there, missing))
}

fn name_missing(missing: &[MessageId], what: &str) {
    missing.iter().for_each(|id| print::say(&format!("{what} {id}.")));
}

fn how_many(done: &[MessageId], missing: &[MessageId]) -> Status {
    match (done.is_empty(), missing.is_empty()) {
        (_, true) => Status::Done,
        (true, false) => Status::Failed,
        (false, false) => Status::DoneInPart,
    }
}
