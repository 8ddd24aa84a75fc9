//! Writes small data files and message files of Outlook, as MS-PST and MS-OXMSG lay them out.

use std::io::{Cursor, Write};

use crate::backup::outlook::cipher::{Cipher, hide};
use crate::backup::outlook::properties::kind;
use crate::backup::outlook::store::checksum;

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

/// A data file in the Unicode form.
pub struct DataFile {
    cipher: Cipher,
    pub blocks: Vec<(u64, Vec<u8>)>,
    pub nodes: Vec<(u32, u64, u64)>,
    next: u64,
}

impl DataFile {
    pub fn new(cipher: Cipher) -> DataFile {
        DataFile { cipher, blocks: Vec::new(), nodes: Vec::new(), next: 4 }
    }

    pub fn with(cipher: Cipher, things: &[Thing]) -> DataFile {
        let mut file = DataFile::new(cipher);
        for (number, thing) in things.iter().enumerate() {
            let (data, inside) = file.thing(thing);
            file.nodes.push(((number as u32 + 1) << 5 | 4, data, inside));
        }
        file
    }

    fn block(&mut self, data: Vec<u8>, internal: bool) -> u64 {
        let id = self.next | if internal { 2 } else { 0 };
        self.next += 4;
        self.blocks.push((id, data));
        id
    }

    /// Data of any length: in one block, or in many that another lists.
    fn data(&mut self, data: &[u8]) -> u64 {
        if data.len() <= 8176 {
            return self.block(data.to_vec(), false);
        }
        let ids: Vec<_> = data.chunks(8176).map(|part| self.block(part.to_vec(), false)).collect();
        let mut list = vec![1, 1];
        list.extend((ids.len() as u16).to_le_bytes());
        list.extend((data.len() as u32).to_le_bytes());
        list.extend(ids.iter().flat_map(|id| id.to_le_bytes()));
        self.block(list, true)
    }

    fn inside(&mut self, mut nodes: Vec<(u32, u64, u64)>) -> u64 {
        if nodes.is_empty() {
            return 0;
        }
        nodes.sort_unstable();
        let mut list = vec![2, 0];
        list.extend((nodes.len() as u16).to_le_bytes());
        list.extend([0; 4]);
        for (id, data, inside) in nodes {
            list.extend(u64::from(id).to_le_bytes().into_iter().chain(data.to_le_bytes()).chain(inside.to_le_bytes()));
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
                properties.push((0x3701, kind::OBJECT, [0x24_u32.to_le_bytes(), [0; 4]].concat()));
            }
            let data = self.properties(&properties, &mut own);
            let own = self.inside(own);
            inside.push(((number as u32 + 1) << 5 | 5, data, own));
        }
        let data = self.properties(&thing.properties, &mut inside);
        (data, self.inside(inside))
    }

    fn properties(&mut self, properties: &[Property], inside: &mut Vec<(u32, u64, u64)>) -> u64 {
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
        heap.tree(&records, 2, 6);
        self.block(heap.block(), false)
    }

    fn recipients(&mut self, recipients: &[(i32, &str, &str)]) -> u64 {
        let mut heap = Heap::new(0x7c);
        let (mut rows, mut index) = (Vec::new(), Vec::new());
        for (number, (kind, name, address)) in recipients.iter().enumerate() {
            rows.extend((number as u32).to_le_bytes().into_iter().chain([0; 4]).chain(kind.to_le_bytes()));
            rows.extend(
                heap.add(&wide(0, name).2).to_le_bytes().into_iter().chain(heap.add(&wide(0, address).2).to_le_bytes()),
            );
            rows.push(0b1111_1000);
            index.extend((number as u32).to_le_bytes().into_iter().chain((number as u32).to_le_bytes()));
        }
        heap.tree(&index, 4, 4);
        let (tree, rows) = (heap.root, heap.add(&rows));
        let mut info = vec![0x7c, 5];
        info.extend([20_u16, 20, 20, 21].iter().flat_map(|end| end.to_le_bytes()));
        info.extend(tree.to_le_bytes().into_iter().chain(rows.to_le_bytes()).chain([0; 4]));
        let columns =
            [(3, 0x67f2, 0), (3, 0x67f3, 4), (3, 0x0c15, 8), (kind::WIDE, 0x3001, 12), (kind::WIDE, 0x39fe, 16)];
        for (bit, (kind, id, place)) in columns.into_iter().enumerate() {
            let kind: u16 = kind;
            let (id, place): (u16, u16) = (id, place);
            info.extend(kind.to_le_bytes().into_iter().chain(id.to_le_bytes()).chain(place.to_le_bytes()));
            info.extend([4, bit as u8]);
        }
        heap.root = heap.add(&info);
        self.block(heap.block(), false)
    }

    pub fn octets(&self) -> Vec<u8> {
        let mut file = vec![0; 0x4400];
        let mut entries = Vec::new();
        for (id, data) in &self.blocks {
            let mut data = data.clone();
            if id & 2 == 0 {
                hide(self.cipher, &mut data, *id);
            }
            let (offset, size) = (file.len() as u64, data.len());
            let sum = checksum(&data);
            data.resize((size + 16).next_multiple_of(64) - 16, 0);
            file.extend(data);
            file.extend(
                (size as u16).to_le_bytes().into_iter().chain([0; 2]).chain(sum.to_le_bytes()).chain(id.to_le_bytes()),
            );
            let mut entry = [id.to_le_bytes(), offset.to_le_bytes()].concat();
            entry.extend((size as u16).to_le_bytes().into_iter().chain([1, 0, 0, 0, 0, 0]));
            entries.push((*id, entry));
        }
        let blocks = tree(&mut file, 0x80, &entries, 24);
        let mut nodes = self.nodes.clone();
        nodes.sort_unstable();
        let node = |&(id, data, inside): &(u32, u64, u64)| {
            let words = [u64::from(id).to_le_bytes(), data.to_le_bytes(), inside.to_le_bytes(), [0; 8]];
            (u64::from(id), words.concat())
        };
        let nodes = tree(&mut file, 0x81, &nodes.iter().map(node).collect::<Vec<_>>(), 32);
        let mut put = |at: usize, octets: &[u8]| file[at..at + octets.len()].copy_from_slice(octets);
        put(0, b"!BDN\0\0\0\0SM\x17\0\x13\0\x01\x01");
        put(224, &nodes.to_le_bytes());
        put(240, &blocks.to_le_bytes());
        put(
            512,
            &[
                0x80,
                match self.cipher {
                    Cipher::None => 0,
                    Cipher::Permute => 1,
                    Cipher::Cyclic => 2,
                },
            ],
        );
        let (partial, full) = (checksum(&file[8..479]), checksum(&file[8..524]));
        file[4..8].copy_from_slice(&partial.to_le_bytes());
        file[524..528].copy_from_slice(&full.to_le_bytes());
        file
    }
}

/// Leaves, and a page above them where there are several.
fn tree(file: &mut Vec<u8>, kind: u8, entries: &[(u64, Vec<u8>)], size: usize) -> u64 {
    let mut above = Vec::new();
    for leaf in entries.chunks(488 / size) {
        let octets: Vec<u8> = leaf.iter().flat_map(|(_, entry)| entry.clone()).collect();
        let offset = page(file, kind, 0, size, &octets);
        above.extend([leaf[0].0.to_le_bytes(), [0; 8], offset.to_le_bytes()].concat());
    }
    page(file, kind, 1, 24, &above)
}

pub fn page(file: &mut Vec<u8>, kind: u8, level: u8, size: usize, entries: &[u8]) -> u64 {
    file.resize(file.len().next_multiple_of(512), 0);
    let offset = file.len() as u64;
    let mut page = entries.to_vec();
    page.resize(488, 0);
    page.extend([(entries.len() / size) as u8, (488 / size) as u8, size as u8, level, 0, 0, 0, 0]);
    let sum = checksum(&page);
    page.extend([kind, kind, 0, 0].into_iter().chain(sum.to_le_bytes()).chain([0; 8]));
    file.extend(page);
    offset
}

/// One block that is cut into items.
struct Heap {
    kind: u8,
    items: Vec<Vec<u8>>,
    root: u32,
}

impl Heap {
    fn new(kind: u8) -> Heap {
        Heap { kind, items: Vec::new(), root: 0 }
    }

    fn add(&mut self, item: &[u8]) -> u32 {
        if item.is_empty() {
            return 0;
        }
        self.items.push(item.to_vec());
        (self.items.len() as u32) << 5
    }

    fn tree(&mut self, records: &[u8], key: u8, value: u8) {
        let records = self.add(records);
        self.root = self.add(&[&[0xb5, key, value, 0][..], &records.to_le_bytes()].concat());
    }

    fn block(&self) -> Vec<u8> {
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
        assert!(block.len() <= 8176, "one block");
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
        list(file, &place, 8, &[super::build::number(0x0c15, *kind), wide(0x3001, name), wide(0x39fe, address)]);
    }
    for (number, (properties, message)) in thing.files.iter().enumerate() {
        let place = format!("{place}/__attach_version1.0_#{number:08X}");
        file.create_storage(&place).unwrap();
        let mut properties = properties.clone();
        if let Some(message) = message {
            properties.push((0x3701, kind::OBJECT, vec![0; 8]));
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
