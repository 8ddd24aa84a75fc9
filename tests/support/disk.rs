//! A disk as a power cut sees it: what is on it for certain, what was written and not yet brought there, and draws from
//! all that could be there if the power went now.
//!
//! Of what is not synced any sector may be there in any version it had, whatever the order of the writes; a file may be
//! as long as it was made though what was written to its end is not there; names made, changed and taken away may be
//! there or not, each by itself.

use std::collections::{BTreeMap, HashMap};

use super::recording::Step;
use crate::support::Dice;

const SECTOR: u64 = 512;
/// Sectors that a disk which reorders whole pages keeps or loses together.
const PAGE: u64 = 8;

/// Part of a write, within one sector.
struct Piece {
    sector: u64,
    /// How many pending pieces of this sector came before.
    turn: u16,
    at: usize,
    bytes: Vec<u8>,
}

#[derive(Default)]
struct File {
    /// On the disk for certain.
    synced: Vec<u8>,
    pending: Vec<Piece>,
    /// How many pending pieces each sector has.
    turns: HashMap<u64, u16>,
    /// As long as the program sees it.
    length: u64,
    /// Cut or grown since it was last synced.
    resized: bool,
}

enum Name {
    Made(String, usize),
    Moved { from: String, to: String, file: usize },
    Gone(String),
}

#[derive(Default)]
pub struct Disk {
    files: Vec<File>,
    /// As the program sees them.
    names: BTreeMap<String, usize>,
    synced_names: BTreeMap<String, usize>,
    pending_names: Vec<Name>,
    /// Of syncs under way: how many pieces they cover.
    syncing: HashMap<usize, usize>,
    syncing_names: usize,
}

/// What a power cut left: files by name.
pub type Left = BTreeMap<String, Vec<u8>>;

/// What becomes of what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    AllLost,
    AllKept,
    /// Each sector in any version.
    Sectors,
    /// Whole pages of 4 KiB, old or new.
    Pages,
    /// Everything up to some point, nothing after it.
    Prefix,
}

impl Disk {
    /// Takes in one step of the program. Answers whether it can change what a power cut leaves.
    pub fn play(&mut self, step: &Step) -> bool {
        match step {
            Step::Open(path) => {
                if self.names.contains_key(path) {
                    return false;
                }
                self.files.push(File::default());
                let file = self.files.len() - 1;
                self.names.insert(path.clone(), file);
                self.pending_names.push(Name::Made(path.clone(), file));
            }
            Step::Write { path, at, bytes } => match self.names.get(path) {
                Some(&file) => self.files[file].write(*at, bytes),
                None => return false,
            },
            Step::Truncate { path, length } => match self.names.get(path) {
                Some(&file) => self.files[file].resize(*length),
                None => return false,
            },
            Step::SyncBegins(path) => {
                if path.is_empty() {
                    self.syncing_names = self.pending_names.len();
                } else if let Some(&file) = self.names.get(path) {
                    self.syncing.insert(file, self.files[file].pending.len());
                }
                return false;
            }
            Step::SyncEnds(path) => self.synced(path),
            Step::Rename { from, to } => {
                let Some(file) = self.names.remove(from) else { return false };
                self.names.insert(to.clone(), file);
                self.pending_names.push(Name::Moved { from: from.clone(), to: to.clone(), file });
            }
            Step::Unlink(path) => {
                self.names.remove(path);
                self.pending_names.push(Name::Gone(path.clone()));
            }
            Step::Dele(_) => {}
        }
        true
    }

    fn synced(&mut self, path: &str) {
        if path.is_empty() {
            for name in self.pending_names.drain(..std::mem::take(&mut self.syncing_names)) {
                name.apply(&mut self.synced_names);
            }
        } else if let Some(&file) = self.names.get(path)
            && let Some(covered) = self.syncing.remove(&file)
        {
            self.files[file].sync(covered);
        }
    }

    /// One of the states that a power cut could leave now, of the files that `wanted` names; and a number that says
    /// which, for counting different ones.
    pub fn cut(&self, dice: &mut Dice, wanted: impl Fn(&str) -> bool) -> (Left, u64) {
        let cut = match dice.below(10) {
            0 => Cut::AllLost,
            1 => Cut::AllKept,
            2..=5 => Cut::Sectors,
            6 | 7 => Cut::Pages,
            _ => Cut::Prefix,
        };
        let mut names = self.synced_names.clone();
        let upto = dice.below(self.pending_names.len() as u64 + 1) as usize;
        let mut which = cut as u64;
        for (index, name) in self.pending_names.iter().enumerate() {
            let kept = match cut {
                Cut::AllLost => false,
                Cut::AllKept => true,
                Cut::Prefix => index < upto,
                Cut::Sectors | Cut::Pages => dice.below(2) == 0,
            };
            which = mix(which, u64::from(kept));
            if kept {
                name.apply(&mut names);
            }
        }
        let mut left = Left::new();
        for (name, file) in names.into_iter().filter(|(name, _)| wanted(name)) {
            let (bytes, drawn) = self.files[file].cut(cut, dice);
            which = mix(mix(which, file as u64), drawn);
            left.insert(name, bytes);
        }
        (left, which)
    }
}

impl Name {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Name::Made(path, file) => _ = names.insert(path.clone(), *file),
            Name::Moved { from, to, file } => {
                names.remove(from);
                names.insert(to.clone(), *file);
            }
            Name::Gone(path) => _ = names.remove(path),
        }
    }
}

impl File {
    fn write(&mut self, at: u64, bytes: &[u8]) {
        let (mut at, mut rest) = (at, bytes);
        while !rest.is_empty() {
            let sector = at / SECTOR;
            let room = ((sector + 1) * SECTOR - at) as usize;
            let (piece, after) = rest.split_at(room.min(rest.len()));
            let turn = self.turns.entry(sector).or_default();
            self.pending.push(Piece { sector, turn: *turn, at: at as usize, bytes: piece.to_vec() });
            *turn += 1;
            at += piece.len() as u64;
            rest = after;
        }
        self.length = self.length.max(at);
    }

    /// Taken as done at once: a file that is cut or grown loses no page that the archive still needs, or the state is
    /// caught by what it leaves.
    fn resize(&mut self, length: u64) {
        self.length = length;
        self.resized = true;
        self.pending.retain(|piece| (piece.at as u64) < length);
    }

    fn sync(&mut self, covered: usize) {
        for piece in self.pending.drain(..covered.min(self.pending.len())) {
            put(&mut self.synced, piece.at, &piece.bytes);
        }
        self.turns.clear();
        for piece in &mut self.pending {
            let turn = self.turns.entry(piece.sector).or_default();
            piece.turn = *turn;
            *turn += 1;
        }
        if self.pending.is_empty() {
            self.synced.resize(self.length as usize, 0);
            self.resized = false;
        }
    }

    fn cut(&self, cut: Cut, dice: &mut Dice) -> (Vec<u8>, u64) {
        let mut bytes = self.synced.clone();
        let seed = dice.below(u64::MAX);
        if self.pending.is_empty() && !self.resized {
            return (bytes, 0);
        }
        let upto = dice.below(self.pending.len() as u64 + 1) as usize;
        let bias = dice.below(3);
        let mut drawn = 0;
        for (index, piece) in self.pending.iter().enumerate() {
            let versions = u64::from(self.turns.get(&piece.sector).copied().unwrap_or(0));
            let kept = match cut {
                Cut::AllLost => false,
                Cut::AllKept => true,
                Cut::Prefix => index < upto,
                Cut::Sectors => {
                    let draw = mix(seed, piece.sector);
                    // Mostly lost, even, mostly kept.
                    let limit = match (bias, draw >> 60) {
                        (0, 0..=11) => 0,
                        (2, 0..=11) => versions,
                        _ => draw % (versions + 1),
                    };
                    u64::from(piece.turn) < limit
                }
                Cut::Pages => mix(seed, piece.sector / PAGE) % 4 < 1 + bias,
            };
            drawn = mix(drawn, u64::from(kept));
            if kept {
                put(&mut bytes, piece.at, &piece.bytes);
            }
        }
        // The length is of the file system, what is written at its end of the disk: one may come without the other.
        if cut != Cut::AllLost && mix(seed, 1).is_multiple_of(2) {
            bytes.resize(self.length as usize, 0);
            drawn = mix(drawn, 7);
        }
        (bytes, drawn)
    }
}

fn put(bytes: &mut Vec<u8>, at: usize, piece: &[u8]) {
    if bytes.len() < at + piece.len() {
        bytes.resize(at + piece.len(), 0);
    }
    bytes[at..at + piece.len()].copy_from_slice(piece);
}

/// A number from two, as if by chance (splitmix64).
pub fn mix(left: u64, right: u64) -> u64 {
    let mut mixed = left.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ right.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
