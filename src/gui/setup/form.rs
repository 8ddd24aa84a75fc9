//! What the set-up form holds: the fields, which of them the user wrote, and what is wrong with each, in a sentence.
//! Pure: no disk, no network.

use std::fmt;
use std::net::IpAddr;

use secrecy::SecretString;

use crate::account::{Account, Security, Server};
use crate::provider::{self, Suggestion};

/// A field in which something is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    Address,
    Password,
    Host,
    Port,
    User,
    Name,
    CaFile,
}

impl Field {
    pub const ALL: [Field; 7] =
        [Field::Address, Field::Password, Field::Host, Field::Port, Field::User, Field::Name, Field::CaFile];

    /// Its widget's id, for the focus and for tests.
    pub const fn id(self) -> &'static str {
        match self {
            Field::Address => "setup-address",
            Field::Password => "setup-password",
            Field::Host => "setup-host",
            Field::Port => "setup-port",
            Field::User => "setup-user",
            Field::Name => "setup-name",
            Field::CaFile => "setup-ca-file",
        }
    }
}

/// What was typed, which may be a password: never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Typed(pub String);

impl fmt::Debug for Typed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Typed(..)")
    }
}

/// The encryption as the list of choices names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encryption(pub Security);

impl Encryption {
    pub const ALL: [Encryption; 3] =
        [Encryption(Security::Tls), Encryption(Security::StartTls), Encryption(Security::None)];
}

impl fmt::Display for Encryption {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.0 {
            Security::Tls => "SSL/TLS",
            Security::StartTls => "STARTTLS",
            Security::None => "None",
        })
    }
}

/// See the module.
pub struct Form {
    values: [String; Field::ALL.len()],
    /// Written by the user: a suggestion leaves it alone.
    written: [bool; Field::ALL.len()],
    security: Security,
    security_chosen: bool,
    pub suggestion: Option<Suggestion>,
    pub leave_copy: bool,
    /// The user agreed to a connection that others can read.
    pub plain_agreed: bool,
    /// The field written in last: its mistakes are not shown while it is being written.
    last: Option<Field>,
    /// Submitted once: then every mistake shows.
    tried: bool,
    /// The account that is being changed.
    before: Option<Account>,
}

impl Form {
    /// For a new account.
    pub fn new() -> Form {
        let mut form = Form {
            values: Default::default(),
            written: Default::default(),
            security: Security::Tls,
            security_chosen: false,
            suggestion: None,
            leave_copy: true,
            plain_agreed: false,
            last: None,
            tried: false,
            before: None,
        };
        form.set(Field::Port, Security::Tls.default_port().to_string());
        form
    }

    /// For an account that is there. Everything counts as written: a new address fills nothing over it.
    pub fn of(account: &Account) -> Form {
        let mut form = Form::new();
        let server = &account.server;
        form.set(Field::Address, account.address.clone());
        form.set(Field::Host, server.host.clone());
        form.set(Field::Port, server.port.to_string());
        form.set(Field::User, server.user.clone());
        form.set(Field::Name, account.name.clone());
        let file = server.ca_file.as_ref().map(|file| file.to_string_lossy().into_owned());
        form.set(Field::CaFile, file.unwrap_or_default());
        form.written = [true; Field::ALL.len()];
        form.security = server.security;
        form.security_chosen = true;
        form.leave_copy = account.retention.leaves_copy();
        form.plain_agreed = server.security == Security::None;
        form.before = Some(account.clone());
        form
    }

    pub fn value(&self, field: Field) -> &str {
        &self.values[field as usize]
    }

    fn trimmed(&self, field: Field) -> &str {
        self.value(field).trim()
    }

    fn set(&mut self, field: Field, value: String) {
        self.values[field as usize] = value;
    }

    pub fn security(&self) -> Security {
        self.security
    }

    pub fn before(&self) -> Option<&Account> {
        self.before.as_ref()
    }

    /// The user wrote in a field. An emptied one may be filled by the next suggestion again.
    pub fn write(&mut self, field: Field, value: String) {
        self.written[field as usize] = !value.is_empty();
        self.set(field, value);
        self.last = Some(field);
        if field == Field::Address {
            self.suggest();
        }
    }

    pub fn choose(&mut self, security: Security) {
        self.security_chosen = true;
        self.secure(security);
    }

    fn secure(&mut self, security: Security) {
        self.security = security;
        self.plain_agreed = false;
        self.fill(Field::Port, security.default_port().to_string());
    }

    fn suggest(&mut self) {
        self.suggestion = provider::suggest(self.value(Field::Address));
        let server = self.suggestion.as_ref().map(|suggestion| suggestion.server.clone());
        let (host, user) = server.as_ref().map(|server| (server.host.clone(), server.user.clone())).unwrap_or_default();
        self.fill(Field::Host, host);
        self.fill(Field::User, user);
        if let Some(server) = server {
            if !self.security_chosen {
                self.secure(server.security);
            }
            if self.security == server.security {
                self.fill(Field::Port, server.port.to_string());
            }
        }
    }

    fn fill(&mut self, field: Field, value: String) {
        if !self.written[field as usize] {
            self.set(field, value);
        }
    }

    /// From now on every mistake shows.
    pub fn show_all(&mut self) {
        self.tried = true;
    }

    /// What is wrong with a field and may be shown now.
    pub fn shown_error(&self, field: Field) -> Option<&'static str> {
        let left = !self.value(field).is_empty() && self.last != Some(field);
        let strange = self.value(field).contains(char::is_control);
        if self.tried || left || strange { self.error(field) } else { None }
    }

    /// What is wrong with a field.
    pub fn error(&self, field: Field) -> Option<&'static str> {
        if self.value(field).contains(char::is_control) {
            return Some("This cannot hold line breaks or other control characters.");
        }
        match field {
            Field::Address if provider::suggest(self.value(field)).is_none() => {
                Some("This is not an e-mail address such as anna@example.org.")
            }
            Field::Password if self.wants_password() => Some(match self.before {
                Some(_) => "The server or the user name is a new one: enter the password for it.",
                None => "Without a password nothing can be fetched.",
            }),
            Field::Host if self.host().is_none() => Some("This is not a server's name such as pop.example.org."),
            Field::Port if self.port().is_none() => Some("A number from 1 to 65535."),
            Field::User if self.trimmed(field).is_empty() => Some("Usually the whole address."),
            _ => None,
        }
    }

    /// A new account needs a password, and so does one that points to another maildrop now: the old password is never
    /// sent there.
    fn wants_password(&self) -> bool {
        let same_maildrop = |account: &Account| {
            account.server.host.eq_ignore_ascii_case(self.trimmed(Field::Host))
                && account.server.user == self.trimmed(Field::User)
                && account.address.eq_ignore_ascii_case(self.trimmed(Field::Address))
        };
        let kept = self.before.as_ref().is_some_and(same_maildrop);
        self.value(Field::Password).is_empty() && !kept
    }

    /// The host as the server is asked for: a name in ASCII, or an IP address.
    fn host(&self) -> Option<String> {
        let host = self.trimmed(Field::Host);
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        match bare.parse::<IpAddr>() {
            Ok(_) => Some(bare.to_owned()),
            Err(_) => provider::ascii_domain(host),
        }
    }

    fn port(&self) -> Option<u16> {
        self.trimmed(Field::Port).parse().ok().filter(|port| *port != 0)
    }

    pub fn is_plain(&self) -> bool {
        self.security == Security::None
    }

    /// Where the mail is fetched from; `None` while a field is wrong or a connection without encryption is not agreed to.
    pub fn server(&self) -> Option<Server> {
        let wrong = Field::ALL.into_iter().any(|field| self.error(field).is_some());
        if wrong || self.is_plain() && !self.plain_agreed {
            return None;
        }
        let file = self.trimmed(Field::CaFile);
        Some(Server {
            host: self.host()?,
            port: self.port()?,
            security: self.security,
            user: self.trimmed(Field::User).to_owned(),
            ca_file: (!file.is_empty()).then(|| file.into()),
        })
    }

    pub fn address(&self) -> &str {
        self.trimmed(Field::Address)
    }

    pub fn name(&self) -> &str {
        self.trimmed(Field::Name)
    }

    /// The password that was typed, if one was.
    pub fn password(&self) -> Option<SecretString> {
        let password = self.value(Field::Password);
        (!password.is_empty()).then(|| password.to_owned().into())
    }

    /// The provider's note, without the address of its page, and that address.
    pub fn note(&self) -> Option<(String, Option<String>)> {
        let note = self.suggestion.as_ref()?.note.as_deref()?;
        Some(without_page(note))
    }
}

/// Takes the first web address out of a note: `... there: https://a.example .` becomes `... there.`
fn without_page(note: &str) -> (String, Option<String>) {
    let Some(page) = note.split_whitespace().find(|word| word.starts_with("http://") || word.starts_with("https://"))
    else {
        return (note.to_owned(), None);
    };
    let (before, after) = note.split_once(page).unwrap_or((note, ""));
    let before = before.trim_end().trim_end_matches(':');
    let after = after.trim_start().trim_start_matches('.');
    (format!("{before}.{after}"), Some(page.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{Field, Form, Security, without_page};

    fn filled() -> Form {
        let mut form = Form::new();
        form.write(Field::Address, "anna@gmx.net".to_owned());
        form.write(Field::Password, "secret".to_owned());
        form
    }

    #[test]
    fn an_address_fills_the_rest() {
        let form = filled();
        let server = form.server().unwrap();
        assert_eq!((server.host.as_str(), server.port, server.security), ("pop.gmx.net", 995, Security::Tls));
        assert_eq!(server.user, "anna@gmx.net");
    }

    #[test]
    fn what_the_user_wrote_stays() {
        let mut form = filled();
        form.write(Field::Host, "mail.home.example".to_owned());
        form.write(Field::Port, "1995".to_owned());
        form.write(Field::Address, "anna@web.de".to_owned());
        let server = form.server().unwrap();
        assert_eq!((server.host.as_str(), server.port), ("mail.home.example", 1995));
        assert_eq!(server.user, "anna", "the user name was not written and follows the address");
        form.write(Field::Host, String::new());
        form.write(Field::Address, "anna@gmx.net".to_owned());
        assert_eq!(form.value(Field::Host), "pop.gmx.net", "an emptied field is filled again");
    }

    #[test]
    fn the_port_follows_the_encryption_until_it_is_written() {
        let mut form = filled();
        form.choose(Security::StartTls);
        assert_eq!(form.value(Field::Port), "110");
        form.write(Field::Address, "anna@web.de".to_owned());
        assert_eq!((form.security(), form.value(Field::Port)), (Security::StartTls, "110"));
        form.write(Field::Port, "2110".to_owned());
        form.choose(Security::Tls);
        assert_eq!(form.value(Field::Port), "2110");
    }

    #[test]
    fn no_encryption_needs_the_users_word_each_time_it_is_chosen() {
        let mut form = filled();
        form.choose(Security::None);
        assert!(form.server().is_none());
        form.plain_agreed = true;
        assert!(form.server().is_some());
        form.choose(Security::Tls);
        form.choose(Security::None);
        assert!(form.server().is_none());
    }

    #[test]
    fn wrong_values_have_a_sentence_and_give_no_server() {
        for (field, value) in [
            (Field::Address, ""),
            (Field::Address, "anna"),
            (Field::Address, "anna@ex\r\nDELE 1"),
            (Field::Password, ""),
            (Field::Password, "a\r\nDELE 1"),
            (Field::Password, "a\0b"),
            (Field::Host, "pop example"),
            (Field::Host, "https://pop.example.org"),
            (Field::Host, "pop.example.org\n"),
            (Field::Port, ""),
            (Field::Port, "0"),
            (Field::Port, "65536"),
            (Field::Port, "pop3"),
            (Field::User, "  "),
            (Field::User, "anna\nDELE 1"),
            (Field::Name, "anna\rx"),
            (Field::CaFile, "/tmp/a\0b"),
        ] {
            let mut form = filled();
            form.write(field, value.to_owned());
            assert!(form.error(field).is_some(), "{field:?} {value:?}");
            assert!(form.server().is_none(), "{field:?} {value:?}");
        }
    }

    #[test]
    fn a_mistake_shows_once_the_field_is_left_or_the_form_submitted() {
        let mut form = Form::new();
        form.write(Field::Address, "anna@".to_owned());
        assert_eq!(form.shown_error(Field::Address), None, "still being written");
        form.write(Field::Password, "x".to_owned());
        assert!(form.shown_error(Field::Address).is_some());
        assert_eq!(form.shown_error(Field::Host), None, "never touched");
        form.show_all();
        assert!(form.shown_error(Field::Host).is_some());
    }

    #[test]
    fn the_old_password_is_never_meant_for_a_new_server() {
        let mut account = crate::gui::setup::tests::account();
        account.server.host = "pop.gmx.net".to_owned();
        let mut form = Form::of(&account);
        assert!(form.server().is_some(), "unchanged, no password is needed");
        form.write(Field::Port, "1995".to_owned());
        assert!(form.server().is_some());
        form.write(Field::Host, "pop.evil.example".to_owned());
        assert!(form.server().is_none() && form.error(Field::Password).is_some());
        form.write(Field::Password, "x".to_owned());
        assert!(form.server().is_some());
    }

    #[test]
    fn an_address_of_a_page_is_taken_out_of_a_note() {
        for (note, sentence, page) in [
            ("Allow it there: https://a.example/x .", "Allow it there.", Some("https://a.example/x")),
            ("Allow it there: https://a.example . Then wait.", "Allow it there. Then wait.", Some("https://a.example")),
            ("Nothing to open.", "Nothing to open.", None),
        ] {
            assert_eq!(without_page(note), (sentence.to_owned(), page.map(str::to_owned)));
        }
    }
}
