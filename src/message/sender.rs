//! Who a message says it is from, shown so that the line cannot lie: the true address is always there, and whatever the
//! name, the field or the header do to hide it is said in a sentence.

use super::fields::Section;
use super::visible::{self, visible_line};
use super::{Mailbox, addresses, words};

/// What is read as the sign in an address.
const AT: [char; 3] = ['@', '＠', '﹫'];
/// The characters of a name that are shown.
const LONGEST_NAME: usize = 120;
/// The longest address there can be (RFC 5321 section 4.5.3.1), with some room.
const LONGEST_ADDRESS: usize = 320;

/// The sender as it is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sender {
    /// The display name; empty when there is none, or when it says no more than the address.
    pub name: String,
    /// The address; where it is none, what the message gives for one.
    pub address: String,
    /// Whether it is an address that mail can come from. Else the line says "invalid sender".
    pub is_valid: bool,
    /// Whole sentences.
    pub warnings: Vec<String>,
}

impl Sender {
    /// What stands first: the name, else the address, else that there is none.
    pub fn called(&self) -> &str {
        match (self.is_valid, self.name.as_str(), self.address.as_str()) {
            (false, ..) => "Invalid sender",
            (true, "", address) => address,
            (true, name, _) => name,
        }
    }
}

/// The sender in a line that has room for one of both: the name, but the address where there is no name and where the name
/// holds an address that is another's.
pub fn called<'a>(name: &'a str, address: &'a str) -> &'a str {
    let lies = || address_within(name).is_some_and(|claimed| !claimed.eq_ignore_ascii_case(address));
    let name = if address.is_empty() || !name.contains(AT) || !lies() { name } else { address };
    if name.is_empty() { address } else { name }
}

/// The sender that a header section names. `hint` as in [`words::unfold`].
pub(super) fn of(header: &Section<'_>, reply_to: &[Mailbox], hint: &str) -> Sender {
    let fields: Vec<&[u8]> = header.all("from").collect();
    let mut warnings = Vec::new();
    if fields.len() > 1 {
        warnings.push(format!("This message has {} From lines. The first one is shown.", fields.len()));
    }
    let from_sender = fields.first().is_none_or(|raw| addresses::parse(raw, hint).is_empty());
    let raw = if from_sender { header.first("sender") } else { fields.first().copied() };
    let Some(raw) = raw else {
        return Sender { warnings: vec!["This message does not say who sent it.".to_owned()], ..Sender::default() };
    };
    let list = addresses::parse(raw, hint);
    if list.len() > 1 {
        let all: Vec<&str> = list
            .iter()
            .map(|one| if one.address.is_empty() { &one.name } else { &one.address })
            .take(5)
            .map(String::as_str)
            .collect();
        warnings.push(format!("This message names {} senders: {}.", list.len(), all.join(", ")));
    }
    let mailbox = list.iter().find(|one| !one.address.is_empty()).or(list.first()).cloned().unwrap_or_default();
    let field = words::unfold(raw, hint);
    let mut sender = judged(mailbox, &field, raw, warnings);
    sender.warnings.extend(answers_elsewhere(&sender, reply_to));
    sender
}

fn judged(mailbox: Mailbox, field: &str, raw: &[u8], mut warnings: Vec<String>) -> Sender {
    let decoded = words::decode(field);
    let is_valid = is_valid(&mailbox.address) && stands_in(&mailbox.address, field);
    if !is_valid {
        warnings.push("The sender’s address is not one that mail can come from.".to_owned());
    }
    let controls = raw.contains(&0) || decoded.contains(|each: char| each.is_control() && each != '\t');
    let turned = decoded.contains(
        |each: char| matches!(each, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}'),
    );
    if controls {
        warnings.push("The sender’s line holds control characters, which could hide a part of it.".to_owned());
    } else if turned {
        warnings.push("The sender’s line holds characters that turn the direction of writing around.".to_owned());
    } else if decoded.chars().any(|each| visible::is_hidden(each) && each != '\u{ad}' && each != '\t') {
        warnings.push("The sender’s line holds characters that cannot be seen.".to_owned());
    }
    if let Some(claimed) =
        address_within(&mailbox.name).filter(|claimed| !claimed.eq_ignore_ascii_case(&mailbox.address))
    {
        let true_one = if is_valid { format!("It came under {}.", mailbox.address) } else { String::new() };
        warnings.push(
            format!("The sender’s name holds an address, {claimed}, that is not the sender’s. {true_one}")
                .trim_end()
                .to_owned(),
        );
    }
    let name =
        if mailbox.name.eq_ignore_ascii_case(&mailbox.address) { String::new() } else { shortened(&mailbox.name) };
    // Where there is no address, the line as it came is what can be said.
    let address = if mailbox.address.is_empty() { shortened(&visible_line(&decoded)) } else { mailbox.address };
    Sender { name, address: shortened_address(&address), is_valid, warnings }
}

fn shortened(name: &str) -> String {
    if name.chars().nth(LONGEST_NAME).is_none() {
        return name.to_owned();
    }
    name.chars().take(LONGEST_NAME).chain(['…']).collect()
}

/// An address that is too long for any line is cut in its middle: its end is what counts.
fn shortened_address(address: &str) -> String {
    let count = address.chars().count();
    if count <= LONGEST_ADDRESS {
        return address.to_owned();
    }
    let start: String = address.chars().take(40).collect();
    let end: String = address.chars().skip(count.saturating_sub(80)).collect();
    format!("{start}…{end}")
}

/// Whether the address stands in the field as it is shown, and was not put together from pieces that were encoded
/// (RFC 2047 section 5 forbids that) or from around comments.
fn stands_in(address: &str, field: &str) -> bool {
    let plain = |text: &str| -> String {
        visible_line(text).chars().filter(|each| !each.is_whitespace() && !matches!(each, '"' | '\\')).collect()
    };
    plain(field).contains(&plain(address))
}

/// Whether mail can come from an address: one @ outside quotes, a name before it, a host behind it.
pub(super) fn is_valid(address: &str) -> bool {
    if address.len() > LONGEST_ADDRESS {
        return false;
    }
    let Some((local, host)) = address.rsplit_once('@') else { return false };
    let quoted = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let plain = |each: char| !each.is_whitespace() && !each.is_control() && !"()<>[]:;@\\,\"".contains(each);
    let local_is_valid = match quoted {
        Some(inner) => !inner.is_empty() && !inner.contains(['"', '@', '<', '>']) && !inner.contains(char::is_control),
        None => !local.is_empty() && local.chars().all(plain),
    };
    let literal = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let host_is_valid = match literal {
        Some(inner) => {
            !inner.is_empty() && inner.chars().all(|each| each.is_ascii_alphanumeric() || matches!(each, '.' | ':'))
        }
        None => {
            let letters = |each: char| {
                each.is_alphanumeric() || matches!(each, '-' | '.' | '_') || (!each.is_ascii() && plain(each))
            };
            !host.is_empty() && !host.starts_with(['.', '-']) && !host.contains("..") && host.chars().all(letters)
        }
    };
    local_is_valid && host_is_valid
}

/// An address, or what looks like one, within a name. Other signs than @ look like it, too.
fn address_within(name: &str) -> Option<String> {
    let plain: String = name.chars().map(|each| if AT.contains(&each) { '@' } else { each }).collect();
    let words = plain.split(|each: char| each.is_whitespace() || "<>()[]\"',;:".contains(each));
    words
        .map(|word| word.trim_matches('.'))
        .find(|word| {
            let Some((local, host)) = word.rsplit_once('@') else { return false };
            !local.is_empty() && host.contains('.')
        })
        .map(str::to_owned)
}

/// What to say when an answer would go to another house than the message came from.
fn answers_elsewhere(sender: &Sender, reply_to: &[Mailbox]) -> Option<String> {
    let domain = |address: &str| address.rsplit_once('@').map(|(_, host)| host.to_ascii_lowercase());
    let own = domain(&sender.address)?;
    let below = |one: &str, other: &str| one == other || one.ends_with(&format!(".{other}"));
    let other = reply_to
        .iter()
        .find(|mailbox| domain(&mailbox.address).is_some_and(|host| !below(&host, &own) && !below(&own, &host)))?;
    Some(format!("An answer would go to {}, which is elsewhere than the sender.", other.address))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::head;
    use super::*;

    fn sender(header: &str) -> Sender {
        head(format!("{header}\r\nSubject: s\r\n\r\ntext\r\n").as_bytes()).sender
    }

    /// A header, what stands first, the address that is shown, whether it is valid, a word of the warnings.
    type Case = (&'static str, &'static str, &'static str, bool, &'static str);

    #[test]
    fn a_name_that_holds_another_address_does_not_stand_for_the_sender() {
        for (name, address, expected) in [
            ("Ann", "ann@example.org", "Ann"),
            ("", "ann@example.org", "ann@example.org"),
            ("Ann @ Home", "ann@example.org", "Ann @ Home"),
            ("ANN@example.org", "ann@example.org", "ANN@example.org"),
            ("Bank service@bank.example", "x@evil.example", "x@evil.example"),
            ("service＠bank.example", "x@evil.example", "x@evil.example"),
            ("service@bank.example", "", "service@bank.example"),
            ("", "", ""),
        ] {
            assert_eq!(super::called(name, address), expected);
        }
    }

    #[test]
    fn honest_senders_are_shown_as_they_are() {
        for (header, called, address) in [
            ("From: Ann <ann@example.org>", "Ann", "ann@example.org"),
            ("From: ann@example.org", "ann@example.org", "ann@example.org"),
            ("From: \"ann@example.org\" <ann@example.org>", "ann@example.org", "ann@example.org"),
            ("From: =?utf-8?Q?Bj=C3=B6rn?= <b@example.org>", "Björn", "b@example.org"),
            ("From: \"Bee, Ann\" <ann@example.org>\r\nReply-To: list@lists.example.org", "Bee, Ann", "ann@example.org"),
            ("From: Ann @ Home <ann@example.org>", "Ann @ Home", "ann@example.org"),
            ("From: \"ann bee\"@example.org", "\"ann bee\"@example.org", "\"ann bee\"@example.org"),
            ("From: Pelé <pelé@exämple.org>", "Pelé", "pelé@exämple.org"),
            ("From: Root <root@[192.0.2.1]>", "Root", "root@[192.0.2.1]"),
            ("Sender: Ann <ann@example.org>", "Ann", "ann@example.org"),
        ] {
            let sender = sender(header);
            assert_eq!((sender.called(), sender.address.as_str()), (called, address), "{header}");
            assert!(sender.is_valid && sender.warnings.is_empty(), "{header}: {:?}", sender.warnings);
        }
    }

    /// The published Mailsploit payloads and their relatives (FAULTS 58): the true address is there, or "invalid sender".
    #[test]
    fn a_sender_cannot_pass_for_another() {
        let cases: [Case; 20] = [
            (
                "From: =?utf-8?b?cG90dXNAd2hpdGVob3VzZS5nb3Y=?==?utf-8?Q?=00?==?utf-8?b?cG90dXNAd2hpdGVob3VzZS5nb3Y=?=@evil.example",
                "Invalid sender",
                "potus@whitehouse.govpotus@whitehouse.gov@evil.example",
                false,
                "control",
            ),
            (
                "From: =?utf-8?b?cG90dXNAd2hpdGVob3VzZS5nb3Y=?==?utf-8?Q?=0A=00?=@evil.example",
                "Invalid sender",
                "potus@whitehouse.gov@evil.example",
                false,
                "control",
            ),
            (
                "From: =?utf-8?Q?=42=45=47=49=4E=20=2F=20=28=7C=29=7C=3C=7C=3E=7C=40?= <a@evil.example>",
                "BEGIN / (|)|<|>|@",
                "a@evil.example",
                true,
                "",
            ),
            (
                "From: =?utf-8?b?cG90dXNAd2hpdGVob3VzZS5nb3Y=?= <a@evil.example>",
                "potus@whitehouse.gov",
                "a@evil.example",
                true,
                "came under a@evil.example",
            ),
            (
                "From: \"potus@whitehouse.gov\" <a@evil.example>",
                "potus@whitehouse.gov",
                "a@evil.example",
                true,
                "potus@whitehouse.gov",
            ),
            (
                "From: potus@whitehouse.gov <a@evil.example>",
                "potus@whitehouse.gov",
                "a@evil.example",
                true,
                "potus@whitehouse.gov",
            ),
            (
                "From: =?utf-8?Q?potus@whitehouse.gov=00?= <a@evil.example>",
                "potus@whitehouse.gov",
                "a@evil.example",
                true,
                "control",
            ),
            (
                "From: =?utf-8?Q?potus=40whitehouse.gov=0D=0A?= <a@evil.example>",
                "potus@whitehouse.gov",
                "a@evil.example",
                true,
                "control",
            ),
            (
                "From: \"potus＠whitehouse.gov\" <a@evil.example>",
                "potus＠whitehouse.gov",
                "a@evil.example",
                true,
                "potus@whitehouse.gov",
            ),
            (
                "From: <potus@whitehouse.gov>, <a@evil.example>",
                "potus@whitehouse.gov",
                "potus@whitehouse.gov",
                true,
                "2 senders: potus@whitehouse.gov, a@evil.example",
            ),
            (
                "From: potus@whitehouse.gov\r\nFrom: a@evil.example",
                "potus@whitehouse.gov",
                "potus@whitehouse.gov",
                true,
                "2 From lines",
            ),
            (
                "From: Group: potus@whitehouse.gov, a@evil.example;",
                "potus@whitehouse.gov",
                "potus@whitehouse.gov",
                true,
                "2 senders",
            ),
            (
                "From: potus@whitehouse.gov (a@evil.example)",
                "a@evil.example",
                "potus@whitehouse.gov",
                true,
                "came under potus@whitehouse.gov",
            ),
            ("From: <a(potus@whitehouse.gov)@evil.example>", "Invalid sender", "a@evil.example", false, "not one"),
            (
                "From: \u{202e}vog.esuohetihw@sutop\u{202c} <a@evil.example>",
                "vog.esuohetihw@sutop",
                "a@evil.example",
                true,
                "direction",
            ),
            ("From: pay\u{200b}pal <a@evil.example>", "paypal", "a@evil.example", true, "cannot be seen"),
            (
                "From: \"Bank <service@bank.example>\" <a@evil.example>",
                "Bank <service@bank.example>",
                "a@evil.example",
                true,
                "service@bank.example",
            ),
            (
                "From: Ann <ann@example.org>\r\nReply-To: a@evil.example",
                "Ann",
                "ann@example.org",
                true,
                "go to a@evil.example",
            ),
            ("From: =?utf-8?Q?=3Cann@example.org=3E?=", "Invalid sender", "<ann@example.org>", false, "not one"),
            ("Subject: none", "Invalid sender", "", false, "does not say"),
        ];
        for (header, called, address, valid, warning) in cases {
            let sender = sender(header);
            assert_eq!(
                (sender.called(), sender.address.as_str(), sender.is_valid),
                (called, address, valid),
                "{header:?}"
            );
            assert!(
                sender.warnings.iter().any(|said| said.contains(warning)) || warning.is_empty(),
                "{header:?}: {:?}",
                sender.warnings
            );
            assert!(sender.warnings.iter().all(|said| said.ends_with('.')), "{:?}", sender.warnings);
        }
    }

    #[test]
    fn a_very_long_name_or_address_leaves_room_for_the_truth() {
        let name = format!("From: \"{}\" <a@evil.example>", "potus@whitehouse.gov ".repeat(500));
        let found = sender(&name);
        assert!(found.name.chars().count() <= LONGEST_NAME + 1 && found.address == "a@evil.example");
        let found = sender(&format!("From: <{}@evil.example>", "potus@whitehouse.gov".repeat(200)));
        assert!(!found.is_valid && found.address.ends_with("@evil.example"), "{}", found.address);
        assert!(found.address.chars().count() < LONGEST_ADDRESS);
    }

    proptest! {
        #[test]
        fn any_from_line_is_shown_in_safe_lines(raw in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut original = b"From: ".to_vec();
            original.extend(raw);
            original.extend(b"\r\n\r\ntext");
            let sender = head(&original).sender;
            for line in [&sender.name, &sender.address].into_iter().chain(&sender.warnings) {
                prop_assert_eq!(&visible_line(line), line);
            }
            prop_assert!(sender.is_valid || !sender.warnings.is_empty());
        }
    }
}
