//! Links: what may be opened, how its address is shown before that, and what a person should be warned of (RFC 3986, 6068,
//! UTS 39). Only http, https and mailto ever become an [`Address`], whose one maker is here; it is written anew by the `url`
//! crate, so that what is shown and what a browser reads are the same. Everything else is [`Target::Dead`], with the reason.

mod found;
mod host;
#[cfg(test)]
mod tests;

use percent_encoding::percent_decode_str;
use url::{Host, Url};

pub use found::{Found, find_links};

use super::visible::{self, visible_line};

/// The octets of an address that is opened.
pub const LONGEST: usize = 2_048;
/// The octets of a target that are looked at.
const LONGEST_LOOKED_AT: usize = 64 * 1024;
/// A host longer than this, or of more labels, is there to push its end out of sight.
const LONG_HOST: usize = 60;
const MANY_LABELS: usize = 6;

/// An address that may be given to the system's browser or mail program: http, https or mailto, re-serialised, without control
/// characters, at most [`LONGEST`] octets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(String);

impl Address {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The one way to an address: the scheme, the length and the characters are looked at here and nowhere else.
    fn of(url: &Url) -> Result<Address, &'static str> {
        let text = url.as_str();
        let allowed = matches!(url.scheme(), "http" | "https" | "mailto");
        match text.len() {
            _ if !allowed => Err("Only web pages and mail addresses are opened from here."),
            0..=LONGEST if text.bytes().all(|octet| octet.is_ascii_graphic()) => Ok(Address(text.to_owned())),
            0..=LONGEST => Err("Its address holds characters that no address may hold."),
            _ => Err("Its address is longer than any address needs to be."),
        }
    }
}

/// An address in three pieces, so that the host can stand out: `https://` `bank.example` `/login`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    pub before: String,
    /// In letters where they cannot be mistaken for others, else as it is written in the name system (`xn--`). Of a mail link
    /// all its addresses.
    pub host: String,
    pub after: String,
}

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}{}", self.before, self.host, self.after)
    }
}

/// A link that can be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub address: Address,
    pub shown: Shown,
    /// Whole sentences; none for a link that is what it seems.
    pub warnings: Vec<String>,
}

/// What a link is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Open(Link),
    /// Never opened: its address as far as it can be shown, and why not.
    Dead {
        shown: String,
        why: String,
    },
}

impl Target {
    /// The address in one line, for the status line.
    pub fn shown(&self) -> String {
        match self {
            Target::Open(link) => link.shown.to_string(),
            Target::Dead { shown, .. } => shown.clone(),
        }
    }
}

/// Judges the target of a link; `text` is what a person reads there, empty for none. Total and linear.
pub fn link(target: &str, text: &str) -> Target {
    super::guarded(|| judged(target, text)).unwrap_or_else(|| dead(target, "Its address could not be understood."))
}

fn judged(target: &str, text: &str) -> Target {
    if target.len() > LONGEST_LOOKED_AT {
        return dead(target, "Its address is longer than any address needs to be.");
    }
    let trimmed = target.trim_matches(|each: char| each.is_ascii_whitespace() || each.is_ascii_control());
    if trimmed.is_empty() {
        return dead(target, "It has no address.");
    }
    if trimmed.starts_with('-') {
        return dead(target, "It begins with a hyphen, which programs take for an order.");
    }
    if trimmed.starts_with("\\\\") || trimmed.starts_with("//") {
        return dead(target, "It leads to a file server, or to nothing outside of its page.");
    }
    let mut warnings = disguises(trimmed);
    let bare_web = trimmed.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("www."));
    let parsed = if bare_web { Url::parse(&format!("http://{trimmed}")) } else { Url::parse(trimmed) };
    let Ok(url) = parsed else {
        return dead(target, "It is not an address that leads anywhere outside of this message.");
    };
    match url.scheme() {
        "http" | "https" => web(&url, trimmed, text, warnings),
        "mailto" => mail(&url, target, text, &mut warnings),
        scheme => dead(target, &refused(scheme)),
    }
}

fn dead(target: &str, why: &str) -> Target {
    const SHOWN: usize = 300;
    let mut shown: String = visible_line(target.get(..LONGEST_LOOKED_AT).unwrap_or(target));
    if shown.chars().nth(SHOWN).is_some() {
        shown = shown.chars().take(SHOWN).chain(['…']).collect();
    }
    Target::Dead { shown, why: why.to_owned() }
}

/// Why a scheme is not opened.
fn refused(scheme: &str) -> String {
    match scheme {
        "javascript" | "vbscript" | "livescript" => "It is a program, not an address.".to_owned(),
        "data" | "blob" | "about" | "view-source" | "filesystem" => {
            "It carries its page within itself, which no server answers for.".to_owned()
        }
        "file" | "smb" | "nfs" | "afp" | "dav" | "webdav" | "cifs" => {
            "It leads to a file on this computer or on a file server, which would learn who you are.".to_owned()
        }
        "tel" | "sms" | "callto" | "facetime" => "Postkeep does not call numbers.".to_owned(),
        "cid" | "mid" => "It leads to another part of a message.".to_owned(),
        other if other.starts_with("ms-") || other.contains("search") || other.contains("shell") => {
            "It would start a program of this computer with what the sender wrote.".to_owned()
        }
        other => format!("Only web pages and mail addresses are opened from here, not “{}:”.", visible_line(other)),
    }
}

/// Tricks in the way an address is written, which are gone once it is parsed.
fn disguises(written: &str) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut add = |applies: bool, sentence: &str| {
        if applies {
            warnings.push(sentence.to_owned());
        }
    };
    let path = written.find("://").and_then(|at| written.get(at.saturating_add(3)..)?.find('/'));
    let authority = path.map_or(written.len(), |at| at.saturating_add(written.find("://").unwrap_or(0)));
    let front = written.get(..authority).unwrap_or(written);
    let is_turned = |each: char| matches!(each, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}');
    add(written.contains(is_turned), "Its address holds characters that turn the direction of writing around.");
    add(
        written.chars().any(|each| visible::is_hidden(each) && !each.is_control() && !is_turned(each)),
        "Its address holds characters that cannot be seen.",
    );
    add(
        front.contains(|each: char| each.is_control()),
        "Its address is broken up by tabs or line ends, which browsers leave out.",
    );
    let web = front.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("http"));
    add(web && front.contains('\\'), "Its address is written with backslashes, which hides where it leads.");
    warnings
}

fn web(url: &Url, written: &str, text: &str, mut warnings: Vec<String>) -> Target {
    let Some(host) = url.host() else {
        return dead(written, "Its address names no server.");
    };
    let address = match Address::of(url) {
        Ok(address) => address,
        Err(why) => return dead(written, why),
    };
    let (shown_host, look_alike) = match &host {
        Host::Domain(name) => host::shown(name),
        other => (other.to_string(), false),
    };
    if !url.username().is_empty() || url.password().is_some() {
        let user = visible_line(&percent_decode_str(url.username()).decode_utf8_lossy());
        warnings.push(format!("What stands before the @ (“{user}”) is a user’s name. The link leads to {shown_host}."));
    }
    if !matches!(host, Host::Domain(_)) {
        let plain = written.contains(&shown_host);
        let how = if plain { "" } else { ", written so that it does not look like one" };
        warnings.push(format!("It leads to a bare number on the network, {shown_host}{how}."));
    } else if host::is_local(&shown_host) {
        warnings.push(format!("It leads into your own network, to {shown_host}."));
    }
    if look_alike {
        let letters = host::letters(url.host_str().unwrap_or_default());
        warnings.push(format!(
            "The name “{letters}” is made of letters that look like others. Its true name is {shown_host}."
        ));
    }
    if let Some(port) = url.port() {
        warnings.push(format!("It leads to the unusual port {port} of {shown_host}."));
    }
    if matches!(host, Host::Domain(_)) && (shown_host.len() > LONG_HOST || shown_host.split('.').count() > MANY_LABELS)
    {
        let end = host::ending(&shown_host);
        warnings.push(format!("The server’s name is very long. What counts is its end: {end}."));
    }
    if let Some(named) =
        host::named_in(text).filter(|named| !host::same_house(named, url.host_str().unwrap_or_default()))
    {
        warnings.push(format!("The text says {}, but the link leads to {shown_host}.", host::shown(&named).0));
    }
    Target::Open(Link { shown: Shown { host: shown_host, ..around(url) }, address, warnings })
}

/// What stands before and behind the host.
fn around(url: &Url) -> Shown {
    let whole = url.as_str();
    let authority_end = url[..url::Position::AfterPort].len();
    let before = &url[..url::Position::BeforeHost];
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let rest = whole.get(authority_end..).unwrap_or_default();
    Shown {
        before: before.to_owned(),
        host: String::new(),
        after: format!("{port}{}", if rest == "/" { "" } else { rest }),
    }
}

/// A mail link: to, cc, subject and body are taken over, and nothing else.
fn mail(url: &Url, written: &str, text: &str, warnings: &mut Vec<String>) -> Target {
    let decoded = |piece: &str| percent_decode_str(piece).decode_utf8_lossy().into_owned();
    let mut to = addresses(&decoded(url.path()));
    let (mut cc, mut subject, mut body) = (Vec::new(), String::new(), String::new());
    let mut left_out = Vec::new();
    for pair in url.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match decoded(name).to_ascii_lowercase().as_str() {
            "to" => to.extend(addresses(&decoded(value))),
            "cc" => cc.extend(addresses(&decoded(value))),
            "subject" => subject = visible_line(&decoded(value)),
            "body" => body = super::visible(&decoded(value).replace("\r\n", "\n")),
            other => left_out.push(visible_line(other)),
        }
    }
    if let Some(what) = left_out.iter().find(|name| matches!(name.as_str(), "attach" | "attachment")) {
        warnings.push(format!("It would have attached a file of this computer (“{what}”). That was left out."));
    }
    if left_out.iter().any(|name| name == "bcc") {
        warnings.push("It would have sent a hidden copy to someone else. That was left out.".to_owned());
    }
    if to.is_empty() && cc.is_empty() {
        return dead(written, "It names no mail address.");
    }
    if let Some(named) = host::address_in(text).filter(|named| !to.iter().any(|one| one.eq_ignore_ascii_case(named))) {
        warnings.push(format!("The text says {named}, but the mail would go to {}.", to.join(", ")));
    }
    let address = Url::parse(&mailto(&to, &cc, &subject, &[], &body)).ok().and_then(|url| Address::of(&url).ok());
    let Some(address) = address else { return dead(written, "Its address is longer than any address needs to be.") };
    let shown = Shown { before: "mailto:".to_owned(), host: [to, cc].concat().join(", "), after: String::new() };
    Target::Open(Link { address, shown, warnings: std::mem::take(warnings) })
}

/// The addresses of a list, each made visible; what is no address is left out.
fn addresses(list: &str) -> Vec<String> {
    let one_word = |piece: &str| visible_line(piece).split_whitespace().collect::<String>();
    list.split(',').map(one_word).filter(|one| super::sender::is_valid(one) && !one.starts_with('-')).collect()
}

/// A mail link of our own making (RFC 6068). `further` are header fields, such as `In-Reply-To`.
pub fn mail_link(to: &[String], cc: &[String], subject: &str, further: &[(&str, &str)], body: &str) -> Option<Address> {
    let valid =
        |list: &[String]| -> Vec<String> { list.iter().filter(|one| super::sender::is_valid(one)).cloned().collect() };
    let link = mailto(&valid(to), &valid(cc), &visible_line(subject), further, &super::visible(body));
    Address::of(&Url::parse(&link).ok()?).ok()
}

fn mailto(to: &[String], cc: &[String], subject: &str, further: &[(&str, &str)], body: &str) -> String {
    let list = |list: &[String]| list.iter().map(|one| encoded(one, "@")).collect::<Vec<_>>().join(",");
    let mut fields = Vec::new();
    if !cc.is_empty() {
        fields.push(format!("cc={}", list(cc)));
    }
    if !subject.is_empty() {
        fields.push(format!("subject={}", encoded(subject, "")));
    }
    for (name, value) in further {
        fields.push(format!("{name}={}", encoded(&visible_line(value), "")));
    }
    if !body.is_empty() {
        fields.push(format!("body={}", encoded(&body.replace('\n', "\r\n"), "")));
    }
    let mark = if fields.is_empty() { "" } else { "?" };
    format!("mailto:{}{mark}{}", list(to), fields.join("&"))
}

/// Percent-encodes everything but letters, digits, `-._~` and `kept`.
fn encoded(text: &str, kept: &str) -> String {
    let plain =
        |octet: u8| octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) || kept.as_bytes().contains(&octet);
    let mut out = String::with_capacity(text.len());
    for octet in text.bytes() {
        if plain(octet) {
            out.push(char::from(octet));
        } else {
            out.push_str(&format!("%{octet:02X}"));
        }
    }
    out
}
