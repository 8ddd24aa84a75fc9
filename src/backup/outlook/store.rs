//! The lower half of Outlook's data files (MS-PST section 2.2): pages that say where blocks and nodes are, and the blocks.
//!
//! Three forms: ANSI (up to Outlook 2002), Unicode, and the one with pages of 4 KB and deflated blocks that Outlook has
//! written .ost files in since 2013, which no specification describes (as libpff found it to be).
//!
//! The file is taken for hostile. Nothing recurses; a page is visited once; what is read for one message is counted and
//! bounded; every page and block must have the checksum that it says. Where a page is missing or damaged, the whole file
//! is looked through for pages that are whole, so that what they speak of is found all the same.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, Read, Seek, SeekFrom};

use super::cipher::Cipher;
use crate::job::Cancel;

const MAGIC: &[u8] = b"!BDN";
const BLOCK_PAGE: u8 = 0x80;
const NODE_PAGE: u8 = 0x81;
/// Levels of pages that any file has; more is a trick.
const LEVELS: u8 = 9;
/// What a block counts for at least: so an empty one cannot be asked for without end.
pub(super) const LEAST: u64 = 64;
/// The most that a deflated block may become.
const INFLATED: u64 = 1 << 16;

/// Why something could not be read.
#[derive(Debug)]
pub enum Flaw {
    /// It is not there, or not what it should be.
    Damaged,
    /// More than a message may have.
    TooLarge,
    /// The disk failed.
    Io(io::Error),
}

/// Why a file cannot be read at all.
#[derive(Debug)]
pub enum Refused {
    /// It is no data file of Outlook.
    Another,
    /// Encrypted for an organisation (Windows Information Protection).
    Protected,
    /// A form that is not known here, by its number.
    Unknown(u16),
    /// Not one page of it is whole.
    Ruined,
    Io(io::Error),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Ansi,
    Unicode,
    Large,
}

/// Where things stand in a page of each form.
struct Layout {
    page: usize,
    /// Of the number of entries.
    count: usize,
    trailer: usize,
    block_trailer: usize,
    block_unit: usize,
    wide: bool,
}

impl Form {
    const fn layout(self) -> Layout {
        match self {
            Form::Ansi => {
                Layout { page: 512, count: 496, trailer: 500, block_trailer: 12, block_unit: 64, wide: false }
            }
            Form::Unicode => {
                Layout { page: 512, count: 488, trailer: 496, block_trailer: 16, block_unit: 64, wide: true }
            }
            Form::Large => {
                Layout { page: 4096, count: 4056, trailer: 4072, block_trailer: 24, block_unit: 512, wide: true }
            }
        }
    }
}

/// A thing in the file: a message, a folder, a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Node {
    pub id: u32,
    /// The block with its data.
    pub data: u64,
    /// The block that lists the nodes inside it; 0 where there are none.
    pub inside: u64,
    /// The folder that it lies in, by its id; 0 where it lies in none.
    pub folder: u32,
}

/// The nodes inside a node, by their ids.
pub type Inside = BTreeMap<u32, Node>;

struct Block {
    id: u64,
    offset: u64,
    size: u16,
}

pub struct Store<F> {
    file: F,
    length: u64,
    form: Form,
    cipher: Cipher,
    /// In the order of ids.
    blocks: Vec<Block>,
    nodes: Vec<Node>,
    /// Pages were missing or damaged.
    pub damaged: bool,
    /// A person's own file, not a copy of what lies on a server.
    pub own: bool,
}

struct Page {
    level: u8,
    entry: usize,
    entries: Vec<u8>,
    /// Grows with each page that is written.
    made: u64,
}

impl Page {
    fn each(&self) -> impl Iterator<Item = &[u8]> {
        self.entries.chunks_exact(self.entry)
    }
}

/// A number at a place; nothing where there is none.
pub fn u16_at(octets: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(octets.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

pub fn u32_at(octets: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(octets.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

pub fn u64_at(octets: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(octets.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

/// The checksum of MS-PST section 5.3: CRC-32 without its complements.
pub fn checksum(octets: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(u32::MAX);
    hasher.update(octets);
    !hasher.finalize()
}

impl<F: Read + Seek> Store<F> {
    /// Opens a file and learns where everything in it is. Once `cancel` is set it ends soon, with what it has found.
    ///
    /// # Errors
    /// See [`Refused`].
    pub fn open(mut file: F, cancel: &Cancel) -> Result<Store<F>, Refused> {
        let length = file.seek(SeekFrom::End(0)).map_err(Refused::Io)?;
        file.seek(SeekFrom::Start(0)).map_err(Refused::Io)?;
        let mut head = Vec::new();
        file.by_ref().take(564).read_to_end(&mut head).map_err(Refused::Io)?;
        if !head.starts_with(MAGIC) {
            return Err(Refused::Another);
        }
        let (form, cipher) = kind(&head)?;
        let own = head.get(8..10) == Some(b"SM");
        let mut store =
            Store { file, length, form, cipher, blocks: Vec::new(), nodes: Vec::new(), damaged: false, own };
        let place = |ansi, wide| match form {
            Form::Ansi => u32_at(&head, ansi).map(u64::from),
            Form::Unicode | Form::Large => u64_at(&head, wide),
        };
        store.learn(place(188, 224), place(196, 240), cancel);
        if store.blocks.is_empty() && store.nodes.is_empty() { Err(Refused::Ruined) } else { Ok(store) }
    }

    pub fn form(&self) -> Form {
        self.form
    }

    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    pub fn node(&self, id: u32) -> Option<Node> {
        let at = self.nodes.binary_search_by_key(&id, |node| node.id).ok()?;
        self.nodes.get(at).copied()
    }

    fn learn(&mut self, nodes: Option<u64>, blocks: Option<u64>, cancel: &Cancel) {
        let mut leaves = self.tree(blocks, BLOCK_PAGE, cancel);
        let mut node_leaves = self.tree(nodes, NODE_PAGE, cancel);
        if self.damaged {
            let (mut more, mut more_nodes) = self.scan(cancel);
            // What the trees say goes before what lies about, and of that the newest, for Outlook writes a page anew and
            // leaves the old one in free room: the sorting below is stable.
            more.sort_by_key(|page| std::cmp::Reverse(page.made));
            more_nodes.sort_by_key(|page| std::cmp::Reverse(page.made));
            leaves.extend(more);
            node_leaves.extend(more_nodes);
        }
        self.blocks = leaves.iter().flat_map(Page::each).filter_map(|entry| self.block_entry(entry)).collect();
        self.nodes = node_leaves.iter().flat_map(Page::each).filter_map(|entry| self.node_entry(entry)).collect();
        self.blocks.sort_by_key(|block| block.id);
        self.blocks.dedup_by_key(|block| block.id);
        self.nodes.sort_by_key(|node| node.id);
        self.nodes.dedup_by_key(|node| node.id);
    }

    fn block_entry(&self, entry: &[u8]) -> Option<Block> {
        Some(if self.form.layout().wide {
            Block { id: u64_at(entry, 0)? & !1, offset: u64_at(entry, 8)?, size: u16_at(entry, 16)? }
        } else {
            Block {
                id: u64::from(u32_at(entry, 0)? & !1),
                offset: u64::from(u32_at(entry, 4)?),
                size: u16_at(entry, 8)?,
            }
        })
    }

    fn node_entry(&self, entry: &[u8]) -> Option<Node> {
        let id = u32_at(entry, 0)?;
        Some(if self.form.layout().wide {
            let folder = u32_at(entry, 24).unwrap_or_default();
            Node { id, data: u64_at(entry, 8)?, inside: u64_at(entry, 16)?, folder }
        } else {
            let folder = u32_at(entry, 12).unwrap_or_default();
            Node { id, data: u64::from(u32_at(entry, 4)?), inside: u64::from(u32_at(entry, 8)?), folder }
        })
    }

    /// The leaves of a tree of pages. What is damaged is passed over and noted.
    fn tree(&mut self, root: Option<u64>, kind: u8, cancel: &Cancel) -> Vec<Page> {
        let wide = self.form.layout().wide;
        let mut leaves = Vec::new();
        let mut visited = HashSet::new();
        let mut waiting = vec![(root.unwrap_or(u64::MAX), LEVELS)];
        while let Some((offset, above)) = waiting.pop().filter(|_| !cancel.is_cancelled()) {
            if !visited.insert(offset) {
                self.damaged = true;
                continue;
            }
            match self.page(offset, kind) {
                Ok(page) if page.level == 0 => leaves.push(page),
                Ok(page) if page.level < above => waiting.extend(page.each().filter_map(|entry| {
                    let offset = if wide { u64_at(entry, 16)? } else { u64::from(u32_at(entry, 8)?) };
                    Some((offset, page.level))
                })),
                // A bad sector too: what else there is of the tree is looked for in the whole file.
                Ok(_) | Err(_) => self.damaged = true,
            }
        }
        leaves
    }

    /// All leaves that lie in the file, of blocks and of nodes.
    fn scan(&mut self, cancel: &Cancel) -> (Vec<Page>, Vec<Page>) {
        let layout = self.form.layout();
        let (mut blocks, mut nodes) = (Vec::new(), Vec::new());
        let mut offset = 0;
        while offset < self.length && !cancel.is_cancelled() {
            let mut part = Vec::new();
            // Of a part with a bad sector what stands before it is looked at.
            if self.file.seek(SeekFrom::Start(offset)).is_ok() {
                _ = self.file.by_ref().take(1 << 20).read_to_end(&mut part);
            }
            for page in part.chunks_exact(layout.page) {
                let kind = page.get(layout.trailer).copied().unwrap_or_default();
                if let (BLOCK_PAGE | NODE_PAGE, Some(page)) = (kind, self.parse(page, kind)) {
                    match (page.level, kind) {
                        (0, BLOCK_PAGE) => blocks.push(page),
                        (0, _) => nodes.push(page),
                        _ => (),
                    }
                }
            }
            offset += 1 << 20;
        }
        (blocks, nodes)
    }

    fn page(&mut self, offset: u64, kind: u8) -> Result<Page, Flaw> {
        let octets = self.read_at(offset, self.form.layout().page)?;
        self.parse(&octets, kind).ok_or(Flaw::Damaged)
    }

    fn parse(&self, page: &[u8], kind: u8) -> Option<Page> {
        let layout = self.form.layout();
        let at = |place: usize| page.get(place).copied();
        if at(layout.trailer)? != kind || at(layout.trailer + 1)? != kind {
            return None;
        }
        let sum = u32_at(page, layout.trailer + if self.form == Form::Ansi { 8 } else { 4 })?;
        if checksum(page.get(..layout.trailer)?) != sum {
            return None;
        }
        let (count, entry, level) = match self.form {
            Form::Large => (usize::from(u16_at(page, layout.count)?), at(layout.count + 4)?, at(layout.count + 5)?),
            Form::Ansi | Form::Unicode => {
                (usize::from(at(layout.count)?), at(layout.count + 2)?, at(layout.count + 3)?)
            }
        };
        let entry = usize::from(entry);
        let entries = page.get(..count.checked_mul(entry)?).filter(|entries| entries.len() <= layout.count)?;
        let made = match self.form {
            Form::Ansi => u64::from(u32_at(page, layout.trailer + 4)?),
            Form::Unicode | Form::Large => u64_at(page, layout.trailer + 8)?,
        };
        (entry > 0).then(|| Page { level, entry, entries: entries.to_vec(), made })
    }

    fn read_at(&mut self, offset: u64, size: usize) -> Result<Vec<u8>, Flaw> {
        let inside = offset.checked_add(size as u64).is_some_and(|end| end <= self.length);
        if !inside {
            return Err(Flaw::Damaged);
        }
        let mut octets = vec![0; size];
        self.file.seek(SeekFrom::Start(offset)).map_err(Flaw::Io)?;
        match self.file.read_exact(&mut octets) {
            Ok(()) => Ok(octets),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(Flaw::Damaged),
            Err(error) => Err(Flaw::Io(error)),
        }
    }

    fn block(&mut self, id: u64, room: &mut u64) -> Result<Vec<u8>, Flaw> {
        let found = self.blocks.binary_search_by_key(&(id & !1), |block| block.id);
        let Some(block) = found.ok().and_then(|at| self.blocks.get(at)) else { return Err(Flaw::Damaged) };
        let (offset, size, layout) = (block.offset, usize::from(block.size), self.form.layout());
        let whole = (size + layout.block_trailer).next_multiple_of(layout.block_unit);
        take(room, whole as u64)?;
        let mut octets = self.read_at(offset, whole)?;
        let trailer = octets.split_off(whole - layout.block_trailer);
        octets.truncate(size);
        if !self.is_whole(&octets, &trailer, id).unwrap_or(false) {
            return Err(Flaw::Damaged);
        }
        let inflated = u16_at(&trailer, 18).map_or(size, usize::from);
        if self.form == Form::Large && inflated != size {
            octets = inflate(&octets).ok_or(Flaw::Damaged)?;
            take(room, octets.len() as u64)?;
        }
        if id & 2 == 0 {
            self.cipher.decode(&mut octets, id);
        }
        Ok(octets)
    }

    fn is_whole(&self, octets: &[u8], trailer: &[u8], id: u64) -> Option<bool> {
        let (sum, own) = match self.form {
            Form::Ansi => (u32_at(trailer, 8)?, u64::from(u32_at(trailer, 4)?)),
            Form::Unicode | Form::Large => (u32_at(trailer, 4)?, u64_at(trailer, 8)?),
        };
        let size = usize::from(u16_at(trailer, 0)?);
        Some(size == octets.len() && own & !1 == id & !1 && checksum(octets) == sum)
    }

    /// The data of a node, block by block. What is read is taken off `room`.
    ///
    /// # Errors
    /// A block is missing or damaged, or there is no room.
    pub fn data(&mut self, id: u64, room: &mut u64) -> Result<Vec<Vec<u8>>, Flaw> {
        let step = if self.form.layout().wide { 8 } else { 4 };
        let mut blocks = Vec::new();
        let mut waiting = vec![(id, 3_u8)];
        while let Some((id, above)) = waiting.pop() {
            let octets = self.block(id, room)?;
            if id & 2 == 0 {
                blocks.push(octets);
                continue;
            }
            let (Some(1), Some(&level), Some(count)) = (octets.first(), octets.get(1), u16_at(&octets, 2)) else {
                return Err(Flaw::Damaged);
            };
            if level >= above {
                return Err(Flaw::Damaged);
            }
            let ids = octets.get(8..).unwrap_or_default().chunks_exact(step).take(usize::from(count));
            take(room, LEAST * u64::from(count))?;
            let ids: Vec<_> =
                ids.filter_map(|id| if step == 8 { u64_at(id, 0) } else { u32_at(id, 0).map(u64::from) }).collect();
            waiting.extend(ids.into_iter().rev().map(|id| (id, level)));
        }
        Ok(blocks)
    }

    /// The nodes inside a node. Those in damaged blocks are passed over, and `flawed` is set.
    ///
    /// # Errors
    /// The disk failed, or there is no room.
    pub fn inside(&mut self, id: u64, room: &mut u64, flawed: &mut bool) -> Result<Inside, Flaw> {
        let mut found = Inside::new();
        let mut waiting = Vec::from_iter((id != 0).then_some((id, LEVELS)));
        while let Some((id, above)) = waiting.pop() {
            let octets = match self.block(id, room) {
                Ok(octets) => octets,
                Err(Flaw::Damaged) => {
                    *flawed = true;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let (Some(2), Some(&level), Some(count)) = (octets.first(), octets.get(1), u16_at(&octets, 2)) else {
                *flawed = true;
                continue;
            };
            take(room, LEAST * u64::from(count))?;
            let entries = self.inside_entries(&octets, level == 0).take(usize::from(count));
            if level == 0 {
                found.extend(entries.map(|node| (node.id, node)));
            } else if level < above {
                waiting.extend(entries.map(|node| (node.data, level)));
            } else {
                *flawed = true;
            }
        }
        Ok(found)
    }

    fn inside_entries<'a>(&self, octets: &'a [u8], leaf: bool) -> impl Iterator<Item = Node> + use<'a, F> {
        let wide = self.form.layout().wide;
        let (head, word) = if wide { (8, 8) } else { (4, 4) };
        let entries = octets.get(head..).unwrap_or_default().chunks_exact(if leaf { 3 * word } else { 2 * word });
        let number = move |entry: &[u8], at: usize| {
            if wide { u64_at(entry, at * 8) } else { u32_at(entry, at * 4).map(u64::from) }
        };
        entries.filter_map(move |entry| {
            let inside = if leaf { number(entry, 2)? } else { 0 };
            Some(Node { id: u32_at(entry, 0)?, data: number(entry, 1)?, inside, folder: 0 })
        })
    }
}

fn kind(head: &[u8]) -> Result<(Form, Cipher), Refused> {
    let version = u16_at(head, 10).ok_or(Refused::Another)?;
    let (form, cipher) = match version {
        14 | 15 => (Form::Ansi, head.get(461)),
        21..=23 => (Form::Unicode, head.get(513)),
        36 => (Form::Large, head.get(513)),
        // Written by an Outlook that knows protection; the next octet says whether this file has it.
        37 => (Form::Unicode, head.get(513)),
        other => return Err(Refused::Unknown(other)),
    };
    match cipher {
        Some(0) => Ok((form, Cipher::None)),
        Some(1) => Ok((form, Cipher::Permute)),
        Some(2) => Ok((form, Cipher::Cyclic)),
        Some(0x10) => Err(Refused::Protected),
        _ => Err(Refused::Ruined),
    }
}

/// Takes off what is read.
pub(super) fn take(room: &mut u64, octets: u64) -> Result<(), Flaw> {
    *room = room.checked_sub(octets.max(LEAST)).ok_or(Flaw::TooLarge)?;
    Ok(())
}

fn inflate(octets: &[u8]) -> Option<Vec<u8>> {
    let mut inflated = Vec::new();
    flate2::read::ZlibDecoder::new(octets).take(INFLATED).read_to_end(&mut inflated).ok()?;
    Some(inflated)
}
