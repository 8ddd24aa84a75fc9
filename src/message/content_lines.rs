//! Content lines, of which calendars and contacts are made (RFC 5545 section 3.1, RFC 6350 section 3.2, and vCard 2.1
//! with its quoted-printable): unfolded, cut into name, parameters and value.

use super::{charset, transfer};

/// The lines of one calendar or contact file that are looked at.
const MOST_LINES: usize = 20_000;
/// The octets of one line that are looked at.
const LONGEST: usize = 64 * 1024;

/// One content line.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    /// In upper case, without the group that may stand before it.
    pub name: String,
    parameters: Vec<(String, String)>,
    /// As it stands.
    pub value: String,
}

impl Line {
    /// The parameter of this name (in upper case).
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether a parameter says this: `TYPE=work`, and `work` alone as vCard 2.1 writes it.
    pub fn says(&self, word: &str) -> bool {
        self.parameters.iter().any(|(name, value)| {
            name.eq_ignore_ascii_case(word) || value.split(',').any(|one| one.trim().eq_ignore_ascii_case(word))
        })
    }

    /// The value with its escapes undone.
    pub fn text(&self) -> String {
        unescaped(&self.value)
    }

    /// The components of a value such as a name, cut at semicolons that are not escaped.
    pub fn components(&self) -> Vec<String> {
        let mut escaped = false;
        let pieces = self.value.split(|character| {
            let was_escaped = std::mem::take(&mut escaped);
            escaped = character == '\\' && !was_escaped;
            character == ';' && !was_escaped
        });
        pieces.map(unescaped).collect()
    }
}

fn unescaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('n' | 'N') => out.push('\n'),
                Some(other) => out.push(other),
                None => out.push('\\'),
            },
            other => out.push(other),
        }
    }
    out
}

/// The content lines of `text`.
pub(super) fn lines(text: &str) -> Vec<Line> {
    let mut unfolded: Vec<String> = Vec::new();
    for line in text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)) {
        let folded = line.strip_prefix([' ', '\t']);
        let is_full = unfolded.len() >= MOST_LINES;
        match (folded, unfolded.last_mut()) {
            (Some(more), Some(open)) if open.len() < LONGEST => open.push_str(more),
            (Some(_), Some(_)) => (),
            // A line of quoted-printable that ends softly.
            (None, Some(open)) if open.ends_with('=') && is_quoted_printable(open) && open.len() < LONGEST => {
                open.pop();
                open.push_str(line);
            }
            _ if is_full => break,
            _ => unfolded.push(line.to_owned()),
        }
    }
    unfolded.iter().filter_map(|line| parsed(line)).collect()
}

fn is_quoted_printable(line: &str) -> bool {
    let head = line.split(':').next().unwrap_or_default();
    head.to_ascii_uppercase().contains("QUOTED-PRINTABLE")
}

fn parsed(line: &str) -> Option<Line> {
    let mut quoted = false;
    let is_colon = |character: char| {
        quoted ^= character == '"';
        character == ':' && !quoted
    };
    let (head, value) = line.split_at_checked(line.find(is_colon)?)?;
    let mut quoted = false;
    let mut pieces = head.split(|character| {
        quoted ^= character == '"';
        character == ';' && !quoted
    });
    let name = pieces.next()?.trim();
    let name = name.rsplit('.').next().unwrap_or(name).to_ascii_uppercase();
    let parameters = pieces
        .map(|piece| {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            (name.trim().to_ascii_uppercase(), value.trim().trim_matches('"').to_owned())
        })
        .collect();
    let mut line = Line { name, parameters, value: value.get(1..).unwrap_or_default().to_owned() };
    if line.says("QUOTED-PRINTABLE") {
        let octets = transfer::decode(line.value.as_bytes(), transfer::Encoding::QuotedPrintable, LONGEST);
        line.value = charset::decode(&octets, line.parameter("CHARSET").unwrap_or("utf-8")).0.into_owned();
    }
    Some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_all_kinds() {
        let text = "BEGIN:VCARD\r\nitem1.tel;TYPE=\"work,voice\";PREF:+1 2\r\nNOTE:a\\, b\\nc\r\n  d\r\n\
                    N;CHARSET=iso-8859-1;ENCODING=QUOTED-PRINTABLE:M=F6=\r\nller;Ann\\;a\r\nnonsense\r\n\
                    ATTENDEE;CN=\"Lee: Ann; B\":mailto:a@b.example\n";
        let lines = lines(text);
        let seen: Vec<_> = lines.iter().map(|line| (line.name.as_str(), line.text())).collect();
        let expected = [
            ("BEGIN", "VCARD"),
            ("TEL", "+1 2"),
            ("NOTE", "a, b\nc d"),
            ("N", "Möller;Ann;a"),
            ("ATTENDEE", "mailto:a@b.example"),
        ];
        assert_eq!(seen, expected.map(|(name, value)| (name, value.to_owned())));
        assert!(lines[1].says("work") && lines[1].says("pref") && !lines[1].says("home"));
        assert_eq!(lines[3].components(), ["Möller", "Ann;a"]);
        assert_eq!(lines[4].parameter("CN"), Some("Lee: Ann; B"));
    }

    #[test]
    fn length_and_number_are_bounded() {
        assert!(lines(&format!("A:x\n{}", " y\n".repeat(500_000)))[0].value.len() <= LONGEST + 1);
        assert_eq!(lines(&"A:x\n".repeat(100_000)).len(), MOST_LINES);
    }
}
