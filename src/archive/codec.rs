//! How originals are written down: as received, packed, or packed together with others (see [`bundle`]). Pure: bytes to
//! bytes, with no file and no clock.
//!
//! What is packed is unpacked and compared before anyone stores it, so that whatever does not come back exactly is kept as
//! received. Unpacking is told how long the original is, makes nothing longer, and answers `None` for anything that is
//! not exactly what [`Packer::pack`] made: the hash, which the callers compare, decides in the end.
//!
//! # Why this one
//!
//! Size of 10,000 generated messages (316 MB, seed 1, of which 143 MB are noise under base64 that nothing makes shorter:
//! 0.45) and of 1,645 real ones (26 MB), and processor time of one generated message, written and read:
//!
//! | | generated | real | µs written | µs read |
//! |---|---|---|---|---|
//! | zstd by message, level 1 / 3 / 9 | 0.580 / 0.578 / 0.574 | 0.488 / 0.480 / 0.472 | 70 / 79 / 287 | 38 |
//! | batches of 256 kB / 4 MB in one frame, level 3 | 0.559 / 0.547 | 0.449 / 0.442 | 83 / 100 | 35 for each of the batch |
//! | a dictionary of the archive's own mail, 112 / 512 kB, level 3 | 0.550 / 0.545 | 0.461 / 0.454 | 98 / 112 | 39 / 56 |
//! | base64 decoded, level 1 | 0.570 | 0.441 | | |
//! | base64 decoded, own mail's dictionary of 512 kB, level 1 / 3 | 0.546 / 0.535 | 0.426 / 0.419 | | |
//! | **base64 decoded, the program's dictionary, level 1** | **0.559** | **0.434** | **117, compared** | **34** |
//! | the same at level 3 | 0.557 | 0.431 | 140, compared | 35 |
//!
//! This is for a message that lies by itself: one that was just fetched, or is too large for anything else. It is packed
//! in a form that needs nothing but the program: the dictionary is made of mail that we wrote ourselves. One of a person's own
//! mail is 2 % better, but when it rots all mail does, and it holds pieces of messages that outlive their erasure.
//! Decoding base64 is worth more than any level, and nothing that could not be encoded again exactly is decoded. Level 1,
//! for a fetch should not wait for 0.2 %. What many mails have in common is written once in a [`bundle`], where all mail goes
//! in the end.

pub(super) mod bundle;
mod soft;

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::{DecoderDictionary, EncoderDictionary};

/// The codec of bytes stored as they came.
pub(super) const AS_RECEIVED: i64 = 0;
/// Runs of base64 decoded, the rest compressed with the first dictionary. What it means never changes: mail is kept in it.
pub(super) const PACKED: i64 = 1;
/// A member of a [`bundle`]; stored with it are its number there and the bundle's stamp. See [`super::bundles`].
pub(super) const BUNDLED: i64 = 2;

/// Beginnings of mail that we wrote ourselves. Never changed: another one is another codec.
const DICTIONARY: &[u8] = include_bytes!("../../assets/dictionary-1.bin");
const LEVEL: i32 = 1;
/// For decoded base64, which mostly is compressed already.
const LEVEL_DECODED: i32 = 1;

static ENCODER: LazyLock<EncoderDictionary<'static>> = LazyLock::new(|| EncoderDictionary::copy(DICTIONARY, LEVEL));
static DECODER: LazyLock<DecoderDictionary<'static>> = LazyLock::new(|| DecoderDictionary::copy(DICTIONARY));

/// The longest original there can be: SQLite's own limit on a value.
const LONGEST: u64 = 1_000_000_000;
/// Nothing is gained on less.
const SHORTEST: usize = 256;
/// Lines of base64 that are worth being decoded: so many of the same length, in characters.
const LINES: usize = 4;
const LINE: std::ops::RangeInclusive<usize> = 16..=1024;
/// Lines that are decoded or encoded at once: each by itself is an end, and ends are slow.
const AT_ONCE: usize = 64;

/// Packs originals.
pub(super) struct Packer {
    text: Compressor<'static>,
    decoded: Compressor<'static>,
}

impl Packer {
    /// # Errors
    /// Without memory.
    pub(super) fn new() -> std::io::Result<Packer> {
        let mut text = Compressor::with_prepared_dictionary(&ENCODER)?;
        let mut decoded = Compressor::new(LEVEL_DECODED)?;
        for compressor in [&mut text, &mut decoded] {
            // The hash of the original covers it, and its length is known.
            compressor.include_checksum(false)?;
            compressor.include_contentsize(false)?;
            compressor.include_dictid(false)?;
        }
        Ok(Packer { text, decoded })
    }

    /// The codec and the bytes to be stored: packed where that is shorter and comes back exactly.
    pub(super) fn encode<'a>(&mut self, original: &'a [u8]) -> (i64, Cow<'a, [u8]>) {
        let packed = self.pack(original).filter(|packed| packed.len() < original.len());
        match packed.filter(|packed| unpack(packed, original.len()).as_deref() == Some(original)) {
            Some(packed) => (PACKED, Cow::Owned(packed)),
            None => (AS_RECEIVED, Cow::Borrowed(original)),
        }
    }

    fn pack(&mut self, original: &[u8]) -> Option<Vec<u8>> {
        if original.len() < SHORTEST || original.len() as u64 > LONGEST {
            return None;
        }
        let mut split = Split::default();
        split.take(original);
        let Split { runs, text, decoded } = split;
        let mut head = Vec::new();
        number(&mut head, text.len());
        write_runs(&mut head, &runs);
        let packed_text = self.text.compress(&text).ok()?;
        number(&mut head, packed_text.len());
        let mut packed = Vec::with_capacity(head.len() + packed_text.len() + decoded.len() + 16);
        let shorter = match decoded.is_empty() {
            true => None,
            false => Some(self.decoded.compress(&decoded).ok()?).filter(|shorter| shorter.len() < decoded.len()),
        };
        let rest = shorter.as_ref().unwrap_or(&decoded);
        number(&mut packed, head.len() + packed_text.len() + 1 + rest.len());
        packed.extend_from_slice(&head);
        packed.extend_from_slice(&packed_text);
        packed.push(u8::from(shorter.is_some()));
        packed.extend_from_slice(rest);
        Some(packed)
    }
}

/// Unpacks what a [`Packer`] packed.
struct Unpacker {
    text: Decompressor<'static>,
    decoded: Decompressor<'static>,
}

impl Unpacker {
    fn new() -> std::io::Result<Unpacker> {
        Ok(Unpacker { text: Decompressor::with_prepared_dictionary(&DECODER)?, decoded: Decompressor::new()? })
    }
}

thread_local! {
    /// One a thread, kept: a message is unpacked in less time than it takes to make one. None depends on the one before.
    static UNPACKER: RefCell<Option<Unpacker>> = const { RefCell::new(None) };
}

/// `None` where the work says so, or without memory for an unpacker.
fn with_unpacker<T>(work: impl FnOnce(&mut Unpacker) -> Option<T>) -> Option<T> {
    UNPACKER.with_borrow_mut(|kept| {
        if kept.is_none() {
            *kept = Unpacker::new().ok();
        }
        work(kept.as_mut()?)
    })
}

/// The original behind what is stored, which is known to be so many octets; `None` where it is not that.
pub fn decode(codec: i64, stored: Vec<u8>, octets: u64) -> Option<Vec<u8>> {
    match codec {
        AS_RECEIVED => Some(stored),
        PACKED if octets <= LONGEST => unpack(&stored, usize::try_from(octets).ok()?),
        _ => None,
    }
}

/// How many octets were stored, by what stands at their beginning; `None` where that is not a beginning. As received,
/// that is the length of the original. So `check` sees what was cut short without reading it.
pub(super) fn stored_length(codec: i64, beginning: &[u8], octets: u64) -> Option<u64> {
    match codec {
        AS_RECEIVED => Some(octets),
        BUNDLED => {
            let mut rest = beginning;
            take_number(&mut rest)?;
            u64::try_from(beginning.len() - rest.len() + size_of::<bundle::Stamp>()).ok()
        }
        PACKED => {
            let mut rest = beginning;
            let follow = take_number(&mut rest)?;
            u64::try_from(follow + (beginning.len() - rest.len())).ok()
        }
        _ => None,
    }
}

/// Octets at the beginning that [`stored_length`] asks for.
pub(super) const BEGINNING: usize = 10;

/// Lines of base64 of one length, each ending alike.
struct Run {
    /// Octets of text between the run before and this one.
    before: usize,
    /// Characters of each line.
    line: usize,
    crlf: bool,
    lines: usize,
}

impl Run {
    fn decoded(&self) -> Option<usize> {
        self.lines.checked_mul(self.line / 4 * 3)
    }

    fn encoded(&self) -> Option<usize> {
        self.lines.checked_mul(self.line + 1 + usize::from(self.crlf))
    }

    fn sum(runs: &[Run], length: fn(&Run) -> Option<usize>) -> Option<usize> {
        runs.iter().try_fold(0_usize, |sum, run| sum.checked_add(length(run)?))
    }
}

/// A message, and what its base64 says taken out of it.
#[derive(Default)]
struct Split {
    runs: Vec<Run>,
    text: Vec<u8>,
    decoded: Vec<u8>,
}

impl Split {
    /// Takes the runs of base64 out of a message, in the place of what was here. Only whole lines without padding, of
    /// which there is one way to write them.
    fn take(&mut self, original: &[u8]) {
        self.runs.clear();
        self.text.clear();
        self.decoded.clear();
        let (mut at, mut text_from) = (0, 0);
        while let Some(end) = memchr::memchr(b'\n', original.get(at..).unwrap_or_default()) {
            let next = at + end + 1;
            let line = original.get(at..at + end).unwrap_or_default();
            match run_at(original.get(at..).unwrap_or_default(), line, &mut self.decoded) {
                Some((run, length)) => {
                    let before = original.get(text_from..at).unwrap_or_default();
                    self.text.extend_from_slice(before);
                    self.runs.push(Run { before: before.len(), ..run });
                    at += length;
                    text_from = at;
                }
                None => at = next,
            }
        }
        self.text.extend_from_slice(original.get(text_from..).unwrap_or_default());
    }
}

/// The run that begins with this line, and how many octets it is; what it says goes to `decoded`.
fn run_at(rest: &[u8], first: &[u8], decoded: &mut Vec<u8>) -> Option<(Run, usize)> {
    let crlf = first.ends_with(b"\r");
    let line = first.len() - usize::from(crlf);
    let stride = first.len() + 1;
    // Most lines of text end here: the next ones are not of their length.
    let alike = (2..=LINES).all(|count| rest.get(count * stride - 1) == Some(&b'\n'));
    if !alike || !line.is_multiple_of(4) || !LINE.contains(&line) {
        return None;
    }
    let end = first.get(line..)?;
    let (before, mut lines) = (decoded.len(), 0);
    let mut characters = Vec::with_capacity(line * AT_ONCE);
    for block in rest.chunks(stride * AT_ONCE) {
        characters.clear();
        let ends_so = |next: &&[u8]| next.get(line..).and_then(|ending| ending.strip_suffix(b"\n")) == Some(end);
        block.chunks_exact(stride).take_while(ends_so).for_each(|next| characters.extend_from_slice(&next[..line]));
        let there = characters.len() / line;
        // Together, or up to the one that is not what it should be.
        let decodes = |characters: &[u8], decoded: &mut Vec<u8>| {
            let (from, octets) = (decoded.len(), characters.len() / 4 * 3);
            decoded.resize(from + octets, 0);
            let whole = STANDARD.decode_slice(characters, &mut decoded[from..]).is_ok_and(|written| written == octets);
            decoded.truncate(if whole { from + octets } else { from });
            whole
        };
        let all = decodes(&characters, decoded);
        lines += match all {
            true => there,
            false => characters.chunks_exact(line).take_while(|line| decodes(line, decoded)).count(),
        };
        if !all || there < AT_ONCE {
            break;
        }
    }
    if lines < LINES {
        decoded.truncate(before);
    }
    (lines >= LINES).then(|| (Run { before: 0, line, crlf, lines }, lines * stride))
}

fn unpack(packed: &[u8], octets: usize) -> Option<Vec<u8>> {
    let mut rest = packed;
    if take_number(&mut rest)? != rest.len() {
        return None;
    }
    let text_octets = take_number(&mut rest).filter(|text| *text <= octets)?;
    let runs = take_runs(&mut rest)?;
    let packed_text = take_number(&mut rest)?;
    let (packed_text, rest) = rest.split_at_checked(packed_text)?;
    let (&shorter, rest) = rest.split_first()?;
    // From here on the lengths agree with the original's, so nothing grows beyond it.
    if Run::sum(&runs, Run::encoded)?.checked_add(text_octets) != Some(octets) {
        return None;
    }
    let decoded_octets = Run::sum(&runs, Run::decoded)?;
    let text = with_unpacker(|unpacker| exactly(&mut unpacker.text, packed_text, text_octets))?;
    let decoded = match shorter {
        0 => Cow::Borrowed(rest),
        1 => Cow::Owned(with_unpacker(|unpacker| exactly(&mut unpacker.decoded, rest, decoded_octets))?),
        _ => return None,
    };
    (decoded.len() == decoded_octets).then(|| join(&runs, &text, &decoded, octets)).flatten()
}

/// Unpacks what is to be so many octets.
fn exactly(decompressor: &mut Decompressor<'_>, packed: &[u8], octets: usize) -> Option<Vec<u8>> {
    decompressor.decompress(packed, octets).ok().filter(|bytes| bytes.len() == octets)
}

/// Puts text and runs together again.
fn join(runs: &[Run], text: &[u8], decoded: &[u8], octets: usize) -> Option<Vec<u8>> {
    let mut original = Vec::with_capacity(octets);
    let (mut text, mut decoded) = (text, decoded);
    let mut characters = Vec::new();
    for run in runs {
        let (before, rest) = text.split_at_checked(run.before)?;
        original.extend_from_slice(before);
        text = rest;
        let (lines, rest) = decoded.split_at_checked(run.decoded()?)?;
        characters.resize(run.line * AT_ONCE, 0);
        for block in lines.chunks(run.line / 4 * 3 * AT_ONCE) {
            let encoded = STANDARD.encode_slice(block, &mut characters).ok()?;
            for line in characters.get(..encoded)?.chunks_exact(run.line) {
                original.extend_from_slice(line);
                original.extend_from_slice(if run.crlf { b"\r\n" } else { b"\n" });
            }
        }
        decoded = rest;
    }
    original.extend_from_slice(text);
    Some(original)
}

fn write_runs(into: &mut Vec<u8>, runs: &[Run]) {
    number(into, runs.len());
    for run in runs {
        number(into, run.before);
        number(into, run.line * 2 + usize::from(run.crlf));
        number(into, run.lines);
    }
}

fn take_runs(rest: &mut &[u8]) -> Option<Vec<Run>> {
    let count = take_number(rest)?;
    let mut runs = Vec::new();
    for _ in 0..count {
        let before = take_number(rest)?;
        let shape = take_number(rest)?;
        let run = Run { before, line: shape / 2, crlf: shape % 2 == 1, lines: take_number(rest)? };
        if !run.line.is_multiple_of(4) || !LINE.contains(&run.line) {
            return None;
        }
        runs.push(run);
    }
    Some(runs)
}

/// What is stored with the member of a bundle.
pub(super) fn member(number_there: usize, stamp: bundle::Stamp) -> Vec<u8> {
    let mut stored = Vec::with_capacity(10);
    number(&mut stored, number_there);
    stored.extend_from_slice(&stamp);
    stored
}

/// The number and the stamp that [`member`] wrote.
pub(super) fn membership(stored: &[u8]) -> Option<(usize, bundle::Stamp)> {
    let mut rest = stored;
    let number = take_number(&mut rest)?;
    Some((number, rest.try_into().ok()?))
}

/// Seven bits an octet, the low ones first; the high bit says that more follow.
fn number(into: &mut Vec<u8>, mut value: usize) {
    loop {
        let low = u8::try_from(value & 0x7F).unwrap_or(0);
        value >>= 7;
        if value == 0 {
            return into.push(low);
        }
        into.push(low | 0x80);
    }
}

fn take_number(rest: &mut &[u8]) -> Option<usize> {
    let mut value = 0_u64;
    for shift in (0..35).step_by(7) {
        let (&octet, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(octet & 0x7F) << shift;
        if octet & 0x80 == 0 {
            return usize::try_from(value).ok();
        }
    }
    None
}
