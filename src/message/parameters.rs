//! Content-Type and Content-Disposition with their parameters: RFC 2045 section 5.1, RFC 2231 (continuations, charsets),
//! and encoded words in quotes, which no RFC allows and every program writes.

use super::charset;
use super::transfer::hexadecimal;
use super::words;

/// The parameters of one field that are kept.
const MOST_PARAMETERS: usize = 200;

/// A field such as `text/plain; charset=utf-8`.
#[derive(Clone, Debug, Default)]
pub(super) struct Structured {
    /// In lower case.
    pub value: String,
    parameters: Vec<(String, String)>,
}

impl Structured {
    pub fn parse(raw: &[u8]) -> Structured {
        let text = words::unfold(raw, "");
        let mut pieces = split(&text).into_iter();
        let value = pieces.next().unwrap_or_default().trim().to_ascii_lowercase();
        let parameters = pieces
            .filter_map(|piece| {
                let (name, value) = piece.split_once('=')?;
                Some((name.trim().to_ascii_lowercase(), unquote(value.trim())))
            })
            .take(MOST_PARAMETERS)
            .collect();
        Structured { value, parameters }
    }

    /// The parameter as it stands, for names of boundaries and charsets.
    pub fn plain(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The parameter for a person: RFC 2231 first, else with its encoded words decoded.
    pub fn decoded(&self, name: &str) -> Option<String> {
        self.extended(name).or_else(|| self.plain(name).map(|value| words::decode(value).into_owned()))
    }

    /// `name*=charset'language'value` or `name*0=…; name*1*=…`
    fn extended(&self, name: &str) -> Option<String> {
        let mut pieces: Vec<(u32, bool, &str)> = self
            .parameters
            .iter()
            .filter_map(|(known, value)| {
                let marks = known.strip_prefix(name)?.strip_prefix('*')?;
                let (number, encoded) = marks.strip_suffix('*').map_or((marks, marks.is_empty()), |rest| (rest, true));
                let number = if number.is_empty() { 0 } else { number.parse().ok()? };
                Some((number, encoded, value.as_str()))
            })
            .collect();
        pieces.sort_by_key(|piece| piece.0);
        let encoded = pieces.iter().any(|piece| piece.1);
        let mut octets = Vec::new();
        let mut label = "";
        for (index, (_, percent, value)) in pieces.iter().enumerate() {
            let mut value = *value;
            if index == 0
                && *percent
                && let [charset, _, rest] = value.splitn(3, '\'').collect::<Vec<_>>().as_slice()
            {
                (label, value) = (charset, rest);
            }
            if *percent { octets.extend(percent_decoded(value)) } else { octets.extend(value.bytes()) }
        }
        let text = charset::decode(&octets, label).0;
        let text = if encoded { text.into_owned() } else { words::decode(&text).into_owned() };
        (!pieces.is_empty()).then_some(text)
    }
}

/// `text` cut at semicolons that do not stand between quotes.
fn split(text: &str) -> Vec<&str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(|character| {
        let was_escaped = std::mem::take(&mut escaped);
        match character {
            '\\' if quoted && !was_escaped => escaped = true,
            '"' if !was_escaped => quoted = !quoted,
            ';' => return !quoted,
            _ => (),
        }
        false
    })
    .take(MOST_PARAMETERS)
    .collect()
}

fn unquote(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"') else {
        // A comment may follow a bare value.
        return value.split_once(" (").map_or(value, |(before, _)| before).trim().to_owned();
    };
    let mut out = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => break,
            '\\' => match characters.next() {
                Some(escaped @ ('"' | '\\')) => out.push(escaped),
                // A Windows path: the backslash is meant.
                Some(other) => out.extend(['\\', other]),
                None => out.push('\\'),
            },
            other => out.push(other),
        }
    }
    out
}

fn percent_decoded(value: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first == b'%'
            && let [high, low, tail @ ..] = after
            && let (Some(high), Some(low)) = (hexadecimal(*high), hexadecimal(*low))
        {
            out.push(high << 4 | low);
            rest = tail;
        } else {
            out.push(first);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names() {
        for (raw, expected) in [
            ("attachment; filename=a.txt", Some("a.txt")),
            ("attachment; filename=\"a b;c.txt\"", Some("a b;c.txt")),
            ("attachment; filename=a b.txt", Some("a b.txt")),
            ("attachment; FileName = \"a\\\"b.txt\"", Some("a\"b.txt")),
            ("attachment; filename=\"C:\\temp\\x.txt\"", Some("C:\\temp\\x.txt")),
            ("attachment; filename*=utf-8''%C3%A4.txt", Some("ä.txt")),
            ("attachment; filename*=iso-8859-1'en'%E4.txt; filename=x", Some("ä.txt")),
            ("attachment; filename*0*=utf-8''%C3; filename*1*=%A4; filename*2=.txt", Some("ä.txt")),
            ("attachment; filename*1=b.txt; filename*0=a", Some("ab.txt")),
            ("attachment; filename=\"=?utf-8?Q?=C3=A4.txt?=\"", Some("ä.txt")),
            ("attachment; filename==?utf-8?Q?=C3=A4.txt?=", Some("ä.txt")),
            ("attachment; filename=\"open", Some("open")),
            ("attachment", None),
            ("", None),
        ] {
            assert_eq!(Structured::parse(raw.as_bytes()).decoded("filename").as_deref(), expected, "{raw}");
        }
    }

    #[test]
    fn types() {
        let parsed = Structured::parse(b" Text/HTML; charset=\"UTF-8\" (comment);\r\n boundary=x");
        assert_eq!(
            (parsed.value.as_str(), parsed.plain("charset"), parsed.plain("boundary")),
            ("text/html", Some("UTF-8"), Some("x"))
        );
    }
}
