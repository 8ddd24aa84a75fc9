//! `winmail.dat` (MS-OXTNEF): what Outlook packs a message into for other Outlooks. Taken apart into its files and its
//! text, each as slices of the stream, within bounds; whatever is broken ends the reading there.

use std::borrow::Cow;

use super::charset;

const SIGNATURE: u32 = 0x223e_9f78;
/// Files that are listed, and properties of one list that are looked at.
const MOST_FILES: usize = 500;
const MOST_PROPERTIES: usize = 5_000;
/// Values of one property that are walked over.
const MOST_VALUES: u32 = 5_000;

/// What a stream holds.
#[derive(Debug, Default)]
pub(super) struct Tnef<'a> {
    pub text: Option<String>,
    pub html: Option<String>,
    /// Compressed (MS-OXRTFCP).
    pub rtf: Option<&'a [u8]>,
    pub files: Vec<File<'a>>,
}

/// A file inside, or a message inside: then `content` is a stream of its own.
#[derive(Debug, Default)]
pub(super) struct File<'a> {
    pub name: String,
    /// As the sender declared it; empty where it did not.
    pub media_type: String,
    /// As the HTML beside it names it, without angle brackets; empty where it does not.
    pub content_id: String,
    pub content: &'a [u8],
    pub is_message: bool,
    /// The name from before long names.
    title: String,
    short: String,
}

/// Reads a stream; `None` where it is none.
pub(super) fn read(stream: &[u8]) -> Option<Tnef<'_>> {
    let mut octets = Octets(stream);
    if octets.u32()? != SIGNATURE {
        return None;
    }
    octets.u16()?;
    let mut reading = Reading { tnef: Tnef::default(), code_page: 1252 };
    while reading.attribute(&mut octets).is_some() {}
    for file in &mut reading.tnef.files {
        let names = [&file.name, &file.title, &file.short];
        let first = names.into_iter().find(|name| !name.is_empty()).cloned();
        file.name = first.unwrap_or_default();
    }
    Some(reading.tnef)
}

struct Reading<'a> {
    tnef: Tnef<'a>,
    code_page: u32,
}

impl<'a> Reading<'a> {
    /// One attribute: level, name and kind, length, data, checksum (which broken programs get wrong).
    fn attribute(&mut self, octets: &mut Octets<'a>) -> Option<()> {
        octets.u8()?;
        let id = octets.u32()?;
        let length = octets.u32()?;
        let data = octets.take(length)?;
        match id & 0xffff {
            0x9007 => self.code_page = Octets(data).u32().unwrap_or(1252),
            0x800c => self.tnef.text = Some(self.narrow(data)),
            0x9003 => self.message(data),
            // The attributes behind it are of a new file.
            0x9002 => self.begin_file(),
            0x8010 => {
                let title = self.narrow(data);
                self.file(|file| file.title = title);
            }
            0x800f => self.file(|file| file.content = data),
            0x9005 => self.described(data),
            _ => (),
        }
        // The last checksum may be cut off; what stood before it is whole.
        octets.u16().map(drop)
    }

    fn begin_file(&mut self) {
        if self.tnef.files.len() < MOST_FILES {
            self.tnef.files.push(File::default());
        }
    }

    fn file(&mut self, change: impl FnOnce(&mut File<'a>)) {
        if self.tnef.files.is_empty() {
            self.begin_file();
        }
        if let Some(file) = self.tnef.files.last_mut() {
            change(file);
        }
    }

    fn message(&mut self, data: &'a [u8]) {
        for property in properties(data, self.code_page) {
            match (property.id, property.value) {
                (0x1000, Value::Text(text)) => self.tnef.text = Some(text.into_owned()),
                (0x1013, Value::Text(text)) => self.tnef.html = Some(text.into_owned()),
                (0x1013, Value::Binary(octets)) => {
                    self.tnef.html = Some(charset::decode(octets, &label(self.code_page)).0.into_owned());
                }
                (0x1009, Value::Binary(octets)) => self.tnef.rtf = Some(octets),
                _ => (),
            }
        }
    }

    fn described(&mut self, data: &'a [u8]) {
        for property in properties(data, self.code_page) {
            self.file(|file| match (property.id, property.value) {
                (0x3707, Value::Text(name)) => file.name = name.into_owned(),
                (0x3704 | 0x3001, Value::Text(name)) if file.short.is_empty() => file.short = name.into_owned(),
                (0x370e, Value::Text(kind)) => file.media_type = kind.to_ascii_lowercase(),
                (0x3712, Value::Text(id)) => {
                    file.content_id = id.trim().trim_start_matches('<').trim_end_matches('>').to_owned();
                }
                (0x3701, Value::Binary(octets)) => file.content = octets,
                (0x3701, Value::Object(octets)) => {
                    file.is_message = octets.starts_with(&SIGNATURE.to_le_bytes());
                    file.content = octets;
                }
                _ => (),
            });
        }
    }

    fn narrow(&self, data: &[u8]) -> String {
        narrow(data, self.code_page).into_owned()
    }
}

/// Text of one octet a character or two, up to its NUL.
fn narrow(data: &[u8], code_page: u32) -> Cow<'_, str> {
    let end = data.iter().position(|&octet| octet == 0).unwrap_or(data.len());
    charset::decode(data.get(..end).unwrap_or(data), &label(code_page)).0
}

pub(super) fn label(code_page: u32) -> String {
    match code_page {
        65001 => "utf-8".to_owned(),
        932 => "shift_jis".to_owned(),
        936 => "gb18030".to_owned(),
        949 => "euc-kr".to_owned(),
        950 => "big5".to_owned(),
        1250..=1258 => format!("windows-{code_page}"),
        _ => String::new(),
    }
}

struct Property<'a> {
    id: u32,
    value: Value<'a>,
}

enum Value<'a> {
    Text(Cow<'a, str>),
    Binary(&'a [u8]),
    Object(&'a [u8]),
    Other,
}

/// The MAPI properties of a list (MS-OXTNEF section 2.1.3.4); those before the first that is broken.
fn properties(data: &[u8], code_page: u32) -> Vec<Property<'_>> {
    let mut octets = Octets(data);
    let Some(count) = octets.u32() else { return Vec::new() };
    let count = usize::try_from(count).unwrap_or(MOST_PROPERTIES).min(MOST_PROPERTIES);
    (0..count).map_while(|_| property(&mut octets, code_page)).collect()
}

fn property<'a>(octets: &mut Octets<'a>, code_page: u32) -> Option<Property<'a>> {
    let kind = octets.u16()?;
    let id = octets.u16()?;
    if id >= 0x8000 {
        // A named property: its set, and its number or its name.
        octets.take(16)?;
        match octets.u32()? {
            0 => octets.u32().map(drop)?,
            _ => octets.counted().map(drop)?,
        }
    }
    let several = kind & 0x1000 != 0;
    let base = kind & 0x0fff;
    let values = if several || is_counted(base) { octets.u32()? } else { 1 };
    let mut value = Value::Other;
    for number in 0..values.min(MOST_VALUES) {
        let read = one_value(octets, base, code_page)?;
        if number == 0 {
            value = read;
        }
    }
    Some(Property { id: u32::from(id), value })
}

/// Whether the kind is written as a count of values, each with its length.
fn is_counted(kind: u16) -> bool {
    matches!(kind, 0x000d | 0x001e | 0x001f | 0x0102)
}

fn one_value<'a>(octets: &mut Octets<'a>, kind: u16, code_page: u32) -> Option<Value<'a>> {
    let fixed = match kind {
        0x0002 | 0x0003 | 0x0004 | 0x000a | 0x000b => 4,
        0x0005 | 0x0006 | 0x0007 | 0x0014 | 0x0040 => 8,
        0x0048 => 16,
        0x000d | 0x001e | 0x001f | 0x0102 => {
            let data = octets.counted()?;
            return Some(match kind {
                0x001e => Value::Text(narrow(data, code_page)),
                0x001f => Value::Text(wide(data).into()),
                // In front stands of which interface the object is.
                0x000d => Value::Object(data.get(16..).unwrap_or_default()),
                _ => Value::Binary(data),
            });
        }
        _ => return None,
    };
    octets.take(fixed)?;
    Some(Value::Other)
}

/// UTF-16, little end first, up to its NUL.
fn wide(data: &[u8]) -> String {
    let units = data.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit)).take_while(|&unit| unit != 0);
    char::decode_utf16(units).map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// What is left of a stream.
struct Octets<'a>(&'a [u8]);

impl<'a> Octets<'a> {
    fn take(&mut self, count: u32) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(count).ok()?)?;
        self.0 = rest;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.take(2)?.try_into().ok()?))
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    /// A length and so many octets, filled up to a multiple of four.
    fn counted(&mut self) -> Option<&'a [u8]> {
        let length = self.u32()?;
        let data = self.take(length)?;
        // The filling of the last value may be missing.
        let filling = length.wrapping_neg() & 3;
        let filling = filling.min(u32::try_from(self.0.len()).unwrap_or(filling));
        self.take(filling)?;
        Some(data)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    fn attribute(level: u8, id: u32, data: &[u8]) -> Vec<u8> {
        let sum = data.iter().fold(0_u16, |sum, octet| sum.wrapping_add(u16::from(*octet)));
        let length = u32::try_from(data.len()).unwrap();
        [&[level], &id.to_le_bytes()[..], &length.to_le_bytes(), data, &sum.to_le_bytes()].concat()
    }

    fn counted(kind: u16, id: u16, data: &[u8]) -> Vec<u8> {
        let length = u32::try_from(data.len()).unwrap();
        let filling = vec![0; data.len().next_multiple_of(4) - data.len()];
        [&kind.to_le_bytes()[..], &id.to_le_bytes(), &1_u32.to_le_bytes(), &length.to_le_bytes(), data, &filling]
            .concat()
    }

    fn list(properties: &[Vec<u8>]) -> Vec<u8> {
        let count = u32::try_from(properties.len()).unwrap();
        [&count.to_le_bytes()[..], &properties.concat()].concat()
    }

    fn utf16(text: &str) -> Vec<u8> {
        text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
    }

    /// A stream with a text and two files, the second a message that holds a third.
    pub fn stream() -> Vec<u8> {
        let start = |attributes: &[Vec<u8>]| {
            [&SIGNATURE.to_le_bytes()[..], &7_u16.to_le_bytes(), &attributes.concat()].concat()
        };
        let named =
            [&3_u16.to_le_bytes()[..], &0x8005_u16.to_le_bytes(), &[9; 16], &0_u32.to_le_bytes(), &[0; 8]].concat();
        let inner = start(&[
            attribute(1, 0x0006_9003, &list(&[counted(0x1e, 0x1000, b"inside\0")])),
            attribute(2, 0x0006_9002, &[0; 14]),
            attribute(2, 0x0001_8010, b"deep.txt\0"),
            attribute(2, 0x0006_800f, b"deep"),
        ]);
        start(&[
            attribute(1, 0x0006_9007, &[1252_u32.to_le_bytes(), [0; 4]].concat()),
            attribute(1, 0x0002_800c, b"Sch\xf6n\0"),
            attribute(1, 0x0006_9003, &list(&[named, counted(0x102, 0x1013, b"<p>rich</p>")])),
            attribute(2, 0x0006_9002, &[0; 14]),
            attribute(2, 0x0001_8010, b"PROGRA~1.PDF\0"),
            attribute(2, 0x0006_800f, b"%PDF"),
            attribute(
                2,
                0x0006_9005,
                &list(&[
                    counted(0x1f, 0x3707, &utf16("Programme für Anna.pdf")),
                    counted(0x1e, 0x370e, b"Application/PDF\0"),
                    counted(0x1f, 0x3712, &utf16("<plan@x>")),
                ]),
            ),
            attribute(2, 0x0006_9002, &[0; 14]),
            attribute(
                2,
                0x0006_9005,
                &list(&[counted(0x1e, 0x3001, b"A letter\0"), counted(0x0d, 0x3701, &[&[7; 16][..], &inner].concat())]),
            ),
        ])
    }

    #[test]
    fn text_and_files() {
        let stream = stream();
        let tnef = read(&stream).unwrap();
        assert_eq!((tnef.text.as_deref(), tnef.html.as_deref()), (Some("Schön"), Some("<p>rich</p>")));
        let files: Vec<_> = tnef.files.iter().map(|file| (file.name.as_str(), file.media_type.as_str())).collect();
        assert_eq!(files, [("Programme für Anna.pdf", "application/pdf"), ("A letter", "")]);
        let [pdf, letter] = tnef.files.as_slice() else { panic!("two files") };
        assert_eq!((pdf.content, pdf.is_message, letter.is_message), (&b"%PDF"[..], false, true));
        assert_eq!((pdf.content_id.as_str(), letter.content_id.as_str()), ("plan@x", ""));
        let inner = read(letter.content).unwrap();
        assert_eq!((inner.text.as_deref(), inner.files[0].content), (Some("inside"), &b"deep"[..]));
        assert!(read(b"no stream").is_none() && read(b"").is_none());
    }

    #[test]
    fn a_stream_that_is_cut_gives_what_stands_before_the_cut() {
        let whole = stream();
        for end in 0..whole.len() {
            let files = read(&whole[..end]).map_or(0, |tnef| tnef.files.len());
            assert!(files <= 2, "{end}");
        }
        // A count of four thousand million properties, and as many values of one.
        let endless = [&1_u16.to_le_bytes()[..], &u32::MAX.to_le_bytes()].concat();
        assert!(properties(&[&u32::MAX.to_le_bytes()[..], &endless].concat(), 0).is_empty());
    }

    proptest! {
        #[test]
        fn any_octets_give_an_answer(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..20)) {
            let mut stream = stream();
            for (place, octet) in changes {
                let place = place.index(stream.len());
                stream[place] = octet;
            }
            if let Some(tnef) = read(&stream) {
                prop_assert!(tnef.files.iter().map(|file| file.content.len()).sum::<usize>() <= stream.len());
            }
        }
    }
}
