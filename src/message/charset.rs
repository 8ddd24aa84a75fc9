//! Octets to text: the declared charset where it is known and plausible, else UTF-8 where it is valid, else
//! windows-1252. Never fails. The table of charsets is mail-parser's.

use std::borrow::Cow;

use mail_parser::decoders::charsets::map::charset_decoder;

/// How text came out of its octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Clean,
    /// The label is no charset that is known here.
    UnknownCharset,
    /// Some octets had no meaning and became U+FFFD.
    Damaged,
}

/// Decodes `octets` by `label`, the charset's name as declared; empty when none was.
pub(super) fn decode<'a>(octets: &'a [u8], label: &str) -> (Cow<'a, str>, Outcome) {
    let label = label.trim().trim_matches(['"', '\'']);
    if declares_nothing(label) {
        return (guess(octets), Outcome::Clean);
    }
    if is_utf8(label) {
        return match valid_prefix(octets) {
            Some(text) => (text.into(), Outcome::Clean),
            None => (String::from_utf8_lossy(octets), Outcome::Damaged),
        };
    }
    match decoder_for(label) {
        Some(decoder) => (decoder(octets).into(), Outcome::Clean),
        None => (guess(octets), Outcome::UnknownCharset),
    }
}

/// Raw 8-bit where none belongs, in a header field: UTF-8 where it is valid, else `hint`, the charset that the body
/// declares, else what [`guess`] says.
pub(super) fn guess_with<'a>(octets: &'a [u8], hint: &str) -> Cow<'a, str> {
    if octets.is_ascii() || valid_prefix(octets).is_some() || declares_nothing(hint) || is_utf8(hint) {
        return guess(octets);
    }
    decode(octets, hint).0
}

/// By the mark at the beginning where there is one, UTF-8 where it is valid, ISO-2022-JP where its escapes stand, else
/// windows-1252.
pub(super) fn guess(octets: &[u8]) -> Cow<'_, str> {
    let utf16 = match octets {
        [0xff, 0xfe, rest @ ..] => Some(("utf-16le", rest)),
        [0xfe, 0xff, rest @ ..] => Some(("utf-16be", rest)),
        _ => None,
    };
    if let Some((decoder, rest)) = utf16.and_then(|(label, rest)| Some((charset_decoder(label.as_bytes())?, rest))) {
        return decoder(rest).into();
    }
    let escapes = octets.windows(3).any(|three| matches!(three, b"\x1b$B" | b"\x1b$@"));
    let decoder = |label: &[u8]| charset_decoder(label).map(|decoder| Cow::from(decoder(octets)));
    let other = if escapes && octets.is_ascii() { decoder(b"iso-2022-jp") } else { None };
    other
        .or_else(|| valid_prefix(octets).filter(|text| text.len() == octets.len() || !text.is_ascii()).map(Cow::from))
        .or_else(|| is_mostly_utf8(octets).then(|| String::from_utf8_lossy(octets)))
        .or_else(|| decoder(b"windows-1252"))
        .unwrap_or_else(|| String::from_utf8_lossy(octets))
}

/// Whether `octets` are UTF-8 in which a little was damaged: text in another charset hardly ever looks so.
fn is_mostly_utf8(octets: &[u8]) -> bool {
    let (mut characters, mut errors) = (0_usize, 0_usize);
    for chunk in octets.utf8_chunks() {
        characters = characters.saturating_add(chunk.valid().chars().filter(|each| !each.is_ascii()).count());
        errors = errors.saturating_add(usize::from(!chunk.invalid().is_empty()));
    }
    characters > errors.saturating_mul(4)
}

/// `octets` as UTF-8, leaving out a last character that was cut in the middle.
fn valid_prefix(octets: &[u8]) -> Option<&str> {
    match std::str::from_utf8(octets) {
        Ok(text) => Some(text),
        Err(error) if error.error_len().is_none() => {
            octets.get(..error.valid_up_to()).and_then(|valid| std::str::from_utf8(valid).ok())
        }
        Err(_) => None,
    }
}

/// Labels under which everything is sent: they say no more than "ASCII, or whatever".
fn declares_nothing(label: &str) -> bool {
    ["", "us-ascii", "ascii", "ansi_x3.4-1968", "unknown-8bit", "x-unknown", "8bit", "default", "default_charset"]
        .iter()
        .any(|known| label.eq_ignore_ascii_case(known))
}

fn is_utf8(label: &str) -> bool {
    ["utf-8", "utf8", "unicode-1-1-utf-8", "utf-8mb4", "utf8mb4", "x-utf-8", "cp65001", "utf-8-sig"]
        .iter()
        .any(|known| label.eq_ignore_ascii_case(known))
}

fn decoder_for(label: &str) -> Option<fn(&[u8]) -> String> {
    let lower = label.to_ascii_lowercase();
    let plain = match lower.as_str() {
        "iso-8859-8-i" | "iso-8859-8-e" => "iso-8859-8",
        "ansi" | "cp-1252" | "windows1252" | "win-1252" | "iso8859_1" | "8859-1" => "windows-1252",
        "windows1251" | "win-1251" | "cp-1251" => "windows-1251",
        "windows1250" | "cp-1250" => "windows-1250",
        "cp932" | "shift-jis" | "shiftjis" | "x-ms-cp932" => "shift_jis",
        "cp949" | "uhc" | "ks_c_5601" | "euckr" => "euc-kr",
        "cp950" => "big5",
        "cp51932" | "eucjp" => "euc-jp",
        "iso-2022-jp-1" | "iso-2022-jp-2" | "iso-2022-jp-3" | "iso-2022-jp-ms" | "cp50220" | "cp50221" | "cp50222" => {
            "iso-2022-jp"
        }
        "gb-18030" | "euc-cn" | "gb2312-80" => "gb18030",
        "cp874" | "iso-8859-11" => "windows-874",
        "latin-1" | "latin_1" => "iso-8859-1",
        "utf7" | "unicode-1-1-utf-7" | "x-unicode-2-0-utf-7" => "utf-7",
        other => other,
    };
    charset_decoder(plain.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_unknown_and_lying_labels() {
        let table: [(&[u8], &str, &str, Outcome); 13] = [
            (b"\xff\xfec\0\xe9\0", "", "cé", Outcome::Clean),
            (b"\xfe\xff\0c\0\xe9", "us-ascii", "cé", Outcome::Clean),
            (b"caf\xe9", "iso-8859-1", "café", Outcome::Clean),
            (b"\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x84\xc3\x96\xc3!", "", "äöüÄÖ\u{fffd}!", Outcome::Clean),
            (b"caf\xe9", "", "café", Outcome::Clean),
            ("café".as_bytes(), "", "café", Outcome::Clean),
            ("café".as_bytes(), "us-ascii", "café", Outcome::Clean),
            (b"caf\xe9", "x-no-such-thing", "café", Outcome::UnknownCharset),
            (b"caf\xe9!", "utf-8", "caf\u{fffd}!", Outcome::Damaged),
            (b"caf\xc3", "UTF8", "caf", Outcome::Clean),
            (b"\x1b$B%O%m\x1b(B", "", "ハロ", Outcome::Clean),
            (b"\x83n\x83\x8d", "cp932", "ハロ", Outcome::Clean),
            (b"\x80", "\"Windows-1252\"", "€", Outcome::Clean),
        ];
        for (octets, label, expected, outcome) in table {
            assert_eq!(decode(octets, label), (expected.into(), outcome), "{label}");
        }
    }
}
