//! The table of mail providers (`assets/providers.json`): server, port, encryption and user name from an address. Asks no
//! network: what is not in the table is guessed as pop.DOMAIN:995. Domain names: RFC 5890, 3492.

use std::collections::HashMap;
use std::sync::OnceLock;

use serde::Deserialize;
use unicode_normalization::UnicodeNormalization;

use crate::account::{Security, Server};

/// What is known of an address's provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// The provider's name for people; `None` when it is not in the table and `server` is a guess (pop.DOMAIN:995).
    pub provider: Option<String>,
    /// Always with encryption: plaintext is never suggested.
    pub server: Server,
    /// What the user needs to know before it can work (POP3 must be switched on, an app password is needed, only
    /// plaintext is offered, only OAuth2 works), in sentences; `None` when there is nothing to say.
    pub note: Option<String>,
}

/// The server for an e-mail address; `None` when it is not an address. Blanks around it do not matter; a domain name in
/// any script is written to the server in its ASCII form.
pub fn suggest(address: &str) -> Option<Suggestion> {
    let address = address.trim();
    let (local, domain) = address.rsplit_once('@')?;
    if local.is_empty() || local.chars().any(|letter| letter.is_whitespace() || letter.is_control()) {
        return None;
    }
    let domain = ascii_domain(domain)?;
    match table().get(domain.as_str()) {
        Some(provider) => Some(provider.suggestion(address, local, &domain)),
        None => Some(Suggestion { provider: None, server: tls_server(format!("pop.{domain}"), address), note: None }),
    }
}

/// Minutes that the provider of this server wants between two logins; some refuse the password of whoever comes sooner.
pub fn check_interval(host: &str) -> Option<u16> {
    static BY_HOST: OnceLock<HashMap<&str, u16>> = OnceLock::new();
    let by_host = BY_HOST.get_or_init(|| {
        let entries = table().values().flat_map(|provider| &provider.pop3);
        entries.filter_map(|entry| Some((entry.host.as_str(), entry.minutes()?))).collect()
    });
    by_host.get(host.trim().to_ascii_lowercase().as_str()).copied()
}

fn tls_server(host: String, user: &str) -> Server {
    let security = Security::Tls;
    Server { host, port: security.default_port(), security, user: user.to_owned(), ca_file: None }
}

/// The table as the file has it; fields that nothing here uses are left out.
#[derive(Deserialize)]
struct Table {
    providers: Vec<Provider>,
}

#[derive(Deserialize)]
struct Provider {
    name: String,
    domains: Vec<String>,
    pop3: Vec<Entry>,
    /// The page that tells how access is switched on.
    enable: Option<String>,
    suspect: Option<String>,
}

/// One server of a provider.
#[derive(Deserialize)]
struct Entry {
    host: String,
    port: u16,
    tls: String,
    user: String,
    auth: Vec<String>,
    #[serde(default)]
    pop3: Habits,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Habits {
    check_interval: Option<Interval>,
}

#[derive(Deserialize)]
struct Interval {
    minutes: String,
}

impl Entry {
    fn minutes(&self) -> Option<u16> {
        self.pop3.check_interval.as_ref()?.minutes.parse().ok()
    }
}

/// Providers by domain. The file is part of the program and a test reads it, so an unreadable one is an empty table.
fn table() -> &'static HashMap<&'static str, &'static Provider> {
    static TABLE: OnceLock<Table> = OnceLock::new();
    static BY_DOMAIN: OnceLock<HashMap<&str, &Provider>> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        serde_json::from_str(include_str!("../assets/providers.json")).unwrap_or(Table { providers: Vec::new() })
    });
    BY_DOMAIN.get_or_init(|| {
        let pairs = table.providers.iter();
        pairs.flat_map(|provider| provider.domains.iter().map(move |domain| (domain.as_str(), provider))).collect()
    })
}

/// What Gmail does in its own way (quirks 85 to 91).
const GMAIL: [&str; 4] = [
    "What removing a message from the server does there (keep, archive, or move to Trash) is chosen in Gmail's own POP settings.",
    "If old mail is missing, choose there to enable POP for all mail, not only for mail that arrives from now on.",
    "Gmail gives its mail a few hundred messages at a time, the oldest first, so the first fetch takes several rounds.",
    "Spam and Trash cannot be fetched from it.",
];

impl Provider {
    fn suggestion(&self, address: &str, local: &str, domain: &str) -> Suggestion {
        let wanted = ["SSL", "STARTTLS"].iter().find_map(|tls| self.pop3.iter().find(|entry| entry.tls == *tls));
        let entry = wanted.or(self.pop3.first());
        let server = match entry {
            Some(entry) => Server {
                // The file writes hosts in lower case, placeholders too.
                host: entry.host.replace("%emaildomain%", domain),
                port: self.port(entry),
                security: entry.security(),
                user: entry.user(address, local, domain),
                ca_file: None,
            },
            None => tls_server(format!("pop.{domain}"), address),
        };
        let notes = entry.map(|entry| self.notes(entry)).unwrap_or_default();
        Suggestion { provider: Some(self.name.clone()), server, note: (!notes.is_empty()).then(|| notes.join(" ")) }
    }

    /// The port of an entry, but where the table doubts it, or says plaintext, the one that the encryption uses.
    fn port(&self, entry: &Entry) -> u16 {
        let doubtful = self.suspect.is_some() || entry.is_plain();
        if doubtful { entry.security().default_port() } else { entry.port }
    }

    fn notes(&self, entry: &Entry) -> Vec<String> {
        let name = &self.name;
        let mut notes = Vec::new();
        let takes = |method: &str| entry.auth.iter().any(|offered| offered == method);
        if takes("OAuth2") && entry.auth.len() == 1 {
            notes.push(format!("{name} takes only OAuth2, not a password, and Postkeep cannot sign in that way yet."));
        }
        if entry.is_plain() {
            notes.push(format!(
                "{name} is known to offer POP3 only without encryption, so that others could read your password on its way; \
                 Postkeep tries an encrypted connection, which may fail."
            ));
        }
        if let Some(page) = &self.enable {
            notes.push(format!(
                "{name} lets a mail program in only after you allow it in your settings there: {page} ."
            ));
        }
        if takes("OAuth2") && entry.auth.len() > 1 {
            notes
                .push(format!("If {name} refuses your usual password, make an app password there and enter that one."));
        }
        if entry.host == "pop.gmail.com" {
            notes.extend(GMAIL.map(str::to_owned));
        }
        if let Some(interval) = &entry.pop3.check_interval {
            notes.push(format!("{name} refuses logins that follow each other within {} minutes.", interval.minutes));
        }
        notes
    }
}

impl Entry {
    fn is_plain(&self) -> bool {
        !matches!(self.tls.as_str(), "SSL" | "STARTTLS")
    }

    fn security(&self) -> Security {
        if self.tls == "STARTTLS" { Security::StartTls } else { Security::Tls }
    }

    fn user(&self, address: &str, local: &str, domain: &str) -> String {
        let filled = self.user.replace("%EMAILDOMAIN%", domain).replace("%EMAILLOCALPART%", local);
        filled.replace("%EMAILADDRESS%", address)
    }
}

/// A domain name in lower case and ASCII (RFC 5890 A-labels); `None` when it cannot be a host's name.
pub fn ascii_domain(domain: &str) -> Option<String> {
    let domain: String = domain.nfkc().flat_map(char::to_lowercase).nfc().collect();
    // The ideographic full stop separates labels too (RFC 3490 section 3.1).
    let domain = domain.replace('\u{3002}', ".");
    let labels = domain.strip_suffix('.').unwrap_or(&domain).split('.').map(ascii_label);
    let joined = labels.collect::<Option<Vec<_>>>()?.join(".");
    (joined.len() <= 253).then_some(joined)
}

fn ascii_label(label: &str) -> Option<String> {
    let sound = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_') || is_mark(letter);
    if label.is_empty() || !label.chars().all(sound) {
        return None;
    }
    let ascii = if label.is_ascii() { label.to_owned() } else { format!("xn--{}", punycode(label)?) };
    (ascii.len() <= 63).then_some(ascii)
}

fn is_mark(letter: char) -> bool {
    unicode_normalization::char::is_combining_mark(letter)
}

/// RFC 3492 section 6.3, with the parameters of section 5; `None` when a number grows too large.
fn punycode(label: &str) -> Option<String> {
    let mut encoded: String = label.chars().filter(char::is_ascii).collect();
    let basic = u32::try_from(encoded.len()).ok()?;
    let all = u32::try_from(label.chars().count()).ok()?;
    if basic > 0 {
        encoded.push('-');
    }
    let (mut point, mut delta, mut bias, mut handled) = (128_u32, 0_u32, 72_u32, basic);
    while handled < all {
        let next = label.chars().map(u32::from).filter(|value| *value >= point).min()?;
        delta = delta.checked_add((next - point).checked_mul(handled + 1)?)?;
        point = next;
        for value in label.chars().map(u32::from) {
            if value < point {
                delta = delta.checked_add(1)?;
            } else if value == point {
                push_number(&mut encoded, delta, bias)?;
                bias = adapted(delta, handled + 1, handled == basic);
                delta = 0;
                handled += 1;
            }
        }
        delta = delta.checked_add(1)?;
        point += 1;
    }
    Some(encoded)
}

/// A number in the variable-length form of RFC 3492 section 3.3.
fn push_number(encoded: &mut String, number: u32, bias: u32) -> Option<()> {
    let mut rest = number;
    for place in 1_u32.. {
        let threshold = (36 * place).saturating_sub(bias).clamp(1, 26);
        if rest < threshold {
            break;
        }
        encoded.push(digit(threshold + (rest - threshold) % (36 - threshold))?);
        rest = (rest - threshold) / (36 - threshold);
    }
    encoded.push(digit(rest)?);
    Some(())
}

/// a to z are 0 to 25, 0 to 9 are 26 to 35.
fn digit(value: u32) -> Option<char> {
    char::from_u32(if value < 26 { value + 97 } else { value + 22 })
}

/// RFC 3492 section 6.1.
fn adapted(delta: u32, points: u32, first: bool) -> u32 {
    let mut delta = if first { delta / 700 } else { delta / 2 };
    delta += delta / points;
    let mut steps = 0;
    while delta > 455 {
        delta /= 35;
        steps += 36;
    }
    steps + 36 * delta / (delta + 38)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(address: &str) -> (String, u16, Security, String) {
        let server = suggest(address).expect("an address").server;
        (server.host, server.port, server.security, server.user)
    }

    #[test]
    fn known_providers_give_their_server() {
        let table = [
            ("me@gmail.com", "pop.gmail.com", 995, Security::Tls, "me@gmail.com"),
            (" Me@GMail.COM\n", "pop.gmail.com", 995, Security::Tls, "Me@GMail.COM"),
            ("me@web.de", "pop3.web.de", 995, Security::Tls, "me"),
            ("me@alice.it", "in.alice.it", 110, Security::StartTls, "me@alice.it"),
            ("me@inbox.lv", "mail.inbox.lv", 995, Security::Tls, "me@inbox.lv"),
            // The table doubts its port 993.
            ("me@arubapec.it", "pop3s.pec.aruba.it", 995, Security::Tls, "me@arubapec.it"),
            // Plaintext only: never suggested.
            ("me@bay.wind.ne.jp", "bay.wind.ne.jp", 995, Security::Tls, "me"),
        ];
        for (address, host, port, security, user) in table {
            assert_eq!(server(address), (host.into(), port, security, user.into()), "{address}");
        }
    }

    #[test]
    fn unknown_domains_are_guessed() {
        let table = [
            ("a@example.org", "pop.example.org"),
            ("a@b@Example.ORG.", "pop.example.org"),
            ("a@m\u{fc}nchen.de", "pop.xn--mnchen-3ya.de"),
            ("a@mu\u{308}nchen.de", "pop.xn--mnchen-3ya.de"),
            ("a@B\u{dc}CHER.example", "pop.xn--bcher-kva.example"),
            ("a@\u{4f8b}\u{3048}.\u{30c6}\u{30b9}\u{30c8}", "pop.xn--r8jz45g.xn--zckzah"),
            ("a@localhost", "pop.localhost"),
        ];
        for (address, host) in table {
            let suggestion = suggest(address).expect(address);
            assert_eq!((suggestion.provider, suggestion.note), (None, None), "{address}");
            assert_eq!(suggestion.server.host, host, "{address}");
            assert_eq!((suggestion.server.port, suggestion.server.user.as_str()), (995, address));
        }
    }

    #[test]
    fn what_is_no_address_gives_nothing() {
        for text in
            ["", " ", "me", "@", "me@", "@example.org", "me@exa mple.org", "m e@x.org", "me@..", "me@a/b", "me@[::1]"]
        {
            assert_eq!(suggest(text), None, "{text:?}");
        }
        assert_eq!(suggest(&format!("me@{}", "\u{fc}".repeat(5000))), None);
    }

    #[test]
    fn notes_say_what_the_user_needs() {
        let table = [
            ("a@outlook.com", "only OAuth2"),
            ("a@gmail.com", "app password"),
            ("a@gmail.com", "Gmail's own POP settings"),
            ("a@gmx.de", "https://hilfe.gmx.net/pop-imap/einschalten.html"),
            ("a@web.de", "within 15 minutes"),
            ("a@bay.wind.ne.jp", "only without encryption"),
        ];
        for (address, words) in table {
            let note = suggest(address).and_then(|suggestion| suggestion.note).unwrap_or_default();
            assert!(note.contains(words), "{address}: {note}");
        }
        assert_eq!(suggest("a@gmx.com").and_then(|suggestion| suggestion.note), None);
    }

    #[test]
    fn every_entry_gives_a_whole_suggestion() {
        assert!(table().len() > 500, "{} domains", table().len());
        for domain in table().keys() {
            let suggestion = suggest(&format!("some.one@{domain}")).expect(domain);
            let server = suggestion.server;
            assert!(suggestion.provider.is_some_and(|name| !name.is_empty()));
            assert!(ascii_domain(&server.host).is_some() && !server.user.contains('%'), "{domain}");
            assert_ne!(server.security, Security::None);
            assert_eq!(server.port, server.security.default_port(), "{domain}");
        }
    }
}
