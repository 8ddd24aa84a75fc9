//! A server that has numbered its messages anew (quirk 40): which of those with unknown unique-ids are stored here, told by
//! their header sections and sizes. Nothing is removed on the strength of it.

use std::collections::{HashMap, HashSet};

use super::compare::{CHUNK, header_section, headers};
use super::run::blocking;
use super::{FetchError, Plan};
use crate::account::{Digest, MessageId};
use crate::archive::{Archive, ArchiveError, LedgerEntry};
use crate::job::Cancel;
use crate::message;
use crate::transport::Connection;

/// What tells a message: the likeness of its header section, and its size in octets.
type Look = (Digest, u64);

/// The stored messages that the unknown ones of a plan are, by message number. Messages that look the same are each taken
/// once. Empty where the server does not know TOP.
pub async fn recognised(
    connection: &mut Connection,
    archive: &Archive,
    plan: &Plan,
    ledger: &[LedgerEntry],
    cancel: &Cancel,
) -> Result<HashMap<u32, MessageId>, FetchError> {
    let mut known = HashMap::new();
    let there: HashSet<MessageId> = plan.stored.iter().map(|(_, id)| *id).collect();
    let missing: Vec<MessageId> =
        ledger.iter().filter_map(|row| row.message).filter(|message| !there.contains(message)).collect();
    let reading = archive.clone();
    let mut looks = blocking(move || looks(&reading, &missing)).await?;
    let sized: Vec<(u32, u64)> =
        plan.retrieve.iter().filter_map(|message| Some((message.number, message.octets?))).collect();
    for chunk in sized.chunks(CHUNK) {
        let numbers: Vec<u32> = chunk.iter().map(|(number, _)| *number).collect();
        let headers = headers(connection, &numbers, cancel).await?;
        for ((number, octets), header) in chunk.iter().zip(headers) {
            let Some(header) = header else { continue };
            let look = (message::first_likeness(header_section(&header)), *octets);
            known.extend(looks.get_mut(&look).and_then(Vec::pop).map(|id| (*number, id)));
        }
    }
    Ok(known)
}

/// The sound ones of these messages by their looks, the first of each look last.
fn looks(archive: &Archive, messages: &[MessageId]) -> Result<HashMap<Look, Vec<MessageId>>, ArchiveError> {
    let mut looks: HashMap<Look, Vec<MessageId>> = HashMap::new();
    for &id in messages.iter().rev() {
        let bytes = match archive.original(id) {
            // What rotted is like nothing that is on the server, and no reason not to fetch.
            Err(ArchiveError::Damaged { .. } | ArchiveError::Rotten { .. }) => continue,
            bytes => bytes?,
        };
        let (Some(stored), Some(bytes)) = (archive.stored(id)?, bytes) else { continue };
        if Digest::of(&bytes) == stored.digest {
            looks.entry((message::first_likeness(header_section(&bytes)), stored.octets)).or_default().push(id);
        }
    }
    Ok(looks)
}
