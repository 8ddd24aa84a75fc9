//! The table of mail providers (`assets/providers.json`): server, port, encryption and user name from an address.

use crate::account::Server;

/// What is known of an address's provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// The provider's name for people; `None` when it is not in the table and `server` is a guess (pop.DOMAIN:995).
    pub provider: Option<String>,
    pub server: Server,
    /// A sentence the user needs before it can work (POP3 must be switched on, an app password is needed, only
    /// plaintext is offered, only OAuth2 works); `None` when there is nothing to say.
    pub note: Option<String>,
}

/// The server for an e-mail address; `None` when it is not an address.
pub fn suggest(_address: &str) -> Option<Suggestion> {
    todo!()
}
