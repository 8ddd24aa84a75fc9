//! Erasing mail for ever, which only removing an account "with its mail" does: the one place that deletes originals.

use rusqlite::Transaction;

use super::error::{ArchiveError, Result};
use crate::account::AccountId;

/// Erases an account with its messages, ledger, log and those originals that nobody else's message shares.
pub(super) fn account(transaction: &Transaction<'_>, id: AccountId) -> Result<()> {
    transaction.pragma_update(None, "secure_delete", "ON")?;
    transaction.execute("INSERT INTO erasing (yes) VALUES (1)", [])?;
    for sql in [
        "UPDATE message SET twin_of = NULL WHERE account IS NOT ?1
             AND twin_of IN (SELECT id FROM message WHERE account = ?1)",
        "UPDATE ledger SET message = NULL, state = CASE WHEN state IN (1, 2, 4) THEN 0 ELSE state END
             WHERE message IN (SELECT id FROM message WHERE account = ?1)",
        "DELETE FROM ledger WHERE maildrop IN (SELECT id FROM maildrop WHERE account = ?1)",
        "DELETE FROM mark WHERE message IN (SELECT id FROM message WHERE account = ?1)",
        "DELETE FROM backup_message WHERE message IN (SELECT id FROM message WHERE account = ?1)",
        "DELETE FROM body WHERE original IN (SELECT original FROM message WHERE account = ?1)
             AND original NOT IN (SELECT original FROM message WHERE account IS NOT ?1)",
        "DELETE FROM message WHERE account = ?1 AND twin_of IS NOT NULL",
        "DELETE FROM message WHERE account = ?1",
        "DELETE FROM session WHERE account = ?1",
        "DELETE FROM maildrop WHERE account = ?1",
    ] {
        transaction.execute(sql, [id])?;
    }
    transaction.execute("DELETE FROM original WHERE id NOT IN (SELECT original FROM message)", [])?;
    let accounts = transaction.execute("DELETE FROM account WHERE id = ?1", [id])?;
    transaction.execute("DELETE FROM erasing", [])?;
    transaction.pragma_update(None, "secure_delete", "FAST")?;
    if accounts == 1 { Ok(()) } else { Err(ArchiveError::NoSuchAccount) }
}
