//! One job of the worker: a fetch or a dry run of one account, told in events.

use std::sync::Arc;

use futures::channel::mpsc;
use secrecy::SecretString;

use super::door::{self, Terms};
use super::schedule::Ended;
use super::{Event, FetchError, Update, dry_run, run_on};
use crate::account::{Account, AccountId, Retention};
use crate::archive::{Archive, SessionOutcome};
use crate::job::Cancel;
use crate::secrets;
use crate::transport::TransportError;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Fetch { by_user: bool },
    DryRun(Retention),
}

/// A job that is done.
pub(super) struct Done {
    pub account: AccountId,
    pub by_user: bool,
    /// How a fetch ended; `None` after a dry run.
    pub ended: Option<Ended>,
}

/// Who does a job.
pub(super) struct Visitor {
    pub archive: Archive,
    pub account: Account,
    pub explain: fn(&FetchError) -> String,
    pub events: mpsc::UnboundedSender<Event>,
    pub cancel: Cancel,
}

impl Visitor {
    pub async fn work(self, kind: Kind) -> Done {
        let account = self.account.id;
        self.tell(Event::Started(account));
        match kind {
            Kind::Fetch { by_user } => Done { account, by_user, ended: Some(self.fetch(by_user).await) },
            Kind::DryRun(retention) => {
                let summary = self.look_ahead(retention).await;
                if let Err(error) = &summary {
                    self.ask_if_wanted(error);
                }
                self.tell(Event::Planned(account, summary.map_err(Arc::new)));
                Done { account, by_user: true, ended: None }
            }
        }
    }

    async fn look_ahead(&self, retention: Retention) -> Result<super::Summary, FetchError> {
        let password = self.password().await?;
        let account = Account { retention, ..self.account.clone() };
        dry_run(&self.archive, &account, &password, &self.cancel).await
    }

    async fn fetch(&self, by_user: bool) -> Ended {
        let terms = Terms { by_user, explain: self.explain, ..Terms::default() };
        let (outcome, error) = match self.admitted(&terms).await {
            Ok(password) => self.visit(&password, &terms).await,
            Err(error) => (SessionOutcome::default(), Some(error)),
        };
        error.iter().for_each(|error| self.ask_if_wanted(error));
        let ended = Ended::of(error.as_ref());
        self.tell(Event::Finished(self.account.id, outcome, error.map(Arc::new)));
        ended
    }

    /// The password, where the server may be asked at all: else no keyring is opened for it.
    async fn admitted(&self, terms: &Terms) -> Result<SecretString, FetchError> {
        door::may_visit(&self.archive, &self.account, terms).await?;
        self.password().await
    }

    async fn visit(&self, password: &SecretString, terms: &Terms) -> (SessionOutcome, Option<FetchError>) {
        let id = self.account.id;
        let mut on_update = |update| match update {
            Update::Progress(progress) => self.tell(Event::Progress(id, progress)),
            Update::Arrived(messages) => self.tell(Event::Arrived(id, messages)),
            Update::Planned(_) | Update::Removing(_) => {}
        };
        run_on(&self.archive, &self.account, password, terms, &self.cancel, &mut on_update).await
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
