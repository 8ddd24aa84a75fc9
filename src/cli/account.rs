//! `account add`, `list`, `set`, `remove` and `test`.

use std::io::BufRead;
use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};
use secrecy::SecretString;
use serde::Serialize;

use super::consent;
use super::failure::{Failure, Status};
use super::place::{self, Place};
use super::print::{self, Out};
use super::{Json, Switch, fetch};
use crate::account::{Account, AccountId, Fetching, Retention, Security, Server};
use crate::archive::{Archive, Mail, MaildropState, NewAccount};
use crate::provider;
use crate::secrets;
use crate::transport::{self, Connection, Patience, Stat, TransportError};

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Add a mailbox; what is not told comes from the table of providers.
    Add(Change),
    /// The mailboxes.
    List(Json),
    /// Change a mailbox: only what is told changes.
    Set(Change),
    /// Forget a mailbox and its password; its mail stays here.
    Remove(RemoveArguments),
    /// Connect, log in, count; changes nothing.
    Test(TestArguments),
}

/// What can be told about an account.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("password").args(["password_stdin", "password_command"])))]
pub struct Change {
    /// The e-mail address.
    email: String,
    /// The POP3 server.
    #[arg(long)]
    host: Option<String>,
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// tls (995), starttls (110), or none with --allow-plaintext.
    #[arg(long)]
    security: Option<Security>,
    /// The user's name on the server.
    #[arg(long)]
    user: Option<String>,
    /// Read the password from the first line of standard input and keep it in the keyring.
    #[arg(long)]
    password_stdin: bool,
    /// A command whose first line of output is the password; it runs at each fetch. Empty: none.
    #[arg(long, value_name = "CMD", allow_hyphen_values = true)]
    password_command: Option<String>,
    /// Whether a copy stays on the server; on for a new account. Off is --retention none.
    #[arg(long, value_name = "on|off", conflicts_with = "retention")]
    leave_copy: Option<Switch>,
    /// How long copies stay on the server: always, 30d, until-deleted, until-backup, newest:500, newest:500MB, none.
    #[arg(long, value_name = "HOW LONG")]
    retention: Option<Retention>,
    /// Minutes between two visits while the window is open; 0: only when asked.
    #[arg(long, value_name = "MINUTES")]
    every: Option<u16>,
    /// For a connection that comes and goes: small messages first, removals in small batches.
    #[arg(long, value_name = "on|off")]
    weak_link: Option<Switch>,
    /// Of larger messages only the header section comes, until the whole is asked for; none: all come whole.
    #[arg(long, value_name = "SIZE|none")]
    headers_over: Option<Limit>,
    /// How much one visit may bring; none: all there is.
    #[arg(long, value_name = "SIZE|none")]
    budget: Option<Limit>,
    /// Whether the mailbox at a changed --host or --user is the one it was before.
    #[arg(long, value_name = "on|off")]
    same_mailbox: Option<Switch>,
    /// A certificate authority (PEM) to trust for this account as well.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// What the window calls the mailbox.
    #[arg(long)]
    name: Option<String>,
    /// Consent to --security none: password and mail can be read on their way.
    #[arg(long)]
    allow_plaintext: bool,
}

/// Octets, or none: `500kB`, `20MB`, `1GB` (of a thousand each), `1000`, `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Limit(Option<u64>);

impl std::str::FromStr for Limit {
    type Err = String;

    fn from_str(word: &str) -> Result<Limit, String> {
        if word == "none" {
            return Ok(Limit(None));
        }
        let digits = word.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
        let factor = match word.get(digits.len()..).unwrap_or_default().to_ascii_lowercase().as_str() {
            "" | "b" => Some(1),
            "k" | "kb" => Some(1_000),
            "m" | "mb" => Some(1_000_000),
            "g" | "gb" => Some(1_000_000_000),
            _ => None,
        };
        let octets = factor.and_then(|factor| digits.parse::<u64>().ok()?.checked_mul(factor));
        octets.map(|octets| Limit(Some(octets))).ok_or_else(|| "a size is like 500kB, 20MB or none".to_owned())
    }
}

#[derive(Debug, Args)]
pub struct RemoveArguments {
    email: String,
    /// Erase its mail from this computer too, for ever.
    #[arg(long)]
    erase_mail: bool,
}

#[derive(Debug, Args)]
pub struct TestArguments {
    email: String,
    #[arg(long)]
    json: bool,
}

pub fn run(place: &Place, command: Command) -> Result<Status, Failure> {
    match command {
        Command::Add(new) => add(place, &new),
        Command::List(Json { json }) => list(place, json),
        Command::Set(change) => set(place, &change),
        Command::Remove(arguments) => remove(place, &arguments),
        Command::Test(arguments) => test(place, &arguments),
    }
}

fn add(place: &Place, new: &Change) -> Result<Status, Failure> {
    let address = new.email.trim().to_owned();
    let Some(suggestion) = provider::suggest(&address) else {
        return Err(Failure::wrong_usage(format!("{address} is not an e-mail address.")));
    };
    let server = new.applied_to(new.starting_server(&address, suggestion.server))?;
    let archive = place.open()?;
    if archive.account(&address)?.is_some() {
        return Err(Failure::failed(format!(
            "The account {address} is here already. Change it with: postkeep account set {address}."
        )));
    }
    let new_account = NewAccount {
        address,
        server,
        name: new.name.clone().unwrap_or_default(),
        retention: new.retention().unwrap_or_default(),
        password_command: new.command().unwrap_or_default(),
    };
    let account = with_password(&archive, &new_account, new)?;
    if let (None, Some(note)) = (&new.host, &suggestion.note) {
        print::say(note);
    }
    describe(&account);
    Ok(Status::Done)
}

/// Keeps the password before the account is there: where it cannot be kept, nothing was added.
fn with_password(archive: &Archive, new: &NewAccount, change: &Change) -> Result<Account, Failure> {
    let intended = Account {
        id: AccountId(0),
        address: new.address.clone(),
        server: new.server.clone(),
        name: new.name.clone(),
        retention: new.retention,
        fetching: Fetching::default(),
        password_command: new.password_command.clone(),
    };
    let password = given_password(change, &intended)?;
    if !intended.retention.leaves_copy() && !consent::to_removal(archive, &intended, password.as_ref())? {
        return Err(Failure::failed("Nothing was added."));
    }
    if let Some(password) = &password {
        secrets::keep(&intended, password)?;
    } else if new.password_command.is_none() {
        print::say("No password was given. Give one with: postkeep account set ADDRESS --password-stdin.");
    }
    let added = archive.add_account(new);
    if added.is_err() && password.is_some() {
        // The first error is the one to tell.
        let _ = secrets::forget(&intended);
    }
    let mut account = added?;
    account.fetching = change.fetching(account.fetching);
    archive.change_account(&account)?;
    Ok(account)
}

/// The password from standard input, or asked for at the terminal where there is one; `None` when neither is.
fn given_password(change: &Change, account: &Account) -> Result<Option<SecretString>, Failure> {
    if change.password_stdin {
        return one_line().map(Some);
    }
    if account.password_command.is_some() || !print::can_ask() {
        return Ok(None);
    }
    ask_password(account)
}

/// Asks at the terminal, without an echo; `None` when nothing is entered.
pub fn ask_password(account: &Account) -> Result<Option<SecretString>, Failure> {
    let question = format!("Password of {} on {}: ", account.server.user, account.server.host);
    let asked = rpassword::prompt_password(print::printable(&question));
    let answer = asked.map_err(|error| Failure::failed(format!("The password could not be read: {error}.")))?;
    Ok((!answer.is_empty()).then(|| answer.into()))
}

fn one_line() -> Result<SecretString, Failure> {
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    read.map_err(|error| Failure::failed(format!("The password could not be read: {error}.")))?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(Failure::failed("Standard input holds no password."));
    }
    Ok(password.into())
}

impl Change {
    /// What the rest is applied to: the table's server, but nothing of it for a server that is named here.
    fn starting_server(&self, address: &str, suggested: Server) -> Server {
        match &self.host {
            Some(host) if *host != suggested.host => Server {
                host: host.clone(),
                port: Security::Tls.default_port(),
                security: Security::Tls,
                user: address.to_owned(),
                ca_file: None,
            },
            _ => suggested,
        }
    }

    fn applied_to(&self, mut server: Server) -> Result<Server, Failure> {
        if let Some(host) = &self.host {
            server.host = host_name(host)?;
        }
        if let Some(security) = self.security {
            // A port of the user's own stays; the usual one follows.
            if server.port == server.security.default_port() {
                server.port = security.default_port();
            }
            server.security = security;
        }
        server.port = self.port.unwrap_or(server.port);
        server.user = self.user.clone().unwrap_or(server.user);
        if let Some(file) = &self.ca {
            server.ca_file = Some(trusted_file(file)?);
        }
        if self.security == Some(Security::None) {
            self.consent_to_plaintext()?;
        }
        Ok(server)
    }

    fn consent_to_plaintext(&self) -> Result<(), Failure> {
        let danger = "Without encryption anyone on the way to the server can read the password and all mail.";
        if !self.allow_plaintext {
            return Err(Failure::wrong_usage(format!("{danger} If you want that, add --allow-plaintext.")));
        }
        print::say(danger);
        Ok(())
    }

    fn retention(&self) -> Option<Retention> {
        self.retention.or(self.leave_copy.map(|leave| match leave {
            Switch::On => Retention::LeaveCopy,
            Switch::Off => Retention::RemoveOnceStored,
        }))
    }

    fn fetching(&self, before: Fetching) -> Fetching {
        Fetching {
            every: self.every.unwrap_or(before.every),
            weak_link: self.weak_link.map_or(before.weak_link, |switch| switch == Switch::On),
            headers_over: self.headers_over.map_or(before.headers_over, |limit| limit.0),
            budget: self.budget.map_or(before.budget, |limit| limit.0),
        }
    }

    /// The password command, if one is told; an empty one is none.
    fn command(&self) -> Option<Option<String>> {
        self.password_command.as_ref().map(|command| Some(command.clone()).filter(|command| !command.is_empty()))
    }
}

/// A host's name in ASCII, or an address as it is.
fn host_name(host: &str) -> Result<String, Failure> {
    let host = host.trim();
    if host.parse::<std::net::IpAddr>().is_ok() {
        return Ok(host.to_owned());
    }
    provider::ascii_domain(host).ok_or_else(|| Failure::wrong_usage(format!("{host} is not the name of a server.")))
}

/// The file as an absolute path: later runs start in other folders.
fn trusted_file(file: &Path) -> Result<PathBuf, Failure> {
    transport::check_ca_file(file)?;
    std::path::absolute(file).map_err(|error| Failure::of_file("Reading", file, &error))
}

fn describe(account: &Account) {
    let Server { host, port, security, user, .. } = &account.server;
    print::say(&format!("{}: server {host}, port {port}, encryption {security}, user {user}.", account.address));
    print::say(&match account.retention {
        Retention::LeaveCopy => "A copy of each message stays on the server.".to_owned(),
        Retention::Days(days) => {
            format!("A copy stays on the server for {}.", print::count(u64::from(days), "day"))
        }
        Retention::UntilDeleted => "A copy stays on the server until the message is deleted here.".to_owned(),
        Retention::UntilBackedUp => "A copy stays on the server until the message is in a verified backup.".to_owned(),
        Retention::NewestMessages(messages) => {
            format!("Only the newest {} stay on the server.", print::count(u64::from(messages), "message"))
        }
        Retention::NewestOctets(octets) => format!("Only the newest {} stay on the server.", print::size(octets)),
        Retention::RemoveOnceStored => {
            "Messages are removed from the server once they are proved to be stored here.".to_owned()
        }
    });
}

#[derive(Serialize)]
struct Listed<'a> {
    account: &'a str,
    name: &'a str,
    host: &'a str,
    port: u16,
    security: Security,
    user: &'a str,
    ca_file: Option<&'a Path>,
    leave_copy: bool,
    password_command: Option<&'a str>,
    retention: String,
    every: u16,
    weak_link: bool,
    headers_over: Option<u64>,
    budget: Option<u64>,
    /// Removals were agreed to on this computer.
    agreed: bool,
    login_refused: bool,
    /// Seconds that the server wants between two logins.
    login_delay: Option<u32>,
    /// Days after which the server itself removes mail.
    expire: Option<u32>,
}

fn list(place: &Place, json: bool) -> Result<Status, Failure> {
    let (archive, mut out) = (place.read()?, Out::new());
    for account in archive.accounts()? {
        let state = match archive.maildrop(&account)? {
            Some(maildrop) => archive.maildrop_state(maildrop, jiff::Timestamp::now())?,
            None => MaildropState::default(),
        };
        let Account { address, name, retention, fetching, .. } = &account;
        let Server { host, port, security, user, ca_file } = &account.server;
        if json {
            out.json(&Listed {
                account: address,
                name,
                host,
                port: *port,
                security: *security,
                user,
                ca_file: ca_file.as_deref(),
                leave_copy: retention.leaves_copy(),
                password_command: account.password_command.as_deref(),
                retention: retention.to_string(),
                every: fetching.every,
                weak_link: fetching.weak_link,
                headers_over: fetching.headers_over,
                budget: fetching.budget,
                agreed: state.agreed,
                login_refused: state.login_refused,
                login_delay: state.login_delay,
                expire: state.expire,
            })?;
            continue;
        }
        let copy = match retention {
            Retention::LeaveCopy => "leaves a copy".to_owned(),
            Retention::RemoveOnceStored => "removes what is stored".to_owned(),
            retention => format!("leaves copies {retention}"),
        };
        let refused = if state.login_refused { ", login refused" } else { "" };
        out.line(&format!("{address}  {user} at {host}:{port} ({security}), {copy}{refused}"))?;
    }
    out.flush()?;
    Ok(Status::Done)
}

fn set(place: &Place, change: &Change) -> Result<Status, Failure> {
    let archive = place.open_existing()?;
    let before = place::account(&archive, &change.email)?;
    let mut after = before.clone();
    after.server = change.applied_to(before.server.clone())?;
    after.name = change.name.clone().unwrap_or(after.name);
    after.retention = change.retention().unwrap_or(after.retention);
    after.fetching = change.fetching(before.fetching);
    after.password_command = change.command().unwrap_or(after.password_command);
    let same = consent::same_mailbox(&archive, &before, &after, change.same_mailbox.map(|word| word == Switch::On))?;
    // What is said again is agreed to, where it was not: the archive may come from another computer.
    let says_again = change.retention().is_some_and(|said| !said.leaves_copy() && said == before.retention);
    let agrees_now = says_again && !consent::has_agreed(&archive, &after)?;
    let asks = agrees_now || consent::removes_more(before.retention, after.retention);
    if asks && !consent::to_removal(&archive, &after, None)? {
        return Err(Failure::failed("Nothing was changed."));
    }
    change_password(change, &before, &after)?;
    archive.change_account(&after)?;
    if same {
        archive.same_maildrop(&after, &before.server)?;
    }
    if agrees_now {
        archive.agree_to_removal(&after)?;
    }
    if change.password_stdin || before.server != after.server || change.password_command.is_some() {
        archive.forget_refusal(&after)?;
    }
    describe(&after);
    Ok(Status::Done)
}

/// A new password from standard input; else, with a new server, the old one is kept under its name.
fn change_password(change: &Change, before: &Account, after: &Account) -> Result<(), Failure> {
    if change.password_stdin {
        return Ok(secrets::keep(after, &one_line()?)?);
    }
    let moved = before.server.host != after.server.host;
    if moved && before.password_command.is_none() && after.password_command.is_none() {
        let carried = secrets::password(before).and_then(|password| match password {
            Some(password) => secrets::keep(after, &password).and_then(|()| secrets::forget(before)),
            None => Ok(()),
        });
        if carried.is_err() {
            print::say(
                "The password could not be carried over to the new server: give it again with --password-stdin.",
            );
        }
    }
    Ok(())
}

fn remove(place: &Place, arguments: &RemoveArguments) -> Result<Status, Failure> {
    let archive = place.open_existing()?;
    let account = place::account(&archive, &arguments.email)?;
    let mail = if arguments.erase_mail { Mail::Erase } else { Mail::Keep };
    let question = format!("Erase all mail of {} from this computer for ever?", account.address);
    if mail == Mail::Erase && print::can_ask() && !print::agrees(&question) {
        return Err(Failure::failed("Nothing was removed."));
    }
    archive.remove_account(account.id, mail)?;
    // An account with a password command has nothing in the keyring.
    let forgotten = if account.password_command.is_none() { secrets::forget(&account) } else { Ok(()) };
    match forgotten {
        Ok(()) | Err(secrets::SecretsError::NoKeyring) => (),
        Err(_) => print::say("The keyring did not answer: its password for this account may still be there."),
    }
    print::say(&match mail {
        Mail::Keep => format!("{} was removed. Its mail is still here.", account.address),
        Mail::Erase => format!("{} and its mail were removed from this computer.", account.address),
    });
    Ok(Status::Done)
}

#[derive(Serialize)]
struct Tested<'a> {
    account: &'a str,
    ok: bool,
    messages: u64,
    octets: u64,
    problem: Option<String>,
}

fn test(place: &Place, arguments: &TestArguments) -> Result<Status, Failure> {
    let account = place::account(&place.read()?, &arguments.email)?;
    let outcome = fetch::password_of(&account).and_then(|password| {
        let runtime = fetch::runtime()?;
        runtime.block_on(count(&account, &password)).map_err(Failure::from)
    });
    let (stat, problem) = match &outcome {
        Ok(stat) => (*stat, None),
        Err(failure) => (Stat { messages: 0, octets: 0 }, failure.sentence()),
    };
    if arguments.json {
        let mut out = Out::new();
        let Stat { messages, octets } = stat;
        let problem = problem.map(str::to_owned);
        out.json(&Tested { account: &account.address, ok: outcome.is_ok(), messages, octets, problem })?;
        out.flush()?;
    }
    match problem {
        Some(problem) => print::say(problem),
        None => print::say(&format!(
            "{}: logged in; {} there, {}.",
            account.address,
            print::count(stat.messages, "message"),
            print::size(stat.octets)
        )),
    }
    Ok(if outcome.is_ok() { Status::Done } else { Status::Failed })
}

async fn count(account: &Account, password: &SecretString) -> Result<Stat, TransportError> {
    let mut connection = Connection::open(&account.server, Patience::default()).await?;
    connection.log_in(&account.server.user, password).await?;
    let stat = connection.stat().await?;
    // We have what we came for.
    let _ = connection.quit().await;
    Ok(stat)
}
