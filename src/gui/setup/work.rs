//! What setting up does off the drawing thread: ask the server, write the account, keep the password.

use std::time::Duration;

use secrecy::SecretString;

use crate::account::{Account, AccountId};
use crate::archive::{Archive, ArchiveError, NewAccount};
use crate::problem::Problem;
use crate::secrets;
use crate::transport::{Connection, Patience, Stat, TransportError};

/// Shorter than a fetch's patience: somebody is looking at the form.
const PATIENCE: Patience = Patience { connect: Duration::from_secs(15), idle: Duration::from_secs(30) };

/// An account as the form describes it.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Its id means nothing while `before` is `None`.
    pub account: Account,
    /// The account that is changed; `None` for a new one.
    pub before: Option<Account>,
    /// What was typed; `None` when the password kept so far is to be used.
    pub password: Option<SecretString>,
    /// "Leave a copy" is off in the form. The account is saved with it on all the same: the dry run asks first.
    pub stop_leaving: bool,
    /// The mailbox at the new host or user is the one it was before: what is known of it holds.
    pub same: bool,
}

impl Candidate {
    /// Whether host or user differ from before: by then it may be another mailbox.
    pub fn is_elsewhere(&self) -> bool {
        self.before.as_ref().is_some_and(|before| {
            let (old, new) = (&before.server, &self.account.server);
            !old.host.eq_ignore_ascii_case(&new.host) || old.user != new.user
        })
    }
}

/// What became of it.
#[derive(Clone, Debug)]
pub struct Saved {
    pub account: Account,
    /// Something the user should know, in a sentence or two: the keyring would not take the password.
    pub notice: Option<String>,
    /// The user wants no copies left on the server: show the dry run, which asks.
    pub stop_leaving: bool,
}

/// Why an account was not saved.
#[derive(Clone, Debug)]
pub enum Refusal {
    /// There is an account with this address.
    AddressTaken,
    By(Problem),
}

/// Connects, logs in and asks what the maildrop holds. Changes nothing on the server.
pub async fn test(candidate: Candidate) -> Result<Stat, Problem> {
    let server = candidate.account.server.clone();
    let password = match candidate.password {
        Some(password) => password,
        None => kept(candidate.account).await?,
    };
    let asked = async {
        let mut connection = Connection::open(&server, PATIENCE).await?;
        connection.log_in(&server.user, &password).await?;
        let stat = connection.stat().await?;
        // Nothing was changed, so it does not matter what the server says to the farewell.
        let _ = connection.quit().await;
        Ok::<_, TransportError>(stat)
    };
    asked.await.map_err(|error| Problem::from(&error))
}

async fn kept(account: Account) -> Result<SecretString, Problem> {
    let asked = tokio::task::spawn_blocking(move || secrets::password(&account)).await;
    match asked {
        Ok(Ok(Some(password))) => Ok(password),
        Ok(Err(error)) if !error.is_of_keyring() => Err(Problem::from(&error)),
        _ => Err(Problem {
            summary: "Postkeep has no password for this account.".to_owned(),
            mail: "Your mail is as it was.".to_owned(),
            advice: "Enter the password and test again.".to_owned(),
        }),
    }
}

/// Writes the account and keeps the password. Blocks on the disk and the keyring.
pub fn save(archive: &Archive, candidate: Candidate) -> Result<Saved, Refusal> {
    let account = write(archive, &candidate).map_err(|error| match error {
        ArchiveError::AccountExists(_) => Refusal::AddressTaken,
        error => Refusal::By(Problem::from(&error)),
    })?;
    if let Some(before) = candidate.before.filter(|before| before.server.host != account.server.host) {
        // Its password is of no use any more; a keyring that will not forget it does no harm here.
        let _ = secrets::forget(&before);
    }
    let notice = candidate.password.and_then(|password| keep(&account, &password));
    Ok(Saved { account, notice, stop_leaving: candidate.stop_leaving })
}

fn write(archive: &Archive, candidate: &Candidate) -> Result<Account, ArchiveError> {
    let mut account = candidate.account.clone();
    if candidate.password.is_some() {
        // A typed password takes the place of the command, which would be asked first.
        account.password_command = None;
    }
    if let Some(before) = &candidate.before {
        archive.change_account(&account)?;
        if candidate.same && candidate.is_elsewhere() {
            archive.same_maildrop(&account, &before.server)?;
        }
        return Ok(account);
    }
    archive.add_account(&NewAccount {
        address: account.address,
        server: account.server,
        name: account.name,
        retention: account.retention,
        password_command: account.password_command,
    })
}

/// Keeps a password in the keyring, and where there is none in memory until Postkeep quits: then says so.
pub fn keep(account: &Account, password: &SecretString) -> Option<String> {
    // What an earlier refusal left in memory must not come before the new one.
    secrets::release(account);
    let error = secrets::keep(account, password).err()?;
    secrets::hold(account, password);
    let why = match error {
        secrets::SecretsError::NoKeyring => "This system has no keyring",
        secrets::SecretsError::TimedOut => "The system's keyring did not answer",
        secrets::SecretsError::KeyringRefused => "The system's keyring is locked",
        _ => "The system's keyring could not keep the password",
    };
    Some(format!("{why}, so Postkeep remembers the password until it quits and asks again after the next start."))
}

/// The account of a form that is filled in.
pub fn candidate(form: &super::form::Form) -> Option<Candidate> {
    let server = form.server()?;
    let before = form.before().cloned();
    // Turning it off is the dry run's to do; turning it on harms nothing.
    let still_off = before.as_ref().is_some_and(|before| !before.retention.leaves_copy()) && !form.leave_copy;
    let kept = before.as_ref().filter(|_| still_off).map(|before| before.retention);
    let account = Account {
        id: before.as_ref().map_or(AccountId(0), |before| before.id),
        address: form.address().to_owned(),
        server,
        name: form.name().to_owned(),
        retention: kept.unwrap_or_default(),
        fetching: before.as_ref().map(|before| before.fetching).unwrap_or_default(),
        password_command: before.as_ref().and_then(|before| before.password_command.clone()),
    };
    let stop_leaving = !form.leave_copy && !still_off;
    Some(Candidate { account, before, password: form.password(), stop_leaving, same: false })
}
