//! One visit to one server, from log-in to QUIT, and again where the server shows only a part or removals go in batches.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use tokio::sync::mpsc;

use super::compare::{CHUNK, header_section, headers, unlike};
use super::door::{self, Entered, Terms};
use super::listing::{self, Known, Listing};
use super::receiving::Receiving;
use super::recognise::recognised;
use super::store::{Store, Visit, missing_space, require_space};
use super::{FetchError, Plan, Summary, Update, plan};
use crate::account::{Account, MessageId, Retention, Uidl};
use crate::archive::{Archive, CopyState, Habit, Left, ListedMessage, LogEntry, SessionOutcome};
use crate::job::{Cancel, Cancelled};
use crate::pop3::ProtocolError;
use crate::transport::{Connection, TransportError};

/// How often progress is told, and how often a batch that does not fill is looked at.
const TICK: Duration = Duration::from_millis(100);
/// After this part of its patience without a command the server is told that we are there (quirk 64).
const STILL_HERE: u32 = 6;
/// How often one fetch visits the server at the most.
const MOST_ROUNDS: u32 = 1_000;
/// How many messages the log names one by one.
const NAMED: usize = 50;

/// Where [`run`] tells what it does.
pub type OnUpdate<'a> = &'a mut (dyn FnMut(Update) + Send);

/// What follows a session that ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    Done,
    /// The server shows others now: at once, for this server does not mean what it says of delays (quirk 85).
    FetchMore,
    /// There is more to remove, as soon as the server takes another login.
    RemoveMore,
}

/// Fetches an account: retrieves what is new, and removes from the server what its retention says, once proved stored.
/// Returns when everything it brought can be searched.
///
/// The outcome counts what was done even when the visit ended early; the error says why it did. The visit stands in the
/// sync log either way, unless the server was not asked at all ([`FetchError::TooSoon`],
/// [`FetchError::RefusedBefore`]).
pub async fn run(
    archive: &Archive,
    account: &Account,
    password: &SecretString,
    cancel: &Cancel,
    on_update: OnUpdate<'_>,
) -> (SessionOutcome, Option<FetchError>) {
    run_on(archive, account, password, &Terms::default(), cancel, on_update).await
}

/// [`run`] on these terms.
pub async fn run_on(
    archive: &Archive,
    account: &Account,
    password: &SecretString,
    terms: &Terms,
    cancel: &Cancel,
    on_update: OnUpdate<'_>,
) -> (SessionOutcome, Option<FetchError>) {
    if let Err(error) = door::may_visit(archive, account, terms).await {
        return (SessionOutcome::default(), Some(error));
    }
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
    let visit = Visit { account: account.id, address: Arc::from(account.address.as_str()), session, maildrop };
    let mut fetch = Fetch {
        archive,
        account,
        terms,
        cancel,
        on_update,
        visit,
        pipelining: true,
        insists_on_utf8: false,
        last: None,
        outcome: SessionOutcome::default(),
        log: Vec::new(),
    };
    let error = fetch.rounds(password).await.err();
    let (mut outcome, log) = (fetch.outcome, fetch.log);
    outcome.problem = error.as_ref().map(terms.explain);
    let (closing, closed) = (archive.clone(), outcome.clone());
    let logged = blocking(move || closing.end_session(session, &closed, &log, Timestamp::now())).await;
    tracing::debug!(phase = "session ended");
    (outcome, error.or(logged.err()))
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

/// A message that came whole as it seemed.
pub(super) struct Last {
    pub message: ListedMessage,
    /// Longer than LIST says.
    pub longer: bool,
}

/// A visit under way.
pub(super) struct Fetch<'a> {
    pub archive: &'a Archive,
    pub account: &'a Account,
    terms: &'a Terms,
    pub cancel: &'a Cancel,
    pub on_update: OnUpdate<'a>,
    pub visit: Visit,
    /// Whether this server is sent commands ahead of its answers, where it offers that.
    pipelining: bool,
    /// The server said of a message that it can be had in UTF8 mode only (quirk 95).
    insists_on_utf8: bool,
    /// What the server sent last, whole as it seemed. When octets follow that nobody asked for, its end was none.
    pub last: Option<Last>,
    pub outcome: SessionOutcome,
    pub log: Vec<LogEntry>,
}

impl Fetch<'_> {
    /// Visits the server until nothing is left to do there.
    async fn rounds(&mut self, password: &SecretString) -> Result<(), FetchError> {
        let mut fell_back = false;
        for _ in 0..MOST_ROUNDS {
            let before = self.outcome.clone();
            match self.visit_server(password).await {
                // Nothing that was asked for had been answered: the visit starts over, one command at a time (quirk 18).
                Err(FetchError::Transport(error)) if error.is_pipelining() && self.pipelining => {
                    self.pipelining = false;
                    fell_back = true;
                    self.outcome = before;
                }
                Err(error) => return Err(error),
                Ok(Then::Done) => return self.learn(fell_back).await,
                Ok(Then::RemoveMore) if door::may_visit(self.archive, self.account, self.terms).await.is_err() => {
                    return self.learn(fell_back).await;
                }
                Ok(Then::FetchMore | Then::RemoveMore) => self.log.push(LogEntry::Again),
            }
        }
        Ok(())
    }

    /// Remembers that the server went away on pipelined commands, now that it did not without.
    async fn learn(&mut self, fell_back: bool) -> Result<(), FetchError> {
        if !fell_back || self.outcome.retrieved + self.outcome.deleted == 0 {
            return Ok(());
        }
        self.log.push(LogEntry::Learnt { habit: Habit::NoPipelining });
        let (archive, maildrop) = (self.archive.clone(), self.visit.maildrop);
        blocking(move || archive.note_habit(maildrop, Habit::NoPipelining)).await
    }

    async fn visit_server(&mut self, password: &SecretString) -> Result<Then, FetchError> {
        self.last = None;
        let ended = self.session(password).await;
        if let (Err(error), Some(Last { message, longer })) = (&ended, self.last.take())
            && (is_of_protocol(error) || longer)
        {
            // Quirk 52: a server that does not byte-stuff cuts a message short at a line of one dot, and the rest of it
            // arrives as garbage. Quirk 55: where an end got lost, the answer to the next command is taken for a part of
            // this message, and then there is silence. The row keeps the copy, and the message is retrieved again.
            self.note_states(keys(&[message]), CopyState::Listed).await?;
        }
        ended
    }

    async fn session(&mut self, password: &SecretString) -> Result<Then, FetchError> {
        let terms = (self.terms, self.insists_on_utf8);
        let Entered { mut connection, state, learnt } =
            door::enter(self.archive, self.account, &self.visit, password, terms, self.cancel).await?;
        self.log.extend(learnt.into_iter().map(|habit| LogEntry::Learnt { habit }));
        self.pipelining &= !state.habits.has(Habit::NoPipelining);
        connection.set_pipelining(self.pipelining);
        let listing = listing::ask(&mut connection, self.account, self.cancel).await?;
        let plan = self.decide(&mut connection, &listing).await?;
        (self.on_update)(Update::Planned(in_numbers(&plan, &listing.messages, self.account.retention)));
        require_space(self.archive, plan.octets())?;

        let (updates, mut news) = mpsc::unbounded_channel();
        let mut store = Store::start(self.archive.clone(), self.visit.clone(), updates);
        let ended = self.fetch_and_remove(connection, &plan, &mut store, &mut news).await;
        // The server is not kept waiting for the index.
        store.commits().await;
        while let Some(update) = news.recv().await {
            (self.on_update)(update);
        }
        store.indexed().await?;
        let (tidying, maildrop) = (self.archive.clone(), self.visit.maildrop);
        blocking(move || tidying.tidy_awaited(maildrop)).await?;
        ended
    }

    /// Plans, looks for renumbered messages among the stored ones, and enters the listing into the ledger.
    async fn decide(&mut self, connection: &mut Connection, listing: &Listing) -> Result<Plan, FetchError> {
        let maildrop = Some(self.visit.maildrop);
        // Whoever asks for this account wants everything tried.
        let visit = if self.terms.by_user { 0 } else { self.visit.session.0 };
        let Known { ledger, policy, headers } =
            listing::known(self.archive, self.account, maildrop, listing, visit).await?;
        let mut plan = plan(&listing.messages, &ledger, &policy);
        let told = match plan.renumbered {
            true => recognised(connection, self.archive, &plan, &ledger, self.cancel).await?,
            false => HashMap::new(),
        };
        // Of a large maildrop it is large.
        drop(ledger);
        plan.recognise(&told);
        self.count_listed(listing, &plan);
        self.note_plan(listing, &plan, told.len() as u64);
        self.enter(listing, &plan, told).await?;
        self.keep_headers(connection, &plan, &headers).await?;
        Ok(plan)
    }

    /// Messages seen on the server over all rounds, each once.
    fn count_listed(&mut self, listing: &Listing, plan: &Plan) {
        let listed = listing.messages.len() as u64;
        self.outcome.listed = match self.outcome.listed {
            before if before > 0 && !listing.complete => before + plan.unknown,
            before => before.max(listed),
        };
        self.outcome.failed = 0;
        self.count_kept();
    }

    fn count_kept(&mut self) {
        let SessionOutcome { listed, deleted, failed, .. } = self.outcome;
        self.outcome.kept = listed.saturating_sub(deleted + failed);
    }

    /// What the plan says, for the log.
    fn note_plan(&mut self, listing: &Listing, plan: &Plan, told: u64) {
        let messages = listing.messages.len() as u64;
        self.log.push(LogEntry::Listed { messages, unknown: plan.unknown });
        let mut note = |messages: u64, entry: LogEntry| {
            if messages > 0 {
                self.log.push(entry);
            }
        };
        note(told, LogEntry::Recognised { messages: told });
        let vanished = if listing.complete { plan.vanished.saturating_sub(told) } else { 0 };
        note(vanished, LogEntry::Vanished { messages: vanished });
        note(plan.returned, LogEntry::Returned { messages: plan.returned });
        for why in [Left::TooLarge, Left::HeaderFirst, Left::OverBudget, Left::Refused] {
            let left: Vec<_> = plan.left.iter().filter(|(_, reason)| *reason == why).collect();
            let octets = left.iter().filter_map(|(message, _)| message.octets).fold(0, u64::saturating_add);
            note(left.len() as u64, LogEntry::Left { messages: left.len() as u64, octets, why });
        }
        self.log.extend(plan.withheld.map(|why| LogEntry::Withheld { why }));
    }

    async fn enter(&mut self, listing: &Listing, plan: &Plan, told: HashMap<u32, MessageId>) -> Result<(), FetchError> {
        let (archive, visit) = (self.archive.clone(), self.visit.clone());
        let (listed, complete) = (Arc::clone(&listing.messages), listing.complete);
        let too_large = plan.left.iter().filter(|(_, why)| *why == Left::TooLarge).map(|(message, _)| message);
        let too_large: Vec<_> = too_large.map(|message| (message.uidl.clone(), message.ordinal)).collect();
        blocking(move || -> Result<_, FetchError> {
            tracing::debug!(phase = "listed");
            archive.note_listing(visit.session, visit.maildrop, &listed, complete, Timestamp::now())?;
            tracing::debug!(phase = "listing noted");
            archive.set_copy_state(visit.maildrop, &too_large, CopyState::Refused)?;
            let rows = listed
                .iter()
                .filter_map(|message| Some((message.uidl.clone(), message.ordinal, *told.get(&message.number)?)));
            Ok(archive.recognise(visit.maildrop, &rows.collect::<Vec<_>>())?)
        })
        .await
    }

    /// Fetches the header sections of those messages that wait for the user's word; one that the server does not give is
    /// kept as an empty one, so that there is something to say the word about (quirk 60).
    async fn keep_headers(
        &mut self,
        connection: &mut Connection,
        plan: &Plan,
        kept: &HashSet<(Uidl, u32)>,
    ) -> Result<(), FetchError> {
        let waiting = plan.left.iter().filter(|(_, why)| matches!(why, Left::HeaderFirst | Left::OverBudget));
        let waiting: Vec<&ListedMessage> = waiting
            .map(|(message, _)| message)
            .filter(|message| !kept.contains(&(message.uidl.clone(), message.ordinal)))
            .collect();
        for chunk in waiting.chunks(CHUNK) {
            let numbers: Vec<u32> = chunk.iter().map(|message| message.number).collect();
            let headers = headers(connection, &numbers, self.cancel).await?;
            let rows = chunk.iter().zip(headers).map(|(message, header)| {
                let header = header.map(|header| header_section(&header).to_vec()).unwrap_or_default();
                (message.uidl.clone(), message.ordinal, header)
            });
            let (archive, maildrop, rows) = (self.archive.clone(), self.visit.maildrop, rows.collect::<Vec<_>>());
            blocking(move || archive.keep_headers(maildrop, &rows)).await?;
        }
        Ok(())
    }

    async fn fetch_and_remove(
        &mut self,
        mut connection: Connection,
        plan: &Plan,
        store: &mut Store,
        news: &mut mpsc::UnboundedReceiver<Update>,
    ) -> Result<Then, FetchError> {
        let (before, insisted) = (self.outcome.retrieved, self.insists_on_utf8);
        let stored = self.retrieve(&mut connection, plan, store, news).await?;
        let removable = match !plan.leaving.is_empty() && self.wants_removal().await? {
            true => self.removable(&mut connection, plan, stored).await?,
            false => Vec::new(),
        };
        let shows_a_part = connection.capabilities().shows_a_part;
        let again_in_utf8 = self.insists_on_utf8 && !insisted;
        let then = self.remove_and_quit(connection, plan, removable).await?;
        // What was fetched is hidden from the next session, and others come into sight (quirk 85).
        let more = again_in_utf8 || (shows_a_part && self.outcome.retrieved > before);
        Ok(if more { Then::FetchMore } else { then })
    }

    /// What may be removed: what this visit brought, and of what was here before that which is the same still.
    async fn removable(
        &mut self,
        connection: &mut Connection,
        plan: &Plan,
        stored: Vec<ListedMessage>,
    ) -> Result<Vec<ListedMessage>, FetchError> {
        // No more is compared than goes at this session; one more tells that there is more.
        let leaving: Vec<_> = plan.stored_and_leaving.iter().take(self.batch().saturating_add(1)).cloned().collect();
        let unlike = unlike(connection, self.archive, &leaving, self.cancel).await?;
        let (others, same): (Vec<_>, Vec<_>) =
            leaving.into_iter().map(|(message, _)| message).partition(|message| unlike.contains(&message.number));
        if !others.is_empty() {
            self.log.push(LogEntry::Replaced { messages: others.len() as u64 });
        }
        // Another message than the stored one: the next visit retrieves it.
        self.note_states(keys(&others), CopyState::Listed).await?;
        Ok(same.into_iter().chain(stored).filter(|message| plan.removable(message)).collect())
    }

    /// Whether the user still wants what was planned. They may have thought better of it since the visit began, or have
    /// removed the account and its mail here.
    pub(super) async fn wants_removal(&mut self) -> Result<bool, FetchError> {
        let archive = self.archive.clone();
        let accounts = blocking(move || archive.accounts()).await?;
        let now = accounts.into_iter().find(|account| account.id == self.account.id);
        Ok(now.is_some_and(|now| now.retention == self.account.retention && now.server == self.account.server))
    }

    /// Retrieves what the plan says, committing on the way; answers what is stored. What arrived whole before an error
    /// is stored too.
    async fn retrieve(
        &mut self,
        connection: &mut Connection,
        plan: &Plan,
        store: &mut Store,
        news: &mut mpsc::UnboundedReceiver<Update>,
    ) -> Result<Vec<ListedMessage>, FetchError> {
        let mut receiving = Receiving::of(plan);
        let ended = self.receive(connection, &mut receiving, store, news).await;
        store.put(receiving.next_batch()).await;
        let mut idle = ended.is_ok();
        let committed = loop {
            tokio::select! {
                committed = store.commits() => break committed,
                () = tokio::time::sleep(self.terms.patience.idle / STILL_HERE), if idle => idle = connection.noop().await.is_ok(),
            }
        };
        let retrieved = committed.messages.len() as u64;
        let unfetched = plan.left_for(Left::TooLarge) + plan.left_for(Left::Refused);
        self.outcome.retrieved += retrieved;
        self.outcome.octets += receiving.octets_done;
        self.outcome.failed = (plan.retrieve.len() as u64 + unfetched).saturating_sub(retrieved);
        self.count_kept();
        if retrieved > 0 {
            self.log.push(LogEntry::Retrieved { messages: retrieved, octets: receiving.octets_done });
        }
        if let Some(error) = committed.error {
            return Err(self.for_all_that_is_left(error, plan, &receiving));
        }
        self.note_states(keys(&committed.misplaced), CopyState::Listed).await?;
        let mut failed = keys(&receiving.refused);
        if receiving.wants_utf8.is_empty() || connection.wanted_utf8() || self.insists_on_utf8 {
            failed.extend(keys(&receiving.wants_utf8));
        } else {
            self.insists_on_utf8 = true;
        }
        if let Err(FetchError::Transport(error)) = &ended
            && !error.is_pipelining()
        {
            failed.extend(self.whom_it_hit(connection, error, &receiving));
        }
        self.note_failures(failed).await?;
        if !committed.misplaced.is_empty() {
            ended?;
            return Err(TransportError::from(ProtocolError::Unsolicited).into());
        }
        ended.map(|()| {
            committed.messages.into_iter().filter(|message| !committed.doubtful.contains(&message.number)).collect()
        })
    }

    /// Counts messages that were asked for in vain, and names them in the log.
    async fn note_failures(&mut self, rows: Vec<(Uidl, u32)>) -> Result<(), FetchError> {
        if rows.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = rows.iter().take(NAMED).map(|(uidl, _)| LogEntry::name_of(uidl)).collect();
        let (archive, maildrop) = (self.archive.clone(), self.visit.maildrop);
        let tries = blocking(move || archive.note_failures(maildrop, &rows)).await?;
        self.log.extend(names.into_iter().zip(tries).map(|(message, tries)| LogEntry::Failed { message, tries }));
        Ok(())
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

    pub(super) async fn note_states(&mut self, rows: Vec<(Uidl, u32)>, state: CopyState) -> Result<(), FetchError> {
        if rows.is_empty() {
            return Ok(());
        }
        let (archive, maildrop) = (self.archive.clone(), self.visit.maildrop);
        blocking(move || archive.set_copy_state(maildrop, &rows, state)).await
    }

    pub(super) fn count_removed(&mut self, messages: u64) {
        self.outcome.deleted += messages;
        self.count_kept();
    }
}

/// A plan as the dry run shows it.
pub(super) fn in_numbers(plan: &Plan, listing: &[ListedMessage], retention: Retention) -> Summary {
    Summary {
        listed: listing.len() as u64,
        new: plan.retrieve.len() as u64,
        new_octets: plan.octets(),
        removable: plan.stored_and_leaving.len() as u64,
        new_removable: plan.retrieve.iter().filter(|message| plan.removable(message)).count() as u64,
        removes: !retention.leaves_copy() && plan.withheld.is_none(),
        deleted_here: plan.deleted_here.len() as u64,
        too_large: plan.left_for(Left::TooLarge),
        waiting: plan.left_for(Left::HeaderFirst) + plan.left_for(Left::OverBudget),
        refused: plan.left_for(Left::Refused),
        returned: plan.returned,
        withheld: plan.withheld,
        ..Summary::default()
    }
}

/// Whether the server sent what makes no sense, or what nobody asked for.
fn is_of_protocol(error: &FetchError) -> bool {
    matches!(
        error,
        FetchError::Transport(TransportError::Protocol(_)) | FetchError::Removal(TransportError::Protocol(_))
    )
}

pub(super) fn keys(messages: &[ListedMessage]) -> Vec<(Uidl, u32)> {
    messages.iter().map(|message| (message.uidl.clone(), message.ordinal)).collect()
}
