//! The middle of Outlook's data files (MS-PST section 2.3): heaps, trees on heaps, properties and tables of them.

use std::collections::HashMap;
use std::io::{Read, Seek};

use super::properties::{Properties, Value, WANTED, kind};
use super::store::{Flaw, Form, Inside, LEAST, Node, Store, take, u16_at, u32_at};

/// Items of a tree that are followed.
const MOST_ITEMS: usize = 20_000;
/// Rows of a table (the recipients of a message).
const MOST_ROWS: usize = 50_000;
const PROPERTIES: u8 = 0xbc;
const TABLE: u8 = 0x7c;
const TREE: u8 = 0xb5;

/// A node's data, cut into items (a heap-on-node).
struct Heap {
    blocks: Vec<Vec<u8>>,
    /// How many bits of an item's id are its number.
    bits: u32,
}

impl Heap {
    fn item(&self, id: u32) -> Option<&[u8]> {
        let number = usize::try_from((id >> 5 & ((1 << self.bits) - 1)).checked_sub(1)?).ok()?;
        let block = self.blocks.get(usize::try_from(id >> (5 + self.bits)).ok()?)?;
        let map = usize::from(u16_at(block, 0)?);
        if number >= usize::from(u16_at(block, map)?) {
            return None;
        }
        let place = map + 4 + 2 * number;
        block.get(usize::from(u16_at(block, place)?)..usize::from(u16_at(block, place + 2)?))
    }

    /// The root item of a heap of a kind.
    fn root(&self, kind: u8) -> Option<u32> {
        let block = self.blocks.first()?;
        if block.get(2..4)? != [0xec, kind] {
            return None;
        }
        u32_at(block, 4)
    }

    /// The leaves of a tree on the heap: keys and values together. What is damaged is passed over and noted.
    fn leaves(&self, root: u32, key: usize, value: usize, flawed: &mut bool) -> Option<Vec<&[u8]>> {
        let header = self.item(root)?;
        let &[TREE, key_size, value_size, levels, ..] = header else { return None };
        if (usize::from(key_size), usize::from(value_size)) != (key, value) {
            return None;
        }
        let mut level: Vec<u32> = Some(u32_at(header, 4)?).filter(|id| *id != 0).into_iter().collect();
        for _ in 0..levels {
            let items = level.iter().filter_map(|id| self.item(*id));
            let next = items.flat_map(|item| item.chunks_exact(key + 4)).filter_map(|entry| u32_at(entry, key));
            level = next.take(MOST_ITEMS).collect();
        }
        *flawed |= level.iter().any(|id| self.item(*id).is_none());
        let items = level.iter().filter_map(|id| self.item(*id));
        Some(items.flat_map(|item| item.chunks_exact(key + value)).take(MOST_ITEMS).collect())
    }
}

/// The properties of a node, where they are, and the nodes inside it.
pub struct Context {
    heap: Heap,
    records: Vec<(u16, u16, u32)>,
    pub inside: Inside,
    /// Something was passed over.
    pub flawed: bool,
}

impl<F: Read + Seek> Store<F> {
    fn heap(&mut self, data: u64, room: &mut u64) -> Result<Heap, Flaw> {
        let bits = if self.form() == Form::Large { 14 } else { 11 };
        Ok(Heap { blocks: self.data(data, room)?, bits })
    }

    /// Opens a node that has properties.
    pub fn context(&mut self, node: Node, room: &mut u64) -> Result<Context, Flaw> {
        let heap = self.heap(node.data, room)?;
        let mut flawed = false;
        let inside = self.inside(node.inside, room, &mut flawed)?;
        let root = heap.root(PROPERTIES).ok_or(Flaw::Damaged)?;
        let leaves = heap.leaves(root, 2, 6, &mut flawed).ok_or(Flaw::Damaged)?;
        let record = |leaf: &&[u8]| Some((u16_at(leaf, 0)?, u16_at(leaf, 2)?, u32_at(leaf, 4)?));
        let records = leaves.iter().filter_map(record).collect();
        Ok(Context { heap, records, inside, flawed })
    }

    /// The properties that are wanted. What is damaged is left out and noted.
    pub fn properties(&mut self, context: &mut Context, room: &mut u64) -> Result<Properties, Flaw> {
        let mut properties = Properties::default();
        for &(id, kind, value) in &context.records {
            if !WANTED.contains(&id) {
                continue;
            }
            match self.value(&context.heap, &context.inside, kind, value, room) {
                Ok(Some(value)) => properties.put(id, value),
                Ok(None) => (),
                Err(Flaw::Damaged) => context.flawed = true,
                Err(error) => return Err(error),
            }
        }
        Ok(properties)
    }

    /// One property and no more.
    pub fn property(&mut self, context: &Context, wanted: u16, room: &mut u64) -> Result<Properties, Flaw> {
        let mut properties = Properties::default();
        let found = context.records.iter().find(|record| record.0 == wanted);
        if let Some(&(id, kind, value)) = found
            && let Some(value) = self.value(&context.heap, &context.inside, kind, value, room)?
        {
            properties.put(id, value);
        }
        Ok(properties)
    }

    fn value(
        &mut self,
        heap: &Heap,
        inside: &Inside,
        kind: u16,
        value: u32,
        room: &mut u64,
    ) -> Result<Option<Value>, Flaw> {
        Ok(match kind {
            kind::I16 | kind::I32 | kind::BOOLEAN => Value::of(kind, value.to_le_bytes().to_vec()),
            kind::I64 | kind::TIME => Value::of(kind, heap.item(value).ok_or(Flaw::Damaged)?.to_vec()),
            kind::OBJECT => heap.item(value).and_then(|object| u32_at(object, 0)).map(Value::Object),
            kind::NARROW | kind::WIDE | kind::OCTETS => Value::of(kind, self.octets(heap, inside, value, room)?),
            _ => None,
        })
    }

    /// What an item of the heap or a node inside holds.
    fn octets(&mut self, heap: &Heap, inside: &Inside, id: u32, room: &mut u64) -> Result<Vec<u8>, Flaw> {
        if id == 0 {
            Ok(Vec::new())
        } else if id & 0x1f == 0 {
            let item = heap.item(id).ok_or(Flaw::Damaged)?;
            // A hostile table names one item in each of its rows.
            take(room, item.len() as u64)?;
            Ok(item.to_vec())
        } else {
            let node = inside.get(&id).ok_or(Flaw::Damaged)?;
            // A node without data holds nothing.
            if node.data == 0 { Ok(Vec::new()) } else { Ok(self.data(node.data, room)?.concat()) }
        }
    }

    /// The rows of a table, in their order.
    pub fn rows(&mut self, node: Node, room: &mut u64, flawed: &mut bool) -> Result<Vec<Properties>, Flaw> {
        let heap = self.heap(node.data, room)?;
        let inside = self.inside(node.inside, room, flawed)?;
        let table = Table::read(&heap).ok_or(Flaw::Damaged)?;
        let blocks = if table.rows & 0x1f == 0 {
            heap.item(table.rows).map(<[u8]>::to_vec).into_iter().collect()
        } else {
            let node = inside.get(&table.rows).ok_or(Flaw::Damaged)?;
            self.data(node.data, room)?
        };
        // A row never lies in two blocks.
        let rows: Vec<&[u8]> = blocks.iter().flat_map(|block| block.chunks_exact(table.width)).collect();
        let index = if self.form() == Form::Ansi { 2 } else { 4 };
        let leaves = heap.leaves(table.index, 4, index, flawed).ok_or(Flaw::Damaged)?;
        let mut found = Vec::new();
        for leaf in leaves.iter().take(MOST_ROWS) {
            let place = if index == 2 { u16_at(leaf, 4).map(u32::from) } else { u32_at(leaf, 4) };
            let Some(row) = place.and_then(|place| rows.get(usize::try_from(place).ok()?)) else {
                *flawed = true;
                continue;
            };
            // A hostile index names one row again and again.
            take(room, LEAST * (1 + table.columns.len() as u64))?;
            found.push(self.row(&table, &heap, &inside, row, room, flawed)?);
        }
        Ok(found)
    }

    fn row(
        &mut self,
        table: &Table,
        heap: &Heap,
        inside: &Inside,
        row: &[u8],
        room: &mut u64,
        flawed: &mut bool,
    ) -> Result<Properties, Flaw> {
        let mut properties = Properties::default();
        for (&id, column) in &table.columns {
            let exists = row
                .get(table.bits + usize::from(column.bit / 8))
                .is_some_and(|octet| octet << (column.bit % 8) & 0x80 != 0);
            if !exists {
                continue;
            }
            let fixed = row.get(column.place..column.place + column.size).unwrap_or_default();
            let value = match (column.kind, u32_at(fixed, 0)) {
                (kind::NARROW | kind::WIDE | kind::OCTETS, Some(value)) => {
                    self.value(heap, inside, column.kind, value, room)
                }
                (kind::OBJECT, _) => Ok(None),
                _ => Ok(Value::of(column.kind, fixed.to_vec())),
            };
            match value {
                Ok(Some(value)) => properties.put(id, value),
                Ok(None) => (),
                Err(Flaw::Damaged) => *flawed = true,
                Err(error) => return Err(error),
            }
        }
        Ok(properties)
    }
}

/// How the rows of a table are laid out.
struct Table {
    width: usize,
    /// Where in a row it is said which columns it has.
    bits: usize,
    index: u32,
    rows: u32,
    columns: HashMap<u16, Column>,
}

struct Column {
    kind: u16,
    place: usize,
    size: usize,
    bit: u8,
}

impl Table {
    fn read(heap: &Heap) -> Option<Table> {
        let info = heap.item(heap.root(TABLE)?)?;
        let (&[TABLE, count, ..], descriptions) = (info, info.get(22..)?) else { return None };
        let column = |description: &[u8]| {
            let id = u16_at(description, 2)?;
            let place = usize::from(u16_at(description, 4)?);
            let column = Column {
                kind: u16_at(description, 0)?,
                place,
                size: usize::from(*description.get(6)?),
                bit: *description.get(7)?,
            };
            WANTED.contains(&id).then_some((id, column))
        };
        let columns = descriptions.chunks_exact(8).take(usize::from(count)).filter_map(column).collect();
        let width = usize::from(u16_at(info, 8)?);
        let table = Table {
            width,
            bits: usize::from(u16_at(info, 6)?),
            index: u32_at(info, 10)?,
            rows: u32_at(info, 14)?,
            columns,
        };
        (width > 0).then_some(table)
    }
}
