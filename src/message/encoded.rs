//! Files written into the text itself, from the days before MIME: uuencode (`begin 644 name` … `end`) and yEnc
//! (`=ybegin … =yend`). Found only where what follows looks so in its form: a line of prose that begins with "begin"
//! stays prose.

use std::ops::Range;

use super::charset;

/// Files of one text that are taken out; what follows stays text.
const MOST_FILES: usize = 200;

/// A file inside a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct File {
    pub name: String,
    pub content: Vec<u8>,
    /// Which part of a file in several messages, and of how many: zero where that is not said.
    pub part: Option<(u64, u64)>,
    /// Its end never came, or it is not as long as it says.
    pub is_damaged: bool,
    /// Where it stands in the text, with its first and last line.
    pub place: Range<usize>,
}

/// Whether it is worth looking, in text that may still be quoted-printable.
pub(super) fn may_hold(text: &[u8]) -> bool {
    let has = |mark: &[u8]| memchr::memmem::find(text, mark).is_some();
    has(b"begin ") || has(b"=ybegin") || has(b"=3Dybegin")
}

/// The files in `text`, in their order.
pub(super) fn files(text: &[u8]) -> Vec<File> {
    let mut found = Vec::new();
    let mut lines = Lines { text, at: 0 };
    while found.len() < MOST_FILES {
        let start = lines.at;
        let Some(line) = lines.next() else { break };
        let mut ahead = Lines { text, at: lines.at };
        let file = if let Some(rest) = line.strip_prefix(b"begin ") {
            uuencoded(rest, &mut ahead)
        } else if let Some(rest) = line.strip_prefix(b"=ybegin ") {
            yencoded(rest, &mut ahead)
        } else {
            None
        };
        if let Some(file) = file {
            found.push(File { place: start..ahead.at, ..file });
            lines.at = ahead.at;
        }
    }
    found
}

/// `text` without the files in it.
pub(super) fn without(text: &[u8], files: &[File]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = 0;
    for file in files {
        out.extend_from_slice(text.get(at..file.place.start).unwrap_or_default());
        at = file.place.end;
    }
    out.extend_from_slice(text.get(at..).unwrap_or_default());
    out
}

struct Lines<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Lines<'a> {
    /// The next line without its end.
    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let length = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at.saturating_add(1));
        self.at = self.at.saturating_add(length);
        let line = rest.get(..length).unwrap_or(rest);
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }
}

/// What follows `begin `: rights in octal digits, and the name.
fn uuencoded(head: &[u8], lines: &mut Lines<'_>) -> Option<File> {
    let (rights, name) = head.split_at_checked(head.iter().position(|&octet| octet == b' ')?)?;
    if !(3..=4).contains(&rights.len()) || !rights.iter().all(|octet| (b'0'..=b'7').contains(octet)) {
        return None;
    }
    let mut content = Vec::new();
    let mut is_damaged = true;
    let mut seen = false;
    loop {
        let before = lines.at;
        let Some(line) = lines.next() else { break };
        let bare = line.trim_ascii_end();
        if bare == b"end" {
            is_damaged = false;
            break;
        }
        let Some(octets) = uu_line(line) else {
            lines.at = before;
            break;
        };
        content.extend(octets);
        seen = true;
    }
    (seen || !is_damaged).then(|| File { name: named(name), content, part: None, is_damaged, place: 0..0 })
}

/// The octets of a line; `None` where it is not as long as it says.
fn uu_line(line: &[u8]) -> Option<Vec<u8>> {
    let (&count, data) = line.split_first().unwrap_or((&b'`', &[]));
    if !(b' '..=b'`').contains(&count) {
        return None;
    }
    let count = usize::from(count.wrapping_sub(b' ') & 0x3f);
    let wanted = count.div_ceil(3).saturating_mul(4);
    // A few blanks at the end may have been cut off, but not so many that little text would be a large file; one sign
    // more is a checksum.
    let surplus = data.len().saturating_sub(wanted);
    let missing = wanted.saturating_sub(data.len());
    if surplus > 2 || missing > 3 || !data.iter().all(|octet| (b' '..=b'`').contains(octet)) {
        return None;
    }
    let mut octets = Vec::with_capacity(count);
    let mut sextets = data.iter().map(|octet| u32::from(octet.wrapping_sub(b' ') & 0x3f)).chain(std::iter::repeat(0));
    while octets.len() < count {
        let bits = sextets.by_ref().take(4).fold(0_u32, |bits, sextet| bits << 6 | sextet);
        let [_, first, second, third] = bits.to_be_bytes();
        octets.extend([first, second, third]);
    }
    octets.truncate(count);
    Some(octets)
}

/// What follows `=ybegin `: `part=1 total=2 line=128 size=123 name=…`.
fn yencoded(head: &[u8], lines: &mut Lines<'_>) -> Option<File> {
    let head = String::from_utf8_lossy(head).into_owned();
    let (numbers, name) = head.split_once("name=")?;
    let number = |key: &str, within: &str| {
        within.split_ascii_whitespace().find_map(|word| word.strip_prefix(key)?.strip_prefix('=')?.parse::<u64>().ok())
    };
    let mut size = number("size", numbers)?;
    number("line", numbers)?;
    let part = number("part", numbers).map(|part| (part, number("total", numbers).unwrap_or(0)));
    let mut content = Vec::new();
    let mut is_damaged = true;
    while let Some(line) = lines.next() {
        if let Some(range) = line.strip_prefix(b"=ypart ") {
            let range = String::from_utf8_lossy(range);
            let (from, to) = (number("begin", &range).unwrap_or(1), number("end", &range).unwrap_or(size));
            size = to.saturating_sub(from).saturating_add(1);
            continue;
        }
        if line.starts_with(b"=yend") {
            is_damaged = content.len() as u64 != size;
            break;
        }
        y_line(line, &mut content);
    }
    Some(File { name: named(name.as_bytes()), content, part, is_damaged, place: 0..0 })
}

fn y_line(line: &[u8], content: &mut Vec<u8>) {
    // A dot that was doubled on the way and never undone.
    let line = if line.starts_with(b"..") { line.get(1..).unwrap_or_default() } else { line };
    let mut escaped = false;
    for &octet in line {
        if octet == b'=' && !escaped {
            escaped = true;
            continue;
        }
        let shift = if std::mem::take(&mut escaped) { 42 + 64 } else { 42 };
        content.push(octet.wrapping_sub(shift));
    }
}

fn named(name: &[u8]) -> String {
    charset::guess(name.trim_ascii()).trim_matches('"').to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn uuencode(name: &str, content: &[u8]) -> String {
        let sign = |sextet: u8| char::from(if sextet == 0 { b'`' } else { sextet + b' ' });
        let mut out = format!("begin 644 {name}\n");
        for line in content.chunks(45) {
            out.push(sign(u8::try_from(line.len()).unwrap()));
            for three in line.chunks(3) {
                let octet = |at: usize| three.get(at).copied().unwrap_or(0);
                let (a, b, c) = (octet(0), octet(1), octet(2));
                out.extend([a >> 2, (a & 3) << 4 | b >> 4, (b & 15) << 2 | c >> 6, c & 63].map(sign));
            }
            out.push('\n');
        }
        out + "`\nend\n"
    }

    fn yencode(name: &str, content: &[u8]) -> Vec<u8> {
        let mut out = format!("=ybegin line=128 size={} name={name}\r\n", content.len()).into_bytes();
        for line in content.chunks(100) {
            for octet in line {
                match octet.wrapping_add(42) {
                    critical @ (0 | b'\n' | b'\r' | b'=') => out.extend([b'=', critical.wrapping_add(64)]),
                    b'.' => out.extend([b'=', b'.'.wrapping_add(64)]),
                    plain => out.push(plain),
                }
            }
            out.extend(b"\r\n");
        }
        out.extend(format!("=yend size={}\r\n", content.len()).bytes());
        out
    }

    #[test]
    fn files_and_the_text_around_them() {
        let text = format!("Dear Ann,\n\n{}between\n{}after\n", uuencode("a b.txt", b"hello"), uuencode("empty", b""));
        let found = files(text.as_bytes());
        let seen: Vec<_> =
            found.iter().map(|file| (file.name.as_str(), file.content.as_slice(), file.is_damaged)).collect();
        assert_eq!(seen, [("a b.txt", &b"hello"[..], false), ("empty", b"", false)]);
        assert_eq!(without(text.as_bytes(), &found), b"Dear Ann,\n\nbetween\nafter\n");
    }

    #[test]
    fn prose_is_no_file() {
        for text in [
            "begin with me\nand go on\n",
            "begin 644 words\nThis is prose, and longer than it says.\n",
            "begin 999 x\n#0V%T\n`\nend\n",
            "begin 644\n#0V%T\nend\n",
            "> begin 644 quoted\n> #0V%T\n> `\n> end\n",
            "=ybegin of something\n",
            "=ybegin line=128 name=x\n",
            "",
        ] {
            assert_eq!(files(text.as_bytes()), [], "{text}");
        }
    }

    #[test]
    fn files_that_are_cut_and_files_in_parts() {
        let cut = files(b"begin 644 x\n#0V%T\n#0V%T\nAnd then prose, which is no such line.\n");
        assert_eq!((cut[0].content.as_slice(), cut[0].is_damaged, cut[0].place.clone()), (&b"CatCat"[..], true, 0..24));
        let part = files(b"=ybegin part=2 total=3 line=128 size=12 name=x.bin\r\n=ypart begin=4 end=6\r\n\x8b\x8c\x8d\r\n=yend size=3 part=2\r\n");
        assert_eq!((part[0].part, part[0].content.as_slice(), part[0].is_damaged), (Some((2, 3)), &b"abc"[..], false));
        let dotted = files(b"=ybegin line=128 size=1 name=x\n..\n=yend size=1\n");
        assert_eq!(dotted[0].content, [b'.' - 42]);
        let short = files(b"=ybegin line=128 size=9 name=x\nabc\n");
        assert!(short[0].is_damaged);
    }

    proptest! {
        #[test]
        fn what_is_encoded_comes_out_again(content in proptest::collection::vec(any::<u8>(), 0..500)) {
            let text = uuencode("x.bin", &content);
            let found = files(text.as_bytes());
            prop_assert_eq!(&found[0].content, &content);
            let text = yencode("x.bin", &content);
            let found = files(&text);
            prop_assert_eq!((&found[0].content, found[0].is_damaged), (&content, false));
            prop_assert!(without(&text, &found).is_empty());
        }

        #[test]
        fn any_octets_give_an_answer(text in "(begin 644 x\n|=ybegin line=1 size=2 name=y\n|#0V%T\n|`\n|end\n|=yend size=2\n|\\PC{0,5}\n){0,20}") {
            let found = files(text.as_bytes());
            prop_assert!(found.iter().map(|file| file.content.len()).sum::<usize>() <= text.len());
            prop_assert!(without(text.as_bytes(), &found).len() <= text.len());
        }
    }
}
