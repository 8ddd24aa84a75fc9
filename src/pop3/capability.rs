//! What a server says it can do (CAPA, RFC 2449 sections 5 and 6; RFC 5034; RFC 6856). Unknown lines are passed over.

/// The capabilities of a server in the present state of its session; they may differ before and after login.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// The server answered CAPA. If not, nothing is known, and what is needed is tried.
    pub known: bool,
    pub top: bool,
    pub uidl: bool,
    pub user: bool,
    pub stls: bool,
    pub pipelining: bool,
    pub response_codes: bool,
    pub utf8: bool,
    /// SASL mechanisms, in capitals.
    pub sasl: Vec<String>,
    /// Seconds between two logins (RFC 2449 section 6.5).
    pub login_delay: Option<u32>,
    /// Days after which the server removes messages by itself; `None` also for NEVER (RFC 2449 section 6.7).
    pub expire: Option<u32>,
    /// Gmail, which shows some hundred messages at a time and hides those that were fetched: what is missing from its
    /// listing is not gone (quirks 85 and 86).
    pub shows_a_part: bool,
}

impl Capabilities {
    /// Whether AUTH PLAIN is offered.
    pub fn auth_plain(&self) -> bool {
        self.sasl.iter().any(|mechanism| mechanism == "PLAIN")
    }

    /// Takes one line of the answer.
    pub(super) fn learn(&mut self, line: &[u8]) {
        let line = String::from_utf8_lossy(line).to_ascii_uppercase();
        let mut words = line.split_ascii_whitespace();
        match words.next() {
            Some("TOP") => self.top = true,
            Some("UIDL") => self.uidl = true,
            Some("USER") => self.user = true,
            Some("STLS") => self.stls = true,
            Some("PIPELINING") => self.pipelining = true,
            Some("RESP-CODES") => self.response_codes = true,
            Some("UTF8") => self.utf8 = true,
            Some("SASL") => self.sasl = words.take(64).map(str::to_owned).collect(),
            Some("LOGIN-DELAY") => self.login_delay = words.next().and_then(|seconds| seconds.parse().ok()),
            Some("EXPIRE") => self.expire = words.next().and_then(|days| days.parse().ok()),
            Some(word) if word.starts_with("X-GOOGLE-") => self.shows_a_part = true,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_case_any_parameter_any_unknown_line() {
        // Quirk 19.
        let mut capabilities = Capabilities::default();
        let lines: [&[u8]; 12] = [
            b"TOP",
            b"uidl",
            b"Sasl  plain XOAUTH2 ",
            b"STLS X",
            b"PIPELINING",
            b"RESP-CODES",
            b"LOGIN-DELAY 900 USER",
            b"EXPIRE NEVER",
            b"IMPLEMENTATION \xff\xfe",
            b"X-UNKNOWN a b c",
            b"",
            b"USER",
        ];
        lines.iter().for_each(|line| capabilities.learn(line));
        assert!(capabilities.auth_plain());
        let expected = Capabilities {
            known: false,
            top: true,
            uidl: true,
            user: true,
            stls: true,
            pipelining: true,
            response_codes: true,
            utf8: false,
            sasl: vec!["PLAIN".into(), "XOAUTH2".into()],
            login_delay: Some(900),
            expire: None,
            shows_a_part: false,
        };
        assert_eq!(capabilities, expected);
    }
}
