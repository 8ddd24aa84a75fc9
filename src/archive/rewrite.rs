//! Putting an original's bytes in the place of the same bytes: packed where they were stored as received, or whole where
//! they rotted. The one place that changes a row of `body`.
//!
//! Nothing is replaced but by bytes that hash to what was stored when the message came: they are compared before the
//! transaction, and again as they stand in it before it commits. Cut off at any point, the old bytes stand there or the
//! new ones.

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::codec::{self, Packer};
use super::columns::count;
use super::error::{ArchiveError, Result};
use super::{Archive, erase, original};
use crate::account::Digest;
use crate::job::{Cancel, Progress, Report, unless_cancelled};

/// Originals and octets of them in one transaction.
const BATCH: usize = 100;
const BATCH_OCTETS: u64 = 8 << 20;

/// What packing anew what was stored as received came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repacked {
    /// Originals that are stored packed now.
    pub originals: u64,
    /// Octets of the file that this frees.
    pub freed: u64,
}

/// An original as it will stand there.
struct Coded {
    original: i64,
    digest: Digest,
    codec: i64,
    bytes: Vec<u8>,
}

impl Archive {
    /// Packs what an older program stored as received. What does not hash to what was stored is left as it is.
    ///
    /// # Errors
    /// [`ArchiveError::Cancelled`]: what was packed until then stays so.
    pub fn repack(&self, cancel: &Cancel, report: Report<'_>) -> Result<Repacked> {
        self.may_write()?;
        let total = self.read(|mail| {
            Ok(mail.query_row("SELECT count(*) FROM body WHERE codec = 0", [], |row| row.get::<_, i64>(0))?)
        })?;
        let mut progress = Progress::of(0, super::columns::uncount(total));
        let (mut repacked, mut after) = (Repacked::default(), 0);
        let mut packer = Packer::new().map_err(|error| ArchiveError::io(self.folder(), error))?;
        while let Some(batch) = self.as_received(after)? {
            unless_cancelled(cancel)?;
            after = batch.last().map_or(after, |(original, _)| *original);
            progress.done += batch.len() as u64;
            let coded = self.coded(&batch, &mut packer, &mut repacked)?;
            self.write(|transaction| erase::overwriting(transaction, || replace_all(transaction, &coded)))?;
            repacked.originals += coded.len() as u64;
            report(progress);
        }
        Ok(repacked)
    }

    /// The next originals that are stored as received, with their hashes; `None`: no more.
    fn as_received(&self, after: i64) -> Result<Option<Vec<(i64, Digest)>>> {
        self.read(|mail| {
            let mut statement = mail.prepare_cached(
                "SELECT body.original, sha256, octets FROM body JOIN original ON original.id = body.original
                 WHERE body.codec = 0 AND body.original > ?1 ORDER BY body.original LIMIT ?2",
            )?;
            let mut rows = statement.query(params![after, count(BATCH as u64)])?;
            let (mut batch, mut octets) = (Vec::new(), 0);
            while let Some(row) = rows.next()? {
                octets += super::columns::uncount(row.get(2)?);
                batch.push((row.get(0)?, row.get(1)?));
                if octets > BATCH_OCTETS {
                    break;
                }
            }
            Ok(if batch.is_empty() { None } else { Some(batch) })
        })
    }

    /// Those of a batch that are sound and get shorter.
    fn coded(&self, batch: &[(i64, Digest)], packer: &mut Packer, repacked: &mut Repacked) -> Result<Vec<Coded>> {
        let mut all = Vec::new();
        for &(original, digest) in batch {
            let bytes = match self.read(|mail| original::bytes(mail, original)) {
                Ok(Some(bytes)) if Digest::of(&bytes) == digest => bytes,
                Ok(_) | Err(ArchiveError::Damaged { .. }) => continue,
                Err(error) => return Err(error),
            };
            let (codec, packed) = packer.encode(&bytes);
            if codec != codec::AS_RECEIVED {
                repacked.freed += (bytes.len() - packed.len()) as u64;
                all.push(Coded { original, digest, codec, bytes: packed.into_owned() });
            }
        }
        Ok(all)
    }

    /// Puts these bytes in the place of an original that rotted or is missing: only where they hash to what was stored
    /// then. `false`: they do not, or no message of this hash is here.
    pub(crate) fn mend(&self, digest: Digest, bytes: &[u8]) -> Result<bool> {
        if Digest::of(bytes) != digest {
            return Ok(false);
        }
        let mut packer = Packer::new().map_err(|error| ArchiveError::io(self.folder(), error))?;
        let (codec, packed) = packer.encode(bytes);
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
            let coded = Coded { original, digest, codec, bytes: packed.into_owned() };
            erase::overwriting(transaction, || replace_all(transaction, &[coded]))?;
            transaction.execute("DELETE FROM damage WHERE original = ?1", [original])?;
            Ok(true)
        })
    }
}

/// Replaces the bytes of originals, with the trigger off that guards them, and reads each back.
fn replace_all(transaction: &Transaction<'_>, all: &[Coded]) -> Result<()> {
    transaction.execute("INSERT INTO rewriting (yes) VALUES (1)", [])?;
    for Coded { original, digest, codec, bytes } in all {
        let replaced = transaction
            .prepare_cached("UPDATE body SET codec = ?2, bytes = ?3 WHERE original = ?1")?
            .execute(params![original, codec, bytes])?;
        tracing::trace!(phase = "bytes replaced");
        // Erased meanwhile: then there is nothing to be read back.
        let read = original::bytes(transaction, *original)?;
        if replaced == 1 && read.is_none_or(|read| Digest::of(&read) != *digest) {
            return Err(ArchiveError::NotDurable {
                setting: "the bytes of a message",
                found: "not what was written".to_owned(),
            });
        }
    }
    transaction.execute("DELETE FROM rewriting", [])?;
    Ok(())
}
