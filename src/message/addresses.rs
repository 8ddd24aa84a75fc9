//! Address lists (RFC 5322 section 3.4): names, quoted names, comments, groups, routes, and what programs write instead.
//! One pass over the text; never opens more than it can count.

use super::Mailbox;
use super::visible::visible_line;
use super::words;

/// The mailboxes of one field that are kept.
const MOST_MAILBOXES: usize = 2_000;

/// Reads a From, To, Cc, Reply-To or Sender field. Groups give their members. `hint` as in [`words::unfold`].
pub(super) fn parse(raw: &[u8], hint: &str) -> Vec<Mailbox> {
    let text = words::unfold(raw, hint);
    let mut list = Vec::new();
    let mut entry = Entry::default();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if list.len() >= MOST_MAILBOXES {
            return list;
        }
        match character {
            '"' => entry.push_quoted(&mut characters),
            '(' => entry.push_comment(&mut characters),
            '<' => entry.push_angle(&mut characters),
            ',' | ';' => list.extend(std::mem::take(&mut entry).finish()),
            ':' if entry.names_group() => entry = Entry::default(),
            '\\' => entry.push(characters.next().unwrap_or('\\')),
            other => entry.push(other),
        }
    }
    list.extend(entry.finish());
    list
}

/// One entry of the list while it is read.
#[derive(Default)]
struct Entry {
    /// Outside angle brackets and comments, quotes taken off: the name, if there are angle brackets.
    phrase: String,
    /// The same with its quotes: the address, if there are none.
    written: String,
    comment: String,
    angle: Option<String>,
}

impl Entry {
    fn push(&mut self, character: char) {
        self.phrase.push(character);
        self.written.push(character);
    }

    fn push_quoted(&mut self, characters: &mut std::str::Chars<'_>) {
        self.written.push('"');
        while let Some(character) = characters.next() {
            let inner = match character {
                '"' => break,
                '\\' => characters.next().unwrap_or('\\'),
                other => other,
            };
            if matches!(inner, '"' | '\\') {
                self.written.push('\\');
            }
            self.push(inner);
        }
        self.written.push('"');
    }

    fn push_comment(&mut self, characters: &mut std::str::Chars<'_>) {
        if !self.comment.is_empty() {
            self.comment.push(' ');
        }
        let mut depth = 1_usize;
        while let Some(character) = characters.next() {
            match character {
                '\\' => self.comment.push(characters.next().unwrap_or('\\')),
                '(' => {
                    depth = depth.saturating_add(1);
                    self.comment.push('(');
                }
                ')' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        break;
                    }
                    self.comment.push(')');
                }
                other => self.comment.push(other),
            }
        }
        // A comment separates words.
        self.push(' ');
    }

    fn push_angle(&mut self, characters: &mut std::str::Chars<'_>) {
        let mut address = String::new();
        let mut quoted = false;
        let mut comments = 0_usize;
        for character in characters.by_ref() {
            match character {
                '(' if !quoted => comments = comments.saturating_add(1),
                ')' if !quoted => comments = comments.saturating_sub(1),
                '>' if !quoted => break,
                _ if comments > 0 => (),
                // "<<someone@example.com>>"
                '<' if !quoted => address.clear(),
                '"' => {
                    quoted = !quoted;
                    address.push('"');
                }
                other => address.push(other),
            }
        }
        let address = without_route(address.trim());
        if self.angle.as_deref().unwrap_or_default().is_empty() {
            self.angle = Some(address.to_owned());
        }
    }

    /// Whether a colon here ends the name of a group, not a word of an address.
    fn names_group(&self) -> bool {
        self.angle.is_none() && !self.written.contains('@')
    }

    fn finish(self) -> Option<Mailbox> {
        let (name, address) = match &self.angle {
            Some(address) => (self.phrase.clone(), address.clone()),
            None => split_bare(&self.written).unwrap_or_else(|| (self.phrase.clone(), String::new())),
        };
        let mut name = shown(&name);
        if name.is_empty() {
            name = shown(&self.comment);
        }
        let address = address_line(&address);
        if address.is_empty() && name.contains('@') && !name.contains(' ') {
            return Some(Mailbox { name: String::new(), address: name });
        }
        (!name.is_empty() || !address.is_empty()).then_some(Mailbox { name, address })
    }
}

fn shown(name: &str) -> String {
    let name = visible_line(&words::decode(name));
    let bare = name.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).filter(|rest| !rest.contains('\''));
    bare.map_or(name.clone(), |bare| bare.trim().to_owned())
}

/// An address is one word: blanks that folding or typing left in it are taken out, but not those between quotes.
fn address_line(address: &str) -> String {
    let address = visible_line(&words::decode(address));
    if address.contains('"') { address } else { address.split_whitespace().collect() }
}

/// "@relay,@other:someone@example.com" (RFC 5322 section 4.4) and "mailto:someone@example.com".
fn without_route(address: &str) -> &str {
    let address = address.strip_prefix("mailto:").unwrap_or(address);
    if !address.starts_with('@') {
        return address;
    }
    address.split_once(':').map_or(address, |(_, after)| after.trim())
}

/// An entry without angle brackets: everything an address, or one word an address and the rest a name. Where several
/// words are addresses a comma was forgotten, and the first one counts.
fn split_bare(written: &str) -> Option<(String, String)> {
    let words = words_outside_quotes(written);
    let is_address = |word: &&str| word.trim_matches('"').contains('@');
    let broken = words.iter().any(|word| word.starts_with('@') || word.ends_with('@'));
    if words.len() == 1 || broken {
        return written.contains('@').then(|| (String::new(), written.trim().to_owned()));
    }
    let of_addresses = words.iter().filter(|word| is_address(word)).count();
    let address = words.iter().copied().find(|word| is_address(word))?;
    let rest = words.iter().filter(|word| of_addresses == 1 && **word != address).map(|word| word.trim_matches('"'));
    Some((rest.collect::<Vec<_>>().join(" "), address.to_owned()))
}

/// The words of `text`, where white space between quotes separates nothing.
fn words_outside_quotes(text: &str) -> Vec<&str> {
    let (mut quoted, mut escaped) = (false, false);
    let ends_word = |character: char| {
        let was_escaped = std::mem::take(&mut escaped);
        match character {
            '\\' if quoted && !was_escaped => escaped = true,
            '"' if !was_escaped => quoted = !quoted,
            _ => (),
        }
        !quoted && character.is_whitespace()
    };
    text.split(ends_word).filter(|word| !word.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(raw: &str, expected: &[(&str, &str)]) {
        let found = parse(raw.as_bytes(), "");
        let found: Vec<(&str, &str)> = found.iter().map(|one| (one.name.as_str(), one.address.as_str())).collect();
        assert_eq!(found, expected, "{raw}");
    }

    #[test]
    fn shapes_of_addresses() {
        check("a@b.example", &[("", "a@b.example")]);
        check("<a@b.example>", &[("", "a@b.example")]);
        check("Ann Bee <a@b.example>", &[("Ann Bee", "a@b.example")]);
        check("\"Bee, Ann\" <a@b.example>, c@d.example", &[("Bee, Ann", "a@b.example"), ("", "c@d.example")]);
        check("\"An \\\"n\\\"\" <a@b.example>", &[("An \"n\"", "a@b.example")]);
        check("a@b.example (Ann (the) Bee)", &[("Ann (the) Bee", "a@b.example")]);
        check("(note) Ann <a@b.example>", &[("Ann", "a@b.example")]);
        check("Friends: a@b.example, Cee <c@d.example>;", &[("", "a@b.example"), ("Cee", "c@d.example")]);
        check("undisclosed-recipients:;", &[]);
        check("=?utf-8?Q?Bj=C3=B6rn=2C_x?= <b@c.example>", &[("Björn, x", "b@c.example")]);
        check("\"=?utf-8?Q?Bj=C3=B6rn?=\" <b@c.example>", &[("Björn", "b@c.example")]);
        check("<@relay.example,@other.example:a@b.example>", &[("", "a@b.example")]);
        check("Ann Bee a@b.example", &[("Ann Bee", "a@b.example")]);
        check("\"ann bee\"@b.example", &[("", "\"ann bee\"@b.example")]);
        check("<\"a>b\"@c.example>", &[("", "\"a>b\"@c.example")]);
        check("a @ b . example", &[("", "a@b.example")]);
        check("Mailer Daemon", &[("Mailer Daemon", "")]);
        check("Open <a@b.example", &[("Open", "a@b.example")]);
        check("'Ann' <a@b.example>", &[("Ann", "a@b.example")]);
        check("\"a@b.example\" <c@d.example>", &[("a@b.example", "c@d.example")]);
        check("Ann\r\n  Bee\r\n <a@b.example>", &[("Ann Bee", "a@b.example")]);
        check("\"Ann Bee\" a@b.example", &[("Ann Bee", "a@b.example")]);
        check("a@b.example c@d.example", &[("", "a@b.example")]);
        check("a@b.example Ann", &[("Ann", "a@b.example")]);
        check("Ann <a(my account)@b.example(home)> (note)", &[("Ann", "a@b.example")]);
        check("", &[]);
        check(",;,<>", &[]);
    }

    proptest! {
        #[test]
        fn any_octets_give_single_safe_lines(raw in proptest::collection::vec(any::<u8>(), 0..300)) {
            for mailbox in parse(&raw, "") {
                prop_assert!(!mailbox.name.chars().any(char::is_control));
                prop_assert!(!mailbox.address.chars().any(char::is_control));
            }
        }
    }
}
