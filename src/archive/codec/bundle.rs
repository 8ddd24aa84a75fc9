//! Many originals packed together, in pieces that one rotten page cannot take away. Pure, as [`super`].
//!
//! A bundle is the text of its members in one frame of zstd, so that what mails have in common is written once, and
//! behind it what their base64 says, each member's by itself. All of that is cut into pieces that each fill a page of the
//! file, and [`SPARE`] pieces are added: of every second piece the sum without carry, as RAID 5 has it, each as long as a
//! piece can be. Each piece has a checksum of its own, so it is known which one is wrong; one of each kind may be missing,
//! or two that lie side by side.
//!
//! ```text
//! piece   = crc32 (4 octets, little-endian, of the rest) | pieces of data (2, little-endian) | a part of the content
//! content = length of the front | front | what the members' base64 says, one after the other
//! front   = members | for each: octets of shape, text, base64 | the frame: all shapes, then all texts
//! shape   = runs of base64, as in a single message | its soft line breaks
//! ```
//!
//! Numbers are of seven bits an octet, as in a single message.
//!
//! # Why
//!
//! Of 10,000 generated messages (316 MB as an mbox, seed 1) 0.452 are noise under base64 that nothing makes shorter. What the
//! text comes to, in parts of the mbox, and how fast one core packs it:
//!
//! | text in frames of | one message, our dictionary | 256 kB | 1 MB | 2 MB | 4 MB | 5 MB |
//! |---|---|---|---|---|---|---|
//! | level 3, as it is | 0.105 (294 MB/s) | 0.090 | 0.085 | | 0.080 (430 MB/s) | |
//! | level 3, soft breaks taken out | | | | 0.071 | 0.068 | 0.068 (527 MB/s) |
//! | level 7; 9, soft breaks taken out | | | | 0.067; 0.066 | 0.064 | |
//! | **the parameters here, soft breaks taken out** | | | | | | **0.067 (605 MB/s)** |
//!
//! Pieces that fill their pages are worth as much again: rows of any length left 0.030 of the mbox free between them. All of
//! an archive, `mail.db` and `index.db` as imported, is 0.598 of that mbox (169 and 20 MB; 0.661 with each message by itself)
//! and 0.592 of the real mail in `../shared/corpus` (13 and 4 MB of 30; 0.654). The pieces to spare are 0.004 of it.
//!
//! What speaks against frames of many messages is that one flipped bit takes all of them along, and that one cannot be read
//! or erased without the others. Hence the checksums and the pieces to spare: a page that rots costs no message here, and
//! cost one where each lies by itself. Reading one message takes some milliseconds, going through all of them as long as
//! before, and erasing one packs the others anew.

use std::borrow::Cow;
use std::cell::RefCell;
use std::ops::Range;

use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::{CParameter, compress_bound};

use super::soft::Soft;
use super::{LEVEL_DECODED, LONGEST as LONGEST_ORIGINAL, Run, Split, join, number, take_number, take_runs, write_runs};
use crate::account::Digest;

/// Of what zstd calls fast, and what no level has: only what comes again in seven octets or more, remembered for longer.
/// It makes text as short as level 4 in three quarters of the time.
const LEVEL: i32 = 1;
const COMES_AGAIN: u32 = 7;
const REMEMBERED: u32 = 17;
/// How far back is looked for what was said before, as a power of two: to the beginning.
const WINDOW: u32 = 23;
/// Octets of text in one bundle: the more, the less room, and the longer it takes to read one message of it.
const TEXT: usize = 6 << 20;
/// Members of one bundle.
const MEMBERS: usize = 4096;
/// Octets of a piece: the most that SQLite keeps on one page of 16,384.
pub(in crate::archive) const PIECE: usize = 16_344;
const HEAD: usize = 6;
const CONTENT: usize = PIECE - HEAD;
/// Pieces added: each makes good for one that is missing.
pub(in crate::archive) const SPARE: usize = 2;
/// The most pieces of data: what the numbers of a bundle's pieces have room for, without those added.
pub(in crate::archive) const PIECES: usize = 4096 - SPARE;
/// The longest text that a front may unpack to, whatever it says: [`TEXT`] and one more message, with all shapes.
const LONGEST: usize = 64 << 20;

/// Tells the front of one bundle from that of any other: the beginning of its hash.
pub(in crate::archive) type Stamp = [u8; 8];

/// Originals packed together.
#[derive(Debug)]
pub(in crate::archive) struct Bundle {
    /// Members are the next so many of the originals given.
    pub(in crate::archive) members: usize,
    pub(in crate::archive) stamp: Stamp,
    /// One after the other, each but the last of [`PIECE`] octets.
    pieces: Vec<u8>,
    spare: [Vec<u8>; SPARE],
}

impl Bundle {
    /// Those with the content, in order.
    pub(in crate::archive) fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        self.pieces.chunks(PIECE)
    }

    pub(in crate::archive) fn spare(&self) -> impl Iterator<Item = &[u8]> {
        self.spare.iter().map(Vec::as_slice)
    }

    pub(in crate::archive) fn octets(&self) -> usize {
        self.pieces().chain(self.spare()).map(<[u8]>::len).sum()
    }
}

/// Packs originals into as many bundles as they need, in their order. Each was unpacked and compared; `None` where one
/// did not come back, or without memory.
pub(in crate::archive) fn pack(originals: &[&[u8]]) -> Option<Vec<Bundle>> {
    PACKING.with_borrow_mut(|kept| {
        // After a failure what is kept may be half of something.
        let mut packing = kept.take().or_else(Packing::new)?;
        let bundles = packing.pack(originals)?;
        *kept = Some(packing);
        Some(bundles)
    })
}

thread_local! {
    /// One a thread, kept, for its memory: without it a fifth of an import was new pages.
    static PACKING: RefCell<Option<Packing>> = const { RefCell::new(None) };
}

/// A bundle in the making.
struct Packing {
    compressor: Compressor<'static>,
    decoded: Compressor<'static>,
    split: Split,
    lengths: Vec<[usize; 3]>,
    shapes: Vec<u8>,
    texts: Vec<u8>,
    base64: Vec<u8>,
    /// What zstd made of something.
    shorter: Vec<u8>,
}

impl Packing {
    fn new() -> Option<Packing> {
        let mut compressor = Compressor::new(LEVEL).ok()?;
        let mut decoded = Compressor::new(LEVEL_DECODED).ok()?;
        for compressor in [&mut compressor, &mut decoded] {
            compressor.include_checksum(false).ok()?;
            compressor.include_contentsize(false).ok()?;
            compressor.include_dictid(false).ok()?;
        }
        for parameter in
            [CParameter::WindowLog(WINDOW), CParameter::HashLog(REMEMBERED), CParameter::MinMatch(COMES_AGAIN)]
        {
            compressor.set_parameter(parameter).ok()?;
        }
        Some(Packing {
            compressor,
            decoded,
            split: Split::default(),
            lengths: Vec::new(),
            shapes: Vec::new(),
            texts: Vec::new(),
            base64: Vec::new(),
            shorter: Vec::new(),
        })
    }

    fn pack(&mut self, originals: &[&[u8]]) -> Option<Vec<Bundle>> {
        let mut bundles = Vec::new();
        let mut from = 0;
        for (next, original) in (1..).zip(originals) {
            self.add(original)?;
            if self.is_full() || next == originals.len() {
                bundles.push(self.finish(originals.get(from..next)?)?);
                from = next;
            }
        }
        Some(bundles)
    }

    fn add(&mut self, original: &[u8]) -> Option<()> {
        self.split.take(original);
        let Split { runs, text, decoded } = &self.split;
        let before = [self.shapes.len(), self.texts.len(), self.base64.len()];
        number(&mut self.shapes, text.len());
        write_runs(&mut self.shapes, runs);
        Soft::join(text, &mut self.texts).write(&mut self.shapes);
        if !decoded.is_empty() {
            compress(&mut self.decoded, decoded, &mut self.shorter)?;
            let shorter = self.shorter.len() < decoded.len();
            self.base64.push(u8::from(shorter));
            self.base64.extend_from_slice(if shorter { &self.shorter } else { decoded });
        }
        let after = [self.shapes.len(), self.texts.len(), self.base64.len()];
        self.lengths.push(std::array::from_fn(|part| after[part] - before[part]));
        Some(())
    }

    fn is_full(&self) -> bool {
        self.texts.len() >= TEXT || self.lengths.len() >= MEMBERS
    }

    /// What was added since the last one, which was these originals.
    fn finish(&mut self, originals: &[&[u8]]) -> Option<Bundle> {
        let mut front = Vec::new();
        number(&mut front, self.lengths.len());
        self.lengths.iter().flatten().for_each(|length| number(&mut front, *length));
        self.shapes.append(&mut self.texts);
        compress(&mut self.compressor, &self.shapes, &mut self.shorter)?;
        front.extend_from_slice(&self.shorter);
        let opened = Opened::of_into(&front, std::mem::take(&mut self.shapes))?;
        let base64_from = opened.base64(0)?.start;
        let comes_back = |(member, original): (usize, &&[u8])| {
            let Range { start, end } = opened.base64(member)?;
            let base64 = self.base64.get(start - base64_from..end - base64_from)?;
            opened.member(member, base64, original.len()).filter(|bytes| bytes == original)
        };
        let whole =
            opened.members() == originals.len() && originals.iter().enumerate().all(|both| comes_back(both).is_some());
        let (pieces, spare) = cut(&front, &self.base64)?;
        let stamp = opened.stamp;
        self.shapes = opened.raw;
        self.shapes.clear();
        self.base64.clear();
        self.lengths.clear();
        whole.then_some(Bundle { members: originals.len(), stamp, pieces, spare })
    }
}

/// Compresses into the place of what is in `shorter`.
fn compress(compressor: &mut Compressor<'_>, bytes: &[u8], shorter: &mut Vec<u8>) -> Option<()> {
    shorter.clear();
    shorter.reserve(compress_bound(bytes.len()));
    compressor.compress_to_buffer(bytes, shorter).ok().map(drop)
}

/// The front of a bundle, unpacked.
#[derive(Debug)]
pub(in crate::archive) struct Opened {
    pub(in crate::archive) stamp: Stamp,
    /// For each member where its shape, its text and, in the content, its base64 begin; and at last where they end.
    places: Vec<[usize; 3]>,
    raw: Vec<u8>,
}

impl Opened {
    /// `None` where that is not the front of a bundle.
    pub(in crate::archive) fn of(front: &[u8]) -> Option<Opened> {
        Opened::of_into(front, Vec::new())
    }

    /// As [`Opened::of`], unpacked into the place of what is in `raw`.
    fn of_into(front: &[u8], mut raw: Vec<u8>) -> Option<Opened> {
        let mut rest = front;
        let lengths = take_lengths(&mut rest)?;
        let mut prefix = Vec::new();
        number(&mut prefix, front.len());
        let (shapes, texts) = (sum(&lengths, 0)?, sum(&lengths, 1)?);
        let total = shapes.checked_add(texts).filter(|total| *total <= LONGEST)?;
        let mut at = [0, shapes, prefix.len() + front.len()];
        let mut places = vec![at];
        for length in &lengths {
            for (at, length) in at.iter_mut().zip(length) {
                *at = at.checked_add(*length)?;
            }
            places.push(at);
        }
        raw.clear();
        raw.reserve(total);
        let unpacked = Decompressor::new().ok()?.decompress_to_buffer(rest, &mut raw).ok()?;
        if unpacked != total {
            return None;
        }
        Some(Opened { stamp: stamp(front), places, raw })
    }

    pub(in crate::archive) fn members(&self) -> usize {
        self.places.len() - 1
    }

    /// Where in the content a member's base64 is; `None`: there is no such member.
    pub(in crate::archive) fn base64(&self, member: usize) -> Option<Range<usize>> {
        let [from, to] = self.places.get(member..)?.first_chunk()?;
        Some(from[2]..to[2])
    }

    /// How many octets a member is, by its shape; `None` where that is none.
    pub(in crate::archive) fn octets(&self, member: usize) -> Option<usize> {
        let [from, to] = self.places.get(member..)?.first_chunk()?;
        let mut shape = self.raw.get(from[0]..to[0])?;
        let length = take_number(&mut shape)?;
        Run::sum(&take_runs(&mut shape)?, Run::encoded)?.checked_add(length)
    }

    /// A member, given its base64, which is known to be so many octets; `None` where it is not that.
    pub(in crate::archive) fn member(&self, member: usize, base64: &[u8], octets: usize) -> Option<Vec<u8>> {
        let [from, to] = self.places.get(member..)?.first_chunk()?;
        if octets as u64 > LONGEST_ORIGINAL {
            return None;
        }
        let mut shape = self.raw.get(from[0]..to[0])?;
        let joined = self.raw.get(from[1]..to[1])?;
        let length = take_number(&mut shape).filter(|length| *length <= octets)?;
        let runs = take_runs(&mut shape)?;
        let soft = Soft::take(&mut shape)?;
        let encoded = Run::sum(&runs, Run::encoded)?;
        if !shape.is_empty() || encoded.checked_add(length) != Some(octets) {
            return None;
        }
        let text = soft.part(joined, length)?;
        let decoded = match base64.split_first() {
            None => Cow::Borrowed(base64),
            Some((0, decoded)) => Cow::Borrowed(decoded),
            Some((1, shorter)) => {
                Cow::Owned(Decompressor::new().ok()?.decompress(shorter, Run::sum(&runs, Run::decoded)?).ok()?)
            }
            Some(_) => return None,
        };
        (Some(decoded.len()) == Run::sum(&runs, Run::decoded)).then(|| join(&runs, &text, &decoded, octets)).flatten()
    }
}

/// The lengths of each member's parts, which stand at the beginning of a front.
fn take_lengths(rest: &mut &[u8]) -> Option<Vec<[usize; 3]>> {
    let members = take_number(rest).filter(|members| *members <= MEMBERS)?;
    (0..members).map(|_| Some([take_number(rest)?, take_number(rest)?, take_number(rest)?])).collect()
}

fn sum(lengths: &[[usize; 3]], part: usize) -> Option<usize> {
    lengths.iter().try_fold(0_usize, |sum, all| sum.checked_add(all[part]))
}

/// How many octets the whole content is.
fn length(content: &[u8]) -> Option<usize> {
    let front = front(content)?;
    let lengths = take_lengths(&mut content.get(front.clone())?)?;
    front.end.checked_add(sum(&lengths, 2)?)
}

fn stamp(front: &[u8]) -> Stamp {
    let Digest(hash) = Digest::of(front);
    std::array::from_fn(|at| hash[at])
}

/// What [`front`] asks for; no content is shorter.
pub(in crate::archive) const BEGINNING: Range<usize> = 0..8;

/// Where the front is, by the beginning of the content.
pub(in crate::archive) fn front(content: &[u8]) -> Option<Range<usize>> {
    let mut rest = content;
    let length = take_number(&mut rest)?;
    let from = content.len() - rest.len();
    Some(from..from.checked_add(length)?)
}

/// The pieces that these octets of the content are in.
pub(in crate::archive) fn pieces_of(range: &Range<usize>) -> Range<usize> {
    if range.is_empty() { 0..0 } else { range.start / CONTENT..range.end.div_ceil(CONTENT) }
}

/// These octets of the content, out of what the pieces of [`pieces_of`] hold together.
pub(in crate::archive) fn within(mut parts: Vec<u8>, range: &Range<usize>) -> Option<Vec<u8>> {
    parts.truncate(range.start % CONTENT + range.len());
    parts.drain(..(range.start % CONTENT).min(parts.len()));
    (parts.len() == range.len()).then_some(parts)
}

/// Cuts the content into pieces, and adds those to spare.
fn cut(front: &[u8], base64: &[u8]) -> Option<(Vec<u8>, [Vec<u8>; SPARE])> {
    let mut length = Vec::new();
    number(&mut length, front.len());
    let octets = length.len() + front.len() + base64.len();
    let count = u16::try_from(octets.div_ceil(CONTENT)).ok().filter(|count| usize::from(*count) <= PIECES)?;
    let mut pieces: Vec<u8> = Vec::with_capacity(octets + usize::from(count) * HEAD);
    for mut part in [&length, front, base64] {
        while !part.is_empty() {
            if pieces.len().is_multiple_of(PIECE) {
                pieces.extend_from_slice(&[0; HEAD]);
            }
            let (now, rest) = part.split_at(part.len().min(PIECE - pieces.len() % PIECE));
            pieces.extend_from_slice(now);
            part = rest;
        }
    }
    // As long as a piece can be: of shorter ones several would share a page, and rot together.
    let mut sums: [Vec<u8>; SPARE] = std::array::from_fn(|_| vec![0; CONTENT]);
    for (number, piece) in pieces.chunks_mut(PIECE).enumerate() {
        add(&mut sums[number % SPARE], piece.get(HEAD..)?);
        seal(piece, count);
    }
    Some((pieces, sums.map(|sum| piece(count, &sum))))
}

fn piece(count: u16, part: &[u8]) -> Vec<u8> {
    let mut piece = vec![0; HEAD];
    piece.extend_from_slice(part);
    seal(&mut piece, count);
    piece
}

/// Writes the head of a piece.
fn seal(piece: &mut [u8], count: u16) {
    piece[4..HEAD].copy_from_slice(&count.to_le_bytes());
    let checksum = crc32fast::hash(&piece[4..]);
    piece[..4].copy_from_slice(&checksum.to_le_bytes());
}

/// Adds without carry, for as long as the longer of both.
fn add(sum: &mut Vec<u8>, part: &[u8]) {
    if sum.len() < part.len() {
        sum.resize(part.len(), 0);
    }
    sum.iter_mut().zip(part).for_each(|(sum, octet)| *sum ^= octet);
}

/// How many pieces of data the bundle has, at least one, and the part of the content, if this is a piece and what it was.
pub(in crate::archive) fn sound(piece: &[u8]) -> Option<(usize, &[u8])> {
    let (checksum, rest) = piece.split_first_chunk::<4>()?;
    let (count, part) = rest.split_first_chunk::<2>()?;
    let count = usize::from(u16::from_le_bytes(*count));
    (crc32fast::hash(rest) == u32::from_le_bytes(*checksum) && count > 0).then_some((count, part))
}

/// All pieces of a bundle as they should be: those of data, then the spare ones. Each is `None` where it is missing or
/// wrong and cannot be made out of the others. Nothing at all where no piece is left.
///
/// `found` says what stands at a number: `None` where nothing does that could be read.
pub(in crate::archive) fn mended(found: impl Fn(usize) -> Option<Vec<u8>>) -> Vec<Option<Vec<u8>>> {
    let read = |number: usize| {
        let piece = found(number)?;
        let (count, part) = sound(&piece)?;
        Some((count, part.to_vec()))
    };
    let spare: Vec<Option<(usize, Vec<u8>)>> = (0..SPARE).map(|kind| read(PIECES + kind)).collect();
    let known = spare.iter().flatten().map(|(count, _)| *count).next();
    let known = known.or_else(|| (0..PIECES).find_map(|number| Some(read(number)?.0)));
    let Some((count, written)) = known.and_then(|count| Some((count, u16::try_from(count).ok()?))) else {
        return Vec::new();
    };
    let mut parts: Vec<Option<Vec<u8>>> = (0..count.min(PIECES)).map(|number| Some(read(number)?.1)).collect();
    let last_is_missing = parts.last().is_some_and(Option::is_none);
    let mut spare: Vec<Option<Vec<u8>>> = spare.into_iter().map(|spare| Some(spare?.1)).collect();
    for (kind, spare) in spare.iter_mut().enumerate() {
        let missing: Vec<usize> =
            (kind..parts.len()).step_by(SPARE).filter(|number| parts[*number].is_none()).collect();
        let others = (kind..parts.len()).step_by(SPARE).filter_map(|number| parts[number].as_deref());
        match (missing.as_slice(), &spare) {
            ([], None) => {
                let mut sum = vec![0; CONTENT];
                others.for_each(|part| add(&mut sum, part));
                *spare = Some(sum);
            }
            (&[number], Some(sum)) => {
                let mut sum = sum.clone();
                others.for_each(|part| add(&mut sum, part));
                parts[number] = Some(sum);
            }
            _ => {}
        }
    }
    if last_is_missing {
        cut_last(&mut parts);
    }
    parts.into_iter().chain(spare).map(|part| part.map(|part| piece(written, &part))).collect()
}

/// The last part is as long as the content has octets for it, and not as the sum that it was made of. Where that is not
/// known what is too much stays: nobody reads it.
fn cut_last(parts: &mut [Option<Vec<u8>>]) {
    let content: Option<Vec<&[u8]>> = parts.iter().map(Option::as_deref).collect();
    let octets = content.and_then(|content| length(&content.concat()));
    let before = parts.len().saturating_sub(1) * CONTENT;
    if let (Some(octets), Some(Some(last))) = (octets.filter(|octets| *octets > before), parts.last_mut()) {
        last.truncate(octets - before);
    }
}
