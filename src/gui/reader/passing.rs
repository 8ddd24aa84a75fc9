//! Passing a message on: replying and forwarding through the system's mail program (mailto:, RFC 6068), keeping it as a file,
//! copying it as text. A mailto: link is short and carries no files, and the words here say so.

use std::path::{Path, PathBuf};

use super::{Action, Message, Note, Open, Told, parts, shown};
use crate::account::MessageId;
use crate::archive::Archive;
use crate::gui::off::{off, unwritten};
use crate::gui::opener;
use crate::gui::words::Clock;
use crate::message::links::{Address, LONGEST, mail_link};
use crate::message::{self, Mailbox};
use crate::problem::Problem;
use crate::{new_file, settings};

/// How a message is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Reply,
    ReplyAll,
    Forward,
}

/// The octets of a link that its quotation may take; the rest is for addresses and subject.
const LONGEST_QUOTATION: usize = 1_200;

impl Open {
    pub(super) fn answer(&mut self, way: Way, clock: &Clock) -> Action {
        let Some((address, to)) = self.letter(way, clock) else {
            return self.said("This message names no address to reply to.".to_owned());
        };
        let asked = match way {
            Way::Forward if self.message.attachments.is_empty() => Message::Told(self.whose(), Told::Forwarded(
                "Your mail program was asked to forward the text. A long text goes along only in part; the whole message can be \
                 attached as a file."
                    .to_owned(),
            )),
            Way::Forward => Message::Told(self.whose(), Told::Forwarded(
                "Your mail program was asked to forward the text. What is attached cannot go along this way, but the whole \
                 message can be attached as a file."
                    .to_owned(),
            )),
            _ => Message::Noted(self.whose(), Note::Said(format!(
                "Your mail program was asked to write to {to}. If nothing opened, write to that address."
            ))),
        };
        Action::Run(off(move || opener::open(&address)).map(move |()| asked.clone()))
    }

    /// The link for an answer, and whom it goes to in words.
    pub(super) fn letter(&self, way: Way, clock: &Clock) -> Option<(Address, String)> {
        let envelope = &self.message.envelope;
        let (to, cc) = match way {
            Way::Forward => (Vec::new(), Vec::new()),
            way => self.recipients_of_answer(way == Way::ReplyAll),
        };
        if way != Way::Forward && to.is_empty() {
            return None;
        }
        let subject =
            if way == Way::Forward { marked("Fwd", &envelope.subject) } else { marked("Re", &envelope.subject) };
        let id = envelope.message_id.as_ref().filter(|id| way != Way::Forward && id.len() < 250);
        let answers = id.map(|id| format!("<{id}>"));
        let further: Vec<(&str, &str)> = answers.iter().map(|id| ("In-Reply-To", id.as_str())).collect();
        let body = if way == Way::Forward { self.forwarded(clock) } else { self.quoted(clock) };
        // A link that is too long is tried without the quotation, then to the first address alone.
        let link = mail_link(&to, &cc, &subject, &further, &body)
            .or_else(|| mail_link(&to, &cc, &subject, &further, ""))
            .or_else(|| {
                mail_link(to.get(..1).unwrap_or_default(), &[], &subject.chars().take(200).collect::<String>(), &[], "")
            })?;
        Some((link, to.join(", ")))
    }

    /// To and Cc of an answer: to where answers are wanted, and with `all` to everyone but oneself.
    fn recipients_of_answer(&self, all: bool) -> (Vec<String>, Vec<String>) {
        let envelope = &self.message.envelope;
        let valid = |mailbox: &&Mailbox| mailbox.address.contains('@');
        let own = |mailbox: &&Mailbox| self.own.iter().any(|own| own.eq_ignore_ascii_case(&mailbox.address));
        let mut to: Vec<String> = Vec::new();
        let add = |list: &mut Vec<String>, mailbox: &Mailbox, not: &[String]| {
            let known = |one: &String| one.eq_ignore_ascii_case(&mailbox.address);
            if !list.iter().any(known) && !not.iter().any(known) {
                list.push(mailbox.address.clone());
            }
        };
        let wanted =
            if envelope.reply_to.is_empty() { std::slice::from_ref(&envelope.from) } else { &envelope.reply_to };
        wanted.iter().filter(valid).for_each(|mailbox| add(&mut to, mailbox, &[]));
        let mut cc = Vec::new();
        if all {
            envelope.to.iter().filter(valid).filter(|one| !own(one)).for_each(|mailbox| add(&mut to, mailbox, &[]));
            envelope.cc.iter().filter(valid).filter(|one| !own(one)).for_each(|mailbox| add(&mut cc, mailbox, &to));
        }
        (to, cc)
    }

    fn quoted(&self, clock: &Clock) -> String {
        let from = &self.message.envelope.from;
        let who = if from.name.is_empty() { &from.address } else { &from.name };
        let mut out = format!("\n\n{}, {who} wrote:\n", clock.dated(self.row.date));
        push_within(&mut out, &self.message.text, "> ");
        out
    }

    fn forwarded(&self, clock: &Clock) -> String {
        let envelope = &self.message.envelope;
        let to: Vec<String> = envelope.to.iter().take(5).map(shown).collect();
        let mut out = format!(
            "\n\n---------- Forwarded message ----------\nFrom: {}\nDate: {}\nSubject: {}\nTo: {}\n\n",
            shown(&envelope.from),
            clock.dated(self.row.date),
            envelope.subject,
            to.join(", ")
        );
        push_within(&mut out, &self.message.text, "");
        out
    }

    /// Writes the message, byte for byte, where downloads go.
    pub(super) fn keep(&mut self, archive: &Archive) -> Action {
        let (archive, of) = (archive.clone(), self.whose());
        let whose = of.clone();
        let subject: String = self.row.subject.chars().take(80).collect();
        let name = message::safe_name(&format!("{}.eml", subject.trim()), "message.eml");
        let kept = off(move || {
            let folder = settings::downloads_folder().or_else(std::env::home_dir).unwrap_or_default();
            keep(&archive, of.id, &of.path, &name, &folder)
        });
        Action::Run(kept.map(move |kept| match kept {
            Ok(path) => Message::Told(whose.clone(), Told::Kept(path)),
            Err(problem) => Message::Noted(whose.clone(), Note::Failed(problem)),
        }))
    }

    /// The message as text, with what stands over it.
    pub(super) fn as_text(&self, clock: &Clock) -> String {
        let envelope = &self.message.envelope;
        let list = |list: &[Mailbox]| list.iter().map(shown).collect::<Vec<_>>().join(", ");
        let mut out = format!("From: {}\nTo: {}\n", shown(&envelope.from), list(&envelope.to));
        if !envelope.cc.is_empty() {
            out.push_str(&format!("Cc: {}\n", list(&envelope.cc)));
        }
        out.push_str(&format!(
            "Date: {}\nSubject: {}\n\n{}\n",
            clock.dated(self.row.date),
            envelope.subject,
            self.message.text
        ));
        out
    }
}

/// `Re: subject`, where it does not begin so already.
fn marked(mark: &str, subject: &str) -> String {
    let known: &[&str] = if mark == "Re" { &["re:", "aw:", "sv:", "antw:"] } else { &["fwd:", "fw:", "wg:"] };
    let lower = subject.trim_start().to_lowercase();
    if known.iter().any(|known| lower.starts_with(known)) { subject.to_owned() } else { format!("{mark}: {subject}") }
}

/// Puts lines behind `out` for as long as a link has room for them.
fn push_within(out: &mut String, text: &str, sign: &str) {
    let cost = |text: &str| text.bytes().map(|octet| if octet.is_ascii_alphanumeric() { 1 } else { 3 }).sum::<usize>();
    let mut left = LONGEST_QUOTATION.min(LONGEST).saturating_sub(cost(out));
    for line in text.lines() {
        let line = format!("{sign}{line}\n");
        let Some(less) = left.checked_sub(cost(&line) + 3) else {
            out.push_str(sign);
            out.push_str("[...]\n");
            return;
        };
        left = less;
        out.push_str(&line);
    }
}

/// Writes the original into `folder`, never over a file that is there.
fn keep(archive: &Archive, id: MessageId, inside: &[usize], name: &str, folder: &Path) -> Result<PathBuf, Problem> {
    let original = parts::at(archive, id, inside).map_err(|error| Problem::from(&error))?.unwrap_or_default();
    new_file::write(folder, name, &original).map_err(|error| unwritten(name, &error))
}

#[cfg(test)]
mod tests {
    use super::super::{Dates, Loaded, Open};
    use super::{Way, keep, marked, push_within};
    use crate::account::MessageId;
    use crate::archive::{Archive, Incoming, Marks, Origin};
    use crate::gui::fixtures::{clock, letter, rows};
    use crate::message::Mailbox;
    use jiff::Timestamp;

    fn open() -> Open {
        let mut message = letter();
        let mailbox = |address: &str| Mailbox { name: String::new(), address: address.to_owned() };
        message.envelope.to = vec![mailbox("Anna@example.org"), mailbox("bee@example.org")];
        message.envelope.cc = vec![mailbox("cee@example.org"), mailbox("bee@example.org")];
        message.envelope.message_id = Some("1@b.example".to_owned());
        message.text = "Keys & boats\nsecond".to_owned();
        let mut open = Open::new(Loaded::new(rows().remove(0), Dates::default(), message), false);
        open.own = vec!["anna@example.org".to_owned()];
        open
    }

    #[test]
    fn a_reply_names_what_it_answers_and_quotes_it() {
        let (link, to) = open().letter(Way::Reply, &clock()).unwrap();
        assert_eq!(to, "letters@harbour-books.example");
        let link = link.as_str();
        assert!(link.starts_with("mailto:letters@harbour-books.example?subject=Re%3A%20November"), "{link}");
        assert!(link.contains("In-Reply-To=%3C1%40b.example%3E"), "{link}");
        assert!(
            link.ends_with("Harbour%20Books%20wrote%3A%0D%0A%3E%20Keys%20%26%20boats%0D%0A%3E%20second%0D%0A"),
            "{link}"
        );
    }

    #[test]
    fn a_reply_to_all_leaves_oneself_out_and_names_no_one_twice() {
        let (link, _) = open().letter(Way::ReplyAll, &clock()).unwrap();
        let link = link.as_str();
        assert!(link.starts_with("mailto:letters@harbour-books.example,bee@example.org?cc=cee@example.org&"), "{link}");
    }

    #[test]
    fn a_forward_has_no_address_yet_and_a_long_text_is_cut() {
        let mut open = open();
        open.message.text = "line of text, and more\n".repeat(500);
        let (link, _) = open.letter(Way::Forward, &clock()).unwrap();
        assert!(link.as_str().starts_with("mailto:?subject=Fwd%3A%20November"), "{}", link.as_str());
        assert!(link.as_str().contains("%5B...%5D") && !link.as_str().contains("In-Reply-To"));
        open.message.envelope.from = Mailbox::default();
        assert!(open.letter(Way::Reply, &clock()).is_none());
    }

    #[test]
    fn marks_are_put_once() {
        for (mark, subject, expected) in [
            ("Re", "boats", "Re: boats"),
            ("Re", "RE: boats", "RE: boats"),
            ("Re", "AW: boats", "AW: boats"),
            ("Fwd", "Fw: x", "Fw: x"),
            ("Fwd", "Re: x", "Fwd: Re: x"),
        ] {
            assert_eq!(marked(mark, subject), expected);
        }
        let mut out = String::new();
        push_within(&mut out, &"日本語\n".repeat(200), "> ");
        assert!(out.ends_with("> [...]\n") && out.len() < 1_300);
    }

    #[test]
    fn the_message_that_is_shown_is_kept_and_replaces_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::open(&folder.path().join("archive")).unwrap();
        let inner = "Subject: inner\r\n\r\ninside\r\n";
        let outer = format!("Subject: outer\r\nContent-Type: message/rfc822\r\n\r\n{inner}");
        archive
            .ingest(vec![Incoming {
                bytes: outer.clone().into_bytes(),
                arrived: Timestamp::now(),
                marks: Marks::default(),
                from: Origin::File { account: None },
            }])
            .unwrap();
        let kept = |inside: &[usize]| keep(&archive, MessageId(1), inside, "a.eml", folder.path()).unwrap();
        let (whole, part) = (kept(&[]), kept(&[0]));
        assert_eq!((whole.file_name().unwrap(), part.file_name().unwrap()), ("a.eml".as_ref(), "a (2).eml".as_ref()));
        assert_eq!(std::fs::read_to_string(whole).unwrap(), outer);
        assert_eq!(std::fs::read_to_string(part).unwrap(), inner);
    }
}
