//! The host of a link: when its letters can be shown, whether another name that a text gives is the same house.

use icu_properties::CodePointMapData;
use icu_properties::props::Script;

/// The host as it is shown, and whether its letters were not, for they could be mistaken for others.
pub(super) fn shown(host: &str) -> (String, bool) {
    let letters = letters(host);
    if letters == host {
        return (host.to_owned(), false);
    }
    match letters.split('.').all(is_plain) {
        true => (letters, false),
        false => (host.to_owned(), true),
    }
}

/// The host in letters instead of `xn--`, whatever they are.
pub(super) fn letters(host: &str) -> String {
    let (letters, decoded) = idna::domain_to_unicode(host);
    let letters = super::visible_line(&letters);
    if decoded.is_ok() && !letters.is_empty() { letters } else { host.to_owned() }
}

/// Whether a label's letters are of one writing, and could not all be Latin ones (UTS 39, "moderately restrictive", and the
/// whole-script look-alikes of Cyrillic and Greek).
fn is_plain(label: &str) -> bool {
    if label.is_ascii() {
        return !label.starts_with("xn--");
    }
    let mut scripts: Vec<Script> = Vec::new();
    for letter in label.chars() {
        let script = CodePointMapData::<Script>::new().get(letter);
        if script != Script::Common && script != Script::Inherited && !scripts.contains(&script) {
            scripts.push(script);
        }
    }
    let within = |allowed: &[Script]| scripts.iter().all(|script| allowed.contains(script));
    let east_asian = within(&[Script::Han, Script::Hiragana, Script::Katakana])
        || within(&[Script::Han, Script::Hangul])
        || within(&[Script::Han, Script::Bopomofo]);
    let one = scripts.len() == 1 || east_asian;
    one && !label.chars().all(is_look_alike) && !label.contains(['\u{2044}', '\u{2215}', 'ǃ', '։', '·', '\u{30fb}'])
}

/// Letters of other writings, and Latin ones, that a reader takes for a plain Latin letter.
fn is_look_alike(letter: char) -> bool {
    letter.is_ascii_digit()
        || letter == '-'
        || "аеорсухіјѕԁһӏԛԝьвгкмнтпшЬᴀοαενικρτυχγωσηβ".contains(letter)
        || "ıȷɑɡɩʟɴʀʏɪԍᴄᴏᴠᴡᴢẹọụạịḷṃṇ".contains(letter)
}

/// Whether it leads to what only this network knows.
pub(super) fn is_local(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    !host.contains('.')
        || [".local", ".localhost", ".lan", ".internal", ".home", ".home.arpa"].iter().any(|end| host.ends_with(end))
}

/// The last labels of a host: two, or three where the second last is short (`co.uk`).
pub(super) fn ending(host: &str) -> String {
    let labels: Vec<&str> = host.split('.').collect();
    let second = labels.iter().rev().nth(1).map_or(0, |label| label.len());
    let kept = if second <= 3 { 3 } else { 2 };
    labels.get(labels.len().saturating_sub(kept)..).unwrap_or_default().join(".")
}

/// The host that a text names, in its ASCII form: the text is an address or begins with one.
pub(super) fn named_in(text: &str) -> Option<String> {
    const LONGEST: usize = 2_000;
    let text = super::visible_line(text.get(..LONGEST).unwrap_or(text));
    let word = text.split_whitespace().find(|word| word.contains("://")).or_else(|| {
        let mut words = text.split_whitespace();
        words.next().filter(|_| words.next().is_none())
    })?;
    let word = word.trim_matches(['<', '>', '(', ')', '"', '\'', '“', '”', ',', '.', ';', ':', '!', '?', '…']);
    let (scheme, bare) = word.split_once("://").unwrap_or(("", word));
    let name = bare.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let name = name.rsplit('@').next().unwrap_or_default();
    let name = name.split(':').next().unwrap_or_default();
    let plausible = !scheme.is_empty() || is_domain(name);
    let ascii = idna::domain_to_ascii(name).ok().filter(|name| name.contains('.'))?;
    plausible.then_some(ascii)
}

/// The mail address that a text is.
pub(super) fn address_in(text: &str) -> Option<String> {
    let text = super::visible_line(text.get(..400).unwrap_or(text));
    let word = text.trim_matches(['<', '>', '(', ')', '"', ',', '.', ';', ':']);
    (!word.contains(' ') && word.contains('@') && super::super::sender::is_valid(word)).then(|| word.to_owned())
}

/// Whether a word looks like the name of a server, and not like one of a file.
fn is_domain(name: &str) -> bool {
    const FILES: [&str; 24] = [
        "txt", "pdf", "html", "htm", "js", "css", "png", "jpg", "jpeg", "gif", "zip", "doc", "docx", "xls", "xlsx",
        "md", "json", "xml", "csv", "exe", "php", "rs", "py", "eml",
    ];
    let Some((front, end)) = name.rsplit_once('.') else { return false };
    let lower = end.to_lowercase();
    !front.is_empty()
        && front.chars().all(|each| each.is_alphanumeric() || matches!(each, '-' | '.' | '_'))
        && lower.chars().count() >= 2
        && lower.chars().all(char::is_alphabetic)
        && !FILES.contains(&lower.as_str())
}

/// Whether two hosts belong together: the same, or one below the other, `www.` aside.
pub(super) fn same_house(one: &str, other: &str) -> bool {
    let plain = |host: &str| {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        host.strip_prefix("www.").map(str::to_owned).unwrap_or(host)
    };
    let (one, other) = (plain(one), plain(other));
    one == other || one.ends_with(&format!(".{other}")) || other.ends_with(&format!(".{one}"))
}
