//! The way in: whether the server may be asked now, and the login.

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use super::FetchError;
use super::run::{blocking, giving_up};
use super::store::Visit;
use crate::account::Account;
use crate::archive::{Archive, ArchiveError, Habit, Habits, MaildropState, ServerWord};
use crate::job::Cancel;
use crate::pop3::Code;
use crate::provider;
use crate::transport::{Connection, Options, Patience, Trace, TransportError};

/// At every so many-th visit what a server could not bear is tried again: it may have been the line.
const TRIED_AGAIN: i64 = 32;

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

/// A connection that is logged in, and what is known of its server by now.
pub(super) struct Entered {
    pub connection: Connection,
    pub state: MaildropState,
    /// What was not known of it before.
    pub learnt: Vec<Habit>,
}

/// Connects and logs in, and remembers what that teaches of the server. `insist_on_utf8`: a message can be had in UTF8
/// mode only (quirk 95).
pub(super) async fn enter(
    archive: &Archive,
    account: &Account,
    visit: &Visit,
    password: &SecretString,
    (terms, insist_on_utf8): (&Terms, bool),
    cancel: &Cancel,
) -> Result<Entered, FetchError> {
    let (reading, noting, maildrop) = (archive.clone(), archive.clone(), visit.maildrop);
    let state = blocking(move || reading.maildrop_state(maildrop, Timestamp::now())).await?;
    let afresh = visit.session.0 % TRIED_AGAIN == 0;
    let known = if afresh { Habits::default() } else { state.habits };
    let known = if insist_on_utf8 { known.without(Habit::NoUtf8) } else { known };
    let connection = match log_in(account, known, password, terms, cancel).await {
        Ok(connection) => connection,
        Err(error) => {
            if is_for_the_user(&error) {
                blocking(move || noting.note_login_refused(maildrop, true)).await?;
            }
            return Err(error);
        }
    };
    let capabilities = connection.capabilities();
    let word = ServerWord { login_delay: capabilities.login_delay, expire: capabilities.expire };
    let found = [
        (Habit::NoCapa, Some(!connection.asked_capabilities())),
        // Where UTF8 is not offered nothing is learnt about it.
        (Habit::NoUtf8, connection.is_utf8().then_some(false).or(failed_in_utf8(&connection))),
    ];
    let changed: Vec<(Habit, bool)> = found
        .into_iter()
        .filter_map(|(habit, has)| Some((habit, has?)))
        .filter(|(habit, has)| state.habits.has(*habit) != *has)
        .collect();
    let learnt = changed.iter().filter(|(_, has)| *has).map(|(habit, _)| *habit).collect();
    blocking(move || {
        noting.note_login(maildrop, word, Timestamp::now())?;
        changed.iter().try_for_each(|(habit, has)| match has {
            true => noting.note_habit(maildrop, *habit),
            false => noting.forget_habit(maildrop, *habit),
        })
    })
    .await?;
    Ok(Entered { connection, state, learnt })
}

/// UTF8 is offered and was left out, for the login failed behind it.
fn failed_in_utf8(connection: &Connection) -> Option<bool> {
    (connection.asked_capabilities() && !connection.wanted_utf8()).then_some(true)
}

/// Whether no visit by itself may follow: name or password are refused, or the server's trouble with this mailbox needs
/// a person (RFC 3206 section 4).
fn is_for_the_user(error: &FetchError) -> bool {
    let FetchError::Transport(error) = error else { return false };
    let lasting = matches!(error, TransportError::LoginRefused(status) if status.code == Some(Code::SysPerm));
    lasting || error.is_wrong_password()
}

/// Connects and logs in; once more without UTF8 where the login fails behind it (quirk 94).
pub(super) async fn log_in(
    account: &Account,
    habits: Habits,
    password: &SecretString,
    terms: &Terms,
    cancel: &Cancel,
) -> Result<Connection, FetchError> {
    let (capabilities, utf8) = (!habits.has(Habit::NoCapa), !habits.has(Habit::NoUtf8));
    let options =
        Options { capabilities, utf8, patience: terms.patience, trace: terms.trace.clone(), ..Options::default() };
    match attempt(account, options.clone(), password, cancel).await {
        Err(FetchError::Transport(error)) if error.failed_after_utf8() => {
            attempt(account, Options { utf8: false, ..options }, password, cancel).await
        }
        ended => ended,
    }
}

async fn attempt(
    account: &Account,
    options: Options,
    password: &SecretString,
    cancel: &Cancel,
) -> Result<Connection, FetchError> {
    let mut connection = giving_up(cancel, Connection::open_with(&account.server, options)).await?;
    giving_up(cancel, connection.log_in(&account.server.user, password)).await?;
    Ok(connection)
}
