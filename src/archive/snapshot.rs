//! The archive without its bytes at one moment, for a backup, and the way back: accounts, ledger, marks, the sync log,
//! and which message rows stand on which original.
//!
//! Neither passwords nor password commands are in it: a command from a file that someone handed us would be executed.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use serde::{Deserialize, Serialize};

use super::accounts;
use super::columns::{count, micros, time, uncount};
use super::error::Result;
use super::log::{self, outcome_of};
use super::original::{STORED, stored_of};
use super::{Archive, CopyState, LogEntry, LoggedSession, MaildropId, Marks, NewAccount, SessionOutcome, bin, ingest};
use crate::account::{Account, AccountId, Digest, Fetching, MessageId, Retention, Server, Uidl};

/// The ledger, marks and accounts at one moment, for a backup. Serialised as the backup's `state` file; holds no
/// password. Messages are spoken of by their place in its list, accounts by their address.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    accounts: Vec<SavedAccount>,
    messages: Vec<SavedMessage>,
    ledger: Vec<SavedMaildrop>,
    sessions: Vec<SavedSession>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SavedAccount {
    address: String,
    #[serde(flatten)]
    server: Server,
    name: String,
    retention: Retention,
    #[serde(default)]
    fetching: Fetching,
    removed: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SavedMessage {
    sha256: Digest,
    account: Option<String>,
    arrived: Timestamp,
    #[serde(flatten)]
    marks: Marks,
    /// The place in the list of the message that this one is shown as.
    twin_of: Option<usize>,
    /// It was in the bin.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    binned: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SavedMaildrop {
    account: String,
    host: String,
    user: String,
    rows: Vec<SavedRow>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SavedRow {
    /// Each octet as the character of that number: a UIDL need not be text.
    uidl: String,
    ordinal: u32,
    message: Option<usize>,
    state: CopyState,
    octets: Option<u64>,
    first_seen: Timestamp,
    last_seen: Timestamp,
    #[serde(default)]
    recognised: bool,
    #[serde(default)]
    removals: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SavedSession {
    account: String,
    host: String,
    user: String,
    began: Timestamp,
    ended: Option<Timestamp>,
    #[serde(flatten)]
    outcome: SessionOutcome,
    #[serde(default)]
    entries: Vec<LogEntry>,
}

impl Snapshot {
    /// Every message: its digest and when it arrived, for [`super::Incoming::arrived`] on the way back. A digest that
    /// two messages share comes twice.
    pub fn arrivals(&self) -> impl Iterator<Item = (Digest, Timestamp)> + '_ {
        self.messages.iter().map(|message| (message.sha256, message.arrived))
    }
}

fn written(uidl: &Uidl) -> String {
    uidl.as_bytes().iter().copied().map(char::from).collect()
}

fn unwritten(text: &str) -> Option<Uidl> {
    let octets: Vec<u8> = text.chars().map(|letter| u8::try_from(letter).ok()).collect::<Option<_>>()?;
    Uidl::new(&octets)
}

impl Archive {
    /// One consistent picture: all of it is read in one transaction.
    pub fn snapshot(&self) -> Result<Snapshot> {
        self.read(|connection| {
            let moment = connection.transaction()?;
            let accounts = accounts::all(&moment)?;
            let addresses: HashMap<AccountId, String> =
                accounts.iter().map(|(account, _)| (account.id, account.address.clone())).collect();
            let (messages, places) = save_messages(&moment, &addresses)?;
            let snapshot = Snapshot {
                accounts: accounts.into_iter().map(save_account).collect(),
                messages,
                ledger: save_ledger(&moment, &addresses, &places)?,
                sessions: save_sessions(&moment, &addresses)?,
            };
            moment.commit()?;
            Ok(snapshot)
        })
    }

    /// Merges a snapshot's accounts, marks, ledger and log into this archive, after the messages themselves were
    /// ingested as [`super::Origin::Backup`]: accounts by address, messages by digest. An original that stood for two
    /// messages does so here too afterwards. Present marks win over older ones only by adding (read or starred in
    /// either is read or starred), and an account or a ledger row that is here stays as it is, but that a row without a
    /// message gets the one it had. Never makes a ledger row claim a message that is not stored here. Doing it twice
    /// changes nothing. Call [`Archive::index_pending`] afterwards.
    ///
    /// `brought` are the messages that this restore stored; those that it makes here are added to them. Only these go into
    /// the bin again if they were in it, unless another snapshot had them outside of it: what was here keeps its place.
    pub fn merge(&self, snapshot: &Snapshot, brought: &mut HashSet<MessageId>) -> Result<()> {
        self.write(|transaction| {
            let accounts = merge_accounts(transaction, &snapshot.accounts)?;
            let messages = merge_messages(transaction, &snapshot.messages, &accounts, brought)?;
            for saved in &snapshot.ledger {
                if let Some(&account) = accounts.get(&saved.account) {
                    let maildrop = accounts::maildrop(transaction, account, &saved.host, &saved.user)?;
                    merge_ledger(transaction, maildrop, &saved.rows, &messages)?;
                }
            }
            merge_sessions(transaction, &snapshot.sessions, &accounts)
        })
    }
}

fn save_account((account, removed): (crate::account::Account, bool)) -> SavedAccount {
    SavedAccount {
        address: account.address,
        server: account.server,
        name: account.name,
        retention: account.retention,
        fetching: account.fetching,
        removed,
    }
}

/// The messages in the order of their ids, and the place of each id in that list.
fn save_messages(
    moment: &Connection,
    addresses: &HashMap<AccountId, String>,
) -> Result<(Vec<SavedMessage>, HashMap<MessageId, usize>)> {
    let mut statement = moment.prepare_cached(&format!("{STORED} ORDER BY message.id"))?;
    let stored: Vec<_> = statement.query_map([], stored_of)?.collect::<rusqlite::Result<_>>()?;
    let mut bin = moment.prepare_cached("SELECT message FROM bin")?;
    let bin: HashSet<MessageId> = bin.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let places: HashMap<MessageId, usize> = stored.iter().zip(0..).map(|(stored, place)| (stored.id, place)).collect();
    let messages = stored.iter().map(|stored| SavedMessage {
        sha256: stored.digest,
        account: stored.account.and_then(|id| addresses.get(&id).cloned()),
        arrived: stored.arrived,
        marks: stored.marks,
        twin_of: stored.twin_of.and_then(|of| places.get(&of).copied()),
        binned: bin.contains(&stored.id),
    });
    Ok((messages.collect(), places))
}

fn save_ledger(
    moment: &Connection,
    addresses: &HashMap<AccountId, String>,
    places: &HashMap<MessageId, usize>,
) -> Result<Vec<SavedMaildrop>> {
    let mut statement = moment.prepare_cached("SELECT id, account, host, user FROM maildrop ORDER BY id")?;
    let maildrops: Vec<(i64, AccountId, String, String)> = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut rows_of = moment.prepare_cached(
        "SELECT uidl, ordinal, message, state, octets, first_seen, last_seen, recognised, removals FROM ledger
         WHERE maildrop = ?1 ORDER BY uidl, ordinal",
    )?;
    let mut ledger = Vec::new();
    for (id, account, host, user) in maildrops {
        let rows = rows_of.query_map([id], |row| {
            Ok(SavedRow {
                uidl: written(&row.get(0)?),
                ordinal: row.get(1)?,
                message: row.get::<_, Option<MessageId>>(2)?.and_then(|id| places.get(&id).copied()),
                state: row.get(3)?,
                octets: row.get::<_, Option<i64>>(4)?.map(uncount),
                first_seen: time(row.get(5)?),
                last_seen: time(row.get(6)?),
                recognised: row.get(7)?,
                removals: row.get(8)?,
            })
        })?;
        let rows = rows.collect::<rusqlite::Result<_>>()?;
        ledger.push(SavedMaildrop { account: addresses.get(&account).cloned().unwrap_or_default(), host, user, rows });
    }
    Ok(ledger)
}

fn save_sessions(moment: &Connection, addresses: &HashMap<AccountId, String>) -> Result<Vec<SavedSession>> {
    let mut statement = moment.prepare_cached(
        "SELECT session.account, host, user, began, ended, listed, retrieved, deleted, kept, failed, octets, problem,
             session.id FROM session JOIN maildrop ON maildrop.id = maildrop ORDER BY began, session.id",
    )?;
    let sessions = statement.query_map([], |row| {
        let session = SavedSession {
            account: addresses.get(&row.get(0)?).cloned().unwrap_or_default(),
            host: row.get(1)?,
            user: row.get(2)?,
            began: time(row.get(3)?),
            ended: row.get::<_, Option<i64>>(4)?.map(time),
            outcome: outcome_of(row, 5)?,
            entries: Vec::new(),
        };
        Ok((row.get::<_, i64>(12)?, session))
    })?;
    let mut complete = Vec::new();
    for session in sessions {
        let (id, session) = session?;
        complete.push(SavedSession { entries: log::entries(moment, id)?, ..session });
    }
    Ok(complete)
}

/// Accounts that are not here come, removed ones as removed; answers the id of each address.
fn merge_accounts(transaction: &Transaction<'_>, saved: &[SavedAccount]) -> Result<BTreeMap<String, AccountId>> {
    let mut ids = BTreeMap::new();
    for account in saved {
        let id = match accounts::find(transaction, &account.address)? {
            Some((here, _)) => here.id,
            None => {
                let new = NewAccount {
                    address: account.address.clone(),
                    server: account.server.clone(),
                    name: account.name.clone(),
                    retention: account.retention,
                    password_command: None,
                };
                let added = accounts::add(transaction, &new)?;
                accounts::update(transaction, &Account { fetching: account.fetching, ..added.clone() })?;
                if account.removed {
                    accounts::remove(transaction, added.id)?;
                }
                added.id
            }
        };
        ids.insert(account.address.clone(), id);
    }
    Ok(ids)
}

/// A message row that is here, as far as matching needs it.
struct Here {
    id: MessageId,
    account: Option<AccountId>,
}

/// Finds for each saved message the row that it is here, making a second one where an original stood for two; answers
/// their ids by place. `None`: its bytes are not here.
fn merge_messages(
    transaction: &Transaction<'_>,
    saved: &[SavedMessage],
    accounts: &BTreeMap<String, AccountId>,
    brought: &mut HashSet<MessageId>,
) -> Result<Vec<Option<MessageId>>> {
    let mut here: HashMap<Digest, (i64, Vec<Here>)> = HashMap::new();
    let mut ids: Vec<Option<MessageId>> = vec![None; saved.len()];
    let account_of =
        |message: &SavedMessage| message.account.as_ref().and_then(|address| accounts.get(address)).copied();
    // First those of the very same account, so that none of them is taken by a message that would do with any.
    for exactly in [true, false] {
        for (message, id) in saved.iter().zip(&mut ids) {
            if id.is_some() {
                continue;
            }
            let Some((_, rows)) = originals_here(transaction, &mut here, message.sha256)? else { continue };
            let account = account_of(message);
            let fits =
                |row: &Here| row.account == account || (!exactly && (row.account.is_none() || account.is_none()));
            if let Some(at) = rows.iter().position(fits) {
                let row = rows.remove(at);
                *id = Some(row.id);
            }
        }
    }
    for (message, id) in saved.iter().zip(&mut ids) {
        let account = account_of(message);
        if id.is_none() {
            let Some((original, _)) = here.get(&message.sha256) else { continue };
            let made = ingest::store_message(transaction, *original, account, micros(message.arrived), None)?;
            brought.insert(made);
            *id = Some(made);
        }
        let Some(id) = *id else { continue };
        if message.binned && brought.contains(&id) {
            bin::put(transaction, id, Timestamp::now())?;
        } else if !message.binned && brought.remove(&id) {
            // What one of two computers did not throw away is wanted.
            bin::take_out(transaction, id)?;
        }
        if let Some(account) = account {
            ingest::adopt(transaction, id, account)?;
        }
        ingest::add_marks(transaction, id, message.marks)?;
    }
    merge_twins(transaction, saved, &ids)?;
    Ok(ids)
}

/// The original of a digest and the rows on it that no saved message has been matched with yet; `None` when it is not
/// here.
fn originals_here<'h>(
    transaction: &Transaction<'_>,
    here: &'h mut HashMap<Digest, (i64, Vec<Here>)>,
    digest: Digest,
) -> Result<Option<&'h mut (i64, Vec<Here>)>> {
    let place = match here.entry(digest) {
        Entry::Occupied(known) => return Ok(Some(known.into_mut())),
        Entry::Vacant(place) => place,
    };
    let original = transaction
        .prepare_cached("SELECT id FROM original WHERE sha256 = ?1")?
        .query_row([digest], |row| row.get::<_, i64>(0))
        .optional()?;
    let Some(original) = original else { return Ok(None) };
    let mut statement =
        transaction.prepare_cached("SELECT id, account FROM message WHERE original = ?1 ORDER BY id")?;
    let rows = statement.query_map([original], |row| Ok(Here { id: row.get(0)?, account: row.get(1)? }))?;
    Ok(Some(place.insert((original, rows.collect::<rusqlite::Result<_>>()?))))
}

/// Makes twins of what was a twin, and shows what was shown: unless it is here the twin of a message that the snapshot
/// does not know, because the same mail had come here by another way.
fn merge_twins(transaction: &Transaction<'_>, saved: &[SavedMessage], ids: &[Option<MessageId>]) -> Result<()> {
    let matched: HashSet<MessageId> = ids.iter().flatten().copied().collect();
    let twin_of = |id: MessageId| -> Result<Option<MessageId>> {
        Ok(transaction
            .prepare_cached("SELECT twin_of FROM message WHERE id = ?1")?
            .query_row([id], |row| row.get(0))?)
    };
    let set = |id: MessageId, of: Option<MessageId>| -> Result<()> {
        transaction.prepare_cached("UPDATE message SET twin_of = ?2 WHERE id = ?1")?.execute(params![id, of])?;
        Ok(())
    };
    for (message, id) in saved.iter().zip(ids) {
        if let (None, Some(id)) = (message.twin_of, *id)
            && twin_of(id)?.is_some_and(|of| matched.contains(&of))
        {
            set(id, None)?;
        }
    }
    for (message, id) in saved.iter().zip(ids) {
        let of = message.twin_of.and_then(|place| ids.get(place).copied().flatten());
        let (Some(id), Some(of)) = (*id, of) else { continue };
        let of = twin_of(of)?.unwrap_or(of);
        if of != id {
            set(id, Some(of))?;
            // A twin is of a shown message: what was shown as this one is shown as that one now.
            transaction.execute("UPDATE message SET twin_of = ?2 WHERE twin_of = ?1", params![id, of])?;
        }
    }
    Ok(())
}

/// A row that this archive saw itself stays, but that one merely listed gets the message it had. Of rows that came by
/// merging, the one seen later counts, and of those seen at the same time the one merged later.
fn merge_ledger(
    transaction: &Transaction<'_>,
    maildrop: MaildropId,
    rows: &[SavedRow],
    messages: &[Option<MessageId>],
) -> Result<()> {
    let mut enter = transaction.prepare_cached(
        "INSERT INTO ledger (maildrop, uidl, ordinal, message, state, octets, first_seen, last_seen, last_session,
             recognised, removals)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, ?9, ?10)
         ON CONFLICT (maildrop, uidl, ordinal) DO UPDATE SET
             message = excluded.message, state = excluded.state, octets = excluded.octets,
             recognised = excluded.recognised, removals = max(removals, excluded.removals)
             WHERE (excluded.message IS NOT NULL OR message IS NULL)
               AND (last_session = 0 AND excluded.last_seen >= last_seen
                    OR message IS NULL AND state = 0 AND excluded.state = 1 AND octets IS excluded.octets)",
    )?;
    let mut seen = transaction.prepare_cached(
        "UPDATE ledger SET first_seen = min(first_seen, ?4), last_seen = max(last_seen, ?5)
         WHERE maildrop = ?1 AND uidl = ?2 AND ordinal = ?3",
    )?;
    for row in rows {
        let Some(uidl) = unwritten(&row.uidl) else { continue };
        let message = row.message.and_then(|place| messages.get(place).copied().flatten());
        let claims = matches!(row.state, CopyState::Stored | CopyState::DeleSent | CopyState::DeleteUnknown);
        let state = if claims && message.is_none() { CopyState::Listed } else { row.state };
        enter.execute(params![
            maildrop.0,
            uidl,
            row.ordinal,
            message,
            state,
            row.octets.map(count),
            micros(row.first_seen),
            micros(row.last_seen),
            row.recognised,
            row.removals,
        ])?;
        seen.execute(params![maildrop.0, uidl, row.ordinal, micros(row.first_seen), micros(row.last_seen)])?;
    }
    Ok(())
}

/// Visits that this archive's log lacks, and how those ended that it has only begun.
fn merge_sessions(
    transaction: &Transaction<'_>,
    sessions: &[SavedSession],
    accounts: &BTreeMap<String, AccountId>,
) -> Result<()> {
    for session in sessions {
        let Some(&account) = accounts.get(&session.account) else { continue };
        let maildrop = accounts::maildrop(transaction, account, &session.host, &session.user)?;
        let logged = LoggedSession {
            account,
            began: session.began,
            ended: session.ended,
            outcome: session.outcome.clone(),
            entries: session.entries.clone(),
        };
        log::add_session(transaction, maildrop, &logged)?;
    }
    Ok(())
}

impl Archive {
    /// Records that a backup folder, known by its own id, was verified now and holds these messages.
    pub fn record_backup(
        &self,
        backup_id: &str,
        place: &std::path::Path,
        messages: &[MessageId],
        verified: Timestamp,
    ) -> Result<()> {
        self.write(|transaction| {
            transaction.execute(
                "INSERT INTO backup (folder_id, place, verified) VALUES (?1, ?2, ?3)
                 ON CONFLICT (folder_id) DO UPDATE SET place = ?2, verified = ?3",
                params![backup_id, place.to_string_lossy(), micros(verified)],
            )?;
            let backup: i64 =
                transaction.query_row("SELECT id FROM backup WHERE folder_id = ?1", [backup_id], |row| row.get(0))?;
            let mut held = transaction.prepare("SELECT message FROM backup_message WHERE backup = ?1")?;
            let held: HashSet<MessageId> =
                held.query_map([backup], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
            let holds: HashSet<MessageId> = messages.iter().copied().collect();
            let mut add = transaction
                .prepare("INSERT INTO backup_message (message, backup) SELECT id, ?2 FROM message WHERE id = ?1")?;
            for id in holds.difference(&held) {
                add.execute(params![id, backup])?;
            }
            let mut take = transaction.prepare("DELETE FROM backup_message WHERE message = ?1 AND backup = ?2")?;
            for id in held.difference(&holds) {
                take.execute(params![id, backup])?;
            }
            Ok(())
        })
    }

    /// The last verified backup: its place and when.
    pub fn last_backup(&self) -> Result<Option<(PathBuf, Timestamp)>> {
        self.read(|connection| {
            let last = connection
                .prepare_cached("SELECT place, verified FROM backup ORDER BY verified DESC, id DESC LIMIT 1")?
                .query_row([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))
                .optional()?;
            Ok(last.map(|(place, verified)| (PathBuf::from(place), time(verified))))
        })
    }
}
