//! Rich text as Outlook compresses it (MS-OXRTFCP), and the words in it: its text, or the HTML that it was made from
//! (MS-OXRTFEX). Groups are counted on a stack of bounded depth; nothing recurses.

use super::charset;

/// The octets of rich text that are unpacked where it is shown.
const MOST: usize = 4 * 1024 * 1024;
/// Groups inside groups that are told apart.
const DEEPEST: usize = 500;

const DICTIONARY: &[u8] =
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \
\\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \
\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";

/// Unpacks as much of it as is shown; `None` where it is not what it says.
pub(super) fn unpacked(data: &[u8]) -> Option<Vec<u8>> {
    Some(unpacked_up_to(MOST, data)?.0)
}

/// Unpacks so many octets of it, and says whether there are more; `None` where it is not what it says.
pub(super) fn unpacked_up_to(most: usize, data: &[u8]) -> Option<(Vec<u8>, bool)> {
    let word = |at: usize| Some(u32::from_le_bytes(data.get(at..at.checked_add(4)?)?.try_into().ok()?));
    let declared = usize::try_from(word(4)?).ok()?;
    let size = declared.min(most);
    let content = data.get(16..)?;
    let out = match word(8)? {
        0x414c_454d => content.get(..size).unwrap_or(content).to_vec(),
        0x7546_5a4c => lzfu(content, size),
        _ => return None,
    };
    let cut = declared > most && out.len() >= most;
    Some((out, cut))
}

fn lzfu(content: &[u8], size: usize) -> Vec<u8> {
    let mut window = [b' '; 4096];
    if let Some(start) = window.get_mut(..DICTIONARY.len()) {
        start.copy_from_slice(DICTIONARY);
    }
    let mut at = DICTIONARY.len();
    let mut out = Vec::new();
    let mut octets = content.iter().copied();
    while let Some(flags) = octets.next() {
        for bit in 0..8 {
            if out.len() >= size {
                return out;
            }
            let Some(first) = octets.next() else { return out };
            if flags >> bit & 1 == 0 {
                put(&mut window, &mut at, &mut out, first);
                continue;
            }
            let Some(second) = octets.next() else { return out };
            let token = u16::from_be_bytes([first, second]);
            let mut from = usize::from(token >> 4);
            // A reference to where the writing stands is the end.
            if from == at {
                return out;
            }
            for _ in 0..(token & 15).saturating_add(2) {
                let octet = window.get(from).copied().unwrap_or_default();
                from = from.wrapping_add(1) & 0xfff;
                put(&mut window, &mut at, &mut out, octet);
            }
        }
    }
    out
}

fn put(window: &mut [u8; 4096], at: &mut usize, out: &mut Vec<u8>, octet: u8) {
    if let Some(place) = window.get_mut(*at) {
        *place = octet;
    }
    *at = at.wrapping_add(1) & 0xfff;
    out.push(octet);
}

/// The words of rich text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Words {
    Text(String),
    Html(String),
}

/// Reads the words of unpacked rich text.
pub(super) fn words(rtf: &[u8]) -> Words {
    let from_html = memchr::memmem::find(rtf.get(..1000).unwrap_or(rtf), b"\\fromhtml").is_some();
    let mut reading = Reading {
        from_html,
        octets: Vec::new(),
        out: String::new(),
        label: "windows-1252".to_owned(),
        uc: 1,
        skip: 0,
        half: 0,
    };
    reading.read(rtf);
    reading.flush();
    if from_html { Words::Html(reading.out) } else { Words::Text(reading.out.trim().to_owned()) }
}

/// What a group inherits.
#[derive(Clone, Copy, Default)]
struct Group {
    /// Nothing of it is shown: a table of fonts, a picture.
    hidden: bool,
    /// Of HTML: what the writer added for readers of rich text.
    added: bool,
    /// Of HTML: it is written as it stands.
    tag: bool,
}

struct Reading {
    from_html: bool,
    /// Octets in the document's character set, not decoded yet.
    octets: Vec<u8>,
    out: String,
    label: String,
    /// How many characters stand in for one that is given by its number, and how many of these are still to come.
    uc: usize,
    skip: usize,
    /// The first half of a character that is given in two.
    half: u16,
}

impl Reading {
    fn read(&mut self, rtf: &[u8]) {
        let mut group = Group::default();
        let mut groups: Vec<Group> = Vec::new();
        let mut deeper = 0_usize;
        let mut rest = rtf;
        while let Some((&octet, after)) = rest.split_first() {
            rest = after;
            match octet {
                b'{' if groups.len() < DEEPEST => groups.push(group),
                b'{' => deeper = deeper.saturating_add(1),
                b'}' if deeper > 0 => deeper = deeper.saturating_sub(1),
                b'}' => group = groups.pop().unwrap_or_default(),
                b'\\' => rest = self.control(after, &mut group),
                b'\r' | b'\n' => (),
                octet => self.octet(octet, group),
            }
        }
    }

    /// What follows a backslash; gives what follows that.
    fn control<'a>(&mut self, rest: &'a [u8], group: &mut Group) -> &'a [u8] {
        let letters = rest.iter().take_while(|octet| octet.is_ascii_alphabetic()).count();
        let Some((word, after)) = rest.split_at_checked(letters).filter(|(word, _)| !word.is_empty()) else {
            return self.symbol(rest, group);
        };
        let digits =
            after.iter().enumerate().take_while(|(at, octet)| octet.is_ascii_digit() || *at == 0 && **octet == b'-');
        let (number, after) = after.split_at_checked(digits.count()).unwrap_or((&[], after));
        let number = std::str::from_utf8(number).ok().and_then(|text| text.parse::<i32>().ok());
        self.word(word, number, group);
        after.strip_prefix(b" ").unwrap_or(after)
    }

    fn symbol<'a>(&mut self, rest: &'a [u8], group: &mut Group) -> &'a [u8] {
        let Some((&symbol, after)) = rest.split_first() else { return rest };
        match symbol {
            b'\'' => {
                let digit = |at: usize| after.get(at).copied().and_then(super::transfer::hexadecimal);
                if let (Some(high), Some(low)) = (digit(0), digit(1)) {
                    self.octet(high << 4 | low, *group);
                    return after.get(2..).unwrap_or_default();
                }
            }
            // What a program does not know it may pass over: but for the tags of HTML nothing there is shown.
            b'*' => group.hidden = true,
            b'~' => self.text(" ", *group),
            b'_' => self.text("-", *group),
            b'\\' | b'{' | b'}' => self.octet(symbol, *group),
            b'\r' | b'\n' => self.line(*group),
            _ => (),
        }
        after
    }

    fn word(&mut self, word: &[u8], number: Option<i32>, group: &mut Group) {
        match word {
            b"htmltag" => (group.hidden, group.tag) = (!self.from_html, true),
            b"htmlrtf" => group.added = number != Some(0),
            b"fonttbl" | b"colortbl" | b"stylesheet" | b"info" | b"pict" | b"object" | b"generator" | b"themedata"
            | b"listtable" | b"listoverridetable" | b"header" | b"footer" | b"pntext" => group.hidden = true,
            b"par" | b"line" | b"row" | b"sect" | b"page" => self.line(*group),
            b"tab" | b"cell" => self.text("\t", *group),
            b"u" => {
                self.numbered(number.unwrap_or(0), *group);
                self.skip = self.uc;
            }
            b"uc" => self.uc = usize::try_from(number.unwrap_or(1)).unwrap_or(1).min(10),
            b"ansicpg" => self.label = number.map(|page| format!("windows-{page}")).unwrap_or_default(),
            b"lquote" => self.text("‘", *group),
            b"rquote" => self.text("’", *group),
            b"ldblquote" => self.text("“", *group),
            b"rdblquote" => self.text("”", *group),
            b"endash" => self.text("–", *group),
            b"emdash" => self.text("—", *group),
            b"bullet" => self.text("•", *group),
            _ => (),
        }
    }

    /// A character given by its number, which is one of UTF-16 and signed.
    fn numbered(&mut self, number: i32, group: Group) {
        let unit = u16::try_from(number & 0xffff).unwrap_or_default();
        let before = std::mem::take(&mut self.half);
        if matches!(unit, 0xd800..0xdc00) {
            self.half = unit;
            return;
        }
        let units = [before, unit].into_iter().skip(usize::from(before == 0));
        let text: String = char::decode_utf16(units).map(|each| each.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
        self.text(&text, group);
    }

    fn line(&mut self, group: Group) {
        self.text("\n", group);
    }

    fn is_shown(&self, group: Group) -> bool {
        !(group.hidden || self.from_html && group.added && !group.tag)
    }

    fn octet(&mut self, octet: u8, group: Group) {
        if self.skip > 0 {
            self.skip = self.skip.saturating_sub(1);
        } else if self.is_shown(group) {
            self.octets.push(octet);
        }
    }

    fn text(&mut self, text: &str, group: Group) {
        if self.is_shown(group) {
            self.flush();
            self.out.push_str(text);
        }
    }

    fn flush(&mut self) {
        if !self.octets.is_empty() {
            self.out.push_str(&charset::decode(&self.octets, &self.label).0);
            self.octets.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The example of MS-OXRTFCP section 4.1.1.
    const SIMPLE: &[u8] = b"\x2d\0\0\0\x2b\0\0\0LZFu\xf1\xc5\xc7\xa7\x03\0\x0a\0rcpg125\x42\x32\x0a\xf3 hel\x09\0\x20bw\x05\xb0ld}\x0a\x80\x0f\xa0";

    #[test]
    fn the_examples_of_the_specification() {
        assert_eq!(unpacked(SIMPLE).unwrap(), b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n");
        let repeated = b"\x1a\0\0\0\x1c\0\0\0LZFu\xe2\xd4\x4b\x51\x41\0\x04\x20WXYZ\x0d\x6e}\x01\x0e\xb0";
        assert_eq!(unpacked(repeated).unwrap(), b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}");
        let plain = [&[0; 4][..], &5_u32.to_le_bytes(), b"MELA\0\0\0\0hello and more"].concat();
        assert_eq!(unpacked(&plain).unwrap(), b"hello");
        assert_eq!((unpacked(b""), unpacked(&[0; 20])), (None, None));
        assert_eq!(unpacked_up_to(3, &plain), Some((b"hel".to_vec(), true)));
        assert_eq!(unpacked_up_to(5, &plain), Some((b"hello".to_vec(), false)));
    }

    #[test]
    fn words_of_rich_text() {
        for (rtf, expected) in [
            ("{\\rtf1\\ansi\\pard hello world}\r\n", "hello world"),
            ("{\\rtf1{\\fonttbl{\\f0 Arial;}}{\\*\\generator x;}a\\par b\\tab c}", "a\nb\tc"),
            ("{\\rtf1\\ansicpg1252 caf\\'e9 \\{x\\}}", "café {x}"),
            ("{\\rtf1\\uc1 \\u8364?5 \\u-10179?\\u-8704?}", "€5 😀"),
            ("{\\rtf1 a{b{c", "abc"),
            ("}}}a", "a"),
            ("\\", ""),
        ] {
            assert_eq!(words(rtf.as_bytes()), Words::Text(expected.to_owned()), "{rtf}");
        }
        let html = "{\\rtf1\\ansi\\fromhtml1 {\\*\\htmltag64 <p>}\\htmlrtf \\par added\\htmlrtf0 hello {\\*\\htmltag84 <b>}you}";
        assert_eq!(words(html.as_bytes()), Words::Html("<p>hello <b>you".to_owned()));
        assert_eq!(words("{".repeat(100_000).as_bytes()), Words::Text(String::new()));
    }

    proptest! {
        #[test]
        fn any_octets_give_an_answer(tail in proptest::collection::vec(any::<u8>(), 0..300), text in "(\\\\[a-z]{1,4}-?[0-9]{0,3}|[{}'a\\\\ ]){0,60}") {
            let packed = [&SIMPLE[..16], &tail].concat();
            prop_assert!(unpacked(&packed).unwrap().len() <= 0x2b + 17);
            words(text.as_bytes());
            words(&tail);
        }
    }
}
