//! `waiting`: large messages that wait on their server, of which only the header section is here.

use clap::Args;
use serde::Serialize;

use super::browse::{address_of, rfc3339};
use super::failure::{Failure, Status};
use super::place::Place;
use super::print::{self, Out};
use crate::archive::Awaited;
use crate::message;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The next fetch brings these whole, by their numbers in the list.
    #[arg(long, value_name = "N", num_args = 1.., conflicts_with = "json")]
    fetch: Vec<usize>,
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    number: usize,
    account: Option<&'a str>,
    subject: &'a str,
    from_name: &'a str,
    from_address: &'a str,
    date: Option<String>,
    size: Option<u64>,
    wanted: bool,
}

pub fn run(place: &Place, arguments: &Arguments) -> Result<Status, Failure> {
    if !arguments.fetch.is_empty() {
        return want(place, &arguments.fetch);
    }
    let archive = place.read()?;
    let (accounts, waiting) = (archive.accounts()?, archive.awaited()?);
    let mut out = Out::new();
    for (number, awaited) in (1..).zip(&waiting) {
        let envelope = message::read(&awaited.header).envelope;
        let account = address_of(&accounts, Some(awaited.account));
        if arguments.json {
            out.json(&Line {
                number,
                account,
                subject: &envelope.subject,
                from_name: &envelope.from.name,
                from_address: &envelope.from.address,
                date: envelope.date.map(rfc3339),
                size: awaited.octets,
                wanted: awaited.wanted,
            })?;
            continue;
        }
        let from = message::called(&envelope.from.name, &envelope.from.address);
        let (size, from) = (size(awaited), print::column(from, 24));
        let wanted = if awaited.wanted { "  (comes with the next fetch)" } else { "" };
        out.line(&format!("{number:>4}  {size:>8}  {from}  {}{wanted}", envelope.subject))?;
    }
    out.flush()?;
    Ok(Status::Done)
}

fn size(awaited: &Awaited) -> String {
    awaited.octets.map_or_else(|| "?".to_owned(), print::size)
}

fn want(place: &Place, numbers: &[usize]) -> Result<Status, Failure> {
    let archive = place.open_existing()?;
    let waiting = archive.awaited()?;
    let mut missing = 0;
    for number in numbers {
        match number.checked_sub(1).and_then(|at| waiting.get(at)) {
            Some(awaited) => {
                archive.want_whole(awaited, true)?;
                print::say(&format!("The next fetch brings number {number} whole ({}).", size(awaited)));
            }
            None => {
                missing += 1;
                print::say(&format!("No message waits under number {number}. See: postkeep waiting."));
            }
        }
    }
    Ok(match missing {
        0 => Status::Done,
        missing if missing == numbers.len() => Status::Failed,
        _ => Status::DoneInPart,
    })
}
