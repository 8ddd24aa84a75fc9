//! Links in plain text: web addresses, what begins with `www.`, mail addresses. The punctuation of the sentence around them
//! does not belong to them; a bracket does where it was opened within.

use std::ops::Range;

/// The links of one text that are found.
const MOST: usize = 5_000;
/// The octets of one link; longer words are no links.
const LONGEST_WORD: usize = 8_192;

/// A link in a text: where it stands, and its target, which is not yet judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub range: Range<usize>,
    pub target: String,
}

/// Finds the links of `text`, in their order. Linear.
pub fn find_links(text: &str) -> Vec<Found> {
    super::super::guarded(|| search(text)).unwrap_or_default()
}

fn search(text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    let mut at = 0_usize;
    for word in text.split(is_boundary) {
        let start = at;
        at = at.saturating_add(word.len());
        at = at.saturating_add(text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8));
        if found.len() >= MOST {
            break;
        }
        if word.len() <= LONGEST_WORD {
            found.extend(in_word(word, start));
        }
    }
    found
}

/// What no address goes over.
fn is_boundary(each: char) -> bool {
    each.is_whitespace()
        || each.is_control()
        || matches!(each, '<' | '>' | '"' | '“' | '”' | '„' | '«' | '»' | '‹' | '›' | '`' | '|')
        || matches!(
            each,
            '　' | '、' | '。' | '「' | '」' | '『' | '』' | '（' | '）' | '【' | '】' | '，' | '；' | '！'
        )
}

fn in_word(word: &str, start: usize) -> Option<Found> {
    if !word.contains(['@', ':', '.']) {
        return None;
    }
    let lower = word.to_ascii_lowercase();
    let of = |from: usize, prefix: &str| {
        let link = trimmed(word.get(from..)?);
        let rest = link.get(prefix.len()..)?;
        if rest.is_empty() {
            return None;
        }
        Some((from, link))
    };
    let web = ["https://", "http://", "mailto:"].iter().find_map(|prefix| {
        let from = lower.find(prefix).filter(|from| begins(word, *from))?;
        of(from, prefix)
    });
    if let Some((from, link)) = web {
        return Some(of_range(start, from, link, link.to_owned()));
    }
    if let Some(from) = lower.find("www.").filter(|from| begins(word, *from))
        && let Some((from, link)) =
            of(from, "www.").filter(|(_, link)| link.get(4..).is_some_and(|rest| rest.contains('.')))
    {
        return Some(of_range(start, from, link, format!("http://{link}")));
    }
    mail_address(word).map(|(from, address)| of_range(start, from, address, format!("mailto:{address}")))
}

fn of_range(start: usize, from: usize, link: &str, target: String) -> Found {
    let begin = start.saturating_add(from);
    Found { range: begin..begin.saturating_add(link.len()), target }
}

/// Whether a link may begin at `from`: not in the middle of another word.
fn begins(word: &str, from: usize) -> bool {
    word.get(..from).and_then(|before| before.chars().next_back()).is_none_or(|before| !before.is_alphanumeric())
}

/// Without the punctuation of the sentence at its end.
fn trimmed(link: &str) -> &str {
    let mut link = link;
    while let Some(last) = link.chars().next_back() {
        let opened = match last {
            ')' => Some('('),
            ']' => Some('['),
            '}' => Some('{'),
            _ => None,
        };
        let goes = match opened {
            Some(open) => link.matches(last).count() > link.matches(open).count(),
            None => matches!(last, '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '’' | '‘' | '…' | '*' | '_' | '~'),
        };
        if !goes {
            break;
        }
        link = link.get(..link.len().saturating_sub(last.len_utf8())).unwrap_or_default();
    }
    link
}

/// A mail address in a word: where it begins, and it.
fn mail_address(word: &str) -> Option<(usize, &str)> {
    let at = word.find('@')?;
    let local = |each: char| each.is_alphanumeric() || "!#$%&'*+-/=?^_{}~.".contains(each);
    let domain = |each: char| each.is_alphanumeric() || matches!(each, '-' | '.');
    let before = word.get(..at)?;
    let from = before.rfind(|each: char| !local(each)).map_or(0, |place| {
        place.saturating_add(before.get(place..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8))
    });
    let from = from.saturating_add(before.get(from..)?.find(|each: char| each.is_alphanumeric() || each == '_')?);
    let behind = word.get(at.saturating_add(1)..)?;
    let end = behind.find(|each: char| !domain(each)).unwrap_or(behind.len());
    let host = behind.get(..end)?.trim_end_matches(['.', '-']);
    let (_, last) = host.rsplit_once('.')?;
    let plausible =
        last.chars().count() >= 2 && last.chars().all(char::is_alphabetic) && !behind.get(end..)?.starts_with('@');
    let address = word.get(from..at.saturating_add(1).saturating_add(host.len()))?;
    (plausible && super::super::sender::is_valid(address)).then_some((from, address))
}
