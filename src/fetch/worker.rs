//! The worker as a stream: requests in, events out. It owns the running fetches; the window owns nothing but the
//! request channel.

use std::collections::HashMap;
use std::sync::Arc;

use futures::channel::mpsc;
use futures::future::BoxFuture;
use futures::stream::{self, FuturesUnordered, Stream, StreamExt};
use secrecy::SecretString;

use super::{Event, FetchError, Request, Update, dry_run, run};
use crate::account::{Account, AccountId, Retention};
use crate::archive::Archive;
use crate::job::Cancel;
use crate::secrets;
use crate::transport::TransportError;

/// The worker as a stream of events; requests go to the sender that [`Event::Ready`] hands out. Dropping the stream
/// stops it at a safe point. Polled inside a tokio runtime.
pub fn worker(archive: Archive) -> impl Stream<Item = Event> + Send + 'static {
    let (requests, inbox) = mpsc::unbounded();
    let (events, told) = mpsc::unbounded();
    _ = events.unbounded_send(Event::Ready(requests));
    let worker = Worker { archive, events, running: HashMap::new() };
    let serving = stream::once(worker.serve(inbox)).filter_map(|()| async { None });
    stream::select(told, serving.boxed())
}

struct Worker {
    archive: Archive,
    events: mpsc::UnboundedSender<Event>,
    /// How to stop what runs, one job an account at most.
    running: HashMap<AccountId, Cancel>,
}

impl Worker {
    async fn serve(mut self, mut inbox: mpsc::UnboundedReceiver<Request>) {
        let mut jobs: FuturesUnordered<BoxFuture<'static, AccountId>> = FuturesUnordered::new();
        loop {
            tokio::select! {
                Some(ended) = jobs.next() => drop(self.running.remove(&ended)),
                request = inbox.next() => match request {
                    Some(request) => self.answer(request, &mut jobs).await,
                    None => return,
                },
            }
        }
    }

    async fn answer(&mut self, request: Request, jobs: &mut FuturesUnordered<BoxFuture<'static, AccountId>>) {
        match request {
            Request::Fetch(account) => self.start(account, Kind::Fetch, jobs).await,
            Request::DryRun(account, retention) => self.start(account, Kind::DryRun(retention), jobs).await,
            Request::FetchAll => {
                for account in self.accounts().await {
                    self.start(account.id, Kind::Fetch, jobs).await;
                }
            }
            Request::Changed(_) => {}
            Request::Cancel(account) => _ = self.running.get(&account).map(Cancel::cancel),
            Request::Password(id, password) => {
                if let Some(account) = self.account(id).await {
                    secrets::hold(&account, &password);
                    self.start(id, Kind::Fetch, jobs).await;
                }
            }
        }
    }

    async fn start(&mut self, id: AccountId, kind: Kind, jobs: &mut FuturesUnordered<BoxFuture<'static, AccountId>>) {
        if self.running.contains_key(&id) {
            return;
        }
        let Some(account) = self.account(id).await else { return };
        let cancel = Cancel::new();
        self.running.insert(id, cancel.clone());
        let job = Job { archive: self.archive.clone(), account, events: self.events.clone(), cancel };
        jobs.push(Box::pin(job.work(kind)));
    }

    async fn accounts(&self) -> Vec<Account> {
        let archive = self.archive.clone();
        let read = tokio::task::spawn_blocking(move || archive.accounts()).await;
        read.ok().and_then(Result::ok).unwrap_or_default()
    }

    async fn account(&self, id: AccountId) -> Option<Account> {
        self.accounts().await.into_iter().find(|account| account.id == id)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Fetch,
    DryRun(Retention),
}

struct Job {
    archive: Archive,
    account: Account,
    events: mpsc::UnboundedSender<Event>,
    cancel: Cancel,
}

impl Job {
    async fn work(self, kind: Kind) -> AccountId {
        let id = self.account.id;
        self.tell(Event::Started(id));
        match (kind, self.password().await) {
            (Kind::Fetch, Ok(password)) => self.fetch(&password).await,
            (Kind::DryRun(retention), Ok(password)) => {
                let account = Account { retention, ..self.account.clone() };
                let summary = dry_run(&self.archive, &account, &password, &self.cancel).await;
                self.tell(Event::Planned(id, summary.map_err(Arc::new)));
            }
            (Kind::Fetch, Err(error)) => self.finish(Default::default(), Some(error)),
            (Kind::DryRun(_), Err(error)) => {
                self.ask_if_wanted(&error);
                self.tell(Event::Planned(id, Err(Arc::new(error))));
            }
        }
        id
    }

    async fn fetch(&self, password: &SecretString) {
        let id = self.account.id;
        let mut on_update = |update| match update {
            Update::Progress(progress) => self.tell(Event::Progress(id, progress)),
            Update::Arrived(messages) => self.tell(Event::Arrived(id, messages)),
            Update::Planned(_) | Update::Removing(_) => {}
        };
        let (outcome, error) = run(&self.archive, &self.account, password, &self.cancel, &mut on_update).await;
        self.finish(outcome, error);
    }

    fn finish(&self, outcome: crate::archive::SessionOutcome, error: Option<FetchError>) {
        error.iter().for_each(|error| self.ask_if_wanted(error));
        self.tell(Event::Finished(self.account.id, outcome, error.map(Arc::new)));
    }

    /// A missing or refused password is for the user to mend; everything else is not, and must not ask.
    fn ask_if_wanted(&self, error: &FetchError) {
        let wanted = match error {
            FetchError::NoPassword | FetchError::Secrets(_) => true,
            FetchError::Transport(error) => TransportError::is_wrong_password(error),
            _ => false,
        };
        if wanted {
            self.tell(Event::PasswordWanted(self.account.id));
        }
    }

    async fn password(&self) -> Result<SecretString, FetchError> {
        let account = self.account.clone();
        let found = tokio::task::spawn_blocking(move || secrets::password(&account)).await;
        found.map_err(|_| FetchError::Internal)??.ok_or(FetchError::NoPassword)
    }

    fn tell(&self, event: Event) {
        // A window that is gone needs no events.
        _ = self.events.unbounded_send(event);
    }
}
