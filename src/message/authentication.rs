//! What the receiving server found out about the sender (Authentication-Results, RFC 8601), as far as it can be believed.
//!
//! Anyone can write such a field into a message. A server puts its own above everything that was there, so only the topmost
//! ones count: those above the first Received field, which no sender can reach, and else those that stand in the name of the
//! server whose Received field stands over them. Of the latter it is said that the sender could have written them.

use super::fields::Section;
use super::visible::visible_line;
use super::words;

/// What one server says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authentication {
    /// Whole sentences, one for each server that is believed: in fact one.
    pub sentence: String,
    /// A check failed: this is to be shown as a warning.
    pub failed: bool,
}

/// One method and its result: `dkim=pass header.d=example.org`.
#[derive(Debug, Default)]
struct Finding {
    method: String,
    result: String,
    domain: String,
}

/// What stands in a header section; `None` where no server that can be believed said anything.
pub(super) fn of(header: &Section<'_>, from_domain: &str) -> Option<Authentication> {
    let mut over: Vec<String> = Vec::new();
    let mut server: Option<(String, bool)> = None;
    let mut findings = Vec::new();
    for field in header.fields() {
        if field.name.eq_ignore_ascii_case(b"received") {
            if server.is_some() {
                break;
            }
            over.extend(received_by(&words::unfold(field.value, "")));
        } else if field.name.eq_ignore_ascii_case(b"authentication-results") {
            let text = without_comments(&words::unfold(field.value, ""));
            let (id, results) = text.split_once(';').unwrap_or((&text, ""));
            let id = visible_line(id.split_whitespace().next().unwrap_or_default()).to_ascii_lowercase();
            match &server {
                Some((known, _)) if *known == id => findings.extend(results.split(';').filter_map(finding)),
                // Below another server's: not added here.
                Some(_) => break,
                None => {
                    let known = over.is_empty() || over.iter().any(|host| same_house(host, &id));
                    if !known || id.is_empty() {
                        return None;
                    }
                    server = Some((id, over.is_empty()));
                    findings.extend(results.split(';').filter_map(finding));
                }
            }
        }
    }
    let (server, certain) = server?;
    said(&server, certain, &findings, from_domain)
}

fn said(server: &str, certain: bool, findings: &[Finding], from_domain: &str) -> Option<Authentication> {
    let mut signed: Vec<String> = Vec::new();
    let mut good = Vec::new();
    let mut bad = Vec::new();
    for finding in findings.iter().take(20) {
        let domain = if finding.domain.is_empty() { from_domain } else { &finding.domain };
        match (finding.method.as_str(), finding.result.as_str()) {
            ("dkim", "pass") if !signed.contains(&finding.domain) => signed.push(finding.domain.clone()),
            ("dkim", "fail" | "policy") => bad.push(format!("its signature by {domain} is wrong (DKIM fail)")),
            ("spf", "pass") => good.push(format!("sent by a server of {domain} (SPF pass)")),
            ("spf", "fail") => bad.push(format!("the server it came from is none of {domain} (SPF fail)")),
            ("dmarc", "pass") => good.push(format!("that is what {domain} asks for (DMARC pass)")),
            ("dmarc", "fail") => bad.push(format!("it does not come from {domain} (DMARC fail)")),
            _ => {}
        }
    }
    // One signature that holds is enough: others are broken by what lists add.
    if !signed.is_empty() {
        bad.retain(|said| !said.contains("(DKIM"));
    }
    let signed =
        signed.iter().filter(|domain| !domain.is_empty()).map(|domain| format!("signed by {domain} (DKIM pass)"));
    let said: Vec<String> = bad.iter().cloned().chain(signed).chain(good).collect();
    if said.is_empty() {
        return None;
    }
    let list = said.join("; ");
    let sentence = if certain {
        format!("The server {server} says: {list}.")
    } else {
        format!("In the name of the server {server} it is said: {list}. A sender could have written that, too.")
    };
    let dmarc = said.iter().any(|said| said.contains("DMARC pass"));
    Some(Authentication { sentence, failed: !bad.is_empty() && !dmarc })
}

/// One `method=result` with its domain.
fn finding(text: &str) -> Option<Finding> {
    let mut words = text.split_whitespace();
    let (method, result) = words.next()?.split_once('=')?;
    let mut finding = Finding {
        method: method.split('/').next().unwrap_or_default().to_ascii_lowercase(),
        result: result.to_ascii_lowercase(),
        domain: String::new(),
    };
    for word in words.take(30) {
        let Some((property, value)) = word.split_once('=') else { continue };
        let wanted = match finding.method.as_str() {
            "dkim" => matches!(property, "header.d" | "header.i"),
            "spf" => matches!(property, "smtp.mailfrom" | "smtp.helo"),
            _ => property == "header.from",
        };
        if wanted && finding.domain.is_empty() {
            let value = value.trim_matches('"');
            let domain = value.rsplit('@').next().unwrap_or_default();
            finding.domain = visible_line(domain).chars().take(100).filter(|each| !each.is_whitespace()).collect();
        }
    }
    Some(finding)
}

/// The server that a Received field was added by.
fn received_by(field: &str) -> Option<String> {
    let text = without_comments(field);
    let mut words = text.split_whitespace();
    words.find(|word| word.eq_ignore_ascii_case("by"))?;
    words.next().map(|host| visible_line(host.trim_end_matches(';')).to_ascii_lowercase())
}

/// Whether two servers are of one house: their last two labels are the same (three, where those say nothing).
fn same_house(one: &str, other: &str) -> bool {
    let end = |host: &str| {
        let labels: Vec<&str> = host.split('.').filter(|label| !label.is_empty()).collect();
        let second = labels.iter().rev().nth(1).map_or(0, |label| label.len());
        let kept = if second <= 3 { 3 } else { 2 };
        labels.get(labels.len().saturating_sub(kept)..).unwrap_or_default().join(".")
    };
    !one.is_empty()
        && (one == other
            || end(one) == end(other)
            || one.ends_with(&format!(".{other}"))
            || other.ends_with(&format!(".{one}")))
}

fn without_comments(text: &str) -> String {
    let mut depth = 0_usize;
    let keep = |each: &char| match each {
        '(' => {
            depth = depth.saturating_add(1);
            false
        }
        ')' if depth > 0 => {
            depth = depth.saturating_sub(1);
            false
        }
        _ => depth == 0,
    };
    text.chars().take(16_384).filter(keep).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::head;
    use super::*;

    fn check(header: &str, expected: Option<(&str, bool)>) {
        let found = head(format!("{header}\nFrom: a@bank.example\n\ntext").as_bytes()).authentication;
        let found = found.as_ref().map(|one| (one.sentence.as_str(), one.failed));
        assert_eq!(found, expected, "{header}");
    }

    const OURS: &str = "Received: from x.example (x.example [192.0.2.1]) by mx.home.example with ESMTPS; Mon, 2 Jan 2006 15:04:05 +0000";

    #[test]
    fn what_the_receiving_server_says_is_said_with_care() {
        check(
            &format!(
                "Authentication-Results: mx.home.example; dkim=pass (2048-bit) header.d=bank.example; spf=pass smtp.mailfrom=bounce@bank.example; dmarc=pass header.from=bank.example\n{OURS}"
            ),
            Some((
                "The server mx.home.example says: signed by bank.example (DKIM pass); sent by a server of bank.example (SPF pass); that is what bank.example asks for (DMARC pass).",
                false,
            )),
        );
        check(
            &format!("{OURS}\nAuthentication-Results: mx.home.example 1; dkim=pass header.i=@bank.example"),
            Some((
                "In the name of the server mx.home.example it is said: signed by bank.example (DKIM pass). A sender could have written that, too.",
                false,
            )),
        );
        check(
            &format!(
                "Authentication-Results: mx.home.example; dmarc=fail header.from=bank.example\nAuthentication-Results: mx.home.example; spf=fail smtp.mailfrom=evil.example\n{OURS}"
            ),
            Some((
                "The server mx.home.example says: it does not come from bank.example (DMARC fail); the server it came from is none of evil.example (SPF fail).",
                true,
            )),
        );
    }

    #[test]
    fn what_a_sender_could_have_written_is_not_believed() {
        // In another name than the server's.
        check(&format!("{OURS}\nAuthentication-Results: mx.bank.example; dkim=pass header.d=bank.example"), None);
        // Below the server's own.
        check(
            &format!(
                "Authentication-Results: mx.home.example; dkim=fail header.d=bank.example\n{OURS}\nAuthentication-Results: mx.home.example; dkim=pass header.d=bank.example"
            ),
            Some(("The server mx.home.example says: its signature by bank.example is wrong (DKIM fail).", true)),
        );
        // Further below: behind another server's Received field.
        check(
            &format!(
                "{OURS}\nAuthentication-Results: mx.home.example; none\nReceived: by evil.example\nAuthentication-Results: mx.home.example; dkim=pass header.d=bank.example"
            ),
            None,
        );
        check("Authentication-Results: ; dkim=pass", None);
        check("", None);
    }

    proptest! {
        #[test]
        fn any_field_gives_one_safe_line(text in "[ -~]{0,200}") {
            if let Some(found) = head(format!("Authentication-Results: {text}\nFrom: a@b.example\n\nx").as_bytes()).authentication {
                prop_assert_eq!(visible_line(&found.sentence), found.sentence);
            }
        }
    }
}
