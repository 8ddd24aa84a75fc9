//! Writes small data files and message files of Outlook, as MS-PST and MS-OXMSG lay them out, in each of the forms that
//! there are. It shares nothing with the reader, not even the numbers of the properties, so that both cannot be wrong in
//! the same way.
#![allow(dead_code)]

use std::collections::HashMap;
use std::io::{Cursor, Write};

/// The properties that are written; names as in MS-OXPROPS without their `PidTag`.
pub mod id {
    pub const MESSAGE_CLASS: u16 = 0x001a;
    pub const SUBJECT: u16 = 0x0037;
    pub const CLIENT_SUBMIT_TIME: u16 = 0x0039;
    pub const SENT_REPRESENTING_NAME: u16 = 0x0042;
    pub const TRANSPORT_MESSAGE_HEADERS: u16 = 0x007d;
    pub const RECIPIENT_TYPE: u16 = 0x0c15;
    pub const MESSAGE_DELIVERY_TIME: u16 = 0x0e06;
    pub const MESSAGE_FLAGS: u16 = 0x0e07;
    pub const BODY: u16 = 0x1000;
    pub const RTF_COMPRESSED: u16 = 0x1009;
    pub const HTML: u16 = 0x1013;
    pub const INTERNET_MESSAGE_ID: u16 = 0x1035;
    pub const INTERNET_REFERENCES: u16 = 0x1039;
    pub const LAST_VERB_EXECUTED: u16 = 0x1081;
    pub const FLAG_STATUS: u16 = 0x1090;
    pub const DISPLAY_NAME: u16 = 0x3001;
    pub const EMAIL_ADDRESS: u16 = 0x3003;
    pub const ATTACH_DATA: u16 = 0x3701;
    pub const ATTACH_METHOD: u16 = 0x3705;
    pub const ATTACH_LONG_FILENAME: u16 = 0x3707;
    pub const ATTACH_MIME_TAG: u16 = 0x370e;
    pub const ATTACH_CONTENT_ID: u16 = 0x3712;
    pub const SMTP_ADDRESS: u16 = 0x39fe;
    pub const INTERNET_CODEPAGE: u16 = 0x3fde;
    pub const SENT_REPRESENTING_SMTP_ADDRESS: u16 = 0x5d02;
    pub const ROW_ID: u16 = 0x67f2;
    pub const ROW_VERSION: u16 = 0x67f3;
}

pub mod kind {
    pub const I16: u16 = 0x0002;
    pub const I32: u16 = 0x0003;
    pub const BOOLEAN: u16 = 0x000b;
    pub const OBJECT: u16 = 0x000d;
    pub const NARROW: u16 = 0x001e;
    pub const WIDE: u16 = 0x001f;
    pub const TIME: u16 = 0x0040;
    pub const OCTETS: u16 = 0x0102;
}

/// How a page or block of what kind is known.
pub const BLOCK_PAGE: u8 = 0x80;
pub const NODE_PAGE: u8 = 0x81;

/// CRC-32 without its complements.
fn checksum(octets: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(u32::MAX);
    hasher.update(octets);
    !hasher.finalize()
}

/// How blocks are hidden: the number of the way in the file's head, and what does it to a block of a number.
#[derive(Clone, Copy)]
pub struct Hiding(pub u8, pub fn(&mut [u8], u64));

/// In no way.
pub const OPEN: Hiding = Hiding(0, |_, _| ());

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Up to Outlook 2002.
    Ansi,
    Unicode,
    /// Pages of 4 KB and deflated blocks, since 2013.
    Large,
}

impl Form {
    fn page(self) -> usize {
        if self == Form::Large { 4096 } else { 512 }
    }

    /// Octets of a page that hold its entries.
    fn entries(self) -> usize {
        match self {
            Form::Ansi => 496,
            Form::Unicode => 488,
            Form::Large => 4056,
        }
    }

    /// A number as wide as places and ids are.
    fn word(self, number: u64) -> Vec<u8> {
        let octets = number.to_le_bytes();
        octets[..if self == Form::Ansi { 4 } else { 8 }].to_vec()
    }

    fn words(self, numbers: &[u64]) -> Vec<u8> {
        numbers.iter().flat_map(|number| self.word(*number)).collect()
    }
}

pub type Property = (u16, u16, Vec<u8>);

pub fn wide(id: u16, text: &str) -> Property {
    (id, kind::WIDE, text.encode_utf16().flat_map(u16::to_le_bytes).collect())
}

pub fn number(id: u16, value: i32) -> Property {
    (id, kind::I32, value.to_le_bytes().to_vec())
}

pub fn octets(id: u16, octets: &[u8]) -> Property {
    (id, kind::OCTETS, octets.to_vec())
}

/// A moment, in seconds since 1970.
pub fn time(id: u16, second: i64) -> Property {
    (id, kind::TIME, ((second + 11_644_473_600) * 10_000_000).to_le_bytes().to_vec())
}

#[derive(Clone, Default)]
pub struct Thing {
    pub properties: Vec<Property>,
    pub recipients: Vec<(i32, &'static str, &'static str)>,
    pub files: Vec<(Vec<Property>, Option<Thing>)>,
}

/// A node: its id, the block of its data, the block that lists the nodes inside it.
pub type Node = (u32, u64, u64);

/// A data file.
#[derive(Clone)]
pub struct DataFile {
    form: Form,
    hiding: Hiding,
    pub blocks: Vec<(u64, Vec<u8>)>,
    pub nodes: Vec<Node>,
    /// In which folder a node lies, each by its id.
    folders: HashMap<u32, u32>,
    /// The folder into which things are put.
    folder: u32,
    next: u64,
}

/// Octets of data in a block at most.
const BLOCK: usize = 8176;

impl DataFile {
    pub fn new(form: Form, hiding: Hiding) -> DataFile {
        let (blocks, nodes) = (Vec::new(), Vec::new());
        DataFile { form, hiding, blocks, nodes, folders: HashMap::new(), folder: 0, next: 4 }
    }

    pub fn with(form: Form, hiding: Hiding, things: &[Thing]) -> DataFile {
        let mut file = DataFile::new(form, hiding);
        things.iter().for_each(|thing| file.add(thing));
        file
    }

    pub fn add(&mut self, thing: &Thing) {
        let (data, inside) = self.thing(thing);
        let id = (self.nodes.len() as u32 + 1) << 5 | 4;
        self.nodes.push((id, data, inside));
        self.folders.insert(id, self.folder);
    }

    /// A folder, into which goes what is added from now on. Its tables, which list what lies in it, are not written: no
    /// one needs them to read a message.
    pub fn folder(&mut self, name: &str) {
        let data = self.properties(&[wide(id::DISPLAY_NAME, name)], &mut Vec::new());
        self.folder = (self.nodes.len() as u32 + 1) << 5 | 2;
        self.nodes.push((self.folder, data, 0));
    }

    pub fn block(&mut self, data: Vec<u8>, internal: bool) -> u64 {
        let id = self.next | if internal { 2 } else { 0 };
        self.next += 4;
        self.blocks.push((id, data));
        id
    }

    /// Data of any length: in one block, or in many that another lists.
    fn data(&mut self, data: &[u8]) -> u64 {
        if data.len() <= BLOCK {
            return self.block(data.to_vec(), false);
        }
        let ids: Vec<_> = data.chunks(BLOCK).map(|part| self.block(part.to_vec(), false)).collect();
        let mut list = vec![1, 1];
        list.extend((ids.len() as u16).to_le_bytes());
        list.extend((data.len() as u32).to_le_bytes());
        list.extend(self.form.words(&ids));
        self.block(list, true)
    }

    pub fn inside(&mut self, mut nodes: Vec<Node>) -> u64 {
        if nodes.is_empty() {
            return 0;
        }
        nodes.sort_unstable();
        let mut list = vec![2, 0];
        list.extend((nodes.len() as u16).to_le_bytes());
        if self.form != Form::Ansi {
            list.extend([0; 4]);
        }
        for (id, data, inside) in nodes {
            list.extend(self.form.words(&[u64::from(id), data, inside]));
        }
        self.block(list, true)
    }

    fn thing(&mut self, thing: &Thing) -> (u64, u64) {
        let mut inside = Vec::new();
        if !thing.recipients.is_empty() {
            inside.push((0x692, self.recipients(&thing.recipients), 0));
        }
        for (number, (properties, message)) in thing.files.iter().enumerate() {
            let mut properties = properties.clone();
            let mut own = Vec::new();
            if let Some(message) = message {
                let (data, nodes) = self.thing(message);
                own.push((0x24, data, nodes));
                properties.push((id::ATTACH_DATA, kind::OBJECT, [0x24_u32.to_le_bytes(), [0; 4]].concat()));
            }
            let data = self.properties(&properties, &mut own);
            let own = self.inside(own);
            inside.push(((number as u32 + 1) << 5 | 5, data, own));
        }
        let data = self.properties(&thing.properties, &mut inside);
        (data, self.inside(inside))
    }

    pub fn properties(&mut self, properties: &[Property], inside: &mut Vec<Node>) -> u64 {
        let mut heap = Heap::new(0xbc);
        let mut sorted = properties.to_vec();
        sorted.sort();
        let mut records = Vec::new();
        for (at, (id, kind, value)) in sorted.iter().enumerate() {
            let word = match *kind {
                kind::I16 | kind::I32 | kind::BOOLEAN => u32::from_le_bytes(value.clone().try_into().unwrap()),
                _ if value.len() > 1000 => {
                    let node = (at as u32 + 0x100) << 5 | 0x1f;
                    inside.push((node, self.data(value), 0));
                    node
                }
                _ => heap.add(value),
            };
            records.extend(id.to_le_bytes().into_iter().chain(kind.to_le_bytes()).chain(word.to_le_bytes()));
        }
        heap.root = heap.tree(&records, 2, 6);
        self.block(heap.block(), false)
    }

    fn recipients(&mut self, recipients: &[(i32, &str, &str)]) -> u64 {
        let mut heap = Heap::new(0x7c);
        let (mut rows, mut index) = (Vec::new(), Vec::new());
        for (number, (kind, name, address)) in recipients.iter().enumerate() {
            let number = number as u32;
            let (name, address) = (heap.add(&wide(0, name).2), heap.add(&wide(0, address).2));
            rows.extend([number, 0, *kind as u32, name, address].iter().flat_map(|word| word.to_le_bytes()));
            rows.push(0b1111_1000);
            index.extend(self.index(number, number));
        }
        let index = heap.tree(&index, 4, self.index(0, 0).len() as u8 - 4);
        let rows = heap.add(&rows);
        let columns = [
            (kind::I32, id::ROW_ID),
            (kind::I32, id::ROW_VERSION),
            (kind::I32, id::RECIPIENT_TYPE),
            (kind::WIDE, id::DISPLAY_NAME),
            (kind::WIDE, id::SMTP_ADDRESS),
        ];
        heap.table(&columns, index, rows);
        self.block(heap.block(), false)
    }

    /// Where in a table a row of an id stands.
    fn index(&self, id: u32, row: u32) -> Vec<u8> {
        let row = row.to_le_bytes();
        [&id.to_le_bytes()[..], &row[..if self.form == Form::Ansi { 2 } else { 4 }]].concat()
    }

    pub fn octets(&self) -> Vec<u8> {
        let form = self.form;
        let mut file = vec![0; 0x4400];
        if form == Form::Large {
            file.resize(0x5000, 0);
        }
        let mut entries = Vec::new();
        for (id, data) in &self.blocks {
            let offset = file.len() as u64;
            let size = self.put(&mut file, *id, data);
            let mut entry = form.words(&[*id, offset]);
            entry.extend(size.to_le_bytes().into_iter().chain([1, 0]));
            if form != Form::Ansi {
                entry.extend([0; 4]);
            }
            entries.push((*id, entry));
        }
        let blocks = self.tree(&mut file, BLOCK_PAGE, &entries);
        let mut nodes = self.nodes.clone();
        nodes.sort_unstable();
        let node = |&(id, data, inside): &Node| {
            let folder = self.folders.get(&id).copied().unwrap_or_default();
            (u64::from(id), form.words(&[u64::from(id), data, inside, u64::from(folder)]))
        };
        let nodes = self.tree(&mut file, NODE_PAGE, &nodes.iter().map(node).collect::<Vec<_>>());
        self.head(&mut file, nodes, blocks);
        file
    }

    /// A block with what stands behind it; gives how long its data is there.
    fn put(&self, file: &mut Vec<u8>, id: u64, data: &[u8]) -> u16 {
        let mut data = data.to_vec();
        if id & 2 == 0 {
            self.hiding.1(&mut data, id);
        }
        let whole = data.len() as u16;
        if self.form == Form::Large && data.len() > 100 {
            let mut deflating = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
            deflating.write_all(&data).unwrap();
            data = deflating.finish().unwrap();
        }
        let (size, sum) = (data.len() as u16, checksum(&data));
        let (trailer, unit) = match self.form {
            Form::Ansi => (12, 64),
            Form::Unicode => (16, 64),
            Form::Large => (24, 512),
        };
        data.resize((data.len() + trailer).next_multiple_of(unit) - trailer, 0);
        file.extend(data);
        file.extend(size.to_le_bytes().into_iter().chain([0; 2]));
        match self.form {
            Form::Ansi => file.extend([(id as u32).to_le_bytes(), sum.to_le_bytes()].concat()),
            _ => file.extend(sum.to_le_bytes().into_iter().chain(id.to_le_bytes())),
        }
        if self.form == Form::Large {
            file.extend([0, 0].into_iter().chain(whole.to_le_bytes()).chain([0; 4]));
        }
        size
    }

    /// Leaves, and a page above them.
    fn tree(&self, file: &mut Vec<u8>, kind: u8, entries: &[(u64, Vec<u8>)]) -> u64 {
        let size = entries.first().map_or(1, |entry| entry.1.len());
        let mut above = Vec::new();
        for leaf in entries.chunks(self.form.entries().min(254 * size) / size) {
            let octets: Vec<u8> = leaf.iter().flat_map(|(_, entry)| entry.clone()).collect();
            let offset = page(self.form, file, kind, (0, size), &octets, 0);
            above.extend(self.form.words(&[leaf[0].0, 0, offset]));
        }
        page(self.form, file, kind, (1, self.form.words(&[0; 3]).len()), &above, 0)
    }

    fn head(&self, file: &mut [u8], nodes: u64, blocks: u64) {
        let (version, places, hiding) = match self.form {
            Form::Ansi => (14, (188, 196), 461),
            Form::Unicode => (23, (224, 240), 513),
            Form::Large => (36, (224, 240), 513),
        };
        let mut put = |at: usize, octets: &[u8]| file[at..at + octets.len()].copy_from_slice(octets);
        put(0, b"!BDN\0\0\0\0SM");
        put(10, &[version, 0, 19, 0, 1, 1]);
        put(places.0, &self.form.word(nodes));
        put(places.1, &self.form.word(blocks));
        put(hiding - 1, &[0x80, self.hiding.0]);
        let (partial, full) = (checksum(&file[8..479]), checksum(&file[8..524]));
        file[4..8].copy_from_slice(&partial.to_le_bytes());
        file[524..528].copy_from_slice(&full.to_le_bytes());
    }
}

/// A page of a level whose entries have so many octets; `made` grows with each that Outlook writes.
pub fn page(form: Form, file: &mut Vec<u8>, kind: u8, (level, size): (u8, usize), entries: &[u8], made: u64) -> u64 {
    file.resize(file.len().next_multiple_of(form.page()), 0);
    let offset = file.len() as u64;
    let mut page = entries.to_vec();
    page.resize(form.entries(), 0);
    let (count, most) = (entries.len() / size, form.entries() / size);
    match form {
        Form::Ansi => page.extend([count as u8, most as u8, size as u8, level]),
        Form::Unicode => page.extend([count as u8, most as u8, size as u8, level, 0, 0, 0, 0]),
        Form::Large => {
            page.extend([count as u16, most as u16].iter().flat_map(|number| number.to_le_bytes()));
            page.extend([size as u8, level]);
            page.resize(4072, 0);
        }
    }
    page.extend([kind, kind, 0, 0]);
    match form {
        Form::Ansi => page.extend((made as u32).to_le_bytes().into_iter().chain([0; 4])),
        _ => page.extend([0; 4].into_iter().chain(made.to_le_bytes())),
    }
    page.resize(form.page(), 0);
    file.extend(page);
    seal(form, file, offset as usize);
    offset
}

/// Gives the page that stands there the checksum that it has to have.
pub fn seal(form: Form, file: &mut [u8], offset: usize) {
    let Some(page) = file.get_mut(offset..offset + form.page()) else { return };
    let trailer = match form {
        Form::Ansi => 500,
        Form::Unicode => 496,
        Form::Large => 4072,
    };
    let sum = checksum(&page[..trailer]).to_le_bytes();
    let at = trailer + if form == Form::Ansi { 8 } else { 4 };
    page[at..at + 4].copy_from_slice(&sum);
}

/// One block that is cut into items.
pub struct Heap {
    kind: u8,
    items: Vec<Vec<u8>>,
    pub root: u32,
}

impl Heap {
    pub fn new(kind: u8) -> Heap {
        Heap { kind, items: Vec::new(), root: 0 }
    }

    pub fn add(&mut self, item: &[u8]) -> u32 {
        if item.is_empty() {
            return 0;
        }
        self.items.push(item.to_vec());
        (self.items.len() as u32) << 5
    }

    /// A tree of one leaf.
    fn tree(&mut self, records: &[u8], key: u8, value: u8) -> u32 {
        let records = self.add(records);
        self.tree_above(records, key, value, 0)
    }

    pub fn tree_above(&mut self, item: u32, key: u8, value: u8, levels: u8) -> u32 {
        self.add(&[&[0xb5, key, value, levels][..], &item.to_le_bytes()].concat())
    }

    /// Makes a table the root: its columns are words, one after the other, and each row has all of them.
    pub fn table(&mut self, columns: &[(u16, u16)], index: u32, rows: u32) {
        let end = 4 * columns.len() as u16;
        let mut info = vec![0x7c, columns.len() as u8];
        info.extend([end, end, end, end + columns.len().div_ceil(8) as u16].iter().flat_map(|end| end.to_le_bytes()));
        info.extend(index.to_le_bytes().into_iter().chain(rows.to_le_bytes()).chain([0; 4]));
        for (bit, (kind, id)) in columns.iter().enumerate() {
            info.extend([*kind, *id, 4 * bit as u16].iter().flat_map(|word| word.to_le_bytes()));
            info.extend([4, bit as u8]);
        }
        self.root = self.add(&info);
    }

    pub fn block(&self) -> Vec<u8> {
        let (mut block, mut places) = (vec![0; 12], vec![12_u16]);
        for item in &self.items {
            block.extend(item);
            places.push(block.len() as u16);
        }
        block.resize(block.len().next_multiple_of(2), 0);
        let map = block.len() as u16;
        block.extend((self.items.len() as u16).to_le_bytes().into_iter().chain([0, 0]));
        block.extend(places.iter().flat_map(|place| place.to_le_bytes()));
        block[..2].copy_from_slice(&map.to_le_bytes());
        block[2..4].copy_from_slice(&[0xec, self.kind]);
        block[4..8].copy_from_slice(&self.root.to_le_bytes());
        assert!(block.len() <= BLOCK, "one block");
        block
    }
}

/// A message file.
pub fn message_file(thing: &Thing) -> Vec<u8> {
    let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    put(&mut file, "", 32, thing);
    file.into_inner().into_inner()
}

fn put(file: &mut cfb::CompoundFile<Cursor<Vec<u8>>>, place: &str, head: usize, thing: &Thing) {
    list(file, place, head, &thing.properties);
    for (number, (kind, name, address)) in thing.recipients.iter().enumerate() {
        let place = format!("{place}/__recip_version1.0_#{number:08X}");
        file.create_storage(&place).unwrap();
        let properties =
            [self::number(id::RECIPIENT_TYPE, *kind), wide(id::DISPLAY_NAME, name), wide(id::SMTP_ADDRESS, address)];
        list(file, &place, 8, &properties);
    }
    for (number, (properties, message)) in thing.files.iter().enumerate() {
        let place = format!("{place}/__attach_version1.0_#{number:08X}");
        file.create_storage(&place).unwrap();
        let mut properties = properties.clone();
        if let Some(message) = message {
            properties.push((id::ATTACH_DATA, kind::OBJECT, vec![0; 8]));
            let inside = format!("{place}/__substg1.0_3701000D");
            file.create_storage(&inside).unwrap();
            put(file, &inside, 24, message);
        }
        list(file, &place, 8, &properties);
    }
}

fn list(file: &mut cfb::CompoundFile<Cursor<Vec<u8>>>, place: &str, head: usize, properties: &[Property]) {
    let mut list = vec![0; head];
    for (id, kind, value) in properties {
        list.extend(kind.to_le_bytes().into_iter().chain(id.to_le_bytes()).chain([6, 0, 0, 0]));
        let mut word = value.clone();
        if matches!(*kind, kind::NARROW | kind::WIDE | kind::OCTETS) {
            word = (value.len() as u64).to_le_bytes().to_vec();
            let name = format!("{place}/__substg1.0_{id:04X}{kind:04X}");
            file.create_stream(name).unwrap().write_all(value).unwrap();
        }
        word.resize(8, 0);
        list.extend(word);
    }
    file.create_stream(format!("{place}/__properties_version1.0")).unwrap().write_all(&list).unwrap();
}

/// A message as it came, one that was written here with all that a message can hold, a signed one, and a contact.
pub fn things() -> Vec<Thing> {
    let came = Thing {
        properties: vec![
            wide(id::MESSAGE_CLASS, "IPM.Note"),
            wide(
                id::TRANSPORT_MESSAGE_HEADERS,
                "Microsoft Mail Internet Headers Version 2\r\nReceived: from a\r\n by b\r\nFrom: Anna <anna@example.org>\r\n\
                 Content-Type: text/html;\r\n charset=x\r\nMIME-Version: 1.0\r\nSubject: As it came\r\n\r\nno header",
            ),
            wide(id::SUBJECT, "\u{1}\u{5}RE: As kept"),
            wide(id::BODY, "Hello Anna,\r\ncafé.\r\n"),
            time(id::MESSAGE_DELIVERY_TIME, 1_000_000_000),
            number(id::MESSAGE_FLAGS, 1),
            number(id::FLAG_STATUS, 2),
        ],
        ..Thing::default()
    };
    let inner = Thing {
        properties: vec![wide(id::MESSAGE_CLASS, "IPM.Note"), wide(id::SUBJECT, "Inside"), wide(id::BODY, "deep")],
        ..Thing::default()
    };
    let file = |name: &str, kind: &str, content: &[u8]| {
        vec![
            number(id::ATTACH_METHOD, 1),
            wide(id::ATTACH_LONG_FILENAME, name),
            wide(id::ATTACH_MIME_TAG, kind),
            octets(id::ATTACH_DATA, content),
        ]
    };
    let mut picture = file("logo.png", "image/png", b"\x89PNG");
    picture.push(wide(id::ATTACH_CONTENT_ID, "logo@here"));
    let written = Thing {
        properties: vec![
            wide(id::MESSAGE_CLASS, "IPM.Note"),
            wide(id::SUBJECT, "\u{1}\u{5}RE: Grüße"),
            wide(id::SENT_REPRESENTING_NAME, "Bert, the First"),
            wide(id::SENT_REPRESENTING_SMTP_ADDRESS, "bert@example.org"),
            wide(id::BODY, "plain"),
            octets(id::HTML, b"<p>caf\xe9 <img src=\"cid:logo@here\">"),
            number(id::INTERNET_CODEPAGE, 1252),
            wide(id::INTERNET_MESSAGE_ID, "<1@example.org>"),
            time(id::CLIENT_SUBMIT_TIME, 1_000_000_000),
        ],
        recipients: vec![(1, "Anna", "anna@example.org"), (2, "An office", ""), (1, "", "c@example.org")],
        files: vec![
            (picture, None),
            (file("große Datei.txt", "text/plain", &b"line\nline\r".repeat(2000)), None),
            (vec![number(id::ATTACH_METHOD, 5), wide(id::DISPLAY_NAME, "Inside")], Some(inner)),
            (vec![number(id::ATTACH_METHOD, 7), wide(id::ATTACH_LONG_FILENAME, "in the cloud.doc")], None),
        ],
    };
    let signed = Thing {
        properties: vec![wide(id::MESSAGE_CLASS, "IPM.Note.SMIME.MultipartSigned"), wide(id::SUBJECT, "Signed")],
        files: vec![(
            file(
                "smime.p7m",
                "multipart/signed",
                b"Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\nas it was\r\n",
            ),
            None,
        )],
        ..Thing::default()
    };
    let contact = Thing { properties: vec![wide(id::MESSAGE_CLASS, "IPM.Contact")], ..Thing::default() };
    vec![came, written, contact, signed]
}
