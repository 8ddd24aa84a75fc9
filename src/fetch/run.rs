//! One visit to one server, from log-in to QUIT.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use tokio::sync::mpsc;

use super::compare::unlike;
use super::receiving::Receiving;
use super::store::{Store, Visit, missing_space, require_space};
use super::{FetchError, Plan, Summary, Update, listing, plan};
use crate::account::{Account, MessageId, Uidl};
use crate::archive::{Archive, ArchiveError, CopyState, ListedMessage, SessionOutcome};
use crate::job::{Cancel, Cancelled, unless_cancelled};
use crate::pop3::{ProtocolError, Removal};
use crate::transport::{Answer, Connection, Patience, TransportError};

/// How often progress is told, and how often a batch that does not fill is looked at.
const TICK: Duration = Duration::from_millis(100);
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
    let outcome = SessionOutcome::default();
    let mut fetch = Fetch { archive, account, cancel, on_update, visit, pipelining: true, last: None, outcome };
    let error = match fetch.visit_server(password).await {
        // Nothing that was asked for had been answered: the visit starts over, one command at a time (quirk 18).
        Err(FetchError::Transport(error)) if error.is_pipelining() => {
            fetch.pipelining = false;
            fetch.visit_server(password).await.err()
        }
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
    let mut connection = connect(account, password, cancel).await?;
    connection.set_pipelining(pipelining);
    let (listing, _) = list(&mut connection, cancel).await?;
    let (reading, of) = (archive.clone(), account.clone());
    let (plan, listing, maildrop) = blocking(move || -> Result<_, ArchiveError> {
        let maildrop = reading.maildrop(&of)?;
        let ledger = maildrop.map(|id| reading.ledger(id)).transpose()?.unwrap_or_default();
        Ok((plan(&listing, &ledger, of.retention), listing, maildrop))
    })
    .await?;
    let mut summary = in_numbers(&plan, &listing);
    let unlike = unlike(&mut connection, archive, &plan, cancel).await?;
    let (archive, cancel) = (archive.clone(), cancel.clone());
    (summary.removable, summary.removable_in_backup) = blocking(move || -> Result<_, FetchError> {
        let mut removable = Vec::new();
        for message in plan.stored.iter().filter(|message| plan.removable(message) && !unlike.contains(&message.number))
        {
            unless_cancelled(&cancel)?;
            if let Some(maildrop) = maildrop
                && archive.prove(maildrop, message)?.is_some()
            {
                removable.extend(plan.stored_as.get(&message.number).copied());
            }
        }
        let removable: Vec<MessageId> = removable;
        Ok((removable.len() as u64, archive.backed_up(&removable)?))
    })
    .await?;
    // Nothing depends on the server's good-bye.
    _ = connection.quit().await;
    Ok(summary)
}

fn in_numbers(plan: &Plan, listing: &[ListedMessage]) -> Summary {
    let removable =
        |messages: &[ListedMessage]| messages.iter().filter(|message| plan.removable(message)).count() as u64;
    Summary {
        listed: listing.len() as u64,
        new: plan.retrieve.len() as u64,
        new_octets: plan.octets(),
        removable: removable(&plan.stored),
        new_removable: removable(&plan.retrieve),
        removes: plan.remove,
        too_large: plan.too_large.len() as u64,
        ..Summary::default()
    }
}

/// Runs archive work off the async threads.
pub(super) async fn blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, FetchError>
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
pub(super) async fn giving_up<T>(
    cancel: &Cancel,
    step: impl Future<Output = Result<T, TransportError>>,
) -> Result<T, FetchError> {
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
    let given = uidls.len();
    let listing = listing(uidls, &sizes);
    let complete = stat.messages == given as u64 && sizes.len() == given && listing.len() == given;
    Ok((listing, complete))
}

/// A visit under way.
struct Fetch<'a> {
    archive: &'a Archive,
    account: &'a Account,
    cancel: &'a Cancel,
    on_update: OnUpdate<'a>,
    visit: Visit,
    /// Whether this server is sent commands ahead of its answers, where it offers that.
    pipelining: bool,
    /// What the server sent last, whole as it seemed. When octets follow that nobody asked for, its end was none.
    last: Option<ListedMessage>,
    outcome: SessionOutcome,
}

impl Fetch<'_> {
    async fn visit_server(&mut self, password: &SecretString) -> Result<(), FetchError> {
        self.last = None;
        let ended = self.session(password).await;
        if let (Err(error), Some(last)) = (&ended, self.last.take())
            && is_of_protocol(error)
        {
            // Quirk 52: a server that does not byte-stuff cuts a message short at a line of one dot, and the rest of it
            // arrives as garbage. The row keeps the copy, and the message is retrieved again at each visit.
            self.note_states(keys(&[last]), CopyState::Listed).await?;
        }
        ended
    }

    async fn session(&mut self, password: &SecretString) -> Result<(), FetchError> {
        let mut connection = connect(self.account, password, self.cancel).await?;
        connection.set_pipelining(self.pipelining);
        let (listing, complete) = list(&mut connection, self.cancel).await?;
        self.outcome.listed = listing.len() as u64;
        self.outcome.kept = self.outcome.listed;
        let (listing, plan) = self.decide(listing, complete).await?;
        (self.on_update)(Update::Planned(in_numbers(&plan, &listing)));
        require_space(self.archive, plan.octets())?;

        let stored = self.retrieve(&mut connection, &plan).await?;
        let removable = match plan.remove && self.wants_removal().await? {
            true => self.removable(&mut connection, &plan, stored).await?,
            false => Vec::new(),
        };
        self.remove_and_quit(connection, removable).await
    }

    /// What may be removed: what this visit brought, and of what was here before that which is the same still.
    async fn removable(
        &mut self,
        connection: &mut Connection,
        plan: &Plan,
        stored: Vec<ListedMessage>,
    ) -> Result<Vec<ListedMessage>, FetchError> {
        let unlike = unlike(connection, self.archive, plan, self.cancel).await?;
        let (others, same): (Vec<_>, Vec<_>) =
            plan.stored.iter().cloned().partition(|message| unlike.contains(&message.number));
        // Another message than the stored one: the next visit retrieves it.
        self.note_states(keys(&others), CopyState::Listed).await?;
        Ok(same.into_iter().chain(stored).filter(|message| plan.removable(message)).collect())
    }

    /// Whether the user still wants mail removed from this server. They may have thought better of it since the visit
    /// began, or have removed the account and its mail here.
    async fn wants_removal(&mut self) -> Result<bool, FetchError> {
        let archive = self.archive.clone();
        let accounts = blocking(move || archive.accounts()).await?;
        let now = accounts.into_iter().find(|account| account.id == self.account.id);
        Ok(now.is_some_and(|now| !now.retention.leaves_copy() && now.server == self.account.server))
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
        let ended = self.receive(connection, &mut receiving, &mut store, &mut news).await;
        store.put(receiving.next_batch()).await;
        let committed = store.finish().await;
        while let Ok(update) = news.try_recv() {
            (self.on_update)(update);
        }
        let retrieved = committed.messages.len() as u64;
        self.outcome.retrieved = retrieved;
        self.outcome.failed = ((plan.retrieve.len() + plan.too_large.len()) as u64).saturating_sub(retrieved);
        self.outcome.kept = self.outcome.listed.saturating_sub(self.outcome.failed);
        self.outcome.octets = receiving.octets_done;
        if let Some(error) = committed.error {
            return Err(self.for_all_that_is_left(error, plan, &receiving));
        }
        self.note_states(keys(&committed.misplaced), CopyState::Listed).await?;
        let mut refused = keys(&receiving.refused);
        if let Err(FetchError::Transport(error)) = &ended
            && !error.is_pipelining()
        {
            refused.extend(self.whom_it_hit(connection, error, &receiving));
        }
        self.note_states(refused, CopyState::Refused).await?;
        if !committed.misplaced.is_empty() {
            ended?;
            return Err(TransportError::from(ProtocolError::Unsolicited).into());
        }
        ended.map(|()| {
            committed.messages.into_iter().filter(|message| !committed.doubtful.contains(&message.number)).collect()
        })
    }

    /// The message in which the connection broke, so that at the next visit it comes after the others and cannot keep
    /// them from coming (quirk 61).
    fn whom_it_hit(
        &mut self,
        connection: &Connection,
        error: &TransportError,
        receiving: &Receiving,
    ) -> Option<(Uidl, u32)> {
        if connection.is_mid_message() {
            // The answer before was followed by a proper one.
            self.last = None;
        } else if matches!(error, TransportError::Protocol(_)) && self.last.is_some() {
            return None;
        }
        receiving.awaited().map(|message| (message.uidl.clone(), message.ordinal))
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
            let retrieved = tokio::select! {
                () = self.cancel.cancelled() => return Err(Cancelled.into()),
                Some(update) = news.recv() => {
                    (self.on_update)(update);
                    continue;
                }
                _ = ticks.tick() => {
                    receiving.batch_age += 1;
                    (self.on_update)(Update::Progress(receiving.progress(arriving.load(Ordering::Relaxed))));
                    if receiving.hand_over(store).await {
                        continue;
                    }
                    return Ok(());
                }
                next = connection.next_message(&mut count) => next?,
            };
            let Some(retrieved) = retrieved else {
                let Some((wanted, orderly)) = receiving.next_wanted() else {
                    connection.set_pipelining(self.pipelining);
                    return Ok(());
                };
                // What made trouble before is asked for one at a time, so that it is plain which of them makes it.
                connection.set_pipelining(self.pipelining && orderly);
                connection.request(&wanted);
                continue;
            };
            self.last = receiving.take(retrieved).or(self.last.take());
            tracing::trace!(phase = "retrieved");
            if !receiving.hand_over(store).await {
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
            // Nothing depends on the answer, for no DELE was sent; but it may show that a message was not all there.
            return match connection.quit().await {
                Err(error @ TransportError::Protocol(_)) if self.last.is_some() => Err(error.into()),
                _ => Ok(()),
            };
        }
        (self.on_update)(Update::Removing(messages.len() as u64));
        let accepted = match self.remove(&mut connection, &messages).await {
            Ok(Some(accepted)) => accepted,
            ended => {
                connection.reset().await;
                return ended.map(drop);
            }
        };
        tracing::debug!(phase = "quit");
        let answer = connection.quit().await;
        tracing::debug!(phase = "quit answered");
        let state = if matches!(answer, Ok(Answer::Ok)) {
            self.outcome.deleted = accepted.len() as u64;
            self.outcome.kept = self.outcome.kept.saturating_sub(self.outcome.deleted);
            CopyState::Gone
        } else {
            CopyState::DeleteUnknown
        };
        self.note_states(accepted, state).await?;
        match answer.map_err(FetchError::Removal)? {
            Answer::Ok => Ok(()),
            Answer::Err(text) => Err(FetchError::RemovalRefused { text }),
        }
    }

    /// DELE for all that proves sound; answers those whose DELE the server accepted, or `None` when the user does not
    /// want it any more.
    async fn remove(
        &mut self,
        connection: &mut Connection,
        messages: &[ListedMessage],
    ) -> Result<Option<Vec<(Uidl, u32)>>, FetchError> {
        let mut accepted = Vec::new();
        for chunk in messages.chunks(REMOVAL_CHUNK) {
            accepted.extend(self.remove_chunk(connection, chunk).await?);
            if !self.wants_removal().await? {
                return Ok(None);
            }
        }
        Ok(Some(accepted))
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

/// Whether the server sent what makes no sense, or what nobody asked for.
fn is_of_protocol(error: &FetchError) -> bool {
    matches!(
        error,
        FetchError::Transport(TransportError::Protocol(_)) | FetchError::Removal(TransportError::Protocol(_))
    )
}

fn keys(messages: &[ListedMessage]) -> Vec<(Uidl, u32)> {
    messages.iter().map(|message| (message.uidl.clone(), message.ordinal)).collect()
}
