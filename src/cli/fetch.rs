//! `fetch`: the accounts one after the other, and the dry run.

use std::path::PathBuf;

use clap::Args;
use secrecy::SecretString;
use serde::Serialize;
use tokio::runtime::Runtime;

use super::account::ask_password;
use super::failure::{Failure, Status};
use super::interrupt::cancel_on_signal;
use super::place::{self, Place};
use super::print::{self, Bar, Out};
use crate::account::Account;
use crate::archive::{Archive, SessionOutcome, Withheld};
use crate::fetch::{self, FetchError, Summary, Terms, Update};
use crate::job::Cancel;
use crate::problem::Problem;
use crate::problem::log::counted;
use crate::secrets;
use crate::transport::TraceFile;

#[derive(Debug, Default, Args)]
pub struct Arguments {
    /// Only these accounts.
    #[arg(value_name = "EMAIL")]
    emails: Vec<String>,
    /// Connect and say what a fetch would do; change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Append what is said with the servers to this file, without passwords and mail.
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    trace: Option<PathBuf>,
    #[arg(long)]
    json: bool,
}

/// The last line of an account.
#[derive(Serialize)]
struct Line<'a> {
    account: &'a str,
    listed: u64,
    retrieved: u64,
    deleted: u64,
    kept: u64,
    failed: u64,
    bytes: u64,
    seconds: f64,
    problem: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<DryRun>,
    /// Why nothing was removed though the account's settings would have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    withheld: Option<Withheld>,
}

/// What only a dry run knows. In a dry run the other numbers say what a fetch would do.
#[derive(Serialize)]
struct DryRun {
    removable: u64,
    removable_in_backup: u64,
    /// Why nothing would be removed though the account's settings would have it.
    withheld: Option<Withheld>,
    /// Left for now, because of size or budget.
    waiting: u64,
    /// Known messages under new unique-ids.
    recognised: u64,
    /// Of what would be removed, how many because they were deleted here.
    deleted_here: u64,
}

/// What became of one account.
struct Ended {
    outcome: SessionOutcome,
    dry_run: Option<DryRun>,
    withheld: Option<Withheld>,
    failure: Option<Failure>,
}

impl Ended {
    /// It failed before anything could be counted.
    fn early(failure: Failure) -> Ended {
        Ended { outcome: SessionOutcome::default(), dry_run: None, withheld: None, failure: Some(failure) }
    }
}

pub fn run(place: &Place, arguments: &Arguments) -> Result<Status, Failure> {
    let archive = if arguments.dry_run { place.read()? } else { place.open_existing()? };
    let accounts = match arguments.emails.as_slice() {
        [] => archive.accounts()?,
        named => named.iter().map(|email| place::account(&archive, email)).collect::<Result<_, _>>()?,
    };
    if accounts.is_empty() {
        return Err(Failure::failed("There is no account yet. Add one with: postkeep account add ADDRESS."));
    }
    let trace = arguments
        .trace
        .as_deref()
        .map(|path| TraceFile::open(path).map_err(|error| Failure::of_file("Opening the trace", path, &error)));
    let trace = trace.transpose()?;
    let (runtime, cancel, mut out) = (runtime()?, cancel_on_signal(), Out::new());
    let mut statuses = Vec::new();
    for account in accounts {
        let begun = std::time::Instant::now();
        let ended = match password_of(&account) {
            Err(failure) => Ended::early(failure),
            Ok(password) if arguments.dry_run => ahead(&runtime, &archive, &account, &password, &cancel),
            Ok(password) => {
                // A login that was refused is tried again only where this very account is asked for.
                let by_user = !arguments.emails.is_empty();
                let explain = |error: &FetchError| Problem::from(error).to_string();
                let trace = trace.as_ref().map(|file| file.trace(&account.address));
                let terms = Terms { by_user, explain, trace, ..Terms::default() };
                one(&runtime, &archive, &account, &password, &terms, &cancel)
            }
        };
        statuses.push(ended.status());
        let seconds = begun.elapsed().as_secs_f64();
        tell(&account, ended, arguments.json.then_some(&mut out), seconds)?;
        if cancel.is_cancelled() {
            break;
        }
    }
    Ok(together(&statuses))
}

/// One account, with a progress bar.
fn one(
    runtime: &Runtime,
    archive: &Archive,
    account: &Account,
    password: &SecretString,
    terms: &Terms,
    cancel: &Cancel,
) -> Ended {
    let mut withheld = None;
    let mut bar = Bar::new(format!("Fetching {}:", account.address));
    let mut on_update = |update: Update| match update {
        Update::Progress(progress) => bar.show(progress),
        Update::Removing(_) => bar.rename(format!("Removing from the server of {}:", account.address)),
        Update::Planned(Summary { withheld: why @ Some(_), .. }) => withheld = why,
        Update::Planned(summary) if summary.removes && summary.removable + summary.new_removable > 0 => {
            let removable = print::count(summary.removable + summary.new_removable, "message");
            print::say(&format!(
                "{}: {removable} will be removed from the server, each once it is proved to be stored here.",
                account.address
            ));
        }
        Update::Planned(_) | Update::Arrived(_) => (),
    };
    let (outcome, error) = runtime.block_on(fetch::run_on(archive, account, password, terms, cancel, &mut on_update));
    Ended { outcome, dry_run: None, withheld, failure: error.map(Failure::from) }
}

/// What a fetch would do, in the numbers of one.
fn ahead(runtime: &Runtime, archive: &Archive, account: &Account, password: &SecretString, cancel: &Cancel) -> Ended {
    match runtime.block_on(fetch::dry_run(archive, account, password, cancel)) {
        Err(error) => Ended::early(error.into()),
        Ok(summary) => {
            let Summary { listed, new, new_octets, new_removable, removable, removable_in_backup, .. } = summary;
            let Summary { withheld, waiting, recognised, deleted_here, .. } = summary;
            let deleted = if summary.removes { removable + new_removable } else { summary.deleted_here };
            let failed = summary.too_large + summary.refused;
            let kept = listed.saturating_sub(deleted + failed);
            let outcome =
                SessionOutcome { listed, retrieved: new, deleted, kept, failed, octets: new_octets, problem: None };
            let dry_run = DryRun { removable, removable_in_backup, withheld, waiting, recognised, deleted_here };
            explain_ahead(account, &summary);
            Ended { outcome, dry_run: Some(dry_run), withheld, failure: None }
        }
    }
}

/// What a dry run found beside its numbers, in sentences.
fn explain_ahead(account: &Account, summary: &Summary) {
    let Summary { recognised, waiting, deleted_here, too_large, refused, returned, looked_at_again, .. } = *summary;
    let table = [
        (recognised, "stored here already, under other numbers: would not be fetched again"),
        (looked_at_again, "stored here already, fetched once more to be compared before removal"),
        (deleted_here, "removed from the server because deleted here"),
        (waiting, "left on the server for now, because of size or budget (see: postkeep waiting)"),
        (too_large, "left on the server, larger than Postkeep fetches"),
        (refused, "left on the server after failing again and again"),
        (returned, "on the server again though it had confirmed the removal: left alone"),
    ];
    for (messages, what) in table.iter().filter(|(messages, _)| *messages > 0) {
        print::say(&format!("{}: {}: {what}.", account.address, counted(*messages)));
    }
}

impl Ended {
    fn status(&self) -> Status {
        match &self.failure {
            Some(failure) => failure.status(),
            None if self.outcome.failed > 0 => Status::DoneInPart,
            None => Status::Done,
        }
    }
}

/// All done, all failed (with their common status), or done in part.
fn together(statuses: &[Status]) -> Status {
    match statuses {
        [] => Status::Failed,
        [first, rest @ ..] if rest.iter().all(|status| status == first) => *first,
        _ if statuses.iter().all(|status| matches!(status, Status::Failed | Status::Locked)) => Status::Failed,
        _ => Status::DoneInPart,
    }
}

fn tell(account: &Account, ended: Ended, out: Option<&mut Out>, seconds: f64) -> Result<(), Failure> {
    let Ended { outcome, dry_run, withheld, failure } = ended;
    let problem = failure.as_ref().and_then(Failure::sentence).map(str::to_owned);
    // A visit that did not get as far as the list has nothing to count.
    if problem.is_none() || outcome.listed > 0 {
        print::say(&format!("{}: {}", account.address, sentence(&outcome, dry_run.is_some())));
    }
    if let Some(why) = withheld {
        print::say(&format!("{}: {}", account.address, Problem::from(why)));
    }
    if let Some(problem) = &problem {
        print::say(&format!("{}: {problem}", account.address));
    }
    let Some(out) = out else { return Ok(()) };
    let SessionOutcome { listed, retrieved, deleted, kept, failed, octets: bytes, .. } = outcome;
    let seconds = (seconds * 1000.0).round() / 1000.0;
    let account = account.address.as_str();
    out.json(&Line { account, listed, retrieved, deleted, kept, failed, bytes, seconds, problem, dry_run, withheld })?;
    out.flush()
}

fn sentence(outcome: &SessionOutcome, dry_run: bool) -> String {
    let SessionOutcome { listed, retrieved, deleted, failed, octets, .. } = outcome;
    let (would, removed) = if dry_run { ("would be ", "would be removed") } else { ("", "removed") };
    let mut text = format!(
        "{} on the server; {retrieved} {would}fetched ({}), {deleted} {removed} there.",
        print::count(*listed, "message"),
        print::size(*octets)
    );
    if *failed > 0 {
        text.push_str(&format!(" {failed} could not be fetched: still on the server."));
    }
    text
}

/// The account's password: held, from its command or the keyring, or asked for at the terminal.
pub fn password_of(account: &Account) -> Result<SecretString, Failure> {
    let found = secrets::password(account);
    let fault = match found {
        Ok(Some(password)) => return Ok(password),
        Ok(None) => FetchError::NoPassword,
        Err(error) if error.is_of_keyring() => FetchError::Secrets(error),
        Err(error) => return Err(error.into()),
    };
    if !print::can_ask() {
        return Err(fault.into());
    }
    print::say(&Problem::from(&fault).summary);
    ask_password(account)?.ok_or_else(|| FetchError::NoPassword.into())
}

pub fn runtime() -> Result<Runtime, Failure> {
    let built = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    built.map_err(|error| Failure::failed(format!("The program could not start its threads: {error}.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_of_accounts_make_one() {
        use Status::{Done, DoneInPart, Failed};
        let table: [(&[Status], Status); 6] = [
            (&[Done, Done], Done),
            (&[Failed], Failed),
            (&[Failed, Failed], Failed),
            (&[Done, Failed], DoneInPart),
            (&[DoneInPart], DoneInPart),
            (&[Failed, DoneInPart], DoneInPart),
        ];
        for (statuses, one) in table {
            assert_eq!(together(statuses), one, "{statuses:?}");
        }
    }
}
