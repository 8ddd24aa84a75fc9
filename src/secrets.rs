//! Passwords: the system's keyring, on a thread of its own with a time-out, or the account's password command. Never a
//! file of ours, never a log.

use secrecy::SecretString;

use crate::account::Account;

/// Why there is no password. (Helper: variants per cause.)
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    #[error("the keyring did not answer in time")]
    TimedOut,
}

/// The account's password: from its password command when it has one, else from the keyring. `Ok(None)`: there is
/// none, ask. Blocks up to the time-out.
pub fn password(_account: &Account) -> Result<Option<SecretString>, SecretsError> {
    todo!()
}

/// Keeps a password in the keyring.
pub fn keep(_account: &Account, _password: &SecretString) -> Result<(), SecretsError> {
    todo!()
}

/// Removes it from there; fine when there is none.
pub fn forget(_account: &Account) -> Result<(), SecretsError> {
    todo!()
}
