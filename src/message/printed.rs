//! What stands over a message on paper.

use std::fmt::Write as _;

use super::page::direction;
use super::{Attachment, Envelope, Mailbox};

/// Recipients and attachments that are named; the rest is counted.
const MOST_NAMED: usize = 25;

/// See [`super::printed_head`].
pub(super) fn head(envelope: &Envelope, date: &str, attachments: &[Attachment]) -> String {
    let subject = if envelope.subject.is_empty() { "No subject" } else { &envelope.subject };
    let mut out = format!(
        "<div style=\"color:#000;font-size:13px\">\
         <div{} style=\"font-size:20px;font-weight:bold;margin-bottom:8px;text-align:left\">{}</div>\
         <table style=\"font-size:13px;border-spacing:0\">",
        direction(subject),
        escaped(subject)
    );
    let from = std::slice::from_ref(&envelope.from);
    for (name, list) in [("From", from), ("To", envelope.to.as_slice()), ("Cc", envelope.cc.as_slice())] {
        field(&mut out, name, &named(list.iter().map(shown).collect()));
    }
    field(&mut out, "Date", date);
    let files = attachments.iter().filter(|part| !part.unpacked).map(|part| part.safe_name.clone());
    field(&mut out, "Attached", &named(files.collect()));
    out + "</table><div style=\"border-top:1px solid #999;margin-top:8px\"></div></div>"
}

fn field(out: &mut String, name: &str, value: &str) {
    if !value.is_empty() {
        let _ = write!(
            out,
            "<tr><td style=\"padding:1px 12px 1px 0;color:#555;vertical-align:top\">{name}</td>\
             <td style=\"padding:1px 0\">{}</td></tr>",
            escaped(value)
        );
    }
}

fn named(list: Vec<String>) -> String {
    let list: Vec<String> = list.into_iter().filter(|one| !one.is_empty()).collect();
    let rest = list.len().saturating_sub(MOST_NAMED);
    let named = list.iter().take(MOST_NAMED).map(|one| short(one)).collect::<Vec<_>>().join(", ");
    if rest == 0 { named } else { format!("{named} and {rest} more") }
}

/// A name as long as a head can bear.
fn short(name: &str) -> String {
    match name.char_indices().nth(300) {
        Some((end, _)) => format!("{}…", name.get(..end).unwrap_or_default()),
        None => name.to_owned(),
    }
}

fn shown(mailbox: &Mailbox) -> String {
    match (mailbox.name.as_str(), mailbox.address.as_str()) {
        ("", address) => address.to_owned(),
        (name, "") => name.to_owned(),
        (name, address) => format!("{name} <{address}>"),
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    super::page::escape(&mut out, text);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_names_who_when_and_what_and_nothing_in_it_is_markup() {
        let mailbox = |name: &str, address: &str| Mailbox { name: name.to_owned(), address: address.to_owned() };
        let envelope = Envelope {
            subject: "<img src=x> & more".to_owned(),
            from: mailbox("Bee", "bee@example.org"),
            to: (0..40).map(|number| mailbox("", &format!("a{number}@example.org"))).collect(),
            ..Envelope::default()
        };
        let part = |name: &str, unpacked| Attachment { safe_name: name.to_owned(), unpacked, ..Attachment::default() };
        let head = head(&envelope, "2 March", &[part("a.pdf", false), part("winmail.dat", true)]);
        assert!(
            head.contains("&lt;img src=x&gt; &amp; more") && head.contains("Bee &lt;bee@example.org&gt;"),
            "{head}"
        );
        assert!(head.contains("a24@example.org and 15 more") && !head.contains("a25@"), "{head}");
        assert!(head.contains("2 March") && head.contains("a.pdf") && !head.contains("winmail"), "{head}");
        assert!(!head.contains(">Cc<"), "{head}");
    }
}
