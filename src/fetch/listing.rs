//! What the server says it has, and everything else that a plan is made from.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::compare::{CHUNK, header_section, headers};
use super::run::{blocking, giving_up};
use super::{FetchError, Policy, listing};
use crate::account::{Account, Retention, Uidl};
use crate::archive::{Archive, ArchiveError, LedgerEntry, ListedMessage, MaildropId, MaildropState};
use crate::job::Cancel;
use crate::message;
use crate::transport::Connection;

/// A server's listing: STAT, UIDL and LIST together.
pub struct Listing {
    pub messages: Arc<Vec<ListedMessage>>,
    /// STAT, UIDL and LIST agree on how many messages there are, and the server shows all it has: what is missing is gone.
    pub complete: bool,
    /// The server knows no UIDL: see [`Policy::made_uidls`].
    pub made_uidls: bool,
    /// See [`Policy::shows_a_part`].
    pub shows_a_part: bool,
}

/// Asks for the listing. Where the server knows no UIDL, unique-ids are made from header sections and sizes (quirk 44).
pub async fn ask(connection: &mut Connection, account: &Account, cancel: &Cancel) -> Result<Listing, FetchError> {
    let stat = giving_up(cancel, connection.stat()).await?;
    let given = giving_up(cancel, connection.uidl()).await?;
    let sizes = giving_up(cancel, connection.list()).await?;
    let made_uidls = given.is_none();
    let uidls = match given {
        Some(uidls) => uidls,
        None => made(connection, &sizes, account.retention, cancel).await?,
    };
    let count = uidls.len();
    let messages = listing(uidls, &sizes);
    let agree = stat.messages == count as u64 && sizes.len() == count && messages.len() == count;
    let shows_a_part = connection.capabilities().shows_a_part || in_recent_mode(account);
    Ok(Listing { messages: Arc::new(messages), complete: agree && !shows_a_part, made_uidls, shows_a_part })
}

/// Whether the user's name asks the server for the last days only, as Gmail takes it (quirk 88).
fn in_recent_mode(account: &Account) -> bool {
    account.server.user.starts_with("recent:")
}

/// A unique-id for each message of a server that gives none. Without header sections either there is none that lasts;
/// where each message is retrieved and then removed, its number will do: its bytes are compared in the same session.
async fn made(
    connection: &mut Connection,
    sizes: &[(u32, u64)],
    retention: Retention,
    cancel: &Cancel,
) -> Result<Vec<(u32, Uidl)>, FetchError> {
    let mut uidls = Vec::with_capacity(sizes.len());
    for chunk in sizes.chunks(CHUNK) {
        let numbers: Vec<u32> = chunk.iter().map(|(number, _)| *number).collect();
        let headers = headers(connection, &numbers, cancel).await?;
        for ((number, octets), header) in chunk.iter().zip(headers) {
            let look = match header {
                Some(header) => message::first_likeness(header_section(&header)).to_string(),
                None if retention == Retention::RemoveOnceStored => format!("number-{number}"),
                None => return Err(FetchError::NoUniqueIds),
            };
            uidls.extend(Uidl::new(format!("made:{look}:{octets}").as_bytes()).map(|uidl| (*number, uidl)));
        }
    }
    Ok(uidls)
}

/// All that a plan is made from beside the listing, as it stands before the listing is entered into the ledger.
pub struct Known {
    pub ledger: Vec<LedgerEntry>,
    pub policy: Policy,
    /// Of which messages left on the server the header section is here.
    pub headers: HashSet<(Uidl, u32)>,
}

/// Reads it. `maildrop` is `None` before the first visit.
pub async fn known(
    archive: &Archive,
    account: &Account,
    maildrop: Option<MaildropId>,
    listing: &Listing,
    visit: i64,
) -> Result<Known, FetchError> {
    let (archive, account) = (archive.clone(), account.clone());
    let (made_uidls, shows_a_part) = (listing.made_uidls, listing.shows_a_part);
    blocking(move || -> Result<Known, ArchiveError> {
        let (mut state, mut ledger) = (MaildropState::default(), Vec::new());
        let (mut wanted, mut headers) = (HashSet::new(), HashSet::new());
        if let Some(maildrop) = maildrop {
            state = archive.maildrop_state(maildrop, Timestamp::now())?;
            ledger = archive.ledger(maildrop)?;
            (wanted, headers) = archive.wanted_and_known(maildrop)?;
        }
        let needs_backups = account.retention == Retention::UntilBackedUp;
        let policy = Policy {
            retention: account.retention,
            fetching: account.fetching,
            maildrop: state,
            binned: archive.binned()?,
            backed_up: if needs_backups { archive.in_backups()? } else { HashSet::new() },
            wanted,
            recent_mode: in_recent_mode(&account),
            made_uidls,
            shows_a_part,
            visit,
        };
        Ok(Known { ledger, policy, headers })
    })
    .await
}
