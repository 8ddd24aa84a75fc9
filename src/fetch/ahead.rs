//! The dry run: connects, lists and plans, and changes nothing.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use secrecy::SecretString;

use super::compare::unlike;
use super::door::{self, Terms};
use super::listing::{self, Listing};
use super::recognise::recognised;
use super::run::{blocking, in_numbers};
use super::{FetchError, Plan, Policy, Summary, plan};
use crate::account::{Account, MessageId, Retention};
use crate::archive::{Archive, ArchiveError, Habit, LedgerEntry, MaildropState};
use crate::job::{Cancel, unless_cancelled};

/// What a fetch of this account would retrieve, and what it removes from the server: by the account's retention, or, where
/// that leaves a copy, what it would remove if the retention were [`Retention::RemoveOnceStored`]. Each message counted as
/// removable was just read back and compared. Give the account with another retention than it has to see what that would
/// do: removals count as agreed to.
///
/// # Errors
/// As [`super::run`].
pub async fn dry_run(
    archive: &Archive,
    account: &Account,
    password: &SecretString,
    cancel: &Cancel,
) -> Result<Summary, FetchError> {
    door::may_visit(archive, account, &Terms::default()).await?;
    match look_ahead(archive, account, password, cancel, true).await {
        Err(FetchError::Transport(error)) if error.is_pipelining() => {
            look_ahead(archive, account, password, cancel, false).await
        }
        ended => ended,
    }
}

async fn look_ahead(
    archive: &Archive,
    account: &Account,
    password: &SecretString,
    cancel: &Cancel,
    pipelining: bool,
) -> Result<Summary, FetchError> {
    let (reading, of) = (archive.clone(), account.clone());
    let (maildrop, habits) = blocking(move || -> Result<_, ArchiveError> {
        let maildrop = reading.maildrop(&of)?;
        let state = maildrop.map(|maildrop| reading.maildrop_state(maildrop, Timestamp::now())).transpose()?;
        Ok((maildrop, state.unwrap_or_default().habits))
    })
    .await?;
    let mut connection = door::log_in(account, habits, password, &Terms::default(), cancel).await?;
    connection.set_pipelining(pipelining && !habits.has(Habit::NoPipelining));
    let listing = listing::ask(&mut connection, account, cancel).await?;
    let known = listing::known(archive, account, maildrop, &listing, 0).await?;
    let mut real = plan(&listing.messages, &known.ledger, &known.policy);
    let told = match real.renumbered {
        true => recognised(&mut connection, archive, &real, &known.ledger, cancel).await?,
        false => HashMap::new(),
    };
    real.recognise(&told);
    let mut summary = in_numbers(&real, &listing.messages, account.retention);
    summary.recognised = told.len() as u64;

    // What would leave, once removals are agreed to.
    let would = if_agreed(&listing, &known.ledger, &known.policy, &told);
    let stored: HashSet<u32> = real.stored.iter().map(|(number, _)| *number).collect();
    summary.new_removable = would.retrieve.iter().filter(|message| would.removable(message)).count() as u64;
    summary.looked_at_again = would.retrieve.iter().filter(|message| stored.contains(&message.number)).count() as u64;
    let leaving = would.stored_and_leaving;
    let unlike = unlike(&mut connection, archive, &leaving, cancel).await?;
    let (archive, cancel) = (archive.clone(), cancel.clone());
    (summary.removable, summary.removable_in_backup) = blocking(move || -> Result<_, FetchError> {
        let mut removable: Vec<MessageId> = Vec::new();
        for (message, id) in leaving.iter().filter(|(message, _)| !unlike.contains(&message.number)) {
            unless_cancelled(&cancel)?;
            if let Some(maildrop) = maildrop
                && archive.prove(maildrop, message)?.is_some()
            {
                removable.push(*id);
            }
        }
        let in_backup = archive.backed_up(&removable)?;
        Ok((removable.len() as u64, in_backup))
    })
    .await?;
    // Nothing depends on the server's good-bye.
    _ = connection.quit().await;
    Ok(summary)
}

fn if_agreed(listing: &Listing, ledger: &[LedgerEntry], policy: &Policy, told: &HashMap<u32, MessageId>) -> Plan {
    let retention = if policy.retention.leaves_copy() { Retention::RemoveOnceStored } else { policy.retention };
    let maildrop = MaildropState { agreed: true, ..policy.maildrop };
    let mut would = plan(&listing.messages, ledger, &Policy { retention, maildrop, ..policy.clone() });
    would.recognise(told);
    would
}
