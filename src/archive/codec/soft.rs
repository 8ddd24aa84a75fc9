//! The soft line breaks of quoted-printable (RFC 2045, section 6.7) taken out of text and put back where they stood: they
//! fall into the middle of words, and what is said twice in one mail, plain and as HTML, is broken in two ways.
//!
//! Nothing is written down for a break that stands where a program would put it that fills its lines. A line whose breaks
//! stand elsewhere is left as it is. What comes back is compared by whoever packs.

use std::borrow::Cow;

use super::{number, take_number};

/// The longest line that is looked at, in characters before its break.
const LONGEST: usize = 998;
/// An escape and a character more.
const SHORTEST: usize = 4;

/// How the lines of a text were broken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Soft {
    /// Characters of a line before its soft break, at the most.
    limit: usize,
    /// One character more where the line ends with it: its last piece needs no room for a `=`.
    ends_later: bool,
    crlf: bool,
    /// For each line that was broken, the lines before it that were not.
    skipped: Vec<usize>,
}

impl Soft {
    /// Takes the soft breaks out of `text`, onto `joined`.
    pub(super) fn join(text: &[u8], joined: &mut Vec<u8>) -> Soft {
        let Some(soft) = Soft::of(text) else {
            joined.extend_from_slice(text);
            return Soft::default();
        };
        let (mut skipped, mut all) = (0, Vec::new());
        let mut pieces = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (line, after) = soft.broken_line(rest, &mut pieces);
            rest = after;
            if soft.would_break(line, &pieces) {
                all.push(std::mem::take(&mut skipped));
                let mut at = 0;
                for piece in &pieces {
                    joined.extend_from_slice(line.get(at..at + piece).unwrap_or_default());
                    at += piece + soft.mark().len();
                }
                joined.extend_from_slice(line.get(at..).unwrap_or_default());
            } else {
                skipped += pieces.len() + 1;
                joined.extend_from_slice(line);
            }
        }
        if all.is_empty() { Soft::default() } else { Soft { skipped: all, ..soft } }
    }

    /// Puts the breaks back; `None` where that is not what was taken out, or longer than it was.
    pub(super) fn part<'a>(&self, joined: &'a [u8], octets: usize) -> Option<Cow<'a, [u8]>> {
        if self.skipped.is_empty() {
            return (joined.len() == octets).then_some(Cow::Borrowed(joined));
        }
        let mut text = Vec::with_capacity(octets);
        let mut rest = joined;
        for &skipped in &self.skipped {
            for _ in 0..skipped {
                if rest.is_empty() {
                    return None;
                }
                let (line, after) = split_line(rest);
                text.extend_from_slice(line);
                rest = after;
            }
            let (line, after) = split_line(rest);
            rest = after;
            let (mut content, ending) = line.split_at(self.content(line));
            while content.len() > self.last() {
                let (piece, after) = content.split_at_checked(self.piece(content))?;
                text.extend_from_slice(piece);
                text.extend_from_slice(self.mark());
                content = after;
                if text.len() > octets {
                    return None;
                }
            }
            text.extend_from_slice(content);
            text.extend_from_slice(ending);
        }
        text.extend_from_slice(rest);
        (text.len() == octets).then_some(Cow::Owned(text))
    }

    pub(super) fn write(&self, into: &mut Vec<u8>) {
        number(into, self.skipped.len());
        if !self.skipped.is_empty() {
            number(into, self.limit * 4 + usize::from(self.ends_later) * 2 + usize::from(self.crlf));
            self.skipped.iter().for_each(|skipped| number(into, *skipped));
        }
    }

    /// What [`Soft::write`] wrote at the beginning of `rest`.
    pub(super) fn take(rest: &mut &[u8]) -> Option<Soft> {
        let lines = take_number(rest)?;
        if lines == 0 {
            return Some(Soft::default());
        }
        let shape = take_number(rest)?;
        let mut soft = Soft { limit: shape / 4, ends_later: shape & 2 != 0, crlf: shape & 1 != 0, skipped: Vec::new() };
        if !(SHORTEST..=LONGEST).contains(&soft.limit) {
            return None;
        }
        for _ in 0..lines {
            soft.skipped.push(take_number(rest)?);
        }
        Some(soft)
    }

    /// How most of these lines are broken, if any are.
    fn of(text: &[u8]) -> Option<Soft> {
        let mut soft = Soft::default();
        let first = memchr::memmem::find(text, b"=\n").unwrap_or(usize::MAX);
        let with_return = memchr::memmem::find(text, b"=\r\n").unwrap_or(usize::MAX);
        if first == with_return {
            return None;
        }
        soft.crlf = with_return < first;
        let (mut later, mut sooner) = (0, 0);
        let mut pieces = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (line, after) = soft.broken_line(rest, &mut pieces);
            rest = after;
            soft.limit = pieces.iter().copied().filter(|piece| *piece <= LONGEST).max().unwrap_or(0).max(soft.limit);
            let breaks: usize = pieces.iter().map(|piece| piece + soft.mark().len()).sum();
            let last = soft.content(line).saturating_sub(breaks);
            later += usize::from(!pieces.is_empty() && last > soft.limit);
            sooner += usize::from(pieces.last().is_some_and(|piece| piece + last == soft.limit + 1));
        }
        soft.ends_later = later > sooner;
        (soft.limit >= SHORTEST).then_some(soft)
    }

    fn mark(&self) -> &'static [u8] {
        if self.crlf { b"=\r\n" } else { b"=\n" }
    }

    /// Characters of a line, without what ends it.
    fn content(&self, line: &[u8]) -> usize {
        let content = line.strip_suffix(b"\n").unwrap_or(line);
        let content = if self.crlf && content.len() < line.len() {
            content.strip_suffix(b"\r").unwrap_or(content)
        } else {
            content
        };
        content.len()
    }

    /// Characters that the last piece of a line may have.
    fn last(&self) -> usize {
        self.limit + usize::from(self.ends_later)
    }

    /// How much of `content` comes before the next break: as much as there is room for, and no half of an escape.
    fn piece(&self, content: &[u8]) -> usize {
        let is_escape = |back: usize| content.get(self.limit - back) == Some(&b'=');
        self.limit - if is_escape(1) { 1 } else { 2 * usize::from(is_escape(2)) }
    }

    /// The next line with the soft breaks that are in it, of which `pieces` are the lengths, and what follows.
    fn broken_line<'a>(&self, text: &'a [u8], pieces: &mut Vec<usize>) -> (&'a [u8], &'a [u8]) {
        pieces.clear();
        let mut length = 0;
        loop {
            let (line, _) = split_line(text.get(length..).unwrap_or_default());
            length += line.len();
            match line.strip_suffix(self.mark()) {
                Some(piece) => pieces.push(piece.len()),
                None => return text.split_at(length),
            }
        }
    }

    /// Whether a line that has these pieces would be broken so.
    fn would_break(&self, line: &[u8], pieces: &[usize]) -> bool {
        let Some(&before) = pieces.last() else { return false };
        let breaks: usize = pieces.iter().map(|piece| piece + self.mark().len()).sum();
        let Some(last) = self.content(line).checked_sub(breaks) else { return false };
        let mut at = 0;
        let regular = pieces.iter().all(|&piece| {
            // Across the break: what is looked at are the last two characters of the piece and, after a shorter one,
            // those that follow.
            let here = line.get(at..at + piece).unwrap_or_default();
            let next = line.get(at + piece + self.mark().len()..).unwrap_or_default();
            at += piece + self.mark().len();
            let short = self.limit.checked_sub(piece);
            let fits = |octet: usize| here.get(octet).or_else(|| next.get(octet - here.len()));
            match short {
                Some(short @ 0..=2) => {
                    let is_escape = |back: usize| fits(self.limit - back) == Some(&b'=');
                    short == if is_escape(1) { 1 } else { 2 * usize::from(is_escape(2)) }
                }
                _ => false,
            }
        });
        regular && last <= self.last() && before + last > self.last()
    }
}

/// The first line with what ends it, and what follows.
fn split_line(text: &[u8]) -> (&[u8], &[u8]) {
    let end = memchr::memchr(b'\n', text).map_or(text.len(), |end| end + 1);
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The lines that were joined; the text came back.
    #[track_caller]
    fn round_trip(text: &[u8]) -> usize {
        let mut joined = Vec::new();
        let soft = Soft::join(text, &mut joined);
        let mut written = Vec::new();
        soft.write(&mut written);
        let mut rest = written.as_slice();
        assert_eq!(Soft::take(&mut rest).as_ref(), Some(&soft));
        assert!(rest.is_empty());
        assert!(soft.part(&joined, text.len()).as_deref() == Some(text), "{}", String::from_utf8_lossy(text));
        for wrong in [0, text.len().saturating_sub(1), text.len() + 1] {
            assert!(wrong == text.len() || soft.part(&joined, wrong).is_none());
        }
        soft.skipped.len()
    }

    /// Breaks a line as a program does that fills its lines: at the most `limit` characters before a `=`, and `last` in
    /// the last piece.
    fn broken(line: &str, limit: usize, last: usize, ending: &str) -> String {
        let (mut out, mut rest) = (String::new(), line);
        while rest.len() > last {
            let mut piece = String::new();
            while let Some(letter) = rest.chars().next() {
                let token = if letter == '=' { &rest[..3] } else { &rest[..letter.len_utf8()] };
                if piece.len() + token.len() > limit {
                    break;
                }
                piece += token;
                rest = &rest[token.len()..];
            }
            out += &format!("{piece}={ending}");
        }
        out + rest
    }

    #[test]
    fn lines_that_a_program_filled_are_joined() {
        let long = "Gr=C3=BC=C3=9Fe aus K=C3=B6ln, und noch viel mehr W=C3=B6rter, die =C3=BCber die Zeile gehen. ";
        for ending in ["\n", "\r\n"] {
            for (limit, last) in [(75, 75), (75, 76), (72, 72), (40, 41)] {
                for repeat in 1..40 {
                    let line = broken(&long.repeat(repeat), limit, last, ending);
                    let text = format!("Subject: a{ending}{ending}{line}{ending}short{ending}{line}{ending}");
                    let found = round_trip(text.as_bytes());
                    assert_eq!(found, 2 * usize::from(line.contains('\n')), "{limit} {last} {repeat}");
                }
            }
        }
    }

    #[test]
    fn other_breaks_come_back() {
        let line = "=C3=BC".repeat(40);
        for text in [
            "=\n",
            "=\r\n",
            "a=\nb",
            "a=\r\n=\r\n",
            "=\n=\n=\n",
            "= \n",
            "abcd=\n\n=\n",
            "=\r\n=\n",
            "abcdefgh=\nabc=\nabcdefgh=\nabcdefgh=\nabcdefghi\n",
            "x==\nabcd=\nabcde",
            &broken(&line, 75, 75, "\n")[3..],
            &broken(&line, 75, 75, "\n").replacen("=\n", "=\r\n", 1),
            &broken(&line, 75, 75, "\r\n").replace("\r\n", "\n\r"),
        ] {
            round_trip(text.as_bytes());
        }
    }

    #[test]
    fn what_says_that_it_is_longer_than_it_was_is_refused() {
        let soft = Soft { limit: 4, ends_later: false, crlf: true, skipped: vec![0] };
        assert_eq!(soft.part(&[b'='; 1000], 1100), None);
        assert_eq!(soft.part(b"", 1), None);
        for limit in [0, 3, 999] {
            let mut written = vec![1];
            number(&mut written, limit * 4);
            number(&mut written, 0);
            assert_eq!(Soft::take(&mut written.as_slice()), None, "{limit}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_lines_come_back(text in "([a=3]{0,8}(=\n|=\r\n|\n|\r\n|\r)){0,12}[a=3]{0,8}") {
            round_trip(text.as_bytes());
        }

        #[test]
        fn nothing_that_is_read_is_endless(joined in "[a=\n]{0,80}", shape in 16_usize..400, skipped in proptest::collection::vec(0_usize..9, 0..9)) {
            let soft = Soft { limit: shape / 4, ends_later: shape & 2 != 0, crlf: shape & 1 != 0, skipped };
            let answer = soft.part(joined.as_bytes(), 300);
            prop_assert!(answer.is_none_or(|answer| answer.len() == 300));
        }
    }
}
