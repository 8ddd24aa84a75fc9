//! One visit to one server, from log-in to QUIT.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use tokio::sync::mpsc;

use super::store::{Parcel, Store, Visit, missing_space, require_space};
use super::{FetchError, Plan, Summary, Update, listing, plan};
use crate::account::{Account, MessageId, Retention, Uidl};
use crate::archive::{Archive, CopyState, LedgerEntry, ListedMessage, SessionOutcome};
use crate::job::{Cancel, Cancelled, Progress, unless_cancelled};
use crate::pop3::Removal;
use crate::transport::{Answer, Connection, Patience, Retrieved, TransportError};

/// How often progress is told, and how often a batch that does not fill is looked at.
const TICK: Duration = Duration::from_millis(100);
/// A batch is committed when it holds this many messages, this many octets, or is this many ticks old: one fsync for
/// many small messages, and still the first mail is on the screen within a second.
const BATCH_MESSAGES: usize = 256;
const BATCH_OCTETS: usize = 8 << 20;
const BATCH_TICKS: u32 = 8;
/// How many messages are proved and removed at a time; short, so that the server hears from us between two read-backs.
const REMOVAL_CHUNK: usize = 100;

/// Where [`run`] tells what it does.
pub type OnUpdate<'a> = &'a mut (dyn FnMut(Update) + Send);

/// Fetches an account: retrieves what is new, and removes from the server what its retention says, once proved stored.
/// Returns when everything it brought can be searched.
///
/// The outcome counts what was done even when the visit ended early; the error says why it did. The visit stands in the
/// sync log either way.
pub async fn run(
    archive: &Archive,
    account: &Account,
    password: &SecretString,
    cancel: &Cancel,
    on_update: OnUpdate<'_>,
) -> (SessionOutcome, Option<FetchError>) {
    let (opened, of) = (archive.clone(), account.clone());
    let begun = blocking(move || {
        opened.recover()?;
        opened.begin_session(&of, Timestamp::now())
    })
    .await;
    let (session, maildrop) = match begun {
        Ok(begun) => begun,
        Err(error) => return (SessionOutcome::default(), Some(error)),
    };
    let visit = Visit { account: account.id, session, maildrop };
    let mut fetch = Fetch { archive, account, cancel, on_update, visit, outcome: SessionOutcome::default() };
    let error = match fetch.visit_server(password, true).await {
        // Nothing that was asked for had been answered: the visit starts over, one command at a time (quirk 18).
        Err(FetchError::Transport(error)) if error.is_pipelining() => fetch.visit_server(password, false).await.err(),
        ended => ended.err(),
    };
    let mut outcome = fetch.outcome;
    outcome.problem = error.as_ref().map(ToString::to_string);
    let (closing, closed) = (archive.clone(), outcome.clone());
    let logged = blocking(move || closing.end_session(session, &closed, Timestamp::now())).await;
    (outcome, error.or(logged.err()))
}

/// Connects, lists and plans, and changes nothing: what a fetch would retrieve, and what it removes from the server if
/// "leave a copy" is off (or would, if it were turned off). Each message counted as removable was just read back and
/// compared.
pub async fn dry_run(
    archive: &Archive,
    account: &Account,
    password: &SecretString,
    cancel: &Cancel,
) -> Result<Summary, FetchError> {
    let mut connection = connect(account, password, cancel).await?;
    let (listing, _) = list(&mut connection, cancel).await?;
    let (archive, account, cancel) = (archive.clone(), account.clone(), cancel.clone());
    let summary = blocking(move || summarise(&archive, &account, &listing, &cancel)).await;
    // Nothing depends on the server's good-bye.
    _ = connection.quit().await;
    summary
}

fn summarise(
    archive: &Archive,
    account: &Account,
    listing: &[ListedMessage],
    cancel: &Cancel,
) -> Result<Summary, FetchError> {
    let maildrop = archive.maildrop(account)?;
    let ledger = maildrop.map(|id| archive.ledger(id)).transpose()?.unwrap_or_default();
    let plan = plan(listing, &ledger, account.retention);
    let mut summary = in_numbers(&plan, listing);
    let mut removable = Vec::new();
    for message in plan.stored.iter().filter(|message| plan.removable(message)) {
        unless_cancelled(cancel)?;
        if maildrop.is_some_and(|id| matches!(archive.prove(id, message), Ok(Some(_)))) {
            removable.extend(stored_as(message, &ledger));
        }
    }
    summary.removable = removable.len() as u64;
    summary.removable_in_backup = archive.backed_up(&removable)?;
    Ok(summary)
}

fn stored_as(message: &ListedMessage, ledger: &[LedgerEntry]) -> Option<MessageId> {
    ledger.iter().find(|row| row.uidl == message.uidl && row.ordinal == message.ordinal).and_then(|row| row.message)
}

fn in_numbers(plan: &Plan, listing: &[ListedMessage]) -> Summary {
    Summary {
        listed: listing.len() as u64,
        new: plan.retrieve.len() as u64,
        new_octets: plan.octets(),
        removes: plan.remove,
        too_large: plan.too_large.len() as u64,
        ..Summary::default()
    }
}

/// Runs archive work off the async threads.
async fn blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, FetchError>
where
    T: Send + 'static,
    E: Into<FetchError> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(answer) => answer.map_err(Into::into),
        Err(_) => Err(FetchError::Internal),
    }
}

/// A step of the session that can be given up half-way, because it removes nothing.
async fn giving_up<T>(cancel: &Cancel, step: impl Future<Output = Result<T, TransportError>>) -> Result<T, FetchError> {
    tokio::select! {
        answer = step => Ok(answer?),
        () = cancel.cancelled() => Err(Cancelled.into()),
    }
}

async fn connect(account: &Account, password: &SecretString, cancel: &Cancel) -> Result<Connection, FetchError> {
    let mut connection = giving_up(cancel, Connection::open(&account.server, Patience::default())).await?;
    giving_up(cancel, connection.log_in(&account.server.user, password)).await?;
    Ok(connection)
}

/// The listing, and whether STAT, UIDL and LIST agree on how many messages there are.
async fn list(connection: &mut Connection, cancel: &Cancel) -> Result<(Vec<ListedMessage>, bool), FetchError> {
    let stat = giving_up(cancel, connection.stat()).await?;
    let uidls: Vec<(u32, Uidl)> = giving_up(cancel, connection.uidl()).await?.ok_or(FetchError::NoUniqueIds)?;
    let sizes = giving_up(cancel, connection.list()).await?;
    let complete = stat.messages == uidls.len() as u64 && sizes.len() == uidls.len();
    Ok((listing(uidls, &sizes), complete))
}

/// A visit under way.
struct Fetch<'a> {
    archive: &'a Archive,
    account: &'a Account,
    cancel: &'a Cancel,
    on_update: OnUpdate<'a>,
    visit: Visit,
    outcome: SessionOutcome,
}

impl Fetch<'_> {
    async fn visit_server(&mut self, password: &SecretString, pipelining: bool) -> Result<(), FetchError> {
        let mut connection = connect(self.account, password, self.cancel).await?;
        connection.set_pipelining(pipelining);
        let (listing, complete) = list(&mut connection, self.cancel).await?;
        self.outcome.listed = listing.len() as u64;
        self.outcome.kept = self.outcome.listed;
        let (listing, plan) = self.decide(listing, complete).await?;
        (self.on_update)(Update::Planned(in_numbers(&plan, &listing)));
        require_space(self.archive, plan.octets())?;

        let stored = self.retrieve(&mut connection, &plan).await?;
        let removable = match self.account.retention {
            Retention::LeaveCopy => Vec::new(),
            Retention::RemoveOnceStored => {
                plan.stored.iter().chain(&stored).filter(|message| plan.removable(message)).cloned().collect()
            }
        };
        self.remove_and_quit(connection, removable).await
    }

    /// Enters the listing into the ledger and plans by what stands there then.
    async fn decide(
        &mut self,
        listed: Vec<ListedMessage>,
        complete: bool,
    ) -> Result<(Vec<ListedMessage>, Plan), FetchError> {
        let (archive, visit, retention) = (self.archive.clone(), self.visit, self.account.retention);
        blocking(move || -> Result<_, FetchError> {
            archive.note_listing(visit.session, visit.maildrop, &listed, complete, Timestamp::now())?;
            let plan = plan(&listed, &archive.ledger(visit.maildrop)?, retention);
            archive.set_copy_state(visit.maildrop, &keys(&plan.too_large), CopyState::Refused)?;
            Ok((listed, plan))
        })
        .await
    }

    /// Retrieves what the plan says, committing on the way; answers what is stored. What arrived whole before an error
    /// is stored too.
    async fn retrieve(&mut self, connection: &mut Connection, plan: &Plan) -> Result<Vec<ListedMessage>, FetchError> {
        let (updates, mut news) = mpsc::unbounded_channel();
        let mut store = Store::start(self.archive.clone(), self.visit, updates);
        let mut receiving = Receiving::of(plan);
        connection.request(&receiving.wanted());
        let ended = self.receive(connection, &mut receiving, &mut store, &mut news).await;
        store.put(std::mem::take(&mut receiving.batch)).await;
        let committed = store.finish().await;
        while let Ok(update) = news.try_recv() {
            (self.on_update)(update);
        }
        let refused = keys(&receiving.refused);
        self.note_states(refused, CopyState::Refused).await?;

        let retrieved = committed.messages.len() as u64;
        self.outcome.retrieved = retrieved;
        self.outcome.failed = (plan.retrieve.len() as u64).saturating_sub(retrieved);
        self.outcome.kept = self.outcome.listed.saturating_sub(self.outcome.failed);
        self.outcome.octets = receiving.octets_done;
        match committed.error {
            Some(error) => Err(self.for_all_that_is_left(error, plan, &receiving)),
            None => ended.map(|()| committed.messages),
        }
    }

    async fn receive(
        &mut self,
        connection: &mut Connection,
        receiving: &mut Receiving,
        store: &mut Store,
        news: &mut mpsc::UnboundedReceiver<Update>,
    ) -> Result<(), FetchError> {
        let arriving = AtomicU64::new(0);
        let mut count = |octets: u64| _ = arriving.fetch_add(octets, Ordering::Relaxed);
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        tracing::debug!(phase = "retr", messages = receiving.outstanding.len());
        loop {
            tokio::select! {
                () = self.cancel.cancelled() => return Err(Cancelled.into()),
                Some(update) = news.recv() => (self.on_update)(update),
                _ = ticks.tick() => {
                    receiving.batch_age += 1;
                    (self.on_update)(Update::Progress(receiving.progress(arriving.load(Ordering::Relaxed))));
                }
                next = connection.next_message(&mut count) => match next? {
                    Some(retrieved) => {
                        receiving.take(retrieved);
                        tracing::trace!(phase = "retrieved");
                    }
                    None => return Ok(()),
                },
            }
            if receiving.batch_is_due() && !store.put(receiving.next_batch()).await {
                // The store has failed; its own error says why.
                return Ok(());
            }
        }
    }

    /// A disk found full in mid-fetch: how much is missing for all that is left, not only for this batch.
    fn for_all_that_is_left(&self, error: FetchError, plan: &Plan, receiving: &Receiving) -> FetchError {
        match error {
            FetchError::DiskFull { missing } => {
                let left = plan.octets().saturating_sub(receiving.octets_done);
                FetchError::DiskFull { missing: missing_space(self.archive, left).max(missing) }
            }
            other => other,
        }
    }

    async fn note_states(&mut self, rows: Vec<(Uidl, u32)>, state: CopyState) -> Result<(), FetchError> {
        if rows.is_empty() {
            return Ok(());
        }
        let (archive, maildrop) = (self.archive.clone(), self.visit.maildrop);
        blocking(move || archive.set_copy_state(maildrop, &rows, state)).await
    }

    /// Proves, removes, ends the session. Once a DELE was sent, any doubt takes all of them back (RSET) and hangs up
    /// without QUIT; only the server's own -ERR to one DELE is no doubt.
    async fn remove_and_quit(
        &mut self,
        mut connection: Connection,
        messages: Vec<ListedMessage>,
    ) -> Result<(), FetchError> {
        if messages.is_empty() {
            // Nothing depends on the answer: no DELE was sent.
            _ = connection.quit().await;
            return Ok(());
        }
        (self.on_update)(Update::Removing(messages.len() as u64));
        let mut accepted = Vec::new();
        for chunk in messages.chunks(REMOVAL_CHUNK) {
            match self.remove_chunk(&mut connection, chunk).await {
                Ok(removed) => accepted.extend(removed),
                Err(doubt) => {
                    connection.reset().await;
                    return Err(doubt);
                }
            }
        }
        tracing::debug!(phase = "quit");
        let answer = connection.quit().await;
        tracing::debug!(phase = "quit answered");
        let state = if matches!(answer, Ok(Answer::Ok)) { CopyState::Gone } else { CopyState::DeleteUnknown };
        let removed = accepted.len() as u64;
        self.note_states(accepted, state).await?;
        match answer.map_err(FetchError::Removal)? {
            Answer::Ok => {
                self.outcome.deleted = removed;
                self.outcome.kept = self.outcome.kept.saturating_sub(removed);
                Ok(())
            }
            Answer::Err(text) => Err(FetchError::RemovalRefused { text }),
        }
    }

    /// Read-back, ledger, DELE for some messages; answers those whose DELE the server accepted. A message whose copy
    /// here does not prove sound is left on the server.
    async fn remove_chunk(
        &mut self,
        connection: &mut Connection,
        chunk: &[ListedMessage],
    ) -> Result<Vec<(Uidl, u32)>, FetchError> {
        unless_cancelled(self.cancel)?;
        tracing::debug!(phase = "prove");
        let (archive, maildrop, chunk) = (self.archive.clone(), self.visit.maildrop, chunk.to_vec());
        let (rows, removals): (Vec<_>, Vec<_>) = blocking(move || -> Result<_, FetchError> {
            let mut proved = Vec::new();
            for message in &chunk {
                if let Some(proof) = archive.prove(maildrop, message)? {
                    proved.push(((message.uidl.clone(), message.ordinal), Removal::of(&proof)));
                }
            }
            let rows: Vec<_> = proved.iter().map(|(row, _)| row.clone()).collect();
            archive.set_copy_state(maildrop, &rows, CopyState::DeleSent)?;
            Ok(proved)
        })
        .await?
        .into_iter()
        .unzip();
        tracing::debug!(phase = "dele", messages = rows.len());
        let answers = connection.remove(removals).await.map_err(FetchError::Removal)?;
        Ok(rows.into_iter().zip(answers).filter(|(_, answer)| *answer == Answer::Ok).map(|(row, _)| row).collect())
    }
}

fn keys(messages: &[ListedMessage]) -> Vec<(Uidl, u32)> {
    messages.iter().map(|message| (message.uidl.clone(), message.ordinal)).collect()
}

/// The messages asked for and what has come of them.
struct Receiving {
    outstanding: std::collections::HashMap<u32, ListedMessage>,
    refused: Vec<ListedMessage>,
    batch: Vec<Parcel>,
    batch_octets: usize,
    batch_age: u32,
    total: u64,
    octets_total: u64,
    done: u64,
    octets_done: u64,
}

impl Receiving {
    fn of(plan: &Plan) -> Receiving {
        Receiving {
            outstanding: plan.retrieve.iter().map(|message| (message.number, message.clone())).collect(),
            refused: Vec::new(),
            batch: Vec::new(),
            batch_octets: 0,
            batch_age: 0,
            total: plan.retrieve.len() as u64,
            octets_total: plan.octets(),
            done: 0,
            octets_done: 0,
        }
    }

    /// What to ask for, in the order of the message numbers.
    fn wanted(&self) -> Vec<(u32, u64)> {
        let mut wanted: Vec<_> =
            self.outstanding.values().map(|message| (message.number, message.octets.unwrap_or(0))).collect();
        wanted.sort_unstable();
        wanted
    }

    fn take(&mut self, retrieved: Retrieved) {
        self.done += 1;
        match retrieved {
            Retrieved::Message { number, octets } => {
                self.octets_done += octets.len() as u64;
                self.batch_octets += octets.len();
                self.batch.extend(self.outstanding.remove(&number).map(|listed| Parcel { listed, octets }));
            }
            Retrieved::Refused { number, .. } | Retrieved::TooLarge { number } => {
                self.refused.extend(self.outstanding.remove(&number));
            }
        }
    }

    fn batch_is_due(&self) -> bool {
        !self.batch.is_empty()
            && (self.batch.len() >= BATCH_MESSAGES
                || self.batch_octets >= BATCH_OCTETS
                || self.batch_age >= BATCH_TICKS)
    }

    fn next_batch(&mut self) -> Vec<Parcel> {
        self.batch_octets = 0;
        self.batch_age = 0;
        std::mem::take(&mut self.batch)
    }

    fn progress(&self, arriving: u64) -> Progress {
        Progress {
            done: self.done,
            total: Some(self.total),
            octets: arriving.max(self.octets_done),
            octets_total: (self.octets_total > 0).then_some(self.octets_total),
        }
    }
}
