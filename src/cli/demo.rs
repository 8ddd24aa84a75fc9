//! `demo`: the sample mailbox, fetched over POP3S from the embedded server into a temporary archive. In the window where
//! there is a display, else the same job in the terminal.

use std::path::Path;

use secrecy::SecretString;
use serde::Serialize;

use super::browse::{self, ListArguments, SearchArguments};
use super::failure::{Failure, Status};
use super::interrupt::cancel_on_signal;
use super::place::Place;
use super::print::{self, Out};
use super::{fetch, window};
use crate::account::{Account, Retention, Security, Server};
use crate::archive::{Archive, NewAccount};
use crate::{backup, demo, secrets, settings};

#[derive(Serialize)]
struct Serving<'a> {
    host: &'a str,
    port: u16,
    user: &'a str,
    password: &'a str,
    ca_file: std::path::PathBuf,
}

/// Serves the sample mailbox until Ctrl+C or SIGTERM.
pub fn serve(port: u16) -> Result<Status, Failure> {
    let stop = cancel_on_signal();
    let server = start(port)?;
    let mut out = Out::new();
    out.json(&Serving {
        host: server.host(),
        port: server.address().port(),
        user: server.user(),
        password: server.password(),
        ca_file: server.ca_file(),
    })?;
    out.flush()?;
    fetch::runtime()?.block_on(stop.cancelled());
    Ok(Status::Done)
}

fn start(port: u16) -> Result<demo::Server, Failure> {
    let started = demo::Server::start(port, demo::Options::default());
    started.map_err(|error| Failure::failed(format!("The sample server could not be started: {error}.")))
}

/// The window on the sample mailbox; where it cannot open, the same job in the terminal.
pub fn run(software_rendering: bool) -> Result<Status, Failure> {
    let reason = match window::impossible() {
        Some(reason) => reason.to_owned(),
        None => match window::show(window::Content::Sample, software_rendering) {
            Err(failure) => failure.sentence().unwrap_or_default().to_owned(),
            done => return done,
        },
    };
    let server = start(0)?;
    let scratch =
        settings::scratch().map_err(|error| Failure::of_file("Making a folder in", &std::env::temp_dir(), &error))?;
    let place = Place::at(&scratch.path().join("archive"));
    add_account(&place, &server)?;
    in_terminal(&place, &scratch.path().join("backup"))?;
    print::say(&reason);
    Ok(Status::Done)
}

/// Adds the account of the sample mailbox; its password is held in memory only.
fn add_account(place: &Place, server: &demo::Server) -> Result<Account, Failure> {
    let account = place.open()?.add_account(&NewAccount {
        address: server.user().to_owned(),
        server: Server {
            host: server.host().to_owned(),
            port: server.address().port(),
            security: Security::Tls,
            user: server.user().to_owned(),
            ca_file: Some(server.ca_file()),
        },
        name: "Sample mailbox".to_owned(),
        retention: Retention::LeaveCopy,
        password_command: None,
    })?;
    secrets::hold(&account, &SecretString::from(server.password()));
    Ok(account)
}

/// Fetches, lists, searches, backs up and verifies, each with a sentence.
fn in_terminal(place: &Place, folder: &Path) -> Result<(), Failure> {
    print::say("Fetching the sample mailbox over POP3S from the server inside this program.");
    expect_done(fetch::run(place, &fetch::Arguments::default())?, "The fetch")?;
    print::say("The newest five messages:");
    browse::list(place, &ListArguments::of(5))?;
    print::say("The newest five that have an attachment:");
    browse::search(place, &SearchArguments::of("has:attachment", 5))?;
    let archive: Archive = place.open()?;
    let cancel = cancel_on_signal();
    let done = backup::back_up(&archive, folder, &cancel, &mut |_, _| ())?;
    print::say(&format!("Backed up {} and read every one back.", print::count(done.messages, "message")));
    let verified = backup::verify(folder, &cancel, &mut |_| ())?;
    let whole = if verified.damaged.is_empty() { Status::Done } else { Status::Failed };
    expect_done(whole, "Verifying the backup")?;
    print::say(&format!("Verified the backup: {}, all whole.", print::count(verified.messages, "message")));
    Ok(())
}

fn expect_done(status: Status, what: &str) -> Result<(), Failure> {
    match status {
        Status::Done => Ok(()),
        _ => Err(Failure::failed(format!("{what} did not end well; see above."))),
    }
}
