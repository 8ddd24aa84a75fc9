//! Putting an original's bytes in the place of the same bytes: in a bundle where they lay by themselves, or whole where
//! they rotted. Here, and in [`bundles::renew`], rows of `body` are changed, and nowhere else.
//!
//! Nothing is replaced but by bytes that hash to what was stored when the message came: they are compared before the
//! transaction, and again as they stand in it before it commits. Cut off at any point, the old bytes stand there or the
//! new ones.

use std::collections::{BTreeSet, HashMap};

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::codec;
use super::columns::{count, uncount};
use super::error::{ArchiveError, Result};
use super::{Archive, bundles, erase, original};
use crate::account::{Digest, MessageId};
use crate::job::{Cancel, Progress, Report, unless_cancelled};

/// Originals, and octets of them, that are packed in one transaction.
const BATCH: usize = 4096;
const BATCH_OCTETS: u64 = 8 << 20;
/// The setting that holds up to which original mail was bundled that had come by itself.
const BUNDLED_TO: &str = "bundled-to";
/// Originals that are in bundles already, or too large for one, after which that is written down.
const PASSED: i64 = 1_000;

/// What packing anew what was stored by itself came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repacked {
    /// Originals that are stored shorter now.
    pub originals: u64,
    /// Octets of the file that this frees.
    pub freed: u64,
}

/// An original that lies by itself.
#[derive(Clone, Copy)]
struct Alone {
    original: i64,
    digest: Digest,
    octets: u64,
    as_received: bool,
    stored: u64,
}

impl Archive {
    /// Packs what lies by itself: in bundles, and what is too large or too little for one, where an older program stored
    /// it as received, each by itself. What does not hash to what was stored is left as it is.
    ///
    /// # Errors
    /// [`ArchiveError::Cancelled`]: what was packed until then stays so.
    pub fn repack(&self, cancel: &Cancel, report: Report<'_>) -> Result<Repacked> {
        self.may_write()?;
        let total = self.read(|mail| {
            Ok(mail.query_row("SELECT count(*) FROM body WHERE bundle IS NULL", [], |row| row.get::<_, i64>(0))?)
        })?;
        let mut progress = Progress::of(0, uncount(total));
        let (mut repacked, mut after) = (Repacked::default(), 0);
        loop {
            unless_cancelled(cancel)?;
            let (batch, looked_at) = self.alone(after)?;
            let Some(last) = looked_at else { break };
            after = last;
            progress.done += batch.len() as u64;
            self.bundle(batch, &mut repacked)?;
            report(progress);
        }
        Ok(repacked)
    }

    /// Packs a bundle's worth of mail that was fetched and lies by itself, if there is so much; answers whether. For when
    /// nothing else is being done.
    pub(super) fn bundle_a_little(&self) -> Result<bool> {
        if !self.read(|mail| bundles::are_safe(mail))? {
            return Ok(false);
        }
        let after = self.read(|mail| {
            let mut statement = mail.prepare_cached("SELECT value FROM setting WHERE key = ?1")?;
            let text: Option<String> = statement.query_row([BUNDLED_TO], |row| row.get(0)).optional()?;
            Ok(text.and_then(|text| text.parse().ok()).unwrap_or(0))
        })?;
        let (batch, looked_at) = self.alone(after)?;
        let Some(last) = looked_at else { return Ok(false) };
        let is_enough = batch.len() >= BATCH || batch.iter().map(|alone| alone.octets).sum::<u64>() >= BATCH_OCTETS;
        // What is still too little is looked at again.
        let to = if is_enough { last } else { batch.first().map_or(last, |first| first.original - 1) };
        if is_enough && !self.bundle(batch, &mut Repacked::default())? {
            return Ok(true);
        }
        if is_enough || to >= after.saturating_add(PASSED) {
            self.write(|transaction| {
                transaction
                    .prepare_cached(
                        "INSERT INTO setting (key, value) VALUES (?1, ?2)
                         ON CONFLICT (key) DO UPDATE SET value = ?2",
                    )?
                    .execute(params![BUNDLED_TO, to.to_string()])?;
                Ok(())
            })?;
        }
        Ok(is_enough)
    }

    /// The next originals that lie by themselves and can be packed, and the last one that was looked at; `None`: there
    /// are no more.
    fn alone(&self, after: i64) -> Result<(Vec<Alone>, Option<i64>)> {
        self.read(|mail| {
            let mut statement = mail.prepare_cached(
                "SELECT body.original, sha256, octets, codec, length(bytes) FROM body
                 JOIN original ON original.id = body.original
                 WHERE bundle IS NULL AND body.original > ?1 ORDER BY body.original",
            )?;
            let mut rows = statement.query([after])?;
            let (mut batch, mut octets, mut last) = (Vec::new(), 0, None);
            while let Some(row) = rows.next()? {
                let as_received = row.get::<_, i64>(3)? == codec::AS_RECEIVED;
                let alone = Alone {
                    original: row.get(0)?,
                    digest: row.get(1)?,
                    octets: uncount(row.get(2)?),
                    as_received,
                    stored: uncount(row.get(4)?),
                };
                last = Some(alone.original);
                if alone.octets < bundles::LARGE as u64 || as_received {
                    octets += alone.octets;
                    batch.push(alone);
                }
                if octets >= BATCH_OCTETS || batch.len() >= BATCH {
                    break;
                }
            }
            Ok((batch, last))
        })
    }

    /// Packs those of a batch that are sound and not packed as well as they can be. `false`: some were erased or packed by
    /// another meanwhile, so they stay as they are.
    fn bundle(&self, batch: Vec<Alone>, repacked: &mut Repacked) -> Result<bool> {
        let (mut together, mut single) = (Packable::default(), Packable::default());
        for alone in batch {
            let bytes = match self.read(|mail| original::bytes(mail, alone.original)) {
                Ok(Some(bytes)) if Digest::of(&bytes) == alone.digest => bytes,
                Ok(_) | Err(ArchiveError::Damaged { .. }) => continue,
                Err(error) => return Err(error),
            };
            let packable = if alone.octets < bundles::LARGE as u64 { &mut together } else { &mut single };
            packable.push(alone, bytes);
        }
        let are_safe = self.read(|mail| bundles::are_safe(mail))?;
        if !are_safe || together.octets() < bundles::LEAST as u64 || together.of.len() < 2 {
            // No bundle: what is packed already stays as it is.
            together.retain_as_received();
        }
        for Packable { of, bytes } in [together, single] {
            if of.is_empty() {
                continue;
            }
            let ids: Vec<(i64, Digest)> = of.iter().map(|alone| (alone.original, alone.digest)).collect();
            let stored: u64 = of.iter().map(|alone| alone.stored).sum();
            let now = self.write(|transaction| {
                if !are_alone(transaction, &ids)? {
                    return Ok(None);
                }
                let put = || bundles::rewriting(transaction, || bundles::put(transaction, &ids, &bytes));
                erase::overwriting(transaction, put).map(Some)
            })?;
            let Some(now) = now else { return Ok(false) };
            repacked.originals += if now < stored { ids.len() as u64 } else { 0 };
            repacked.freed += stored.saturating_sub(now);
        }
        Ok(true)
    }

    /// Puts back those of these originals that a bundle still holds, where what leads to them rotted and they did not. They
    /// are taken out of `damaged`, with their messages for an answer.
    pub(crate) fn mend_out_of_bundles(
        &self,
        damaged: &mut HashMap<Digest, Vec<MessageId>>,
        cancel: &Cancel,
    ) -> Result<Vec<MessageId>> {
        let mut mended = Vec::new();
        for bundle in self.read(|mail| bundles::all(mail))? {
            unless_cancelled(cancel)?;
            if damaged.is_empty() {
                break;
            }
            let found = self.read(|mail| bundles::within(mail, bundle, |digest| damaged.contains_key(&digest)))?;
            for (digest, bytes) in &found {
                if self.mend(*digest, bytes)? {
                    mended.extend(damaged.remove(digest).unwrap_or_default());
                }
            }
            if !found.is_empty() {
                // They lie by themselves now; should they be erased, nothing of them is to be left there.
                let this = BTreeSet::from([bundle]);
                self.write(|transaction| erase::overwriting(transaction, || bundles::renew(transaction, &this)))?;
            }
        }
        Ok(mended)
    }

    /// Puts these bytes in the place of an original that rotted or is missing: only where they hash to what was stored
    /// then. `false`: they do not, or no message of this hash is here.
    pub(crate) fn mend(&self, digest: Digest, bytes: &[u8]) -> Result<bool> {
        if Digest::of(bytes) != digest {
            return Ok(false);
        }
        self.write(|transaction| {
            let here = transaction
                .query_row(
                    "SELECT id FROM original WHERE sha256 = ?1 AND octets = ?2",
                    params![digest, count(bytes.len() as u64)],
                    |row| row.get(0),
                )
                .optional()?;
            let Some(original) = here else { return Ok(false) };
            transaction.execute(
                "INSERT INTO body (original, codec, bytes) VALUES (?1, 0, x'') ON CONFLICT DO NOTHING",
                [original],
            )?;
            let bundles = bundles::of(transaction, [original])?;
            erase::overwriting(transaction, || {
                bundles::rewriting(transaction, || {
                    bundles::put(transaction, &[(original, digest)], &[bytes.to_vec()])
                })?;
                bundles::renew(transaction, &bundles)
            })?;
            transaction.execute("DELETE FROM damage WHERE original = ?1", [original])?;
            Ok(true)
        })
    }
}

/// What can be packed together.
#[derive(Default)]
struct Packable {
    of: Vec<Alone>,
    bytes: Vec<Vec<u8>>,
}

impl Packable {
    fn push(&mut self, alone: Alone, bytes: Vec<u8>) {
        self.of.push(alone);
        self.bytes.push(bytes);
    }

    fn octets(&self) -> u64 {
        self.of.iter().map(|alone| alone.octets).sum()
    }

    fn retain_as_received(&mut self) {
        let both = std::mem::take(&mut self.of).into_iter().zip(std::mem::take(&mut self.bytes));
        (self.of, self.bytes) = both.filter(|(alone, _)| alone.as_received).unzip();
    }
}

/// Whether all of these still lie by themselves.
fn are_alone(transaction: &Transaction<'_>, ids: &[(i64, Digest)]) -> Result<bool> {
    let mut alone = transaction.prepare_cached("SELECT 1 FROM body WHERE original = ?1 AND bundle IS NULL")?;
    for (original, _) in ids {
        if !alone.exists([original])? {
            return Ok(false);
        }
    }
    Ok(true)
}
