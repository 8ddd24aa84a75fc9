//! Storing messages: the exact bytes, deduplicated, together with their ledger rows, in one durable transaction.
//!
//! Two keys (DESIGN: identity). The exact one, SHA-256, decides what is the same message; the likeness recognises a mail
//! that came by another way and only decides what is shown. No parser runs here but the one of header field names in
//! [`message::likeness`], and that outside of the transaction.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use sha2::Digest as _;

use super::codec::bundle::Bundle;
use super::codec::{self, Packer};
use super::columns::{count, micros};
use super::error::{ArchiveError, Result};
use super::{Archive, Incoming, Ingested, MaildropId, Marks, Origin, SessionId, SortKey, bin, bundles, erase, health};
use crate::account::{AccountId, Digest, MessageId, Uidl};
use crate::message;

/// An [`Incoming`] with its two keys, and its bytes as they will be stored.
struct Keyed {
    from: Origin,
    arrived: Timestamp,
    marks: Marks,
    exact: Digest,
    likeness: Digest,
    /// By the rule that earlier versions stored it by, where that is another: mail that they stored is found by it.
    first_likeness: Option<Digest>,
    /// Of the original.
    octets: u64,
    codec: i64,
    stored: Vec<u8>,
    /// The bundle that it is in, by its place among those of the batch and then by its number.
    bundle: Option<i64>,
    here: Here,
}

impl Keyed {
    /// `exact` is the hash of its bytes; to be stored as received.
    fn of(incoming: Incoming, exact: Digest) -> Keyed {
        let Incoming { bytes, arrived, marks, from } = incoming;
        let ((likeness, first_likeness), octets) = (message::likenesses_given(&bytes, exact), bytes.len() as u64);
        let (codec, stored, bundle, here) = (codec::AS_RECEIVED, bytes, None, Here::No);
        Keyed { from, arrived, marks, exact, likeness, first_likeness, octets, codec, stored, bundle, here }
    }

    /// Packs it by itself.
    fn pack(&mut self, packer: &mut Packer) {
        if let (codec, Cow::Owned(packed)) = packer.encode(&self.stored) {
            (self.codec, self.stored) = (codec, packed);
        }
    }

    /// What a server gives is committed often and lies by itself at first: its bytes are read back at once, alone.
    fn may_be_bundled(&self) -> bool {
        self.here == Here::No && self.stored.len() < bundles::LARGE && !matches!(self.from, Origin::Maildrop { .. })
    }

    /// Every key of likeness that the same mail may have here.
    fn likenesses(&self) -> impl Iterator<Item = Digest> {
        std::iter::once(self.likeness).chain(self.first_likeness)
    }
}

/// Where in which ledger a message of a maildrop belongs.
struct Place<'a> {
    session: SessionId,
    maildrop: MaildropId,
    account: AccountId,
    uidl: &'a Uidl,
    ordinal: u32,
    octets: Option<u64>,
}

impl Archive {
    /// Stores a batch durably: when it returns, the bytes, their message rows and their ledger rows are committed with
    /// `synchronous=FULL` in one transaction, or none is. Answers in the order of the batch.
    ///
    /// From a maildrop, these very bytes in the same account (or imported, nobody's yet: then adopted) are the same
    /// message, unless another ledger row that this session has seen claims it: two identical mails in one listing are
    /// two mails. The same rule holds for twins. From a file, the bytes or the likeness of any message are the same.
    pub fn ingest(&self, batch: Vec<Incoming>) -> Result<Vec<Ingested>> {
        self.may_write()?;
        let mut batch = self.keyed(batch)?;
        let bundles = pack(&mut batch, self.read(|mail| bundles::are_safe(mail))?);
        tracing::trace!(phase = "batch hashed");
        self.write(|transaction| {
            let numbers: Vec<i64> =
                bundles.iter().map(|bundle| bundles::store(transaction, bundle)).collect::<Result<_>>()?;
            for keyed in &mut batch {
                let number = keyed.bundle.and_then(|place| numbers.get(usize::try_from(place).ok()?));
                keyed.bundle = number.copied();
            }
            let ingested = batch.iter().map(|keyed| ingest_one(transaction, keyed)).collect::<Result<_>>()?;
            leave_out(transaction, &bundles, &numbers)?;
            Ok(ingested)
        })
    }

    /// Hashes, and looks for what is here already, which is not stored again.
    ///
    /// But where what is here is known to have rotted, these bytes take its place: whoever is told that a message is here
    /// already may throw the file away that it came from.
    fn keyed(&self, batch: Vec<Incoming>) -> Result<Vec<Keyed>> {
        let (mut keyed, cuts): (Vec<Keyed>, Vec<Option<Cut>>) = batch
            .into_iter()
            .map(|incoming| {
                let (exact, cut) = hashes(&incoming);
                (Keyed::of(incoming, exact), cut)
            })
            .unzip();
        self.read(|mail| {
            // One for all, and short: the journal does not grow for it.
            let moment = mail.transaction()?;
            keyed.iter_mut().zip(cuts).try_for_each(|(keyed, cut)| look_at(&moment, keyed, cut))
        })?;
        for rotten in keyed.iter().filter(|keyed| keyed.here == Here::Rotten) {
            self.mend(rotten.exact, &rotten.stored)?;
        }
        Ok(keyed)
    }
}

/// Packs what is new: in bundles where they are safe and worth it, and else each by itself.
fn pack(batch: &mut [Keyed], are_safe: bool) -> Vec<Bundle> {
    let mut known = HashSet::new();
    let may = |keyed: &Keyed| are_safe && keyed.may_be_bundled();
    let mut together: Vec<&mut Keyed> =
        batch.iter_mut().filter(|keyed| may(keyed) && known.insert(keyed.exact)).collect();
    let originals: Vec<&[u8]> = together.iter().map(|keyed| keyed.stored.as_slice()).collect();
    let bundles = bundles::packed(&originals).unwrap_or_default();
    let mut next = together.iter_mut();
    for (place, bundle) in (0..).zip(&bundles) {
        for (member, keyed) in (0..bundle.members).zip(&mut next) {
            keyed.codec = codec::BUNDLED;
            keyed.stored = codec::member(member, bundle.stamp);
            keyed.bundle = Some(place);
        }
    }
    if let Ok(mut packer) = Packer::new() {
        let alone = batch.iter_mut().filter(|keyed| keyed.here == Here::No && keyed.bundle.is_none());
        alone.for_each(|keyed| keyed.pack(&mut packer));
    }
    bundles
}

/// Packs those of new bundles anew in which something was packed that is not stored after all.
fn leave_out(transaction: &Transaction<'_>, bundles: &[Bundle], numbers: &[i64]) -> Result<()> {
    let mut standing = transaction.prepare_cached("SELECT count(*) FROM body WHERE bundle = ?1")?;
    let mut less = BTreeSet::new();
    for (bundle, number) in bundles.iter().zip(numbers) {
        if standing.query_row([number], |row| row.get::<_, i64>(0))? != count(bundle.members as u64) {
            less.insert(*number);
        }
    }
    erase::overwriting(transaction, || bundles::renew(transaction, &less))
}

/// Whether an original is here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Here {
    No,
    Yes,
    Rotten,
}

/// What an mbox holds, without the last line end that the format had to add.
#[derive(Clone, Copy)]
struct Cut {
    octets: usize,
    exact: Digest,
}

/// The hash of what comes, and of that without its last line end where it comes from an mbox: both for the work of one.
fn hashes(incoming: &Incoming) -> (Digest, Option<Cut>) {
    let bytes = &incoming.bytes;
    let without = bytes.strip_suffix(b"\n").map(|cut| cut.strip_suffix(b"\r").unwrap_or(cut));
    let Some(without) = without.filter(|_| incoming.from == Origin::Mbox) else { return (Digest::of(bytes), None) };
    let octets = without.len();
    let mut hash = sha2::Sha256::new_with_prefix(without);
    let cut = Cut { octets, exact: Digest(hash.clone().finalize().into()) };
    hash.update(bytes.get(octets..).unwrap_or_default());
    (Digest(hash.finalize().into()), Some(cut))
}

/// Whether what comes is here. What is cut is taken for it, if that is here and the whole is not.
fn look_at(mail: &Connection, keyed: &mut Keyed, cut: Option<Cut>) -> Result<()> {
    let Some(cut) = cut else {
        keyed.here = look(mail, keyed.exact)?;
        return Ok(());
    };
    // Most of what is imported is new: one question for both.
    let mut either = mail.prepare_cached("SELECT 1 FROM original WHERE sha256 IN (?1, ?2)")?;
    if !either.exists([keyed.exact, cut.exact])? {
        return Ok(());
    }
    keyed.here = look(mail, keyed.exact)?;
    if keyed.here == Here::No {
        keyed.here = look(mail, cut.exact)?;
        keyed.exact = cut.exact;
        keyed.stored.truncate(cut.octets);
        keyed.octets = cut.octets as u64;
        (keyed.likeness, keyed.first_likeness) = message::likenesses_given(&keyed.stored, cut.exact);
    }
    Ok(())
}

/// Looked at is what costs next to nothing: whether the daily reading or a check found it damaged, whether its bytes are
/// there, and in their length. Reading and hashing each message that is here already would make an import that is done
/// again as slow as the first; what rotted since the last reading is found by the next one, and mended by the next import.
fn look(mail: &Connection, exact: Digest) -> Result<Here> {
    let original: Option<(i64, i64, bool)> = mail
        .prepare_cached(
            "SELECT id, octets, EXISTS (SELECT 1 FROM damage WHERE original = id) FROM original WHERE sha256 = ?1",
        )?
        .query_row([exact], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((original, octets, damaged)) = original else { return Ok(Here::No) };
    // What cannot even be looked at is no good copy.
    let complete = !damaged && health::complete(mail, original, octets).unwrap_or(false);
    Ok(if complete { Here::Yes } else { Here::Rotten })
}

fn ingest_one(transaction: &Transaction<'_>, keyed: &Keyed) -> Result<Ingested> {
    match &keyed.from {
        Origin::Maildrop { session, maildrop, account, uidl, ordinal, octets } => {
            let place = Place {
                session: *session,
                maildrop: *maildrop,
                account: *account,
                uidl,
                ordinal: *ordinal,
                octets: *octets,
            };
            from_maildrop(transaction, keyed, &place)
        }
        Origin::File { account } => from_file(transaction, keyed, *account),
        Origin::Mbox => from_file(transaction, keyed, None),
        Origin::Backup => from_backup(transaction, keyed),
    }
}

fn from_maildrop(transaction: &Transaction<'_>, keyed: &Keyed, place: &Place<'_>) -> Result<Ingested> {
    let ingested = if let Some(id) = same_bytes(transaction, keyed, place)? {
        adopt(transaction, id, place.account)?;
        Ingested::AlreadyHere(id)
    } else if let Some(of) = same_likeness(transaction, keyed, place)? {
        adopt(transaction, of, place.account)?;
        let stored = store(transaction, keyed, Some(place.account), Some(of))?;
        Ingested::Twin { stored, of }
    } else {
        Ingested::Added(store(transaction, keyed, Some(place.account), None)?)
    };
    let (Ingested::Added(id) | Ingested::AlreadyHere(id) | Ingested::Twin { stored: id, .. }) = ingested;
    if !matches!(ingested, Ingested::AlreadyHere(_)) {
        bin::put_again(transaction, id, keyed.exact, keyed.arrived)?;
    }
    transaction
        .prepare_cached(
            "INSERT INTO ledger (maildrop, uidl, ordinal, message, state, octets, first_seen, last_seen, last_session)
             VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6, ?6, ?7)
             ON CONFLICT (maildrop, uidl, ordinal) DO UPDATE SET message = ?4, state = 1,
                 recognised = 0, octets = coalesce(?5, octets), last_seen = max(last_seen, ?6), last_session = ?7",
        )?
        .execute(params![
            place.maildrop.0,
            place.uidl,
            place.ordinal,
            id,
            place.octets.map(count),
            micros(keyed.arrived),
            place.session.0,
        ])?;
    Ok(ingested)
}

/// A message of these very bytes that this row of the ledger may point at: the one it pointed at before, else one of
/// the account, else an imported one.
///
/// `INDEXED BY`, here and below: by itself SQLite takes the primary key and walks the whole maildrop for each message.
fn same_bytes(transaction: &Transaction<'_>, keyed: &Keyed, place: &Place<'_>) -> Result<Option<MessageId>> {
    let found = transaction
        .prepare_cached(
            "SELECT message.id FROM original JOIN message ON message.original = original.id
             WHERE sha256 = ?1 AND (account = ?2 OR account IS NULL)
               AND NOT EXISTS (SELECT 1 FROM ledger INDEXED BY ledger_message WHERE ledger.message = message.id AND maildrop = ?3
                               AND last_session = ?4 AND NOT (uidl = ?5 AND ordinal = ?6))
             ORDER BY NOT EXISTS (SELECT 1 FROM ledger INDEXED BY ledger_message WHERE ledger.message = message.id AND maildrop = ?3
                                  AND uidl = ?5 AND ordinal = ?6),
                      account IS NULL, message.id
             LIMIT 1",
        )?
        .query_row(
            params![keyed.exact, place.account, place.maildrop.0, place.session.0, place.uidl, place.ordinal],
            |row| row.get(0),
        )
        .optional()?;
    Ok(found)
}

/// A shown message of other bytes and this likeness, claimed neither itself nor through another twin of it.
fn same_likeness(transaction: &Transaction<'_>, keyed: &Keyed, place: &Place<'_>) -> Result<Option<MessageId>> {
    first_of(keyed.likenesses(), |likeness| alike(transaction, likeness, keyed, place))
}

fn first_of(
    keys: impl Iterator<Item = Digest>,
    mut find: impl FnMut(Digest) -> Result<Option<MessageId>>,
) -> Result<Option<MessageId>> {
    for key in keys {
        if let Some(found) = find(key)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn alike(
    transaction: &Transaction<'_>,
    likeness: Digest,
    keyed: &Keyed,
    place: &Place<'_>,
) -> Result<Option<MessageId>> {
    let found = transaction
        .prepare_cached(
            "SELECT message.id FROM original JOIN message ON message.original = original.id
             WHERE likeness = ?1 AND sha256 <> ?2 AND twin_of IS NULL AND (account = ?3 OR account IS NULL)
               AND NOT EXISTS (SELECT 1 FROM ledger INDEXED BY ledger_message
                               WHERE ledger.message IN (SELECT message.id UNION ALL
                                                        SELECT twin.id FROM message AS twin
                                                        WHERE twin.twin_of = message.id)
                               AND maildrop = ?4 AND last_session = ?5 AND NOT (uidl = ?6 AND ordinal = ?7))
             ORDER BY account IS NULL, message.id LIMIT 1",
        )?
        .query_row(
            params![likeness, keyed.exact, place.account, place.maildrop.0, place.session.0, place.uidl, place.ordinal],
            |row| row.get(0),
        )
        .optional()?;
    Ok(found)
}

/// An imported message that a maildrop turns out to hold belongs to that account from now on.
pub(super) fn adopt(transaction: &Transaction<'_>, id: MessageId, account: AccountId) -> Result<()> {
    transaction
        .prepare_cached("UPDATE message SET account = ?2 WHERE id = ?1 AND account IS NULL")?
        .execute(params![id, account])?;
    Ok(())
}

fn from_file(transaction: &Transaction<'_>, keyed: &Keyed, account: Option<AccountId>) -> Result<Ingested> {
    // Of the same bytes the likeness is the same, too: what was not here, and came meanwhile, is found by it.
    let same = match keyed.here {
        Here::No => None,
        Here::Yes | Here::Rotten => anywhere(transaction, "sha256", keyed.exact)?,
    };
    let here = match same {
        Some(id) => Some(id),
        None => alike_anywhere(transaction, keyed)?,
    };
    if let Some(id) = here {
        // Whoever imports a message wants to have it, and what it was marked there it is here too.
        bin::take_out(transaction, id)?;
        add_marks(transaction, id, keyed.marks)?;
        return Ok(Ingested::AlreadyHere(id));
    }
    bin::wanted_again(transaction, keyed.exact)?;
    Ok(Ingested::Added(match keyed.here {
        // What was not here, and is no message's now, need not be looked for again.
        Here::No => store_on(transaction, keyed, None, account, None)?,
        Here::Yes | Here::Rotten => store(transaction, keyed, account, None)?,
    }))
}

/// Exactly what a backup held: stored unless these very bytes are here. A message of the same likeness stays the one
/// that is shown, until [`Archive::merge`] says otherwise.
fn from_backup(transaction: &Transaction<'_>, keyed: &Keyed) -> Result<Ingested> {
    if let Some(id) = anywhere(transaction, "sha256", keyed.exact)? {
        bin::take_out(transaction, id)?;
        return Ok(Ingested::AlreadyHere(id));
    }
    bin::wanted_again(transaction, keyed.exact)?;
    let of = alike_anywhere(transaction, keyed)?;
    let stored = store(transaction, keyed, None, of)?;
    Ok(of.map_or(Ingested::Added(stored), |of| Ingested::Twin { stored, of }))
}

fn alike_anywhere(transaction: &Transaction<'_>, keyed: &Keyed) -> Result<Option<MessageId>> {
    first_of(keyed.likenesses(), |likeness| anywhere(transaction, "likeness", likeness))
}

/// The shown message with this key, of any account.
fn anywhere(transaction: &Transaction<'_>, key: &'static str, digest: Digest) -> Result<Option<MessageId>> {
    let sql = format!(
        "SELECT coalesce(twin_of, message.id) FROM original JOIN message ON message.original = original.id
         WHERE {key} = ?1 ORDER BY twin_of IS NOT NULL, message.id LIMIT 1"
    );
    Ok(transaction.prepare_cached(&sql)?.query_row([digest], |row| row.get(0)).optional()?)
}

fn store(
    transaction: &Transaction<'_>,
    keyed: &Keyed,
    account: Option<AccountId>,
    twin_of: Option<MessageId>,
) -> Result<MessageId> {
    let original = transaction
        .prepare_cached("SELECT id FROM original WHERE sha256 = ?1")?
        .query_row([keyed.exact], |row| row.get(0))
        .optional()?;
    store_on(transaction, keyed, original, account, twin_of)
}

/// As [`store`], where it is known whether these bytes are here.
fn store_on(
    transaction: &Transaction<'_>,
    keyed: &Keyed,
    original: Option<i64>,
    account: Option<AccountId>,
    twin_of: Option<MessageId>,
) -> Result<MessageId> {
    let original = match original {
        Some(original) => original,
        None => store_original(transaction, keyed)?,
    };
    let id = store_message(transaction, original, account, micros(keyed.arrived), twin_of)?;
    tracing::trace!(phase = "message without ledger row");
    add_marks(transaction, id, keyed.marks)?;
    Ok(id)
}

fn store_original(transaction: &Transaction<'_>, keyed: &Keyed) -> Result<i64> {
    transaction
        .prepare_cached("INSERT INTO original (sha256, likeness, octets) VALUES (?1, ?2, ?3)")?
        .execute(params![keyed.exact, keyed.likeness, count(keyed.octets)])?;
    let original = transaction.last_insert_rowid();
    tracing::trace!(phase = "original without body");
    transaction
        .prepare_cached("INSERT INTO body (original, codec, bytes, bundle) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![original, keyed.codec, keyed.stored, keyed.bundle])?;
    Ok(original)
}

pub(super) fn store_message(
    transaction: &Transaction<'_>,
    original: i64,
    account: Option<AccountId>,
    arrived: i64,
    twin_of: Option<MessageId>,
) -> Result<MessageId> {
    transaction
        .prepare_cached("INSERT INTO message (original, account, arrived, twin_of) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![original, account, arrived, twin_of])?;
    let id = MessageId(transaction.last_insert_rowid());
    if SortKey(id.0).message() != id {
        return Err(ArchiveError::TooLarge("more than 536,870,911 messages"));
    }
    Ok(id)
}

/// Marks are only ever added here: what is read or starred stays so.
pub(super) fn add_marks(transaction: &Transaction<'_>, id: MessageId, marks: Marks) -> Result<()> {
    if marks != Marks::default() {
        transaction
            .prepare_cached(
                "INSERT INTO mark (message, read, starred) VALUES (?1, ?2, ?3)
                 ON CONFLICT (message) DO UPDATE SET read = max(read, ?2), starred = max(starred, ?3)",
            )?
            .execute(params![id, marks.read, marks.starred])?;
    }
    Ok(())
}
