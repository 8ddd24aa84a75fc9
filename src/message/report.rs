//! Reports of mail servers and programs in sentences: could not be delivered (RFC 3464), was displayed (RFC 8098).
//! They are read and never answered, and none is ever made.

use super::fields::{LineEnds, Section, section};
use super::visible::visible_line;
use super::words;

/// Recipients of one report that get a sentence.
const MOST: usize = 50;

/// What a report says of one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Whether the message did not arrive.
    pub failed: bool,
    /// What happened.
    pub sentence: String,
    /// What the other server said, in its own words; empty where it said nothing.
    pub said: String,
}

/// The field of a group: decoded, one line, without the type before its semicolon.
fn value(group: &Section<'_>, name: &str) -> String {
    let text = group.first(name).map(|raw| visible_line(&words::unstructured(raw, ""))).unwrap_or_default();
    match text.split_once(';') {
        Some((kind, rest)) if kind.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-') => {
            rest.trim().to_owned()
        }
        _ => text,
    }
}

fn groups(body: &[u8]) -> Vec<Section<'_>> {
    let ends = LineEnds::of(body);
    let mut rest = body;
    let mut found = Vec::new();
    while !rest.is_empty() && found.len() <= MOST {
        let (group, after) = section(rest, ends);
        if after.len() == rest.len() {
            break;
        }
        rest = after;
        if !group.is_empty() {
            found.push(group);
        }
    }
    found
}

/// What a message/delivery-status says, recipient by recipient.
pub(super) fn delivery(body: &[u8]) -> Vec<Report> {
    groups(body).iter().filter_map(recipient).collect()
}

fn recipient(group: &Section<'_>) -> Option<Report> {
    let action = value(group, "action").to_ascii_lowercase();
    let named = [value(group, "original-recipient"), value(group, "final-recipient")];
    let to = named.into_iter().map(|name| name.trim_matches(['<', '>']).to_owned()).find(|name| !name.is_empty())?;
    let status = value(group, "status");
    let status: String = status.chars().take_while(|each| each.is_ascii_digit() || *each == '.').collect();
    let said = value(group, "diagnostic-code");
    let code = if status.is_empty() { String::new() } else { format!(" ({status})") };
    let why = reason(&status);
    let because = if why.is_empty() { code.clone() } else { format!(": {why}{code}") };
    let (failed, sentence) = match action.as_str() {
        "failed" => (true, format!("The message to {to} could not be delivered{because}.")),
        "delayed" => {
            let until = value(group, "will-retry-until");
            let until = if until.is_empty() { String::new() } else { format!(" It is tried until {until}.") };
            (false, format!("The message to {to} is not delivered yet{because}.{until}"))
        }
        "delivered" => (false, format!("The message to {to} was delivered.")),
        "relayed" => (false, format!("The message to {to} was passed on to a server that confirms nothing.")),
        "expanded" => (false, format!("The message to {to} was passed on to the members of a list.")),
        _ if status.starts_with('5') => (true, format!("The message to {to} could not be delivered{because}.")),
        _ => return None,
    };
    Some(Report { failed, sentence, said })
}

/// What a status code means (RFC 3463), in a few words.
fn reason(status: &str) -> &'static str {
    let detail = status.split_once('.').map_or("", |(_, detail)| detail);
    match detail {
        "1.1" => "there is no such mailbox",
        "1.2" => "there is no such domain",
        "1.3" | "1.7" | "1.8" => "the address is not valid",
        "1.6" => "the mailbox has moved",
        "1.10" | "7.27" => "the domain takes no mail",
        "2.1" => "the mailbox is closed",
        "2.2" => "the mailbox is full",
        "2.3" | "3.4" => "the message is too large",
        "2.4" => "the list could not be used",
        "3.1" => "the server is full",
        "4.1" => "the server does not answer",
        "4.2" => "the connection was lost",
        "4.3" | "4.4" => "the server could not be found",
        "4.6" => "it went in circles",
        "4.7" => "it took too long",
        "6.0" | "6.1" | "6.3" => "the content is not accepted there",
        "7.1" => "the server does not accept it",
        "7.8" | "7.0" => "the server refused it for its rules",
        "7.20" | "7.21" | "7.22" | "7.23" | "7.24" | "7.25" | "7.26" => "the sender could not be authenticated",
        _ => "",
    }
}

/// What a message/disposition-notification says.
pub(super) fn disposition(body: &[u8]) -> Option<Report> {
    let groups = groups(body);
    let group = groups.iter().find(|group| group.first("disposition").is_some())?;
    let named = [value(group, "original-recipient"), value(group, "final-recipient")];
    let who = named.into_iter().find(|name| !name.is_empty()).unwrap_or_else(|| "The recipient".to_owned());
    let text = group.first("disposition").map(|raw| words::unstructured(raw, "").to_ascii_lowercase())?;
    let (mode, what) = text.split_once(';').unwrap_or(("", text.as_str()));
    let what = what.split(['/', ',']).next().unwrap_or_default().trim();
    let sentence = match what {
        "displayed" => format!("{who} has displayed the message. That does not prove that it was read."),
        "deleted" => format!("{who} has deleted the message; it may not have been read."),
        "dispatched" => format!("{who} has sent the message on."),
        "processed" => format!("The message to {who} was processed by a program, without being displayed."),
        "denied" | "failed" => format!("{who} does not say whether the message was displayed."),
        _ => return None,
    };
    let said = if mode.contains("automatic-action") && what != "processed" {
        "Sent by the program itself.".to_owned()
    } else {
        String::new()
    };
    Some(Report { failed: false, sentence, said })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn deliveries() {
        let head = "Reporting-MTA: dns; mx.example.org\nArrival-Date: Mon, 2 Jan 2006 15:04:05 +0000\n\n";
        for (group, failed, sentence, said) in [
            (
                "Final-Recipient: rfc822; <bee@example.org>\nAction: failed\nStatus: 5.2.2 (full)\nDiagnostic-Code: smtp; 552 5.2.2 Quota\n exceeded",
                true,
                "The message to bee@example.org could not be delivered: the mailbox is full (5.2.2).",
                "552 5.2.2 Quota exceeded",
            ),
            (
                "Original-Recipient: rfc822;a@b.example\nFinal-Recipient: rfc822;c@d.example\nAction: delayed\nStatus: 4.4.1\nWill-Retry-Until: Tue, 3 Jan 2006",
                false,
                "The message to a@b.example is not delivered yet: the server does not answer (4.4.1). It is tried until Tue, 3 Jan 2006.",
                "",
            ),
            (
                "Final-Recipient: a@b.example\nAction: delivered\nStatus: 2.0.0",
                false,
                "The message to a@b.example was delivered.",
                "",
            ),
            (
                "Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.9.9",
                true,
                "The message to a@b.example could not be delivered (5.9.9).",
                "",
            ),
            (
                "Final-Recipient: rfc822; a@b.example\nAction: failed",
                true,
                "The message to a@b.example could not be delivered.",
                "",
            ),
        ] {
            for text in [format!("{head}{group}\n"), format!("{head}{group}\n").replace('\n', "\r\n")] {
                let reports = delivery(text.as_bytes());
                let [report] = reports.as_slice() else { panic!("one report: {group}") };
                assert_eq!((report.failed, report.sentence.as_str(), report.said.as_str()), (failed, sentence, said));
            }
        }
        assert_eq!(delivery(b"nothing of the kind"), []);
        assert_eq!(delivery(b"Final-Recipient: rfc822; a@b.example\nAction: sung\n"), []);
        let many = "Final-Recipient: rfc822; a@b.example\nAction: failed\n\n".repeat(5_000);
        assert!(delivery(many.as_bytes()).len() <= MOST + 1);
    }

    #[test]
    fn dispositions() {
        for (disposition_field, expected) in [
            (
                "manual-action/MDN-sent-manually; displayed",
                Some("a@b.example has displayed the message. That does not prove that it was read."),
            ),
            (
                "automatic-action/MDN-sent-automatically; deleted/error",
                Some("a@b.example has deleted the message; it may not have been read."),
            ),
            ("x; sung", None),
        ] {
            let body =
                format!("Reporting-UA: x\nFinal-Recipient: rfc822;a@b.example\nDisposition: {disposition_field}\n");
            assert_eq!(disposition(body.as_bytes()).map(|report| report.sentence).as_deref(), expected);
        }
        assert_eq!(disposition(b"Final-Recipient: rfc822;a@b.example\n"), None);
    }

    proptest! {
        #[test]
        fn any_octets_give_an_answer(body in "(Final-Recipient: |Action: |failed|Status: |5\\.1\\.1|Disposition: |;|\n|\r\n|\\PC{0,5}){0,40}") {
            delivery(body.as_bytes());
            disposition(body.as_bytes());
        }
    }
}
