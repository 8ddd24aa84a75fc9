//! Header text: unfolded, encoded words decoded (RFC 2047), raw 8-bit understood. As lenient as mail demands: words
//! inside quotes, without blanks around them, split in the middle of a character, with blanks in their data.

use std::borrow::Cow;

use super::charset;
use super::transfer::{self, Encoding};

/// The raw octets of a field as text: line ends left out, 8-bit decoded, encoded words still as they are.
///
/// `hint` is the charset of raw 8-bit that is not UTF-8; empty when nothing declares one.
pub(super) fn unfold(raw: &[u8], hint: &str) -> String {
    charset::guess_with(raw, hint).chars().filter(|character| !matches!(character, '\r' | '\n' | '\0')).collect()
}

/// Unstructured field text: unfolded and decoded.
pub(super) fn unstructured(raw: &[u8], hint: &str) -> String {
    decode(&unfold(raw, hint)).into_owned()
}

/// One encoded word, cut into its pieces.
struct Word<'a> {
    charset: &'a str,
    base64: bool,
    data: &'a str,
}

impl Word<'_> {
    fn octets(&self) -> Vec<u8> {
        if self.base64 {
            return transfer::decode(self.data.as_bytes(), Encoding::Base64, usize::MAX);
        }
        let blanks = self.data.replace('_', " ");
        transfer::decode_q(blanks.as_bytes())
    }
}

/// Replaces every encoded word of `text` by what it stands for. White space between two of them vanishes.
pub(super) fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains("=?") {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let mut run = Run::default();
    let mut rest = text;
    // Behind the last "?=" no word can end, and looking for one again and again would be quadratic.
    let last_end = text.rfind("?=").unwrap_or(0);
    while let Some((before, from_word)) = cut(rest, "=?") {
        let can_end = text.len().saturating_sub(from_word.len()) < last_end;
        let Some((word, after)) = can_end.then(|| split_word(from_word)).flatten() else {
            let (mark, after) = from_word.split_at_checked(2).unwrap_or((from_word, ""));
            run.flush(&mut out);
            out.push_str(before);
            out.push_str(mark);
            rest = after;
            continue;
        };
        if !(run.is_open() && before.chars().all(char::is_whitespace)) {
            run.flush(&mut out);
            out.push_str(before);
        }
        run.push(&word, &mut out);
        rest = after;
    }
    run.flush(&mut out);
    out.push_str(rest);
    out.into()
}

/// Adjacent encoded words of one charset, whose octets are decoded together: some programs cut characters in two.
#[derive(Default)]
struct Run {
    charset: Option<String>,
    octets: Vec<u8>,
}

impl Run {
    fn is_open(&self) -> bool {
        self.charset.is_some()
    }

    fn push(&mut self, word: &Word<'_>, out: &mut String) {
        let charset = word.charset.split('*').next().unwrap_or_default();
        // A stateful charset begins anew in each word.
        let same = self.charset.as_deref().is_some_and(|open| open.eq_ignore_ascii_case(charset));
        if !same || charset.to_ascii_lowercase().starts_with("iso-2022") {
            self.flush(out);
        }
        self.charset = Some(charset.to_owned());
        self.octets.append(&mut word.octets());
    }

    fn flush(&mut self, out: &mut String) {
        if let Some(charset) = self.charset.take() {
            out.push_str(&charset::decode(&self.octets, &charset).0);
        }
        self.octets.clear();
    }
}

/// `text` before `mark`, and from it on.
fn cut<'a>(text: &'a str, mark: &str) -> Option<(&'a str, &'a str)> {
    text.split_at_checked(text.find(mark)?)
}

/// The encoded word that `text` begins with, and what follows it.
fn split_word(text: &str) -> Option<(Word<'_>, &str)> {
    const LONGEST_LABEL: usize = 64;
    let inner = text.strip_prefix("=?")?;
    let label_end = inner.bytes().take(LONGEST_LABEL).position(|octet| octet == b'?')?;
    let (charset, rest) = inner.split_at_checked(label_end)?;
    let mut pieces = rest.get(1..)?.splitn(2, '?');
    let base64 = match pieces.next()? {
        "b" | "B" => true,
        "q" | "Q" => false,
        _ => return None,
    };
    if charset.is_empty() || !charset.bytes().all(|octet| octet.is_ascii_graphic()) {
        return None;
    }
    let (data, after) = pieces.next()?.split_once("?=")?;
    Some((Word { charset, base64, data }, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_words() {
        for (raw, expected) in [
            ("plain text", "plain text"),
            ("=?iso-8859-1?q?this=20is=20some=20text?=", "this is some text"),
            ("=?utf-8?Q?a?= =?utf-8?Q?b?=", "ab"),
            ("=?utf-8?Q?a?= and =?utf-8?Q?b?=", "a and b"),
            ("=?utf-8?Q?=C3?= =?utf-8?Q?=A4?=", "ä"),
            ("=?utf-8?B?w6Q=?==?utf-8?B?w7Y=?=", "äö"),
            ("=?utf-8?B?w6Q?=", "ä"),
            ("=?ISO-8859-1*en?Q?a_b?=", "a b"),
            ("=?utf-8?q?spaces in data?=", "spaces in data"),
            ("Re: =?utf-8?Q?=C3=A4=3F?=!", "Re: ä?!"),
            ("=?utf-8?Q?open", "=?utf-8?Q?open"),
            ("=?utf-8?X?no?=", "=?utf-8?X?no?="),
            ("=??q?no?=", "=??q?no?="),
            ("a =? b", "a =? b"),
            ("=?no-such?q?caf=E9?=", "café"),
        ] {
            assert_eq!(unstructured(raw.as_bytes(), ""), expected, "{raw}");
        }
        assert_eq!(unstructured(b"a\r\n b\n\tc", ""), "a b\tc");
        assert_eq!(unstructured(b"caf\xe9", ""), "café");
        assert_eq!(unstructured(b"\xf0\xd2\xc9", "koi8-r"), "При");
        assert_eq!(unstructured("при".as_bytes(), "koi8-r"), "при");
    }
}
