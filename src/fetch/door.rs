//! The way in: whether the server may be asked now, and the login.

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use super::FetchError;
use super::run::{blocking, giving_up};
use crate::account::Account;
use crate::archive::{Archive, ArchiveError, Habit, MaildropId, MaildropState, ServerWord};
use crate::job::Cancel;
use crate::provider;
use crate::transport::{Connection, Options, Patience, Trace};

/// On which terms a server is visited.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The user asked for this very account: then a login that was refused before is tried again.
    pub by_user: bool,
    /// Turns the error that ended a visit into the sentence that the sync log keeps.
    pub explain: fn(&FetchError) -> String,
    /// How long the server may be silent.
    pub patience: Patience,
    /// Where the protocol is traced, secrets and mail left out.
    pub trace: Option<Trace>,
}

impl Default for Terms {
    fn default() -> Terms {
        Terms { by_user: true, explain: |error| error.to_string(), patience: Patience::default(), trace: None }
    }
}

/// Refuses a visit that would do harm: with a login that was refused and is unchanged (it could lock the account), or
/// sooner than the server lets anybody in again (quirks 31 and 32).
pub(super) async fn may_visit(archive: &Archive, account: &Account, terms: &Terms) -> Result<(), FetchError> {
    let Some(state) = state(archive, account).await? else { return Ok(()) };
    if state.login_refused && !terms.by_user {
        return Err(FetchError::RefusedBefore);
    }
    match earliest(&state, account, Timestamp::now()) {
        Some(until) => Err(FetchError::TooSoon { until }),
        None => Ok(()),
    }
}

/// What is known of the account's maildrop; `None` before the first visit.
async fn state(archive: &Archive, account: &Account) -> Result<Option<MaildropState>, FetchError> {
    let (archive, account) = (archive.clone(), account.clone());
    blocking(move || -> Result<_, ArchiveError> {
        let maildrop = archive.maildrop(&account)?;
        maildrop.map(|maildrop| archive.maildrop_state(maildrop, Timestamp::now())).transpose()
    })
    .await
}

/// When the server takes the next login, if that is still to come: by its own word (RFC 2449 section 6.5), or by what is
/// known of the provider.
pub fn earliest(state: &MaildropState, account: &Account, now: Timestamp) -> Option<Timestamp> {
    let last = state.last_login?;
    let until = last.checked_add(SignedDuration::from_secs(delay(state, account))).ok()?;
    // A login in the future was noted by a clock that was wrong.
    (last <= now && now < until).then_some(until)
}

/// Seconds that the server, or its provider, wants between two logins.
pub(super) fn delay(state: &MaildropState, account: &Account) -> i64 {
    let provider = provider::check_interval(&account.server.host).map_or(0, |minutes| i64::from(minutes) * 60);
    provider.max(state.login_delay.map_or(0, i64::from))
}

/// Connects and logs in, and remembers what that teaches of the server.
pub(super) async fn enter(
    archive: &Archive,
    account: &Account,
    maildrop: MaildropId,
    password: &SecretString,
    terms: &Terms,
    cancel: &Cancel,
) -> Result<(Connection, MaildropState), FetchError> {
    let reading = archive.clone();
    let state = blocking(move || reading.maildrop_state(maildrop, Timestamp::now())).await?;
    let entered = log_in(account, &state, password, terms, cancel).await;
    let noting = archive.clone();
    match &entered {
        Ok(connection) => {
            let capabilities = connection.capabilities();
            let word = ServerWord { login_delay: capabilities.login_delay, expire: capabilities.expire };
            blocking(move || noting.note_login(maildrop, word, Timestamp::now())).await?;
        }
        Err(FetchError::Transport(error)) if error.is_wrong_password() => {
            blocking(move || noting.note_login_refused(maildrop, true)).await?;
        }
        Err(_) => {}
    }
    entered.map(|connection| (connection, state))
}

/// Connects and logs in.
pub(super) async fn log_in(
    account: &Account,
    state: &MaildropState,
    password: &SecretString,
    terms: &Terms,
    cancel: &Cancel,
) -> Result<Connection, FetchError> {
    let options = Options {
        patience: terms.patience,
        trace: terms.trace.clone(),
        capabilities: !state.habits.has(Habit::NoCapa),
        ..Options::default()
    };
    let mut connection = giving_up(cancel, Connection::open_with(&account.server, options)).await?;
    giving_up(cancel, connection.log_in(&account.server.user, password)).await?;
    Ok(connection)
}
