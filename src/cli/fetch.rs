//! `fetch`: the accounts one after the other, and the dry run.

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
use crate::archive::{Archive, SessionOutcome};
use crate::fetch::{self, FetchError, Summary, Update};
use crate::job::Cancel;
use crate::problem::Problem;
use crate::secrets;

#[derive(Debug, Default, Args)]
pub struct Arguments {
    /// Only these accounts.
    #[arg(value_name = "EMAIL")]
    emails: Vec<String>,
    /// Connect and say what a fetch would do; change nothing.
    #[arg(long)]
    dry_run: bool,
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
}

/// What only a dry run knows. In a dry run the other numbers say what a fetch would do.
#[derive(Serialize)]
struct DryRun {
    removable: u64,
    removable_in_backup: u64,
}

/// What became of one account.
struct Ended {
    outcome: SessionOutcome,
    dry_run: Option<DryRun>,
    failure: Option<Failure>,
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
    let (runtime, cancel, mut out) = (runtime()?, cancel_on_signal(), Out::new());
    let mut statuses = Vec::new();
    for account in accounts {
        let begun = std::time::Instant::now();
        let ended = match password_of(&account) {
            Err(failure) => Ended { outcome: SessionOutcome::default(), dry_run: None, failure: Some(failure) },
            Ok(password) if arguments.dry_run => ahead(&runtime, &archive, &account, &password, &cancel),
            Ok(password) => one(&runtime, &archive, &account, &password, &cancel),
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
fn one(runtime: &Runtime, archive: &Archive, account: &Account, password: &SecretString, cancel: &Cancel) -> Ended {
    let mut bar = Bar::new(format!("Fetching {}:", account.address));
    let mut on_update = |update: Update| match update {
        Update::Progress(progress) => bar.show(progress),
        Update::Removing(_) => bar.rename(format!("Removing from the server of {}:", account.address)),
        Update::Planned(summary) if summary.removes && summary.removable + summary.new_removable > 0 => {
            let removable = print::count(summary.removable + summary.new_removable, "message");
            print::say(&format!(
                "{}: {removable} will be removed from the server, each once it is proved to be stored here.",
                account.address
            ));
        }
        Update::Planned(_) | Update::Arrived(_) => (),
    };
    let (outcome, error) = runtime.block_on(fetch::run(archive, account, password, cancel, &mut on_update));
    Ended { outcome, dry_run: None, failure: error.map(Failure::from) }
}

/// What a fetch would do, in the numbers of one.
fn ahead(runtime: &Runtime, archive: &Archive, account: &Account, password: &SecretString, cancel: &Cancel) -> Ended {
    match runtime.block_on(fetch::dry_run(archive, account, password, cancel)) {
        Err(error) => Ended { outcome: SessionOutcome::default(), dry_run: None, failure: Some(error.into()) },
        Ok(summary) => {
            let Summary { listed, new, new_octets, new_removable, removable, removable_in_backup, .. } = summary;
            let deleted = if summary.removes { removable + new_removable } else { summary.deleted_here };
            let failed = summary.too_large + summary.refused;
            let kept = listed.saturating_sub(deleted + failed);
            let outcome =
                SessionOutcome { listed, retrieved: new, deleted, kept, failed, octets: new_octets, problem: None };
            Ended { outcome, dry_run: Some(DryRun { removable, removable_in_backup }), failure: None }
        }
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
    let Ended { outcome, dry_run, failure } = ended;
    let problem = failure.as_ref().and_then(Failure::sentence).map(str::to_owned);
    // A visit that did not get as far as the list has nothing to count.
    if problem.is_none() || outcome.listed > 0 {
        print::say(&format!("{}: {}", account.address, sentence(&outcome, dry_run.is_some())));
    }
    if let Some(problem) = &problem {
        print::say(&format!("{}: {problem}", account.address));
    }
    let Some(out) = out else { return Ok(()) };
    let SessionOutcome { listed, retrieved, deleted, kept, failed, octets: bytes, .. } = outcome;
    let seconds = (seconds * 1000.0).round() / 1000.0;
    let account = account.address.as_str();
    out.json(&Line { account, listed, retrieved, deleted, kept, failed, bytes, seconds, problem, dry_run })?;
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

/// Says how many messages the next fetch would remove from the server and asks; without a terminal the command line is
/// the consent.
pub fn consent_to_removal(archive: &Archive, account: &Account) -> Result<bool, Failure> {
    if !print::can_ask() {
        return Ok(true);
    }
    let summary = password_of(account).and_then(|password| {
        Ok(runtime()?.block_on(fetch::dry_run(archive, account, &password, &cancel_on_signal()))?)
    });
    match summary {
        Ok(summary) => {
            let removable = print::count(summary.removable + summary.new_removable, "message");
            print::say(&format!(
                "The next fetch would remove {removable} from the server, each only once it is proved to be stored here; \
                 {} of them in a verified backup now.",
                summary.removable_in_backup
            ));
        }
        Err(failure) => {
            print::say("How many messages the next fetch would remove from the server could not be found out.");
            print::say(failure.sentence().unwrap_or_default());
        }
    }
    Ok(print::agrees("Stop leaving a copy on the server?"))
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
