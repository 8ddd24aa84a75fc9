//! Status lines (RFC 1939 section 3) and the response codes in them (RFC 2449 section 8, RFC 3206, RFC 6856). Takes what
//! real servers send: any case, no space after the indicator, no text.

/// The first line of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// `+OK`; otherwise `-ERR`.
    pub ok: bool,
    pub code: Option<Code>,
    /// What stands behind indicator and code. The server's own words: not to be trusted, but free of control
    /// characters.
    pub text: String,
}

/// The machine-readable cause of an answer: `[CODE]` at the start of its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Code {
    /// Another session has the maildrop (RFC 2449 section 8.1.2).
    InUse,
    /// Logged in again too soon (RFC 2449 section 8.1.1).
    LoginDelay,
    /// A fault of the server that will pass (RFC 3206 section 4).
    SysTemp,
    /// A fault of the server that needs a person there (RFC 3206 section 4).
    SysPerm,
    /// A fault of the server of some other sort.
    Sys,
    /// The user's credentials are wrong (RFC 3206 section 6).
    Auth,
    /// The message needs the UTF8 mode (RFC 6856 section 5).
    Utf8,
    /// A code that is none of these, in capitals.
    Other(String),
}

impl Code {
    /// Codes are hierarchical and without case: an unknown `SYS/X` is `SYS` (RFC 2449 section 8).
    fn parse(word: &str) -> Code {
        let word = word.trim().to_ascii_uppercase();
        match word.as_str() {
            "IN-USE" => Code::InUse,
            "LOGIN-DELAY" => Code::LoginDelay,
            "SYS/TEMP" => Code::SysTemp,
            "SYS/PERM" => Code::SysPerm,
            "AUTH" => Code::Auth,
            "UTF8" => Code::Utf8,
            _ => match word.split('/').next() {
                Some("SYS") => Code::Sys,
                Some("AUTH") => Code::Auth,
                _ => Code::Other(word),
            },
        }
    }
}

impl Status {
    /// `None` when the line begins with neither indicator.
    pub(super) fn parse(line: &[u8]) -> Option<Status> {
        let (ok, rest) = match (strip_word(line, b"+OK"), strip_word(line, b"-ERR")) {
            (Some(rest), _) => (true, rest),
            (_, Some(rest)) => (false, rest),
            _ => return None,
        };
        let text = printable(rest);
        let text = text.trim();
        let coded = text.strip_prefix('[').and_then(|inner| inner.split_once(']'));
        let (code, text) = match coded {
            Some((code, text)) if !code.trim().is_empty() => (Some(Code::parse(code)), text.trim_start()),
            _ => (None, text),
        };
        Some(Status { ok, code, text: text.to_owned() })
    }
}

/// Whether the line is the server's invitation to go on with AUTH: `+`, with or without a challenge (quirk 24).
pub(super) fn is_continuation(line: &[u8]) -> bool {
    line == b"+" || line.starts_with(b"+ ")
}

/// `line` without `word` at its start, compared without case.
pub(super) fn strip_word<'a>(line: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = line.split_at_checked(word.len())?;
    start.eq_ignore_ascii_case(word).then_some(rest)
}

/// Octets of a server as text that can do nothing to a log or a terminal.
pub(super) fn printable(octets: &[u8]) -> String {
    let text = String::from_utf8_lossy(octets);
    text.chars().map(|sign| if is_unprintable(sign) { '\u{FFFD}' } else { sign }).collect()
}

/// Whether the letter does something instead of being seen: controls, marks of direction, what has no width, tags.
pub(super) fn is_unprintable(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{AD}'
                | '\u{61C}'
                | '\u{180E}'
                | '\u{200B}'..='\u{200F}'
                | '\u{2028}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}'
                | '\u{FEFF}'
                | '\u{FFF9}'..='\u{FFFB}'
                | '\u{E0000}'..='\u{E007F}'
        )
}

#[cfg(test)]
#[allow(clippy::type_complexity)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_servers_send() {
        let table: [(&[u8], Option<(bool, Option<Code>, &str)>); 19] = [
            (b"+OK", Some((true, None, ""))),
            (b"+OK ready", Some((true, None, "ready"))),
            (b"+ok ready", Some((true, None, "ready"))),
            (b"+OKready", Some((true, None, "ready"))),
            (b"-ERR", Some((false, None, ""))),
            (b"-err no", Some((false, None, "no"))),
            (b"-ERR [AUTH] wrong", Some((false, Some(Code::Auth), "wrong"))),
            (b"-ERR [auth]", Some((false, Some(Code::Auth), ""))),
            (b"-ERR [IN-USE] locked", Some((false, Some(Code::InUse), "locked"))),
            (b"-ERR [Login-Delay] wait", Some((false, Some(Code::LoginDelay), "wait"))),
            (b"-ERR [SYS/TEMP] later", Some((false, Some(Code::SysTemp), "later"))),
            (b"-ERR [SYS/PERM] never", Some((false, Some(Code::SysPerm), "never"))),
            (b"-ERR [sys/moon] odd", Some((false, Some(Code::Sys), "odd"))),
            (b"-ERR [XYZ] odd", Some((false, Some(Code::Other("XYZ".into())), "odd"))),
            (b"-ERR [] odd", Some((false, None, "[] odd"))),
            (b"-ERR \x1b]52;evil\x07", Some((false, None, "\u{FFFD}]52;evil\u{FFFD}"))),
            ("-ERR \u{202E}exe.txt".as_bytes(), Some((false, None, "\u{FFFD}exe.txt"))),
            (b"HTTP/1.1 302 Found", None),
            (b"", None),
        ];
        for (line, expected) in table {
            let expected = expected.map(|(ok, code, text)| Status { ok, code, text: text.into() });
            assert_eq!(Status::parse(line), expected, "{}", line.escape_ascii());
        }
    }

    #[test]
    fn a_continuation_needs_no_space() {
        for (line, expected) in [(&b"+"[..], true), (b"+ ", true), (b"+ cGxlYXNl", true), (b"+OK", false), (b"", false)]
        {
            assert_eq!(is_continuation(line), expected, "{}", line.escape_ascii());
        }
    }
}
