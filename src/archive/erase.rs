//! Erasing mail for ever: the one place that deletes originals. Only emptying the bin and removing an account "with its
//! mail" do.
//!
//! Bundles that erased mail was in are packed anew without it, in the same transaction.

use std::collections::BTreeSet;

use rusqlite::{ToSql, Transaction};

use super::bundles;
use super::error::{ArchiveError, Result};
use crate::account::{AccountId, MessageId};

/// Erases an account with its messages, ledger, log and those originals that nobody else's message shares.
pub(super) fn account(transaction: &Transaction<'_>, id: AccountId) -> Result<()> {
    unguarded(transaction, || {
        let originals = "SELECT original FROM message WHERE account = ?1";
        let bundles = bundles::of(transaction, ids_of(transaction, originals, id)?)?;
        for sql in [
            "UPDATE message SET twin_of = NULL WHERE account IS NOT ?1
                 AND twin_of IN (SELECT id FROM message WHERE account = ?1)",
            "UPDATE ledger SET message = NULL, state = CASE WHEN state IN (1, 2, 4) THEN 0 ELSE state END
                 WHERE message IN (SELECT id FROM message WHERE account = ?1)",
            "DELETE FROM ledger WHERE maildrop IN (SELECT id FROM maildrop WHERE account = ?1)",
            "DELETE FROM awaited WHERE maildrop IN (SELECT id FROM maildrop WHERE account = ?1)",
            "DELETE FROM mark WHERE message IN (SELECT id FROM message WHERE account = ?1)",
            "DELETE FROM bin WHERE message IN (SELECT id FROM message WHERE account = ?1)",
            "DELETE FROM backup_message WHERE message IN (SELECT id FROM message WHERE account = ?1)",
            "DELETE FROM body WHERE original IN (SELECT original FROM message WHERE account = ?1)
                 AND original NOT IN (SELECT original FROM message WHERE account IS NOT ?1)",
            "DELETE FROM message WHERE account = ?1 AND twin_of IS NOT NULL",
            "DELETE FROM message WHERE account = ?1",
            "DELETE FROM session_entry WHERE session IN (SELECT id FROM session WHERE account = ?1)",
            "DELETE FROM session WHERE account = ?1",
            "DELETE FROM maildrop WHERE account = ?1",
        ] {
            transaction.execute(sql, [id])?;
        }
        transaction.execute("DELETE FROM original WHERE id NOT IN (SELECT original FROM message)", [])?;
        bundles::renew(transaction, &bundles)?;
        let accounts = transaction.execute("DELETE FROM account WHERE id = ?1", [id])?;
        if accounts == 1 { Ok(()) } else { Err(ArchiveError::NoSuchAccount) }
    })
}

/// Erases messages, and those originals that no other message shares. Their rows of the ledger stay, so that they are not
/// fetched again; what is a twin of one of them and not erased with it is shown by itself from now on.
pub(super) fn messages(transaction: &Transaction<'_>, ids: &[MessageId]) -> Result<()> {
    unguarded(transaction, || {
        let mut bundles = BTreeSet::new();
        for id in ids {
            let originals = ids_of(transaction, "SELECT original FROM message WHERE id = ?1", *id)?;
            bundles.append(&mut bundles::of(transaction, originals)?);
        }
        for sql in [
            "INSERT INTO erased (sha256) SELECT sha256 FROM original
                 WHERE id = (SELECT original FROM message WHERE message.id = ?1) ON CONFLICT DO NOTHING",
            "UPDATE message SET twin_of = NULL WHERE twin_of = ?1",
            "UPDATE ledger SET message = NULL, state = 7 WHERE message = ?1",
            "DELETE FROM mark WHERE message = ?1",
            "DELETE FROM bin WHERE message = ?1",
            "DELETE FROM backup_message WHERE message = ?1",
            "DELETE FROM body WHERE original = (SELECT original FROM message WHERE id = ?1)
                 AND NOT EXISTS (SELECT 1 FROM message WHERE message.original = body.original AND id <> ?1)",
        ] {
            let mut statement = transaction.prepare_cached(sql)?;
            ids.iter().try_for_each(|id| statement.execute([id]).map(drop))?;
        }
        let mut original = transaction.prepare_cached("DELETE FROM message WHERE id = ?1 RETURNING original")?;
        let mut orphan = transaction.prepare_cached(
            "DELETE FROM original WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM message WHERE message.original = ?1)",
        )?;
        for id in ids {
            let originals: Vec<i64> = original.query_map([id], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
            originals.iter().try_for_each(|row| orphan.execute([row]).map(drop))?;
        }
        bundles::renew(transaction, &bundles)
    })
}

fn ids_of(transaction: &Transaction<'_>, sql: &str, of: impl ToSql) -> Result<Vec<i64>> {
    let mut statement = transaction.prepare_cached(sql)?;
    Ok(statement.query_map([of], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}

/// Runs `work` with the triggers off that guard originals, and with what it deletes overwritten in the file.
fn unguarded(transaction: &Transaction<'_>, work: impl FnOnce() -> Result<()>) -> Result<()> {
    overwriting(transaction, || {
        transaction.execute("INSERT INTO erasing (yes) VALUES (1)", [])?;
        let done = work();
        transaction.execute("DELETE FROM erasing", [])?;
        done
    })
}

/// Runs `work` with what it takes away overwritten in the file.
pub(super) fn overwriting<T>(transaction: &Transaction<'_>, work: impl FnOnce() -> Result<T>) -> Result<T> {
    transaction.pragma_update(None, "secure_delete", "ON")?;
    let done = work();
    transaction.pragma_update(None, "secure_delete", "FAST")?;
    done
}
