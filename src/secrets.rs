//! Passwords: held in memory for this run, from the account's password command, or in the system's keyring. Never a file
//! of ours, never a log.
//!
//! A keyring that is locked may block for ever, and its client breaks when called inside an async task: so each call to
//! it runs on a plain thread of its own, and who asked stops waiting after [`KEYRING_PATIENCE`].

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, mpsc};
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret, SecretString};

use crate::account::Account;

/// How long the keyring may take; long enough for a person to unlock it in the window that some systems show.
pub const KEYRING_PATIENCE: Duration = Duration::from_secs(30);

/// How long a password command may take.
pub const COMMAND_PATIENCE: Duration = Duration::from_secs(60);

/// The name under which the keyring shows our passwords.
const SERVICE: &str = "postkeep";

/// The longest password and the longest complaint that are read from a password command, in octets.
const LONGEST_LINE: u64 = 4096;

/// Why there is no password.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// The keyring is locked and waits for a person, or hangs.
    #[error("the keyring did not answer in time")]
    TimedOut,
    /// No keyring service runs: a server, a container, a session without a desktop.
    #[error("there is no keyring here")]
    NoKeyring,
    /// The keyring is locked, or refuses this program.
    #[error("the keyring refused access")]
    KeyringRefused,
    /// The keyring holds something that is not a password of ours, or cannot hold this one. With its own words.
    #[error("the keyring could not do it: {0}")]
    Keyring(String),
    /// The shell could not be started.
    #[error("the password command could not be started: {0}")]
    CommandNotStarted(std::io::Error),
    /// It ended with another status than 0: not found, a wrong argument, a locked password store.
    #[error("the password command failed")]
    CommandFailed {
        /// Its exit status; `None` when a signal ended it.
        status: Option<i32>,
        /// What it wrote to standard error, at most 4096 octets.
        complaint: String,
    },
    /// It printed nothing, or an empty first line.
    #[error("the password command printed no password")]
    CommandSilent,
    /// Its first line is not UTF-8, or longer than 4096 octets.
    #[error("the password command printed something that is no password")]
    CommandUnreadable,
    /// It waits for somebody, or hangs; it was ended.
    #[error("the password command did not end in time")]
    CommandTimedOut,
}

impl SecretsError {
    /// Whether the keyring is at fault: then asking the user for the password helps, as when there is none.
    pub fn is_of_keyring(&self) -> bool {
        matches!(self, Self::TimedOut | Self::NoKeyring | Self::KeyringRefused | Self::Keyring(_))
    }
}

/// The account's password: the one held for this run, else from its password command when it has one, else from the
/// keyring. `Ok(None)`: there is none, ask. Blocks up to the time-out.
///
/// # Errors
/// When the command or the keyring fails; where [`SecretsError::is_of_keyring`], ask as well.
pub fn password(account: &Account) -> Result<Option<SecretString>, SecretsError> {
    if let Some(password) = held().get(&held_name(account)) {
        return Ok(Some(password.clone()));
    }
    match &account.password_command {
        Some(command) => from_command(command, COMMAND_PATIENCE).map(Some),
        None => {
            let name = keyring_name(account);
            with_keyring(move |store| store.read(&name))
        }
    }
}

/// Keeps a password in the keyring.
pub fn keep(account: &Account, password: &SecretString) -> Result<(), SecretsError> {
    let (name, password) = (keyring_name(account), password.clone());
    with_keyring(move |store| store.write(&name, &password))
}

/// Removes it from there, and what is held for this run; fine when there is none.
pub fn forget(account: &Account) -> Result<(), SecretsError> {
    release(account);
    let name = keyring_name(account);
    with_keyring(move |store| store.erase(&name))
}

/// Holds a password in memory until the program ends: asked for in the window, or the sample mailbox's.
pub fn hold(account: &Account, password: &SecretString) {
    held().insert(held_name(account), password.clone());
}

/// Lets go of what [`hold`] holds, such as a password that the server refused.
pub fn release(account: &Account) {
    held().remove(&held_name(account));
}

fn held() -> MutexGuard<'static, HashMap<String, SecretString>> {
    static HELD: OnceLock<Mutex<HashMap<String, SecretString>>> = OnceLock::new();
    HELD.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner)
}

fn held_name(account: &Account) -> String {
    format!("{} {} {}", keyring_name(account), account.server.port, account.server.user)
}

/// The host is part of the name, so that an account that is pointed at another server does not send it the old
/// server's password.
fn keyring_name(account: &Account) -> String {
    format!("{} ({})", account.address.to_lowercase(), account.server.host.to_lowercase())
}

/// A place that keeps passwords by name. The seam between this module and the platform's keyring.
trait Store: Send + Sync {
    fn read(&self, name: &str) -> Result<Option<SecretString>, SecretsError>;
    fn write(&self, name: &str, password: &SecretString) -> Result<(), SecretsError>;
    fn erase(&self, name: &str) -> Result<(), SecretsError>;
}

/// Secret Service, Keychain or Credential Manager.
struct Platform;

impl Store for Platform {
    fn read(&self, name: &str) -> Result<Option<SecretString>, SecretsError> {
        read(&platform_entry(name)?)
    }

    fn write(&self, name: &str, password: &SecretString) -> Result<(), SecretsError> {
        write(&platform_entry(name)?, password)
    }

    fn erase(&self, name: &str) -> Result<(), SecretsError> {
        erase(&platform_entry(name)?)
    }
}

fn read(entry: &keyring_core::Entry) -> Result<Option<SecretString>, SecretsError> {
    match entry.get_password() {
        Ok(password) => Ok(Some(password.into())),
        Err(keyring_core::Error::NoEntry) => Ok(None),
        Err(error) => Err(sorted(error)),
    }
}

fn write(entry: &keyring_core::Entry, password: &SecretString) -> Result<(), SecretsError> {
    entry.set_password(password.expose_secret()).map_err(sorted)
}

fn erase(entry: &keyring_core::Entry) -> Result<(), SecretsError> {
    match entry.delete_credential() {
        Ok(()) | Err(keyring_core::Error::NoEntry) => Ok(()),
        Err(error) => Err(sorted(error)),
    }
}

fn platform_entry(name: &str) -> Result<keyring_core::Entry, SecretsError> {
    keyring::Entry::new(SERVICE, name).map(|entry| entry.inner).map_err(sorted)
}

/// The keyring's errors by what the user can do about them. None of them is passed on whole: some carry the secret.
fn sorted(error: keyring_core::Error) -> SecretsError {
    use keyring_core::Error;
    match error {
        Error::NoDefaultStore | Error::PlatformFailure(_) => SecretsError::NoKeyring,
        Error::NoStorageAccess(_) => SecretsError::KeyringRefused,
        Error::BadEncoding(_) | Error::BadDataFormat(..) => SecretsError::Keyring("not a password".into()),
        Error::Ambiguous(_) => SecretsError::Keyring("several passwords have the same name".into()),
        Error::TooLong(_, longest) => SecretsError::Keyring(format!("longer than {longest} characters")),
        Error::Invalid(_, why) | Error::NotSupportedByStore(why) | Error::BadStoreFormat(why) => {
            SecretsError::Keyring(why)
        }
        _ => SecretsError::Keyring("unknown fault".into()),
    }
}

fn with_keyring<T: Send + 'static>(
    job: impl FnOnce(&dyn Store) -> Result<T, SecretsError> + Send + 'static,
) -> Result<T, SecretsError> {
    #[cfg(test)]
    if let Some(store) = tests::instead() {
        return on_own_thread(store, tests::SOON, job);
    }
    on_own_thread(Arc::new(Platform), KEYRING_PATIENCE, job)
}

/// Runs a job of a store on a thread that is given up when it does not end in time: nothing can stop a call that hangs.
fn on_own_thread<T: Send + 'static>(
    store: Arc<dyn Store>,
    patience: Duration,
    job: impl FnOnce(&dyn Store) -> Result<T, SecretsError> + Send + 'static,
) -> Result<T, SecretsError> {
    let (done, answer) = mpsc::sync_channel(1);
    let thread = std::thread::Builder::new().name("keyring".into());
    let started = thread.spawn(move || {
        // Nobody listens any more after the time-out.
        let _ = done.send(job(store.as_ref()));
    });
    if started.is_err() {
        return Err(SecretsError::NoKeyring);
    }
    match answer.recv_timeout(patience) {
        Ok(outcome) => outcome,
        Err(mpsc::RecvTimeoutError::Timeout) => Err(SecretsError::TimedOut),
        // The keyring's client panicked.
        Err(mpsc::RecvTimeoutError::Disconnected) => Err(SecretsError::NoKeyring),
    }
}

/// Runs a password command; the first line of its output is the password.
fn from_command(command: &str, patience: Duration) -> Result<SecretString, SecretsError> {
    let until = Instant::now() + patience;
    let mut child = shell(command).spawn().map_err(SecretsError::CommandNotStarted)?;
    let line = child.stdout.take().map(|pipe| read_aside(pipe, first_line));
    let complaint = child.stderr.take().map(|pipe| read_aside(pipe, beginning));
    let ended = wait_until(&mut child, until)?;
    // A process that the command left behind may keep the pipes open: then what came by now must do.
    let grace = Duration::from_secs(1);
    if !ended.success() {
        let complaint = complaint.and_then(|pipe| pipe.recv_timeout(grace).ok()).unwrap_or_default();
        let complaint = String::from_utf8_lossy(&complaint).trim().to_owned();
        return Err(SecretsError::CommandFailed { status: ended.code(), complaint });
    }
    let line = line.and_then(|pipe| pipe.recv_timeout(grace).ok()).unwrap_or_default();
    if line.len() as u64 > LONGEST_LINE {
        return Err(SecretsError::CommandUnreadable);
    }
    let line = String::from_utf8(line).map_err(|_| SecretsError::CommandUnreadable)?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() { Err(SecretsError::CommandSilent) } else { Ok(password.into()) }
}

fn shell(command: &str) -> Command {
    let (program, option) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    let mut shell = Command::new(program);
    shell.arg(option).arg(command).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    shell
}

fn wait_until(child: &mut Child, until: Instant) -> Result<std::process::ExitStatus, SecretsError> {
    loop {
        if let Some(status) = child.try_wait().map_err(SecretsError::CommandNotStarted)? {
            return Ok(status);
        }
        if Instant::now() >= until {
            // It may have ended by itself meanwhile.
            let _ = child.kill();
            let _ = child.wait();
            return Err(SecretsError::CommandTimedOut);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Reads a pipe on a thread of its own and then drains it, so that the command never waits for us.
fn read_aside<P: Read + Send + 'static>(pipe: P, read: fn(&mut BufReader<P>) -> Vec<u8>) -> mpsc::Receiver<Vec<u8>> {
    let (done, answer) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let _ = done.send(read(&mut pipe));
        let _ = std::io::copy(&mut pipe, &mut std::io::sink());
    });
    answer
}

fn first_line<P: Read>(pipe: &mut BufReader<P>) -> Vec<u8> {
    let mut line = Vec::new();
    // One octet more than allowed shows that it is too long; an error ends the line.
    let _ = pipe.take(LONGEST_LINE + 1).read_until(b'\n', &mut line);
    line
}

fn beginning<P: Read>(pipe: &mut BufReader<P>) -> Vec<u8> {
    let mut text = Vec::new();
    let _ = pipe.take(LONGEST_LINE).read_to_end(&mut text);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{AccountId, Fetching, Retention, Security, Server};

    pub(super) const SOON: Duration = Duration::from_millis(200);
    const LATE: Duration = Duration::from_secs(20);

    fn account(address: &str) -> Account {
        Account {
            id: AccountId(1),
            address: address.into(),
            server: Server {
                host: "pop.example.org".into(),
                port: 995,
                security: Security::Tls,
                user: address.into(),
                ca_file: None,
            },
            name: String::new(),
            retention: Retention::LeaveCopy,
            fetching: Fetching::default(),
            password_command: None,
        }
    }

    #[derive(Default)]
    struct Memory(Mutex<HashMap<String, SecretString>>);

    impl Store for Memory {
        fn read(&self, name: &str) -> Result<Option<SecretString>, SecretsError> {
            Ok(self.0.lock().unwrap().get(name).cloned())
        }
        fn write(&self, name: &str, password: &SecretString) -> Result<(), SecretsError> {
            self.0.lock().unwrap().insert(name.into(), password.clone());
            Ok(())
        }
        fn erase(&self, name: &str) -> Result<(), SecretsError> {
            self.0.lock().unwrap().remove(name);
            Ok(())
        }
    }

    /// A keyring that never answers.
    struct Hanging;

    impl Store for Hanging {
        fn read(&self, _: &str) -> Result<Option<SecretString>, SecretsError> {
            loop {
                std::thread::park();
            }
        }
        fn write(&self, _: &str, _: &SecretString) -> Result<(), SecretsError> {
            panic!("a keyring's client that panics")
        }
        fn erase(&self, _: &str) -> Result<(), SecretsError> {
            Err(SecretsError::KeyringRefused)
        }
    }

    thread_local! {
        static INSTEAD: std::cell::RefCell<Option<Arc<dyn Store>>> = const { std::cell::RefCell::new(None) };
    }

    /// The store that a test put in the place of the platform's, for its own thread.
    pub(super) fn instead() -> Option<Arc<dyn Store>> {
        INSTEAD.with_borrow(Clone::clone)
    }

    fn put_instead(store: impl Store + 'static) {
        INSTEAD.set(Some(Arc::new(store)));
    }

    /// keyring-core's own mock; where told so, each call fails in this way.
    struct Mocked {
        store: Arc<keyring_core::mock::Store>,
        fault: Option<fn() -> keyring_core::Error>,
    }

    impl Mocked {
        fn new(fault: Option<fn() -> keyring_core::Error>) -> Mocked {
            Mocked { store: keyring_core::mock::Store::new().unwrap(), fault }
        }

        fn entry(&self, name: &str) -> keyring_core::Entry {
            use keyring_core::api::CredentialStoreApi;
            let entry = self.store.build(SERVICE, name, None).unwrap();
            let mock: &keyring_core::mock::Cred = entry.as_any().downcast_ref().unwrap();
            self.fault.into_iter().for_each(|fault| mock.set_error(fault()));
            entry
        }
    }

    impl Store for Mocked {
        fn read(&self, name: &str) -> Result<Option<SecretString>, SecretsError> {
            super::read(&self.entry(name))
        }
        fn write(&self, name: &str, password: &SecretString) -> Result<(), SecretsError> {
            super::write(&self.entry(name), password)
        }
        fn erase(&self, name: &str) -> Result<(), SecretsError> {
            super::erase(&self.entry(name))
        }
    }

    /// Fault 67: there is none, it is locked, it says no, it holds what is no password, it dies in the middle of a call.
    /// Each time the user is asked, and what they give is held for this run only.
    #[test]
    fn whatever_the_keyring_does_the_user_can_be_asked() {
        use keyring_core::Error;
        let faults: [fn() -> Error; 8] = [
            || Error::NoDefaultStore,
            || Error::PlatformFailure("no session bus".into()),
            || Error::NoStorageAccess("the collection is locked".into()),
            || Error::NoStorageAccess("dismissed by the user".into()),
            || Error::BadEncoding(b"hunter2\xff".to_vec()),
            || Error::Ambiguous(Vec::new()),
            || Error::TooLong("password".into(), 10),
            || Error::NotSupportedByStore("read only".into()),
        ];
        for (number, fault) in faults.into_iter().enumerate() {
            let account = account(&format!("fault{number}@example.org"));
            put_instead(Mocked::new(Some(fault)));
            for error in [password(&account).unwrap_err(), keep(&account, &"hunter2".into()).unwrap_err()] {
                assert!(error.is_of_keyring(), "{error:?}");
                assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
            }
            hold(&account, &"typed".into());
            assert_eq!(password(&account).unwrap().unwrap().expose_secret(), "typed");
            assert!(forget(&account).is_err(), "said, not passed over");
            assert!(password(&account).is_err(), "and gone all the same");
        }
        put_instead(Hanging);
        let account = account("hangs@example.org");
        assert!(matches!(password(&account), Err(SecretsError::TimedOut)));
        // Its client panics: told at once, or, where the machine is slow to tell, as silence.
        assert!(keep(&account, &"x".into()).is_err_and(|error| error.is_of_keyring()));
    }

    /// Fault 67: what lies there for another account, or for another server, is not this account's.
    #[test]
    fn a_password_of_another_account_is_never_taken() {
        put_instead(Mocked::new(None));
        let (ann, bob) = (account("ann@example.org"), account("bob@example.org"));
        let mut elsewhere = ann.clone();
        elsewhere.server.host = "pop.example.net".into();
        keep(&ann, &"of ann".into()).unwrap();
        assert_eq!(password(&ann).unwrap().unwrap().expose_secret(), "of ann");
        for other in [&bob, &elsewhere] {
            assert!(password(other).unwrap().is_none());
            forget(other).unwrap();
        }
        assert_eq!(password(&ann).unwrap().unwrap().expose_secret(), "of ann");
        forget(&ann).unwrap();
        assert!(password(&ann).unwrap().is_none());
    }

    #[test]
    fn a_store_keeps_reads_and_forgets() {
        let store = Arc::new(Memory::default());
        let read = |store: &Arc<Memory>| on_own_thread(store.clone(), LATE, |store| store.read("a")).unwrap();
        assert!(read(&store).is_none());
        on_own_thread(store.clone(), LATE, |store| store.write("a", &"pass".into())).unwrap();
        assert_eq!(read(&store).unwrap().expose_secret(), "pass");
        on_own_thread(store.clone(), LATE, |store| store.erase("a")).unwrap();
        assert!(read(&store).is_none());
    }

    #[test]
    fn a_keyring_that_hangs_panics_or_refuses_is_an_error() {
        let store = Arc::new(Hanging);
        let hung = on_own_thread(store.clone(), SOON, |store| store.read("a"));
        assert!(matches!(hung, Err(SecretsError::TimedOut)));
        let panicked = on_own_thread(store.clone(), LATE, |store| store.write("a", &"pass".into()));
        assert!(matches!(panicked, Err(SecretsError::NoKeyring)));
        let refused = on_own_thread(store, LATE, |store| store.erase("a"));
        assert!(matches!(refused, Err(SecretsError::KeyringRefused)));
    }

    #[test]
    fn errors_of_the_keyring_are_sorted_and_carry_no_secret() {
        use keyring_core::Error;
        assert!(matches!(sorted(Error::NoDefaultStore), SecretsError::NoKeyring));
        assert!(matches!(sorted(Error::PlatformFailure("no bus".into())), SecretsError::NoKeyring));
        assert!(matches!(sorted(Error::NoStorageAccess("locked".into())), SecretsError::KeyringRefused));
        let strange = sorted(Error::BadEncoding(b"hunter2\xff".to_vec()));
        assert!(strange.is_of_keyring() && !format!("{strange:?}").contains("hunter2"));
    }

    #[test]
    fn the_name_binds_a_password_to_its_server() {
        let mut moved = account("Me@Example.org");
        assert_eq!(keyring_name(&moved), "me@example.org (pop.example.org)");
        moved.server.host = "evil.example".into();
        assert_ne!(keyring_name(&moved), keyring_name(&account("me@example.org")));
    }

    #[test]
    fn a_held_password_comes_before_the_command() {
        let mut account = account("held@example.org");
        account.password_command = Some("echo command".into());
        hold(&account, &"held".into());
        assert_eq!(password(&account).unwrap().unwrap().expose_secret(), "held");
        release(&account);
        assert_eq!(password(&account).unwrap().unwrap().expose_secret(), "command");
    }

    #[cfg(unix)]
    #[test]
    fn the_first_line_of_a_command_is_the_password() {
        let table = [
            ("echo secret", "secret"),
            ("printf 'no newline'", "no newline"),
            ("printf 'one\\r\\ntwo\\n'", "one"),
            ("printf ' p\u{e4}ss w\u{f6}rd \\n'", " p\u{e4}ss w\u{f6}rd "),
            ("echo noise >&2; echo secret", "secret"),
            ("echo secret; yes | head -c 1000000", "secret"),
            ("sleep 5 & echo secret", "secret"),
        ];
        for (command, password) in table {
            assert_eq!(from_command(command, LATE).expect(command).expose_secret(), password, "{command}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_command_that_fails_says_why() {
        let failed = from_command("echo 'the store is locked' >&2; echo secret; exit 7", LATE).unwrap_err();
        assert!(!format!("{failed:?} {failed}").contains("secret"));
        let SecretsError::CommandFailed { status: Some(7), complaint } = failed else { panic!("{failed:?}") };
        assert_eq!(complaint, "the store is locked");
        assert!(matches!(from_command("true", LATE), Err(SecretsError::CommandSilent)));
        assert!(matches!(from_command("echo; echo late", LATE), Err(SecretsError::CommandSilent)));
        assert!(matches!(from_command("printf '\\377'", LATE), Err(SecretsError::CommandUnreadable)));
        assert!(matches!(from_command("yes | tr -d '\\n' | head -c 9000", LATE), Err(SecretsError::CommandUnreadable)));
        assert!(matches!(from_command("exec sleep 600", SOON), Err(SecretsError::CommandTimedOut)));
    }
}
