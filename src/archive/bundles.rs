//! Bundles in `mail.db`: many originals packed together (see [`bundle`]), in pieces of a page each.
//!
//! What is imported or restored is bundled as it comes; what was fetched lies by itself until nothing else is to be done
//! (see [`super::rewrite`]). A bundle never changes: where a member is erased, the others are packed anew without it, in
//! the same transaction, and what was there is overwritten.
//!
//! A piece that rotted is made out of the others, and written anew by whoever may write: the daily reading, a repair.
//! Nothing of that proves anything: where a message had to be mended to be read, its copy on the server stays.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Range;

use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Transaction, ffi, params};

use super::codec::bundle::{self, Bundle, Opened, Stamp};
use super::codec::{self, Packer};
use super::columns::uncount;
use super::error::{ArchiveError, Result};
use super::original;
use crate::account::Digest;

/// Octets of the pages that pieces are made for.
const PAGE: i64 = 16_384;
/// Numbers of pieces that a bundle has.
const NUMBERS: i64 = 4096;
/// Octets of originals that are worth a bundle: of less, the pieces to spare would be much. Few in tests, that they meet
/// many bundles.
pub(super) const LEAST: usize = if cfg!(debug_assertions) { 16 << 10 } else { 1 << 20 };
/// Octets of one original that lies by itself: a bundle is read from its beginning.
pub(super) const LARGE: usize = 8 << 20;

/// Reads members of bundles. The front of the last one is kept, unpacked.
#[derive(Debug, Default)]
pub(super) struct Reader {
    opened: Option<(i64, Opened)>,
    /// Bundles of which a piece was made out of the others.
    pub(super) mended: BTreeSet<i64>,
    /// SQLite could not read a piece.
    pub(super) unreadable: bool,
}

thread_local! {
    /// For readers that go from message to message. A bundle's stamp says that it is the same one.
    static KEPT: RefCell<Reader> = RefCell::default();
    /// Whether a piece could not be read, which is no error where it is made out of the others.
    static UNREADABLE: Cell<bool> = const { Cell::new(false) };
}

/// With a reader that may know the front of a bundle without having read it now.
pub(super) fn with_kept<T>(work: impl FnOnce(&mut Reader) -> T) -> T {
    KEPT.with_borrow_mut(|reader| {
        reader.mended.clear();
        work(reader)
    })
}

/// Whether on this thread SQLite could not read a piece since this was asked last: the disk is in doubt.
pub(super) fn was_unreadable() -> bool {
    UNREADABLE.take()
}

impl Reader {
    /// The original that is this member of a bundle; `None` where it is not there or not what was stored. Not compared
    /// with its hash.
    pub(super) fn original(
        &mut self,
        connection: &Connection,
        bundle: i64,
        stored: &[u8],
        octets: u64,
    ) -> Result<Option<Vec<u8>>> {
        let (Some((member, stamp)), Ok(octets)) = (codec::membership(stored), usize::try_from(octets)) else {
            return Ok(None);
        };
        if self.opened.as_ref().is_none_or(|(of, opened)| (*of, opened.stamp) != (bundle, stamp)) {
            self.opened = self.open(connection, bundle, stamp)?.map(|opened| (bundle, opened));
        }
        let Some(base64) = self.opened.as_ref().and_then(|(_, opened)| opened.base64(member)) else { return Ok(None) };
        let Some(base64) = self.content(connection, bundle, &base64)? else { return Ok(None) };
        Ok(self.opened.as_ref().and_then(|(_, opened)| opened.member(member, &base64, octets)))
    }

    fn open(&mut self, connection: &Connection, bundle: i64, stamp: Stamp) -> Result<Option<Opened>> {
        Ok(self.front(connection, bundle)?.filter(|opened| opened.stamp == stamp))
    }

    fn front(&mut self, connection: &Connection, bundle: i64) -> Result<Option<Opened>> {
        let beginning = self.content(connection, bundle, &bundle::BEGINNING)?;
        let Some(front) = beginning.and_then(|beginning| bundle::front(&beginning)) else { return Ok(None) };
        let front = self.content(connection, bundle, &front)?;
        Ok(front.and_then(|front| Opened::of(&front)))
    }

    /// These octets of a bundle's content, each piece compared with its checksum, and made out of the others where it is
    /// not what was stored.
    fn content(&mut self, connection: &Connection, bundle: i64, range: &Range<usize>) -> Result<Option<Vec<u8>>> {
        let wanted = bundle::pieces_of(range);
        if wanted.is_empty() {
            return Ok(Some(Vec::new()));
        }
        if wanted.end > bundle::PIECES {
            return Ok(None);
        }
        let parts = match read(connection, bundle, &wanted) {
            Ok(parts) => parts,
            Err(error) if cannot_be_read(&error) => {
                self.cannot_read();
                None
            }
            Err(error) => return Err(error.into()),
        };
        if let Some(octets) = parts.and_then(|parts| bundle::within(parts, range)) {
            return Ok(Some(octets));
        }
        let all = self.all(connection, bundle)?;
        self.mended.insert(bundle);
        let parts = wanted.map(|number| Some(bundle::sound(all.get(number)?.as_ref()?)?.1));
        Ok(parts.collect::<Option<Vec<_>>>().and_then(|parts| bundle::within(parts.concat(), range)))
    }

    fn cannot_read(&mut self) {
        self.unreadable = true;
        UNREADABLE.set(true);
    }

    /// All pieces as they should be.
    fn all(&mut self, connection: &Connection, bundle: i64) -> Result<Vec<Option<Vec<u8>>>> {
        let mut found = HashMap::new();
        let mut statement = connection.prepare_cached("SELECT bytes FROM piece WHERE number = ?1")?;
        let mut numbers = connection.prepare_cached("SELECT number FROM piece WHERE number BETWEEN ?1 AND ?2")?;
        // A page that cannot be read ends the list; those that it may hold are asked for one by one.
        let listed: rusqlite::Result<Vec<i64>> =
            numbers.query_map(span(bundle), |row| row.get(0)).and_then(Iterator::collect);
        let numbers = match listed {
            Ok(numbers) => numbers,
            Err(error) if cannot_be_read(&error) => {
                self.cannot_read();
                (0..NUMBERS).map(|number| first(bundle).saturating_add(number)).collect()
            }
            Err(error) => return Err(error.into()),
        };
        for number in numbers {
            match statement.query_row([number], |row| row.get::<_, Vec<u8>>(0)).optional() {
                Ok(None) => {}
                Ok(Some(bytes)) => drop(found.insert(number - first(bundle), bytes)),
                Err(error) if cannot_be_read(&error) => self.cannot_read(),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(bundle::mended(|number| found.get(&i64::try_from(number).ok()?).cloned()))
    }
}

/// The parts that these pieces hold, together; `None` where one is missing or wrong.
fn read(connection: &Connection, bundle: i64, wanted: &Range<usize>) -> rusqlite::Result<Option<Vec<u8>>> {
    let mut statement =
        connection.prepare_cached("SELECT bytes FROM piece WHERE number BETWEEN ?1 AND ?2 ORDER BY number")?;
    let mut rows = statement.query([number(bundle, wanted.start), number(bundle, wanted.end - 1)])?;
    let (mut parts, mut count) = (Vec::with_capacity(wanted.len() * bundle::PIECE), 0);
    while let Some(row) = rows.next()? {
        match bundle::sound(row.get_ref(0)?.as_blob()?) {
            Some((_, part)) => parts.extend_from_slice(part),
            None => return Ok(None),
        }
        count += 1;
    }
    Ok((count == wanted.len()).then_some(parts))
}

/// Whether it was a page that failed.
fn cannot_be_read(error: &rusqlite::Error) -> bool {
    match error.sqlite_error_code() {
        Some(code) => matches!(code, ErrorCode::DatabaseCorrupt | ErrorCode::SystemIoFailure),
        None => true,
    }
}

fn first(bundle: i64) -> i64 {
    bundle.saturating_mul(NUMBERS)
}

/// The number of this piece of a bundle.
fn number(bundle: i64, piece: usize) -> i64 {
    first(bundle).saturating_add(i64::try_from(piece).map_or(NUMBERS - 1, |piece| piece.min(NUMBERS - 1)))
}

fn span(bundle: i64) -> [i64; 2] {
    [first(bundle), first(bundle).saturating_add(NUMBERS - 1)]
}

/// SQLite takes a transaction back in which a page could not be read, and what follows would stand by itself.
fn still_open(transaction: &Transaction<'_>) -> Result<()> {
    match transaction.is_autocommit() {
        true => Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_IOERR), None).into()),
        false => Ok(()),
    }
}

/// Writes a bundle; answers its number. Its members are entered by the caller, in the same transaction.
pub(super) fn store(transaction: &Transaction<'_>, bundle: &Bundle) -> Result<i64> {
    let bundle_number: i64 = transaction
        .prepare_cached("SELECT max(coalesce(max(number) / 4096, 0) + 1, 1) FROM piece")?
        .query_row([], |row| row.get(0))?;
    if bundle_number >= i64::MAX / NUMBERS {
        return Err(ArchiveError::TooLarge("more bundles than there are numbers"));
    }
    let mut write = transaction.prepare_cached("INSERT INTO piece (number, bytes) VALUES (?1, ?2)")?;
    for (at, piece) in bundle.pieces().enumerate() {
        write.execute(params![number(bundle_number, at), piece])?;
    }
    tracing::trace!(phase = "bundle half written");
    for (at, piece) in (bundle::PIECES..).zip(bundle.spare()) {
        write.execute(params![number(bundle_number, at), piece])?;
    }
    tracing::trace!(phase = "bundle without members");
    Ok(bundle_number)
}

/// The bundles that these originals are in.
pub(super) fn of(transaction: &Transaction<'_>, originals: impl IntoIterator<Item = i64>) -> Result<BTreeSet<i64>> {
    let mut statement = transaction.prepare_cached("SELECT bundle FROM body WHERE original = ?1")?;
    let mut bundles = BTreeSet::new();
    for original in originals {
        bundles.extend(statement.query_row([original], |row| row.get::<_, Option<i64>>(0)).optional()?.flatten());
    }
    Ok(bundles)
}

/// The members of these bundles as the table has them. Not by its index, of which one bit may leave one out.
fn standing(transaction: &Transaction<'_>, bundles: &BTreeSet<i64>) -> Result<BTreeMap<i64, Vec<i64>>> {
    let mut statement = transaction
        .prepare_cached("SELECT bundle, original FROM body NOT INDEXED WHERE bundle IS NOT NULL ORDER BY original")?;
    let mut rows = statement.query([])?;
    let mut members: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let bundle = row.get(0)?;
        if bundles.contains(&bundle) {
            members.entry(bundle).or_default().push(row.get(1)?);
        }
    }
    Ok(members)
}

/// The members of a bundle by the index.
fn indexed(transaction: &Transaction<'_>, bundle: i64) -> Result<Vec<i64>> {
    let mut statement = transaction
        .prepare_cached("SELECT original FROM body INDEXED BY body_bundle WHERE bundle = ?1 ORDER BY original")?;
    Ok(statement.query_map([bundle], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}

/// Originals with their hashes, and their bytes in the same order.
type Sound = (Vec<(i64, Digest)>, Vec<Vec<u8>>);

/// These members of a bundle, if each of them is what was stored.
fn sound(transaction: &Transaction<'_>, bundle: i64, members: &[i64]) -> Result<Option<Sound>> {
    let mut statement = transaction.prepare_cached(
        "SELECT sha256, octets, bytes FROM body JOIN original ON original.id = body.original WHERE body.original = ?1",
    )?;
    let (mut reader, mut ids, mut originals) = (Reader::default(), Vec::new(), Vec::new());
    for &member in members {
        let row =
            statement.query_row([member], |row| Ok((row.get(0)?, uncount(row.get(1)?), row.get(2)?))).optional()?;
        let Some((digest, octets, stored)): Option<(Digest, u64, Vec<u8>)> = row else { return Ok(None) };
        match reader.original(transaction, bundle, &stored, octets)? {
            Some(bytes) if Digest::of(&bytes) == digest => originals.push(bytes),
            _ => return Ok(None),
        }
        ids.push((member, digest));
    }
    Ok(Some((ids, originals)))
}

/// Packs these bundles anew with those of their members that still stand on them, so that nothing is left of the others.
/// To be called with what is deleted overwritten in the file.
///
/// A bundle in which a member rotted stays as it is, with what it holds of those that went: it goes when all of them are
/// mended or erased. So does one of which it is not certain who its members are, and one that holds the only copy of an
/// original to which nothing leads any more: [`within`] finds it there.
pub(super) fn renew(transaction: &Transaction<'_>, bundles: &BTreeSet<i64>) -> Result<()> {
    if bundles.is_empty() {
        return Ok(());
    }
    let mut standing = standing(transaction, bundles)?;
    rewriting(transaction, || {
        bundles
            .iter()
            .try_for_each(|bundle| renew_one(transaction, *bundle, standing.remove(bundle).unwrap_or_default()))
    })
}

/// Packs one bundle anew that has these members by the table, with a row in `rewriting`.
fn renew_one(transaction: &Transaction<'_>, bundle: i64, members: Vec<i64>) -> Result<()> {
    if members != indexed(transaction, bundle)? {
        return Ok(());
    }
    let sound = sound(transaction, bundle, &members)?;
    still_open(transaction)?;
    if let Some((ids, originals)) = sound
        && !holds_lost(transaction, bundle, &ids)?
    {
        put(transaction, &ids, &originals)?;
        transaction.prepare_cached("DELETE FROM piece WHERE number BETWEEN ?1 AND ?2")?.execute(span(bundle))?;
        tracing::trace!(phase = "bundle renewed");
    }
    Ok(())
}

/// Runs `work` with the triggers off that guard the bytes of originals.
pub(super) fn rewriting<T>(transaction: &Transaction<'_>, work: impl FnOnce() -> Result<T>) -> Result<T> {
    transaction.execute("INSERT INTO rewriting (yes) VALUES (1)", [])?;
    let done = work();
    transaction.execute("DELETE FROM rewriting", [])?;
    done
}

/// Whether a bundle holds, beside these members, an original that is not to be had where the tables say it is.
fn holds_lost(transaction: &Transaction<'_>, bundle: i64, members: &[(i64, Digest)]) -> Result<bool> {
    let known: HashSet<Digest> = members.iter().map(|(_, digest)| *digest).collect();
    let mut original = transaction.prepare_cached("SELECT id FROM original WHERE sha256 = ?1")?;
    for (digest, _) in within(transaction, bundle, |digest| !known.contains(&digest))? {
        let Some(id) = original.query_row([digest], |row| row.get(0)).optional()? else { continue };
        let read = original::bytes_by(transaction, id, &mut Reader::default())?;
        if read.is_none_or(|read| Digest::of(&read) != digest) {
            return Ok(true);
        }
    }
    still_open(transaction)?;
    Ok(false)
}

/// Puts these bytes in the place of what is stored of originals, in bundles or, where they are not worth one, by
/// themselves; and reads each back. With a row in `rewriting`. Answers how many octets are stored.
pub(super) fn put(transaction: &Transaction<'_>, ids: &[(i64, Digest)], originals: &[Vec<u8>]) -> Result<u64> {
    let mut octets = 0;
    let mut replace =
        transaction.prepare_cached("UPDATE body SET codec = ?2, bytes = ?3, bundle = ?4 WHERE original = ?1")?;
    let slices: Vec<&[u8]> = originals.iter().map(Vec::as_slice).collect();
    let bundles = if are_safe(transaction)? { packed(&slices) } else { None };
    match bundles {
        Some(bundles) => {
            let mut next = ids.iter();
            for bundle in &bundles {
                let number = store(transaction, bundle)?;
                octets += bundle.octets();
                for (member, (original, _)) in (0..bundle.members).zip(&mut next) {
                    replace.execute(params![original, codec::BUNDLED, codec::member(member, bundle.stamp), number])?;
                }
            }
        }
        None => {
            let mut packer = Packer::new().map_err(|_| ArchiveError::TooLarge("the memory that there is"))?;
            for ((original, _), bytes) in ids.iter().zip(&slices) {
                let (codec, stored) = packer.encode(bytes);
                octets += stored.len();
                replace.execute(params![original, codec, stored, None::<i64>])?;
            }
        }
    }
    tracing::trace!(phase = "bytes replaced");
    let mut reader = Reader::default();
    for (original, digest) in ids {
        let read = original::bytes_by(transaction, *original, &mut reader)?;
        if read.is_none_or(|read| Digest::of(&read) != *digest) || !reader.mended.is_empty() {
            return Err(ArchiveError::NotDurable {
                setting: "the bytes of a message",
                found: "not what was written".to_owned(),
            });
        }
    }
    Ok(octets as u64)
}

/// Whether mail may be bundled in this file: where each piece fills a page. In smaller pages, which earlier versions made,
/// the beginnings of many pieces share one, and when that rots the bundle is lost.
pub(super) fn are_safe(connection: &Connection) -> Result<bool> {
    Ok(connection.pragma_query_value(None, "page_size", |row| Ok(row.get::<_, i64>(0)? == PAGE))?)
}

/// These originals in bundles, if that is worth it and all of them come back.
pub(super) fn packed(originals: &[&[u8]]) -> Option<Vec<Bundle>> {
    let octets: usize = originals.iter().map(|original| original.len()).sum();
    (octets >= LEAST && originals.len() > 1).then(|| bundle::pack(originals)).flatten()
}

/// Writes the pieces of a bundle anew that are missing or not what was stored, out of the others; answers how many.
pub(super) fn mend(transaction: &Transaction<'_>, bundle: i64) -> Result<u64> {
    let mut reader = Reader::default();
    let all = reader.all(transaction, bundle)?;
    still_open(transaction)?;
    if reader.unreadable || all.is_empty() {
        // Where SQLite cannot read a page it cannot write one either.
        return Ok(0);
    }
    let spares = all.len().saturating_sub(bundle::SPARE);
    rewriting(transaction, || {
        let mut written = 0;
        for (at, piece) in all.iter().enumerate() {
            let Some(piece) = piece else { continue };
            let place = if at < spares { at } else { bundle::PIECES + at - spares };
            written += transaction
                .prepare_cached(
                    "INSERT INTO piece (number, bytes) VALUES (?1, ?2)
                 ON CONFLICT (number) DO UPDATE SET bytes = ?2 WHERE bytes <> ?2",
                )?
                .execute(params![number(bundle, place), piece])? as u64;
        }
        if all.iter().all(Option::is_some) {
            // A piece whose number rotted stands where none is.
            transaction
                .prepare_cached("DELETE FROM piece WHERE number >= ?1 AND number < ?2")?
                .execute([number(bundle, spares), number(bundle, bundle::PIECES)])?;
        }
        Ok(written)
    })
}

/// The bundles that there are, by the originals in them.
pub(super) fn every(connection: &Connection) -> Result<Vec<i64>> {
    let mut statement = connection.prepare("SELECT DISTINCT bundle FROM body WHERE bundle IS NOT NULL")?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The bundles that there are, by their pieces.
pub(super) fn all(connection: &Connection) -> Result<Vec<i64>> {
    let mut statement = connection.prepare("SELECT DISTINCT number / 4096 FROM piece")?;
    Ok(statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}

/// What a bundle holds of these originals, whatever the tables say of its members.
pub(super) fn within(
    connection: &Connection,
    bundle: i64,
    wanted: impl Fn(Digest) -> bool,
) -> Result<Vec<(Digest, Vec<u8>)>> {
    let (mut reader, mut found) = (Reader::default(), Vec::new());
    let Some(opened) = reader.front(connection, bundle)? else { return Ok(found) };
    for member in 0..opened.members() {
        let (Some(base64), Some(octets)) = (opened.base64(member), opened.octets(member)) else { continue };
        let Some(base64) = reader.content(connection, bundle, &base64)? else { continue };
        let Some(bytes) = opened.member(member, &base64, octets) else { continue };
        let digest = Digest::of(&bytes);
        if wanted(digest) {
            found.push((digest, bytes));
        }
    }
    Ok(found)
}

/// Whether a bundle is there, without reading it.
pub(super) fn exists(connection: &Connection, bundle: i64) -> Result<bool> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM piece WHERE number BETWEEN ?1 AND ?2 LIMIT 1")?;
    Ok(statement.exists(span(bundle))?)
}

/// Whether every piece of a bundle is in its place and what was stored, those to spare too. Or it is gone with its members.
pub(super) fn is_whole(connection: &Connection, bundle: i64) -> Result<bool> {
    original::at_once(connection, || {
        let mut statement = connection
            .prepare_cached("SELECT number, bytes FROM piece WHERE number BETWEEN ?1 AND ?2 ORDER BY number")?;
        let mut rows = statement.query(span(bundle))?;
        let (mut place, mut count) = (0, None);
        while let Some(row) = rows.next()? {
            let piece = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
            let Some((of, _)) = bundle::sound(piece) else { return Ok(false) };
            let expected = if place < of { place } else { bundle::PIECES + place - of };
            if *count.get_or_insert(of) != of || row.get::<_, i64>(0)? != number(bundle, expected) {
                return Ok(false);
            }
            place += 1;
        }
        match count {
            Some(count) => Ok(place == count + bundle::SPARE),
            None => Ok(!connection.prepare_cached("SELECT 1 FROM body WHERE bundle = ?1")?.exists([bundle])?),
        }
    })
}
