//! The form that adds a mailbox or changes its server: from an address to a tested connection.

mod view;

use std::path::PathBuf;

use iced::Task;
use secrecy::SecretString;

use super::dialog::password::keep;
use super::dialog::{Action, Intent};
use super::off::ask;
use crate::account::{Account, Retention, Security, Server};
use crate::archive::{Archive, NewAccount};
use crate::problem::Problem;
use crate::transport::{Connection, Patience, Stat, TransportError};
use crate::{provider, secrets};

/// The field of the address.
pub const ADDRESS: &str = "address";

/// See the module.
#[derive(Default)]
pub struct Setup {
    /// The account that is changed; `None` when one is added.
    account: Option<Account>,
    address: String,
    password: String,
    password_shown: bool,
    host: String,
    port: String,
    security: Option<Security>,
    user: String,
    ca_file: String,
    /// The user wrote the server, so the address no longer changes it.
    server_is_own: bool,
    leave_copy: bool,
    /// What must be known about the provider, from its table.
    note: Option<String>,
    more: bool,
    /// The user accepts a connection without encryption.
    plaintext_accepted: bool,
    state: State,
}

#[derive(Default)]
enum State {
    #[default]
    Editing,
    Testing {
        then_save: bool,
    },
    Tested(Stat),
    Failed(Problem),
    Saving,
}

#[derive(Clone, Debug)]
pub enum Message {
    Address(String),
    Password(String),
    ShowPassword,
    Host(String),
    Port(String),
    Security(Security),
    User(String),
    CaFile(String),
    ChooseCaFile,
    CaFileChosen(Option<PathBuf>),
    LeaveCopy(bool),
    More,
    AcceptPlaintext(bool),
    Test,
    Tested(Result<Stat, Problem>),
    Save,
    SaveAnyway,
    Saved(Result<(Account, Option<String>), Problem>),
    TrySample,
    Cancel,
}

impl Setup {
    /// An empty form; a copy is left on the server unless the user says otherwise.
    pub fn new() -> Setup {
        Setup { leave_copy: true, security: Some(Security::Tls), port: "995".to_owned(), ..Setup::default() }
    }

    /// The form of an account that is there.
    pub fn change(account: Account) -> Setup {
        let server = account.server.clone();
        Setup {
            address: account.address.clone(),
            host: server.host,
            port: server.port.to_string(),
            security: Some(server.security),
            user: server.user,
            ca_file: server.ca_file.map(|file| file.display().to_string()).unwrap_or_default(),
            server_is_own: true,
            leave_copy: account.retention.leaves_copy(),
            plaintext_accepted: server.security == Security::None,
            account: Some(account),
            ..Setup::default()
        }
    }

    pub fn update(&mut self, message: Message, archive: &Archive) -> Action<Message> {
        match message {
            Message::Address(address) => self.addressed(address),
            Message::Password(password) => self.edit(|form| form.password = password),
            Message::ShowPassword => self.password_shown = !self.password_shown,
            Message::Host(host) => self.edit_server(|form| form.host = host),
            Message::Port(port) => self.edit_server(|form| form.port = port),
            Message::Security(security) => self.secured(security),
            Message::User(user) => self.edit_server(|form| form.user = user),
            Message::CaFile(file) => self.edit(|form| form.ca_file = file),
            Message::ChooseCaFile => return Action::Run(pick_file()),
            Message::CaFileChosen(file) => self.chose_ca_file(file),
            Message::LeaveCopy(leave) => self.leave_copy = leave,
            Message::More => self.more = !self.more,
            Message::AcceptPlaintext(accepted) => self.edit(|form| form.plaintext_accepted = accepted),
            Message::Test => return self.test(false),
            Message::Tested(result) => return self.tested(result, archive),
            Message::Save if matches!(self.state, State::Tested(_)) => return self.save(archive),
            Message::Save => return self.test(true),
            Message::SaveAnyway => return self.save(archive),
            Message::Saved(Ok((account, said))) => return Action::Want(Intent::Saved(Box::new(account), said)),
            Message::Saved(Err(problem)) => self.state = State::Failed(problem),
            Message::TrySample => return Action::Want(Intent::TrySample),
            Message::Cancel => return Action::Want(Intent::Close),
        }
        Action::None
    }

    /// A change that an earlier test says nothing about.
    fn edit(&mut self, change: impl FnOnce(&mut Setup)) {
        change(self);
        self.state = State::Editing;
    }

    fn edit_server(&mut self, change: impl FnOnce(&mut Setup)) {
        self.server_is_own = true;
        self.edit(change);
    }

    fn addressed(&mut self, address: String) {
        self.edit(|form| form.address = address);
        let Some(suggestion) = provider::suggest(self.address.trim()) else {
            self.note = None;
            return;
        };
        self.note = suggestion.note;
        if !self.server_is_own {
            self.host = suggestion.server.host;
            self.port = suggestion.server.port.to_string();
            self.security = Some(suggestion.server.security);
            self.user = suggestion.server.user;
        }
    }

    /// Another encryption, and its port where the port was the usual one.
    fn secured(&mut self, security: Security) {
        self.edit_server(|form| {
            let usual = form.security.is_none_or(|before| form.port.trim() == before.default_port().to_string());
            if usual {
                form.port = security.default_port().to_string();
            }
            form.security = Some(security);
            form.plaintext_accepted = false;
        });
    }

    fn chose_ca_file(&mut self, file: Option<PathBuf>) {
        if let Some(file) = file {
            self.edit(|form| form.ca_file = file.display().to_string());
        }
    }

    /// The server as the form describes it; `None` while something is missing.
    fn server(&self) -> Option<Server> {
        let host = self.host.trim();
        let port = self.port.trim().parse().ok().filter(|port| *port != 0)?;
        let security = self.security?;
        let user = if self.user.trim().is_empty() { self.address.trim() } else { self.user.trim() };
        let file = self.ca_file.trim();
        let accepted = security != Security::None || self.plaintext_accepted;
        (accepted && !host.is_empty() && !user.is_empty()).then(|| Server {
            host: host.to_owned(),
            port,
            security,
            user: user.to_owned(),
            ca_file: (!file.is_empty()).then(|| PathBuf::from(file)),
        })
    }

    /// Whether it can be tested and saved.
    fn is_complete(&self) -> bool {
        let (local, domain) = self.address.trim().split_once('@').unwrap_or_default();
        let password = self.account.is_some() || !self.password.is_empty();
        !local.is_empty() && !domain.is_empty() && password && self.server().is_some()
    }

    fn is_busy(&self) -> bool {
        matches!(self.state, State::Testing { .. } | State::Saving)
    }

    fn test(&mut self, then_save: bool) -> Action<Message> {
        let Some(server) = self.server().filter(|_| self.is_complete() && !self.is_busy()) else { return Action::None };
        self.state = State::Testing { then_save };
        let password = SecretString::from(self.password.clone());
        let account = self.account.clone().filter(|_| self.password.is_empty());
        Action::Run(Task::perform(test(server, password, account), Message::Tested))
    }

    fn tested(&mut self, result: Result<Stat, Problem>, archive: &Archive) -> Action<Message> {
        let State::Testing { then_save } = self.state else { return Action::None };
        match result {
            Ok(stat) => {
                self.state = State::Tested(stat);
                if then_save { self.save(archive) } else { Action::None }
            }
            Err(problem) => {
                self.state = State::Failed(problem);
                Action::None
            }
        }
    }

    fn save(&mut self, archive: &Archive) -> Action<Message> {
        let Some(server) = self.server().filter(|_| self.is_complete()) else { return Action::None };
        self.state = State::Saving;
        let retention = if self.leave_copy { Retention::LeaveCopy } else { Retention::RemoveOnceStored };
        let password = SecretString::from(std::mem::take(&mut self.password));
        let typed = !secrecy::ExposeSecret::expose_secret(&password).is_empty();
        let (archive, address, old) = (archive.clone(), self.address.trim().to_owned(), self.account.clone());
        let work = move || {
            let account = match old {
                // "Leave a copy" is turned off by its switch alone, which says what that removes.
                Some(old) => {
                    let account = Account { server, ..old };
                    archive.change_account(&account)?;
                    account
                }
                None => archive.add_account(&NewAccount {
                    address,
                    server,
                    name: String::new(),
                    retention,
                    password_command: None,
                })?,
            };
            let said = if typed { keep(&account, &password) } else { None };
            Ok::<_, crate::archive::ArchiveError>((account, said))
        };
        Action::Run(ask(work).map(Message::Saved))
    }
}

/// Connects, logs in and counts; changes nothing.
async fn test(server: Server, password: SecretString, known: Option<Account>) -> Result<Stat, Problem> {
    let password = match known {
        Some(account) => stored_password(account).await.unwrap_or(password),
        None => password,
    };
    connect(server, password).await.map_err(|error| Problem::from(&error))
}

async fn stored_password(account: Account) -> Option<SecretString> {
    let answer = tokio::task::spawn_blocking(move || secrets::password(&account)).await;
    answer.ok()?.ok()?
}

async fn connect(server: Server, password: SecretString) -> Result<Stat, TransportError> {
    let mut connection = Connection::open(&server, Patience::default()).await?;
    connection.log_in(&server.user, &password).await?;
    let stat = connection.stat().await?;
    // The answer is known; how the server says goodbye changes nothing.
    let _ = connection.quit().await;
    Ok(stat)
}

fn pick_file() -> Task<Message> {
    Task::perform(rfd::AsyncFileDialog::new().set_title("Certificate authority").pick_file(), |file| {
        Message::CaFileChosen(file.map(|file| file.path().to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::{Security, Setup};

    fn filled() -> Setup {
        Setup {
            address: "anna@example.org".to_owned(),
            password: "secret".to_owned(),
            host: "pop.example.org".to_owned(),
            ..Setup::new()
        }
    }

    #[test]
    fn it_is_complete_when_nothing_is_missing() {
        assert!(filled().is_complete());
        type Change = fn(&mut Setup);
        let without: [(&str, Change); 6] = [
            ("address", |form| form.address = "anna".to_owned()),
            ("local part", |form| form.address = "@example.org".to_owned()),
            ("password", |form| form.password.clear()),
            ("host", |form| form.host = " ".to_owned()),
            ("port", |form| form.port = "0".to_owned()),
            ("consent", |form| form.security = Some(Security::None)),
        ];
        for (what, change) in without {
            let mut form = filled();
            change(&mut form);
            assert!(!form.is_complete(), "without {what}");
        }
    }

    #[test]
    fn plaintext_needs_a_word_of_its_own_each_time() {
        let mut form = filled();
        form.secured(Security::None);
        assert_eq!(form.port, "110");
        assert!(form.server().is_none());
        form.plaintext_accepted = true;
        assert!(form.server().is_some());
        form.secured(Security::Tls);
        form.secured(Security::None);
        assert!(form.server().is_none());
    }

    #[test]
    fn the_port_follows_the_encryption_unless_it_is_the_users_own() {
        let mut form = filled();
        form.secured(Security::StartTls);
        assert_eq!(form.port, "110");
        form.port = "1110".to_owned();
        form.secured(Security::Tls);
        assert_eq!(form.port, "1110");
    }

    #[test]
    fn the_address_fills_the_server_until_the_user_writes_one() {
        let mut form = Setup::new();
        form.addressed("anna@some-unlisted-domain.example".to_owned());
        assert_eq!((form.host.as_str(), form.port.as_str()), ("pop.some-unlisted-domain.example", "995"));
        form.edit_server(|form| form.host = "mail.example".to_owned());
        form.addressed("anna@another.example".to_owned());
        assert_eq!(form.host, "mail.example");
    }
}
